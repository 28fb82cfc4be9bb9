package adminapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Subscription is a topic that a shop sends us, beside those of shopify.app.toml.
type Subscription struct {
	Topic  string   // as in headers, such as disputes/create
	Fields []string // include_fields
}

// subscribed is a subscription as an answer tells it.
type subscribed = SubscriptionsWebhookSubscriptionsWebhookSubscriptionConnectionNodesWebhookSubscription

// KeepSubscriptions makes the shop send the wanted ones of the topics to an address, each once, and none of the others. Doing
// it again changes nothing; one that leads elsewhere, or has other fields, is made anew.
func (c *Client) KeepSubscriptions(ctx context.Context, topics []string, wanted []Subscription, address string) error {
	there, err := c.subscriptions(ctx, topics)
	if err != nil {
		return err
	}
	missing := slices.Clone(wanted)
	var failed error // one topic that is refused is no reason to do without the others
	for i := range there {
		known := &there[i]
		at := slices.IndexFunc(missing, func(s Subscription) bool { return known.is(s, address) })
		if at >= 0 {
			missing = slices.Delete(missing, at, at+1)
			continue
		}
		failed = errors.Join(failed, c.unsubscribe(ctx, known.Id))
	}
	for _, s := range missing {
		failed = errors.Join(failed, c.subscribe(ctx, s, address))
	}
	return failed
}

// is tells whether a subscription is the wanted one.
func (s *subscribed) is(want Subscription, address string) bool {
	sorted := func(fields []string) []string { return slices.Sorted(slices.Values(fields)) }
	return s.Topic == topicName(want.Topic) && s.Uri == address && slices.Equal(sorted(s.IncludeFields), sorted(want.Fields))
}

// topicName is a topic as the schema writes it.
func topicName(topic string) WebhookSubscriptionTopic {
	return WebhookSubscriptionTopic(strings.ToUpper(strings.ReplaceAll(topic, "/", "_")))
}

// subscriptions reads what the shop has of the topics.
func (c *Client) subscriptions(ctx context.Context, topics []string) (list []subscribed, err error) {
	names := make([]WebhookSubscriptionTopic, len(topics))
	for i, topic := range topics {
		names[i] = topicName(topic)
	}
	for after := ""; ; {
		page, err := Subscriptions(ctx, c, names, after)
		if err != nil {
			return nil, err
		}
		list = append(list, page.WebhookSubscriptions.Nodes...)
		if !page.WebhookSubscriptions.PageInfo.HasNextPage {
			return list, nil
		}
		after = page.WebhookSubscriptions.PageInfo.EndCursor
	}
}

// subscribe makes one. Where its answer was lost and it is there after all, Shopify's refusal of a second one is as good.
func (c *Client) subscribe(ctx context.Context, s Subscription, address string) error {
	answer, err := Subscribe(ctx, c, topicName(s.Topic), WebhookSubscriptionInput{Uri: address, IncludeFields: s.Fields})
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Topic, err)
	}
	var refusals []FieldError
	for _, e := range answer.WebhookSubscriptionCreate.UserErrors {
		refusals = append(refusals, FieldError{Field: e.Field, Message: e.Message})
	}
	refused := c.userErrors("Subscribe", refusals)
	if refused == nil {
		return nil
	}
	there, err := c.subscriptions(ctx, []string{s.Topic})
	if err == nil && slices.ContainsFunc(there, func(known subscribed) bool { return known.is(s, address) }) {
		return nil
	}
	return fmt.Errorf("subscribe to %s: %w", s.Topic, refused)
}

// unsubscribe ends one. One that has ended meanwhile is a refusal, and the next look finds it gone.
func (c *Client) unsubscribe(ctx context.Context, id string) error {
	answer, err := Unsubscribe(ctx, c, id)
	if err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	var refusals []FieldError
	for _, e := range answer.WebhookSubscriptionDelete.UserErrors {
		refusals = append(refusals, FieldError{Field: e.Field, Message: e.Message})
	}
	if err := c.userErrors("Unsubscribe", refusals); err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	return nil
}
