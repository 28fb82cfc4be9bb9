package magento_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

func store(currency money.Currency) adapters.Store {
	return adapters.Store{StoreID: "shop-example-com", Platform: order.Magento, Domain: "https://shop.example.com", Currency: currency}
}

func fixture(t testing.TB, path ...string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// read normalises one body.
func read(t testing.TB, topic string, body []byte, currency money.Currency) (order.Revision, error) {
	t.Helper()
	revisions, err := magento.New().Normalise(order.Delivery{Topic: topic, Platform: order.Magento, Body: body}, store(currency))
	if err != nil {
		return order.Revision{}, err
	}
	if len(revisions) != 1 {
		t.Fatalf("%d revisions, want 1", len(revisions))
	}
	return revisions[0], nil
}

// expected is one recorded order's right answer.
type expected struct {
	IncrementID string `json:"increment_id"`
	Rows        []struct {
		ItemID   int64  `json:"item_id"`
		SKU      string `json:"sku"`
		Net      string `json:"net"`
		Placed   string `json:"net_order_currency"`
		Invoiced string `json:"net_invoiced"`
		Refunded string `json:"net_refunded"`
	} `json:"rows"`
	Net         string `json:"net"`
	NetInvoiced string `json:"net_invoiced"`
	NetRefunded string `json:"net_refunded"`
}

// recordedMemos are the credit memos of the recorded orders.
var recordedMemos = map[string]string{"order-after-full-invoice.json": "creditmemo-partial.json"}

// fetched wraps a recorded order as a fetch from core REST does.
func fetched(t testing.TB, name string) []byte {
	t.Helper()
	memos := "[]"
	if memo := recordedMemos[name]; memo != "" {
		memos = "[" + string(fixture(t, "recorded", memo)) + "]"
	}
	return fmt.Appendf(nil, `{"order":%s,"credit_memos":%s}`, fixture(t, "recorded", name), memos)
}

func minor(t testing.TB, text string, c money.Currency) int64 {
	t.Helper()
	v, err := money.ParseMinor(text, c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// figures are what a line of a recorded order must come to.
type figures struct {
	SKU                 string
	Net, Paid, Refunded int64
}

// TestRecordedOrders holds every recorded order of core REST against its right answer, in both currencies.
func TestRecordedOrders(t *testing.T) {
	t.Parallel()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(fixture(t, "expected.json"), &all); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"order-placed.json", "order-after-partial-invoice.json", "order-after-full-invoice.json", "order-canceled.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want expected
			if err := json.Unmarshal(all["2.4.7-p6/"+name], &want); err != nil {
				t.Fatal(err)
			}
			for _, currency := range []money.Currency{"USD", "EUR"} {
				got, err := read(t, adapters.FetchedTopic, fetched(t, name), currency)
				if err != nil {
					t.Fatal(err)
				}
				holds(t, got, want, currency)
			}
		})
	}
}

// holds compares a snapshot with the right answer. What the answer tells in the base currency alone is compared there alone.
func holds(t *testing.T, got order.Revision, want expected, currency money.Currency) {
	t.Helper()
	if err := got.Order.Validate(); err != nil {
		t.Fatalf("%s: %v", currency, err)
	}
	refunded := map[string]int64{}
	for _, refund := range got.Order.Refunds {
		for _, line := range refund.Lines {
			refunded[line.LineID] += line.SubtotalMinor
		}
	}
	wanted, found := map[string]figures{}, map[string]figures{}
	for _, row := range want.Rows {
		id := fmt.Sprint(row.ItemID)
		if currency == "USD" {
			wanted[id] = figures{row.SKU, minor(t, row.Net, currency), minor(t, row.Invoiced, currency), minor(t, row.Refunded, currency)}
		} else {
			wanted[id] = figures{SKU: row.SKU, Net: minor(t, row.Placed, currency)}
		}
	}
	for _, line := range got.Order.Lines {
		f := figures{SKU: line.PlatformSKU, Net: line.GrossMinor - line.DiscountMinor}
		if currency == "USD" {
			f.Refunded = refunded[line.LineID]
			switch {
			case line.PaidNetMinor != nil:
				f.Paid = *line.PaidNetMinor
			case got.Order.Status != order.Pending && got.Order.Status != order.Cancelled:
				f.Paid = f.Net
			}
		}
		found[line.LineID] = f
	}
	if diff := cmp.Diff(wanted, found); diff != "" {
		t.Errorf("%s:\n%s", currency, diff)
	}
	if got.Order.Name != want.IncrementID {
		t.Errorf("number %q, want %q", got.Order.Name, want.IncrementID)
	}
}

// TestRecordedSearchPage reads the orders of a page one by one, as the reader of core REST hands them out.
func TestRecordedSearchPage(t *testing.T) {
	t.Parallel()
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	var all map[string]json.RawMessage
	var want []expected
	for _, err := range []error{
		json.Unmarshal(fixture(t, "recorded", "orders-search-page.json"), &page), json.Unmarshal(fixture(t, "expected.json"), &all),
		json.Unmarshal(all["2.4.7-p6/orders-search-page.json"], &want),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(page.Items) == 0 || len(page.Items) != len(want) {
		t.Fatalf("%d orders, %d answers", len(page.Items), len(want))
	}
	for i, item := range page.Items {
		got, err := read(t, adapters.FetchedTopic, fmt.Appendf(nil, `{"order":%s}`, item), "USD")
		if err != nil {
			t.Fatal(err)
		}
		if want[i].NetRefunded != "0.00" {
			if err := got.Order.Validate(); err == nil {
				t.Error("an order whose credit memos were not read is taken for whole")
			}
			continue
		}
		holds(t, got, want[i], "USD")
	}
}

// TestBothTellings holds what our module tells of an order against what core REST tells of it.
func TestBothTellings(t *testing.T) {
	t.Parallel()
	for module, rest := range map[string]string{
		"placed.json": "order-placed.json", "invoiced_in_part.json": "order-after-partial-invoice.json",
		"invoiced_and_refunded.json": "order-after-full-invoice.json", "cancelled.json": "order-canceled.json",
	} {
		for _, currency := range []money.Currency{"USD", "EUR"} {
			one, err := read(t, plugin.Topic, fixture(t, "module", module), currency)
			if err != nil {
				t.Fatalf("%s: %v", module, err)
			}
			other, err := read(t, adapters.FetchedTopic, fetched(t, rest), currency)
			if err != nil {
				t.Fatalf("%s: %v", rest, err)
			}
			if one.Channel != order.Plugin || other.Channel != order.Webhook || other.Version.Updated < time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMicro() {
				t.Errorf("%s: channels %s and %s, version %+v", module, one.Channel, other.Channel, other.Version)
			}
			one.Order.Evidence, other.Order.Evidence = nil, nil // Core REST knows nothing of visits.
			if diff := cmp.Diff(one.Order, other.Order); diff != "" {
				t.Errorf("%s in %s:\n%s", module, currency, diff)
			}
		}
	}
}
