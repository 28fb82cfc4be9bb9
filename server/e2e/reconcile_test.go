package e2e_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters/shopify/shopifytest"
)

// TestLostOrdersAreFound: webhooks of a connected shop never come. The server finds the orders by itself and pays them; what
// is lost later is shown, and mended, by command.
func TestLostOrdersAreFound(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		e := openEmbedded(t, databaseURL)
		api := shopifytest.NewAdmin()
		e.fake.ServeAdmin(api)
		changed := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
		tell := func(n int, o orderText) {
			t.Helper()
			changed = changed.Add(time.Second) // the shop tells versions by the second: two of one order have to differ
			o.updated = changed.Format(time.RFC3339)
			object, err := shopifytest.FromWebhook(orderBody(n, o))
			if err != nil {
				t.Fatal(err)
			}
			api.PutOrder(object)
		}
		api.PutVariants(shopifytest.Object{
			"id": "gid://shopify/ProductVariant/5", "sku": "CUP", "title": "Default Title", "price": "9.00",
			"inventoryItem": shopifytest.Object{"id": "gid://shopify/InventoryItem/5", "tracked": false},
			"product":       shopifytest.Object{"id": "gid://shopify/Product/5", "title": "Cup", "productType": "Home", "status": "ACTIVE"},
		})
		tell(1, orderText{})
		tell(2, orderText{})
		p := e.serve()
		e.shop.Install()
		e.opened()
		for n := 1; n <= 2; n++ {
			e.until(fmt.Sprintf("order %d to be found", n), func() bool { return maps.Equal(e.paid(n), wanted) })
		}
		e.until("the runs to say so", func() bool { // a new store's past is read in parts
			var mended float64
			for _, run := range e.rows("/api/v1/reconciliation?") {
				mended += run["counts"].(map[string]any)["mended"].(float64)
				if run["scheduled"] != true || run["mend"] != true {
					t.Errorf("run: %v", run)
				}
			}
			return mended == 2
		})
		tell(2, orderText{status: "refunded", returned: 2, refunds: []string{string(refundBody(2, 1, 2))}})
		tell(3, orderText{})
		large := append(orderBody(3, orderText{}), bytes.Repeat([]byte(" "), 8<<20)...)
		if status, err := e.webhook("orders/paid", "", large); err != nil || status != http.StatusRequestEntityTooLarge {
			t.Errorf("a body of more than 8 MB: %d, %v", status, err)
		}
		shown := e.cli("reconcile")
		for _, part := range []string{"3 orders read, 1 in step", "missing 1, outdated 1, differing 0", "by our books 200.00, difference 0.00 EUR", "Nothing was changed"} {
			if !strings.Contains(shown, part) {
				t.Errorf("reconcile does not say %q:\n%s", part, shown)
			}
		}
		if got := e.paid(2); !maps.Equal(got, wanted) {
			t.Errorf("looking changed order 2: %v", got)
		}
		if out := e.cli("reconcile", "--mend", "--json"); !strings.Contains(out, `"mended": 2`) {
			t.Errorf("mending says:\n%s", out)
		}
		e.until("order 3 to be mended", func() bool { return maps.Equal(e.paid(3), wanted) })
		e.until("order 2 to be reversed", func() bool {
			for _, amount := range e.paid(2) {
				if amount != "0.00" {
					return false
				}
			}
			return true
		})
		if out := e.cli("reconcile"); !strings.Contains(out, "3 orders read, 3 in step") || !strings.Contains(out, "difference 0.00 EUR") {
			t.Errorf("after mending:\n%s", out)
		}
		e.cli("verify")
		if out := e.cli("sync", "products", "--store", "shop"); out != "platform,platform_sku,name,category,commission_class\nshopify,CUP,Cup,Home,\n" {
			t.Errorf("products:\n%s", out)
		}
		if out := e.cli("sync", "codes", "--store", "shop", "--json"); !strings.Contains(out, `"codes": `) || len(api.Codes()) != 0 {
			t.Errorf("codes, looked at: %s; the shop has %v", out, api.Codes())
		}
		p.stop(t)
		e.keptSecret(p)
	})
}
