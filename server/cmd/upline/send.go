package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// sendLanes is how many deliveries are on their way at once. The inbox writes them with one commit, which is what makes
// sending fast. There are two commits' worth, so that the next is ready when one ends; the pipeline has room for all.
const sendLanes = 2 * bulkBatch

// maxSendAttempts bounds how long a full inbox or a busy database is waited for: about half a minute.
const maxSendAttempts = 8

// sendCounts says how far sending is.
type sendCounts struct {
	sent       int // on disk
	duplicates int // of these, were there already
}

// send puts deliveries into the inbox. Those with the same lane key arrive in their order, the others in any. report is
// called after each, by one goroutine at a time.
func (m *machine) send(ctx context.Context, deliveries iter.Seq2[int, order.Delivery], report func(sendCounts)) error {
	group, groupCtx := errgroup.WithContext(ctx)
	var lock sync.Mutex
	var counts sendCounts
	var lanes [sendLanes]chan order.Delivery
	for i := range lanes {
		lanes[i] = make(chan order.Delivery, 1)
		group.Go(func() error {
			for d := range lanes[i] {
				duplicate, err := m.put(groupCtx, d)
				if err != nil {
					return err
				}
				lock.Lock()
				counts.sent++
				if duplicate {
					counts.duplicates++
				}
				report(counts)
				lock.Unlock()
			}
			return nil
		})
	}
	for key, d := range deliveries {
		select {
		case lanes[key%sendLanes] <- d:
			continue
		case <-groupCtx.Done():
		}
		break
	}
	for i := range lanes {
		close(lanes[i])
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// put stores one delivery; a full inbox or a busy database is waited for.
func (m *machine) put(ctx context.Context, d order.Delivery) (duplicate bool, err error) {
	for attempt := range maxSendAttempts {
		result, putErr := m.inbox.Put(ctx, d)
		if putErr == nil {
			return result.Duplicate, nil
		}
		err = fmt.Errorf("send %s: %w", d.PlatformDeliveryID, putErr)
		if server.CodeOf(putErr) != server.Unavailable {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(100 * time.Millisecond << attempt):
		}
	}
	return false, err
}

// maxStandstill is how long settling may make no progress before waiting ends: what is left is then being retried, or
// belongs to another process. A busy machine may well take half a minute for one batch of hundreds.
const maxStandstill = time.Minute

// settled waits until no delivery is waiting that came before now. Deliveries that a running server takes meanwhile are
// not waited for.
func (m *machine) settled(ctx context.Context, a *app) error {
	begin, least, moved := time.Now(), int64(-1), time.Now()
	for {
		looked := time.Now()
		waiting, oldest, err := a.store.Backlog(ctx)
		if err != nil {
			return err
		}
		if waiting == 0 || oldest.After(begin) {
			return nil
		}
		if least < 0 || waiting < least {
			least, moved = waiting, time.Now()
		}
		if time.Since(moved) > maxStandstill {
			return fmt.Errorf("%d deliveries are stored and still wait; upline serve settles them", waiting)
		}
		select {
		case <-ctx.Done():
			return errors.New("stopped before all orders were settled; what is left is stored, and upline serve settles it")
		case <-time.After(max(20*time.Millisecond, min(10*time.Since(looked), time.Second))): // To count them is work too.
		}
	}
}
