package woocommerce

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/order"
)

// moment is a time of the REST API: UTC without a suffix. The zero time means absent, null or empty.
type moment struct{ time.Time }

// UnmarshalJSONFrom takes the form with a suffix too.
func (m *moment) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	var text wire.Loose
	if err := text.UnmarshalJSONFrom(from); err != nil || text == "" {
		return err
	}
	at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(string(text), "Z"))
	if err == nil && at.Year() >= 1 {
		m.Time = at.UTC()
	}
	return nil // A time that is needed and cannot be read is reported as missing.
}

// The structs below name the members that an order's money, time, version and attribution depend on, and no others.

type orderBody struct {
	Code          wire.Loose    `json:"code"` // of an error in the place of an order
	ID            wire.ID       `json:"id"`
	Number        wire.Loose    `json:"number"`
	Status        string        `json:"status"`
	Currency      string        `json:"currency"`
	CreatedGMT    moment        `json:"date_created_gmt"`
	ModifiedGMT   moment        `json:"date_modified_gmt"`
	Total         wire.Amount   `json:"total"`
	TotalTax      wire.Amount   `json:"total_tax"`
	CustomerID    wire.ID       `json:"customer_id"`
	Billing       place         `json:"billing"`
	Shipping      place         `json:"shipping"`
	LineItems     []itemBody    `json:"line_items"`
	FeeLines      []partBody    `json:"fee_lines"`
	ShippingLines []partBody    `json:"shipping_lines"`
	CouponLines   []couponBody  `json:"coupon_lines"`
	Refunds       []refundTotal `json:"refunds"`
	MetaData      []meta        `json:"meta_data"`
}

type place struct {
	Country wire.Loose `json:"country"`
}

// itemBody is one of line_items; in a refund its figures are negative. "price" is a float of PHP and not read.
type itemBody struct {
	ID          wire.ID     `json:"id"`
	SKU         wire.Loose  `json:"sku"`
	ProductID   wire.ID     `json:"product_id"`
	VariationID wire.ID     `json:"variation_id"`
	Quantity    wire.Amount `json:"quantity"`
	Subtotal    wire.Amount `json:"subtotal"`
	Total       wire.Amount `json:"total"`
	TotalTax    wire.Amount `json:"total_tax"`
	MetaData    []meta      `json:"meta_data"`
}

type partBody struct {
	Total    wire.Amount `json:"total"`
	TotalTax wire.Amount `json:"total_tax"`
}

type couponBody struct {
	Code wire.Loose `json:"code"`
}

// refundTotal is a refund as orders tell it: without lines and date.
type refundTotal struct {
	ID    wire.ID     `json:"id"`
	Total wire.Amount `json:"total"`
}

// meta is one of meta_data; values may be anything that PHP can hold.
type meta struct {
	Key   wire.Loose `json:"key"`
	Value wire.Loose `json:"value"`
}

// fetchedBody is what the Reader makes of the REST API's answers.
type fetchedBody struct {
	FetchedAt time.Time    `json:"fetched_at"` // by the store's own clock
	Order     *orderBody   `json:"order"`
	Refunds   []refundBody `json:"refunds"`
}

type refundBody struct {
	ID         wire.ID     `json:"id"`
	CreatedGMT moment      `json:"date_created_gmt"`
	Amount     wire.Amount `json:"amount"`
	LineItems  []itemBody  `json:"line_items"`
	FeeLines   []partBody  `json:"fee_lines"`
	Shipping   []partBody  `json:"shipping_lines"`
}

// check refuses what is no order.
func (in *orderBody) check() error {
	switch {
	case in.ID == 0 && in.Code != "":
		return refusedByStore(string(in.Code))
	case in.ID == 0:
		return plugin.Missing("id")
	case in.Refunds == nil:
		return plugin.Missing("refunds")
	}
	return nil
}

// modified is the version of what a webhook tells; it has whole seconds.
func (in *orderBody) modified() (time.Time, error) {
	switch {
	case !in.ModifiedGMT.IsZero():
		return in.ModifiedGMT.Time, nil
	case plugin.IsDraft(in.Status):
		return time.UnixMicro(0), nil
	}
	return time.Time{}, plugin.Missing("date_modified_gmt")
}

// untoldRefunds reports whether a webhook leaves open which lines were refunded. Where everything was paid back that does
// not matter.
func (in *orderBody) untoldRefunds() bool {
	return len(in.Refunds) > 0 && !in.refundedWhole()
}

// refundedWhole reports whether the refunds sum to the order's total.
func (in *orderBody) refundedWhole() bool {
	sum, ok := plugin.SumText(len(in.Refunds), func(i int) wire.Amount { return in.Refunds[i].Total })
	total, totalOK := plugin.SumText(1, func(int) wire.Amount { return in.Total })
	return ok && totalOK && sum.Sign() != 0 && sum.Add(sum, total).Sign() == 0
}

// refundTotals are the refunds of an order that was paid back whole.
func (in *orderBody) refundTotals(at time.Time) []plugin.Refund {
	out := make([]plugin.Refund, len(in.Refunds))
	for i, refund := range in.Refunds {
		out[i] = plugin.Refund{ID: refund.ID, At: at, Amount: opposite(refund.Total)}
	}
	return out
}

