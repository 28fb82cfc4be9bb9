package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// roomEvery is how often Take asks for room again.
const roomEvery = 2 * time.Millisecond

// Take settles stored deliveries that another process has given word of, and returns once none of them is in process here. Those that
// have ended, are leased or were put off stay alone, and so do those that a sweep which is behind will claim, so that word of a delivery
// may come any number of times, or never: the sweep finds what is left. After an error the same word has to come again.
func (p *Pipeline) Take(ctx context.Context, ids []string) error {
	if len(ids) == 0 { // There is nothing to wait for a reading for.
		return nil
	}
	rows, err := p.lookups.find(ctx, ids)
	if err != nil {
		return err
	}
	var inProcess sync.WaitGroup
	for i := range rows {
		if p.Behind() && !rows[i].DueAt.After(p.deps.Clock()) {
			continue
		}
		if err := p.roomFor(ctx, len(rows[i].SealedBody)); err != nil {
			return err
		}
		inProcess.Add(1)
		p.admit(&item{
			key: rows[i].DeliveryID, row: rows[i], bytes: len(rows[i].SealedBody), program: rows[i].ProgramID, ended: inProcess.Done,
		})
	}
	ended := make(chan struct{})
	go func() {
		inProcess.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("settle %d deliveries: %w", len(rows), ctx.Err())
	}
}

// roomFor waits until there is room.
func (p *Pipeline) roomFor(ctx context.Context, bytes int) error {
	for !p.room.reserve(bytes) {
		if p.room.isClosed() {
			return server.Errorf(server.Unavailable, "this process is stopping")
		}
		select {
		case <-time.After(roomEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Revisions reads of which orders a delivery with its raw body tells, and acts on nothing: none where it is about no order. What it
// says of them may be left out.
func (p *Pipeline) Revisions(ctx context.Context, d order.Delivery) ([]order.Revision, error) {
	adapter, found := p.deps.Adapters[d.Platform]
	if !found {
		return nil, fmt.Errorf("no adapter for platform %q", d.Platform)
	}
	if announcer, ok := adapter.(adapters.Announcer); ok {
		notice, err := safely(func() (*adapters.Notice, error) { return announcer.Announce(d) })
		if notice != nil || err != nil {
			return nil, err
		}
	}
	store, err := p.storeInfo(ctx, d.StoreID, false)
	if err != nil {
		return nil, err
	}
	read := adapter.Normalise
	if teller, ok := adapter.(adapters.Teller); ok {
		read = teller.Tell
	}
	all, err := safely(func() ([]order.Revision, error) { return read(d, store.info.Store) })
	if err != nil {
		return nil, fmt.Errorf("read delivery %s: %w", d.DeliveryID, err)
	}
	told := all[:0:0]
	for _, r := range all {
		if r.Kind == order.Ignored {
			continue
		}
		if err := ofStore(d.StoreID, r); err != nil {
			return nil, fmt.Errorf("read delivery %s: %w", d.DeliveryID, err)
		}
		told = append(told, r)
	}
	return told, nil
}
