package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"upline.dev/upline/server/bus"
)

// BrokerConfig says what to measure of work that goes over a bus.
type BrokerConfig struct {
	DatabaseURL string // a PostgreSQL where a scratch database may be made
	RabbitMQ    string // its address; "": it is not measured
	Dir         string
	Orders      int           // of one round
	Rounds      int           // of the whole path; the median counts
	OpenFor     time.Duration // of one measurement of latency
	Backlog     int           // deliveries that wait when the engines start; 0 leaves the drain out
	Partitions  int           // of the topic
	Progress    io.Writer
	Open        func(ctx context.Context, databaseURL, dir string) (Product, error)
}

// BrokerReport is what `upline bench broker --json` prints.
type BrokerReport struct {
	Cores             int             `json:"cores"`
	Orders            int             `json:"orders"`
	OneProcess        []float64       `json:"one_process_orders_per_s"` // arrival to ledger, each round
	Through           []ThroughReport `json:"through"`
	ForeignCPUPercent float64         `json:"foreign_cpu_percent"`
	Deliveries        int64           `json:"deliveries"`      // accepted, and found in the inbox
	OrdersSettled     int64           `json:"orders_settled"`  // all that were sent
	BytesPerOrder     float64         `json:"bytes_per_order"` // of the database, bodies and indexes included
}

// ThroughReport is one bus between two ingest and two engine processes.
type ThroughReport struct {
	Bus              string    `json:"bus"`
	MessagesPerS     float64   `json:"messages_per_s"` // the bus alone: published, confirmed and consumed
	OrdersPerS       []float64 `json:"orders_per_s"`   // arrival to ledger, each round
	RatioToOne       float64   `json:"ratio_to_one_process"`
	EngineShares     []int64   `json:"engine_shares"`        // deliveries settled by each engine
	IngestUS         float64   `json:"ingest_cpu_us"`        // processor time per order, of the last round: ingest processes with sending
	EngineUS         float64   `json:"engine_cpu_us"`        // engines with receiving
	DatabaseUS       float64   `json:"database_cpu_us"`      // PostgreSQL, arrival and settlement
	AckP99           float64   `json:"ack_1000_p99_ms"`      // at 1,000/s
	AckToLedgerP50   float64   `json:"ack_to_ledger_p50_ms"` // at 1,000/s, from arrival to the commit that made it readable
	AckToLedgerP99   float64   `json:"ack_to_ledger_p99_ms"`
	ServeUS          float64   `json:"serve_1000_cpu_us"` // at 1,000/s: all of it per order, PostgreSQL with it
	Backlog          int       `json:"backlog_deliveries"`
	BacklogPerS      float64   `json:"backlog_drained_per_s"`
	BacklogAckP99    float64   `json:"backlog_ack_p99_ms"`    // at 200/s while it drains
	BacklogFresh     int       `json:"backlog_fresh_settled"` // of these, settled before the end of the drain
	BacklogFreshP50  float64   `json:"backlog_fresh_to_ledger_p50_ms"`
	EnginesPeakRSSMB float64   `json:"engines_peak_rss_mb"`
}

// Broker measures one process against two ingest and two engine processes with a bus between them, in turns on one database.
func Broker(ctx context.Context, cfg BrokerConfig) (report BrokerReport, err error) {
	r := &run{Config: Config{DatabaseURL: cfg.DatabaseURL, Dir: cfg.Dir, OpenFor: cfg.OpenFor, Progress: cfg.Progress, Open: cfg.Open}, bodies: newBodies(), began: time.Now()}
	b := &brokerRun{run: r, cfg: cfg, report: &report}
	report.Cores, report.Orders = runtime.NumCPU(), cfg.Orders
	if r.database, err = openScratch(ctx, r.Config); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, r.database.drop()) }()
	size, err := r.database.product.Store.Bytes(ctx)
	if err != nil {
		return report, err
	}
	kafka, err := b.startKafka(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, kafka.stop()) }()
	addresses := map[string]string{"kafka": "kafka://" + kafka.addr, "rabbitmq": cfg.RabbitMQ}
	for _, name := range []string{"kafka", "rabbitmq"} {
		if addresses[name] == "" {
			continue
		}
		through := ThroughReport{Bus: name}
		if err := b.through(ctx, addresses[name], &through); err != nil {
			return report, fmt.Errorf("through %s: %w", name, err)
		}
		report.Through = append(report.Through, through)
	}
	report.ForeignCPUPercent = round(median(r.foreign), 1)
	if err := r.prove(ctx); err != nil {
		return report, err
	}
	report.Deliveries, report.OrdersSettled = r.report.Deliveries, r.report.OrdersSettled
	after, err := r.database.product.Store.Bytes(ctx)
	report.BytesPerOrder = round(float64(after-size)/float64(max(report.OrdersSettled, 1)), 0)
	return report, err
}

