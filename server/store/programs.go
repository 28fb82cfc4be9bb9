package store

import (
	"context"
	"fmt"
	"math"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// CreateProgram adds a direct-selling company. See admin.Books.
func (s *Store) CreateProgram(ctx context.Context, p admin.Program) (err error) {
	defer server.Wrap(&err, "create program %s", p.ProgramID)
	return s.write(ctx, p.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO programs (program_id, name, currency, time_zone, created_at)
			VALUES ($1, $2, $3, $4, $5)`, p.ProgramID, p.Name, string(p.Currency), p.TimeZone, s.now())
		return err
	})
}

// TimeZone is a program's. See admin.Books.
func (s *Store) TimeZone(ctx context.Context, program string) (zone string, err error) {
	defer server.Wrap(&err, "read the time zone of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &zone, `SELECT time_zone FROM programs WHERE program_id = $1`, program), "There is no program %s.", program)
	})
	return zone, err
}

// storeRow is one row of stores.
type storeRow struct {
	StoreID          string `db:"store_id"`
	ProgramID        string `db:"program_id"`
	Platform         string `db:"platform"`
	Domain           string `db:"domain"`
	Name             string `db:"name"`
	Currency         string `db:"currency"`
	GoLiveAt         int64  `db:"go_live_at"`
	AcceptTestOrders int64  `db:"accept_test_orders"`
	SealedSecret     []byte `db:"sealed_secret"`
	SealedOldSecret  []byte `db:"sealed_old_secret"`
	LastDeliveryAt   int64  `db:"last_delivery_at"`
	ClosedAt         int64  `db:"closed_at"` // of its program; read where a delivery looks for its store
}

const storeColumns = `store_id, program_id, platform, domain, name, currency, go_live_at, accept_test_orders,
	sealed_secret, sealed_old_secret, last_delivery_at`

func (r *storeRow) store() admin.Store {
	return admin.Store{
		StoreID: r.StoreID, ProgramID: r.ProgramID, Platform: order.Platform(r.Platform), Domain: r.Domain, Name: r.Name,
		Currency: money.Currency(r.Currency), GoLiveAt: r.GoLiveAt, AcceptTestOrders: r.AcceptTestOrders != 0,
		SealedSecret: r.SealedSecret, SealedOldSecret: r.SealedOldSecret,
		Closed: r.ClosedAt != 0,
	}
}

// flag is how a bool is stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// CreateStore connects a shop. See admin.Books.
func (s *Store) CreateStore(ctx context.Context, st admin.Store) (err error) {
	defer server.Wrap(&err, "create store %s", st.StoreID)
	return s.write(ctx, st.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := mustHaveProgram(ctx, tx, st.ProgramID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO stores (store_id, program_id, platform, domain, name, currency, go_live_at,
			accept_test_orders, sealed_secret, sealed_old_secret, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			st.StoreID, st.ProgramID, string(st.Platform), st.Domain, st.Name, string(st.Currency), st.GoLiveAt,
			flag(st.AcceptTestOrders), st.SealedSecret, st.SealedOldSecret, s.now())
		return err
	})
}

func mustHaveProgram(ctx context.Context, tx *sqlx.Tx, program string) error {
	var closedAt int64
	err := tx.GetContext(ctx, &closedAt, `SELECT closed_at FROM programs WHERE program_id = $1`, program)
	if err != nil {
		return found(err, "There is no program %s.", program)
	}
	return refuseClosed(closedAt)
}

// UpdateStore changes everything but the store's id, program and platform. With another currency the orders that were
// parked for theirs are looked at again, and so are those of which its go-live or its test orders decide. See admin.Books.
func (s *Store) UpdateStore(ctx context.Context, st admin.Store) (err error) {
	defer server.Wrap(&err, "update store %s", st.StoreID)
	return s.write(ctx, st.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		var was struct {
			Currency         string `db:"currency"`
			GoLiveAt         int64  `db:"go_live_at"`
			AcceptTestOrders int64  `db:"accept_test_orders"`
		}
		err := tx.GetContext(ctx, &was, `SELECT currency, go_live_at, accept_test_orders FROM stores WHERE program_id = $1 AND store_id = $2`+
			s.dialect.forUpdate(), st.ProgramID, st.StoreID)
		if err != nil {
			return found(err, "There is no store %s.", st.StoreID)
		}
		_, err = tx.ExecContext(ctx, `UPDATE stores SET domain = $3, name = $4, currency = $5, go_live_at = $6,
			accept_test_orders = $7, sealed_secret = $8, sealed_old_secret = $9 WHERE program_id = $1 AND store_id = $2`,
			st.ProgramID, st.StoreID, st.Domain, st.Name, string(st.Currency), st.GoLiveAt, flag(st.AcceptTestOrders),
			st.SealedSecret, st.SealedOldSecret)
		tests := flag(st.AcceptTestOrders) != was.AcceptTestOrders
		if err != nil || was.Currency == string(st.Currency) && was.GoLiveAt == st.GoLiveAt && !tests {
			return err
		}
		// Whoever decides an order by what held before at this moment either commits first or reads the facts again.
		version, err := s.touch(ctx, tx, st.ProgramID, "catalog_version")
		if err != nil {
			return err
		}
		if err := raise(ctx, tx, st.ProgramID, "catalog_version", version+1); err != nil {
			return err
		}
		if _, err := s.release(ctx, tx, st.ProgramID, []string{"currency:" + st.StoreID}, s.now()); err != nil {
			return err
		}
		return s.releaseJudged(ctx, tx, st.ProgramID, st.StoreID, min(st.GoLiveAt, was.GoLiveAt), max(st.GoLiveAt, was.GoLiveAt), tests)
	})
}

// releaseJudged lets those orders of a store be settled anew of which a change of the store decides whether they pay: those
// placed in [from, until), between two go-lives of which 0 is before all orders, and with tests the test orders.
func (s *Store) releaseJudged(ctx context.Context, tx *sqlx.Tx, program, storeID string, from, until int64, tests bool) error {
	if from == 0 && until != 0 {
		from = math.MinInt64
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO released_sources (program_id, source, store_id, platform_order_id, released_at)
		SELECT program_id, source, store_id, platform_order_id, $5 FROM orders
		WHERE program_id = $1 AND store_id = $2 AND settlement = 'settled'
			AND (order_ts >= $3 AND order_ts < $4 OR $6 = 1 AND state_json LIKE '%"test":true%')
		ON CONFLICT (program_id, source) DO NOTHING`, program, storeID, from, until, s.now(), flag(tests))
	if err != nil {
		return fmt.Errorf("release orders to be judged anew: %w", err)
	}
	return nil
}

// StoreByID finds a store before its program is known. See admin.Books.
func (s *Store) StoreByID(ctx context.Context, storeID string) (admin.Store, error) {
	return s.findStore(ctx, "There is no store "+storeID+".", `store_id = $1`, storeID)
}

// StoreByDomain finds the store that a delivery claims to come from. See admin.Books.
func (s *Store) StoreByDomain(ctx context.Context, p order.Platform, domain string) (admin.Store, error) {
	return s.findStore(ctx, "No store is connected under this domain.", `platform = $1 AND domain = $2`, string(p), domain)
}

func (s *Store) findStore(ctx context.Context, missing, where string, args ...any) (st admin.Store, err error) {
	defer server.Wrap(&err, "find a store")
	var row storeRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+storeColumns+`, (SELECT p.closed_at FROM programs p WHERE p.program_id = stores.program_id) AS closed_at
			FROM stores WHERE `+where, args...), "%s", missing)
	})
	return row.store(), err
}

