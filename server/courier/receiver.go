package courier

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/event"
)

// Group is the consumer group of all engines.
const Group = "engine"

// Engine settles stored deliveries; *pipeline.Pipeline is one.
type Engine interface {
	// Take returns nil once none of the deliveries waits for this process. After an error word of them has to come again.
	Take(ctx context.Context, deliveryIDs []string) error
	// Behind reports that its sweep finds more deliveries that are due than it has room for, and goes on until it has found all.
	Behind() bool
}

// leftAfter is the age from which word of a delivery is left to a sweep that is behind: twice what a sender puts deliveries off by, so
// that it is due by everybody's clock.
const leftAfter = 20 * time.Second

// Receiver hands what a bus tells to an engine. Its Handle is a bus.Handler.
type Receiver struct {
	Engine  Engine
	Logger  *slog.Logger
	Clock   func() time.Time
	Metrics Metrics // may be nil

	mu     sync.Mutex
	warned time.Time
}

// warnEvery is how often newer events are told of in the log.
const warnEvery = time.Minute

// Handle settles what a batch tells of. What has waited long while the engine's sweep works through a backlog is left to that: it comes
// there in large claims, and the word of what has just arrived, which stands behind it in line, comes sooner. An event of a newer
// version is passed over, as what it points to is stored and found by the sweep: to hold up those behind it would help nobody. What is
// no event at all is bus.Poison.
func (r *Receiver) Handle(ctx context.Context, batch []bus.Message) error {
	metrics := r.Metrics
	if metrics == nil {
		metrics = noMetrics{}
	}
	ids := make([]string, 0, len(batch))
	behind, left, now := r.Engine.Behind(), 0, r.Clock()
	var unreadable error
	for _, m := range batch {
		id, at, err := deliveryOf(m.Body)
		var newer *event.Newer
		switch {
		case err == nil && behind && !at.IsZero() && now.Sub(at) >= leftAfter:
			left++
		case err == nil:
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		case errors.As(err, &newer):
			metrics.WordUnreadable(true)
			r.warn(ctx, newer)
		default:
			unreadable = err
		}
	}
	if err := r.Engine.Take(ctx, ids); err != nil {
		metrics.WordReturned(len(ids))
		return err
	}
	metrics.WordTaken(len(ids))
	metrics.WordLeft(left)
	if unreadable == nil {
		return nil
	}
	if len(batch) == 1 {
		metrics.WordUnreadable(false)
	}
	return bus.Poison(unreadable)
}

func (r *Receiver) warn(ctx context.Context, newer *event.Newer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.Clock(); now.Sub(r.warned) >= warnEvery {
		r.warned = now
		r.Logger.WarnContext(ctx, "what the bus tells is left to the sweep", "error", newer)
	}
}

// deliveryIDMax bounds an id that a message names. Ours have 36 bytes.
const deliveryIDMax = 100

// deliveryOf reads which delivery an event points to, and when that arrived; the zero time where it does not say.
func deliveryOf(body []byte) (id string, at time.Time, err error) {
	told, err := event.Read(event.Normalised, body)
	if err != nil {
		return "", at, err
	}
	var p pointer
	if err := json.Unmarshal(told.Data, &p); err != nil {
		return "", at, server.Errorf(server.Invalid, "data: %v", err)
	}
	if p.DeliveryID == "" || len(p.DeliveryID) > deliveryIDMax || strings.ContainsFunc(p.DeliveryID, notOfAnID) {
		return "", at, server.Errorf(server.Invalid, "data.delivery_id is no id of ours")
	}
	at, _ = time.Parse(time.RFC3339Nano, told.Time)
	return p.DeliveryID, at, nil
}

// notOfAnID keeps away what a database refuses: the message would come again for ever.
func notOfAnID(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
}
