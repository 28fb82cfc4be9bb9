package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// postingRow is one row of postings.
type postingRow struct {
	BatchSequence int64  `db:"batch_sequence"`
	Position      int64  `db:"position"`
	EventID       []byte `db:"event_id"`
	Source        string `db:"source"`
	LineID        string `db:"line_id"`
	ComponentID   string `db:"component_id"`
	DistributorID string `db:"distributor_id"`
	Kind          string `db:"kind"`
	Currency      string `db:"currency"`
	AmountMinor   int64  `db:"amount_minor"`
	From          string `db:"from_account"`
	To            string `db:"to_account"`
	Revision      int64  `db:"revision"`
	SnapshotID    []byte `db:"snapshot_id"`
	OrderTS       int64  `db:"order_ts"`
	PostedAt      int64  `db:"posted_at"`
}

const postingColumns = `p.batch_sequence, p.position, p.event_id, s.source, p.line_id, p.component_id, p.distributor_id,
	p.kind, p.currency, p.amount_minor, p.from_account, p.to_account, s.revision, s.snapshot_id, s.order_ts, s.posted_at`

// A posting p and its settlement s, from either side: by the posting's place, or by the settlement's order.
const (
	postingsWithSettlement = ` FROM postings p JOIN settlements s ON s.program_id = p.program_id
		AND s.batch_sequence = p.batch_sequence AND s.first_position = p.first_position `
	postingsOfSettlements = ` FROM settlements s JOIN postings p ON p.program_id = s.program_id
		AND p.batch_sequence = s.batch_sequence AND p.position >= s.first_position
		AND p.position < s.first_position + s.posting_count `
)

func (p *postingRow) eventID() string { return hex.EncodeToString(p.EventID) }

func (p *postingRow) cursor() cursor { return cursor{digits(p.BatchSequence), digits(p.Position)} }

func (p *postingRow) key() ledger.Key {
	return ledger.Key{
		Source: p.Source, LineID: p.LineID, ComponentID: p.ComponentID, DistributorID: p.DistributorID,
		Kind: ledger.Kind(p.Kind), Currency: money.Currency(p.Currency),
	}
}

func (p *postingRow) posting(program string) ledger.Posting {
	return ledger.Posting{
		EventID: p.eventID(), ProgramID: program, Key: p.key(), Revision: p.Revision, From: p.From, To: p.To,
		AmountMinor: p.AmountMinor, SnapshotID: hex.EncodeToString(p.SnapshotID), OrderTS: p.OrderTS, PostedAt: p.PostedAt,
	}
}

func (p *postingRow) public() query.Posting {
	return query.Posting{
		EventID: p.eventID(), OrderID: p.Source, LineID: p.LineID, ComponentID: p.ComponentID, DistributorID: p.DistributorID,
		Kind: p.Kind, From: p.From, To: p.To, Currency: p.Currency, AmountMinor: p.AmountMinor,
		Amount: money.FormatMinor(p.AmountMinor, money.Currency(p.Currency)), Revision: p.Revision,
		SnapshotID: hex.EncodeToString(p.SnapshotID), OrderTS: instant(p.OrderTS), PostedAt: instant(p.PostedAt),
		BatchSequence: p.BatchSequence,
	}
}

// sumPosted sums what is posted under each key of the orders. The settlements are found first and by themselves: a planner
// that knows nothing of the tables yet would rather go through all postings.
func (s *Store) sumPosted(ctx context.Context, query selecting, program string, sources []string) (sums []postingRow, err error) {
	err = query(ctx, &sums, `WITH s AS MATERIALIZED (SELECT source, batch_sequence, first_position, posting_count
			FROM `+s.dialect.byKeys("settlements", "", 2, "source")+`)
		SELECT s.source, p.line_id, p.component_id, p.distributor_id, p.kind, p.currency, CAST(sum(p.amount_minor) AS bigint) AS amount_minor
		FROM s JOIN postings p ON p.program_id = $1 AND p.batch_sequence = s.batch_sequence AND p.position >= s.first_position
			AND p.position < s.first_position + s.posting_count
		GROUP BY s.source, p.line_id, p.component_id, p.distributor_id, p.kind, p.currency
		ORDER BY s.source, p.line_id, p.component_id, p.distributor_id, p.kind, p.currency`, program, s.dialect.list(sources))
	if err != nil {
		return nil, fmt.Errorf("sum what is posted: %w", err)
	}
	return sums, nil
}

