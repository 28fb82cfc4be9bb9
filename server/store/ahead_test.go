package store_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/store"
)

// chainWorld is one program that two processes settle.
type chainWorld struct {
	one, other *store.Store
	raw        *sql.DB
}

func newChainWorld(t *testing.T) chainWorld {
	t.Helper()
	dsn := newDatabase(t, postgresServer(t))
	c := store.Config{DatabaseURL: dsn, MaxConns: 4}
	w := chainWorld{openStore(t, c), openStore(t, c), openRaw(t, dsn)}
	check(t, w.one.CreateProgram(t.Context(), admin.Program{ProgramID: "p", Name: "p", Currency: "EUR"}))
	return w
}

// settle settles orders, each with one posting and one sale, and tells of each attempt whether it was one at once. meanwhile is called
// once, when the first attempt has read.
func (w chainWorld) settle(t *testing.T, s *store.Store, meanwhile func(), ids ...string) (atOnce []bool) {
	t.Helper()
	var sources []order.Source
	for _, id := range ids {
		sources = append(sources, orderOf(id))
	}
	check(t, s.InTx(t.Context(), "p", pipeline.Subject{Sources: sources}, func(b pipeline.Books) error {
		atOnce = append(atOnce, store.AtOnce(b))
		if meanwhile != nil {
			meanwhile()
			meanwhile = nil
		}
		var list []pipeline.Settlement
		for i, rec := range b.Sources() {
			set := pipeline.Settlement{Source: rec.Source, Outcome: pipeline.Unchanged, State: rec.State, Revision: rec.Revision}
			if rec.Revision == 0 {
				set = posting(ids[i])
				set.Pins = &pipeline.Pins{}
				set.Sales = saleOf()
			}
			list = append(list, set)
		}
		return b.Settle(t.Context(), list, nil, time.Now())
	}))
	return atOnce
}

func saleOf() []pipeline.Sale {
	return []pipeline.Sale{{LineID: "l", SellerID: "ann", CommissionClass: "a", Currency: "EUR", OrderTS: 1, Quantity: 1, NetMinor: 5}}
}

// write writes one settlement as it is.
func (w chainWorld) write(t *testing.T, s *store.Store, set pipeline.Settlement) {
	t.Helper()
	check(t, s.InTx(t.Context(), "p", pipeline.Subject{Sources: []order.Source{set.Source}}, func(b pipeline.Books) error {
		return b.Settle(t.Context(), []pipeline.Settlement{set}, nil, time.Now())
	}))
}

// anotherChain is the last of so many seals that are in no database.
func anotherChain(batches int) (last ledger.Seal) {
	for range batches {
		last, _ = ledger.Chain(last, "p", [][32]byte{{1}}, time.Now().UnixMicro())
	}
	return last
}

// sound verifies the chain, and that each of so many orders is posted once and recorded as sold once, under numbers without gaps.
func (w chainWorld) sound(t *testing.T, orders int) {
	t.Helper()
	v := ledger.NewVerifier("p")
	check(t, w.one.Seals(t.Context(), "p", func(seal ledger.Seal, postings []ledger.Posting, leaves [][32]byte) error {
		if found := v.Batch(seal, postings, leaves); len(found) > 0 {
			t.Errorf("batch %d: %v", seal.Sequence, found)
		}
		return nil
	}))
	for _, q := range []string{
		`SELECT count(*) FROM postings`, `SELECT count(DISTINCT event_id) FROM postings`, `SELECT count(*) FROM orders`,
		`SELECT count(*) FROM sales`, `SELECT count(DISTINCT source) FROM sales`,
		`SELECT max(sequence) FROM outbox`, `SELECT count(*) FROM outbox`, `SELECT max(outbox_sequence) FROM seals`,
		`SELECT (SELECT count(*) FROM orders) + max(sequence) - count(DISTINCT sequence) FROM sales`,
		`SELECT (SELECT count(*) FROM orders) + (SELECT sequence FROM sale_heads) - max(sequence) FROM sales`,
	} {
		var n int
		check(t, w.raw.QueryRowContext(t.Context(), q).Scan(&n))
		if n != orders {
			t.Errorf("%s: %d, want %d", q, n, orders)
		}
	}
}

func TestSettledAtOnce(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	for i, want := range []string{"[false]", "[true]", "[true]", "[true]"} {
		if got := fmt.Sprint(w.settle(t, w.one, nil, fmt.Sprint("a", i), fmt.Sprint("b", i))); got != want {
			t.Fatalf("batch %d: attempts at once %s, want %s", i, got, want)
		}
	}
	w.sound(t, 8)
}

// TestSettledAtOnceFindsByKey: what its connections planned while there were few orders they plan anew when there are many.
func TestSettledAtOnceFindsByKey(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	h := w.one.AtOnceHandle()
	h.SetMaxOpenConns(1)
	for batch := range 9 { // The first one is settled as usual. There are few of them, and soon many orders.
		ids := make([]string, 150*batch+1)
		for i := range ids {
			ids[i] = fmt.Sprint(batch, "-", i)
		}
		w.settle(t, w.one, nil, ids...)
	}
	scans := func() (n int) {
		t.Helper()
		for range 2 { // The first one lets the second be counted in full.
			_, err := h.ExecContext(t.Context(), `SELECT pg_stat_force_next_flush()`)
			check(t, err)
		}
		check(t, w.raw.QueryRowContext(t.Context(), `SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE relname = 'orders' AND indexrelname <> 'orders_pkey'`).Scan(&n))
		return n
	}
	before := scans()
	if got := fmt.Sprint(w.settle(t, w.one, nil, "last")); got != "[true]" {
		t.Fatalf("attempts at once: %s", got)
	}
	if after := scans(); after != before {
		t.Errorf("orders are looked for by another index than their key, %d times", after-before)
	}
}

