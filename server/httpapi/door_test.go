package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/custom"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/httpapi"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/web"
)

// The door's tests stand on fakes, so that every failure behind the door can be played.

const (
	appSecret   = "app secret"
	oldSecret   = "app secret before"
	storeSecret = "store secret"
	knownShop   = "known.myshopify.com"
	storeKeyA   = "upk_store_a"
	otherKeyA   = "upk_store_a_other"
	readKeyA    = "upk_reading_a"
)

// door is a running server with what it did.
type door struct {
	url  string
	deps *httpapi.Deps
	mu   sync.Mutex
	put  []order.Delivery
	// answer is what the inbox says; nil: stored.
	answer func(context.Context, order.Delivery) (inbox.PutResult, error)
	books  *fakeBooks
	counts *figures
}

type figures struct {
	mu                                         sync.Mutex
	acked, duplicates, badSignatures, tooLarge int
}

func (f *figures) Acked(time.Duration) { f.add(&f.acked) }
func (f *figures) Duplicate(string)    { f.add(&f.duplicates) }
func (f *figures) BadSignature(string) { f.add(&f.badSignatures) }
func (f *figures) TooLarge(string)     { f.add(&f.tooLarge) }

func (f *figures) add(n *int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*n++
}

func (f *figures) read() (acked, badSignatures, tooLarge int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acked, f.badSignatures, f.tooLarge
}

// fakeBooks knows one shop and two keys. What a test does not set is not called.
type fakeBooks struct {
	admin.Books
	mu     sync.Mutex
	secret string
	away   bool
	reads  int
	audit  func(actor, action string)
}

func (b *fakeBooks) TimeZone(context.Context, string) (string, error) { return "UTC", nil }

func (b *fakeBooks) Replay(context.Context, string, string) error { return nil }

func (b *fakeBooks) PutDistributors(context.Context, string, []admin.Distributor, time.Time, bool) (admin.ImportSummary, error) {
	return admin.ImportSummary{}, nil
}

func (b *fakeBooks) Audit(_ context.Context, _, actor, action, _, _ string) error {
	b.audit(actor, action)
	return nil
}

func (b *fakeBooks) store() (admin.Store, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if b.away {
		return admin.Store{}, server.Errorf(server.Unavailable, "the database is away")
	}
	return admin.Store{
		StoreID: "store-a", ProgramID: "a", Platform: order.Shopify, Domain: knownShop, Currency: "EUR", SealedSecret: []byte(b.secret),
	}, nil
}

func (b *fakeBooks) StoreByDomain(_ context.Context, _ order.Platform, domain string) (admin.Store, error) {
	st, err := b.store()
	if err == nil && domain != knownShop {
		return admin.Store{}, server.Errorf(server.NotFound, "no such store")
	}
	return st, err
}

func (b *fakeBooks) StoreByID(context.Context, string) (admin.Store, error) { return b.store() }

func (b *fakeBooks) APIKeyByHash(_ context.Context, hash [32]byte) (admin.APIKey, error) {
	switch hash {
	case admin.HashAPIKey(storeKeyA):
		return admin.APIKey{KeyID: "key_1", ProgramID: "a", StoreID: "store-a"}, nil
	case admin.HashAPIKey(otherKeyA):
		return admin.APIKey{KeyID: "key_3", ProgramID: "a", StoreID: "store-a"}, nil
	case admin.HashAPIKey(readKeyA):
		return admin.APIKey{KeyID: "key_2", ProgramID: "a"}, nil
	}
	return admin.APIKey{}, server.Errorf(server.NotFound, "no such key")
}

// plainSealer lets tests read what is sealed.
type plainSealer struct{}

func (plainSealer) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (plainSealer) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

func platforms() map[order.Platform]adapters.Adapter {
	return map[order.Platform]adapters.Adapter{
		order.Shopify: shopify.New(), order.WooCommerce: woocommerce.New(), order.Magento: magento.New(), order.Custom: custom.New(),
	}
}

