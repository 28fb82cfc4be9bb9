package shopify

import (
	"strings"

	"github.com/go-json-experiment/json"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// saleBody is one entry of Shopify's own sales ledger. Webhooks have none; an order read from the API does.
type saleBody struct {
	LineType    string `json:"line_type"`
	TotalAmount bag    `json:"total_amount_set"`
	TotalTax    bag    `json:"total_tax_amount_set"`
}

// fetched reads an order that was read from the API. It is told in the words of a webhook, so that both are read by the
// same rules; what the API cannot tell is who bought, and what it tells besides is the sales ledger.
func (r reading) fetched(body []byte, revision *order.Revision) error {
	if err := r.snapshot(body, revision); err != nil {
		return err
	}
	revision.Order.BuyerUntold = true
	revision.Note = "read from the API"
	return nil
}

// sales is the net of the products by Shopify's own ledger. In both tax modes its amounts are after taxes and discounts.
func (r reading) sales(in *orderBody, out *order.Order) error {
	if in.Sales == nil {
		return nil
	}
	products := make([]saleBody, 0, len(in.Sales))
	for _, sale := range in.Sales {
		if sale.LineType == "PRODUCT" {
			products = append(products, sale)
		}
	}
	total, err := sum("upline_sales", products, func(s *saleBody) (int64, error) {
		amount, stated, err := r.minor("total_amount", s.TotalAmount, "")
		if err == nil && !stated {
			err = missing("total_amount")
		}
		if err != nil {
			return 0, err
		}
		tax, _, err := r.minor("total_tax_amount", s.TotalTax, "")
		if err != nil {
			return 0, err
		}
		net, err := money.Sub(amount, tax)
		if err != nil {
			err = &adapters.Malformed{Field: "total_amount", Reason: err.Error()}
		}
		return net, err
	})
	if err == nil {
		out.Stated.SalesMinor = &total
	}
	return err
}

// tellFetched writes an order from the API in the words of a webhook.
func tellFetched(o *adminapi.FullOrder) ([]byte, error) {
	head, err := fetchedHead(&o.OrderHead)
	if err != nil {
		return nil, err
	}
	tips := map[string]bool{}
	head.Sales = make([]saleBody, 0, len(o.Sales))
	for _, sale := range o.Sales {
		head.Sales = append(head.Sales, saleBody{
			LineType: string(sale.GetLineType()), TotalAmount: bagOf(sale.GetTotalAmount()), TotalTax: bagOf(sale.GetTotalTaxAmount()),
		})
		if tip, ok := sale.(*adminapi.SaleDetailTipSale); ok {
			tips[tip.LineItem.Id] = true
		}
	}
	head.LineItems = make([]lineBody, 0, len(o.Lines))
	for i := range o.Lines {
		line, err := fetchedLine(&o.Lines[i])
		if err != nil {
			return nil, err
		}
		line.Tip = present(tips[o.Lines[i].Id])
		head.LineItems = append(head.LineItems, line)
	}
	head.Refunds = make([]refundBody, 0, len(o.Refunds))
	for i := range o.Refunds {
		refund, err := fetchedRefund(&o.Refunds[i])
		if err != nil {
			return nil, err
		}
		head.Refunds = append(head.Refunds, refund)
	}
	return json.Marshal(head, json.OmitZeroStructFields(true), json.Deterministic(true))
}

func fetchedHead(o *adminapi.OrderHead) (*orderBody, error) {
	number, err := numberOf("id", o.Id)
	if err != nil {
		return nil, err
	}
	visit := o.CustomerJourneySummary.LastVisit
	out := &orderBody{
		ID: number, Name: o.Name, CreatedAt: o.CreatedAt, ProcessedAt: o.ProcessedAt, UpdatedAt: o.UpdatedAt,
		Test: o.Test, Currency: string(o.CurrencyCode), TaxesIncluded: &o.TaxesIncluded,
		FinancialStatus:    strings.ToLower(string(o.DisplayFinancialStatus)),
		TotalDiscounts:     amount(o.TotalDiscountsSet.ShopMoney.Amount),
		TotalPriceSet:      bagOf(o.TotalPriceSet),
		CurrentTotalSet:    bagOf(o.CurrentTotalPriceSet),
		TotalOutstanding:   amount(o.TotalOutstandingSet.ShopMoney.Amount),
		CurrentSubtotalSet: bagOf(o.CurrentSubtotalPriceSet),
		LandingSite:        visit.LandingPage, LandingSiteRef: loose(visit.ReferralCode),
	}
	if o.CancelledAt != nil {
		out.CancelledAt = *o.CancelledAt
	}
	for _, code := range o.DiscountCodes {
		out.DiscountCodes = append(out.DiscountCodes, codeBody{Code: code})
	}
	for _, pair := range o.CustomAttributes {
		out.NoteAttributes = append(out.NoteAttributes, attribute{Name: loose(pair.Key), Value: loose(pair.Value)})
	}
	return out, nil
}

func fetchedLine(in *adminapi.LineDetail) (out lineBody, err error) {
	if out.ID, err = numberOf("line_items.id", in.Id); err != nil {
		return out, err
	}
	if in.Variant.Id != "" {
		if out.VariantID, err = numberOf("line_items.variant.id", in.Variant.Id); err != nil {
			return out, err
		}
	}
	if in.Product.Id != "" {
		if out.ProductID, err = numberOf("line_items.product.id", in.Product.Id); err != nil {
			return out, err
		}
	}
	quantity, current := int64(in.Quantity), int64(in.CurrentQuantity)
	out.SKU, out.Quantity, out.CurrentQuantity, out.GiftCard = in.Sku, &quantity, &current, in.IsGiftCard
	out.PriceSet = bagOf(in.OriginalUnitPriceSet)
	out.DiscountAllocated = make([]allocation, 0, len(in.DiscountAllocations))
	for _, a := range in.DiscountAllocations {
		out.DiscountAllocated = append(out.DiscountAllocated, allocation{AmountSet: bagOf(a.AllocatedAmountSet)})
	}
	out.TaxLines = make([]taxLine, 0, len(in.TaxLines))
	for _, t := range in.TaxLines {
		out.TaxLines = append(out.TaxLines, taxLine{PriceSet: bagOf(t.PriceSet)})
	}
	return out, nil
}

func fetchedRefund(in *adminapi.RefundDetail) (out refundBody, err error) {
	if out.ID, err = numberOf("refunds.id", in.Id); err != nil {
		return out, err
	}
	out.CreatedAt = in.CreatedAt
	out.Lines = make([]refundLineBody, 0, len(in.RefundLineItems.Nodes))
	for _, line := range in.RefundLineItems.Nodes {
		number, err := numberOf("refunds.refund_line_items.line_item.id", line.LineItem.Id)
		if err != nil {
			return out, err
		}
		quantity := int64(line.Quantity)
		out.Lines = append(out.Lines, refundLineBody{
			LineItemID: number, Quantity: &quantity, SubtotalSet: bagOf(line.SubtotalSet), TotalTaxSet: bagOf(line.TotalTaxSet),
		})
	}
	shipping := map[string]int{}
	for _, line := range in.RefundShippingLines.Nodes {
		shipping[line.SubtotalAmountSet.ShopMoney.Amount]++
	}
	out.ShippingLines = make([]skipped, len(in.RefundShippingLines.Nodes))
	out.Adjustments = make([]adjustment, 0, len(in.OrderAdjustments.Nodes))
	for _, a := range in.OrderAdjustments.Nodes {
		out.Adjustments = append(out.Adjustments, adjustment{
			Kind: adjustmentKind(string(a.Reason), a.AmountSet.ShopMoney.Amount, shipping), AmountSet: bagOf(a.AmountSet), TaxAmountSet: bagOf(a.TaxAmountSet),
		})
	}
	out.Duties = make([]skipped, len(in.Duties))
	out.Transactions = make([]transaction, 0, len(in.Transactions.Nodes))
	for _, t := range in.Transactions.Nodes {
		out.Transactions = append(out.Transactions, transaction{
			Kind: strings.ToLower(string(t.Kind)), Status: strings.ToLower(string(t.Status)),
			Amount: amount(t.AmountSet.ShopMoney.Amount), Currency: string(t.AmountSet.ShopMoney.CurrencyCode),
		})
	}
	return out, nil
}

// adjustmentKind is the kind that a webhook gives an adjustment. The API names a reason for every discrepancy, whatever the
// merchant chose, and none for a shipping refund, which repeats a refunded shipping line with the opposite sign.
func adjustmentKind(reason, amount string, shipping map[string]int) string {
	if back := strings.TrimPrefix(amount, "-"); reason == "" && back != amount && shipping[back] > 0 {
		shipping[back]--
		return "shipping_refund"
	}
	return "refund_discrepancy"
}

func bagOf(b adminapi.Bag) bag {
	return bag{Shop: shopMoney{Amount: amount(b.ShopMoney.Amount), Currency: string(b.ShopMoney.CurrencyCode)}}
}

// numberOf is the number at the end of a global id, "gid://shopify/Order/1001".
func numberOf(field, global string) (id, error) {
	_, digits, _ := strings.Cut(strings.TrimPrefix(global, "gid://shopify/"), "/")
	var number id
	if err := json.Unmarshal([]byte(`"`+digits+`"`), &number); err != nil || number == 0 || !strings.HasPrefix(global, "gid://shopify/") {
		return 0, &adapters.Malformed{Field: field, Reason: "want a global id such as gid://shopify/Order/1001"}
	}
	return number, nil
}
