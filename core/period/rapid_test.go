package period_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

var rankNames = []string{"member", "silver", "gold", "platinum", "diamond"}

// drawTest writes one test; below is the first rank that may not be asked for, 0 for the condition of being active.
func drawTest(t *rapid.T, below int) string {
	op := rapid.SampledFrom([]string{">=", ">=", ">=", ">", "<=", "<", "="}).Draw(t, "op")
	volume := fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "tens") * 10)
	count := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "count"))
	rank := rapid.SampledFrom(rankNames).Draw(t, "rank")
	status := rapid.SampledFrom([]string{`"active"`, `["active","suspended"]`, `"inactive"`}).Draw(t, "status")
	kinds := []string{
		`{"pv":"%[1]s %[2]s"}`, `{"gv":"%[1]s %[2]s"}`, `{"gv":">= %[2]s","max_leg_share":"40%%"}`,
		`{"gv":">= %[2]s","max_leg_share":"33.3333333%%"}`, `{"cv":"%[1]s %[2]s"}`, `{"pgv":"%[1]s %[2]s"}`,
		`{"pgv":"%[1]s %[2]s","without":"%[4]s"}`, `{"leg":{"n":1,"volume":"%[1]s %[2]s"}}`, `{"leg":{"n":2,"volume":"%[1]s %[2]s"}}`,
		`{"legs":{"volume":"%[2]s","count":"%[1]s %[3]s"}}`, `{"legs":{"rank":"%[4]s","count":"%[1]s %[3]s"}}`,
		`{"legs":{"rank":"%[4]s","count":"%[1]s %[3]s","depth":"frontline"}}`, `{"active_legs":"%[1]s %[3]s"}`,
		`{"customers":"%[1]s %[3]s"}`, `{"orders":"%[1]s %[3]s"}`, `{"status":%[5]s}`, `{"autoship":true}`,
		`{"days_since_enrolment":"%[1]s %[3]s"}`,
	}
	if below > 0 {
		kinds = append(kinds, `{"active":true}`, `{"rank":"%[1]s %[6]s"}`, `{"title":"%[1]s %[6]s"}`)
	}
	lower := rankNames[rapid.IntRange(0, max(0, below-1)).Draw(t, "lower")]
	return fmt.Sprintf(rapid.SampledFrom(kinds).Draw(t, "measure")+"%[7]s", op, volume, count, rank, status, lower, "")
}

func drawCondition(t *rapid.T, below, deep int) string {
	switch kind := rapid.IntRange(0, 7).Draw(t, "kind"); {
	case deep == 0 || kind < 4:
		return drawTest(t, below)
	case kind == 4:
		return `{"not":` + drawCondition(t, below, deep-1) + `}`
	default:
		parts := make([]string, rapid.IntRange(1, 3).Draw(t, "parts"))
		for i := range parts {
			parts[i] = drawCondition(t, below, deep-1)
		}
		return `{"` + []string{"all", "any"}[kind%2] + `":[` + strings.Join(parts, ",") + `]}`
	}
}

func drawPlan(t *rapid.T) string {
	var rules []string
	for i, rank := range rankNames[1:] {
		if rapid.IntRange(0, 3).Draw(t, "ruled") > 0 {
			rules = append(rules, `{"rank":"`+rank+`","requires":`+drawCondition(t, i+1, 2)+`}`)
		}
	}
	active := ""
	if rapid.Bool().Draw(t, "has active") {
		active = `"active":` + drawCondition(t, 0, 1) + `,`
	}
	counts := rapid.SampledFrom([]string{
		`"own_orders":true,"customer_orders":true`, `"own_orders":false,"customer_orders":true`, `"own_orders":true,"customer_orders":false`,
	}).Draw(t, "counts")
	return fmt.Sprintf(`{%s%s,"breakaway_rank":"gold","ranks":[%s]}`, active, counts, strings.Join(rules, ","))
}

