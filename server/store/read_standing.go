package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// latencyOf is over how many of the newest deliveries a latency is told.
const latencyOf = 1000

// Standing tells where a program stands. See query.Screens.
func (s *Store) Standing(ctx context.Context, program string) (st query.Standing, err error) {
	defer server.Wrap(&err, "tell where program %s stands", program)
	o, err := s.Overview(ctx, program)
	if err != nil {
		return st, err
	}
	st = query.Standing{Waiting: []query.Reason{}, LastSeal: o.LastBatch}
	var waiting, oldest int64
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		for _, ask := range []struct {
			into  *int64
			query string
		}{
			{&waiting, `SELECT count(*) FROM inbox_state WHERE program_id = $1 AND status = 'waiting'`},
			{&oldest, `SELECT coalesce(min(received_at), 0) FROM inbox_state WHERE program_id = $1 AND status = 'waiting'`},
			{&st.Releasing, `SELECT count(*) FROM released_sources WHERE program_id = $1`},
			{&st.UnmappedSKU, `SELECT count(*) FROM (SELECT DISTINCT cause_key FROM park_causes WHERE program_id = $1 AND cause_key >= 'sku:' AND cause_key < 'sku;') c`},
		} {
			if err := tx.GetContext(ctx, ask.into, ask.query, program); err != nil {
				return err
			}
		}
		if st.Waiting, err = reasons(ctx, tx, program); err != nil {
			return err
		}
		if st.Emit, err = emitted(ctx, tx, program); err != nil {
			return err
		}
		return s.addProof(ctx, tx, program, &st)
	})
	unmapped := int64(0)
	for _, r := range st.Waiting {
		if r.Code == "unmapped_sku" {
			unmapped += r.Orders
		}
	}
	st.Stages = []query.Stage{
		{Name: "received", Count: o.Deliveries, Oldest: maybe(oldest)},
		{Name: "mapped", Count: o.Orders - unmapped},
		{Name: "commissioned", Count: o.Orders - o.ParkedOrders},
		{Name: "posted", Count: o.Postings},
	}
	return st, err
}

// reasons sums what parked orders wait for.
func reasons(ctx context.Context, tx *sqlx.Tx, program string) ([]query.Reason, error) {
	var rows []struct {
		Code     string `db:"reason_code"`
		Currency string `db:"waiting_currency"`
		Orders   int64  `db:"orders"`
		Minor    int64  `db:"minor"`
	}
	err := tx.SelectContext(ctx, &rows, `SELECT reason_code, waiting_currency, count(*) AS orders, CAST(sum(waiting_minor) AS bigint) AS minor
		FROM orders WHERE program_id = $1 AND settlement = 'parked' GROUP BY reason_code, waiting_currency
		ORDER BY count(*) DESC, reason_code, waiting_currency`, program)
	list := make([]query.Reason, len(rows))
	for i, r := range rows {
		list[i] = query.Reason{Code: r.Code, Currency: r.Currency, Orders: r.Orders}
		if r.Currency != "" {
			list[i].Waiting = money.FormatMinor(r.Minor, money.Currency(r.Currency))
		}
	}
	return list, err
}

// emitted measures the newest deliveries from arrival to commit.
func emitted(ctx context.Context, tx *sqlx.Tx, program string) (query.Latency, error) {
	var took []int64
	err := tx.SelectContext(ctx, &took, `SELECT s.settled_at - s.received_at FROM inbox i JOIN inbox_state s ON s.delivery_id = i.delivery_id
		WHERE i.program_id = $1 AND s.settled_at > 0 ORDER BY i.delivery_id DESC LIMIT $2`, program, latencyOf)
	if err != nil || len(took) == 0 {
		return query.Latency{}, err
	}
	slices.Sort(took)
	return query.Latency{Of: int64(len(took)), P50US: took[len(took)/2], P95US: took[len(took)*95/100]}, nil
}

// addProof looks for what shows that the whole way works: a plan, and an order that paid.
func (s *Store) addProof(ctx context.Context, tx *sqlx.Tx, program string, st *query.Standing) error {
	var hashes []string
	err := tx.SelectContext(ctx, &hashes, `SELECT plan_hash FROM plan_versions WHERE program_id = $1 AND effective_from <= $2
		ORDER BY effective_from DESC, version DESC LIMIT 1`, program, s.now())
	if err != nil {
		return err
	}
	if len(hashes) > 0 {
		st.PlanHash = hashes[0]
	}
	var rows []orderRow
	err = tx.SelectContext(ctx, &rows, `SELECT `+listedColumns+` FROM orders WHERE program_id = $1 AND source = (SELECT source FROM settlements
		WHERE program_id = $1 AND calc_snapshot_json <> '' ORDER BY batch_sequence DESC, first_position DESC LIMIT 1)`, program)
	if err == nil && len(rows) == 1 {
		paid := rows[0].public()
		st.Paid = &paid
	}
	return err
}

