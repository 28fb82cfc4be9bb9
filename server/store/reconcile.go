package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/reconcile"
)

var _ reconcile.Books = (*Store)(nil)

// ReconcileTargets lists stores. See reconcile.Books.
func (s *Store) ReconcileTargets(ctx context.Context, program string) (targets []reconcile.Target, err error) {
	defer server.Wrap(&err, "list the stores to reconcile")
	var rows []struct {
		StoreID   string `db:"store_id"`
		ProgramID string `db:"program_id"`
		Platform  string `db:"platform"`
		Domain    string `db:"domain"`
		Currency  string `db:"currency"`
		GoLiveAt  int64  `db:"go_live_at"`
		ReachedTS int64  `db:"reached_ts"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT s.store_id, s.program_id, s.platform, s.domain, s.currency, s.go_live_at,
			coalesce(m.reached_ts, 0) AS reached_ts FROM stores s
			LEFT JOIN reconciliation_marks m ON m.program_id = s.program_id AND m.store_id = s.store_id
			WHERE $1 = '' OR s.program_id = $1 ORDER BY s.program_id, s.store_id`, program)
	})
	for _, row := range rows {
		targets = append(targets, reconcile.Target{
			Store: adapters.Store{
				StoreID: row.StoreID, Platform: order.Platform(row.Platform), Domain: row.Domain, Currency: money.Currency(row.Currency),
			},
			ProgramID: row.ProgramID, GoLiveAt: instant(row.GoLiveAt), ReachedAt: instant(row.ReachedTS),
		})
	}
	return targets, err
}

// KnownOrders reads orders as they are known. See reconcile.Books.
func (s *Store) KnownOrders(ctx context.Context, program string, sources []order.Source) (known map[order.Source]reconcile.Known, err error) {
	defer server.Wrap(&err, "read %d orders to reconcile", len(sources))
	known = make(map[order.Source]reconcile.Known, len(sources))
	if len(sources) == 0 {
		return known, nil
	}
	keys := make([]string, len(sources))
	for i := range sources {
		keys[i] = sources[i].String()
	}
	var rows []struct {
		StoreID         string `db:"store_id"`
		PlatformOrderID string `db:"platform_order_id"`
		Settlement      string `db:"settlement"`
		StateJSON       string `db:"state_json"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT store_id, platform_order_id, settlement, state_json FROM orders
			WHERE program_id = $1 AND source IN `+s.dialect.in("$2"), program, s.dialect.list(keys))
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		source := order.Source{StoreID: row.StoreID, PlatformOrderID: row.PlatformOrderID}
		k := reconcile.Known{Parked: row.Settlement == string(pipeline.Parked)}
		if err := json.Unmarshal([]byte(row.StateJSON), &k.State); err != nil {
			return nil, fmt.Errorf("state of order %s: %w", source, err)
		}
		known[source] = k
	}
	return known, nil
}

// fetchable are the reasons for which reading an order anew may mend it.
var fetchable = []string{
	string(pipeline.ReasonOrderMissing), string(pipeline.ReasonOrderStale), string(pipeline.ReasonOrderConflict),
	string(pipeline.ReasonInconsistentTotals), string(pipeline.ReasonInvalidOrder),
}