func openDoor(t testing.TB) *door {
	t.Helper()
	d := &door{books: &fakeBooks{secret: storeSecret}, counts: &figures{}}
	d.deps = &httpapi.Deps{
		Inbox: d, Adapters: platforms(),
		AppSecrets: map[order.Platform][][]byte{order.Shopify: {[]byte(appSecret), []byte(oldSecret)}},
		Reader:     struct{ query.Reader }{}, Admin: &admin.Service{Books: d.books, Sealer: plainSealer{}},
		Metrics: d.counts, Gatherer: prometheus.NewRegistry(), Ready: func(context.Context) error { return nil }, Kick: func() {},
		Web: web.Handler(), Logger: slog.New(slog.DiscardHandler), Clock: time.Now, Version: "test",
	}
	listening := httptest.NewUnstartedServer(httpapi.New(*d.deps))
	listening.Config.MaxHeaderBytes = 64 << 10
	listening.Start()
	t.Cleanup(listening.Close)
	d.url = listening.URL
	return d
}

// Put makes the door its own inbox.
func (d *door) Put(ctx context.Context, delivery order.Delivery) (inbox.PutResult, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.answer != nil {
		return d.answer(ctx, delivery)
	}
	d.put = append(d.put, delivery)
	return inbox.PutResult{DeliveryID: fmt.Sprintf("delivery-%d", len(d.put))}, nil
}

func (d *door) stored() []order.Delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]order.Delivery(nil), d.put...)
}

func sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) problem(t testing.TB) (p struct {
	Type, Title, Detail, Field string
	Status                     int
	RequestID                  string `json:"request_id"`
	Errors                     []struct{ Field, Detail string }
},
) {
	t.Helper()
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Fatalf("%d has content type %q, want a problem: %s", r.status, kind, r.body)
	}
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Fatalf("problem %q: %v", r.body, err)
	}
	if p.Status != r.status || p.RequestID == "" || p.Detail == "" || !strings.HasPrefix(p.Type, "https://upline.dev/problems/") {
		t.Errorf("problem %s of a %d", r.body, r.status)
	}
	return p
}

func send(t testing.TB, method, url string, body io.Reader, header map[string]string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: read the answer: %v", method, url, err)
	}
	return reply{answer.StatusCode, answer.Header, text}
}

func webhookHeader(shop string, body []byte, secret string) map[string]string {
	return map[string]string{
		"X-Shopify-Topic": "orders/paid", "X-Shopify-Shop-Domain": shop, "X-Shopify-Webhook-Id": "delivery-1",
		"X-Shopify-Hmac-Sha256": sign(body, secret), "Content-Type": "application/json",
	}
}

// chunked hides the length, so that the client sends no Content-Length.
func chunked(body []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(body)} }

// TestWebhookMatrix walks signature x shop x body x size x framing.
func TestWebhookMatrix(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("../../adapters/shopify/testdata/orders_paid_usd_two_lines.json")
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string][]byte{
		"an order": good, "no JSON": []byte("{{{"), "empty": {}, "another shape": []byte(`[1,2]`),
		"at the limit": bytes.Repeat([]byte(" "), httpapi.MaxBody), "over the limit": bytes.Repeat([]byte(" "), httpapi.MaxBody+1),
	}
	signatures := map[string]bool{appSecret: true, oldSecret: true, storeSecret: true, "a wrong secret": false, "": false, "none": false}
	for name, body := range bodies {
		for secret, fits := range signatures {
			for _, shop := range []string{knownShop, "unknown.myshopify.com"} {
				want := http.StatusOK
				switch {
				case name == "over the limit":
					want = http.StatusRequestEntityTooLarge
				case !fits || (secret == storeSecret && shop != knownShop):
					want = http.StatusUnauthorized
				case shop != knownShop:
					want = http.StatusNotFound
				}
				t.Run(fmt.Sprintf("%s, signed with %q, %s", name, secret, shop), func(t *testing.T) {
					t.Parallel()
					header := webhookHeader(shop, body, secret)
					if secret == "none" {
						delete(header, "X-Shopify-Hmac-Sha256")
					}
					for framing, content := range map[string]io.Reader{"with a length": bytes.NewReader(body), "chunked": chunked(body)} {
						d := openDoor(t)
						checkWebhook(t, d, framing, send(t, http.MethodPost, d.url+"/webhooks/shopify", content, header), want, body)
					}
				})
			}
		}
	}
}

