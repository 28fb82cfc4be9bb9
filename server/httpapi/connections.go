package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/secret"
)

// maxHandshakeBytes bounds what Magento posts: four short fields.
const maxHandshakeBytes = 16 << 10

// handshakesPerMinute is how many one address may bring.
const handshakesPerMinute = 10

func (s *Server) connectionRoutes(v1 *gin.RouterGroup) {
	v1.POST("/connections", s.postConnection)
	v1.GET("/connections/:connection_id", s.getConnection)
}

// connectionView is how far connecting a Magento store is.
type connectionView struct {
	ConnectionID string    `json:"connection_id"`
	StoreID      string    `json:"store_id"`
	Site         string    `json:"site"`
	State        string    `json:"state"`
	Fault        string    `json:"fault"`
	Remark       string    `json:"remark"`
	ExpiresAt    time.Time `json:"expires_at"`
	Code         string    `json:"code,omitempty"`       // shown once
	ServerURL    string    `json:"server_url,omitempty"` // to be pasted beside the code
	Warning      string    `json:"warning,omitempty"`    // why the shop may not find this server
}

func connectionOf(id string, sh *channel.Shake) connectionView {
	return connectionView{
		ConnectionID: id, StoreID: sh.StoreID, Site: sh.Site, State: sh.Step, Fault: sh.Fault, Remark: sh.Remark, ExpiresAt: sh.Expires.UTC(),
	}
}

// postConnection makes the code that a merchant pastes into Magento.
func (s *Server) postConnection(c *gin.Context) {
	var body struct {
		Site     string         `json:"site"`
		Name     string         `json:"name"`
		Currency money.Currency `json:"currency"`
		APIBase  string         `json:"api_base"`
		Role     string         `json:"role"`
		GoLiveAt *string        `json:"go_live_at"` // of a store that was not connected yet; "" for none
	}
	err := decode(c.Request, &body)
	if err == nil && (s.Channel == nil || s.Magento == nil) {
		err = errRoute
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	if body.Role == "none" {
		body.Role = ""
	}
	o := channel.Offer{LinkRole: body.Role, Store: admin.Store{
		ProgramID: programOf(c), Domain: body.Site, Name: strings.TrimSpace(body.Name), Currency: body.Currency,
	}}
	if o.GoLiveAt, err = s.goLiveSaid(c.Request.Context(), programOf(c), body.GoLiveAt); err != nil {
		s.fail(c, err)
		return
	}
	code, id, sh, err := s.Channel.OfferHandshake(c.Request.Context(), &o, body.APIBase, s.adminOf(c).Actor)
	if err != nil {
		s.fail(c, err)
		return
	}
	view := connectionOf(id, &sh)
	view.Code, view.ServerURL = code, s.base(c)
	if channel.IsLocal(view.ServerURL) && !s.Magento.Loopback() {
		view.Warning = "This server is known as " + view.ServerURL + ", where a shop elsewhere does not find it. Set UPLINE_PUBLIC_URL to its https address."
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusCreated, view)
}

func (s *Server) getConnection(c *gin.Context) {
	if s.Channel == nil {
		s.fail(c, errRoute)
		return
	}
	one(s, c, func(ctx context.Context, program string) (connectionView, error) {
		id := param(c, "connection_id")
		sh, err := s.Channel.FollowHandshake(ctx, program, id)
		return connectionOf(id, &sh), err
	})
}

// takeHandshake is where Magento posts an integration's keys. Magento waits five seconds and looks at no status, so the answer
// comes at once; the handshake goes on by itself, and the merchant follows it here.
func (s *Server) takeHandshake(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	posted, err := s.readHandshake(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	service := *s.Channel
	service.Base = s.base(c)
	run, err := service.TakeHandshake(c.Request.Context(), param(c, "code"), posted, s.Magento)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.Request.Context()))
	ended := make(chan struct{})
	go func() {
		select {
		case <-s.closing:
		case <-ended:
		}
		cancel()
	}()
	go func() {
		defer close(ended)
		if err := run(ctx); err != nil {
			s.Logger.WarnContext(ctx, "a Magento store could not be connected", "error", err)
		}
	}()
	c.Status(http.StatusOK)
}

