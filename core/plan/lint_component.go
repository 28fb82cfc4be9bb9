package plan

import (
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
)

// component judges one component by itself.
func (l *linter) component(i int) {
	c, path := &l.plan.Components[i], index("components", i)
	l.condition(c.Requires, join(path, "requires"), "nobody ever earns by "+c.ID, "it keeps nobody from earning")
	switch {
	case !c.paysAnybody():
		l.err("pays-nothing", path, "pays nobody: every figure in it is zero", "fill in what it pays, or leave it out")
	case c.Type == RankAdvance && l.oneRankPaid(c):
		l.err("pays-nobody", path, "has an amount for the lowest rank only, which is nobody's advance", "give higher ranks an amount")
	case !l.somebodyEarns(c):
		l.err("pays-nobody", path, "pays only people who cannot have it: nobody whose status may earn and whose rank is paid can meet requires",
			"compare requires with eligible.statuses and with the ranks in rates")
	default:
		l.rates(c, join(path, "rates"))
		l.terms(c, join(path, c.Type))
		l.free(c, path)
	}
}

// paysAnybody tells whether any figure of the component is above zero. Where nothing of the base counts, only amounts are.
func (c *Component) paysAnybody() bool {
	var texts, shares []string
	for i := range c.Rates {
		row := &c.Rates[i]
		shares = append(append(shares, row.Levels...), row.Rate, row.Shares)
		texts = append(texts, row.Amount)
		for _, currency := range sortedKeys(row.Amounts) {
			texts = append(texts, row.Amounts[currency])
		}
	}
	for _, band := range c.bands() {
		shares, texts = append(shares, band.Rate), append(texts, band.Amount)
	}
	if c.Commissionable == "" || !isZero(c.Commissionable) {
		texts = append(texts, shares...)
	} else if c.Type == Binary {
		return false // Its amounts are for volume in the legs.
	}
	if c.MatrixTerms != nil {
		for _, done := range c.MatrixTerms.Completion {
			texts = append(texts, done.Amount)
		}
	}
	if c.PoolTerms != nil && isZero(c.PoolTerms.Share) {
		return false
	}
	return slices.ContainsFunc(texts, func(text string) bool { return !isZero(text) })
}

// isZero tells whether a canonical figure is nothing.
func isZero(text string) bool { return strings.Trim(text, "0.%") == "" }

func (c *Component) bands() []Band {
	switch {
	case c.DifferentialTerms != nil:
		return c.DifferentialTerms.Bands
	case c.AcquisitionTerms != nil:
		return c.AcquisitionTerms.Bands
	case c.BandsTerms != nil:
		return c.BandsTerms.Bands
	}
	return nil
}

// paysRank tells whether a row of the component pays a rank anything; a component without rows pays all ranks.
func (c *Component) paysRank(ranks []string, rank int) bool {
	rows := c.rowIndex()
	if len(rows) == 0 {
		return true
	}
	for i := range c.Rates {
		if at := lookup(rows, c.Rates[i].Class, ranks[rank]); at >= 0 && c.Rates[at].pays() {
			return true
		}
	}
	return false
}

func (c *Component) rowIndex() map[[2]string]int {
	rows := make(map[[2]string]int, len(c.Rates))
	for i := range c.Rates {
		rows[[2]string{c.Rates[i].Class, c.Rates[i].Rank}] = i
	}
	return rows
}

func (row *Rate) pays() bool {
	paid := slices.ContainsFunc(row.Levels, func(text string) bool { return !isZero(text) })
	for _, currency := range sortedKeys(row.Amounts) {
		paid = paid || !isZero(row.Amounts[currency])
	}
	return paid || !isZero(row.Rate) || !isZero(row.Amount) || !isZero(row.Shares)
}

