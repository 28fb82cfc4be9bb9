package demo

import (
	"encoding/json"
	"fmt"
	"time"

	"upline.dev/upline/core/money"
)

// shopifyOrder is the body of the orders/* topics, cut to the fields the app asks for.
type shopifyOrder struct {
	ID                   int64                `json:"id"`
	Name                 string               `json:"name"`
	CreatedAt            string               `json:"created_at"`
	ProcessedAt          string               `json:"processed_at"`
	UpdatedAt            string               `json:"updated_at"`
	CancelledAt          *string              `json:"cancelled_at"`
	Test                 bool                 `json:"test"`
	Currency             money.Currency       `json:"currency"`
	PresentmentCurrency  money.Currency       `json:"presentment_currency"`
	TaxesIncluded        bool                 `json:"taxes_included"`
	FinancialStatus      string               `json:"financial_status"`
	SourceName           string               `json:"source_name"`
	Customer             shopifyCustomer      `json:"customer"`
	NoteAttributes       []shopifyAttribute   `json:"note_attributes"`
	DiscountCodes        []shopifyCode        `json:"discount_codes"`
	DiscountApplications []shopifyApplication `json:"discount_applications"`
	LandingSite          *string              `json:"landing_site"`
	LineItems            []shopifyLine        `json:"line_items"`
	Refunds              []shopifyRefund      `json:"refunds"`
	ShippingLines        []struct{}           `json:"shipping_lines"`
	TaxLines             []struct{}           `json:"tax_lines"`
	SubtotalPrice        string               `json:"subtotal_price"`
	CurrentSubtotalPrice string               `json:"current_subtotal_price"`
	TotalPrice           string               `json:"total_price"`
}

type shopifyCustomer struct {
	ID int64 `json:"id"`
}

type shopifyAttribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type shopifyCode struct {
	Code   string `json:"code"`
	Amount string `json:"amount"`
	Type   string `json:"type"`
}

type shopifyApplication struct {
	Type             string `json:"type"`
	Code             string `json:"code"`
	Value            string `json:"value"`
	ValueType        string `json:"value_type"`
	TargetType       string `json:"target_type"`
	AllocationMethod string `json:"allocation_method"`
	TargetSelection  string `json:"target_selection"`
}

type shopifyLine struct {
	ID                  int64               `json:"id"`
	SKU                 string              `json:"sku"`
	Title               string              `json:"title"`
	Quantity            int64               `json:"quantity"`
	CurrentQuantity     int64               `json:"current_quantity"`
	GiftCard            bool                `json:"gift_card"`
	Price               string              `json:"price"`
	TotalDiscount       string              `json:"total_discount"`
	DiscountAllocations []shopifyAllocation `json:"discount_allocations"`
	TaxLines            []struct{}          `json:"tax_lines"`
	Properties          []struct{}          `json:"properties"`
}

type shopifyAllocation struct {
	Amount string `json:"amount"`
	Index  int    `json:"discount_application_index"`
}

type shopifyRefund struct {
	ID                  int64                `json:"id"`
	OrderID             int64                `json:"order_id"`
	CreatedAt           string               `json:"created_at"`
	ProcessedAt         string               `json:"processed_at"`
	OrderAdjustments    []struct{}           `json:"order_adjustments"`
	RefundShippingLines []struct{}           `json:"refund_shipping_lines"`
	RefundLineItems     []shopifyRefundLine  `json:"refund_line_items"`
	Transactions        []shopifyTransaction `json:"transactions"`
}

// shopifyRefundLine has its amounts as JSON numbers, as Shopify sends them.
type shopifyRefundLine struct {
	ID         int64       `json:"id"`
	LineItemID int64       `json:"line_item_id"`
	Quantity   int64       `json:"quantity"`
	Subtotal   json.Number `json:"subtotal"`
	TotalTax   json.Number `json:"total_tax"`
}

type shopifyTransaction struct {
	Kind     string         `json:"kind"`
	Status   string         `json:"status"`
	Amount   string         `json:"amount"`
	Currency money.Currency `json:"currency"`
}

func (s sale) orderID() int64 { return 6_210_000_000_000_000_000 + int64(s.number) }

// lineID must be unique over the shop, as Shopify's are.
func (s sale) lineID(i int) int64 { return 6_310_000_000_000_000_000 + int64(s.number)*10 + int64(i) }

