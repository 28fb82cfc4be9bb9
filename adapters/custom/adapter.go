// Package custom reads the bodies of POST /api/mlm/orders, through which any shop, till or script can tell its sales.
//
// Two forms are understood. The short form tells one line of one order:
//
//	{"shopify_order_id": "5001", "sku": "TEA-12", "customer_id": "77", "referrer_id": "ANNA", "amount": "19.90"}
//
// optionally with quantity, order_ts, currency, status, updated_at and test. amount is the price of the whole line, after
// its discounts and without tax. A body with the same order id and another SKU adds a line to the order; one with the same
// SKU is the newer telling of that line. The normalised form tells the whole order as it now is:
//
//	{"platform": "custom", "platform_order_id": "A-1", "order_ts": "2026-11-10T10:15:00+01:00", "status": "paid",
//	 "currency": "EUR", "distributor_ref": "ANNA", "total": "39.80", "items":
//	 [{"platform_sku": "TEA-12", "qty": 2, "unit_price": "19.90"}]}
//
// optionally with customer_id, updated_at, test and refunds, and in each item line_id and discount (of the whole line).
// A refund once told stays until it is told with "deleted": true.
// Where total is below the sum of the items, the rest is a discount on the whole order; above it, tax or shipping, which
// earns nothing. Amounts are decimal text, or JSON numbers, which are read as text and never as floats.
//
// Members that are not named above are refused, for a misspelt one would silently change what is paid.
package custom

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

// Topic is the topic of every delivery through the API.
const Topic = "orders"

const (
	headerIdempotencyKey = "Idempotency-Key"
	maxKeyBytes          = 255
)

// Adapter reads orders told through the API. It holds no state.
type Adapter struct{}

var _ adapters.Adapter = (*Adapter)(nil)

// New is a ready adapter.
func New() *Adapter { return &Adapter{} }

// Platform is order.Custom: the adapter's own name. An order keeps the platform that its body or its store names.
func (*Adapter) Platform() order.Platform { return order.Custom }

// KeepHeaders is empty: the body says everything.
func (*Adapter) KeepHeaders() []string { return nil }

// Open takes the delivery id from Idempotency-Key ("key:" and its value). Without one it is "sha256:" and the hex digest
// of the body, so that an equal body sent again is the same delivery. StoreDomain is empty: the API key names the store.
func (*Adapter) Open(header adapters.Header, body []byte) (adapters.Envelope, error) {
	envelope := adapters.Envelope{Topic: Topic}
	key := header(headerIdempotencyKey)
	switch {
	case key == "":
		digest := sha256.Sum256(body)
		envelope.PlatformDeliveryID = "sha256:" + hex.EncodeToString(digest[:])
	case len(key) > maxKeyBytes || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return adapters.Envelope{}, &adapters.Malformed{Field: headerIdempotencyKey, Reason: "want at most 255 printable ASCII characters"}
	default:
		envelope.PlatformDeliveryID = "key:" + key
	}
	return envelope, nil
}

// Verify answers adapters.ErrSignature to everything. The API knows its callers by API key, which is checked before a
// body is read; there is no signature, so no webhook door may ever open for this adapter.
func (*Adapter) Verify(adapters.Header, []byte, [][]byte) error { return adapters.ErrSignature }

// Normalise reads one body into one revision of channel API: a OneLine of the short form, a Snapshot of the other. Its
// version is updated_at, or else the time of receipt; where order_ts is missing, the order is undated. All faults found in a body that is valid JSON of known members are
// told at once, joined; each is a *adapters.Malformed.
func (*Adapter) Normalise(d order.Delivery, s adapters.Store) ([]order.Revision, error) {
	told, err := read(d.Body, s, d.ReceivedAt.UTC())
	if err != nil {
		return nil, err
	}
	updated := d.ReceivedAt
	if !told.updatedAt.IsZero() {
		updated = told.updatedAt
	}
	return []order.Revision{{
		Source:  told.order.Source,
		Channel: order.API,
		Kind:    told.kind,
		Version: order.Version{Updated: updated.UnixMicro()},
		Order:   &told.order,
	}}, nil
}
