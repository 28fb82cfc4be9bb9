package order

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// oneLine tells one line of an order of the API, undated, under its SKU.
func oneLine(updated int64, sku string, gross int64, change func(*Order)) Revision {
	o := paidOrder(Line{LineID: sku, Kind: Product, PlatformSKU: sku, Quantity: 1, GrossMinor: gross})
	o.Undated, o.OrderTS = true, placed.Add(time.Duration(updated)*time.Minute)
	if change != nil {
		change(&o)
	}
	return Revision{Source: o.Source, Channel: API, Kind: OneLine, Version: Version{Updated: updated}, Order: &o}
}

func grosses(o Order) map[string]int64 {
	out := map[string]int64{}
	for _, line := range o.Lines {
		out[line.LineID+"="+line.PlatformSKU] = line.GrossMinor
	}
	return out
}

func TestLinesToldAloneAddUp(t *testing.T) {
	t.Parallel()
	whole := paidOrder(product("1", 1, 500), product("2", 1, 700))
	wholeAPI := func(updated int64) Revision { return onChannel(API, snapshot(updated, whole)) }
	cases := map[string]struct {
		told []Revision
		want map[string]int64
	}{
		"two SKUs":                      {[]Revision{oneLine(1, "TEA", 100, nil), oneLine(2, "OIL", 200, nil)}, map[string]int64{"TEA=TEA": 100, "OIL=OIL": 200}},
		"two SKUs of one version":       {[]Revision{oneLine(1, "TEA", 100, nil), oneLine(1, "OIL", 200, nil)}, map[string]int64{"TEA=TEA": 100, "OIL=OIL": 200}},
		"a SKU again: the newer":        {[]Revision{oneLine(1, "TEA", 100, nil), oneLine(2, "OIL", 200, nil), oneLine(3, "TEA", 90, nil)}, map[string]int64{"TEA=TEA": 90, "OIL=OIL": 200}},
		"a newer whole order replaces":  {[]Revision{oneLine(1, "TEA", 100, nil), wholeAPI(2)}, map[string]int64{"1=SKU-1": 500, "2=SKU-2": 700}},
		"an equally old whole order":    {[]Revision{oneLine(2, "TEA", 100, nil), wholeAPI(2)}, map[string]int64{"1=SKU-1": 500, "2=SKU-2": 700}},
		"an older whole order is added": {[]Revision{wholeAPI(1), oneLine(2, "TEA", 100, nil)}, map[string]int64{"1=SKU-1": 500, "2=SKU-2": 700, "TEA=TEA": 100}},
		"its line of the same SKU":      {[]Revision{wholeAPI(1), oneLine(2, "SKU-2", 650, nil)}, map[string]int64{"1=SKU-1": 500, "2=SKU-2": 650}},
		"the webhook wins whole":        {[]Revision{oneLine(9, "TEA", 100, nil), snapshot(1, whole)}, map[string]int64{"1=SKU-1": 500, "2=SKU-2": 700}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyOrder(t, c.told, func(s State) {
				if err := s.Validate(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, grosses(mustEffective(t, s))); diff != "" {
					t.Fatal(diff)
				}
			})
		})
	}
}

func TestLinesToldAloneShareTheOrdersFacts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		told  []Revision
		check func(Order) bool
	}{
		"who sold it stays until told anew": {
			[]Revision{
				oneLine(1, "TEA", 100, func(o *Order) { o.BuyerID, o.Evidence = "7", []Evidence{{CartReference, "ANNA"}, {BoundCustomer, "7"}} }),
				oneLine(2, "OIL", 200, func(o *Order) { o.Evidence = []Evidence{{BoundCustomer, "8"}} }),
			},
			func(o Order) bool {
				return o.BuyerID == "7" && cmp.Equal(o.Evidence, []Evidence{{CartReference, "ANNA"}, {BoundCustomer, "8"}})
			},
		},
		"the newest status": {
			[]Revision{oneLine(1, "TEA", 100, nil), oneLine(2, "OIL", 200, func(o *Order) { o.Status = Cancelled })},
			func(o Order) bool { return o.Status == Cancelled },
		},
		"the first time it was told, where nobody dates it": {
			[]Revision{oneLine(3, "TEA", 100, nil), oneLine(5, "OIL", 200, nil), oneLine(7, "TEA", 100, nil)},
			func(o Order) bool { return o.OrderTS.Equal(placed.Add(3 * time.Minute)) },
		},
		"a told time over an untold one": {
			[]Revision{
				oneLine(1, "TEA", 100, func(o *Order) { o.Undated, o.OrderTS = false, placed }), oneLine(2, "OIL", 200, nil),
			},
			func(o Order) bool { return o.OrderTS.Equal(placed) && !o.Undated },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyOrder(t, c.told, func(s State) {
				if o := mustEffective(t, s); !c.check(o) {
					t.Fatalf("got %+v", o)
				}
			})
		})
	}
}

