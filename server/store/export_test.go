package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/server/pipeline"
)

// ErrAgain is what a transaction fails with that has to be run again.
var ErrAgain = errAgain

// MaxAttempts bounds how often it is.
const MaxAttempts = maxAttempts

// PlanAnew is after how many transactions statements are first planned anew, and PlanAnewTimes after how many times as many next.
const (
	PlanAnew      = planAnew
	PlanAnewTimes = planAnewTimes
)

// Writer is the handle that writes.
func (s *Store) Writer() *sqlx.DB { return s.writer }

// Reader is the handle that reads.
func (s *Store) Reader() *sqlx.DB { return s.reader }

// Write runs a transaction.
func (s *Store) Write(ctx context.Context, program string, f func(ctx context.Context, tx *sqlx.Tx) error) error {
	return s.write(ctx, program, f)
}

// ReadThrough lets the store read through another handle.
func (s *Store) ReadThrough(db *sqlx.DB) { s.reader = db }

// Cursor is where a page ends whose last row has this key.
func Cursor(parts ...string) string { return cursor(parts).String() }

// SumPosted sums what is posted for orders.
func (s *Store) SumPosted(ctx context.Context, program string, sources ...string) error {
	return s.read(ctx, program, func(tx *sqlx.Tx) error {
		_, err := s.sumPosted(ctx, tx.SelectContext, program, sources)
		return err
	})
}

// Read runs a reading transaction.
func (s *Store) Read(ctx context.Context, program string, f func(tx *sqlx.Tx) error) error {
	return s.read(ctx, program, f)
}

// In tests little is much, so that what is kept of a large company is kept of a small one.
var _ = func() bool {
	keepPostings, manyPostings, manyPeople = 20, 1, 9
	ownSlice, ownKeep = 3, 2
	commissionsAtOnce = 7
	return true
}()

// KeepSums writes down what the ledger holds of one posting, and what "ann" has of it.
func (s *Store) KeepSums(program string) {
	s.keepSums(program, &ledgerSums{upTo: 1, postings: 1, counts: map[string]int64{"EUR": 1}, earned: map[string]int64{"EUR": 5}})
	s.keepOwn(context.Background(), program, "ann", &ownSums{upTo: 1})
}

// AtOnce tells whether books are of an attempt to settle at once.
func AtOnce(b pipeline.Books) bool { return b.(*books).atOnce }

// AtOnceHandle is the handle that settles at once, and reads what word came of.
func (s *Store) AtOnceHandle() *sqlx.DB { return s.dialect.(*postgres).once.db }

// Misguess lets the store take another end of a program's chain for the last one.
func (s *Store) Misguess(program string, last ledger.Seal) {
	a := s.dialect.ahead()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.programs[program].end.last = last
}

// MigrateTo brings a database up to a migration, and no further.
func MigrateTo(ctx context.Context, c Config, version int64) error {
	s, err := connectOwner(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	steps, err := s.steps()
	if err == nil {
		_, err = steps.UpTo(ctx, version)
	}
	return err
}

// ExtendLedgerBy is ExtendLedger with partitions of another size.
func (s *Store) ExtendLedgerBy(ctx context.Context, bytes, leastBatches int64) (string, error) {
	return s.extendLedger(ctx, bytes, leastBatches)
}
