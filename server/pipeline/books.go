// Package pipeline walks a delivery from the inbox to the ledger: normalise, merge, map, calculate, post.
package pipeline

import (
	"context"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/inbox"
)

// Store is what the pipeline needs of the database beside the inbox.
type Store interface {
	// InTx runs f in one transaction scoped to one program, with the subject's sources locked (in sorted order, also those
	// that have no row yet). Serialization failures and deadlocks run f again, a bounded number of times; f must be pure but
	// for its Books. All that f wrote becomes durable together, or none of it.
	InTx(ctx context.Context, programID string, about Subject, f func(Books) error) error
	// StoreInfo reads what adapters and the rules need to know of a store; server.NotFound where there is none.
	StoreInfo(ctx context.Context, storeID string) (StoreInfo, error)
	// ReleasedSources lists sources of the program whose park causes were mended and that await settlement.
	ReleasedSources(ctx context.Context, limit int) ([]ReleasedSource, error)
}

// Subject is what a transaction is about.
type Subject struct {
	Sources []order.Source // the orders it settles; it locks them
	// Customers and Checkouts are those that Books.Known will most likely be asked for, so that they can be read along with the
	// orders. Whoever names none, or others, is only slower.
	Customers []Customer
	Checkouts []Checkout
}

// ReleasedSource is an order to settle again though no delivery came.
type ReleasedSource struct {
	ProgramID string
	Source    order.Source
}

// StoreInfo is a store as the pipeline sees it.
type StoreInfo struct {
	adapters.Store
	ProgramID        string
	GoLiveAt         int64 // microseconds since 1970 UTC; orders before it never pay; 0: no such date
	AcceptTestOrders bool
}

// Versions are the program's counters as read inside the transaction; equal counters mean equal facts, so caches
// keyed by them are sound.
type Versions struct {
	Tree    int64
	Catalog int64
	Plans   int64
}

// Books is one open transaction of one program.
type Books interface {
	// Versions reads the program's counters.
	Versions() Versions
	// Sources gives the locked rows, in the order asked for.
	Sources() []SourceRecord
	// Tree, Catalog and Plans give facts up to the transaction's Versions; implementations cache by version and load
	// only what is new.
	Tree(ctx context.Context) (*genealogy.Tree, error)
	Catalog(ctx context.Context) (*catalog.Catalog, error)
	Plans(ctx context.Context) ([]PublishedPlan, error) // ascending EffectiveFrom
	// Known reads what is known of customers and of checkouts.
	Known(ctx context.Context, customers []Customer, checkouts []Checkout) (Known, error)
	// Enrolments reads when people were enrolled: every fact recorded up to the transaction's Versions.Tree, of each person
	// in the order in which they hold, the last one over those before.
	Enrolments(ctx context.Context, ids []string) ([]Enrolment, error)
	// Enrollers gives the links of everybody who has an enroller other than the sponsor, by date and then by version.
	Enrollers(ctx context.Context) (map[string][]genealogy.Link, error)
	// TimeZone is the program's, an IANA name.
	TimeZone(ctx context.Context) (string, error)
	// Settle writes everything the batch decided: revisions, states, pins, snapshots, postings (sealed, chained),
	// outbox rows, parks, bindings, and the deliveries' ends. Called once. A source that is no longer parked ends its
	// other parked deliveries; every outcome but Unchanged takes the source off ReleasedSources.
	Settle(ctx context.Context, settlements []Settlement, finished []inbox.Finished, at time.Time) error
}

// PublishedPlan is one immutable plan version.
type PublishedPlan struct {
	Hash          string
	Plan          *plan.Plan
	EffectiveFrom int64 // microseconds since 1970 UTC
}

// Known is what there is about some customers and checkouts. Of whom nothing is known, there is no entry.
type Known struct {
	// Bound is whose customers they are by their orders.
	Bound map[Customer]Binding
	// Stated is what the company itself says of them, every fact recorded up to the transaction's Versions.Tree, in no
	// particular order.
	Stated map[Customer][]order.Binding
	// Hints is what the stores' pages told of checkouts.
	Hints map[Checkout]string
}

// Checkout is one checkout of one store, by the hash of its token.
type Checkout struct {
	StoreID string
	Key     string
}

// Customer is one platform customer of one store.
type Customer struct {
	StoreID    string
	CustomerID string
}

// Binding ties a customer to a distributor from the first attributed order on.
type Binding struct {
	Customer
	DistributorID string
	BoundAt       int64 // order_ts of the order that bound, microseconds since 1970 UTC
	Source        string
	Renews        bool // it replaces one whose days have run out; otherwise the first one recorded wins
}

