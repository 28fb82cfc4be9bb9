package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/webhook"
)

var _ webhook.Books = (*Store)(nil)

// endpointRow is one row of webhook_endpoints.
type endpointRow struct {
	ProgramID       string `db:"program_id"`
	EndpointID      string `db:"endpoint_id"`
	URL             string `db:"url"`
	Description     string `db:"description"`
	TypesJSON       string `db:"types_json"`
	State           string `db:"state"`
	Reason          string `db:"reason"`
	SealedSecret    []byte `db:"sealed_secret"`
	SealedOldSecret []byte `db:"sealed_old_secret"`
	OldUntil        int64  `db:"old_until"`
	CreatedAt       int64  `db:"created_at"`
	SucceededAt     int64  `db:"succeeded_at"`
	FailingSince    int64  `db:"failing_since"`
	Version         int64  `db:"version"`
	Waiting         int64  `db:"waiting"`
}

const endpointColumns = `e.program_id, e.endpoint_id, e.url, e.description, e.types_json, e.state, e.reason, e.sealed_secret,
	e.sealed_old_secret, e.old_until, e.created_at, e.succeeded_at, e.failing_since, e.version`

func (r *endpointRow) endpoint() (webhook.Endpoint, error) {
	e := webhook.Endpoint{
		ProgramID: r.ProgramID, EndpointID: r.EndpointID, URL: r.URL, Description: r.Description, State: r.State, Reason: r.Reason,
		SealedSecret: r.SealedSecret, SealedOldSecret: r.SealedOldSecret, OldUntil: instant(r.OldUntil), CreatedAt: instant(r.CreatedAt),
		SucceededAt: instant(r.SucceededAt), FailingSince: instant(r.FailingSince), Waiting: r.Waiting, Version: r.Version,
	}
	if err := json.Unmarshal([]byte(r.TypesJSON), &e.Types); err != nil {
		return e, fmt.Errorf("types of endpoint %s: %w", r.EndpointID, err)
	}
	return e, nil
}

func endpointsOf(rows []endpointRow) ([]webhook.Endpoint, error) {
	list := make([]webhook.Endpoint, len(rows))
	for i := range rows {
		e, err := rows[i].endpoint()
		if err != nil {
			return nil, err
		}
		list[i] = e
	}
	return list, nil
}

