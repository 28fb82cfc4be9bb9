package plugin

import (
	"fmt"
	"math/big"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// finestDecimals is how many decimals shops compute with.
const finestDecimals = 6

// customItemSKU stands for rows without SKU and product: they share one mapping per store.
const customItemSKU = "custom-item"

// reading is what an order's figures are read with.
type reading struct {
	currency money.Currency
	decimals int  // of the shop's prices
	rounded  bool // amounts were rounded to decimals before they were told
	finer    bool // some amount was finer than the currency's minor unit
}

func newReading(settings Settings, currency money.Currency) *reading {
	r := &reading{currency: currency, decimals: currency.Exponent(), rounded: settings.Rounded}
	if settings.Decimals != nil {
		r.decimals = *settings.Decimals
	}
	return r
}

// check refuses a setting that no shop has.
func (s Settings) check() error {
	if s.Decimals != nil && (*s.Decimals < 0 || *s.Decimals > finestDecimals) {
		return &adapters.Malformed{Field: "store.decimals", Reason: fmt.Sprintf("%d is not between 0 and %d", *s.Decimals, finestDecimals)}
	}
	return nil
}

// minor rounds an amount half up to the minor unit, once, as the shop itself does when it shows it.
func (r *reading) minor(field string, text wire.Amount) (int64, error) {
	if text == "" {
		return 0, Missing(field)
	}
	value, exact, err := roundText(string(text), r.currency.Exponent(), r.currency)
	if err != nil {
		return 0, &adapters.Malformed{Field: field, Reason: err.Error()}
	}
	r.finer = r.finer || !exact
	return value, nil
}

// net is minor for an amount that is paid on: it cannot be below 0, and a price that the shop itself means to be finer
// than the currency is not ours to round.
func (r *reading) net(field string, text wire.Amount) (int64, error) {
	value, err := r.minor(field, text)
	if err != nil {
		return 0, err
	}
	if value < 0 {
		return 0, &adapters.Malformed{Field: field, Reason: fmt.Sprintf("the amount %.24s is negative", text)}
	}
	if exponent := r.currency.Exponent(); r.decimals > exponent && finerThan(string(text), exponent, r.decimals) {
		return 0, &adapters.Malformed{Field: field, Reason: fmt.Sprintf("the amount %.24s is finer than %s allows; set the shop's number of decimals to %d", text, r.currency, exponent)}
	}
	return value, nil
}

// roundText reads a decimal and rounds half up to places. exact is false where that changed it.
func roundText(text string, places int, c money.Currency) (value int64, exact bool, err error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) <= places {
		value, err = money.ParseMinor(text, c)
		return value, true, err
	}
	head, tail := whole+"."+fraction[:places], fraction[places:]
	if places == 0 {
		head = whole
	}
	if strings.Trim(tail, "0123456789") != "" || len(text) > 64 {
		_, err = money.ParseMinor(text, c) // It says what is wrong.
		if err == nil {
			err = &money.ParseError{Text: text[:min(len(text), 64)], Reason: "it is not a decimal"}
		}
		return 0, false, err
	}
	if value, err = money.ParseMinor(head, c); err != nil {
		return 0, false, err
	}
	if len(fraction) > finestDecimals && strings.Trim(fraction[finestDecimals:], "0") != "" {
		return 0, false, &money.ParseError{Text: text, Reason: fmt.Sprintf("it has more than %d decimals", finestDecimals)}
	}
	if tail[0] < '5' {
		return value, strings.Trim(tail, "0") == "", nil
	}
	step := int64(1)
	if strings.HasPrefix(text, "-") {
		step = -1
	}
	value, err = money.Add(value, step)
	return value, false, err
}

// finerThan reports whether a decimal, cut to decimals, still has something behind places.
func finerThan(text string, places, decimals int) bool {
	_, fraction, _ := strings.Cut(text, ".")
	fraction = fraction[:min(len(fraction), decimals)]
	return len(fraction) > places && strings.Trim(fraction[places:], "0") != ""
}

// whole reads a count: a number without a fraction, not below 0.
func whole(field string, text wire.Amount) (int64, error) {
	if text == "" {
		return 0, Missing(field)
	}
	digits, fraction, _ := strings.Cut(string(text), ".")
	if strings.Trim(fraction, "0") != "" {
		return 0, &adapters.Malformed{Field: field, Reason: fmt.Sprintf("the count %.24q is not a whole number", text)}
	}
	count, err := money.ParseMinor(digits, "JPY") // A currency without decimals is a whole number.
	if err != nil || count < 0 {
		return 0, &adapters.Malformed{Field: field, Reason: fmt.Sprintf("the count %.24q is not a whole number from 0", text)}
	}
	return count, nil
}

// figures reads lines and refunds and holds the total against them.
func (r *reading) figures(in *Order, out *order.Order) (err error) {
	out.Lines = make([]order.Line, len(in.Lines))
	for i := range in.Lines {
		if out.Lines[i], err = r.line(&in.Lines[i]); err != nil {
			return adapters.Under(fmt.Sprintf("lines[%d].", i), err)
		}
	}
	sums, err := r.sums(in, out)
	if err != nil {
		return err
	}
	if err := r.refunds(in, out, sums); err != nil {
		return err
	}
	r.state(out, sums)
	return nil
}

