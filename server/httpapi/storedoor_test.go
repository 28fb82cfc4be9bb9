package httpapi_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

const wooSecret = "ups_woo"

// wooStore connects a WooCommerce store of a company, with its people and the SKU of the recorded orders.
func wooStore(t testing.TB, c *company) string {
	t.Helper()
	_, _, err := c.admin.CreateStore(t.Context(), admin.Store{
		StoreID: "woo", ProgramID: c.program, Platform: order.WooCommerce, Domain: "shop.example.com", Currency: "USD",
	}, wooSecret)
	fatal(t, err)
	c.mapTea()
	return c.url + "/webhooks/woocommerce/woo"
}

// snapshotBody is a plugin's snapshot of one paid order of two units.
func snapshotBody(site string, sequence int, refunds string) []byte {
	return fmt.Appendf(nil, `{"type":"order.snapshot","version":1,"sequence":%d,"site":%q,"platform":"woocommerce",
		"store":{"currency":"USD","decimals":2},
		"order":{"id":"20","number":"20","currency":"USD","status":"processing","paid":true,"created_at":"2026-11-21T00:02:39Z",
		"customer":{"id":"2","country":"US"},"total":"71.21","total_tax":"5.42","coupons":[{"code":"anna1001"}],"fees":[],
		"shipping":[{"total":"5.99","tax":"0.49"}],"refunds":[%s],
		"lines":[{"id":"1","sku":"TEA-001","quantity":"2","subtotal":"59.80","total":"59.80","tax":"4.93"}]}}`, sequence, site, refunds)
}

// pluginHeader signs as the plugin does.
func pluginHeader(id string, at time.Time, body []byte, secret string) map[string]string {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	return map[string]string{
		"Content-Type": "application/json", adapters.HeaderWebhookID: id, adapters.HeaderWebhookTimestamp: timestamp,
		adapters.HeaderWebhookSignature: adapters.SignStandard(id, timestamp, body, []byte(secret)),
	}
}

func TestPluginDoor(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	door := wooStore(t, c)
	other := strings.TrimSuffix(door, "woo")
	good := snapshotBody("https://shop.example.com/", 1, "")
	copied := snapshotBody("https://staging.example.com", 1, "")
	now := time.Now()
	cases := []struct {
		name   string
		url    string
		body   []byte
		header map[string]string
		want   int
		field  string
	}{
		{"wrong secret", door, good, pluginHeader("e1", now, good, "ups_other"), 401, ""},
		{"unknown store", other + "nobody", good, pluginHeader("e1", now, good, wooSecret), 401, ""},
		{"a store of another platform", other + "alpha-till", good, pluginHeader("e1", now, good, wooSecret), 401, ""},
		{"no signature", door, good, nil, 401, ""},
		{"clock an hour behind", door, good, pluginHeader("e1", now.Add(-time.Hour), good, wooSecret), 401, "webhook-timestamp"},
		{"clock an hour ahead", door, good, pluginHeader("e1", now.Add(time.Hour), good, wooSecret), 401, "webhook-timestamp"},
		{"a staging copy", door, copied, pluginHeader("e1", now, copied, wooSecret), 403, "site"},
		{"no site", door, []byte(`{"type":"order.snapshot"}`), pluginHeader("e1", now, []byte(`{"type":"order.snapshot"}`), wooSecret), 422, "site"},
		{"an id that is none", door, good, pluginHeader("e 1", now, good, wooSecret), 422, "webhook-id"},
		{"good", door, good, pluginHeader("e1", now, good, wooSecret), 200, ""},
		{"the same again, four minutes later", door, good, pluginHeader("e1", now.Add(4*time.Minute), good, wooSecret), 200, ""},
	}
	for _, tc := range cases {
		got := send(t, http.MethodPost, tc.url, bytes.NewReader(tc.body), tc.header)
		if got.status != tc.want {
			t.Fatalf("%s: %d %s, want %d", tc.name, got.status, got.body, tc.want)
		}
		if tc.want == http.StatusOK {
			continue
		}
		if p := got.problem(t); p.Field != tc.field || strings.Contains(string(got.body), "server_time") != (tc.field == "webhook-timestamp") {
			t.Errorf("%s: %s", tc.name, got.body)
		}
	}
	if o := c.decided("woo/20"); o["net"] != "59.80" || o["distributor_id"] != "ANNA" {
		t.Errorf("the order is %v, want 59.80 of ANNA", o)
	}
	if rows := c.rowsOf("/api/v1/deliveries", c.readKey); len(rows) != 1 {
		t.Errorf("%d deliveries are stored, want the one", len(rows))
	}
}

// snapshotOf is a snapshot with the id of its event and an order of its own.
func snapshotOf(event, orderID string) string {
	text := strings.Replace(string(snapshotBody("https://shop.example.com/", 1, "")), `"sequence":1`, `"event_id":"`+event+`","sequence":1`, 1)
	return strings.Replace(text, `"id":"20"`, `"id":"`+orderID+`"`, 1)
}

