package importer

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
)

// orderColumns are the columns of an order file: one row per line item, rows of one order share order_id.
var orderColumns = columns{
	required: []string{"order_id", "order_ts", "sku", "qty", "unit_price"},
	aliases: map[string]string{
		"order_id": "order_id", "platform_order_id": "order_id", "order": "order_id", "number": "order_id",
		"order_ts": "order_ts", "date": "order_ts", "created_at": "order_ts", "order_date": "order_ts",
		"status": "status", "currency": "currency",
		"distributor_ref": "distributor_ref", "distributor_id": "distributor_ref", "referrer_id": "distributor_ref",
		"customer_id": "customer_id", "sku": "sku", "platform_sku": "sku",
		"qty": "qty", "quantity": "qty", "unit_price": "unit_price", "price": "unit_price", "total": "total",
	},
}

// Order is one order of a file, as the body POST /api/mlm/orders takes.
type Order struct {
	PlatformOrderID string
	Rows            []int // of the table
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

// Orders reads an order file and groups its rows. Rows of one order that contradict each other are faults. The figures
// themselves are checked by the adapter that reads the bodies.
func Orders(r io.Reader, encoding, platform, currency string) (*Table, []Order, error) {
	t, err := readTable(r, encoding, orderColumns)
	if err != nil {
		return nil, nil, err
	}
	bodies := map[string]*orderBody{}
	rows := map[string][]int{}
	var ids []string
	for i, row := range t.Rows {
		id := t.Get(row, "order_id")
		if id == "" {
			t.Faults = append(t.Faults, Fault{Line: row.Line, Field: "order_id", Reason: "empty: every row names its order", Row: row.Cells})
			continue
		}
		head := t.orderHead(row, platform, currency)
		body, known := bodies[id]
		if !known {
			body = &head
			bodies[id] = body
			ids = append(ids, id)
		} else if field := contradiction(*body, head); field != "" {
			t.Faults = append(t.Faults, Fault{Line: row.Line, Field: field, Reason: "differs from the order's first row", Row: row.Cells})
			continue
		}
		body.Items = append(body.Items, orderItem{
			PlatformSKU: t.Get(row, "sku"), Qty: json.Number(t.Get(row, "qty")), UnitPrice: t.Get(row, "unit_price"),
		})
		rows[id] = append(rows[id], i)
	}
	return t, t.encodeOrders(ids, bodies, rows), nil
}

func (t *Table) orderHead(row Row, platform, currency string) orderBody {
	ts := t.Get(row, "order_ts")
	if len(ts) == len("2026-01-31") {
		ts += "T00:00:00Z"
	}
	b := orderBody{
		Platform: platform, PlatformOrderID: t.Get(row, "order_id"), OrderTS: ts, Status: t.Get(row, "status"),
		Currency: t.Get(row, "currency"), DistributorRef: t.Get(row, "distributor_ref"),
		CustomerID: t.Get(row, "customer_id"), Total: t.Get(row, "total"),
	}
	if b.Currency == "" {
		b.Currency = currency
	}
	return b
}

func (t *Table) encodeOrders(ids []string, bodies map[string]*orderBody, rows map[string][]int) []Order {
	orders := make([]Order, 0, len(ids))
	for _, id := range ids {
		text, err := json.Marshal(bodies[id])
		if err != nil { // a quantity that is no number
			first := t.Rows[rows[id][0]]
			t.Faults = append(t.Faults, Fault{Line: first.Line, Field: "qty", Reason: fmt.Sprintf("not a number: %v", err), Row: first.Cells})
			continue
		}
		orders = append(orders, Order{PlatformOrderID: id, Rows: rows[id], Body: text})
	}
	sort.SliceStable(t.Faults, func(i, j int) bool { return t.Faults[i].Line < t.Faults[j].Line })
	return orders
}

func contradiction(a, b orderBody) string {
	switch {
	case a.OrderTS != b.OrderTS:
		return "order_ts"
	case a.Status != b.Status:
		return "status"
	case a.Currency != b.Currency:
		return "currency"
	case a.DistributorRef != b.DistributorRef:
		return "distributor_ref"
	case a.CustomerID != b.CustomerID:
		return "customer_id"
	case a.Total != b.Total:
		return "total"
	}
	return ""
}
