package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/shopify/shopifytest"
	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/notice"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/reconcile"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

const teaPlan = `{"name": "shop", "effective_from": "2026-01-01T00:00:00Z", "currency": "EUR", "ranks": ["member"],
	"attribution": {"evidence": ["code", "cart", "customer"], "binding": {"mode": "lifetime"}},
	"components": [{"id": "retail", "type": "retail", "base": "net", "rates": [{"class": "goods", "rate": "10%"}]}]}`

// domain is the shop's.
const domain = "tea.myshopify.com"

// now is when everything happens; orders were changed in the hours before.
var now = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// world is a company on the embedded database with a pipeline at work, and a stand-in for its shop's API.
type world struct {
	store   *store.Store
	inbox   *inbox.Inbox
	admin   *shopifytest.Admin
	service *reconcile.Service
	puts    atomic.Int64
	offset  atomic.Int64 // of the clock, nanoseconds
	away    atomic.Bool  // the shop is not connected
}

// Put counts what enters the inbox.
func (w *world) Put(ctx context.Context, d order.Delivery) (inbox.PutResult, error) {
	w.puts.Add(1)
	return w.inbox.Put(ctx, d)
}

type token struct{}

func (token) Token(context.Context) (string, error)         { return "token", nil }
func (token) Renew(context.Context, string) (string, error) { return "", adapters.ErrReauthorise }

// Reader reads the shop by its API.
func (w *world) reader(t testing.TB) func() (adapters.Reader, error) {
	t.Helper()
	client, err := adminapi.New(domain, token{}, adminapi.Options{
		Transport: w.admin.Transport(t, domain, "token"), Clock: w.clock,
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.offset.Add(int64(d))
			return ctx.Err()
		},
	})
	must(t, err)
	reader := shopify.NewReader(client, t.TempDir())
	return func() (adapters.Reader, error) {
		if w.away.Load() {
			return nil, reconcile.ErrNoReader
		}
		return reader, nil
	}
}

type readers func() (adapters.Reader, error)

func (f readers) Reader(context.Context, reconcile.Target) (adapters.Reader, error) { return f() }

func (w *world) clock() time.Time { return now.Add(time.Duration(w.offset.Load())) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB) *world {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{DataDir: blank.Dir(t)})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	found(t, s)
	ring, err := secret.Load(filepath.Join(t.TempDir(), "keys.json"), "")
	must(t, err)
	w := &world{store: s, admin: shopifytest.NewAdmin()}
	w.admin.Maximum, w.admin.CostMax, w.admin.Restore, w.admin.Clock = 1e9, 1e9, 1e9, w.clock
	w.inbox, err = inbox.New(s, ring, w.clock, inbox.Options{BatchRows: 512})
	must(t, err)
	platforms := map[order.Platform]adapters.Adapter{order.Shopify: shopify.New()}
	p, err := pipeline.New(pipeline.Deps{
		Inbox: s, Bodies: w.inbox, Store: s, Clock: w.clock, Logger: slog.New(slog.DiscardHandler), Adapters: platforms,
		Notices: &notice.Desk{Customers: s, Orders: s},
	}, pipeline.Options{PollEvery: 10 * time.Millisecond, SingleProcess: true, Shards: 1, Normalisers: 1, ArrivalBatchMax: 512})
	must(t, err)
	w.inbox.HandTo(p)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(sync.OnceFunc(func() {
		w.inbox.Close()
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) { // a test may be over before it has begun
			t.Error(err)
		}
	}))
	var ids atomic.Int64
	w.service = &reconcile.Service{
		Books: s, Inbox: w, Readers: readers(w.reader(t)), Adapters: platforms, Clock: w.clock,
		NewID: func() string { return fmt.Sprintf("r%06d", ids.Add(1)) }, Logger: slog.New(slog.DiscardHandler),
	}
	return w
}

