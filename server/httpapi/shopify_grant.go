package httpapi

import (
	"crypto/subtle"
	"net/http"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/install"
)

// Steps of the code grant that need a code of ours.
const (
	flowBegin = "shopify.begin" // leads a merchant from inside the frame to Shopify's page
	flowCode  = "shopify.code"  // comes back from there as state
)

// The state's cookie, by the names that browsers know; see cookieSecure.
const (
	stateSecure = "__Host-upline-install"
	statePlain  = "upline_install"
)

// errState is one sentence for every return that is not the answer to a beginning in this browser.
var errState = &server.Error{
	Code: server.Forbidden, Field: "state",
	Message: "this return from Shopify does not belong to a connection that was begun in this browser; open the app from the Shopify admin again",
}

// shopifyBegin takes a merchant who came out of the frame to Shopify's page.
func (s *Server) shopifyBegin(c *gin.Context) {
	if s.Shopify == nil || !s.Shopify.CodeGrant {
		s.fail(c, errRoute)
		return
	}
	flow, err := s.Shopify.Reception.Take(c.Request.Context(), c.Query("code"), flowBegin)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.authorise(c, flow.Domain)
}

// authorise sends the browser to the shop's page of consent. The state stands in a cookie and in the database: it counts in
// this browser, once, for this shop.
func (s *Server) authorise(c *gin.Context, shop string) {
	state, err := s.Shopify.Reception.Begin(c.Request.Context(), install.Flow{Purpose: flowCode, Platform: order.Shopify, Domain: shop})
	if err != nil {
		s.fail(c, err)
		return
	}
	to, err := s.Shopify.App.AuthorizeURL(shop, s.publicURL(c)+"/shopify/auth/callback", state)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.setState(c, state)
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusFound, to)
	c.Abort()
}

func (s *Server) stateName(c *gin.Context) string {
	if s.secure(c) {
		return stateSecure
	}
	return statePlain
}

// setState keeps the state in the browser; "" takes it out. Lax lets it come along when Shopify sends the merchant back.
func (s *Server) setState(c *gin.Context, state string) {
	cookie := &http.Cookie{ //nolint:gosec // Secure is left out only where there is no https, and the browser would refuse it
		Name: s.stateName(c), Value: state, Path: "/", HttpOnly: true, Secure: s.secure(c), SameSite: http.SameSiteLaxMode,
		MaxAge: int(install.FlowLife.Seconds()),
	}
	if state == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, cookie)
}

// shopifyCallback takes a merchant who agreed. Signature, time, cookie, single use and shop are judged before anything is
// sent to the shop.
func (s *Server) shopifyCallback(c *gin.Context) {
	if s.Shopify == nil || !s.Shopify.CodeGrant {
		s.fail(c, errRoute)
		return
	}
	shop, code, state, err := s.Shopify.App.VerifyCallback(c.Request.URL.RawQuery)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	kept, err := c.Cookie(s.stateName(c))
	if err != nil || subtle.ConstantTimeCompare([]byte(kept), []byte(state)) != 1 {
		s.fail(c, errState)
		return
	}
	s.setState(c, "")
	flow, err := s.Shopify.Reception.Take(ctx, state, flowCode)
	if err != nil {
		s.fail(c, err)
		return
	}
	if flow.Domain != shop {
		s.fail(c, errState)
		return
	}
	creds, err := s.Shopify.App.Redeem(ctx, shop, code)
	if err != nil {
		s.fail(c, err)
		return
	}
	if _, err := s.Shopify.Reception.Accept(ctx, order.Shopify, shop, creds, "shopify:"+shop); err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusFound, s.adminURL(shop))
}