// opposite turns a refund's negative figure into what was paid back; a positive one becomes negative and is refused.
func opposite(text wire.Amount) wire.Amount {
	switch {
	case strings.HasPrefix(string(text), "-"):
		return text[1:]
	case strings.Trim(string(text), "0.") == "":
		return text
	}
	return "-" + text
}

// decimals of the store's prices, which the total of a webhook shows; 0 where it has none.
func (in *orderBody) decimals() int {
	_, fraction, _ := strings.Cut(string(in.Total), ".")
	return len(fraction)
}

// revise puts the order into a revision whose version is set.
func (in *orderBody) revise(s adapters.Store, refunds []plugin.Refund, revision *order.Revision) error {
	out := &plugin.Order{
		ID: in.ID, Number: in.Number, Currency: in.Currency, Status: in.Status, CreatedAt: in.CreatedGMT.Time,
		Customer: plugin.Customer{ID: in.CustomerID, Country: in.Shipping.Country}, Total: in.Total, TotalTax: in.TotalTax,
		Fees: parts(in.FeeLines), Shipping: parts(in.ShippingLines), Refunds: refunds, Attribution: in.attribution(),
	}
	if out.Customer.Country == "" {
		out.Customer.Country = in.Billing.Country
	}
	for _, coupon := range in.CouponLines {
		out.Coupons = append(out.Coupons, plugin.Coupon{Code: coupon.Code})
	}
	if in.LineItems != nil {
		out.Lines = make([]plugin.Line, len(in.LineItems))
	}
	for i := range in.LineItems {
		item := &in.LineItems[i]
		out.Lines[i] = plugin.Line{
			ID: item.ID, SKU: item.SKU, ProductID: item.ProductID, VariationID: item.VariationID,
			Quantity: item.Quantity, Subtotal: item.Subtotal, Total: item.Total, Tax: item.TotalTax,
		}
	}
	var settings plugin.Settings
	if decimals := in.decimals(); decimals <= webhookDecimals {
		settings = plugin.Settings{Decimals: &decimals, Rounded: true}
	}
	if err := out.Revise(settings, s, revision); err != nil {
		return named(err)
	}
	return nil
}

// webhookDecimals is up to how many decimals a total shows the shop's own setting; the Reader asks for six.
const webhookDecimals = 4

func parts(in []partBody) []plugin.Part {
	out := make([]plugin.Part, len(in))
	for i, part := range in {
		out[i] = plugin.Part{Total: part.Total, Tax: part.TotalTax}
	}
	return out
}

// cartNames are the order's own meta that carry a distributor's reference, strongest first: what our plugin writes, then
// what other code does.
var cartNames = []string{"_upline_ref", "upline_ref", "_distributor_ref", "distributor_ref", "_mlm_ref", "mlm_ref"}

// attribution reads the few meta that are known; their values may be of any kind.
func (in *orderBody) attribution() plugin.Attribution {
	named := func(name string) wire.Loose {
		for _, m := range in.MetaData {
			if string(m.Key) == name && m.Value != "" {
				return m.Value
			}
		}
		return ""
	}
	out := plugin.Attribution{Manual: named("_upline_distributor"), Core: plugin.Core{SessionEntry: named("_wc_order_attribution_session_entry")}}
	for _, name := range cartNames {
		if out.Cart = named(name); out.Cart != "" {
			break
		}
	}
	return out
}

// refunds reads the refunds of a fetched order.
func (in *fetchedBody) refunds() ([]plugin.Refund, error) {
	out := make([]plugin.Refund, len(in.Refunds))
	for i := range in.Refunds {
		refund := &in.Refunds[i]
		out[i] = plugin.Refund{
			ID: refund.ID, At: refund.CreatedGMT.Time, Amount: refund.Amount,
			Fees: opposites(refund.FeeLines), Shipping: opposites(refund.Shipping),
		}
		for j := range refund.LineItems {
			line, err := refund.LineItems[j].refunded()
			if err != nil {
				return nil, adapters.Under(fmt.Sprintf("refunds[%d].line_items[%d].", i, j), err)
			}
			out[i].Lines = append(out[i].Lines, line)
		}
	}
	return out, nil
}

// refunded is a row of a refund; the order's line it is of stands in its meta.
func (in *itemBody) refunded() (out plugin.RefundLine, err error) {
	for _, m := range in.MetaData {
		if m.Key != "_refunded_item_id" {
			continue
		}
		var id struct {
			ID wire.ID `json:"id"`
		}
		if err := wire.Decode([]byte(`{"id":"`+strings.Map(digit, string(m.Value))+`"}`), &id); err != nil {
			return out, &adapters.Malformed{Field: "meta_data", Reason: "_refunded_item_id is not the id of a line"}
		}
		out.LineID = id.ID
	}
	if out.LineID == 0 {
		return out, &adapters.Malformed{Field: "meta_data", Reason: "_refunded_item_id is missing: the row does not say which line it takes back"}
	}
	out.Quantity, out.Total, out.Tax = opposite(in.Quantity), opposite(in.Total), opposite(in.TotalTax)
	return out, nil
}

// digit keeps digits and makes everything else something that is no id.
func digit(r rune) rune {
	if r < '0' || r > '9' {
		return '?'
	}
	return r
}

func opposites(in []partBody) []plugin.Part {
	out := parts(in)
	for i := range out {
		out[i].Total, out[i].Tax = opposite(out[i].Total), opposite(out[i].Tax)
	}
	return out
}
