// Package run closes periods: it gathers what one was made of, lets core decide what everybody should have, and brings
// the ledger there.
//
// What stands in the ledger for a period is always what its facts, tree, ranks and plan deserve, less what is posted
// already; so a second run posts nothing, and one that was interrupted is taken up by running it again. A preview and a
// projection write nothing at all.
package run

import (
	"context"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
)

// State is where a period stands.
type State string

// The states. Committing is a commit under way, or one that was interrupted and waits to be run again.
const (
	Open       State = "open"
	Preview    State = "preview" // somebody had a preview recorded
	Locked     State = "locked"
	Committing State = "committing"
	Committed  State = "committed"
	Paid       State = "paid"
)

// Action is what a recorded run did.
type Action string

// The actions.
const (
	ActionPreview Action = "preview"
	ActionLock    Action = "lock"
	ActionCommit  Action = "commit"
	ActionRestate Action = "restate"
	ActionPay     Action = "pay"
)

// Pins are what a period is computed from. They are fixed when it is locked.
type Pins struct {
	PlanHash      string `json:"plan_hash"`
	TreeVersion   int64  `json:"tree_version"`
	SalesSequence int64  `json:"sales_sequence"` // sales recorded later are late
	BatchSequence int64  `json:"batch_sequence"` // postings sealed later are late
}

