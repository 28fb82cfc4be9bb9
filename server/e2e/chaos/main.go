// Command chaos breaks everything that an installation of many processes stands on, one thing after the other, while orders
// come in; after each it holds the ledger against its own arithmetic. It needs PostgreSQL, RabbitMQ and Redis to be installed,
// starts its own, and ends with a table; anything lost, posted twice or unsound is a failure.
//
//	go run ./server/e2e/chaos [--short] [--rounds N] [--only WORDS]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

// unavailable is the exit code for "cannot be run here".
const unavailable = 75

func run(ctx context.Context, args []string, out io.Writer) int {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	short := flags.Bool("short", false, "the faults that fit into six minutes")
	rounds := flags.Int("rounds", 1, "how often all faults happen")
	only := flags.String("only", "", "only faults whose name holds this")
	keep := flags.Bool("keep", false, "leave the folder with the logs")
	if flags.Parse(args) != nil {
		return 2
	}
	w := &world{out: out, keep: *keep, diskMB: smallDisk}
	if !*short {
		w.diskMB += *rounds * roundDisk
	}
	defer w.close()
	if err := w.prepare(ctx); err != nil {
		fmt.Fprintln(out, "chaos:", err)
		return 1
	}
	if err := w.open(ctx); err != nil {
		fmt.Fprintln(out, "chaos:", err)
		if errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), "is not installed") {
			return unavailable
		}
		return 1
	}
	r := &report{}
	for range *rounds {
		for _, f := range faults() {
			if (*short && !f.short) || !strings.Contains(f.name, *only) || ctx.Err() != nil {
				continue
			}
			r.add(out, w.suffer(ctx, f))
		}
	}
	r.finish(ctx, w, w.onKafka)
	r.print(out)
	if err := r.count(os.Getenv("UPLINE_COUNTS")); err != nil {
		fmt.Fprintln(out, "chaos:", err)
	}
	w.figures(ctx)
	if w.onKafka != nil {
		w.onKafka.figures(ctx)
	}
	if ctx.Err() != nil || r.failed() {
		w.keep = true
		fmt.Fprintf(out, "the logs of the processes: %s\n", w.dir)
		return 1
	}
	return 0
}

