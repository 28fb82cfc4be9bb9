package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/core/money"
)

// place says what a condition may look at. Ranks are computed from the bottom of the tree to the top and from the lowest
// rank to the highest, after activity: what is not known yet cannot be asked for.
type place struct {
	below  int  // own rank and title may be compared only with ranks lower than this one; 0: with all
	active bool // this is the condition of being active
}

// anywhere is after everything is known.
var anywhere = place{}

func (p *Plan) validateCondition(r *reader, c *Condition, path string, in place) {
	switch {
	case c.Test != nil:
		p.validateTest(r, c.Test, path, in)
	case c.Not != nil:
		p.validateCondition(r, c.Not, join(path, "not"), in)
	case c.Any != nil:
		p.validateConditions(r, c.Any, join(path, "any"), in)
	case c.All != nil:
		p.validateConditions(r, c.All, join(path, "all"), in)
	default:
		r.report(path, "tests nothing", `write one test, such as {pv: ">= 100"}`)
	}
}

func (p *Plan) validateConditions(r *reader, list []Condition, path string, in place) {
	if len(list) == 0 {
		r.report(path, "is empty", `write at least one test, such as {pv: ">= 100"}`)
	}
	for i := range list {
		p.validateCondition(r, &list[i], index(path, i), in)
	}
}

func (p *Plan) validateTest(r *reader, t *Test, path string, in place) {
	at := join(path, t.Measure)
	switch t.Measure {
	case MeasurePV, MeasureGV, MeasurePGV, MeasureCV:
		r.volume(at, t.Number)
	case MeasureLeg:
		r.between(join(at, "n"), t.N, 1, maxWhole)
		r.volume(join(at, "volume"), t.Number)
	case MeasureLegs:
		p.validateLegs(r, t, at)
	case MeasureActiveLegs, MeasureCustomers, MeasureOrders, MeasureDays:
		r.count(at, t.Number)
	case MeasureRank, MeasureTitle:
		p.validateRankTest(r, t, at, in)
	case MeasureStatus:
		r.someOf(at, t.Words, statusNames)
	case MeasureActive:
		if in.active {
			r.report(at, "asks for what it is about to decide", "leave it out, and say what makes a person active")
		}
	case MeasureAutoship:
	default:
		r.report(at, fmt.Sprintf("%q is nothing that can be tested", clip(t.Measure)), "use one of "+strings.Join(conditionKeys, ", "))
	}
	p.validateExtras(r, t, path)
}

func (p *Plan) validateLegs(r *reader, t *Test, at string) {
	r.count(join(at, "count"), t.Number)
	switch {
	case (t.LegRank == "") == (t.LegVolume == ""):
		r.report(at, "must say which legs count, in one way", "write rank: or volume: beside count:")
	case t.LegVolume != "":
		r.volume(join(at, "volume"), t.LegVolume)
	default:
		p.rankName(r, join(at, "rank"), t.LegRank, "write one of ")
	}
	r.oneOf(join(at, "depth"), t.Depth, []string{Anywhere, Frontline})
	if t.LegRank == "" && t.Depth == Frontline {
		r.report(join(at, "depth"), "means nothing for legs by volume", "leave it out")
	}
}

// validateRankTest lets a rank ask for own lower ranks only: asking for itself or a higher one goes round in a circle.
func (p *Plan) validateRankTest(r *reader, t *Test, at string, in place) {
	if in.active {
		r.report(at, "is known only after it is known who is active", "test volume, orders or status here")
		return
	}
	rank, known := p.rankName(r, at, strings.Join(t.Words, ""), "write one of ")
	if known && in.below > 0 && rank >= in.below {
		r.report(at, fmt.Sprintf("asks for %s, which is not lower than the rank whose requirement this is", p.Ranks[rank]),
			"name a lower rank, or count legs by rank")
	}
}

// validateExtras refuses the keys beside a measure where they mean nothing.
func (p *Plan) validateExtras(r *reader, t *Test, path string) {
	if t.Op != "" {
		r.oneOf(join(path, t.Measure), t.Op, []string{AtLeast, Above, AtMost, Below, Equals})
	}
	at := join(path, "max_leg_share")
	switch {
	case t.MaxLegShare == "":
	case t.Measure != MeasureGV || t.Op != AtLeast:
		r.report(at, "goes with a least gv alone", `write it beside gv: ">= ..."`)
	default:
		r.share(at, t.MaxLegShare)
		if share, err := money.ParseRate(t.MaxLegShare); err == nil && share == 0 {
			r.report(at, "is 0%, so that nothing counts", "write a share above zero, such as 50%")
		}
	}
	at = join(path, "without")
	switch {
	case t.Measure != MeasurePGV && t.Without != "":
		r.report(at, "goes with pgv alone", "leave it out")
	case t.Measure == MeasurePGV && t.Without != "":
		p.rankName(r, at, t.Without, "write one of ")
	case t.Measure == MeasurePGV && p.Qualification.BreakawayRank == "":
		r.report(join(path, MeasurePGV), "does not say which legs are left out", "add without: and a rank, or set qualification.breakaway_rank")
	}
}

// maxCount bounds what is compared with counted things.
const maxCount = 1_000_000_000

// count checks a whole number that stands as text beside its operator.
func (r *reader) count(path, text string) {
	digits := strings.TrimPrefix(text, "+")
	value, err := strconv.ParseInt(digits, 10, 64)
	notDigit := func(ch rune) bool { return ch < '0' || ch > '9' }
	if err != nil || value > maxCount || slices.ContainsFunc([]rune(digits), notDigit) {
		r.report(path, fmt.Sprintf("%q is no count", clip(text)), fmt.Sprintf(`write a whole number from 0 to %d, such as ">= 2"`, maxCount))
	}
}
