package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
	"upline.dev/upline/server/planfile"
	"upline.dev/upline/server/query"
)

// maxPlanBytes bounds a plan's document; the largest ready-made one has 6 kB.
const maxPlanBytes = 256 << 10

func (s *Server) planRoutes(v1 *gin.RouterGroup) {
	v1.GET("/plans", s.listPlans)
	v1.POST("/plans", s.postPlan)
	v1.GET("/plans/ready-made", s.listReadyMade)
}

// planView is a published version.
type planView struct {
	PlanHash      string    `json:"plan_hash"`
	Name          string    `json:"name"`
	Title         string    `json:"title,omitempty"`
	EffectiveFrom time.Time `json:"effective_from"`
	Running       bool      `json:"running"` // it counts for an order of now
	Ranks         []string  `json:"ranks"`   // the lowest first
	Classes       []string  `json:"classes"` // those that its rates name
}

// classesOf are the commission classes that a plan's rates name, sorted; "*" stands for all and names none.
func classesOf(p *plan.Plan) []string {
	classes := []string{}
	for i := range p.Components {
		for _, rate := range p.Components[i].Rates {
			if rate.Class != "" && rate.Class != "*" {
				classes = append(classes, rate.Class)
			}
		}
	}
	slices.Sort(classes)
	return slices.Compact(classes)
}

// versions gives a program's published plans, the newest first, and the one that runs now, nil for none.
func (s *Server) versions(ctx context.Context, program string) (views []planView, running *plan.Plan, err error) {
	published, err := s.Projections.Service.Books.PublishedPlans(ctx, program)
	if err != nil {
		return nil, nil, err
	}
	now := s.Clock().UnixMicro()
	at := -1
	for i := range published {
		if published[i].EffectiveFrom <= now {
			at, running = i, published[i].Plan
		}
	}
	for i := len(published) - 1; i >= 0; i-- {
		p := published[i].Plan
		views = append(views, planView{p.Hash(), p.Name, p.Title, time.UnixMicro(published[i].EffectiveFrom).UTC(), i == at, append([]string{}, p.Ranks...), classesOf(p)})
	}
	return views, running, nil
}

func (s *Server) listPlans(c *gin.Context) {
	list(s, c, onePage(func(ctx context.Context, program string) ([]planView, error) {
		views, _, err := s.versions(ctx, program)
		return views, err
	}))
}

// readyMade is a plan to begin with.
type readyMade struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

func (s *Server) listReadyMade(c *gin.Context) {
	list(s, c, func(context.Context, string, query.Page) ([]readyMade, string, error) {
		names, err := planfile.ReadyMade()
		rows := make([]readyMade, 0, len(names))
		for _, name := range names {
			text, readErr := planfile.ReadyMadeYAML(name)
			if readErr != nil {
				return nil, "", readErr
			}
			rows = append(rows, readyMade{name, string(text)})
		}
		return rows, "", err
	})
}

// checkedPlan is what is to be said of a plan's document.
type checkedPlan struct {
	PlanHash      string        `json:"plan_hash,omitempty"`
	Name          string        `json:"name,omitempty"`
	EffectiveFrom *time.Time    `json:"effective_from,omitempty"`
	Findings      []findingView `json:"findings"`
	Errors        int           `json:"errors"`
	WorstCase     string        `json:"worst_case,omitempty"` // share of a sale
	Against       string        `json:"against,omitempty"`    // name of the plan that runs now
	Changes       []string      `json:"changes"`
	Published     bool          `json:"published"`
}

type findingView struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Path     string `json:"path,omitempty"`
	Reason   string `json:"reason"`
	Mend     string `json:"mend"`
}

// postPlan checks a plan, says how it differs from the one that runs, and publishes it unless that is a dry run.
func (s *Server) postPlan(c *gin.Context) {
	var body struct {
		Document string `json:"document"`
	}
	commit, err := commitOf(c)
	if err == nil {
		err = decode(c.Request, &body)
	}
	if err == nil && (strings.TrimSpace(body.Document) == "" || len(body.Document) > maxPlanBytes) {
		err = &server.Error{Code: server.Invalid, Field: "document", Message: fmt.Sprintf("a plan is YAML or JSON of 1 to %d bytes", maxPlanBytes)}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	checked, err := s.checkPlan(c.Request.Context(), programOf(c), body.Document)
	if err == nil && commit {
		err = s.publish(c, body.Document, &checked)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	status := http.StatusOK
	if checked.Published {
		status = http.StatusCreated
	}
	c.JSON(status, checked)
}

func (s *Server) checkPlan(ctx context.Context, program, document string) (checkedPlan, error) {
	report, err := planfile.Check([]byte(document), "plan", 0)
	if err != nil {
		return checkedPlan{}, err
	}
	out := checkedPlan{Findings: make([]findingView, len(report.Findings)), Errors: report.Errors(), Changes: []string{}}
	for i, f := range report.Findings {
		out.Findings[i] = findingView{f.Severity, f.Code, f.Line, f.Column, f.Path, f.Reason, f.Mend}
	}
	if report.Plan == nil {
		return out, nil
	}
	at := time.UnixMicro(report.Plan.EffectiveMicros()).UTC()
	out.PlanHash, out.Name, out.EffectiveFrom, out.WorstCase = report.Plan.Hash(), report.Plan.Name, &at, plan.Percent(report.Payout.Total)
	_, running, err := s.versions(ctx, program)
	if err != nil || running == nil {
		return out, err
	}
	out.Against = running.Name
	for _, change := range plan.Diff(running, report.Plan) {
		out.Changes = append(out.Changes, change.Text)
	}
	return out, nil
}

// publish makes a plan count. Warnings do not keep it from that; errors do.
func (s *Server) publish(c *gin.Context, document string, checked *checkedPlan) error {
	if checked.Errors > 0 {
		for _, f := range checked.Findings {
			if f.Severity == planfile.SeverityError {
				return &server.Error{Code: server.Invalid, Field: "document", Message: fmt.Sprintf("line %d: %s: %s", f.Line, f.Reason, f.Mend)}
			}
		}
	}
	p, canonical, err := planfile.Read([]byte(document), "plan")
	if err != nil {
		return err
	}
	if err := s.adminOf(c).PublishPlan(c.Request.Context(), programOf(c), p, canonical); err != nil {
		return err
	}
	s.Kick()
	checked.Published = true
	return nil
}
