package order

import (
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/core/money"
)

// maxEvidenceBytes is the longest reference that can name a distributor; longer ones are a mistake or an attack.
const maxEvidenceBytes = 255

// Invalid says which field of an order cannot be true, and where two figures disagree, both of them in minor units.
type Invalid struct {
	Field         string // JSON path, for example lines[2].gross_minor
	Reason        string
	StatedMinor   *int64
	ComputedMinor *int64
}

// Error names the field, what is wrong with it and the figures.
func (e *Invalid) Error() string {
	text := e.Field + ": " + e.Reason
	if e.StatedMinor != nil && e.ComputedMinor != nil {
		text += fmt.Sprintf(" (stated %d, computed %d minor units)", *e.StatedMinor, *e.ComputedMinor)
	}
	return text
}

func invalid(field, reason string) *Invalid { return &Invalid{Field: field, Reason: reason} }

// disagree is an Invalid that shows both figures.
func disagree(field, reason string, stated, computed int64) *Invalid {
	return &Invalid{Field: field, Reason: reason, StatedMinor: &stated, ComputedMinor: &computed}
}

// Validate checks the winning channel's snapshot as its platform told it, and then the effective order with all
// refunds. The error is a *Undecided where there is no order yet, or a *Invalid.
func (s State) Validate() error {
	o, err := s.Effective()
	if err != nil {
		return err
	}
	if top, found := s.top(); found && !s.Deleted {
		if err := top.Order.Validate(); err != nil {
			return err
		}
	}
	return o.Validate()
}

// Validate reports the first thing about a snapshot that cannot be true, as a *Invalid. An order without lines is
// valid: it sold shipping, and earns nothing.
func (o Order) Validate() error {
	if e := o.validateHeader(); e != nil {
		return e
	}
	if e := o.validateAmounts(); e != nil {
		return e
	}
	if e := o.validateStated(); e != nil {
		return e
	}
	return nil
}

// FirstYear and LastYear bound the instants that are taken for a time. Beyond them it is a slip of the pen or a placeholder,
// which would wait for ever for its period.
const (
	FirstYear = 1900
	LastYear  = 2200
)

// Plausible reports whether an instant lies between FirstYear and LastYear, in UTC.
func Plausible(at time.Time) bool {
	year := at.UTC().Year()
	return year >= FirstYear && year <= LastYear
}

func (o Order) validateHeader() *Invalid {
	switch {
	case !o.Currency.Valid():
		return invalid("currency", fmt.Sprintf("%q is no known currency", o.Currency))
	case o.OrderTS.IsZero():
		return invalid("order_ts", "is missing")
	case !Plausible(o.OrderTS):
		return invalid("order_ts", fmt.Sprintf("is in the year %d, which is not between %d and %d", o.OrderTS.UTC().Year(), FirstYear, LastYear))
	case o.Status.stage() < 0:
		return invalid("status", fmt.Sprintf("%q is no known status", o.Status))
	case o.TotalMinor < 0:
		return invalid("total_minor", "is negative")
	case o.PaidMinor < 0:
		return invalid("paid_minor", "is negative")
	}
	for i, evidence := range o.Evidence {
		if len(evidence.Value) > maxEvidenceBytes {
			return invalid(fmt.Sprintf("evidence[%d].value", i), fmt.Sprintf("is longer than %d bytes", maxEvidenceBytes))
		}
	}
	return nil
}

// validateAmounts checks everything that Net computes with.
func (o Order) validateAmounts() *Invalid {
	if i := repeatedLine(o.Lines); i >= 0 {
		return invalid(fmt.Sprintf("lines[%d].line_id", i), fmt.Sprintf("%q is told twice", o.Lines[i].LineID))
	}
	for i, line := range o.Lines {
		if e := line.validate(); e != nil {
			e.Field = fmt.Sprintf("lines[%d].%s", i, e.Field)
			return e
		}
	}
	if e := o.validateDiscount(); e != nil {
		return e
	}
	return o.validateRefunds()
}

