package importer

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server/admin"
)

// Sale is one line of a history: what an order counted for, whose sale it was.
type Sale struct {
	OrderID, DistributorID, BuyerID, CustomerID, Class, Country string
	Currency                                                    money.Currency
	OrderTS                                                     int64 // microseconds since 1970 UTC
	Quantity, NetMinor                                          int64
	CV, QV                                                      money.Volume
}

// saleHeader are the columns of a history, as WriteSales writes them.
var saleHeader = []string{
	"order_id", "order_ts", "distributor_id", "buyer_id", "customer_id", "class", "country", "currency", "quantity", "net", "cv", "qv",
}

func saleColumns() columns {
	return columns{
		required: []string{"order_id", "order_ts", "distributor_id", "class", "currency", "net", "cv"},
		ids:      []string{"order_id", "distributor_id", "buyer_id", "customer_id", "class"},
		aliases: map[string]string{
			"orderid": "order_id", "orderts": "order_ts", "date": "order_ts", "distributorid": "distributor_id", "sellerid": "distributor_id",
			"buyerid": "buyer_id", "customerid": "customer_id", "class": "class", "commissionclass": "class", "country": "country",
			"currency": "currency", "quantity": "quantity", "qty": "quantity", "net": "net", "cv": "cv", "qv": "qv",
		},
	}
}

// Sales reads a history; a date begins by the clocks of zone. Faults of rows come back beside the table; the sales are then not complete.
func Sales(r io.Reader, encoding string, zone *time.Location) (*Table, []Sale, error) {
	t, err := readTable(r, encoding, saleColumns())
	if err != nil {
		return nil, nil, err
	}
	sales := make([]Sale, 0, len(t.Rows))
	for _, row := range t.Rows {
		sales = append(sales, t.sale(row, zone))
	}
	return t, sales, nil
}

func (t *Table) sale(row Row, zone *time.Location) Sale {
	s := Sale{
		OrderID: t.Get(row, "order_id"), DistributorID: t.Get(row, "distributor_id"), BuyerID: t.Get(row, "buyer_id"),
		CustomerID: t.Get(row, "customer_id"), Class: t.Get(row, "class"), Country: t.Get(row, "country"),
		Currency: money.Currency(t.Get(row, "currency")), Quantity: 1,
	}
	wrong := func(column string, err error) {
		if err != nil {
			t.fault(row.Line, row.Cells, column, "%.60q: %v", t.Get(row, column), err)
		}
	}
	for _, column := range []string{"order_id", "order_ts", "class"} {
		if t.Get(row, column) == "" {
			t.fault(row.Line, row.Cells, column, "empty: every row names its %s", column)
		}
	}
	if !s.Currency.Valid() {
		t.fault(row.Line, row.Cells, "currency", "%.10q: use the three letters of ISO 4217, such as EUR", s.Currency)
		return s
	}
	at, err := admin.ParseDateIn(t.Get(row, "order_ts"), zone)
	wrong("order_ts", err)
	s.OrderTS = at.UnixMicro()
	s.NetMinor, err = money.ParseMinor(t.Get(row, "net"), s.Currency)
	wrong("net", err)
	s.CV, err = money.ParseVolume(t.Get(row, "cv"))
	wrong("cv", err)
	s.QV = s.CV
	if qv := t.Get(row, "qv"); qv != "" {
		s.QV, err = money.ParseVolume(qv)
		wrong("qv", err)
	}
	if text := t.Get(row, "quantity"); text != "" {
		s.Quantity, err = strconv.ParseInt(text, 10, 64)
		wrong("quantity", err)
	}
	if s.NetMinor < 0 || s.CV < 0 || s.QV < 0 || s.Quantity < 0 {
		t.fault(row.Line, row.Cells, "", "a figure below zero: a history says what is left of each line, refunds taken off")
	}
	return s
}

// WriteSales writes a history that Sales reads; each calls fn with every sale.
func WriteSales(w io.Writer, each func(fn func(*Sale) error) error) error {
	out := csv.NewWriter(w)
	_ = out.Write(saleHeader) // Error has what goes wrong
	err := each(func(s *Sale) error {
		return out.Write(harmless(nil, []string{
			s.OrderID, time.UnixMicro(s.OrderTS).UTC().Format(time.RFC3339Nano), s.DistributorID, s.BuyerID, s.CustomerID, s.Class, s.Country,
			string(s.Currency), strconv.FormatInt(s.Quantity, 10), money.FormatMinor(s.NetMinor, s.Currency), s.CV.String(), s.QV.String(),
		}))
	})
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	return nil
}
