package shopify

import (
	"fmt"
	"strings"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// Why a delivery of a known topic says nothing about commissions.
const (
	noteUnknown  = "unknown topic"
	noteFollowed = "an orders/updated or refunds/create delivery with the figures follows"
	noteDispute  = "the dispute is over no order"
	noteNoMoney  = "the topic changes no order's money"
	noteDraft    = "a draft is no order; orders/create follows when it becomes one"
	noteNoOrder  = "the topic is about persons, products, apps or shops, not orders"
)

// Normalise reads one delivery into exactly one revision.
//
//   - orders/create, paid, updated, fulfilled, partially_fulfilled, cancelled: a Snapshot
//   - refunds/create: a Refunding, or a Hint where an amount is missing that only the order can tell
//   - orders/edited: a Hint as of committed_at
//   - orders/delete: a Deletion
//   - adapters.FetchedTopic, an order read from the API: a Snapshot that does not name the buyer
//   - every other topic: Ignored, with the reason in Note
//
// Amounts are read in the shop currency s.Currency; a body in another one is a *adapters.Malformed.
func (a *Adapter) Normalise(d order.Delivery, s adapters.Store) ([]order.Revision, error) {
	revision := order.Revision{Source: order.Source{StoreID: s.StoreID}, Channel: order.Webhook}
	triggered, err := triggeredAt(d.Headers)
	if err != nil {
		return nil, err
	}
	revision.Version.Triggered = triggered
	reading := reading{currency: s.Currency, test: isTest(d.Headers)}
	switch {
	case isOrder(d.Topic):
		err = reading.snapshot(d.Body, &revision)
	case d.Topic == adapters.FetchedTopic:
		if revision.Version.Triggered, err = fetchedAt(d); err == nil {
			err = reading.fetched(d.Body, &revision)
		}
	case d.Topic == "refunds/create":
		err = reading.refunding(d.Body, &revision)
	case d.Topic == "orders/edited":
		err = edited(d.Body, &revision)
	case d.Topic == "orders/delete":
		err = deleted(d.Body, &revision)
	default:
		revision.Kind, revision.Note = order.Ignored, whyIgnored(d.Topic)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Topic, err)
	}
	return []order.Revision{revision}, nil
}

// isOrder reports whether a topic's body is an order.
func isOrder(topic string) bool {
	switch topic {
	case "orders/create", "orders/paid", "orders/updated", "orders/fulfilled", "orders/partially_fulfilled", "orders/cancelled":
		return true
	}
	return false
}

// Tell says what a delivery is about; of an order's body it reads the two members that say it. See adapters.Teller.
func (a *Adapter) Tell(d order.Delivery, s adapters.Store) ([]order.Revision, error) {
	if !isOrder(d.Topic) {
		told, err := a.Normalise(d, s)
		for i := range told {
			told[i].Order, told[i].Refunds, told[i].Note = nil, nil, ""
		}
		return told, err
	}
	triggered, err := triggeredAt(d.Headers)
	if err != nil {
		return nil, err
	}
	var in struct {
		ID        id        `json:"id"`
		UpdatedAt time.Time `json:"updated_at"`
	}
	err = wire.Glance(d.Body, &in)
	switch {
	case err != nil:
	case in.ID == 0:
		err = missing("id")
	case in.UpdatedAt.IsZero():
		err = missing("updated_at")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Topic, err)
	}
	return []order.Revision{{
		Source: order.Source{StoreID: s.StoreID, PlatformOrderID: in.ID.String()}, Channel: order.Webhook, Kind: order.Snapshot,
		Version: order.Version{Triggered: triggered, Updated: in.UpdatedAt.UnixMicro()},
	}}, nil
}

// whyIgnored tells a topic that is known to be harmless from one nobody has looked at. Returns and transactions are no
// hints: they name no time that could be held against an order's updated_at, and some not even their order.
func whyIgnored(topic string) string {
	switch topic {
	case "order_transactions/create":
		return noteFollowed
	case "orders/risk_assessment_changed", "orders/shopify_protect_eligibility_changed", "orders/link_requested":
		return noteNoMoney
	}
	family, _, _ := strings.Cut(topic, "/")
	switch family {
	case "returns", "reverse_deliveries", "reverse_fulfillment_orders":
		return noteFollowed
	case "disputes":
		return noteDispute
	case "draft_orders", "carts", "checkouts":
		return noteDraft
	case "fulfillments", "fulfillment_events", "fulfillment_orders", "fulfillment_holds", "tender_transactions",
		"payment_schedules", "payment_terms", "subscription_contracts", "subscription_billing_attempts",
		"subscription_billing_cycles", "subscription_billing_cycle_edits":
		return noteNoMoney
	case "app", "app_purchases_one_time", "app_subscriptions", "bulk_operations", "collection_listings", "collections",
		"companies", "company_contact_roles", "company_contacts", "company_locations", "customer", "customer_account_settings",
		"customer_groups", "customer_payment_methods", "customer_tags", "customers", "discounts", "domains", "inventory_items",
		"inventory_levels", "locales", "locations", "markets", "metaobjects", "product_feeds", "product_listings", "products",
		"profiles", "publications", "scheduled_product_listings", "segments", "selling_plan_groups", "shop", "themes", "variants":
		return noteNoOrder
	}
	return noteUnknown
}

