package store_test

import (
	"testing"
	"time"

	"upline.dev/upline/server/store"
)

// TestSharedClock: two processes whose clocks are an hour off either way agree on the time and on whose a lease is.
func TestSharedClock(t *testing.T) {
	t.Parallel()
	dsn := newDatabase(t, postgresServer(t))
	open := func(off time.Duration, shared bool) *store.Store {
		return openStore(t, store.Config{
			DatabaseURL: dsn, SharedClock: shared, MaxConns: 4,
			Clock: func() time.Time { return time.Now().Add(off) },
		})
	}
	behind, ahead := open(-time.Hour, true), open(time.Hour, true)
	if apart := ahead.Now().Sub(behind.Now()).Abs(); apart > time.Second {
		t.Errorf("they are %v apart", apart)
	}
	if off := time.Since(behind.Now()).Abs(); off > time.Second {
		t.Errorf("the database's clock, which is this machine's, is %v off", off)
	}
	if held, err := behind.Lease(t.Context(), "duty", "behind", time.Minute); err != nil || !held {
		t.Fatalf("%v %v", held, err)
	}
	if held, err := ahead.Lease(t.Context(), "duty", "ahead", time.Minute); err != nil || held {
		t.Errorf("the process whose clock is ahead took the lease: %v %v", held, err)
	}
	if off := open(time.Hour, false).Now().Sub(behind.Now()); off < 59*time.Minute {
		t.Errorf("a store of its own clock tells another time: %v", off)
	}
}
