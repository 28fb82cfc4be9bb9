package commission

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// CloseInput is everything Close may know.
type CloseInput struct {
	World     *period.World
	Standings *period.Standings // of the qualification period that ends with, or contains the end of, World.Period
	// TreeVersion is the version the trees were read at; it is pinned when the period is locked.
	TreeVersion int64
	// Meets tells whether a person meets a condition in the period; nil where no component has requires.
	Meets func(condition *plan.Condition, person int32) (bool, error)
	// Earned is what people have earned in this period by components that Close does not compute itself: paid per
	// order, or closed before; by component index, then person. nil for those without.
	Earned [][]int64
	Before State          // what the close of the period before left behind
	Place  *time.Location // by whose calendar first days are counted; nil: UTC
	// Only are the component indices to close; nil: all whose period is World.Period.Kind.
	Only     []int
	Parallel period.Parallel             // nil: period.Serial
	Progress func(done, total int) error // called between steps; an error ends the close and is returned
}

// Close is what everybody should have earned in one period by the components that are settled per period. Amounts are
// exact until rounded once per component and person; then the plan's caps for this length of period cut them, and what
// the orders have paid, in the plan's order.
//
// The result depends neither on the order of sales, nor on their split into blocks, nor on Parallel. *MissingRate,
// *UnknownRank and *MissingFact mean that the close has to wait; money.ErrOverflow, wrapped with where, that an amount
// does not fit. An error leaves nothing behind.
func Close(in CloseInput, p *plan.Plan) (*Closing, error) {
	c := &closing{in: &in, plan: p, world: in.World, standing: in.Standings, parallel: in.Parallel}
	if err := c.run(); err != nil {
		id := ""
		if in.World != nil {
			id = in.World.Period.ID
		}
		return nil, fmt.Errorf("close period %q: %w", id, err)
	}
	return c.out, nil
}

// closing is one run of Close. A component's file computes who gets what, aggregated so that each person has few terms,
// and says so by pay, lose and skip in any order.
type closing struct {
	in       *CloseInput
	plan     *plan.Plan
	world    *period.World
	standing *period.Standings
	parallel period.Parallel
	out      *Closing
	order    []int // component indices to close, each after what it depends on
	verdicts []verdict
	columns  []*column
	removals []removal
	company  totals
	crossed  bool  // there are sales of a third distributor's orders
	err      error // the first that a component's walk met where it could not return one
}

// settle computes one component: one line per type.
func (c *closing) settle(index int) error {
	switch kind := c.plan.Components[index].Type; kind {
	case plan.Retail:
		return c.retail(index)
	case plan.Unilevel:
		return c.unilevel(index)
	case plan.Differential:
		return c.differential(index)
	case plan.Generation:
		return c.generation(index)
	case plan.Matching:
		return c.matching(index)
	case plan.FastStart:
		return c.fastStart(index)
	case plan.Infinity:
		return c.infinity(index)
	case plan.Pool:
		return c.pool(index)
	case plan.RankAdvance:
		return c.rankAdvance(index)
	case plan.XUp:
		return c.xUp(index)
	case plan.FirstOrder:
		return c.firstOrder(index)
	case plan.CustomerAcquisition:
		return c.customerAcquisition(index)
	case plan.Bands:
		return c.bands(index)
	case plan.Fixed:
		return c.fixed(index)
	case plan.Binary:
		return c.binary(index)
	case plan.Matrix:
		return c.matrix(index)
	default:
		return fmt.Errorf("type %s cannot be settled per period", kind)
	}
}

// remove says which sales a component takes away from others before anybody's volume is summed: one line per type. It is
// asked of every component of the plan, whatever its period.
func (c *closing) remove(index int) {
	if c.plan.Components[index].Type == plan.FastStart {
		c.withholdNew(index)
	}
}

// sums tells whether a component asks for everybody's own volume by class, so that one pass over the sales serves all.
func sums(component *plan.Component) bool {
	switch component.Type {
	case plan.Retail, plan.Unilevel, plan.Differential, plan.Generation, plan.Infinity, plan.Binary, plan.Matrix:
		return true
	default:
		return false
	}
}

func (c *closing) run() error {
	if err := c.prepare(); err != nil {
		return err
	}
	steps := len(c.order) + 2
	if err := c.progress(0, steps); err != nil {
		return err
	}
	if err := c.gather(); err != nil {
		return fmt.Errorf("sum the sales: %w", err)
	}
	for done, index := range c.order {
		if err := c.progress(done+1, steps); err != nil {
			return err
		}
		if err := c.component(index); err != nil {
			return fmt.Errorf("component %s: %w", c.plan.Components[index].ID, err)
		}
	}
	if err := c.progress(steps-1, steps); err != nil {
		return err
	}
	if err := c.enforceCaps(); err != nil {
		return err
	}
	return c.progress(steps, steps)
}

