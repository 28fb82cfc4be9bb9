package shopify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"upline.dev/upline/adapters"
)

// Optional is a topic that a shop is subscribed to by the API, once its merchant has granted the scope it needs.
// shopify.app.toml can only subscribe to what every shop grants.
type Optional struct {
	Topic string
	Scope string
	// Fields are the include_fields: nothing of a person. A return's lines have what the buyer wrote.
	Fields []string
}

// disputeFields leave out when evidence is due and sent, which is the merchant's affair.
var disputeFields = []string{"id", "order_id", "type", "amount", "currency", "reason", "status", "initiated_at", "finalized_on"}

// Optionals lists the topics of optional scopes, sorted.
func Optionals() []Optional {
	const disputes = "read_shopify_payments_disputes"
	return []Optional{
		{topicDispute, disputes, disputeFields},
		{topicDisputeUpdate, disputes, disputeFields},
		{topicReturn, "read_returns", []string{"id", "admin_graphql_api_id", "order_id", "order.id", "status"}},
	}
}

// OptionalScopes are those that a merchant may grant besides, sorted. read_all_orders has no topic: it opens orders older than
// 60 days to reconciliation.
func OptionalScopes() []string {
	return []string{"read_all_orders", "read_returns", "read_shopify_payments_disputes"}
}

// plainWord is what a word of Shopify's looks like.
var plainWord = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)

// disputed reads a chargeback or an inquiry. It moves money between the bank and the merchant, and the order's own figures
// stay as they are until the merchant refunds or cancels; so the order is read anew, and commissions follow the order.
func disputed(body []byte, n *adapters.Notice) error {
	var in struct {
		ID        id      `json:"id"`
		OrderID   id      `json:"order_id"`
		Kind      loose   `json:"type"`
		Amount    amount  `json:"amount"`
		Currency  loose   `json:"currency"`
		Reason    loose   `json:"reason"`
		Status    loose   `json:"status"`
		LineItems present `json:"line_items"`
		Refunded  present `json:"refund_line_items"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	switch {
	case bool(in.LineItems), bool(in.Refunded):
		return &adapters.Malformed{Field: "id", Reason: "the body is an order or a refund, not a dispute"}
	case in.ID == 0:
		return missing("id")
	case in.Status == "":
		return missing("status")
	case in.OrderID == 0:
		return nil // a dispute over a payment that was for no order
	}
	n.Kind, n.OrderIDs = adapters.OrderTouched, []string{in.OrderID.String()}
	n.Event = fmt.Sprintf("dispute %s (%s, %s) over %s is %s", in.ID, plain(in.Kind), plain(in.Reason), sumOf(in.Amount, in.Currency), plain(in.Status))
	return nil
}

// returned reads that goods came back. What that does to money is told by the refund; this makes sure that it is seen.
func returned(body []byte, n *adapters.Notice) error {
	var in struct {
		ID      id `json:"id"`
		OrderID id `json:"order_id"`
		Order   struct {
			ID id `json:"id"`
		} `json:"order"`
		LineItems present `json:"line_items"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	if in.LineItems {
		return &adapters.Malformed{Field: "line_items", Reason: "the body is an order, not a return"}
	}
	order := in.OrderID
	if order == 0 {
		order = in.Order.ID
	}
	if in.ID == 0 || order == 0 {
		return nil // it says of no order that something happened; orders/updated does
	}
	n.Kind, n.OrderIDs = adapters.OrderTouched, []string{order.String()}
	n.Event = fmt.Sprintf("return %s is processed", in.ID)
	return nil
}

// plain is a word of Shopify's, such as chargeback or needs_response; what is none is not repeated.
func plain(word loose) string {
	if text := strings.ToLower(string(word)); plainWord.MatchString(text) {
		return text
	}
	return "unnamed"
}

var (
	plainAmount   = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,3})?$`)
	plainCurrency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// sumOf is told and never computed with: a dispute may be in another currency than the shop's.
func sumOf(a amount, currency loose) string {
	if !plainAmount.MatchString(string(a)) || !plainCurrency.MatchString(string(currency)) {
		return "an unnamed amount"
	}
	return string(a) + " " + string(currency)
}

// Wanted are the topics whose scopes are granted.
func Wanted(granted []string) []Optional {
	return slices.DeleteFunc(Optionals(), func(o Optional) bool { return !holds(granted, o.Scope) })
}
