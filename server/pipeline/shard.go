package pipeline

import (
	"context"
	"fmt"
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

// settleShard takes whatever waits, at most BatchMax, and settles it: a batch grows while the one before is under way,
// without any timer.
func (p *Pipeline) settleShard(ctx context.Context, waiting chan *item) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-waiting:
			for _, b := range batches(p.gather(first, waiting)) {
				p.settleBatch(ctx, b)
			}
		}
	}
}

func (p *Pipeline) gather(first *item, waiting chan *item) []*item {
	items := []*item{first}
	for len(items) < p.options.BatchMax {
		select {
		case it := <-waiting:
			items = append(items, it)
		default:
			return items
		}
	}
	return items
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
		}
		for _, r := range b.tasks[rec.Source].revisions {
			if r.Revision.Order != nil {
				add(r.Revision.Order)
			}
		}
	}
	return out
}

// settleBatch writes a batch, order by order where it cannot be written as a whole.
func (p *Pipeline) settleBatch(ctx context.Context, b *batch) {
	var settled []Settlement
	err := p.persist(ctx, func() (err error) {
		settled, err = p.transact(ctx, b)
		return err
	})
	if err == nil {
		p.ended(b, settled)
		return
	}
	if ctx.Err() != nil { // Stopping: the rows keep their leases and are claimed again.
		p.letGo(b.items)
		return
	}
	units := b.apart()
	if len(units) == 1 {
		p.fail(ctx, b.items, err)
		return
	}
	for _, unit := range units {
		p.settleBatch(ctx, unit)
	}
}

// transact settles a batch in one transaction: postings and ends become durable together, or not at all.
func (p *Pipeline) transact(ctx context.Context, b *batch) (settled []Settlement, err error) {
	now := p.deps.Clock().UTC()
	if len(b.sources) == 0 {
		return nil, p.deps.Inbox.FinishDeliveries(ctx, b.finished())
	}
	err = p.deps.Store.InTx(ctx, b.program, b.sources, func(books Books) error {
		f, err := readFacts(ctx, books, b, now)
		if err != nil {
			return err
		}
		if settled, err = f.settleAll(books.Sources(), b); err != nil {
			return err
		}
		b.assignEnds(settled, now)
		return books.Settle(ctx, settled, b.finished(), now)
	})
	return settled, err
}

// settleAll settles each source, and parks those that cannot be decided.
func (f *facts) settleAll(records []SourceRecord, b *batch) ([]Settlement, error) {
	settled := make([]Settlement, 0, len(records))
	for _, rec := range records {
		var s Settlement
		_, err := safely(func() (_ struct{}, err error) {
			s, err = f.settle(rec, b.tasks[rec.Source])
			return struct{}{}, err
		})
		switch v, reason := outcome(err); v {
		case proceed:
		case park:
			s = s.parked(rec, reason)
		case later, again:
			return nil, fmt.Errorf("settle order %s: %w", rec.Source, err)
		}
		settled = append(settled, s)
	}
	return settled, nil
}

// parked keeps what was said and what was posted, and adds what is waiting for the mend.
func (s Settlement) parked(rec SourceRecord, reason *Reason) Settlement {
	out := Settlement{
		Source: s.Source, Platform: s.Platform, Revisions: s.Revisions, State: s.State, Order: s.Order,
		Outcome: Parked, Reason: reason, Revision: rec.Revision, Attribution: s.Attribution,
	}
	if s.Order == nil {
		return out
	}
	reason.Currency = s.Order.Currency
	net := s.Net
	if net.Lines == nil {
		// Only to show what waits; an order whose net cannot be told says so by its reason.
		net, _ = order.Net(*s.Order, order.NetPolicy{})
	}
	reason.WaitingMinor = net.NetMinor
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

// ended counts and tells what a commit made durable, and gives its room back.
func (p *Pipeline) ended(b *batch, settled []Settlement) {
	now := p.deps.Clock()
	p.deps.Metrics.Batch(len(b.items))
	for _, s := range settled {
		p.deps.Metrics.Settled(string(s.Outcome))
		if s.Outcome == Parked {
			p.deps.Metrics.Parked(string(s.Reason.Code))
		}
		for _, d := range s.Deliveries {
			p.deps.Metrics.Ended(d.Result)
		}
	}
	for _, it := range b.items {
		switch {
		case it.finished != nil && it.finished.Status == inbox.Parked:
			p.deps.Metrics.Parked(it.finished.Result)
			fallthrough
		case it.finished != nil:
			p.deps.Metrics.Ended(it.finished.Result)
		case it.isDelivery():
			p.deps.Metrics.Emitted(now.Sub(it.row.ReceivedAt))
		default:
			p.cooling.done(*it.released)
		}
	}
	if len(settled) > 0 {
		p.deps.OnSettled(b.program, settled)
	}
	p.letGo(b.items)
}

func (p *Pipeline) letGo(items []*item) {
	for _, it := range items {
		p.leave(it.key, it.bytes)
	}
}

// fail puts work off that went wrong for a reason of its own, and parks a delivery that has no attempt left.
func (p *Pipeline) fail(ctx context.Context, items []*item, cause error) {
	now := p.deps.Clock().UTC()
	var retries []inbox.Retry
	var finished []inbox.Finished
	for _, it := range items {
		if !it.isDelivery() {
			p.cooling.failed(*it.released, now, p.options.Backoff)
			p.deps.Logger.Error("a released order cannot be settled", "program_id", it.program, "order_id", it.released.String(), "error", cause)
			continue
		}
		attempt := it.row.Attempt + 1
		log := p.deps.Logger.With("program_id", it.program, "store", it.row.StoreID, "delivery_id", it.row.DeliveryID, "attempt", attempt, "error", cause)
		if attempt >= p.options.MaxAttempts {
			log.Error("delivery failed and is parked")
			reason := fmt.Sprintf("Failed %d times, the last time with: %s", attempt, firstLine(cause))
			finished = append(finished, inbox.Finished{
				DeliveryID: it.row.DeliveryID, Status: inbox.Parked, Result: string(ReasonFailed), Reason: reason, At: now,
			})
			continue
		}
		log.Warn("delivery failed and is tried again")
		retries = append(retries, inbox.Retry{DeliveryID: it.row.DeliveryID, DueAt: now.Add(p.options.Backoff.after(attempt)), Reason: firstLine(cause)})
	}
	p.putOff(ctx, retries, finished)
	p.letGo(items)
}

// putOff writes what fail decided. Where even that fails, the rows' leases run out and they come again uncounted.
func (p *Pipeline) putOff(ctx context.Context, retries []inbox.Retry, finished []inbox.Finished) {
	err := p.persist(ctx, func() error {
		if len(retries) > 0 {
			if err := p.deps.Inbox.RetryDeliveries(ctx, retries); err != nil {
				return err
			}
			for range retries {
				p.deps.Metrics.Retried()
			}
			retries = nil
		}
		if len(finished) == 0 {
			return nil
		}
		return p.deps.Inbox.FinishDeliveries(ctx, finished)
	})
	if err != nil && ctx.Err() == nil {
		p.deps.Logger.Error("failed deliveries cannot be put off", "error", err)
	}
	if err == nil {
		for range finished {
			p.deps.Metrics.Parked(string(ReasonFailed))
			p.deps.Metrics.Ended(string(ReasonFailed))
		}
	}
}

// firstLine keeps stacks out of what people read.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
