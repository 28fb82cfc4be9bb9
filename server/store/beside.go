package store

import (
	"context"
	"sync"
)

// beside is the work that nobody waits for, such as writing down what was summed. Close does wait for it: it would find the
// database closed, or write into a folder that whoever closed the store has removed.
type beside struct {
	mu      sync.Mutex
	closing bool
	reading context.Context // of what only reads, and may be given up; nil before the first
	giveUp  context.CancelFunc
	work    sync.WaitGroup
}

// keep lets f write beside its caller. Close waits for its end, which f bounds.
func (b *beside) keep(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closing {
		b.work.Go(f)
	}
}

// look lets f read beside its caller, with a context that Close ends.
func (b *beside) look(f func(ctx context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing {
		return
	}
	if b.reading == nil {
		b.reading, b.giveUp = context.WithCancel(context.Background())
	}
	ctx := b.reading
	b.work.Go(func() { f(ctx) })
}

// end takes no more work, ends what only reads, and waits for the rest.
func (b *beside) end() {
	b.mu.Lock()
	b.closing = true
	if b.giveUp != nil {
		b.giveUp()
	}
	b.mu.Unlock()
	b.work.Wait()
}
