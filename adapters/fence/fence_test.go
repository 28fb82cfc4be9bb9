package fence_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"upline.dev/upline/adapters/fence"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "1.1.1.1": true,
		"127.0.0.1": false, "127.8.8.8": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"198.18.0.1": false, "192.0.0.8": false, "203.0.113.9": false,
		"::1": false, "::": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false, "fec0::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:93.184.216.34": true, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
		"::7f00:1": false, "2001:db8::1": false, "2001:0:1::": false,
	} {
		if got := fence.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v, want %v", text, got, want)
		}
	}
}

// TestClient: what is refused is never reached, and a redirect is an answer.
func TestClient(t *testing.T) {
	t.Parallel()
	reached := 0
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	}))
	t.Cleanup(inner.Close)
	port := inner.URL[strings.LastIndex(inner.URL, ":"):]
	get := func(client *http.Client, address string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	for _, address := range []string{
		inner.URL, "https://127.0.0.1" + port, "https://localhost" + port, "https://[::1]" + port, "https://[::ffff:127.0.0.1]" + port,
		"https://0.0.0.0" + port, "https://10.255.255.1/", "https://169.254.169.254/", "ftp://127.0.0.1/", "file:///etc/passwd", "https://user:pw@127.0.0.1/",
	} {
		if _, err := get(fence.Client(false), address); !errors.Is(err, fence.ErrForbidden) {
			t.Errorf("%s: %v, want it forbidden", address, err)
		}
	}
	if reached != 0 {
		t.Errorf("reached %d times", reached)
	}
	if status, err := get(fence.Client(true), inner.URL); err != nil || status != http.StatusFound || reached != 1 {
		t.Errorf("with the test setting: %d, %v, reached %d times; want the redirect as the answer", status, err, reached)
	}
	for _, address := range []string{"http://10.255.255.1/", "https://10.255.255.1/", "http://example.com/"} {
		if _, err := get(fence.Client(true), address); !errors.Is(err, fence.ErrForbidden) {
			t.Errorf("%s with the test setting: %v, want it forbidden", address, err)
		}
	}
}
