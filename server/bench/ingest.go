package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/store"
)

// Config says what to measure and for how long.
type Config struct {
	DatabaseURL string        // "" : SQLite in a folder of its own; else a PostgreSQL where a scratch database may be made
	Dir         string        // for data; must be a real disk
	Rounds      int           // of the closed loop; 5 gives a median worth quoting
	Slice       time.Duration // one measurement of one server in a round
	Connections int           // of the closed loop
	OpenFor     time.Duration // one open-loop measurement
	DrainOrders int           // settled in the drain measurement
	Parts       []string      // which of Parts to measure; none is all
	Progress    io.Writer     // what is being measured; io.Discard for silence
	// Open opens a migrated database with the product's own services; main names the concrete parts.
	Open func(ctx context.Context, databaseURL, dir string) (Product, error)
}

// Parts are what can be measured apart from each other: drain includes the bare bulk insert, latency the memory.
func Parts() []string { return []string{"throughput", "drain", "latency"} }

// Product is the product without its HTTP surface.
type Product struct {
	Store   *store.Store
	Admin   *admin.Service
	DataDir string
	Drain   func(ctx context.Context) error // runs the engine until nothing is waiting
}

// IngestReport is what `upline bench ingest --json` prints.
type IngestReport struct {
	Database            string    `json:"database"`
	Cores               int       `json:"cores"`
	Connections         int       `json:"connections"`
	RatioToNoop         float64   `json:"ratio_to_noop"` // throughput, median over the rounds
	RatioToNoopAll      []float64 `json:"ratio_to_noop_rounds"`
	CPURatioToNoop      float64   `json:"cpu_ratio_to_noop"` // processor time per request, median over the rounds
	IngestCPU           float64   `json:"ingest_cpu_us"`     // processor time per request; the database server's too
	NoopCPU             float64   `json:"noop_cpu_us"`
	IngestPerS          float64   `json:"ingest_per_s"`
	NoopPerS            float64   `json:"noop_per_s"`
	OpenLoop1000P50     float64   `json:"open_loop_1000_p50_ms"`
	OpenLoop1000P99     float64   `json:"open_loop_1000_p99_ms"`
	NoopOpenLoop1000P50 float64   `json:"noop_open_loop_1000_p50_ms"`
	NoopOpenLoop1000P99 float64   `json:"noop_open_loop_1000_p99_ms"`
	OpenLoop3000P99     float64   `json:"open_loop_3000_p99_ms"`
	AckToLedgerP50      float64   `json:"ack_to_ledger_p50_ms"` // at 1,000/s, from arrival to the commit that made it readable
	AckToLedgerP99      float64   `json:"ack_to_ledger_p99_ms"`
	ServeCPU            float64   `json:"serve_cpu_us"` // processor time per order at 1,000/s, arrival and settlement
	DrainOrdersPerS     float64   `json:"drain_orders_per_s"`
	DrainCPU            float64   `json:"drain_cpu_us"` // processor time per order
	BulkOrdersPerS      float64   `json:"bulk_insert_orders_per_s"`
	DrainRatio          float64   `json:"drain_ratio"`
	PeakRSSMB           float64   `json:"peak_rss_mb"`             // while serving 3,000/s
	ForeignCPUPercent   float64   `json:"foreign_cpu_percent"`     // of the machine, used by others; median of the measurements
	ForeignCPUMax       float64   `json:"foreign_cpu_percent_max"` // of the worst one
	Postings            int64     `json:"postings"`                // of the drain
	Deliveries          int64     `json:"deliveries"`              // accepted in all, and found in the inbox
	OrdersSettled       int64     `json:"orders_settled"`          // all that were sent
}

// run is one bench under way.
type run struct {
	Config
	database scratch
	bodies   *bodies
	report   IngestReport
	sent     int64 // orders so far: each order is used once, or its ledger difference would be empty
	accepted int64 // deliveries of the part answered with a 2xx
	orders   int64 // orders among them
	began    time.Time
	foreign  []float64
}