// drawWorld is a small company. Its numbers are in no order in the tree.
func drawWorld(t *rapid.T) *period.World {
	n := rapid.IntRange(1, 9).Draw(t, "people")
	order := rapid.Permutation(slices.Collect(func(yield func(int32) bool) {
		for i := range int32(n) {
			if !yield(i) {
				return
			}
		}
	})).Draw(t, "order")
	w := &period.World{Period: march, Classes: []string{"standard"}, Currency: "EUR"}
	w.Sponsor = period.Tree{Parent: make([]int32, n), Order: order}
	for i, who := range order {
		w.Sponsor.Parent[who] = period.Nobody
		if up := rapid.IntRange(-1, i-1).Draw(t, "up"); up >= 0 {
			w.Sponsor.Parent[who] = order[up]
		}
	}
	people := &w.People
	people.Count, people.ID = int32(n), func(i int32) string { return fmt.Sprint("P", i) }
	for i := range n {
		people.Status = append(people.Status, rapid.SampledFrom([]genealogy.Status{"active", "active", "active", "suspended", "inactive", ""}).Draw(t, "status"))
		people.Rank = append(people.Rank, int8(max(0, rapid.IntRange(-8, 4).Draw(t, "assigned"))))
		people.Autoship = append(people.Autoship, rapid.Bool().Draw(t, "autoship"))
		enrolled := march.To - day*rapid.Int64Range(-1, 4).Draw(t, "days") + rapid.Int64Range(-1, 1).Draw(t, "micros")
		if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
			enrolled = period.Unknown
		}
		people.EnrolledAt = append(people.EnrolledAt, enrolled)
		if rapid.IntRange(0, 9).Draw(t, "override") == 0 {
			people.Overrides = append(people.Overrides, period.Override{
				Person: int32(i), Rank: int8(rapid.IntRange(0, 4).Draw(t, "to")), Floor: rapid.Bool().Draw(t, "floor"),
			})
		}
	}
	w.Sales = period.List(drawSales(t, n))
	return w
}

func drawSales(t *rapid.T, n int) []period.Sale {
	sales := make([]period.Sale, rapid.IntRange(0, 12).Draw(t, "sales"))
	for i := range sales {
		s := &sales[i]
		*s = period.Sale{Buyer: period.Nobody, Customer: period.Nobody, At: march.From}
		s.Order = int32(rapid.IntRange(0, 8).Draw(t, "order"))
		s.Seller = (s.Order*7+3)%int32(n+1) - 1 // One seller for each order; some have none.
		switch rapid.IntRange(0, 3).Draw(t, "who buys") {
		case 0:
			s.Buyer = s.Seller
		case 1:
			s.Buyer = int32(rapid.IntRange(0, n-1).Draw(t, "buyer"))
		default:
			s.Customer = int32(rapid.IntRange(0, 3).Draw(t, "customer"))
		}
		s.Quantity = rapid.Int64Range(-1, 3).Draw(t, "quantity")
		s.QV = money.Volume(rapid.Int64Range(-20, 90).Draw(t, "qv") * 1_000_000)
		if rapid.IntRange(0, 4).Draw(t, "odd") == 0 {
			s.QV++
		}
		s.CV = money.Volume(rapid.Int64Range(-20, 90).Draw(t, "cv") * 1_000_000)
	}
	return sales
}

func parsed(t *rapid.T, qualification string) *plan.Plan {
	p, err := plan.Parse([]byte(`{"name":"p","effective_from":"2026-01-01T00:00:00Z","currency":"EUR",
		"ranks":["member","silver","gold","platinum","diamond"],"volume":{"money":{"EUR":"1"}},
		"qualification":` + qualification + `,
		"components":[{"id":"retail","type":"retail","rates":[{"class":"*","rank":"*","rate":"10%"}]}]}`))
	if err != nil {
		t.Fatalf("%s\n%v", qualification, err)
	}
	return p
}

// TestLikeSlow compares with the computation by hand, including who lacks a fact.
func TestLikeSlow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, w := parsed(t, drawPlan(t)), drawWorld(t)
		got, err := period.Qualify(w, p, nil)
		want := &slow{w: w, p: p, rank: map[int32]int{}, act: map[int32]bool{}}
		missing := want.trouble()
		var lack *period.MissingFact
		if missing != (err != nil) || err != nil && !errors.As(err, &lack) {
			t.Fatalf("Qualify gives %v; a fact is missing: %v", err, missing)
		}
		if err != nil {
			return
		}
		for i := range w.People.Count {
			same := got.PV[i] == want.pv(i) && got.GV[i] == want.gv(i) && got.OwnCV[i] == want.cv(i) && got.PGV[i] == want.pgv(i, 2) &&
				got.Active[i] == want.active(i) && int(got.Rank[i]) == want.rankOf(i) && int(got.Reached[i]) == want.reached(i) &&
				int(got.Title[i]) == want.rankOf(i)
			if !same {
				t.Fatalf("person %d: PV %d %d, GV %d %d, CV %d %d, PGV %d %d, active %v %v, rank %d %d, reached %d %d, title %d", i,
					got.PV[i], want.pv(i), got.GV[i], want.gv(i), got.OwnCV[i], want.cv(i), got.PGV[i], want.pgv(i, 2),
					got.Active[i], want.active(i), got.Rank[i], want.rankOf(i), got.Reached[i], want.reached(i), got.Title[i])
			}
		}
	})
}

// trouble settles everybody and tells whether a missing fact stopped it.
func (s *slow) trouble() (missing bool) {
	defer func() {
		if what := recover(); what != nil {
			if _, missing = what.(unsettled); !missing {
				panic(what)
			}
		}
	}()
	for i := range s.w.People.Count {
		s.active(i)
		s.rankOf(i)
	}
	return false
}

