package period

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// MissingFact is a fact about a person that a rule needs and nobody has given. It never counts as zero, early or inactive.
type MissingFact struct {
	DistributorID genealogy.DistributorID
	What          string // such as "status"
	Mend          string
}

// Error names the person and the mend.
func (e *MissingFact) Error() string {
	return fmt.Sprintf("distributor %s has no %s: %s", e.DistributorID, e.What, e.Mend)
}

func (w *World) noStatus(person int32) error {
	return &MissingFact{w.People.ID(person), "status", "import the person's standing as of the end of the period"}
}

// verdict is the answer to a condition. It is unknown where a missing fact would decide it.
type verdict uint8

const (
	no verdict = iota
	yes
	unknown
)

func verdictOf(met bool) verdict {
	if met {
		return yes
	}
	return no
}

// The kinds of step beside the measures.
const (
	stepAll uint8 = iota
	stepAny
	stepNot
	stepPV
	stepGV
	stepGVShare
	stepPGV
	stepCV
	stepLeg
	stepLegsByVolume
	stepLegsByRank
	stepFrontlineByRank
	stepActiveLegs
	stepCustomers
	stepOrders
	stepRank
	stepTitle
	stepStatus
	stepActive
	stepAutoship
	stepDays
)

// step is one node of a condition, in the order of the document; the nodes below it follow, up to before end.
type step struct {
	kind   uint8
	op     uint8 // a set of signs of comparison that are met
	rank   int8
	flag   bool
	column int32 // stepPGV: which one; stepLeg: the n-th
	end    int32
	value  int64
	more   int64 // the legs' volume, or the share per leg in billionths
	words  []string
}

// The signs of what is had compared with what is needed.
const (
	less    uint8 = 1
	equal   uint8 = 2
	greater uint8 = 4
)

var operators = map[string]uint8{
	plan.AtLeast: equal | greater, plan.Above: greater, plan.AtMost: less | equal, plan.Below: less, plan.Equals: equal,
}

var kindsOf = map[string]uint8{
	plan.MeasurePV: stepPV, plan.MeasureGV: stepGV, plan.MeasurePGV: stepPGV, plan.MeasureCV: stepCV, plan.MeasureLeg: stepLeg,
	plan.MeasureActiveLegs: stepActiveLegs, plan.MeasureCustomers: stepCustomers, plan.MeasureOrders: stepOrders,
	plan.MeasureRank: stepRank, plan.MeasureTitle: stepTitle, plan.MeasureStatus: stepStatus, plan.MeasureActive: stepActive,
	plan.MeasureAutoship: stepAutoship, plan.MeasureDays: stepDays,
}

// compile lists a condition's steps. What the standings did not count cannot be asked for.
func (s *Standings) compile(c *plan.Condition) ([]step, error) { return s.compileInto(nil, c) }

func (s *Standings) compileInto(steps []step, c *plan.Condition) ([]step, error) {
	at := len(steps)
	parts := c.All
	switch {
	case c.Test != nil:
		test, err := s.compileTest(c.Test)
		test.end = int32(at) + 1
		return append(steps, test), err
	case c.Not != nil:
		steps, parts = append(steps, step{kind: stepNot}), []plan.Condition{*c.Not}
	case c.Any != nil:
		steps, parts = append(steps, step{kind: stepAny}), c.Any
	default:
		steps = append(steps, step{kind: stepAll})
	}
	for i := range parts {
		var err error
		if steps, err = s.compileInto(steps, &parts[i]); err != nil {
			return nil, err
		}
	}
	steps[at].end = int32(len(steps))
	return steps, nil
}

