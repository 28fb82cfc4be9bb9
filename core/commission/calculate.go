package commission

import (
	"errors"
	"fmt"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// The names of factors.
const (
	factorRate           = "rate"
	factorCommissionable = "commissionable"
	factorCVToMoney      = "cv_to_money" // minor units per micro-unit of CV
)

// maxFactors is the number of factors one amount can have.
const maxFactors = 3

// Calculate is what everybody should have earned from an order as it now is. Amounts are exact until rounded once per
// event. An order that is nobody's sale gives no events. *MissingRate, *UnknownRank and *MissingWholesale mean that the
// order has to wait; money.ErrOverflow that an amount does not fit; any other error that the input contradicts itself.
func Calculate(in Input, p *plan.Plan) (Result, error) {
	if err := check(&in, p); err != nil {
		return Result{}, fmt.Errorf("calculate %s: %w", in.Source, err)
	}
	c := calculation{in: &in, plan: p}
	if err := c.run(); err != nil {
		return Result{}, fmt.Errorf("calculate %s: %w", in.Source, err)
	}
	return c.result, nil
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
	return nil
}

// calculation is one run of Calculate.
type calculation struct {
	in     *Input
	plan   *plan.Plan
	own    bool // the seller is the buyer
	cv     plan.Ratio
	result Result
	paid   []int64  // by component: what it pays on the current line
	arena  []Factor // one allocation for the factors of many steps
}

func (c *calculation) run() error {
	c.result.Terms = Terms{LowestRank: c.plan.Ranks[0], Rounding: c.plan.Rounding}
	if c.in.Attribution.DistributorID == "" {
		return nil
	}
	c.own = c.in.Buyer != "" && c.in.Buyer == c.in.Attribution.DistributorID
	c.paid = make([]int64, len(c.plan.Components))
	for i := range c.in.Lines {
		line := &c.in.Lines[i]
		clear(c.paid)
		for j := range c.plan.Components {
			if c.plan.Components[j].Period != plan.PerOrder {
				continue // Close settles it.
			}
			if err := c.component(line, j); err != nil {
				return fmt.Errorf("line %s, component %s: %w", line.LineID, c.plan.Components[j].ID, err)
			}
		}
	}
	if err := c.capTerms(); err != nil {
		return err
	}
	return c.result.finish(c.in.Lines)
}

// component adds the steps of one component on one line.
func (c *calculation) component(line *Line, index int) error {
	component := &c.plan.Components[index]
	table := component.Table(line.CommissionClass)
	if table == nil || table.Depth() == 0 {
		return nil
	}
	if component.Type == plan.Retail {
		// Asked before the base, so that a class that pays nothing needs no wholesale price.
		if rank, err := c.rank(&c.in.Upline[0]); err != nil || table.Cell(1, rank).Rate == 0 {
			return err
		}
	}
	base, err := c.base(line, component)
	if err != nil || base == 0 {
		return err
	}
	w := work{calculation: c, line: line, component: component, index: index, table: table}
	w.step = Step{ComponentID: component.ID, LineID: line.LineID, Base: component.Base, BaseMinor: base, Rounding: c.plan.Rounding}
	if err := w.prepare(base); err != nil {
		return err
	}
	if component.Type == plan.Retail {
		return w.retail()
	}
	return w.unilevel()
}

// base is what a component pays on, before any factor: minor units, or micro-units of CV.
func (c *calculation) base(line *Line, component *plan.Component) (int64, error) {
	switch {
	case component.Base == plan.BaseCV:
		return int64(line.CV), nil
	case component.Base == plan.BaseProfit:
		return c.profit(line)
	case component.BaseIndex() >= 0:
		return c.paid[component.BaseIndex()], nil
	default:
		return line.NetMinor, nil
	}
}

// profit is what the line brought above the wholesale price of the units left; never below zero. Nobody needs the
// wholesale price of what a distributor buys, since only customers give retail profit.
func (c *calculation) profit(line *Line) (int64, error) {
	if c.in.Buyer != "" || line.NetMinor == 0 {
		return line.NetMinor, nil
	}
	if line.WholesaleMinor == nil {
		return 0, &MissingWholesale{LineID: line.LineID, PlatformSKU: line.PlatformSKU}
	}
	wholesale, err := money.Mul(*line.WholesaleMinor, line.Quantity)
	if err != nil {
		return 0, err
	}
	profit, err := money.Sub(line.NetMinor, wholesale)
	return max(profit, 0), err
}

// cvToMoney is the value of a micro-unit of CV, looked up once.
func (c *calculation) cvToMoney() (plan.Ratio, error) {
	if c.cv.Den == 0 {
		ratio, ok := c.plan.CVToMinor(c.in.Currency)
		if !ok {
			return plan.Ratio{}, &MissingRate{What: "1 CV", Currency: c.in.Currency}
		}
		c.cv = ratio
	}
	return c.cv, nil
}

// work is one component on one line.
type work struct {
	*calculation
	line      *Line
	component *plan.Component
	index     int
	table     *plan.Table
	step      Step    // what all its steps have in common
	shared    product // base x the factors all its steps have in common
	factors   [maxFactors - 1]Factor
	count     int // of factors
}

// prepare multiplies what does not depend on the level.
func (w *work) prepare(base int64) error {
	w.shared = newProduct(base)
	if share := w.component.Share(); share.Num != share.Den {
		if err := w.share(factorCommissionable, share); err != nil {
			return err
		}
	}
	if w.component.Base != plan.BaseCV {
		return nil
	}
	ratio, err := w.cvToMoney()
	if err != nil {
		return err
	}
	return w.share(factorCVToMoney, ratio)
}

func (w *work) share(name string, ratio plan.Ratio) (err error) {
	w.factors[w.count] = Factor{Name: name, Num: ratio.Num, Den: ratio.Den}
	w.count++
	w.shared, err = w.shared.times(ratio)
	return err
}

// retail pays the seller.
func (w *work) retail() error {
	seller := &w.in.Upline[0]
	rank, err := w.rank(seller)
	if err != nil {
		return err
	}
	cell := w.table.Cell(1, rank)
	switch {
	case w.own && !w.plan.Attribution.SelfRetail:
		w.nobody(cell, 0, []Skip{{seller.ID, reasonOwnOrder}})
		return nil
	case w.component.Base == plan.BaseProfit && w.in.Buyer != "":
		w.nobody(cell, 0, []Skip{{seller.ID, reasonNoCustomer}})
		return nil
	case !w.plan.MayEarn(string(seller.Status)):
		return w.add(seller, rank, 0, cell, reasonStatus(seller.Status), nil)
	}
	return w.add(seller, rank, 0, cell, "", nil)
}

// unilevel pays the levels above the seller, or above the buyer.
func (w *work) unilevel() error {
	level, depth := 1, w.table.Depth()
	var skipped []Skip
	for i := w.start(); i < len(w.in.Upline) && level <= depth; i++ {
		person := &w.in.Upline[i]
		rank, err := w.rank(person)
		if err != nil {
			return err
		}
		opens, why := w.table.Opens(level), w.ineligible(person, rank, level)
		switch {
		case why != "" && w.component.Compression != plan.CompressNone:
			skipped = append(skipped, Skip{person.ID, why})
			continue
		case opens < 0: // The level pays nobody, and is used up by whoever stands there.
		case why != "":
			err = w.add(person, rank, level, w.table.Cell(level, opens), why, nil)
		default:
			err = w.add(person, rank, level, w.table.Cell(level, rank), "", skipped)
			skipped = nil
		}
		if err != nil {
			return err
		}
		level++
	}
	if len(skipped) > 0 && level <= depth && w.table.Opens(level) >= 0 {
		w.nobody(w.table.Cell(level, w.table.Opens(level)), level, skipped)
	}
	return nil
}

// start is the position in the upline of the first candidate for level 1. A distributor's own order counts levels from
// the first upline whatever levels_from says, since seller and buyer are one; with include_self it counts from the
// distributor.
func (w *work) start() int {
	switch {
	case w.own && w.component.IncludeSelf:
		return 0
	case !w.own && w.component.LevelsFrom == plan.FromBuyer:
		return 0
	default:
		return 1
	}
}

// ineligible says why a person cannot have a level; "" where they can.
func (w *work) ineligible(person *genealogy.Person, rank, level int) string {
	opens := w.table.Opens(level)
	switch {
	case !w.plan.MayEarn(string(person.Status)):
		return reasonStatus(person.Status)
	case person.ID == w.in.Buyer && !w.component.IncludeSelf:
		return reasonOwnOrder
	case opens < 0:
		return ""
	case w.component.Compression == plan.CompressToRank && rank < opens:
		return reasonBelow(w.plan.Ranks[rank], w.plan.Ranks[opens], level)
	case w.table.Cell(level, rank).Rate == 0:
		return reasonClosed(w.plan.Ranks[rank], level)
	}
	return ""
}

func (c *calculation) rank(person *genealogy.Person) (int, error) {
	rank, ok := c.plan.Rank(person.Rank)
	if !ok {
		return 0, &UnknownRank{DistributorID: person.ID, Rank: person.Rank}
	}
	return rank, nil
}

// add writes one step. A zero amount is left out unless it explains why somebody got nothing.
func (w *work) add(person *genealogy.Person, rank, level int, cell *plan.Cell, breakage string, skipped []Skip) error {
	exact, err := w.shared.times(cell.Ratio)
	if err != nil {
		return err
	}
	amount, err := exact.round(w.plan.RoundingMode())
	if err != nil || amount == 0 && breakage == "" && len(skipped) == 0 {
		return err
	}
	if breakage == "" {
		if w.paid[w.index], err = money.Add(w.paid[w.index], amount); err != nil {
			return err
		}
	}
	step := w.next()
	*step = w.step
	step.Rule, step.Level, step.Exact, step.AmountMinor = cell.Rule, level, exact.String(), amount
	step.DistributorID, step.Rank = person.ID, w.plan.Ranks[rank]
	step.Breakage, step.Skipped = breakage, skipped
	step.Factors = w.allFactors(cell)
	return nil
}

// nobody writes the step of a level that found nobody.
func (w *work) nobody(cell *plan.Cell, level int, skipped []Skip) {
	step := w.next()
	*step = w.step
	step.Rule, step.Level, step.Exact, step.Skipped = cell.Rule, level, "0", skipped
}

// next makes room for one more step.
func (c *calculation) next() *Step {
	if c.result.Steps == nil {
		c.result.Steps = make([]Step, 0, 8)
	}
	c.result.Steps = append(c.result.Steps, Step{})
	return &c.result.Steps[len(c.result.Steps)-1]
}

// allFactors is the rate and then what all steps share.
func (w *work) allFactors(cell *plan.Cell) []Factor {
	if cap(w.arena)-len(w.arena) < maxFactors {
		w.arena = make([]Factor, 0, 8*maxFactors)
	}
	from := len(w.arena)
	w.arena = append(w.arena, Factor{Name: factorRate, Num: cell.Ratio.Num, Den: cell.Ratio.Den})
	w.arena = append(w.arena, w.factors[:w.count]...)
	return w.arena[from:len(w.arena):len(w.arena)]
}