// Pulse is one cheap look at what may have changed. See query.Screens.
func (s *Store) Pulse(ctx context.Context, program string) (p query.Pulse, err error) {
	defer server.Wrap(&err, "feel the pulse of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		var row struct {
			Tree    int64 `db:"tree_version"`
			Catalog int64 `db:"catalog_version"`
		}
		if err := tx.GetContext(ctx, &row, `SELECT tree_version, catalog_version FROM programs WHERE program_id = $1`, program); err != nil {
			return found(err, "There is no program %s.", program)
		}
		p.Tree, p.Catalog = row.Tree, row.Catalog
		for _, ask := range []struct {
			into  any
			query string
		}{
			{&p.Delivery, `SELECT coalesce(max(delivery_id), '') FROM inbox WHERE program_id = $1`},
			{&p.Batch, `SELECT coalesce(max(sequence), 0) FROM seals WHERE program_id = $1`},
			{&p.Parked, `SELECT count(*) FROM orders WHERE program_id = $1 AND settlement = 'parked'`},
		} {
			if err := tx.GetContext(ctx, ask.into, ask.query, program); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

// Steps tells what happened to an order, in the order of time. See query.Screens.
func (s *Store) Steps(ctx context.Context, program, orderID string) (steps []query.Step, err error) {
	defer server.Wrap(&err, "tell what happened to order %s", orderID)
	if _, err := s.Order(ctx, program, orderID); err != nil {
		return nil, err
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		var deliveries []deliveryRow
		err := tx.SelectContext(ctx, &deliveries, `SELECT `+deliveryColumns+deliveryTables+`WHERE s.program_id = $1 AND s.source <> '' AND s.source = $2
			AND i.program_id = $1 ORDER BY s.delivery_id DESC LIMIT 200`, program, orderID)
		if err != nil {
			return err
		}
		for i := range deliveries {
			d := &deliveries[i]
			steps = append(steps, query.Step{At: instant(d.ReceivedAt), What: "received", DeliveryID: d.DeliveryID, Topic: d.Topic})
			if d.SettledAt != 0 {
				steps = append(steps, query.Step{At: instant(d.SettledAt), What: "decided", DeliveryID: d.DeliveryID, Topic: d.Topic, Result: d.Result})
			}
		}
		var posted []struct {
			Revision int64 `db:"revision"`
			Postings int64 `db:"posting_count"`
			PostedAt int64 `db:"posted_at"`
		}
		err = tx.SelectContext(ctx, &posted, `SELECT revision, posting_count, posted_at FROM settlements WHERE program_id = $1 AND source = $2
			ORDER BY revision`, program, orderID)
		for _, r := range posted {
			steps = append(steps, query.Step{At: instant(r.PostedAt), What: "posted", Revision: r.Revision, Postings: r.Postings})
		}
		return err
	})
	slices.SortStableFunc(steps, func(a, b query.Step) int { return a.At.Compare(b.At) })
	return steps, err
}

// OrderState reads everything known of an order. See query.Screens.
func (s *Store) OrderState(ctx context.Context, program, orderID string) (state order.State, err error) {
	defer server.Wrap(&err, "read the state of order %s", orderID)
	var text string
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &text, `SELECT state_json FROM orders WHERE program_id = $1 AND source = $2`, program, orderID),
			"There is no order %s.", orderID)
	})
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return state, fmt.Errorf("decode: %w", err)
	}
	return state, nil
}

// StoredDelivery reads a delivery with its sealed body. See query.Screens.
func (s *Store) StoredDelivery(ctx context.Context, program, deliveryID string) (d query.StoredDelivery, err error) {
	defer server.Wrap(&err, "read the body of delivery %s", deliveryID)
	var row struct {
		Headers string `db:"headers_json"`
		Body    []byte `db:"sealed_body"`
		SHA256  []byte `db:"body_sha256"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT i.headers_json, `+s.dialect.bodyOf()+` AS sealed_body, i.body_sha256 FROM inbox i
			WHERE i.program_id = $1 AND i.delivery_id = $2`, program, deliveryID), "There is no delivery %s.", deliveryID)
	})
	if err != nil {
		return d, err
	}
	d = query.StoredDelivery{DeliveryID: deliveryID, SealedBody: row.Body}
	copy(d.BodySHA256[:], row.SHA256)
	if err := json.Unmarshal([]byte(row.Headers), &d.Headers); err != nil {
		return d, fmt.Errorf("decode the headers: %w", err)
	}
	return d, nil
}
