package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/install"
)

// ShopifyApp is what the surface asks of the app's adapter.
type ShopifyApp interface {
	ClientID() string
	// Visitor checks a session token; install.ErrVisitor where it is not good.
	Visitor(token string) (install.Visitor, error)
	// Shop gives a shop's host in its one form, or refuses the text.
	Shop(text string) (string, error)
	// VerifyInstall checks the signed query of a merchant who arrives outside the admin's frame, and gives the shop.
	VerifyInstall(rawQuery string) (shop string, err error)
	// AuthorizeURL is where a merchant agrees to a code grant.
	AuthorizeURL(shop, redirect, state string) (string, error)
	// VerifyCallback checks the signed query with which a merchant comes back from there.
	VerifyCallback(rawQuery string) (shop, code, state string, err error)
	// MissingScopes are those the app asks for that are not among the granted ones.
	MissingScopes(granted []string) []string
	// OptionalScopes are those a merchant may grant besides, and whether they are among the granted ones.
	OptionalScopes(granted []string) map[string]bool
	// Redeem gives credentials for the code that came with it.
	Redeem(ctx context.Context, shop, code string) (install.Credentials, error)
}

// Shopify is the app inside the Shopify admin.
type Shopify struct {
	App       ShopifyApp
	Reception *install.Reception
	// CodeGrant is for an app whose shopify.app.toml says use_legacy_install_flow; others are installed by Shopify itself.
	CodeGrant bool
	// Page answers with the screens for the shop's admin; who may frame them is said per shop.
	Page func(w http.ResponseWriter, r *http.Request, clientID, shop string)
}

// What App Bridge reads of an answer to its requests.
const (
	retrySession = "X-Shopify-Retry-Invalid-Session-Request"
	reauthorise  = "X-Shopify-Api-Request-Failure-Reauthorize-Url"
)

func (s *Server) shopifyRoutes() {
	s.engine.GET("/shopify/token", s.shopifyTokenPage)
	s.engine.GET("/shopify/auth/begin", s.shopifyBegin)
	s.engine.GET("/shopify/auth/callback", s.shopifyCallback)
}

// sessionRefused is an unauthorized request from inside the Shopify admin, and what App Bridge has to do about it.
type sessionRefused struct {
	error
	leave string // where the merchant has to go, out of the frame; "": a new session token is enough
}

func (e *sessionRefused) Unwrap() error { return e.error }

// tellAppBridge adds the headers by which App Bridge mends a refusal.
func tellAppBridge(c *gin.Context, err error) {
	var refused *sessionRefused
	switch {
	case !errors.As(err, &refused):
	case refused.leave == "":
		c.Header(retrySession, "1")
	default:
		c.Header(reauthorise, refused.leave)
	}
}

// shopifySessions makes principals of session tokens.
type shopifySessions struct{ *Server }

// Authenticate takes bearer tokens in the form of a JWT, which no API key has.
func (a shopifySessions) Authenticate(r *http.Request) (auth.Principal, bool, error) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || strings.Count(token, ".") != 2 {
		return auth.Principal{}, false, nil
	}
	v, err := a.Shopify.App.Visitor(strings.TrimSpace(token))
	if err != nil {
		return auth.Principal{}, true, &sessionRefused{error: err}
	}
	st, err := a.admit(r.Context(), &v)
	var leave *sessionRefused
	switch {
	case err == nil:
	case errors.Is(err, install.ErrVisitor) && !errors.As(err, &leave):
		return auth.Principal{}, true, &sessionRefused{error: err}
	default:
		return auth.Principal{}, true, err
	}
	return auth.Principal{Program: st.program, Kind: auth.ByShopify, Actor: v.Actor(), Role: auth.Admin, StoreID: st.store}, true, nil
}

// admitted is the store that a visitor came to.
type admitted struct{ program, store string }

// admit lets a visitor in. With a code grant a store that is not connected sends the merchant out of the frame.
func (s *Server) admit(ctx context.Context, v *install.Visitor) (admitted, error) {
	if !s.Shopify.CodeGrant {
		st, err := s.Shopify.Reception.Admit(ctx, v)
		return admitted{st.ProgramID, st.StoreID}, err
	}
	st, connected, err := s.Shopify.Reception.Known(ctx, order.Shopify, v.Domain)
	if err != nil || connected {
		return admitted{st.ProgramID, st.StoreID}, err
	}
	code, err := s.Shopify.Reception.Begin(ctx, install.Flow{Purpose: flowBegin, Platform: order.Shopify, Domain: v.Domain})
	if err != nil {
		return admitted{}, err
	}
	return admitted{}, &sessionRefused{error: install.ErrVisitor, leave: "/shopify/auth/begin?" + url.Values{"code": {code}}.Encode()}
}

// problemWord is a failure in words for a page.
func problemWord(err error) (status int, sentence string) {
	p := problemOf(err)
	if server.CodeOf(err) == server.Internal {
		return http.StatusServiceUnavailable, "Something went wrong here. Please try again in a minute."
	}
	return p.Status, p.Detail
}
