package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	closer "upline.dev/upline/server/run"
)

// OverrideCmd gives ranks by hand.
type OverrideCmd struct {
	Set  OverrideSetCmd  `cmd:"" help:"Give somebody a rank for a span of time."`
	End  OverrideEndCmd  `cmd:"" help:"End an override now."`
	List OverrideListCmd `cmd:"" help:"List overrides, ended ones included."`
}

// OverrideSetCmd sets one.
type OverrideSetCmd struct {
	Person  string `arg:"" help:"Distributor."`
	Rank    string `help:"The rank's id in the plan." required:"" placeholder:"RANK"`
	From    string `help:"First day, from midnight by the company's clocks, or an instant." required:"" placeholder:"DATE"`
	Until   string `help:"The day at whose beginning it ends, or an instant." required:"" placeholder:"DATE"`
	Reason  string `help:"Why; explanations show it." required:"" placeholder:"TEXT"`
	Exact   bool   `help:"Exactly this rank, also where a higher one is reached. Without it: at least this one."`
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
}

// Run carries it out.
func (cmd *OverrideSetCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		s := a.runs(env, nil)
		from, err := companyDate(ctx, s, program, "--from", cmd.From)
		if err != nil {
			return err
		}
		until, err := companyDate(ctx, s, program, "--until", cmd.Until)
		if err != nil {
			return err
		}
		o, err := s.Override(ctx, program, closer.Override{
			DistributorID: cmd.Person, Rank: cmd.Rank, Floor: !cmd.Exact, ValidFrom: from.UnixMicro(), ValidUntil: until.UnixMicro(), Reason: cmd.Reason,
		})
		if err != nil {
			return err
		}
		if err := a.store.Audit(ctx, program, "cli", "override.set", cmd.Person, o.OverrideID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "override %s set\n", o.OverrideID)
		return err
	})
}

// OverrideEndCmd ends one.
type OverrideEndCmd struct {
	Override string `arg:"" help:"Override id (upline people override list)."`
	Program  string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
}

// Run carries it out.
func (cmd *OverrideEndCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		o, err := a.runs(env, nil).EndOverride(ctx, program, cmd.Override)
		if err != nil {
			return err
		}
		if err := a.store.Audit(ctx, program, "cli", "override.end", o.DistributorID, o.OverrideID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "override %s of %s has ended\n", o.OverrideID, o.DistributorID)
		return err
	})
}

// OverrideListCmd lists them.
type OverrideListCmd struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	JSON    bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *OverrideListCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		list, err := a.store.Overrides(ctx, program)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(nonNil(list))
		}
		w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "OVERRIDE\tDISTRIBUTOR\tRANK\tFROM\tUNTIL\tBY\tREASON")
		for i := range list {
			o := &list[i]
			rank := "at least " + o.Rank
			if !o.Floor {
				rank = "exactly " + o.Rank
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.OverrideID, o.DistributorID, rank, shownMicros(o.ValidFrom), shownMicros(o.ValidUntil), o.Actor, o.Reason)
		}
		return w.Flush()
	})
}
