package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/importer"
)

// ImportCmd groups the CSV imports. All are dry runs unless --commit is given, and all or nothing.
type ImportCmd struct {
	Distributors ImportDistributorsCmd `cmd:"" help:"distributor_id, sponsor_id, status, rank, country, created_at, codes, name, email, tax_id."`
	SKUs         ImportSKUsCmd         `cmd:"" name:"skus" help:"platform_sku, commission_class, sku_id, name, category, cv, qv, cv_of_net, qv_of_net, country, valid_from."`
	Orders       ImportOrdersCmd       `cmd:"" help:"order_id, order_ts, sku, qty, unit_price, status, currency, distributor_ref, customer_id, total; one row per line item."`
}

// importFlags are common to all imports.
type importFlags struct {
	File     string `arg:"" help:"CSV file; comma, semicolon or tab, with or without byte order mark." type:"existingfile"`
	Program  string `help:"Program id; may be left out where there is one program only."`
	Commit   bool   `help:"Write. Without it nothing is written and the answer says what would be."`
	Encoding string `help:"Encoding, where the file is not UTF-8 and has no byte order mark." default:"utf-8" enum:"utf-8,utf-16,windows-1252,iso-8859-1,iso-8859-15"`
	Errors   string `help:"Where to write faulty rows; default FILE.errors.csv." placeholder:"FILE"`
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
		return cmd.finish(env, t, "distributors", func() (admin.ImportSummary, error) {
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
		return cmd.finish(env, t, "SKU mappings", func() (admin.ImportSummary, error) {
			return a.admin.PutMappings(ctx, program, specs, time.Now(), cmd.Commit)
		})
	})
}

// withFile opens the file, the database and the program.
func (f *importFlags) withFile(ctx context.Context, env *environment, run func(a *app, program string, file io.Reader) error) error {
	file, err := os.Open(f.File)
	if err != nil {
		return wrongSetting("file: %v", err)
	}
	defer file.Close()
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, f.Program)
		if err != nil {
			return err
		}
		return run(a, program, file)
	})
}

// finish writes unless a row is faulty, and says what was done or would be.
func (f *importFlags) finish(env *environment, t *importer.Table, what string, write func() (admin.ImportSummary, error)) error {
	faults := t.Faults
	var summary admin.ImportSummary
	if len(faults) == 0 {
		var err error
		summary, err = write()
		rowFaults, isRows := t.FaultsOf(err)
		if err != nil && !isRows {
			return err
		}
		faults = rowFaults
	}
	if len(faults) > 0 {
		return f.reportFaults(env, t.Header, faults)
	}
	verb := "would be"
	if f.Commit {
		verb = "were"
	}
	fmt.Fprintf(env.stdout, "%d rows read: %d %s %s added, %d changed, %d unchanged", len(t.Rows), summary.Added, what, verb, summary.Changed, summary.Unchanged)
	if summary.Released > 0 {
		fmt.Fprintf(env.stdout, "; %d parked orders %s released", summary.Released, verb)
	}
	fmt.Fprintln(env.stdout)
	if !f.Commit {
		fmt.Fprintln(env.stdout, "Dry run: nothing was written. Add --commit to write.")
	}
	return nil
}

func (f *importFlags) reportFaults(env *environment, header []string, faults []importer.Fault) error {
	for _, fault := range faults[:min(len(faults), 20)] {
		fmt.Fprintln(env.stderr, fault.Error())
	}
	path := f.Errors
	if path == "" {
		path = f.File + ".errors.csv"
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write faulty rows: %w", err)
	}
	if err := importer.WriteFaults(file, header, faults); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write faulty rows: %w", err)
	}
	fmt.Fprintf(env.stderr, "%d faults; all of them are in %s\n", len(faults), path)
	return errFaultyRows
}

// ImportOrdersCmd imports past orders of a store.
type ImportOrdersCmd struct {
	importFlags
	Store string `help:"Store the orders belong to." required:""`
}

// Run carries it out: every order is checked before the first is written, then all walk through the inbox as orders
// posted to the API do, so a repeated import changes nothing.
func (cmd *ImportOrdersCmd) Run(ctx context.Context, env *environment) error {
	return cmd.withFile(ctx, env, func(a *app, program string, f io.Reader) error {
		info, err := a.store.StoreInfo(ctx, cmd.Store)
		if err != nil {
			return err
		}
		if info.ProgramID != program {
			return wrongSetting("store %s does not belong to program %s", cmd.Store, program)
		}
		t, orders, err := importer.Orders(f, cmd.Encoding, string(info.Platform), string(info.Currency))
		if err != nil {
			return err
		}
		deliveries, faults := cmd.check(t, orders, program, info.Store)
		if faults = append(t.Faults, faults...); len(faults) > 0 {
			return cmd.reportFaults(env, t.Header, faults)
		}
		if !cmd.Commit {
			_, err := fmt.Fprintf(env.stdout, "%d rows read: %d orders would be imported\nDry run: nothing was written. Add --commit to write.\n", len(t.Rows), len(orders))
			return err
		}
		return cmd.send(ctx, env, a, deliveries)
	})
}

func (cmd *ImportOrdersCmd) check(t *importer.Table, orders []importer.Order, program string, st adapters.Store) ([]order.Delivery, []importer.Fault) {
	adapter := platforms()[order.Custom]
	now := time.Now().UTC()
	deliveries := make([]order.Delivery, 0, len(orders))
	var faults []importer.Fault
	for _, o := range orders {
		sum := sha256.Sum256(o.Body)
		d := order.Delivery{
			PlatformDeliveryID: "import:" + hex.EncodeToString(sum[:16]), ProgramID: program, StoreID: st.StoreID,
			Platform: order.Custom, Topic: "orders", Body: o.Body, ReceivedAt: now,
		}
		revisions, err := adapter.Normalise(d, st)
		if err == nil && revisions[0].Order != nil {
			err = revisions[0].Order.Validate()
		}
		if err != nil {
			first := t.Rows[o.Rows[0]]
			faults = append(faults, importer.Fault{Line: first.Line, Reason: "order " + o.PlatformOrderID + ": " + err.Error(), Row: first.Cells})
			continue
		}
		deliveries = append(deliveries, d)
	}
	return deliveries, faults
}

func (cmd *ImportOrdersCmd) send(ctx context.Context, env *environment, a *app, deliveries []order.Delivery) error {
	return env.withMachine(ctx, a, func(m *machine) error {
		bar := env.progress("orders", len(deliveries))
		duplicates := 0
		for i, d := range deliveries {
			result, err := m.inbox.Put(ctx, d)
			if err != nil {
				return fmt.Errorf("import order %d of %d: %w", i+1, len(deliveries), err)
			}
			if result.Duplicate {
				duplicates++
			}
			bar.set(i + 1)
		}
		bar.done()
		if err := m.settled(ctx, a); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.stdout, "%d orders imported, %d of them were there already\n", len(deliveries), duplicates)
		return err
	})
}
