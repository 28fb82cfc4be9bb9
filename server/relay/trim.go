package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// trimLimit is how many rows one transaction drops: few enough not to hold up a settlement.
const trimLimit = 5000

// Trimmed is what trimming asks of the database.
type Trimmed interface {
	ProgramIDs(ctx context.Context) ([]string, error)
	// TrimOutbox drops a program's oldest rows, at most limit: those made before a time that every reader has had. Where nobody
	// reads, none are.
	TrimOutbox(ctx context.Context, program string, before time.Time, limit int) (dropped int64, err error)
}

// Trimmer keeps the outbox from growing for ever.
type Trimmer struct {
	Books  Trimmed
	Clock  func() time.Time
	Keep   time.Duration // how old a row has to be
	Logger *slog.Logger
}

// Run trims at once and then every so often until ctx ends. What goes wrong is logged and tried again.
func (t *Trimmer) Run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := t.Trim(ctx); err != nil && ctx.Err() == nil {
			t.Logger.WarnContext(ctx, "the outbox cannot be trimmed; tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Trim drops what is due now.
func (t *Trimmer) Trim(ctx context.Context) error {
	programs, err := t.Books.ProgramIDs(ctx)
	if err != nil {
		return fmt.Errorf("list the programs: %w", err)
	}
	var failed error
	for _, program := range programs {
		for {
			dropped, err := t.Books.TrimOutbox(ctx, program, t.Clock().Add(-t.Keep), trimLimit)
			failed = errors.Join(failed, err)
			if err != nil || dropped < trimLimit {
				break
			}
		}
	}
	return failed
}
