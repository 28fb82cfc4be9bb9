package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/reference"
)

var _ reference.Hints = (*Store)(nil)

// PutHint keeps the first hint of a checkout, and releases the order that waits for it. See reference.Hints.
func (s *Store) PutHint(ctx context.Context, h reference.Hint) (created bool, err error) {
	defer server.Wrap(&err, "put a hint of store %s", h.StoreID)
	err = s.write(ctx, h.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO reference_hints (program_id, store_id, checkout, reference, received_at)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (program_id, store_id, checkout) DO NOTHING`,
			h.ProgramID, h.StoreID, h.Checkout, h.Reference, micros(h.At)))
		created = n > 0
		if err != nil || !created {
			return err
		}
		_, err = s.release(ctx, tx, h.ProgramID, []string{pipeline.CheckoutCause(h.StoreID, h.Checkout)}, s.now())
		return err
	})
	return created, err
}

// JoinHints releases orders that settled while their hint arrived. See reference.Hints.
func (s *Store) JoinHints(ctx context.Context, program string, since time.Time) (released int, err error) {
	defer server.Wrap(&err, "join hints of program %s", program)
	var waiting []string
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &waiting, `SELECT c.cause_key FROM reference_hints h JOIN park_causes c
			ON c.program_id = h.program_id AND c.cause_key = 'checkout:' || h.store_id || ':' || h.checkout
			WHERE h.program_id = $1 AND h.received_at >= $2`, program, micros(since))
	})
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		released, err = s.release(ctx, tx, program, waiting, s.now())
		return err
	})
	return released, err
}

// DropHints forgets old hints. See reference.Hints.
func (s *Store) DropHints(ctx context.Context, program string, before time.Time) (int64, error) {
	var old int64
	err := s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &old, `SELECT count(*) FROM reference_hints WHERE program_id = $1 AND received_at < $2`, program, micros(before))
	})
	if err != nil || old == 0 {
		return 0, err
	}
	return s.exec(ctx, program, "drop old hints", `DELETE FROM reference_hints WHERE program_id = $1 AND received_at < $2`, program, micros(before))
}

// DistributorByCode finds the distributor whose code or id this is now. See query.Reader.
func (s *Store) DistributorByCode(ctx context.Context, program, code string) (distributorID string, err error) {
	defer server.Wrap(&err, "find a code of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		var owners []string
		if err := tx.SelectContext(ctx, &owners, `SELECT distributor_id FROM distributor_codes WHERE program_id = $1 AND code_key = $2
			ORDER BY version DESC, valid_from DESC LIMIT 1`, program, codeKey(code)); err != nil {
			return err
		}
		if len(owners) == 0 || owners[0] == "" {
			owners = []string{code}
		}
		return found(tx.GetContext(ctx, &distributorID, `SELECT distributor_id FROM distributors WHERE program_id = $1 AND distributor_id = $2
			AND status <> 'terminated'`, program, owners[0]), "There is no distributor with this code.")
	})
	return distributorID, err
}
