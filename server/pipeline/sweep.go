package pipeline

import (
	"context"
	"sync"
	"time"
)

// claimMax is how many rows one claim takes: enough for the speed of a backlog, few enough to leave arrivals room.
const claimMax = 256

// sweepUntil takes up what was not handed over: what a dead process left, what found no room, what is due again, and
// orders whose cause was mended.
func (p *Pipeline) sweepUntil(ctx context.Context) {
	ticker := time.NewTicker(p.options.PollEvery)
	defer ticker.Stop()
	var looked time.Time
	for {
		_ = p.persist(ctx, func() error { return p.sweep(ctx) }) // A failure was logged, and the next turn tries again.
		if now := p.deps.Clock(); now.Sub(looked) >= p.options.BacklogEvery {
			looked = now
			p.reportBacklog(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-p.kick:
		}
	}
}

func (p *Pipeline) sweep(ctx context.Context) error {
	if err := p.claim(ctx); err != nil {
		return p.report("claim waiting deliveries", err)
	}
	if err := p.claimReleased(ctx); err != nil {
		return p.report("read released orders", err)
	}
	return nil
}

// report logs what a person has to look at; a database that is away says so for itself.
func (p *Pipeline) report(attempted string, err error) error {
	if v, _ := outcome(err); v != later {
		p.deps.Logger.Error("the sweep failed", "attempted", attempted, "error", err)
	}
	return err
}

// claim leases due rows as long as there is room and there are any.
func (p *Pipeline) claim(ctx context.Context) error {
	for {
		limit := min(p.room.free(), claimMax)
		if limit == 0 {
			return nil
		}
		now := p.deps.Clock().UTC()
		rows, err := p.deps.Inbox.ClaimDeliveries(ctx, now, now.Add(p.options.Lease), limit)
		if err != nil {
			return err
		}
		p.behind.Store(len(rows) == limit)
		for i := range rows {
			p.room.force(len(rows[i].SealedBody))
			p.admit(&item{key: rows[i].DeliveryID, row: rows[i], bytes: len(rows[i].SealedBody), program: rows[i].ProgramID, claimed: true})
		}
		if len(rows) < limit {
			return nil
		}
	}
}

// Behind reports that the last claim did not reach the end of what is due. Claims follow each other as there is room, until one does: so
// whatever is due now will be claimed, by this process or by another one, without any word of it.
func (p *Pipeline) Behind() bool { return p.behind.Load() }

// claimReleased takes on orders to be settled again though no delivery came.
func (p *Pipeline) claimReleased(ctx context.Context) error {
	limit := min(p.room.free(), claimMax)
	if limit == 0 {
		return nil
	}
	released, err := p.deps.Store.ReleasedSources(ctx, limit)
	if err != nil {
		return err
	}
	now := p.deps.Clock()
	for _, r := range released {
		if p.cooling.isDue(r.Source, now) {
			p.room.force(0)
			p.admit(&item{key: "source " + r.Source.String(), program: r.ProgramID, released: &r.Source, claimed: true})
		}
	}
	return nil
}

func (p *Pipeline) reportBacklog(ctx context.Context) {
	waiting, oldest, err := p.deps.Inbox.Backlog(ctx)
	if err != nil {
		return // The gauges keep their last value; an outage is told by the sweep.
	}
	var age time.Duration
	if waiting > 0 {
		age = p.deps.Clock().Sub(oldest)
	}
	p.deps.Metrics.Backlog(waiting, age)
}

// infoCache keeps stores' settings for a moment: reading them for every delivery would cost as much as settling it.
type infoCache struct {
	mu   sync.Mutex
	byID map[string]cachedInfo
}

// cachedInfo is a store's settings with the time at which they were asked for: what changed before is in them.
type cachedInfo struct {
	info StoreInfo
	read time.Time
}

// storeInfo reads a store's settings; fresh ones where the caller must not miss a change that was just made.
func (p *Pipeline) storeInfo(ctx context.Context, storeID string, fresh bool) (cachedInfo, error) {
	now := p.deps.Clock()
	p.infos.mu.Lock()
	cached, found := p.infos.byID[storeID]
	p.infos.mu.Unlock()
	if found && !fresh && now.Sub(cached.read) < p.options.StoreInfoFor {
		return cached, nil
	}
	info, err := p.deps.Store.StoreInfo(ctx, storeID)
	if err != nil {
		return cachedInfo{}, err
	}
	read := cachedInfo{info: info, read: now}
	p.infos.mu.Lock()
	defer p.infos.mu.Unlock()
	if !p.infos.byID[storeID].read.After(now) {
		p.infos.byID[storeID] = read
	}
	return read, nil
}
