package adminapi_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/shopify/shopifytest"
)

const shop = "probe.myshopify.com"

// tokens hand out "old" until it is refused, then what renew says.
type tokens struct {
	mu      sync.Mutex
	current string
	renewed int
	err     error
}

func (k *tokens) Token(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current, nil
}

func (k *tokens) Renew(_ context.Context, refused string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return "", k.err
	}
	if k.current == refused {
		k.current = "token"
		k.renewed++
	}
	return k.current, nil
}

// bench is a shop with a client whose waits cost no time.
type bench struct {
	admin  *shopifytest.Admin
	tokens *tokens
	client *adminapi.Client
	now    atomic.Int64 // microseconds
	waited atomic.Int64
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{admin: shopifytest.NewAdmin(), tokens: &tokens{current: "token"}}
	b.now.Store(time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC).UnixMicro())
	clock := func() time.Time { return time.UnixMicro(b.now.Load()).UTC() }
	b.admin.Clock = clock
	client, err := adminapi.New(shop, b.tokens, adminapi.Options{
		Transport: b.admin.Transport(t, shop, "token"), Clock: clock,
		Sleep: func(ctx context.Context, d time.Duration) error {
			b.now.Add(d.Microseconds())
			b.waited.Add(d.Microseconds())
			return ctx.Err()
		},
	})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	b.client = client
	return b
}

func (b *bench) count(ctx context.Context) (int, error) {
	answer, err := adminapi.CountOrders(ctx, b.client, "updated_at:>='2026-01-01T00:00:00Z' updated_at:<'2027-01-01T00:00:00Z'", 10)
	if err != nil {
		return 0, err
	}
	return answer.OrdersCount.Count, nil
}

// TestFailuresByName makes Shopify fail in every way it can, and holds the client to what each means.
func TestFailuresByName(t *testing.T) {
	t.Parallel()
	type fault = func(http.ResponseWriter, *http.Request) bool
	cases := map[string]struct {
		fault    fault
		times    int
		kind     adminapi.Kind // "" : the call succeeds all the same
		requests int
	}{
		"one 500":              {shopifytest.Answer(500, "oops"), 1, "", 2},
		"one 502":              {shopifytest.Answer(502, "<html>"), 1, "", 2},
		"one 503":              {shopifytest.Answer(503, ""), 1, "", 2},
		"one 504":              {shopifytest.Answer(504, ""), 1, "", 2},
		"one 429":              {shopifytest.Answer(429, "", "Retry-After", "2.0"), 1, "", 2},
		"throttled once":       {shopifytest.Errors("THROTTLED", "Throttled"), 1, "", 2},
		"an internal error":    {shopifytest.Errors("INTERNAL_SERVER_ERROR", "Internal error. Looks like something went wrong"), 1, "", 2},
		"garbage once":         {shopifytest.Answer(200, "<!doctype html>"), 1, "", 2},
		"no data":              {shopifytest.Answer(200, `{"data":null}`), 1, "", 2},
		"data of another kind": {shopifytest.Answer(200, `{"data":{"ordersCount":7}}`), 1, "", 2},
		"always 500":           {shopifytest.Answer(500, ""), 9, adminapi.Unavailable, 6},
		"always 429":           {shopifytest.Answer(429, ""), 9, adminapi.Throttled, 6},
		"always garbage":       {shopifytest.Answer(200, "]"), 9, adminapi.Garbage, 6},
		"429 for an hour":      {shopifytest.Answer(429, "", "Retry-After", "3600"), 1, adminapi.Throttled, 1},
		"401 for ever":         {shopifytest.Answer(401, `{"errors":"x"}`), 9, adminapi.Unauthorized, 2},
		"402 frozen":           {shopifytest.Answer(402, ""), 1, adminapi.Refused, 1},
		"403":                  {shopifytest.Answer(403, ""), 1, adminapi.Denied, 1},
		"404":                  {shopifytest.Answer(404, ""), 1, adminapi.Refused, 1},
		"a redirect":           {shopifytest.Answer(302, "", "Location", "https://evil.example/"), 1, adminapi.Redirected, 1},
		"no scope":             {shopifytest.Errors("ACCESS_DENIED", "Access denied for orders field."), 1, adminapi.Denied, 1},
		"partial data":         {shopifytest.Errors("", "Something about a field"), 1, adminapi.Partial, 1},
		"errors as text":       {shopifytest.Answer(200, `{"errors":"Not Found"}`), 1, adminapi.Partial, 1},
		"too costly":           {shopifytest.Errors("MAX_COST_EXCEEDED", "Query cost is 2000"), 1, adminapi.TooCostly, 1},
		"an older version":     {shopifytest.ServedAs("2026-07"), 1, adminapi.WrongVersion, 1},
		"no version":           {shopifytest.ServedAs("none"), 1, adminapi.WrongVersion, 1},
		"an endless answer":    {shopifytest.Answer(200, strings.Repeat(" ", adminapi.MaxAnswerBytes+2)), 1, adminapi.TooLarge, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			requests := 0
			for range c.times {
				b.admin.FailNext(func(w http.ResponseWriter, r *http.Request) bool {
					requests++
					return c.fault(w, r)
				})
			}
			_, err := b.count(context.Background())
			if c.kind == "" {
				if err != nil {
					t.Fatalf("the call fails: %v", err)
				}
				requests++ // the one that was answered
			} else {
				var e *adminapi.Error
				if !errors.As(err, &e) || e.Kind != c.kind {
					t.Fatalf("got %v, want the kind %s", err, c.kind)
				}
				if strings.Contains(err.Error(), "token") && c.kind != adminapi.Redirected {
					t.Errorf("the error may hold a token: %v", err)
				}
			}
			if requests != c.requests {
				t.Errorf("%d requests were made, want %d", requests, c.requests)
			}
			if errors.Is(err, adapters.ErrReauthorise) != (c.kind == adminapi.Unauthorized) {
				t.Errorf("whether the merchant has to come back is told wrong by %v", err)
			}
		})
	}
}

func TestA401RenewsOnceAndRepeatsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tokens.current = "old"
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := b.count(context.Background()); err != nil {
				t.Errorf("a call fails: %v", err)
			}
		})
	}
	all.Wait()
	if b.tokens.renewed != 1 || len(b.admin.Asked()) != 50 {
		t.Errorf("%d renewals and %d answers, want 1 and 50", b.tokens.renewed, len(b.admin.Asked()))
	}
	b.tokens.current, b.tokens.err = "old", adapters.ErrReauthorise
	if _, err := b.count(context.Background()); !errors.Is(err, adapters.ErrReauthorise) {
		t.Errorf("got %v, want that the merchant has to come back", err)
	}
}

func TestTheBucketIsNotOverdrawn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin.Maximum, b.admin.Restore = 100, 10
	refused := 0
	for range 60 {
		before := len(b.admin.Asked())
		if _, err := adminapi.Order(context.Background(), b.client, "gid://shopify/Order/1"); err != nil {
			t.Fatalf("read: %v", err)
		}
		if len(b.admin.Asked()) != before+1 {
			refused++
		}
	}
	if refused > 1 || b.waited.Load() == 0 {
		t.Errorf("%d calls were refused by the bucket and %d µs waited", refused, b.waited.Load())
	}
}

func TestHangAndCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	over := make(chan struct{})
	defer close(over)
	b.admin.FailNext(func(http.ResponseWriter, *http.Request) bool {
		<-over
		return true
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := b.count(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that time is up", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a call whose time was up took %s", took)
	}
}

// TestAMutationIsNotSentTwice: nobody knows whether one without an answer was carried out.
func TestAMutationIsNotSentTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		kind   adminapi.Kind
	}{"500": {500, adminapi.Unavailable}, "garbage": {200, adminapi.Garbage}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.admin.FailNext(shopifytest.Answer(c.status, "["))
			_, err := adminapi.CancelBulk(context.Background(), b.client, "gid://shopify/BulkOperation/1")
			var e *adminapi.Error
			if !errors.As(err, &e) || e.Kind != c.kind || len(b.admin.Asked()) != 0 {
				t.Errorf("got %v after %v", err, b.admin.Asked())
			}
		})
	}
	b := setup(t)
	b.admin.FailNext(shopifytest.Answer(429, ""))
	if _, err := adminapi.CancelBulk(context.Background(), b.client, "gid://shopify/BulkOperation/1"); err != nil {
		t.Errorf("a mutation that was refused for want of room is not tried again: %v", err)
	}
}

func TestOnlyShopsAreSpokenTo(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"", "myshopify.com", ".myshopify.com", "x.myshopify.com.evil.com", "evil.com/x.myshopify.com", "x.myshopify.com/", "X.myshopify.com",
		"x.myshopify.com:443", "x.myshopify.io", "a@x.myshopify.com", "x.myshopify.com\n", "-x.myshopify.com", "admin.shopify.com/store/x",
	} {
		if _, err := adminapi.New(host, &tokens{}, adminapi.Options{}); err == nil {
			t.Errorf("%q is taken for a shop", host)
		}
	}
}

// FuzzShopHost sends the token nowhere but to what is a shop's own host in the eyes of the URL parser too.
func FuzzShopHost(f *testing.F) {
	f.Add("probe.myshopify.com")
	f.Add("x.myshopify.com.evil.com")
	f.Add("evil.com#.myshopify.com")
	f.Fuzz(func(t *testing.T, host string) {
		var went string
		client, err := adminapi.New(host, &tokens{current: "token"}, adminapi.Options{
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				went = r.URL.Hostname()
				return nil, errors.New("nobody is there")
			}),
			Sleep: func(context.Context, time.Duration) error { return context.Canceled },
		})
		if err != nil {
			return
		}
		_, _ = adminapi.CountOrders(context.Background(), client, "", 1)
		if went != host || !strings.HasSuffix(went, ".myshopify.com") || strings.Count(went, ".") != 2 {
			t.Fatalf("for %q the token goes to %q", host, went)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDocumentsAreValid holds every document against the committed part of the schema.
func TestDocumentsAreValid(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: adminapi.SDL})
	files, err := filepath.Glob("documents/*.graphql")
	if err != nil || len(files) < 5 {
		t.Fatalf("found the documents %v: %v", files, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		all.Write(text)
	}
	document, errs := gqlparser.LoadQueryWithRules(schema, all.String(), rules.NewDefaultRules())
	if errs != nil {
		t.Fatalf("the documents are not valid: %v", errs)
	}
	for _, operation := range document.Operations {
		if operation.Name == "" {
			t.Errorf("an operation at line %d has no name", operation.Position.Line)
		}
	}
}
