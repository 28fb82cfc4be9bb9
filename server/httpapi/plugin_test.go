package httpapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
)

// plugin is a shop's plugin as the server sees it.
type plugin struct {
	*company
	site   string
	store  string
	secret string
	calls  int
}

// offer makes a code as the command line or the approve page does.
func (c *company) offer(site, challenge, role string) string {
	c.t.Helper()
	code, err := c.channel.Offer(c.t.Context(), &channel.Offer{
		Challenge: challenge, LinkRole: role,
		Store: admin.Store{ProgramID: c.program, Platform: order.WooCommerce, Domain: site, Currency: "USD"},
	}, "test")
	fatal(c.t, err)
	return code
}

// claim brings a code, as a plugin does.
func (c *company) claim(site, code, verifier string) reply {
	c.t.Helper()
	body := fmt.Sprintf(`{"type":"claim","version":1,"site":%q,"code":%q,"verifier":%q,"currency":"USD"}`, site, code, verifier)
	return send(c.t, http.MethodPost, c.url+"/api/plugin/claim", strings.NewReader(body), map[string]string{"Content-Type": "application/json"})
}

// connect is the whole way of a code that a person handed over.
func (c *company) connect(site, role string) *plugin {
	c.t.Helper()
	var got channel.Claimed
	fatal(c.t, json.Unmarshal(c.want(http.StatusOK, c.claim(site, c.offer(site, "", role), "")).body, &got))
	if got.Secret == "" || got.IdentityKey == "" || got.WebhookURL != c.url+"/webhooks/woocommerce/"+got.StoreID {
		c.t.Fatalf("claimed %+v", got)
	}
	return &plugin{company: c, site: site, store: got.StoreID, secret: got.Secret}
}

// body is one of a call, with members beside the head.
func (p *plugin) body(call, members string) []byte {
	if members != "" {
		members = "," + members
	}
	return fmt.Appendf(nil, `{"type":%q,"version":1,"site":%q%s}`, call, p.site, members)
}

// call asks, with a new id, and reads the answer.
func (p *plugin) call(call, members string) map[string]any {
	p.t.Helper()
	var got map[string]any
	fatal(p.t, json.Unmarshal(p.want(http.StatusOK, p.send(call, p.body(call, members))).body, &got))
	return got
}

func (p *plugin) send(call string, body []byte) reply {
	p.t.Helper()
	p.calls++
	header := pluginHeader(fmt.Sprintf("call-%d", p.calls), time.Now(), body, p.secret)
	return send(p.t, http.MethodPost, p.url+"/api/plugin/"+p.store+"/"+call, strings.NewReader(string(body)), header)
}

// sell tells an order of the shop and waits until it is decided.
func (p *plugin) sell(sequence int, refunds string) map[string]any {
	p.t.Helper()
	body := snapshotBody(p.site, sequence, refunds)
	header := pluginHeader(fmt.Sprintf("evt-%d", sequence), time.Now(), body, p.secret)
	p.want(http.StatusOK, send(p.t, http.MethodPost, p.url+"/webhooks/woocommerce/"+p.store, strings.NewReader(string(body)), header))
	return p.decided(p.store + "/20")
}

const shopSite = "https://shop.example.com"

