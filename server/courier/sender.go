// Package courier gives engines in other processes word of stored deliveries, through a bus.
//
// Word is an order.normalised event: it points to a delivery and holds nothing of it. The database stays the truth. A delivery whose word
// is lost, late, doubled, forged or unreadable is settled all the same, once: by the sweep of any engine, when it is due.
package courier

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/event"
	"upline.dev/upline/server/inbox"
)

// Reader reads which orders a delivery tells of; *pipeline.Pipeline is one.
type Reader interface {
	Revisions(ctx context.Context, d order.Delivery) ([]order.Revision, error)
}

// Publisher is the side of a bus that a sender needs.
type Publisher interface {
	Publish(ctx context.Context, topic string, batch []bus.Message) error
}

// Metrics receives the courier's figures.
type Metrics interface {
	WordSent(events int)         // the bus has taken them
	WordUnsent(deliveries int)   // left to the sweep: the bus took nothing
	WordTaken(deliveries int)    // told by the bus, and settled or found settled
	WordLeft(deliveries int)     // told by the bus, and left to a sweep that is behind
	WordUnreadable(newer bool)   // one event: of a newer version, or none at all
	WordReturned(deliveries int) // their events come again
}

// Options are a sender's knobs. A zero field takes its default.
type Options struct {
	Rows     int           // deliveries without word at most; default 4096
	Bytes    int64         // their raw bodies; default 64 MB
	Batch    int           // deliveries told of in one publish at most; default 1024, as each publish waits for the broker's disk
	Timeout  time.Duration // of one publish; default 5 s
	DueAfter time.Duration // when the sweep looks for what no word led to; default 10 s
	Pause    time.Duration // after a failed publish no word is sent for so long; default 2 s
}

func (o Options) withDefaults() Options {
	setDefault(&o.Rows, 4096)
	setDefault(&o.Bytes, 64<<20)
	setDefault(&o.Batch, 1024)
	setDefault(&o.Timeout, 5*time.Second)
	setDefault(&o.DueAfter, 10*time.Second)
	setDefault(&o.Pause, 2*time.Second)
	return o
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Sender gives word of what its inbox stores. Where the bus is away or full, deliveries are stored for the sweep instead.
type Sender struct {
	reader  Reader
	bus     Publisher
	clock   func() time.Time
	logger  *slog.Logger
	metrics Metrics
	options Options

	queue chan order.Delivery
	rows  atomic.Int64
	bytes atomic.Int64

	mu        sync.Mutex
	closed    bool
	pauseEnds time.Time // zero: the bus took the last batch
}

var _ inbox.Forwarder = (*Sender)(nil)

// NewSender prepares a sender; Run sets it going. metrics may be nil.
func NewSender(r Reader, b Publisher, clock func() time.Time, logger *slog.Logger, metrics Metrics, options Options) *Sender {
	if metrics == nil {
		metrics = noMetrics{}
	}
	options = options.withDefaults()
	return &Sender{reader: r, bus: b, clock: clock, logger: logger, metrics: metrics, options: options, queue: make(chan order.Delivery, options.Rows)}
}

// DueAfter says when the sweep looks for what no word led to.
func (s *Sender) DueAfter() time.Duration { return s.options.DueAfter }

// Reserve takes room for a delivery; false where no word would be sent soon, so that the delivery is due at once.
func (s *Sender) Reserve(bytes int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.clock().Before(s.pauseEnds) {
		return false
	}
	rows, held := s.rows.Load(), s.bytes.Load()
	if rows >= int64(s.options.Rows) || rows > 0 && held+int64(bytes) > s.options.Bytes {
		return false
	}
	s.rows.Add(1)
	s.bytes.Add(int64(bytes))
	return true
}

// Release gives back the room of a delivery that was not stored.
func (s *Sender) Release(bytes int) {
	s.rows.Add(-1)
	s.bytes.Add(-int64(bytes))
}

// Accept takes a stored delivery that has room.
func (s *Sender) Accept(d order.Delivery) { s.queue <- d }

// Overflowed does nothing: what is stored without room is due, and engines look each second.
func (s *Sender) Overflowed() {}

// Run sends until ctx ends, and then what it still holds, for at most one Timeout. End the inbox first. It reads the next batch while the
// one before is published.
func (s *Sender) Run(ctx context.Context) {
	batches := make(chan word)
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for w := range batches {
			s.publish(context.WithoutCancel(ctx), w)
		}
	})
	for {
		select {
		case first := <-s.queue:
			batches <- s.read(context.WithoutCancel(ctx), s.gather(first))
			continue
		case <-ctx.Done():
		}
		break
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for s.rows.Load() > 0 { // What has room comes, or its room is given back.
		select {
		case first := <-s.queue:
			batches <- s.read(context.WithoutCancel(ctx), s.gather(first))
		case <-time.After(time.Millisecond):
		}
	}
	close(batches)
	publishing.Wait()
}

