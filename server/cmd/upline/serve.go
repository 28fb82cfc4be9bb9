package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/custom"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/bus"
	"upline.dev/upline/server/duty"
	"upline.dev/upline/server/httpapi"
	"upline.dev/upline/server/metrics"
	"upline.dev/upline/server/reconcile"
	closer "upline.dev/upline/server/run"
	"upline.dev/upline/server/web"
)

// ServeCmd runs the product.
type ServeCmd struct {
	signInSettings
	ShopifySettings
	Addr            string        `help:"Address to listen on." env:"UPLINE_ADDR" default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	DrainTimeout    time.Duration `help:"How long to finish what is under way when told to stop." env:"UPLINE_DRAIN_TIMEOUT" default:"20s"`
	ReconcileEvery  time.Duration `help:"How often each connected store's orders are held against its platform's; 0 does so only when it is asked to, and fetches no hinted orders." env:"UPLINE_RECONCILE_EVERY" default:"6h"`
	BodyRetention   time.Duration `help:"How long raw delivery bodies are kept; their hashes stay." env:"UPLINE_BODY_RETENTION" default:"720h"`
	PublicURL       string        `help:"How the world sees this server, such as https://upline.example.com; empty: by the name each request asks for." env:"UPLINE_PUBLIC_URL" placeholder:"URL"`
	TrustedProxies  []string      `help:"Addresses or networks of reverse proxies whose word on a client's address and scheme counts." env:"UPLINE_TRUSTED_PROXIES" placeholder:"CIDR"`
	BusURL          string        `help:"RabbitMQ or Kafka, through which deliveries go to engines in other processes and events of commissions are published: amqp://user:password@host:5672/ or kafka://host:9092; empty: none." env:"BUS_URL" placeholder:"URL"`
	BusPartitions   int           `help:"How many engines can work through the bus at a time: into so many parts a topic is divided when it is made, and every process must say the same; 0: 8, or what a topic of Kafka has." env:"BUS_PARTITIONS" default:"0" placeholder:"N"`
	RedisURL        string        `help:"Redis 7 that processes share as a cache: redis://host:6379/0; empty: each has its own. It decides nothing." env:"REDIS_URL" placeholder:"URL"`
	ThroughBus      bool          `help:"Deliveries go to engines through the bus even where this process has one: several processes of all roles then share the work evenly." env:"UPLINE_THROUGH_BUS"`
	Roles           []string      `help:"What this process does: ingest takes deliveries, engine settles them, relay publishes to the bus and to programs' webhooks, web serves the screens and their API." env:"UPLINE_ROLES" default:"ingest,engine,relay,web" enum:"ingest,engine,relay,web"`
	ProcessSettings `embed:""`
	ShopSettings    `embed:""`
}

// Limits of one connection. Platforms answer within seconds; slower clients only hold memory.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 120 * time.Second
)

// Run serves until the context ends, then finishes what is under way.
func (cmd *ServeCmd) Run(ctx context.Context, env *environment) error {
	collectSeldom()
	if err := cmd.check(env.DatabaseURL); err != nil {
		return err
	}
	env.readURL = cmd.ReadDatabaseURL
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cmd.Addr)
	if err != nil {
		return wrongSetting("UPLINE_ADDR: cannot listen on %s: %v", cmd.Addr, err)
	}
	face := openFront(listener)
	a, err := env.openWithin(ctx, cmd.StartWait, face.wait)
	if err != nil {
		_ = face.server.Close()
		if ctx.Err() != nil {
			return nil // told to stop before it had started
		}
		return err
	}
	return errors.Join(cmd.serve(ctx, env, a, listener, face), closing(a))
}

func closing(a *app) error {
	if err := a.store.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// check refuses settings that cannot work before anything is opened.
func (cmd *ServeCmd) check(databaseURL string) error {
	if err := cmd.ShopifySettings.check(); err != nil {
		return err
	}
	if cmd.ThroughBus && cmd.BusURL == "" {
		return wrongSetting("UPLINE_THROUGH_BUS needs a bus: set BUS_URL")
	}
	if err := bus.CheckAddress(cmd.BusURL); err != nil {
		return wrongSetting("%v", err)
	}
	if cmd.BusPartitions < 0 || cmd.BusPartitions > bus.MaxPartitions {
		return wrongSetting("BUS_PARTITIONS is %d; a topic has 1 to %d, and 0 leaves it as it is", cmd.BusPartitions, bus.MaxPartitions)
	}
	if err := cmd.checkRedis(); err != nil {
		return err
	}
	if cmd.BodyRetention <= 0 {
		return wrongSetting("UPLINE_BODY_RETENTION must be positive, for example 720h")
	}
	if err := cmd.ProcessSettings.check(databaseURL); err != nil {
		return err
	}
	if err := cmd.signInSettings.check(); err != nil {
		return err
	}
	if err := cmd.checkPublicURL(); err != nil {
		return err
	}
	return cmd.checkProxies()
}

// checkPublicURL brings the address into its one form, without a slash at its end.
func (cmd *ServeCmd) checkPublicURL() error {
	if cmd.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(cmd.PublicURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return wrongSetting("UPLINE_PUBLIC_URL is a scheme and a host, such as https://upline.example.com")
	}
	cmd.PublicURL = u.Scheme + "://" + strings.ToLower(u.Host)
	return nil
}

func (cmd *ServeCmd) checkProxies() error {
	for _, text := range cmd.TrustedProxies {
		if _, err := netip.ParsePrefix(text); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(text); err != nil {
			return wrongSetting("UPLINE_TRUSTED_PROXIES: %q is no address and no network such as 10.0.0.0/8", text)
		}
	}
	return nil
}

// platforms are the adapters this binary has.
func platforms() map[order.Platform]adapters.Adapter {
	return map[order.Platform]adapters.Adapter{
		order.Shopify: shopify.New(), order.WooCommerce: woocommerce.New(), order.Magento: magento.New(), order.Custom: custom.New(),
	}
}

func (cmd *ServeCmd) serve(ctx context.Context, env *environment, a *app, listener net.Listener, face *front) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	figures := metrics.New(registry)
	machine, cache, err := cmd.newMachine(env, a, figures)
	if err != nil {
		return err
	}
	defer func() { _ = cache.Close() }()
	app, err := cmd.app()
	if err != nil {
		return wrongSetting("the Shopify app: %v", err)
	}
	installs := a.installs(app)
	transport, err := cmd.transport()
	if err != nil {
		return wrongSetting("the Shopify app: %v", err)
	}
	reconciler := env.reconciler(a, machine.inbox, installs, transport, cmd.LoopbackShops)
	pages, plugins := web.Handler(), env.plugins(ctx, a, machine)
	imported := a.imports(env, machine)
	defer imported.Close()
	api := httpapi.New(httpapi.Deps{
		Inbox: machine.inbox, Adapters: platforms(), AppSecrets: cmd.appSecrets(), Reader: a.store, Screens: a.store, Admin: a.admin,
		Bodies: machine.inbox, Previewer: machine.pipeline, Imports: imported,
		Projections: &closer.Projections{Service: a.runs(env, nil)},
		Metrics:     figures, Gatherer: registry, Ready: a.store.Ping, Kick: machine.pipeline.Kick, Web: pages,
		Logger: env.log, Clock: a.now, Version: version, Privacy: machine.privacy, References: a.references(app), Reconcile: reconciler,
		Channel: plugins, Auth: cmd.auth(a, cache), PublicURL: cmd.PublicURL, TrustedProxies: cmd.TrustedProxies,
		TryShop: cmd.tryShop(), Magento: cmd.magentoShops(a.now), Parts: cmd.surface(), Webhooks: cmd.webhooks(a),
		Replica: a.replica(registry),
		Shopify: cmd.shopifySurface(a, app, installs, embeddedPage(pages)),
	})
	env.log.InfoContext(ctx, "serving", "url", "http://"+listener.Addr().String(), "database", a.store.Dialect(),
		"version", version, "shopify_app", cmd.ShopifyAPISecret != "")
	if err := cmd.printSetup(ctx, env, a, listener); err != nil {
		return err
	}
	face.server.RegisterOnShutdown(api.CloseEvents)
	carried, err := cmd.couriers(ctx, env, a, machine, figures)
	if err != nil {
		return err
	}
	defer carried.end()
	defer cmd.tell(ctx, env, a)()
	failed := make(chan error, 1)
	engineCtx, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngine()
	engineDone := make(chan struct{})
	go func() {
		defer close(engineDone)
		defer cmd.keepShops(engineCtx, env, a, installs, machine.duties)()
		defer cmd.reconcileAll(engineCtx, reconciler, machine.duties)()
		defer cmd.warm(engineCtx, env, a.store)()
		if err := machine.run(engineCtx); err != nil && !errors.Is(err, context.Canceled) {
			failed <- fmt.Errorf("pipeline: %w", err)
		}
	}()
	face.start(api)
	var cause error
	select {
	case <-ctx.Done():
	case cause = <-failed:
	case cause = <-face.failed:
	}
	env.log.InfoContext(ctx, "stopping", "drain_timeout", cmd.DrainTimeout.String())
	return errors.Join(cause, cmd.stop(ctx, face, machine, carried, stopEngine, engineDone))
}

// printSetup shows the link by which the first owner comes in. It goes to the terminal and not into the log; the code
// stands behind the #, which browsers send to nobody.
func (cmd *ServeCmd) printSetup(ctx context.Context, env *environment, a *app, listener net.Listener) error {
	if !cmd.has("web") {
		return nil
	}
	code, err := a.auth().SetupCode(ctx)
	if err != nil || code == "" {
		return err
	}
	base := cmd.PublicURL
	if base == "" {
		base = "http://" + listener.Addr().String()
	}
	_, err = fmt.Fprintf(env.stdout, "Nobody can sign in yet. Open this link once, within 24 hours, to become the owner:\n%s/setup#%s\n", base, code)
	return err
}

// reconcileAll fetches hinted orders and reconciles stores, in a process that settles, until ctx ends. wait gives when it has stopped.
func (cmd *ServeCmd) reconcileAll(ctx context.Context, s *reconcile.Service, duties *duty.Keeper) (wait func()) {
	var working sync.WaitGroup
	if cmd.has("engine") {
		schedule := reconcile.Schedule{Every: cmd.ReconcileEvery, OnlyAsked: cmd.ReconcileEvery <= 0}
		working.Go(func() {
			duties.Run(ctx, "reconcile", func(ctx context.Context) { s.Work(ctx, schedule) })
		})
	}
	return working.Wait
}

// stop ends in the order in which work flows: no new requests, then the inbox, then what goes over the bus, then the pipeline. What is
// not settled in time stays in the inbox, on disk.
func (cmd *ServeCmd) stop(ctx context.Context, face *front, m *machine, carried couriers, stopEngine func(), engineDone <-chan struct{}) error {
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmd.StopNotice+cmd.DrainTimeout)
	defer cancel()
	err := face.stop(drain, time.After(cmd.StopNotice))
	m.inbox.Close()
	carried.stopReceiving()
	carried.stopSending()
	stopEngine()
	select {
	case <-engineDone:
	case <-drain.Done():
	}
	if err != nil {
		return fmt.Errorf("finish open requests: %w", err)
	}
	return nil
}

func (cmd *ServeCmd) appSecrets() map[order.Platform][][]byte {
	return map[order.Platform][][]byte{order.Shopify: cmd.secrets()}
}
