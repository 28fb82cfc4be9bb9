package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
)

// Where bodies arrive, as the row "bodies" of installation has it on PostgreSQL: in partitions of their own, or in their deliveries.
const bodiesApart = "apart"

// bodyPlace is where bodies are kept: rows of table with program_id and delivery_id. drop is a statement, up to its WHERE, that forgets
// those of the rows that it names. kept is the condition of a row that has one; has is that of a delivery i whose body is there.
type bodyPlace struct {
	table, drop, kept, has string
}

var (
	bodiesInDeliveries = bodyPlace{
		table: "inbox", drop: "UPDATE inbox SET sealed_body = NULL", kept: "sealed_body IS NOT NULL", has: "i.sealed_body IS NOT NULL",
	}
	bodiesInPartitions = bodyPlace{
		table: "inbox_bodies", drop: "DELETE FROM inbox_bodies", kept: "true",
		has: "EXISTS (SELECT FROM inbox_bodies b WHERE b.program_id = i.program_id AND b.delivery_id = i.delivery_id)",
	}
)

func (*embedded) bodyOf() string         { return "i.sealed_body" }
func (*embedded) bodiesAre() []bodyPlace { return []bodyPlace{bodiesInDeliveries} }

func (*postgres) bodyOf() string {
	return "coalesce(i.sealed_body, (SELECT b.sealed_body FROM inbox_bodies b WHERE b.program_id = i.program_id AND b.delivery_id = i.delivery_id))"
}

// bodiesAre is in the order in which a body may move while it is looked for.
func (*postgres) bodiesAre() []bodyPlace { return []bodyPlace{bodiesInPartitions, bodiesInDeliveries} }

// countBodies is the number of a program's bodies as SQL; $1 is the program.
func (s *Store) countBodies() string {
	var counts []string
	for _, place := range s.dialect.bodiesAre() {
		counts = append(counts, `(SELECT count(*) FROM `+place.table+` WHERE program_id = $1 AND `+place.kept+`)`)
	}
	return strings.Join(counts, " + ")
}

// dropBodies forgets the bodies of a program's deliveries that a SELECT of their ids gives for each place; $1 is the program.
func (s *Store) dropBodies(ctx context.Context, program, what string, which func(bodyPlace) string, args ...any) (dropped int64, err error) {
	defer server.Wrap(&err, "drop bodies of %s", what)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		dropped = 0
		for _, place := range s.dialect.bodiesAre() {
			n, err := affected(tx.ExecContext(ctx, place.drop+` WHERE program_id = $1 AND `+place.kept+` AND delivery_id IN (`+which(place)+`)`,
				append([]any{program}, args...)...))
			if err != nil {
				return err
			}
			dropped += n
		}
		return nil
	})
	return dropped, err
}

// DropBodies forgets old bodies that are in their deliveries. See inbox.Store.
func (s *Store) DropBodies(ctx context.Context, before time.Time, limit int) (dropped int64, err error) {
	defer server.Wrap(&err, "drop bodies")
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		dropped, err = affected(tx.ExecContext(ctx, `UPDATE inbox SET sealed_body = NULL
			WHERE sealed_body IS NOT NULL AND (program_id, delivery_id) IN (
				SELECT i.program_id, i.delivery_id`+deliveryTables+`
				WHERE s.status = 'done' AND i.received_at < $1 AND i.sealed_body IS NOT NULL
				ORDER BY i.received_at LIMIT $2)`, micros(before), limit))
		return err
	})
	return dropped, err
}

const (
	// Bodies that arrive in a partition go together: the time that one is for is taken from the time that its bodies are kept for.
	bodyPartitionsKept  = 30
	shortestPartition   = 10 * time.Minute
	bodyPartitionsAhead = 2 * time.Hour // beside the next whole one: whoever makes them comes each hour
	// Bodies that are forgotten or moved one by one, in one transaction.
	bodiesAtOnce = 500
)

// TurnBodies makes partitions and drops old ones. See inbox.Store.
func (s *Store) TurnBodies(ctx context.Context, now time.Time, keep time.Duration) (dropped int64, err error) {
	defer server.Wrap(&err, "turn the partitions of bodies")
	d, ok := s.dialect.(oncePutter)
	if !ok {
		return 0, nil
	}
	if apart, err := d.bodiesApart(ctx); err != nil || !apart {
		return 0, s.explain(ctx, err)
	}
	period := max(keep/bodyPartitionsKept, shortestPartition)
	for made := "any"; made != ""; {
		err := s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
			return tx.GetContext(ctx, &made, `SELECT coalesce(upline_extend_bodies($1, $2, $3), '')`,
				micros(now), period.Microseconds(), micros(now.Add(period+bodyPartitionsAhead)))
		})
		if err != nil {
			return 0, fmt.Errorf("make the next one: %w", err)
		}
	}
	return s.dropBodyPartitions(ctx, now.Add(-keep), now)
}

func (s *Store) dropBodyPartitions(ctx context.Context, before, now time.Time) (total int64, err error) {
	for {
		var step struct {
			Part    string `db:"part"`
			Moved   int64  `db:"moved"`
			Dropped int64  `db:"dropped"`
		}
		err := s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
			return tx.GetContext(ctx, &step, `SELECT coalesce(part, '') AS part, moved, dropped FROM upline_drop_bodies($1, $2, $3)`,
				micros(before), micros(now), bodiesAtOnce)
		})
		if total += step.Dropped; err != nil || step.Part == "" {
			return total, err
		}
	}
}

// FinishUpgrade lets programs rely on what those from before the newest migration do not know, none of which may be at work any more, nor
// begin again. It gives false where that was so already, as ever on SQLite, where one program is at work.
func FinishUpgrade(ctx context.Context, c Config) (changed bool, err error) {
	s, err := connectOwner(ctx, c)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.Dialect() != "postgres" {
		return false, nil
	}
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE installation SET value = $1 WHERE name = 'bodies' AND value <> $1`, bodiesApart))
		if changed = n > 0; err != nil || !changed {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE installation SET value = greatest(value::bigint, 24)::text WHERE name = 'schema_floor'`)
		return err
	})
	return changed, err
}
