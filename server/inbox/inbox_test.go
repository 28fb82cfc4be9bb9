package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// store is an in-memory inbox.Store. put, where set, is asked before rows are taken.
type store struct {
	inbox.Store
	put func(rows []inbox.Row) error

	mu      sync.Mutex
	batches [][]string
	rows    map[string]inbox.Row // by store and platform delivery id
	drops   []int64              // what DropBodies answers, in turn
	before  []time.Time
	turned  []time.Duration // what TurnBodies was told to keep
}

func (s *store) TurnBodies(_ context.Context, now time.Time, keep time.Duration) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Equal(noon) {
		return 0, fmt.Errorf("it is told that it is %s", now)
	}
	s.turned = append(s.turned, keep)
	return partitionsDropped, nil
}

func (s *store) PutDeliveries(_ context.Context, rows []inbox.Row) ([]inbox.PutResult, error) {
	if s.put != nil {
		if err := s.put(rows); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	results := make([]inbox.PutResult, len(rows))
	for i, row := range rows {
		key := row.StoreID + "\x00" + row.PlatformDeliveryID
		first, known := s.rows[key]
		if known {
			results[i] = inbox.PutResult{DeliveryID: first.DeliveryID, Duplicate: true, Conflict: first.BodySHA256 != row.BodySHA256}
			continue
		}
		s.rows[key] = row
		ids = append(ids, row.DeliveryID)
		results[i] = inbox.PutResult{DeliveryID: row.DeliveryID}
	}
	s.batches = append(s.batches, ids)
	return results, nil
}

func (s *store) DropBodies(_ context.Context, before time.Time, _ int) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = append(s.before, before)
	if len(s.drops) == 0 {
		return 0, errors.New("no more answers")
	}
	dropped := s.drops[0]
	s.drops = s.drops[1:]
	return dropped, nil
}

// partitionsDropped is how many bodies TurnBodies says that it dropped.
const partitionsDropped = 10_000

// sealer shows what it was given, and opens only with the same associated data.
type sealer struct{ fail error }

func (s sealer) Seal(plain, associated []byte) ([]byte, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	return append(append(bytes.Clone(associated), '|'), plain...), nil
}

func (s sealer) Open(sealed, associated []byte) ([]byte, error) {
	plain, found := bytes.CutPrefix(sealed, append(bytes.Clone(associated), '|'))
	if !found {
		return nil, errors.New("cannot be opened")
	}
	return plain, nil
}

// handover records what it was given and has room for so many deliveries.
type handover struct {
	mu         sync.Mutex
	room       int
	accepted   []order.Delivery
	released   int
	overflowed int
}

func (h *handover) Reserve(int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.room == 0 {
		return false
	}
	h.room--
	return true
}

func (h *handover) Release(int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.room++
	h.released++
}

func (h *handover) Accept(d order.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepted = append(h.accepted, d)
}

func (h *handover) Overflowed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.overflowed++
}

type bundle struct {
	store    *store
	handover *handover
	inbox    *inbox.Inbox
}

func setup(t *testing.T, options inbox.Options) bundle {
	t.Helper()
	return setupAt(t, func() time.Time { return noon }, options)
}

func setupAt(t *testing.T, clock func() time.Time, options inbox.Options) bundle {
	t.Helper()
	b := bundle{store: &store{rows: map[string]inbox.Row{}}, handover: &handover{room: 1000}}
	var err error
	b.inbox, err = inbox.New(b.store, sealer{}, clock, options)
	if err != nil {
		t.Fatal(err)
	}
	b.inbox.HandTo(b.handover)
	t.Cleanup(b.inbox.Close)
	return b
}

func delivery(key, body string) order.Delivery {
	return order.Delivery{
		PlatformDeliveryID: key, ProgramID: "p1", StoreID: "s1", Platform: order.Shopify, Topic: "orders/paid",
		Headers: map[string]string{"x-shopify-topic": "orders/paid"}, Body: []byte(body),
	}
}

func TestPutStoresTheWholeDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	body := strings.Repeat(`{"id":1}`, 1000)
	result, err := b.inbox.Put(t.Context(), delivery("w1", body))
	if err != nil {
		t.Fatal(err)
	}
	row := b.store.rows["s1\x00w1"]
	if row.DeliveryID == "" || row.DeliveryID != result.DeliveryID || result.Duplicate {
		t.Errorf("result %+v for row %s", result, row.DeliveryID)
	}
	if !row.ReceivedAt.Equal(noon) || !row.DueAt.Equal(noon) || row.Status != inbox.Waiting || row.BodyBytes != len(body) {
		t.Errorf("row: %+v", row)
	}
	if len(row.SealedBody) > len(body)/10 {
		t.Errorf("%d bytes stored for %d: not compressed", len(row.SealedBody), len(body))
	}
	got, err := b.inbox.Open(row)
	if err != nil || string(got) != body {
		t.Errorf("opened %d bytes, %v", len(got), err)
	}
}

func TestOpenRefusesAnythingButTheStoredBody(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	if _, err := b.inbox.Put(t.Context(), delivery("w1", "one")); err != nil {
		t.Fatal(err)
	}
	row := b.store.rows["s1\x00w1"]
	moved, hash, dropped, damaged := row, row, row, row
	moved.DeliveryID = "another"
	hash.BodySHA256[0]++
	dropped.SealedBody = nil
	damaged.SealedBody = append([]byte(row.DeliveryID+"|"), "not zstd"...)
	for name, r := range map[string]inbox.Row{"moved": moved, "hash": hash, "dropped": dropped, "damaged": damaged} {
		if got, err := b.inbox.Open(r); err == nil {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
	if _, err := b.inbox.Open(dropped); server.CodeOf(err) != server.NotFound {
		t.Errorf("dropped body: %v", err)
	}
}

func TestEveryBodyComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		body := rapid.SliceOf(rapid.Byte()).Draw(rt, "body")
		key := fmt.Sprint(n)
		if _, err := b.inbox.Put(t.Context(), delivery(key, string(body))); err != nil {
			rt.Fatal(err)
		}
		got, err := b.inbox.Open(b.store.rows["s1\x00"+key])
		if err != nil || !bytes.Equal(got, body) {
			rt.Fatalf("%v: got %x, want %x", err, got, body)
		}
	})
}

func TestDuplicatesPointToTheFirst(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	first, err := b.inbox.Put(t.Context(), delivery("w1", "one"))
	if err != nil {
		t.Fatal(err)
	}
	for body, conflict := range map[string]bool{"one": false, "two": true} {
		got, err := b.inbox.Put(t.Context(), delivery("w1", body))
		want := inbox.PutResult{DeliveryID: first.DeliveryID, Duplicate: true, Conflict: conflict}
		if err != nil || got != want {
			t.Errorf("body %s: %+v, %v; want %+v", body, got, err, want)
		}
	}
	b.inbox.Close()
	if len(b.handover.accepted) != 1 || b.handover.room != 999 {
		t.Errorf("%d handed over, room %d: duplicates must give their room back", len(b.handover.accepted), b.handover.room)
	}
}

func TestABatchGrowsWhileACommitIsUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{BatchRows: 8})
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.store.put = func([]inbox.Row) error {
		once.Do(func() { close(entered); <-leave })
		return nil
	}
	var puts sync.WaitGroup
	put := func(i int) {
		puts.Go(func() {
			if _, err := b.inbox.Put(context.Background(), delivery(fmt.Sprint(i), "x")); err != nil {
				t.Error(err)
			}
		})
	}
	put(0)
	<-entered
	for i := 1; i <= 20; i++ {
		put(i)
	}
	for inbox.Queued(b.inbox) < 20 {
		time.Sleep(time.Millisecond)
	}
	close(leave)
	puts.Wait()
	var sizes []int
	for _, ids := range b.store.batches {
		sizes = append(sizes, len(ids))
	}
	if diff := cmp.Diff([]int{1, 8, 8, 4}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestBatchesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{BatchBytes: 1})
	var puts sync.WaitGroup
	for i := range 10 {
		puts.Go(func() {
			if _, err := b.inbox.Put(context.Background(), delivery(fmt.Sprint(i), "x")); err != nil {
				t.Error(err)
			}
		})
	}
	puts.Wait()
	if len(b.store.batches) != 10 {
		t.Errorf("%d commits, want one per row", len(b.store.batches))
	}
}

