package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server/reconcile"
)

// ReconcileCmd compares a store's orders with its platform's.
type ReconcileCmd struct {
	ShopifySettings `embed:""`
	ShopSettings    `embed:""`
	Program         string        `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Store           string        `help:"Store id; may be left out where the program has one store only." placeholder:"ID"`
	Since           time.Duration `help:"How far back from now, by the platform's time of change." default:"24h" placeholder:"DURATION"`
	From            time.Time     `help:"Instead of --since: the first instant, such as 2026-10-01T00:00:00Z." placeholder:"TIME"`
	To              time.Time     `help:"The instant before which to end; now when empty." placeholder:"TIME"`
	Mend            bool          `help:"Hand what is not in step to the inbox; without it nothing is changed."`
	Top             int           `help:"How many orders to list." default:"20" placeholder:"N"`
	JSON            bool          `help:"Print JSON."`
}

// reconciliationReport is what the command prints as JSON.
type reconciliationReport struct {
	Run      reconcile.Run       `json:"run"`
	Findings []reconcile.Finding `json:"findings"`
}

// Run carries it out.
func (cmd *ReconcileCmd) Run(ctx context.Context, env *environment) error {
	if err := cmd.check(); err != nil {
		return err
	}
	transport, err := cmd.transport()
	if err != nil {
		return wrongSetting("the Shopify app: %v", err)
	}
	shopifyApp, err := cmd.app()
	if err != nil {
		return wrongSetting("the Shopify app: %v", err)
	}
	return env.withApp(ctx, func(a *app) error {
		q, err := cmd.request(ctx, a)
		if err != nil {
			return err
		}
		return env.withMachine(ctx, a, func(m *machine) error {
			s := env.reconciler(a, m.inbox, a.installs(shopifyApp), transport, cmd.LoopbackShops)
			bar := env.progress("orders read", 0)
			r, err := s.Reconcile(ctx, q, func(r reconcile.Run) { bar.set(int(r.Counts.Read)) })
			bar.done()
			if err != nil && r.RunID == "" {
				return err
			}
			if printErr := cmd.print(ctx, env, a, q.Program, r.RunID); printErr != nil {
				return printErr
			}
			return err
		})
	})
}

// request fills in what was left out.
func (cmd *ReconcileCmd) request(ctx context.Context, a *app) (q reconcile.Request, err error) {
	q = reconcile.Request{StoreID: cmd.Store, From: cmd.From, To: cmd.To, Mend: cmd.Mend}
	if q.Program, err = a.onlyProgram(ctx, cmd.Program); err != nil {
		return q, err
	}
	if q.StoreID == "" {
		targets, err := a.store.ReconcileTargets(ctx, q.Program)
		if err != nil {
			return q, err
		}
		if len(targets) != 1 {
			return q, wrongSetting("say which store: --store ID (the program has %d)", len(targets))
		}
		q.StoreID = targets[0].StoreID
	}
	if q.To.IsZero() {
		q.To = time.Now()
	}
	if q.From.IsZero() {
		q.From = q.To.Add(-cmd.Since)
	}
	return q, nil
}

// print shows a run with its first findings.
func (cmd *ReconcileCmd) print(ctx context.Context, env *environment, a *app, program, runID string) error {
	r, findings, err := a.store.Reconciliation(ctx, program, runID, max(cmd.Top, 0))
	if err != nil {
		return err
	}
	if cmd.JSON {
		return env.json(reconciliationReport{r, findings})
	}
	c := r.Counts
	fmt.Fprintf(env.stdout, "Store %s, changed from %s to %s: %d orders read, %d in step\n", r.StoreID,
		r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), c.Read, c.InStep)
	fmt.Fprintf(env.stdout, "missing %d, outdated %d, differing %d, unsound %d, unreadable %d; in step but parked %d\n",
		c.Missing, c.Outdated, c.Differing, c.Unsound, c.Unreadable, c.Parked)
	fmt.Fprintf(env.stdout, "Net by the platform %s, by our books %s, difference %s %s\n", money.FormatMinor(c.ToldMinor, r.Currency),
		money.FormatMinor(c.KnownMinor, r.Currency), money.FormatMinor(r.DeltaMinor, r.Currency), r.Currency)
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	for i := range findings {
		f := &findings[i]
		fmt.Fprintf(w, "%s\t%s\t%s -> %s\t%s\n", f.OrderID, f.Kind, money.FormatMinor(f.KnownMinor, f.Currency), money.FormatMinor(f.ToldMinor, f.Currency), f.Detail)
	}
	_ = w.Flush() // stdout: a pipe that is gone ends the program anyway
	switch {
	case r.Mend:
		_, err = fmt.Fprintf(env.stdout, "%d orders were handed to the inbox.\n", c.Mended)
	case c.Read != c.InStep:
		_, err = fmt.Fprintln(env.stdout, "Nothing was changed; mend with --mend.")
	}
	return err
}
