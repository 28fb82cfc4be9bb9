package reference

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// HintLife is how long what a page told of a checkout is kept. The order comes within minutes; its webhook may be a day
// late, and a reconciliation some days.
const HintLife = 30 * 24 * time.Hour

// joinWithin is how long after its arrival a hint is looked at again for an order that came at the same moment.
const joinWithin = 24 * time.Hour

// Hint is what a store's page told: this checkout was led to by that code.
type Hint struct {
	ProgramID string
	StoreID   string
	Checkout  string // the adapter's hash of the checkout's token
	Reference string // a distributor's code, read and checked
	At        time.Time
}

// Hints keep what pages told.
type Hints interface {
	// PutHint keeps the first hint of a checkout, and releases an order that waits for it.
	PutHint(ctx context.Context, h Hint) (created bool, err error)
	// JoinHints releases orders that settled as nobody's just while their hint arrived.
	JoinHints(ctx context.Context, program string, since time.Time) (released int, err error)
	DropHints(ctx context.Context, program string, before time.Time) (int64, error)
	ProgramIDs(ctx context.Context) ([]string, error)
}

// Keeper looks after hints.
type Keeper struct {
	Hints  Hints
	Clock  func() time.Time
	Kick   func() // wakes the pipeline after something was released
	Logger *slog.Logger
}

// Run looks every so often until ctx ends.
func (k *Keeper) Run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := k.once(ctx); err != nil && ctx.Err() == nil {
			k.Logger.WarnContext(ctx, "hints of checkouts cannot be looked after", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (k *Keeper) once(ctx context.Context) error {
	programs, err := k.Hints.ProgramIDs(ctx)
	if err != nil {
		return fmt.Errorf("list the programs: %w", err)
	}
	for _, program := range programs {
		released, err := k.Hints.JoinHints(ctx, program, k.Clock().Add(-joinWithin))
		if err != nil {
			return err
		}
		if released > 0 {
			k.Kick()
		}
		if _, err := k.Hints.DropHints(ctx, program, k.Clock().Add(-HintLife)); err != nil {
			return err
		}
	}
	return nil
}
