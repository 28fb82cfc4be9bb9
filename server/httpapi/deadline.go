package httpapi

import (
	"context"
	"sync/atomic"
	"time"
)

// ackTimeout is how long a delivery may take to reach the disk. Shopify hangs up after 5 s; an answer before that
// tells it to send again, and a copy stored after all is a duplicate, which harms nothing.
const ackTimeout = 4500 * time.Millisecond

// deadlineStep is how much sooner than ackTimeout a delivery may be given up.
const deadlineStep = 100 * time.Millisecond

// deadlines gives deliveries that come within one deadlineStep the same context: a timer for each costs as much as half of its signature.
// It does not end with the request: what was read and is genuine is stored, whether its sender waits or not.
type deadlines struct {
	current atomic.Pointer[deadline]
}

type deadline struct {
	ctx context.Context //nolint:containedctx // many requests share it, which is all that this is for
}

// ack gives the context of a delivery that comes now.
func (d *deadlines) ack() context.Context {
	if now := d.current.Load(); now != nil {
		return now.ctx
	}
	ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
	context.AfterFunc(ctx, cancel) // when its time is over, whoever still waits
	fresh := &deadline{ctx: ctx}
	if !d.current.CompareAndSwap(nil, fresh) {
		cancel()
		return d.ack()
	}
	time.AfterFunc(deadlineStep, func() { d.current.CompareAndSwap(fresh, nil) })
	return ctx
}
