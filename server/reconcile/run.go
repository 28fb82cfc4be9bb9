package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// Limits of a run.
const (
	batchOrders  = 200              // compared in one reading of the books
	putsAtOnce   = 64               // deliveries on their way into the inbox; they share commits
	heartbeat    = 10 * time.Second // how often a run says that it is alive
	staleAfter   = 2 * time.Minute  // a run that did not say so for this long is dead
	spanMax      = 5 * 366 * 24 * time.Hour
	putWaitFirst = 50 * time.Millisecond
	putWaitLast  = 5 * time.Second
	// findingsMax is how many orders a run lists; beyond, they are only counted.
	findingsMax = 10_000
)

// Request is what to reconcile.
type Request struct {
	Program   string
	StoreID   string
	From, To  time.Time // [From, To), by the platform's own time of change
	Mend      bool      // false: only look
	Scheduled bool
}

// Begin stores a new run, to be carried out by Resume.
func (s *Service) Begin(ctx context.Context, q Request) (r Run, err error) {
	defer server.Wrap(&err, "begin to reconcile store %s", q.StoreID)
	t, err := s.target(ctx, q.Program, q.StoreID)
	if err != nil {
		return r, err
	}
	switch {
	case !q.From.Before(q.To):
		return r, &server.Error{Code: server.Invalid, Field: "from", Message: "from has to be before to"}
	case q.To.Sub(q.From) > spanMax:
		return r, &server.Error{Code: server.Invalid, Field: "from", Message: "from is more than five years before to; reconcile in parts"}
	case q.To.After(s.Clock().Add(time.Minute)):
		return r, &server.Error{Code: server.Invalid, Field: "to", Message: "to is in the future"}
	}
	now := s.Clock().UTC()
	r = Run{
		RunID: s.NewID(), ProgramID: t.ProgramID, StoreID: t.StoreID, From: q.From.UTC(), To: q.To.UTC(), Mend: q.Mend, Scheduled: q.Scheduled,
		State: Running, Currency: t.Currency, StartedAt: now, HeartbeatAt: now,
	}
	return r, s.Books.PutReconciliation(ctx, r, nil)
}

// Queue stores a new run for a server's own work to carry out: it is taken up like one whose process died, within seconds.
func (s *Service) Queue(ctx context.Context, q Request) (Run, error) {
	r, err := s.Begin(ctx, q)
	if err != nil {
		return r, err
	}
	queued := r
	queued.HeartbeatAt = r.StartedAt.Add(-staleAfter)
	return queued, s.Books.PutReconciliation(ctx, queued, nil)
}

func (s *Service) target(ctx context.Context, program, storeID string) (Target, error) {
	targets, err := s.Books.ReconcileTargets(ctx, program)
	if err != nil {
		return Target{}, err
	}
	for _, t := range targets {
		if t.StoreID == storeID {
			return t, nil
		}
	}
	return Target{}, server.Errorf(server.NotFound, "There is no store %s.", storeID)
}

// Reconcile begins a run and carries it out. told is given the run as it proceeds.
func (s *Service) Reconcile(ctx context.Context, q Request, told func(Run)) (Run, error) {
	r, err := s.Begin(ctx, q)
	if err != nil {
		return r, err
	}
	return s.Resume(ctx, r, told)
}

// Resume carries a run out from its beginning. What an earlier attempt has mended is in step by now, so that doing it again
// costs reading alone. A run that was interrupted stays running, to be taken up again; one that fails says why.
func (s *Service) Resume(ctx context.Context, r Run, told func(Run)) (Run, error) {
	return s.resume(ctx, r, told, nil)
}

