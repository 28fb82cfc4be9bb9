package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/reconcile"
)

// reconciliations are the tests of what reconciliation asks of a database.
var reconciliations = map[string]func(*testing.T, *world){
	"reconcile/runs":   testReconciliations,
	"reconcile/orders": testKnownOrders,
	"reconcile/wanted": testWantedOrders,
	"reconcile/wishes": testWishes,
	"reconcile/marks":  testReconciliationMarks,
}

// testReconciliations: a run is stored as it proceeds, found again, and taken over by one process alone.
func testReconciliations(t *testing.T, w *world) {
	want := reconcile.Run{
		RunID: "r1", ProgramID: program, StoreID: shop, From: begin.Add(-time.Hour), To: begin, Mend: true, Scheduled: true,
		State: reconcile.Running, Currency: "EUR", Counts: reconcile.Counts{Read: 7, Missing: 2, KnownMinor: 100}, DeltaMinor: 55,
		StartedAt: begin, HeartbeatAt: begin,
	}
	found := []reconcile.Finding{
		{OrderID: shop + "/1", Kind: reconcile.Missing, ToldMinor: 55, Currency: "EUR", Detail: "d", FoundAt: begin},
		{OrderID: shop + "/2", Kind: reconcile.Outdated, KnownMinor: 100, ToldMinor: 90, Currency: "EUR", Detail: "e", FoundAt: begin},
	}
	for range 2 { // writing twice is writing once
		ok(t, w.Store.PutReconciliation(w.ctx, want, found))
	}
	got, list, err := w.Store.Reconciliation(w.ctx, program, "r1", 10)
	ok(t, err)
	if diff := cmp.Diff(want, got) + cmp.Diff(found, list); diff != "" {
		t.Fatalf("as read: %s", diff)
	}
	taken, err := w.Store.TakeReconciliation(w.ctx, want, begin.Add(time.Minute))
	if ok(t, err); !taken {
		t.Fatal("a dead run cannot be taken over")
	}
	taken, err = w.Store.TakeReconciliation(w.ctx, want, begin.Add(2*time.Minute))
	if ok(t, err); taken {
		t.Fatal("a run is taken over twice")
	}
	at := begin.Add(time.Hour)
	want.State, want.FinishedAt, want.HeartbeatAt, want.Detail = reconcile.Failed, &at, at, "why"
	ok(t, w.Store.PutReconciliation(w.ctx, want, nil))
	second := want
	second.RunID, second.State = "r2", reconcile.Done
	ok(t, w.Store.PutReconciliation(w.ctx, second, nil))
	runs, err := w.Store.Reconciliations(w.ctx, program, shop, 10)
	ok(t, err)
	if diff := cmp.Diff([]reconcile.Run{second, want}, runs); diff != "" {
		t.Fatalf("the list: %s", diff)
	}
	if runs, err = w.Store.Reconciliations(w.ctx, program, "", 1); err != nil || len(runs) != 1 {
		t.Fatalf("the list of all stores: %d, %v", len(runs), err)
	}
	if runs, err = w.Store.Reconciliations(w.ctx, rival, "", 10); err != nil || len(runs) != 0 {
		t.Fatalf("another program sees %d runs, %v", len(runs), err)
	}
	_, _, err = w.Store.Reconciliation(w.ctx, rival, "r1", 10)
	wantCode(t, err, server.NotFound)
}

// testKnownOrders: orders come back with their states; unknown ones and those of another program do not.
func testKnownOrders(t *testing.T, w *world) {
	o := sale(source("1"), 1000)
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
	w.park(t, sale(source("2"), 500), pipeline.ReasonUnmappedSKU, "sku:shopify:TEA")
	asked := []order.Source{source("1"), source("2"), source("3")}
	known, err := w.Store.KnownOrders(w.ctx, program, asked)
	ok(t, err)
	state, _ := stateOf(t, o, 1)
	if diff := cmp.Diff(reconcile.Known{State: state}, known[source("1")]); diff != "" || len(known) != 2 || !known[source("2")].Parked {
		t.Fatalf("%d known, the first: %s", len(known), diff)
	}
	if known, err = w.Store.KnownOrders(w.ctx, rival, asked); err != nil || len(known) != 0 {
		t.Fatalf("another program knows %d orders, %v", len(known), err)
	}
	if known, err = w.Store.KnownOrders(w.ctx, program, nil); err != nil || len(known) != 0 {
		t.Fatalf("of no orders %d are known, %v", len(known), err)
	}
}

// testWantedOrders: parked orders that a reading may mend are due once, then again after their time, and at once when they change.
func testWantedOrders(t *testing.T, w *world) {
	w.park(t, sale(source("1"), 500), pipeline.ReasonInconsistentTotals)
	w.park(t, sale(source("2"), 500), pipeline.ReasonUnmappedSKU, "sku:shopify:TEA")
	w.settle(t, w.Store, sale(source("3"), 1000), 1, map[string]int64{"ben": 50})
	later := begin.AddDate(1, 0, 0)
	wanted := func(stores []string, toldBefore, now time.Time) []reconcile.Want {
		t.Helper()
		list, err := w.Store.WantedOrders(w.ctx, program, stores, toldBefore, now, 10)
		ok(t, err)
		return list
	}
	list := wanted([]string{shop, rivalLot}, later, later)
	if len(list) != 1 || list[0].Source != source("1") || list[0].Attempt != 0 || list[0].Platform != order.Shopify {
		t.Fatalf("wanted: %+v", list)
	}
	if list := wanted([]string{rivalLot}, later, later); len(list) != 0 {
		t.Fatalf("wanted of another store: %+v", list)
	}
	if list := wanted([]string{shop}, time.UnixMicro(1), later); len(list) != 0 {
		t.Fatalf("wanted before its own delivery had time: %+v", list)
	}
	fetch := reconcile.Fetch{Want: list[0], DueAt: later, Outcome: "fetched", FetchedAt: begin}
	fetch.Attempt = 1
	for range 2 {
		ok(t, w.Store.PutFetches(w.ctx, program, []reconcile.Fetch{fetch}))
	}
	if list := wanted([]string{shop}, later, later.Add(-time.Second)); len(list) != 0 {
		t.Fatalf("wanted again too soon: %+v", list)
	}
	if list := wanted([]string{shop}, later, later); len(list) != 1 || list[0].Attempt != 1 {
		t.Fatalf("wanted again: %+v", list)
	}
	w.park(t, sale(source("1"), 600), pipeline.ReasonOrderStale)
	if list := wanted([]string{shop}, later, begin); len(list) != 1 || list[0].Attempt != 0 {
		t.Fatalf("wanted after a change: %+v", list)
	}
}

