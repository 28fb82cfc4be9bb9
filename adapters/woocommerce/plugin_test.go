package woocommerce_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/adaptertest"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// snapshotBase is a paid order of two units; the tests change members of it.
const snapshotBase = `{
  "type": "order.snapshot", "version": 1, "event_id": "evt_1", "sequence": 1, "cause": "order.created",
  "occurred_at": "2026-11-21T00:02:42Z", "site": "https://shop.example.com", "platform": "woocommerce",
  "store": {"currency": "USD", "decimals": 2, "prices_include_tax": false},
  "order": {
    "id": "20", "number": "20", "currency": "USD", "status": "processing", "paid": true, "trashed": false, "deleted": false,
    "created_at": "2026-11-21T00:02:39Z", "customer": {"id": "2", "country": "US"}, "total": "71.21", "total_tax": "5.42",
    "lines": [{"id": "1", "sku": "TEA-001", "product_id": "11", "variation_id": "", "quantity": "2", "subtotal": "59.80", "total": "59.80", "tax": "4.93"}],
    "fees": [], "shipping": [{"id": "2", "total": "5.99", "tax": "0.49"}], "coupons": [], "refunds": [], "attribution": []
  }
}`

const lineRefund = `{"id": "21", "at": "2026-11-21T00:03:00Z", "amount": "32.37", "lines": [{"line_id": "1", "quantity": "1", "total": "29.90", "tax": "2.47"}], "fees": [], "shipping": []}`

// snapshot is the base with members replaced; every pair must change something.
func snapshot(t testing.TB, pairs ...string) []byte {
	t.Helper()
	body := snapshotBase
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(body, pairs[i]) {
			t.Fatalf("the snapshot does not hold %q", pairs[i])
		}
		body = strings.Replace(body, pairs[i], pairs[i+1], 1)
	}
	return []byte(body)
}

// pluginDeliveries tell one order: sold, one unit refunded, the refund deleted, trashed, restored.
func pluginDeliveries(t testing.TB) []adaptertest.Delivery {
	t.Helper()
	tell := func(name string, sequence int, left int64, pairs ...string) adaptertest.Delivery {
		pairs = append(pairs, `"sequence": 1`, fmt.Sprintf(`"sequence": %d`, sequence))
		return adaptertest.Delivery{
			Name: name, Topic: plugin.Topic, Body: snapshot(t, pairs...), Kind: order.Snapshot, PlatformOrderID: "20",
			NetMinor: map[string]int64{"1": left},
		}
	}
	gone := `"refunds": [{"id": "21", "at": "2026-11-21T00:03:00Z", "deleted": true}]`
	return []adaptertest.Delivery{
		tell("sold", 1, 5980),
		tell("refunded", 2, 2990, `"refunds": []`, `"refunds": [`+lineRefund+`]`),
		tell("refund deleted", 3, 5980, `"refunds": []`, gone),
		tell("trashed", 4, 0, `"refunds": []`, gone, `"trashed": false`, `"trashed": true`, `"status": "processing", "paid": true`, `"status": "trash", "paid": false`),
		tell("restored", 5, 5980, `"refunds": []`, gone),
	}
}

// TestRecordedByPlugin reads what the plugin told of one order in a real shop, WooCommerce 10.9.1, as it was edited, refunded
// and thrown away. The plugin's own tests read the same file.
func TestRecordedByPlugin(t *testing.T) {
	t.Parallel()
	var cases []struct {
		What  string          `json:"what"`
		Net   string          `json:"net"`
		Event json.RawMessage `json:"event"`
	}
	read(t, "../../plugins/woocommerce/upline-for-woocommerce/tests/golden/recorded.json", &cases)
	var told []order.Revision
	for _, c := range cases {
		revisions := normalise(t, plugin.Topic, c.Event, "EUR")
		told = append(told, revisions...)
		o, b := net(t, merge(t, revisions...))
		if got := money.FormatMinor(b.NetMinor, o.Currency); got != c.Net {
			t.Errorf("%s: net %s, want %s", c.What, got, c.Net)
		}
	}
	// All of them, however they arrive, end where the last one does.
	slices.Reverse(told)
	o, b := net(t, merge(t, told...))
	if got, want := money.FormatMinor(b.NetMinor, o.Currency), cases[len(cases)-1].Net; len(cases) == 0 || got != want {
		t.Errorf("backwards: net %s, want %s", got, want)
	}
}

