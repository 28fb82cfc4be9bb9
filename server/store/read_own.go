package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/channel"
)

// Limits of summing one distributor's postings. What is not kept yet is read by every look.
var (
	ownSlice int64 = 50_000 // postings summed in one transaction, before what they came to is kept
	ownKeep  int64 = 2_000  // postings that are worth keeping the sum of
)

// ownSum is what one distributor has in one currency, in minor units.
type ownSum struct {
	PendingMinor   int64 `json:"pending"`
	AvailableMinor int64 `json:"available"`
	PaidMinor      int64 `json:"paid"`
	ReversedMinor  int64 `json:"reversed"`
	EarnedMinor    int64 `json:"earned"`
	BeforeMinor    int64 `json:"before"` // of what was earned: before the month
}

// ownSums is what one distributor has up to a batch. It is not changed once it is handed on.
type ownSums struct {
	upTo       int64
	monthAt    int64 // microseconds
	monthBatch int64 // the first batch of the month; 0: there was none yet
	byCurrency map[money.Currency]ownSum
	added      int64 // postings since these sums were kept
}

// BalancesOf sums a distributor's accounts: what was kept of the ledger's beginning, and what came after it. A long history
// is summed in slices, each of which is kept, so that whoever had to give up finds less to do the next time. See channel.Books.
func (s *Store) BalancesOf(ctx context.Context, program, distributorID string, since time.Time) (list []channel.Balance, err error) {
	defer server.Wrap(&err, "sum the accounts of distributor %s", distributorID)
	var sums *ownSums
	for whole := false; !whole; {
		err = s.read(ctx, program, func(tx *sqlx.Tx) error {
			r := ownReader{ctx: ctx, tx: tx, program: program, distributorID: distributorID, monthAt: micros(since)}
			sums, whole, err = r.slice(sums)
			if err == nil && whole {
				list, err = r.balances(sums)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if sums.added >= ownKeep {
			kept := sums
			s.beside.keep(func() { s.keepOwn(context.WithoutCancel(ctx), program, distributorID, kept) })
			sums = sums.with(sums.upTo, nil)
			sums.added = 0
		}
	}
	return list, nil
}

// ownReader reads one distributor's part of the ledger in one transaction.
type ownReader struct {
	ctx           context.Context
	tx            *sqlx.Tx
	program       string
	distributorID string
	monthAt       int64
	upTo          int64 // the last batch in which nothing is hidden
	monthBatch    int64 // the first of the month; behind the last one where there is none yet
	monthKnown    bool
}

// slice adds one slice to the sums, and tells whether nothing is left to add. sums is nil at first.
func (r *ownReader) slice(sums *ownSums) (_ *ownSums, whole bool, err error) {
	if sums == nil {
		if sums, err = r.kept(); err != nil {
			return nil, false, err
		}
	}
	if sums, err = r.begin(sums); err != nil {
		return nil, false, err
	}
	for left := ownSlice; sums.upTo < r.upTo; {
		if left <= 0 {
			return sums, false, nil
		}
		end, err := r.end(sums.upTo)
		if err != nil {
			return nil, false, err
		}
		rows, err := r.sum(sums.upTo, end)
		if err != nil {
			return nil, false, err
		}
		before := sums.added
		sums = sums.with(end, rows)
		for i := range rows {
			if err := sums.add(&rows[i], r.distributorID, end < r.monthBatch); err != nil {
				return nil, false, err
			}
		}
		left -= max(sums.added-before, 1)
	}
	return sums, true, nil
}

// kept reads what is known of the ledger's beginning; nothing is known of a distributor with few postings.
func (r *ownReader) kept() (*ownSums, error) {
	var rows []struct {
		UpTo       int64  `db:"batch_sequence"`
		MonthAt    int64  `db:"month_at"`
		MonthBatch int64  `db:"month_batch"`
		Sums       string `db:"sums_json"`
	}
	err := r.tx.SelectContext(r.ctx, &rows, `SELECT batch_sequence, month_at, month_batch, sums_json FROM distributor_sums
		WHERE program_id = $1 AND distributor_id = $2`, r.program, r.distributorID)
	if err != nil {
		return nil, fmt.Errorf("read what they were known to have: %w", err)
	}
	sums := &ownSums{monthAt: r.monthAt}
	for _, row := range rows {
		sums.upTo, sums.monthAt, sums.monthBatch = row.UpTo, row.MonthAt, row.MonthBatch
		if err := json.Unmarshal([]byte(row.Sums), &sums.byCurrency); err != nil {
			return nil, fmt.Errorf("read what they were known to have: %w", err)
		}
	}
	return sums, nil
}

// begin finds how far there is to go, and where the month begins. What is being posted by a commit is hidden, so no sum goes
// beyond the batch at which one began. The last batch is read before the commits: one that begins in between hides nothing
// up to it.
func (r *ownReader) begin(sums *ownSums) (*ownSums, error) {
	var last int64
	if err := r.tx.GetContext(r.ctx, &last, `SELECT coalesce(max(sequence), 0) FROM seals WHERE program_id = $1`, r.program); err != nil {
		return nil, fmt.Errorf("find the last batch: %w", err)
	}
	var began int64
	if err := r.tx.GetContext(r.ctx, &began, `SELECT coalesce(min(after_batch), $2) FROM open_commits WHERE program_id = $1`, r.program, last); err != nil {
		return nil, fmt.Errorf("find what is being posted: %w", err)
	}
	r.upTo = min(last, began)
	r.monthBatch, r.monthKnown = sums.monthBatch, true
	if sums.monthAt != r.monthAt || sums.monthBatch == 0 {
		var err error
		if r.monthBatch, err = r.firstBatch(last); err != nil {
			return nil, err
		}
		r.monthKnown = r.monthBatch <= last
	}
	if sums.upTo > r.upTo || sums.monthAt != r.monthAt && sums.upTo >= r.monthBatch {
		return r.anew(), nil // another month than the one they were summed for, earlier than what is in them
	}
	next := sums.with(sums.upTo, nil)
	if next.monthAt != r.monthAt {
		for currency, sum := range next.byCurrency {
			sum.BeforeMinor = sum.EarnedMinor
			next.byCurrency[currency] = sum
		}
	}
	return r.stamp(next), nil
}

func (r *ownReader) anew() *ownSums { return r.stamp(&ownSums{}) }

func (r *ownReader) stamp(sums *ownSums) *ownSums {
	sums.monthAt, sums.monthBatch = r.monthAt, 0
	if r.monthKnown {
		sums.monthBatch = r.monthBatch
	}
	return sums
}

// firstBatch finds the first batch that was sealed in the month, and the one behind the last where there is none. Batches are
// sealed one after the other, so it is found by halving.
func (r *ownReader) firstBatch(last int64) (int64, error) {
	low, high := int64(1), last+1
	for low < high {
		middle := low + (high-low)/2
		var sealedAt int64
		err := r.tx.GetContext(r.ctx, &sealedAt, `SELECT coalesce((SELECT sealed_at FROM seals WHERE program_id = $1 AND sequence >= $2
			ORDER BY program_id, sequence LIMIT 1), 0)`, r.program, middle)
		if err != nil {
			return 0, fmt.Errorf("find where the month begins: %w", err)
		}
		if sealedAt >= r.monthAt {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low, nil
}

// end is the batch at which a slice ends: no batch is in two slices, and no slice in two months.
func (r *ownReader) end(after int64) (int64, error) {
	var ends []int64
	err := r.tx.SelectContext(r.ctx, &ends, `SELECT batch_sequence FROM postings WHERE program_id = $1 AND distributor_id = $2
		AND batch_sequence > $3 AND batch_sequence <= $4 ORDER BY batch_sequence, position LIMIT 1 OFFSET $5`,
		r.program, r.distributorID, after, r.upTo, ownSlice-1)
	if err != nil {
		return 0, fmt.Errorf("find the end of a slice: %w", err)
	}
	end := r.upTo
	if len(ends) > 0 {
		end = ends[0]
	}
	if month := r.monthBatch - 1; month > after {
		end = min(end, month)
	}
	return end, nil
}

// ownRow sums what moved between two accounts; the accounts are "" where the kind says them.
type ownRow struct {
	Currency string `db:"currency"`
	Kind     string `db:"kind"`
	From     string `db:"from_account"`
	To       string `db:"to_account"`
	Moved    int64  `db:"moved"`
	Negative int64  `db:"negative"`
	Before   int64  `db:"before"`
	Postings int64  `db:"postings"`
}

const ownSumColumns = `p.currency, p.kind, CAST(sum(p.amount_minor) AS bigint) AS moved, count(*) AS postings,
	CAST(sum(CASE WHEN p.amount_minor < 0 THEN p.amount_minor ELSE 0 END) AS bigint) AS negative, `

// sum sums the batches after one, up to another. What is earned goes to what is pending, so that its sums come from the index
// alone; the rows are looked up only where something has matured or was paid.
func (r *ownReader) sum(after, upTo int64) (rows []ownRow, err error) {
	const of = `FROM postings p WHERE p.program_id = $1 AND p.distributor_id = $2 AND p.batch_sequence > $3 AND p.batch_sequence <= $4 AND p.kind <> 'breakage' `
	var kinds []ownRow
	err = r.tx.SelectContext(r.ctx, &kinds, `SELECT `+ownSumColumns+`'' AS from_account, '' AS to_account, 0 AS before `+of+
		`GROUP BY p.currency, p.kind`, r.program, r.distributorID, after, upTo)
	if err != nil {
		return nil, fmt.Errorf("sum what was earned: %w", err)
	}
	for i := range kinds {
		if kinds[i].Kind == string(ledger.Earning) {
			rows = append(rows, kinds[i])
		}
	}
	if len(rows) == len(kinds) {
		return rows, nil
	}
	var others []ownRow // The kind is wrapped to keep a planner from the index of these kinds, which holds those of everybody.
	err = r.tx.SelectContext(r.ctx, &others, `SELECT `+ownSumColumns+`p.from_account, p.to_account, 0 AS before `+of+
		`AND p.kind || '' <> 'earning' GROUP BY p.currency, p.kind, p.from_account, p.to_account`, r.program, r.distributorID, after, upTo)
	if err != nil {
		return nil, fmt.Errorf("sum what moved: %w", err)
	}
	return append(rows, others...), nil
}

// balances adds what was posted since the oldest commit that is still under way began, without what is hidden of it.
func (r *ownReader) balances(sums *ownSums) ([]channel.Balance, error) {
	var rows []ownRow
	err := r.tx.SelectContext(r.ctx, &rows, `SELECT `+ownSumColumns+`p.from_account, p.to_account,
		CAST(sum(CASE WHEN p.batch_sequence < $4 THEN p.amount_minor ELSE 0 END) AS bigint) AS before`+postingsWithSettlement+
		`WHERE p.program_id = $1 AND p.distributor_id = $2 AND p.batch_sequence > $3 AND p.kind <> 'breakage' AND `+visibleSettlement+`
		GROUP BY p.currency, p.kind, p.from_account, p.to_account`, r.program, r.distributorID, sums.upTo, r.monthBatch)
	if err != nil {
		return nil, fmt.Errorf("sum what is newest: %w", err)
	}
	all := sums.with(sums.upTo, rows)
	for i := range rows {
		if err := all.add(&rows[i], r.distributorID, false); err != nil {
			return nil, err
		}
	}
	var list []channel.Balance
	for _, currency := range slices.Sorted(maps.Keys(all.byCurrency)) {
		sum := all.byCurrency[currency]
		since, err := money.Sub(sum.EarnedMinor, sum.BeforeMinor)
		if err != nil {
			return nil, fmt.Errorf("what was earned in %s this month: %w", currency, err)
		}
		list = append(list, channel.Balance{
			Currency: currency, PendingMinor: sum.PendingMinor, AvailableMinor: sum.AvailableMinor, PaidMinor: sum.PaidMinor,
			ReversedMinor: sum.ReversedMinor, SinceMinor: since,
		})
	}
	return list, nil
}

// with is a copy that goes up to another batch.
func (o *ownSums) with(upTo int64, rows []ownRow) *ownSums {
	next := *o
	next.upTo, next.byCurrency = upTo, make(map[money.Currency]ownSum, len(o.byCurrency)+1)
	maps.Copy(next.byCurrency, o.byCurrency)
	for i := range rows {
		next.added += rows[i].Postings
	}
	return &next
}

// add adds what moved. Sums are made in Go: one that does not fit is an error and not another number.
func (o *ownSums) add(r *ownRow, distributorID string, before bool) error {
	currency := money.Currency(r.Currency)
	sum := o.byCurrency[currency]
	to, from := r.To, r.From
	if r.Kind == string(ledger.Earning) && to == "" {
		to = ledger.Account(distributorID, ledger.StatePending)
	}
	if before {
		r.Before = r.Moved
	}
	steps := []ownStep{{sum.account(to, distributorID), r.Moved}, {sum.account(from, distributorID), -r.Moved}}
	if r.Kind == string(ledger.Earning) {
		steps = append(steps, ownStep{&sum.ReversedMinor, r.Negative}, ownStep{&sum.EarnedMinor, r.Moved}, ownStep{&sum.BeforeMinor, r.Before})
	}
	for _, step := range steps {
		if step.into == nil {
			continue
		}
		total, err := money.Add(*step.into, step.minor)
		if err != nil {
			return fmt.Errorf("sum of %s in %s: %w", r.Kind, currency, err)
		}
		*step.into = total
	}
	o.byCurrency[currency] = sum
	return nil
}

type ownStep struct {
	into  *int64
	minor int64
}

// account is the figure of one of the distributor's own accounts; nil where it is none that is shown.
func (o *ownSum) account(name, distributorID string) *int64 {
	switch name {
	case ledger.Account(distributorID, ledger.StatePending):
		return &o.PendingMinor
	case ledger.Account(distributorID, ledger.StateAvailable):
		return &o.AvailableMinor
	case ledger.Account(distributorID, ledger.StatePaid):
		return &o.PaidMinor
	}
	return nil
}

// keepOwn writes sums down, unless the database has later ones of the same month. Where that fails the next look reads more.
func (s *Store) keepOwn(ctx context.Context, program, distributorID string, sums *ownSums) {
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	text, err := json.Marshal(sums.byCurrency)
	if err == nil {
		err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO distributor_sums (program_id, distributor_id, batch_sequence, month_at, month_batch, sums_json)
				VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (program_id, distributor_id) DO UPDATE SET batch_sequence = excluded.batch_sequence,
				month_at = excluded.month_at, month_batch = excluded.month_batch, sums_json = excluded.sums_json
				WHERE distributor_sums.month_at <> excluded.month_at OR distributor_sums.batch_sequence < excluded.batch_sequence`,
				program, distributorID, sums.upTo, sums.monthAt, sums.monthBatch, string(text))
			return err
		})
	}
	if err != nil {
		s.config.Logger.WarnContext(ctx, "what a distributor has could not be written down", "program_id", program, "error", err)
	}
}
