package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"upline.dev/upline/server"
)

// write is the one writer. It waits for a first row and takes along what else is there: a batch grows while the
// commit before it is under way, and until the next one is due.
func (in *Inbox) write() {
	defer close(in.written)
	if in.marks != nil {
		defer close(in.marks)
	}
	batch := make([]*pending, 0, in.options.BatchRows)
	rows := make([]Row, 0, in.options.BatchRows)
	pace := pace{timer: time.NewTimer(time.Hour)}
	defer pace.timer.Stop()
	for first := range in.queue {
		batch = in.take(pace.gather(in.options.Pace, in.clock(), append(batch[:0], first), in.queue))
		pace.began(in.clock(), len(batch))
		rows = in.commit(batch, rows[:0])
		clear(batch) // let go of the bodies
		clear(rows)
	}
}

// pace spaces commits out while deliveries come from several senders at once, so that they share commits, which cost as much for one
// row as for many. What comes alone is written at once, and so is whatever a single sender sends, who waits for each answer before
// the next.
type pace struct {
	last  time.Time // when the last commit began
	alone int       // commits in a row that held one delivery
	timer *time.Timer
}

// A commit waits for nobody once it holds paceRows; after aloneMax commits of one delivery each they seem to come from one sender.
const (
	paceRows = 8
	aloneMax = 4
)

// gather adds to a batch of one what comes until the next commit is due.
func (p *pace) gather(between time.Duration, now time.Time, batch []*pending, queue <-chan *pending) []*pending {
	left := between - max(now.Sub(p.last), 0) // a clock may be put back
	if left <= 0 || p.alone >= aloneMax {
		return batch
	}
	p.timer.Reset(left)
	defer p.timer.Stop()
	for len(batch)+len(queue) < paceRows {
		select {
		case <-p.timer.C:
			return batch
		case next, open := <-queue:
			if !open {
				return batch
			}
			batch = append(batch, next)
		}
	}
	return batch
}

func (p *pace) began(now time.Time, rows int) {
	p.last = now
	if rows > 1 {
		p.alone = 0
	} else {
		p.alone = min(p.alone+1, aloneMax)
	}
}

// yields is how often the writer lets other goroutines run before it writes: requests that are read by then share its commit, which
// costs as much for one row as for many. Where nothing else is to be done, as under little load, a yield takes no time.
const yields = 4

// take fills the batch with what waits, up to the limits.
func (in *Inbox) take(batch []*pending) []*pending {
	size, left := 0, 0
	for _, p := range batch {
		size += len(p.row.SealedBody)
	}
	if !in.settlesHere() {
		left = yields
	}
	for len(batch) < in.options.BatchRows && size < in.options.BatchBytes {
		select {
		case p, open := <-in.queue:
			if !open {
				in.queuedBytes.Add(-int64(size))
				return batch
			}
			batch = append(batch, p)
			size += len(p.row.SealedBody)
		default:
			if left > 0 {
				left--
				runtime.Gosched()
				continue
			}
			in.queuedBytes.Add(-int64(size))
			return batch
		}
	}
	in.queuedBytes.Add(-int64(size))
	return batch
}

// settlesHere is whether this process works on what it stores: settlements keep a processor for milliseconds, which no answer may
// wait for.
func (in *Inbox) settlesHere() bool {
	handover := in.handover.Load()
	if handover == nil {
		return false
	}
	_, forwards := (*handover).(Forwarder)
	return !forwards
}

// commit stores a batch, answers its callers and hands it over. It returns rows for reuse.
func (in *Inbox) commit(batch []*pending, rows []Row) []Row {
	in.reserve(batch)
	for _, p := range batch {
		rows = append(rows, p.row)
	}
	results, err := in.put(rows)
	switch {
	case err == nil:
		in.options.Metrics.Stored(len(rows))
		in.remember(rows)
		for i, p := range batch {
			in.answer(p, results[i], nil)
		}
	case len(batch) == 1 || server.CodeOf(err) == server.Unavailable:
		// A database that cannot be written at all refuses everybody; asking it row by row would only take longer.
		for _, p := range batch {
			in.answer(p, PutResult{}, err)
		}
	default:
		in.commitOneByOne(batch)
	}
	in.reportOverflow(batch)
	return rows
}

// commitOneByOne repeats a refused batch, so that one bad row does not refuse its neighbours.
func (in *Inbox) commitOneByOne(batch []*pending) {
	for _, p := range batch {
		results, err := in.put([]Row{p.row})
		if err != nil {
			in.answer(p, PutResult{}, err)
			continue
		}
		in.options.Metrics.Stored(1)
		in.answer(p, results[0], nil)
	}
}

// put is one commit. It has its own time limit and not a caller's: a batch belongs to many callers.
func (in *Inbox) put(rows []Row) ([]PutResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), in.options.CommitTimeout)
	defer cancel()
	results, err := in.store.PutDeliveries(ctx, rows)
	if errors.Is(err, context.DeadlineExceeded) {
		// Perhaps it is stored all the same: then the repeat is a duplicate.
		err = &server.Error{Code: server.Unavailable, Message: "The database takes too long. Please send again.", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("store %d deliveries: %w", len(rows), err)
	}
	if len(results) != len(rows) {
		return nil, fmt.Errorf("store %d deliveries: %d results came back", len(rows), len(results))
	}
	return results, nil
}

// reserve takes room in process before the insert, so that rows with room are leased, or put off, in the transaction that
// stores them and no sweep can claim them in between.
func (in *Inbox) reserve(batch []*pending) {
	handover := in.handover.Load()
	if handover == nil {
		return
	}
	now := in.clock().UTC()
	forwarder, forwards := (*handover).(Forwarder)
	for _, p := range batch {
		p.reserved = (*handover).Reserve(len(p.row.Body))
		switch {
		case p.reserved && forwards:
			p.row.DueAt = now.Add(forwarder.DueAfter())
		case p.reserved:
			p.row.LeaseUntil = now.Add(in.options.Lease)
		}
	}
}

// answer tells the caller, and hands the delivery over or gives its room back. The caller comes first: it holds a
// platform's connection.
func (in *Inbox) answer(p *pending, result PutResult, err error) {
	result.BodyKept = p.reserved && !result.Duplicate
	p.answer <- putReply{result: result, err: err}
	if err == nil && result.Conflict {
		in.options.Metrics.Conflict()
	}
	if !p.reserved {
		return
	}
	handover := *in.handover.Load()
	if err != nil || result.Duplicate {
		handover.Release(len(p.row.Body))
		return
	}
	handover.Accept(p.row.Delivery)
}

// reportOverflow wakes the sweep for rows that were stored without room.
func (in *Inbox) reportOverflow(batch []*pending) {
	handover := in.handover.Load()
	if handover == nil {
		return
	}
	left := 0
	for _, p := range batch {
		if !p.reserved {
			left++
		}
	}
	if left > 0 {
		in.options.Metrics.HandoverFull(left)
		(*handover).Overflowed()
	}
}
