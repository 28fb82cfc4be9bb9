package plan

import (
	"slices"
	"strings"
)

// normalise writes every rate, amount, volume and instant of a valid plan in its one canonical way, so that 0.2 and 20%
// hash alike.
func (p *Plan) normalise() {
	at, _ := effectiveFrom(p.EffectiveFrom) // Validate has read it.
	p.EffectiveFrom = at.Format("2006-01-02T15:04:05.999999Z07:00")
	canonicalAmounts(p.Volume.Money)
	p.Qualification.normalise()
	if p.Placement != nil {
		p.Placement.Positions = max(p.Placement.Positions, 1)
	}
	for i := range p.Components {
		p.Components[i].normalise()
	}
	for i := range p.Caps {
		c := &p.Caps[i]
		canonicalAmounts(c.Limits)
		if strings.HasSuffix(c.Limit, "%") {
			c.Limit = canonicalRate(c.Limit)
		} else {
			c.Limit = canonicalDecimal(c.Limit)
		}
	}
}

func (q *Qualification) normalise() {
	q.RequalifyPeriods = max(q.RequalifyPeriods, 1)
	q.Active.normalise()
	for i := range q.Ranks {
		q.Ranks[i].Requires.normalise()
	}
}

func (c *Component) normalise() {
	c.Commissionable = canonicalRate(c.Commissionable)
	c.Requires.normalise()
	for i := range c.Rates {
		row := &c.Rates[i]
		row.Rate = canonicalRate(row.Rate)
		canonicalRates(row.Levels)
		canonicalAmounts(row.Amounts)
		row.Amount, row.Shares, row.Limit = canonicalDecimal(row.Amount), canonicalDecimal(row.Shares), canonicalDecimal(row.Limit)
	}
	if t := c.DifferentialTerms; t != nil {
		canonicalBands(t.Bands)
		canonicalRates(t.Overrides)
		t.SameRank = canonicalRate(t.SameRank)
	}
	if t := c.BinaryTerms; t != nil {
		t.Weaker, t.Stronger = canonicalDecimal(t.Weaker), canonicalDecimal(t.Stronger)
		t.MaxCarry, t.OwnerLimit = canonicalDecimal(t.MaxCarry), canonicalDecimal(t.OwnerLimit)
	}
	if t := c.MatrixTerms; t != nil {
		for i := range t.Completion {
			t.Completion[i].Amount = canonicalDecimal(t.Completion[i].Amount)
		}
	}
	if t := c.PoolTerms; t != nil {
		t.Share = canonicalRate(t.Share)
	}
	if t := c.AcquisitionTerms; t != nil {
		t.MinCV = canonicalDecimal(t.MinCV)
		canonicalBands(t.Bands)
	}
	if t := c.BandsTerms; t != nil {
		canonicalBands(t.Bands)
	}
}

func (c *Condition) normalise() {
	if c == nil {
		return
	}
	for i := range c.All {
		c.All[i].normalise()
	}
	for i := range c.Any {
		c.Any[i].normalise()
	}
	c.Not.normalise()
	if t := c.Test; t != nil {
		t.Number, t.LegVolume = canonicalDecimal(t.Number), canonicalDecimal(t.LegVolume)
		t.MaxLegShare = canonicalRate(t.MaxLegShare)
		if t.Measure == MeasureStatus {
			slices.Sort(t.Words)
		}
	}
}

func canonicalBands(bands []Band) {
	for i := range bands {
		b := &bands[i]
		b.From, b.Rate, b.Amount = canonicalDecimal(b.From), canonicalRate(b.Rate), canonicalDecimal(b.Amount)
	}
}

func canonicalAmounts(amounts map[string]string) {
	for currency, text := range amounts {
		amounts[currency] = canonicalDecimal(text)
	}
}

func canonicalRates(rates []string) {
	for i := range rates {
		rates[i] = canonicalRate(rates[i])
	}
}

// canonicalDecimal drops the sign and the zeros that say nothing: "+01.10" is "1.1".
func canonicalDecimal(text string) string {
	whole, decimals, _ := strings.Cut(strings.TrimPrefix(text, "+"), ".")
	if whole == "" {
		return text
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if decimals = strings.TrimRight(decimals, "0"); decimals == "" {
		return whole
	}
	return whole + "." + decimals
}

// canonicalRate keeps "", which is no rate.
func canonicalRate(text string) string {
	if text == "" {
		return ""
	}
	rate, _ := parseShare(text) // Validate has read it.
	return rate.String()
}
