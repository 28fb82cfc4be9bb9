package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

// onBoth runs a test on each database.
func onBoth(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, openStore(t, store.Config{DataDir: blank.Dir(t), Opener: plainOpener{}}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, openStore(t, store.Config{DatabaseURL: newDatabase(t, postgresServer(t)), Opener: plainOpener{}}))
	})
}

// plainOpener opens what begins with the row's own name.
type plainOpener struct{}

func (plainOpener) Open(sealed, associated []byte) ([]byte, error) {
	plain, ours := strings.CutPrefix(string(sealed), string(associated)+"|")
	if !ours {
		return nil, errors.New("sealed for another row")
	}
	return []byte(plain), nil
}

func TestProfilesAreOpened(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.CreateProgram(ctx, admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
		sealed := func(id string) []byte {
			return append(append(admin.PersonKey("acme", id), '|'), `{"name":"Ann","email":"ann@example.org"}`...)
		}
		ann := admin.Distributor{DistributorID: "ann", Status: "active", SealedProfile: sealed("ann"), SealedTaxID: []byte("tax")}
		for i, want := range []admin.ImportSummary{{Added: 1}, {Changed: 1}} { // the tax id is sealed for no row: it counts as new
			got, err := s.PutDistributors(ctx, "acme", []admin.Distributor{ann}, time.Now(), true)
			if check(t, err); got != want {
				t.Fatalf("time %d: %+v, want %+v", i, got, want)
			}
		}
		ann.SealedTaxID = nil
		if got, err := s.PutDistributors(ctx, "acme", []admin.Distributor{ann}, time.Now(), true); err != nil || got.Unchanged != 1 {
			t.Fatalf("the same profile sealed anew: %+v, %v", got, err)
		}
		d, err := s.Distributor(ctx, "acme", "ann")
		if check(t, err); d.Name != "Ann" || d.Email != "ann@example.org" {
			t.Fatalf("%+v", d)
		}
		moved := admin.Distributor{DistributorID: "ben", Status: "active", SealedProfile: sealed("ann")}
		_, err = s.PutDistributors(ctx, "acme", []admin.Distributor{moved}, time.Now(), true)
		check(t, err)
		if _, err := s.Distributor(ctx, "acme", "ben"); err == nil {
			t.Fatal("a profile moved to another row is shown")
		}
	})
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.CreateProgram(ctx, admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
		src := order.Source{StoreID: "shop", PlatformOrderID: "1"}
		for revision, minor := range []int64{1234, -1234} {
			key := ledger.Key{Source: src.String(), LineID: "l", ComponentID: "retail", DistributorID: "ann", Kind: ledger.Earning, Currency: "EUR"}
			posting := ledger.Posting{
				ProgramID: "acme", Key: key, Revision: int64(revision + 1), From: ledger.CommissionExpense,
				To: ledger.Account("ann", ledger.StatePending), AmountMinor: minor, OrderTS: 1, PostedAt: 1,
			}
			posting.EventID = ledger.EventID("acme", key, posting.Revision)
			check(t, s.InTx(ctx, "acme", pipeline.Subject{Sources: []order.Source{src}}, func(b pipeline.Books) error {
				return b.Settle(ctx, []pipeline.Settlement{{
					Source: src, Outcome: pipeline.Settled, Revision: posting.Revision,
					Postings: []ledger.Posting{posting},
				}}, nil, time.Now())
			}))
		}
		got, err := s.Outbox(ctx, "acme", 0, 10)
		check(t, err)
		if len(got) != 2 || got[0].Sequence != 1 || got[1].Sequence != 2 || got[1].Topic != store.CommissionEvents || got[1].Key != src.String() {
			t.Fatalf("%+v", got)
		}
		var payload struct {
			OrderID  string `json:"order_id"`
			Revision int64  `json:"revision"`
			Events   []struct {
				EventID       string `json:"event_id"`
				DistributorID string `json:"distributor_id"`
				Amount        string `json:"amount"`
			} `json:"events"`
		}
		check(t, json.Unmarshal(got[1].Payload, &payload))
		if payload.OrderID != "shop/1" || payload.Revision != 2 || len(payload.Events) != 1 || payload.Events[0].Amount != "-12.34" {
			t.Fatalf("%s", got[1].Payload)
		}
		if got, err := s.Outbox(ctx, "other", 0, 10); err != nil || len(got) != 0 {
			t.Fatalf("another program reads %v, %v", got, err)
		}
		check(t, s.ForgetOutbox(ctx, "other", 2))
		check(t, s.ForgetOutbox(ctx, "acme", 1))
		if got, err := s.Outbox(ctx, "acme", 0, 10); err != nil || len(got) != 1 || got[0].Sequence != 2 {
			t.Fatalf("after the first was forgotten: %+v, %v", got, err)
		}
	})
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		runs := 0
		err := s.Write(ctx, "", func(context.Context, *sqlx.Tx) error { runs++; return store.ErrAgain })
		if server.CodeOf(err) != server.Unavailable || runs != store.MaxAttempts {
			t.Fatalf("%d runs, then %v", runs, err)
		}
		runs = 0
		err = s.Write(ctx, "", func(context.Context, *sqlx.Tx) error {
			if runs++; runs < 3 {
				return store.ErrAgain
			}
			return nil
		})
		if err != nil || runs != 3 {
			t.Fatalf("%d runs, then %v", runs, err)
		}
		nested := func(ctx context.Context, _ *sqlx.Tx) error {
			return s.Write(ctx, "", func(context.Context, *sqlx.Tx) error { return nil })
		}
		if err := s.Write(ctx, "", nested); err == nil {
			t.Fatal("a transaction within a transaction")
		}
		gone, cancel := context.WithCancel(ctx)
		err = s.Write(gone, "", func(ctx context.Context, tx *sqlx.Tx) error {
			cancel()
			_, err := tx.ExecContext(ctx, `SELECT 1`)
			return err
		})
		if !errors.Is(err, context.Canceled) || server.CodeOf(err) == server.Unavailable {
			t.Fatalf("the caller has gone: %v", err)
		}
		check(t, s.Ping(ctx))
		check(t, s.Close())
		if _, _, err := s.Orders(ctx, "acme", query.OrderFilter{}, query.Page{}); err == nil {
			t.Fatal("a closed database answers")
		}
	})
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data with blank, # and ?")
	s := openStore(t, store.Config{DataDir: dir})
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "recursive_triggers": "1", "busy_timeout": "5000",
	} {
		var got string
		if check(t, s.Writer().Get(&got, "PRAGMA "+pragma)); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	if _, err := s.Reader().Exec(`CREATE TABLE x (y)`); err == nil {
		t.Error("the reading handle writes")
	}
	info, err := os.Stat(filepath.Join(dir, "upline.db"))
	if check(t, err); info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v", info.Mode())
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]store.Config{
		"no place": {}, "mysql": {DatabaseURL: "mysql://root:geheim@localhost/x"}, "not a URL": {DatabaseURL: "postgres://ro ot:geheim@%zz/x"},
		"nobody listens": {DatabaseURL: "postgres://root:geheim@127.0.0.1:1/x?sslmode=disable"},
	} {
		_, err := store.Open(t.Context(), c)
		if err == nil {
			t.Errorf("%s: it opens", name)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := map[string]func(t *testing.T) store.Config{
		"sqlite": func(*testing.T) store.Config { return store.Config{DataDir: dir} },
		"postgres": func(t *testing.T) store.Config {
			url, drop, err := store.Scratch(t.Context(), postgresServer(t))
			check(t, err)
			t.Cleanup(func() { check(t, drop(context.WithoutCancel(t.Context()))) })
			return store.Config{DatabaseURL: url}
		},
	}
	for name, config := range empty {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, ctx := config(t), t.Context()
			pending, err := store.Pending(ctx, c)
			if check(t, err); len(pending) == 0 || pending[0] != "00001_init.sql" {
				t.Fatalf("an empty database lacks %v", pending)
			}
			if name == "postgres" {
				if _, err := store.Open(ctx, c); err == nil || !strings.Contains(err.Error(), `run "upline migrate"`) {
					t.Fatalf("an empty database is served: %v", err)
				}
			}
			applied := make(chan []string, 2) // two servers started at once
			for range 2 {
				go func() {
					list, err := store.Migrate(ctx, c)
					if err != nil {
						t.Error(err)
					}
					applied <- list
				}()
			}
			if all := append(<-applied, <-applied...); !cmp.Equal(all, pending) {
				t.Fatalf("%v was applied, want %v once", all, pending)
			}
			if again, err := store.Migrate(ctx, c); err != nil || len(again) != 0 {
				t.Fatalf("a second time: %v, %v", again, err)
			}
			s := openStore(t, c)
			if programs, err := s.Programs(ctx); err != nil || len(programs) != 0 {
				t.Fatalf("%v, %v", programs, err)
			}
			makeNewer(t, c, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`)
			if again, err := store.Migrate(ctx, c); err != nil || len(again) != 0 {
				t.Fatalf("beside a newer program's migration: %v, %v", again, err)
			}
			if programs, err := openStore(t, c).Programs(ctx); err != nil || len(programs) != 0 {
				t.Fatalf("beside a newer program's migration: %v, %v", programs, err)
			}
			makeNewer(t, c, `UPDATE installation SET value = '9999' WHERE name = 'schema_floor'`)
			for what, f := range map[string]func() error{
				"serve":   func() error { _, err := store.Open(ctx, c); return err },
				"migrate": func() error { _, err := store.Migrate(ctx, c); return err },
			} {
				if err := f(); err == nil || !strings.Contains(err.Error(), "newer") {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// makeNewer does what a later version's migration would.
func makeNewer(t *testing.T, c store.Config, statement string) {
	t.Helper()
	if c.DatabaseURL != "" {
		_, err := openRaw(t, c.DatabaseURL).Exec(statement)
		check(t, err)
		return
	}
	_, err := openStore(t, c).Writer().Exec(statement)
	check(t, err)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
