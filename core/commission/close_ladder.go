package commission

import (
	"fmt"

	"upline.dev/upline/core/plan"
)

// ladder is one component's levels by one rate table.
type ladder struct {
	*closing
	index     int
	component *plan.Component
	table     *plan.Table
	depth     int      // levels
	passOver  bool     // whoever may not have a level is passed over, and the level goes on to the next above
	closed    []string // reasons by rank and level, each made once
	below     []string
	legs      []string // by step of unilevel.depth, from none
}

func (c *closing) ladder(index int, table *plan.Table) *ladder {
	l := &ladder{closing: c, index: index, component: &c.plan.Components[index], table: table, depth: table.Depth()}
	l.passOver = l.component.Compression == plan.CompressDynamic || l.component.Compression == plan.CompressToRank ||
		l.component.FastStartTerms != nil && l.component.FastStartTerms.RollUp
	l.closed, l.below = make([]string, len(c.plan.Ranks)*l.depth), make([]string, len(c.plan.Ranks)*l.depth)
	if l.component.UnilevelTerms != nil {
		l.legs = make([]string, len(l.component.UnilevelTerms.Depth)+1)
	}
	return l
}

// why says why a person cannot have a level; "" where they can. The rules are those of Calculate.
func (l *ladder) why(person int32, level int) string {
	if why := l.mayEarn(l.index, person); why != "" {
		return why
	}
	opens, rank := l.table.Opens(level), l.rank(person)
	switch {
	case opens < 0:
		return ""
	case l.component.Compression == plan.CompressToRank && rank < opens:
		return kept(l.below, rank*l.depth+level-1, func() string { return reasonBelow(l.plan.Ranks[rank], l.plan.Ranks[opens], level) })
	case l.table.Cell(level, rank).Rate == 0:
		return kept(l.closed, rank*l.depth+level-1, func() string { return reasonClosed(l.plan.Ranks[rank], level) })
	}
	return l.whyLegs(person, level)
}

// whyLegs is the same for levels opened by active legs.
func (l *ladder) whyLegs(person int32, level int) string {
	if l.component.UnilevelTerms == nil || len(l.component.UnilevelTerms.Depth) == 0 {
		return ""
	}
	steps, at := l.component.UnilevelTerms.Depth, 0
	for at < len(steps) && int(l.standing.Frontier[person]) >= steps[at].ActiveLegs {
		at++
	}
	open := 0
	if at > 0 {
		open = steps[at-1].Levels
	}
	if level <= open {
		return ""
	}
	return kept(l.legs, at, func() string {
		if at == 0 {
			return fmt.Sprintf("fewer than %d active legs", steps[0].ActiveLegs)
		}
		return fmt.Sprintf("%d active legs open %d levels", steps[at-1].ActiveLegs, open)
	})
}

// kept makes a text once.
func kept(texts []string, at int, text func() string) string {
	if texts[at] == "" {
		texts[at] = text()
	}
	return texts[at]
}

// term is a level's term at the rate of a cell.
func term(level int, cell *plan.Cell, base int64) Term {
	return Term{Level: int32(level), Row: int32(cell.Row), Base: base, Rate: cell.Ratio}
}

// meet pays or loses volume that looks for a level at a person, and gives the level it looks for next. why is l.why.
func (l *ladder) meet(person int32, level int, volume int64, why string) int {
	opens := l.table.Opens(level)
	switch {
	case why != "" && l.passOver:
		return level
	case opens < 0: // The level pays nobody, and is used up by whoever stands there.
	case why != "":
		l.lose(l.index, person, term(level, l.table.Cell(level, opens), volume), why)
	default:
		l.pay(l.index, person, term(level, l.table.Cell(level, l.rank(person)), volume))
	}
	return level + 1
}
