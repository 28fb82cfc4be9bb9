// Package magento reads what our Magento module sends, and what core REST answers where the module does not: it checks that a
// delivery is genuine and turns it into a revision of one order, from ids and figures alone.
//
// Every body is the whole order as it now is. The rows that carry money, what is invoiced and refunded of each, and the grand
// total come from it; they are exact to Magento's own four decimals and brought to minor units once.
package magento

import (
	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/order"
)

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

// Open reads who sends what. Nothing but order snapshots of our module comes through this door.
func (*Adapter) Open(header adapters.Header, body []byte) (adapters.Envelope, error) {
	return plugin.Open(header, body)
}

// Parts takes a batch of a plugin's snapshots apart; none where the delivery is a single one.
func (*Adapter) Parts(topic string, body []byte) ([]adapters.Part, error) {
	return plugin.Parts(topic, body)
}

// Verify checks the Standard Webhooks signature.
func (*Adapter) Verify(header adapters.Header, body []byte, secrets [][]byte) error {
	return adapters.VerifyStandard(header, body, secrets)
}
