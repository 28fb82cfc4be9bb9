// Package privacy carries out what persons and shops ask for: to know what is kept of them, and to be forgotten. A request
// is a row; what it needs is done step by step, each step as good twice as once, so that a process may die at any moment.
//
// The ledger, its snapshots and the stored revisions hold ids and figures alone, so that they stay as they are and every
// seal stays valid. What can be erased stands elsewhere: raw bodies, bindings of customers, sealed names, export files.
package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

// Kind is what is asked for.
type Kind string

// The kinds of request.
const (
	CustomerExport   Kind = "customer_export"   // what is kept of a customer of a store, as a file for the merchant
	CustomerErase    Kind = "customer_erase"    // forget a customer of a store
	StoreErase       Kind = "store_erase"       // forget everybody of a store that took the app away
	DistributorErase Kind = "distributor_erase" // forget who a former distributor was
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{CustomerExport, CustomerErase, StoreErase, DistributorErase} }

// Status says whether something is still to be done.
type Status string

// The statuses of a request.
const (
	Open Status = "open"
	Done Status = "done"
)

// Deadline is how long the law gives (GDPR article 12, and Shopify's rules for apps): one month.
const Deadline = 30 * 24 * time.Hour

// Request is one wish of one person or shop. It holds no personal data but in SealedDetail, which is gone once it is done.
type Request struct {
	RequestID    string
	ProgramID    string
	StoreID      string // "" for a distributor
	Kind         Kind
	Subject      string // the customer's or distributor's id; "" for a store, or a customer without an account
	Key          string // of the same store, kind and subject: the same request asked twice is one
	SealedDetail []byte
	Status       Status
	Actor        string
	ReceivedAt   time.Time
	BeginsAt     time.Time // not tried before
	DueAt        time.Time
	Attempt      int
	Note         string           // what came of it, or why it is tried again
	Counts       map[string]int64 // what was exported or erased, by kind of row
	FinishedAt   time.Time        // zero: not yet
}

// Shown is a request as screens and the API tell it: ids and what came of it, nothing personal.
type Shown struct {
	RequestID  string           `json:"request_id"`
	Kind       Kind             `json:"kind"`
	StoreID    string           `json:"store_id,omitempty"`
	Subject    string           `json:"subject,omitempty"`
	Status     Status           `json:"status"`
	Actor      string           `json:"actor"`
	ReceivedAt time.Time        `json:"received_at"`
	DueAt      time.Time        `json:"due_at"`
	Attempt    int              `json:"attempt"`
	Note       string           `json:"note,omitempty"`
	Counts     map[string]int64 `json:"counts"`
	FinishedAt *time.Time       `json:"finished_at,omitempty"`
}

// Shown leaves out what is sealed.
func (r *Request) Shown() Shown {
	s := Shown{
		RequestID: r.RequestID, Kind: r.Kind, StoreID: r.StoreID, Subject: r.Subject, Status: r.Status, Actor: r.Actor,
		ReceivedAt: r.ReceivedAt, DueAt: r.DueAt, Attempt: r.Attempt, Note: r.Note, Counts: r.Counts,
	}
	if !r.FinishedAt.IsZero() {
		s.FinishedAt = &r.FinishedAt
	}
	return s
}

// Detail is what a request says beyond ids. It is sealed at rest.
type Detail struct {
	Email    string   `json:"email,omitempty"`
	Phone    string   `json:"phone,omitempty"`
	OrderIDs []string `json:"order_ids,omitempty"` // the platform's
}

// Filter narrows the list of requests; zero values do not filter.
type Filter struct {
	StoreID string
	Status  Status
	Kind    Kind
}

// Person is whose data is meant: a customer by id, and the orders the platform names beside it.
type Person struct {
	StoreID    string
	CustomerID string // "" for a guest
	OrderIDs   []string
}

// Order is what is kept of one order, in ids and figures.
type Order struct {
	Source        string            `json:"order_id"`
	Name          string            `json:"name,omitempty"`
	OrderTS       time.Time         `json:"order_ts"`
	Status        string            `json:"status"`
	Settlement    string            `json:"settlement"`
	Currency      string            `json:"currency"`
	NetMinor      int64             `json:"-"`
	Net           string            `json:"net"`
	DistributorID string            `json:"distributor_id,omitempty"` // who was credited with it
	Revisions     []json.RawMessage `json:"revisions"`
}