// prepare makes the folder and the binary.
func (w *world) prepare(ctx context.Context) (err error) {
	// /tmp may be RAM, and what is measured here are disks.
	if w.dir, err = os.MkdirTemp("/var/tmp", "upline-chaos-"); err != nil {
		return err
	}
	if err := os.Chmod(w.dir, 0o711); err != nil { //nolint:gosec // user postgres has to pass
		return err
	}
	w.later(func() {
		if !w.keep {
			_ = os.RemoveAll(w.dir)
		}
	})
	w.binary = filepath.Join(w.dir, "upline")
	out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", w.binary, "upline.dev/upline/server/cmd/upline").CombinedOutput() //nolint:gosec // our own source
	if err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// outcome is one row of the table.
type outcome struct {
	name    string
	phase   *phase
	verdict verdict
	took    time.Duration
	err     error // what went wrong with the fault itself, or with a promise beside the books
	notRun  error
}

// suffer lets a fault happen under load, and judges.
func (w *world) suffer(ctx context.Context, f fault) outcome {
	o := outcome{name: f.name, phase: &phase{}}
	if f.needs != nil {
		if o.notRun = f.needs(ctx, w); o.notRun != nil {
			return o
		}
	}
	begin, target := time.Now(), w
	if f.elsewhere != nil {
		var err error
		if target, err = f.elsewhere(ctx, w); err != nil {
			o.err = err
			return o
		}
	}
	t := f.traffic
	if t.workers == 0 {
		t = usual
	}
	stop := make(chan struct{})
	sending, giveUp := context.WithCancel(ctx)
	defer giveUp()
	p, wait := target.load(sending, t, stop)
	o.phase = p
	o.err = errors.Join(rest(ctx, time.Second), f.do(ctx, target), rest(ctx, time.Second))
	close(stop)
	late := time.AfterFunc(settleWithin, giveUp)
	wait()
	late.Stop()
	if err := sending.Err(); err != nil {
		o.err = errors.Join(o.err, fmt.Errorf("deliveries were sent for %s after the fault had ended, and not taken: %w", settleWithin, err))
	}
	var err error
	o.verdict, err = target.check(ctx, p)
	o.err = errors.Join(o.err, err)
	if failed := p.failed.Load(); f.flawless && failed > 0 {
		o.err = errors.Join(o.err, fmt.Errorf("%d requests failed (%s), and none may", failed, describe(p.refused)))
	}
	for status, n := range p.refused {
		if status >= 400 && status < 500 {
			o.err = errors.Join(o.err, fmt.Errorf("%d requests were refused with %d, after which a platform may not send again", n, status))
		}
	}
	if p.acked.Load() < 30 {
		o.err = errors.Join(o.err, errors.New("too little came in to prove anything"))
	}
	target.everySale = append(target.everySale, p.sales...)
	o.took = time.Since(begin)
	return o
}

// report is the table.
type report struct {
	rows        []outcome
	missing     int // postings of which no event was heard
	posted      int
	messages    int
	finishErr   error
	final       verdict
	finalOrders int
}

func (r *report) add(out io.Writer, o outcome) {
	r.rows = append(r.rows, o)
	fmt.Fprintf(out, "   %s: %s\n", o.name, o.line())
	for _, sentence := range o.verdict.faults {
		fmt.Fprintf(out, "      %s\n", sentence)
	}
	if o.err != nil {
		fmt.Fprintf(out, "      %v\n", o.err)
	}
}

func (o outcome) line() string {
	if o.notRun != nil {
		return "not run: " + o.notRun.Error()
	}
	return fmt.Sprintf("%d sent, %d acknowledged, %d lost, %d twice, %v", o.phase.sent.Load(), o.phase.acked.Load(),
		o.verdict.lost, o.verdict.twice, o.took.Round(100*time.Millisecond))
}

func (o outcome) bad() bool {
	return o.notRun == nil && (o.err != nil || o.verdict.lost > 0 || o.verdict.twice > 0 || !o.verdict.sound || len(o.verdict.faults) > 0)
}

// finish looks at everything once more: a later fault must not have undone what an earlier one left right.
func (r *report) finish(ctx context.Context, worlds ...*world) {
	for _, w := range worlds {
		if w == nil {
			continue
		}
		r.finishErr = errors.Join(r.finishErr, w.checkSales(ctx, w.everySale, &r.final))
		r.finalOrders += len(w.everySale)
		missing, posted, err := w.unpublished(ctx, 90*time.Second)
		r.missing, r.posted, r.finishErr = r.missing+missing, r.posted+posted, errors.Join(r.finishErr, err)
		w.heard.mu.Lock()
		r.messages += w.heard.times
		w.heard.mu.Unlock()
	}
}

func (r *report) failed() bool {
	for _, o := range r.rows {
		if o.bad() {
			return true
		}
	}
	return len(r.rows) == 0 || r.finishErr != nil || r.missing > 0 || r.final.lost > 0 || r.final.twice > 0
}

// count writes how many faults passed, failed and were not run.
func (r *report) count(file string) error {
	if file == "" {
		return nil
	}
	var passed, failed, skipped int
	for _, o := range r.rows {
		switch {
		case o.notRun != nil:
			skipped++
		case o.bad():
			failed++
		default:
			passed++
		}
	}
	return os.WriteFile(file, fmt.Appendf(nil, "%d %d %d\n", passed, failed, skipped), 0o600) //nolint:gosec // the file that the caller named
}

func (r *report) print(out io.Writer) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\tsent\tacked\tfailed\tslowest\tsettled in\tlost\ttwice\tverify\t")
	for _, o := range r.rows {
		if o.notRun != nil {
			fmt.Fprintf(table, "%s\t\t\t\t\t\t\t\tnot run: %v\t\n", o.name, o.notRun)
			continue
		}
		verify, mark := "sound", ""
		if !o.verdict.sound {
			verify = "UNSOUND"
		}
		if o.bad() {
			mark = "FAILED"
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d ms\t%.1f s\t%d\t%d\t%s\t%s\n", o.name, o.phase.sent.Load(), o.phase.acked.Load(), o.phase.failed.Load(),
			o.phase.slowest.Milliseconds(), o.verdict.settled.Seconds(), o.verdict.lost, o.verdict.twice, verify, mark)
	}
	_ = table.Flush()
	fmt.Fprintf(out, "\nall %d orders at the end: %d lost, %d twice; %d of %d postings unpublished (%d messages)\n",
		r.finalOrders, r.final.lost, r.final.twice, r.missing, r.posted, r.messages)
	for _, o := range r.rows {
		if o.bad() {
			fmt.Fprintf(out, "%s: %v %s\n", o.name, o.err, strings.Join(o.verdict.faults, "; "))
		}
	}
	if r.finishErr != nil {
		fmt.Fprintln(out, r.finishErr)
	}
}