func TestSnapshotNet(t *testing.T) {
	t.Parallel()
	money := func(id int, amount string) string {
		return fmt.Sprintf(`{"id": "%d", "at": "2026-11-21T00:04:00Z", "amount": "%s", "lines": [], "fees": [], "shipping": []}`, id, amount)
	}
	refunds := func(list ...string) []string {
		return []string{`"refunds": []`, `"refunds": [` + strings.Join(list, ", ") + `]`}
	}
	cases := []struct {
		name     string
		currency string
		pairs    []string
		want     int64
	}{
		{"sold", "USD", nil, 5980},
		{"one unit back", "USD", refunds(lineRefund), 2990},
		{"money alone is gross of goods, tax and shipping", "USD", refunds(money(21, "10.00")), 5980 - 840}, // 10.00 x 59.80/71.21 = 8.40
		{"all the money in one", "USD", append(refunds(money(21, "71.21")), `"status": "processing", "paid": true`, `"status": "refunded", "paid": false`), 0},
		{"all the money in three", "USD", refunds(money(23, "31.21"), money(21, "33.33"), money(22, "6.67")), 0},
		{"a unit, then the rest", "USD", refunds(lineRefund, money(22, "38.84")), 0},
		{"refunds given, then completed again", "USD", append(refunds(money(21, "71.21")), `"status": "processing"`, `"status": "completed"`), 0},
		{"goods alone", "USD", refunds(strings.Replace(lineRefund, `"32.37"`, `"30.00"`, 1)), 2990}, // less paid back than named
		{"quantity without money", "USD", refunds(`{"id": "21", "at": "2026-11-21T00:03:00Z", "amount": "0.00", "lines": [{"line_id": "1", "quantity": "2", "total": "0", "tax": "0"}]}`), 0},
		{"money without quantity", "USD", refunds(`{"id": "21", "at": "2026-11-21T00:03:00Z", "amount": "10.00", "lines": [{"line_id": "1", "quantity": "0", "total": "10.00", "tax": "0"}]}`), 4980},
		{"shipping back", "USD", refunds(`{"id": "21", "at": "2026-11-21T00:03:00Z", "amount": "6.48", "lines": [], "shipping": [{"total": "5.99", "tax": "0.49"}]}`), 5980},
		{"the word says refunded, but the refund is gone", "USD", append(refunds(`{"id": "21", "at": "2026-11-21T00:03:00Z", "deleted": true}`), `"status": "processing", "paid": true`, `"status": "refunded", "paid": false`), 5980},
		{"cancelled", "USD", []string{`"status": "processing", "paid": true`, `"status": "cancelled", "paid": false`}, 0},
		{"cancelled with a refund", "USD", append(refunds(lineRefund), `"status": "processing", "paid": true`, `"status": "cancelled", "paid": false`), 0},
		{"deleted", "USD", []string{`"deleted": false`, `"deleted": true`}, 0},
		{"on hold", "USD", []string{`"status": "processing", "paid": true`, `"status": "on-hold", "paid": false`}, 0},
		{"a custom status that the shop counts as paid", "USD", []string{`"status": "processing"`, `"status": "picked"`}, 5980},
		{"a custom status that it does not", "USD", []string{`"status": "processing", "paid": true`, `"status": "picked", "paid": false`}, 0},
		{"a discount", "USD", []string{`"total": "59.80", "tax"`, `"total": "53.82", "tax"`, `"total": "71.21"`, `"total": "65.23"`}, 5382},
		{"a price raised above the subtotal", "USD", []string{`"total": "59.80", "tax"`, `"total": "69.80", "tax"`, `"total": "71.21"`, `"total": "81.21"`}, 6980},
		{"a free line", "USD", []string{`"total": "59.80", "tax"`, `"total": "0", "tax"`, `"total": "71.21"`, `"total": "11.41"`}, 0},
		{"a negative fee with tax", "USD", []string{`"fees": []`, `"fees": [{"total": "-0.50", "tax": "-0.04"}]`, `"total": "71.21"`, `"total": "70.71"`}, 5980},
		{"tax taken out of the price", "USD", []string{`"59.80", "total": "59.80"`, `"59.796748", "total": "59.796748"`}, 5980},
		{"half a cent goes up", "USD", []string{`"59.80", "total": "59.80"`, `"59.805", "total": "59.805"`}, 5981},
		{"no decimals", "JPY", yen(`"3248"`), 3248},
		{"no decimals, price with tax in it", "JPY", yen(`"3247.727273"`), 3248},
		{"three decimals", "KWD", dinar(), 19999},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, b := net(t, merge(t, normalise(t, plugin.Topic, snapshot(t, c.pairs...), currency(c.currency))...))
			if b.NetMinor != c.want {
				t.Errorf("net %d, want %d: %+v", b.NetMinor, c.want, b.Lines)
			}
		})
	}
}

