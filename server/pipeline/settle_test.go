package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
)

// full is what the sample sale of 100.00 earns.
var full = map[string]int64{"lisa": 1000, "gold": 500, "top": 300}

func TestSettleFirstSale(t *testing.T) {
	t.Parallel()
	m := world(t)
	s := m.step(t, told(1, sale()))
	if s.Outcome != Settled || s.Revision != 1 || len(s.Postings) != 3 || s.Platform != order.Shopify {
		t.Fatalf("settlement: %+v", s)
	}
	if diff := cmp.Diff(full, m.earned(sample1)); diff != "" {
		t.Error(diff)
	}
	wantPins := &Pins{Pins: commission.Pins{PlanHash: m.plans[0].Hash, TreeVersion: 1, CatalogVersion: 1, EngineVersion: commission.EngineVersion}}
	if diff := cmp.Diff(wantPins, s.Pins); diff != "" {
		t.Error(diff)
	}
	if s.Attribution.Winner != order.DistributorCode || s.Attribution.DistributorID != "lisa" || s.Net.NetMinor != 10000 {
		t.Errorf("attribution %+v, net %d", s.Attribution, s.Net.NetMinor)
	}
	recomputed, err := commission.Recompute(s.Snapshot)
	if err != nil || len(recomputed.Events) != 3 {
		t.Errorf("snapshot gives %d events, %v", len(recomputed.Events), err)
	}
	for _, p := range s.Postings {
		if p.OrderTS != placed.UnixMicro() || p.PostedAt != arrived.UnixMicro() || p.SnapshotID != s.SnapshotID {
			t.Errorf("stamp of %+v", p)
		}
	}
	want := &Binding{Customer: Customer{"s1", "buyer"}, DistributorID: "lisa", BoundAt: placed.UnixMicro(), Source: "s1/1001"}
	if diff := cmp.Diff(want, s.Binding); diff != "" {
		t.Error(diff)
	}
}