func TestClaim(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	sum := sha256.Sum256([]byte("the verifier"))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])

	code := c.offer(shopSite, challenge, "")
	if got := c.claim("https://staging.example.com", code, "the verifier"); got.status != 403 || got.problem(t).Field != "site" {
		t.Errorf("from another site: %d %s, want 403", got.status, got.body)
	}
	if got := c.claim(shopSite, code, "another verifier"); got.status != 401 {
		t.Errorf("another verifier: %d %s, want 401", got.status, got.body)
	}
	if got := c.claim(shopSite, code, "the verifier"); got.status != 401 {
		t.Errorf("a code that a wrong verifier was tried on: %d, want 401", got.status)
	}
	code = c.offer(shopSite, challenge, "")
	first := c.want(http.StatusOK, c.claim(shopSite+"/", code, "the verifier"))
	c.want(http.StatusUnauthorized, c.claim(shopSite, code, "the verifier")) // once
	c.want(http.StatusUnauthorized, c.claim(shopSite, "nonsense", ""))

	again := c.connect(shopSite, "") // the same store, connected again
	var was channel.Claimed
	fatal(t, json.Unmarshal(first.body, &was))
	if was.StoreID != again.store || was.Secret == again.secret {
		t.Errorf("connected again as %s, want %s with a new secret", again.store, was.StoreID)
	}
	old := *again
	old.secret = was.Secret
	time.Sleep(5100 * time.Millisecond) // as long as a withdrawn secret may count
	if got := old.send("status", old.body("status", "")); got.status != http.StatusUnauthorized {
		t.Errorf("the secret of before: %d, want 401", got.status)
	}
	if v := again.call("status", ""); v["store_id"] != again.store || v["orders"] != 0.0 || v["reads"] != false {
		t.Errorf("status %v", v)
	}
}

// TestPluginCallRefusals: what was signed for one thing serves no other, and serves once.
func TestPluginCallRefusals(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	p := c.connect(shopSite, "")
	good := p.body("status", "")
	copied := &plugin{company: c, site: "https://staging.example.com", store: p.store, secret: p.secret, calls: 100}
	at := func(call string) string { return c.url + "/api/plugin/" + p.store + "/" + call }
	now := time.Now()
	cases := []struct {
		name   string
		url    string
		body   []byte
		header map[string]string
		want   int
		field  string
	}{
		{"wrong secret", at("status"), good, pluginHeader("n1", now, good, "ups_other"), 401, ""},
		{"unknown store", c.url + "/api/plugin/nobody/status", good, pluginHeader("n1", now, good, p.secret), 401, ""},
		{"unsigned", at("status"), good, nil, 401, ""},
		{"an hour behind", at("status"), good, pluginHeader("n1", now.Add(-time.Hour), good, p.secret), 401, "webhook-timestamp"},
		{"signed for another call", at("rotate"), good, pluginHeader("n1", now, good, p.secret), 422, "type"},
		{"a staging copy", at("status"), copied.body("status", ""), pluginHeader("n1", now, copied.body("status", ""), p.secret), 403, "site"},
		{"no such call", at("nothing"), p.body("nothing", ""), pluginHeader("n1", now, p.body("nothing", ""), p.secret), 404, ""},
		{"good", at("status"), good, pluginHeader("n1", now, good, p.secret), 200, ""},
		{"played again", at("status"), good, pluginHeader("n1", now, good, p.secret), 409, "webhook-id"},
		{"too large", at("status"), make([]byte, 300<<10), pluginHeader("n2", now, good, p.secret), 413, ""},
	}
	for _, tc := range cases {
		got := send(t, http.MethodPost, tc.url, strings.NewReader(string(tc.body)), tc.header)
		if got.status != tc.want || tc.want != 200 && got.problem(t).Field != tc.field {
			t.Errorf("%s: %d %s, want %d of %q", tc.name, got.status, got.body, tc.want, tc.field)
		}
	}
	limited := false
	for range 1000 { // Two more are let through each second, so that a slow machine needs more than 120.
		got := p.send("status", p.body("status", ""))
		if limited = got.status == http.StatusTooManyRequests; limited {
			if got.header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
			break
		}
	}
	if !limited {
		t.Error("a flood of calls is never refused")
	}
}

