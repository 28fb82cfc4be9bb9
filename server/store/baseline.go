package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
)

// baselineSnapshot is as long as the calculation of an order with one line and seven levels.
const baselineSnapshot = 1000

// The tables of the baseline have the columns and keys of settlements and postings, and nothing that protects them.
var (
	baselineTables = []string{
		`CREATE TABLE bench_settlements (program_id TEXT NOT NULL, batch_sequence %[1]s NOT NULL, source TEXT NOT NULL,
			revision %[1]s NOT NULL, first_position %[1]s NOT NULL, posting_count %[1]s NOT NULL, snapshot_id %[2]s,
			calc_snapshot_json TEXT NOT NULL, order_ts %[1]s NOT NULL, posted_at %[1]s NOT NULL,
			PRIMARY KEY (program_id, source, revision))`,
		`CREATE TABLE bench_postings (program_id TEXT NOT NULL, batch_sequence %[1]s NOT NULL, position %[1]s NOT NULL,
			first_position %[1]s NOT NULL, event_id %[2]s NOT NULL UNIQUE, line_id TEXT NOT NULL, component_id TEXT NOT NULL,
			distributor_id TEXT NOT NULL, kind TEXT NOT NULL, currency TEXT NOT NULL, amount_minor %[1]s NOT NULL,
			from_account TEXT NOT NULL, to_account TEXT NOT NULL, PRIMARY KEY (program_id, batch_sequence, position))`,
	}
	baselineSettlements = &bulk{name: "insert baseline settlements", table: "bench_settlements", columns: insertSettlements.columns}
	baselinePostings    = &bulk{name: "insert baseline postings", table: "bench_postings", columns: insertPostings.columns}
)

// BulkInsertBaseline is what settlement is measured against: the bare bulk insert of so many orders, one snapshot text
// and some postings each, in transactions of batch orders, with no difference, seal, outbox or order row. It gives
// orders per second and leaves no table behind.
func (s *Store) BulkInsertBaseline(ctx context.Context, orders, postingsPerOrder, batch int) (perSecond float64, err error) {
	owner, err := connectOwner(ctx, s.config)
	if err != nil {
		return 0, fmt.Errorf("connect for the baseline: %w", err)
	}
	defer func() { err = errors.Join(err, owner.Close()) }()
	integer, bytes := "bigint", "bytea"
	if s.Dialect() == "sqlite" {
		integer, bytes = "INTEGER", "BLOB"
	}
	for _, table := range baselineTables {
		if _, err := owner.writer.ExecContext(ctx, fmt.Sprintf(table, integer, bytes)); err != nil {
			return 0, fmt.Errorf("create baseline table: %w", err)
		}
	}
	begin := time.Now() //nolint:forbidigo // a measurement
	for first := 0; first < orders; first += batch {
		count := min(batch, orders-first)
		err := owner.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
			return owner.insertBaseline(ctx, tx, first, count, postingsPerOrder)
		})
		if err != nil {
			return 0, fmt.Errorf("baseline batch: %w", err)
		}
	}
	took := time.Since(begin) //nolint:forbidigo // a measurement
	if _, err := owner.writer.ExecContext(ctx, `DROP TABLE bench_postings`); err != nil {
		return 0, fmt.Errorf("drop baseline table: %w", err)
	}
	if _, err := owner.writer.ExecContext(ctx, `DROP TABLE bench_settlements`); err != nil {
		return 0, fmt.Errorf("drop baseline table: %w", err)
	}
	return float64(orders) / took.Seconds(), nil
}

