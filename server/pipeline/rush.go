package pipeline

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	rushRate   = 500 // arrivals a second
	rushWindow = 50 * time.Millisecond
)

// rush tells whether deliveries arrive so fast that each of them would wait for a large batch of settlements.
type rush struct {
	arrivals atomic.Int64 // since the window began
	mu       sync.Mutex
	began    time.Time
	on       bool
}

func (r *rush) arrived() { r.arrivals.Add(1) }

// at judges by the last whole window.
func (r *rush) at(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if elapsed := now.Sub(r.began); elapsed >= rushWindow {
		r.on = time.Duration(r.arrivals.Swap(0))*time.Second/rushRate >= elapsed
		r.began = now
	}
	return r.on
}