// resume is Resume where batches take turns with those of other stores; flushes nil: they take none.
func (s *Service) resume(ctx context.Context, r Run, told func(Run), flushes *semaphore.Weighted) (Run, error) {
	w := &worker{Service: s, run: r, told: told, flushes: flushes}
	w.run.Counts, w.run.DeltaMinor = Counts{}, 0
	err := w.alive(ctx, w.work)
	if ctx.Err() != nil {
		return w.run, fmt.Errorf("reconcile store %s: %w", r.StoreID, ctx.Err())
	}
	at := s.Clock().UTC()
	w.run.State, w.run.FinishedAt, w.run.HeartbeatAt = Done, &at, at
	if err != nil {
		w.run.State, w.run.Detail = Failed, why(err)
	}
	if putErr := s.Books.PutReconciliation(ctx, w.run, w.found); putErr != nil {
		return w.run, errors.Join(err, putErr)
	}
	if err == nil && r.Mend && r.Scheduled {
		err = s.Books.MarkReconciled(ctx, r.ProgramID, r.StoreID, r.To)
	}
	if err != nil {
		return w.run, fmt.Errorf("reconcile store %s: %w", r.StoreID, err)
	}
	told(w.run)
	return w.run, nil
}

// why is an error's sentence for people.
func why(err error) string {
	switch {
	case errors.Is(err, adapters.ErrReauthorise):
		return "The platform refuses the store's credentials. Connect the store again."
	case errors.Is(err, adapters.ErrPluginOff):
		return "The shop's plugin is switched off, and no keys for reading were granted. Switch it on in the shop."
	case errors.Is(err, ErrNoReader):
		return "The store is not connected, so that its orders cannot be read. Connect it first."
	}
	text := err.Error()
	if len(text) > 500 {
		text = text[:500]
	}
	return text
}

// worker carries one run out.
type worker struct {
	*Service
	run    Run
	told   func(Run)
	target Target
	began  time.Time
	batch  []adapters.Fetched
	found  []Finding
	listed int

	flushes *semaphore.Weighted // nil: batches take no turns
	mu      sync.Mutex          // one writes the run down at a time
	noted   Run                 // as it was after the last batch
	beat    time.Time
}

// alive says every few seconds that the run is alive while it works: a platform may take long to answer, and others' batches may
// come first.
func (w *worker) alive(ctx context.Context, work func(ctx context.Context) error) error {
	w.noted = w.run
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			w.logged(ctx, "say that a reconciliation is alive", w.say(ctx))
		}
	}
}

// say writes down that the run is alive, as far as it was after the last batch.
func (w *worker) say(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Clock()
	if now.Sub(w.beat) < heartbeat {
		return nil
	}
	w.beat, w.noted.HeartbeatAt = now, now.UTC()
	return w.Books.PutReconciliation(ctx, w.noted, nil)
}

// note writes down how far the run is.
func (w *worker) note(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Clock()
	if now.Sub(w.beat) >= heartbeat || len(w.found) >= batchOrders {
		w.beat, w.run.HeartbeatAt = now, now.UTC()
		if err := w.Books.PutReconciliation(ctx, w.run, w.found); err != nil {
			return err
		}
		w.found = nil
	}
	w.noted = w.run
	return nil
}

// inTurn flushes once it is this store's turn.
func (w *worker) inTurn(ctx context.Context) error {
	if w.flushes == nil {
		return w.flush(ctx)
	}
	if err := w.flushes.Acquire(ctx, 1); err != nil {
		return err
	}
	defer w.flushes.Release(1)
	return w.flush(ctx)
}

func (w *worker) work(ctx context.Context) (err error) {
	if w.target, err = w.Service.target(ctx, w.run.ProgramID, w.run.StoreID); err != nil {
		return err
	}
	reader, err := w.Readers.Reader(ctx, w.target)
	if err != nil {
		return err
	}
	w.began = w.Clock().UTC()
	err = reader.Changed(ctx, w.run.From, w.run.To, func(f adapters.Fetched) error {
		w.batch = append(w.batch, f)
		if len(w.batch) < batchOrders {
			return nil
		}
		return w.inTurn(ctx)
	})
	if err != nil {
		return err
	}
	return w.inTurn(ctx)
}

// one is an order of a batch.
type one struct {
	delivery order.Delivery
	revision order.Revision
	finding  Finding
}

