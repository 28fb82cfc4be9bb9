package storetest

import (
	"testing"
	"time"
)

// testLeases: a name has one holder at a time, whoever asks; it changes hands when it is given back, or when its time is over.
func testLeases(t *testing.T, w *world) {
	lease := func(s Store, owner string, lasting time.Duration, want bool) {
		t.Helper()
		if held, err := s.Lease(t.Context(), "sums", owner, lasting); err != nil || held != want {
			t.Fatalf("%s: %v %v, want %v", owner, held, err, want)
		}
	}
	another := w.Another(t)
	lease(w.Store, "first", time.Minute, true)
	lease(w.Store, "first", time.Minute, true)
	lease(another, "second", time.Minute, false)
	if err := another.Unlease(t.Context(), "sums", "second"); err != nil {
		t.Fatal(err)
	}
	lease(another, "second", time.Minute, false)
	if err := w.Store.Unlease(t.Context(), "sums", "first"); err != nil {
		t.Fatal(err)
	}
	lease(another, "second", time.Minute, true)
	lease(w.Store, "first", time.Minute, false)
	lease(another, "second", 50*time.Millisecond, true)
	time.Sleep(100 * time.Millisecond)
	lease(w.Store, "first", time.Minute, true)
}

// testKeyCheck: what the first process sealed stays.
func testKeyCheck(t *testing.T, w *world) {
	for _, fresh := range []string{"first", "second"} {
		if kept, err := w.Store.KeyCheck(t.Context(), fresh); err != nil || kept != "first" {
			t.Fatalf("kept %q %v, want the first", kept, err)
		}
	}
}
