package shopify

import (
	"fmt"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// refunding reads refunds/create: one refund without its order.
func (r reading) refunding(body []byte, revision *order.Revision) error {
	var in refundBody
	if err := decode(body, &in); err != nil {
		return err
	}
	if in.WrappedRefund {
		return &adapters.Malformed{Field: "refund", Reason: "the refund is wrapped in an object; send the inner object, as Shopify's webhooks do"}
	}
	if in.OrderID == 0 {
		return missing("order_id")
	}
	refund, unknown, err := r.refund(&in)
	if err != nil {
		return err
	}
	revision.Source.PlatformOrderID = in.OrderID.String()
	revision.Version.Updated = refund.At.UnixMicro()
	if unknown != "" {
		revision.Kind, revision.Note = order.Hint, unknown
		revision.Version = hinted(refund.At)
		return nil
	}
	revision.Kind, revision.Refunds = order.Refunding, []order.Refund{refund}
	return nil
}

// refund reads a refund as stated: subtotals with the tax in them where the order's prices have it. unknown says in words
// which amount the body leaves open; nothing of the refund may be used then.
//
// Shipping, duties and fees paid back are in no line and change nothing. A refund is read alike on its own and inside its
// order, so that either gives the same order.Refund.
func (r reading) refund(in *refundBody) (out order.Refund, unknown string, err error) {
	out.At, err = refundedAt(in)
	if err != nil {
		return out, "", err
	}
	out.RefundID = in.ID.String()
	if in.Lines == nil || len(in.Lines) == 0 && in.Adjustments == nil && in.Transactions == nil {
		return out, fmt.Sprintf("refund %s came without its lines or adjustments; fetch the order", out.RefundID), nil
	}
	for i := range in.Lines {
		line, stated, err := r.refundLine(&in.Lines[i])
		if err != nil {
			return out, "", adapters.Under(fmt.Sprintf("refund_line_items[%d].", i), err)
		}
		if !stated {
			return out, fmt.Sprintf("refund %s does not say what its line %s is worth; fetch the order", out.RefundID, line.LineID), nil
		}
		out.Lines = append(out.Lines, line)
	}
	out.MoneyMinor, out.MoneyTaxMinor, unknown, err = r.overpaid(in.Adjustments)
	if err != nil || unknown != "" || !in.moneyOnly() {
		return out, unknown, err
	}
	out.MoneyMinor, unknown, err = r.paidBack(in.Transactions)
	return out, unknown, err
}

// refundedAt is created_at, which every selection of fields has; processed_at only stands in for it.
func refundedAt(in *refundBody) (time.Time, error) {
	switch {
	case in.ID == 0:
		return time.Time{}, missing("id")
	case !in.CreatedAt.IsZero():
		return utc("created_at", in.CreatedAt)
	case !in.ProcessedAt.IsZero():
		return utc("processed_at", in.ProcessedAt)
	}
	return time.Time{}, missing("created_at")
}

// refundLine reads one line of a refund. Bodies of old API versions have no subtotal: stated is false then. A missing tax
// is unknown too, for it would count as commissionable where prices contain it.
func (r reading) refundLine(in *refundLineBody) (out order.RefundLine, stated bool, err error) {
	if in.LineItemID == 0 {
		return out, false, missing("line_item_id")
	}
	out.LineID = in.LineItemID.String()
	if out.Quantity, err = quantity("quantity", in.Quantity); err != nil {
		return out, false, err
	}
	if in.Subtotal == "" && in.SubtotalSet.Shop.Amount == "" || in.TotalTax == "" && in.TotalTaxSet.Shop.Amount == "" {
		return out, false, nil
	}
	if out.SubtotalMinor, err = r.notNegative("subtotal", in.SubtotalSet, in.Subtotal); err != nil {
		return out, false, err
	}
	out.TaxMinor, err = r.notNegative("total_tax", in.TotalTaxSet, in.TotalTax)
	return out, true, err
}

// overpaid is what was paid back beyond the lines: the discrepancies below 0. One above 0 says that less was paid back
// than the lines are worth; what the merchant kept is a fee and restores nobody's commission. Shipping adjustments repeat
// the refunded shipping lines.
func (r reading) overpaid(adjustments []adjustment) (minor, taxMinor int64, unknown string, err error) {
	for i := range adjustments {
		in := &adjustments[i]
		amount, tax, err := r.discrepancy(in)
		if err != nil {
			return 0, 0, "", adapters.Under(fmt.Sprintf("order_adjustments[%d].", i), err)
		}
		switch {
		case amount >= 0 || in.Kind == "shipping_refund" || in.Kind == "" && in.Reason == "Shipping refund":
			continue
		case in.Kind != "refund_discrepancy" && !(in.Kind == "" && in.Reason == "Refund discrepancy"):
			return 0, 0, "a refund has an adjustment of an unknown kind; fetch the order", nil
		}
		if minor, err = money.Sum(minor, -amount, -tax); err == nil {
			taxMinor, err = money.Add(taxMinor, -tax)
		}
		if err != nil {
			return 0, 0, "", &adapters.Malformed{Field: "order_adjustments", Reason: err.Error()}
		}
	}
	return minor, taxMinor, "", nil
}

// discrepancy reads one adjustment. Shopify adds the tax to the amount, so both have one sign; a tax that is not stated
// is 0.
func (r reading) discrepancy(in *adjustment) (minor, taxMinor int64, err error) {
	minor, stated, err := r.minor("amount", in.AmountSet, in.Amount)
	if err == nil && !stated {
		err = missing("amount")
	}
	if err != nil {
		return 0, 0, err
	}
	taxMinor, _, err = r.minor("tax_amount", in.TaxAmountSet, in.TaxAmount)
	switch {
	case err != nil:
	case minor < 0 && taxMinor > 0 || minor > 0 && taxMinor < 0:
		err = &adapters.Malformed{Field: "tax_amount", Reason: "its sign differs from the amount's"}
	case minor == -1<<63 || taxMinor == -1<<63: // It has no opposite.
		err = &adapters.Malformed{Field: "amount", Reason: money.ErrOverflow.Error()}
	}
	return minor, taxMinor, err
}

// moneyOnly tells a refund that names nothing it could be for: no lines, no adjustments, no shipping, duties or fees.
// Only then do its transactions say what went back; anywhere else they repeat what the lines say, with tax and shipping.
func (in *refundBody) moneyOnly() bool {
	named := len(in.Lines) + len(in.Adjustments) + len(in.ShippingLines) + len(in.Duties) + len(in.Fees)
	return named == 0 && len(in.Transactions) > 0
}

// paidBack sums the refund transactions that succeeded. Currency XXX or none marks a placeholder that moved no money; an
// amount in the buyer's currency cannot be told in the shop's.
func (r reading) paidBack(transactions []transaction) (minor int64, unknown string, err error) {
	for i := range transactions {
		in := &transactions[i]
		if in.Kind != "refund" || in.Status != "success" || in.Currency == "" || in.Currency == "XXX" {
			continue
		}
		if in.Currency != string(r.currency) {
			return 0, "the refund names no lines and was paid in another currency than the store's; fetch the order", nil
		}
		part, err := r.notNegative("amount", bag{}, in.Amount)
		if err == nil {
			minor, err = money.Add(minor, part)
		}
		if err != nil {
			return 0, "", adapters.Under(fmt.Sprintf("transactions[%d].", i), err)
		}
	}
	return minor, "", nil
}
