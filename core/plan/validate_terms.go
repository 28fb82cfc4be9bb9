package plan

import (
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
)

// validateTerms checks the key that is named like the type, and refuses those of other types.
func (p *Plan) validateTerms(r *reader, i int, path string) {
	c := &p.Components[i]
	rule, _ := ruleOf(c.Type)
	given := c.termsGiven()
	for _, key := range given {
		if key != c.Type {
			r.report(join(path, key), "means nothing for "+c.Type, "leave it out, or write type: "+key)
		}
	}
	at := join(path, c.Type)
	if !slices.Contains(given, c.Type) {
		if rule.needsTerms {
			r.report(at, "is missing", "add it: it says how "+c.Type+" works")
		}
		return
	}
	switch c.Type {
	case Unilevel:
		c.validateDepth(r, at)
	case Differential:
		p.validateDifferential(r, c, at)
	case Generation:
		p.validateGeneration(r, c.GenerationTerms, at)
	case Binary:
		p.validateBinary(r, c, at)
	case Matrix:
		p.validateMatrix(r, c.MatrixTerms, at)
	case Matching:
		p.validateNamed(r, i, c.MatchingTerms.Components, join(at, "components"), true)
	case FastStart:
		p.validateFastStart(r, i, at)
	default:
		p.validateShortTerms(r, c, at)
	}
}

// validateShortTerms checks terms of a few keys.
func (p *Plan) validateShortTerms(r *reader, c *Component, at string) {
	switch c.Type {
	case Infinity:
		r.between(join(at, "below"), c.InfinityTerms.Below, 0, maxWhole)
		r.oneOf(join(at, "stop"), c.InfinityTerms.Stop, []string{StopSameRank, StopDifferential, StopBlocking})
	case Pool:
		r.share(join(at, "share"), c.PoolTerms.Share)
	case RankAdvance:
		r.between(join(at, "parts"), c.RankAdvanceTerms.Parts, 1, maxPeriods)
		r.between(join(at, "maintain"), c.RankAdvanceTerms.Maintain, 1, maxPeriods)
	case XUp:
		r.between(join(at, "first"), c.XUpTerms.First, 1, maxWhole)
	case CustomerAcquisition:
		if c.AcquisitionTerms.MinCV != "" {
			r.volume(join(at, "min_cv"), c.AcquisitionTerms.MinCV)
		}
		if c.AcquisitionTerms.Bands != nil {
			p.validateBands(r, c.AcquisitionTerms.Bands, join(at, "bands"), bandRule{of: MeasureCustomers, amounts: true})
		}
	case Bands:
		p.validateBandsTerms(r, c, at)
	}
}

func (c *Component) validateDepth(r *reader, at string) {
	if c.Period == PerOrder {
		r.report(at, "counts active legs, which a component paid per order cannot know",
			"write a period such as monthly, or open levels by rank in the rates")
		return
	}
	steps, path := c.UnilevelTerms.Depth, join(at, "depth")
	if len(steps) == 0 {
		r.report(path, "is empty", "write at least one step, such as {active_legs: 1, levels: 2}")
	}
	for i, step := range steps {
		r.between(join(index(path, i), "levels"), step.Levels, 0, MaxLevels)
		if i > 0 && (step.ActiveLegs <= steps[i-1].ActiveLegs || step.Levels <= steps[i-1].Levels) {
			r.report(index(path, i), "asks for no more legs, or opens no more levels, than the step above it",
				"write the steps with rising active_legs and rising levels")
		}
	}
}

func (p *Plan) validateDifferential(r *reader, c *Component, at string) {
	t := c.DifferentialTerms
	r.oneOf(join(at, "of"), t.Of, []string{MeasureGV, MeasurePGV})
	if t.Of == MeasurePGV && p.Qualification.BreakawayRank == "" {
		r.report(join(at, "of"), "is pgv, but no leg is ever left out of it", "set qualification.breakaway_rank, or write gv")
	}
	if t.Bands != nil {
		p.validateBands(r, t.Bands, join(at, "bands"), bandRule{of: MeasureGV, rates: true, rising: true})
	}
	if t.Breakaway != "" {
		p.rankName(r, join(at, "breakaway"), t.Breakaway, "write one of ")
	}
	if len(t.Overrides) > MaxLevels {
		r.report(join(at, "overrides"), fmt.Sprintf("has more than %d entries", MaxLevels), "leave some out")
	}
	for i, text := range t.Overrides {
		r.share(index(join(at, "overrides"), i), text)
	}
	if t.SameRank != "" {
		r.share(join(at, "same_rank"), t.SameRank)
	}
	if t.Breakaway == "" && len(t.Overrides) > 0 {
		r.report(join(at, "overrides"), "means nothing without breakaway", "name the rank at which legs break away")
	}
}

