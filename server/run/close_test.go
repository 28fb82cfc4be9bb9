package run_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server"
	"upline.dev/upline/server/run"
)

// TestLife walks a month from its first sale to its payment.
func TestLife(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	ctx := t.Context()
	for i, s := range []struct {
		seller string
		cv     int64
	}{{"ann", 100}, {"ben", 200}, {"cyd", 400}, {"dan", 5}, {"dan", 5}} {
		c.now = day(3, i+1)
		c.sell(t, string(rune('a'+i)), s.seller, c.now, s.cv)
	}
	c.now = day(3, 20)
	seen, err := c.run.Preview(ctx, program, "monthly", "", false)
	check(t, err)
	if seen.Period.PeriodID != "2026-03" || seen.Period.State != run.Open || seen.Changed {
		t.Fatalf("the month so far: %+v", seen.Period)
	}
	_, err = c.run.Lock(ctx, program, "monthly", "2026-03", true)
	wantCode(t, err, server.Conflict) // it is not over
	c.now = day(4, 2)
	_, err = c.run.Lock(ctx, program, "monthly", "2026-03", false)
	wantCode(t, err, server.Conflict) // late arrivals have two days
	_, err = c.run.Commit(ctx, program, "monthly", "2026-03")
	wantCode(t, err, server.Conflict) // it is not locked
	if len(c.earned(t)) != 0 {
		t.Fatal("something is posted before the commit")
	}
	c.now = day(4, 4)
	out := c.close(t, "2026-03")
	// GV is 710, 610, 410 and 10: all but dan are silver.
	want := map[string]int64{
		"ann": 12_00 + 10_00 + 12_00, // own 12 %; ben's 200 x 5 %; cyd's 400 x 3 %
		"ben": 24_00 + 20_00 + 30,    // own 12 %; cyd's 400 x 5 %; dan's 10 x 3 %
		"cyd": 48_00 + 50,            // own 12 %; dan's 10 x 5 %
		"dan": 1_00,
	}
	if diff := cmp.Diff(want, c.earned(t)); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	if out.Totals.Earned != "127.80" || out.Period.State != run.Committed || !out.Changed {
		t.Fatalf("totals %+v of %+v", out.Totals, out.Period)
	}
	again, err := c.run.Commit(ctx, program, "monthly", "2026-03")
	if check(t, err); again.Changed || !again.Report.Empty() {
		t.Fatalf("run again: %+v", again.Report)
	}
	ranks, err := c.store.RanksOfPerson(ctx, program, "ben")
	if check(t, err); len(ranks) != 1 || ranks[0].Rank != "silver" || ranks[0].GV.String() != "610" || !ranks[0].Active {
		t.Fatalf("ben's ranks: %+v", ranks)
	}
	why, err := c.run.Explain(ctx, program, "monthly", "2026-03", "ben")
	if check(t, err); why.Live || why.Evidence == nil || why.Evidence.Check() != nil || why.Evidence.Rank == nil ||
		why.Evidence.Rank.Requires.Have != "610" || !slices.Contains(why.Why, "The requirement of silver asks for: GV 610 of 300.") {
		t.Fatalf("why ben is silver, as it was posted: %+v", why.Evidence)
	}
	paid, err := c.run.Pay(ctx, program, "monthly", "2026-03")
	if check(t, err); paid.Period.State != run.Paid {
		t.Fatalf("%+v", paid.Period)
	}
}

