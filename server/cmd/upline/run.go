package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"upline.dev/upline/core/commission"
	closer "upline.dev/upline/server/run"
)

// RunCmd groups what closes periods.
type RunCmd struct {
	List    RunListCmd    `cmd:"" help:"List periods and where they stand."`
	Show    RunShowCmd    `cmd:"" help:"Show one period: its totals and who did what to it."`
	Preview RunPreviewCmd `cmd:"" help:"Say what a commit would post, for a period that is over or as far as it has gone; posts nothing."`
	Lock    RunLockCmd    `cmd:"" help:"Fix what a period is computed from: plan, tree, and which orders are in time."`
	Commit  RunCommitCmd  `cmd:"" help:"Post what a locked period should have; running it again posts nothing twice."`
	Pay     RunPayCmd     `cmd:"" help:"Mark a committed period as paid."`
	Explain RunExplainCmd `cmd:"" help:"Say why a person has what they have in a period: amounts, volumes and rank."`
}

// periodFlags name one period.
type periodFlags struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Kind    string `help:"daily, weekly, monthly or quarterly; may be left out where --period says it." placeholder:"KIND"`
	Period  string `help:"Period, such as 2026-03, 2026-W10, 2026-03-09 or 2026-Q1." placeholder:"PERIOD"`
	JSON    bool   `help:"Print JSON."`
}

// check refuses a command that names no period.
func (f *periodFlags) check(needed bool) error {
	if f.Kind == "" && f.Period == "" {
		if needed {
			return wrongSetting("say which period: --period 2026-03 (upline run list)")
		}
		f.Kind = "monthly"
	}
	if needed && f.Period == "" {
		return wrongSetting("say which %s period: --period ... (upline run list)", f.Kind)
	}
	return nil
}

// with opens the database and runs f with a service that shows how far it is.
func (f *periodFlags) with(ctx context.Context, env *environment, needed bool, do func(a *app, program string, s *closer.Service) error) error {
	if err := f.check(needed); err != nil {
		return err
	}
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, f.Program)
		if err != nil {
			return err
		}
		bar := env.runBar()
		err = do(a, program, a.runs(env, bar.set))
		bar.done()
		return err
	})
}

// runs is the service that closes periods.
func (a *app) runs(env *environment, progress closer.Progress) *closer.Service {
	return &closer.Service{Books: a.store, Clock: a.now, Actor: "cli", TempDir: env.Data, Progress: progress}
}

// stageBar is a bar that begins anew with every stage of a run.
type stageBar struct {
	env   *environment
	stage string
	bar   *progress
}

func (e *environment) runBar() *stageBar { return &stageBar{env: e} }

func (b *stageBar) set(stage string, done, total int) error {
	if stage != b.stage {
		b.done()
		b.stage, b.bar = stage, b.env.progress(stage, total)
	}
	b.bar.set(done)
	return nil
}

func (b *stageBar) done() {
	if b.bar != nil {
		b.bar.count = b.bar.total
		b.bar.done()
	}
	b.stage, b.bar = "", nil
}

// RunListCmd lists periods.
type RunListCmd struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Kind    string `help:"daily, weekly, monthly or quarterly; all that the plan settles by when empty." placeholder:"KIND"`
	JSON    bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *RunListCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		list, err := a.runs(env, nil).List(ctx, program, cmd.Kind)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(nonNil(list))
		}
		return env.printPeriods(list)
	})
}

// nonNil makes an empty list of no list, for JSON.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (e *environment) printPeriods(list []closer.Period) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(e.stdout, "no period yet: nothing has sold, or no plan is in force")
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PERIOD\tKIND\tENDS\tSTATE\tEARNED\tBREAKAGE\tPEOPLE\tLAST CHANGE\tBY")
	for i := range list {
		p := &list[i]
		earned, breakage, people := "", "", ""
		if p.Totals != nil {
			earned, breakage = p.Totals.Earned+" "+p.Totals.Currency, p.Totals.Breakage
			people = strconv.FormatInt(p.Totals.People, 10)
		}
		at, by := p.LastChange()
		changed := ""
		if !at.IsZero() {
			changed = at.Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.PeriodID, p.Kind, p.To.Format("2006-01-02 15:04"), p.State, earned, breakage, people, changed, by)
	}
	return w.Flush()
}

// RunShowCmd shows one period.
type RunShowCmd struct {
	periodFlags
}

// shownPeriod is the JSON form.
type shownPeriod struct {
	Period closer.Period `json:"period"`
	Runs   []closer.Run  `json:"runs"`
}

