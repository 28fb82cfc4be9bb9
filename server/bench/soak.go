package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"upline.dev/upline/server/store"
)

// SoakConfig says for how long traffic is sent, and how much.
type SoakConfig struct {
	DatabaseURL string // "" : SQLite
	Dir         string
	For         time.Duration
	Rate        int // deliveries a second, on average
	Progress    io.Writer
	Open        func(ctx context.Context, databaseURL, dir string) (Product, error)
}

// SoakReport is what `upline bench soak --json` prints.
type SoakReport struct {
	Database       string            `json:"database"`
	Cores          int               `json:"cores"`
	Seconds        float64           `json:"seconds"`
	Deliveries     int64             `json:"deliveries"` // sent and answered with a 2xx
	Repeats        int64             `json:"repeats"`    // among them
	Orders         int64             `json:"orders"`
	Refunds        int64             `json:"refunds"`
	Edits          int64             `json:"edits"`
	PerS           float64           `json:"per_s"`
	BurstPerS      int               `json:"burst_per_s"`
	AckP50         float64           `json:"ack_p50_ms"`
	AckP99         float64           `json:"ack_p99_ms"` // from when it was due, bursts included
	AckToLedgerP50 float64           `json:"ack_to_ledger_p50_ms"`
	AckToLedgerP99 float64           `json:"ack_to_ledger_p99_ms"`
	RSSFirstMB     float64           `json:"rss_first_mb"`          // at half of the time
	RSSLastMB      float64           `json:"rss_last_mb"`           //
	RSSPeakMB      float64           `json:"rss_peak_mb"`           //
	RSSSlope       float64           `json:"rss_slope_mb_per_hour"` // least squares over the second half
	Points         []SoakPoint       `json:"points"`
	Tables         []store.TableSize `json:"tables"`       // the largest at the end, PostgreSQL only
	EarnedMinor    int64             `json:"earned_minor"` // what the ledger holds, equal to what was sent
}

// The mix of the traffic. The rest is new orders.
const (
	soakRepeats = 0.30 // of the deliveries; the platform sends again what it has sent
	soakRefunds = 0.10
	soakEdits   = 0.08
	soakRecent  = 5000 // orders that a later delivery may be about
)

// burst is how much of the mean rate each second of ten has.
var burst = [10]float64{4, 0.7, 0.6, 0.7, 0.6, 0.7, 0.7, 0.6, 0.7, 0.7}

// Soak sends real-shaped traffic to the whole product and proves at the end that the ledger holds exactly what it should.
func Soak(ctx context.Context, cfg SoakConfig) (report SoakReport, err error) {
	r := &run{Config: Config{DatabaseURL: cfg.DatabaseURL, Dir: cfg.Dir, Progress: cfg.Progress, Open: cfg.Open}, bodies: newBodies(), began: time.Now()}
	if r.database, err = openScratch(ctx, r.Config); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, r.database.drop()) }()
	s := &soak{run: r, cfg: cfg, report: &report, random: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // The same traffic every time.
	report.Database, report.Cores = r.database.product.Store.Dialect(), runtime.NumCPU()
	if err := s.learn(ctx); err != nil {
		return report, err
	}
	if err := s.traffic(ctx); err != nil {
		return report, err
	}
	return report, s.prove(ctx)
}

type soak struct {
	*run
	cfg     SoakConfig
	report  *SoakReport
	random  *rand.Rand
	perPaid int64 // minor units that a paid order earns everybody together
	sentAll []request
	open    []int64 // recent orders that were not refunded
	edited  map[int64]bool
	unique  int64
	acks    []time.Duration
}

// learn settles one order and sees what it earns.
func (s *soak) learn(ctx context.Context) error {
	server, err := s.startServer(ctx, "ingest,engine")
	if err != nil {
		return err
	}
	_, err = openLoop(ctx, s.target(server), 10, 1, 100*time.Millisecond, func(int64) request { return s.bodies.signed(0) })
	if err := errors.Join(err, server.stop(), s.database.settle(ctx)); err != nil {
		return err
	}
	s.unique, s.report.Orders = 1, 1
	s.perPaid, err = s.database.product.Store.SumEarned(ctx, programID)
	if err == nil && s.perPaid <= 0 {
		err = errors.New("a paid order earns nothing")
	}
	return err
}

// next is one more delivery.
func (s *soak) next() request {
	u := s.random.Float64()
	switch {
	case u < soakRepeats && len(s.sentAll) > 0:
		s.report.Repeats++
		return s.sentAll[s.random.IntN(len(s.sentAll))]
	case u < soakRepeats+soakRefunds && len(s.open) > 0:
		at := s.random.IntN(len(s.open))
		n := s.open[at]
		s.open[at] = s.open[len(s.open)-1]
		s.open = s.open[:len(s.open)-1]
		s.report.Refunds++
		return s.keep(n, "refund", s.bodies.refunded(n, s.edited[n]))
	case u < soakRepeats+soakRefunds+soakEdits && len(s.open) > 0:
		n := s.open[s.random.IntN(len(s.open))]
		if !s.edited[n] {
			s.edited[n] = true
			s.report.Edits++
			return s.keep(n, "edit", s.bodies.edited(n))
		}
	}
	s.sent++
	s.report.Orders++
	if s.open = append(s.open, s.sent); len(s.open) > soakRecent {
		delete(s.edited, s.open[0])
		s.open = s.open[1:]
	}
	return s.keep(s.sent, "paid", s.bodies.body(s.sent))
}

