package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server/admin"
)

// orderColumns are the columns of an order file: one row per line item, rows of one order share order_id.
func orderColumns() columns {
	return columns{
		required: []string{"order_id", "order_ts", "sku", "qty", "unit_price"},
		ids:      []string{"order_id", "sku", "distributor_ref", "customer_id"},
		aliases: map[string]string{
			"orderid": "order_id", "platformorderid": "order_id", "order": "order_id", "ordernumber": "order_id",
			"orderts": "order_ts", "date": "order_ts", "createdat": "order_ts", "orderdate": "order_ts",
			"status": "status", "currency": "currency",
			"distributorref": "distributor_ref", "distributorid": "distributor_ref", "referrerid": "distributor_ref",
			"customerid": "customer_id", "sku": "sku", "platformsku": "sku",
			"qty": "qty", "quantity": "qty", "unitprice": "unit_price", "price": "unit_price", "total": "total",
		},
	}
}

// Order is one order of a file, as the body POST /api/mlm/orders takes.
type Order struct {
	PlatformOrderID string
	Rows            []int // of the table, one per item
	Body            []byte
}

// orderBody and orderItem are the normalised form of the API.
type orderBody struct {
	Platform        string      `json:"platform"`
	PlatformOrderID string      `json:"platform_order_id"`
	OrderTS         string      `json:"order_ts"`
	Status          string      `json:"status,omitempty"`
	Currency        string      `json:"currency,omitempty"`
	DistributorRef  string      `json:"distributor_ref,omitempty"`
	CustomerID      string      `json:"customer_id,omitempty"`
	Items           []orderItem `json:"items"`
	Total           string      `json:"total,omitempty"`
}

type orderItem struct {
	PlatformSKU string      `json:"platform_sku"`
	Qty         json.Number `json:"qty"`
	UnitPrice   string      `json:"unit_price"`
}

// grouped is one order while its rows are read.
type grouped struct {
	body orderBody
	rows []int
}

// Orders reads an order file and groups its rows; platform and currency are the store's, for rows that name none, and a date
// begins by the clocks of zone. Rows
// of one order that contradict each other are faults. Whether the figures make an order is checked by the adapter that
// reads the bodies; see OrderFault.
func Orders(r io.Reader, encoding, platform, currency string, zone *time.Location) (*Table, []Order, error) {
	t, err := readTable(r, encoding, orderColumns())
	if err != nil {
		return nil, nil, err
	}
	known := map[string]*grouped{}
	var all []*grouped
	for i, row := range t.Rows {
		head, item := t.orderHead(row, platform, zone), t.orderItem(row)
		id := head.PlatformOrderID
		if id == "" {
			t.fault(row.Line, row.Cells, "order_id", "empty: every row names its order")
			continue
		}
		g := known[id]
		if g == nil {
			g = &grouped{body: head}
			known[id], all = g, append(all, g)
			if head.Currency == "" {
				g.body.Currency = currency
			}
			if head.OrderTS == "" {
				t.fault(row.Line, row.Cells, "order_ts", "empty: the first row of an order says when it was placed")
			}
		} else {
			t.contradict(row, t.Rows[g.rows[0]].Line, g.body, head)
		}
		g.body.Items = append(g.body.Items, item)
		g.rows = append(g.rows, i)
	}
	t.Faults = t.With(nil)
	if len(t.Faults) > 0 {
		return t, nil, nil // nothing of a faulty file is sent, so nothing of it is encoded
	}
	orders, err := encodeOrders(all)
	return t, orders, err
}

func (t *Table) orderHead(row Row, platform string, zone *time.Location) orderBody {
	return orderBody{
		Platform: platform, PlatformOrderID: t.Get(row, "order_id"), OrderTS: t.orderTime(row, zone), Status: t.Get(row, "status"),
		Currency: t.Get(row, "currency"), DistributorRef: t.Get(row, "distributor_ref"),
		CustomerID: t.Get(row, "customer_id"), Total: t.amount(row, "total"),
	}
}

// orderTime writes a date as its first instant; an instant stays as it is.
func (t *Table) orderTime(row Row, zone *time.Location) string {
	text := t.Get(row, "order_ts")
	at, err := admin.ParseDateIn(text, zone)
	switch {
	case err != nil:
		t.fault(row.Line, row.Cells, "order_ts", "%v", err)
	case len(text) == len(time.DateOnly):
		return at.Format(time.RFC3339)
	}
	return text
}

