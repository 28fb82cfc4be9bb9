package shopify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
)

// The bodies below have the shape of Shopify's documentation; names and numbers are ours.
const (
	shopBody    = `{"id":548380009,"name":"Acme","email":"owner@example.com","domain":null,"currency":"EUR","shop_owner":"A. Owner","myshopify_domain":"acme.myshopify.com"}`
	scopesBody  = `{"id":1,"shop_id":"gid://shopify/Shop/548380009","previous":["read_orders"],"current":["read_orders","read_products"],"updated_at":"2026-06-25T02:00:00+02:00"}`
	mergeBody   = `{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/9007199254740993","admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","admin_graphql_api_job_id":null,"status":"completed","errors":[]}`
	bulkBody    = `{"admin_graphql_api_id":"gid://shopify/BulkOperation/147595010","completed_at":"2026-01-01T07:34:56-05:00","created_at":"2026-01-01T06:34:56-05:00","error_code":null,"status":"completed","type":"query"}`
	askBody     = `{"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":191167,"email":"jo@example.com","phone":"555-625-1199"},"orders_requested":[299938,9007199254740993],"data_request":{"id":9999}}`
	eraseBody   = `{"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":191167,"email":"jo@example.com","phone":null},"orders_to_redact":[299938]}`
	guestBody   = `{"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":null,"email":"jo@example.com","phone":""},"orders_to_redact":[299938]}`
	shopRedact  = `{"shop_id":954889,"shop_domain":"acme.myshopify.com"}`
	disputeBody = `{"id":285332461850802050,"order_id":9007199254740993,"type":"chargeback","amount":"11.50","currency":"CAD","reason":"fraudulent","network_reason_code":"4837","status":"under_review","evidence_due_by":"2026-12-30T19:00:00-05:00","evidence_sent_on":null,"finalized_on":null,"initiated_at":"2026-11-10T09:00:00-05:00"}`
	returnBody  = `{"id":123134564567890,"admin_graphql_api_id":"gid://shopify/Return/123134564567890","order":{"id":4783296544821,"admin_graphql_api_id":"gid://shopify/Order/4783296544821"},"status":"open"}`
	failedMerge = `{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/1","admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","status":"failed","errors":[{"field":"merge_in_progress"}]}`
)