func (s *soak) keep(n int64, what string, body []byte) request {
	s.unique++
	r := request{id: fmt.Sprintf("soak-%d-%s", n, what), body: body, signature: sign([]byte(shopSecret), body)}
	if len(s.sentAll) < soakRecent {
		s.sentAll = append(s.sentAll, r)
	} else {
		s.sentAll[s.unique%soakRecent] = r
	}
	return r
}

// traffic sends second by second, each at its own rate, and watches the process.
func (s *soak) traffic(ctx context.Context) (err error) {
	s.edited = map[int64]bool{}
	server, err := s.startServer(ctx, "ingest,engine")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	watch := watchSoak(ctx, server, s.database.product.Store, s.cfg.For/soakPoints)
	defer watch.stop()
	begin := watch.begin
	for second := 0; time.Since(begin) < s.cfg.For; second++ {
		if second%10 == 0 {
			s.say("soak: %d deliveries sent, %.0f MB", s.report.Deliveries, server.rssMB())
		}
		rate := max(1, int(float64(s.cfg.Rate)*burst[second%10]))
		s.report.BurstPerS = max(s.report.BurstPerS, rate)
		orders := make([]request, rate)
		for i := range orders {
			orders[i] = s.next()
		}
		took, err := openLoop(ctx, s.target(server), rate, min(max(rate/20, 8), 128), time.Second, func(n int64) request { return orders[n] })
		if err != nil {
			return err
		}
		s.report.Deliveries += int64(len(took))
		if len(s.acks) < 2_000_000 { // enough for any percentile
			s.acks = append(s.acks, took...)
		}
	}
	s.report.Seconds = round(time.Since(begin).Seconds(), 1)
	h, err := emitHistogram(ctx, server.addr)
	if err != nil {
		return err
	}
	watch.stop()
	s.sum(watch.series, h)
	s.report.Points = watch.points
	s.report.Tables, err = s.database.product.Store.TableSizes(ctx, 8)
	return err
}

func (s *soak) sum(series [][2]float64, h histogram) {
	r := s.report
	r.PerS = round(float64(r.Deliveries)/r.Seconds, 0)
	r.AckP50, r.AckP99 = round(percentile(s.acks, 0.5), 2), round(percentile(s.acks, 0.99), 2)
	r.AckToLedgerP50, r.AckToLedgerP99 = round(h.quantile(0.5)*1000, 2), round(h.quantile(0.99)*1000, 2)
	settled := series[len(series)/2:] // Caches have filled by then, in a run of some minutes.
	r.RSSFirstMB, r.RSSLastMB = round(settled[0][1], 1), round(settled[len(settled)-1][1], 1)
	r.RSSSlope = round(slope(settled)*3600, 1)
	for _, p := range series {
		r.RSSPeakMB = max(r.RSSPeakMB, round(p[1], 1))
	}
}

// slope of least squares, in y per x.
func slope(points [][2]float64) float64 {
	var x, y, xx, xy float64
	n := float64(len(points))
	for _, p := range points {
		x, y, xx, xy = x+p[0], y+p[1], xx+p[0]*p[0], xy+p[0]*p[1]
	}
	if d := n*xx - x*x; d != 0 {
		return (n*xy - x*y) / d
	}
	return 0
}

// prove settles what is left and holds the ledger against what was sent: every delivery once, and every order paid or refunded.
func (s *soak) prove(ctx context.Context) error {
	s.say("proof: every delivery stored once, what was earned to the cent, the ledger sound")
	if err := s.database.settle(ctx); err != nil {
		return err
	}
	have, err := s.database.count(ctx)
	if err != nil {
		return err
	}
	// An order that was refunded before it was settled has never posted anything.
	if have.deliveries != s.unique || have.settled > s.report.Orders || have.settled < s.report.Orders-s.report.Refunds {
		return fmt.Errorf("%d deliveries and %d orders are settled, want %d and %d", have.deliveries, have.settled, s.unique, s.report.Orders)
	}
	if s.report.EarnedMinor, err = s.database.product.Store.SumEarned(ctx, programID); err != nil {
		return err
	}
	if want := s.perPaid * (s.report.Orders - s.report.Refunds); s.report.EarnedMinor != want {
		return fmt.Errorf("%d minor units were earned, want %d", s.report.EarnedMinor, want)
	}
	return s.database.verify(ctx)
}

