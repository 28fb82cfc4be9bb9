package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

func testProgramsAndStores(t *testing.T, w *world) {
	wantCode(t, w.Store.CreateProgram(w.ctx, admin.Program{ProgramID: program, Name: "again", Currency: "EUR"}), server.Conflict)
	ok(t, w.Store.CreateProgram(w.ctx, admin.Program{ProgramID: "far", Name: "Far", Currency: "USD", TimeZone: "Pacific/Auckland"}))
	zone, err := w.Store.TimeZone(w.ctx, "far")
	if ok(t, err); zone != "Pacific/Auckland" {
		t.Errorf("time zone %q", zone)
	}
	_, err = w.Store.TimeZone(w.ctx, "nowhere")
	wantCode(t, err, server.NotFound)
	st, err := w.Store.StoreByDomain(w.ctx, order.Shopify, shop+".myshopify.com")
	ok(t, err)
	if st.StoreID != shop || st.ProgramID != program {
		t.Fatalf("%+v", st)
	}
	_, err = w.Store.StoreByDomain(w.ctx, order.Magento, shop+".myshopify.com")
	wantCode(t, err, server.NotFound)
	_, err = w.Store.StoreInfo(w.ctx, "nothing")
	wantCode(t, err, server.NotFound)
	second := st
	second.StoreID = "second"
	wantCode(t, w.Store.CreateStore(w.ctx, second), server.Conflict)
	second.Domain, second.ProgramID = "second.example", "nobody"
	wantCode(t, w.Store.CreateStore(w.ctx, second), server.NotFound)
	st.SealedSecret, st.SealedOldSecret, st.GoLiveAt, st.AcceptTestOrders, st.Currency = []byte("new"), []byte("old"), 7, true, "JPY"
	ok(t, w.Store.UpdateStore(w.ctx, st))
	got, err := w.Store.StoreByID(w.ctx, shop)
	ok(t, err)
	if diff := cmp.Diff(st, got); diff != "" {
		t.Fatalf("a changed store: %s", diff)
	}
	info, err := w.Store.StoreInfo(w.ctx, shop)
	ok(t, err)
	if info.StoreID != shop || info.ProgramID != program || info.Currency != "JPY" || info.GoLiveAt != 7 || !info.AcceptTestOrders ||
		info.Platform != order.Shopify || info.Domain != st.Domain {
		t.Fatalf("as the pipeline sees it: %+v", info)
	}
	st.StoreID = "nothing"
	wantCode(t, w.Store.UpdateStore(w.ctx, st), server.NotFound)
}

// testJudged: orders of which a change of their store decides whether they pay are settled anew, whichever way, and no others.
func testJudged(t *testing.T, w *world) {
	placed := func(n string, at time.Time, test, pinned bool) {
		o := sale(source(n), 1000)
		o.OrderTS, o.Test = at, test
		ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
			s := settled(t, b.Sources()[0], o, 1, nil)
			if !pinned {
				s.Pins = nil
			}
			return b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin)
		}))
	}
	day := 24 * time.Hour
	change := func(live time.Time, tests bool) []string {
		st, err := w.Store.StoreByID(w.ctx, shop)
		ok(t, err)
		st.GoLiveAt, st.AcceptTestOrders = 0, tests
		if !live.IsZero() {
			st.GoLiveAt = live.UnixMicro()
		}
		ok(t, w.Store.UpdateStore(w.ctx, st))
		return w.released(t)
	}
	change(begin.Add(3*day), false)
	placed("1", begin, false, false)
	placed("2", begin.Add(day), false, false)
	placed("3", begin.Add(2*day), false, false)
	placed("paid", begin.Add(4*day), false, true)
	placed("test", begin.Add(9*day), true, false)
	for _, c := range []struct {
		live  time.Time
		tests bool
		want  []string
	}{
		{begin.Add(3 * day), false, []string{}}, // the same
		{begin.Add(2 * day), false, []string{"3"}},
		{begin.Add(day), false, []string{"2"}},
		{time.Time{}, false, []string{"1"}},                     // none
		{begin.Add(day), false, []string{"1"}},                  // back
		{begin.Add(5 * day), false, []string{"2", "3", "paid"}}, // later
		{begin.Add(5 * day), true, []string{"test"}},
		{begin.Add(5 * day), false, []string{"test"}},
	} {
		execute(t, w, `DELETE FROM released_sources`)
		got := change(c.live, c.tests)
		slices.Sort(got)
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("from %s on: %s", c.live, diff)
		}
	}
}

