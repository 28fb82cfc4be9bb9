// Package e2e_test drives the real binary as a stranger would: command line, signed webhooks, HTTP API, kill -9.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is built once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "upline-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "upline")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "upline.dev/upline/server/cmd/upline")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the product is built, and so mostly built already
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// installation is one data folder (or database) with a program, a store, people, products and a plan.
type installation struct {
	t      *testing.T
	bin    string
	env    []string
	addr   string
	secret string
	key    string
	dir    string // of its files
	domain string // of the shop whose webhooks are sent
}

const (
	shopDomain = "e2e-shop.myshopify.com"
	testPlan   = `
name: e2e
effective_from: 2020-01-01T00:00:00Z
ranks: [member]
volume: {money: {"*": "1"}}
components:
  - {id: retail, type: retail, base: net, rates: [{rate: 20%}]}
  - {id: team, type: unilevel, base: cv, compression: dynamic, rates: [{levels: [5%, 3%, 1%]}]}
`
	testPeople = `distributor_id,sponsor_id,codes
TOP,,
ADA,TOP,
BEA,ADA,
CYD,BEA,CYD10
`
	testSKUs = "platform_sku,commission_class\nTEA,a\nSERUM,a\n"
)

// onEachDatabase runs f on an embedded database, and on PostgreSQL where a test server is there.
func onEachDatabase(t *testing.T, f func(t *testing.T, databaseURL string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, "")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, scratchPostgres(t))
	})
}

// bareInstallation is a binary, an address and a database with nothing in it.
func bareInstallation(t *testing.T, databaseURL string) *installation {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{t: t, bin: bin, addr: freeAddr(t), dir: t.TempDir(), domain: shopDomain}
	in.env = append(os.Environ(), "UPLINE_DATA="+filepath.Join(in.dir, "data"), "DATABASE_URL="+databaseURL, "UPLINE_ADDR="+in.addr,
		"SHOPIFY_API_KEY=", "SHOPIFY_API_SECRET=", "SHOPIFY_API_SECRET_OLD=")
	in.cli("migrate")
	return in
}

// newInstallation sets everything up through the command line, as the README says.
func newInstallation(t *testing.T, databaseURL string) *installation {
	t.Helper()
	in := bareInstallation(t, databaseURL)
	file := func(name, text string) string {
		path := filepath.Join(in.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	in.cli("admin", "program", "create", "E2E Company", "--currency", "EUR")
	in.secret = in.field("signing_secret", "admin", "store", "create", shopDomain, "--platform", "shopify", "--currency", "EUR", "--id", "shop", "--json")
	in.key = in.field("api_key", "admin", "api-key", "create", "--store", "shop", "--json")
	in.cli("plan", "publish", file("plan.yaml", testPlan))
	in.cli("import", "distributors", file("people.csv", testPeople), "--commit")
	in.cli("import", "skus", file("skus.csv", testSKUs), "--commit")
	return in
}

// cli runs a command that must succeed and gives its standard output.
func (in *installation) cli(args ...string) string {
	in.t.Helper()
	out, err := in.try(args...)
	if err != nil {
		in.t.Fatalf("upline %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (in *installation) try(args ...string) (string, error) {
	cmd := exec.Command(in.bin, args...)
	cmd.Env = in.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), nil
}

func (in *installation) field(name string, args ...string) string {
	in.t.Helper()
	var fields map[string]string
	if err := json.Unmarshal([]byte(in.cli(args...)), &fields); err != nil {
		in.t.Fatalf("upline %s: %v", strings.Join(args, " "), err)
	}
	return fields[name]
}

// process is one running server.
type process struct {
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan struct{}
}

// serve starts the server and waits until it is ready.
func (in *installation) serve() *process {
	in.t.Helper()
	p := &process{cmd: exec.Command(in.bin, "serve"), log: &bytes.Buffer{}, done: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr = in.env, p.log
	if err := p.cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	in.t.Cleanup(func() { p.end(os.Kill) })
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if status, _, err := in.get("/readyz"); err == nil && status == http.StatusOK {
			return p
		}
		select {
		case <-p.done:
			in.t.Fatalf("the server ended at once:\n%s", p.log)
		default:
		}
	}
	in.t.Fatalf("the server was not ready in time:\n%s", p.log)
	return nil
}

// end sends a signal and waits for the process to be gone.
func (p *process) end(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal)
	<-p.done
}

// stop ends the server as an operator does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.end(syscall.SIGTERM)
	if !p.cmd.ProcessState.Success() {
		t.Errorf("the server ended with %s:\n%s", p.cmd.ProcessState, p.log)
	}
}

func (in *installation) get(path string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.addr+path, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+in.key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// webhook sends one signed delivery; id "" sends none, as curl would.
func (in *installation) webhook(topic, id string, body []byte) (int, error) {
	return in.event(topic, id, "", body)
}

// event is webhook with the id of the merchant's action that it tells of; "" for none.
func (in *installation) event(topic, id, event string, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+in.addr+"/webhooks/shopify", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Shopify-Topic", topic)
	request.Header.Set("X-Shopify-Shop-Domain", in.domain)
	request.Header.Set("X-Shopify-Hmac-Sha256", base64HMAC(body, in.secret))
	if id != "" {
		request.Header.Set("X-Shopify-Webhook-Id", id)
	}
	if event != "" {
		request.Header.Set("X-Shopify-Event-Id", event)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}

// rows reads all pages of a list.
func (in *installation) rows(path string) []map[string]any {
	in.t.Helper()
	var all []map[string]any
	for after := ""; ; {
		status, body, err := in.get(path + "limit=200&after=" + after)
		if err != nil || status != http.StatusOK {
			in.t.Fatalf("GET %s: %d %v %s", path, status, err, body)
		}
		var page struct {
			Data       []map[string]any `json:"data"`
			NextCursor string           `json:"next_cursor"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			in.t.Fatal(err)
		}
		all = append(all, page.Data...)
		if after = page.NextCursor; after == "" {
			return all
		}
	}
}

// settled waits until no delivery is waiting.
func (in *installation) settled() {
	in.t.Helper()
	in.until("no delivery to be waiting", func() bool {
		status, body, err := in.get("/api/v1/deliveries?status=waiting&limit=1")
		return err == nil && status == http.StatusOK && bytes.Contains(body, []byte(`"data":[]`))
	})
}

// until polls a condition for at most two minutes: what a killed process held is another one's after 30 to 40 seconds.
func (in *installation) until(what string, done func() bool) {
	in.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	in.t.Fatalf("waited two minutes for %s", what)
}

// post sends JSON with the API key; anything but 2xx fails the test.
func (in *installation) post(path, body string) []byte {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+in.addr+path, strings.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+in.key)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		in.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		in.t.Fatalf("POST %s: %d %v %s", path, answer.StatusCode, err, text)
	}
	return text
}
