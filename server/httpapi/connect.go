package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/query"
)

// The pages of connecting a shop are plain forms: they are seen once, and work in every browser.
//
//go:embed connect.html
var connectHTML string

var connectPage = template.Must(template.New("connect").Parse(connectHTML))

// connectCookie is kept by the browser that approved, until it comes back from the shop.
const connectCookie = "upline_connect"

// connectView is what a page shows. Exactly one of Fault, SignIn and Approve is set.
type connectView struct {
	Nonce   string // of the style in the page
	Fault   string
	SignIn  bool
	Wrong   string // why signing in failed
	Approve bool
	Request channel.Request
	Query   url.Values // the request, for the forms
	CSRF    string
	Program string
	Site    string
	Denied  string // where "refuse" goes
	Keys    bool   // the shop is asked for reading keys next
	GoLive  string // the day from which a new store pays, where nobody says otherwise; "" for a store that was heard from
	// Identity: Magento's list of integrations asks whether we know it.
	Identity bool
}

func (s *Server) connectRoutes() {
	s.engine.GET("/connect/woocommerce", s.connectShop(order.WooCommerce))
	s.engine.POST("/connect/woocommerce", s.approveShop(order.WooCommerce))
	s.engine.POST("/connect/woocommerce/callback", s.takeKeys)
	s.engine.GET("/connect/woocommerce/return", s.connectReturn)
	s.engine.GET("/connect/magento", s.connectShop(order.Magento))
	s.engine.POST("/connect/magento", s.approveShop(order.Magento))
	s.engine.GET("/connect/magento/identity", s.identityLink)
	s.engine.POST("/connect/magento/identity", s.signInToIdentify)
	s.engine.POST("/install/magento/:code", s.takeHandshake)
}

// connectShop shows what a shop's plugin asks for, to somebody who may agree.
func (s *Server) connectShop(platform order.Platform) gin.HandlerFunc {
	return func(c *gin.Context) {
		r, err := channel.ReadRequest(c.Request.URL.Query(), platform)
		if err != nil || s.Channel == nil || s.Auth == nil {
			s.connectFault(c, err)
			return
		}
		p, err := s.principal(c)
		if err != nil && server.CodeOf(err) != server.Unauthorized {
			s.connectFault(c, err)
			return
		}
		s.showConnect(c, &r, p, err == nil, "")
	}
}

func (s *Server) showConnect(c *gin.Context, r *channel.Request, p auth.Principal, signedIn bool, wrong string) {
	v := connectView{Request: *r, Query: r.Values(), Site: r.Site, SignIn: !signedIn, Wrong: wrong}
	if signedIn {
		if !p.May(auth.ManageStores) || p.Kind != auth.ByPerson {
			s.connectFault(c, server.Errorf(server.Forbidden, "You may not connect shops. Ask an owner or admin of the company to press Connect in the shop while signed in here."))
			return
		}
		programs, err := s.Reader.Programs(c.Request.Context())
		if err != nil {
			s.connectFault(c, err)
			return
		}
		for _, program := range programs {
			if program.ProgramID == p.Program {
				v.Program = program.Name
			}
		}
		if v.GoLive, err = s.firstDay(c.Request.Context(), p.Program, r); err != nil {
			s.connectFault(c, err)
			return
		}
		v.Approve, v.CSRF, v.Denied, v.Keys = true, p.CSRF, r.Back("upline_error", "denied"), s.asksForKeys(c, r)
	}
	s.renderConnect(c, http.StatusOK, &v)
}

// firstDay is today, by the company's clocks: what was sold before is mostly paid already, by whatever paid before us.
func (s *Server) firstDay(ctx context.Context, program string, r *channel.Request) (string, error) {
	stores, err := s.Reader.Stores(ctx, program)
	if err != nil {
		return "", err
	}
	known := func(st query.StoreRow) bool {
		return st.Platform == string(r.Platform) && strings.EqualFold(st.Domain, adapters.Site(r.Site))
	}
	at := slices.IndexFunc(stores, known)
	if at >= 0 {
		if silent, err := s.Channel.Silent(ctx, program, stores[at].StoreID); err != nil || !silent {
			return "", err
		}
	}
	zone, err := s.Admin.Zone(ctx, program)
	if err != nil {
		return "", err
	}
	day := s.Clock()
	if at >= 0 && stores[at].GoLiveAt != nil {
		day = *stores[at].GoLiveAt // what was said when nobody went on
	}
	return day.In(zone).Format(time.DateOnly), nil
}

// asksForKeys: WooCommerce brings keys by https only, and to a server it can reach.
func (s *Server) asksForKeys(c *gin.Context, r *channel.Request) bool {
	return r.Platform == order.WooCommerce && s.TryShop != nil && !channel.IsLocal(s.base(c)) && strings.HasPrefix(r.Site, "https://")
}

// approveShop takes the form: signing in, or agreeing.
func (s *Server) approveShop(platform order.Platform) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxCallBytes)
		if err := c.Request.ParseForm(); err != nil {
			s.connectFault(c, server.Errorf(server.Invalid, "This form cannot be read."))
			return
		}
		r, err := channel.ReadRequest(c.Request.PostForm, platform) //nolint:forbidigo // this is a form that came in, no request of ours
		if err == nil {
			err = s.sameOrigin(c)
		}
		if err != nil || s.Channel == nil || s.Auth == nil {
			s.connectFault(c, err)
			return
		}
		if c.PostForm("step") == "sign-in" {
			s.signInToConnect(c, &r)
			return
		}
		s.agree(c, &r)
	}
}

