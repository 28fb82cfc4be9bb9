package storetest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/query"
)

func delivery(id, key, body string, at time.Time) inbox.Row {
	return inbox.Row{
		Delivery: order.Delivery{
			DeliveryID: id, PlatformDeliveryID: key, ProgramID: program, StoreID: shop,
			Platform: order.Shopify, Topic: "orders/paid", Headers: map[string]string{"x-topic": "orders/paid"}, ReceivedAt: at,
		},
		SealedBody: []byte("sealed " + body), BodySHA256: sha256.Sum256([]byte(body)), BodyBytes: len(body),
		Status: inbox.Waiting, DueAt: at,
	}
}

func (w *world) put(t *testing.T, rows ...inbox.Row) []inbox.PutResult {
	t.Helper()
	results, err := w.Store.PutDeliveries(w.ctx, rows)
	ok(t, err)
	return results
}

func (w *world) claim(t *testing.T, now time.Time, limit int) []inbox.Row {
	t.Helper()
	rows, err := w.Store.ClaimDeliveries(w.ctx, now, now.Add(time.Minute), limit)
	ok(t, err)
	return rows
}

func ids(rows []inbox.Row) []string {
	list := make([]string, len(rows))
	for i := range rows {
		list[i] = rows[i].DeliveryID
	}
	return list
}

func testPut(t *testing.T, w *world) {
	got := w.put(t, delivery("1", "k1", "one", begin), delivery("2", "k2", "two", begin))
	if diff := cmp.Diff([]inbox.PutResult{{DeliveryID: "1"}, {DeliveryID: "2"}}, got); diff != "" {
		t.Fatal(diff)
	}
	got = w.put(t, delivery("3", "k2", "two", begin), delivery("4", "k1", "another", begin), delivery("5", "k5", "five", begin))
	want := []inbox.PutResult{{DeliveryID: "2", Duplicate: true}, {DeliveryID: "1", Duplicate: true, Conflict: true}, {DeliveryID: "5"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("a repeat, a conflict and a new one: %s", diff)
	}
	other := delivery("6", "k1", "one", begin)
	other.ProgramID, other.StoreID = rival, rivalLot
	if got := w.put(t, other); got[0].Duplicate {
		t.Fatal("the same key of another store is a duplicate")
	}
	if n := w.count(t, `SELECT count(*) FROM inbox`); n != 4 {
		t.Fatalf("%d rows in the inbox, want 4", n)
	}
}

// testWaiting: word of deliveries finds those that nobody has taken up, and the first of a key is found without a writer.
func testWaiting(t *testing.T, w *world) {
	later := delivery("late", "k1", "one", begin)
	later.DueAt = begin.Add(time.Hour) // Word of it comes before the sweep.
	leased := delivery("leased", "k2", "two", begin)
	leased.LeaseUntil = begin.Add(time.Minute)
	w.put(t, later, leased, delivery("done", "k3", "three", begin), delivery("tried", "k4", "four", begin))
	ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{{DeliveryID: "done", Status: inbox.Done, Result: "ignored", At: begin}}))
	ok(t, w.Store.RetryDeliveries(w.ctx, []inbox.Retry{{DeliveryID: "tried", DueAt: begin.Add(time.Minute), Reason: "broken"}}))
	all := []string{"none", "tried", "done", "leased", "late"}
	for _, at := range []struct {
		now  time.Time
		want []string
	}{{begin, []string{"late"}}, {begin.Add(time.Minute), []string{"late", "leased"}}} {
		got, err := w.Store.WaitingDeliveries(w.ctx, at.now, all)
		ok(t, err)
		if diff := cmp.Diff(at.want, ids(got)); diff != "" {
			t.Errorf("waiting at %v: %s", at.now, diff)
		}
	}
	got, err := w.Store.WaitingDeliveries(w.ctx, begin, nil)
	if err != nil || len(got) != 0 {
		t.Errorf("word of nothing: %v, %v", got, err)
	}
	id, hash, found, err := w.Store.FirstDelivery(w.ctx, shop, "k3")
	if id != "done" || hash != sha256.Sum256([]byte("three")) || !found || err != nil {
		t.Errorf("first of k3: %q, %v, %v", id, found, err)
	}
	if _, _, found, err := w.Store.FirstDelivery(w.ctx, rivalLot, "k3"); found || err != nil {
		t.Errorf("first of another store: %v, %v", found, err)
	}
}