// TestSettleParks has one case per reason: what is told, what it waits for, and what mends it.
func TestSettleParks(t *testing.T) {
	t.Parallel()
	stated := int64(9999)
	cases := map[string]struct {
		given  func(m *memory)
		told   []order.Revision
		code   ReasonCode
		causes []string
		money  int64
		says   string
		mend   func(*memory) []order.Revision // nil: settled again without news
	}{
		"SKU without a mapping": {
			told: []order.Revision{told(1, sale(func(o *order.Order) {
				o.Lines = append(o.Lines, product("l2", "NEW", 1, 500), product("l3", "NEWER", 1, 1))
			}))},
			code:   ReasonUnmappedSKU,
			causes: []string{"sku:shopify:NEW", "sku:shopify:NEWER"}, money: 10501, says: `SKUs "NEW", "NEWER" of shopify have no mapping`,
			mend: func(m *memory) []order.Revision { m.mapSKUs(t, "TEA", "CUP", "NEW", "NEWER"); return nil },
		},
		"reference that names nobody": {
			told:   []order.Revision{told(1, sale(func(o *order.Order) { o.Evidence = []order.Evidence{{Kind: order.CartReference, Value: "Anna"}} }))},
			code:   ReasonUnknownDistributor,
			causes: []string{"ref:anna"}, money: 10000, says: `"Anna"`,
			mend: func(m *memory) []order.Revision { m.join(t, "u7", "lisa", "ANNA"); return nil },
		},
		"totals that do not add up": {
			told: []order.Revision{told(1, sale(func(o *order.Order) { o.Stated.SubtotalMinor = &stated }))},
			code: ReasonInconsistentTotals, money: 10000, says: "stated 9999, computed 10000",
			mend: func(*memory) []order.Revision { return []order.Revision{told(2, sale())} },
		},
		"a negative price": {
			told: []order.Revision{told(1, sale(func(o *order.Order) { o.Lines[0].GrossMinor = -1 }))},
			code: ReasonInvalidOrder, says: "lines[0].gross_minor",
			mend: func(*memory) []order.Revision { return []order.Revision{told(2, sale())} },
		},
		"an unknown currency": {
			told: []order.Revision{told(1, sale(func(o *order.Order) { o.Currency = "XXQ" }))},
			code: ReasonInvalidOrder, money: 10000, says: "XXQ",
			mend: func(*memory) []order.Revision { return []order.Revision{told(2, sale())} },
		},
		"another currency than the store's": {
			told:   []order.Revision{told(1, sale(func(o *order.Order) { o.Currency = "USD" }))},
			code:   ReasonCurrencyMismatch,
			causes: []string{"currency:s1"}, money: 10000, says: "The order is in USD, but its store is in EUR",
			mend: func(*memory) []order.Revision { return []order.Revision{told(2, sale())} },
		},
		"a currency the plan does not pay in": {
			given: func(m *memory) {
				info := m.stores["s1"]
				info.Currency = "USD"
				m.stores["s1"] = info
			},
			told:   []order.Revision{told(1, sale(func(o *order.Order) { o.Currency = "USD" }))},
			code:   ReasonMissingRate,
			causes: []string{"rate:USD", "plan"}, money: 10000, says: "USD",
			mend: func(m *memory) []order.Revision {
				m.plans = append(m.plans, publish(t, strings.Replace(samplePlan, `"EUR"`, `"shop"`, 1)))
				return nil
			},
		},
		"no plan at that time": {
			given:  func(m *memory) { m.plans = nil },
			told:   []order.Revision{told(1, sale())},
			code:   ReasonNoPlan,
			causes: []string{"plan"}, money: 10000, says: "2026-03-01T12:00:00Z",
			mend: func(m *memory) []order.Revision {
				m.plans = append(m.plans, publish(t, samplePlan))
				return nil
			},
		},
		"a plan that begins later": {
			given: func(m *memory) {
				m.plans[0].EffectiveFrom = placed.UnixMicro() + 1
			},
			told:   []order.Revision{told(1, sale())},
			code:   ReasonNoPlan,
			causes: []string{"plan"}, money: 10000,
			mend: func(m *memory) []order.Revision {
				m.plans[0].EffectiveFrom = placed.UnixMicro()
				return nil
			},
		},
		"an edit that was announced": {
			told: []order.Revision{told(1, sale()), hinted(2)},
			code: ReasonOrderStale,
			mend: func(*memory) []order.Revision { return []order.Revision{told(2, sale())} },
		},
		"a refund before its order": {
			told: []order.Revision{refunding(refunded("r1", "l1", 1, 5000))},
			code: ReasonOrderMissing,
			mend: func(*memory) []order.Revision {
				return []order.Revision{told(1, sale(func(o *order.Order) { o.Lines[0].GrossMinor, o.Lines[0].Quantity = 15000, 3 }))}
			},
		},
		"two bodies of one version": {
			told: []order.Revision{told(1, sale()), told(1, sale(func(o *order.Order) { o.Lines[0].GrossMinor = 20000 }))},
			code: ReasonOrderConflict,
			mend: func(*memory) []order.Revision { return []order.Revision{told(2, sale())} },
		},
		"a rank the plan does not name": {
			given: func(m *memory) {
				tree, err := m.tree.With(nil, []genealogy.Standing{{DistributorID: "lisa", Status: genealogy.Active, Rank: "queen", ValidFrom: 0, Version: 2}}, nil)
				must(err)
				m.tree, m.versions.Tree = tree, 2
			},
			told:   []order.Revision{told(1, sale())},
			code:   ReasonUnknownRank,
			causes: []string{"ref:lisa", "plan"}, money: 10000, says: "queen",
			mend: func(m *memory) []order.Revision {
				tree, err := m.tree.With(nil, []genealogy.Standing{{DistributorID: "lisa", Status: genealogy.Active, Rank: "member", ValidFrom: 0, Version: 3}}, nil)
				must(err)
				m.tree, m.versions.Tree = tree, 3
				return nil
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := world(t)
			if c.given != nil {
				c.given(m)
			}
			s := m.step(t, c.told...)
			if s.Outcome != Parked || s.Reason == nil || s.Reason.Code != c.code {
				t.Fatalf("outcome %s, reason %+v; want parked for %s", s.Outcome, s.Reason, c.code)
			}
			if diff := cmp.Diff(c.causes, s.Reason.Causes); diff != "" {
				t.Error(diff)
			}
			if s.Reason.WaitingMinor != c.money || !strings.Contains(s.Reason.Detail, c.says) {
				t.Errorf("waits with %d minor units: %s", s.Reason.WaitingMinor, s.Reason.Detail)
			}
			if len(m.postings) != 0 || s.Pins != nil || s.Snapshot != nil || s.Binding != nil {
				t.Errorf("a parked order left traces: %+v", s)
			}
			var mended Settlement
			if news := c.mend(m); news != nil {
				mended = m.step(t, news...)
			} else {
				mended = m.settleItem(t, true)
			}
			if mended.Outcome != Settled || len(m.postings) == 0 {
				t.Errorf("after the mend: %s, %+v", mended.Outcome, mended.Reason)
			}
			if again := m.settleItem(t, true); again.Outcome != Settled || len(again.Postings) != 0 {
				t.Errorf("settled once more it posts %d", len(again.Postings))
			}
		})
	}
}

