package httpapi_test

import (
	"bytes"
	"net/http"
	"os"
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

// magentoStore connects a Magento store of a company, with the SKUs of the recorded orders. Its secret is wooSecret too: what a
// store's secret opens is decided by the store in the address.
func magentoStore(t testing.TB, c *company) string {
	t.Helper()
	_, _, err := c.admin.CreateStore(t.Context(), admin.Store{
		StoreID: "magento", ProgramID: c.program, Platform: order.Magento, Domain: "https://shop.example.com", Currency: "USD",
	}, wooSecret)
	fatal(t, err)
	for _, sku := range []string{"SIMPLE-A", "SIMPLE-B", "TEE-M", "BUN-FIX", "VIRT-1"} {
		c.want(http.StatusOK, c.post("/api/v1/mappings", `{"data":[{"platform":"magento","platform_sku":"`+sku+`","commission_class":"nutrition","name":"`+sku+`"}]}`))
	}
	return c.url + "/webhooks/magento/magento"
}

// TestMagentoDoor walks one recorded order of every product type: after each delivery the ledger is what the order then deserves.
func TestMagentoDoor(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	door := magentoStore(t, c)
	tell := func(name, event string, edits ...string) {
		t.Helper()
		body, err := os.ReadFile("../../adapters/magento/testdata/module/" + name + ".json")
		fatal(t, err)
		body = bytes.ReplaceAll(body, []byte(`"ref": "ana"`), []byte(`"ref": "anna1001"`))
		for i := 0; i < len(edits); i += 2 {
			body = bytes.Replace(body, []byte(edits[i]), []byte(edits[i+1]), 1)
		}
		for range 2 { // Every delivery comes twice.
			c.want(http.StatusOK, send(t, http.MethodPost, door, bytes.NewReader(body), pluginHeader(event, time.Now(), body, wooSecret)))
		}
	}
	for _, step := range []struct{ name, event, id, net, who string }{
		{"placed", "e1", "2", "0.00", ""},
		{"invoiced_in_part", "e2", "2", "0.00", ""}, // The plan pays on nothing before the order is paid in full.
		{"invoiced_and_refunded", "e4", "2", "459.00", "ANNA"},
		{"rest_cancelled", "e5", "2", "117.00", "ANNA"}, // What is invoiced, 144.00, less the refund of 27.00 told before.
		{"placed", "e1", "2", "117.00", "ANNA"},         // An old one comes late.
		{"cancelled", "e6", "3", "0.00", ""},
		{"deleted", "e7", "3", "0.00", ""},
	} {
		tell(step.name, step.event)
		c.soon(func() bool { return len(c.rowsOf("/api/v1/deliveries?status=waiting", c.readKey)) == 0 })
		o := c.decided("magento/" + step.id)
		if net, _ := o["net"].(string); net != step.net {
			t.Errorf("after %s the net is %v, want %s: %v", step.name, o["net"], step.net, o)
		}
		if step.who != "" && o["distributor_id"] != step.who {
			t.Errorf("after %s it is the order of %v, want %s", step.name, o["distributor_id"], step.who)
		}
	}
}
