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
	first     map[string]string // order by buyer
	known     map[string]string // the same as the periods closed before knew it
}

// sales are the lines of orders placed in the span, as they now stand, and by how much orders of periods closed before
// have changed since they counted.
func (c *closer) sales(span period.Period) (period.List, []string, error) {
	now := func(id string) *commission.Input { return &c.orders[id].input }
	known := func(id string) *commission.Input {
		taken := c.closes.taken[span.Kind][id]
		return &taken
	}
	t := &tally{closer: c, customers: map[string]int32{}, first: c.firstOrders(now), known: c.firstOrders(known)}
	for number, id := range slices.Sorted(maps.Keys(c.orders)) {
		in := &c.orders[id].input
		if in.OrderTS >= span.From && in.OrderTS < span.To {
			t.add(id, in, int32(number), 1)
			continue
		}
		before, late, err := c.lateOf(id, span)
		if err != nil {
			return nil, nil, err
		}
		if late && !reflect.DeepEqual(before.Lines, in.Lines) {
			t.late(id, in, &before)
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
		if in.Buyer == "" {
			sale.Customer = t.customer(o.told.Buyer)
		}
	}
	t.lines(in, sale, sign)
}

// late counts by how much an order of a period closed before has changed: volume, and no order. What a first order was
// paid for follows it; whether it wins its customer only where it is told now, or nothing of it is left.
func (t *tally) late(id string, in, before *commission.Input) {
	o := t.orders[id]
	sale := period.Sale{
		Seller: t.numberOf(in.Attribution.DistributorID), Buyer: t.numberOf(in.Buyer), Customer: period.Nobody, Order: period.Nobody, At: in.OrderTS,
	}
	if country := cmp.Or(o.told.Country, t.file.Country); country != "" {
		sale.Country = t.country(country)
	}
	known, now := t.known[o.told.Buyer], t.first[o.told.Buyer]
	sale.First = o.told.Buyer != "" && (known == id || known == "" && now == id)
	if sale.First && in.Buyer == "" && (known == "" || now != id) {
		sale.Customer = t.customer(o.told.Buyer)
	}
	t.lines(in, sale, 1)
	sale.Seller = t.numberOf(cmp.Or(before.Attribution.DistributorID, in.Attribution.DistributorID))
	t.lines(before, sale, -1)
}

func (t *tally) customer(id string) int32 {
	if id == "" {
		return period.Nobody
	}
	if _, known := t.customers[id]; !known {
		t.customers[id] = int32(len(t.customers))
	}
	return t.customers[id]
}

// lines adds an order's lines, each as the sale says.
func (t *tally) lines(in *commission.Input, sale period.Sale, sign int64) {
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

// firstOrders is every buyer's first order of which something is left in one state of the orders.
func (c *closer) firstOrders(state func(id string) *commission.Input) map[string]string {
	first := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(c.orders)) {
		h, in := c.orders[id], state(id)
		left := slices.ContainsFunc(in.Lines, func(line commission.Line) bool { return line.Quantity > 0 })
		if !left || h.told.Buyer == "" {
			continue
		}
		if other, known := first[h.told.Buyer]; !known || in.OrderTS < state(other).OrderTS {
			first[h.told.Buyer] = id
		}
	}
	return first
}

// lateOf tells an order's state when its period was closed, where it has changed since; taken is false for one whose
// period was not closed before span.
func (c *closer) lateOf(id string, span period.Period) (before commission.Input, taken bool, err error) {
	natural, err := c.calendar.At(span.Kind, c.orders[id].input.OrderTS)
	if err != nil {
		return before, false, err
	}
	if _, closed := c.closes.begun[natural.ID]; !closed || natural.To > span.From || c.file.plan.Periods.Late != plan.LateCurrent {
		return before, false, nil
	}
	return c.closes.taken[span.Kind][id], true, nil
}
