// Package fence makes the HTTP client with which shops at addresses that somebody typed in are called: it reaches public
// addresses by https and nothing else, whatever a name resolves to, and follows nobody anywhere.
package fence

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrForbidden means that an address is not one that may be called: not https, or not public.
var ErrForbidden = errors.New("only public addresses are called, and only by https")

// Bounds of one call. A shop that is slower is called again later.
const (
	dialTimeout = 5 * time.Second
	callTimeout = 60 * time.Second
	idle        = 90 * time.Second
)

// Client is an HTTP client behind the fence. A redirect is handed back as the answer it is. With loopback, which is a
// setting for tests alone, the loopback address may be called too, by http.
//
// The address is judged when the connection is made, so that a name which resolves to one address for a check and to
// another for the call gains nothing.
func Client(loopback bool) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		return allowed(address, loopback)
	}}
	return &http.Client{
		Timeout: callTimeout,
		Transport: &gate{loopback: loopback, base: &http.Transport{
			DialContext:     dialer.DialContext, // No proxy: it would resolve names behind our back.
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: dialTimeout,
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: idle, MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// gate refuses other schemes and addresses with a password in them.
type gate struct {
	loopback bool
	base     http.RoundTripper
}

// RoundTrip sends a request that may be sent.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.User != nil || r.URL.Scheme != "https" && !(g.loopback && r.URL.Scheme == "http" && isLoopback(r.URL.Hostname())) {
		return nil, fmt.Errorf("%s: %w", r.URL.Host, ErrForbidden)
	}
	return g.base.RoundTrip(r)
}

// isLoopback keeps plain http, which tests need, to this machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// allowed judges an address that is about to be connected to.
func allowed(address string, loopback bool) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && (Public(at.Addr()) || loopback && at.Addr().Unmap().IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s: %w", address, ErrForbidden)
}

// closed are networks that are nobody's public server (IANA special-purpose registries, RFC 6890 and its updates), beside
// those that netip knows itself.
var closed = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// Public reports whether an address is of the public internet. One that carries another address in itself counts as not.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.Zone() != "" {
		return false
	}
	for _, network := range closed {
		if network.Contains(ip) {
			return false
		}
	}
	return true
}
