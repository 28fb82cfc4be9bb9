package magento

import (
	"fmt"
	"strconv"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// restBody is an order as core REST tells it, with its credit memos: what is read from stores whose module does not answer.
type restBody struct {
	Order restOrder  `json:"order"`
	Memos []restMemo `json:"credit_memos"`
}

// restOrder names what money, time and attribution depend on and nothing else. Amounts with base are in the base currency,
// those without in the currency the order was placed in.
type restOrder struct {
	EntityID    wire.ID     `json:"entity_id"`
	IncrementID string      `json:"increment_id"`
	State       string      `json:"state"`
	CreatedAt   wire.Moment `json:"created_at"`
	UpdatedAt   wire.Moment `json:"updated_at"`
	Base        string      `json:"base_currency_code"`
	Placed      string      `json:"order_currency_code"`
	CustomerID  wire.ID     `json:"customer_id"`
	Coupon      string      `json:"coupon_code"`
	Items       []restItem  `json:"items"`

	BaseGrandTotal     wire.Amount `json:"base_grand_total"`
	BaseTax            wire.Amount `json:"base_tax_amount"`
	BaseShipping       wire.Amount `json:"base_shipping_amount"`
	BaseShippingCut    wire.Amount `json:"base_shipping_discount_amount"`
	BaseShippingOffset wire.Amount `json:"base_shipping_discount_tax_compensation_amnt"` // core's own spelling
	BaseInvoiced       wire.Amount `json:"base_total_invoiced"`
	BasePaid           wire.Amount `json:"base_total_paid"`
	GrandTotal         wire.Amount `json:"grand_total"`
	Tax                wire.Amount `json:"tax_amount"`
	Shipping           wire.Amount `json:"shipping_amount"`
	ShippingCut        wire.Amount `json:"shipping_discount_amount"`
	ShippingOffset     wire.Amount `json:"shipping_discount_tax_compensation_amount"`
	Invoiced           wire.Amount `json:"total_invoiced"`
	Paid               wire.Amount `json:"total_paid"`

	Extension struct {
		// Adobe Commerce takes these off the grand total, like payments.
		BaseGiftCards   wire.Amount `json:"base_gift_cards_amount"`
		BaseStoreCredit wire.Amount `json:"base_customer_balance_amount"`
		BaseReward      wire.Amount `json:"base_reward_currency_amount"`
		GiftCards       wire.Amount `json:"gift_cards_amount"`
		StoreCredit     wire.Amount `json:"customer_balance_amount"`
		Reward          wire.Amount `json:"reward_currency_amount"`
		Assignments     []struct {
			Shipping struct {
				Address struct {
					Country string `json:"country_id"`
				} `json:"address"`
			} `json:"shipping"`
		} `json:"shipping_assignments"`
	} `json:"extension_attributes"`
}

// restItem is a row of an order. Neither row_total is here: REST tells another figure than the database, and another one in
// each version.
type restItem struct {
	ItemID       wire.ID     `json:"item_id"`
	ParentID     wire.ID     `json:"parent_item_id"`
	SKU          string      `json:"sku"`
	ProductID    wire.ID     `json:"product_id"`
	Type         string      `json:"product_type"`
	QtyOrdered   wire.Amount `json:"qty_ordered"`
	QtyInvoiced  wire.Amount `json:"qty_invoiced"`
	QtyCancelled wire.Amount `json:"qty_canceled"`

	BasePrice          wire.Amount `json:"base_price"`
	BaseInclTax        wire.Amount `json:"base_row_total_incl_tax"`
	BaseTax            wire.Amount `json:"base_tax_amount"`
	BaseFixedTax       wire.Amount `json:"base_weee_tax_applied_amount"`   // of one unit, but that is what core has added
	BaseFixedTaxRow    wire.Amount `json:"base_weee_tax_applied_row_amnt"` // core's own spelling
	BaseDiscount       wire.Amount `json:"base_discount_amount"`
	BaseOffset         wire.Amount `json:"base_discount_tax_compensation_amount"`
	BaseInvoiced       wire.Amount `json:"base_row_invoiced"`
	BaseInvoicedCut    wire.Amount `json:"base_discount_invoiced"`
	BaseInvoicedOffset wire.Amount `json:"base_discount_tax_compensation_invoiced"`
	BaseRefunded       wire.Amount `json:"base_amount_refunded"`
	BaseRefundedCut    wire.Amount `json:"base_discount_refunded"`
	BaseRefundedOffset wire.Amount `json:"base_discount_tax_compensation_refunded"`
	Price              wire.Amount `json:"price"`
	InclTax            wire.Amount `json:"row_total_incl_tax"`
	Tax                wire.Amount `json:"tax_amount"`
	FixedTaxRow        wire.Amount `json:"weee_tax_applied_row_amount"`
	Discount           wire.Amount `json:"discount_amount"`
	Offset             wire.Amount `json:"discount_tax_compensation_amount"`
	RowInvoiced        wire.Amount `json:"row_invoiced"`
	InvoicedCut        wire.Amount `json:"discount_invoiced"`
	InvoicedOffset     wire.Amount `json:"discount_tax_compensation_invoiced"`
	Refunded           wire.Amount `json:"amount_refunded"`
	RefundedCut        wire.Amount `json:"discount_refunded"`
	RefundedOffset     wire.Amount `json:"discount_tax_compensation_refunded"`
}

// restMemo is a credit memo. Its header is not here: it mixes shipping's discount into the goods'.
type restMemo struct {
	EntityID  wire.ID        `json:"entity_id"`
	OrderID   wire.ID        `json:"order_id"`
	State     wire.ID        `json:"state"` // 3: cancelled
	CreatedAt wire.Moment    `json:"created_at"`
	Items     []restMemoItem `json:"items"`
}

type restMemoItem struct {
	OrderItemID wire.ID     `json:"order_item_id"`
	Qty         wire.Amount `json:"qty"`
	BaseTotal   wire.Amount `json:"base_row_total"`
	BaseCut     wire.Amount `json:"base_discount_amount"`
	BaseOffset  wire.Amount `json:"base_discount_tax_compensation_amount"`
	Total       wire.Amount `json:"row_total"`
	Cut         wire.Amount `json:"discount_amount"`
	Offset      wire.Amount `json:"discount_tax_compensation_amount"`
}

const memoCancelled = 3

// restSnapshot reads {"order", "credit_memos"} as one snapshot, versioned by updated_at.
func restSnapshot(body []byte, s adapters.Store, revision *order.Revision) error {
	var in restBody
	if err := wire.Decode(body, &in); err != nil {
		return err
	}
	o := &in.Order
	switch {
	case o.EntityID == 0:
		return missing("order.entity_id")
	case o.CreatedAt.IsZero():
		return missing("order.created_at")
	case o.UpdatedAt.IsZero():
		return missing("order.updated_at")
	}
	base, err := inBase(s.Currency, "order.base_currency_code", o.Base, o.Placed)
	if err != nil {
		return err
	}
	sale := &sale{currency: s.Currency, state: o.State}
	if sale.rows, err = restRows(o.Items, base); err != nil {
		return err
	}
	if sale.header, err = o.header(base); err != nil {
		return err
	}
	if sale.memos, err = restMemos(in.Memos, o.EntityID, sale.rows, base); err != nil {
		return err
	}
	revision.Kind, revision.Channel = order.Snapshot, order.Webhook
	revision.Source.PlatformOrderID = o.EntityID.String()
	revision.Version = order.Version{Updated: o.UpdatedAt.UnixMicro()}
	out := &order.Order{
		Source: revision.Source, Platform: order.Magento, Name: o.IncrementID, OrderTS: o.CreatedAt.Time,
		BuyerID: o.CustomerID.String(), Country: o.country(),
	}
	out.Evidence = plugin.Evidence(plugin.Attribution{}, []string{o.Coupon}, o.CustomerID)
	revision.Order = out
	return sale.tell(out)
}

// country is where the goods go.
func (o *restOrder) country() string {
	for _, assignment := range o.Extension.Assignments {
		return plugin.Country(assignment.Shipping.Address.Country)
	}
	return ""
}

// header reads the grand total and what of it is goods with their fixed product tax: all but tax and shipping.
func (o *restOrder) header(base bool) (header, error) {
	e := &o.Extension
	r := reading{at: "order", dust: true}
	h := header{total: r.amount("base_grand_total", pick(base, o.BaseGrandTotal, o.GrandTotal))}
	h.goods = h.total + r.amount("extension_attributes.gift_cards_amount", pick(base, e.BaseGiftCards, e.GiftCards)) +
		r.amount("extension_attributes.customer_balance_amount", pick(base, e.BaseStoreCredit, e.StoreCredit)) +
		r.amount("extension_attributes.reward_currency_amount", pick(base, e.BaseReward, e.Reward)) -
		r.amount("tax_amount", pick(base, o.BaseTax, o.Tax)) -
		r.amount("shipping_amount", pick(base, o.BaseShipping, o.Shipping)) +
		r.amount("shipping_discount_amount", pick(base, o.BaseShippingCut, o.ShippingCut)) -
		r.amount("shipping_discount_tax_compensation_amount", pick(base, o.BaseShippingOffset, o.ShippingOffset))
	h.invoiced = r.amount("total_invoiced", pick(base, o.BaseInvoiced, o.Invoiced))
	h.paid = r.amount("total_paid", pick(base, o.BasePaid, o.Paid))
	if o.BaseGrandTotal == "" || o.GrandTotal == "" {
		return h, missing("order.base_grand_total")
	}
	return h, r.err
}

// restRows picks the rows that carry money. The children of a bundle with a dynamic price carry its money, those of everything
// else have price 0; only base_price tells, as newer code copies the parent's price into the child's.
func restRows(items []restItem, base bool) ([]row, error) {
	byID := make(map[wire.ID]int, len(items))
	calculated := make(map[wire.ID]bool)
	for i := range items {
		byID[items[i].ItemID] = i
		price, err := parseFine(items[i].BasePrice, true)
		if err != nil {
			return nil, at(itemPath(i)+".base_price", err)
		}
		if price > 0 {
			calculated[items[i].ParentID] = true
		}
	}
	var rows []row
	for i := range items {
		carries, err := carriesMoney(items, byID, calculated, i)
		if err != nil {
			return nil, err
		}
		if !carries {
			continue
		}
		r, err := items[i].row(itemPath(i), base)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func itemPath(i int) string { return "order.items[" + strconv.Itoa(i) + "]" }

// carriesMoney reports whether an item's money is its own: no child carries it, and every item above leaves it to its children.
func carriesMoney(items []restItem, byID map[wire.ID]int, calculated map[wire.ID]bool, i int) (bool, error) {
	if calculated[items[i].ItemID] {
		return false, nil
	}
	parent := items[i].ParentID
	for range items {
		if parent == 0 {
			return true, nil
		}
		above, known := byID[parent]
		if !known {
			return false, &adapters.Malformed{Field: itemPath(i) + ".parent_item_id", Reason: "names no row of the order"}
		}
		if !calculated[parent] {
			return false, nil
		}
		parent = items[above].ParentID
	}
	return false, &adapters.Malformed{Field: itemPath(i) + ".parent_item_id", Reason: "the rows are each other's parents"}
}

// row reads one item that carries money.
func (item *restItem) row(path string, base bool) (row, error) {
	r := reading{at: path, dust: true}
	incl := pick(base, item.BaseInclTax, item.InclTax)
	price := r.amount("price", pick(base, item.BasePrice, item.Price))
	fixed := r.amount("weee_tax_applied_amount", pick(base, item.BaseFixedTax, item.FixedTaxRow))
	fixedRow := r.amount("weee_tax_applied_row_amount", pick(base, item.BaseFixedTaxRow, item.FixedTaxRow))
	out := row{
		path: path, itemID: item.ItemID.String(), sku: sku(item.SKU, item.ProductID), giftCard: item.Type == giftCardType, price: price, fixedTax: fixedRow,
		net: r.amount("row_total_incl_tax", incl) - r.amount("tax_amount", pick(base, item.BaseTax, item.Tax)) - fixed,
		discount: r.amount("discount_amount", pick(base, item.BaseDiscount, item.Discount)) -
			r.amount("discount_tax_compensation_amount", pick(base, item.BaseOffset, item.Offset)),
		invoiced: r.amount("row_invoiced", pick(base, item.BaseInvoiced, item.RowInvoiced)) -
			r.amount("discount_invoiced", pick(base, item.BaseInvoicedCut, item.InvoicedCut)) +
			r.amount("discount_tax_compensation_invoiced", pick(base, item.BaseInvoicedOffset, item.InvoicedOffset)),
		refunded: r.amount("amount_refunded", pick(base, item.BaseRefunded, item.Refunded)) -
			r.amount("discount_refunded", pick(base, item.BaseRefundedCut, item.RefundedCut)) +
			r.amount("discount_tax_compensation_refunded", pick(base, item.BaseRefundedOffset, item.RefundedOffset)),
		ordered:      r.units("qty_ordered", item.QtyOrdered),
		unitsPaid:    r.units("qty_invoiced", item.QtyInvoiced),
		unitsDropped: r.units("qty_canceled", item.QtyCancelled),
	}
	if incl == "" && price != 0 {
		return out, missing(path + ".base_row_total_incl_tax")
	}
	return out, r.err
}

// restMemos reads the credit memos of the order, by the rows that carry money. Memos name skipped rows too, without amounts.
func restMemos(in []restMemo, orderID wire.ID, rows []row, base bool) ([]memo, error) {
	carries := make(map[string]bool, len(rows))
	for i := range rows {
		carries[rows[i].itemID] = true
	}
	var memos []memo
	for i := range in {
		m := &in[i]
		path := "credit_memos[" + strconv.Itoa(i) + "]"
		switch {
		case m.EntityID == 0:
			return nil, missing(path + ".entity_id")
		case m.OrderID != orderID:
			return nil, &adapters.Malformed{Field: path + ".order_id", Reason: "the credit memo is another order's"}
		case m.State == memoCancelled:
			continue
		}
		out := memo{id: m.EntityID.String(), at: m.CreatedAt}
		for j := range m.Items {
			item := &m.Items[j]
			total := pick(base, item.BaseTotal, item.Total)
			if total == "" || !carries[item.OrderItemID.String()] {
				continue
			}
			r := reading{at: path + ".items[" + strconv.Itoa(j) + "]", dust: true}
			line := memoLine{
				path: r.at, itemID: item.OrderItemID.String(), quantity: r.units("qty", item.Qty),
				net: r.amount("row_total", total) - r.amount("discount_amount", pick(base, item.BaseCut, item.Cut)) +
					r.amount("discount_tax_compensation_amount", pick(base, item.BaseOffset, item.Offset)),
			}
			if r.err != nil {
				return nil, r.err
			}
			out.lines = append(out.lines, line)
		}
		memos = append(memos, out)
	}
	return memos, nil
}

// pick is the amount in the base currency, or in the order's.
func pick(base bool, inBase, inOrder wire.Amount) wire.Amount {
	if base {
		return inBase
	}
	return inOrder
}

// inBase reports in which of an order's two currencies the store keeps its books.
func inBase(books money.Currency, field, base, placed string) (bool, error) {
	switch string(books) {
	case base:
		return true, nil
	case placed:
		return false, nil
	}
	return false, &adapters.Malformed{
		Field: field, Reason: fmt.Sprintf("the order is in %.8q and %.8q, but the store keeps its books in %q", base, placed, books),
	}
}
