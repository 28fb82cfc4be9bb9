package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"time"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// version is the one tree and catalogue version a scenario has.
const version = 1

// play tells all orders in the file's order and compares.
func (w *world) play(r *report) error {
	for _, told := range w.file.Orders {
		if told.After != "" && !slices.ContainsFunc(w.file.Periods, func(p closed) bool { return p.Period == told.After }) {
			return fmt.Errorf("order %s: after: %q is none of the periods closed here", told.ID, told.After)
		}
	}
	if err := w.tell("", r); err != nil {
		return err
	}
	if err := w.closePeriods(r); err != nil {
		return err
	}
	return w.end(r)
}

// tell tells the orders that arrive after a period was closed; "" those before any.
func (w *world) tell(after string, r *report) error {
	for i, told := range w.file.Orders {
		if told.After != after {
			continue
		}
		h := w.orders[told.ID]
		if h == nil {
			if told.At == "" {
				told.At = firstOrderAt.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
			}
			h = &history{told: told}
			w.orders[told.ID] = h
		} else {
			h.told = h.told.later(told)
		}
		h.versions++
		if err := w.revision(h, r); err != nil {
			return fmt.Errorf("order %s: %w", told.ID, err)
		}
	}
	return nil
}

// settled is what came of one revision.
type settled struct {
	order    order.Order
	net      order.Breakdown
	seller   string
	result   commission.Result
	postings []ledger.Posting
}

// revision settles one revision and compares it with what the file expects. An order that has to wait is an outcome
// like any other.
func (w *world) revision(h *history, r *report) error {
	o, err := w.order(h.told)
	if err != nil {
		return err
	}
	place := fmt.Sprintf("order %s", o.Source.PlatformOrderID)
	if h.versions > 1 {
		place += fmt.Sprintf(", revision %d", h.versions)
	}
	s, err := w.settle(h, o)
	if err != nil || h.told.Expect.Waits != "" {
		r.waits(place, h.told.Expect.Waits, err)
		return nil
	}
	return s.compare(r, place, h.told.Expect)
}

// settle takes one revision all the way into the ledger.
func (w *world) settle(h *history, o order.Order) (settled, error) {
	state, err := order.Merge(h.state, order.Revision{
		Source: o.Source, Channel: order.API, Kind: order.Snapshot, Version: order.Version{Updated: h.versions}, Order: &o,
	})
	if err != nil {
		return settled{}, err
	}
	h.state = state
	if err := state.Validate(); err != nil {
		return settled{}, err
	}
	s := settled{}
	if s.order, err = state.Effective(); err != nil {
		return settled{}, err
	}
	if s.net, err = order.Net(s.order, commission.NetPolicy(w.file.plan)); err != nil {
		return settled{}, err
	}
	in, err := w.input(s.order, s.net)
	if err != nil {
		return settled{}, err
	}
	h.input = in
	s.seller = in.Attribution.DistributorID
	if s.result, err = commission.Calculate(in, w.file.plan); err != nil {
		return settled{}, err
	}
	snapshot, err := prove(in, s.net, s.result)
	if err != nil {
		return settled{}, err
	}
	return s, w.post(h, &s, in, snapshot)
}

// input gathers what Calculate may know, as of the order's time.
func (w *world) input(o order.Order, net order.Breakdown) (commission.Input, error) {
	at := o.OrderTS.UnixMicro()
	as := genealogy.AsOf{At: at, Version: version}
	in := commission.Input{
		Source: o.Source, OrderTS: at, Currency: o.Currency,
		Pins: commission.Pins{
			PlanHash: w.file.plan.Hash(), TreeVersion: version, CatalogVersion: version, EngineVersion: commission.EngineVersion,
		},
	}
	var err error
	in.Attribution, err = order.Attribute(o, commission.Precedence(w.file.plan), func(e order.Evidence) (string, bool) {
		return w.resolve(e, o.OrderTS, as)
	})
	if err != nil {
		return in, err
	}
	if w.tree.Has(o.BuyerID, as) {
		in.Buyer = o.BuyerID
	}
	in.Lines, err = commission.MapLines(o, net, func(line order.Line) (catalog.Item, error) {
		return w.catalog.Lookup(string(o.Platform), line.PlatformSKU, o.Country, at, version)
	})
	if err != nil || in.Attribution.DistributorID == "" {
		return in, err
	}
	if in.Upline, err = w.tree.Upline(nil, in.Attribution.DistributorID, as, 0); err != nil {
		return in, err
	}
	return in, w.needs(&in, as)
}

// resolve finds the distributor a piece of evidence names.
func (w *world) resolve(e order.Evidence, at time.Time, as genealogy.AsOf) (string, bool) {
	if e.Kind == order.BoundCustomer {
		b, ok := w.bound[e.Value]
		mode := w.file.plan.Attribution.Binding
		if ok && mode.Mode == plan.BindDays && !at.Before(b.since.AddDate(0, 0, mode.Days)) {
			return "", false
		}
		return b.distributor, ok
	}
	if id, ok := w.tree.ByCode(e.Value, as); ok {
		return id, true
	}
	return e.Value, e.Kind != order.DistributorCode && w.tree.Has(e.Value, as)
}

// prove writes the snapshot down and recomputes it, as the books do.
func prove(in commission.Input, net order.Breakdown, result commission.Result) ([]byte, error) {
	snapshot, err := commission.Snapshot(in, net, result)
	if err != nil {
		return nil, err
	}
	again, err := commission.Recompute(snapshot)
	if err != nil {
		return nil, err
	}
	if len(again.Events)+len(result.Events) > 0 && !reflect.DeepEqual(again.Events, result.Events) {
		return nil, fmt.Errorf("the snapshot of %s recomputes to other events", in.Source)
	}
	return snapshot, nil
}

// post appends the difference to the ledger and binds the customer.
func (w *world) post(h *history, s *settled, in commission.Input, snapshot []byte) error {
	want, err := ledger.Want(in.Source.String(), in.Currency, s.result)
	if err != nil {
		return err
	}
	id := sha256.Sum256(snapshot)
	stamp := ledger.Stamp{SnapshotID: hex.EncodeToString(id[:]), OrderTS: in.OrderTS, PostedAt: in.OrderTS}
	s.postings, err = ledger.Difference(programID, h.revision+1, h.balances, want, stamp)
	if err != nil {
		return err
	}
	if len(s.postings) > 0 {
		h.revision++
	}
	if err := ledger.Check(s.postings); err != nil {
		return err
	}
	h.balances = want
	for _, p := range s.postings {
		w.posted = append(w.posted, ledger.Balance{Key: p.Key, AmountMinor: p.AmountMinor})
	}
	if _, bound := w.bound[s.order.BuyerID]; !bound && s.order.BuyerID != "" && s.seller != "" && s.seller != s.order.BuyerID {
		w.bound[s.order.BuyerID] = binding{distributor: s.seller, since: s.order.OrderTS}
	}
	return nil
}