func yen(net string) []string {
	return []string{
		`"currency": "USD", "decimals": 2`, `"currency": "JPY", "decimals": 0`, `"currency": "USD", "status"`, `"currency": "JPY", "status"`,
		`"total": "71.21", "total_tax": "5.42"`, `"total": "3573", "total_tax": "325"`,
		`"subtotal": "59.80", "total": "59.80", "tax": "4.93"`, `"subtotal": ` + net + `, "total": ` + net + `, "tax": "325"`,
		`"total": "5.99", "tax": "0.49"`, `"total": "0", "tax": "0"`,
	}
}

func dinar() []string {
	return []string{
		`"currency": "USD", "decimals": 2`, `"currency": "KWD", "decimals": 3`, `"currency": "USD", "status"`, `"currency": "KWD", "status"`,
		`"total": "71.21", "total_tax": "5.42"`, `"total": "19.999", "total_tax": "0"`,
		`"subtotal": "59.80", "total": "59.80", "tax": "4.93"`, `"subtotal": "19.999", "total": "19.999", "tax": "0"`,
		`"total": "5.99", "tax": "0.49"`, `"total": "0.000", "tax": "0"`,
	}
}

func TestSnapshotFaults(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{ // the field a *Malformed must name -> the change
		"type":                            {`"order.snapshot"`, `"order.updated"`},
		"version":                         {`"version": 1`, `"version": 2`},
		"sequence":                        {`"sequence": 1`, `"sequence": 0`},
		"platform":                        {`"woocommerce"`, `"magento"`},
		"order":                           {`"order": {`, `"other": {`},
		"order.id":                        {`"id": "20"`, `"id": "x20"`},
		"order.currency":                  {`"currency": "USD", "status"`, `"currency": "EUR", "status"`},
		"order.status":                    {`"status": "processing"`, `"status": ""`},
		"order.created_at":                {`"2026-11-21T00:02:39Z"`, `"yesterday"`},
		"order.total":                     {`"total": "71.21"`, `"total": "71,21"`},
		"order.total_tax":                 {`"total_tax": "5.42"`, `"total_tax": null`},
		"store.decimals":                  {`"decimals": 2`, `"decimals": 9`},
		"order.lines":                     {`"lines": [`, `"rows": [`},
		"order.lines[0].id":               {`"id": "1"`, `"id": ""`},
		"order.lines[0].kind":             {`"id": "1"`, `"id": "1", "kind": "bundle"`},
		"order.lines[0].quantity":         {`"quantity": "2"`, `"quantity": "0.5"`},
		"order.lines[0].subtotal":         {`"subtotal": "59.80"`, `"subtotal": "-59.80"`},
		"order.lines[0].total":            {`"total": "59.80"`, `"total": "1e2"`},
		"order.shipping[0].total":         {`"total": "5.99"`, `"total": ""`},
		"order.refunds":                   {`"refunds": []`, `"refunds": null`},
		"order.refunds[0].id":             {`"refunds": []`, `"refunds": [{"amount": "1"}]`},
		"order.refunds[0].at":             {`"refunds": []`, `"refunds": [{"id": "1", "amount": "1"}]`},
		"order.refunds[0].amount":         {`"refunds": []`, `"refunds": [{"id": "1", "at": "2026-11-21T00:03:00Z", "amount": "-1"}]`},
		"order.refunds[0].lines[0].total": {`"refunds": []`, `"refunds": [` + strings.Replace(lineRefund, `"29.90"`, `"-29.90"`, 1) + `]`},
	}
	for field, pairs := range cases {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			revisions, err := woocommerce.New().Normalise(delivery(plugin.Topic, snapshot(t, pairs...)), store("USD"))
			malformed, ok := errors.AsType[*adapters.Malformed](err)
			if !ok || revisions != nil || malformed.Reason == "" {
				t.Fatalf("got %v and %v, want a *Malformed", revisions, err)
			}
			if !strings.HasPrefix(malformed.Field, field) {
				t.Errorf("field %q (%s), want %q", malformed.Field, malformed.Reason, field)
			}
		})
	}
}

