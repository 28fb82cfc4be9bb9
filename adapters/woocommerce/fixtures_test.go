package woocommerce_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/adaptertest"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// recordedSecret signed every recorded delivery.
const recordedSecret = "lab-secret"

// expectation is what the last state of a folder of testdata comes to.
type expectation struct {
	Order    int64    `json:"order"`
	Status   string   `json:"status"`
	Currency string   `json:"currency"`
	Placed   string   `json:"placed_gmt"`
	Customer int64    `json:"customer"`
	Coupons  []string `json:"coupons"`
	Lines    []struct {
		ID  int64  `json:"id"`
		SKU string `json:"sku"`
		Qty int64  `json:"qty"`
		Net string `json:"net"`
	} `json:"lines"`
	NetLeft string `json:"net_left"`
}

// recording is one recorded delivery.
type recording struct {
	name    string
	folder  string
	body    []byte
	headers map[string]string
	topic   string
}

func read(t testing.TB, path string, into any) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read fixture: %v", err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("read %s: %v", path, err)
		}
	}
	return raw
}

func expectations(t testing.TB) map[string]expectation {
	t.Helper()
	var lists map[string][]expectation
	read(t, "testdata/expected.json", &lists)
	all := map[string]expectation{}
	for folder, list := range lists {
		if len(list) != 1 {
			t.Fatalf("%s: %d orders, want 1", folder, len(list))
		}
		all[folder] = list[0]
	}
	return all
}

// recordings are all deliveries in the order of their arrival.
func recordings(t testing.TB) []recording {
	t.Helper()
	paths, err := filepath.Glob("testdata/wc-*/*/*.body.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	sort.Strings(paths)
	var all []recording
	for _, path := range paths {
		var request struct{ Headers [][2]string }
		read(t, strings.TrimSuffix(path, "body.json")+"request.json", &request)
		r := recording{
			name: strings.TrimPrefix(path, "testdata/"), folder: strings.TrimPrefix(filepath.Dir(path), "testdata/"),
			body: read(t, path, nil), headers: map[string]string{},
		}
		for _, pair := range request.Headers {
			r.headers[strings.ToLower(pair[0])] = pair[1]
		}
		r.topic = r.headers["x-wc-webhook-topic"]
		all = append(all, r)
	}
	return all
}

func store(currency money.Currency) adapters.Store {
	return adapters.Store{StoreID: "st_1", Platform: order.WooCommerce, Domain: "shop.example.com", Currency: currency}
}

func delivery(topic string, body []byte) order.Delivery {
	return order.Delivery{StoreID: "st_1", Platform: order.WooCommerce, Topic: topic, Body: body, ReceivedAt: time.Date(2026, 11, 21, 0, 30, 0, 0, time.UTC)}
}

func normalise(t testing.TB, topic string, body []byte, currency money.Currency) []order.Revision {
	t.Helper()
	revisions, err := woocommerce.New().Normalise(delivery(topic, body), store(currency))
	if err != nil {
		t.Fatalf("normalise %s: %v", topic, err)
	}
	return revisions
}

func merge(t testing.TB, revisions ...order.Revision) order.State {
	t.Helper()
	var state order.State
	for _, revision := range revisions {
		var err error
		if state, err = order.Merge(state, revision); err != nil {
			t.Fatalf("merge: %v", err)
		}
	}
	return state
}

// net is the order's net and each line's, once its state is valid.
func net(t testing.TB, state order.State) (order.Order, order.Breakdown) {
	t.Helper()
	if err := state.Validate(); err != nil {
		t.Fatalf("validate: %v", err)
	}
	o, err := state.Effective()
	if err != nil {
		t.Fatalf("effective: %v", err)
	}
	b, err := order.Net(o, order.NetPolicy{})
	if err != nil {
		t.Fatalf("net: %v", err)
	}
	return o, b
}

// asFetched is the newest webhook body of a folder with the refunds that the REST API told, as the Reader gives it.
func asFetched(t testing.TB, r recording) []byte {
	t.Helper()
	refunds := []json.RawMessage{}
	paths, err := filepath.Glob(filepath.Join("testdata", r.folder, "REST-refund*.json"))
	if err != nil {
		t.Fatalf("find refunds: %v", err)
	}
	for _, path := range paths {
		refunds = append(refunds, read(t, path, nil))
	}
	body, err := json.Marshal(map[string]any{"fetched_at": "2026-11-21T00:20:00Z", "order": json.RawMessage(r.body), "refunds": refunds})
	if err != nil {
		t.Fatalf("make fetched body: %v", err)
	}
	return body
}

func TestRecordingsAreGenuine(t *testing.T) {
	t.Parallel()
	all := recordings(t)
	if len(all) != 42 {
		t.Errorf("%d recordings, want all 42", len(all))
	}
	for _, r := range all {
		header := func(name string) string { return r.headers[strings.ToLower(name)] }
		if err := woocommerce.New().Verify(header, r.body, [][]byte{[]byte(recordedSecret)}); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		altered := append(slices.Clone(r.body), ' ')
		if woocommerce.New().Verify(header, altered, [][]byte{[]byte(recordedSecret)}) == nil {
			t.Errorf("%s: an altered body passes", r.name)
		}
		envelope, err := woocommerce.New().Open(header, r.body)
		if err != nil || envelope.Topic != r.topic || envelope.StoreDomain != "" {
			t.Errorf("%s: envelope %+v and %v", r.name, envelope, err)
		}
	}
}

// TestExpected holds the last state of every recorded scenario against the figures that were written down beside it.
func TestExpected(t *testing.T) {
	t.Parallel()
	all := expectations(t)
	seen := map[string]bool{}
	last := map[string]recording{}
	revisions := map[string][]order.Revision{} // of an order over all its folders
	for _, r := range recordings(t) {
		revisions[r.folder] = append(revisions[r.folder], normalise(t, r.topic, r.body, "USD")...)
		if strings.HasPrefix(r.topic, "order.") {
			last[r.folder] = r
		}
	}
	for folder, want := range all {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			r, found := last[folder]
			if !found {
				t.Fatal("no order was recorded")
			}
			told := slices.Clone(revisions[folder])
			if slices.ContainsFunc(told, func(r order.Revision) bool { return r.Kind == order.Hint }) {
				if err := merge(t, told...).Validate(); err == nil {
					t.Error("an order whose refund lines are not known yet is not undecided")
				}
				told = append(told, normalise(t, adapters.FetchedTopic, asFetched(t, r), "USD")...)
			}
			told = slices.DeleteFunc(told, func(r order.Revision) bool { return r.Kind == order.Ignored })
			o, b := net(t, merge(t, told...))
			checkExpected(t, o, b, want)
		})
		seen[folder] = true
	}
	for folder := range last {
		if !seen[folder] {
			t.Errorf("%s is not in expected.json", folder)
		}
	}
}

