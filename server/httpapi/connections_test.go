package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
)

// magentoShops stands in for the shops of the whole Internet: what each handshake was asked, and how it ends.
type magentoShops struct {
	mu    sync.Mutex
	bases []string
	told  channel.Told
	shake func(p *channel.Posted) (install.Credentials, error)
	tell  func() (installID string, err error)
}

func (m *magentoShops) Loopback() bool           { return false }
func (m *magentoShops) Trouble(err error) string { return "trouble: " + err.Error() }

func (m *magentoShops) Shake(_ context.Context, base string, p *channel.Posted) (install.Credentials, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bases = append(m.bases, base)
	if m.shake != nil {
		return m.shake(p)
	}
	return install.Credentials{Key: p.Key, Secret: p.Secret, Token: "access", TokenSecret: "access-secret", Base: base}, nil
}

func (m *magentoShops) Tell(_ context.Context, _ *install.Credentials, told *channel.Told) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = *told
	if m.tell != nil {
		return m.tell()
	}
	return "i", nil
}

// connecting is a Magento store on its way.
type connecting struct {
	ConnectionID string `json:"connection_id"`
	StoreID      string `json:"store_id"`
	State        string `json:"state"`
	Fault        string `json:"fault"`
	Remark       string `json:"remark"`
	Code         string `json:"code"`
	ServerURL    string `json:"server_url"`
	Warning      string `json:"warning"`
}

const magentoSite = "https://magento.example.com"

func (b *browser) offerMagento(members string) (c connecting) {
	b.t.Helper()
	b.into(&c, http.MethodPost, "/api/v1/connections", `{"site":"`+magentoSite+`","currency":"USD"`+members+`}`)
	return c
}

func handshake(base string) url.Values {
	return url.Values{
		"oauth_consumer_key": {strings.Repeat("k", 32)}, "oauth_consumer_secret": {strings.Repeat("s", 32)}, "oauth_verifier": {strings.Repeat("v", 32)}, "store_base_url": {base},
	}
}

