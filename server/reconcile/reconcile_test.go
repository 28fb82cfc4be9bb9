package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify/shopifytest"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/reconcile"
)

// TestLostWebhooksAreMended: of many orders some webhooks never came, some told an older state. One reconciliation finds every
// one of them, with the money that was missing, mends them, and the next finds nothing.
func TestLostWebhooksAreMended(t *testing.T) {
	t.Parallel()
	for name, count := range map[string]int{"by pages": 100, "by bulk": 300} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.sell(t, count)
			lost, stale := 0, 0
			for n := range count {
				switch {
				case n%20 == 7:
					lost++
				case n%100 == 99: // its refund was never told
					stale++
					w.deliver(t, fmt.Sprint("d", n), "orders/paid", strings2(body(n, false), n))
				default:
					w.deliver(t, fmt.Sprint("d", n), "orders/paid", body(n, false))
				}
			}
			looked := w.reconcile(t, day(false))
			if looked.Counts.Mended != 0 || w.puts.Load() != 0 {
				t.Fatalf("looking mended %d orders", looked.Counts.Mended)
			}
			mended := w.reconcile(t, day(true))
			for _, r := range []reconcile.Run{looked, mended} {
				c := r.Counts
				if int(c.Read) != count || int(c.Missing) != lost || int(c.Outdated) != stale || int(c.InStep) != count-lost-stale || c.Differing+c.Unsound+c.Unreadable != 0 {
					t.Errorf("figures: %+v, want %d lost and %d stale of %d", c, lost, stale, count)
				}
				if want := int64(lost*10000 - stale*5000); r.DeltaMinor != want {
					t.Errorf("the books lack %d, want %d", r.DeltaMinor, want)
				}
			}
			again := w.reconcile(t, day(true))
			if again.Counts.Mended != 0 || again.DeltaMinor != 0 || int(again.Counts.InStep) != count {
				t.Errorf("after mending: %+v, delta %d", again.Counts, again.DeltaMinor)
			}
			if got, want := w.earned(t), int64(count*1000-stale*500); got != want {
				t.Errorf("cyd has %d, want %d", got, want)
			}
			if bulk := slices.Contains(w.admin.Asked(), "StartBulk"); bulk != (count > 250) {
				t.Errorf("bulk: %v", bulk)
			}
			_, findings, err := w.store.Reconciliation(t.Context(), "p1", mended.RunID, 1000)
			must(t, err)
			if len(findings) != lost+stale {
				t.Errorf("%d findings are listed, want %d", len(findings), lost+stale)
			}
		})
	}
}

// strings2 makes a body a minute older, as it was before its refund.
func strings2(body []byte, n int) []byte {
	at := now.Add(-time.Hour).Add(time.Duration(n%1000) * time.Second)
	return []byte(strings.ReplaceAll(string(body), at.Format(time.RFC3339), at.Add(-time.Minute).Format(time.RFC3339)))
}

// TestABuyerIsNotLost: an order that is mended by reading it keeps the buyer that a webhook told.
func TestABuyerIsNotLost(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 100)
	w.deliver(t, "d", "orders/paid", strings2(body(99, false), 99))
	w.reconcile(t, day(true))
	if o := w.order(t, 99); o.BuyerID != "9000001" || o.NetMinor != 5000 || o.EarnedMinor != 500 {
		t.Errorf("buyer %q, net %d, earned %d", o.BuyerID, o.NetMinor, o.EarnedMinor)
	}
}

