package store

import (
	"context"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// TestCloseWaits: what nobody waits for is written before the database is closed, what only reads is ended, and nothing
// begins afterwards.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	began, written, ended := make(chan struct{}), false, false
	s.beside.keep(func() {
		close(began)
		time.Sleep(50 * time.Millisecond) // for whoever does not wait to be through
		err := s.write(context.Background(), "", func(ctx context.Context, tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, `SELECT count(*) FROM programs`)
			return err
		})
		if written = err == nil; !written {
			t.Errorf("written down after the database was closed: %v", err)
		}
	})
	s.beside.look(func(ctx context.Context) { <-ctx.Done(); ended = true })
	<-began
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !written || !ended {
		t.Errorf("it did not wait: written %t, ended %t", written, ended)
	}
	s.beside.keep(func() { t.Error("it writes after it was closed") })
	s.beside.look(func(context.Context) { t.Error("it reads after it was closed") })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
