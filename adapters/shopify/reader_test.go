package shopify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/shopify/shopifytest"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// staticToken is a token that is never refused.
type staticToken string

func (k staticToken) Token(context.Context) (string, error) { return string(k), nil }
func (k staticToken) Renew(context.Context, string) (string, error) {
	return "", adapters.ErrReauthorise
}

// reading is a shop's API with a Reader that waits for nothing.
func readShop(t testing.TB, admin *shopifytest.Admin) *shopify.Reader {
	t.Helper()
	client, err := adminapi.New("probe.myshopify.com", staticToken("token"), adminapi.Options{
		Transport: admin.Transport(t, "probe.myshopify.com", "token"),
		Sleep:     func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	return shopify.NewReader(client, t.TempDir())
}

// roomy is an API without limits of cost.
func roomy() *shopifytest.Admin {
	admin := shopifytest.NewAdmin()
	admin.Maximum, admin.CostMax, admin.Restore = 1e9, 1e9, 1e9
	admin.Clock = func() time.Time { return time.Unix(1_800_000_000, 0).UTC() }
	return admin
}

// fetchedOrder reads what a Reader gave, as the pipeline does.
func fetchedOrder(t testing.TB, f adapters.Fetched, currency money.Currency) order.Revision {
	t.Helper()
	revisions, err := shopify.New().Normalise(delivery(adapters.FetchedTopic, f.Body), store(currency))
	if err != nil {
		t.Fatalf("normalise %s: %v\n%s", f.PlatformOrderID, err, f.Body)
	}
	return revisions[0]
}

// TestFetchedAgreesWithTheWebhook tells every fixture by the API too: both must come to the same order but for what the API
// cannot tell, and Shopify's own sales ledger must agree with the lines.
func TestFetchedAgreesWithTheWebhook(t *testing.T) {
	t.Parallel()
	compared := 0
	for name, want := range expectations(t) {
		if want.Malformed != "" || want.Kind != order.Snapshot || strings.Contains(name, "old_shape") {
			continue // An old shape is what the API would not tell.
		}
		compared++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object, err := shopifytest.FromWebhook(fixture(t, name))
			if err != nil {
				t.Fatalf("turn into an API object: %v", err)
			}
			for _, way := range []string{"alone", "page", "bulk"} {
				admin := roomy()
				admin.PutOrder(object)
				told := normalise(t, name, want)
				f := readOne(t, admin, told, way)
				got := fetchedOrder(t, f, want.Currency)
				if got.Version.Updated != told.Version.Updated || got.Version.Triggered == 0 || f.UpdatedAt.UnixMicro() != told.Version.Updated {
					t.Errorf("%s: version %+v at %s, the webhook has %+v", way, got.Version, f.UpdatedAt, told.Version)
				}
				if diff := cmp.Diff(apiView(told.Order), apiView(got.Order)); diff != "" {
					t.Errorf("%s (-webhook +API):\n%s", way, diff)
				}
				if got.Order.Stated.SalesMinor == nil || !got.Order.BuyerUntold {
					t.Errorf("%s: sales %v, buyer untold %v", way, got.Order.Stated.SalesMinor, got.Order.BuyerUntold)
				}
				checkValidity(t, got.Order, told.Order)
			}
		})
	}
	if compared < 15 {
		t.Errorf("only %d fixtures were compared", compared)
	}
}

// checkValidity: what Validate says of the webhook's order it must say of the API's; the sales ledger must not be what differs.
func checkValidity(t *testing.T, got, told *order.Order) {
	t.Helper()
	gotErr, toldErr := got.Validate(), told.Validate()
	if (gotErr == nil) != (toldErr == nil) {
		t.Errorf("the API's order is %v, the webhook's %v", gotErr, toldErr)
	}
	if gotErr != nil && strings.Contains(gotErr.Error(), "sales") {
		t.Errorf("the sales ledger disagrees: %v", gotErr)
	}
}

