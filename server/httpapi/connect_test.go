package httpapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/query"
)

const verifier = "a verifier of the plugin's own"

// asked is what a connect button sends a browser with; pairs change it.
func asked(pairs ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	v := url.Values{
		"site": {shopSite}, "return": {shopSite + "/wp-admin/admin.php?page=wc-settings&tab=upline"}, "nonce": {"n0nce"}, "currency": {"USD"},
		"name": {`Anna's "Tea" <b>Shop</b>`}, "challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// visit goes to a page without following where it leads. cookies are sent beside the session's.
func (b *browser) visit(method, path string, form url.Values, cookies ...string) (reply, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	fatal(b.t, err)
	for name, value := range b.header() {
		r.Header.Set(name, value)
	}
	for _, cookie := range cookies {
		r.Header.Add("Cookie", cookie)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(r)
	fatal(b.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	fatal(b.t, err)
	return reply{answer.StatusCode, answer.Header, text}, string(text)
}

var (
	csrfField   = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	goLiveField = regexp.MustCompile(`name="go_live_at" type="date" value="([^"]+)"`)
)

// approve opens the approve page and presses Connect, with the day that stands there.
func (b *browser) approve(v url.Values, role string) reply {
	b.t.Helper()
	page, text := b.visit(http.MethodGet, "/connect/woocommerce?"+v.Encode(), nil)
	found := csrfField.FindStringSubmatch(text)
	if page.status != http.StatusOK || found == nil {
		b.t.Fatalf("the approve page: %d\n%s", page.status, text)
	}
	form := url.Values{"csrf": {found[1]}, "role": {role}}
	if day := goLiveField.FindStringSubmatch(text); day != nil {
		form.Set("go_live_at", day[1])
	}
	for name, values := range v {
		form[name] = values
	}
	answer, _ := b.visit(http.MethodPost, "/connect/woocommerce", form)
	return answer
}

// claimOf claims the store with the code that a browser brings back.
func claimOf(t *testing.T, c *company, address string) channel.Claimed {
	t.Helper()
	back, err := url.Parse(address)
	fatal(t, err)
	if back.Host != "shop.example.com" || back.Query().Get("nonce") != "n0nce" || back.Query().Get("tab") != "upline" {
		t.Fatalf("the browser goes to %s", address)
	}
	var got channel.Claimed
	fatal(t, json.Unmarshal(c.want(http.StatusOK, c.claim(shopSite, back.Query().Get("upline_code"), verifier)).body, &got))
	return got
}

func TestConnectButton(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	stranger := &browser{t: t, url: c.url}
	_, text := stranger.visit(http.MethodGet, "/connect/woocommerce?"+asked().Encode(), nil)
	if !strings.Contains(text, `type="password"`) || strings.Contains(text, "<b>Shop") {
		t.Errorf("a stranger sees\n%s", text)
	}
	owner := c.as(t, "alpha", auth.Owner)
	page, text := owner.visit(http.MethodGet, "/connect/woocommerce?"+asked().Encode(), nil)
	policy := page.header.Get("Content-Security-Policy")
	if !strings.Contains(text, "&lt;b&gt;Shop") || !strings.Contains(text, "Company alpha") || !strings.Contains(policy, "form-action 'self' "+shopSite) || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("the owner sees, under %q\n%s", policy, text)
	}
	if viewer := c.as(t, "alpha", auth.Viewer); true {
		page, text := viewer.visit(http.MethodGet, "/connect/woocommerce?"+asked().Encode(), nil)
		if page.status != http.StatusForbidden || strings.Contains(text, `name="csrf"`) {
			t.Errorf("a viewer: %d\n%s", page.status, text)
		}
	}
	answer := owner.approve(asked(), "support")
	if answer.status != http.StatusSeeOther {
		t.Fatalf("approved: %d", answer.status)
	}
	got := claimOf(t, c, answer.header.Get("Location"))
	kept, err := c.store.Channel(t.Context(), got.StoreID)
	fatal(t, err)
	if kept.LinkRole != "support" || kept.ProgramID != "alpha" {
		t.Errorf("kept %+v", kept)
	}
	p := &plugin{company: c, site: shopSite, store: got.StoreID, secret: got.Secret}
	if v := p.call("status", ""); v["name"] == "" || v["reads"] != false {
		t.Errorf("status %v", v)
	}
}

// TestEarlierDayPays: an order pays by the day that its store has now, there and back.
func TestEarlierDayPays(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	owner := c.as(t, "alpha", auth.Owner)
	got := claimOf(t, c, owner.approve(asked(), "viewer").header.Get("Location"))
	p := &plugin{company: c, site: shopSite, store: got.StoreID, secret: got.Secret}
	c.mapTea()
	if v := p.sell(1, ""); v["earned"] != "0.00" {
		t.Fatalf("an order of before: %v", v)
	}
	earned := func() string {
		var told struct{ Order struct{ Earned string } }
		c.read(&told, "/api/v1/orders/"+got.StoreID+"/20/explanation")
		return told.Order.Earned
	}
	pays := func(from string, paid bool) string {
		owner.want(http.StatusNoContent, http.MethodPatch, "/api/v1/stores/"+got.StoreID, `{"go_live_at":"`+from+`"}`)
		for end := time.Now().Add(time.Minute); (earned() != "0.00") != paid && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		if now := earned(); (now != "0.00") != paid {
			t.Errorf("from %q on: earned %s", from, now)
		}
		return earned()
	}
	first := pays("2020-01-01", true)
	pays("2100-01-01", false)
	if again := pays("", true); again != first {
		t.Errorf("earned %s, after there and back %s", first, again)
	}
}

// TestConnectPaysFromToday: unless somebody says otherwise, what was sold before a shop is connected is not paid again here.
func TestConnectPaysFromToday(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	owner := c.as(t, "alpha", auth.Owner)
	begin := time.Now().Add(-25 * time.Hour) // a day begins at most so long ago, where clocks change too
	got := claimOf(t, c, owner.approve(asked(), "viewer").header.Get("Location"))
	p := &plugin{company: c, site: shopSite, store: got.StoreID, secret: got.Secret}
	var stores struct{ Data []query.StoreRow }
	c.read(&stores, "/api/v1/stores")
	at := slices.IndexFunc(stores.Data, func(st query.StoreRow) bool { return st.StoreID == got.StoreID })
	if at < 0 || stores.Data[at].GoLiveAt == nil || stores.Data[at].GoLiveAt.Before(begin) || stores.Data[at].GoLiveAt.After(time.Now()) {
		t.Fatalf("the store pays from a day that is not today: %+v", stores.Data)
	}
	c.mapTea()
	if v := p.sell(1, ""); v["settlement"] != "settled" || v["earned"] != "0.00" {
		t.Errorf("an order of before: %v", v)
	}
	const why = "It was placed before its store went live: orders earn that are placed from "
	if v := p.call("explanation", `"order_id":"20"`); !strings.HasPrefix(fmt.Sprint(v["reason"]), why) || v["state"] != "settled" {
		t.Errorf("the shop is not told why it earns nothing: %v", v)
	}
	var told struct {
		Text     string
		PaysFrom time.Time `json:"pays_from"`
	}
	c.read(&told, "/api/v1/orders/"+got.StoreID+"/20/explanation")
	if !strings.Contains(told.Text, why) || !told.PaysFrom.Equal(*stores.Data[at].GoLiveAt) {
		t.Errorf("the explanation does not say why it earns nothing: %+v", told)
	}
	if _, text := owner.visit(http.MethodGet, "/connect/woocommerce?"+asked().Encode(), nil); goLiveField.MatchString(text) {
		t.Error("a store that is there is asked from when on it pays")
	}
	other := asked("site", "https://other.example", "return", "https://other.example/wp-admin/")
	_, text := owner.visit(http.MethodGet, "/connect/woocommerce?"+other.Encode(), nil)
	other.Set("csrf", csrfField.FindStringSubmatch(text)[1])
	other.Set("go_live_at", "soon")
	if page, text := owner.visit(http.MethodPost, "/connect/woocommerce", other); page.status != http.StatusUnprocessableEntity || !strings.Contains(text, "soon") {
		t.Errorf("a day that is none: %d %s", page.status, text)
	}
	other.Set("go_live_at", "")
	if page, _ := owner.visit(http.MethodPost, "/connect/woocommerce", other); page.status != http.StatusSeeOther {
		t.Errorf("no day: %d", page.status)
	}
	if _, text := owner.visit(http.MethodGet, "/connect/woocommerce?"+other.Encode(), nil); !goLiveField.MatchString(text) {
		t.Error("a shop that went no further is not asked again")
	}
	var again struct{ Data []query.StoreRow }
	c.read(&again, "/api/v1/stores")
	for _, st := range again.Data {
		if st.Domain == "other.example" && st.GoLiveAt != nil {
			t.Errorf("without a day it pays from %s on", st.GoLiveAt)
		}
	}
}

// TestConnectRefusals: nobody is sent to an address that is not the shop's, and no other page can approve.
func TestConnectRefusals(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	owner := c.as(t, "alpha", auth.Owner)
	for name, v := range map[string]url.Values{
		"return to another host":   asked("return", "https://evil.example/"),
		"return to a look-alike":   asked("return", "https://shop.example.com.evil.example/"),
		"return with a user":       asked("return", "https://shop.example.com@evil.example/"),
		"return by another scheme": asked("return", "http://shop.example.com/"),
		"a script to return to":    asked("return", "javascript:alert(1)"),
		"no site":                  asked("site", ""),
		"a site with a query":      asked("site", shopSite+"/?x=1"),
		"a shop without https":     asked("site", "http://shop.example.com", "return", "http://shop.example.com/"),
		"no challenge":             asked("challenge", ""),
		"a nonce with a line feed": asked("nonce", "a\nb"),
		"no currency":              asked("currency", "DOLLARS"),
	} {
		page, text := owner.visit(http.MethodGet, "/connect/woocommerce?"+v.Encode(), nil)
		if page.status != http.StatusUnprocessableEntity || strings.Contains(text, "<form") || page.header.Get("Location") != "" {
			t.Errorf("%s: %d\n%s", name, page.status, text)
		}
	}
	form := asked("csrf", "guessed", "role", "admin")
	if answer, _ := owner.visit(http.MethodPost, "/connect/woocommerce", form); answer.status != http.StatusForbidden {
		t.Errorf("a guessed token: %d, want 403", answer.status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+"/connect/woocommerce", strings.NewReader(form.Encode()))
	fatal(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Cookie", owner.cookie)
	answer, err := http.DefaultTransport.RoundTrip(r)
	fatal(t, err)
	fatal(t, answer.Body.Close())
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d, want 403", answer.StatusCode)
	}
	signIn := asked("step", "sign-in", "email", "owner@alpha.example", "password", "wrong")
	if page, text := (&browser{t: t, url: c.url}).visit(http.MethodPost, "/connect/woocommerce", signIn); page.header.Get("Set-Cookie") != "" || !strings.Contains(text, `role="alert"`) {
		t.Errorf("a wrong password: %d\n%s", page.status, text)
	}
	signIn.Set("password", goodPassword)
	page, _ := (&browser{t: t, url: c.url}).visit(http.MethodPost, "/connect/woocommerce", signIn)
	if page.status != http.StatusSeeOther || !strings.HasPrefix(page.header.Get("Location"), "/connect/woocommerce?") || page.header.Get("Set-Cookie") == "" {
		t.Errorf("signed in: %d to %s", page.status, page.header.Get("Location"))
	}
}

// TestReadingKeys walks the detour over the shop: the keys count only where they work, and only in the browser that began.
func TestReadingKeys(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	tried := ""
	c.api.PublicURL = "https://upline.example.com"
	c.api.TryShop = func(_ context.Context, site string, creds install.Credentials) error {
		tried = site
		if creds.Key.Reveal() != "ck_right" {
			return errors.New("refused")
		}
		return nil
	}
	owner := &browser{t: t, url: c.url}
	c.as(t, "alpha", auth.Owner) // makes the person; the cookie of https has another name
	page, _ := owner.visit(http.MethodPost, "/connect/woocommerce", asked("step", "sign-in", "email", "owner@alpha.example", "password", goodPassword))
	owner.keep(page.header)
	begin := func() (state, cookie string) {
		answer := owner.approve(asked(), "viewer")
		to, err := url.Parse(answer.header.Get("Location"))
		fatal(t, err)
		q := to.Query()
		if to.Host != "shop.example.com" || to.Path != "/wc-auth/v1/authorize" || q.Get("callback_url") != "https://upline.example.com/connect/woocommerce/callback" || q.Get("scope") != "read" {
			t.Fatalf("the browser goes to %s", to)
		}
		return q.Get("user_id"), strings.Split(answer.header.Get("Set-Cookie"), ";")[0]
	}
	post := func(state, key string) int {
		body := `{"key_id":1,"user_id":` + quoted(state) + `,"consumer_key":` + quoted(key) + `,"consumer_secret":"cs_x","key_permissions":"read"}`
		return send(t, http.MethodPost, c.url+"/connect/woocommerce/callback", strings.NewReader(body), nil).status
	}
	stranger := &browser{t: t, url: c.url}

	state, cookie := begin()
	if got := post("guessed", "ck_right"); got/100 == 2 {
		t.Errorf("a guessed state: %d", got)
	}
	if got := post(state, "ck_right"); got != http.StatusOK || tried != shopSite {
		t.Errorf("the keys: %d, tried at %q", got, tried)
	}
	if got := post(state, "ck_right"); got/100 == 2 {
		t.Errorf("a state used twice: %d", got)
	}
	if page, _ := stranger.visit(http.MethodGet, "/connect/woocommerce/return?success=1&user_id="+state, nil); page.status != http.StatusForbidden || page.header.Get("Location") != "" {
		t.Errorf("in another browser: %d", page.status)
	}
	back, _ := owner.visit(http.MethodGet, "/connect/woocommerce/return?success=1&user_id="+state, nil, cookie)
	got := claimOf(t, c, back.header.Get("Location"))
	creds, err := c.channel.Install.Credentials(t.Context(), got.StoreID)
	if err != nil || creds.Key.Reveal() != "ck_right" || creds.Secret.Reveal() != "cs_x" {
		t.Errorf("credentials %v", err)
	}
	if again, _ := owner.visit(http.MethodGet, "/connect/woocommerce/return", nil, cookie); again.status != http.StatusForbidden {
		t.Errorf("returned twice: %d", again.status)
	}

	state, cookie = begin() // keys that do not work, or were refused: connected without new ones
	if got := post(state, "ck_wrong"); got != http.StatusForbidden {
		t.Errorf("keys of another shop: %d, want 403", got)
	}
	back, _ = owner.visit(http.MethodGet, "/connect/woocommerce/return?success=0&user_id="+state, nil, cookie)
	claimOf(t, c, back.header.Get("Location"))
	if creds, err := c.channel.Install.Credentials(t.Context(), got.StoreID); err != nil || creds.Key.Reveal() != "ck_right" {
		t.Errorf("the keys of before are gone: %v", err)
	}
}
