package store

import (
	"context"
	"strings"

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
}

const programSelect = `SELECT program_id, name, currency, time_zone, created_at FROM programs`

func (r *programRow) public() query.Program {
	return query.Program{ProgramID: r.ProgramID, Name: r.Name, Currency: r.Currency, TimeZone: r.TimeZone, CreatedAt: instant(r.CreatedAt)}
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
	return list, err
}

// Overview counts what a program has. See query.Reader.
func (s *Store) Overview(ctx context.Context, program string) (o query.Overview, err error) {
	defer server.Wrap(&err, "read the overview of program %s", program)
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
			{&o.MappedSKUs, `SELECT count(*) FROM (SELECT DISTINCT platform, platform_sku FROM sku_mapping WHERE program_id = $1) m`},
			{&o.Plans, `SELECT count(*) FROM plan_versions WHERE program_id = $1`},
			{&o.Orders, `SELECT count(*) FROM orders WHERE program_id = $1`},
			{&o.ParkedOrders, `SELECT count(*) FROM orders WHERE program_id = $1 AND settlement = 'parked'`},
			{&o.Deliveries, `SELECT count(*) FROM inbox WHERE program_id = $1`},
			{&o.LastBatch, `SELECT coalesce(max(sequence), 0) FROM seals WHERE program_id = $1`},
		} {
			if err := tx.GetContext(ctx, count.into, count.query, program); err != nil {
				return err
			}
		}
		o.EarnedByMoney, err = readEarned(ctx, tx, program)
		return err
	})
	return o, err
}

// readEarned sums what was earned per currency, in Go: a sum that does not fit is an error and not another number.
func readEarned(ctx context.Context, tx *sqlx.Tx, program string) (map[string]string, error) {
	var sums []struct {
		Currency string `db:"currency"`
		Minor    int64  `db:"minor"`
	}
	err := tx.SelectContext(ctx, &sums, `SELECT currency, CAST(sum(earned_minor) AS bigint) AS minor FROM orders
		WHERE program_id = $1 AND revision > 0 GROUP BY currency`, program)
	earned := make(map[string]string, len(sums))
	for _, sum := range sums {
		earned[sum.Currency] = money.FormatMinor(sum.Minor, money.Currency(sum.Currency))
	}
	return earned, err
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
			FROM park_causes c JOIN orders o ON o.program_id = c.program_id AND o.source = c.source
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
