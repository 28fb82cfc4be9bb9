package main

import (
	"context"
	"encoding/csv"
	"fmt"

	"upline.dev/upline/adapters"
	"upline.dev/upline/server"
	"upline.dev/upline/server/reconcile"
	"upline.dev/upline/server/sync"
)

// SyncCmd groups what keeps a store and a program in step beside the orders.
type SyncCmd struct {
	Products SyncProductsCmd `cmd:"" help:"Write what a store sells as CSV that upline import skus takes, once its commission classes are filled in."`
	Codes    SyncCodesCmd    `cmd:"" help:"Make the codes of all active distributors work at a store's checkout; only counts them unless --commit."`
}

// storeFlags name a connected store.
type storeFlags struct {
	ShopifySettings `embed:""`
	Program         string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Store           string `help:"Store id." required:"" placeholder:"ID"`
}

// with opens the database and the store's reader.
func (f *storeFlags) with(ctx context.Context, env *environment, do func(a *app, t reconcile.Target, reader adapters.Reader) error) error {
	transport, err := f.transport()
	if err != nil {
		return wrongSetting("the Shopify app: %v", err)
	}
	shopifyApp, err := f.app()
	if err != nil {
		return wrongSetting("the Shopify app: %v", err)
	}
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, f.Program)
		if err != nil {
			return err
		}
		targets, err := a.store.ReconcileTargets(ctx, program)
		if err != nil {
			return err
		}
		for _, t := range targets {
			if t.StoreID != f.Store {
				continue
			}
			reader, err := env.reconciler(a, nil, a.installs(shopifyApp), transport, false).Readers.Reader(ctx, t)
			if err != nil {
				return err
			}
			if within, wrapped := reader.(*refusable); wrapped {
				reader = within.Reader
			}
			return do(a, t, reader)
		}
		return server.Errorf(server.NotFound, "There is no store %s.", f.Store)
	})
}

// SyncProductsCmd writes a store's articles.
type SyncProductsCmd struct {
	storeFlags `embed:""`
	Unmapped   bool `help:"Only what has no mapping yet."`
}

// Run carries it out.
func (cmd *SyncProductsCmd) Run(ctx context.Context, env *environment) error {
	return cmd.with(ctx, env, func(a *app, t reconcile.Target, reader adapters.Reader) error {
		catalogue, ok := reader.(adapters.Catalogue)
		if !ok {
			return server.Errorf(server.Invalid, "What a %s store sells cannot be read yet.", t.Platform)
		}
		out := csv.NewWriter(env.stdout)
		if err := out.Write([]string{"platform", "platform_sku", "name", "category", "commission_class"}); err != nil {
			return err
		}
		bar := env.progress("articles", 0)
		count := 0
		err := sync.Articles(ctx, a.store, t.ProgramID, string(t.Platform), catalogue, func(article adapters.Article, class string) error {
			count++
			bar.set(count)
			if cmd.Unmapped && class != "" {
				return nil
			}
			return out.Write([]string{string(t.Platform), article.PlatformSKU, article.Name, article.Category, class})
		})
		bar.done()
		out.Flush()
		if err != nil {
			return err
		}
		return out.Error()
	})
}

// SyncCodesCmd brings codes to a store.
type SyncCodesCmd struct {
	storeFlags `embed:""`
	Percent    int64  `help:"The discount that a code gives, in whole percent." default:"10" placeholder:"N"`
	Title      string `help:"Name of the discount in the store's own screens." default:"Upline distributors"`
	Commit     bool   `help:"Add them."`
	JSON       bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *SyncCodesCmd) Run(ctx context.Context, env *environment) error {
	if cmd.Percent < 1 || cmd.Percent > 100 {
		return wrongSetting("--percent is a whole number from 1 to 100")
	}
	return cmd.with(ctx, env, func(a *app, t reconcile.Target, reader adapters.Reader) error {
		coder, ok := reader.(adapters.Coder)
		if !ok {
			return server.Errorf(server.Invalid, "Codes cannot be added to a %s store yet.", t.Platform)
		}
		codes, err := sync.Codes(ctx, a.store, t.ProgramID)
		if err != nil {
			return err
		}
		if !cmd.Commit {
			return env.print(cmd.JSON, map[string]int{"codes": len(codes)}, "%d codes of active distributors; add them with --commit.\n", len(codes))
		}
		bar := env.progress("codes", len(codes))
		report, err := coder.AddCodes(ctx, adapters.CodeTerms{Title: cmd.Title, PercentHundredths: cmd.Percent * 100}, codes, bar.set)
		bar.done()
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(report)
		}
		for _, f := range report.Faults {
			fmt.Fprintf(env.stdout, "%s: %s\n", f.Code, f.Reason)
		}
		_, err = fmt.Fprintf(env.stdout, "%d codes added, %d were there, %d refused.\n", report.Added, report.Known, len(report.Faults))
		return err
	})
}
