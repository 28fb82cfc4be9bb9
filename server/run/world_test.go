package run_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/run"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

const (
	program = "acme"
	shop    = "acme-shop"
)

// monthly pays everybody's own customers by rank, three levels of it upwards, and a pool for silver.
const monthly = `{"name":"monthly","effective_from":"2026-01-01T00:00:00Z","currency":"EUR","ranks":["member","silver","gold"],
"volume":{"money":{"EUR":"1"}},"periods":{"grace_days":2,"late":"%s"},
"qualification":{"period":"monthly","active":{"pv":">= 10"},"ranks":[
 {"rank":"silver","requires":{"gv":">= 300"}},{"rank":"gold","requires":{"all":[{"gv":">= 1000"},{"legs":{"rank":"silver","count":">= 1"}}]}}]},
"components":[
 {"id":"direct","type":"retail","period":"monthly","base":"cv","rates":[{"rate":"10%%"},{"rank":"silver","rate":"12%%"},{"rank":"gold","rate":"15%%"}]},
 {"id":"levels","type":"unilevel","period":"monthly","base":"cv","compression":"dynamic","rates":[{"levels":["5%%"]},{"rank":"silver","levels":["5%%","3%%"]},{"rank":"gold","levels":["5%%","3%%","1%%"]}]}%s]}`

// company is one program in a database of its own, with a clock that tests set.
type company struct {
	store *store.Store
	run   *run.Service
	now   time.Time
	dir   string
	plan  *plan.Plan
	sold  map[string][]pipeline.Sale // by order: what it counts for now
}

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 12, 0, 0, 0, time.UTC) }

// newCompany is ann over ben over cyd over dan, in a database.
func newCompany(t testing.TB, late, more string) *company {
	t.Helper()
	c := &company{dir: blank.Dir(t), sold: map[string][]pipeline.Sale{}, now: day(1, 1)}
	c.open(t)
	ctx := t.Context()
	check(t, c.store.CreateProgram(ctx, admin.Program{ProgramID: program, Name: program, Currency: "EUR", TimeZone: "UTC"}))
	check(t, c.store.CreateStore(ctx, admin.Store{StoreID: shop, ProgramID: program, Platform: order.Custom, Domain: shop, Currency: "EUR"}))
	c.publish(t, fmt.Sprintf(monthly, late, more))
	c.people(t, admin.Distributor{DistributorID: "ann"}, admin.Distributor{DistributorID: "ben", SponsorID: "ann"},
		admin.Distributor{DistributorID: "cyd", SponsorID: "ben"}, admin.Distributor{DistributorID: "dan", SponsorID: "cyd"})
	return c
}

func (c *company) open(t testing.TB) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{DataDir: c.dir, Clock: func() time.Time { return c.now }})
	check(t, err)
	t.Cleanup(func() { _ = s.Close() })
	c.store = s
	c.run = &run.Service{Books: s, Clock: func() time.Time { return c.now }, Actor: "test", TempDir: c.dir}
}

func (c *company) publish(t testing.TB, document string) {
	t.Helper()
	p, err := plan.Parse([]byte(document))
	check(t, err)
	check(t, c.store.PublishPlan(t.Context(), program, p, p.Canonical()))
	c.plan = p
}

func (c *company) people(t testing.TB, people ...admin.Distributor) {
	t.Helper()
	for i := range people {
		if people[i].Status == "" {
			people[i].Status = genealogy.Active
		}
	}
	_, err := c.store.PutDistributors(t.Context(), program, people, c.now, true)
	check(t, err)
}