func testKeys(t *testing.T, w *world) {
	key := admin.APIKey{KeyID: "k1", ProgramID: program, StoreID: shop, Name: "shop", Role: "viewer", Hash: admin.HashAPIKey("secret")}
	ok(t, w.Store.CreateAPIKey(w.ctx, key))
	wantCode(t, w.Store.CreateAPIKey(w.ctx, key), server.Conflict)
	got, err := w.Store.APIKeyByHash(w.ctx, key.Hash)
	ok(t, err)
	if diff := cmp.Diff(key, got); diff != "" {
		t.Fatal(diff)
	}
	stolen := admin.APIKey{KeyID: "k2", ProgramID: rival, StoreID: shop, Hash: admin.HashAPIKey("other")}
	wantCode(t, w.Store.CreateAPIKey(w.ctx, stolen), server.NotFound)
	wantCode(t, w.Store.RevokeAPIKey(w.ctx, rival, "k1"), server.NotFound)
	ok(t, w.Store.RevokeAPIKey(w.ctx, program, "k1"))
	ok(t, w.Store.RevokeAPIKey(w.ctx, program, "k1"))
	_, err = w.Store.APIKeyByHash(w.ctx, key.Hash)
	wantCode(t, err, server.NotFound)
}

// testIsolation: whatever is asked in the name of another program, it gets nothing, and changes nothing.
func testIsolation(t *testing.T, w *world) {
	w.withFacts(t)
	w.put(t, delivery("d1", "k1", "one", begin))
	o := sale(source("1"), 1000)
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
	w.park(t, sale(source("2"), 1000), pipeline.ReasonUnmappedSKU, "sku:shopify:MUG")
	s := w.Store
	lists := map[string]func() (any, string, error){
		"orders": func() (any, string, error) { return s.Orders(w.ctx, rival, query.OrderFilter{}, query.Page{}) },
		"orders of its store": func() (any, string, error) {
			return s.Orders(w.ctx, rival, query.OrderFilter{StoreID: shop}, query.Page{})
		},
		"found": func() (any, string, error) {
			l, err := s.FindOrders(w.ctx, rival, o.Source.String())
			return l, "", err
		},
		"found by id": func() (any, string, error) { l, err := s.FindOrders(w.ctx, rival, "1"); return l, "", err },
		"snapshots":   func() (any, string, error) { l, err := s.Snapshots(w.ctx, rival, o.Source.String()); return l, "", err },
		"postings": func() (any, string, error) {
			return s.Postings(w.ctx, rival, query.PostingFilter{OrderID: o.Source.String()}, query.Page{})
		},
		"commissions": func() (any, string, error) {
			return s.Commissions(w.ctx, rival, query.CommissionFilter{DistributorID: "ben"}, query.Page{})
		},
		"deliveries": func() (any, string, error) {
			return s.Deliveries(w.ctx, rival, query.DeliveryFilter{StoreID: shop}, query.Page{})
		},
		"distributors": func() (any, string, error) { return s.Distributors(w.ctx, rival, "ben", query.Page{}) },
		"mappings":     func() (any, string, error) { return s.Mappings(w.ctx, rival, "", query.Page{}) },
		"unmapped":     func() (any, string, error) { l, err := s.UnmappedSKUs(w.ctx, rival); return l, "", err },
	}
	for name, list := range lists {
		got, next, err := list()
		if ok(t, err); reflect.ValueOf(got).Len() != 0 || next != "" {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, err := s.Order(w.ctx, rival, o.Source.String())
	wantCode(t, err, server.NotFound)
	_, err = s.Delivery(w.ctx, rival, "d1")
	wantCode(t, err, server.NotFound)
	_, err = s.Distributor(w.ctx, rival, "ben")
	wantCode(t, err, server.NotFound)
	stores, err := s.Stores(w.ctx, rival)
	if ok(t, err); len(stores) != 1 || stores[0].StoreID != rivalLot {
		t.Errorf("stores: %+v", stores)
	}
	over, err := s.Overview(w.ctx, rival)
	ok(t, err)
	if over.Orders+over.Deliveries+over.Distributors+over.MappedSKUs+over.Plans+over.LastBatch != 0 || len(over.EarnedByMoney) != 0 {
		t.Errorf("overview: %+v", over)
	}
	ok(t, s.InTx(w.ctx, rival, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		if rec := b.Sources()[0]; rec.Revision != 0 || rec.Pins != nil || len(rec.Posted) != 0 {
			t.Errorf("a transaction of another program finds %+v", rec)
		}
		return nil
	}))
	ok(t, s.Seals(w.ctx, rival, func(ledger.Seal, []ledger.Posting, [][32]byte) error {
		t.Error("a batch of another program")
		return nil
	}))
}

// pager gives one page of a list: its rows' keys and the next cursor.
type pager func(p query.Page) (keys []string, next string, err error)

// pagers are all lists that come in pages.
func (w *world) pagers() map[string]pager {
	return map[string]pager{
		"orders": func(p query.Page) ([]string, string, error) {
			list, next, err := w.Store.Orders(w.ctx, program, query.OrderFilter{}, p)
			return keysOf(list, func(o query.Order) string { return o.OrderID }), next, err
		},
		"postings": func(p query.Page) ([]string, string, error) {
			list, next, err := w.Store.Postings(w.ctx, program, query.PostingFilter{}, p)
			return keysOf(list, func(o query.Posting) string { return o.EventID }), next, err
		},
		"commissions": func(p query.Page) ([]string, string, error) {
			list, next, err := w.Store.Commissions(w.ctx, program, query.CommissionFilter{Status: "PENDING"}, p)
			return keysOf(list, func(o query.Commission) string { return o.CommissionID }), next, err
		},
		"deliveries": func(p query.Page) ([]string, string, error) {
			list, next, err := w.Store.Deliveries(w.ctx, program, query.DeliveryFilter{}, p)
			return keysOf(list, func(o query.Delivery) string { return o.DeliveryID }), next, err
		},
		"distributors": func(p query.Page) ([]string, string, error) {
			list, next, err := w.Store.Distributors(w.ctx, program, "", p)
			return keysOf(list, func(o query.Distributor) string { return o.DistributorID }), next, err
		},
		"mappings": func(p query.Page) ([]string, string, error) {
			list, next, err := w.Store.Mappings(w.ctx, program, "", p)
			return keysOf(list, func(o query.Mapping) string { return o.PlatformSKU + o.CommissionClass }), next, err
		},
	}
}

// fillLists writes rows into every list, with pairs of equal sort times.
func (w *world) fillLists(t *testing.T, many int) {
	t.Helper()
	var rows []inbox.Row
	var people []admin.Distributor
	for i := range many {
		o := sale(source(fmt.Sprintf("%02d", i)), 1000)
		o.OrderTS = begin.Add(time.Duration(i/2) * time.Minute)
		w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
		rows = append(rows, delivery(fmt.Sprintf("%02d", i), strconv.Itoa(i), "b", begin))
		people = append(people, person(fmt.Sprintf("p%02d", i), ""))
		m := mapping(fmt.Sprintf("S%02d", i/5))
		m.ValidFrom, m.CommissionClass = begin.Add(time.Duration(i)*time.Hour).UnixMicro(), fmt.Sprint("c", i)
		_, err := w.Store.PutMappings(w.ctx, program, []catalog.Mapping{m}, begin, true)
		ok(t, err)
	}
	w.put(t, rows...)
	w.people(t, people...)
}

// testPages: pages put together are the whole list once each, also when rows are written between two pages.
func testPages(t *testing.T, w *world) {
	const many = 25
	w.fillLists(t, many)
	extra := many
	write := func() { // newer than everything listed
		extra++
		o := sale(source(fmt.Sprint("x", extra)), 1000)
		o.OrderTS = begin.Add(24 * time.Hour)
		w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
		w.put(t, delivery(fmt.Sprint("x", extra), fmt.Sprint("x", extra), "b", begin))
	}
	for name, page := range w.pagers() {
		whole, next, err := page(query.Page{Limit: 200})
		if ok(t, err); next != "" || len(whole) < many {
			t.Fatalf("%s: %d rows, next %q", name, len(whole), next)
		}
		var pieces []string
		for after := ""; ; {
			keys, next, err := page(query.Page{Limit: 4, After: after})
			ok(t, err)
			pieces = append(pieces, keys...)
			if next == "" {
				break
			}
			if len(keys) != 4 {
				t.Fatalf("%s: a page of %d with a next one", name, len(keys))
			}
			after = next
			write()
		}
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func keysOf[T any](list []T, key func(T) string) (keys []string) {
	for _, v := range list {
		keys = append(keys, key(v))
	}
	return keys
}

func testReadOrders(t *testing.T, w *world) {
	o := sale(source("1001"), 1000)
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
	w.park(t, sale(source("1002"), 700), pipeline.ReasonUnmappedSKU, "sku:shopify:MUG")
	got, err := w.Store.Order(w.ctx, program, o.Source.String())
	ok(t, err)
	want := query.Order{
		OrderID: shop + "/1001", StoreID: shop, Platform: "shopify", PlatformOrderID: "1001", Name: "#1001", OrderTS: begin,
		Status: "paid", Settlement: "settled", Currency: "EUR", NetMinor: 1000, Net: "10.00", EarnedMinor: 50, Earned: "0.50",
		DistributorID: "ben", BuyerID: "buyer-1001", Revision: 1, ReceivedAt: begin, SettledAt: &begin,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	waits, err := w.Store.Order(w.ctx, program, shop+"/1002")
	ok(t, err)
	if waits.Net != "0.00" || waits.Waiting != "7.00" || waits.WaitingCurrency != "EUR" || waits.WaitingMinor != 700 ||
		waits.WaitsFor() != "Waiting, 7.00 EUR (unmapped_sku): it waits for sku:shopify:MUG" {
		t.Errorf("a parked order: %+v", waits)
	}
	for name, f := range map[string]query.OrderFilter{
		"parked": {Settlement: "parked"}, "reason": {ReasonCode: "unmapped_sku"}, "search by id": {Search: "1002"},
		"search by name": {Search: "#1002"}, "search by order id": {Search: shop + "/1002"},
	} {
		list, _, err := w.Store.Orders(w.ctx, program, f, query.Page{})
		if ok(t, err); len(list) != 1 || list[0].PlatformOrderID != "1002" || list[0].Settlement != "parked" || list[0].Reason == "" {
			t.Errorf("%s: %+v", name, list)
		}
	}
	for name, f := range map[string]query.OrderFilter{"settled": {Settlement: "settled"}, "distributor": {DistributorID: "ben"}} {
		list, _, err := w.Store.Orders(w.ctx, program, f, query.Page{})
		if ok(t, err); len(list) != 1 || list[0].PlatformOrderID != "1001" {
			t.Errorf("%s: %+v", name, list)
		}
	}
	list, err := w.Store.FindOrders(w.ctx, program, "1001")
	if ok(t, err); len(list) != 1 || list[0].OrderID != want.OrderID {
		t.Errorf("found: %+v", list)
	}
	if list, err := w.Store.FindOrders(w.ctx, program, "100"); err != nil || len(list) != 0 {
		t.Errorf("found by a part: %+v, %v", list, err)
	}
}

func testCommissions(t *testing.T, w *world) {
	kept, returned := sale(source("1"), 1000), sale(source("2"), 1000)
	w.settle(t, w.Store, kept, 1, map[string]int64{"ben": 50, "ann": 20})
	w.settle(t, w.Store, returned, 1, map[string]int64{"ben": 70})
	w.settle(t, w.Store, returned, 2, map[string]int64{})
	w.settle(t, w.Store, kept, 2, map[string]int64{"ben": 40, "ann": 20})
	find := func(f query.CommissionFilter) (list []query.Commission) {
		t.Helper()
		list, _, err := w.Store.Commissions(w.ctx, program, f, query.Page{})
		ok(t, err)
		return list
	}
	list := find(query.CommissionFilter{PlatformOrderID: "1", DistributorID: "ben"})
	if len(list) != 1 {
		t.Fatalf("%d rows for one amount", len(list))
	}
	want := query.Commission{
		CommissionID: list[0].CommissionID, OrderID: "1", OrderName: "#1", StoreID: shop, SKU: "TEA", BuyerID: "buyer-1", ReferrerID: "ben",
		ComponentID: "retail", Currency: "EUR", Value: "0.40", Status: "PENDING", OrderTS: begin, UpdatedAt: begin,
	}
	if diff := cmp.Diff(want, list[0]); diff != "" {
		t.Fatal(diff)
	}
	if all := find(query.CommissionFilter{}); len(all) != 3 || all[0].OrderID != "2" || all[0].Status != "REVERSED" || all[0].Value != "0.00" {
		t.Fatalf("all, the newest first: %+v", all)
	}
	for status, n := range map[string]int{"PENDING": 2, "REVERSED": 1, "AVAILABLE": 0, "PAID": 0} {
		list := find(query.CommissionFilter{Status: status})
		if len(list) != n {
			t.Errorf("%d are %s, want %d", len(list), status, n)
		}
		for _, c := range list {
			if c.Status != status {
				t.Errorf("listed as %s, but it says %s", status, c.Status)
			}
		}
	}
	_, _, err := w.Store.Commissions(w.ctx, program, query.CommissionFilter{Status: "LOST"}, query.Page{})
	wantCode(t, err, server.Invalid)
}

func testOverview(t *testing.T, w *world) {
	w.withFacts(t)
	w.put(t, delivery("d1", "k1", "one", begin))
	w.settle(t, w.Store, sale(source("1"), 1000), 1, map[string]int64{"ben": 50, "ann": 1234})
	w.park(t, sale(source("2"), 1000), pipeline.ReasonNoPlan, "plan")
	got, err := w.Store.Overview(w.ctx, program)
	ok(t, err)
	want := query.Overview{
		Program:      query.Program{ProgramID: program, Name: program, Currency: "EUR", TimeZone: "UTC", CreatedAt: got.Program.CreatedAt},
		Stores:       []query.StoreRow{{StoreID: shop, Platform: "shopify", Domain: shop + ".myshopify.com", Name: shop, Currency: "EUR", LastDeliveryAt: &begin}},
		Distributors: 4, MappedSKUs: 1, Plans: 1, Orders: 2, ParkedOrders: 1, Deliveries: 1,
		Postings: 2, EarnedByMoney: map[string]string{"EUR": "12.84"}, LastBatch: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	another := w.Another(t) // what others post is added to what was summed before
	o := sale(source("3"), 700)
	w.settle(t, another, o, 1, map[string]int64{"ben": 35, "cyd": 5})
	w.settle(t, another, o, 2, map[string]int64{"ben": 10})
	for range 2 {
		got, err = w.Store.Overview(w.ctx, program)
		if ok(t, err); got.EarnedByMoney["EUR"] != "12.94" || got.LastBatch != 3 || got.Orders != 3 {
			t.Fatalf("after others posted: %+v", got)
		}
	}
	fresh, err := another.Overview(w.ctx, program)
	if ok(t, err); !cmp.Equal(fresh, got) {
		t.Fatalf("counted anew: %s", cmp.Diff(got, fresh))
	}
	_, err = w.Store.Overview(w.ctx, "nobody")
	wantCode(t, err, server.NotFound)
	programs, err := w.Store.Programs(w.ctx)
	if ok(t, err); len(programs) != 2 || programs[0].ProgramID != program {
		t.Fatalf("%+v", programs)
	}
}

func testCursorsRefused(t *testing.T, w *world) {
	for _, after := range []string{"x", "!!!", "W10", "WyJhIiwiYiJd", "WyJhIiwiYiIsImMiXQ", "bnVsbA"} {
		p := query.Page{After: after}
		_, _, err := w.Store.Orders(w.ctx, program, query.OrderFilter{}, p)
		wantCode(t, err, server.Invalid)
		_, _, err = w.Store.Postings(w.ctx, program, query.PostingFilter{}, p)
		wantCode(t, err, server.Invalid)
		_, _, err = w.Store.Mappings(w.ctx, program, "", p)
		wantCode(t, err, server.Invalid)
	}
}
