package magento

import (
	"cmp"
	"fmt"
	"strconv"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/order"
)

// snapshotType and snapshotVersion name the only form of module body that is read; one whose fields mean something else has
// another version.
const (
	snapshotType    = "order.snapshot"
	snapshotVersion = 1
)

// moduleBody is what our module sends and answers: one order as it now is, in both of its currencies, without names,
// addresses or e-mail. docs/plugin-protocol.md describes it.
type moduleBody struct {
	Type     string      `json:"type"`
	Version  int64       `json:"version"`
	Sequence wire.ID     `json:"sequence"` // grows with every snapshot of the order
	Order    moduleOrder `json:"order"`
}

type moduleOrder struct {
	ID        wire.ID     `json:"id"`
	Number    string      `json:"number"`
	State     string      `json:"state"`
	Deleted   bool        `json:"deleted"` // the order is gone for ever
	Test      bool        `json:"test"`
	CreatedAt wire.Moment `json:"created_at"`
	Customer  struct {
		ID      wire.ID `json:"id"`
		Country string  `json:"country"`
	} `json:"customer"`
	Coupon      string             `json:"coupon"`
	Base        moduleSums         `json:"base"`   // in the base currency
	Placed      moduleSums         `json:"placed"` // in the currency the order was placed in
	Lines       []moduleLine       `json:"lines"`  // rows that carry money, and no others
	Refunds     []moduleRefund     `json:"refunds"`
	Attribution plugin.Attribution `json:"attribution"`
}

// moduleSums are an order's totals in one currency.
type moduleSums struct {
	Currency       string      `json:"currency"`
	GrandTotal     wire.Amount `json:"grand_total"`
	Tax            wire.Amount `json:"tax"`
	Shipping       wire.Amount `json:"shipping"`
	ShippingCut    wire.Amount `json:"shipping_discount"`
	ShippingOffset wire.Amount `json:"shipping_discount_tax_compensation"`
	GiftCards      wire.Amount `json:"gift_cards"`   // paid with, Adobe Commerce
	StoreCredit    wire.Amount `json:"store_credit"` // paid with, Adobe Commerce
	Reward         wire.Amount `json:"reward"`       // paid with, Adobe Commerce
	Invoiced       wire.Amount `json:"invoiced"`
	Paid           wire.Amount `json:"paid"`
}

type moduleLine struct {
	ID                wire.ID     `json:"id"`
	Type              string      `json:"product_type"`
	SKU               string      `json:"sku"`
	BundleSKU         string      `json:"bundle_sku"` // the product's own, where sku is made of its parts
	ProductID         wire.ID     `json:"product_id"`
	Quantity          wire.Amount `json:"quantity"`
	QuantityInvoiced  wire.Amount `json:"quantity_invoiced"`
	QuantityCancelled wire.Amount `json:"quantity_cancelled"`
	Base              moduleSide  `json:"base"`
	Placed            moduleSide  `json:"placed"`
}

// moduleSide is a row in one currency; net amounts are row total - discount + discount tax compensation.
type moduleSide struct {
	Price       wire.Amount `json:"price"`
	Discount    wire.Amount `json:"discount"` // less its tax compensation
	Net         wire.Amount `json:"net"`
	NetInvoiced wire.Amount `json:"net_invoiced"`
	NetRefunded wire.Amount `json:"net_refunded"`
	FixedTax    wire.Amount `json:"fixed_product_tax"`
}

// moduleRefund is a credit memo's goods.
type moduleRefund struct {
	ID    wire.ID     `json:"id"`
	At    wire.Moment `json:"at"`
	Lines []struct {
		LineID   wire.ID     `json:"line_id"`
		Quantity wire.Amount `json:"quantity"`
		Base     moduleSide  `json:"base"`
		Placed   moduleSide  `json:"placed"`
	} `json:"lines"`
}