func (p *Plan) validateGeneration(r *reader, t *GenerationTerms, at string) {
	switch {
	case t.Boundary == "":
		r.report(join(at, "boundary"), "is missing", "name the rank whose holders head a generation, or write earner")
	case t.Boundary != EarnersRank:
		p.rankName(r, join(at, "boundary"), t.Boundary, "write earner, or one of ")
	}
	r.oneOf(join(at, "empty"), t.Empty, []string{EmptyUses, EmptySkips})
}

func (p *Plan) validateBinary(r *reader, c *Component, at string) {
	t := c.BinaryTerms
	r.oneOf(join(at, "pay"), t.Pay, []string{PayWeaker, PayCycles, PayRatio})
	r.oneOf(join(at, "carry"), t.Carry, []string{CarryStronger, CarryNone})
	r.oneOf(join(at, "inactive"), t.Inactive, []string{Keep, Flush})
	r.oneOf(join(at, "capped"), t.Capped, []string{Keep, Flush})
	r.oneOf(join(at, "own_volume"), t.OwnVolume, []string{OwnNone, OwnWeaker, OwnLeft, OwnRight})
	for _, leg := range []struct{ key, text string }{{"weaker", t.Weaker}, {"stronger", t.Stronger}} {
		switch {
		case t.Pay == PayWeaker && leg.text != "":
			r.report(join(at, leg.key), "means nothing with pay: weaker_leg", "leave it out, or write pay: cycles or pay: ratio")
		case t.Pay != PayWeaker:
			p.legVolume(r, c, join(at, leg.key), leg.text, true)
		}
	}
	if t.MaxCarry != "" {
		p.legVolume(r, c, join(at, "max_carry"), t.MaxCarry, false)
	}
	if t.Carry == CarryNone && (t.MaxCarry != "" || t.Expires > 0) {
		r.report(join(at, "carry"), "is none, so that max_carry and expires mean nothing", "leave them out, or write carry: stronger")
	}
	r.between(join(at, "expires"), t.Expires, 0, maxPeriods)
	if t.OwnerLimit != "" {
		r.amount(join(at, "owner_limit"), t.OwnerLimit, string(p.PeriodCurrency()))
	}
	switch {
	case p.Placement == nil:
		r.report(at, "pays on the placement tree, but the plan says nothing of how places are given",
			"add a section such as placement: {width: 2, strategy: weaker_leg}")
	case p.Placement.Width != 2:
		r.report(at, fmt.Sprintf("has two legs, but placement.width is %d", p.Placement.Width), "write placement: {width: 2}")
	}
}

// legVolume reads a figure in units of the component's base: CV, or major units of money.
func (p *Plan) legVolume(r *reader, c *Component, path, text string, positive bool) {
	units, ok := p.BaseUnits(c, text)
	if !ok || units < 0 || positive && units == 0 {
		r.report(path, fmt.Sprintf("%q is no volume of a leg", clip(text)), `write a number above zero, such as "200"`)
	}
}

func (p *Plan) validateMatrix(r *reader, t *MatrixTerms, at string) {
	r.between(join(at, "width"), t.Width, 1, maxWidth)
	r.between(join(at, "depth"), t.Depth, 1, MaxLevels)
	for i, done := range t.Completion {
		path := index(join(at, "completion"), i)
		if done.Level < 1 || done.Level > t.Depth {
			r.report(join(path, "level"), fmt.Sprintf("is %d in a matrix of %d levels", done.Level, t.Depth), "write a level of the matrix, from 1")
		}
		if i > 0 && done.Level <= t.Completion[i-1].Level {
			r.report(join(path, "level"), "is not above the one before", "write each level once, in rising order")
		}
		r.amount(join(path, "amount"), done.Amount, string(p.PeriodCurrency()))
	}
	switch {
	case p.Placement == nil:
		r.report(at, "pays on the placement tree, but the plan says nothing of how places are given",
			fmt.Sprintf("add a section such as placement: {width: %d, strategy: breadth_first}", max(t.Width, 2)))
	case p.Placement.Width != t.Width:
		r.report(join(at, "width"), fmt.Sprintf("is %d, but placement.width is %d", t.Width, p.Placement.Width), "write the same width in both places")
	case p.Placement.Depth > 0 && p.Placement.Depth < t.Depth:
		r.report(join(at, "depth"), fmt.Sprintf("is %d, but placement.depth is %d", t.Depth, p.Placement.Depth), "place at least as deep as the matrix pays")
	}
	if t.Reentry && p.Placement != nil && p.Placement.Positions < 2 {
		r.report(join(at, "reentry"), "gives an owner a further position, but placement.positions allows one", "raise placement.positions, or leave reentry out")
	}
}

func (p *Plan) validateFastStart(r *reader, i int, at string) {
	t := p.Components[i].FastStartTerms
	r.between(join(at, "days"), t.Days, 1, MaxDays)
	if len(t.Excludes) == 1 && t.Excludes[0] == Any || len(t.Excludes) == 0 {
		return
	}
	p.validateNamed(r, i, t.Excludes, join(at, "excludes"), false)
}

