package store_test

import (
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/store"
)

// TestPreparedStatements: what settling runs is prepared once on a connection, takes no second one for that, and is prepared again where
// the server ended the connection.
func TestPreparedStatements(t *testing.T) {
	t.Parallel()
	dsn := newDatabase(t, postgresServer(t))
	s := openStore(t, store.Config{DatabaseURL: dsn, MaxConns: 1})
	if err := s.CreateProgram(t.Context(), admin.Program{ProgramID: "p", Name: "p", Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	try := func() error {
		source := []order.Source{{StoreID: "s", PlatformOrderID: "1"}}
		return s.InTx(t.Context(), "p", source, func(b pipeline.Books) error { return b.Settle(t.Context(), nil, nil, time.Now()) })
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
	if first < 2 { // the versions and the orders
		t.Errorf("%d statements are prepared", first)
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
