package httpapi

import (
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
)

// Parts say which part of the surface a process answers, where several share the work. The zero value is all of it.
type Parts struct {
	Doors   bool   // what stores and their plugins send
	Screens bool   // the pages and the API behind them, share links, sign-in
	Roles   string // this process's, for the sentence of a refusal
}

// doors are the paths at which stores and their plugins knock; the rest belongs to the screens.
var doors = []string{"/webhooks/", "/api/plugin/", "/shopify/hints", "/shopify/proxy/"}

func isDoor(path, method string) bool {
	for _, prefix := range doors {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return path == "/api/mlm/orders" && method == "POST"
}

// everywhere is what every process answers: whoever watches it asks.
func everywhere(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics" || path == "/api/openapi.yaml"
}

// refuseOthers sends what another process answers there, with a sentence that says so. It is 421: asked at the wrong
// server, the request may be sent to another one, and a platform takes it as "not delivered".
func (s *Server) refuseOthers(c *gin.Context) {
	path := c.Request.URL.Path
	if s.Parts == (Parts{}) || s.Parts.Doors && s.Parts.Screens || everywhere(path) {
		return
	}
	role := "web"
	if isDoor(path, c.Request.Method) {
		role = "ingest"
	}
	if role == "ingest" && s.Parts.Doors || role == "web" && s.Parts.Screens {
		return
	}
	s.fail(c, server.Errorf(server.Misdirected, "this process has the roles %s; send this request to one with the role %s", s.Parts.Roles, role))
}
