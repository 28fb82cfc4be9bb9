package woocommerce_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/order"
)

// fakeStore answers as WooCommerce's REST API and the plugin do.
type fakeStore struct {
	t        *testing.T
	mu       sync.Mutex
	modified map[int]time.Time // of each order
	trash    map[int]bool
	refunded map[int]bool
	hook     func(r *http.Request) // before each answer
	fault    func(w http.ResponseWriter, r *http.Request) bool
	calls    []string
	plugin   bool
}

const (
	readKey    = "ck_key"
	readSecret = "cs_secret"
)

var changedAt = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// newFakeStore has orders 1 to n; three change in each second.
func newFakeStore(t *testing.T, n int) (*fakeStore, *woocommerce.Reader) {
	t.Helper()
	f := &fakeStore{t: t, modified: map[int]time.Time{}, trash: map[int]bool{}, refunded: map[int]bool{}}
	for id := 1; id <= n; id++ {
		f.modified[id] = changedAt.Add(time.Duration(id/3) * time.Second)
	}
	listening := httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(listening.Close)
	client := &woocommerce.Client{
		HTTP: fence.Client(true), Base: listening.URL, Site: adapters.Site(listening.URL), Key: readKey, Secret: readSecret, Clock: time.Now,
		Wait: func(context.Context, time.Duration) error { return nil },
	}
	return f, &woocommerce.Reader{Client: client}
}