func (s *Standings) compileTest(t *plan.Test) (step, error) {
	out := step{
		kind: kindsOf[t.Measure], op: operators[t.Op], rank: int8(t.Rank()), flag: t.Flag, value: t.Value(), words: t.Words,
	}
	switch {
	case t.Measure == plan.MeasureGV && t.LegShare() > 0:
		out.kind, out.more = stepGVShare, t.LegShare()
	case t.Measure == plan.MeasureLegs && t.LegRank == "":
		out.kind, out.more = stepLegsByVolume, t.LegVolumeMicros()
	case t.Measure == plan.MeasureLegs && t.Depth == plan.Frontline:
		out.kind = stepFrontlineByRank
	case t.Measure == plan.MeasureLegs:
		out.kind = stepLegsByRank
	case t.Measure == plan.MeasureLeg:
		out.column = int32(t.N)
	case t.Measure == plan.MeasurePGV:
		out.column = int32(slices.IndexFunc(s.pgv, func(p pgv) bool { return int(p.without) == t.Rank() }))
		if out.column < 0 {
			return out, fmt.Errorf("pgv without rank %d is not summed: the condition is not of this plan", t.Rank())
		}
	case t.Measure == plan.MeasureOrders && s.Orders == nil, t.Measure == plan.MeasureCustomers && s.Customers == nil:
		return out, fmt.Errorf("%s are not counted: the condition is not of this plan", t.Measure)
	}
	return out, nil
}

// view is what conditions may look at for one person after another. Own rank and title are those known so far.
type view struct {
	s           *Standings
	person      int32
	rank, title int8
	open        uint64  // the ranks above rank of which a missing fact leaves open whether they are met, a bit each
	legs        []int64 // the person's leg volumes, strongest first
	legsOf      int32
}

func (v *view) look(person int32, rank, title int8) {
	v.person, v.rank, v.title, v.open = person, rank, title, 0
}

// judge answers the step at i. An unknown part matters only where no other part decides.
func (v *view) judge(steps []step, i int32) verdict {
	switch at := &steps[i]; at.kind {
	case stepAll, stepAny:
		decides, answer := no, yes
		if at.kind == stepAny {
			decides, answer = yes, no
		}
		for j := i + 1; j < at.end; j = steps[j].end {
			part := v.judge(steps, j)
			if part == decides {
				return decides
			}
			if part == unknown {
				answer = unknown
			}
		}
		return answer
	case stepNot:
		switch v.judge(steps, i+1) {
		case yes:
			return no
		case no:
			return yes
		default:
			return unknown
		}
	default:
		return v.test(at)
	}
}

// missing names the fact that leaves the step at i unknown.
func (v *view) missing(steps []step, i int32) error {
	at := &steps[i]
	for j := i + 1; j < at.end; j = steps[j].end {
		if v.judge(steps, j) == unknown {
			return v.missing(steps, j)
		}
	}
	if at.kind == stepDays {
		return &MissingFact{v.s.world.People.ID(v.person), "time of enrolment", "import when the person enrolled"}
	}
	return v.s.world.noStatus(v.person)
}

// test compares one figure.
func (v *view) test(at *step) verdict {
	s, people := v.s, &v.s.world.People
	switch at.kind {
	case stepStatus:
		status := string(people.Status[v.person])
		if status == "" {
			return unknown
		}
		return verdictOf(slices.Contains(at.words, status))
	case stepActive:
		return verdictOf(s.Active[v.person] == at.flag)
	case stepAutoship:
		return verdictOf((people.Autoship != nil && people.Autoship[v.person]) == at.flag)
	case stepDays:
		days, known := v.days()
		if !known {
			return unknown
		}
		return at.compare(days)
	case stepRank, stepTitle:
		for open := v.open; open != 0; open &= open - 1 {
			if at.compare(v.figure(at)) != at.compare(max(v.figure(at), int64(bits.TrailingZeros64(open)))) {
				return unknown
			}
		}
	case stepGVShare:
		return v.withinShares(at)
	}
	return at.compare(v.figure(at))
}

func (t *step) compare(have int64) verdict {
	need := t.value
	if t.kind == stepRank || t.kind == stepTitle {
		need = int64(t.rank)
	}
	return t.accepts(cmp.Compare(have, need))
}

