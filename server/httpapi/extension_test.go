package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOwnStore reads an order by the store that the asker belongs to, as the block on Shopify's order page does.
func TestOwnStore(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.order("A-1", "TEA-12", "ANNA1001", "100.00")
	of := func(key, path string) reply {
		return send(t, http.MethodGet, c.url+path, http.NoBody, map[string]string{"Authorization": "Bearer " + key})
	}
	for _, path := range []string{"/api/v1/orders/-/A-1", "/api/v1/orders/-/A-1/explanation"} {
		own := c.want(http.StatusOK, of(c.storeKey, path))
		named := c.want(http.StatusOK, of(c.readKey, strings.Replace(path, "/-/", "/alpha-till/", 1)))
		if diff := cmp.Diff(string(named.body), string(own.body)); diff != "" {
			t.Error(path, diff)
		}
		if p := of(c.readKey, path).problem(t); p.Status != http.StatusUnprocessableEntity || p.Field != "store_id" {
			t.Errorf("%s by a key of no store: %+v", path, p)
		}
	}
}

// TestExtensionOrigin lets Shopify's sandbox read explanations across origins, and nobody else anything.
func TestExtensionOrigin(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	const explanation, sandbox = "/api/v1/orders/-/1/explanation", "https://extensions.shopifycdn.com"
	for _, c := range []struct {
		method, path, origin string
		status               int
		allow                string
	}{
		{http.MethodOptions, explanation, sandbox, http.StatusNoContent, sandbox},
		{http.MethodGet, explanation, sandbox, http.StatusUnauthorized, sandbox}, // the token is asked for all the same
		{http.MethodOptions, explanation, "https://evil.example", http.StatusMethodNotAllowed, ""},
		{http.MethodOptions, explanation, sandbox + ".evil.example", http.StatusMethodNotAllowed, ""},
		{http.MethodOptions, explanation, "null", http.StatusMethodNotAllowed, ""},
		{http.MethodGet, explanation, "https://evil.example", http.StatusUnauthorized, ""},
		{http.MethodOptions, "/api/v1/orders/-/1", sandbox, http.StatusMethodNotAllowed, ""},
		{http.MethodOptions, "/api/v1/distributors", sandbox, http.StatusMethodNotAllowed, ""},
		{http.MethodOptions, "/api/v1/session", sandbox, http.StatusMethodNotAllowed, ""},
	} {
		got := send(t, c.method, d.url+c.path, http.NoBody, map[string]string{"Origin": c.origin, "Access-Control-Request-Headers": "authorization"})
		if allow := got.header.Get("Access-Control-Allow-Origin"); got.status != c.status || allow != c.allow {
			t.Errorf("%s %s from %s: %d, allowed %q; want %d, %q", c.method, c.path, c.origin, got.status, allow, c.status, c.allow)
		}
		if got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s: cookies must not cross origins", c.method, c.path)
		}
	}
}