func (s *Server) readHandshake(c *gin.Context) (*channel.Posted, error) {
	if s.Channel == nil || s.Magento == nil {
		return nil, errRoute
	}
	if wait := s.calls.take("handshake "+c.ClientIP(), handshakesPerMinute, s.Clock()); wait > 0 {
		return nil, tooMany(c, wait)
	}
	body, err := readUpTo(nil, c.Request.Body, maxHandshakeBytes)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, server.Errorf(server.Invalid, "the body is not the form that Magento posts")
	}
	for _, name := range []string{"oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier", "store_base_url"} {
		if text := form.Get(name); text == "" || len(text) > 500 || !isText(text) {
			return nil, &server.Error{Code: server.Invalid, Field: name, Message: "Magento posts this with every handshake; begin it in Magento"}
		}
	}
	website, err := strconv.ParseUint(c.DefaultQuery("website_id", "0"), 10, 16)
	if err != nil {
		return nil, &server.Error{Code: server.Invalid, Field: "website_id", Message: "want the id of a website of Magento, or nothing"}
	}
	return &channel.Posted{
		Key: secret.Text(form.Get("oauth_consumer_key")), Secret: secret.Text(form.Get("oauth_consumer_secret")),
		Verifier: secret.Text(form.Get("oauth_verifier")), Base: form.Get("store_base_url"), InstallID: c.Query("install_id"),
		WebsiteID: int(website),
	}, nil
}

// identityLink is what Magento opens where an integration is activated from its own list: somebody who may connect stores says
// that the integration is known here, and goes back. Nobody is sent to an address that is no connected store's.
func (s *Server) identityLink(c *gin.Context) {
	if s.Channel == nil || s.Auth == nil {
		s.connectFault(c, errRoute)
		return
	}
	p, err := s.principal(c)
	switch {
	case server.CodeOf(err) == server.Unauthorized && err != nil:
		s.renderConnect(c, http.StatusOK, &connectView{SignIn: true, Site: "Magento", Identity: true, Query: url.Values{
			"oauth_consumer_key": {c.Query("oauth_consumer_key")}, "success_call_back": {c.Query("success_call_back")},
		}})
		return
	case err != nil:
		s.connectFault(c, err)
		return
	case !p.May(auth.ManageStores):
		s.connectFault(c, server.Errorf(server.Forbidden, "You may not connect shops. Ask an owner or admin of the company."))
		return
	}
	back, err := s.Channel.KnownIntegration(c.Request.Context(), p.Program, secret.Text(c.Query("oauth_consumer_key")), c.Query("success_call_back"))
	s.leave(c, back, err)
}

// signInToIdentify takes the sign-in form of that page.
func (s *Server) signInToIdentify(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxCallBytes)
	if err := s.sameOrigin(c); err != nil || s.Auth == nil {
		s.connectFault(c, err)
		return
	}
	query := url.Values{"oauth_consumer_key": {c.PostForm("oauth_consumer_key")}, "success_call_back": {c.PostForm("success_call_back")}}
	person, err := s.Auth.SignIn(c.Request.Context(), c.PostForm("email"), c.PostForm("password"), c.PostForm("code"), client(c))
	if err == nil {
		var token string
		if _, token, err = s.Auth.Open(c.Request.Context(), &person, "password", client(c)); err == nil {
			s.setCookie(c, token)
			c.Redirect(http.StatusSeeOther, "/connect/magento/identity?"+query.Encode())
			return
		}
	}
	_, sentence := problemWord(err)
	s.renderConnect(c, http.StatusOK, &connectView{SignIn: true, Site: "Magento", Identity: true, Query: query, Wrong: sentence})
}
