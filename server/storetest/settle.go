package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

func testSettle(t *testing.T, w *world) {
	w.put(t, delivery("d1", "k1", "one", begin))
	o := sale(source("1"), 1000)
	var s pipeline.Settlement
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		rec := b.Sources()[0]
		if diff := cmp.Diff(pipeline.SourceRecord{Source: o.Source}, rec); diff != "" {
			t.Errorf("a new order: %s", diff)
		}
		s = settled(t, rec, o, 1, map[string]int64{"ben": 50, "ann": 25})
		s.Deliveries = []inbox.Finished{{DeliveryID: "d1", Status: inbox.Done, Result: "settled", At: begin}}
		return b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin)
	}))
	key := ledger.Key{Source: o.Source.String(), LineID: "1", ComponentID: "retail", Kind: ledger.Earning, Currency: "EUR"}
	ann, ben := key, key
	ann.DistributorID, ben.DistributorID = "ann", "ben"
	want := pipeline.SourceRecord{
		Source: o.Source, State: s.State, Revision: 1, Pins: s.Pins,
		Posted: []ledger.Balance{{Key: ann, AmountMinor: 25}, {Key: ben, AmountMinor: 50}},
	}
	if diff := cmp.Diff(want, w.record(t, w.Store, o.Source)); diff != "" {
		t.Fatalf("the order as the next transaction finds it: %s", diff)
	}
	d, err := w.Store.Delivery(w.ctx, program, "d1")
	if ok(t, err); d.Status != "done" || d.Result != "settled" || d.OrderID != o.Source.String() || d.SettledAt == nil {
		t.Fatalf("its delivery: %+v", d)
	}
	if n := w.count(t, `SELECT count(*) FROM outbox`); n != 1 {
		t.Fatalf("%d outbox rows, want one per settlement that posted", n)
	}
	if n := w.count(t, `SELECT count(*) FROM order_revisions`); n != 1 {
		t.Fatalf("%d revisions, want 1", n)
	}
}

// testRevisions: reversals and returns post under new revisions; what stands is always the sum.
func testRevisions(t *testing.T, w *world) {
	o := sale(source("1"), 1000)
	for version, earn := range []map[string]int64{{"ben": 50}, {}, {"ben": 50}, {"ben": 50}, {"ben": 30, "ann": 5}} {
		w.settle(t, w.Store, o, int64(version+1), earn)
		var sum int64
		rec := w.record(t, w.Store, o.Source)
		for _, b := range rec.Posted {
			sum += b.AmountMinor
			if b.AmountMinor != earn[b.Key.DistributorID] {
				t.Fatalf("version %d: %s has %d, want %d", version, b.Key.DistributorID, b.AmountMinor, earn[b.Key.DistributorID])
			}
		}
		got, err := w.Store.Order(w.ctx, program, o.Source.String())
		if ok(t, err); got.EarnedMinor != sum {
			t.Fatalf("version %d: the order shows %d earned, want %d", version, got.EarnedMinor, sum)
		}
	}
	if rec := w.record(t, w.Store, o.Source); rec.Revision != 4 {
		t.Fatalf("revision %d after four settlements that posted", rec.Revision)
	}
	if n := w.count(t, `SELECT count(*) FROM postings`); n != 5 {
		t.Fatalf("%d postings, want 5", n)
	}
}

// testAllOrNothing: an error or a panic in f, before or after Settle, leaves nothing behind.
func testAllOrNothing(t *testing.T, w *world) {
	w.put(t, delivery("d1", "k1", "one", begin))
	o := sale(source("1"), 1000)
	failure := errors.New("failure")
	run := func(fail func()) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = failure
			}
		}()
		return w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
			s := settled(t, b.Sources()[0], o, 1, map[string]int64{"ben": 50})
			s.Deliveries = []inbox.Finished{{DeliveryID: "d1", Status: inbox.Done, Result: "settled", At: begin}}
			s.Binding = &pipeline.Binding{Customer: pipeline.Customer{StoreID: shop, CustomerID: "c"}, DistributorID: "ben"}
			if err := b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin); err != nil {
				return err
			}
			fail()
			return failure
		})
	}
	for _, fail := range []func(){func() {}, func() { panic("boom") }} {
		if err := run(fail); !errors.Is(err, failure) {
			t.Fatalf("error %v", err)
		}
		for _, table := range []string{"postings", "settlements", "seals", "orders", "order_revisions", "outbox", "customer_bindings"} {
			if n := w.count(t, `SELECT count(*) FROM `+table); n != 0 {
				t.Fatalf("%d rows of %s are left", n, table)
			}
		}
		if d, err := w.Store.Delivery(w.ctx, program, "d1"); err != nil || d.Status != "waiting" {
			t.Fatalf("the delivery is %s, %v", d.Status, err)
		}
	}
	ctx, cancel := context.WithCancel(w.ctx)
	if err := w.Store.InTx(ctx, program, pipeline.Subject{}, func(pipeline.Books) error { cancel(); return nil }); err == nil {
		t.Fatal("a transaction whose caller has gone is committed")
	}
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
}

func testSettleRefuses(t *testing.T, w *world) {
	o, foreign := sale(source("1"), 1000), sale(source("2"), 1000)
	for name, spoil := range map[string]func(b pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement{
		"a source that is not locked": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			s.Source = foreign.Source
			return []pipeline.Settlement{*s}
		},
		"one source twice": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			return []pipeline.Settlement{*s, *s}
		},
		"a skipped revision": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			s.Revision++
			return []pipeline.Settlement{*s}
		},
		"a posting of another order": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			s.Postings[0].Key.Source = foreign.Source.String()
			return []pipeline.Settlement{*s}
		},
		"a posting of another program": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			s.Postings[0].ProgramID = rival
			return []pipeline.Settlement{*s}
		},
		"an amount of 0": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			s.Postings[0].AmountMinor = 0
			return []pipeline.Settlement{*s}
		},
		"a revision raised for nothing": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			s.Postings, s.Snapshot = nil, nil
			return []pipeline.Settlement{*s}
		},
		"an unknown outcome": func(_ pipeline.Books, s *pipeline.Settlement) []pipeline.Settlement {
			s.Postings, s.Outcome = nil, "perhaps"
			return []pipeline.Settlement{*s}
		},
	} {
		err := w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
			s := settled(t, b.Sources()[0], o, 1, map[string]int64{"ben": 50})
			return b.Settle(w.ctx, spoil(b, &s), nil, begin)
		})
		if err == nil {
			t.Errorf("%s is written", name)
		}
	}
	err := w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		s := settled(t, b.Sources()[0], o, 1, map[string]int64{"ben": 50})
		return errors.Join(b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin), b.Settle(w.ctx, nil, nil, begin))
	})
	if err == nil {
		t.Error("Settle is called twice")
	}
	if n := w.count(t, `SELECT count(*) FROM postings`); n != 0 {
		t.Fatalf("%d postings are left", n)
	}
	wantCode(t, w.Store.InTx(w.ctx, "nobody", pipeline.Subject{}, func(pipeline.Books) error { return nil }), server.NotFound)
}

// testOneOrderAtOnce: transactions over the same orders, taken in any order through two handles, wait for each other:
// each sees what the one before wrote.
func testOneOrderAtOnce(t *testing.T, w *world) {
	const workers, rounds = 6, 8
	another := w.Another(t)
	orders := []order.Order{sale(source("1"), 1000), sale(source("2"), 1000), sale(source("3"), 1000)}
	var version atomic.Int64
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			s := []Store{w.Store, another}[i%2]
			for range rounds {
				sources := []order.Source{orders[i%3].Source, orders[(i+1)%3].Source}
				err := s.InTx(w.ctx, program, pipeline.Subject{Sources: sources}, func(b pipeline.Books) error {
					var list []pipeline.Settlement
					for n, rec := range b.Sources() {
						v := version.Add(1)
						list = append(list, settled(t, rec, orders[(i+n)%3], v, map[string]int64{"ben": v}))
					}
					return b.Settle(w.ctx, list, nil, begin)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	total := int64(0)
	for _, o := range orders {
		rec := w.record(t, w.Store, o.Source)
		total += rec.Revision
		if len(rec.Posted) != 1 || rec.Posted[0].AmountMinor < 1 || rec.Posted[0].AmountMinor > version.Load() {
			t.Fatalf("order %s: %+v", o.Source, rec.Posted)
		}
	}
	if total != 2*workers*rounds {
		t.Fatalf("%d revisions, want one for each of %d settlements", total, 2*workers*rounds)
	}
	w.verify(t, program)
}

// testUnchanged: nothing new writes no row of the order, but ends the delivery.
func testUnchanged(t *testing.T, w *world) {
	w.put(t, delivery("d1", "k1", "one", begin), delivery("d2", "k2", "two", begin))
	o, unseen := sale(source("1"), 1000), sale(source("2"), 1000)
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
	before, err := w.Store.Order(w.ctx, program, o.Source.String())
	ok(t, err)
	later := begin.Add(time.Hour)
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{unseen.Source, o.Source}}, func(b pipeline.Books) error {
		return b.Settle(w.ctx, []pipeline.Settlement{
			{
				Source: o.Source, Outcome: pipeline.Unchanged, State: b.Sources()[1].State, Revision: 1,
				Deliveries: []inbox.Finished{{DeliveryID: "d1", Status: inbox.Done, Result: "unchanged", At: later}},
			},
			{
				Source: unseen.Source, Outcome: pipeline.Unchanged,
				Deliveries: []inbox.Finished{{DeliveryID: "d2", Status: inbox.Done, Result: "unchanged", At: later}},
			},
		}, nil, later)
	}))
	after, err := w.Store.Order(w.ctx, program, o.Source.String())
	ok(t, err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Fatalf("an unchanged order: %s", diff)
	}
	if _, err := w.Store.Order(w.ctx, program, unseen.Source.String()); server.CodeOf(err) != server.NotFound {
		t.Fatalf("an order nothing is known of: %v", err)
	}
	for _, id := range []string{"d1", "d2"} {
		if d, err := w.Store.Delivery(w.ctx, program, id); err != nil || d.Status != "done" || d.Result != "unchanged" {
			t.Fatalf("delivery %s: %+v, %v", id, d, err)
		}
	}
}

