package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/period"
	compensation "upline.dev/upline/core/plan"
	"upline.dev/upline/server/planfile"
)

// closePlan pays retail and seven compressed levels per order, generations and a pool per month, by four ranks.
//
//go:embed close.yaml
var closePlan []byte

// CloseConfig says what to close.
type CloseConfig struct {
	Distributors int
	Lines        int    // orders of one line
	Shape        string // of the sponsor tree
	Binary       bool   // close binary legs of as many positions instead
	DatabaseURL  string // PostgreSQL to compare with; "" compares with nothing
	SQLPeople    int    // people of the comparison by recursive SQL, which takes too long with all of them; 0: all
	Workers      int    // cores used; 0: all
	Progress     io.Writer
}

// CloseReport is what `upline bench close --json` prints.
type CloseReport struct {
	Plan           string             `json:"plan"`
	Shape          string             `json:"shape"`
	Distributors   int                `json:"distributors"`
	Lines          int                `json:"lines"`
	Levels         int                `json:"levels"` // of the sponsor tree
	Workers        int                `json:"workers"`
	Steps          map[string]float64 `json:"step_seconds"`
	ComputeSeconds float64            `json:"compute_seconds"`
	CPUSeconds     float64            `json:"cpu_seconds"` // of the computation
	TotalSeconds   float64            `json:"total_seconds"`
	PeakRSSMB      float64            `json:"peak_rss_mb"`
	Amounts        int                `json:"amounts"` // per person and component
	PaidMinor      int64              `json:"paid_minor"`
	Carried        int                `json:"carried_positions,omitempty"` // binary: positions with something to carry
	SQL            *SQLReport         `json:"sql,omitempty"`
	SQLSeconds     float64            `json:"sql_seconds,omitempty"`
	Ratio          float64            `json:"ratio,omitempty"` // sql_seconds of the same people over compute_seconds
}

// Close measures the close of one month of a synthetic company: volumes and ranks, retail and compressed levels of every
// order, generations and a pool. Making the company is not measured; making order lines is, since they are made when
// they are read.
func Close(ctx context.Context, c CloseConfig) (*CloseReport, error) {
	if what := checkShape(&c); what != "" {
		return nil, errors.New(what)
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	p, _, err := planfile.Read(closePlan, "close.yaml")
	if err != nil {
		return nil, err
	}
	r := &CloseReport{
		Plan: p.Name, Shape: c.Shape, Distributors: c.Distributors, Lines: c.Lines, Workers: c.Workers, Steps: map[string]float64{},
	}
	if c.Binary {
		if err := r.binary(ctx, &c); err != nil {
			return nil, err
		}
		r.PeakRSSMB, r.TotalSeconds = peakRSS(), r.ComputeSeconds
		return r, nil
	}
	w := crowdOf(c.Distributors, c.Lines, c.Shape)
	r.Levels = levelsOf(w.Sponsor.Parent)
	debug.FreeOSMemory()
	if err := r.compute(ctx, &c, w, p); err != nil {
		return nil, err
	}
	r.PeakRSSMB = peakRSS()
	r.TotalSeconds = r.ComputeSeconds
	if c.DatabaseURL != "" {
		if err := r.compare(ctx, &c, p); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// compute runs the steps that are measured.
func (r *CloseReport) compute(ctx context.Context, c *CloseConfig, w *period.World, p *compensation.Plan) error {
	parallel := onCores(c.Workers)
	var standings *period.Standings
	var orders *commission.OrderPay
	var closing *commission.Closing
	cpu, begin := cpuTime(), time.Now()
	steps := []struct {
		name string
		run  func() error
	}{
		{"qualify", func() (err error) { standings, err = period.Qualify(w, p, parallel); return err }},
		{"orders", func() (err error) {
			orders, err = commission.SettleOrders(w, standings.Rank, p, parallel)
			return err
		}},
		{"close", func() (err error) {
			closing, err = commission.Close(commission.CloseInput{
				World: w, Standings: standings, TreeVersion: 1, Meets: standings.Tester().Meets, Earned: orders.Paid, Parallel: parallel,
				Progress: func(int, int) error { return ctx.Err() },
			}, p)
			return err
		}},
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: stopped: %w", step.name, err)
		}
		at := time.Now()
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		r.Steps[step.name] = round(time.Since(at).Seconds(), 3)
		if c.Progress != nil {
			_, _ = fmt.Fprintf(c.Progress, "%-8s %6.2f s\n", step.name, time.Since(at).Seconds())
		}
	}
	r.ComputeSeconds, r.CPUSeconds = round(time.Since(begin).Seconds(), 3), round((cpuTime()-cpu).Seconds(), 3)
	return r.count(orders, closing, p)
}

// count adds up what was paid, so that a fast wrong answer shows.
func (r *CloseReport) count(orders *commission.OrderPay, closing *commission.Closing, p *compensation.Plan) error {
	for _, paid := range orders.Paid {
		for _, minor := range paid {
			if minor != 0 {
				r.Amounts++
				r.PaidMinor += minor
			}
		}
	}
	for i := range p.Components {
		awards := closing.AwardsOf(i)
		for j := range awards {
			r.Amounts++
			r.PaidMinor += awards[j].PaidMinor()
		}
	}
	if r.Lines > 0 && r.PaidMinor <= 0 {
		return errors.New("nothing was paid, so nothing was measured")
	}
	return nil
}

// levelsOf is the depth of a tree whose parents come first.
func levelsOf(parents []int32) int {
	depth, most := make([]int32, len(parents)), int32(0)
	for i, parent := range parents {
		if parent >= 0 {
			depth[i] = depth[parent] + 1
		}
		most = max(most, depth[i]+1)
	}
	return int(most)
}

// onCores is a period.Parallel on so many cores.
func onCores(workers int) period.Parallel {
	return func(n int, f func(i int) error) error {
		errs := make([]error, n)
		var next atomic.Int64
		var all sync.WaitGroup
		for range min(n, workers) {
			all.Go(func() {
				for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
					errs[i] = f(i)
				}
			})
		}
		all.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
