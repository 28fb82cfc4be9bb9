package httpapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/httpapi"
	"upline.dev/upline/server/imports"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/metrics"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/planfile"
	"upline.dev/upline/server/privacy"
	"upline.dev/upline/server/reconcile"
	"upline.dev/upline/server/reference"
	"upline.dev/upline/server/run"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
	"upline.dev/upline/server/web"
	"upline.dev/upline/server/webhook"
)

// product is the whole server on a database of its own: store, inbox, pipeline and API, as `upline serve` joins them.
type product struct {
	url        string
	store      *store.Store
	admin      *admin.Service
	api        *httpapi.Server
	channel    *channel.Service
	auth       *auth.Service
	privacy    *privacy.Service // works only where a test lets it
	imports    *imports.Service
	references *httpapi.References
	magento    *magentoShops
	runs       atomic.Int64 // reconciliations so far
}

func openProduct(t testing.TB) *product {
	t.Helper()
	dir := blank.Dir(t)
	ring, err := secret.Load(filepath.Join(dir, "keys.json"), "")
	fatal(t, err)
	books, err := store.Open(t.Context(), store.Config{DataDir: dir, Opener: ring})
	fatal(t, err)
	t.Cleanup(func() { fatal(t, books.Close()) })
	registry := prometheus.NewRegistry()
	figures := metrics.New(registry)
	logger := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError}))
	arrivals, err := inbox.New(books, ring, time.Now, inbox.Options{Metrics: figures})
	fatal(t, err)
	engine, err := pipeline.New(pipeline.Deps{
		Inbox: books, Bodies: arrivals, Store: books, Adapters: platforms(), Clock: time.Now, Logger: logger, Metrics: figures,
		References: &reference.Signer{Keys: ring},
	}, pipeline.Options{SingleProcess: true})
	fatal(t, err)
	arrivals.HandTo(engine)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	t.Cleanup(func() {
		arrivals.Close()
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("pipeline: %v", err)
		}
	})
	p := &product{
		store: books, admin: &admin.Service{Books: books, Sealer: ring, Random: rand.Reader, Actor: "test"},
		auth: &auth.Service{Books: books, Sealer: ring, Random: rand.Reader, Clock: time.Now},
	}
	p.channel = &channel.Service{
		Books: books, Admin: p.admin, Reader: books, Random: rand.Reader, Clock: time.Now, Codes: books,
		Install: &install.Service{Books: books, Auditor: books, Sealer: ring, Random: rand.Reader, Clock: time.Now},
	}
	p.references = &httpapi.References{
		Signer: &reference.Signer{Keys: ring}, Hints: books, Proxy: proxied, CheckoutKey: func(token string) string { return "key of " + token },
	}
	p.privacy = privacy.New(privacy.Service{Books: books, Sealer: ring, Bodies: arrivals, Clock: time.Now, Logger: logger})
	p.imports = &imports.Service{
		Books: books, People: books, Admin: p.admin, Random: rand.Reader, Clock: time.Now, Kick: engine.Kick,
		Failed: func(err error) { t.Errorf("an import: %v", err) },
	}
	t.Cleanup(p.imports.Close)
	p.magento = &magentoShops{}
	p.api = httpapi.New(httpapi.Deps{
		Magento: p.magento,
		Inbox:   arrivals, Adapters: platforms(), AppSecrets: map[order.Platform][][]byte{order.Shopify: {[]byte(appSecret)}},
		Reader: books, Screens: books, Admin: p.admin, Bodies: arrivals, Previewer: engine, Imports: p.imports, Metrics: figures, Gatherer: registry, Ready: books.Ping, Kick: engine.Kick,
		Web: web.Handler(), Logger: logger, Clock: time.Now, Version: "test",
		Webhooks: &webhook.Service{Books: books, Auditor: books, Sealer: ring, Random: rand.Reader, Clock: time.Now},
		Auth:     p.auth, Channel: p.channel, Privacy: p.privacy, References: p.references,
		Reconcile: &reconcile.Service{
			Books: books, Clock: time.Now, NewID: func() string { return "r-" + strconv.FormatInt(p.runs.Add(1), 10) },
		},
		Projections: &run.Projections{Service: &run.Service{Books: books, Clock: func() time.Time { return afterNovember }, TempDir: dir}},
	})
	listening := httptest.NewServer(p.api)
	t.Cleanup(listening.Close)
	p.url = listening.URL
	return p
}

// proxied stands in for the signature of Shopify's app proxy, which the adapter's own tests check.
func proxied(rawQuery string) (string, url.Values, error) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil || values.Get("signature") != "good" {
		return "", nil, adapters.ErrSignature
	}
	return values.Get("shop"), values, nil
}

// afterNovember is when periods are closed here: the orders of the tests are of November 2026.
var afterNovember = time.Date(2026, 12, 10, 12, 0, 0, 0, time.UTC)

// testLog puts what the server logs beside the test it belongs to.
type testLog struct{ t testing.TB }

