package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// webhook takes one platform's deliveries. It reads, checks the signature, stores, answers; nothing else happens in
// the request. The signature is judged before the shop, so that a stranger cannot ask which shops exist.
func (s *Server) webhook(platform order.Platform) gin.HandlerFunc {
	adapter := s.Adapters[platform]
	return func(c *gin.Context) {
		begin := s.Clock()
		body, err := readBody(c.Request)
		if err != nil {
			s.rejectBody(c, platform, err)
			return
		}
		d, err := s.openDelivery(c.Request.Context(), adapter, c.GetHeader, body)
		if err != nil {
			if errors.Is(err, adapters.ErrSignature) {
				s.Metrics.BadSignature(string(platform))
			}
			s.fail(c, err)
			return
		}
		id, err := s.accept(c.Request.Context(), d)
		if err != nil {
			s.fail(c, err)
			return
		}
		s.Metrics.Acked(s.Clock().Sub(begin))
		c.Header("X-Upline-Delivery-Id", id)
		c.String(http.StatusOK, "")
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
	secrets := append(append([][]byte{}, entry.secrets...), s.AppSecrets[a.Platform()]...)
	if err := a.Verify(header, body, secrets); err != nil {
		return order.Delivery{}, err
	}
	if openErr != nil {
		return order.Delivery{}, openErr
	}
	if findErr != nil {
		return order.Delivery{}, server.Errorf(server.NotFound, "no store is connected for %s", envelope.StoreDomain)
	}
	headers := make(map[string]string, 8)
	for _, name := range a.KeepHeaders() {
		if v := header(name); v != "" {
			headers[name] = v
		}
	}
	return order.Delivery{
		PlatformDeliveryID: envelope.PlatformDeliveryID, ProgramID: entry.store.ProgramID, StoreID: entry.store.StoreID,
		Platform: a.Platform(), Topic: envelope.Topic, Headers: headers, Body: body, ReceivedAt: s.Clock(),
	}, nil
}

// accept stores the delivery and gives its id. A platform that uses one delivery id for two bodies loses neither:
// the second is kept under an id made of both.
func (s *Server) accept(ctx context.Context, d order.Delivery) (string, error) {
	result, err := s.Inbox.Put(ctx, d)
	if err != nil {
		return "", err
	}
	if result.Conflict {
		sum := sha256.Sum256(d.Body)
		d.PlatformDeliveryID += "#" + hex.EncodeToString(sum[:8])
		s.Logger.WarnContext(ctx, "one delivery id with two bodies", "store", d.StoreID, "delivery_id", result.DeliveryID)
		if result, err = s.Inbox.Put(ctx, d); err != nil {
			return "", err
		}
	}
	if result.Duplicate {
		s.Metrics.Duplicate(string(d.Platform))
	}
	return result.DeliveryID, nil
}

func (s *Server) rejectBody(c *gin.Context, platform order.Platform, err error) {
	if errors.Is(err, errTooLarge) {
		s.Metrics.TooLarge(string(platform))
		s.Logger.ErrorContext(c.Request.Context(), "body over the limit", "platform", string(platform), "bytes", c.Request.ContentLength)
	}
	s.fail(c, err)
}

// firstRead bounds what a claimed Content-Length alone can make us allocate.
const firstRead = 64 << 10

// readBody reads at most MaxBody bytes into a buffer of its own, sized by Content-Length: the pipeline keeps it after
// the request has ended, and io.ReadAll would grow it five times on the way.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, errTooLarge
	}
	size := min(max(r.ContentLength, 512), firstRead)
	return readUpTo(make([]byte, 0, size+1), r.Body, MaxBody)
}

func readUpTo(b []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), limit+1)])
		b = b[:len(b)+n]
		switch {
		case len(b) > limit:
			return b, errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, server.Errorf(server.Invalid, "the body ended early after %s bytes", strconv.Itoa(len(b)))
		}
	}
}

// storeEntry is a store with its opened secrets.
type storeEntry struct {
	store   admin.Store
	secrets [][]byte
	readAt  time.Time
}

// storeCache remembers stores for a few seconds: a rotated secret or a new store counts soon enough, and a flood
// costs no query per request. Unknown stores are not remembered.
type storeCache struct {
	admin *admin.Service
	clock func() time.Time
	mu    sync.RWMutex
	byKey map[string]storeEntry
}

// storeCacheAge is how long a changed secret may take to count.
const storeCacheAge = 5 * time.Second

func newStoreCache(a *admin.Service, clock func() time.Time) *storeCache {
	return &storeCache{admin: a, clock: clock, byKey: make(map[string]storeEntry)}
}

func (sc *storeCache) byDomain(ctx context.Context, platform order.Platform, domain string) (storeEntry, error) {
	key := string(platform) + "\x00" + domain
	return sc.get(key, func() (admin.Store, error) { return sc.admin.Books.StoreByDomain(ctx, platform, domain) })
}

func (sc *storeCache) byID(ctx context.Context, storeID string) (storeEntry, error) {
	return sc.get("\x00"+storeID, func() (admin.Store, error) { return sc.admin.Books.StoreByID(ctx, storeID) })
}

func (sc *storeCache) get(key string, read func() (admin.Store, error)) (storeEntry, error) {
	now := sc.clock()
	sc.mu.RLock()
	entry, ok := sc.byKey[key]
	sc.mu.RUnlock()
	if ok && now.Sub(entry.readAt) < storeCacheAge {
		return entry, nil
	}
	store, err := read()
	if err != nil {
		return storeEntry{}, err
	}
	secrets, err := sc.admin.Secrets(store)
	if err != nil {
		return storeEntry{}, err
	}
	entry = storeEntry{store: store, secrets: secrets, readAt: now}
	sc.mu.Lock()
	sc.byKey[key] = entry
	sc.mu.Unlock()
	return entry, nil
}