func (s *Store) insertBaseline(ctx context.Context, tx *sqlx.Tx, first, count, perOrder int) error {
	settlements := s.dialect.newRows(baselineSettlements, "bench", int64(first))
	postings := s.dialect.newRows(baselinePostings, "bench", int64(first))
	text := strings.Repeat("x", baselineSnapshot)
	for i := range count {
		source := fmt.Sprintf("bench-shop/%d", 6_210_000_000_000_000_000+int64(first+i))
		id := sha256.Sum256([]byte(source))
		at := int64(i * perOrder)
		settlements.text(source)
		settlements.int(1)
		settlements.int(at)
		settlements.int(int64(perOrder))
		settlements.bytes(id[:])
		settlements.text(text)
		settlements.int(1_790_000_000_000_000)
		settlements.int(1_790_000_000_000_000)
		for level := range perOrder {
			event := sha256.Sum256(binary.BigEndian.AppendUint32(id[:], uint32(level)))
			addBaselinePosting(postings, at+int64(level), at, event[:])
		}
	}
	if _, err := s.dialect.run(ctx, tx, baselineSettlements, settlements); err != nil {
		return err
	}
	_, err := s.dialect.run(ctx, tx, baselinePostings, postings)
	return err
}

func addBaselinePosting(r rows, position, first int64, event []byte) {
	r.int(position)
	r.int(first)
	r.bytes(event)
	for _, v := range []string{"6310000000000000001", "team", "B00001", "earning", "EUR"} {
		r.text(v)
	}
	r.int(1234)
	r.text("company:commission_expense")
	r.text("distributor:B00001:pending")
}

// CountDone counts a program's deliveries, and its orders that are settled with at least one posting.
func (s *Store) CountDone(ctx context.Context, program string) (deliveries, settled int64, err error) {
	defer server.Wrap(&err, "count what is done in program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if err := tx.GetContext(ctx, &deliveries, `SELECT count(*) FROM inbox_state WHERE program_id = $1 AND status = 'done'`, program); err != nil {
			return err
		}
		return tx.GetContext(ctx, &settled, `SELECT count(*) FROM orders WHERE program_id = $1 AND settlement = 'settled' AND revision > 0`, program)
	})
	return deliveries, settled, err
}

// SumEarned sums what a program's orders have earned, in minor units: a figure to hold against what should be there.
func (s *Store) SumEarned(ctx context.Context, program string) (minor int64, err error) {
	defer server.Wrap(&err, "sum what program %s has earned", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &minor, `SELECT CAST(coalesce(sum(amount_minor), 0) AS bigint) FROM postings WHERE program_id = $1 AND kind = 'earning'`, program)
	})
	return minor, err
}

// Bytes is how large the database is on disk, with its indexes and without its write-ahead log.
func (s *Store) Bytes(ctx context.Context) (size int64, err error) {
	defer server.Wrap(&err, "measure the database")
	query := `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	if s.Dialect() == "postgres" {
		query = `SELECT pg_database_size(current_database())`
	}
	err = s.read(ctx, "", func(tx *sqlx.Tx) error { return tx.GetContext(ctx, &size, query) })
	return size, err
}

// TableSize is how large a table is on disk.
type TableSize struct {
	Table      string `db:"table_name" json:"table"`
	Rows       int64  `db:"row_count" json:"rows"`          // as the last ANALYZE or the running count has it
	Bytes      int64  `db:"bytes" json:"bytes"`             // with its indexes
	IndexBytes int64  `db:"index_bytes" json:"index_bytes"` //
}

// TableSizes are the largest tables, the largest first; none on SQLite, whose file does not tell them apart cheaply.
func (s *Store) TableSizes(ctx context.Context, limit int) (sizes []TableSize, err error) {
	defer server.Wrap(&err, "measure the tables")
	if s.Dialect() != "postgres" {
		return nil, nil
	}
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &sizes, `SELECT relname AS table_name, n_live_tup AS row_count, pg_total_relation_size(relid) AS bytes, pg_indexes_size(relid) AS index_bytes
			FROM pg_stat_user_tables ORDER BY bytes DESC, relname LIMIT $1`, limit)
	})
	return sizes, err
}

// Sessions is how many connections of all processes the database has; 0 on SQLite, which has none.
func (s *Store) Sessions(ctx context.Context) (count int, err error) {
	defer server.Wrap(&err, "count the connections")
	if s.Dialect() != "postgres" {
		return 0, nil
	}
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &count, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()`)
	})
	return count, err
}
