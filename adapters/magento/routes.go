package magento

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
)

// How many orders one call to the module asks for.
const (
	digestSize   = 200
	snapshotSize = 50
)

// errNoModule means that the shop knows none of the module's routes.
var errNoModule = errors.New("the module does not answer")

// routeless is Magento's word for an address that no module answers.
const routeless = "does not match any route"

// module asks one of the module's routes.
func (r *Reader) module(ctx context.Context, path string, query []pair, target any) error {
	if r.Client.moduleless.Load() {
		return errNoModule
	}
	_, err := r.Client.get(ctx, "rest/V1/upline/"+path, query, target)
	failed, answered := errors.AsType[*Failed](err)
	if answered && failed.Status == http.StatusNotFound && strings.Contains(failed.Message, routeless) {
		r.Client.moduleless.Store(true)
		return errNoModule
	}
	return err
}

// moduleOrder reads one order as the module would tell it now.
func (r *Reader) moduleOrder(ctx context.Context, id string) (adapters.Fetched, error) {
	var body string
	err := r.module(ctx, "orders/"+id, nil, &body)
	if failed, answered := errors.AsType[*Failed](err); answered && failed.Status == http.StatusNotFound {
		return adapters.Fetched{}, fmt.Errorf("order %s: %w", id, adapters.ErrNoOrder)
	}
	if err != nil {
		return adapters.Fetched{}, fmt.Errorf("read order %s: %w", id, err)
	}
	f, err := headOf(body)
	if err == nil && f.PlatformOrderID != id {
		err = &Failed{Status: http.StatusOK, Message: "the module answered with another order"}
	}
	return f, err
}

// moduleChanged goes through the module's list, by the time of change and by id within a second, and asks for the orders in it.
func (r *Reader) moduleChanged(ctx context.Context, from, to time.Time, yield func(adapters.Fetched) error) error {
	since, after := from.UTC().Truncate(time.Second), int64(0)
	for {
		var page []struct {
			EntityID  wire.ID     `json:"entity_id"`
			UpdatedAt wire.Moment `json:"updated_at"`
		}
		err := r.module(ctx, "orders", []pair{
			{"since", since.Format(time.RFC3339)},
			{"until", to.UTC().Format(time.RFC3339)},
			{"afterId", strconv.FormatInt(after, 10)},
			{"limit", strconv.Itoa(digestSize)},
		}, &page)
		if err != nil {
			return fmt.Errorf("read the orders changed since %s: %w", since.Format(time.RFC3339), err)
		}
		ids := make([]string, 0, len(page))
		for _, row := range page {
			id, err := strconv.ParseInt(row.EntityID.String(), 10, 64)
			if err != nil || row.UpdatedAt.Before(since) || row.UpdatedAt.Equal(since) && id <= after {
				return fmt.Errorf("read the orders changed since %s: %w", since.Format(time.RFC3339), &Failed{Status: http.StatusOK, Message: "the orders do not ascend"})
			}
			since, after = row.UpdatedAt.Time, id
			ids = append(ids, row.EntityID.String())
		}
		if err := r.moduleSnapshots(ctx, ids, yield); err != nil || len(page) < digestSize {
			return err
		}
	}
}

// moduleSnapshots reads orders by their ids; one that was deleted meanwhile is left out.
func (r *Reader) moduleSnapshots(ctx context.Context, ids []string, yield func(adapters.Fetched) error) error {
	for len(ids) > 0 {
		some := ids[:min(len(ids), snapshotSize)]
		ids = ids[len(some):]
		var bodies []string
		if err := r.module(ctx, "snapshots", []pair{{"ids", strings.Join(some, ",")}}, &bodies); err != nil {
			return fmt.Errorf("read %d orders: %w", len(some), err)
		}
		for _, body := range bodies {
			f, err := headOf(body)
			if err != nil {
				return err
			}
			if err := yield(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// headOf reads which order a module's body tells.
func headOf(body string) (adapters.Fetched, error) {
	var head struct {
		Order struct {
			ID        wire.ID     `json:"id"`
			UpdatedAt wire.Moment `json:"updated_at"`
		} `json:"order"`
	}
	if err := wire.Decode([]byte(body), &head); err != nil {
		return adapters.Fetched{}, fmt.Errorf("read an order of the answer: %w", err)
	}
	if head.Order.ID == 0 {
		return adapters.Fetched{}, fmt.Errorf("read an order of the answer: %w", missing("order.id"))
	}
	return adapters.Fetched{PlatformOrderID: head.Order.ID.String(), UpdatedAt: head.Order.UpdatedAt.Time, Body: []byte(body)}, nil
}
