package httpapi

import (
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

const keyContext = "api_key"

// authenticate lets only requests with a known API key through. Looking a key up by its SHA-256 leaks nothing by
// timing: an attacker cannot choose the hash.
func (s *Server) authenticate(c *gin.Context) {
	c.Header("Cache-Control", "no-store") // what a key may read is for its owner alone
	scheme, text, ok := strings.Cut(c.GetHeader("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || text == "" {
		c.Header("WWW-Authenticate", `Bearer realm="upline"`)
		s.fail(c, server.Errorf(server.Unauthorized,
			"send an API key as Authorization: Bearer upk_…; `upline admin api-key create` makes one"))
		return
	}
	key, err := s.Admin.Books.APIKeyByHash(c.Request.Context(), admin.HashAPIKey(strings.TrimSpace(text)))
	if server.CodeOf(err) == server.NotFound {
		c.Header("WWW-Authenticate", `Bearer realm="upline", error="invalid_token"`)
		err = server.Errorf(server.Unauthorized, "this API key is unknown or revoked")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Set(keyContext, key)
	c.Next()
}

// apiKey is the key authenticate found; the program it names is the only one the request may see.
func apiKey(c *gin.Context) admin.APIKey {
	key, _ := c.MustGet(keyContext).(admin.APIKey)
	return key
}

// adminOf acts in the key's name, so that the audit log says who it was.
func (s *Server) adminOf(c *gin.Context) *admin.Service {
	service := *s.Admin
	service.Actor = actor(c)
	return &service
}

func actor(c *gin.Context) string { return "api-key:" + apiKey(c).KeyID }
