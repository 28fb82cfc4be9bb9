package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/webhook"
)

// messageRow is one row of webhook_messages, perhaps with its newest attempt.
type messageRow struct {
	EndpointID string `db:"endpoint_id"`
	Sequence   int64  `db:"sequence"`
	EventID    string `db:"event_id"`
	Type       string `db:"type"`
	Subject    string `db:"subject"`
	Body       string `db:"body"`
	State      string `db:"state"`
	Attempt    int    `db:"attempt"`
	Base       int    `db:"base"`
	DueAt      int64  `db:"due_at"`
	CreatedAt  int64  `db:"created_at"`
	FinishedAt int64  `db:"finished_at"`
	attemptRow
}

type attemptRow struct {
	Number    int    `db:"number"`
	At        int64  `db:"at"`
	Status    int    `db:"status"`
	LatencyUS int64  `db:"latency_us"`
	Fault     string `db:"fault"`
	Answer    string `db:"answer"`
}

const messageColumns = `m.endpoint_id, m.sequence, m.event_id, m.type, m.subject, m.body, m.state, m.attempt, m.base, m.due_at, m.created_at,
	m.finished_at`

func (r *attemptRow) attempt() webhook.Attempt {
	return webhook.Attempt{
		Attempt: r.Number, At: instant(r.At), Status: r.Status, Latency: time.Duration(r.LatencyUS) * time.Microsecond, Fault: r.Fault, Answer: r.Answer,
	}
}

func (r *messageRow) message() webhook.Message {
	m := webhook.Message{
		EndpointID: r.EndpointID, Sequence: r.Sequence, EventID: r.EventID, Type: r.Type, Subject: r.Subject, Body: r.Body, State: r.State,
		Attempt: r.Attempt, Base: r.Base, DueAt: instant(r.DueAt), CreatedAt: instant(r.CreatedAt), FinishedAt: instant(r.FinishedAt),
	}
	if r.Number > 0 {
		last := r.attempt()
		m.Last = &last
	}
	return m
}

// Messages lists what an endpoint was sent, the newest first. See webhook.Books.
func (s *Store) Messages(ctx context.Context, program, endpointID string, f webhook.Filter, limit int, after string) (list []webhook.Message, next string, err error) {
	defer server.Wrap(&err, "list messages of endpoint %s", endpointID)
	c := where(program, "m.program_id").and("m.endpoint_id = ?", endpointID).andIf("m.state", f.State).andIf("m.type", f.Type)
	at, err := readCursor(after, 1)
	if err != nil {
		return nil, "", err
	}
	if at != nil {
		n, err := at.number(0)
		if err != nil {
			return nil, "", err
		}
		c.and("m.sequence < ?", n)
	}
	var rows []messageRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		if _, err := findEndpoint(ctx, tx, program, endpointID, ""); err != nil {
			return err
		}
		return tx.SelectContext(ctx, &rows, `SELECT `+messageColumns+`, coalesce(a.attempt, 0) AS number, coalesce(a.at, 0) AS at,
			coalesce(a.status, 0) AS status, coalesce(a.latency_us, 0) AS latency_us, coalesce(a.fault, '') AS fault, coalesce(a.answer, '') AS answer
			FROM webhook_messages m LEFT JOIN webhook_attempts a ON a.program_id = m.program_id AND a.endpoint_id = m.endpoint_id
			AND a.sequence = m.sequence AND a.attempt = m.attempt`+c.String()+` ORDER BY m.sequence DESC`+c.limited(limit), c.args...)
	})
	if err != nil {
		return nil, "", err
	}
	rows, next = cut(rows, limit, func(r *messageRow) cursor { return cursor{digits(r.Sequence)} })
	for i := range rows {
		list = append(list, rows[i].message())
	}
	return list, next, nil
}

// Message reads a message with its attempts, the newest first. See webhook.Books.
func (s *Store) Message(ctx context.Context, program, endpointID string, sequence int64) (m webhook.Message, attempts []webhook.Attempt, err error) {
	defer server.Wrap(&err, "read message %d of endpoint %s", sequence, endpointID)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		var row messageRow
		err := tx.GetContext(ctx, &row, `SELECT `+messageColumns+` FROM webhook_messages m WHERE m.program_id = $1 AND m.endpoint_id = $2
			AND m.sequence = $3`, program, endpointID, sequence)
		if err != nil {
			return found(err, "There is no message %d.", sequence)
		}
		m = row.message()
		var tries []attemptRow
		err = tx.SelectContext(ctx, &tries, `SELECT attempt AS number, at, status, latency_us, fault, answer FROM webhook_attempts
			WHERE program_id = $1 AND endpoint_id = $2 AND sequence = $3 ORDER BY attempt DESC LIMIT 100`, program, endpointID, sequence)
		for i := range tries {
			attempts = append(attempts, tries[i].attempt())
		}
		return err
	})
	return m, attempts, err
}

