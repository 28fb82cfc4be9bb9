package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// programRow is one row of programs.
type programRow struct {
	ProgramID string `db:"program_id"`
	Name      string `db:"name"`
	Currency  string `db:"currency"`
	TimeZone  string `db:"time_zone"`
	CreatedAt int64  `db:"created_at"`
	Catalog   int64  `db:"catalog_version"`
	ClosedAt  int64  `db:"closed_at"`
}

const programSelect = `SELECT program_id, name, currency, time_zone, created_at, catalog_version, closed_at FROM programs`

func (r *programRow) public() query.Program {
	p := query.Program{ProgramID: r.ProgramID, Name: r.Name, Currency: r.Currency, TimeZone: r.TimeZone, CreatedAt: instant(r.CreatedAt)}
	if r.ClosedAt != 0 {
		at := instant(r.ClosedAt)
		p.ClosedAt = &at
	}
	return p
}

// Programs lists all programs; it is for the operator, not for one of them. See query.Reader.
func (s *Store) Programs(ctx context.Context) (list []query.Program, err error) {
	defer server.Wrap(&err, "list programs")
	var rows []programRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, programSelect+` ORDER BY program_id`)
	})
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, err
}

// Stores lists a program's stores. See query.Reader.
func (s *Store) Stores(ctx context.Context, program string) (list []query.StoreRow, err error) {
	defer server.Wrap(&err, "list stores of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		list, err = readStores(ctx, tx, program)
		return err
	})
	return list, err
}

func readStores(ctx context.Context, tx *sqlx.Tx, program string) (list []query.StoreRow, err error) {
	var rows []storeRow
	err = tx.SelectContext(ctx, &rows, `SELECT `+storeColumns+` FROM stores WHERE program_id = $1 ORDER BY store_id`, program)
	for i := range rows {
		r := &rows[i]
		row := query.StoreRow{
			StoreID: r.StoreID, Platform: r.Platform, Domain: r.Domain, Name: r.Name, Currency: r.Currency,
			AcceptTestOrders: r.AcceptTestOrders != 0,
		}
		if r.GoLiveAt != 0 {
			at := instant(r.GoLiveAt)
			row.GoLiveAt = &at
		}
		if r.LastDeliveryAt != 0 {
			at := instant(r.LastDeliveryAt)
			row.LastDeliveryAt = &at
		}
		list = append(list, row)
	}
	if err != nil {
		return nil, err
	}
	return list, addConnections(ctx, tx, program, list)
}

// addConnections says of each store whether its platform lets us in. Both lists are in the order of the ids.
func addConnections(ctx context.Context, tx *sqlx.Tx, program string, list []query.StoreRow) error {
	var rows []connectionRow
	err := tx.SelectContext(ctx, &rows, connectionSelect+`WHERE stores.program_id = $1 ORDER BY stores.store_id`, program)
	for i := range rows {
		c, row := rows[i].connection(), &list[i]
		row.Connection, row.ConnectionReason, row.Scopes = string(c.State), c.Reason, c.Scopes
		if !c.ConnectedAt.IsZero() {
			row.ConnectedAt = &c.ConnectedAt
		}
	}
	return err
}

// Overview counts what a program has. See query.Reader.
func (s *Store) Overview(ctx context.Context, program string) (o query.Overview, err error) {
	defer server.Wrap(&err, "read the overview of program %s", program)
	tally := &s.facts(program).tally
	tally.mu.Lock()
	defer tally.mu.Unlock()
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		var row programRow
		if err := tx.GetContext(ctx, &row, programSelect+` WHERE program_id = $1`, program); err != nil {
			return found(err, "There is no program %s.", program)
		}
		o.Program = row.public()
		if o.Stores, err = readStores(ctx, tx, program); err != nil {
			return err
		}
		for _, count := range []struct {
			into  *int64
			query string
		}{
			{&o.Distributors, `SELECT count(*) FROM distributors WHERE program_id = $1`},
			{&o.Plans, `SELECT count(*) FROM plan_versions WHERE program_id = $1`},
			{&o.Orders, `SELECT count(*) FROM orders WHERE program_id = $1`},
			{&o.ParkedOrders, `SELECT count(*) FROM orders WHERE program_id = $1 AND settlement = 'parked'`},
			{&o.Deliveries, `SELECT count(*) FROM inbox WHERE program_id = $1`},
		} {
			*count.into, err = tally.count(s.config.Clock, count.query, func() (n int64, err error) {
				return n, tx.GetContext(ctx, &n, count.query, program)
			}, func() { s.beside.look(func(ctx context.Context) { s.recount(ctx, program, count.query) }) })
			if err != nil {
				return err
			}
		}
		if o.MappedSKUs, err = tally.mapped(ctx, tx, program, row.Catalog); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &o.LastBatch, `SELECT coalesce(max(sequence), 0) FROM seals WHERE program_id = $1`, program); err != nil {
			return err
		}
		sums, err := tally.sumsUpTo(ctx, tx, program, o.LastBatch, func(sums *ledgerSums) { s.beside.keep(func() { s.keepSums(program, sums) }) })
		if err != nil {
			return err
		}
		o.Postings = sums.postings
		o.EarnedByMoney, err = visibleEarned(ctx, tx, program, sums)
		return err
	})
	return o, err
}

