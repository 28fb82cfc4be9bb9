package magento

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/adapters"
)

// shop is a stand-in for Magento: it checks every signature as Magento does, by the scheme it believes to be called with, refuses a
// nonce it has seen, and answers recorded orders.
type shop struct {
	t      *testing.T
	scheme string
	orders map[int64]string // by entity_id
	memos  map[int64]string
	fault  func(w http.ResponseWriter, r *http.Request) bool // answers instead, where it says so

	mu     sync.Mutex
	nonces map[string]bool
	asked  []string
}

var granted = Keys{"ck", "cs", "access", "access secret"}

func newShop(t *testing.T, scheme string) (*shop, *Client) {
	t.Helper()
	s := &shop{t: t, scheme: scheme, orders: map[int64]string{}, memos: map[int64]string{}, nonces: map[string]bool{}}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	base, err := url.Parse(listening.URL + "/index.php/")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, &Client{HTTP: client, Base: base, Keys: granted, Clock: time.Now}
}

var parameter = regexp.MustCompile(`(oauth_[a-z_]+)="([^"]*)"`)

// genuine checks the signature of a request with the keys that the step calls for.
func (s *shop) genuine(r *http.Request, keys Keys, more ...pair) bool {
	given := map[string]string{}
	for _, match := range parameter.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
		given[match[1]], _ = url.QueryUnescape(match[2])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nonces[given["oauth_nonce"]] {
		return false
	}
	address := *r.URL
	address.Host = r.Host
	header, err := keys.signed(r.Method, &address, s.scheme, given["oauth_nonce"], given["oauth_timestamp"], more...)
	if err != nil || header != r.Header.Get("Authorization") {
		return false
	}
	s.nonces[given["oauth_nonce"]] = true
	return true
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.fault != nil && s.fault(w, r) {
		return
	}
	refuse := func() {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"The signature is invalid. Verify and try again."}`)
	}
	path := strings.TrimPrefix(r.URL.Path, "/index.php")
	keys, more := granted, []pair(nil)
	switch path {
	case "/oauth/token/request":
		keys.Token, keys.TokenSecret = "", ""
	case "/oauth/token/access":
		keys.Token, keys.TokenSecret, more = "request", "request secret", []pair{{"oauth_verifier", "verifier"}}
	}
	if !s.genuine(r, keys, more...) {
		refuse()
		return
	}
	s.mu.Lock()
	s.asked = append(s.asked, path)
	s.mu.Unlock()
	switch {
	case path == "/oauth/token/request":
		_, _ = io.WriteString(w, "oauth_token=request&oauth_token_secret=request+secret")
	case path == "/oauth/token/access":
		_, _ = io.WriteString(w, "oauth_token=access&oauth_token_secret=access+secret")
	case path == "/rest/V1/orders":
		s.search(w, r.URL.Query())
	case path == "/rest/V1/creditmemos":
		var id int64
		_, _ = fmt.Sscan(r.URL.Query().Get("searchCriteria[filter_groups][0][filters][0][value]"), &id)
		_, _ = fmt.Fprintf(w, `{"items":%s}`, or(s.memos[id], "null"))
	case strings.HasPrefix(path, "/rest/V1/orders/"):
		var id int64
		_, _ = fmt.Sscan(strings.TrimPrefix(path, "/rest/V1/orders/"), &id)
		if s.orders[id] == "" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"The entity that was requested doesn't exist. Verify the entity and try again."}`)
			return
		}
		_, _ = io.WriteString(w, s.orders[id])
	default:
		noRoute(w)
	}
}

