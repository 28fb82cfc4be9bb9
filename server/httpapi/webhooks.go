package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/webhook"
)

func (s *Server) webhookRoutes(v1 *gin.RouterGroup) {
	v1.GET("/webhooks", s.listEndpoints)
	v1.POST("/webhooks", s.postEndpoint)
	v1.GET("/webhooks/:endpoint_id", s.getEndpoint)
	v1.PATCH("/webhooks/:endpoint_id", s.patchEndpoint)
	v1.DELETE("/webhooks/:endpoint_id", s.removeEndpoint)
	v1.POST("/webhooks/:endpoint_id/rotate-secret", s.rotateEndpoint)
	v1.POST("/webhooks/:endpoint_id/test", s.testEndpoint)
	v1.POST("/webhooks/:endpoint_id/resend", s.resendFailed)
	v1.GET("/webhooks/:endpoint_id/messages", s.listMessages)
	v1.GET("/webhooks/:endpoint_id/messages/:sequence", s.getMessage)
	v1.POST("/webhooks/:endpoint_id/messages/:sequence/resend", s.resendMessage)
}

// endpointView is an endpoint as it is shown. Secret is there once, when it is made.
type endpointView struct {
	EndpointID   string     `json:"endpoint_id"`
	URL          string     `json:"url"`
	Description  string     `json:"description"`
	Types        []string   `json:"types"`
	State        string     `json:"state"`
	Reason       string     `json:"reason,omitempty"`
	CreatedAt    time.Time  `json:"created_at"`
	SucceededAt  *time.Time `json:"succeeded_at,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	OldSecret    *time.Time `json:"old_secret_until,omitempty"`
	Waiting      int64      `json:"waiting"`
	Version      int64      `json:"version"`
	Secret       string     `json:"secret,omitempty"`
}

func viewOf(e *webhook.Endpoint, now time.Time) endpointView {
	v := endpointView{
		EndpointID: e.EndpointID, URL: e.URL, Description: e.Description, Types: e.Types, State: e.State, Reason: e.Reason,
		CreatedAt: e.CreatedAt, SucceededAt: given(e.SucceededAt), FailingSince: given(e.FailingSince), Waiting: e.Waiting, Version: e.Version,
	}
	if e.OldUntil.After(now) {
		v.OldSecret = &e.OldUntil
	}
	return v
}

// given is an instant, or nil where there is none.
func given(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func (s *Server) listEndpoints(c *gin.Context) {
	list(s, c, onePage(func(ctx context.Context, program string) ([]endpointView, error) {
		endpoints, err := s.Webhooks.Books.Endpoints(ctx, program)
		rows := make([]endpointView, len(endpoints))
		for i := range endpoints {
			rows[i] = viewOf(&endpoints[i], s.Clock())
		}
		return rows, err
	}))
}

func (s *Server) getEndpoint(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (endpointView, error) {
		e, err := s.Webhooks.Books.Endpoint(ctx, program, param(c, "endpoint_id"))
		return viewOf(&e, s.Clock()), err
	})
}

// endpointRequest is what somebody chooses about an endpoint.
type endpointRequest struct {
	URL         *string  `json:"url"`
	Description *string  `json:"description"`
	Types       []string `json:"types"`
	State       *string  `json:"state"`
}

func (s *Server) postEndpoint(c *gin.Context) {
	var body endpointRequest
	if err := decode(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	e, secret, err := s.Webhooks.Create(c.Request.Context(), programOf(c), actor(c), webhook.Choice(body))
	if err != nil {
		s.fail(c, err)
		return
	}
	v := viewOf(&e, s.Clock())
	v.Secret = secret
	c.JSON(http.StatusCreated, v)
}

func (s *Server) patchEndpoint(c *gin.Context) {
	var body endpointRequest
	err := decode(c.Request, &body)
	seen := int64(-1)
	if err == nil && c.GetHeader("If-Match") != "" {
		seen, err = versionOf(c)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	e, err := s.Webhooks.Change(c.Request.Context(), programOf(c), actor(c), param(c, "endpoint_id"), seen, webhook.Choice(body))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("ETag", etag(e.Version))
	c.JSON(http.StatusOK, viewOf(&e, s.Clock()))
}

func (s *Server) removeEndpoint(c *gin.Context) {
	s.done(c, s.Webhooks.Remove(c.Request.Context(), programOf(c), actor(c), param(c, "endpoint_id")))
}

func (s *Server) rotateEndpoint(c *gin.Context) {
	secret, err := s.Webhooks.Rotate(c.Request.Context(), programOf(c), actor(c), param(c, "endpoint_id"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"endpoint_id": param(c, "endpoint_id"), "secret": secret, "old_secret_until": s.Clock().UTC().Add(webhook.Overlap)})
}

func (s *Server) testEndpoint(c *gin.Context) {
	id, err := s.Webhooks.Test(c.Request.Context(), programOf(c), actor(c), param(c, "endpoint_id"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusAccepted, gin.H{"event_id": id})
}

func (s *Server) resendFailed(c *gin.Context) { s.resend(c, 0) }

func (s *Server) resendMessage(c *gin.Context) {
	sequence, err := sequenceOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.resend(c, sequence)
}

func (s *Server) resend(c *gin.Context, sequence int64) {
	n, err := s.Webhooks.SendAgain(c.Request.Context(), programOf(c), actor(c), param(c, "endpoint_id"), sequence)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusAccepted, gin.H{"messages": n})
}

func sequenceOf(c *gin.Context) (int64, error) {
	n, err := strconv.ParseInt(param(c, "sequence"), 10, 64)
	if err != nil || n < 1 {
		return 0, server.Errorf(server.NotFound, "There is no message %s.", param(c, "sequence"))
	}
	return n, nil
}

// messageView is a message as it is shown. Body and Attempts are there where one message is asked for.
type messageView struct {
	Sequence   int64           `json:"sequence"`
	EventID    string          `json:"event_id"`
	Type       string          `json:"type"`
	Subject    string          `json:"subject"`
	State      string          `json:"state"`
	Attempt    int             `json:"attempts"`
	CreatedAt  time.Time       `json:"created_at"`
	DueAt      *time.Time      `json:"due_at,omitempty"` // of the next attempt, while it waits
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
	Last       *attemptView    `json:"last,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
	Tries      []attemptView   `json:"tries,omitempty"`
}

