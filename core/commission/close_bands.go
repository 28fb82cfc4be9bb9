package commission

import (
	"cmp"
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// bands pays by the band that a figure reaches: the highest, or every one. An amount is paid as it is; a rate is of the
// volume in the component's base that the figure speaks of: the person's own, or with gv and pgv the group's. A figure
// of zero or less reaches no band.
func (c *closing) bands(index int) error {
	terms := c.plan.Components[index].BandsTerms
	if terms.Of == plan.BandsOfOrder {
		return c.orderBands(index)
	}
	figures, err := c.figures(terms.Of)
	if err != nil {
		return err
	}
	base, err := c.bandBase(index)
	if err != nil {
		return err
	}
	for person, figure := range figures {
		own := int64(0)
		if base != nil {
			own = base[person]
		}
		c.payBands(index, int32(person), figure, own)
	}
	return nil
}

// payBands pays what one figure reaches. base is what rates are of.
func (c *closing) payBands(index int, person int32, figure, base int64) {
	terms := c.plan.Components[index].BandsTerms
	last := reached(terms.Bands, figure)
	if last < 0 || figure <= 0 {
		return
	}
	first := last
	if terms.Pay == plan.PayEach {
		first = 0
	}
	for i := first; i <= last; i++ {
		band := &terms.Bands[i]
		t := Term{Row: -1, Base: base, Rate: band.Ratio(), Note: "band from " + band.From}
		if band.Amount != "" {
			t.Base, t.Rate, t.Money = band.Minor(), one, true
		}
		if t.Base != 0 && t.Rate.Num != 0 {
			c.award(index, person, t)
		}
	}
}

// bandBase is the volume that rates of bands are of; nil where all bands are amounts.
func (c *closing) bandBase(index int) ([]int64, error) {
	component := &c.plan.Components[index]
	if !slices.ContainsFunc(component.BandsTerms.Bands, func(b plan.Band) bool { return b.Rate != "" }) {
		return nil, nil
	}
	parts, err := c.sumsBy(index, func(sale *period.Sale) (int32, int64, error) {
		if !c.qualifies(sale) {
			return period.Nobody, 0, nil
		}
		return sale.Seller, baseOf(component.Base, sale), nil
	})
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	return c.grouped(component.BandsTerms.Of, parts[0].own)
}

// qualifies tells whether a sale counts for its seller's own volume.
func (c *closing) qualifies(sale *period.Sale) bool {
	q := &c.plan.Qualification
	if sale.Buyer == sale.Seller {
		return q.OwnOrders
	}
	return q.CustomerOrders
}

// figures is what bands ask for, by person. Volumes are those of the standings where they are of the component's own
// period; else the period's sales are added up.
func (c *closing) figures(of string) ([]int64, error) {
	if of == plan.MeasureCustomers {
		return c.customers()
	}
	if c.world.Period.Kind == c.plan.Qualification.Period {
		known := map[string][]int64{
			plan.MeasurePV: c.standing.PV, plan.MeasureGV: c.standing.GV, plan.MeasurePGV: c.standing.PGV, plan.MeasureCV: c.standing.OwnCV,
		}[of]
		if len(known) == int(c.world.People.Count) {
			return known, nil
		}
	}
	own := make([]int64, c.world.People.Count)
	var lane [lanes][]int64
	for i := range lane {
		lane[i] = make([]int64, len(own))
	}
	err := c.eachSale(func(i int, sale *period.Sale) error {
		switch {
		case sale.Seller < 0:
			return nil
		case of == plan.MeasureCV: // As in conditions, all that is credited: the switches are PV's.
			return c.plus(lane[i], sale.Seller, int64(sale.CV))
		case !c.qualifies(sale):
			return nil
		default:
			return c.plus(lane[i], sale.Seller, int64(sale.QV))
		}
	})
	for i := range lane {
		for person, part := range lane[i] {
			if err == nil {
				err = c.plus(own, int32(person), part)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return c.grouped(of, own)
}

// grouped turns everybody's own volume into what a measure counts: with gv that of the whole downline too, with pgv
// without the subtrees of people who have broken away.
func (c *closing) grouped(of string, own []int64) ([]int64, error) {
	if of != plan.MeasureGV && of != plan.MeasurePGV {
		return own, nil
	}
	breakaway := len(c.plan.Ranks)
	if of == plan.MeasurePGV {
		breakaway, _ = c.plan.Rank(c.plan.Qualification.BreakawayRank) // The plan is refused without one.
	}
	tree := &forest{parent: c.world.Sponsor.Parent, order: c.world.Sponsor.Order}
	if err := tree.check(); err != nil {
		return nil, err
	}
	group := slices.Clone(own)
	for i := tree.len() - 1; i >= 0; i-- {
		person := tree.at(i)
		if up := tree.parent[person]; up >= 0 && c.rank(person) < breakaway {
			if err := c.plus(group, up, group[person]); err != nil {
				return nil, err
			}
		}
	}
	return group, nil
}

// customers counts, by seller, the different customers with something left of an order in the period.
func (c *closing) customers() ([]int64, error) {
	var lane [lanes][][2]int32
	err := c.eachSale(func(i int, sale *period.Sale) error {
		late := sale.At < c.world.Period.From && sale.Order < 0 // A correction of an earlier period is no order of this one.
		if sale.Seller >= 0 && sale.Customer >= 0 && !late && (sale.Quantity > 0 || sale.QV > 0 || sale.Net > 0) {
			lane[i] = append(lane[i], [2]int32{sale.Seller, sale.Customer})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	pairs := slices.Concat(lane[:]...)
	slices.SortFunc(pairs, func(a, b [2]int32) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	count := make([]int64, c.world.People.Count)
	for _, pair := range slices.Compact(pairs) {
		count[pair[0]]++
	}
	return count, nil
}

// party is one order, or a line of one.
type party struct {
	seller, order int32
	base          int64
}

// orderBands lets each order reach bands by itself, for the one it is credited to; an own order as far as the plan pays
// retail on these. Corrections of earlier periods are volume and no order: they reach no band.
func (c *closing) orderBands(index int) error {
	base := c.plan.Components[index].Base
	var lane [lanes][]party
	err := c.paidSales(index, func(i int, sale *period.Sale) error {
		if !c.earnsBySelling(sale) || sale.Order < 0 {
			return nil
		}
		lane[i] = append(lane[i], party{sale.Seller, sale.Order, baseOf(base, sale)})
		return nil
	})
	if err != nil {
		return err
	}
	lines := slices.Concat(lane[:]...)
	slices.SortFunc(lines, func(a, b party) int { return cmp.Or(cmp.Compare(a.seller, b.seller), cmp.Compare(a.order, b.order)) })
	for from := 0; from < len(lines); {
		to, sum := from, int64(0)
		for to < len(lines) && lines[to].seller == lines[from].seller && lines[to].order == lines[from].order {
			if sum, err = money.Add(sum, lines[to].base); err != nil {
				return fmt.Errorf("order of distributor %s: %w", c.world.People.ID(lines[from].seller), err)
			}
			to++
		}
		c.payBands(index, lines[from].seller, sum, sum)
		from = to
	}
	return nil
}
