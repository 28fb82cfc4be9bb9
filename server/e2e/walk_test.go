package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestOneOrder walks one order from its webhook to its explanation.
func TestOneOrder(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		in.mustPost("orders/paid", orderBody(1, orderText{}))
		in.settled()
		if got := in.paid(1); !maps.Equal(got, wanted) {
			t.Errorf("order 1 pays %v, want %v", got, wanted)
		}
		text := in.cli("explain", "#1001")
		for _, part := range []string{"CYD", "BEA", "ADA", "TOP", "20.00", "5%", "TEA"} {
			if !strings.Contains(text, part) {
				t.Errorf("the explanation lacks %q:\n%s", part, text)
			}
		}
		in.mustPost("orders/updated", orderBody(1, orderText{
			status: "partially_refunded", updated: "2026-10-02T09:00:01Z",
			returned: 1, refunds: []string{string(refundBody(1, 1, 1))},
		}))
		in.until("the refund to be explained", func() bool { return strings.Contains(in.cli("explain", "#1001"), "CYD earns 10.00 EUR") })
		deliveries := in.rows("/api/v1/deliveries?")
		if got, first := in.rows("/api/v1/orders?")[0]["received_at"], deliveries[len(deliveries)-1]["received_at"]; got != first {
			t.Errorf("the order was received at %v, its first delivery at %v", got, first)
		}
		p.stop(t)
	})
}

// TestHundredTimesTheSameBody posts one body 100 times at once, with one delivery id, with many, and with none.
func TestHundredTimesTheSameBody(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		body := orderBody(1, orderText{})
		var wg sync.WaitGroup
		for i := range 100 {
			id := []string{"", "one-id", fmt.Sprintf("id-%d", i)}[i%3]
			wg.Go(func() {
				if status, err := in.webhook("orders/paid", id, body); err != nil || status != http.StatusOK {
					t.Errorf("delivery %d: %d %v", i, status, err)
				}
			})
		}
		wg.Wait()
		in.settled()
		if got := in.paid(1); !maps.Equal(got, wanted) {
			t.Errorf("order 1 pays %v, want %v", got, wanted)
		}
		if rows := in.rows("/api/v1/ledger?"); len(rows) != len(wanted) {
			t.Errorf("%d postings, want %d", len(rows), len(wanted))
		}
		p.stop(t)
	})
}

// TestOneEventOnTwoTopics: one action of a merchant comes as two deliveries with one event id. Both are kept, and the one
// that says paid counts, whichever is first.
func TestOneEventOnTwoTopics(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		for n, topics := range [][2]string{{"orders/create", "orders/paid"}, {"orders/paid", "orders/create"}} {
			for _, topic := range topics {
				text := orderText{updated: "2026-10-02T09:00:00Z"}
				if topic == "orders/create" {
					text = orderText{status: "pending", updated: "2026-10-01T09:00:00Z"}
				}
				status, err := in.event(topic, fmt.Sprint(topic, n), fmt.Sprint("event-", n), orderBody(n, text))
				if err != nil || status != http.StatusOK {
					t.Fatalf("%s: %d %v", topic, status, err)
				}
			}
		}
		in.settled()
		for n := range 2 {
			if got := in.paid(n); !maps.Equal(got, wanted) {
				t.Errorf("order %d pays %v, want %v", n, got, wanted)
			}
		}
		if rows := in.rows("/api/v1/deliveries?"); len(rows) != 4 {
			t.Errorf("%d deliveries are kept, want 4", len(rows))
		}
		p.stop(t)
	})
}

