package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// facts is everything one transaction may use, read once and as of one moment.
type facts struct {
	program  string
	now      time.Time
	versions Versions
	tree     *genealogy.Tree
	catalog  *catalog.Catalog
	plans    []PublishedPlan // ascending EffectiveFrom
	stores   map[string]StoreInfo
	bindings map[Customer]Binding // those of this batch's buyers, with those the batch itself made
	stated   map[Customer][]order.Binding
	hints    map[Checkout]string
	people   peopleFacts
}

// readFacts asks the books for what a batch needs.
func readFacts(ctx context.Context, books Books, b *batch, now time.Time) (*facts, error) {
	f := &facts{
		program: b.program, now: now, versions: books.Versions(), stores: b.stores,
		bindings: map[Customer]Binding{},
	}
	var err error
	if f.tree, err = books.Tree(ctx); err != nil {
		return nil, fmt.Errorf("read tree: %w", err)
	}
	if f.catalog, err = books.Catalog(ctx); err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	if f.plans, err = books.Plans(ctx); err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	records := books.Sources()
	if err := f.readKnown(ctx, books, b.customers(records), b.checkouts(records)); err != nil {
		return nil, err
	}
	return f, f.readPeople(ctx, books, b)
}

// readKnown asks whose customers the buyers are, who they are themselves, and what their checkouts told.
func (f *facts) readKnown(ctx context.Context, books Books, customers []Customer, checkouts []Checkout) error {
	if len(customers) == 0 && len(checkouts) == 0 {
		return nil
	}
	known, err := books.Known(ctx, customers, checkouts)
	if err != nil {
		return fmt.Errorf("read what is known of the buyers: %w", err)
	}
	f.stated, f.hints = known.Stated, known.Hints
	for c, binding := range known.Bound {
		if binding.DistributorID != "" {
			f.bindings[c] = binding
		}
	}
	return nil
}

// equal reports whether a merge said nothing new. The heads tell nearly every change apart without the cost of JSON.
func equal(a, b order.State) bool {
	if len(a.Channels) != len(b.Channels) || len(a.Refunds) != len(b.Refunds) || a.Deleted != b.Deleted ||
		a.HintedAt != b.HintedAt || a.HintedChannel != b.HintedChannel || a.Source != b.Source {
		return false
	}
	for i := range a.Channels {
		if a.Channels[i].Version != b.Channels[i].Version {
			return false
		}
	}
	before, err := json.Marshal(a)
	if err != nil {
		return false
	}
	after, err := json.Marshal(b)
	return err == nil && bytes.Equal(before, after)
}

// check refuses an order that cannot be true.
func (f *facts) check(state order.State, o order.Order) error {
	if own := f.stores[o.Source.StoreID].Currency; o.Currency.Valid() && own != "" && o.Currency != own {
		return &held{Reason{
			Code:   ReasonCurrencyMismatch,
			Detail: fmt.Sprintf("The order is in %s, but its store is in %s. Correct the store's currency, or send the order in it.", o.Currency, own),
			Causes: []string{"currency:" + o.Source.StoreID},
		}}
	}
	return state.Validate()
}

// withheld says why an order never pays whatever it sold; "" where it may.
func (f *facts) withheld(o order.Order) string {
	store := f.stores[o.Source.StoreID]
	switch {
	case o.Test && !store.AcceptTestOrders:
		return "test order"
	case store.GoLiveAt != 0 && o.OrderTS.UnixMicro() < store.GoLiveAt:
		return "placed before the store went live"
	default:
		return ""
	}
}

// pin gives the versions an order is settled with: those it has, or those that hold now, with the plan as of the
// order's own time.
func (f *facts) pin(o order.Order, pinned *Pins) (Pins, *plan.Plan, error) {
	if pinned != nil {
		pins := *pinned
		pins.LaterSKUs = slices.Clone(pinned.LaterSKUs) // A run that fails must not leave its mark.
		pins.Enrolled = slices.Clone(pinned.Enrolled)
		for _, published := range f.plans {
			if published.Hash == pins.PlanHash {
				f.nameBuyer(o, published.Plan, &pins)
				return pins, published.Plan, nil
			}
		}
		return pins, nil, fmt.Errorf("order %s is pinned to plan %s, which is not there", o.Source, pins.PlanHash)
	}
	published, found := f.planAt(o.OrderTS.UnixMicro())
	if !found {
		return Pins{}, nil, &held{Reason{
			Code:   ReasonNoPlan,
			Detail: fmt.Sprintf("No plan is in force at %s. Publish one that is effective from then or earlier.", o.OrderTS.UTC().Format(time.RFC3339)),
			Causes: []string{planCause},
		}}
	}
	pins := Pins{Pins: commission.Pins{
		PlanHash: published.Hash, TreeVersion: f.versions.Tree,
		CatalogVersion: f.versions.Catalog, EngineVersion: commission.EngineVersion,
	}}
	pins.BoundDistributor, pins.BuyerDistributor = f.customerOf(o, published.Plan, pins.TreeVersion)
	pins.BuyerUntold = o.BuyerUntold && o.BuyerID == ""
	pins.HintedReference = f.hintOf(o)
	return pins, published.Plan, nil
}

