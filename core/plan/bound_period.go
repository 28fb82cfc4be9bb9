package plan

import (
	"fmt"
	"math/big"
	"strings"

	"upline.dev/upline/core/money"
)

// generation pays every number once per line of leaders. Where the earner's own rank is the boundary, leaders of each
// rank count only people of their rank and above, so that a line that rises from the lowest rank pays every rank in full.
func (b *bounder) generation(c *Component) (share *big.Rat, how, apart string) {
	if c.GenerationTerms.Boundary != EarnersRank {
		from, _ := b.plan.Rank(c.GenerationTerms.Boundary)
		share, how = b.levels(c, from, MaxLevels)
		return share, how, ""
	}
	table := c.Table(b.class)
	if table == nil {
		return new(big.Rat), "pays nothing on this class", ""
	}
	var sum money.Rate // At most MaxLevels times MaxRanks times the whole, which fits.
	for level := 1; level <= table.Depth(); level++ {
		for rank := range b.plan.Ranks {
			sum += table.Cell(level, rank).Rate
		}
	}
	return rat(sum), fmt.Sprintf("a line that rises from %s, %d of each rank, the lowest nearest to the sale", b.plan.Ranks[0], table.Depth()), ""
}

// matching pays its levels on everything that the named components pay.
func (b *bounder) matching(c *Component) (share *big.Rat, how, apart string) {
	sum := new(big.Rat)
	for _, name := range c.MatchingTerms.Components {
		part := &b.parts[b.plan.componentIndex(name)]
		sum = plus(sum, part.Share)
		if part.Apart != "" {
			apart = "a match of amounts that are no share of a sale"
		}
	}
	table := c.Table(Any)
	share = new(big.Rat)
	for level := 1; table != nil && level <= table.Depth(); level++ {
		share.Add(share, rat(table.Cell(level, b.dearestRank(table, level, 0)).Rate))
	}
	how = "everybody who is paid has a full line above: " + Percent(share) + " of what is matched"
	if sum == nil {
		return nil, how, apart
	}
	return share.Mul(share, sum), how, apart
}

// differential telescopes: all differences on one sale add up to the highest rate.
func (b *bounder) differential(c *Component) (share *big.Rat, how, apart string) {
	t := c.DifferentialTerms
	if t.Bands != nil {
		last := t.Bands[len(t.Bands)-1]
		share, how = big.NewRat(last.Ratio().Num, last.Ratio().Den), fmt.Sprintf("somebody above, or the seller, with %s of volume", last.From)
	} else if share, how, apart = b.one(c, "somebody above, or the seller, of rank %s"); share.Sign() == 0 {
		return share, how, apart
	}
	if t.Breakaway == "" && isZero(t.SameRank) {
		return share, how, ""
	}
	for _, text := range t.Overrides {
		rate, _ := parseShare(text) // Validate has read it.
		share.Add(share, rat(rate))
	}
	if len(t.Overrides) > 0 {
		how += fmt.Sprintf(", and above the leader whose leg breaks away %d more leaders", len(t.Overrides))
	}
	if !isZero(t.SameRank) {
		return nil, fmt.Sprintf("a line of people with the same rate, each sponsored by the next: every one gets %s of all below, for as long as the line is", t.SameRank), ""
	}
	return share, how, ""
}

func (b *bounder) infinity(c *Component) (share *big.Rat, how, apart string) {
	if c.InfinityTerms.Stop != StopSameRank {
		return b.one(c, "somebody of rank %s far enough above")
	}
	share = new(big.Rat)
	table := c.Table(b.class)
	if table == nil {
		return share, "pays nothing on this class", ""
	}
	var ranks []string
	for rank := 1; rank < len(b.plan.Ranks); rank++ {
		if cell := table.Cell(1, rank); cell.Rate > 0 {
			share.Add(share, rat(cell.Rate))
			ranks = append(ranks, b.plan.Ranks[rank])
		}
	}
	return share, "one of each rank above, rising: " + strings.Join(ranks, ", "), ""
}

// binary pays a sale once in every position above it. In the worst tree all volume is at the bottom and every position's
// legs match; only a depth of the tree bounds that.
func (b *bounder) binary(c *Component) (share *big.Rat, how, apart string) {
	level := b.binaryLevel(c)
	if level.Sign() == 0 {
		return level, "pays nothing", ""
	}
	depth := b.plan.Placement.Depth
	if depth == 0 {
		return nil, fmt.Sprintf("a full tree with all sales in its lowest places: each level of it is paid %s, and %s levels pay more than was sold",
			Percent(level), levelsAboveWhole(level)), ""
	}
	return level.Mul(level, big.NewRat(int64(depth), 1)), fmt.Sprintf("a full tree of %d levels with all sales in its lowest places", depth), ""
}

// levelsAboveWhole is how many times a share fits into the whole, and once more.
func levelsAboveWhole(share *big.Rat) string {
	return new(big.Int).Add(new(big.Int).Quo(share.Denom(), share.Num()), big.NewInt(1)).String()
}

// binaryLevel is the part of all volume that is paid at one level of a tree whose legs match.
func (b *bounder) binaryLevel(c *Component) *big.Rat {
	t := c.BinaryTerms
	weaker, _ := b.plan.BaseUnits(c, t.Weaker)
	stronger, _ := b.plan.BaseUnits(c, t.Stronger)
	if t.Pay == PayCycles {
		amount := b.baseOf(c, b.dearestMinor(c))
		return amount.Quo(amount, new(big.Rat).SetInt64(weaker+stronger))
	}
	share := big.NewRat(1, 2)
	if t.Pay == PayRatio {
		share = new(big.Rat).SetFrac(big.NewInt(weaker), new(big.Int).Add(big.NewInt(weaker), big.NewInt(stronger)))
	}
	table := c.Table(Any)
	return share.Mul(share, rat(table.Cell(1, b.dearestRank(table, 1, 0)).Rate))
}

