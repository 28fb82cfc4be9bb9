package commission

// retail pays everybody on what is credited to them: own orders only where the plan's attribution says so.
func (c *closing) retail(index int) error {
	buyers := allOrders
	if !c.plan.Attribution.SelfRetail {
		buyers = othersOrders
	}
	for _, volume := range c.volumes(index, buyers) {
		for person, own := range volume.own {
			if own == 0 {
				continue
			}
			cell := volume.table.Cell(1, c.rank(int32(person)))
			if cell.Rate == 0 {
				continue
			}
			term := Term{Row: int32(cell.Row), Base: own, Rate: cell.Ratio}
			if why := c.mayEarn(index, int32(person)); why != "" {
				c.lose(index, int32(person), term, why)
			} else {
				c.pay(index, int32(person), term)
			}
		}
	}
	return nil
}
