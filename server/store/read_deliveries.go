package store

import (
	"context"
	"encoding/hex"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/query"
)

func (d *deliveryRow) public() query.Delivery {
	p := query.Delivery{
		DeliveryID: d.DeliveryID, PlatformDeliveryID: d.PlatformDeliveryID, StoreID: d.StoreID, Platform: d.Platform,
		Topic: d.Topic, OrderID: d.Source, Status: d.Status, Result: d.Result, Reason: d.Reason, Attempt: d.Attempt,
		BodyBytes: d.BodyBytes, BodySHA256: hex.EncodeToString(d.BodySHA256), ReceivedAt: instant(d.ReceivedAt),
	}
	if d.SettledAt != 0 {
		at := instant(d.SettledAt)
		p.SettledAt = &at
	}
	return p
}

// Deliveries lists what arrived, the newest first; delivery ids are in the order of arrival. See query.Reader.
func (s *Store) Deliveries(ctx context.Context, program string, f query.DeliveryFilter, p query.Page) (list []query.Delivery, next string, err error) {
	defer server.Wrap(&err, "list deliveries of program %s", program)
	c := where(program, "i.program_id").and("s.program_id = ?", program).andIf("i.store_id", f.StoreID).andIf("i.topic", f.Topic)
	if !f.From.IsZero() {
		c.and("i.received_at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		c.and("i.received_at < ?", micros(f.To))
	}
	switch inbox.Status(f.Status) {
	case "":
	case inbox.Waiting, inbox.Done, inbox.Parked:
		c.and("s.status = '" + f.Status + "'") // spelt out, so that the index of parked deliveries is used
	default:
		return nil, "", &server.Error{Code: server.Invalid, Field: "status", Message: "A status is waiting, done or parked."}
	}
	if f.PlatformDeliveryID != "" {
		c.and("i.platform_delivery_id = ? AND i.store_id IN (SELECT store_id FROM stores WHERE program_id = ?)", f.PlatformDeliveryID, program)
	}
	if f.OrderID != "" {
		c.and("s.source <> '' AND s.source = ?", f.OrderID)
	}
	after, err := readCursor(p.After, 1)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		c.and("i.delivery_id < ?", after[0])
	}
	limit := pageLimit(p)
	var rows []deliveryRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+deliveryColumns+deliveryTables+c.String()+
			` ORDER BY i.delivery_id DESC`+c.limited(limit), c.args...)
	})
	rows, next = cut(rows, limit, func(d *deliveryRow) cursor { return cursor{d.DeliveryID} })
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, next, err
}

// Delivery reads one delivery. See query.Reader.
func (s *Store) Delivery(ctx context.Context, program, deliveryID string) (d query.Delivery, err error) {
	defer server.Wrap(&err, "read delivery %s", deliveryID)
	var row deliveryRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+deliveryColumns+deliveryTables+
			`WHERE i.program_id = $1 AND i.delivery_id = $2`, program, deliveryID), "There is no delivery %s.", deliveryID)
	})
	if err != nil {
		return query.Delivery{}, err
	}
	return row.public(), nil
}
