package bench

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/period"
	compensation "upline.dev/upline/core/plan"
)

// The same figures by recursive SQL: own volume, group volume, and retail and compressed levels of every order.
var (
	//go:embed close_tables.sql
	closeTablesSQL string
	//go:embed close_volumes.sql
	closeVolumesSQL string
	//go:embed close_orders.sql
	closeOrdersSQL string
)

// SQLReport compares the engine with PostgreSQL at one size. SQL is given the ranks; the engine computes them.
type SQLReport struct {
	Distributors  int     `json:"distributors"`
	Lines         int     `json:"lines"`
	VolumeSeconds float64 `json:"volume_seconds"`
	OrderSeconds  float64 `json:"order_seconds"`
	EngineSeconds float64 `json:"engine_seconds"`
	PaidMinor     int64   `json:"paid_minor"` // the same by both
}

// sqlWithin bounds each statement of the comparison.
const sqlWithin = 20 * time.Minute

// compare runs engine and SQL on the same smaller or equal company, one after the other, and holds their figures
// against each other.
func (r *CloseReport) compare(ctx context.Context, c *CloseConfig, p *compensation.Plan) (err error) {
	people, lines := c.Distributors, c.Lines
	if c.SQLPeople > 0 && c.SQLPeople < people {
		lines, people = int(int64(lines)*int64(c.SQLPeople)/int64(people)), c.SQLPeople
	}
	w := crowdOf(people, lines, c.Shape)
	begin := time.Now()
	standings, err := period.Qualify(w, p, onCores(c.Workers))
	if err != nil {
		return fmt.Errorf("qualify for the comparison: %w", err)
	}
	orders, err := commission.SettleOrders(w, standings.Rank, p, onCores(c.Workers))
	if err != nil {
		return fmt.Errorf("settle orders for the comparison: %w", err)
	}
	r.SQL = &SQLReport{Distributors: people, Lines: lines, EngineSeconds: round(time.Since(begin).Seconds(), 3)}
	db, err := sql.Open("postgres", c.DatabaseURL)
	if err != nil {
		return fmt.Errorf("open the database of the comparison: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s := sqlSide{db: db, report: r.SQL}
	if err := s.load(ctx, w, standings); err != nil {
		return err
	}
	defer func() {
		_, dropErr := db.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA bench_close CASCADE")
		err = errors.Join(err, dropErr)
	}()
	if err := s.run(ctx, standings, orders); err != nil {
		return err
	}
	r.SQLSeconds = round(r.SQL.VolumeSeconds+r.SQL.OrderSeconds, 3)
	r.Ratio = round(r.SQLSeconds/max(r.SQL.EngineSeconds, 0.001), 1)
	return nil
}

type sqlSide struct {
	db     *sql.DB
	report *SQLReport
}

// load fills the tables; it is not measured.
func (s *sqlSide) load(ctx context.Context, w *period.World, standings *period.Standings) error {
	if _, err := s.db.ExecContext(ctx, closeTablesSQL); err != nil {
		return fmt.Errorf("make the tables of the comparison: %w", err)
	}
	people := newColumns("INSERT INTO bench_close.people SELECT * FROM unnest($1::int[], $2::int[], $3::int[], $4::int[])", 4)
	for i := range int(w.People.Count) {
		active := int64(0)
		if w.People.Status[i] == genealogy.Active { // What is paid per order depends on nothing that the period brings.
			active = 1
		}
		if err := people.add(ctx, s.db, int64(i), int64(w.Sponsor.Parent[i]), active, int64(standings.Rank[i])); err != nil {
			return err
		}
	}
	sales := newColumns("INSERT INTO bench_close.sales SELECT * FROM unnest($1::int[], $2::int[], $3::int[], $4::bigint[])", 4)
	buf := make([]period.Sale, 0, period.BlockSales)
	for i := range w.Sales.Blocks() {
		block, err := w.Sales.Block(i, buf)
		if err != nil {
			return fmt.Errorf("make sales: %w", err)
		}
		for j := range block {
			own := int64(0)
			if block[j].Buyer >= 0 {
				own = 1
			}
			if err := sales.add(ctx, s.db, int64(i*period.BlockSales+j), int64(block[j].Seller), own, block[j].Net); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(people.flush(ctx, s.db), sales.flush(ctx, s.db)); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, "ALTER TABLE bench_close.people ADD PRIMARY KEY (id); ANALYZE bench_close.people; ANALYZE bench_close.sales")
	if err != nil {
		return fmt.Errorf("index the tables of the comparison: %w", err)
	}
	return nil
}

// run measures both statements and compares their sums.
func (s *sqlSide) run(ctx context.Context, standings *period.Standings, orders *commission.OrderPay) error {
	ctx, cancel := context.WithTimeout(ctx, sqlWithin)
	defer cancel()
	var group, groups int64
	begin := time.Now()
	if err := s.db.QueryRowContext(ctx, closeVolumesSQL).Scan(&groups); err != nil {
		return fmt.Errorf("group volumes by SQL: %w", err)
	}
	s.report.VolumeSeconds = round(time.Since(begin).Seconds(), 3)
	for _, volume := range standings.GV {
		group += volume / 10_000 // The bench's volumes are whole cents of net.
	}
	if group != groups {
		return fmt.Errorf("group volumes sum to %d by SQL and to %d by the engine", groups, group)
	}
	begin = time.Now()
	if err := s.db.QueryRowContext(ctx, closeOrdersSQL).Scan(&s.report.PaidMinor); err != nil {
		return fmt.Errorf("orders by SQL: %w", err)
	}
	s.report.OrderSeconds = round(time.Since(begin).Seconds(), 3)
	paid := int64(0)
	for _, component := range orders.Paid {
		for _, minor := range component {
			paid += minor
		}
	}
	if paid != s.report.PaidMinor {
		return fmt.Errorf("orders pay %d by SQL and %d by the engine", s.report.PaidMinor, paid)
	}
	return nil
}

// columns are rows on their way into a table, as one array per column.
type columns struct {
	statement string
	values    []strings.Builder
	rows      int
}

// columnRows is how many rows one statement takes.
const columnRows = 50_000

func newColumns(statement string, count int) *columns {
	return &columns{statement: statement, values: make([]strings.Builder, count)}
}

func (c *columns) add(ctx context.Context, db *sql.DB, values ...int64) error {
	for i, value := range values {
		if c.rows > 0 {
			c.values[i].WriteByte(',')
		}
		c.values[i].WriteString(strconv.FormatInt(value, 10))
	}
	c.rows++
	if c.rows < columnRows {
		return nil
	}
	return c.flush(ctx, db)
}

func (c *columns) flush(ctx context.Context, db *sql.DB) error {
	if c.rows == 0 {
		return nil
	}
	arrays := make([]any, len(c.values))
	for i := range c.values {
		arrays[i] = "{" + c.values[i].String() + "}"
		c.values[i].Reset()
	}
	c.rows = 0
	if _, err := db.ExecContext(ctx, c.statement, arrays...); err != nil {
		return fmt.Errorf("load the comparison: %w", err)
	}
	return nil
}
