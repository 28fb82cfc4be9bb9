package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/install"
)

// connectionRow is one row of store_credentials with its store, or a store without one.
type connectionRow struct {
	StoreID          string `db:"store_id"`
	ProgramID        string `db:"program_id"`
	Platform         string `db:"platform"`
	Domain           string `db:"domain"`
	State            string `db:"state"`
	Reason           string `db:"reason"`
	Sealed           []byte `db:"sealed_credentials"`
	Scopes           string `db:"scopes"`
	ExpiresAt        int64  `db:"expires_at"`
	RefreshExpiresAt int64  `db:"refresh_expires_at"`
	ConnectedAt      int64  `db:"connected_at"`
	RenewedAt        int64  `db:"renewed_at"`
	ChangedAt        int64  `db:"changed_at"`
	Revision         int64  `db:"revision"`
	LeaseUntil       int64  `db:"lease_until"`
	LeaseOwner       string `db:"lease_owner"`
}

const connectionSelect = `SELECT stores.store_id, stores.program_id, stores.platform, stores.domain, coalesce(c.state, '') AS state,
	coalesce(c.reason, '') AS reason, c.sealed_credentials, coalesce(c.scopes, '') AS scopes, coalesce(c.expires_at, 0) AS expires_at,
	coalesce(c.refresh_expires_at, 0) AS refresh_expires_at, coalesce(c.connected_at, 0) AS connected_at,
	coalesce(c.renewed_at, 0) AS renewed_at, coalesce(c.changed_at, 0) AS changed_at, coalesce(c.revision, 0) AS revision,
	coalesce(c.lease_until, 0) AS lease_until, coalesce(c.lease_owner, '') AS lease_owner
	FROM stores LEFT JOIN store_credentials c ON c.store_id = stores.store_id `

func (r *connectionRow) connection() install.Connection {
	c := install.Connection{
		StoreID: r.StoreID, ProgramID: r.ProgramID, Platform: order.Platform(r.Platform), Domain: r.Domain,
		State: install.State(r.State), Reason: r.Reason, Sealed: r.Sealed, ExpiresAt: instant(r.ExpiresAt),
		RefreshExpiresAt: instant(r.RefreshExpiresAt), ConnectedAt: instant(r.ConnectedAt), RenewedAt: instant(r.RenewedAt),
		ChangedAt: instant(r.ChangedAt), Revision: r.Revision, LeaseUntil: instant(r.LeaseUntil), LeaseOwner: r.LeaseOwner,
	}
	if r.Scopes != "" {
		c.Scopes = strings.Split(r.Scopes, ",")
	}
	return c
}

func connectionsOf(rows []connectionRow) []install.Connection {
	list := make([]install.Connection, len(rows))
	for i := range rows {
		list[i] = rows[i].connection()
	}
	return list
}

// Connection reads a store's credentials. See install.Books.
func (s *Store) Connection(ctx context.Context, storeID string) (c install.Connection, err error) {
	defer server.Wrap(&err, "read the connection of store %s", storeID)
	var row connectionRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, connectionSelect+`WHERE stores.store_id = $1`, storeID), "There is no store %s.", storeID)
	})
	return row.connection(), err
}

// Connections lists a program's. See install.Books.
func (s *Store) Connections(ctx context.Context, program string) (list []install.Connection, err error) {
	defer server.Wrap(&err, "list the connections of program %s", program)
	var rows []connectionRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, connectionSelect+`WHERE stores.program_id = $1 ORDER BY stores.store_id`, program)
	})
	return connectionsOf(rows), err
}

// ProgramIDs lists all programs. See install.Stores and privacy.Books.
func (s *Store) ProgramIDs(ctx context.Context) (ids []string, err error) {
	defer server.Wrap(&err, "list the programs")
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &ids, `SELECT program_id FROM programs ORDER BY program_id`)
	})
	return ids, err
}

// CountStores counts a platform's stores in a program. See install.Stores and privacy.Books.
func (s *Store) CountStores(ctx context.Context, program string, p order.Platform) (n int, err error) {
	defer server.Wrap(&err, "count the stores of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &n, `SELECT count(*) FROM stores WHERE program_id = $1 AND platform = $2`, program, string(p))
	})
	return n, err
}

// StaleConnections lists what has to be kept alive. See install.Books.
func (s *Store) StaleConnections(ctx context.Context, before time.Time, limit int) (list []install.Connection, err error) {
	defer server.Wrap(&err, "list stale connections")
	var rows []connectionRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, connectionSelect+`WHERE c.state = 'connected' AND c.refresh_expires_at > 0
			AND c.renewed_at < $1 ORDER BY c.renewed_at, stores.store_id LIMIT $2`, micros(before), limit)
	})
	return connectionsOf(rows), err
}

// ChangeConnection changes a row under the store's lock. See install.Books.
func (s *Store) ChangeConnection(ctx context.Context, storeID string, f func(*install.Connection) error) (c install.Connection, err error) {
	defer server.Wrap(&err, "change the connection of store %s", storeID)
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		var id string
		err := tx.GetContext(ctx, &id, `SELECT store_id FROM stores WHERE store_id = $1`+s.dialect.forUpdate(), storeID)
		if err != nil {
			return found(err, "There is no store %s.", storeID)
		}
		var row connectionRow
		if err := tx.GetContext(ctx, &row, connectionSelect+`WHERE stores.store_id = $1`, storeID); err != nil {
			return err
		}
		c = row.connection()
		if err := f(&c); err != nil {
			return err
		}
		if c.State == install.Connected {
			if err := mustHaveProgram(ctx, tx, row.ProgramID); err != nil {
				return err // a closed company connects nothing
			}
		}
		c.Revision, c.ChangedAt = row.Revision+1, instant(s.now())
		return putConnection(ctx, tx, &c)
	})
	return c, err
}

