package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// EachBeside tells fn of every disagreement. The seals alone cannot show that the last batches were taken away whole: what
// is left is a chain that is sound as far as it goes. The rows that were written in the same transactions show it, and so
// do the marks of those who read the ledger. Orders' revisions and plans carry the hash of their own text.
func (s *Store) EachBeside(ctx context.Context, program string, fn func(query.Beside) error) (err error) {
	defer server.Wrap(&err, "compare the ledger of program %s with what stands beside it", program)
	for _, look := range []func(context.Context, string, func(query.Beside) error) error{
		s.missingBatches, s.orderRowsBeside, s.ordersGone, s.revisionsChanged, s.plansChanged,
	} {
		if err := look(ctx, program, fn); err != nil {
			return err
		}
	}
	return nil
}

// tell gives fn what one reading found.
func tell(found []query.Beside, err error, fn func(query.Beside) error) error {
	for i := 0; err == nil && i < len(found); i++ {
		err = fn(found[i])
	}
	return err
}

// missingBatches compares the last seal with how far others have read the ledger, and each seal with its messages.
func (s *Store) missingBatches(ctx context.Context, program string, fn func(query.Beside) error) error {
	var found []query.Beside
	err := s.read(ctx, program, func(tx *sqlx.Tx) error {
		last, sent, err := lastSeal(ctx, tx.SelectContext, program)
		if err != nil {
			return err
		}
		var known, messages int64
		err = tx.QueryRowContext(ctx, `SELECT
			(SELECT coalesce(max(batch), 0) FROM (SELECT max(batch_sequence) AS batch FROM ledger_sums WHERE program_id = $1
				UNION ALL SELECT max(batch_sequence) FROM distributor_sums WHERE program_id = $1
				UNION ALL SELECT max(batch_sequence) FROM runs WHERE program_id = $1
				UNION ALL SELECT max(batch_sequence) FROM periods WHERE program_id = $1) AS marks),
			(SELECT coalesce(max(sequence), 0) FROM outbox WHERE program_id = $1)`, program).Scan(&known, &messages)
		if err != nil {
			return fmt.Errorf("read how far others have read: %w", err)
		}
		sealed := last.Sequence
		if known > sealed {
			found = append(found, query.Beside{BatchSequence: sealed + 1, What: fmt.Sprintf("batches up to %d were sealed once; those after %d are gone", known, sealed)})
		}
		if messages > sent {
			found = append(found, query.Beside{BatchSequence: sealed + 1, What: fmt.Sprintf("there is a message of settlement %d, the last seal knows of %d: the batches after it are gone", messages, sent)})
		}
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			b := query.Beside{What: "its seal counts other settlements than it has"}
			err := scan(&b.BatchSequence)
			found = append(found, b)
			return err
		}, `SELECT s.sequence FROM seals s WHERE s.program_id = $1 AND s.outbox_sequence <>
				coalesce((SELECT b.outbox_sequence FROM seals b WHERE b.program_id = $1 AND b.sequence = s.sequence - 1), 0)
				+ (SELECT count(*) FROM settlements t WHERE t.program_id = $1 AND t.batch_sequence = s.sequence)
			ORDER BY s.sequence LIMIT $2`, program, unsealedShown)
	})
	return tell(found, err, fn)
}

// bookedOrder is what an order's row says of the ledger.
type bookedOrder struct {
	Source   string `db:"source"`
	Revision int64  `db:"revision"`
	Currency string `db:"currency"`
	Net      int64  `db:"net_minor"`
	Earned   int64  `db:"earned_minor"`
}

// orderRowsBeside holds each order's row against its settlements, its earnings and what it counts for in periods, a page as
// of one moment.
func (s *Store) orderRowsBeside(ctx context.Context, program string, fn func(query.Beside) error) error {
	for after := ""; ; {
		var rows []bookedOrder
		var found []query.Beside
		err := s.read(ctx, program, func(tx *sqlx.Tx) error {
			err := tx.SelectContext(ctx, &rows, `SELECT source, revision, currency, net_minor, earned_minor FROM orders
				WHERE program_id = $1 AND source > $2 ORDER BY source LIMIT $3`, program, after, snapshotsAtOnce)
			if err != nil || len(rows) == 0 {
				return err
			}
			found, err = s.besideOrders(ctx, tx, program, rows)
			return err
		})
		if err := tell(found, err, fn); err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].Source
	}
}

// besideOrders compares a page of orders' rows.
func (s *Store) besideOrders(ctx context.Context, tx *sqlx.Tx, program string, rows []bookedOrder) (found []query.Beside, err error) {
	sources := make([]string, len(rows))
	for i := range rows {
		sources[i] = rows[i].Source
	}
	booked, err := s.bookedBy(ctx, tx, program, sources)
	if err != nil {
		return nil, err
	}
	sold, err := s.soldBy(ctx, tx, program, sources)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		r, b := &rows[i], booked[rows[i].Source]
		say := func(format string, args ...any) {
			found = append(found, query.Beside{OrderID: r.Source, What: fmt.Sprintf(format, args...)})
		}
		if r.Revision != b.Revision {
			say("its row was written with settlement %d, the last one of the ledger is %d", r.Revision, b.Revision)
		}
		if r.Earned != b.Earned {
			say("by its row it earned %d minor units, by the ledger %d", r.Earned, b.Earned)
		}
		if of := sold[r.Source]; len(of) == 1 && of[0].Currency == r.Currency && of[0].Net != r.Net {
			say("by its row its net is %d minor units, for periods it counts %d", r.Net, of[0].Net)
		}
	}
	return found, nil
}