// TestYenWithDecimals: a shop that sells in yen with two decimals means half a yen, which nobody can be paid.
func TestYenWithDecimals(t *testing.T) {
	t.Parallel()
	pairs := yen(`"3247.50"`)
	pairs[1] = `"currency": "JPY", "decimals": 2`
	_, err := woocommerce.New().Normalise(delivery(plugin.Topic, snapshot(t, pairs...)), store("JPY"))
	malformed, ok := errors.AsType[*adapters.Malformed](err)
	if !ok || malformed.Field != "order.lines[0].subtotal" {
		t.Fatalf("got %v, want a fault of the line", err)
	}
}

// TestTotalsDisagree: an item saved on its own leaves the order's total behind. The order waits, with both figures.
func TestTotalsDisagree(t *testing.T) {
	t.Parallel()
	state := merge(t, normalise(t, plugin.Topic, snapshot(t, `"subtotal": "59.80", "total": "59.80"`, `"subtotal": "80.00", "total": "80.00"`), "USD")...)
	invalid, ok := errors.AsType[*order.Invalid](state.Validate())
	if !ok || invalid.StatedMinor == nil || *invalid.StatedMinor != 5980 || *invalid.ComputedMinor != 8000 {
		t.Fatalf("got %v, want stated 5980 and computed 8000", invalid)
	}
	mended := merge(t, append(normalise(t, plugin.Topic, snapshot(t, `"sequence": 1`, `"sequence": 2`), "USD"),
		normalise(t, plugin.Topic, snapshot(t, `"subtotal": "59.80", "total": "59.80"`, `"subtotal": "80.00", "total": "80.00"`), "USD")...)...)
	if _, b := net(t, mended); b.NetMinor != 5980 {
		t.Errorf("mended: net %d, want 5980", b.NetMinor)
	}
}

// TestSequenceOutranksWebhooks: once the plugin has spoken, a webhook of the same order changes nothing, whenever it comes.
func TestSequenceOutranksWebhooks(t *testing.T) {
	t.Parallel()
	var webhooks []order.Revision
	for _, r := range recordings(t) {
		if strings.HasPrefix(r.folder, "wc-10.9.1/0") && strings.HasPrefix(r.topic, "order.") && bytes.HasPrefix(r.body, []byte(`{"id":20,`)) {
			webhooks = append(webhooks, normalise(t, r.topic, r.body, "USD")...)
		}
	}
	webhooks = append(webhooks, normalise(t, "order.deleted", []byte(`{"id":20}`), "USD")...)
	if len(webhooks) < 4 {
		t.Fatalf("%d webhooks of the order, want some", len(webhooks))
	}
	told := normalise(t, plugin.Topic, snapshot(t), "USD")
	for _, all := range [][]order.Revision{append(webhooks, told...), append(told, webhooks...)} {
		if _, b := net(t, merge(t, all...)); b.NetMinor != 5980 {
			t.Errorf("net %d, want the plugin's 5980", b.NetMinor)
		}
	}
}

func TestDeletedWebhook(t *testing.T) {
	t.Parallel()
	got := normalise(t, "order.deleted", []byte(`{"id":36}`), "USD")[0]
	if got.Kind != order.Hint || got.Source.PlatformOrderID != "36" || got.Version.Updated == 0 {
		t.Errorf("got %+v, want a hint of order 36", got)
	}
	for field, body := range map[string]string{
		"line_items": `{"id":36,"line_items":[]}`, "id": `{}`, "code": `{"code":"woocommerce_rest_cannot_view","message":"x"}`,
	} {
		_, err := woocommerce.New().Normalise(delivery("order.deleted", []byte(body)), store("USD"))
		if malformed, ok := errors.AsType[*adapters.Malformed](err); !ok || malformed.Field != field {
			t.Errorf("%s: %v, want a fault of %s", body, err, field)
		}
	}
}

// TestRefusedByStore: a correctly signed error in the place of an order is not taken for one.
func TestRefusedByStore(t *testing.T) {
	t.Parallel()
	body := []byte(`{"code":"woocommerce_rest_cannot_view","message":"Sorry","data":{"status":401}}`)
	_, err := woocommerce.New().Normalise(delivery("order.updated", body), store("USD"))
	if malformed, ok := errors.AsType[*adapters.Malformed](err); !ok || malformed.Field != "code" {
		t.Errorf("got %v, want a fault of code", err)
	}
}

