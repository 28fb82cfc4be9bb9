package pipeline

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// Opener gives back a stored delivery's raw body; *inbox.Inbox is one.
type Opener interface {
	Open(row inbox.Row) ([]byte, error)
}

// Deps are what a pipeline works with. Metrics, Notices, References and OnSettled may be nil.
type Deps struct {
	Inbox    inbox.Store
	Bodies   Opener
	Store    Store
	Adapters map[order.Platform]adapters.Adapter
	Clock    func() time.Time
	Logger   *slog.Logger
	Metrics  Metrics
	// Notices acts on what is about no order; nil: such deliveries are ignored.
	Notices Notices
	// References reads signed references; nil: they name nobody.
	References References
	// OnSettled hears of every batch after its commit, for live screens. It must not block, and nothing may depend on
	// it: a process that dies after the commit never calls it.
	OnSettled func(programID string, settled []Settlement)
}

// References reads what we have signed.
type References interface {
	// Read gives the code of a reference that was made for the program and still counted at an instant; an error for any
	// other text.
	Read(program, text string, at time.Time) (code string, err error)
}

// Notices acts on deliveries about stores and persons. It may be called again for the same delivery, and an error is
// tried again as any other.
type Notices interface {
	// Take acts on a notice and says in one sentence what was done.
	Take(ctx context.Context, d order.Delivery, n *adapters.Notice) (note string, err error)
}

// Options are the pipeline's knobs. A zero field takes its default.
type Options struct {
	Shards      int // batches settled at once; default 2
	Normalisers int // deliveries read at once; default 2
	BatchMax    int // deliveries per transaction at most; default 128: more adds delay, not speed
	// ArrivalBatchMax is BatchMax for deliveries that have just arrived; default BatchMax. A database with one writer
	// makes arrivals wait for the batch before them, so it wants less there.
	ArrivalBatchMax int
	// ArrivalPace is from the beginning of one batch of arrivals to the next one's, where arrivals come faster; default 0: none waits
	// for others. What comes first after a while is settled at once.
	ArrivalPace time.Duration
	// ToldPatience is how long a delivery that Take was told of waits for those that came with the same word; default 0.
	ToldPatience time.Duration

	RoomRows      int           // deliveries in process at most; default 2048
	ClaimRows     int           // of these, claimed ones: what has just arrived stands behind them; default 512
	RoomBytes     int64         // their raw bodies at most; default 32 MB
	Lease         time.Duration // how long a claimed delivery is ours; default 30 s
	PollEvery     time.Duration // between sweeps; default 1 s
	BacklogEvery  time.Duration // between looks at the backlog; default 5 s
	StoreInfoFor  time.Duration // how long a store's settings are taken as read; default 1 s
	MaxAttempts   int           // before a delivery is parked as failed; default 20
	Backoff       Backoff       // between attempts of one delivery; default 1 s to 1 h
	Outage        Backoff       // between looks at a database that is away; default 50 ms to 5 s
	DrainFor      time.Duration // at most, after Run's context has ended; default 10 s
	SingleProcess bool          // nobody else works on this database: leases found at start are of the dead
}

// Metrics receives the pipeline's figures.
type Metrics interface {
	Settled(outcome string)                 // one source: settled, unchanged or parked
	Emitted(sinceArrival time.Duration)     // one delivery, from its arrival to the commit that settled it
	Ended(result string)                    // one delivery: settled, unchanged, ignored, or a reason's code
	Parked(reason string)                   // one source or unreadable delivery
	Retried()                               // one delivery, to come again later
	Batch(deliveries int)                   // one transaction
	Backlog(waiting int64, o time.Duration) // deliveries not ended, and the age of the oldest
}

// Pipeline settles what the inbox holds. It is an inbox.Handover.
type Pipeline struct {
	deps    Deps
	options Options
	room    *room
	intake  chan *item
	shards  []chan *item
	seed    maphash.Seed
	kick    chan struct{} // of one: the sweep is wanted now
	infos   infoCache
	cooling cooling
	rush    rush
	lookups lookups
	behind  atomic.Bool // the last claim left some behind, or may have
	away    outageLog
}

var _ inbox.Handover = (*Pipeline)(nil)

// New prepares a pipeline; Run sets it going.
func New(deps Deps, options Options) (*Pipeline, error) {
	if deps.Inbox == nil || deps.Bodies == nil || deps.Store == nil || deps.Clock == nil || deps.Logger == nil {
		return nil, errors.New("pipeline: Inbox, Bodies, Store, Clock and Logger are needed")
	}
	if deps.Metrics == nil {
		deps.Metrics = noMetrics{}
	}
	if deps.OnSettled == nil {
		deps.OnSettled = func(string, []Settlement) {}
	}
	options = options.withDefaults()
	p := &Pipeline{
		deps: deps, options: options,
		room:   newRoom(options.RoomRows, options.ClaimRows, options.RoomBytes),
		intake: make(chan *item, inProcessMax(options)),
		shards: make([]chan *item, options.Shards),
		seed:   maphash.MakeSeed(),
		kick:   make(chan struct{}, 1),
		infos:  infoCache{byID: map[string]cachedInfo{}},
	}
	p.lookups.read = func(ctx context.Context, ids []string) ([]inbox.Row, error) {
		return deps.Inbox.WaitingDeliveries(ctx, deps.Clock().UTC(), ids)
	}
	for i := range p.shards {
		p.shards[i] = make(chan *item, inProcessMax(options))
	}
	return p, nil
}

