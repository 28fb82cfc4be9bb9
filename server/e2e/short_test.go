package e2e_test

import (
	"fmt"
	"maps"
	"testing"
)

// TestShortFormAddsUp posts two lines of one order one by one, in both orders of arrival, corrects one of them, and then
// lets the shop's own webhook tell the order: its facts win.
func TestShortFormAddsUp(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		line := `{"shopify_order_id":%d,"sku":%q,"customer_id":"7","referrer_id":"CYD","amount":%q,"order_ts":"2026-10-01T10:00:00Z","updated_at":%q}`
		first, again, late := "2026-10-01T10:00:00Z", "2026-10-01T11:00:00Z", "2026-10-01T09:00:00Z"
		for n, facts := range [][][3]string{
			{{"TEA", "80.00", first}, {"SERUM", "40.00", first}, {"TEA", "60.00", again}, {"TEA", "1.00", late}},
			{{"TEA", "60.00", again}, {"TEA", "1.00", late}, {"SERUM", "40.00", first}, {"TEA", "80.00", first}},
		} {
			for _, f := range facts {
				in.post("/api/mlm/orders", fmt.Sprintf(line, orderID(n), f[0], f[1], f[2]))
				if n == 0 {
					in.settled()
				}
			}
		}
		in.settled()
		for n := range 2 {
			got := map[string]string{}
			for _, row := range in.rows(fmt.Sprintf("/api/mlm/commissions?order_id=%d&", orderID(n))) {
				if row["referrer_id"] == "CYD" {
					got[row["sku"].(string)] = row["value"].(string)
				}
			}
			if want := map[string]string{"TEA": "12.00", "SERUM": "8.00"}; !maps.Equal(got, want) {
				t.Errorf("order %d pays its seller %v, want %v", n, got, want)
			}
		}
		in.mustPost("orders/paid", orderBody(1, orderText{}))
		in.post("/api/mlm/orders", fmt.Sprintf(line, orderID(1), "SERUM", "900.00", "2026-12-01T10:00:00Z"))
		in.settled()
		got := map[string]string{}
		for _, row := range in.rows(fmt.Sprintf("/api/mlm/commissions?order_id=%d&", orderID(1))) {
			if row["status"] != "REVERSED" {
				got[row["referrer_id"].(string)] = row["value"].(string)
			}
		}
		if !maps.Equal(got, wanted) {
			t.Errorf("told by its shop, the order pays %v, want %v", got, wanted)
		}
		p.stop(t)
	})
}
