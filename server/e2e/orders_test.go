package e2e_test

import (
	"fmt"
	"strings"
)

// orderBody is an orders/* body of one line: price and quantity, sold by CYD, refunds and status as given.
func orderBody(n int, o orderText) []byte {
	if o.status == "" {
		o.status = "paid"
	}
	if o.updated == "" {
		o.updated = "2026-10-01T10:00:01Z"
	}
	cancelled := "null"
	if o.cancelled != "" {
		cancelled = `"` + o.cancelled + `"`
	}
	return fmt.Appendf(nil, `{"id":%d,"name":"#%d","created_at":"2026-10-01T10:00:00Z","processed_at":"2026-10-01T10:00:00Z","updated_at":%q,
"cancelled_at":%s,"test":false,"currency":"EUR","taxes_included":false,"financial_status":%q,"note_attributes":[{"name":"upline_ref","value":"CYD"}],
"discount_codes":[],"discount_applications":[],"customer":{"id":900000%d},"refunds":[%s],"current_subtotal_price":%q,
"line_items":[{"id":%d,"sku":"TEA","quantity":2,"current_quantity":%d,"gift_card":false,"price":"50.00","discount_allocations":[],"tax_lines":[]}]}`,
		orderID(n), 1000+n, o.updated, cancelled, o.status, n, strings.Join(o.refunds, ","), subtotal(2-o.returned), lineID(n), 2-o.returned)
}

// orderText is what varies between the bodies of one order.
type orderText struct {
	status    string
	updated   string
	cancelled string
	returned  int // units sent back
	refunds   []string
}

// refundBody is a refunds/create body for some units of the one line.
func refundBody(n, number, units int) []byte {
	return fmt.Appendf(nil, `{"id":%d,"order_id":%d,"created_at":"2026-10-02T09:00:00Z","processed_at":"2026-10-02T09:00:00Z",
"order_adjustments":[],"refund_shipping_lines":[],"transactions":[],"refund_line_items":[{"id":%d,"line_item_id":%d,"quantity":%d,"subtotal":%s,"total_tax":0}]}`,
		orderID(n)+int64(number)*1_000_000, orderID(n), orderID(n)+int64(number)*2_000_000, lineID(n), units, subtotal(units))
}

func orderID(n int) int64 { return 6_300_000_000_000_000_000 + int64(n) }
func lineID(n int) int64  { return 6_400_000_000_000_000_000 + int64(n) }

func subtotal(units int) string { return fmt.Sprintf("%d.00", 50*units) }

// wanted is what a full order of 100.00 pays: retail 20 % to CYD, then 5, 3 and 1 % to BEA, ADA and TOP.
var wanted = map[string]string{"CYD": "20.00", "BEA": "5.00", "ADA": "3.00", "TOP": "1.00"}
