// Package inbox is the durable arrival of deliveries: once Put returns, the bytes are on disk.
package inbox

import (
	"context"
	"time"

	"upline.dev/upline/core/order"
)

// Status is where a delivery stands.
type Status string

// The statuses of a delivery.
const (
	Waiting Status = "waiting" // to be processed when due and not leased
	Done    Status = "done"    // its settling transaction has ended; Result says what came of it
	Parked  Status = "parked"  // cannot be decided; Reason says why; released by itself when the cause is mended
)

// Row is one delivery as stored. Body is sealed: zstd, then AES-GCM with the delivery id as associated data.
type Row struct {
	order.Delivery           // Body is nil in rows read from the database; open SealedBody
	SealedBody     []byte    // nil once retention has dropped the body
	BodySHA256     [32]byte  // of the raw body, kept for ever
	BodyBytes      int       // length of the raw body
	Status         Status    //
	Result         string    // "settled", "unchanged", "ignored", "acted", "duplicate", or the park reason's code
	Reason         string    // sentence for people; "" unless parked or waiting after a failure
	Attempt        int       // processing attempts so far
	DueAt          time.Time // not before
	LeaseUntil     time.Time // zero: not leased
	SettledAt      time.Time // zero: not yet
}

// PutResult says what became of one row.
type PutResult struct {
	DeliveryID string // the stored row's; for a duplicate the first one's
	Duplicate  bool   // the same (store, platform delivery id) was there already
	Conflict   bool   // Duplicate, but with another body: same key, other input
	BodyKept   bool   // the body was handed over and is in use; where false nobody reads it any more
}

// Store is what the inbox needs of the database. Unique key: (store_id, platform_delivery_id).
type Store interface {
	// PutDeliveries stores the rows in one transaction and returns once it is on disk. A duplicate is not an error, and
	// one call may hold both copies. Results come in the order of the rows; DueAt and LeaseUntil are stored as given, and each is Waiting.
	PutDeliveries(ctx context.Context, rows []Row) ([]PutResult, error)
	// FirstDelivery finds what is stored under a platform's delivery id, without waiting for a writer.
	FirstDelivery(ctx context.Context, storeID, platformDeliveryID string) (deliveryID string, bodySHA256 [32]byte, found bool, err error)
	// ClaimDeliveries leases up to limit waiting rows that are due and not leased, oldest first, until leaseUntil.
	ClaimDeliveries(ctx context.Context, now, leaseUntil time.Time, limit int) ([]Row, error)
	// WaitingDeliveries reads those of the named rows that wait, were never tried and are not leased at now. It leases none.
	WaitingDeliveries(ctx context.Context, now time.Time, ids []string) ([]Row, error)
	// FinishDeliveries marks rows that touch no order: ignored, or parked as unreadable or failed. Rows that are no
	// longer waiting stay as they are.
	FinishDeliveries(ctx context.Context, finished []Finished) error
	// RetryDeliveries gives leases back: attempt+1, due later, with the reason. Rows that are no longer waiting stay.
	RetryDeliveries(ctx context.Context, retries []Retry) error
	// ReleaseLeases gives back every lease of a process that is gone (at start of a single-process installation).
	ReleaseLeases(ctx context.Context) (int64, error)
	// Backlog is the number of waiting rows and the oldest one's arrival (zero when none).
	Backlog(ctx context.Context) (waiting int64, oldest time.Time, err error)
	// DropBodies forgets the bodies of done deliveries received before t that are kept one by one, at most limit; hashes stay.
	DropBodies(ctx context.Context, before time.Time, limit int) (int64, error)
	// TurnBodies is for a store that keeps bodies in partitions by when they arrived, as others do nothing: it makes those that the next
	// bodies arrive in, and drops those that began longer than keep ago. The bodies of deliveries that are not done stay. It gives
	// about how many went, and may be tried again at any time.
	TurnBodies(ctx context.Context, now time.Time, keep time.Duration) (int64, error)
}

// Memory guesses which deliveries were stored before. It may forget and be wrong; a dedupe.Cache is one.
type Memory interface {
	Seen(ctx context.Context, key string) bool
	Mark(ctx context.Context, keys ...string)
}

// Sealer encrypts bodies at rest. It is safe for concurrent use and keeps none of its arguments.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	// Open fails where sealed was not made by Seal with the same associated data.
	Open(sealed, associated []byte) ([]byte, error)
}

// Handover takes stored deliveries over in process, so that the common path reads nothing back from the database.
type Handover interface {
	// Reserve takes room for a delivery of so many body bytes; false where there is none.
	Reserve(bytes int) bool
	// Release gives room back that was reserved for a delivery which was not stored.
	Release(bytes int)
	// Accept takes a stored and leased delivery with its raw body, for which room was reserved. It does not block.
	Accept(d order.Delivery)
	// Overflowed says that rows were stored without a lease and wait to be claimed.
	Overflowed()
}

// Forwarder is a Handover to other processes. What it takes is stored without a lease, as whoever gets word of it may settle it, and is
// due only after a while: the sweep then finds what no word of came through.
type Forwarder interface {
	Handover
	DueAfter() time.Duration
}

// Finished is the end of one delivery.
type Finished struct {
	DeliveryID string
	Status     Status // Done or Parked
	Result     string
	Reason     string
	At         time.Time
}

// Retry is one more attempt later.
type Retry struct {
	DeliveryID string
	DueAt      time.Time
	Reason     string
}
