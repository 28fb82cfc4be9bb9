package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/planfile"
	closer "upline.dev/upline/server/run"
	"upline.dev/upline/server/store"
)

// MonthConfig says how large a month `upline bench run` closes.
type MonthConfig struct {
	DatabaseURL string // "": SQLite in a scratch folder
	Dir         string
	People      int64
	Lines       int64
	Progress    io.Writer
	Open        func(ctx context.Context, databaseURL, dir string) (Product, error)
}

// MonthReport is what `upline bench run --json` prints: the product's own lock and commit, on its own tables.
type MonthReport struct {
	Database   string  `json:"database"`
	People     int64   `json:"people"`
	Lines      int64   `json:"lines"`
	FillS      float64 `json:"fill_seconds"`       // putting people and lines there, in no other figure
	SumsS      float64 `json:"sums_seconds"`       // summing all lines at once; a serving process does it minute by minute
	LockS      float64 `json:"lock_seconds"`       // reads, computes and compares, and writes one row
	CommitCPU  float64 `json:"commit_cpu_seconds"` // of this process, on all cores; with PostgreSQL not the database's
	CommitS    float64 `json:"commit_seconds"`     // does so again, and posts
	AgainS     float64 `json:"again_seconds"`      // a second commit, which finds nothing to post
	ExplainMS  float64 `json:"explain_ms"`         // one person's month, read from what was posted
	PeakRSSMB  float64 `json:"peak_rss_mb"`        // of lock and commit
	Awards     int64   `json:"awards"`             // people and components with an amount
	Ranks      int     `json:"ranks"`              // rows of rank history
	Commit     []Step  `json:"commit"`             // the commit's stages
	LoadBefore string  `json:"load_before"`        // of the machine
	LoadAfter  string  `json:"load_after"`         // of the machine
}

// monthProgram is the company whose month is closed.
const monthProgram = "month"

// Month fills a month of a synthetic company into the product's own tables, locks it and commits it.
func Month(ctx context.Context, cfg MonthConfig) (r *MonthReport, err error) {
	s, err := openScratch(ctx, Config{DatabaseURL: cfg.DatabaseURL, Dir: cfg.Dir, Open: cfg.Open})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.drop()) }()
	r = &MonthReport{Database: s.product.Store.Dialect(), People: cfg.People, Lines: cfg.Lines, LoadBefore: loadOf()}
	begin := time.Now()
	if err := s.fillMonth(ctx, cfg); err != nil {
		return nil, err
	}
	r.FillS = since(begin)
	begin = time.Now()
	if err := s.product.Store.RollUp(ctx, monthProgram, closeFrom, closeTo); err != nil {
		return nil, err
	}
	r.SumsS = since(begin)
	if err := r.close(ctx, s.product, cfg.Progress); err != nil {
		return nil, err
	}
	r.LoadAfter = loadOf()
	return r, nil
}

func since(begin time.Time) float64 { return round(time.Since(begin).Seconds(), 2) }

func (s scratch) fillMonth(ctx context.Context, cfg MonthConfig) error {
	if _, err := s.product.Admin.CreateProgram(ctx, admin.Program{ProgramID: monthProgram, Name: "Month", Currency: "EUR", TimeZone: "UTC"}); err != nil {
		return err
	}
	p, canonical, err := planfile.Read(closePlan, "close.yaml")
	if err != nil {
		return err
	}
	if err := s.product.Admin.PublishPlan(ctx, monthProgram, p, canonical); err != nil {
		return err
	}
	filling := store.FillingMonth{People: cfg.People, Lines: cfg.Lines, From: closeFrom, To: closeTo}
	err = s.product.Store.FillMonth(ctx, monthProgram, filling, func(n int64) { fmt.Fprintf(cfg.Progress, "\r%d lines", n) })
	fmt.Fprintln(cfg.Progress)
	return err
}

// close locks, commits, commits again and explains.
func (r *MonthReport) close(ctx context.Context, product Product, progress io.Writer) error {
	watch := &stages{progress: progress}
	april := time.UnixMicro(closeTo).Add(9 * 24 * time.Hour)
	service := &closer.Service{Books: product.Store, Clock: func() time.Time { return april }, Actor: "bench", TempDir: product.DataDir, Progress: watch.set}
	const month = "2026-03"
	forgetPeak()
	begin := time.Now()
	if _, err := service.Lock(ctx, monthProgram, "monthly", month, false); err != nil {
		return err
	}
	r.LockS = since(begin)
	*watch = stages{progress: progress}
	begin = time.Now()
	cpu := cpuTime()
	out, err := service.Commit(ctx, monthProgram, "monthly", month)
	if err != nil {
		return err
	}
	r.CommitS, r.CommitCPU = since(begin), round((cpuTime()-cpu).Seconds(), 2)
	r.Commit, r.PeakRSSMB = watch.end(), round(peakRSS(), 0)
	for i := range out.Totals.Components {
		r.Awards += out.Totals.Components[i].People
	}
	begin = time.Now()
	again, err := service.Commit(ctx, monthProgram, "monthly", month)
	if err != nil {
		return err
	}
	if again.Changed {
		return errors.New("a second commit posted something")
	}
	r.AgainS = since(begin)
	first := ""
	err = product.Store.RanksOf(ctx, closer.Key{Program: monthProgram, Kind: "monthly", PeriodID: month}, func(rank closer.Rank) error {
		if r.Ranks++; rank.Rank == "diamond" && first == "" {
			first = rank.DistributorID
		}
		return nil
	})
	if err != nil {
		return err
	}
	begin = time.Now()
	if _, err := service.Explain(ctx, monthProgram, "monthly", month, first); err != nil {
		return err
	}
	r.ExplainMS = ms(time.Since(begin))
	return nil
}

// stages measures the stages of a run by what its progress says.
type stages struct {
	progress io.Writer
	steps    []Step
	begun    time.Time
	cpu      time.Duration
}

func (s *stages) set(stage string, done, total int) error {
	if len(s.steps) == 0 || s.steps[len(s.steps)-1].Name != stage {
		s.end()
		s.steps, s.begun, s.cpu = append(s.steps, Step{Name: stage}), time.Now(), cpuTime()
	}
	fmt.Fprintf(s.progress, "\r%-30s %d of %d     ", stage, done, total)
	return nil
}

func (s *stages) end() []Step {
	if len(s.steps) > 0 {
		last := &s.steps[len(s.steps)-1]
		last.Seconds, last.CPUSeconds = since(s.begun), round((cpuTime()-s.cpu).Seconds(), 2)
	}
	return s.steps
}

// Print writes the report for people.
func (r *MonthReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d people, %d lines, filled in %.1f s, summed in %.1f s; load %s before and %s after\n",
		r.Database, r.People, r.Lines, r.FillS, r.SumsS, r.LoadBefore, r.LoadAfter)
	fmt.Fprintf(w, "lock     %8.2f s\ncommit   %8.2f s, %.2f s of processor time, %d awards and %d ranks, at most %.0f MB\n", r.LockS, r.CommitS, r.CommitCPU, r.Awards, r.Ranks, r.PeakRSSMB)
	for _, step := range r.Commit {
		fmt.Fprintf(w, "  %-26s %8.2f s, %.2f s of processor time\n", step.Name, step.Seconds, step.CPUSeconds)
	}
	_, err := fmt.Fprintf(w, "again    %8.2f s, nothing posted\nexplain  %8.1f ms\n", r.AgainS, r.ExplainMS)
	return err
}
