package httpapi

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
)

func (s *Server) passkeyRoutes(v1 *gin.RouterGroup) {
	v1.GET("/account/passkeys", s.listPasskeys)
	v1.POST("/account/passkeys/begin", s.beginPasskey)
	v1.POST("/account/passkeys/finish", s.finishPasskey)
	v1.DELETE("/account/passkeys/:credential_id", s.removePasskey)
}

// passkeyView is one of a person's passkeys.
type passkeyView struct {
	CredentialID string     `json:"credential_id"` // base64url
	Name         string     `json:"name"`
	CreatedAt    time.Time  `json:"created_at"`
	LastUsedAt   *time.Time `json:"last_used_at,omitempty"`
}

func (s *Server) listPasskeys(c *gin.Context) {
	keys, err := s.Auth.Books.PasskeysOf(c.Request.Context(), principalOf(c).PersonID)
	if err != nil {
		s.fail(c, err)
		return
	}
	rows := make([]passkeyView, len(keys))
	for i := range keys {
		k := &keys[i]
		rows[i] = passkeyView{CredentialID: base64.RawURLEncoding.EncodeToString(k.CredentialID), Name: k.Name, CreatedAt: k.CreatedAt}
		if !k.LastUsedAt.IsZero() {
			rows[i].LastUsedAt = &k.LastUsedAt
		}
	}
	c.JSON(http.StatusOK, page[passkeyView]{Data: rows})
}

func (s *Server) beginPasskey(c *gin.Context) {
	offer, err := s.Auth.BeginPasskey(c.Request.Context(), principalOf(c), s.baseURL(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, offer)
}

// passkeyRequest is what a browser made of a ceremony.
type passkeyRequest struct {
	CeremonyID string          `json:"ceremony_id"`
	Name       string          `json:"name"`
	Credential json.RawMessage `json:"credential"` // PublicKeyCredential.toJSON()
}

func (s *Server) finishPasskey(c *gin.Context) {
	var body passkeyRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	s.done(c, s.Auth.FinishPasskey(c.Request.Context(), principalOf(c), s.baseURL(c), body.CeremonyID, body.Name, body.Credential))
}

func (s *Server) removePasskey(c *gin.Context) {
	id, err := base64.RawURLEncoding.DecodeString(param(c, "credential_id"))
	if err != nil {
		s.fail(c, server.Errorf(server.NotFound, "there is no such passkey"))
		return
	}
	s.done(c, s.Auth.RemovePasskey(c.Request.Context(), principalOf(c), id))
}

func (s *Server) beginPasskeySignIn(c *gin.Context) {
	offer, err := s.Auth.BeginPasskeySignIn(c.Request.Context(), s.baseURL(c), client(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, offer)
}

func (s *Server) passkeySignIn(c *gin.Context) {
	var body passkeyRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	person, err := s.Auth.PasskeySignIn(c.Request.Context(), s.baseURL(c), body.CeremonyID, body.Credential)
	s.enter(c, &person, "passkey", err)
}

// The way to an identity provider and back. The browser leaves us by a link, so that these answer with redirects; what
// went wrong is told to the sign-in page behind the #, which is sent to nobody.
const (
	stateCookie  = "upline_oidc"
	callbackPath = "/api/auth/oidc/callback"
	signInPage   = "/sign-in"
)

func (s *Server) oidcStart(c *gin.Context) {
	address, state, err := s.Auth.BeginOIDC(c.Request.Context(), s.baseURL(c)+callbackPath)
	if err != nil {
		s.backToSignIn(c, err)
		return
	}
	s.setJourney(c, state, 300)
	c.Redirect(http.StatusSeeOther, address)
}

func (s *Server) setJourney(c *gin.Context, value string, maxAge int) {
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure is left out only where there is no https
		Name: stateCookie, Value: value, Path: callbackPath, MaxAge: maxAge, HttpOnly: true, Secure: s.secure(c), SameSite: http.SameSiteLaxMode,
	})
}

// oidcCallback ends the way. The state has to be in this browser's cookie: a link with somebody else's would sign the
// browser in as them.
func (s *Server) oidcCallback(c *gin.Context) {
	state, _ := c.Cookie(stateCookie)
	s.setJourney(c, "", -1)
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(c.Query("state"))) != 1 {
		s.backToSignIn(c, server.Errorf(server.Unauthorized, "this way did not begin in this browser; sign in again"))
		return
	}
	if c.Query("error") != "" {
		s.backToSignIn(c, server.Errorf(server.Unauthorized, "the identity provider did not let you in"))
		return
	}
	person, err := s.Auth.FinishOIDC(c.Request.Context(), s.baseURL(c)+callbackPath, state, c.Query("code"))
	if err != nil {
		s.backToSignIn(c, err)
		return
	}
	_, token, err := s.Auth.Open(c.Request.Context(), &person, "oidc", client(c))
	if err != nil {
		s.backToSignIn(c, err)
		return
	}
	s.setCookie(c, token)
	c.Redirect(http.StatusSeeOther, "/")
}

func (s *Server) backToSignIn(c *gin.Context, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		s.Logger.ErrorContext(c.Request.Context(), "sign-in by the identity provider failed", "error", err)
	}
	c.Redirect(http.StatusSeeOther, signInPage+"#"+url.PathEscape(p.Detail))
}
