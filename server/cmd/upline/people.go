package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/admin"
	closer "upline.dev/upline/server/run"
)

// PeopleCmd groups what changes the trees. Every change shows its effect first and is written only with --commit.
type PeopleCmd struct {
	Move     PeopleMoveCmd   `cmd:"" help:"Move somebody, alone or with the downline, in the sponsor or the placement tree."`
	Swap     PeopleSwapCmd   `cmd:"" help:"Exchange the places of two."`
	Place    PeoplePlaceCmd  `cmd:"" help:"Give somebody a place in the placement tree: chosen, or by the plan's strategy."`
	Tank     PeopleTankCmd   `cmd:"" help:"List who waits for a place, and until when the sponsor may choose."`
	Settle   PeopleSettleCmd `cmd:"" help:"Place everybody whose time in the holding tank is over."`
	Override OverrideCmd     `cmd:"" help:"Give ranks by hand, with a reason and an end."`
}

// changeFlags are common to everything that changes a tree.
type changeFlags struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	At      string `help:"From when it holds: a date, from midnight by the company's clocks, or an instant; now when empty." placeholder:"DATE"`
	Commit  bool   `help:"Write. Without it nothing is written and the answer says what would change." xor:"commit"`
	DryRun  bool   `help:"Only show the effect, as without --commit." xor:"commit"`
	Top     int    `help:"Changes of pay to show, the largest first." default:"10"`
	JSON    bool   `help:"Print JSON."`
}

// with plans a change, shows it and writes it where that is asked for.
func (f *changeFlags) with(ctx context.Context, env *environment, planned func(s *closer.Service, program string, at time.Time) (*closer.Effect, error)) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, f.Program)
		if err != nil {
			return err
		}
		bar := env.runBar()
		s, at := a.runs(env, bar.set), time.Now()
		if f.At != "" {
			if at, err = companyDate(ctx, s, program, "--at", f.At); err != nil {
				return err
			}
		}
		e, err := planned(s, program, at)
		bar.done()
		if err != nil {
			return err
		}
		if f.Commit && len(e.Links) > 0 {
			if err := s.Record(ctx, program, e); err != nil {
				return err
			}
			if err := a.store.Audit(ctx, program, "cli", "people.move", e.Tree, fmt.Sprintf("%d links", len(e.Links))); err != nil {
				return err
			}
		}
		if f.JSON {
			return env.json(e)
		}
		return env.printEffect(e, f.Top, a.nameOf(ctx, program))
	})
}

// companyDate reads a date, which begins by the clocks of the company, or an instant.
func companyDate(ctx context.Context, s *closer.Service, program, flag, text string) (time.Time, error) {
	at, err := admin.ParseDate(text)
	if err != nil {
		return at, wrongSetting("%s: %v", flag, err)
	}
	if len(text) == len(time.DateOnly) {
		return s.DayBegins(ctx, program, text)
	}
	return at, nil
}

// PeopleMoveCmd moves somebody.
type PeopleMoveCmd struct {
	changeFlags
	Position string `arg:"" help:"Who moves: a distributor, or in the placement tree a position such as L1001#2."`
	To       string `help:"Below whom; - for the top." required:"" placeholder:"ID"`
	Tree     string `help:"sponsor or placement." default:"sponsor" enum:"sponsor,placement"`
	Leg      string `help:"In the placement tree: left, right or a number from 1; the first free one when empty." placeholder:"LEG"`
	Single   bool   `help:"Alone: the downline goes to the old parent."`
}

// Run carries it out.
func (cmd *PeopleMoveCmd) Run(ctx context.Context, env *environment) error {
	leg, err := readLeg(cmd.Leg)
	if err != nil {
		return err
	}
	kind := placement.WithDownline
	if cmd.Single {
		kind = placement.Single
	}
	return cmd.with(ctx, env, func(s *closer.Service, program string, at time.Time) (*closer.Effect, error) {
		return s.PlanMove(ctx, program, closer.Move{
			Tree: cmd.Tree, Kind: kind, Position: cmd.Position, To: strings.TrimPrefix(cmd.To, admin.None), Leg: leg, At: at,
		})
	})
}