func (l testLog) Write(text []byte) (int, error) {
	l.t.Logf("log: %s", bytes.TrimSpace(text))
	return len(text), nil
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// company is a program with one Shopify store and one of its own, four people in a line, two SKUs and a plan.
type company struct {
	*product
	program, shop, domain string
	storeKey, readKey     string
	t                     testing.TB
}

func (p *product) company(t testing.TB, name string) *company {
	t.Helper()
	ctx := t.Context()
	c := &company{product: p, program: name, shop: name + "-shop", domain: name + ".myshopify.com", t: t}
	_, err := p.admin.CreateProgram(ctx, admin.Program{ProgramID: name, Name: "Company " + name, Currency: "EUR"})
	fatal(t, err)
	for _, st := range []admin.Store{
		{StoreID: c.shop, ProgramID: name, Platform: order.Shopify, Domain: c.domain, Currency: "USD"},
		{StoreID: name + "-till", ProgramID: name, Platform: order.Custom, Domain: name + ".example", Currency: "EUR"},
	} {
		_, _, err := p.admin.CreateStore(ctx, st, "")
		fatal(t, err)
	}
	_, c.storeKey, err = p.admin.CreateAPIKey(ctx, name, name+"-till", "till")
	fatal(t, err)
	_, c.readKey, err = p.admin.CreateAPIKey(ctx, name, "", "reading")
	fatal(t, err)
	c.publishPlan()
	return c
}

func (c *company) publishPlan() {
	c.t.Helper()
	text, err := planfile.ReadyMadeYAML("retail-unilevel")
	fatal(c.t, err)
	p, canonical, err := planfile.Read(text, "retail-unilevel.yaml")
	fatal(c.t, err)
	fatal(c.t, c.admin.PublishPlan(c.t.Context(), c.program, p, canonical))
}

// people and SKUs come through the API itself.
func (c *company) fill() {
	c.t.Helper()
	c.want(http.StatusOK, c.post("/api/v1/distributors", `{"data":[
		{"distributor_id":"TOP","rank":"diamond","name":"Tilda Oppermann","codes":["TILDA"]},
		{"distributor_id":"MID","sponsor_id":"TOP","rank":"gold","name":"Mia Drost"},
		{"distributor_id":"OUT","sponsor_id":"MID","status":"inactive","name":"<script>alert(1)</script>"},
		{"distributor_id":"ANNA","sponsor_id":"OUT","rank":"silver","name":"Anna Bauer","codes":["ANNA1001"]}]}`))
	c.want(http.StatusOK, c.post("/api/v1/mappings", `{"data":[
		{"platform":"custom","platform_sku":"TEA-12","commission_class":"nutrition","name":"Tea"},
		{"platform":"shopify","platform_sku":"TEA-12","commission_class":"nutrition","name":"Tea"}]}`))
}

func (c *company) get(path string) reply {
	c.t.Helper()
	return send(c.t, http.MethodGet, c.url+path, http.NoBody, map[string]string{"Authorization": "Bearer " + c.readKey})
}

func (c *company) post(path, body string, header ...string) reply {
	c.t.Helper()
	h := map[string]string{"Authorization": "Bearer " + c.storeKey, "Content-Type": "application/json"}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	return send(c.t, http.MethodPost, c.url+path, strings.NewReader(body), h)
}

func (c *company) want(status int, r reply) reply {
	c.t.Helper()
	if r.status != status {
		c.t.Fatalf("%d %s, want %d", r.status, r.body, status)
	}
	return r
}

// order tells an order of one line and waits until it is decided.
func (c *company) order(id, sku, referrer, total string) map[string]any {
	c.t.Helper()
	body := `{"platform_order_id":"` + id + `","currency":"EUR","customer_id":"77","distributor_ref":"` + referrer +
		`","items":[{"platform_sku":"` + sku + `","qty":1,"unit_price":"` + total + `"}],"total":"` + total + `"}`
	c.want(http.StatusAccepted, c.post("/api/mlm/orders", body))
	return c.decided(c.program + "-till/" + url.PathEscape(id))
}

// decided waits for an order to be settled or parked.
func (c *company) decided(orderID string) map[string]any {
	c.t.Helper()
	var o map[string]any
	c.soon(func() bool {
		got := c.get("/api/v1/orders/" + orderID)
		return got.status == http.StatusOK && json.Unmarshal(got.body, &o) == nil
	})
	return o
}

// mapTea maps what the recorded order of a WooCommerce shop sells.
func (c *company) mapTea() {
	c.want(http.StatusOK, c.post("/api/v1/mappings", `{"data":[{"platform":"woocommerce","platform_sku":"TEA-001","commission_class":"nutrition","name":"Tea"}]}`))
}

// soon waits for what the pipeline does on its own. It asks less and less often: asking takes time from what is waited for.
func (c *company) soon(happened func() bool) {
	c.t.Helper()
	pause, end := 5*time.Millisecond, time.Now().Add(2*time.Minute)
	for !happened() {
		if time.Now().After(end) {
			c.t.Fatal("it did not happen within two minutes")
		}
		time.Sleep(pause)
		pause = min(2*pause, 200*time.Millisecond)
	}
}

// rowsOf reads a whole list, page by page.
func (c *company) rowsOf(path, key string) []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for after := ""; ; {
		joint := "?"
		if strings.Contains(path, "?") {
			joint = "&"
		}
		got := send(c.t, http.MethodGet, c.url+path+joint+"limit=7&after="+after, http.NoBody, map[string]string{"Authorization": "Bearer " + key})
		c.want(http.StatusOK, got)
		var page struct {
			Data       []map[string]any
			NextCursor string `json:"next_cursor"`
		}
		fatal(c.t, json.Unmarshal(got.body, &page))
		all = append(all, page.Data...)
		if after = page.NextCursor; after == "" {
			return all
		}
		if len(page.Data) != 7 {
			c.t.Fatalf("%s: a page of %d rows that is not the last", path, len(page.Data))
		}
	}
}

var _ io.Writer = testLog{}
