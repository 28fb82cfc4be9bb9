package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/reconcile"
)

// reconciliationRequest is the body of POST /api/v1/reconciliation.
type reconciliationRequest struct {
	StoreID string    `json:"store_id"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Mend    bool      `json:"mend"`
}

// reconciliationView is a run with the orders it found out of step.
type reconciliationView struct {
	Run      reconcile.Run       `json:"run"`
	Findings []reconcile.Finding `json:"findings"`
}

// errNoReconciliation is for a server without it.
var errNoReconciliation = server.Errorf(server.NotFound, "This server does not reconcile.")

func (s *Server) listReconciliations(c *gin.Context) {
	if s.Reconcile == nil {
		s.fail(c, errNoReconciliation)
		return
	}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]reconcile.Run, string, error) {
		if p.After != "" {
			return nil, "", &server.Error{Code: server.Invalid, Field: "after", Message: "this list has one page; leave after out"}
		}
		runs, err := s.Reconcile.Books.Reconciliations(ctx, program, c.Query("store_id"), p.Limit)
		for i := range runs {
			runs[i].Delta = money.FormatMinor(runs[i].DeltaMinor, runs[i].Currency)
		}
		return runs, "", err
	})
}

func (s *Server) getReconciliation(c *gin.Context) {
	if s.Reconcile == nil {
		s.fail(c, errNoReconciliation)
		return
	}
	one(s, c, func(ctx context.Context, program string) (reconciliationView, error) {
		p, err := pageOf(c)
		if err != nil {
			return reconciliationView{}, err
		}
		r, findings, err := s.Reconcile.Books.Reconciliation(ctx, program, param(c, "run_id"), p.Limit)
		if findings == nil {
			findings = []reconcile.Finding{}
		}
		r.Delta = money.FormatMinor(r.DeltaMinor, r.Currency)
		return reconciliationView{r, findings}, err
	})
}

// postReconciliation queues a run: reading a year of orders takes longer than a request may.
func (s *Server) postReconciliation(c *gin.Context) {
	if s.Reconcile == nil {
		s.fail(c, errNoReconciliation)
		return
	}
	var body reconciliationRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if body.To.IsZero() {
		body.To = s.Clock()
	}
	if body.From.IsZero() {
		body.From = body.To.Add(-24 * time.Hour)
	}
	r, err := s.Reconcile.Queue(c.Request.Context(), reconcile.Request{
		Program: programOf(c), StoreID: body.StoreID, From: body.From, To: body.To, Mend: body.Mend,
	})
	if err != nil {
		s.fail(c, err)
		return
	}
	r.Delta = money.FormatMinor(r.DeltaMinor, r.Currency)
	c.JSON(http.StatusAccepted, r)
}