// somebodyEarns tells whether anybody whose status may earn, of any rank that is paid, can meet requires.
func (l *linter) somebodyEarns(c *Component) bool {
	if c.Requires == nil || l.never(c.Requires) {
		return true // The second is named already.
	}
	alternatives, ok := l.cases(&Condition{All: []Condition{l.plan.mayEarn(), *c.Requires}}, true)
	if !ok {
		return true // Too many to judge.
	}
	for rank := range l.plan.Ranks {
		for _, b := range alternatives {
			at := b.with(figure{measure: MeasureRank}, int64(rank), int64(rank))
			if c.paysRank(l.plan.Ranks, rank) && len(l.possible([]box{at})) > 0 {
				return true
			}
		}
	}
	return false
}

// rates finds levels nobody opens and ranks that are paid less than lower ones.
func (l *linter) rates(c *Component, path string) {
	for _, class := range c.tables {
		for level := 1; level <= class.table.Depth(); level++ {
			if class.table.Opens(level) < 0 && c.rowKey() == keyLevels {
				l.warn("level-closed", path, fmt.Sprintf("opens level %d of class %q to no rank, so that it is used up and pays nobody", level, class.class),
					"give it a rate, or leave it out")
			}
			l.shrinks(c, class, level, path)
		}
		l.figuresShrink(c, class, path)
	}
	used := l.used(c)
	for i := range c.Rates {
		if row := &c.Rates[i]; row.Limit != "" && isZero(row.Limit) && row.pays() {
			l.warn("cap-zero", join(index(path, i), "limit"), "is nothing, so that all it pays is cut", "raise it, or pay this rank nothing")
		}
		if !used[i] && c.Rates[i].pays() {
			l.warn("row-unused", index(path, i), "is never used: every class and rank has a row that says more", "leave it out")
		}
	}
}

// shrinks reports the first rank that gets less of a level than a lower rank.
func (l *linter) shrinks(c *Component, class classTable, level int, path string) {
	var before money.Rate
	for rank := range l.plan.Ranks {
		cell := class.table.Cell(level, rank)
		if cell.Rate < before {
			l.warn("rank-shrinks", index(path, cell.Row), fmt.Sprintf("pays rank %q %s at level %d of class %q, less than a lower rank's %s",
				l.plan.Ranks[rank], cell.Rate, level, class.class, before), "check the rates of "+c.ID)
			return
		}
		before = cell.Rate
	}
}

// figuresShrink does the same for amounts, shares and limits.
func (l *linter) figuresShrink(c *Component, class classTable, path string) {
	for _, figure := range []struct {
		name string
		of   func(*Rate) string
	}{
		{keyAmount, func(r *Rate) string { return r.Amount }},
		{keyShares, func(r *Rate) string { return r.Shares }},
		{"limit", func(r *Rate) string { return r.Limit }},
	} {
		before, beforeText := money.Volume(0), ""
		for rank := range l.plan.Ranks {
			if class.table.Depth() == 0 {
				return
			}
			cell := class.table.Cell(1, rank)
			text := figure.of(&c.Rates[cell.Row])
			value, err := money.ParseVolume(text)
			if err != nil {
				continue
			}
			if value < before {
				l.warn("rank-shrinks", index(path, cell.Row), fmt.Sprintf("gives rank %q the %s %s, less than a lower rank's %s",
					l.plan.Ranks[rank], figure.name, text, beforeText), "check the rows of "+c.ID)
				break
			}
			before, beforeText = value, text
		}
	}
}

// used tells of every row whether any rank of any class, named or not, looks it up.
func (l *linter) used(c *Component) []bool {
	out, rows := make([]bool, len(c.Rates)), c.rowIndex()
	for _, class := range append(rowClasses(c), Any) {
		for _, rank := range l.plan.Ranks {
			if at := lookup(rows, class, rank); at >= 0 {
				out[at] = true
			}
		}
	}
	return out
}

