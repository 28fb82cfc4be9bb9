package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hint sends what the shop's web pixel sends.
func (in *installation) hint(token, reference string) {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	body := fmt.Appendf(nil, `{"shop":%q,"checkout_token":%q,"event_id":"e","ref":%q}`, shopDomain, token, reference)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+in.addr+"/shopify/hints", bytes.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		in.t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusNoContent {
		in.t.Fatalf("hint %s: %d %v", token, answer.StatusCode, err)
	}
}

// plainOrder is an order that nothing but its checkout can tell of.
func plainOrder(n int, token string) []byte {
	body := string(orderBody(n, orderText{}))
	body = strings.Replace(body, `"note_attributes":[{"name":"upline_ref","value":"CYD"}]`, `"note_attributes":[],"checkout_token":"`+token+`"`, 1)
	return []byte(body)
}

// TestHintsOfCheckouts: what the pixel tells makes an order somebody's that is nobody's, whichever comes first, and takes
// none from anybody.
func TestHintsOfCheckouts(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		in.hint("before", "CYD10")
		in.mustPost("orders/paid", plainOrder(1, "before"))
		in.mustPost("orders/paid", plainOrder(2, "after"))
		in.mustPost("orders/paid", orderBody(3, orderText{}))
		in.mustPost("orders/paid", plainOrder(4, "never"))
		in.settled()
		if got := in.paid(2); len(got) != 0 {
			t.Errorf("order 2 pays %v before anything is known", got)
		}
		in.hint("after", "CYD10")
		in.hint("after", "TOP") // the first one counts
		in.hint("never", "NOBODY")
		in.until("order 2 to be CYD's", func() bool { return maps.Equal(in.paid(2), wanted) })
		for n, want := range map[int]map[string]string{1: wanted, 3: wanted, 4: {}} {
			if got := in.paid(n); !maps.Equal(got, want) {
				t.Errorf("order %d pays %v, want %v", n, got, want)
			}
		}
		in.mustPost("orders/updated", orderBody(2, orderText{updated: "2026-10-02T09:00:01Z"}))
		in.settled()
		if got := in.paid(2); !maps.Equal(got, wanted) {
			t.Errorf("order 2 pays %v after an update", got)
		}
		p.stop(t)
		if text := in.cli("verify"); !strings.Contains(text, ": sound (") {
			t.Errorf("verify says: %s", text)
		}
	})
}