// CreateAPIKey lets a shop or an analyst in. See admin.Books.
func (s *Store) CreateAPIKey(ctx context.Context, k admin.APIKey) (err error) {
	defer server.Wrap(&err, "create API key %s", k.KeyID)
	return s.write(ctx, k.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := mustHaveProgram(ctx, tx, k.ProgramID); err != nil {
			return err
		}
		if k.StoreID != "" {
			var id string
			err := tx.GetContext(ctx, &id, `SELECT store_id FROM stores WHERE program_id = $1 AND store_id = $2`, k.ProgramID, k.StoreID)
			if err != nil {
				return found(err, "Program %s has no store %s.", k.ProgramID, k.StoreID)
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (key_id, program_id, store_id, name, role, hash, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, k.KeyID, k.ProgramID, k.StoreID, k.Name, roleOfKey(k.Role), k.Hash[:], s.now())
		return err
	})
}

// APIKeyByHash finds a key that is not revoked. See admin.Books.
func (s *Store) APIKeyByHash(ctx context.Context, hash [32]byte) (key admin.APIKey, err error) {
	defer server.Wrap(&err, "find an API key")
	var row struct {
		KeyID     string `db:"key_id"`
		ProgramID string `db:"program_id"`
		StoreID   string `db:"store_id"`
		Name      string `db:"name"`
		Role      string `db:"role"`
	}
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row,
			`SELECT key_id, program_id, store_id, name, role FROM api_keys WHERE hash = $1 AND revoked_at = 0`, hash[:]),
			"This API key is not known.")
	})
	if err != nil {
		return admin.APIKey{}, err
	}
	return admin.APIKey{KeyID: row.KeyID, ProgramID: row.ProgramID, StoreID: row.StoreID, Name: row.Name, Role: row.Role, Hash: hash}, nil
}