type brokerRun struct {
	*run
	cfg    BrokerConfig
	report *BrokerReport
}

// startKafka runs a broker in memory that speaks Kafka's protocol, in a process of its own.
func (b *brokerRun) startKafka(ctx context.Context) (*child, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	health, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	c, err := start(ctx, health, "/healthz", nil, "bench", "kafka", "--addr", addr, "--health", health)
	if err != nil {
		return nil, err
	}
	c.addr = addr
	return c, nil
}

func (b *brokerRun) through(ctx context.Context, address string, t *ThroughReport) (err error) {
	address += fmt.Sprintf("?prefix=bench-%d.", rand.Uint32()) //nolint:gosec // Only apart from other runs.
	b.say("%s: the bus alone", t.Bus)
	if t.MessagesPerS, err = busAlone(ctx, address, b.cfg.Partitions, 8*b.cfg.Orders); err != nil {
		return err
	}
	var ratios []float64
	for round := range b.cfg.Rounds {
		b.say("%s: round %d of %d, one process", t.Bus, round+1, b.cfg.Rounds)
		one, err := b.orders(ctx, fleetSpec{both: 1}, nil)
		if err != nil {
			return err
		}
		b.say("%s: round %d of %d, two ingest and two engines", t.Bus, round+1, b.cfg.Rounds)
		two, err := b.orders(ctx, fleetSpec{ingest: 2, engines: 2, bus: address}, t)
		if err != nil {
			return err
		}
		b.report.OneProcess = append(b.report.OneProcess, round0(one))
		t.OrdersPerS, ratios = append(t.OrdersPerS, round0(two)), append(ratios, two/one)
	}
	t.RatioToOne = round(median(ratios), 2)
	if err := b.latencyThrough(ctx, address, t); err != nil {
		return err
	}
	if b.cfg.Backlog == 0 {
		return nil
	}
	return b.backlog(ctx, address, t)
}

func round0(v float64) float64 { return round(v, 0) }

