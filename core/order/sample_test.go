package order

import (
	"testing"
	"time"
)

func ptr(v int64) *int64 { return &v }

var placed = time.Date(2026, 11, 10, 9, 15, 0, 0, time.UTC)

// product is a line of quantity units worth gross minor units together.
func product(id string, quantity, gross int64) Line {
	return Line{LineID: id, Kind: Product, PlatformSKU: "SKU-" + id, Quantity: quantity, GrossMinor: gross}
}

// paidOrder is a valid paid order with the given lines.
func paidOrder(lines ...Line) Order {
	return Order{
		Source:   Source{StoreID: "st_1", PlatformOrderID: "4001"},
		Platform: Shopify, OrderTS: placed, Status: Paid, Currency: "EUR", Lines: lines,
	}
}

// goods is a refund of one line.
func goods(id, lineID string, quantity, subtotal, tax int64) Refund {
	return Refund{RefundID: id, Lines: []RefundLine{{LineID: lineID, Quantity: quantity, SubtotalMinor: subtotal, TaxMinor: tax}}}
}

// taxIncluded is the order of a German shop before and after one of two serums went back, as Shopify tells it within
// one second: prices contain tax, an order code is shared over both lines.
func taxIncluded() (paid, refunded Order) {
	lines := func(left int64) []Line {
		return []Line{
			{
				LineID: "1001", Kind: Product, PlatformSKU: "SERUM-30", Quantity: 2, CurrentQuantity: ptr(left), UnitPriceMinor: 4990,
				GrossMinor: 9980, DiscountMinor: 998, TaxMinor: 1497,
			},
			{
				LineID: "1002", Kind: Product, PlatformSKU: "TEA-12", Quantity: 1, CurrentQuantity: ptr(1), UnitPriceMinor: 1200,
				GrossMinor: 1200, DiscountMinor: 120, TaxMinor: 98,
			},
		}
	}
	paid = paidOrder(lines(2)...)
	paid.TaxesIncluded, paid.TotalMinor, paid.PaidMinor = true, 10662, 10662
	paid.Evidence = []Evidence{{DistributorCode, "ANNA10"}, {CartReference, "ANNA"}}
	refunded = paid
	refunded.Lines = lines(1)
	refunded.Status = PartiallyRefunded
	refunded.Refunds = []Refund{goods("1500", "1001", 1, 4491, 749)}
	paid.Stated.SubtotalMinor, refunded.Stated.SubtotalMinor = ptr(10062), ptr(5571)
	return paid, refunded
}

func snapshot(updated int64, o Order) Revision {
	return Revision{Source: o.Source, Channel: Webhook, Kind: Snapshot, Version: Version{Updated: updated}, Order: &o}
}

func refunding(updated int64, refunds ...Refund) Revision {
	return Revision{Source: paidOrder().Source, Channel: Webhook, Kind: Refunding, Version: Version{Updated: updated}, Refunds: refunds}
}

func revision(kind RevisionKind, channel Channel, updated int64) Revision {
	return Revision{Source: paidOrder().Source, Channel: channel, Kind: kind, Version: Version{Updated: updated}}
}

// merged is the state after all revisions; an error fails the test.
func merged(t testing.TB, revisions ...Revision) State {
	t.Helper()
	var s State
	for i, r := range revisions {
		var err error
		if s, err = Merge(s, r); err != nil {
			t.Fatalf("merge revision %d: %v", i, err)
		}
	}
	return s
}

func mustNet(t testing.TB, o Order, p NetPolicy) Breakdown {
	t.Helper()
	b, err := Net(o, p)
	if err != nil {
		t.Fatalf("net: %v", err)
	}
	return b
}

func mustEffective(t testing.TB, s State) Order {
	t.Helper()
	o, err := s.Effective()
	if err != nil {
		t.Fatalf("effective: %v", err)
	}
	return o
}

func nets(b Breakdown) []int64 {
	var out []int64
	for _, line := range b.Lines {
		out = append(out, line.NetMinor)
	}
	return out
}