// TestBatchDoor: a queue that waited is told in few requests, and each snapshot counts as if it had been told alone.
func TestBatchDoor(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	door := wooStore(t, c)
	post := func(site, events string) reply {
		body := fmt.Appendf(nil, `{"type":"order.batch","version":1,"site":%q,"events":[%s]}`, site, events)
		return send(t, http.MethodPost, door, bytes.NewReader(body), pluginHeader("msg_1", time.Now(), body, wooSecret))
	}
	const site = "https://shop.example.com"
	one, two := snapshotOf("evt_1", "20"), snapshotOf("evt_2", "21")
	elsewhere := strings.Replace(one, "shop.example.com", "other.example.com", 1)
	for _, tc := range []struct {
		name, site, events, field string
		want                      int
	}{
		{"from a copy", "https://staging.example.com", one, "site", 403},
		{"empty", site, "", "events", 422},
		{"too many", site, strings.TrimSuffix(strings.Repeat(one+",", 101), ","), "events", 422},
		{"one without an id", site, one + "," + string(snapshotBody(site, 1, "")), "events[1].event_id", 422},
		{"one of another site", site, two + "," + elsewhere, "events[1].site", 422},
		{"a call among them", site, `{"event_id":"e","type":"rotate"}`, "events[0].type", 422},
		{"no object", site, `7`, "events[0]", 422},
	} {
		if got := post(tc.site, tc.events); got.status != tc.want || got.problem(t).Field != tc.field {
			t.Errorf("%s: %d %s, want %d at %s", tc.name, got.status, got.body, tc.want, tc.field)
		}
	}
	if rows := c.rowsOf("/api/v1/deliveries", c.readKey); len(rows) != 0 {
		t.Fatalf("%d deliveries of refused batches are stored", len(rows))
	}
	for range 2 {
		if got := post(site, one+","+two); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	if got := send(t, http.MethodPost, door, strings.NewReader(one), pluginHeader("evt_1", time.Now(), []byte(one), wooSecret)); got.status != http.StatusOK {
		t.Fatalf("alone after the batch: %d %s", got.status, got.body)
	}
	for _, id := range []string{"woo/20", "woo/21"} {
		if o := c.decided(id); o["net"] != "59.80" {
			t.Errorf("order %s is %v, want 59.80", id, o)
		}
	}
	if rows := c.rowsOf("/api/v1/deliveries", c.readKey); len(rows) != 2 {
		t.Errorf("%d deliveries are stored, want one for each order", len(rows))
	}
}

// TestWooCommerceDoor: a store without the plugin. Bodies and signatures are recorded ones.
func TestWooCommerceDoor(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	door := wooStore(t, c)
	ping := send(t, http.MethodPost, door, strings.NewReader("webhook_id=7"), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
	if ping.status != http.StatusOK || len(c.rowsOf("/api/v1/deliveries", c.readKey)) != 0 {
		t.Errorf("WooCommerce's trial: %d %s, want 200 and nothing stored", ping.status, ping.body)
	}
	body := recordedOrder(t)
	header := map[string]string{"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": sign(body, wooSecret), "X-WC-Webhook-Delivery-ID": "d"}
	for range 2 {
		c.want(http.StatusOK, send(t, http.MethodPost, door, bytes.NewReader(body), header))
	}
	if o := c.decided("woo/20"); o["net"] != "59.80" {
		t.Errorf("the order is %v, want 59.80", o)
	}
	if rows := c.rowsOf("/api/v1/deliveries", c.readKey); len(rows) != 1 {
		t.Errorf("%d deliveries are stored, want the one", len(rows))
	}
	altered := bytes.Replace(body, []byte("59.80"), []byte("99.80"), 1)
	c.want(http.StatusUnauthorized, send(t, http.MethodPost, door, bytes.NewReader(altered), header))
	for _, path := range []string{door + "/", strings.TrimSuffix(door, "/woo")} {
		if got := send(t, http.MethodPost, path, bytes.NewReader(body), header); got.status/100 == 3 || got.status/100 == 2 {
			t.Errorf("%s: %d: a redirect counts as success at the store, and loses the delivery", path, got.status)
		}
	}
}

// recordedOrder is the completed order of the recordings.
func recordedOrder(t testing.TB) []byte {
	t.Helper()
	names, err := os.ReadDir("../../adapters/woocommerce/testdata/wc-10.9.1/03-completed")
	fatal(t, err)
	for _, name := range names {
		if strings.HasSuffix(name.Name(), ".body.json") {
			body, err := os.ReadFile("../../adapters/woocommerce/testdata/wc-10.9.1/03-completed/" + name.Name())
			fatal(t, err)
			return body
		}
	}
	t.Fatal("no recording of a completed order")
	return nil
}
