package magento

import (
	"fmt"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// stateCancelled is Magento's word for an order of which nothing more will be invoiced.
const stateCancelled = "canceled"

// giftCardType is the product type of gift cards sold, which earn nothing.
const giftCardType = "giftcard"

// sale is an order in the one currency its store keeps its books in, whichever body told it: the rows that carry the money,
// and the header to hold them against.
type sale struct {
	currency money.Currency
	state    string // Magento's own word; amounts decide wherever they can
	rows     []row
	memos    []memo
	header   header
}

// row is one row that carries money. net, invoiced and refunded are without tax and after discounts; refunded is part of
// invoiced, and invoiced of net.
type row struct {
	path     string // where it stands in the body
	itemID   string
	sku      string
	giftCard bool
	price    fine // of one unit, before discounts
	discount fine // what discounts took off the price of the whole row
	net      fine
	invoiced fine
	refunded fine
	fixedTax fine // fixed product tax of the whole row, which is beside net
	below    fine // what the discount took beyond the row's own price; net tells 0 then

	ordered      int64 // units
	unitsPaid    int64 // units invoiced
	unitsDropped int64 // units cancelled
}

// memo is one credit memo: goods that went back, by row.
type memo struct {
	id    string
	at    wire.Moment
	lines []memoLine
}

type memoLine struct {
	path     string // where it stands in the body
	itemID   string
	quantity int64
	net      fine
}

// header holds the order's own figures.
type header struct {
	goods    fine // what nets and fixed product tax of all rows must come to, by the grand total
	total    fine // the grand total
	invoiced fine
	paid     fine
}

// givenAway settles rows that nothing is earned on. Where prices or discounts include tax and the tax is that of the full price, a
// discount takes the tax as well: such a row has a net below 0, and the grand total less of it. It is told with a net of 0, a
// discount of the price alone, and no cents invoiced or refunded, which are only rounding's.
func (s *sale) givenAway() {
	given := make(map[string]bool)
	for i := range s.rows {
		r := &s.rows[i]
		if r.net > 0 || r.net <= -maxFine {
			continue
		}
		given[r.itemID] = true
		r.below, r.discount = -r.net, r.discount+r.net
		r.net, r.invoiced, r.refunded = 0, 0, 0
	}
	for _, m := range s.memos {
		for i := range m.lines {
			if given[m.lines[i].itemID] {
				m.lines[i].net = 0
			}
		}
	}
}

// check refuses amounts that cannot be.
func (r *row) check() error {
	for _, a := range []struct {
		name  string
		value fine
	}{{"net", r.net}, {"invoiced net", r.invoiced}, {"refunded net", r.refunded}, {"price", r.price}, {"discount", r.discount}} {
		if a.value < 0 || a.value >= maxFine {
			return &adapters.Malformed{Field: r.path, Reason: "the " + a.name + " of the row is below 0, or too large"}
		}
	}
	switch {
	case r.itemID == "":
		return &adapters.Malformed{Field: r.path + ".item_id", Reason: "the field is missing"}
	case r.unitsDropped > r.ordered:
		return &adapters.Malformed{Field: r.path, Reason: "more units of the row are cancelled than were ordered"}
	default:
		return nil
	}
}

// check refuses a refund that takes money back.
func (m *memo) check() error {
	for _, line := range m.lines {
		if line.net < 0 || line.net >= maxFine {
			return &adapters.Malformed{Field: line.path, Reason: "the net that is refunded of the row is below 0, or too large"}
		}
	}
	return nil
}

// tooLarge is the fault of a sum that does not fit.
func tooLarge(what string) error {
	return &adapters.Malformed{Field: "order", Reason: what + " add up to more than can be reckoned with"}
}

// open is how many units are neither invoiced nor cancelled.
func (r *row) open() int64 { return max(0, r.ordered-r.unitsPaid-r.unitsDropped) }

// told are the units, net and discount a line is told with: what is left after cancellation. A row with nothing open has sold
// what was invoiced, to the cent; of another the cancelled units are taken off in proportion. A row cancelled whole is told as it
// was, with nothing left of it.
func (r *row) told() (units int64, net, discount fine, err error) {
	units = r.ordered - r.unitsDropped
	if r.unitsDropped == 0 || units == 0 {
		return r.ordered, r.net, r.discount, nil
	}
	part := func(m fine) fine {
		var v int64
		if v, err = money.MulDiv(int64(m), units, r.ordered, money.HalfEven); err != nil {
			err = fmt.Errorf("row %s: %w", r.itemID, err)
		}
		return fine(v)
	}
	net, discount = part(r.net), part(r.discount)
	if r.open() == 0 {
		net = r.invoiced
	}
	return units, net, discount, err
}

// tell fills o with what the sale comes to. A refund names nets, so prices count as without tax.
func (s *sale) tell(o *order.Order) error {
	s.givenAway()
	for i := range s.rows {
		r := &s.rows[i]
		if s.state == stateCancelled {
			r.unitsDropped = max(r.unitsDropped, r.ordered-r.unitsPaid) // Whatever the rows say, nothing more comes of it.
		}
		if err := r.check(); err != nil {
			return err
		}
	}
	for i := range s.memos {
		if err := s.memos[i].check(); err != nil {
			return err
		}
	}
	o.Status, o.Currency = s.status(), s.currency
	if err := s.tellLines(o); err != nil {
		return err
	}
	if err := s.tellRefunds(o); err != nil {
		return err
	}
	return s.tellTotals(o)
}

func (s *sale) tellLines(o *order.Order) error {
	units := make([]int64, len(s.rows))
	nets, discounts, invoiced := make([]fine, len(s.rows)), make([]fine, len(s.rows)), make([]fine, len(s.rows))
	for i := range s.rows {
		var err error
		if units[i], nets[i], discounts[i], err = s.rows[i].told(); err != nil {
			return err
		}
		invoiced[i] = s.rows[i].invoiced
	}
	net, err := apportion(nets, s.currency)
	if err != nil {
		return tooLarge("the rows' net")
	}
	paid, err := apportion(invoiced, s.currency)
	if err != nil {
		return tooLarge("the rows' invoiced net")
	}
	o.Lines = make([]order.Line, len(s.rows))
	for i := range s.rows {
		r := &s.rows[i]
		line := order.Line{LineID: r.itemID, Kind: order.Product, PlatformSKU: r.sku, Quantity: units[i]}
		if line.DiscountMinor, err = discounts[i].minor(s.currency); err != nil {
			return err
		}
		if line.UnitPriceMinor, err = r.price.minor(s.currency); err != nil {
			return err
		}
		line.GrossMinor = net[i] + line.DiscountMinor
		if r.giftCard {
			line.Kind = order.GiftCard
		}
		if r.ordered > 0 && r.unitsDropped == r.ordered {
			line.CurrentQuantity = new(int64)
		}
		if o.Status == order.PartiallyPaid && s.collected() {
			line.PaidNetMinor = &paid[i]
		}
		o.Lines[i] = line
	}
	return nil
}

// tellRefunds tells each credit memo as a refund of goods. Adjustments belong to no row and earn or cost nothing.
func (s *sale) tellRefunds(o *order.Order) error {
	for _, m := range s.memos {
		nets := make([]fine, len(m.lines))
		for i, line := range m.lines {
			nets[i] = line.net
		}
		minor, err := apportion(nets, s.currency)
		if err != nil {
			return tooLarge("credit memo " + m.id)
		}
		refund := order.Refund{RefundID: m.id, At: m.at.Time}
		for i, line := range m.lines {
			refund.Lines = append(refund.Lines, order.RefundLine{LineID: line.itemID, Quantity: line.quantity, SubtotalMinor: minor[i]})
		}
		o.Refunds = append(o.Refunds, refund)
	}
	return nil
}

// tellTotals states what the lines less the refunds must come to: by the grand total, and by what the rows say went back. Where
// the order disagrees with itself by half a minor unit or more, it waits with both figures.
func (s *sale) tellTotals(o *order.Order) error {
	goods, refunds := make([]fine, len(s.rows)), make([]fine, len(s.rows))
	for i := range s.rows {
		goods[i], refunds[i] = s.rows[i].net-s.rows[i].below+s.rows[i].fixedTax, s.rows[i].refunded
	}
	net, err := sum(goods)
	if err != nil {
		return tooLarge("the rows' net")
	}
	refunded, err := sum(refunds)
	if err != nil {
		return tooLarge("the rows' refunds")
	}
	residue, err := (s.header.goods - net).minor(s.currency)
	if err != nil {
		return err
	}
	back, err := refunded.minor(s.currency)
	if err != nil {
		return err
	}
	stated := residue - back
	for i := range o.Lines {
		stated += o.Lines[i].GrossMinor - o.Lines[i].DiscountMinor
	}
	o.Stated.SubtotalMinor = &stated
	if o.TotalMinor, err = s.header.total.minor(s.currency); err != nil {
		return err
	}
	o.PaidMinor, err = s.header.paid.minor(s.currency)
	return err
}

// collected reports whether all that is invoiced is paid. An open invoice counts in the rows, but nobody has its money yet.
func (s *sale) collected() bool { return s.header.paid >= s.header.invoiced }

// status follows the amounts: Magento's state differs between versions for the same steps, and is stuck where its own tax
// rounding refuses the last refund.
func (s *sale) status() order.Status {
	var ordered, open, dropped int64
	someBack, allBack := false, true
	for i := range s.rows {
		r := &s.rows[i]
		ordered, open, dropped = ordered+r.ordered, open+r.open(), dropped+r.unitsDropped
		someBack, allBack = someBack || r.refunded > 0, allBack && r.refunded == r.invoiced
	}
	unpaid := s.header.invoiced == 0 || s.header.paid == 0
	switch {
	case s.state == stateCancelled || ordered > 0 && dropped == ordered:
		return order.Cancelled
	case s.header.total == 0:
		return order.Paid // Such an order may never be invoiced.
	case unpaid:
		return order.Pending
	case open > 0 || !s.collected():
		return order.PartiallyPaid
	case someBack && allBack:
		return order.Refunded
	case someBack:
		return order.PartiallyRefunded
	default:
		return order.Paid
	}
}