// TestHintsAreFetched: an edit, a bare refund and totals that do not agree park an order; reading it mends it, soon and without
// a reconciliation.
func TestHintsAreFetched(t *testing.T) {
	t.Parallel()
	updated := func(n int) string {
		return now.Add(-time.Hour).Add(time.Duration(n%1000) * time.Second).Format(time.RFC3339)
	}
	edit := fmt.Appendf(nil, `{"order_edit":{"id":1,"order_id":%d,"committed_at":%q}}`, firstOrder+1, updated(1))
	refund := fmt.Appendf(nil, `{"id":100,"order_id":%d,"created_at":%q,"refund_line_items":[{"line_item_id":100,"quantity":1,"subtotal":50.0,"total_tax":0.0}],"order_adjustments":[]}`,
		firstOrder+99, updated(99))
	stale := strings.Replace(string(body(2, false)), `"current_subtotal_price":"100.00"`, `"current_subtotal_price":"587.00"`, 1)
	for name, c := range map[string]struct {
		n      int
		topic  string
		body   []byte
		parked string
	}{
		"an edit":             {1, "orders/edited", edit, "order_missing"},
		"a bare refund":       {99, "refunds/create", refund, "order_missing"},
		"inconsistent totals": {2, "orders/paid", []byte(stale), "inconsistent_totals"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.sell(t, 100)
			w.deliver(t, "d", c.topic, c.body)
			if o := w.order(t, c.n); o.ReasonCode != c.parked {
				t.Fatalf("before: %s %s", o.Settlement, o.ReasonCode)
			}
			must(t, w.service.FetchWanted(t.Context(), time.Minute))
			if w.puts.Load() != 0 {
				t.Fatal("it was fetched before its own delivery had time")
			}
			w.offset.Add(int64(time.Minute))
			must(t, w.service.FetchWanted(t.Context(), time.Minute))
			want := int64(10000)
			if c.n == 99 {
				want = 5000
			}
			if o := w.order(t, c.n); o.Settlement != "settled" || o.NetMinor != want || o.EarnedMinor != want/10 {
				t.Errorf("after: %s %s net %d earned %d", o.Settlement, o.Reason, o.NetMinor, o.EarnedMinor)
			}
			before := len(w.admin.Asked())
			must(t, w.service.FetchWanted(t.Context(), time.Minute))
			if len(w.admin.Asked()) != before {
				t.Error("what is mended is read again")
			}
		})
	}
}

// TestWhatStaysParkedIsReadLessAndLess: an order whose figures never agree is read a few times and then left to people; a shop
// that does not answer costs an attempt and nothing else.
func TestWhatStaysParkedIsReadLessAndLess(t *testing.T) {
	t.Parallel()
	w := open(t)
	wrong := strings.Replace(string(body(0, false)), `"current_subtotal_price":"100.00"`, `"current_subtotal_price":"587.00"`, 1)
	object, err := shopifytest.FromWebhook([]byte(wrong))
	must(t, err)
	w.admin.PutOrder(object)
	w.deliver(t, "d", "orders/paid", []byte(wrong))
	w.drained(t)
	w.admin.FailNext(shopifytest.Answer(http.StatusForbidden, ""))
	for range 100 { // turns of four hours
		w.offset.Add(int64(4 * time.Hour))
		must(t, w.service.FetchWanted(t.Context(), time.Minute))
		w.drained(t)
	}
	if asked := len(w.admin.Asked()); asked < 4 || asked > 20 {
		t.Errorf("the order was read %d times in 400 hours", asked)
	}
	if o := w.order(t, 0); o.ReasonCode != "inconsistent_totals" || !strings.Contains(o.Reason, "58700") {
		t.Errorf("it shows %s: %s", o.ReasonCode, o.Reason)
	}
}

// TestDisputed: a dispute takes nothing by itself. The order is read anew, and what it says then counts: here a refund whose own
// webhook was lost; for an order without one, nothing changes.
func TestDisputed(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 100) // the last one was partly refunded
	w.deliver(t, "o1", "orders/paid", body(1, false))
	w.deliver(t, "o99", "orders/paid", body(99, false))
	if got := w.earned(t); got != 2000 {
		t.Fatalf("earned %d before", got)
	}
	for _, n := range []int{1, 99} {
		for _, status := range []string{"needs_response", "lost"} {
			told := fmt.Appendf(nil, `{"id":%d,"order_id":%d,"type":"chargeback","amount":"100.00","currency":"EUR","reason":"fraudulent","status":%q}`, n, firstOrder+n, status)
			w.deliver(t, fmt.Sprintf("d%d%s", n, status), "disputes/update", told)
		}
	}
	if got := w.earned(t); got != 2000 || w.puts.Load() != 0 {
		t.Fatalf("the dispute alone: earned %d, %d orders read", got, w.puts.Load())
	}
	w.offset.Add(int64(time.Hour))
	for range 2 {
		must(t, w.service.FetchWanted(t.Context(), time.Minute))
	}
	if got := w.earned(t); got != 1500 || w.puts.Load() != 2 {
		t.Errorf("after the reading: earned %d, %d orders read", got, w.puts.Load())
	}
	log, _, err := w.store.AuditLog(t.Context(), "p1", query.AuditFilter{}, query.Page{Limit: 50})
	must(t, err)
	if !slices.ContainsFunc(log, func(a query.Audited) bool {
		return a.Action == "order.touched" && a.Subject == fmt.Sprintf("s1/%d", firstOrder+1) && strings.Contains(a.Detail, "is lost")
	}) {
		t.Errorf("the audit log does not tell: %+v", log)
	}
}

