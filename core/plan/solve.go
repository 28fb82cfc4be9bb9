package plan

import (
	"slices"
)

// Conditions are questions about a few figures of one person. To find out whether one can ever hold, it is written as
// alternatives, each of which confines every figure to a range; what is known of all people (own volume is part of group
// volume, the second leg is no stronger than the first) then narrows the ranges until one is empty, or nothing changes.
// An alternative that stays possible may still be impossible for a reason not known here, so "never" and "always" are
// certain, and silence is not.

// most is above every figure; volumes and counts are never below zero.
const most = int64(1) << 62

// figure is one quantity that conditions speak of.
type figure struct {
	measure string
	n       int    // MeasureLeg: which leg; MeasureLegs by rank and MeasurePGV: the rank
	volume  int64  // MeasureLegs by volume: the bound of a leg
	detail  string // MeasureLegs by rank: Anywhere or Frontline; MeasureGV: the share per leg
}

// confined is a figure that lies from lo to hi.
type confined struct {
	figure
	lo, hi int64
}

// box is one alternative: every figure it does not name is free.
type box []confined

// maxCases bounds the alternatives of a condition; nobody can read more, and what needs more is left unjudged.
const maxCases = 512

// solver knows what the figures of one plan mean.
type solver struct {
	plan *Plan
	work *int // pairs of figures that may still be compared
}

// maxWork bounds what is compared for one plan, in pairs of figures: some seconds at most. What is left over is left
// unjudged.
const maxWork = 50_000_000

func newSolver(p *Plan) solver {
	work := maxWork
	return solver{p, &work}
}

// cases writes a condition, or its opposite, as alternatives; false where there are too many.
func (s solver) cases(c *Condition, holds bool) ([]box, bool) {
	switch {
	case c.Test != nil:
		return s.testCases(c.Test, holds)
	case c.Not != nil:
		return s.cases(c.Not, !holds)
	case c.Any != nil:
		return s.join(c.Any, holds, !holds)
	default:
		return s.join(c.All, holds, holds)
	}
}

// join puts the parts of all or any together: every part must have its way, or one of them.
func (s solver) join(parts []Condition, holds, every bool) ([]box, bool) {
	var out []box
	if every {
		out = []box{nil}
	}
	for i := range parts {
		more, ok := s.cases(&parts[i], holds)
		if !ok {
			return nil, false
		}
		if every {
			out = product(out, more)
		} else {
			out = append(out, more...)
		}
		if len(out) > maxCases {
			return nil, false
		}
	}
	return out, true
}

// product is every alternative of the one with every alternative of the other.
func product(left, right []box) []box {
	out := make([]box, 0, len(left)*len(right))
	for _, a := range left {
		for _, b := range right {
			out = append(out, append(slices.Clone(a), b...))
		}
	}
	return out
}

func (s solver) testCases(t *Test, holds bool) ([]box, bool) {
	switch t.Measure {
	case MeasureActive:
		return s.cases(s.plan.active(), t.Flag == holds)
	case MeasureAutoship:
		return flagCase(figure{measure: MeasureAutoship}, t.Flag == holds), true
	case MeasureStatus:
		return statusCases(t, holds), true
	}
	if t.MaxLegShare != "" {
		limited := figure{measure: MeasureGV, volume: t.number, detail: t.MaxLegShare}
		return flagCase(limited, holds), true
	}
	value := t.number
	if t.Measure == MeasureRank || t.Measure == MeasureTitle {
		value = int64(t.rank)
	}
	return rangeCases(t.figure(), t.Op, value, holds), true
}

// active is what makes a person active, written out: a status that may earn, and the plan's condition.
func (p *Plan) active() *Condition {
	all := []Condition{p.mayEarn()}
	if p.Qualification.Active != nil {
		all = append(all, *p.Qualification.Active)
	}
	return &Condition{All: all}
}

