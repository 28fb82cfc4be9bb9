package inbox_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upline.dev/upline/server/inbox"
)

const (
	paceOfTests = 2 * time.Millisecond
	commitTime  = 500 * time.Microsecond
)

// TestPace: what several senders send shares commits, and no sender waits for longer than the pace and the commit before it; what one
// sender sends after each answer is written at once.
func TestPace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		senders  int
		between  time.Duration // from one delivery of a sender to its next; 0: as soon as it is answered
		together int           // of 240 deliveries, commits at most
		slowest  time.Duration
	}{
		"alone, one after the other":   {1, 0, 240, commitTime + aloneAtFirst},
		"alone, now and then":          {1, 10 * time.Millisecond, 240, commitTime},
		"four, a delivery each 0.5 ms": {4, 2 * time.Millisecond, 70, paceOfTests + 2*commitTime},
		"many, as fast as they can":    {40, 0, 15, paceOfTests + 2*commitTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				commits, slowest := paced(t, c.senders, 240/c.senders, c.between)
				if commits > c.together || slowest > c.slowest {
					t.Errorf("%d commits, of which %d are allowed; somebody waited %v instead of %v at most", commits, c.together, slowest, c.slowest)
				}
			})
		})
	}
}

// aloneAtFirst is what the first deliveries of a single sender may wait, before it shows that it is alone.
const aloneAtFirst = paceOfTests

// paced counts the commits of so many senders with so many deliveries each, and gives the longest wait of any of them.
func paced(t *testing.T, senders, each int, between time.Duration) (commits int, slowest time.Duration) {
	t.Helper()
	b := setupAt(t, time.Now, inbox.Options{Pace: paceOfTests})
	b.store.put = func([]inbox.Row) error { time.Sleep(commitTime); return nil }
	waits := make([][]time.Duration, senders)
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			time.Sleep(between * time.Duration(s) / time.Duration(senders))
			for i := range each {
				begin := time.Now()
				if _, err := b.inbox.Put(t.Context(), delivery(fmt.Sprintf("%d-%d", s, i), "{}")); err != nil {
					t.Error(err)
				}
				waits[s] = append(waits[s], time.Since(begin))
				time.Sleep(between - time.Since(begin))
			}
		})
	}
	all.Wait()
	return len(b.store.batches), slices.Max(slices.Concat(waits...))
}
