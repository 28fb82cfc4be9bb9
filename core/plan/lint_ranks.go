package plan

import (
	"fmt"
	"slices"
)

// ranks finds requirements that nobody can meet, that go round in a circle, or that stand in the wrong order.
func (l *linter) ranks() {
	p := l.plan
	reach := l.reachable(false)
	for i := range p.Qualification.Ranks {
		rule, path := &p.Qualification.Ranks[i], join(index("qualification.ranks", i), "requires")
		rank, _ := p.Rank(rule.Rank)
		switch {
		case l.never(&rule.Requires):
			l.err("rank-unreachable", path, fmt.Sprintf("can never be met, so that nobody becomes %s", rule.Rank),
				"look for two tests that contradict each other")
		case !reach[rank]:
			l.err("rank-circle", path, fmt.Sprintf("needs people below who can become that only if somebody was %s before", rule.Rank),
				"ask for lower ranks in the legs, or give one rank a requirement by volume")
		default:
			l.condition(&rule.Requires, path, "nobody becomes "+rule.Rank, "everybody is "+rule.Rank)
			l.rankOrder(i, path)
		}
	}
	l.rankGaps()
}

// rankOrder compares a rank with those above it.
func (l *linter) rankOrder(i int, path string) {
	rules := l.plan.Qualification.Ranks
	for j := i + 1; j < len(rules); j++ {
		if l.never(&rules[j].Requires) || l.always(&rules[i].Requires) {
			continue
		}
		if rises(&rules[i].Requires) && rises(&rules[j].Requires) && l.implies(&rules[i].Requires, &rules[j].Requires) {
			l.err("rank-order", path, fmt.Sprintf("is never the end: whoever becomes %s is %s at once", rules[i].Rank, rules[j].Rank),
				fmt.Sprintf("ask for more at %s, or put the ranks into the right order", rules[j].Rank))
			return
		}
		if measure, less := asksForLess(&rules[i].Requires, &rules[j].Requires); less {
			l.warn("rank-order", join(index("qualification.ranks", j), "requires"),
				fmt.Sprintf("asks for less %s at %s than at %s, a lower rank", measure, rules[j].Rank, rules[i].Rank), "raise it, or put the ranks into the right order")
		}
	}
}

// rises tells whether a higher own rank never spoils a requirement. Ranks are tried from the lowest on, so that a test
// for exactly one rank looks at another rank at each requirement, and the two cannot be compared.
func rises(c *Condition) bool {
	falls := func(part Condition) bool { return !rises(&part) }
	switch {
	case c.Test != nil:
		return c.Test.Measure != MeasureRank && c.Test.Measure != MeasureTitle || c.Test.Op == AtLeast || c.Test.Op == Above
	case c.Not != nil:
		return !asksRank(c.Not)
	}
	return !slices.ContainsFunc(c.Any, falls) && !slices.ContainsFunc(c.All, falls)
}

func asksRank(c *Condition) bool {
	asks := func(part Condition) bool { return asksRank(&part) }
	return c.Test != nil && (c.Test.Measure == MeasureRank || c.Test.Measure == MeasureTitle) || c.Not != nil && asksRank(c.Not) ||
		slices.ContainsFunc(c.Any, asks) || slices.ContainsFunc(c.All, asks)
}

// asksForLess compares the plain least figures of two requirements.
func asksForLess(lower, higher *Condition) (measure string, less bool) {
	for _, low := range leasts(lower) {
		for _, high := range leasts(higher) {
			if low.figure() == high.figure() && low.MaxLegShare == high.MaxLegShare && high.number < low.number {
				return low.Measure, true
			}
		}
	}
	return "", false
}

// leasts are the tests for a least figure that must all hold.
func leasts(c *Condition) []*Test {
	var out []*Test
	for i := range c.All {
		out = append(out, leasts(&c.All[i])...)
	}
	if t := c.Test; t != nil && t.Op == AtLeast && t.Measure != MeasureRank && t.Measure != MeasureTitle {
		out = append(out, t)
	}
	return out
}

// rankGaps names ranks without a requirement between ranks that have one: people pass over them.
func (l *linter) rankGaps() {
	rules := l.plan.Qualification.Ranks
	if len(rules) == 0 {
		return
	}
	last, _ := l.plan.Rank(rules[len(rules)-1].Rank)
	for rank := 1; rank < last; rank++ {
		if l.ruleOfRank(rank) == nil {
			l.warn("rank-by-hand", index("ranks", rank), fmt.Sprintf("%q has no requirement, though a higher rank has: it is had by assignment alone", l.plan.Ranks[rank]),
				"add it to qualification.ranks")
		}
	}
}

func (l *linter) ruleOfRank(rank int) *RankRule {
	for i := range l.plan.Qualification.Ranks {
		if l.plan.Qualification.Ranks[i].Rank == l.plan.Ranks[rank] {
			return &l.plan.Qualification.Ranks[i]
		}
	}
	return nil
}

// reachable tells which ranks anybody can ever have: somebody must be the first, in a tree whose other people have ranks
// that were found reachable before. With free, only ranks that can be had without a single sale in the whole tree, and
// none by assignment.
func (l *linter) reachable(free bool) []bool {
	reach := make([]bool, len(l.plan.Ranks))
	reach[0] = true
	for rank := range reach {
		reach[rank] = reach[rank] || !free && l.ruleOfRank(rank) == nil
	}
	for changed := true; changed; {
		changed = false
		for rank := range reach {
			if rule := l.ruleOfRank(rank); rule != nil && !reach[rank] && l.reaches(&rule.Requires, reach, free) {
				reach[rank], changed = true, true
			}
		}
	}
	return reach
}

// reaches tells whether a requirement can be met in a tree whose people have the ranks in reach.
func (l *linter) reaches(requires *Condition, reach []bool, free bool) bool {
	alternatives, ok := l.cases(requires, true)
	if !ok {
		return true
	}
	for _, b := range alternatives {
		if free {
			b = withoutSales(b)
		}
		if narrowed, ok := l.narrow(b); ok && l.peopled(narrowed, reach, free) {
			return true
		}
	}
	return false
}

// withoutSales confines everything that only a sale can raise to nothing.
func withoutSales(b box) box {
	for _, measure := range []string{MeasureGV, MeasureCV, MeasureOrders, MeasureCustomers, MeasureAutoship} {
		b = b.with(figure{measure: measure}, 0, 0)
	}
	return b
}

// peopled tells whether the ranks that a box asks for, in the legs and of the person, are in reach.
func (l *linter) peopled(b box, reach []bool, free bool) bool {
	for _, c := range b {
		switch {
		case c.lo == 0 && c.measure != MeasureRank && c.measure != MeasureTitle:
		case c.measure == MeasureLegs && !byVolume(&c):
			if !within(reach, c.n, len(reach)-1) {
				return false
			}
		case c.measure == MeasureRank || c.measure == MeasureTitle:
			if !within(reach, int(c.lo), int(min(c.hi, int64(len(reach)-1)))) {
				return false
			}
		case c.measure == MeasureActiveLegs:
			if !l.reaches(l.plan.active(), reach, free) {
				return false
			}
		}
	}
	return true
}

func within(reach []bool, from, to int) bool {
	for rank := max(from, 0); rank <= to; rank++ {
		if reach[rank] {
			return true
		}
	}
	return false
}
