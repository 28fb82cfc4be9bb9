package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/channel"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/reconcile"
)

// clockOff is by how much a shop's clock may differ before its signatures come near to being refused.
const clockOff = 2 * time.Minute

// storeCheck is one thing that was looked at. State is good, bad, or unknown where it cannot be told; Code says in one word why,
// and Value what was found: an instant, or a duration in microseconds.
type storeCheck struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Code  string `json:"code"`
	Value string `json:"value,omitempty"`
}

// postStoreTest looks at everything that a store needs to be heard, now.
func (s *Server) postStoreTest(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (gin.H, error) {
		st, err := s.storeOf(ctx, program, param(c, "store_id"))
		if err != nil {
			return nil, err
		}
		checks := []storeCheck{}
		if st.Platform != string(order.Custom) {
			reading, off, err := s.checkReading(ctx, program, st)
			if err != nil {
				return nil, err
			}
			checks = append(checks, reading...)
			if off {
				checks = append(checks, storeCheck{"plugin", "bad", "switched_off", ""})
			} else {
				checks = append(checks, s.checkPlugin(ctx, st)...)
			}
		}
		checks = append(checks, s.checkArrivals(st))
		return gin.H{"store_id": st.StoreID, "at": s.Clock().UTC(), "checks": checks}, nil
	})
}

func (s *Server) storeOf(ctx context.Context, program, storeID string) (*query.StoreRow, error) {
	stores, err := s.Reader.Stores(ctx, program)
	if err != nil {
		return nil, err
	}
	for i := range stores {
		if stores[i].StoreID == storeID {
			return &stores[i], nil
		}
	}
	return nil, server.Errorf(server.NotFound, "There is no store %s.", storeID)
}

// checkReading asks the platform itself. off: it answers, but the plugin by which it is read is switched off.
func (s *Server) checkReading(ctx context.Context, program string, st *query.StoreRow) (checks []storeCheck, off bool, err error) {
	if s.Reconcile == nil {
		return nil, false, nil
	}
	p, err := s.Reconcile.Test(ctx, program, st.StoreID)
	if err != nil {
		return nil, false, err
	}
	return readingChecks(&p, st.Connection == "needs_reauth"), p.Off, nil
}

// readingChecks is what a test says. lapsed: the platform refused the credentials before.
func readingChecks(p *reconcile.Probe, lapsed bool) []storeCheck {
	took := p.Took.Microseconds()
	switch {
	case !p.Reads && lapsed:
		return []storeCheck{{"reachable", "unknown", "not_asked", ""}, {"credentials", "bad", "needs_reauth", ""}}
	case !p.Reads:
		return []storeCheck{{"reachable", "unknown", "not_asked", ""}, {"credentials", "unknown", "none", ""}}
	case !p.Reached:
		return []storeCheck{{"reachable", "bad", "no_answer", ""}, {"credentials", "unknown", "not_asked", ""}}
	case p.Off:
		return []storeCheck{{"reachable", "good", "answered", micros(took)}, {"credentials", "unknown", "none", ""}}
	case lapsed:
		return []storeCheck{{"reachable", "good", "answered", micros(took)}, {"credentials", "bad", "needs_reauth", ""}}
	case p.Refused:
		return []storeCheck{{"reachable", "good", "answered", micros(took)}, {"credentials", "bad", "refused", ""}}
	}
	return []storeCheck{{"reachable", "good", "answered", micros(took)}, {"credentials", "good", "accepted", ""}}
}

// checkPlugin looks at what the shop's plugin said of itself last.
func (s *Server) checkPlugin(ctx context.Context, st *query.StoreRow) []storeCheck {
	if s.Channel == nil || st.Platform == string(order.Shopify) {
		return nil
	}
	ch, err := s.Channel.Books.Channel(ctx, st.StoreID)
	if err != nil {
		return []storeCheck{{"plugin", "unknown", "none", ""}}
	}
	var h channel.Heartbeat
	switch {
	case ch.HeartbeatAt.IsZero() || json.Unmarshal(ch.Heartbeat, &h) != nil:
		return []storeCheck{{"plugin", "unknown", "silent", ""}}
	case s.Clock().Sub(ch.HeartbeatAt) > channel.Silence:
		return []storeCheck{{"plugin", "bad", "silent", instantText(ch.HeartbeatAt)}}
	}
	checks := []storeCheck{{"plugin", "good", "heard", instantText(ch.HeartbeatAt)}}
	if h.Paused {
		checks[0] = storeCheck{"plugin", "bad", "paused", instantText(ch.HeartbeatAt)}
	}
	if h.Clock == nil {
		return append(checks, storeCheck{"clock", "unknown", "not_told", ""})
	}
	off := h.Clock.Sub(ch.HeartbeatAt).Abs()
	if off > clockOff {
		return append(checks, storeCheck{"clock", "bad", "off", micros(off.Microseconds())})
	}
	return append(checks, storeCheck{"clock", "good", "right", micros(off.Microseconds())})
}

// checkArrivals: only a message that has come proves that messages come.
func (s *Server) checkArrivals(st *query.StoreRow) storeCheck {
	if st.LastDeliveryAt == nil {
		return storeCheck{"arrivals", "unknown", "none", ""}
	}
	return storeCheck{"arrivals", "good", "heard", instantText(*st.LastDeliveryAt)}
}

func instantText(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func micros(n int64) string { return strconv.FormatInt(n, 10) }

// postDisconnect ends what a store's platform granted us, and what its plugin signs with. What it told stays.
func (s *Server) postDisconnect(c *gin.Context) {
	var body struct {
		Confirm string `json:"confirm"`
	}
	err := decode(c.Request, &body)
	var st *query.StoreRow
	if err == nil {
		st, err = s.storeOf(c.Request.Context(), programOf(c), param(c, "store_id"))
	}
	if err == nil && body.Confirm != st.Domain {
		err = &server.Error{Code: server.Invalid, Field: "confirm", Message: "write the store's domain, " + st.Domain + ", to confirm"}
	}
	if err == nil {
		err = s.disconnect(c, st)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (s *Server) disconnect(c *gin.Context, st *query.StoreRow) error {
	ctx := c.Request.Context()
	service := s.adminOf(c)
	if _, err := service.RenewSecret(ctx, st.StoreID); err != nil { // nobody is shown the new one
		return err
	}
	if st.Connection != "" {
		if err := s.Channel.Install.Uninstall(ctx, st.StoreID, s.Clock(), actor(c)); err != nil {
			return err
		}
	}
	return service.Books.Audit(ctx, programOf(c), actor(c), "store.disconnect", st.StoreID, "")
}
