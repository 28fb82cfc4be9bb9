package plan

import (
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
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
	rule, known := ruleOf(c.Type)
	r.oneOf(join(path, "type"), c.Type, componentTypes)
	r.share(join(path, "commissionable"), c.Commissionable)
	if !known {
		return // Which keys belong here depends on the type.
	}
	p.validateComponentPeriod(r, c, rule, path)
	p.validateBase(r, i, rule)
	p.validateWalk(r, c, rule, path)
	if c.Requires != nil && c.Period != PerOrder {
		p.validateCondition(r, c.Requires, join(path, "requires"), anywhere)
	}
	p.validateTerms(r, i, path)
	p.validateRates(r, c, rule, join(path, "rates"))
}

func (p *Plan) componentIndex(id string) int {
	return slices.IndexFunc(p.Components, func(c Component) bool { return c.ID == id })
}

// validateComponentPeriod keeps what depends on other orders away from components that are paid as each order settles.
func (p *Plan) validateComponentPeriod(r *reader, c *Component, rule typeRule, path string) {
	at := join(path, "period")
	if !slices.Contains(periodNames, c.Period) && c.Period != PerOrder {
		r.report(at, fmt.Sprintf("%q is no period", clip(c.Period)), "write order, daily, weekly, monthly or quarterly")
	}
	if c.Period == PerOrder && !rule.perOrder {
		r.report(at, "is order, but "+whyPerPeriod(c.Type), "write daily, weekly, monthly or quarterly")
	}
	if c.Type == RankAdvance && c.Period != p.Qualification.Period {
		r.report(at, fmt.Sprintf("is %s, but ranks are reached %s", c.Period, p.Qualification.Period),
			"write the same period as qualification.period")
	}
	if c.Period == PerOrder && c.Requires != nil {
		r.report(join(path, "requires"), "is a condition on volume or activity, which a component paid per order cannot have",
			"what depends on other orders is decided at the end of a period; leave it out here, or write period: monthly")
	}
}

func (p *Plan) validateBase(r *reader, i int, rule typeRule) {
	c, path := &p.Components[i], join(index("components", i), "base")
	if share, err := parseShare(c.Commissionable); c.paysAmounts() && err == nil && share != money.One {
		r.report(join(index("components", i), "commissionable"), "means nothing for "+c.Type+" where amounts are what counts", "leave it out")
	}
	if len(rule.bases) == 0 {
		if c.Base != "" {
			r.report(path, "means nothing for "+c.Type, "leave it out")
		}
		return
	}
	name, ofComponent := strings.CutPrefix(c.Base, ComponentBase)
	switch {
	case c.Base == BaseProfit && c.Type != Retail:
		r.report(path, "profit is earned by the seller alone", "use net, cv or component:ID for levels")
	case c.Base == BaseProfit && c.Period != PerOrder:
		r.report(path, "profit is known order by order alone", "use net or cv, or write period: order")
	case c.Base == BaseNet && c.Period != PerOrder && p.Currency != string(p.PeriodCurrency()):
		r.report(path, "is net, which is in the orders' currencies and cannot be added up over a period",
			"use cv, or give the plan one currency instead of shop")
	case c.Base == BaseNet, c.Base == BaseCV, c.Base == BaseProfit:
	case !ofComponent:
		r.report(path, fmt.Sprintf("%q is no base", clip(c.Base)), "write net, cv, profit or component:ID")
	case !slices.Contains(rule.bases, ComponentBase):
		r.report(path, c.Type+" is paid on volume, not on what was earned", "use net or cv, or a component of type matching")
	case c.Period != PerOrder:
		r.report(path, "is what another component pays on a line, which is known order by order alone",
			"use net or cv, a component of type matching, or period: order")
	default:
		p.validateComponentBase(r, i, name, path)
	}
}