// validateNamed checks a list of other components; earlier ones whose earnings fall whole into the component's own
// period, where these are to be added up.
func (p *Plan) validateNamed(r *reader, i int, names []string, path string, earlier bool) {
	if len(names) == 0 {
		r.report(path, "is empty", "name at least one component")
	}
	c := &p.Components[i]
	for j, name := range names {
		at, place := p.componentIndex(name), index(path, j)
		switch {
		case slices.Contains(names[:j], name):
			r.report(place, fmt.Sprintf("%q is named twice", clip(name)), "name each once")
		case at < 0:
			r.report(place, fmt.Sprintf("%q is no component", clip(name)), "name one of the plan's components")
		case at == i:
			r.report(place, "is the component itself", "name others")
		case earlier && at > i:
			r.report(place, fmt.Sprintf("%q is not calculated before this one", name), "write it above this component")
		case earlier && !Nests(p.Components[at].Period, c.Period):
			r.report(place, fmt.Sprintf("%q is paid %s, which does not fall whole into what is %s", name, p.Components[at].Period, c.Period),
				"give both the same period")
		case !earlier && p.Components[at].Period != c.Period:
			r.report(place, fmt.Sprintf("%q is paid %s and not %s, so that it is settled without knowing of the fast start", name, span(p.Components[at].Period), span(c.Period)),
				"give both the same period, or leave it out")
		case !earlier && len(p.Components[at].volumeBases()) == 0:
			r.report(place, fmt.Sprintf("%q is not paid on volume, so nothing can be left out of it", name), "leave it out")
		}
	}
}

func (c *Component) volumeBases() []string {
	rule, _ := ruleOf(c.Type)
	return rule.bases
}

func (p *Plan) validateBandsTerms(r *reader, c *Component, at string) {
	t := c.BandsTerms
	r.oneOf(join(at, "of"), t.Of, []string{MeasurePV, MeasureGV, MeasurePGV, MeasureCV, MeasureCustomers, BandsOfOrder})
	r.oneOf(join(at, "pay"), t.Pay, []string{PayBest, PayEach})
	if t.Of == MeasurePGV && p.Qualification.BreakawayRank == "" {
		r.report(join(at, "of"), "is pgv, but no leg is ever left out of it", "set qualification.breakaway_rank, or write gv")
	}
	if len(t.Bands) == 0 {
		r.report(join(at, "bands"), "is empty, so the component pays nobody", `write at least one, such as {from: "100", amount: "30"}`)
	}
	p.validateBands(r, t.Bands, join(at, "bands"), bandRule{of: t.Of, rates: true, amounts: true})
}

// bandRule says what the bands of one place may hold.
type bandRule struct {
	of      string // what From is a figure of
	rates   bool
	amounts bool
	rising  bool // whether a higher band must pay more
}

func (p *Plan) validateBands(r *reader, bands []Band, path string, rule bandRule) {
	var before, beforeRate int64 = -1, -1
	for i := range bands {
		band, at := &bands[i], index(path, i)
		from, ok := bandFrom(rule.of, band.From, p.PeriodCurrency())
		switch {
		case !ok || from < 0:
			r.report(join(at, "from"), fmt.Sprintf("%q is no figure a band can begin at", clip(band.From)), `write a number of zero or more, such as "100"`)
		case from <= before:
			r.report(join(at, "from"), "does not rise above the band before", "write the bands in rising order")
		}
		before = max(before, from)
		p.validateBandPay(r, band, at, rule)
		rate, err := money.ParseRate(band.Rate)
		if rule.rising && err == nil && int64(rate) <= beforeRate {
			r.report(join(at, "rate"), "is no higher than that of the band before", "join the two, or raise it: what is below takes its rate off")
		}
		if err == nil {
			beforeRate = int64(rate)
		}
	}
}

func (p *Plan) validateBandPay(r *reader, band *Band, at string, rule bandRule) {
	switch {
	case band.Rate != "" && !rule.rates:
		r.report(join(at, "rate"), "means nothing here", "write amount: instead")
	case band.Amount != "" && !rule.amounts:
		r.report(join(at, "amount"), "means nothing here", "write rate: instead")
	case (band.Rate == "") == (band.Amount == ""):
		want := strings.Join(append(keyIf(rule.rates, keyRate), keyIf(rule.amounts, keyAmount)...), " or ")
		r.report(at, "must say what it pays, in one way", "write "+want)
	case band.Rate != "":
		r.share(join(at, "rate"), band.Rate)
	default:
		r.amount(join(at, "amount"), band.Amount, string(p.PeriodCurrency()))
	}
}

func keyIf(yes bool, key string) []string {
	if yes {
		return []string{key}
	}
	return nil
}
