// Package channel is what a store's plugin and this server say to each other beside orders: how a plugin is connected, what it
// reports of itself, and what the shop's own pages ask for. docs/plugin-protocol.md is the contract.
//
// It trusts what is signed with the store's secret to speak for that store alone. Whoever calls it has checked the
// signature, the clock and the site.
package channel

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/query"
)

// Version of the protocol that is spoken here.
const Version = 1

// Channel is what is kept of a store whose plugin speaks with us.
type Channel struct {
	StoreID           string
	ProgramID         string
	SealedIdentityKey []byte // keys the hashes of buyers' e-mail; sealed with the store's id
	LinkRole          string // what admins of the shop are here, who come by a link; "": nobody comes
	ClaimedAt         time.Time
	HeartbeatAt       time.Time // zero: never
	Heartbeat         []byte    // the last one, as JSON
}

// Figures count a store's orders.
type Figures struct {
	Orders      int64
	Parked      int64
	LastOrderAt time.Time // when the last one arrived; zero: none
}

// Balance is what one distributor has in one currency, in minor units.
type Balance struct {
	Currency       money.Currency
	PendingMinor   int64
	AvailableMinor int64
	PaidMinor      int64
	ReversedMinor  int64 // taken back so far, not above 0
	SinceMinor     int64 // earned since the time asked for
}

// Books keep channels.
type Books interface {
	// Channel reads a store's; server.NotFound where no plugin was ever connected.
	Channel(ctx context.Context, storeID string) (Channel, error)
	// Channels lists a program's.
	Channels(ctx context.Context, program string) ([]Channel, error)
	// PutChannel notes that a plugin was connected. The identity key of a store that has one stays.
	PutChannel(ctx context.Context, c *Channel) error
	// PutHeartbeat keeps what a plugin says of itself.
	PutHeartbeat(ctx context.Context, program, storeID string, at time.Time, text []byte) error
	// UseNonce takes the id of a signed call; false where it was taken before and has not expired.
	UseNonce(ctx context.Context, program, storeID, nonce string, now, expires time.Time) (fresh bool, err error)
	StoreFigures(ctx context.Context, program, storeID string) (Figures, error)
	// BalancesOf sums a distributor's accounts, and what was earned since a time, by currency.
	BalancesOf(ctx context.Context, program, distributorID string, since time.Time) ([]Balance, error)
}

// Codes keep single-use codes; auth.Books are such.
type Codes interface {
	PutCode(ctx context.Context, c auth.Code) error
	TakeCode(ctx context.Context, purpose string, hash [32]byte, now time.Time) (auth.Code, error)
}

// Eraser carries out what the law grants a customer of a store.
type Eraser interface {
	// EraseCustomer notes the wish; it is carried out within the law's month. A guest is told by the orders.
	EraseCustomer(ctx context.Context, program, storeID, customerID string, orderIDs []string) error
}

// Service answers plugins. It is safe for concurrent use.
type Service struct {
	Books   Books
	Admin   *admin.Service
	Reader  query.Reader
	Install *install.Service
	Random  io.Reader // crypto/rand.Reader in production
	Clock   func() time.Time
	Codes   Codes
	Eraser  Eraser // nil: erasing is not there
	Base    string // this server's address as the shop reaches it, such as https://upline.example.com
}

// head is what every call says of itself.
type head struct {
	Type    string `json:"type"`
	Version int    `json:"version"`
	Site    string `json:"site"`
}

// Head reads which call a body is signed for, and from which site. A body for another call is refused: what was signed for
// one purpose must not serve another.
func Head(body []byte, call string) (site string, err error) {
	var h head
	if err := decode(body, &h); err != nil {
		return "", err
	}
	switch {
	case h.Type != call:
		return "", invalid("type", "the body is not signed for this call; its type has to be "+call)
	case h.Version != Version:
		return "", invalid("version", "this server speaks version 1 of the plugin protocol; update the plugin or the server")
	}
	return h.Site, nil
}

// decode reads a body; members that nobody knows are skipped, so that both sides may add some.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return &server.Error{Code: server.Invalid, Message: "the body is not the JSON this call takes: " + err.Error()}
	}
	return nil
}

func invalid(field, message string) error {
	return &server.Error{Code: server.Invalid, Field: field, Message: message}
}

// calls are what a plugin may ask, by name.
var calls = map[string]func(*Service, context.Context, *admin.Store, []byte) (any, error){
	"status":       (*Service).status,
	"heartbeat":    (*Service).heartbeat,
	"distributors": (*Service).distributors,
	"coupons":      (*Service).coupons,
	"earnings":     (*Service).earnings,
	"explanation":  (*Service).explanation,
	"sso":          (*Service).link,
	"erase":        (*Service).erase,
	"export":       (*Service).export,
	"rotate":       (*Service).rotate,
	"disconnect":   (*Service).disconnect,
}

// Known reports whether there is such a call.
func Known(call string) bool { return calls[call] != nil }

// Call answers one signed call of a store's plugin. id is the signed message id; it counts once.
func (s *Service) Call(ctx context.Context, st *admin.Store, call, id string, body []byte, life time.Duration) (any, error) {
	f := calls[call]
	if f == nil {
		return nil, server.Errorf(server.NotFound, "there is no call %.40q; see docs/plugin-protocol.md", call)
	}
	now := s.Clock().UTC()
	fresh, err := s.Books.UseNonce(ctx, st.ProgramID, st.StoreID, id, now, now.Add(life))
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, &server.Error{Code: server.Conflict, Field: "webhook-id", Message: "this call was taken already; send it with a new id"}
	}
	return f(s, ctx, st, body)
}

// actor is who a store's plugin is in the audit log.
func actor(storeID string) string { return "store:" + storeID }