func (p *Plan) validateComponentBase(r *reader, i int, name, path string) {
	at := p.componentIndex(name)
	switch {
	case at < 0:
		r.report(path, fmt.Sprintf("names %q, which is no component", clip(name)), "name a component written above this one")
	case at >= i:
		r.report(path, fmt.Sprintf("names %q, which is not calculated before this one", name),
			"write the component it is a share of above it")
	case p.Components[at].Period != PerOrder:
		r.report(path, fmt.Sprintf("names %q, which is paid %s and not per order", name, p.Components[at].Period),
			"give it period: order, or use a component of type matching")
	}
}

// span is a period as a part of a sentence.
func span(period string) string {
	if period == PerOrder {
		return "per order"
	}
	return period
}

// validateWalk checks where the component goes, and refuses keys that would silently do nothing.
func (p *Plan) validateWalk(r *reader, c *Component, rule typeRule, path string) {
	r.wordFor(join(path, "tree"), c.Type, c.Tree, rule.trees)
	r.wordFor(join(path, "compression"), c.Type, c.Compression, rule.compressions)
	var from []string
	if rule.counting {
		from = []string{FromSeller, FromBuyer}
	}
	r.wordFor(join(path, "levels_from"), c.Type, c.LevelsFrom, from)
	if c.IncludeSelf && c.Type == Retail {
		r.report(join(path, "include_self"), "means nothing for retail",
			"to pay retail on own orders set attribution.self_retail")
	} else if c.IncludeSelf && !rule.counting {
		r.report(join(path, "include_self"), "means nothing for "+c.Type, "leave it out")
	}
	switch {
	case c.Tree == "" || c.Tree == TreeSponsor || !slices.Contains(rule.trees, c.Tree):
	case c.Period == PerOrder && c.Tree == TreePlacement:
		r.report(join(path, "tree"), "is placement, but who joins may be placed only after an order is settled",
			"write tree: sponsor or enroller, or a period such as monthly")
	case c.Tree == TreePlacement && p.Placement == nil && len(rule.trees) > 1: // Else its terms say so.
		r.report(join(path, "tree"), "is placement, but the plan says nothing of how places are given",
			"add a section such as placement: {width: 2, strategy: weaker_leg}")
	}
}

// wordFor wants one of words, or nothing where there are none for the type.
func (r *reader) wordFor(path, of, word string, words []string) {
	switch {
	case len(words) > 0:
		r.oneOf(path, word, words)
	case word != "" && of == Retail:
		r.report(path, "means nothing for retail", "leave it out, or make this a unilevel component")
	case word != "":
		r.report(path, "means nothing for "+of, "leave it out")
	}
}