// Ingest measures arrival, latency and settlement against a no-op handler in the same run.
func Ingest(ctx context.Context, cfg Config) (report IngestReport, err error) {
	r := &run{Config: cfg, bodies: newBodies(), began: time.Now()}
	r.report.Cores, r.report.Connections = runtime.NumCPU(), cfg.Connections
	steps := map[string][]func(context.Context) error{
		"throughput": {r.throughput}, "drain": {r.drain, r.baseline}, "latency": {r.latency},
	}
	for _, part := range Parts() {
		if len(r.Parts) > 0 && !slices.Contains(r.Parts, part) {
			continue
		}
		if err := r.part(ctx, steps[part]); err != nil {
			return r.report, err
		}
	}
	r.report.ForeignCPUPercent = round(median(r.foreign), 1)
	r.report.ForeignCPUMax = round(slices.Max(append(r.foreign, 0)), 1)
	return r.report, nil
}

// part measures on tables of its own: what the part before left there, and its database server still has to write, is no part of it.
func (r *run) part(ctx context.Context, steps []func(context.Context) error) (err error) {
	if r.database, err = openScratch(ctx, r.Config); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.database.drop()) }()
	r.report.Database = r.database.product.Store.Dialect()
	r.accepted, r.orders = 0, 0
	for _, step := range append(steps, r.prove) {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prove settles what is left, and holds what was answered against what is there: a figure of work that was lost, or that
// was not done, is none.
func (r *run) prove(ctx context.Context) error {
	r.say("proof: every accepted delivery is stored, every order settled, the ledger sound")
	if err := r.database.settle(ctx); err != nil {
		return fmt.Errorf("settle what is left: %w", err)
	}
	have, err := r.database.count(ctx)
	if err != nil {
		return err
	}
	want := counts{deliveries: r.accepted, settled: r.orders}
	want.postings = want.settled * postingsPerOrder
	if have != want {
		return fmt.Errorf("after the run there are %+v, want %+v", have, want)
	}
	r.report.Deliveries += have.deliveries
	r.report.OrdersSettled += have.settled
	return r.database.verify(ctx)
}

// throughput alternates the no-op handler and the product's ingest, order ABBA, with the same connections.
func (r *run) throughput(ctx context.Context) (err error) {
	noop, product, err := r.startPair(ctx, "ingest")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, noop.stop(), product.stop()) }()
	var ratios, cpuRatios, ours, theirs, ourCPU, theirCPU []float64
	for round := range r.Rounds {
		r.say("throughput, round %d of %d", round+1, r.Rounds)
		pair := []*child{noop, product}
		if round%2 == 1 {
			pair = []*child{product, noop}
		}
		rates, cpus := map[*child]float64{}, map[*child]float64{}
		for _, c := range pair {
			rate, cpu, err := r.closed(ctx, c)
			if err != nil {
				return err
			}
			rates[c], cpus[c] = rate, cpu
		}
		ratios = append(ratios, rates[product]/rates[noop])
		cpuRatios = append(cpuRatios, cpus[product]/cpus[noop])
		ours, theirs = append(ours, rates[product]), append(theirs, rates[noop])
		ourCPU, theirCPU = append(ourCPU, cpus[product]), append(theirCPU, cpus[noop])
	}
	for _, v := range ratios {
		r.report.RatioToNoopAll = append(r.report.RatioToNoopAll, round(v, 3))
	}
	r.report.RatioToNoop, r.report.CPURatioToNoop = round(median(ratios), 3), round(median(cpuRatios), 2)
	r.report.IngestPerS, r.report.NoopPerS = round(median(ours), 0), round(median(theirs), 0)
	r.report.IngestCPU, r.report.NoopCPU = round(median(ourCPU), 1), round(median(theirCPU), 1)
	return nil
}

// closed is one slice of the closed loop: requests per second, and processor microseconds per request.
func (r *run) closed(ctx context.Context, c *child) (rate, cpu float64, err error) {
	orders := r.prepare(r.DrainOrders)
	before, machine, mine := r.cpu(c), busy(), own()
	begin := time.Now()
	n, err := closedLoop(ctx, r.target(c), r.Connections, r.Slice, func(n int64) request {
		o := orders[n%int64(len(orders))]
		o.id += "-" + strconv.FormatInt(r.sent+n, 36) // the inbox is measured: ids are new, bodies ready-made
		return o
	})
	if err != nil {
		return 0, 0, fmt.Errorf("closed loop: %w", err)
	}
	took, used := time.Since(begin), r.cpu(c)-before
	r.sent += n
	r.accept(c, n, min(n, int64(len(orders))))
	r.noteForeign(busy()-machine-used-(own()-mine), took)
	return float64(n) / took.Seconds(), float64(used.Microseconds()) / float64(n), nil
}