// testPutTogether: however many writers put the same key at once, there is one row and one first.
func testPutTogether(t *testing.T, w *world) {
	const writers = 64
	another := w.Another(t)
	results := make([]inbox.PutResult, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			s := []Store{w.Store, another}[i%2]
			rows := []inbox.Row{delivery(fmt.Sprint("id-", i), "same", "body", begin), delivery(fmt.Sprint("own-", i), fmt.Sprint("own-", i), "b", begin)}
			if i%3 == 0 {
				slices.Reverse(rows)
			}
			got, err := s.PutDeliveries(w.ctx, rows)
			if err != nil {
				t.Error(err)
				return
			}
			results[i] = got[slices.IndexFunc(rows, func(r inbox.Row) bool { return r.PlatformDeliveryID == "same" })]
		})
	}
	group.Wait()
	first := 0
	for _, r := range results {
		if !r.Duplicate {
			first++
		}
		if r.DeliveryID != results[0].DeliveryID || r.Conflict {
			t.Fatalf("%+v and %+v are of one delivery", r, results[0])
		}
	}
	if n := w.count(t, `SELECT count(*) FROM inbox WHERE platform_delivery_id = 'same'`); first != 1 || n != 1 {
		t.Fatalf("%d firsts and %d rows, want 1 and 1", first, n)
	}
	if n := w.count(t, `SELECT count(*) FROM inbox_state`); n != writers+1 {
		t.Fatalf("%d states, want %d", n, writers+1)
	}
}

func testPutTwiceInOne(t *testing.T, w *world) {
	got := w.put(t, delivery("1", "k", "one", begin), delivery("2", "k", "one", begin), delivery("3", "k", "other", begin))
	want := []inbox.PutResult{{DeliveryID: "1"}, {DeliveryID: "1", Duplicate: true}, {DeliveryID: "1", Duplicate: true, Conflict: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func testClaim(t *testing.T, w *world) {
	leased := delivery("leased", "k4", "leased", begin)
	leased.LeaseUntil = begin.Add(30 * time.Second)
	later := delivery("later", "k3", "later", begin)
	later.DueAt = begin.Add(time.Hour)
	w.put(t, delivery("b", "k2", "two", begin.Add(time.Second)), delivery("a", "k1", "one", begin), later, leased)
	now := begin.Add(2 * time.Second)
	got := w.claim(t, now, 10)
	want := delivery("a", "k1", "one", begin)
	want.LeaseUntil = now.Add(time.Minute)
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Fatalf("the oldest one as it was put, leased: %s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, ids(got)); diff != "" {
		t.Fatalf("claimed, the oldest first: %s", diff)
	}
	if again := w.claim(t, now, 10); len(again) != 0 {
		t.Fatalf("leased rows are claimed again: %v", ids(again))
	}
	if diff := cmp.Diff([]string{"leased"}, ids(w.claim(t, begin.Add(31*time.Second), 10))); diff != "" {
		t.Fatalf("only the lease given at arrival has run out: %s", diff)
	}
	if diff := cmp.Diff([]string{"a"}, ids(w.claim(t, now.Add(time.Minute), 1))); diff != "" {
		t.Fatalf("an expired lease is claimed again, the limit holds: %s", diff)
	}
	n, err := w.Store.ReleaseLeases(w.ctx)
	ok(t, err)
	if diff := cmp.Diff([]string{"a", "leased", "b"}, ids(w.claim(t, now.Add(time.Minute), 10))); diff != "" || n != 3 {
		t.Fatalf("%d leases given back: %s", n, diff)
	}
}

// testClaimApart: two processes that claim at once never get the same row.
func testClaimApart(t *testing.T, w *world) {
	const rows = 200
	var list []inbox.Row
	for i := range rows {
		list = append(list, delivery(fmt.Sprintf("%03d", i), strconv.Itoa(i), "b", begin))
	}
	w.put(t, list...)
	another := w.Another(t)
	var mu sync.Mutex
	seen := map[string]int{}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			s := []Store{w.Store, another}[i%2]
			for {
				got, err := s.ClaimDeliveries(w.ctx, begin, begin.Add(time.Minute), 7)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, id := range ids(got) {
					seen[id]++
				}
				done := len(got) == 0
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	group.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Fatalf("delivery %s was claimed %d times", id, n)
		}
	}
	if len(seen) != rows {
		t.Fatalf("%d of %d deliveries were claimed", len(seen), rows)
	}
}

func testRetry(t *testing.T, w *world) {
	w.put(t, delivery("a", "k1", "one", begin))
	w.claim(t, begin, 1)
	retry := []inbox.Retry{{DeliveryID: "a", DueAt: begin.Add(time.Hour), Reason: "the shop does not answer"}}
	ok(t, w.Store.RetryDeliveries(w.ctx, retry))
	if got := w.claim(t, begin.Add(59*time.Minute), 1); len(got) != 0 {
		t.Fatal("claimed before it is due")
	}
	got := w.claim(t, begin.Add(time.Hour), 1)
	if len(got) != 1 || got[0].Attempt != 1 || got[0].Reason != "the shop does not answer" {
		t.Fatalf("due again: %+v", got)
	}
	ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{{DeliveryID: "a", Status: inbox.Done, Result: "ignored", At: begin}}))
	ok(t, w.Store.RetryDeliveries(w.ctx, retry))
	if d, err := w.Store.Delivery(w.ctx, program, "a"); err != nil || d.Status != "done" || d.Attempt != 1 {
		t.Fatalf("a late retry changes what is done: %+v, %v", d, err)
	}
}

