package main

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/server/relay"
	"upline.dev/upline/server/webhook"
)

// webhooksEvery is how often the outbox is looked at for programs that have endpoints.
const webhooksEvery = time.Second

// webhooks keeps the endpoints of programs.
func (cmd *ServeCmd) webhooks(a *app) *webhook.Service {
	return &webhook.Service{
		Books: a.store, Auditor: a.store, Sealer: a.ring, Random: rand.Reader, Clock: a.now, Loopback: cmd.LoopbackShops,
	}
}

// tell sends what happens to programs' own endpoints, in a process that relays, until stop is called.
func (cmd *ServeCmd) tell(ctx context.Context, env *environment, a *app) (stop func()) {
	if !slices.Contains(cmd.Roles, "relay") {
		return func() {}
	}
	collector := &webhook.Collector{Books: a.store, Relay: a.store, Clock: a.now, Logger: env.log}
	follower := &relay.Relay{
		Books: webhook.Followed{Books: a.store, Endpoints: a.store.Endpoints}, Bus: collector, Reader: webhook.OutboxReader,
		Clock: a.now, Logger: env.log, Every: webhooksEvery,
	}
	sender := &webhook.Sender{
		Books: a.store, HTTP: fence.Client(cmd.LoopbackShops), Opener: a.ring, Clock: a.now, Logger: env.log,
		UserAgent: "Upline/" + version,
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	working.Go(func() { _ = follower.Run(running) })
	working.Go(func() { collector.Look(running) })
	working.Go(func() { sender.Run(running) })
	return func() {
		end()
		working.Wait()
	}
}
