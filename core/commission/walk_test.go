package commission_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
)

// A walker that is used again and again finds what Calculate tells, to the cent and in the same order.
func TestWalkerFindsWhatCalculateTells(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w commission.Walker
		for range rapid.IntRange(1, 4).Draw(t, "orders") {
			p := drawPlan(t)
			in := drawInput(t, p)
			r, _ := settle(t, in, p)
			amounts, err := w.Amounts(&in, p)
			if err != nil {
				t.Fatal(err)
			}
			var told, found []string
			for i := range r.Steps {
				step := &r.Steps[i]
				cut := int64(0)
				for _, c := range step.Cuts {
					cut += c.CutMinor
				}
				told = append(told, fmt.Sprint(step.LineID, step.ComponentID, step.DistributorID, step.Level, step.BaseMinor,
					step.AmountMinor, cut, step.Breakage != ""))
			}
			for i := range amounts {
				a := &amounts[i]
				who := ""
				if a.Position >= 0 {
					who = in.Upline[a.Position].ID
				}
				found = append(found, fmt.Sprint(in.Lines[a.Line].LineID, p.Components[a.Component].ID, who, a.Level, a.BaseMinor,
					a.AmountMinor, a.CutMinor, a.Breakage()))
				if a.Breakage() != (a.PaidMinor() == 0) && a.AmountMinor > a.CutMinor {
					t.Fatalf("%+v pays %d", a, a.PaidMinor())
				}
			}
			if diff := cmp.Diff(told, found); diff != "" {
				t.Fatalf("(-told +found)\n%s", diff)
			}
		}
	})
}

func threeLines(t testing.TB) commission.Input {
	t.Helper()
	var upline []genealogy.Person
	for i := range 8 {
		upline = append(upline, genealogy.Person{ID: fmt.Sprintf("D%05d", i), Status: genealogy.Active, Rank: "gold"})
	}
	upline[3].Status = genealogy.Inactive
	return sale(mustPlan(t, retailAndLevels), "USD", upline,
		commission.Line{CommissionClass: "wellness", NetMinor: 12_995, CV: 99_500_000},
		commission.Line{CommissionClass: "beauty", NetMinor: 2_495, CV: 12_500_000},
		commission.Line{CommissionClass: "wellness", NetMinor: 4_990, CV: 40_000_000})
}

const retailAndLevels = `{"name":"bench","currency":"shop","ranks":["member","silver","gold"],"volume":{"money":{"*":"1"}},
"components":[{"id":"retail","type":"retail","rates":[{"rate":"20%"},{"class":"beauty","rate":"25%"}]},
{"id":"team","type":"unilevel","base":"cv","commissionable":"40%","compression":"dynamic","rates":[
 {"rank":"member","levels":["5%","5%"]},{"rank":"silver","levels":["5%","5%","4%","4%"]},
 {"rank":"gold","levels":["5%","5%","4%","3.5%","3%","2%","1%"]}]}]}`

func TestWalkerAllocatesNothing(t *testing.T) {
	p, in := mustPlan(t, retailAndLevels), threeLines(t)
	var w commission.Walker
	walk := func() {
		if amounts, err := w.Amounts(&in, p); err != nil || len(amounts) != 21 { // 3 x (retail and 6 levels).
			t.Fatal(len(amounts), err)
		}
	}
	walk()
	if allocations := testing.AllocsPerRun(100, walk); allocations > 0 {
		t.Errorf("an order allocates %v times", allocations)
	}
}

func TestFixedPerOrder(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, `{"name":"fixed","currency":"EUR","ranks":["member","gold"],"components":[{"id":"kit","type":"fixed","period":"order","rates":[
{"class":"kit","amount":"2.50"},{"class":"kit","rank":"gold","amount":"3"}]}]}`)
	for rank, want := range map[string]string{"": "1 kit A 1000", "gold": "1 kit A 1200"} {
		in := sale(p, "EUR", chain([3]string{"A", "active", rank}), commission.Line{CommissionClass: "kit", NetMinor: 9_000, Quantity: 4},
			commission.Line{CommissionClass: "tea", NetMinor: 9_000, Quantity: 4})
		r, snapshot := settle(t, in, p)
		if diff := cmp.Diff([]string{want}, events(r)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		again, err := commission.Recompute(snapshot)
		if err != nil {
			t.Fatalf("%v\n%s", err, snapshot)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Errorf("(-calculated +recomputed)\n%s", diff)
		}
	}
}

func BenchmarkWalker3Lines(b *testing.B) {
	p, in := mustPlan(b, retailAndLevels), threeLines(b)
	var w commission.Walker
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Amounts(&in, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCalculate3Lines(b *testing.B) {
	p, in := mustPlan(b, retailAndLevels), threeLines(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := commission.Calculate(in, p); err != nil {
			b.Fatal(err)
		}
	}
}
