package shopify

import "net/http"

// Guarded is the client of NewHTTPClient over a test's own transport.
func Guarded(base http.RoundTripper) *http.Client { return guarded(base, "") }
