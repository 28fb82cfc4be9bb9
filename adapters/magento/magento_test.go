package magento_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// edited is a fixture with one text in the place of another, which must be there.
func edited(t testing.TB, body []byte, pairs ...string) []byte {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !bytes.Contains(body, []byte(pairs[i])) {
			t.Fatalf("the body does not hold %q", pairs[i])
		}
		body = bytes.Replace(body, []byte(pairs[i]), []byte(pairs[i+1]), 1)
	}
	return body
}

// nets is what an order comes to under a policy, by line.
func nets(t testing.TB, revision order.Revision, policy order.NetPolicy) map[string]int64 {
	t.Helper()
	if err := revision.Order.Validate(); err != nil {
		t.Fatal(err)
	}
	b, err := order.Net(*revision.Order, policy)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, line := range b.Lines {
		out[line.LineID] = line.NetMinor
	}
	return out
}

// TestPartialInvoice: a plan that pays partly paid orders pays on exactly what is invoiced of each row, one that does not on
// nothing; once the rest is cancelled both pay on it.
func TestPartialInvoice(t *testing.T) {
	t.Parallel()
	proportional := order.NetPolicy{PartiallyPaid: order.PartialProportional}
	inPart, err := read(t, plugin.Topic, fixture(t, "module", "invoiced_in_part.json"), "USD")
	if err != nil {
		t.Fatal(err)
	}
	rest, err := read(t, plugin.Topic, fixture(t, "module", "rest_cancelled.json"), "USD")
	if err != nil {
		t.Fatal(err)
	}
	paid := map[string]int64{"11": 9000, "12": 5400, "15": 0, "16": 0, "17": 0, "20": 0}
	for _, c := range []struct {
		name   string
		told   order.Revision
		policy order.NetPolicy
		want   map[string]int64
	}{
		{"in part, by row", inPart, proportional, paid},
		{"in part, none", inPart, order.NetPolicy{}, nothing("11", "12", "15", "16", "17", "20")},
		{"in part, all", inPart, order.NetPolicy{PartiallyPaid: order.PartialAll}, map[string]int64{"11": 18000, "12": 8100, "15": 9000, "16": 4500, "17": 7200, "20": 1800}},
		{"rest cancelled, by row", rest, proportional, paid},
		{"rest cancelled, none", rest, order.NetPolicy{}, paid},
	} {
		if diff := cmp.Diff(c.want, nets(t, c.told, c.policy)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestStatus: amounts decide, Magento's own state only where there are none.
func TestStatus(t *testing.T) {
	t.Parallel()
	one := fixture(t, "module", "one_line.json")
	for name, c := range map[string]struct {
		body []byte
		want order.Status
	}{
		"new":                     {fixture(t, "module", "placed.json"), order.Pending},
		"part invoiced":           {fixture(t, "module", "invoiced_in_part.json"), order.PartiallyPaid},
		"refunded in part":        {fixture(t, "module", "invoiced_and_refunded.json"), order.PartiallyRefunded},
		"cancelled":               {fixture(t, "module", "cancelled.json"), order.Cancelled},
		"the rest cancelled":      {fixture(t, "module", "rest_cancelled.json"), order.Paid},
		"paid":                    {one, order.Paid},
		"paid, whatever it says":  {edited(t, one, `"state": "processing"`, `"state": "closed"`), order.Paid},
		"cancelled, rows silent":  {edited(t, fixture(t, "module", "cancelled.json"), `"quantity_cancelled": "1"`, `"quantity_cancelled": "0"`), order.Cancelled},
		"open invoice":            {edited(t, one, `"paid": "49.9000"`, `"paid": "0.0000"`), order.Pending},
		"invoice paid in part":    {edited(t, one, `"paid": "49.9000"`, `"paid": "10.0000"`), order.PartiallyPaid},
		"held before its invoice": {edited(t, fixture(t, "module", "placed.json"), `"state": "new"`, `"state": "holded"`), order.Pending},
	} {
		got, err := read(t, plugin.Topic, c.body, "USD")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Order.Status != c.want {
			t.Errorf("%s: %s, want %s", name, got.Order.Status, c.want)
		}
		if n := nets(t, got, order.NetPolicy{PartiallyPaid: order.PartialProportional}); c.want == order.Cancelled && n["21"] != 0 {
			t.Errorf("%s: pays on %v", name, n)
		}
	}
}

// TestGivenAway: a discount of the price with tax takes more than the price; nothing is earned on the row, the cents of its parts
// are nobody's, and the order still has to come to its grand total.
func TestGivenAway(t *testing.T) {
	t.Parallel()
	one := fixture(t, "module", "one_line.json")
	gone := edited(t, one, `"discount": "0.0000"`, `"discount": "54.3300"`, `"net": "49.9000"`, `"net": "-4.4300"`,
		`"net_invoiced": "49.9000"`, `"net_invoiced": "-4.4300"`, `"grand_total": "49.9000"`, `"grand_total": "5.5700"`,
		`"shipping": "0.0000"`, `"shipping": "10.0000"`)
	for name, body := range map[string][]byte{
		"whole":        gone,
		"part":         edited(t, gone, `"net_invoiced": "-4.4300"`, `"net_invoiced": "-0.0100"`),
		"cents sent":   edited(t, gone, `"net_invoiced": "-4.4300"`, `"net_invoiced": "0.0100"`, `"net_refunded": "0.0000"`, `"net_refunded": "-0.0100"`),
		"to the cent":  edited(t, gone, `"net": "-4.4300"`, `"net": "0.0000"`, `"grand_total": "5.5700"`, `"grand_total": "10.0000"`),
		"cents refund": edited(t, gone, `"refunds": []`, `"refunds": [{"id": "1", "at": "2026-11-21T10:00:00Z", "lines": [{"line_id": "20", "quantity": "1", "base": {"net": "-0.0100"}, "placed": {"net": "0"}}]}]`),
	} {
		got, err := read(t, plugin.Topic, body, "USD")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := nets(t, got, order.NetPolicy{PartiallyPaid: order.PartialProportional}); n["20"] != 0 {
			t.Errorf("%s: pays on %v", name, n)
		}
		if line := got.Order.Lines[0]; line.GrossMinor != line.DiscountMinor {
			t.Errorf("%s: %d less %d", name, line.GrossMinor, line.DiscountMinor)
		}
	}
	wrong, err := read(t, plugin.Topic, edited(t, gone, `"grand_total": "5.5700"`, `"grand_total": "10.0000"`), "USD")
	if err != nil || wrong.Order.Validate() == nil {
		t.Errorf("a grand total that forgets what the discount took beside the price: %v, %v", err, wrong.Order.Validate())
	}
}

// TestDisagreement: a header that the rows do not come to, and refunds that the credit memos do not come to, make the order wait
// with both figures.
func TestDisagreement(t *testing.T) {
	t.Parallel()
	one := fixture(t, "module", "one_line.json")
	for name, c := range map[string]struct {
		body             []byte
		stated, computed int64
	}{
		"grand total":       {edited(t, one, `"grand_total": "49.9000"`, `"grand_total": "50.9000"`), 5090, 4990},
		"half a cent":       {edited(t, one, `"grand_total": "49.9000"`, `"grand_total": "49.9051"`), 4991, 4990},
		"memo not told":     {edited(t, one, `"net_refunded": "0.0000"`, `"net_refunded": "20.0000"`), 2990, 4990},
		"fixed product tax": {edited(t, one, `"fixed_product_tax": "0.0000"`, `"fixed_product_tax": "1.0000"`), 4890, 4990},
		"store credit":      {edited(t, one, `"store_credit": "0.0000"`, `"store_credit": "9.9000"`), 5980, 4990},
	} {
		got, err := read(t, plugin.Topic, c.body, "USD")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		invalid, ok := errors.AsType[*order.Invalid](got.Order.Validate())
		if !ok || *invalid.StatedMinor != c.stated || *invalid.ComputedMinor != c.computed {
			t.Errorf("%s: %v, want %d and %d to disagree", name, got.Order.Validate(), c.stated, c.computed)
		}
	}
	dust := edited(t, one, `"grand_total": "49.9000"`, `"grand_total": "49.9049"`)
	if got, err := read(t, plugin.Topic, dust, "USD"); err != nil || got.Order.Validate() != nil {
		t.Errorf("less than half a cent: %v, %v", err, got.Order.Validate())
	}
}

// TestBodies names what is wrong with bodies that cannot be read.
func TestBodies(t *testing.T) {
	t.Parallel()
	one, rest := fixture(t, "module", "one_line.json"), fetched(t, "order-after-full-invoice.json")
	for name, c := range map[string]struct {
		topic    string
		body     []byte
		currency money.Currency
		field    string
	}{
		"another type":      {plugin.Topic, edited(t, one, `"order.snapshot"`, `"heartbeat"`), "USD", "type"},
		"newer version":     {plugin.Topic, edited(t, one, `"version": 1`, `"version": 2`), "USD", "version"},
		"no sequence":       {plugin.Topic, edited(t, one, `"sequence": 1`, `"sequence": 0`), "USD", "sequence"},
		"no id":             {plugin.Topic, edited(t, one, `"id": "9007199254740993"`, `"id": ""`), "USD", "order.id"},
		"no time":           {plugin.Topic, edited(t, one, `"created_at": "2026-11-20T23:51:23Z"`, `"created_at": null`), "USD", "order.created_at"},
		"bad time":          {plugin.Topic, edited(t, one, `"created_at": "2026-11-20T23:51:23Z"`, `"created_at": "yesterday"`), "USD", "order.created_at"},
		"currency":          {plugin.Topic, one, "GBP", "order.base.currency"},
		"no net":            {plugin.Topic, edited(t, one, `"net": "49.9000"`, `"net": null`), "USD", "order.lines[0].base.net"},
		"half a unit":       {plugin.Topic, edited(t, one, `"quantity": "1"`, `"quantity": "1.5"`), "USD", "order.lines[0].quantity"},
		"five decimals":     {plugin.Topic, edited(t, one, `"net": "49.9000"`, `"net": "49.90000"`), "USD", "order.lines[0].base.net"},
		"below zero":        {plugin.Topic, edited(t, one, `"discount": "0.0000"`, `"discount": "-0.0100"`), "USD", "order.lines[0]"},
		"more than ordered": {plugin.Topic, edited(t, one, `"quantity_cancelled": "0"`, `"quantity_cancelled": "2"`), "USD", "order.lines[0]"},
		"no grand total":    {plugin.Topic, edited(t, one, `"grand_total": "49.9000"`, `"grand_total": null`), "USD", "order.base.grand_total"},
		"refund without id": {plugin.Topic, edited(t, fixture(t, "module", "invoiced_and_refunded.json"), `"refunds": [
   {
    "id": "1"`, `"refunds": [
   {
    "id": ""`), "USD", "order.refunds[0].id"},
		"refund below zero": {plugin.Topic, edited(t, fixture(t, "module", "invoiced_and_refunded.json"), `"net": "27.0000"
      },
      "placed"`, `"net": "-27.0000"
      },
      "placed"`), "USD", "order.refunds[0].lines[0]"},
		"fetched, no id":    {adapters.FetchedTopic, edited(t, rest, "\n \"entity_id\": 2,", ""), "USD", "order.entity_id"},
		"fetched, currency": {adapters.FetchedTopic, rest, "GBP", "order.base_currency_code"},
		"fetched, orphan":   {adapters.FetchedTopic, edited(t, rest, `"parent_item_id": 14`, `"parent_item_id": 99`), "USD", "order.items[4].parent_item_id"},
		"fetched, each other's parents": {adapters.FetchedTopic, edited(t, rest, `"parent_item_id": 17`, `"parent_item_id": 15`,
			`"parent_item_id": 14`, `"parent_item_id": 16`, `"parent_item_id": 14`, `"parent_item_id": 15`), "USD", "order.items[7].parent_item_id"},
		"another's memo":   {adapters.FetchedTopic, edited(t, rest, "\"order_id\": 2,\n \"shipping_address_id\"", "\"order_id\": 3,\n \"shipping_address_id\""), "USD", "credit_memos[0].order_id"},
		"fetched, garbage": {adapters.FetchedTopic, []byte(`<html>`), "USD", "$"},
		"fetched, nothing": {adapters.FetchedTopic, []byte(`{}`), "USD", "order.entity_id"},
	} {
		_, err := read(t, c.topic, c.body, c.currency)
		malformed, ok := errors.AsType[*adapters.Malformed](err)
		if !ok || malformed.Field != c.field {
			t.Errorf("%s: %v, want a fault of %s", name, err, c.field)
		}
	}
}
