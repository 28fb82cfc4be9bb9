package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// maxFound bounds a search by text.
const maxFound = 20

// listedColumns are what screens show; the state and the pins of an order stay behind.
const listedColumns = `source, store_id, platform, platform_order_id, name, order_ts, status, settlement, reason_code,
	reason, waiting_minor, waiting_currency, currency, net_minor, earned_minor, distributor_id, buyer_id, lines_json,
	revision, received_at, settled_at`

func (row *orderRow) public() query.Order {
	currency := money.Currency(row.Currency)
	o := query.Order{
		OrderID: row.Source, StoreID: row.StoreID, Platform: row.Platform, PlatformOrderID: row.PlatformOrderID,
		Name: row.Name, OrderTS: instant(row.OrderTS), Status: row.Status, Settlement: row.Settlement,
		ReasonCode: row.ReasonCode, Reason: row.Reason, Currency: row.Currency,
		NetMinor: row.NetMinor, Net: money.FormatMinor(row.NetMinor, currency),
		EarnedMinor: row.EarnedMinor, Earned: money.FormatMinor(row.EarnedMinor, currency),
		DistributorID: row.DistributorID, BuyerID: row.BuyerID, Revision: row.Revision, ReceivedAt: instant(row.ReceivedAt),
	}
	if row.WaitingCurrency != "" {
		o.WaitingMinor, o.WaitingCurrency = row.WaitingMinor, row.WaitingCurrency
		o.Waiting = money.FormatMinor(row.WaitingMinor, money.Currency(row.WaitingCurrency))
	}
	if row.SettledAt != 0 {
		at := instant(row.SettledAt)
		o.SettledAt = &at
	}
	return o
}

func publicOrders(rows []orderRow) []query.Order {
	list := make([]query.Order, len(rows))
	for i := range rows {
		list[i] = rows[i].public()
	}
	return list
}

// Orders lists orders, the newest first. See query.Reader.
func (s *Store) Orders(ctx context.Context, program string, f query.OrderFilter, p query.Page) (list []query.Order, next string, err error) {
	defer server.Wrap(&err, "list orders of program %s", program)
	c := where(program, "program_id").andIf("store_id", f.StoreID).andIf("reason_code", f.ReasonCode).andIf("settlement", f.Settlement)
	// Spelt out, so that the indexes of parked orders, which alone have a reason, and of those with a distributor are used.
	if f.Settlement == "parked" || f.ReasonCode != "" {
		c.and("settlement = 'parked'")
	}
	if f.DistributorID != "" {
		c.and("distributor_id <> '' AND distributor_id = ?", f.DistributorID)
	}
	if f.Search != "" {
		c.and(`source IN (SELECT source FROM orders WHERE program_id = ? AND name IN (?, ?)
			UNION ALL SELECT store_id || '/' || ? FROM stores WHERE program_id = ? UNION ALL SELECT ?)`,
			program, f.Search, "#"+f.Search, f.Search, program, f.Search)
	}
	after, err := readCursor(p.After, 2)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		ts, err := after.number(0)
		if err != nil {
			return nil, "", err
		}
		c.and("(order_ts, source) < (?, ?)", ts, after[1])
	}
	limit := pageLimit(p)
	var rows []orderRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+listedColumns+` FROM orders`+c.String()+
			` ORDER BY order_ts DESC, source DESC`+c.limited(limit), c.args...)
	})
	rows, next = cut(rows, limit, func(r *orderRow) cursor { return cursor{digits(r.OrderTS), r.Source} })
	return publicOrders(rows), next, err
}

// Order reads one order. See query.Reader.
func (s *Store) Order(ctx context.Context, program, orderID string) (o query.Order, err error) {
	defer server.Wrap(&err, "read order %s", orderID)
	var row orderRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+listedColumns+` FROM orders WHERE program_id = $1 AND source = $2`,
			program, orderID), "There is no order %s.", orderID)
	})
	if err != nil {
		return query.Order{}, err
	}
	return row.public(), nil
}

// FindOrders finds orders by their id, the platform's id or the name. See query.Reader.
func (s *Store) FindOrders(ctx context.Context, program, text string) (list []query.Order, err error) {
	defer server.Wrap(&err, "find orders by %q", text)
	list, _, err = s.Orders(ctx, program, query.OrderFilter{Search: text}, query.Page{Limit: maxFound})
	return list, err
}

// Snapshots lists the calculations that posted something for an order, the first one first. See query.Reader.
func (s *Store) Snapshots(ctx context.Context, program, orderID string) (list []query.Snapshot, err error) {
	defer server.Wrap(&err, "read the calculations of order %s", orderID)
	var rows []snapshotRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+snapshotColumns+` FROM settlements
			WHERE program_id = $1 AND source = $2 AND calc_snapshot_json <> '' ORDER BY revision DESC`, program, orderID)
	})
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, err
}