// CreateEndpoint adds an endpoint. See webhook.Books.
func (s *Store) CreateEndpoint(ctx context.Context, e webhook.Endpoint, most int) (err error) {
	defer server.Wrap(&err, "create webhook endpoint %s", e.EndpointID)
	types, err := json.Marshal(e.Types)
	if err != nil {
		return err
	}
	return s.write(ctx, e.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := s.touch(ctx, tx, e.ProgramID, "tree_version"); err != nil { // two first endpoints at once would each begin
			return err
		}
		var known int
		if err := tx.GetContext(ctx, &known, `SELECT count(*) FROM webhook_endpoints WHERE program_id = $1`, e.ProgramID); err != nil {
			return err
		}
		if known >= most {
			return server.Errorf(server.Conflict, "A program has at most %d endpoints: remove one first.", most)
		}
		if known == 0 {
			if err := beginWebhooks(ctx, tx, e.ProgramID, micros(e.CreatedAt)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO webhook_endpoints (program_id, endpoint_id, url, description, types_json, state, reason,
			sealed_secret, created_at) VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8)`,
			e.ProgramID, e.EndpointID, e.URL, e.Description, string(types), e.State, e.SealedSecret, micros(e.CreatedAt))
		return err
	})
}

// beginWebhooks lets the readers begin now: what the outbox holds already nobody asked for.
func beginWebhooks(ctx context.Context, tx *sqlx.Tx, program string, now int64) error {
	var last int64
	if err := tx.GetContext(ctx, &last, `SELECT coalesce(max(sequence), 0) FROM outbox WHERE program_id = $1`, program); err != nil {
		return err
	}
	for reader, at := range map[string]int64{webhook.OutboxReader: last, webhook.FactsReader: now} {
		_, err := tx.ExecContext(ctx, `INSERT INTO relay_positions AS p (program_id, reader, sequence) VALUES ($1, $2, $3)
			ON CONFLICT (program_id, reader) DO UPDATE SET sequence = $3, lease_owner = '', lease_until = 0`, program, reader, at)
		if err != nil {
			return fmt.Errorf("begin reading as %s: %w", reader, err)
		}
	}
	return nil
}

// ChangeEndpoint changes what somebody chose. See webhook.Books.
func (s *Store) ChangeEndpoint(ctx context.Context, program, endpointID string, seen int64, f func(*webhook.Endpoint) error) (e webhook.Endpoint, err error) {
	defer server.Wrap(&err, "change webhook endpoint %s", endpointID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if e, err = findEndpoint(ctx, tx, program, endpointID, s.dialect.forUpdate()); err != nil {
			return err
		}
		if seen >= 0 && seen != e.Version {
			return changedMeanwhile(0, nil)
		}
		if err := f(&e); err != nil {
			return err
		}
		types, err := json.Marshal(e.Types)
		if err != nil {
			return err
		}
		e.Version++
		_, err = tx.ExecContext(ctx, `UPDATE webhook_endpoints SET url = $3, description = $4, types_json = $5, state = $6, reason = $7,
			sealed_secret = $8, sealed_old_secret = $9, old_until = $10, failing_since = $11, version = $12, retry_at = 0
			WHERE program_id = $1 AND endpoint_id = $2`, program, endpointID, e.URL, e.Description, string(types), e.State, e.Reason,
			e.SealedSecret, e.SealedOldSecret, micros(e.OldUntil), micros(e.FailingSince), e.Version)
		return err
	})
	return e, err
}

func findEndpoint(ctx context.Context, tx *sqlx.Tx, program, endpointID, lock string) (webhook.Endpoint, error) {
	var row endpointRow
	err := tx.GetContext(ctx, &row, `SELECT `+endpointColumns+` FROM webhook_endpoints e WHERE program_id = $1 AND endpoint_id = $2`+lock, program, endpointID)
	if err != nil {
		return webhook.Endpoint{}, found(err, "There is no endpoint %s.", endpointID)
	}
	return row.endpoint()
}

// RemoveEndpoint ends an endpoint. See webhook.Books.
func (s *Store) RemoveEndpoint(ctx context.Context, program, endpointID string) (err error) {
	defer server.Wrap(&err, "remove webhook endpoint %s", endpointID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM webhook_endpoints WHERE program_id = $1 AND endpoint_id = $2`, program, endpointID))
		if err != nil {
			return err
		}
		if n == 0 {
			return server.Errorf(server.NotFound, "There is no endpoint %s.", endpointID)
		}
		for _, table := range []string{"webhook_messages", "webhook_attempts"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE program_id = $1 AND endpoint_id = $2`, program, endpointID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Endpoint reads an endpoint. See webhook.Books.
func (s *Store) Endpoint(ctx context.Context, program, endpointID string) (e webhook.Endpoint, err error) {
	defer server.Wrap(&err, "read webhook endpoint %s", endpointID)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		e, err = findEndpoint(ctx, tx, program, endpointID, "")
		return err
	})
	return e, err
}

// Endpoints lists endpoints. See webhook.Books.
func (s *Store) Endpoints(ctx context.Context, program string) (list []webhook.Endpoint, err error) {
	defer server.Wrap(&err, "list webhook endpoints")
	var rows []endpointRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if program == "" {
			return tx.SelectContext(ctx, &rows, `SELECT `+endpointColumns+` FROM webhook_endpoints e ORDER BY program_id, created_at, endpoint_id`)
		}
		return tx.SelectContext(ctx, &rows, `SELECT `+endpointColumns+`, (SELECT count(*) FROM webhook_messages m WHERE m.program_id = e.program_id
			AND m.endpoint_id = e.endpoint_id AND m.state = 'waiting') AS waiting
			FROM webhook_endpoints e WHERE program_id = $1 ORDER BY created_at, endpoint_id`, program)
	})
	if err != nil {
		return nil, err
	}
	return endpointsOf(rows)
}

// AddMessages adds events for endpoints. See webhook.Books.
func (s *Store) AddMessages(ctx context.Context, program string, endpointIDs []string, events []webhook.Message) (err error) {
	defer server.Wrap(&err, "add messages of webhooks of program %s", program)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		for _, endpointID := range endpointIDs {
			if err := s.addMessages(ctx, tx, program, endpointID, events); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) addMessages(ctx context.Context, tx *sqlx.Tx, program, endpointID string, events []webhook.Message) error {
	var last int64
	err := tx.GetContext(ctx, &last, `SELECT last_sequence FROM webhook_endpoints WHERE program_id = $1 AND endpoint_id = $2`+
		s.dialect.forUpdate(), program, endpointID)
	if err != nil {
		return found(err, "There is no endpoint %s.", endpointID)
	}
	for i := range events {
		m := &events[i]
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO webhook_messages (program_id, endpoint_id, sequence, event_id, type, subject, body,
			state, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9)
			ON CONFLICT (program_id, endpoint_id, event_id) DO NOTHING`, program, endpointID, last+1, m.EventID, m.Type, m.Subject, m.Body,
			micros(m.DueAt), micros(m.CreatedAt)))
		if err != nil {
			return fmt.Errorf("add event %s: %w", m.EventID, err)
		}
		last += n
	}
	_, err = tx.ExecContext(ctx, `UPDATE webhook_endpoints SET last_sequence = $3 WHERE program_id = $1 AND endpoint_id = $2`, program, endpointID, last)
	return err
}

