package e2e_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters/shopify/shopifytest"
)

const (
	appID        = "8d1a2b3c4d5e6f708192a3b4c5d6e7f8"
	appSecret    = "shpss_e2e_secret"
	newAppSecret = "shpss_e2e_secret_after_the_rotation"
)

// embedded is an installation with the Shopify app, and a Shopify on this machine.
type embedded struct {
	*installation
	fake *shopifytest.Server
	shop *shopifytest.Shop
}

// openEmbedded announces the shop, as an operator does, and tells the server where the stand-in listens.
func openEmbedded(t *testing.T, databaseURL string) *embedded {
	t.Helper()
	e := &embedded{installation: newInstallation(t, databaseURL)}
	e.fake = shopifytest.New(shopifytest.Config{ClientID: appID, Secrets: []string{appSecret}, Scopes: []string{"read_orders", "read_products"}})
	e.shop = e.fake.AddShop(&shopifytest.Shop{Domain: shopDomain})
	e.secret = appSecret
	e.setenv("SHOPIFY_API_KEY="+appID, "SHOPIFY_API_SECRET="+appSecret, "UPLINE_SHOPIFY_TEST_HOST="+e.fake.Start(t))
	return e
}

// setenv changes the environment of what is started from now on: of two settings of one name the last counts.
func (in *installation) setenv(settings ...string) {
	in.env = append(slices.Clone(in.env), settings...)
}

// page asks for a path as the frame of the admin does, and follows nothing.
func (e *embedded) page(path string) (status int, header http.Header, body string) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.addr+path, http.NoBody)
	if err != nil {
		e.t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

// opened fails the test unless the app's page opens in the shop's admin and nobody else's. What stands on the page is the
// browser tests' business: this program may have been built without its screens.
func (e *embedded) opened() {
	e.t.Helper()
	status, header, body := e.page("/?" + e.shop.DocumentQuery())
	policy := header.Get("Content-Security-Policy")
	if status != http.StatusOK || !strings.HasSuffix(strings.TrimSuffix(policy, ";"), "frame-ancestors https://"+e.shop.Domain+" https://admin.shopify.com") {
		e.t.Fatalf("%d %s\n%s", status, policy, body)
	}
	first := strings.Index(body, "<script")
	if first >= 0 && (!strings.HasPrefix(body[first:], `<script src="https://cdn.shopify.com/shopifycloud/app-bridge.js">`) ||
		!strings.Contains(body, `<meta name="shopify-api-key" content="`+appID+`">`)) {
		e.t.Fatalf("App Bridge is not the first script:\n%s", body)
	}
}

// standing is what the API says of the shop's connection.
func (e *embedded) standing() string {
	e.t.Helper()
	for _, row := range e.rows("/api/v1/stores?") {
		if row["domain"] == shopDomain {
			connection, _ := row["connection"].(string)
			return connection
		}
	}
	return "no store"
}

// event sends a webhook as Shopify does, with all its headers.
func (e *embedded) event(topic, body string) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.addr+"/webhooks/shopify", strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	r.Header = e.shop.WebhookHeader(topic, []byte(body))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		e.t.Fatalf("%s: %d", topic, answer.StatusCode)
	}
}

const uninstalledBody = `{"id":548380009,"currency":"EUR","myshopify_domain":"` + shopDomain + `"}`

// TestShopifyInstallToReinstall walks an install, an order, an uninstall and a reinstall through the real program.
func TestShopifyInstallToReinstall(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		e := openEmbedded(t, databaseURL)
		p := e.serve()
		if status, header, _ := e.page("/?embedded=1&shop=" + shopDomain); status != http.StatusFound || !strings.HasPrefix(header.Get("Location"), "/shopify/token?") {
			t.Fatalf("without a token: %d %s", status, header.Get("Location"))
		}
		e.shop.Install()
		e.opened()
		if got := e.standing(); got != "connected" {
			t.Fatalf("after the install: %s", got)
		}
		e.mustPost("orders/paid", orderBody(1, orderText{}))
		e.settled()
		if got := e.paid(1); !maps.Equal(got, wanted) {
			t.Fatalf("order 1 pays %v, want %v", got, wanted)
		}
		before := e.cli("verify")
		e.shop.Uninstall()
		e.event("app/uninstalled", uninstalledBody)
		e.until("the store to be uninstalled", func() bool { return e.standing() == "uninstalled" })
		if list := e.cli("admin", "store", "list"); !strings.Contains(list, "uninstalled") {
			t.Errorf("the command line does not say so:\n%s", list)
		}
		if status, _, _ := e.page("/?" + e.shop.DocumentQuery()); status != http.StatusFound {
			t.Errorf("a session token of before opens the app: %d", status)
		}
		if got := e.paid(1); !maps.Equal(got, wanted) {
			t.Errorf("after the uninstall order 1 pays %v, want %v", got, wanted)
		}
		e.shop.Install()
		e.opened()
		if got := e.standing(); got != "connected" || len(e.rows("/api/v1/stores?")) != 1 {
			t.Errorf("after the reinstall: %s, %d stores", got, len(e.rows("/api/v1/stores?")))
		}
		if after := e.cli("verify"); after != before {
			t.Errorf("verify said %s, and says %s", before, after)
		}
		p.stop(t)
		e.keptSecret(p)
	})
}