// baseOf turns minor units of money into units of a component's base: micro-units of volume, where it is CV.
func (b *bounder) baseOf(c *Component, minor int64) *big.Rat {
	if c.Base != BaseCV && c.Base != "" {
		return new(big.Rat).SetInt64(minor)
	}
	return b.volumeOf(minor)
}

// volumeOf is the volume, in micro-units, that is worth an amount. Where the plan gives CV no value, 1 CV is worth a major
// unit, as with a product whose volume is its net.
func (b *bounder) volumeOf(minor int64) *big.Rat {
	out, currency := new(big.Rat).SetInt64(minor), b.plan.PeriodCurrency()
	if value, ok := b.plan.CVToMinor(currency); ok {
		return out.Mul(out, big.NewRat(value.Den, value.Num))
	}
	minorPerCV := int64(1)
	for range currency.Exponent() {
		minorPerCV *= 10
	}
	return out.Mul(out, big.NewRat(microsPerCV, minorPerCV))
}

// dearestMinor is the highest amount of any row that can hold for the class, in what period components pay in.
func (b *bounder) dearestMinor(c *Component) int64 {
	var best int64
	for rank := range b.plan.Ranks {
		if row := b.row(c, rank); row != nil {
			minor, _ := b.plan.AmountMinor(row, b.plan.PeriodCurrency())
			best = max(best, minor)
		}
	}
	return best
}

func (b *bounder) row(c *Component, rank int) *Rate {
	table := c.Table(b.class)
	if table == nil || table.Depth() == 0 {
		return nil
	}
	return &c.Rates[table.Cell(1, rank).Row]
}

// dearest is the highest amount for people.
func (b *bounder) dearest(c *Component) string {
	currency := b.plan.PeriodCurrency()
	if currency.Valid() {
		return money.FormatMinor(b.dearestMinor(c), currency) + " " + string(currency)
	}
	return "the amounts in its rates"
}

func poolShare(c *Component) money.Rate {
	share, _ := parseShare(c.PoolTerms.Share)
	for i := range c.Rates {
		if !isZero(c.Rates[i].Shares) {
			return share
		}
	}
	return 0
}

// acquisition is bounded by the least order that it pays for.
func (b *bounder) acquisition(c *Component) (share *big.Rat, how, apart string) {
	minor := b.dearestMinor(c)
	for i := range c.AcquisitionTerms.Bands {
		minor = max(minor, c.AcquisitionTerms.Bands[i].Minor())
	}
	least, _ := money.ParseVolume(orElse(c.AcquisitionTerms.MinCV, "0"))
	if minor == 0 {
		return new(big.Rat), "pays nothing", ""
	}
	share = b.volumeOf(minor)
	if least == 0 {
		return nil, "a new customer's first order of next to nothing", ""
	}
	return share.Quo(share, new(big.Rat).SetInt64(int64(least))), fmt.Sprintf("first orders of exactly %s CV", c.AcquisitionTerms.MinCV), ""
}

// bands is dearest where a figure has just reached a band.
func (b *bounder) bands(c *Component) (share *big.Rat, how, apart string) {
	t := c.BandsTerms
	if t.Of == MeasureCustomers {
		return new(big.Rat), "pays no share of a sale", "amounts by the number of customers, whatever they buy"
	}
	share = new(big.Rat)
	for i := range t.Bands {
		switch band := &t.Bands[i]; {
		case t.Of == MeasureGV || t.Of == MeasurePGV:
			return nil, "people one above the other, who all reach a band by the same sale", ""
		case band.Minor() > 0 && band.Value() == 0:
			return nil, "a figure of next to nothing, which reaches the first band", ""
		}
		here := b.bandsFrom(c, i, i)
		if t.Pay == PayEach {
			here = b.bandsFrom(c, 0, i)
		}
		if above(here, share) {
			share, how = here, fmt.Sprintf("a figure that has just reached %s", t.Bands[i].From)
		}
	}
	return share, how, ""
}

// bandsFrom is what the bands from first to last pay together, where the figure has just reached the last. The figure of
// one order is in the component's base, any other is volume.
func (b *bounder) bandsFrom(c *Component, first, last int) *big.Rat {
	t := c.BandsTerms
	figureOf := b.volumeOf
	if t.Of == BandsOfOrder {
		figureOf = func(minor int64) *big.Rat { return b.baseOf(c, minor) }
	}
	sum := new(big.Rat)
	for i := first; i <= last; i++ {
		band := &t.Bands[i]
		if band.Minor() > 0 {
			sum.Add(sum, new(big.Rat).Quo(figureOf(band.Minor()), new(big.Rat).SetInt64(t.Bands[last].Value())))
		} else {
			rate := big.NewRat(band.Ratio().Num, max(band.Ratio().Den, 1))
			sum.Add(sum, rate.Mul(rate, big.NewRat(c.Share().Num, c.Share().Den)))
		}
	}
	return sum
}

// fixed pays per unit, whatever a unit costs.
func (b *bounder) fixed(c *Component) (share *big.Rat, how, apart string) {
	for rank := range b.plan.Ranks {
		if row := b.row(c, rank); row != nil && row.pays() {
			return new(big.Rat), "pays no share of a sale", "an amount per unit, whatever it costs"
		}
	}
	return new(big.Rat), "pays nothing on this class", ""
}
