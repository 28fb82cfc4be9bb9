package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/order"
)

// setupState is what the first-run page may know without a key: whether the steps are done, and no figure of any
// program.
type setupState struct {
	Version  string `json:"version"`
	Program  bool   `json:"program"`
	Store    bool   `json:"store"`
	People   bool   `json:"people"`
	Mappings bool   `json:"mappings"`
	Plan     bool   `json:"plan"`
	Order    bool   `json:"order"`
	Shopify  bool   `json:"shopify"` // an app secret is configured
}

func (st *setupState) done() bool {
	return st.Program && st.Store && st.People && st.Mappings && st.Plan && st.Order
}

// How long the answer holds. Anybody may ask, and telling it counts rows; once all steps are done it hardly changes.
const (
	setupAge     = time.Second
	setupDoneAge = time.Minute
)

// setupCache keeps one answer; its lock lets one request at a time find a new one.
type setupCache struct {
	mu     sync.Mutex
	state  setupState
	readAt time.Time
}

func (s *Server) setup(c *gin.Context) {
	state, err := s.setupState(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, state)
}

func (s *Server) setupState(ctx context.Context) (setupState, error) {
	s.steps.mu.Lock()
	defer s.steps.mu.Unlock()
	age := setupAge
	if s.steps.state.done() {
		age = setupDoneAge
	}
	if !s.steps.readAt.IsZero() && s.Clock().Sub(s.steps.readAt) < age {
		return s.steps.state, nil
	}
	state, err := s.readSetup(ctx)
	if err == nil {
		s.steps.state, s.steps.readAt = state, s.Clock()
	}
	return state, err
}

func (s *Server) readSetup(ctx context.Context) (setupState, error) {
	state := setupState{Version: s.Version, Shopify: len(s.AppSecrets[order.Shopify]) > 0}
	programs, err := s.Reader.Programs(ctx)
	if err != nil {
		return setupState{}, err
	}
	for _, p := range programs {
		o, err := s.Reader.Overview(ctx, p.ProgramID)
		if err != nil {
			return setupState{}, err
		}
		state.Program = true
		state.Store = state.Store || len(o.Stores) > 0
		state.People = state.People || o.Distributors > 0
		state.Mappings = state.Mappings || o.MappedSKUs > 0
		state.Plan = state.Plan || o.Plans > 0
		state.Order = state.Order || o.Orders > 0
	}
	return state, nil
}
