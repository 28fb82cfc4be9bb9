// Package httpapi is the HTTP surface: webhooks in, the merchant API, and health. It holds no rule of its own: it
// authenticates, hands over, reads, and maps every error to HTTP in one place (problem.go).
package httpapi

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/imports"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/privacy"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/reconcile"
	"upline.dev/upline/server/run"
	"upline.dev/upline/server/webhook"
)

// openapiYAML describes this surface; a test holds it against the running server.
//
//go:embed openapi.yaml
var openapiYAML []byte

// readyTimeout is how long the database may take to answer /readyz; an orchestrator asks every few seconds.
const readyTimeout = 2 * time.Second

// Inbox takes deliveries; once Put returns without error the bytes are on disk.
type Inbox interface {
	Put(ctx context.Context, d order.Delivery) (inbox.PutResult, error)
}

// Metrics receives the door's own figures, by platform.
type Metrics interface {
	Acked(d time.Duration)        // from the request's arrival to the answer that says "on disk"
	Duplicate(platform string)    // a delivery that was there already
	BadSignature(platform string) // refused with 401
	TooLarge(platform string)     // refused with 413; reconciliation has to fetch what it held
}

// Deps are the parts the HTTP surface stands on. All are required but Web.
type Deps struct {
	Inbox    Inbox
	Adapters map[order.Platform]adapters.Adapter
	// AppSecrets are the secrets of a platform's app, new first; they count for every store of that platform.
	AppSecrets map[order.Platform][][]byte
	Reader     query.Reader
	Screens    query.Screens
	Bodies     Bodies // opens what the inbox keeps sealed
	Imports    *imports.Service
	Previewer  Previewer // tells what settling an order once more would do
	Admin      *admin.Service
	// Projections close periods, and tell what they come to so far.
	Projections *run.Projections
	Metrics     Metrics
	Gatherer    prometheus.Gatherer
	Ready       func(ctx context.Context) error // nil error: the database answers
	Kick        func()                          // wakes the pipeline after something was released
	// Auth lets people in; nil: API keys and Authenticators alone count. Authenticators know what platforms send.
	Auth           *auth.Service
	Authenticators []auth.Authenticator
	// Reconcile finds and mends what deliveries did not tell; nil: this server does not.
	Reconcile *reconcile.Service
	// Channel answers the plugins of stores; nil: there is none.
	Channel *channel.Service
	// TryShop checks reading keys at a WooCommerce shop; nil: shops are not asked for keys.
	TryShop channel.Tried
	// Parts say which part of the surface this process answers; the zero value is all.
	Parts Parts
	// Magento ends the handshakes that Magento stores begin; nil: they are not connected here.
	Magento channel.Magento
	// Replica is what screens are read from; nil: they are read from the one database.
	Replica Replica
	// PublicURL is how the world sees us, such as https://upline.example.com; "": by the name each request asks for.
	PublicURL string
	// TrustedProxies are the addresses whose word on a client's address and scheme counts; none: nobody's.
	TrustedProxies []string
	// Shopify is the app inside the Shopify admin; nil: there is none.
	Shopify *Shopify
	// References answers share links and what storefronts ask; nil: there are none.
	References *References
	// Privacy takes requests of persons and shops.
	Privacy *privacy.Service
	// Webhooks keeps the endpoints that are told what happens.
	Webhooks *webhook.Service
	Web      http.Handler // the pages; everything that is no API path
	Logger   *slog.Logger
	Clock    func() time.Time
	Version  string
}

// Server is the HTTP surface.
type Server struct {
	Deps
	stores *storeCache
	steps  setupCache
	calls  callLimiter
	engine *gin.Engine

	buffers   buffers
	deadlines deadlines
	kept      map[order.Platform][]keptHeader
	written   written
	pulses    pulses
	closing   chan struct{} // closed when event streams have to end
	closed    sync.Once
}

// New builds the surface with all its routes.
func New(d Deps) *Server {
	gin.SetMode(gin.ReleaseMode)
	s := &Server{Deps: d, stores: newStoreCache(d.Admin, d.Clock), engine: gin.New(), closing: make(chan struct{}), kept: keptHeadersOf(d.Adapters)}
	if d.Shopify != nil {
		s.Authenticators = append([]auth.Authenticator{shopifySessions{s}}, d.Authenticators...)
	}
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false // an API path has one form; a redirect would lose a platform's POST
	s.engine.UseEscapedPath = true         // an order id may hold an escaped slash; see param
	s.engine.UnescapePathValues = false
	s.engine.Use(s.recoverPanic, securityHeaders, s.refuseUnreadable, s.refuseOthers, allowExtension)
	_ = s.engine.SetTrustedProxies(d.TrustedProxies) // the settings have checked them
	s.engine.NoMethod(s.noMethod)
	s.engine.NoRoute(s.noRoute)
	s.routes()
	return s
}

// ServeHTTP answers HEAD as it answers GET: net/http leaves the body out by itself.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		get := *r
		get.Method = http.MethodGet
		r = &get
	}
	s.engine.ServeHTTP(w, r)
}

// Routes lists what the server answers, as "METHOD /path" with :parameters; a test holds openapi.yaml against it.
func (s *Server) Routes() []string {
	table := s.engine.Routes()
	routes := make([]string, len(table))
	for i, route := range table {
		routes[i] = route.Method + " " + route.Path
	}
	return routes
}

