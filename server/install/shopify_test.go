package install_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/shopify/shopifytest"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/store"
)

// realApp is the Shopify adapter before a stand-in for Shopify, in the words of this package.
type realApp struct{ *shopify.App }

func granted(g shopify.Grant) install.Credentials {
	return install.Credentials{
		Token: secret.Text(g.Token), RefreshToken: secret.Text(g.RefreshToken), Scopes: g.Scopes,
		ExpiresAt: g.ExpiresAt, RefreshExpiresAt: g.RefreshExpiresAt,
	}
}

func (a realApp) Refresh(ctx context.Context, domain string, old install.Credentials) (install.Credentials, error) {
	g, err := a.App.Refresh(ctx, domain, old.RefreshToken.Reveal())
	return granted(g), err
}

func (a realApp) Grant(ctx context.Context, v *install.Visitor) (install.Credentials, error) {
	s, err := a.VerifySession(v.Voucher.Reveal())
	if err != nil {
		return install.Credentials{}, err
	}
	g, err := a.Exchange(ctx, s)
	return granted(g), err
}

func (a realApp) Identify(ctx context.Context, domain string, creds install.Credentials) (install.Identity, error) {
	i, err := a.App.Identify(ctx, domain, creds.Token.Reveal())
	return install.Identity{Name: i.Name, Currency: money.Currency(i.Currency), TimeZone: i.TimeZone}, err
}

// shopWorld is a world whose platform is Shopify, with the adapter between.
type shopWorld struct {
	*world
	fake *shopifytest.Server
	shop *shopifytest.Shop
	app  realApp
}

func shopifyWorld(t *testing.T) *shopWorld {
	t.Helper()
	w := &shopWorld{world: setup(t)}
	w.fake = shopifytest.New(shopifytest.Config{ClientID: "id", Secrets: []string{"s3cret"}, Scopes: []string{"read_orders"}, Clock: w.clock.Now})
	w.shop = w.fake.AddShop(&shopifytest.Shop{Domain: "acme-shop.myshopify.com"})
	w.shop.Install()
	client, err := shopify.NewHTTPClient(w.fake.Start(t))
	must(t, err)
	app, err := shopify.NewApp(shopify.Config{ClientID: "id", Secrets: [][]byte{[]byte("s3cret")}, HTTP: client, Clock: w.clock.Now})
	must(t, err)
	w.app = realApp{app}
	w.service.Refreshers = map[order.Platform]install.Refresher{order.Shopify: w.app}
	return w
}

// second is one more process with the same app.
func (w *shopWorld) second(t *testing.T) *install.Service {
	t.Helper()
	s := w.process(t)
	s.Refreshers = w.service.Refreshers
	return s
}

func (w *shopWorld) visitor(shop *shopifytest.Shop) *install.Visitor {
	return &install.Visitor{Platform: order.Shopify, Domain: shop.Domain, StaffID: "7", Voucher: secret.Text(shop.Session())}
}

func (w *shopWorld) reception(join string) *install.Reception {
	books := w.service.Books.(*store.Store)
	return &install.Reception{
		Service: w.service, Stores: books, Grantor: w.app, Join: join,
		Admin: &admin.Service{Books: books, Sealer: w.service.Sealer, Random: w.service.Random, Actor: "test"},
	}
}

// TestRefreshAgainstShopify: fifty calls in two processes find the token expired; Shopify is asked once, also where the
// first answers are lost or late, and the token that all get is good at Shopify.
func TestRefreshAgainstShopify(t *testing.T) {
	t.Parallel()
	const at = shopifytest.TokenPath
	for name, c := range map[string]struct {
		faults []shopifytest.Fault
		asked  int
	}{
		"well":         {nil, 1},
		"answer lost":  {[]shopifytest.Fault{shopifytest.LoseAnswer(at)}, 2},
		"lost twice":   {[]shopifytest.Fault{shopifytest.LoseAnswer(at), shopifytest.LoseAnswer(at)}, 3},
		"500, garbage": {[]shopifytest.Fault{shopifytest.Status(at, 500), shopifytest.Garbage(at)}, 3},
		"throttled":    {[]shopifytest.Fault{shopifytest.Throttle(at, 1)}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := shopifyWorld(t)
			_, err := w.reception(install.JoinAuto).Admit(t.Context(), w.visitor(w.shop))
			must(t, err)
			before := len(w.fake.Requests(at))
			w.clock.add(2 * time.Hour)
			w.fake.Fail(c.faults...)
			processes := []*install.Service{w.service, w.second(t)}
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					token, err := processes[i%2].Source(shop).Token(t.Context())
					if err != nil || !w.shop.Knows(token) {
						t.Errorf("call %d: %v, a token that Shopify knows: %v", i, err, w.shop.Knows(token))
					}
				})
			}
			wg.Wait()
			if n := len(w.fake.Requests(at)) - before; n != c.asked {
				t.Errorf("asked %d times, want %d", n, c.asked)
			}
		})
	}
}