func (t *step) accepts(sign int) verdict { return verdictOf(t.op&(1<<(sign+1)) != 0) }

// figure is what a person has of a measure that is a number and always known.
func (v *view) figure(at *step) int64 {
	s := v.s
	switch at.kind {
	case stepPV:
		return s.PV[v.person]
	case stepGV, stepGVShare:
		return s.GV[v.person]
	case stepPGV:
		return s.pgv[at.column].volume[v.person]
	case stepCV:
		return s.OwnCV[v.person]
	case stepLeg:
		return v.leg(int(at.column))
	case stepActiveLegs:
		return int64(s.Frontier[v.person])
	case stepCustomers:
		return int64(s.Customers[v.person])
	case stepOrders:
		return int64(s.Orders[v.person])
	case stepRank:
		return int64(v.rank)
	case stepTitle:
		return int64(v.title)
	default:
		return v.legsLike(at)
	}
}

// legsLike counts legs by volume or rank.
func (v *view) legsLike(at *step) int64 {
	count := int64(0)
	for _, child := range v.s.children.Of(v.person) {
		switch at.kind {
		case stepLegsByVolume:
			if v.s.GV[child] >= at.more {
				count++
			}
		case stepLegsByRank:
			if v.s.best[child] >= at.rank {
				count++
			}
		case stepFrontlineByRank:
			if v.s.Rank[child] >= at.rank {
				count++
			}
		}
	}
	return count
}

// leg is the volume of the n-th strongest leg, from 1; 0 where there are fewer legs.
func (v *view) leg(n int) int64 {
	children := v.s.children.Of(v.person)
	if n > len(children) {
		return 0
	}
	if v.legsOf != v.person {
		v.legsOf, v.legs = v.person, v.legs[:0]
		for _, child := range children {
			v.legs = append(v.legs, v.s.GV[child])
		}
		slices.SortFunc(v.legs, func(a, b int64) int { return cmp.Compare(b, a) })
	}
	return v.legs[n-1]
}

// withinShares compares the sum of what counts: of each leg, and of the own volume as one more, at most a share of what
// is needed. The limit per leg need not be whole, so it is kept as a fraction until the comparison.
func (v *view) withinShares(at *step) verdict {
	limit := shareOf(at.value, at.more)
	under, over := int64(0), uint64(0)
	for _, child := range v.s.children.Of(v.person) {
		if volume := v.s.GV[child]; volume <= limit {
			under += volume
		} else {
			over++
		}
	}
	if own := v.s.PV[v.person]; own <= limit {
		under += own
	} else {
		over++
	}
	if under >= at.value {
		return at.accepts(cmp.Compare(under, at.value) | cmp.Compare(int64(over), 0))
	}
	// Both sides times a billion: what is still needed, and what the legs over the limit bring.
	needHigh, needLow := bits.Mul64(uint64(at.value)-uint64(under), uint64(money.One))
	haveHigh, haveLow := bits.Mul64(over*uint64(at.more), uint64(at.value))
	return at.accepts(cmp.Or(cmp.Compare(haveHigh, needHigh), cmp.Compare(haveLow, needLow)))
}

// shareOf is a share, in billionths of at most one, of a volume of zero or more, rounded down.
func shareOf(volume, share int64) int64 {
	high, low := bits.Mul64(uint64(volume), uint64(share))
	quotient, _ := bits.Div64(high, low, uint64(money.One))
	return int64(quotient)
}

// days are the whole days of 24 hours from enrolment to the last instant of the period.
func (v *view) days() (int64, bool) {
	const day = 86_400_000_000
	people := &v.s.world.People
	if people.EnrolledAt == nil || people.EnrolledAt[v.person] == Unknown {
		return 0, false
	}
	spent := v.s.world.Period.To - 1 - people.EnrolledAt[v.person]
	if spent < 0 {
		return (spent+1)/day - 1, true
	}
	return spent / day, true
}