// keptSecret fails the test where a token or secret stands in the log or, in the clear, in the data folder.
func (e *embedded) keptSecret(p *process) {
	e.t.Helper()
	texts := map[string][]byte{"the log": p.log.Bytes()}
	err := filepath.WalkDir(filepath.Join(e.dir, "data"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	for where, text := range texts {
		for _, secret := range []string{"shpat_", "shprt_", "shpss_", "eyJ"} {
			if bytes.Contains(text, []byte(secret)) {
				e.t.Errorf("%s holds %s…", where, secret)
			}
		}
	}
}

// TestShopifySecretRotation: while both secrets are set, both count; afterwards the new one alone.
func TestShopifySecretRotation(t *testing.T) {
	t.Parallel()
	e := openEmbedded(t, "")
	e.shop.Install()
	e.fake.Secrets = []string{newAppSecret, appSecret}
	e.setenv("SHOPIFY_API_SECRET="+newAppSecret, "SHOPIFY_API_SECRET_OLD="+appSecret)
	p := e.serve()
	e.opened()
	for _, secret := range []string{appSecret, newAppSecret} {
		e.secret = secret
		e.mustPost("orders/paid", orderBody(1, orderText{}))
	}
	p.stop(t)
	e.setenv("SHOPIFY_API_SECRET_OLD=")
	p = e.serve()
	e.opened()
	e.secret = appSecret
	if status, err := e.webhook("orders/paid", "", orderBody(2, orderText{})); err != nil || status != http.StatusUnauthorized {
		t.Errorf("the secret of before counts after the rotation: %d %v", status, err)
	}
	p.stop(t)
}

// TestShopifyNewCompany: on a server without any company the first install makes one, in the shop's currency.
func TestShopifyNewCompany(t *testing.T) {
	t.Parallel()
	e := &embedded{installation: bareInstallation(t, "")}
	e.fake = shopifytest.New(shopifytest.Config{ClientID: appID, Secrets: []string{appSecret}})
	e.shop = e.fake.AddShop(&shopifytest.Shop{Domain: shopDomain, Currency: "JPY", Name: "First Shop"})
	e.shop.Install()
	e.setenv("SHOPIFY_API_KEY="+appID, "SHOPIFY_API_SECRET="+appSecret, "UPLINE_SHOPIFY_TEST_HOST="+e.fake.Start(t))
	p := e.serve()
	e.opened()
	if list := e.cli("admin", "program", "list"); !strings.Contains(list, "First Shop") || !strings.Contains(list, "JPY") {
		t.Errorf("the programs:\n%s", list)
	}
	if list := e.cli("admin", "store", "list"); !strings.Contains(list, shopDomain) || !strings.Contains(list, "connected") {
		t.Errorf("the stores:\n%s", list)
	}
	second := e.fake.AddShop(&shopifytest.Shop{Domain: "second.myshopify.com"})
	second.Install()
	if status, _, body := e.page("/?" + second.DocumentQuery()); status != http.StatusForbidden || !strings.Contains(body, "not announced") {
		t.Errorf("a second shop: %d %s", status, body)
	}
	p.stop(t)
}

// TestShopifySettings: what cannot work stops the start, with one sentence.
func TestShopifySettings(t *testing.T) {
	t.Parallel()
	in := bareInstallation(t, "")
	for name, settings := range map[string][]string{
		"both SHOPIFY_API_KEY and SHOPIFY_API_SECRET": {"SHOPIFY_API_KEY=x"},
		"counts only beside SHOPIFY_API_SECRET":       {"SHOPIFY_API_SECRET_OLD=x"},
		"is not a loopback address":                   {"UPLINE_SHOPIFY_TEST_HOST=10.0.0.1:80"},
	} {
		bad := *in
		bad.setenv(settings...)
		if out, err := bad.try("serve"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %s %v", settings, out, err)
		}
	}
}

// TestShopifyCodeGrant installs the app by code grant through the real program.
func TestShopifyCodeGrant(t *testing.T) {
	t.Parallel()
	e := openEmbedded(t, "")
	e.setenv("UPLINE_SHOPIFY_CODE_GRANT=true", "UPLINE_PUBLIC_URL=http://"+e.addr)
	p := e.serve()
	arrival := url.Values{"shop": {shopDomain}, "timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}}
	status, header, _ := e.page("/?" + e.fake.SignQuery(arrival))
	if status != http.StatusFound || !strings.HasPrefix(header.Get("Location"), "https://"+shopDomain+"/admin/oauth/authorize?") {
		t.Fatalf("%d %s", status, header.Get("Location"))
	}
	back := e.agree(header.Get("Location"))
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, back, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusFound || to != "https://admin.shopify.com/store/e2e-shop/apps/"+appID {
		t.Fatalf("%d %s", answer.StatusCode, to)
	}
	if got := e.standing(); got != "connected" {
		t.Fatalf("after the grant: %s", got)
	}
	e.opened()
	p.stop(t)
}

// agree is the merchant on Shopify's page of consent.
func (e *embedded) agree(authorize string) (back string) {
	e.t.Helper()
	r := httptest.NewRequest(http.MethodGet, authorize, http.NoBody)
	w := httptest.NewRecorder()
	e.fake.ServeHTTP(w, r)
	return w.Header().Get("Location")
}
