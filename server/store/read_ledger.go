package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// afterPosting continues a list of postings, newest first.
func afterPosting(c *conditions, after string) error {
	at, err := readCursor(after, 2)
	if err != nil || at == nil {
		return err
	}
	batch, err := at.number(0)
	if err != nil {
		return err
	}
	position, err := at.number(1)
	if err != nil {
		return err
	}
	c.and("(p.batch_sequence, p.position) < (?, ?)", batch, position)
	return nil
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
	if f.Kind != "" {
		c.and("p.kind = ?", f.Kind)
		if f.Kind != "earning" {
			c.and("p.kind <> 'earning'") // spelt out, so that the index of the few others is used
		}
	}
	tables := postingsWithSettlement
	if f.OrderID != "" {
		c.and("s.program_id = ? AND s.source = ?", program, f.OrderID)
		tables = postingsOfSettlements
	}
	if err := afterPosting(c, p.After); err != nil {
		return nil, "", err
	}
	limit := pageLimit(p)
	var rows []postingRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if err := postedBetween(ctx, tx, program, &f, c); err != nil {
			return err
		}
		return tx.SelectContext(ctx, &rows, `SELECT `+postingColumns+tables+c.String()+
			` ORDER BY p.batch_sequence DESC, p.position DESC`+c.limited(limit), c.args...)
	})
	rows, next = cut(rows, limit, (*postingRow).cursor)
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, next, err
}

// postedBetween turns instants into batches: batches are sealed one after the other, so that their numbers are in the order
// of time and the ledger is found by them.
func postedBetween(ctx context.Context, tx *sqlx.Tx, program string, f *query.PostingFilter, c *conditions) error {
	for _, bound := range []struct {
		at     time.Time
		clause string
	}{{f.From, "p.batch_sequence >= ?"}, {f.To, "p.batch_sequence < ?"}} {
		if bound.at.IsZero() {
			continue
		}
		var first int64
		err := tx.GetContext(ctx, &first, `SELECT coalesce(min(sequence), 9223372036854775807) FROM seals WHERE program_id = $1 AND sealed_at >= $2`,
			program, micros(bound.at))
		if err != nil {
			return fmt.Errorf("find the batch of an instant: %w", err)
		}
		c.and(bound.clause, first)
	}
	return nil
}

// commissionRow is the first posting of one amount, with what stands under its key now.
type commissionRow struct {
	postingRow
	EarnedMinor  int64 `db:"earned_minor"`
	MaturedMinor int64 `db:"matured_minor"`
	PaidMinor    int64 `db:"paid_minor"`
	UpdatedAt    int64 `db:"updated_at"`
}

// sameKey ties postings q to the amount that p began. What matures or is paid keeps the key but for its kind.
const sameKey = ` FROM settlements t JOIN postings q ON q.program_id = t.program_id AND q.batch_sequence = t.batch_sequence
	AND q.position >= t.first_position AND q.position < t.first_position + t.posting_count
	WHERE t.program_id = s.program_id AND t.source = s.source AND NOT EXISTS (SELECT 1 FROM open_commits o
		WHERE o.program_id = t.program_id AND t.batch_sequence > o.after_batch AND substr(t.source, 1, length(o.source)) = o.source) AND q.line_id = p.line_id
	AND q.component_id = p.component_id AND q.distributor_id = p.distributor_id AND q.currency = p.currency`

const sumOfKey = `(SELECT coalesce(CAST(sum(q.amount_minor) AS bigint), 0)` + sameKey + ` AND q.kind = `

const commissionColumns = postingColumns + `, ` + sumOfKey + `'earning') AS earned_minor, ` +
	sumOfKey + `'maturing') AS matured_minor, ` + sumOfKey + `'payout') AS paid_minor,
	(SELECT max(t.posted_at)` + sameKey + `) AS updated_at`

// The statuses of a commission, by what stands under its key.
const (
	statusPending   = "PENDING"
	statusAvailable = "AVAILABLE"
	statusPaid      = "PAID"
	statusReversed  = "REVERSED"
)

// commissionStatus says each status in SQL, for the filter; status says the same in Go, for the row.
var commissionStatus = map[string]string{
	statusReversed:  `earned_minor = 0`,
	statusPaid:      `earned_minor <> 0 AND paid_minor >= earned_minor`,
	statusAvailable: `earned_minor <> 0 AND paid_minor < earned_minor AND matured_minor >= earned_minor`,
	statusPending:   `earned_minor <> 0 AND paid_minor < earned_minor AND matured_minor < earned_minor`,
}

