package scenario

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// tally collects the sales of a span.
type tally struct {
	*closer
	sales     period.List
	classes   []string
	customers map[string]int32
	first     map[string]string
}

// sales are the lines of orders placed in the span, as they now stand, and by how much orders of periods closed before
// have changed since they counted.
func (c *closer) sales(span period.Period) (period.List, []string, error) {
	t := &tally{closer: c, customers: map[string]int32{}, first: c.firstOrders()}
	for number, id := range slices.Sorted(maps.Keys(c.orders)) {
		in := &c.orders[id].input
		if in.OrderTS >= span.From && in.OrderTS < span.To {
			t.add(id, in, int32(number), 1)
			continue
		}
		before, late, err := c.late(id, span)
		if err != nil {
			return nil, nil, err
		}
		if late && !reflect.DeepEqual(before.Lines, in.Lines) {
			t.add(id, in, period.Nobody, 1)
			t.add(id, &before, period.Nobody, -1)
		}
	}
	return t.sales, t.classes, nil
}

// add counts an order's lines, or takes them back; a correction is of no order.
func (t *tally) add(id string, in *commission.Input, number int32, sign int64) {
	o := t.orders[id]
	sale := period.Sale{
		Seller: t.numberOf(in.Attribution.DistributorID), Buyer: t.numberOf(in.Buyer), Customer: period.Nobody, Order: number, At: in.OrderTS,
	}
	if country := cmp.Or(o.told.Country, t.file.Country); country != "" {
		sale.Country = t.country(country)
	}
	if number >= 0 {
		sale.First = t.first[o.told.Buyer] == id
		if in.Buyer == "" && o.told.Buyer != "" {
			if _, known := t.customers[o.told.Buyer]; !known {
				t.customers[o.told.Buyer] = int32(len(t.customers))
			}
			sale.Customer = t.customers[o.told.Buyer]
		}
	}
	for _, line := range in.Lines {
		if !slices.Contains(t.classes, line.CommissionClass) {
			t.classes = append(t.classes, line.CommissionClass)
		}
		sale.Class = uint16(slices.Index(t.classes, line.CommissionClass))
		sale.Quantity, sale.Net = sign*line.Quantity, sign*line.NetMinor
		sale.CV, sale.QV = money.Volume(sign)*line.CV, money.Volume(sign)*line.QV
		t.sales = append(t.sales, sale)
	}
}

func (c *closer) numberOf(id string) int32 {
	if who, known := c.crowd.number[id]; known && id != "" {
		return who
	}
	return period.Nobody
}

// firstOrders is every buyer's first order of which something is left.
func (c *closer) firstOrders() map[string]string {
	first := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(c.orders)) {
		h := c.orders[id]
		left := slices.ContainsFunc(h.input.Lines, func(line commission.Line) bool { return line.Quantity > 0 })
		if !left || h.told.Buyer == "" {
			continue
		}
		if other, known := first[h.told.Buyer]; !known || h.input.OrderTS < c.orders[other].input.OrderTS {
			first[h.told.Buyer] = id
		}
	}
	return first
}

// late tells an order's state when its period was closed, where it has changed since; taken is false for one whose
// period was not closed before span.
func (c *closer) late(id string, span period.Period) (before commission.Input, taken bool, err error) {
	natural, err := c.calendar.At(span.Kind, c.orders[id].input.OrderTS)
	if err != nil {
		return before, false, err
	}
	if _, closed := c.closes.begun[natural.ID]; !closed || natural.To > span.From || c.file.plan.Periods.Late != plan.LateCurrent {
		return before, false, nil
	}
	return c.closes.taken[span.Kind][id], true, nil
}
