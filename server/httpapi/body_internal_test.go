package httpapi

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
)

// keeper is an inbox whose deliveries are still to be settled when the answer goes out, or one that only stores.
type keeper struct {
	keeps bool
	taken []order.Delivery
}

func (k *keeper) Put(ctx context.Context, d order.Delivery) (inbox.PutResult, error) {
	if err := ctx.Err(); err != nil {
		return inbox.PutResult{}, err
	}
	k.taken = append(k.taken, d)
	return inbox.PutResult{DeliveryID: fmt.Sprint(len(k.taken)), BodyKept: k.keeps}, nil
}

type noFigures struct{}

func (noFigures) Acked(time.Duration) {}
func (noFigures) Duplicate(string)    {}
func (noFigures) BadSignature(string) {}
func (noFigures) TooLarge(string)     {}

// What the inbox keeps is no other delivery's memory: an order would be settled as the one that came after it. The senders have hung up
// by then, and what they sent is stored all the same.
func TestABodyThatIsKeptIsNotUsedAgain(t *testing.T) {
	const domain, secret = "shop.myshopify.com", "secret"
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for _, keeps := range []bool{true, false} {
		k := &keeper{keeps: keeps}
		s := &Server{
			Deps:   Deps{Inbox: k, Metrics: noFigures{}, Clock: clock, Adapters: map[order.Platform]adapters.Adapter{order.Shopify: shopify.New()}},
			stores: newStoreCache(nil, clock),
		}
		s.stores.byKey[storeKey{order.Shopify, domain}] = storeEntry{store: admin.Store{StoreID: "s1"}, secrets: [][]byte{[]byte(secret)}, readAt: now}
		engine := gin.New()
		engine.POST("/", s.webhook(order.Shopify))
		var want [][]byte
		for i := range 50 {
			body := fmt.Appendf(nil, "%03d %0*d", i, 100*(i%7), i)
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(body)
			r := httptest.NewRequestWithContext(gone, http.MethodPost, "/", bytes.NewReader(body))
			r.Header.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
			r.Header.Set("X-Shopify-Topic", "orders/paid")
			r.Header.Set("X-Shopify-Shop-Domain", domain)
			r.Header.Set("X-Shopify-Webhook-Id", fmt.Sprint("w", i))
			w := httptest.NewRecorder()
			engine.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("delivery %d: %d %s", i, w.Code, w.Body)
			}
			want = append(want, body)
		}
		changed := 0
		for i, d := range k.taken {
			if !bytes.Equal(d.Body, want[i]) {
				changed++
			}
		}
		if keeps && changed > 0 {
			t.Errorf("%d of %d bodies that were kept were written over", changed, len(want))
		}
		if !keeps && changed == 0 {
			t.Error("no memory was used again where nothing was kept")
		}
	}
}