// TestSettleEarnsNothing has one case per order that is settled with zero, and is not parked.
func TestSettleEarnsNothing(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		given  func(m *memory)
		order  order.Order
		pinned bool
		why    string
	}{
		"test order": {order: sale(func(o *order.Order) { o.Test = true }), why: "test order"},
		"test order without any plan": {
			given: func(m *memory) { m.plans = nil },
			order: sale(func(o *order.Order) { o.Test = true }), why: "test order",
		},
		"before go-live": {
			given: func(m *memory) {
				info := m.stores["s1"]
				info.GoLiveAt = placed.UnixMicro() + 1
				m.stores["s1"] = info
			},
			order: sale(), why: "placed before the store went live",
		},
		"not paid yet":             {order: sale(func(o *order.Order) { o.Status = order.Pending }), why: "pending: the order is not paid yet"},
		"not paid, and not mapped": {order: sale(func(o *order.Order) { o.Status, o.Lines[0].PlatformSKU = order.Authorized, "NEW" }), why: "authorized: the payment is reserved but not captured yet"},
		"not paid, and unknown": {order: sale(func(o *order.Order) {
			o.Status, o.Evidence[0] = order.Pending, order.Evidence{Kind: order.CartReference, Value: "?"}
		}), why: "pending: the order is not paid yet"},
		"cancelled before it came":   {order: sale(func(o *order.Order) { o.Status = order.Cancelled })},
		"nobody's":                   {order: sale(func(o *order.Order) { o.Evidence = nil }), pinned: true},
		"nobody's, and not mapped":   {order: sale(func(o *order.Order) { o.Evidence, o.Lines[0].PlatformSKU = nil, "NEW" }), pinned: true},
		"a coupon that is no code":   {order: sale(func(o *order.Order) { o.Evidence[0].Value = "SUMMER" }), pinned: true},
		"gift cards and tips only":   {order: sale(func(o *order.Order) { o.Lines[0].Kind, o.Lines[0].PlatformSKU = order.GiftCard, "" })},
		"an order without any lines": {order: sale(func(o *order.Order) { o.Lines = nil })},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := world(t)
			if c.given != nil {
				c.given(m)
			}
			s := m.step(t, told(1, c.order))
			if s.Outcome != Settled || s.Revision != 0 || len(s.Postings) != 0 || s.Snapshot != nil || s.Binding != nil {
				t.Fatalf("settlement: %+v, reason %+v", s, s.Reason)
			}
			if (s.Pins != nil) != c.pinned || s.Net.Why != c.why {
				t.Errorf("pins %+v, why %q", s.Pins, s.Net.Why)
			}
		})
	}
}

func TestSettleTestOrdersWhereTheStoreSaysSo(t *testing.T) {
	t.Parallel()
	m := world(t)
	info := m.stores["s1"]
	info.AcceptTestOrders = true
	m.stores["s1"] = info
	m.step(t, told(1, sale(func(o *order.Order) { o.Test = true })))
	if diff := cmp.Diff(full, m.earned(sample1)); diff != "" {
		t.Error(diff)
	}
	info.AcceptTestOrders = false
	m.stores["s1"] = info
	s := m.step(t, told(2, sale(func(o *order.Order) { o.Test = true })))
	if diff := cmp.Diff(map[string]int64{}, m.earned(sample1)); diff != "" || s.Net.Why != "test order" {
		t.Errorf("after the switch is off: %s, why %q", diff, s.Net.Why)
	}
}

func TestSettleRepeatsPostNothing(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	for name, revision := range map[string]order.Revision{
		"the same":      told(1, sale()),
		"an older one":  told(0, sale(func(o *order.Order) { o.Status = order.Pending })),
		"a past hint's": hinted(1),
	} {
		m.step(t, revision)
		if s := m.step(t, revision); s.Outcome != Unchanged || len(s.Deliveries) != 0 {
			t.Errorf("%s: %s", name, s.Outcome)
		}
	}
	if len(m.postings) != 3 {
		t.Errorf("%d postings", len(m.postings))
	}
}

