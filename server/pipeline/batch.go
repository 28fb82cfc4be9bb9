package pipeline

import (
	"slices"
	"strings"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// task is what there is to settle about one order.
type task struct {
	revisions []Revised
	released  bool // settle again though nothing new may have been said
}

// batch is what one transaction does: deliveries and released orders of one program.
type batch struct {
	program string
	items   []*item
	sources []order.Source // sorted, each once
	tasks   map[order.Source]task
	stores  map[string]StoreInfo
}

// batches groups items by program, in the order of their first ones.
func batches(items []*item) []*batch {
	var out []*batch
	for len(items) > 0 {
		program := items[0].program
		var own, rest []*item
		for _, it := range items {
			if it.program == program {
				own = append(own, it)
			} else {
				rest = append(rest, it)
			}
		}
		out = append(out, newBatch(program, own))
		items = rest
	}
	return out
}

func newBatch(program string, items []*item) *batch {
	b := &batch{program: program, items: items, tasks: map[order.Source]task{}, stores: map[string]StoreInfo{}}
	read := map[string]time.Time{}
	for _, it := range items {
		// The newest reading counts for all: an order released by a change of its store must see that change.
		if id := it.store.info.StoreID; !it.store.read.Before(read[id]) {
			read[id], b.stores[id] = it.store.read, it.store.info
		}
		for _, source := range it.sources {
			t, known := b.tasks[source]
			if !known {
				b.sources = append(b.sources, source)
			}
			t.released = t.released || !it.isDelivery()
			for _, r := range it.revisions {
				if r.Revision.Source == source {
					t.revisions = append(t.revisions, r)
				}
			}
			b.tasks[source] = t
		}
	}
	slices.SortFunc(b.sources, func(a, b order.Source) int { return strings.Compare(a.String(), b.String()) })
	return b
}

// apart splits a batch by order, so that one that cannot be written does not hold up its neighbours.
func (b *batch) apart() []*batch {
	var keys []string
	units := map[string][]*item{}
	for _, it := range b.items {
		key := it.key
		if len(it.sources) > 0 {
			key = it.sources[0].String()
		}
		if units[key] == nil {
			keys = append(keys, key)
		}
		units[key] = append(units[key], it)
	}
	out := make([]*batch, len(keys))
	for i, key := range keys {
		out[i] = newBatch(b.program, units[key])
	}
	return out
}

// subject is what the batch's transaction is about, as far as it can be told before the orders are read.
func (b *batch) subject() Subject {
	told := make([]SourceRecord, len(b.sources))
	for i, source := range b.sources {
		told[i].Source = source
	}
	return Subject{Sources: b.sources, Customers: b.customers(told), Checkouts: b.checkouts(told)}
}

// customers lists the buyers whose bindings the batch may need, by what is stored and by what is new.
func (b *batch) customers(records []SourceRecord) []Customer {
	var out []Customer
	add := func(o *order.Order) {
		c := Customer{StoreID: o.Source.StoreID, CustomerID: o.BuyerID}
		if c.CustomerID != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	for _, rec := range records {
		for i := range rec.State.Channels {
			add(&rec.State.Channels[i].Order)
			if told := rec.State.Channels[i].Told; told != nil {
				add(&order.Order{Source: rec.Source, BuyerID: told.BuyerID})
			}
		}
		for _, r := range b.tasks[rec.Source].revisions {
			if r.Revision.Order != nil {
				add(r.Revision.Order)
			}
		}
	}
	return out
}

// checkouts lists the checkouts of orders that may be nobody's: those without any stronger evidence of their own.
func (b *batch) checkouts(records []SourceRecord) (out []Checkout) {
	add := func(o *order.Order) {
		for _, e := range o.Evidence {
			c := Checkout{StoreID: o.Source.StoreID, Key: e.Value}
			if e.Kind == order.Checkout && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	for _, rec := range records {
		for i := range rec.State.Channels {
			add(&rec.State.Channels[i].Order)
		}
		for _, r := range b.tasks[rec.Source].revisions {
			if r.Revision.Order != nil {
				add(r.Revision.Order)
			}
		}
	}
	return out
}

// finished lists the deliveries of the batch that touch no order.
func (b *batch) finished() []inbox.Finished {
	var out []inbox.Finished
	for _, it := range b.items {
		if it.finished != nil {
			out = append(out, *it.finished)
		}
	}
	return out
}

// assignEnds gives every delivery its end with one of the orders it spoke of: a parked one, if there is one.
func (b *batch) assignEnds(settled []Settlement, now time.Time) {
	bySource := make(map[order.Source]*Settlement, len(settled))
	for i := range settled {
		settled[i].Deliveries = nil
		bySource[settled[i].Source] = &settled[i]
	}
	for _, it := range b.items {
		if it.finished != nil || !it.isDelivery() {
			continue
		}
		s := bySource[it.sources[0]]
		for _, source := range it.sources[1:] {
			if s.Outcome != Parked {
				s = bySource[source]
			}
		}
		s.Deliveries = append(s.Deliveries, s.end(it.row.DeliveryID, now))
	}
}

// end is how a delivery ends with this settlement.
func (s *Settlement) end(deliveryID string, now time.Time) inbox.Finished {
	if s.Outcome == Parked {
		return inbox.Finished{DeliveryID: deliveryID, Status: inbox.Parked, Result: string(s.Reason.Code), Reason: s.Reason.Detail, At: now}
	}
	return inbox.Finished{DeliveryID: deliveryID, Status: inbox.Done, Result: string(s.Outcome), At: now}
}
