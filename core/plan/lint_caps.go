package plan

import (
	"fmt"
	"math/big"
	"strings"

	"upline.dev/upline/core/money"
)

// caps finds limits that never bind, and limits that leave nothing.
func (l *linter) caps() {
	bound := l.bound
	for i := range l.plan.Caps {
		c, path := &l.plan.Caps[i], index("caps", i)
		switch {
		case c.nothing():
			l.warn("cap-zero", join(path, "limit"), "is nothing, so that everything it counts is cut", "raise it, or leave the components out")
		case !l.counts(c):
			l.warn("never-binds", join(path, "per"), fmt.Sprintf("is %s, but nothing it limits is settled within that", c.Per), "compare it with the periods of the components")
		case l.aboveBound(c, &bound):
			l.warn("never-binds", join(path, "limit"), fmt.Sprintf("is %s, but what it limits never comes to more than %s", c.Limit, Percent(l.limited(c, &bound))),
				"lower it, or leave the cap out")
		default:
			l.dominated(i, path)
			l.aboveCompany(i, path)
		}
	}
}

func (c *Cap) nothing() bool {
	if c.Limits == nil {
		return isZero(c.Limit)
	}
	for _, currency := range sortedKeys(c.Limits) {
		if !isZero(c.Limits[currency]) {
			return false
		}
	}
	return true
}

// counts tells whether any component that a cap limits settles within the cap's period.
func (l *linter) counts(c *Cap) bool {
	for i := range l.plan.Components {
		component := &l.plan.Components[i]
		covered := c.Scope != ScopeComponent || c.Component == component.ID
		rank, _ := l.plan.Rank(c.Rank)
		covered = covered && (c.Scope != ScopeRank || component.paysRank(l.plan.Ranks, rank))
		if covered && Nests(component.Period, l.plan.CapPeriod(c)) {
			return true
		}
	}
	return false
}

// limited is the most that what a cap in percent counts can come to; nil where there is no bound. Person and rank are
// counted as if one person got everything.
func (l *linter) limited(c *Cap, bound *Payout) *big.Rat {
	worst := new(big.Rat)
	for i := range bound.Classes {
		sum := new(big.Rat)
		for _, part := range bound.Classes[i].Parts {
			component := &l.plan.Components[l.plan.componentIndex(part.Component)]
			if Nests(component.Period, l.plan.CapPeriod(c)) && (c.Scope != ScopeComponent || c.Component == part.Component) {
				if part.Apart != "" {
					return nil
				}
				sum = plus(sum, part.Share)
			}
		}
		if above(sum, worst) {
			worst = sum
		}
	}
	return worst
}

// aboveBound compares shares of the same thing only: a share of CV says nothing of what is paid on net, unless CV is
// worth the net.
func (l *linter) aboveBound(c *Cap, bound *Payout) bool {
	share, ok := c.LimitShare()
	if !ok {
		return false
	}
	for i := range l.plan.Components {
		component := &l.plan.Components[i]
		if l.baseBelow(component) != c.Of && Nests(component.Period, l.plan.CapPeriod(c)) && (c.Scope != ScopeComponent || c.Component == component.ID) {
			return false
		}
	}
	limited := l.limited(c, bound)
	return limited != nil && rat(share).Cmp(limited) >= 0
}

// baseBelow is the base under all components that are shares of others.
func (l *linter) baseBelow(c *Component) string {
	for c.BaseIndex() >= 0 {
		c = &l.plan.Components[c.BaseIndex()]
	}
	if c.MatchingTerms != nil {
		return l.baseBelow(&l.plan.Components[l.plan.componentIndex(c.MatchingTerms.Components[0])])
	}
	return c.Base
}

