package httpapi

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
)

const principalContext = "principal"

// Names of the session's cookie. A browser takes a name that begins with __Host- only over https, for this host alone and
// the whole of it, so that no neighbour can plant one.
const (
	cookieSecure = "__Host-upline"
	cookiePlain  = "upline_session"
)

// csrfHeader is where a write by cookie repeats what GET /api/v1/session said.
const csrfHeader = "X-Upline-CSRF"

// authenticate lets only requests through that prove who they are and may do what the route does: by an API key, by what
// the platforms' authenticators know, or by a session's cookie.
func (s *Server) authenticate(c *gin.Context) {
	c.Header("Cache-Control", "no-store") // what somebody may read is for them alone
	p, err := s.principal(c)
	if err != nil {
		if server.CodeOf(err) == server.Unauthorized {
			c.Header("WWW-Authenticate", `Bearer realm="upline"`)
			tellAppBridge(c, err)
		}
		s.fail(c, err)
		return
	}
	if action, known := permissions[c.Request.Method+" "+c.FullPath()]; !known || !p.May(action) {
		s.fail(c, refusal(&p, action))
		return
	}
	if err := s.refuseWhenClosed(c, &p); err != nil {
		s.fail(c, err)
		return
	}
	c.Set(principalContext, p)
	c.Next()
}

func refusal(p *auth.Principal, action auth.Action) error {
	switch {
	case action == auth.PostOrders:
		return server.Errorf(server.Forbidden, "this key only reads; orders need a key of a store: upline admin api-key create --store STORE")
	case p.Kind == auth.ByAPIKey:
		return server.Errorf(server.Forbidden, "an API key may not do this; sign in")
	}
	return server.Errorf(server.Forbidden, "your role (%s) may not do this; ask an owner of the program", p.Role)
}

func (s *Server) principal(c *gin.Context) (auth.Principal, error) {
	for _, authenticator := range s.Authenticators {
		if p, ok, err := authenticator.Authenticate(c.Request); ok || err != nil {
			return p, err
		}
	}
	if scheme, text, ok := strings.Cut(c.GetHeader("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") && text != "" {
		return s.keyPrincipal(c, strings.TrimSpace(text))
	}
	token, err := c.Cookie(s.cookieName(c))
	if err != nil || token == "" || s.Auth == nil {
		return auth.Principal{}, server.Errorf(server.Unauthorized,
			"sign in, or send an API key as Authorization: Bearer upk_…; `upline admin api-key create` makes one")
	}
	return s.sessionPrincipal(c, token)
}

// keyPrincipal looks a key up by its SHA-256, which leaks nothing by timing: an attacker cannot choose the hash.
func (s *Server) keyPrincipal(c *gin.Context, text string) (auth.Principal, error) {
	key, err := s.Admin.Books.APIKeyByHash(c.Request.Context(), admin.HashAPIKey(text))
	if server.CodeOf(err) == server.NotFound {
		return auth.Principal{}, server.Errorf(server.Unauthorized, "this API key is unknown or revoked")
	}
	role := auth.Role(key.Role)
	if role == "" {
		role = auth.Admin
	}
	return auth.Principal{
		Program: key.ProgramID, Kind: auth.ByAPIKey, Actor: "api-key:" + key.KeyID, Name: key.Name, Role: role,
		StoreID: key.StoreID, KeyID: key.KeyID,
	}, err
}

func (s *Server) sessionPrincipal(c *gin.Context, token string) (auth.Principal, error) {
	p, err := s.Auth.Resume(c.Request.Context(), token)
	if server.CodeOf(err) == server.NotFound {
		return p, server.Errorf(server.Unauthorized, "your session has ended; sign in again")
	}
	if err != nil || c.Request.Method == http.MethodGet {
		return p, err
	}
	if err := s.sameOrigin(c); err != nil {
		return p, err
	}
	if subtle.ConstantTimeCompare([]byte(c.GetHeader(csrfHeader)), []byte(p.CSRF)) != 1 {
		return p, server.Errorf(server.Forbidden, "a write needs %s, as GET /api/v1/session gives it", csrfHeader)
	}
	return p, nil
}

// sameOrigin refuses what another site's page makes a browser send. Every browser says with a write where it comes from.
func (s *Server) sameOrigin(c *gin.Context) error {
	site, origin := c.GetHeader("Sec-Fetch-Site"), c.GetHeader("Origin")
	from, err := url.Parse(origin)
	ours := err == nil && origin != "" && (strings.EqualFold(from.Host, c.Request.Host) || strings.EqualFold(origin, s.PublicURL))
	if (site != "" && site != "same-origin") || (origin != "" && !ours) || (site == "" && origin == "") {
		return server.Errorf(server.Forbidden, "this was sent from another site")
	}
	return nil
}

// secure tells whether the browser speaks https with us, or with a proxy we trust.
func (s *Server) secure(c *gin.Context) bool {
	return strings.HasPrefix(s.PublicURL, "https://") || c.Request.TLS != nil ||
		(len(s.TrustedProxies) > 0 && strings.EqualFold(c.GetHeader("X-Forwarded-Proto"), "https"))
}

func (s *Server) cookieName(c *gin.Context) string {
	if s.secure(c) {
		return cookieSecure
	}
	return cookiePlain
}

// setCookie keeps a session's token in the browser; "" takes it out.
func (s *Server) setCookie(c *gin.Context, token string) {
	cookie := &http.Cookie{ //nolint:gosec // Secure is left out only where there is no https, and the browser would refuse it
		Name: s.cookieName(c), Value: token, Path: "/", HttpOnly: true, Secure: s.secure(c), SameSite: http.SameSiteLaxMode,
		MaxAge: int(auth.SessionLife.Seconds()),
	}
	if token == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, cookie)
}

// principalOf is who authenticate found; the program it names is the only one the request may see.
func principalOf(c *gin.Context) *auth.Principal {
	p, _ := c.MustGet(principalContext).(auth.Principal)
	return &p
}

// programOf is the program of the request.
func programOf(c *gin.Context) string { return principalOf(c).Program }

// adminOf acts in the principal's name, so that the audit log says who it was.
func (s *Server) adminOf(c *gin.Context) *admin.Service {
	service := *s.Admin
	service.Actor = actor(c)
	return &service
}

func actor(c *gin.Context) string { return principalOf(c).Actor }
