package demo

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// Delivery is what a platform sends about an order.
type Delivery struct {
	order.Delivery
	Number  int    // of the order; deliveries of one order have the same
	Opening bool   // the customer's first order: those after it may rely on whose customer it is
	Parks   string // why the order waits on purpose, as a reason code; "" for one that settles
}

// Deliveries gives every delivery of the three months: orders in the order of time as their platforms send them, each
// with what follows for it. It is the same every time.
func (c *Company) Deliveries() iter.Seq[Delivery] {
	return func(yield func(Delivery) bool) {
		for _, s := range c.sales() {
			for _, d := range s.deliveries() {
				if !yield(Delivery{Delivery: d, Number: s.number, Opening: s.opening, Parks: s.fate.parks()}) {
					return
				}
			}
		}
	}
}

func (f fate) parks() string {
	switch f {
	case newProduct:
		return "unmapped_sku"
	case mistyped:
		return "unknown_distributor"
	case wrongTotals:
		return "inconsistent_totals"
	case otherCurrency, cutOff:
		return "malformed" // the body itself is refused, so there is no order yet
	default:
		return ""
	}
}

func (s sale) deliveries() []order.Delivery {
	if s.store.Platform != order.Shopify {
		return []order.Delivery{s.apiDelivery()}
	}
	first := s.shopifyOrder(s.at)
	switch s.fate {
	case refunded:
		at := s.at.Add(time.Duration(50+s.number%190) * time.Hour)
		refund := s.shopifyRefund(at)
		return []order.Delivery{
			s.shopifyDelivery("orders/paid", s.at, first), s.shopifyDelivery("refunds/create", at, refund),
			s.shopifyDelivery("orders/updated", at, s.afterRefund(at, refund)),
		}
	case paidLate, unpaid, cancelled:
		first.FinancialStatus = "pending"
		return append([]order.Delivery{s.shopifyDelivery("orders/create", s.at, first)}, s.ending()...)
	case otherCurrency:
		first.Currency = "GBP"
	case wrongTotals:
		first.SubtotalPrice, first.CurrentSubtotalPrice = s.text(s.total()+1000), s.text(s.total()+1000)
	case cutOff:
		d := s.shopifyDelivery("orders/paid", s.at, first)
		d.Body = d.Body[:len(d.Body)/2]
		return []order.Delivery{d}
	default:
	}
	return []order.Delivery{s.shopifyDelivery("orders/paid", s.at, first)}
}

// ending is what follows for an order that was not paid at once.
func (s sale) ending() []order.Delivery {
	at := s.at.Add(time.Duration(20+s.number%60) * time.Hour)
	after := s.shopifyOrder(at)
	switch s.fate {
	case paidLate:
		return []order.Delivery{s.shopifyDelivery("orders/paid", at, after)}
	case cancelled:
		moment := at.Format(time.RFC3339)
		after.FinancialStatus, after.CancelledAt = "voided", &moment
		s.takeBack(&after, s.restock(at))
		return []order.Delivery{s.shopifyDelivery("orders/cancelled", at, after)}
	default:
		return nil
	}
}

func (s sale) text(minor int64) string { return money.FormatMinor(minor, s.store.Currency) }

func (s sale) shopifyDelivery(topic string, at time.Time, body any) order.Delivery {
	return order.Delivery{
		PlatformDeliveryID: fmt.Sprintf("demo-%s-%d-%d", topic, s.number, at.Unix()), ProgramID: ProgramID, StoreID: s.store.StoreID,
		Platform: order.Shopify, Topic: topic, Body: encode(body),
		Headers: map[string]string{
			"x-shopify-topic": topic, "x-shopify-shop-domain": s.store.Domain,
			"x-shopify-triggered-at": at.Format(time.RFC3339Nano), "x-shopify-api-version": "2026-10",
		},
	}
}

// apiDelivery is a sale at a party, typed into the company's own till and posted to the API.
func (s sale) apiDelivery() order.Delivery {
	body := apiOrder{
		Platform: "custom", PlatformOrderID: fmt.Sprintf("EV-%d", s.number), OrderTS: s.at.Format(time.RFC3339), Status: "paid",
		Currency: s.store.Currency, CustomerID: strconv.FormatInt(s.customer.id, 10), DistributorRef: s.ref, Total: s.text(s.total()),
	}
	if s.fate == unpaid {
		body.Status = "pending"
	}
	for _, it := range s.items {
		body.Items = append(body.Items, apiItem{PlatformSKU: it.product.sku, Qty: it.quantity, UnitPrice: s.text(it.product.price[s.store.Currency])})
	}
	return order.Delivery{
		PlatformDeliveryID: fmt.Sprintf("demo-api-%d", s.number), ProgramID: ProgramID, StoreID: s.store.StoreID,
		Platform: order.Custom, Topic: "orders", Body: encode(body),
	}
}

// apiOrder is the normalised form of POST /api/mlm/orders.
type apiOrder struct {
	Platform        string         `json:"platform"`
	PlatformOrderID string         `json:"platform_order_id"`
	OrderTS         string         `json:"order_ts"`
	Status          string         `json:"status"`
	Currency        money.Currency `json:"currency"`
	CustomerID      string         `json:"customer_id"`
	DistributorRef  string         `json:"distributor_ref,omitempty"`
	Items           []apiItem      `json:"items"`
	Total           string         `json:"total"`
}

type apiItem struct {
	PlatformSKU string `json:"platform_sku"`
	Qty         int64  `json:"qty"`
	UnitPrice   string `json:"unit_price"`
}

func encode(body any) []byte {
	raw, err := json.Marshal(body)
	if err != nil {
		panic("encode demo order: " + err.Error()) // structs of strings and integers always encode
	}
	return raw
}
