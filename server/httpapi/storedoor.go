package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

// clockTolerance is how far a signed timestamp may be from our clock, either way.
const clockTolerance = 5 * time.Minute

// pinger is an adapter whose platform tries a new webhook with a request that says nothing.
type pinger interface {
	Ping(header adapters.Header, body []byte) bool
}

// batcher is an adapter whose deliveries may hold several.
type batcher interface {
	// Parts takes a delivery apart; none where it is a single one.
	Parts(topic string, body []byte) ([]adapters.Part, error)
}

// storeWebhook takes the deliveries of a platform whose stores each have an address of their own, :store. Such a store is
// named by the address alone and its secret is its own, so that an unknown store and a wrong signature look alike.
func (s *Server) storeWebhook(platform order.Platform) gin.HandlerFunc {
	adapter := s.Adapters[platform]
	trial, _ := adapter.(pinger)
	return func(c *gin.Context) {
		begin := s.Clock()
		body, err := readBody(c.Request)
		if err != nil {
			s.rejectBody(c, platform, err)
			return
		}
		if trial != nil && trial.Ping(c.GetHeader, body) {
			c.Status(http.StatusOK)
			return
		}
		ctx := s.deadlines.ack()
		d, err := s.openStoreDelivery(ctx, adapter, c, body)
		if err != nil {
			if errors.Is(err, adapters.ErrSignature) {
				s.Metrics.BadSignature(string(platform))
			}
			s.fail(c, err)
			return
		}
		id, err := s.acceptParts(ctx, adapter, d)
		if err != nil {
			s.fail(c, err)
			return
		}
		s.Metrics.Acked(s.Clock().Sub(begin))
		c.Header(deliveryIDHeader, id)
		c.Status(http.StatusOK)
	}
}

// acceptParts stores a delivery, or what a batch holds, each as if it had been told alone, and gives the id of the last.
// They are put at once, so that one commit takes them all; where one is not on disk the whole batch is told again, and
// those that are count as repeats then.
func (s *Server) acceptParts(ctx context.Context, a adapters.Adapter, whole order.Delivery) (string, error) {
	var parts []adapters.Part
	var err error
	if b, ok := a.(batcher); ok {
		parts, err = b.Parts(whole.Topic, whole.Body)
	}
	if err != nil {
		return "", err
	}
	if len(parts) == 0 {
		result, err := s.accept(ctx, whole)
		return result.DeliveryID, err
	}
	results, faults := make([]inbox.PutResult, len(parts)), make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() {
			d := whole
			d.Topic, d.PlatformDeliveryID, d.Body = part.Topic, part.PlatformDeliveryID, part.Body
			d.Headers = maps.Clone(whole.Headers)
			d.Headers[adapters.HeaderWebhookID] = part.PlatformDeliveryID
			results[i], faults[i] = s.accept(ctx, d)
		})
	}
	all.Wait()
	return results[len(results)-1].DeliveryID, errors.Join(faults...)
}

// openStoreDelivery checks signature, clock and site, in that order, and builds the delivery.
func (s *Server) openStoreDelivery(ctx context.Context, a adapters.Adapter, c *gin.Context, body []byte) (order.Delivery, error) {
	entry, err := s.signedStore(ctx, param(c, "store"), a.Platform(), func(secrets [][]byte) error {
		return a.Verify(c.GetHeader, body, secrets)
	})
	if err != nil {
		return order.Delivery{}, err
	}
	envelope, err := a.Open(c.GetHeader, body)
	if err != nil {
		return order.Delivery{}, err
	}
	if c.GetHeader(adapters.HeaderWebhookSignature) != "" {
		if err := s.onTime(c.GetHeader); err != nil {
			return order.Delivery{}, err
		}
		if err := atSite(entry, envelope.StoreDomain); err != nil {
			return order.Delivery{}, err
		}
	}
	return order.Delivery{
		PlatformDeliveryID: envelope.PlatformDeliveryID, ProgramID: entry.store.ProgramID, StoreID: entry.store.StoreID,
		Platform: a.Platform(), Topic: envelope.Topic, Headers: s.keptHeaders(a.Platform(), c.GetHeader), Body: body, ReceivedAt: s.Clock().UTC(),
	}, nil
}

// signedStore finds a store by its id and lets verify judge the request with its secrets; "" is any platform. Where a
// remembered store's secrets do not fit, the store is read afresh once: its secret may have been rotated a moment ago.
func (s *Server) signedStore(ctx context.Context, id string, platform order.Platform, verify func(secrets [][]byte) error) (storeEntry, error) {
	entry, err := s.stores.byID(ctx, id)
	if err == nil && platform != "" && entry.store.Platform != platform {
		err = server.Errorf(server.NotFound, "no such store")
	}
	if server.CodeOf(err) == server.NotFound && err != nil {
		_ = verify(nil) // It takes about as long as for a store that there is.
		return storeEntry{}, adapters.ErrSignature
	}
	if err != nil {
		return storeEntry{}, err
	}
	if err = verify(entry.secrets); err == nil || !entry.remembered {
		return entry, err
	}
	fresh, readErr := s.stores.readID(ctx, id)
	if readErr != nil {
		return storeEntry{}, readErr
	}
	if fresh.sameSecrets(entry) {
		return storeEntry{}, err
	}
	return fresh, verify(fresh.secrets)
}

// onTime holds a signed timestamp against our clock.
func (s *Server) onTime(header adapters.Header) error {
	seconds, err := strconv.ParseInt(header(adapters.HeaderWebhookTimestamp), 10, 64)
	off := s.Clock().Sub(time.Unix(seconds, 0))
	if err == nil && off <= clockTolerance && off >= -clockTolerance {
		return nil
	}
	message := "the timestamp is no time of this century; send Unix seconds"
	if seconds > 1_000_000_000 && seconds < 10_000_000_000 {
		way := "behind this server's"
		if off < 0 {
			way, off = "ahead of this server's", -off
		}
		message = "the shop's clock is " + off.Truncate(time.Second).String() + " " + way + "; set it right, or send the time by server_time"
	}
	return &server.Error{Code: server.Unauthorized, Field: adapters.HeaderWebhookTimestamp, Message: message}
}

// atSite refuses what a copy of the shop sends, such as a staging site made from its database, secret and all.
func atSite(entry storeEntry, site string) error {
	known, site := adapters.Site(entry.store.Domain), adapters.Site(site)
	switch {
	case site == "":
		return &adapters.Malformed{Field: "site", Reason: "want the shop's home address, such as https://shop.example.com"}
	case strings.EqualFold(site, known):
		return nil
	}
	return &server.Error{Code: server.Forbidden, Field: "site", Message: "this store is connected as " + known + ", and the request comes from " + site +
		"; disconnect the copy, or connect the store again if it has moved"}
}