// cpu is the processor time of a server under measurement, its database server's included.
func (r *run) cpu(c *child) time.Duration {
	if r.DatabaseURL == "" {
		return c.cpu()
	}
	return c.cpu() + named("postgres")
}

// accept counts what the product took; the no-op handler keeps nothing.
func (r *run) accept(c *child, deliveries, orders int64) {
	if !c.noop {
		r.accepted += deliveries
		r.orders += orders
	}
}

// drain lets an engine in this process settle a known number of new orders.
func (r *run) drain(ctx context.Context) error {
	if err := r.fill(ctx); err != nil {
		return err
	}
	r.say("drain: settling %d orders", r.DrainOrders)
	begin, mine := time.Now(), own()
	if err := r.database.settle(ctx); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	took := time.Since(begin)
	r.report.DrainCPU = round(float64((own()-mine).Microseconds())/float64(r.DrainOrders), 0)
	have, err := r.database.count(ctx)
	if err != nil {
		return err
	}
	r.report.Postings = have.postings
	if want := int64(r.DrainOrders) * postingsPerOrder; r.report.Postings != want {
		return fmt.Errorf("%d postings for %d orders, want %d: the figure would be a lie", r.report.Postings, r.DrainOrders, want)
	}
	r.report.DrainOrdersPerS = round(float64(r.DrainOrders)/took.Seconds(), 0)
	return nil
}

// fill puts DrainOrders new orders into the inbox through the ingest role.
func (r *run) fill(ctx context.Context) (err error) {
	server, err := r.startServer(ctx, "ingest")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	orders := r.prepare(r.DrainOrders)
	r.accept(server, int64(len(orders)), int64(len(orders)))
	_, err = openLoop(ctx, r.target(server), 1_000_000, r.Connections, time.Duration(len(orders))*time.Microsecond, func(n int64) request { return orders[n] })
	if err != nil {
		return fmt.Errorf("fill the inbox: %w", err)
	}
	return nil
}

// latency runs the whole product in open loop, each order new, and the no-op handler at the same rate.
func (r *run) latency(ctx context.Context) (err error) {
	noop, product, err := r.startPair(ctx, "ingest,engine")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, noop.stop(), product.stop()) }()
	r.say("latency at 1,000/s")
	base, err := r.open(ctx, noop, 1000)
	if err != nil {
		return err
	}
	r.report.NoopOpenLoop1000P50, r.report.NoopOpenLoop1000P99 = percentile(base, 0.5), percentile(base, 0.99)
	if _, err := r.open(ctx, product, 300); err != nil { // warm-up
		return err
	}
	before, err := emitHistogram(ctx, product.addr)
	if err != nil {
		return err
	}
	used := r.cpu(product)
	acks, err := r.open(ctx, product, 1000)
	if err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond)
	r.report.ServeCPU = round(float64((r.cpu(product)-used).Microseconds())/float64(len(acks)), 0)
	after, err := emitHistogram(ctx, product.addr)
	if err != nil {
		return err
	}
	r.report.OpenLoop1000P50, r.report.OpenLoop1000P99 = percentile(acks, 0.5), percentile(acks, 0.99)
	r.report.AckToLedgerP50 = round(after.minus(before).quantile(0.5)*1000, 2)
	r.report.AckToLedgerP99 = round(after.minus(before).quantile(0.99)*1000, 2)
	r.say("latency and memory at 3,000/s")
	acks, err = r.open(ctx, product, 3000)
	if err != nil {
		return err
	}
	r.report.OpenLoop3000P99 = percentile(acks, 0.99)
	r.report.PeakRSSMB = round(product.peakMB(), 1)
	return nil
}

func (r *run) open(ctx context.Context, c *child, rate int) ([]time.Duration, error) {
	count := int(r.OpenFor.Seconds()*float64(rate)) + 1
	orders := r.prepare(count)
	begin, before, machine, mine := time.Now(), r.cpu(c), busy(), own()
	all, err := openLoop(ctx, r.target(c), rate, max(rate/20, 64), r.OpenFor, func(n int64) request { return orders[n] })
	if err != nil {
		return nil, fmt.Errorf("open loop at %d/s: %w", rate, err)
	}
	r.accept(c, int64(len(all)), int64(len(all)))
	r.noteForeign(busy()-machine-(r.cpu(c)-before)-(own()-mine), time.Since(begin))
	return all, nil
}

