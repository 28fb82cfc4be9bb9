package main

import (
	"context"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/fence"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/install"
)

// StoreConnectCmd makes a code for a shop's plugin.
type StoreConnectCmd struct {
	Site     string `arg:"" help:"The shop's home address, such as https://shop.example.com."`
	Program  string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Platform string `help:"woocommerce or magento." default:"woocommerce" enum:"woocommerce,magento"`
	Currency string `help:"ISO 4217 code of the shop's currency." required:"" placeholder:"EUR"`
	ID       string `help:"Id in URLs and keys; made from the address when empty." placeholder:"ID"`
	Name     string `help:"Name for people; the address when empty." placeholder:"NAME"`
	Role     string `help:"What admins of the shop are here, who come by a link: admin, finance, support, viewer, or none." default:"viewer" enum:"admin,finance,support,viewer,none"`
	GoLive   string `help:"Orders before this date, from midnight by the company's clocks, never pay. For a store that was not connected yet." placeholder:"YYYY-MM-DD"`
	APIBase  string `help:"Where Magento answers, if not at its own address." placeholder:"URL"`
	JSON     bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *StoreConnectCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		o := channel.Offer{LinkRole: cmd.Role, Store: admin.Store{
			StoreID: cmd.ID, ProgramID: program, Platform: order.Platform(cmd.Platform), Domain: cmd.Site, Name: cmd.Name,
			Currency: money.Currency(cmd.Currency),
		}}
		if cmd.Role == "none" {
			o.LinkRole = ""
		}
		if cmd.GoLive != "" {
			live, err := a.goLive(ctx, program, cmd.GoLive)
			if err != nil {
				return err
			}
			o.GoLiveAt = &live
		}
		if o.Store.Platform == order.Magento {
			code, id, sh, err := a.channel().OfferHandshake(ctx, &o, cmd.APIBase, "cli")
			if err != nil {
				return err
			}
			return env.print(cmd.JSON, map[string]string{"code": code, "connection_id": id, "store_id": sh.StoreID},
				"code (works once, within 10 minutes): %s\nIn Magento: Stores > Configuration > Sales > Upline, Connect; give this server's address and the code.\n", code)
		}
		code, err := a.channel().Offer(ctx, &o, "cli")
		if err != nil {
			return err
		}
		return env.print(cmd.JSON, map[string]string{"code": code},
			"code (works once, within 15 minutes): %s\nIn the shop: Upline settings, Connect with a code; give this server's address and the code.\n", code)
	})
}

// ShopSettings say which shops on servers of their own may be called.
type ShopSettings struct {
	LoopbackShops bool `help:"Call shops at the loopback address; for tests alone." env:"UPLINE_TEST_LOOPBACK_SHOPS" hidden:""`
}

// base is where a shop answers. Its site holds no scheme: it is https but for the tests' own.
func (s ShopSettings) base(site string) string {
	if host, _, _ := strings.Cut(site, ":"); s.LoopbackShops && (host == "127.0.0.1" || host == "localhost") {
		return "http://" + site
	}
	return "https://" + site
}

// tryShop checks reading keys at the shop they were granted by.
func (s ShopSettings) tryShop() channel.Tried {
	client := fence.Client(s.LoopbackShops)
	return func(ctx context.Context, site string, creds install.Credentials) error {
		shop := woocommerce.Client{
			HTTP: client, Base: site, Site: adapters.Site(site), Key: creds.Key.Reveal(), Secret: creds.Secret.Reveal(), Clock: time.Now,
		}
		return shop.Check(ctx)
	}
}

// plugins answers the plugins of stores and looks after them until ctx ends.
func (e *environment) plugins(ctx context.Context, a *app, m *machine) *channel.Service {
	plugins := a.channel()
	plugins.Eraser = m.privacy
	go plugins.Watch(ctx, a.store.ProgramIDs, func(storeID, trouble string, err error) {
		if err != nil {
			e.log.WarnContext(ctx, "looking after the plugins of shops", "error", err)
			return
		}
		e.log.ErrorContext(ctx, "a shop's plugin needs somebody to look at it", "store", storeID, "trouble", trouble)
	})
	return plugins
}