// Bound is one fact about whose customer somebody is.
type Bound struct {
	Kind          string    `json:"kind"`
	DistributorID string    `json:"distributor_id"`
	RecordedAt    time.Time `json:"recorded_at"`
}

// Books keep requests, and hold what they are about. Every step is idempotent.
type Books interface {
	// PutRequest stores a request under its key; one that is there already stays, and its id comes back with created false.
	PutRequest(ctx context.Context, r Request) (requestID string, created bool, err error)
	Requests(ctx context.Context, program string, f Filter, limit int, after string) (list []Request, next string, err error)
	Request(ctx context.Context, program, requestID string) (Request, error)
	// DueRequests lists open requests whose BeginsAt has come, those received first.
	DueRequests(ctx context.Context, program string, now time.Time, limit int) ([]Request, error)
	// PutOff counts an attempt and says when and why it is tried again; Finish ends a request and forgets its detail.
	PutOff(ctx context.Context, program, requestID string, until time.Time, note string) error
	Finish(ctx context.Context, program, requestID, note string, counts map[string]int64, at time.Time) error

	// Undecided counts deliveries of a store that came up to an instant and wait to be processed: their bodies are the only
	// copy of what they say.
	Undecided(ctx context.Context, program, storeID string, upTo time.Time) (int64, error)
	// PersonOrders names a person's orders, "store_id/platform_order_id", sorted.
	PersonOrders(ctx context.Context, program string, p Person) ([]string, error)
	// TellOrders reads what is kept of orders. PersonBindings reads whose customer somebody is.
	TellOrders(ctx context.Context, program string, sources []string) ([]Order, error)
	PersonBindings(ctx context.Context, program string, p Person) ([]Bound, error)
	// Bodies hands out deliveries of a store whose body is kept: those of an order, or with "" those of none. page by page
	// after a delivery id.
	Bodies(ctx context.Context, program, storeID, source, after string, limit int) ([]inbox.Row, error)

	// DropBodiesOf forgets the bodies of decided deliveries of orders; DropBodiesByID those of given deliveries.
	DropBodiesOf(ctx context.Context, program string, sources []string) (int64, error)
	DropBodiesByID(ctx context.Context, program string, deliveryIDs []string) (int64, error)
	// DropStoreBodies forgets bodies of decided deliveries of a store that came before an instant, at most limit.
	DropStoreBodies(ctx context.Context, program, storeID string, before time.Time, limit int) (int64, error)
	// EraseBindings forgets whose customer somebody is, or with "" for all of the store.
	EraseBindings(ctx context.Context, program, storeID, customerID string) (int64, error)
	// EraseHints forgets what a store's pages told of checkouts.
	EraseHints(ctx context.Context, program, storeID string) (int64, error)
	// EraseExports forgets export files about somebody, or with "" for all of the store.
	EraseExports(ctx context.Context, program, storeID, subject string) (int64, error)
	// DropExports forgets export files made before an instant.
	DropExports(ctx context.Context, program string, before time.Time) (int64, error)
	// EraseDistributor forgets the sealed name, e-mail and tax id of a distributor who has left; server.Conflict where they
	// have not, server.NotFound where there is nobody.
	EraseDistributor(ctx context.Context, program, distributorID string) (int64, error)

	PutExport(ctx context.Context, program, requestID string, e Export) error
	// Export reads one file; server.NotFound where it was never made, or was erased since.
	Export(ctx context.Context, program, requestID, format string) (Export, error)
	Audit(ctx context.Context, program, actor, action, subject, detail string) error
	ProgramIDs(ctx context.Context) ([]string, error)
}

// Export is one file of an export, sealed for its request.
type Export struct {
	Format  string // json or csv
	StoreID string
	Subject string
	Sealed  []byte
	MadeAt  time.Time
}

// Sealer encrypts at rest; associated binds the sealed bytes to their row.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Opener gives back a stored delivery's raw body; *inbox.Inbox is one.
type Opener interface {
	Open(row inbox.Row) ([]byte, error)
}

// Service takes requests and carries them out. Connected and Logger may be nil.
type Service struct {
	Books  Books
	Sealer Sealer
	Bodies Opener
	Clock  func() time.Time
	Logger *slog.Logger
	// Connected tells whether a store is connected to its platform now.
	Connected func(ctx context.Context, storeID string) (bool, error)

	wake chan struct{}
}

// New is a ready service; Run makes it work.
func New(s Service) *Service {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.wake = make(chan struct{}, 1)
	return &s
}

