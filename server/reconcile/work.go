package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

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
	wantsAtOnce  = 100 // read in one turn
	wantAttempts = 8   // while the order does not change; after that reconciliation and people have it
	firstRefetch = time.Minute
	lastRefetch  = 12 * time.Hour
	lookEvery    = 10 * time.Second // for stores that are due, and for runs that somebody asked for
)

// Work fetches wanted orders and reconciles stores as they become due, until ctx ends. A failure is logged and tried again.
func (s *Service) Work(ctx context.Context, c Schedule) {
	c = c.withDefaults()
	var both sync.WaitGroup
	both.Go(func() {
		every(ctx, c.HintEvery, func() { s.logged(ctx, "fetch hinted orders", s.FetchWanted(ctx, c.HintAfter)) })
	})
	both.Go(func() { every(ctx, lookEvery, func() { s.logged(ctx, "reconcile", s.ReconcileDue(ctx, c)) }) })
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

// ReconcileDue takes up runs whose process died, and reconciles and mends every store that is due.
func (s *Service) ReconcileDue(ctx context.Context, c Schedule) error {
	c = c.withDefaults()
	targets, err := s.Books.ReconcileTargets(ctx, "")
	if err != nil {
		return err
	}
	var all error
	for _, t := range targets {
		if err := s.reconcileDue(ctx, t, c); err != nil && !errors.Is(err, ErrNoReader) {
			all = errors.Join(all, fmt.Errorf("store %s: %w", t.StoreID, err))
		}
	}
	return all
}

func (s *Service) reconcileDue(ctx context.Context, t Target, c Schedule) error {
	if _, err := s.Readers.Reader(ctx, t); err != nil {
		return err
	}
	runs, err := s.Books.Reconciliations(ctx, t.ProgramID, t.StoreID, 20)
	if err != nil {
		return err
	}
	now := s.Clock().UTC()
	var last time.Time // when a scheduled run began
	for _, r := range runs {
		if r.State == Running {
			if now.Sub(r.HeartbeatAt) < staleAfter {
				return nil // somebody is at it
			}
			taken, err := s.Books.TakeReconciliation(ctx, r, now)
			if err != nil || !taken {
				return err
			}
			s.Logger.InfoContext(ctx, "a reconciliation is taken up again", "store", t.StoreID, "run_id", r.RunID)
			_, err = s.Resume(ctx, r, func(Run) {})
			return err
		}
		if r.Scheduled && r.StartedAt.After(last) {
			last = r.StartedAt
		}
	}
	if now.Sub(last) < c.Every {
		return nil
	}
	from := s.from(t, now, c)
	to := now.Add(-c.Settle)
	if !from.Before(to) {
		return nil
	}
	r, err := s.Reconcile(ctx, Request{Program: t.ProgramID, StoreID: t.StoreID, From: from, To: to, Mend: true, Scheduled: true}, func(Run) {})
	if err == nil {
		s.Logger.InfoContext(ctx, "a store was reconciled", "store", t.StoreID, "run_id", r.RunID, "read", r.Counts.Read,
			"mended", r.Counts.Mended, "delta_minor", r.DeltaMinor)
	}
	return err
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
// the figures did not agree. hintAfter is how long their own delivery is waited for.
func (s *Service) FetchWanted(ctx context.Context, hintAfter time.Duration) error {
	targets, err := s.Books.ReconcileTargets(ctx, "")
	if err != nil {
		return err
	}
	byProgram := map[string][]Target{}
	for _, t := range targets {
		byProgram[t.ProgramID] = append(byProgram[t.ProgramID], t)
	}
	var all error
	for _, program := range slices.Sorted(maps.Keys(byProgram)) {
		if err := s.fetchWanted(ctx, program, byProgram[program], hintAfter); err != nil {
			all = errors.Join(all, fmt.Errorf("program %s: %w", program, err))
		}
	}
	return all
}

func (s *Service) fetchWanted(ctx context.Context, program string, targets []Target, hintAfter time.Duration) error {
	readers, byID, ids := map[string]adapters.Reader{}, map[string]Target{}, []string{}
	for _, t := range targets {
		reader, err := s.Readers.Reader(ctx, t)
		if errors.Is(err, ErrNoReader) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store %s: %w", t.StoreID, err)
		}
		readers[t.StoreID], byID[t.StoreID] = reader, t
		ids = append(ids, t.StoreID)
	}
	if len(ids) == 0 {
		return nil
	}
	now := s.Clock().UTC()
	wants, err := s.Books.WantedOrders(ctx, program, ids, now.Add(-hintAfter), now, wantsAtOnce)
	if err != nil {
		return err
	}
	for _, want := range wants {
		fetch, err := s.fetch(ctx, byID[want.Source.StoreID], readers[want.Source.StoreID], want)
		if err != nil {
			return err
		}
		if err := s.Books.PutFetches(ctx, program, []Fetch{fetch}); err != nil {
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