// TestBuyerToldLater: an order that was only fetched names no buyer. Once a webhook does, it pays the one whose customer they
// are, and an order that was a distributor's own takes back what it paid.
func TestBuyerToldLater(t *testing.T) {
	t.Parallel()
	w := open(t)
	told := func(n int, referred bool, customer string, seconds int) []byte {
		text := strings.ReplaceAll(string(body(n, false)), `"customer":{"id":9000001}`, `"customer":{"id":`+customer+`}`)
		if !referred {
			text = strings.Replace(text, `"note_attributes":[{"name":"upline_ref","value":"cyd"}]`, `"note_attributes":[]`, 1)
		}
		at := now.Add(-time.Hour).Add(time.Duration(n) * time.Second)
		return []byte(strings.Replace(text, `"updated_at":"`+at.Format(time.RFC3339), `"updated_at":"`+at.Add(time.Duration(seconds)*time.Second).Format(time.RFC3339), 1))
	}
	_, err := w.store.PutBindings(t.Context(), "p1", []admin.Binding{{StoreID: "s1", CustomerID: "9000002", Kind: order.SelfBinding, DistributorID: "cyd"}}, now.AddDate(0, -1, 0), true)
	must(t, err)
	w.deliver(t, "first", "orders/paid", body(1, false)) // makes 9000001 a customer of cyd's
	for n, referred := range map[int]bool{2: false, 3: true} {
		object, err := shopifytest.FromWebhook(told(n, referred, "null", 0))
		must(t, err)
		w.admin.PutOrder(object)
	}
	if got := w.earned(t); got != 1000 {
		t.Fatalf("earned %d by the first order", got)
	}
	w.reconcile(t, day(true))
	if got := []int64{w.order(t, 2).EarnedMinor, w.order(t, 3).EarnedMinor}; !slices.Equal(got, []int64{0, 1000}) {
		t.Fatalf("while nobody told who bought, they earn %d", got)
	}
	for round := range 2 {
		w.deliver(t, fmt.Sprint("second", round), "orders/updated", told(2, false, "9000001", 5))
		w.deliver(t, fmt.Sprint("third", round), "orders/updated", told(3, true, "9000002", 5))
		if got := []int64{w.order(t, 2).EarnedMinor, w.order(t, 3).EarnedMinor}; !slices.Equal(got, []int64{1000, 0}) {
			t.Errorf("once the buyers are told, they earn %d", got)
		}
		w.reconcile(t, day(true)) // and what is fetched afterwards does not take it away
	}
}

// TestGoneAndAway: a hinted order that does not exist is asked for once; a shop that is not connected is left alone.
func TestGoneAndAway(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 1)
	w.deliver(t, "d", "orders/edited", fmt.Appendf(nil, `{"order_edit":{"id":1,"order_id":77,"committed_at":"2026-11-27T08:00:00Z"}}`))
	w.drained(t)
	w.offset.Add(int64(time.Hour))
	for range 3 {
		must(t, w.service.FetchWanted(t.Context(), time.Minute))
		w.offset.Add(int64(24 * time.Hour))
	}
	if len(w.admin.Asked()) != 1 {
		t.Errorf("a gone order was asked for: %v", w.admin.Asked())
	}
	w.away.Store(true)
	must(t, w.service.FetchWanted(t.Context(), time.Minute))
	must(t, w.service.ReconcileDue(t.Context(), reconcile.Schedule{}))
	r, err := w.service.Reconcile(t.Context(), day(true), func(reconcile.Run) {})
	if !errors.Is(err, reconcile.ErrNoReader) || r.State != reconcile.Failed || !strings.Contains(r.Detail, "Connect") {
		t.Errorf("a shop that is not connected: %v, %+v", err, r)
	}
}