func TestDraftIsIgnored(t *testing.T) {
	t.Parallel()
	for topic, body := range map[string][]byte{
		plugin.Topic:    snapshot(t, `"processing"`, `"checkout-draft"`),
		"order.created": []byte(`{"id":5,"status":"checkout-draft","refunds":[]}`),
	} {
		if got := normalise(t, topic, body, "USD")[0]; got.Kind != order.Ignored || got.Note == "" {
			t.Errorf("%s: %+v, want it ignored", topic, got)
		}
	}
}

// TestEvidence: everything is handed on, in its kind's order; what a buyer typed and an e-mail are told apart.
func TestEvidence(t *testing.T) {
	t.Parallel()
	body := snapshot(t, `"coupons": []`, `"coupons": [{"code": "dist-4711"}]`, `"attribution": []`, `"attribution": {
	  "manual": "D-7", "field": "anna@example.test", "first": {"ref": "FIRST"}, "last": {"ref": "LAST"},
	  "core": {"session_entry": "https://shop.example.com/?utm_source=x&ref=ENTRY#top"}}`)
	got := normalise(t, plugin.Topic, body, "USD")[0].Order.Evidence
	want := []order.Evidence{
		{Kind: order.ManualOverride, Value: "D-7"},
		{Kind: order.DistributorCode, Value: "dist-4711"},
		{Kind: order.LandingReference, Value: "LAST"},
		{Kind: order.LandingReference, Value: "FIRST"},
		{Kind: order.LandingReference, Value: "ENTRY"},
		{Kind: order.BoundCustomer, Value: "2"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("evidence %v, want %v", got, want)
	}
	for _, r := range recordings(t) {
		if r.folder == "wc-10.9.1/17-guest-with-meta" && strings.HasPrefix(r.topic, "order.") {
			o := normalise(t, r.topic, r.body, "USD")[0].Order
			if fmt.Sprint(o.Evidence) != fmt.Sprint([]order.Evidence{{Kind: order.CartReference, Value: "D-1001"}}) {
				t.Errorf("%s: evidence %v, want the reference of the meta", r.name, o.Evidence)
			}
		}
	}
}

// TestLongOrder: five hundred lines, refunded line by line, end at nothing.
func TestLongOrder(t *testing.T) {
	t.Parallel()
	body, want := longOrder(t, 500)
	_, b := net(t, merge(t, normalise(t, plugin.Topic, body, "USD")...))
	if b.NetMinor != want || len(b.Lines) != 500 {
		t.Errorf("net %d over %d lines, want %d over 500", b.NetMinor, len(b.Lines), want)
	}
}

// longOrder has lines of 10.00 net, the first half of them refunded.
func longOrder(t testing.TB, lines int) (body []byte, netMinor int64) {
	t.Helper()
	var in map[string]any
	if err := json.Unmarshal([]byte(snapshotBase), &in); err != nil {
		t.Fatalf("read base: %v", err)
	}
	o, _ := in["order"].(map[string]any)
	var rows, back []any
	for i := range lines {
		id := fmt.Sprint(i + 1)
		rows = append(rows, map[string]any{"id": id, "sku": "SKU-" + id, "quantity": "1", "subtotal": "10.00", "total": "10.00", "tax": "0.83"})
		if i < lines/2 {
			back = append(back, map[string]any{"line_id": id, "quantity": "1", "total": "10.00", "tax": "0.83"})
		}
	}
	amount := func(minor int64) string { return money.FormatMinor(minor, "USD") }
	o["lines"], o["total_tax"], o["total"] = rows, amount(int64(lines)*83+49), amount(int64(lines)*1083+599+49)
	o["refunds"] = []any{map[string]any{"id": "9", "at": "2026-11-21T00:03:00Z", "amount": amount(int64(lines/2) * 1083), "lines": back}}
	out, err := json.Marshal(in)
	if err != nil {
		t.Fatalf("make order: %v", err)
	}
	return out, int64(lines-lines/2) * 1000
}

func currency(code string) money.Currency { return money.Currency(code) }

func BenchmarkLongOrder(b *testing.B) {
	body, _ := longOrder(b, 500)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := woocommerce.New().Normalise(delivery(plugin.Topic, body), store("USD")); err != nil {
			b.Fatal(err)
		}
	}
}
