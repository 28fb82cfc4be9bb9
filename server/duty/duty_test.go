package duty_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upline.dev/upline/server/duty"
)

// leases are kept as the database keeps them.
type leases struct {
	mu    sync.Mutex
	owner map[string]string
	until map[string]time.Time
	away  map[string]bool // owners whose database cannot be reached
}

func (l *leases) Lease(_ context.Context, name, owner string, lasting time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away[owner] {
		return false, errors.New("the database is away")
	}
	if l.owner[name] != owner && time.Now().Before(l.until[name]) {
		return false, nil
	}
	l.owner[name], l.until[name] = owner, time.Now().Add(lasting)
	return true, nil
}

func (l *leases) Unlease(_ context.Context, name, owner string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner[name] == owner && !l.away[owner] {
		delete(l.owner, name)
		delete(l.until, name)
	}
	return nil
}

func newLeases() *leases {
	return &leases{owner: map[string]string{}, until: map[string]time.Time{}, away: map[string]bool{}}
}

// crew are processes that all want one duty.
type crew struct {
	at     atomic.Int32 // how many work
	most   atomic.Int32
	worked sync.Map // owner -> times it began
}

func (c *crew) work(owner string) func(context.Context) {
	return func(ctx context.Context) {
		n, _ := c.worked.LoadOrStore(owner, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		if at := c.at.Add(1); at > c.most.Load() {
			c.most.Store(at)
		}
		<-ctx.Done()
		c.at.Add(-1)
	}
}

func (c *crew) times(owner string) int32 {
	n, found := c.worked.Load(owner)
	if !found {
		return 0
	}
	return n.(*atomic.Int32).Load()
}

func keeper(l duty.Leases, owner string) *duty.Keeper {
	return &duty.Keeper{Leases: l, Owner: owner, Logger: slog.New(slog.DiscardHandler), Lasting: 30 * time.Second}
}

// TestOneAtATime: of two processes one works; when it stops the other one follows soon, and when its database is cut off it
// lets go before the other one begins.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, c := newLeases(), &crew{}
		first, stopFirst := context.WithCancel(t.Context())
		second, stopSecond := context.WithCancel(t.Context())
		third, stopThird := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { keeper(l, "first").Run(first, "sums", c.work("first")) })
		time.Sleep(time.Second)
		running.Go(func() { keeper(l, "second").Run(second, "sums", c.work("second")) })
		time.Sleep(5 * time.Minute)
		if c.times("first") != 1 || c.times("second") != 0 {
			t.Fatalf("the first began %d times, the second %d; want 1 and 0", c.times("first"), c.times("second"))
		}
		stopFirst()
		time.Sleep(11 * time.Second) // a third of a lease
		if c.times("second") != 1 || c.at.Load() != 1 {
			t.Fatalf("the second has not followed the first: began %d times, %d at work", c.times("second"), c.at.Load())
		}
		running.Go(func() { keeper(l, "third").Run(third, "sums", c.work("third")) })
		l.mu.Lock()
		l.away["second"] = true
		l.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if c.times("third") != 1 || c.most.Load() != 1 {
			t.Errorf("cut off from the database: the third began %d times, %d worked at once; want 1 and 1", c.times("third"), c.most.Load())
		}
		stopSecond()
		stopThird()
		running.Wait()
	})
}

// TestAlone: without leases the work begins at once.
func TestAlone(t *testing.T) {
	t.Parallel()
	done := false
	keeper(nil, "only").Run(t.Context(), "sums", func(context.Context) { done = true })
	if !done {
		t.Error("the work was not done")
	}
}