// split is sales in blocks of few, in an order of their own.
type split struct {
	sales []period.Sale
	each  int
}

func (s split) Blocks() int { return (len(s.sales) + s.each - 1) / s.each }

func (s split) Block(i int, buf []period.Sale) ([]period.Sale, error) {
	return append(buf, s.sales[i*s.each:min(len(s.sales), (i+1)*s.each)]...), nil
}

var figures = cmp.Options{cmpopts.IgnoreUnexported(period.Standings{})}

// TestSameForAnySplit checks that neither the split into blocks, nor the order of sales, nor the cores show.
func TestSameForAnySplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, w := parsed(t, drawPlan(t)), drawWorld(t)
		want, wantErr := period.Qualify(w, p, nil)
		sales := rapid.Permutation([]period.Sale(w.Sales.(period.List))).Draw(t, "shuffled")
		w.Sales = split{sales, rapid.IntRange(1, 4).Draw(t, "each")}
		got, err := period.Qualify(w, p, spread)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if err == nil {
			if diff := cmp.Diff(want, got, figures); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// TestUnrelatedLeg checks that a new leg under somebody changes nothing for those who are not above it.
func TestUnrelatedLeg(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, w := parsed(t, drawPlan(t)), drawWorld(t)
		for i := range w.People.Status { // All facts are known, as new volume can make any of them matter.
			w.People.Status[i] = max(w.People.Status[i], genealogy.Active)
			w.People.EnrolledAt[i] = max(w.People.EnrolledAt[i], march.From)
		}
		before, err := period.Qualify(w, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		under := int32(rapid.IntRange(0, int(w.People.Count)-1).Draw(t, "under"))
		fresh := w.People.Count
		grown := *w
		grown.Sponsor.Parent = append(slices.Clone(w.Sponsor.Parent), under)
		grown.Sponsor.Order = append(slices.Clone(w.Sponsor.Order), fresh)
		grown.People.Count++
		grown.People.Status = append(slices.Clone(w.People.Status), genealogy.Active)
		grown.People.Rank = append(slices.Clone(w.People.Rank), 4)
		grown.People.Autoship = append(slices.Clone(w.People.Autoship), true)
		grown.People.EnrolledAt = append(slices.Clone(w.People.EnrolledAt), march.From)
		grown.Sales = append(slices.Clone(w.Sales.(period.List)), period.Sale{
			Seller: fresh, Buyer: fresh, Customer: period.Nobody, Order: 100, Quantity: 1, QV: 1_000_000_000, CV: 1_000_000_000,
		})
		after, err := period.Qualify(&grown, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		above := map[int32]bool{}
		for who := under; who != period.Nobody; who = w.Sponsor.Parent[who] {
			above[who] = true
		}
		for i := range w.People.Count {
			same := before.GV[i] == after.GV[i] && before.Rank[i] == after.Rank[i] && before.Active[i] == after.Active[i] &&
				before.PGV[i] == after.PGV[i] && before.Frontier[i] == after.Frontier[i] && before.PV[i] == after.PV[i]
			if !above[i] && !same {
				t.Fatalf("person %d changed by a leg under %d", i, under)
			}
		}
	})
}

// TestMonotone checks that more volume loses nobody a rank where the plan asks for lower bounds alone, none of them of a
// PGV: a leg that grows may break away.
func TestMonotone(t *testing.T) {
	t.Parallel()
	p := planOf(t, `{"active":{"pv":">= 20"},"ranks":[
		{"rank":"silver","requires":{"any":[{"gv":">= 60","max_leg_share":"40%"},{"active_legs":">= 2"}]}},
		{"rank":"gold","requires":{"all":[{"active":true},{"legs":{"rank":"silver","count":">= 1"}},{"leg":{"n":2,"volume":">= 30"}}]}},
		{"rank":"diamond","requires":{"all":[{"rank":">= gold"},{"legs":{"volume":"60","count":">= 2"}},{"orders":">= 1"}]}}]}`)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for i := range w.People.Status {
			w.People.Status[i] = genealogy.Active
		}
		before, err := period.Qualify(w, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.Sales = append(slices.Clone(w.Sales.(period.List)), period.Sale{
			Seller: int32(rapid.IntRange(0, int(w.People.Count)-1).Draw(t, "seller")), Buyer: period.Nobody, Order: 100, Quantity: 1,
			QV: money.Volume(rapid.Int64Range(1, 200_000_000).Draw(t, "more")),
		})
		after, err := period.Qualify(w, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range w.People.Count {
			if after.Rank[i] < before.Rank[i] {
				t.Fatalf("person %d falls from rank %d to %d by more volume", i, before.Rank[i], after.Rank[i])
			}
		}
	})
}