// Period is one period of one program as the books have it.
type Period struct {
	Kind        string    `json:"kind"`
	PeriodID    string    `json:"period_id"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	State       State     `json:"state"`
	Pins        Pins      `json:"pins"`
	Late        string    `json:"late,omitempty"` // the plan's policy for late changes
	Revision    int64     `json:"revision"`       // commits begun
	CommittedAt time.Time `json:"committed_at,omitzero"`
	CommittedBy string    `json:"committed_by,omitempty"`
	LockedAt    time.Time `json:"locked_at,omitzero"`
	LockedBy    string    `json:"locked_by,omitempty"`
	PaidAt      time.Time `json:"paid_at,omitzero"`
	PaidBy      string    `json:"paid_by,omitempty"`
	RunID       string    `json:"run_id,omitempty"`
	InputHash   string    `json:"input_hash,omitempty"`
	ResultHash  string    `json:"result_hash,omitempty"`
	Totals      *Totals   `json:"totals,omitempty"`

	// CommittedRevision is the commit whose ranks and states readers see; 0 is none.
	CommittedRevision int64 `json:"-"`
}

// Run is one entry of a period's history.
type Run struct {
	RunID      string    `json:"run_id"`
	Kind       string    `json:"kind"`
	PeriodID   string    `json:"period_id"`
	Action     Action    `json:"action"`
	Revision   int64     `json:"revision"`
	At         time.Time `json:"at"`
	Actor      string    `json:"actor"`
	Pins       Pins      `json:"pins"`
	InputHash  string    `json:"input_hash,omitempty"`
	ResultHash string    `json:"result_hash,omitempty"`
	Totals     *Totals   `json:"totals,omitempty"`
	Report     *Report   `json:"report,omitempty"`
}

// Head is the newest of everything recorded.
type Head struct {
	TreeVersion, SalesSequence, BatchSequence int64
}

// Program is what a calendar needs to know of one.
type Program struct {
	ProgramID, TimeZone string
	Currency            money.Currency
}

// PublishedPlan is one immutable plan version.
type PublishedPlan struct {
	Plan          *plan.Plan
	EffectiveFrom int64 // microseconds since 1970 UTC
}

// Sale is one change of what sold, or a sum of them.
type Sale struct {
	Source, SellerID, BuyerID, CustomerID, Class, Country string
	Currency                                              money.Currency
	OrderTS, RecordedAt, Sequence                         int64
	Quantity, NetMinor                                    int64
	CV, QV                                                money.Volume
}

// Span is a half-open span of order times, with what had been recorded by a sequence.
type Span struct {
	From, To int64 // microseconds since 1970 UTC
	UpTo     int64 // sales sequence
}

// Late asks for sales of orders before a period that were recorded so that they may count in it.
type Late struct {
	Before          int64 // order time
	From, To        int64 // recorded at
	AfterSeq, ToSeq int64 // or recorded before From under a sequence above AfterSeq; never above ToSeq
}

// FirstOrder is the first counted order of a customer.
type FirstOrder struct{ CustomerID, Source string }

// PersonFact is what else is known of a person as of an instant.
type PersonFact struct {
	DistributorID string
	EnrolledAt    int64 // microseconds since 1970 UTC; 0: not known
	Country       string
	Autoship      bool
}

// Override is a rank given by hand.
type Override struct {
	OverrideID    string `json:"override_id"`
	DistributorID string `json:"distributor_id"`
	Rank          string `json:"rank"`
	Floor         bool   `json:"floor"`       // at least this rank; else exactly this one
	ValidFrom     int64  `json:"valid_from"`  // microseconds since 1970 UTC
	ValidUntil    int64  `json:"valid_until"` // half open
	Reason        string `json:"reason"`
	Actor         string `json:"actor"`
}

// Position is one place in the placement tree.
type Position struct {
	PositionID string // the owner's own id for the first position
	OwnerID    string
	ParentID   string // position above; "" at the top
	Leg        int    // which child of the parent: 0 is left
	ValidFrom  int64  // microseconds since 1970 UTC
}

// People is what periods need beside the sponsor tree, as of one instant and tree version.
type People struct {
	Facts     []PersonFact
	Enrollers []genealogy.Link // people whose enroller is not the sponsor
	Positions []Position       // places that hold, by id
	Overrides []Override       // that hold, in the order in which they were recorded
}

// Rank is what one person's ranks and volumes were in one period.
type Rank struct {
	DistributorID string       `json:"distributor_id"`
	Kind          string       `json:"kind"`
	PeriodID      string       `json:"period_id"`
	Rank          string       `json:"rank"`    // paid as
	Reached       string       `json:"reached"` // highest whose requirement was met
	Title         string       `json:"title"`   // highest ever
	Held          string       `json:"held"`    // without overrides: what the next period begins with
	MetRank       string       `json:"met_rank,omitempty"`
	Active        bool         `json:"active"`
	Missed        uint8        `json:"missed"`
	Met           uint8        `json:"met"`
	PV            money.Volume `json:"pv"`
	GV            money.Volume `json:"gv"`
}

// StatePart is a part of what one component leaves behind for its next period.
type StatePart struct {
	ComponentID string
	Part        int64
	State       []byte
}

// Earned is what one person has by one component, in minor units.
type Earned struct {
	ComponentID, DistributorID string
	Currency                   money.Currency
	AmountMinor                int64
}

// Settlement is one person's postings by one component, with the trace they share.
type Settlement struct {
	Source   string
	Revision int64
	Snapshot []byte // calc_snapshot_json
	Postings []ledger.Posting
}

// Chunk is what one transaction of a commit writes.
type Chunk struct {
	Settlements []Settlement
	Ranks       []Rank
	States      []StatePart
}

// Key names a period.
type Key struct{ Program, Kind, PeriodID string }

// Books is what closing needs of the database. All reading methods give what had been recorded by the versions and
// sequences named, whatever came since.
type Books interface {
	ProgramOf(ctx context.Context, program string) (Program, error)
	Head(ctx context.Context, program string) (Head, error)
	PublishedPlans(ctx context.Context, program string) ([]PublishedPlan, error) // by EffectiveFrom
	TreeAt(ctx context.Context, program string, version int64) (*genealogy.Tree, error)
	PeopleAt(ctx context.Context, program string, as genealogy.AsOf) (People, error)

	// PlacementLinks gives every place ever recorded.
	PlacementLinks(ctx context.Context, program string) ([]placement.Link, error)
	// RecordLinks records changes of the trees as the next version after the one they were planned on; a conflict where
	// the trees have changed meanwhile.
	RecordLinks(ctx context.Context, program string, plannedOn int64, sponsors []genealogy.Link, places []placement.Link) error
	// PutOverride records an override as the next tree version; one of the same id replaces it from that version on.
	PutOverride(ctx context.Context, program string, o Override) error
	Overrides(ctx context.Context, program string) ([]Override, error)

	// RollUp brings the kept sums of a span up to date; reading is right without it, and slower.
	RollUp(ctx context.Context, program string, from, to int64) error
	// SumsOfSales gives sums by seller, buyer, class, country and currency, some of them in several parts.
	SumsOfSales(ctx context.Context, program string, s Span, fn func(*Sale) error) error
	// LinesOfSales gives every line's sum, those of one order together.
	LinesOfSales(ctx context.Context, program string, s Span, fn func(*Sale) error) error
	LateSales(ctx context.Context, program string, l Late, fn func(*Sale) error) error
	// FirstOrders gives the first counted order of everybody who has one in the span.
	FirstOrders(ctx context.Context, program string, s Span, fn func(FirstOrder) error) error
	// FirstSale is the order time of the first sale ever recorded; 0 where there is none.
	FirstSale(ctx context.Context, program string) (int64, error)
	// EarnedBetween sums earnings by order time, sealed after one batch and up to another, but for what the period except
	// has posted itself, or everyPeriod.
	EarnedBetween(ctx context.Context, program string, from, to, afterBatch, batch int64, except string, fn func(Earned) error) error

	PeriodOf(ctx context.Context, k Key) (Period, error) // State Open where there is no row
	Periods(ctx context.Context, program, kind string) ([]Period, error)
	Runs(ctx context.Context, k Key) ([]Run, error)
	RunOf(ctx context.Context, program, runID string) (Run, error)
	RanksOf(ctx context.Context, k Key, fn func(Rank) error) error // of the commit that readers see
	RanksOfPerson(ctx context.Context, program, distributorID string) ([]Rank, error)
	StatesOf(ctx context.Context, k Key) ([]StatePart, error)
	// PostedOf sums earnings and breakage under the keys of all sources that begin with prefix, by source; revision is the
	// last one of that key.
	PostedOf(ctx context.Context, program, prefix string, fn func(b ledger.Balance, revision int64) error) error
	// AwardsOf gives the newest trace of each source that has one, by source.
	AwardsOf(ctx context.Context, program string, sources []string) ([]Trace, error)

	// RecordPreview and Lock write the period as given, if it still stands as in was; else they are a conflict.
	RecordPreview(ctx context.Context, program string, p Period, r Run) error
	Lock(ctx context.Context, program string, was, p Period, r Run) error
	// BeginCommit hides what the commit will post under sources with the prefixes until FinishCommit, and takes the period
	// from every other run.
	BeginCommit(ctx context.Context, program string, was, p Period, prefixes []string) error
	CommitChunk(ctx context.Context, program string, p Period, c Chunk) error
	FinishCommit(ctx context.Context, program string, p Period, r Run) error
	MarkPaid(ctx context.Context, program string, was, p Period, r Run) error
}

// Trace is one stored award.
type Trace struct {
	Source     string    `json:"source"`
	Revision   int64     `json:"revision"`
	SnapshotID string    `json:"snapshot_id"`
	At         time.Time `json:"at"`
	JSON       []byte    `json:"-"`
}

// everyPeriod leaves out all that periods have posted: a period is posted after it was locked, and is no correction.
const everyPeriod = "%"

// SourcePrefix begins the source of every posting of a period.
const SourcePrefix = "period:"

// SourceOf is the source of one person's postings by one component of a period. Every person has their own, so that an
// award is settled, corrected and explained like an order. Component and period ids have no slash in them.
func SourceOf(componentID, periodID, distributorID string) string {
	return SourcesOf(componentID, periodID) + distributorID
}

// SourcesOf is what the sources of a component's postings of a period begin with.
func SourcesOf(componentID, periodID string) string {
	return SourcePrefix + componentID + "/" + periodID + "/"
}

// engineVersion is written into hashes, so that a corrected engine is not taken for the same result.
const engineVersion = commission.EngineVersion

// LastChange is when the period came to where it stands, and by whom.
func (p *Period) LastChange() (at time.Time, by string) {
	at, by = p.LockedAt, p.LockedBy
	if p.CommittedAt.After(at) {
		at, by = p.CommittedAt, p.CommittedBy
	}
	if p.PaidAt.After(at) {
		at, by = p.PaidAt, p.PaidBy
	}
	return at, by
}
