package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
)

// Scratch makes a migrated database of its own beside the one of the URL, for measurements. drop removes it.
func Scratch(ctx context.Context, databaseURL string) (scratchURL string, drop func(context.Context) error, err error) {
	defer server.Wrap(&err, "make a scratch database")
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		return "", nil, err
	}
	name := "upline_scratch_" + hex.EncodeToString(random)
	if err := administer(ctx, databaseURL, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	drop = func(ctx context.Context) error {
		return administer(ctx, databaseURL, "DROP DATABASE "+name+" WITH (FORCE)")
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", nil, errors.Join(errors.New("DATABASE_URL is not a URL"), drop(ctx))
	}
	u.Path = "/" + name
	if _, err := Migrate(ctx, Config{DatabaseURL: u.String()}); err != nil {
		return "", nil, errors.Join(err, drop(ctx))
	}
	return u.String(), drop, nil
}

// administer runs one statement with the login's own rights.
func administer(ctx context.Context, databaseURL, statement string) (err error) {
	db, err := (&postgres{}).connect(ctx, Config{DatabaseURL: databaseURL}.withDefaults(), "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// The bare bulk insert that settling is measured against: integers, a primary and a unique key, and one text per order.
var (
	baselineRows = &bulk{
		name: "insert baseline rows", table: "bench_ledger",
		columns: columns(ints("event_id", "order_id", "distributor_id", "level", "amount_minor", "posted_at")),
		after:   "ON CONFLICT DO NOTHING",
	}
	baselineTraces = &bulk{
		name: "insert baseline traces", table: "bench_traces",
		columns: columns(ints("order_id"), texts("trace")),
		after:   "ON CONFLICT DO NOTHING",
	}
)

const baselineTables = `CREATE TABLE bench_ledger (event_id bigint PRIMARY KEY, order_id bigint NOT NULL,
	distributor_id bigint NOT NULL, level bigint NOT NULL, amount_minor bigint NOT NULL, posted_at bigint NOT NULL,
	UNIQUE (order_id, distributor_id, level));
	CREATE TABLE bench_traces (order_id bigint PRIMARY KEY, trace text NOT NULL)`

// baselineTraceBytes is the size of the trace of the prototype that set the mark.
const baselineTraceBytes = 800

// BulkInsertBaseline measures in orders per second what the database takes at best: the bare bulk insert of so many
// orders with one text each, in transactions of batch orders. It makes tables of its own and drops them, so it needs
// the owner's rights: it is for scratch databases.
func (s *Store) BulkInsertBaseline(ctx context.Context, orders, postingsPerOrder, batch int) (rate float64, err error) {
	defer server.Wrap(&err, "measure the bare bulk insert")
	owner := s
	if s.dialect.name() == "postgres" {
		if owner, err = connectOwner(ctx, s.config); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, owner.Close()) }()
	}
	if _, err := owner.writer.ExecContext(ctx, baselineTables); err != nil {
		return 0, err
	}
	defer func() {
		_, dropErr := owner.writer.ExecContext(context.WithoutCancel(ctx), `DROP TABLE bench_ledger; DROP TABLE bench_traces`)
		err = errors.Join(err, dropErr)
	}()
	trace := strings.Repeat("x", baselineTraceBytes)
	begin := time.Now()
	for first := 0; first < orders; first += batch {
		if err := owner.baselineBatch(ctx, first, min(batch, orders-first), postingsPerOrder, trace); err != nil {
			return 0, err
		}
	}
	return float64(orders) / time.Since(begin).Seconds(), nil
}

func (s *Store) baselineBatch(ctx context.Context, first, count, postingsPerOrder int, trace string) error {
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		ledger, traces := s.dialect.newRows(baselineRows), s.dialect.newRows(baselineTraces)
		for order := int64(first); order < int64(first+count); order++ {
			for level := range int64(postingsPerOrder) {
				for _, v := range []int64{order*int64(postingsPerOrder) + level, order, (order*7 + level*7919) % 100_000, level, 100 + level, s.now()} {
					ledger.int(v)
				}
			}
			traces.int(order)
			traces.text(trace)
		}
		if _, err := s.dialect.run(ctx, tx, baselineRows, ledger); err != nil {
			return fmt.Errorf("rows: %w", err)
		}
		if _, err := s.dialect.run(ctx, tx, baselineTraces, traces); err != nil {
			return fmt.Errorf("traces: %w", err)
		}
		return nil
	})
}
