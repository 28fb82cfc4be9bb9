package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server/query"
)

// fakeReplica says where the primary is.
type fakeReplica struct {
	at  query.Position
	err error
}

func (f *fakeReplica) Position(context.Context) (query.Position, error) { return f.at, f.err }
func (f *fakeReplica) ReplicaLag() (time.Duration, bool)                { return 120 * time.Millisecond, true }

// asked sends a request through mayLag, and gives the answer and how far its readings have to be.
func asked(t *testing.T, s *Server, method string, status int, sent map[string]string) (header http.Header, after query.Position, may bool) {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Handle(method, "/api/v1/thing", s.mayLag, func(c *gin.Context) {
		after, may = query.LagOf(c.Request.Context())
		c.JSON(status, gin.H{})
	})
	request := httptest.NewRequestWithContext(t.Context(), method, "/api/v1/thing", http.NoBody)
	for name, value := range sent {
		request.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, request)
	return w.Header(), after, may
}

// TestReadYourWrites: who wrote through this process, or through another one and says so, reads no earlier state.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	replica := &fakeReplica{at: 0x1f}
	fresh := func() *Server { return &Server{Deps: Deps{Replica: replica, Clock: time.Now}} }
	here, elsewhere := fresh(), fresh()
	read, after, may := asked(t, here, http.MethodGet, http.StatusOK, nil)
	if !may || after != 0 || read.Get("Upline-Read-Lag") != "120ms" {
		t.Errorf("before any write: %v %v, lag %q", after, may, read.Get("Upline-Read-Lag"))
	}
	if refused, _, _ := asked(t, here, http.MethodPost, http.StatusUnprocessableEntity, nil); refused.Get("Upline-Position") != "" {
		t.Error("a refused write has a position")
	}
	wrote, _, may := asked(t, here, http.MethodPost, http.StatusOK, nil)
	if wrote.Get("Upline-Position") != "1f" || wrote.Get("Set-Cookie") == "" || may {
		t.Fatalf("a write answers %v; its own readings may lag: %v", wrote, may)
	}
	if _, after, _ := asked(t, here, http.MethodGet, http.StatusOK, nil); after != 0x1f {
		t.Errorf("here a reading has to be at %x, want 1f", after)
	}
	for what, header := range map[string]map[string]string{
		"by header": {"Upline-Position": "1f"},
		"by cookie": {"Cookie": strings.SplitN(wrote.Get("Set-Cookie"), ";", 2)[0]},
	} {
		if _, after, _ := asked(t, elsewhere, http.MethodGet, http.StatusOK, header); after != 0x1f {
			t.Errorf("elsewhere %s a reading has to be at %x, want 1f", what, after)
		}
	}
	if _, after, may := asked(t, elsewhere, http.MethodGet, http.StatusOK, map[string]string{"Upline-Position": "nonsense"}); after != 0 || !may {
		t.Errorf("after nonsense a reading has to be at %x, want 0", after)
	}
	replica.err = errors.New("the primary is away")
	asked(t, here, http.MethodDelete, http.StatusNoContent, nil)
	if _, _, may := asked(t, here, http.MethodGet, http.StatusOK, nil); may {
		t.Error("after a write whose position is not known a reading may lag")
	}
	if _, _, may := asked(t, &Server{}, http.MethodGet, http.StatusOK, nil); may {
		t.Error("without a replica a reading may lag")
	}
}
