package order

// State is everything known of one order. The zero value knows nothing. It is stored as JSON with its order.
type State struct {
	// Source is the order all of this is about; the first revision sets it.
	Source Source `json:"source"`
	// Channels holds the newest snapshot of each channel and the newer tellings of single lines, sorted by channel name
	// and part.
	Channels []ChannelState `json:"channels,omitempty"`
	// Refunds unites by RefundID every refund ever told, deleted ones too, sorted by RefundID.
	Refunds []Refund `json:"refunds,omitempty"`
	// UndatedSince is the earliest OrderTS of an undated order, in microseconds since 1970 UTC; 0: none was told.
	UndatedSince int64 `json:"undated_since,omitempty"`
	// HintedAt is the newest Hint's version in HintedChannel, the highest channel that ever gave a hint. A snapshot of
	// the same channel at or after it makes it moot, and so does any snapshot of a higher channel.
	HintedAt      Version `json:"hinted_at"`
	HintedChannel Channel `json:"hinted_channel,omitempty"`
	// Deleted is set for ever once the platform deleted the order.
	Deleted bool `json:"deleted,omitempty"`
}

// ChannelState is the newest snapshot that came through one channel, or what was told later of one line.
type ChannelState struct {
	Channel Channel `json:"channel"`
	// Part is the LineID of the only line this tells of; "" is the whole order.
	Part    string  `json:"part,omitempty"`
	Version Version `json:"version"`
	Order   Order   `json:"order"`
	// Conflict describes two different bodies of one version that no rule could unite; "" is the normal case.
	Conflict string `json:"conflict,omitempty"`
	// Rivals holds every different body told under this one version, where there is more than one; Order and Conflict
	// follow from them alone, so that the order of arrival cannot matter. Empty is the normal case.
	Rivals []Order `json:"rivals,omitempty"`
	// Told is what the newest telling that could name the buyer said of them; set only where Order.BuyerUntold is.
	Told *Told `json:"told,omitempty"`
}

// Told is who bought, and on whose word, as a telling before the newest one said.
type Told struct {
	Version  Version    `json:"version"`
	BuyerID  string     `json:"buyer_id,omitempty"`
	Country  string     `json:"country,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// MoneyRefundPolicy says what money refunded without naming lines does to the lines.
type MoneyRefundPolicy string

// The policies; Spread is the default.
const (
	SpreadMoneyRefunds MoneyRefundPolicy = "spread"
	IgnoreMoneyRefunds MoneyRefundPolicy = "ignore"
)

// PartialPaymentPolicy says what a partially paid order earns.
type PartialPaymentPolicy string

// The policies; None is the default.
const (
	PartialNone         PartialPaymentPolicy = "none"
	PartialAll          PartialPaymentPolicy = "all"
	PartialProportional PartialPaymentPolicy = "proportional"
)

// NetPolicy is the part of a plan that Net depends on.
type NetPolicy struct {
	MoneyRefunds  MoneyRefundPolicy    `json:"money_refunds"`
	PartiallyPaid PartialPaymentPolicy `json:"partially_paid"`
}

// LineNet is one line's waterfall in minor units: gross - discount - order discount share - tax - refunded - money
// refund share - unpaid = net, never below 0.
type LineNet struct {
	LineID             string `json:"line_id"`
	GrossMinor         int64  `json:"gross_minor"`
	DiscountMinor      int64  `json:"discount_minor"`
	OrderDiscountMinor int64  `json:"order_discount_minor"`
	TaxMinor           int64  `json:"tax_minor"`
	RefundedMinor      int64  `json:"refunded_minor"`     // net of tax, surplus cents moved between lines included
	MoneyRefundMinor   int64  `json:"money_refund_minor"` // share of refunds that named no line
	UnpaidMinor        int64  `json:"unpaid_minor"`       // held back by status or partial payment
	NetMinor           int64  `json:"net_minor"`
	QuantityLeft       int64  `json:"quantity_left"`
	Excluded           string `json:"excluded,omitempty"` // why a line earns nothing: "gift_card", "tip", "fee", "returned"
}

// Breakdown is the net of an order, line by line, in the order's own line order.
type Breakdown struct {
	Lines    []LineNet `json:"lines"`
	NetMinor int64     `json:"net_minor"` // sum over lines
	// Counts is false where the status alone makes the order earn nothing; Why says so in words.
	Counts bool   `json:"counts"`
	Why    string `json:"why,omitempty"`
}

// Attribution is whose sale an order is, and on what evidence.
type Attribution struct {
	DistributorID string       `json:"distributor_id,omitempty"` // "" : nobody's, the order belongs to the company
	Winner        EvidenceKind `json:"winner,omitempty"`
	Value         string       `json:"value,omitempty"`
	Lost          []LostClaim  `json:"lost,omitempty"`
}

// LostClaim is evidence that did not win, and why.
type LostClaim struct {
	Kind  EvidenceKind `json:"kind"`
	Value string       `json:"value"`
	Why   string       `json:"why"`
}
