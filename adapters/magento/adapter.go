// Package magento reads what our Magento module sends, and what core REST answers where the module does not: it checks that a
// delivery is genuine and turns it into a revision of one order, from ids and figures alone.
//
// Every body is the whole order as it now is. The rows that carry money, what is invoiced and refunded of each, and the grand
// total come from it; they are exact to Magento's own four decimals and brought to minor units once.
package magento

import (
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

// maxIDBytes is the longest webhook-id of the plugin protocol, which becomes a key in the database.
const maxIDBytes = 128

// idCharacters are those a webhook-id may hold.
const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

// Adapter reads Magento's deliveries. It holds no state; one value serves every store.
type Adapter struct{}

var _ adapters.Adapter = (*Adapter)(nil)

// New is a ready adapter.
func New() *Adapter { return &Adapter{} }

// Platform is order.Magento.
func (*Adapter) Platform() order.Platform { return order.Magento }

// KeepHeaders lists the headers that support needs. The signature is not among them: it is checked once, at the door.
func (*Adapter) KeepHeaders() []string { return keptHeaders }

// keptHeaders is asked for with every delivery.
var keptHeaders = []string{adapters.HeaderWebhookID, adapters.HeaderWebhookTimestamp}

// Open takes the delivery's id from webhook-id, which is an event's own and equal on its retries. Which store it is for stands in
// the address, and its topic is always order.snapshot: nothing else comes through this door.
func (*Adapter) Open(header adapters.Header, _ []byte) (adapters.Envelope, error) {
	id := header(adapters.HeaderWebhookID)
	switch {
	case id == "":
		return adapters.Envelope{}, &adapters.Malformed{Field: adapters.HeaderWebhookID, Reason: "the header is missing"}
	case len(id) > maxIDBytes || strings.Trim(id, idCharacters) != "":
		return adapters.Envelope{}, &adapters.Malformed{Field: adapters.HeaderWebhookID, Reason: "want 1 to 128 letters, digits, points, underscores or hyphens"}
	}
	return adapters.Envelope{Topic: snapshotType, PlatformDeliveryID: id}, nil
}

// Verify checks the Standard Webhooks signature.
func (*Adapter) Verify(header adapters.Header, body []byte, secrets [][]byte) error {
	return adapters.VerifyStandard(header, body, secrets)
}
