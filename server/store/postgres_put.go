package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"
)

// putting is how arrivals are stored: where their bodies are, and the statement, once they are needed.
type putting struct {
	mu        sync.Mutex
	known     bool
	apart     bool
	statement *sqlx.Stmt
}

// bodiesApart asks the database once: a process keeps bodies where they were kept when it began, as all of them find both.
func (p *postgres) bodiesApart(ctx context.Context) (bool, error) {
	p.put.mu.Lock()
	defer p.put.mu.Unlock()
	if p.put.known {
		return p.put.apart, nil
	}
	var where string
	if err := p.kept.db.GetContext(ctx, &where, `SELECT value FROM installation WHERE name = 'bodies'`); err != nil {
		return false, fmt.Errorf("ask where bodies arrive: %w", err)
	}
	p.put.known, p.put.apart = true, where == bodiesApart
	return p.put.apart, nil
}

func (p *putting) prepared(ctx context.Context, db *sqlx.DB) (*sqlx.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.statement != nil {
		return p.statement, nil
	}
	s, err := db.PreparexContext(ctx, putText(p.apart))
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	p.statement = s
	return s, nil
}

func putText(apart bool) string {
	const ofStored = " WHERE u.delivery_id IN (SELECT delivery_id FROM stored)"
	deliveries, parameters := unnestText(insertDeliveries, 0)
	bodies := ""
	if apart {
		deliveries, parameters = unnestText(insertDeliveriesAlone, 0)
		bodies, parameters = unnestText(insertBodies, parameters)
		bodies = ", bodies AS (" + bodies + ofStored + " AND u.sealed_body IS NOT NULL)"
	}
	states, _ := unnestText(insertDeliveryStates, parameters)
	return "WITH stored AS (" + deliveries + " RETURNING delivery_id)" + bodies + " " + states + ofStored
}

// putOnce is one exchange with the database where a transaction takes four, for all of which a platform waits.
func (p *postgres) putOnce(ctx context.Context, deliveries, bodies, states rows) (stored int64, err error) {
	var args []any
	for _, r := range []rows{deliveries, bodies, states} {
		if r == nil {
			continue
		}
		u := r.(*unnested)
		if err := u.complete(); err != nil || u.len() == 0 {
			return 0, err
		}
		args = append(args, u.args()...)
	}
	statement, err := p.put.prepared(ctx, p.kept.db) //nolint:sqlclosecheck // kept with its handle
	if err != nil {
		return 0, err
	}
	result, err := statement.ExecContext(ctx, args...)
	if err != nil {
		return 0, fmt.Errorf("%s, %s: %w", insertDeliveries.name, insertDeliveryStates.name, err)
	}
	return result.RowsAffected()
}