// TestPluginPages: what the shop's own pages show.
func TestPluginPages(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.mapTea()
	p := c.connect(shopSite, "")
	if v := p.call("explanation", `"order_id":"20"`); v["state"] != "unknown" {
		t.Errorf("before the order: %v", v)
	}
	o := p.sell(1, "")
	v := p.call("explanation", `"order_id":"20"`)
	earnings, _ := v["earnings"].([]any)
	if v["state"] != "settled" || v["net"] != "59.80" || v["distributor_id"] != "ANNA" || v["evidence"] != "code anna1001" || len(earnings) == 0 {
		t.Errorf("explanation %v", v)
	}
	if rows := sumOf(t, earnings); rows != o["earned"] {
		t.Errorf("the explanation's earnings sum to %s, the order's to %v", rows, o["earned"])
	}
	found, _ := p.call("distributors", `"search":"anna"`)["data"].([]any)
	if len(found) != 1 || strings.Contains(fmt.Sprint(found), "Bauer") {
		t.Errorf("found %v, want ANNA without a name", found)
	}
	coupons, _ := p.call("coupons", "")["data"].([]any)
	if len(coupons) != 2 || !strings.Contains(fmt.Sprint(coupons), "ANNA1001") {
		t.Errorf("coupons %v, want those of ANNA and TOP", coupons)
	}
	if v := p.call("earnings", `"customer_id":"77"`); v["distributor"] != nil {
		t.Errorf("a customer who is no distributor: %v", v)
	}
	c.want(http.StatusOK, c.post("/api/v1/customers/bindings", `{"data":[{"store_id":"`+p.store+`","customer_id":"77","kind":"self","distributor_id":"ANNA"}]}`))
	mine := p.call("earnings", `"customer_id":"77"`)
	totals, _ := mine["totals"].([]any)
	if d, _ := mine["distributor"].(map[string]any); d["distributor_id"] != "ANNA" || d["link"] != "https://shop.example.com/?ref=ANNA1001" || len(totals) != 1 {
		t.Errorf("earnings %v", mine)
	}
	pending := totals[0].(map[string]any)["pending"]
	p.sell(2, `{"id":"9","at":"2026-11-22T00:00:00Z","amount":"71.21"}`)
	c.soon(func() bool {
		after, _ := p.call("earnings", `"distributor_id":"ANNA"`)["totals"].([]any)
		first := after[0].(map[string]any)
		return first["pending"] == "0.00" && first["reversed"] == "-"+fmt.Sprint(pending)
	})
	p.call("heartbeat", `"queue_depth":3,"oldest_unsent_at":"2026-11-20T00:00:00Z","failed":0,"last_error":"x","versions":{"plugin":"1.0.0"}`)
	kept, err := c.store.Channel(t.Context(), p.store)
	fatal(t, err)
	if trouble := kept.Trouble(time.Now()); !strings.Contains(trouble, "2026-11-20") {
		t.Errorf("an order that waits for a week is no trouble: %q", trouble)
	}
	if told := p.troubles(); told[p.store] == "" {
		t.Errorf("nobody is told of it: %v", told)
	}
	if v := p.call("export", `"customer_id":"77"`); !strings.Contains(fmt.Sprint(v["data"]), "ANNA") {
		t.Errorf("export %v", v)
	}
	rotated, _ := p.call("rotate", "")["secret"].(string)
	p.call("status", "") // the old one still counts
	p.secret = rotated
	p.call("status", "")
	p.call("disconnect", `"reason":"test"`)
	if told := p.troubles(); told[p.store] != "" {
		t.Errorf("somebody is told of a store that was disconnected: %v", told)
	}
	time.Sleep(5100 * time.Millisecond)
	p.want(http.StatusUnauthorized, p.send("status", p.body("status", "")))
}

// troubles are what somebody is told of the program's plugins.
func (p *plugin) troubles() map[string]string {
	told := map[string]string{}
	p.channel.LookAfter(p.t.Context(), func(context.Context) ([]string, error) { return []string{p.program}, nil }, func(storeID, trouble string, err error) {
		fatal(p.t, err)
		told[storeID] = trouble
	})
	return told
}

// whyPattern is a sentence for somebody who never saw the plan.
var whyPattern = regexp.MustCompile(`^(level \d+: )?[0-9.]+%( × [0-9.]+%)* of [0-9.]+ (EUR|USD|CV)$`)

// sumOf adds up the amounts of an explanation, which have two decimals.
func sumOf(t *testing.T, earnings []any) string {
	t.Helper()
	var sum int64
	for _, e := range earnings {
		row, _ := e.(map[string]any)
		var whole, part int64
		if _, err := fmt.Sscanf(fmt.Sprint(row["amount"]), "%d.%d", &whole, &part); err != nil || !whyPattern.MatchString(fmt.Sprint(row["why"])) {
			t.Fatalf("earning %v: %v", row, err)
		}
		sum += whole*100 + part
	}
	return fmt.Sprintf("%d.%02d", sum/100, sum%100)
}