func TestOneBadRowDoesNotRefuseItsNeighbours(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	bad := errors.New("constraint violated")
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.store.put = func(rows []inbox.Row) error {
		once.Do(func() { close(entered); <-leave })
		for _, row := range rows {
			if row.PlatformDeliveryID == "bad" {
				return bad
			}
		}
		return nil
	}
	errs := make(map[string]error)
	var mu sync.Mutex
	var puts sync.WaitGroup
	put := func(key string) {
		puts.Go(func() {
			_, err := b.inbox.Put(context.Background(), delivery(key, "x"))
			mu.Lock()
			defer mu.Unlock()
			errs[key] = err
		})
	}
	put("first")
	<-entered
	put("good1")
	put("bad")
	put("good2")
	for inbox.Queued(b.inbox) < 3 {
		time.Sleep(time.Millisecond)
	}
	close(leave)
	puts.Wait()
	for key, err := range errs {
		if key == "bad" && !errors.Is(err, bad) || key != "bad" && err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	b.inbox.Close()
	if len(b.handover.accepted) != 3 || b.handover.room != 997 {
		t.Errorf("%d handed over, room %d", len(b.handover.accepted), b.handover.room)
	}
}

func TestAnUnavailableDatabaseIsNotAskedRowByRow(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	var calls int
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.store.put = func([]inbox.Row) error {
		once.Do(func() { close(entered); <-leave })
		calls++
		return server.Errorf(server.Unavailable, "The database is gone.")
	}
	var puts sync.WaitGroup
	put := func(i int) {
		puts.Go(func() {
			_, err := b.inbox.Put(context.Background(), delivery(fmt.Sprint(i), "x"))
			if server.CodeOf(err) != server.Unavailable {
				t.Errorf("err = %v", err)
			}
		})
	}
	put(0)
	<-entered
	for i := 1; i < 5; i++ {
		put(i)
	}
	for inbox.Queued(b.inbox) < 4 {
		time.Sleep(time.Millisecond)
	}
	close(leave)
	puts.Wait()
	if calls != 2 {
		t.Errorf("%d calls, want 2", calls)
	}
	b.inbox.Close()
	if b.handover.room != 1000 {
		t.Errorf("room %d was not given back", b.handover.room)
	}
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]inbox.Options{"rows": {QueueRows: 2}, "bytes": {QueueBytes: 120}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options)
			entered, leave := make(chan struct{}), make(chan struct{})
			var once sync.Once
			b.store.put = func([]inbox.Row) error {
				once.Do(func() { close(entered); <-leave })
				return nil
			}
			var puts sync.WaitGroup
			put := func(i int) {
				puts.Go(func() {
					if _, err := b.inbox.Put(context.Background(), delivery(fmt.Sprint(i), "x")); err != nil {
						t.Error(err)
					}
				})
			}
			put(0)
			<-entered
			put(1)
			put(2)
			for inbox.Queued(b.inbox) < 2 {
				time.Sleep(time.Millisecond)
			}
			if _, err := b.inbox.Put(t.Context(), delivery("one too many", "x")); server.CodeOf(err) != server.Unavailable {
				t.Errorf("err = %v, want unavailable", err)
			}
			close(leave)
			puts.Wait()
			if _, err := b.inbox.Put(t.Context(), delivery("later", "x")); err != nil {
				t.Errorf("after the queue drained: %v", err)
			}
		})
	}
}

func TestCloseDrainsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{BatchRows: 3})
	b.store.put = func([]inbox.Row) error { time.Sleep(time.Millisecond); return nil }
	var stored sync.Map
	var puts sync.WaitGroup
	for i := range 100 {
		puts.Go(func() {
			result, err := b.inbox.Put(context.Background(), delivery(fmt.Sprint(i), "x"))
			switch {
			case err == nil:
				stored.Store(result.DeliveryID, true)
			case server.CodeOf(err) != server.Unavailable:
				t.Error(err)
			}
		})
	}
	time.Sleep(5 * time.Millisecond)
	b.inbox.Close()
	puts.Wait()
	for _, row := range b.store.rows {
		if _, told := stored.Load(row.DeliveryID); !told {
			t.Errorf("delivery %s is stored but its caller was told otherwise", row.DeliveryID)
		}
		stored.Delete(row.DeliveryID)
	}
	stored.Range(func(id, _ any) bool {
		t.Errorf("delivery %s was acknowledged but is not stored", id)
		return true
	})
	if _, err := b.inbox.Put(t.Context(), delivery("late", "x")); server.CodeOf(err) != server.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

func TestACallerThatLeavesDoesNotStopTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	entered, leave := make(chan struct{}), make(chan struct{})
	b.store.put = func([]inbox.Row) error { close(entered); <-leave; return nil }
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := b.inbox.Put(ctx, delivery("w1", "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	close(leave)
	b.inbox.Close()
	if len(b.store.rows) != 1 || len(b.handover.accepted) != 1 {
		t.Errorf("%d stored, %d handed over; want 1 and 1", len(b.store.rows), len(b.handover.accepted))
	}
}

func TestRowsWithRoomAreLeasedAndHandedOver(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{Lease: time.Minute})
	b.handover.room = 1
	for _, key := range []string{"w1", "w2"} {
		if _, err := b.inbox.Put(t.Context(), delivery(key, "body of "+key)); err != nil {
			t.Fatal(err)
		}
	}
	b.inbox.Close()
	if got := b.store.rows["s1\x00w1"].LeaseUntil; !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("handed-over row is leased until %v", got)
	}
	if got := b.store.rows["s1\x00w2"].LeaseUntil; !got.IsZero() {
		t.Errorf("row without room is leased until %v", got)
	}
	if len(b.handover.accepted) != 1 || string(b.handover.accepted[0].Body) != "body of w1" {
		t.Errorf("accepted: %+v", b.handover.accepted)
	}
	if b.handover.accepted[0].DeliveryID != b.store.rows["s1\x00w1"].DeliveryID || b.handover.overflowed != 1 {
		t.Errorf("handed over %+v, overflowed %d times", b.handover.accepted[0], b.handover.overflowed)
	}
}

// A body that is not kept is its caller's again: what is written over it afterwards changes neither what is stored nor what was handed
// over. The race detector sees who still reads it.
func TestABodyThatIsNotKeptMayBeOverwritten(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	b.handover.room = 40
	var senders sync.WaitGroup
	for sender := range 8 {
		senders.Go(func() {
			buffer := make([]byte, 64)
			for i := range 25 {
				key := fmt.Sprintf("w%d-%d", sender, i/2) // each is sent twice
				d := delivery(key, "")
				d.Body = buffer[:copy(buffer, "body of "+key)]
				result, err := b.inbox.Put(t.Context(), d)
				if err != nil || result.Duplicate && result.BodyKept {
					t.Errorf("%s: %+v, %v", key, result, err)
				}
				if result.BodyKept {
					buffer = make([]byte, 64)
					continue
				}
				copy(buffer, bytes.Repeat([]byte("?"), 64))
			}
		})
	}
	senders.Wait()
	b.inbox.Close()
	for _, d := range b.handover.accepted {
		if string(d.Body) != "body of "+d.PlatformDeliveryID {
			t.Errorf("handed over as %q: %s", d.Body, d.PlatformDeliveryID)
		}
	}
	for _, row := range b.store.rows {
		raw, err := b.inbox.Open(row)
		if err != nil || string(raw) != "body of "+row.PlatformDeliveryID {
			t.Errorf("stored as %q: %s, %v", raw, row.PlatformDeliveryID, err)
		}
	}
	if len(b.handover.accepted) == 0 || len(b.store.rows) != 8*13 {
		t.Errorf("%d handed over, %d stored", len(b.handover.accepted), len(b.store.rows))
	}
}

