package custom_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/adaptertest"
	"upline.dev/upline/adapters/custom"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var receivedAt = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func store(platform order.Platform, currency money.Currency) adapters.Store {
	return adapters.Store{StoreID: "st_9", Platform: platform, Domain: "https://shop.example", Currency: currency}
}

func delivery(body string) order.Delivery {
	return order.Delivery{StoreID: "st_9", Platform: order.Custom, Topic: custom.Topic, Body: []byte(body), ReceivedAt: receivedAt}
}

func normalise(t testing.TB, body string, s adapters.Store) order.Revision {
	t.Helper()
	revisions, err := custom.New().Normalise(delivery(body), s)
	if err != nil || len(revisions) != 1 {
		t.Fatalf("%d revisions and error %v of %s", len(revisions), err, body)
	}
	if err := custom.Validate([]byte(body), s); err != nil {
		t.Fatalf("validate: %v", err)
	}
	return revisions[0]
}

// normalised is the form of design section 7 with every optional member.
const normalised = `{"platform":"custom","platform_order_id":"A-1","order_ts":"2026-11-10T10:15:00+01:00","status":"partially_refunded",
 "currency":"EUR","distributor_ref":"ANNA","customer_id":77,"updated_at":"2026-11-12T08:00:00Z","test":true,"total":"44.80",
 "items":[{"platform_sku":"SERUM-30","qty":2,"unit_price":"19.90","discount":"1.00"},{"platform_sku":"TEA-12","qty":1,"unit_price":12.00,"line_id":"tea"}],
 "refunds":[{"refund_id":"R-1","refunded_at":"2026-11-12T08:00:00+00:00","lines":[{"platform_sku":"TEA-12","qty":1,"amount":"12.00"}],"amount":"12.00"},
  {"refund_id":2,"amount":"5.00"}]}`

// short is the short form of design section 7.
const short = `{"shopify_order_id":"5001","sku":"TEA-12","customer_id":"77","referrer_id":"ANNA","amount":"19.90"}`

