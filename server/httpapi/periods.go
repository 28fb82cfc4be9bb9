package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/run"
)

// runTimeout is how long the answer to a run may take: a company of a million people takes seconds, but a database that
// is busy may take its time. Who goes away meanwhile interrupts the run, and may simply ask for it again.
const runTimeout = 10 * time.Minute

// runRequest is the body of POST /api/v1/runs.
type runRequest struct {
	Action      string `json:"action"`
	Kind        string `json:"kind"`
	PeriodID    string `json:"period_id"`
	Record      bool   `json:"record"`       // preview: keep it in the period's history
	BeforeGrace bool   `json:"before_grace"` // lock: though the grace is not over
}

// periodView is a period with its history.
type periodView struct {
	Period run.Period `json:"period"`
	Runs   []run.Run  `json:"runs"`
}

// runsOf acts in the key's name.
func (s *Server) runsOf(c *gin.Context) *run.Service {
	service := *s.Projections.Service
	service.Actor = actor(c)
	return &service
}

func (s *Server) listPeriods(c *gin.Context) {
	if !s.oneOf(c, "kind", "daily", "weekly", "monthly", "quarterly") {
		return
	}
	list(s, c, onePage(func(ctx context.Context, program string) ([]run.Period, error) {
		return s.runsOf(c).List(ctx, program, c.Query("kind"))
	}))
}

func (s *Server) getPeriod(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (periodView, error) {
		p, runs, err := s.runsOf(c).Show(ctx, program, "", param(c, "period_id"))
		if runs == nil {
			runs = []run.Run{}
		}
		return periodView{p, runs}, err
	})
}

func (s *Server) explainPeriod(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (*run.Explanation, error) {
		if _, err := s.Reader.Distributor(ctx, program, param(c, "distributor_id")); err != nil {
			return nil, err
		}
		return s.runsOf(c).Explain(ctx, program, "", param(c, "period_id"), param(c, "distributor_id"))
	})
}

func (s *Server) getRun(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (run.Run, error) {
		return s.Projections.Service.Books.RunOf(ctx, program, param(c, "run_id"))
	})
}

func (s *Server) postRun(c *gin.Context) {
	var body runRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if body.PeriodID == "" {
		s.fail(c, &server.Error{Code: server.Invalid, Field: "period_id", Message: "period_id names a period, such as 2026-03, 2026-W10 or 2026-Q1"})
		return
	}
	// Where the connection cannot be given longer, the server's usual time holds.
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(s.Clock().Add(runTimeout))
	ctx, cancel := context.WithTimeout(c.Request.Context(), runTimeout)
	defer cancel()
	out, err := s.act(ctx, c, &body)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, out)
}

func (s *Server) act(ctx context.Context, c *gin.Context, body *runRequest) (*run.Outcome, error) {
	service, program := s.runsOf(c), programOf(c)
	switch body.Action {
	case string(run.ActionPreview):
		return service.Preview(ctx, program, body.Kind, body.PeriodID, body.Record)
	case string(run.ActionLock):
		return service.Lock(ctx, program, body.Kind, body.PeriodID, body.BeforeGrace)
	case string(run.ActionCommit):
		return service.Commit(ctx, program, body.Kind, body.PeriodID)
	case string(run.ActionPay):
		return service.Pay(ctx, program, body.Kind, body.PeriodID)
	default:
		return nil, &server.Error{Code: server.Invalid, Field: "action", Message: "action is preview, lock, commit or pay"}
	}
}

// projection is the period so far: of everybody, or of one person.
func (s *Server) projection(c *gin.Context) {
	if !s.oneOf(c, "kind", "daily", "weekly", "monthly", "quarterly") {
		return
	}
	kind := c.Query("kind")
	if kind == "" {
		kind = "monthly"
	}
	out, err := s.Projections.Projection(c.Request.Context(), programOf(c), kind, "")
	if err != nil {
		s.fail(c, err)
		return
	}
	id := c.Query("distributor_id")
	if id == "" {
		c.JSON(http.StatusOK, out)
		return
	}
	e, err := out.Explain(id)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, e)
}

func (s *Server) listRanks(c *gin.Context) {
	list(s, c, onePage(func(ctx context.Context, program string) ([]run.Rank, error) {
		if _, err := s.Reader.Distributor(ctx, program, param(c, "distributor_id")); err != nil {
			return nil, err
		}
		return s.Projections.Service.Books.RanksOfPerson(ctx, program, param(c, "distributor_id"))
	}))
}