// dominated finds a cap that counts the same as another, with a limit that is no lower.
func (l *linter) dominated(i int, path string) {
	c := &l.plan.Caps[i]
	for j := range l.plan.Caps {
		other := &l.plan.Caps[j]
		same := j != i && other.Scope == c.Scope && other.Component == c.Component && other.Rank == c.Rank && other.Of == c.Of &&
			l.plan.CapPeriod(other) == l.plan.CapPeriod(c)
		if same && l.noHigher(other, c) && (j < i || !l.noHigher(c, other)) {
			l.warn("never-binds", path, fmt.Sprintf("limits the same as %s, which is no higher", other.ID), "keep one of the two")
			return
		}
	}
}

// aboveCompany finds a cap on one person or component that allows more than all together may have.
func (l *linter) aboveCompany(i int, path string) {
	c := &l.plan.Caps[i]
	if c.Scope == ScopeCompany || c.Scope == ScopeLine {
		return
	}
	for j := range l.plan.Caps {
		all := &l.plan.Caps[j]
		if all.Scope == ScopeCompany && all.Of == c.Of && l.plan.CapPeriod(all) == l.plan.CapPeriod(c) && l.noHigher(all, c) {
			l.warn("contradiction", join(path, "limit"), fmt.Sprintf("allows one %s as much as %s allows all together, or more", c.Scope, all.ID),
				"lower it, or leave one of the two out")
			return
		}
	}
}

// noHigher tells whether the limit of a is nowhere above that of b.
func (l *linter) noHigher(a, b *Cap) bool {
	shareA, okA := a.LimitShare()
	shareB, okB := b.LimitShare()
	if okA || okB {
		return okA && okB && shareA <= shareB
	}
	currencies := append(sortedKeys(a.Limits), sortedKeys(b.Limits)...)
	if a.Limits == nil && b.Limits == nil {
		currencies = []string{l.plan.Currency}
	}
	for _, name := range currencies {
		if name == Any {
			name = "XXX" // Stands for a currency that is not named; both limits are then whole units.
		}
		limitA, hasA := limitIn(a, name)
		limitB, hasB := limitIn(b, name)
		if !hasA || !hasB || limitA > limitB {
			return false
		}
	}
	return true
}

// limitIn is a cap's limit in micro-units of a currency's major unit.
func limitIn(c *Cap, currency string) (int64, bool) {
	text, ok := c.Limit, c.Limits == nil
	if !ok {
		if text, ok = c.Limits[currency]; !ok {
			text, ok = c.Limits[Any]
		}
	}
	limit, err := money.ParseVolume(text)
	return int64(limit), ok && err == nil
}

// payout compares the worst case with what there is to give.
func (l *linter) payout(limit money.Rate) {
	if limit == 0 {
		limit = money.One
	}
	bound := l.bound
	worst := &bound.Classes[bound.Worst]
	switch {
	case bound.Total == nil:
		for _, part := range worst.Parts {
			if part.Share == nil {
				l.warn("payout-unbounded", index("components", l.plan.componentIndex(part.Component)),
					"can pay more than was sold, without end: "+part.How, "add a cap of scope company, such as limit: 60%, of: cv, per: period")
			}
		}
	case bound.Total.Cmp(rat(limit)) > 0:
		l.err("payout-limit", "components", fmt.Sprintf("can pay %s of a sale of class %q, above the limit of %s: %s", Percent(bound.Total), worst.Class, Percent(rat(limit)), worst.tell(rat(limit))),
			"lower rates, or add a cap of scope company")
	}
}

// tell lists what every component pays at most, and an order that by itself is paid more than a limit.
func (b *Bound) tell(limit *big.Rat) string {
	text := ""
	for _, part := range b.Parts {
		if part.Share == nil || part.Share.Sign() > 0 {
			if text != "" {
				text += "; "
			}
			text += part.Component + " " + Percent(part.Share) + " (" + part.How + ")"
		}
	}
	if b.Witness.Share.Cmp(limit) > 0 {
		text += fmt.Sprintf("; a customer's order from the first of %s is paid %s before caps", strings.Join(b.Witness.Ranks, " < "), Percent(b.Witness.Share))
	}
	return text
}
