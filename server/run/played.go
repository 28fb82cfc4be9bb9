package run

import (
	"cmp"
	"context"
	"slices"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/plan"
)

// played is the books of a simulation: people as they are, what sold as history says, and what earlier periods of the
// same simulation left behind in memory. Nothing is ever posted in it.
type played struct {
	Books
	plan  *plan.Plan
	sales []Sale // nil: the stored ones
	from  int64  // where the history begins

	ranks  map[Key][]Rank
	states map[Key][]StatePart
	earned []earning
}

// earning is what somebody earned, and when.
type earning struct {
	at int64
	Earned
}

func newPlayed(books Books, p *plan.Plan, h *History) *played {
	return &played{Books: books, plan: p, sales: h.Sales, from: h.From.UnixMicro(), ranks: map[Key][]Rank{}, states: map[Key][]StatePart{}}
}

// SumsOfSales gives lines: it is told nothing that is summed already.
func (b *played) SumsOfSales(ctx context.Context, program string, s Span, fn func(*Sale) error) error {
	if b.sales == nil {
		return b.Books.SumsOfSales(ctx, program, s, fn)
	}
	return b.LinesOfSales(ctx, program, s, fn)
}

// LinesOfSales gives the history's lines of a span, those of one order together. See Books.
func (b *played) LinesOfSales(ctx context.Context, program string, s Span, fn func(*Sale) error) error {
	if b.sales == nil {
		return b.Books.LinesOfSales(ctx, program, s, fn)
	}
	for i := range b.sales {
		if sale := b.sales[i]; sale.OrderTS >= s.From && sale.OrderTS < s.To {
			if err := fn(&sale); err != nil {
				return err
			}
		}
	}
	return nil
}

// LateSales is nothing: a history is what is known of it now.
func (*played) LateSales(context.Context, string, Late, func(*Sale) error) error { return nil }

// FirstOrders gives the first order of each customer of a span. See Books.
func (b *played) FirstOrders(ctx context.Context, program string, s Span, fn func(FirstOrder) error) error {
	if b.sales == nil {
		return b.Books.FirstOrders(ctx, program, s, fn)
	}
	first := map[string]*Sale{}
	for i := range b.sales {
		sale := &b.sales[i]
		if sale.CustomerID == "" || sale.OrderTS >= s.To || sale.Quantity <= 0 {
			continue
		}
		if have := first[sale.CustomerID]; have == nil || cmp.Or(cmp.Compare(sale.OrderTS, have.OrderTS), cmp.Compare(sale.Source, have.Source)) < 0 {
			first[sale.CustomerID] = sale
		}
	}
	for _, customer := range sorted(first) {
		if err := fn(FirstOrder{customer, first[customer].Source}); err != nil {
			return err
		}
	}
	return nil
}

// EarnedBetween sums what the simulation has paid so far. See Books.
func (b *played) EarnedBetween(_ context.Context, _ string, from, to, _, _ int64, _ string, fn func(Earned) error) error {
	for i := range b.earned {
		if e := &b.earned[i]; e.at >= from && e.at < to {
			if err := fn(e.Earned); err != nil {
				return err
			}
		}
	}
	return nil
}

// RanksOf gives what the simulation left behind, and before its begin what is stored, as far as the plan has these ranks.
func (b *played) RanksOf(ctx context.Context, k Key, fn func(Rank) error) error {
	if list, known := b.ranks[k]; known {
		for i := range list {
			if err := fn(list[i]); err != nil {
				return err
			}
		}
		return nil
	}
	stored, err := b.PeriodOf(ctx, k)
	if err != nil || stored.CommittedRevision == 0 || stored.To.UnixMicro() > b.from {
		return err
	}
	return b.Books.RanksOf(ctx, k, func(r Rank) error {
		for _, name := range []string{r.Rank, r.Title, r.Held, r.MetRank} {
			if _, known := b.plan.Rank(name); !known {
				return nil // The draft has other ranks: it begins without.
			}
		}
		return fn(r)
	})
}

// StatesOf gives what the simulation left behind, and before its begin what is stored.
func (b *played) StatesOf(ctx context.Context, k Key) ([]StatePart, error) {
	if list, known := b.states[k]; known {
		return list, nil
	}
	stored, err := b.PeriodOf(ctx, k)
	if err != nil || stored.CommittedRevision == 0 || stored.To.UnixMicro() > b.from {
		return nil, err
	}
	return b.Books.StatesOf(ctx, k)
}

// Periods is nothing: no period is locked in a simulation.
func (*played) Periods(context.Context, string, string) ([]Period, error) { return nil, nil }

// PostedOf is nothing.
func (*played) PostedOf(context.Context, string, string, func(ledger.Balance, int64) error) error {
	return nil
}

// remember takes over what a period came to.
func (b *played) remember(r *result) error {
	k := Key{r.program, r.period.Kind, r.period.ID}
	if r.ranked {
		list := []Rank{}
		for person := range r.crowd.people.Count {
			if rank := r.rank(person); rank != nil {
				list = append(list, *rank)
			}
		}
		b.ranks[k] = list
	}
	var err error
	if b.states[k], err = r.states(); err != nil {
		return err
	}
	for i := range r.wants {
		if w := &r.wants[i]; w.Key.Kind == ledger.Earning {
			b.earn(r.period.To-1, Earned{w.Key.ComponentID, w.Key.DistributorID, w.Key.Currency, w.AmountMinor})
		}
	}
	return nil
}

func (b *played) earn(at int64, e Earned) { b.earned = append(b.earned, earning{at, e}) }

// sortSales puts a history into the order in which it is read: orders by time, their lines together.
func sortSales(list []Sale) {
	slices.SortStableFunc(list, func(a, b Sale) int { return cmp.Or(cmp.Compare(a.OrderTS, b.OrderTS), cmp.Compare(a.Source, b.Source)) })
}