func TestSettleRefundsCancelsAndUncancels(t *testing.T) {
	t.Parallel()
	m := world(t)
	none := map[string]int64{}
	half := map[string]int64{"lisa": 500, "gold": 250, "top": 150}
	steps := []struct {
		name     string
		revision order.Revision
		want     map[string]int64
	}{
		{"create", told(1, sale(func(o *order.Order) { o.Status = order.Pending })), none},
		{"pay", told(2, sale()), full},
		{"refund one of two", refunding(refunded("r1", "l1", 1, 5000)), half},
		{"tell it again with the order", told(3, sale(func(o *order.Order) {
			o.Status, o.Refunds = order.PartiallyRefunded, []order.Refund{refunded("r1", "l1", 1, 5000)}
		})), half},
		{"cancel", told(4, sale(func(o *order.Order) {
			left := int64(0)
			o.Status, o.Refunds, o.Lines[0].CurrentQuantity = order.Cancelled, []order.Refund{refunded("r1", "l1", 1, 5000)}, &left
		})), none},
		{"take it up again", told(5, sale(func(o *order.Order) {
			o.Status, o.Refunds = order.PartiallyRefunded, []order.Refund{refunded("r1", "l1", 1, 5000)}
		})), half},
		{"delete", order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Deletion}, none},
		{"tell it again after", told(6, sale()), none},
	}
	for _, step := range steps {
		s := m.step(t, step.revision)
		if diff := cmp.Diff(step.want, m.earned(sample1)); diff != "" || s.Outcome == Parked {
			t.Fatalf("%s: %s %+v\n%s", step.name, s.Outcome, s.Reason, diff)
		}
	}
	if got := m.sources[sample1].revision; got != 5 {
		t.Errorf("revision %d, want 5: pay, refund, cancel, take up, delete", got)
	}
}

func TestSettleKeepsWhatIsPostedWhileParked(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	s := m.step(t, told(2, sale(func(o *order.Order) { o.Lines[0].PlatformSKU = "NEW" })))
	if s.Outcome != Parked || s.Revision != 1 {
		t.Fatalf("outcome %s, revision %d", s.Outcome, s.Revision)
	}
	if diff := cmp.Diff(full, m.earned(sample1)); diff != "" {
		t.Error(diff)
	}
	m.step(t, order.Revision{Source: sample1, Channel: order.Webhook, Kind: order.Deletion})
	if diff := cmp.Diff(map[string]int64{}, m.earned(sample1)); diff != "" {
		t.Errorf("a deletion reverses whatever else is unknown: %s", diff)
	}
}

func TestARepeatOfWhatIsParkedIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	m := world(t)
	news := told(1, sale(func(o *order.Order) { o.Lines[0].PlatformSKU = "NEW" }))
	m.step(t, news)
	if s := m.step(t, news); s.Outcome != Parked {
		t.Fatalf("the repeat is %s", s.Outcome)
	}
	m.mapSKUs(t, "TEA", "NEW")
	if s := m.step(t, news); s.Outcome != Settled || len(s.Postings) != 3 {
		t.Errorf("after the mend the repeat is %s", s.Outcome)
	}
}

func TestAnotherBodyOfTheSameVersionIsNews(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	s := m.step(t, told(1, sale(func(o *order.Order) { o.Lines[0].GrossMinor = 20000 })))
	if s.Outcome != Parked || s.Reason.Code != ReasonOrderConflict {
		t.Errorf("%s %+v", s.Outcome, s.Reason)
	}
}

func TestAnOrderIsNoEvidenceForItself(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	s := m.step(t, told(2, sale(func(o *order.Order) { o.Evidence = nil })))
	if s.Attribution.DistributorID != "" || len(m.earned(sample1)) != 0 {
		t.Errorf("attributed to %+v, earned %v", s.Attribution, m.earned(sample1))
	}
}

func TestSettleReversesThoughTheReferenceIsUnknown(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	s := m.step(t, told(2, sale(func(o *order.Order) {
		o.Status, o.Evidence = order.Cancelled, []order.Evidence{{Kind: order.ManualOverride, Value: "who?"}}
	})))
	if diff := cmp.Diff(map[string]int64{}, m.earned(sample1)); diff != "" || s.Outcome != Settled {
		t.Errorf("%s %s", s.Outcome, diff)
	}
}

