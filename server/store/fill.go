package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
)

// Filling is how large a company Fill makes.
type Filling struct {
	Orders int64
	People int64
	SKUs   int64
	Batch  int64 // the ledger's last batch before
}

// fillChunk is how many orders one transaction of Fill writes.
const fillChunk = 20_000

// fillOrders are orders 1..n in the order of time, a minute apart. The first thousand are of a store that has none after
// them; one in a hundred is parked; one in a hundred belongs to the first distributor, the rest to everybody in turn.
const (
	fillNumbers = `WITH RECURSIVE n(i) AS (SELECT CAST($2 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < CAST($3 AS bigint)) `
	fillStore   = `CASE WHEN i <= 1000 THEN 'bench-few' WHEN i % 5 = 0 THEN 'bench-woo' ELSE 'bench-shop' END`
	fillTime    = `(1700000000000000 + i * 60000000)`
	fillPerson  = `'D' || CAST(1000000 + CASE WHEN i % 100 = 1 THEN 1 ELSE i % CAST($4 AS bigint) END AS text)`
	fillParked  = `i % 100 = 7`
)

// Fill writes a company of orders, deliveries, postings and people in bulk, for benches: what lists read is as the product
// writes it, what they do not read is only as long.
func (s *Store) Fill(ctx context.Context, program string, f Filling, progress func(orders int64)) (err error) {
	defer server.Wrap(&err, "fill program %s", program)
	if err := s.fillFacts(ctx, program, f); err != nil {
		return err
	}
	for first := int64(1); first <= f.Orders; first += fillChunk {
		last := min(first+fillChunk-1, f.Orders)
		err := s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
			for _, statement := range s.fillStatements() {
				args := []any{program, first, last, f.People, f.Batch}
				for !strings.Contains(statement, fmt.Sprintf("$%d", len(args))) { // a parameter that is not there is refused
					args = args[:len(args)-1]
				}
				if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
					return fmt.Errorf("%.40s: %w", statement, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		progress(last)
	}
	return s.settleDown(ctx)
}

// fillStatements write the orders of one chunk with all that hangs on them.
func (s *Store) fillStatements() []string {
	random := func(bytes int) string { return fmt.Sprintf("randomblob(%d)", bytes) }
	if s.dialect.name() == "postgres" {
		random = func(bytes int) string {
			return fmt.Sprintf("substr(decode(repeat(md5(CAST(i AS text)), %d), 'hex'), 1, %d)", bytes/16+1, bytes)
		}
	}
	event := random(32)
	if s.dialect.name() == "postgres" { // an event is there once
		event = `sha256(CAST(CAST(i AS text) || '-' || CAST(k.k AS text) AS bytea))`
	}
	pad := strings.Repeat("0123456789abcdef", 60)
	return []string{
		fillNumbers + `INSERT INTO orders (program_id, source, store_id, platform, platform_order_id, name, order_ts, status, settlement, reason_code, reason,
			waiting_minor, waiting_currency, currency, net_minor, earned_minor, distributor_id, buyer_id, attribution_json, lines_json, pins_json,
			state_json, revision, row_version, received_at, settled_at)
			SELECT $1, ` + fillStore + ` || '/' || CAST(i AS text), ` + fillStore + `, CASE WHEN i <= 1000 THEN 'magento' WHEN i % 5 = 0 THEN 'woocommerce' ELSE 'shopify' END,
			CAST(i AS text), '#' || CAST(i AS text), ` + fillTime + `, CASE WHEN i % 50 = 3 THEN 'refunded' ELSE 'paid' END,
			CASE WHEN ` + fillParked + ` THEN 'parked' ELSE 'settled' END,
			CASE WHEN ` + fillParked + ` THEN CASE WHEN i % 5000 = 7 THEN 'unknown_distributor' ELSE 'unmapped_sku' END ELSE '' END,
			CASE WHEN ` + fillParked + ` THEN 'waits for a mapping' ELSE '' END, CASE WHEN ` + fillParked + ` THEN 4990 ELSE 0 END,
			CASE WHEN ` + fillParked + ` THEN 'EUR' ELSE '' END, 'EUR', 4990, 303, ` + fillPerson + `, CAST(i % 300000 AS text), '{}', '{"1":"SKU-1"}', '{}',
			'{"pad":"` + pad + `"}', 1, 1, ` + fillTime + ` + 1000000, ` + fillTime + ` + 1200000 FROM n`,
		fillNumbers + `INSERT INTO settlements (program_id, source, revision, batch_sequence, first_position, posting_count, snapshot_id,
			calc_snapshot_json, order_ts, posted_at)
			SELECT $1, ` + fillStore + ` || '/' || CAST(i AS text), 1, CAST($5 AS bigint) + (i - 1) / 100 + 1, ((i - 1) % 100) * 3, 3, ` + random(32) + `,
			'{"pad":"` + pad + `","of":' || CAST(CAST($4 AS bigint) AS text) || '}', ` + fillTime + `, ` + fillTime + ` + 1200000 FROM n`,
		fillNumbers + `INSERT INTO postings (program_id, batch_sequence, position, first_position, event_id, line_id, component_id, distributor_id, kind,
			currency, amount_minor, from_account, to_account)
			SELECT $1, CAST($5 AS bigint) + (i - 1) / 100 + 1, ((i - 1) % 100) * 3 + k.k, ((i - 1) % 100) * 3, ` + event + `, '1', 'level-' || CAST(k.k AS text),
			` + fillPerson + `, CASE WHEN i % 10000 = 5 THEN 'payout' ELSE 'earning' END, 'EUR', 100 + k.k, 'company:commission_expense', 'distributor:D:pending'
			FROM n CROSS JOIN (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2) k ORDER BY i, k.k`,
		fillNumbers + `INSERT INTO seals (program_id, sequence, leaf_count, leaves, root, previous, hash, sealed_at, outbox_sequence)
			SELECT $1, CAST($5 AS bigint) + i / 100, 300, ` + random(9600) + `, ` + random(32) + `, ` + random(32) + `, ` + random(32) + `,
			` + fillTime + ` + 1200000, CAST($4 AS bigint) * 0 FROM n WHERE i % 100 = 0`,
		fillNumbers + `INSERT INTO inbox (program_id, delivery_id, store_id, platform_delivery_id, platform, topic, headers_json, body_sha256, body_bytes, received_at)
			SELECT $1, '00' || CAST(1000000000 + i AS text), ` + fillStore + `, 'd' || CAST(i AS text), 'shopify', 'orders/paid', '{}', ` + random(32) + `, 5000,
			` + fillTime + ` + 1000000 FROM n`,
		fillNumbers + `INSERT INTO inbox_state (delivery_id, program_id, status, result, reason, source, attempt, received_at, due_at, lease_until, settled_at)
			SELECT '00' || CAST(1000000000 + i AS text), $1, 'done', CASE WHEN ` + fillParked + ` THEN 'unmapped_sku' ELSE 'settled' END, '',
			` + fillStore + ` || '/' || CAST(i AS text), 1, ` + fillTime + ` + 1000000, 0, 0, ` + fillTime + ` + 1200000 FROM n`,
		fillNumbers + `INSERT INTO park_causes (program_id, cause_key, source)
			SELECT $1, 'sku:shopify:NEW-' || CAST(i / 100 % 300 AS text), ` + fillStore + ` || '/' || CAST(i AS text) FROM n WHERE ` + fillParked,
	}
}

// fillFacts writes stores, people with a code each, and mappings.
func (s *Store) fillFacts(ctx context.Context, program string, f Filling) error {
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		for _, st := range [][2]string{{"bench-few", "magento"}, {"bench-woo", "woocommerce"}} {
			_, err := tx.ExecContext(ctx, `INSERT INTO stores (store_id, program_id, platform, domain, name, currency, go_live_at, accept_test_orders, created_at)
				VALUES ($1, $2, $3, $1, $1, 'EUR', 0, 0, 1)`, st[0], program, st[1])
			if err != nil {
				return err
			}
		}
		const person = `'D' || CAST(1000000 + i AS text)`
		for _, fill := range []struct {
			last      int64
			statement string
		}{
			{f.People, `INSERT INTO distributors (program_id, distributor_id, sponsor_id, status, rank, country, created_at)
				SELECT $1, ` + person + `, CASE WHEN i = 1 THEN '' ELSE 'D' || CAST(1000000 + (i + 2) / 4 AS text) END,
				CASE WHEN i % 20 = 0 THEN 'inactive' ELSE 'active' END, CASE WHEN i % 1000 = 0 THEN 'gold' ELSE '' END,
				CASE WHEN i % 3 = 0 THEN 'DE' ELSE 'AT' END, 1600000000000000 + i * 1000000 FROM n`},
			{f.People, `INSERT INTO distributor_codes (program_id, version, code_key, code, distributor_id, valid_from, recorded_at)
				SELECT $1, 1, 'c' || CAST(i AS text), 'C' || CAST(i AS text), ` + person + `, 0, 0 FROM n`},
			{f.SKUs, `INSERT INTO sku_mapping (program_id, version, platform, platform_sku, country, valid_from, sku_id, name, category, commission_class,
				cv_per_unit, cv_of_net, qv_per_unit, qv_of_net, recorded_at)
				SELECT $1, 1, 'shopify', 'FILL-' || CAST(100000 + i AS text), '', 0, 'FILL-' || CAST(i AS text), 'Article ' || CAST(i AS text), 'Home', 'a', 0, 1000000000, 0,
				1000000000, 0 FROM n`},
		} {
			if _, err := tx.ExecContext(ctx, fillNumbers+fill.statement, program, 1, fill.last); err != nil {
				return fmt.Errorf("%.40s: %w", fill.statement, err)
			}
		}
		return nil
	})
}

// settleDown does what PostgreSQL does by itself in time: it looks at what was written, so that it is found and counted well.
func (s *Store) settleDown(ctx context.Context) error {
	if s.dialect.name() != "postgres" {
		return nil
	}
	conn, err := s.writer.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }()
	for _, statement := range []string{`RESET ROLE`, `SET ROLE NONE`, `VACUUM (ANALYZE)`, `SET ROLE ` + appRole} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