// sell says what an order counts for as of now: cv points of one line, credited to seller. Zero takes all of it back.
func (c *company) sell(t testing.TB, id, seller string, at time.Time, cv int64) {
	t.Helper()
	src := order.Source{StoreID: shop, PlatformOrderID: id}
	want := pipeline.Sale{
		LineID: "1", SellerID: seller, CustomerID: shop + "/" + id, CommissionClass: "goods", Currency: "EUR", OrderTS: at.UnixMicro(),
		Quantity: 1, NetMinor: cv * 100, CV: money.Volume(cv * 1_000_000), QV: money.Volume(cv * 1_000_000),
	}
	check(t, c.store.InTx(t.Context(), program, pipeline.Subject{Sources: []order.Source{src}}, func(b pipeline.Books) error {
		rec := b.Sources()[0]
		change := want
		for _, old := range rec.Sales {
			change.Quantity, change.NetMinor = change.Quantity-old.Quantity, change.NetMinor-old.NetMinor
			change.CV, change.QV = change.CV-old.CV, change.QV-old.QV
		}
		if cv == 0 {
			change.Quantity--
		}
		o := order.Order{Source: src, Platform: order.Custom, OrderTS: at, Currency: "EUR", Status: order.Paid}
		r := order.Revision{Source: src, Channel: order.API, Kind: order.Snapshot, Version: order.Version{Updated: c.now.UnixMicro()}, Order: &o}
		state, err := order.Merge(rec.State, r)
		if err != nil {
			return err
		}
		return b.Settle(t.Context(), []pipeline.Settlement{{
			Source: src, Platform: order.Custom, State: state, Outcome: pipeline.Settled, Order: &o, Pins: &pipeline.Pins{}, Sales: []pipeline.Sale{change},
		}}, nil, c.now)
	}))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code server.Code) {
	t.Helper()
	if err == nil || server.CodeOf(err) != code {
		t.Fatalf("error %v has code %q, want %q", err, server.CodeOf(err), code)
	}
}

// close locks and commits a month.
func (c *company) close(t testing.TB, month string) *run.Outcome {
	t.Helper()
	_, err := c.run.Lock(t.Context(), program, "monthly", month, false)
	check(t, err)
	out, err := c.run.Commit(t.Context(), program, "monthly", month)
	check(t, err)
	return out
}

// earned is what everybody has in the ledger, in minor units, as readers see it.
func (c *company) earned(t testing.TB) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	for after := ""; ; {
		list, next, err := c.store.Postings(t.Context(), program, query.PostingFilter{Kind: "earning"}, query.Page{Limit: 200, After: after})
		check(t, err)
		for _, p := range list {
			sums[p.DistributorID] += p.AmountMinor
		}
		if after = next; after == "" {
			return sums
		}
	}
}

func (c *company) wantEarned(t testing.TB, want map[string]int64) {
	t.Helper()
	if diff := cmp.Diff(want, c.earned(t)); diff != "" {
		t.Fatalf("earned (-want +got)\n%s", diff)
	}
}

// earn settles an order so that it has paid somebody by a component per order, as of now.
func (c *company) earn(t testing.TB, id, who, component string, at time.Time, minor int64) {
	t.Helper()
	src := order.Source{StoreID: shop, PlatformOrderID: id}
	check(t, c.store.InTx(t.Context(), program, pipeline.Subject{Sources: []order.Source{src}}, func(b pipeline.Books) error {
		rec := b.Sources()[0]
		key := ledger.Key{Source: src.String(), LineID: "1", ComponentID: component, DistributorID: who, Kind: ledger.Earning, Currency: "EUR"}
		postings, err := ledger.Difference(program, rec.Revision+1, rec.Posted, []ledger.Balance{{Key: key, AmountMinor: minor}},
			ledger.Stamp{OrderTS: at.UnixMicro(), PostedAt: c.now.UnixMicro()})
		if err != nil {
			return err
		}
		o := order.Order{Source: src, Platform: order.Custom, OrderTS: at, Currency: "EUR", Status: order.Paid}
		r := order.Revision{Source: src, Channel: order.API, Kind: order.Snapshot, Version: order.Version{Updated: c.now.UnixMicro()}, Order: &o}
		state, err := order.Merge(rec.State, r)
		if err != nil {
			return err
		}
		return b.Settle(t.Context(), []pipeline.Settlement{{
			Source: src, Platform: order.Custom, State: state, Outcome: pipeline.Settled, Order: &o, Pins: &pipeline.Pins{},
			Postings: postings, Revision: rec.Revision + 1,
		}}, nil, c.now)
	}))
}
