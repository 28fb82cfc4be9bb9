package pipeline

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"upline.dev/upline/core/order"
)

// Backoff doubles from Min to Max.
type Backoff struct{ Min, Max time.Duration }

// after is the delay before the attempt that follows n failed ones, n from 1. Up to a quarter is left to chance, so
// that what failed together does not come back together.
func (b Backoff) after(n int) time.Duration {
	delay := b.Min
	for ; n > 1 && delay < b.Max; n-- {
		delay *= 2
	}
	delay = min(delay, b.Max)
	return delay - rand.N(delay/4+1) //nolint:gosec // Nobody gains by guessing when an attempt is made.
}

// persist runs f until the database answers, whatever the answer. What is in process stays so: its rows stay leased,
// and room that is not given back keeps more from being taken on. It returns f's error, or ctx's where that ends first.
func (p *Pipeline) persist(ctx context.Context, f func() error) error {
	for attempt := 1; ; attempt++ {
		err := f()
		if v, _ := outcome(err); v != later {
			if attempt > 1 { // What never asked the database cannot tell that it is back.
				p.away.over(p.deps.Logger)
			}
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.away.began(p.deps.Logger, err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(p.options.Outage.after(attempt)):
		}
	}
}

// outageLog says once that the database is away and once that it is back, however many workers meet it.
type outageLog struct {
	mu sync.Mutex
	on bool
}

func (o *outageLog) began(log *slog.Logger, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.on {
		o.on = true
		log.Warn("the database is away; deliveries wait", "error", err)
	}
}

func (o *outageLog) over(log *slog.Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.on {
		o.on = false
		log.Info("the database is back")
	}
}

// cooling keeps released sources that failed from being tried at every sweep: they have no delivery whose row could
// hold the time of the next attempt.
type cooling struct {
	mu sync.Mutex
	at map[order.Source]coolingSource
}

type coolingSource struct {
	attempts int
	due      time.Time
}

func (c *cooling) failed(source order.Source, now time.Time, backoff Backoff) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at = map[order.Source]coolingSource{}
	}
	s := c.at[source]
	s.attempts++
	s.due = now.Add(backoff.after(s.attempts))
	c.at[source] = s
}

func (c *cooling) isDue(source order.Source, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !now.Before(c.at[source].due)
}

func (c *cooling) done(source order.Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.at, source)
}
