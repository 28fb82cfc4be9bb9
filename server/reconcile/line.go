package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Limits of the stores that are reconciled beside each other. Each has its own platform, or its own budget there, so that one
// worker per store is what a platform is asked for.
const (
	storesAtOnce  = 32 // under way; each holds a page of its platform
	behindAtOnce  = 16 // of them, of those that have more to read than one part: the others are never kept out
	flushesAtOnce = 2  // comparing and mending a batch; they take turns, so that none waits for more than a batch of each other
)

// Parts of a long span. What is reached after each is kept, so that a process which dies costs a part.
const (
	firstPart = 24 * time.Hour
	shortPart = time.Hour
	partMost  = 5_000 // orders; beyond it the next part is shorter
	partFew   = 1_000 // below it longer
)

// line starts what is due, each store's beside the others'.
type line struct {
	*Service
	schedule Schedule
	flushes  *semaphore.Weighted
	ended    chan struct{} // told when one has ended, so that the next may begin
	working  sync.WaitGroup

	mu     sync.Mutex
	busy   map[string]bool
	behind int
	failed []error
}

func (s *Service) newLine(c Schedule) *line {
	return &line{
		Service: s, schedule: c.withDefaults(), flushes: semaphore.NewWeighted(flushesAtOnce), ended: make(chan struct{}, 1), busy: map[string]bool{},
	}
}

// job is what a store is due for.
type job struct {
	target Target
	begun  time.Time // when its last scheduled run began: who waited longest comes first
	behind bool
	run    func(ctx context.Context) error
}

// look starts what is due and not under way, as far as there is room; left is what there was no room for. What fails is kept
// for failures.
func (l *line) look(ctx context.Context) (left int, err error) {
	targets, err := l.Books.ReconcileTargets(ctx, "")
	if err != nil {
		return 0, err
	}
	var jobs []job
	for _, t := range targets {
		if l.isBusy(t.StoreID) {
			continue
		}
		j, err := l.due(ctx, t)
		if err != nil && !errors.Is(err, ErrNoReader) {
			l.fail(t.StoreID, err)
		}
		if err == nil && j.run != nil {
			jobs = append(jobs, j)
		}
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return a.begun.Compare(b.begun) })
	for _, j := range jobs {
		if !l.start(ctx, j) {
			left++
		}
	}
	return left, nil
}

// start runs a job beside the others; false where there is no room.
func (l *line) start(ctx context.Context, j job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.busy) >= storesAtOnce || j.behind && l.behind >= behindAtOnce {
		return false
	}
	id := j.target.StoreID
	l.busy[id] = true
	if j.behind {
		l.behind++
	}
	l.working.Go(func() {
		err := j.run(ctx)
		l.mu.Lock()
		delete(l.busy, id)
		if j.behind {
			l.behind--
		}
		l.mu.Unlock()
		if err != nil && !errors.Is(err, ErrNoReader) {
			l.fail(id, err)
		}
		select {
		case l.ended <- struct{}{}:
		default:
		}
	})
	return true
}

func (l *line) isBusy(storeID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy[storeID]
}

func (l *line) fail(storeID string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, fmt.Errorf("store %s: %w", storeID, err))
}

// failures are what failed since they were asked for.
func (l *line) failures() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := errors.Join(l.failed...)
	l.failed = nil
	return err
}

// work looks again and again, and at once when something has ended, until ctx ends.
func (l *line) work(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		_, err := l.look(ctx)
		l.logged(ctx, "reconcile", errors.Join(err, l.failures()))
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-l.ended:
		}
	}
	l.working.Wait()
}

// due says what a store is due for: a run whose process died or that somebody asked for, else the next part of what was not
// reconciled yet. A job without run: nothing.
func (l *line) due(ctx context.Context, t Target) (j job, err error) {
	j.target = t
	if _, err := l.Readers.Reader(ctx, t); err != nil {
		return j, err
	}
	runs, err := l.Books.Reconciliations(ctx, t.ProgramID, t.StoreID, 20)
	if err != nil {
		return j, err
	}
	now := l.Clock().UTC()
	var last *Run // the newest scheduled one
	for i := range runs {
		r := &runs[i]
		if r.State == Running {
			if now.Sub(r.HeartbeatAt) < staleAfter {
				return j, nil // somebody is at it
			}
			j.begun, j.behind, j.run = r.StartedAt, r.To.Sub(r.From) > firstPart, func(ctx context.Context) error { return l.takeUp(ctx, r, now) }
			return j, nil
		}
		if r.Scheduled && (last == nil || r.StartedAt.After(last.StartedAt)) {
			last = r
		}
	}
	if l.schedule.OnlyAsked {
		return j, nil
	}
	from, to := l.from(t, now, l.schedule), now.Add(-l.schedule.Settle)
	if t.ReachedAt.IsZero() || last != nil && last.State == Done && l.more(last) {
		to = now // what was changed before a store was connected is not on its way
	}
	if last != nil {
		j.begun = last.StartedAt
		if now.Sub(last.StartedAt) < l.schedule.Every && (last.State != Done || !l.more(last)) {
			return j, nil
		}
	}
	if !from.Before(to) {
		return j, nil
	}
	if end := from.Add(l.part(last)); end.Before(to) && to.Sub(from) > firstPart+l.schedule.Overlap {
		to, j.behind = end, true
	}
	j.run = func(ctx context.Context) error { return l.reconcile(ctx, t, from, to) }
	return j, nil
}

// more tells whether a run was a part of a span that goes on. The last part ends where it began less the time to settle.
func (l *line) more(r *Run) bool {
	return r.To.Before(r.StartedAt.Add(-l.schedule.Settle - time.Minute))
}

// part is how long the next part of a long span is, by what the last one had to read; with what is read again of that one.
func (l *line) part(last *Run) time.Duration {
	if last == nil || last.State != Done {
		return firstPart + l.schedule.Overlap
	}
	length := max(last.To.Sub(last.From)-l.schedule.Overlap, shortPart)
	switch read := last.Counts.Read; {
	case read > partMost:
		length = max(length/2, shortPart)
	case read < partFew:
		length *= 2
	}
	return length + l.schedule.Overlap
}

func (l *line) takeUp(ctx context.Context, r *Run, now time.Time) error {
	taken, err := l.Books.TakeReconciliation(ctx, *r, now)
	if err != nil || !taken {
		return err
	}
	l.Logger.InfoContext(ctx, "a reconciliation is taken up again", "store", r.StoreID, "run_id", r.RunID)
	_, err = l.resume(ctx, *r, func(Run) {}, l.flushes)
	return err
}

func (l *line) reconcile(ctx context.Context, t Target, from, to time.Time) error {
	r, err := l.Begin(ctx, Request{Program: t.ProgramID, StoreID: t.StoreID, From: from, To: to, Mend: true, Scheduled: true})
	if err != nil {
		return err
	}
	if r, err = l.resume(ctx, r, func(Run) {}, l.flushes); err != nil {
		return err
	}
	l.Logger.InfoContext(ctx, "a store was reconciled", "store", t.StoreID, "run_id", r.RunID, "read", r.Counts.Read,
		"mended", r.Counts.Mended, "delta_minor", r.DeltaMinor)
	return nil
}
