package storetest

import (
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/install"
)

// testConnections: a store's credentials are one row, changed under its lock; what fails changes nothing.
func testConnections(t *testing.T, w *world) {
	c, err := w.Store.Connection(w.ctx, shop)
	ok(t, err)
	if c.Revision != 0 || c.State != "" || c.ProgramID != program || c.Domain == "" || c.Platform == "" {
		t.Fatalf("a store that was never connected: %+v", c)
	}
	want := install.Connection{
		ProgramID: program, StoreID: shop, Platform: c.Platform, Domain: c.Domain, State: install.Connected, Reason: "r",
		Sealed: []byte("sealed"), Scopes: []string{"read_orders", "read_products"}, ExpiresAt: begin.Add(time.Hour),
		RefreshExpiresAt: begin.Add(90 * 24 * time.Hour), ConnectedAt: begin, RenewedAt: begin,
		LeaseUntil: begin.Add(time.Minute), LeaseOwner: "me",
	}
	for revision := range int64(2) {
		got, err := w.Store.ChangeConnection(w.ctx, shop, func(c *install.Connection) error {
			if c.Revision != revision {
				t.Errorf("revision %d, want %d", c.Revision, revision)
			}
			*c = want
			return nil
		})
		ok(t, err)
		want.Revision, want.ChangedAt = revision+1, got.ChangedAt
		read, err := w.Store.Connection(w.ctx, shop)
		ok(t, err)
		if diff := cmp.Diff(want, read); diff != "" {
			t.Fatalf("as read: %s", diff)
		}
	}
	refuse := errors.New("no")
	if _, err := w.Store.ChangeConnection(w.ctx, shop, func(c *install.Connection) error { c.Reason = "x"; return refuse }); !errors.Is(err, refuse) {
		t.Fatalf("a change that fails: %v", err)
	}
	list, err := w.Store.Connections(w.ctx, program)
	ok(t, err)
	if diff := cmp.Diff([]install.Connection{want}, list); diff != "" {
		t.Fatalf("the list: %s", diff)
	}
	if list, err = w.Store.Connections(w.ctx, "nobody"); err != nil || len(list) != 0 {
		t.Fatalf("another program's list: %v, %v", list, err)
	}
	_, err = w.Store.Connection(w.ctx, "nowhere")
	wantCode(t, err, server.NotFound)
	_, err = w.Store.ChangeConnection(w.ctx, "nowhere", func(*install.Connection) error { return nil })
	wantCode(t, err, server.NotFound)
}

// testConnectionLock: of many who ask for the lease at once, in two processes, one gets it.
func testConnectionLock(t *testing.T, w *world) {
	taken := errors.New("taken")
	handles := []Store{w.Store, w.Another(t)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	owners := 0
	for i := range 16 {
		wg.Go(func() {
			_, err := handles[i%2].ChangeConnection(w.ctx, shop, func(c *install.Connection) error {
				if c.LeaseOwner != "" {
					return taken
				}
				c.State, c.LeaseOwner = install.Connected, "one"
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				owners++
			case !errors.Is(err, taken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if owners != 1 {
		t.Fatalf("%d got the lease, want 1", owners)
	}
}

// testStaleConnections: only what is connected, expires and was not renewed lately has to be kept alive.
func testStaleConnections(t *testing.T, w *world) {
	put := func(store string, state install.State, renewed time.Time, expires bool) {
		_, err := w.Store.ChangeConnection(w.ctx, store, func(c *install.Connection) error {
			c.State, c.RenewedAt, c.RefreshExpiresAt = state, renewed, time.Time{}
			if expires {
				c.RefreshExpiresAt = renewed.Add(time.Hour)
			}
			return nil
		})
		ok(t, err)
	}
	stale := func() (ids []string) {
		list, err := w.Store.StaleConnections(w.ctx, begin, 10)
		ok(t, err)
		for _, c := range list {
			ids = append(ids, c.StoreID)
		}
		return ids
	}
	put(shop, install.Connected, begin.Add(-time.Hour), true)
	put(rivalLot, install.Connected, begin.Add(-2*time.Hour), true)
	if diff := cmp.Diff([]string{rivalLot, shop}, stale()); diff != "" {
		t.Fatalf("oldest first: %s", diff)
	}
	put(rivalLot, install.NeedsReauth, begin.Add(-2*time.Hour), true)
	put(shop, install.Connected, begin, true)
	if got := stale(); got != nil {
		t.Fatalf("renewed just now, and one to be connected again: %v", got)
	}
	put(shop, install.Connected, begin.Add(-time.Hour), false)
	if got := stale(); got != nil {
		t.Fatalf("credentials that never expire: %v", got)
	}
}

// testFlows: a code is good once, for its purpose, until it expires.
func testFlows(t *testing.T, w *world) {
	f := install.FlowRow{Hash: sha256.Sum256([]byte("code")), Sealed: []byte("sealed"), Flow: install.Flow{
		Purpose: "step", ProgramID: program, Platform: order.WooCommerce, Domain: "shop.example.com",
		CreatedAt: begin, ExpiresAt: begin.Add(install.FlowLife),
	}}
	ok(t, w.Store.PutFlow(w.ctx, f))
	for name, c := range map[string]struct {
		hash    [32]byte
		purpose string
		now     time.Time
	}{
		"another code":    {sha256.Sum256([]byte("x")), "step", begin},
		"another purpose": {f.Hash, "other", begin},
		"expired":         {f.Hash, "step", f.ExpiresAt},
	} {
		for _, consume := range []bool{false, true} {
			if _, err := w.Store.Flow(w.ctx, c.hash, c.purpose, c.now, consume); server.CodeOf(err) != server.NotFound {
				t.Errorf("%s (consume %v): %v", name, consume, err)
			}
		}
	}
	got, err := w.Store.Flow(w.ctx, f.Hash, "step", begin, false)
	ok(t, err)
	if diff := cmp.Diff(f, got); diff != "" {
		t.Fatalf("looked at: %s", diff)
	}
	handles := []Store{w.Store, w.Another(t)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for i := range 16 {
		wg.Go(func() {
			row, err := handles[i%2].Flow(w.ctx, f.Hash, "step", begin, true)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				taken++
				used := f
				used.UsedAt = begin
				if diff := cmp.Diff(used, row); diff != "" {
					t.Errorf("taken: %s", diff)
				}
			case server.CodeOf(err) != server.NotFound:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if taken != 1 {
		t.Fatalf("the code was taken %d times", taken)
	}
	ok(t, w.Store.NoteFlow(w.ctx, f.Hash, []byte("further")))
	want := f
	want.Sealed, want.UsedAt = []byte("further"), begin
	row, err := handles[1].Followed(w.ctx, f.Hash, "step")
	ok(t, err)
	if diff := cmp.Diff(want, row); diff != "" {
		t.Fatalf("followed after its end: %s", diff)
	}
	_, err = w.Store.Followed(w.ctx, f.Hash, "other")
	wantCode(t, err, server.NotFound)
	late := f
	late.Hash, late.CreatedAt = sha256.Sum256([]byte("late")), f.ExpiresAt.Add(25*time.Hour)
	late.ExpiresAt = late.CreatedAt.Add(time.Hour)
	ok(t, w.Store.PutFlow(w.ctx, late))
	if n := w.count(t, `SELECT count(*) FROM install_states`); n != 1 {
		t.Fatalf("%d flows are kept, want the new one only", n)
	}
}