// baseline is the bare bulk insert of the same rows, with no difference, seal or outbox.
func (r *run) baseline(ctx context.Context) error {
	r.say("bare bulk insert of as many orders")
	rate, err := r.database.bulkInsert(ctx, r.DrainOrders, postingsPerOrder)
	if err != nil {
		return err
	}
	r.report.BulkOrdersPerS = round(rate, 0)
	r.report.DrainRatio = round(r.report.DrainOrdersPerS/rate, 2)
	return nil
}

// prepare signs orders that were never sent before.
func (r *run) prepare(n int) []request {
	all := make([]request, n)
	for i := range all {
		r.sent++
		all[i] = r.bodies.signed(r.sent)
	}
	return all
}

func (r *run) target(c *child) target {
	return target{addr: c.addr, path: "/webhooks/shopify", domain: shopDomain, secret: []byte(shopSecret)}
}

// noteForeign records which share of the machine others used meanwhile.
func (r *run) noteForeign(d, took time.Duration) {
	share := 100 * d.Seconds() / (took.Seconds() * float64(runtime.NumCPU()))
	r.foreign = append(r.foreign, max(share, 0))
}

func (r *run) startPair(ctx context.Context, roles string) (noop, product *child, err error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, nil, err
	}
	if noop, err = start(ctx, addr, "/healthz", nil, "bench", "noop", "--addr", addr); err != nil {
		return nil, nil, err
	}
	noop.noop = true
	if product, err = r.startServer(ctx, roles); err != nil {
		return nil, nil, errors.Join(err, noop.stop())
	}
	return noop, product, nil
}

func (r *run) startServer(ctx context.Context, roles string, more ...string) (*child, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	env := []string{"UPLINE_ADDR=" + addr, "UPLINE_DATA=" + r.database.product.DataDir, "DATABASE_URL=" + r.database.url, "UPLINE_LOG_LEVEL=warn"}
	return start(ctx, addr, "/readyz", append(env, more...), "serve", "--roles", roles)
}

func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Progress, "%6.1fs  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// freeAddr finds a free port on loopback; load is never sent anywhere else.
func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// histogram is a Prometheus histogram: counts of values up to each bound, in seconds.
type histogram struct {
	bounds []float64
	counts []float64
}

// emitHistogram reads how long deliveries took from arrival to the commit that settled them.
func emitHistogram(ctx context.Context, addr string) (histogram, error) {
	text, err := get(ctx, "http://"+addr+"/metrics")
	if err != nil {
		return histogram{}, err
	}
	var h histogram
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, `upline_emit_seconds_bucket{le="`)
		if !ok {
			continue
		}
		bound, count, _ := strings.Cut(rest, `"} `)
		b, errB := strconv.ParseFloat(bound, 64)
		n, errN := strconv.ParseFloat(strings.TrimSpace(count), 64)
		if errB != nil || errN != nil {
			return h, fmt.Errorf("read histogram line %q", line)
		}
		h.bounds, h.counts = append(h.bounds, b), append(h.counts, n)
	}
	if len(h.bounds) == 0 {
		return h, errors.New("the server has no emit latency histogram")
	}
	return h, nil
}

func (h histogram) minus(old histogram) histogram {
	d := histogram{bounds: h.bounds, counts: make([]float64, len(h.counts))}
	for i := range h.counts {
		d.counts[i] = h.counts[i] - old.counts[i]
	}
	return d
}

// total is how many values there are.
func (h histogram) total() float64 {
	if len(h.counts) == 0 {
		return 0
	}
	return h.counts[len(h.counts)-1]
}

// upTo is the values up to a bound.
func (h histogram) upTo(bound float64) histogram {
	n := 0
	for n < len(h.bounds) && h.bounds[n] <= bound {
		n++
	}
	return histogram{bounds: h.bounds[:n], counts: h.counts[:n]}
}

// quantile interpolates inside a bucket, as Prometheus does.
func (h histogram) quantile(q float64) float64 {
	if len(h.counts) == 0 {
		return 0
	}
	want := q * h.counts[len(h.counts)-1]
	low, below := 0.0, 0.0
	for i, count := range h.counts {
		if count >= want {
			if math.IsInf(h.bounds[i], 1) || count == below {
				return low
			}
			return low + (h.bounds[i]-low)*(want-below)/(count-below)
		}
		low, below = h.bounds[i], count
	}
	return low
}