func announce(topic, body string) (*adapters.Notice, error) {
	d := delivery(topic, []byte(body))
	d.Headers = map[string]string{"x-shopify-triggered-at": "2026-11-10T09:15:00.5Z"}
	return shopify.New().Announce(d)
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 10, 9, 15, 0, 500_000_000, time.UTC)
	for name, c := range map[string]struct {
		topic, body string
		want        *adapters.Notice
	}{
		"uninstalled":       {"app/uninstalled", shopBody, &adapters.Notice{Kind: adapters.Uninstalled, At: at}},
		"other scopes":      {"app/scopes_update", scopesBody, &adapters.Notice{Kind: adapters.ScopesChanged, At: time.Date(2026, 6, 25, 0, 0, 0, 0, time.UTC), Scopes: []string{"read_orders", "read_products"}}},
		"no scope left":     {"app/scopes_update", `{"current":[]}`, &adapters.Notice{Kind: adapters.ScopesChanged, At: at, Scopes: []string{}}},
		"merged":            {"customers/merge", mergeBody, &adapters.Notice{Kind: adapters.CustomersMerged, At: at, CustomerID: "2", KeptCustomerID: "9007199254740993"}},
		"merge that failed": {"customers/merge", failedMerge, nil},
		"bulk operation":    {"bulk_operations/finish", bulkBody, &adapters.Notice{Kind: adapters.BulkFinished, At: at, OperationID: "gid://shopify/BulkOperation/147595010"}},
		"data asked for":    {"customers/data_request", askBody, &adapters.Notice{Kind: adapters.CustomerExport, At: at, Key: "9999", CustomerID: "191167", OrderIDs: []string{"299938", "9007199254740993"}, Email: "jo@example.com", Phone: "555-625-1199"}},
		"a person erased":   {"customers/redact", eraseBody, &adapters.Notice{Kind: adapters.CustomerErase, At: at, CustomerID: "191167", OrderIDs: []string{"299938"}, Email: "jo@example.com"}},
		"a guest erased":    {"customers/redact", guestBody, &adapters.Notice{Kind: adapters.CustomerErase, At: at, OrderIDs: []string{"299938"}, Email: "jo@example.com"}},
		"the shop erased":   {"shop/redact", shopRedact, &adapters.Notice{Kind: adapters.StoreErase, At: at}},
		"disputed": {"disputes/create", disputeBody, &adapters.Notice{
			Kind: adapters.OrderTouched, At: at, OrderIDs: []string{"9007199254740993"},
			Event: "dispute 285332461850802050 (chargeback, fraudulent) over 11.50 CAD is under_review",
		}},
		"a dispute in words that are none": {"disputes/update", `{"id":1,"order_id":2,"type":"<b>","amount":"1e9","currency":"cad","reason":null,"status":"Won"}`, &adapters.Notice{
			Kind: adapters.OrderTouched, At: at, OrderIDs: []string{"2"}, Event: "dispute 1 (unnamed, unnamed) over an unnamed amount is won",
		}},
		"a dispute over no order": {"disputes/create", `{"id":1,"order_id":null,"status":"lost"}`, nil},
		"returned":                {"returns/process", returnBody, &adapters.Notice{Kind: adapters.OrderTouched, At: at, OrderIDs: []string{"4783296544821"}, Event: "return 123134564567890 is processed"}},
		"returned, in short":      {"returns/process", `{"id":1,"order_id":"3"}`, &adapters.Notice{Kind: adapters.OrderTouched, At: at, OrderIDs: []string{"3"}, Event: "return 1 is processed"}},
		"a return of nothing":     {"returns/process", `{}`, nil},
		"an order":                {"orders/paid", `{"id":1}`, nil},
		"a topic nobody knows":    {"upline/unheard-of", `{"id":1}`, nil},
	} {
		got, err := announce(c.topic, c.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestAnnounceRefuses: a signed body replayed under another topic, which no signature covers, is not that topic's.
func TestAnnounceRefuses(t *testing.T) {
	t.Parallel()
	orderBody := string(fixture(t, "orders_paid_usd_two_lines.json"))
	refundBody := string(fixture(t, "refunds_create_eur.json"))
	for _, c := range []struct{ topic, body, field string }{
		{"app/uninstalled", orderBody, "id"},
		{"app/uninstalled", refundBody, "id"},
		{"app/uninstalled", shopRedact, "id"},
		{"app/uninstalled", `{"id":820982911946154508}`, "currency"},
		{"app/uninstalled", `{}`, "id"},
		{"app/scopes_update", `{"id":1,"previous":[]}`, "current"},
		{"app/scopes_update", `{"current":"read_orders"}`, "current"},
		{"customers/merge", `{"admin_graphql_api_customer_kept_id":"1","admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","status":"completed"}`, "admin_graphql_api_customer_kept_id"},
		{"customers/merge", `{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/2","admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","status":"completed"}`, "admin_graphql_api_customer_kept_id"},
		{"customers/merge", `{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/1","admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/02","status":"completed"}`, "admin_graphql_api_customer_deleted_id"},
		{"customers/merge", `{}`, "status"},
		{"bulk_operations/finish", `{"admin_graphql_api_id":"gid://shopify/Order/1"}`, "admin_graphql_api_id"},
		{"customers/redact", orderBody, "line_items"},
		{"customers/redact", shopRedact, "customer.id"},
		{"customers/redact", `{"customer":{"id":1}}`, "shop_id"},
		{"customers/redact", `{"shop_id":1,"customer":{"id":1,"email":"` + strings.Repeat("x", 321) + `"}}`, "customer"},
		{"customers/redact", `{"shop_id":1,"customer":{"id":1},"orders_to_redact":[` + strings.Repeat("1,", 10_000) + `1]}`, "orders_to_redact"},
		{"customers/data_request", `{"shop_id":"x","customer":{"id":1}}`, "shop_id"},
		{"disputes/create", orderBody, "id"},
		{"disputes/create", refundBody, "id"},
		{"disputes/create", `{"order_id":1,"status":"won"}`, "id"},
		{"disputes/create", `{"id":1,"order_id":1}`, "status"},
		{"disputes/update", `{"id":1,"order_id":"x","status":"won"}`, "order_id"},
		{"returns/process", orderBody, "line_items"},
		{"shop/redact", eraseBody, "customer"},
		{"shop/redact", `{"shop_id":954889}`, "shop_domain"},
		{"shop/redact", `{"shop_domain":"x"}`, "shop_id"},
		{"shop/redact", ``, "$"},
		{"shop/redact", `[]`, "$"},
	} {
		n, err := announce(c.topic, c.body)
		malformed, ok := errors.AsType[*adapters.Malformed](err)
		if !ok || malformed.Field != c.field || n != nil {
			t.Errorf("%s %.60s: %+v, %v, want a fault of %s", c.topic, c.body, n, err, c.field)
		}
		if err != nil && strings.Contains(err.Error(), "example.com") {
			t.Errorf("%s: the error tells whose e-mail it was: %v", c.topic, err)
		}
	}
}

// FuzzAnnounce: whatever comes, it neither panics nor says half of something.
func FuzzAnnounce(f *testing.F) {
	topics := shopify.Topics()
	for i, topic := range topics {
		for _, body := range []string{shopBody, scopesBody, mergeBody, bulkBody, askBody, eraseBody, shopRedact, disputeBody, returnBody} {
			f.Add(i, []byte(body))
		}
		_ = topic
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		topic := topics[(i%len(topics)+len(topics))%len(topics)]
		n, err := shopify.New().Announce(order.Delivery{Topic: topic, Body: body})
		if err != nil {
			if _, ok := errors.AsType[*adapters.Malformed](err); !ok || n != nil {
				t.Fatalf("%+v with %v", n, err)
			}
			return
		}
		if n == nil {
			return
		}
		persons := n.Kind == adapters.CustomerExport || n.Kind == adapters.CustomerErase
		switch {
		case n.Kind == "",
			persons && n.CustomerID == "" && len(n.OrderIDs) == 0,
			!persons && (n.Email != "" || n.Phone != ""),
			n.Kind == adapters.CustomersMerged && (n.CustomerID == "" || n.KeptCustomerID == ""),
			n.Kind == adapters.OrderTouched && (len(n.OrderIDs) != 1 || n.Event == ""),
			n.Kind == adapters.BulkFinished && n.OperationID == "":
			t.Fatalf("%s gives %+v", topic, n)
		}
	})
}
