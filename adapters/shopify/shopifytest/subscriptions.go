package shopifytest

import (
	"slices"
	"strconv"
	"strings"
)

// Subscription is one that the app has made by the API.
type Subscription struct {
	Topic  string // as the schema writes it, such as DISPUTES_CREATE
	URI    string
	Fields []string

	id string
}

// Subscriptions are those of the shop, in the order in which they were made.
func (a *Admin) Subscriptions() []Subscription {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.subscriptions)
}

// PutSubscription adds one as if somebody had made it before.
func (a *Admin) PutSubscription(s Subscription) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addSubscription(s)
}

// DropSubscriptions ends them all, as Shopify does after too many failures.
func (a *Admin) DropSubscriptions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.subscriptions = nil
}

func (a *Admin) addSubscription(s Subscription) {
	a.subscribed++
	s.id = "gid://shopify/WebhookSubscription/" + strconv.Itoa(a.subscribed)
	a.subscriptions = append(a.subscriptions, s)
}

func (a *Admin) listSubscriptions(args map[string]any) (any, error) {
	wanted, _ := args["topics"].([]any)
	out := []any{}
	for _, s := range a.subscriptions {
		if len(wanted) == 0 || slices.Contains(wanted, any(s.Topic)) {
			out = append(out, Object{"__typename": "WebhookSubscription", "id": s.id, "topic": s.Topic, "uri": s.URI, "includeFields": anyOf(s.Fields)})
		}
	}
	return out, nil
}

func (a *Admin) subscribe(args map[string]any) (any, error) {
	in, _ := args["webhookSubscription"].(map[string]any)
	s := Subscription{Topic: text(args["topic"]), URI: text(in["uri"])}
	fields, _ := in["includeFields"].([]any)
	for _, field := range fields {
		s.Fields = append(s.Fields, text(field))
	}
	refuse := func(field, message string) (any, error) {
		return Object{"userErrors": []any{Object{"field": []any{"webhookSubscription", field}, "message": message}}}, nil
	}
	switch {
	case slices.Contains(a.RefusedTopics, s.Topic):
		return refuse("topic", "You do not have permission to create or update webhooks with this topic")
	case !strings.HasPrefix(s.URI, "https://"):
		return refuse("uri", "Address protocol must be https")
	case slices.ContainsFunc(a.subscriptions, func(known Subscription) bool { return known.Topic == s.Topic && known.URI == s.URI }):
		return refuse("uri", "Address for this topic has already been taken")
	}
	a.addSubscription(s)
	return Object{"userErrors": []any{}}, nil
}

func (a *Admin) unsubscribe(args map[string]any) (any, error) {
	at := slices.IndexFunc(a.subscriptions, func(s Subscription) bool { return s.id == text(args["id"]) })
	if at < 0 {
		return Object{"userErrors": []any{Object{"field": []any{"id"}, "message": "Webhook subscription does not exist"}}}, nil
	}
	a.subscriptions = slices.Delete(a.subscriptions, at, at+1)
	return Object{"userErrors": []any{}}, nil
}

func anyOf(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}
