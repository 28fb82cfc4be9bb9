package plan

import (
	"fmt"
	"slices"
	"strings"
)

func (p *Plan) validateComponents(r *reader) {
	if len(p.Components) == 0 || len(p.Components) > MaxComponents {
		r.report("components", fmt.Sprintf("has %d entries", len(p.Components)),
			fmt.Sprintf("write 1 to %d components", MaxComponents))
	}
	for i := range p.Components {
		p.validateComponent(r, i)
	}
}

func (p *Plan) validateComponent(r *reader, i int) {
	c, path := &p.Components[i], index("components", i)
	r.identifier(join(path, "id"), c.ID)
	if at := p.componentIndex(c.ID); at < i {
		r.report(join(path, "id"), fmt.Sprintf("%q is also the id of components[%d]", clip(c.ID), at),
			"give each component an id of its own, and keep it for ever: amounts are booked under it")
	}
	if len(c.Title) > maxTitle {
		r.report(join(path, "title"), fmt.Sprintf("is longer than %d bytes", maxTitle), "shorten it")
	}
	r.oneOf(join(path, "type"), c.Type, componentTypes)
	p.validateBase(r, i)
	r.share(join(path, "commissionable"), c.Commissionable)
	switch c.Type {
	case Retail:
		c.validateRetail(r, path)
	case Unilevel:
		r.oneOf(join(path, "tree"), c.Tree, []string{TreeSponsor, TreeEnroller, TreePlacement})
		r.oneOf(join(path, "levels_from"), c.LevelsFrom, []string{FromSeller, FromBuyer})
		r.oneOf(join(path, "compression"), c.Compression, []string{CompressNone, CompressDynamic, CompressToRank})
	}
	p.validateRates(r, c, join(path, "rates"))
}

// componentTypes are all types, in the order in which the documents tell them.
var componentTypes = []string{
	Retail, Unilevel, Differential, Generation, Binary, Matrix, Matching, FastStart, Infinity, Pool, RankAdvance, XUp,
	FirstOrder, CustomerAcquisition, Bands, Fixed,
}

func (p *Plan) componentIndex(id string) int {
	return slices.IndexFunc(p.Components, func(c Component) bool { return c.ID == id })
}

func (p *Plan) validateBase(r *reader, i int) {
	c, path := &p.Components[i], join(index("components", i), "base")
	name, ofComponent := strings.CutPrefix(c.Base, ComponentBase)
	switch {
	case c.Base == BaseProfit && c.Type == Unilevel:
		r.report(path, "profit is earned by the seller alone", "use net, cv or component:ID for levels")
	case c.Base == BaseNet, c.Base == BaseCV, c.Base == BaseProfit:
	case !ofComponent:
		r.report(path, fmt.Sprintf("%q is no base", clip(c.Base)), "write net, cv, profit or component:ID")
	default:
		if at := p.componentIndex(name); at < 0 {
			r.report(path, fmt.Sprintf("names %q, which is no component", clip(name)), "name a component written above this one")
		} else if at >= i {
			r.report(path, fmt.Sprintf("names %q, which is not calculated before this one", name),
				"write the component it is a share of above it")
		}
	}
}

// validateRetail refuses keys that would silently do nothing.
func (c *Component) validateRetail(r *reader, path string) {
	const mend = "leave it out, or make this a unilevel component"
	for _, field := range []struct{ key, text string }{
		{"tree", c.Tree}, {"levels_from", c.LevelsFrom}, {"compression", c.Compression},
	} {
		if field.text != "" {
			r.report(join(path, field.key), "means nothing for retail", mend)
		}
	}
	if c.IncludeSelf {
		r.report(join(path, "include_self"), "means nothing for retail",
			"to pay retail on own orders set attribution.self_retail")
	}
}

func (p *Plan) validateRates(r *reader, c *Component, path string) {
	if len(c.Rates) == 0 && (c.Type == Retail || c.Type == Unilevel) {
		r.report(path, "is empty, so the component pays nobody", "write at least one row")
	}
	if len(c.Rates) > MaxRates {
		r.report(path, fmt.Sprintf("has more than %d rows", MaxRates), "join rows with class or rank *")
		return
	}
	first := make(map[[2]string]int, len(c.Rates))
	for i := range c.Rates {
		row, at := &c.Rates[i], index(path, i)
		p.validateRow(r, c, row, at)
		key := [2]string{row.Class, row.Rank}
		if before, twice := first[key]; twice {
			r.report(at, fmt.Sprintf("is ambiguous: rates[%d] has the same class and rank", before), "keep one of the two")
		} else {
			first[key] = i
		}
	}
	if len(first) == len(c.Rates) { // Ambiguous rows have been named already; what they leave open is not known.
		p.validateHoles(r, c, path, first)
	}
}

func (p *Plan) validateRow(r *reader, c *Component, row *Rate, path string) {
	if row.Class != Any {
		r.word(join(path, "class"), row.Class)
	}
	if row.Rank != Any && !slices.Contains(p.Ranks, row.Rank) {
		r.report(join(path, "rank"), fmt.Sprintf("%q is no rank of this plan", clip(row.Rank)),
			"write *, or one of "+strings.Join(p.Ranks, ", "))
	}
	switch c.Type {
	case Retail:
		if row.Levels != nil {
			r.report(join(path, "levels"), "means nothing for retail", "write rate: instead")
		}
		r.share(join(path, "rate"), row.Rate)
	case Unilevel:
		if row.Rate != "" {
			r.report(join(path, "rate"), "means nothing for unilevel", "write levels: instead, level 1 first")
		}
		if row.Levels == nil || len(row.Levels) > MaxLevels {
			r.report(join(path, "levels"), "is missing or too long",
				fmt.Sprintf("write at most %d rates, level 1 first; [] opens no level", MaxLevels))
		}
		for i, text := range row.Levels {
			r.share(index(join(path, "levels"), i), text)
		}
	}
}

// validateHoles wants an answer for every rank of every class that is named. to_rank also wants that a level once open
// stays open for higher ranks, or "at least that rank" would not mean "is paid".
func (p *Plan) validateHoles(r *reader, c *Component, path string, rows map[[2]string]int) {
	var classes []string
	for i := range c.Rates {
		if class := c.Rates[i].Class; !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
	}
	for _, class := range classes {
		open := 0
		for _, rank := range p.Ranks {
			row := lookup(rows, class, rank)
			if row < 0 {
				r.report(path, fmt.Sprintf("has a hole: class %q has no row for rank %q", class, rank),
					"add the row, or one with rank *; a rate of 0%, or levels: [], pays nothing")
				break
			}
			levels := openLevels(c.Rates[row].Levels)
			if c.Compression == CompressToRank && levels < open {
				r.report(index(path, row), fmt.Sprintf("opens levels up to %d for rank %q, fewer than for a lower rank", levels, rank),
					"with compression to_rank open at least as many levels for a higher rank")
			}
			open = max(open, levels)
		}
	}
}

// lookup finds the most specific row: class before *, then rank before *; -1 where there is none.
func lookup(rows map[[2]string]int, class, rank string) int {
	for _, key := range [][2]string{{class, rank}, {class, Any}, {Any, rank}, {Any, Any}} {
		if i, ok := rows[key]; ok {
			return i
		}
	}
	return -1
}

// openLevels is the number of the highest level that pays.
func openLevels(levels []string) int {
	for i := len(levels); i > 0; i-- {
		if rate, err := parseShare(levels[i-1]); err != nil || rate > 0 {
			return i
		}
	}
	return 0
}
