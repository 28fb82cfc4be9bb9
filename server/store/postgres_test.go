package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	storetest.Run(t, func(t *testing.T) storetest.Opened { return openPostgres(t, newDatabase(t, server)) })
}

// postgresServer is the server tests may make databases on. Where there is none a test says so; where there must be
// one, it fails.
func postgresServer(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("UPLINE_TEST_POSTGRES")
	if dsn == "" {
		const missing = "no PostgreSQL: set UPLINE_TEST_POSTGRES to a superuser's URL of a private server"
		if os.Getenv("UPLINE_REQUIRE_SERVERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return dsn
}

var (
	template     string
	templateOnce sync.Once
	errTemplate  error
	databases    atomic.Int64
)

// newDatabase copies a migrated template, which takes a tenth of migrating.
func newDatabase(t *testing.T, server string) string {
	t.Helper()
	templateOnce.Do(func() {
		template = fmt.Sprintf("upline_template_%d", os.Getpid())
		if errTemplate = administer(server, `CREATE DATABASE `+template); errTemplate == nil {
			_, errTemplate = store.Migrate(context.Background(), store.Config{DatabaseURL: withDatabase(server, template)})
		}
	})
	if errTemplate != nil {
		t.Fatal(errTemplate)
	}
	name := fmt.Sprintf("upline_test_%d_%d", os.Getpid(), databases.Add(1))
	if err := administer(server, `CREATE DATABASE `+name+` TEMPLATE `+template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := administer(server, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return withDatabase(server, name)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if template != "" {
		if err := administer(os.Getenv("UPLINE_TEST_POSTGRES"), `DROP DATABASE IF EXISTS `+template+` WITH (FORCE)`); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func administer(server, statement string) error {
	db, err := sql.Open("postgres", server)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(context.Background(), statement)
	return err
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	u.Path = "/" + name
	return u.String()
}

func openRaw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func openPostgres(t *testing.T, dsn string) storetest.Opened {
	return storetest.Opened{
		Store: openStore(t, store.Config{DatabaseURL: dsn, MaxConns: 8}),
		Another: func(t *testing.T) storetest.Store {
			return openStore(t, store.Config{DatabaseURL: dsn, MaxConns: 8})
		},
		Raw:         openRaw(t, dsn),
		BodiesApart: true,
		Unprotect: []string{
			`ALTER TABLE postings DISABLE TRIGGER postings_no_change`, `ALTER TABLE settlements DISABLE TRIGGER settlements_no_change`,
			`ALTER TABLE seals DISABLE TRIGGER seals_no_change`, `ALTER TABLE order_revisions DISABLE TRIGGER order_revisions_no_change`,
			`ALTER TABLE sales DISABLE TRIGGER sales_no_change`,
		},
		Forbidden: []string{
			`TRUNCATE %s`,
			`TRUNCATE %s CASCADE`,
			`SET session_replication_role = replica; UPDATE %s SET %c = %c + 1`,
			`SET session_replication_role = replica; DELETE FROM %s`,
			`SET session_replication_role = replica; TRUNCATE %s`,
			`INSERT INTO %s SELECT * FROM %s`,
			`MERGE INTO %s t USING (SELECT * FROM %s) s ON t.program_id = s.program_id WHEN MATCHED THEN UPDATE SET %c = t.%c + 1`,
		},
	}
}
