package query

import (
	"context"
	"time"
)

// History is an order, how it was calculated (the newest first), and a page of what was posted for it.
type History struct {
	Order     Order
	Snapshots []Snapshot
	Postings  []Posting
	Next      string // cursor of the next page of postings, "" at the end
	// PaysFrom is from when on the order's store pays, where the order was placed before and nothing was calculated for that reason.
	PaysFrom *time.Time
}

// Nothing says for people why nothing was calculated, as far as that is known.
func (h *History) Nothing() string {
	const never = "Nothing was ever posted for this order."
	if h.PaysFrom == nil {
		return never
	}
	return never + " " + h.Early()
}

// Early says that the order was placed before its store paid; "" where it was not.
func (h *History) Early() string {
	if h.PaysFrom == nil {
		return ""
	}
	return "It was placed before its store went live: orders earn that are placed from " + h.PaysFrom.UTC().Format("2006-01-02 15:04 MST") + " on."
}

// HistoryOf reads an order's history as of one moment: what waits, what was calculated and what was posted never
// contradict each other, however fast the order changes. f names all but the order. server.NotFound where there is no such order.
func HistoryOf(ctx context.Context, r Reader, program, orderID string, f PostingFilter, p Page) (h History, err error) {
	f.OrderID = orderID
	err = r.Together(ctx, program, func(ctx context.Context) (err error) {
		if h.Order, err = r.Order(ctx, program, orderID); err != nil {
			return err
		}
		if h.Snapshots, err = r.Snapshots(ctx, program, orderID); err != nil {
			return err
		}
		if h.PaysFrom, err = early(ctx, r, program, &h); err != nil {
			return err
		}
		h.Postings, h.Next, err = r.Postings(ctx, program, f, p)
		return err
	})
	return h, err
}

// early is from when on the store of a settled order pays that was placed before.
func early(ctx context.Context, r Reader, program string, h *History) (*time.Time, error) {
	if len(h.Snapshots) > 0 || h.Order.Settlement == "parked" {
		return nil, nil
	}
	stores, err := r.Stores(ctx, program)
	for i := range stores {
		if from := stores[i].GoLiveAt; stores[i].StoreID == h.Order.StoreID && from != nil && h.Order.OrderTS.Before(*from) {
			return from, err
		}
	}
	return nil, err
}
