package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/install"
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
	// Names are what the distributors of the rows are called, in lists that tell of them.
	Names map[string]string `json:"names,omitempty"`
}

// list answers with one page of what read gives for the key's program.
func list[T any](s *Server, c *gin.Context, read func(ctx context.Context, program string, p query.Page) ([]T, string, error)) {
	listOf(s, c, read, nil)
}

// listOf does so with the names of those whom its rows speak of; who has none, or whose name was forgotten, keeps the id.
func listOf[T any](s *Server, c *gin.Context, read func(ctx context.Context, program string, p query.Page) ([]T, string, error), who func(*T) string) {
	p, err := pageOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	rows, next, err := read(c.Request.Context(), programOf(c), p)
	if err != nil {
		s.fail(c, err)
		return
	}
	if rows == nil {
		rows = []T{}
	}
	answer := page[T]{Data: rows, NextCursor: next}
	if who != nil {
		if answer.Names, err = s.Screens.Names(c.Request.Context(), programOf(c), people(rows, who)); err != nil {
			s.fail(c, err)
			return
		}
	}
	c.JSON(http.StatusOK, answer)
}

// people are those whom rows speak of, each once.
func people[T any](rows []T, who func(*T) string) []string {
	var ids []string
	for i := range rows {
		if id := who(&rows[i]); id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// onePage reads a list that is short enough to come whole, so that no cursor leads into it.
func onePage[T any](read func(ctx context.Context, program string) ([]T, error)) func(context.Context, string, query.Page) ([]T, string, error) {
	return func(ctx context.Context, program string, p query.Page) ([]T, string, error) {
		if p.After != "" {
			return nil, "", &server.Error{Code: server.Invalid, Field: "after", Message: "this list has one page; leave after out"}
		}
		rows, err := read(ctx, program)
		return rows, "", err
	}
}

// one answers with one row.
func one[T any](s *Server, c *gin.Context, read func(ctx context.Context, program string) (T, error)) {
	row, err := read(c.Request.Context(), programOf(c))
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

// oneOf refuses a filter that could only find nothing: a misspelt one looks like good news.
func (s *Server) oneOf(c *gin.Context, name string, values ...string) bool {
	value := c.Query(name)
	if value == "" || slices.Contains(values, value) {
		return true
	}
	s.fail(c, &server.Error{Code: server.Invalid, Field: name, Message: name + " is one of " + strings.Join(values, ", ")})
	return false
}

func (s *Server) commissionFilter(c *gin.Context) (query.CommissionFilter, bool) {
	ok := s.oneOf(c, "status", "PENDING", "AVAILABLE", "PAID", "REVERSED")
	return query.CommissionFilter{PlatformOrderID: c.Query("order_id"), DistributorID: c.Query("referrer_id"), Status: c.Query("status")}, ok
}

func (s *Server) listCommissions(c *gin.Context) {
	f, ok := s.commissionFilter(c)
	if !ok {
		return
	}
	listOf(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Commission, string, error) {
		return s.Reader.Commissions(ctx, program, f, p)
	}, func(row *query.Commission) string { return row.ReferrerID })
}

func (s *Server) overview(c *gin.Context) { one(s, c, s.Reader.Overview) }

func (s *Server) listStores(c *gin.Context) {
	list(s, c, onePage(s.grantedStores))
}

// grantedStores are the program's stores, with what a shop still has to grant the app.
func (s *Server) grantedStores(ctx context.Context, program string) ([]query.StoreRow, error) {
	rows, err := s.Reader.Stores(ctx, program)
	for i := range rows {
		if row := &rows[i]; s.Shopify != nil && row.Platform == string(order.Shopify) && row.Connection == string(install.Connected) {
			row.MissingScopes = s.Shopify.App.MissingScopes(row.Scopes)
			row.OptionalScopes = s.Shopify.App.OptionalScopes(row.Scopes)
		}
	}
	return rows, err
}

func (s *Server) orderFilter(c *gin.Context) (query.OrderFilter, bool) {
	f := query.OrderFilter{
		StoreID: c.Query("store_id"), Settlement: c.Query("settlement"), ReasonCode: c.Query("reason_code"),
		DistributorID: c.Query("distributor_id"), Search: c.Query("search"), Platform: c.Query("platform"), Status: c.Query("status"),
		OldestFirst: c.Query("sort") == "order_ts",
	}
	return f, s.oneOf(c, "settlement", "settled", "parked") && s.oneOf(c, "platform", platformNames...) &&
		s.oneOf(c, "sort", "order_ts", "-order_ts") && s.between(c, &f.From, &f.To) &&
		s.oneOf(c, "status", "pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided", "cancelled")
}

// platformNames are what a filter by platform may be.
var platformNames = []string{string(order.Shopify), string(order.WooCommerce), string(order.Magento), string(order.Custom)}

// between reads the query's from and to.
func (s *Server) between(c *gin.Context, from, to *time.Time) bool {
	return s.instants(c, "from", from) && s.instants(c, "to", to)
}

func (s *Server) listOrders(c *gin.Context) {
	f, ok := s.orderFilter(c)
	if !ok {
		return
	}
	listOf(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Order, string, error) {
		return s.Reader.Orders(ctx, program, f, p)
	}, func(row *query.Order) string { return row.DistributorID })
}

func (s *Server) getOrder(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (query.Order, error) {
		orderID, err := orderIDOf(c)
		if err != nil {
			return query.Order{}, err
		}
		return s.Reader.Order(ctx, program, orderID)
	})
}