func putConnection(ctx context.Context, tx *sqlx.Tx, c *install.Connection) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO store_credentials (store_id, program_id, state, reason, sealed_credentials, scopes,
			expires_at, refresh_expires_at, connected_at, renewed_at, changed_at, revision, lease_until, lease_owner)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (store_id) DO UPDATE SET state = excluded.state, reason = excluded.reason,
			sealed_credentials = excluded.sealed_credentials, scopes = excluded.scopes, expires_at = excluded.expires_at,
			refresh_expires_at = excluded.refresh_expires_at, connected_at = excluded.connected_at,
			renewed_at = excluded.renewed_at, changed_at = excluded.changed_at, revision = excluded.revision,
			lease_until = excluded.lease_until, lease_owner = excluded.lease_owner`,
		c.StoreID, c.ProgramID, string(c.State), c.Reason, c.Sealed, strings.Join(c.Scopes, ","), micros(c.ExpiresAt),
		micros(c.RefreshExpiresAt), micros(c.ConnectedAt), micros(c.RenewedAt), micros(c.ChangedAt), c.Revision,
		micros(c.LeaseUntil), c.LeaseOwner)
	if err != nil {
		return fmt.Errorf("write the connection: %w", err)
	}
	return nil
}

// flowKept is how long a flow is kept after its end, so that nobody can bring its code again.
const flowKept = 24 * time.Hour

// PutFlow stores a connect flow. See install.Books.
func (s *Store) PutFlow(ctx context.Context, f install.FlowRow) (err error) {
	defer server.Wrap(&err, "store a connect flow")
	return s.write(ctx, f.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM install_states WHERE expires_at < $1`, micros(f.CreatedAt.Add(-flowKept))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO install_states (hash, purpose, program_id, platform, domain, sealed_payload,
			created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
			f.Hash[:], f.Purpose, f.ProgramID, string(f.Platform), f.Domain, f.Sealed, micros(f.CreatedAt), micros(f.ExpiresAt))
		return err
	})
}

// flowRow is one row of install_states.
type flowRow struct {
	ProgramID string `db:"program_id"`
	Platform  string `db:"platform"`
	Domain    string `db:"domain"`
	Sealed    []byte `db:"sealed_payload"`
	CreatedAt int64  `db:"created_at"`
	ExpiresAt int64  `db:"expires_at"`
	UsedAt    int64  `db:"used_at"`
}

const flowColumns = `program_id, platform, domain, sealed_payload, created_at, expires_at, used_at`

func (r *flowRow) flow(hash [32]byte, purpose string) install.FlowRow {
	return install.FlowRow{Hash: hash, Sealed: r.Sealed, Flow: install.Flow{
		Purpose: purpose, ProgramID: r.ProgramID, Platform: order.Platform(r.Platform), Domain: r.Domain,
		CreatedAt: instant(r.CreatedAt), ExpiresAt: instant(r.ExpiresAt), UsedAt: instant(r.UsedAt),
	}}
}

// Flow finds a connect flow and may use it up. See install.Books.
func (s *Store) Flow(ctx context.Context, hash [32]byte, purpose string, now time.Time, consume bool) (f install.FlowRow, err error) {
	defer server.Wrap(&err, "find a connect flow")
	var row flowRow
	find := func(ctx context.Context, tx *sqlx.Tx) error {
		const live = ` WHERE hash = $1 AND purpose = $2 AND expires_at > $3 AND used_at = 0`
		text := `SELECT ` + flowColumns + ` FROM install_states` + live
		if consume {
			text = `UPDATE install_states SET used_at = $3` + live + ` RETURNING ` + flowColumns
		}
		return found(tx.GetContext(ctx, &row, text, hash[:], purpose, micros(now)), "There is no such connect flow.")
	}
	if consume {
		err = s.write(ctx, "", find)
	} else {
		err = s.read(ctx, "", func(tx *sqlx.Tx) error { return find(ctx, tx) })
	}
	return row.flow(hash, purpose), err
}

// Followed finds a connect flow, over or not. See install.Books.
func (s *Store) Followed(ctx context.Context, hash [32]byte, purpose string) (f install.FlowRow, err error) {
	defer server.Wrap(&err, "follow a connect flow")
	var row flowRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+flowColumns+` FROM install_states WHERE hash = $1 AND purpose = $2`, hash[:], purpose),
			"There is no such connect flow.")
	})
	return row.flow(hash, purpose), err
}

// NoteFlow exchanges what a connect flow carries. See install.Books.
func (s *Store) NoteFlow(ctx context.Context, hash [32]byte, sealed []byte) (err error) {
	defer server.Wrap(&err, "note how far a connect flow is")
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE install_states SET sealed_payload = $1 WHERE hash = $2`, sealed, hash[:])
		return err
	})
}
