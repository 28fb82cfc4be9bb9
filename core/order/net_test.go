package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
)

var update = flag.Bool("update", false, "write the breakdowns of testdata/net anew")

// netCase is one file of testdata/net: an order and what Net makes of it.
type netCase struct {
	Why       string    `json:"why"`
	Order     Order     `json:"order"`
	Policy    NetPolicy `json:"policy"`
	Breakdown Breakdown `json:"breakdown"`
}

func TestNetGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/net/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d golden files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var c netCase
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&c); err != nil {
				t.Fatal(err)
			}
			if err := c.Order.Validate(); err != nil {
				t.Fatalf("the order of a golden file must be valid: %v", err)
			}
			got := mustNet(t, c.Order, c.Policy)
			sumsUp(t, c.Order, got)
			if *update {
				c.Breakdown = got
				text, _ = json.MarshalIndent(c, "", "  ")
				if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.Breakdown, got); diff != "" {
				t.Fatalf("%s\n%s", c.Why, diff)
			}
		})
	}
}

// failer is what a *testing.T and a *rapid.T have in common here.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// sumsUp holds a breakdown against what is true of every breakdown.
func sumsUp(t failer, o Order, b Breakdown) {
	t.Helper()
	var net, shares int64
	for i, n := range b.Lines {
		rest := n.GrossMinor - n.DiscountMinor - n.OrderDiscountMinor - n.TaxMinor - n.RefundedMinor - n.MoneyRefundMinor - n.UnpaidMinor
		switch excluded := o.Lines[i].Kind != Product; {
		case excluded && (n.NetMinor != 0 || n.Excluded != string(o.Lines[i].Kind)):
			t.Fatalf("line %d: %+v must earn nothing", i, n)
		case !excluded && rest != n.NetMinor:
			t.Fatalf("line %d: %+v comes to %d", i, n, rest)
		case n.NetMinor < 0 || n.RefundedMinor < 0 || n.MoneyRefundMinor < 0 || n.UnpaidMinor < 0 || n.TaxMinor < 0:
			t.Fatalf("line %d: %+v has a negative amount", i, n)
		case n.QuantityLeft < 0 || n.QuantityLeft > o.Lines[i].Quantity:
			t.Fatalf("line %d: %+v of %d", i, n, o.Lines[i].Quantity)
		case n.Excluded == "returned" && (n.NetMinor != 0 || n.QuantityLeft != 0):
			t.Fatalf("line %d: %+v is returned", i, n)
		}
		net += n.NetMinor
		shares += n.OrderDiscountMinor
	}
	if net != b.NetMinor || shares != o.OrderDiscountMinor {
		t.Fatalf("net %d of %d, discount %d of %d", net, b.NetMinor, shares, o.OrderDiscountMinor)
	}
	if !b.Counts && (b.NetMinor != 0 || b.Why == "") || b.Counts && b.Why != "" {
		t.Fatalf("counts %v, net %d, why %q", b.Counts, b.NetMinor, b.Why)
	}
}

