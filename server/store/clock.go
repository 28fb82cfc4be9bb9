package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// clockEvery is how often a process looks at the database's clock. Quartz drifts by less than 100 µs meanwhile.
const clockEvery = 10 * time.Second

// clockPatience is for how long the database may take to tell the time; a slower answer says too little of when it was right.
const clockPatience = 500 * time.Millisecond

// sharedClock tells the time of PostgreSQL's clock, so that leases and due times mean the same to every process, whatever
// its own clock says. Between two looks it goes on by the monotonic clock, which no jump of the wall clock moves.
type sharedClock struct {
	own func() time.Time // with a monotonic reading

	mu   sync.Mutex
	at   time.Time // the process's own clock at the last look
	then time.Time // the database's clock at that moment
}

func (c *sharedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.own()
	if c.then.IsZero() {
		return now
	}
	return c.then.Add(now.Sub(c.at))
}

// look asks the database. The answer was right somewhere between question and answer; half way errs least.
func (c *sharedClock) look(ctx context.Context, db *sqlx.DB) error {
	ctx, cancel := context.WithTimeout(ctx, clockPatience)
	defer cancel()
	before := c.own()
	var micros int64
	if err := db.GetContext(ctx, &micros, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`); err != nil {
		return fmt.Errorf("ask the database for the time: %w", err)
	}
	after := c.own()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.then = before.Add(after.Sub(before)/2), time.UnixMicro(micros)
	return nil
}

// keep looks until stop is called. A database that is away has no say: the clock goes on.
func (c *sharedClock) keep(db *sqlx.DB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(clockEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_ = c.look(ctx, db)
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// Now is the time that all processes on this database agree on: PostgreSQL's, or this process's own where it is alone.
func (s *Store) Now() time.Time {
	if s.clock != nil {
		return s.clock.Now()
	}
	return s.config.Clock()
}

// shareClock makes Now tell the database's time. How far the process's own clock is off is worth a word, as its log and
// its certificates are judged by it.
func (s *Store) shareClock(ctx context.Context) error {
	if s.dialect.name() != "postgres" || !s.config.SharedClock {
		return nil
	}
	clock := &sharedClock{own: time.Now} //nolint:forbidigo // it needs the monotonic reading that a given clock may not have
	if err := clock.look(ctx, s.writer); err != nil {
		return err
	}
	if off := s.config.Clock().Sub(clock.Now()); off.Abs() > clockWorthAWord {
		s.config.Logger.WarnContext(ctx, "this machine's clock differs from the database's; the database's counts",
			"ahead_by", off.Round(time.Millisecond).String(), "mend", "set both by NTP")
	}
	s.clock, s.stopClock = clock, clock.keep(s.writer)
	return nil
}

// clockWorthAWord is a difference of clocks that no network explains.
const clockWorthAWord = 2 * time.Second
