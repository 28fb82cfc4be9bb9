package magento_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/magento/magentotest"
)

// begun is a shop whose merchant has pressed Connect, and a client with what Magento posted.
func begun(t *testing.T, v magentotest.Variant) (*magentotest.Shop, *magento.Client, string) {
	t.Helper()
	shop := magentotest.New(v)
	address := shop.Start(t)
	if _, err := shop.Begin(t.Context(), address, "code"); err != nil { // It posts to itself, and ignores the answer.
		t.Fatal(err)
	}
	form := shop.Form()
	base, err := url.Parse(form.Get("store_base_url"))
	if err != nil {
		t.Fatal(err)
	}
	http := fence.Client(true)
	http.Timeout = 30 * time.Second // 32 MB are read within it
	return shop, &magento.Client{
		HTTP: http, Base: base, Clock: time.Now, Patience: []time.Duration{time.Millisecond, time.Millisecond},
		Keys: magento.Keys{ConsumerKey: form.Get("oauth_consumer_key"), ConsumerSecret: form.Get("oauth_consumer_secret")},
	}, form.Get("oauth_verifier")
}

// TestConnectBothVariants walks from the verifier to the module's answer before both of Magento's code bases, called by the scheme that it
// believes in and by another.
func TestConnectBothVariants(t *testing.T) {
	t.Parallel()
	for _, v := range []magentotest.Variant{magentotest.V247, magentotest.V248} {
		for _, scheme := range []string{"http", "https"} {
			shop, client, verifier := begun(t, v)
			shop.Scheme = scheme
			if _, err := magento.Handshake(t.Context(), client, verifier); err != nil {
				t.Fatalf("%s by %s: %v", v, scheme, err)
			}
			told := magento.Connection{StoreID: "s", Site: "http://shop", Secret: "ups_1"}
			m, err := magento.Connect(t.Context(), client, &told)
			if err != nil || m.InstallID != shop.InstallID || m.StoreID != "s" || shop.Told().Secret != "ups_1" {
				t.Errorf("%s by %s: %+v, %v", v, scheme, m, err)
			}
			if client.ThroughProxy() != (scheme == "https") {
				t.Errorf("%s by %s: through a proxy %v", v, scheme, client.ThroughProxy())
			}
		}
	}
}

// TestHandshakeGoesOn: a step that failed is tried again by itself, and nothing is asked for twice.
func TestHandshakeGoesOn(t *testing.T) {
	t.Parallel()
	later := magentotest.Answer(503, "<html>maintenance</html>")
	for name, faults := range map[string][]magentotest.Fault{
		"down at first":     {later, later},
		"down in between":   {magentotest.Pass, later, later},
		"cut in between":    {magentotest.Pass, magentotest.Cut},
		"an error of PHP":   {magentotest.Answer(500, `{"message":"Internal Error"}`)},
		"too many requests": {magentotest.Answer(429, `{"message":"Too Many Requests"}`)},
	} {
		shop, client, verifier := begun(t, magentotest.V248)
		shop.FailNext(faults...)
		if _, err := magento.Handshake(t.Context(), client, verifier); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHandshakeRefused: what a merchant is told of each way in which connecting fails, without a word that is not Magento's or ours.
func TestHandshakeRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    magentotest.Fault
		change   func(*magentotest.Shop, *magento.Client)
		verifier string
		want     string
	}{
		"another verifier": {verifier: "x", want: "verifier is invalid"},
		"another secret":   {change: func(_ *magentotest.Shop, c *magento.Client) { c.Keys.ConsumerSecret = "x" }, want: "X-Forwarded-Proto"},
		"another key":      {change: func(_ *magentotest.Shop, c *magento.Client) { c.Keys.ConsumerKey = "x" }, want: "does not exist"},
		"too late": {change: func(s *magentotest.Shop, _ *magento.Client) {
			s.Clock = func() time.Time { return time.Now().Add(301 * time.Second) }
		}, want: "has expired"},
		"deleted meanwhile": {change: func(s *magentotest.Shop, _ *magento.Client) { s.Delete() }, want: "does not exist"},
		"another page":      {fault: magentotest.Answer(200, "<html>Welcome, secret</html>"), want: "Magento and not to another page"},
		"an empty token":    {fault: magentotest.Answer(200, "oauth_token=&oauth_token_secret="), want: "no token"},
		"a header in it":    {fault: magentotest.Answer(200, "oauth_token=a%0d%0aX-Evil:1&oauth_token_secret=b"), want: "no token"},
		"a long token":      {fault: magentotest.Answer(200, "oauth_token="+strings.Repeat("a", 5000)+"&oauth_token_secret=b"), want: "no token"},
		"a huge answer":     {fault: magentotest.Huge, want: "did not answer as Magento does"},
		"a redirect":        {fault: magentotest.Redirect("http://169.254.169.254/latest/meta-data"), want: "not followed"},
		"no module":         {fault: magentotest.Answer(404, `{"message":"Request does not match any route."}`), want: "no such address"},
		"clocks":            {fault: magentotest.Answer(401, `{"message":"The timestamp value in the oauth_timestamp parameter is invalid"}`), want: "NTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, client, verifier := begun(t, magentotest.V247)
			if c.change != nil {
				c.change(shop, client)
			}
			if c.verifier != "" {
				verifier = c.verifier
			}
			if c.fault != nil {
				shop.FailNext(c.fault)
			}
			_, err := magento.Handshake(t.Context(), client, verifier)
			if err == nil {
				t.Fatal("it was connected")
			}
			if word := magento.Trouble(err); !strings.Contains(word, c.want) || strings.Contains(word, "secret") || strings.Contains(word, "169.254") {
				t.Errorf("%q of %v", word, err)
			}
		})
	}
}

// TestModuleRefuses: the handshake is over, and the module does not take the connection.
func TestModuleRefuses(t *testing.T) {
	t.Parallel()
	shop, client, verifier := begun(t, magentotest.V248)
	shop.Granted = nil
	if _, err := magento.Handshake(t.Context(), client, verifier); err != nil {
		t.Fatal(err)
	}
	_, err := magento.Connect(t.Context(), client, &magento.Connection{})
	if !errors.Is(err, adapters.ErrReauthorise) || !strings.Contains(magento.Trouble(err), magentotest.ModuleAPI) {
		t.Errorf("%v: %s", err, magento.Trouble(err))
	}
}

// TestPrivateAddress: whatever a shop says of itself, nothing inside our own network is called.
func TestPrivateAddress(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		"https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "http://93.184.216.34/", "https://localhost:1/", "https://user:pw@93.184.216.34/",
	} {
		at, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		client := &magento.Client{HTTP: fence.Client(false), Base: at, Clock: time.Now, Patience: []time.Duration{time.Hour}}
		_, err = magento.Handshake(t.Context(), client, "v")
		if !errors.Is(err, fence.ErrForbidden) || !strings.Contains(magento.Trouble(err), "no public https address") {
			t.Errorf("%s: %v", base, err)
		}
	}
}
