package httpapi_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
)

type closing struct {
	ClosedAt string `json:"closed_at"`
	Goes     admin.ClosingGoes
	Stays    admin.ClosingStays
	Owed     map[string]string
}

// TestClosing: a dry run tells what goes and changes nothing; then nobody but owners gets in, nothing comes in, names are
// gone, and the books are there, whole and sealed as before.
func TestClosing(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c, rival := p.company(t, "alpha"), p.company(t, "rival")
	c.fill()
	rival.fill()
	c.order("A-1", "TEA-12", "ANNA1001", "50.00")
	owner, clerk := p.as(t, "alpha", auth.Owner), p.as(t, "alpha", auth.Admin)
	clerk.want(http.StatusForbidden, "POST", "/api/v1/program/close?dry_run=true", "{}")
	var would closing
	owner.into(&would, "POST", "/api/v1/program/close?dry_run=true", "{}")
	goes := admin.ClosingGoes{Stores: 2, APIKeys: 2, Members: 1, People: would.Goes.People, Bindings: would.Goes.Bindings, Bodies: 1}
	if would.Goes != goes || goes.People == 0 || would.Stays.Orders != 1 || would.Stays.Postings == 0 || would.ClosedAt != "" || would.Owed["EUR"] == "" {
		t.Fatalf("%+v", would)
	}
	before := batches(t, p, "alpha")
	owner.want(http.StatusUnprocessableEntity, "POST", "/api/v1/program/close", `{"confirm":"alpha","despite_owed":true}`)
	owner.want(http.StatusConflict, "POST", "/api/v1/program/close", `{"confirm":"Company alpha"}`)
	clerk.want(http.StatusOK, "GET", "/api/v1/overview", "")
	for range 2 { // once more is as good as once
		owner.want(http.StatusOK, "POST", "/api/v1/program/close", `{"confirm":"Company alpha","despite_owed":true}`)
	}
	fatal(t, p.privacy.Work(t.Context()))

	c.want(http.StatusUnauthorized, c.get("/api/v1/overview"))
	clerk.want(http.StatusUnauthorized, "GET", "/api/v1/overview", "")
	clerk.want(http.StatusForbidden, "POST", "/api/auth/sign-in", `{"email":"admin@alpha.example","password":"`+goodPassword+`"}`)
	body := []byte(`{"id":1}`)
	header := webhookHeader(c.domain, body, appSecret)
	c.soon(func() bool { // a store is remembered for some seconds
		return send(t, http.MethodPost, p.url+"/webhooks/shopify", bytes.NewReader(body), header).status == http.StatusNotFound
	})
	redact := maps.Clone(header)
	redact["X-Shopify-Topic"], redact["X-Shopify-Webhook-Id"] = "shop/redact", "w2"
	c.want(http.StatusOK, send(t, http.MethodPost, p.url+"/webhooks/shopify", bytes.NewReader(body), redact))

	var overview struct {
		Program struct {
			ClosedAt string `json:"closed_at"`
		}
		Orders int
	}
	owner.into(&overview, "GET", "/api/v1/overview", "")
	if overview.Program.ClosedAt == "" || overview.Orders != 1 {
		t.Errorf("%+v", overview)
	}
	if got := owner.want(http.StatusOK, "GET", "/api/v1/exports/ledger.csv", ""); !strings.Contains(string(got.body), "ANNA") {
		t.Errorf("the ledger as a file: %s", got.body)
	}
	if got := owner.want(http.StatusOK, "GET", "/api/v1/distributors", ""); strings.Contains(string(got.body), "Anna Bauer") {
		t.Errorf("a name is still there: %s", got.body)
	}
	for path, text := range map[string]string{
		"/api/v1/mappings": `{"data":[{"platform":"custom","platform_sku":"X","commission_class":"nutrition"}]}`, "/api/v1/api-keys": `{"name":"x"}`,
		"/api/v1/invitations": `{"email":"x@example.com","role":"viewer"}`, "/api/v1/stores": `{"platform":"custom","domain":"x.example","currency":"EUR"}`,
	} {
		owner.want(http.StatusConflict, "POST", path, text)
	}
	var left closing // what is left is the platform's own request of just now
	owner.into(&left, "POST", "/api/v1/program/close?dry_run=true", "{}")
	if left.Goes != (admin.ClosingGoes{Stores: 2, Bodies: 1}) || left.Stays != would.Stays || left.ClosedAt == "" {
		t.Errorf("after it: %+v", left)
	}
	if after := batches(t, p, "alpha"); after != before || after == 0 {
		t.Errorf("%d batches, sealed and sound; %d before", after, before)
	}
	if got := rival.want(http.StatusOK, rival.get("/api/v1/distributors")); !strings.Contains(string(got.body), "Anna Bauer") {
		t.Errorf("the neighbour lost a name: %s", got.body)
	}
}

// batches verifies a program's ledger and counts its sealed batches.
func batches(t *testing.T, p *product, program string) (n int64) {
	t.Helper()
	v := ledger.NewVerifier(program)
	fatal(t, p.store.Seals(t.Context(), program, func(seal ledger.Seal, postings []ledger.Posting, leaves [][32]byte) error {
		n++
		if found := v.Batch(seal, postings, leaves); len(found) > 0 {
			t.Errorf("batch %d: %v", n, found)
		}
		return nil
	}))
	return n
}

// TestArchive: everything in one file, each list as its own export has it, and a manifest that fits.
func TestArchive(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c, rival := p.company(t, "alpha"), p.company(t, "rival")
	c.fill()
	rival.fill()
	c.order("A-1", "TEA-12", "ANNA1001", "50.00")
	got := c.want(http.StatusOK, c.get("/api/v1/exports/all.zip?distributor_id=NOBODY"))
	archive, err := zip.NewReader(bytes.NewReader(got.body), int64(len(got.body)))
	fatal(t, err)
	files := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		fatal(t, err)
		files[f.Name], err = io.ReadAll(r)
		fatal(t, err)
	}
	var m struct {
		Company string
		Files   []struct {
			Name, SHA256 string
			Rows, Bytes  int64
		}
	}
	fatal(t, json.Unmarshal(files["manifest.json"], &m))
	if len(m.Files) != 6 || len(files) != 7 || m.Company != "Company alpha" {
		t.Fatalf("%d files, and %+v", len(files), m)
	}
	for _, f := range m.Files {
		text := files[f.Name]
		sum := sha256.Sum256(text)
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		fatal(t, err)
		if f.SHA256 != hex.EncodeToString(sum[:]) || f.Bytes != int64(len(text)) || f.Rows != int64(len(lines)-1) {
			t.Errorf("%+v does not tell of %d bytes, %d lines", f, len(text), len(lines))
		}
		if one := c.get("/api/v1/exports/" + f.Name); !bytes.Equal(one.body, text) {
			t.Errorf("%s differs from its own export", f.Name)
		}
		if bytes.Contains(text, []byte("rival")) || (f.Rows == 0) {
			t.Errorf("%s: %s", f.Name, text)
		}
	}
}
