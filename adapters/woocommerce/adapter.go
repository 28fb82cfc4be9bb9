// Package woocommerce reads what a WooCommerce store tells: the snapshots of Upline's plugin, which are the authority,
// WooCommerce's own webhooks, and orders read from its REST API. From ids and figures alone: names, addresses and e-mail
// never leave the body.
//
// WooCommerce's webhooks tell the order as it is when they are sent, minutes late at times, and its refunds without lines.
// So they are taken whole only where nothing depends on what they leave out; else they are a hint that the order be
// fetched. Once the plugin has told of an order, its sequence outranks them.
package woocommerce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/order"
)

// The headers of WooCommerce's own webhooks. Only the body is signed: nothing that decides on money is taken from them.
// X-WC-Webhook-Source is not read at all; the store stands in our URL.
const (
	headerTopic      = "X-WC-Webhook-Topic"
	headerSignature  = "X-WC-Webhook-Signature"
	headerDeliveryID = "X-WC-Webhook-Delivery-ID"
)

// maxHeaderBytes bounds the topic, which becomes a key in the database.
const maxHeaderBytes = 255

// Adapter reads WooCommerce's deliveries. It holds no state; one value serves every store.
type Adapter struct{}

var _ adapters.Adapter = (*Adapter)(nil)

// New is a ready adapter.
func New() *Adapter { return &Adapter{} }

// Platform is order.WooCommerce.
func (*Adapter) Platform() order.Platform { return order.WooCommerce }

// KeepHeaders lists the headers that support needs; Normalise reads none of them.
func (*Adapter) KeepHeaders() []string { return keptHeaders }

var keptHeaders = []string{
	strings.ToLower(headerTopic), strings.ToLower(headerDeliveryID), "x-wc-webhook-id", "x-wc-webhook-resource", "x-wc-webhook-event",
	adapters.HeaderWebhookID, adapters.HeaderWebhookTimestamp,
}

// Open reads the envelope. A plugin names its site, id and type in what it signed. WooCommerce's delivery id is one for all
// deliveries of a webhook in one second, so a body stands for itself; only {"id"} of a deleted order, which comes again
// when the order is deleted again, is told apart by it.
func (*Adapter) Open(header adapters.Header, body []byte) (adapters.Envelope, error) {
	if plugin.Signed(header) {
		return plugin.Open(header, body)
	}
	topic := header(headerTopic)
	if err := checkTopic(topic); err != nil {
		return adapters.Envelope{}, err
	}
	digest := sha256.New()
	if topic == topicDeleted {
		digest.Write([]byte(topic + "\n" + header(headerDeliveryID) + "\n"))
	}
	digest.Write(body)
	return adapters.Envelope{Topic: topic, PlatformDeliveryID: "sha256:" + hex.EncodeToString(digest.Sum(nil))}, nil
}

// checkTopic keeps blanks and control characters out of keys, and a platform's topic from passing for a plugin's.
func checkTopic(topic string) error {
	var fault string
	switch {
	case topic == "":
		fault = "the header is missing"
	case len(topic) > maxHeaderBytes:
		fault = fmt.Sprintf("the header is longer than %d bytes", maxHeaderBytes)
	case strings.ContainsFunc(topic, func(r rune) bool { return r <= ' ' || r > '~' }):
		fault = "the header holds something other than printable ASCII without blanks"
	case strings.HasPrefix(topic, plugin.TopicPrefix), topic == adapters.FetchedTopic:
		fault = "this is no topic of WooCommerce"
	default:
		return nil
	}
	return &adapters.Malformed{Field: headerTopic, Reason: fault}
}

// Parts takes a batch of a plugin's snapshots apart; none where the delivery is a single one.
func (*Adapter) Parts(topic string, body []byte) ([]adapters.Part, error) {
	return plugin.Parts(topic, body)
}

// Verify checks a plugin's signature, or the base64 HMAC-SHA256 of the raw body that WooCommerce sends. Every secret is
// tried even after one fits; the texts are compared, not what they decode to.
func (*Adapter) Verify(header adapters.Header, body []byte, secrets [][]byte) error {
	if plugin.Signed(header) {
		return adapters.VerifyStandard(header, body, secrets)
	}
	signature := []byte(header(headerSignature))
	fits := false
	for _, secret := range secrets {
		if len(secret) == 0 {
			continue // Anyone can sign with the empty key.
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		if hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), signature) {
			fits = true
		}
	}
	if !fits {
		return adapters.ErrSignature
	}
	return nil
}

// pingBody is what WooCommerce posts, unsigned, when a webhook is made.
var pingBody = regexp.MustCompile(`^webhook_id=[0-9]{1,20}$`)

// Ping reports whether a request is WooCommerce's own trial of a new webhook. It says nothing and is not stored, but an
// answer other than 200 would keep the webhook from being made.
func (*Adapter) Ping(header adapters.Header, body []byte) bool {
	return header(headerTopic) == "" && header(headerSignature) == "" && !plugin.Signed(header) && pingBody.Match(body)
}
