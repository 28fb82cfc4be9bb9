package run

import (
	"sync"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// qualify computes everybody's volumes, activity and ranks, and gives the test of conditions that components require.
func (r *result) qualify(w *period.World) (meets func(*plan.Condition, int32) (bool, error), err error) {
	if r.standings, err = period.Qualify(w, r.plan, parallel); err != nil {
		return nil, err
	}
	testers := sync.Pool{New: func() any { return r.standings.Tester() }} // one for each goroutine that asks
	return func(c *plan.Condition, person int32) (bool, error) {
		t := testers.Get().(*period.Tester)
		defer testers.Put(t)
		return t.Meets(c, person)
	}, nil
}

// rank is what is recorded of one person; nil where there is nothing to tell: the lowest rank, no volume and no count.
func (r *result) rank(person int32) *Rank {
	s := r.standings
	if s.Rank[person]|s.Reached[person]|s.Title[person]|s.Held[person]|s.MetRank[person] == 0 && !s.Active[person] &&
		s.Missed[person]|s.Met[person] == 0 && s.PV[person]|s.GV[person] == 0 {
		return nil
	}
	name := func(column []int8) string { return r.plan.Ranks[column[person]] }
	return &Rank{
		DistributorID: r.crowd.snapshot.ID(person), Kind: r.period.Kind, PeriodID: r.period.ID, Rank: name(s.Rank), Reached: name(s.Reached),
		Title: name(s.Title), Held: name(s.Held), MetRank: name(s.MetRank), Active: s.Active[person], Missed: s.Missed[person],
		Met: s.Met[person], PV: money.Volume(s.PV[person]), GV: money.Volume(s.GV[person]),
	}
}