// shopifyOrder is the paid order as it is at updated.
func (s sale) shopifyOrder(updated time.Time) shopifyOrder {
	placed, subtotal := s.at.Format(time.RFC3339), s.text(s.total()-s.discount)
	body := shopifyOrder{
		ID: s.orderID(), Name: fmt.Sprintf("#%d", s.number), CreatedAt: placed, ProcessedAt: placed, UpdatedAt: updated.Format(time.RFC3339),
		Currency: s.store.Currency, PresentmentCurrency: s.store.Currency, FinancialStatus: "paid", SourceName: "web",
		Customer: shopifyCustomer{ID: s.customer.id}, NoteAttributes: []shopifyAttribute{}, DiscountCodes: []shopifyCode{},
		DiscountApplications: []shopifyApplication{}, LineItems: s.shopifyLines(), Refunds: []shopifyRefund{},
		ShippingLines: []struct{}{}, TaxLines: []struct{}{}, SubtotalPrice: subtotal, CurrentSubtotalPrice: subtotal, TotalPrice: subtotal,
	}
	switch s.how {
	case "code":
		body.DiscountCodes = []shopifyCode{{Code: s.ref, Amount: s.text(s.discount), Type: "percentage"}}
		body.DiscountApplications = []shopifyApplication{{
			Type: "discount_code", Code: s.ref, Value: "10.0", ValueType: "percentage", TargetType: "line_item",
			AllocationMethod: "across", TargetSelection: "all",
		}}
	case "cart":
		body.NoteAttributes = []shopifyAttribute{{Name: "upline_ref", Value: s.ref}}
	case "landing":
		site := "/?ref=" + s.ref
		body.LandingSite = &site
	}
	return body
}

func (s sale) shopifyLines() []shopifyLine {
	shares := s.discountShares()
	lines := make([]shopifyLine, len(s.items))
	for i, it := range s.items {
		lines[i] = shopifyLine{
			ID: s.lineID(i), SKU: it.product.sku, Title: it.product.name, Quantity: it.quantity, CurrentQuantity: it.quantity,
			Price: s.text(it.product.price[s.store.Currency]), TotalDiscount: s.text(0), DiscountAllocations: []shopifyAllocation{},
			TaxLines: []struct{}{}, Properties: []struct{}{},
		}
		if s.discount > 0 {
			lines[i].DiscountAllocations = []shopifyAllocation{{Amount: s.text(shares[i])}}
		}
	}
	return lines
}

// refundOf sends whole lines back.
func (s sale) refundOf(at time.Time, lines int) shopifyRefund {
	moment, shares := at.Format(time.RFC3339), s.discountShares()
	refund := shopifyRefund{
		ID: s.orderID() + 500_000, OrderID: s.orderID(), CreatedAt: moment, ProcessedAt: moment,
		OrderAdjustments: []struct{}{}, RefundShippingLines: []struct{}{}, Transactions: []shopifyTransaction{},
	}
	for i, it := range s.items[:lines] {
		refund.RefundLineItems = append(refund.RefundLineItems, shopifyRefundLine{
			ID: s.lineID(i) + 1_000_000_000, LineItemID: s.lineID(i), Quantity: it.quantity,
			Subtotal: json.Number(s.text(it.amount(s.store.Currency) - shares[i])), TotalTax: "0",
		})
	}
	return refund
}

// restock is how Shopify says that a cancelled order gives its goods back: a refund that moves no money.
func (s sale) restock(at time.Time) shopifyRefund { return s.refundOf(at, len(s.items)) }

// shopifyRefund sends the whole first line back, and its money.
func (s sale) shopifyRefund(at time.Time) shopifyRefund {
	refund := s.refundOf(at, 1)
	refund.Transactions = []shopifyTransaction{{
		Kind: "refund", Status: "success", Amount: string(refund.RefundLineItems[0].Subtotal), Currency: s.store.Currency,
	}}
	return refund
}

// takeBack makes a refund part of its order.
func (s sale) takeBack(body *shopifyOrder, refund shopifyRefund) {
	left, shares := s.total()-s.discount, s.discountShares()
	for i := range refund.RefundLineItems {
		body.LineItems[i].CurrentQuantity = 0
		left -= s.items[i].amount(s.store.Currency) - shares[i]
	}
	body.Refunds, body.CurrentSubtotalPrice = []shopifyRefund{refund}, s.text(left)
}

// afterRefund is the order once the refund is part of it.
func (s sale) afterRefund(at time.Time, refund shopifyRefund) shopifyOrder {
	body := s.shopifyOrder(at)
	body.FinancialStatus = "partially_refunded"
	if len(s.items) == 1 {
		body.FinancialStatus = "refunded"
	}
	s.takeBack(&body, refund)
	return body
}