// line reads one row. A total above the subtotal is a price that somebody raised, not a negative discount.
func (r *reading) line(in *Line) (out order.Line, err error) {
	if in.ID == 0 {
		return out, Missing("id")
	}
	out = order.Line{LineID: in.ID.String(), PlatformSKU: platformSKU(in)}
	switch in.Kind {
	case "", string(order.Product):
		out.Kind = order.Product
	case string(order.GiftCard), string(order.Tip):
		out.Kind = order.LineKind(in.Kind)
	default:
		return out, &adapters.Malformed{Field: "kind", Reason: fmt.Sprintf("%.40q is none of product, gift_card, tip", in.Kind)}
	}
	if out.Quantity, err = whole("quantity", in.Quantity); err != nil {
		return out, err
	}
	subtotal, err := r.net("subtotal", in.Subtotal)
	if err != nil {
		return out, err
	}
	total, err := r.net("total", in.Total)
	if err != nil {
		return out, err
	}
	out.GrossMinor = max(subtotal, total)
	out.DiscountMinor = out.GrossMinor - total
	if out.Quantity > 0 {
		out.UnitPriceMinor, err = money.MulDiv(out.GrossMinor, 1, out.Quantity, money.HalfUp)
	}
	return out, err
}

// platformSKU is the merchant's SKU; for a row without one "variation:" or "product:" and the id, which are stable under
// renaming.
func platformSKU(in *Line) string {
	sku := strings.TrimSpace(string(in.SKU))
	switch {
	case sku != "":
		return sku
	case in.VariationID != 0:
		return "variation:" + in.VariationID.String()
	case in.ProductID != 0:
		return "product:" + in.ProductID.String()
	}
	return customItemSKU
}

// sums are an order's own totals, before refunds.
type sums struct {
	total int64 // as stated
	goods int64 // lines
	rest  int64 // fees, shipping and tax; may be negative
	terms int64 // how many amounts were added up
}

func (r *reading) sums(in *Order, out *order.Order) (s sums, err error) {
	if s.total, err = r.minor("total", in.Total); err != nil {
		return s, err
	}
	if s.total < 0 {
		return s, &adapters.Malformed{Field: "total", Reason: fmt.Sprintf("the amount %.24s is negative", in.Total)}
	}
	if s.rest, err = r.minor("total_tax", in.TotalTax); err != nil {
		return s, err
	}
	for i := range out.Lines {
		if s.goods, err = money.Add(s.goods, out.Lines[i].GrossMinor-out.Lines[i].DiscountMinor); err != nil {
			return s, &adapters.Malformed{Field: "lines", Reason: err.Error()}
		}
	}
	extras, err := r.extras(in.Fees, in.Shipping, false)
	if err == nil {
		s.rest, err = money.Add(s.rest, extras)
	}
	if err != nil {
		return s, asMalformed("total_tax", err)
	}
	s.terms = int64(len(in.Lines)+len(in.Fees)+len(in.Shipping)) + 1
	return s, nil
}

// extras adds up fees and shipping, with their tax where asked for.
func (r *reading) extras(fees, shipping []Part, taxed bool) (int64, error) {
	fee, err := r.parts("fees", fees, taxed)
	if err != nil {
		return 0, err
	}
	charge, err := r.parts("shipping", shipping, taxed)
	if err != nil {
		return 0, err
	}
	return money.Add(fee, charge)
}

// parts adds up fees or shipping, with their tax where asked for.
func (r *reading) parts(name string, parts []Part, taxed bool) (sum int64, err error) {
	for i := range parts {
		field := func(member string) string { return fmt.Sprintf("%s[%d].%s", name, i, member) }
		total, err := r.minor(field("total"), parts[i].Total)
		if err != nil {
			return 0, err
		}
		var tax int64
		if taxed && parts[i].Tax != "" {
			if tax, err = r.minor(field("tax"), parts[i].Tax); err != nil {
				return 0, err
			}
		}
		if sum, err = money.Sum(sum, total, tax); err != nil {
			return 0, &adapters.Malformed{Field: field("total"), Reason: err.Error()}
		}
	}
	return sum, nil
}

// slack is by how much a sum of so many amounts may be off for rounding alone: half a minor unit each, the sum's own
// rounding included. Amounts that needed no rounding leave none.
func (r *reading) slack(terms int64) int64 {
	if !r.rounded && !r.finer {
		return 0
	}
	return (terms + 1) / 2
}

// state holds the order's total against its parts. Where they disagree, what the platform says of the goods is stated, so
// that the order waits with both figures instead of paying on one of them.
func (r *reading) state(out *order.Order, s sums) {
	computed, err := money.Add(s.goods, s.rest)
	if err == nil {
		if off := s.total - computed; off <= r.slack(s.terms) && off >= -r.slack(s.terms) {
			return
		}
	}
	stated := s.total - s.rest
	for _, refund := range out.Refunds {
		for _, line := range refund.Lines {
			stated -= line.SubtotalMinor
		}
	}
	out.Stated.SubtotalMinor = &stated
}

// SumText adds up decimal texts exactly; false where one of them is no decimal.
func SumText(n int, text func(i int) wire.Amount) (*big.Rat, bool) {
	sum := new(big.Rat)
	for i := range n {
		value := string(text(i))
		if len(value) > 64 || value == "" || strings.Trim(value, "-.0123456789") != "" {
			return nil, false
		}
		part, ok := new(big.Rat).SetString(value)
		if !ok {
			return nil, false
		}
		sum.Add(sum, part)
	}
	return sum, true
}
