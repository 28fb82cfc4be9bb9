package plan

import (
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
)

func (p *Plan) validateCaps(r *reader) {
	if len(p.Caps) > MaxCaps {
		r.report("caps", fmt.Sprintf("has more than %d entries", MaxCaps), "join caps that say the same")
	}
	for i := range p.Caps {
		c, path := &p.Caps[i], index("caps", i)
		r.identifier(join(path, "id"), c.ID)
		if at := slices.IndexFunc(p.Caps, func(other Cap) bool { return other.ID == c.ID }); at < i {
			r.report(join(path, "id"), fmt.Sprintf("%q is also the id of caps[%d]", clip(c.ID), at),
				"give each cap an id of its own: breakage is explained by it")
		}
		r.oneOf(join(path, "scope"), c.Scope, []string{ScopeLine, ScopePerson, ScopeComponent, ScopeRank, ScopeCompany})
		r.oneOf(join(path, "enforce"), c.Enforce, []string{ProRata, Hard})
		r.oneOf(join(path, "per"), c.Per, append([]string{PerOrder, PerPeriod}, periodNames...))
		p.validateCapScope(r, c, path)
		p.validateLimit(r, c, path)
		p.validateCapPeriod(r, c, path)
	}
}

func (p *Plan) validateCapScope(r *reader, c *Cap, path string) {
	if (c.Scope == ScopeComponent) != (c.Component != "") {
		r.report(join(path, "component"), fmt.Sprintf("does not go with scope %s", c.Scope),
			"name a component exactly where scope is component")
	} else if c.Component != "" && p.componentIndex(c.Component) < 0 {
		r.report(join(path, "component"), fmt.Sprintf("names %q, which is no component", clip(c.Component)),
			"name one of the plan's components")
	}
	if (c.Scope == ScopeRank) != (c.Rank != "") {
		r.report(join(path, "rank"), fmt.Sprintf("does not go with scope %s", c.Scope), "name a rank exactly where scope is rank")
	} else if c.Rank != "" && !slices.Contains(p.Ranks, c.Rank) {
		r.report(join(path, "rank"), fmt.Sprintf("%q is no rank of this plan", clip(c.Rank)),
			"write one of "+strings.Join(p.Ranks, ", "))
	}
}

func (p *Plan) validateLimit(r *reader, c *Cap, path string) {
	at := join(path, "limit")
	switch {
	case (c.Limit == "") == (c.Limits == nil):
		r.report(at, "and limits must not both be given, nor both be missing",
			`write limit: 60%, or limits: {EUR: "50000"}`)
	case c.Limits != nil:
		r.amounts(join(path, "limits"), c.Limits)
	case strings.HasSuffix(c.Limit, "%"):
		if rate, err := money.ParseRate(c.Limit); err != nil || rate < 0 {
			r.report(at, fmt.Sprintf("%q is no share", clip(c.Limit)), "write percent of zero or more, such as 60%")
		}
		if c.Of != BaseNet && c.Of != BaseCV {
			r.report(join(path, "of"), fmt.Sprintf("%q is nothing a cap can be a share of", clip(c.Of)), "write net or cv")
		}
	case p.Currency == ShopCurrency:
		r.report(at, fmt.Sprintf("%q has no currency, since orders come in their shops' currencies", clip(c.Limit)),
			`write limits: {EUR: "50000"} with every currency, or "*" for the same figure in all others`)
	default:
		r.amount(at, c.Limit, p.Currency)
	}
	if c.Of != "" && !strings.HasSuffix(c.Limit, "%") {
		r.report(join(path, "of"), "means nothing for an amount", "leave it out")
	}
}

// amounts checks amounts by currency.
func (r *reader) amounts(path string, amounts map[string]string) {
	if len(amounts) == 0 {
		r.report(path, "is empty", `write at least one, such as {EUR: "50000"}`)
	}
	for _, name := range sortedKeys(amounts) {
		at, currency := join(path, name), name
		if name != Any && !money.Currency(name).Valid() {
			r.report(at, "is no currency", `write an ISO 4217 code in capitals, or "*" for all others`)
			continue
		}
		if name == Any {
			currency = "JPY" // Only whole units exist in every currency.
		}
		r.amount(at, amounts[name], currency)
	}
}

func (r *reader) amount(path, text, currency string) {
	if !money.Currency(currency).Valid() {
		return // The currency has a problem of its own.
	}
	if minor, err := money.ParseMinor(text, money.Currency(currency)); err != nil || minor < 0 {
		r.report(path, fmt.Sprintf("%q is no amount", clip(text)),
			`write major units of zero or more, such as "50000", without more decimals than the currency has`)
	}
}

// validateCapPeriod refuses what has no meaning over many orders, a line and a share of one order, and a span that what
// it limits does not fall into.
func (p *Plan) validateCapPeriod(r *reader, c *Cap, path string) {
	share := strings.HasSuffix(c.Limit, "%")
	switch at := p.componentIndex(c.Component); {
	case c.Scope == ScopeLine && c.Per != PerOrder:
		r.report(join(path, "per"), fmt.Sprintf("is %s, but a line belongs to one order", c.Per), "write per: order")
	case share && c.Per != PerOrder && c.Scope != ScopeCompany:
		r.report(join(path, "limit"), "is a share of one order's amount", "write an amount for a cap per period, or scope: company")
	case share && c.Per != PerOrder && c.Of == BaseNet && (p.Currency == ShopCurrency || p.Currency != string(p.PeriodCurrency())):
		r.report(join(path, "of"), "is net, which is in the orders' currencies and cannot be added up over a period",
			"write of: cv, or give the plan one currency instead of shop")
	case at >= 0 && !Nests(p.Components[at].Period, p.CapPeriod(c)):
		r.report(join(path, "per"), fmt.Sprintf("is %s, but %s is paid %s", c.Per, c.Component, span(p.Components[at].Period)),
			"write per: "+p.Components[at].Period)
	}
}

// CapPeriod is the period over which a cap counts: PerOrder, or Daily to Quarterly.
func (p *Plan) CapPeriod(c *Cap) string {
	if c.Per == PerPeriod {
		return p.Qualification.Period
	}
	return c.Per
}