func (p *Plan) validateRates(r *reader, c *Component, rule typeRule, path string) {
	if c.rowKey() == "" {
		if len(c.Rates) > 0 {
			r.report(path, "means nothing for "+c.Type+" with bands", "write what is paid into the bands")
		}
		return
	}
	if len(c.Rates) == 0 && (c.MatrixTerms == nil || len(c.MatrixTerms.Completion) == 0) {
		r.report(path, "is empty, so the component pays nobody", "write at least one row")
	}
	if len(c.Rates) > MaxRates {
		r.report(path, fmt.Sprintf("has more than %d rows", MaxRates), "join rows with class or rank *")
		return
	}
	first := make(map[[2]string]int, len(c.Rates))
	for i := range c.Rates {
		row, at := &c.Rates[i], index(path, i)
		p.validateRow(r, c, rule, row, at)
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

func (p *Plan) validateRow(r *reader, c *Component, rule typeRule, row *Rate, path string) {
	if row.Class != Any && !rule.classes {
		r.report(join(path, "class"), "means nothing for "+c.Type+", which looks at all products together", "leave it out")
	} else if row.Class != Any {
		r.word(join(path, "class"), row.Class)
	}
	if row.Rank != Any {
		p.rankName(r, join(path, "rank"), row.Rank, "write *, or one of ")
	}
	key := c.rowKey()
	for _, field := range []struct {
		key   string
		given bool
	}{
		{keyRate, row.Rate != ""},
		{keyLevels, row.Levels != nil},
		{keyAmount, row.Amount != ""},
		{"amounts", row.Amounts != nil},
		{keyShares, row.Shares != ""},
		{"limit", row.Limit != ""},
	} {
		goes := field.key == key || field.key == "amounts" && key == keyAmount || field.key == "limit" && c.Type == Binary
		if field.given && !goes {
			r.report(join(path, field.key), "means nothing for "+c.Type, "write "+example(key)+" instead")
		}
	}
	p.validatePay(r, c, row, key, path)
	if row.Limit != "" && c.Type == Binary {
		r.amount(join(path, "limit"), row.Limit, string(p.PeriodCurrency()))
	}
}

// example is how a key of a row is written.
func example(key string) string {
	if key == keyLevels {
		return "levels:, level 1 first,"
	}
	return key + ":"
}

// validatePay reads what one row pays.
func (p *Plan) validatePay(r *reader, c *Component, row *Rate, key, path string) {
	switch key {
	case keyRate:
		r.share(join(path, keyRate), row.Rate)
	case keyLevels:
		most := MaxLevels
		if c.MatrixTerms != nil && c.MatrixTerms.Depth > 0 {
			most = min(most, c.MatrixTerms.Depth)
		}
		if row.Levels == nil || len(row.Levels) > most {
			r.report(join(path, keyLevels), "is missing or too long",
				fmt.Sprintf("write at most %d rates, level 1 first; [] opens no level", most))
		}
		for i, text := range row.Levels {
			r.share(index(join(path, keyLevels), i), text)
		}
	case keyAmount:
		p.validateRowAmount(r, c, row, path)
	case keyShares:
		if shares, err := money.ParseVolume(row.Shares); err != nil || shares < 0 {
			r.report(join(path, keyShares), fmt.Sprintf("%q is no number of shares", clip(row.Shares)),
				`write a number of zero or more, such as "1" or "2.5"`)
		}
	}
}

// validateRowAmount wants an amount in every currency the component can come to pay in.
func (p *Plan) validateRowAmount(r *reader, c *Component, row *Rate, path string) {
	at := join(path, keyAmount)
	switch {
	case (row.Amount == "") == (row.Amounts == nil):
		r.report(at, "and amounts must not both be given, nor both be missing", `write amount: "30", or amounts: {EUR: "30"}`)
	case row.Amounts != nil:
		r.amounts(join(path, "amounts"), row.Amounts)
		_, own := row.Amounts[string(p.PeriodCurrency())]
		_, others := row.Amounts[Any]
		if c.Period != PerOrder && !own && !others && p.PeriodCurrency() != "" {
			r.report(join(path, "amounts"), fmt.Sprintf("has no amount in %s, which is paid per period", p.PeriodCurrency()), "add it")
		}
	case c.Period == PerOrder && p.Currency == ShopCurrency:
		r.report(at, fmt.Sprintf("%q has no currency, since orders come in their shops' currencies", clip(row.Amount)),
			`write amounts: {EUR: "30"} with every currency, or "*" for the same figure in all others`)
	case c.Period == PerOrder:
		r.amount(at, row.Amount, p.Currency)
	default:
		r.amount(at, row.Amount, string(p.PeriodCurrency()))
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
	nothing := map[string]string{keyRate: "a rate of 0%", keyLevels: "levels: []", keyAmount: `an amount of "0"`, keyShares: `shares: "0"`}
	for _, class := range classes {
		open := 0
		for _, rank := range p.Ranks {
			row := lookup(rows, class, rank)
			if row < 0 {
				r.report(path, fmt.Sprintf("has a hole: class %q has no row for rank %q", class, rank),
					"add the row, or one with rank *; "+nothing[c.rowKey()]+" pays nothing")
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