// TestLateCurrent: what comes after the lock counts in the month in which it was recorded; the locked one stays.
func TestLateCurrent(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	ctx := t.Context()
	c.now = day(3, 10)
	c.sell(t, "a", "dan", c.now, 100)
	c.sell(t, "b", "dan", c.now, 100)
	c.now = day(4, 2) // within the grace: it still counts in March
	c.sell(t, "a", "dan", day(3, 10), 60)
	c.now = day(4, 5)
	c.close(t, "2026-03")
	march := map[string]int64{"dan": 16_00, "cyd": 0, "ben": 0}
	c.wantEarned(t, map[string]int64{"dan": march["dan"]})
	c.now = day(4, 10) // late: an April matter
	c.sell(t, "b", "dan", day(3, 10), 0)
	c.sell(t, "c", "dan", c.now, 250)
	again, err := c.run.Commit(ctx, program, "monthly", "2026-03")
	if check(t, err); again.Changed || !again.Report.Empty() {
		t.Fatalf("March changes: %+v", again.Report)
	}
	c.now = day(5, 5)
	out := c.close(t, "2026-04")
	// 250 less the 100 that were taken back of March; cyd is not active.
	c.wantEarned(t, map[string]int64{"dan": 16_00 + 15_00})
	if out.Totals.Sales.CV.String() != "150" {
		t.Fatalf("April sold %s CV", out.Totals.Sales.CV)
	}
	c.now = day(5, 6) // late for both: a May matter, once
	c.sell(t, "a", "dan", day(3, 10), 0)
	c.now = day(6, 5)
	c.sell(t, "e", "dan", day(5, 7), 100)
	c.close(t, "2026-05")
	c.wantEarned(t, map[string]int64{"dan": 16_00 + 15_00 + 4_00})
}

