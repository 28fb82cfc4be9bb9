package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
)

// TestTheLogIsBegunAnew: under writes, the write-ahead log is copied beside them and begun anew, so that it stays short;
// nothing of what was committed is missing.
func TestTheLogIsBegunAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c := s.dialect.(*embedded).checkpoints
	write := func(statement string, args ...any) {
		t.Helper()
		err := s.write(t.Context(), "", func(ctx context.Context, tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, statement, args...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write(`CREATE TABLE filler (n INTEGER PRIMARY KEY, bytes TEXT)`)
	const rows, pagesEach, pageBytes = 60, 200, 4096
	text := strings.Repeat("x", pagesEach*pageBytes)
	restarts := 0
	for n, last := 0, 0; n < rows; n++ {
		write(`INSERT INTO filler VALUES ($1, $2)`, n, text)
		pages, _, err := c.checkpoint(t.Context(), "NOOP")
		if err != nil {
			t.Fatal(err)
		}
		if pages < last {
			restarts++
		}
		last = pages
		if pages >= restartPages {
			if err := c.look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if restarts == 0 {
		t.Error("the log was never begun anew")
	}
	if info, err := os.Stat(filepath.Join(dir, databaseFile+"-wal")); err != nil || info.Size() > 2*restartPages*pageBytes {
		t.Errorf("the log has %d pages: %v", info.Size()/pageBytes, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	var found, length int
	if err := again.reader.QueryRowContext(t.Context(), `SELECT count(*), min(length(bytes)) FROM filler`).Scan(&found, &length); err != nil {
		t.Fatal(err)
	}
	if found != rows || length != len(text) {
		t.Errorf("found %d rows of %d bytes at least", found, length)
	}
}
