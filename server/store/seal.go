package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
)

// sealRow is one row of seals.
type sealRow struct {
	Sequence       int64  `db:"sequence"`
	LeafCount      int    `db:"leaf_count"`
	Leaves         []byte `db:"leaves"`
	Root           []byte `db:"root"`
	Previous       []byte `db:"previous"`
	Hash           []byte `db:"hash"`
	SealedAt       int64  `db:"sealed_at"`
	OutboxSequence int64  `db:"outbox_sequence"`
}

func (r *sealRow) seal(program string) ledger.Seal {
	s := ledger.Seal{ProgramID: program, Sequence: r.Sequence, Leaves: r.LeafCount, SealedAt: r.SealedAt}
	copy(s.Root[:], r.Root)
	copy(s.Previous[:], r.Previous)
	copy(s.Hash[:], r.Hash)
	return s
}

// seal appends the batch's postings, chained to the program's last batch, and the outbox rows in the same order.
func (w *batch) seal(ctx context.Context) error {
	if len(w.postings) == 0 {
		return nil
	}
	leaves := ledger.Leaves(w.postings) // before the lock: it is the work of the seal
	d := w.store.dialect
	if err := d.lockChain(ctx, w.tx, w.program); err != nil {
		return fmt.Errorf("lock the chain: %w", err)
	}
	last, outbox, err := lastSeal(ctx, w.tx, w.program)
	if err != nil {
		return err
	}
	next, err := ledger.Chain(last, w.program, leaves, w.at)
	if err != nil {
		return err
	}
	postings, err := w.postingRows(next.Sequence)
	if err != nil {
		return err
	}
	if _, err := d.run(ctx, w.tx, insertPostings, postings); err != nil {
		return err
	}
	messages := d.newRows(insertOutbox, w.program, CommissionEvents, w.at)
	for _, m := range w.outbox {
		outbox++
		messages.int(outbox)
		messages.text(m.key)
		messages.text(m.payload)
	}
	if _, err := d.run(ctx, w.tx, insertOutbox, messages); err != nil {
		return err
	}
	return insertSeal(ctx, w.tx, next, leaves, outbox)
}

// lastSeal reads the end of the chain; the zero seal begins it.
func lastSeal(ctx context.Context, tx *sqlx.Tx, program string) (last ledger.Seal, outbox int64, err error) {
	var found []sealRow
	err = tx.SelectContext(ctx, &found, `SELECT sequence, leaf_count, root, previous, hash, sealed_at, outbox_sequence
		FROM seals WHERE program_id = $1 ORDER BY sequence DESC LIMIT 1`, program)
	if err != nil {
		return last, 0, fmt.Errorf("read the last seal: %w", err)
	}
	if len(found) == 0 {
		return last, 0, nil
	}
	return found[0].seal(program), found[0].OutboxSequence, nil
}

func insertSeal(ctx context.Context, tx *sqlx.Tx, s ledger.Seal, leaves [][32]byte, outbox int64) error {
	joined := make([]byte, 0, 32*len(leaves))
	for i := range leaves {
		joined = append(joined, leaves[i][:]...)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO seals (program_id, sequence, leaf_count, leaves, root, previous, hash,
		sealed_at, outbox_sequence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		s.ProgramID, s.Sequence, s.Leaves, joined, s.Root[:], s.Previous[:], s.Hash[:], s.SealedAt, outbox)
	if err != nil {
		return fmt.Errorf("insert seal %d: %w", s.Sequence, err)
	}
	return nil
}

func (w *batch) postingRows(sequence int64) (rows, error) {
	r := w.store.dialect.newRows(insertPostings, w.program, sequence)
	for i := range w.postings {
		p := &w.postings[i]
		event, err := rawHash(p.EventID)
		if err != nil || event == nil {
			return nil, fmt.Errorf("event id %q is no hash: %w", p.EventID, err)
		}
		snapshot, err := rawHash(p.SnapshotID)
		if err != nil {
			return nil, fmt.Errorf("snapshot id of event %s: %w", p.EventID, err)
		}
		r.int(int64(i))
		r.bytes(event)
		r.text(p.Key.Source)
		r.text(p.Key.LineID)
		r.text(p.Key.ComponentID)
		r.text(p.Key.DistributorID)
		r.text(string(p.Key.Kind))
		r.text(string(p.Key.Currency))
		r.int(p.AmountMinor)
		r.text(p.From)
		r.text(p.To)
		r.int(p.Revision)
		r.bytes(snapshot)
		r.int(p.OrderTS)
		r.int(p.PostedAt)
	}
	return r, nil
}
