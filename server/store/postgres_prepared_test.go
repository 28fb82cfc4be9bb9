package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/store"
)

// oneConnection is a store that has program p and one connection, so that what is prepared can be looked at.
func oneConnection(t *testing.T) (s *store.Store, dsn string) {
	t.Helper()
	dsn = newDatabase(t, postgresServer(t))
	s = openStore(t, store.Config{DatabaseURL: dsn, MaxConns: 1})
	if err := s.CreateProgram(t.Context(), admin.Program{ProgramID: "p", Name: "p", Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	return s, dsn
}

// TestPreparedStatements: what settling runs is prepared once on a connection, takes no second one for that, and is prepared again where
// the server ended the connection.
func TestPreparedStatements(t *testing.T) {
	t.Parallel()
	s, dsn := oneConnection(t)
	try := func() error {
		source := []order.Source{{StoreID: "s", PlatformOrderID: "1"}}
		return s.InTx(t.Context(), "p", pipeline.Subject{Sources: source}, func(b pipeline.Books) error { return b.Settle(t.Context(), nil, nil, time.Now()) })
	}
	settle := func() {
		t.Helper()
		if err := try(); err != nil {
			t.Fatal(err)
		}
	}
	prepared := func() (n int) {
		t.Helper()
		if err := s.Writer().GetContext(t.Context(), &n, `SELECT count(*) FROM pg_prepared_statements`); err != nil {
			t.Fatal(err)
		}
		return n
	}
	settle()
	settle()
	first := prepared()
	if first == 0 { // the locks and the orders
		t.Error("no statement is prepared")
	}
	settle()
	if again := prepared(); again != first {
		t.Errorf("%d statements are prepared after one more transaction, %d before it", again, first)
	}
	raw := openRaw(t, dsn)
	if _, err := raw.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	if err := try(); err != nil && server.CodeOf(err) != server.Unavailable { // whether the end of a connection is seen before it is used is the network's
		t.Fatal(err)
	}
	settle()
	if again := prepared(); again != first {
		t.Errorf("%d statements are prepared on the new connection, want %d", again, first)
	}
}

// TestOpeningFindsByKey: what a settlement reads first is found by keys, by plans that a connection made while the tables were empty.
func TestOpeningFindsByKey(t *testing.T) {
	t.Parallel()
	s, _ := oneConnection(t)
	about := pipeline.Subject{
		Sources: []order.Source{{StoreID: "s", PlatformOrderID: "1"}}, Customers: []pipeline.Customer{{StoreID: "s", CustomerID: "c1"}},
		Checkouts: []pipeline.Checkout{{StoreID: "s", Key: "k1"}},
	}
	look := func() {
		t.Helper()
		if err := s.InTx(t.Context(), "p", about, func(pipeline.Books) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	look()
	if err := s.Fill(t.Context(), "p", store.Filling{Orders: 500, People: 5, SKUs: 3}, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	for _, fill := range []string{
		`SELECT set_config('upline.program', 'p', false)`,
		`INSERT INTO customer_bindings (program_id, store_id, customer_id, distributor_id, source, bound_at, recorded_at)
			SELECT 'p', 's', 'c' || i, 'd', 's', i, i FROM generate_series(1, 2000) AS i`,
		`INSERT INTO stated_bindings (program_id, version, store_id, customer_id, kind, distributor_id, valid_from, recorded_at)
			SELECT 'p', 0, 's', 'c' || i, 'self', 'd', i, i FROM generate_series(1, 2000) AS i`,
		`INSERT INTO reference_hints (program_id, store_id, checkout, reference, received_at)
			SELECT 'p', 's', 'k' || i, 'r', i FROM generate_series(1, 2000) AS i`,
	} {
		if _, err := s.Writer().ExecContext(t.Context(), fill); err != nil {
			t.Fatal(err)
		}
	}
	look()
	var source string
	if err := s.Writer().GetContext(t.Context(), &source, `SELECT source FROM orders ORDER BY source LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	inTx(t, s, func(tx *sqlx.Tx) error {
		var facts, scanned []string
		err := tx.SelectContext(t.Context(), &facts, `SELECT fact FROM upline_open_orders('p', '{}', ARRAY[$1], '{s}', '{c1}', '{s}', '{k1}')
			ORDER BY fact`, source)
		if err != nil || fmt.Sprint(facts) != "[bound hint order program stated]" {
			return fmt.Errorf("found %v: %w", facts, err)
		}
		if err := tx.SelectContext(t.Context(), &scanned, `SELECT relname FROM pg_stat_xact_user_tables
			WHERE relname IN ('orders', 'customer_bindings', 'stated_bindings', 'reference_hints') AND (seq_scan > 0 OR idx_tup_fetch > 10)`); err != nil {
			return err
		}
		if len(scanned) > 0 {
			t.Errorf("gone through for one key: %v", scanned)
		}
		return nil
	})
}

// TestEndsAreFoundByKey: to end a few deliveries a settlement does not go through all that have arrived, though a planner that has not
// counted them yet expects less work of that.
func TestEndsAreFoundByKey(t *testing.T) {
	t.Parallel()
	s, _ := oneConnection(t)
	if _, err := s.Writer().ExecContext(t.Context(), `INSERT INTO inbox_state (delivery_id, program_id, status, result, reason, source, attempt,
		received_at, due_at, lease_until, settled_at) SELECT 'd' || i, 'p', 'waiting', '', '', '', 0, i, 0, 0, 0 FROM generate_series(1, 3000) AS i`); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what the first has run is prepared for the second
		ended := []inbox.Finished{{DeliveryID: "d1", Status: inbox.Done, Result: "ignored", At: time.Now()}}
		if err := s.InTx(t.Context(), "p", pipeline.Subject{}, func(b pipeline.Books) error { return b.Settle(t.Context(), nil, ended, time.Now()) }); err != nil {
			t.Fatal(err)
		}
	}
	var plan []string
	inTx(t, s, func(tx *sqlx.Tx) error {
		var name string
		if err := tx.GetContext(t.Context(), &name, `SELECT name FROM pg_prepared_statements WHERE statement LIKE '%UPDATE inbox_state%'`); err != nil {
			return err
		}
		if _, err := tx.ExecContext(t.Context(), `SELECT FROM upline_lock_orders('p', '{}')`); err != nil {
			return err
		}
		return tx.SelectContext(t.Context(), &plan, fmt.Sprintf(`EXPLAIN (COSTS OFF) EXECUTE "%s"('{}', '{}', '{}', '{}', '{}', '{}')`, name))
	})
	if text := strings.Join(plan, "\n"); !strings.Contains(text, "using inbox_state_pkey on inbox_state") {
		t.Errorf("deliveries are not found by their key:\n%s", text)
	}
}

// TestWaitingAreFoundByKey: what word came of is found by a statement that is planned once, by its key, and not by way of the index of all
// that waits, which a planner takes for small and which holds what has ended until it is cleaned.
func TestWaitingAreFoundByKey(t *testing.T) {
	t.Parallel()
	s, _ := oneConnection(t)
	for _, fill := range []string{
		`INSERT INTO inbox_state (delivery_id, program_id, status, result, reason, source, attempt, received_at, due_at, lease_until, settled_at)
			SELECT 'd' || i, 'p', CASE WHEN i % 100 = 0 THEN 'waiting' ELSE 'done' END, '', '', '', 0, i, 0, 0, 0 FROM generate_series(1, 3000) AS i`,
		`INSERT INTO inbox (program_id, delivery_id, store_id, platform_delivery_id, platform, topic, headers_json, body_sha256, body_bytes, received_at)
			SELECT 'p', 'd' || i, 's', 'd' || i, 'shopify', 't', '{}', sha256(''), 0, i FROM generate_series(1, 3000) AS i`,
	} {
		if _, err := s.Writer().ExecContext(t.Context(), fill); err != nil {
			t.Fatal(err)
		}
	}
	h := s.AtOnceHandle()
	h.SetMaxOpenConns(1)
	for range 3 {
		rows, err := s.WaitingDeliveries(t.Context(), time.Now(), []string{"d1", "d100", "d200"})
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d deliveries are found waiting (%v), want 2", len(rows), err)
		}
	}
	var kept []struct {
		Name    string `db:"name"`
		Generic int    `db:"generic_plans"`
	}
	if err := h.SelectContext(t.Context(), &kept, `SELECT name, generic_plans FROM pg_prepared_statements WHERE statement LIKE '%FROM inbox_state%'`); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 1 || kept[0].Generic != 3 {
		t.Fatalf("statements kept, and how often they were run as planned before: %v", kept)
	}
	var plan []string
	if err := h.SelectContext(t.Context(), &plan, fmt.Sprintf(`EXPLAIN (COSTS OFF) EXECUTE "%s"('{d1,d2,d3}', 0)`, kept[0].Name)); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(plan, "\n")
	if !strings.Contains(text, "using inbox_state_pkey") || !strings.Contains(text, "using inbox_pkey") {
		t.Errorf("deliveries are not found by their key:\n%s", text)
	}
}

func inTx(t *testing.T, s *store.Store, f func(tx *sqlx.Tx) error) {
	t.Helper()
	tx, err := s.Writer().BeginTxx(t.Context(), nil)
	if err == nil {
		err = errors.Join(f(tx), tx.Rollback())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlannedAnew: after some transactions a connection plans all anew, as the tables have grown.
func TestPlannedAnew(t *testing.T) {
	t.Parallel()
	s, _ := oneConnection(t)
	planned := func(transactions int) (generation string) {
		t.Helper()
		for range transactions {
			source := []order.Source{{StoreID: "s", PlatformOrderID: "1"}}
			if err := s.InTx(t.Context(), "p", pipeline.Subject{Sources: source}, func(b pipeline.Books) error { return b.Settle(t.Context(), nil, nil, time.Now()) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Writer().GetContext(t.Context(), &generation, `SELECT coalesce(current_setting('upline.planned', true), '')`); err != nil {
			t.Fatal(err)
		}
		return generation
	}
	for _, c := range []struct {
		transactions int
		want         string
	}{{3, ""}, {store.PlanAnew, "1"}, {store.PlanAnew, "1"}, {store.PlanAnew * store.PlanAnewTimes, "2"}} {
		if got := planned(c.transactions); got != c.want {
			t.Errorf("after %d transactions more the connection has planned generation %q, want %q", c.transactions, got, c.want)
		}
	}
}
