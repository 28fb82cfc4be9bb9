package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/store"
	"upline.dev/upline/server/storetest/blank"
)

const shopPlan = `{"name": "shop", "effective_from": "2026-01-01T00:00:00Z", "currency": "EUR", "ranks": ["member"],
	"attribution": {"evidence": ["code", "cart"], "binding": {"mode": "lifetime"}},
	"components": [
		{"id": "retail", "type": "retail", "base": "net", "rates": [{"class": "goods", "rate": "10%"}]},
		{"id": "levels", "type": "unilevel", "base": "net", "rates": [{"class": "goods", "levels": ["5%", "3%"]}]}]}`

// shop is a company with one Shopify store on the embedded database, and a pipeline at work for it.
type shop struct {
	store *store.Store
	inbox *inbox.Inbox
	stop  func() // ends the inbox, then the pipeline
}

func openShop(t testing.TB) *shop {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{DataDir: blank.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	found(t, s)
	ring, err := secret.Load(filepath.Join(t.TempDir(), "keys.json"), "")
	if err != nil {
		t.Fatal(err)
	}
	sh := &shop{store: s}
	if sh.inbox, err = inbox.New(s, ring, time.Now, inbox.Options{}); err != nil {
		t.Fatal(err)
	}
	return sh
}

// work sets a pipeline going; handOver gives it what arrives in process.
func (sh *shop) work(t testing.TB, handOver bool) {
	t.Helper()
	p, err := pipeline.New(pipeline.Deps{
		Inbox: sh.store, Bodies: sh.inbox, Store: sh.store, Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Adapters: map[order.Platform]adapters.Adapter{order.Shopify: shopify.New()},
	}, pipeline.Options{PollEvery: 10 * time.Millisecond, SingleProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	if handOver {
		sh.inbox.HandTo(p)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	sh.stop = sync.OnceFunc(func() {
		sh.inbox.Close()
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) { // a test may be over before it has begun
			t.Error(err)
		}
	})
	t.Cleanup(sh.stop)
}

// found founds the company: top sponsors gold, gold sponsors cyd; TEA is goods.
func found(t testing.TB, s *store.Store) {
	t.Helper()
	p, err := plan.Parse([]byte(shopPlan))
	if err != nil {
		t.Fatal(err)
	}
	joined := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var people []admin.Distributor
	for _, pair := range [][2]string{{"top", ""}, {"gold", "top"}, {"cyd", "gold"}} {
		people = append(people, admin.Distributor{
			DistributorID: pair[0], SponsorID: pair[1], Status: genealogy.Active, Rank: "member", Codes: []string{pair[0] + "10"}, CreatedAt: joined,
		})
	}
	ctx := t.Context()
	err = errors.Join(
		s.CreateProgram(ctx, admin.Program{ProgramID: "p1", Name: "Tea", Currency: "EUR", TimeZone: "UTC"}),
		s.CreateStore(ctx, admin.Store{StoreID: "s1", ProgramID: "p1", Platform: order.Shopify, Domain: "tea.example", Currency: "EUR"}),
		s.PublishPlan(ctx, "p1", p, p.Canonical()),
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutDistributors(ctx, "p1", people, joined, true); err != nil {
		t.Fatal(err)
	}
	mapSKU(t, s, "TEA")
}

func mapSKU(t testing.TB, s *store.Store, sku string) {
	t.Helper()
	mapping := catalog.Mapping{SKUID: "own-" + sku, Platform: "shopify", PlatformSKU: sku, CommissionClass: "goods"}
	if _, err := s.PutMappings(t.Context(), "p1", []catalog.Mapping{mapping}, time.Now(), true); err != nil {
		t.Fatal(err)
	}
}

// firstOrder is the id of the first of the orders that a test may send; ids beyond 2^53 are usual.
const (
	firstOrder = 6_300_000_000_000_000_000
	orders     = 60
)

// webhook is an orders/* body: two units of one SKU at 50.00, referred by cyd.
func webhook(n, minute int, sku, status string) []byte {
	return fmt.Appendf(nil, `{"id":%d,"name":"#%d","created_at":"2026-10-01T10:00:00Z","processed_at":"2026-10-01T10:00:00Z",
"updated_at":"2026-10-01T10:%02d:00Z","cancelled_at":null,"test":false,"currency":"EUR","taxes_included":false,"financial_status":%q,
"note_attributes":[{"name":"upline_ref","value":"cyd"}],"discount_codes":[],"discount_applications":[],"customer":{"id":9000001},
"refunds":[],"current_subtotal_price":"100.00","line_items":[{"id":%d,"sku":%q,"quantity":2,"current_quantity":2,"gift_card":false,
"price":"50.00","discount_allocations":[],"tax_lines":[]}]}`, firstOrder+n, 1000+n, minute, status, firstOrder+1000+n, sku)
}

func (sh *shop) put(t testing.TB, key, topic string, body []byte) {
	t.Helper()
	_, err := sh.inbox.Put(context.WithoutCancel(t.Context()), order.Delivery{
		PlatformDeliveryID: key, ProgramID: "p1", StoreID: "s1", Platform: order.Shopify, Topic: topic, Body: body,
	})
	if err != nil {
		t.Error(err)
	}
}

// drained waits until every delivery has ended.
func (sh *shop) drained(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		waiting, _, err := sh.store.Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d deliveries still wait", waiting)
		}
	}
}

// earned sums the ledger per distributor, after all work has ended.
func (sh *shop) earned(t testing.TB) map[string]int64 {
	t.Helper()
	sh.drained(t)
	sources := make([]order.Source, orders)
	for n := range sources {
		sources[n] = order.Source{StoreID: "s1", PlatformOrderID: fmt.Sprint(firstOrder + n)}
	}
	out := map[string]int64{}
	err := sh.store.InTx(t.Context(), "p1", pipeline.Subject{Sources: sources}, func(books pipeline.Books) error {
		clear(out)
		for _, rec := range books.Sources() {
			for _, b := range rec.Posted {
				if b.Key.Kind == ledger.Earning {
					out[b.Key.DistributorID] += b.AmountMinor
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(out, func(_ string, sum int64) bool { return sum == 0 })
	return out
}

func TestSQLiteAHundredParallelCopiesMakeOneSet(t *testing.T) {
	t.Parallel()
	sh := openShop(t)
	sh.work(t, true)
	body := webhook(1, 0, "TEA", "paid")
	var puts sync.WaitGroup
	for i := range 100 {
		puts.Go(func() { sh.put(t, fmt.Sprint("w", i/2), "orders/paid", body) }) // Every copy comes twice under its id.
	}
	puts.Wait()
	if diff := cmp.Diff(map[string]int64{"cyd": 1000, "gold": 500, "top": 300}, sh.earned(t)); diff != "" {
		t.Error(diff)
	}
}

func TestSQLiteManyOrdersInAnyOrder(t *testing.T) {
	t.Parallel()
	sh := openShop(t)
	sh.work(t, true)
	var puts sync.WaitGroup
	for n := range orders {
		for minute, status := range []string{"paid", "pending", "paid"} {
			puts.Go(func() {
				sh.put(t, fmt.Sprint(n, "/", minute), "orders/updated", webhook(n, (minute+2)%3, "TEA", status))
			})
		}
	}
	puts.Wait()
	if diff := cmp.Diff(map[string]int64{"cyd": orders * 1000, "gold": orders * 500, "top": orders * 300}, sh.earned(t)); diff != "" {
		t.Error(diff)
	}
	for n := range orders {
		sh.put(t, fmt.Sprint(n, "/void"), "orders/updated", webhook(n, 9, "TEA", "voided"))
	}
	if diff := cmp.Diff(map[string]int64{}, sh.earned(t)); diff != "" {
		t.Errorf("after all were voided: %s", diff)
	}
}

func TestSQLiteAMappingReleasesWhatIsParked(t *testing.T) {
	t.Parallel()
	sh := openShop(t)
	sh.work(t, true)
	for n := range 20 {
		sh.put(t, fmt.Sprint(n), "orders/paid", webhook(n, 0, "NEW", "paid"))
	}
	if diff := cmp.Diff(map[string]int64{}, sh.earned(t)); diff != "" {
		t.Fatal(diff)
	}
	mapSKU(t, sh.store, "NEW")
	want := map[string]int64{"cyd": 20000, "gold": 10000, "top": 6000}
	for deadline := time.Now().Add(time.Minute); !cmp.Equal(want, sh.earned(t)); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never released: %v", sh.earned(t))
		}
	}
}

// BenchmarkSQLite is the whole way on the embedded database: each operation is a new order, made durable by 64
// senders at once, settled and committed.
func BenchmarkSQLite(b *testing.B) {
	sh := openShop(b)
	sh.work(b, true)
	b.ReportAllocs()
	b.ResetTimer()
	sh.putMany(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "stored/s")
	sh.drained(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "settled/s")
}

// BenchmarkSQLiteDrain settles a backlog, claimed from the database, that is there before the pipeline starts.
func BenchmarkSQLiteDrain(b *testing.B) {
	sh := openShop(b)
	sh.putMany(b)
	b.ResetTimer()
	sh.work(b, false)
	sh.drained(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "settled/s")
}

// putMany stores b.N new orders by 64 senders.
func (sh *shop) putMany(b *testing.B) {
	b.Helper()
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(n.Add(1))
			sh.put(b, fmt.Sprint(i), "orders/paid", webhook(i, 0, "TEA", "paid"))
		}
	})
}
