package run

import (
	"context"
	"sort"

	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// locks are a kind's periods that are locked, in the order of time: they say what is late, and where it counts.
//
// Under the policy current_period a change of an order whose period was locked without it counts in the period in which
// it was recorded, or in the first one after that which is not locked without it either. The locked period keeps its
// facts.
type locks []Period

// lockedPeriods are the periods of a kind before one.
func lockedPeriods(ctx context.Context, books Books, program string, before period.Period) (locks, error) {
	all, err := books.Periods(ctx, program, before.Kind)
	if err != nil {
		return nil, err
	}
	var list locks
	for i := range all {
		if all[i].locked() && all[i].To.UnixMicro() <= before.From {
			list = append(list, all[i])
		}
	}
	return list, nil
}

// locked tells whether a period's facts are fixed.
func (p *Period) locked() bool {
	return p.State == Locked || p.State == Committing || p.State == Committed || p.State == Paid
}

// at is the locked period in which an instant lies.
func (l locks) at(instant int64) (*Period, bool) {
	i := sort.Search(len(l), func(i int) bool { return l[i].To.UnixMicro() > instant })
	if i == len(l) || l[i].From.UnixMicro() > instant {
		return nil, false
	}
	return &l[i], true
}

// without is the last period that was locked without a change.
func (l locks) without(sequence int64) *Period {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].Pins.SalesSequence < sequence {
			return &l[i]
		}
	}
	return nil
}

// countsIn tells whether a change of an order of an earlier period counts in p.
func (l locks) countsIn(p period.Period, s *Sale) bool {
	natural, locked := l.at(s.OrderTS)
	if !locked || natural.Pins.SalesSequence >= s.Sequence || natural.Late != plan.LateCurrent {
		return false
	}
	if last := l.without(s.Sequence); s.RecordedAt < p.From {
		return last.To.UnixMicro() == p.From
	}
	return s.RecordedAt < p.To
}

// lateSales are the late changes that count in a period.
type lateSales struct {
	known int64 // the sales sequence up to which the periods before have counted
	each  func(fn func(*Sale) error) error
}

// late gives the late changes that count in p, as known up to a sequence.
func (l locks) late(ctx context.Context, books Books, program string, p period.Period, upTo int64) *lateSales {
	if len(l) == 0 {
		return nil
	}
	after, last := upTo, &l[len(l)-1] // where the period before is not locked, nothing passes it by
	if last.To.UnixMicro() == p.From {
		after = last.Pins.SalesSequence
	}
	return &lateSales{known: last.Pins.SalesSequence, each: func(fn func(*Sale) error) error {
		return books.LateSales(ctx, program, Late{Before: p.From, From: p.From, To: p.To, AfterSeq: after, ToSeq: upTo}, func(s *Sale) error {
			if !l.countsIn(p, s) {
				return nil
			}
			return fn(s)
		})
	}}
}
