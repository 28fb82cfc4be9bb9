package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/query"
)

// AdminCmd groups what an operator changes.
type AdminCmd struct {
	Program  ProgramCmd  `cmd:"" help:"Programs: the direct-selling companies."`
	Store    StoreCmd    `cmd:"" help:"Stores of a program."`
	APIKey   APIKeyCmd   `cmd:"" name:"api-key" help:"API keys."`
	Customer CustomerCmd `cmd:"" help:"Who customers are, and whose."`
	Person   PersonCmd   `cmd:"" help:"People who sign in."`
}

// ProgramCmd manages programs.
type ProgramCmd struct {
	Create ProgramCreateCmd `cmd:"" help:"Add a program."`
	List   ProgramListCmd   `cmd:"" help:"List programs."`
}

// ProgramCreateCmd adds a program.
type ProgramCreateCmd struct {
	Name     string `arg:"" help:"The company's name."`
	ID       string `help:"Id in URLs and keys; made from the name when empty." placeholder:"ID"`
	Currency string `help:"ISO 4217 code of the company's books." required:"" placeholder:"EUR"`
	TimeZone string `help:"IANA name; days and months begin there." default:"UTC"`
	JSON     bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *ProgramCreateCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		p, err := a.admin.CreateProgram(ctx, admin.Program{
			ProgramID: cmd.ID, Name: cmd.Name, Currency: money.Currency(cmd.Currency), TimeZone: cmd.TimeZone,
		})
		if err != nil {
			return err
		}
		return env.print(cmd.JSON, map[string]string{"program_id": p.ProgramID},
			"program %s created\n", p.ProgramID)
	})
}

// ProgramListCmd lists programs.
type ProgramListCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run carries it out.
func (cmd *ProgramListCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		programs, err := a.store.Programs(ctx)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(programs)
		}
		if len(programs) == 0 {
			_, err = fmt.Fprintln(env.stdout, "no program yet: upline admin program create NAME --currency EUR, or upline demo")
			return err
		}
		for _, p := range programs {
			fmt.Fprintf(env.stdout, "%-24s %-32s %s %s\n", p.ProgramID, p.Name, p.Currency, p.TimeZone)
		}
		return nil
	})
}

// StoreCmd manages stores.
type StoreCmd struct {
	Create  StoreCreateCmd  `cmd:"" help:"Connect a store; prints its signing secret once."`
	Connect StoreConnectCmd `cmd:"" help:"Make a code with which the plugin of a WooCommerce or Magento shop connects itself."`
	List    StoreListCmd    `cmd:"" help:"List stores."`
	Rotate  StoreRotateCmd  `cmd:"" name:"rotate-secret" help:"Give a store a new signing secret; the old one stays valid."`
}

// StoreCreateCmd connects a store.
type StoreCreateCmd struct {
	Domain     string `arg:"" help:"my-shop.myshopify.com, or the shop's domain."`
	Program    string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Platform   string `help:"shopify, woocommerce, magento or custom." required:"" placeholder:"PLATFORM" enum:"shopify,woocommerce,magento,custom"`
	Currency   string `help:"ISO 4217 code of the store's own currency, in which its orders are told." required:"" placeholder:"EUR"`
	ID         string `help:"Id in URLs and keys; made from the domain when empty." placeholder:"ID"`
	Name       string `help:"Name for people; the domain when empty." placeholder:"NAME"`
	Secret     string `help:"Signing secret of the shop's webhooks; made when empty." placeholder:"TEXT" env:"UPLINE_STORE_SECRET"`
	GoLive     string `help:"Orders before this date, from midnight by the company's clocks, never pay." placeholder:"YYYY-MM-DD"`
	TestOrders bool   `help:"Let test orders earn, for demonstrations."`
	JSON       bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *StoreCreateCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		st := admin.Store{
			StoreID: cmd.ID, ProgramID: program, Platform: order.Platform(cmd.Platform), Domain: cmd.Domain,
			Name: cmd.Name, Currency: money.Currency(cmd.Currency), AcceptTestOrders: cmd.TestOrders,
		}
		if st.GoLiveAt, err = a.goLive(ctx, program, cmd.GoLive); err != nil {
			return err
		}
		if err := siteDomain(&st); err != nil {
			return err
		}
		st, secret, err := a.admin.CreateStore(ctx, st, cmd.Secret)
		if err != nil {
			return err
		}
		return env.print(cmd.JSON, map[string]string{"store_id": st.StoreID, "signing_secret": secret},
			"store %s connected\n%s\n", st.StoreID, cmd.next(st, secret))
	})
}

// goLive reads from when on a store pays.
func (a *app) goLive(ctx context.Context, program, text string) (int64, error) {
	zone, err := a.admin.Zone(ctx, program)
	if err != nil {
		return 0, err
	}
	at, err := admin.ParseDateIn(text, zone)
	if err != nil {
		return 0, wrongSetting("--go-live: %v", err)
	}
	if at.IsZero() {
		return 0, nil
	}
	return at.UnixMicro(), nil
}