// roleOfKey is what a key may do where nobody says it.
func roleOfKey(role string) string {
	if role == "" {
		return "admin"
	}
	return role
}

// RevokeAPIKey locks a key out for ever; to revoke it again changes nothing. See admin.Books.
func (s *Store) RevokeAPIKey(ctx context.Context, program, keyID string) (err error) {
	defer server.Wrap(&err, "revoke API key %s", keyID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		var revoked int64
		err := tx.GetContext(ctx, &revoked, `SELECT revoked_at FROM api_keys WHERE program_id = $1 AND key_id = $2`, program, keyID)
		if err != nil || revoked != 0 {
			return found(err, "There is no API key %s.", keyID)
		}
		_, err = tx.ExecContext(ctx, `UPDATE api_keys SET revoked_at = $3 WHERE program_id = $1 AND key_id = $2`,
			program, keyID, s.now())
		return err
	})
}

// Audit records who did what. See admin.Books.
func (s *Store) Audit(ctx context.Context, program, actor, action, subject, detail string) (err error) {
	defer server.Wrap(&err, "audit %s", action)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		id, err := timeOrderedID(s.now())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO audit_log (program_id, audit_id, at, actor, action, subject, detail)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, program, id, s.now(), actor, action, subject, detail)
		return err
	})
}

// Replay makes a delivery be processed again; where its body is gone, its order is settled again from the stored
// revisions. See admin.Books.
func (s *Store) Replay(ctx context.Context, program, deliveryID string) (err error) {
	defer server.Wrap(&err, "replay delivery %s", deliveryID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		var d struct {
			Source  string `db:"source"`
			HasBody int64  `db:"has_body"`
		}
		err := tx.GetContext(ctx, &d, `SELECT s.source, CASE WHEN `+s.dialect.bodyOf()+` IS NULL THEN 0 ELSE 1 END AS has_body`+
			deliveryTables+`WHERE i.program_id = $1 AND i.delivery_id = $2`, program, deliveryID)
		if err != nil {
			return found(err, "There is no delivery %s.", deliveryID)
		}
		if d.HasBody == 1 {
			_, err = tx.ExecContext(ctx, `UPDATE inbox_state SET status = 'waiting', result = '', reason = '', attempt = 0,
				due_at = $3, lease_until = 0, settled_at = 0 WHERE program_id = $1 AND delivery_id = $2`, program, deliveryID, s.now())
			return err
		}
		if d.Source == "" {
			return server.Errorf(server.Conflict, "The body of delivery %s is no longer kept, and it named no order.", deliveryID)
		}
		return s.releaseSources(ctx, tx, program, []string{d.Source}, s.now())
	})
}

// touch locks the program and gives its counter of the given name. Whoever settles orders of the program either
// commits before, or sees the new counter.
func (s *Store) touch(ctx context.Context, tx *sqlx.Tx, program, counter string) (version int64, err error) {
	var row struct {
		Version  int64 `db:"version"`
		ClosedAt int64 `db:"closed_at"`
	}
	err = tx.GetContext(ctx, &row, `SELECT `+counter+` AS version, closed_at FROM programs WHERE program_id = $1`+s.dialect.forUpdate(), program)
	if err != nil {
		return 0, found(err, "There is no program %s.", program)
	}
	return row.Version, refuseClosed(row.ClosedAt)
}

// raise sets the counter that touch gave to the next version.
func raise(ctx context.Context, tx *sqlx.Tx, program, counter string, version int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE programs SET `+counter+` = $2 WHERE program_id = $1`, program, version)
	if err != nil {
		return fmt.Errorf("raise %s: %w", counter, err)
	}
	return nil
}