// mayEarn is having a status that may earn.
func (p *Plan) mayEarn() Condition {
	return Condition{Test: &Test{Measure: MeasureStatus, Words: p.Eligible.Statuses}}
}

// figure is what a comparing test looks at.
func (t *Test) figure() figure {
	f := figure{measure: t.Measure}
	switch t.Measure {
	case MeasureLeg:
		f.n = t.N
	case MeasurePGV:
		f.n = t.rank
	case MeasureLegs:
		f.n, f.volume = t.rank, t.legVolume
		if t.LegRank != "" {
			f.detail = t.Depth
		}
	}
	return f
}

func flagCase(f figure, set bool) []box {
	if set {
		return []box{{{f, 1, 1}}}
	}
	return []box{{{f, 0, 0}}}
}

// statusCases has a figure per status: exactly one of them is 1.
func statusCases(t *Test, holds bool) []box {
	var out []box
	for _, status := range statusNames {
		if slices.Contains(t.Words, status) == holds {
			out = append(out, box{{figure{measure: MeasureStatus}, statusNumber(status), statusNumber(status)}})
		}
	}
	return out
}

func statusNumber(status string) int64 { return int64(slices.Index(statusNames, status)) }

func rangeCases(f figure, op string, value int64, holds bool) []box {
	if !holds {
		switch op {
		case AtLeast:
			op = Below
		case Above:
			op = AtMost
		case AtMost:
			op = Above
		case Below:
			op = AtLeast
		default:
			return []box{{{f, 0, value - 1}}, {{f, value + 1, most}}}
		}
	}
	switch op {
	case AtLeast:
		return []box{{{f, value, most}}}
	case Above:
		return []box{{{f, value + 1, most}}}
	case AtMost:
		return []box{{{f, 0, value}}}
	case Below:
		return []box{{{f, 0, value - 1}}}
	default:
		return []box{{{f, value, value}}}
	}
}

// possible gives the alternatives that are not ruled out, each with its ranges narrowed.
func (s solver) possible(alternatives []box) []box {
	var out []box
	for _, b := range alternatives {
		if narrowed, ok := s.narrow(b); ok {
			out = append(out, narrowed)
		}
	}
	return out
}

// never tells whether a condition cannot hold, and always whether it cannot fail.
func (s solver) never(c *Condition) bool  { return s.impossible(c, true) }
func (s solver) always(c *Condition) bool { return s.impossible(c, false) }

func (s solver) impossible(c *Condition, holds bool) bool {
	alternatives, ok := s.cases(c, holds)
	return ok && len(s.possible(alternatives)) == 0
}

// implies tells whether whoever meets a meets b as well.
func (s solver) implies(a, b *Condition) bool {
	left, okLeft := s.cases(a, true)
	right, okRight := s.cases(b, false)
	if !okLeft || !okRight || len(left)*len(right) > maxCases {
		return false
	}
	return len(s.possible(product(left, right))) == 0
}

// narrow intersects what is said of the same figure and applies what is known of all people.
func (s solver) narrow(given box) (box, bool) {
	if *s.work -= len(given) * len(given); *s.work < 0 {
		return given, true // Nobody knows.
	}
	b := make(box, 0, len(given)+4)
	for _, c := range given {
		b[b.find(c.figure)].meet(c.lo, c.hi)
	}
	s.cap(&b)
	for changed := true; changed; {
		changed = false
		*s.work -= len(b) * len(b)
		for i := range b {
			for j := range b {
				changed = relate(&b[i], &b[j]) || changed
			}
		}
		for i := range b {
			if b[i].lo > b[i].hi {
				return nil, false
			}
		}
	}
	return b, true
}

// find gives the place of a figure, which is added if it is not there.
func (b *box) find(f figure) int {
	for i := range *b {
		if (*b)[i].figure == f {
			return i
		}
	}
	*b = append(*b, confined{f, 0, most})
	return len(*b) - 1
}

