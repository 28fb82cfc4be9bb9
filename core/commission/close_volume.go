package commission

import (
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// lanes is how many parts of the sales are summed side by side. Each lane has its own sums by person, so more would
// cost memory: 8 MB each for a million people and one column.
const lanes = 2

// Whose orders a column sums.
const (
	ownOrders      = 1 << iota // bought by whom they are credited to
	customerOrders             // bought by customers
	thirdOrders                // bought by another distributor

	othersOrders = customerOrders | thirdOrders
	allOrders    = ownOrders | othersOrders
)

func buyerOf(sale *period.Sale) int {
	switch sale.Buyer {
	case period.Nobody:
		return customerOrders
	case sale.Seller:
		return ownOrders
	default:
		return thirdOrders
	}
}

// column is everybody's own volume: what is credited to them, of some classes and buyers.
type column struct {
	base    string // plan.BaseCV or plan.BaseNet
	buyers  int
	classes []bool
	removed []int // indices into closing.removals
	own     []int64
}

// portion is the part of a component's volumes that one rate table holds for.
type portion struct {
	table *plan.Table // nil where the component has no rates
	own   []int64     // by person
}

// removal takes sales away from some components.
type removal struct {
	from []int // component indices
	test func(sale *period.Sale) (bool, error)
}

// withhold takes the sales that test holds for away from the volume of other components. It must be called from
// remove, before the sales are summed.
func (c *closing) withhold(test func(sale *period.Sale) (bool, error), from ...int) {
	c.removals = append(c.removals, removal{from, test})
}

// withheld tells whether another component has taken a sale away from this one.
func (c *closing) withheld(component int, sale *period.Sale) (bool, error) {
	for i := range c.removals {
		if !slices.Contains(c.removals[i].from, component) {
			continue
		}
		if taken, err := c.removals[i].test(sale); taken || err != nil {
			return taken, err
		}
	}
	return false, nil
}

// eachSale calls f with every sale, lane by lane: calls of one lane come one after the other, those of different lanes
// at once. lane is from 0 to below lanes.
func (c *closing) eachSale(f func(lane int, sale *period.Sale) error) error {
	return c.eachBlock(func(lane int, block []period.Sale) error {
		for i := range block {
			if err := f(lane, &block[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *closing) eachBlock(f func(lane int, block []period.Sale) error) error {
	return eachBlock(c.world.Sales, c.parallel, f)
}

// eachBlock calls f with every block of the sales, lane by lane.
func eachBlock(sales period.Sales, parallel period.Parallel, f func(lane int, block []period.Sale) error) error {
	if sales == nil {
		return nil
	}
	return parallel(lanes, func(lane int) error {
		var buf []period.Sale
		for i := lane; i < sales.Blocks(); i += lanes {
			block, err := sales.Block(i, buf)
			if err != nil {
				return fmt.Errorf("read block %d of the sales: %w", i, err)
			}
			if err := f(lane, block); err != nil {
				return err
			}
			if cap(block) > cap(buf) {
				buf = block
			}
		}
		return nil
	})
}

// volumes gives everybody's own volume by rate table. Sales of classes that the component does not pay on are left out.
func (c *closing) volumes(component, buyers int) []portion {
	terms := &c.plan.Components[component]
	if len(terms.Rates) == 0 {
		all := make([]bool, len(c.world.Classes))
		for i := range all {
			all[i] = true
		}
		return []portion{{nil, c.column(component, buyers, all).own}}
	}
	var out []portion
	var tables []*plan.Table
	for _, class := range c.world.Classes {
		if table := terms.Table(class); table != nil && table.Depth() > 0 && !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
	}
	for _, table := range tables {
		classes := make([]bool, len(c.world.Classes))
		for i, class := range c.world.Classes {
			classes[i] = terms.Table(class) == table
		}
		out = append(out, portion{table, c.column(component, buyers, classes).own})
	}
	return out
}

// column finds or makes the column; components that ask for the same share it.
func (c *closing) column(component, buyers int, classes []bool) *column {
	wanted := column{base: c.plan.Components[component].Base, buyers: buyers, classes: classes}
	for i := range c.removals {
		if slices.Contains(c.removals[i].from, component) {
			wanted.removed = append(wanted.removed, i)
		}
	}
	for _, have := range c.columns {
		if have.base == wanted.base && have.buyers == buyers && slices.Equal(have.classes, classes) &&
			slices.Equal(have.removed, wanted.removed) {
			return have
		}
	}
	c.columns = append(c.columns, &wanted)
	return &wanted
}

// baseOf is what a component with this base pays on.
func baseOf(base string, sale *period.Sale) int64 {
	if base == plan.BaseCV {
		return int64(sale.CV)
	}
	return sale.Net
}

// gather sums all columns in one pass over the sales, and the company's volume.
func (c *closing) gather() error {
	for _, index := range c.order {
		if !sums(&c.plan.Components[index]) {
			continue
		}
		for _, buyers := range buyersOf(&c.plan.Components[index], c.plan) {
			c.volumes(index, buyers)
		}
	}
	for _, column := range c.columns {
		if c.qualified(column) {
			column.own = c.standing.OwnCV
		}
	}
	var lane [lanes]*gathering
	for i := range lane {
		if i > 0 && c.in.Parallel == nil {
			lane[i] = lane[0] // One after the other needs no sums of its own.
			continue
		}
		lane[i] = newGathering(c)
	}
	if err := c.eachBlock(func(i int, block []period.Sale) error { return lane[i].block(block) }); err != nil {
		return err
	}
	for _, more := range lane[1:] {
		if more == lane[0] {
			continue
		}
		if err := lane[0].add(more); err != nil {
			return err
		}
	}
	for i, column := range c.columns {
		if column.own == nil {
			column.own = lane[0].own[i]
		}
	}
	c.company, c.crossed = lane[0].company, lane[0].crossed
	return nil
}

// qualified tells whether the standings have a column's sums already.
func (c *closing) qualified(column *column) bool {
	return c.standing.World() == c.world && column.base == plan.BaseCV && column.buyers == allOrders && len(column.removed) == 0 &&
		!slices.Contains(column.classes, false)
}

// buyersOf is which columns a component asks for.
func buyersOf(component *plan.Component, p *plan.Plan) []int {
	switch {
	case component.Type == plan.Retail && !p.Attribution.SelfRetail:
		return []int{othersOrders}
	case component.Type == plan.Unilevel, component.Type == plan.Matrix:
		var out []int
		for _, start := range unilevelStarts(component) {
			out = append(out, start.buyers)
		}
		return out
	default:
		return []int{allOrders}
	}
}

// gathering is the sums of one lane.
type gathering struct {
	c       *closing
	own     [][]int64 // by column, then person; nil where the sums are known
	removed []bool    // by removal, of the current sale
	company totals
	crossed bool // there are sales of a third distributor's orders
	fetched int64
}

func newGathering(c *closing) *gathering {
	g := &gathering{c: c, own: make([][]int64, len(c.columns)), removed: make([]bool, len(c.removals))}
	for i, column := range c.columns {
		if column.own == nil {
			g.own[i] = make([]int64, c.world.People.Count)
		}
	}
	return g
}

func (g *gathering) block(block []period.Sale) error {
	for i := range block {
		if i%salesAhead == 0 {
			g.fetch(block[i:min(i+salesAhead, len(block))])
		}
		sale := &block[i]
		if err := g.sale(sale); err != nil {
			return err
		}
	}
	return nil
}

// fetch brings the places of some sales in the columns, as salesAhead tells.
func (g *gathering) fetch(sales []period.Sale) {
	for _, own := range g.own {
		for i := range sales {
			if seller := sales[i].Seller; uint32(seller) < uint32(len(own)) {
				g.fetched += own[seller]
			}
		}
	}
}

func (g *gathering) sale(sale *period.Sale) error {
	if err := g.company.add(int64(sale.CV), sale.Net); err != nil {
		return err
	}
	if sale.Seller < 0 {
		return nil
	}
	if int(sale.Class) >= len(g.c.world.Classes) || sale.Seller >= g.c.world.People.Count {
		return fmt.Errorf("a sale has class %d of %d and seller %d of %d", sale.Class, len(g.c.world.Classes), sale.Seller, g.c.world.People.Count)
	}
	g.crossed = g.crossed || buyerOf(sale) == thirdOrders
	for i := range g.removed {
		var err error
		if g.removed[i], err = g.c.removals[i].test(sale); err != nil {
			return err
		}
	}
	for i, column := range g.c.columns {
		if g.own[i] == nil || !g.counts(column, sale) {
			continue
		}
		sum, err := money.Add(g.own[i][sale.Seller], baseOf(column.base, sale))
		if err != nil {
			return fmt.Errorf("own volume of distributor %s: %w", g.c.world.People.ID(sale.Seller), err)
		}
		g.own[i][sale.Seller] = sum
	}
	return nil
}

func (g *gathering) counts(column *column, sale *period.Sale) bool {
	if !column.classes[sale.Class] || column.buyers&buyerOf(sale) == 0 {
		return false
	}
	for _, i := range column.removed {
		if g.removed[i] {
			return false
		}
	}
	return true
}

// add unites two lanes.
func (g *gathering) add(more *gathering) error {
	if err := g.company.add(more.company.cv, more.company.net); err != nil {
		return err
	}
	g.crossed = g.crossed || more.crossed
	for i := range g.own {
		for person, part := range more.own[i] {
			sum, err := money.Add(g.own[i][person], part)
			if err != nil {
				return fmt.Errorf("own volume of distributor %s: %w", g.c.world.People.ID(int32(person)), err)
			}
			g.own[i][person] = sum
		}
	}
	return nil
}
