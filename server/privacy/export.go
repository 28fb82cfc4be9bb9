package privacy

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"time"

	"upline.dev/upline/server"
)

// maxExportBytes bounds the bodies in one export, so that a wholesale customer's years fit into memory. What is left out
// is said in the file.
const maxExportBytes = 32 << 20

// Formats are the files an export has.
func Formats() []string { return []string{"json", "csv"} }

// File is the export's JSON: everything that is kept of one customer.
type File struct {
	Explanation string    `json:"explanation"`
	StoreID     string    `json:"store_id"`
	CustomerID  string    `json:"customer_id,omitempty"`
	MadeAt      time.Time `json:"made_at"`
	Bindings    []Bound   `json:"bindings"`
	Orders      []Order   `json:"orders"`
	Deliveries  []Told    `json:"deliveries"`
	LeftOut     int       `json:"deliveries_left_out,omitempty"` // their bodies would not fit
}

// Told is one delivery that spoke of the person, as long as its body is kept.
type Told struct {
	DeliveryID string          `json:"delivery_id"`
	OrderID    string          `json:"order_id"`
	Topic      string          `json:"topic"`
	ReceivedAt time.Time       `json:"received_at"`
	Body       json.RawMessage `json:"body"`
}

const explanation = "This is what Upline keeps of the customer. Upline computes commissions from orders; of a buyer it keeps the " +
	"store's own id, and raw messages of the store for a limited time. Revisions hold ids and figures, and are kept with the ledger."

// export gathers what is kept of a person and seals it into two files.
func (s *Service) export(ctx context.Context, r *Request, p Person) (map[string]int64, string, error) {
	if err := s.decided(ctx, r); err != nil {
		return nil, "", err
	}
	file := File{
		Explanation: explanation, StoreID: r.StoreID, CustomerID: r.Subject, MadeAt: s.Clock().UTC(),
		Bindings: []Bound{}, Orders: []Order{}, Deliveries: []Told{},
	}
	sources, err := s.Books.PersonOrders(ctx, r.ProgramID, p)
	if err != nil {
		return nil, "", fmt.Errorf("find the orders: %w", err)
	}
	orders, err := s.Books.TellOrders(ctx, r.ProgramID, sources)
	if err != nil {
		return nil, "", fmt.Errorf("read the orders: %w", err)
	}
	file.Orders = append(file.Orders, orders...)
	if p.CustomerID != "" {
		bound, err := s.Books.PersonBindings(ctx, r.ProgramID, p)
		if err != nil {
			return nil, "", fmt.Errorf("read whose customer it is: %w", err)
		}
		file.Bindings = append(file.Bindings, bound...)
	}
	if err := s.gatherBodies(ctx, r, sources, &file); err != nil {
		return nil, "", err
	}
	if err := s.sealFiles(ctx, r, &file); err != nil {
		return nil, "", err
	}
	counts := map[string]int64{"orders": int64(len(file.Orders)), "bindings": int64(len(file.Bindings)), "deliveries": int64(len(file.Deliveries))}
	note := fmt.Sprintf("two files lie ready until %s: hand them to the person", file.MadeAt.Add(ExportLife).Format(time.DateOnly))
	return counts, note, nil
}

// gatherBodies adds the stored messages about the orders, as many as fit.
func (s *Service) gatherBodies(ctx context.Context, r *Request, sources []string, file *File) error {
	room := maxExportBytes
	for _, source := range sources {
		for after := ""; ; {
			rows, err := s.Books.Bodies(ctx, r.ProgramID, r.StoreID, source, after, bodiesAtOnce)
			if err != nil {
				return fmt.Errorf("read the bodies of order %s: %w", source, err)
			}
			for i := range rows {
				after = rows[i].DeliveryID
				body, err := s.Bodies.Open(rows[i])
				if server.CodeOf(err) == server.NotFound {
					continue // retention took it a moment ago
				}
				if err != nil {
					return fmt.Errorf("open delivery %s: %w", rows[i].DeliveryID, err)
				}
				if room -= len(body); room < 0 || !json.Valid(body) {
					file.LeftOut++
					continue
				}
				file.Deliveries = append(file.Deliveries, Told{
					DeliveryID: rows[i].DeliveryID, OrderID: source, Topic: rows[i].Topic, ReceivedAt: rows[i].ReceivedAt, Body: body,
				})
			}
			if len(rows) < bodiesAtOnce {
				break
			}
		}
	}
	return nil
}

func (s *Service) sealFiles(ctx context.Context, r *Request, file *File) error {
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return fmt.Errorf("write the JSON file: %w", err)
	}
	table, err := table(file)
	if err != nil {
		return fmt.Errorf("write the CSV file: %w", err)
	}
	for format, content := range map[string][]byte{"json": text, "csv": table} {
		sealed, err := s.Sealer.Seal(content, rowKey(r.ProgramID, r.RequestID, format))
		if err != nil {
			return fmt.Errorf("seal the %s file: %w", format, err)
		}
		e := Export{Format: format, StoreID: r.StoreID, Subject: r.Subject, Sealed: sealed, MadeAt: file.MadeAt}
		if err := s.Books.PutExport(ctx, r.ProgramID, r.RequestID, e); err != nil {
			return fmt.Errorf("keep the %s file: %w", format, err)
		}
	}
	return nil
}

// table is the orders for a spreadsheet.
func table(file *File) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"order_id", "name", "order_ts", "status", "currency", "net", "distributor_id"}}
	for i := range file.Orders {
		o := &file.Orders[i]
		rows = append(rows, []string{plain(o.Source), plain(o.Name), o.OrderTS.Format(time.RFC3339), o.Status, o.Currency, o.Net, plain(o.DistributorID)})
	}
	err := w.WriteAll(rows)
	return out.Bytes(), err
}

// plain keeps a text from being a formula in a spreadsheet: orders are named by whoever sends them.
func plain(text string) string {
	if text != "" && bytes.IndexByte([]byte("=+-@\t\r"), text[0]) >= 0 {
		return "'" + text
	}
	return text
}
