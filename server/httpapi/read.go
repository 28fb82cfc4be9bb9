package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// Page sizes: the default fits a screen, the maximum bounds one answer's memory.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// page is one page of a list; next_cursor is "" at the end.
type page[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"next_cursor"`
}

// list answers with one page of what read gives for the key's program.
func list[T any](s *Server, c *gin.Context, read func(ctx context.Context, program string, p query.Page) ([]T, string, error)) {
	p, err := pageOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	rows, next, err := read(c.Request.Context(), apiKey(c).ProgramID, p)
	if err != nil {
		s.fail(c, err)
		return
	}
	if rows == nil {
		rows = []T{}
	}
	c.JSON(http.StatusOK, page[T]{Data: rows, NextCursor: next})
}

// one answers with one row.
func one[T any](s *Server, c *gin.Context, read func(ctx context.Context, program string) (T, error)) {
	row, err := read(c.Request.Context(), apiKey(c).ProgramID)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, row)
}

func pageOf(c *gin.Context) (query.Page, error) {
	p := query.Page{Limit: defaultLimit, After: c.Query("after")}
	if text := c.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			return p, &server.Error{Code: server.Invalid, Field: "limit", Message: "limit is a whole number from 1 to 200"}
		}
		p.Limit = n
	}
	return p, nil
}

func (s *Server) listCommissions(c *gin.Context) {
	f := query.CommissionFilter{PlatformOrderID: c.Query("order_id"), DistributorID: c.Query("referrer_id"), Status: c.Query("status")}
	switch f.Status {
	case "", "PENDING", "AVAILABLE", "PAID", "REVERSED":
	default:
		s.fail(c, &server.Error{Code: server.Invalid, Field: "status", Message: "status is PENDING, AVAILABLE, PAID or REVERSED"})
		return
	}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Commission, string, error) {
		return s.Reader.Commissions(ctx, program, f, p)
	})
}

func (s *Server) overview(c *gin.Context) { one(s, c, s.Reader.Overview) }

func (s *Server) listStores(c *gin.Context) {
	list(s, c, func(ctx context.Context, program string, _ query.Page) ([]query.StoreRow, string, error) {
		rows, err := s.Reader.Stores(ctx, program)
		return rows, "", err
	})
}

func (s *Server) listOrders(c *gin.Context) {
	f := query.OrderFilter{
		StoreID: c.Query("store_id"), Settlement: c.Query("settlement"), ReasonCode: c.Query("reason_code"),
		DistributorID: c.Query("distributor_id"), Search: c.Query("search"),
	}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Order, string, error) {
		return s.Reader.Orders(ctx, program, f, p)
	})
}

func (s *Server) getOrder(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (query.Order, error) {
		return s.Reader.Order(ctx, program, c.Param("store_id")+"/"+c.Param("platform_order_id"))
	})
}

func (s *Server) listPostings(c *gin.Context) {
	f := query.PostingFilter{OrderID: c.Query("order_id"), DistributorID: c.Query("distributor_id"), Kind: c.Query("kind")}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Posting, string, error) {
		return s.Reader.Postings(ctx, program, f, p)
	})
}

func (s *Server) listDeliveries(c *gin.Context) {
	f := query.DeliveryFilter{
		StoreID: c.Query("store_id"), Status: c.Query("status"),
		PlatformDeliveryID: c.Query("platform_delivery_id"), OrderID: c.Query("order_id"),
	}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Delivery, string, error) {
		return s.Reader.Deliveries(ctx, program, f, p)
	})
}

func (s *Server) getDelivery(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (query.Delivery, error) {
		return s.Reader.Delivery(ctx, program, c.Param("delivery_id"))
	})
}

// replayDelivery processes a delivery once more. By convergence that changes nothing unless a cause was mended.
func (s *Server) replayDelivery(c *gin.Context) {
	key, id := apiKey(c), c.Param("delivery_id")
	ctx := c.Request.Context()
	if err := s.Admin.Books.Replay(ctx, key.ProgramID, id); err != nil {
		s.fail(c, err)
		return
	}
	if err := s.Admin.Books.Audit(ctx, key.ProgramID, "api-key:"+key.KeyID, "delivery.replay", id, ""); err != nil {
		s.fail(c, err)
		return
	}
	s.Kick()
	c.JSON(http.StatusAccepted, gin.H{"delivery_id": id, "status": "waiting"})
}

func (s *Server) listDistributors(c *gin.Context) {
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Distributor, string, error) {
		return s.Reader.Distributors(ctx, program, c.Query("search"), p)
	})
}

func (s *Server) getDistributor(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (query.Distributor, error) {
		return s.Reader.Distributor(ctx, program, c.Param("distributor_id"))
	})
}

func (s *Server) listMappings(c *gin.Context) {
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Mapping, string, error) {
		return s.Reader.Mappings(ctx, program, c.Query("search"), p)
	})
}

func (s *Server) listUnmapped(c *gin.Context) {
	list(s, c, func(ctx context.Context, program string, _ query.Page) ([]query.UnmappedSKU, string, error) {
		rows, err := s.Reader.UnmappedSKUs(ctx, program)
		return rows, "", err
	})
}

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

func (s *Server) setup(c *gin.Context) {
	ctx := c.Request.Context()
	state := setupState{Version: s.Version, Shopify: len(s.AppSecrets["shopify"]) > 0}
	programs, err := s.Reader.Programs(ctx)
	if err != nil {
		s.fail(c, err)
		return
	}
	for _, p := range programs {
		o, err := s.Reader.Overview(ctx, p.ProgramID)
		if err != nil {
			s.fail(c, err)
			return
		}
		state.Program = true
		state.Store = state.Store || len(o.Stores) > 0
		state.People = state.People || o.Distributors > 0
		state.Mappings = state.Mappings || o.MappedSKUs > 0
		state.Plan = state.Plan || o.Plans > 0
		state.Order = state.Order || o.Orders > 0
	}
	c.JSON(http.StatusOK, state)
}
