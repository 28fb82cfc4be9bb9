// Package reconcile finds what deliveries did not tell: orders that a platform has and we do not, or have as they were
// before, and mends them through the inbox, on the same road as a webhook.
//
// Two things run. A reconciliation reads every order that a store's platform says was changed in a span of time, and holds
// each against what is known. The fetching of wants reads single orders of which only a hint came, or whose figures do not
// agree. Neither computes a commission, and neither writes an order.
package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// Target is a store that may be reconciled.
type Target struct {
	adapters.Store
	ProgramID string
	GoLiveAt  time.Time // zero: no such date
	// ReachedAt is up to when the store was reconciled and mended without a gap; zero: never.
	ReachedAt time.Time
}

// Known is an order as the books have it.
type Known struct {
	State  order.State
	Parked bool
}

// State is where a run stands.
type State string

// The states of a run.
const (
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Kind says how an order of the platform compares to ours.
type Kind string

// The kinds of finding. An order in step is counted, not listed.
const (
	InStep     Kind = "in_step"
	Missing    Kind = "missing"    // no delivery told it as a whole
	Outdated   Kind = "outdated"   // it has changed since
	Differing  Kind = "differing"  // same version, other figures
	Unsound    Kind = "unsound"    // what the platform tells does not agree with itself
	Unreadable Kind = "unreadable" // what the platform tells cannot be read
)

// Finding is one order that is not in step. Amounts are nets in the store's currency, before any plan.
type Finding struct {
	OrderID    string         `json:"order_id"` // "store_id/platform_order_id"
	Kind       Kind           `json:"kind"`
	KnownMinor int64          `json:"known_minor"` // what our books have of it
	ToldMinor  int64          `json:"told_minor"`  // what the platform says
	Currency   money.Currency `json:"currency"`
	Detail     string         `json:"detail"`
	FoundAt    time.Time      `json:"found_at"`
}

// Counts are a run's figures.
type Counts struct {
	Read       int64 `json:"read"`
	InStep     int64 `json:"in_step"`
	Missing    int64 `json:"missing"`
	Outdated   int64 `json:"outdated"`
	Differing  int64 `json:"differing"`
	Unsound    int64 `json:"unsound"`
	Unreadable int64 `json:"unreadable"`
	Parked     int64 `json:"parked"` // in step, but waiting for something else
	Mended     int64 `json:"mended"` // handed to the inbox
	// KnownMinor and ToldMinor are the nets of all orders read, by our books and by the platform.
	KnownMinor int64 `json:"known_minor"`
	ToldMinor  int64 `json:"told_minor"`
}

// Run is one reconciliation of one store.
type Run struct {
	RunID       string         `json:"run_id"`
	ProgramID   string         `json:"-"`
	StoreID     string         `json:"store_id"`
	From        time.Time      `json:"from"`
	To          time.Time      `json:"to"`
	Mend        bool           `json:"mend"`
	Scheduled   bool           `json:"scheduled"`
	State       State          `json:"state"`
	Currency    money.Currency `json:"currency"`
	Counts      Counts         `json:"counts"`
	DeltaMinor  int64          `json:"delta_minor"` // ToldMinor - KnownMinor: what our books lack
	Delta       string         `json:"delta"`       // the same as decimal text; set where a run is shown
	Detail      string         `json:"detail"`      // why it failed
	StartedAt   time.Time      `json:"started_at"`
	HeartbeatAt time.Time      `json:"heartbeat_at"`
	FinishedAt  *time.Time     `json:"finished_at,omitempty"`
}

// Want is an order that is parked for a reason which reading it anew may mend, or that somebody wishes to be read.
type Want struct {
	Source     order.Source
	Platform   order.Platform
	RowVersion int64 // of the order when it was last looked at
	Attempt    int   // readings so far since the order last changed, or since it was wished for
	// Wished says that something happened around the order, such as a dispute. It need not be known yet.
	Wished bool
}

// What came of a reading.
const (
	FetchDone   = "fetched"
	FetchGone   = "gone"
	FetchFailed = "failed"
)

// Fetch is what came of reading a wanted order.
type Fetch struct {
	Want
	DueAt     time.Time // when to read it again if it is still parked
	Outcome   string    // FetchDone, FetchGone or FetchFailed
	Detail    string
	FetchedAt time.Time
}

// Books is what reconciliation needs of the database.
type Books interface {
	// ReconcileTargets lists the stores of a program, "" for all programs.
	ReconcileTargets(ctx context.Context, program string) ([]Target, error)
	// KnownOrders reads orders; one that is unknown is left out.
	KnownOrders(ctx context.Context, program string, sources []order.Source) (map[order.Source]Known, error)
	// WantedOrders lists a program's parked orders that reading may mend and those that were wished for: those of which nothing new was told since toldBefore,
	// due by now, the longest waiting first, of the stores given.
	WantedOrders(ctx context.Context, program string, storeIDs []string, toldBefore, now time.Time, limit int) ([]Want, error)
	// PutFetches notes what came of reading wanted orders; a wish goes with its reading.
	PutFetches(ctx context.Context, program string, fetches []Fetch) error
	// PutReconciliation stores a run as it stands, with what it found since the last time.
	PutReconciliation(ctx context.Context, r Run, found []Finding) error
	// TakeReconciliation takes over a run that was running and whose heartbeat is still the given one; false where somebody was faster.
	TakeReconciliation(ctx context.Context, r Run, now time.Time) (bool, error)
	// Reconciliations lists a program's runs, the newest first; store "" for all stores.
	Reconciliations(ctx context.Context, program, storeID string, limit int) ([]Run, error)
	// Reconciliation reads one run with what it found, at most limit findings. server.NotFound where there is none.
	Reconciliation(ctx context.Context, program, runID string, limit int) (Run, []Finding, error)
	// MarkReconciled moves a store's ReachedAt, never back.
	MarkReconciled(ctx context.Context, program, storeID string, reachedAt time.Time) error
}

// Inbox takes what was read.
type Inbox interface {
	Put(ctx context.Context, d order.Delivery) (inbox.PutResult, error)
}

// Readers give a store's Reader. ErrNoReader where the store's platform has none, or the store is not connected.
type Readers interface {
	Reader(ctx context.Context, t Target) (adapters.Reader, error)
}

// ErrNoReader means that a store's orders cannot be read: nobody has connected it, or its platform has no API for it.
var ErrNoReader = errors.New("the store's orders cannot be read; connect the store first")

// Service reconciles. It is safe for concurrent use.
type Service struct {
	Books    Books
	Inbox    Inbox
	Readers  Readers
	Adapters map[order.Platform]adapters.Adapter
	Clock    func() time.Time
	NewID    func() string // of a run, in the order of time
	Logger   *slog.Logger
}
