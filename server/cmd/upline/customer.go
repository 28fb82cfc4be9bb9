package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// CustomerCmd says who a store's customers are to the company.
type CustomerCmd struct {
	Bind CustomerBindCmd `cmd:"" help:"State that a customer is a distributor, or belongs to one."`
	List CustomerListCmd `cmd:"" help:"List who customers are, and whose."`
}

// CustomerBindCmd states one binding.
type CustomerBindCmd struct {
	Store       string `arg:"" help:"Store id."`
	Customer    string `arg:"" help:"The customer's id on the store's platform."`
	Distributor string `arg:"" help:"Distributor id; - ends what was said before."`
	Kind        string `help:"self: the customer is that distributor, and what they buy is an own order. sponsor: the customer belongs to the distributor." default:"self" enum:"self,sponsor"`
	From        string `help:"From when it holds: a date, which begins by the company's clocks, or an instant; now when empty, or the beginning for the first of a customer." placeholder:"DATE"`
	Program     string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	DryRun      bool   `help:"Only say what would change."`
	JSON        bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *CustomerBindCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		summary, err := a.admin.PutBindings(ctx, program, []admin.BindingSpec{{
			StoreID: cmd.Store, CustomerID: cmd.Customer, Kind: cmd.Kind, DistributorID: cmd.Distributor, ValidFrom: cmd.From,
		}}, time.Now(), !cmd.DryRun)
		if err != nil {
			return err
		}
		what := "recorded; orders that are settled keep what they were settled with"
		switch {
		case summary.Unchanged > 0:
			what = "said already"
		case cmd.DryRun:
			what = "would be recorded"
		}
		return env.print(cmd.JSON, map[string]int{"added": summary.Added, "changed": summary.Changed, "unchanged": summary.Unchanged},
			"customer %s of %s: %s\n", cmd.Customer, cmd.Store, what)
	})
}

// CustomerListCmd lists bindings.
type CustomerListCmd struct {
	Store       string `help:"Of this store only." placeholder:"ID"`
	Customer    string `help:"Of this customer only." placeholder:"ID"`
	Distributor string `help:"To this distributor only." placeholder:"ID"`
	Program     string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	JSON        bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *CustomerListCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		all := []query.CustomerBinding{}
		filter := query.BindingFilter{StoreID: cmd.Store, CustomerID: cmd.Customer, DistributorID: cmd.Distributor}
		for page := (query.Page{Limit: 200}); ; {
			rows, next, err := a.store.CustomerBindings(ctx, program, filter, page)
			if err != nil {
				return err
			}
			all = append(all, rows...)
			if page.After = next; next == "" {
				break
			}
		}
		if cmd.JSON {
			return env.json(all)
		}
		w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "STORE\tCUSTOMER\tIS\tDISTRIBUTOR\tFROM")
		for i := range all {
			b := &all[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", b.StoreID, b.CustomerID, shownKind(b.Kind), shownOr(b.DistributorID, "ended"), shownFrom(b.ValidFrom))
		}
		return w.Flush()
	})
}

// shownKind says a kind of binding to a reader.
func shownKind(kind string) string {
	return map[string]string{"self": "the distributor", "sponsor": "a customer of", "order": "bound by an order to"}[kind]
}

func shownOr(text, empty string) string {
	if text == "" {
		return empty
	}
	return text
}

func shownFrom(at *time.Time) string {
	if at == nil {
		return "always"
	}
	return at.Format("2006-01-02 15:04 MST")
}
