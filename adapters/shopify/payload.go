package shopify

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The structs below name the fields that an order's money, time, version and attribution depend on, and no others: what
// is not named is never in memory as a value, personal data among it. A nil slice means that the member is absent or
// null, an empty one that Shopify says "none".

// bag is the shop's half of a money bag ("price_set"); what the buyer saw is not paid on.
type bag struct {
	Shop shopMoney `json:"shop_money"`
}

type shopMoney struct {
	Amount   amount `json:"amount"`
	Currency string `json:"currency_code"`
}

// orderBody is the body of the orders/* topics.
type orderBody struct {
	ID              id           `json:"id"`
	Name            string       `json:"name"`
	CreatedAt       time.Time    `json:"created_at"`
	ProcessedAt     time.Time    `json:"processed_at"`
	UpdatedAt       time.Time    `json:"updated_at"`
	CancelledAt     time.Time    `json:"cancelled_at"`
	Test            bool         `json:"test"`
	Currency        string       `json:"currency"`
	TaxesIncluded   *bool        `json:"taxes_included"`
	FinancialStatus string       `json:"financial_status"`
	LineItems       []lineBody   `json:"line_items"`
	Refunds         []refundBody `json:"refunds"`

	TotalDiscounts      amount     `json:"total_discounts"`
	TotalPrice          amount     `json:"total_price"`
	TotalPriceSet       bag        `json:"total_price_set"`
	CurrentTotal        amount     `json:"current_total_price"`
	CurrentTotalSet     bag        `json:"current_total_price_set"`
	TotalOutstanding    amount     `json:"total_outstanding"`
	CurrentSubtotal     amount     `json:"current_subtotal_price"`
	CurrentSubtotalSet  bag        `json:"current_subtotal_price_set"`
	Customer            person     `json:"customer"`
	ShippingAddress     place      `json:"shipping_address"`
	LandingSite         string     `json:"landing_site"`
	LandingSiteRef      loose      `json:"landing_site_ref"`
	CheckoutToken       loose      `json:"checkout_token"`
	NoteAttributes      attributes `json:"note_attributes"`
	DiscountCodes       []codeBody `json:"discount_codes"`
	DiscountApplication []codeBody `json:"discount_applications"`

	// Sales are told by us, in orders that were read from the API.
	Sales []saleBody `json:"upline_sales"`

	// WrappedOrder and WrappedOrders are members of answers of the REST API, not of webhooks.
	WrappedOrder  present `json:"order"`
	WrappedOrders present `json:"orders"`
}

type person struct {
	ID id `json:"id"`
}

type place struct {
	CountryCode string `json:"country_code"`
}

type codeBody struct {
	Type string `json:"type"`
	Code string `json:"code"`
}

// lineBody is one of line_items.
type lineBody struct {
	ID                id           `json:"id"`
	SKU               string       `json:"sku"`
	VariantID         id           `json:"variant_id"`
	ProductID         id           `json:"product_id"`
	Quantity          *int64       `json:"quantity"`
	CurrentQuantity   *int64       `json:"current_quantity"`
	GiftCard          bool         `json:"gift_card"`
	Tip               present      `json:"tip"`
	TipGateway        present      `json:"tip_payment_gateway"`
	TipMethod         present      `json:"tip_payment_method"`
	Price             amount       `json:"price"`
	PriceSet          bag          `json:"price_set"`
	DiscountAllocated []allocation `json:"discount_allocations"`
	TaxLines          []taxLine    `json:"tax_lines"`
}

type allocation struct {
	Amount    amount `json:"amount"`
	AmountSet bag    `json:"amount_set"`
}

type taxLine struct {
	Price    amount `json:"price"`
	PriceSet bag    `json:"price_set"`
}

// refundBody is the body of refunds/create, and one of an order's refunds.
type refundBody struct {
	ID            id               `json:"id"`
	OrderID       id               `json:"order_id"`
	CreatedAt     time.Time        `json:"created_at"`
	ProcessedAt   time.Time        `json:"processed_at"`
	Lines         []refundLineBody `json:"refund_line_items"`
	Adjustments   []adjustment     `json:"order_adjustments"`
	ShippingLines []skipped        `json:"refund_shipping_lines"`
	Duties        []skipped        `json:"duties"`
	Fees          []skipped        `json:"additional_fees"`
	Transactions  []transaction    `json:"transactions"`

	WrappedRefund present `json:"refund"`
}

type refundLineBody struct {
	LineItemID  id     `json:"line_item_id"`
	Quantity    *int64 `json:"quantity"`
	Subtotal    amount `json:"subtotal"`
	SubtotalSet bag    `json:"subtotal_set"`
	TotalTax    amount `json:"total_tax"`
	TotalTaxSet bag    `json:"total_tax_set"`
}

type adjustment struct {
	Kind         string `json:"kind"`   // deprecated by Shopify since 2024-10
	Reason       string `json:"reason"` // stands in for it
	Amount       amount `json:"amount"`
	AmountSet    bag    `json:"amount_set"`
	TaxAmount    amount `json:"tax_amount"`
	TaxAmountSet bag    `json:"tax_amount_set"`
}

type transaction struct {
	Kind     string `json:"kind"`
	Status   string `json:"status"`
	Amount   amount `json:"amount"`
	Currency string `json:"currency"`
}

// skipped is an element that is counted, not read.
type skipped struct{}

// UnmarshalJSONFrom takes a value of any kind.
func (*skipped) UnmarshalJSONFrom(from *jsontext.Decoder) error { return from.SkipValue() }

// editBody is the body of orders/edited: what changed, not what the order now is.
type editBody struct {
	Edit struct {
		OrderID     id        `json:"order_id"`
		CommittedAt time.Time `json:"committed_at"`
	} `json:"order_edit"`
}

// deleteBody is the body of orders/delete. The members beside the id never occur in one: they tell an order or a refund
// whose (unsigned) topic header was changed.
type deleteBody struct {
	ID        id      `json:"id"`
	LineItems present `json:"line_items"`
	OrderID   present `json:"order_id"`
}
