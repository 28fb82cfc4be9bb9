package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

// plainSealer stores bodies as they are.
type plainSealer struct{}

func (plainSealer) Seal(plain, _ []byte) ([]byte, error) { return append([]byte(nil), plain...), nil }

func (plainSealer) Open(sealed, _ []byte) ([]byte, error) { return append([]byte(nil), sealed...), nil }

// running is a pipeline at work on a memory, with the inbox in front.
type running struct {
	*memory
	inbox    *inbox.Inbox
	pipeline *Pipeline
	log      *strings.Builder
	stop     func() // ends the inbox, then the pipeline, and waits
}

// quick are options that wait for nothing.
func quick() Options {
	return Options{
		PollEvery: 2 * time.Millisecond, BacklogEvery: time.Millisecond, Backoff: Backoff{Min: time.Millisecond, Max: 4 * time.Millisecond},
		Outage: Backoff{Min: time.Millisecond, Max: 2 * time.Millisecond}, DrainFor: 10 * time.Second, SingleProcess: true,
	}
}

func start(t *testing.T, m *memory, options Options, deps ...func(*Deps)) *running {
	t.Helper()
	r := &running{memory: m, log: &strings.Builder{}}
	var err error
	if r.inbox, err = inbox.New(m, plainSealer{}, time.Now, inbox.Options{}); err != nil {
		t.Fatal(err)
	}
	d := Deps{
		Inbox: m, Bodies: r.inbox, Store: m, Clock: time.Now,
		Logger:   slog.New(slog.NewTextHandler(&lockedWriter{to: r.log}, nil)),
		Adapters: map[order.Platform]adapters.Adapter{order.Shopify: plainAdapter{}},
	}
	for _, edit := range deps {
		edit(&d)
	}
	if r.pipeline, err = New(d, options); err != nil {
		t.Fatal(err)
	}
	r.inbox.HandTo(r.pipeline)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.pipeline.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			r.inbox.Close()
			cancel()
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) { // a test may be over before it has begun
				t.Error(err)
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

type lockedWriter struct {
	mu sync.Mutex
	to *strings.Builder
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func (r *running) put(t *testing.T, key string, body []byte) string {
	t.Helper()
	result, err := r.inbox.Put(context.Background(), order.Delivery{
		PlatformDeliveryID: key, ProgramID: "p1", StoreID: "s1", Platform: order.Shopify, Topic: "orders/paid", Body: body,
	})
	if err != nil {
		t.Fatal(err)
	}
	return result.DeliveryID
}

// row is a delivery as stored.
func (m *memory) row(id string) inbox.Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.rows[id]
}

// under runs f while nothing else touches the memory.
func (m *memory) under(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// await waits until a condition holds, under the memory's lock.
func (m *memory) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		var met bool
		m.under(func() { met = condition() })
		if met {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
	}
}

func (m *memory) allEnded() bool {
	for _, row := range m.rows {
		if row.Status == inbox.Waiting {
			return false
		}
	}
	return true
}

func TestADeliveryBecomesPostings(t *testing.T) {
	t.Parallel()
	var heard []Settlement
	r := start(t, world(t), quick(), func(d *Deps) {
		d.OnSettled = func(program string, settled []Settlement) {
			if program == "p1" {
				heard = append(heard, settled...)
			}
		}
	})
	id := r.put(t, "w1", body(told(1, sale())))
	r.stop()
	if row := r.row(id); row.Status != inbox.Done || row.Result != "settled" || row.SettledAt.IsZero() {
		t.Errorf("row: %+v", row)
	}
	if diff := cmp.Diff(full, r.earned(sample1)); diff != "" {
		t.Error(diff)
	}
	if len(heard) != 1 || len(heard[0].Postings) != 3 {
		t.Errorf("heard of %+v", heard)
	}
}

func TestDeliveriesEnd(t *testing.T) {
	t.Parallel()
	ignored := order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Ignored, Note: "fulfilments pay nothing"}
	foreign := told(1, sale(func(o *order.Order) { o.Source.StoreID = "s2" }))
	noID := told(1, sale(func(o *order.Order) { o.Source.PlatformOrderID = "" }))
	unmapped := told(1, sale(func(o *order.Order) { o.Source, o.Lines[0].PlatformSKU = orderNo(2), "NEW" }))
	cases := map[string]struct {
		body   []byte
		status inbox.Status
		result string
		reason string
	}{
		"ignored":               {body(ignored), inbox.Done, "ignored", "fulfilments pay nothing"},
		"nothing said":          {body(), inbox.Done, "ignored", ""},
		"not readable":          {[]byte("{"), inbox.Parked, "malformed", "body: "},
		"another store's order": {body(foreign), inbox.Parked, "malformed", `order of store "s2"`},
		"without an id":         {body(noID), inbox.Parked, "invalid_order", "platform_order_id"},
		"not decided":           {body(unmapped), inbox.Parked, "unmapped_sku", "NEW"},
		"a panic":               {[]byte("panic"), inbox.Parked, "failed", "Failed 3 times, the last time with: read delivery"},
		"an error of no kind":   {[]byte("fail"), inbox.Parked, "failed", "failed for no known reason"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := quick()
			options.MaxAttempts = 3
			r := start(t, world(t), options)
			id := r.put(t, "w1", c.body)
			r.await(t, "the end", r.allEnded)
			r.stop()
			row := r.row(id)
			if row.Status != c.status || row.Result != c.result || !strings.Contains(row.Reason, c.reason) {
				t.Errorf("%s %s: %s", row.Status, row.Result, row.Reason)
			}
			if _, touched := r.sources[order.Source{StoreID: "s1"}]; touched {
				t.Error("an order without an id was made")
			}
		})
	}
}

