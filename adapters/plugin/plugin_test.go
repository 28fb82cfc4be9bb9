package plugin_test

import (
	"errors"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
)

// TestVector is the one of docs/plugin-protocol.md, with which a plugin's author begins.
func TestVector(t *testing.T) {
	t.Parallel()
	const want = "v1,IMqiW1Or+sE+oOA7QeG6fxQJKKzId0aImvdj5LdoazM="
	if got := adapters.SignStandard("evt_1", "1767225600", []byte(`{"type":"test"}`), []byte("ups_test")); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// FuzzSplit: whatever comes, a batch is refused with the field named, or each of its events can be told alone.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"type":"order.batch","site":"https://a.example","events":[{"type":"order.snapshot","event_id":"evt_1","site":"https://a.example"}]}`))
	f.Add([]byte(`{"events":[{"event_id":7},null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := plugin.Split(body)
		var fault *adapters.Malformed
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("%v names no field", err)
		}
		if err == nil && len(events) == 0 {
			t.Fatal("an empty batch is taken")
		}
		for _, e := range events {
			if plugin.CheckID(e.PlatformDeliveryID) != nil || len(e.Body) == 0 {
				t.Fatalf("%q: %q", e.PlatformDeliveryID, e.Body)
			}
		}
	})
}