// TestNetEdges shows the corners of the rules, one line each.
func TestNetEdges(t *testing.T) {
	t.Parallel()
	with := func(o Order, change func(*Order)) Order {
		change(&o)
		return o
	}
	ab := func() Order { return paidOrder(product("A", 2, 1000), product("B", 2, 600)) }
	cases := map[string]struct {
		order  Order
		policy NetPolicy
		want   []int64
	}{
		"spare of a returned line bears the surplus before a sold one": {
			with(paidOrder(product("A", 1, 100), product("B", 1, 100), product("C", 1, 100)), func(o *Order) {
				o.Refunds = []Refund{goods("1", "A", 1, 110, 0), goods("2", "C", 1, 95, 0)}
			}), NetPolicy{}, []int64{0, 95, 0},
		},
		"several surpluses use one spare only once": {
			with(paidOrder(product("A", 1, 100), product("B", 1, 100), product("C", 1, 100), product("D", 1, 100)), func(o *Order) {
				o.Refunds = []Refund{goods("1", "A", 1, 103, 0), goods("2", "B", 1, 104, 0), goods("3", "C", 1, 95, 0)}
			}), NetPolicy{}, []int64{0, 0, 0, 98},
		},
		"surplus of a partly returned line wraps around": {
			with(ab(), func(o *Order) { o.Refunds = []Refund{goods("1", "B", 1, 650, 0)} }), NetPolicy{}, []int64{950, 0},
		},
		"surplus nobody can bear is dropped": {
			with(ab(), func(o *Order) { o.Refunds = []Refund{goods("1", "A", 1, 1900, 0)} }), NetPolicy{}, []int64{0, 0},
		},
		"a gift card neither bears nor moves a surplus": {
			with(paidOrder(product("A", 1, 100), Line{LineID: "G", Kind: GiftCard, Quantity: 1, GrossMinor: 500}, product("B", 1, 100)), func(o *Order) {
				o.Refunds = []Refund{goods("1", "A", 1, 120, 0), goods("2", "G", 1, 510, 0)}
			}), NetPolicy{}, []int64{0, 0, 80},
		},
		"tax beside the price stays out of the refund": {
			with(ab(), func(o *Order) { o.Refunds = []Refund{goods("1", "A", 1, 500, 95)} }), NetPolicy{}, []int64{500, 600},
		},
		"tax in the price is taken out of the refund": {
			with(ab(), func(o *Order) {
				o.TaxesIncluded, o.Lines[0].TaxMinor = true, 160
				o.Refunds = []Refund{goods("1", "A", 1, 500, 80)}
			}), NetPolicy{}, []int64{420, 600},
		},
		"quantity returned in two refunds is gone": {
			with(ab(), func(o *Order) { o.Refunds = []Refund{goods("1", "A", 1, 400, 0), goods("2", "A", 1, 400, 0)} }),
			NetPolicy{},
			[]int64{0, 600},
		},
		"nothing current is gone, without any refund": {
			with(ab(), func(o *Order) { o.Lines[0].CurrentQuantity = ptr(0) }), NetPolicy{}, []int64{0, 600},
		},
		"removal never takes more than the refunds left": {
			with(ab(), func(o *Order) {
				o.Lines[0].Quantity, o.Lines[0].CurrentQuantity = 3, ptr(1)
				o.Refunds = []Refund{goods("1", "A", 1, 900, 0)}
			}), NetPolicy{}, []int64{0, 600},
		},
		"removal rounds half to even": {
			with(paidOrder(product("A", 2, 5), product("B", 2, 7)), func(o *Order) {
				o.Lines[0].CurrentQuantity, o.Lines[1].CurrentQuantity = ptr(1), ptr(1)
			}), NetPolicy{}, []int64{3, 3},
		},
		"stated tax in money is taken off beside the price too": {
			with(ab(), func(o *Order) { o.Refunds = []Refund{{RefundID: "1", MoneyMinor: 190, MoneyTaxMinor: 30}} }),
			NetPolicy{},
			[]int64{900, 540},
		},
		"two money refunds are shared out together": {
			with(ab(), func(o *Order) { o.Refunds = []Refund{{RefundID: "1", MoneyMinor: 1}, {RefundID: "2", MoneyMinor: 1}} }),
			NetPolicy{},
			[]int64{999, 599},
		},
		"money of an ended order is never ignored": {
			with(ab(), func(o *Order) { o.Status, o.Refunds = Refunded, []Refund{{RefundID: "1", MoneyMinor: 1600}} }),
			NetPolicy{MoneyRefunds: IgnoreMoneyRefunds},
			[]int64{0, 0},
		},
		"nothing paid yet of a known total": {
			with(ab(), func(o *Order) { o.Status, o.TotalMinor = PartiallyPaid, 1600 }),
			NetPolicy{PartiallyPaid: PartialProportional},
			[]int64{0, 0},
		},
		"more paid than the total": {
			with(ab(), func(o *Order) { o.Status, o.PaidMinor, o.TotalMinor = PartiallyPaid, 9000, 1600 }),
			NetPolicy{PartiallyPaid: PartialProportional},
			[]int64{1000, 600},
		},
		"paid line by line, less what went back": {
			with(ab(), func(o *Order) {
				o.Status, o.Refunds = PartiallyPaid, []Refund{goods("1", "A", 1, 400, 0)}
				o.Lines[0].PaidNetMinor, o.Lines[1].PaidNetMinor = ptr(int64(501)), ptr(int64(700))
			}), NetPolicy{PartiallyPaid: PartialProportional}, []int64{101, 600},
		},
		"more went back of a line than was paid": {
			with(ab(), func(o *Order) {
				o.Status, o.Refunds = PartiallyPaid, []Refund{goods("1", "A", 1, 400, 0)}
				o.Lines[0].PaidNetMinor, o.Lines[1].PaidNetMinor = ptr(int64(399)), ptr(int64(0))
			}), NetPolicy{PartiallyPaid: PartialProportional}, []int64{0, 0},
		},
		"paid line by line, but not told of every line": {
			with(ab(), func(o *Order) {
				o.Status, o.PaidMinor, o.TotalMinor = PartiallyPaid, 800, 1600
				o.Lines[0].PaidNetMinor = ptr(int64(1000))
			}), NetPolicy{PartiallyPaid: PartialProportional}, []int64{500, 300},
		},
		"paid line by line counts for nothing unless the plan says so": {
			with(ab(), func(o *Order) {
				o.Status = PartiallyPaid
				o.Lines[0].PaidNetMinor, o.Lines[1].PaidNetMinor = ptr(int64(1000)), ptr(int64(0))
			}), NetPolicy{}, []int64{0, 0},
		},
		"a line for nothing": {paidOrder(product("A", 1, 0)), NetPolicy{}, []int64{0}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := mustNet(t, c.order, c.policy)
			sumsUp(t, c.order, b)
			if diff := cmp.Diff(c.want, nets(b)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestNetQuantityLeft(t *testing.T) {
	t.Parallel()
	o := paidOrder(product("A", 5, 500), product("B", 5, 500), product("C", 5, 500))
	o.Lines[1].CurrentQuantity, o.Lines[2].CurrentQuantity = ptr(2), ptr(4)
	o.Refunds = []Refund{goods("1", "A", 2, 200, 0), goods("2", "C", 2, 200, 0)}
	var left []int64
	for _, n := range mustNet(t, o, NetPolicy{}).Lines {
		left = append(left, n.QuantityLeft)
	}
	if diff := cmp.Diff([]int64{3, 2, 3}, left); diff != "" {
		t.Fatal(diff)
	}
}

func TestNetRefuses(t *testing.T) {
	t.Parallel()
	partial := paidOrder(product("A", 1, 100))
	partial.Status = PartiallyPaid
	strange := paidOrder(product("A", 1, 100))
	strange.Status = "mislaid"
	cases := map[string]struct {
		order  Order
		policy NetPolicy
		field  string
	}{
		"no totals":             {partial, NetPolicy{PartiallyPaid: PartialProportional}, "total_minor, paid_minor"},
		"unknown status":        {strange, NetPolicy{}, "status"},
		"unknown money policy":  {partial, NetPolicy{MoneyRefunds: "sometimes"}, "money_refunds"},
		"unknown part policy":   {partial, NetPolicy{PartiallyPaid: "half"}, "partially_paid"},
		"an impossible amount":  {paidOrder(product("A", 1, -1)), NetPolicy{}, "lines[0].gross_minor"},
		"a sum that is too big": {paidOrder(product("A", 1, math.MaxInt64), product("B", 1, 1)), NetPolicy{}, "lines[1].gross_minor"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Net(c.order, c.policy)
			var bad *Invalid
			if !errors.As(err, &bad) || bad.Field != c.field {
				t.Fatalf("got %v, want a fault of %s", err, c.field)
			}
		})
	}
}

// TestNetAtTheEndsOfInt64 takes every step with the largest amounts there are: exact, or an error, never a wrap.
func TestNetAtTheEndsOfInt64(t *testing.T) {
	t.Parallel()
	const most = math.MaxInt64
	huge := paidOrder(product("A", most, most))
	discounted := huge
	discounted.OrderDiscountMinor = most - 1
	taxed := paidOrder(product("A", 3, most))
	taxed.TaxesIncluded, taxed.Lines[0].TaxMinor, taxed.OrderDiscountMinor = true, most-1, 1
	halved := paidOrder(product("A", most, most))
	halved.Lines[0].CurrentQuantity = ptr(1)
	back := paidOrder(product("A", 2, most))
	back.Refunds = []Refund{goods("1", "A", 1, most-1, 0)}
	given := paidOrder(product("A", 2, most))
	given.Refunds = []Refund{{RefundID: "1", MoneyMinor: most}}
	partly := paidOrder(product("A", 2, most))
	partly.Status, partly.PaidMinor, partly.TotalMinor = PartiallyPaid, most-1, most
	cases := map[string]struct {
		order Order
		want  int64
	}{
		"gross": {huge, most}, "order discount": {discounted, 1}, "tax": {taxed, 1}, "removal": {halved, 1},
		"refund": {back, 1}, "money": {given, 0}, "part": {partly, most - 1},
	}
	for name, c := range cases {
		b, err := Net(c.order, NetPolicy{PartiallyPaid: PartialProportional})
		if err != nil || b.NetMinor != c.want {
			t.Errorf("%s: net %d, %v; want %d", name, b.NetMinor, err, c.want)
		}
	}
	split := paidOrder(product("A", 1, most))
	split.TaxesIncluded, split.Lines[0].TaxMinor = true, most/2
	split.Refunds = []Refund{{RefundID: "1", MoneyMinor: most}}
	if b, err := Net(split, NetPolicy{}); err != nil || b.NetMinor != 0 {
		t.Errorf("money with tax: %d, %v", b.NetMinor, err)
	}
	w := waterfall{lines: []LineNet{{NetMinor: most}, {NetMinor: 1}}, work: make([]lineWork, 2)}
	if _, err := w.settle(""); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("a net that does not fit: %v", err)
	}
	if _, _, err := w.left(); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("a rest that does not fit: %v", err)
	}
}

// soldOrder draws a valid order without refunds: product lines of at least two units, mixed with lines that earn nothing.
func soldOrder(t *rapid.T, kinds ...LineKind) Order {
	var o Order
	included := rapid.Bool().Draw(t, "taxes included")
	var bearing int64
	for i := range rapid.IntRange(1, 5).Draw(t, "lines") {
		line := product(string(rune('A'+i)), rapid.Int64Range(1, 4).Draw(t, "quantity"), rapid.Int64Range(0, 3000).Draw(t, "gross"))
		line.Kind = rapid.SampledFrom(kinds).Draw(t, "kind")
		line.DiscountMinor = rapid.Int64Range(0, line.GrossMinor/3).Draw(t, "discount")
		if included {
			line.TaxMinor = rapid.Int64Range(0, (line.GrossMinor-line.DiscountMinor)/4).Draw(t, "tax")
		}
		if line.Kind.bearsDiscount() {
			bearing += line.GrossMinor - line.DiscountMinor
		}
		o.Lines = append(o.Lines, line)
	}
	o = paidOrder(o.Lines...)
	o.TaxesIncluded = included
	o.OrderDiscountMinor = rapid.Int64Range(0, bearing).Draw(t, "order discount")
	return o
}

// drawRefunds draws valid refunds, of goods and of money, for more or less than the lines are worth.
func drawRefunds(t *rapid.T, o Order) []Refund {
	left := map[string]int64{}
	for _, line := range o.Lines {
		left[line.LineID] = line.Quantity
	}
	var refunds []Refund
	for i := range rapid.IntRange(0, 4).Draw(t, "refunds") {
		line := rapid.SampledFrom(o.Lines).Draw(t, "line")
		subtotal := rapid.Int64Range(0, line.GrossMinor+5).Draw(t, "subtotal")
		refund := goods(string(rune('a'+i)), line.LineID, rapid.Int64Range(0, left[line.LineID]).Draw(t, "units"), subtotal, 0)
		if o.TaxesIncluded {
			refund.Lines[0].TaxMinor = rapid.Int64Range(0, subtotal/4).Draw(t, "refund tax")
		}
		left[line.LineID] -= refund.Lines[0].Quantity
		if rapid.IntRange(0, 3).Draw(t, "with money") == 0 {
			refund.MoneyMinor = rapid.Int64Range(0, 2000).Draw(t, "money")
			refund.MoneyTaxMinor = rapid.Int64Range(0, refund.MoneyMinor/4).Draw(t, "money tax")
		}
		refunds = append(refunds, refund)
	}
	return refunds
}

func TestNetSumsAndOrderOfRefunds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := soldOrder(t, Product, Product, GiftCard, Tip, Fee)
		o.Refunds = drawRefunds(t, o)
		o.Status = rapid.SampledFrom([]Status{Paid, PartiallyRefunded, Cancelled, Pending, PartiallyPaid}).Draw(t, "status")
		o.TotalMinor, o.PaidMinor = 1000, rapid.Int64Range(0, 1100).Draw(t, "paid")
		for i := range o.Lines {
			if rapid.IntRange(0, 3).Draw(t, "edited") == 0 {
				o.Lines[i].CurrentQuantity = ptr(rapid.Int64Range(0, o.Lines[i].Quantity).Draw(t, "current"))
			}
			if rapid.IntRange(0, 3).Draw(t, "paid by line") > 0 {
				o.Lines[i].PaidNetMinor = ptr(rapid.Int64Range(0, o.Lines[i].GrossMinor).Draw(t, "paid net"))
			}
		}
		policy := NetPolicy{
			MoneyRefunds:  rapid.SampledFrom([]MoneyRefundPolicy{"", SpreadMoneyRefunds, IgnoreMoneyRefunds}).Draw(t, "money policy"),
			PartiallyPaid: rapid.SampledFrom([]PartialPaymentPolicy{"", PartialNone, PartialAll, PartialProportional}).Draw(t, "part policy"),
		}
		b, err := Net(o, policy)
		if err != nil {
			t.Fatal(err)
		}
		sumsUp(t, o, b)
		shuffled := o
		shuffled.Refunds = rapid.Permutation(o.Refunds).Draw(t, "shuffled")
		again, err := Net(shuffled, policy)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, again); diff != "" {
			t.Fatalf("the order of refunds decides the net:\n%s", diff)
		}
	})
}