func (s *Server) postingFilter(c *gin.Context) (query.PostingFilter, bool) {
	f := query.PostingFilter{
		OrderID: c.Query("order_id"), DistributorID: c.Query("distributor_id"), Kind: c.Query("kind"),
		ComponentID: c.Query("component_id"), Currency: c.Query("currency"),
	}
	return f, s.between(c, &f.From, &f.To)
}

func (s *Server) listPostings(c *gin.Context) {
	f, ok := s.postingFilter(c)
	if !ok {
		return
	}
	listOf(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Posting, string, error) {
		return s.Reader.Postings(ctx, program, f, p)
	}, func(row *query.Posting) string { return row.DistributorID })
}

func (s *Server) deliveryFilter(c *gin.Context) (query.DeliveryFilter, bool) {
	f := query.DeliveryFilter{
		StoreID: c.Query("store_id"), Status: c.Query("status"), Topic: c.Query("topic"),
		PlatformDeliveryID: c.Query("platform_delivery_id"), OrderID: c.Query("order_id"),
	}
	return f, s.oneOf(c, "status", string(inbox.Waiting), string(inbox.Done), string(inbox.Parked)) && s.between(c, &f.From, &f.To)
}

func (s *Server) listDeliveries(c *gin.Context) {
	f, ok := s.deliveryFilter(c)
	if !ok {
		return
	}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Delivery, string, error) {
		return s.Reader.Deliveries(ctx, program, f, p)
	})
}

func (s *Server) getDelivery(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (query.Delivery, error) {
		return s.Reader.Delivery(ctx, program, param(c, "delivery_id"))
	})
}

// replayDelivery processes a delivery once more. By convergence that changes nothing unless a cause was mended.
func (s *Server) replayDelivery(c *gin.Context) {
	program, id := programOf(c), param(c, "delivery_id")
	commit, err := commitOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	if !commit {
		s.previewReplay(c, id)
		return
	}
	ctx := c.Request.Context()
	if err := s.Admin.Books.Replay(ctx, program, id); err != nil {
		s.fail(c, err)
		return
	}
	if err := s.Admin.Books.Audit(ctx, program, actor(c), "delivery.replay", id, ""); err != nil {
		s.fail(c, err)
		return
	}
	s.Kick()
	c.JSON(http.StatusAccepted, gin.H{"delivery_id": id, "status": "waiting"})
}

func (s *Server) distributorFilter(c *gin.Context) (query.DistributorFilter, bool) {
	f := query.DistributorFilter{
		Search: c.Query("search"), Status: c.Query("status"), Rank: c.Query("rank"), Country: c.Query("country"),
		SponsorID: c.Query("sponsor_id"), Top: c.Query("sponsor_id") == admin.None, Newest: c.Query("sort") == "-created_at",
	}
	if f.Top {
		f.SponsorID = ""
	}
	return f, s.oneOf(c, "status", "active", "inactive", "suspended", "terminated") && s.oneOf(c, "sort", "distributor_id", "-created_at")
}

func (s *Server) listDistributors(c *gin.Context) {
	f, ok := s.distributorFilter(c)
	if !ok {
		return
	}
	listOf(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Distributor, string, error) {
		return s.Screens.People(ctx, program, f, p)
	}, func(row *query.Distributor) string { return row.SponsorID })
}

func (s *Server) getDistributor(c *gin.Context) {
	one(s, c, func(ctx context.Context, program string) (query.Distributor, error) {
		return s.Reader.Distributor(ctx, program, param(c, "distributor_id"))
	})
}

func (s *Server) listBindings(c *gin.Context) {
	f := query.BindingFilter{StoreID: c.Query("store_id"), CustomerID: c.Query("customer_id"), DistributorID: c.Query("distributor_id")}
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.CustomerBinding, string, error) {
		return s.Reader.CustomerBindings(ctx, program, f, p)
	})
}

func (s *Server) listMappings(c *gin.Context) {
	list(s, c, func(ctx context.Context, program string, p query.Page) ([]query.Mapping, string, error) {
		return s.Reader.Mappings(ctx, program, c.Query("search"), p)
	})
}

func (s *Server) listUnmapped(c *gin.Context) {
	list(s, c, onePage(func(ctx context.Context, program string) ([]query.UnmappedSKU, error) {
		rows, err := s.Reader.UnmappedSKUs(ctx, program)
		rankUnmapped(rows)
		return rows, err
	}))
}

// rankUnmapped puts the SKU for which the most money waits first. Money of two currencies cannot be compared, so
// currencies stay together, the one in which the most orders wait first.
func rankUnmapped(rows []query.UnmappedSKU) {
	orders := make(map[string]int64, 4)
	for _, row := range rows {
		orders[row.Currency] += row.Orders
	}
	slices.SortStableFunc(rows, func(a, b query.UnmappedSKU) int {
		return cmp.Or(
			cmp.Compare(orders[b.Currency], orders[a.Currency]), cmp.Compare(a.Currency, b.Currency),
			cmp.Compare(b.WaitingMinor, a.WaitingMinor), cmp.Compare(a.PlatformSKU, b.PlatformSKU),
		)
	})
}
