package woocommerce

import (
	"errors"
	"fmt"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/order"
)

// topicDeleted is of an order that went to the trash or for good; the body does not say which.
const topicDeleted = "order.deleted"

// Why a delivery of a known topic says nothing about commissions.
const (
	noteUnknown  = "unknown topic"
	noteFollowed = "an order.updated delivery of the same change follows; this one names no amounts"
	noteNoOrder  = "the topic is about products, customers or coupons, not orders"
	noteDraft    = "a draft is no order; order.created follows when it becomes one"
)

// Normalise reads one delivery.
//
//   - plugin/order.snapshot, and such a body under adapters.FetchedTopic: a Snapshot of channel Plugin, versioned by its
//     sequence; a deleted order also gives its Deletion
//   - order.created, updated, restored: a Snapshot of channel Webhook, or a Hint where it has refunds whose lines only a
//     fetch can tell
//   - adapters.FetchedTopic with {"fetched_at", "order", "refunds"}: a Snapshot of channel Webhook, newer than any webhook
//     of the same second
//   - order.deleted: a Hint, because the trash and a deletion look alike
//   - every other topic: Ignored, with the reason in Note
//
// Amounts are read in the store's currency; an order in another one is a *adapters.Malformed.
func (*Adapter) Normalise(d order.Delivery, s adapters.Store) ([]order.Revision, error) {
	revisions, err := normalise(d, s)
	if err != nil {
		return nil, fmt.Errorf("read %.80s: %w", d.Topic, err)
	}
	return revisions, nil
}

func normalise(d order.Delivery, s adapters.Store) ([]order.Revision, error) {
	revision := order.Revision{Source: order.Source{StoreID: s.StoreID}, Channel: order.Webhook}
	var err error
	switch d.Topic {
	case plugin.Topic:
		return plugin.Normalise(d.Body, s)
	case adapters.FetchedTopic:
		if told, err := isSnapshot(d.Body); err != nil || told {
			return pluginOr(d.Body, s, err)
		}
		err = fetched(d.Body, s, &revision)
	case "order.created", "order.updated", "order.restored":
		err = told(d.Body, s, &revision)
	case topicDeleted:
		err = deleted(d, &revision)
	default:
		revision.Kind, revision.Note = order.Ignored, whyIgnored(d.Topic)
	}
	if err != nil {
		return nil, err
	}
	return []order.Revision{revision}, nil
}

// isSnapshot tells a body that the plugin made from one of the REST API.
func isSnapshot(body []byte) (bool, error) {
	var head struct {
		Sequence wire.Present `json:"sequence"`
	}
	err := wire.Decode(body, &head)
	return bool(head.Sequence), err
}

func pluginOr(body []byte, s adapters.Store, err error) ([]order.Revision, error) {
	if err != nil {
		return nil, err
	}
	return plugin.Normalise(body, s)
}

// whyIgnored tells a topic that is known to be harmless from one nobody has looked at.
func whyIgnored(topic string) string {
	switch topic {
	case "action.woocommerce_refund_created", "action.woocommerce_order_refunded", "action.woocommerce_refund_deleted":
		return noteFollowed
	}
	family, _, _ := strings.Cut(topic, ".")
	switch family {
	case "product", "customer", "coupon":
		return noteNoOrder
	case "action":
		return noteFollowed
	}
	return noteUnknown
}

// told reads a webhook's order as it was when the webhook was sent.
func told(body []byte, s adapters.Store, revision *order.Revision) error {
	var in orderBody
	if err := wire.Decode(body, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	modified, err := in.modified()
	if err != nil {
		return err
	}
	revision.Version.Updated = modified.UnixMicro()
	if in.untoldRefunds() {
		revision.Kind = order.Hint
		revision.Source.PlatformOrderID = in.ID.String()
		revision.Version.Triggered = afterWebhooks
		revision.Note = "the order has refunds, and webhooks do not tell their lines; a fetch gives the figures"
		return nil
	}
	return in.revise(s, in.refundTotals(modified), revision)
}

// afterWebhooks puts what was fetched, and what must be, behind the webhooks of the same second.
const afterWebhooks = 1

// fetched reads an order with its refunds as the REST API tells them.
func fetched(body []byte, s adapters.Store, revision *order.Revision) error {
	var in fetchedBody
	if err := wire.Decode(body, &in); err != nil {
		return err
	}
	if in.Order == nil {
		return plugin.Missing("order")
	}
	if in.Refunds == nil {
		return plugin.Missing("refunds")
	}
	if err := in.Order.check(); err != nil {
		return adapters.Under("order.", err)
	}
	modified, err := in.Order.modified()
	if err != nil {
		return adapters.Under("order.", err)
	}
	if in.FetchedAt.After(modified) { // What was read then is how it was then, however old the last change.
		modified = in.FetchedAt
	}
	revision.Version = order.Version{Updated: modified.UnixMicro(), Triggered: afterWebhooks}
	refunds, err := in.refunds()
	if err != nil {
		return err
	}
	return in.Order.revise(s, refunds, revision)
}

// deleted reads {"id"}. The topic stands in an unsigned header, so a body that is an order is refused: whoever replays one
// under this topic must not be able to hold up an order. WooCommerce does not say when it was deleted, so the hint is as
// of the arrival, in whole seconds as the fetch that answers it.
func deleted(d order.Delivery, revision *order.Revision) error {
	var in struct {
		ID        wire.ID      `json:"id"`
		LineItems wire.Present `json:"line_items"`
		Code      wire.Loose   `json:"code"`
	}
	if err := wire.Decode(d.Body, &in); err != nil {
		return err
	}
	switch {
	case in.Code != "":
		return refusedByStore(string(in.Code))
	case bool(in.LineItems):
		return &adapters.Malformed{Field: "line_items", Reason: "the body is an order, not the id of a deleted one"}
	case in.ID == 0:
		return plugin.Missing("id")
	}
	revision.Kind = order.Hint
	revision.Source.PlatformOrderID = in.ID.String()
	revision.Version.Updated = d.ReceivedAt.Unix() * 1_000_000
	revision.Note = "the order was moved to the trash or deleted; a fetch says which"
	return nil
}

// refusedByStore is a correctly signed answer in the place of an order: the webhook's user may not read orders any more.
func refusedByStore(code string) error {
	if strings.ContainsFunc(code, func(r rune) bool { return r < '!' || r > '~' }) {
		code = "an error"
	}
	return &adapters.Malformed{Field: "code", Reason: fmt.Sprintf("the store sent %.60s in the place of the order: the user who made the webhook may not read orders any more; connect the store again", code)}
}

// named puts WooCommerce's words for the members into a fault that was found under our own.
func named(err error) error {
	malformed, ok := errors.AsType[*adapters.Malformed](err)
	if !ok {
		return err
	}
	field := malformed.Field
	for _, word := range words {
		if strings.HasPrefix(field, word[0]) {
			field = word[1] + strings.TrimPrefix(field, word[0])
			break
		}
	}
	if strings.HasPrefix(field, "line_items[") && strings.HasSuffix(field, ".tax") {
		field = strings.TrimSuffix(field, "tax") + "total_tax"
	}
	return &adapters.Malformed{Field: field, Reason: malformed.Reason}
}

var words = [][2]string{
	{"lines", "line_items"}, {"fees", "fee_lines"}, {"shipping", "shipping_lines"}, {"created_at", "date_created_gmt"},
}
