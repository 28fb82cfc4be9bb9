package order

import (
	"fmt"

	"upline.dev/upline/core/money"
)

// excludedReturned is the word of LineNet.Excluded beside the line kinds.
const excludedReturned = "returned"

// Net is what an order may pay on, line by line, in minor units of its currency. It is the only place where that is
// computed. Amounts of the whole order are shared out by largest remainder, so the lines sum to the order exactly; no
// line is below 0. The order should be one that Effective gave and Validate passed: an impossible amount is a *Invalid,
// a sum that does not fit is money.ErrOverflow.
func Net(o Order, p NetPolicy) (Breakdown, error) {
	if err := p.check(); err != nil {
		return Breakdown{}, err
	}
	if e := o.validateAmounts(); e != nil {
		return Breakdown{}, fmt.Errorf("net of %s: %w", o.Source, e)
	}
	w := newWaterfall(o.normalised())
	b, err := w.run(p)
	if err != nil {
		return Breakdown{}, fmt.Errorf("net of %s: %w", o.Source, err)
	}
	return b, nil
}

// run takes the steps in their only order.
func (w *waterfall) run(p NetPolicy) (Breakdown, error) {
	if err := w.discount(); err != nil {
		return Breakdown{}, err
	}
	if err := w.refund(); err != nil {
		return Breakdown{}, err
	}
	w.moveSurplus()
	// The money that ended an order is not goodwill: ignoring it would pay on an order that was paid back.
	if w.order.Status.ended() || p.MoneyRefunds != IgnoreMoneyRefunds {
		if err := w.refundMoney(); err != nil {
			return Breakdown{}, err
		}
	}
	return w.settle(p.PartiallyPaid)
}

// check refuses a policy nobody defined, which would otherwise act as the default.
func (p NetPolicy) check() error {
	switch p.MoneyRefunds {
	case "", SpreadMoneyRefunds, IgnoreMoneyRefunds:
	default:
		return invalid("money_refunds", fmt.Sprintf("%q is none of spread, ignore", p.MoneyRefunds))
	}
	switch p.PartiallyPaid {
	case "", PartialNone, PartialAll, PartialProportional:
		return nil
	default:
		return invalid("partially_paid", fmt.Sprintf("%q is none of none, all, proportional", p.PartiallyPaid))
	}
}

// waterfall takes the lines of one order from gross to net, step by step. While it runs, NetMinor of a line is what is
// left after the steps so far.
type waterfall struct {
	order Order
	lines []LineNet
	work  []lineWork
}

// lineWork is what the steps need to know of a line beside its LineNet.
type lineWork struct {
	named    int64 // units that refunds name
	back     int64 // money that refunds name, net of tax
	backTax  int64 // tax contained in it
	taxLeft  int64 // tax contained in what is left
	surplus  int64 // refunded above what the line had
	spare    int64 // left on a fully returned line, where it is dropped anyway
	returned bool
}

func newWaterfall(o Order) *waterfall {
	w := &waterfall{order: o, lines: make([]LineNet, len(o.Lines)), work: make([]lineWork, len(o.Lines))}
	for i, line := range o.Lines {
		n := LineNet{LineID: line.LineID, GrossMinor: line.GrossMinor, DiscountMinor: line.DiscountMinor}
		n.NetMinor = line.GrossMinor - line.DiscountMinor
		if line.Kind != Product {
			n.Excluded = string(line.Kind)
		}
		w.lines[i] = n
	}
	return w
}

// discount shares out the order's own discount and takes off the tax the lines contain.
func (w *waterfall) discount() error {
	if err := w.shareDiscount(); err != nil {
		return fmt.Errorf("share the order discount: %w", err)
	}
	for i, line := range w.order.Lines {
		n := &w.lines[i]
		tax := line.TaxMinor
		if n.OrderDiscountMinor > 0 && tax > 0 {
			// The line states the tax in its price before the order's discount; a lower price contains less of it.
			var err error
			if tax, err = money.MulDiv(tax, n.NetMinor, line.GrossMinor-line.DiscountMinor, money.HalfEven); err != nil {
				return fmt.Errorf("tax of line %q: %w", line.LineID, err)
			}
		}
		n.TaxMinor = tax
		n.NetMinor -= tax
		w.work[i].taxLeft = tax
	}
	return nil
}

func (w *waterfall) shareDiscount() error {
	if w.order.OrderDiscountMinor == 0 {
		return nil
	}
	weights := make([]int64, len(w.lines))
	for i, line := range w.order.Lines {
		if line.Kind.bearsDiscount() {
			weights[i] = w.lines[i].NetMinor
		}
	}
	shares, err := money.Allocate(w.order.OrderDiscountMinor, weights)
	if err != nil {
		return err
	}
	for i, share := range shares {
		w.lines[i].OrderDiscountMinor = share
		w.lines[i].NetMinor -= share
	}
	return nil
}

