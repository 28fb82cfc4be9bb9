package httpapi_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/shopifytest"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/httpapi"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
)

const (
	appID   = "8d1a2b3c4d5e6f708192a3b4c5d6e7f8"
	newShop = "new-shop.myshopify.com"
)

// shopifyBridge is the adapter as the surface wants it, as the product joins them.
type shopifyBridge struct{ *shopify.App }

func (shopifyBridge) Shop(text string) (string, error) { return shopify.ParseShop(text) }

func visitorErr(err error) error {
	if errors.Is(err, shopify.ErrSession) {
		return fmt.Errorf("%w: %w", install.ErrVisitor, err)
	}
	return err
}

func (b shopifyBridge) Visitor(token string) (install.Visitor, error) {
	s, err := b.VerifySession(token)
	return install.Visitor{Platform: order.Shopify, Domain: s.Shop, StaffID: s.StaffID, ExpiresAt: s.ExpiresAt, Voucher: secret.Text(token)}, visitorErr(err)
}

func (b shopifyBridge) VerifyCallback(raw string) (shop, code, state string, err error) {
	c, err := b.App.VerifyCallback(raw)
	return c.Shop, c.Code, c.State, err
}

func (b shopifyBridge) Redeem(ctx context.Context, shop, code string) (install.Credentials, error) {
	g, err := b.RedeemCode(ctx, shop, code)
	return granted(g), err
}

func (b shopifyBridge) Grant(ctx context.Context, v *install.Visitor) (install.Credentials, error) {
	s, err := b.VerifySession(v.Voucher.Reveal())
	if err != nil {
		return install.Credentials{}, visitorErr(err)
	}
	g, err := b.Exchange(ctx, s)
	return granted(g), visitorErr(err)
}

func (b shopifyBridge) Identify(ctx context.Context, domain string, creds install.Credentials) (install.Identity, error) {
	i, err := b.App.Identify(ctx, domain, creds.Token.Reveal())
	return install.Identity{Name: i.Name, Currency: money.Currency(i.Currency), TimeZone: i.TimeZone}, err
}

func granted(g shopify.Grant) install.Credentials {
	return install.Credentials{Token: secret.Text(g.Token), RefreshToken: secret.Text(g.RefreshToken), Scopes: g.Scopes, ExpiresAt: g.ExpiresAt, RefreshExpiresAt: g.RefreshExpiresAt}
}

// embedding is a product with the Shopify app, and a Shopify with one shop that has never seen it.
type embedding struct {
	*product
	fake    *shopifytest.Server
	shop    *shopifytest.Shop
	install *install.Service
	client  *http.Client // follows nothing, keeps cookies of the last answer by hand
}