// WantedOrders lists parked and wished orders to read. See reconcile.Books.
func (s *Store) WantedOrders(ctx context.Context, program string, storeIDs []string, toldBefore, now time.Time, limit int) (wants []reconcile.Want, err error) {
	defer server.Wrap(&err, "list the orders to fetch")
	var rows []struct {
		StoreID         string `db:"store_id"`
		PlatformOrderID string `db:"platform_order_id"`
		Platform        string `db:"platform"`
		RowVersion      int64  `db:"row_version"`
		Attempt         int    `db:"attempt"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		err := tx.SelectContext(ctx, &rows, `SELECT o.store_id, o.platform_order_id, o.platform, o.row_version,
			CASE WHEN f.row_version = o.row_version THEN f.attempt ELSE 0 END AS attempt
			FROM orders o LEFT JOIN order_fetches f ON f.program_id = o.program_id AND f.source = o.source
			WHERE o.program_id = $6 AND o.settlement = 'parked' AND o.reason_code IN `+s.dialect.in("$1")+` AND o.store_id IN `+s.dialect.in("$2")+`
			AND (SELECT max(r.recorded_at) FROM order_revisions r WHERE r.program_id = o.program_id AND r.source = o.source) <= $3
			AND (f.source IS NULL OR f.row_version <> o.row_version OR f.due_at <= $4)
			ORDER BY o.received_at, o.source LIMIT $5`,
			s.dialect.list(fetchable), s.dialect.list(storeIDs), micros(toldBefore), micros(now), limit, program)
		if err != nil {
			return err
		}
		wants, err = s.wishes(ctx, tx, program, storeIDs, toldBefore, now, limit)
		return err
	})
	for _, row := range rows {
		wants = append(wants, reconcile.Want{
			Platform: order.Platform(row.Platform), RowVersion: row.RowVersion, Attempt: row.Attempt,
			Source: order.Source{StoreID: row.StoreID, PlatformOrderID: row.PlatformOrderID},
		})
	}
	return wants, err
}

// PutFetches notes readings. See reconcile.Books.
func (s *Store) PutFetches(ctx context.Context, program string, fetches []reconcile.Fetch) (err error) {
	defer server.Wrap(&err, "note %d fetched orders", len(fetches))
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		for i := range fetches {
			f := &fetches[i]
			if f.Wished {
				if err := granted(ctx, tx, program, f); err != nil {
					return err
				}
				continue
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO order_fetches (program_id, source, row_version, attempt, due_at, outcome, detail, fetched_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (program_id, source) DO UPDATE SET row_version = excluded.row_version,
				attempt = excluded.attempt, due_at = excluded.due_at, outcome = excluded.outcome, detail = excluded.detail, fetched_at = excluded.fetched_at`,
				program, f.Source.String(), f.RowVersion, f.Attempt, micros(f.DueAt), f.Outcome, f.Detail, micros(f.FetchedAt))
			if err != nil {
				return fmt.Errorf("order %s: %w", f.Source, err)
			}
		}
		return nil
	})
}

// reconciliationRow is one run.
type reconciliationRow struct {
	ProgramID   string `db:"program_id"`
	RunID       string `db:"run_id"`
	StoreID     string `db:"store_id"`
	FromTS      int64  `db:"from_ts"`
	ToTS        int64  `db:"to_ts"`
	Mend        int    `db:"mend"`
	Scheduled   int    `db:"scheduled"`
	State       string `db:"state"`
	Currency    string `db:"currency"`
	CountsJSON  string `db:"counts_json"`
	DeltaMinor  int64  `db:"delta_minor"`
	Detail      string `db:"detail"`
	StartedAt   int64  `db:"started_at"`
	HeartbeatAt int64  `db:"heartbeat_at"`
	FinishedAt  int64  `db:"finished_at"`
}

const reconciliationColumns = `program_id, run_id, store_id, from_ts, to_ts, mend, scheduled, state, currency, counts_json, delta_minor,
	detail, started_at, heartbeat_at, finished_at`

func (row *reconciliationRow) run() (reconcile.Run, error) {
	r := reconcile.Run{
		RunID: row.RunID, ProgramID: row.ProgramID, StoreID: row.StoreID, From: instant(row.FromTS), To: instant(row.ToTS),
		Mend: row.Mend == 1, Scheduled: row.Scheduled == 1, State: reconcile.State(row.State), Currency: money.Currency(row.Currency),
		DeltaMinor: row.DeltaMinor, Detail: row.Detail, StartedAt: instant(row.StartedAt), HeartbeatAt: instant(row.HeartbeatAt),
	}
	if row.FinishedAt != 0 {
		at := instant(row.FinishedAt)
		r.FinishedAt = &at
	}
	if err := json.Unmarshal([]byte(row.CountsJSON), &r.Counts); err != nil {
		return r, fmt.Errorf("figures of reconciliation %s: %w", row.RunID, err)
	}
	return r, nil
}

