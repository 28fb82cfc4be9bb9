package plugin

import (
	"cmp"
	"fmt"
	"slices"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// refunds reads the refunds in the order in which they were made, because what one of them names no lines for is shared
// out over what those before it left.
func (r *reading) refunds(in *Order, out *order.Order, s sums) error {
	left := leftover{goods: s.goods, all: s.total}
	byID := make([]int, len(in.Refunds))
	for i := range byID {
		byID[i] = i
	}
	slices.SortStableFunc(byID, func(a, b int) int { return cmp.Compare(in.Refunds[a].ID, in.Refunds[b].ID) })
	for _, i := range byID {
		refund, err := r.refund(&in.Refunds[i], &left)
		if err != nil {
			return adapters.Under(fmt.Sprintf("refunds[%d].", i), err)
		}
		out.Refunds = append(out.Refunds, refund)
	}
	return nil
}

// leftover is what earlier refunds left of an order.
type leftover struct {
	goods int64 // of the lines
	all   int64 // of the total: goods, tax, fees and shipping
}

// take lowers what is left; nothing falls below 0.
func (l *leftover) take(goods, all int64) {
	l.goods = max(0, l.goods-goods)
	l.all = max(0, l.all-all)
}

func (r *reading) refund(in *Refund, left *leftover) (out order.Refund, err error) {
	if in.ID == 0 {
		return out, Missing("id")
	}
	out = order.Refund{RefundID: in.ID.String(), Deleted: in.Deleted, At: in.At.UTC()}
	if year := out.At.Year(); year < 0 || year > 9999 {
		return out, &adapters.Malformed{Field: "at", Reason: "the time is not within the years 0 to 9999 in UTC"}
	}
	if in.Deleted {
		return out, nil
	}
	if in.At.IsZero() {
		return out, Missing("at")
	}
	amount, err := r.net("amount", in.Amount)
	if err != nil {
		return out, err
	}
	n, err := r.named(in, &out)
	if err != nil {
		return out, err
	}
	left.take(n.goods, n.all)
	open := amount - n.all
	if open <= r.slack(n.terms) && n.terms > 0 || open <= 0 {
		return out, nil // What was kept back is a fee of the shop and restores nothing.
	}
	out.MoneyMinor, err = left.share(open)
	left.take(out.MoneyMinor, open)
	return out, err
}

// named is what a refund says it was for.
type named struct {
	goods int64
	all   int64 // with tax, fees and shipping
	terms int64
}

func (r *reading) named(in *Refund, out *order.Refund) (n named, err error) {
	for i := range in.Lines {
		line, tax, err := r.refundLine(&in.Lines[i])
		if err == nil {
			n.goods, err = money.Add(n.goods, line.SubtotalMinor)
		}
		if err == nil {
			n.all, err = money.Sum(n.all, line.SubtotalMinor, tax)
		}
		if err != nil {
			return n, adapters.Under(fmt.Sprintf("lines[%d].", i), asMalformed("total", err))
		}
		out.Lines = append(out.Lines, line)
	}
	extras, err := r.extras(in.Fees, in.Shipping, true)
	if err == nil {
		n.all, err = money.Add(n.all, extras)
	}
	if err != nil {
		return n, asMalformed("amount", err)
	}
	n.terms = int64(2 * (len(in.Lines) + len(in.Fees) + len(in.Shipping)))
	return n, nil
}

func (r *reading) refundLine(in *RefundLine) (out order.RefundLine, tax int64, err error) {
	if in.LineID == 0 {
		return out, 0, Missing("line_id")
	}
	out.LineID = in.LineID.String()
	if out.Quantity, err = whole("quantity", in.Quantity); err != nil {
		return out, 0, err
	}
	if out.SubtotalMinor, err = r.net("total", in.Total); err != nil {
		return out, 0, err
	}
	if in.Tax != "" {
		tax, err = r.minor("tax", in.Tax)
	}
	return out, tax, err
}

// asMalformed names the field of a sum that does not fit.
func asMalformed(field string, err error) error {
	if _, ok := err.(*adapters.Malformed); ok || err == nil { //nolint:errorlint // Faults come unwrapped from this package.
		return err
	}
	return &adapters.Malformed{Field: field, Reason: err.Error()}
}

// share is the goods' part of money that was paid back without naming lines: in proportion to what is left of goods on
// one side and of tax, fees and shipping on the other. The money is gross of all of them. Where all that is left was paid
// back, it is all that is left of the goods, so that nothing remains.
func (l *leftover) share(open int64) (int64, error) {
	rest := max(0, l.all-l.goods)
	if open >= l.goods+rest {
		return l.goods, nil
	}
	shares, err := money.Allocate(open, []int64{l.goods, rest})
	if err != nil {
		return 0, &adapters.Malformed{Field: "amount", Reason: err.Error()}
	}
	return shares[0], nil
}
