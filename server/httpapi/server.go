// Package httpapi is the HTTP surface: webhooks in, the merchant API, and health. It holds no rule of its own: it
// authenticates, hands over, reads, and maps every error to HTTP in one place (problem.go).
package httpapi

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/metrics"
	"upline.dev/upline/server/query"
)

// MaxBody is the largest body taken, in bytes. Shopify's largest real orders stay below 2 MB; 8 MB leaves room and
// still bounds the memory of a flood.
const MaxBody = 8 << 20

// openapiYAML describes this surface; a test holds it against the running server.
//
//go:embed openapi.yaml
var openapiYAML []byte

// Inbox takes deliveries; once Put returns without error the bytes are on disk.
type Inbox interface {
	Put(ctx context.Context, d order.Delivery) (inbox.PutResult, error)
}

// Deps are the parts the HTTP surface stands on. All are required.
type Deps struct {
	Inbox    Inbox
	Adapters map[order.Platform]adapters.Adapter
	// AppSecrets are the secrets of a platform's app, new first; they count for every store of that platform.
	AppSecrets map[order.Platform][][]byte
	Reader     query.Reader
	Admin      *admin.Service
	Metrics    *metrics.Metrics
	Gatherer   prometheus.Gatherer
	Ready      func(ctx context.Context) error // nil error: the database answers
	Kick       func()                          // wakes the pipeline after something was released
	Web        http.Handler                    // the pages; everything that is no API path
	Logger     *slog.Logger
	Clock      func() time.Time
	Version    string
}

// Server is the HTTP surface.
type Server struct {
	Deps
	stores *storeCache
	engine *gin.Engine
}

// New builds the surface with all its routes.
func New(d Deps) *Server {
	gin.SetMode(gin.ReleaseMode)
	s := &Server{Deps: d, stores: newStoreCache(d.Admin, d.Clock), engine: gin.New()}
	s.engine.HandleMethodNotAllowed = true
	s.engine.ContextWithFallback = true
	s.engine.UseRawPath = true
	s.engine.Use(s.recoverPanic, securityHeaders)
	s.engine.NoMethod(func(c *gin.Context) { s.fail(c, errMethod) })
	s.engine.NoRoute(s.noRoute)
	s.routes()
	return s
}

// ServeHTTP makes Server an http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

func (s *Server) routes() {
	s.engine.GET("/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok", "version": s.Version}) })
	s.engine.GET("/readyz", s.readyz)
	s.engine.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.Gatherer, promhttp.HandlerOpts{})))
	s.engine.GET("/api/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml; charset=utf-8", openapiYAML) })
	s.engine.GET("/api/setup", s.setup)

	s.engine.POST("/webhooks/shopify", s.webhook(order.Shopify))

	mlm := s.engine.Group("/api/mlm", s.authenticate)
	mlm.POST("/orders", s.postOrder)
	mlm.GET("/commissions", s.listCommissions)

	v1 := s.engine.Group("/api/v1", s.authenticate)
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
	v1.GET("/mappings", s.listMappings)
	v1.POST("/mappings", s.putMappings)
	v1.GET("/mappings/unmapped", s.listUnmapped)
}

// noRoute sends unknown API paths a problem and everything else to the pages.
func (s *Server) noRoute(c *gin.Context) {
	path := c.Request.URL.Path
	if hasPrefix(path, "/api/") || hasPrefix(path, "/webhooks/") || s.Web == nil {
		s.fail(c, errRoute)
		return
	}
	s.Web.ServeHTTP(c.Writer, c.Request)
}

func (s *Server) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), 2*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.Logger.WarnContext(ctx, "not ready", "error", err)
		s.fail(c, errNotReady)
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready"})
}

// securityHeaders are the same for every answer; pages add their own content security policy.
func securityHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	c.Next()
}

func hasPrefix(s, prefix string) bool { return len(s) >= len(prefix) && s[:len(prefix)] == prefix }
