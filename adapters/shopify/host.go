package shopify

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// ErrShop means that a text is no shop's host. Nothing is sent there.
var ErrShop = errors.New("want a shop's own host, such as example.myshopify.com")

// maxShopBytes is the longest host name there is.
const maxShopBytes = 253

// ParseShop gives a shop's host in lower case. Anything but NAME.myshopify.com is refused: a port, a path, a trailing dot or
// blank, another domain that only ends or begins alike.
func ParseShop(text string) (string, error) {
	shop := strings.ToLower(text)
	if len(text) > maxShopBytes || len(shop) != len(text) || !shopDomain.MatchString(shop) {
		return "", ErrShop
	}
	return shop, nil
}

// Bounds of one call to a shop. The calls made here are short; bulk results are fetched elsewhere.
const (
	callTimeout     = 8 * time.Second
	maxAnswerBytes  = 1 << 20
	idleConnections = 16
)

// guard is the only way from here to the network. It sends a request to a shop's own host by TLS and to nowhere else, so
// that neither the app's secret nor a token can leave for a stranger, whatever the code above it does.
type guard struct {
	base http.RoundTripper
	// testHost is where a stand-in for Shopify listens in tests, always a loopback address; "" in production.
	testHost string
}

// errForeignHost is never met unless there is a fault in this program.
var errForeignHost = errors.New("refused: the request is not for a shop's own host")

// RoundTrip refuses foreign hosts and bounds the answer.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	shop, err := ParseShop(r.URL.Host)
	if err != nil || shop != r.URL.Host || r.URL.Scheme != "https" || r.URL.User != nil || (r.Host != "" && r.Host != shop) {
		return nil, errForeignHost
	}
	if g.testHost != "" {
		r = r.Clone(r.Context())
		r.Host, r.URL.Scheme, r.URL.Host = shop, "http", g.testHost
	}
	answer, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswerBytes)
	return answer, nil
}

// NewHTTPClient gives a client that reaches shops alone: no other host, no redirects, answers of 1 MiB at most. testHost is
// "" in production; in tests it is the loopback address and port of a stand-in for Shopify.
func NewHTTPClient(testHost string) (*http.Client, error) {
	if testHost != "" {
		if err := checkLoopback(testHost); err != nil {
			return nil, err
		}
	}
	return guarded(&http.Transport{
		DialContext:         (&net.Dialer{Timeout: callTimeout / 2}).DialContext,
		TLSHandshakeTimeout: callTimeout / 2,
		MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}, testHost), nil
}

func guarded(base http.RoundTripper, testHost string) *http.Client {
	return &http.Client{
		Transport: &guard{base: base, testHost: testHost}, Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// checkLoopback keeps the test setting from ever naming a host on the network.
func checkLoopback(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("%q is not a loopback address with a port, such as 127.0.0.1:21000", address)
	}
	return nil
}

// drain reads what is left of an answer, so that its connection can be used again.
func drain(answer *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	_ = answer.Body.Close()
}

// NewAPITransport gives the way to the Admin API and to the storage that holds results of bulk operations. A request that brings
// a token goes to a shop's own host or nowhere; any other goes by TLS. The client of the API bounds answers and time itself.
// testHost is that of NewHTTPClient.
func NewAPITransport(testHost string) (http.RoundTripper, error) {
	if testHost != "" {
		if err := checkLoopback(testHost); err != nil {
			return nil, err
		}
	}
	base := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: callTimeout}).DialContext,
		TLSHandshakeTimeout: callTimeout,
		MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}
	return &apiGuard{base: base, testHost: testHost}, nil
}

// apiGuard keeps tokens from strangers, whatever the code above it does.
type apiGuard struct {
	base     http.RoundTripper
	testHost string
}

// RoundTrip refuses what is not encrypted, and a token for anybody but a shop.
func (g *apiGuard) RoundTrip(r *http.Request) (*http.Response, error) {
	shop, err := ParseShop(r.URL.Host)
	toShop := err == nil && shop == r.URL.Host
	if r.URL.Scheme != "https" || r.URL.User != nil || (r.Host != "" && r.Host != r.URL.Host) || (!toShop && r.Header.Get("X-Shopify-Access-Token") != "") {
		return nil, errForeignHost
	}
	if g.testHost != "" {
		host := r.URL.Host
		r = r.Clone(r.Context())
		r.Host, r.URL.Scheme, r.URL.Host = host, "http", g.testHost
	}
	return g.base.RoundTrip(r)
}
