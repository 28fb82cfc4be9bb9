package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// maxIdempotencyKey bounds a header that becomes part of a database key.
const maxIdempotencyKey = 200

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
	d, orderID, err := s.openAPIOrder(c, body)
	if err != nil {
		s.fail(c, err)
		return
	}
	result, err := s.Inbox.Put(c.Request.Context(), d)
	if err == nil && result.Conflict {
		err = &server.Error{Code: server.Conflict, Field: "Idempotency-Key",
			Message: "this Idempotency-Key was used with another body; use a new key"}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	if result.Duplicate {
		s.Metrics.Duplicate(string(order.Custom))
	}
	s.Metrics.Acked(s.Clock().Sub(begin))
	c.JSON(http.StatusAccepted, accepted{DeliveryID: result.DeliveryID, OrderID: orderID, Status: "accepted", Duplicate: result.Duplicate})
}

func (s *Server) openAPIOrder(c *gin.Context, body []byte) (order.Delivery, string, error) {
	key := apiKey(c)
	if key.StoreID == "" {
		return order.Delivery{}, "", server.Errorf(server.Forbidden, "this key only reads; orders need a key bound to a store")
	}
	entry, err := s.stores.byID(c.Request.Context(), key.StoreID)
	if err != nil {
		return order.Delivery{}, "", err
	}
	idempotencyKey := c.GetHeader("Idempotency-Key")
	if len(idempotencyKey) > maxIdempotencyKey {
		return order.Delivery{}, "", &server.Error{Code: server.Invalid, Field: "Idempotency-Key", Message: "an Idempotency-Key has at most 200 bytes"}
	}
	d := order.Delivery{
		PlatformDeliveryID: apiDeliveryID(key.KeyID, idempotencyKey), ProgramID: key.ProgramID, StoreID: key.StoreID,
		Platform: order.Custom, Topic: "orders", Body: body, ReceivedAt: s.Clock(),
	}
	adapter := s.Adapters[order.Custom]
	st := entry.store
	info := adapters.Store{StoreID: st.StoreID, Platform: st.Platform, Domain: st.Domain, Currency: st.Currency}
	revisions, err := adapter.Normalise(d, info)
	if err != nil {
		return order.Delivery{}, "", err
	}
	for i := range revisions {
		if o := revisions[i].Order; o != nil {
			if err := o.Validate(); err != nil {
				return order.Delivery{}, "", &server.Error{Code: server.Invalid, Message: err.Error(), Err: err}
			}
		}
	}
	return d, revisions[0].Source.String(), nil
}

// apiDeliveryID binds an idempotency key to its API key, so that two clients may use the same words.
func apiDeliveryID(keyID, idempotencyKey string) string {
	if idempotencyKey == "" {
		return "api:" + requestID() + requestID()
	}
	sum := sha256.Sum256([]byte(keyID + "\x00" + idempotencyKey))
	return "api:" + hex.EncodeToString(sum[:16])
}

// explanation is why an order paid what it paid, newest calculation first.
type explanation struct {
	Order        query.Order     `json:"order"`
	Text         string          `json:"text,omitempty"`
	Calculations []calculation   `json:"calculations"`
	Postings     []query.Posting `json:"postings"`
}

type calculation struct {
	query.Snapshot
	CalcSnapshot json.RawMessage         `json:"calc_snapshot_json"`
	Explanation  *commission.Explanation `json:"explanation,omitempty"`
}

func (s *Server) explainOrder(c *gin.Context) {
	e, err := s.explain(c.Request.Context(), apiKey(c).ProgramID, c.Param("store_id")+"/"+c.Param("platform_order_id"))
	if err != nil {
		s.fail(c, err)
		return
	}
	if c.NegotiateFormat("application/json", "text/plain") == "text/plain" {
		c.String(http.StatusOK, e.Text)
		return
	}
	c.JSON(http.StatusOK, e)
}

func (s *Server) explain(ctx context.Context, program, orderID string) (explanation, error) {
	o, err := s.Reader.Order(ctx, program, orderID)
	if err != nil {
		return explanation{}, err
	}
	e := explanation{Order: o, Calculations: []calculation{}}
	snapshots, err := s.Reader.Snapshots(ctx, program, orderID)
	if err != nil {
		return explanation{}, err
	}
	for _, snap := range snapshots {
		calc := calculation{Snapshot: snap, CalcSnapshot: snap.JSON}
		if ex, err := commission.Explain(snap.JSON); err == nil {
			calc.Explanation = &ex
			if e.Text == "" {
				e.Text = ex.Text(func(id string) string { return id })
			}
		}
		e.Calculations = append(e.Calculations, calc)
	}
	e.Postings, _, err = s.Reader.Postings(ctx, program, query.PostingFilter{OrderID: orderID}, query.Page{Limit: 200})
	return e, err
}
