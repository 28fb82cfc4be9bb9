package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/run"
)

// The month in which everything here happens.
var (
	march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	april = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	may   = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
)

func monthKey() run.Key { return run.Key{Program: program, Kind: "monthly", PeriodID: "2026-03"} }

// sold is one line credited to a seller.
func sold(line, seller string, at time.Time, minor int64) pipeline.Sale {
	return pipeline.Sale{
		LineID: line, SellerID: seller, CustomerID: shop + "/c", CommissionClass: "goods", Country: "DE", Currency: "EUR",
		OrderTS: at.UnixMicro(), Quantity: 1, NetMinor: minor, CV: money.Volume(minor) * 10_000, QV: money.Volume(minor) * 10_000,
	}
}

// sell settles an order so that changes are recorded at a time.
func (w *world) sell(t *testing.T, n string, version int64, recorded time.Time, changes ...pipeline.Sale) {
	t.Helper()
	o := sale(source(n), 100)
	ok(t, w.Store.InTx(w.ctx, program, pipeline.Subject{Sources: []order.Source{o.Source}}, func(b pipeline.Books) error {
		s := settled(t, b.Sources()[0], o, version, nil)
		s.Sales = changes
		return b.Settle(w.ctx, []pipeline.Settlement{s}, nil, recorded)
	}))
}

// testSales: what is recorded comes back summed by identity, to the next transaction and to a period.
func testSales(t *testing.T, w *world) {
	at := march.Add(time.Hour)
	w.sell(t, "1", 1, at, sold("1", "ben", at, 1000), sold("2", "ben", at, 500))
	back := sold("1", "ben", at, 1000)
	back.Quantity, back.NetMinor, back.CV, back.QV = -1, -400, -4_000_000, -4_000_000
	w.sell(t, "1", 2, at, back)
	left := sold("1", "ben", at, 600)
	left.Quantity = 0
	want := []pipeline.Sale{left, sold("2", "ben", at, 500)}
	if diff := cmp.Diff(want, w.record(t, w.Store, source("1")).Sales); diff != "" {
		t.Fatalf("the order as the next transaction finds it: %s", diff)
	}
	w.sell(t, "2", 1, at, sold("1", "ann", at, 100), sold("1", "", april, 7))
	head, err := w.Store.Head(w.ctx, program)
	if ok(t, err); head.SalesSequence != 3 {
		t.Fatalf("head %+v, want three recordings of sales", head)
	}
	for upTo, want := range []map[string]int64{{}, {"ben": 1500}, {"ben": 1100}, {"ben": 1100, "ann": 100}} {
		w.wantSums(t, int64(upTo), want)
	}
	ok(t, w.Store.RollUp(w.ctx, program, march.UnixMicro(), april.UnixMicro()))
	w.wantSums(t, 3, map[string]int64{"ben": 1100, "ann": 100})
	w.wantSums(t, 1, map[string]int64{"ben": 1500})
	w.sell(t, "3", 1, at, sold("1", "ann", at, 50))
	w.wantSums(t, 4, map[string]int64{"ben": 1100, "ann": 150})
	for range 2 {
		ok(t, w.Store.RollUp(w.ctx, program, march.UnixMicro(), april.UnixMicro()))
		w.wantSums(t, 4, map[string]int64{"ben": 1100, "ann": 150})
	}
	for _, table := range []string{"sales"} {
		for _, statement := range []string{"UPDATE " + table + " SET net_minor = 1", "DELETE FROM " + table} {
			if _, err := w.Raw.ExecContext(w.ctx, statement); err == nil {
				t.Errorf("%s is not refused", statement)
			}
		}
	}
}