type attemptView struct {
	Attempt   int       `json:"attempt"`
	At        time.Time `json:"at"`
	Status    int       `json:"status"` // 0: there was no answer
	LatencyUS int64     `json:"latency_us"`
	Fault     string    `json:"fault,omitempty"`
	Answer    string    `json:"answer,omitempty"`
}

func attemptOf(a *webhook.Attempt) attemptView {
	return attemptView{a.Attempt, a.At, a.Status, a.Latency.Microseconds(), a.Fault, a.Answer}
}

func messageOf(m *webhook.Message) messageView {
	v := messageView{
		Sequence: m.Sequence, EventID: m.EventID, Type: m.Type, Subject: m.Subject, State: m.State, Attempt: m.Attempt, CreatedAt: m.CreatedAt,
		FinishedAt: given(m.FinishedAt),
	}
	if m.State == webhook.Waiting {
		v.DueAt = &m.DueAt
	}
	if m.Last != nil {
		last := attemptOf(m.Last)
		v.Last = &last
	}
	return v
}

func (s *Server) listMessages(c *gin.Context) {
	f := webhook.Filter{State: c.Query("state"), Type: c.Query("type")}
	if !s.oneOf(c, "state", webhook.Waiting, webhook.Delivered, webhook.Failed) || !s.oneOf(c, "type", append(webhook.Types(), webhook.TestEvent)...) {
		return
	}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]messageView, string, error) {
		messages, next, err := s.Webhooks.Books.Messages(ctx, program, param(c, "endpoint_id"), f, p.Limit, p.After)
		rows := make([]messageView, len(messages))
		for i := range messages {
			rows[i] = messageOf(&messages[i])
		}
		return rows, next, err
	})
}

func (s *Server) getMessage(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (messageView, error) {
		sequence, err := sequenceOf(c)
		if err != nil {
			return messageView{}, err
		}
		m, attempts, err := s.Webhooks.Books.Message(ctx, program, param(c, "endpoint_id"), sequence)
		if err != nil {
			return messageView{}, err
		}
		v := messageOf(&m)
		v.Body, v.Tries = json.RawMessage(m.Body), make([]attemptView, len(attempts))
		for i := range attempts {
			v.Tries[i] = attemptOf(&attempts[i])
		}
		return v, nil
	})
}
