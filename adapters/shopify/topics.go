package shopify

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

// The topics that are about no order.
const (
	topicUninstalled     = "app/uninstalled"
	topicScopes          = "app/scopes_update"
	topicMerge           = "customers/merge"
	topicBulk            = "bulk_operations/finish"
	topicDataRequest     = "customers/data_request"
	topicCustomerRedact  = "customers/redact"
	topicShopRedact      = "shop/redact"
	topicDispute         = "disputes/create"
	topicDisputeUpdate   = "disputes/update"
	topicReturn          = "returns/process"
	mergeCompleted       = "completed"
	maxOrdersOfAPerson   = 10_000 // of one request; Shopify's own lists are shorter
	maxPersonalBytes     = 320    // the longest e-mail address there can be
	customerGID          = "gid://shopify/Customer/"
	bulkGID              = "gid://shopify/BulkOperation/"
	maxBulkOperationText = 128
)

// Topics lists what the adapter reads, sorted: orders and what happens to them, and what Announce reads. A test holds
// shopify.app.toml against it.
func Topics() []string {
	return []string{
		topicScopes, topicUninstalled, topicBulk, topicDataRequest, topicMerge, topicCustomerRedact, topicDispute, topicDisputeUpdate,
		"order_transactions/create", "orders/cancelled", "orders/create", "orders/delete", "orders/edited", "orders/fulfilled",
		"orders/paid", "orders/partially_fulfilled", "orders/updated", "refunds/create", topicReturn, topicShopRedact,
	}
}

var _ adapters.Announcer = (*Adapter)(nil)

// Announce reads what is no telling of an order: the app's life, merged customers, the end of a bulk operation, the three
// compliance topics, and what happens around an order (disputes, returns). The topic stands in an unsigned header, so a body is refused that lacks what makes it one of its kind.
func (*Adapter) Announce(d order.Delivery) (*adapters.Notice, error) {
	triggered, err := triggeredAt(d.Headers)
	if err != nil {
		return nil, err
	}
	n := &adapters.Notice{}
	if triggered != 0 {
		n.At = time.UnixMicro(triggered).UTC()
	}
	switch d.Topic {
	case topicUninstalled:
		err = uninstalled(d.Body, n)
	case topicScopes:
		err = rescoped(d.Body, n)
	case topicMerge:
		err = merged(d.Body, n)
	case topicBulk:
		err = bulkFinished(d.Body, n)
	case topicDataRequest, topicCustomerRedact:
		err = ofCustomer(d.Topic, d.Body, n)
	case topicShopRedact:
		err = shopRedact(d.Body, n)
	case topicDispute, topicDisputeUpdate:
		err = disputed(d.Body, n)
	case topicReturn:
		err = returned(d.Body, n)
	default:
		return nil, nil //nolint:nilnil // the contract: nothing of this kind is said
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Topic, err)
	}
	if n.Kind == "" {
		return nil, nil //nolint:nilnil // as above: a merge that failed, a return or dispute that names no order
	}
	return n, nil
}

