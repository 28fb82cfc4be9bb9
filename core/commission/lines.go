package commission

import (
	"fmt"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// NetPolicy is the part of a plan that order.Net asks for.
func NetPolicy(p *plan.Plan) order.NetPolicy {
	return order.NetPolicy{
		MoneyRefunds:  order.MoneyRefundPolicy(p.Orders.MoneyRefunds),
		PartiallyPaid: order.PartialPaymentPolicy(p.Orders.PartiallyPaid),
	}
}

// Precedence is the part of a plan that order.Attribute asks for, strongest evidence first.
func Precedence(p *plan.Plan) []order.EvidenceKind {
	kinds := make([]order.EvidenceKind, len(p.Attribution.Evidence))
	for i, kind := range p.Attribution.Evidence {
		kinds[i] = order.EvidenceKind(kind)
	}
	return kinds
}

// MapLines joins an order's net, as order.Net gave it for o, with what its SKUs are. lookup is asked for every line that
// can still earn; its errors, such as *catalog.Unmapped, come back wrapped. Lines that earn nothing are left out, and
// their SKUs need no mapping.
func MapLines(o order.Order, net order.Breakdown, lookup func(order.Line) (catalog.Item, error)) ([]Line, error) {
	if len(o.Lines) != len(net.Lines) {
		return nil, fmt.Errorf("map lines of %s: the order has %d lines and its net %d", o.Source, len(o.Lines), len(net.Lines))
	}
	lines := make([]Line, 0, len(net.Lines))
	for i := range net.Lines {
		sold, n := &o.Lines[i], &net.Lines[i]
		if sold.LineID != n.LineID {
			return nil, fmt.Errorf("map lines of %s: line %s has the net of %s", o.Source, sold.LineID, n.LineID)
		}
		if !net.Counts || n.Excluded != "" || n.NetMinor == 0 && (n.MoneyRefundMinor > 0 || n.UnpaidMinor > 0) {
			continue
		}
		line, err := mapLine(o, sold, n, lookup)
		if err != nil {
			return nil, fmt.Errorf("map line %s of %s: %w", sold.LineID, o.Source, err)
		}
		if line.NetMinor > 0 || line.CV > 0 || line.QV > 0 {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func mapLine(o order.Order, sold *order.Line, n *order.LineNet, lookup func(order.Line) (catalog.Item, error)) (Line, error) {
	item, err := lookup(*sold)
	if err != nil {
		return Line{}, err
	}
	line := Line{
		LineID: sold.LineID, SKUID: item.SKUID, PlatformSKU: sold.PlatformSKU, CommissionClass: item.CommissionClass,
		Quantity: n.QuantityLeft, NetMinor: n.NetMinor, UnitPriceMinor: sold.UnitPriceMinor, WholesaleMinor: sold.WholesaleMinor,
	}
	if line.CV, err = volume(item.CV, o, n); err != nil {
		return Line{}, fmt.Errorf("CV: %w", err)
	}
	if line.QV, err = volume(item.QV, o, n); err != nil {
		return Line{}, fmt.Errorf("QV: %w", err)
	}
	return line, nil
}

// volume is a line's volume. A volume fixed per unit knows nothing of money, so it shrinks here with money that was
// paid back without goods, or is not paid yet; else an order paid back in full would still earn on volume.
func volume(rule catalog.VolumeRule, o order.Order, n *order.LineNet) (money.Volume, error) {
	v, err := rule.Of(n.NetMinor, n.QuantityLeft, o.Currency)
	if err != nil || rule.PerUnit == 0 || v == 0 {
		return v, err
	}
	held, err := money.Sum(n.NetMinor, n.MoneyRefundMinor, n.UnpaidMinor)
	if err != nil {
		return 0, err
	}
	switch {
	case held == n.NetMinor && held > 0:
		return v, nil
	case held > 0:
		part, err := money.MulDiv(int64(v), n.NetMinor, held, money.HalfEven)
		return money.Volume(part), err
	case o.Status == order.Cancelled || o.Status == order.Voided || o.Status == order.Refunded:
		return 0, nil // A free line of an order that was ended.
	default:
		return v, nil
	}
}