// TestSettledAtOnceIsRefused: whatever happens between reading and writing, the batch is settled as any other, once.
func TestSettledAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ids       []string
		before    func(s *store.Store)
		meanwhile func(t *testing.T, w chainWorld)
		after     func(t *testing.T, w chainWorld)
		attempts  string
		orders    int
	}{
		"another process extends the chain": {
			ids: []string{"new"}, attempts: "[true false]", orders: 4,
			meanwhile: func(t *testing.T, w chainWorld) { w.settle(t, w.other, nil, "theirs") },
		},
		"another process settles the order": {
			ids: []string{"new"}, attempts: "[true false]", orders: 3,
			meanwhile: func(t *testing.T, w chainWorld) { w.settle(t, w.other, nil, "new") },
		},
		"another process settles one of the orders": {
			ids: []string{"new", "newer"}, attempts: "[true false]", orders: 4,
			meanwhile: func(t *testing.T, w chainWorld) { w.settle(t, w.other, nil, "newer") },
		},
		"another process parks the order": {
			ids: []string{"new"}, attempts: "[true false]", orders: 3,
			meanwhile: func(t *testing.T, w chainWorld) {
				w.write(t, w.other, pipeline.Settlement{Source: orderOf("new"), Outcome: pipeline.Parked, Reason: &pipeline.Reason{Code: "x"}})
			},
		},
		"another process records sales": {
			ids: []string{"new"}, attempts: "[true false]", orders: 4,
			meanwhile: func(t *testing.T, w chainWorld) {
				w.write(t, w.other, pipeline.Settlement{Source: orderOf("theirs"), Outcome: pipeline.Settled, Pins: &pipeline.Pins{}, Sales: saleOf()})
			},
			after: func(t *testing.T, w chainWorld) { w.write(t, w.other, posting("theirs")) },
		},
		"another chain of the same length": {
			ids: []string{"new"}, attempts: "[true false]", orders: 3,
			before: func(s *store.Store) { s.Misguess("p", anotherChain(2)) },
		},
		"a chain that has become shorter": { // as by a fail-over that lost its end
			ids: []string{"new"}, attempts: "[true false]", orders: 3,
			before: func(s *store.Store) { s.Misguess("p", anotherChain(3)) },
		},
		"an order has a row": {ids: []string{"second", "new"}, attempts: "[false]", orders: 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newChainWorld(t)
			w.settle(t, w.one, nil, "first")
			w.settle(t, w.one, nil, "second")
			if test.before != nil {
				test.before(w.one)
			}
			var meanwhile func()
			if test.meanwhile != nil {
				meanwhile = func() { test.meanwhile(t, w) }
			}
			if got := fmt.Sprint(w.settle(t, w.one, meanwhile, test.ids...)); got != test.attempts {
				t.Errorf("attempts at once: %s, want %s", got, test.attempts)
			}
			if test.after != nil {
				test.after(t, w)
			}
			w.sound(t, test.orders)
			for i := range 3 { // It is not tried again at once, and then it is.
				w.settle(t, w.one, nil, fmt.Sprint("later", i))
			}
			if got := fmt.Sprint(w.settle(t, w.one, nil, "last")); got != "[true]" {
				t.Errorf("four batches later: attempts at once %s", got)
			}
			w.sound(t, test.orders+4)
		})
	}
}

// TestSettledAtOnceByMany: processes that settle at the same time, some of the same orders, post each of them once.
func TestSettledAtOnceByMany(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	const workers, rounds = 6, 25
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			s := []*store.Store{w.one, w.other}[i%2]
			for n := range rounds {
				w.settle(t, s, nil, fmt.Sprint(n), fmt.Sprint(n, "-", i/2))
			}
		})
	}
	group.Wait()
	w.sound(t, rounds+rounds*workers/2)
}

// TestParkedIsNotSettledAtOnce: what is parked needs the locks that hold off whoever mends its cause.
func TestParkedIsNotSettledAtOnce(t *testing.T) {
	t.Parallel()
	w := newChainWorld(t)
	w.settle(t, w.one, nil, "first")
	var atOnce []bool
	check(t, w.one.InTx(t.Context(), "p", pipeline.Subject{Sources: []order.Source{orderOf("parked"), orderOf("second")}}, func(b pipeline.Books) error {
		atOnce = append(atOnce, store.AtOnce(b))
		return b.Settle(t.Context(), []pipeline.Settlement{
			{Source: orderOf("parked"), Outcome: pipeline.Parked, Reason: &pipeline.Reason{Code: "x", Detail: "y", Causes: []string{"z"}, Currency: money.Currency("EUR")}},
			posting("second"),
		}, []inbox.Finished{}, time.Now())
	}))
	if got := fmt.Sprint(atOnce); got != "[true false]" {
		t.Errorf("attempts at once: %s", got)
	}
}