func TestSettleLeavesOtherKindsAlone(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	rec := m.record(sample1)
	rec.Posted = append(rec.Posted, ledger.Balance{AmountMinor: 700, Key: ledger.Key{
		Source: sample1.String(), ComponentID: "retail", DistributorID: "lisa", Kind: ledger.Maturing, Currency: "EUR",
	}})
	f := &facts{program: "p1", now: arrived, versions: m.versions, tree: m.tree, catalog: m.catalog, plans: m.plans, stores: m.stores, bindings: m.bindings}
	s, err := f.settle(rec, task{released: true})
	if err != nil || len(s.Postings) != 0 {
		t.Errorf("%d postings, %v", len(s.Postings), err)
	}
}

func TestPinsHoldAgainstLaterFacts(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	m.plans = append(m.plans, publish(t, strings.Replace(samplePlan, `"10%"`, `"20%"`, 1)))
	tree, err := m.tree.With([]genealogy.Link{{DistributorID: "lisa", ParentID: "max", ValidFrom: genealogy.Beginning, Version: 2}}, nil,
		[]genealogy.Code{{Code: "LISA10", DistributorID: "max", ValidFrom: 0, Version: 2}})
	if err != nil {
		t.Fatal(err)
	}
	m.tree, m.versions.Tree = tree, 2
	m.step(t, told(2, sale(func(o *order.Order) { o.Lines[0].GrossMinor = 20000 })))
	if diff := cmp.Diff(map[string]int64{"lisa": 2000, "gold": 1000, "top": 600}, m.earned(sample1)); diff != "" {
		t.Errorf("an edit was settled with later facts: %s", diff)
	}
}

func TestAMissingPinnedPlanStopsLoudly(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	f := &facts{program: "p1", now: arrived, versions: m.versions, tree: m.tree, catalog: m.catalog, stores: m.stores}
	_, err := f.settle(m.record(sample1), task{released: true})
	if v, _ := outcome(err); v != again {
		t.Errorf("verdict %d for %v", v, err)
	}
}

func TestAnEditAddsASKUMappedLater(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	edited := sale(func(o *order.Order) { o.Lines = append(o.Lines, product("l2", "NEW", 1, 10000)) })
	if s := m.step(t, told(2, edited)); s.Outcome != Parked {
		t.Fatal(s.Outcome)
	}
	m.mapSKUs(t, "TEA", "CUP", "NEW", "OTHER")
	s := m.settleItem(t, true)
	want := []LaterSKU{{PlatformSKU: "NEW", CatalogVersion: 3}}
	if s.Outcome != Settled || !cmp.Equal(want, s.Pins.LaterSKUs) || s.Pins.CatalogVersion != 1 {
		t.Fatalf("%s, pins %+v", s.Outcome, s.Pins)
	}
	if got := m.earned(sample1)["lisa"]; got != 2000 {
		t.Errorf("lisa has %d", got)
	}
	m.mapSKUs(t, "TEA", "CUP", "NEW", "OTHER", "MORE")
	if s := m.settleItem(t, true); !cmp.Equal(want, s.Pins.LaterSKUs) {
		t.Errorf("pins moved on: %+v", s.Pins)
	}
}

func TestNobodysOrderBecomesSomebodysWhenTheCodeIsRegistered(t *testing.T) {
	t.Parallel()
	m := world(t)
	anna := func(o *order.Order) { o.Evidence[0].Value = "ANNA10" }
	m.step(t, told(1, sale(anna)))
	if len(m.postings) != 0 {
		t.Fatal("nobody's order earned something")
	}
	m.join(t, "anna", "lisa", "ANNA10")
	s := m.step(t, told(2, sale(anna)))
	if s.Pins.TreeVersion != 2 || m.earned(sample1)["anna"] != 1000 {
		t.Errorf("pins %+v, earned %v", s.Pins, m.earned(sample1))
	}
}

func TestSomebodysOrderStaysWhenAStrongerCodeIsRegistered(t *testing.T) {
	t.Parallel()
	m := world(t)
	landed := func(o *order.Order) {
		o.Evidence = []order.Evidence{{Kind: order.LandingReference, Value: "lisa"}, {Kind: order.DistributorCode, Value: "SUMMER"}}
	}
	m.step(t, told(1, sale(landed)))
	m.join(t, "anna", "max", "SUMMER")
	s := m.step(t, told(2, sale(landed, func(o *order.Order) { o.Name = "#1001b" })))
	if s.Pins.TreeVersion != 1 || !cmp.Equal(full, m.earned(sample1)) {
		t.Errorf("pins %+v, earned %v", s.Pins, m.earned(sample1))
	}
}

