package store

import (
	"context"
	"slices"
	"sync"
)

// turns lets one transaction write at a time, in the order of asking, but arrivals before all others: a platform waits
// for their answer, while a settlement waits for nobody. An arrival thus waits for one other transaction at most.
type turns struct {
	mu      sync.Mutex
	taken   bool
	waiting [2][]chan struct{} // arrivals, then the rest
}

// take waits for a turn; whoever got one passes it on.
func (t *turns) take(ctx context.Context, arrival bool) error {
	queue := &t.waiting[1]
	if arrival {
		queue = &t.waiting[0]
	}
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	*queue = append(*queue, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	at := slices.Index(*queue, mine)
	if at >= 0 {
		*queue = slices.Delete(*queue, at, at+1)
	}
	t.mu.Unlock()
	if at < 0 { // The turn came at the same moment.
		t.pass()
	}
	return ctx.Err()
}

// pass gives the turn to the next.
func (t *turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, queue := range t.waiting {
		if len(queue) > 0 {
			close(queue[0])
			t.waiting[i] = slices.Delete(queue, 0, 1)
			return
		}
	}
	t.taken = false
}

// arrivalKey marks the context of a write that a platform waits for.
type arrivalKey struct{}

func asArrival(ctx context.Context) context.Context {
	return context.WithValue(ctx, arrivalKey{}, true)
}

func isArrival(ctx context.Context) bool { return ctx.Value(arrivalKey{}) != nil }
