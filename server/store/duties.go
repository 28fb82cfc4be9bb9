package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/duty"
)

var _ duty.Leases = (*Store)(nil)

// Lease makes owner the only holder of a name for a while. See duty.Leases.
func (s *Store) Lease(ctx context.Context, name, owner string, lasting time.Duration) (held bool, err error) {
	defer server.Wrap(&err, "lease %s", name)
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		now := s.Now()
		var holder string
		err := tx.QueryRowxContext(ctx, `INSERT INTO leases AS l (name, owner, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET owner = $2, until = $3 WHERE l.owner = $2 OR l.until <= $4 RETURNING owner`,
			name, owner, micros(now.Add(lasting)), micros(now)).Scan(&holder)
		if errors.Is(err, sql.ErrNoRows) {
			held = false
			return nil
		}
		held = err == nil
		return err
	})
	return held, err
}

// Unlease gives a name back. See duty.Leases.
func (s *Store) Unlease(ctx context.Context, name, owner string) (err error) {
	defer server.Wrap(&err, "give back %s", name)
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM leases WHERE name = $1 AND owner = $2`, name, owner)
		return err
	})
}

// KeyCheck is what the first process on this database sealed, so that others can see whether they have its keys; fresh is
// kept where there is none yet.
func (s *Store) KeyCheck(ctx context.Context, fresh string) (kept string, err error) {
	defer server.Wrap(&err, "read the check of the keys")
	var found []string
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &found, `SELECT value FROM installation WHERE name = 'key_check'`)
	})
	if err != nil || len(found) == 1 {
		return strings.Join(found, ""), err
	}
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO installation (name, value) VALUES ('key_check', $1) ON CONFLICT (name) DO NOTHING`, fresh); err != nil {
			return err
		}
		return tx.GetContext(ctx, &kept, `SELECT value FROM installation WHERE name = 'key_check'`)
	})
	return kept, err
}
