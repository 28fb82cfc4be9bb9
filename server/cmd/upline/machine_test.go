package main

import "testing"

// TestCollectSeldom: whoever runs a process says how it collects garbage, if he says anything.
func TestCollectSeldom(t *testing.T) {
	for _, c := range []struct {
		gogc, limit string
		bytes       int
	}{{"", "", ballastBytes}, {"200", "", 0}, {"", "100MiB", 0}} {
		t.Setenv("GOGC", c.gogc)
		t.Setenv("GOMEMLIMIT", c.limit)
		ballast = nil
		if collectSeldom(); len(ballast) != c.bytes {
			t.Errorf("with GOGC=%q and GOMEMLIMIT=%q %d bytes are held, want %d", c.gogc, c.limit, len(ballast), c.bytes)
		}
	}
}