func TestADeliveryMaySpeakOfTwoOrders(t *testing.T) {
	t.Parallel()
	r := start(t, world(t), quick())
	unmapped := told(1, sale(func(o *order.Order) { o.Source, o.Lines[0].PlatformSKU = orderNo(2), "NEW" }))
	r.put(t, "w1", body(told(1, sale()), unmapped))
	r.stop()
	if diff := cmp.Diff(full, r.earned(sample1)); diff != "" || !r.allEnded() {
		t.Error(diff)
	}
	if reason := r.sources[orderNo(2)].reason; reason == nil || reason.Code != ReasonUnmappedSKU {
		t.Errorf("the other order: %+v", reason)
	}
}

func TestUnknownPlatformAndStoreFailInTheEnd(t *testing.T) {
	t.Parallel()
	options := quick()
	options.MaxAttempts = 2
	r := start(t, world(t), options)
	for _, d := range []order.Delivery{
		{PlatformDeliveryID: "1", ProgramID: "p1", StoreID: "s1", Platform: "unheard of"},
		{PlatformDeliveryID: "2", ProgramID: "p1", StoreID: "s9", Platform: order.Shopify},
	} {
		if _, err := r.inbox.Put(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	r.await(t, "the end", r.allEnded)
	for _, row := range r.rows {
		if row.Result != "failed" || row.Attempt != 1 {
			t.Errorf("row: %+v", row)
		}
	}
}

func TestAHundredCopiesInParallelMakeOneSet(t *testing.T) {
	t.Parallel()
	r := start(t, world(t), quick())
	same := body(told(1, sale()))
	var puts sync.WaitGroup
	for i := range 100 {
		// Half of them are the platform's retries with one id, the others come under ids of their own.
		puts.Go(func() { r.put(t, fmt.Sprint("w", max(0, i-50)), same) })
	}
	puts.Wait()
	r.stop()
	if len(r.postings) != 3 || !r.allEnded() || len(r.rows) != 50 {
		t.Errorf("%d postings of %d deliveries", len(r.postings), len(r.rows))
	}
}

// TestBatchesForm while the batch before them is under way: small ones of what has just arrived where that is asked for, large ones
// of a backlog, but not while many arrive.
func TestBatchesForm(t *testing.T) {
	t.Parallel()
	arrives := func(p *Pipeline, d order.Delivery) {
		if p.Reserve(len(d.Body)) {
			p.Accept(d)
		}
	}
	swept := func(p *Pipeline, d order.Delivery) {
		p.room.force(len(d.Body))
		row := inbox.Row{Delivery: d, SealedBody: d.Body}
		row.Body = nil
		p.admit(&item{key: d.DeliveryID, row: row, bytes: len(d.Body), program: d.ProgramID, claimed: true})
	}
	for name, c := range map[string]struct {
		give   func(*Pipeline, order.Delivery)
		rush   bool
		shards int
		want   []int
	}{
		"arrivals, which fall to one shard by their program": {give: arrives, shards: 2, want: []int{1, 10, 10, 5}},
		"a backlog":                 {give: swept, shards: 1, want: []int{1, 20, 5}},
		"a backlog with many after": {give: swept, shards: 1, rush: true, want: []int{1, 10, 10, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := world(t)
			options := quick()
			options.Shards, options.BatchMax, options.ArrivalBatchMax = c.shards, 20, 10
			blocked, leave := make(chan struct{}), make(chan struct{})
			var once sync.Once
			m.strike = func(point string) error {
				if point == "commit" {
					once.Do(func() { close(blocked); <-leave })
				}
				return nil
			}
			r := start(t, m, options, func(d *Deps) { d.Bodies = m })
			if c.rush {
				r.pipeline.rush.on, r.pipeline.rush.began = true, time.Now().Add(time.Hour)
			}
			stored := make(chan struct{})
			go func() {
				// The memory is locked while the first commit hangs, so these go straight to the pipeline.
				defer close(stored)
				<-blocked
				for i := range 25 {
					c.give(r.pipeline, order.Delivery{
						DeliveryID: fmt.Sprint("h", i), ProgramID: "p1", StoreID: "s1", Platform: order.Shopify,
						Body: body(told(1, sale(func(o *order.Order) { o.Source = orderNo(i) }))),
					})
				}
				for waiting(r.pipeline) < 25 {
					time.Sleep(time.Millisecond)
				}
				close(leave)
			}()
			r.put(t, "w1", body(told(1, sale())))
			<-stored
			r.stop()
			if diff := cmp.Diff(c.want, r.batches); diff != "" {
				t.Error(diff)
			}
			if len(r.postings) != 26*3 {
				t.Errorf("%d postings", len(r.postings))
			}
		})
	}
}

// waiting is how many items wait for a worker.
func waiting(p *Pipeline) (n int) {
	for _, shard := range p.shards {
		n += len(shard)
	}
	return n
}

// TestRush: it is on while more than so many arrive a second, by whole windows.
func TestRush(t *testing.T) {
	t.Parallel()
	var r rush
	now := time.Unix(1, 0)
	r.arrived()
	if r.at(now) {
		t.Error("one arrival is a rush")
	}
	for i, arrivals := range []int{24, 25, 100, 0} {
		for range arrivals {
			r.arrived()
		}
		before := r.on
		if r.at(now.Add(rushWindow-1)) != before {
			t.Errorf("window %d is judged before it ends", i)
		}
		now = now.Add(rushWindow)
		if got := r.at(now); got != (arrivals >= 25) {
			t.Errorf("%d arrivals in a window: rush %t", arrivals, got)
		}
	}
}

func TestOnePoisonOrderDoesNotHoldUpItsNeighbours(t *testing.T) {
	t.Parallel()
	m := world(t)
	poison := orderNo(3)
	m.strike = func(point string) error {
		if point == "begin" {
			time.Sleep(2 * time.Millisecond) // So that batches form.
		}
		if point == "settle "+poison.PlatformOrderID {
			return errors.New("a constraint of the database")
		}
		return nil
	}
	options := quick()
	options.MaxAttempts = 4
	r := start(t, m, options)
	ids := make([]string, 20)
	var puts sync.WaitGroup
	for i := range ids {
		puts.Go(func() {
			ids[i] = r.put(t, fmt.Sprint(i), body(told(1, sale(func(o *order.Order) { o.Source = orderNo(i) }))))
		})
	}
	puts.Wait()
	r.await(t, "the end", r.allEnded)
	r.stop()
	for i, id := range ids {
		if attempts := r.row(id).Attempt; i != 3 && attempts != 0 {
			t.Errorf("order %d was put off %d times for its neighbour's sake", i, attempts)
		}
	}
	row := r.row(ids[3])
	if row.Status != inbox.Parked || row.Result != string(ReasonFailed) || !strings.Contains(row.Reason, "Failed 4 times, the last time with: a constraint") {
		t.Errorf("row: %+v", row)
	}
	if len(r.postings) != 19*3 {
		t.Errorf("%d postings", len(r.postings))
	}
}

// slowToReturn comes back from putting off only when the sweep has had the time to claim what was put off.
type slowToReturn struct{ *memory }

func (s slowToReturn) RetryDeliveries(ctx context.Context, retries []inbox.Retry) error {
	err := s.memory.RetryDeliveries(ctx, retries)
	time.Sleep(50 * time.Millisecond)
	return err
}

func TestWhatIsPutOffMayBeClaimedAtOnce(t *testing.T) {
	t.Parallel()
	m := world(t)
	options := quick()
	options.MaxAttempts, options.Lease = 3, time.Hour
	r := start(t, m, options, func(d *Deps) { d.Inbox = slowToReturn{m} })
	id := r.put(t, "w1", []byte("panic"))
	r.await(t, "the end", r.allEnded)
	r.stop()
	if row := r.row(id); row.Status != inbox.Parked || row.Result != string(ReasonFailed) {
		t.Errorf("row: %+v", row)
	}
}

func TestAnOutageParksNothingAndCountsNothing(t *testing.T) {
	t.Parallel()
	m := world(t)
	down := true
	m.strike = func(point string) error {
		if down && point != "put" && point != "put after" {
			return fmt.Errorf("at %s: %w", point, server.Errorf(server.Unavailable, "The database is gone."))
		}
		return nil
	}
	r := start(t, m, quick())
	for i := range 30 {
		r.put(t, fmt.Sprint(i), body(told(1, sale(func(o *order.Order) { o.Source = orderNo(i) }))))
	}
	time.Sleep(30 * time.Millisecond)
	m.under(func() {
		for _, row := range m.rows {
			if row.Status != inbox.Waiting || row.Attempt != 0 {
				t.Errorf("during the outage: %+v", row)
			}
		}
		down = false
	})
	r.await(t, "the end", r.allEnded)
	r.stop()
	if len(r.postings) != 30*3 {
		t.Errorf("%d postings", len(r.postings))
	}
	if n := strings.Count(r.log.String(), "the database is away"); n != 1 {
		t.Errorf("the outage is logged %d times", n)
	}
}

func TestStoppingDuringAnOutageLosesNothing(t *testing.T) {
	t.Parallel()
	m := world(t)
	down := true
	m.strike = func(point string) error {
		if down && point != "put" && point != "put after" {
			return server.Errorf(server.Unavailable, "The database is gone.")
		}
		return nil
	}
	options := quick()
	options.DrainFor = 20 * time.Millisecond
	r := start(t, m, options)
	r.put(t, "w1", body(told(1, sale())))
	r.stop()
	if len(r.postings) != 0 || r.allEnded() {
		t.Fatal("something was settled without a database")
	}
	m.under(func() { down = false })
	next := start(t, m, quick())
	next.await(t, "the end", next.allEnded)
	if diff := cmp.Diff(full, next.earned(sample1)); diff != "" {
		t.Error(diff)
	}
}

func TestTheSweepTakesUpWhatADeadProcessLeft(t *testing.T) {
	t.Parallel()
	for name, single := range map[string]bool{"at once where there is one process": true, "when the lease has run out": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := world(t)
			lease := time.Now().Add(time.Hour)
			if !single {
				lease = time.Now().Add(20 * time.Millisecond)
			}
			m.rows["d1"] = &inbox.Row{
				Delivery:   order.Delivery{DeliveryID: "d1", ProgramID: "p1", StoreID: "s1", Platform: order.Shopify},
				SealedBody: body(told(1, sale())), Status: inbox.Waiting, LeaseUntil: lease,
			}
			m.arrived = []string{"d1"}
			options := quick()
			options.SingleProcess = single
			r := start(t, m, options, func(d *Deps) { d.Bodies = m })
			r.await(t, "the end", r.allEnded)
			if diff := cmp.Diff(full, r.earned(sample1)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatFindsNoRoomIsSweptAtOnce(t *testing.T) {
	t.Parallel()
	options := quick()
	options.PollEvery = time.Hour // Only the overflow wakes the sweep.
	options.RoomRows = 4
	r := start(t, world(t), options)
	var puts sync.WaitGroup
	for i := range 200 {
		puts.Go(func() {
			r.put(t, fmt.Sprint(i), body(told(1, sale(func(o *order.Order) { o.Source = orderNo(i) }))))
		})
	}
	puts.Wait()
	r.await(t, "the end", r.allEnded)
	r.stop()
	if len(r.postings) != 200*3 {
		t.Errorf("%d postings", len(r.postings))
	}
}

// TestClaimsLeaveRoom: a backlog does not fill the room behind which arrivals would stand.
func TestClaimsLeaveRoom(t *testing.T) {
	t.Parallel()
	m := world(t)
	for _, id := range []string{"d1", "d2", "d3", "d4", "d5"} {
		m.rows[id] = &inbox.Row{Delivery: order.Delivery{DeliveryID: id, ProgramID: "p1", StoreID: "s1", Platform: order.Shopify}, Status: inbox.Waiting}
		m.arrived = append(m.arrived, id)
	}
	options := quick()
	options.RoomRows, options.ClaimRows = 10, 2
	p, err := New(Deps{Inbox: m, Bodies: m, Store: m, Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}, options)
	if err != nil {
		t.Fatal(err)
	}
	leased := func(want int) {
		t.Helper()
		n := 0
		for id := range m.rows {
			if !m.row(id).LeaseUntil.IsZero() {
				n++
			}
		}
		if n != want {
			t.Fatalf("%d are claimed, want %d", n, want)
		}
	}
	claim := func() {
		t.Helper()
		if err := p.claim(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	claim()
	leased(2)
	for range 8 {
		if !p.Reserve(1) {
			t.Fatal("arrivals find no room beside claims")
		}
	}
	if p.Reserve(1) {
		t.Fatal("there is more room than there is")
	}
	for range 8 { // It is arrivals that leave: the claims still fill their part.
		p.leave("", &item{bytes: 1})
	}
	claim()
	leased(2)
	p.leave("d1", &item{claimed: true})
	select {
	case <-p.kick:
	default:
		t.Error("the sweep is not woken when half of the claims have left")
	}
	claim()
	leased(3)
}

// TestBehind: while claims do not reach the end of what is due, word of it is left to them; word of what they would not take is not.
func TestBehind(t *testing.T) {
	t.Parallel()
	m := world(t)
	for i, id := range []string{"d1", "d2", "d3"} {
		row := inbox.Row{Delivery: order.Delivery{DeliveryID: id, ProgramID: "p1", StoreID: "s1", Platform: order.Shopify}, Status: inbox.Waiting}
		if i == 2 {
			row.DueAt = time.Now().Add(time.Hour)
		}
		m.rows[id], m.arrived = &row, append(m.arrived, id)
	}
	options := quick()
	options.RoomRows = 1
	p, err := New(Deps{Inbox: m, Bodies: m, Store: m, Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}, options)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(behind bool, claimed ...string) {
		t.Helper()
		if err := p.claim(t.Context()); err != nil || p.Behind() != behind {
			t.Fatalf("behind: %v, want %v; %v", p.Behind(), behind, err)
		}
		for _, id := range claimed {
			if m.row(id).LeaseUntil.IsZero() {
				t.Fatalf("%s is not claimed", id)
			}
			p.room.leave(id, 0, true)
		}
	}
	take := func(ids ...string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // Nothing settles here: whatever is taken stays.
		defer cancel()
		return p.Take(ctx, ids)
	}
	if err := take("d2"); err == nil {
		t.Error("before any claim nothing is left to one")
	}
	p.room.leave("d2", 0, false)
	claim(true, "d1")
	if err := take("d2"); err != nil {
		t.Errorf("what the sweep will claim is taken: %v", err)
	}
	if err := take("d3"); err == nil {
		t.Error("what is not due yet is left to the sweep")
	}
	p.room.leave("d3", 0, false)
	claim(true, "d2")
	claim(false)
}

func TestParkedOrdersAreReleasedWithoutANewDelivery(t *testing.T) {
	t.Parallel()
	options := quick()
	options.PollEvery = time.Hour
	r := start(t, world(t), options)
	id := r.put(t, "w1", body(told(1, sale(func(o *order.Order) { o.Lines[0].PlatformSKU = "NEW" }))))
	r.await(t, "the park", func() bool { return r.rows[id].Status == inbox.Parked })
	r.under(func() {
		r.mapSKUs(t, "TEA", "CUP", "NEW")
		r.release("sku:shopify:NEW")
	})
	r.pipeline.Kick()
	r.await(t, "the release", func() bool { return r.rows[id].Status == inbox.Done })
	r.stop()
	if diff := cmp.Diff(full, r.earned(sample1)); diff != "" || r.row(id).Result != "settled" {
		t.Errorf("%+v %s", r.row(id), diff)
	}
}

func TestAReleasedOrderSeesTheStoresNewSettings(t *testing.T) {
	t.Parallel()
	options := quick()
	options.StoreInfoFor = time.Hour
	r := start(t, world(t), options)
	usd := told(1, sale(func(o *order.Order) { o.Currency = "USD" }))
	id := r.put(t, "w1", body(usd))
	r.await(t, "the park", func() bool { return r.rows[id].Status == inbox.Parked })
	r.under(func() {
		info := r.stores["s1"]
		info.Currency = "USD"
		r.stores["s1"] = info
		r.plans = []PublishedPlan{publish(t, strings.Replace(samplePlan, `"EUR"`, `"shop"`, 1))}
		r.release("currency:s1")
	})
	r.await(t, "the release", func() bool { return r.rows[id].Status == inbox.Done })
}

func TestTheNewestReadingOfAStoreCountsForTheBatch(t *testing.T) {
	t.Parallel()
	reading := func(currency string, read time.Time) *item {
		info := StoreInfo{Store: adapters.Store{StoreID: "s1", Currency: money.Currency(currency)}}
		return &item{store: cachedInfo{info: info, read: read}}
	}
	items := []*item{reading("JPY", placed), reading("USD", arrived), reading("EUR", placed)}
	if got := newBatch("p1", items).stores["s1"].Currency; got != "USD" {
		t.Errorf("the batch takes the store's currency to be %s", got)
	}
}

func TestAReleasedOrderThatFailsCoolsDown(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	m.sources[sample1].released = true
	var tries []time.Time
	m.strike = func(point string) error {
		if point != "commit" {
			return nil
		}
		if tries = append(tries, time.Now()); len(tries) < 3 {
			return errors.New("a constraint of the database")
		}
		return nil
	}
	options := quick()
	options.Backoff = Backoff{Min: 40 * time.Millisecond, Max: time.Second}
	r := start(t, m, options)
	r.await(t, "the end", func() bool { return !m.sources[sample1].released })
	r.stop()
	if len(tries) != 3 || len(m.postings) != 3 {
		t.Fatalf("%d tries, %d postings", len(tries), len(m.postings))
	}
	if first, second := tries[1].Sub(tries[0]), tries[2].Sub(tries[1]); first < 25*time.Millisecond || second < 50*time.Millisecond {
		t.Errorf("tried again after %v and %v", first, second)
	}
	if _, still := r.pipeline.cooling.at[sample1]; still {
		t.Error("it still cools down")
	}
}

func TestGracefulStopFinishesWhatIsInProcess(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.strike = func(point string) error {
		if point == "commit" {
			time.Sleep(time.Millisecond)
		}
		return nil
	}
	options := quick()
	options.BatchMax = 4
	r := start(t, m, options)
	for i := range 100 {
		r.put(t, fmt.Sprint(i), body(told(1, sale(func(o *order.Order) { o.Source = orderNo(i) }))))
	}
	r.stop()
	if !m.allEnded() || len(m.postings) != 300 {
		t.Errorf("%d postings after the stop", len(m.postings))
	}
	if r.pipeline.Reserve(1) {
		t.Error("a stopped pipeline takes on more")
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := New(Deps{}, Options{}); err == nil {
		t.Error("a pipeline without a database was made")
	}
}

// recorder counts what the pipeline reports.
type recorder struct {
	mu      sync.Mutex
	figures map[string]int
	waiting int64
	oldest  time.Duration
}

func (r *recorder) add(name string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.figures[name] += n
}

func (r *recorder) Settled(outcome string)  { r.add(outcome, 1) }
func (r *recorder) Emitted(d time.Duration) { r.add("emitted", int(min(1, max(0, d)))) }
func (r *recorder) Ended(result string)     { r.add("ended "+result, 1) }
func (r *recorder) Parked(reason string)    { r.add("parked "+reason, 1) }
func (r *recorder) Retried()                { r.add("retried", 1) }
func (r *recorder) Batch(deliveries int)    { r.add("in batches", deliveries) }
func (r *recorder) Backlog(waiting int64, oldest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting, r.oldest = max(r.waiting, waiting), max(r.oldest, oldest)
}

func TestFigures(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.rows["due later"] = &inbox.Row{
		Delivery: order.Delivery{DeliveryID: "due later", ReceivedAt: time.Now().Add(-time.Hour)}, Status: inbox.Waiting, DueAt: time.Now().Add(time.Hour),
	}
	figures := &recorder{figures: map[string]int{}}
	options := quick()
	options.MaxAttempts = 2
	r := start(t, m, options, func(d *Deps) { d.Metrics = figures })
	bodies := map[string][]byte{
		"1": body(told(1, sale())), "2": body(told(1, sale())), "3": []byte("{"), "4": body(), "5": []byte("fail"),
		"6": body(told(1, sale(func(o *order.Order) { o.Source, o.Lines[0].PlatformSKU = orderNo(6), "NEW" }))),
	}
	for _, key := range []string{"1", "2", "3", "4", "5", "6"} {
		id := r.put(t, key, bodies[key])
		r.await(t, "the end of "+key, func() bool { return r.rows[id].Status != inbox.Waiting })
	}
	r.stop()
	want := map[string]int{
		"settled": 1, "unchanged": 1, "parked": 1, "emitted": 3, "retried": 1, "in batches": 5,
		"parked malformed": 1, "parked unmapped_sku": 1, "parked failed": 1,
		"ended settled": 1, "ended unchanged": 1, "ended malformed": 1, "ended ignored": 1, "ended failed": 1, "ended unmapped_sku": 1,
	}
	if diff := cmp.Diff(want, figures.figures); diff != "" {
		t.Error(diff)
	}
	if figures.waiting == 0 || figures.oldest < time.Hour {
		t.Errorf("backlog of %d, the oldest waits %v", figures.waiting, figures.oldest)
	}
}

// announcer tells of a notice where the body says so.
type announcer struct{ plainAdapter }

func (announcer) Announce(d order.Delivery) (*adapters.Notice, error) {
	switch string(d.Body) {
	case "notice":
		return &adapters.Notice{Kind: adapters.Uninstalled}, nil
	case "bad notice":
		return nil, &adapters.Malformed{Field: "id", Reason: "the field is missing"}
	}
	return nil, nil //nolint:nilnil // the contract: it is no notice
}

// noticed counts what it is told, and fails the first time.
type noticed struct{ calls atomic.Int32 }

func (n *noticed) Take(_ context.Context, d order.Delivery, notice *adapters.Notice) (string, error) {
	if n.calls.Add(1) == 1 {
		return "", errors.New("away for a moment")
	}
	return string(notice.Kind) + " of " + d.StoreID, nil
}

// TestNotices: what is about no order goes its own way, is tried again where that fails, and ends; what cannot be read
// is parked; orders go on as ever.
func TestNotices(t *testing.T) {
	t.Parallel()
	m := world(t)
	told := &noticed{}
	r := start(t, m, quick(), func(d *Deps) {
		d.Adapters = map[order.Platform]adapters.Adapter{order.Shopify: announcer{}}
		d.Notices = told
	})
	ids := map[string]string{}
	for key, text := range map[string]string{"a": "notice", "b": "bad notice", "c": string(body(toldOnce()))} {
		ids[key] = r.put(t, key, []byte(text))
	}
	r.await(t, "all to end", m.allEnded)
	r.stop()
	for key, want := range map[string]string{"a": "done acted uninstalled of s1", "b": "parked malformed", "c": "done settled"} {
		row := m.row(ids[key])
		if got := string(row.Status) + " " + row.Result + " " + row.Reason; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	if n := told.calls.Load(); n != 2 {
		t.Errorf("asked %d times, want twice", n)
	}
}

func toldOnce() order.Revision { return told(1, sale()) }