// bring posts keys as Magento does.
func (c *company) bring(code, installID string, form url.Values) reply {
	c.t.Helper()
	return send(c.t, http.MethodPost, c.url+"/install/magento/"+code+"?install_id="+installID, strings.NewReader(form.Encode()),
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
}

// ended follows a handshake to its end.
func (b *browser) ended(c *company, id string) (got connecting) {
	b.t.Helper()
	c.soon(func() bool {
		got = connecting{}
		b.into(&got, http.MethodGet, "/api/v1/connections/"+id, "")
		return got.State == channel.StepConnected || got.State == channel.StepFailed
	})
	return got
}

// TestMagentoHandshake walks from the code to a connected store whose module can call, and round again.
func TestMagentoHandshake(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	owner := c.as(t, "alpha", auth.Owner)
	offered := owner.offerMagento(`,"role":"support","name":"Acme"`)
	if offered.State != channel.StepWaiting || offered.Code == "" || offered.ServerURL != c.url || !strings.Contains(offered.Warning, "UPLINE_PUBLIC_URL") {
		t.Fatalf("offered %+v", offered)
	}
	var again connecting
	owner.into(&again, http.MethodGet, "/api/v1/connections/"+offered.ConnectionID, "")
	if again.Code != "" || again.State != channel.StepWaiting {
		t.Errorf("looked at: %+v", again)
	}
	c.want(http.StatusOK, c.bring(offered.Code, "i", handshake(magentoSite+"/index.php/")))
	if got := owner.ended(c, offered.ConnectionID); got.State != channel.StepConnected || got.Fault != "" {
		t.Fatalf("ended %+v", got)
	}
	if c.magento.bases[0] != magentoSite+"/index.php/" {
		t.Errorf("called at %v", c.magento.bases)
	}
	first := c.magento.told
	p := &plugin{company: c, site: magentoSite, store: first.StoreID, secret: first.Secret}
	if v := p.call("status", ""); v["platform"] != "magento" || first.WebhookURL != c.url+"/webhooks/magento/"+first.StoreID {
		t.Errorf("status %v, told %+v", v, first)
	}
	creds, err := c.channel.Install.Credentials(t.Context(), first.StoreID)
	fatal(t, err)
	if creds.Token != "access" || creds.TokenSecret != "access-secret" || creds.Base == "" {
		t.Error("the credentials were not kept")
	}
	kept, err := c.store.Channel(t.Context(), first.StoreID)
	fatal(t, err)
	if kept.LinkRole != "support" {
		t.Errorf("link role %q", kept.LinkRole)
	}
	// Connected anew: the old secret ends, the identity key stays.
	offered = owner.offerMagento("")
	c.want(http.StatusOK, c.bring(offered.Code, "i", handshake(magentoSite+"/")))
	owner.ended(c, offered.ConnectionID)
	if second := c.magento.told; second.Secret == first.Secret || second.IdentityKey != first.IdentityKey || second.StoreID != first.StoreID {
		t.Errorf("connected anew as %+v", second)
	}
	st, err := c.store.StoreByID(t.Context(), first.StoreID)
	fatal(t, err)
	if secrets, err := c.admin.Secrets(st); err != nil || len(secrets) != 1 || string(secrets[0]) != c.magento.told.Secret {
		t.Errorf("%d secrets count: %v", len(secrets), err)
	}
	p.secret = c.magento.told.Secret
	p.call("disconnect", `"reason":"test"`)
	if _, err := c.channel.Install.Credentials(t.Context(), first.StoreID); !errors.Is(err, install.ErrNotConnected) {
		t.Errorf("after disconnecting: %v", err)
	}
}

// TestMagentoPaysFrom: of the days that were given with codes nobody used, the last one counts; once connected, none changes it.
func TestMagentoPaysFrom(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	owner := c.as(t, "alpha", auth.Owner)
	var offered connecting
	from := func() int64 {
		t.Helper()
		st, err := c.store.StoreByID(t.Context(), offered.StoreID)
		fatal(t, err)
		return st.GoLiveAt
	}
	day := func(d int) int64 { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC).UnixMicro() }
	for i, step := range []struct {
		members string
		want    int64
	}{
		{`,"go_live_at":"2026-03-01"`, day(1)},
		{`,"go_live_at":"2026-03-20"`, day(20)},
		{``, day(20)}, // nobody says
		{`,"go_live_at":""`, 0},
		{`,"go_live_at":"2026-03-10"`, day(10)},
	} {
		if offered = owner.offerMagento(step.members); from() != step.want {
			t.Errorf("code %d, %s: pays from %d, want %d", i, step.members, from(), step.want)
		}
	}
	c.want(http.StatusOK, c.bring(offered.Code, "i", handshake(magentoSite+"/")))
	if got := owner.ended(c, offered.ConnectionID); got.State != channel.StepConnected {
		t.Fatalf("ended %+v", got)
	}
	if offered = owner.offerMagento(`,"go_live_at":"2026-03-25"`); from() != day(10) {
		t.Errorf("a code for a connected store moves its day to %d", from())
	}
}