// inProcessMax is how many items there can be at once: those with room, and one claim of either kind beyond it. No send
// to a channel of that length can block.
func inProcessMax(o Options) int { return o.RoomRows + 2*claimMax }

func (o Options) withDefaults() Options {
	setDefault(&o.Shards, 2)
	setDefault(&o.Normalisers, 2)
	setDefault(&o.BatchMax, 128)
	setDefault(&o.ArrivalBatchMax, o.BatchMax)
	setDefault(&o.RoomRows, 2048)
	setDefault(&o.ClaimRows, 512)
	setDefault(&o.RoomBytes, 32<<20)
	setDefault(&o.Lease, 30*time.Second)
	setDefault(&o.PollEvery, time.Second)
	setDefault(&o.BacklogEvery, 5*time.Second)
	setDefault(&o.StoreInfoFor, time.Second)
	setDefault(&o.MaxAttempts, 20)
	setDefault(&o.Backoff, Backoff{Min: time.Second, Max: time.Hour})
	setDefault(&o.Outage, Backoff{Min: 50 * time.Millisecond, Max: 5 * time.Second})
	setDefault(&o.DrainFor, 10*time.Second)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Run works until ctx ends, then finishes what is in process, for at most DrainFor. What is left then keeps its lease
// and is taken up by the next process. End the inbox first, so that nothing new comes in.
func (p *Pipeline) Run(ctx context.Context) error {
	if p.options.SingleProcess {
		released, err := p.deps.Inbox.ReleaseLeases(ctx)
		if err != nil {
			return fmt.Errorf("release the leases of the process before: %w", err)
		}
		if released > 0 {
			p.deps.Logger.Info("deliveries of the process before are taken up", "deliveries", released)
		}
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers sync.WaitGroup
	for range p.options.Normalisers {
		workers.Go(func() { p.normalise(work) })
	}
	for _, shard := range p.shards {
		workers.Go(func() { p.settleShard(work, shard) })
	}
	p.sweepUntil(ctx)
	p.room.close()
	p.drain()
	stop()
	workers.Wait()
	return nil
}

// drain waits until nothing is in process.
func (p *Pipeline) drain() {
	deadline := time.NewTimer(p.options.DrainFor)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !p.room.empty() {
		select {
		case <-deadline.C:
			p.deps.Logger.Warn("stopping with deliveries in process; the next process takes them up")
			return
		case <-tick.C:
		}
	}
}

// Reserve takes room for a delivery that is about to be stored.
func (p *Pipeline) Reserve(bytes int) bool {
	p.rush.arrived()
	return p.room.reserve(bytes)
}

// Release gives back the room of a delivery that was not stored.
func (p *Pipeline) Release(bytes int) { p.leave("", &item{bytes: bytes}) }

// Accept takes a stored delivery that has room.
func (p *Pipeline) Accept(d order.Delivery) {
	it := &item{key: d.DeliveryID, row: inbox.Row{Delivery: d}, arrived: true, bytes: len(d.Body), program: d.ProgramID}
	p.admit(it)
}

// Overflowed wakes the sweep for deliveries that were stored without room.
func (p *Pipeline) Overflowed() { p.Kick() }

// Kick makes the sweep look at once, for example after a mapping released parked orders.
func (p *Pipeline) Kick() {
	select {
	case p.kick <- struct{}{}:
	default: // One is wanted already.
	}
}

// admit starts an item that has room; one that is in process already is let go, since that one will end the row.
func (p *Pipeline) admit(it *item) {
	if !p.room.enter(it.key) {
		p.leave("", it)
		it.tell()
		return
	}
	p.intake <- it
}

// leave gives an item's room back, and the key if it holds one.
func (p *Pipeline) leave(key string, it *item) {
	if p.room.leave(key, it.bytes, it.claimed) {
		p.Kick()
	}
}

type noMetrics struct{}

func (noMetrics) Settled(string)               {}
func (noMetrics) Emitted(time.Duration)        {}
func (noMetrics) Ended(string)                 {}
func (noMetrics) Parked(string)                {}
func (noMetrics) Retried()                     {}
func (noMetrics) Batch(int)                    {}
func (noMetrics) Backlog(int64, time.Duration) {}