func openEmbedding(t testing.TB, codeGrant bool, join string) *embedding {
	t.Helper()
	e := &embedding{product: openProduct(t), client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	e.fake = shopifytest.New(shopifytest.Config{ClientID: appID, Secrets: []string{appSecret}, Scopes: []string{"read_orders"}})
	e.shop = e.fake.AddShop(&shopifytest.Shop{Domain: newShop, Name: "New <Shop>", Currency: "USD", TimeZone: "America/New_York"})
	client, err := shopify.NewHTTPClient(e.fake.Start(t))
	fatal(t, err)
	app, err := shopify.NewApp(shopify.Config{ClientID: appID, Secrets: [][]byte{[]byte(appSecret)}, Scopes: []string{"read_orders"}, HTTP: client, Clock: time.Now})
	fatal(t, err)
	ring, err := secret.Load(filepath.Join(t.TempDir(), "keys.json"), "")
	fatal(t, err)
	e.install = &install.Service{Books: e.store, Auditor: e.store, Sealer: ring, Random: rand.Reader, Clock: time.Now}
	deps := e.api.Deps
	deps.Shopify = &httpapi.Shopify{
		App: shopifyBridge{app}, CodeGrant: codeGrant,
		Reception: &install.Reception{Service: e.install, Stores: e.store, Admin: e.admin, Grantor: shopifyBridge{app}, Join: join},
		Page: func(w http.ResponseWriter, _ *http.Request, clientID, shop string) {
			_, _ = fmt.Fprintf(w, "screens of %s for %s", clientID, shop)
		},
	}
	e.api = httpapi.New(deps)
	listening := httptest.NewServer(e.api)
	t.Cleanup(listening.Close)
	e.url = listening.URL
	return e
}

// get asks for an address as a browser does, with the cookies given.
func (e *embedding) get(t testing.TB, path string, cookies ...*http.Cookie) (p page, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+path, http.NoBody)
	fatal(t, err)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	answer, err := e.client.Do(r)
	fatal(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	fatal(t, err)
	return page{answer.StatusCode, answer.Header, answer.Cookies()}, string(text)
}

// page is an answer without its body.
type page struct {
	StatusCode int
	Header     http.Header
	Cookies    []*http.Cookie
}

func (e *embedding) state(t testing.TB) (install.Connection, admin.Store) {
	t.Helper()
	st, err := e.store.StoreByDomain(t.Context(), order.Shopify, newShop)
	fatal(t, err)
	c, err := e.store.Connection(t.Context(), st.StoreID)
	fatal(t, err)
	return c, st
}

// TestManagedInstall: the first document connects the store, in the shop's own currency, and orders of before never pay.
func TestManagedInstall(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, false, install.JoinAuto)
	e.shop.Install()
	begin := time.Now()
	answer, body := e.get(t, "/?"+e.shop.DocumentQuery())
	if answer.StatusCode != http.StatusOK || body != "screens of "+appID+" for "+newShop || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", answer.StatusCode, body)
	}
	c, st := e.state(t)
	if c.State != install.Connected || st.Currency != "USD" || st.Name != "New <Shop>" || st.SealedSecret != nil || st.GoLiveAt < begin.UnixMicro() {
		t.Fatalf("%+v %+v", c, st)
	}
	programs, err := e.store.Programs(t.Context())
	fatal(t, err)
	if len(programs) != 1 || programs[0].Currency != "USD" || programs[0].ProgramID != st.ProgramID {
		t.Fatalf("programs: %+v", programs)
	}
	for range 3 {
		e.get(t, "/?"+e.shop.DocumentQuery())
	}
	if n := len(e.fake.Requests(shopifytest.TokenPath)); n != 1 {
		t.Fatalf("%d token exchanges for one install", n)
	}
	got := send(t, http.MethodGet, e.url+"/api/v1/stores", http.NoBody, map[string]string{"Authorization": "Bearer " + e.shop.Session()})
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"connection":"connected"`) || !strings.Contains(string(got.body), newShop) {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

// TestMissingScopes: what a merchant has not granted is told with the store, until it is.
func TestMissingScopes(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, false, install.JoinAuto)
	e.fake.Scopes = []string{"write_discounts"}
	e.shop.Install()
	if answer, body := e.get(t, "/?"+e.shop.DocumentQuery()); answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", answer.StatusCode, body)
	}
	told := func() string {
		return string(send(t, http.MethodGet, e.url+"/api/v1/stores", http.NoBody, map[string]string{"Authorization": "Bearer " + e.shop.Session()}).body)
	}
	if got := told(); !strings.Contains(got, `"missing_scopes":["read_orders"]`) {
		t.Errorf("without a scope: %s", got)
	}
	if got := told(); !strings.Contains(got, `"optional_scopes":{"read_all_orders":false,"read_returns":false,"read_shopify_payments_disputes":false}`) {
		t.Errorf("without an optional scope: %s", got)
	}
	_, st := e.state(t)
	fatal(t, e.install.Rescope(t.Context(), st.StoreID, []string{"write_orders", "write_discounts", "read_shopify_payments_disputes"}, time.Now(), "shopify"))
	if got := told(); !strings.Contains(got, `"read_shopify_payments_disputes":true`) || strings.Contains(got, "missing_scopes") {
		t.Errorf("with more than it asks for: %s", got)
	}
}

// TestManyFirstDocuments: however often the first document is asked for at once, one store is made and connected once.
func TestManyFirstDocuments(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, false, install.JoinOwn)
	e.shop.Install()
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if answer, body := e.get(t, "/?"+e.shop.DocumentQuery()); answer.StatusCode != http.StatusOK {
				t.Errorf("%d %s", answer.StatusCode, body)
			}
		})
	}
	wg.Wait()
	if n := len(e.fake.Requests(shopifytest.TokenPath)); n != 1 {
		t.Fatalf("%d token exchanges", n)
	}
}

// TestBounce: without a good session token a document is sent to the token page, which lets only the shop's admin frame it.
func TestBounce(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, false, install.JoinAuto)
	e.shop.Install()
	stale := e.shop.Claims()
	stale["exp"] = time.Now().Add(-time.Minute).Unix()
	for name, query := range map[string]string{
		"none":    "embedded=1&shop=" + newShop + "&host=" + e.shop.HostParam(),
		"stale":   "embedded=1&shop=" + newShop + "&id_token=" + e.fake.SessionToken(stale),
		"garbage": "shop=" + newShop + "&id_token=x",
	} {
		answer, _ := e.get(t, "/?x=1&"+query)
		to, err := url.Parse(answer.Header.Get("Location"))
		fatal(t, err)
		reload, err := url.Parse(to.Query().Get("shopify-reload"))
		fatal(t, err)
		if answer.StatusCode != http.StatusFound || to.Path != "/shopify/token" || to.Host != "" || to.Query().Has("id_token") ||
			reload.Path != "/" || reload.Query().Has("id_token") || reload.Query().Get("x") != "1" || to.Query().Get("shop") != newShop {
			t.Errorf("%s: %d to %s, reload %s", name, answer.StatusCode, to, reload)
			continue
		}
		page, body := e.get(t, to.String())
		want := "frame-ancestors https://" + newShop + " https://admin.shopify.com;"
		if page.StatusCode != http.StatusOK || !strings.HasSuffix(page.Header.Get("Content-Security-Policy"), want) ||
			!strings.Contains(body, `<script data-api-key="`+appID+`" src="https://cdn.shopify.com/shopifycloud/app-bridge.js"></script>`) ||
			strings.Count(body, "<script") != 1 {
			t.Errorf("%s: %d %s\n%s", name, page.StatusCode, page.Header.Get("Content-Security-Policy"), body)
		}
		// The third time something is wrong that no token mends.
		if again, body := e.get(t, reload.Path+"?"+reload.RawQuery+"&upline-tries=9"); again.StatusCode != http.StatusFound {
			t.Errorf("%s again: %d %s", name, again.StatusCode, body)
		}
		q := reload.Query()
		q.Set("upline-tries", "3")
		if again, body := e.get(t, "/?"+q.Encode()); again.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "clock") {
			t.Errorf("%s for ever: %d %s", name, again.StatusCode, body)
		}
	}
	if n := len(e.fake.Requests("")); n != 0 {
		t.Errorf("%d requests to Shopify for tokens that are not good", n)
	}
}

// TestOpenRedirects: no address of ours leads a browser elsewhere.
func TestOpenRedirects(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, false, install.JoinAuto)
	for _, to := range []string{
		"", "https://evil.com/", "//evil.com", "/\\evil.com", "\\\\evil.com", "javascript:alert(1)", "evil.com", "/\t/evil.com", "https:evil.com",
	} {
		if answer, body := e.get(t, "/shopify/token?shopify-reload="+url.QueryEscape(to)); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", to, answer.StatusCode, body)
		}
	}
	answer, _ := e.get(t, "/shopify/token?shopify-reload=%2F&shop=x.myshopify.com.evil.com")
	if policy := answer.Header.Get("Content-Security-Policy"); strings.Contains(policy, "evil") || !strings.HasSuffix(policy, "frame-ancestors https://admin.shopify.com;") {
		t.Errorf("a foreign shop frames us: %s", policy)
	}
	if answer, body := e.get(t, "/?embedded=1&shop=evil.com&id_token=x"); answer.StatusCode != http.StatusFound || strings.HasPrefix(answer.Header.Get("Location"), "http") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
}

// TestSessionTokensOfTheAPI: a bad token is answered so that App Bridge brings another one; a good one sees its own program.
func TestSessionTokensOfTheAPI(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, false, install.JoinOwn)
	e.shop.Install()
	other := e.company(t, "alpha")
	foreign := e.shop.Claims()
	foreign["aud"] = "another"
	for name, token := range map[string]string{"garbage": "a.b.c", "for another app": e.fake.SessionToken(foreign), "wrong secret": shopifytest.Token("x", map[string]any{"alg": "HS256"}, e.shop.Claims()), "alg none": shopifytest.Token("", map[string]any{"alg": "none"}, e.shop.Claims())} {
		got := send(t, http.MethodGet, e.url+"/api/v1/orders", http.NoBody, map[string]string{"Authorization": "Bearer " + token})
		if got.status != http.StatusUnauthorized || got.header.Get("X-Shopify-Retry-Invalid-Session-Request") != "1" {
			t.Errorf("%s: %d %v", name, got.status, got.header)
		}
	}
	if got := send(t, http.MethodGet, e.url+"/api/v1/orders", http.NoBody, map[string]string{"Authorization": "Bearer upk_unknown"}); got.status != http.StatusUnauthorized || got.header.Get("X-Shopify-Retry-Invalid-Session-Request") != "" {
		t.Errorf("an unknown API key is told to App Bridge: %d %v", got.status, got.header)
	}
	got := send(t, http.MethodGet, e.url+"/api/v1/stores", http.NoBody, map[string]string{"Authorization": "Bearer " + e.shop.Session()})
	if got.status != http.StatusOK || strings.Contains(string(got.body), other.shop) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestUnannounced: on one company's server a second shop does not see the company because it installs the app.
func TestUnannounced(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, false, install.JoinAuto)
	e.shop.Install()
	e.company(t, "alpha") // has a Shopify store already
	answer, body := e.get(t, "/?"+e.shop.DocumentQuery())
	if answer.StatusCode != http.StatusForbidden || !strings.Contains(body, "upline admin store create "+newShop) ||
		!strings.HasSuffix(answer.Header.Get("Content-Security-Policy"), "frame-ancestors https://"+newShop+" https://admin.shopify.com;") {
		t.Fatalf("%d %s", answer.StatusCode, body)
	}
	got := send(t, http.MethodGet, e.url+"/api/v1/orders", http.NoBody, map[string]string{"Authorization": "Bearer " + e.shop.Session()})
	if got.status != http.StatusForbidden || len(e.fake.Requests("")) != 0 {
		t.Fatalf("%d %s, %d requests to Shopify", got.status, got.body, len(e.fake.Requests("")))
	}
	_, err := e.admin.CreateAppStore(t.Context(), admin.Store{ProgramID: "alpha", Platform: order.Shopify, Domain: newShop, Currency: "USD"})
	fatal(t, err)
	if answer, body := e.get(t, "/?"+e.shop.DocumentQuery()); answer.StatusCode != http.StatusOK {
		t.Fatalf("announced: %d %s", answer.StatusCode, body)
	}
}

// TestShopifyDown: what Shopify does wrong while a merchant installs is said, and the next try succeeds.
func TestShopifyDown(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]shopifytest.Fault{
		"500": shopifytest.Status(shopifytest.TokenPath, 500), "garbage": shopifytest.Garbage(shopifytest.TokenPath),
		"frozen": shopifytest.Status(shopifytest.TokenPath, 402), "no name": shopifytest.Status("/admin/api/", 403),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := openEmbedding(t, false, install.JoinAuto)
			e.shop.Install()
			e.fake.Fail(fault, fault, fault)
			if answer, body := e.get(t, "/?"+e.shop.DocumentQuery()); answer.StatusCode < 500 || strings.Contains(body, "screens") {
				t.Fatalf("%d %s", answer.StatusCode, body)
			}
			e.fake.Heal()
			if answer, body := e.get(t, "/?"+e.shop.DocumentQuery()); answer.StatusCode != http.StatusOK {
				t.Fatalf("the next try: %d %s", answer.StatusCode, body)
			}
		})
	}
}

// TestCodeGrant walks the whole way: out of the frame, to Shopify, back, into the admin.
func TestCodeGrant(t *testing.T) {
	t.Parallel()
	e := openEmbedding(t, true, install.JoinAuto)
	e.shop.Install()
	answer, body := e.get(t, "/?"+e.shop.DocumentQuery())
	begin := between(body, `target="_top"`, `href="`)
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(begin, e.url+"/shopify/auth/begin?code=") || !strings.Contains(body, `window.open("`) {
		t.Fatalf("%d %q\n%s", answer.StatusCode, begin, body)
	}
	got := send(t, http.MethodGet, e.url+"/api/v1/orders", http.NoBody, map[string]string{"Authorization": "Bearer " + e.shop.Session()})
	if got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("X-Shopify-Api-Request-Failure-Reauthorize-Url"), "/shopify/auth/begin?code=") {
		t.Fatalf("%d %v", got.status, got.header)
	}
	path := strings.TrimPrefix(begin, e.url)
	answer, _ = e.get(t, path)
	if again, _ := e.get(t, path); again.StatusCode != http.StatusForbidden {
		t.Fatalf("the code of the beginning counts twice: %d", again.StatusCode)
	}
	cookies := answer.Cookies
	authorize, err := url.Parse(answer.Header.Get("Location"))
	fatal(t, err)
	if authorize.Host != newShop || authorize.Query().Get("redirect_uri") != e.url+"/shopify/auth/callback" || len(cookies) != 1 ||
		!cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Value != authorize.Query().Get("state") {
		t.Fatalf("%s, %v", authorize, cookies)
	}
	back := e.agree(t, authorize)
	if without, _ := e.get(t, back); without.StatusCode != http.StatusForbidden {
		t.Fatalf("without the cookie: %d", without.StatusCode)
	}
	if forged, _ := e.get(t, strings.Replace(back, "code=code_", "code=code_0", 1), cookies...); forged.StatusCode != http.StatusUnauthorized {
		t.Fatalf("another code: %d", forged.StatusCode)
	}
	done, body := e.get(t, back, cookies...)
	if done.StatusCode != http.StatusFound || done.Header.Get("Location") != "https://admin.shopify.com/store/new-shop/apps/"+appID {
		t.Fatalf("%d %s %s", done.StatusCode, done.Header.Get("Location"), body)
	}
	if c, st := e.state(t); c.State != install.Connected || st.Currency != "USD" {
		t.Fatalf("%+v", c)
	}
	if replayed, _ := e.get(t, back, cookies...); replayed.StatusCode != http.StatusForbidden {
		t.Fatalf("the same return again: %d", replayed.StatusCode)
	}
	if n := len(e.fake.Requests(shopifytest.TokenPath)); n != 1 {
		t.Fatalf("%d requests to the token endpoint", n)
	}
	if answer, body := e.get(t, "/?"+e.shop.DocumentQuery()); answer.StatusCode != http.StatusOK || !strings.HasPrefix(body, "screens") {
		t.Fatalf("after it: %d %s", answer.StatusCode, body)
	}
}