// TestMagentoHandshakeRefused: whoever holds no fresh code of this program for this host gains nothing, and a shop that was connected stays so.
func TestMagentoHandshakeRefused(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c, rival := p.company(t, "alpha"), p.company(t, "beta")
	owner, other := c.as(t, "alpha", auth.Owner), rival.as(t, "beta", auth.Owner)
	offered := owner.offerMagento("")
	good := handshake(magentoSite + "/")
	c.want(http.StatusForbidden, c.bring("x"+offered.Code[1:], "i", good))
	c.want(http.StatusForbidden, c.bring("short", "i", good))
	for _, field := range []string{"oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier", "store_base_url"} {
		form := handshake(magentoSite)
		form.Del(field)
		if got := c.want(http.StatusUnprocessableEntity, c.bring(offered.Code, "i", form)).problem(t); got.Field != field {
			t.Errorf("without %s: %+v", field, got)
		}
	}
	huge := handshake(magentoSite)
	huge.Set("more", strings.Repeat("a", 20<<10))
	c.want(http.StatusRequestEntityTooLarge, c.bring(offered.Code, "i", huge))
	c.want(http.StatusOK, c.bring(offered.Code, "i", good))
	owner.ended(c, offered.ConnectionID)
	c.want(http.StatusForbidden, c.bring(offered.Code, "i", good)) // a code counts once
	// Another program sees nothing of it, and cannot take the shop over.
	if got := other.send(http.MethodGet, "/api/v1/connections/"+offered.ConnectionID, ""); got.status != http.StatusNotFound {
		t.Errorf("another program sees %d", got.status)
	}
	if got := other.send(http.MethodPost, "/api/v1/connections", `{"site":"`+magentoSite+`","currency":"USD"}`); got.status != http.StatusConflict {
		t.Errorf("another program connects the shop: %d", got.status)
	}
	if got := c.as(t, "alpha", auth.Viewer).send(http.MethodPost, "/api/v1/connections", `{"site":"`+magentoSite+`","currency":"USD"}`); got.status != http.StatusForbidden {
		t.Errorf("a viewer connects: %d", got.status)
	}
	secretOf := func() string {
		st, err := c.admin.Books.StoreByDomain(t.Context(), order.Magento, "magento.example.com")
		fatal(t, err)
		secrets, err := c.admin.Secrets(st)
		fatal(t, err)
		return fmt.Sprintf("%s", secrets)
	}
	before := secretOf()
	for name, step := range map[string]struct {
		base, install string
		shake         func(*channel.Posted) (install.Credentials, error)
		tell          func() (string, error)
		want          string
	}{
		"another host":         {base: "https://evil.example/", want: "code is for magento.example.com"},
		"no address":           {base: "ftp://magento.example.com", want: "no address"},
		"another port":         {base: magentoSite + ":8443/", want: "code is for"},
		"a lookalike":          {base: "https://magento.example.com.evil.example/", want: "code is for"},
		"a name in front":      {base: "https://magento.example.com@evil.example/", want: "no address"},
		"keys refused":         {shake: func(*channel.Posted) (install.Credentials, error) { return install.Credentials{}, errors.New("no") }, want: "trouble: no"},
		"another installation": {tell: func() (string, error) { return "other", nil }, want: "Another installation"},
		"the module refuses":   {tell: func() (string, error) { return "", errors.New("no") }, want: "trouble"},
	} {
		p.magento.shake, p.magento.tell = step.shake, step.tell
		asked := len(p.magento.bases)
		offered := owner.offerMagento("")
		if step.base == "" {
			step.base = magentoSite
		}
		run, err := p.channel.TakeHandshake(t.Context(), offered.Code, &channel.Posted{Key: "k", Secret: "s", Verifier: "v", Base: step.base, InstallID: "i"}, p.magento)
		fatal(t, err)
		if err := run(t.Context()); err == nil {
			t.Errorf("%s: connected", name)
		}
		if got := owner.ended(c, offered.ConnectionID); got.State != channel.StepFailed || !strings.Contains(got.Fault, step.want) {
			t.Errorf("%s: %+v", name, got)
		}
		if step.shake == nil && step.tell == nil && len(p.magento.bases) != asked {
			t.Errorf("%s: called at %v", name, p.magento.bases[asked:])
		}
		if secretOf() != before {
			t.Errorf("%s: the secret changed", name)
		}
	}
	if creds, err := c.channel.Install.Credentials(t.Context(), "magento-example-com"); err != nil || creds.Token != "access" {
		t.Errorf("the store lost its credentials: %v", err)
	}
}

// TestMagentoAPIAddress: where Magento answers elsewhere than it says, the merchant's word counts and the post's does not.
func TestMagentoAPIAddress(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	owner := c.as(t, "alpha", auth.Owner)
	offered := owner.offerMagento(`,"api_base":"https://API.example.com/index.php"`)
	c.magento.shake = func(p *channel.Posted) (install.Credentials, error) {
		return install.Credentials{Key: p.Key, Token: "t", Base: "https://api.example.com/index.php/", SchemeHidden: true}, nil
	}
	c.want(http.StatusOK, c.bring(offered.Code, "i", handshake("http://evil.example/")))
	got := owner.ended(c, offered.ConnectionID)
	if got.State != channel.StepConnected || !strings.Contains(got.Remark, "X-Forwarded-Proto") || c.magento.bases[0] != "https://api.example.com/index.php/" {
		t.Errorf("%+v at %v", got, c.magento.bases)
	}
	row, err := c.store.Connection(t.Context(), got.StoreID)
	fatal(t, err)
	if !strings.Contains(row.Reason, "X-Forwarded-Proto") || row.State != install.Connected {
		t.Errorf("kept %s: %q", row.State, row.Reason)
	}
}

