// Package web is the pages a browser gets: the merchant's screens as they were built, inside the binary. They need no
// network but this server's own; only inside Shopify's admin do they load Shopify's two scripts.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// policy lets a page load nothing but our own scripts, styles and answers, and be framed by nobody. No inline script or
// style passes but those of the page as it was built, which are named by their hashes; so a hostile name in an order can do
// nothing even where it reached the page as markup.
func policy(inline []string) string {
	return "default-src 'none'; script-src 'self'" + strings.Join(inline, "") + "; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// The two builds of the screens: our own look, and Shopify's elements.
const (
	own     = "own"
	polaris = "polaris"
)

// screens are the first parts of the addresses that the screens answer; everything else is not found. They are those of
// shopify-app/admin/main.tsx, and a test holds the two together.
var screens = []string{"", "audit", "commissions", "deliveries", "distributors", "join", "orders", "plans", "products", "reset", "settings", "setup", "sign-in", "stores"}

//go:embed all:dist
var built embed.FS

//go:embed static
var static embed.FS

// file is one answer, ready to be sent.
type file struct {
	kind   string // media type
	tag    string // of the plain bytes
	cache  string
	plain  []byte
	packed map[string][]byte // by content encoding
}

// entry is what a build begins with.
type entry struct{ script, style string }

// Pages serves the screens.
type Pages struct {
	files   map[string]file
	entries map[string]entry // by build; empty where the screens were not built
	boot    string           // path of the script that begins the screens inside Shopify's admin
	policy  string
}

// Handler serves the screens as they were built into this program. A file that cannot be read from the binary is a fault
// of the build and panics at start.
func Handler() *Pages {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	pages, err := New(files)
	if err != nil {
		panic(fmt.Sprintf("web: read the embedded files: %v", err))
	}
	return pages
}

// New serves the screens of a folder with the builds "own" and "polaris". Without them every screen is a page that says
// how they are made.
func New(dist fs.FS) (*Pages, error) {
	p := &Pages{files: map[string]file{}, entries: map[string]entry{}, policy: policy(nil)}
	if err := p.addStatic(); err != nil {
		return nil, err
	}
	for _, build := range []string{own, polaris} {
		index, err := fs.ReadFile(dist, build+"/index.html")
		if err != nil {
			continue // not built
		}
		if p.entries[build], err = entryOf(build, index); err != nil {
			return nil, err
		}
		if build == own {
			p.policy = policy(hashesOf(index))
			p.add("/", "index.html", index, nil, "no-cache")
		}
		if err := p.addAssets(dist, build); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Built tells whether the screens are in this program.
func (p *Pages) Built() bool { return len(p.entries) == 2 }

func (p *Pages) addStatic() error {
	for _, name := range []string{"favicon.svg", "unbuilt.html", "boot.js"} {
		plain, err := static.ReadFile("static/" + name)
		if err != nil {
			return err
		}
		switch name {
		case "unbuilt.html":
			p.add("/", name, plain, nil, "no-cache")
		case "boot.js":
			sum := sha256.Sum256(plain)
			p.boot = "/assets/boot-" + hex.EncodeToString(sum[:6]) + ".js"
			p.add(p.boot, name, plain, nil, forever)
		default:
			p.add("/"+name, name, plain, nil, "no-cache")
		}
	}
	return nil
}

// forever is for files whose name changes with what is in them.
const forever = "public, max-age=31536000, immutable"

func (p *Pages) addAssets(dist fs.FS, build string) error {
	folder := build + "/assets"
	entries, err := fs.ReadDir(dist, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".br") {
			continue
		}
		plain, err := fs.ReadFile(dist, folder+"/"+e.Name())
		if err != nil {
			return err
		}
		brotli, err := fs.ReadFile(dist, folder+"/"+e.Name()+".br")
		if err != nil {
			brotli = nil // not smaller than the plain file
		}
		p.add("/assets/"+e.Name(), e.Name(), plain, brotli, forever)
	}
	return nil
}

func (p *Pages) add(at, name string, plain, brotli []byte, cache string) {
	sum := sha256.Sum256(plain)
	f := file{kind: kindOf(name), tag: hex.EncodeToString(sum[:12]), cache: cache, plain: plain, packed: map[string][]byte{"gzip": pack(plain)}}
	if brotli != nil {
		f.packed["br"] = brotli
	}
	p.files[at] = f
}

var (
	scriptOf = regexp.MustCompile(`<script type="module"[^>]* src="(/assets/[^"]+\.js)"`)
	styleOf  = regexp.MustCompile(`<link rel="stylesheet"[^>]* href="(/assets/[^"]+\.css)"`)
)

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// hashesOf names the scripts that stand in a page itself, as its policy lets them pass.
func hashesOf(index []byte) (hashes []string) {
	for _, script := range inlineScript.FindAllSubmatch(index, -1) {
		sum := sha256.Sum256(script[1])
		hashes = append(hashes, " 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return hashes
}

func entryOf(build string, index []byte) (entry, error) {
	script, style := scriptOf.FindSubmatch(index), styleOf.FindSubmatch(index)
	if script == nil || style == nil {
		return entry{}, fmt.Errorf("%s/index.html names no script and style of /assets", build)
	}
	return entry{script: string(script[1]), style: string(style[1])}, nil
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

// Has tells whether a path leads to a page, so that the caller can answer for the others. A missing asset is never the
// page itself: a browser would take that for a script.
func (p *Pages) Has(at string) bool {
	if _, ok := p.files[at]; ok {
		return true
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(at, "/"), "/")
	return first != "" && slices.Contains(screens, first)
}

// ServeHTTP answers GET and HEAD. The page is asked for again each time and costs a 304 while it is the same; what it
// loads is kept for ever, because another content has another name.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.Has(r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, ok := p.files[r.URL.Path]
	if !ok {
		f = p.files["/"]
	}
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	f.send(w, r)
}

func (f *file) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	body, tag := f.plain, f.tag
	for _, encoding := range []string{"br", "gzip"} {
		if packed, ok := f.packed[encoding]; ok && accepts(r.Header.Get("Accept-Encoding"), encoding) {
			h.Set("Content-Encoding", encoding)
			body, tag = packed, f.tag+"-"+encoding
			break
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// accepts reads the header without its weights, but for a weight of zero, which is a refusal.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			weight = strings.ReplaceAll(weight, " ", "")
			return weight != "q=0" && weight != "q=0.0" && weight != "q=0.00" && weight != "q=0.000"
		}
	}
	return false
}
