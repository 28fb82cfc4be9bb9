package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/run"
)

// TestCancel: a commit that is cancelled at any step leaves nothing for readers to see, and is taken up by the next.
func TestCancel(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	c.now = day(3, 10)
	for _, who := range []string{"ann", "ben", "cyd", "dan"} {
		c.sell(t, who, who, c.now, 100)
	}
	c.now = day(4, 5)
	_, err := c.run.Lock(t.Context(), program, "monthly", "2026-03", false)
	check(t, err)
	stop := errors.New("stop")
	stages := map[string]bool{}
	for step := 1; ; step++ {
		asked := 0
		cancelled := *c.run
		cancelled.Progress = func(stage string, done, total int) error {
			if stages[stage] = true; done > total {
				t.Errorf("%s: %d of %d", stage, done, total)
			}
			if asked++; asked == step {
				return stop
			}
			return nil
		}
		out, err := cancelled.Commit(t.Context(), program, "monthly", "2026-03")
		if err == nil {
			if out.Period.State != run.Committed || step < 8 {
				t.Fatalf("step %d: %+v", step, out.Period)
			}
			break
		}
		if !errors.Is(err, stop) || len(c.earned(t)) != 0 {
			t.Fatalf("step %d: %v, shown %v", step, err, c.earned(t))
		}
		if list, err := c.run.List(t.Context(), program, "monthly"); err != nil || list[0].State != run.Locked && list[0].State != run.Committing {
			t.Fatalf("step %d: %+v, %v", step, list, err)
		}
	}
	for _, stage := range []string{run.StagePeople, run.StageSales, run.StageRanks, run.StageClose, run.StageCompare, run.StagePost, run.StageRecord} {
		if !stages[stage] {
			t.Errorf("nobody was told of stage %q", stage)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.run.Preview(gone, program, "monthly", "2026-03", false); !errors.Is(err, context.Canceled) {
		t.Errorf("a preview for somebody who has gone: %v", err)
	}
	c.wantEarned(t, map[string]int64{"ann": 12_00 + 5_00 + 3_00, "ben": 12_00 + 5_00 + 3_00, "cyd": 10_00 + 5_00, "dan": 10_00})
}

// TestSimulateCancel: a simulation that is cancelled at any step ends there and then, has said how far it was, and leaves
// the books as they were.
func TestSimulateCancel(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	for d := 1; d < 28; d += 9 {
		c.now = day(3, d)
		for _, who := range []string{"ann", "ben", "cyd", "dan"} {
			c.sell(t, who+c.now.Format("02"), who, c.now, 100)
		}
	}
	c.now = day(4, 5)
	plans, err := c.store.PublishedPlans(t.Context(), program)
	check(t, err)
	from, to, err := c.run.Range(t.Context(), program, "2026-03")
	check(t, err)
	draft, history := plans[0].Plan, run.History{From: from, To: to}
	before := c.books(t)
	stages := map[string]bool{}
	for step := 1; ; step++ {
		ctx, cancel := context.WithCancel(t.Context())
		asked := 0
		cancelled := *c.run
		cancelled.Progress = func(stage string, done, total int) error {
			if stages[stage] = true; done > total {
				t.Errorf("%s: %d of %d", stage, done, total)
			}
			if asked++; asked == step {
				cancel() // as a signal does
			}
			return nil
		}
		_, err := cancelled.Simulate(ctx, program, draft, history)
		cancel()
		if diff := cmp.Diff(before, c.books(t)); diff != "" {
			t.Fatalf("step %d changed the books: %s", step, diff)
		}
		if asked < step {
			check(t, err)
			if step < 12 {
				t.Errorf("the whole had %d steps only", asked)
			}
			break
		}
		// A stage asks once more at the most: within one component nobody looks.
		if err != nil && !errors.Is(err, context.Canceled) || asked > step+1 {
			t.Fatalf("step %d: %v, asked %d times", step, err, asked)
		}
	}
	for _, stage := range []string{run.StageOrders, run.StagePeople, run.StageSales, run.StageRanks, run.StageClose} {
		if !stages[stage] {
			t.Errorf("nobody was told of stage %q", stage)
		}
	}
}

// books is what readers see: what everybody earned, and the periods.
func (c *company) books(t *testing.T) (all []any) {
	t.Helper()
	list, err := c.run.List(t.Context(), program, "monthly")
	check(t, err)
	head, err := c.store.Head(t.Context(), program)
	check(t, err)
	return []any{c.earned(t), list, head}
}

// TestProjection: the month so far, computed once for all who ask until something sells.
func TestProjection(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	c.now = day(3, 10)
	c.sell(t, "a", "dan", c.now, 100)
	p := &run.Projections{Service: c.run}
	first, err := p.Projection(t.Context(), program, "monthly", "")
	check(t, err)
	if again, err := p.Projection(t.Context(), program, "monthly", ""); err != nil || again != first {
		t.Errorf("it is computed twice for one state of affairs: %v", err)
	}
	e, err := first.Explain("dan")
	check(t, err)
	if !e.Live || e.Earned != "10.00" || e.Rank == nil || e.Rank.PV.String() != "100" || len(e.Awards) != 1 || !strings.Contains(e.Awards[0].Text, "dan gets 10.00 EUR") {
		t.Errorf("%+v", e)
	}
	want := []string{
		"Paid as member in 2026-03: everybody has this rank.", "Active: PV 100 of 10.", "To silver is missing: GV 200 more (100 of 300).",
	}
	if diff := cmp.Diff(want, e.Why); diff != "" || e.Evidence.Next.Requires.Lacks != "200" {
		t.Errorf("the evidence of dan's rank: %+v %s", e.Evidence, diff)
	}
	_, err = first.Explain("nobody")
	wantCode(t, err, server.NotFound)
	c.sell(t, "b", "dan", c.now, 100)
	c.now = c.now.Add(time.Minute)
	if next, err := p.Projection(t.Context(), program, "monthly", ""); err != nil || next.Totals.Earned != "20.00" {
		t.Errorf("after another sale: %+v, %v", next, err)
	}
	if _, err := p.Projection(t.Context(), program, "weekly", ""); server.CodeOf(err) != server.Invalid {
		t.Errorf("a projection of what the plan does not settle: %v", err)
	}
}

// TestSimulate: a draft pays stored history and a file of the same to the cent alike, and the sides differ as they should.
func TestSimulate(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", `,
 {"id":"shop","type":"retail","base":"net","rates":[{"rate":"5%"}]}`)
	ctx := t.Context()
	for month := range 2 {
		c.now = day(3, 10).AddDate(0, month, 0)
		for _, who := range []string{"ben", "cyd", "dan"} {
			c.sell(t, fmt.Sprint(who, month), who, c.now, 100)
		}
	}
	c.now = day(6, 1)
	draft, err := plan.Parse([]byte(fmt.Sprintf(monthly, "current_period", `,
 {"id":"shop","type":"retail","base":"net","rates":[{"rate":"7%"}]},
 {"id":"pool","type":"pool","period":"monthly","rates":[{"rank":"*","shares":"0"},{"rank":"silver","shares":"1"}],"base":"cv","pool":{"share":"1%"}}`)))
	check(t, err)
	from, to, err := c.run.Range(ctx, program, "2026-03..2026-04")
	check(t, err)
	stored, err := c.run.Simulate(ctx, program, draft, run.History{From: from, To: to})
	check(t, err)
	history := run.History{From: from, To: to}
	check(t, c.run.Sales(ctx, program, from, to, func(s *run.Sale) error { history.Sales = append(history.Sales, *s); return nil }))
	file, err := c.run.Simulate(ctx, program, draft, history)
	check(t, err)
	for _, pair := range [][2]any{{stored.Comparisons, file.Comparisons}, {stored.Now.Components, file.Now.Components}, {stored.Draft.Sums, file.Draft.Sums}} {
		if diff := cmp.Diff(pair[0], pair[1], cmp.AllowUnexported(run.Shift{}, run.SideComponent{}, run.SideSum{})); diff != "" {
			t.Errorf("the file and the stored history differ: %s", diff)
		}
	}
	// 6 orders of 100.00: 2 % more each; 1 % of 300 CV a month to ben, the only active silver (GV 300).
	k := stored.Comparisons[0]
	if stored.Orders != 6 || k.Difference != "18.00" || k.Winners != 3 || k.Losers != 0 {
		t.Errorf("%d orders, %+v", stored.Orders, k)
	}
	var people int64
	for _, bar := range k.Histogram {
		people += bar.People
	}
	if people != 3 || stored.Draft.Sums[0].Net != "600.00" || len(stored.Draft.Periods) != 2 {
		t.Errorf("%d people in %+v; %+v", people, k.Histogram, stored.Draft)
	}
	if len(c.earned(t)) != 0 {
		t.Error("a simulation has posted")
	}
	for _, wrong := range []string{"2026-05..2026-03", "x", "2026-03..", ".."} {
		if _, _, err := c.run.Range(ctx, program, wrong); server.CodeOf(err) != server.Invalid {
			t.Errorf("range %q: %v", wrong, err)
		}
	}
}

// TestSimulateFastStart: a draft that pays fast starts as orders settle is told when people enrolled, and by whom; without a
// date it says whose is missing.
func TestSimulateFastStart(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	c.now = day(3, 10)
	c.sell(t, "1", "dan", c.now, 100)
	c.sell(t, "2", "cyd", c.now, 100)
	draft, err := plan.Parse([]byte(fmt.Sprintf(monthly, "current_period", `,
 {"id":"fast","type":"fast_start","period":"order","tree":"enroller","base":"cv","fast_start":{"days":30},"rates":[{"levels":["10%"]}]}`)))
	check(t, err)
	from, to, err := c.run.Range(t.Context(), program, "2026-03")
	check(t, err)
	history := run.History{From: from, To: to}
	if _, err := c.run.Simulate(t.Context(), program, draft, history); err == nil || !strings.Contains(err.Error(), "has no enrolment date") {
		t.Fatalf("without a date: %v", err)
	}
	enroller := "ann"
	c.people(t, admin.Distributor{DistributorID: "dan", SponsorID: "cyd", EnrolledAt: day(3, 1), EnrollerID: &enroller},
		admin.Distributor{DistributorID: "cyd", SponsorID: "ben", EnrolledAt: day(1, 1)})
	out, err := c.run.Simulate(t.Context(), program, draft, history)
	check(t, err)
	if k := out.Comparisons[0]; k.Winners != 1 || k.TopWinners[0].DistributorID != "ann" || k.Difference != "10.00" {
		t.Errorf("%+v", k)
	}
}

// TestMove: the effect is what closing would show; it is written only when recorded, and locked periods keep their trees.
func TestMove(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	c.publish(t, strings.Replace(fmt.Sprintf(monthly, "current_period", ""), `"qualification"`, `"placement":{"width":2,"strategy":"breadth_first","hold_days":7},"qualification"`, 1))
	ctx := t.Context()
	c.now = day(3, 10)
	for _, who := range []string{"ann", "ben", "cyd", "dan"} {
		c.sell(t, who, who, c.now, 100)
	}
	move := run.Move{Tree: plan.TreeSponsor, Kind: placement.WithDownline, Position: "dan", To: "ann", At: day(3, 11)}
	e, err := c.run.PlanMove(ctx, program, move)
	check(t, err)
	if len(e.Links) != 1 || len(e.Periods) != 1 || e.Written {
		t.Fatalf("%+v", e)
	}
	shift := map[string]string{}
	for _, change := range e.Periods[0].Report.Changes {
		shift[change.DistributorID+" "+change.ComponentID] = change.Difference
	}
	// cyd loses dan's 5.00; ben loses the 3.00 of level 2 and falls below silver; ann gets dan on level 1.
	if shift["cyd levels"] != "-5.00" || shift["ben levels"] != "-3.00" || shift["ben direct"] != "-2.00" {
		t.Errorf("who gains and loses: %v", shift)
	}
	seen, err := c.run.Preview(ctx, program, "monthly", "2026-03", false)
	if check(t, err); seen.Totals.Earned != e.Periods[0].Before {
		t.Errorf("planning a move has moved: %s", seen.Totals.Earned)
	}
	check(t, c.run.Record(ctx, program, e))
	seen, err = c.run.Preview(ctx, program, "monthly", "2026-03", false)
	if check(t, err); seen.Totals.Earned != e.Periods[0].After {
		t.Errorf("after the move %s, foretold %s", seen.Totals.Earned, e.Periods[0].After)
	}
	wantCode(t, c.run.Record(ctx, program, e), server.Conflict) // the trees are not those it was planned on
	move.To, move.Position = "dan", "ann"
	_, err = c.run.PlanMove(ctx, program, move)
	wantCode(t, err, server.Invalid)
	testPlacing(t, c)
}

// testPlacing: people come from the tank into the placement tree.
func testPlacing(t *testing.T, c *company) {
	t.Helper()
	ctx := t.Context()
	c.now = day(3, 20)
	c.people(t, admin.Distributor{DistributorID: "eve", SponsorID: "ann", CreatedAt: day(3, 18)})
	tank, err := c.run.Tank(ctx, program)
	if check(t, err); len(tank) != 5 {
		t.Fatalf("the tank: %+v", tank)
	}
	e, waiting, err := c.run.PlanSettle(ctx, program)
	check(t, err)
	if len(e.Links) != 4 || len(waiting) != 1 || waiting[0].Entry.DistributorID != "eve" {
		t.Fatalf("settled %+v, waiting %+v", e.Links, waiting)
	}
	check(t, c.run.Record(ctx, program, e))
	e, err = c.run.PlanPlace(ctx, program, run.Wish{DistributorID: "eve", Parent: "cyd", Leg: 1, At: c.now})
	check(t, err)
	check(t, c.run.Record(ctx, program, e))
	if tank, err = c.run.Tank(ctx, program); err != nil || len(tank) != 0 {
		t.Fatalf("the tank: %+v, %v", tank, err)
	}
	_, err = c.run.PlanPlace(ctx, program, run.Wish{DistributorID: "eve", Parent: "ann", Leg: 0, At: c.now})
	wantCode(t, err, server.Invalid)
	e, err = c.run.PlanMove(ctx, program, run.Move{Tree: plan.TreePlacement, Kind: placement.Swap, Position: "eve", To: "ben", At: c.now})
	if check(t, err); len(e.Links) < 2 {
		t.Fatalf("a swap: %+v", e.Links)
	}
	check(t, c.run.Record(ctx, program, e))
}

// TestOverride: a rank given by hand holds for its time, says why, and ends.
// A date means the company's midnight: in New York a rank given from the first of November is not had in October, and one
// given until the first of December is had in November.
func TestDaysOfAnOverrideAreTheCompanys(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	c.publish(t, strings.Replace(strings.Replace(fmt.Sprintf(monthly, "restate", ""), "2026-01-01T", "2026-02-01T", 1), `"grace_days":2`, `"time_zone":"America/New_York"`, 1))
	c.now = day(12, 5)
	from, err := c.run.DayBegins(t.Context(), program, "2026-11-01")
	check(t, err)
	until, err := c.run.DayBegins(t.Context(), program, "2026-12-01")
	check(t, err)
	_, err = c.run.Override(t.Context(), program, run.Override{
		DistributorID: "ann", Rank: "gold", Floor: true, ValidFrom: from.UnixMicro(), ValidUntil: until.UnixMicro(), Reason: "a promise",
	})
	check(t, err)
	for month, want := range map[string]string{"2026-10": "member", "2026-11": "gold", "2026-12": "member"} {
		got, err := c.run.Explain(t.Context(), program, "", month, "ann")
		check(t, err)
		if len(got.Why) == 0 || !strings.HasPrefix(got.Why[0], "Paid as "+want) {
			t.Errorf("%s: %v, want paid as %s", month, got.Why, want)
		}
	}
	if _, err := c.run.DayBegins(t.Context(), program, "2026-11-31"); server.CodeOf(err) != server.Invalid {
		t.Errorf("there is no 31 November: %v", err)
	}
}

func TestOverride(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	ctx := t.Context()
	c.now = day(3, 10)
	c.sell(t, "a", "dan", c.now, 100)
	given := run.Override{DistributorID: "dan", Rank: "gold", Floor: true, ValidFrom: day(3, 1).UnixMicro(), ValidUntil: day(6, 1).UnixMicro(), Reason: "promised"}
	for name, spoil := range map[string]func(*run.Override){
		"no reason": func(o *run.Override) { o.Reason = "" }, "no rank": func(o *run.Override) { o.Rank = "" },
		"no such rank": func(o *run.Override) { o.Rank = "platinum" }, "no end": func(o *run.Override) { o.ValidUntil = 0 },
	} {
		o := given
		spoil(&o)
		if _, err := c.run.Override(ctx, program, o); server.CodeOf(err) != server.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	o, err := c.run.Override(ctx, program, given)
	check(t, err)
	seen, err := c.run.Preview(ctx, program, "monthly", "2026-03", false)
	if check(t, err); seen.Totals.Earned != "15.00" {
		t.Errorf("dan as gold earns %s", seen.Totals.Earned)
	}
	e, err := seen.Explain("dan")
	if check(t, err); !strings.Contains(e.Awards[0].Text, "promised") {
		t.Errorf("the reason is not told: %s", e.Awards[0].Text)
	}
	_, err = c.run.EndOverride(ctx, program, o.OverrideID)
	check(t, err)
	c.now = c.now.AddDate(0, 0, 1)
	_, err = c.run.EndOverride(ctx, program, o.OverrideID)
	wantCode(t, err, server.Conflict)
	seen, err = c.run.Preview(ctx, program, "monthly", "2026-03", false)
	if check(t, err); seen.Totals.Earned != "10.00" {
		t.Errorf("dan without it earns %s", seen.Totals.Earned)
	}
}

// TestNobodyPlaced: a plan that pays by places says so where nobody has one.
func TestNobodyPlaced(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	c.publish(t, strings.Replace(fmt.Sprintf(monthly, "current_period", `,
 {"id":"teams","type":"binary","period":"monthly","base":"cv","rates":[{"rate":"10%"}],"binary":{"pay":"weaker_leg","carry":"stronger","inactive":"flush","capped":"keep"}}`),
		`"qualification"`, `"placement":{"width":2,"strategy":"breadth_first"},"qualification"`, 1))
	c.now = day(3, 10)
	c.sell(t, "a", "ann", c.now, 100)
	_, err := c.run.Preview(t.Context(), program, "monthly", "2026-03", false)
	if wantCode(t, err, server.Invalid); !strings.Contains(err.Error(), "people settle") {
		t.Errorf("it does not say the mend: %v", err)
	}
	e, _, err := c.run.PlanSettle(t.Context(), program)
	check(t, err)
	check(t, c.run.Record(t.Context(), program, e))
	c.now = day(3, 12)
	c.sell(t, "b", "cyd", c.now, 100)
	c.now = day(4, 5)
	c.close(t, "2026-03")
	if states, err := c.store.StatesOf(t.Context(), run.Key{Program: program, Kind: "monthly", PeriodID: "2026-03"}); err != nil || len(states) != 1 || !strings.Contains(string(states[0].State), "teams") {
		t.Errorf("what the legs carry on is not kept: %+v, %v", states, err)
	}
}
