package plan

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
)

// Payout is the most a plan can pay, whatever the tree, the ranks and the orders are: exact per component, and exact in
// all where Witness reaches it. Shares are of net, on products whose CV is worth their net; where CV is worth less,
// what is paid on CV is less in proportion. Rounding of each amount to whole minor units comes on top.
//
// What is not a share of any sale (an amount per unit, per rank, per place) cannot be set against one; Part.Apart says
// it in words.
type Payout struct {
	Classes  []Bound  // the classes that are named, in order of names, then Any for all others
	Total    *big.Rat // of the worst class, after caps of the whole company; nil: there is no bound
	CappedBy string   // id of the cap that makes Total what it is; "" for none
	Worst    int      // index into Classes
}

// Bound is the most that can be paid on products of one class.
type Bound struct {
	Class   string
	Parts   []Part
	Total   *big.Rat // the most all parts come to together, after caps per line; nil: there is no bound
	Witness Witness
}

// Part is the most that one component can pay.
type Part struct {
	Component string
	Of        string   // BaseNet or BaseCV
	Share     *big.Rat // of what Of names; nil: there is no bound
	How       string   // in which constellation, as a sentence
	Apart     string   // what it pays beside any share; "" for nothing
	PerOrder  bool
	Instead   bool // Total counts less of it, since it is dearest where a fast start takes sales away from others
}

// Witness is an order that is paid Share by the components that settle per order, before caps: a customer buys from the
// first of Ranks, and the others are the uplines, nearest first.
type Witness struct {
	Ranks []string
	Share *big.Rat
	Exact bool // Share is the sum of the bounds of the components that settle per order
	// New means that the seller was enrolled Day whole days before the order, so that some fast start pays.
	New bool
	Day int
}

// Bound computes the worst case. The plan must come from Parse.
func (p *Plan) Bound() Payout {
	out := Payout{Total: new(big.Rat)}
	classes := p.boundClasses()
	for _, class := range classes {
		out.Classes = append(out.Classes, p.classBound(class, len(classes)))
	}
	for i := range out.Classes {
		if above(out.Classes[i].Total, out.Classes[out.Worst].Total) {
			out.Worst = i
		}
	}
	out.Total = out.Classes[out.Worst].Total
	if total := p.underComponentCaps(out.Classes); above(out.Total, total) {
		out.Total = total
	}
	for i := range p.Caps {
		c := &p.Caps[i]
		share, ok := c.LimitShare()
		if !ok || c.Scope != ScopeCompany {
			continue
		}
		if total := plus(rat(share), p.outside(out.Classes, p.CapPeriod(c))); above(out.Total, total) {
			out.Total, out.CappedBy = total, c.ID
		}
	}
	return out
}

// underComponentCaps is the sum of what every component pays at most in any class, under the cap of that component. An
// order may hold several classes, so that the caps of one class alone are not enough.
func (p *Plan) underComponentCaps(classes []Bound) *big.Rat {
	sum := new(big.Rat)
	for i := range p.Components {
		most := new(big.Rat)
		for j := range classes {
			if share := classes[j].Parts[i].Share; above(share, most) {
				most = share
			}
		}
		for j := range p.Caps {
			c := &p.Caps[j]
			if share, ok := c.LimitShare(); ok && c.Scope == ScopeComponent && c.Component == p.Components[i].ID {
				most = least(most, rat(share))
			}
		}
		sum = plus(sum, most)
	}
	return sum
}

// outside is the most that what does not fall into a cap's period can pay in any class.
func (p *Plan) outside(classes []Bound, per string) *big.Rat {
	most := new(big.Rat)
	for j := range classes {
		sum := new(big.Rat)
		for i := range p.Components {
			if !Nests(p.Components[i].Period, per) {
				sum = plus(sum, classes[j].Parts[i].Share)
			}
		}
		if above(sum, most) {
			most = sum
		}
	}
	return most
}

// boundClasses are all classes named in any row, sorted, and Any.
func (p *Plan) boundClasses() []string {
	var classes []string
	for i := range p.Components {
		classes = append(classes, rowClasses(&p.Components[i])...)
	}
	slices.Sort(classes)
	classes = slices.DeleteFunc(slices.Compact(classes), func(class string) bool { return class == Any })
	return append(classes, Any)
}

