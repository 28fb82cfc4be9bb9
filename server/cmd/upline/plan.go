package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"upline.dev/upline/server/planfile"
	"upline.dev/upline/server/scenario"
)

// PlanCmd groups what concerns compensation plans.
type PlanCmd struct {
	Publish  PlanPublishCmd  `cmd:"" help:"Check a plan file and make it count from its effective_from on."`
	Check    PlanCheckCmd    `cmd:"" help:"Look for what is wrong or unusual in plans, and for the worst case they can pay."`
	Diff     PlanDiffCmd     `cmd:"" help:"Say in plain words how two plans differ."`
	Test     PlanTestCmd     `cmd:"" help:"Run the scenario files of a folder."`
	Simulate PlanSimulateCmd `cmd:"" help:"Say what a draft would have paid, and who would get more or less."`
	History  PlanHistoryCmd  `cmd:"" help:"Write what sold in a span of time as CSV, for plan simulate."`
}

// PlanPublishCmd publishes a plan.
type PlanPublishCmd struct {
	File    string `arg:"" help:"Plan document, YAML or JSON." type:"existingfile"`
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	DryRun  bool   `help:"Check only."`
}

// Run carries it out.
func (cmd *PlanPublishCmd) Run(ctx context.Context, env *environment) error {
	text, err := os.ReadFile(cmd.File)
	if err != nil {
		return wrongSetting("plan file: %v", err)
	}
	p, canonical, err := planfile.Read(text, cmd.File)
	if err != nil {
		return err
	}
	report, err := planfile.Check(text, cmd.File, 0)
	if err != nil {
		return err
	}
	for _, finding := range report.Findings {
		fmt.Fprintln(env.stderr, finding)
	}
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		if cmd.DryRun {
			_, err = fmt.Fprintf(env.stdout, "plan %s is valid, hash %s; nothing published (dry run)\n", p.Name, p.Hash())
			return err
		}
		if err := a.admin.PublishPlan(ctx, program, p, canonical); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "plan %s published for %s, hash %s\n", p.Name, program, p.Hash())
		return err
	})
}

// PlanTestCmd runs scenarios.
type PlanTestCmd struct {
	Dir string `arg:"" help:"Folder of scenario files (*.yaml)." type:"existingdir"`
}

// Run carries it out.
func (cmd *PlanTestCmd) Run(ctx context.Context, env *environment) error {
	env.stopped = nothingChanged
	begin := time.Now()
	summary, err := scenario.Run(ctx, cmd.Dir, env.stdout)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(env.stdout, "%d passed, %d failed in %.1f s\n", summary.Passed, summary.Failed, time.Since(begin).Seconds()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if summary.Failed > 0 {
		return fmt.Errorf("%d of %d scenarios failed", summary.Failed, summary.Passed+summary.Failed)
	}
	return nil
}
