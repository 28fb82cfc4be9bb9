// Package query is what screens and the API may read: plain rows, newest first, paged by cursor, always of one program.
package query

import (
	"context"
	"time"
)

// Page asks for one page. Limit is 1 to 200; After is the opaque cursor of the page before, "" for the first.
type Page struct {
	Limit int
	After string
}

// Order is one row of the orders list.
type Order struct {
	OrderID         string    `json:"order_id"` // "store_id/platform_order_id"
	StoreID         string    `json:"store_id"`
	Platform        string    `json:"platform"`
	PlatformOrderID string    `json:"platform_order_id"`
	Name            string    `json:"name,omitempty"`
	OrderTS         time.Time `json:"order_ts"`
	Status          string    `json:"status"`     // the order's own
	Settlement      string    `json:"settlement"` // "settled" or "parked"
	ReasonCode      string    `json:"reason_code,omitempty"`
	Reason          string    `json:"reason,omitempty"`
	Currency        string    `json:"currency"`
	NetMinor        int64     `json:"-"`
	Net             string    `json:"net"` // decimal text
	EarnedMinor     int64     `json:"-"`
	Earned          string    `json:"earned"` // sum of commissions posted
	// Waiting is the net that a parked order would pay on, as far as it can be told, and WaitingCurrency its currency; both
	// "" where nothing waits or nobody knows. What was posted before the order was parked stays in Net and Earned.
	WaitingMinor    int64      `json:"-"`
	Waiting         string     `json:"waiting,omitempty"`
	WaitingCurrency string     `json:"waiting_currency,omitempty"`
	DistributorID   string     `json:"distributor_id,omitempty"`
	BuyerID         string     `json:"buyer_id,omitempty"`
	Revision        int64      `json:"revision"`
	ReceivedAt      time.Time  `json:"received_at"` // arrival of the first delivery that spoke of it
	SettledAt       *time.Time `json:"settled_at,omitempty"`
}

// WaitsFor says for people what a parked order waits for and with how much money; "" for a settled one.
func (o *Order) WaitsFor() string {
	if o.ReasonCode == "" && o.Reason == "" {
		return ""
	}
	money := ""
	if o.Waiting != "" {
		money = ", " + o.Waiting + " " + o.WaitingCurrency
	}
	return "Waiting" + money + " (" + o.ReasonCode + "): " + o.Reason
}

// OrderFilter narrows the orders list; zero values do not filter.
type OrderFilter struct {
	StoreID       string
	Settlement    string
	ReasonCode    string
	DistributorID string
	Search        string // an order's name or platform id
	Platform      string
	Status        string    // the order's own
	From          time.Time // order_ts, included
	To            time.Time // order_ts, not included
	OldestFirst   bool
}

// Snapshot is one stored calculation of an order.
type Snapshot struct {
	SnapshotID string    `json:"snapshot_id"`
	OrderID    string    `json:"order_id"`
	Revision   int64     `json:"revision"`
	At         time.Time `json:"at"`
	JSON       []byte    `json:"-"` // calc_snapshot_json
}

// Posting is one ledger row.
type Posting struct {
	EventID       string    `json:"event_id"`
	OrderID       string    `json:"order_id"`
	LineID        string    `json:"line_id,omitempty"`
	ComponentID   string    `json:"component_id"`
	DistributorID string    `json:"distributor_id"`
	Kind          string    `json:"kind"`
	From          string    `json:"from"`
	To            string    `json:"to"`
	Currency      string    `json:"currency"`
	AmountMinor   int64     `json:"amount_minor"`
	Amount        string    `json:"amount"`
	Revision      int64     `json:"revision"`
	SnapshotID    string    `json:"snapshot_id,omitempty"`
	OrderTS       time.Time `json:"order_ts"`
	PostedAt      time.Time `json:"posted_at"`
	BatchSequence int64     `json:"batch_sequence"`
}

// PostingFilter narrows the ledger; zero values do not filter.
type PostingFilter struct {
	OrderID       string
	DistributorID string
	Kind          string
	ComponentID   string
	Currency      string
	From          time.Time // posted_at, included
	To            time.Time // posted_at, not included
}

