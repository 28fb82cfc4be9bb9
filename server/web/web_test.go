package web_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"upline.dev/upline/server/web"
)

const page = `<!doctype html><html><head><script type="module" crossorigin src="/assets/index-A1.js"></script>
<link rel="stylesheet" crossorigin href="/assets/index-B2.css"></head><body><div id="app"></div></body></html>`

// screens are builds as Vite writes them, small enough to read.
func screens(t *testing.T) *web.Pages {
	t.Helper()
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	pages, err := web.New(fstest.MapFS{
		"own/index.html": text(page), "own/assets/index-A1.js": text(strings.Repeat("own();", 99)), "own/assets/index-A1.js.br": text("brotli"), "own/assets/index-B2.css": text("a{}"),
		"polaris/index.html": text(strings.NewReplacer("A1", "C3", "B2", "D4").Replace(page)), "polaris/assets/index-C3.js": text("polaris();"), "polaris/assets/index-D4.css": text("b{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func ask(t *testing.T, pages http.Handler, method, path string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	return w.Result()
}

// read gives the body of a page that has to be there.
func read(t *testing.T, pages http.Handler, path string, header map[string]string) string {
	t.Helper()
	answer := ask(t, pages, http.MethodGet, path, header)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, answer.StatusCode, err)
	}
	return string(text)
}

func TestPagesHaveTheirKindAndPolicy(t *testing.T) {
	t.Parallel()
	pages := screens(t)
	for path, want := range map[string]struct{ kind, cache string }{
		"/":                    {"text/html; charset=utf-8", "no-cache"},
		"/orders":              {"text/html; charset=utf-8", "no-cache"},
		"/orders/shop/A.1":     {"text/html; charset=utf-8", "no-cache"},
		"/favicon.svg":         {"image/svg+xml", "no-cache"},
		"/assets/index-A1.js":  {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/index-D4.css": {"text/css; charset=utf-8", "public, max-age=31536000, immutable"},
	} {
		answer := ask(t, pages, http.MethodGet, path, nil)
		defer answer.Body.Close()
		h := answer.Header
		if answer.StatusCode != http.StatusOK || h.Get("Content-Type") != want.kind || h.Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d %s %s, want 200 %v", path, answer.StatusCode, h.Get("Content-Type"), h.Get("Cache-Control"), want)
		}
		policy := h.Get("Content-Security-Policy")
		for _, directive := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(policy, directive) {
				t.Errorf("%s: the policy lacks %s", path, directive)
			}
		}
		if strings.Contains(policy, "unsafe") || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

// TestOnlyThePagesOwnScriptPasses: the policy names the one script that stands in the page, and no other.
func TestOnlyThePagesOwnScriptPasses(t *testing.T) {
	t.Parallel()
	const script = "begin()"
	pages, err := web.New(fstest.MapFS{"own/index.html": {Data: []byte(strings.Replace(page, "<head>", "<head><script>"+script+"</script>", 1))}, "own/assets/x.js": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	answer := ask(t, pages, http.MethodGet, "/orders", nil)
	defer answer.Body.Close()
	sum := sha256.Sum256([]byte(script))
	want := "script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) || strings.Count(policy, "sha256") != 1 {
		t.Errorf("the policy is %s, want %s", policy, want)
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	pages := screens(t)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/index.html", http.StatusNotFound}, // one page, one address
		{http.MethodGet, "/assets/index-gone.js", http.StatusNotFound},
		{http.MethodGet, "/assets/index-A1.js.br", http.StatusNotFound},
		{http.MethodGet, "/own/index.html", http.StatusNotFound},
		{http.MethodGet, "/../web.go", http.StatusNotFound},
		{http.MethodGet, "/wp-login.php", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodHead, "/", http.StatusOK},
	} {
		answer := ask(t, pages, c.method, c.path, nil)
		defer answer.Body.Close()
		if answer.StatusCode != c.want || pages.Has(c.path) == (c.want == http.StatusNotFound) {
			t.Errorf("%s %s: %d, want %d; Has says %t", c.method, c.path, answer.StatusCode, c.want, pages.Has(c.path))
		}
	}
}

func TestUnchangedFilesCostNoBody(t *testing.T) {
	t.Parallel()
	pages := screens(t)
	for _, c := range []struct{ accept, encoding string }{{"", ""}, {"gzip", "gzip"}, {"gzip, br;q=0.8", "br"}, {"br;q=0, gzip", "gzip"}, {"gzip;q=0", ""}} {
		first := ask(t, pages, http.MethodGet, "/assets/index-A1.js", map[string]string{"Accept-Encoding": c.accept})
		defer first.Body.Close()
		if first.Header.Get("Content-Encoding") != c.encoding || first.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: answered in %q, want %q", c.accept, first.Header.Get("Content-Encoding"), c.encoding)
		}
		again := ask(t, pages, http.MethodGet, "/assets/index-A1.js", map[string]string{"Accept-Encoding": c.accept, "If-None-Match": first.Header.Get("ETag")})
		defer again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%q: %d on an unchanged file, want 304", c.accept, again.StatusCode)
		}
	}
}

func TestCompressedIsTheSame(t *testing.T) {
	t.Parallel()
	pages := screens(t)
	plain := read(t, pages, "/assets/index-A1.js", nil)
	unpacked, err := gzip.NewReader(strings.NewReader(read(t, pages, "/assets/index-A1.js", map[string]string{"Accept-Encoding": "gzip"})))
	if err != nil {
		t.Fatal(err)
	}
	if have, err := io.ReadAll(unpacked); err != nil || string(have) != plain || plain == "" {
		t.Errorf("it unpacks to other bytes (%v)", err)
	}
}

// TestWithoutScreens is a program that Go built alone.
func TestWithoutScreens(t *testing.T) {
	t.Parallel()
	pages, err := web.New(fstest.MapFS{})
	if err != nil || pages.Built() {
		t.Fatal(err, pages.Built())
	}
	for _, path := range []string{"/", "/orders"} {
		if text := read(t, pages, path, nil); !strings.Contains(text, "make build") {
			t.Errorf("%s does not say how the screens are made: %s", path, text)
		}
	}
	w := httptest.NewRecorder()
	pages.Embedded(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody), web.Shop{})
	if !strings.Contains(w.Body.String(), "make build") {
		t.Error("inside Shopify's admin nothing is said")
	}
}

func TestABuildThatNamesNothingIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := web.New(fstest.MapFS{"own/index.html": &fstest.MapFile{Data: []byte("<p>")}}); err == nil {
		t.Error("a page that loads nothing was taken")
	}
}

// TestEmbedded holds the document to what Shopify asks for.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	pages := screens(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?shop=a.myshopify.com", http.NoBody)
	pages.Embedded(w, r, web.Shop{APIKey: `key"><script>`, Domain: "a.myshopify.com"})
	text, h := w.Body.String(), w.Header()
	if got := h.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors https://a.myshopify.com https://admin.shopify.com") || strings.Contains(got, "*") {
		t.Errorf("who may frame it: %s", got)
	}
	bridge, shell := strings.Index(text, web.AppBridge), strings.Index(text, web.PolarisShell)
	if first := strings.Index(text, "<script"); bridge < 0 || shell < bridge || first > bridge || strings.Contains(text[:bridge], "src=\"/") {
		t.Errorf("App Bridge has to be the first script, Shopify's elements the second:\n%s", text)
	}
	if !strings.Contains(text, `name="shopify-api-key"`) || strings.Contains(text, `key"><script>`) {
		t.Errorf("the key is not in its place, or not escaped:\n%s", text)
	}
	for _, want := range []string{"/assets/index-A1.js", "/assets/index-C3.js", "/assets/index-B2.css", "/assets/index-D4.css"} {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %s", want)
		}
	}
	if link := h.Get("Link"); !strings.Contains(link, web.AppBridge) || !strings.Contains(link, web.PolarisShell) || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", h)
	}
	boot := regexp.MustCompile(`/assets/boot-[0-9a-f]{12}\.js`).FindString(text)
	if !strings.Contains(read(t, pages, boot, nil), "import(polaris)") {
		t.Errorf("%q does not begin the screens", boot)
	}
}

// TestScreensAreServed holds the addresses that the screens know to those that are answered.
func TestScreensAreServed(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../shopify-app/admin/main.tsx")
	if err != nil {
		t.Fatal(err)
	}
	pages, routes := screens(t), regexp.MustCompile(`\['(/[a-z-]*)[^']*', \(`).FindAllStringSubmatch(string(source), -1)
	for _, route := range routes {
		if !pages.Has(route[1]) {
			t.Errorf("%s is a screen that is not served", route[1])
		}
	}
	if len(routes) < 10 {
		t.Errorf("only %d screens were found; the pattern no longer fits", len(routes))
	}
}

// TestScreensMakeNoMarkup holds the sources to what the policy cannot: no markup is ever made of an order's text, and no
// amount becomes a number.
func TestScreensMakeNoMarkup(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc|parseFloat|toFixed\(2`)
	for _, folder := range []string{"../../shopify-app/admin", "../../shopify-app/admin/screens", "../../shopify-app/ui", "../../shopify-app/ui/viz", "static"} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, _ := os.ReadFile(folder + "/" + e.Name())
			if found := forbidden.Find(text); found != nil {
				t.Errorf("%s/%s uses %s", folder, e.Name(), found)
			}
		}
	}
}
