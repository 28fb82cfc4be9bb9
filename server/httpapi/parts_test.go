package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"upline.dev/upline/server/httpapi"
)

// TestParts: a process answers what its roles say, and names the role that answers the rest.
func TestParts(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for _, asked := range []struct {
		method, path string
		role         string // who answers; "" is everybody
	}{
		{http.MethodPost, "/webhooks/shopify", "ingest"},
		{http.MethodPost, "/webhooks/woocommerce/shop", "ingest"},
		{http.MethodPost, "/api/plugin/shop/report", "ingest"},
		{http.MethodPost, "/api/mlm/orders", "ingest"},
		{http.MethodGet, "/api/mlm/commissions", "web"},
		{http.MethodGet, "/api/v1/orders", "web"},
		{http.MethodGet, "/", "web"},
		{http.MethodGet, "/healthz", ""},
		{http.MethodGet, "/readyz", ""},
		{http.MethodGet, "/metrics", ""},
	} {
		for role, parts := range map[string]httpapi.Parts{
			"ingest": {Doors: true, Roles: "ingest"}, "web": {Screens: true, Roles: "web"}, "engine": {Roles: "engine"},
			"ingest,web": {Doors: true, Screens: true, Roles: "ingest,web"}, "all": {},
		} {
			deps := *d.deps
			deps.Parts = parts
			w := httptest.NewRecorder()
			httpapi.New(deps).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), asked.method, asked.path, http.NoBody))
			answers := asked.role == "" || role == "all" || strings.Contains(role, asked.role)
			if refused := w.Code == http.StatusMisdirectedRequest; refused == answers {
				t.Errorf("%s %s at a process with the role %s: %d %s", asked.method, asked.path, role, w.Code, w.Body)
			}
			if !answers && !strings.Contains(w.Body.String(), "one with the role "+asked.role) {
				t.Errorf("%s %s at %s: %s does not name who answers", asked.method, asked.path, role, w.Body)
			}
		}
	}
}
