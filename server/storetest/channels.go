package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server"
	"upline.dev/upline/server/channel"
)

// channels are the tests of what is kept of stores' plugins, by name.
var channels = map[string]func(*testing.T, *world){
	"channels/claimed":   testChannels,
	"channels/one nonce": testNonces,
	"channels/balances":  testBalances,
}

// testChannels: a store connected again keeps its identity key; a heartbeat is the last one.
func testChannels(t *testing.T, w *world) {
	_, err := w.Store.Channel(w.ctx, shop)
	wantCode(t, err, server.NotFound)
	c := channel.Channel{StoreID: shop, ProgramID: program, SealedIdentityKey: []byte("key"), LinkRole: "viewer", ClaimedAt: begin}
	ok(t, w.Store.PutChannel(w.ctx, &c))
	again := c
	again.SealedIdentityKey, again.LinkRole, again.ClaimedAt = []byte("another"), "", begin.Add(time.Hour)
	ok(t, w.Store.PutChannel(w.ctx, &again))
	ok(t, w.Store.PutHeartbeat(w.ctx, program, shop, begin.Add(2*time.Hour), []byte(`{"queue_depth":1}`)))
	ok(t, w.Store.PutHeartbeat(w.ctx, "rival", shop, begin.Add(3*time.Hour), []byte(`{}`))) // not theirs
	want := again
	want.SealedIdentityKey, want.HeartbeatAt, want.Heartbeat = c.SealedIdentityKey, begin.Add(2*time.Hour), []byte(`{"queue_depth":1}`)
	list, err := w.Store.Channels(w.ctx, program)
	ok(t, err)
	if diff := cmp.Diff([]channel.Channel{want}, list); diff != "" {
		t.Error(diff)
	}
}

// testNonces: of many who bring one id, one is heard; after its time it may come again.
func testNonces(t *testing.T, w *world) {
	var fresh atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			first, err := w.Store.UseNonce(w.ctx, program, shop, "n", begin, begin.Add(time.Minute))
			if err != nil {
				t.Errorf("use a nonce: %v", err)
			}
			if first {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if fresh.Load() != 1 {
		t.Errorf("%d of 8 were heard, want 1", fresh.Load())
	}
	for after, want := range map[time.Duration]bool{30 * time.Second: false, 2 * time.Minute: true} {
		if first, err := w.Store.UseNonce(w.ctx, program, shop, "n", begin.Add(after), begin.Add(time.Hour)); err != nil || first != want && after == 30*time.Second {
			t.Errorf("after %s: %v, %v", after, first, err)
		}
	}
}

// testBalances: what is posted is pending until it matures, and what was taken back is told apart.
func testBalances(t *testing.T, w *world) {
	kept, returned := sale(source("1"), 1000), sale(source("2"), 1000)
	w.settle(t, w.Store, kept, 1, map[string]int64{"ben": 50, "ann": 20})
	w.settle(t, w.Store, returned, 1, map[string]int64{"ben": 70})
	w.settle(t, w.Store, returned, 2, map[string]int64{})
	w.settle(t, w.Store, kept, 2, map[string]int64{"ben": 40, "ann": 20})
	for since, earned := range map[time.Duration]int64{-time.Hour: 40, 365 * 24 * time.Hour: 0} {
		got, err := w.Store.BalancesOf(w.ctx, program, "ben", begin.Add(since))
		ok(t, err)
		want := []channel.Balance{{Currency: "EUR", PendingMinor: 40, ReversedMinor: -80, SinceMinor: earned}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("since %s: %s", since, diff)
		}
	}
	for _, of := range [][2]string{{program, "nobody"}, {"rival", "ben"}} {
		if none, err := w.Store.BalancesOf(w.ctx, of[0], of[1], begin); err != nil || len(none) != 0 {
			t.Errorf("balances of %v: %v, %v", of, none, err)
		}
	}
	figures, err := w.Store.StoreFigures(w.ctx, program, shop)
	if ok(t, err); figures.Orders != 2 || figures.Parked != 0 || figures.LastOrderAt.IsZero() {
		t.Errorf("figures %+v, want two orders", figures)
	}
}