func (c *closing) progress(done, total int) error {
	if c.in.Progress == nil {
		return nil
	}
	return c.in.Progress(done, total)
}

// prepare refuses what does not belong together and decides what is closed, in which order.
func (c *closing) prepare() error {
	switch {
	case c.plan == nil || c.plan.Hash() == "":
		return errors.New("no plan")
	case c.world == nil || c.standing == nil:
		return errors.New("no world or no standings")
	case len(c.standing.Rank) != int(c.world.People.Count) || len(c.world.People.Status) != int(c.world.People.Count):
		return fmt.Errorf("there are %d people, %d statuses and %d ranks", c.world.People.Count,
			len(c.world.People.Status), len(c.standing.Rank))
	case c.plan.PeriodCurrency() != c.world.Currency || !c.world.Currency.Valid():
		return fmt.Errorf("the plan's periods pay in %q and the sales are in %q", c.plan.PeriodCurrency(), c.world.Currency)
	}
	if err := c.world.Check(); err != nil {
		return err
	}
	if c.parallel == nil {
		c.parallel = period.Serial
	}
	if err := c.arrange(); err != nil {
		return err
	}
	c.out = newClosing(c)
	for _, index := range c.order {
		component := &c.plan.Components[index]
		if err := c.out.factor(index, component, c.plan, c.world.Currency); err != nil {
			return fmt.Errorf("component %s: %w", component.ID, err)
		}
	}
	for index := range c.plan.Components {
		c.remove(index)
	}
	return nil
}

// arrange lists the components to close in the plan's order, but a match after what it matches.
func (c *closing) arrange() error {
	wanted := make([]bool, len(c.plan.Components))
	for i := range c.plan.Components {
		wanted[i] = c.in.Only == nil && c.plan.Components[i].Period == c.world.Period.Kind
	}
	for _, index := range c.in.Only {
		if index < 0 || index >= len(wanted) || c.plan.Components[index].Period != c.world.Period.Kind {
			return fmt.Errorf("component %d has no period of this length", index)
		}
		wanted[index] = true
	}
	for placed := true; placed; {
		placed = false
		for i := range wanted {
			if wanted[i] && !c.waits(i, wanted) {
				c.order, wanted[i], placed = append(c.order, i), false, true
				break
			}
		}
	}
	if at := slices.Index(wanted, true); at >= 0 {
		return fmt.Errorf("component %s matches what it is itself a part of", c.plan.Components[at].ID)
	}
	return nil
}

// waits tells whether a component depends on one that is still to be closed.
func (c *closing) waits(index int, wanted []bool) bool {
	terms := c.plan.Components[index].MatchingTerms
	if terms == nil {
		return false
	}
	return slices.ContainsFunc(terms.Components, func(id string) bool {
		return slices.ContainsFunc(c.plan.Components, func(other plan.Component) bool { return other.ID == id }) &&
			wanted[slices.IndexFunc(c.plan.Components, func(other plan.Component) bool { return other.ID == id })]
	})
}

// component settles one component and rounds what everybody gets by it.
func (c *closing) component(index int) error {
	if err := c.settle(index); err != nil {
		return err
	}
	if c.err != nil {
		return c.err
	}
	return c.out.fold(index)
}

// fail keeps the first error of a walk that cannot return one.
func (c *closing) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// earned is what everybody has by a component before caps, by person; nil where nobody has anything. It is there once
// the component is closed, and for those in CloseInput.Earned.
func (c *closing) earned(index int) []int64 {
	if book := &c.out.books[index]; book.awards != nil {
		amounts := make([]int64, c.world.People.Count)
		for i := range book.awards {
			if person := book.awards[i].Person; person >= 0 {
				amounts[person] = book.awards[i].AmountMinor
			}
		}
		return amounts
	}
	// What is paid per month ends within some week, and is no part of it: only whole shorter periods are.
	if index < len(c.in.Earned) && plan.Nests(c.plan.Components[index].Period, c.world.Period.Kind) {
		return c.in.Earned[index]
	}
	return nil
}

// MissingFact means that a close needs a fact about somebody that is not known. To guess it would pay wrong.
type MissingFact = period.MissingFact

// totals is the volume of the whole period, whoever sold it.
type totals struct{ cv, net int64 }

func (t *totals) add(cv, net int64) (err error) {
	if t.cv, err = money.Add(t.cv, cv); err != nil {
		return fmt.Errorf("CV of the company: %w", err)
	}
	if t.net, err = money.Add(t.net, net); err != nil {
		return fmt.Errorf("net of the company: %w", err)
	}
	return nil
}
