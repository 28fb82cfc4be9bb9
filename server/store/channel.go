package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
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

// balanceRow sums what moved between two accounts.
type balanceRow struct {
	Currency string `db:"currency"`
	Kind     string `db:"kind"`
	From     string `db:"from_account"`
	To       string `db:"to_account"`
	Sum      int64  `db:"moved"`
	Negative int64  `db:"negative"`
	Since    int64  `db:"since"`
}

// BalancesOf sums a distributor's accounts. See channel.Books.
func (s *Store) BalancesOf(ctx context.Context, program, distributorID string, since time.Time) (list []channel.Balance, err error) {
	defer server.Wrap(&err, "sum the accounts of distributor %s", distributorID)
	var rows []balanceRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT p.currency, p.kind, p.from_account, p.to_account, CAST(sum(p.amount_minor) AS bigint) AS moved,
			CAST(sum(CASE WHEN p.amount_minor < 0 THEN p.amount_minor ELSE 0 END) AS bigint) AS negative,
			CAST(sum(CASE WHEN s.posted_at >= $1 THEN p.amount_minor ELSE 0 END) AS bigint) AS since`+postingsWithSettlement+
			`WHERE p.program_id = $2 AND p.distributor_id = $3 AND `+visibleSettlement+`
			GROUP BY p.currency, p.kind, p.from_account, p.to_account ORDER BY p.currency`, micros(since), program, distributorID)
	})
	for i := range rows {
		if last := len(list) - 1; last < 0 || string(list[last].Currency) != rows[i].Currency {
			list = append(list, channel.Balance{Currency: money.Currency(rows[i].Currency)})
		}
		rows[i].addTo(&list[len(list)-1], distributorID)
	}
	return list, err
}

// addTo adds a sum to the accounts it moved between.
func (r *balanceRow) addTo(b *channel.Balance, distributorID string) {
	accounts := map[string]*int64{
		ledger.Account(distributorID, ledger.StatePending):   &b.PendingMinor,
		ledger.Account(distributorID, ledger.StateAvailable): &b.AvailableMinor,
		ledger.Account(distributorID, ledger.StatePaid):      &b.PaidMinor,
	}
	if to := accounts[r.To]; to != nil {
		*to += r.Sum
	}
	if from := accounts[r.From]; from != nil {
		*from -= r.Sum
	}
	if r.Kind == string(ledger.Earning) {
		b.ReversedMinor += r.Negative
		b.SinceMinor += r.Since
	}
}
