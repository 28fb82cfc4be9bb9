package commission

import (
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// share is what one sale puts to whose sum. Person is period.Nobody for a sale that puts nothing.
type share func(sale *period.Sale) (person int32, part int64, err error)

// sumsBy adds up every sale where f says, one column per rate table, in one pass. Sales of classes that the component
// does not pay on, and those withheld from it, are left out.
func (c *closing) sumsBy(index int, f share) ([]portion, error) {
	out, at := c.tables(index)
	var lane [lanes][][]int64
	for i := range lane {
		for range out {
			lane[i] = append(lane[i], make([]int64, c.world.People.Count))
		}
	}
	err := c.paidSales(index, func(i int, sale *period.Sale) error {
		if at[sale.Class] < 0 {
			return nil
		}
		person, part, err := f(sale)
		if err != nil || person < 0 || part == 0 {
			return err
		}
		return c.plus(lane[i][at[sale.Class]], person, part)
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].own = lane[0][i]
		for _, more := range lane[1:] {
			for person, part := range more[i] {
				if err := c.plus(out[i].own, int32(person), part); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// tables is the rate tables of a component, and by class which of them holds, -1 for none.
func (c *closing) tables(index int) (out []portion, at []int) {
	component := &c.plan.Components[index]
	at = make([]int, len(c.world.Classes))
	for i, class := range c.world.Classes {
		table := component.Table(class)
		if table == nil && len(component.Rates) > 0 || table != nil && table.Depth() == 0 {
			at[i] = -1
			continue
		}
		at[i] = slices.IndexFunc(out, func(p portion) bool { return p.table == table })
		if at[i] < 0 {
			at[i] = len(out)
			out = append(out, portion{table: table})
		}
	}
	return out, at
}

// paidSales calls f with every sale that is not withheld from a component, as eachSale does, those of nobody included.
func (c *closing) paidSales(index int, f func(lane int, sale *period.Sale) error) error {
	return c.eachSale(func(lane int, sale *period.Sale) error {
		if int(sale.Class) >= len(c.world.Classes) || sale.Seller >= c.world.People.Count {
			return fmt.Errorf("a sale has class %d of %d and seller %d of %d",
				sale.Class, len(c.world.Classes), sale.Seller, c.world.People.Count)
		}
		taken, err := c.withheld(index, sale)
		if err != nil || taken {
			return err
		}
		return f(lane, sale)
	})
}

// plus adds to one person's sum.
func (c *closing) plus(sums []int64, person int32, part int64) error {
	sum, err := money.Add(sums[person], part)
	if err != nil {
		return fmt.Errorf("sum of distributor %s: %w", c.world.People.ID(person), err)
	}
	sums[person] = sum
	return nil
}

// award pays a term, or loses it where the person may not earn.
func (c *closing) award(index int, person int32, t Term) {
	if why := c.mayEarn(index, person); why != "" {
		c.lose(index, person, t, why)
	} else {
		c.pay(index, person, t)
	}
}

// awardRates pays everybody the rate of their rank on their sum, by each table's one level.
func (c *closing) awardRates(index int, portions []portion) {
	for _, part := range portions {
		for person, own := range part.own {
			if own == 0 {
				continue
			}
			if cell := part.table.Cell(1, c.rank(int32(person))); cell.Rate > 0 {
				c.award(index, int32(person), Term{Row: int32(cell.Row), Base: own, Rate: cell.Ratio})
			}
		}
	}
}

// minor is the amount of a row of a component's rates in the paying currency.
func (c *closing) minor(index, row int) (int64, error) {
	amount, ok := c.plan.AmountMinor(&c.plan.Components[index].Rates[row], c.world.Currency)
	if !ok {
		return 0, &MissingRate{What: fmt.Sprintf("components[%d].rates[%d]", index, row), Currency: c.world.Currency}
	}
	return amount, nil
}

// one is the rate of an amount.
var one = plan.Ratio{Num: 1, Den: 1}
