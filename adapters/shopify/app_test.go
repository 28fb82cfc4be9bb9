package shopify_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
)

// vectors are what Shopify's own library makes and says; see shopify-app/oracle/vectors.mjs.
type vectors struct {
	Now              int64  `json:"now"`
	ClientID         string `json:"client_id"`
	Secret           string `json:"secret"`
	OldSecret        string `json:"old_secret"`
	Shop             string `json:"shop"`
	OldSecretSession string `json:"old_secret_session"`
	Sessions         map[string]struct {
		Token    string `json:"token"`
		Official bool   `json:"official"`
	} `json:"sessions"`
	Queries map[string]struct {
		Query    string            `json:"query"`
		Values   map[string]string `json:"values"`
		Official bool              `json:"official"`
	} `json:"queries"`
	Proxied map[string]struct {
		Query    string `json:"query"`
		Official bool   `json:"official"`
	} `json:"proxied"`
	Webhooks map[string]struct {
		Body     string `json:"body"`
		HMAC     string `json:"hmac"`
		Official bool   `json:"official"`
	} `json:"webhooks"`
	Bodies map[string]struct {
		URL         string `json:"url"`
		Method      string `json:"method"`
		ContentType string `json:"content_type"`
		Body        string `json:"body"`
	} `json:"bodies"`
}

