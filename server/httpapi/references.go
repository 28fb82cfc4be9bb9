package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/reference"
)

// References is what share links and storefronts need. Proxy and CheckoutKey are the Shopify adapter's; Proxy is nil where
// the app is switched off.
type References struct {
	Signer *reference.Signer
	Hints  reference.Hints
	// Proxy checks the signed query of a request that came through a shop's app proxy, and gives the shop.
	Proxy func(rawQuery string) (shop string, query url.Values, err error)
	// CheckoutKey is what is kept of a checkout's token.
	CheckoutKey func(token string) string
}

// Calls of one address in a minute. A person follows few links; a pixel tells of one checkout.
const (
	linksPerMinute   = 120
	hintsPerMinute   = 60
	proxiesPerMinute = 6000 // of one shop: all its visitors come from Shopify's addresses
)

// Bounds of what strangers send.
const (
	maxHintBytes  = 2048
	maxTokenBytes = 128
	maxPathBytes  = 1024
)

func (s *Server) referenceRoutes() {
	s.engine.GET("/r/:code", s.followShare)
	s.engine.GET("/shopify/proxy/ref", s.proxyReference)
	s.engine.POST("/shopify/hints", s.postHint)
}

// isCode refuses what can be no code, before any database is asked. An e-mail address is nobody's code.
func isCode(code string) bool {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	return code != "" && len(code) <= reference.MaxCode && !strings.Contains(code, "@") && !strings.ContainsFunc(code, unprintable)
}

// shared is a store to which a share link leads.
type shared struct {
	program string
	store   query.StoreRow
}

