package shopify_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// expectation is what one fixture must come to; figures are minor units. To add a case, add a body to testdata and its
// line to expected.json.
type expectation struct {
	Why       string             `json:"why"`
	Topic     string             `json:"topic"`
	Currency  money.Currency     `json:"currency"`
	Malformed string             `json:"malformed"` // the field a *Malformed must name; nothing below holds then
	Kind      order.RevisionKind `json:"kind"`
	OrderID   string             `json:"order_id"`
	Note      string             `json:"note"`    // part of the note
	Updated   *time.Time         `json:"updated"` // the version
	With      []string           `json:"with"`    // bodies of the same order that are merged first

	Status   order.Status     `json:"status"`
	Test     bool             `json:"test"`
	NetMinor int64            `json:"net_minor"`
	Lines    map[string]int64 `json:"lines"` // net by line id
	Stated   *int64           `json:"stated_minor"`
	Paid     int64            `json:"paid_minor"`
	Total    int64            `json:"total_minor"`
	Evidence []string         `json:"evidence"` // "kind:value"
	SKUs     []string         `json:"skus"`
	Kinds    []order.LineKind `json:"kinds"`
	Current  []*int64         `json:"current"` // quantities left
	OrderTS  *time.Time       `json:"order_ts"`
	Country  string           `json:"country"`
}

func expectations(t testing.TB) map[string]expectation {
	t.Helper()
	var all map[string]expectation
	decoder := json.NewDecoder(strings.NewReader(string(fixture(t, "expected.json"))))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		t.Fatalf("read expected.json: %v", err)
	}
	return all
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatalf("read fixture: %v", err)
	}
	return body
}

func store(currency money.Currency) adapters.Store {
	return adapters.Store{StoreID: "st_1", Platform: order.Shopify, Domain: "probe.myshopify.com", Currency: currency}
}

func delivery(topic string, body []byte) order.Delivery {
	return order.Delivery{StoreID: "st_1", Platform: order.Shopify, Topic: topic, Body: body, ReceivedAt: time.Unix(1_800_000_000, 0)}
}

// normalise reads a fixture that must be readable.
func normalise(t testing.TB, name string, want expectation) order.Revision {
	t.Helper()
	revisions, err := shopify.New().Normalise(delivery(want.Topic, fixture(t, name)), store(want.Currency))
	if err != nil {
		t.Fatalf("normalise %s: %v", name, err)
	}
	if len(revisions) != 1 {
		t.Fatalf("normalise %s: %d revisions, want 1", name, len(revisions))
	}
	return revisions[0]
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	all := expectations(t)
	files, err := filepath.Glob("testdata/*_*.json")
	if err != nil || len(files) != len(all) {
		t.Fatalf("testdata has %d bodies and expected.json %d entries (%v)", len(files), len(all), err)
	}
	for name, want := range all {
		t.Run(strings.TrimSuffix(name, ".json"), func(t *testing.T) {
			t.Parallel()
			if want.Malformed != "" {
				checkMalformed(t, name, want)
				return
			}
			got := normalise(t, name, want)
			checkRevision(t, got, want)
			if got.Kind == order.Snapshot {
				checkOrder(t, got.Order, want)
			}
			if want.Lines != nil {
				checkNet(t, got, all, want)
			}
		})
	}
}

func checkMalformed(t *testing.T, name string, want expectation) {
	t.Helper()
	revisions, err := shopify.New().Normalise(delivery(want.Topic, fixture(t, name)), store(want.Currency))
	malformed, ok := errors.AsType[*adapters.Malformed](err)
	if !ok || revisions != nil {
		t.Fatalf("got %v and error %v, want a *Malformed alone", revisions, err)
	}
	if malformed.Field != want.Malformed || malformed.Reason == "" {
		t.Errorf("got %q: %q, want field %q", malformed.Field, malformed.Reason, want.Malformed)
	}
}