// refund takes off what refunds name for each line, and what was removed without a refund.
func (w *waterfall) refund() error {
	w.collectRefunds()
	for i := range w.lines {
		if err := w.refundLine(i); err != nil {
			return fmt.Errorf("refund line %q: %w", w.lines[i].LineID, err)
		}
	}
	return nil
}

// collectRefunds adds up all refunds by line. validateAmounts has made sure that the sums fit.
func (w *waterfall) collectRefunds() {
	index := indexLines(w.order.Lines)
	for _, refund := range w.order.Refunds {
		for _, line := range refund.Lines {
			i, _ := index.find(line.LineID)
			work := &w.work[i]
			work.named += line.Quantity
			work.back += line.SubtotalMinor
			if w.order.TaxesIncluded {
				work.back -= line.TaxMinor
				work.backTax += line.TaxMinor
			}
		}
	}
}

func (w *waterfall) refundLine(i int) error {
	line, n, work := w.order.Lines[i], &w.lines[i], &w.work[i]
	value := n.NetMinor
	removed, err := w.removed(i, value)
	if err != nil {
		return err
	}
	taxRemoved, err := w.removed(i, n.TaxMinor)
	if err != nil {
		return err
	}
	taken := min(work.back, value)
	work.surplus = work.back - taken
	taken += min(removed, value-taken)
	n.QuantityLeft = line.left(work.named)
	work.returned = line.returned(work.named)
	work.taxLeft = max(0, n.TaxMinor-work.backTax-taxRemoved)
	if work.returned {
		work.spare = value - taken // A fee the shop kept restores nothing.
		taken, n.QuantityLeft = value, 0
	}
	n.RefundedMinor = taken
	n.NetMinor = value - taken
	w.exclude(i)
	return nil
}

// exclude ends the waterfall of a line that pays nothing.
func (w *waterfall) exclude(i int) {
	n, work := &w.lines[i], &w.work[i]
	switch {
	case n.Excluded != "":
		n.NetMinor = 0
		*work = lineWork{} // Neither bears nor moves a surplus: its money is none of the commissionable lines'.
	case work.returned:
		n.Excluded = excludedReturned
	}
}

// removed is the part of an amount that belongs to units removed without a refund naming them.
func (w *waterfall) removed(i int, amount int64) (int64, error) {
	line := w.order.Lines[i]
	if line.CurrentQuantity == nil || line.Quantity == 0 {
		return 0, nil
	}
	unnamed := max(0, line.Quantity-*line.CurrentQuantity-w.work[i].named)
	return money.MulDiv(amount, unnamed, line.Quantity, money.HalfEven)
}

// left is the quantity that is left, given the units that refunds name.
func (l Line) left(named int64) int64 {
	left := max(0, l.Quantity-named)
	if l.CurrentQuantity != nil {
		left = min(left, *l.CurrentQuantity)
	}
	return left
}

// returned reports whether a line's whole quantity is gone.
func (l Line) returned(named int64) bool {
	if l.CurrentQuantity != nil && *l.CurrentQuantity == 0 {
		return true
	}
	return l.Quantity > 0 && l.left(named) == 0
}

// moveSurplus takes what was refunded above a line's value from elsewhere, because platforms round the refunds of
// discounted lines as a whole: first from what fully returned lines have left over, then from the next lines in order.
// A surplus that nobody can bear is dropped.
func (w *waterfall) moveSurplus() {
	spare := 0 // Spares before this line are used up.
	for i := range w.work {
		surplus := w.work[i].surplus
		for ; surplus > 0 && spare < len(w.work); spare++ {
			taken := min(surplus, w.work[spare].spare)
			w.work[spare].spare -= taken
			surplus -= taken
			if w.work[spare].spare > 0 {
				break
			}
		}
		if surplus > 0 && w.bearSurplus(i, surplus) > 0 {
			return // Every line is at 0, so nobody can bear the next one either.
		}
	}
}

// bearSurplus takes a surplus of line i from the lines after it, wrapping around, and gives back what nobody could bear.
func (w *waterfall) bearSurplus(i int, surplus int64) int64 {
	for step := 1; step < len(w.lines) && surplus > 0; step++ {
		n := &w.lines[(i+step)%len(w.lines)]
		taken := min(surplus, n.NetMinor)
		n.RefundedMinor += taken
		n.NetMinor -= taken
		surplus -= taken
	}
	return surplus
}

// refundMoney spreads money that was paid back without naming lines over what is left of the lines.
func (w *waterfall) refundMoney() error {
	netLeft, taxLeft, err := w.left()
	if err != nil || netLeft == 0 {
		return err
	}
	goods, err := w.order.moneyRefunded(netLeft, taxLeft)
	if err != nil || goods == 0 {
		return err
	}
	shares, err := money.Allocate(min(goods, netLeft), w.nets())
	if err != nil {
		return fmt.Errorf("spread money refunds: %w", err)
	}
	for i, share := range shares {
		w.lines[i].MoneyRefundMinor = share
		w.lines[i].NetMinor -= share
	}
	return nil
}

