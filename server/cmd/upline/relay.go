package main

import (
	"context"
	"sync"
	"time"

	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/event"
	"upline.dev/upline/server/relay"
)

// busPatience is how long a start waits for the bus before it says that it goes on without.
const busPatience = 5 * time.Second

// relay publishes to the bus until stop is called. Where the bus cannot be reached it keeps trying: deliveries are taken and settled
// meanwhile, and what was posted is published later.
func (cmd *ServeCmd) relay(ctx context.Context, env *environment, a *app) (stop func(), err error) {
	if cmd.BusURL == "" || !cmd.has("relay") {
		return func() {}, nil
	}
	events, err := cmd.openBus(ctx, env, event.Commission, bus.Options{}, "events wait in the database")
	if err != nil {
		return nil, err
	}
	r := &relay.Relay{Books: a.store, Bus: events, Reader: "bus", Clock: a.now, Logger: env.log}
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { _ = r.Run(running) })
	return func() {
		end()
		done.Wait()
		_ = events.Close()
	}, nil
}
