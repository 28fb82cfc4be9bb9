package adapters

import (
	"time"

	"upline.dev/upline/core/order"
)

// NoticeKind is what a delivery says that is about no order.
type NoticeKind string

// The kinds of notice.
const (
	Uninstalled     NoticeKind = "uninstalled"      // the store took the app away
	ScopesChanged   NoticeKind = "scopes_changed"   // the merchant agrees to other scopes now
	CustomersMerged NoticeKind = "customers_merged" // one customer took the place of another
	BulkFinished    NoticeKind = "bulk_finished"    // an answer we asked for lies ready
	CustomerExport  NoticeKind = "customer_export"  // a person wants to know what is kept of them
	CustomerErase   NoticeKind = "customer_erase"   // a person wants to be forgotten
	StoreErase      NoticeKind = "store_erase"      // everything personal of the store must go
	OrderTouched    NoticeKind = "order_touched"    // something happened around an order, which may have changed with it
)

// Notice is a delivery about a store, its app or a person. Only the fields of its kind are set.
type Notice struct {
	Kind NoticeKind
	At   time.Time // when the platform says it happened; zero where it does not say
	Key  string    // the platform's own id of a request; the same request asked twice is one

	CustomerID     string   // CustomersMerged: the one that is gone
	KeptCustomerID string   // CustomersMerged
	OrderIDs       []string // OrderTouched: the one; CustomerExport and CustomerErase: those of the person
	Scopes         []string // ScopesChanged: all that are granted now
	OperationID    string   // BulkFinished
	Event          string   // OrderTouched: what happened, as a sentence for people; it names nobody

	// Email and Phone are personal: they serve to find the person in stored bodies, and are kept sealed or not at all.
	Email string
	Phone string
}

// Announcer is an adapter whose platform also tells of what is no order.
type Announcer interface {
	// Announce reads such a delivery; nil where the topic is about an order, which Normalise reads, or about nothing that
	// concerns us. Bytes it cannot read give a *Malformed.
	Announce(d order.Delivery) (*Notice, error)
}
