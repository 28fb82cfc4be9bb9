package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/planfile"
	"upline.dev/upline/server/store"
)

// programID is the company under load.
const programID = "bench"

// scratch is a database and a folder that are gone after the run.
type scratch struct {
	url     string
	product Product
	drop    func() error
}

// openScratch makes them and sets up the company.
func openScratch(ctx context.Context, cfg Config) (s scratch, err error) {
	dir, err := os.MkdirTemp(cfg.Dir, "upline-bench-")
	if err != nil {
		return s, fmt.Errorf("make a folder for the bench: %w", err)
	}
	return newScratch(ctx, cfg, dir)
}

func newScratch(ctx context.Context, cfg Config, dir string) (s scratch, err error) {
	dropDatabase := func(context.Context) error { return nil }
	if cfg.DatabaseURL != "" {
		if s.url, dropDatabase, err = store.Scratch(ctx, cfg.DatabaseURL); err != nil {
			return s, errors.Join(err, os.RemoveAll(dir))
		}
	}
	s.drop = func() error {
		err := error(nil)
		if s.product.Store != nil {
			err = s.product.Store.Close()
		}
		return errors.Join(err, dropDatabase(context.WithoutCancel(ctx)), os.RemoveAll(dir))
	}
	if s.product, err = cfg.Open(ctx, s.url, dir); err != nil {
		return s, errors.Join(err, s.drop())
	}
	if err := setUp(ctx, s.product.Admin); err != nil {
		return s, errors.Join(err, s.drop())
	}
	return s, nil
}

func setUp(ctx context.Context, a *admin.Service) error {
	if _, err := a.CreateProgram(ctx, admin.Program{ProgramID: programID, Name: "Bench", Currency: "EUR"}); err != nil {
		return err
	}
	st := admin.Store{StoreID: "bench-shop", ProgramID: programID, Platform: order.Shopify, Domain: shopDomain, Currency: "EUR"}
	if _, _, err := a.CreateStore(ctx, st, shopSecret); err != nil {
		return err
	}
	p, canonical, err := planfile.Read([]byte(plan), "bench.yaml")
	if err != nil {
		return err
	}
	if err := a.PublishPlan(ctx, programID, p, canonical); err != nil {
		return err
	}
	if _, err := a.PutDistributors(ctx, programID, distributors(), time.Now(), true); err != nil {
		return err
	}
	_, err = a.PutMappings(ctx, programID, mappings(), time.Now(), true)
	return err
}

// settle lets an engine in this process settle all that waits. No other process is at work: what one left unfinished when
// it was stopped need not wait for its lease.
func (s scratch) settle(ctx context.Context) error {
	if _, err := s.product.Store.ReleaseLeases(ctx); err != nil {
		return err
	}
	return s.product.Drain(ctx)
}

// counts is what there is after a run.
type counts struct{ deliveries, settled, postings int64 }

func (s scratch) count(ctx context.Context) (c counts, err error) {
	if c.postings, err = s.product.Store.CountPostings(ctx, programID); err != nil {
		return c, fmt.Errorf("count postings: %w", err)
	}
	if c.deliveries, c.settled, err = s.product.Store.CountDone(ctx, programID); err != nil {
		return c, fmt.Errorf("count deliveries and orders: %w", err)
	}
	return c, nil
}

// verify walks the chain: every leaf, every root, and the sum over all accounts, which is zero.
func (s scratch) verify(ctx context.Context) error {
	verifier := ledger.NewVerifier(programID)
	return s.product.Store.Seals(ctx, programID, func(seal ledger.Seal, postings []ledger.Posting, leaves [][32]byte) error {
		if findings := verifier.Batch(seal, postings, leaves); len(findings) > 0 {
			return fmt.Errorf("the ledger is not sound: %v", findings[0])
		}
		return nil
	})
}

// bulkInsert is the bare insert of as many rows in the same form.
func (s scratch) bulkInsert(ctx context.Context, orders, postingsPerOrder int) (float64, error) {
	const batch = 100
	rate, err := s.product.Store.BulkInsertBaseline(ctx, orders, postingsPerOrder, batch)
	if err != nil {
		return 0, fmt.Errorf("bare bulk insert: %w", err)
	}
	return rate, nil
}
