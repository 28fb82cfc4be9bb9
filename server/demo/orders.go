package demo

import (
	"encoding/json"
	"fmt"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
)

// sale is one order as the generator thinks of it.
type sale struct {
	number   int
	store    admin.Store
	at       time.Time
	seller   *admin.DistributorSpec // nil: nobody's
	how      string                 // "code", "cart", "landing"
	ref      string                 // what the buyer brought; differs from the seller's codes where it is mistyped
	customer int64
	items    []item
	discount int64 // minor units over all items, by code
	status   string
	refund   bool
}

type item struct {
	product  product
	quantity int64
}

// Deliveries gives every delivery of the three months in the order of time: orders as their platforms send them, then
// for some of them the refund or the cancellation.
func (c *Company) Deliveries(yield func(order.Delivery) error) error {
	span := Last.Sub(First)
	for n := range orderCount {
		at := First.Add(span * time.Duration(n) / orderCount).Add(time.Duration(c.rng.IntN(1200)) * time.Second)
		s := c.makeSale(n, at)
		for _, d := range s.deliveries() {
			if err := yield(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Company) makeSale(n int, at time.Time) sale {
	s := sale{
		number: 1001 + n, store: c.Stores[[]int{0, 0, 0, 0, 1, 1, 1, 2, 2, 3}[c.rng.IntN(10)]], at: at.Truncate(time.Second),
		customer: 7_000_000_000 + int64(c.rng.IntN(1400)), status: "paid", how: []string{"code", "cart", "landing"}[c.rng.IntN(3)],
	}
	if c.rng.IntN(100) < 92 {
		s.seller = &c.People[min(c.rng.IntN(peopleCount), c.rng.IntN(peopleCount))]
		s.ref = s.seller.Codes[0]
	}
	for range 1 + c.rng.IntN(3) {
		s.items = append(s.items, item{product: c.products[c.rng.IntN(skuCount)], quantity: 1 + int64(c.rng.IntN(3))})
	}
	switch roll := c.rng.IntN(1000); {
	case roll < 45:
		s.refund = true
	case roll < 60:
		s.status = "pending"
	case roll < 66: // a new product nobody has mapped yet
		s.items[0].product = product{sku: "MASK-NEW-01", name: "Mask (new)", class: "", price: s.items[0].product.price}
	case roll < 69 && s.seller != nil: // a mistyped reference in the cart
		s.how, s.ref = "cart", s.ref+"X"
	}
	if s.how == "code" && s.seller != nil && s.store.Platform == order.Shopify {
		s.discount = s.total() / 10
	}
	return s
}

func (s sale) total() int64 {
	var sum int64
	for _, it := range s.items {
		sum += it.quantity * it.product.price[s.store.Currency]
	}
	return sum
}

func (s sale) deliveries() []order.Delivery {
	if s.store.Platform != order.Shopify {
		return []order.Delivery{s.apiDelivery()}
	}
	topic := "orders/paid"
	if s.status == "pending" {
		topic = "orders/create"
	}
	out := []order.Delivery{s.shopifyDelivery(topic, s.at, s.shopifyOrder(s.at, nil))}
	if s.refund {
		at := s.at.Add(72 * time.Hour)
		refund := s.shopifyRefund(at)
		out = append(out, s.shopifyDelivery("refunds/create", at, refund),
			s.shopifyDelivery("orders/updated", at, s.shopifyOrder(at, refund)))
	}
	return out
}

func (s sale) orderID() int64 { return 6_210_000_000_000_000_000 + int64(s.number) }

// lineID must be unique over the shop, as Shopify's are.
func (s sale) lineID(i int) int64 { return 6_310_000_000_000_000_000 + int64(s.number)*10 + int64(i) }

func (s sale) text(minor int64) string { return money.FormatMinor(minor, s.store.Currency) }

func (s sale) shopifyDelivery(topic string, at time.Time, body map[string]any) order.Delivery {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("encode demo order: %v", err)) // maps of strings and integers always encode
	}
	return order.Delivery{
		PlatformDeliveryID: fmt.Sprintf("demo-%s-%d-%d", topic, s.number, at.Unix()), ProgramID: ProgramID, StoreID: s.store.StoreID,
		Platform: order.Shopify, Topic: topic, Body: raw,
		Headers: map[string]string{
			"x-shopify-topic": topic, "x-shopify-shop-domain": s.store.Domain,
			"x-shopify-triggered-at": at.Format(time.RFC3339Nano), "x-shopify-api-version": "2026-10",
		},
	}
}

// shopifyOrder is the body of the orders/* topics, cut to the fields the app asks for.
func (s sale) shopifyOrder(updated time.Time, refund map[string]any) map[string]any {
	shares := s.discountShares()
	lines := make([]map[string]any, len(s.items))
	for i, it := range s.items {
		allocations := []map[string]any{}
		if s.discount > 0 {
			allocations = append(allocations, map[string]any{"amount": s.text(shares[i]), "discount_application_index": 0})
		}
		left := it.quantity
		if refund != nil && i == 0 {
			left = 0
		}
		lines[i] = map[string]any{
			"id": s.lineID(i), "sku": it.product.sku, "title": it.product.name, "quantity": it.quantity, "current_quantity": left,
			"gift_card": false, "price": s.text(it.product.price[s.store.Currency]), "total_discount": s.text(0),
			"discount_allocations": allocations, "tax_lines": []any{}, "properties": []any{},
		}
	}
	subtotal := s.total() - s.discount
	body := map[string]any{
		"id": s.orderID(), "name": fmt.Sprintf("#%d", s.number), "created_at": s.at.Format(time.RFC3339),
		"processed_at": s.at.Format(time.RFC3339), "updated_at": updated.Format(time.RFC3339), "cancelled_at": nil, "test": false,
		"currency": string(s.store.Currency), "presentment_currency": string(s.store.Currency), "taxes_included": false,
		"financial_status": s.status, "source_name": "web", "customer": map[string]any{"id": s.customer},
		"note_attributes": []any{}, "discount_codes": []any{}, "discount_applications": []any{}, "landing_site": nil,
		"line_items": lines, "refunds": []any{}, "shipping_lines": []any{}, "tax_lines": []any{},
		"subtotal_price": s.text(subtotal), "current_subtotal_price": s.text(subtotal), "total_price": s.text(subtotal),
	}
	if refund != nil {
		body["refunds"] = []any{refund}
		body["financial_status"] = "partially_refunded"
		if len(s.items) == 1 {
			body["financial_status"] = "refunded"
		}
		body["current_subtotal_price"] = s.text(subtotal - s.refundSubtotal())
	}
	s.addEvidence(body)
	return body
}

func (s sale) addEvidence(body map[string]any) {
	if s.seller == nil {
		return
	}
	switch s.how {
	case "code":
		body["discount_codes"] = []any{map[string]any{"code": s.ref, "amount": s.text(s.discount), "type": "percentage"}}
		body["discount_applications"] = []any{map[string]any{
			"type": "discount_code", "code": s.ref, "value": "10.0",
			"value_type": "percentage", "target_type": "line_item", "allocation_method": "across", "target_selection": "all",
		}}
	case "cart":
		body["note_attributes"] = []any{map[string]any{"name": "upline_ref", "value": s.ref}}
	case "landing":
		body["landing_site"] = "/?ref=" + s.ref
	}
}

// discountShares spreads the code's discount over the lines as Shopify does: in proportion.
func (s sale) discountShares() []int64 {
	weights := make([]int64, len(s.items))
	for i, it := range s.items {
		weights[i] = it.quantity * it.product.price[s.store.Currency]
	}
	shares, err := money.Allocate(s.discount, weights)
	if err != nil {
		panic(fmt.Sprintf("share demo discount: %v", err)) // prices are positive
	}
	return shares
}

func (s sale) refundSubtotal() int64 {
	it := s.items[0]
	return it.quantity*it.product.price[s.store.Currency] - s.discountShares()[0]
}

// shopifyRefund sends the whole first line back.
func (s sale) shopifyRefund(at time.Time) map[string]any {
	return map[string]any{
		"id": s.orderID() + 500_000, "order_id": s.orderID(), "created_at": at.Format(time.RFC3339),
		"processed_at": at.Format(time.RFC3339), "order_adjustments": []any{}, "refund_shipping_lines": []any{},
		"refund_line_items": []any{map[string]any{
			"id": s.orderID() + 600_000, "line_item_id": s.lineID(0), "quantity": s.items[0].quantity,
			"subtotal": json.Number(s.text(s.refundSubtotal())), "total_tax": json.Number("0"),
		}},
		"transactions": []any{map[string]any{
			"kind": "refund", "status": "success", "amount": s.text(s.refundSubtotal()), "currency": string(s.store.Currency),
		}},
	}
}

// apiDelivery is a sale at a party, typed into the company's own till and posted to the API.
func (s sale) apiDelivery() order.Delivery {
	items := make([]map[string]any, len(s.items))
	for i, it := range s.items {
		items[i] = map[string]any{"platform_sku": it.product.sku, "qty": it.quantity, "unit_price": s.text(it.product.price[s.store.Currency])}
	}
	body := map[string]any{
		"platform": "custom", "platform_order_id": fmt.Sprintf("EV-%d", s.number), "order_ts": s.at.Format(time.RFC3339),
		"status": s.status, "currency": string(s.store.Currency), "items": items, "total": s.text(s.total()),
		"customer_id": fmt.Sprint(s.customer),
	}
	if s.seller != nil {
		body["distributor_ref"] = s.ref
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("encode demo order: %v", err)) // maps of strings and integers always encode
	}
	return order.Delivery{
		PlatformDeliveryID: fmt.Sprintf("demo-api-%d", s.number), ProgramID: ProgramID, StoreID: s.store.StoreID,
		Platform: order.Custom, Topic: "orders", Body: raw,
	}
}
