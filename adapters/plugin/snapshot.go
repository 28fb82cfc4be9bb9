package plugin

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters/wire"
)

// Snapshot is the body of an order event, the members that money, time, version and attribution depend on. What is not
// named here is never in memory as a value.
type Snapshot struct {
	Type     string   `json:"type"`
	Version  int64    `json:"version"`
	Sequence int64    `json:"sequence"`
	Platform string   `json:"platform"`
	Store    Settings `json:"store"`
	Order    *Order   `json:"order"`
}

// Settings are the shop's own that tell how its figures are to be read.
type Settings struct {
	Currency string `json:"currency"`
	Decimals *int   `json:"decimals"` // of prices; nil: those of the currency
	// Rounded says that amounts were rounded to Decimals before they were told, as a platform's own API does.
	Rounded bool `json:"-"`
}

// Order is an order as it now is. Amounts are decimal text without tax, before rounding. A nil list means that the
// member is absent, an empty one that there is none.
type Order struct {
	ID          wire.ID     `json:"id"`
	Number      wire.Loose  `json:"number"`
	Currency    string      `json:"currency"`
	Status      string      `json:"status"`
	Paid        *bool       `json:"paid"`
	Trashed     bool        `json:"trashed"`
	Deleted     bool        `json:"deleted"`
	Test        bool        `json:"test"`
	CreatedAt   time.Time   `json:"created_at"`
	ModifiedAt  time.Time   `json:"modified_at"`
	Customer    Customer    `json:"customer"`
	Total       wire.Amount `json:"total"`
	TotalTax    wire.Amount `json:"total_tax"`
	Lines       []Line      `json:"lines"`
	Fees        []Part      `json:"fees"`
	Shipping    []Part      `json:"shipping"`
	Coupons     []Coupon    `json:"coupons"`
	Refunds     []Refund    `json:"refunds"`
	Attribution Attribution `json:"attribution"`
}

// Customer is who bought, by id.
type Customer struct {
	ID      wire.ID    `json:"id"`
	Country wire.Loose `json:"country"`
}

// Line is one row of goods.
type Line struct {
	ID          wire.ID     `json:"id"`
	Kind        string      `json:"kind"`
	SKU         wire.Loose  `json:"sku"`
	ProductID   wire.ID     `json:"product_id"`
	VariationID wire.ID     `json:"variation_id"`
	Quantity    wire.Amount `json:"quantity"`
	Subtotal    wire.Amount `json:"subtotal"`
	Total       wire.Amount `json:"total"`
	Tax         wire.Amount `json:"tax"`
}

// Part is a fee or a shipping charge, of an order or of a refund.
type Part struct {
	Total wire.Amount `json:"total"`
	Tax   wire.Amount `json:"tax"`
}

// Coupon is a code that was used.
type Coupon struct {
	Code wire.Loose `json:"code"`
}

// Refund is money or goods that went back; its amounts are positive.
type Refund struct {
	ID       wire.ID      `json:"id"`
	At       time.Time    `json:"at"`
	Deleted  bool         `json:"deleted"`
	Amount   wire.Amount  `json:"amount"` // in all, tax and shipping included
	Lines    []RefundLine `json:"lines"`
	Fees     []Part       `json:"fees"`
	Shipping []Part       `json:"shipping"`
}

// RefundLine is the part of a refund that names a line.
type RefundLine struct {
	LineID   wire.ID     `json:"line_id"`
	Quantity wire.Amount `json:"quantity"`
	Total    wire.Amount `json:"total"`
	Tax      wire.Amount `json:"tax"`
}

// Attribution is all that the shop knows of whose sale it was.
type Attribution struct {
	Manual wire.Loose `json:"manual"`
	Field  wire.Loose `json:"field"`
	First  Touch      `json:"first"`
	Last   Touch      `json:"last"`
	Core   Core       `json:"core"`
	Cart   wire.Loose `json:"-"` // a reference that other code put into the order
}

// Touch is a visit that began with a reference.
type Touch struct {
	Ref wire.Loose `json:"ref"`
}

// Core is the platform's own order attribution.
type Core struct {
	SessionEntry wire.Loose `json:"session_entry"`
}

// UnmarshalJSONFrom skips what is no object: what is not told of the visit must not stop the order.
func (a *Attribution) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	type plain Attribution
	return wire.Lenient(from, (*plain)(a))
}

// UnmarshalJSONFrom skips what is no object.
func (t *Touch) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	type plain Touch
	return wire.Lenient(from, (*plain)(t))
}

// UnmarshalJSONFrom skips what is no object.
func (c *Core) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	type plain Core
	return wire.Lenient(from, (*plain)(c))
}