func (r *commissionRow) status() string {
	switch {
	case r.EarnedMinor == 0:
		return statusReversed
	case r.PaidMinor >= r.EarnedMinor:
		return statusPaid
	case r.MaturedMinor >= r.EarnedMinor:
		return statusAvailable
	default:
		return statusPending
	}
}

// Commissions lists what distributors have by one line and component of an order, the newest first. A commission is
// named by the event that began it. See query.Reader.
func (s *Store) Commissions(ctx context.Context, program string, f query.CommissionFilter, p query.Page) (list []query.Commission, next string, err error) {
	defer server.Wrap(&err, "list commissions of program %s", program)
	c := where(program, "p.program_id").and("p.kind = 'earning'").andIf("p.distributor_id", f.DistributorID).and(visibleSettlement)
	tables := postingsWithSettlement
	c.and("(s.revision = 1 OR NOT EXISTS (SELECT 1" + sameKey + " AND q.kind = 'earning' AND t.revision < s.revision))")
	if f.PlatformOrderID != "" {
		c.and("s.program_id = ? AND s.source IN (SELECT store_id || '/' || ? FROM stores WHERE program_id = ?)", program, f.PlatformOrderID, program)
		tables = postingsOfSettlements
	}
	if err := afterPosting(c, p.After); err != nil {
		return nil, "", err
	}
	limit := pageLimit(p)
	statement := `SELECT ` + commissionColumns + tables + c.String()
	if f.Status != "" {
		holds, known := commissionStatus[f.Status]
		if !known {
			return nil, "", &server.Error{Code: server.Invalid, Field: "status", Message: "A status is PENDING, AVAILABLE, PAID or REVERSED."}
		}
		statement = `SELECT * FROM (` + statement + `) c WHERE ` + holds + ` ORDER BY batch_sequence DESC, position DESC`
	} else {
		statement += ` ORDER BY p.batch_sequence DESC, p.position DESC`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		var rows []commissionRow
		if err := tx.SelectContext(ctx, &rows, statement+c.limited(limit), c.args...); err != nil {
			return err
		}
		rows, next = cut(rows, limit, func(r *commissionRow) cursor { return r.cursor() })
		list, err = s.publicCommissions(ctx, tx, program, rows)
		return err
	})
	return list, next, err
}

// publicCommissions adds what the orders know: the platform's id, the buyer, and each line's SKU.
func (s *Store) publicCommissions(ctx context.Context, tx *sqlx.Tx, program string, rows []commissionRow) ([]query.Commission, error) {
	sources := make([]string, 0, len(rows))
	for i := range rows {
		sources = append(sources, rows[i].Source)
	}
	var found []orderRow
	err := tx.SelectContext(ctx, &found, `SELECT `+listedColumns+` FROM orders WHERE program_id = $1 AND source IN `+
		s.dialect.in("$2"), program, s.dialect.list(sources))
	if err != nil {
		return nil, fmt.Errorf("read the orders: %w", err)
	}
	orders := make(map[string]*orderRow, len(found))
	skus := make(map[string]map[string]string, len(found))
	for i := range found {
		lines := map[string]string{}
		if err := json.Unmarshal([]byte(found[i].LinesJSON), &lines); err != nil {
			return nil, fmt.Errorf("lines of order %s: %w", found[i].Source, err)
		}
		orders[found[i].Source], skus[found[i].Source] = &found[i], lines
	}
	list := make([]query.Commission, len(rows))
	for i := range rows {
		r := &rows[i]
		list[i] = query.Commission{
			CommissionID: r.eventID(), OrderID: r.Source, SKU: skus[r.Source][r.LineID], ReferrerID: r.DistributorID,
			ComponentID: r.ComponentID, Currency: r.Currency, Value: money.FormatMinor(r.EarnedMinor, money.Currency(r.Currency)),
			Status: r.status(), OrderTS: instant(r.OrderTS), UpdatedAt: instant(r.UpdatedAt),
		}
		if o := orders[r.Source]; o != nil {
			list[i].OrderID, list[i].OrderName, list[i].StoreID, list[i].BuyerID = o.PlatformOrderID, o.Name, o.StoreID, o.BuyerID
		}
	}
	return list, nil
}