func checkWebhook(t *testing.T, d *door, framing string, got reply, want int, body []byte) {
	t.Helper()
	if got.status != want {
		t.Fatalf("%s: %d %s, want %d", framing, got.status, got.body, want)
	}
	acked, bad, large := d.counts.read()
	stored := d.stored()
	if (want == http.StatusOK) != (len(stored) == 1) || (want == http.StatusOK) != (acked == 1) {
		t.Errorf("%s: %d stored, %d acknowledged at status %d", framing, len(stored), acked, want)
	}
	if (want == http.StatusUnauthorized) != (bad == 1) || (want == http.StatusRequestEntityTooLarge) != (large == 1) {
		t.Errorf("%s: counted %d bad signatures and %d large bodies at status %d", framing, bad, large, want)
	}
	if want != http.StatusOK {
		got.problem(t)
		return
	}
	if got.header.Get("X-Upline-Delivery-Id") != "delivery-1" || len(got.body) != 0 {
		t.Errorf("%s: answered %v %q", framing, got.header, got.body)
	}
	if s := stored[0]; !bytes.Equal(s.Body, body) || s.StoreID != "store-a" || s.ProgramID != "a" || s.Topic != "orders/paid" ||
		s.PlatformDeliveryID != "delivery-1" || s.ReceivedAt.Location() != time.UTC {
		t.Errorf("%s: stored %+v", framing, s.PlatformDeliveryID)
	}
}

func TestWebhookWithoutItsHeadersIsRefused(t *testing.T) {
	t.Parallel()
	body := []byte(`{}`)
	for _, missing := range []string{"X-Shopify-Topic", "X-Shopify-Shop-Domain"} {
		d := openDoor(t)
		header := webhookHeader(knownShop, body, appSecret)
		delete(header, missing)
		got := send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), header)
		if got.status != http.StatusUnprocessableEntity || got.problem(t).Field != missing || len(d.stored()) != 0 {
			t.Errorf("without %s: %d %s", missing, got.status, got.body)
		}
		header["X-Shopify-Hmac-Sha256"] = sign(body, "a wrong secret")
		if got := send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), header); got.status != http.StatusUnauthorized {
			t.Errorf("without %s and with a wrong signature: %d, want 401: strangers learn nothing", missing, got.status)
		}
	}
}

// TestNoAnswerBeforeTheDisk plays every way in which storing fails; none may look like success.
func TestNoAnswerBeforeTheDisk(t *testing.T) {
	t.Parallel()
	failures := map[string]struct {
		answer func(context.Context, order.Delivery) (inbox.PutResult, error)
		want   int
	}{
		"no room": {func(context.Context, order.Delivery) (inbox.PutResult, error) {
			return inbox.PutResult{}, server.Errorf(server.Unavailable, "too many at once")
		}, http.StatusServiceUnavailable},
		"disk full": {func(context.Context, order.Delivery) (inbox.PutResult, error) {
			return inbox.PutResult{}, fmt.Errorf("commit: %w", &server.Error{Code: server.Unavailable, Message: "the disk is full"})
		}, http.StatusServiceUnavailable},
		"a fault of ours": {func(context.Context, order.Delivery) (inbox.PutResult, error) {
			return inbox.PutResult{}, errors.New("secret detail")
		}, http.StatusInternalServerError},
		"a panic": {func(context.Context, order.Delivery) (inbox.PutResult, error) { panic("secret detail") }, http.StatusInternalServerError},
		"too slow": {func(ctx context.Context, _ order.Delivery) (inbox.PutResult, error) {
			if end, ok := ctx.Deadline(); !ok || time.Until(end) >= 5*time.Second { // which a platform waits
				return inbox.PutResult{}, errors.New("it may wait for longer than a platform does")
			}
			<-ctx.Done()
			return inbox.PutResult{}, fmt.Errorf("wait for the commit: %w", ctx.Err())
		}, http.StatusServiceUnavailable},
	}
	body := []byte(`{"shopify_order_id":"1","sku":"TEA","amount":"1.00"}`)
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t)
			d.answer = failure.answer
			for _, got := range []reply{
				send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), webhookHeader(knownShop, body, appSecret)),
				send(t, http.MethodPost, d.url+"/api/mlm/orders", bytes.NewReader(body), map[string]string{"Authorization": "Bearer " + storeKeyA}),
			} {
				if got.status != failure.want || strings.Contains(string(got.body), "secret detail") {
					t.Errorf("%d %s, want %d without our secrets", got.status, got.body, failure.want)
				}
				got.problem(t)
				if failure.want == http.StatusServiceUnavailable && got.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			}
			if acked, _, _ := d.counts.read(); acked != 0 {
				t.Errorf("%d acknowledged", acked)
			}
		})
	}
}

