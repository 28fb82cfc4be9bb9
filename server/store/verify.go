package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/run"
)

// How much is read at once: enough that the round trips do not count, little enough for any memory.
const (
	sealsAtOnce     = 16
	snapshotsAtOnce = 200
	unsealedShown   = 1000 // postings without a seal: the first of them prove the fault
)

// snapshotRow is one row of snapshots.
type snapshotRow struct {
	Source     string `db:"source"`
	Revision   int64  `db:"revision"`
	SnapshotID []byte `db:"snapshot_id"`
	JSON       string `db:"calc_snapshot_json"`
	PostedAt   int64  `db:"posted_at"`
}

const snapshotColumns = `source, revision, snapshot_id, calc_snapshot_json, posted_at`

func (r *snapshotRow) public() query.Snapshot {
	return query.Snapshot{
		SnapshotID: hex.EncodeToString(r.SnapshotID), OrderID: r.Source, Revision: r.Revision,
		At: instant(r.PostedAt), JSON: []byte(r.JSON),
	}
}

// A verifier sees every posting, also one whose settlement is gone.
const (
	postingsAsFound = ` FROM postings p LEFT JOIN settlements s ON s.program_id = p.program_id
		AND s.batch_sequence = p.batch_sequence AND s.first_position = p.first_position`
	sealedColumns = `p.batch_sequence, p.position, p.event_id, coalesce(s.source, '') AS source, p.line_id, p.component_id,
		p.distributor_id, p.kind, p.currency, p.amount_minor, p.from_account, p.to_account, coalesce(s.revision, 0) AS revision,
		s.snapshot_id, coalesce(s.order_ts, 0) AS order_ts, coalesce(s.posted_at, 0) AS posted_at`
)

// sealedBatch is one batch with its postings in the order in which they were sealed.
type sealedBatch struct {
	seal     ledger.Seal
	postings []ledger.Posting
	leaves   [][32]byte
}

// Seals gives fn every batch of a program in order, with its postings and stored leaf hashes, in bounded memory. What
// stands beyond the last batch, where no settlement writes, comes last, as a batch without a seal.
func (s *Store) Seals(ctx context.Context, program string, fn func(ledger.Seal, []ledger.Posting, [][32]byte) error) (err error) {
	defer server.Wrap(&err, "read the seals of program %s", program)
	for last := int64(math.MinInt64); ; {
		batches, end, err := s.sealsAfter(ctx, program, last)
		if err != nil {
			return err
		}
		for _, b := range batches {
			if err := fn(b.seal, b.postings, b.leaves); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
		last = batches[len(batches)-1].seal.Sequence
	}
}

// sealsAfter reads the next batches, or what stands beyond the last one, which is the end. That there is no further seal
// and which postings have none is read as of one moment, or a batch sealed in between would seem to have no seal.
func (s *Store) sealsAfter(ctx context.Context, program string, last int64) (batches []sealedBatch, end bool, err error) {
	var seals []sealRow
	var postings []postingRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		err := tx.SelectContext(ctx, &seals, `SELECT sequence, leaf_count, leaves, root, previous, hash, sealed_at, outbox_sequence
			FROM seals WHERE program_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`, program, last, sealsAtOnce)
		if err != nil {
			return err
		}
		// From the batch after the last one, not from this page's first: a posting under a number without a seal would
		// otherwise never be looked at.
		upTo, limit := int64(math.MaxInt64), int64(unsealedShown)
		if len(seals) > 0 {
			upTo, limit = seals[len(seals)-1].Sequence, math.MaxInt64
		}
		return tx.SelectContext(ctx, &postings, `SELECT `+sealedColumns+postingsAsFound+`
			WHERE p.program_id = $1 AND p.batch_sequence > $2 AND p.batch_sequence <= $3
			ORDER BY p.batch_sequence, p.position LIMIT $4`, program, last, upTo, limit)
	})
	if err != nil {
		return nil, false, err
	}
	take := func(b sealedBatch, upTo int64) {
		for len(postings) > 0 && postings[0].BatchSequence <= upTo {
			b.postings = append(b.postings, postings[0].posting(program))
			postings = postings[1:]
		}
		batches = append(batches, b)
	}
	for i := range seals {
		take(sealedBatch{seal: seals[i].seal(program), leaves: splitLeaves(seals[i].Leaves)}, seals[i].Sequence)
	}
	if len(postings) > 0 {
		take(sealedBatch{seal: ledger.Seal{ProgramID: program, Sequence: last + 1}}, math.MaxInt64)
	}
	return batches, len(seals) == 0, nil
}

// splitLeaves cuts the stored hashes apart. A piece that is no whole hash stays as one, so that a verifier counts it.
func splitLeaves(joined []byte) [][32]byte {
	leaves := make([][32]byte, 0, len(joined)/32)
	for len(joined) > 0 {
		var leaf [32]byte
		joined = joined[copy(leaf[:], joined):]
		leaves = append(leaves, leaf)
	}
	return leaves
}

