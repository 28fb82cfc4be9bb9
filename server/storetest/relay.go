package storetest

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/server"
)

// testPosition: one relay at a time reads for a reader; whoever takes over goes on where the last one was.
func testPosition(t *testing.T, w *world) {
	lease := func(owner string, now time.Time) (int64, bool) {
		t.Helper()
		sequence, leased, err := w.Store.LeasePosition(w.ctx, program, "bus", owner, now, now.Add(time.Minute))
		ok(t, err)
		return sequence, leased
	}
	var alone atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, leased, err := w.Store.LeasePosition(w.ctx, program, "race", string(rune('a'+i)), begin, begin.Add(time.Minute)); err != nil {
				t.Errorf("lease: %v", err)
			} else if leased {
				alone.Add(1)
			}
		})
	}
	all.Wait()
	if alone.Load() != 1 {
		t.Errorf("%d of 8 read at once, want 1", alone.Load())
	}
	if at, leased := lease("one", begin); at != 0 || !leased {
		t.Fatalf("the first lease: %d, %v", at, leased)
	}
	ok(t, w.Store.MovePosition(w.ctx, program, "bus", "one", 7))
	ok(t, w.Store.MovePosition(w.ctx, program, "bus", "one", 5)) // Never back.
	if at, leased := lease("one", begin.Add(time.Second)); at != 7 || !leased {
		t.Errorf("its own lease anew: %d, %v; want 7", at, leased)
	}
	if _, leased := lease("two", begin.Add(30*time.Second)); leased {
		t.Error("two relays read at once")
	}
	wantCode(t, w.Store.MovePosition(w.ctx, program, "bus", "two", 9), server.Conflict)
	if at, leased := lease("two", begin.Add(61*time.Second)); at != 7 || !leased {
		t.Errorf("after the lease was over: %d, %v; want 7", at, leased)
	}
	wantCode(t, w.Store.MovePosition(w.ctx, program, "bus", "one", 9), server.Conflict)
	wantCode(t, w.Store.MovePosition(w.ctx, "rival", "bus", "two", 9), server.Conflict)
}

// testTrim: rows go when they are old enough and every reader has had them; the next one still gets the next sequence.
func testTrim(t *testing.T, w *world) {
	w.withFacts(t)
	for n := range 4 {
		w.settle(t, w.Store, sale(source(string(rune('1'+n))), 1000), 1, map[string]int64{"ann": 100})
	}
	later := time.Now().Add(time.Hour)
	trim := func(before time.Time, limit int, want int64) {
		t.Helper()
		dropped, err := w.Store.TrimOutbox(w.ctx, program, before, limit)
		if ok(t, err); dropped != want {
			t.Fatalf("%d rows were dropped, want %d", dropped, want)
		}
	}
	trim(later, 100, 0) // Nobody has read anything.
	for reader, at := range map[string]int64{"bus": 3, "hooks": 2} {
		_, leased, err := w.Store.LeasePosition(w.ctx, program, reader, "one", begin, begin.Add(time.Minute))
		if ok(t, err); !leased {
			t.Fatal("not leased")
		}
		ok(t, w.Store.MovePosition(w.ctx, program, reader, "one", at))
	}
	trim(time.UnixMicro(1), 100, 0)
	trim(later, 1, 1)
	trim(later, 100, 1)
	trim(later, 100, 0)
	w.settle(t, w.Store, sale(source("9"), 1000), 1, map[string]int64{"ann": 100})
	rows, err := w.Store.Outbox(w.ctx, program, 0, 10)
	ok(t, err)
	var sequences []int64
	for _, row := range rows {
		sequences = append(sequences, row.Sequence)
	}
	if !slices.Equal(sequences, []int64{3, 4, 5}) {
		t.Errorf("what is left: %v, want 3, 4, 5", sequences)
	}
}