// Ask is one wish as it comes in: from a platform, a plugin, the API or the command line.
type Ask struct {
	ProgramID  string
	StoreID    string
	Kind       Kind
	Subject    string
	Key        string // "": asked anew each time
	Detail     Detail
	Actor      string
	ReceivedAt time.Time
}

// Take stores a request and gives its id. The same one asked twice is one; asked again after it was done, with another
// key, it is a new one.
func (s *Service) Take(ctx context.Context, a Ask) (requestID string, err error) {
	defer server.Wrap(&err, "take a %s request", a.Kind)
	if err := a.check(); err != nil {
		return "", err
	}
	r := Request{
		ProgramID: a.ProgramID, StoreID: a.StoreID, Kind: a.Kind, Subject: a.Subject, Key: a.Key, Status: Open,
		Actor: a.Actor, ReceivedAt: a.ReceivedAt.UTC(), BeginsAt: a.ReceivedAt.UTC(), DueAt: a.ReceivedAt.Add(Deadline).UTC(),
	}
	if r.RequestID, err = newID(s.Clock()); err != nil {
		return "", err
	}
	if r.Key == "" {
		r.Key = r.RequestID
	}
	plain, err := json.Marshal(a.Detail)
	if err != nil {
		return "", fmt.Errorf("write the detail: %w", err)
	}
	if r.SealedDetail, err = s.Sealer.Seal(plain, rowKey(r.ProgramID, r.RequestID, "detail")); err != nil {
		return "", fmt.Errorf("seal the detail: %w", err)
	}
	id, created, err := s.Books.PutRequest(ctx, r)
	if err != nil || !created {
		return id, err
	}
	s.Wake()
	return id, s.Books.Audit(ctx, a.ProgramID, a.Actor, "privacy."+string(a.Kind), id, a.StoreID)
}

// EraseCustomer takes a request of a store's plugin to forget one of its customers; a guest is known by the orders alone.
func (s *Service) EraseCustomer(ctx context.Context, program, storeID, customerID string, orderIDs []string) error {
	_, err := s.Take(ctx, Ask{
		ProgramID: program, StoreID: storeID, Kind: CustomerErase, Subject: customerID, Actor: "store:" + storeID, ReceivedAt: s.Clock(),
		Detail: Detail{OrderIDs: orderIDs},
	})
	return err
}

func (a *Ask) check() error {
	invalid := func(field, message string) error {
		return &server.Error{Code: server.Invalid, Field: field, Message: message}
	}
	switch a.Kind {
	case CustomerExport, CustomerErase:
		if a.StoreID == "" {
			return invalid("store_id", "name the store whose customer is meant")
		}
		if a.Subject == "" && len(a.Detail.OrderIDs) == 0 {
			return invalid("customer_id", "name the customer by the platform's id, or the orders of a guest")
		}
	case StoreErase:
		if a.StoreID == "" {
			return invalid("store_id", "name the store")
		}
	case DistributorErase:
		if a.Subject == "" {
			return invalid("distributor_id", "name the distributor")
		}
	default:
		return invalid("kind", "kind is one of customer_export, customer_erase, store_erase, distributor_erase")
	}
	return nil
}

// rowKey is the associated data of what is sealed for a request.
func rowKey(program, requestID, what string) []byte {
	return []byte("privacy\x00" + program + "\x00" + requestID + "\x00" + what)
}

// Wake makes Run look at once.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // It is awake already.
	}
}

// Download opens one file of an export and writes down who took it.
func (s *Service) Download(ctx context.Context, program, requestID, format, actor string) (content []byte, err error) {
	defer server.Wrap(&err, "open export %s", requestID)
	r, err := s.Books.Request(ctx, program, requestID)
	if err != nil {
		return nil, err
	}
	if r.Kind != CustomerExport {
		return nil, server.Errorf(server.Conflict, "request %s is no export: it erases, and leaves nothing to hand out", requestID)
	}
	if r.Status != Done {
		return nil, server.Errorf(server.Conflict, "export %s is not made yet; it is due by %s", requestID, r.DueAt.Format(time.DateOnly))
	}
	e, err := s.Books.Export(ctx, program, requestID, format)
	if err != nil {
		return nil, err
	}
	if content, err = s.Sealer.Open(e.Sealed, rowKey(program, requestID, format)); err != nil {
		return nil, err
	}
	return content, s.Books.Audit(ctx, program, actor, "privacy.download", requestID, format)
}
