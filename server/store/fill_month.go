package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
)

// FillingMonth is how large a month FillMonth makes.
type FillingMonth struct {
	People, Lines int64
	From, To      int64 // order times, microseconds since 1970 UTC
}

// The figures of person and line i are spread by a multiplication, so that a month is the same on every machine.
const (
	fillMember = `'D' || CAST(10000000 + i AS text)`
	fillAbove  = `CASE WHEN i = 1 THEN '' ELSE 'D' || CAST(10000001 + (i * 2654435761 % 4294967291) % (i - 1) AS text) END`
	fillStatus = `CASE WHEN i % 10 = 0 THEN 'inactive' ELSE 'active' END`
	fillSeller = `'D' || CAST(10000001 + (i * 2654435761 % 4294967291) % CAST($4 AS bigint) AS text)`
	fillCents  = `(500 + i * 40503 % 10007)`
)

// fillPeopleStatements write people 1..n, about thirty levels deep, as one version of the tree.
var fillPeopleStatements = []string{
	fillNumbers + `INSERT INTO distributors (program_id, distributor_id, sponsor_id, status, rank, country, created_at)
		SELECT $1, ` + fillMember + `, ` + fillAbove + `, ` + fillStatus + `, '', 'DE', 1600000000000000 FROM n`,
	fillNumbers + `INSERT INTO genealogy_links (program_id, version, distributor_id, sponsor_id, valid_from, recorded_at)
		SELECT $1, 1, ` + fillMember + `, ` + fillAbove + `, 1600000000000000, 1600000000000000 FROM n`,
	fillNumbers + `INSERT INTO standings (program_id, version, distributor_id, status, rank, valid_from, recorded_at)
		SELECT $1, 1, ` + fillMember + `, ` + fillStatus + `, '', 1600000000000000, 1600000000000000 FROM n`,
}

// fillLines are orders of one line each, every fourth of them a distributor's own.
const fillLines = fillNumbers + `INSERT INTO sales (program_id, sequence, position, source, line_id, seller_id, buyer_id, customer_id,
	commission_class, country, currency, order_ts, quantity, net_minor, cv, qv, recorded_at)
	SELECT $1, CAST($2 AS bigint) / 20000 + 1, i, 'bench-shop/' || CAST(i AS text), '1', ` + fillSeller + `,
	CASE WHEN i % 4 = 0 THEN ` + fillSeller + ` ELSE '' END, CASE WHEN i % 4 = 0 THEN '' ELSE 'bench-shop/' || CAST(i % 3000000 AS text) END,
	CASE WHEN i % 2 = 0 THEN 'tea' ELSE 'kit' END, 'DE', 'EUR', CAST($5 AS bigint) + i * 999983 % CAST($6 AS bigint), 1, ` + fillCents + `,
	` + fillCents + ` * 10000, ` + fillCents + ` * 10000, CAST($5 AS bigint) FROM n`

// FillMonth writes people and what sold in a month in bulk, for benches, as importing and settling would have left them. The program
// must be new.
func (s *Store) FillMonth(ctx context.Context, program string, f FillingMonth, progress func(lines int64)) (err error) {
	defer server.Wrap(&err, "fill a month of program %s", program)
	for _, statement := range fillPeopleStatements {
		err := s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, statement, program, 1, f.People)
			return err
		})
		if err != nil {
			return fmt.Errorf("%.40s: %w", statement, err)
		}
	}
	for first := int64(1); first <= f.Lines; first += fillChunk {
		last := min(first+fillChunk-1, f.Lines)
		err := s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, fillLines, program, first, last, f.People, f.From, f.To-f.From)
			return err
		})
		if err != nil {
			return err
		}
		progress(last)
	}
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE programs SET tree_version = 1 WHERE program_id = $1`, program); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sale_heads (program_id, sequence) VALUES ($1, $2)`, program, (f.Lines-1)/fillChunk+1)
		return err
	})
	if err != nil {
		return err
	}
	return s.settleDown(ctx)
}