// recountWithin bounds a count that nobody waits for.
const recountWithin = time.Minute

// recount counts anew while the old number is still shown. Where it cannot be counted, the next one who looks waits for it.
func (s *Store) recount(ctx context.Context, program, statement string) {
	ctx, cancel := context.WithTimeout(ctx, recountWithin)
	defer cancel()
	begin, n := s.config.Clock(), int64(0)
	err := s.read(ctx, program, func(tx *sqlx.Tx) error { return tx.GetContext(ctx, &n, statement, program) })
	tally := &s.facts(program).tally
	tally.mu.Lock()
	defer tally.mu.Unlock()
	if err != nil {
		delete(tally.counts, statement)
		return
	}
	tally.keep(statement, n, begin, s.config.Clock())
}

// tally is what the overview of a program need not count anew each time somebody looks.
type tally struct {
	mu     sync.Mutex
	counts map[string]counted // by statement
	sums   *ledgerSums        // nil: not read yet
	skus   int64              // that are mapped, by version skusOf of the catalogue
	skusOf int64
}

type counted struct {
	rows int64
	till time.Time // how long it is good enough
	// asked says that it is being counted anew.
	asked bool
}

// mapped counts the SKUs that are mapped, once for each version of the catalogue.
func (t *tally) mapped(ctx context.Context, tx *sqlx.Tx, program string, version int64) (int64, error) {
	if version == 0 || version != t.skusOf {
		err := tx.GetContext(ctx, &t.skus, `SELECT count(*) FROM (SELECT DISTINCT platform, platform_sku FROM sku_mapping
			WHERE program_id = $1 AND version <= $2) m`, program, version)
		if err != nil {
			return 0, fmt.Errorf("count mapped SKUs: %w", err)
		}
		t.skusOf = version
	}
	return t.skus, nil
}

// A count of so many rows may be repeated for so many times as long as it took: counting then costs the database at most
// one part in a hundred, and a large company sees its orders a few seconds late. Past that it is shown for countStale more,
// while it is counted anew beside. Smaller counts are always exact.
const (
	manyRows    = 50_000
	countsApart = 100
	countStale  = time.Minute
)

// count gives the number of rows; later counts anew without anybody waiting. The tally is locked.
func (t *tally) count(clock func() time.Time, statement string, ask func() (int64, error), later func()) (int64, error) {
	begin := clock()
	known, found := t.counts[statement]
	if begin.Before(known.till) {
		return known.rows, nil
	}
	if found && begin.Sub(known.till) < countStale {
		if !known.asked {
			known.asked = true
			t.counts[statement] = known
			later()
		}
		return known.rows, nil
	}
	n, err := ask()
	if err != nil {
		return 0, err
	}
	t.keep(statement, n, begin, clock())
	return n, nil
}

// keep remembers a large count, and forgets one that is small now.
func (t *tally) keep(statement string, n int64, begin, end time.Time) {
	if n < manyRows {
		delete(t.counts, statement)
		return
	}
	if t.counts == nil {
		t.counts = make(map[string]counted)
	}
	t.counts[statement] = counted{rows: n, till: end.Add(countsApart * end.Sub(begin))}
}

// UnmappedSKUs lists the SKUs that orders wait for, with the money that waits. See query.Reader.
func (s *Store) UnmappedSKUs(ctx context.Context, program string) (list []query.UnmappedSKU, err error) {
	defer server.Wrap(&err, "list unmapped SKUs of program %s", program)
	var rows []struct {
		Cause    string `db:"cause_key"`
		Currency string `db:"waiting_currency"`
		Orders   int64  `db:"orders"`
		Minor    int64  `db:"minor"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT c.cause_key, o.waiting_currency, count(*) AS orders,
			CAST(sum(o.waiting_minor) AS bigint) AS minor
			FROM park_causes c JOIN orders o ON o.program_id = c.program_id AND o.source = c.source AND o.settlement = 'parked'
			WHERE c.program_id = $1 AND c.cause_key >= 'sku:' AND c.cause_key < 'sku;'
			GROUP BY c.cause_key, o.waiting_currency ORDER BY c.cause_key, o.waiting_currency`, program)
	})
	for _, r := range rows {
		platform, sku, _ := strings.Cut(strings.TrimPrefix(r.Cause, "sku:"), ":")
		list = append(list, query.UnmappedSKU{
			Platform: platform, PlatformSKU: sku, Orders: r.Orders, Currency: r.Currency,
			WaitingMinor: r.Minor, Waiting: money.FormatMinor(r.Minor, money.Currency(r.Currency)),
		})
	}
	return list, err
}
