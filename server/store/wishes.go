package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/reconcile"
)

// WishOrder wants an order to be read anew. A second wish before it was read takes the first one's place. It is what server/notice asks of a database.
func (s *Store) WishOrder(ctx context.Context, program string, of order.Source, because string, at time.Time) (err error) {
	defer server.Wrap(&err, "wish to read order %s anew", of)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO order_wishes (program_id, source, store_id, platform_order_id, because, wished_at, attempt, due_at)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $6) ON CONFLICT (program_id, source) DO UPDATE SET because = excluded.because,
			wished_at = excluded.wished_at, attempt = 0, due_at = excluded.due_at WHERE excluded.wished_at >= order_wishes.wished_at`,
			program, of.String(), of.StoreID, of.PlatformOrderID, because, micros(at))
		return err
	})
}

// wishes reads the orders that somebody wants to be read, the longest waiting first.
func (s *Store) wishes(ctx context.Context, tx *sqlx.Tx, program string, storeIDs []string, wishedBefore, now time.Time, limit int) (wants []reconcile.Want, err error) {
	var rows []struct {
		StoreID         string `db:"store_id"`
		PlatformOrderID string `db:"platform_order_id"`
		Platform        string `db:"platform"`
		Attempt         int    `db:"attempt"`
	}
	err = tx.SelectContext(ctx, &rows, `SELECT w.store_id, w.platform_order_id, s.platform, w.attempt
		FROM order_wishes w JOIN stores s ON s.program_id = w.program_id AND s.store_id = w.store_id
		WHERE w.program_id = $4 AND w.store_id IN `+s.dialect.in("$1")+` AND w.wished_at <= $2 AND w.due_at <= $3
		ORDER BY w.wished_at, w.source LIMIT $5`, s.dialect.list(storeIDs), micros(wishedBefore), micros(now), program, limit)
	for _, row := range rows {
		wants = append(wants, reconcile.Want{
			Platform: order.Platform(row.Platform), Attempt: row.Attempt, Wished: true,
			Source: order.Source{StoreID: row.StoreID, PlatformOrderID: row.PlatformOrderID},
		})
	}
	return wants, err
}

// granted ends a wish whose order was read since, or puts it off. A wish of after the reading stays.
func granted(ctx context.Context, tx *sqlx.Tx, program string, f *reconcile.Fetch) error {
	statement := `DELETE FROM order_wishes WHERE program_id = $1 AND source = $2 AND wished_at <= $3`
	arguments := []any{program, f.Source.String(), micros(f.FetchedAt)}
	if f.Outcome == reconcile.FetchFailed {
		statement = `UPDATE order_wishes SET attempt = $4, due_at = $5 WHERE program_id = $1 AND source = $2 AND wished_at <= $3`
		arguments = append(arguments, f.Attempt, micros(f.DueAt))
	}
	if _, err := tx.ExecContext(ctx, statement, arguments...); err != nil {
		return fmt.Errorf("wish for order %s: %w", f.Source, err)
	}
	return nil
}
