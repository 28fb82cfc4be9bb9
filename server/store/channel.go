package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/channel"
)

var _ channel.Books = (*Store)(nil)

// channelRow is one row of store_channels.
type channelRow struct {
	StoreID           string `db:"store_id"`
	ProgramID         string `db:"program_id"`
	SealedIdentityKey []byte `db:"sealed_identity_key"`
	LinkRole          string `db:"link_role"`
	ClaimedAt         int64  `db:"claimed_at"`
	HeartbeatAt       int64  `db:"heartbeat_at"`
	HeartbeatJSON     string `db:"heartbeat_json"`
}

const channelSelect = `SELECT store_id, program_id, sealed_identity_key, link_role, claimed_at, heartbeat_at, heartbeat_json FROM store_channels `

func (r *channelRow) channel() channel.Channel {
	return channel.Channel{
		StoreID: r.StoreID, ProgramID: r.ProgramID, SealedIdentityKey: r.SealedIdentityKey, LinkRole: r.LinkRole,
		ClaimedAt: instant(r.ClaimedAt), HeartbeatAt: instant(r.HeartbeatAt), Heartbeat: []byte(r.HeartbeatJSON),
	}
}

// Channel reads what is kept of a store's plugin. See channel.Books.
func (s *Store) Channel(ctx context.Context, storeID string) (c channel.Channel, err error) {
	defer server.Wrap(&err, "read the channel of store %s", storeID)
	var row channelRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, channelSelect+`WHERE store_id = $1`, storeID), "No plugin was ever connected to store %s.", storeID)
	})
	return row.channel(), err
}

// Channels lists a program's. See channel.Books.
func (s *Store) Channels(ctx context.Context, program string) (list []channel.Channel, err error) {
	defer server.Wrap(&err, "list the channels of program %s", program)
	var rows []channelRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, channelSelect+`WHERE program_id = $1 ORDER BY store_id`, program)
	})
	for i := range rows {
		list = append(list, rows[i].channel())
	}
	return list, err
}

// PutChannel notes a claim. See channel.Books.
func (s *Store) PutChannel(ctx context.Context, c *channel.Channel) (err error) {
	defer server.Wrap(&err, "keep the channel of store %s", c.StoreID)
	return s.write(ctx, c.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO store_channels (store_id, program_id, sealed_identity_key, link_role, claimed_at)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (store_id) DO UPDATE SET link_role = excluded.link_role, claimed_at = excluded.claimed_at`,
			c.StoreID, c.ProgramID, c.SealedIdentityKey, c.LinkRole, micros(c.ClaimedAt))
		return err
	})
}

// PutHeartbeat keeps a plugin's last word on itself. See channel.Books.
func (s *Store) PutHeartbeat(ctx context.Context, program, storeID string, at time.Time, text []byte) (err error) {
	defer server.Wrap(&err, "keep the heartbeat of store %s", storeID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE store_channels SET heartbeat_at = $1, heartbeat_json = $2 WHERE store_id = $3 AND program_id = $4`,
			micros(at), string(text), storeID, program)
		return err
	})
}

// UseNonce takes a call's id once. See channel.Books.
func (s *Store) UseNonce(ctx context.Context, program, storeID, nonce string, now, expires time.Time) (fresh bool, err error) {
	defer server.Wrap(&err, "take a call of store %s", storeID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM channel_nonces WHERE store_id = $1 AND expires_at < $2`, storeID, micros(now)); err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO channel_nonces (program_id, store_id, nonce, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (store_id, nonce) DO NOTHING`, program, storeID, nonce, micros(expires))
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		fresh = n == 1
		return err
	})
	return fresh, err
}

// StoreFigures counts a store's orders. See channel.Books.
func (s *Store) StoreFigures(ctx context.Context, program, storeID string) (f channel.Figures, err error) {
	defer server.Wrap(&err, "count the orders of store %s", storeID)
	var row struct {
		Orders int64 `db:"orders"`
		Parked int64 `db:"parked"`
		Last   int64 `db:"last"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &row, `SELECT count(*) AS orders, coalesce(sum(CASE WHEN settlement = 'parked' THEN 1 ELSE 0 END), 0) AS parked,
			coalesce(max(received_at), 0) AS last FROM orders WHERE program_id = $1 AND store_id = $2`, program, storeID)
	})
	return channel.Figures{Orders: row.Orders, Parked: row.Parked, LastOrderAt: instant(row.Last)}, err
}
