package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
)

// deliveryIDHeader tells the sender under which id a delivery can be looked up.
const deliveryIDHeader = "X-Upline-Delivery-Id"

// webhook takes one platform's deliveries. It reads, checks the signature, stores, answers; nothing else happens in
// the request. The signature is judged before the shop, so that a stranger cannot ask which shops exist.
func (s *Server) webhook(platform order.Platform) gin.HandlerFunc {
	adapter := s.Adapters[platform]
	return func(c *gin.Context) {
		begin := s.Clock()
		body, err := s.buffers.read(c.Request)
		if err != nil {
			s.rejectBody(c, platform, err)
			return
		}
		ctx := s.deadlines.ack()
		d, err := s.openDelivery(ctx, adapter, c.GetHeader, body)
		if err != nil {
			if errors.Is(err, adapters.ErrSignature) {
				s.Metrics.BadSignature(string(platform))
			}
			s.fail(c, err)
			return
		}
		result, err := s.accept(ctx, d)
		if err != nil {
			s.fail(c, err)
			return
		}
		if !result.BodyKept {
			s.buffers.reuse(body)
		}
		s.Metrics.Acked(s.Clock().Sub(begin))
		c.Header(deliveryIDHeader, result.DeliveryID)
		c.Status(http.StatusOK)
	}
}

// openDelivery finds the store, checks the signature and builds the delivery.
func (s *Server) openDelivery(ctx context.Context, a adapters.Adapter, header adapters.Header, body []byte) (order.Delivery, error) {
	envelope, openErr := a.Open(header, body)
	var entry storeEntry
	var findErr error
	if openErr == nil {
		entry, findErr = s.stores.byDomain(ctx, a.Platform(), envelope.StoreDomain)
		if findErr != nil && server.CodeOf(findErr) != server.NotFound {
			return order.Delivery{}, findErr
		}
	}
	if err := s.verify(ctx, a, header, body, entry); err != nil {
		return order.Delivery{}, err
	}
	if openErr != nil {
		return order.Delivery{}, openErr
	}
	if findErr != nil || (entry.store.Closed && !aboutPersons[envelope.Topic]) {
		return order.Delivery{}, server.Errorf(server.NotFound, "no store is connected for %s", envelope.StoreDomain)
	}
	return order.Delivery{
		PlatformDeliveryID: envelope.PlatformDeliveryID, ProgramID: entry.store.ProgramID, StoreID: entry.store.StoreID,
		Platform: a.Platform(), Topic: envelope.Topic, Headers: s.keptHeaders(a.Platform(), header), Body: body, ReceivedAt: s.Clock().UTC(),
	}, nil
}

// aboutPersons are the topics that the law wants heard even when the company is closed, and what ends a grant.
var aboutPersons = map[string]bool{"customers/data_request": true, "customers/redact": true, "shop/redact": true, "app/uninstalled": true}

// verify tries the store's secrets and the app's. Where a remembered store's secrets do not fit, the store is read
// afresh once: its secret may have been rotated a moment ago.
func (s *Server) verify(ctx context.Context, a adapters.Adapter, header adapters.Header, body []byte, entry storeEntry) error {
	err := a.Verify(header, body, append(append([][]byte{}, entry.secrets...), s.AppSecrets[a.Platform()]...))
	if err == nil || !entry.remembered {
		return err
	}
	fresh, readErr := s.stores.read(ctx, a.Platform(), entry.store.Domain)
	if readErr != nil {
		return readErr
	}
	if fresh.sameSecrets(entry) {
		return err
	}
	return a.Verify(header, body, fresh.secrets)
}

// keptHeader is a header that is stored with the body: under its name, and as requests are asked for it.
type keptHeader struct{ name, canonical string }

// keptHeadersOf puts every name into the form of requests once, and not with each delivery.
func keptHeadersOf(all map[order.Platform]adapters.Adapter) map[order.Platform][]keptHeader {
	kept := make(map[order.Platform][]keptHeader, len(all))
	for platform, a := range all {
		for _, name := range a.KeepHeaders() {
			kept[platform] = append(kept[platform], keptHeader{name, http.CanonicalHeaderKey(name)})
		}
	}
	return kept
}

func (s *Server) keptHeaders(p order.Platform, header adapters.Header) map[string]string {
	kept := make(map[string]string, len(s.kept[p]))
	for _, h := range s.kept[p] {
		if v := header(h.canonical); v != "" {
			kept[h.name] = v
		}
	}
	return kept
}

// accept stores the delivery and says what became of it. A platform that uses one delivery id for two bodies loses neither:
// the second is kept under an id made of both.
func (s *Server) accept(ctx context.Context, d order.Delivery) (inbox.PutResult, error) {
	result, err := s.Inbox.Put(ctx, d)
	if err == nil && result.Conflict {
		sum := sha256.Sum256(d.Body)
		d.PlatformDeliveryID += "#" + hex.EncodeToString(sum[:])
		s.Logger.WarnContext(ctx, "one delivery id with two bodies", "store", d.StoreID, "delivery_id", result.DeliveryID)
		result, err = s.Inbox.Put(ctx, d)
	}
	if err == nil && result.Duplicate {
		s.Metrics.Duplicate(string(d.Platform))
	}
	return result, err
}
