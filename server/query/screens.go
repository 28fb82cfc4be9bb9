package query

import (
	"context"
	"encoding/json"
	"time"

	"upline.dev/upline/core/order"
)

// APIKey is one key that was made, without its text.
type APIKey struct {
	KeyID     string     `json:"key_id"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	StoreID   string     `json:"store_id,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// Audited is one line of the audit log.
type Audited struct {
	AuditID string    `json:"audit_id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail,omitempty"`
}

// AuditFilter narrows the audit log; zero values do not filter.
type AuditFilter struct {
	Actor   string
	Action  string // the action, or its beginning before a dot: "api_key" finds "api_key.create"
	Subject string
	From    time.Time // included
	To      time.Time // not included
}

// Setting is one thing a program's screens keep. Version rises with each write.
type Setting struct {
	Name      string          `json:"name"`
	Value     json.RawMessage `json:"value"`
	Version   int64           `json:"version"`
	UpdatedAt time.Time       `json:"updated_at"`
	UpdatedBy string          `json:"updated_by"`
}

// View is the filters of a list that somebody keeps under a name.
type View struct {
	ViewID string `json:"view_id"`
	List   string `json:"list"`
	Name   string `json:"name"`
	Query  string `json:"query"` // as in the list's address
	Shared bool   `json:"shared"`
	Mine   bool   `json:"mine"` // of whoever asks
}

// DistributorFilter narrows the list of people; zero values do not filter.
type DistributorFilter struct {
	Search    string // the beginning of an id, or a code
	Status    string
	Rank      string
	Country   string
	SponsorID string
	Top       bool // those without a sponsor
	// Newest lists who joined last first, instead of by id.
	Newest bool
}

// Person is somebody in the upline of another.
type Person struct {
	DistributorID string `json:"distributor_id"`
	Name          string `json:"name,omitempty"`
	Rank          string `json:"rank,omitempty"`
	Status        string `json:"status"`
}

// Profile is one distributor with who stands around them.
type Profile struct {
	Distributor Distributor       `json:"distributor"`
	Upline      []Person          `json:"upline"` // the sponsor first, at most 50
	Frontline   int64             `json:"frontline"`
	Earned      map[string]string `json:"earned"` // currency -> decimal text, reversals taken off
}

// Step is one thing that happened to an order.
type Step struct {
	At         time.Time `json:"at"`
	What       string    `json:"what"` // "received", "decided", "posted"
	DeliveryID string    `json:"delivery_id,omitempty"`
	Topic      string    `json:"topic,omitempty"`
	Result     string    `json:"result,omitempty"`
	Revision   int64     `json:"revision,omitempty"`
	Postings   int64     `json:"postings,omitempty"`
}

// StoredDelivery is a delivery with its sealed body.
type StoredDelivery struct {
	DeliveryID string
	Headers    map[string]string
	SealedBody []byte // nil: no longer kept
	BodySHA256 [32]byte
}

// Reason is what parked orders wait for, with the money that waits.
type Reason struct {
	Code     string `json:"reason_code"`
	Currency string `json:"currency"`
	Orders   int64  `json:"orders"`
	Waiting  string `json:"waiting"`
}

// Stage is one part of the way from delivery to ledger.
type Stage struct {
	Name   string     `json:"name"` // "received", "mapped", "commissioned", "posted"
	Count  int64      `json:"count"`
	Oldest *time.Time `json:"oldest,omitempty"` // of what waits here
}

// Latency is how long something took, over the newest of its kind.
type Latency struct {
	Of    int64 `json:"of"` // how many were looked at; 0: none yet
	P50US int64 `json:"p50_us"`
	P95US int64 `json:"p95_us"`
}

// Standing is where a program stands: what its overview shows beside the counts.
type Standing struct {
	Stages      []Stage  `json:"stages"`
	Emit        Latency  `json:"emit"` // from arrival to commit, over the newest 1000 deliveries
	Waiting     []Reason `json:"waiting"`
	Releasing   int64    `json:"releasing"`    // orders whose cause is mended and that are settled next
	UnmappedSKU int64    `json:"unmapped_sku"` // SKUs that keep orders waiting
	PlanHash    string   `json:"plan_hash,omitempty"`
	Paid        *Order   `json:"paid,omitempty"` // the newest order that paid somebody
	LastSeal    int64    `json:"last_seal"`
}

// Pulse changes whenever something did that a screen may show.
type Pulse struct {
	Delivery string `json:"delivery"` // the newest one
	Batch    int64  `json:"batch"`    // the last one of the ledger
	Parked   int64  `json:"parked"`
	Catalog  int64  `json:"catalog"`
	Tree     int64  `json:"tree"`
}

// Screens is what the merchant's screens read beside Reader. Every method is scoped to one program.
type Screens interface {
	APIKeys(ctx context.Context, program string) ([]APIKey, error)
	AuditLog(ctx context.Context, program string, f AuditFilter, p Page) ([]Audited, string, error)
	Settings(ctx context.Context, program string) ([]Setting, error)
	// Views lists the views of an actor and those that everybody sees, by list and name, at most 1000.
	Views(ctx context.Context, program, actor string) ([]View, error)
	People(ctx context.Context, program string, f DistributorFilter, p Page) ([]Distributor, string, error)
	Profile(ctx context.Context, program, distributorID string) (Profile, error)
	// Names gives what distributors are called, by id; who is unknown or has no name is not in it.
	Names(ctx context.Context, program string, ids []string) (map[string]string, error)
	Steps(ctx context.Context, program, orderID string) ([]Step, error)
	OrderState(ctx context.Context, program, orderID string) (order.State, error)
	StoredDelivery(ctx context.Context, program, deliveryID string) (StoredDelivery, error)
	// CurrentMappings lists what each SKU means now, one row per SKU and country.
	CurrentMappings(ctx context.Context, program, search string, p Page) ([]Mapping, string, error)
	Standing(ctx context.Context, program string) (Standing, error)
	Pulse(ctx context.Context, program string) (Pulse, error)
}