// readLeg reads a leg; "" is any.
func readLeg(text string) (int, error) {
	switch text {
	case "":
		return placement.AnyLeg, nil
	case "left":
		return 0, nil
	case "right":
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > placement.MaxWidth {
		return 0, wrongSetting("--leg %s: write left, right, or a number from 1", text)
	}
	return n - 1, nil
}

// PeopleSwapCmd exchanges two.
type PeopleSwapCmd struct {
	changeFlags
	One   string `arg:"" help:"The one."`
	Other string `arg:"" help:"The other."`
	Tree  string `help:"sponsor or placement." default:"placement" enum:"sponsor,placement"`
}

// Run carries it out.
func (cmd *PeopleSwapCmd) Run(ctx context.Context, env *environment) error {
	return cmd.with(ctx, env, func(s *closer.Service, program string, at time.Time) (*closer.Effect, error) {
		return s.PlanMove(ctx, program, closer.Move{Tree: cmd.Tree, Kind: placement.Swap, Position: cmd.One, To: cmd.Other, At: at})
	})
}

// PeoplePlaceCmd gives somebody a place.
type PeoplePlaceCmd struct {
	changeFlags
	Person string `arg:"" help:"Distributor."`
	Under  string `help:"Position above, in the sponsor's downline; by the plan's strategy when empty." placeholder:"ID"`
	Leg    string `help:"With --under: left, right or a number from 1." placeholder:"LEG"`
	Again  bool   `help:"One more position for somebody who has one."`
}

// Run carries it out.
func (cmd *PeoplePlaceCmd) Run(ctx context.Context, env *environment) error {
	leg, err := readLeg(cmd.Leg)
	if err != nil {
		return err
	}
	if (cmd.Under == "") != (cmd.Leg == "") {
		return wrongSetting("--under and --leg go together: say both, or neither for the plan's strategy")
	}
	return cmd.with(ctx, env, func(s *closer.Service, program string, at time.Time) (*closer.Effect, error) {
		return s.PlanPlace(ctx, program, closer.Wish{DistributorID: cmd.Person, Parent: cmd.Under, Leg: max(leg, 0), Again: cmd.Again, At: at})
	})
}

// PeopleTankCmd lists who waits.
type PeopleTankCmd struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	JSON    bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *PeopleTankCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		list, err := a.runs(env, nil).Tank(ctx, program)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(list)
		}
		if len(list) == 0 {
			_, err := fmt.Fprintln(env.stdout, "everybody has a place")
			return err
		}
		w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "DISTRIBUTOR\tSPONSOR\tSINCE\tTHE STRATEGY DECIDES FROM")
		for i := range list {
			e := &list[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.DistributorID, e.SponsorID, shownMicros(e.Since), shownMicros(e.Deadline))
		}
		return w.Flush()
	})
}

func shownMicros(at int64) string {
	if at <= 0 {
		return "always"
	}
	return time.UnixMicro(at).UTC().Format("2006-01-02 15:04 MST")
}

// PeopleSettleCmd places whose time is over.
type PeopleSettleCmd struct {
	changeFlags
}

// Run carries it out.
func (cmd *PeopleSettleCmd) Run(ctx context.Context, env *environment) error {
	return cmd.with(ctx, env, func(s *closer.Service, program string, _ time.Time) (*closer.Effect, error) {
		e, waiting, err := s.PlanSettle(ctx, program)
		for i := range waiting {
			if waiting[i].Why != nil {
				fmt.Fprintf(env.stderr, "%s stays: %v\n", waiting[i].Entry.DistributorID, waiting[i].Why)
			}
		}
		return e, err
	})
}

func (e *environment) printEffect(effect *closer.Effect, top int, name func(string) string) error {
	place := func(parent string, leg int) string {
		switch {
		case parent == "":
			return "the top"
		case effect.Tree == plan.TreeSponsor:
			return "below " + name(parent)
		default:
			return "below " + parent + ", leg " + strconv.Itoa(leg+1)
		}
	}
	fmt.Fprintf(e.stdout, "%s in the %s tree from %s:\n", count(len(effect.Links), "change"), effect.Tree, effect.At.UTC().Format("2006-01-02 15:04 MST"))
	for i := range effect.Links[:min(len(effect.Links), max(top, 1))] {
		l := &effect.Links[i]
		if l.From == "" && l.FromLeg == 0 && effect.Tree == plan.TreePlacement {
			fmt.Fprintf(e.stdout, "  %s: %s\n", name(l.Position), place(l.To, l.ToLeg))
			continue
		}
		fmt.Fprintf(e.stdout, "  %s: from %s to %s\n", name(l.Position), place(l.From, l.FromLeg), place(l.To, l.ToLeg))
	}
	changes := false
	for i := range effect.Periods {
		p := &effect.Periods[i]
		if p.Report.Empty() {
			continue
		}
		changes = true
		fmt.Fprintf(e.stdout, "\nIf %s ended now: %s instead of %s %s; %d get more, %d get less\n", p.PeriodID, p.After, p.Before, p.Currency, p.Report.More, p.Report.Less)
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		for j := range p.Report.Changes[:min(max(top, 0), len(p.Report.Changes))] {
			c := &p.Report.Changes[j]
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t\n", name(c.DistributorID), c.ComponentID, c.Posted, c.Wanted, c.Difference)
		}
		_ = w.Flush() // stdout: a pipe that is gone ends the program anyway
	}
	if !changes {
		fmt.Fprintln(e.stdout, "\nNo pay changes in the open periods that see it.")
	}
	note := dryRunNote
	if effect.Written {
		note = "Written. Periods that are locked keep the trees they were locked with."
	}
	_, err := fmt.Fprintln(e.stdout, "\n"+note)
	return err
}
