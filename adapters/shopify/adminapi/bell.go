package adminapi

import (
	"context"
	"sync"
	"time"
)

// Bell wakes whoever waits for a bulk operation when its end is told by a webhook. It saves time and decides nothing: what
// counts is the state that is asked for then, and who never hears it asks every 20 seconds. The zero value is ready; nil rings
// for nobody. It is safe for concurrent use.
type Bell struct {
	mu      sync.Mutex
	waiting map[string][]chan struct{} // by the operation's global id
}

// Ring tells that an operation has ended, and whether anybody in this process waits for it.
func (b *Bell) Ring(operationID string) (awaited bool) {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, waits := range b.waiting[operationID] {
		select {
		case waits <- struct{}{}:
		default: // It has rung, and nobody has looked yet.
		}
		awaited = true
	}
	return awaited
}

// listen is heard from now on, so that an end between two looks is not missed.
func (b *Bell) listen(operationID string) (rung <-chan struct{}, stop func()) {
	if b == nil {
		return nil, func() {}
	}
	waits := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[string][]chan struct{}{}
	}
	b.waiting[operationID] = append(b.waiting[operationID], waits)
	return waits, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		var others []chan struct{}
		for _, other := range b.waiting[operationID] {
			if other != waits {
				others = append(others, other)
			}
		}
		if b.waiting[operationID] = others; len(others) == 0 {
			delete(b.waiting, operationID)
		}
	}
}

// sleepUntil waits for d, or less where the bell rings.
func (c *Client) sleepUntil(ctx context.Context, d time.Duration, rung <-chan struct{}) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-rung:
			cancel()
		case <-waiting.Done():
		}
	}()
	if err := c.sleep(waiting, d); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}