// wantSums holds both ways of reading a month to what everybody sold.
func (w *world) wantSums(t *testing.T, upTo int64, want map[string]int64) {
	t.Helper()
	span := run.Span{From: march.UnixMicro(), To: april.UnixMicro(), UpTo: upTo}
	for name, read := range map[string]func() (map[string]int64, error){
		"sums": func() (map[string]int64, error) {
			sums := map[string]int64{}
			return sums, w.Store.SumsOfSales(w.ctx, program, span, func(s *run.Sale) error { sums[s.SellerID] += s.NetMinor; return nil })
		},
		"lines": func() (map[string]int64, error) {
			sums := map[string]int64{}
			return sums, w.Store.LinesOfSales(w.ctx, program, span, func(s *run.Sale) error { sums[s.SellerID] += s.NetMinor; return nil })
		},
	} {
		got, err := read()
		ok(t, err)
		for seller, sum := range got {
			if sum == 0 {
				delete(got, seller)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s up to %d: %s", name, upTo, diff)
		}
	}
}

// testLateSales: changes of earlier orders are found by when they were recorded.
func testLateSales(t *testing.T, w *world) {
	at := march.Add(time.Hour)
	w.sell(t, "1", 1, at, sold("1", "ben", at, 1))
	w.sell(t, "2", 1, april.Add(time.Hour), sold("1", "ben", at, 2))     // in April
	w.sell(t, "3", 1, april.Add(-time.Hour), sold("1", "ben", at, 4))    // in March still, but after its cut-off
	w.sell(t, "4", 1, may.Add(time.Hour), sold("1", "ben", at, 8))       // in May
	w.sell(t, "5", 1, april.Add(time.Hour), sold("1", "ben", april, 16)) // of April itself
	for _, c := range []struct {
		after, upTo int64
		want        []int64
	}{{2, 5, []int64{2, 4}}, {3, 5, []int64{2}}, {2, 2, []int64{2}}, {0, 1, []int64{1}}} {
		var got []int64
		ok(t, w.Store.LateSales(w.ctx, program, run.Late{
			Before: april.UnixMicro(), From: april.UnixMicro(), To: may.UnixMicro(), AfterSeq: c.after, ToSeq: c.upTo,
		}, func(s *run.Sale) error { got = append(got, s.NetMinor); return nil }))
		if !slices.Equal(got, c.want) {
			t.Errorf("after %d up to %d: %v, want %v", c.after, c.upTo, got, c.want)
		}
	}
}

// testFirstOrders: a customer's first counted order may lie before the period, and one that was taken back is none.
func testFirstOrders(t *testing.T, w *world) {
	at, old := march.Add(time.Hour), march.Add(-time.Hour)
	of := func(s pipeline.Sale, customer string) pipeline.Sale { s.CustomerID = customer; return s }
	back := of(sold("1", "ben", old, 1), "c")
	back.Quantity, back.NetMinor, back.CV, back.QV = -1, -1, -10_000, -10_000
	w.sell(t, "1", 1, at, of(sold("1", "ben", old, 1), "a"))
	w.sell(t, "2", 1, at, of(sold("1", "ben", at, 1), "a"), of(sold("2", "ben", at, 1), "a"))
	w.sell(t, "3", 1, at, of(sold("1", "ben", at, 1), "b"))
	w.sell(t, "4", 1, at, of(sold("1", "ben", old, 1), "c"))
	w.sell(t, "4", 2, at, back)
	w.sell(t, "5", 1, at, of(sold("1", "ben", at, 1), "c"))
	w.sell(t, "6", 1, at, of(sold("1", "ben", old, 1), "d"))
	got := map[string]string{}
	ok(t, w.Store.FirstOrders(w.ctx, program, run.Span{From: march.UnixMicro(), To: april.UnixMicro(), UpTo: 9}, func(f run.FirstOrder) error {
		got[f.CustomerID] = f.Source
		return nil
	}))
	want := map[string]string{"a": source("1").String(), "b": source("3").String(), "c": source("5").String()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

// testPeopleOfPeriods: facts hold from when they are dated, and are seen from when they were recorded.
func testPeopleOfPeriods(t *testing.T, w *world) {
	yes := true
	none := ""
	ann := person("ann", "")
	ann.Country, ann.CreatedAt = "DE", march
	ben := person("ben", "ann")
	ben.CreatedAt, ben.EnrolledAt, ben.Autoship, ben.Place = march, march.Add(time.Hour), &yes, &admin.Place{Parent: "ann", Leg: 1}
	ann.Place = &admin.Place{}
	cyd := person("cyd", "ben")
	cyd.CreatedAt = april
	w.people(t, ann, ben, cyd)
	enroller := "ann"
	cyd.EnrollerID = &enroller
	moved := ben
	moved.Country = "AT"
	put := func(at time.Time, people ...admin.Distributor) error {
		_, err := w.Store.PutDistributors(w.ctx, program, people, at, true)
		return err
	}
	ok(t, put(april, cyd, moved))
	read := func(version int64, at time.Time) run.People {
		people, err := w.Store.PeopleAt(w.ctx, program, genealogy.AsOf{At: at.UnixMicro(), Version: version})
		ok(t, err)
		return people
	}
	fact := func(p run.People, id string) run.PersonFact {
		return p.Facts[slices.IndexFunc(p.Facts, func(f run.PersonFact) bool { return f.DistributorID == id })]
	}
	first := read(1, may)
	if f := fact(first, "ann"); f.Country != "DE" || f.EnrolledAt != march.UnixMicro() || f.Autoship {
		t.Errorf("ann: %+v", f)
	}
	if f := fact(first, "ben"); f.EnrolledAt != march.Add(time.Hour).UnixMicro() || !f.Autoship {
		t.Errorf("ben: %+v", f)
	}
	if len(first.Enrollers) != 0 {
		t.Errorf("version 1 knows enrollers: %+v", first.Enrollers)
	}
	wantPlaces := []run.Position{
		{PositionID: "ann", OwnerID: "ann", ValidFrom: march.UnixMicro()},
		{PositionID: "ben", OwnerID: "ben", ParentID: "ann", Leg: 1, ValidFrom: march.UnixMicro()},
	}
	if diff := cmp.Diff(wantPlaces, first.Positions); diff != "" {
		t.Error(diff)
	}
	if f := fact(read(2, march.AddDate(0, 0, 20)), "ben"); f.Country == "AT" {
		t.Error("ben's country of April is there in March")
	}
	second := read(2, may)
	if f := fact(second, "ben"); f.Country != "AT" || !f.Autoship || len(second.Enrollers) != 1 || second.Enrollers[0].ParentID != "ann" {
		t.Errorf("version 2: %+v, %+v", f, second.Enrollers)
	}
	cyd.EnrollerID = &none
	ok(t, put(may, cyd))
	if p := read(3, may); len(p.Enrollers) != 0 {
		t.Errorf("the enroller was taken back: %+v", p.Enrollers)
	}
	wantRefused(t, put, ann)
}

// wantRefused: places and enrollers that make no tree change nothing.
func wantRefused(t *testing.T, put func(time.Time, ...admin.Distributor) error, ann admin.Distributor) {
	t.Helper()
	dan := person("dan", "ben")
	dan.CreatedAt = may
	for name, spoil := range map[string]func(*admin.Distributor){
		"leg taken":       func(d *admin.Distributor) { d.Place = &admin.Place{Parent: "ann", Leg: 1} },
		"no such parent":  func(d *admin.Distributor) { d.Place = &admin.Place{Parent: "zoe"} },
		"no such enroler": func(d *admin.Distributor) { zoe := "zoe"; d.EnrollerID = &zoe },
	} {
		d := dan
		spoil(&d)
		if err := put(may, d); server.CodeOf(err) != server.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	ring := ann
	ring.Place, ring.EnrollerID = &admin.Place{Parent: "ben"}, nil
	if err := put(may, ring); server.CodeOf(err) != server.Invalid {
		t.Errorf("a ring of positions: %v", err)
	}
	cydID := "cyd"
	ring = ann
	ring.Place, ring.EnrollerID = nil, &cydID
	if err := put(may, ring); server.CodeOf(err) != server.Invalid {
		t.Errorf("a ring of enrollers: %v", err)
	}
}

// award is what one person gets by a period's component.
func award(who string, revision, minor int64) run.Settlement {
	key := ledger.Key{Source: run.SourceOf("pool", "2026-03", who), ComponentID: "pool", DistributorID: who, Kind: ledger.Earning, Currency: "EUR"}
	snapshot := fmt.Sprintf(`{"who":%q,"minor":%d}`, who, minor)
	id := hashOf(snapshot)
	postings, err := ledger.Difference(program, revision, nil, []ledger.Balance{{Key: key, AmountMinor: minor}},
		ledger.Stamp{SnapshotID: id, OrderTS: april.UnixMicro() - 1, PostedAt: april.UnixMicro()})
	if err != nil {
		panic(err)
	}
	return run.Settlement{Source: key.Source, Revision: revision, Snapshot: []byte(snapshot), Postings: postings}
}

func rankOf(who, rank string) run.Rank {
	return run.Rank{DistributorID: who, Kind: "monthly", PeriodID: "2026-03", Rank: rank, Reached: rank, Title: rank, Held: rank, MetRank: rank, Active: true, PV: 5, GV: 7}
}

// testCommit walks a period through its life: readers see all of a commit or nothing of it, whatever was interrupted.
func testCommit(t *testing.T, w *world) {
	w.withFacts(t)
	k := monthKey()
	p, err := w.Store.PeriodOf(w.ctx, k)
	if ok(t, err); p.State != run.Open {
		t.Fatalf("a period nobody touched: %+v", p)
	}
	p.From, p.To = march, april
	act := func(id string, action run.Action) run.Run {
		return run.Run{RunID: id, Kind: p.Kind, PeriodID: p.PeriodID, Action: action, At: april, Actor: "ann", Revision: p.Revision, Totals: &run.Totals{}}
	}
	p.State, p.RunID = run.Preview, "r1"
	ok(t, w.Store.RecordPreview(w.ctx, program, p, act("r1", run.ActionPreview)))
	was := p
	p.State, p.RunID, p.LockedAt, p.LockedBy, p.Pins = run.Locked, "r2", april, "ann", run.Pins{PlanHash: "h", TreeVersion: 1, SalesSequence: 2, BatchSequence: 3}
	ok(t, w.Store.Lock(w.ctx, program, was, p, act("r2", run.ActionLock)))
	wantCode(t, w.Store.Lock(w.ctx, program, was, p, act("r3", run.ActionLock)), server.Conflict)
	wantCode(t, w.Store.RecordPreview(w.ctx, program, was, act("r4", run.ActionPreview)), server.Conflict)

	begin := func(id string) run.Period {
		was, next := p, p
		next.State, next.RunID, next.Revision = run.Committing, id, p.Revision+1
		ok(t, w.Store.BeginCommit(w.ctx, program, was, next, []string{run.SourcesOf("pool", "2026-03")}))
		p = next
		return next
	}
	p = testInterrupted(t, w, begin, act)
	was, p.State, p.RunID, p.PaidAt, p.PaidBy = p, run.Paid, "p1", may, "bob"
	ok(t, w.Store.MarkPaid(w.ctx, program, was, p, act("p1", run.ActionPay)))
	testHistory(t, w)
}

// testInterrupted: a commit that died is taken up by another one, and the dead one can do no more harm.
func testInterrupted(t *testing.T, w *world, begin func(string) run.Period, act func(string, run.Action) run.Run) run.Period {
	t.Helper()
	killed := begin("c1")
	ok(t, w.Store.CommitChunk(w.ctx, program, killed, run.Chunk{
		Settlements: []run.Settlement{award("ann", 1, 100)}, Ranks: []run.Rank{rankOf("ann", "gold")},
		States: []run.StatePart{{ComponentID: "binary", State: []byte(`{"a":1}`)}},
	}))
	w.wantShown(t, 0, 0)
	taken := begin("c2")
	wantCode(t, w.Store.CommitChunk(w.ctx, program, killed, run.Chunk{}), server.Conflict)
	wantCode(t, w.Store.FinishCommit(w.ctx, program, killed, act("x", run.ActionCommit)), server.Conflict)
	ok(t, w.Store.CommitChunk(w.ctx, program, taken, run.Chunk{
		Settlements: []run.Settlement{award("ben", 1, 50)}, Ranks: []run.Rank{rankOf("ann", "gold"), rankOf("ben", "")},
		States: []run.StatePart{{ComponentID: "binary", State: []byte(`{"a":2}`)}},
	}))
	w.wantShown(t, 0, 0)
	var posted []ledger.Balance
	ok(t, w.Store.PostedOf(w.ctx, program, run.SourcesOf("pool", "2026-03"), func(b ledger.Balance, revision int64) error {
		posted = append(posted, b)
		if revision != 1 {
			t.Errorf("%s has revision %d", b.Key.Source, revision)
		}
		return nil
	}))
	if len(posted) != 2 || posted[0].AmountMinor != 100 || posted[1].Key.DistributorID != "ben" {
		t.Fatalf("the next commit finds %v", posted)
	}
	taken.CommittedAt, taken.CommittedBy = april, "ann"
	ok(t, w.Store.FinishCommit(w.ctx, program, taken, act("c2", run.ActionCommit)))
	w.wantShown(t, 2, 2)
	p, err := w.Store.PeriodOf(w.ctx, monthKey())
	if ok(t, err); p.State != run.Committed || p.CommittedBy != "ann" || p.Pins != taken.Pins || !p.From.Equal(march) {
		t.Fatalf("the period: %+v", p)
	}
	states, err := w.Store.StatesOf(w.ctx, monthKey())
	if ok(t, err); len(states) != 1 || string(states[0].State) != `{"a":2}` {
		t.Fatalf("states: %+v", states)
	}
	return p
}

// testHistory: who did what to the period is kept for ever.
func testHistory(t *testing.T, w *world) {
	t.Helper()
	runs, err := w.Store.Runs(w.ctx, monthKey())
	if ok(t, err); len(runs) != 4 {
		t.Fatalf("%d runs: %+v", len(runs), runs)
	}
	if _, err := w.Store.RunOf(w.ctx, program, "c2"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Store.RunOf(w.ctx, program, "none")
	wantCode(t, err, server.NotFound)
	for _, statement := range []string{
		`DELETE FROM periods`, `UPDATE runs SET actor = 'x'`, `DELETE FROM runs`, `UPDATE rank_history SET rank = 'x'`,
		`DELETE FROM rank_history`, `UPDATE component_states SET part = 9`, `DELETE FROM component_states`,
	} {
		if _, err := w.Raw.ExecContext(w.ctx, statement); err == nil {
			t.Errorf("%s is not refused", statement)
		}
	}
}

// wantShown holds every reader to what is committed.
func (w *world) wantShown(t *testing.T, postings, ranks int) {
	t.Helper()
	list, _, err := w.Store.Postings(w.ctx, program, query.PostingFilter{}, query.Page{})
	if ok(t, err); len(list) != postings {
		t.Errorf("the ledger shows %d postings, want %d", len(list), postings)
	}
	commissions, _, err := w.Store.Commissions(w.ctx, program, query.CommissionFilter{}, query.Page{})
	if ok(t, err); len(commissions) != postings {
		t.Errorf("%d commissions, want %d", len(commissions), postings)
	}
	if n := w.count(t, `SELECT count(*) FROM ledger`); n != int64(postings) {
		t.Errorf("the view shows %d rows, want %d", n, postings)
	}
	traces, err := w.Store.AwardsOf(w.ctx, program, []string{run.SourceOf("pool", "2026-03", "ann"), "none"})
	if ok(t, err); len(traces) != min(1, postings) {
		t.Errorf("%d traces of ann", len(traces))
	}
	count := 0
	ok(t, w.Store.RanksOf(w.ctx, monthKey(), func(run.Rank) error { count++; return nil }))
	if count != ranks {
		t.Errorf("%d ranks, want %d", count, ranks)
	}
	of, err := w.Store.RanksOfPerson(w.ctx, program, "ann")
	if ok(t, err); len(of) != min(1, ranks) || len(of) > 0 && cmp.Diff(rankOf("ann", "gold"), of[0]) != "" {
		t.Errorf("ann's ranks: %+v", of)
	}
}

// testEarnedBetween sums what orders of a span earned, as sealed by a batch.
func testEarnedBetween(t *testing.T, w *world) {
	w.withFacts(t)
	w.settle(t, w.Store, sale(source("1"), 1000), 1, map[string]int64{"ben": 50, "ann": 20})
	w.settle(t, w.Store, sale(source("2"), 1000), 1, map[string]int64{"ben": 5})
	w.settle(t, w.Store, sale(source("1"), 1000), 2, map[string]int64{"ben": 30})
	for batch, want := range map[int64]map[string]int64{1: {"ben": 50, "ann": 20}, 2: {"ben": 55, "ann": 20}, 9: {"ben": 35, "ann": 0}} {
		got := map[string]int64{}
		ok(t, w.Store.EarnedBetween(w.ctx, program, march.UnixMicro(), april.UnixMicro(), 0, batch, "2026-03", func(e run.Earned) error {
			got[e.DistributorID] = e.AmountMinor
			return nil
		}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batch %d: %s", batch, diff)
		}
	}
	late := map[string]int64{}
	ok(t, w.Store.EarnedBetween(w.ctx, program, march.UnixMicro(), april.UnixMicro(), 2, 9, "2026-04", func(e run.Earned) error {
		late[e.DistributorID] = e.AmountMinor
		return nil
	}))
	if diff := cmp.Diff(map[string]int64{"ben": -20, "ann": -20}, late); diff != "" {
		t.Errorf("after batch 2: %s", diff)
	}
	ok(t, w.Store.EarnedBetween(w.ctx, program, april.UnixMicro(), may.UnixMicro(), 0, 9, "2026-04", func(e run.Earned) error {
		t.Errorf("earned in April: %+v", e)
		return nil
	}))
}