// flush compares a batch, mends what is not in step, and notes how far the run is.
func (w *worker) flush(ctx context.Context) error {
	batch := make([]one, len(w.batch))
	var sources []order.Source
	for i := range w.batch {
		batch[i] = w.read(&w.batch[i])
		if batch[i].finding.Kind != Unreadable {
			sources = append(sources, batch[i].revision.Source)
		}
	}
	w.batch = w.batch[:0]
	known, err := w.Books.KnownOrders(ctx, w.run.ProgramID, sources)
	if err != nil {
		return err
	}
	var mend []order.Delivery
	for i := range batch {
		if w.judge(&batch[i], known) {
			mend = append(mend, batch[i].delivery)
		}
	}
	if w.run.Mend {
		if err := w.put(ctx, mend); err != nil {
			return err
		}
		w.run.Counts.Mended += int64(len(mend))
	}
	w.run.DeltaMinor = w.run.Counts.ToldMinor - w.run.Counts.KnownMinor
	w.told(w.run)
	return w.note(ctx)
}

// read turns what was fetched into a delivery and reads it as the pipeline will.
func (w *worker) read(f *adapters.Fetched) one {
	o := one{delivery: delivery(w.target, f, w.began)}
	adapter, found := w.Adapters[w.target.Platform]
	if !found {
		o.finding = w.unreadable(f, fmt.Errorf("there is no adapter for %s", w.target.Platform))
		return o
	}
	revisions, err := adapter.Normalise(o.delivery, w.target.Store)
	switch {
	case err != nil:
		o.finding = w.unreadable(f, err)
	case len(revisions) != 1 || revisions[0].Kind != order.Snapshot:
		o.finding = w.unreadable(f, errors.New("what was read is not one order"))
	default:
		o.revision = revisions[0]
	}
	return o
}

func (w *worker) unreadable(f *adapters.Fetched, err error) Finding {
	source := order.Source{StoreID: w.target.StoreID, PlatformOrderID: f.PlatformOrderID}
	return Finding{OrderID: source.String(), Kind: Unreadable, Detail: err.Error(), Currency: w.target.Currency}
}

// judge counts an order and says whether it has to be mended. What does not agree with itself is handed over too: it is then
// parked, in sight of everybody, instead of being known to a run alone.
func (w *worker) judge(o *one, known map[order.Source]Known) bool {
	c := &w.run.Counts
	c.Read++
	if o.finding.Kind != Unreadable {
		k, found := known[o.revision.Source]
		var have *Known
		if found {
			have = &k
		}
		o.finding = compare(have, o.revision)
		if o.finding.Kind == InStep && k.Parked {
			c.Parked++
		}
	}
	o.finding.FoundAt = w.Clock().UTC()
	c.KnownMinor += o.finding.KnownMinor
	c.ToldMinor += o.finding.ToldMinor
	switch o.finding.Kind {
	case InStep:
		c.InStep++
		return false
	case Missing:
		c.Missing++
	case Outdated:
		c.Outdated++
	case Differing:
		c.Differing++
	case Unsound:
		c.Unsound++
	case Unreadable:
		c.Unreadable++
	}
	if w.listed < findingsMax {
		w.listed++
		w.found = append(w.found, o.finding)
	}
	return true
}

// delivery is a fetched order on its way into the inbox. Its key is made of what it says, so that an order which was read
// twice without a change is one delivery.
func delivery(t Target, f *adapters.Fetched, began time.Time) order.Delivery {
	sum := sha256.Sum256(f.Body)
	return order.Delivery{
		ProgramID: t.ProgramID, StoreID: t.StoreID, Platform: t.Platform, Topic: adapters.FetchedTopic, Body: f.Body,
		PlatformDeliveryID: "fetched:" + f.PlatformOrderID + ":" + hex.EncodeToString(sum[:16]),
		Headers:            map[string]string{adapters.FetchedAtHeader: began.UTC().Format(time.RFC3339Nano)},
	}
}

// put stores deliveries, many at once so that they share commits. A full inbox is waited for.
func (s *Service) put(ctx context.Context, list []order.Delivery) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(putsAtOnce)
	for _, d := range list {
		group.Go(func() error {
			for wait := putWaitFirst; ; wait = min(2*wait, putWaitLast) {
				_, err := s.Inbox.Put(ctx, d)
				if server.CodeOf(err) != server.Unavailable {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(wait):
				}
			}
		})
	}
	return group.Wait()
}
