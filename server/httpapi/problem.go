package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/server"
)

// problem is the body of every failed answer, RFC 9457.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"request_id"`
}

var (
	errMethod   = server.Errorf(server.Invalid, "this path does not take that method")
	errRoute    = server.Errorf(server.NotFound, "there is nothing at this path; see /api/openapi.yaml")
	errNotReady = server.Errorf(server.Unavailable, "the database does not answer")
	errTooLarge = server.Errorf(server.TooLarge, "the body is larger than %d bytes", MaxBody)
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
	server.Internal:     http.StatusInternalServerError,
}

// fail answers with the problem err stands for and ends the request. An error without a code is logged whole and
// shown as "internal error" with the request id only.
func (s *Server) fail(c *gin.Context, err error) {
	p := problemOf(err)
	p.RequestID = requestID()
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		s.Logger.ErrorContext(c.Request.Context(), "request failed", "error", err, "path", c.FullPath(), "request_id", p.RequestID)
	}
	if p.Status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "2")
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Type", "application/problem+json")
	c.AbortWithStatusJSON(p.Status, p)
}

func problemOf(err error) problem {
	var malformed *adapters.Malformed
	if errors.As(err, &malformed) {
		err = &server.Error{Code: server.Invalid, Field: malformed.Field, Message: malformed.Error()}
	}
	if errors.Is(err, adapters.ErrSignature) {
		err = server.Errorf(server.Unauthorized, "the signature is missing or does not match")
	}
	code := server.CodeOf(err)
	status := statuses[code]
	if errors.Is(err, errMethod) {
		status = http.StatusMethodNotAllowed
	}
	p := problem{Type: "https://upline.dev/problems/" + string(code), Title: http.StatusText(status), Status: status}
	var e *server.Error
	if errors.As(err, &e) && code != server.Internal {
		p.Detail, p.Field = e.Message, e.Field
	}
	return p
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