func testFinish(t *testing.T, w *world) {
	w.put(t, delivery("a", "k1", "one", begin), delivery("b", "k2", "two", begin))
	at := begin.Add(time.Second)
	ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{
		{DeliveryID: "a", Status: inbox.Done, Result: "ignored", At: at},
		{DeliveryID: "b", Status: inbox.Parked, Result: "malformed", Reason: "no JSON", At: at},
	}))
	ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{{DeliveryID: "a", Status: inbox.Parked, Result: "malformed", At: at}}))
	got, _, err := w.Store.Deliveries(w.ctx, program, query.DeliveryFilter{}, query.Page{})
	ok(t, err)
	type end struct{ id, status, result, reason string }
	var ends []end
	for _, d := range got {
		if d.SettledAt == nil || !d.SettledAt.Equal(at) {
			t.Fatalf("delivery %s ended at %v, want %v", d.DeliveryID, d.SettledAt, at)
		}
		ends = append(ends, end{d.DeliveryID, d.Status, d.Result, d.Reason})
	}
	want := []end{{"b", "parked", "malformed", "no JSON"}, {"a", "done", "ignored", ""}}
	if diff := cmp.Diff(want, ends, cmp.AllowUnexported(end{})); diff != "" {
		t.Fatal(diff)
	}
	if left := w.claim(t, at, 10); len(left) != 0 {
		t.Fatalf("finished deliveries are claimed: %v", ids(left))
	}
}

func testBacklog(t *testing.T, w *world) {
	n, oldest, err := w.Store.Backlog(w.ctx)
	if ok(t, err); n != 0 || !oldest.IsZero() {
		t.Fatalf("an empty inbox has %d waiting since %v", n, oldest)
	}
	w.put(t, delivery("a", "k1", "one", begin), delivery("b", "k2", "two", begin.Add(time.Second)))
	w.claim(t, begin, 1)
	if n, oldest, err = w.Store.Backlog(w.ctx); err != nil || n != 2 || !oldest.Equal(begin) {
		t.Fatalf("%d waiting since %v, %v; a leased one still waits", n, oldest, err)
	}
}

func testDropBodies(t *testing.T, w *world) {
	for i := range 5 {
		id := strconv.Itoa(i)
		w.put(t, delivery(id, id, "body", begin.Add(time.Duration(i)*time.Hour)))
		if i != 1 {
			ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{{DeliveryID: id, Status: inbox.Done, Result: "settled", At: begin}}))
		}
	}
	before := begin.Add(3 * time.Hour) // 0, 1 and 2 are older, 1 is not done
	for i, want := range []int64{1, 1, 0} {
		if w.BodiesApart {
			want = 0
		}
		if n, err := w.Store.DropBodies(w.ctx, before, 1); err != nil || n != want {
			t.Fatalf("call %d drops %d, %v; want %d", i, n, err, want)
		}
	}
	keep, want := 10*time.Hour, int64(0)
	if w.BodiesApart {
		want = 2
	}
	if n, err := w.Store.TurnBodies(w.ctx, before.Add(keep), keep); err != nil || n != want {
		t.Fatalf("of those that are apart it drops %d, %v; want %d", n, err, want)
	}
	if got := w.kept(t); got != "1 3 4" {
		t.Fatalf("the bodies of %s are kept, want 1 3 4", got)
	}
	if n := w.count(t, `SELECT count(*) FROM inbox WHERE length(body_sha256) = 32 AND body_bytes = 4`); n != 5 {
		t.Fatalf("%d rows have their hashes, want 5", n)
	}
}

// forgetBodies takes all bodies away.
func (w *world) forgetBodies(t *testing.T) {
	t.Helper()
	statements := []string{`UPDATE inbox SET sealed_body = NULL`}
	if w.BodiesApart {
		statements = append(statements, `DELETE FROM inbox_bodies`)
	}
	for _, statement := range statements {
		if _, err := w.Raw.ExecContext(w.ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
}

func testReplay(t *testing.T, w *world) {
	w.put(t, delivery("a", "k1", "one", begin), delivery("b", "k2", "two", begin))
	o := sale(source("1"), 1000)
	w.settle(t, w.Store, o, 1, map[string]int64{"ben": 50})
	for _, id := range []string{"a", "b"} {
		ok(t, w.Store.FinishDeliveries(w.ctx, []inbox.Finished{{DeliveryID: id, Status: inbox.Done, Result: "ignored", At: begin}}))
	}
	ok(t, w.Store.Replay(w.ctx, program, "a"))
	if diff := cmp.Diff([]string{"a"}, ids(w.claim(t, time.Now().Add(time.Hour), 10))); diff != "" {
		t.Fatalf("a replayed delivery waits again: %s", diff)
	}
	w.forgetBodies(t)
	wantCode(t, w.Store.Replay(w.ctx, program, "b"), server.Conflict)
	if _, err := w.Raw.ExecContext(w.ctx, `UPDATE inbox_state SET source = '`+o.Source.String()+`' WHERE delivery_id = 'b'`); err != nil {
		t.Fatal(err)
	}
	ok(t, w.Store.Replay(w.ctx, program, "b"))
	if diff := cmp.Diff([]string{"1"}, w.released(t)); diff != "" {
		t.Fatalf("without its body the order is settled again: %s", diff)
	}
	wantCode(t, w.Store.Replay(w.ctx, rival, "a"), server.NotFound)
}
