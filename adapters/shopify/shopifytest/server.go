// Package shopifytest is a stand-in for Shopify on this machine: token endpoint, code grant, session tokens, signed webhooks
// and app proxy requests, as strict as the original and able to fail as it does. Requests find their shop by the Host
// header. It shares no code with the adapter that it tests.
package shopifytest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// APIVersion is the version of the Admin API that is served.
const APIVersion = "2026-10"

// Config says which app the shops know.
type Config struct {
	ClientID string
	Secrets  []string         // new first; all sign, the first alone is taken at the token endpoint
	Scopes   []string         // what a merchant agrees to
	Clock    func() time.Time // default time.Now
}

// Server is Shopify. It is safe for concurrent use.
type Server struct {
	Config
	// GraphQL answers the Admin API to who brings a token of the shop; it is set before the server is used.
	GraphQL Handler
	mux     *http.ServeMux

	mu       sync.Mutex
	shops    map[string]*Shop
	faults   []Fault
	requests []Request
	release  chan struct{} // closed: whoever hangs goes on
}

// Request is what arrived, for tests to look at.
type Request struct {
	Shop, Method, Path, Body string
}

// Shop is one shop that may have the app. Its fields are set before it is used.
type Shop struct {
	Domain   string
	ID       int64
	Name     string
	Currency string
	TimeZone string // IANA name

	server    *Server
	installed bool
	current   tokens
	previous  string // the refresh token before, good until the current tokens are first used
	codes     map[string]bool
}

// tokens are what the token endpoint gave last.
type tokens struct {
	access, refresh string
	expires         time.Time
	refreshExpires  time.Time
	used            bool
}

// Lives of tokens, as Shopify gives them.
const (
	AccessLife  = time.Hour
	RefreshLife = 90 * 24 * time.Hour
)

// New makes a Shopify without shops.
func New(c Config) *Server {
	if c.Clock == nil {
		c.Clock = time.Now //nolint:forbidigo // the default of a clock that is an argument
	}
	s := &Server{Config: c, mux: http.NewServeMux(), shops: make(map[string]*Shop), release: make(chan struct{})}
	s.Handle("POST /admin/oauth/access_token", s.accessToken)
	s.Handle("GET /admin/oauth/authorize", s.authorize)
	s.GraphQL = shopIdentity
	s.Handle("POST /admin/api/"+APIVersion+"/graphql.json", func(w http.ResponseWriter, r *http.Request, shop *Shop) {
		w.Header().Set("X-Shopify-API-Version", APIVersion)
		if shop.Authorised(w, r) {
			s.GraphQL(w, r, shop)
		}
	})
	return s
}

// Start serves on a loopback address for as long as the test runs; the address is what UPLINE_SHOPIFY_TEST_HOST takes.
func (s *Server) Start(t testing.TB) (address string) {
	t.Helper()
	listener := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Release()
		listener.CloseClientConnections()
		listener.Close()
	})
	return strings.TrimPrefix(listener.URL, "http://")
}

// AddShop adds a shop that has not installed the app.
func (s *Server) AddShop(shop *Shop) *Shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	shop.server, shop.codes = s, make(map[string]bool)
	if shop.ID == 0 {
		shop.ID = 548380009 + int64(len(s.shops))
	}
	if shop.Name == "" {
		shop.Name = strings.TrimSuffix(shop.Domain, ".myshopify.com")
	}
	if shop.Currency == "" {
		shop.Currency = "EUR"
	}
	if shop.TimeZone == "" {
		shop.TimeZone = "Europe/Berlin"
	}
	s.shops[shop.Domain] = shop
	return shop
}

// Shop finds a shop by its domain; nil where there is none.
func (s *Server) Shop(domain string) *Shop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shops[domain]
}

// Handler answers a request to one shop.
type Handler func(w http.ResponseWriter, r *http.Request, shop *Shop)

// Handle adds an endpoint that every shop has; pattern is that of http.ServeMux.
func (s *Server) Handle(pattern string, h Handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		shop := s.Shop(r.Host)
		if shop == nil {
			http.NotFound(w, r)
			return
		}
		h(w, r, shop)
	})
}

// ServeHTTP notes the request, fails as it was told to, or answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r)
	if err != nil {
		http.Error(w, "cannot read", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{Shop: r.Host, Method: r.Method, Path: r.URL.Path, Body: body})
	fault := s.takeFault(r)
	s.mu.Unlock()
	if fault == nil {
		s.mux.ServeHTTP(w, r)
		return
	}
	fault.Serve(w, r, s)
}

// Requests are those that arrived with the given path, in order; "" for all.
func (s *Server) Requests(path string) (list []Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if path == "" || r.Path == path {
			list = append(list, r)
		}
	}
	return list
}

// Authorised says whether the request brings a token that the shop gave, and marks it as used. It answers 401 where not.
func (shop *Shop) Authorised(w http.ResponseWriter, r *http.Request) bool {
	shop.server.mu.Lock()
	defer shop.server.mu.Unlock()
	token := r.Header.Get("X-Shopify-Access-Token")
	if !shop.installed || token == "" || token != shop.current.access || !shop.server.Clock().Before(shop.current.expires) {
		answerJSON(w, http.StatusUnauthorized, map[string]any{
			"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)",
		})
		return false
	}
	shop.current.used = true
	return true
}

// Knows says whether a token is the one that counts now.
func (shop *Shop) Knows(token string) bool {
	shop.server.mu.Lock()
	defer shop.server.mu.Unlock()
	return shop.installed && token == shop.current.access && shop.server.Clock().Before(shop.current.expires)
}

// Installed says whether the shop has the app.
func (shop *Shop) Installed() bool {
	shop.server.mu.Lock()
	defer shop.server.mu.Unlock()
	return shop.installed
}

// Expire ends the life of the access token now.
func (shop *Shop) Expire() {
	shop.server.mu.Lock()
	defer shop.server.mu.Unlock()
	shop.current.expires = shop.server.Clock()
}

// Install is the merchant's click on "Install": from now on the app's screens open with session tokens.
func (shop *Shop) Install() {
	shop.server.mu.Lock()
	defer shop.server.mu.Unlock()
	shop.installed = true
}

// Uninstall is the merchant's: all tokens are dead at once. The webhook is the test's to send.
func (shop *Shop) Uninstall() {
	shop.server.mu.Lock()
	defer shop.server.mu.Unlock()
	shop.installed, shop.current, shop.previous = false, tokens{}, ""
}

// shopIdentity answers the one question that is asked at every install.
func shopIdentity(w http.ResponseWriter, r *http.Request, shop *Shop) {
	body, err := readAll(r)
	if err != nil || !strings.Contains(body, "ShopIdentity") {
		answerJSON(w, http.StatusOK, map[string]any{"errors": []any{map[string]any{"message": "this stand-in answers ShopIdentity alone"}}})
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"shop": map[string]any{
		"id": fmt.Sprintf("gid://shopify/Shop/%d", shop.ID), "name": shop.Name, "myshopifyDomain": shop.Domain,
		"currencyCode": shop.Currency, "ianaTimezone": shop.TimeZone,
	}}})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // nobody is left to tell
}

// random makes a text that comes once.
func random(prefix string) string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(fmt.Sprintf("shopifytest: no random bytes: %v", err))
	}
	return prefix + hex.EncodeToString(b[:])
}