// testReconciliationMarks: a store's mark is moved forward alone.
func testReconciliationMarks(t *testing.T, w *world) {
	for i, minutes := range []int{10, 20, 15} {
		ok(t, w.Store.MarkReconciled(w.ctx, program, shop, begin.Add(time.Duration(minutes)*time.Minute)))
		targets, err := w.Store.ReconcileTargets(w.ctx, program)
		ok(t, err)
		want := begin.Add(time.Duration([]int{10, 20, 20}[i]) * time.Minute)
		if len(targets) != 1 || targets[0].StoreID != shop || !targets[0].ReachedAt.Equal(want) || targets[0].Currency != "EUR" {
			t.Fatalf("after %s minutes: %+v", strconv.Itoa(minutes), targets)
		}
	}
	targets, err := w.Store.ReconcileTargets(w.ctx, "")
	if ok(t, err); len(targets) != 2 {
		t.Fatalf("%d stores of all programs", len(targets))
	}
}

// testWishes: an order that somebody wishes to be read is wanted whether it is known or not, until it was read after the wish.
func testWishes(t *testing.T, w *world) {
	w.settle(t, w.Store, sale(source("1"), 1000), 1, map[string]int64{"ben": 50})
	later := begin.AddDate(1, 0, 0)
	wanted := func(prog string, stores []string, before, now time.Time) []reconcile.Want {
		t.Helper()
		list, err := w.Store.WantedOrders(w.ctx, prog, stores, before, now, 10)
		ok(t, err)
		return list
	}
	for range 2 { // writing twice is writing once
		ok(t, w.Store.WishOrder(w.ctx, program, source("1"), "dispute 1 is lost", begin))
	}
	ok(t, w.Store.WishOrder(w.ctx, program, source("9"), "of an order that nobody told", begin.Add(time.Second)))
	want := []reconcile.Want{
		{Source: source("1"), Platform: order.Shopify, Wished: true}, {Source: source("9"), Platform: order.Shopify, Wished: true},
	}
	if diff := cmp.Diff(want, wanted(program, []string{shop}, later, later)); diff != "" {
		t.Fatalf("wished: %s", diff)
	}
	if list := wanted(program, []string{shop}, begin, later); len(list) != 1 {
		t.Fatalf("wished before the order's own delivery had time: %+v", list)
	}
	if list := wanted(rival, []string{shop, rivalLot}, later, later); len(list) != 0 {
		t.Fatalf("another program reads %+v", list)
	}
	failed := reconcile.Fetch{Want: want[0], Outcome: reconcile.FetchFailed, FetchedAt: begin.Add(time.Minute), DueAt: begin.Add(time.Hour)}
	failed.Attempt = 1
	ok(t, w.Store.PutFetches(w.ctx, program, []reconcile.Fetch{failed}))
	if list := wanted(program, []string{shop}, later, begin.Add(time.Hour-time.Second)); len(list) != 1 || list[0].Source != source("9") {
		t.Fatalf("wished again too soon: %+v", list)
	}
	if list := wanted(program, []string{shop}, later, later); len(list) != 2 || list[0].Attempt != 1 {
		t.Fatalf("a reading that failed is forgotten: %+v", list)
	}
	read := reconcile.Fetch{Want: want[0], Outcome: reconcile.FetchDone, FetchedAt: begin.Add(-time.Second), DueAt: later}
	ok(t, w.Store.PutFetches(w.ctx, program, []reconcile.Fetch{read}))
	if list := wanted(program, []string{shop}, later, later); len(list) != 2 {
		t.Fatalf("a wish of after the reading is gone: %+v", list)
	}
	read.FetchedAt = begin.Add(2 * time.Hour)
	gone := reconcile.Fetch{Want: want[1], Outcome: reconcile.FetchGone, FetchedAt: begin.Add(2 * time.Hour), DueAt: later}
	for range 2 {
		ok(t, w.Store.PutFetches(w.ctx, program, []reconcile.Fetch{read, gone}))
	}
	if list := wanted(program, []string{shop}, later, later); len(list) != 0 {
		t.Fatalf("wished after the reading: %+v", list)
	}
	ok(t, w.Store.WishOrder(w.ctx, program, source("1"), "dispute 1 is won", begin.Add(3*time.Hour)))
	ok(t, w.Store.WishOrder(w.ctx, program, source("1"), "told late", begin))
	if list := wanted(program, []string{shop}, later, later); len(list) != 1 || list[0].Attempt != 0 {
		t.Fatalf("wished anew: %+v", list)
	}
}
