package store_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
)

// ownOrders is how many orders the one distributor has.
const ownOrders = 100_000

// BenchmarkOwn reads what one distributor with 100,000 orders has, and the newest page of it: the first time, when nothing is kept
// of it, and again. UPLINE_BENCH_POSTGRES names an empty database to measure on PostgreSQL.
func BenchmarkOwn(b *testing.B) {
	c := store.Config{DataDir: b.TempDir()}
	if dsn := os.Getenv("UPLINE_BENCH_POSTGRES"); dsn != "" {
		c = store.Config{DatabaseURL: dsn}
	}
	_, err := store.Migrate(b.Context(), c)
	check(b, err)
	s, err := store.Open(b.Context(), c)
	check(b, err)
	defer func() { _ = s.Close() }()
	check(b, s.CreateProgram(b.Context(), admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
	settleMany(b, s)
	month := time.Now().AddDate(0, 0, -1)
	look := func(b *testing.B) {
		b.Helper()
		list, err := s.BalancesOf(b.Context(), "acme", "D", month)
		check(b, err)
		if len(list) != 1 || list[0].PendingMinor != 5*ownOrders || list[0].SinceMinor != 5*ownOrders {
			b.Fatalf("%+v", list)
		}
		_, _, err = s.Commissions(b.Context(), "acme", query.CommissionFilter{DistributorID: "D"}, query.Page{Limit: 25})
		check(b, err)
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			forget(b, s)
			b.StartTimer()
			look(b)
		}
	})
	b.Run("again", func(b *testing.B) {
		time.Sleep(time.Second) // it is kept beside the answer
		for b.Loop() {
			look(b)
		}
	})
}

// forget takes away what was kept.
func forget(b *testing.B, s *store.Store) {
	b.Helper()
	time.Sleep(100 * time.Millisecond)
	check(b, s.Write(b.Context(), "acme", func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM distributor_sums WHERE program_id = 'acme'`)
		return err
	}))
}

func settleMany(b *testing.B, s *store.Store) {
	b.Helper()
	const batch = 500
	for first := 0; first < ownOrders; first += batch {
		sources := make([]order.Source, batch)
		sets := make([]pipeline.Settlement, batch)
		for i := range sources {
			sources[i] = order.Source{StoreID: "shop", PlatformOrderID: fmt.Sprint(first + i)}
			key := ledger.Key{Source: sources[i].String(), LineID: "1", ComponentID: "c", DistributorID: "D", Kind: ledger.Earning, Currency: "EUR"}
			sets[i] = pipeline.Settlement{Source: sources[i], Outcome: pipeline.Settled, Revision: 1, Postings: []ledger.Posting{{
				EventID: ledger.EventID("acme", key, 1), ProgramID: "acme", Key: key, Revision: 1, From: ledger.CommissionExpense,
				To: ledger.Account("D", ledger.StatePending), AmountMinor: 5, OrderTS: 1, PostedAt: time.Now().UnixMicro(),
			}}}
		}
		check(b, s.InTx(b.Context(), "acme", pipeline.Subject{Sources: sources}, func(books pipeline.Books) error {
			return books.Settle(b.Context(), sets, nil, time.Now())
		}))
	}
}
