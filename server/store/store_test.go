package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, openSQLite)
}

// openSQLite gives a database of the test's own.
func openSQLite(t *testing.T) storetest.Opened {
	dir := t.TempDir()
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "upline.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return storetest.Opened{
		Store:   openStore(t, store.Config{DataDir: dir}),
		Another: func(t *testing.T) storetest.Store { return openStore(t, store.Config{DataDir: dir}) },
		Raw:     raw,
		Unprotect: []string{
			`DROP TRIGGER postings_no_update`, `DROP TRIGGER postings_no_delete`, `DROP TRIGGER settlements_no_update`,
		},
		Forbidden: []string{
			`INSERT OR REPLACE INTO %s SELECT * FROM %s`,
			`INSERT OR REPLACE INTO %s SELECT * FROM %s LIMIT 1`,
			`REPLACE INTO %s SELECT * FROM %s`,
			`INSERT OR IGNORE INTO %s SELECT * FROM %s`,
			`UPDATE OR REPLACE %s SET %c = %c + 1`,
		},
	}
}

func openStore(t *testing.T, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