// left is what is left of the lines, and the tax contained in it beside.
func (w *waterfall) left() (net, tax int64, err error) {
	for i, n := range w.lines {
		if n.NetMinor == 0 {
			continue
		}
		if net, err = money.Add(net, n.NetMinor); err != nil {
			return 0, 0, err
		}
		if tax, err = money.Add(tax, w.work[i].taxLeft); err != nil {
			return 0, 0, err
		}
	}
	return net, tax, nil
}

// moneyRefunded is the money paid back without naming lines, less the tax in it. Where the platform does not state the
// tax and prices contain it, the money is taken to contain as much as what is left of the order does.
func (o Order) moneyRefunded(netLeft, taxLeft int64) (int64, error) {
	var goods, untold int64
	for _, refund := range o.Refunds {
		if refund.MoneyTaxMinor > 0 || !o.TaxesIncluded {
			goods += refund.MoneyMinor - refund.MoneyTaxMinor // validateAmounts made sure that all refunds fit.
		} else {
			untold += refund.MoneyMinor
		}
	}
	whole, err := money.Add(netLeft, taxLeft)
	if err != nil {
		return 0, err
	}
	part, err := money.MulDiv(untold, netLeft, whole, money.HalfEven)
	if err != nil {
		return 0, fmt.Errorf("take the tax off money refunds: %w", err)
	}
	return goods + part, nil // part is at most untold.
}

func (w *waterfall) nets() []int64 {
	nets := make([]int64, len(w.lines))
	for i, n := range w.lines {
		nets[i] = n.NetMinor
	}
	return nets
}

// settle holds back what the status says is not paid, and sums up.
func (w *waterfall) settle(policy PartialPaymentPolicy) (Breakdown, error) {
	total, err := money.Sum(w.nets()...)
	if err != nil {
		return Breakdown{}, err
	}
	if w.order.Status == PartiallyPaid && policy == PartialProportional && w.paidByLine() {
		return w.settleByLine()
	}
	paid, why, err := w.order.paidOf(total, policy)
	if err != nil {
		return Breakdown{}, err
	}
	if paid != total {
		shares, err := money.Allocate(paid, w.nets())
		if err != nil {
			return Breakdown{}, fmt.Errorf("share out what is paid: %w", err)
		}
		for i, share := range shares {
			w.lines[i].UnpaidMinor = w.lines[i].NetMinor - share
			w.lines[i].NetMinor = share
		}
	}
	return Breakdown{Lines: w.lines, NetMinor: paid, Counts: why == "", Why: why}, nil
}

// paidByLine reports whether the platform tells of every line that pays how much of it is paid.
func (w *waterfall) paidByLine() bool {
	for i, n := range w.lines {
		if n.Excluded == "" && w.order.Lines[i].PaidNetMinor == nil {
			return false
		}
	}
	return len(w.lines) > 0
}

// settleByLine holds back of each line what is not paid of it. What went back was paid before.
func (w *waterfall) settleByLine() (Breakdown, error) {
	for i := range w.lines {
		n := &w.lines[i]
		if n.Excluded != "" {
			continue
		}
		paid := max(0, *w.order.Lines[i].PaidNetMinor-n.RefundedMinor-n.MoneyRefundMinor)
		n.UnpaidMinor = n.NetMinor - min(paid, n.NetMinor)
		n.NetMinor -= n.UnpaidMinor
	}
	total, err := money.Sum(w.nets()...)
	return Breakdown{Lines: w.lines, NetMinor: total, Counts: true}, err
}

// paidOf is how much of an order's net counts by its status; why is set where the status alone lets nothing count.
func (o Order) paidOf(net int64, policy PartialPaymentPolicy) (paid int64, why string, err error) {
	switch o.Status {
	case Paid, PartiallyRefunded, Refunded, Voided, Cancelled:
		return net, "", nil
	case Pending:
		return 0, "pending: the order is not paid yet", nil
	case Authorized:
		return 0, "authorized: the payment is reserved but not captured yet", nil
	case PartiallyPaid:
		return o.partlyPaid(net, policy)
	default:
		return 0, "", invalid("status", fmt.Sprintf("%q is no known status", o.Status))
	}
}

func (o Order) partlyPaid(net int64, policy PartialPaymentPolicy) (paid int64, why string, err error) {
	switch policy {
	case PartialAll:
		return net, "", nil
	case PartialProportional:
		if o.TotalMinor <= 0 || o.PaidMinor < 0 {
			return 0, "", invalid("total_minor, paid_minor", "are needed to pay a partially paid order in proportion")
		}
		paid, err = money.MulDiv(net, min(o.PaidMinor, o.TotalMinor), o.TotalMinor, money.HalfEven)
		return paid, "", err
	default:
		return 0, "partially_paid: nothing counts until the order is paid in full", nil
	}
}