// between is the text before a mark and after the last beginning before that.
func between(text, end, begin string) string {
	head, _, found := strings.Cut(text, end)
	i := strings.LastIndex(head, begin)
	if !found || i < 0 {
		return ""
	}
	text, _, _ = strings.Cut(head[i+len(begin):], `"`)
	return strings.ReplaceAll(text, "&amp;", "&")
}

// agree is the merchant on Shopify's page; it gives the path and query that Shopify sends back.
func (e *embedding) agree(t *testing.T, authorize *url.URL) string {
	t.Helper()
	w := httptest.NewRecorder()
	e.fake.ServeHTTP(w, httptest.NewRequest(http.MethodGet, authorize.String(), http.NoBody))
	back := w.Header().Get("Location")
	if w.Code != http.StatusFound || !strings.HasPrefix(back, e.url) {
		t.Fatalf("Shopify: %d %s", w.Code, back)
	}
	return strings.TrimPrefix(back, e.url)
}

// TestArrivals: whom Shopify sends outside its frame goes to the page of consent or back into the admin; a forged address is
// a stranger's.
func TestArrivals(t *testing.T) {
	t.Parallel()
	signed := func(e *embedding, shop string, at time.Time) string {
		return "/?" + e.fake.SignQuery(url.Values{"shop": {shop}, "timestamp": {fmt.Sprint(at.Unix())}, "host": {base64.RawStdEncoding.EncodeToString([]byte("evil.com/store"))}})
	}
	for name, c := range map[string]struct {
		codeGrant bool
		path      func(*embedding) string
		want      string // prefix of Location; "": the page everybody gets
	}{
		"managed":                {false, func(e *embedding) string { return signed(e, newShop, time.Now()) }, "https://admin.shopify.com/store/new-shop/apps/"},
		"code grant":             {true, func(e *embedding) string { return signed(e, newShop, time.Now()) }, "https://" + newShop + "/admin/oauth/authorize?"},
		"old":                    {true, func(e *embedding) string { return signed(e, newShop, time.Now().Add(-time.Hour)) }, ""},
		"a foreign host, signed": {true, func(e *embedding) string { return signed(e, "new-shop.myshopify.com.evil.com", time.Now()) }, ""},
		"forged": {true, func(e *embedding) string {
			return strings.Replace(signed(e, newShop, time.Now()), "shop=new", "shop=old", 1)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := openEmbedding(t, c.codeGrant, install.JoinAuto)
			answer, body := e.get(t, c.path(e))
			to := answer.Header.Get("Location")
			if c.want == "" && (answer.StatusCode != http.StatusOK || to != "" || strings.HasPrefix(body, "screens")) {
				t.Fatalf("%d to %s", answer.StatusCode, to)
			}
			if c.want != "" && (answer.StatusCode != http.StatusFound || !strings.HasPrefix(to, c.want)) {
				t.Fatalf("%d to %s", answer.StatusCode, to)
			}
		})
	}
}

