package store_test

import (
	"strings"
	"testing"
	"time"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/store"
)

// TestTheChainIsWaitedForLast: whoever waits for a program's chain has written what comes before it, so that the chain is held for no
// longer than what it numbers takes.
func TestTheChainIsWaitedForLast(t *testing.T) {
	t.Parallel()
	dsn := newDatabase(t, postgresServer(t))
	s := openStore(t, store.Config{DatabaseURL: dsn, MaxConns: 4})
	check(t, s.CreateProgram(t.Context(), admin.Program{ProgramID: "p", Name: "p", Currency: "EUR"}))
	raw := openRaw(t, dsn)
	_, err := raw.ExecContext(t.Context(), `INSERT INTO inbox_state (delivery_id, program_id, status, result, reason, source, attempt, received_at,
		due_at, lease_until, settled_at) VALUES ('d2', 'p', 'waiting', '', '', '', 0, 0, 0, 0, 0)`)
	check(t, err)
	holds, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		ended <- s.InTx(t.Context(), "p", pipeline.Subject{Sources: []order.Source{orderOf("1")}}, func(b pipeline.Books) error {
			err := b.Settle(t.Context(), []pipeline.Settlement{posting("1")}, nil, time.Now())
			close(holds)
			<-release
			return err
		})
	}()
	<-holds
	go func() {
		ended <- s.InTx(t.Context(), "p", pipeline.Subject{Sources: []order.Source{orderOf("2")}}, func(b pipeline.Books) error {
			set := posting("2")
			set.Deliveries = []inbox.Finished{{DeliveryID: "d2", Status: inbox.Done, Result: "settled", At: time.Now()}}
			return b.Settle(t.Context(), []pipeline.Settlement{set}, nil, time.Now())
		})
	}()
	for waits, end := 0, time.Now().Add(time.Minute); waits == 0; time.Sleep(time.Millisecond) {
		check(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waits))
		if time.Now().After(end) {
			close(release)
			t.Fatal("nobody waits for the chain")
		}
	}
	_, err = raw.ExecContext(t.Context(), `SELECT FROM inbox_state WHERE delivery_id = 'd2' FOR UPDATE NOWAIT`)
	close(release)
	if err == nil || !strings.Contains(err.Error(), "could not obtain lock") {
		t.Errorf("the delivery is not ended yet while the chain is waited for: %v", err)
	}
	check(t, <-ended)
	check(t, <-ended)
}

func orderOf(id string) order.Source { return order.Source{StoreID: "s", PlatformOrderID: id} }

// posting settles a new order with one posting.
func posting(id string) pipeline.Settlement {
	key := ledger.Key{Source: orderOf(id).String(), LineID: "l", ComponentID: "c", DistributorID: "ann", Kind: ledger.Earning, Currency: "EUR"}
	return pipeline.Settlement{Source: orderOf(id), Outcome: pipeline.Settled, Revision: 1, Postings: []ledger.Posting{{
		ProgramID: "p", EventID: ledger.EventID("p", key, 1), Key: key, Revision: 1, From: ledger.CommissionExpense,
		To: ledger.Account("ann", ledger.StatePending), AmountMinor: 1, OrderTS: 1, PostedAt: 1,
	}}}
}