func TestReferencesResolveByIDThenByCode(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.join(t, "MAX10", "lisa") // An id that is also somebody else's code.
	cases := []struct {
		kind  order.EvidenceKind
		value string
		want  string
	}{
		{order.CartReference, "lisa", "lisa"},
		{order.CartReference, "LiSa10", "lisa"},
		{order.CartReference, "MAX10", "MAX10"},
		{order.CartReference, "max10", "max"},
		{order.DistributorCode, "MAX10", "max"},
		{order.DistributorCode, "lisa", ""},
		{order.LandingReference, "nobody", ""},
		{order.ManualOverride, "gold", "gold"},
		{order.BoundCustomer, "lisa", ""}, // Only we know who is bound to whom.
	}
	for i, c := range cases {
		s := m.step(t, told(1, sale(func(o *order.Order) {
			o.Source, o.BuyerID, o.Evidence = orderNo(i), "", []order.Evidence{{Kind: c.kind, Value: c.value}}
		})))
		if s.Attribution.DistributorID != c.want || s.Outcome != Settled {
			t.Errorf("%s %s, %s: attributed to %q, want %q", c.kind, c.value, s.Outcome, s.Attribution.DistributorID, c.want)
		}
	}
}

func TestCustomersStayWithTheDistributorOfTheirFirstOrder(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return placed.AddDate(0, 0, n) }
	m := world(t)
	m.plans = []PublishedPlan{publish(t, strings.Replace(samplePlan, `{"mode": "lifetime"}`, `{"mode": "days", "days": 30}`, 1))}
	cases := []struct {
		name  string
		at    time.Time
		code  string
		want  string
		binds bool
	}{
		{"first order without a code", day(0), "", "", false},
		{"with lisa's code", day(1), "LISA10", "lisa", true},
		{"without a code it is still lisa's", day(2), "", "lisa", false},
		{"another's code wins but does not bind", day(3), "MAX10", "max", false},
		{"an older order that comes late was not bound yet", day(-1), "", "", false},
		{"an older order with a code does not bind anew", day(-1), "MAX10", "max", false},
		{"the last day", day(31).Add(-time.Microsecond), "", "lisa", false},
		{"run out", day(31), "", "", false},
		{"bound anew", day(32), "MAX10", "max", true},
		{"now max's", day(33), "", "max", false},
	}
	for i, c := range cases {
		s := m.step(t, told(1, sale(func(o *order.Order) {
			o.Source, o.OrderTS, o.Evidence = orderNo(i), c.at, nil
			if c.code != "" {
				o.Evidence = []order.Evidence{{Kind: order.DistributorCode, Value: c.code}}
			}
		})))
		if s.Attribution.DistributorID != c.want || (s.Binding != nil) != c.binds {
			t.Errorf("%s: %q by %s, binding %+v", c.name, s.Attribution.DistributorID, s.Attribution.Winner, s.Binding)
		}
	}
	bound := m.record(orderNo(2))
	if bound.Pins.BoundDistributor != "lisa" {
		t.Errorf("pins: %+v", bound.Pins)
	}
	delete(m.bindings, Customer{"s1", "buyer"})
	again := m.step(t, told(2, sale(func(o *order.Order) { o.Source, o.OrderTS, o.Evidence = orderNo(2), day(2), nil })))
	if again.Attribution.DistributorID != "lisa" {
		t.Error("the binding that held at the first settlement is pinned")
	}
	forgotten := m.step(t, told(3, sale(func(o *order.Order) {
		o.Source, o.OrderTS, o.Evidence, o.BuyerID, o.Name = orderNo(2), day(2), nil, "", "#2"
	})))
	if forgotten.Attribution.DistributorID != "lisa" || forgotten.Attribution.Winner != order.BoundCustomer {
		t.Errorf("a shop that takes the customer out of its orders takes nothing from lisa: %+v", forgotten.Attribution)
	}
}