// testFirstArrival: an order was received when the first delivery that spoke of it arrived, whichever settled first, also
// where that one said nothing new.
func testFirstArrival(t *testing.T, w *world) {
	o := sale(source("1"), 1000)
	arrived := func(s pipeline.Settlement, at time.Time) pipeline.Settlement {
		s.Revisions[0].ReceivedAt = at
		return s
	}
	for step, c := range []struct{ arrival, want time.Duration }{{-time.Minute, -time.Minute}, {0, -time.Minute}, {-time.Hour, -time.Hour}, {-time.Minute, -time.Hour}} {
		ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
			rec := b.Sources()[0]
			s := settled(t, rec, o, 1, map[string]int64{"ben": 50})
			if step > 1 {
				s = pipeline.Settlement{Source: o.Source, Outcome: pipeline.Unchanged, State: rec.State, Revisions: s.Revisions, Revision: rec.Revision}
			}
			return b.Settle(w.ctx, []pipeline.Settlement{arrived(s, begin.Add(c.arrival))}, nil, begin.Add(time.Duration(step)*time.Hour))
		}))
		got, err := w.Store.Order(w.ctx, program, o.Source.String())
		if ok(t, err); !got.ReceivedAt.Equal(begin.Add(c.want)) || got.EarnedMinor != 50 || got.NetMinor != 1000 {
			t.Fatalf("step %d: received %s, want %s: %+v", step, got.ReceivedAt, begin.Add(c.want), got)
		}
	}
}

// known reads what is known of customers and checkouts, which is the same whomever the transaction was told it would be asked about.
func (w *world) known(t *testing.T, customers []pipeline.Customer, checkouts []pipeline.Checkout) (first pipeline.Known) {
	t.Helper()
	other := pipeline.Subject{
		Sources: []order.Source{source("1")}, Customers: []pipeline.Customer{{StoreID: shop, CustomerID: "other"}},
		Checkouts: []pipeline.Checkout{{StoreID: shop, Key: "other"}},
	}
	for i, about := range []pipeline.Subject{
		{}, {Customers: customers, Checkouts: checkouts}, {Sources: other.Sources, Customers: customers, Checkouts: checkouts}, other,
	} {
		ok(t, w.Store.InTx(w.ctx, program, about, func(b pipeline.Books) error {
			got, err := b.Known(w.ctx, customers, checkouts)
			if i == 0 {
				first = got
			} else if diff := cmp.Diff(first, got, cmpopts.SortSlices(func(a, b order.Binding) bool { return a.ValidFrom < b.ValidFrom })); diff != "" {
				t.Errorf("where the transaction is about %+v: %s", about, diff)
			}
			return err
		}))
	}
	return first
}

