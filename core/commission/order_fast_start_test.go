package commission_test

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

const dayMicros = int64(24 * 60 * 60 * 1_000_000)

// fastPlan is W11 as orders settle; %s is more of fast_start.
const fastPlan = `{"name":"fast","volume":{"money":{"EUR":"1"}},"components":[
{"id":"fast","type":"fast_start","period":"order","base":"net","fast_start":{"days":30%s},"rates":[{"levels":["20%%","10%%","5%%"]}]},
{"id":"levels","type":"unilevel","rates":[{"levels":["2%%"]}]}]}`

// w11 is 100.00 sold by Nora, enrolled so long before, with nobody qualified at level 2.
func w11(p *plan.Plan, ago int64) commission.Input {
	in := sale(p, "EUR", chain([3]string{"Nora", "active", ""}, [3]string{"Anna", "active", ""}, [3]string{"Ben", "inactive", ""}, [3]string{"Cleo", "active", ""}),
		commission.Line{NetMinor: 10_000})
	in.Enrolled = []commission.Enrolment{{DistributorID: "Nora", At: in.OrderTS - ago}}
	return in
}

func TestFastStartPerOrder(t *testing.T) {
	t.Parallel()
	all := []string{"1 fast Anna 2000", "1 fast Ben 1000 breakage: status inactive", "1 fast Cleo 500", "1 levels Anna 200"}
	none := []string{"1 levels Anna 200"}
	for name, c := range map[string]struct {
		terms string
		ago   int64
		want  []string
	}{
		"W11":                       {"", 12 * dayMicros, all},
		"the first instant":         {"", 0, all},
		"before the enrolment":      {"", -1, none},
		"the last instant":          {"", 30*dayMicros - 1, all},
		"the first instant after":   {"", 30 * dayMicros, none},
		"rolled up":                 {`,"roll_up":true`, 0, []string{"1 fast Anna 2000", "1 fast Cleo 1000", "1 levels Anna 200"}},
		"instead of the levels":     {`,"excludes":["levels"]`, 0, all[:3]},
		"instead of all":            {`,"excludes":["*"]`, 0, all[:3]},
		"nothing excluded when old": {`,"excludes":["*"]`, 31 * dayMicros, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustPlan(t, fmt.Sprintf(fastPlan, c.terms))
			in := w11(p, c.ago)
			r, snapshot := settle(t, in, p)
			if diff := cmp.Diff(c.want, events(r)); diff != "" {
				t.Error(diff)
			}
			again, err := commission.Recompute(snapshot)
			if err != nil {
				t.Fatalf("%v\n%s", err, snapshot)
			}
			if diff := cmp.Diff(r, again, equateEmpty); diff != "" {
				t.Errorf("(-calculated +recomputed)\n%s", diff)
			}
		})
	}
}