// TestAKilledRunIsTakenUpAgain: the process dies in the middle of a bulk reconciliation. Another takes it up, on the same bulk
// operation, and all is mended once.
func TestAKilledRunIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 500)
	ctx, kill := context.WithCancel(t.Context())
	_, err := w.service.Reconcile(ctx, day(true), func(r reconcile.Run) {
		if r.Counts.Mended >= 200 {
			kill()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the run ended with %v", err)
	}
	w.drained(t)
	first := w.puts.Load()
	must(t, w.service.ReconcileDue(t.Context(), reconcile.Schedule{}))
	if w.puts.Load() != first {
		t.Fatal("a run whose heartbeat is fresh was taken over")
	}
	w.offset.Add(int64(3 * time.Minute))
	must(t, w.service.ReconcileDue(t.Context(), reconcile.Schedule{}))
	w.drained(t)
	runs, err := w.store.Reconciliations(t.Context(), "p1", "s1", 10)
	must(t, err)
	if len(runs) != 1 || runs[0].State != reconcile.Done || runs[0].Counts.Read != 500 || runs[0].Counts.Mended != 500-first {
		t.Errorf("runs: %+v after %d", runs, first)
	}
	if started := count(w.admin.Asked(), "StartBulk"); started != 1 {
		t.Errorf("%d bulk operations were started", started)
	}
	if r := w.reconcile(t, day(false)); int(r.Counts.InStep) != 500 {
		t.Errorf("after: %+v", r.Counts)
	}
}

func count(list []string, name string) (n int) {
	for _, s := range list {
		if s == name {
			n++
		}
	}
	return n
}

// TestSchedule: stores are reconciled when they are due, each time from where the last one reached, with an overlap; a failure
// moves nothing.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 10)
	schedule := reconcile.Schedule{Every: 6 * time.Hour, Overlap: time.Hour, Settle: 10 * time.Minute, First: 30 * 24 * time.Hour}
	reached := func() time.Time {
		targets, err := w.store.ReconcileTargets(t.Context(), "p1")
		must(t, err)
		return targets[0].ReachedAt
	}
	w.admin.FailNext(shopifytest.Answer(http.StatusForbidden, ""))
	if err := w.service.ReconcileDue(t.Context(), schedule); err == nil || !reached().IsZero() {
		t.Fatalf("a failed run: %v, reached %s", err, reached())
	}
	w.offset.Add(int64(6 * time.Hour))
	want, parts := w.clock(), 0                     // what was changed just before a store is connected comes with the rest, and not hours later
	for at := reached(); at.Before(want); parts++ { // a part each time, whoever died meanwhile
		must(t, w.service.ReconcileDue(t.Context(), schedule))
		if !reached().After(at) {
			t.Fatalf("after %d parts it does not go on from %s", parts, at)
		}
		at = reached()
	}
	w.drained(t)
	if !reached().Equal(want) || w.puts.Load() != 10 || parts < 3 || parts > 6 {
		t.Fatalf("reached %s, want %s, in %d parts; %d mended", reached(), want, parts, w.puts.Load())
	}
	must(t, w.service.ReconcileDue(t.Context(), schedule)) // not due
	w.offset.Add(int64(6 * time.Hour))
	before, until := reached(), w.clock().Add(-10*time.Minute)
	must(t, w.service.ReconcileDue(t.Context(), schedule))
	runs, err := w.store.Reconciliations(t.Context(), "p1", "s1", 10)
	must(t, err)
	if len(runs) != parts+2 || !runs[0].From.Equal(before.Add(-time.Hour)) || !runs[0].To.Equal(until) ||
		runs[parts+1].State != reconcile.Failed || w.puts.Load() != 10 {
		t.Errorf("runs: %+v", runs)
	}
}

// endless is a shop with so many orders that its first reconciliation goes on until the test has seen enough.
type endless struct {
	adapters.Reader
	enough func() bool
}

