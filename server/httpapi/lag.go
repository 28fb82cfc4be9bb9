package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server/query"
)

// Replica is a database that follows the one that is written to; screens are read from it.
type Replica interface {
	// Position is how far the primary is.
	Position(ctx context.Context) (query.Position, error)
	// ReplicaLag is how far the replica is behind; false where it is not read from at the moment.
	ReplicaLag() (time.Duration, bool)
}

// Where a writer's position travels: the cookie for browsers, the header for programs, which send back what they were sent.
const (
	positionHeader = "Upline-Position"
	positionCookie = "upline_position"
	lagHeader      = "Upline-Read-Lag"
	positionFor    = 60 // seconds; a replica that is further behind is not read from at all
)

// written is how far whoever wrote through this process has to be shown.
type written struct {
	mu      sync.Mutex
	at      query.Position
	primary time.Time // until then nothing is read from the replica, as a position could not be learnt
}

// mayLag lets a read go to the replica once that has what the reader wrote: through this process, or as its cookie or
// header says through another one. A write is answered with the position behind it.
func (s *Server) mayLag(c *gin.Context) {
	if s.Replica == nil {
		return
	}
	if c.Request.Method != http.MethodGet {
		c.Writer = &positioned{ResponseWriter: c.Writer, note: func() { s.notePosition(c) }}
		return
	}
	s.written.mu.Lock()
	after, primary := s.written.at, s.Clock().Before(s.written.primary)
	s.written.mu.Unlock()
	if primary {
		return
	}
	texts := []string{c.GetHeader(positionHeader)}
	if cookie, err := c.Cookie(positionCookie); err == nil {
		texts = append(texts, cookie)
	}
	for _, text := range texts {
		if at, err := strconv.ParseInt(text, 16, 64); err == nil {
			after = max(after, query.Position(at))
		}
	}
	c.Request = c.Request.WithContext(query.MayLag(c.Request.Context(), after))
	if lag, read := s.Replica.ReplicaLag(); read {
		c.Header(lagHeader, strconv.FormatInt(lag.Milliseconds(), 10)+"ms")
	}
}

// notePosition tells the writer how far the database is behind the write.
func (s *Server) notePosition(c *gin.Context) {
	at, err := s.Replica.Position(c.Request.Context())
	s.written.mu.Lock()
	defer s.written.mu.Unlock()
	if err != nil {
		s.written.primary = s.Clock().Add(positionFor * time.Second)
		return
	}
	s.written.at = max(s.written.at, at)
	text := strconv.FormatInt(int64(at), 16)
	c.Header(positionHeader, text)
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // Secure follows how the world sees us, as for every cookie here
		Name: positionCookie, Value: text, Path: "/api/", MaxAge: positionFor, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.secure(c),
	})
}

// positioned calls note just before an answer begins, when all that the request writes is written.
type positioned struct {
	gin.ResponseWriter
	note func()
	once sync.Once
}

// WriteHeader is http.ResponseWriter.
func (p *positioned) WriteHeader(code int) {
	if code < http.StatusBadRequest {
		p.once.Do(p.note)
	}
	p.ResponseWriter.WriteHeader(code)
}