// readOne reads the one order of a shop.
func readOne(t *testing.T, admin *shopifytest.Admin, told order.Revision, way string) adapters.Fetched {
	t.Helper()
	reader := readShop(t, admin)
	if way == "alone" {
		f, err := reader.Order(context.Background(), told.Source.PlatformOrderID)
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		return f
	}
	if way == "bulk" {
		fill(t, admin, 251)
	}
	from := time.UnixMicro(told.Version.Updated)
	var found []adapters.Fetched
	err := reader.Changed(context.Background(), from.Add(-time.Second), from.Add(time.Hour), func(f adapters.Fetched) error {
		if f.PlatformOrderID == told.Source.PlatformOrderID {
			found = append(found, f)
		}
		return nil
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: found the order %d times: %v", way, len(found), err)
	}
	if asked := slices.Contains(admin.Asked(), "StartBulk"); asked != (way == "bulk") {
		t.Fatalf("%s: asked %v", way, admin.Asked())
	}
	return found[0]
}

// fill gives a shop so many more orders, changed at the same time as its first.
func fill(t testing.TB, admin *shopifytest.Admin, count int) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(fixture(t, "orders_paid_usd_two_lines.json"), &body); err != nil {
		t.Fatalf("read the fixture: %v", err)
	}
	for i := range count {
		body["id"], body["updated_at"] = 7_000_000+i, admin.FirstUpdated()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatalf("write the body: %v", err)
		}
		object, err := shopifytest.FromWebhook(text)
		if err != nil {
			t.Fatalf("turn into an API object: %v", err)
		}
		admin.PutOrder(object)
	}
}

// apiView leaves out what the API cannot tell, or tells besides.
func apiView(o *order.Order) *order.Order {
	view := *o
	view.BuyerID, view.Country, view.BuyerUntold, view.Stated.SalesMinor = "", "", false, nil
	view.Evidence = slices.DeleteFunc(slices.Clone(o.Evidence), func(e order.Evidence) bool { return e.Kind == order.BoundCustomer || e.Kind == order.Checkout })
	if len(view.Evidence) == 0 {
		view.Evidence = nil
	}
	if len(view.Refunds) == 0 {
		view.Refunds = nil
	}
	return &view
}

// TestSalesLedgerDisagrees parks an order whose lines come to another sum than Shopify's own ledger.
func TestSalesLedgerDisagrees(t *testing.T) {
	t.Parallel()
	object, err := shopifytest.FromWebhook(fixture(t, "orders_paid_usd_two_lines.json"))
	if err != nil {
		t.Fatalf("turn into an API object: %v", err)
	}
	sale := object["agreements"].([]any)[0].(shopifytest.Object)["sales"].([]any)[0].(shopifytest.Object)
	sale["totalAmount"] = shopifytest.Object{"shopMoney": shopifytest.Object{"amount": "1.0", "currencyCode": "USD"}}
	admin := roomy()
	admin.PutOrder(object)
	_, number, _ := strings.Cut(strings.TrimPrefix(object["id"].(string), "gid://shopify/"), "/")
	f, err := readShop(t, admin).Order(context.Background(), number)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	var invalid *order.Invalid
	if err := fetchedOrder(t, f, "USD").Order.Validate(); !errors.As(err, &invalid) || invalid.StatedMinor == nil || invalid.ComputedMinor == nil {
		t.Errorf("got %v, want both figures", err)
	}
}

// TestPagesAreJoined reads an order with more lines, sales, agreements and refund lines than any page holds.
func TestPagesAreJoined(t *testing.T) {
	t.Parallel()
	body := bigOrder(t, 130, 12, 60)
	object, err := shopifytest.FromWebhook(body)
	if err != nil {
		t.Fatalf("turn into an API object: %v", err)
	}
	admin := roomy()
	admin.PutOrder(object)
	f, err := readShop(t, admin).Order(context.Background(), "5001")
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	told, err := shopify.New().Normalise(delivery("orders/updated", body), store("USD"))
	if err != nil {
		t.Fatalf("normalise the webhook: %v", err)
	}
	got := fetchedOrder(t, f, "USD")
	if diff := cmp.Diff(apiView(told[0].Order), apiView(got.Order)); diff != "" {
		t.Fatalf("(-webhook +API):\n%s", diff)
	}
	if err := got.Order.Validate(); err != nil {
		t.Errorf("validate: %v", err)
	}
	for _, operation := range []string{"OrderLines", "OrderAgreements", "AgreementSales", "RefundDetails"} {
		if !slices.Contains(admin.Asked(), operation) {
			t.Errorf("%s was not asked: %v", operation, admin.Asked())
		}
	}
}

