package store

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jmoiron/sqlx"
)

// kept is the statements that settling and storing run again and again, prepared once per connection: PostgreSQL parses and plans each
// of them only there, which for the few rows of a quiet moment is as much work as running them.
type kept struct {
	mu         sync.Mutex
	db         *sqlx.DB // the writing handle; nil until it is open
	statements map[string]*sqlx.Stmt
	wanted     map[string]bool // seen, and to be prepared between two transactions
	ended      atomic.Int64    // transactions
}

// planAnew is after how many transactions a connection plans its statements anew; then after planAnewTimes as many, and so on. What was
// planned while the tables were nearly empty goes through all of them, which PostgreSQL by itself mends once it has counted rows, after a
// minute or more.
const (
	planAnew      = 8
	planAnewTimes = 16
)

// generation is how often a connection should have planned its statements anew by now.
func (k *kept) generation() string {
	n := 0
	for due := int64(planAnew); k.ended.Load() >= due; due *= planAnewTimes {
		n++
	}
	return strconv.Itoa(n)
}

// planned makes a connection plan anew what it planned in an earlier generation. The statements themselves stay: to close one waits for every
// connection that has it, of which some may wait for this transaction.
func (k *kept) planned(ctx context.Context, tx *sqlx.Tx, was string) error {
	is := k.generation()
	if was == is || was == "" && is == "0" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DISCARD PLANS`); err != nil {
		return fmt.Errorf("plan anew: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `SELECT set_config('upline.planned', $1, false)`, is); err != nil {
		return fmt.Errorf("note what is planned: %w", err)
	}
	return nil
}

// stmt gives the statement of a text within a transaction of the writing handle, to be closed by whoever asked for it; nil where it is not
// prepared yet. To prepare it here would take a second connection while the transaction holds one, of which there may be no more.
func (k *kept) stmt(ctx context.Context, tx *sqlx.Tx, text string) *sqlx.Stmt {
	k.mu.Lock()
	s := k.statements[text]
	if s == nil {
		if k.wanted == nil {
			k.wanted = make(map[string]bool)
		}
		k.wanted[text] = true
	}
	k.mu.Unlock()
	if s == nil {
		return nil
	}
	return tx.StmtxContext(ctx, s)
}

// prepare prepares what the transactions before ran unprepared.
func (k *kept) prepare(ctx context.Context) error {
	k.ended.Add(1)
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