// TestGolden compares whole revisions with files that a person can read.
func TestGolden(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, body string }{
		{"short", short},
		{"short_all", `{"shopify_order_id":6210000000000000001,"sku":"TEA-12","customer_id":null,"referrer_id":null,"amount":59.7,"quantity":3,
			"order_ts":"2026-11-10T10:15:00+01:00","currency":"EUR","status":"refunded","updated_at":"2026-11-11T00:00:00Z","test":false}`},
		{"normalised", normalised},
		{"normalised_least", `{"platform_order_id":"A-2","currency":"EUR","total":"1.00","items":[{"platform_sku":"A","qty":1,"unit_price":"0.60"},{"platform_sku":"A","qty":1,"unit_price":"0.30"}]}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.MarshalIndent(normalise(t, c.body, store(order.Custom, "EUR")), "", "  ")
			if err != nil {
				t.Fatalf("encode: %v", err)
			}
			golden(t, c.name+".json", append(got, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatalf("write golden file: %v", err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("read golden file: %v", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestTotal shows what becomes of the difference between the items and the total.
func TestTotal(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, total  string
		discount     int64
		first, other int64
	}{
		{"equal", "30.00", 0, 2000, 1000},
		{"below: a discount on the whole order", "27.00", 300, 1800, 900},
		{"above: tax or shipping, which earns nothing", "36.90", 0, 2000, 1000},
		{"free", "0", 3000, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := `{"platform_order_id":"A-3","currency":"EUR","total":"` + c.total + `","items":[{"platform_sku":"A","qty":2,"unit_price":"10.00"},{"platform_sku":"B","qty":1,"unit_price":"10.00"}]}`
			got := normalise(t, body, store(order.Custom, "EUR")).Order
			breakdown, err := order.Net(*got, order.NetPolicy{})
			if err != nil || got.OrderDiscountMinor != c.discount || breakdown.Lines[0].NetMinor != c.first || breakdown.Lines[1].NetMinor != c.other {
				t.Errorf("discount %d, lines %+v (%v), want %d, %d and %d", got.OrderDiscountMinor, breakdown.Lines, err, c.discount, c.first, c.other)
			}
		})
	}
}

// TestOneSaleTwoDoors: what the API and the shop's webhook call an order must be one source.
func TestOneSaleTwoDoors(t *testing.T) {
	t.Parallel()
	body := func(id string) string { return strings.Replace(short, `"5001"`, id, 1) }
	shop := store(order.Shopify, "EUR")
	for _, id := range []string{`"6210000000000000001"`, `6210000000000000001`, `"gid://shopify/Order/6210000000000000001"`} {
		if got := normalise(t, body(id), shop).Source; got != (order.Source{StoreID: "st_9", PlatformOrderID: "6210000000000000001"}) {
			t.Errorf("%s gives %q", id, got)
		}
	}
	for _, id := range []string{`"#1001"`, `"1001a"`, `"01001"`, `"+1001"`, `"gid://shopify/Order/x"`, `"gid://shopify/Product/1"`, `0`} {
		wantMalformed(t, body(id), shop, "shopify_order_id")
	}
	phone := strings.Replace(normalised, `"A-1"`, `"PHONE-1"`, 1)
	if got := normalise(t, phone, shop); got.Source.PlatformOrderID != "PHONE-1" || got.Order.Platform != order.Shopify {
		t.Errorf("an order that is none of the shop's own became %q on %q", got.Source, got.Order.Platform)
	}
}

// wantMalformed checks that exactly these fields are named, by Normalise and by Validate.
func wantMalformed(t *testing.T, body string, s adapters.Store, fields ...string) {
	t.Helper()
	revisions, err := custom.New().Normalise(delivery(body), s)
	if err == nil || revisions != nil {
		t.Errorf("%s: %v was accepted, want faults in %q", body, revisions, fields)
		return
	}
	if diff := cmp.Diff(fields, faults(t, err)); diff != "" {
		t.Errorf("%s: faults (-want +got):\n%s\n%v", body, diff, err)
	}
	if again := custom.Validate([]byte(body), s); again == nil || again.Error() != err.Error() {
		t.Errorf("%s: Validate says %v, Normalise %v", body, again, err)
	}
}

// faults lists the fields of one error or of joined ones.
func faults(t *testing.T, err error) []string {
	t.Helper()
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	var fields []string
	for _, one := range all {
		malformed, ok := errors.AsType[*adapters.Malformed](one)
		if !ok || malformed.Reason == "" {
			t.Fatalf("%v is no *Malformed with a reason", one)
		}
		fields = append(fields, malformed.Field)
	}
	return fields
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	with := func(old, text string) string {
		if !strings.Contains(normalised, old) {
			t.Fatalf("the body does not hold %q", old)
		}
		return strings.Replace(normalised, old, text, 1)
	}
	cases := []struct {
		name, body string
		fields     []string
	}{
		{"no id", `{"sku":"A","amount":"1"}`, []string{"$"}},
		{"both forms", strings.Replace(short, "{", `{"items":[],"total":"1","platform_order_id":"x",`, 1), []string{"platform_order_id", "items", "total"}},
		{"members of the short form", with(`"total":`, `"sku":"A","amount":"1","total":`), []string{"sku", "amount"}},
		{"unknown member", with(`"total":`, `"totals":1,"total":`), []string{"totals"}},
		{"unknown member of an item", with(`"qty":2`, `"qty":2,"quantity":2`), []string{"items[0].quantity"}},
		{"member given twice", with(`"qty":2`, `"qty":2,"qty":3`), []string{"items[0].qty"}},
		{"another case", with(`"qty":2`, `"Qty":2`), []string{"items[0].Qty"}},
		{"short form without all", `{"shopify_order_id":"1"}`, []string{"sku", "amount"}},
		{"short form, quantity 0", `{"shopify_order_id":"1","sku":"A","amount":"1","quantity":0}`, []string{"quantity"}},
		{"normalised form without all", `{"platform_order_id":"1"}`, []string{"currency", "items", "total"}},
		{"item without all", `{"platform_order_id":"1","currency":"EUR","total":"1","items":[{}]}`, []string{"items[0].qty", "items[0].unit_price", "items[0].platform_sku"}},
		{"several at once", `{"platform_order_id":"1","currency":"USD","status":"shipped","platform":"etsy","total":"-1","items":[{"platform_sku":"A","qty":-1,"unit_price":"1.001"}]}`, []string{"platform", "currency", "status", "items[0].qty", "items[0].unit_price", "total"}},
		{"discount above the price", with(`"discount":"1.00"`, `"discount":"39.81"`), []string{"items[0].discount"}},
		{"line id twice", with(`"line_id":"tea"`, `"line_id":"1"`), []string{"items[1].line_id"}},
		{"price times qty too large", with(`"unit_price":"19.90"`, `"unit_price":"60000000000000000"`), []string{"items[0].unit_price"}},
		{"sum too large", with(`"unit_price":12.00`, `"unit_price":"92233720368547758.07"`), []string{"items"}},
		{"fraction of a piece", with(`"qty":2`, `"qty":1.5`), []string{"items[0].qty"}},
		{"pieces as text", with(`"qty":2`, `"qty":"2"`), []string{"items[0].qty"}},
		{"time without zone", with(`"2026-11-10T10:15:00+01:00"`, `"2026-11-10T10:15:00"`), []string{"order_ts"}},
		{"time as number", with(`"2026-11-10T10:15:00+01:00"`, `1762766100`), []string{"order_ts"}},
		{"placeholder for a time", with(`"2026-11-10T10:15:00+01:00"`, `"9999-12-31T00:00:00Z"`), []string{"order_ts"}},
		{"time that leaves the calendar", with(`"2026-11-10T10:15:00+01:00"`, `"9999-12-31T23:59:59-10:00"`), []string{"order_ts"}},
		{"e-mail as reference", with(`"ANNA"`, `"anna@probe.example"`), []string{"distributor_ref"}},
		{"e-mail as customer", with(`"customer_id":77`, `"customer_id":"bob@probe.example"`), []string{"customer_id"}},
		{"refund without all", with(`{"refund_id":2,"amount":"5.00"}`, `{}`), []string{"refunds[1].refund_id", "refunds[1].amount"}},
		{"deleted refund with an amount", with(`{"refund_id":2,"amount":"5.00"}`, `{"refund_id":2,"amount":"5.00","deleted":true}`), []string{"refunds[1].deleted"}},
		{"refund of an unknown item", with(`[{"platform_sku":"TEA-12","qty":1`, `[{"line_id":"9","qty":1`), []string{"refunds[0].lines[0].line_id"}},
		{"refund line without item", with(`[{"platform_sku":"TEA-12","qty":1`, `[{"qty":1`), []string{"refunds[0].lines[0].line_id"}},
		{"refund of an item that is there twice", with(`"platform_sku":"SERUM-30"`, `"platform_sku":"TEA-12"`), []string{"refunds[0].lines[0].platform_sku"}},
		{"refund amount that is not its lines'", with(`"amount":"12.00"}],"amount":"12.00"`, `"amount":"12.00"}],"amount":"14.28"`), []string{"refunds[0].amount"}},
		{"blanks around", with(`"TEA-12"`, `" TEA-12"`), []string{"items[1].platform_sku"}},
		{"text that is too long", with(`"ANNA"`, `"`+strings.Repeat("A", 256)+`"`), []string{"distributor_ref"}},
		{"empty body", "", []string{"$"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantMalformed(t, c.body, store(order.Custom, "EUR"), c.fields...)
		})
	}
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	body := func(platform string) string { return strings.Replace(normalised, `"custom"`, `"`+platform+`"`, 1) }
	for platform, want := range map[string]order.Platform{"custom": order.Custom, "magento": order.Magento, "woocommerce": order.WooCommerce} {
		if got := normalise(t, body(platform), store(order.Custom, "EUR")).Order.Platform; got != want {
			t.Errorf("%q is read as %q", platform, got)
		}
	}
	wantMalformed(t, body("magento"), store(order.WooCommerce, "EUR"), "platform")
	wantMalformed(t, body("shopify"), store(order.Shopify, "EUR"), "platform_order_id") // A-1 is no id of Shopify's.
}

// TestValidateChecksTheOrder: a body can be well-formed and still tell an order that cannot be.
func TestValidateChecksTheOrder(t *testing.T) {
	t.Parallel()
	body := strings.Replace(normalised, `{"platform_sku":"TEA-12","qty":1,"amount":"12.00"}`, `{"platform_sku":"TEA-12","qty":2,"amount":"12.00"}`, 1)
	err := custom.Validate([]byte(body), store(order.Custom, "EUR"))
	malformed, ok := errors.AsType[*adapters.Malformed](err)
	if !ok || malformed.Field != "refunds[0].lines[0].quantity" {
		t.Errorf("got %v, want the refund's quantity refused", err)
	}
}

func TestUnknownStoreCurrency(t *testing.T) {
	t.Parallel()
	wantMalformed(t, short, store(order.Custom, ""), "currency")
}

func TestConformance(t *testing.T) {
	t.Parallel()
	least := `{"platform_order_id":"4001","currency":"EUR","status":"paid","total":"29.90","updated_at":"2026-11-11T08:00:00Z","order_ts":"2026-11-10T10:15:00+01:00","items":[{"platform_sku":"A","qty":1,"unit_price":"29.90"}]}`
	later := strings.NewReplacer(`"paid"`, `"partially_refunded"`, "11-11T08", "11-12T08", `"items"`, `"refunds":[{"refund_id":"R","amount":"9.90"}],"items"`).Replace(least)
	undone := strings.NewReplacer("11-12T08", "11-13T08", `"amount":"9.90"`, `"deleted":true`).Replace(later)
	said := func(name, body, id string, nets map[string]int64) adaptertest.Delivery {
		return adaptertest.Delivery{Name: name, Topic: custom.Topic, Body: []byte(body), Kind: order.Snapshot, PlatformOrderID: id, NetMinor: nets}
	}
	line := func(name, body string, nets map[string]int64) adaptertest.Delivery {
		d := said(name, body, "5001", nets)
		d.Kind = order.OneLine
		return d
	}
	tea, oil := line("short", short, map[string]int64{"TEA-12": 1990}), line("short, another SKU", strings.NewReplacer("TEA-12", "OIL-5", "19.90", "7.00").Replace(short), map[string]int64{"OIL-5": 700})
	paid, refunded := said("paid", least, "4001", map[string]int64{"1": 2990}), said("refunded", later, "4001", map[string]int64{"1": 2000})
	deleted := said("refund deleted", undone, "4001", map[string]int64{"1": 2990})
	adaptertest.Run(t, custom.New(), adaptertest.Cases{
		Store: store(order.Custom, "EUR"),
		Arrivals: []adaptertest.Arrival{
			{Name: "without a key", Body: []byte(short), Want: adapters.Envelope{Topic: custom.Topic}},
			{Name: "with a key", Headers: map[string]string{"idempotency-key": "k 1"}, Body: []byte(short), Want: adapters.Envelope{Topic: custom.Topic, PlatformDeliveryID: "key:k 1"}},
			{Name: "with a long key", Headers: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}, Malformed: "Idempotency-Key"},
			{Name: "with a line feed in the key", Headers: map[string]string{"Idempotency-Key": "a\nb"}, Malformed: "Idempotency-Key"},
		},
		Deliveries: []adaptertest.Delivery{
			paid, refunded, deleted, tea, oil,
			// 50.80 less the order discount 6.00 and the refunds 12.00 and 5.00. The tea had only 10.59 after its share of the
			// discount, so 1.41 of its refund is taken from the serum.
			said("every member", normalised, "A-1", map[string]int64{"1": 2780, "tea": 0}),
		},
		Spots: []adaptertest.Spot{
			{Delivery: paid, Amount: `"unit_price":"29.90"`, ID: `"platform_order_id":"4001"`},
			{Delivery: tea, Amount: `"amount":"19.90"`, ID: `"shopify_order_id":"5001"`},
		},
		Converging: []adaptertest.Converging{
			{Name: "refund", Deliveries: []adaptertest.Delivery{paid, refunded}, NetMinor: map[string]int64{"1": 2000}},
			{Name: "a refund that was deleted", Deliveries: []adaptertest.Delivery{paid, refunded, deleted}, NetMinor: map[string]int64{"1": 2990}},
			{Name: "lines told one by one", Deliveries: []adaptertest.Delivery{tea, oil}, NetMinor: map[string]int64{"TEA-12": 1990, "OIL-5": 700}},
		},
		Without: map[adaptertest.Group]string{
			adaptertest.Signatures: "the API knows its callers by API key; Verify refuses everything, see TestVerifyRefusesEverything",
			adaptertest.Topics:     "the API has one topic",
			adaptertest.Privacy:    "the API has no member for personal data and refuses unknown ones",
		},
	})
}

func TestVerifyRefusesEverything(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][][]byte{nil, {nil}, {[]byte("secret")}} {
		if err := custom.New().Verify(func(string) string { return "anything" }, []byte(short), secrets); !errors.Is(err, adapters.ErrSignature) {
			t.Errorf("got %v, want ErrSignature", err)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add([]byte(short), false)
	f.Add([]byte(normalised), true)
	f.Fuzz(func(t *testing.T, body []byte, shop bool) {
		s := store(order.Custom, "EUR")
		if shop {
			s.Platform = order.Shopify
		}
		revisions, err := custom.New().Normalise(delivery(string(body)), s)
		if err != nil {
			faults(t, err)
			return
		}
		revision := revisions[0]
		text, err := json.Marshal(revision)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		var back order.Revision
		if err := json.Unmarshal(text, &back); err != nil || back.Hash() != revision.Hash() {
			t.Fatalf("decoded %s to another revision (%v)", text, err)
		}
		if _, err := order.Merge(order.State{}, revision); err != nil {
			t.Fatalf("merge: %v", err)
		}
		if custom.Validate(body, s) != nil {
			return
		}
		if breakdown, err := order.Net(*revision.Order, order.NetPolicy{}); err != nil || breakdown.NetMinor < 0 {
			t.Fatalf("net %d of a valid order (%v)", breakdown.NetMinor, err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add("", []byte("{}"))
	f.Add("k", []byte("{}"))
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		open := func(body []byte) (adapters.Envelope, error) {
			return custom.New().Open(func(string) string { return key }, body)
		}
		got, err := open(body)
		again, errAgain := open(bytes.Clone(body))
		if got != again || (err == nil) != (errAgain == nil) || err == nil && (got.Topic != custom.Topic || got.PlatformDeliveryID == "") {
			t.Fatalf("%+v (%v) and %+v (%v)", got, err, again, errAgain)
		}
	})
}