func checkRevision(t *testing.T, got order.Revision, want expectation) {
	t.Helper()
	if got.Kind != want.Kind || got.Channel != order.Webhook {
		t.Errorf("kind %q by channel %q, want %q by webhook", got.Kind, got.Channel, want.Kind)
	}
	if source := (order.Source{StoreID: "st_1", PlatformOrderID: want.OrderID}); got.Source != source {
		t.Errorf("source %q, want %q", got.Source, source)
	}
	if !strings.Contains(got.Note, want.Note) || (got.Note == "") != (want.Note == "") {
		t.Errorf("note %q, want it to hold %q", got.Note, want.Note)
	}
	if want.Updated != nil && got.Version.Updated != want.Updated.UnixMicro() {
		t.Errorf("version %d, want %d", got.Version.Updated, want.Updated.UnixMicro())
	}
}

func checkOrder(t *testing.T, got *order.Order, want expectation) {
	t.Helper()
	type head struct {
		Status      order.Status
		Test        bool
		Currency    money.Currency
		Paid, Total int64
		Stated      *int64
	}
	if diff := cmp.Diff(head{want.Status, want.Test, want.Currency, want.Paid, want.Total, want.Stated},
		head{got.Status, got.Test, got.Currency, got.PaidMinor, got.TotalMinor, got.Stated.SubtotalMinor}); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	var skus []string
	var kinds []order.LineKind
	var current []*int64
	for _, line := range got.Lines {
		skus, kinds = append(skus, line.PlatformSKU), append(kinds, line.Kind)
		current = append(current, line.CurrentQuantity)
	}
	if want.SKUs != nil && !slices.Equal(skus, want.SKUs) {
		t.Errorf("SKUs %q, want %q", skus, want.SKUs)
	}
	if want.Kinds != nil && !slices.Equal(kinds, want.Kinds) {
		t.Errorf("kinds %q, want %q", kinds, want.Kinds)
	}
	if want.Current != nil {
		if diff := cmp.Diff(want.Current, current); diff != "" {
			t.Errorf("current quantities (-want +got):\n%s", diff)
		}
	}
	var evidence []string
	for _, hint := range got.Evidence {
		evidence = append(evidence, string(hint.Kind)+":"+hint.Value)
	}
	if want.Evidence != nil && !slices.Equal(evidence, want.Evidence) {
		t.Errorf("evidence %q, want %q", evidence, want.Evidence)
	}
	if want.OrderTS != nil && !got.OrderTS.Equal(*want.OrderTS) || got.OrderTS.Location() != time.UTC {
		t.Errorf("order time %v, want %v in UTC", got.OrderTS, want.OrderTS)
	}
	if want.Country != "" && got.Country != want.Country {
		t.Errorf("country %q, want %q", got.Country, want.Country)
	}
}

// checkNet merges the fixture with the bodies it needs. Validate holds the platform's own subtotal against our lines.
func checkNet(t *testing.T, got order.Revision, all map[string]expectation, want expectation) {
	t.Helper()
	revisions := []order.Revision{got}
	for _, name := range want.With {
		revisions = append(revisions, normalise(t, name, all[name]))
	}
	var state order.State
	for _, revision := range revisions {
		var err error
		if state, err = order.Merge(state, revision); err != nil {
			t.Fatalf("merge: %v", err)
		}
	}
	if err := state.Validate(); err != nil {
		t.Fatalf("validate: %v", err)
	}
	effective, err := state.Effective()
	if err != nil {
		t.Fatalf("effective: %v", err)
	}
	breakdown, err := order.Net(effective, order.NetPolicy{})
	if err != nil {
		t.Fatalf("net: %v", err)
	}
	nets := make(map[string]int64, len(breakdown.Lines))
	for _, line := range breakdown.Lines {
		nets[line.LineID] = line.NetMinor
	}
	if !maps.Equal(nets, want.Lines) || breakdown.NetMinor != want.NetMinor {
		t.Errorf("net %d of lines %v, want %d of %v", breakdown.NetMinor, nets, want.NetMinor, want.Lines)
	}
}
