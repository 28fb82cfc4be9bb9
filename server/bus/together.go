package bus

import (
	"context"
	"time"
)

// togetherFor is for how long partitions are tried together: one that cannot be handled holds up the others for no longer.
const togetherFor = 5 * time.Second

// together hands over what partitions hold at the same time as one batch, which costs less than one for each. What comes meanwhile is the
// next one.
type together struct {
	d      *delivering
	offers chan offer
}

// received is a message with its number at the broker.
type received struct {
	Message
	tag uint64
}

// offer is a few messages of one partition.
type offer struct {
	batch   []Message
	handled chan bool
}

func newTogether(d *delivering) *together { return &together{d: d, offers: make(chan offer)} }

// much is from how many messages on a partition's are a batch by themselves.
func (t *together) much() int { return max(t.d.options.BatchMax/t.d.options.Partitions, 1) }

// acknowledgeFor is how long a batch waits for what has come while the one before was handled: whoever has that acknowledges first.
const acknowledgeFor = 2 * time.Millisecond

// run hands over until ctx ends.
func (t *together) run(ctx context.Context) {
	timer := time.NewTimer(acknowledgeFor)
	defer timer.Stop()
	for {
		select {
		case first := <-t.offers:
			t.handle(ctx, t.gather(first, timer.C))
			timer.Reset(acknowledgeFor)
		case <-ctx.Done():
			return
		}
	}
}

// gather takes along what other partitions offer. Together they are no more than BatchMax, as none offers much.
func (t *together) gather(first offer, end <-chan time.Time) []offer {
	all := []offer{first}
	for {
		select {
		case o := <-t.offers:
			all = append(all, o)
		case <-end:
			return all
		}
	}
}

func (t *together) handle(ctx context.Context, all []offer) {
	limited, cancel := context.WithTimeout(ctx, togetherFor)
	defer cancel()
	var batch []Message
	for _, o := range all {
		batch = append(batch, o.batch...)
	}
	handled := t.d.try(limited, batch) == nil
	for _, o := range all {
		o.handled <- handled
	}
}

// deliver is delivering's, for the messages of one partition, of which nothing else is under way. While the batch before is handled it takes
// along what comes. It gives the last message that is handled.
func (t *together) deliver(ctx context.Context, batch []received, more <-chan received) (last received, err error) {
	for len(batch) < t.much() {
		o := offer{batch: messagesOf(batch), handled: make(chan bool, 1)}
		select {
		case t.offers <- o:
			if <-o.handled {
				return batch[len(batch)-1], nil
			}
			return batch[len(batch)-1], t.d.deliver(ctx, o.batch)
		case m, ok := <-more:
			if ok {
				batch = append(batch, m)
				continue
			}
			more = nil // The next look says that it broke.
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
	return batch[len(batch)-1], t.d.deliver(ctx, messagesOf(batch))
}

func messagesOf(batch []received) []Message {
	all := make([]Message, len(batch))
	for i := range batch {
		all[i] = batch[i].Message
	}
	return all
}
