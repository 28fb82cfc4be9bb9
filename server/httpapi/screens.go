package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

// Bodies opens what the inbox keeps sealed.
type Bodies interface {
	Open(row inbox.Row) ([]byte, error)
}

// Previewer tells what settling an order once more would do.
type Previewer interface {
	Preview(ctx context.Context, program string, source order.Source) (pipeline.Preview, error)
}

func (s *Server) screenRoutes(v1 *gin.RouterGroup) {
	v1.GET("/standing", s.standing)
	v1.GET("/distributors/:distributor_id/profile", s.getProfile)
	v1.GET("/orders/:store_id/:platform_order_id/steps", s.listSteps)
	v1.GET("/orders/:store_id/:platform_order_id/facts", s.getFacts)
	v1.POST("/orders/:store_id/:platform_order_id/recheck", s.recheck)
	v1.GET("/deliveries/:delivery_id/body", s.getBody)
	v1.GET("/mappings/current", s.listCurrent)
	s.ruleRoutes(v1)
}

// standingView is where the program stands, with the figures of this process.
type standingView struct {
	query.Standing
	Ack        query.Latency `json:"ack"`        // from a webhook's arrival to the answer that says "on disk", since start
	Duplicates int64         `json:"duplicates"` // deliveries that were there already, since start
	At         time.Time     `json:"at"`
}

func (s *Server) standing(c *gin.Context) {
	st, err := s.Screens.Standing(c.Request.Context(), programOf(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	ack, duplicates, err := ackFigures(s.Gatherer)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, standingView{Standing: st, Ack: ack, Duplicates: duplicates, At: s.Clock().UTC()})
}

func (s *Server) getProfile(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (query.Profile, error) {
		return s.Screens.Profile(ctx, program, param(c, "distributor_id"))
	})
}

func (s *Server) listSteps(c *gin.Context) {
	list(s, c, onePage(func(ctx context.Context, program string) ([]query.Step, error) {
		id, err := orderIDOf(c)
		if err != nil {
			return nil, err
		}
		return s.Screens.Steps(ctx, program, id)
	}))
}

func (s *Server) listCurrent(c *gin.Context) {
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Mapping, string, error) {
		return s.Screens.CurrentMappings(ctx, program, c.Query("search"), p)
	})
}

// factsView is an order as its platform told it, all revisions united: what was sold, and what went back.
type factsView struct {
	OrderID       string         `json:"order_id"`
	Status        order.Status   `json:"status"`
	Test          bool           `json:"test"`
	Deleted       bool           `json:"deleted"`
	Currency      string         `json:"currency"`
	TaxesIncluded bool           `json:"taxes_included"`
	Country       string         `json:"country,omitempty"`
	OrderDiscount string         `json:"order_discount"`
	Paid          string         `json:"paid,omitempty"` // what the buyer has paid of Total; both absent where the platform does not say
	Total         string         `json:"total,omitempty"`
	Lines         []soldView     `json:"lines"`
	Refunds       []refundView   `json:"refunds"`
	Evidence      []evidenceView `json:"evidence"`
}

type soldView struct {
	LineID      string         `json:"line_id"`
	Kind        order.LineKind `json:"kind"`
	PlatformSKU string         `json:"platform_sku"`
	Quantity    int64          `json:"quantity"`
	UnitPrice   string         `json:"unit_price"`
	Gross       string         `json:"gross"`
	Discount    string         `json:"discount"`
	Tax         string         `json:"tax"`
}

type refundView struct {
	RefundID string             `json:"refund_id"`
	At       time.Time          `json:"at"`
	Deleted  bool               `json:"deleted"`
	Amount   string             `json:"amount"` // paid back without naming lines
	Lines    []refundedLineView `json:"lines"`
}

type refundedLineView struct {
	LineID   string `json:"line_id"`
	Quantity int64  `json:"quantity"`
	Amount   string `json:"amount"`
}

type evidenceView struct {
	Kind  order.EvidenceKind `json:"kind"`
	Value string             `json:"value"`
}

func (s *Server) getFacts(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (factsView, error) {
		id, err := orderIDOf(c)
		if err != nil {
			return factsView{}, err
		}
		state, err := s.Screens.OrderState(ctx, program, id)
		if err != nil {
			return factsView{}, err
		}
		o, err := state.Effective()
		if err != nil { // parked, and the reason says why: nothing that could be shown as the order is known
			return factsView{}, server.Errorf(server.Conflict, "the order cannot be told yet: %v", err)
		}
		return factsOf(&state, &o), nil
	})
}

func factsOf(state *order.State, o *order.Order) factsView {
	text := func(minor int64) string { return money.FormatMinor(minor, o.Currency) }
	v := factsView{
		OrderID: state.Source.String(), Status: o.Status, Test: o.Test, Deleted: state.Deleted, Currency: string(o.Currency),
		TaxesIncluded: o.TaxesIncluded, Country: o.Country, OrderDiscount: text(o.OrderDiscountMinor), Lines: []soldView{}, Refunds: []refundView{}, Evidence: []evidenceView{},
	}
	if o.TotalMinor != 0 {
		v.Paid, v.Total = text(o.PaidMinor), text(o.TotalMinor)
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		v.Lines = append(v.Lines, soldView{
			l.LineID, l.Kind, l.PlatformSKU, l.Quantity, text(l.UnitPriceMinor), text(l.GrossMinor), text(l.DiscountMinor), text(l.TaxMinor),
		})
	}
	for i := range state.Refunds {
		r := &state.Refunds[i]
		back := refundView{r.RefundID, r.At, r.Deleted, text(r.MoneyMinor), []refundedLineView{}}
		for _, l := range r.Lines {
			back.Lines = append(back.Lines, refundedLineView{l.LineID, l.Quantity, text(l.SubtotalMinor)})
		}
		v.Refunds = append(v.Refunds, back)
	}
	for _, e := range o.Evidence {
		v.Evidence = append(v.Evidence, evidenceView{e.Kind, e.Value})
	}
	return v
}

