package commission

import (
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// capTerms writes down the plan's caps per order, with their limits in the order's currency.
func (c *calculation) capTerms() error {
	for _, limit := range c.plan.OrderCaps() {
		term := CapTerm{CapID: limit.ID, Scope: limit.Scope, Target: limit.Component + limit.Rank, Enforce: limit.Enforce}
		if share, ok := limit.LimitShare(); ok {
			ratio := plan.RatioOf(share)
			term.Of, term.Share = limit.Of, &Factor{Name: factorRate, Num: ratio.Num, Den: ratio.Den}
		} else if term.LimitMinor, ok = limit.LimitMinor(c.in.Currency); !ok {
			return &MissingRate{What: "cap " + limit.ID, Currency: c.in.Currency}
		}
		if term.Of == plan.BaseCV && c.result.Terms.CVToMoney == nil {
			ratio, err := c.cvToMoney()
			if err != nil {
				return err
			}
			c.result.Terms.CVToMoney = &Factor{Name: factorCVToMoney, Num: ratio.Num, Den: ratio.Den}
		}
		c.result.Terms.Caps = append(c.result.Terms.Caps, term)
	}
	return nil
}

// finish applies the caps to the steps and makes the events.
func (r *Result) finish(lines []Line) error {
	kept := make([]int64, len(r.Steps))
	for i := range r.Steps {
		if step := &r.Steps[i]; step.Breakage == "" {
			kept[i] = step.AmountMinor
		}
	}
	for i := range r.Terms.Caps {
		if err := r.enforce(&r.Terms.Caps[i], lines, kept); err != nil {
			return fmt.Errorf("cap %s: %w", r.Terms.Caps[i].CapID, err)
		}
	}
	r.Events = make([]Event, 0, len(r.Steps))
	for i := range r.Steps {
		r.addEvents(i, kept[i])
	}
	return nil
}

// addEvents gives what a step pays, then what it does not pay and why.
func (r *Result) addEvents(index int, kept int64) {
	step := &r.Steps[index]
	event := Event{LineID: step.LineID, ComponentID: step.ComponentID, DistributorID: step.DistributorID, Step: index}
	if kept > 0 {
		event.AmountMinor = kept
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

// enforce applies one cap to each group of steps it limits, in the order in which the groups appear.
func (r *Result) enforce(term *CapTerm, lines []Line, kept []int64) error {
	done := make([]bool, len(r.Steps))
	var group []int
	for i := range r.Steps {
		if done[i] || kept[i] == 0 || !term.covers(&r.Steps[i]) {
			continue
		}
		group = group[:0]
		for j := i; j < len(r.Steps); j++ {
			if !done[j] && kept[j] > 0 && term.covers(&r.Steps[j]) && term.together(&r.Steps[i], &r.Steps[j]) {
				group, done[j] = append(group, j), true
			}
		}
		limit, err := r.limit(term, lines, r.Steps[i].LineID)
		if err != nil {
			return err
		}
		if err := r.cut(term, group, limit, kept); err != nil {
			return err
		}
	}
	return nil
}

// covers tells whether a cap speaks of a step at all.
func (t *CapTerm) covers(step *Step) bool {
	switch t.Scope {
	case plan.ScopeComponent:
		return step.ComponentID == t.Target
	case plan.ScopeRank:
		return step.Rank == t.Target
	default:
		return true
	}
}

// together tells whether two steps share one limit.
func (t *CapTerm) together(a, b *Step) bool {
	switch t.Scope {
	case plan.ScopeLine:
		return a.LineID == b.LineID
	case plan.ScopePerson, plan.ScopeRank:
		return a.DistributorID == b.DistributorID
	default:
		return true
	}
}

// limit is the most a group may get: rounded down, so that a cap is never exceeded by a fraction.
func (r *Result) limit(term *CapTerm, lines []Line, lineID string) (int64, error) {
	if term.Of == "" {
		return term.LimitMinor, nil
	}
	var base int64
	for i := range lines {
		if term.Scope == plan.ScopeLine && lines[i].LineID != lineID {
			continue
		}
		part := lines[i].NetMinor
		if term.Of == plan.BaseCV {
			part = int64(lines[i].CV)
		}
		var err error
		if base, err = money.Add(base, part); err != nil {
			return 0, err
		}
	}
	factors := []Factor{*term.Share}
	if term.Of == plan.BaseCV {
		factors = append(factors, *r.Terms.CVToMoney)
	}
	exact, err := multiply(base, factors)
	if err != nil {
		return 0, err
	}
	return exact.round(money.Down)
}

// cut takes what is above the limit from the steps of a group.
func (r *Result) cut(term *CapTerm, group []int, limit int64, kept []int64) error {
	amounts := make([]int64, len(group))
	for i, step := range group {
		amounts[i] = kept[step]
	}
	allowed, err := allow(amounts, limit, term.Enforce)
	if err != nil {
		return err
	}
	for i, step := range group {
		if cut := amounts[i] - allowed[i]; cut > 0 {
			kept[step] = allowed[i]
			r.Steps[step].Cuts = append(r.Steps[step].Cuts, Cut{CapID: term.CapID, CutMinor: cut})
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
