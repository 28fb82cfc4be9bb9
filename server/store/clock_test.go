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
	for what, clock := range map[string]func() time.Time{"the other process's clock": ahead.Now, "this machine's clock, which is the database's": time.Now} {
		before := behind.Now()
		told := clock()
		if after := behind.Now(); told.Before(before.Add(-time.Second)) || told.After(after.Add(time.Second)) {
			t.Errorf("%s says %v, between %v and %v", what, told, before, after)
		}
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
