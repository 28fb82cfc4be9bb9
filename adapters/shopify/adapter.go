// Package shopify reads Shopify's webhooks: it checks that a delivery is genuine and turns it into a revision of one
// order, from ids and figures alone. Names, addresses and e-mail never leave the body.
//
// What it relies on is the classic webhook format of the Admin API (headers X-Shopify-*, bare JSON bodies), in the
// shape of the pinned version 2026-10 and the older shapes that are still met. A field that money depends on and that is
// missing means "unknown", never 0: the delivery is then a *adapters.Malformed, or a hint that the order be fetched.
package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

// The headers of a webhook. Only the body is signed; what a header says may order deliveries and name them, but it can
// never add money to an order.
const (
	headerTopic       = "X-Shopify-Topic"
	headerDomain      = "X-Shopify-Shop-Domain"
	headerSignature   = "X-Shopify-Hmac-Sha256"
	headerWebhookID   = "X-Shopify-Webhook-Id"
	headerEventID     = "X-Shopify-Event-Id"
	headerTriggeredAt = "X-Shopify-Triggered-At"
	headerAPIVersion  = "X-Shopify-Api-Version"
	headerTest        = "X-Shopify-Test"
)

// maxHeaderBytes bounds the topic and the delivery id, which become keys in the database.
const maxHeaderBytes = 255

// shopDomain is the only form of host a shop has; anything else could name a foreign server.
var shopDomain = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*\.myshopify\.com$`)

// Adapter reads Shopify's deliveries. It holds no state; one value serves every shop.
type Adapter struct{}

var _ adapters.Adapter = (*Adapter)(nil)

// New is a ready adapter.
func New() *Adapter { return &Adapter{} }

// Platform is order.Shopify.
func (*Adapter) Platform() order.Platform { return order.Shopify }

// KeepHeaders lists the headers that replays and support need. The signature is not among them: it is checked once, at
// the door.
func (*Adapter) KeepHeaders() []string { return keptHeaders }

// keptHeaders is asked for with every delivery.
var keptHeaders = lower(headerTopic, headerWebhookID, headerEventID, headerTriggeredAt, headerAPIVersion, headerDomain, headerTest)

func lower(names ...string) []string {
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	return names
}

// Open reads topic, shop and delivery id. Where X-Shopify-Webhook-Id is missing (hand-made deliveries), the id is
// "sha256:" and the hex digest of topic, line feed and body, so that equal bodies are one delivery. X-Shopify-Event-Id
// is no substitute: one merchant action has the same event id on several topics.
func (*Adapter) Open(header adapters.Header, body []byte) (adapters.Envelope, error) {
	topic := header(headerTopic)
	if err := checkHeader(headerTopic, topic); err != nil {
		return adapters.Envelope{}, err
	}
	if adapters.ReservedTopic(topic) {
		return adapters.Envelope{}, &adapters.Malformed{Field: headerTopic, Reason: "no shop sends this topic"}
	}
	domain := strings.ToLower(header(headerDomain))
	if len(domain) > maxHeaderBytes || !shopDomain.MatchString(domain) {
		return adapters.Envelope{}, &adapters.Malformed{Field: headerDomain, Reason: "want a shop's own host, such as example.myshopify.com"}
	}
	id := header(headerWebhookID)
	if id == "" {
		id = contentKey(topic, body)
	}
	if err := checkHeader(headerWebhookID, id); err != nil {
		return adapters.Envelope{}, err
	}
	return adapters.Envelope{StoreDomain: domain, Topic: topic, PlatformDeliveryID: id}, nil
}

// checkHeader keeps blanks and control characters out of keys.
func checkHeader(name, value string) error {
	switch {
	case value == "":
		return &adapters.Malformed{Field: name, Reason: "the header is missing"}
	case len(value) > maxHeaderBytes:
		return &adapters.Malformed{Field: name, Reason: fmt.Sprintf("the header is longer than %d bytes", maxHeaderBytes)}
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return &adapters.Malformed{Field: name, Reason: "the header holds something other than printable ASCII without blanks"}
	}
	return nil
}

// contentKey cannot be ambiguous: a topic holds no line feed.
func contentKey(topic string, body []byte) string {
	digest := sha256.New()
	digest.Write([]byte(topic + "\n"))
	digest.Write(body)
	return "sha256:" + hex.EncodeToString(digest.Sum(nil))
}

// Verify compares the base64 HMAC-SHA256 of the raw body with X-Shopify-Hmac-Sha256. Every secret is tried even after
// one fits, so that the time taken does not tell which. The texts are compared, not what they decode to: base64 has
// several texts for one value, and only one of them is what Shopify sends.
func (*Adapter) Verify(header adapters.Header, body []byte, secrets [][]byte) error {
	signature := []byte(header(headerSignature))
	fits := false
	var sum [sha256.Size]byte
	var text [44]byte // base64 of 32 bytes
	for _, secret := range secrets {
		if len(secret) == 0 {
			continue // Anyone can sign with the empty key.
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		base64.StdEncoding.Encode(text[:], mac.Sum(sum[:0]))
		if hmac.Equal(text[:], signature) {
			fits = true
		}
	}
	if !fits {
		return adapters.ErrSignature
	}
	return nil
}
