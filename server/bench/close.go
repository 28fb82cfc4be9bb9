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
	DatabaseURL  string // PostgreSQL to read from, write to and compare with; "" leaves that out
	SQLPeople    int    // people of the comparison by recursive SQL; 0: all, and a tenth where that takes longer than SQLWithin
	SQLWithin    time.Duration
	Workers      int // cores used; 0: all
	Progress     io.Writer
}

// CloseReport is what `upline bench close --json` prints. Computing begins with people and sales in memory and ends with
// every amount; making synthetic lines, which stands for reading them, is taken off.
type CloseReport struct {
	Plan           string          `json:"plan"`
	Shape          string          `json:"shape"`
	Distributors   int             `json:"distributors"`
	Lines          int             `json:"lines"`
	Levels         int             `json:"levels"` // of the sponsor tree
	Workers        int             `json:"workers"`
	Steps          []Step          `json:"steps"`
	ComputeSeconds float64         `json:"compute_seconds"`
	CPUSeconds     float64         `json:"cpu_seconds"`    // of the computation, on all cores; what neighbours change least
	MakingSeconds  float64         `json:"making_seconds"` // processor time of making lines, in no other figure
	TotalSeconds   float64         `json:"total_seconds"`  // with reading from and writing to the database
	PeakRSSMB      float64         `json:"peak_rss_mb"`
	Amounts        int             `json:"amounts"` // per person and component
	PaidMinor      int64           `json:"paid_minor"`
	Order          *OrderLatency   `json:"order,omitempty"`
	Carried        int             `json:"carried_positions,omitempty"` // binary: positions with something to carry
	StateHash      string          `json:"state_hash,omitempty"`        // binary: of what is carried
	Database       *DatabaseReport `json:"database,omitempty"`
	SQL            *SQLReport      `json:"sql,omitempty"`
	SQLSeconds     float64         `json:"sql_seconds,omitempty"`
	Ratio          float64         `json:"ratio,omitempty"`          // sql_seconds over compute_seconds: the same figures
	RatioToTotal   float64         `json:"ratio_to_total,omitempty"` // sql_seconds over total_seconds, in which all is read and written too
}

// Step is one part of a close.
type Step struct {
	Name       string  `json:"name"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
}

// figures are what a close comes to.
type figures struct {
	standings *period.Standings
	orders    *commission.OrderPay
	closing   *commission.Closing
}

// Close measures the close of one month of a synthetic company: volumes and ranks, retail and compressed levels of every
// order, generations and a pool. Making the company is not measured.
func Close(ctx context.Context, c CloseConfig) (*CloseReport, error) {
	if what := c.Wrong(); what != "" {
		return nil, errors.New(what)
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	// The columns hold next to no pointers, so that collecting often is cheap, and garbage would be half the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	p, _, err := planfile.Read(closePlan, "close.yaml")
	if err != nil {
		return nil, err
	}
	r := &CloseReport{Plan: p.Name, Shape: c.Shape, Distributors: c.Distributors, Lines: c.Lines, Workers: c.Workers}
	if c.Binary {
		if err := r.binary(ctx, &c); err != nil {
			return nil, err
		}
		r.PeakRSSMB, r.TotalSeconds = peakRSS(), r.ComputeSeconds
		return r, nil
	}
	w := crowdOf(ctx, c.Distributors, c.Lines, c.Shape)
	r.Levels = levelsOf(w.Sponsor.Parent)
	debug.FreeOSMemory()
	forgetPeak()
	if c.DatabaseURL != "" {
		return r, r.throughDatabase(ctx, &c, w, p)
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(64<<20 + 180*int64(c.Distributors)))
	f, err := r.compute(ctx, &c, w, p)
	if err != nil {
		return nil, err
	}
	r.PeakRSSMB, r.TotalSeconds = peakRSS(), r.ComputeSeconds
	if r.Order, err = orderLatency(ctx, w, f.standings.Rank, p); err != nil {
		return nil, err
	}
	return r, nil
}

// step measures one part; making is the processor time that making lines took so far.
func (r *CloseReport) step(ctx context.Context, c *CloseConfig, name string, making func() time.Duration, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: stopped: %w", name, err)
	}
	made, cpu, begin := making(), cpuTime(), time.Now()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	made = making() - made
	step := Step{
		Name: name, Seconds: round((time.Since(begin) - made/time.Duration(min(c.Workers, 2))).Seconds(), 3), // Sales are read on two lanes.
		CPUSeconds: round((cpuTime() - cpu - made).Seconds(), 3),
	}
	r.Steps, r.MakingSeconds = append(r.Steps, step), round(r.MakingSeconds+made.Seconds(), 3)
	c.tell("%-10s %7.2f s, %.2f s of processor time", name, step.Seconds, step.CPUSeconds)
	return nil
}

func (c *CloseConfig) tell(format string, args ...any) {
	if c.Progress != nil {
		_, _ = fmt.Fprintf(c.Progress, format+"\n", args...)
	}
}

// making measures what making a line costs, and gives what it has cost since.
func making(sales period.Sales) (func() time.Duration, error) {
	synthetic, ok := sales.(*syntheticSales)
	if !ok || synthetic.lines == 0 {
		return func() time.Duration { return 0 }, nil
	}
	buf := make([]period.Sale, 0, period.BlockSales)
	cpu := cpuTime()
	for i := range sales.Blocks() {
		if _, err := sales.Block(i, buf); err != nil {
			return nil, fmt.Errorf("make sales: %w", err)
		}
	}
	all := cpuTime() - cpu
	synthetic.made.Store(0)
	return func() time.Duration {
		return time.Duration(float64(all) * float64(synthetic.made.Load()) / float64(synthetic.lines))
	}, nil
}

// compute runs the steps that are measured.
func (r *CloseReport) compute(ctx context.Context, c *CloseConfig, w *period.World, p *compensation.Plan) (f figures, err error) {
	parallel := onCores(c.Workers)
	made, err := making(w.Sales)
	if err != nil {
		return f, err
	}
	first := len(r.Steps)
	steps := []struct {
		name string
		run  func() error
	}{
		{"qualify", func() (err error) { f.standings, err = period.Qualify(w, p, parallel); return err }},
		{"orders", func() (err error) {
			f.orders, err = commission.SettleOrders(w, f.standings.Rank, p, parallel)
			return err
		}},
		{"close", func() (err error) {
			f.closing, err = commission.Close(commission.CloseInput{
				World: w, Standings: f.standings, TreeVersion: 1, Meets: f.standings.Tester().Meets, Earned: f.orders.Paid, Parallel: parallel,
				Progress: func(int, int) error { return ctx.Err() },
			}, p)
			return err
		}},
	}
	for _, step := range steps {
		if err := r.step(ctx, c, step.name, made, step.run); err != nil {
			return f, err
		}
	}
	for _, step := range r.Steps[first:] {
		r.ComputeSeconds, r.CPUSeconds = round(r.ComputeSeconds+step.Seconds, 3), round(r.CPUSeconds+step.CPUSeconds, 3)
	}
	return f, r.count(f.orders, f.closing, p)
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