// recheckView says whether an order is what it should be: its stored calculation gives the same bytes again, and settling
// it by what is known now would post nothing.
type recheckView struct {
	SnapshotID string      `json:"snapshot_id,omitempty"` // of the newest calculation
	Equal      bool        `json:"equal"`                 // recomputed byte by byte; true where there is none to recompute
	Fault      string      `json:"fault,omitempty"`
	Preview    previewView `json:"preview"`
}

// previewView is what settling an order once more would do.
type previewView struct {
	Outcome   string       `json:"outcome"` // settled, parked or unchanged
	Reason    string       `json:"reason,omitempty"`
	WillPost  int          `json:"will_post"` // rows of the ledger
	Postings  []changeView `json:"postings"`  // at most 100 of them
	Unchanged bool         `json:"unchanged"`
}

type changeView struct {
	DistributorID string `json:"distributor_id"`
	ComponentID   string `json:"component_id"`
	LineID        string `json:"line_id,omitempty"`
	Kind          string `json:"kind"`
	Currency      string `json:"currency"`
	Amount        string `json:"amount"`
}

// maxChanges bounds what a preview lists.
const maxChanges = 100

func previewOf(p *pipeline.Preview) previewView {
	v := previewView{Outcome: string(p.Outcome), WillPost: len(p.Postings), Postings: []changeView{}, Unchanged: len(p.Postings) == 0}
	if p.Reason != nil {
		v.Reason = p.Reason.Detail
	}
	for i := range p.Postings[:min(len(p.Postings), maxChanges)] {
		v.Postings = append(v.Postings, changeOf(&p.Postings[i]))
	}
	return v
}

func changeOf(p *ledger.Posting) changeView {
	return changeView{
		p.Key.DistributorID, p.Key.ComponentID, p.Key.LineID, string(p.Key.Kind), string(p.Key.Currency),
		money.FormatMinor(p.AmountMinor, p.Key.Currency),
	}
}

func (s *Server) recheck(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (recheckView, error) {
		id, err := orderIDOf(c)
		if err != nil {
			return recheckView{}, err
		}
		if _, err := s.Reader.Order(ctx, program, id); err != nil {
			return recheckView{}, err
		}
		snapshots, err := s.Reader.Snapshots(ctx, program, id)
		if err != nil {
			return recheckView{}, err
		}
		v := recheckView{Equal: true}
		if len(snapshots) > 0 {
			v.SnapshotID = snapshots[0].SnapshotID
			if _, err := commission.Recompute(snapshots[0].JSON); err != nil {
				v.Equal, v.Fault = false, err.Error()
			}
		}
		p, err := s.Previewer.Preview(ctx, program, sourceOf(id))
		v.Preview = previewOf(&p)
		return v, err
	})
}

// sourceOf reads an order's id; a store's id has no slash.
func sourceOf(orderID string) order.Source {
	store, id, _ := strings.Cut(orderID, "/")
	return order.Source{StoreID: store, PlatformOrderID: id}
}

// previewReplay says what a replay would do, and does nothing. A delivery that spoke of no order changes nothing.
func (s *Server) previewReplay(c *gin.Context, deliveryID string) {
	one(s, c, func(ctx context.Context, program string) (previewView, error) {
		d, err := s.Reader.Delivery(ctx, program, deliveryID)
		if err != nil {
			return previewView{}, err
		}
		if d.OrderID == "" {
			return previewView{Outcome: d.Status, Reason: d.Reason, Postings: []changeView{}, Unchanged: true}, nil
		}
		p, err := s.Previewer.Preview(ctx, program, sourceOf(d.OrderID))
		return previewOf(&p), err
	})
}

// bodyView is what arrived, as it arrived. Text is "" for bytes that are no text; the hash tells them apart all the same.
type bodyView struct {
	DeliveryID string            `json:"delivery_id"`
	Headers    map[string]string `json:"headers"`
	Text       string            `json:"text"`
	Bytes      int               `json:"bytes"`
}

// getBody shows a buyer's data, so that it is written down who looked.
func (s *Server) getBody(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (bodyView, error) {
		d, err := s.Screens.StoredDelivery(ctx, program, param(c, "delivery_id"))
		if err != nil {
			return bodyView{}, err
		}
		body, err := s.Bodies.Open(inbox.Row{
			Delivery: order.Delivery{DeliveryID: d.DeliveryID}, SealedBody: d.SealedBody, BodySHA256: d.BodySHA256,
		})
		if errors.Is(err, inbox.ErrBodyChanged) {
			return bodyView{}, server.Errorf(server.Conflict, "the stored body does not match its hash any more: somebody has changed it")
		}
		if err != nil {
			return bodyView{}, err
		}
		v := bodyView{DeliveryID: d.DeliveryID, Headers: d.Headers, Bytes: len(body)}
		if v.Headers == nil {
			v.Headers = map[string]string{}
		}
		if utf8.Valid(body) {
			v.Text = string(body)
		}
		return v, s.Admin.Books.Audit(ctx, program, actor(c), "delivery.body", d.DeliveryID, "")
	})
}
