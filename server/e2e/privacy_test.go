package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func personBody(list string, n int, more string) []byte {
	return fmt.Appendf(nil, `{"shop_id":548380009,"shop_domain":%q,"customer":{"id":900000%d,"email":"jo@example.com","phone":null},%q:[%d]%s}`,
		shopDomain, n, list, orderID(n), more)
}

// notice sends a delivery that is about no order; it must be taken.
func (in *installation) notice(topic, id string, body []byte) {
	in.t.Helper()
	if status, err := in.webhook(topic, id, body); err != nil || status != http.StatusOK {
		in.t.Fatalf("%s: %d %v", topic, status, err)
	}
}

// doneRequest waits until the newest request of a kind is done.
func (in *installation) doneRequest(kind string) (request map[string]any) {
	in.t.Helper()
	in.until("the "+kind+" to be done", func() bool {
		for _, r := range in.rows("/api/v1/privacy/requests?") {
			if r["kind"] == kind {
				request = r
				return r["status"] == "done"
			}
		}
		return false
	})
	return request
}

// TestPrivacyStory: a person asks what is kept, and to be forgotten; the shop goes, and everything personal with it. The
// books stay what they were, through a kill -9 on the way.
func TestPrivacyStory(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		in.mustPost("orders/paid", orderBody(1, orderText{}))
		in.mustPost("orders/paid", orderBody(2, orderText{}))
		in.settled()
		ledger := in.rows("/api/v1/ledger?")

		in.notice("customers/data_request", "ask-1", personBody("orders_requested", 1, `,"data_request":{"id":9999}`))
		in.notice("customers/data_request", "ask-2", personBody("orders_requested", 1, `,"data_request":{"id":9999}`))
		request := in.doneRequest("customer_export")
		if requests := in.rows("/api/v1/privacy/requests?"); len(requests) != 1 {
			t.Errorf("one request asked twice is %v", requests)
		}
		id := fmt.Sprint(request["request_id"])
		status, file, err := in.get("/api/v1/privacy/requests/" + id + "/export?format=json")
		if err != nil || status != http.StatusOK || !strings.Contains(string(file), "9000001") || strings.Contains(string(file), "9000002") {
			t.Fatalf("the export: %d %v %s", status, err, file)
		}
		out := filepath.Join(in.dir, "export.csv")
		in.cli("privacy", "download", id, "--format", "csv", "--out", out)
		if table, err := os.ReadFile(out); err != nil || strings.Count(string(table), "\n") != 2 {
			t.Errorf("the table: %v %s", err, table)
		}

		in.notice("customers/redact", "redact-1", personBody("orders_to_redact", 1, ""))
		p.end(os.Kill) // right after it was answered
		p = in.serve()
		erased := in.doneRequest("customer_erase")
		if counts, _ := erased["counts"].(map[string]any); counts["orders"] != 1.0 { // The rest may have been erased before the kill.
			t.Errorf("erased: %v", counts)
		}
		in.checkBodies(1, http.StatusNotFound)
		in.checkBodies(2, http.StatusOK)
		if kept := fmt.Sprint(in.rows("/api/v1/customers/bindings?")); strings.Contains(kept, "9000001") || !strings.Contains(kept, "9000002") {
			t.Errorf("after one customer was forgotten: %s", kept)
		}
		if status, _, _ := in.get("/api/v1/privacy/requests/" + id + "/export"); status != http.StatusNotFound {
			t.Errorf("the export after the erasure: %d", status)
		}
		if got := in.paid(1); !maps.Equal(got, wanted) {
			t.Errorf("order 1 pays %v after its buyer was forgotten", got)
		}

		in.notice("app/uninstalled", "gone", []byte(`{"id":548380009,"currency":"EUR","myshopify_domain":"`+shopDomain+`"}`))
		in.notice("shop/redact", "shop", fmt.Appendf(nil, `{"shop_id":548380009,"shop_domain":%q}`, shopDomain))
		in.doneRequest("store_erase")
		if rows := in.rows("/api/v1/customers/bindings?"); len(rows) != 0 {
			t.Errorf("bindings of a store that is gone: %v", rows)
		}
		if after := in.rows("/api/v1/ledger?"); fmt.Sprint(after) != fmt.Sprint(ledger) {
			t.Errorf("the ledger was\n%v\nand is\n%v", ledger, after)
		}
		if in.rows("/api/v1/orders?settlement=parked&") != nil {
			t.Error("an order is parked")
		}
		p.stop(t)
		if text := in.cli("verify"); !strings.Contains(text, ": sound (") {
			t.Errorf("verify says: %s", text)
		}
		in.checkPrivacyList(t)
	})
}

