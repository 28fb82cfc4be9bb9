package shopify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/adaptertest"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/money"
)

// sign is what Shopify does.
func sign(body, secret []byte) map[string]string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return map[string]string{"X-Shopify-Hmac-Sha256": base64.StdEncoding.EncodeToString(mac.Sum(nil))}
}

// genuine makes a delivery of the suite from a fixture.
func genuine(t testing.TB, all map[string]expectation, name string) adaptertest.Delivery {
	t.Helper()
	want, known := all[name+".json"]
	if !known {
		t.Fatalf("no fixture %s", name)
	}
	return adaptertest.Delivery{
		Name: name, Topic: want.Topic, Body: fixture(t, name+".json"), Kind: want.Kind, PlatformOrderID: want.OrderID, NetMinor: want.Lines,
		Headers: map[string]string{"x-shopify-topic": want.Topic, "x-shopify-triggered-at": "2026-10-09T07:00:02.123456789Z"},
	}
}

func deliveries(t testing.TB, all map[string]expectation, names ...string) []adaptertest.Delivery {
	t.Helper()
	var out []adaptertest.Delivery
	for _, name := range names {
		out = append(out, genuine(t, all, name))
	}
	return out
}

func TestConformance(t *testing.T) {
	t.Parallel()
	all := expectations(t)
	two := "orders_paid_usd_two_lines"
	for _, currency := range []money.Currency{"EUR", "USD", "JPY", "KWD"} {
		t.Run(string(currency), func(t *testing.T) {
			t.Parallel()
			c := adaptertest.Cases{
				Store: store(currency), Sign: sign, Arrivals: arrivals(), Ignored: ignoredTopics(),
				Personal: []string{"Zenobia", "Probekind", "zenobia@probekind.example", "+49 30 5550171", "Erfundener Weg 17", "203.0.113.9"},
			}
			for name, want := range all {
				if want.Currency == currency && want.Malformed == "" {
					c.Deliveries = append(c.Deliveries, genuine(t, all, strings.TrimSuffix(name, ".json")))
				}
			}
			switch currency {
			case "EUR":
				c.Spots = []adaptertest.Spot{{Delivery: genuine(t, all, "orders_paid_eur_tax_included"), Amount: `"amount": "7.50"`, ID: `"id": 7310000000000000001`}}
				c.Converging = []adaptertest.Converging{{
					Name: "paid, refund, updated", NetMinor: all["refunds_create_eur.json"].Lines,
					Deliveries: deliveries(t, all, "orders_paid_eur_tax_included", "refunds_create_eur", "orders_updated_eur_refunded"),
				}, {
					Name: "paid, refund", NetMinor: all["refunds_create_eur.json"].Lines,
					Deliveries: deliveries(t, all, "orders_paid_eur_tax_included", "refunds_create_eur"),
				}}
			case "USD":
				c.Spots = []adaptertest.Spot{{Delivery: genuine(t, all, two), Amount: `"amount": "60.00"`, ID: `"id": 7310000000000000008`}}
				c.Converging = []adaptertest.Converging{{
					Name: "money only", NetMinor: all["refunds_create_usd_money_only.json"].Lines,
					Deliveries: deliveries(t, all, two, "refunds_create_usd_money_only", "orders_updated_usd_money_only", "orders_edited", "refunds_create_usd_shipping_only"),
				}, {
					Name: "cancelled in parts", NetMinor: all["orders_cancelled_usd_partly_refunded.json"].Lines,
					Deliveries: deliveries(t, all, two, "orders_edited", "orders_cancelled_usd_partly_refunded"),
				}, {
					Name: "deleted", NetMinor: all["orders_delete.json"].Lines,
					Deliveries: deliveries(t, all, two, "orders_delete", "refunds_create_usd_discrepancy_only", "orders_cancelled_usd_paid"),
				}}
			default:
				c.Without = map[adaptertest.Group]string{
					adaptertest.Exactness: "checked in EUR and USD", adaptertest.Hostility: "checked in EUR and USD", adaptertest.Convergence: "checked in EUR and USD",
				}
			}
			adaptertest.Run(t, shopify.New(), c)
		})
	}
}

func arrivals() []adaptertest.Arrival {
	head := func(pairs ...string) map[string]string {
		headers := map[string]string{"X-Shopify-Topic": "orders/paid", "x-shopify-shop-domain": "Probe-1.myshopify.com", "X-SHOPIFY-WEBHOOK-ID": "w-1", "X-Shopify-Event-Id": "e-1"}
		for i := 0; i < len(pairs); i += 2 {
			for name := range headers {
				if strings.EqualFold(name, pairs[i]) {
					delete(headers, name)
				}
			}
			headers[pairs[i]] = pairs[i+1]
		}
		return headers
	}
	want := adapters.Envelope{StoreDomain: "probe-1.myshopify.com", Topic: "orders/paid", PlatformDeliveryID: "w-1"}
	unnamed := want
	unnamed.PlatformDeliveryID = ""
	all := []adaptertest.Arrival{
		{Name: "genuine", Headers: head(), Body: []byte("{}"), Want: want},
		{Name: "no webhook id", Headers: head("X-Shopify-Webhook-Id", ""), Body: []byte("{}"), Want: unnamed},
		{Name: "no topic", Headers: head("X-Shopify-Topic", ""), Malformed: "X-Shopify-Topic"},
		{Name: "line feed in the topic", Headers: head("X-Shopify-Topic", "orders/paid\nx"), Malformed: "X-Shopify-Topic"},
		{Name: "long webhook id", Headers: head("X-Shopify-Webhook-Id", strings.Repeat("w", 256)), Malformed: "X-Shopify-Webhook-Id"},
	}
	for _, domain := range []string{
		"", "myshopify.com", ".myshopify.com", "-a.myshopify.com", "a.myshopify.com.evil.example", "evil.example/a.myshopify.com",
		"a.myshopify.com/", "a.myshopify.io", "a.b.myshopify.com", "admin.shopify.com/store/a", "a.myshopify.com\n", "a@b.myshopify.com",
		"ä.myshopify.com", "a.myshopify.com:443", "amyshopify.com", strings.Repeat("a", 300) + ".myshopify.com",
	} {
		all = append(all, adaptertest.Arrival{Name: "domain " + domain[:min(len(domain), 40)], Headers: head("X-Shopify-Shop-Domain", domain), Malformed: "X-Shopify-Shop-Domain"})
	}
	return all
}

func ignoredTopics() []string {
	return []string{
		"order_transactions/create", "returns/process", "returns/update", "disputes/create", "disputes/update", "customers/update",
		"customers/merge", "customers/data_request", "customers/redact", "shop/redact", "app/uninstalled", "app/scopes_update",
		"bulk_operations/finish", "products/update", "draft_orders/create", "orders/risk_assessment_changed",
	}
}