// meet narrows to what lies from lo to hi as well.
func (c *confined) meet(lo, hi int64) bool {
	before := *c
	c.lo, c.hi = max(c.lo, lo), min(c.hi, hi)
	return *c != before
}

// cap ends the ranges of what cannot grow without end, and brings in the figures that tie others together.
func (s solver) cap(b *box) {
	for i := range *b {
		c := &(*b)[i]
		switch {
		case c.measure == MeasureRank || c.measure == MeasureTitle:
			c.meet(0, int64(len(s.plan.Ranks)-1))
		case c.measure == MeasureAutoship || c.detail != "" && c.measure == MeasureGV:
			c.meet(0, 1)
		case c.measure == MeasureStatus:
			c.meet(0, int64(len(statusNames)-1))
		}
	}
	b.find(figure{measure: MeasureGV})
}

// relate applies what two figures of the same person have to do with each other.
func relate(a, b *confined) bool {
	switch {
	case a.measure == MeasureLegs && b.measure == MeasureLeg && byVolume(a):
		return legsAndLeg(a, b)
	case a.measure == MeasureLegs && b.figure == (figure{measure: MeasureGV}) && byVolume(a) && a.lo > 0 && a.lo < most/max(a.volume, 1):
		return b.meet(a.lo*a.volume, most)
	case a.measure == MeasureGV && a.detail != "" && b.figure == (figure{measure: MeasureGV}):
		return limitedVolume(a, b)
	case a.measure == MeasureLeg && b.figure == (figure{measure: MeasureGV}) && a.lo < most/int64(a.n):
		return b.meet(int64(a.n)*a.lo, most) || a.meet(0, b.hi/int64(a.n))
	case noMore(a, b):
		return a.meet(0, b.hi) || b.meet(a.lo, most)
	}
	return false
}

func byVolume(c *confined) bool { return c.detail == "" }

// noMore tells whether figure a is never above figure b.
func noMore(a, b *confined) bool {
	gv := figure{measure: MeasureGV}
	switch {
	case a.measure == MeasurePV:
		return b.figure == gv || b.measure == MeasurePGV
	case a.measure == MeasurePGV:
		return b.figure == gv
	case a.measure == MeasureLeg:
		return b.measure == MeasureLeg && a.n > b.n
	case a.measure == MeasureLegs && b.measure == MeasureLegs && byVolume(a) && byVolume(b):
		return a.volume > b.volume
	case a.measure == MeasureLegs && b.measure == MeasureLegs && !byVolume(a) && !byVolume(b):
		return a.figure != b.figure && a.n >= b.n && (a.detail == b.detail || a.detail == Frontline)
	case a.measure == MeasureRank:
		return b.measure == MeasureTitle
	case a.measure == MeasureCustomers:
		return b.measure == MeasureOrders
	}
	return false
}

// legsAndLeg: k legs of at least x mean that the k-th strongest has at least x, and the other way round. A leg that is
// not there counts as one without volume, so that this holds above 0 only.
func legsAndLeg(legs, leg *confined) bool {
	if legs.volume == 0 {
		return false
	}
	changed := false
	if int64(leg.n) <= legs.lo {
		changed = leg.meet(legs.volume, most)
	}
	if int64(leg.n) > legs.hi {
		changed = leg.meet(0, legs.volume-1) || changed
	}
	if leg.lo >= legs.volume {
		changed = legs.meet(int64(leg.n), most) || changed
	}
	if leg.hi < legs.volume {
		changed = legs.meet(0, int64(leg.n)-1) || changed
	}
	return changed
}

// limitedVolume: what counts only up to a share per leg is no more than what counts in full.
func limitedVolume(limited, gv *confined) bool {
	if limited.lo == 1 {
		return gv.meet(limited.volume, most)
	}
	if gv.hi < limited.volume {
		return limited.meet(0, 0)
	}
	return false
}

// with is a box in which a figure is confined further.
func (b box) with(f figure, lo, hi int64) box {
	return append(slices.Clone(b), confined{f, lo, hi})
}
