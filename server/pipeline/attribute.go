package pipeline

import (
	"cmp"
	"errors"
	"slices"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// attribute decides whose sale an order is, by what its pins show. Only where they show nobody, or cannot read a
// reference that has to name somebody, does what is known now count; if that names a distributor, the pins move there.
// An order that is somebody's never becomes somebody else's because a code was registered since.
func (f *facts) attribute(o order.Order, p *plan.Plan, pins *Pins) (order.Attribution, error) {
	pinned, err := f.attributeBy(o, p, pins)
	var unknown *order.UnknownDistributor
	if pinned.DistributorID != "" || err != nil && !errors.As(err, &unknown) {
		return pinned, err
	}
	fresh := *pins
	fresh.TreeVersion = f.versions.Tree
	fresh.BoundDistributor, fresh.BuyerDistributor = f.customerOf(o, p, fresh.TreeVersion)
	if fresh.HintedReference == "" {
		fresh.HintedReference = f.hintOf(o)
	}
	if fresh.TreeVersion == pins.TreeVersion && fresh.BoundDistributor == pins.BoundDistributor && fresh.HintedReference == pins.HintedReference {
		return pinned, err
	}
	found, freshErr := f.attributeBy(o, p, &fresh)
	if freshErr != nil || found.DistributorID == "" {
		return pinned, err
	}
	*pins = fresh
	return found, nil
}

// erasedBuyer stands for a buyer whom the shop has taken out of the order since: by whom it was won is pinned, and who sold
// it does not give back what was earned because a shop forgets its customers.
const erasedBuyer = "erased"

func (f *facts) attributeBy(o order.Order, p *plan.Plan, pins *Pins) (order.Attribution, error) {
	o.Evidence = slices.DeleteFunc(slices.Clone(o.Evidence), func(e order.Evidence) bool {
		return e.Kind == order.BoundCustomer || e.Kind == order.Checkout
	})
	if pins.HintedReference != "" {
		o.Evidence = append(o.Evidence, order.Evidence{Kind: order.LandingReference, Value: pins.HintedReference})
	}
	if pins.BoundDistributor != "" {
		o.Evidence = append(o.Evidence, order.Evidence{Kind: order.BoundCustomer, Value: cmp.Or(o.BuyerID, erasedBuyer)})
	}
	precedence := make([]order.EvidenceKind, len(p.Attribution.Evidence))
	for i, kind := range p.Attribution.Evidence {
		precedence[i] = order.EvidenceKind(kind)
	}
	return order.Attribute(o, precedence, func(e order.Evidence) (string, bool) {
		return f.resolve(e, pins, pins.asOf(o))
	})
}

// resolve finds the distributor that evidence names. A coupon names one only as a registered code; a reference may be
// a distributor's exact id, or a code.
func (f *facts) resolve(e order.Evidence, pins *Pins, as genealogy.AsOf) (string, bool) {
	switch {
	case e.Kind == order.BoundCustomer:
		return pins.BoundDistributor, f.tree.Has(pins.BoundDistributor, as)
	case e.Kind != order.DistributorCode && f.tree.Has(e.Value, as):
		return e.Value, true
	default:
		return f.tree.ByCode(e.Value, as)
	}
}

// hintOf is what the store's pages told of the order's checkout; "" for nothing.
func (f *facts) hintOf(o order.Order) string {
	for _, e := range o.Evidence {
		if reference := f.hints[Checkout{StoreID: o.Source.StoreID, Key: e.Value}]; e.Kind == order.Checkout && reference != "" {
			return reference
		}
	}
	return ""
}

// awaits names what would make an order somebody's that is nobody's: the hint of its checkout, which may come later.
func awaits(o order.Order, a order.Attribution) (causes []string) {
	if a.DistributorID != "" {
		return nil
	}
	for _, e := range o.Evidence {
		if e.Kind == order.Checkout {
			causes = append(causes, CheckoutCause(o.Source.StoreID, e.Value))
		}
	}
	return causes
}

// CheckoutCause releases an order that is nobody's yet, when the hint of its checkout comes.
func CheckoutCause(storeID, checkout string) string { return "checkout:" + storeID + ":" + checkout }

// customerOf tells whose customer the buyer was when the order was placed, and who they were as a distributor; "" for
// nobody. What the company says itself counts more than what earlier orders bound. Somebody who is a distributor is their
// own customer: unless stronger evidence names another seller, it is their own order.
func (f *facts) customerOf(o order.Order, p *plan.Plan, treeVersion int64) (boundTo, buyer string) {
	at := o.OrderTS.UnixMicro()
	history := f.stated[Customer{StoreID: o.Source.StoreID, CustomerID: o.BuyerID}]
	stated, found := order.BindingAt(history, at, treeVersion)
	if !found || !f.tree.Has(stated.DistributorID, genealogy.AsOf{At: at, Version: treeVersion}) {
		return f.bound(o, p), "" // Who has not joined yet buys as a customer.
	}
	if stated.Kind == order.SelfBinding {
		return stated.DistributorID, stated.DistributorID
	}
	return stated.DistributorID, ""
}

// microsPerDay turns a binding's days into the ledger's clock.
const microsPerDay = 24 * 60 * 60 * 1_000_000

// bound is the distributor whose customer earlier orders made the buyer; "" for nobody. An order does not count as
// evidence for itself.
func (f *facts) bound(o order.Order, p *plan.Plan) string {
	b, found := f.bindings[Customer{StoreID: o.Source.StoreID, CustomerID: o.BuyerID}]
	if !found || o.BuyerID == "" || b.Source == o.Source.String() || !b.holds(o.OrderTS.UnixMicro(), p.Attribution.Binding) {
		return ""
	}
	return b.DistributorID
}

// holds reports whether a binding counts at an instant under the plan's rule.
func (b Binding) holds(at int64, rule plan.Binding) bool {
	switch rule.Mode {
	case plan.BindLifetime:
		return b.BoundAt <= at
	case plan.BindDays:
		return b.BoundAt <= at && at < b.BoundAt+int64(rule.Days)*microsPerDay
	default:
		return false
	}
}

// bind ties the buyer to the seller of the first order that is paid for and was not itself won by a binding. A binding that
// was recorded stays until it runs out, even where an older order comes in later. A distributor is nobody's customer.
func (f *facts) bind(o order.Order, p *plan.Plan, s Settlement, pins *Pins) *Binding {
	if o.BuyerID == "" || pins.BuyerDistributor != "" || s.Net.NetMinor == 0 || s.Attribution.DistributorID == "" || s.Attribution.Winner == order.BoundCustomer ||
		p.Attribution.Binding.Mode == plan.BindNever {
		return nil
	}
	customer := Customer{StoreID: o.Source.StoreID, CustomerID: o.BuyerID}
	at := o.OrderTS.UnixMicro()
	old, found := f.bindings[customer]
	if found && (old.BoundAt >= at || old.holds(at, p.Attribution.Binding)) {
		return nil
	}
	b := Binding{
		Customer: customer, DistributorID: s.Attribution.DistributorID, BoundAt: at,
		Source: o.Source.String(), Renews: found,
	}
	f.bindings[customer] = b
	return &b
}
