package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"upline.dev/upline/server/inbox"
)

// lookups joins what several callers ask for at once into one reading of the inbox: word of deliveries comes by partition, and to read
// for each of them costs as much as to read for all.
type lookups struct {
	read func(ctx context.Context, ids []string) ([]inbox.Row, error)

	mu      sync.Mutex
	waiting []*lookup // for the reading under way to end
	reading bool
}

// lookup is what one caller asks for.
type lookup struct {
	ids  []string
	done chan struct{} // closed when rows or err are there
	rows []inbox.Row
	err  error
}

// lookupFor bounds one reading. It has its own time limit and not a caller's: it is for several callers.
const lookupFor = 10 * time.Second

// find gives the rows of the ids. The readings for others that come meanwhile begin when the one under way has ended.
func (l *lookups) find(ctx context.Context, ids []string) ([]inbox.Row, error) {
	own := &lookup{ids: ids, done: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, own)
	begin := !l.reading
	l.reading = true
	l.mu.Unlock()
	if begin {
		go l.run(context.WithoutCancel(ctx))
	}
	select {
	case <-own.done:
		return own.rows, own.err
	case <-ctx.Done():
		return nil, fmt.Errorf("read %d deliveries: %w", len(ids), ctx.Err())
	}
}

func (l *lookups) run(ctx context.Context) {
	for {
		l.mu.Lock()
		together := l.waiting
		l.waiting, l.reading = nil, len(together) > 0
		l.mu.Unlock()
		if len(together) == 0 {
			return
		}
		l.answer(ctx, together)
	}
}

// answer reads for several callers. Two of them may ask for one delivery, which tells of two orders.
func (l *lookups) answer(ctx context.Context, together []*lookup) {
	limited, cancel := context.WithTimeout(ctx, lookupFor)
	defer cancel()
	var ids []string
	for _, one := range together {
		ids = append(ids, one.ids...)
	}
	slices.Sort(ids)
	rows, err := safely(func() ([]inbox.Row, error) { return l.read(limited, slices.Compact(ids)) })
	byID := make(map[string]inbox.Row, len(rows))
	for i := range rows {
		byID[rows[i].DeliveryID] = rows[i]
	}
	for _, one := range together {
		one.err = err
		for _, id := range one.ids {
			if row, found := byID[id]; found {
				one.rows = append(one.rows, row)
			}
		}
		close(one.done)
	}
}