// signInToConnect signs somebody in and shows the request again.
func (s *Server) signInToConnect(c *gin.Context, r *channel.Request) {
	person, err := s.Auth.SignIn(c.Request.Context(), c.PostForm("email"), c.PostForm("password"), c.PostForm("code"), client(c))
	if err == nil {
		var token string
		if _, token, err = s.Auth.Open(c.Request.Context(), &person, "password", client(c)); err == nil {
			s.setCookie(c, token)
			c.Redirect(http.StatusSeeOther, "/connect/"+string(r.Platform)+"?"+r.Values().Encode())
			return
		}
	}
	_, sentence := problemWord(err)
	s.showConnect(c, r, auth.Principal{}, false, sentence)
}

// agree connects, or first sends the browser to the shop for reading keys.
func (s *Server) agree(c *gin.Context, r *channel.Request) {
	token, err := c.Cookie(s.cookieName(c))
	var p auth.Principal
	if err == nil {
		p, err = s.Auth.Resume(c.Request.Context(), token)
	}
	switch {
	case err != nil:
		s.showConnect(c, r, p, false, "Your session has ended.")
		return
	case subtle.ConstantTimeCompare([]byte(c.PostForm("csrf")), []byte(p.CSRF)) != 1 || !p.May(auth.ManageStores) || p.Kind != auth.ByPerson:
		s.connectFault(c, server.Errorf(server.Forbidden, "This was not sent from our own page, or you may not connect shops."))
		return
	}
	role := c.PostForm("role")
	if role == "none" {
		role = ""
	}
	approval := channel.Approval{Request: *r, Program: p.Program, LinkRole: role, Actor: p.Actor}
	if day, asked := c.GetPostForm("go_live_at"); asked {
		live, err := s.goLive(c.Request.Context(), p.Program, day)
		if err != nil {
			s.connectFault(c, err)
			return
		}
		approval.GoLiveAt = &live
	}
	service := *s.Channel
	service.Base = s.base(c)
	if !s.asksForKeys(c, r) {
		address, err := service.Approve(c.Request.Context(), &approval, nil)
		s.leave(c, address, err)
		return
	}
	browser, address, err := service.AskForKeys(c.Request.Context(), &approval)
	if err == nil {
		http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure is left out only where there is no https
			Name: connectCookie, Value: browser, Path: "/connect/", HttpOnly: true, Secure: s.secure(c), SameSite: http.SameSiteLaxMode,
			MaxAge: int(install.FlowLife.Seconds()),
		})
	}
	s.leave(c, address, err)
}

// leave sends the browser to the shop.
func (s *Server) leave(c *gin.Context, address string, err error) {
	if err != nil {
		s.connectFault(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, address)
}

// takeKeys is where WooCommerce posts the reading keys. It takes 200 for yes and deletes the keys on anything else.
func (s *Server) takeKeys(c *gin.Context) {
	body, err := readUpTo(nil, c.Request.Body, maxCallBytes)
	var keys channel.Keys
	switch {
	case s.Channel == nil || s.TryShop == nil:
		err = errRoute
	case err == nil:
		if json.Unmarshal(body, &keys) != nil {
			err = server.Errorf(server.Invalid, "the body is not what WooCommerce posts")
		}
	}
	if wait := s.calls.take("keys "+c.ClientIP(), claimsPerMinute, s.Clock()); err == nil && wait > 0 {
		err = tooMany(c, wait)
	}
	if err == nil {
		err = s.Channel.TakeKeys(c.Request.Context(), &keys, s.TryShop)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusOK)
}

// connectReturn ends the detour. Where the merchant refused the keys, or the shop did not bring them, the shop is connected
// without: the plugin's own routes are enough.
func (s *Server) connectReturn(c *gin.Context) {
	browser, err := c.Cookie(connectCookie)
	if err != nil || s.Channel == nil {
		s.connectFault(c, server.Errorf(server.Forbidden, "This connection was begun in another browser, or too long ago. Press Connect in your shop again."))
		return
	}
	http.SetCookie(c.Writer, &http.Cookie{Name: connectCookie, Path: "/connect/", HttpOnly: true, Secure: s.secure(c), SameSite: http.SameSiteLaxMode, MaxAge: -1}) //nolint:gosec // as above
	service := *s.Channel
	service.Base = s.base(c)
	address, err := service.Return(c.Request.Context(), browser)
	s.leave(c, address, err)
}

// connectFault shows what is wrong; the browser is sent nowhere.
func (s *Server) connectFault(c *gin.Context, err error) {
	if err == nil {
		err = errRoute
	}
	status, sentence := problemWord(err)
	if status >= http.StatusInternalServerError {
		s.Logger.ErrorContext(c.Request.Context(), "a shop could not be connected", "error", err)
	}
	var e *server.Error
	if errors.As(err, &e) && e.Field != "" {
		sentence = e.Field + ": " + sentence
	}
	s.renderConnect(c, status, &connectView{Fault: sentence})
}

func (s *Server) renderConnect(c *gin.Context, status int, v *connectView) {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // It never fails.
	v.Nonce = base64.RawURLEncoding.EncodeToString(raw[:])
	forms := "'self'"
	if v.Approve {
		forms += " " + v.Request.Origin() // browsers hold the redirect after a form against this too
	}
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+v.Nonce+"'; base-uri 'none'; frame-ancestors 'none'; form-action "+forms)
	h.Set("Referrer-Policy", "same-origin") // without one, a browser does not say where our own form comes from
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	if err := connectPage.Execute(c.Writer, v); err != nil {
		s.Logger.ErrorContext(c.Request.Context(), "a page could not be written", "error", err)
	}
}
