package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/httpapi"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/secret"
	"upline.dev/upline/server/web"
)

// ShopifySettings count for every command that talks to Shopify.
type ShopifySettings struct {
	ShopifyAPIKey    string `help:"Client id of the Shopify app." env:"SHOPIFY_API_KEY"`
	ShopifyAPISecret string `help:"Client secret of the Shopify app; it signs webhooks." env:"SHOPIFY_API_SECRET"`
	ShopifyOldSecret string `help:"The secret before the last rotation; accepted beside the new one." env:"SHOPIFY_API_SECRET_OLD"`
	ShopifyNewStores string `help:"Which program a shop joins that installs the app: auto (the first joins the only program, others have to be announced), own (each gets a program of its own), or a program's id." env:"UPLINE_SHOPIFY_NEW_STORES" default:"auto" placeholder:"auto|own|PROGRAM"`
	ShopifyCodeGrant bool   `help:"Install by code grant, for an app with use_legacy_install_flow; others are installed by Shopify itself." env:"UPLINE_SHOPIFY_CODE_GRANT"`
	ShopifyScopes    string `help:"Scopes that the code grant asks for; those of shopify.app.toml." env:"UPLINE_SHOPIFY_SCOPES" default:"read_orders,read_products,write_discounts,write_pixels,read_customer_events,read_customer_merge" placeholder:"LIST"`
	ShopifyTestHost  string `help:"For tests alone: the loopback address of a stand-in for Shopify." env:"UPLINE_SHOPIFY_TEST_HOST" hidden:""`
}

// check holds the settings against each other: half set is a mistake, not a choice.
func (s *ShopifySettings) check() error {
	if (s.ShopifyAPIKey == "") != (s.ShopifyAPISecret == "") {
		return wrongSetting("set both SHOPIFY_API_KEY and SHOPIFY_API_SECRET, or neither to switch the Shopify app off")
	}
	if s.ShopifyOldSecret != "" && s.ShopifyAPISecret == "" {
		return wrongSetting("SHOPIFY_API_SECRET_OLD counts only beside SHOPIFY_API_SECRET")
	}
	if _, err := shopify.NewHTTPClient(s.ShopifyTestHost); err != nil {
		return wrongSetting("UPLINE_SHOPIFY_TEST_HOST: %v", err)
	}
	return nil
}

// secrets are those of the app, new first.
func (s *ShopifySettings) secrets() (list [][]byte) {
	for _, text := range []string{s.ShopifyAPISecret, s.ShopifyOldSecret} {
		if text != "" {
			list = append(list, []byte(text))
		}
	}
	return list
}

