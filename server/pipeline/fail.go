package pipeline

import (
	"context"
	"fmt"
	"strings"

	"upline.dev/upline/server/inbox"
)

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
	// Once it is put off, the sweep may claim it: if it were still thought to be in process, its new lease would pass unused.
	for _, it := range items {
		p.room.forget(it.key)
	}
	p.putOff(ctx, retries, finished)
	for _, it := range items {
		p.leave("", it)
		it.tell()
	}
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
