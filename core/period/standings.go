package period

import "upline.dev/upline/core/plan"

// Standings are everybody's volumes, activity and rank in one period, by person; Qualify makes them. Volumes are
// micro-units of QV unless they say CV. They never change, and may be read by many at once.
type Standings struct {
	PV, GV    []int64
	PGV       []int64 // without legs headed by Qualification.BreakawayRank; nil where the plan names none
	OwnCV     []int64 // CV of sales credited to the person: own orders and customers' orders
	Active    []bool
	Frontier  []int32 // active legs: frontline people who are active
	Orders    []int32 // orders credited to the person; nil where the plan does not ask for them
	Customers []int32 // customers who bought; nil where the plan does not ask for them

	Rank    []int8 // paid as, by plan.Rank: Held, or what an override says
	Reached []int8 // the highest rank whose requirement is met in this period, or that is assigned
	Title   []int8 // highest ever paid as, this period included

	// What the next period begins with, as People has it.
	Held    []int8  // rank without overrides, after grace, demotion and requalification
	Missed  []uint8 // periods in a row in which the requirement of the held rank was missed, at most 255
	Met     []uint8 // periods in a row in which a lost rank, above the held one, was met, at most 255
	MetRank []int8  // the lowest rank reached in those periods; 0 where Met is 0

	best     []int8 // highest paid-as rank of the person and everybody below
	pgv      []pgv
	children Children
	world    *World
	plan     *plan.Plan
	rules    rules
}

// pgv is GV without the subtrees of people who are paid as a rank or higher.
type pgv struct {
	without int8
	volume  []int64
}

// PGVWithout is everybody's GV without the subtrees of people paid as a rank or higher; false where the plan nowhere asks
// for it.
func (s *Standings) PGVWithout(rank int) ([]int64, bool) {
	for i := range s.pgv {
		if int(s.pgv[i].without) == rank {
			return s.pgv[i].volume, true
		}
	}
	return nil, false
}

// World is what the standings are of; nil where they were put together by hand.
func (s *Standings) World() *World { return s.world }

// Children is everybody's frontline in the sponsor tree.
func (s *Standings) Children() Children { return s.children }
