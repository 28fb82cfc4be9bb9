// Package plugin reads what Upline's own plugins inside a shop send, as docs/plugin-protocol.md says: a full snapshot of
// an order with a sequence, signed in the Standard Webhooks manner. The WooCommerce plugin and the Magento module speak
// it alike, so both adapters stand on this package.
package plugin

import (
	"fmt"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// Topic is under which a snapshot enters the inbox. No platform's own topics begin with "plugin/".
const Topic = TopicPrefix + snapshotType

// TopicPrefix marks what was signed as a plugin signs.
const TopicPrefix = "plugin/"

const snapshotType = "order.snapshot"

// maxIDBytes bounds a message id, which becomes a key in the database.
const maxIDBytes = 128

// Signed reports whether a request claims to come from a plugin rather than from the platform itself.
func Signed(header adapters.Header) bool { return header(adapters.HeaderWebhookSignature) != "" }

// Open reads who sends what: the id from the signed header, type and site from the signed body. A body that is no JSON
// object keeps its id and has no site; Normalise says what is wrong with it.
func Open(header adapters.Header, body []byte) (adapters.Envelope, error) {
	id := header(adapters.HeaderWebhookID)
	if err := CheckID(id); err != nil {
		return adapters.Envelope{}, err
	}
	var head struct {
		Type wire.Loose `json:"type"`
		Site wire.Loose `json:"site"`
	}
	e := adapters.Envelope{Topic: Topic, PlatformDeliveryID: id}
	if wire.Decode(body, &head) == nil {
		e.StoreDomain = adapters.Site(string(head.Site))
		if head.Type == batchType {
			e.Topic = BatchTopic
		}
	}
	return e, nil
}

// CheckID refuses ids that are not as the protocol has them. No id can begin a JSON text, so what a platform signed with
// the same secret never passes for what a plugin signed.
func CheckID(id string) error {
	bad := strings.IndexFunc(id, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-')
	})
	switch {
	case id == "":
		return &adapters.Malformed{Field: adapters.HeaderWebhookID, Reason: "the header is missing"}
	case len(id) > maxIDBytes || bad >= 0:
		return &adapters.Malformed{Field: adapters.HeaderWebhookID, Reason: fmt.Sprintf("want 1 to %d of letters, digits, '.', '_' and '-'", maxIDBytes)}
	}
	return nil
}