// orderItem reads the row's own item.
func (t *Table) orderItem(row Row) orderItem {
	qty := t.Get(row, "qty")
	if n, err := strconv.ParseInt(qty, 10, 64); err != nil || n < 0 {
		t.fault(row.Line, row.Cells, "qty", "%.40q: write a whole number, such as 2", qty)
	} else {
		qty = strconv.FormatInt(n, 10)
	}
	price := t.amount(row, "unit_price")
	if price == "" {
		t.fault(row.Line, row.Cells, "unit_price", "empty: write 0 where it was free")
	}
	return orderItem{PlatformSKU: t.Get(row, "sku"), Qty: json.Number(qty), UnitPrice: price}
}

var (
	plainAmount = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,9})?$`)
	commaAmount = regexp.MustCompile(`^-?[0-9]+,[0-9]{1,2}$`)
)

// amount reads a decimal amount. A comma may mean a thousand or a fraction, so it is never guessed.
func (t *Table) amount(row Row, column string) string {
	text := t.Get(row, column)
	switch {
	case text == "" || plainAmount.MatchString(text):
	case commaAmount.MatchString(text):
		t.fault(row.Line, row.Cells, column, "%.40q: write %.40s, with a point", text, strings.Replace(text, ",", ".", 1))
	default:
		t.fault(row.Line, row.Cells, column, "%.40q: write a number such as 1234.50, without currency sign and thousands separator", text)
	}
	return text
}

// contradict names what a later row says differently from the order's first; an empty cell says nothing, as in exports
// that write an order's own figures once.
func (t *Table) contradict(row Row, firstLine int, a, b orderBody) {
	for _, field := range []struct{ name, first, later string }{
		{"order_ts", a.OrderTS, b.OrderTS},
		{"status", a.Status, b.Status},
		{"currency", a.Currency, b.Currency},
		{"distributor_ref", a.DistributorRef, b.DistributorRef},
		{"customer_id", a.CustomerID, b.CustomerID},
		{"total", a.Total, b.Total},
	} {
		if field.later != "" && field.first != field.later {
			t.fault(row.Line, row.Cells, field.name, "%.60q differs from %.60q in line %d, the order's first row", field.later, field.first, firstLine)
		}
	}
}

func encodeOrders(all []*grouped) ([]Order, error) {
	orders := make([]Order, 0, len(all))
	for _, g := range all {
		if g.body.Total == "" {
			g.body.Total = g.body.sum()
		}
		text, err := json.Marshal(g.body)
		if err != nil {
			return nil, fmt.Errorf("encode order %s: %w", g.body.PlatformOrderID, err)
		}
		orders = append(orders, Order{PlatformOrderID: g.body.PlatformOrderID, Rows: g.rows, Body: text})
	}
	return orders, nil
}

// sum is what the items cost together, for a file without totals: nothing was taken off and nothing added. "" where the
// figures make no sum; the reader of the body says why.
func (b *orderBody) sum() string {
	currency := money.Currency(b.Currency)
	var total int64
	for _, it := range b.Items {
		price, errPrice := money.ParseMinor(it.UnitPrice, currency)
		qty, errQty := it.Qty.Int64()
		amount, errAmount := money.Mul(price, qty)
		sum, errSum := money.Add(total, amount)
		if errors.Join(errPrice, errQty, errAmount, errSum) != nil {
			return ""
		}
		total = sum
	}
	return money.FormatMinor(total, currency)
}

// itemPath is how a body's reader names a place in an item: items[2].qty, or lines[2].quantity once it is an order.
var itemPath = regexp.MustCompile(`^(?:items|lines)\[([0-9]+)\]\.?(.*)$`)

// OrderFault is what a reader of the order's body found at a place in it, as a fault of the row that says it.
func (t *Table) OrderFault(o Order, path, reason string) Fault {
	row, field := t.Rows[o.Rows[0]], path
	if m := itemPath.FindStringSubmatch(path); m != nil {
		if i, err := strconv.Atoi(m[1]); err == nil && i < len(o.Rows) {
			row, field = t.Rows[o.Rows[i]], m[2]
		}
	}
	switch field {
	case "platform_sku":
		field = "sku"
	case "platform_order_id", "shopify_order_id":
		field = "order_id"
	case "$":
		field = ""
	}
	return Fault{Line: row.Line, Field: field, Reason: "order " + o.PlatformOrderID + ": " + reason, Row: row.Cells}
}