// terms finds figures that contradict each other.
func (l *linter) terms(c *Component, path string) {
	lowest := l.plan.Ranks[0]
	switch {
	case c.UnilevelTerms != nil:
		l.depth(c, path)
	case c.DifferentialTerms != nil && c.DifferentialTerms.Breakaway == lowest:
		l.err("breakaway-lowest", join(path, "breakaway"), "is the lowest rank, so that every leg breaks away and no differential is paid", "name a higher rank")
	case c.DifferentialTerms != nil && c.DifferentialTerms.Breakaway != "" && len(c.DifferentialTerms.Overrides) == 0 && c.DifferentialTerms.SameRank == "":
		l.warn("breakaway-unpaid", join(path, "breakaway"), "takes legs out of the differential, but nothing is paid on them afterwards", "write overrides, or leave breakaway out")
	case c.GenerationTerms != nil && c.GenerationTerms.Boundary == lowest:
		l.warn("boundary-lowest", join(path, "boundary"), "is the lowest rank, so that everybody heads a generation and these are plain levels", "name a higher rank, or use unilevel")
	case c.InfinityTerms != nil && c.InfinityTerms.Stop == StopSameRank && l.oneRankPaid(c):
		l.err("pays-nobody", join(path, "stop"), "is same_rank, but only the lowest rank is paid, which everybody below has", "pay higher ranks, or choose another stop")
	case c.BinaryTerms != nil:
		l.binary(c, path)
	case c.PoolTerms != nil && c.PoolTerms.Share == "100%":
		l.warn("pool-whole", join(path, "share"), "gives away the whole base", "write a smaller share")
	}
}

func (l *linter) oneRankPaid(c *Component) bool {
	for rank := 1; rank < len(l.plan.Ranks); rank++ {
		if c.paysRank(l.plan.Ranks, rank) {
			return false
		}
	}
	return true
}

// depth compares what active legs open with what there is to open.
func (l *linter) depth(c *Component, path string) {
	steps, deepest := c.UnilevelTerms.Depth, 0
	for _, class := range c.tables {
		deepest = max(deepest, class.table.Depth())
	}
	last := steps[len(steps)-1].Levels
	switch {
	case last > deepest:
		l.warn("level-closed", join(path, "depth"), fmt.Sprintf("opens up to %d levels, but the rates end at level %d", last, deepest), "add the rates, or leave the step out")
	case last < deepest:
		l.warn("level-closed", join(path, "depth"), fmt.Sprintf("opens no more than %d levels, but the rates go down to level %d", last, deepest), "add a step, or leave the rates out")
	}
}

func (l *linter) binary(c *Component, path string) {
	t := c.BinaryTerms
	carry, okCarry := l.plan.BaseUnits(c, t.MaxCarry)
	stronger, okStronger := l.plan.BaseUnits(c, t.Stronger)
	weaker, _ := l.plan.BaseUnits(c, t.Weaker)
	if okStronger && stronger < weaker {
		l.warn("contradiction", join(path, "stronger"), "takes less of the stronger leg than of the weaker one", "exchange the two")
	}
	if t.Pay == PayCycles && okCarry && okStronger && carry < max(weaker, stronger) {
		l.warn("contradiction", join(path, "max_carry"), "is less than one cycle takes, so that a leg cannot be saved up for one", "raise it")
	}
	if t.OwnerLimit != "" && isZero(t.OwnerLimit) {
		l.warn("cap-zero", join(path, "owner_limit"), "is nothing, so that nobody gets anything", "raise it, or leave the component out")
	}
	if limit, ok := l.plan.PeriodMinor(t.OwnerLimit); ok && l.plan.Placement.Positions <= 1 {
		for i := range c.Rates {
			if own, ok := l.plan.PeriodMinor(c.Rates[i].Limit); ok && own <= limit && own > 0 {
				l.warn("never-binds", join(path, "owner_limit"), "is no lower than the limit of a position, and every owner has one position", "leave it out, or allow more positions")
				return
			}
		}
	}
}
