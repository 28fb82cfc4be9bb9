package commission

import (
	"errors"
	"fmt"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// The names of factors.
const (
	factorRate           = "rate"
	factorAmount         = "amount" // minor units per unit of quantity
	factorCommissionable = "commissionable"
	factorCVToMoney      = "cv_to_money" // minor units per micro-unit of CV
)

// baseUnits is the base of a step that pays an amount per unit.
const baseUnits = "units"

// maxFactors is the number of factors one amount can have.
const maxFactors = 3

// Calculate is what everybody should have earned from an order as it now is. Amounts are exact until rounded once per
// event. An order that is nobody's sale gives no events. *MissingRate, *UnknownRank, *MissingWholesale and *MissingFact mean
// that the order has to wait; money.ErrOverflow that an amount does not fit; any other error that the input contradicts itself.
func Calculate(in Input, p *plan.Plan) (Result, error) {
	var w Walker
	if _, err := w.Amounts(&in, p); err != nil {
		return Result{}, err
	}
	r, err := w.tell()
	if err != nil {
		return Result{}, fmt.Errorf("calculate %s: %w", in.Source, err)
	}
	return r, nil
}

// check refuses an input that speaks of another plan, another engine or another seller than it names.
func check(in *Input, p *plan.Plan) error {
	switch {
	case p == nil || p.Hash() == "":
		return errors.New("no plan")
	case in.Pins.PlanHash != p.Hash():
		return fmt.Errorf("the order is pinned to plan %q, not to %q", in.Pins.PlanHash, p.Hash())
	case in.Pins.EngineVersion != EngineVersion:
		return fmt.Errorf("the order is pinned to engine version %d, and this is version %d", in.Pins.EngineVersion, EngineVersion)
	case in.Attribution.DistributorID == "":
		return nil
	case len(in.Upline) == 0 || in.Upline[0].ID != in.Attribution.DistributorID:
		return fmt.Errorf("the upline does not begin with the seller %s", in.Attribution.DistributorID)
	case !p.Pays(in.Currency):
		return &MissingRate{What: "an order, being a plan in " + p.Currency, Currency: in.Currency}
	case !in.Currency.Valid():
		return &money.CurrencyError{Code: string(in.Currency)}
	}
	for i := range in.Lines {
		if line := &in.Lines[i]; line.NetMinor < 0 || line.CV < 0 || line.Quantity < 0 {
			return fmt.Errorf("line %s has a net, volume or quantity below zero", line.LineID)
		}
	}
	return in.checkWalks()
}

// tell turns what a walk found into steps and events with all their texts.
func (w *Walker) tell() (Result, error) {
	r := Result{Terms: w.terms()}
	if w.in.Attribution.DistributorID == "" {
		return r, nil
	}
	if len(w.amounts) > 0 {
		r.Steps = make([]Step, len(w.amounts))
	}
	arena := make([]Factor, 0, len(w.amounts)*maxFactors)
	skips := make([]Skip, 0, len(w.skips))
	for i := range w.amounts {
		a := &w.amounts[i]
		component := &w.plan.Components[a.Component]
		table := component.Table(w.in.Lines[a.Line].CommissionClass)
		step := &r.Steps[i]
		*step = Step{
			ComponentID: component.ID, Rule: a.cell.Rule, LineID: w.in.Lines[a.Line].LineID, Level: int(a.Level),
			Base: component.Base, BaseMinor: a.BaseMinor, Exact: "0", Rounding: w.plan.Rounding, AmountMinor: a.AmountMinor,
		}
		if component.Type == plan.Fixed {
			step.Base, step.Rule = baseUnits, strings.TrimSuffix(step.Rule, "rate")+"amount"
		}
		if component.Tree != plan.TreeSponsor {
			step.Tree = component.Tree
		}
		if fast := w.fastOf(a.Component); fast != nil {
			step.FirstDays = fast.first
		}
		if before := len(skips); a.to > a.from {
			for _, s := range w.skips[a.from:a.to] {
				skips = append(skips, Skip{w.in.at(s.position).ID, w.reasonOf(s.why, s.position, s.level, table)})
			}
			step.Skipped = skips[before:len(skips):len(skips)]
		}
		if a.Position == nobody {
			continue
		}
		step.DistributorID, step.Rank = w.in.at(a.Position).ID, w.plan.Ranks[a.rank]
		step.Breakage = w.reasonOf(a.why, a.Position, a.Level, table)
		from := len(arena)
		var err error
		if arena, step.Exact, err = w.tellFactors(arena, a, component); err != nil {
			return Result{}, err
		}
		step.Factors = arena[from:len(arena):len(arena)]
	}
	w.tellCuts(&r)
	return r, nil
}

// tellFactors appends the rate and then what all steps of the component share, and writes the exact value.
func (w *Walker) tellFactors(arena []Factor, a *Amount, component *plan.Component) ([]Factor, string, error) {
	if component.Type == plan.Fixed {
		amount, err := fixedAmount(w.plan, component, a.cell, w.in.Currency)
		if err != nil {
			return nil, "", err
		}
		exact, err := newProduct(a.BaseMinor).times(plan.Ratio{Num: amount, Den: 1})
		return append(arena, Factor{factorAmount, amount, 1}), exact.String(), err
	}
	arena = append(arena, Factor{factorRate, a.cell.Ratio.Num, a.cell.Ratio.Den})
	if share := component.Share(); share.Num != share.Den {
		arena = append(arena, Factor{factorCommissionable, share.Num, share.Den})
	}
	if component.Base == plan.BaseCV {
		arena = append(arena, Factor{factorCVToMoney, w.cv.Num, w.cv.Den})
	}
	exact, err := w.exact(a.BaseMinor, component, a.cell.Ratio)
	return arena, exact.String(), err
}
