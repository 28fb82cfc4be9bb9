package commission

import (
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// firstOrder pays the rate on the first counted order of each buyer to whom it is credited. A distributor's own first
// order pays nobody, unless the plan pays retail on own orders: nobody earns on an order of their own.
func (c *closing) firstOrder(index int) error {
	base := c.plan.Components[index].Base
	sums, err := c.sumsBy(index, func(sale *period.Sale) (int32, int64, error) {
		if !sale.First || !c.earnsBySelling(sale) {
			return period.Nobody, 0, nil
		}
		return sale.Seller, baseOf(base, sale), nil
	})
	if err != nil {
		return err
	}
	c.awardRates(index, sums)
	return nil
}

// earnsBySelling tells whether a sale is somebody's to earn on as its seller.
func (c *closing) earnsBySelling(sale *period.Sale) bool {
	return sale.Seller >= 0 && (sale.Buyer != sale.Seller || c.plan.Attribution.SelfRetail)
}

// fixed pays an amount per unit sold, by class and rank. Units that come back take it away again.
func (c *closing) fixed(index int) error {
	sums, err := c.sumsBy(index, func(sale *period.Sale) (int32, int64, error) {
		if !c.earnsBySelling(sale) {
			return period.Nobody, 0, nil
		}
		return sale.Seller, sale.Quantity, nil
	})
	if err != nil {
		return err
	}
	for _, part := range sums {
		for person, units := range part.own {
			if units == 0 {
				continue
			}
			row := part.table.Cell(1, c.rank(int32(person))).Row
			amount, err := c.minor(index, row)
			if err != nil {
				return err
			}
			if amount > 0 {
				c.award(index, int32(person), Term{Row: int32(row), Base: units, Rate: plan.Ratio{Num: amount, Den: 1}, Money: true, Note: noteUnits})
			}
		}
	}
	return nil
}

// noteUnits says that a term's base is a number of units.
const noteUnits = "units"
