package woocommerce

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// How many orders one call asks for.
const (
	pageSize     = 100 // of REST
	digestSize   = 200
	snapshotSize = 50
)

// Reader reads a store's orders: from its plugin where there is one, which alone knows of deleted refunds and of items that
// were saved on their own; else from REST with the consumer keys.
type Reader struct{ Client *Client }

var (
	_ adapters.Reader     = (*Reader)(nil)
	_ adapters.KeyChecker = (*Reader)(nil)
)

// CheckKeys tries the consumer keys where the plugin is asked instead of them: they are for the day when it is switched off.
func (r *Reader) CheckKeys(ctx context.Context) error {
	if r.Client.Signing == nil || r.Client.Key == "" {
		return nil
	}
	return r.Client.Check(ctx)
}

// off tells that nothing is left to read by.
func off(err error) error {
	if isMissing(err) {
		return fmt.Errorf("%w: %w", adapters.ErrPluginOff, err)
	}
	return err
}

// Order reads one order as it now is.
func (r *Reader) Order(ctx context.Context, platformOrderID string) (adapters.Fetched, error) {
	if id, err := strconv.ParseInt(platformOrderID, 10, 64); err != nil || id <= 0 {
		return adapters.Fetched{}, fmt.Errorf("order %q: %w", platformOrderID, adapters.ErrNoOrder)
	}
	if r.Client.Signing == nil {
		return r.restOrder(ctx, platformOrderID)
	}
	var found *adapters.Fetched
	err := r.snapshots(ctx, []string{platformOrderID}, func(f adapters.Fetched) error { found = &f; return nil })
	switch {
	case isMissing(err) && r.Client.Key != "": // The plugin was switched off; the keys still read.
		return r.restOrder(ctx, platformOrderID)
	case err != nil:
		return adapters.Fetched{}, off(err)
	case found == nil || found.PlatformOrderID != platformOrderID:
		return adapters.Fetched{}, fmt.Errorf("order %s: %w", platformOrderID, adapters.ErrNoOrder)
	}
	return *found, nil
}

// Changed hands out every order changed in [from, to), those in the trash too.
func (r *Reader) Changed(ctx context.Context, from, to time.Time, yield func(adapters.Fetched) error) error {
	if r.Client.Signing != nil {
		err := r.digested(ctx, from, to, yield)
		if !isMissing(err) || r.Client.Key == "" {
			return off(err)
		}
	}
	for _, status := range []string{"any", "trash"} { // "any" leaves the trash out
		if err := r.listed(ctx, status, from, to, yield); err != nil {
			return err
		}
	}
	return nil
}

// digested goes through the plugin's digest and asks for the snapshots of each page.
func (r *Reader) digested(ctx context.Context, from, to time.Time, yield func(adapters.Fetched) error) error {
	cursor := ""
	for {
		var page struct {
			Data []struct {
				ID wire.ID `json:"id"`
			} `json:"data"`
			NextCursor wire.Loose `json:"next_cursor"`
		}
		err := r.Client.call(ctx, "digest", map[string]any{
			"by": "modified", "from": from.UTC().Format(time.RFC3339), "to": to.UTC().Format(time.RFC3339), "cursor": cursor, "limit": digestSize,
		}, &page)
		if err != nil {
			return err
		}
		for begin := 0; begin < len(page.Data); begin += snapshotSize {
			var ids []string
			for _, row := range page.Data[begin:min(begin+snapshotSize, len(page.Data))] {
				ids = append(ids, row.ID.String())
			}
			if err := r.snapshots(ctx, ids, yield); err != nil {
				return err
			}
		}
		if page.NextCursor == "" || string(page.NextCursor) == cursor {
			return nil
		}
		cursor = string(page.NextCursor)
	}
}

// snapshots asks the plugin for orders as they are now.
func (r *Reader) snapshots(ctx context.Context, ids []string, yield func(adapters.Fetched) error) error {
	var answer struct {
		Data []jsontext.Value `json:"data"`
	}
	if err := r.Client.call(ctx, "snapshots", map[string]any{"ids": ids}, &answer); err != nil {
		return err
	}
	for _, raw := range answer.Data {
		fetched, err := fetchedSnapshot(raw)
		if err != nil {
			return err
		}
		if err := yield(fetched); err != nil {
			return err
		}
	}
	return nil
}

// listedHead is what the walk through REST needs of an order.
type listedHead struct {
	ID       wire.ID          `json:"id"`
	Modified wire.Moment      `json:"date_modified_gmt"`
	Refunds  []jsontext.Value `json:"refunds"`
}