// TestLateFirstOrder: what a first order was paid for is taken back with it, and one that is told late is paid once.
func TestLateFirstOrder(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", `,
 {"id":"first","type":"first_order","base":"cv","requires":{"gv":">= 0"},"rates":[{"rate":"10%"}]},
 {"id":"new","type":"customer_acquisition","requires":{"gv":">= 0"},"customer_acquisition":{"min_cv":"50"},"rates":[{"amount":"5"}]}`)
	by := func(period, component, who string) string {
		t.Helper()
		e, err := c.run.Explain(t.Context(), program, "monthly", period, who)
		check(t, err)
		for _, a := range e.Awards {
			if a.ComponentID == component {
				return a.Earned
			}
		}
		return ""
	}
	want := func(period string, first, won string) {
		t.Helper()
		if got := [2]string{by(period, "first", "dan"), by(period, "new", "dan")}; got != [2]string{first, won} {
			t.Errorf("%s: %v, want %s and %s", period, got, first, won)
		}
	}
	c.now = day(3, 10)
	c.sell(t, "a", "dan", c.now, 100)
	c.sell(t, "b", "dan", c.now, 80)
	c.now = day(4, 5)
	c.close(t, "2026-03")
	want("2026-03", "18.00", "10.00")
	c.now = day(4, 10)
	c.sell(t, "a", "dan", day(3, 10), 0)  // comes back whole
	c.sell(t, "b", "dan", day(3, 10), 30) // in part: its customer stays
	c.sell(t, "late", "dan", day(3, 11), 60)
	c.sell(t, "c", "dan", c.now, 200)
	c.now = day(5, 5)
	c.close(t, "2026-04")
	want("2026-04", "11.00", "5.00") // 20 and 6, less 10 and 5; two won and one lost
	c.now = day(5, 10)
	c.sell(t, "late", "dan", day(3, 11), 0)
	c.sell(t, "d", "dan", c.now, 300)
	c.now = day(6, 5)
	c.close(t, "2026-05")
	want("2026-05", "24.00", "") // 30 less 6; one won and one lost
}

// TestLateRestate: a committed month is computed again with what arrived late, and the difference posted.
func TestLateRestate(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "restate", "")
	ctx := t.Context()
	c.now = day(3, 10)
	c.sell(t, "a", "dan", c.now, 100)
	c.sell(t, "b", "cyd", c.now, 100)
	c.now = day(4, 5)
	c.close(t, "2026-03")
	c.wantEarned(t, map[string]int64{"dan": 10_00, "cyd": 10_00 + 5_00})
	c.now = day(4, 10)
	c.sell(t, "a", "dan", day(3, 10), 40)
	out, err := c.run.Commit(ctx, program, "monthly", "2026-03")
	check(t, err)
	if !out.Changed || out.Report.Difference != "-9.00" || out.Report.People != 2 || out.Report.Less != 2 {
		t.Fatalf("%+v", out.Report)
	}
	for _, change := range out.Report.Changes {
		want := map[string]string{
			"direct": "PV 40, was 100; GV 40, was 100; paid on 40 CV, was 100 CV", "levels": "GV 140, was 200; paid on 40 CV, was 100 CV",
		}[change.ComponentID]
		if change.Why != want {
			t.Errorf("%s of %s: %s", change.ComponentID, change.DistributorID, change.Why)
		}
	}
	c.wantEarned(t, map[string]int64{"dan": 4_00, "cyd": 10_00 + 2_00})
	again, err := c.run.Commit(ctx, program, "monthly", "2026-03")
	if check(t, err); again.Changed || !again.Report.Empty() {
		t.Fatalf("run again: %+v", again.Report)
	}
	c.now = day(5, 5)
	c.sell(t, "d", "dan", day(4, 6), 100)
	out = c.close(t, "2026-04")
	if out.Totals.Sales.CV.String() != "100" {
		t.Fatalf("April sold %s CV: the late change of March must not count twice", out.Totals.Sales.CV)
	}
	runs, err := c.store.Runs(ctx, run.Key{Program: program, Kind: "monthly", PeriodID: "2026-03"})
	if check(t, err); len(runs) != 3 || runs[2].Action != run.ActionRestate {
		t.Fatalf("the history of March: %+v", runs)
	}
}

// TestOrderOfLocks: periods are locked one after the other, each on what the one before left.
func TestOrderOfLocks(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", "")
	ctx := t.Context()
	c.now = day(3, 10)
	c.sell(t, "a", "dan", c.now, 100)
	c.now = day(7, 1)
	_, err := c.run.Lock(ctx, program, "monthly", "2026-03", false)
	check(t, err)
	for _, month := range []string{"2026-02", "2026-03", "2026-04", "2026-05"} {
		_, err := c.run.Lock(ctx, program, "monthly", month, false)
		wantCode(t, err, server.Conflict)
	}
	_, err = c.run.Commit(ctx, program, "monthly", "2026-03")
	check(t, err)
	_, err = c.run.Lock(ctx, program, "monthly", "2026-04", false)
	check(t, err)
	for _, wrong := range [][2]string{{"monthly", "2026-13"}, {"weekly", "2026-05"}, {"weekly", "2026-W20"}, {"yearly", ""}} {
		_, err := c.run.Preview(ctx, program, wrong[0], wrong[1], false)
		wantCode(t, err, server.Invalid)
	}
}

// TestCaps: a cap looks at what orders have paid in the month too, and takes from it under a source of its own.
func TestCaps(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", `,
 {"id":"shop","type":"retail","base":"cv","rates":[{"rate":"0%"}]}],