// uninstalled has the shop itself as its body. An order or a customer is told apart by what a shop cannot have.
func uninstalled(body []byte, n *adapters.Notice) error {
	var in struct {
		ID        id      `json:"id"`
		Currency  string  `json:"currency"`
		LineItems present `json:"line_items"`
		OrderID   present `json:"order_id"`
		ShopID    present `json:"shop_id"`
		Customer  present `json:"customer"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	switch {
	case bool(in.LineItems), bool(in.OrderID), bool(in.ShopID), bool(in.Customer):
		return &adapters.Malformed{Field: "id", Reason: "the body is no shop, which this topic tells"}
	case in.ID == 0:
		return missing("id")
	case in.Currency == "":
		return missing("currency")
	}
	n.Kind = adapters.Uninstalled
	return nil
}

func rescoped(body []byte, n *adapters.Notice) error {
	var in struct {
		Current   []string  `json:"current"`
		UpdatedAt time.Time `json:"updated_at"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	if in.Current == nil {
		return missing("current")
	}
	n.Kind, n.Scopes = adapters.ScopesChanged, in.Current
	if !in.UpdatedAt.IsZero() {
		n.At = in.UpdatedAt.UTC()
	}
	return nil
}

// merged reads who took whose place. A merge that failed changed nothing.
func merged(body []byte, n *adapters.Notice) error {
	var in struct {
		Kept   string `json:"admin_graphql_api_customer_kept_id"`
		Gone   string `json:"admin_graphql_api_customer_deleted_id"`
		Status string `json:"status"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	if in.Status == "" {
		return missing("status")
	}
	if in.Status != mergeCompleted {
		return nil
	}
	var err error
	if n.KeptCustomerID, err = customerID("admin_graphql_api_customer_kept_id", in.Kept); err != nil {
		return err
	}
	if n.CustomerID, err = customerID("admin_graphql_api_customer_deleted_id", in.Gone); err != nil {
		return err
	}
	if n.CustomerID == n.KeptCustomerID {
		return &adapters.Malformed{Field: "admin_graphql_api_customer_kept_id", Reason: "a customer cannot take its own place"}
	}
	n.Kind = adapters.CustomersMerged
	return nil
}

// customerID takes the number out of a customer's global id: orders name customers by it.
func customerID(field, gid string) (string, error) {
	digits, found := strings.CutPrefix(gid, customerGID)
	number, err := strconv.ParseInt(digits, 10, 64)
	if !found || err != nil || number <= 0 || strconv.FormatInt(number, 10) != digits {
		return "", &adapters.Malformed{Field: field, Reason: "want a customer's global id, such as " + customerGID + "1"}
	}
	return digits, nil
}

func bulkFinished(body []byte, n *adapters.Notice) error {
	var in struct {
		ID string `json:"admin_graphql_api_id"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	if !strings.HasPrefix(in.ID, bulkGID) || len(in.ID) > maxBulkOperationText {
		return &adapters.Malformed{Field: "admin_graphql_api_id", Reason: "want a bulk operation's global id, such as " + bulkGID + "1"}
	}
	n.Kind, n.OperationID = adapters.BulkFinished, in.ID
	return nil
}

// ofCustomer reads customers/data_request and customers/redact. A customer without an account has no id; then the orders
// say whose data it is.
func ofCustomer(topic string, body []byte, n *adapters.Notice) error {
	var in struct {
		ShopID   id `json:"shop_id"`
		Customer struct {
			ID    id    `json:"id"`
			Email loose `json:"email"`
			Phone loose `json:"phone"`
		} `json:"customer"`
		Requested []id `json:"orders_requested"`
		Redact    []id `json:"orders_to_redact"`
		Request   struct {
			ID id `json:"id"`
		} `json:"data_request"`
		LineItems present `json:"line_items"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	n.Kind = adapters.CustomerErase
	orders, field := in.Redact, "orders_to_redact"
	if topic == topicDataRequest {
		n.Kind, orders, field = adapters.CustomerExport, in.Requested, "orders_requested"
	}
	switch {
	case bool(in.LineItems):
		return &adapters.Malformed{Field: "line_items", Reason: "the body is an order, not a request about a person"}
	case in.ShopID == 0:
		return missing("shop_id")
	case in.Customer.ID == 0 && len(orders) == 0:
		return missing("customer.id")
	case len(orders) > maxOrdersOfAPerson:
		return &adapters.Malformed{Field: field, Reason: "more than " + strconv.Itoa(maxOrdersOfAPerson) + " orders of one person"}
	case len(in.Customer.Email) > maxPersonalBytes || len(in.Customer.Phone) > maxPersonalBytes:
		return &adapters.Malformed{Field: "customer", Reason: "the e-mail address or phone number is too long to be one"}
	}
	if in.Customer.ID != 0 {
		n.CustomerID = in.Customer.ID.String()
	}
	for _, order := range orders {
		if order != 0 {
			n.OrderIDs = append(n.OrderIDs, order.String())
		}
	}
	if in.Request.ID != 0 {
		n.Key = in.Request.ID.String()
	}
	n.Email, n.Phone = string(in.Customer.Email), string(in.Customer.Phone)
	return nil
}

func shopRedact(body []byte, n *adapters.Notice) error {
	var in struct {
		ShopID   id      `json:"shop_id"`
		Domain   string  `json:"shop_domain"`
		Customer present `json:"customer"`
	}
	if err := decode(body, &in); err != nil {
		return err
	}
	switch {
	case bool(in.Customer):
		return &adapters.Malformed{Field: "customer", Reason: "the body is about one person, not about the shop"}
	case in.ShopID == 0:
		return missing("shop_id")
	case in.Domain == "":
		return missing("shop_domain")
	}
	n.Kind = adapters.StoreErase
	return nil
}
