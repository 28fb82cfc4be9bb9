package shopifytest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters/shopify/shopifytest"
)

var update = flag.Bool("update", false, "write testdata/signed.json anew")

// now is the moment of the vectors that Shopify's library judges; see shopify-app/oracle/vectors.mjs.
const (
	now      = 1795348800
	clientID = "8d1a2b3c4d5e6f708192a3b4c5d6e7f8"
	secret   = "shpss_0123456789abcdef0123456789abcdef"
)

func newServer() (*shopifytest.Server, *shopifytest.Shop) {
	s := shopifytest.New(shopifytest.Config{
		ClientID: clientID, Secrets: []string{secret}, Scopes: []string{"read_orders"},
		Clock: func() time.Time { return time.Unix(now, 0) },
	})
	return s, s.AddShop(&shopifytest.Shop{Domain: "upline-test.myshopify.com"})
}

// signed is what the oracle reads: texts by name, and webhooks.
type signed struct {
	Now     int64             `json:"now"`
	Session map[string]string `json:"session"`
	Query   map[string]string `json:"query"`
	Proxy   map[string]string `json:"proxy"`
	Webhook []webhook         `json:"webhook"`
}

type webhook struct {
	Body string `json:"body"`
	HMAC string `json:"hmac"`
}

// TestSigned: what the stand-in signs is what stands in testdata, which Shopify's own library takes as genuine.
func TestSigned(t *testing.T) {
	t.Parallel()
	s, shop := newServer()
	claims := shop.Claims()
	claims["jti"], claims["sid"] = "j", "s"
	got := signed{
		Now: now, Session: map[string]string{"good": s.SessionToken(claims)},
		Query: map[string]string{"odd values": s.SignQuery(url.Values{
			"shop": {shop.Domain}, "host": {"YQ=="}, "state": {"ü €*~'()!/?:@"}, "code": {"a b&c"}, "timestamp": {"1795348800"},
		})},
		Proxy: map[string]string{"customer": shop.SignProxy(url.Values{"code": {"CYD 10&"}, "logged_in_customer_id": {"7"}, "x": {"1", "2"}})},
	}
	for _, body := range []string{`{"id":820982911946154508}`, `{"name":"Zoë €"}`} {
		got.Webhook = append(got.Webhook, webhook{body, shop.WebhookHeader("orders/paid", []byte(body)).Get("X-Shopify-Hmac-Sha256")})
	}
	path := filepath.Join("testdata", "signed.json")
	if *update {
		text, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want signed
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("it signs otherwise than when the library took it (-update, then the oracle's test): %s", diff)
	}
}

// TestStrict: bodies that lack or add something are refused, and say why.
func TestStrict(t *testing.T) {
	t.Parallel()
	s, shop := newServer()
	shop.Install()
	good := map[string]string{
		"client_id": clientID, "client_secret": secret, "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
		"subject_token": shop.Session(), "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
		"requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token", "expiring": "1",
	}
	post := func(body map[string]string, host string) (int, string) {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "https://"+host+shopifytest.TokenPath, bytes.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if status, text := post(good, shop.Domain); status != http.StatusOK || !strings.Contains(text, `"refresh_token"`) {
		t.Fatalf("%d %s", status, text)
	}
	for name, change := range map[string]struct{ key, value, want string }{
		"no expiring":   {"expiring", "", "invalid_request"},
		"expiring 0":    {"expiring", "0", "invalid_request"},
		"online token":  {"requested_token_type", "urn:shopify:params:oauth:token-type:online-access-token", "invalid_request"},
		"unknown field": {"x", "1", "invalid_request"},
		"secret":        {"client_secret", "x", "invalid_client"},
		"session":       {"subject_token", "a.b.c", "invalid_subject_token"},
	} {
		body := map[string]string{}
		for k, v := range good {
			body[k] = v
		}
		if body[change.key] = change.value; change.value == "" {
			delete(body, change.key)
		}
		if status, text := post(body, shop.Domain); status != http.StatusBadRequest || !strings.Contains(text, change.want) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, _ := post(good, "nobody.myshopify.com"); status != http.StatusNotFound {
		t.Errorf("a shop that is not there answers %d", status)
	}
}