// bookedBy is each order's last settlement and the sum of its earnings.
func (s *Store) bookedBy(ctx context.Context, tx *sqlx.Tx, program string, sources []string) (map[string]bookedOrder, error) {
	var list []bookedOrder
	err := tx.SelectContext(ctx, &list, `WITH s AS MATERIALIZED (SELECT source, revision, batch_sequence, first_position, posting_count
			FROM `+s.dialect.byKeys("settlements", "", 2, "source")+`)
		SELECT s.source, max(s.revision) AS revision, CAST(coalesce(sum(CASE WHEN p.kind = 'earning' THEN p.amount_minor END), 0) AS bigint) AS earned_minor
		FROM s LEFT JOIN postings p ON p.program_id = $1 AND p.batch_sequence = s.batch_sequence AND p.position >= s.first_position
			AND p.position < s.first_position + s.posting_count
		GROUP BY s.source`, program, s.dialect.list(sources))
	if err != nil {
		return nil, fmt.Errorf("sum what orders earned: %w", err)
	}
	booked := make(map[string]bookedOrder, len(list))
	for i := range list {
		booked[list[i].Source] = list[i]
	}
	return booked, nil
}

// soldBy is the net that each order counts for in periods, by currency.
func (s *Store) soldBy(ctx context.Context, tx *sqlx.Tx, program string, sources []string) (map[string][]bookedOrder, error) {
	var list []bookedOrder
	err := tx.SelectContext(ctx, &list, `SELECT source, currency, CAST(sum(net_minor) AS bigint) AS net_minor
		FROM `+s.dialect.byKeys("sales", "", 2, "source")+` GROUP BY source, currency`, program, s.dialect.list(sources))
	if err != nil {
		return nil, fmt.Errorf("sum what orders count for: %w", err)
	}
	sold := make(map[string][]bookedOrder, len(list))
	for i := range list {
		sold[list[i].Source] = append(sold[list[i].Source], list[i])
	}
	return sold, nil
}

// ordersGone finds settlements whose order has no row any more.
func (s *Store) ordersGone(ctx context.Context, program string, fn func(query.Beside) error) error {
	var found []query.Beside
	err := s.read(ctx, program, func(tx *sqlx.Tx) error {
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			b := query.Beside{What: "its row is gone"}
			err := scan(&b.OrderID)
			found = append(found, b)
			return err
		}, `SELECT s.source FROM settlements s WHERE s.program_id = $1 AND s.revision = 1
				AND NOT (s.source >= 'period:' AND s.source < 'period;')
				AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.program_id = $1 AND o.source = s.source)
			ORDER BY s.source LIMIT $2`, program, unsealedShown)
	})
	return tell(found, err, fn)
}

// revisionsChanged holds what stores told of orders against its own hash.
func (s *Store) revisionsChanged(ctx context.Context, program string, fn func(query.Beside) error) error {
	type told struct {
		Source string `db:"source"`
		Hash   []byte `db:"hash"`
		Text   string `db:"revision_json"`
	}
	for after := (told{Hash: []byte{}}); ; {
		var rows []told
		err := s.read(ctx, program, func(tx *sqlx.Tx) error {
			return tx.SelectContext(ctx, &rows, `SELECT source, hash, revision_json FROM order_revisions
				WHERE program_id = $1 AND (source, hash) > ($2, $3) ORDER BY source, hash LIMIT $4`, program, after.Source, after.Hash, snapshotsAtOnce)
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if is := sha256.Sum256([]byte(rows[i].Text)); string(is[:]) != string(rows[i].Hash) {
				b := query.Beside{OrderID: rows[i].Source, What: fmt.Sprintf("what was told of it has the hash %x, it was stored under %x", is, rows[i].Hash)}
				if err := fn(b); err != nil {
					return err
				}
			}
		}
		after = rows[len(rows)-1]
	}
}

// plansChanged holds plans against their hash.
func (s *Store) plansChanged(ctx context.Context, program string, fn func(query.Beside) error) error {
	var found []query.Beside
	err := s.read(ctx, program, func(tx *sqlx.Tx) error {
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			var hash, text string
			if err := scan(&hash, &text); err != nil {
				return err
			}
			if is := sha256.Sum256([]byte(text)); hex.EncodeToString(is[:]) != hash {
				found = append(found, query.Beside{PlanHash: hash, What: fmt.Sprintf("its text has the hash %x", is)})
			}
			return nil
		}, `SELECT plan_hash, canonical_json FROM plan_versions WHERE program_id = $1 ORDER BY version`, program)
	})
	return tell(found, err, fn)
}
