package shopify_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	goshopify "github.com/bold-commerce/go-shopify/v4"
	"pgregory.net/rapid"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// request is the delivery as go-shopify reads it.
func request(signature string, body []byte) *http.Request {
	header := http.Header{}
	if signature != "" {
		header.Set("X-Shopify-Hmac-Sha256", signature)
	}
	return &http.Request{Header: header, Body: io.NopCloser(bytes.NewReader(body))}
}

// TestVerifyAgreesWithGoShopify holds Verify against the platform's client library, signature by signature.
func TestVerifyAgreesWithGoShopify(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "body") // go-shopify refuses an empty one
		secret := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
		signature := sign(body, secret)["X-Shopify-Hmac-Sha256"]
		if rapid.Bool().Draw(t, "tampered") {
			signature = sign(append(body, rapid.Byte().Draw(t, "more")), secret)["X-Shopify-Hmac-Sha256"]
		}
		theirs, _ := goshopify.App{ApiSecret: string(secret)}.VerifyWebhookRequestVerbose(request(signature, body))
		header := func(name string) string { return request(signature, body).Header.Get(name) }
		ours := shopify.New().Verify(header, body, [][]byte{secret}) == nil
		if ours != theirs {
			t.Fatalf("ours %v, go-shopify's %v", ours, theirs)
		}
	})
}

// TestVerifyRefusesWhatGoShopifyAccepts shows the fault that the adapter does without: an app without a secret takes any
// body signed with the empty key.
func TestVerifyRefusesWhatGoShopifyAccepts(t *testing.T) {
	t.Parallel()
	body := []byte(`{"id":1}`)
	signature := sign(body, nil)["X-Shopify-Hmac-Sha256"]
	if !(goshopify.App{}).VerifyWebhookRequest(request(signature, body)) {
		t.Fatal("go-shopify refuses the empty key by now; say so in the reference")
	}
	header := func(name string) string { return request(signature, body).Header.Get(name) }
	if err := shopify.New().Verify(header, body, [][]byte{{}}); err == nil {
		t.Error("a body signed with the empty key was accepted")
	}
}

// samples are where the folder of third-party payloads may be, seen from a clone and from a worktree one level deeper. They are
// not ours to copy; where the folder is, it adds cases to our own.
var samples = []string{"../../../shared/data/shopify", "../../../../shared/data/shopify"}

// samplesFolder is "" where the folder is missing.
func samplesFolder() string {
	for _, folder := range samples {
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
	}
	return ""
}

