package pipeline

import (
	"context"
	"fmt"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// settleShard takes whatever waits, at most BatchMax, and settles it: a batch grows while the one before is under way, and for as long as
// its first delivery has patience.
func (p *Pipeline) settleShard(ctx context.Context, waiting <-chan *item) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var began time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-waiting:
			var end <-chan time.Time
			if patience := p.patience(first, p.deps.Clock().Sub(began)); patience > 0 {
				timer.Reset(patience)
				end = timer.C
			}
			items := p.gather(first, waiting, end)
			began = p.deps.Clock()
			for _, b := range batches(items) {
				p.settleBatch(ctx, b)
			}
		}
	}
}

// patience is how long a batch waits for others after its first delivery, when another one began a while ago. A transaction costs as much
// for one delivery as for several. What was claimed waits for nobody: it comes in great number.
func (p *Pipeline) patience(first *item, sinceLast time.Duration) time.Duration {
	switch {
	case first.claimed:
		return 0
	case first.arrived:
		return p.options.ArrivalPace - max(sinceLast, 0) // A clock may be put back.
	default:
		return p.options.ToldPatience
	}
}

// gather takes along what waits, and what comes until the batch is full or the patience, if there is any, at an end.
func (p *Pipeline) gather(first *item, waiting <-chan *item, end <-chan time.Time) []*item {
	items := []*item{first}
	for most := p.batchMax(first); len(items) < most; {
		select {
		case it := <-waiting:
			items = append(items, it)
			continue
		default: // To wait for a timer that has nothing left would be to stand behind whatever else is to run.
		}
		if end == nil {
			return items
		}
		select {
		case it := <-waiting:
			items = append(items, it)
		case <-end:
			end = nil
		}
	}
	return items
}

// batchMax bounds the batch that an item begins. What has just arrived goes in small batches where arrivals wait for the
// database meanwhile; a backlog goes in large ones, but not while many arrive.
func (p *Pipeline) batchMax(first *item) int {
	if first.arrived || p.rush.at(p.deps.Clock()) {
		return p.options.ArrivalBatchMax
	}
	return p.options.BatchMax
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
	err = p.deps.Store.InTx(ctx, b.program, b.subject(), func(books Books) error {
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
	net := s.Net
	if net.Lines == nil {
		// Only to show what waits; an order whose net cannot be told says so by its reason.
		var err error
		if net, err = order.Net(*s.Order, order.NetPolicy{}); err != nil {
			return out
		}
	}
	reason.WaitingMinor, reason.Currency = net.NetMinor, s.Order.Currency
	return out
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
		p.leave(it.key, it)
		it.tell()
	}
}
