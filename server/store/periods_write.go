package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/klauspost/compress/zstd"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/server"
	"upline.dev/upline/server/run"
)

// The statements of a commit's transactions.
var (
	insertRanks = &bulk{
		name: "insert rank history", table: "rank_history",
		columns: columns(fixedText("program_id"), fixedText("kind"), fixedText("period_id"), fixedInt("revision"),
			texts("distributor_id", "rank", "reached", "title", "held", "met_rank"), ints("active", "missed", "met", "pv", "gv")),
	}
	insertStates = &bulk{
		name: "insert component states", table: "component_states",
		columns: columns(fixedText("program_id"), fixedText("kind"), fixedText("period_id"), fixedInt("revision"),
			texts("component_id"), ints("part"), blobs("state")),
	}
)

// RecordPreview keeps that somebody looked, and at what. See run.Books.
func (s *Store) RecordPreview(ctx context.Context, program string, p run.Period, r run.Run) (err error) {
	defer server.Wrap(&err, "record the preview of period %s", p.PeriodID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		now, known, err := s.periodForUpdate(ctx, tx, program, p)
		if err != nil {
			return err
		}
		if known && now.State != string(run.Preview) {
			return conflict("Period %s is %s already.", p.PeriodID, now.State)
		}
		if err := s.putPeriod(ctx, tx, program, p, known); err != nil {
			return err
		}
		return insertRun(ctx, tx, program, &r)
	})
}

// Lock fixes what a period is computed from. See run.Books.
func (s *Store) Lock(ctx context.Context, program string, was, p run.Period, r run.Run) (err error) {
	defer server.Wrap(&err, "lock period %s", p.PeriodID)
	return s.change(ctx, program, was, p, &r)
}

// MarkPaid ends a period. See run.Books.
func (s *Store) MarkPaid(ctx context.Context, program string, was, p run.Period, r run.Run) (err error) {
	defer server.Wrap(&err, "mark period %s as paid", p.PeriodID)
	return s.change(ctx, program, was, p, &r)
}

// change writes a period's row if it still is as it was.
func (s *Store) change(ctx context.Context, program string, was, p run.Period, r *run.Run) error {
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := s.changeIn(ctx, tx, program, was, p); err != nil {
			return err
		}
		return insertRun(ctx, tx, program, r)
	})
}

func (s *Store) changeIn(ctx context.Context, tx *sqlx.Tx, program string, was, p run.Period) error {
	now, known, err := s.periodForUpdate(ctx, tx, program, p)
	if err != nil {
		return err
	}
	state := run.State(now.State)
	if !known {
		state = run.Open
	}
	// Previews come and go; everything else that changed meanwhile is somebody else's decision.
	unlocked := func(s run.State) bool { return s == run.Open || s == run.Preview }
	if state != was.State && !(unlocked(state) && unlocked(was.State)) || !unlocked(state) && now.RunID != was.RunID {
		return conflict("Period %s was changed by another run meanwhile; it is %s now.", p.PeriodID, state)
	}
	return s.putPeriod(ctx, tx, program, p, known)
}

func (s *Store) periodForUpdate(ctx context.Context, tx *sqlx.Tx, program string, p run.Period) (row periodRow, known bool, err error) {
	var rows []periodRow
	err = tx.SelectContext(ctx, &rows, `SELECT `+periodColumns+` FROM periods WHERE program_id = $1 AND kind = $2 AND period_id = $3`+
		s.dialect.forUpdate(), program, p.Kind, p.PeriodID)
	if err != nil || len(rows) == 0 {
		return row, false, err
	}
	return rows[0], true, nil
}