// sampleBodies unwraps what the collections wrap: REST answers, lists, and documentation entries.
func sampleBodies(t *testing.T, file string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("read sample: %v", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if response, ok := members["response"]; ok {
		return [][]byte{response}
	}
	for _, name := range []string{"order", "refund"} {
		if inner, ok := members[name]; ok {
			return [][]byte{inner}
		}
	}
	for _, name := range []string{"orders", "refunds"} {
		var list []json.RawMessage
		if inner, ok := members[name]; ok && members["id"] == nil && json.Unmarshal(inner, &list) == nil {
			out := make([][]byte, len(list))
			for i := range list {
				out[i] = list[i]
			}
			return out
		}
	}
	return [][]byte{text}
}

// sampleTopic guesses the topic from a sample's file name; "" is no order's or refund's.
func sampleTopic(file string) string {
	switch name := filepath.Base(file); {
	case strings.Contains(file, "json-schema"): // It describes bodies and is none.
		return ""
	case strings.Contains(name, "orders_edited") || name == "2025-04_orders_2.json":
		return "orders/edited"
	case name == "orders_delete.json":
		return "orders/delete"
	case strings.Contains(name, "draft") || strings.Contains(name, "transaction") || strings.Contains(name, "orders_risk") ||
		strings.Contains(name, "orders_shopify_protect") || name == "2025-04_orders_3.json":
		return ""
	case strings.Contains(name, "refund"):
		return "refunds/create"
	case strings.Contains(name, "order"):
		return "orders/updated"
	}
	return ""
}

// TestSamples reads every body of an order or a refund, ours and those of others: into a revision that validates and adds up to
// the platform's own subtotal, or into a clear refusal. Each that does not come through is named with the reason.
func TestSamples(t *testing.T) {
	t.Parallel()
	own := 0
	for name, want := range expectations(t) {
		own++
		refusal := want.Malformed
		if refusal != "" {
			refusal += ": "
		}
		checkSample(t, name, want.Topic, fixture(t, name), want.Currency, refusal)
	}
	if own < 30 {
		t.Errorf("only %d bodies of our own were read", own)
	}
	if folder := samplesFolder(); folder != "" {
		readSamples(t, folder)
	}
}

// readSamples reads the bodies of others.
func readSamples(t *testing.T, folder string) {
	t.Helper()
	refused := map[string]string{ // by file, part of the error
		"shopify-app-js-rest-2026-07/order_03.json": "updated_at: the field is missing", "shopify-app-js-rest-2026-07/order_07.json": "updated_at: the field is missing",
		"shopify-app-js-rest-2026-07/order_09.json": "id: the field is missing", "shopify-app-js-rest-2026-07/order_10.json": "id: the field is missing",
		"shopify-app-js-rest-2026-07/order_34.json":  "id: the field is missing",
		"shopify-app-js-rest-2026-07/order_14.json":  "stated.subtotal_minor", // stale after a cancel
		"shopify-app-js-rest-2026-07/order_15.json":  "stated.subtotal_minor", // stale after a cancel
		"shopify-app-js-rest-2026-07/refund_05.json": "order_id: the field is missing", "shopify-app-js-rest-2026-07/refund_06.json": "order_id: the field is missing",
		"shopify-app-js-rest-2026-07/refund_07.json": "order_id: the field is missing",
		"shopify_python_api/orders.json":             "line_items: the field is missing",
	}
	read := 0
	err := filepath.WalkDir(folder, func(file string, _ os.DirEntry, err error) error {
		topic := sampleTopic(file)
		if err != nil || topic == "" || filepath.Ext(file) != ".json" || strings.HasSuffix(file, "expected.json") {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		for _, body := range sampleBodies(t, file) {
			read++
			want := refused[filepath.ToSlash(name)]
			if strings.HasPrefix(name, "gadget-exemplars") {
				want = ": " // Every value is replaced by a placeholder: it must be refused with a reason, nothing more.
			}
			currency := money.Currency("USD")
			if strings.Contains(name, "eur") || strings.HasSuffix(name, "order_16.json") {
				currency = "EUR"
			}
			checkSample(t, name, topic, body, currency, want)
		}
		return nil
	})
	if err != nil || read < 60 {
		t.Fatalf("read %d samples: %v", read, err)
	}
}

func checkSample(t *testing.T, name, topic string, body []byte, currency money.Currency, refusal string) {
	t.Helper()
	revisions, err := shopify.New().Normalise(delivery(topic, body), store(currency))
	if err == nil && revisions[0].Kind == order.Snapshot {
		err = revisions[0].Order.Validate()
		if err == nil {
			checkIdentity(t, name, revisions[0].Order)
		}
	}
	if refusal == "" && strings.Contains(name, "orders_") && err != nil && strings.Contains(err.Error(), "stated.subtotal_minor") {
		return // The documentation's own totals disagree.
	}
	if (err == nil) != (refusal == "") || err != nil && !strings.Contains(err.Error(), refusal) {
		t.Errorf("%s: error %v, want one with %q", name, err, refusal)
	}
}

// checkIdentity adds the lines up by itself: gross less discounts less refunds, tax as the prices have it, is what the platform
// states as what is left.
func checkIdentity(t *testing.T, name string, o *order.Order) {
	t.Helper()
	if o.Stated.SubtotalMinor == nil {
		return
	}
	sum := int64(0)
	for _, l := range o.Lines {
		sum += l.GrossMinor - l.DiscountMinor
	}
	for _, r := range o.Refunds {
		for _, l := range r.Lines {
			sum -= l.SubtotalMinor
		}
	}
	if sum != *o.Stated.SubtotalMinor {
		t.Errorf("%s: lines come to %d, the order says %d", name, sum, *o.Stated.SubtotalMinor)
	}
}

// TestDerivedSamples holds what orders come to, tax inside the prices or not: ours, and the tax-inclusive ones of others.
func TestDerivedSamples(t *testing.T) {
	t.Parallel()
	net := func(name, topic string, body []byte, currency money.Currency, wantNet, wantStated int64) {
		revisions, err := shopify.New().Normalise(delivery(topic, body), store(currency))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o := revisions[0].Order
		got, err := order.Net(*o, order.NetPolicy{})
		if err != nil || got.NetMinor != wantNet || *o.Stated.SubtotalMinor != wantStated {
			t.Errorf("%s: net %d (%v), want %d", name, got.NetMinor, err, wantNet)
		}
	}
	taxed := map[money.Currency]bool{}
	for name, want := range expectations(t) {
		if want.Kind == order.Snapshot && want.Stated != nil && want.Lines != nil && want.With == nil {
			taxed[want.Currency] = true
			net(name, want.Topic, fixture(t, name), want.Currency, want.NetMinor, *want.Stated)
		}
	}
	for _, currency := range []money.Currency{"EUR", "JPY", "KWD", "USD"} {
		if !taxed[currency] {
			t.Errorf("no order in %s was held against its figures", currency)
		}
	}
	folder := samplesFolder()
	if folder == "" {
		return
	}
	text, err := os.ReadFile(filepath.Join(folder, "derived", "expected.json"))
	if err != nil {
		t.Fatalf("read expectations: %v", err)
	}
	var all map[string]struct {
		Currency money.Currency `json:"currency"`
		NetMinor *int64         `json:"order_net_minor"`
		Stated   int64          `json:"identity_left_minor"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("read expectations: %v", err)
	}
	for name, want := range all {
		if want.NetMinor == nil {
			continue
		}
		body, err := os.ReadFile(filepath.Join(folder, "derived", name))
		if err != nil {
			t.Fatalf("read sample: %v", err)
		}
		net(name, "orders/updated", body, want.Currency, *want.NetMinor, want.Stated)
	}
}

var _ adapters.Adapter = shopify.New()
