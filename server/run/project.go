package run

import (
	"context"
	"sync"
	"time"
)

// projectionFor is how long a projection is taken as it is though more has sold meanwhile: a screen that many look at
// must not compute a large company over and over.
const projectionFor = 10 * time.Second

// Projections answers "if the period ended now" for many who ask: one computation serves all until something changes.
type Projections struct {
	Service *Service

	mu   sync.Mutex
	kept map[Key]*projection
}

// projection is one answer, or its computation under way.
type projection struct {
	ready chan struct{}
	head  Head
	at    time.Time
	out   *Outcome
	err   error
}

// Projection is what the period of a kind in which now lies comes to, as far as it has gone. Nothing is written.
func (p *Projections) Projection(ctx context.Context, program, kind, periodID string) (*Outcome, error) {
	head, err := p.Service.Books.Head(ctx, program)
	if err != nil {
		return nil, err
	}
	key := Key{program, kind, periodID}
	now := p.Service.Clock()
	p.mu.Lock()
	have := p.kept[key]
	fresh := have != nil && (have.head == head || now.Sub(have.at) < projectionFor)
	if !fresh {
		have = &projection{ready: make(chan struct{}), head: head, at: now}
		if p.kept == nil {
			p.kept = map[Key]*projection{}
		}
		p.kept[key] = have
		go p.compute(key, have) //nolint:gosec // whoever asked first may go: others wait for the same answer
	}
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-have.ready:
	}
	return have.out, have.err
}

// maxProjection bounds one computation: whoever asked first may have gone, and others wait for it.
const maxProjection = 2 * time.Minute

func (p *Projections) compute(key Key, into *projection) {
	ctx, cancel := context.WithTimeout(context.Background(), maxProjection)
	defer cancel()
	into.out, into.err = p.Service.Preview(ctx, key.Program, key.Kind, key.PeriodID, false)
	if into.err != nil { // An error is not kept.
		p.mu.Lock()
		if p.kept[key] == into {
			delete(p.kept, key)
		}
		p.mu.Unlock()
	}
	close(into.ready)
}
