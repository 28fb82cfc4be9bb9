package shopify_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
)

// refuse checks that a body is refused at a field, and that the error does not repeat persons.
func refuse(t *testing.T, d order.Delivery, currency string, field string) {
	t.Helper()
	revisions, err := shopify.New().Normalise(d, store("USD"))
	malformed, ok := errors.AsType[*adapters.Malformed](err)
	if !ok || revisions != nil || malformed.Field != field {
		t.Errorf("%s: %v and error %v, want a *Malformed of %s", currency, revisions, err, field)
	}
	if err != nil && strings.Contains(err.Error(), "Zenobia") {
		t.Errorf("the error names a person: %v", err)
	}
}

// TestRefusedFields breaks one member of a good order at a time.
func TestRefusedFields(t *testing.T) {
	t.Parallel()
	body := fixture(t, "orders_updated_usd_kept_fee.json")
	cases := []struct{ old, text, field string }{
		{`"gift_card": false`, `"gift_card": "Zenobia"`, "line_items[0].gift_card"},
		{`"quantity": 2`, `"quantity": "2"`, "line_items[0].quantity"},
		{`"quantity": 2`, `"quantity": 2.5`, "line_items[0].quantity"},
		{`"quantity": 2`, `"quantity": -2`, "line_items[0].quantity"},
		{`"quantity": 2`, `"quantity": null`, "line_items[0].quantity"},
		{`"quantity": 2`, `"quantity": 99999999999999999999`, "line_items[0].quantity"},
		{`"quantity": 2`, `"quantity": 9223372036854775807`, "line_items[0].price"},
		{`"current_quantity": 1`, `"current_quantity": 3`, "line_items[0].current_quantity"},
		{`"current_quantity": 1`, `"current_quantity": -1`, "line_items[0].current_quantity"},
		{`"sku": "X-30"`, `"sku": {"name": "Zenobia"}`, "line_items[0].sku"},
		{`"discount_allocations": []`, `"discount_allocations": [{"amount": "-1.00"}]`, "line_items[0].discount_allocations[0].amount"},
		{`"discount_allocations": []`, `"discount_allocations": [{}]`, "line_items[0].discount_allocations[0].amount"},
		{`"discount_allocations": []`, `"discount_allocations": [{"amount":"92233720368547758.07"},{"amount":"0.01"}]`, "line_items[0].discount_allocations"},
		{`"financial_status": "partially_refunded"`, `"financial_status": "shipped"`, "financial_status"},
		{`"financial_status": "partially_refunded"`, `"financial_status": null`, "financial_status"},
		{`"currency": "USD",`, ``, "currency"},
		{`"taxes_included": false`, `"taxes_included": null`, "taxes_included"},
		{`"updated_at": "2026-10-03T18:20:07+02:00"`, `"updated_at": "Zenobia"`, "updated_at"},
		{`"updated_at": "2026-10-03T18:20:07+02:00"`, `"updated_at": null`, "updated_at"},
		{`"processed_at": "2026-10-03T18:20:00+02:00"`, `"processed_at": "9999-12-31T23:59:59-10:00"`, "processed_at"},
		{`"refund_line_items": [`, `"refund_line_items": null, "x": [`, "refunds[0].refund_line_items"},
		{`"subtotal": 30.0`, `"subtotal": -30.0`, ""},
		{`"kind": "refund_discrepancy"`, `"kind": 7`, "refunds[0].order_adjustments[0].kind"},
		{`"tax_amount_set": {`, `"tax_amount_set": {"shop_money": {"amount": "-1.00", "currency_code": "USD"}}, "x": {`, "refunds[0].order_adjustments[0].tax_amount"},
	}
	for _, c := range cases {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			if !bytes.Contains(body, []byte(c.old)) {
				t.Fatalf("the body does not hold %q", c.old)
			}
			broken := bytes.Replace(body, []byte(c.old), []byte(c.text), 1)
			if c.field == "" { // The set is preferred, so the plain field is not read.
				if _, err := shopify.New().Normalise(delivery("orders/updated", broken), store("USD")); err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			refuse(t, delivery("orders/updated", broken), c.text, c.field)
		})
	}
}

