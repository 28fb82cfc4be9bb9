package adminapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"upline.dev/upline/adapters"
)

// pageFirst is how many orders a page asks for at first; a page that costs too much is asked for again with half of them.
const pageFirst = 10

// FullOrder is an order with every page of its parts.
type FullOrder struct {
	OrderHead
	Lines   []LineDetail
	Sales   []SaleDetail
	Refunds []RefundDetail
}

// OrderID is the global id of an order's number.
func OrderID(number string) string { return "gid://shopify/Order/" + number }

// FullOrder reads one order by its global id. adapters.ErrNoOrder where there is none.
func (c *Client) FullOrder(ctx context.Context, id string) (*FullOrder, error) {
	answer, err := Order(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if answer.Order == nil {
		return nil, fmt.Errorf("%s of %s: %w", id, c.shop, adapters.ErrNoOrder)
	}
	return c.complete(ctx, answer.Order)
}

// ChangedOrders hands out every order changed in [from, to), oldest change first.
func (c *Client) ChangedOrders(ctx context.Context, from, to time.Time, yield func(*FullOrder) error) error {
	first, after := pageFirst, ""
	for {
		page, err := ChangedOrders(ctx, c, Window(from, to), first, after)
		var e *Error
		if errors.As(err, &e) && e.Kind == TooCostly && first > 1 {
			first /= 2
			continue
		}
		if err != nil {
			return err
		}
		for i := range page.Orders.Nodes {
			o, err := c.complete(ctx, &page.Orders.Nodes[i])
			if err != nil {
				return err
			}
			if err := yield(o); err != nil {
				return err
			}
		}
		if !page.Orders.PageInfo.HasNextPage {
			return nil
		}
		after = page.Orders.PageInfo.EndCursor
	}
}

// complete reads the pages of an order's parts that the first answer left out.
func (c *Client) complete(ctx context.Context, o *WholeOrder) (*FullOrder, error) {
	full := &FullOrder{OrderHead: o.OrderHead, Lines: o.LineItems.Nodes, Refunds: o.Refunds}
	gone := fmt.Errorf("%s of %s: %w", o.Id, c.shop, adapters.ErrNoOrder)
	for page := o.LineItems.PageInfo; page.HasNextPage; {
		answer, err := OrderLines(ctx, c, o.Id, page.EndCursor)
		switch {
		case err != nil:
			return nil, err
		case answer.Order == nil:
			return nil, gone
		}
		full.Lines = append(full.Lines, answer.Order.LineItems.Nodes...)
		page = answer.Order.LineItems.PageInfo
	}
	for i := range full.Refunds {
		if err := c.completeRefund(ctx, &full.Refunds[i]); err != nil {
			return nil, err
		}
	}
	for page, before := o.Agreements, ""; ; {
		if err := c.sales(ctx, full, page.Edges, before); err != nil {
			return nil, err
		}
		if !page.PageInfo.HasNextPage {
			return full, nil
		}
		before = page.PageInfo.EndCursor
		answer, err := OrderAgreements(ctx, c, o.Id, before)
		switch {
		case err != nil:
			return nil, err
		case answer.Order == nil:
			return nil, gone
		}
		page = answer.Order.Agreements
	}
}

// sales adds what agreements hold; before is the cursor in front of the first of them.
func (c *Client) sales(ctx context.Context, o *FullOrder, agreements []AgreementPageEdgesSalesAgreementEdge, before string) error {
	for i := range agreements {
		o.Sales = append(o.Sales, agreements[i].Node.Sales.Nodes...)
		for page := agreements[i].Node.Sales.PageInfo; page.HasNextPage; {
			answer, err := AgreementSales(ctx, c, o.Id, before, page.EndCursor)
			if err != nil {
				return err
			}
			if answer.Order == nil || len(answer.Order.Agreements.Nodes) != 1 || answer.Order.Agreements.Nodes[0].Id != agreements[i].Node.Id {
				return &Error{Kind: Garbage, Operation: "AgreementSales", Shop: c.shop, Detail: "the order's agreements changed while they were read"}
			}
			o.Sales = append(o.Sales, answer.Order.Agreements.Nodes[0].Sales.Nodes...)
			page = answer.Order.Agreements.Nodes[0].Sales.PageInfo
		}
		before = agreements[i].Cursor
	}
	return nil
}

func (c *Client) completeRefund(ctx context.Context, r *RefundDetail) error {
	for r.RefundLineItems.PageInfo.HasNextPage || r.OrderAdjustments.PageInfo.HasNextPage {
		answer, err := RefundDetails(ctx, c, r.Id, r.RefundLineItems.PageInfo.EndCursor, r.OrderAdjustments.PageInfo.EndCursor)
		switch {
		case err != nil:
			return err
		case answer.Refund == nil:
			return &Error{Kind: Garbage, Operation: "RefundDetails", Shop: c.shop, Detail: "the order's refunds changed while they were read"}
		}
		r.RefundLineItems.Nodes = append(r.RefundLineItems.Nodes, answer.Refund.RefundLineItems.Nodes...)
		r.OrderAdjustments.Nodes = append(r.OrderAdjustments.Nodes, answer.Refund.OrderAdjustments.Nodes...)
		moreLines, moreAdjustments := answer.Refund.RefundLineItems.PageInfo, answer.Refund.OrderAdjustments.PageInfo
		r.RefundLineItems.PageInfo = keepCursor(moreLines, r.RefundLineItems.PageInfo)
		r.OrderAdjustments.PageInfo = keepCursor(moreAdjustments, r.OrderAdjustments.PageInfo)
	}
	return nil
}

// keepCursor stays at the end of a list that is through while another is read on.
func keepCursor(next, last Page) Page {
	if next.EndCursor == "" {
		next.EndCursor = last.EndCursor
	}
	return next
}