// TestCrashBeforeStoring: a process that died between Shopify's answer and its own commit leaves a store that mends itself.
func TestCrashBeforeStoring(t *testing.T) {
	t.Parallel()
	w := shopifyWorld(t)
	_, err := w.reception(install.JoinAuto).Admit(t.Context(), w.visitor(w.shop))
	must(t, err)
	creds, err := w.service.Credentials(t.Context(), shop)
	must(t, err)
	if _, err := w.app.Refresh(t.Context(), w.shop.Domain, creds); err != nil { // and nobody stores it
		t.Fatal(err)
	}
	w.clock.add(2 * time.Hour)
	token, err := w.service.Source(shop).Token(t.Context())
	if err != nil || !w.shop.Knows(token) {
		t.Fatalf("%v", err)
	}
}

// TestForgottenStore: after 91 days without a refresh Shopify wants the merchant back; one visit mends it.
func TestForgottenStore(t *testing.T) {
	t.Parallel()
	w := shopifyWorld(t)
	r := w.reception(install.JoinAuto)
	_, err := r.Admit(t.Context(), w.visitor(w.shop))
	must(t, err)
	w.clock.add(91 * 24 * time.Hour)
	if _, err := w.service.Source(shop).Token(t.Context()); !errors.Is(err, adapters.ErrReauthorise) {
		t.Fatalf("%v", err)
	}
	for range 3 { // it is a state now, and nobody asks Shopify again
		if _, err := w.service.Source(shop).Renew(t.Context(), "x"); !errors.Is(err, install.ErrNotConnected) {
			t.Fatalf("%v", err)
		}
	}
	if c := w.state(t); c.State != install.NeedsReauth || c.Reason == "" || len(w.fake.Requests(shopifytest.TokenPath)) != 2 {
		t.Fatalf("%+v after %d requests", c, len(w.fake.Requests(shopifytest.TokenPath)))
	}
	_, err = r.Admit(t.Context(), w.visitor(w.shop))
	must(t, err)
	if token, err := w.service.Source(shop).Token(t.Context()); err != nil || !w.shop.Knows(token) {
		t.Fatalf("after the visit: %v", err)
	}
}

// TestWhereStoresJoin: a new store joins what the setting says, and two shops whose names look alike stay two stores.
func TestWhereStoresJoin(t *testing.T) {
	t.Parallel()
	w := shopifyWorld(t)
	twins := []*shopifytest.Shop{
		w.fake.AddShop(&shopifytest.Shop{Domain: "twin-shop.myshopify.com", Currency: "JPY", TimeZone: "Asia/Tokyo"}),
		w.fake.AddShop(&shopifytest.Shop{Domain: "twin_shop.myshopify.com", Currency: "KWD", TimeZone: "no/zone"}),
	}
	var programs []string
	for _, s := range twins {
		s.Install()
		if _, err := w.reception(install.JoinAuto).Admit(t.Context(), w.visitor(s)); !errors.Is(err, install.ErrUnannounced) || server.CodeOf(err) != server.Forbidden {
			t.Fatalf("%s joins a company that has a shop: %v", s.Domain, err)
		}
		st, err := w.reception(install.JoinOwn).Admit(t.Context(), w.visitor(s))
		must(t, err)
		if string(st.Currency) != s.Currency || st.Domain != s.Domain {
			t.Fatalf("%+v", st)
		}
		programs = append(programs, st.ProgramID)
	}
	if programs[0] == programs[1] || programs[0] == "acme" {
		t.Fatalf("programs %v", programs)
	}
	third := w.fake.AddShop(&shopifytest.Shop{Domain: "third.myshopify.com"})
	third.Install()
	if _, err := w.reception("nowhere").Admit(t.Context(), w.visitor(third)); server.CodeOf(err) != server.NotFound {
		t.Fatalf("a program that is not there: %v", err)
	}
	st, err := w.reception("acme").Admit(t.Context(), w.visitor(third))
	must(t, err)
	if st.ProgramID != "acme" || time.UnixMicro(st.GoLiveAt).Before(w.clock.Now()) {
		t.Fatalf("%+v", st)
	}
}