// Commission is one row of GET /api/mlm/commissions: what one distributor has by one line and component of an order.
type Commission struct {
	CommissionID string    `json:"commission_id"`
	OrderID      string    `json:"order_id"` // the platform's own
	OrderName    string    `json:"order_name,omitempty"`
	StoreID      string    `json:"store_id"`
	SKU          string    `json:"sku"`
	BuyerID      string    `json:"buyer_id"`
	ReferrerID   string    `json:"referrer_id"` // the distributor who earns
	ComponentID  string    `json:"component_id"`
	Currency     string    `json:"currency"`
	Value        string    `json:"value"`
	Status       string    `json:"status"` // PENDING, AVAILABLE, PAID, REVERSED
	OrderTS      time.Time `json:"order_ts"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// CommissionFilter narrows commissions; zero values do not filter.
type CommissionFilter struct {
	PlatformOrderID string
	DistributorID   string
	Status          string
}

// Delivery is one row of the deliveries list.
type Delivery struct {
	DeliveryID         string     `json:"delivery_id"`
	PlatformDeliveryID string     `json:"platform_delivery_id"`
	StoreID            string     `json:"store_id"`
	Platform           string     `json:"platform"`
	Topic              string     `json:"topic"`
	OrderID            string     `json:"order_id,omitempty"`
	Status             string     `json:"status"`
	Result             string     `json:"result,omitempty"`
	Reason             string     `json:"reason,omitempty"`
	Attempt            int        `json:"attempt"`
	BodyBytes          int        `json:"body_bytes"`
	BodySHA256         string     `json:"body_sha256"`
	ReceivedAt         time.Time  `json:"received_at"`
	SettledAt          *time.Time `json:"settled_at,omitempty"`
}

// DeliveryFilter narrows deliveries; zero values do not filter.
type DeliveryFilter struct {
	StoreID            string
	Status             string
	PlatformDeliveryID string
	OrderID            string
	Topic              string
	From               time.Time // received_at, included
	To                 time.Time // received_at, not included
}

// Distributor is one distributor as of now, without personal data beyond what the program typed in.
type Distributor struct {
	DistributorID string    `json:"distributor_id"`
	SponsorID     string    `json:"sponsor_id,omitempty"`
	Status        string    `json:"status"`
	Rank          string    `json:"rank,omitempty"`
	Country       string    `json:"country,omitempty"`
	Name          string    `json:"name,omitempty"`
	Email         string    `json:"email,omitempty"`
	Codes         []string  `json:"codes,omitempty"`
	CreatedAt     time.Time `json:"created_at"`
}

// CustomerBinding is what is known of one customer of a store.
type CustomerBinding struct {
	StoreID       string     `json:"store_id"`
	CustomerID    string     `json:"customer_id"`
	Kind          string     `json:"kind"`                     // "self" and "sponsor" were stated by the company; "order" was made by an order
	DistributorID string     `json:"distributor_id,omitempty"` // "": what was stated before has ended
	ValidFrom     *time.Time `json:"valid_from,omitempty"`     // absent: from the beginning
	OrderID       string     `json:"order_id,omitempty"`       // the order that bound
	RecordedAt    time.Time  `json:"recorded_at"`
}

// BindingFilter narrows customer bindings; zero values do not filter.
type BindingFilter struct {
	StoreID       string
	CustomerID    string
	DistributorID string
}

// Mapping is one dated row of sku_mapping.
type Mapping struct {
	SKUID           string    `json:"sku_id"`
	Platform        string    `json:"platform"`
	PlatformSKU     string    `json:"platform_sku"`
	Name            string    `json:"name,omitempty"`
	Category        string    `json:"category,omitempty"`
	CommissionClass string    `json:"commission_class"`
	CVPerUnit       string    `json:"cv_per_unit,omitempty"` // decimal text; at most one of per unit and of net
	CVOfNet         string    `json:"cv_of_net,omitempty"`   // rate text, for example "100%"
	QVPerUnit       string    `json:"qv_per_unit,omitempty"`
	QVOfNet         string    `json:"qv_of_net,omitempty"`
	Country         string    `json:"country,omitempty"`
	ValidFrom       time.Time `json:"valid_from"` // zero: from the beginning
	Version         int64     `json:"version"`
}

// UnmappedSKU is one SKU that keeps orders waiting.
type UnmappedSKU struct {
	Platform     string `json:"platform"`
	PlatformSKU  string `json:"platform_sku"`
	Orders       int64  `json:"orders"`
	Currency     string `json:"currency"`
	WaitingMinor int64  `json:"-"`
	Waiting      string `json:"waiting"`
}

// StoreRow is a connected store, without secrets.
type StoreRow struct {
	StoreID          string     `json:"store_id"`
	Platform         string     `json:"platform"`
	Domain           string     `json:"domain"`
	Name             string     `json:"name"`
	Currency         string     `json:"currency"`
	AcceptTestOrders bool       `json:"accept_test_orders"`
	GoLiveAt         *time.Time `json:"go_live_at,omitempty"`
	LastDeliveryAt   *time.Time `json:"last_delivery_at,omitempty"`
	// Connection says whether the platform lets us read the store: "connected", "needs_reauth", "uninstalled", or "" for a
	// store that only sends. ConnectionReason says for people why it does not.
	Connection       string   `json:"connection,omitempty"`
	ConnectionReason string   `json:"connection_reason,omitempty"`
	Scopes           []string `json:"scopes,omitempty"`         // what the merchant agreed to
	MissingScopes    []string `json:"missing_scopes,omitempty"` // what the app asks for beside them
	// OptionalScopes are those that the merchant may grant besides, and whether they did.
	OptionalScopes map[string]bool `json:"optional_scopes,omitempty"`
	ConnectedAt    *time.Time      `json:"connected_at,omitempty"`
}

// Program is the tenant.
type Program struct {
	ProgramID string    `json:"program_id"`
	Name      string    `json:"name"`
	Currency  string    `json:"currency"`
	TimeZone  string    `json:"time_zone"`
	CreatedAt time.Time `json:"created_at"`
	// ClosedAt is when the company was closed; nil: it is open.
	ClosedAt *time.Time `json:"closed_at,omitempty"`
}

// Overview is what the first page shows.
type Overview struct {
	Program       Program           `json:"program"`
	Stores        []StoreRow        `json:"stores"`
	Distributors  int64             `json:"distributors"`
	MappedSKUs    int64             `json:"mapped_skus"`
	Plans         int64             `json:"plans"`
	Orders        int64             `json:"orders"`
	ParkedOrders  int64             `json:"parked_orders"`
	Deliveries    int64             `json:"deliveries"`
	Postings      int64             `json:"-"`      // of the ledger, of every kind
	EarnedByMoney map[string]string `json:"earned"` // currency -> decimal text
	LastBatch     int64             `json:"last_batch"`
}

// Reader is what the API reads. Every method is scoped to one program; nothing of another program is ever returned.
// A row that is not there is a server.Error with code not_found. The string returned with a list is the next cursor,
// "" at the end.
type Reader interface {
	// Together makes all that f reads of the program, with the context it is given, of one moment: an order and its postings
	// then never contradict each other. f reads one after the other, and returns soon.
	Together(ctx context.Context, program string, f func(ctx context.Context) error) error
	Programs(ctx context.Context) ([]Program, error)
	Overview(ctx context.Context, program string) (Overview, error)
	Orders(ctx context.Context, program string, f OrderFilter, p Page) ([]Order, string, error)
	Order(ctx context.Context, program, orderID string) (Order, error)
	FindOrders(ctx context.Context, program, text string) ([]Order, error)      // by order id, platform id or name; at most 20
	Snapshots(ctx context.Context, program, orderID string) ([]Snapshot, error) // the newest calculation first
	Postings(ctx context.Context, program string, f PostingFilter, p Page) ([]Posting, string, error)
	Commissions(ctx context.Context, program string, f CommissionFilter, p Page) ([]Commission, string, error)
	Deliveries(ctx context.Context, program string, f DeliveryFilter, p Page) ([]Delivery, string, error)
	Delivery(ctx context.Context, program, deliveryID string) (Delivery, error)
	Distributors(ctx context.Context, program, search string, p Page) ([]Distributor, string, error)
	Distributor(ctx context.Context, program, distributorID string) (Distributor, error)
	// DistributorByCode finds the distributor whose code or id this is now; server.NotFound where there is none, or no more.
	DistributorByCode(ctx context.Context, program, code string) (distributorID string, err error)
	CustomerBindings(ctx context.Context, program string, f BindingFilter, p Page) ([]CustomerBinding, string, error)
	Mappings(ctx context.Context, program, search string, p Page) ([]Mapping, string, error)
	UnmappedSKUs(ctx context.Context, program string) ([]UnmappedSKU, error)
	Stores(ctx context.Context, program string) ([]StoreRow, error)
}

// Beside is where a table that is written together with the ledger disagrees with it, or with its own hash.
type Beside struct {
	BatchSequence int64  // the first batch it is about; 0: none
	OrderID       string // "": none
	PlanHash      string // "": none
	What          string
}
