package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/install"
)

// needsEvery is how often shops are looked for that were connected since: a merchant who has just installed the app is
// still looking at it then.
const needsEvery = 2 * time.Minute

// shopNeeds gives every connected shop what it needs of us by the API: the web pixel its settings, once after each connect, and the
// topics of optional scopes their subscriptions, after each change of scopes and once a day. It keeps no state on disk: to do
// either again changes nothing, so a start asks every shop once.
type shopNeeds struct {
	connections func(ctx context.Context) ([]install.Connection, error)
	tokens      func(storeID string) adminapi.TokenSource
	transport   http.RoundTripper
	endpoint    string // where the pixels send their hints
	deliveries  string // where webhooks go
	clock       func() time.Time
	log         *slog.Logger
	done        map[string]string // by store and task: what was seen to
}

// shopTask is one thing that is seen to in a shop. What is as it was when it was done last is not done again.
type shopTask struct {
	name   string
	as     func(c *install.Connection) string
	do     func(ctx context.Context, client *adminapi.Client, c *install.Connection) error
	missed string // what is missing until it succeeds
}

func (p *shopNeeds) tasks() []shopTask {
	return []shopTask{
		{
			name: "pixel", missed: "a shop's web pixel is not set; its hints are missing until it is",
			as: func(c *install.Connection) string { return c.ConnectedAt.String() },
			do: func(ctx context.Context, client *adminapi.Client, _ *install.Connection) error {
				return client.ConnectPixel(ctx, p.endpoint)
			},
		},
		{
			name: "topics", missed: "a shop is not subscribed to what its merchant has granted besides; disputes and returns are not told until it is",
			// Shopify drops what was made by the API after eight failures in a row, so that every day begins anew.
			as: func(c *install.Connection) string {
				return c.ConnectedAt.String() + strings.Join(c.Scopes, ",") + p.clock().UTC().Format(time.DateOnly)
			},
			do: func(ctx context.Context, client *adminapi.Client, c *install.Connection) error {
				return keepTopics(ctx, client, c.Scopes, p.deliveries)
			},
		},
	}
}

// keepTopics subscribes a shop to the topics whose scopes are granted, and to no others of those that are optional.
func keepTopics(ctx context.Context, client *adminapi.Client, granted []string, address string) error {
	var topics []string
	for _, o := range shopify.Optionals() {
		topics = append(topics, o.Topic)
	}
	var wanted []adminapi.Subscription
	for _, o := range shopify.Wanted(granted) {
		wanted = append(wanted, adminapi.Subscription{Topic: o.Topic, Fields: o.Fields})
	}
	return client.KeepSubscriptions(ctx, topics, wanted, address)
}

// keepShops sees to what connected shops need from time to time, until ctx ends. wait gives when it has stopped.
func (cmd *ServeCmd) keepShops(ctx context.Context, env *environment, a *app, installs *install.Service, duties *duty.Keeper) (wait func()) {
	alive, needs := cmd.keepAlive(ctx, env, installs, duties), cmd.keepShopNeeds(ctx, env, a, installs, duties)
	return func() {
		alive()
		needs()
	}
}

// keepShopNeeds works in one kind of process until ctx ends, where the world reaches this server by https. wait gives when it
// has stopped.
func (cmd *ServeCmd) keepShopNeeds(ctx context.Context, env *environment, a *app, installs *install.Service, duties *duty.Keeper) (wait func()) {
	var working sync.WaitGroup
	client, err := shopify.NewHTTPClient(cmd.ShopifyTestHost)
	if err != nil || cmd.ShopifyAPIKey == "" || cmd.PublicURL == "" || !cmd.has("engine") {
		return working.Wait // check has refused a wrong test host already
	}
	p := &shopNeeds{
		connections: func(ctx context.Context) (all []install.Connection, err error) {
			programs, err := a.programIDs(ctx, "")
			for _, program := range programs {
				list, err := installs.Books.Connections(ctx, program)
				if err != nil {
					return nil, err
				}
				all = append(all, list...)
			}
			return all, err
		},
		tokens:    func(storeID string) adminapi.TokenSource { return installs.Source(storeID) },
		transport: client.Transport, endpoint: cmd.PublicURL + "/shopify/hints", deliveries: cmd.PublicURL + "/webhooks/shopify",
		clock: a.now, log: env.log, done: map[string]string{},
	}
	working.Go(func() { duties.Run(ctx, "pixels", p.run) })
	return working.Wait
}

func (p *shopNeeds) run(ctx context.Context) {
	ticker := time.NewTicker(needsEvery)
	defer ticker.Stop()
	for {
		p.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look sees to the shops that have changed since. What fails is tried again next time.
func (p *shopNeeds) look(ctx context.Context) {
	all, err := p.connections(ctx)
	if err != nil {
		if ctx.Err() == nil {
			p.log.WarnContext(ctx, "the connected shops cannot be read; what they need of us waits", "error", err)
		}
		return
	}
	for i := range all {
		c := &all[i]
		if c.Platform != order.Shopify || c.State != install.Connected {
			continue
		}
		for _, task := range p.tasks() {
			if ctx.Err() != nil {
				return
			}
			p.see(ctx, c, task)
		}
	}
}

// see does a task unless it was done as things are.
func (p *shopNeeds) see(ctx context.Context, c *install.Connection, task shopTask) {
	key, as := c.StoreID+" "+task.name, task.as(c)
	if p.done[key] == as {
		return
	}
	client, err := adminapi.New(c.Domain, p.tokens(c.StoreID), adminapi.Options{Transport: p.transport})
	if err == nil {
		err = task.do(ctx, client, c)
	}
	if err == nil {
		p.done[key] = as
	} else if ctx.Err() == nil {
		p.log.WarnContext(ctx, "what a shop needs of us is not done yet", "store", c.StoreID, "missing", task.missed, "error", err)
	}
}