func TestASealerThatFailsStoresNothing(t *testing.T) {
	t.Parallel()
	s := &store{rows: map[string]inbox.Row{}}
	fail := errors.New("no key")
	in, err := inbox.New(s, sealer{fail: fail}, time.Now, inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := in.Put(t.Context(), delivery("w1", "x")); !errors.Is(err, fail) {
		t.Errorf("err = %v", err)
	}
	if len(s.rows) != 0 {
		t.Error("a row was stored without its body")
	}
}

func TestRetentionDropsInPortionsUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{KeepBodies: 24 * time.Hour})
	b.store.drops = []int64{500, 500, 7}
	total, err := b.inbox.DropOldBodies(t.Context())
	if err != nil || total != 1007+partitionsDropped {
		t.Errorf("dropped %d, %v", total, err)
	}
	if diff := cmp.Diff([]time.Duration{24 * time.Hour}, b.store.turned); diff != "" {
		t.Errorf("partitions were turned for %s", diff)
	}
	for _, before := range b.store.before {
		if !before.Equal(noon.Add(-24 * time.Hour)) {
			t.Errorf("dropped bodies before %v", before)
		}
	}
}

func TestRetainGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t, inbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	failures := 0
	b.inbox.Retain(ctx, time.Millisecond, func(error) {
		if failures++; failures == 3 {
			cancel()
		}
	})
	if failures != 3 {
		t.Errorf("%d failures reported", failures)
	}
}

// TestRetainTriesAFailureAgainSoon: and not when the next turn would be.
func TestRetainTriesAFailureAgainSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{rows: map[string]inbox.Row{}}
		in, err := inbox.New(s, sealer{}, func() time.Time { return noon }, inbox.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		ctx, cancel := context.WithCancel(t.Context())
		begin, failures := time.Now(), 0
		in.Retain(ctx, time.Hour, func(error) {
			if failures++; failures == 3 {
				cancel()
			}
		})
		if took := time.Since(begin); took != 2*time.Minute {
			t.Errorf("the third attempt came after %s", took)
		}
	})
}

// recorder counts what the inbox reports.
type recorder struct {
	mu      sync.Mutex
	figures map[string]int64
}

func (r *recorder) add(name string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures[name] += n
}

func (r *recorder) Stored(rows int)          { r.add("stored", int64(rows)) }
func (r *recorder) Conflict()                { r.add("conflicts", 1) }
func (r *recorder) Refused()                 { r.add("refused", 1) }
func (r *recorder) HandoverFull(rows int)    { r.add("handover full", int64(rows)) }
func (r *recorder) BodiesDropped(rows int64) { r.add("bodies dropped", rows) }

func TestFigures(t *testing.T) {
	t.Parallel()
	r := &recorder{figures: map[string]int64{}}
	b := setup(t, inbox.Options{Metrics: r})
	b.handover.room = 1
	for _, d := range []order.Delivery{delivery("w1", "x"), delivery("w2", "x"), delivery("w2", "x"), delivery("w2", "y")} {
		if _, err := b.inbox.Put(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	b.store.drops = []int64{9}
	if _, err := b.inbox.DropOldBodies(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.inbox.Close()
	if _, err := b.inbox.Put(t.Context(), delivery("w3", "x")); err == nil {
		t.Error("a closed inbox took a delivery")
	}
	want := map[string]int64{"stored": 4, "conflicts": 1, "refused": 1, "handover full": 3, "bodies dropped": 9 + partitionsDropped}
	if diff := cmp.Diff(want, r.figures); diff != "" {
		t.Error(diff)
	}
}