func TestLinesToldAloneConflict(t *testing.T) {
	t.Parallel()
	twice := paidOrder(product("1", 1, 500), product("2", 1, 700))
	twice.Lines[1].PlatformSKU = twice.Lines[0].PlatformSKU
	cases := map[string]struct {
		told []Revision
		want string
	}{
		"one version, two prices":  {[]Revision{oneLine(1, "TEA", 100, nil), oneLine(1, "TEA", 90, nil), oneLine(2, "OIL", 1, nil)}, `line "TEA" gross_minor is 100 or 90`},
		"a SKU of several lines":   {[]Revision{onChannel(API, snapshot(1, twice)), oneLine(2, "SKU-1", 1, nil)}, `SKU "SKU-1" is told alone`},
		"one version, two buyers":  {[]Revision{oneLine(1, "TEA", 1, func(o *Order) { o.BuyerID = "1" }), oneLine(1, "OIL", 1, func(o *Order) { o.BuyerID = "2" })}, "buyer_id is 1 or 2"},
		"two currencies":           {[]Revision{oneLine(1, "TEA", 1, nil), oneLine(2, "OIL", 1, func(o *Order) { o.Currency = "USD" })}, "currency is EUR or USD"},
		"with and without tax":     {[]Revision{oneLine(1, "TEA", 1, nil), oneLine(2, "OIL", 1, func(o *Order) { o.TaxesIncluded = true })}, "taxes_included"},
		"one version, two datings": {[]Revision{oneLine(1, "TEA", 1, func(o *Order) { o.Undated = false }), oneLine(1, "OIL", 1, func(o *Order) { o.Undated, o.OrderTS = false, placed })}, "order_ts is"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyOrder(t, c.told, func(s State) {
				_, err := s.Effective()
				var undecided *Undecided
				if !errors.As(err, &undecided) || undecided.Reason != OrderConflict || !strings.Contains(undecided.Detail, c.want) {
					t.Fatalf("got %v, want a conflict: %s", err, c.want)
				}
			})
		})
	}
}

func TestMergeRefusesAHalfToldLine(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Revision){
		"no order":          func(r *Revision) { r.Order = nil },
		"no line":           func(r *Revision) { r.Order.Lines = nil },
		"two lines":         func(r *Revision) { r.Order.Lines = append(r.Order.Lines, product("B", 1, 1)) },
		"a line without id": func(r *Revision) { r.Order.Lines[0].LineID = "" },
		"an order discount": func(r *Revision) { r.Order.OrderDiscountMinor = 1 },
		"a stated subtotal": func(r *Revision) { r.Order.Stated.SubtotalMinor = ptr(1) },
		"stated sales":      func(r *Revision) { r.Order.Stated.SalesMinor = ptr(1) },
		"an untold buyer":   func(r *Revision) { r.Order.BuyerUntold = true },
	} {
		r := oneLine(1, "TEA", 100, nil)
		change(&r)
		var bad *Invalid
		if _, err := Merge(State{}, r); !errors.As(err, &bad) || !strings.HasPrefix(bad.Field, "order") {
			t.Errorf("%s: got %v, want a fault of the order", name, err)
		}
	}
}

// TestLinesToldAloneAgainstAReference holds any arrival of single lines against the plain rule: of each SKU the newest.
func TestLinesToldAloneAgainstAReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		versions := rapid.Permutation([]int64{1, 2, 3, 4, 5, 6}).Draw(t, "versions")
		var told []Revision
		newest, want := map[string]int64{}, map[string]int64{}
		for i, version := range versions {
			sku := rapid.SampledFrom([]string{"TEA", "OIL", "SOAP"}).Draw(t, "sku")
			told = append(told, oneLine(version, sku, int64(100+i), nil))
			if version > newest[sku] {
				newest[sku], want[sku+"="+sku] = version, int64(100+i)
			}
		}
		var s State
		for _, r := range told {
			var err error
			if s, err = Merge(s, r); err != nil {
				t.Fatal(err)
			}
		}
		o, err := s.Effective()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, grosses(o)); diff != "" || !o.OrderTS.Equal(placed.Add(time.Minute)) {
			t.Fatalf("placed %s\n%s", o.OrderTS, diff)
		}
	})
}