// SendAgain makes messages wait anew. See webhook.Books.
func (s *Store) SendAgain(ctx context.Context, program, endpointID string, sequence int64, now time.Time) (n int64, err error) {
	defer server.Wrap(&err, "send messages of endpoint %s again", endpointID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := findEndpoint(ctx, tx, program, endpointID, ""); err != nil {
			return err
		}
		n, err = affected(tx.ExecContext(ctx, `UPDATE webhook_messages SET state = 'waiting', base = attempt, due_at = $4, finished_at = 0
			WHERE program_id = $1 AND endpoint_id = $2 AND (sequence = $3 OR ($3 = 0 AND state = 'failed'))`, program, endpointID, sequence, micros(now)))
		if err != nil {
			return err
		}
		if n == 0 && sequence != 0 {
			return server.Errorf(server.NotFound, "There is no message %d.", sequence)
		}
		_, err := tx.ExecContext(ctx, `UPDATE webhook_endpoints SET retry_at = 0 WHERE program_id = $1 AND endpoint_id = $2`, program, endpointID)
		return err
	})
	return n, err
}

// Due lists endpoints with something to send. See webhook.Books.
func (s *Store) Due(ctx context.Context, owner string, now time.Time) (list []webhook.Endpoint, err error) {
	defer server.Wrap(&err, "list endpoints that are due")
	var rows []endpointRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+endpointColumns+` FROM webhook_endpoints e
			WHERE e.state = 'active' AND e.retry_at <= $1 AND (e.lease_until <= $1 OR e.lease_owner = $2)
			AND EXISTS (SELECT 1 FROM webhook_messages m WHERE m.program_id = e.program_id AND m.endpoint_id = e.endpoint_id
			AND m.state = 'waiting' AND m.due_at <= $1) ORDER BY e.succeeded_at, e.endpoint_id`, micros(now), owner)
	})
	if err != nil {
		return nil, err
	}
	return endpointsOf(rows)
}