func TestDatabaseAwayBeforeTheStoreIsKnown(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	d.books.away = true
	body := []byte(`{}`)
	if got := send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), webhookHeader(knownShop, body, appSecret)); got.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s, want 503", got.status, got.body)
	}
}

// TestRotatedSecretCountsAtOnce: the shop signs with the new secret from the moment it has it.
func TestRotatedSecretCountsAtOnce(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	body := []byte(`{}`)
	post := func(secret string) int {
		return send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), webhookHeader(knownShop, body, secret)).status
	}
	if got := post(storeSecret); got != http.StatusOK {
		t.Fatalf("before: %d", got)
	}
	d.books.mu.Lock()
	d.books.secret = "new secret"
	d.books.mu.Unlock()
	if got := post("new secret"); got != http.StatusOK {
		t.Errorf("the new secret: %d, want 200", got)
	}
	if got := post("a wrong secret"); got != http.StatusUnauthorized {
		t.Errorf("a wrong secret: %d, want 401", got)
	}
}

func TestKnownStoresCostNoReadPerRequest(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	body := []byte(`{}`)
	for range 20 {
		send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), webhookHeader(knownShop, body, appSecret))
	}
	d.books.mu.Lock()
	defer d.books.mu.Unlock()
	if d.books.reads != 1 {
		t.Errorf("%d reads of the store for 20 deliveries", d.books.reads)
	}
}

// TestOneDeliveryIDWithTwoBodiesLosesNeither: the platform's mistake must not cost an order.
func TestOneDeliveryIDWithTwoBodiesLosesNeither(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	var ids []string
	d.answer = func(_ context.Context, delivery order.Delivery) (inbox.PutResult, error) {
		ids = append(ids, delivery.PlatformDeliveryID)
		return inbox.PutResult{DeliveryID: fmt.Sprint(len(ids)), Duplicate: len(ids) == 1, Conflict: len(ids) == 1}, nil
	}
	body := []byte(`{}`)
	got := send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), webhookHeader(knownShop, body, appSecret))
	if got.status != http.StatusOK || len(ids) != 2 || !strings.HasPrefix(ids[1], "delivery-1#") || got.header.Get("X-Upline-Delivery-Id") != "2" {
		t.Errorf("%d, ids %q, header %v", got.status, ids, got.header)
	}
}

func TestOrdersNeedAStoreKey(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	body := `{"shopify_order_id":"1","sku":"TEA","amount":"1.00"}`
	for _, c := range []struct {
		authorization string
		want          int
	}{
		{"", http.StatusUnauthorized},
		{"Bearer", http.StatusUnauthorized},
		{"Bearer ", http.StatusUnauthorized},
		{"Basic " + storeKeyA, http.StatusUnauthorized},
		{"Bearer upk_unknown", http.StatusUnauthorized},
		{"Bearer " + readKeyA, http.StatusForbidden},
		{"bearer " + storeKeyA, http.StatusAccepted},
	} {
		got := send(t, http.MethodPost, d.url+"/api/mlm/orders", strings.NewReader(body), map[string]string{"Authorization": c.authorization})
		if got.status != c.want {
			t.Errorf("%q: %d %s, want %d", c.authorization, got.status, got.body, c.want)
		}
		if c.want == http.StatusUnauthorized && got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: no WWW-Authenticate", c.authorization)
		}
	}
	if n := len(d.stored()); n != 1 {
		t.Errorf("%d stored, want the one", n)
	}
}

