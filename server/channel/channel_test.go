package channel_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/channel"
)

// TestPath: a link out of a shop leads to our own pages and to nothing else.
func TestPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/orders": "/orders", "/orders/woo/20?tab=x#y": "/orders/woo/20?tab=x#y", "": "/", "orders": "/", "//evil.example": "/",
		`/\evil.example`: "/", "https://evil.example": "/", "/a\nb": "/", "/ä": "/", "/%0d%0a": "/%0d%0a",
	} {
		if got := channel.Path(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

// TestLongName: a shop's name is cut between letters; half a letter would be refused by a database.
func TestLongName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Tea", "a" + strings.Repeat("é", 80), strings.Repeat("茶", 60), strings.Repeat("\U0001F375", 40)} {
		r, err := channel.ReadRequest(url.Values{
			"site": {"https://shop.example.com"}, "return": {"https://shop.example.com/wp-admin/"}, "nonce": {"n"}, "currency": {"EUR"},
			"challenge": {strings.Repeat("c", 43)}, "name": {name},
		}, order.WooCommerce)
		if err != nil || !utf8.ValidString(r.Name) || len(r.Name) > 100 || !strings.HasPrefix(name, r.Name) || r.Name == "" {
			t.Errorf("%q is kept as %q, %v", name, r.Name, err)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	for body, field := range map[string]string{
		`{"type":"status","version":1,"site":"https://shop.example.com"}`: "",
		`{"type":"rotate","version":1}`:                                   "type",
		`{"type":"status","version":2}`:                                   "version",
		`[]`:                                                              "",
	} {
		site, err := channel.Head([]byte(body), "status")
		if (err == nil) != (site != "") {
			t.Errorf("%s: site %q, %v", body, site, err)
		}
		if err != nil && server.CodeOf(err) != server.Invalid {
			t.Errorf("%s: %v, want it invalid at %q", body, err, field)
		}
	}
}

// TestTrouble: silence and a full queue are told; a plugin that was just connected is given time.
func TestTrouble(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	report := func(text string) channel.Channel {
		return channel.Channel{ClaimedAt: now.Add(-time.Hour), HeartbeatAt: now.Add(-time.Minute), Heartbeat: []byte(text)}
	}
	for name, c := range map[string]struct {
		channel channel.Channel
		wrong   bool
	}{
		"just connected":     {channel.Channel{ClaimedAt: now.Add(-time.Minute)}, false},
		"never reported":     {channel.Channel{ClaimedAt: now.Add(-time.Hour)}, true},
		"silent":             {channel.Channel{ClaimedAt: now.Add(-time.Hour), HeartbeatAt: now.Add(-16 * time.Minute), Heartbeat: []byte(`{}`)}, true},
		"well":               {report(`{"queue_depth":2,"oldest_unsent_at":"2026-11-21T11:50:00Z"}`), false},
		"an order waits":     {report(`{"queue_depth":2,"oldest_unsent_at":"2026-11-21T11:40:00Z"}`), true},
		"nothing waits":      {report(`{"queue_depth":0,"oldest_unsent_at":null}`), false},
		"cannot be read now": {report(`{`), true},
	} {
		if got := c.channel.Trouble(now); (got != "") != c.wrong {
			t.Errorf("%s: %q, want trouble: %v", name, got, c.wrong)
		}
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte(`{"type":"status","version":1,"site":"https://shop.example.com"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := channel.Head(body, "status"); err != nil && server.CodeOf(err) != server.Invalid {
			t.Fatalf("%v, want it invalid", err)
		}
	})
}
