package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// settle decides one order: what it should have earned by everything known now, less what is posted already. It is the
// same for a first sale, a repeat, a refund, an edit, a cancellation and a return from it. An error leaves what is
// posted as it is; outcome says whether the order is parked.
func (f *facts) settle(rec SourceRecord, t task) (s Settlement, err error) {
	s = Settlement{Source: rec.Source, State: rec.State, Revisions: t.revisions, Revision: rec.Revision}
	merged, err := merge(rec.State, t.revisions)
	if err != nil {
		return s, err
	}
	s.State = merged
	if !t.released && !rec.Parked && equal(rec.State, s.State) {
		s.Outcome = Unchanged
		return s, nil
	}
	o, err := s.State.Effective()
	if err != nil {
		return s, err
	}
	s.Order, s.Platform = &o, o.Platform
	if err := f.check(s.State, o); err != nil {
		return s, err
	}
	withheld := f.withheld(o)
	if withheld != "" && rec.Pins == nil {
		s.Outcome = Settled
		s.Net, err = netOf(o, order.NetPolicy{}, withheld)
		return s, err
	}
	pins, p, err := f.pin(o, rec.Pins)
	if err != nil {
		return s, err
	}
	if s.Net, err = netOf(o, policyOf(p), withheld); err != nil {
		return s, err
	}
	pays := anyMayPay(o, s.Net)
	if s.Attribution, err = f.attribute(o, p, &pins); err != nil && pays {
		return s, err // Whose sale it is does not matter where there is nothing to pay.
	}
	s.Outcome = Settled
	s.Awaits = awaits(o, s.Attribution)
	if !pays && rec.Pins == nil {
		return s, nil // It is pinned when it first counts.
	}
	in, err := f.input(o, s, p, &pins)
	if err != nil {
		return s, err
	}
	result, err := commission.Calculate(in, p)
	if err != nil {
		return s, err
	}
	if s, err = f.post(s, rec, in, result); err != nil {
		return s, err
	}
	if s.Sales, err = saleChanges(rec.Sales, salesOf(o, &in)); err != nil {
		return s, err
	}
	s.Pins, s.Binding = &pins, f.bind(o, p, s, &pins)
	return s, nil
}

// merge adds what the deliveries of one batch say. The order among them does not matter.
func merge(state order.State, revisions []Revised) (order.State, error) {
	for _, r := range revisions {
		var err error
		if state, err = order.Merge(state, r.Revision); err != nil {
			return state, fmt.Errorf("merge delivery %s: %w", r.DeliveryID, err)
		}
	}
	return state, nil
}

// input gathers what Calculate may know, all as of the order's own time and at its pinned versions.
func (f *facts) input(o order.Order, s Settlement, p *plan.Plan, pins *Pins) (commission.Input, error) {
	seller := s.Attribution.DistributorID
	lines, err := f.lines(o, s.Net, seller != "", pins)
	if err != nil {
		return commission.Input{}, err
	}
	in := commission.Input{
		Source: o.Source, OrderTS: o.OrderTS.UnixMicro(), Currency: o.Currency,
		Lines: lines, Attribution: s.Attribution, Buyer: pins.BuyerDistributor, Pins: pins.Pins,
	}
	if seller != "" {
		if in.Upline, err = f.tree.Upline(make([]genealogy.Person, 0, 16), seller, pins.asOf(o), 0); err != nil {
			return in, err
		}
	}
	return in, f.needs(&in, o, p, pins)
}

// post turns what should be into postings: the difference to what is there. An empty difference raises no revision and
// keeps no snapshot, because the one that explains the postings is kept with them.
func (f *facts) post(s Settlement, rec SourceRecord, in commission.Input, result commission.Result) (Settlement, error) {
	want, err := ledger.Want(in.Source.String(), in.Currency, result)
	if err != nil {
		return s, err
	}
	stamp := ledger.Stamp{OrderTS: in.OrderTS, PostedAt: f.now.UnixMicro()}
	postings, err := ledger.Difference(f.program, rec.Revision+1, perOrder(rec.Posted), want, stamp)
	if err != nil || len(postings) == 0 {
		return s, err
	}
	if s.Snapshot, err = commission.Snapshot(in, s.Net, result); err != nil {
		return s, err
	}
	sum := sha256.Sum256(s.Snapshot)
	s.SnapshotID = hex.EncodeToString(sum[:])
	for i := range postings {
		postings[i].SnapshotID = s.SnapshotID
	}
	s.Postings, s.Revision = postings, rec.Revision+1
	return s, nil
}

// perOrder keeps the kinds that settling posts. What matured, was paid or adjusted since is not an order's to reverse.
func perOrder(posted []ledger.Balance) []ledger.Balance {
	kept := make([]ledger.Balance, 0, len(posted))
	for _, b := range posted {
		if b.Key.Kind == ledger.Earning || b.Key.Kind == ledger.Breakage {
			kept = append(kept, b)
		}
	}
	return kept
}

// policyOf is the part of a plan that Net depends on.
func policyOf(p *plan.Plan) order.NetPolicy {
	return order.NetPolicy{
		MoneyRefunds:  order.MoneyRefundPolicy(p.Orders.MoneyRefunds),
		PartiallyPaid: order.PartialPaymentPolicy(p.Orders.PartiallyPaid),
	}
}

// netOf is the order's net; where pay is withheld, every line's is held back, and the reason kept.
func netOf(o order.Order, policy order.NetPolicy, withheld string) (order.Breakdown, error) {
	net, err := order.Net(o, policy)
	if err != nil || withheld == "" {
		return net, err
	}
	for i := range net.Lines {
		net.Lines[i].UnpaidMinor += net.Lines[i].NetMinor
		net.Lines[i].NetMinor = 0
	}
	net.NetMinor, net.Counts, net.Why = 0, false, withheld
	return net, nil
}
