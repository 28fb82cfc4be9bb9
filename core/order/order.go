// Package order is the vocabulary in which every platform's sale is told, and the one place where the net amount
// of a line is computed.
//
// An adapter turns one delivery into a Revision. Revisions of one order are merged into a State, whatever their
// order of arrival; State.Effective is the order as it now is; Net gives what may be paid on.
package order

import (
	"time"

	"upline.dev/upline/core/money"
)

// Platform names where a sale happened.
type Platform string

// The platforms an adapter exists for. Custom is any shop that speaks the plain API.
const (
	Shopify     Platform = "shopify"
	WooCommerce Platform = "woocommerce"
	Magento     Platform = "magento"
	Custom      Platform = "custom"
)

// Channel is the door through which a fact about an order came in. Versions are comparable only within one channel;
// between channels the higher Rank wins whole.
type Channel string

// The channels, weakest first.
const (
	API     Channel = "api"     // POST /api/mlm/orders
	Webhook Channel = "webhook" // the platform's own webhooks
	Plugin  Channel = "plugin"  // our WooCommerce plugin or Magento module, with its own sequence
)

// Source identifies one order for ever: the store it was sold in and the platform's own id for it.
type Source struct {
	StoreID         string `json:"store_id"`
	PlatformOrderID string `json:"platform_order_id"`
}

// String is the source's text form "store_id/platform_order_id", used as key in the database and in hashes.
func (s Source) String() string { return s.StoreID + "/" + s.PlatformOrderID }

// Delivery is one message from a platform exactly as it arrived.
type Delivery struct {
	DeliveryID         string            // ours, time-ordered
	PlatformDeliveryID string            // the platform's, or the key its adapter supplies; unique per store
	ProgramID          string            // the direct-selling company
	StoreID            string            // our id of the store
	Platform           Platform          // decides the adapter
	Topic              string            // the platform's word for what happened, for example "orders/paid"
	Headers            map[string]string // lower-case names; only those the adapter asked for
	Body               []byte            // raw bytes, as signed
	ReceivedAt         time.Time         // our clock, UTC
}

// Version orders the snapshots of one (store, order, channel). Compare Updated first, then Triggered.
type Version struct {
	Updated   int64 `json:"updated"`   // the platform's last change, microseconds since 1970 UTC, or a plugin's sequence
	Triggered int64 `json:"triggered"` // when the platform sent it, microseconds since 1970 UTC; 0 where unknown
}

// Status is where an order stands.
type Status string

// The statuses of an order.
const (
	Pending           Status = "pending"
	Authorized        Status = "authorized"
	PartiallyPaid     Status = "partially_paid"
	Paid              Status = "paid"
	PartiallyRefunded Status = "partially_refunded"
	Refunded          Status = "refunded"
	Voided            Status = "voided"
	Cancelled         Status = "cancelled"
)

// LineKind says what a line sells. Only Product lines are commissionable.
type LineKind string

// The kinds of line.
const (
	Product  LineKind = "product"
	GiftCard LineKind = "gift_card" // a gift card bought; paying with one does not show here
	Tip      LineKind = "tip"
	Fee      LineKind = "fee" // fees, shipping, duties and rounding that a platform reports as lines
)

// Line is one row of the order as sold. Amounts are minor units of Order.Currency.
type Line struct {
	LineID          string   `json:"line_id"`
	Kind            LineKind `json:"kind"`
	PlatformSKU     string   `json:"platform_sku"`
	Quantity        int64    `json:"quantity"`
	CurrentQuantity *int64   `json:"current_quantity,omitempty"` // what is left after removals and returns; nil: the platform does not say
	UnitPriceMinor  int64    `json:"unit_price_minor"`           // for display and retail profit; GrossMinor is what counts
	GrossMinor      int64    `json:"gross_minor"`                // price x quantity before discounts, with the tax contained in it, if any
	DiscountMinor   int64    `json:"discount_minor"`             // discounts already named for this line, its share of order codes included
	TaxMinor        int64    `json:"tax_minor"`                  // tax contained in GrossMinor - DiscountMinor; 0 where prices exclude tax
	WholesaleMinor  *int64   `json:"wholesale_minor,omitempty"`  // unit wholesale price where the platform states it
	// PaidNetMinor is how much of the line's net, before refunds, is paid, where the platform tells it line by line, as
	// Magento's invoices do; nil: it is not told.
	PaidNetMinor *int64 `json:"paid_net_minor,omitempty"`
}

// Refund is money or goods going back. Refunds are identified by RefundID and united across revisions.
type Refund struct {
	RefundID string `json:"refund_id"`
	// Deleted says that the platform no longer has this refund: it never happened, and nothing else is told of it. A
	// deletion absorbs every other telling of the refund, those that come later too.
	Deleted bool         `json:"deleted,omitempty"`
	At      time.Time    `json:"at"`
	Lines   []RefundLine `json:"lines,omitempty"`
	// MoneyMinor was paid back without naming lines; MoneyTaxMinor is the tax contained in it, where stated.
	MoneyMinor    int64 `json:"money_minor,omitempty"`
	MoneyTaxMinor int64 `json:"money_tax_minor,omitempty"`
}