// above tells whether a is more than b; nil is more than everything else.
func above(a, b *big.Rat) bool { return b != nil && (a == nil || a.Cmp(b) > 0) }

// plus adds, where nil stays without bound.
func plus(a, b *big.Rat) *big.Rat {
	if a == nil || b == nil {
		return nil
	}
	return new(big.Rat).Add(a, b)
}

func least(a, b *big.Rat) *big.Rat {
	if above(a, b) {
		return b
	}
	return a
}

func rat(rate money.Rate) *big.Rat { return big.NewRat(int64(rate), int64(money.One)) }

// maxBoundWork bounds what is tried for witnesses and for fast starts that exclude others: in all classes, some seconds.
const maxBoundWork = 1 << 20

// classBound tries every choice of fast starts that take a sale away from other components, and keeps the dearest. Of
// too many of them the last are added to the others, as if they excluded nothing: no less than the truth.
func (p *Plan) classBound(class string, classes int) Bound {
	var exclusive []int
	for i := range p.Components {
		if t := p.Components[i].FastStartTerms; t != nil && len(t.Excludes) > 0 && classes<<len(exclusive) < 1<<10 {
			exclusive = append(exclusive, i)
		}
	}
	var best Bound
	var parts []Part // of each component the most in any choice
	for mask := range 1 << len(exclusive) {
		b := bounder{plan: p, class: class, off: make([]bool, len(p.Components))}
		for j, i := range exclusive {
			if mask&(1<<j) == 0 {
				b.off[i] = true
			} else {
				b.exclude(i)
			}
		}
		if bound := b.bound(); mask == 0 || above(bound.Total, best.Total) {
			best = bound
			best.Witness = b.witness(classes)
		}
		parts = dearest(parts, b.parts)
	}
	for i := range parts {
		if parts[i].Share == nil || best.Parts[i].Share != nil && parts[i].Share.Cmp(best.Parts[i].Share) > 0 {
			parts[i].Instead = best.Parts[i].Share != nil
		}
	}
	best.Parts = parts
	return best
}

// dearest takes of each component the part with the higher share.
func dearest(a, b []Part) []Part {
	if a == nil {
		return slices.Clone(b)
	}
	for i := range a {
		if above(b[i].Share, a[i].Share) {
			a[i] = b[i]
		}
	}
	return a
}

// bounder works on one class. Components that are off do not pay on the sale.
type bounder struct {
	plan  *Plan
	class string
	off   []bool
	parts []Part
	order *big.Rat // the sum of what settles per order, before caps
}

func (b *bounder) exclude(by int) {
	for i := range b.plan.Components {
		if b.plan.Components[by].Excludes(&b.plan.Components[i]) {
			b.off[i] = true
		}
	}
}

func (b *bounder) bound() Bound {
	for i := range b.plan.Components {
		b.parts = append(b.parts, b.part(i))
	}
	out := Bound{Class: b.class, Parts: b.parts}
	order, period := new(big.Rat), new(big.Rat)
	for i := range b.parts {
		if b.parts[i].PerOrder {
			order = plus(order, b.parts[i].Share)
		} else {
			period = plus(period, b.parts[i].Share)
		}
	}
	b.order = order
	for i := range b.plan.Caps {
		c := &b.plan.Caps[i]
		if share, ok := c.LimitShare(); ok && c.Scope == ScopeLine {
			order = least(order, rat(share))
		}
	}
	out.Total = plus(order, period)
	return out
}

// part is the most one component pays.
func (b *bounder) part(i int) Part {
	c := &b.plan.Components[i]
	part := Part{Component: c.ID, Of: c.Base, Share: new(big.Rat), PerOrder: c.Period == PerOrder}
	base := rat(money.One)
	switch at := c.BaseIndex(); {
	case b.off[i]:
		part.How = "does not pay where a fast start takes the sale"
		return part
	case at >= 0:
		base, part.Of = b.parts[at].Share, b.parts[at].Of
	case c.Base == BaseProfit:
		part.Of = BaseNet
	case c.Base == "":
		part.Of = BaseNet
	}
	share, how, apart := b.rule(c)
	part.How, part.Apart = how, apart
	if share == nil || base == nil {
		part.Share = nil
		return part
	}
	factor := big.NewRat(c.Share().Num, c.Share().Den)
	if c.paysAmounts() || c.Type == Bands {
		factor = rat(money.One) // Amounts are paid whole; of the rates of bands the factor is taken where they are.
	}
	part.Share = new(big.Rat).Mul(new(big.Rat).Mul(share, base), factor)
	return part
}