// shopify is the app's part of the conversation that is held against the document.
func (c *conversation) shopify(t *testing.T) {
	t.Helper()
	c.say(exchange{method: "GET", path: "/shopify/token?shopify-reload=%2F", want: http.StatusNotFound})
	c.say(exchange{method: "GET", path: "/shopify/auth/begin?code=x", want: http.StatusNotFound})
	c.say(exchange{method: "GET", path: "/shopify/auth/callback?shop=x&code=x&state=x&timestamp=1&hmac=x", want: http.StatusNotFound})
	e := openEmbedding(t, true, install.JoinAuto)
	before := c.url
	c.url = e.url
	defer func() { c.url = before }()
	c.say(exchange{method: "GET", path: "/shopify/token?shopify-reload=%2F&shop=" + newShop, want: http.StatusOK})
	c.say(exchange{method: "GET", path: "/shopify/token?shopify-reload=%2F%2Fevil.com", want: http.StatusUnprocessableEntity})
	c.say(exchange{method: "GET", path: "/shopify/auth/begin?code=x", want: http.StatusForbidden})
	_, body := e.get(t, "/?"+e.shop.DocumentQuery())
	begin := strings.TrimPrefix(between(body, `target="_top"`, `href="`), e.url)
	c.say(exchange{method: "GET", path: begin, want: http.StatusFound})
	now := fmt.Sprint(time.Now().Unix())
	query := url.Values{"shop": {newShop}, "code": {"c"}, "state": {"s"}, "timestamp": {now}}
	c.say(exchange{method: "GET", path: "/shopify/auth/callback?hmac=x&" + query.Encode(), want: http.StatusUnauthorized})
	c.say(exchange{method: "GET", path: "/shopify/auth/callback?" + e.fake.SignQuery(query), want: http.StatusForbidden})
	query.Set("timestamp", "1")
	c.say(exchange{method: "GET", path: "/shopify/auth/callback?" + e.fake.SignQuery(query), want: http.StatusUnprocessableEntity})
	arrival, _ := e.get(t, "/?"+e.fake.SignQuery(url.Values{"shop": {newShop}, "timestamp": {now}}))
	authorize, err := url.Parse(arrival.Header.Get("Location"))
	fatal(t, err)
	cookie := arrival.Cookies[0]
	c.say(exchange{method: "GET", path: e.agree(t, authorize), header: map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}, want: http.StatusFound})
	got := send(t, http.MethodGet, e.url+"/api/v1/stores", http.NoBody, map[string]string{"Authorization": "Bearer " + e.shop.Session()})
	var stores struct{ Data []map[string]any }
	if err := json.Unmarshal(got.body, &stores); err != nil || len(stores.Data) != 1 || stores.Data[0]["connection"] != "connected" || stores.Data[0]["connected_at"] == nil {
		t.Errorf("%d %s", got.status, got.body)
	}
	c.say(exchange{method: "GET", path: "/api/v1/stores", header: map[string]string{"Authorization": "Bearer " + e.shop.Session()}, want: http.StatusOK})
}