// checkBodies: whether the bodies of an order's deliveries are still kept.
func (in *installation) checkBodies(n, want int) {
	in.t.Helper()
	deliveries := in.rows(fmt.Sprintf("/api/v1/deliveries?order_id=shop/%d&", orderID(n)))
	if len(deliveries) == 0 {
		in.t.Errorf("no delivery of order %d", n)
	}
	for _, d := range deliveries {
		if status, _, err := in.get(fmt.Sprintf("/api/v1/deliveries/%v/body", d["delivery_id"])); err != nil || status != want {
			in.t.Errorf("a body of order %d: %d, %v; want %d", n, status, err, want)
		}
	}
}

// checkPrivacyList: the command line tells the same, with the deadline and nothing personal.
func (in *installation) checkPrivacyList(t *testing.T) {
	t.Helper()
	text := in.cli("privacy", "list")
	due := func(received time.Time) string { return received.UTC().Add(30 * 24 * time.Hour).Format(time.DateOnly) }
	for _, part := range []string{"customer_export", "customer_erase", "store_erase", "9000001", "done"} {
		if !strings.Contains(text, part) {
			t.Errorf("the list lacks %q:\n%s", part, text)
		}
	}
	if now := time.Now(); !strings.Contains(text, due(now)) && !strings.Contains(text, due(now.Add(-time.Hour))) { // asked before midnight
		t.Errorf("the list lacks the deadline, %s:\n%s", due(now), text)
	}
	if strings.Contains(text, "jo@example.com") {
		t.Errorf("the list tells an e-mail address:\n%s", text)
	}
	var open []map[string]any
	if err := json.Unmarshal([]byte(in.cli("privacy", "list", "--open", "--json")), &open); err != nil || len(open) != 0 {
		t.Errorf("still open: %v %v", open, err)
	}
}

// TestNoticesOfTheShop: merged customers keep whose they are, other scopes and bulk results are taken, and what cannot be
// read waits for a person.
func TestNoticesOfTheShop(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		in.cli("admin", "customer", "bind", "shop", "2", "BEA", "--kind", "sponsor")
		merge := `{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/1","admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","status":"completed"}`
		for i := range 3 {
			in.notice("customers/merge", fmt.Sprint("merge-", i), []byte(merge))
		}
		in.notice("app/scopes_update", "scopes", []byte(`{"id":1,"previous":[],"current":["read_orders"],"updated_at":"2026-06-25T00:00:00Z"}`))
		in.notice("bulk_operations/finish", "bulk", []byte(`{"admin_graphql_api_id":"gid://shopify/BulkOperation/1","status":"completed"}`))
		in.notice("customers/redact", "bad", []byte(`{"shop_id":1}`))
		in.notice("carts/update", "other", []byte(`{"id":"x"}`))
		in.settled()
		results := map[string]int{}
		for _, d := range in.rows("/api/v1/deliveries?") {
			results[fmt.Sprint(d["topic"], " ", d["result"])]++
		}
		want := map[string]int{
			"customers/merge acted": 3, "app/scopes_update acted": 1, "bulk_operations/finish acted": 1,
			"customers/redact malformed": 1, "carts/update ignored": 1,
		}
		if !maps.Equal(results, want) {
			t.Errorf("%v, want %v", results, want)
		}
		rows := in.rows("/api/v1/customers/bindings?customer_id=1&")
		if len(rows) != 1 || rows[0]["distributor_id"] != "BEA" {
			t.Errorf("the customer that is kept: %v", rows)
		}
		p.stop(t)
	})
}
