package store

import (
	"context"
	"fmt"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/server/pipeline"
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

// chainEnd is where a program's chain goes on.
type chainEnd struct {
	last   ledger.Seal // the zero seal begins the chain
	outbox int64       // number of the last outbox row
	sales  int64       // number of the changes of sales to come; 0 where there are none
}

// seal appends the batch's postings, chained to the program's last batch, and the outbox rows in the same order; with them
// what changes in periods.
func (w *batch) seal(ctx context.Context, end chainEnd) error {
	next, steps, err := w.sealing(end)
	if err != nil {
		return err
	}
	w.extended = &next
	_, err = w.store.dialect.together(ctx, w.tx, steps...)
	return err
}

// sealing is the rows of seal, and where the chain ends with them.
func (w *batch) sealing(end chainEnd) (chainEnd, []step, error) {
	steps := []step{{insertSales, w.saleRows(end.sales), false}}
	if w.count == 0 {
		return end, steps, nil
	}
	next, err := ledger.Chain(end.last, w.program, w.leaves, w.at)
	if err != nil {
		return end, nil, err
	}
	settlements, postings, messages, err := w.sealedRows(next.Sequence, end.outbox)
	if err != nil {
		return end, nil, err
	}
	end.last, end.outbox = next, end.outbox+int64(len(w.posting))
	return end, append(steps, step{insertSettlements, settlements, false}, step{insertPostings, postings, false},
		step{insertOutbox, messages, false}, sealStep(w.store.dialect, next, w.leaves, end.outbox)), nil
}

// hash makes the leaves of the batch's postings, before any lock is taken: it is the work of the seal.
func (w *batch) hash() {
	all := make([]ledger.Posting, 0, w.count)
	for _, s := range w.posting {
		all = append(all, s.Postings...)
	}
	w.leaves = ledger.Leaves(all)
}

// sealedRows are the rows that carry the batch's number.
func (w *batch) sealedRows(sequence, outbox int64) (settlements, postings, messages rows, err error) {
	d := w.store.dialect
	settlements = d.newRows(insertSettlements, w.program, sequence)
	postings = d.newRows(insertPostings, w.program, sequence)
	messages = d.newRows(insertOutbox, w.program, CommissionEvents, w.at)
	for _, s := range w.posting {
		first := int64(postings.len())
		if err := addSettlement(settlements, s, first); err != nil {
			return nil, nil, nil, fmt.Errorf("order %s: %w", s.Source, err)
		}
		for i := range s.Postings {
			if err := addPosting(postings, &s.Postings[i], first+int64(i), first); err != nil {
				return nil, nil, nil, fmt.Errorf("order %s: %w", s.Source, err)
			}
		}
		payload, err := text(outboxPayload{OrderID: s.Source.String(), Revision: s.Revision, SnapshotID: s.SnapshotID})
		if err != nil {
			return nil, nil, nil, fmt.Errorf("order %s: write the outbox row: %w", s.Source, err)
		}
		outbox++
		messages.int(outbox)
		messages.text(s.Source.String())
		messages.text(payload)
	}
	return settlements, postings, messages, nil
}

func addSettlement(r rows, s *pipeline.Settlement, first int64) error {
	snapshot, err := rawHash(s.SnapshotID)
	if err != nil {
		return fmt.Errorf("snapshot id: %w", err)
	}
	r.text(s.Source.String())
	r.int(s.Revision)
	r.int(first)
	r.int(int64(len(s.Postings)))
	r.bytes(snapshot)
	r.text(string(s.Snapshot))
	r.int(s.Postings[0].OrderTS)
	r.int(s.Postings[0].PostedAt)
	return nil
}

func addPosting(r rows, p *ledger.Posting, position, first int64) error {
	event, err := rawHash(p.EventID)
	if err != nil || event == nil {
		return fmt.Errorf("event id %q is no hash: %w", p.EventID, err)
	}
	r.int(position)
	r.int(first)
	r.bytes(event)
	r.text(p.Key.LineID)
	r.text(p.Key.ComponentID)
	r.text(p.Key.DistributorID)
	r.text(string(p.Key.Kind))
	r.text(string(p.Key.Currency))
	r.int(p.AmountMinor)
	r.text(p.From)
	r.text(p.To)
	return nil
}

// lastSeal reads the end of the chain; the zero seal begins it.
func lastSeal(ctx context.Context, query selecting, program string) (last ledger.Seal, outbox int64, err error) {
	var found []sealRow
	err = query(ctx, &found, `SELECT sequence, leaf_count, root, previous, hash, sealed_at, outbox_sequence
		FROM seals WHERE program_id = $1 ORDER BY sequence DESC LIMIT 1`, program)
	if err != nil {
		return last, 0, fmt.Errorf("read the last seal: %w", err)
	}
	if len(found) == 0 {
		return last, 0, nil
	}
	return found[0].seal(program), found[0].OutboxSequence, nil
}

var insertSeals = &bulk{
	name: "insert seal", table: "seals",
	columns: columns(fixedText("program_id"), ints("sequence", "leaf_count"), blobs("leaves", "root", "previous", "hash"),
		ints("sealed_at", "outbox_sequence")),
}

func sealStep(d dialect, s ledger.Seal, leaves [][32]byte, outbox int64) step {
	joined := make([]byte, 0, 32*len(leaves))
	for i := range leaves {
		joined = append(joined, leaves[i][:]...)
	}
	r := d.newRows(insertSeals, s.ProgramID)
	r.int(s.Sequence)
	r.int(int64(s.Leaves))
	r.bytes(joined)
	r.bytes(s.Root[:])
	r.bytes(s.Previous[:])
	r.bytes(s.Hash[:])
	r.int(s.SealedAt)
	r.int(outbox)
	return step{statement: insertSeals, rows: r}
}
