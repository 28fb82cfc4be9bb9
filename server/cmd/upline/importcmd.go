package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/importer"
)

// ImportCmd groups the CSV imports. All are dry runs unless --commit is given, and all or nothing.
type ImportCmd struct {
	Distributors ImportDistributorsCmd `cmd:"" help:"Import people and their sponsors."`
	SKUs         ImportSKUsCmd         `cmd:"" name:"skus" help:"Import which SKU belongs to which commission class."`
	Orders       ImportOrdersCmd       `cmd:"" help:"Import past orders of a store."`
}

// importFlags are common to all imports.
type importFlags struct {
	File     string `arg:"" help:"CSV file with a line of column names; separated by comma, semicolon or tab; with or without byte order mark; at most 1000000 rows." type:"existingfile"`
	Program  string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Commit   bool   `help:"Write. Without it nothing is written and the answer says what would be."`
	Encoding string `help:"Encoding, where the file is not UTF-8 and has no byte order mark: utf-16le, utf-16be, utf-16, windows-1252, iso-8859-1 or iso-8859-15." default:"utf-8" enum:"utf-8,utf-16le,utf-16be,utf-16,windows-1252,iso-8859-1,iso-8859-15"`
	Errors   string `help:"Where faulty rows go, to be mended and imported again; default FILE.errors.csv." placeholder:"FILE"`
}

// Rules that all columns share, for the help of each import.
const cellRules = `

A date such as 2026-01-31 begins by the clocks of the company, at midnight of its time zone; an instant is written 2026-01-31T10:00:00+01:00. Other spellings are refused, not guessed. The order of columns does not matter, and columns with other names are left out and named.`

// Help lists the columns.
func (cmd *ImportDistributorsCmd) Help() string {
	return `Columns: distributor_id and sponsor_id (required); status (active, inactive, suspended or terminated), rank (its id in the plan), country (two letters), created_at (when the person joined), codes (several with blanks between), name, email, tax_id, customer_ids (the customers of stores who are this person, as store_id/customer_id, several with blanks between). What only periods need: enroller_id (where that is not the sponsor), enrolled_at (the first day; created_at where it is never said), autoship (yes or no), placement_parent (the position above in the placement tree, - for a top) and placement_leg (left, right or a number from 1).

An empty cell changes nothing about somebody who is known already; - takes a sponsor, rank, country or codes away. Somebody new without sponsor_id stands at the top, without status is active, and without created_at has always been there. Sponsors may come after those they sponsor. Changes are dated now: what was earned before stays.` + cellRules
}

// Help lists the columns.
func (cmd *ImportSKUsCmd) Help() string {
	return `Columns: platform_sku and commission_class (required; - as class ends the mapping); platform (default --platform), sku_id (default the platform's SKU), name, category, cv or cv_of_net, qv or qv_of_net, country (two letters), valid_from.

cv is a fixed commissionable volume per unit, such as 25; cv_of_net is a share of the net price, such as 80%. Where neither is named the volume is 100% of net, one point for each unit of the store's own money, so name cv where a plan gives points another worth in that money (volume.money: JPY 150); qv likewise. The first mapping of a SKU counts from the beginning and releases the orders that wait for it; later ones count from valid_from, or from now.` + cellRules
}

// Help lists the columns.
func (cmd *ImportOrdersCmd) Help() string {
	return `One row per line item; rows of one order share order_id. Columns: order_id, order_ts (when it was placed), sku, qty, unit_price (required); status (default paid), currency (default the store's), distributor_ref (an id or a code), customer_id, total. In further rows of an order its own columns may stay empty.

Every order is checked before the first is sent. They walk the same way as orders posted to the API: the same file twice changes nothing, and a changed order is settled anew.` + cellRules
}

var errFaultyRows = errors.New("nothing was written: mend the rows named above and run it again")

// ImportDistributorsCmd imports people.
type ImportDistributorsCmd struct {
	importFlags
}

// Run carries it out.
func (cmd *ImportDistributorsCmd) Run(ctx context.Context, env *environment) error {
	return cmd.withFile(ctx, env, func(a *app, program string, f io.Reader) error {
		t, specs, err := importer.Distributors(f, cmd.Encoding)
		if err != nil {
			return err
		}
		return cmd.finish(env, t, "distributors", func() error { return admin.CheckDistributors(specs) }, func() (admin.ImportSummary, error) {
			return a.admin.PutDistributors(ctx, program, specs, time.Now(), cmd.Commit)
		})
	})
}