// listed walks through REST by the time of change. The next page begins at the last order's second instead of being
// counted, so that an order which changes meanwhile leaves no gap; what was seen of that second is left out.
func (r *Reader) listed(ctx context.Context, status string, from, to time.Time, yield func(adapters.Fetched) error) error {
	after, page := from.UTC().Truncate(time.Second).Add(-time.Second), 1
	seen := map[wire.ID]bool{} // of the seconds from after on
	for {
		got, err := r.Client.get(ctx, "orders", url.Values{
			"status": {status}, "modified_after": {after.Format(time.DateTime)}, "modified_before": {to.UTC().Add(time.Second - 1).Format(time.DateTime)},
			"dates_are_gmt": {"true"}, "orderby": {"modified"}, "order": {"asc"}, "per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}, "dp": {"6"},
		})
		if err != nil {
			return err
		}
		var orders []jsontext.Value
		if err := json.Unmarshal(got.body, &orders); err != nil {
			return errors.New("the store's list of orders is no list")
		}
		last, err := r.yieldNew(ctx, orders, got.at, seen, yield)
		if err != nil || len(orders) < pageSize {
			return err
		}
		if next := last.Add(-time.Second); next.After(after) {
			after, page, seen = next, 1, r.newest(orders, next)
			continue
		}
		page++
	}
}

// yieldNew hands out the orders of a page that were not handed out before, and tells the time of the last one's change.
func (r *Reader) yieldNew(ctx context.Context, orders []jsontext.Value, at time.Time, seen map[wire.ID]bool, yield func(adapters.Fetched) error) (last time.Time, err error) {
	for _, raw := range orders {
		var head listedHead
		if err := json.Unmarshal(raw, &head); err != nil || head.ID == 0 || head.Modified.IsZero() {
			return last, errors.New("an order of the store's list has no id or no time of change")
		}
		last = head.Modified.Time
		if seen[head.ID] {
			continue
		}
		seen[head.ID] = true
		fetched, err := r.withRefunds(ctx, raw, &head, at)
		if err != nil {
			return last, err
		}
		if err := yield(fetched); err != nil {
			return last, err
		}
	}
	return last, nil
}

// newest are the orders of a page that the next one will hold again.
func (r *Reader) newest(orders []jsontext.Value, after time.Time) map[wire.ID]bool {
	seen := map[wire.ID]bool{}
	for _, raw := range orders {
		var head listedHead
		if json.Unmarshal(raw, &head) == nil && head.Modified.After(after) {
			seen[head.ID] = true
		}
	}
	return seen
}

// restOrder reads one order from REST.
func (r *Reader) restOrder(ctx context.Context, id string) (adapters.Fetched, error) {
	got, err := r.Client.get(ctx, "orders/"+id, url.Values{"dp": {"6"}})
	if isMissing(err) {
		return adapters.Fetched{}, fmt.Errorf("order %s: %w", id, adapters.ErrNoOrder)
	}
	if err != nil {
		return adapters.Fetched{}, err
	}
	var head listedHead
	if err := json.Unmarshal(got.body, &head); err != nil || head.ID.String() != id {
		return adapters.Fetched{}, fmt.Errorf("read order %s: the answer is another thing", id)
	}
	return r.withRefunds(ctx, got.body, &head, got.at)
}

// withRefunds makes the body that Normalise reads; refunds are asked for where the order has some.
func (r *Reader) withRefunds(ctx context.Context, raw jsontext.Value, head *listedHead, at time.Time) (adapters.Fetched, error) {
	refunds := []jsontext.Value{}
	for page := 1; len(head.Refunds) > 0; page++ {
		got, err := r.Client.get(ctx, "orders/"+head.ID.String()+"/refunds", url.Values{"dp": {"6"}, "per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}})
		if err != nil {
			return adapters.Fetched{}, err
		}
		var some []jsontext.Value
		if err := json.Unmarshal(got.body, &some); err != nil {
			return adapters.Fetched{}, fmt.Errorf("the refunds of order %s are no list", head.ID)
		}
		if refunds = append(refunds, some...); len(some) < pageSize {
			break
		}
	}
	body, err := json.Marshal(map[string]any{"fetched_at": at.Format(time.RFC3339), "order": raw, "refunds": refunds}, json.Deterministic(true))
	if err != nil {
		return adapters.Fetched{}, fmt.Errorf("write order %s: %w", head.ID, err)
	}
	return adapters.Fetched{PlatformOrderID: head.ID.String(), UpdatedAt: head.Modified.Time, Body: body}, nil
}
