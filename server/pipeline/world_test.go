package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// The sample world: top sponsors gold, gold sponsors lisa; max stands alone. A sale of 100.00 EUR by lisa pays her 10 %
// and gold 5 %, top 3 %.
const samplePlan = `{
	"name": "sample", "effective_from": "2026-01-01T00:00:00Z", "currency": "EUR",
	"ranks": ["member"],
	"attribution": {"evidence": ["manual", "code", "cart", "landing", "customer"], "binding": {"mode": "lifetime"}},
	"components": [
		{"id": "retail", "type": "retail", "base": "net", "rates": [{"class": "goods", "rate": "10%"}]},
		{"id": "levels", "type": "unilevel", "base": "net", "rates": [{"class": "goods", "levels": ["5%", "3%"]}]}
	]
}`

var (
	placed  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	arrived = placed.Add(time.Minute)
	sample1 = order.Source{StoreID: "s1", PlatformOrderID: "1001"}
)

func publish(t testing.TB, document string) PublishedPlan {
	t.Helper()
	p, err := plan.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return PublishedPlan{Hash: p.Hash(), Plan: p, EffectiveFrom: p.EffectiveMicros()}
}

func person(id, parent string, version int64) ([]genealogy.Link, []genealogy.Standing) {
	return []genealogy.Link{{DistributorID: id, ParentID: parent, ValidFrom: genealogy.Beginning, Version: version}},
		[]genealogy.Standing{{DistributorID: id, Status: genealogy.Active, Rank: "member", ValidFrom: genealogy.Beginning, Version: version}}
}

// world is a memory with the sample company in it.
func world(t testing.TB) *memory {
	t.Helper()
	m := newMemory()
	m.versions = Versions{Tree: 1, Catalog: 1, Plans: 1}
	m.plans = []PublishedPlan{publish(t, samplePlan)}
	m.stores["s1"] = StoreInfo{
		Store:     adapters.Store{StoreID: "s1", Platform: order.Shopify, Domain: "s1.example", Currency: "EUR"},
		ProgramID: "p1",
	}
	var links []genealogy.Link
	var standings []genealogy.Standing
	for _, pair := range [][2]string{{"top", ""}, {"gold", "top"}, {"lisa", "gold"}, {"max", ""}} {
		l, s := person(pair[0], pair[1], 1)
		links, standings = append(links, l...), append(standings, s...)
	}
	codes := []genealogy.Code{
		{Code: "LISA10", DistributorID: "lisa", ValidFrom: genealogy.Beginning, Version: 1},
		{Code: "MAX10", DistributorID: "max", ValidFrom: genealogy.Beginning, Version: 1},
	}
	var err error
	if m.tree, err = genealogy.Build(links, standings, codes); err != nil {
		t.Fatal(err)
	}
	m.mapSKUs(t, "TEA", "CUP")
	return m
}

// mapSKUs replaces the catalogue by these SKUs, recorded at the versions of their order: the first two at 1.
func (m *memory) mapSKUs(t testing.TB, skus ...string) {
	t.Helper()
	var mappings []catalog.Mapping
	for i, sku := range skus {
		version := int64(max(1, i))
		mappings = append(mappings, catalog.Mapping{
			SKUID: "own-" + sku, Platform: "shopify", PlatformSKU: sku, CommissionClass: "goods", Version: version,
			CV: catalog.VolumeRule{OfNet: money.One},
		})
		m.versions.Catalog = version
	}
	var err error
	if m.catalog, err = catalog.Build(mappings); err != nil {
		t.Fatal(err)
	}
}

// join adds people to the tree at the next version.
func (m *memory) join(t testing.TB, id, parent string, codes ...string) {
	t.Helper()
	m.versions.Tree++
	links, standings := person(id, parent, m.versions.Tree)
	var named []genealogy.Code
	for _, code := range codes {
		named = append(named, genealogy.Code{Code: code, DistributorID: id, ValidFrom: genealogy.Beginning, Version: m.versions.Tree})
	}
	var err error
	if m.tree, err = m.tree.With(links, standings, named); err != nil {
		t.Fatal(err)
	}
}