// app is the Shopify app of the settings; nil where it is switched off.
func (s *ShopifySettings) app() (*shopifyApp, error) {
	if s.ShopifyAPIKey == "" {
		return nil, nil //nolint:nilnil // switched off is no error
	}
	client, err := shopify.NewHTTPClient(s.ShopifyTestHost)
	if err != nil {
		return nil, err
	}
	app, err := shopify.NewApp(shopify.Config{
		ClientID: s.ShopifyAPIKey, Secrets: s.secrets(), Scopes: []string{s.ShopifyScopes}, HTTP: client, Clock: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return &shopifyApp{app}, nil
}

// shopifyApp is the adapter in the words of server/install.
type shopifyApp struct{ *shopify.App }

var (
	_ httpapi.ShopifyApp = (*shopifyApp)(nil)
	_ install.Refresher  = (*shopifyApp)(nil)
	_ install.Grantor    = (*shopifyApp)(nil)
)

// Shop is shopify.ParseShop.
func (*shopifyApp) Shop(text string) (string, error) { return shopify.ParseShop(text) }

// Visitor checks a session token.
func (a *shopifyApp) Visitor(token string) (install.Visitor, error) {
	session, err := a.VerifySession(token)
	if err != nil {
		return install.Visitor{}, refused(err)
	}
	return install.Visitor{
		Platform: order.Shopify, Domain: session.Shop, StaffID: session.StaffID, ExpiresAt: session.ExpiresAt, Voucher: secret.Text(token),
	}, nil
}

// Grant exchanges the visitor's session token for credentials.
func (a *shopifyApp) Grant(ctx context.Context, v *install.Visitor) (install.Credentials, error) {
	session, err := a.VerifySession(v.Voucher.Reveal())
	if err != nil {
		return install.Credentials{}, refused(err)
	}
	g, err := a.Exchange(ctx, session)
	return credentialsOf(&g), refused(err)
}

// Refresh renews credentials. Those that never expire are exchanged for such that do.
func (a *shopifyApp) Refresh(ctx context.Context, domain string, old install.Credentials) (install.Credentials, error) {
	var g shopify.Grant
	var err error
	if old.RefreshToken == "" {
		g, err = a.Migrate(ctx, domain, old.Token.Reveal())
	} else {
		g, err = a.App.Refresh(ctx, domain, old.RefreshToken.Reveal())
	}
	return credentialsOf(&g), refused(err)
}

// Redeem gives credentials for the code of a code grant.
func (a *shopifyApp) Redeem(ctx context.Context, shop, code string) (install.Credentials, error) {
	g, err := a.RedeemCode(ctx, shop, code)
	return credentialsOf(&g), refused(err)
}

// VerifyCallback checks the return from a code grant.
func (a *shopifyApp) VerifyCallback(rawQuery string) (shop, code, state string, err error) {
	c, err := a.App.VerifyCallback(rawQuery)
	return c.Shop, c.Code, c.State, err
}

// Identify asks the shop for its name and currency.
func (a *shopifyApp) Identify(ctx context.Context, domain string, creds install.Credentials) (install.Identity, error) {
	shop, err := a.App.Identify(ctx, domain, creds.Token.Reveal())
	if err != nil {
		return install.Identity{}, refused(err)
	}
	currency, err := money.ParseCurrency(shop.Currency)
	if err != nil {
		return install.Identity{}, fmt.Errorf("currency of %s: %w", domain, err)
	}
	return install.Identity{Name: shop.Name, Currency: currency, TimeZone: shop.TimeZone}, nil
}

func credentialsOf(g *shopify.Grant) install.Credentials {
	return install.Credentials{
		Token: secret.Text(g.Token), RefreshToken: secret.Text(g.RefreshToken), Scopes: g.Scopes,
		ExpiresAt: g.ExpiresAt, RefreshExpiresAt: g.RefreshExpiresAt,
	}
}

// refused puts the adapter's errors in words that the surface maps.
func refused(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, shopify.ErrSession):
		return fmt.Errorf("%w: %w", install.ErrVisitor, err)
	case errors.Is(err, shopify.ErrApp):
		return &server.Error{Code: server.Unavailable, Message: "Shopify refuses the app's own credentials; its operator has to compare SHOPIFY_API_KEY and SHOPIFY_API_SECRET with the app's settings", Err: err}
	case errors.Is(err, shopify.ErrPassing):
		return &server.Error{Code: server.Unavailable, Message: "Shopify does not answer as it should; try again in a minute", Err: err}
	}
	return err
}

// installs is install with what renews the credentials of Shopify's stores.
func (a *app) installs(shopifyApp *shopifyApp) *install.Service {
	s := a.install()
	if shopifyApp != nil {
		s.Refreshers = map[order.Platform]install.Refresher{order.Shopify: shopifyApp}
	}
	return s
}

// keepAliveEvery is how often credentials are looked for that nobody used for long.
const keepAliveEvery = time.Hour

// keepAlive renews what platforms would forget, in one kind of process, until ctx ends. wait gives when it has stopped.
func (cmd *ServeCmd) keepAlive(ctx context.Context, env *environment, installs *install.Service, duties *duty.Keeper) (wait func()) {
	var working sync.WaitGroup
	if cmd.has("engine") && len(installs.Refreshers) > 0 {
		working.Go(func() {
			duties.Run(ctx, "credentials", func(ctx context.Context) {
				installs.KeepAlive(ctx, keepAliveEvery, func(storeID string, err error) {
					env.log.WarnContext(ctx, "credentials are not renewed; tried again in an hour", "store", storeID, "error", err)
				})
			})
		})
	}
	return working.Wait
}

// shopifySurface is the app inside the Shopify admin; nil where it is switched off.
func (cmd *ServeCmd) shopifySurface(a *app, app *shopifyApp, installs *install.Service, page func(http.ResponseWriter, *http.Request, string, string)) *httpapi.Shopify {
	if app == nil {
		return nil
	}
	return &httpapi.Shopify{
		App: app, CodeGrant: cmd.ShopifyCodeGrant, Page: page,
		Reception: &install.Reception{Service: installs, Stores: a.store, Admin: a.admin, Grantor: app, Join: cmd.ShopifyNewStores},
	}
}

// embeddedPage answers with the screens inside the Shopify admin.
func embeddedPage(pages *web.Pages) func(w http.ResponseWriter, r *http.Request, clientID, shop string) {
	return func(w http.ResponseWriter, r *http.Request, clientID, shop string) {
		pages.Embedded(w, r, web.Shop{APIKey: clientID, Domain: shop})
	}
}
