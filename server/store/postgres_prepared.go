package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"
)

// kept is the statements that settling and storing run again and again, prepared once per connection: PostgreSQL parses and plans each
// of them only there, which for the few rows of a quiet moment is as much work as running them.
type kept struct {
	mu         sync.Mutex
	db         *sqlx.DB // the writing handle; nil until it is open
	statements map[string]*sqlx.Stmt
	wanted     map[string]bool // seen, and to be prepared between two transactions
}

// stmt gives the statement of a text within a transaction of the writing handle, to be closed by whoever asked for it; nil where it is not
// prepared yet. To prepare it here would take a second connection while the transaction holds one, of which there may be no more.
func (k *kept) stmt(ctx context.Context, tx *sqlx.Tx, text string) *sqlx.Stmt {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.statements[text]; s != nil {
		return tx.StmtxContext(ctx, s)
	}
	if k.wanted == nil {
		k.wanted = make(map[string]bool)
	}
	k.wanted[text] = true
	return nil
}

// prepare prepares what the transactions before ran unprepared.
func (k *kept) prepare(ctx context.Context) error {
	k.mu.Lock()
	wanted, db := k.wanted, k.db
	k.wanted = nil
	k.mu.Unlock()
	if db == nil {
		return nil
	}
	for text := range wanted {
		s, err := db.PreparexContext(ctx, text) //nolint:sqlclosecheck // kept with its handle
		if err != nil {
			return fmt.Errorf("prepare a statement: %w", err)
		}
		k.mu.Lock()
		if k.statements == nil {
			k.statements = make(map[string]*sqlx.Stmt)
		}
		if k.statements[text] == nil {
			k.statements[text], s = s, nil
		}
		k.mu.Unlock()
		if s != nil { // Somebody else was faster.
			if err := s.Close(); err != nil {
				return fmt.Errorf("close a statement: %w", err)
			}
		}
	}
	return nil
}
