// Package web is the pages a browser gets: hand-written files inside the binary, which need no network but this server's
// own, no cookie and no build step.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// policy lets a page load nothing but our own scripts, styles and answers, and be framed by nobody. No inline script or
// style passes, so a hostile name in an order can do nothing even where it reached the page as markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// index is the page at "/".
const index = "index.html"

//go:embed static
var static embed.FS

// file is one answer, ready to be sent.
type file struct {
	kind   string // media type
	tag    string // of the plain bytes
	plain  []byte
	packed []byte // gzip
}

// pages serves the files by their path.
type pages map[string]file

// Handler serves the pages. Its Has tells which paths it knows, so that the caller can answer for the others. A file
// that cannot be read from the binary is a fault of the build and panics at start.
func Handler() http.Handler {
	entries, err := static.ReadDir("static")
	if err != nil {
		panic(fmt.Sprintf("web: read the embedded files: %v", err))
	}
	served := make(pages, len(entries))
	for _, entry := range entries {
		plain, err := static.ReadFile(path.Join("static", entry.Name()))
		if err != nil {
			panic(fmt.Sprintf("web: read the embedded file %s: %v", entry.Name(), err))
		}
		name := "/" + entry.Name()
		if entry.Name() == index {
			name = "/"
		}
		served[name] = newFile(entry.Name(), plain)
	}
	return served
}

func newFile(name string, plain []byte) file {
	sum := sha256.Sum256(plain)
	return file{kind: kindOf(name), tag: hex.EncodeToString(sum[:12]), plain: plain, packed: pack(plain)}
}

// kindOf does not ask the host's own tables for what we serve: they differ from machine to machine.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// pack compresses once, at start; writing to memory cannot fail.
func pack(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(plain)
	_ = w.Close()
	return b.Bytes()
}

// Has tells whether a path leads to a page.
func (p pages) Has(path string) bool {
	_, ok := p[path]
	return ok
}

// ServeHTTP answers GET and HEAD. Files are asked for again each time and cost a 304 while they are the same: a new
// release must not meet an old script.
func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	body, tag := f.plain, f.tag
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body, tag = f.packed, f.tag+"-gzip"
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads the header without its weights, but for a weight of zero, which is a refusal.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight = strings.ReplaceAll(weight, " ", "")
			return weight != "q=0" && weight != "q=0.0" && weight != "q=0.00" && weight != "q=0.000"
		}
	}
	return false
}
