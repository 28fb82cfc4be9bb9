package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/server"
	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/channel"
)

// Limits of what plugins ask. Orders have a door of their own and are not limited.
const (
	callsPerMinute  = 120 // of one store
	claimsPerMinute = 10  // of one address
	maxCallBytes    = 256 << 10
	callTimeout     = 10 * time.Second
)

func (s *Server) pluginRoutes() {
	s.engine.POST("/api/plugin/claim", s.claimStore)
	s.engine.POST("/api/plugin/:store/:call", s.pluginCall)
	s.engine.GET("/sso", s.followLink)
	s.engine.GET("/my", s.showOwn)
	s.engine.GET("/my/orders/:store_id/:platform_order_id", s.showOwnOrder)
	s.engine.GET("/my/periods/:period_id", s.showOwnPeriod)
	s.engine.POST("/my/leave", s.endVisit)
}

// pluginCall answers one signed call of a store's plugin.
func (s *Server) pluginCall(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	body, err := readUpTo(nil, c.Request.Body, maxCallBytes)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), callTimeout)
	defer cancel()
	answer, err := s.answerPlugin(ctx, c, body)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// answerPlugin checks in the order that the protocol gives.
func (s *Server) answerPlugin(ctx context.Context, c *gin.Context, body []byte) (any, error) {
	if s.Channel == nil {
		return nil, errRoute
	}
	call := param(c, "call")
	entry, err := s.signedStore(ctx, param(c, "store"), "", func(secrets [][]byte) error {
		return adapters.VerifyStandard(c.GetHeader, body, secrets)
	})
	if err != nil {
		return nil, err
	}
	if err := s.onTime(c.GetHeader); err != nil {
		return nil, err
	}
	if !channel.Known(call) {
		return nil, errRoute
	}
	if wait := s.calls.take(entry.store.StoreID, callsPerMinute, s.Clock()); wait > 0 {
		return nil, tooMany(c, wait)
	}
	site, err := channel.Head(body, call)
	if err != nil {
		return nil, err
	}
	if err := atSite(entry, site); err != nil {
		return nil, err
	}
	service := *s.Channel
	service.Base = s.base(c)
	return service.Call(ctx, &entry.store, call, c.GetHeader(adapters.HeaderWebhookID), body, 2*clockTolerance)
}

// claimStore gives a plugin its store for the code it brings.
func (s *Server) claimStore(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	if s.Channel == nil {
		s.fail(c, errRoute)
		return
	}
	if wait := s.calls.take("claim "+c.ClientIP(), claimsPerMinute, s.Clock()); wait > 0 {
		s.fail(c, tooMany(c, wait))
		return
	}
	body, err := readUpTo(nil, c.Request.Body, maxCallBytes)
	if err != nil {
		s.fail(c, err)
		return
	}
	service := *s.Channel
	service.Base = s.base(c)
	claimed, err := service.Claim(c.Request.Context(), body)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, claimed)
}

// followLink lets somebody in whom a shop's pages sent here: an admin, to the page that was asked for, or a distributor, to
// their own.
func (s *Server) followLink(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	if s.Channel == nil || s.Auth == nil {
		s.fail(c, errRoute)
		return
	}
	arrival, err := s.Channel.Follow(c.Request.Context(), c.Query("code"))
	if err != nil && server.CodeOf(err) == server.Forbidden {
		s.ownRefuse(c, http.StatusForbidden, "fault.used") // a person is looking, and nobody knows any more who it is
		return
	}
	if err != nil {
		s.ownFault(c, err)
		return
	}
	if arrival.Visit != nil {
		s.beginVisit(c, arrival.Visit)
		return
	}
	if s.mayMoreThan(c, arrival.Session) {
		c.Redirect(http.StatusSeeOther, arrival.Next)
		return
	}
	_, token, err := s.Auth.OpenLink(c.Request.Context(), arrival.Session, client(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	s.setCookie(c, token)
	c.Redirect(http.StatusSeeOther, arrival.Next)
}

// mayMoreThan tells whether this browser has a person of the same program signed in who may as much as the link, or more: an
// owner who comes by the button of the shop does not become one who only looks.
func (s *Server) mayMoreThan(c *gin.Context, link auth.Session) bool {
	token, err := c.Cookie(s.cookieName(c))
	if err != nil || token == "" {
		return false
	}
	p, err := s.Auth.Resume(c.Request.Context(), token)
	return err == nil && p.Kind == auth.ByPerson && p.Program == link.ProgramID &&
		slices.Index(auth.Roles(), p.Role) <= slices.Index(auth.Roles(), link.Role)
}

// base is this server's address as the world reaches it: the setting, or else what the request says.
func (s *Server) base(c *gin.Context) string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/")
	}
	u := url.URL{Scheme: "http", Host: c.Request.Host}
	if s.secure(c) {
		u.Scheme = "https"
	}
	return u.String()
}

func tooMany(c *gin.Context, wait time.Duration) error {
	seconds := int(wait/time.Second) + 1
	c.Header("Retry-After", strconv.Itoa(seconds))
	return server.Errorf(server.RateLimited, "too many calls; wait %d seconds", seconds)
}

// callLimiter counts calls by key and minute. It forgets a minute whole, so that it stays as small as what is going on.
type callLimiter struct {
	mu     sync.Mutex
	minute int64
	counts map[string]int
}

// take counts one call; above 0 is how long to wait.
func (l *callLimiter) take(key string, most int, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Unix() / 60; minute != l.minute || l.counts == nil {
		l.minute, l.counts = minute, map[string]int{}
	}
	l.counts[key]++
	if l.counts[key] <= most {
		return 0
	}
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}
