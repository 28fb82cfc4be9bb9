package httpapi

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/query"
)

// listViews lists the views of whoever asks, and those that everybody sees.
func (s *Server) listViews(c *gin.Context) {
	list(s, c, onePage(func(ctx context.Context, program string) ([]query.View, error) {
		return s.Screens.Views(ctx, program, actor(c))
	}))
}

func (s *Server) postView(c *gin.Context) {
	var body struct {
		List   string `json:"list"`
		Name   string `json:"name"`
		Query  string `json:"query"`
		Shared bool   `json:"shared"`
	}
	err := decode(c.Request, &body)
	if err == nil && body.Shared && !principalOf(c).May(auth.ShareViews) {
		err = server.Errorf(server.Forbidden, "your role (%s) keeps views for itself; ask somebody of the company to share it", principalOf(c).Role)
	}
	var v admin.View
	if err == nil {
		v, err = s.adminOf(c).PutView(c.Request.Context(), programOf(c), admin.View{List: body.List, Name: body.Name, Query: body.Query, Shared: body.Shared})
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, query.View{ViewID: v.ViewID, List: v.List, Name: v.Name, Query: v.Query, Shared: v.Shared, Mine: true})
}

// deleteView removes a view of whoever asks; who looks after the company's settings removes what everybody sees.
func (s *Server) deleteView(c *gin.Context) {
	s.done(c, s.adminOf(c).RemoveView(c.Request.Context(), programOf(c), param(c, "view_id"), principalOf(c).May(auth.ManageSettings)))
}
