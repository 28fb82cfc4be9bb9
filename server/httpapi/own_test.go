package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/server/channel"
)

// visit lets a browser come by a distributor's link, as from the account page of a shop.
func (p *plugin) visit(members string) *browser {
	p.t.Helper()
	address, _ := p.call("sso", `"audience":"distributor","user_id":"7","next":"/orders",`+members)["url"].(string)
	at, err := url.Parse(address)
	fatal(p.t, err)
	b := &browser{t: p.t, url: p.url}
	if got := b.follow(http.MethodGet, at.RequestURI()); got.header.Get("Location") != "/my" {
		p.t.Fatalf("the link leads to %q, want /my whatever was asked for", got.header.Get("Location"))
	}
	again := (&browser{t: p.t, url: p.url}).want(http.StatusForbidden, http.MethodGet, at.RequestURI(), "")
	if !strings.Contains(string(again.body), "used already") || !strings.HasPrefix(again.header.Get("Content-Type"), "text/html") {
		p.t.Errorf("followed again: %s", again.body)
	}
	return b
}

// follow asks without going on to where a redirect leads, and keeps its cookie.
func (b *browser) follow(method, path string) reply {
	b.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, http.NoBody)
	fatal(b.t, err)
	for name, value := range b.header() {
		r.Header.Set(name, value)
	}
	answer, err := client.Do(r)
	fatal(b.t, err)
	fatal(b.t, answer.Body.Close())
	b.keep(answer.Header)
	return reply{status: answer.StatusCode, header: answer.Header}
}

