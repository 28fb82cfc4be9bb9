package commission

import (
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// capRule is one cap per order with everything it speaks of as numbers.
type capRule struct {
	scope, enforce, of string
	target             int32 // number of the component or rank that scope speaks of; -1 for one that is not there
	share              plan.Ratio
	limit              int64 // minor units, where of is ""
}

// capItem is one amount under caps; kept is what the caps so far have left of it.
type capItem struct {
	line, component, person, rank int32
	kept                          int64
}

// capCutting is what one rule took from one item.
type capCutting struct {
	item, rule int32
	minor      int64
}

// capper applies caps to the amounts of one order. Calculate and Recompute fill it each from what they have.
type capper struct {
	lines   []Line
	cv      plan.Ratio // where a rule is a share of CV
	items   []capItem
	cuts    []capCutting // rule by rule
	done    []bool
	group   []int32
	amounts []int64
}

func (c *capper) reset(lines []Line) {
	c.lines, c.items, c.cuts = lines, c.items[:0], c.cuts[:0]
}

// enforce applies one rule to each group of items it limits, in the order in which the groups appear.
func (c *capper) enforce(index int, rule *capRule) error {
	c.done = slices.Grow(c.done[:0], len(c.items))[:len(c.items)]
	clear(c.done)
	for i := range c.items {
		if c.done[i] || c.items[i].kept == 0 || !rule.covers(&c.items[i]) {
			continue
		}
		c.group, c.amounts = c.group[:0], c.amounts[:0]
		for j := i; j < len(c.items); j++ {
			if !c.done[j] && c.items[j].kept > 0 && rule.covers(&c.items[j]) && rule.together(&c.items[i], &c.items[j]) {
				c.group, c.amounts, c.done[j] = append(c.group, int32(j)), append(c.amounts, c.items[j].kept), true
			}
		}
		limit, err := c.limit(rule, c.items[i].line)
		if err != nil {
			return err
		}
		if err := c.cut(index, rule, limit); err != nil {
			return err
		}
	}
	return nil
}

// covers tells whether a cap speaks of an amount at all.
func (r *capRule) covers(item *capItem) bool {
	switch r.scope {
	case plan.ScopeComponent:
		return item.component == r.target
	case plan.ScopeRank:
		return item.rank == r.target
	default:
		return true
	}
}

// together tells whether two amounts share one limit.
func (r *capRule) together(a, b *capItem) bool {
	switch r.scope {
	case plan.ScopeLine:
		return a.line == b.line
	case plan.ScopePerson, plan.ScopeRank:
		return a.person == b.person
	default:
		return true
	}
}

// limit is the most a group may get: rounded down, so that a cap is never exceeded by a fraction.
func (c *capper) limit(rule *capRule, line int32) (int64, error) {
	if rule.of == "" {
		return rule.limit, nil
	}
	var base int64
	for i := range c.lines {
		if rule.scope == plan.ScopeLine && int32(i) != line {
			continue
		}
		part := c.lines[i].NetMinor
		if rule.of == plan.BaseCV {
			part = int64(c.lines[i].CV)
		}
		var err error
		if base, err = money.Add(base, part); err != nil {
			return 0, err
		}
	}
	exact, err := newProduct(base).times(rule.share)
	if err != nil {
		return 0, err
	}
	if rule.of == plan.BaseCV {
		if exact, err = exact.times(c.cv); err != nil {
			return 0, err
		}
	}
	return exact.round(money.Down)
}

// cut takes what is above the limit from the group.
func (c *capper) cut(index int, rule *capRule, limit int64) error {
	allowed, err := allow(c.amounts, limit, rule.enforce)
	if err != nil {
		return err
	}
	for i, item := range c.group {
		if cut := c.items[item].kept - allowed[i]; cut > 0 {
			c.items[item].kept = allowed[i]
			c.cuts = append(c.cuts, capCutting{item, int32(index), cut})
		}
	}
	return nil
}

// allow is how much of each amount a limit leaves: everything, where the sum is within it.
func allow(amounts []int64, limit int64, enforce string) ([]int64, error) {
	sum, err := money.Sum(amounts...)
	if err != nil {
		return nil, err
	}
	if sum <= limit {
		return amounts, nil
	}
	if enforce != plan.Hard {
		return money.Allocate(limit, amounts)
	}
	allowed := make([]int64, len(amounts))
	for i, amount := range amounts {
		allowed[i] = min(amount, limit)
		limit -= allowed[i]
	}
	return allowed, nil
}

// allowInPeriod is allow for what many people have, whose order says nothing of who was first: hard leaves one component
// after the other its whole, in the plan's order, and the people of the one at which the limit is used up share what is
// left of it in proportion. component tells each amount's.
func allowInPeriod(amounts []int64, limit int64, enforce string, components int, component func(i int) int) ([]int64, error) {
	if sum, err := money.Sum(amounts...); err != nil || sum <= limit || enforce != plan.Hard {
		return allow(amounts, limit, enforce)
	}
	allowed, parts := make([]int64, len(amounts)), make([]int64, len(amounts))
	for number := range components {
		for i, amount := range amounts {
			if parts[i] = 0; component(i) == number {
				parts[i] = amount
			}
		}
		left, err := allow(parts, limit, plan.ProRata)
		if err != nil {
			return nil, err
		}
		for i, amount := range left {
			allowed[i] += amount
			limit -= amount
		}
	}
	return allowed, nil
}

// cap applies the plan's caps per order to what the walk found.
func (w *Walker) cap() error {
	limits := w.plan.OrderCaps()
	if len(limits) == 0 {
		return nil
	}
	w.rules = w.rules[:0]
	for _, limit := range limits {
		rule, err := w.rule(limit)
		if err != nil {
			return err
		}
		w.rules = append(w.rules, rule)
	}
	for i := range w.amounts {
		a := &w.amounts[i]
		item := capItem{line: a.Line, component: a.Component, person: a.Position, rank: int32(a.rank)}
		if a.why == payable {
			item.kept = a.AmountMinor
		}
		w.caps.items = append(w.caps.items, item)
	}
	for i := range w.rules {
		if err := w.caps.enforce(i, &w.rules[i]); err != nil {
			return fmt.Errorf("cap %s: %w", limits[i].ID, err)
		}
	}
	for _, cut := range w.caps.cuts {
		w.amounts[cut.item].CutMinor += cut.minor // Cuts are parts of the amount.
	}
	return nil
}

// rule is a cap with its limit in the order's currency.
func (w *Walker) rule(limit *plan.Cap) (capRule, error) {
	rule := capRule{scope: limit.Scope, enforce: limit.Enforce, target: -1}
	switch limit.Scope {
	case plan.ScopeComponent:
		rule.target = int32(slices.IndexFunc(w.plan.Components, func(c plan.Component) bool { return c.ID == limit.Component }))
	case plan.ScopeRank:
		rank, _ := w.plan.Rank(limit.Rank) // Validated with the plan.
		rule.target = int32(rank)
	}
	share, ok := limit.LimitShare()
	if !ok {
		if rule.limit, ok = limit.LimitMinor(w.in.Currency); !ok {
			return capRule{}, &MissingRate{What: "cap " + limit.ID, Currency: w.in.Currency}
		}
		return rule, nil
	}
	rule.of, rule.share = limit.Of, plan.RatioOf(share)
	if rule.of == plan.BaseCV {
		var err error
		if w.caps.cv, err = w.cvToMoney(); err != nil {
			return capRule{}, err
		}
	}
	return rule, nil
}

// terms writes down what holds for the whole order: the caps with their limits in the order's currency.
func (w *Walker) terms() Terms {
	terms := Terms{LowestRank: w.plan.Ranks[0], Rounding: w.plan.Rounding}
	if w.in.Attribution.DistributorID == "" {
		return terms
	}
	for i, limit := range w.plan.OrderCaps() {
		rule := &w.rules[i]
		term := CapTerm{
			CapID: limit.ID, Scope: limit.Scope, Target: limit.Component + limit.Rank, Enforce: limit.Enforce, LimitMinor: rule.limit,
		}
		if rule.of != "" {
			term.Of, term.Share = rule.of, &Factor{Name: factorRate, Num: rule.share.Num, Den: rule.share.Den}
		}
		if rule.of == plan.BaseCV && terms.CVToMoney == nil {
			terms.CVToMoney = &Factor{Name: factorCVToMoney, Num: w.cv.Num, Den: w.cv.Den}
		}
		terms.Caps = append(terms.Caps, term)
	}
	return terms
}

// tellCuts adds the cuts to the steps and makes the events.
func (w *Walker) tellCuts(r *Result) {
	for _, cut := range w.caps.cuts {
		step := &r.Steps[cut.item]
		step.Cuts = append(step.Cuts, Cut{CapID: r.Terms.Caps[cut.rule].CapID, CutMinor: cut.minor})
	}
	r.makeEvents()
}

// finish applies the caps of the terms to the steps and makes the events.
func (r *Result) finish(lines []Line) error {
	c := capper{lines: lines}
	if cv := r.Terms.CVToMoney; cv != nil && cv.Den > 0 {
		c.cv = plan.Reduce(cv.Num, cv.Den)
	}
	var components, people, ranks []string
	for i := range r.Steps {
		step := &r.Steps[i]
		item := capItem{
			line:      int32(slices.IndexFunc(lines, func(line Line) bool { return line.LineID == step.LineID })),
			component: numberOf(&components, step.ComponentID), person: numberOf(&people, step.DistributorID), rank: numberOf(&ranks, step.Rank),
		}
		if step.Breakage == "" {
			item.kept = step.AmountMinor
		}
		c.items = append(c.items, item)
	}
	for i := range r.Terms.Caps {
		rule := r.Terms.Caps[i].rule(components, ranks)
		if rule.of == plan.BaseCV && c.cv.Den == 0 {
			return fmt.Errorf("cap %s: %w", r.Terms.Caps[i].CapID, money.ErrDivisor)
		}
		if err := c.enforce(i, &rule); err != nil {
			return fmt.Errorf("cap %s: %w", r.Terms.Caps[i].CapID, err)
		}
	}
	for _, cut := range c.cuts {
		r.Steps[cut.item].Cuts = append(r.Steps[cut.item].Cuts, Cut{CapID: r.Terms.Caps[cut.rule].CapID, CutMinor: cut.minor})
	}
	r.makeEvents()
	return nil
}

// numberOf numbers the few texts of one order.
func numberOf(known *[]string, text string) int32 {
	at := slices.Index(*known, text)
	if at < 0 {
		at = len(*known)
		*known = append(*known, text)
	}
	return int32(at)
}

func (t *CapTerm) rule(components, ranks []string) capRule {
	rule := capRule{scope: t.Scope, enforce: t.Enforce, of: t.Of, limit: t.LimitMinor, target: -1}
	switch t.Scope {
	case plan.ScopeComponent:
		rule.target = int32(slices.Index(components, t.Target))
	case plan.ScopeRank:
		rule.target = int32(slices.Index(ranks, t.Target))
	}
	if t.Share != nil {
		rule.share = plan.Reduce(t.Share.Num, t.Share.Den)
	}
	return rule
}

func (r *Result) makeEvents() {
	r.Events = make([]Event, 0, len(r.Steps))
	for i := range r.Steps {
		r.addEvents(i)
	}
}

// addEvents gives what a step pays, then what it does not pay and why.
func (r *Result) addEvents(index int) {
	step := &r.Steps[index]
	event := Event{LineID: step.LineID, ComponentID: step.ComponentID, DistributorID: step.DistributorID, Step: index}
	if paid := step.paid(); paid > 0 {
		event.AmountMinor = paid
		r.Events = append(r.Events, event)
	}
	event.Breakage = true
	if step.Breakage != "" && step.AmountMinor > 0 {
		event.AmountMinor, event.Reason = step.AmountMinor, step.Breakage
		r.Events = append(r.Events, event)
	}
	for _, cut := range step.Cuts {
		event.AmountMinor, event.Reason = cut.CutMinor, reasonCap(cut.CapID)
		r.Events = append(r.Events, event)
	}
}
