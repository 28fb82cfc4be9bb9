package plan

import (
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
)

// Limits of what is remembered from period to period, and of how wide a placement tree may be.
const (
	maxPeriods = 120
	maxWidth   = 64
)

var (
	periodNames = []string{Daily, Weekly, Monthly, Quarterly}
	weekdays    = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	strategies  = []string{
		PlaceLeft, PlaceRight, PlaceBalanced, PlaceWeaker, PlaceBreadthFirst, PlaceDepthFirst, PlaceSponsorsChoice,
	}
)

func (p *Plan) validatePeriods(r *reader) {
	t := &p.Periods
	if t.TimeZone != "" && !zoneName(t.TimeZone) {
		r.report("periods.time_zone", fmt.Sprintf("%q is no time zone", clip(t.TimeZone)), "write an IANA name, such as Europe/Berlin")
	}
	r.oneOf("periods.week_starts", t.WeekStarts, weekdays)
	if t.Currency != "" && !money.Currency(t.Currency).Valid() {
		r.report("periods.currency", fmt.Sprintf("%q is no currency", clip(t.Currency)), "write an ISO 4217 code in capitals, such as EUR")
	}
	if p.PeriodCurrency() == "" && p.paysPerPeriod() {
		r.report("periods.currency", "is missing, though components are paid per period",
			"write what they are paid in, such as periods: {currency: EUR}")
	}
	r.between("periods.grace_days", t.GraceDays, 0, MaxDays)
	r.oneOf("periods.late", t.Late, []string{LateCurrent, LateRestate})
}

// zoneName tells whether a text is written like the name of a time zone; the calendar knows which exist.
func zoneName(text string) bool {
	for i := range len(text) {
		ch := text[i] | 0x20
		if (ch < 'a' || ch > 'z') && (i == 0 || !strings.ContainsRune("0123456789/_+-", rune(text[i]))) {
			return false
		}
	}
	return len(text) <= maxName && !strings.Contains(text, "//") && !strings.HasSuffix(text, "/")
}

func (p *Plan) paysPerPeriod() bool {
	return slices.ContainsFunc(p.Components, func(c Component) bool { return c.Period != PerOrder })
}

func (p *Plan) validateQualification(r *reader) {
	q := &p.Qualification
	r.oneOf("qualification.period", q.Period, periodNames)
	if !q.OwnOrders && !q.CustomerOrders {
		r.report("qualification.own_orders", "and customer_orders are both false, so that nobody ever has volume", "let one of them count")
	}
	if q.Active != nil {
		p.validateCondition(r, q.Active, "qualification.active", place{active: true})
	}
	p.validateRankRules(r)
	if q.BreakawayRank != "" {
		p.rankName(r, "qualification.breakaway_rank", q.BreakawayRank, "write one of ")
	}
	r.between("qualification.grace_periods", q.GracePeriods, 0, maxPeriods)
	r.oneOf("qualification.demotion", q.Demotion, []string{DemoteToQualified, DemoteOneStep, DemoteNever})
	r.between("qualification.requalify_periods", q.RequalifyPeriods, 0, maxPeriods)
}

func (p *Plan) validateRankRules(r *reader) {
	before := 0
	for i := range p.Qualification.Ranks {
		rule, at := &p.Qualification.Ranks[i], index("qualification.ranks", i)
		rank, known := p.rankName(r, join(at, "rank"), rule.Rank, "write one of ")
		switch {
		case !known:
			rank = len(p.Ranks)
		case rank == 0:
			r.report(join(at, "rank"), fmt.Sprintf("%q is the lowest rank, which everybody has", rule.Rank), "leave its requirement out")
		case rank <= before:
			r.report(join(at, "rank"), fmt.Sprintf("%q stands below a rank that is not lower", rule.Rank), "write each rank once, lowest first")
		}
		if known {
			before = max(before, rank)
		}
		p.validateCondition(r, &rule.Requires, join(at, "requires"), place{below: max(rank, 1)})
	}
}

// rankName checks the name of a rank of this plan.
func (p *Plan) rankName(r *reader, path, name, mend string) (rank int, known bool) {
	rank = slices.Index(p.Ranks, name)
	if rank < 0 {
		r.report(path, fmt.Sprintf("%q is no rank of this plan", clip(name)), mend+strings.Join(p.Ranks, ", "))
	}
	return rank, rank >= 0
}

func (p *Plan) validatePlacement(r *reader) {
	t := p.Placement
	if t == nil {
		return
	}
	r.between("placement.width", t.Width, 1, maxWidth)
	r.between("placement.depth", t.Depth, 0, maxWhole)
	r.oneOf("placement.strategy", t.Strategy, strategies)
	r.between("placement.hold_days", t.HoldDays, 0, MaxDays)
	r.between("placement.positions", t.Positions, 0, maxWhole)
	if t.Strategy == PlaceSponsorsChoice && t.HoldDays == 0 {
		r.report("placement.hold_days", "is 0, which leaves the sponsor no time to choose", "write the days a sponsor has, such as 14")
	}
}

// between checks a whole number.
func (r *reader) between(path string, value, least, most int) {
	if value < least || value > most {
		r.report(path, fmt.Sprintf("is %d", value), fmt.Sprintf("write a whole number from %d to %d", least, most))
	}
}

// volume checks points of volume.
func (r *reader) volume(path, text string) {
	if volume, err := money.ParseVolume(text); err != nil || volume < 0 {
		r.report(path, fmt.Sprintf("%q is no volume", clip(text)), `write points of zero or more with at most 6 decimals, such as "100"`)
	}
}