// busAlone publishes in batches, as a sender does, and waits until all has been consumed.
func busAlone(ctx context.Context, address string, partitions, count int) (perS float64, err error) {
	b, err := bus.Open(address, bus.Options{Partitions: partitions})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	consuming, end := context.WithCancel(ctx)
	var got atomic.Int64
	var members sync.WaitGroup
	members.Go(func() {
		_ = b.Consume(consuming, "alone", "bench", func(_ context.Context, batch []bus.Message) error {
			got.Add(int64(len(batch)))
			return nil
		})
	})
	defer members.Wait()
	defer end()
	message := func(i int) bus.Message {
		return bus.Message{ID: strconv.Itoa(i), Key: fmt.Sprintf("bench/bench-shop/%d", i), Body: []byte(strings.Repeat("x", 600))}
	}
	for got.Load() == 0 { // until the group is known
		if err := b.Publish(ctx, "alone", []bus.Message{message(0)}); err != nil {
			return 0, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	before, begin := got.Load(), time.Now()
	all := make([]bus.Message, count)
	for i := range all {
		all[i] = message(i)
	}
	for batch := range slices.Chunk(all, 1024) {
		if err := b.Publish(ctx, "alone", batch); err != nil {
			return 0, err
		}
	}
	for got.Load()-before < int64(count) {
		if time.Since(begin) > 2*time.Minute {
			return 0, fmt.Errorf("only %d of %d messages came", got.Load()-before, count)
		}
		time.Sleep(time.Millisecond)
	}
	return round(float64(count)/time.Since(begin).Seconds(), 0), nil
}

// fleetSpec is how many processes of which roles work.
type fleetSpec struct {
	both, ingest, engines int
	bus                   string
}

// fleet is processes at work.
type fleet struct{ doors, engines []*child }

func (f *fleet) stop() (err error) {
	for _, c := range f.doors {
		err = errors.Join(err, c.stop())
	}
	for _, c := range f.engines {
		if !slices.Contains(f.doors, c) {
			err = errors.Join(err, c.stop())
		}
	}
	return err
}

// startFleet gives each process its part of the cores, as an installation does: those of one process are spread over cores that it has for
// itself, and work less for being spread over the others'.
func (b *brokerRun) startFleet(ctx context.Context, spec fleetSpec) (f *fleet, err error) {
	f = &fleet{}
	cores := max(1, runtime.NumCPU()/(spec.both+spec.ingest+spec.engines))
	env := []string{"BUS_URL=" + spec.bus, fmt.Sprintf("GOMAXPROCS=%d", cores)}
	if spec.bus != "" {
		env = append(env, fmt.Sprintf("BUS_PARTITIONS=%d", b.cfg.Partitions))
	}
	add := func(roles string, count int, lists ...*[]*child) {
		for range count {
			var c *child
			if err == nil {
				c, err = b.startServer(ctx, roles, env...)
			}
			for _, list := range lists {
				if err == nil {
					*list = append(*list, c)
				}
			}
		}
	}
	add("engine", spec.engines, &f.engines)
	add("ingest", spec.ingest, &f.doors)
	add("ingest,engine", spec.both, &f.doors, &f.engines)
	if err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

func cpuOf(all []*child) (sum time.Duration) {
	for _, c := range all {
		sum += c.cpu()
	}
	return sum
}

// emitted sums what engines have settled, by their own figures.
func (f *fleet) emitted(ctx context.Context) (sum histogram, each []int64, err error) {
	for _, c := range f.engines {
		h, err := emitHistogram(ctx, c.addr)
		if err != nil {
			return sum, nil, err
		}
		each = append(each, int64(h.counts[len(h.counts)-1]))
		if sum.counts == nil {
			sum = h
			continue
		}
		for i := range h.counts {
			sum.counts[i] += h.counts[i]
		}
	}
	return sum, each, nil
}

// settledAll waits until the engines have settled so many more than before, of those that which counts: three minutes, and longer where
// 1,000/s would take longer.
func (f *fleet) settledAll(ctx context.Context, before histogram, which func(histogram) float64, count int) (histogram, []int64, error) {
	limit := 3*time.Minute + time.Duration(count)*time.Millisecond
	for begin := time.Now(); ; {
		now, each, err := f.emitted(ctx)
		if err != nil {
			return now, each, err
		}
		done, took := now.minus(before), time.Since(begin)
		got := int(which(done))
		if got >= count {
			return done, each, nil
		} else if took > limit {
			return done, each, fmt.Errorf("%d of %d deliveries are settled after %s", got, count, limit)
		}
		time.Sleep(lookAgain(took, got, count))
	}
}

// lookAgain is how long to leave engines alone: to tell their figures takes them a millisecond, which they would not settle in.
func lookAgain(took time.Duration, got, count int) time.Duration {
	left := took * time.Duration(count-got) / time.Duration(max(got, 1))
	return min(max(left/2, 5*time.Millisecond), 200*time.Millisecond)
}

// post sends orders to all doors side by side, at a rate in all, and gives the answers' latencies.
func (b *brokerRun) post(ctx context.Context, f *fleet, rate, connections int, orders []request) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var doors sync.WaitGroup
	share := (len(orders) + len(f.doors) - 1) / len(f.doors)
	for i, part := range slices.Collect(slices.Chunk(orders, share)) {
		doors.Go(func() {
			own := max(1, rate/len(f.doors))
			d := time.Duration(len(part)) * time.Second / time.Duration(own)
			d += time.Second / time.Duration(own) / 2 // or rounding would lose the last one
			latencies, err := openLoop(ctx, b.target(f.doors[i]), own, max(connections/len(f.doors), 1), d, func(n int64) request { return part[n] })
			mu.Lock()
			defer mu.Unlock()
			all, failed = append(all, latencies...), errors.Join(failed, err)
		})
	}
	doors.Wait()
	if failed == nil && len(all) != len(orders) {
		failed = fmt.Errorf("%d of %d orders were sent", len(all), len(orders))
	}
	b.accepted += int64(len(all))
	b.run.orders += int64(len(all))
	return all, failed
}

// orders is how many new orders a second go from arrival to ledger, sent as fast as they are taken.
func (b *brokerRun) orders(ctx context.Context, spec fleetSpec, t *ThroughReport) (perS float64, err error) {
	if err := b.database.settle(ctx); err != nil {
		return 0, err
	}
	f, err := b.startFleet(ctx, spec)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	if err := b.warm(ctx, f); err != nil {
		return 0, err
	}
	before, _, err := f.emitted(ctx)
	if err != nil {
		return 0, err
	}
	orders := b.prepare(b.cfg.Orders)
	begin, doors, engines, database := time.Now(), cpuOf(f.doors), cpuOf(f.engines), named("postgres")
	if _, err := b.post(ctx, f, 1_000_000, 64, orders); err != nil {
		return 0, err
	}
	_, each, err := f.settledAll(ctx, before, histogram.total, len(orders))
	if err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if t != nil {
		perOrder := func(d time.Duration) float64 { return round(float64(d.Microseconds())/float64(len(orders)), 0) }
		t.IngestUS, t.EngineUS, t.DatabaseUS = perOrder(cpuOf(f.doors)-doors), perOrder(cpuOf(f.engines)-engines), perOrder(named("postgres")-database)
		t.EngineShares = each
	}
	return float64(len(orders)) / took.Seconds(), nil
}

// warmUps bounds how often a fleet is warmed: members of a group get their share one after the other.
const warmUps = 12

// warm settles some orders first, so that plans, caches and queues are there and every engine is at work.
func (b *brokerRun) warm(ctx context.Context, f *fleet) error {
	for range warmUps {
		before, _, err := f.emitted(ctx)
		if err != nil {
			return err
		}
		orders := b.prepare(300)
		if _, err := b.post(ctx, f, 600, 16, orders); err != nil {
			return err
		}
		_, each, err := f.settledAll(ctx, before, histogram.total, len(orders))
		if err != nil || !slices.Contains(each, 0) {
			return err
		}
		time.Sleep(500 * time.Millisecond)
	}
	return errors.New("not every engine gets a share of the work")
}

func (b *brokerRun) latencyThrough(ctx context.Context, address string, t *ThroughReport) (err error) {
	b.say("%s: latency at 1,000/s", t.Bus)
	f, err := b.startFleet(ctx, fleetSpec{ingest: 2, engines: 2, bus: address})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	if err := b.warm(ctx, f); err != nil {
		return err
	}
	before, _, err := f.emitted(ctx)
	if err != nil {
		return err
	}
	orders := b.prepare(int(b.OpenFor.Seconds() * 1000))
	product := func() time.Duration { return cpuOf(f.doors) + cpuOf(f.engines) + named("postgres") }
	used := func() time.Duration { return product() + named("beam.smp") }
	begin, others, mine, spent := time.Now(), busy()-used(), own(), product()
	acks, err := b.post(ctx, f, 1000, 128, orders)
	if err != nil {
		return err
	}
	b.noteForeign(busy()-used()-others-(own()-mine), time.Since(begin))
	done, _, err := f.settledAll(ctx, before, histogram.total, len(orders))
	if err != nil {
		return err
	}
	t.ServeUS = round(float64((product()-spent).Microseconds())/float64(len(orders)), 0)
	t.AckP99 = round(percentile(acks, 0.99), 2)
	t.AckToLedgerP50, t.AckToLedgerP99 = round(done.quantile(0.5)*1000, 2), round(done.quantile(0.99)*1000, 2)
	return nil
}

// outage is how long no engine is there, at least: longer than engines leave deliveries to the word of a bus.
const outage = 21 * time.Second

// backlog lets deliveries pile up while no engine is there, and then drains them while more arrive.
func (b *brokerRun) backlog(ctx context.Context, address string, t *ThroughReport) (err error) {
	b.say("%s: a backlog of %d deliveries", t.Bus, b.cfg.Backlog)
	f, err := b.startFleet(ctx, fleetSpec{ingest: 2, bus: address})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	for left := b.cfg.Backlog; left > 0; left -= 5000 {
		if _, err := b.post(ctx, f, 1_000_000, 64, b.prepare(min(left, 5000))); err != nil {
			return err
		}
	}
	time.Sleep(outage)
	begin := time.Now()
	engines, err := b.startFleet(ctx, fleetSpec{engines: 2, bus: address})
	if err != nil {
		return err
	}
	f.engines = engines.engines
	sending, stop := context.WithCancel(ctx)
	defer stop()
	var acks []time.Duration
	var sent error
	var sender sync.WaitGroup
	sender.Go(func() {
		for sending.Err() == nil && sent == nil {
			var some []time.Duration
			if some, sent = b.post(ctx, f, 200, 32, b.prepare(100)); sent == nil {
				acks = append(acks, some...)
			}
		}
	})
	zero := histogram{counts: make([]float64, 64)}
	late := func(h histogram) float64 { return h.total() - h.upTo(outage.Seconds()).total() } // The rest has just arrived.
	done, _, err := f.settledAll(ctx, zero, late, b.cfg.Backlog)
	took := time.Since(begin)
	stop()
	sender.Wait()
	if err = errors.Join(err, sent); err != nil {
		return err
	}
	for _, c := range f.engines {
		t.EnginesPeakRSSMB = max(t.EnginesPeakRSSMB, round(c.peakMB(), 1))
	}
	t.Backlog, t.BacklogPerS = b.cfg.Backlog, round(float64(b.cfg.Backlog)/took.Seconds(), 0)
	t.BacklogAckP99 = round(percentile(acks, 0.99), 2)
	fresh := done.upTo(outage.Seconds())
	t.BacklogFresh, t.BacklogFreshP50 = int(fresh.total()), round(fresh.quantile(0.5)*1000, 0)
	return nil
}

// Print writes the report for people.
func (r BrokerReport) Print(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "one process, %d cores        %v orders/s, arrival to ledger\n", r.Cores, r.OneProcess)
	for _, t := range r.Through {
		fmt.Fprintf(&out, `two ingest, two engines through %s
  orders/s                   %v: ratio %.2f; engines settled %v
  processor time             ingest %.0f us, engines %.0f us, PostgreSQL %.0f us an order
  the bus alone              %.0f messages/s, published, confirmed and consumed
  at 1,000/s                 ack p99 %.2f ms; arrival to ledger p50 %.2f ms, p99 %.2f ms
`, t.Bus, t.OrdersPerS, t.RatioToOne, t.EngineShares, t.IngestUS, t.EngineUS, t.DatabaseUS, t.MessagesPerS, t.AckP99, t.AckToLedgerP50, t.AckToLedgerP99)
		if t.Backlog > 0 {
			fmt.Fprintf(&out, "  backlog of %-7d         %.0f/s, engines at most %.1f MB; what arrives meanwhile: ack p99 %.2f ms, %d settled, in the ledger after %.0f ms (p50)\n",
				t.Backlog, t.BacklogPerS, t.EnginesPeakRSSMB, t.BacklogAckP99, t.BacklogFresh, t.BacklogFreshP50)
		}
	}
	fmt.Fprintf(&out, "proof                        %d deliveries stored, %d orders settled, ledger sound; %.0f bytes an order; others used %.1f %% of the machine\n",
		r.Deliveries, r.OrdersSettled, r.BytesPerOrder, r.ForeignCPUPercent)
	_, err := io.WriteString(w, out.String())
	return err
}
