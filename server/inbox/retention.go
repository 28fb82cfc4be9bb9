package inbox

import (
	"context"
	"fmt"
	"time"
)

// dropLimit is how many bodies one transaction forgets: small enough not to hold up a commit of arrivals.
const dropLimit = 500

// DropOldBodies forgets the bodies of done deliveries that are older than the retention time and says how many.
func (in *Inbox) DropOldBodies(ctx context.Context) (int64, error) {
	total, err := in.dropOneByOne(ctx)
	if err != nil {
		return total, err
	}
	dropped, err := in.store.TurnBodies(ctx, in.clock().UTC(), in.options.KeepBodies)
	in.options.Metrics.BodiesDropped(dropped)
	return total + dropped, err
}

func (in *Inbox) dropOneByOne(ctx context.Context) (int64, error) {
	before := in.clock().UTC().Add(-in.options.KeepBodies)
	var total int64
	for {
		dropped, err := in.store.DropBodies(ctx, before, dropLimit)
		if err != nil {
			return total, fmt.Errorf("drop bodies received before %s: %w", before.Format(time.RFC3339), err)
		}
		total += dropped
		in.options.Metrics.BodiesDropped(dropped)
		if dropped < dropLimit {
			return total, nil
		}
	}
}

// retainAgain is after what time a failure is tried again at the latest: what arrives while no partition can be made for it has to move
// into the one that is made at last.
const retainAgain = time.Minute

// Retain drops old bodies at once and then every interval until ctx ends. A failure goes to report and is tried again sooner.
func (in *Inbox) Retain(ctx context.Context, interval time.Duration, report func(error)) {
	for {
		next := interval
		if _, err := in.DropOldBodies(ctx); err != nil && ctx.Err() == nil {
			report(err)
			next = min(interval, retainAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
	}
}