// Pins are what an order keeps for life once it was settled.
type Pins struct {
	commission.Pins
	// BoundDistributor is the customer binding that held at the first settlement; "" for none.
	BoundDistributor string `json:"bound_distributor,omitempty"`
	// BuyerDistributor is who the customer was as a distributor at the first settlement; "" for a customer.
	BuyerDistributor string `json:"buyer_distributor,omitempty"`
	// BuyerUntold says that nobody had told who the customer was at the first settlement, so that the two above wait for it.
	BuyerUntold bool `json:"buyer_untold,omitempty"`
	// HintedReference is what the store's pages had told of the checkout at the first settlement; "" for nothing.
	HintedReference string `json:"hinted_reference,omitempty"`
	// LaterSKUs are SKUs first mapped after CatalogVersion (an edit added them), with the version they were read at.
	LaterSKUs []LaterSKU `json:"later_skus,omitempty"`
	// Enrolled is when its seller and buyer were enrolled, where its plan asks for it.
	Enrolled []commission.Enrolment `json:"enrolled,omitempty"`
}

// LaterSKU is one SKU read at a later catalogue version than the order's pin.
type LaterSKU struct {
	PlatformSKU    string `json:"platform_sku"`
	CatalogVersion int64  `json:"catalog_version"`
}

// SourceRecord is an order's row as the transaction found it. Zero State, Revision 0 and nil Pins for a new source.
type SourceRecord struct {
	Source   order.Source
	State    order.State
	Revision int64 // settlements that posted something so far
	Pins     *Pins
	Posted   []ledger.Balance // sums of postings per key
	Sales    []Sale           // what counts in periods, summed by identity
	Parked   bool
}

// Outcome is what became of a source in this batch.
type Outcome string

// The outcomes.
const (
	Settled   Outcome = "settled"   // decided; Postings may be empty
	Unchanged Outcome = "unchanged" // nothing new was said
	Parked    Outcome = "parked"    // what was posted before stays; Reason says why
)

// ReasonCode names why something is parked. It is API: screens and filters use it.
type ReasonCode string

// The reasons.
const (
	ReasonMalformed          ReasonCode = "malformed"           // body cannot be read
	ReasonUnmappedSKU        ReasonCode = "unmapped_sku"        // cause "sku:{platform}:{platform_sku}"
	ReasonUnknownDistributor ReasonCode = "unknown_distributor" // cause "ref:{lower-case reference}"
	ReasonInconsistentTotals ReasonCode = "inconsistent_totals" // waits for a newer snapshot
	ReasonInvalidOrder       ReasonCode = "invalid_order"       // negative or impossible figures; waits for a newer snapshot
	ReasonCurrencyMismatch   ReasonCode = "currency_mismatch"   // cause "currency:{store_id}", or a newer snapshot
	ReasonMissingRate        ReasonCode = "missing_rate"        // causes "rate:{currency}" and "plan"
	ReasonOrderMissing       ReasonCode = "order_missing"       // a refund or hint came before its order
	ReasonOrderStale         ReasonCode = "order_stale"         // an edit was announced; waits for the snapshot
	ReasonOrderConflict      ReasonCode = "order_conflict"      // two bodies of one version
	ReasonNoPlan             ReasonCode = "no_plan"             // cause "plan"
	ReasonUnknownRank        ReasonCode = "unknown_rank"        // causes "ref:{lower-case distributor id}" and "plan"
	ReasonMissingWholesale   ReasonCode = "missing_wholesale"   // waits for a newer snapshot, or cause "plan"
	ReasonMissingEnrolment   ReasonCode = "missing_enrolment"   // causes "ref:{lower-case distributor id}" and "plan"
	ReasonFailed             ReasonCode = "failed"              // our own failure, repeated until no attempt was left
)

// Reason is why a source is parked, with what mends it and the money that waits.
type Reason struct {
	Code         ReasonCode
	Detail       string         // a sentence naming the field, the figures and the mend
	Causes       []string       // keys that release it, such as "sku:shopify:TEA-12"; none: a newer snapshot does
	WaitingMinor int64          // net of the order, as far as known
	Currency     money.Currency // of WaitingMinor; "" where unknown
}

// Revised is one revision to keep, with the delivery it came in.
type Revised struct {
	DeliveryID string
	ReceivedAt time.Time // arrival of the delivery
	Hash       [32]byte
	Text       []byte // the revision's canonical JSON; nil: whoever stores it encodes it
	Revision   order.Revision
}

// Settlement is everything one batch decided about one source.
type Settlement struct {
	Source      order.Source
	Platform    order.Platform
	Revisions   []Revised
	State       order.State
	Outcome     Outcome
	Reason      *Reason           // Parked
	Order       *order.Order      // effective order; nil where none can be told yet
	Net         order.Breakdown   // Settled
	Attribution order.Attribution // Settled
	Pins        *Pins             // nil keeps what is stored: parked, unchanged, or settled before any plan was picked
	Revision    int64             // after this settlement; raised by one where Postings is not empty
	Snapshot    []byte            // calc_snapshot_json; nil where nothing was posted
	SnapshotID  string            // hex SHA-256 of Snapshot
	Postings    []ledger.Posting  //
	Sales       []Sale            // how what counts in periods changes
	Binding     *Binding          // a customer bound by this order
	Awaits      []string          // causes that settle it again though it is not parked, such as "checkout:{store}:{key}"
	Deliveries  []inbox.Finished  // the deliveries that end with this settlement
}
