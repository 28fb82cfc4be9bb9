package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/store"
)

// APIConfig says how large the company is and how often each call is measured.
type APIConfig struct {
	DatabaseURL string
	Dir         string
	Orders      int64
	People      int64
	Repeat      int    // of each call; the first one is told apart
	Keep        string // a folder that keeps the company for the next run; "": it is removed
	Progress    io.Writer
	Open        func(ctx context.Context, databaseURL, dir string) (Product, error)
}

// APIReport is what each call of the screens took.
type APIReport struct {
	Database string    `json:"database"`
	Orders   int64     `json:"orders"`
	People   int64     `json:"people"`
	FilledIn float64   `json:"filled_seconds"`
	LimitMS  float64   `json:"limit_ms"` // wanted of every p95
	Load     string    `json:"load"`     // of the machine while it was measured: 1, 5 and 15 minutes
	Calls    []APICall `json:"calls"`
}

// APICall is one call: how long it took from the request to the last byte, in milliseconds.
type APICall struct {
	Name  string  `json:"name"`
	Path  string  `json:"path"`
	First float64 `json:"first_ms"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	Bytes int     `json:"bytes"`
	Meets bool    `json:"meets"`
}

// The limits of a screen's call, by database.
const (
	limitPostgresMS = 50
	limitSQLiteMS   = 150
)

// screens are the calls that the screens make, with the traps: a store with few and old orders, a rare reason, a rare kind.
func screens(people int64) [][2]string {
	return [][2]string{
		{"overview", "/api/v1/overview"},
		{"standing", "/api/v1/standing"},
		{"orders", "/api/v1/orders"},
		{"orders, oldest first", "/api/v1/orders?sort=order_ts"},
		{"orders of a store with few", "/api/v1/orders?store_id=bench-few"},
		{"orders of a platform with few", "/api/v1/orders?platform=magento"},
		{"orders of a platform", "/api/v1/orders?platform=shopify"},
		{"orders between two days", "/api/v1/orders?from=2024-03-01&to=2024-03-02"},
		{"orders by state", "/api/v1/orders?status=refunded"},
		{"parked orders", "/api/v1/orders?settlement=parked"},
		{"parked orders of a rare reason", "/api/v1/orders?settlement=parked&reason_code=unknown_distributor"},
		{"orders of a distributor with many", "/api/v1/orders?distributor_id=D1000001"},
		{"order search", "/api/v1/orders?search=500000"},
		{"an order", "/api/v1/orders/bench-till/real"},
		{"an order explained", "/api/v1/orders/bench-till/real/explanation"},
		{"an order's facts", "/api/v1/orders/bench-till/real/facts"},
		{"an order's steps", "/api/v1/orders/bench-till/real/steps"},
		{"distributors", "/api/v1/distributors"},
		{"distributors, newest first", "/api/v1/distributors?sort=-created_at"},
		{"distributors of a rank", "/api/v1/distributors?rank=gold"},
		{"distributor search", "/api/v1/distributors?search=D10500"},
		{"distributors who left, newest first", "/api/v1/distributors?status=terminated&sort=-created_at"},
		{"frontline", "/api/v1/distributors?sponsor_id=D1000500"},
		{"a distributor's profile", fmt.Sprintf("/api/v1/distributors/D%d/profile", 1_000_000+people/2)},
		{"profile of one with many orders", "/api/v1/distributors/D1000001/profile"},
		{"unmapped SKUs", "/api/v1/mappings/unmapped"},
		{"mappings", "/api/v1/mappings/current"},
		{"mapping search", "/api/v1/mappings/current?search=4711"},
		{"mapping rules", "/api/v1/mappings/rules"},
		{"saved views", "/api/v1/views"},
		{"plans", "/api/v1/plans"},
		{"ledger", "/api/v1/ledger"},
		{"ledger of a distributor", "/api/v1/ledger?distributor_id=D1000001"},
		{"ledger of a rare kind", "/api/v1/ledger?kind=payout"},
		{"ledger between two days", "/api/v1/ledger?from=2024-03-01&to=2024-03-02"},
		{"commissions", "/api/mlm/commissions"},
		{"deliveries", "/api/v1/deliveries"},
		{"deliveries of a store with few", "/api/v1/deliveries?store_id=bench-few"},
		{"parked deliveries", "/api/v1/deliveries?status=parked"},
		{"stores", "/api/v1/stores"},
		{"audit log", "/api/v1/audit?action=api_key"},
		{"who am I", "/api/v1/session"},
	}
}

// API fills a scratch database, or takes the one that was kept, serves it by this binary, and measures each call of the
// screens.
func API(ctx context.Context, cfg APIConfig) (report APIReport, err error) {
	s, company, err := openCompany(ctx, cfg)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.drop()) }()
	report = APIReport{
		Database: s.product.Store.Dialect(), Orders: company.Orders, People: company.People, FilledIn: company.FilledIn, LimitMS: limitSQLiteMS,
	}
	if report.Database == "postgres" {
		report.LimitMS = limitPostgresMS
	}
	err = s.serve(ctx, func(c *child) error { return report.measure(ctx, c, company.Key, cfg) })
	report.Load = loadOf()
	return report, err
}

// company is what a folder that is kept says of the database that belongs to it.
type company struct {
	DatabaseURL string  `json:"database_url,omitempty"`
	Orders      int64   `json:"orders"`
	People      int64   `json:"people"`
	FilledIn    float64 `json:"filled_seconds"`
	Key         string  `json:"key"` // to the API of this company of nobody's
}

// companyFile is in a folder whose company is whole.
const companyFile = "bench.json"

// openCompany makes a company, or opens the one that was kept, brought up to this program's tables.
func openCompany(ctx context.Context, cfg APIConfig) (s scratch, c company, err error) {
	settings := Config{DatabaseURL: cfg.DatabaseURL, Dir: cfg.Dir, Open: cfg.Open}
	if cfg.Keep == "" {
		if s, err = openScratch(ctx, settings); err == nil {
			c, err = s.fillCompany(ctx, cfg)
		}
		return s, c, joinDrop(err, s)
	}
	path := filepath.Join(cfg.Keep, companyFile)
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return keptCompany(ctx, cfg, text)
	case !errors.Is(err, os.ErrNotExist):
		return s, c, fmt.Errorf("read the company that was kept: %w", err)
	}
	if err := os.MkdirAll(cfg.Keep, 0o700); err != nil {
		return s, c, fmt.Errorf("make the folder to keep: %w", err)
	}
	if s, err = newScratch(ctx, settings, cfg.Keep); err != nil {
		return s, c, err
	}
	if c, err = s.fillCompany(ctx, cfg); err != nil {
		return s, c, joinDrop(err, s)
	}
	s.drop = s.product.Store.Close
	if text, err = json.Marshal(c); err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	return s, c, joinDrop(err, s)
}

func joinDrop(err error, s scratch) error {
	if err != nil && s.drop != nil {
		err = errors.Join(err, s.drop())
	}
	return err
}

func keptCompany(ctx context.Context, cfg APIConfig, text []byte) (s scratch, c company, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return s, c, fmt.Errorf("read %s: %w", companyFile, err)
	}
	if c.Orders != cfg.Orders || c.People != cfg.People {
		return s, c, fmt.Errorf("the company in %s has %d orders and %d people: ask for these, or for another folder", cfg.Keep, c.Orders, c.People)
	}
	s.url = c.DatabaseURL
	if s.product, err = cfg.Open(ctx, s.url, cfg.Keep); err != nil {
		return s, c, err
	}
	s.drop = s.product.Store.Close
	return s, c, nil
}

// fillCompany writes one real order and the many.
func (s scratch) fillCompany(ctx context.Context, cfg APIConfig) (c company, err error) {
	c = company{DatabaseURL: s.url, Orders: cfg.Orders, People: cfg.People}
	if c.Key, err = s.realOrder(ctx); err != nil {
		return c, err
	}
	begin := time.Now()
	overview, err := s.product.Store.Overview(ctx, programID)
	if err != nil {
		return c, err
	}
	err = s.product.Store.Fill(ctx, programID, store.Filling{Orders: cfg.Orders, People: cfg.People, SKUs: 5000, Batch: overview.LastBatch}, func(n int64) {
		fmt.Fprintf(cfg.Progress, "\r%d orders", n)
	})
	fmt.Fprintln(cfg.Progress)
	c.FilledIn = round(time.Since(begin).Seconds(), 1)
	return c, err
}

// realOrder tells one order through the API's own door and lets it be settled, and gives a key.
func (s scratch) realOrder(ctx context.Context) (key string, err error) {
	_, _, err = s.product.Admin.CreateStore(ctx, admin.Store{
		StoreID: "bench-till", ProgramID: programID, Platform: order.Custom, Domain: "till.example", Currency: "EUR",
	}, "")
	if err != nil {
		return "", err
	}
	const sku = "REAL-1"
	_, err = s.product.Admin.PutMappings(ctx, programID, []admin.MappingSpec{{Platform: "custom", PlatformSKU: sku, CommissionClass: "a"}}, time.Now(), true)
	if err != nil {
		return "", err
	}
	if _, key, err = s.product.Admin.CreateAPIKey(ctx, programID, "bench-till", "bench"); err != nil {
		return "", err
	}
	err = s.serve(ctx, func(c *child) error {
		body := `{"platform_order_id":"real","currency":"EUR","distributor_ref":"B00500","items":[{"platform_sku":"` + sku +
			`","qty":1,"unit_price":"100.00"}],"total":"100.00"}`
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.addr+"/api/mlm/orders", strings.NewReader(body))
		if err != nil {
			return fmt.Errorf("tell an order: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return fmt.Errorf("tell an order: %w", err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusAccepted {
			return fmt.Errorf("tell an order: %d %s %w", answer.StatusCode, text, err)
		}
		for end := time.Now().Add(readyWithin); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if _, _, _, err := call(ctx, c, key, "/api/v1/orders/bench-till/real"); err == nil {
				return nil
			}
		}
		return errors.New("the order was not settled in time")
	})
	return key, err
}

