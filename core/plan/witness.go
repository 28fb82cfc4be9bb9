package plan

import "math/big"

// witness builds a chain above a customer's order in which each place has the rank that is paid most there, and says
// what the components that settle per order pay on it, by walking it as they do.
func (b *bounder) witness(classes int) Witness {
	deepest := 0
	for i := range b.plan.Components {
		if c := &b.plan.Components[i]; b.walks(i) {
			if table := c.Table(b.class); table != nil {
				deepest = max(deepest, table.Depth())
			}
		}
	}
	chain := make([]int, deepest+1)
	if classes*len(chain)*len(b.plan.Ranks)*len(b.plan.Components) > maxBoundWork {
		return Witness{Share: new(big.Rat)} // Not worth the time; the bound holds without it.
	}
	for place := range chain {
		best := new(big.Rat)
		for rank := range b.plan.Ranks {
			chainRank, sum := rank, new(big.Rat)
			for i := range b.plan.Components {
				if b.walks(i) {
					sum.Add(sum, b.paidAt(i, place, chainRank))
				}
			}
			if sum.Cmp(best) > 0 {
				best, chain[place] = sum, rank
			}
		}
	}
	w := Witness{Share: b.walk(chain)}
	var possible bool
	if w.New, w.Day, possible = b.newness(); !possible {
		return Witness{Share: new(big.Rat)} // One fast start pays and another does not, which no enrolment brings about.
	}
	for _, rank := range chain {
		w.Ranks = append(w.Ranks, b.plan.Ranks[rank])
	}
	w.Exact = b.order != nil && w.Share.Cmp(b.order) == 0
	return w
}

// walks tells whether a component pays a share of a customer's order as it settles.
func (b *bounder) walks(i int) bool {
	c := &b.plan.Components[i]
	return !b.off[i] && c.Period == PerOrder && (c.Type == Retail || c.Type == Unilevel || c.Type == FastStart)
}

// newness is when the seller was enrolled, so that of the fast starts paid per order just those pay that are to; false
// where there is no such day.
func (b *bounder) newness() (isNew bool, day int, possible bool) {
	least := MaxDays + 1
	for _, fast := range b.plan.orderFast {
		c := &b.plan.Components[fast.Component]
		if table := c.Table(b.class); table == nil || table.Depth() == 0 {
			continue
		}
		if days := c.FastStartTerms.Days; b.off[fast.Component] {
			day = max(day, days)
		} else {
			isNew, least = true, min(least, days)
		}
	}
	return isNew, day, !isNew || day < least
}

// start is the place in the chain that is a component's level 1.
func (c *Component) start() int {
	if c.Type == FastStart || c.Type == Unilevel && c.LevelsFrom == FromSeller {
		return 1
	}
	return 0
}

// passesOver tells whether whoever may not have a level is passed over on the way up.
func (c *Component) passesOver() bool {
	return c.Type == Unilevel && c.Compression != CompressNone || c.FastStartTerms != nil && c.FastStartTerms.RollUp
}

// paidAt is what a component would pay a rank at a place, if everybody below had their level.
func (b *bounder) paidAt(i, place, rank int) *big.Rat {
	c := &b.plan.Components[i]
	table, level := c.Table(b.class), place-c.start()+1
	if table == nil || level < 1 || level > table.Depth() {
		return new(big.Rat)
	}
	return new(big.Rat).Mul(b.factor(i), rat(table.Cell(level, rank).Rate))
}

// factor is what a component's rates are multiplied with at most.
func (b *bounder) factor(i int) *big.Rat {
	c := &b.plan.Components[i]
	factor := big.NewRat(c.Share().Num, c.Share().Den)
	if at := c.BaseIndex(); at >= 0 && b.parts[at].Share != nil {
		factor.Mul(factor, b.parts[at].Share)
	}
	return factor
}

// walk is what all components pay on the chain.
func (b *bounder) walk(chain []int) *big.Rat {
	paid := make([]*big.Rat, len(b.plan.Components))
	total := new(big.Rat)
	for i := range b.plan.Components {
		c := &b.plan.Components[i]
		paid[i] = new(big.Rat)
		table := c.Table(b.class)
		if !b.walks(i) || table == nil {
			continue
		}
		level := 1
		for place := c.start(); place < len(chain) && level <= table.Depth(); place++ {
			cell := table.Cell(level, chain[place])
			if cell.Rate == 0 && c.passesOver() && table.Opens(level) >= 0 {
				continue
			}
			paid[i].Add(paid[i], rat(cell.Rate))
			level++
			if c.Type == Retail {
				break
			}
		}
		paid[i].Mul(paid[i], big.NewRat(c.Share().Num, c.Share().Den))
		if at := c.BaseIndex(); at >= 0 {
			paid[i].Mul(paid[i], paid[at])
		}
		total.Add(total, paid[i])
	}
	return total
}
