package shopify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/shopifytest"
)

const fakeShop = "upline-test.myshopify.com"

// fake is a Shopify with one shop that has the app, and the app.
func fake(t testing.TB) (*shopifytest.Server, *shopifytest.Shop, *shopify.App) {
	t.Helper()
	v := readVectors(t)
	server := shopifytest.New(shopifytest.Config{ClientID: v.ClientID, Secrets: []string{v.Secret}, Scopes: []string{"read_orders", "write_pixels"}})
	shop := server.AddShop(&shopifytest.Shop{Domain: fakeShop})
	shop.Install()
	client, err := shopify.NewHTTPClient(server.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	app, err := shopify.NewApp(shopify.Config{
		ClientID: v.ClientID, Secrets: [][]byte{[]byte(v.Secret), []byte(v.OldSecret)}, HTTP: client, Clock: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return server, shop, app
}

func session(t testing.TB, app *shopify.App, shop *shopifytest.Shop) shopify.Session {
	t.Helper()
	s, err := app.VerifySession(shop.Session())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// TestBodies: what is sent to the token endpoint is what Shopify's library sends, to the byte.
func TestBodies(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	var got struct{ url, method, contentType, body string }
	app, err := shopify.NewApp(shopify.Config{
		ClientID: v.ClientID, Secrets: [][]byte{[]byte(v.Secret)}, Clock: func() time.Time { return time.Unix(v.Now, 0) },
		HTTP: shopify.Guarded(roundTrip(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			got.url, got.method, got.contentType, got.body = r.URL.String(), r.Method, r.Header.Get("Content-Type"), string(body)
			return answer(`{"access_token":"t","scope":"read_orders, write_pixels","expires_in":3600,"refresh_token":"r","refresh_token_expires_in":7776000}`), err
		})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := app.VerifySession(v.Sessions["good"].Token)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) (shopify.Grant, error){
		"exchange": func(ctx context.Context) (shopify.Grant, error) { return app.Exchange(ctx, s) },
		"refresh":  func(ctx context.Context) (shopify.Grant, error) { return app.Refresh(ctx, v.Shop, "shprt_<&>\u00e9") },
		"migrate":  func(ctx context.Context) (shopify.Grant, error) { return app.Migrate(ctx, v.Shop, "shpat_old") },
	} {
		g, err := call(t.Context())
		want := v.Bodies[name]
		if err != nil || got.body != want.Body || got.url != want.URL || got.method != want.Method || got.contentType != want.ContentType {
			t.Errorf("%s: %v\n%+v\nwant %+v", name, err, got, want)
		}
		if g.Token != "t" || g.RefreshToken != "r" || strings.Join(g.Scopes, "+") != "read_orders+write_pixels" ||
			g.ExpiresAt.Unix() != v.Now+3600 || g.RefreshExpiresAt.Unix() != v.Now+7776000 {
			t.Errorf("%s: %+v", name, g)
		}
	}
	const wantCode = `{"client_id":"8d1a2b3c4d5e6f708192a3b4c5d6e7f8","client_secret":"shpss_0123456789abcdef0123456789abcdef","code":"c","expiring":"1"}`
	if _, err := app.RedeemCode(t.Context(), v.Shop, "c"); err != nil || got.body != wantCode {
		t.Errorf("code: %v, %s", err, got.body)
	}
}

func TestExchangeAndRefresh(t *testing.T) {
	t.Parallel()
	server, shop, app := fake(t)
	first, err := app.Exchange(t.Context(), session(t, app, shop))
	if err != nil {
		t.Fatal(err)
	}
	second, err := app.Refresh(t.Context(), fakeShop, first.RefreshToken)
	if err != nil || second.Token == first.Token || second.RefreshToken == first.RefreshToken {
		t.Fatalf("%v", err)
	}
	again, err := app.Refresh(t.Context(), fakeShop, first.RefreshToken) // the answer before may have been lost
	if err != nil || again.Token == second.Token {
		t.Fatalf("the refresh token before, with the new one unused: %v", err)
	}
	if _, err := app.Refresh(t.Context(), fakeShop, "unknown"); !errors.Is(err, adapters.ErrReauthorise) {
		t.Fatalf("an unknown refresh token: %v", err)
	}
	shop.Uninstall()
	if _, err := app.Refresh(t.Context(), fakeShop, again.RefreshToken); !errors.Is(err, adapters.ErrReauthorise) {
		t.Fatalf("after the uninstall: %v", err)
	}
	if n := len(server.Requests(shopifytest.TokenPath)); n != 5 {
		t.Fatalf("%d requests; a refusal for good is not to be tried again", n)
	}
}

// TestFaults: what passes is tried again, what stays is named; the secret stands in no error.
func TestFaults(t *testing.T) {
	t.Parallel()
	const at = shopifytest.TokenPath
	three := func(f shopifytest.Fault) []shopifytest.Fault { return []shopifytest.Fault{f, f, f} }
	for name, c := range map[string]struct {
		faults []shopifytest.Fault
		want   string // part of the error; "": none
		calls  int
	}{
		"500 once":            {[]shopifytest.Fault{shopifytest.Status(at, 500)}, "", 2},
		"502, then garbage":   {[]shopifytest.Fault{shopifytest.Status(at, 502), shopifytest.Garbage(at)}, "", 3},
		"throttled once":      {[]shopifytest.Fault{shopifytest.Throttle(at, 1)}, "", 2},
		"answer lost":         {[]shopifytest.Fault{shopifytest.LoseAnswer(at)}, "", 2},
		"always 500":          {three(shopifytest.Status(at, 500)), "500", 3},
		"always throttled":    {three(shopifytest.Throttle(at, 0)), "slow down", 3},
		"always garbage":      {three(shopifytest.Garbage(at)), "not JSON", 3},
		"a redirect":          {[]shopifytest.Fault{shopifytest.Redirect(at, "https://evil.com/")}, "307", 1},
		"404: no such shop":   {[]shopifytest.Fault{shopifytest.Status(at, 404)}, "404", 1},
		"402: shop is frozen": {[]shopifytest.Fault{shopifytest.Status(at, 402)}, "402", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, shop, app := fake(t)
			s := session(t, app, shop)
			server.Fail(c.faults...)
			_, err := app.Exchange(t.Context(), s)
			if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("%v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "shpss_") || strings.Contains(err.Error(), "eyJ")) {
				t.Fatalf("the error gives a secret away: %v", err)
			}
			if n := len(server.Requests(at)); n != c.calls {
				t.Fatalf("%d calls, want %d", n, c.calls)
			}
		})
	}
}

// TestHang: a platform that does not answer holds nobody up longer than the caller's own patience.
func TestHang(t *testing.T) {
	t.Parallel()
	server, shop, app := fake(t)
	s := session(t, app, shop)
	server.Fail(shopifytest.Hang(shopifytest.TokenPath), shopifytest.Hang(shopifytest.TokenPath))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := app.Exchange(ctx, s); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 3*time.Second {
		t.Fatalf("%v after %v", err, time.Since(begin))
	}
}

// TestStaleForShopify: a token that we find good and Shopify too old is answered as an old one.
func TestStaleForShopify(t *testing.T) {
	t.Parallel()
	server, shop, app := fake(t)
	claims := shop.Claims()
	claims["exp"] = time.Now().Add(-5 * time.Second).Unix() // within our leeway
	s, err := app.VerifySession(server.SessionToken(claims))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Exchange(t.Context(), s); !errors.Is(err, shopify.ErrSession) {
		t.Fatalf("%v", err)
	}
}

func TestWrongSecret(t *testing.T) {
	t.Parallel()
	server, shop, _ := fake(t)
	client, err := shopify.NewHTTPClient(server.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	v := readVectors(t)
	app, err := shopify.NewApp(shopify.Config{ClientID: v.ClientID, Secrets: [][]byte{[]byte("wrong"), []byte(v.Secret)}, HTTP: client, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Exchange(t.Context(), session(t, app, shop)); !errors.Is(err, shopify.ErrApp) {
		t.Fatalf("%v", err)
	}
}

func TestSenselessAnswers(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `{"access_token":""}`, `{"access_token":1}`, `{"access_token":"t","expires_in":-1}`,
		`{"access_token":"t","expires_in":3600}`, `{"access_token":"t","expires_in":99999999999,"refresh_token":"r"}`,
		`{"access_token":"t"} trailing`,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			app, err := shopify.NewApp(shopify.Config{
				ClientID: v.ClientID, Secrets: [][]byte{[]byte(v.Secret)}, Clock: time.Now,
				HTTP: shopify.Guarded(roundTrip(func(*http.Request) (*http.Response, error) { return answer(body), nil })),
			})
			if err != nil {
				t.Fatal(err)
			}
			if g, err := app.RedeemCode(t.Context(), v.Shop, "c"); err == nil {
				t.Errorf("%+v", g)
			}
		})
	}
}

// TestTestHost: the test setting names a loopback address or nothing.
func TestTestHost(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:21000": true, "[::1]:21000": true, "127.0.0.1": false, "localhost:80": false, "10.0.0.1:80": false,
		"evil.com:443": false, "0.0.0.0:80": false, "127.0.0.1.evil.com:80": false,
	} {
		if _, err := shopify.NewHTTPClient(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// FuzzSecretStaysHome: whatever a shop is called, what holds the secret goes to that shop's own host by TLS or nowhere.
func FuzzSecretStaysHome(f *testing.F) {
	for _, shop := range []string{
		"a.myshopify.com", "x.myshopify.com.evil.com", "evil.com/x.myshopify.com", "evil.com#.myshopify.com", "evil.com?.myshopify.com",
		"a@evil.com", "evil.com\\.myshopify.com", "a.myshopify.com:80", "127.0.0.1", "A.MYSHOPIFY.COM", "a.myshopify.com\r\nHost: evil.com", "",
	} {
		f.Add(shop)
	}
	v := readVectors(f)
	f.Fuzz(func(t *testing.T, shop string) {
		var sent atomic.Int64
		client := shopify.Guarded(roundTrip(func(r *http.Request) (*http.Response, error) {
			sent.Add(1)
			host := r.URL.Host
			if r.URL.Scheme != "https" || !strings.HasSuffix(host, ".myshopify.com") || strings.Count(host, ".") != 2 ||
				host != strings.ToLower(shop) || (r.Host != "" && r.Host != host) {
				t.Errorf("shop %q: the secret leaves for %s (Host %q)", shop, r.URL, r.Host)
			}
			return answer(`{"access_token":"t"}`), nil
		}))
		app, err := shopify.NewApp(shopify.Config{ClientID: v.ClientID, Secrets: [][]byte{[]byte(v.Secret)}, HTTP: client, Clock: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		_, refreshErr := app.Refresh(ctx, shop, "r")
		_, codeErr := app.RedeemCode(ctx, shop, "c")
		_, migrateErr := app.Migrate(ctx, shop, "t")
		good := 0
		for _, err := range []error{refreshErr, codeErr, migrateErr} {
			if err == nil {
				good++
			}
		}
		if int64(good) != sent.Load() {
			t.Errorf("shop %q: %d calls succeeded, %d were sent", shop, good, sent.Load())
		}
		// Also where the code above is wrong about the host, the client's own guard holds.
		if r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+shop+"/", strings.NewReader("{}")); err == nil {
			answer, err := client.Do(r)
			if err == nil {
				_ = answer.Body.Close()
			}
		}
	})
}

// FuzzGrantAnswer: no answer of the token endpoint makes us panic or take half a grant.
func FuzzGrantAnswer(f *testing.F) {
	f.Add(200, `{"access_token":"t","scope":"a,b","expires_in":3600,"refresh_token":"r","refresh_token_expires_in":1}`)
	f.Add(400, `{"error":"invalid_grant"}`)
	f.Add(429, ``)
	v := readVectors(f)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 499 || status == 408 || status == 429 {
			status = 400 // what passes is tried again, slowly
		}
		if !json.Valid([]byte(body)) {
			status = 400
		}
		app, err := shopify.NewApp(shopify.Config{
			ClientID: v.ClientID, Secrets: [][]byte{[]byte(v.Secret)}, Clock: time.Now,
			HTTP: shopify.Guarded(roundTrip(func(*http.Request) (*http.Response, error) {
				a := answer(body)
				a.StatusCode = status
				return a, nil
			})),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if g, err := app.Refresh(ctx, v.Shop, "r"); err == nil && (g.Token == "" || (!g.ExpiresAt.IsZero() && g.RefreshToken == "")) {
			t.Fatalf("half a grant: %+v", g)
		}
	})
}
