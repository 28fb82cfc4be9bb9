package bench

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/period"
	compensation "upline.dev/upline/core/plan"
	"upline.dev/upline/server/planfile"
)

// The same figures by recursive SQL.
var (
	//go:embed close_volumes.sql
	closeVolumesSQL string
	//go:embed close_ranks.sql
	closeRanksSQL string
	//go:embed close_orders.sql
	closeOrdersSQL string
	//go:embed close_leaders.sql
	closeLeadersSQL string
	//go:embed close_sums.sql
	closeSumsSQL string
)

// SQLReport is the close by PostgreSQL alone, from its own tables into its own tables without traces.
type SQLReport struct {
	Distributors int    `json:"distributors"`
	Lines        int    `json:"lines"`
	Steps        []Step `json:"steps"` // without processor time, which is the server's
	// ExtrapolatedFrom is how many distributors were measured where all of them took too long: sql_seconds is then the
	// measured time multiplied in proportion to the lines, which flatters SQL. 0: all were measured.
	ExtrapolatedFrom int `json:"extrapolated_from,omitempty"`
	// Unfinished tells that SQL was stopped: sql_seconds is then what it had taken, and the ratio is at least what it says.
	Unfinished bool   `json:"unfinished,omitempty"`
	Same       bool   `json:"same_figures"` // volumes, ranks and all four components agree for everybody
	Note       string `json:"note,omitempty"`
}

// sums are one number for each figure, in which everybody's place counts: GV, ranks, and the four components.
type sums []int64

// sumsOf are those of the engine, as close_sums.sql has them.
func sumsOf(p *compensation.Plan, f *figures) (s sums) {
	weight := func(person int) int64 { return int64(person%1009) + 1 }
	s = make(sums, 2)
	for person, rank := range f.standings.Rank {
		s[0] += f.standings.GV[person] / 10_000 * weight(person) // The bench's volumes are whole cents of net.
		s[1] += int64(rank) * weight(person)
	}
	for i := range p.Components {
		paid := int64(0)
		if i < len(f.orders.Paid) && f.orders.Paid[i] != nil {
			for person, minor := range f.orders.Paid[i] {
				paid += minor * weight(person)
			}
		}
		for _, award := range f.closing.AwardsOf(i) {
			paid += award.AmountMinor * weight(int(award.Person))
		}
		s = append(s, paid)
	}
	return s
}

// compare lets SQL close what the engine closed; a tenth of it where all takes too long.
func (r *CloseReport) compare(ctx context.Context, c *CloseConfig, b *books, want sums) error {
	people, lines := c.Distributors, c.Lines
	r.SQL = &SQLReport{Distributors: people, Lines: lines}
	all := c.SQLPeople == 0 || c.SQLPeople >= people
	err := error(nil)
	if all {
		err = r.SQL.run(ctx, c, b, want)
	}
	if !all || r.SQL.Unfinished {
		if people = c.SQLPeople; all {
			people = c.Distributors / 10
		}
		if err = errors.Join(err, r.compareFewer(ctx, c, max(people, 1))); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	measured := 0.0
	for _, step := range r.SQL.Steps {
		measured += step.Seconds
	}
	if r.SQL.ExtrapolatedFrom > 0 {
		measured *= float64(c.Lines) / float64(max(r.SQL.Lines, 1))
	}
	r.SQLSeconds = round(measured, 3)
	r.Ratio = round(r.SQLSeconds/max(r.ComputeSeconds, 0.001), 1)
	r.RatioToTotal = round(r.SQLSeconds/max(r.TotalSeconds, 0.001), 1)
	return nil
}

// compareFewer measures SQL on a smaller company of the same shape, in a database of its own.
func (r *CloseReport) compareFewer(ctx context.Context, c *CloseConfig, people int) (err error) {
	lines := int(int64(c.Lines) * int64(people) / int64(c.Distributors))
	note := ""
	if r.SQL.Unfinished {
		note = fmt.Sprintf("all %d distributors took longer than %s", c.Distributors, c.SQLWithin)
	}
	r.SQL = &SQLReport{Distributors: people, Lines: lines, ExtrapolatedFrom: people, Note: note}
	c.tell("recursive SQL on %d distributors and %d lines instead: its time will be multiplied", people, lines)
	p, _, err := planfile.Read(closePlan, "close.yaml")
	if err != nil {
		return err
	}
	b, err := openBooks(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.drop()) }()
	w := crowdOf(ctx, people, lines, c.Shape)
	if err := b.load(ctx, w); err != nil {
		return err
	}
	var f figures
	parallel := onCores(c.Workers)
	if f.standings, err = period.Qualify(w, p, parallel); err != nil {
		return fmt.Errorf("qualify for the comparison: %w", err)
	}
	if f.orders, err = commission.SettleOrders(w, f.standings.Rank, p, parallel); err != nil {
		return fmt.Errorf("settle orders for the comparison: %w", err)
	}
	f.closing, err = commission.Close(commission.CloseInput{
		World: w, Standings: f.standings, TreeVersion: 1, Meets: f.standings.Tester().Meets, Earned: f.orders.Paid, Parallel: parallel,
	}, p)
	if err != nil {
		return fmt.Errorf("close for the comparison: %w", err)
	}
	return r.SQL.run(ctx, c, b, sumsOf(p, &f))
}

// run measures each statement, and compares what they come to.
func (s *SQLReport) run(ctx context.Context, c *CloseConfig, b *books, want sums) (err error) {
	limited, cancel := context.WithTimeout(ctx, c.SQLWithin)
	defer cancel()
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect for the comparison: %w", err)
	}
	defer func() {
		if closeErr := conn.Close(); !errors.Is(closeErr, sql.ErrConnDone) { // A statement that was stopped closes it.
			err = errors.Join(err, closeErr)
		}
	}()
	// As much memory as it can use, and no time spent on compiling.
	if _, err := conn.ExecContext(ctx, "SET work_mem = '1GB'; SET maintenance_work_mem = '1GB'; SET jit = off"); err != nil {
		return fmt.Errorf("set up the comparison: %w", err)
	}
	for _, step := range []struct{ name, text string }{
		{"volumes", closeVolumesSQL}, {"ranks", closeRanksSQL}, {"orders", closeOrdersSQL}, {"leaders", closeLeadersSQL},
	} {
		begin := time.Now()
		_, err := conn.ExecContext(limited, step.text)
		took := time.Since(begin)
		s.Steps = append(s.Steps, Step{Name: step.name, Seconds: round(took.Seconds(), 3)})
		c.tell("%-10s %7.2f s by SQL", step.name, took.Seconds())
		switch {
		case err != nil && ctx.Err() == nil && limited.Err() != nil:
			s.Unfinished = true
			return nil
		case err != nil:
			return fmt.Errorf("%s by SQL: %w", step.name, err)
		}
	}
	got := make(sums, 6)
	if err := conn.QueryRowContext(ctx, closeSumsSQL).Scan(&got[0], &got[1], &got[2], &got[3], &got[4], &got[5]); err != nil {
		return fmt.Errorf("sums by SQL: %w", err)
	}
	if s.Same = slices.Equal(got, want); !s.Same {
		return fmt.Errorf("volumes, ranks, retail, levels, leaders and pool come to %v by SQL and to %v by the engine", got, want)
	}
	return nil
}
