package adapters_test

import (
	"strings"
	"testing"

	"upline.dev/upline/adapters"
)

// TestStandardVector is the one of docs/plugin-protocol.md, which the plugins hold too.
func TestStandardVector(t *testing.T) {
	t.Parallel()
	const want = "v1,IMqiW1Or+sE+oOA7QeG6fxQJKKzId0aImvdj5LdoazM="
	if got := adapters.SignStandard("evt_1", "1767225600", []byte(`{"type":"test"}`), []byte("ups_test")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVerifyStandard(t *testing.T) {
	t.Parallel()
	body, secret := []byte(`{"type":"test"}`), []byte("ups_test")
	good := adapters.SignStandard("evt_1", "1767225600", body, secret)
	other := adapters.SignStandard("evt_1", "1767225600", body, []byte("another"))
	for name, c := range map[string]struct {
		id, timestamp, signature string
		fits                     bool
	}{
		"genuine":             {"evt_1", "1767225600", good, true},
		"rotating":            {"evt_1", "1767225600", other + " " + good, true},
		"another version too": {"evt_1", "1767225600", "v1a,xyz " + good, true},
		"another id":          {"evt_2", "1767225600", good, false},
		"another time":        {"evt_1", "1767225601", good, false},
		"no id":               {"", "1767225600", good, false},
		"no time":             {"evt_1", "", good, false},
		"time moved to id":    {"evt_1.17672", "25600", good, false},
		"no digits":           {"evt_1", "1767225600.", good, false},
		"another secret":      {"evt_1", "1767225600", other, false},
		"without its version": {"evt_1", "1767225600", strings.TrimPrefix(good, "v1,"), false},
		"two blanks":          {"evt_1", "1767225600", other + "  " + good, false},
		"too many":            {"evt_1", "1767225600", strings.Repeat(other+" ", 8) + good, false},
	} {
		header := func(name string) string {
			return map[string]string{"webhook-id": c.id, "webhook-timestamp": c.timestamp, "webhook-signature": c.signature}[name]
		}
		if err := adapters.VerifyStandard(header, body, [][]byte{secret}); (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}