func (l Line) validate() *Invalid {
	if field := firstNegative(
		figure{"quantity", l.Quantity}, figure{"unit_price_minor", l.UnitPriceMinor}, figure{"gross_minor", l.GrossMinor},
		figure{"discount_minor", l.DiscountMinor}, figure{"tax_minor", l.TaxMinor},
		figure{"current_quantity", told(l.CurrentQuantity)}, figure{"wholesale_minor", told(l.WholesaleMinor)},
		figure{"paid_net_minor", told(l.PaidNetMinor)},
	); field != "" {
		return invalid(field, "is negative")
	}
	switch {
	case l.LineID == "":
		return invalid("line_id", "is empty")
	case !l.Kind.known():
		return invalid("kind", fmt.Sprintf("%q is no known kind of line", l.Kind))
	case told(l.CurrentQuantity) > l.Quantity:
		return invalid("current_quantity", fmt.Sprintf("is %d of %d sold", *l.CurrentQuantity, l.Quantity))
	case l.DiscountMinor > l.GrossMinor:
		return disagree("discount_minor", "is more than the gross", l.DiscountMinor, l.GrossMinor)
	case l.TaxMinor > l.GrossMinor-l.DiscountMinor:
		return disagree("tax_minor", "is more than the discounted gross that contains it", l.TaxMinor, l.GrossMinor-l.DiscountMinor)
	default:
		return nil
	}
}

func (k LineKind) known() bool { return k == Product || k == GiftCard || k == Tip || k == Fee }

// figure is a number with the field it stands in.
type figure struct {
	field string
	value int64
}

func firstNegative(figures ...figure) string {
	for _, f := range figures {
		if f.value < 0 {
			return f.field
		}
	}
	return ""
}

// told is an optional number, 0 where it is not told.
func told(v *int64) int64 {
	if v == nil {
		return 0
	}
	return *v
}

// validateDiscount holds the order discount against the lines that can bear it.
func (o Order) validateDiscount() *Invalid {
	if o.OrderDiscountMinor < 0 {
		return invalid("order_discount_minor", "is negative")
	}
	var gross, bearing int64
	for i, line := range o.Lines {
		var err error
		if gross, err = money.Add(gross, line.GrossMinor); err != nil {
			return invalid(fmt.Sprintf("lines[%d].gross_minor", i), "makes the sum of the lines too large")
		}
		if line.Kind.bearsDiscount() {
			bearing += line.GrossMinor - line.DiscountMinor // Never above the sum of gross, which fits.
		}
	}
	if o.OrderDiscountMinor > bearing {
		return disagree("order_discount_minor", "is more than the lines it could be taken from", o.OrderDiscountMinor, bearing)
	}
	return nil
}

// bearsDiscount reports whether a kind of line takes part in discounts on the whole order.
func (k LineKind) bearsDiscount() bool { return k == Product || k == GiftCard }

func (o Order) validateRefunds() *Invalid {
	if i := repeatedRefund(o.Refunds); i >= 0 {
		return invalid(fmt.Sprintf("refunds[%d].refund_id", i), fmt.Sprintf("%q is told twice", o.Refunds[i].RefundID))
	}
	index := indexLines(o.Lines)
	back := make([]int64, len(o.Lines))
	var total int64
	for i, refund := range o.Refunds {
		e := refund.validate(o, index, back)
		if e == nil {
			e = refund.addTo(&total)
		}
		if e != nil {
			e.Field = strings.TrimSuffix(fmt.Sprintf("refunds[%d].%s", i, e.Field), ".")
			return e
		}
	}
	return nil
}

// validate checks one refund; back collects the returned quantity of each line over all refunds.
func (r Refund) validate(o Order, index lineIndex, back []int64) *Invalid {
	if field := firstNegative(figure{"money_minor", r.MoneyMinor}, figure{"money_tax_minor", r.MoneyTaxMinor}); field != "" {
		return invalid(field, "is negative")
	}
	switch {
	case r.RefundID == "":
		return invalid("refund_id", "is empty")
	case r.MoneyTaxMinor > r.MoneyMinor:
		return disagree("money_tax_minor", "is more than the money that contains it", r.MoneyTaxMinor, r.MoneyMinor)
	}
	for j, line := range r.Lines {
		i, known := index.find(line.LineID)
		if !known {
			return invalid(fmt.Sprintf("lines[%d].line_id", j), fmt.Sprintf("%q is no line of the order", line.LineID))
		}
		if e := line.validate(o.TaxesIncluded, o.Lines[i].Quantity-back[i]); e != nil {
			e.Field = fmt.Sprintf("lines[%d].%s", j, e.Field)
			return e
		}
		back[i] += line.Quantity
	}
	return nil
}

