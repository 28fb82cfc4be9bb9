package commission

import (
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// microsPerDay is a day of 24 hours.
const microsPerDay = 24 * 60 * 60 * 1_000_000

// fastStart pays levels above each new distributor on what they buy and sell in their first days. Levels are those of
// unilevel; whoever may not have one leaves breakage, or, with roll_up, is passed over.
func (c *closing) fastStart(index int) error {
	tree, err := c.tree(index)
	if err != nil {
		return err
	}
	base := c.plan.Components[index].Base
	news, err := c.sumsBy(index, func(sale *period.Sale) (int32, int64, error) {
		member, err := c.newMember(index, sale)
		if err != nil || member < 0 || sale.Buyer >= 0 && sale.Buyer != member {
			return period.Nobody, 0, err
		}
		return member, baseOf(base, sale), nil
	})
	if err != nil {
		return err
	}
	var others []stranger
	if c.crossed {
		if others, err = c.strangers(index, func(sale *period.Sale) (int32, error) {
			member, err := c.newMember(index, sale)
			if member == sale.Buyer {
				return period.Nobody, err
			}
			return member, err
		}); err != nil {
			return err
		}
	}
	for _, part := range news {
		w := levels{ladder: c.ladder(index, part.table), tree: tree, seek: newFlow(tree.len(), part.table.Depth())}
		if err := w.seed(part.own, true); err != nil {
			return err
		}
		if err := w.cross(others); err != nil {
			return err
		}
		if err := w.climb(); err != nil {
			return err
		}
	}
	return nil
}

// newMember is the new distributor whose sale it is for a fast start: the buyer, else the seller, if in their first
// days; period.Nobody where neither is.
func (c *closing) newMember(index int, sale *period.Sale) (int32, error) {
	for _, person := range [...]int32{sale.Buyer, sale.Seller} {
		if person < 0 {
			continue
		}
		component := &c.plan.Components[index]
		at, err := c.enrolledAt(person, component.ID)
		if err != nil {
			return period.Nobody, err
		}
		if c.inFirstDays(sale.At, at, component.FastStartTerms.Days) {
			return person, nil
		}
	}
	return period.Nobody, nil
}

// inFirstDays tells whether an instant falls into the first days from enrolment on, the last excluded. The calendar is only
// asked where it could make a difference to days of 24 hours.
func (c *closing) inFirstDays(at, enrolledAt int64, days int) bool {
	switch past := at - enrolledAt; {
	case past < 0 || past >= int64(days+1)*microsPerDay:
		return false
	case past < int64(days-1)*microsPerDay:
		return true
	default:
		return at < untilOf(enrolledAt, days, c.in.Place)
	}
}

// withholdNew keeps the sales a fast start speaks of from the components it excludes, whether or not somebody gets the
// fast start on them.
func (c *closing) withholdNew(index int) {
	component := &c.plan.Components[index]
	if component.Period == plan.PerOrder {
		return // What it takes away was taken as the orders settled.
	}
	var from []int
	for i := range c.plan.Components {
		if component.Excludes(&c.plan.Components[i]) {
			from = append(from, i)
		}
	}
	if len(from) == 0 {
		return
	}
	c.withhold(func(sale *period.Sale) (bool, error) {
		if sale.Seller < 0 && sale.Buyer < 0 {
			return false, nil
		}
		if table := component.Table(c.world.Classes[sale.Class]); table == nil || table.Depth() == 0 {
			return false, nil
		}
		member, err := c.newMember(index, sale)
		return member >= 0, err
	}, from...)
}