// followShare sends a visitor to the store, with the code in the address. It leads to connected stores alone, never to an
// address that the link names.
func (s *Server) followShare(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	if wait := s.calls.take("link "+c.ClientIP(), linksPerMinute, s.Clock()); wait > 0 {
		s.fail(c, tooMany(c, wait))
		return
	}
	code := strings.TrimSpace(param(c, "code"))
	to, ok := localPath(c.DefaultQuery("to", "/"))
	if !isCode(code) || !ok {
		s.fail(c, server.Errorf(server.NotFound, "this link leads nowhere: its code is none, or its page is no path of the shop"))
		return
	}
	found, err := s.sharedStore(c.Request.Context(), code, c.Query("store"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Redirect(http.StatusFound, shareTarget(&found.store, to, code, c.Query("discount") == "1"))
}

// localPath reads a path within a shop. What a browser could take for another host is none.
func localPath(text string) (*url.URL, bool) {
	if len(text) > maxPathBytes || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") ||
		strings.ContainsAny(text, "\\") || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	return u, true
}

// sharedStore finds whose code it is. The same code in two programs needs the store's id beside it.
func (s *Server) sharedStore(ctx context.Context, code, storeID string) (shared, error) {
	programs, err := s.Reader.Programs(ctx)
	if err != nil {
		return shared{}, err
	}
	var found []shared
	for i := range programs {
		program := programs[i].ProgramID
		stores, err := s.Reader.Stores(ctx, program)
		if err != nil {
			return shared{}, err
		}
		store := shopOf(stores, storeID)
		if store == nil {
			continue
		}
		_, err = s.Reader.DistributorByCode(ctx, program, code)
		if server.CodeOf(err) == server.NotFound {
			continue
		}
		if err != nil {
			return shared{}, err
		}
		found = append(found, shared{program, *store})
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return shared{}, server.Errorf(server.NotFound, "this link leads nowhere: nobody has its code, or there is no shop")
	}
	return shared{}, server.Errorf(server.Conflict, "this code is used by several companies: add ?store= and the store's id to the link")
}

// shopOf is the store of that id, or the first that visitors can be sent to.
func shopOf(stores []query.StoreRow, storeID string) *query.StoreRow {
	for i := range stores {
		if stores[i].Platform != string(order.Custom) && (storeID == "" || stores[i].StoreID == storeID) {
			return &stores[i]
		}
	}
	return nil
}

// shareTarget is the page of the shop, with the code as ?ref=. With discount a Shopify shop applies the code as one, too.
func shareTarget(store *query.StoreRow, to *url.URL, code string, discount bool) string {
	values := to.Query()
	values.Set("ref", code)
	page := url.URL{Path: to.Path, RawQuery: values.Encode(), Fragment: to.Fragment}
	base := strings.TrimSuffix(store.Domain, "/")
	if !strings.Contains(base, "://") {
		base = "https://" + base
	}
	if discount && store.Platform == string(order.Shopify) {
		apply := url.URL{Path: "/discount/" + code, RawQuery: url.Values{"redirect": {page.String()}}.Encode()}
		return base + apply.String()
	}
	return base + page.String()
}

// proxyReference answers a shop's own pages, through Shopify's app proxy: the signed reference of a code, and the name to
// show. Who has no such code, or no more, is told 404.
func (s *Server) proxyReference(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	if s.References == nil || s.References.Proxy == nil {
		s.fail(c, errRoute)
		return
	}
	shop, values, err := s.References.Proxy(c.Request.URL.RawQuery)
	if err != nil {
		s.fail(c, err)
		return
	}
	if wait := s.calls.take("proxy "+shop, proxiesPerMinute, s.Clock()); wait > 0 {
		s.fail(c, tooMany(c, wait))
		return
	}
	answer, err := s.referenceOf(c.Request.Context(), shop, strings.TrimSpace(values.Get("code")))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// toldReference is what a storefront may know of a code.
type toldReference struct {
	Ref  string `json:"ref"`
	Name string `json:"name"`
}

func (s *Server) referenceOf(ctx context.Context, shop, code string) (told toldReference, err error) {
	if !isCode(code) {
		return told, &server.Error{Code: server.Invalid, Field: "code", Message: "code is a distributor's code of up to 100 bytes"}
	}
	entry, err := s.stores.byDomain(ctx, order.Shopify, shop)
	if err != nil {
		return told, err
	}
	program := entry.store.ProgramID
	id, err := s.Reader.DistributorByCode(ctx, program, code)
	if err != nil {
		return told, err
	}
	d, err := s.Reader.Distributor(ctx, program, id)
	if err != nil {
		return told, err
	}
	return toldReference{Ref: s.References.Signer.Make(program, code, s.Clock()), Name: firstName(d.Name)}, nil
}

// firstName is what a stranger may see of a name.
func firstName(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return first
}

// postHint takes what a shop's pixel tells: a checkout, and the reference that led to it. Anybody can send one, so it is
// only a hint: it names a code that exists, and counts where an order carries that checkout and names nobody. The answer is
// the same whether or not it was of use.
func (s *Server) postHint(c *gin.Context) {
	if s.References == nil {
		s.fail(c, errRoute)
		return
	}
	if wait := s.calls.take("hint "+c.ClientIP(), hintsPerMinute, s.Clock()); wait > 0 {
		s.fail(c, tooMany(c, wait))
		return
	}
	h, err := readHint(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	if err := s.takeHint(c.Request.Context(), h); err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// pixelHint is what the web pixel sends.
type pixelHint struct {
	Shop    string `json:"shop"`
	Token   string `json:"checkout_token"`
	EventID string `json:"event_id"`
	Ref     string `json:"ref"`
}

// readHint takes the pixel's own shape and nothing else. Beacons come as text/plain.
func readHint(c *gin.Context) (h pixelHint, err error) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxHintBytes)
	body, err := readBody(c.Request)
	if err != nil {
		return h, &adapters.Malformed{Field: "$", Reason: "want a hint of up to 2048 bytes"}
	}
	if err := json.Unmarshal(body, &h); err != nil {
		return h, &adapters.Malformed{Field: "$", Reason: "want a JSON object with shop, checkout_token, event_id and ref"}
	}
	fine := func(text string, most int) bool {
		return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	}
	switch {
	case !fine(h.Shop, maxTokenBytes):
		return h, &adapters.Malformed{Field: "shop", Reason: "want the shop's own host"}
	case !fine(h.Token, maxTokenBytes):
		return h, &adapters.Malformed{Field: "checkout_token", Reason: "want the checkout's token"}
	case !fine(h.Ref, 2*maxPathBytes):
		return h, &adapters.Malformed{Field: "ref", Reason: "want a reference or a code"}
	}
	return h, nil
}

// takeHint keeps a hint that names somebody; another one is let go.
func (s *Server) takeHint(ctx context.Context, h pixelHint) error {
	entry, err := s.stores.byDomain(ctx, order.Shopify, strings.ToLower(h.Shop))
	if server.CodeOf(err) == server.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	program, code := entry.store.ProgramID, strings.TrimSpace(h.Ref)
	if strings.HasPrefix(code, reference.Prefix) {
		if code, err = s.References.Signer.Read(program, code, s.Clock()); err != nil {
			return nil //nolint:nilerr // a forged reference earns nothing, and learns nothing
		}
	}
	if !isCode(code) {
		return nil
	}
	if _, err = s.Reader.DistributorByCode(ctx, program, code); server.CodeOf(err) == server.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	created, err := s.References.Hints.PutHint(ctx, reference.Hint{
		ProgramID: program, StoreID: entry.store.StoreID, Checkout: s.References.CheckoutKey(h.Token), Reference: code, At: s.Clock().UTC().Truncate(time.Microsecond),
	})
	if err == nil && created {
		s.Kick()
	}
	return err
}