// validate checks one refund line; left is what earlier refunds left of the line's quantity.
func (l RefundLine) validate(taxesIncluded bool, left int64) *Invalid {
	if field := firstNegative(
		figure{"quantity", l.Quantity}, figure{"subtotal_minor", l.SubtotalMinor}, figure{"tax_minor", l.TaxMinor},
	); field != "" {
		return invalid(field, "is negative")
	}
	switch {
	case l.Quantity > left:
		return invalid("quantity", fmt.Sprintf("takes back %d of the line, of which only %d are left", l.Quantity, left))
	case taxesIncluded && l.TaxMinor > l.SubtotalMinor:
		return disagree("tax_minor", "is more than the subtotal that contains it", l.TaxMinor, l.SubtotalMinor)
	default:
		return nil
	}
}

// addTo makes sure that all refunds together fit.
func (r Refund) addTo(total *int64) *Invalid {
	sum, err := money.Add(*total, r.MoneyMinor)
	for _, line := range r.Lines {
		if err == nil {
			sum, err = money.Add(sum, line.SubtotalMinor)
		}
	}
	if err != nil {
		return invalid("", "makes the sum of the refunds too large")
	}
	*total = sum
	return nil
}

// validateStated holds the platform's own totals against the lines and refunds of the same snapshot.
func (o Order) validateStated() *Invalid {
	if stated := o.Stated.SubtotalMinor; stated != nil {
		if computed := o.subtotal(); *stated != computed {
			return disagree("stated.subtotal_minor", "disagrees with the lines and refunds", *stated, computed)
		}
	}
	if stated := o.Stated.SalesMinor; stated != nil {
		if computed := o.sales(); *stated != computed {
			return disagree("stated.sales_minor", "the platform's own sales ledger disagrees with the lines and refunds", *stated, computed)
		}
	}
	return nil
}

// subtotal is what all lines are worth, tax included where prices include it.
func (o Order) subtotal() int64 {
	computed := -o.OrderDiscountMinor
	for _, line := range o.Lines {
		computed += line.GrossMinor - line.DiscountMinor // validateDiscount made sure that the sum fits.
	}
	for _, refund := range o.Refunds {
		for _, line := range refund.Lines {
			computed -= line.SubtotalMinor // validateRefunds made sure that the sum fits.
		}
	}
	return computed
}

// sales is what the Product lines are worth without tax, as far as refunds name lines. An order discount that is not
// shared out over the lines belongs to no kind of them, so it is left out: a platform that states sales shares it out.
func (o Order) sales() int64 {
	var computed int64
	products := make(map[string]bool, len(o.Lines))
	for _, line := range o.Lines {
		if line.Kind == Product {
			products[line.LineID] = true
			computed += line.GrossMinor - line.DiscountMinor - line.TaxMinor
		}
	}
	for _, refund := range o.Refunds {
		for _, line := range refund.Lines {
			if !products[line.LineID] {
				continue
			}
			computed -= line.SubtotalMinor
			if o.TaxesIncluded {
				computed += line.TaxMinor
			}
		}
	}
	return computed
}

// fewLines is up to where looking through a list is faster than a map.
const fewLines = 16

// lineIndex finds a line by its id; of two lines with one id it finds the first.
type lineIndex struct {
	lines []Line
	byID  map[string]int
}

func indexLines(lines []Line) lineIndex {
	index := lineIndex{lines: lines}
	if len(lines) > fewLines {
		index.byID = make(map[string]int, len(lines))
		for i := len(lines) - 1; i >= 0; i-- {
			index.byID[lines[i].LineID] = i
		}
	}
	return index
}

func (x lineIndex) find(id string) (int, bool) {
	if x.byID != nil {
		i, found := x.byID[id]
		return i, found
	}
	for i := range x.lines {
		if x.lines[i].LineID == id {
			return i, true
		}
	}
	return 0, false
}

// repeatedLine is the index of the first line whose id came before, or -1.
func repeatedLine(lines []Line) int {
	index := indexLines(lines)
	for i := range lines {
		if first, _ := index.find(lines[i].LineID); first != i {
			return i
		}
	}
	return -1
}

// repeatedRefund is the index of the first refund whose id came before, or -1.
func repeatedRefund(refunds []Refund) int {
	seen := make(map[string]bool, len(refunds))
	for i, refund := range refunds {
		if seen[refund.RefundID] {
			return i
		}
		seen[refund.RefundID] = true
	}
	return -1
}
