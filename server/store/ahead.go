package store

import (
	"context"
	"errors"
	"sync"

	"upline.dev/upline/server/pipeline"
)

// errAsUsual is for a batch that cannot be settled at once, or is not worth trying.
var errAsUsual = errors.New("to be settled by a transaction that locks and reads")

// ahead is where the chains of programs end, as far as this process knows: a batch of new orders is then written under its number without
// asking for it first. Whether that is still so is decided by the database, which refuses the batch otherwise.
type ahead struct {
	mu       sync.Mutex
	programs map[string]*guess
}

// guess is what is known of one program's chain.
type guess struct {
	end   chainEnd // its sales are those of the last change; 0: not known
	known bool
	under int // settlements of the program that are under way in this process
	lost  int // attempts in vain, less those that succeeded since
	skip  int // so many settlements are not tried
}

// lostMost bounds how long a program is left in peace whose chain others extend: for 2^8 settlements.
const lostMost = 8

// enter begins a settlement, and gives where the chain ends if it is worth a try: not while another one is under way, which will be in front.
func (a *ahead) enter(program string) (end chainEnd, try bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.programs == nil {
		a.programs = make(map[string]*guess)
	}
	g := a.programs[program]
	if g == nil {
		g = &guess{}
		a.programs[program] = g
	}
	g.under++
	if g.under > 1 || !g.known {
		return chainEnd{}, false
	}
	if g.skip > 0 {
		g.skip--
		return chainEnd{}, false
	}
	return g.end, true
}

func (a *ahead) leave(program string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.programs[program].under--
}

// learn takes over where a committed batch has left the chain.
func (a *ahead) learn(program string, end chainEnd) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.programs[program]
	if g.known && end.last.Sequence < g.end.last.Sequence {
		return // one that committed later was faster to tell
	}
	if end.sales == 0 {
		end.sales = g.end.sales
	}
	g.end, g.known = end, true
}

// tried takes over how an attempt ended. One in vain costs a batch its time, so that the more there were, the rarer they become.
func (a *ahead) tried(program string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.programs[program]
	if err == nil {
		g.lost = max(g.lost-1, 0)
		return
	}
	g.lost = min(g.lost+1, lostMost)
	g.skip = 1 << g.lost
	g.known = g.known && errors.Is(err, errAsUsual)
}

// settleAtOnce settles a batch of orders that have no row yet by two exchanges: one reads, without any lock, and one writes all there is.
// Either is a transaction of its own. The second is refused where an order was written meanwhile, or the chain extended.
func (s *Store) settleAtOnce(ctx context.Context, program string, about pipeline.Subject, end chainEnd, f func(pipeline.Books) error) (chainEnd, error) {
	b := &books{store: s, program: program, about: about, apart: true, atOnce: true}
	if err := b.load(ctx); err != nil {
		return end, err
	}
	for _, r := range b.records {
		if r.exists {
			return end, errAsUsual
		}
	}
	if err := f(b); err != nil {
		return end, err
	}
	w := b.batch
	if w == nil || w.parked || w.count == 0 || w.orders.len() == 0 || len(w.sales) > 0 && end.sales == 0 {
		return end, errAsUsual
	}
	if len(w.sales) > 0 {
		end.sales++
	}
	next, steps, err := w.sealing(end)
	if err != nil {
		return end, err
	}
	guard := goesOn{end: end, sold: len(w.sales) > 0, orders: w.orders.len()}
	p := s.dialect.(*postgres)
	if err := p.writeAtOnce(ctx, program, guard, w.steps(), steps); err != nil {
		return end, err
	}
	if planned := p.once.planned(ctx, guard.orders); planned != nil && ctx.Err() == nil {
		s.config.Logger.WarnContext(ctx, "statements could not be planned anew", "error", planned)
	}
	return next, nil
}