// Run carries it out.
func (cmd *RunShowCmd) Run(ctx context.Context, env *environment) error {
	return cmd.with(ctx, env, true, func(_ *app, program string, s *closer.Service) error {
		p, runs, err := s.Show(ctx, program, cmd.Kind, cmd.Period)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(shownPeriod{p, nonNil(runs)})
		}
		env.printPeriod(&p)
		if p.Totals != nil {
			env.printTotals(p.Totals)
		}
		fmt.Fprintln(env.stdout, "\nHistory:")
		for i := range runs {
			r := &runs[i]
			fmt.Fprintf(env.stdout, "  %s  %-8s by %s, run %s", r.At.Format("2006-01-02 15:04:05"), r.Action, r.Actor, r.RunID)
			if r.Report != nil && !r.Report.Empty() {
				fmt.Fprintf(env.stdout, ": %s for %s", r.Report.Difference, count(int(r.Report.People), "person"))
			}
			fmt.Fprintln(env.stdout)
		}
		if len(runs) == 0 {
			fmt.Fprintln(env.stdout, "  nobody has touched it yet")
		}
		return nil
	})
}

// RunPreviewCmd previews a period.
type RunPreviewCmd struct {
	periodFlags
	Record bool `help:"Keep in the period's history that it was looked at, and what was seen."`
	Top    int  `help:"Changes to show, the largest first." default:"10"`
}

// Run carries it out.
func (cmd *RunPreviewCmd) Run(ctx context.Context, env *environment) error {
	env.stopped = nothingChanged
	return cmd.with(ctx, env, false, func(a *app, program string, s *closer.Service) error {
		out, err := s.Preview(ctx, program, cmd.Kind, cmd.Period, cmd.Record)
		if err != nil {
			return err
		}
		return env.printOutcome(ctx, a, program, out, cmd.JSON, cmd.Top, "a commit would post", "A preview posts nothing.")
	})
}

// RunLockCmd locks a period.
type RunLockCmd struct {
	periodFlags
	BeforeGrace bool `help:"Lock though the plan's grace for late arrivals is not over."`
	Top         int  `help:"Changes to show, the largest first." default:"10"`
}

// Run carries it out.
func (cmd *RunLockCmd) Run(ctx context.Context, env *environment) error {
	env.stopped = "the period is locked whole or not at all: upline run list says which"
	return cmd.with(ctx, env, true, func(a *app, program string, s *closer.Service) error {
		out, err := s.Lock(ctx, program, cmd.Kind, cmd.Period, cmd.BeforeGrace)
		if err != nil {
			return err
		}
		return env.printOutcome(ctx, a, program, out, cmd.JSON, cmd.Top, "a commit will post",
			"Locked. Post it with: upline run commit --period "+out.Period.PeriodID)
	})
}

// RunCommitCmd commits a period.
type RunCommitCmd struct {
	periodFlags
	Top int `help:"Changes to show, the largest first." default:"10"`
}

// Run carries it out.
func (cmd *RunCommitCmd) Run(ctx context.Context, env *environment) error {
	env.stopped = "what was posted is not shown before all of it is: run the same command again, and it goes on"
	return cmd.with(ctx, env, true, func(a *app, program string, s *closer.Service) error {
		out, err := s.Commit(ctx, program, cmd.Kind, cmd.Period)
		if err != nil {
			return err
		}
		note := "Committed."
		if !out.Changed {
			note = "Everything is posted already; nothing was written."
		}
		return env.printOutcome(ctx, a, program, out, cmd.JSON, cmd.Top, "posted", note)
	})
}

// RunPayCmd marks a period as paid.
type RunPayCmd struct {
	periodFlags
}

// Run carries it out.
func (cmd *RunPayCmd) Run(ctx context.Context, env *environment) error {
	return cmd.with(ctx, env, true, func(_ *app, program string, s *closer.Service) error {
		out, err := s.Pay(ctx, program, cmd.Kind, cmd.Period)
		if err != nil {
			return err
		}
		return env.print(cmd.JSON, out.Period, "period %s is marked as paid\n", out.Period.PeriodID)
	})
}

func (e *environment) printPeriod(p *closer.Period) {
	fmt.Fprintf(e.stdout, "%s (%s), %s to %s: %s\n", p.PeriodID, p.Kind, p.From.Format("2006-01-02 15:04"), p.To.Format("2006-01-02 15:04 MST"), p.State)
	if p.Pins.PlanHash != "" {
		fmt.Fprintf(e.stdout, "Plan %.12s, tree version %d, sales up to %d, postings up to batch %d; late changes: %s\n",
			p.Pins.PlanHash, p.Pins.TreeVersion, p.Pins.SalesSequence, p.Pins.BatchSequence, p.Late)
	}
}

