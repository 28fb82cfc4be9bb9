// Package admin changes what a program is: its stores, keys, people, mappings and plans. The CLI and the API share it.
package admin

import (
	"context"
	"time"

	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// Program is a direct-selling company.
type Program struct {
	ProgramID string
	Name      string
	Currency  money.Currency
	TimeZone  string // IANA name
}

// Store is one shop of a program. Secrets are sealed before they reach the database.
type Store struct {
	StoreID          string
	ProgramID        string
	Platform         order.Platform
	Domain           string // unique per platform
	Name             string
	Currency         money.Currency
	GoLiveAt         int64 // microseconds since 1970 UTC; 0: none
	AcceptTestOrders bool
	SealedSecret     []byte // sealed with the store id as associated data; nil: the platform's app secret alone counts
	SealedOldSecret  []byte // accepted beside the new one during rotation
	Closed           bool   // its company is closed: nothing of it is taken any more
}

// APIKey lets a shop or analyst in. Only the SHA-256 of the key is kept.
type APIKey struct {
	KeyID     string
	ProgramID string
	StoreID   string // orders posted with the key belong to this store; "" : a reading key
	Name      string
	Role      string // what it may do, as a person of that role; "": admin
	Hash      [32]byte
}

// Distributor is one person to add or change.
type Distributor struct {
	DistributorID string
	SponsorID     string
	Status        genealogy.Status
	Rank          string
	Country       string
	Codes         []string  // nil: as they are
	Keep          Keep      // what a row says nothing about
	SealedTaxID   []byte    // sealed with program and distributor id as associated data
	SealedProfile []byte    // name and e-mail as JSON, sealed likewise; erasing a person drops it
	CreatedAt     time.Time // when the person joined; links and standings hold from then
	Customers     []Binding // the customers of stores who are this person; others stay as they are

	// Facts that only periods need; what is nil or zero stays as it is.
	EnrollerID *string   // "": the sponsor
	EnrolledAt time.Time // the person's first day; CreatedAt where it is never said
	Autoship   *bool
	Place      *Place
}

// Place is where a person's first position stands in the placement tree.
type Place struct {
	Parent string // position above; "" at a top
	Leg    int    // which child of it, from 0, the left
}

// Keep names the fields in which somebody who is known already stays the same. For somebody new the fields count as they
// are.
type Keep struct{ Sponsor, Status, Rank, Country bool }

// ImportSummary says what an import did, or would do.
type ImportSummary struct {
	Added     int
	Changed   int
	Unchanged int
	Released  int // parked orders whose cause is mended
}

// Store of administrative facts. Every change raises the program's tree, catalogue or plans version in the same
// transaction and releases the parked orders whose causes it mends.
type Books interface {
	CreateProgram(ctx context.Context, p Program) error // server.Conflict when the id exists
	CreateStore(ctx context.Context, s Store) error
	UpdateStore(ctx context.Context, s Store) error
	StoreByID(ctx context.Context, storeID string) (Store, error)
	StoreByDomain(ctx context.Context, p order.Platform, domain string) (Store, error)
	CreateAPIKey(ctx context.Context, k APIKey) error
	APIKeyByHash(ctx context.Context, hash [32]byte) (APIKey, error)
	RevokeAPIKey(ctx context.Context, program, keyID string) error
	PublishPlan(ctx context.Context, program string, p *plan.Plan, canonical []byte) error // same hash twice: no change
	// PutDistributors adds people and records changes as dated facts, all or nothing. commit=false rolls back.
	PutDistributors(ctx context.Context, program string, people []Distributor, at time.Time, commit bool) (ImportSummary, error)
	// PutMappings adds dated mappings, all or nothing. commit=false rolls back.
	PutMappings(ctx context.Context, program string, mappings []catalog.Mapping, at time.Time, commit bool) (ImportSummary, error)
	// PutBindings records what the company says of customers, all or nothing, without touching what is settled.
	// commit=false rolls back. A store or distributor that is not there is a RowErrors.
	PutBindings(ctx context.Context, program string, bindings []Binding, at time.Time, commit bool) (ImportSummary, error)
	// PutSeenMappings is PutMappings by somebody who has seen what is there: the version of the newest mapping of each row's
	// SKU and country, 0 for none, -1 for a row for which it does not matter. It refuses with server.Conflict where another
	// one is there.
	PutSeenMappings(ctx context.Context, program string, mappings []catalog.Mapping, seen []int64, commit bool) (ImportSummary, error)
	// MappingRules reads a program's rules as JSON, and their version; 0: there never were any.
	MappingRules(ctx context.Context, program string) (rules []byte, version int64, err error)
	// PutMappingRules keeps a program's rules; server.Conflict where they are not at the version seen. It gives the new version.
	PutMappingRules(ctx context.Context, program string, rules []byte, seen int64, actor string) (int64, error)
	// ProgramsWithRules lists the programs that have a rule.
	ProgramsWithRules(ctx context.Context) ([]string, error)
	// WaitingSKUs lists the SKUs that orders wait for and that have never been mapped, in order.
	WaitingSKUs(ctx context.Context, program string) ([]WaitingSKU, error)
	// Closing says what closing a program would take away and what it leaves.
	Closing(ctx context.Context, program string) (Closing, error)
	// CloseProgram closes a program, all or nothing, and gives when it was closed first. From then on its tree, catalogue and
	// plans refuse changes, and it gets no store, key, member or connection.
	CloseProgram(ctx context.Context, program string, at time.Time) (closedAt int64, err error)
	// TimeZone is a program's, by its IANA name; server.NotFound where there is no such program.
	TimeZone(ctx context.Context, program string) (string, error)
	// ClosedAt says when a program was closed; 0: it is open.
	ClosedAt(ctx context.Context, program string) (int64, error)
	// Replay makes a delivery's revision (or its body, while kept) be processed again.
	Replay(ctx context.Context, program, deliveryID string) error
	// PutSetting writes what a program's screens keep under a name; server.Conflict where it is not at the version seen, 0
	// for one that is not there yet. It gives the new version.
	PutSetting(ctx context.Context, program, name string, value []byte, seen int64, actor string) (int64, error)
	// PutView keeps a view in the place of the actor's of the same list and name, and gives its id; server.Conflict where the
	// actor has limit others of the list.
	PutView(ctx context.Context, program string, v View, limit int) (viewID string, err error)
	// RemoveView removes a view of the actor's, or with all one that everybody sees; server.NotFound where there is none. It
	// tells whether everybody saw it.
	RemoveView(ctx context.Context, program, viewID, actor string, all bool) (shared bool, err error)
	// Audit records who did what.
	Audit(ctx context.Context, program, actor, action, subject, detail string) error
}