func (s *Server) routes() {
	s.engine.GET("/healthz", s.healthz)
	s.engine.GET("/readyz", s.readyz)
	s.engine.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.Gatherer, promhttp.HandlerOpts{})))
	s.engine.GET("/api/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml; charset=utf-8", openapiYAML) })
	s.engine.GET("/api/setup", s.setup)

	s.engine.POST("/webhooks/shopify", s.webhook(order.Shopify))
	s.engine.POST("/webhooks/woocommerce/:store", s.storeWebhook(order.WooCommerce))
	s.engine.POST("/webhooks/magento/:store", s.storeWebhook(order.Magento))
	s.pluginRoutes()
	s.connectRoutes()

	s.referenceRoutes()
	s.signInRoutes()
	s.shopifyRoutes()

	mlm := s.engine.Group("/api/mlm", s.authenticate, s.mayLag)
	mlm.POST("/orders", s.postOrder)
	mlm.GET("/commissions", s.listCommissions)

	v1 := s.engine.Group("/api/v1", s.authenticate, s.mayLag)
	v1.GET("/overview", s.overview)
	v1.GET("/stores", s.listStores)
	v1.GET("/orders", s.listOrders)
	v1.GET("/orders/:store_id/:platform_order_id", s.getOrder)
	v1.GET("/orders/:store_id/:platform_order_id/explanation", s.explainOrder)
	v1.GET("/ledger", s.listPostings)
	v1.GET("/deliveries", s.listDeliveries)
	v1.GET("/deliveries/:delivery_id", s.getDelivery)
	v1.POST("/deliveries/:delivery_id/replay", s.replayDelivery)
	v1.GET("/distributors", s.listDistributors)
	v1.POST("/distributors", s.putDistributors)
	v1.GET("/distributors/:distributor_id", s.getDistributor)
	v1.GET("/distributors/:distributor_id/ranks", s.listRanks)
	v1.GET("/periods", s.listPeriods)
	v1.GET("/periods/:period_id", s.getPeriod)
	v1.GET("/periods/:period_id/distributors/:distributor_id", s.explainPeriod)
	v1.POST("/runs", s.postRun)
	v1.GET("/runs/:run_id", s.getRun)
	v1.GET("/projection", s.projection)
	v1.GET("/reconciliation", s.listReconciliations)
	v1.POST("/reconciliation", s.postReconciliation)
	v1.GET("/reconciliation/:run_id", s.getReconciliation)
	v1.GET("/customers/bindings", s.listBindings)
	v1.POST("/customers/bindings", s.putBindings)
	v1.GET("/mappings", s.listMappings)
	v1.POST("/mappings", s.putMappings)
	v1.GET("/mappings/unmapped", s.listUnmapped)
	s.privacyRoutes(v1)
	s.accountRoutes(v1)
	s.memberRoutes(v1)
	s.settingRoutes(v1)
	s.connectionRoutes(v1)
	s.webhookRoutes(v1)
	s.planRoutes(v1)
	s.screenRoutes(v1)
	s.importRoutes(v1)
	v1.GET("/exports/:list", s.export)
	v1.GET("/events", s.events)
}

// noRoute sends unknown API paths a problem and the pages' paths to the pages.
func (s *Server) noRoute(c *gin.Context) {
	path := c.Request.URL.Path
	if s.Web == nil || strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/webhooks/") || strings.HasPrefix(path, "/install/") {
		s.fail(c, errRoute)
		return
	}
	if pages, ok := s.Web.(interface{ Has(path string) bool }); ok && !pages.Has(path) {
		s.fail(c, errRoute)
		return
	}
	if c.Request.Method != http.MethodGet {
		c.Header("Allow", "GET, HEAD")
		s.fail(c, errMethod)
		return
	}
	if s.shopifyDocument(c) {
		return
	}
	c.Status(http.StatusOK) // gin has set 404 for what it does not know itself
	s.Web.ServeHTTP(c.Writer, c.Request)
}

// noMethod answers 405; the router has set Allow, but knows nothing of HEAD.
func (s *Server) noMethod(c *gin.Context) {
	allow := c.Writer.Header().Get("Allow")
	c.Header("Allow", strings.Replace(allow, http.MethodGet, "GET, HEAD", 1))
	s.fail(c, errMethod)
}

func (s *Server) healthz(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"status": "ok", "version": s.Version})
}

func (s *Server) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.fail(c, &server.Error{Code: server.Unavailable, Message: "the database does not answer", Err: err})
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready"})
}

// securityHeaders are the same for every answer; pages add their own content security policy. There are no CORS
// headers but those of allowExtension: an API key does not belong into another site's page.
func securityHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h["X-Content-Type-Options"], h["Referrer-Policy"] = noSniff, noReferrer
	c.Next()
}

// Nobody adds to these: they stand in every answer.
var noSniff, noReferrer = []string{"nosniff"}, []string{"no-referrer"}

// refuseUnreadable stops text that no database can hold before it becomes a failure there: a NUL, or bytes that are
// not UTF-8.
func (s *Server) refuseUnreadable(c *gin.Context) {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	readable := err == nil && isText(c.Request.URL.Path)
	for name, list := range values {
		readable = readable && isText(name) && isText(strings.Join(list, ""))
	}
	if !readable {
		s.fail(c, server.Errorf(server.Invalid, "the address holds bytes that are not UTF-8 text; escape each as %%XX of its UTF-8 form"))
		return
	}
	c.Next()
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// param is a part of the path, unescaped.
func param(c *gin.Context, name string) string {
	text, err := url.PathUnescape(c.Param(name))
	if err != nil { // the address was parsed, so its escapes are sound
		return c.Param(name)
	}
	return text
}
