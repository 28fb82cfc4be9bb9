package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// problem is the body of every failed answer, RFC 9457. Errors lists every fault found where there are several.
type problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Field     string  `json:"field,omitempty"`
	Errors    []fault `json:"errors,omitempty"`
	RequestID string  `json:"request_id"`
	// ServerTime is our clock, for a sender whose own is off.
	ServerTime *time.Time `json:"server_time,omitempty"`
}

// fault is one thing that is wrong with one field, and what mends it.
type fault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// maxFaults bounds an answer to a body in which everything is wrong.
const maxFaults = 100

// problemBase begins the type of every problem; the rest is the code.
const problemBase = "https://upline.dev/problems/"

// requestIDHeader tells a client which line of the log is its own.
const requestIDHeader = "X-Request-Id"

var (
	errMethod = server.Errorf(server.Invalid, "this path does not take that method; see Allow")
	errRoute  = server.Errorf(server.NotFound, "there is nothing at this path; see /api/openapi.yaml")
)

// statuses is the one table from error codes to HTTP.
var statuses = map[server.Code]int{
	server.Invalid:      http.StatusUnprocessableEntity,
	server.NotFound:     http.StatusNotFound,
	server.Conflict:     http.StatusConflict,
	server.Unauthorized: http.StatusUnauthorized,
	server.Forbidden:    http.StatusForbidden,
	server.TooLarge:     http.StatusRequestEntityTooLarge,
	server.RateLimited:  http.StatusTooManyRequests,
	server.Unavailable:  http.StatusServiceUnavailable,
	server.Misdirected:  http.StatusMisdirectedRequest,
	server.Internal:     http.StatusInternalServerError,
}

// fail answers with the problem err stands for and ends the request. An error without a code is logged whole and
// shown as "internal error" with the request id only.
func (s *Server) fail(c *gin.Context, err error) {
	p := problemOf(err)
	p.RequestID = requestID()
	if p.Field == adapters.HeaderWebhookTimestamp {
		now := s.Clock().UTC().Truncate(time.Second)
		p.ServerTime = &now
	}
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		s.Logger.ErrorContext(c.Request.Context(), "request failed", "error", err, "path", c.FullPath(), "request_id", p.RequestID)
	}
	if p.Status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "2")
	}
	c.Header(requestIDHeader, p.RequestID)
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Type", "application/problem+json")
	if p.Status == http.StatusRequestEntityTooLarge {
		s.tellWhoSendsOn(c, p)
		return
	}
	c.AbortWithStatusJSON(p.Status, p)
}

func problemOf(err error) problem {
	if faults := faultsOf(err); len(faults) > 0 {
		return invalidProblem(faults)
	}
	switch {
	case errors.Is(err, errMethod):
		return problem{
			Type: problemBase + "method_not_allowed", Title: http.StatusText(http.StatusMethodNotAllowed),
			Status: http.StatusMethodNotAllowed, Detail: errMethod.Error(),
		}
	case errors.Is(err, adapters.ErrSignature):
		err = server.Errorf(server.Unauthorized, "the signature is missing or does not match")
	case server.CodeOf(err) == server.Internal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		err = server.Errorf(server.Unavailable, "this took too long; send it again")
	}
	code := server.CodeOf(err)
	status := statuses[code]
	p := problem{Type: problemBase + string(code), Title: http.StatusText(status), Status: status, Detail: "internal error"}
	var e *server.Error
	if errors.As(err, &e) && code != server.Internal {
		p.Detail, p.Field = e.Message, e.Field
	}
	return p
}

func invalidProblem(faults []fault) problem {
	p := problem{
		Type: problemBase + string(server.Invalid), Title: http.StatusText(http.StatusUnprocessableEntity),
		Status: http.StatusUnprocessableEntity, Detail: faults[0].Field + ": " + faults[0].Detail, Field: faults[0].Field,
	}
	if len(faults) > 1 {
		p.Detail += fmt.Sprintf(" (and %d more faults)", len(faults)-1)
		p.Errors = faults[:min(len(faults), maxFaults)]
	}
	return p
}

// faultsOf finds every field that an error blames, in the error's order; none where the error is of another kind.
func faultsOf(err error) []fault {
	var rows admin.RowErrors
	if errors.As(err, &rows) {
		faults := make([]fault, len(rows))
		for i, row := range rows {
			faults[i] = fault{Field: fmt.Sprintf("data[%d].%s", row.Row, row.Field), Detail: row.Reason}
		}
		return faults
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var faults []fault
		for _, each := range several.Unwrap() {
			faults = append(faults, faultsOf(each)...)
		}
		return faults
	}
	var malformed *adapters.Malformed
	if errors.As(err, &malformed) {
		return []fault{{Field: malformed.Field, Detail: malformed.Reason}}
	}
	var invalid *order.Invalid
	if errors.As(err, &invalid) {
		return []fault{{Field: invalid.Field, Detail: invalid.Error()[len(invalid.Field)+len(": "):]}}
	}
	return nil
}

// recoverPanic turns a panic into a 500 with a request id, so that one bad request cannot end the process.
func (s *Server) recoverPanic(c *gin.Context) {
	defer func() {
		if r := recover(); r != nil {
			s.fail(c, fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		}
	}()
	c.Next()
}

func requestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
