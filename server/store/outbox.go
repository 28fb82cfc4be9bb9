package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/relay"
)

var (
	_ relay.Books   = (*Store)(nil)
	_ relay.Trimmed = (*Store)(nil)
)

// outboxPayload is what an outbox row keeps: where its events are. The postings never change, so to keep the events
// twice would only be a second truth, and cost a third of the settling transaction.
type outboxPayload struct {
	OrderID    string `json:"order_id"`
	Revision   int64  `json:"revision"`
	SnapshotID string `json:"snapshot_id,omitempty"`
}

// outboxMessage is a payload with its events.
type outboxMessage struct {
	outboxPayload
	Events []outboxEvent `json:"events"`
}

type outboxEvent struct {
	EventID       string `json:"event_id"`
	LineID        string `json:"line_id,omitempty"`
	ComponentID   string `json:"component_id"`
	DistributorID string `json:"distributor_id"`
	Kind          string `json:"kind"`
	Currency      string `json:"currency"`
	Amount        string `json:"amount"` // decimal text; negative for a reversal
}

// Outbox reads a program's messages after a sequence, at most limit. A reader that remembers the last sequence misses
// none: they become visible in their order. See relay.Books.
func (s *Store) Outbox(ctx context.Context, program string, after int64, limit int) (messages []relay.Row, err error) {
	defer server.Wrap(&err, "read the outbox of program %s", program)
	var found []struct {
		Sequence  int64  `db:"sequence"`
		Topic     string `db:"topic"`
		Key       string `db:"key"`
		Payload   string `db:"payload"`
		CreatedAt int64  `db:"created_at"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		err := tx.SelectContext(ctx, &found, `SELECT sequence, topic, key, payload, created_at FROM outbox
			WHERE program_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`, program, after, limit)
		if err != nil || len(found) == 0 {
			return err
		}
		pointers := make([]outboxMessage, len(found))
		for i := range found {
			if err := json.Unmarshal([]byte(found[i].Payload), &pointers[i].outboxPayload); err != nil {
				return fmt.Errorf("outbox row %d: %w", found[i].Sequence, err)
			}
		}
		if err := s.fillEvents(ctx, tx, program, pointers); err != nil {
			return err
		}
		for i := range found {
			payload, err := json.Marshal(pointers[i])
			if err != nil {
				return fmt.Errorf("outbox row %d: %w", found[i].Sequence, err)
			}
			messages = append(messages, relay.Row{
				Sequence: found[i].Sequence, Topic: found[i].Topic, Key: found[i].Key,
				Payload: payload, CreatedAt: instant(found[i].CreatedAt),
			})
		}
		return nil
	})
	return messages, err
}

// fillEvents reads the postings that the messages point at.
func (s *Store) fillEvents(ctx context.Context, tx *sqlx.Tx, program string, messages []outboxMessage) error {
	type settlement struct {
		source   string
		revision int64
	}
	at := make(map[settlement]*outboxMessage, len(messages))
	sources := make([]string, len(messages))
	for i := range messages {
		sources[i] = messages[i].OrderID
		at[settlement{messages[i].OrderID, messages[i].Revision}] = &messages[i]
	}
	var found []postingRow
	err := tx.SelectContext(ctx, &found, `SELECT `+postingColumns+postingsOfSettlements+`WHERE s.program_id = $1 AND s.source IN `+
		s.dialect.in("$2")+` ORDER BY p.batch_sequence, p.position`, program, s.dialect.list(sources))
	if err != nil {
		return fmt.Errorf("read the events: %w", err)
	}
	for i := range found {
		p := &found[i]
		m := at[settlement{p.Source, p.Revision}]
		if m == nil {
			continue
		}
		m.Events = append(m.Events, outboxEvent{
			EventID: p.eventID(), LineID: p.LineID, ComponentID: p.ComponentID, DistributorID: p.DistributorID, Kind: p.Kind,
			Currency: p.Currency, Amount: money.FormatMinor(p.AmountMinor, money.Currency(p.Currency)),
		})
	}
	return nil
}

// ForgetOutbox drops a program's messages up to a sequence, once everybody has them.
func (s *Store) ForgetOutbox(ctx context.Context, program string, upTo int64) (err error) {
	defer server.Wrap(&err, "forget the outbox of program %s", program)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE program_id = $1 AND sequence <= $2`, program, upTo)
		return err
	})
}

// TrimOutbox drops what every reader has had. See relay.Trimmed. Sequences have no gaps, so that the first one says where
// a limited number of rows ends.
func (s *Store) TrimOutbox(ctx context.Context, program string, before time.Time, limit int) (dropped int64, err error) {
	defer server.Wrap(&err, "trim the outbox of program %s", program)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		dropped, err = affected(tx.ExecContext(ctx, `DELETE FROM outbox WHERE program_id = $1 AND created_at < $2
			AND sequence < (SELECT min(sequence) FROM outbox WHERE program_id = $1) + $3
			AND sequence <= (SELECT min(sequence) FROM relay_positions WHERE program_id = $1)`, program, micros(before), limit))
		return err
	})
	return dropped, err
}

// LeasePosition makes owner the only one who reads for reader for a while. See relay.Books.
func (s *Store) LeasePosition(ctx context.Context, program, reader, owner string, now, until time.Time) (sequence int64, leased bool, err error) {
	defer server.Wrap(&err, "lease the position of %s in program %s", reader, program)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		row := tx.QueryRowxContext(ctx, `INSERT INTO relay_positions AS p (program_id, reader, lease_owner, lease_until)
			VALUES ($1, $2, $3, $4) ON CONFLICT (program_id, reader) DO UPDATE SET lease_owner = $3, lease_until = $4
			WHERE p.lease_owner = $3 OR p.lease_until <= $5 RETURNING sequence`, program, reader, owner, micros(until), micros(now))
		switch err := row.Scan(&sequence); {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		leased = true
		return nil
	})
	return sequence, leased, err
}

// MovePosition notes how far a reader is. See relay.Books.
func (s *Store) MovePosition(ctx context.Context, program, reader, owner string, sequence int64) (err error) {
	defer server.Wrap(&err, "move %s in program %s to %d", reader, program, sequence)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		moved, err := tx.ExecContext(ctx, `UPDATE relay_positions SET sequence = CASE WHEN sequence < $4 THEN $4 ELSE sequence END
			WHERE program_id = $1 AND reader = $2 AND lease_owner = $3`, program, reader, owner, sequence)
		if err != nil {
			return err
		}
		if n, err := moved.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return relay.Lost(program, reader)
	})
}