func readVectors(t testing.TB) *vectors {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	v := new(vectors)
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// app is the vectors' app at the vectors' moment, later by the given time.
func (v *vectors) app(t testing.TB, later time.Duration, secrets ...string) *shopify.App {
	t.Helper()
	if secrets == nil {
		secrets = []string{v.Secret}
	}
	config := shopify.Config{ClientID: v.ClientID, Clock: func() time.Time { return time.Unix(v.Now, 0).Add(later) }, HTTP: &http.Client{}}
	for _, s := range secrets {
		config.Secrets = append(config.Secrets, []byte(s))
	}
	app, err := shopify.NewApp(config)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// stricter are the session tokens that Shopify's library takes and we refuse, with the reason.
var stricter = map[string]string{
	"padded":                            "a token has one text",
	"without exp":                       "it would count for ever",
	"issued in a minute":                "it is from the future",
	"iss and dest apart":                "they name two shops",
	"without iss":                       "nobody issued it",
	"without dest":                      "it names no shop",
	"without sub":                       "it names nobody",
	"foreign host":                      "no shop",
	"host that only begins like a shop": "no shop",
	"shop in the path":                  "no shop",
	"shop as user":                      "no shop",
	"with a port":                       "no shop",
	"by http":                           "not by TLS",
}

func TestSessionVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	app := v.app(t, 0)
	if len(v.Sessions) < 30 {
		t.Fatalf("only %d vectors", len(v.Sessions))
	}
	for name, vector := range v.Sessions {
		want := vector.Official
		if _, refused := stricter[name]; refused {
			if !want {
				t.Errorf("%s: the library refuses it too; it is not stricter", name)
			}
			want = false
		}
		session, err := app.VerifySession(vector.Token)
		if (err == nil) != want {
			t.Errorf("%s: %v, want taken: %v", name, err, want)
		}
		if err != nil && (!errors.Is(err, shopify.ErrSession) || session != (shopify.Session{})) {
			t.Errorf("%s: %+v, %v", name, session, err)
		}
		if err == nil && (session.Shop != v.Shop || session.StaffID != "902541635" || session.SessionID == "") {
			t.Errorf("%s: %+v", name, session)
		}
	}
}

// TestRotation: in the time after a rotation both secrets count, for everything; afterwards the new one alone.
func TestRotation(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	both, old, fresh := v.app(t, 0, v.Secret, v.OldSecret), v.app(t, 0, "new", v.Secret), v.app(t, 0, v.Secret)
	if _, err := both.VerifySession(v.OldSecretSession); err != nil {
		t.Errorf("a session token signed with the old secret: %v", err)
	}
	if _, err := fresh.VerifySession(v.OldSecretSession); err == nil {
		t.Error("the old secret counts after it was dropped")
	}
	for name, q := range v.Queries {
		if _, err := old.VerifyInstall(q.Query); err != nil {
			t.Errorf("query %q, signed with the old secret: %v", name, err)
		}
	}
	for name, q := range v.Proxied {
		if _, err := old.VerifyProxy(q.Query); err != nil {
			t.Errorf("proxy query %q, signed with the old secret: %v", name, err)
		}
	}
}

func TestNewAppRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]shopify.Config{
		"no id":         {Secrets: [][]byte{[]byte("s")}},
		"no secret":     {ClientID: "id"},
		"empty secrets": {ClientID: "id", Secrets: [][]byte{nil, {}}},
	} {
		if _, err := shopify.NewApp(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestQueryVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	app := v.app(t, 0)
	for name, q := range v.Queries {
		shop, err := app.VerifyInstall(q.Query)
		if (err == nil) != q.Official || shop != v.Shop {
			t.Errorf("%s: %q, %v", name, shop, err)
		}
		callback, err := app.VerifyCallback(q.Query)
		whole := q.Values["code"] != "" && q.Values["state"] != ""
		if (err == nil) != whole {
			t.Errorf("%s as a return: %v", name, err)
		}
		if whole && (callback.Code != q.Values["code"] || callback.State != q.Values["state"] || callback.Host != q.Values["host"]) {
			t.Errorf("%s: %+v", name, callback)
		}
	}
}

// TestQueryRefused: a signed query counts only as it was signed, once, in its time.
func TestQueryRefused(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	good := v.Queries["as documented"].Query
	for name, c := range map[string]struct {
		query string
		later time.Duration
		want  error // nil: a *adapters.Malformed
	}{
		"good":              {good, 90 * time.Second, errGood},
		"late":              {good, 91 * time.Second, errAny},
		"early":             {good, -91 * time.Second, errAny},
		"another code":      {strings.Replace(good, "code=0", "code=1", 1), 0, adapters.ErrSignature},
		"one more value":    {good + "&x=1", 0, adapters.ErrSignature},
		"upper-case hmac":   {good[:len(good)-64] + strings.ToUpper(good[len(good)-64:]), 0, adapters.ErrSignature},
		"no hmac":           {before(good, "&hmac"), 0, adapters.ErrSignature},
		"empty":             {"", 0, adapters.ErrSignature},
		"shop twice":        {good + "&shop=evil.myshopify.com", 0, nil},
		"hmac twice":        {good + "&hmac=x", 0, nil},
		"broken escape":     {good + "&x=%zz", 0, nil},
		"longer than a URL": {good + "&x=" + strings.Repeat("x", 20<<10), 0, nil},
	} {
		_, err := v.app(t, c.later).VerifyCallback(c.query)
		var malformed *adapters.Malformed
		switch {
		case errors.Is(c.want, errGood):
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case c.want == nil:
			if !errors.As(err, &malformed) {
				t.Errorf("%s: %v", name, err)
			}
		case err == nil || (!errors.Is(c.want, errAny) && !errors.Is(err, c.want)):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func before(text, mark string) string {
	head, _, _ := strings.Cut(text, mark)
	return head
}

var errGood, errAny = errors.New("none"), errors.New("any")

func TestProxyVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	app := v.app(t, 0)
	for name, q := range v.Proxied {
		proxied, err := app.VerifyProxy(q.Query)
		if (err == nil) != q.Official || proxied.Shop != v.Shop {
			t.Errorf("%s: %+v, %v", name, proxied, err)
		}
	}
	good := v.Proxied["a customer"].Query
	if proxied, err := app.VerifyProxy(good); err != nil || proxied.CustomerID != "207119551" || proxied.Query.Get("code") != "CYD10" {
		t.Errorf("%+v, %v", proxied, err)
	}
	for name, query := range map[string]string{
		"another customer": strings.Replace(good, "207119551", "207119552", 1),
		"shop twice":       good + "&shop=evil.myshopify.com",
		"signature twice":  "signature=x&" + good,
		"timestamp twice":  good + "&timestamp=1",
		"hmac twice":       good + "&hmac=1&hmac=2",
		"no signature":     before(good, "&signature"),
		"one more value":   good + "&x=1",
		"a value repeated": good + "&code=CYD11",
		"broken escape":    good + "&%",
	} {
		if _, err := app.VerifyProxy(query); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, later := range []time.Duration{-91 * time.Second, 91 * time.Second} {
		if _, err := v.app(t, later).VerifyProxy(good); err == nil {
			t.Errorf("%v later: taken", later)
		}
	}
}

func TestWebhookVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for name, w := range v.Webhooks {
		header := func(string) string { return w.HMAC }
		for _, secrets := range [][][]byte{{[]byte(v.Secret)}, {[]byte("new"), []byte(v.Secret)}} {
			if err := shopify.New().Verify(header, []byte(w.Body), secrets); (err == nil) != w.Official {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestParseShop(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a.myshopify.com": "a.myshopify.com", "My-Shop_1.MyShopify.com": "my-shop_1.myshopify.com",
		"x.myshopify.com.evil.com": "", "evil.com/x.myshopify.com": "", "x.myshopify.com/": "", "x.myshopify.com.": "",
		"x.myshopify.io": "", "admin.shopify.com/store/x": "", ".myshopify.com": "", "-a.myshopify.com": "", "a.b.myshopify.com": "",
		"a.myshopify.com:443": "", "u@a.myshopify.com": "", "a.myshopify.com\n": "", "\ta.myshopify.com": "", "a.myshopify.com\x00": "",
		"https://a.myshopify.com": "", "xmyshopify.com": "", "a.myshopıfy.com": "", "a.myshopify.com?x": "", "a.myshopify.com#x": "", "": "",
		"a.myshopify.co\u212a":                      "", // the Kelvin sign, which lower-cases to k
		strings.Repeat("a", 300) + ".myshopify.com": "",
	} {
		if got, err := shopify.ParseShop(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	app := v.app(t, 0)
	text, err := app.AuthorizeURL(v.Shop, "https://app.example.com/shopify/auth/callback", "s t&a=te")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != v.Shop || u.Path != "/admin/oauth/authorize" || u.Query().Get("state") != "s t&a=te" ||
		u.Query().Get("client_id") != v.ClientID || u.Query().Get("redirect_uri") != "https://app.example.com/shopify/auth/callback" {
		t.Fatalf("%s, %v", text, err)
	}
	if _, err := app.AuthorizeURL("evil.com", "https://app.example.com", "s"); !errors.Is(err, shopify.ErrShop) {
		t.Fatalf("a foreign host: %v", err)
	}
}

func FuzzVerifySession(f *testing.F) {
	v := readVectors(f)
	app := v.app(f, 0)
	good := map[string]bool{}
	for name, s := range v.Sessions {
		f.Add(s.Token)
		good[s.Token] = s.Official && stricter[name] == ""
	}
	f.Fuzz(func(t *testing.T, token string) {
		if session, err := app.VerifySession(token); err == nil && !good[token] {
			t.Fatalf("a forged token counts: %+v", session)
		}
	})
}

func FuzzSignedQueries(f *testing.F) {
	v := readVectors(f)
	app := v.app(f, 0)
	for _, q := range v.Queries {
		f.Add(q.Query)
	}
	for _, q := range v.Proxied {
		f.Add(q.Query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, shop := range []string{callbackShop(app, query), proxyShop(app, query)} {
			if shop != "" && shop != v.Shop {
				t.Fatalf("%q counts for %s", query, shop)
			}
		}
	})
}

func callbackShop(app *shopify.App, query string) string {
	c, err := app.VerifyCallback(query)
	if err != nil {
		return ""
	}
	return c.Shop
}

func proxyShop(app *shopify.App, query string) string {
	p, err := app.VerifyProxy(query)
	if err != nil {
		return ""
	}
	return p.Shop
}

func TestMissingScopes(t *testing.T) {
	t.Parallel()
	app, err := shopify.NewApp(shopify.Config{ClientID: "id", Secrets: [][]byte{[]byte("s")}, Scopes: []string{"write_pixels, read_orders,read_products"}})
	if err != nil {
		t.Fatal(err)
	}
	for granted, want := range map[string]string{
		"": "read_orders read_products write_pixels", "read_orders": "read_products write_pixels",
		"write_orders,write_products,write_pixels": "", "read_pixels,read_orders,read_products,read_x": "write_pixels",
	} {
		if got := strings.Join(app.MissingScopes(strings.Split(granted, ",")), " "); got != want {
			t.Errorf("granted %q: missing %q, want %q", granted, got, want)
		}
	}
}