// TestMagentoIdentity: Magento's list of integrations is led back to the store that is connected, and to nowhere else.
func TestMagentoIdentity(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c := p.company(t, "alpha")
	owner, other := c.as(t, "alpha", auth.Owner), p.company(t, "beta").as(t, "beta", auth.Owner)
	st, _, err := c.admin.CreateStore(t.Context(), admin.Store{ProgramID: "alpha", Platform: order.Magento, Domain: magentoSite, Currency: "USD"}, "")
	fatal(t, err)
	_, err = c.channel.Install.Connect(t.Context(), st.StoreID, install.Credentials{Key: secret.Text("key"), Token: "t"}, "test")
	fatal(t, err)
	ask := func(b *browser, key, back string) (reply, string) {
		return b.visit(http.MethodGet, "/connect/magento/identity?"+url.Values{"oauth_consumer_key": {key}, "success_call_back": {back}}.Encode(), nil)
	}
	const back = magentoSite + "/admin/integration/loginSuccess"
	if got, _ := ask(owner, "key", back); got.status != http.StatusSeeOther || got.header.Get("Location") != back {
		t.Errorf("the store's own: %d to %q", got.status, got.header.Get("Location"))
	}
	if got, text := ask(&browser{t: t, url: c.url}, "key", back); got.status != http.StatusOK || !strings.Contains(text, `name="success_call_back"`) {
		t.Errorf("a stranger: %d\n%s", got.status, text)
	}
	for name, q := range map[string]struct {
		b         *browser
		key, back string
	}{
		"another site":     {owner, "key", "https://evil.example/"},
		"another key":      {owner, "x", back},
		"no key":           {owner, "", back},
		"by http":          {owner, "key", "http://magento.example.com/"},
		"a script":         {owner, "key", "javascript:alert(1)"},
		"a user":           {owner, "key", "https://magento.example.com@evil.example/"},
		"another program":  {other, "key", back},
		"somebody reading": {c.as(t, "alpha", auth.Viewer), "key", back},
	} {
		if got, text := ask(q.b, q.key, q.back); got.status != http.StatusForbidden || got.header.Get("Location") != "" {
			t.Errorf("%s: %d\n%s", name, got.status, text)
		}
	}
}

// connections are the part of the conversation with the document about Magento stores.
func (c *conversation) connections(h map[string]string) {
	var offered connecting
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/v1/connections", header: h, body: `{"site":"` + magentoSite + `","currency":"USD","role":"viewer"}`, want: 201}), &offered))
	c.say(exchange{method: "POST", path: "/api/v1/connections", header: h, body: `{"site":"","currency":"USD"}`, want: 422})
	c.say(exchange{method: "POST", path: "/api/v1/connections", header: h, body: `{"site":"` + magentoSite + `","currency":"USD","api_base":"x y"}`, want: 422})
	c.say(exchange{method: "GET", path: "/api/v1/connections/" + offered.ConnectionID, header: h, want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/connections/none", header: h, want: 404})
	door := "/install/magento/" + offered.Code
	c.say(exchange{method: "POST", path: door, body: strings.Repeat("a", 20<<10), wrong: true, want: 413})
	c.say(exchange{method: "POST", path: door, body: "a=b", wrong: true, want: 422})
	c.say(exchange{method: "POST", path: door, body: handshake(magentoSite).Encode(), wrong: true, want: 200})
	c.say(exchange{method: "POST", path: door, body: handshake(magentoSite).Encode(), wrong: true, want: 403})
}

func FuzzHandshakeForm(f *testing.F) {
	p := openProduct(f)
	c := p.company(f, "alpha")
	f.Add("oauth_consumer_key=a&oauth_consumer_secret=b&oauth_verifier=c&store_base_url=https://x/")
	f.Add("store_base_url=%zz")
	f.Fuzz(func(t *testing.T, body string) {
		got := send(t, http.MethodPost, c.url+"/install/magento/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", strings.NewReader(body), nil)
		if got.status == http.StatusOK || got.status >= http.StatusInternalServerError {
			t.Fatalf("%d for %q", got.status, body)
		}
		if !json.Valid(got.body) {
			t.Fatalf("no problem: %s", got.body)
		}
	})
}