// testBindings: the first binding of a customer wins, also within one batch.
func testBindings(t *testing.T, w *world) {
	customer := pipeline.Customer{StoreID: shop, CustomerID: "c1"}
	bind := func(o order.Order, who string) {
		ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
			s := settled(t, b.Sources()[0], o, 1, map[string]int64{who: 50})
			s.Binding = &pipeline.Binding{Customer: customer, DistributorID: who, BoundAt: begin.UnixMicro(), Source: o.Source.String()}
			return b.Settle(w.ctx, []pipeline.Settlement{s}, nil, begin)
		}))
	}
	bind(sale(source("1"), 1000), "ben")
	bind(sale(source("2"), 1000), "ann")
	stranger := pipeline.Customer{StoreID: shop, CustomerID: "c2"}
	got := w.known(t, []pipeline.Customer{stranger, customer, customer}, nil)
	first := pipeline.Binding{Customer: customer, DistributorID: "ben", BoundAt: begin.UnixMicro(), Source: source("1").String()}
	if diff := cmp.Diff(map[pipeline.Customer]pipeline.Binding{customer: first}, got.Bound); diff != "" {
		t.Error(diff)
	}
}

func testParkAndRelease(t *testing.T, w *world) {
	w.withFacts(t)
	w.park(t, sale(source("1"), 1000), pipeline.ReasonUnmappedSKU, "sku:shopify:MUG", "sku:shopify:CUP")
	w.park(t, sale(source("2"), 500), pipeline.ReasonUnmappedSKU, "sku:shopify:MUG")
	w.park(t, sale(source("3"), 700), pipeline.ReasonInconsistentTotals)
	if rec := w.record(t, w.Store, source("1")); !rec.Parked || rec.Revision != 0 || rec.Pins != nil {
		t.Fatalf("a parked order: %+v", rec)
	}
	unmapped, err := w.Store.UnmappedSKUs(w.ctx, program)
	ok(t, err)
	want := []query.UnmappedSKU{
		{Platform: "shopify", PlatformSKU: "CUP", Orders: 1, Currency: "EUR", WaitingMinor: 1000, Waiting: "10.00"},
		{Platform: "shopify", PlatformSKU: "MUG", Orders: 2, Currency: "EUR", WaitingMinor: 1500, Waiting: "15.00"},
	}
	if diff := cmp.Diff(want, unmapped); diff != "" {
		t.Fatalf("what waits for a mapping: %s", diff)
	}
	if got := w.released(t); len(got) != 0 {
		t.Fatalf("released before anything was mended: %v", got)
	}
	summary, err := w.Store.PutMappings(w.ctx, program, []catalog.Mapping{mapping("MUG")}, begin, true)
	if ok(t, err); summary.Released != 2 {
		t.Fatalf("%d orders released, want 2", summary.Released)
	}
	got := w.released(t)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"1", "2"}, got); diff != "" {
		t.Fatalf("released: %s", diff)
	}
	w.settle(t, w.Store, sale(source("2"), 500), 1, map[string]int64{"ben": 25})
	w.park(t, sale(source("1"), 1000), pipeline.ReasonUnmappedSKU, "sku:shopify:CUP")
	if got := w.released(t); len(got) != 0 {
		t.Fatalf("still released after they were looked at: %v", got)
	}
	if rec := w.record(t, w.Store, source("2")); rec.Parked || rec.Revision != 1 {
		t.Fatalf("a settled order: %+v", rec)
	}
	unmapped, err = w.Store.UnmappedSKUs(w.ctx, program)
	if ok(t, err); len(unmapped) != 1 || unmapped[0].PlatformSKU != "CUP" {
		t.Fatalf("what still waits: %+v", unmapped)
	}
}

func testReleaseByPeople(t *testing.T, w *world) {
	w.withFacts(t)
	w.park(t, sale(source("1"), 1000), pipeline.ReasonUnknownDistributor, "ref:eve")
	w.park(t, sale(source("2"), 1000), pipeline.ReasonUnknownDistributor, "ref:spring")
	w.park(t, sale(source("3"), 1000), pipeline.ReasonUnknownDistributor, "ref:nobody")
	if s := w.people(t, person("Eve", "ann", "SPRING")); s.Released != 2 || s.Added != 1 {
		t.Fatalf("%+v", s)
	}
	got := w.released(t)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"1", "2"}, got); diff != "" {
		t.Fatal(diff)
	}
}

func testReleaseByPlan(t *testing.T, w *world) {
	w.park(t, sale(source("1"), 1000), pipeline.ReasonNoPlan, "plan")
	w.withFacts(t)
	if diff := cmp.Diff([]string{"1"}, w.released(t)); diff != "" {
		t.Fatal(diff)
	}
}