// TestStoreLink: a button in the shop opens our pages for that person, once, and nowhere else.
func TestStoreLink(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	off := c.connect("https://off.example.com", "")
	if got := off.send("sso", off.body("sso", `"audience":"merchant","user_id":"1","next":"/orders"`)); got.status != http.StatusForbidden {
		t.Errorf("links that nobody allowed: %d, want 403", got.status)
	}
	p := c.connect(shopSite, "viewer")
	for next, want := range map[string]string{"/orders/x": "/orders/x", "https://evil.example": "/", "//evil.example": "/", "/\\\\evil.example": "/", "": "/"} {
		members := fmt.Sprintf(`"audience":"merchant","user_id":"1","next":%q`, next)
		address, _ := p.call("sso", members)["url"].(string)
		status, header := followed(t, address, "")
		if status != http.StatusSeeOther || header.Get("Location") != want || len(header.Values("Set-Cookie")) != 1 {
			t.Fatalf("%q: %d to %q, want %q and a cookie", next, status, header.Get("Location"), want)
		}
		b := &browser{t: t, url: c.url}
		b.keep(header)
		if session := b.want(http.StatusOK, http.MethodGet, "/api/v1/session", ""); !strings.Contains(string(session.body), `"viewer"`) {
			t.Errorf("session %s", session.body)
		}
		b.want(http.StatusForbidden, http.MethodPost, "/api/v1/mappings", `{"data":[]}`)
		if again, _ := followed(t, address, ""); again != http.StatusForbidden {
			t.Errorf("followed again: %d, want 403", again)
		}
	}
}

// followed opens a link as a browser with a cookie does, and stays where it is sent on.
func followed(t *testing.T, address, cookie string) (status int, header http.Header) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	fatal(t, err)
	r.Header.Set("Cookie", cookie)
	answer, err := client.Do(r)
	fatal(t, err)
	fatal(t, answer.Body.Close())
	return answer.StatusCode, answer.Header
}

// TestStoreLinkOfSomebodySignedIn: whoever is signed in and may as much stays who they are; anybody else becomes who the link says.
func TestStoreLinkOfSomebodySignedIn(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	alpha, beta := p.company(t, "alpha"), p.company(t, "beta")
	for _, is := range []struct {
		name       string
		who        *browser
		link, want auth.Role
		kept       bool
	}{
		{"an owner keeps the account", alpha.as(t, "alpha", auth.Owner), auth.Viewer, auth.Owner, true},
		{"the same role keeps the account", alpha.as(t, "alpha", auth.Viewer), auth.Viewer, auth.Viewer, true},
		{"the link allows more", alpha.as(t, "alpha", auth.Support), auth.Admin, auth.Admin, false},
		{"an owner of another company", beta.as(t, "beta", auth.Owner), auth.Viewer, auth.Viewer, false},
	} {
		shop := alpha.connect("https://"+strings.ReplaceAll(is.name, " ", "-")+".example.com", string(is.link))
		address, _ := shop.call("sso", `"audience":"merchant","user_id":"1","next":"/orders"`)["url"].(string)
		status, header := followed(t, address, is.who.cookie)
		if kept := header.Get("Set-Cookie") == ""; status != http.StatusSeeOther || kept != is.kept || header.Get("Location") != "/orders" {
			t.Errorf("%s: %d to %q, kept %v, want %v", is.name, status, header.Get("Location"), kept, is.kept)
		}
		is.who.keep(header)
		var session struct{ Role auth.Role }
		is.who.into(&session, http.MethodGet, "/api/v1/session", "")
		if session.Role != is.want {
			t.Errorf("%s: role %s, want %s", is.name, session.Role, is.want)
		}
		if again, _ := followed(t, address, is.who.cookie); again != http.StatusForbidden {
			t.Errorf("%s: followed again: %d, want 403", is.name, again)
		}
	}
}
