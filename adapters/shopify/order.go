package shopify

import (
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// customItemSKU stands for line items that were typed in by hand (draft orders, point of sale) and have neither SKU nor
// product: they share one mapping per store.
const customItemSKU = "custom-item"

// snapshot reads an order as it now is.
func (r reading) snapshot(body []byte, revision *order.Revision) error {
	var in orderBody
	if err := decode(body, &in); err != nil {
		return err
	}
	if err := r.complete(&in); err != nil {
		return err
	}
	status, err := statusOf(in.FinancialStatus, !in.CancelledAt.IsZero())
	if err != nil {
		return err
	}
	at, err := orderTS(&in)
	if err != nil {
		return err
	}
	revision.Kind = order.Snapshot
	revision.Source.PlatformOrderID = in.ID.String()
	revision.Version.Updated = in.UpdatedAt.UnixMicro()
	out := &order.Order{
		Source:        revision.Source,
		Platform:      order.Shopify,
		Name:          in.Name,
		OrderTS:       at,
		Status:        status,
		Test:          in.Test || r.test,
		Currency:      r.currency,
		TaxesIncluded: *in.TaxesIncluded,
		Country:       country(in.ShippingAddress.CountryCode),
		Evidence:      evidence(&in),
	}
	if in.Customer.ID != 0 {
		out.BuyerID = in.Customer.ID.String()
	}
	revision.Order = out
	return r.figures(&in, out)
}

// complete refuses a body that lacks what no default can stand in for.
func (r reading) complete(in *orderBody) error {
	switch {
	case bool(in.WrappedOrder):
		return &adapters.Malformed{Field: "order", Reason: "the order is wrapped in an object; send the inner object, as Shopify's webhooks do"}
	case bool(in.WrappedOrders):
		return &adapters.Malformed{Field: "orders", Reason: "this is a list of orders; send each as a delivery of its own, as Shopify's webhooks do"}
	case in.ID == 0:
		return missing("id")
	case in.UpdatedAt.IsZero():
		return missing("updated_at")
	case in.CreatedAt.IsZero() && in.ProcessedAt.IsZero():
		return missing("processed_at")
	case in.LineItems == nil:
		return missing("line_items")
	case in.TaxesIncluded == nil:
		return missing("taxes_included")
	case in.Refunds == nil && (in.FinancialStatus == "refunded" || in.FinancialStatus == "partially_refunded"):
		return missing("refunds")
	case in.Currency == "":
		return missing("currency")
	}
	return r.inShop("currency", in.Currency)
}

// orderTS is the time of the sale: processed_at, which Shopify sets to when the buyer paid or, for imported orders, to
// the past time the merchant gave; created_at is only when the row appeared in Shopify.
func orderTS(in *orderBody) (time.Time, error) {
	if !in.ProcessedAt.IsZero() {
		return utc("processed_at", in.ProcessedAt)
	}
	return utc("created_at", in.CreatedAt)
}

// utc refuses the years that have no JSON form; a zone can push a time across either end.
func utc(field string, at time.Time) (time.Time, error) {
	at = at.UTC()
	if year := at.Year(); year < 1 || year > 9999 {
		return time.Time{}, &adapters.Malformed{Field: field, Reason: "the time is not within the years 1 to 9999 in UTC"}
	}
	return at, nil
}

// country takes ISO 3166-1 alpha-2 codes only; anything else is a country we do not know.
func country(code string) string {
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return ""
	}
	return code
}

// statusOf maps financial_status. A cancelled order that was voided or refunded keeps that status, since it tells what is
// left better; any other cancelled order is Cancelled. An expired authorization is an order nobody will pay: Voided.
func statusOf(financial string, cancelled bool) (order.Status, error) {
	switch financial {
	case "partially_refunded":
		return order.PartiallyRefunded, nil
	case "refunded":
		return order.Refunded, nil
	case "voided", "expired":
		return order.Voided, nil
	case "pending", "authorized", "partially_paid", "paid":
		if cancelled {
			return order.Cancelled, nil
		}
		return order.Status(financial), nil
	case "":
		return "", missing("financial_status")
	}
	return "", &adapters.Malformed{Field: "financial_status", Reason: fmt.Sprintf("%.40q is none of pending, authorized, partially_paid, paid, partially_refunded, refunded, voided, expired", financial)}
}

// figures reads lines, refunds and the totals to hold them against.
func (r reading) figures(in *orderBody, out *order.Order) (err error) {
	out.Lines = make([]order.Line, len(in.LineItems))
	for i := range in.LineItems {
		out.Lines[i], err = r.line(&in.LineItems[i], in)
		if err != nil {
			return adapters.Under(fmt.Sprintf("line_items[%d].", i), err)
		}
	}
	for i := range in.Refunds {
		refund, unknown, err := r.refund(&in.Refunds[i])
		if err == nil && unknown != "" {
			err = &adapters.Malformed{Field: "refund_line_items", Reason: unknown}
		}
		if err != nil {
			return adapters.Under(fmt.Sprintf("refunds[%d].", i), err)
		}
		out.Refunds = append(out.Refunds, refund)
	}
	if err := r.stated(in, out); err != nil {
		return err
	}
	if err := r.sales(in, out); err != nil {
		return err
	}
	return r.paid(in, out)
}