// moduleSnapshot reads a module's body, versioned by its sequence.
func moduleSnapshot(body []byte, s adapters.Store, revision *order.Revision) error {
	var in moduleBody
	if err := wire.Decode(body, &in); err != nil {
		return err
	}
	o := &in.Order
	switch {
	case in.Type != snapshotType:
		return &adapters.Malformed{Field: "type", Reason: fmt.Sprintf("want %q", snapshotType)}
	case in.Version != snapshotVersion:
		return &adapters.Malformed{Field: "version", Reason: fmt.Sprintf("want %d; update the module or the server", snapshotVersion)}
	case in.Sequence == 0:
		return missing("sequence")
	case o.ID == 0:
		return missing("order.id")
	}
	revision.Channel, revision.Version = order.Plugin, order.Version{Updated: int64(in.Sequence)}
	revision.Source.PlatformOrderID = o.ID.String()
	if o.Deleted {
		revision.Kind = order.Deletion
		return nil
	}
	if o.CreatedAt.IsZero() {
		return missing("order.created_at")
	}
	base, err := inBase(s.Currency, "order.base.currency", o.Base.Currency, o.Placed.Currency)
	if err != nil {
		return err
	}
	side := moduleReading{base: base, name: "placed"}
	if base {
		side.name = "base"
	}
	sale := &sale{currency: s.Currency, state: o.State}
	if err := side.read(o, sale); err != nil {
		return err
	}
	revision.Kind = order.Snapshot
	revision.Order = &order.Order{
		Source: revision.Source, Platform: order.Magento, Name: o.Number, OrderTS: o.CreatedAt.Time, Test: o.Test,
		BuyerID: o.Customer.ID.String(), Country: plugin.Country(o.Customer.Country),
		Evidence: plugin.Evidence(o.Attribution, []string{o.Coupon}, o.Customer.ID),
	}
	return sale.tell(revision.Order)
}

// moduleReading reads one currency's side of a body.
type moduleReading struct {
	base bool
	name string // the side's member
}

func (m moduleReading) read(o *moduleOrder, s *sale) error {
	sums := &o.Placed
	if m.base {
		sums = &o.Base
	}
	r := &reading{at: "order." + m.name}
	if sums.GrandTotal == "" {
		return missing(r.at + ".grand_total")
	}
	s.header = header{
		total: r.amount("grand_total", sums.GrandTotal), invoiced: r.amount("invoiced", sums.Invoiced), paid: r.amount("paid", sums.Paid),
	}
	s.header.goods = s.header.total + r.amount("gift_cards", sums.GiftCards) + r.amount("store_credit", sums.StoreCredit) +
		r.amount("reward", sums.Reward) - r.amount("tax", sums.Tax) - r.amount("shipping", sums.Shipping) +
		r.amount("shipping_discount", sums.ShippingCut) - r.amount("shipping_discount_tax_compensation", sums.ShippingOffset)
	if r.err != nil {
		return r.err
	}
	for i := range o.Lines {
		line, err := m.row("order.lines["+strconv.Itoa(i)+"]", &o.Lines[i])
		if err != nil {
			return err
		}
		s.rows = append(s.rows, line)
	}
	for i := range o.Refunds {
		refund, err := m.memo("order.refunds["+strconv.Itoa(i)+"]", &o.Refunds[i])
		if err != nil {
			return err
		}
		s.memos = append(s.memos, refund)
	}
	return nil
}

func (m moduleReading) side(base, placed *moduleSide) *moduleSide {
	if m.base {
		return base
	}
	return placed
}

func (m moduleReading) row(path string, in *moduleLine) (row, error) {
	side := m.side(&in.Base, &in.Placed)
	if side.Net == "" {
		return row{}, missing(path + "." + m.name + ".net")
	}
	name := sku(in.SKU, in.ProductID)
	if in.BundleSKU != "" {
		name = in.BundleSKU
	}
	units, money := &reading{at: path}, &reading{at: path + "." + m.name}
	out := row{
		path: path, itemID: in.ID.String(), sku: name, giftCard: in.Type == giftCardType,
		price: money.amount("price", side.Price), discount: money.amount("discount", side.Discount), net: money.amount("net", side.Net),
		invoiced: money.amount("net_invoiced", side.NetInvoiced), refunded: money.amount("net_refunded", side.NetRefunded),
		fixedTax: money.amount("fixed_product_tax", side.FixedTax),
		ordered:  units.units("quantity", in.Quantity), unitsPaid: units.units("quantity_invoiced", in.QuantityInvoiced),
		unitsDropped: units.units("quantity_cancelled", in.QuantityCancelled),
	}
	return out, cmp.Or(units.err, money.err)
}

func (m moduleReading) memo(path string, in *moduleRefund) (memo, error) {
	if in.ID == 0 {
		return memo{}, missing(path + ".id")
	}
	out := memo{id: in.ID.String(), at: in.At}
	for i := range in.Lines {
		line := &in.Lines[i]
		side, at := m.side(&line.Base, &line.Placed), path+".lines["+strconv.Itoa(i)+"]"
		if side.Net == "" {
			return memo{}, missing(at + "." + m.name + ".net")
		}
		units, money := &reading{at: at}, &reading{at: at + "." + m.name}
		out.lines = append(out.lines, memoLine{
			path: at, itemID: line.LineID.String(), quantity: units.units("quantity", line.Quantity), net: money.amount("net", side.Net),
		})
		if err := cmp.Or(units.err, money.err); err != nil {
			return memo{}, err
		}
	}
	return out, nil
}