func (e *environment) printTotals(t *closer.Totals) {
	fmt.Fprintf(e.stdout, "\n%d people, %d active; sold %s CV, %s QV, %s %s net\n", t.People, t.Active, t.Sales.CV, t.Sales.QV, t.Net, t.Currency)
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "component\ttype\tpeople\tearned\tbreakage\t")
	for i := range t.Components {
		c := &t.Components[i]
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t\n", c.ComponentID, c.Type, c.People, c.Earned, c.Breakage)
	}
	fmt.Fprintf(w, "total\t\t\t%s\t%s\t\n", t.Earned, t.Breakage)
	_ = w.Flush() // stdout: a pipe that is gone ends the program anyway
	if t.Share != "" {
		fmt.Fprintf(e.stdout, "Earned is %s of the CV's value.\n", t.Share)
	}
	ranks := make([]string, 0, len(t.Ranks))
	for _, r := range t.Ranks {
		if r.People > 0 {
			ranks = append(ranks, fmt.Sprintf("%d %s", r.People, r.Rank))
		}
	}
	fmt.Fprintf(e.stdout, "Paid as: %s\n", strings.Join(ranks, ", "))
}

// printOutcome shows a run: the period, its totals, and what changes.
func (e *environment) printOutcome(ctx context.Context, a *app, program string, out *closer.Outcome, asJSON bool, top int, verb, note string) error {
	if asJSON {
		return e.json(out)
	}
	e.printPeriod(&out.Period)
	e.printTotals(out.Totals)
	r := out.Report
	if r.Empty() {
		fmt.Fprintf(e.stdout, "\nNo difference to what is posted.\n")
	} else {
		fmt.Fprintf(e.stdout, "\nDifference: %s %s: %s %s; %d get more, %d get less\n", verb, r.Difference, out.Totals.Currency,
			count(int(r.Settlements), "settlement"), r.More, r.Less)
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "\tposted\tshould be\tdifference\tcomponent\twhy\t")
		name := a.nameOf(ctx, program)
		for i := range r.Changes[:min(max(top, 0), len(r.Changes))] {
			c := &r.Changes[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", name(c.DistributorID), c.Posted, c.Wanted, c.Difference, c.ComponentID, c.Why)
		}
		_ = w.Flush()
		if more := int64(len(r.Changes)) + r.Left - int64(top); more > 0 && top > 0 {
			fmt.Fprintf(e.stdout, "and %d more (--top, --json)\n", more)
		}
	}
	_, err := fmt.Fprintln(e.stdout, "\n"+note)
	return err
}

// RunExplainCmd says why a person has what they have.
type RunExplainCmd struct {
	periodFlags
	Person string `arg:"" help:"Distributor."`
}

// Run carries it out.
func (cmd *RunExplainCmd) Run(ctx context.Context, env *environment) error {
	return cmd.with(ctx, env, false, func(a *app, program string, s *closer.Service) error {
		e, err := s.Explain(ctx, program, cmd.Kind, cmd.Period, cmd.Person)
		if err != nil {
			return err
		}
		if !e.Live && e.Evidence == nil { // Nothing was posted, so how the person stood is computed again.
			out, err := s.Preview(ctx, program, e.Period.Kind, e.Period.PeriodID, false)
			if err != nil {
				return err
			}
			again, err := out.Explain(cmd.Person)
			if err != nil {
				return err
			}
			e.Evidence, e.Why = again.Evidence, again.Why
		}
		if cmd.JSON {
			return env.json(e)
		}
		return env.printAwards(e, a.nameOf(ctx, program))
	})
}

func (e *environment) printAwards(x *closer.Explanation, name func(string) string) error {
	fmt.Fprintf(e.stdout, "%s in %s: %s %s", name(x.DistributorID), x.Period.PeriodID, x.Earned, x.Currency)
	if x.Live {
		fmt.Fprintf(e.stdout, ", as if it ended now; nothing of it is posted (the period is %s)", x.Period.State)
	}
	fmt.Fprintln(e.stdout)
	if r := x.Rank; r != nil {
		fmt.Fprintf(e.stdout, "Paid as %s (reached %s, title %s), active: %t; PV %s, GV %s\n", r.Rank, r.Reached, r.Title, r.Active, r.PV, r.GV)
	}
	if x.Evidence != nil {
		for _, sentence := range x.Evidence.Sentences(name) {
			fmt.Fprintln(e.stdout, sentence)
		}
	}
	if len(x.Awards) == 0 {
		_, err := fmt.Fprintln(e.stdout, "\nNothing is earned or lost here.")
		return err
	}
	for i := range x.Awards {
		a := &x.Awards[i]
		fmt.Fprintf(e.stdout, "\n%s: %s earned, %s breakage\n", a.ComponentID, a.Earned, a.Breakage)
		if t, err := commission.RecomputeAward(a.CalcSnapshot); err == nil {
			t.Evidence = nil // It is told above.
			fmt.Fprint(e.stdout, indented(t.Text(name)))
		} else if len(a.CalcSnapshot) > 0 {
			return fmt.Errorf("explain %s: %w", a.Source, err)
		}
	}
	return nil
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