// factsMax bounds one look; the next look finds what is left, since the position is an instant and ids are stable.
const factsMax = 1000

// factQuery finds events of one type: key, subject, at, and facts that data names. $2 is what since makes of an instant.
type factQuery struct {
	text  string
	since func(us int64) any
	data  func(f *factRow) any
}

var factQueries = map[string]factQuery{
	webhook.OrderParked: {`SELECT source || '/' || revision || '/' || reason_code AS key, source AS subject, settled_at AS at, reason_code AS a,
		waiting_currency AS b, store_id AS c, '' AS d, waiting_minor AS n FROM orders
		WHERE program_id = $1 AND settlement = 'parked' AND settled_at >= $2 ORDER BY settled_at LIMIT $3`, asMicros, parkedOrder},
	webhook.DeliveryParked: {`SELECT s.delivery_id || '/' || s.attempt AS key, CASE WHEN s.source = '' THEN s.delivery_id ELSE s.source END AS subject,
		s.settled_at AS at, s.delivery_id AS a, i.topic AS b, i.store_id AS c, s.source AS d, 0 AS n
		FROM inbox_state s JOIN inbox i ON i.program_id = s.program_id AND i.delivery_id = s.delivery_id
		WHERE s.program_id = $1 AND s.status = 'parked' AND s.settled_at >= $2 ORDER BY s.settled_at LIMIT $3`, asMicros, parkedDelivery},
	webhook.StoreConnected:    audited("'store.create', 'store.connect', 'store.reconnect'", ofStore),
	webhook.StoreDisconnected: audited("'store.uninstall', 'store.needs_reauth', 'store.disconnect'", lostStore),
	webhook.PlanPublished:     audited("'plan.publish'", func(f *factRow) any { return map[string]string{"plan_hash": f.Subject} }),
}

func asMicros(us int64) any { return us }

// audited finds lines of the audit log by their actions; its ids begin with the time.
func audited(actions string, data func(f *factRow) any) factQuery {
	return factQuery{
		`SELECT audit_id AS key, subject, at, action AS a, '' AS b, '' AS c, '' AS d, 0 AS n FROM audit_log
		WHERE program_id = $1 AND audit_id >= $2 AND action IN (` + actions + `) ORDER BY audit_id LIMIT $3`,
		func(us int64) any { return auditPlace(us) }, data,
	}
}

type factRow struct {
	Key     string `db:"key"`
	Subject string `db:"subject"`
	At      int64  `db:"at"`
	A       string `db:"a"`
	B       string `db:"b"`
	C       string `db:"c"`
	D       string `db:"d"`
	N       int64  `db:"n"`
}

func parkedOrder(f *factRow) any {
	data := map[string]string{"order_id": f.Subject, "store_id": f.C, "reason_code": f.A}
	if f.B != "" {
		data["waiting"], data["currency"] = money.FormatMinor(f.N, money.Currency(f.B)), f.B
	}
	return data
}

func parkedDelivery(f *factRow) any {
	data := map[string]string{"delivery_id": f.A, "topic": f.B, "store_id": f.C}
	if f.D != "" {
		data["order_id"] = f.D
	}
	return data
}

func ofStore(f *factRow) any { return map[string]string{"store_id": f.Subject} }

// lostStore says why a store tells nothing any more.
func lostStore(f *factRow) any {
	causes := map[string]string{"store.uninstall": "uninstalled", "store.needs_reauth": "credentials_refused", "store.disconnect": "disconnected"}
	return map[string]string{"store_id": f.Subject, "cause": causes[f.A]}
}

// Facts finds events beside the outbox. See webhook.Books.
func (s *Store) Facts(ctx context.Context, program string, types []string, since time.Time) (list []webhook.Event, err error) {
	defer server.Wrap(&err, "find facts for webhooks of program %s", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		for _, kind := range types {
			q, ok := factQueries[kind]
			if !ok {
				continue // the outbox tells it
			}
			var rows []factRow
			if err := tx.SelectContext(ctx, &rows, q.text, program, q.since(micros(since)), factsMax); err != nil {
				return fmt.Errorf("find %s: %w", kind, err)
			}
			for i := range rows {
				data, err := json.Marshal(q.data(&rows[i]))
				if err != nil {
					return fmt.Errorf("%s %s: %w", kind, rows[i].Key, err)
				}
				list = append(list, webhook.Event{
					EventID: webhook.EventID(program, kind, rows[i].Key), Type: kind, Subject: rows[i].Subject, At: instant(rows[i].At), Data: data,
				})
			}
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b webhook.Event) int { return a.At.Compare(b.At) })
	return list, err
}