func (s *Store) putPeriod(ctx context.Context, tx *sqlx.Tx, program string, p run.Period, known bool) error {
	totals, err := pack(p.Totals)
	if err != nil {
		return fmt.Errorf("write the totals: %w", err)
	}
	statement := `INSERT INTO periods (program_id, ` + periodColumns + `) VALUES
		($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`
	if known {
		statement = `UPDATE periods SET from_ts = $4, to_ts = $5, state = $6, plan_hash = $7, late = $8, tree_version = $9,
			sales_sequence = $10, batch_sequence = $11, revision = $12, committed_revision = $13, run_id = $14, input_hash = $15,
			result_hash = $16, totals_json = $17, locked_at = $18, locked_by = $19, committed_at = $20, committed_by = $21,
			paid_at = $22, paid_by = $23 WHERE program_id = $1 AND kind = $2 AND period_id = $3`
	}
	_, err = tx.ExecContext(ctx, statement, program, p.Kind, p.PeriodID, micros(p.From), micros(p.To), p.State, p.Pins.PlanHash, p.Late,
		p.Pins.TreeVersion, p.Pins.SalesSequence, p.Pins.BatchSequence, p.Revision, p.CommittedRevision, p.RunID, p.InputHash,
		p.ResultHash, totals, micros(p.LockedAt), p.LockedBy, micros(p.CommittedAt), p.CommittedBy, micros(p.PaidAt), p.PaidBy)
	if err != nil {
		return fmt.Errorf("write the period: %w", err)
	}
	return nil
}

// BeginCommit takes the period and hides what is going to be posted. See run.Books.
func (s *Store) BeginCommit(ctx context.Context, program string, was, p run.Period, prefixes []string) (err error) {
	defer server.Wrap(&err, "begin to commit period %s", p.PeriodID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := s.changeIn(ctx, tx, program, was, p); err != nil {
			return err
		}
		for _, source := range prefixes {
			// A commit that is taken up keeps hiding from where the interrupted one began.
			_, err := tx.ExecContext(ctx, `INSERT INTO open_commits (program_id, source, after_batch, run_id)
				SELECT $1, $2, coalesce(max(sequence), 0), $3 FROM seals WHERE program_id = $1
				ON CONFLICT (program_id, source) DO UPDATE SET run_id = excluded.run_id`, program, source, p.RunID)
			if err != nil {
				return fmt.Errorf("hide what is posted for %s: %w", source, err)
			}
		}
		return nil
	})
}

// CommitChunk posts and seals a part of a commit. See run.Books.
func (s *Store) CommitChunk(ctx context.Context, program string, p run.Period, c run.Chunk) (err error) {
	defer server.Wrap(&err, "commit a part of period %s", p.PeriodID)
	sealing, err := newAwards(c.Settlements)
	if err != nil {
		return err
	}
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := s.ownCommit(ctx, tx, program, p); err != nil {
			return err
		}
		if err := s.writeRanks(ctx, tx, program, p, c.Ranks); err != nil {
			return err
		}
		if err := s.writeStates(ctx, tx, program, p, c.States); err != nil {
			return err
		}
		return sealing.write(ctx, s, tx, program)
	})
}

// ownCommit refuses a run that another one has taken the period from.
func (s *Store) ownCommit(ctx context.Context, tx *sqlx.Tx, program string, p run.Period) error {
	now, known, err := s.periodForUpdate(ctx, tx, program, p)
	if err != nil {
		return err
	}
	if !known || now.State != string(run.Committing) || now.RunID != p.RunID {
		return conflict("Period %s is being committed by another run.", p.PeriodID)
	}
	return nil
}

func (s *Store) writeRanks(ctx context.Context, tx *sqlx.Tx, program string, p run.Period, ranks []run.Rank) error {
	rows := s.dialect.newRows(insertRanks, program, p.Kind, p.PeriodID, p.Revision)
	for i := range ranks {
		r := &ranks[i]
		for _, v := range []string{r.DistributorID, r.Rank, r.Reached, r.Title, r.Held, r.MetRank} {
			rows.text(v)
		}
		for _, v := range []int64{flag(r.Active), int64(r.Missed), int64(r.Met), int64(r.PV), int64(r.GV)} {
			rows.int(v)
		}
	}
	_, err := s.dialect.run(ctx, tx, insertRanks, rows)
	return err
}

func (s *Store) writeStates(ctx context.Context, tx *sqlx.Tx, program string, p run.Period, states []run.StatePart) error {
	if len(states) == 0 {
		return nil
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	rows := s.dialect.newRows(insertStates, program, p.Kind, p.PeriodID, p.Revision)
	for i := range states {
		rows.text(states[i].ComponentID)
		rows.int(states[i].Part)
		rows.bytes(encoder.EncodeAll(states[i].State, nil))
	}
	_, err = s.dialect.run(ctx, tx, insertStates, rows)
	return err
}

// FinishCommit shows everybody everything at once. See run.Books.
func (s *Store) FinishCommit(ctx context.Context, program string, p run.Period, r run.Run) (err error) {
	defer server.Wrap(&err, "end the commit of period %s", p.PeriodID)
	return s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := s.ownCommit(ctx, tx, program, p); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM open_commits WHERE program_id = $1 AND run_id = $2`, program, p.RunID); err != nil {
			return fmt.Errorf("show what was posted: %w", err)
		}
		p.State, p.CommittedRevision = run.Committed, p.Revision
		if err := s.putPeriod(ctx, tx, program, p, true); err != nil {
			return err
		}
		return insertRun(ctx, tx, program, &r)
	})
}

// awards is one sealed batch of period settlements on its way.
type awards struct {
	settlements []run.Settlement
	leaves      [][32]byte
	at          int64
}

// newAwards checks settlements and hashes their postings, before any lock is taken.
func newAwards(list []run.Settlement) (*awards, error) {
	a := &awards{settlements: list}
	var all []ledger.Posting
	for i := range list {
		s := &list[i]
		if len(s.Postings) == 0 {
			return nil, fmt.Errorf("the settlement of %s posts nothing", s.Source)
		}
		first := &s.Postings[0]
		a.at = first.PostedAt
		for j := range s.Postings {
			p := &s.Postings[j]
			if p.Key.Source != s.Source || p.Revision != s.Revision || p.SnapshotID != first.SnapshotID || p.OrderTS != first.OrderTS || p.PostedAt != a.at {
				return nil, fmt.Errorf("posting %s is of another source, revision, snapshot or time than its settlement", p.EventID)
			}
		}
		all = append(all, s.Postings...)
	}
	a.leaves = ledger.Leaves(all)
	return a, nil
}

// write appends the batch to the program's chain, with an outbox row for every settlement.
func (a *awards) write(ctx context.Context, s *Store, tx *sqlx.Tx, program string) error {
	if len(a.settlements) == 0 {
		return nil
	}
	end, err := s.dialect.extendChain(ctx, tx, program, false)
	if err != nil {
		return fmt.Errorf("read the end of the chain: %w", err)
	}
	outbox := end.outbox
	next, err := ledger.Chain(end.last, program, a.leaves, a.at)
	if err != nil {
		return err
	}
	d := s.dialect
	settlements, postings := d.newRows(insertSettlements, program, next.Sequence), d.newRows(insertPostings, program, next.Sequence)
	messages := d.newRows(insertOutbox, program, CommissionEvents, a.at)
	for i := range a.settlements {
		one := &a.settlements[i]
		if err := addAward(settlements, postings, one); err != nil {
			return fmt.Errorf("%s: %w", one.Source, err)
		}
		payload, err := text(outboxPayload{OrderID: one.Source, Revision: one.Revision, SnapshotID: one.Postings[0].SnapshotID})
		if err != nil {
			return fmt.Errorf("%s: write the outbox row: %w", one.Source, err)
		}
		outbox++
		messages.int(outbox)
		messages.text(one.Source)
		messages.text(payload)
	}
	_, err = d.together(ctx, tx, step{insertSettlements, settlements, false}, step{insertPostings, postings, false},
		step{insertOutbox, messages, false}, sealStep(d, next, a.leaves, outbox))
	return err
}

func addAward(settlements, postings rows, s *run.Settlement) error {
	snapshot, err := rawHash(s.Postings[0].SnapshotID)
	if err != nil {
		return fmt.Errorf("snapshot id: %w", err)
	}
	first := int64(postings.len())
	settlements.text(s.Source)
	settlements.int(s.Revision)
	settlements.int(first)
	settlements.int(int64(len(s.Postings)))
	settlements.bytes(snapshot)
	settlements.text(string(s.Snapshot))
	settlements.int(s.Postings[0].OrderTS)
	settlements.int(s.Postings[0].PostedAt)
	for i := range s.Postings {
		if err := addPosting(postings, &s.Postings[i], first+int64(i), first); err != nil {
			return err
		}
	}
	return nil
}