// noRoute is what Magento answers without our module.
func noRoute(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, `{"message":"Request does not match any route."}`)
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func (s *shop) search(w io.Writer, query url.Values) {
	var after int64
	_, _ = fmt.Sscan(query.Get("searchCriteria[filter_groups][2][filters][0][value]"), &after)
	from := query.Get("searchCriteria[filter_groups][0][filters][0][value]")
	to := query.Get("searchCriteria[filter_groups][1][filters][0][value]")
	var ids []int64
	for id, text := range s.orders {
		var head struct {
			UpdatedAt string `json:"updated_at"`
		}
		if err := json.Unmarshal([]byte(text), &head); err != nil {
			s.t.Error(err)
		}
		if id > after && head.UpdatedAt >= from && head.UpdatedAt < to {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var items []string
	for _, id := range ids[:min(len(ids), pageSize)] {
		items = append(items, s.orders[id])
	}
	if items == nil {
		_, _ = io.WriteString(w, `{"items":null}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
}

// small is an order of one row.
func small(id int64, updated, refunded string) string {
	return fmt.Sprintf(`{"entity_id":%d,"increment_id":"%09d","state":"processing","created_at":"2026-11-20 10:00:00","updated_at":%q,
		"base_currency_code":"USD","order_currency_code":"USD","base_grand_total":10,"grand_total":10,"base_total_invoiced":10,"base_total_paid":10,
		"base_total_refunded":%s,"items":[{"item_id":%d,"sku":"A","product_id":1,"product_type":"simple","qty_ordered":1,"qty_invoiced":1,
		"base_price":10,"base_row_total_incl_tax":10,"base_row_invoiced":10,"base_amount_refunded":%s}]}`, id, id, updated, refunded, id*10, refunded)
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	_, client := newShop(t, "http")
	client.Keys = Keys{ConsumerKey: "ck", ConsumerSecret: "cs"}
	keys, err := Handshake(t.Context(), client, "verifier")
	if err != nil || keys != granted {
		t.Fatalf("%+v, %v", keys, err)
	}
	client.Keys = Keys{ConsumerKey: "ck", ConsumerSecret: "cs"}
	if _, err := Handshake(t.Context(), client, "another"); !errors.Is(err, adapters.ErrReauthorise) {
		t.Errorf("another verifier: %v", err)
	}
	client.Keys = Keys{ConsumerKey: "ck", ConsumerSecret: "wrong"}
	if _, err := Handshake(t.Context(), client, "verifier"); !errors.Is(err, adapters.ErrReauthorise) {
		t.Errorf("another secret: %v", err)
	}
}

// TestReadOrder reads a recorded order with its credit memo into the very delivery that Normalise understands.
func TestReadOrder(t *testing.T) {
	t.Parallel()
	s, client := newShop(t, "http")
	for id, name := range map[int64]string{2: "order-after-full-invoice", 3: "order-canceled"} {
		text, err := os.ReadFile("testdata/recorded/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		s.orders[id] = string(text)
	}
	memo, err := os.ReadFile("testdata/recorded/creditmemo-partial.json")
	if err != nil {
		t.Fatal(err)
	}
	s.memos[2] = "[" + string(memo) + "]"
	reader := &Reader{client}
	got, err := reader.Order(t.Context(), "2")
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 20, 23, 51, 36, 0, time.UTC); got.PlatformOrderID != "2" || got.UpdatedAt.Before(want.Add(-time.Minute)) {
		t.Errorf("order %s of %s", got.PlatformOrderID, got.UpdatedAt)
	}
	if !strings.Contains(string(got.Body), `"order_item_id"`) {
		t.Error("the credit memo is missing")
	}
	if _, err := reader.Order(t.Context(), "3"); err != nil || slices.Contains(s.asked[3:], "/rest/V1/creditmemos") {
		t.Errorf("an order without refunds: %v, asked %v", err, s.asked)
	}
	for _, id := range []string{"99", "x", "../users", ""} {
		if _, err := reader.Order(t.Context(), id); !errors.Is(err, adapters.ErrNoOrder) {
			t.Errorf("order %q: %v", id, err)
		}
	}
}

// TestReadChanged pages through more orders than one answer holds, in a window that is half open.
func TestReadChanged(t *testing.T) {
	t.Parallel()
	s, client := newShop(t, "http")
	for id := int64(1); id <= 250; id++ {
		s.orders[id] = small(id, "2026-11-20 10:00:00", "0")
	}
	s.orders[251] = small(251, "2026-11-20 11:00:00", "0")
	s.orders[252] = small(252, "2026-11-20 09:59:59", "0")
	s.orders[7] = small(7, "2026-11-20 10:00:05", "4")
	s.memos[7] = `[{"entity_id":5,"order_id":7,"state":2,"created_at":"2026-11-20 10:00:05","items":[{"order_item_id":70,"qty":0,"base_row_total":4}]}]`
	seen := map[string]int{}
	from := time.Date(2026, 11, 20, 10, 0, 0, 5e8, time.UTC)
	read := func(yield func(adapters.Fetched) error) error {
		return (&Reader{client}).Changed(t.Context(), from, from.Add(time.Hour).Truncate(time.Hour), yield)
	}
	if err := read(func(f adapters.Fetched) error { seen[f.PlatformOrderID]++; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 250 || seen["7"] != 1 || seen["250"] != 1 || seen["251"] != 0 || seen["252"] != 0 {
		t.Errorf("%d orders", len(seen))
	}
	stop := errors.New("stop")
	if err := read(func(adapters.Fetched) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped by %v", err)
	}
}

// TestThroughProxy: a proxy that hides the scheme costs one more call, once; so does a module that is not there.
func TestThroughProxy(t *testing.T) {
	t.Parallel()
	s, client := newShop(t, "https") // It is called by http.
	s.orders[1] = small(1, "2026-11-20 10:00:00", "0")
	calls := 0
	s.fault = func(http.ResponseWriter, *http.Request) bool { calls++; return false }
	for range 3 {
		if _, err := (&Reader{client}).Order(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 5 || !client.ThroughProxy() {
		t.Errorf("%d calls for 3 orders, through a proxy %v", calls, client.ThroughProxy())
	}
}

// TestAnswers: what a shop may answer, and what is made of it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		reauth bool
		want   string
	}{
		"no permission": {401, `{"message":"The consumer isn't authorized to access %resources.","parameters":{"resources":"Magento_Sales::actions_view"}}`, true, "Magento_Sales::actions_view"},
		"no such token": {401, `{"message":"The token is not valid"}`, true, "token is not valid"},
		"broken":        {500, `<html>stack trace with a password</html>`, false, "500"},
		"maintenance":   {503, ``, false, "503"},
		"moved":         {302, ``, false, "302"},
		"too many":      {429, `{"message":"Too Many Requests"}`, false, "429"},
		"another page":  {200, `<html>`, false, "no JSON"},
		"an empty list": {200, `[]`, false, "another kind of value"},
		"no id":         {200, `{}`, false, "entity_id"},
	} {
		s, client := newShop(t, "http")
		s.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/upline/") {
				noRoute(w)
				return true
			}
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
			return true
		}
		_, err := (&Reader{client}).Order(t.Context(), "1")
		if err == nil || errors.Is(err, adapters.ErrReauthorise) != c.reauth || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "password") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, client := newShop(t, "http")
	s.fault = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"entity_id":1`)
		return true
	}
	if _, err := (&Reader{client}).Order(t.Context(), "1"); err == nil {
		t.Error("an answer that was cut short is taken for whole")
	}
	s.fault = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := (&Reader{client}).Order(ctx, "1"); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("an answer that does not come: %v", err)
	}
}

// TestDisordered: a shop that ignores the order that was asked for is found out, not believed.
func TestDisordered(t *testing.T) {
	t.Parallel()
	s, client := newShop(t, "http")
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/upline/") {
			noRoute(w)
			return true
		}
		_, _ = fmt.Fprintf(w, `{"items":[%s,%s]}`, small(5, "2026-11-20 10:00:00", "0"), small(4, "2026-11-20 10:00:00", "0"))
		return true
	}
	err := (&Reader{client}).Changed(t.Context(), time.Time{}, time.Now(), func(adapters.Fetched) error { return nil })
	if _, ok := errors.AsType[*Failed](err); !ok {
		t.Errorf("%v", err)
	}
}
