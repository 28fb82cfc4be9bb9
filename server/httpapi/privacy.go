package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/privacy"
	"upline.dev/upline/server/query"
)

func (s *Server) privacyRoutes(v1 *gin.RouterGroup) {
	v1.POST("/program/close", s.postClose)
	v1.GET("/privacy/requests", s.listPrivacy)
	v1.POST("/privacy/requests", s.postPrivacy)
	v1.GET("/privacy/requests/:request_id", s.getPrivacy)
	v1.GET("/privacy/requests/:request_id/export", s.downloadPrivacy)
}

func (s *Server) listPrivacy(c *gin.Context) {
	if !s.oneOf(c, "status", string(privacy.Open), string(privacy.Done)) {
		return
	}
	f := privacy.Filter{StoreID: c.Query("store_id"), Status: privacy.Status(c.Query("status"))}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]privacy.Shown, string, error) {
		found, next, err := s.Privacy.Books.Requests(ctx, program, f, p.Limit, p.After)
		shown := make([]privacy.Shown, len(found))
		for i := range found {
			shown[i] = found[i].Shown()
		}
		return shown, next, err
	})
}

func (s *Server) getPrivacy(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (privacy.Shown, error) {
		r, err := s.Privacy.Books.Request(ctx, program, param(c, "request_id"))
		return r.Shown(), err
	})
}

// postPrivacy takes a request; it is carried out afterwards, within moments.
func (s *Server) postPrivacy(c *gin.Context) {
	var body struct {
		Kind          privacy.Kind `json:"kind"`
		StoreID       string       `json:"store_id"`
		CustomerID    string       `json:"customer_id"`
		DistributorID string       `json:"distributor_id"`
		OrderIDs      []string     `json:"order_ids"`
		Key           string       `json:"key"`
	}
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	ask := privacy.Ask{
		ProgramID: programOf(c), StoreID: body.StoreID, Kind: body.Kind, Subject: body.CustomerID, Key: body.Key, Actor: actor(c),
		Detail: privacy.Detail{OrderIDs: body.OrderIDs}, ReceivedAt: s.Clock().UTC(),
	}
	if body.Kind == privacy.DistributorErase {
		ask.Subject = body.DistributorID
	}
	if err := s.checkPrivacy(c.Request.Context(), &ask); err != nil {
		s.fail(c, err)
		return
	}
	id, err := s.Privacy.Take(c.Request.Context(), ask)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusAccepted, gin.H{"request_id": id, "due_at": ask.ReceivedAt.Add(privacy.Deadline)})
}

// maxPrivacyOrders and maxPrivacyText bound one request.
const (
	maxPrivacyOrders = 1000
	maxPrivacyText   = 255
)

// checkPrivacy refuses another program's store, and what could be no id.
func (s *Server) checkPrivacy(ctx context.Context, ask *privacy.Ask) error {
	long := func(text string) bool { return len(text) > maxPrivacyText }
	if long(ask.Subject) || long(ask.Key) || len(ask.Detail.OrderIDs) > maxPrivacyOrders || slices.ContainsFunc(ask.Detail.OrderIDs, long) {
		return &server.Error{Code: server.Invalid, Field: "order_ids", Message: "name up to 1000 orders; an id has up to 255 bytes"}
	}
	if ask.StoreID == "" {
		return nil // Take says where one is needed
	}
	store, err := s.Admin.Books.StoreByID(ctx, ask.StoreID)
	if err == nil && store.ProgramID != ask.ProgramID {
		err = server.Errorf(server.NotFound, "there is no store %s", ask.StoreID)
	}
	return err
}

// downloadPrivacy hands out one file of an export; who took it is written down.
func (s *Server) downloadPrivacy(c *gin.Context) {
	format := c.DefaultQuery("format", "json")
	if !s.oneOf(c, "format", privacy.Formats()...) {
		return
	}
	id := param(c, "request_id")
	content, err := s.Privacy.Download(c.Request.Context(), programOf(c), id, format, actor(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Disposition", `attachment; filename="`+id+"."+format+`"`)
	kind := "application/json; charset=utf-8"
	if format == "csv" {
		kind = "text/csv; charset=utf-8"
	}
	c.Data(http.StatusOK, kind, content)
}
