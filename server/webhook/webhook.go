// Package webhook tells a program's own servers what happens: each endpoint gets the events it chose, signed as Standard
// Webhooks are, at least once, and those of one subject in their order.
//
// What is to be told is a message in the database before anything is sent, so a process may die anywhere. One sender at a
// time works for an endpoint.
package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// The types of events. What commission.event and order.settled say is the outbox's; the others are found in the books.
const (
	CommissionEvent   = "commission.event"   // a settlement posted something, with its postings
	OrderSettled      = "order.settled"      // the same settlement, as a pointer without amounts
	OrderParked       = "order.parked"       // an order waits, and for what
	DeliveryParked    = "delivery.parked"    // a delivery cannot be read, or its order waits
	StoreConnected    = "store.connected"    // a store was connected, or again
	StoreDisconnected = "store.disconnected" // a store has to be connected again, or has removed the app
	PlanPublished     = "plan.published"     // a plan version counts from its effective date on
	TestEvent         = "webhook.test"       // asked for by somebody; every endpoint takes it
)

// Types are those an endpoint may choose.
func Types() []string {
	return []string{CommissionEvent, OrderSettled, OrderParked, DeliveryParked, StoreConnected, StoreDisconnected, PlanPublished}
}

// The states of an endpoint and of a message.
const (
	Active    = "active"
	Paused    = "paused" // nothing is sent; what happens meanwhile waits
	Waiting   = "waiting"
	Delivered = "delivered"
	Failed    = "failed" // every attempt was made
)

// Endpoint is an address of a program that wants to be told.
type Endpoint struct {
	ProgramID       string
	EndpointID      string
	URL             string
	Description     string
	Types           []string
	State           string
	Reason          string // why it is paused; "" where somebody paused it
	SealedSecret    []byte // sealed with program and endpoint id as associated data
	SealedOldSecret []byte // signs too until OldUntil
	OldUntil        time.Time
	CreatedAt       time.Time
	SucceededAt     time.Time // zero: never yet
	FailingSince    time.Time // zero: the last attempt succeeded
	Waiting         int64     // messages that wait; told by Endpoints alone
	Version         int64     // rises with each change of what somebody chose
}

// wants tells whether the endpoint chose a type. Tests go to everybody.
func (e *Endpoint) wants(kind string) bool {
	return kind == TestEvent || slices.Contains(e.Types, kind)
}

// Event is something that happened.
type Event struct {
	EventID string // the same for the same fact, whoever finds it and however often
	Type    string
	Subject string // events of one subject, such as an order, stay in their order
	At      time.Time
	Data    json.RawMessage
}

// Message is an event on its way to an endpoint.
type Message struct {
	EndpointID string
	Sequence   int64 // per endpoint
	EventID    string
	Type       string
	Subject    string
	Body       string
	State      string
	Attempt    int // attempts so far
	Base       int // of them before it was sent anew by hand
	DueAt      time.Time
	CreatedAt  time.Time
	FinishedAt time.Time // zero: not yet
	Last       *Attempt  // the newest attempt; told by lists alone
}

// Attempt is one try to hand a message over.
type Attempt struct {
	Attempt int // from 1
	At      time.Time
	Status  int // of HTTP; 0: there was no answer
	Latency time.Duration
	Fault   string // why there was no answer
	Answer  string // the beginning of what was answered
}

// succeeded: any 2xx says that the endpoint has the event.
func (a *Attempt) succeeded() bool { return a.Status >= 200 && a.Status < 300 }

// Result is an attempt with what becomes of its message.
type Result struct {
	Sequence int64
	Attempt  Attempt
	State    string    // of the message, after it
	DueAt    time.Time // of the next attempt, where it still waits
}

// Filter narrows the list of messages; zero values do not filter.
type Filter struct {
	State string
	Type  string
}

// Books is what webhooks ask of the database.
type Books interface {
	// CreateEndpoint adds an endpoint; a program's first one is told what happens from now on. server.Conflict where the program
	// has most endpoints.
	CreateEndpoint(ctx context.Context, e Endpoint, most int) error
	// ChangeEndpoint changes an endpoint by f, where it is at the version seen; -1: at whichever.
	ChangeEndpoint(ctx context.Context, program, endpointID string, seen int64, f func(*Endpoint) error) (Endpoint, error)
	RemoveEndpoint(ctx context.Context, program, endpointID string) error
	Endpoint(ctx context.Context, program, endpointID string) (Endpoint, error)
	// Endpoints lists a program's endpoints, the oldest first; "" those of all programs, without what waits.
	Endpoints(ctx context.Context, program string) ([]Endpoint, error)
	// AddMessages adds events for each of the endpoints, in their order; what an endpoint has already it does not get again.
	AddMessages(ctx context.Context, program string, endpointIDs []string, events []Message) error
	Messages(ctx context.Context, program, endpointID string, f Filter, limit int, after string) ([]Message, string, error)
	Message(ctx context.Context, program, endpointID string, sequence int64) (Message, []Attempt, error)
	// SendAgain makes messages wait for an attempt at once, as new ones; sequence 0: all that failed. It gives their number.
	SendAgain(ctx context.Context, program, endpointID string, sequence int64, now time.Time) (int64, error)
	// Due lists active endpoints that have something to send and no sender but owner.
	Due(ctx context.Context, owner string, now time.Time) ([]Endpoint, error)
	// LeaseEndpoint makes owner the only sender until a time; false where another one is.
	LeaseEndpoint(ctx context.Context, program, endpointID, owner string, now, until time.Time) (bool, error)
	// Window gives the oldest messages that wait, due or not, in their order.
	Window(ctx context.Context, program, endpointID string, limit int) ([]Message, error)
	// Record writes what came of attempts, and when the endpoint may be called next. owner must hold the lease, else it is a
	// server.Conflict.
	Record(ctx context.Context, program, endpointID, owner string, results []Result, retryAt time.Time) (Endpoint, error)
	// PauseEndpoint pauses an endpoint for a reason and leaves a line in the audit log.
	PauseEndpoint(ctx context.Context, program, endpointID, reason string) error
	// Facts finds events of the given types that happened since then, except those of the outbox.
	Facts(ctx context.Context, program string, types []string, since time.Time) ([]Event, error)
	// ForgetMessages drops messages older than a time that wait no more, and all that are older than the second.
	ForgetMessages(ctx context.Context, finished, all time.Time) error
}

// EventID is the stable id of a fact.
func EventID(program, kind, key string) string {
	sum := sha256.Sum256([]byte(program + "\x00" + kind + "\x00" + key))
	return "evt_" + hex.EncodeToString(sum[:16])
}

// envelope is the body of every request, as Standard Webhooks recommend.
type envelope struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Timestamp string          `json:"timestamp"`
	ProgramID string          `json:"program_id"`
	Data      json.RawMessage `json:"data"`
}

// messageOf is an event as it is sent.
func messageOf(program string, e *Event) (Message, error) {
	body, err := json.Marshal(envelope{e.EventID, e.Type, e.At.UTC().Format(time.RFC3339Nano), program, e.Data})
	return Message{EventID: e.EventID, Type: e.Type, Subject: e.Subject, Body: string(body), DueAt: e.At, CreatedAt: e.At}, err
}

// associated binds a sealed secret to its endpoint.
func associated(program, endpointID string) []byte {
	return []byte(strings.Join([]string{"webhook_endpoints", program, endpointID}, "\x00"))
}
