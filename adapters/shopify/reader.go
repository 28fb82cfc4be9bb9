package shopify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify/adminapi"
)

// bulkFrom is from how many changed orders on they are read by a bulk operation, which costs the shop no points and takes a
// minute or so to begin with; fewer are read page by page.
const bulkFrom = 250

// Reader reads a shop's orders by its Admin API.
type Reader struct {
	client *adminapi.Client
	folder string
}

var _ adapters.Reader = (*Reader)(nil)

// NewReader reads with the given client; folder is where results of bulk operations are sorted, "" for the system's place for
// temporary files.
func NewReader(client *adminapi.Client, folder string) *Reader {
	return &Reader{client: client, folder: folder}
}

// Order reads one order. See adapters.Reader.
func (r *Reader) Order(ctx context.Context, platformOrderID string) (adapters.Fetched, error) {
	if strings.Trim(platformOrderID, "0123456789") != "" || platformOrderID == "" {
		return adapters.Fetched{}, fmt.Errorf("%q is no number of an order: %w", platformOrderID, adapters.ErrNoOrder)
	}
	o, err := r.client.FullOrder(ctx, adminapi.OrderID(platformOrderID))
	if err != nil {
		return adapters.Fetched{}, err
	}
	return tell(o)
}

func tell(o *adminapi.FullOrder) (adapters.Fetched, error) {
	body, err := tellFetched(o)
	if err != nil {
		return adapters.Fetched{}, fmt.Errorf("tell %s: %w", o.Id, err)
	}
	_, number, _ := strings.Cut(strings.TrimPrefix(o.Id, "gid://shopify/"), "/")
	return adapters.Fetched{PlatformOrderID: number, UpdatedAt: o.UpdatedAt, Body: body}, nil
}

// Changed hands out the orders changed in [from, to): few of them page by page, many by a bulk operation. A bulk operation
// tells an order's refunds only by their ids, so an order with refunds is read once more by itself. See adapters.Reader.
func (r *Reader) Changed(ctx context.Context, from, to time.Time, yield func(adapters.Fetched) error) error {
	found, err := adminapi.CountOrders(ctx, r.client, adminapi.Window(from, to), bulkFrom+1)
	if err != nil {
		return err
	}
	if found.OrdersCount.Count <= bulkFrom {
		return r.client.ChangedOrders(ctx, from, to, func(o *adminapi.FullOrder) error { return handOut(o, yield) })
	}
	return r.client.BulkOrders(ctx, from, to, r.folder, func(string) {}, func(o *adminapi.BulkOrder) error {
		if len(o.RefundIDs) == 0 {
			return handOut(&o.FullOrder, yield)
		}
		whole, err := r.client.FullOrder(ctx, o.Id)
		if errors.Is(err, adapters.ErrNoOrder) {
			return nil // deleted since; its deletion is told by a webhook
		}
		if err != nil {
			return err
		}
		return handOut(whole, yield)
	})
}

func handOut(o *adminapi.FullOrder, yield func(adapters.Fetched) error) error {
	f, err := tell(o)
	if err != nil {
		return err
	}
	return yield(f)
}