// edited is the n-th order with one more piece of what earns nothing.
func (b *bodies) edited(n int64) []byte {
	text := changedAt(string(b.body(n)), 10)
	text = replaceNth(text, `"quantity":1,"current_quantity":1`, `"quantity":2,"current_quantity":2`, 1)
	return []byte(subtotal(text, "160.00"))
}

// refunded is the n-th order after what earns was given back.
func (b *bodies) refunded(n int64, edited bool) []byte {
	text, left := changedAt(string(b.body(n)), 20), "80.00"
	if edited {
		text, left = replaceNth(text, `"quantity":1,"current_quantity":1`, `"quantity":2,"current_quantity":2`, 1), "120.00"
	}
	text = strings.Replace(text, `"quantity":1,"current_quantity":1`, `"quantity":1,"current_quantity":0`, 1)
	set := func(amount string) string {
		return `{"shop_money":{"amount":"` + amount + `","currency_code":"EUR"},"presentment_money":{"amount":"` + amount + `","currency_code":"EUR"}}`
	}
	text = strings.Replace(text, `"refunds":[]`, fmt.Sprintf(`"refunds":[{"id":%d,"created_at":"2026-09-12T10:00:00+02:00","processed_at":"2026-09-12T10:00:00+02:00",
"refund_line_items":[{"id":%d,"line_item_id":9000000000000,"quantity":1,"restock_type":"return","subtotal":"40.00","total_tax":"6.67","subtotal_set":%s,"total_tax_set":%s}],
"order_adjustments":[],"duties":[],"refund_shipping_lines":[],"transactions":[{"id":%d,"kind":"refund","status":"success","amount":"40.00","currency":"EUR"}]}]`,
		5_000_000_000_000+n, 5_100_000_000_000+n, set("40.00"), set("6.67"), 5_200_000_000_000+n), 1)
	text = strings.Replace(text, `"financial_status":"paid"`, `"financial_status":"partially_refunded"`, 1)
	return []byte(subtotal(text, left))
}

// changedAt gives a body a later version.
func changedAt(text string, minute int) string {
	return strings.Replace(text, `"updated_at":"2026-09-10T10:15:01+02:00"`, fmt.Sprintf(`"updated_at":"2026-09-12T11:%02d:00+02:00"`, minute), 1)
}

// subtotal says what is left of the lines.
func subtotal(text, amount string) string {
	text = strings.Replace(text, `"current_subtotal_price":"120.00"`, `"current_subtotal_price":"`+amount+`"`, 1)
	head, rest, _ := strings.Cut(text, `"current_subtotal_price_set":`)
	end := strings.Index(rest, `"current_total_price"`)
	return head + `"current_subtotal_price_set":` + strings.ReplaceAll(rest[:end], "120.00", amount) + rest[end:]
}

// replaceNth replaces what stands in a text for the n-th time, from 0.
func replaceNth(text, old, with string, n int) string {
	at := 0
	for ; n >= 0; n-- {
		next := strings.Index(text[at:], old)
		if next < 0 {
			return text
		}
		at += next + 1
	}
	return text[:at-1] + with + text[at-1+len(old):]
}

// rssMB is the memory that a child holds now; 0 where the system does not tell.
func (c *child) rssMB() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// Print writes the report for people.
func (r SoakReport) Print(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, `soak of %.0f s                  %s, %d cores shared with the generator
sent                          %d deliveries (%.0f/s, bursts of %d/s): %d orders, %d refunds, %d edits, %d repeats
ack p50 / p99                 %.2f / %.2f ms from when it was due
arrival to ledger p50 / p99   %.2f / %.2f ms
memory                        %.1f MB at half time, %.1f MB at the end, %.1f MB at most: %+.1f MB an hour in the second half
proof                         every delivery stored once, %d minor units earned as sent, ledger sound
`, r.Seconds, r.Database, r.Cores, r.Deliveries, r.PerS, r.BurstPerS, r.Orders, r.Refunds, r.Edits, r.Repeats, r.AckP50, r.AckP99,
		r.AckToLedgerP50, r.AckToLedgerP99, r.RSSFirstMB, r.RSSLastMB, r.RSSPeakMB, r.RSSSlope, r.EarnedMinor)
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "second\tRSS MB\theap MB\tgoroutines\tfiles\tconnections\tdatabase MB\t")
	for _, p := range r.Points {
		fmt.Fprintf(table, "%.0f\t%.1f\t%.1f\t%d\t%d\t%d\t%.0f\t\n", p.Second, p.RSSMB, p.HeapMB, p.Goroutines, p.Files, p.Connections, p.DatabaseMB)
	}
	if len(r.Tables) > 0 {
		fmt.Fprintln(table, "table\trows\tMB\tof it indexes\t")
	}
	for _, t := range r.Tables {
		fmt.Fprintf(table, "%s\t%d\t%.1f\t%.1f\t\n", t.Table, t.Rows, float64(t.Bytes)/(1<<20), float64(t.IndexBytes)/(1<<20))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, out.String())
	return err
}