// EachSnapshot gives fn every stored calculation of a program with the id it is kept under, in bounded memory. One that has
// an id and no bytes is told too: somebody took them away.
func (s *Store) EachSnapshot(ctx context.Context, program string, fn func(id string, snapshot []byte) error) (err error) {
	defer server.Wrap(&err, "read the snapshots of program %s", program)
	after := snapshotRow{}
	for {
		var rows []snapshotRow
		err := s.read(ctx, program, func(tx *sqlx.Tx) error {
			return tx.SelectContext(ctx, &rows, `SELECT `+snapshotColumns+` FROM settlements
				WHERE program_id = $1 AND (snapshot_id IS NOT NULL OR calc_snapshot_json <> '') AND (source, revision) > ($2, $3) ORDER BY source, revision LIMIT $4`,
				program, after.Source, after.Revision, snapshotsAtOnce)
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := fn(hex.EncodeToString(rows[i].SnapshotID), []byte(rows[i].JSON)); err != nil {
				return err
			}
		}
		after = rows[len(rows)-1]
	}
}

// EachOrder gives fn every order that posted something, with its latest calculation and the sums of what that posted
// (earnings and breakage; what matured or was paid since is not a calculation's), in bounded memory.
func (s *Store) EachOrder(ctx context.Context, program string, fn func(orderID, snapshotID string, snapshot []byte, posted []ledger.Balance) error) (err error) {
	defer server.Wrap(&err, "read the orders of program %s", program)
	for after := ""; ; {
		var rows []snapshotRow
		var posted map[string][]ledger.Balance
		err := s.read(ctx, program, func(tx *sqlx.Tx) error {
			err := tx.SelectContext(ctx, &rows, `SELECT `+snapshotColumns+` FROM settlements s WHERE program_id = $1 AND source > $2
				AND NOT EXISTS (SELECT 1 FROM settlements l WHERE l.program_id = s.program_id AND l.source = s.source AND l.revision > s.revision)
				ORDER BY source LIMIT $3`, program, after, snapshotsAtOnce)
			if err != nil || len(rows) == 0 {
				return err
			}
			posted, err = s.earnedBy(ctx, tx, program, rows)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			r := &rows[i]
			if err := fn(r.Source, hex.EncodeToString(r.SnapshotID), []byte(r.JSON), posted[r.Source]); err != nil {
				return err
			}
		}
		after = rows[len(rows)-1].Source
	}
}

// earnedBy sums what calculations posted for the orders, under their keys.
func (s *Store) earnedBy(ctx context.Context, tx *sqlx.Tx, program string, orders []snapshotRow) (map[string][]ledger.Balance, error) {
	posted := make(map[string][]ledger.Balance, len(orders))
	sources := make([]string, 0, len(orders))
	for i := range orders {
		if strings.HasPrefix(orders[i].Source, run.SourcePrefix) {
			continue
		}
		sources = append(sources, orders[i].Source)
	}
	if len(sources) < len(orders) {
		if err := s.awardedBy(ctx, tx, program, orders, posted); err != nil {
			return nil, err
		}
	}
	sums, err := s.sumPosted(ctx, tx.SelectContext, program, sources)
	for i := range sums {
		if p := &sums[i]; ledger.Kind(p.Kind) == ledger.Earning || ledger.Kind(p.Kind) == ledger.Breakage {
			posted[p.Source] = append(posted[p.Source], ledger.Balance{Key: p.key(), AmountMinor: p.AmountMinor})
		}
	}
	return posted, err
}

// awardedBy is earnedBy for sources of periods, whose batches are large; see PostedOf.
func (s *Store) awardedBy(ctx context.Context, tx *sqlx.Tx, program string, awards []snapshotRow, posted map[string][]ledger.Balance) error {
	names := make([]string, len(awards))
	for i := range awards {
		names[i] = awards[i].Source
	}
	sources := map[placed]string{}
	var batches []int64
	err := eachRow(ctx, tx, func(scan func(...any) error) error {
		var source string
		var at placed
		err := scan(&source, &at.batch, &at.first)
		sources[at] = source
		batches = append(batches, at.batch)
		return err
	}, `SELECT source, batch_sequence, first_position FROM settlements WHERE program_id = $1 AND source >= 'period:' AND source < 'period;'
		AND source IN `+s.dialect.in("$2"), program, s.dialect.list(names))
	if err != nil {
		return fmt.Errorf("find the awards: %w", err)
	}
	found, err := postingsIn(ctx, tx, program, batches, sources)
	if err != nil {
		return fmt.Errorf("read what is posted: %w", err)
	}
	sums, err := ledger.SumByKey(found)
	for i := range sums {
		posted[sums[i].Key.Source] = append(posted[sums[i].Key.Source], sums[i])
	}
	return err
}

// CountPostings counts a program's postings.
func (s *Store) CountPostings(ctx context.Context, program string) (count int64, err error) {
	defer server.Wrap(&err, "count postings of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &count, `SELECT count(*) FROM postings WHERE program_id = $1`, program)
	})
	return count, err
}
