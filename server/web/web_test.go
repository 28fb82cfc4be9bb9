package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"upline.dev/upline/server/web"
)

var files = map[string]string{
	"/": "text/html; charset=utf-8", "/app.css": "text/css; charset=utf-8", "/app.js": "text/javascript; charset=utf-8",
	"/dom.js": "text/javascript; charset=utf-8", "/money.js": "text/javascript; charset=utf-8", "/favicon.svg": "image/svg+xml",
}

func ask(t *testing.T, method, path string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	web.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestPagesHaveTheirKindAndPolicy(t *testing.T) {
	t.Parallel()
	for path, kind := range files {
		answer := ask(t, http.MethodGet, path, nil)
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %s, want 200 %s", path, answer.StatusCode, answer.Header.Get("Content-Type"), kind)
		}
		policy := answer.Header.Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
			"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s", path, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy allows what it should not: %s", path, policy)
		}
		if answer.Header.Get("Set-Cookie") != "" || answer.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: headers %v", path, answer.Header)
		}
	}
}

func TestUnchangedFilesCostNoBody(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"", "gzip", "br, gzip;q=0.8", "gzip;q=0"} {
		first := ask(t, http.MethodGet, "/app.js", map[string]string{"Accept-Encoding": encoding})
		defer first.Body.Close()
		again := ask(t, http.MethodGet, "/app.js", map[string]string{"Accept-Encoding": encoding, "If-None-Match": first.Header.Get("ETag")})
		defer again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("encoding %q: %d on an unchanged file, want 304", encoding, again.StatusCode)
		}
	}
}

func TestCompressedIsTheSame(t *testing.T) {
	t.Parallel()
	for path := range files {
		plain := ask(t, http.MethodGet, path, nil)
		defer plain.Body.Close()
		packed := ask(t, http.MethodGet, path, map[string]string{"Accept-Encoding": "gzip"})
		defer packed.Body.Close()
		if packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Fatalf("%s: headers %v", path, packed.Header)
		}
		unpacked, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := io.ReadAll(plain.Body)
		have, err := io.ReadAll(unpacked)
		if err != nil || string(have) != string(want) || len(want) == 0 {
			t.Errorf("%s: unpacks to other bytes (%v)", path, err)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/index.html", http.StatusNotFound}, // one page, one address
		{http.MethodGet, "/static/app.js", http.StatusNotFound},
		{http.MethodGet, "/../web.go", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
		{http.MethodHead, "/", http.StatusOK},
	} {
		answer := ask(t, c.method, c.path, nil)
		defer answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, answer.StatusCode, c.want)
		}
	}
	pages, ok := web.Handler().(interface{ Has(path string) bool })
	if !ok || !pages.Has("/") || pages.Has("/nope") {
		t.Error("Has does not tell the pages")
	}
}

// TestScriptsInsertNothingButText holds the page to what its policy cannot: no markup is ever made of an order's text.
func TestScriptsInsertNothingButText(t *testing.T) {
	t.Parallel()
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc|parseFloat|Number\(|toFixed|https?://`)
	inline := regexp.MustCompile(`(?i)<script(>| [^>]*[^>]*>[^<])|<style|\son[a-z]+=|style=|https?://`)
	for _, path := range []string{"/app.js", "/api.js", "/dom.js", "/format.js", "/money.js", "/order.js", "/setup.js"} {
		if found := markup.FindString(read(t, path)); found != "" {
			t.Errorf("%s uses %s", path, found)
		}
	}
	if found := inline.FindString(read(t, "/")); found != "" {
		t.Errorf("the page has %q, which its policy stops or which leaves this server", found)
	}
	if found := regexp.MustCompile(`url\(|@import|https?://`).FindString(read(t, "/app.css")); found != "" {
		t.Errorf("the style has %q", found)
	}
}

// TestEveryReferenceIsServed follows what the page and its scripts load.
func TestEveryReferenceIsServed(t *testing.T) {
	t.Parallel()
	reference := regexp.MustCompile(`(?:src|href|from)[= ]["']?["'](/[a-z.]+\.(?:js|css|svg))["']`)
	seen := 0
	for _, path := range []string{"/", "/app.js", "/format.js", "/order.js", "/setup.js"} {
		for _, match := range reference.FindAllStringSubmatch(read(t, path), -1) {
			seen++
			answer := ask(t, http.MethodGet, match[1], nil)
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("%s names %s: %d", path, match[1], answer.StatusCode)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d references were found; the pattern no longer fits", seen)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	answer := ask(t, http.MethodGet, path, nil)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, answer.StatusCode, err)
	}
	return string(text)
}
