package plugin_test

import (
	"testing"

	"upline.dev/upline/adapters"
)

// TestVector is the one of docs/plugin-protocol.md, with which a plugin's author begins.
func TestVector(t *testing.T) {
	t.Parallel()
	const want = "v1,IMqiW1Or+sE+oOA7QeG6fxQJKKzId0aImvdj5LdoazM="
	if got := adapters.SignStandard("evt_1", "1767225600", []byte(`{"type":"test"}`), []byte("ups_test")); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}
