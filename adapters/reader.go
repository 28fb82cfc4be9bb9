package adapters

import (
	"context"
	"errors"
	"strings"
	"time"
)

// FetchedTopic is the topic under which an order read from a platform's API enters the inbox. It walks the same way as a
// webhook: Normalise reads it, and what it tells converges with whatever was told before.
const FetchedTopic = "upline/fetched"

// FetchedAtHeader says, in RFC 3339, when reading began: whatever was told before that instant is in what was read. It is set
// by whoever puts a fetched order into the inbox.
const FetchedAtHeader = "upline-fetched-at"

// ReservedTopic says whether only we may use a topic. Topics stand in unsigned headers, so that an adapter's Open refuses it.
func ReservedTopic(topic string) bool { return strings.HasPrefix(topic, "upline/") }

// Fetched is one order as a platform's API tells it now: a full snapshot that Normalise reads under FetchedTopic.
type Fetched struct {
	PlatformOrderID string
	UpdatedAt       time.Time // the platform's own; orders a listing, never two revisions
	Body            []byte
}

// Reader reads a store's orders from its platform: to fill the gaps that a hint leaves, and for reconciliation. It is bound to one
// store and its credentials; calls end with ctx.
type Reader interface {
	// Order reads one order. ErrNoOrder where the platform knows none of that id.
	Order(ctx context.Context, platformOrderID string) (Fetched, error)
	// Changed hands out every order changed in [from, to), each at least once, in bounded memory. An error of yield ends it.
	Changed(ctx context.Context, from, to time.Time, yield func(Fetched) error) error
}

// ErrNoOrder means that the platform has no order of that id: it was deleted, or never was.
var ErrNoOrder = errors.New("the platform knows no such order")

// ErrReauthorise means that the platform refuses the store's credentials for good: the merchant has to connect again.
var ErrReauthorise = errors.New("the platform refuses the store's credentials; connect the store again")

// ErrPluginOff means that the shop answers, but the plugin by which it is read is switched off, and nothing else reads it.
var ErrPluginOff = errors.New("the shop's plugin is switched off, and no keys for reading were granted; switch it on in the shop")

// KeyChecker is a Reader that holds keys which it does not use as long as there is a better way to read.
type KeyChecker interface {
	// CheckKeys tries them: ErrReauthorise where the platform refuses them, nil where they work or there are none.
	CheckKeys(ctx context.Context) error
}