// ImportSKUsCmd imports mappings.
type ImportSKUsCmd struct {
	importFlags
	Platform string `help:"Platform of rows that name none." default:"shopify" enum:"shopify,woocommerce,magento,custom"`
}

// Run carries it out.
func (cmd *ImportSKUsCmd) Run(ctx context.Context, env *environment) error {
	return cmd.withFile(ctx, env, func(a *app, program string, f io.Reader) error {
		t, specs, err := importer.SKUs(f, cmd.Encoding, cmd.Platform)
		if err != nil {
			return err
		}
		return cmd.finish(env, t, "SKU mappings", func() error { return admin.CheckMappings(specs) }, func() (admin.ImportSummary, error) {
			return a.admin.PutMappings(ctx, program, specs, time.Now(), cmd.Commit)
		})
	})
}

// withFile opens the file, the database and the program.
func (f *importFlags) withFile(ctx context.Context, env *environment, run func(a *app, program string, file io.Reader) error) error {
	if f.Errors == "" {
		f.Errors = f.File + ".errors.csv"
	} else if same(f.Errors, f.File) {
		return wrongSetting("--errors %s is the file to import: name another", f.Errors)
	}
	file, err := os.Open(f.File)
	if err != nil {
		return wrongSetting("file: %v", err)
	}
	defer func() { _ = file.Close() }() // it is only read
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, f.Program)
		if err != nil {
			return err
		}
		return run(a, program, file)
	})
}

// same reports whether two paths lead to one file.
func same(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// finish writes unless a row is faulty, and says what was done or would be. Where rows could not be read the others are
// checked alone, not as a tree: whoever is missing from it may stand in one of them.
func (f *importFlags) finish(env *environment, t *importer.Table, what string, check func() error, write func() (admin.ImportSummary, error)) error {
	env.tellUnused(t)
	var summary admin.ImportSummary
	var err error
	if len(t.Faults) > 0 {
		err = check()
	} else {
		summary, err = write()
	}
	faults, isRows := t.FaultsOf(err)
	if err != nil && !isRows {
		return err
	}
	if faults = t.With(faults); len(faults) > 0 {
		return f.reportFaults(env, t.Header, faults)
	}
	format := "%s of %s: %d to add, %d to change, %d unchanged"
	released := "; %s to release"
	if f.Commit {
		format, released = "%s of %s: %d added, %d changed, %d unchanged", "; %s released"
	}
	fmt.Fprintf(env.stdout, format, count(len(t.Rows), "row"), what, summary.Added, summary.Changed, summary.Unchanged)
	if summary.Released > 0 {
		fmt.Fprintf(env.stdout, released, count(summary.Released, "parked order"))
	}
	fmt.Fprintln(env.stdout)
	if !f.Commit {
		fmt.Fprintln(env.stdout, dryRunNote)
	}
	return nil
}

const dryRunNote = "Dry run: nothing was written. Add --commit to write."

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// tellUnused names the columns nobody reads: a misspelt one would otherwise go unseen.
func (e *environment) tellUnused(t *importer.Table) {
	if len(t.Unused) > 0 {
		fmt.Fprintf(e.stderr, "columns left out, since they mean nothing here: %s\n", strings.Join(t.Unused, ", "))
	}
}

func (f *importFlags) reportFaults(env *environment, header []string, faults []importer.Fault) error {
	const shown = 20
	for _, fault := range faults[:min(len(faults), shown)] {
		fmt.Fprintln(env.stderr, fault.Error())
	}
	// The rows hold names and tax numbers: nobody else on the machine may read them.
	file, err := os.OpenFile(f.Errors, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write faulty rows: %w", err)
	}
	if err := errors.Join(importer.WriteFaults(file, header, faults), file.Close()); err != nil {
		return fmt.Errorf("write faulty rows to %s: %w", f.Errors, err)
	}
	if len(faults) >= importer.MaxFaults {
		fmt.Fprintf(env.stderr, "at least %d faults; the first of them are in %s\n", importer.MaxFaults, f.Errors)
	} else {
		fmt.Fprintf(env.stderr, "%s; all of them are in %s\n", count(len(faults), "fault"), f.Errors)
	}
	return errFaultyRows
}