// PutReconciliation stores a run. See reconcile.Books.
func (s *Store) PutReconciliation(ctx context.Context, r reconcile.Run, found []reconcile.Finding) (err error) {
	defer server.Wrap(&err, "store reconciliation %s", r.RunID)
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return fmt.Errorf("figures: %w", err)
	}
	var finished int64
	if r.FinishedAt != nil {
		finished = micros(*r.FinishedAt)
	}
	return s.write(ctx, r.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO reconciliations (`+reconciliationColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
			ON CONFLICT (program_id, run_id) DO UPDATE SET state = excluded.state, counts_json = excluded.counts_json,
			delta_minor = excluded.delta_minor, detail = excluded.detail, heartbeat_at = excluded.heartbeat_at, finished_at = excluded.finished_at`,
			r.ProgramID, r.RunID, r.StoreID, micros(r.From), micros(r.To), flag(r.Mend), flag(r.Scheduled), string(r.State), string(r.Currency),
			string(counts), r.DeltaMinor, r.Detail, micros(r.StartedAt), micros(r.HeartbeatAt), finished)
		if err != nil {
			return err
		}
		for i := range found {
			f := &found[i]
			_, err := tx.ExecContext(ctx, `INSERT INTO reconciliation_findings (program_id, run_id, source, kind, known_minor, told_minor,
				currency, detail, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (program_id, run_id, source) DO NOTHING`,
				r.ProgramID, r.RunID, f.OrderID, string(f.Kind), f.KnownMinor, f.ToldMinor, string(f.Currency), f.Detail, micros(f.FoundAt))
			if err != nil {
				return fmt.Errorf("order %s: %w", f.OrderID, err)
			}
		}
		return nil
	})
}

// TakeReconciliation takes a dead run over. See reconcile.Books.
func (s *Store) TakeReconciliation(ctx context.Context, r reconcile.Run, now time.Time) (taken bool, err error) {
	defer server.Wrap(&err, "take over reconciliation %s", r.RunID)
	err = s.write(ctx, r.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE reconciliations SET heartbeat_at = $4
			WHERE program_id = $1 AND run_id = $2 AND state = 'running' AND heartbeat_at = $3`,
			r.ProgramID, r.RunID, micros(r.HeartbeatAt), micros(now)))
		taken = n == 1
		return err
	})
	return taken, err
}

// Reconciliations lists runs. See reconcile.Books.
func (s *Store) Reconciliations(ctx context.Context, program, storeID string, limit int) (runs []reconcile.Run, err error) {
	defer server.Wrap(&err, "list the reconciliations of program %s", program)
	var rows []reconciliationRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+reconciliationColumns+` FROM reconciliations
			WHERE program_id = $1 AND ($2 = '' OR store_id = $2) ORDER BY run_id DESC LIMIT $3`, program, storeID, limit)
	})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		r, err := rows[i].run()
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// Reconciliation reads one run. See reconcile.Books.
func (s *Store) Reconciliation(ctx context.Context, program, runID string, limit int) (r reconcile.Run, list []reconcile.Finding, err error) {
	defer server.Wrap(&err, "read reconciliation %s", runID)
	var row reconciliationRow
	var rows []struct {
		Source     string `db:"source"`
		Kind       string `db:"kind"`
		KnownMinor int64  `db:"known_minor"`
		ToldMinor  int64  `db:"told_minor"`
		Currency   string `db:"currency"`
		Detail     string `db:"detail"`
		FoundAt    int64  `db:"found_at"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &row, `SELECT `+reconciliationColumns+` FROM reconciliations WHERE program_id = $1 AND run_id = $2`, program, runID)
		if err != nil {
			return found(err, "There is no reconciliation %s.", runID)
		}
		return tx.SelectContext(ctx, &rows, `SELECT source, kind, known_minor, told_minor, currency, detail, found_at FROM reconciliation_findings
			WHERE program_id = $1 AND run_id = $2 ORDER BY source LIMIT $3`, program, runID, limit)
	})
	if err != nil {
		return r, nil, err
	}
	for _, f := range rows {
		list = append(list, reconcile.Finding{
			OrderID: f.Source, Kind: reconcile.Kind(f.Kind), KnownMinor: f.KnownMinor, ToldMinor: f.ToldMinor,
			Currency: money.Currency(f.Currency), Detail: f.Detail, FoundAt: instant(f.FoundAt),
		})
	}
	r, err = row.run()
	return r, list, err
}

// MarkReconciled moves a store's mark. See reconcile.Books.
func (s *Store) MarkReconciled(ctx context.Context, program, storeID string, reachedAt time.Time) (err error) {
	defer server.Wrap(&err, "mark store %s as reconciled", storeID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO reconciliation_marks (program_id, store_id, reached_ts) VALUES ($1, $2, $3)
			ON CONFLICT (program_id, store_id) DO UPDATE SET reached_ts = excluded.reached_ts
			WHERE excluded.reached_ts > reconciliation_marks.reached_ts`, program, storeID, micros(reachedAt))
		return err
	})
}
