// Package install connects stores of every platform and keeps their credentials: it makes the single-use codes of connect
// flows, seals what a platform granted, renews what expires, and knows which store has to be connected again.
//
// It is neutral: what to send to a platform is the platform's adapter's business (Refresher); what a store is, admin's.
package install

import (
	"context"
	"errors"
	"io"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/secret"
)

// State says whether a store's platform lets us in.
type State string

// The states. A store without a row was never connected: its deliveries count all the same.
const (
	Connected   State = "connected"
	NeedsReauth State = "needs_reauth" // the platform refused the credentials for good; the merchant has to come back
	Uninstalled State = "uninstalled"  // the credentials are gone, the ledger stays
)

// Credentials are what a platform granted. Which fields are set is the platform's: Shopify has Token and RefreshToken,
// WooCommerce Key and Secret, Magento all but RefreshToken.
type Credentials struct {
	Key          secret.Text // consumer key
	Secret       secret.Text // consumer secret
	Token        secret.Text // access token
	TokenSecret  secret.Text
	RefreshToken secret.Text
	// Base is where a shop's API answers, such as https://shop.example.com/index.php/; "": at the store's domain.
	Base string
	// SchemeHidden: a proxy before the shop hides from it by which scheme it is called, so that calls are signed for the other.
	SchemeHidden bool
	Scopes       []string  // what the merchant agreed to
	ExpiresAt    time.Time // of Token; zero: it never expires
	// RefreshExpiresAt is when the platform forgets RefreshToken; zero: never.
	RefreshExpiresAt time.Time
}

// Connection is what is kept of a store's credentials: one row of store_credentials.
type Connection struct {
	ProgramID        string
	StoreID          string
	Platform         order.Platform // of the store; not stored here
	Domain           string         // of the store; not stored here
	State            State
	Reason           string // why it is not connected; for people
	Sealed           []byte // the credentials, sealed for this row; nil: there are none
	Scopes           []string
	ExpiresAt        time.Time
	RefreshExpiresAt time.Time
	ConnectedAt      time.Time // of the last connect by the merchant
	RenewedAt        time.Time // when the platform last gave credentials, by connect or refresh
	ChangedAt        time.Time
	Revision         int64     // rises with every change; 0: the row is not there yet
	LeaseUntil       time.Time // somebody is asking the platform for new credentials until then
	LeaseOwner       string
}

// Flow is a connect flow under way. The merchant carries its code through the platform and back.
type Flow struct {
	Purpose   string // which step the code is for, for example "shopify.code"
	ProgramID string // "" where it is not known yet
	Platform  order.Platform
	Domain    string // of the shop that is being connected
	Payload   []byte // what the step needs to go on; sealed at rest
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not yet
}

// FlowRow is a flow as it is stored: under the hash of its code.
type FlowRow struct {
	Flow
	Hash   [32]byte
	Sealed []byte
}

// FlowLife is how long a merchant may take to come back.
const FlowLife = 15 * time.Minute

// Books keep connections and flows.
type Books interface {
	// Connection reads a store's row; a store without one gives Revision 0 and State "". server.NotFound: no such store.
	Connection(ctx context.Context, storeID string) (Connection, error)
	// Connections lists what a program's stores have.
	Connections(ctx context.Context, program string) ([]Connection, error)
	// ChangeConnection gives f the store's row under its lock and writes what f leaves in it, with the next revision.
	// Where f returns an error nothing changes. f may run more than once.
	ChangeConnection(ctx context.Context, storeID string, f func(*Connection) error) (Connection, error)
	// StaleConnections lists connected stores whose credentials expire and were last renewed before the given time, oldest
	// first, at most limit.
	StaleConnections(ctx context.Context, before time.Time, limit int) ([]Connection, error)
	// PutFlow stores a flow and forgets those that expired a day ago.
	PutFlow(ctx context.Context, f FlowRow) error
	// Flow finds a flow; consume makes it count as used. server.NotFound where there is none of that hash and purpose that
	// has neither expired at now nor been used.
	Flow(ctx context.Context, hash [32]byte, purpose string, now time.Time, consume bool) (FlowRow, error)
	// Followed finds a flow whether or not it is over; server.NotFound where there is none of that hash and purpose.
	Followed(ctx context.Context, hash [32]byte, purpose string) (FlowRow, error)
	// NoteFlow exchanges what a flow carries.
	NoteFlow(ctx context.Context, hash [32]byte, sealed []byte) error
}

// Refresher asks a platform for new credentials. adapters.ErrReauthorise: it never will again with these. It does not
// matter if an answer is lost: it is asked again with the same credentials.
type Refresher interface {
	Refresh(ctx context.Context, domain string, old Credentials) (Credentials, error)
}

// Sealer encrypts at rest; associated binds the sealed bytes to their row.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Auditor writes down who did what.
type Auditor interface {
	Audit(ctx context.Context, program, actor, action, subject, detail string) error
}

// Service connects stores. It is safe for concurrent use; several processes may share one database.
type Service struct {
	Books      Books
	Auditor    Auditor
	Sealer     Sealer
	Random     io.Reader // crypto/rand.Reader in production
	Clock      func() time.Time
	Refreshers map[order.Platform]Refresher

	flights flights
}

var (
	// ErrNotConnected means that the store has no credentials, or none that work: the merchant has to connect it.
	ErrNotConnected = &server.Error{Code: server.Conflict, Message: "this store is not connected; connect it again", Err: adapters.ErrReauthorise}
	errLostLease    = errors.New("another process renews these credentials")
)
