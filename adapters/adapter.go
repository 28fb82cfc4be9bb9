// Package adapters is what the server knows of a platform: how to check that a delivery is genuine and how to read it.
package adapters

import (
	"errors"
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// Store is what an adapter may know of a store.
type Store struct {
	StoreID  string
	Platform order.Platform
	Domain   string         // "shop.myshopify.com", or the site's base URL
	Currency money.Currency // the shop currency
}

// Envelope is what a platform's headers say before the body is read.
type Envelope struct {
	StoreDomain        string // which store claims to send; "" where the URL says it
	Topic              string
	PlatformDeliveryID string // unique per delivery and equal across its retries
}

// Header reads a request header by name, without case; "" where absent.
type Header func(name string) string

// Part is one of several deliveries that came in one body.
type Part struct {
	Topic              string
	PlatformDeliveryID string
	Body               []byte // its own bytes
}

// Adapter is one platform. All methods are pure: no I/O, no clock.
type Adapter interface {
	// Platform names it.
	Platform() order.Platform
	// Open reads the envelope. Missing headers give a *Malformed.
	Open(header Header, body []byte) (Envelope, error)
	// KeepHeaders lists the lower-case header names to store with the body.
	KeepHeaders() []string
	// Verify checks the signature over the raw body in constant time against each secret (new first, then old).
	// Empty secrets are refused, not tried. ErrSignature where none fits.
	Verify(header Header, body []byte, secrets [][]byte) error
	// Normalise reads a delivery. A topic that changes no commission gives one Ignored revision. Bytes it cannot read
	// give a *Malformed; it never panics and never guesses.
	Normalise(d order.Delivery, s Store) ([]order.Revision, error)
}

// Teller is an Adapter that tells more cheaply than Normalise does what a delivery is about, for whoever only passes it on.
type Teller interface {
	// Tell gives the revisions of Normalise without their Order, Refunds and Note. It reads no more than it needs for that, so it may
	// also answer for a body that Normalise refuses.
	Tell(d order.Delivery, s Store) ([]order.Revision, error)
}

// ErrSignature means that no secret fits the signature, or that there is none.
var ErrSignature = errors.New("signature does not match")

// Malformed is a body or header that cannot be read; Field is a JSON path or a header's name.
type Malformed struct {
	Field  string
	Reason string
}

// Error names the field and what is wrong with it.
func (m *Malformed) Error() string { return fmt.Sprintf("%s: %s", m.Field, m.Reason) }