// nameBuyer fills in what could not be pinned while nobody had told who bought: an order that was only fetched may turn out to be
// a distributor's own. The rest of what was pinned stays.
func (f *facts) nameBuyer(o order.Order, p *plan.Plan, pins *Pins) {
	if !pins.BuyerUntold || o.BuyerID == "" {
		return
	}
	pins.BuyerUntold = false
	pins.BoundDistributor, pins.BuyerDistributor = f.customerOf(o, p, pins.TreeVersion)
}

// planAt is the newest plan in force at an instant.
func (f *facts) planAt(at int64) (PublishedPlan, bool) {
	for i := len(f.plans) - 1; i >= 0; i-- {
		if f.plans[i].EffectiveFrom <= at {
			return f.plans[i], true
		}
	}
	return PublishedPlan{}, false
}

// asOf is where to read the tree for an order.
func (p *Pins) asOf(o order.Order) genealogy.AsOf {
	return genealogy.AsOf{At: o.OrderTS.UnixMicro(), Version: p.TreeVersion}
}

// lines maps every line that may pay. Nobody's order earns nothing, so what is unmapped on it is left out; gift cards,
// tips, fees and what went back need no mapping at all.
func (f *facts) lines(o order.Order, net order.Breakdown, sold bool, pins *Pins) ([]commission.Line, error) {
	lines := make([]commission.Line, 0, len(o.Lines))
	var missing []*catalog.Unmapped
	for i, line := range o.Lines {
		n := net.Lines[i]
		if !mayPay(line, net, n) {
			continue
		}
		item, err := f.item(o, line.PlatformSKU, pins)
		var unmapped *catalog.Unmapped
		switch {
		case errors.As(err, &unmapped):
			if !slices.ContainsFunc(missing, func(u *catalog.Unmapped) bool { return *u == *unmapped }) {
				missing = append(missing, unmapped)
			}
			continue
		case err != nil:
			return nil, err
		}
		mapped, err := mapLine(o, line, n, item)
		if err != nil {
			return nil, err
		}
		lines = append(lines, mapped)
	}
	if sold && len(missing) > 0 {
		return nil, &held{*unmappedReason(missing)}
	}
	return lines, nil
}

// mayPay reports whether a line has anything to pay on: money, or units that may carry volume though they were free.
func mayPay(line order.Line, net order.Breakdown, n order.LineNet) bool {
	return line.Kind == order.Product && n.Excluded == "" && (n.NetMinor != 0 || net.Counts && n.QuantityLeft > 0)
}

func anyMayPay(o order.Order, net order.Breakdown) bool {
	for i, line := range o.Lines {
		if mayPay(line, net, net.Lines[i]) {
			return true
		}
	}
	return false
}

// item looks a SKU up at the order's catalogue version. One that was mapped only later, because an edit added it or it
// was forgotten, is read at the version that knows it, and stays with that.
func (f *facts) item(o order.Order, sku string, pins *Pins) (catalog.Item, error) {
	version := pins.CatalogVersion
	for _, later := range pins.LaterSKUs {
		if later.PlatformSKU == sku {
			version = later.CatalogVersion
		}
	}
	at := o.OrderTS.UnixMicro()
	item, err := f.catalog.Lookup(string(o.Platform), sku, o.Country, at, version)
	if err == nil || version == f.versions.Catalog {
		return item, err
	}
	if item, err = f.catalog.Lookup(string(o.Platform), sku, o.Country, at, f.versions.Catalog); err != nil {
		return item, err
	}
	pins.LaterSKUs = append(pins.LaterSKUs, LaterSKU{PlatformSKU: sku, CatalogVersion: f.versions.Catalog})
	return item, nil
}

// mapLine joins the net waterfall's end with the catalogue's answer.
func mapLine(o order.Order, line order.Line, n order.LineNet, item catalog.Item) (commission.Line, error) {
	cv, err := item.CV.Of(n.NetMinor, n.QuantityLeft, o.Currency)
	if err != nil {
		return commission.Line{}, fmt.Errorf("CV of line %s: %w", line.LineID, err)
	}
	qv, err := item.QV.Of(n.NetMinor, n.QuantityLeft, o.Currency)
	if err != nil {
		return commission.Line{}, fmt.Errorf("QV of line %s: %w", line.LineID, err)
	}
	return commission.Line{
		LineID: line.LineID, SKUID: item.SKUID, PlatformSKU: line.PlatformSKU, CommissionClass: item.CommissionClass,
		Quantity: n.QuantityLeft, NetMinor: n.NetMinor, CV: cv, QV: qv,
		UnitPriceMinor: line.UnitPriceMinor, WholesaleMinor: line.WholesaleMinor,
	}, nil
}