// LeaseEndpoint makes owner the only sender. See webhook.Books.
func (s *Store) LeaseEndpoint(ctx context.Context, program, endpointID, owner string, now, until time.Time) (leased bool, err error) {
	defer server.Wrap(&err, "lease webhook endpoint %s", endpointID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE webhook_endpoints SET lease_owner = $3, lease_until = $4
			WHERE program_id = $1 AND endpoint_id = $2 AND state = 'active' AND (lease_until <= $5 OR lease_owner = $3)`,
			program, endpointID, owner, micros(until), micros(now)))
		leased = n == 1
		return err
	})
	return leased, err
}

// Window gives the oldest messages that wait. See webhook.Books.
func (s *Store) Window(ctx context.Context, program, endpointID string, limit int) (list []webhook.Message, err error) {
	defer server.Wrap(&err, "read what waits for endpoint %s", endpointID)
	var rows []messageRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+messageColumns+` FROM webhook_messages m
			WHERE program_id = $1 AND endpoint_id = $2 AND state = 'waiting' ORDER BY sequence LIMIT $3`, program, endpointID, limit)
	})
	for i := range rows {
		list = append(list, rows[i].message())
	}
	return list, err
}

// Record writes what came of attempts. See webhook.Books.
func (s *Store) Record(ctx context.Context, program, endpointID, owner string, results []webhook.Result, retryAt time.Time) (e webhook.Endpoint, err error) {
	defer server.Wrap(&err, "record attempts of endpoint %s", endpointID)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		var succeeded, failed int64
		for i := range results {
			if err := recordAttempt(ctx, tx, program, endpointID, &results[i]); err != nil {
				return err
			}
			at := micros(results[i].Attempt.At)
			if results[i].State == webhook.Delivered {
				succeeded = max(succeeded, at)
			} else {
				failed = max(failed, at)
			}
		}
		n, err := affected(tx.ExecContext(ctx, `UPDATE webhook_endpoints SET lease_until = 0, retry_at = $4,
			succeeded_at = CASE WHEN $5 > succeeded_at THEN $5 ELSE succeeded_at END,
			failing_since = CASE WHEN $5 > 0 THEN 0 WHEN failing_since = 0 THEN $6 ELSE failing_since END
			WHERE program_id = $1 AND endpoint_id = $2 AND lease_owner = $3`, program, endpointID, owner, micros(retryAt), succeeded, failed))
		if err != nil {
			return err
		}
		if n == 0 {
			return webhook.Lost(endpointID)
		}
		e, err = findEndpoint(ctx, tx, program, endpointID, "")
		return err
	})
	return e, err
}

func recordAttempt(ctx context.Context, tx *sqlx.Tx, program, endpointID string, r *webhook.Result) error {
	a := &r.Attempt
	_, err := tx.ExecContext(ctx, `INSERT INTO webhook_attempts (program_id, endpoint_id, sequence, attempt, at, status, latency_us, fault, answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (program_id, endpoint_id, sequence, attempt) DO NOTHING`,
		program, endpointID, r.Sequence, a.Attempt, micros(a.At), a.Status, a.Latency.Microseconds(), a.Fault, a.Answer)
	if err != nil {
		return fmt.Errorf("attempt %d of message %d: %w", a.Attempt, r.Sequence, err)
	}
	finished := int64(0)
	if r.State != webhook.Waiting {
		finished = micros(a.At)
	}
	_, err = tx.ExecContext(ctx, `UPDATE webhook_messages SET attempt = $4, state = $5, due_at = $6, finished_at = $7
		WHERE program_id = $1 AND endpoint_id = $2 AND sequence = $3 AND attempt < $4`,
		program, endpointID, r.Sequence, a.Attempt, r.State, micros(r.DueAt), finished)
	return err
}

// PauseEndpoint pauses an endpoint. See webhook.Books.
func (s *Store) PauseEndpoint(ctx context.Context, program, endpointID, reason string) (err error) {
	defer server.Wrap(&err, "pause webhook endpoint %s", endpointID)
	err = s.amend(ctx, `UPDATE webhook_endpoints SET state = 'paused', reason = $3, version = version + 1
		WHERE program_id = $1 AND endpoint_id = $2 AND state = 'active'`, program, endpointID, reason)
	if err != nil {
		return err
	}
	return s.Audit(ctx, program, "upline", "webhook.pause", endpointID, reason)
}

// ForgetMessages drops old messages. See webhook.Books.
func (s *Store) ForgetMessages(ctx context.Context, finished, all time.Time) (err error) {
	defer server.Wrap(&err, "forget old messages of webhooks")
	programs, err := s.ProgramIDs(ctx)
	if err != nil {
		return err
	}
	for _, program := range programs {
		err := s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
			n, err := affected(tx.ExecContext(ctx, `DELETE FROM webhook_messages WHERE program_id = $1 AND created_at < $2
				AND (state <> 'waiting' OR created_at < $3)`, program, micros(finished), micros(all)))
			if err != nil || n == 0 {
				return err
			}
			_, err = tx.ExecContext(ctx, `DELETE FROM webhook_attempts WHERE program_id = $1 AND NOT EXISTS (SELECT 1 FROM webhook_messages m
				WHERE m.program_id = webhook_attempts.program_id AND m.endpoint_id = webhook_attempts.endpoint_id
				AND m.sequence = webhook_attempts.sequence)`, program)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