func (e endless) Changed(ctx context.Context, _, _ time.Time, yield func(adapters.Fetched) error) error {
	for n := 0; !e.enough() && ctx.Err() == nil; n++ {
		if err := yield(adapters.Fetched{PlatformOrderID: fmt.Sprint(n), Body: []byte("{}")}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// byStore gives each store its reader.
type byStore map[string]adapters.Reader

func (b byStore) Reader(_ context.Context, t reconcile.Target) (adapters.Reader, error) {
	return b[t.StoreID], nil
}

// TestALargeStoreHoldsNobodyUp: while the orders of large new stores are read, more of them than may be read at once, a store that
// was reconciled before is reconciled as it becomes due.
func TestALargeStoreHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 10)
	small, err := w.reader(t)()
	must(t, err)
	must(t, w.store.MarkReconciled(t.Context(), "p1", "s1", now.Add(-7*time.Hour)))
	reached := func() bool {
		targets, err := w.store.ReconcileTargets(context.WithoutCancel(t.Context()), "p1")
		must(t, err)
		i := slices.IndexFunc(targets, func(target reconcile.Target) bool { return target.StoreID == "s1" })
		return targets[i].ReachedAt.Equal(now.Add(-10 * time.Minute))
	}
	var done atomic.Bool
	shops := byStore{"s1": small}
	for n := range 20 {
		id := fmt.Sprintf("large%02d", n) // sorted before the small one
		must(t, w.store.CreateStore(t.Context(), admin.Store{StoreID: id, ProgramID: "p1", Platform: order.Shopify, Domain: id + ".myshopify.com", Currency: "EUR"}))
		shops[id] = endless{enough: done.Load}
	}
	w.service.Readers = shops
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { w.service.Work(ctx, reconcile.Schedule{}) })
	for deadline := time.Now().Add(3 * time.Minute); !reached(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("the small store waits for the large ones")
			break
		}
	}
	runs, err := w.store.Reconciliations(t.Context(), "p1", "", 100)
	must(t, err)
	large := 0
	for _, r := range runs {
		if r.StoreID != "s1" && r.State == reconcile.Running {
			large++
		}
	}
	done.Store(true)
	stop()
	working.Wait()
	if large == 0 {
		t.Error("no large store was under way meanwhile")
	}
}

// TestQueued: a run that somebody asked for is carried out by the server's own work.
func TestQueued(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 3)
	r, err := w.service.Queue(t.Context(), day(true))
	must(t, err)
	if w.puts.Load() != 0 || r.State != reconcile.Running {
		t.Fatalf("queueing did something: %+v", r)
	}
	must(t, w.service.ReconcileDue(t.Context(), reconcile.Schedule{}))
	w.drained(t)
	done, _, err := w.store.Reconciliation(t.Context(), "p1", r.RunID, 10)
	must(t, err)
	if done.State != reconcile.Done || done.Counts.Mended != 3 || done.Scheduled {
		t.Errorf("the queued run: %+v", done)
	}
}

// TestOnlyAsked: a server that reconciles nothing by itself carries out what it is asked for.
func TestOnlyAsked(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.sell(t, 3)
	asked := reconcile.Schedule{OnlyAsked: true}
	must(t, w.service.ReconcileDue(t.Context(), asked))
	if runs, err := w.store.Reconciliations(t.Context(), "p1", "", 10); err != nil || len(runs) != 0 {
		t.Fatalf("it reconciled by itself: %+v, %v", runs, err)
	}
	r, err := w.service.Queue(t.Context(), day(true))
	must(t, err)
	must(t, w.service.ReconcileDue(t.Context(), asked))
	w.drained(t)
	runs, err := w.store.Reconciliations(t.Context(), "p1", "", 10)
	must(t, err)
	if len(runs) != 1 || runs[0].RunID != r.RunID || runs[0].State != reconcile.Done || runs[0].Counts.Mended != 3 {
		t.Errorf("the runs: %+v", runs)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := open(t)
	for name, c := range map[string]struct {
		change func(*reconcile.Request)
		code   server.Code
	}{
		"backwards":       {func(q *reconcile.Request) { q.From, q.To = q.To, q.From }, server.Invalid},
		"empty":           {func(q *reconcile.Request) { q.From = q.To }, server.Invalid},
		"a century":       {func(q *reconcile.Request) { q.From = now.AddDate(-100, 0, 0) }, server.Invalid},
		"the future":      {func(q *reconcile.Request) { q.To = now.Add(time.Hour) }, server.Invalid},
		"no store":        {func(q *reconcile.Request) { q.StoreID = "s2" }, server.NotFound},
		"another's store": {func(q *reconcile.Request) { q.Program = "p2" }, server.NotFound},
	} {
		q := day(true)
		c.change(&q)
		if _, err := w.service.Reconcile(t.Context(), q, func(reconcile.Run) {}); server.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if runs, err := w.store.Reconciliations(t.Context(), "p1", "", 10); err != nil || len(runs) != 0 {
		t.Errorf("%d runs were stored: %v", len(runs), err)
	}
}
