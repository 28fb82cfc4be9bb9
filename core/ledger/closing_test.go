package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

const closingPlan = `{"name":"closing","currency":"EUR","components":[{"id":"order","type":"retail","rates":[{"rate":"10%"}]},
{"id":"retail","type":"retail","period":"monthly","rates":[{"rate":"7.5%"}]},
{"id":"team","type":"unilevel","period":"monthly","rates":[{"levels":["5%","3.3%"]}]}],
"caps":[{"id":"person","scope":"person","limit":"60","per":"period"},{"id":"all","scope":"company","limit":"10%","of":"net","per":"monthly"}]}`

// close closes a month of a chain of people, of whom every third is terminated.
func closeMonth(t rapid.TB, p *plan.Plan, people int32, sales []period.Sale, earned []int64) *commission.Closing {
	w := &period.World{Period: period.Period{ID: "2026-03", Kind: plan.Monthly, To: 1}, Classes: []string{"tea"}, Currency: "EUR", Sales: period.List(sales)}
	s := &period.Standings{Rank: make([]int8, people)}
	w.People.Count = people
	w.People.ID = func(person int32) string { return fmt.Sprintf("D%d", person) }
	for i := range people {
		status := genealogy.Active
		if i%3 == 2 {
			status = genealogy.Terminated
		}
		w.People.Status, w.Sponsor.Parent = append(w.People.Status, status), append(w.Sponsor.Parent, i-1)
	}
	c, err := commission.Close(commission.CloseInput{World: w, Standings: s, Earned: [][]int64{earned}}, p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantClosing(t rapid.TB, c *commission.Closing) []ledger.Balance {
	want, err := ledger.WantClosing(c)
	if err != nil {
		t.Fatal(err)
	}
	sources := c.Sources()
	for _, balance := range want {
		if !slices.Contains(sources, balance.Key.Source) {
			t.Fatalf("source %q is not among %v", balance.Key.Source, sources)
		}
	}
	return want
}

// A close that is run again posts nothing; one that is restated after a late refund posts the exact inverse of what the
// sale gave; and the books balance with what was earned before caps.
func TestClosingsConverge(t *testing.T) {
	t.Parallel()
	p, err := plan.Parse([]byte(closingPlan))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		people := int32(rapid.IntRange(1, 7).Draw(t, "people"))
		var sales []period.Sale
		for range rapid.IntRange(0, 8).Draw(t, "sales") {
			sales = append(sales, period.Sale{
				Seller: int32(rapid.IntRange(0, int(people)-1).Draw(t, "seller")), Buyer: period.Nobody,
				Net: rapid.Int64Range(-1_000, 90_000).Draw(t, "net"), CV: money.Volume(1),
			})
		}
		earned := make([]int64, people)
		for i := range earned {
			earned[i] = rapid.Int64Range(-500, 8_000).Draw(t, "earned")
		}
		before := wantClosing(t, closeMonth(t, p, people, sales, earned))
		late := period.Sale{Seller: people - 1, Buyer: period.Nobody, Net: 12_345}
		after := wantClosing(t, closeMonth(t, p, people, append(slices.Clone(sales), late), earned))
		refund := late
		refund.Net = -late.Net
		refunded := wantClosing(t, closeMonth(t, p, people, append(slices.Clone(sales), refund, late), earned))

		first, err := ledger.Difference("acme", 1, nil, before, ledger.Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		posted, err := ledger.Balances(first)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ledger.Difference("acme", 2, posted, before, ledger.Stamp{}); err != nil || len(again) > 0 {
			t.Fatalf("again posts %v, %v", again, err)
		}
		up, err := ledger.Difference("acme", 2, before, after, ledger.Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		down, err := ledger.Difference("acme", 3, after, refunded, ledger.Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		if len(up) != len(down) {
			t.Fatalf("%d postings up, %d down", len(up), len(down))
		}
		for i := range up {
			if up[i].Key != down[i].Key || up[i].AmountMinor != -down[i].AmountMinor {
				t.Fatalf("up %v, down %v", up[i], down[i])
			}
		}
		if err := ledger.Check(first); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWantClosing(t *testing.T) {
	t.Parallel()
	p, err := plan.Parse([]byte(closingPlan))
	if err != nil {
		t.Fatal(err)
	}
	// D1 sold 1,000.00: 75.00 by retail, 50.00 to D0 by team. Each may have 60.00; all 10 % of 1,000.00.
	c := closeMonth(t, p, 3, []period.Sale{{Seller: 1, Buyer: period.Nobody, Net: 100_000}}, []int64{30_00, 0, 0})
	var got []string
	for _, balance := range wantClosing(t, c) {
		k := balance.Key
		got = append(got, fmt.Sprintf("%s %s %s %s %d", k.Source, k.ComponentID, k.DistributorID, k.Kind, balance.AmountMinor))
	}
	want := []string{
		// D0 has 30.00 per order and 50.00 by team, and keeps 22.50 and 37.50; D1 keeps 60.00. The company keeps 100.00 of 120.00.
		"period:cap/all/2026-03 order D0 breakage 375", "period:cap/all/2026-03 order D0 earning -375",
		"period:cap/person/2026-03 order D0 breakage 750", "period:cap/person/2026-03 order D0 earning -750",
		"period:retail/2026-03 retail D1 breakage 2500", "period:retail/2026-03 retail D1 earning 5000",
		"period:team/2026-03 team D0 breakage 1875", "period:team/2026-03 team D0 earning 3125",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