// bigOrder is a webhook body with so many lines of two pieces, refunds, and lines in the first refund; each other refund takes
// one piece of the first line that still has one.
func bigOrder(t testing.TB, lines, refunds, firstRefundLines int) []byte {
	t.Helper()
	items, left := []any{}, make([]int, lines)
	for i := range lines {
		left[i] = 2
		items = append(items, map[string]any{
			"id": 9000 + i, "sku": fmt.Sprintf("SKU-%d", i), "quantity": 2, "price": "10.00", "gift_card": false,
			"discount_allocations": []any{}, "tax_lines": []any{},
		})
	}
	all, total := []any{}, 20*lines
	for r := range refunds {
		back := []any{}
		for i := range lines {
			if (r == 0 && len(back) < firstRefundLines || r > 0 && len(back) < 1) && left[i] == 2-min(r, 1) {
				left[i]--
				total -= 10
				back = append(back, map[string]any{"line_item_id": 9000 + i, "quantity": 1, "subtotal": 10.0, "total_tax": 0})
			}
		}
		all = append(all, map[string]any{"id": 800 + r, "created_at": "2026-11-20T10:00:00Z", "refund_line_items": back, "order_adjustments": []any{}})
	}
	for i := range items {
		items[i].(map[string]any)["current_quantity"] = left[i]
	}
	body, err := json.Marshal(map[string]any{
		"id": 5001, "name": "#5001", "created_at": "2026-11-19T10:00:00Z", "processed_at": "2026-11-19T10:00:00Z", "updated_at": "2026-11-20T10:00:01Z",
		"currency": "USD", "taxes_included": false, "financial_status": "partially_refunded", "line_items": items, "refunds": all,
		"total_discounts": "0.00", "total_price": "2600.00", "current_total_price": fmt.Sprintf("%d.00", total), "total_outstanding": "0.00",
		"current_subtotal_price": fmt.Sprintf("%d.00", total),
	})
	if err != nil {
		t.Fatalf("write the body: %v", err)
	}
	return body
}

func TestReaderRefusals(t *testing.T) {
	t.Parallel()
	reader := readShop(t, roomy())
	for _, id := range []string{"1", "", "../1", "gid://shopify/Order/1", "1\n"} {
		if _, err := reader.Order(context.Background(), id); !errors.Is(err, adapters.ErrNoOrder) {
			t.Errorf("order %q: %v, want that there is none", id, err)
		}
	}
	stop := errors.New("enough")
	admin := roomy()
	fill2 := bigOrder(t, 1, 0, 0)
	object, err := shopifytest.FromWebhook(fill2)
	if err != nil {
		t.Fatalf("turn into an API object: %v", err)
	}
	admin.PutOrder(object)
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if err := readShop(t, admin).Changed(context.Background(), from, from.AddDate(0, 1, 0), func(adapters.Fetched) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the receiver's own error", err)
	}
	if _, err := shopify.New().Open(func(name string) string {
		return map[string]string{"X-Shopify-Topic": adapters.FetchedTopic, "X-Shopify-Shop-Domain": "probe.myshopify.com", "X-Shopify-Webhook-Id": "1"}[name]
	}, []byte("{}")); err == nil {
		t.Error("a stranger may send what only we read")
	}
}

// FuzzFetched reads any bytes as an order from the API without a panic, and what it reads has a canonical form.
func FuzzFetched(f *testing.F) {
	f.Add([]byte(`{"id":1,"updated_at":"2026-11-20T10:00:01Z","upline_sales":[{"line_type":"PRODUCT"}]}`))
	f.Add([]byte(`{"id":1,"upline_sales":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		revisions, err := shopify.New().Normalise(delivery(adapters.FetchedTopic, body), store("EUR"))
		if err != nil {
			return
		}
		if _, err := json.Marshal(revisions[0]); err != nil {
			t.Fatalf("has no JSON form: %v", err)
		}
	})
}