// found founds the company: cyd sells TEA.
func found(t testing.TB, s *store.Store) {
	t.Helper()
	p, err := plan.Parse([]byte(teaPlan))
	must(t, err)
	joined := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ctx := t.Context()
	must(t, errors.Join(
		s.CreateProgram(ctx, admin.Program{ProgramID: "p1", Name: "Tea", Currency: "EUR", TimeZone: "UTC"}),
		s.CreateStore(ctx, admin.Store{StoreID: "s1", ProgramID: "p1", Platform: order.Shopify, Domain: domain, Currency: "EUR"}),
		s.PublishPlan(ctx, "p1", p, p.Canonical())))
	_, err = s.PutDistributors(ctx, "p1", []admin.Distributor{{
		DistributorID: "cyd", Status: genealogy.Active, Rank: "member", Codes: []string{"CYD10"}, CreatedAt: joined,
	}}, joined, true)
	must(t, err)
	mapping := catalog.Mapping{SKUID: "own-TEA", Platform: "shopify", PlatformSKU: "TEA", CommissionClass: "goods"}
	_, err = s.PutMappings(ctx, "p1", []catalog.Mapping{mapping}, joined, true)
	must(t, err)
}

// firstOrder is the number of the shop's first order.
const firstOrder = 6_300_000_000_000_000_001

// body is the webhook of an order: two units of TEA at 50.00, referred by cyd; one was refunded where refunded is set.
func body(n int, refunded bool) []byte {
	at := now.Add(-time.Hour).Add(time.Duration(n%1000) * time.Second).Format(time.RFC3339)
	left, subtotal, status, refunds := 2, "100.00", "paid", "[]"
	if refunded {
		left, subtotal, status = 1, "50.00", "partially_refunded"
		refunds = fmt.Sprintf(`[{"id":%d,"created_at":%q,"refund_line_items":[{"line_item_id":%d,"quantity":1,"subtotal":50.0,"total_tax":0.0}],"order_adjustments":[]}]`,
			n+1, at, n+1)
	}
	return fmt.Appendf(nil, `{"id":%d,"name":"#%d","created_at":%q,"processed_at":%q,"updated_at":%q,"cancelled_at":null,"test":false,
"currency":"EUR","taxes_included":false,"financial_status":%q,"note_attributes":[{"name":"upline_ref","value":"cyd"}],"discount_codes":[],
"discount_applications":[],"customer":{"id":9000001},"refunds":%s,"current_subtotal_price":%q,"total_price":"100.00","total_discounts":"0.00",
"line_items":[{"id":%d,"sku":"TEA","quantity":2,"current_quantity":%d,"gift_card":false,"price":"50.00","discount_allocations":[],"tax_lines":[]}]}`,
		firstOrder+n, 1000+n, at, at, at, status, refunds, subtotal, n+1, left)
}

// sell gives the shop so many orders; every hundredth was partly refunded.
func (w *world) sell(t testing.TB, count int) {
	t.Helper()
	w.admin.MakeOrders(count, func(i int) shopifytest.Object {
		object, err := shopifytest.FromWebhook(body(i, i%100 == 99))
		if err != nil {
			panic(err)
		}
		return object
	})
}

// deliver sends a webhook.
func (w *world) deliver(t testing.TB, key, topic string, body []byte) {
	t.Helper()
	_, err := w.inbox.Put(context.WithoutCancel(t.Context()), order.Delivery{
		PlatformDeliveryID: key, ProgramID: "p1", StoreID: "s1", Platform: order.Shopify, Topic: topic, Body: body,
	})
	must(t, err)
}

// drained waits until every delivery has ended.
func (w *world) drained(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		waiting, _, err := w.store.Backlog(t.Context())
		must(t, err)
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d deliveries still wait", waiting)
		}
	}
}

// earned is what cyd has in the ledger, in minor units.
func (w *world) earned(t testing.TB) (total int64) {
	t.Helper()
	w.drained(t)
	page := query.Page{Limit: 200}
	for {
		list, next, err := w.store.Orders(t.Context(), "p1", query.OrderFilter{}, page)
		must(t, err)
		for _, o := range list {
			total += o.EarnedMinor
		}
		if page.After = next; next == "" {
			return total
		}
	}
}

func (w *world) order(t testing.TB, n int) query.Order {
	t.Helper()
	w.drained(t)
	o, err := w.store.Order(t.Context(), "p1", fmt.Sprintf("s1/%d", firstOrder+n))
	must(t, err)
	return o
}

// day is a request for the last day.
func day(mend bool) reconcile.Request {
	return reconcile.Request{Program: "p1", StoreID: "s1", From: now.Add(-24 * time.Hour), To: now, Mend: mend}
}

func (w *world) reconcile(t testing.TB, q reconcile.Request) reconcile.Run {
	t.Helper()
	r, err := w.service.Reconcile(t.Context(), q, func(reconcile.Run) {})
	must(t, err)
	w.drained(t)
	return r
}
