package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
)

// ledgerSums is what the ledger holds up to a batch. It is not changed once it is made.
type ledgerSums struct {
	upTo     int64
	postings int64            // of every kind
	counts   map[string]int64 // of them, by currency
	earned   map[string]int64 // minor units by currency, reversals taken off
	kept     int64            // postings that the database's sums are of
}

// keepPostings is how many postings more are read again by each process before what they sum to is written down.
var keepPostings int64 = 20_000

// sumsUpTo gives the sums up to a batch: those that are known, and what was sealed after them. The ledger only grows, so
// what is known stays true. keep is told of sums worth writing down. The tally is locked.
func (t *tally) sumsUpTo(ctx context.Context, tx *sqlx.Tx, program string, last int64, keep func(*ledgerSums)) (*ledgerSums, error) {
	if t.sums == nil {
		kept, err := readSums(ctx, tx, program)
		if err != nil {
			return nil, err
		}
		t.sums = kept
	}
	if last <= t.sums.upTo {
		return t.sums, nil
	}
	sums, err := t.sums.with(ctx, tx, program, last)
	if err != nil {
		return nil, err
	}
	if sums.postings-sums.kept >= keepPostings {
		sums.kept = sums.postings
		keep(sums)
	}
	t.sums = sums
	return sums, nil
}

// sumRow is one row of ledger_sums, or what came after it.
type sumRow struct {
	Currency string `db:"currency"`
	Batch    int64  `db:"batch_sequence"`
	Postings int64  `db:"postings"`
	Earned   int64  `db:"earned_minor"`
}

func readSums(ctx context.Context, tx *sqlx.Tx, program string) (*ledgerSums, error) {
	var rows []sumRow
	err := tx.SelectContext(ctx, &rows, `SELECT currency, batch_sequence, postings, earned_minor FROM ledger_sums WHERE program_id = $1`, program)
	if err != nil {
		return nil, fmt.Errorf("read what the ledger was known to hold: %w", err)
	}
	sums := &ledgerSums{counts: map[string]int64{}, earned: map[string]int64{}}
	for _, r := range rows {
		sums.upTo, sums.counts[r.Currency], sums.earned[r.Currency] = r.Batch, r.Postings, r.Earned
		sums.postings += r.Postings
	}
	sums.kept = sums.postings
	return sums, nil
}

// with adds what was sealed after the sums, up to a batch. Sums are made in Go: one that does not fit is an error and not
// another number.
func (l *ledgerSums) with(ctx context.Context, tx *sqlx.Tx, program string, last int64) (*ledgerSums, error) {
	var rows []sumRow
	err := tx.SelectContext(ctx, &rows, `SELECT currency, count(*) AS postings,
		CAST(sum(CASE WHEN kind = 'earning' THEN amount_minor ELSE 0 END) AS bigint) AS earned_minor FROM postings
		WHERE program_id = $1 AND batch_sequence > $2 AND batch_sequence <= $3 GROUP BY currency`, program, l.upTo, last)
	if err != nil {
		return nil, fmt.Errorf("sum what was posted since batch %d: %w", l.upTo, err)
	}
	sums := &ledgerSums{upTo: last, postings: l.postings, counts: maps.Clone(l.counts), earned: maps.Clone(l.earned), kept: l.kept}
	for _, r := range rows {
		sums.postings += r.Postings
		sums.counts[r.Currency] += r.Postings
		if sums.earned[r.Currency], err = money.Add(sums.earned[r.Currency], r.Earned); err != nil {
			return nil, fmt.Errorf("sum what was earned in %s: %w", r.Currency, err)
		}
	}
	return sums, nil
}