"caps":[{"id":"most","scope":"person","limit":"50","enforce":"hard","per":"monthly"}`)
	ctx := t.Context()
	c.now = day(3, 10)
	for _, who := range []string{"ann", "ben", "cyd", "dan"} { // everybody is active
		c.sell(t, who, who, c.now, 10)
	}
	c.earn(t, "x", "dan", "shop", c.now, 80_00)
	c.now = day(4, 5)
	c.close(t, "2026-03")
	c.wantEarned(t, map[string]int64{"dan": 50_00, "cyd": 1_00 + 50, "ben": 1_00 + 50, "ann": 1_00 + 50})
	again, err := c.run.Commit(ctx, program, "monthly", "2026-03")
	if check(t, err); again.Changed || !again.Report.Empty() {
		t.Fatalf("run again: %+v", again.Report)
	}
	e, err := c.run.Explain(ctx, program, "monthly", "2026-03", "dan")
	check(t, err)
	var cut string
	for _, a := range e.Awards {
		if a.ComponentID == "shop" {
			cut = a.Earned + " " + a.Breakage
		}
	}
	if cut != "-31.00 31.00" && cut != "-30.00 30.00" {
		t.Errorf("what the cap takes of dan's orders: %q in %+v", cut, e.Awards)
	}
	c.now = day(4, 10)
	c.earn(t, "x", "dan", "shop", day(3, 10), 20_00) // 60.00 less, after March's lock: an April matter
	c.sell(t, "dan4", "dan", c.now, 1000)
	c.now = day(5, 5)
	c.close(t, "2026-04")
	// dan's 150.00 direct of April less the 60.00 are above the 50.00; cyd is not active.
	if got := c.earned(t)["dan"]; got != 50_00-60_00+50_00+60_00 {
		t.Errorf("dan has %d", got)
	}
}

// TestWeeks: a week is paid by the rank of the month so far.
func TestWeeks(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", `,
 {"id":"week","type":"retail","period":"weekly","base":"cv","rates":[{"rate":"1%"},{"rank":"silver","rate":"2%"}]}`)
	ctx := t.Context()
	c.now = day(3, 3) // the tenth week, from 2 to 8 March
	c.sell(t, "a", "dan", c.now, 200)
	c.sell(t, "d", "cyd", c.now, 10)
	c.now = day(3, 11)
	c.sell(t, "b", "dan", c.now, 200)
	c.now = day(4, 10)
	for _, week := range []string{"2026-W10", "2026-W11", "2026-W12"} {
		_, err := c.run.Lock(ctx, program, "weekly", week, false)
		check(t, err)
		_, err = c.run.Commit(ctx, program, "weekly", week)
		check(t, err)
	}
	// dan's first week is paid as member (GV 200 so far), the second as silver (400); cyd has 10 at 1 %.
	c.wantEarned(t, map[string]int64{"dan": 2_00 + 4_00, "cyd": 10})
	if _, err := c.run.Lock(ctx, program, "weekly", "2026-W14", false); server.CodeOf(err) != server.Conflict {
		t.Errorf("a week is locked before the one before it: %v", err)
	}
	list, err := c.run.List(ctx, program, "")
	check(t, err)
	states := map[string]run.State{}
	for _, p := range list {
		states[p.PeriodID] = p.State
	}
	for id, want := range map[string]run.State{"2026-W10": run.Committed, "2026-W13": run.Open, "2026-03": run.Open, "2026-04": run.Open} {
		if states[id] != want {
			t.Errorf("%s is listed as %q, want %s: %v", id, states[id], want, states)
		}
	}
}

// TestMatch: a match looks at what orders have paid in the month; what is corrected after the lock counts in the next.
func TestMatch(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "current_period", `,
 {"id":"shop","type":"retail","base":"cv","rates":[{"rate":"0%"}]},
 {"id":"match","type":"matching","period":"monthly","rates":[{"levels":["10%"]}],"matching":{"components":["shop"]}}`)
	match := func(out *run.Outcome) string {
		for _, k := range out.Totals.Components {
			if k.ComponentID == "match" {
				return k.Earned
			}
		}
		return ""
	}
	for month, corrected := range []int64{80_00, 30_00} {
		c.now = day(3, 10).AddDate(0, month, 0)
		for _, who := range []string{"ann", "ben", "cyd", "dan"} { // everybody is active
			c.sell(t, who+c.now.Format("1"), who, c.now, 10)
		}
		c.earn(t, "x", "dan", "shop", day(3, 10), corrected)
		c.now = day(4, 5).AddDate(0, month, 0)
		want := []string{"8.00", "-5.00"}[month]
		if got := match(c.close(t, c.now.AddDate(0, -1, 0).Format("2006-01"))); got != want {
			t.Errorf("month %d: the match is %s, want %s", month, got, want)
		}
	}
}
