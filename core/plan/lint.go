package plan

import (
	"fmt"

	"upline.dev/upline/core/money"
)

// Finding is something about a valid plan that its authors will hardly have meant.
type Finding struct {
	Problem

	Error bool   // the plan does not do what it says; else it is only unusual
	Code  string // what kind of finding, for machines: rank-unreachable, never-binds, ...
}

// linter collects findings about one plan.
type linter struct {
	solver

	bound Payout
	found []Finding
}

// Lint looks for what is allowed but cannot be meant: ranks nobody can reach, levels nobody opens, limits that never
// bind, pay without a sale, more pay than there is money. The plan must come from Parse. limit is the share of a sale
// above which the worst case is an error; 0 stands for the whole.
//
// Errors are certain: what they call impossible is impossible. Findings come in the order of components, and are the
// same every time. The worst case, which some are about, comes with them.
func (p *Plan) Lint(limit money.Rate) ([]Finding, Payout) {
	l := &linter{solver: newSolver(p), bound: p.Bound()}
	l.ranks()
	l.qualification()
	for i := range p.Components {
		l.component(i)
	}
	l.classes()
	l.caps()
	l.payout(limit)
	return l.found, l.bound
}

func (l *linter) add(isError bool, code, path, reason, mend string) {
	l.found = append(l.found, Finding{Problem{Path: path, Reason: reason, Mend: mend}, isError, code})
}

func (l *linter) err(code, path, reason, mend string)  { l.add(true, code, path, reason, mend) }
func (l *linter) warn(code, path, reason, mend string) { l.add(false, code, path, reason, mend) }

// qualification judges what is said about activity and demotion.
func (l *linter) qualification() {
	q := &l.plan.Qualification
	l.condition(q.Active, "qualification.active", "nobody is ever active", "everybody is active")
	if q.Demotion == DemoteNever && q.GracePeriods > 0 {
		l.warn("contradiction", "qualification.grace_periods",
			fmt.Sprintf("gives %d periods of grace, but demotion is never, so that no rank is ever lost", q.GracePeriods),
			"leave it out, or choose another demotion")
	}
	if q.BreakawayRank != "" && q.BreakawayRank == l.plan.Ranks[0] {
		l.err("breakaway-lowest", "qualification.breakaway_rank", "is the lowest rank, so that every leg breaks away and nobody has group volume",
			"name a higher rank")
	}
}

// condition reports the highest part of a condition that can never hold or never fail.
func (l *linter) condition(c *Condition, path, never, always string) {
	switch {
	case c == nil:
	case l.never(c):
		l.err("condition-never", path, "can never be met, so "+never, "look for two tests that contradict each other")
	case l.always(c):
		l.warn("condition-always", path, "is met by everybody, so "+always, "leave it out, or ask for more")
	default:
		for i := range c.Any {
			l.part(&c.Any[i], index(join(path, "any"), i), true)
		}
		for i := range c.All {
			l.part(&c.All[i], index(join(path, "all"), i), false)
		}
	}
}

// part judges one of several tests: in any one that never holds says nothing, and in all one that always holds.
func (l *linter) part(c *Condition, path string, alternative bool) {
	switch {
	case alternative && l.never(c):
		l.warn("condition-never", path, "can never be met", "leave it out, or look for tests in it that contradict each other")
	case !alternative && l.always(c):
		l.warn("condition-always", path, "is met by everybody", "leave it out, or ask for more")
	default:
		for i := range c.Any {
			l.part(&c.Any[i], index(join(path, "any"), i), true)
		}
		for i := range c.All {
			l.part(&c.All[i], index(join(path, "all"), i), false)
		}
	}
}
