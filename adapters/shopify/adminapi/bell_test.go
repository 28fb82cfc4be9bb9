package adminapi_test

import (
	"context"
	"testing"
	"time"

	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/shopify/shopifytest"
)

// TestBellEndsTheWait: the end of a bulk operation is told while somebody sleeps between two looks, and is taken up at once;
// what rings for another operation, or before the end, changes nothing.
func TestBellEndsTheWait(t *testing.T) {
	t.Parallel()
	admin := shopifytest.NewAdmin()
	admin.BulkTurns = 3
	bell := &adminapi.Bell{}
	asleep := make(chan struct{})
	client, err := adminapi.New(shop, &tokens{current: "token"}, adminapi.Options{
		Transport: admin.Transport(t, shop, "token"), Bell: bell,
		Sleep: func(ctx context.Context, _ time.Duration) error {
			select {
			case asleep <- struct{}{}:
			case <-ctx.Done():
			}
			<-ctx.Done() // only the bell or the caller ends it
			return ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const operation = "gid://shopify/BulkOperation/1"
	day := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	run := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() {
			done <- client.BulkOrders(ctx, day, day.Add(time.Hour), t.TempDir(), func(string) {}, func(*adminapi.BulkOrder) error { return nil })
		}()
		return done
	}
	done := run(t.Context())
	for ended := false; !ended; {
		select {
		case err := <-done:
			if ended = true; err != nil {
				t.Fatal(err)
			}
			continue
		case <-asleep:
		case <-time.After(time.Minute):
			t.Fatal("nobody woke up")
		}
		if bell.Ring("gid://shopify/BulkOperation/2") {
			t.Error("somebody waits for another operation")
		}
		select {
		case err := <-done:
			t.Fatalf("it ended by itself: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if !bell.Ring(operation) {
			t.Error("nobody waits for the operation")
		}
	}
	if bell.Ring(operation) {
		t.Error("somebody still waits after the end")
	}
	ctx, cancel := context.WithCancel(t.Context())
	admin.BulkTurns, day = 100, day.Add(24*time.Hour)
	done = run(ctx)
	<-asleep
	cancel()
	if err := <-done; err == nil {
		t.Error("the caller went, and the operation is said to have ended")
	}
}