// TestNetIdentity holds the order's net against the plain sum, where no line is wholly returned and no fee kept:
// surplus cents move between lines, but none is lost.
func TestNetIdentity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := soldOrder(t, Product)
		for i := range o.Lines {
			o.Lines[i].Quantity = 100 // Never wholly returned.
		}
		before, err := Net(o, NetPolicy{})
		if err != nil {
			t.Fatal(err)
		}
		o.Refunds = drawRefunds(t, o)
		want, money := before.NetMinor, int64(0)
		for i, refund := range o.Refunds {
			o.Refunds[i].Lines[0].Quantity = 1
			if refund.MoneyTaxMinor == 0 && o.TaxesIncluded {
				o.Refunds[i].MoneyMinor = 0 // Its tax is estimated, so the plain sum does not know it.
				refund.MoneyMinor = 0
			}
			want -= refund.Lines[0].SubtotalMinor - refund.Lines[0].TaxMinor
			money += refund.MoneyMinor - refund.MoneyTaxMinor
		}
		b, err := Net(o, NetPolicy{})
		if err != nil {
			t.Fatal(err)
		}
		if want = max(0, max(0, want)-money); b.NetMinor != want {
			t.Fatalf("net %d, want %d", b.NetMinor, want)
		}
	})
}

// TestFullRefundLeavesNothing returns every unit, one by one, in any order and for any money.
func TestFullRefundLeavesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := soldOrder(t, Product, GiftCard)
		var units []string
		for _, line := range o.Lines {
			for range line.Quantity {
				units = append(units, line.LineID)
			}
		}
		last := int64(math.MaxInt64)
		s, _ := Merge(State{}, snapshot(1, o))
		for i, id := range rapid.Permutation(units).Draw(t, "units") {
			refund := goods(string(rune('a'+i)), id, 1, rapid.Int64Range(0, 500).Draw(t, "subtotal"), 0)
			var err error
			if s, err = Merge(s, refunding(0, refund)); err != nil {
				t.Fatal(err)
			}
			now, err := s.Effective()
			if err != nil {
				t.Fatal(err)
			}
			b, err := Net(now, NetPolicy{})
			if err != nil || b.NetMinor > last {
				t.Fatalf("net %d after %d, %v", b.NetMinor, last, err)
			}
			last = b.NetMinor
		}
		if last != 0 {
			t.Fatalf("net %d after a full refund", last)
		}
	})
}

func BenchmarkNet(b *testing.B) {
	o := paidOrder(product("A", 2, 3998), product("B", 1, 1500), product("C", 3, 600))
	o.TaxesIncluded, o.OrderDiscountMinor, o.Lines[0].TaxMinor = true, 500, 638
	o.Refunds = []Refund{goods("r", "A", 1, 1999, 319)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Net(o, NetPolicy{}); err != nil {
			b.Fatal(err)
		}
	}
}
