package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/install"
)

// pixelsEvery is how often shops are looked for that were connected since: a merchant who has just installed the app is
// still looking at it then.
const pixelsEvery = 2 * time.Minute

// pixels gives the web pixel of every connected shop its settings, once after each connect. It keeps no state on disk: to
// set them again changes nothing, so a start asks every shop once.
type pixels struct {
	connections func(ctx context.Context) ([]install.Connection, error)
	tokens      func(storeID string) adminapi.TokenSource
	transport   http.RoundTripper
	endpoint    string // where the pixels send their hints
	log         *slog.Logger
	done        map[string]time.Time // by store: the connect that was seen to
}

// keepShops sees to what connected shops need from time to time, until ctx ends. wait gives when it has stopped.
func (cmd *ServeCmd) keepShops(ctx context.Context, env *environment, a *app, installs *install.Service, duties *duty.Keeper) (wait func()) {
	alive, pixels := cmd.keepAlive(ctx, env, installs, duties), cmd.keepPixels(ctx, env, a, installs, duties)
	return func() {
		alive()
		pixels()
	}
}

// keepPixels works in one kind of process until ctx ends, where the world reaches this server by https. wait gives when it
// has stopped.
func (cmd *ServeCmd) keepPixels(ctx context.Context, env *environment, a *app, installs *install.Service, duties *duty.Keeper) (wait func()) {
	var working sync.WaitGroup
	client, err := shopify.NewHTTPClient(cmd.ShopifyTestHost)
	if err != nil || cmd.ShopifyAPIKey == "" || cmd.PublicURL == "" || !cmd.has("engine") {
		return working.Wait // check has refused a wrong test host already
	}
	p := &pixels{
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
		transport: client.Transport, endpoint: cmd.PublicURL + "/shopify/hints", log: env.log, done: map[string]time.Time{},
	}
	working.Go(func() { duties.Run(ctx, "pixels", p.run) })
	return working.Wait
}

func (p *pixels) run(ctx context.Context) {
	ticker := time.NewTicker(pixelsEvery)
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

// look sees to the shops that were connected since. What fails is tried again next time.
func (p *pixels) look(ctx context.Context) {
	all, err := p.connections(ctx)
	if err != nil {
		if ctx.Err() == nil {
			p.log.WarnContext(ctx, "the connected shops cannot be read; their web pixels wait", "error", err)
		}
		return
	}
	for i := range all {
		c := &all[i]
		if c.Platform != order.Shopify || c.State != install.Connected || p.done[c.StoreID].Equal(c.ConnectedAt) || ctx.Err() != nil {
			continue
		}
		if err := p.connect(ctx, c); err != nil {
			if ctx.Err() == nil {
				p.log.WarnContext(ctx, "a shop's web pixel is not set; its hints are missing until it is", "store", c.StoreID, "error", err)
			}
			continue
		}
		p.done[c.StoreID] = c.ConnectedAt
	}
}

func (p *pixels) connect(ctx context.Context, c *install.Connection) error {
	client, err := adminapi.New(c.Domain, p.tokens(c.StoreID), adminapi.Options{Transport: p.transport})
	if err != nil {
		return err
	}
	return client.ConnectPixel(ctx, p.endpoint)
}