// TestOwnPage: a distributor comes from the shop, sees their own figures and why, and nothing else.
func TestOwnPage(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.mapTea()
	p := c.connect(shopSite, "") // no admin may come; distributors do all the same
	p.sell(1, "")
	if got := p.send("sso", p.body("sso", `"audience":"distributor","user_id":"7","customer_id":"77"`)); got.status != http.StatusForbidden {
		t.Errorf("a customer who is no distributor: %d %s, want 403", got.status, got.body)
	}
	if mine := p.call("earnings", `"distributor_id":"ANNA"`); mine["back_office"] != true {
		t.Errorf("earnings %v, want a back office", mine)
	}

	anna := p.visit(`"distributor_id":"ANNA"`)
	page := string(anna.want(http.StatusOK, http.MethodGet, "/my", "").body)
	order := "/my/orders/" + p.store + "/20"
	for _, want := range []string{"Anna Bauer", "Rank <bdi>silver</bdi>", shopSite + "/?ref=ANNA1001", order, "TEA-001", "On hold", "11.96\u00a0USD"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	why := string(anna.want(http.StatusOK, http.MethodGet, order, "").body)
	if !regexp.MustCompile(`\d+(\.\d+)?%</bdi> of <bdi>[\d.]+\x{a0}`).MatchString(why) || !strings.Contains(why, "59.80\u00a0USD") {
		t.Errorf("the order's page does not say why:\n%s", why)
	}
	for _, other := range []string{"MID", "TOP", "Tilda", "Mia"} {
		if strings.Contains(page+why, other) {
			t.Errorf("the pages of ANNA name %s", other)
		}
	}
	if mid := string(p.visit(`"distributor_id":"MID"`).want(http.StatusOK, http.MethodGet, order, "").body); strings.Contains(mid, "ANNA") || mid == why {
		t.Errorf("MID sees of the order:\n%s", mid)
	}
	out := p.visit(`"distributor_id":"OUT"`)
	out.want(http.StatusNotFound, http.MethodGet, order, "")
	if page := string(out.want(http.StatusOK, http.MethodGet, "/my", "").body); strings.Contains(page, "<script") {
		t.Errorf("a name became markup:\n%s", page)
	}

	for _, path := range []string{"/api/v1/session", "/api/v1/orders", "/api/v1/distributors", "/api/mlm/commissions"} {
		anna.want(http.StatusUnauthorized, http.MethodGet, path, "")
	}
	anna.want(http.StatusNotFound, http.MethodGet, "/my/periods/2026-11", "")
	anna.want(http.StatusNotFound, http.MethodGet, "/my/orders/"+p.store+"/nothing", "")
}

// TestOwnPageIsClosed: without a visit, with a forged one, and after leaving, the page tells nothing.
func TestOwnPageIsClosed(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	p := c.connect(shopSite, "")
	anna := p.visit(`"distributor_id":"ANNA"`)
	_, sealed, _ := strings.Cut(anna.cookie, "=")
	old, err := c.channel.SealVisit(&channel.Visit{Program: c.program, Store: p.store, Distributor: "ANNA", Until: time.Now().Add(-time.Second)})
	fatal(t, err)
	gone, err := c.channel.SealVisit(&channel.Visit{Program: c.program, Store: p.store, Distributor: "NOBODY", Until: time.Now().Add(time.Minute)})
	fatal(t, err)
	elsewhere, err := c.channel.SealVisit(&channel.Visit{Program: c.program, Store: "another", Distributor: "ANNA", Until: time.Now().Add(time.Minute)})
	fatal(t, err)
	changed := []byte(sealed)
	changed[len(changed)/2] ^= 1
	for name, value := range map[string]string{
		"none": "", "nonsense": "%%", "short": "AA", "changed": string(changed), "over": old, "nobody": gone, "of a store that is gone": elsewhere,
	} {
		b := &browser{t: t, url: c.url, cookie: "upline_visit=" + value}
		got := b.want(http.StatusUnauthorized, http.MethodGet, "/my", "")
		if strings.Contains(string(got.body), "Anna") || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", name, got.header, got.body)
		}
	}
	anna.want(http.StatusOK, http.MethodGet, "/my", "")
	other := send(t, http.MethodPost, c.url+"/my/leave", http.NoBody, map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Cookie": anna.cookie})
	if other.status != http.StatusForbidden {
		t.Errorf("left by another site: %d, want 403", other.status)
	}
	left := anna.follow(http.MethodPost, "/my/leave")
	if cookie := fmt.Sprint(left.header.Values("Set-Cookie")); !strings.Contains(cookie, "upline_visit=;") || !strings.Contains(cookie, "Max-Age=0") {
		t.Errorf("leaving: %d %s", left.status, cookie)
	}
}

// TestOwnPageSpeaks: the page is in the language that the browser wants until another one is chosen, on every page, faults too.
func TestOwnPageSpeaks(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.mapTea()
	p := c.connect(shopSite, "")
	p.sell(1, "")
	anna := p.visit(`"distributor_id":"ANNA"`)
	page := func(path, wanted, cookie string) string {
		got := send(t, http.MethodGet, c.url+path, http.NoBody, map[string]string{"Accept-Language": wanted, "Cookie": anna.cookie + "; " + cookie})
		return string(got.body)
	}
	order := "/my/orders/" + p.store + "/20"
	for tag, want := range map[string][2]string{
		"en": {"On hold", "All earnings"}, "de": {"Zurückgehalten", "11,96\u00a0USD"}, "es": {"Retenida", "Todas las ganancias"}, "pt": {"Retida", "Todos os ganhos"},
		"ja": {"保留中", "すべての収入"}, "ar": {"محجوزة", "كل الأرباح"},
	} {
		first, why := page("/my", tag+"-XX,en;q=0.5", ""), page(order, tag, "")
		if !strings.Contains(first, `<html lang="`+tag+`"`) || !strings.Contains(first, want[0]) || !strings.Contains(why, want[1]) {
			t.Errorf("%s:\n%s\n%s", tag, first, why)
		}
		if strings.Contains(first, `dir="rtl">`+"\n<head>") != (tag == "ar") {
			t.Errorf("%s: the direction is wrong", tag)
		}
		if chosen := page("/my", "en", "upline_language="+tag); !strings.Contains(chosen, want[0]) {
			t.Errorf("%s was chosen:\n%s", tag, chosen)
		}
		if strings.Contains(first+why, "ZgotmplZ") {
			t.Errorf("%s: the page has something that it must not have", tag)
		}
	}
	choosing := send(t, http.MethodGet, c.url+"/my?after=x&language=de", http.NoBody, map[string]string{"Cookie": anna.cookie, "Sec-Fetch-Site": "same-origin"})
	if choosing.status == http.StatusSeeOther && choosing.header.Get("Location") != "/my?after=x" {
		t.Errorf("choosing leads to %q", choosing.header.Get("Location"))
	}
	if nobody := send(t, http.MethodGet, c.url+order, http.NoBody, map[string]string{"Accept-Language": "ja"}); nobody.status != http.StatusUnauthorized ||
		!strings.Contains(string(nobody.body), "サインイン") {
		t.Errorf("without a visit: %d %s", nobody.status, nobody.body)
	}
}

// TestOwnOrderWaits: of an order that waits for what the company has to mend, the page says that it is being checked, and not why;
// and what was taken back is told as such.
func TestOwnOrderWaits(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	c.mapTea()
	p := c.connect(shopSite, "")
	p.sell(1, "")
	anna, order := p.visit(`"distributor_id":"ANNA"`), "/my/orders/"+p.store+"/20"
	tell := func(sequence int, change func(string) string) {
		body := change(string(snapshotBody(p.site, sequence, "")))
		header := pluginHeader(fmt.Sprintf("evt-%d", sequence), time.Now(), []byte(body), p.secret)
		p.want(http.StatusOK, send(t, http.MethodPost, p.url+"/webhooks/woocommerce/"+p.store, strings.NewReader(body), header))
	}
	shows := func(want string) (page string) {
		c.soon(func() bool {
			page = string(anna.want(http.StatusOK, http.MethodGet, order, "").body)
			return strings.Contains(page, want)
		})
		return page
	}
	tell(2, func(body string) string { return strings.ReplaceAll(body, "TEA-001", "SECRET-SKU") })
	page := shows("is being checked")
	for _, internal := range []string{"SECRET-SKU", "mapped", "parked", "SKU"} {
		if strings.Contains(page, internal) {
			t.Errorf("the page says %q:\n%s", internal, page)
		}
	}
	tell(3, func(body string) string {
		return regexp.MustCompile(`"status":\s*"\w+"`).ReplaceAllString(body, `"status":"cancelled"`)
	})
	page = shows("-11.96\u00a0USD")
	if !strings.Contains(page, "This order earns nothing") || !strings.Contains(page, "Taken back by a refund, a cancellation or an edit.") || strings.Contains(page, "is being checked") {
		t.Errorf("after the cancellation:\n%s", page)
	}
}
