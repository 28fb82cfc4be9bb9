package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// The header that makes a repeat safe, and the bound of what becomes part of a database key.
const (
	idempotencyHeader = "Idempotency-Key"
	maxIdempotencyKey = 255
)

// ordersTopic is the topic under which orders told through the API are kept.
const ordersTopic = "orders"

// accepted is the answer to a posted order: it is on disk, and its commissions follow within milliseconds.
type accepted struct {
	DeliveryID string `json:"delivery_id"`
	OrderID    string `json:"order_id"`
	Status     string `json:"status"`
	Duplicate  bool   `json:"duplicate"`
}

// postOrder takes an order from any shop. The Idempotency-Key makes a repeat of the same body answer alike and another
// body a conflict; without the header every request is a new statement of the order as it now is, which is harmless.
func (s *Server) postOrder(c *gin.Context) {
	begin := s.Clock()
	body, err := readBody(c.Request)
	if err != nil {
		s.rejectBody(c, order.Custom, err)
		return
	}
	ctx := s.deadlines.ack()
	d, orderID, err := s.openAPIOrder(ctx, c, body)
	if err != nil {
		s.fail(c, err)
		return
	}
	result, err := s.Inbox.Put(ctx, d)
	if err == nil && result.Conflict {
		err = &server.Error{
			Code: server.Conflict, Field: idempotencyHeader,
			Message: "this Idempotency-Key was used with another body; use a new key for a new statement",
		}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	if result.Duplicate {
		s.Metrics.Duplicate(string(order.Custom))
	}
	s.Metrics.Acked(s.Clock().Sub(begin))
	c.Header(deliveryIDHeader, result.DeliveryID)
	c.JSON(http.StatusAccepted, accepted{DeliveryID: result.DeliveryID, OrderID: orderID, Status: "accepted", Duplicate: result.Duplicate})
}

// openAPIOrder builds the delivery and refuses at the door what the pipeline could only park: the sender is still here
// to mend it.
func (s *Server) openAPIOrder(ctx context.Context, c *gin.Context, body []byte) (order.Delivery, string, error) {
	key := principalOf(c)
	platformID, err := apiDeliveryID(key.KeyID, c.GetHeader(idempotencyHeader))
	if err != nil {
		return order.Delivery{}, "", err
	}
	entry, err := s.stores.byID(ctx, key.StoreID)
	if err != nil {
		return order.Delivery{}, "", err
	}
	d := order.Delivery{
		PlatformDeliveryID: platformID, ProgramID: key.Program, StoreID: key.StoreID,
		Platform: order.Custom, Topic: ordersTopic, Body: body, ReceivedAt: s.Clock().UTC(),
	}
	st := entry.store
	revisions, err := s.Adapters[order.Custom].Normalise(d, adapters.Store{
		StoreID: st.StoreID, Platform: st.Platform, Domain: st.Domain, Currency: st.Currency,
	})
	if err != nil {
		return order.Delivery{}, "", err
	}
	if len(revisions) != 1 || revisions[0].Order == nil {
		return order.Delivery{}, "", errors.New("the custom adapter gave no order and no error")
	}
	if err := revisions[0].Order.Validate(); err != nil {
		return order.Delivery{}, "", err
	}
	return d, revisions[0].Source.String(), nil
}

// apiDeliveryID binds an idempotency key to its API key, so that two clients may use the same words.
func apiDeliveryID(keyID, idempotencyKey string) (string, error) {
	switch {
	case idempotencyKey == "":
		return "api:" + requestID() + requestID(), nil
	case len(idempotencyKey) > maxIdempotencyKey || strings.ContainsFunc(idempotencyKey, unprintable):
		return "", &server.Error{
			Code: server.Invalid, Field: idempotencyHeader,
			Message: "an Idempotency-Key has at most 255 printable ASCII characters, for example a UUID",
		}
	}
	sum := sha256.Sum256([]byte(keyID + "\x00" + idempotencyKey))
	return "api:" + hex.EncodeToString(sum[:16]), nil
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }
