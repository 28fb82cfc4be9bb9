package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/klauspost/compress/zstd"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/run"
)

// periodRow is one row of periods.
type periodRow struct {
	Kind              string `db:"kind"`
	PeriodID          string `db:"period_id"`
	FromTS            int64  `db:"from_ts"`
	ToTS              int64  `db:"to_ts"`
	State             string `db:"state"`
	PlanHash          string `db:"plan_hash"`
	Late              string `db:"late"`
	TreeVersion       int64  `db:"tree_version"`
	SalesSequence     int64  `db:"sales_sequence"`
	BatchSequence     int64  `db:"batch_sequence"`
	Revision          int64  `db:"revision"`
	CommittedRevision int64  `db:"committed_revision"`
	RunID             string `db:"run_id"`
	InputHash         string `db:"input_hash"`
	ResultHash        string `db:"result_hash"`
	TotalsJSON        string `db:"totals_json"`
	LockedAt          int64  `db:"locked_at"`
	LockedBy          string `db:"locked_by"`
	CommittedAt       int64  `db:"committed_at"`
	CommittedBy       string `db:"committed_by"`
	PaidAt            int64  `db:"paid_at"`
	PaidBy            string `db:"paid_by"`
}

const periodColumns = `kind, period_id, from_ts, to_ts, state, plan_hash, late, tree_version, sales_sequence, batch_sequence,
	revision, committed_revision, run_id, input_hash, result_hash, totals_json, locked_at, locked_by, committed_at, committed_by,
	paid_at, paid_by`

func (r *periodRow) public() (run.Period, error) {
	p := run.Period{
		Kind: r.Kind, PeriodID: r.PeriodID, From: instant(r.FromTS), To: instant(r.ToTS), State: run.State(r.State),
		Pins: run.Pins{PlanHash: r.PlanHash, TreeVersion: r.TreeVersion, SalesSequence: r.SalesSequence, BatchSequence: r.BatchSequence},
		Late: r.Late, Revision: r.Revision, CommittedRevision: r.CommittedRevision, RunID: r.RunID, InputHash: r.InputHash,
		ResultHash: r.ResultHash, LockedAt: instant(r.LockedAt), LockedBy: r.LockedBy, CommittedAt: instant(r.CommittedAt),
		CommittedBy: r.CommittedBy, PaidAt: instant(r.PaidAt), PaidBy: r.PaidBy,
	}
	return p, unpack(r.TotalsJSON, &p.Totals)
}

// unpack reads a JSON column into a pointer; "" is nil.
func unpack[T any](text string, into **T) error {
	if text == "" {
		return nil
	}
	*into = new(T)
	return json.Unmarshal([]byte(text), *into)
}

func pack[T any](v *T) (string, error) {
	if v == nil {
		return "", nil
	}
	return text(v)
}

// PeriodOf reads where a period stands. See run.Books.
func (s *Store) PeriodOf(ctx context.Context, k run.Key) (p run.Period, err error) {
	defer server.Wrap(&err, "read period %s of program %s", k.PeriodID, k.Program)
	var rows []periodRow
	err = s.read(ctx, k.Program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+periodColumns+` FROM periods WHERE program_id = $1 AND kind = $2 AND period_id = $3`,
			k.Program, k.Kind, k.PeriodID)
	})
	if err != nil || len(rows) == 0 {
		return run.Period{Kind: k.Kind, PeriodID: k.PeriodID, State: run.Open}, err
	}
	return rows[0].public()
}

// Periods lists a program's periods of a kind ("" for all), the oldest first. See run.Books.
func (s *Store) Periods(ctx context.Context, program, kind string) (list []run.Period, err error) {
	defer server.Wrap(&err, "list the periods of program %s", program)
	var rows []periodRow
	c := where(program, "program_id").andIf("kind", kind)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+periodColumns+` FROM periods`+c.String()+` ORDER BY from_ts, to_ts, kind`, c.args...)
	})
	for i := range rows {
		p, err := rows[i].public()
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, err
}

// runRow is one row of runs.
type runRow struct {
	RunID         string `db:"run_id"`
	Kind          string `db:"kind"`
	PeriodID      string `db:"period_id"`
	Action        string `db:"action"`
	Revision      int64  `db:"revision"`
	At            int64  `db:"at"`
	Actor         string `db:"actor"`
	PlanHash      string `db:"plan_hash"`
	TreeVersion   int64  `db:"tree_version"`
	SalesSequence int64  `db:"sales_sequence"`
	BatchSequence int64  `db:"batch_sequence"`
	InputHash     string `db:"input_hash"`
	ResultHash    string `db:"result_hash"`
	TotalsJSON    string `db:"totals_json"`
	ReportJSON    string `db:"report_json"`
}

const runColumns = `run_id, kind, period_id, action, revision, at, actor, plan_hash, tree_version, sales_sequence, batch_sequence,
	input_hash, result_hash, totals_json, report_json`

func (r *runRow) public() (out run.Run, err error) {
	out = run.Run{
		RunID: r.RunID, Kind: r.Kind, PeriodID: r.PeriodID, Action: run.Action(r.Action), Revision: r.Revision, At: instant(r.At), Actor: r.Actor,
		Pins:      run.Pins{PlanHash: r.PlanHash, TreeVersion: r.TreeVersion, SalesSequence: r.SalesSequence, BatchSequence: r.BatchSequence},
		InputHash: r.InputHash, ResultHash: r.ResultHash,
	}
	if err := unpack(r.TotalsJSON, &out.Totals); err != nil {
		return out, err
	}
	return out, unpack(r.ReportJSON, &out.Report)
}

// Runs lists a period's history, the oldest first. See run.Books.
func (s *Store) Runs(ctx context.Context, k run.Key) (list []run.Run, err error) {
	defer server.Wrap(&err, "list the runs of period %s", k.PeriodID)
	c := where(k.Program, "program_id").andIf("kind", k.Kind).andIf("period_id", k.PeriodID)
	return s.readRuns(ctx, k.Program, c)
}

func (s *Store) readRuns(ctx context.Context, program string, c *conditions) (list []run.Run, err error) {
	var rows []runRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+runColumns+` FROM runs`+c.String()+` ORDER BY at, run_id`, c.args...)
	})
	for i := range rows {
		r, err := rows[i].public()
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, err
}

// RunOf reads one run. See run.Books.
func (s *Store) RunOf(ctx context.Context, program, runID string) (r run.Run, err error) {
	defer server.Wrap(&err, "read run %s", runID)
	list, err := s.readRuns(ctx, program, where(program, "program_id").and("run_id = ?", runID))
	if err == nil && len(list) == 0 {
		err = server.Errorf(server.NotFound, "There is no run %s.", runID)
	}
	if err != nil {
		return run.Run{}, err
	}
	return list[0], nil
}

// rankRow is one row of rank_history.
type rankRow struct {
	Kind          string `db:"kind"`
	PeriodID      string `db:"period_id"`
	DistributorID string `db:"distributor_id"`
	Rank          string `db:"rank"`
	Reached       string `db:"reached"`
	Title         string `db:"title"`
	Held          string `db:"held"`
	MetRank       string `db:"met_rank"`
	Active        int64  `db:"active"`
	Missed        uint8  `db:"missed"`
	Met           uint8  `db:"met"`
	PV            int64  `db:"pv"`
	GV            int64  `db:"gv"`
}

const rankColumns = `r.kind, r.period_id, r.distributor_id, r.rank, r.reached, r.title, r.held, r.met_rank, r.active, r.missed, r.met, r.pv, r.gv`

// shownRanks are the ranks that a period's last commit wrote; each writes everybody's.
const shownRanks = ` FROM periods p JOIN rank_history r ON r.program_id = p.program_id AND r.kind = p.kind AND r.period_id = p.period_id
	AND r.revision = p.committed_revision `

func (r *rankRow) public() run.Rank {
	return run.Rank{
		DistributorID: r.DistributorID, Kind: r.Kind, PeriodID: r.PeriodID, Rank: r.Rank, Reached: r.Reached, Title: r.Title,
		Held: r.Held, MetRank: r.MetRank, Active: r.Active != 0, Missed: r.Missed, Met: r.Met, PV: money.Volume(r.PV), GV: money.Volume(r.GV),
	}
}

// RanksOf gives everybody's ranks of a period. See run.Books.
func (s *Store) RanksOf(ctx context.Context, k run.Key, fn func(run.Rank) error) (err error) {
	defer server.Wrap(&err, "read the ranks of period %s", k.PeriodID)
	return s.read(ctx, k.Program, func(tx *sqlx.Tx) error {
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			var r rankRow
			err := scan(&r.Kind, &r.PeriodID, &r.DistributorID, &r.Rank, &r.Reached, &r.Title, &r.Held, &r.MetRank, &r.Active, &r.Missed, &r.Met, &r.PV, &r.GV)
			if err != nil {
				return err
			}
			return fn(r.public())
		}, `SELECT `+rankColumns+shownRanks+`WHERE r.program_id = $1 AND r.kind = $2 AND r.period_id = $3 ORDER BY r.distributor_id`,
			k.Program, k.Kind, k.PeriodID)
	})
}

// RanksOfPerson gives one person's ranks, the newest period first. See run.Books.
func (s *Store) RanksOfPerson(ctx context.Context, program, distributorID string) (list []run.Rank, err error) {
	defer server.Wrap(&err, "read the ranks of distributor %s", distributorID)
	var rows []rankRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+rankColumns+shownRanks+`WHERE r.program_id = $1 AND r.distributor_id = $2
			ORDER BY p.from_ts DESC, r.kind`, program, distributorID)
	})
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, err
}

// maxStatePart bounds one stored part of a component's state once it is unpacked.
const maxStatePart = 1 << 28

// StatesOf gives what the components left behind in a period. See run.Books.
func (s *Store) StatesOf(ctx context.Context, k run.Key) (list []run.StatePart, err error) {
	defer server.Wrap(&err, "read the component states of period %s", k.PeriodID)
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxStatePart))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	err = s.read(ctx, k.Program, func(tx *sqlx.Tx) error {
		return eachRow(ctx, tx, func(scan func(...any) error) error {
			var part run.StatePart
			var packed []byte
			if err := scan(&part.ComponentID, &part.Part, &packed); err != nil {
				return err
			}
			part.State, err = decoder.DecodeAll(packed, nil)
			list = append(list, part)
			return err
		}, `SELECT c.component_id, c.part, c.state FROM component_states c JOIN periods p ON p.program_id = c.program_id
			AND p.kind = c.kind AND p.period_id = c.period_id AND c.revision = p.committed_revision
			WHERE c.program_id = $1 AND c.kind = $2 AND c.period_id = $3 ORDER BY c.component_id, c.part`,
			k.Program, k.Kind, k.PeriodID)
	})
	return list, err
}

func conflict(format string, args ...any) error {
	return server.Errorf(server.Conflict, format, args...)
}

// insertRun adds an entry to a period's history.
func insertRun(ctx context.Context, tx *sqlx.Tx, program string, r *run.Run) error {
	totals, err := pack(r.Totals)
	if err != nil {
		return fmt.Errorf("write the totals: %w", err)
	}
	report, err := pack(r.Report)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO runs (program_id, `+runColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		program, r.RunID, r.Kind, r.PeriodID, r.Action, r.Revision, micros(r.At), r.Actor, r.Pins.PlanHash, r.Pins.TreeVersion,
		r.Pins.SalesSequence, r.Pins.BatchSequence, r.InputHash, r.ResultHash, totals, report)
	if err != nil {
		return fmt.Errorf("record run %s: %w", r.RunID, err)
	}
	return nil
}