func TestRefundDeletionAbsorbs(t *testing.T) {
	t.Parallel()
	dead := Refund{RefundID: "1500", Deleted: true}
	paid, refunded := taxIncluded()
	after := paid // as the platform tells it once the refund is gone
	after.Refunds = []Refund{dead}
	cases := map[string]struct {
		told []Revision
		left int64
		net  []int64
	}{
		"told alone": {[]Revision{snapshot(7, paid), refunding(0, refunded.Refunds...), refunding(0, dead)}, 2, []int64{7485, 982}},
		"the newest snapshot still has it": {
			[]Revision{snapshot(7, paid), snapshot(8, refunded), refunding(0, dead)}, 2, []int64{7485, 982},
		},
		"a newer snapshot says it":      {[]Revision{snapshot(7, refunded), snapshot(8, after)}, 2, []int64{7485, 982}},
		"a snapshot of the same second": {[]Revision{snapshot(7, refunded), snapshot(7, after)}, 2, []int64{7485, 982}},
		"a late telling stays dead":     {[]Revision{snapshot(8, after), snapshot(7, refunded), refunding(0, refunded.Refunds...)}, 2, []int64{7485, 982}},
		"another refund stays":          {[]Revision{snapshot(7, refunded), refunding(0, Refund{RefundID: "1501", Deleted: true})}, 1, []int64{3743, 982}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyOrder(t, c.told, func(s State) {
				if err := s.Validate(); err != nil {
					t.Fatal(err)
				}
				o := mustEffective(t, s)
				if *o.Lines[0].CurrentQuantity != c.left {
					t.Fatalf("left %d, want %d", *o.Lines[0].CurrentQuantity, c.left)
				}
				if diff := cmp.Diff(c.net, nets(mustNet(t, o, NetPolicy{}))); diff != "" {
					t.Fatal(diff)
				}
			})
		})
	}
}

// TestRefundDeletionAgainstAReference lets refunds be told and deleted in any order: what is left is what the refunds
// that nobody deleted leave, however often and in which order all was told.
func TestRefundDeletionAgainstAReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		told := []Revision{snapshot(5, paidOrder(product("A", 10, 10000)))}
		deleted, back := map[string]bool{}, map[string]int64{}
		for i := range rapid.IntRange(1, 8).Draw(t, "facts") {
			id := rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "id")
			if rapid.Bool().Draw(t, "deletes") {
				deleted[id] = true
				told = append(told, refunding(int64(i), Refund{RefundID: id, Deleted: true}))
				continue
			}
			back[id] = 1000
			told = append(told, refunding(int64(i), goods(id, "A", 1, 1000, 0)))
		}
		want := int64(10000)
		for id, minor := range back {
			if !deleted[id] {
				want -= minor
			}
		}
		var s State
		for _, r := range rapid.Permutation(told).Draw(t, "arrival") {
			var err error
			if s, err = Merge(s, r); err != nil {
				t.Fatal(err)
			}
		}
		o, err := s.Effective()
		if err != nil {
			t.Fatal(err)
		}
		b, err := Net(o, NetPolicy{})
		if err != nil || b.NetMinor != want {
			t.Fatalf("net %d, want %d (%v)", b.NetMinor, want, err)
		}
	})
}

// TestADeletionSaysNothingElse drops what a deleted refund once gave back, so that all deletions of it are one fact.
func TestADeletionSaysNothingElse(t *testing.T) {
	t.Parallel()
	full := goods("r", "A", 1, 10, 0)
	full.Deleted, full.At = true, placed
	if one, other := refunding(1, full).Hash(), refunding(1, Refund{RefundID: "r", Deleted: true}).Hash(); one != other {
		t.Fatal("two deletions of one refund have two hashes")
	}
	o := paidOrder(product("A", 1, 1000))
	o.Refunds = []Refund{{RefundID: "r", Deleted: true}}
	s := merged(t, snapshot(1, o), refunding(2, full))
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(mustNet(t, mustEffective(t, s), NetPolicy{}).NetMinor); got != "1000" {
		t.Fatalf("net %s", got)
	}
}
