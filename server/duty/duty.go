// Package duty lets one process at a time do what only one should, of however many there are.
//
// Whoever has a duty holds a lease on its name in the database and renews it; when the process dies, another one takes the
// duty over as the lease ends. A lease is a promise about time and no proof, so what is done under it is safe to be done
// twice at once: the lease only keeps it from being wasteful.
package duty

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Leases are kept in the database.
type Leases interface {
	// Lease makes owner the only holder of a name for a while, and prolongs what it holds; false where another one holds it.
	Lease(ctx context.Context, name, owner string, lasting time.Duration) (held bool, err error)
	// Unlease gives a name back before its time; where another one holds it nothing happens.
	Unlease(ctx context.Context, name, owner string) error
}

// Keeper takes duties for one process.
type Keeper struct {
	Leases  Leases // nil: this process is alone, and does everything at once
	Owner   string // of this process, different from any other's
	Logger  *slog.Logger
	Lasting time.Duration // of a lease; default 30 s
}

// returning bounds how long giving a lease back may take at the end.
const returning = 2 * time.Second

// Run does the work whenever the duty is ours, until ctx ends. The work's context ends with ctx, and when the lease is no
// longer sure; the work returns soon after.
func (k *Keeper) Run(ctx context.Context, name string, work func(ctx context.Context)) {
	if k.Leases == nil {
		work(ctx)
		return
	}
	lasting := k.Lasting
	if lasting <= 0 {
		lasting = 30 * time.Second
	}
	for {
		held, err := k.Leases.Lease(ctx, name, k.Owner, lasting)
		if err != nil && ctx.Err() == nil {
			k.Logger.WarnContext(ctx, "a duty cannot be taken; tried again", "duty", name, "error", err)
		}
		if held && err == nil {
			k.hold(ctx, name, lasting, work)
		}
		if sleep(ctx, lasting/3) != nil {
			return
		}
	}
}

// hold works until the lease is lost, the work is over, or ctx ends.
func (k *Keeper) hold(ctx context.Context, name string, lasting time.Duration, work func(ctx context.Context)) {
	k.Logger.InfoContext(ctx, "duty taken", "duty", name)
	working, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		defer stop()
		work(working)
	})
	k.renew(working, name, lasting)
	stop()
	done.Wait()
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), returning)
	defer cancel()
	if err := k.Leases.Unlease(back, name, k.Owner); err != nil {
		k.Logger.InfoContext(ctx, "a duty is not given back; its lease ends by itself", "duty", name, "error", err)
	}
}

// renew returns when ctx ends, when another one has the lease, or when it could not be prolonged for two thirds of its time:
// the last third is for the work to end.
func (k *Keeper) renew(ctx context.Context, name string, lasting time.Duration) {
	patience := time.NewTimer(lasting * 2 / 3)
	defer patience.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-patience.C:
			k.Logger.WarnContext(ctx, "a duty is let go, as its lease cannot be prolonged", "duty", name)
			return
		case <-time.After(lasting / 6):
		}
		asking, cancel := context.WithTimeout(ctx, lasting/6)
		held, err := k.Leases.Lease(asking, name, k.Owner, lasting)
		cancel()
		if err == nil && !held {
			k.Logger.WarnContext(ctx, "a duty was taken by another process", "duty", name)
			return
		}
		if err == nil {
			patience.Reset(lasting * 2 / 3)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
