package pipeline

import (
	"context"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"slices"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/inbox"
)

// The Results of deliveries that touch no order.
const (
	resultIgnored = "ignored" // it changes no commission
	resultActed   = "acted"   // it was about a store or a person, and what it asks for is done or taken down
)

// item is one delivery on its way, or one released order.
type item struct {
	key      string // the delivery id, or the released source's name
	program  string
	bytes    int           // room it takes
	row      inbox.Row     // with the raw Body where it was handed over, with SealedBody where it was claimed
	arrived  bool          // it was handed over when it was stored
	claimed  bool          // the sweep found it
	released *order.Source // an order to settle again; row is then empty

	store     cachedInfo
	revisions []Revised
	sources   []order.Source  // those of the revisions, or the released one
	finished  *inbox.Finished // set where the delivery touches no order
	ended     func()          // told once, when it is no longer in process; nil: nobody waits for it
}

func (it *item) tell() {
	if it.ended != nil {
		it.ended()
	}
}

// isDelivery tells it from a released order.
func (it *item) isDelivery() bool { return it.released == nil }

// normalise reads deliveries and sends each to a shard.
func (p *Pipeline) normalise(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case it := <-p.intake:
			p.read(ctx, it)
		}
	}
}

// read fills in what a delivery says. What cannot be read is parked, what failed is tried again later.
func (p *Pipeline) read(ctx context.Context, it *item) {
	err := p.persist(ctx, func() (err error) {
		it.store, err = p.storeInfo(ctx, it.storeID(), !it.isDelivery())
		return err
	})
	if err == nil && it.isDelivery() {
		err = p.readDelivery(ctx, it)
	} else if err == nil {
		it.sources = []order.Source{*it.released}
	}
	it.row.Body, it.row.SealedBody = nil, nil // The revisions hold what is needed; let the memory go.
	switch v, reason := outcome(err); v {
	case later:
		p.letGo([]*item{it}) // Stopping: the row keeps its lease and is claimed again.
		return
	case again:
		p.fail(ctx, []*item{it}, err)
		return
	case park:
		it.revisions, it.sources = nil, nil
		it.finished = &inbox.Finished{
			DeliveryID: it.row.DeliveryID, Status: inbox.Parked, Result: string(reason.Code), Reason: reason.Detail, At: p.deps.Clock().UTC(),
		}
	case proceed:
	}
	p.shardOf(it) <- it
}

func (it *item) storeID() string {
	if it.isDelivery() {
		return it.row.StoreID
	}
	return it.released.StoreID
}

// shardOf sends what has just arrived to its program's shard: the program's chain seals one batch at a time, and two shards would halve
// the batches to wait for each other. What waits in great number goes by order, as one shard can read while the other seals.
func (p *Pipeline) shardOf(it *item) chan<- *item {
	key := it.program
	if !it.arrived {
		key = it.key
		if len(it.sources) > 0 {
			key = it.sources[0].String()
		}
	}
	return p.shards[maphash.String(p.seed, key)%uint64(len(p.shards))]
}

// readDelivery turns a body into revisions.
func (p *Pipeline) readDelivery(ctx context.Context, it *item) error {
	adapter, found := p.deps.Adapters[it.row.Platform]
	if !found {
		return fmt.Errorf("no adapter for platform %q", it.row.Platform)
	}
	if it.row.Body == nil {
		body, err := p.deps.Bodies.Open(it.row)
		if err != nil {
			return err
		}
		it.row.Body = body
	}
	if acted, err := p.takeNotice(ctx, adapter, it); acted || err != nil {
		return err
	}
	revisions, err := safely(func() ([]order.Revision, error) { return adapter.Normalise(it.row.Delivery, it.store.info.Store) })
	if err != nil {
		return fmt.Errorf("read delivery %s: %w", it.row.DeliveryID, err)
	}
	var note string
	for _, r := range revisions {
		if r.Kind == order.Ignored {
			note = r.Note
			continue
		}
		p.readReferences(it.program, r.Order)
		if err := checkRevision(it, r); err != nil {
			return fmt.Errorf("read delivery %s: %w", it.row.DeliveryID, err)
		}
		text, hash := r.Encode()
		it.revisions = append(it.revisions, Revised{DeliveryID: it.row.DeliveryID, ReceivedAt: it.row.ReceivedAt, Hash: hash, Text: text, Revision: r})
		if !slices.Contains(it.sources, r.Source) {
			it.sources = append(it.sources, r.Source)
		}
	}
	if len(it.revisions) == 0 {
		it.finished = &inbox.Finished{
			DeliveryID: it.row.DeliveryID, Status: inbox.Done, Result: resultIgnored, Reason: note, At: p.deps.Clock().UTC(),
		}
	}
	return nil
}

// readReferences turns signed references into what they say. It is done once, on arrival: what is stored then counts for
// ever, whatever becomes of the keys.
func (p *Pipeline) readReferences(program string, o *order.Order) {
	if o == nil || p.deps.References == nil {
		return
	}
	for i := range o.Evidence {
		e := &o.Evidence[i]
		if e.Kind != order.SignedReference {
			continue
		}
		code, err := p.deps.References.Read(program, e.Value, o.OrderTS)
		if err != nil {
			e.Kind = order.ForgedReference
			continue
		}
		e.Kind, e.Value = order.CartReference, code
	}
}

// takeNotice acts on a delivery that is about a store or a person, and ends it.
func (p *Pipeline) takeNotice(ctx context.Context, adapter adapters.Adapter, it *item) (acted bool, err error) {
	announcer, ok := adapter.(adapters.Announcer)
	if !ok || p.deps.Notices == nil {
		return false, nil
	}
	notice, err := safely(func() (*adapters.Notice, error) { return announcer.Announce(it.row.Delivery) })
	if err != nil {
		return false, fmt.Errorf("read delivery %s: %w", it.row.DeliveryID, err)
	}
	if notice == nil {
		return false, nil
	}
	note, err := safely(func() (string, error) { return p.deps.Notices.Take(ctx, it.row.Delivery, notice) })
	if err != nil {
		return false, fmt.Errorf("act on delivery %s: %w", it.row.DeliveryID, err)
	}
	it.finished = &inbox.Finished{
		DeliveryID: it.row.DeliveryID, Status: inbox.Done, Result: resultActed, Reason: note, At: p.deps.Clock().UTC(),
	}
	return true, nil
}

// checkRevision refuses a revision that speaks of another store's order, or that no state could take: it would hold up
// the order's other news.
func checkRevision(it *item, r order.Revision) error {
	if err := ofStore(it.row.StoreID, r); err != nil {
		return err
	}
	_, err := order.Merge(order.State{}, r)
	return err
}

func ofStore(storeID string, r order.Revision) error {
	if r.Source.StoreID != storeID {
		return &adapters.Malformed{Field: "store", Reason: fmt.Sprintf("speaks of an order of store %q", r.Source.StoreID)}
	}
	return nil
}

// safely turns a panic over one delivery or order into its error: it must not take down the process that all others
// need, over and over.
func safely[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}
