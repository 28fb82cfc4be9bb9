package inbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// Options are the inbox's knobs. A zero field takes its default.
type Options struct {
	BatchRows     int           // rows per commit at most; default 256, beyond which latency grows and speed does not
	BatchBytes    int           // sealed bytes per commit at most; default 8 MB
	QueueRows     int           // rows waiting for their commit at most; default 1024
	QueueBytes    int64         // sealed bytes waiting at most; default 64 MB
	CommitTimeout time.Duration // one commit at most; default 15 s, after which the platform is told to send again
	Lease         time.Duration // how long handed-over rows are left alone by the sweep; default 30 s
	KeepBodies    time.Duration // bodies are dropped after this; default 30 days; hashes stay for ever
	Pace          time.Duration // from the beginning of one commit to the next where several senders send; 0: none waits for others
	FastPacking   bool          // bodies are packed by s2 instead of zstd: a fifth of the time, a third more bytes
	Metrics       Metrics       // may be nil
	Memory        Memory        // may be nil: repeats are found when they are written
}

// Metrics receives the inbox's figures.
type Metrics interface {
	Stored(rows int)          // one commit of so many rows
	Conflict()                // a duplicate with another body than the first
	Refused()                 // no room: the platform was told to send again
	HandoverFull(rows int)    // stored without room in process: left to the sweep
	BodiesDropped(rows int64) // by retention
}

// Inbox makes deliveries durable. Put may be called from any number of goroutines.
type Inbox struct {
	store    Store
	clock    func() time.Time
	options  Options
	bodies   *bodies
	handover atomic.Pointer[Handover]

	queue       chan *pending
	queuedBytes atomic.Int64
	closing     sync.RWMutex // held for reading while a Put enters the queue
	closed      bool
	written     chan struct{} // closed when the writer has ended
	marks       chan []string // keys for the memory; nil without one
	marked      chan struct{} // closed when all have been marked
}

// pending is one Put waiting for its commit.
type pending struct {
	row      Row           // Body is kept for the hand-over; the store reads SealedBody
	reserved bool          // room for it is taken in process
	answer   chan putReply // buffered: the writer never waits for a caller that left
}

type putReply struct {
	result PutResult
	err    error
}

// New starts the inbox's one writer; Close ends it.
func New(store Store, sealer Sealer, clock func() time.Time, options Options) (*Inbox, error) {
	bodies, err := newBodies(sealer, options.FastPacking)
	if err != nil {
		return nil, err
	}
	in := &Inbox{
		store:   store,
		clock:   clock,
		options: options.withDefaults(),
		bodies:  bodies,
		written: make(chan struct{}),
	}
	in.queue = make(chan *pending, in.options.QueueRows)
	if in.options.Memory != nil {
		in.marks, in.marked = make(chan []string, marksWaiting), make(chan struct{})
		go in.mark()
	}
	go in.write()
	return in, nil
}

func (o Options) withDefaults() Options {
	setDefault(&o.BatchRows, 256)
	setDefault(&o.BatchBytes, 8<<20)
	setDefault(&o.QueueRows, 1024)
	setDefault(&o.QueueBytes, 64<<20)
	setDefault(&o.CommitTimeout, 15*time.Second)
	setDefault(&o.Lease, 30*time.Second)
	setDefault(&o.KeepBodies, 30*24*time.Hour)
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// HandTo names who takes deliveries over after their commit. Without one, everything waits for the sweep.
func (in *Inbox) HandTo(h Handover) { in.handover.Store(&h) }

// Put stores one delivery and returns once it is on disk; only then may a platform be told so. DeliveryID is made here,
// ReceivedAt too where it is zero. The inbox keeps d.Body: the caller must not change it afterwards, unless there is a result that says
// that it is not kept.
//
// server.Unavailable means that nothing is stored and the platform should send again. Where ctx ends first the delivery
// may still be stored, which does no harm: its repeat is then a duplicate.
func (in *Inbox) Put(ctx context.Context, d order.Delivery) (PutResult, error) {
	hash := sha256.Sum256(d.Body)
	if first, repeated := in.repeated(ctx, &d, hash); repeated {
		return PutResult{DeliveryID: first, Duplicate: true}, nil
	}
	p, err := in.prepare(d, hash)
	if err != nil {
		return PutResult{}, err
	}
	if err := in.enqueue(p); err != nil {
		in.options.Metrics.Refused()
		return PutResult{}, err
	}
	select {
	case reply := <-p.answer:
		return reply.result, reply.err
	case <-ctx.Done():
		return PutResult{}, fmt.Errorf("wait for the commit of delivery %s: %w", p.row.DeliveryID, ctx.Err())
	}
}

// prepare does all the work that needs no database in the caller's goroutine, so that the writer only writes.
func (in *Inbox) prepare(d order.Delivery, hash [32]byte) (*pending, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make a delivery id: %w", err)
	}
	d.DeliveryID = id.String()
	if d.ReceivedAt.IsZero() {
		d.ReceivedAt = in.clock().UTC()
	}
	sealed, err := in.bodies.seal(d.DeliveryID, d.Body)
	if err != nil {
		return nil, err
	}
	return &pending{
		row: Row{
			Delivery:   d,
			SealedBody: sealed,
			BodySHA256: hash,
			BodyBytes:  len(d.Body),
			Status:     Waiting,
			DueAt:      d.ReceivedAt,
		},
		answer: make(chan putReply, 1),
	}, nil
}

// enqueue never blocks: a full queue is the platform's cue to send again later.
func (in *Inbox) enqueue(p *pending) error {
	in.closing.RLock()
	defer in.closing.RUnlock()
	if in.closed {
		return server.Errorf(server.Unavailable, "The server is shutting down. Please send again.")
	}
	size := int64(len(p.row.SealedBody))
	if in.queuedBytes.Add(size) > in.options.QueueBytes {
		in.queuedBytes.Add(-size)
		return errFull
	}
	select {
	case in.queue <- p:
		return nil
	default:
		in.queuedBytes.Add(-size)
		return errFull
	}
}

var errFull = server.Errorf(server.Unavailable, "Too many deliveries at once. Please send again.")

// Open gives back a row's raw body, and checks it against its hash. Retention may have dropped it: server.NotFound.
func (in *Inbox) Open(row Row) ([]byte, error) {
	if row.SealedBody == nil {
		return nil, server.Errorf(server.NotFound, "The body of delivery %s is no longer kept.", row.DeliveryID)
	}
	raw, err := in.bodies.open(row.DeliveryID, row.SealedBody)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(raw) != row.BodySHA256 {
		return nil, fmt.Errorf("body of delivery %s: %w", row.DeliveryID, ErrBodyChanged)
	}
	return raw, nil
}

// ErrBodyChanged means that a stored body is not the one its hash was made of.
var ErrBodyChanged = errors.New("the stored body does not match its hash")

// Close refuses new deliveries, waits until every accepted one is stored or refused, and ends the writer.
func (in *Inbox) Close() {
	in.closing.Lock()
	if !in.closed {
		in.closed = true
		close(in.queue)
	}
	in.closing.Unlock()
	<-in.written
	if in.marks != nil {
		<-in.marked
	}
}

type noMetrics struct{}

func (noMetrics) Stored(int)          {}
func (noMetrics) Conflict()           {}
func (noMetrics) Refused()            {}
func (noMetrics) HandoverFull(int)    {}
func (noMetrics) BodiesDropped(int64) {}
