package httpapi

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

// exportPage is how many rows an export reads at once, and exportFor how long each may take.
const (
	exportPage = 2000
	exportFor  = 30 * time.Second
)

// exports are the lists that can be taken away.
var exports = []string{"orders", "ledger", "commissions", "distributors", "mappings", "deliveries"}

// table is a list as CSV: its columns, and a page of it as rows of text.
type table struct {
	columns []string
	page    func(ctx context.Context, program string, p query.Page) (rows [][]string, next string, err error)
}

// export streams a list as CSV, with the filters of the list, or all lists as one archive. A download that cannot be finished
// is broken off, so that nobody takes half of it for all.
func (s *Server) export(c *gin.Context) {
	if param(c, "list") == archiveName {
		s.exportAll(c)
		return
	}
	name := strings.TrimSuffix(param(c, "list"), ".csv")
	t, ok := s.tableOf(c, name)
	if !ok {
		if !c.IsAborted() {
			s.fail(c, server.Errorf(server.NotFound, "there are exports %s.csv, and %s of all of them", strings.Join(exports, ".csv, "), archiveName))
		}
		return
	}
	first, next, err := t.page(c.Request.Context(), programOf(c), query.Page{Limit: exportPage})
	if err == nil {
		err = s.Admin.Books.Audit(c.Request.Context(), programOf(c), actor(c), "export", name, c.Request.URL.RawQuery)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.attach(c, "text/csv; charset=utf-8", name, ".csv")
	if _, err := s.writeTable(c, t, first, next, c.Writer); err != nil {
		s.breakOff(c, err)
	}
}

// attach makes the answer a file of today.
func (s *Server) attach(c *gin.Context, kind, name, suffix string) {
	c.Header("Content-Type", kind)
	c.Header("Content-Disposition", `attachment; filename="`+name+"-"+s.Clock().UTC().Format(time.DateOnly)+suffix+`"`)
}

// writeTable writes a list whose first page is read, a page at a time, and counts its rows.
func (s *Server) writeTable(c *gin.Context, t table, rows [][]string, next string, into io.Writer) (n int64, err error) {
	w := csv.NewWriter(into)
	err = w.Write(t.columns)
	for err == nil {
		_ = http.NewResponseController(c.Writer).SetWriteDeadline(s.Clock().Add(exportFor))
		n += int64(len(rows))
		if err = w.WriteAll(rows); err != nil || next == "" {
			break
		}
		rows, next, err = t.page(c.Request.Context(), programOf(c), query.Page{Limit: exportPage, After: next})
	}
	return n, err
}

func (s *Server) breakOff(c *gin.Context, err error) {
	if c.Request.Context().Err() == nil {
		s.Logger.ErrorContext(c.Request.Context(), "export broken off", "error", err, "path", c.FullPath())
	}
	if conn, _, err := c.Writer.Hijack(); err == nil {
		_ = conn.Close()
	}
}

// tableOf finds an export by its name; false where there is none, or a filter was refused.
func (s *Server) tableOf(c *gin.Context, name string) (table, bool) {
	switch name {
	case "orders":
		f, ok := s.orderFilter(c)
		return ordersTable(s, f), ok
	case "ledger":
		f, ok := s.postingFilter(c)
		return ledgerTable(s, f), ok
	case "commissions":
		f, ok := s.commissionFilter(c)
		return commissionsTable(s, f), ok
	case "distributors":
		f, ok := s.distributorFilter(c)
		return distributorsTable(s, f), ok
	case "mappings":
		return mappingsTable(s, c.Query("search")), true
	case "deliveries":
		f, ok := s.deliveryFilter(c)
		return deliveriesTable(s, f), ok
	}
	return table{}, false
}

// tabled turns a list into a table, row by row.
func tabled[T any](columns string, read func(ctx context.Context, program string, p query.Page) ([]T, string, error), row func(*T) []string) table {
	return table{strings.Fields(columns), func(ctx context.Context, program string, p query.Page) ([][]string, string, error) {
		list, next, err := read(ctx, program, p)
		rows := make([][]string, len(list))
		for i := range list {
			rows[i] = row(&list[i])
		}
		return rows, next, err
	}}
}

// plain keeps a text that somebody else wrote from being a formula in a spreadsheet, as the import reads it back.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func stampOf(at *time.Time) string {
	if at == nil {
		return ""
	}
	return stamp(*at)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func ordersTable(s *Server, f query.OrderFilter) table {
	return tabled(`order_id store_id platform platform_order_id name order_ts status settlement reason_code reason currency net earned waiting
		waiting_currency distributor_id buyer_id revision received_at settled_at`,
		func(ctx context.Context, program string, p query.Page) ([]query.Order, string, error) {
			return s.Reader.Orders(ctx, program, f, p)
		},
		func(o *query.Order) []string {
			return []string{
				plain(o.OrderID), o.StoreID, o.Platform, plain(o.PlatformOrderID), plain(o.Name), stamp(o.OrderTS), o.Status, o.Settlement,
				o.ReasonCode, plain(o.Reason), o.Currency, o.Net, o.Earned, o.Waiting, o.WaitingCurrency, plain(o.DistributorID), plain(o.BuyerID),
				number(o.Revision), stamp(o.ReceivedAt), stampOf(o.SettledAt),
			}
		})
}

func ledgerTable(s *Server, f query.PostingFilter) table {
	return tabled(`event_id order_id line_id component_id distributor_id kind from to currency amount revision snapshot_id order_ts posted_at batch_sequence`,
		func(ctx context.Context, program string, p query.Page) ([]query.Posting, string, error) {
			return s.Reader.Postings(ctx, program, f, p)
		},
		func(p *query.Posting) []string {
			return []string{
				p.EventID, plain(p.OrderID), plain(p.LineID), p.ComponentID, plain(p.DistributorID), p.Kind, p.From, p.To, p.Currency, p.Amount,
				number(p.Revision), p.SnapshotID, stamp(p.OrderTS), stamp(p.PostedAt), number(p.BatchSequence),
			}
		})
}

func commissionsTable(s *Server, f query.CommissionFilter) table {
	return tabled(`commission_id order_id store_id sku buyer_id referrer_id component_id currency value status order_ts updated_at`,
		func(ctx context.Context, program string, p query.Page) ([]query.Commission, string, error) {
			return s.Reader.Commissions(ctx, program, f, p)
		},
		func(m *query.Commission) []string {
			return []string{
				plain(m.CommissionID), plain(m.OrderID), m.StoreID, plain(m.SKU), plain(m.BuyerID), plain(m.ReferrerID), m.ComponentID, m.Currency,
				m.Value, m.Status, stamp(m.OrderTS), stamp(m.UpdatedAt),
			}
		})
}

// distributorsTable has the columns of the import, so that what is taken out can be mended and brought in again.
func distributorsTable(s *Server, f query.DistributorFilter) table {
	return tabled(`distributor_id sponsor_id status rank country created_at codes name email`,
		func(ctx context.Context, program string, p query.Page) ([]query.Distributor, string, error) {
			return s.Screens.People(ctx, program, f, p)
		},
		func(d *query.Distributor) []string {
			return []string{
				plain(d.DistributorID), plain(d.SponsorID), d.Status, d.Rank, d.Country, stamp(d.CreatedAt), plain(strings.Join(d.Codes, " ")),
				plain(d.Name), plain(d.Email),
			}
		})
}

func mappingsTable(s *Server, search string) table {
	return tabled(`platform platform_sku sku_id name category commission_class cv cv_of_net qv qv_of_net country valid_from`,
		func(ctx context.Context, program string, p query.Page) ([]query.Mapping, string, error) {
			return s.Screens.CurrentMappings(ctx, program, search, p)
		},
		func(m *query.Mapping) []string {
			return []string{
				m.Platform, plain(m.PlatformSKU), plain(m.SKUID), plain(m.Name), plain(m.Category), m.CommissionClass, m.CVPerUnit, m.CVOfNet,
				m.QVPerUnit, m.QVOfNet, m.Country, stamp(m.ValidFrom),
			}
		})
}

func deliveriesTable(s *Server, f query.DeliveryFilter) table {
	return tabled(`delivery_id platform_delivery_id store_id platform topic order_id status result reason attempt body_bytes body_sha256 received_at settled_at`,
		func(ctx context.Context, program string, p query.Page) ([]query.Delivery, string, error) {
			return s.Reader.Deliveries(ctx, program, f, p)
		},
		func(d *query.Delivery) []string {
			return []string{
				d.DeliveryID, plain(d.PlatformDeliveryID), d.StoreID, d.Platform, plain(d.Topic), plain(d.OrderID), d.Status, d.Result, plain(d.Reason),
				strconv.Itoa(d.Attempt), strconv.Itoa(d.BodyBytes), d.BodySHA256, stamp(d.ReceivedAt), stampOf(d.SettledAt),
			}
		})
}
