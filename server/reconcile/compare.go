package reconcile

import (
	"errors"
	"slices"

	"upline.dev/upline/core/order"
)

// compare holds what the platform tells of an order against what is known. known is nil for an order we have never heard of.
func compare(known *Known, told order.Revision) Finding {
	f := Finding{OrderID: told.Source.String(), Kind: Missing, Detail: "no delivery has told this order"}
	var state order.State
	if known != nil {
		state = known.State
	}
	before, beforeErr := state.Effective()
	if beforeErr == nil {
		f.KnownMinor = net(before)
	}
	merged, err := order.Merge(state, told)
	if err == nil {
		err = merged.Validate()
	}
	after, afterErr := merged.Effective()
	if afterErr == nil {
		f.ToldMinor, f.Currency = net(after), after.Currency
	}
	var undecided *order.Undecided
	switch {
	case errors.As(err, &undecided):
		f.Kind, f.Detail = Outdated, undecided.Detail
		f.ToldMinor = f.KnownMinor
	case err != nil:
		f.Kind, f.Detail = Unsound, err.Error()
	case errors.As(beforeErr, &undecided) && undecided.Reason == order.OrderMissing:
		if known != nil {
			f.Detail = "only a part of this order was told: a refund or a hint"
		}
	case beforeErr != nil:
		f.Kind, f.Detail = Outdated, beforeErr.Error()
	case sameFigures(before, after):
		f.Kind, f.Detail = InStep, ""
	case newest(state) < told.Version.Updated:
		f.Kind, f.Detail = Outdated, "it has changed since it was last told"
	default:
		f.Kind, f.Detail = Differing, "the same version was told with other figures"
	}
	return f
}

// net is what may be paid on, before a plan's own policies; 0 where it cannot be told.
func net(o order.Order) int64 {
	b, err := order.Net(o, order.NetPolicy{})
	if err != nil {
		return 0
	}
	return b.NetMinor
}

// newest is the last change of which the winning channel told.
func newest(s order.State) (updated int64) {
	for _, c := range s.Channels {
		updated = max(updated, c.Version.Updated)
	}
	return updated
}

// sameFigures compares what money depends on. Who bought, and on whose word, is not the platform's to tell us again.
func sameFigures(a, b order.Order) bool {
	return a.Status == b.Status && a.Currency == b.Currency && a.TaxesIncluded == b.TaxesIncluded && a.Test == b.Test &&
		a.OrderDiscountMinor == b.OrderDiscountMinor && a.PaidMinor == b.PaidMinor &&
		slices.EqualFunc(a.Refunds, b.Refunds, sameRefund) && slices.EqualFunc(byID(a.Lines), byID(b.Lines), sameLine)
}

func sameRefund(a, b order.Refund) bool {
	return a.RefundID == b.RefundID && a.MoneyMinor == b.MoneyMinor && a.MoneyTaxMinor == b.MoneyTaxMinor && slices.Equal(a.Lines, b.Lines)
}

// byID sorts lines: a bulk operation does not tell their places.
func byID(lines []order.Line) []order.Line {
	lines = slices.Clone(lines)
	slices.SortFunc(lines, func(a, b order.Line) int {
		if a.LineID < b.LineID {
			return -1
		}
		if a.LineID > b.LineID {
			return 1
		}
		return 0
	})
	return lines
}

func sameLine(a, b order.Line) bool {
	left := func(l order.Line) int64 {
		if l.CurrentQuantity == nil {
			return -1
		}
		return *l.CurrentQuantity
	}
	return a.LineID == b.LineID && a.Kind == b.Kind && a.PlatformSKU == b.PlatformSKU && a.Quantity == b.Quantity && left(a) == left(b) &&
		a.GrossMinor == b.GrossMinor && a.DiscountMinor == b.DiscountMinor && a.TaxMinor == b.TaxMinor
}