// triggeredAt is when Shopify sent the delivery, in microseconds since 1970; 0 where the header is missing.
func triggeredAt(headers map[string]string) (int64, error) {
	text := headers[strings.ToLower(headerTriggeredAt)]
	if text == "" {
		return 0, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, &adapters.Malformed{Field: headerTriggeredAt, Reason: "want a time such as 2026-11-10T09:15:00.123Z"}
	}
	return at.UnixMicro(), nil
}

// fetchedAt is when an order was read from the API: of two tellings of one second, the later one counts.
func fetchedAt(d order.Delivery) (int64, error) {
	text := d.Headers[adapters.FetchedAtHeader]
	if text == "" {
		return d.ReceivedAt.UnixMicro(), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, &adapters.Malformed{Field: adapters.FetchedAtHeader, Reason: "want a time such as 2026-11-10T09:15:00.123Z"}
	}
	return at.UnixMicro(), nil
}

// isTest reads the header that marks deliveries which a developer triggered by hand.
func isTest(headers map[string]string) bool {
	return strings.EqualFold(headers[strings.ToLower(headerTest)], "true")
}

// edited makes a hint: the body lists changes, and an order cannot be computed from changes that may be lost.
func edited(body []byte, revision *order.Revision) error {
	var edit editBody
	if err := decode(body, &edit); err != nil {
		return err
	}
	if edit.Edit.OrderID == 0 {
		return missing("order_edit.order_id")
	}
	if edit.Edit.CommittedAt.IsZero() {
		return missing("order_edit.committed_at")
	}
	revision.Kind = order.Hint
	revision.Source.PlatformOrderID = edit.Edit.OrderID.String()
	revision.Version = hinted(edit.Edit.CommittedAt)
	revision.Note = "the order was edited; its orders/updated delivery, or a fetch, gives the figures"
	return nil
}

// hinted is the version that a snapshot must reach to make a hint moot. updated_at has whole seconds, and the snapshot may
// have been sent before the hint, so neither a fraction nor the time of sending may be asked of it.
func hinted(at time.Time) order.Version {
	return order.Version{Updated: at.Truncate(time.Second).UnixMicro()}
}

// deleted reads {"id"}. The topic stands in an unsigned header, so a body that is an order or a refund is refused:
// whoever replays one under this topic must not be able to take an order's commissions away.
func deleted(body []byte, revision *order.Revision) error {
	var gone deleteBody
	if err := decode(body, &gone); err != nil {
		return err
	}
	switch {
	case bool(gone.LineItems):
		return &adapters.Malformed{Field: "line_items", Reason: "the body is an order, not the id of a deleted one"}
	case bool(gone.OrderID):
		return &adapters.Malformed{Field: "order_id", Reason: "the body is a refund, not the id of a deleted order"}
	case gone.ID == 0:
		return missing("id")
	}
	revision.Kind = order.Deletion
	revision.Source.PlatformOrderID = gone.ID.String()
	revision.Version.Updated = revision.Version.Triggered
	return nil
}

// missing is the fault of a body without a field that nothing can stand in for.
func missing(field string) error {
	return &adapters.Malformed{Field: field, Reason: "the field is missing; if the subscription selects fields, add it to include_fields"}
}

// reading is what one body is read with.
type reading struct {
	currency money.Currency // the shop currency: every amount is in it
	test     bool           // the delivery was marked as a test by its header
}

// inShop refuses a currency other than the shop's. where is the field that names it.
func (r reading) inShop(where, code string) error {
	if code != string(r.currency) {
		return &adapters.Malformed{Field: where, Reason: fmt.Sprintf("the currency is %.8q, but the store keeps its books in %q", code, r.currency)}
	}
	return nil
}

// minor reads an amount in the shop currency, from the money bag where there is one, else from the plain field. stated is
// false where neither is there.
func (r reading) minor(field string, set bag, plain amount) (minor int64, stated bool, err error) {
	text := plain
	if set.Shop.Amount != "" {
		if err := r.inShop(field+"_set.shop_money.currency_code", set.Shop.Currency); err != nil {
			return 0, false, err
		}
		text = set.Shop.Amount
	}
	if text == "" {
		return 0, false, nil
	}
	minor, err = money.ParseMinor(string(text), r.currency)
	if err != nil {
		return 0, false, &adapters.Malformed{Field: field, Reason: err.Error()}
	}
	return minor, true, nil
}

// notNegative is minor for an amount that must be there and cannot be below 0.
func (r reading) notNegative(field string, set bag, plain amount) (int64, error) {
	minor, stated, err := r.minor(field, set, plain)
	switch {
	case err != nil:
		return 0, err
	case !stated:
		return 0, missing(field)
	case minor < 0:
		return 0, &adapters.Malformed{Field: field, Reason: fmt.Sprintf("the amount %s is negative", money.FormatMinor(minor, r.currency))}
	}
	return minor, nil
}