// product is a line of so many units, at gross minor units altogether.
func product(id, sku string, quantity, gross int64) order.Line {
	return order.Line{LineID: id, Kind: order.Product, PlatformSKU: sku, Quantity: quantity, UnitPriceMinor: gross / quantity, GrossMinor: gross}
}

// sale is a paid order over 100.00 EUR of TEA with lisa's code.
func sale(edits ...func(*order.Order)) order.Order {
	o := order.Order{
		Source: sample1, Platform: order.Shopify, Name: "#1001", OrderTS: placed, Status: order.Paid, Currency: "EUR",
		BuyerID:  "buyer",
		Lines:    []order.Line{product("l1", "TEA", 2, 10000)},
		Evidence: []order.Evidence{{Kind: order.DistributorCode, Value: "lisa10"}},
	}
	for _, edit := range edits {
		edit(&o)
	}
	return o
}

func told(version int64, o order.Order) order.Revision {
	return order.Revision{Source: o.Source, Channel: order.Webhook, Kind: order.Snapshot, Version: order.Version{Updated: version}, Order: &o}
}

func hinted(version int64) order.Revision {
	return order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Hint, Version: order.Version{Updated: version}}
}

func refunded(id string, lineID string, quantity, subtotal int64) order.Refund {
	return order.Refund{RefundID: id, At: placed.Add(time.Hour), Lines: []order.RefundLine{{LineID: lineID, Quantity: quantity, SubtotalMinor: subtotal}}}
}

func refunding(refunds ...order.Refund) order.Revision {
	return order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Refunding, Refunds: refunds}
}

// step settles revisions of one order in one transaction of the memory, without a pipeline around it.
func (m *memory) step(t testing.TB, revisions ...order.Revision) Settlement {
	t.Helper()
	return m.settleItem(t, false, revisions...)
}

func (m *memory) settleItem(t testing.TB, released bool, revisions ...order.Revision) Settlement {
	t.Helper()
	it := &item{key: "d", program: "p1", store: cachedInfo{info: m.stores["s1"]}, sources: []order.Source{sample1}}
	if len(revisions) > 0 {
		it.sources = []order.Source{revisions[0].Source}
	}
	if released {
		it.released = &it.sources[0]
	}
	for _, r := range revisions {
		it.revisions = append(it.revisions, Revised{DeliveryID: "d", Hash: r.Hash(), Revision: r})
	}
	b := newBatch("p1", []*item{it})
	var settled []Settlement
	err := m.InTx(t.Context(), "p1", Subject{Sources: b.sources}, func(books Books) (err error) {
		f, err := readFacts(t.Context(), books, b, arrived)
		if err != nil {
			return err
		}
		if settled, err = f.settleAll(books.Sources(), b); err != nil {
			return err
		}
		return books.Settle(t.Context(), settled, nil, arrived)
	})
	if err != nil {
		t.Fatal(err)
	}
	return settled[0]
}

// earned sums what stands for each distributor in minor units, breakage aside; zero sums are left out.
func (m *memory) earned(source order.Source) map[string]int64 {
	out := map[string]int64{}
	for _, b := range m.balances(source) {
		if b.Key.Kind == ledger.Earning {
			out[b.Key.DistributorID] += b.AmountMinor
		}
	}
	for id, sum := range out {
		if sum == 0 {
			delete(out, id)
		}
	}
	return out
}

// plainAdapter reads bodies that are JSON lists of revisions.
type plainAdapter struct{ adapters.Adapter }

func (plainAdapter) Platform() order.Platform { return order.Shopify }

func (plainAdapter) Normalise(d order.Delivery, _ adapters.Store) ([]order.Revision, error) {
	switch string(d.Body) {
	case "panic":
		panic("over " + d.DeliveryID)
	case "fail":
		return nil, errors.New("failed for no known reason")
	}
	var revisions []order.Revision
	if err := json.Unmarshal(d.Body, &revisions); err != nil {
		return nil, &adapters.Malformed{Field: "body", Reason: err.Error()}
	}
	return revisions, nil
}

func body(revisions ...order.Revision) []byte { return mustJSON(revisions) }

func orderNo(n int) order.Source {
	return order.Source{StoreID: "s1", PlatformOrderID: fmt.Sprintf("%04d", n)}
}