func testReleaseByStore(t *testing.T, w *world) {
	w.park(t, sale(source("1"), 1000), pipeline.ReasonCurrencyMismatch, "currency:"+shop)
	st, err := w.Store.StoreByID(w.ctx, shop)
	ok(t, err)
	st.Name = "another name"
	ok(t, w.Store.UpdateStore(w.ctx, st))
	if got := w.released(t); len(got) != 0 {
		t.Fatalf("released by another name: %v", got)
	}
	st.Currency = "USD"
	ok(t, w.Store.UpdateStore(w.ctx, st))
	if diff := cmp.Diff([]string{"1"}, w.released(t)); diff != "" {
		t.Fatal(diff)
	}
}

// testNoReleaseIsLost: an order is parked for a SKU at the moment in which that SKU is mapped. Whoever is first, the
// order is either decided by the new facts or released.
func testNoReleaseIsLost(t *testing.T, w *world) {
	w.withFacts(t)
	another := w.Another(t)
	for round := range 20 {
		sku := fmt.Sprint("SKU-", round)
		o := sale(source(strconv.Itoa(round)), 1000)
		var saw int64
		var group sync.WaitGroup
		group.Go(func() {
			err := w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
				c, err := b.Catalog(w.ctx)
				if err != nil {
					return err
				}
				atomic.StoreInt64(&saw, 0)
				if _, err := c.Lookup("shopify", sku, "", begin.UnixMicro(), b.Versions().Catalog); err == nil {
					atomic.StoreInt64(&saw, 1)
					return nil
				}
				time.Sleep(time.Duration(round%4) * time.Millisecond)
				return b.Settle(w.ctx, []pipeline.Settlement{parkedFor(t, o, pipeline.ReasonUnmappedSKU, "sku:shopify:"+sku)}, nil, begin)
			})
			if err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			time.Sleep(time.Duration(round%3) * time.Millisecond)
			if _, err := another.PutMappings(w.ctx, program, []catalog.Mapping{mapping(sku)}, begin, true); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		if saw == 0 && !slices.Contains(w.released(t), o.Source.PlatformOrderID) {
			t.Fatalf("round %d: the order waits for a SKU that is mapped", round)
		}
	}
}

// testParkedDeliveries: when a parked order settles, the deliveries that were parked with it are done.
func testParkedDeliveries(t *testing.T, w *world) {
	w.put(t, delivery("d1", "k1", "one", begin), delivery("d2", "k2", "two", begin), delivery("d3", "k3", "three", begin))
	o, other := sale(source("1"), 1000), sale(source("2"), 1000)
	for id, s := range map[string]order.Order{"d1": o, "d2": o, "d3": other} {
		ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{s.Source}}, func(b pipeline.Books) error {
			p := parkedFor(t, s, pipeline.ReasonUnmappedSKU, "sku:shopify:MUG")
			p.Deliveries = []inbox.Finished{{DeliveryID: id, Status: inbox.Parked, Result: "unmapped_sku", Reason: "map it", At: begin}}
			return b.Settle(w.ctx, []pipeline.Settlement{p}, nil, begin)
		}))
	}
	w.settle(t, w.Store, o, 2, map[string]int64{"ben": 50})
	for id, want := range map[string]string{"d1": "done", "d2": "done", "d3": "parked"} {
		if d, err := w.Store.Delivery(w.ctx, program, id); err != nil || d.Status != want {
			t.Errorf("delivery %s is %s, %v; want %s", id, d.Status, err, want)
		}
	}
}

// testManyInOneBatch crosses every chunk of the bulk statements.
func testManyInOneBatch(t *testing.T, w *world) {
	const many = 1500
	var sources []order.Source
	for i := range many {
		sources = append(sources, source(fmt.Sprintf("%04d", i)))
	}
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: sources}, func(b pipeline.Books) error {
		var list []pipeline.Settlement
		for _, rec := range b.Sources() {
			earn := map[string]int64{}
			for i := range 8 {
				earn[fmt.Sprint("p", i)] = int64(i + 1)
			}
			list = append(list, settled(t, rec, sale(rec.Source, 1000), 1, earn))
		}
		return b.Settle(w.ctx, list, nil, begin)
	}))
	if n, err := w.Store.CountPostings(w.ctx, program); err != nil || n != 8*many {
		t.Fatalf("%d postings, %v; want %d", n, err, 8*many)
	}
	w.verify(t, program)
	if rec := w.record(t, w.Store, sources[many-1]); len(rec.Posted) != 8 {
		t.Fatalf("the last order has %d balances, want 8", len(rec.Posted))
	}
}
