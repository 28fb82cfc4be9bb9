package scenario

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// later is the sale with what a later revision says laid over it.
func (s sale) later(next sale) sale {
	out := s
	out.At = cmp.Or(next.At, s.At)
	out.Status = cmp.Or(next.Status, s.Status)
	out.Currency = cmp.Or(next.Currency, s.Currency)
	out.SoldBy = cmp.Or(next.SoldBy, s.SoldBy)
	out.Buyer = cmp.Or(next.Buyer, s.Buyer)
	out.Country = cmp.Or(next.Country, s.Country)
	out.Discount = cmp.Or(next.Discount, s.Discount)
	out.Paid, out.Total = cmp.Or(next.Paid, s.Paid), cmp.Or(next.Total, s.Total)
	out.TaxesIncluded = cmp.Or(next.TaxesIncluded, s.TaxesIncluded)
	if next.Evidence != nil {
		out.Evidence = next.Evidence
	}
	if next.Items != nil {
		out.Items = next.Items
	}
	out.Refunds = append(append([]refund(nil), s.Refunds...), next.Refunds...)
	out.Expect = next.Expect
	return out
}

// order tells the sale in the platforms' common vocabulary.
func (w *world) order(s sale) (order.Order, error) {
	currency, err := money.ParseCurrency(cmp.Or(s.Currency, w.file.Currency))
	if err != nil {
		return order.Order{}, err
	}
	at, err := instant(s.At, 0)
	if err != nil {
		return order.Order{}, err
	}
	o := order.Order{
		Source: order.Source{StoreID: storeID, PlatformOrderID: s.ID}, Platform: order.Custom, OrderTS: time.UnixMicro(at).UTC(),
		Status: order.Status(cmp.Or(s.Status, string(order.Paid))), Currency: currency, BuyerID: s.Buyer,
		Country: cmp.Or(s.Country, w.file.Country), TaxesIncluded: s.TaxesIncluded != nil && *s.TaxesIncluded,
	}
	r := figures{currency: currency}
	for i, sold := range s.Items {
		o.Lines = append(o.Lines, r.line(sold, i))
	}
	for _, back := range s.Refunds {
		o.Refunds = append(o.Refunds, r.refund(back, o.OrderTS))
	}
	o.OrderDiscountMinor = r.minor("discount", s.Discount)
	o.PaidMinor, o.TotalMinor = r.minor("paid", s.Paid), r.minor("total", s.Total)
	o.Evidence = w.evidence(s)
	return o, r.err
}

// evidence is what the sale states, and that a buyer may be bound to somebody.
func (w *world) evidence(s sale) []order.Evidence {
	var out []order.Evidence
	if s.SoldBy != "" {
		out = append(out, order.Evidence{Kind: order.CartReference, Value: s.SoldBy})
	}
	for _, e := range s.Evidence {
		out = append(out, order.Evidence{Kind: order.EvidenceKind(e.Kind), Value: e.Value})
	}
	if _, bound := w.bound[s.Buyer]; bound && w.file.plan.Attribution.Binding.Mode != plan.BindNever {
		out = append(out, order.Evidence{Kind: order.BoundCustomer, Value: s.Buyer})
	}
	return out
}

// figures reads amounts of one order; the first error stays.
type figures struct {
	currency money.Currency
	err      error
}

func (f *figures) fail(what string, err error) {
	if f.err == nil && err != nil {
		f.err = fmt.Errorf("%s: %w", what, err)
	}
}

func (f *figures) minor(what, text string) int64 {
	if text == "" {
		return 0
	}
	minor, err := money.ParseMinor(text, f.currency)
	f.fail(what, err)
	return minor
}

func (f *figures) count(what, text string, fallback int64) int64 {
	if text == "" {
		return fallback
	}
	count, err := strconv.ParseInt(text, 10, 64)
	f.fail(what, err)
	return count
}

func (f *figures) line(sold item, position int) order.Line {
	line := order.Line{
		LineID: cmp.Or(sold.Line, strconv.Itoa(position+1)), Kind: order.LineKind(cmp.Or(sold.Kind, string(order.Product))),
		PlatformSKU: sold.SKU, Quantity: f.count("qty", sold.Qty, 1), UnitPriceMinor: f.minor("price", sold.Price),
		DiscountMinor: f.minor("discount", sold.Discount), TaxMinor: f.minor("tax", sold.Tax),
	}
	gross, err := money.Mul(line.UnitPriceMinor, line.Quantity)
	f.fail("price x qty", err)
	line.GrossMinor = gross
	if sold.Left != "" {
		left := f.count("left", sold.Left, 0)
		line.CurrentQuantity = &left
	}
	if sold.Wholesale != "" {
		wholesale := f.minor("wholesale", sold.Wholesale)
		line.WholesaleMinor = &wholesale
	}
	return line
}

func (f *figures) refund(back refund, orderedAt time.Time) order.Refund {
	at, err := instant(back.At, orderedAt.Add(time.Hour).UnixMicro())
	f.fail("refund", err)
	out := order.Refund{
		RefundID: back.ID, At: time.UnixMicro(at).UTC(), MoneyMinor: f.minor("money", back.Money),
		MoneyTaxMinor: f.minor("money_tax", back.MoneyTax),
	}
	for _, part := range back.Items {
		out.Lines = append(out.Lines, order.RefundLine{
			LineID: part.Line, Quantity: f.count("qty", part.Qty, 0), SubtotalMinor: f.minor("amount", part.Amount),
			TaxMinor: f.minor("tax", part.Tax),
		})
	}
	return out
}