// line reads one line item. Discounts come from discount_allocations, which hold a line's share of order codes and of
// automatic discounts; its total_discount holds neither. Tax counts only where prices contain it.
func (r reading) line(in *lineBody, whole *orderBody) (out order.Line, err error) {
	if in.ID == 0 {
		return out, missing("id")
	}
	out = order.Line{LineID: in.ID.String(), Kind: kindOf(in), PlatformSKU: platformSKU(in), CurrentQuantity: in.CurrentQuantity}
	if out.Quantity, err = quantity("quantity", in.Quantity); err != nil {
		return out, err
	}
	if in.CurrentQuantity != nil && (*in.CurrentQuantity < 0 || *in.CurrentQuantity > out.Quantity) {
		return out, &adapters.Malformed{Field: "current_quantity", Reason: fmt.Sprintf("%d is not between 0 and the quantity %d", *in.CurrentQuantity, out.Quantity)}
	}
	if out.UnitPriceMinor, err = r.notNegative("price", in.PriceSet, in.Price); err != nil {
		return out, err
	}
	if out.GrossMinor, err = money.Mul(out.UnitPriceMinor, out.Quantity); err != nil {
		return out, &adapters.Malformed{Field: "price", Reason: "price times quantity: " + err.Error()}
	}
	if out.DiscountMinor, err = r.discount(in, whole); err != nil {
		return out, err
	}
	if *whole.TaxesIncluded {
		out.TaxMinor, err = r.tax(in)
	}
	return out, err
}

// quantity refuses a missing and a negative count.
func quantity(field string, count *int64) (int64, error) {
	if count == nil {
		return 0, missing(field)
	}
	if *count < 0 {
		return 0, &adapters.Malformed{Field: field, Reason: fmt.Sprintf("the count %d is negative", *count)}
	}
	return *count, nil
}

// kindOf tells goods from gift cards bought and from tips.
func kindOf(in *lineBody) order.LineKind {
	switch {
	case in.GiftCard:
		return order.GiftCard
	case bool(in.Tip || in.TipGateway || in.TipMethod):
		return order.Tip
	}
	return order.Product
}

// platformSKU is the merchant's SKU; for a variant without one "variant:" and its id, then "product:" and its id; ids are
// stable under renaming. A line with none of them is customItemSKU.
func platformSKU(in *lineBody) string {
	sku := strings.TrimSpace(in.SKU)
	switch {
	case sku != "":
		return sku
	case in.VariantID != 0:
		return "variant:" + in.VariantID.String()
	case in.ProductID != 0:
		return "product:" + in.ProductID.String()
	}
	return customItemSKU
}

// discount is the sum of a line's allocations. Old shapes and field selections have none; that means 0 only where the
// order says that it has no discount at all.
func (r reading) discount(in *lineBody, whole *orderBody) (int64, error) {
	if in.DiscountAllocated == nil {
		total, stated, err := r.minor("total_discounts", bag{}, whole.TotalDiscounts)
		if err == nil && (!stated || total != 0) {
			err = missing("discount_allocations")
		}
		return 0, err
	}
	return sum("discount_allocations", in.DiscountAllocated, func(a *allocation) (int64, error) {
		return r.notNegative("amount", a.AmountSet, a.Amount)
	})
}

// tax is the sum of a line's taxes as sold; a refund does not change it, since refunds carry their own tax.
func (r reading) tax(in *lineBody) (int64, error) {
	if in.TaxLines == nil {
		return 0, missing("tax_lines")
	}
	return sum("tax_lines", in.TaxLines, func(t *taxLine) (int64, error) {
		return r.notNegative("price", t.PriceSet, t.Price)
	})
}

// sum adds up one amount per element, and names the element that is wrong.
func sum[T any](field string, elements []T, minor func(*T) (int64, error)) (total int64, err error) {
	for i := range elements {
		part, err := minor(&elements[i])
		if err != nil {
			return 0, adapters.Under(fmt.Sprintf("%s[%d].", field, i), err)
		}
		if total, err = money.Add(total, part); err != nil {
			return 0, &adapters.Malformed{Field: field, Reason: err.Error()}
		}
	}
	return total, nil
}

// stated takes current_subtotal_price to hold our figures against. Old shapes have none. Where there is a tip line there
// is none either: Shopify says that subtotals leave tips out, while our sum runs over all lines.
func (r reading) stated(in *orderBody, out *order.Order) error {
	for i := range out.Lines {
		if out.Lines[i].Kind == order.Tip {
			return nil
		}
	}
	subtotal, stated, err := r.minor("current_subtotal_price", in.CurrentSubtotalSet, in.CurrentSubtotal)
	if stated {
		out.Stated.SubtotalMinor = &subtotal
	}
	return err
}

// paid reads how much of a partially paid order has been paid. What is outstanding is counted against the order as it
// now is, so the current total goes before the original one. Both stay 0, unknown, where the figures are not all there
// or contradict each other; in any other status nothing depends on them, and stale values are common.
func (r reading) paid(in *orderBody, out *order.Order) error {
	if out.Status != order.PartiallyPaid {
		return nil
	}
	total, stated, err := r.minor("current_total_price", in.CurrentTotalSet, in.CurrentTotal)
	if err == nil && !stated {
		total, stated, err = r.minor("total_price", in.TotalPriceSet, in.TotalPrice)
	}
	if err != nil || !stated {
		return err
	}
	outstanding, stated, err := r.minor("total_outstanding", bag{}, in.TotalOutstanding)
	if err != nil || !stated || outstanding < 0 || outstanding > total {
		return err
	}
	out.PaidMinor, out.TotalMinor = total-outstanding, total
	return nil
}