func (s *Sender) gather(first order.Delivery) []order.Delivery {
	all := []order.Delivery{first}
	for len(all) < s.options.Batch {
		select {
		case d := <-s.queue:
			all = append(all, d)
		default:
			return all
		}
	}
	return all
}

// word is the events of some deliveries.
type word struct {
	deliveries int
	messages   []bus.Message
}

// read makes events, and lets the bodies go. A delivery that is about no order, or cannot be read, has none: it is the sweep's.
func (s *Sender) read(ctx context.Context, all []order.Delivery) word {
	w := word{deliveries: len(all), messages: make([]bus.Message, 0, len(all))}
	for i := range all {
		revisions, err := s.reader.Revisions(ctx, all[i])
		if err == nil {
			var told []bus.Message
			if told, err = messagesOf(&all[i], revisions); err == nil {
				w.messages = append(w.messages, told...)
			}
		}
		if err != nil {
			s.logger.DebugContext(ctx, "a delivery is left to the sweep", "delivery_id", all[i].DeliveryID, "error", err)
		}
		s.Release(len(all[i].Body))
	}
	return w
}

// pointer is the data of an order.normalised event.
type pointer struct {
	DeliveryID string         `json:"delivery_id"`
	StoreID    string         `json:"store_id"`
	Platform   order.Platform `json:"platform"`
	OrderID    string         `json:"order_id"`
	Kind       string         `json:"kind"`
	Version    order.Version  `json:"version"`
}

// messagesOf is one event for each thing that a delivery says of an order.
func messagesOf(d *order.Delivery, revisions []order.Revision) ([]bus.Message, error) {
	messages := make([]bus.Message, len(revisions))
	for i, r := range revisions {
		subject := r.Source.String()
		data, err := json.Marshal(pointer{
			DeliveryID: d.DeliveryID, StoreID: d.StoreID, Platform: d.Platform, OrderID: subject, Kind: string(r.Kind), Version: r.Version,
		})
		if err != nil {
			return nil, fmt.Errorf("write word of delivery %s: %w", d.DeliveryID, err)
		}
		told := event.New(event.Normalised, d.ProgramID, fmt.Sprintf("%s/%d", d.DeliveryID, i), subject, d.ReceivedAt, data)
		body, err := json.Marshal(told)
		if err != nil {
			return nil, fmt.Errorf("write word of delivery %s: %w", d.DeliveryID, err)
		}
		messages[i] = bus.Message{ID: told.ID, Key: d.ProgramID + "/" + subject, Body: body}
	}
	return messages, nil
}

// publish gives a batch to the bus. While it pauses, batches that are under way are left to the sweep too.
func (s *Sender) publish(ctx context.Context, w word) {
	if len(w.messages) == 0 {
		return
	}
	s.mu.Lock()
	paused := s.clock().Before(s.pauseEnds)
	s.mu.Unlock()
	if paused {
		s.metrics.WordUnsent(w.deliveries)
		return
	}
	limited, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	err := s.bus.Publish(limited, event.Normalised, w.messages)
	s.mu.Lock()
	was := s.pauseEnds
	s.pauseEnds = time.Time{}
	if err != nil {
		s.pauseEnds = s.clock().Add(s.options.Pause)
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		s.metrics.WordUnsent(w.deliveries)
		if was.IsZero() {
			s.logger.WarnContext(ctx, "deliveries are found by the engines' sweep until the bus takes word of them", "error", err)
		}
	default:
		s.metrics.WordSent(len(w.messages))
		if !was.IsZero() {
			s.logger.InfoContext(ctx, "the bus takes word of deliveries again")
		}
	}
}

type noMetrics struct{}

func (noMetrics) WordSent(int)        {}
func (noMetrics) WordUnsent(int)      {}
func (noMetrics) WordTaken(int)       {}
func (noMetrics) WordLeft(int)        {}
func (noMetrics) WordUnreadable(bool) {}
func (noMetrics) WordReturned(int)    {}
