package order

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPaidAndRefundWithinOneSecond walks the real race: both snapshots carry one updated_at, and the refund is told
// once more alone. Every order of arrival must give the same state, which is valid and pays the same cents.
func TestPaidAndRefundWithinOneSecond(t *testing.T) {
	t.Parallel()
	paid, refunded := taxIncluded()
	told := []Revision{snapshot(7, paid), snapshot(7, refunded), refunding(0, refunded.Refunds[0])}
	want := merged(t, told...)
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		s := merged(t, told[order[0]], told[order[1]], told[order[2]], told[order[0]])
		if diff := cmp.Diff(want, s); diff != "" {
			t.Fatalf("order %v gives another state:\n%s", order, diff)
		}
		if err := s.Validate(); err != nil {
			t.Fatalf("validate: %v", err)
		}
		o := mustEffective(t, s)
		if o.Status != PartiallyRefunded || *o.Stated.SubtotalMinor != 5571 {
			t.Fatalf("status %s, stated %d, want partially_refunded and 5571", o.Status, *o.Stated.SubtotalMinor)
		}
		if diff := cmp.Diff([]int64{3743, 982}, nets(mustNet(t, o, NetPolicy{}))); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestPaidOrderWithTaxIncluded(t *testing.T) {
	t.Parallel()
	paid, _ := taxIncluded()
	b := mustNet(t, paid, NetPolicy{})
	if diff := cmp.Diff([]int64{7485, 982}, nets(b)); diff != "" || b.NetMinor != 8467 {
		t.Fatalf("net %d, want 8467\n%s", b.NetMinor, diff)
	}
}

// TestRefundedCentsOnAnotherLine is a real order whose discount of 10.01 fell on the lines as 3.34, 3.33 and 3.33,
// while the refund took 195.67 from the first line.
func TestRefundedCentsOnAnotherLine(t *testing.T) {
	t.Parallel()
	lines := []Line{product("A", 1, 19900), product("B", 1, 19900), product("C", 1, 19900)}
	lines[0].DiscountMinor, lines[1].DiscountMinor, lines[2].DiscountMinor = 334, 333, 333
	o := paidOrder(lines...)
	o.Refunds = []Refund{goods("r1", "A", 1, 19567, 0), goods("r2", "B", 1, 19566, 0)}
	b := mustNet(t, o, NetPolicy{})
	if diff := cmp.Diff([]int64{0, 0, 19567}, nets(b)); diff != "" || b.NetMinor != 19567 {
		t.Fatalf("net %d, want 19567\n%s", b.NetMinor, diff)
	}
}
