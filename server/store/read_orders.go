package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

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
	c, err := orderConditions(program, &f, p)
	if err != nil {
		return nil, "", err
	}
	limit := pageLimit(p)
	var rows []orderRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if f.Platform == "" || f.StoreID != "" || f.DistributorID != "" || f.Search != "" {
			return tx.SelectContext(ctx, &rows, `SELECT `+listedColumns+` FROM orders`+c.String()+orderBy(&f)+c.limited(limit), c.args...)
		}
		rows, err = ordersOfPlatform(ctx, tx, program, &f, c, limit)
		return err
	})
	rows, next = cut(rows, limit, func(r *orderRow) cursor { return cursor{digits(r.OrderTS), r.Source} })
	return publicOrders(rows), next, err
}

func orderConditions(program string, f *query.OrderFilter, p query.Page) (*conditions, error) {
	c := where(program, "program_id").andIf("store_id", f.StoreID).andIf("reason_code", f.ReasonCode).andIf("settlement", f.Settlement).
		andIf("platform", f.Platform).andIf("status", f.Status)
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
	if !f.From.IsZero() {
		c.and("order_ts >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		c.and("order_ts < ?", micros(f.To))
	}
	after, err := readCursor(p.After, 2)
	if err != nil || after == nil {
		return c, err
	}
	ts, err := after.number(0)
	if err != nil {
		return nil, err
	}
	if f.OldestFirst {
		c.and("(order_ts, source) > (?, ?)", ts, after[1])
	} else {
		c.and("(order_ts, source) < (?, ?)", ts, after[1])
	}
	return c, nil
}

func orderBy(f *query.OrderFilter) string {
	if f.OldestFirst {
		return ` ORDER BY order_ts, source`
	}
	return ` ORDER BY order_ts DESC, source DESC`
}

// ordersOfPlatform takes a page of each of the platform's stores and keeps what comes first: a platform with few orders
// among many would otherwise be looked for along the whole of time.
func ordersOfPlatform(ctx context.Context, tx *sqlx.Tx, program string, f *query.OrderFilter, c *conditions, limit int) (all []orderRow, err error) {
	var stores []string
	err = tx.SelectContext(ctx, &stores, `SELECT store_id FROM stores WHERE program_id = $1 AND platform = $2 ORDER BY store_id`, program, f.Platform)
	if err != nil {
		return nil, err
	}
	for _, id := range stores {
		own := &conditions{clauses: slices.Clone(c.clauses), args: slices.Clone(c.args)}
		own.and("store_id = ?", id)
		var rows []orderRow
		if err := tx.SelectContext(ctx, &rows, `SELECT `+listedColumns+` FROM orders`+own.String()+orderBy(f)+own.limited(limit), own.args...); err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b orderRow) int {
		order := cmp.Or(cmp.Compare(b.OrderTS, a.OrderTS), strings.Compare(b.Source, a.Source))
		if f.OldestFirst {
			return -order
		}
		return order
	})
	return all[:min(len(all), limit+1)], nil
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