// visibleEarned is what was earned per currency, as decimal text, without what commits that are still under way have posted.
func visibleEarned(ctx context.Context, tx *sqlx.Tx, program string, sums *ledgerSums) (map[string]string, error) {
	var open []struct {
		Source string `db:"source"`
		After  int64  `db:"after_batch"`
	}
	err := tx.SelectContext(ctx, &open, `SELECT source, after_batch FROM open_commits WHERE program_id = $1`, program)
	if err != nil {
		return nil, fmt.Errorf("read what is being posted: %w", err)
	}
	earned := maps.Clone(sums.earned)
	for _, o := range open {
		var hidden []sumRow
		err := tx.SelectContext(ctx, &hidden, `SELECT p.currency, CAST(sum(p.amount_minor) AS bigint) AS earned_minor FROM settlements s
			JOIN postings p ON p.program_id = s.program_id AND p.batch_sequence = s.batch_sequence AND p.first_position = s.first_position
			WHERE s.program_id = $1 AND s.batch_sequence > $2 AND s.batch_sequence <= $3 AND substr(s.source, 1, length($4)) = $4
			AND p.program_id = $1 AND p.batch_sequence > $2 AND p.kind = 'earning' GROUP BY p.currency`, program, o.After, sums.upTo, o.Source)
		if err != nil {
			return nil, fmt.Errorf("sum what is being posted for %s: %w", o.Source, err)
		}
		for _, h := range hidden {
			if earned[h.Currency], err = money.Add(earned[h.Currency], -h.Earned); err != nil {
				return nil, fmt.Errorf("take off what is being posted in %s: %w", h.Currency, err)
			}
		}
	}
	texts := make(map[string]string, len(earned))
	for currency, minor := range earned {
		texts[currency] = money.FormatMinor(minor, money.Currency(currency))
	}
	return texts, nil
}

// keepWithin bounds writing down what nobody waits for.
const keepWithin = 10 * time.Second

// keepSums writes sums down, unless the database has later ones. Where that fails another process reads more postings.
func (s *Store) keepSums(program string, sums *ledgerSums) {
	ctx, cancel := context.WithTimeout(context.Background(), keepWithin)
	defer cancel()
	err := s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		for _, currency := range slices.Sorted(maps.Keys(sums.counts)) {
			_, err := tx.ExecContext(ctx, `INSERT INTO ledger_sums (program_id, currency, batch_sequence, postings, earned_minor)
				VALUES ($1, $2, $3, $4, $5) ON CONFLICT (program_id, currency) DO UPDATE SET batch_sequence = excluded.batch_sequence,
				postings = excluded.postings, earned_minor = excluded.earned_minor WHERE ledger_sums.batch_sequence < excluded.batch_sequence`,
				program, currency, sums.upTo, sums.counts[currency], sums.earned[currency])
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.config.Logger.WarnContext(ctx, "what the ledger holds could not be written down", "program_id", program, "error", err)
	}
}

// peopleSums is what those few people have earned who have so many postings that to sum them each time would be slow.
type peopleSums struct {
	mu   sync.Mutex
	sums map[string]*personSum // by distributor
}

type personSum struct {
	upTo   int64
	earned map[string]int64 // minor units by currency
}

// The sum of that many postings is remembered, of at most so many people.
var (
	manyPostings int64 = 5_000
	manyPeople         = 1_000
)

// earned sums what one distributor has earned, minor units by currency, reversals taken off.
func (p *peopleSums) earned(ctx context.Context, tx *sqlx.Tx, program, distributorID string) (map[string]int64, error) {
	p.mu.Lock()
	known := p.sums[distributorID]
	p.mu.Unlock()
	if known == nil {
		known = &personSum{}
	}
	var last int64
	if err := tx.GetContext(ctx, &last, `SELECT coalesce(max(sequence), 0) FROM seals WHERE program_id = $1`, program); err != nil {
		return nil, fmt.Errorf("find the last batch: %w", err)
	}
	if last <= known.upTo {
		return known.earned, nil
	}
	var rows []sumRow
	err := tx.SelectContext(ctx, &rows, `SELECT currency, count(*) AS postings, CAST(sum(amount_minor) AS bigint) AS earned_minor FROM postings
		WHERE program_id = $1 AND distributor_id = $2 AND batch_sequence > $3 AND batch_sequence <= $4 AND kind = 'earning' GROUP BY currency`,
		program, distributorID, known.upTo, last)
	if err != nil {
		return nil, fmt.Errorf("sum what was earned: %w", err)
	}
	sum, read := &personSum{upTo: last, earned: make(map[string]int64, len(rows))}, int64(0)
	maps.Copy(sum.earned, known.earned)
	for _, r := range rows {
		read += r.Postings
		if sum.earned[r.Currency], err = money.Add(sum.earned[r.Currency], r.Earned); err != nil {
			return nil, fmt.Errorf("sum what was earned in %s: %w", r.Currency, err)
		}
	}
	if read >= manyPostings {
		p.keep(distributorID, sum)
	}
	return sum.earned, nil
}

// keep remembers a sum; where there are too many, all are read anew.
func (p *peopleSums) keep(distributorID string, sum *personSum) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sums) >= manyPeople || p.sums == nil {
		p.sums = make(map[string]*personSum)
	}
	if known := p.sums[distributorID]; known == nil || known.upTo < sum.upTo {
		p.sums[distributorID] = sum
	}
}