// RefundLine is the part of a refund that names a line. SubtotalMinor includes TaxMinor where prices include tax.
type RefundLine struct {
	LineID        string `json:"line_id"`
	Quantity      int64  `json:"quantity"`
	SubtotalMinor int64  `json:"subtotal_minor"`
	TaxMinor      int64  `json:"tax_minor"`
}

// EvidenceKind is a way of knowing whose sale an order is.
type EvidenceKind string

// The kinds of evidence in their default order of strength.
const (
	ManualOverride   EvidenceKind = "manual"
	DistributorCode  EvidenceKind = "code"    // a coupon that belongs to a distributor
	CartReference    EvidenceKind = "cart"    // a reference carried in the cart, or named by an API client
	LandingReference EvidenceKind = "landing" // ?ref= on the page the visit began with
	BoundCustomer    EvidenceKind = "customer"

	// SignedReference is a reference that we signed, as it came back in the cart. The server reads it on arrival: it is a
	// CartReference then, or a ForgedReference, which names nobody.
	SignedReference EvidenceKind = "signed"
	ForgedReference EvidenceKind = "forged"
	// Checkout is a hash of the checkout's token: what the store's pages told of that checkout is looked up by it.
	Checkout EvidenceKind = "checkout"
)

// Evidence is one hint at the distributor behind an order, as the platform told it.
type Evidence struct {
	Kind  EvidenceKind `json:"kind"`
	Value string       `json:"value"`
}

// Stated are the totals the platform itself gives, to hold our figures against. nil: not stated.
type Stated struct {
	// SubtotalMinor = sum of gross - discounts - refunded subtotals over all lines of this snapshot, tax included where
	// prices include it.
	SubtotalMinor *int64 `json:"subtotal_minor,omitempty"`
	// SalesMinor is the net of the Product lines by the platform's own sales ledger: after discounts, taxes and what was
	// taken back of them, but before money refunded without naming lines.
	SalesMinor *int64 `json:"sales_minor,omitempty"`
}

// Order is a full snapshot of one order as its platform told it.
type Order struct {
	Source   Source    `json:"source"`
	Platform Platform  `json:"platform"`
	Name     string    `json:"name,omitempty"` // the number a merchant knows it by, for example "#4001"
	OrderTS  time.Time `json:"order_ts"`       // when it was placed: every dated fact is read as of this instant
	// Undated says that the platform does not tell when it was placed, and OrderTS is when we were told. The first such
	// time counts: an order does not become younger by being told again.
	Undated       bool           `json:"undated,omitempty"`
	Status        Status         `json:"status"`
	Test          bool           `json:"test,omitempty"`
	Currency      money.Currency `json:"currency"` // the store's shop currency
	TaxesIncluded bool           `json:"taxes_included,omitempty"`
	BuyerID       string         `json:"buyer_id,omitempty"` // the platform's customer id, never a name
	// BuyerUntold says that this telling cannot name the buyer, nor all of the evidence, because it was read from an API that
	// shows no customers. What earlier tellings of the channel said of them holds on.
	BuyerUntold bool     `json:"buyer_untold,omitempty"`
	Country     string   `json:"country,omitempty"` // ISO 3166-1 alpha-2 of the delivery, where known
	Lines       []Line   `json:"lines"`
	Refunds     []Refund `json:"refunds,omitempty"`
	// OrderDiscountMinor is a discount on the whole order that the platform has not shared out over lines itself.
	OrderDiscountMinor int64 `json:"order_discount_minor,omitempty"`
	// PaidMinor of TotalMinor is what the buyer has paid so far; both 0 where unknown.
	PaidMinor  int64      `json:"paid_minor,omitempty"`
	TotalMinor int64      `json:"total_minor,omitempty"`
	Evidence   []Evidence `json:"evidence,omitempty"`
	Stated     Stated     `json:"stated"`
}

// RevisionKind says what a delivery told us.
type RevisionKind string

// The kinds of revision.
const (
	Snapshot  RevisionKind = "snapshot" // the whole order
	OneLine   RevisionKind = "line"     // one line of the order, under the order's own facts; its other lines stay as told
	Refunding RevisionKind = "refund"   // refunds without their order, or their deletion
	Deletion  RevisionKind = "deletion" // the order is gone from its platform
	Hint      RevisionKind = "hint"     // something changed, but not what: wait for, or fetch, a snapshot
	Ignored   RevisionKind = "ignored"  // a topic that changes no commission
)

// Revision is what one delivery says about one order. It holds ids and figures, never personal data.
type Revision struct {
	Source  Source       `json:"source"`
	Channel Channel      `json:"channel"`
	Kind    RevisionKind `json:"kind"`
	Version Version      `json:"version"`
	Order   *Order       `json:"order,omitempty"`   // Snapshot; OneLine, with that line alone
	Refunds []Refund     `json:"refunds,omitempty"` // Refunding
	Note    string       `json:"note,omitempty"`    // Hint, Ignored: why
}