func checkExpected(t *testing.T, o order.Order, b order.Breakdown, want expectation) {
	t.Helper()
	if got := o.Source.PlatformOrderID; got != fmt.Sprint(want.Order) {
		t.Errorf("order %s, want %d", got, want.Order)
	}
	if got := o.OrderTS.Format("2006-01-02T15:04:05"); got != want.Placed {
		t.Errorf("placed %s, want %s", got, want.Placed)
	}
	statuses := map[string]order.Status{
		"pending": order.Pending, "on-hold": order.Pending, "processing": order.Paid, "completed": order.Paid,
		"cancelled": order.Cancelled, "refunded": order.Refunded,
	}
	if o.Status != statuses[want.Status] {
		t.Errorf("status %s of %s", o.Status, want.Status)
	}
	if want.Customer != 0 && o.BuyerID != fmt.Sprint(want.Customer) || want.Customer == 0 && o.BuyerID != "" {
		t.Errorf("buyer %q, want %d", o.BuyerID, want.Customer)
	}
	for _, code := range want.Coupons {
		if !slices.Contains(o.Evidence, order.Evidence{Kind: order.DistributorCode, Value: code}) {
			t.Errorf("evidence %v lacks coupon %s", o.Evidence, code)
		}
	}
	for i, line := range want.Lines {
		got := o.Lines[i]
		if got.LineID != fmt.Sprint(line.ID) || got.PlatformSKU != line.SKU || got.Quantity != line.Qty ||
			money.FormatMinor(got.GrossMinor-got.DiscountMinor, "USD") != line.Net {
			t.Errorf("line %+v, want %+v", got, line)
		}
	}
	left := want.NetLeft
	if o.Status == order.Pending || o.Status == order.Cancelled {
		left = "0.00" // net_left is before any rule of status.
	}
	if got := money.FormatMinor(b.NetMinor, "USD"); got != left {
		t.Errorf("net %s, want %s", got, left)
	}
}

// genuine makes a delivery of the conformance suite from a recording.
func genuine(t testing.TB, all map[string]expectation, r recording, kind order.RevisionKind, left string) adaptertest.Delivery {
	t.Helper()
	want := all[r.folder]
	d := adaptertest.Delivery{Name: r.name, Topic: r.topic, Body: r.body, Kind: kind, PlatformOrderID: fmt.Sprint(want.Order), NetMinor: map[string]int64{}}
	minor, err := money.ParseMinor(left, "USD")
	if err != nil || len(want.Lines) != 1 {
		t.Fatalf("%s: %v, %d lines", r.folder, err, len(want.Lines))
	}
	d.NetMinor[fmt.Sprint(want.Lines[0].ID)] = minor
	return d
}
