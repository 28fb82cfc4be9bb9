package order_test

import (
	"fmt"
	"time"

	"upline.dev/upline/core/order"
)

// A refund arrives before the order it belongs to, and the order arrives twice.
func Example() {
	source := order.Source{StoreID: "st_1", PlatformOrderID: "4001"}
	sold := order.Order{
		Source: source, OrderTS: time.Date(2026, 11, 10, 9, 15, 0, 0, time.UTC), Status: order.Paid, Currency: "EUR",
		Lines: []order.Line{{LineID: "1", Kind: order.Product, PlatformSKU: "SERUM-30", Quantity: 2, GrossMinor: 9980}},
	}
	snapshot := order.Revision{Source: source, Channel: order.Webhook, Kind: order.Snapshot, Order: &sold}
	refund := order.Revision{
		Source: source, Channel: order.Webhook, Kind: order.Refunding,
		Refunds: []order.Refund{{RefundID: "r1", Lines: []order.RefundLine{{LineID: "1", Quantity: 1, SubtotalMinor: 4990}}}},
	}
	var state order.State
	for _, revision := range []order.Revision{refund, snapshot, snapshot} {
		var err error
		if state, err = order.Merge(state, revision); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := state.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	now, err := state.Effective()
	if err != nil {
		fmt.Println(err)
		return
	}
	net, err := order.Net(now, order.NetPolicy{})
	fmt.Println(net.NetMinor, net.Lines[0].QuantityLeft, err)
	// Output: 4990 1 <nil>
}
