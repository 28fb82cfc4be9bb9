package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/query"
)

func (s *Server) settingRoutes(v1 *gin.RouterGroup) {
	v1.GET("/api-keys", s.listKeys)
	v1.POST("/api-keys", s.postKey)
	v1.DELETE("/api-keys/:key_id", s.revokeKey)
	v1.GET("/audit", s.listAudit)
	v1.GET("/settings", s.listSettings)
	v1.PUT("/settings/:name", s.putSetting)
	v1.GET("/views", s.listViews)
	v1.POST("/views", s.postView)
	v1.DELETE("/views/:view_id", s.deleteView)
	v1.POST("/stores", s.postStore)
	v1.PATCH("/stores/:store_id", s.patchStore)
	v1.POST("/stores/:store_id/rotate-secret", s.rotateSecret)
	v1.POST("/stores/:store_id/test", s.postStoreTest)
	v1.POST("/stores/:store_id/disconnect", s.postDisconnect)
}

func (s *Server) listKeys(c *gin.Context) { list(s, c, onePage(s.Screens.APIKeys)) }

func (s *Server) postKey(c *gin.Context) {
	var body struct {
		Name    string    `json:"name"`
		StoreID string    `json:"store_id"`
		Role    auth.Role `json:"role"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if err := checkKey(body.Name, body.Role); err != nil {
		s.fail(c, err)
		return
	}
	key, text, err := s.adminOf(c).CreateRoleKey(c.Request.Context(), admin.APIKey{
		ProgramID: programOf(c), StoreID: body.StoreID, Name: strings.TrimSpace(body.Name), Role: string(body.Role),
	})
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusCreated, gin.H{"key_id": key.KeyID, "api_key": text})
}

func checkKey(name string, role auth.Role) error {
	if n := len(strings.TrimSpace(name)); n == 0 || n > 200 {
		return &server.Error{Code: server.Invalid, Field: "name", Message: "say what the key is for, in 1 to 200 bytes"}
	}
	if role != "" && (role == auth.Owner || !role.Known()) {
		return &server.Error{Code: server.Invalid, Field: "role", Message: "a key's role is admin, finance, support or viewer"}
	}
	return nil
}

func (s *Server) revokeKey(c *gin.Context) {
	s.done(c, s.adminOf(c).RevokeAPIKey(c.Request.Context(), programOf(c), param(c, "key_id")))
}

func (s *Server) listAudit(c *gin.Context) {
	f := query.AuditFilter{Actor: c.Query("actor"), Action: c.Query("action"), Subject: c.Query("subject")}
	if !s.instants(c, "from", &f.From) || !s.instants(c, "to", &f.To) {
		return
	}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Audited, string, error) {
		return s.Screens.AuditLog(ctx, program, f, p)
	})
}

// instants reads a date, which begins by the company's clocks, or an instant of the query; "" leaves into as it is.
func (s *Server) instants(c *gin.Context, name string, into *time.Time) bool {
	text := c.Query(name)
	zone := time.UTC
	if len(text) == len(time.DateOnly) { // an instant asks for no clocks
		var err error
		if zone, err = s.Admin.Zone(c.Request.Context(), programOf(c)); err != nil {
			s.fail(c, err)
			return false
		}
	}
	at, err := admin.ParseDateIn(text, zone)
	if err != nil {
		s.fail(c, &server.Error{Code: server.Invalid, Field: name, Message: err.Error()})
		return false
	}
	*into = at
	return true
}

func (s *Server) listSettings(c *gin.Context) { list(s, c, onePage(s.Screens.Settings)) }

func (s *Server) putSetting(c *gin.Context) {
	var body struct {
		Value json.RawMessage `json:"value"`
	}
	err := decode(c.Request, &body)
	seen, matchErr := versionOf(c)
	if err == nil {
		err = matchErr
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	version, err := s.adminOf(c).PutSetting(c.Request.Context(), programOf(c), param(c, "name"), body.Value, seen)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("ETag", etag(version))
	c.JSON(http.StatusOK, gin.H{"name": param(c, "name"), "version": version})
}

// versionOf is which version of a thing the sender has seen; 0: none was there.
func versionOf(c *gin.Context) (int64, error) {
	text := strings.Trim(c.GetHeader("If-Match"), `"`)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &server.Error{Code: server.Invalid, Field: "If-Match", Message: `If-Match is the version that was seen, for example "3"`}
	}
	return n, nil
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// storeRequest connects a store that tells its orders by API key or plugin.
type storeRequest struct {
	StoreID  string `json:"store_id"`
	Platform string `json:"platform"`
	Domain   string `json:"domain"`
	Name     string `json:"name"`
	Currency string `json:"currency"`
	GoLiveAt string `json:"go_live_at"` // a date or an instant; "" for none
}

func (s *Server) postStore(c *gin.Context) {
	var body storeRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	live, err := s.goLive(c.Request.Context(), programOf(c), body.GoLiveAt)
	if err != nil {
		s.fail(c, err)
		return
	}
	st, secret, err := s.adminOf(c).CreateStore(c.Request.Context(), admin.Store{
		StoreID: body.StoreID, ProgramID: programOf(c), Platform: order.Platform(body.Platform), Domain: body.Domain,
		Name: body.Name, Currency: money.Currency(body.Currency), GoLiveAt: live,
	}, "")
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusCreated, gin.H{"store_id": st.StoreID, "signing_secret": secret})
}

// goLive reads from when on a store's orders earn, as admin.Store keeps it: a date begins by the company's clocks.
func (s *Server) goLive(ctx context.Context, program, text string) (int64, error) {
	zone, err := s.Admin.Zone(ctx, program)
	if err != nil {
		return 0, err
	}
	at, err := admin.ParseDateIn(text, zone)
	switch {
	case err != nil:
		return 0, &server.Error{Code: server.Invalid, Field: "go_live_at", Message: err.Error()}
	case at.IsZero():
		return 0, nil
	}
	return at.UnixMicro(), nil
}

// goLiveSaid is goLive where somebody says it; nil stays nil.
func (s *Server) goLiveSaid(ctx context.Context, program string, text *string) (*int64, error) {
	if text == nil {
		return nil, nil
	}
	at, err := s.goLive(ctx, program, *text)
	return &at, err
}

func (s *Server) patchStore(c *gin.Context) {
	var body struct {
		Name             *string `json:"name"`
		GoLiveAt         *string `json:"go_live_at"` // a date or an instant; "" takes it away
		AcceptTestOrders *bool   `json:"accept_test_orders"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	change := admin.StoreChange{Name: body.Name, AcceptTestOrders: body.AcceptTestOrders}
	var err error
	if change.GoLiveAt, err = s.goLiveSaid(c.Request.Context(), programOf(c), body.GoLiveAt); err != nil {
		s.fail(c, err)
		return
	}
	err = s.adminOf(c).ChangeStore(c.Request.Context(), programOf(c), param(c, "store_id"), change)
	if err == nil {
		s.Kick()
	}
	s.done(c, err)
}

func (s *Server) rotateSecret(c *gin.Context) {
	st, err := s.Admin.Books.StoreByID(c.Request.Context(), param(c, "store_id"))
	if err == nil && st.ProgramID != programOf(c) {
		err = server.Errorf(server.NotFound, "there is no store %s", param(c, "store_id"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	secret, err := s.adminOf(c).RotateSecret(c.Request.Context(), st.StoreID)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"store_id": st.StoreID, "signing_secret": secret})
}