// serve runs this binary on the scratch database.
func (s scratch) serve(ctx context.Context, f func(c *child) error) error {
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	c, err := start(ctx, addr, "/readyz", []string{"DATABASE_URL=" + s.url, "UPLINE_DATA=" + s.product.DataDir, "UPLINE_LOG_LEVEL=error"}, "serve", "--addr", addr)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.stop())
}

func (r *APIReport) measure(ctx context.Context, c *child, key string, cfg APIConfig) error {
	for _, screen := range screens(cfg.People) {
		one := APICall{Name: screen[0], Path: screen[1]}
		took := make([]time.Duration, 0, cfg.Repeat)
		for i := range cfg.Repeat + 1 {
			d, status, size, err := call(ctx, c, key, one.Path)
			if err != nil {
				return fmt.Errorf("%s: %d: %w", one.Path, status, err)
			}
			if i == 0 {
				one.First = ms(d)
				continue
			}
			one.Bytes, took = size, append(took, d)
		}
		slices.Sort(took)
		one.P50, one.P95 = ms(took[len(took)/2]), ms(took[(len(took)-1)*95/100])
		one.Meets = one.P95 <= r.LimitMS
		r.Calls = append(r.Calls, one)
		fmt.Fprintf(cfg.Progress, "%-36s %8.1f %8.1f\n", one.Name, one.P50, one.P95)
	}
	return nil
}

func call(ctx context.Context, c *child, key, path string) (took time.Duration, status, size int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.addr+path, http.NoBody)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("ask: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	begin := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	took = time.Since(begin)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %.200s", text)
	}
	return took, answer.StatusCode, len(text), err
}

func ms(d time.Duration) float64 { return round(float64(d.Microseconds())/1000, 1) }

// Print writes the report for people.
func (r *APIReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d orders, %d people; filled in %.0f s; load %s\n", r.Database, r.Orders, r.People, r.FilledIn, r.Load)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "call\tfirst ms\tp50 ms\tp95 ms\tkB\t\t")
	for _, c := range r.Calls {
		verdict := ""
		if !c.Meets {
			verdict = fmt.Sprintf("over %.0f ms", r.LimitMS)
		}
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t\n", c.Name, c.First, c.P50, c.P95, float64(c.Bytes)/1000, verdict)
	}
	return table.Flush()
}

// loadOf is how busy the machine is: processes that want to run, over the last 1, 5 and 15 minutes.
func loadOf() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], " ")
}