func (f *fakeStore) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, r.URL.Path)
	if f.hook != nil {
		f.hook(r)
	}
	if f.fault != nil && f.fault(w, r) {
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/wp-json/wc-upline/v1/"); ok {
		f.pluginCall(w, r, path)
		return
	}
	key, secret, _ := r.BasicAuth()
	if key != readKey || secret != readSecret || strings.Contains(r.URL.RawQuery, "cs_") {
		refuse(w, http.StatusUnauthorized, "woocommerce_rest_cannot_view")
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/wp-json/wc/v3/")
	switch {
	case path == "system_status":
		fmt.Fprintf(w, `{"environment":{"home_url":"http://%s"}}`, r.Host)
	case path == "orders":
		f.list(w, r)
	case strings.HasSuffix(path, "/refunds"):
		io.WriteString(w, `[{"id":900,"date_created_gmt":"2026-11-21T11:00:00","amount":"10.00","line_items":[{"id":5,"quantity":-1,"total":"-10.000000","total_tax":"0.000000","meta_data":[{"key":"_refunded_item_id","value":"1"}]}]}]`) //nolint:errcheck // a test's answer
	default:
		id, _ := strconv.Atoi(strings.TrimPrefix(path, "orders/"))
		if f.modified[id].IsZero() {
			refuse(w, http.StatusNotFound, "woocommerce_rest_shop_order_invalid_id")
			return
		}
		io.WriteString(w, f.order(id)) //nolint:errcheck // a test's answer
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q,"message":"Anna may not"}`, code)
}

func (f *fakeStore) order(id int) string {
	status, refunds := "completed", "[]"
	if f.trash[id] {
		status = "trash"
	}
	if f.refunded[id] {
		refunds = `[{"id":900,"total":"-10.00"}]`
	}
	return fmt.Sprintf(`{"id":%d,"number":"%d","status":%q,"currency":"USD","date_created_gmt":"2026-11-20T00:00:00","date_modified_gmt":%q,
		"total":"20.000000","total_tax":"0.000000","customer_id":2,"line_items":[{"id":1,"sku":"TEA","quantity":2,"subtotal":"20.000000","total":"20.000000","total_tax":"0"}],
		"fee_lines":[],"shipping_lines":[],"coupon_lines":[],"refunds":%s,"billing":{"first_name":"Anna"}}`, id, id, status, f.modified[id].Format("2006-01-02T15:04:05"), refunds)
}

// list sorts by time of change, and then by id downwards, as nothing promises the opposite.
func (f *fakeStore) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	moment := func(name string) time.Time {
		at, err := time.Parse(time.DateTime, q.Get(name))
		if err != nil || q.Get("dates_are_gmt") != "true" || q.Get("dp") != "6" {
			f.t.Errorf("query %s", r.URL.RawQuery)
		}
		return at
	}
	after, before := moment("modified_after"), moment("modified_before")
	var ids []int
	for id, at := range f.modified {
		if at.After(after) && at.Before(before) && f.trash[id] == (q.Get("status") == "trash") {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int) int {
		if c := f.modified[a].Compare(f.modified[b]); c != 0 {
			return c
		}
		return b - a
	})
	size, _ := strconv.Atoi(q.Get("per_page"))
	page, _ := strconv.Atoi(q.Get("page"))
	begin := min((page-1)*size, len(ids))
	rows := []string{}
	for _, id := range ids[begin:min(begin+size, len(ids))] {
		rows = append(rows, f.order(id))
	}
	fmt.Fprintf(w, "[%s]", strings.Join(rows, ","))
}

func (f *fakeStore) pluginCall(w http.ResponseWriter, r *http.Request, call string) {
	body, _ := io.ReadAll(r.Body)
	switch err := adapters.VerifyStandard(r.Header.Get, body, [][]byte{[]byte("ups_secret")}); {
	case !f.plugin:
		refuse(w, http.StatusNotFound, "rest_no_route")
		return
	case err != nil:
		refuse(w, http.StatusUnauthorized, "upline_refused")
		return
	}
	var in struct {
		Type, Site, Cursor string
		IDs                []string
		Limit              int
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Type != call || adapters.Site(in.Site) != r.Host {
		f.t.Errorf("call %s: %s", call, body)
	}
	var rows []string
	if call == "snapshots" {
		if len(in.IDs) > 50 {
			f.t.Errorf("%d ids at once", len(in.IDs))
		}
		for _, id := range in.IDs {
			if n, _ := strconv.Atoi(id); !f.modified[n].IsZero() {
				rows = append(rows, strings.Replace(snapshotBase, `"id": "20"`, `"id": "`+id+`"`, 1))
			}
		}
		fmt.Fprintf(w, `{"data":[%s],"missing":[]}`, strings.Join(rows, ","))
		return
	}
	begin, _ := strconv.Atoi(in.Cursor)
	next := ""
	for id := begin + 1; id <= len(f.modified); id++ {
		rows = append(rows, fmt.Sprintf(`{"id":"%d","sequence":1,"dirty":false}`, id))
		if len(rows) == in.Limit {
			next = strconv.Itoa(id)
			break
		}
	}
	fmt.Fprintf(w, `{"data":[%s],"next_cursor":%q}`, strings.Join(rows, ","), next)
}

// changed collects what a reader hands out, and how often.
func changed(t *testing.T, r *woocommerce.Reader) map[string]int {
	t.Helper()
	got := map[string]int{}
	err := r.Changed(t.Context(), changedAt, changedAt.Add(24*time.Hour), func(f adapters.Fetched) error {
		got[f.PlatformOrderID]++
		if revisions := normalise(t, adapters.FetchedTopic, f.Body, "USD"); revisions[0].Source.PlatformOrderID != f.PlatformOrderID {
			t.Errorf("order %s is read as %s", f.PlatformOrderID, revisions[0].Source)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("changed: %v", err)
	}
	return got
}

// TestReaderListsAll: every order is handed out, those in the trash too, and one that changes during the walk leaves no gap.
func TestReaderListsAll(t *testing.T) {
	t.Parallel()
	f, r := newFakeStore(t, 450)
	f.trash[7] = true
	pages := 0
	f.hook = func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/orders") {
			if pages++; pages == 2 {
				for id := 1; id <= 90; id++ {
					f.modified[id] = changedAt.Add(time.Hour) // They leave the pages that were read already.
				}
			}
		}
	}
	got := changed(t, r)
	if len(got) != 450 {
		t.Errorf("%d orders, want all 450", len(got))
	}
}

// TestReaderOneSecond: more orders in one second than a page holds.
func TestReaderOneSecond(t *testing.T) {
	t.Parallel()
	f, r := newFakeStore(t, 350)
	for id := range f.modified {
		f.modified[id] = changedAt
	}
	got := changed(t, r)
	if len(got) != 350 {
		t.Errorf("%d orders, want all 350", len(got))
	}
	for id, times := range got {
		if times != 1 {
			t.Errorf("order %s came %d times", id, times)
		}
	}
}

func TestReaderOrder(t *testing.T) {
	t.Parallel()
	f, r := newFakeStore(t, 2)
	f.refunded[2] = true
	got, err := r.Order(t.Context(), "2")
	if err != nil {
		t.Fatal(err)
	}
	o, b := net(t, merge(t, normalise(t, adapters.FetchedTopic, got.Body, "USD")...))
	if b.NetMinor != 1000 || len(o.Refunds) != 1 || !got.UpdatedAt.Equal(f.modified[2]) {
		t.Errorf("net %d with refunds %v", b.NetMinor, o.Refunds)
	}
	for _, id := range []string{"77", "", "x", "-1", "1/../2"} {
		if _, err := r.Order(t.Context(), id); !errors.Is(err, adapters.ErrNoOrder) {
			t.Errorf("order %q: %v, want ErrNoOrder", id, err)
		}
	}
	if err := r.Client.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	r.Client.Site = "other.example.com"
	if err := r.Client.Check(t.Context()); !errors.Is(err, adapters.ErrReauthorise) {
		t.Errorf("keys of another store: %v", err)
	}
	r.Client.Secret = "cs_wrong"
	if _, err := r.Order(t.Context(), "2"); !errors.Is(err, adapters.ErrReauthorise) || strings.Contains(err.Error(), "Anna") {
		t.Errorf("wrong keys: %v", err)
	}
}

// TestReaderFaults: a store that is busy is asked again; one that answers nonsense or leads elsewhere is not believed.
func TestReaderFaults(t *testing.T) {
	t.Parallel()
	f, r := newFakeStore(t, 1)
	for name, c := range map[string]struct {
		fault func(w http.ResponseWriter, r *http.Request, nth int) bool
		works bool
		calls int
	}{
		"busy twice": {func(w http.ResponseWriter, _ *http.Request, nth int) bool {
			w.Header().Set("Retry-After", "1")
			if nth <= 2 {
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return nth <= 2
		}, true, 3},
		"down": {func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}, false, 4},
		"redirect": {func(w http.ResponseWriter, r *http.Request, _ int) bool {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return true
		}, false, 1},
		"nonsense": {func(w http.ResponseWriter, _ *http.Request, _ int) bool { io.WriteString(w, "<html>"); return true }, false, 1}, //nolint:errcheck // a test's answer
		"another order": {func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			io.WriteString(w, strings.Replace(f.order(1), `"id":1,`, `"id":3,`, 1)) //nolint:errcheck // a test's answer
			return true
		}, false, 1},
		"endless": {func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			for range 33 {
				w.Write(make([]byte, 1<<20)) //nolint:errcheck // a test's answer
			}
			return true
		}, false, 1},
	} {
		nth := 0
		f.mu.Lock()
		f.calls = nil
		f.fault = func(w http.ResponseWriter, r *http.Request) bool { nth++; return c.fault(w, r, nth) }
		f.mu.Unlock()
		_, err := r.Order(t.Context(), "1")
		if (err == nil) != c.works || len(f.calls) != c.calls {
			t.Errorf("%s: %v after %d calls, want it to work: %v after %d", name, err, len(f.calls), c.works, c.calls)
		}
	}
}

// TestReaderAsksThePlugin: what the plugin tells is the authority; the keys are for when it is switched off.
func TestReaderAsksThePlugin(t *testing.T) {
	t.Parallel()
	f, r := newFakeStore(t, 430)
	r.Client.Signing = []byte("ups_secret")
	f.plugin = true
	if got := changed(t, r); len(got) != 430 {
		t.Errorf("%d orders, want all 430", len(got))
	}
	got, err := r.Order(t.Context(), "20")
	if err != nil {
		t.Fatal(err)
	}
	if told := normalise(t, adapters.FetchedTopic, got.Body, "USD")[0]; told.Channel != order.Plugin || told.Version.Updated != 1 {
		t.Errorf("told by %s in version %v, want the plugin's sequence", told.Channel, told.Version)
	}
	if _, err := r.Order(t.Context(), "999"); !errors.Is(err, adapters.ErrNoOrder) {
		t.Errorf("an order the shop does not know: %v", err)
	}
	f.mu.Lock()
	f.plugin = false
	f.mu.Unlock()
	if got := changed(t, r); len(got) != 430 {
		t.Errorf("%d orders by the keys, want all 430", len(got))
	}
	r.Client.Key = ""
	if _, err := r.Order(t.Context(), "20"); !errors.Is(err, adapters.ErrPluginOff) || errors.Is(err, adapters.ErrNoOrder) {
		t.Errorf("an order without plugin and keys: %v, want that the plugin is off", err)
	}
	err = r.Changed(t.Context(), changedAt, changedAt.Add(time.Hour), func(adapters.Fetched) error { return nil })
	if !errors.Is(err, adapters.ErrPluginOff) {
		t.Errorf("changes without plugin and keys: %v, want that the plugin is off", err)
	}
}

// TestReaderChecksKeys: the keys in reserve are tried, so that it shows before the day on which they are needed.
func TestReaderChecksKeys(t *testing.T) {
	t.Parallel()
	f, r := newFakeStore(t, 1)
	f.plugin = true
	r.Client.Signing = []byte("ups_secret")
	if err := r.CheckKeys(t.Context()); err != nil {
		t.Errorf("good keys: %v", err)
	}
	r.Client.Secret = "cs_revoked"
	if err := r.CheckKeys(t.Context()); !errors.Is(err, adapters.ErrReauthorise) {
		t.Errorf("revoked keys: %v, want ErrReauthorise", err)
	}
	calls := len(f.calls)
	r.Client.Key, r.Client.Secret = "", ""
	if err := r.CheckKeys(t.Context()); err != nil || len(f.calls) != calls {
		t.Errorf("no keys: %v after %d calls, want none", err, len(f.calls)-calls)
	}
}
