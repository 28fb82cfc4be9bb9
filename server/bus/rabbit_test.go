package bus_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/server/bus"
)

// onRabbit is a topic of RabbitMQ's.
func onRabbit(t *testing.T) (*world, bus.Bus) {
	t.Helper()
	w := &world{t: t, address: rabbitAddress(t), topic: newTopic()}
	return w, w.open(fast())
}

// TestQueuesAreHandledTogether: what several queues hold when a batch has been handled is the next one.
func TestQueuesAreHandledTogether(t *testing.T) {
	t.Parallel()
	w, b := onRabbit(t)
	r := &reader{}
	handling, leave := make(chan struct{}), make(chan struct{})
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		if batch[0].Key == "held" {
			handling <- struct{}{}
			<-leave
		}
		return r.handle(ctx, batch)
	})
	w.publish(b, bus.Message{ID: "held", Key: "held"})
	<-handling
	w.publish(b, numbered(8, 8)...) // in three or four of four partitions
	time.Sleep(200 * time.Millisecond)
	leave <- struct{}{}
	w.soon("all arrive", func() bool { return len(r.ids()) == 9 })
	if r.largest < 6 { // two of each of the other three partitions
		t.Errorf("%d messages at once at most", r.largest)
	}
}

// TestAStuckQueueHoldsUpNoOther: a message that is never handled keeps those of other queues for as long as they are tried together, and
// those that come later not at all.
func TestAStuckQueueHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w, b := onRabbit(t)
	r := &reader{}
	var stuck atomic.Int32
	w.join(b, "a", func(ctx context.Context, batch []bus.Message) error {
		if slices.ContainsFunc(batch, func(m bus.Message) bool { return m.Key == "key 0" }) {
			stuck.Add(1)
			<-ctx.Done()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.handle(ctx, batch)
	})
	w.publish(b, numbered(20, 20)...)
	w.soon("those of other queues arrive", func() bool { return len(r.ids()) >= 10 })
	before := len(r.ids())
	w.publish(b, numbered(20, 20)[1:]...)
	began := time.Now()
	w.soon("later ones arrive", func() bool { return len(r.messages()) >= before+10 })
	if stuck.Load() != 2 { // together with others, and by itself
		t.Errorf("the message was tried %d times in %s", stuck.Load(), time.Since(began))
	}
}
