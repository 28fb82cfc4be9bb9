package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// client sends as a platform does.
var client = &http.Client{
	Timeout:   5 * time.Second, // after which Shopify takes a delivery as failed
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
}

const shopDomain = "chaos-shop.myshopify.com"

// delivery is one webhook: a state of an order.
type delivery struct {
	id   string
	body []byte
}

// sale is one order with all that happens to it. Every state of it is told in full.
type sale struct {
	n        int
	price    int // of one unit, in whole euros, so that no share needs rounding
	returned int // units sent back in the end, of two
	told     []delivery
}

// traffic says how a phase's orders are told.
type traffic struct {
	workers int
	repeats float64 // share of deliveries sent again although they were acknowledged
	shuffle float64 // share of orders whose states are told in any order
	pause   time.Duration
}

var usual = traffic{workers: 10, repeats: 0.3, shuffle: 0.3, pause: 20 * time.Millisecond}

func orderID(n int) int64 { return 6_300_000_000_000_000_000 + int64(n) }

// newSale makes the n-th order: two units, of which some come back.
func newSale(n int, t traffic) *sale {
	s := &sale{n: n, price: 10 + n%40}
	s.returned = []int{0, 0, 0, 0, 0, 1, 1, 2, 2, 2}[rand.IntN(10)] //nolint:gosec // nobody guesses it
	for state := 0; state <= s.returned; state++ {
		s.told = append(s.told, delivery{id: fmt.Sprintf("chaos-%d-%d", n, state), body: s.body(state)})
	}
	if rand.Float64() < t.shuffle { //nolint:gosec // nobody guesses it
		rand.Shuffle(len(s.told), func(i, j int) { s.told[i], s.told[j] = s.told[j], s.told[i] })
	}
	return s
}

// body is the order after so many units came back, as Shopify tells it.
func (s *sale) body(returned int) []byte {
	id, line := orderID(s.n), orderID(s.n)+1_000_000_000_000
	refunds := make([]string, returned)
	for i := range refunds {
		refunds[i] = fmt.Sprintf(`{"id":%d,"order_id":%d,"created_at":"2026-10-02T09:00:00Z","processed_at":"2026-10-02T09:00:00Z",
"order_adjustments":[],"refund_shipping_lines":[],"transactions":[],"refund_line_items":[{"id":%d,"line_item_id":%d,"quantity":1,"subtotal":%d.00,"total_tax":0}]}`,
			id+int64(i+1)*10_000_000, id, id+int64(i+1)*20_000_000, line, s.price)
	}
	status := []string{"paid", "partially_refunded", "refunded"}[returned]
	return fmt.Appendf(nil, `{"id":%d,"name":"#%d","created_at":"2026-10-01T10:00:00Z","processed_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-0%dT10:00:01Z",
"cancelled_at":null,"test":false,"currency":"EUR","taxes_included":false,"financial_status":%q,"note_attributes":[{"name":"upline_ref","value":"CYD"}],
"discount_codes":[],"discount_applications":[],"customer":{"id":900000%d},"refunds":[%s],"current_subtotal_price":"%d.00",
"line_items":[{"id":%d,"sku":"TEA","quantity":2,"current_quantity":%d,"gift_card":false,"price":"%d.00","discount_allocations":[],"tax_lines":[]}]}`,
		id, 1000+s.n, 1+returned, status, s.n, strings.Join(refunds, ","), s.price*(2-returned), line, 2-returned, s.price)
}

// shares are what the plan pays of a hundredth of the net: 20 % to the seller and 5, 3 and 1 % to those above.
var shares = map[string]int64{"CYD": 20, "BEA": 5, "ADA": 3, "TOP": 1}

// due is what the order has to pay in the end, in cents by person: computed here, with nothing of the product.
func (s *sale) due() map[string]int64 {
	net := int64(s.price * (2 - s.returned))
	pay := map[string]int64{}
	for who, share := range shares {
		if net > 0 {
			pay[who] = net * share // euros times hundredths are cents
		}
	}
	return pay
}

// phase is what was sent while one fault was on.
type phase struct {
	sent   atomic.Int64 // requests
	acked  atomic.Int64 // deliveries whose first 2xx came
	failed atomic.Int64 // requests that were not answered with a 2xx

	mu      sync.Mutex
	sales   []*sale
	ids     []string // acknowledged deliveries
	refused map[int]int
	slowest time.Duration // of an acknowledged request
}

// load sends orders until stop is closed. Those under way are told to their end, as a platform does.
func (w *world) load(ctx context.Context, t traffic, stop <-chan struct{}) (p *phase, wait func()) {
	p = &phase{refused: map[int]int{}}
	var senders sync.WaitGroup
	for range t.workers {
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-ctx.Done():
					return
				case <-time.After(t.pause):
				}
				s := newSale(int(w.orders.Add(1)), t)
				for _, d := range s.told {
					w.tell(ctx, p, d)
					if rand.Float64() < t.repeats { //nolint:gosec // nobody guesses it
						w.post(ctx, p, d)
					}
				}
				p.mu.Lock()
				p.sales = append(p.sales, s)
				p.mu.Unlock()
			}
		})
	}
	return p, senders.Wait
}

// tell sends a delivery until it is acknowledged, to whichever process can be reached.
func (w *world) tell(ctx context.Context, p *phase, d delivery) {
	for wait := 50 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, time.Second) {
		if w.post(ctx, p, d) {
			p.acked.Add(1)
			p.mu.Lock()
			p.ids = append(p.ids, d.id)
			p.mu.Unlock()
			return
		}
		time.Sleep(wait)
	}
}

// post sends a delivery once.
func (w *world) post(ctx context.Context, p *phase, d delivery) (acked bool) {
	p.sent.Add(1)
	begin := time.Now()
	status := w.knock(ctx, d)
	if status/100 == 2 {
		took := time.Since(begin)
		p.mu.Lock()
		p.slowest = max(p.slowest, took)
		p.mu.Unlock()
		return true
	}
	p.failed.Add(1)
	p.mu.Lock()
	p.refused[status]++
	p.mu.Unlock()
	return false
}

// knock gives the status, 0 where there was no answer.
func (w *world) knock(ctx context.Context, d delivery) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.door()+"/webhooks/shopify", bytes.NewReader(d.body))
	if err != nil {
		return 0
	}
	mac := hmac.New(sha256.New, []byte(w.secret))
	mac.Write(d.body)
	request.Header.Set("X-Shopify-Topic", "orders/updated")
	request.Header.Set("X-Shopify-Shop-Domain", shopDomain)
	request.Header.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-Shopify-Webhook-Id", d.id)
	answer, err := client.Do(request)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return 0
	}
	return answer.StatusCode
}