func TestBindingsWithinOneBatch(t *testing.T) {
	t.Parallel()
	m := world(t)
	first := sale(func(o *order.Order) { o.Source = orderNo(1) })
	second := sale(func(o *order.Order) { o.Source, o.OrderTS, o.Evidence = orderNo(2), placed.Add(time.Hour), nil })
	it := &item{program: "p1", store: cachedInfo{info: m.stores["s1"]}, sources: []order.Source{first.Source, second.Source}}
	for _, r := range []order.Revision{told(1, first), told(1, second)} {
		it.revisions = append(it.revisions, Revised{Revision: r})
	}
	b := newBatch("p1", []*item{it})
	err := m.InTx(t.Context(), "p1", Subject{Sources: b.sources}, func(books Books) error {
		f, err := readFacts(t.Context(), books, b, arrived)
		if err != nil {
			return err
		}
		settled, err := f.settleAll(books.Sources(), b)
		if err == nil && settled[1].Attribution.Winner != order.BoundCustomer {
			t.Errorf("second order: %+v", settled[1].Attribution)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBindingNever(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.plans = []PublishedPlan{publish(t, strings.Replace(samplePlan, `"lifetime"`, `"never"`, 1))}
	m.bindings[Customer{"s1", "buyer"}] = Binding{Customer: Customer{"s1", "buyer"}, DistributorID: "max", BoundAt: 1}
	if s := m.step(t, told(1, sale())); s.Binding != nil {
		t.Errorf("bound: %+v", s.Binding)
	}
	s := m.step(t, told(1, sale(func(o *order.Order) { o.Source, o.Evidence = orderNo(2), nil })))
	if s.Attribution.DistributorID != "" {
		t.Errorf("attributed: %+v", s.Attribution)
	}
}

func TestAPanicIsTheOrdersOwnError(t *testing.T) {
	t.Parallel()
	f := &facts{program: "p1", stores: map[string]StoreInfo{}} // No tree: a fault in the program, not in the order.
	f.plans = []PublishedPlan{publish(t, samplePlan)}
	b := &batch{tasks: map[order.Source]task{sample1: {revisions: []Revised{{Revision: told(1, sale())}}}}}
	_, err := f.settleAll([]SourceRecord{{Source: sample1}}, b)
	if v, _ := outcome(err); v != again || !strings.Contains(err.Error(), "s1/1001") {
		t.Errorf("err = %v", err)
	}
}

// TestOwnOrder: what a customer buys who is a distributor pays by the plan's rules for own orders, whoever sold it.
func TestOwnOrder(t *testing.T) {
	t.Parallel()
	self := order.Binding{StoreID: "s1", CustomerID: "buyer", Kind: order.SelfBinding, DistributorID: "lisa", ValidFrom: genealogy.Beginning, Version: 1}
	sponsor := self
	sponsor.Kind = order.SponsorBinding
	later := self
	later.ValidFrom = placed.UnixMicro() + 1
	unseen := self
	unseen.Version = 2
	selfRetail := strings.Replace(samplePlan, `"attribution": {`, `"attribution": {"self_retail": true, `, 1)
	noCode := func(o *order.Order) { o.Evidence = []order.Evidence{{Kind: order.BoundCustomer, Value: "buyer"}} }
	maxSells := func(o *order.Order) { o.Evidence = []order.Evidence{{Kind: order.DistributorCode, Value: "MAX10"}} }
	for name, c := range map[string]struct {
		stated []order.Binding
		plan   string
		edit   func(*order.Order)
		earned map[string]int64
		seller string
		buyer  string
	}{
		"own order without any code":     {[]order.Binding{self}, samplePlan, noCode, map[string]int64{"gold": 500, "top": 300}, "lisa", "lisa"},
		"own order with the own code":    {[]order.Binding{self}, samplePlan, func(*order.Order) {}, map[string]int64{"gold": 500, "top": 300}, "lisa", "lisa"},
		"own order where the plan pays":  {[]order.Binding{self}, selfRetail, noCode, full, "lisa", "lisa"},
		"bought through somebody else":   {[]order.Binding{self}, samplePlan, maxSells, map[string]int64{"max": 1000}, "max", "lisa"},
		"a customer of lisa":             {[]order.Binding{sponsor}, samplePlan, noCode, full, "lisa", ""},
		"stronger evidence than sponsor": {[]order.Binding{sponsor}, samplePlan, maxSells, map[string]int64{"max": 1000}, "max", ""},
		"not yet at the order's time":    {[]order.Binding{later}, samplePlan, noCode, map[string]int64{}, "", ""},
		"not known yet":                  {[]order.Binding{unseen}, samplePlan, noCode, map[string]int64{}, "", ""},
		"nobody in particular":           {nil, samplePlan, noCode, map[string]int64{}, "", ""},
	} {
		m := world(t)
		m.plans = []PublishedPlan{publish(t, c.plan)}
		m.stated = c.stated
		s := m.step(t, told(1, sale(c.edit)))
		if diff := cmp.Diff(c.earned, m.earned(sample1)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if s.Attribution.DistributorID != c.seller || s.Pins.BuyerDistributor != c.buyer {
			t.Errorf("%s: sold by %q, bought by %q", name, s.Attribution.DistributorID, s.Pins.BuyerDistributor)
		}
		if c.buyer != "" && s.Binding != nil {
			t.Errorf("%s: a distributor is bound as a customer: %+v", name, s.Binding)
		}
		if c.seller != "" && s.Sales[0].BuyerID != c.buyer {
			t.Errorf("%s: as a sale: %+v", name, s.Sales[0])
		}
		if len(s.Snapshot) > 0 {
			if _, err := commission.Recompute(s.Snapshot); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestOwnOrderStaysWhatItWas: what is stated after the first settlement changes neither it nor a refund.
func TestOwnOrderStaysWhatItWas(t *testing.T) {
	t.Parallel()
	m := world(t)
	m.step(t, told(1, sale()))
	m.stated = []order.Binding{{StoreID: "s1", CustomerID: "buyer", Kind: order.SelfBinding, DistributorID: "lisa", ValidFrom: genealogy.Beginning, Version: 2}}
	m.versions.Tree = 2
	s := m.step(t, told(2, sale(func(o *order.Order) { o.Refunds = []order.Refund{refunded("r", "l1", 1, 5000)} })))
	if diff := cmp.Diff(map[string]int64{"lisa": 500, "gold": 250, "top": 150}, m.earned(sample1)); diff != "" || s.Pins.BuyerDistributor != "" {
		t.Errorf("bought by %q: %s", s.Pins.BuyerDistributor, diff)
	}
	next := sale(func(o *order.Order) { o.Source.PlatformOrderID = "1002" })
	m.step(t, told(1, next))
	if diff := cmp.Diff(map[string]int64{"gold": 500, "top": 300}, m.earned(next.Source)); diff != "" {
		t.Errorf("the next order: %s", diff)
	}
}

// TestOwnOrderProperty: whoever buys and sells, an order pays exactly what the engine says for that buyer, nobody has
// level pay on what they bought themselves, and refunding it all leaves nothing.
func TestOwnOrderProperty(t *testing.T) {
	t.Parallel()
	owns := 0
	rapid.Check(t, func(rt *rapid.T) {
		m := world(t)
		buyer := rapid.SampledFrom([]string{"", "lisa", "gold", "top", "max"}).Draw(rt, "buyer")
		seller := rapid.SampledFrom([]string{"", "LISA10", "MAX10"}).Draw(rt, "code")
		if buyer != "" {
			m.stated = []order.Binding{{StoreID: "s1", CustomerID: "buyer", Kind: order.SelfBinding, DistributorID: buyer, ValidFrom: genealogy.Beginning, Version: 1}}
		}
		o := sale(func(o *order.Order) {
			o.Lines[0].GrossMinor = rapid.Int64Range(0, 99999).Draw(rt, "gross")
			o.Evidence = []order.Evidence{{Kind: order.BoundCustomer, Value: "buyer"}}
			if seller != "" {
				o.Evidence = append(o.Evidence, order.Evidence{Kind: order.DistributorCode, Value: seller})
			}
		})
		s := m.step(t, told(1, o))
		if s.Pins != nil && s.Pins.BuyerDistributor != buyer {
			rt.Fatalf("bought by %q, want %q", s.Pins.BuyerDistributor, buyer)
		}
		if buyer != "" && s.Attribution.DistributorID == buyer {
			owns++
		}
		if got := m.earned(sample1)[buyer]; buyer != "" && got != 0 {
			rt.Fatalf("%s earns %d on what they bought", buyer, got)
		}
		o.Lines[0].CurrentQuantity = new(int64)
		m.step(t, told(2, o))
		if left := m.standing(sample1); left != nil {
			rt.Fatalf("after all went back there stands %+v", left)
		}
	})
	if owns == 0 {
		t.Error("no order was its buyer's own")
	}
}
