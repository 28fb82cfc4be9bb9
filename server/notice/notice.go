// Package notice acts on what platforms tell that is no telling of an order: uninstalled apps, other scopes, merged customers,
// finished bulk operations, disputes and returns, and requests of persons. Each notice is as good twice as once.
package notice

import (
	"context"
	"fmt"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/privacy"
)

// Stores knows which stores are connected; *install.Service is one.
type Stores interface {
	Uninstall(ctx context.Context, storeID string, at time.Time, actor string) error
	Rescope(ctx context.Context, storeID string, scopes []string, at time.Time, actor string) error
}

// Customers keep whose customer somebody is.
type Customers interface {
	// MergeCustomers gives the customer that is kept what is known of the one that is gone, where nothing is known of it yet.
	MergeCustomers(ctx context.Context, program, storeID, kept, gone string) (moved bool, err error)
	Audit(ctx context.Context, program, actor, action, subject, detail string) error
}

// Requests takes what persons and shops ask for; *privacy.Service is one.
type Requests interface {
	Take(ctx context.Context, a privacy.Ask) (requestID string, err error)
}

// Orders lets an order be read anew from its platform.
type Orders interface {
	// WishOrder wants it read, known or not; because is a sentence for people. A second wish before the reading is one.
	WishOrder(ctx context.Context, program string, of order.Source, because string, at time.Time) error
}

// Operations wakes who waits for a bulk operation; *adminapi.Bell is one.
type Operations interface {
	// Ring tells that the operation has ended, and whether anybody in this process waits for it.
	Ring(operationID string) (awaited bool)
}

// Desk acts on notices. Operations may be nil: whoever asked then looks by itself.
type Desk struct {
	Stores     Stores
	Customers  Customers
	Requests   Requests
	Orders     Orders
	Operations Operations
}

// eraseDelay is how long after an uninstall Shopify asks for a shop to be forgotten.
const eraseDelay = 48 * time.Hour

// Take acts on a notice and says in one sentence what was done.
func (d *Desk) Take(ctx context.Context, delivery order.Delivery, n *adapters.Notice) (note string, err error) {
	defer server.Wrap(&err, "act on %s of delivery %s", n.Kind, delivery.DeliveryID)
	at, actor := n.At, "platform:"+string(delivery.Platform)
	if at.IsZero() {
		at = delivery.ReceivedAt
	}
	switch n.Kind {
	case adapters.Uninstalled:
		return "the store's credentials are gone; its ledger stays", d.Stores.Uninstall(ctx, delivery.StoreID, at, actor)
	case adapters.ScopesChanged:
		return "the store's scopes are noted", d.Stores.Rescope(ctx, delivery.StoreID, n.Scopes, at, actor)
	case adapters.OrderTouched:
		return d.touched(ctx, delivery, n, actor)
	case adapters.CustomersMerged:
		return d.merge(ctx, delivery, n, actor)
	case adapters.BulkFinished:
		if d.Operations == nil || !d.Operations.Ring(n.OperationID) {
			return "nobody in this process waits for this operation; whoever does asks after it by itself", nil
		}
		return "the operation's result is read", nil
	case adapters.StoreErase:
		// It proves an uninstall two days ago, even where that delivery was lost. A store that was connected since stays so.
		if err := d.Stores.Uninstall(ctx, delivery.StoreID, at.Add(-eraseDelay), actor); err != nil {
			return "", err
		}
		return d.ask(ctx, delivery, n, privacy.StoreErase, actor)
	case adapters.CustomerExport:
		return d.ask(ctx, delivery, n, privacy.CustomerExport, actor)
	case adapters.CustomerErase:
		return d.ask(ctx, delivery, n, privacy.CustomerErase, actor)
	default:
		return "", fmt.Errorf("a notice of the unknown kind %q", n.Kind)
	}
}

// touched has the order read anew: what happened around it decides nothing, and what the order says then does.
func (d *Desk) touched(ctx context.Context, delivery order.Delivery, n *adapters.Notice, actor string) (string, error) {
	if len(n.OrderIDs) != 1 {
		return "", fmt.Errorf("a notice about %d orders, want one", len(n.OrderIDs))
	}
	of := order.Source{StoreID: delivery.StoreID, PlatformOrderID: n.OrderIDs[0]}
	if err := d.Orders.WishOrder(ctx, delivery.ProgramID, of, n.Event, delivery.ReceivedAt); err != nil {
		return "", err
	}
	return n.Event + "; order " + n.OrderIDs[0] + " is read anew, and commissions follow what it says then",
		d.Customers.Audit(ctx, delivery.ProgramID, actor, "order.touched", of.String(), n.Event)
}

func (d *Desk) merge(ctx context.Context, delivery order.Delivery, n *adapters.Notice, actor string) (string, error) {
	moved, err := d.Customers.MergeCustomers(ctx, delivery.ProgramID, delivery.StoreID, n.KeptCustomerID, n.CustomerID)
	if err != nil {
		return "", err
	}
	if !moved {
		return "nothing was known of the customer that is gone, or something is of the one that is kept", nil
	}
	detail := n.CustomerID + " is now " + n.KeptCustomerID
	return "the customer that is kept takes over whose customer the other one was",
		d.Customers.Audit(ctx, delivery.ProgramID, actor, "customers.merge", delivery.StoreID, detail)
}

// ask hands a request on. Where the platform gives it no id, the delivery's stands in: it is equal across retries.
func (d *Desk) ask(ctx context.Context, delivery order.Delivery, n *adapters.Notice, kind privacy.Kind, actor string) (string, error) {
	key := n.Key
	if key == "" {
		key = delivery.PlatformDeliveryID
	}
	id, err := d.Requests.Take(ctx, privacy.Ask{
		ProgramID: delivery.ProgramID, StoreID: delivery.StoreID, Kind: kind, Subject: n.CustomerID, Key: key, Actor: actor,
		Detail: privacy.Detail{Email: n.Email, Phone: n.Phone, OrderIDs: n.OrderIDs}, ReceivedAt: delivery.ReceivedAt,
	})
	return "it is request " + id + "; see upline privacy list", err
}
