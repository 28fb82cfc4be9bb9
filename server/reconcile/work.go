package reconcile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

// Schedule says when a server reconciles by itself. A zero field takes its default.
type Schedule struct {
	Every     time.Duration // between two reconciliations of a store; default 6 h
	Overlap   time.Duration // read again of what was reconciled before, for what the platform's search showed late; default 1 h
	Settle    time.Duration // how long deliveries may be on their way before they count as missing; default 10 min
	First     time.Duration // how far back the first reconciliation of a store goes, at most; default 60 days, which is what Shopify shows without a further scope
	HintAfter time.Duration // how long an order known by a hint waits for its own delivery; default 20 s
	HintEvery time.Duration // how often wanted orders are looked for; default 15 s
	// OnlyAsked carries out what somebody asked for, and nothing else.
	OnlyAsked bool
}

func (c Schedule) withDefaults() Schedule {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.Every, 6*time.Hour)
	set(&c.Overlap, time.Hour)
	set(&c.Settle, 10*time.Minute)
	set(&c.First, 60*24*time.Hour)
	set(&c.HintAfter, 20*time.Second)
	set(&c.HintEvery, 15*time.Second)
	return c
}

// Limits of fetching wanted orders.
const (
	wantsAtOnce   = 100              // of a store, read in one turn
	wantsWithin   = 30 * time.Second // a store's turn; the rest is due at the next
	wantingAtOnce = 8                // stores
	wantAttempts  = 8                // while the order does not change; after that reconciliation and people have it
	firstRefetch  = time.Minute
	lastRefetch   = 12 * time.Hour
	lookEvery     = 10 * time.Second // for stores that are due, and for runs that somebody asked for
)

// Work fetches wanted orders and reconciles stores as they become due, until ctx ends. A failure is logged and tried again.
func (s *Service) Work(ctx context.Context, c Schedule) {
	c = c.withDefaults()
	var both sync.WaitGroup
	both.Go(func() {
		if c.OnlyAsked {
			return
		}
		every(ctx, c.HintEvery, func() { s.logged(ctx, "fetch hinted orders", s.FetchWanted(ctx, c.HintAfter)) })
	})
	both.Go(func() { s.newLine(c).work(ctx) })
	both.Wait()
}

func every(ctx context.Context, d time.Duration, f func()) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Service) logged(ctx context.Context, attempted string, err error) {
	if err != nil && ctx.Err() == nil {
		s.Logger.WarnContext(ctx, "reconciliation", "attempted", attempted, "error", err)
	}
}

// ReconcileDue takes up runs whose process died, and reconciles and mends every store that is due, each beside the others; of a
// long span it does one part.
func (s *Service) ReconcileDue(ctx context.Context, c Schedule) error {
	l := s.newLine(c)
	for {
		left, err := l.look(ctx)
		l.working.Wait()
		if err != nil || left == 0 || ctx.Err() != nil {
			return errors.Join(err, l.failures())
		}
	}
}

// from is where the next reconciliation begins: behind the last one, with an overlap; the first one at the store's go-live, or
// as far back as the platform shows.
func (s *Service) from(t Target, now time.Time, c Schedule) time.Time {
	if !t.ReachedAt.IsZero() {
		return t.ReachedAt.Add(-c.Overlap)
	}
	first := now.Add(-c.First)
	if t.GoLiveAt.After(first) {
		return t.GoLiveAt
	}
	return first
}

// FetchWanted reads the orders that are parked for a reason which a fresh reading may mend: only a hint or a refund came, or
// the figures did not agree. hintAfter is how long their own delivery is waited for. Stores are read beside each other, and none
// for long: one that does not answer holds nobody up.
func (s *Service) FetchWanted(ctx context.Context, hintAfter time.Duration) error {
	targets, err := s.Books.ReconcileTargets(ctx, "")
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(wantingAtOnce)
	failed := make([]error, len(targets))
	for i, t := range targets {
		group.Go(func() error {
			if err := s.fetchWanted(ctx, t, hintAfter); err != nil {
				failed[i] = fmt.Errorf("store %s: %w", t.StoreID, err)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in the list
	return errors.Join(failed...)
}

func (s *Service) fetchWanted(ctx context.Context, t Target, hintAfter time.Duration) error {
	reader, err := s.Readers.Reader(ctx, t)
	if errors.Is(err, ErrNoReader) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.Clock().UTC()
	wants, err := s.Books.WantedOrders(ctx, t.ProgramID, []string{t.StoreID}, now.Add(-hintAfter), now, wantsAtOnce)
	if err != nil {
		return err
	}
	for began := now; len(wants) > 0 && s.Clock().Sub(began) < wantsWithin; wants = wants[1:] {
		fetch, err := s.fetch(ctx, t, reader, wants[0])
		if err != nil {
			return err
		}
		if err := s.Books.PutFetches(ctx, t.ProgramID, []Fetch{fetch}); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads one wanted order. Only a failure of our own is an error; the platform's is noted, and tried again later.
func (s *Service) fetch(ctx context.Context, t Target, reader adapters.Reader, want Want) (Fetch, error) {
	began := s.Clock().UTC()
	result := Fetch{Want: want, Outcome: FetchDone, FetchedAt: began, DueAt: began.Add(refetch(want.Attempt))}
	result.Attempt++
	f, err := reader.Order(ctx, want.Source.PlatformOrderID)
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case errors.Is(err, adapters.ErrNoOrder):
		result.Outcome, result.Detail = FetchGone, "the platform has no such order"
		result.DueAt = began.Add(refetch(wantAttempts))
	case err != nil:
		result.Outcome, result.Detail = FetchFailed, why(err)
		s.Logger.WarnContext(ctx, "an order cannot be fetched", "store", t.StoreID, "order_id", want.Source.String(), "attempt", result.Attempt, "error", err)
	default:
		return result, s.put(ctx, []order.Delivery{delivery(t, &f, began)})
	}
	return result, nil
}

// refetch is how long to wait before an order that is still parked is read once more.
func refetch(attempt int) time.Duration {
	if attempt+1 >= wantAttempts {
		return 100 * 365 * 24 * time.Hour // never, until the order changes
	}
	delay := firstRefetch
	for ; attempt > 0 && delay < lastRefetch; attempt-- {
		delay *= 4
	}
	delay = min(delay, lastRefetch)
	return delay - rand.N(delay/4) //nolint:gosec // Nobody gains by guessing when it is made.
}