// TestRefundsAndCancelInAnyOrder sends the same facts of one order in every order of arrival; the books must agree.
func TestRefundsAndCancelInAnyOrder(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		for n, order := range permutations(4) {
			facts := []struct {
				topic string
				body  []byte
			}{
				{"orders/paid", orderBody(n, orderText{})},
				{"refunds/create", refundBody(n, 1, 1)},
				{"orders/updated", orderBody(n, orderText{
					status: "partially_refunded", updated: "2026-10-02T09:00:01Z",
					returned: 1, refunds: []string{string(refundBody(n, 1, 1))},
				})},
				{"orders/cancelled", orderBody(n, orderText{
					status: "refunded", updated: "2026-10-03T09:00:01Z", cancelled: "2026-10-03T09:00:00Z",
					returned: 2, refunds: []string{string(refundBody(n, 1, 1)), string(refundBody(n, 2, 1))},
				})},
			}
			for _, i := range order {
				in.mustPost(facts[i].topic, facts[i].body)
				if n%2 == 0 {
					in.settled() // every second order is posted one by one, the others as a heap
				}
			}
		}
		in.settled()
		for n := range permutations(4) {
			for who, value := range in.paid(n) {
				if value != "0.00" {
					t.Errorf("order %d still pays %s %s", n, who, value)
				}
			}
		}
		p.stop(t)
		if out := in.cli("verify"); !strings.Contains(out, "sound") {
			t.Errorf("verify says: %s", out)
		}
	})
}

// TestRefusals holds the status codes: the signature is judged first, then the shop, then the size.
func TestRefusals(t *testing.T) {
	t.Parallel()
	in := newInstallation(t, "")
	p := in.serve()
	right := in.secret
	in.secret = "wrong"
	if status, _ := in.webhook("orders/paid", "a", orderBody(1, orderText{})); status != http.StatusUnauthorized {
		t.Errorf("wrong signature: %d, want 401", status)
	}
	in.secret = right
	if status, _ := in.webhook("orders/paid", "b", []byte(`{"id": 12, "line_items": [`)); status != http.StatusOK {
		t.Errorf("malformed body with a valid signature: %d, want 200", status)
	}
	if status, _ := in.webhook("orders/paid", "c", make([]byte, 9<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("9 MB body: %d, want 413", status)
	}
	in.settled()
	rows := in.rows("/api/v1/deliveries?")
	if len(rows) != 1 || rows[0]["status"] != "parked" || rows[0]["result"] != "malformed" {
		t.Errorf("deliveries = %v, want the malformed one, parked", rows)
	}
	p.stop(t)
}

// TestParkedOrderIsReleased parks an order for an unmapped SKU and maps it.
func TestParkedOrderIsReleased(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, databaseURL string) {
		in := newInstallation(t, databaseURL)
		p := in.serve()
		in.mustPost("orders/paid", []byte(strings.ReplaceAll(string(orderBody(1, orderText{})), `"TEA"`, `"NEW"`)))
		in.settledOrParked(1)
		if got := in.paid(1); len(got) != 0 {
			t.Errorf("an order with an unmapped SKU pays %v", got)
		}
		in.post("/api/v1/mappings", `{"data":[{"platform":"shopify","platform_sku":"NEW","commission_class":"a"}]}`)
		in.settledOrders()
		if got := in.paid(1); !maps.Equal(got, wanted) {
			t.Errorf("after mapping, order 1 pays %v, want %v", got, wanted)
		}
		p.stop(t)
	})
}

func (in *installation) mustPost(topic string, body []byte) {
	in.t.Helper()
	if status, err := in.webhook(topic, "", body); err != nil || status != http.StatusOK {
		in.t.Fatalf("%s: %d %v", topic, status, err)
	}
}

// paid is what an order pays, by distributor.
func (in *installation) paid(n int) map[string]string {
	in.t.Helper()
	paid := map[string]string{}
	for _, row := range in.rows(fmt.Sprintf("/api/mlm/commissions?order_id=%d&", orderID(n))) {
		paid[row["referrer_id"].(string)] = row["value"].(string)
	}
	return paid
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			q := append(append(append([]int{}, p[:i]...), n-1), p[i:]...)
			all = append(all, q)
		}
	}
	return all
}

func (in *installation) settledOrParked(want int) {
	in.t.Helper()
	in.until("the orders to arrive", func() bool { return len(in.rows("/api/v1/orders?")) >= want })
	in.settled()
}

// settledOrders waits until no order is parked.
func (in *installation) settledOrders() {
	in.t.Helper()
	in.until("all orders to settle", func() bool { return len(in.rows("/api/v1/orders?settlement=parked&")) == 0 })
}