// TestBadOrdersNameTheirMend: what could only be parked is refused while the sender is there to mend it.
func TestBadOrdersNameTheirMend(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for _, c := range []struct{ name, body, field string }{
		{"no JSON", `{`, "$"},
		{"empty", ``, "$"},
		{"a list", `[]`, "$"},
		{"no id", `{"sku":"TEA","amount":"1.00"}`, "$"},
		{"an unknown member", `{"shopify_order_id":"1","sku":"TEA","amount":"1.00","refferer":"ANNA"}`, "refferer"},
		{"another currency", `{"shopify_order_id":"1","sku":"TEA","amount":"1.00","currency":"USD"}`, "currency"},
		{"too many decimals", `{"shopify_order_id":"1","sku":"TEA","amount":"1.001"}`, "amount"},
		{"negative", `{"shopify_order_id":"1","sku":"TEA","amount":"-1.00"}`, "amount"},
		{"an exponent", `{"shopify_order_id":"1","sku":"TEA","amount":1e400}`, "amount"},
		{"a time without a zone", `{"shopify_order_id":"1","sku":"TEA","amount":"1.00","order_ts":"2026-11-10T10:15:00"}`, "order_ts"},
		{"a discount above the price", `{"platform_order_id":"1","currency":"EUR","items":[{"platform_sku":"TEA","qty":1,"unit_price":"1.00","discount":"2.00"}]}`, ""},
		{"more taken back than sold", `{"platform_order_id":"1","currency":"EUR","items":[{"platform_sku":"TEA","qty":1,"unit_price":"1.00"}],"total":"1.00","refunds":[{"refund_id":"r","lines":[{"platform_sku":"TEA","qty":2,"amount":"1.00"}]}]}`, "refunds[0].lines[0].quantity"},
		{"a line twice", `{"platform_order_id":"1","currency":"EUR","items":[{"line_id":"1","platform_sku":"A","qty":1,"unit_price":"1.00"},{"line_id":"1","platform_sku":"B","qty":1,"unit_price":"1.00"}]}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := send(t, http.MethodPost, d.url+"/api/mlm/orders", strings.NewReader(c.body), map[string]string{"Authorization": "Bearer " + storeKeyA})
			if got.status != http.StatusUnprocessableEntity {
				t.Fatalf("%d %s, want 422", got.status, got.body)
			}
			if p := got.problem(t); p.Field == "" || (c.field != "" && p.Field != c.field) {
				t.Errorf("field %q, want %q: %s", p.Field, c.field, got.body)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(d.stored()); n != 0 {
			t.Errorf("%d stored", n)
		}
	})
}

func TestEveryFaultOfAnOrderIsTold(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	body := `{"shopify_order_id":"1","sku":"TEA","amount":"x","currency":"USD","status":"sold"}`
	p := send(t, http.MethodPost, d.url+"/api/mlm/orders", strings.NewReader(body), map[string]string{"Authorization": "Bearer " + storeKeyA}).problem(t)
	fields := map[string]bool{}
	for _, e := range p.Errors {
		fields[e.Field] = e.Detail != ""
	}
	if !fields["amount"] || !fields["currency"] || !fields["status"] {
		t.Errorf("told %+v", p.Errors)
	}
}

func TestIdempotencyKeyIsBoundToItsAPIKey(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	body := `{"shopify_order_id":"1","sku":"TEA","amount":"1.00"}`
	post := func(idempotency string) reply {
		return send(t, http.MethodPost, d.url+"/api/mlm/orders", strings.NewReader(body),
			map[string]string{"Authorization": "Bearer " + storeKeyA, "Idempotency-Key": idempotency})
	}
	post("one")
	post("one")
	post("two")
	post("")
	post("")
	var ids []string
	for _, s := range d.stored() {
		ids = append(ids, s.PlatformDeliveryID)
	}
	if len(ids) != 5 || ids[0] != ids[1] || ids[1] == ids[2] || ids[3] == ids[4] || strings.Contains(ids[0], "one") {
		t.Errorf("platform delivery ids %q", ids)
	}
	send(t, http.MethodPost, d.url+"/api/mlm/orders", strings.NewReader(body),
		map[string]string{"Authorization": "Bearer " + otherKeyA, "Idempotency-Key": "one"})
	if s := d.stored(); s[5].PlatformDeliveryID == ids[0] {
		t.Error("two clients share one idempotency key")
	}
	if got := post(strings.Repeat("x", 256)); got.status != http.StatusUnprocessableEntity || got.problem(t).Field != "Idempotency-Key" {
		t.Errorf("a long key: %d %s", got.status, got.body)
	}
	d.answer = func(context.Context, order.Delivery) (inbox.PutResult, error) {
		return inbox.PutResult{DeliveryID: "delivery-1", Duplicate: true, Conflict: true}, nil
	}
	if got := post("one"); got.status != http.StatusConflict || got.problem(t).Field != "Idempotency-Key" {
		t.Errorf("another body: %d %s, want 409", got.status, got.body)
	}
}

func TestOrderOverTheLimit(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte(" "), httpapi.MaxBody+1)
	for name, content := range map[string]io.Reader{"with a length": bytes.NewReader(body), "chunked": chunked(body)} {
		d := openDoor(t)
		got := send(t, http.MethodPost, d.url+"/api/mlm/orders", content, map[string]string{"Authorization": "Bearer " + storeKeyA})
		if _, _, large := d.counts.read(); got.status != http.StatusRequestEntityTooLarge || large != 1 {
			t.Errorf("%s: %d, counted %d", name, got.status, large)
		}
	}
}

// TestDeclaredSizeIsRefusedUnread: who announces too much is told so before sending it.
func TestDeclaredSizeIsRefusedUnread(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	wire, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", strings.TrimPrefix(d.url, "http://"))
	fatal(t, err)
	defer wire.Close()
	fatal(t, wire.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = fmt.Fprintf(wire, "POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", httpapi.MaxBody+1)
	fatal(t, err)
	line, err := bufio.NewReader(wire).ReadString('\n')
	if err != nil || !strings.Contains(line, " 413 ") {
		t.Errorf("%q, %v; want 413 at once", line, err)
	}
}

// TestWhoSendsOnIsToldWhy: a client that sends all of its body before it reads learns why it was refused.
func TestWhoSendsOnIsToldWhy(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for name, path := range map[string]string{"a webhook": "/webhooks/shopify", "an order": "/api/mlm/orders"} {
		wire, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", strings.TrimPrefix(d.url, "http://"))
		fatal(t, err)
		fatal(t, wire.SetDeadline(time.Now().Add(60*time.Second)))
		size := 2 * httpapi.MaxBody
		_, err = fmt.Fprintf(wire, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", path, storeKeyA, size)
		fatal(t, err)
		time.Sleep(time.Second) // by then a server that hears nothing out has closed the connection
		if _, err := wire.Write(bytes.Repeat([]byte(" "), size)); err != nil {
			t.Errorf("%s cannot be sent: %v", name, err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(wire), nil)
		fatal(t, err)
		told, err := io.ReadAll(answer.Body)
		fatal(t, err)
		if answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(told), "larger than 8388608 bytes") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, told)
		}
		fatal(t, answer.Body.Close())
		fatal(t, wire.Close())
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	key := map[string]string{"Authorization": "Bearer " + readKeyA}
	for _, c := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{http.MethodGet, "/nope", http.StatusNotFound, ""},
		{http.MethodGet, "/api/nope", http.StatusNotFound, ""},
		{http.MethodGet, "/api/v1/orders/", http.StatusNotFound, ""},
		{http.MethodPost, "/webhooks/shopify/", http.StatusNotFound, ""},
		{http.MethodPost, "/webhooks/other/x", http.StatusNotFound, ""},
		{http.MethodGet, "/webhooks/shopify", http.StatusMethodNotAllowed, "POST"},
		{http.MethodDelete, "/api/v1/orders", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodPut, "/api/v1/mappings", http.StatusMethodNotAllowed, "GET, HEAD, POST"},
		{http.MethodPost, "/", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodOptions, "/api/v1/orders", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodGet, "/api/v1/orders?search=%ff", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/distributors/a%00b", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/orders?search=%zz", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/orders?limit=0", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/orders?limit=201", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/orders?limit=ten", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/orders?settlement=gone", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/deliveries?status=gone", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/mlm/commissions?status=paid", http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "/api/v1/stores?after=x", http.StatusUnprocessableEntity, ""},
		{http.MethodPost, "/api/v1/mappings?dry_run=yes", http.StatusUnprocessableEntity, ""},
	} {
		got := send(t, c.method, d.url+c.path, http.NoBody, key)
		if got.status != c.want || (c.allow != "" && !sameWords(got.header.Get("Allow"), c.allow)) {
			t.Errorf("%s %s: %d, Allow %q, want %d, %q", c.method, c.path, got.status, got.header.Get("Allow"), c.want, c.allow)
		}
		got.problem(t)
		if got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: other sites are let in", c.method, c.path)
		}
	}
}

func sameWords(a, b string) bool {
	have := map[string]bool{}
	for word := range strings.SplitSeq(a, ", ") {
		have[word] = true
	}
	words := strings.Split(b, ", ")
	for _, word := range words {
		if !have[word] {
			return false
		}
	}
	return len(have) == len(words)
}

func TestHeadIsGetWithoutItsBody(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 200, "/api/openapi.yaml": 200, "/": 200, "/favicon.svg": 200,
		"/api/v1/orders": 401, "/nope": 404, "/webhooks/shopify": 405,
	} {
		got := send(t, http.MethodHead, d.url+path, http.NoBody, nil)
		if got.status != want || len(got.body) != 0 {
			t.Errorf("%s: %d with %d bytes, want %d and none", path, got.status, len(got.body), want)
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	if got := send(t, http.MethodGet, d.url+"/readyz", http.NoBody, nil); got.status != http.StatusOK {
		t.Errorf("%d, want 200", got.status)
	}
	for name, ready := range map[string]func(context.Context) error{
		"an error":  func(context.Context) error { return errors.New("secret detail") },
		"no answer": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		deps := *d.deps
		deps.Ready = ready
		w := httptest.NewRecorder()
		httpapi.New(deps).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret detail") {
			t.Errorf("%s: %d %s, want 503", name, w.Code, w.Body)
		}
	}
	if got := send(t, http.MethodGet, d.url+"/healthz", http.NoBody, nil); got.status != http.StatusOK {
		t.Errorf("the process lives, but /healthz says %d", got.status)
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	body := []byte(`{}`)
	header := webhookHeader(knownShop, body, appSecret)
	header["X-Shopify-Webhook-Id"] = strings.Repeat("x", 300)
	if got := send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), header); got.status != http.StatusUnprocessableEntity {
		t.Errorf("an over-long delivery id: %d, want 422", got.status)
	}
	header["X-Shopify-Webhook-Id"] = strings.Repeat("x", 100<<10)
	if got := send(t, http.MethodPost, d.url+"/webhooks/shopify", bytes.NewReader(body), header); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("100 kB of headers: %d, want 431", got.status)
	}
	if n := len(d.stored()); n != 0 {
		t.Errorf("%d stored", n)
	}
}

// FuzzWebhook throws bytes at the door: it never panics, never answers 5xx, and stores exactly what it acknowledges.
func FuzzWebhook(f *testing.F) {
	f.Add([]byte(`{"id":1}`), "orders/paid", knownShop, "id-1", true)
	f.Add([]byte(``), "", "", "", false)
	f.Add([]byte("\xff\x00"), "orders/\x01", "UNKNOWN.myshopify.com", strings.Repeat("x", 300), true)
	d := openDoor(f)
	f.Fuzz(func(t *testing.T, body []byte, topic, shop, id string, signed bool) {
		kept := append([]byte(nil), body...)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/shopify", bytes.NewReader(body))
		r.Header = http.Header{"X-Shopify-Topic": {topic}, "X-Shopify-Shop-Domain": {shop}, "X-Shopify-Webhook-Id": {id}}
		if signed {
			r.Header.Set("X-Shopify-Hmac-Sha256", sign(body, appSecret))
		}
		var stored []order.Delivery
		deps := *d.deps
		deps.Inbox = putFunc(func(_ context.Context, delivery order.Delivery) (inbox.PutResult, error) {
			stored = append(stored, delivery)
			return inbox.PutResult{DeliveryID: "1"}, nil
		})
		w := httptest.NewRecorder()
		httpapi.New(deps).ServeHTTP(w, r)
		switch {
		case w.Code >= http.StatusInternalServerError:
			t.Fatalf("%d %s", w.Code, w.Body)
		case (w.Code == http.StatusOK) != (len(stored) == 1), w.Code == http.StatusOK && !signed:
			t.Fatalf("%d with %d stored, signed %v", w.Code, len(stored), signed)
		case len(stored) == 1 && !bytes.Equal(stored[0].Body, kept):
			t.Fatal("stored other bytes than were signed")
		}
	})
}

type putFunc func(context.Context, order.Delivery) (inbox.PutResult, error)

func (f putFunc) Put(ctx context.Context, d order.Delivery) (inbox.PutResult, error) {
	return f(ctx, d)
}
