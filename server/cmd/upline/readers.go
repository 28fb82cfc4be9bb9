package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/reconcile"
)

// storeReaders read stores' orders by their platforms' APIs, with the credentials that server/install keeps.
type storeReaders struct {
	installs *install.Service
	app      *app
	shopify  http.RoundTripper // nil: the Shopify app is switched off
	shops    *http.Client      // reaches shops of any address but those inside our own network
	folder   string            // where bulk results are sorted
	loopback bool              // shops at the loopback address may be called; for tests alone

	mu      sync.Mutex
	clients map[string]*adminapi.Client // by store; each follows its shop's budget
}

var _ reconcile.Readers = (*storeReaders)(nil)

// Reader gives a connected store's reader. See reconcile.Readers.
func (r *storeReaders) Reader(ctx context.Context, t reconcile.Target) (adapters.Reader, error) {
	creds, err := r.installs.Credentials(ctx, t.StoreID)
	connected := err == nil
	if err != nil && !errors.Is(err, install.ErrNotConnected) {
		return nil, err
	}
	var reader adapters.Reader
	switch {
	case t.Platform == order.Shopify && connected && r.shopify != nil:
		client, err := r.shopifyClient(t.StoreID, t.Domain)
		if err != nil {
			return nil, err
		}
		reader = shopify.NewReader(client, r.folder)
	case t.Platform == order.WooCommerce:
		if reader, err = r.wooReader(ctx, t, creds); err != nil {
			return nil, err
		}
	case t.Platform == order.Magento && connected && creds.Token != "":
		base := creds.Base
		if base == "" {
			base = ShopSettings{r.loopback}.base(t.Domain)
		}
		client, err := magentoClient(r.shops, base, creds, r.app.now)
		if err != nil {
			return nil, err
		}
		reader = &magento.Reader{Client: client}
	}
	if reader == nil {
		return nil, reconcile.ErrNoReader
	}
	return &refusable{Reader: reader, installs: r.installs, storeID: t.StoreID}, nil
}

// wooReader reads through the store's plugin where there is one, else with the keys that were granted; nil where there is neither.
func (r *storeReaders) wooReader(ctx context.Context, t reconcile.Target, creds install.Credentials) (adapters.Reader, error) {
	client := &woocommerce.Client{
		HTTP: r.shops, Base: ShopSettings{r.loopback}.base(t.Domain), Site: t.Domain, Key: creds.Key.Reveal(), Secret: creds.Secret.Reveal(), Clock: r.app.now,
	}
	_, err := r.app.store.Channel(ctx, t.StoreID)
	switch {
	case err == nil:
		st, err := r.app.store.StoreByID(ctx, t.StoreID)
		if err != nil {
			return nil, err
		}
		secrets, err := r.app.admin.Secrets(st)
		if err != nil {
			return nil, err
		}
		if len(secrets) > 0 {
			client.Signing = secrets[0]
		}
	case server.CodeOf(err) != server.NotFound:
		return nil, err
	}
	if client.Signing == nil && client.Key == "" {
		return nil, nil //nolint:nilnil // not connected is no error here
	}
	return &woocommerce.Reader{Client: client}, nil
}

func (r *storeReaders) shopifyClient(storeID, domain string) (*adminapi.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.clients[storeID]; known != nil && known.Shop() == domain {
		return known, nil
	}
	client, err := adminapi.New(domain, r.installs.Source(storeID), adminapi.Options{Transport: r.shopify, Bell: &r.app.bulks})
	if err != nil {
		return nil, err
	}
	if r.clients == nil {
		r.clients = map[string]*adminapi.Client{}
	}
	r.clients[storeID] = client
	return client, nil
}

// refusable notes when a platform refuses a store's credentials for good, so that the merchant is asked to come back.
type refusable struct {
	adapters.Reader
	installs *install.Service
	storeID  string
}

// Order is that of the reader within.
func (r *refusable) Order(ctx context.Context, id string) (adapters.Fetched, error) {
	f, err := r.Reader.Order(ctx, id)
	return f, r.note(ctx, err)
}

// Changed is that of the reader within.
func (r *refusable) Changed(ctx context.Context, from, to time.Time, yield func(adapters.Fetched) error) error {
	return r.note(ctx, r.Reader.Changed(ctx, from, to, yield))
}

// CheckKeys is that of the reader within, where it has one.
func (r *refusable) CheckKeys(ctx context.Context) error {
	k, ok := r.Reader.(adapters.KeyChecker)
	if !ok {
		return nil
	}
	return r.note(ctx, k.CheckKeys(ctx))
}

func (r *refusable) note(ctx context.Context, err error) error {
	if !errors.Is(err, adapters.ErrReauthorise) {
		return err
	}
	return errors.Join(err, r.installs.Refused(ctx, r.storeID, "the platform refuses the store's credentials", "upline"))
}

// reconciler is the service that finds and mends what deliveries did not tell.
func (e *environment) reconciler(a *app, in reconcile.Inbox, installs *install.Service, transport http.RoundTripper, loopback bool) *reconcile.Service {
	return &reconcile.Service{
		Books: a.store, Inbox: in, Readers: &storeReaders{installs: installs, app: a, shopify: transport, shops: fence.Client(loopback), loopback: loopback, folder: e.Data},
		Adapters: platforms(), Clock: a.now, Logger: e.log,
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	}
}

// transport reaches shops, and the storage that holds results of bulk operations; nil where the Shopify app is switched off.
func (s *ShopifySettings) transport() (http.RoundTripper, error) {
	if s.ShopifyAPIKey == "" {
		return nil, nil //nolint:nilnil // switched off is no error
	}
	return shopify.NewAPITransport(s.ShopifyTestHost)
}