// rule is what a component pays at most of its commissionable base; nil where nothing bounds it.
func (b *bounder) rule(c *Component) (share *big.Rat, how, apart string) {
	switch c.Type {
	case Retail, FirstOrder:
		return b.one(c, "a seller of rank %s")
	case XUp:
		return b.one(c, "the sale passes to somebody of rank %s")
	case Unilevel, FastStart, Matrix:
		share, how = b.levels(c, 0, b.deepest(c))
		return share, how, matrixApart(c)
	case Generation:
		return b.generation(c)
	case Matching:
		return b.matching(c)
	case Differential:
		return b.differential(c)
	case Infinity:
		return b.infinity(c)
	case Binary:
		return b.binary(c)
	case Pool:
		return rat(poolShare(c)), "the pool is shared out whole", ""
	case CustomerAcquisition:
		return b.acquisition(c)
	case Bands:
		return b.bands(c)
	case RankAdvance:
		return new(big.Rat), "pays no share of a sale", "amounts for ranks, up to " + b.dearest(c) + " once per person and rank"
	default:
		return b.fixed(c)
	}
}

// one is the highest rate of any rank.
func (b *bounder) one(c *Component, how string) (share *big.Rat, text, apart string) {
	table := c.Table(b.class)
	if table == nil || table.Depth() == 0 {
		return new(big.Rat), "pays nothing on this class", ""
	}
	rank := b.dearestRank(table, 1, 0)
	if table.Cell(1, rank).Rate == 0 {
		return new(big.Rat), "pays nothing on this class", ""
	}
	return rat(table.Cell(1, rank).Rate), fmt.Sprintf(how, b.plan.Ranks[rank]), ""
}

// dearestRank is the lowest rank that is paid most at a level.
func (b *bounder) dearestRank(t *Table, level, from int) int {
	best := from
	for rank := from; rank < len(b.plan.Ranks); rank++ {
		if t.Cell(level, rank).Rate > t.Cell(level, best).Rate {
			best = rank
		}
	}
	return best
}

// deepest is how many levels a component can come to pay.
func (b *bounder) deepest(c *Component) int {
	if t := c.UnilevelTerms; t != nil {
		return t.Depth[len(t.Depth)-1].Levels
	}
	return MaxLevels
}

// levels is the sum of the highest rates of every level.
func (b *bounder) levels(c *Component, from, deepest int) (share *big.Rat, how string) {
	table := c.Table(b.class)
	if table == nil {
		return new(big.Rat), "pays nothing on this class"
	}
	var sum money.Rate // At most MaxLevels times the whole, which fits.
	var ranks []string
	for level := 1; level <= min(table.Depth(), deepest); level++ {
		rank := b.dearestRank(table, level, from)
		sum += table.Cell(level, rank).Rate
		ranks = append(ranks, b.plan.Ranks[rank])
	}
	if len(ranks) == 0 {
		return new(big.Rat), "pays nothing on this class"
	}
	return rat(sum), "somebody at every level, nearest first: " + strings.Join(ranks, ", ")
}

func matrixApart(c *Component) string {
	if c.MatrixTerms == nil || len(c.MatrixTerms.Completion) == 0 {
		return ""
	}
	return "amounts for completed levels, whatever is sold"
}

// Percent writes a share for people: exact, or with a tilde and seven decimals.
func Percent(share *big.Rat) string {
	if share == nil {
		return "without bound"
	}
	hundred := new(big.Rat).Mul(share, big.NewRat(100, 1))
	text := hundred.FloatString(7)
	exact, _ := new(big.Rat).SetString(text)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if exact.Cmp(hundred) != 0 {
		text = "~" + text
	}
	return text + " %"
}