// TestFastStartTellsWhoIsNew: the explanation says whose first days they are and when they end.
func TestFastStartTellsWhoIsNew(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, fmt.Sprintf(fastPlan, `,"roll_up":true`))
	_, snapshot := settle(t, w11(p, 12*dayMicros), p)
	e, err := commission.Explain(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"fast on 100.00 EUR net, in the first 30 days of Nora, from 2025-12-20 00:00:00 UTC until 2026-01-19 00:00:00 UTC\n",
		"level 2  Ben passed over: status inactive\n",
	} {
		if text := e.Text(nil); !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// TestForgedFirstDays: a snapshot in which nobody was new cannot pay a fast start.
func TestForgedFirstDays(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, fmt.Sprintf(fastPlan, ""))
	_, snapshot := settle(t, w11(p, 12*dayMicros), p)
	const stated = `"new":["Nora",1766188800000000,30,1768780800000000]`
	if !strings.Contains(string(snapshot), stated) {
		t.Fatalf("no %s in %s", stated, snapshot)
	}
	for name, forged := range map[string]string{
		"somebody else": `"new":["Anna",1766188800000000,30,1768780800000000]`,
		"over before":   `"new":["Nora",1764633600000000,30,1767225600000000]`,
		"not begun":     `"new":["Nora",1767225600000001,30,1769817600000001]`,
		"too long":      `"new":["Nora",1766188800000000,1,1768780800000000]`,
		"no days":       `"new":["Nora",1767225600000000,0,1767225600000001]`,
		"short":         `"new":["Nora",1766188800000000,30]`,
	} {
		if _, err := commission.Recompute([]byte(strings.Replace(string(snapshot), stated, forged, 1))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestUnknownEnrolmentWaits: whether somebody is new is never guessed, and not asked where it does not matter.
func TestUnknownEnrolmentWaits(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, fmt.Sprintf(fastPlan, ""))
	in := w11(p, 0)
	in.Enrolled = []commission.Enrolment{{DistributorID: "Anna", At: in.OrderTS}}
	var missing *commission.MissingFact
	if _, err := commission.Calculate(in, p); !errors.As(err, &missing) || missing.DistributorID != "Nora" || missing.What != "enrolment date" {
		t.Errorf("error is %v", err)
	}
	class := mustPlan(t, strings.Replace(fmt.Sprintf(fastPlan, `,"excludes":["*"]`), `"rates":[{"levels":["20%"`, `"rates":[{"class":"kit","levels":["20%"`, 1))
	in.Pins.PlanHash = class.Hash()
	if r, err := commission.Calculate(in, class); err != nil || len(r.Events) != 1 {
		t.Errorf("a class that the fast start does not pay on: %v, %v", events(r), err)
	}
}

// TestFirstDaysByTheCalendar: where clocks change, a day of the company is 23 or 25 hours.
func TestFirstDaysByTheCalendar(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := mustPlan(t, fmt.Sprintf(fastPlan, ""))
	for end, enrolled := range map[time.Time]time.Time{
		time.Date(2026, 3, 31, 0, 0, 0, 0, berlin):  time.Date(2026, 3, 1, 0, 0, 0, 0, berlin),
		time.Date(2026, 11, 9, 18, 0, 0, 0, berlin): time.Date(2026, 10, 10, 18, 0, 0, 0, berlin),
	} {
		for at, want := range map[int64]int{end.UnixMicro() - 1: 4, end.UnixMicro(): 1} {
			in := w11(p, 0)
			in.Place, in.OrderTS, in.Enrolled[0].At = berlin, at, enrolled.UnixMicro()
			r, snapshot := settle(t, in, p)
			if len(r.Events) != want {
				t.Errorf("enrolled %s, order %s: %v", enrolled, time.UnixMicro(at).In(berlin), events(r))
			}
			if _, err := commission.Recompute(snapshot); err != nil {
				t.Error(err)
			}
		}
	}
}

// fastCompany is a small random company with a fast start and levels per order, in the words of the model.
type fastCompany struct {
	people  map[string]*fastPerson
	names   []string
	seller  string
	buyer   string // "" for a customer
	tree    string
	days    int64
	rollUp  bool
	exclude bool
	rates   []int64 // percent per level
	net     int64
	order   int64
}

type fastPerson struct {
	sponsor, enroller string
	active            bool
	enrolled          int64
}

func randomFastCompany(r *rand.Rand) *fastCompany {
	c := &fastCompany{
		people: map[string]*fastPerson{}, tree: pick(r, "sponsor", "enroller"), days: 1 + r.Int64N(20), rollUp: r.IntN(2) == 0,
		exclude: r.IntN(2) == 0, net: r.Int64N(100_000), order: 1767225600000000,
	}
	for range r.IntN(4) {
		c.rates = append(c.rates, r.Int64N(30))
	}
	for i := range 2 + r.IntN(9) {
		p := &fastPerson{active: r.IntN(4) > 0, enrolled: c.order - r.Int64N(25)*dayMicros + r.Int64N(3) - 1}
		if i > 0 {
			p.sponsor, p.enroller = c.names[r.IntN(i)], c.names[r.IntN(i)]
		}
		name := fmt.Sprintf("P%d", i)
		c.people[name], c.names = p, append(c.names, name)
	}
	c.seller = c.names[r.IntN(len(c.names))]
	if r.IntN(2) == 0 {
		c.buyer = c.names[r.IntN(len(c.names))]
	}
	return c
}

// plan writes the company's plan: the levels are of the same tree.
func (c *fastCompany) plan(t *testing.T) *plan.Plan {
	t.Helper()
	levels := []string{}
	for _, rate := range c.rates {
		levels = append(levels, fmt.Sprintf(`"%d%%"`, rate))
	}
	excludes := ""
	if c.exclude {
		excludes = `,"excludes":["levels"]`
	}
	return mustPlan(t, fmt.Sprintf(`{"name":"fast","components":[
{"id":"levels","type":"unilevel","tree":%q,"rates":[{"levels":["7%%"]}]},
{"id":"fast","type":"fast_start","period":"order","tree":%[1]q,"fast_start":{"days":%d,"roll_up":%t%s},"rates":[{"levels":[%s]}]}]}`,
		c.tree, c.days, c.rollUp, excludes, strings.Join(levels, ",")))
}

// above is everybody above somebody, nearest first.
func (c *fastCompany) above(name string) (up []string) {
	for {
		p := c.people[name]
		if name = p.sponsor; c.tree == "enroller" {
			name = p.enroller
		}
		if name == "" {
			return up
		}
		up = append(up, name)
	}
}

// expected asks for each level in turn who has it.
func (c *fastCompany) expected() (out []string) {
	isNew := func(name string) bool {
		age := c.order - c.people[name].enrolled
		return age >= 0 && age < c.days*dayMicros
	}
	newcomer := ""
	switch {
	case c.buyer != "" && isNew(c.buyer):
		newcomer = c.buyer
	case isNew(c.seller):
		newcomer = c.seller
	}
	if newcomer == "" || !c.exclude || len(c.rates) == 0 {
		if up := c.above(c.seller); len(up) > 0 {
			out = append(out, c.event("levels", up[0], 7)...)
		}
	}
	if newcomer == "" {
		return out
	}
	up := c.above(newcomer)
	for _, rate := range c.rates {
		for c.rollUp && len(up) > 0 && c.why(up[0]) != "" {
			up = up[1:]
		}
		if len(up) == 0 {
			break
		}
		if rate > 0 {
			out = append(out, c.event("fast", up[0], rate)...)
		}
		up = up[1:]
	}
	return out
}

func (c *fastCompany) why(name string) string {
	switch {
	case !c.people[name].active:
		return "status inactive"
	case name == c.buyer:
		return "own order"
	}
	return ""
}

func (c *fastCompany) event(component, name string, percent int64) []string {
	amount := roundRat(big.NewRat(c.net*percent, 100), "half_even")
	if amount.Sign() == 0 {
		return nil
	}
	text := fmt.Sprintf("1 %s %s %s", component, name, amount)
	if why := c.why(name); why != "" {
		text += " breakage: " + why
	}
	return []string{text}
}

// upline is somebody and everybody above in a tree, as the books give it.
func (c *fastCompany) upline(tree, name string) (up []genealogy.Person) {
	same := *c
	same.tree = tree
	for _, id := range append([]string{name}, same.above(name)...) {
		status := genealogy.Active
		if !c.people[id].active {
			status = genealogy.Inactive
		}
		up = append(up, genealogy.Person{ID: id, Status: status})
	}
	return up
}

func TestFastStartPerOrderAgreesWithReference(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 2026)) // The same companies every time are the point.
	const companies = 10_000
	fast := 0
	for i := range companies {
		c := randomFastCompany(r)
		p := c.plan(t)
		in := sale(p, "EUR", c.upline("sponsor", c.seller), commission.Line{NetMinor: c.net})
		in.Buyer = c.buyer
		needs := commission.NeedsOf(p, c.seller, c.buyer)
		for _, id := range needs.Enrolled {
			in.Enrolled = append(in.Enrolled, commission.Enrolment{DistributorID: id, At: c.people[id].enrolled})
		}
		for _, need := range needs.Walks {
			in.AddWalk(need.Tree, c.upline(need.Tree, need.Of))
		}
		got, err := commission.Calculate(in, p)
		if err != nil {
			t.Fatalf("company %d: %v", i, err)
		}
		if diff := cmp.Diff(c.expected(), events(got)); diff != "" {
			t.Fatalf("company %d (-reference +Calculate):\n%s\n%+v\n%+v\n%s", i, diff, *c, in, p.Canonical())
		}
		snapshot, err := commission.Snapshot(in, netOf(in.Lines), got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := commission.Recompute(snapshot)
		if err != nil {
			t.Fatalf("company %d: %v\n%s", i, err, snapshot)
		}
		if diff := cmp.Diff(got, again, equateEmpty); diff != "" {
			t.Fatalf("company %d (-calculated +recomputed):\n%s", i, diff)
		}
		if slices.ContainsFunc(got.Events, func(e commission.Event) bool { return e.ComponentID == "fast" }) {
			fast++
		}
	}
	if fast < companies/5 {
		t.Errorf("only %d of %d companies pay a fast start: the comparison compares little", fast, companies)
	}
}
