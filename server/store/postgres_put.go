package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"
)

// putting is the statement that stores arrivals, prepared when the first one comes.
type putting struct {
	mu        sync.Mutex
	statement *sqlx.Stmt
}

func (p *putting) prepared(ctx context.Context, db *sqlx.DB) (*sqlx.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.statement != nil {
		return p.statement, nil
	}
	deliveries, parameters := unnestText(insertDeliveries, 0)
	states, _ := unnestText(insertDeliveryStates, parameters)
	s, err := db.PreparexContext(ctx, "WITH stored AS ("+deliveries+" RETURNING delivery_id) "+states+
		" WHERE u.delivery_id IN (SELECT delivery_id FROM stored)")
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	p.statement = s
	return s, nil
}

// putOnce is one exchange with the database where a transaction takes four, for all of which a platform waits.
func (p *postgres) putOnce(ctx context.Context, deliveries, states rows) (stored int64, err error) {
	d, s := deliveries.(*unnested), states.(*unnested)
	if err := d.complete(); err != nil {
		return 0, err
	}
	if err := s.complete(); err != nil || s.len() == 0 {
		return 0, err
	}
	statement, err := p.put.prepared(ctx, p.kept.db) //nolint:sqlclosecheck // kept with its handle
	if err != nil {
		return 0, err
	}
	result, err := statement.ExecContext(ctx, append(d.args(), s.args()...)...)
	if err != nil {
		return 0, fmt.Errorf("%s, %s: %w", insertDeliveries.name, insertDeliveryStates.name, err)
	}
	return result.RowsAffected()
}