// siteDomain brings the address of a shop on a server of its own into the form in which sites are compared.
func siteDomain(st *admin.Store) error {
	if st.Platform != order.WooCommerce && st.Platform != order.Magento {
		return nil
	}
	site := adapters.Site(st.Domain)
	if site == "" {
		return &server.Error{Code: server.Invalid, Field: "domain", Message: fmt.Sprintf("%q is no shop's address; write it as https://shop.example.com", st.Domain)}
	}
	st.Domain = site
	return nil
}

// next says what the store needs to send its first order. A secret that was typed in is not shown again.
func (cmd *StoreCreateCmd) next(st admin.Store, secret string) string {
	switch {
	case st.Platform == order.Custom:
		return "its orders come with an API key: upline admin api-key create --store " + st.StoreID
	case cmd.Secret != "":
		return "its webhooks are signed with the secret you gave"
	default:
		return "signing secret (shown once): " + secret
	}
}

// StoreListCmd lists stores.
type StoreListCmd struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	JSON    bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *StoreListCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		stores, err := a.store.Stores(ctx, program)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return env.json(stores)
		}
		for _, st := range stores {
			fmt.Fprintln(env.stdout, strings.TrimRight(fmt.Sprintf("%-24s %-12s %-36s %s %s", st.StoreID, st.Platform, st.Domain, st.Currency, standing(st)), " "))
		}
		return nil
	})
}

// standing says for people whether a store's platform lets us in; "" for a store that only sends.
func standing(st query.StoreRow) string {
	switch st.Connection {
	case string(install.NeedsReauth):
		return "needs to be connected again: " + st.ConnectionReason
	case string(install.Uninstalled):
		return "uninstalled"
	}
	return st.Connection
}

// StoreRotateCmd gives a store a new secret.
type StoreRotateCmd struct {
	Store string `arg:"" help:"Store id."`
	JSON  bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *StoreRotateCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		secret, err := a.admin.RotateSecret(ctx, cmd.Store)
		if err != nil {
			return err
		}
		return env.print(cmd.JSON, map[string]string{"store_id": cmd.Store, "signing_secret": secret},
			"new signing secret (shown once; the one before stays valid): %s\n", secret)
	})
}

// APIKeyCmd manages API keys.
type APIKeyCmd struct {
	Create APIKeyCreateCmd `cmd:"" help:"Make a key; prints it once."`
	Revoke APIKeyRevokeCmd `cmd:"" help:"End a key."`
}

// APIKeyCreateCmd makes a key.
type APIKeyCreateCmd struct {
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
	Store   string `help:"Store whose orders may be posted with the key; without it the key only reads and manages." placeholder:"ID"`
	Name    string `help:"What the key is for." default:"api"`
	JSON    bool   `help:"Print JSON."`
}

// Run carries it out.
func (cmd *APIKeyCreateCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		key, text, err := a.admin.CreateAPIKey(ctx, program, cmd.Store, cmd.Name)
		if err != nil {
			return err
		}
		return env.print(cmd.JSON, map[string]string{"key_id": key.KeyID, "api_key": text},
			"key %s\nAPI key (shown once): %s\n", key.KeyID, text)
	})
}

// APIKeyRevokeCmd ends a key.
type APIKeyRevokeCmd struct {
	KeyID   string `arg:"" help:"Key id."`
	Program string `help:"Program id; may be left out where there is one program only." placeholder:"ID"`
}

// Run carries it out.
func (cmd *APIKeyRevokeCmd) Run(ctx context.Context, env *environment) error {
	return env.withApp(ctx, func(a *app) error {
		program, err := a.onlyProgram(ctx, cmd.Program)
		if err != nil {
			return err
		}
		if err := a.admin.RevokeAPIKey(ctx, program, cmd.KeyID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "key %s revoked\n", cmd.KeyID)
		return err
	})
}

// onlyProgram resolves an omitted program id where there is no choice.
func (a *app) onlyProgram(ctx context.Context, program string) (string, error) {
	programs, err := a.store.Programs(ctx)
	if err != nil {
		return "", err
	}
	if program == "" {
		if len(programs) == 1 {
			return programs[0].ProgramID, nil
		}
		if len(programs) == 0 {
			return "", wrongSetting("there is no program yet: upline admin program create NAME --currency EUR, or upline demo")
		}
		return "", wrongSetting("there are %d programs: say which with --program ID (upline admin program list)", len(programs))
	}
	for _, p := range programs {
		if p.ProgramID == program {
			return program, nil
		}
	}
	return "", server.Errorf(server.NotFound, "there is no program %s (upline admin program list)", program)
}

func (e *environment) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// print writes v as JSON where asked for, else the sentence.
func (e *environment) print(asJSON bool, v any, format string, args ...any) error {
	if asJSON {
		return e.json(v)
	}
	_, err := fmt.Fprintf(e.stdout, format, args...)
	return err
}