// TestStatuses is the whole mapping; a cancelled order keeps what says better what is left.
func TestStatuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		financial      string
		open, canceled order.Status
	}{
		{"pending", order.Pending, order.Cancelled},
		{"authorized", order.Authorized, order.Cancelled},
		{"partially_paid", order.PartiallyPaid, order.Cancelled},
		{"paid", order.Paid, order.Cancelled},
		{"partially_refunded", order.PartiallyRefunded, order.PartiallyRefunded},
		{"refunded", order.Refunded, order.Refunded},
		{"voided", order.Voided, order.Voided},
		{"expired", order.Voided, order.Voided},
	}
	body := string(fixture(t, "orders_paid_usd_two_lines.json"))
	for _, c := range cases {
		for at, want := range map[string]order.Status{"null": c.open, `"2026-10-05T08:00:00Z"`: c.canceled} {
			text := strings.NewReplacer(`"financial_status": "paid"`, `"financial_status": "`+c.financial+`"`, `"cancelled_at": null`, `"cancelled_at": `+at).Replace(body)
			revisions, err := shopify.New().Normalise(delivery("orders/updated", []byte(text)), store("USD"))
			if err != nil || revisions[0].Order.Status != want {
				t.Errorf("%s, cancelled at %s: %v (%v), want %s", c.financial, at, revisions, err, want)
			}
		}
	}
}

// TestEveryOrderTopicIsASnapshot: the topic does not matter, so that none can be missed.
func TestEveryOrderTopicIsASnapshot(t *testing.T) {
	t.Parallel()
	body := fixture(t, "orders_paid_usd_two_lines.json")
	var hash [32]byte
	for i, topic := range []string{"orders/create", "orders/paid", "orders/updated", "orders/fulfilled", "orders/partially_fulfilled", "orders/cancelled"} {
		revisions, err := shopify.New().Normalise(delivery(topic, body), store("USD"))
		if err != nil || revisions[0].Kind != order.Snapshot {
			t.Fatalf("%s: %v and error %v", topic, revisions, err)
		}
		if i == 0 {
			hash = revisions[0].Hash()
		}
		if revisions[0].Hash() != hash {
			t.Errorf("%s: the same body gives another revision", topic)
		}
	}
}

// TestHeaders: what the unsigned headers add is an order among deliveries, and the mark of a test.
func TestHeaders(t *testing.T) {
	t.Parallel()
	d := delivery("orders/paid", fixture(t, "orders_paid_usd_two_lines.json"))
	d.Headers = map[string]string{"x-shopify-triggered-at": "2026-10-03T16:20:08.123456789Z", "x-shopify-test": "true"}
	revisions, err := shopify.New().Normalise(d, store("USD"))
	if err != nil {
		t.Fatalf("normalise: %v", err)
	}
	want := order.Version{Updated: 1_791_044_407_000_000, Triggered: 1_791_044_408_123_456}
	if got := revisions[0]; got.Version != want || !got.Order.Test {
		t.Errorf("version %+v, test %v; want %+v and a test", got.Version, got.Order.Test, want)
	}
	d.Headers["x-shopify-triggered-at"] = "yesterday"
	refuse(t, d, "a time that is none", "X-Shopify-Triggered-At")
}

// TestTopicIsNotSigned: a genuine body under a forged topic must not take an order away.
func TestTopicIsNotSigned(t *testing.T) {
	t.Parallel()
	paid, refund := fixture(t, "orders_paid_usd_two_lines.json"), fixture(t, "refunds_create_usd_money_only.json")
	refuse(t, delivery("orders/delete", paid), "an order", "line_items")
	refuse(t, delivery("orders/delete", refund), "a refund", "order_id")
	refuse(t, delivery("orders/delete", []byte(`{}`)), "nothing", "id")
	refuse(t, delivery("refunds/create", paid), "an order", "order_id")
	refuse(t, delivery("orders/updated", refund), "a refund", "updated_at")
	refuse(t, delivery("orders/edited", paid), "an order", "order_edit.order_id")
	refuse(t, delivery("orders/edited", []byte(`{"order_edit":{"order_id":1}}`)), "no time", "order_edit.committed_at")
	refuse(t, delivery("refunds/create", []byte(`{"refund":{}}`)), "wrapped", "refund")
	refuse(t, delivery("orders/paid", []byte(`{"orders":[]}`)), "a list", "orders")
}

// TestContentKey: hand-made deliveries have no id; equal bodies of a topic are one delivery.
func TestContentKey(t *testing.T) {
	t.Parallel()
	open := func(topic, body string) string {
		headers := map[string]string{"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "probe.myshopify.com"}
		envelope, err := shopify.New().Open(func(name string) string { return headers[name] }, []byte(body))
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		return envelope.PlatformDeliveryID
	}
	// printf 'orders/paid\n{}' | sha256sum
	if got, want := open("orders/paid", "{}"), "sha256:5104429eb0a1abeef9fbdf57fc400f2242fd1d0e85be4284b822a5f2d29648ec"; got != want {
		t.Errorf("key %q, want %q", got, want)
	}
	if open("orders/paid", "{}") == open("orders/updated", "{}") {
		t.Error("two topics share a key")
	}
}
