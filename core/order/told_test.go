package order

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFetchedOrderKeepsItsBuyer walks an order that a webhook told with its buyer and an API tells again without: whatever
// comes first, the buyer and the evidence that only the webhook could give hold on, and what both tell is the newer one's.
func TestFetchedOrderKeepsItsBuyer(t *testing.T) {
	t.Parallel()
	told := paidOrder(product("A", 2, 2000))
	told.BuyerID, told.Country = "77", "DE"
	told.Evidence = []Evidence{{LandingReference, "anna"}, {BoundCustomer, "77"}, {DistributorCode, "OLD"}}
	older := told
	older.BuyerID = "66"
	fetched := paidOrder(product("A", 2, 2000))
	fetched.Status, fetched.BuyerUntold = PartiallyRefunded, true
	fetched.Refunds = []Refund{goods("r1", "A", 1, 1000, 0)}
	fetched.Evidence = []Evidence{{DistributorCode, "NEW"}}

	want := fetched
	want.BuyerUntold, want.BuyerID, want.Country = false, "77", "DE"
	want.Evidence = []Evidence{{DistributorCode, "NEW"}, {LandingReference, "anna"}, {BoundCustomer, "77"}}
	revisions := []Revision{snapshot(1, older), snapshot(2, told), snapshot(3, fetched)}
	for _, at := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1, 2, 1}} {
		var in []Revision
		for _, i := range at {
			in = append(in, revisions[i])
		}
		if diff := cmp.Diff(want, mustEffective(t, merged(t, in...))); diff != "" {
			t.Errorf("order %v (-want +got):\n%s", at, diff)
		}
	}
	t.Run("a later webhook's guest is a guest", func(t *testing.T) {
		t.Parallel()
		guest := told
		guest.BuyerID, guest.Evidence = "", nil
		o := mustEffective(t, merged(t, snapshot(2, told), snapshot(3, fetched), snapshot(4, guest)))
		if o.BuyerID != "" || len(o.Evidence) != 0 {
			t.Errorf("the buyer is %q with %v, though the newest webhook names nobody", o.BuyerID, o.Evidence)
		}
	})
	t.Run("nobody told", func(t *testing.T) {
		t.Parallel()
		if o := mustEffective(t, merged(t, snapshot(3, fetched))); o.BuyerID != "" || !o.BuyerUntold {
			t.Errorf("buyer %q, untold %v", o.BuyerID, o.BuyerUntold)
		}
	})
}

// TestSalesLedgerMustAgree holds the platform's own sales against the lines: gift cards and tax are not in them, refunds by
// line are.
func TestSalesLedgerMustAgree(t *testing.T) {
	t.Parallel()
	_, refunded := taxIncluded()
	gift := product("1003", 1, 5000)
	gift.Kind = GiftCard
	refunded.Lines = append(refunded.Lines, gift)
	refunded.Stated.SubtotalMinor = ptr(5571 + 5000)
	for stated, valid := range map[int64]bool{8982 - 1497 + 1080 - 98 - (4491 - 749): true, 4726: false, 0: false} {
		refunded.Stated.SalesMinor = ptr(stated)
		err := refunded.Validate()
		if (err == nil) != valid {
			t.Errorf("sales of %d: %v, want valid %v", stated, err, valid)
		}
		if !valid && err.(*Invalid).ComputedMinor == nil { //nolint:errorlint // Validate promises this type.
			t.Errorf("the error %v shows no figures", err)
		}
	}
}