// Postings lists the ledger, the newest first. See query.Reader.
func (s *Store) Postings(ctx context.Context, program string, f query.PostingFilter, p query.Page) (list []query.Posting, next string, err error) {
	defer server.Wrap(&err, "list postings of program %s", program)
	c := where(program, "p.program_id").andIf("p.distributor_id", f.DistributorID).andIf("p.component_id", f.ComponentID).
		andIf("p.currency", f.Currency).and(visibleSettlement)
	rare := f.Kind != "" && f.Kind != "earning"
	if f.Kind != "" {
		c.and("p.kind = ?", f.Kind)
	}
	if rare {
		c.and("p.kind <> 'earning'") // spelt out, so that the index of the few others is used
	}
	w := ledgerWalk{tables: postingsWithSettlement, where: c, dense: f.DistributorID == "" && f.OrderID == "" && !rare}
	if f.OrderID != "" {
		c.and("s.program_id = ? AND s.source = ?", program, f.OrderID)
		w.tables = postingsOfSettlements
	}
	if err := w.begin(p.After); err != nil {
		return nil, "", err
	}
	limit := pageLimit(p)
	var rows []postingRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if err := w.between(ctx, tx, program, &f); err != nil {
			return err
		}
		rows, err = w.next(ctx, tx, program, limit+1)
		return err
	})
	rows, next = cut(rows, limit, (*postingRow).cursor)
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, next, err
}

// ledgerWalk goes through what a list shows of the ledger, the newest first, and goes on where it stopped.
type ledgerWalk struct {
	tables string
	where  *conditions
	dense  bool // much of the ledger is in the list, so that a page of it is likely among the newest batches

	batch, position int64 // it goes on before this posting
	from            int64 // the first batch of the list
}

// begin begins a list, or continues it after a page.
func (w *ledgerWalk) begin(after string) error {
	w.batch = math.MaxInt64
	at, err := readCursor(after, 2)
	if err != nil || at == nil {
		return err
	}
	if w.batch, err = at.number(0); err != nil {
		return err
	}
	w.position, err = at.number(1)
	return err
}

// between turns instants into batches: batches are sealed one after the other, so that their numbers are in the order of time
// and the ledger is found by them.
func (w *ledgerWalk) between(ctx context.Context, tx *sqlx.Tx, program string, f *query.PostingFilter) error {
	first := func(at time.Time) (batch int64, err error) {
		err = tx.GetContext(ctx, &batch, `SELECT coalesce(min(sequence), 9223372036854775807) FROM seals WHERE program_id = $1 AND sealed_at >= $2`,
			program, micros(at))
		if err != nil {
			return 0, fmt.Errorf("find the batch of an instant: %w", err)
		}
		return batch, nil
	}
	if !f.From.IsZero() {
		batch, err := first(f.From)
		if err != nil {
			return err
		}
		w.from = batch
		w.where.and("p.batch_sequence >= ?", batch)
	}
	if !f.To.IsZero() {
		batch, err := first(f.To)
		if err != nil {
			return err
		}
		if batch < w.batch {
			w.batch, w.position = batch, 0
		}
	}
	return nil
}

// next reads the next postings, so many if there are as many. A list that shows much of the ledger is looked for among as many
// batches first, each of which holds a posting or more, and then among some more of them: of a ledger in many partitions all
// that a statement may need are planned and opened, which takes longer than to read a page.
func (w *ledgerWalk) next(ctx context.Context, tx *sqlx.Tx, program string, count int) (rows []postingRow, err error) {
	looks := []int64{0}
	if w.dense {
		looks = []int64{int64(count), 16 * int64(count), 0}
	}
	for _, batches := range looks {
		first, err := w.first(ctx, tx, program, batches)
		if err != nil {
			return nil, err
		}
		more, err := w.read(ctx, tx, first, count-len(rows))
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		if len(rows) == count {
			w.batch, w.position = rows[count-1].BatchSequence, rows[count-1].Position
			break
		}
		w.batch, w.position = first, 0
		if first <= w.from {
			break
		}
	}
	return rows, nil
}

// first is where so many of the next batches begin; 0 are all of them.
func (w *ledgerWalk) first(ctx context.Context, tx *sqlx.Tx, program string, batches int64) (int64, error) {
	if batches == 0 {
		return w.from, nil
	}
	end := w.batch
	if end == math.MaxInt64 {
		if err := tx.GetContext(ctx, &end, `SELECT coalesce(max(sequence), 0) FROM seals WHERE program_id = $1`, program); err != nil {
			return 0, fmt.Errorf("find the last batch: %w", err)
		}
	}
	return max(max(end, 0)-batches, w.from), nil
}

// read reads from a batch on up to where the walk is. It says the batch by itself too, as by the pair no partition is left out; and says
// it last, as SQLite goes by the first of them, and by the batch alone would go through what pages before have shown of it.
func (w *ledgerWalk) read(ctx context.Context, tx *sqlx.Tx, first int64, count int) (rows []postingRow, err error) {
	c := w.where.clone()
	if w.batch < math.MaxInt64 {
		c.and("(p.batch_sequence, p.position) < (?, ?) AND p.batch_sequence <= ?", w.batch, w.position, w.batch)
	}
	if first > w.from {
		c.and("p.batch_sequence >= ?", first)
	}
	err = tx.SelectContext(ctx, &rows, `SELECT `+postingColumns+w.tables+c.String()+
		` ORDER BY p.batch_sequence DESC, p.position DESC`+c.upTo(count), c.args...)
	return rows, err
}
