package store

import (
	"context"
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/server/pipeline"
)

// insertSales records what a settling transaction changes in periods.
var insertSales = &bulk{
	name: "insert sales", table: "sales",
	columns: columns(fixedText("program_id"), fixedInt("sequence"), fixedInt("recorded_at"), ints("position"),
		texts("source", "line_id", "seller_id", "buyer_id", "customer_id", "commission_class", "country", "currency"),
		ints("order_ts", "quantity", "net_minor", "cv", "qv")),
}

// lineSale is one change and the order it came of.
type lineSale struct {
	source string
	pipeline.Sale
}

func (w *batch) addSales(source string, sales []pipeline.Sale) {
	for i := range sales {
		w.sales = append(w.sales, lineSale{source, sales[i]})
	}
}

// saleRows are the batch's changes under their number. The counter's row stays locked until the commit, so that numbers follow the
// order of commits: whoever reads up to one misses nothing below it.
func (w *batch) saleRows(sequence int64) rows {
	r := w.store.dialect.newRows(insertSales, w.program, sequence, w.at)
	for i := range w.sales {
		s := &w.sales[i]
		r.int(int64(i))
		for _, v := range []string{
			s.source, s.LineID, s.SellerID, s.BuyerID, s.CustomerID, s.CommissionClass, s.Country, string(s.Currency),
		} {
			r.text(v)
		}
		for _, v := range []int64{s.OrderTS, s.Quantity, s.NetMinor, int64(s.CV), int64(s.QV)} {
			r.int(v)
		}
	}
	return r
}

// saleRow is one row of sales, or a sum of them.
type saleRow struct {
	Source          string `db:"source"`
	LineID          string `db:"line_id"`
	SellerID        string `db:"seller_id"`
	BuyerID         string `db:"buyer_id"`
	CustomerID      string `db:"customer_id"`
	CommissionClass string `db:"commission_class"`
	Country         string `db:"country"`
	Currency        string `db:"currency"`
	OrderTS         int64  `db:"order_ts"`
	Quantity        int64  `db:"quantity"`
	NetMinor        int64  `db:"net_minor"`
	CV              int64  `db:"cv"`
	QV              int64  `db:"qv"`
}

// sumsOfSales are the figures of rows under one identity. A sum that does not fit is the database's error.
const sumsOfSales = `CAST(sum(quantity) AS bigint) AS quantity, CAST(sum(net_minor) AS bigint) AS net_minor,
	CAST(sum(cv) AS bigint) AS cv, CAST(sum(qv) AS bigint) AS qv`

const saleIdentity = `source, line_id, seller_id, buyer_id, customer_id, commission_class, country, currency, order_ts`

// loadSales reads what is recorded of the orders that were settled before.
func (b *books) loadSales(ctx context.Context) error {
	var settled []string
	for _, source := range sortedKeys(b.records) {
		if b.records[source].public.Pins != nil {
			settled = append(settled, source)
		}
	}
	if len(settled) == 0 {
		return nil
	}
	var found []saleRow
	err := b.query(ctx, &found, `SELECT `+saleIdentity+`, `+sumsOfSales+` FROM `+
		b.store.dialect.byKeys("sales", "", 2, "source")+` GROUP BY `+saleIdentity+` ORDER BY `+saleIdentity,
		b.program, b.store.dialect.list(settled))
	if err != nil {
		return fmt.Errorf("read the sales recorded: %w", err)
	}
	for i := range found {
		f := &found[i]
		if f.Quantity == 0 && f.NetMinor == 0 && f.CV == 0 && f.QV == 0 {
			continue
		}
		r := b.records[f.Source]
		r.public.Sales = append(r.public.Sales, pipeline.Sale{
			LineID: f.LineID, SellerID: f.SellerID, BuyerID: f.BuyerID, CustomerID: f.CustomerID,
			CommissionClass: f.CommissionClass, Country: f.Country, Currency: money.Currency(f.Currency), OrderTS: f.OrderTS,
			Quantity: f.Quantity, NetMinor: f.NetMinor, CV: money.Volume(f.CV), QV: money.Volume(f.QV),
		})
	}
	return nil
}
