package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
)

// A checkpoint copies what commits have appended to the write-ahead log into the database file. Left to SQLite, the
// commit that makes the log long does it, and its caller waits for tens of milliseconds. Here it happens beside the
// writer, on a connection of its own. Commits are as durable as before: they are in the log, and on disk.
const (
	checkpointPages = 1000  // copy when so many pages are new: 4 MB
	restartPages    = 4000  // from here on the log is begun anew as soon as it can be
	selfCheckpoint  = 32000 // SQLite does it by itself, should nobody else
	// checkpointPause is between two looks at the log.
	checkpointPause = 50 * time.Millisecond
)

// checkpointer does it for one open database.
type checkpointer struct {
	db    *sqlx.DB // one connection
	turns *turns
	log   *slog.Logger
	wake  chan struct{} // of one: something was written
	end   context.CancelFunc
	ended chan struct{}
}

func newCheckpointer(path string, turns *turns, log *slog.Logger) (*checkpointer, error) {
	db, err := sqlx.Open("sqlite", sqliteDSN(path, checkpointing))
	if err != nil {
		return nil, fmt.Errorf("open %s for checkpoints: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	ctx, end := context.WithCancel(context.Background())
	c := &checkpointer{db: db, turns: turns, log: log, wake: make(chan struct{}, 1), end: end, ended: make(chan struct{})}
	go c.run(ctx)
	return c, nil
}

// written tells that the log has grown.
func (c *checkpointer) written() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *checkpointer) run(ctx context.Context) {
	defer close(c.ended)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		if err := c.look(ctx); err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "the write-ahead log could not be copied; SQLite does it by itself when it gets long", "error", err)
		}
		pause.Reset(checkpointPause)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// look copies what there is to copy. While others go on writing there is always something left; a long log is therefore
// finished in a turn of its own, which is short, as little is left by then. The next to write begins it anew.
func (c *checkpointer) look(ctx context.Context) error {
	pages, copied, err := c.checkpoint(ctx, "NOOP")
	if err != nil || pages-copied < checkpointPages {
		return err
	}
	if pages, _, err = c.checkpoint(ctx, "PASSIVE"); err != nil || pages < restartPages {
		return err
	}
	if err := c.turns.take(ctx, false); err != nil {
		return err
	}
	defer c.turns.pass()
	_, _, err = c.checkpoint(ctx, "PASSIVE")
	return err
}

// checkpoint gives the pages in the log, and how many of them are in the database file.
func (c *checkpointer) checkpoint(ctx context.Context, mode string) (pages, copied int, err error) {
	var busy int
	err = c.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &pages, &copied)
	if err != nil {
		return 0, 0, fmt.Errorf("checkpoint %s: %w", mode, err)
	}
	return pages, copied, nil
}

func (c *checkpointer) close() error {
	c.end()
	<-c.ended
	if err := c.db.Close(); err != nil {
		return errors.Join(errors.New("close the connection for checkpoints"), err)
	}
	return nil
}
