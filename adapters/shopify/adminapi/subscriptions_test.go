package adminapi_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upline.dev/upline/adapters/shopify/adminapi"
	"upline.dev/upline/adapters/shopify/shopifytest"
)

const hooks = "https://upline.example.com/webhooks/shopify"

var (
	optionalTopics = []string{"disputes/create", "returns/process"}
	disputes       = adminapi.Subscription{Topic: "disputes/create", Fields: []string{"id", "order_id"}}
	returns        = adminapi.Subscription{Topic: "returns/process", Fields: []string{"id"}}
)

func (b *bench) subscribed(t *testing.T, want ...shopifytest.Subscription) {
	t.Helper()
	if diff := cmp.Diff(want, b.admin.Subscriptions(), cmpopts.IgnoreUnexported(shopifytest.Subscription{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestKeepSubscriptions: each wanted topic is there once, whatever was there before, and however often it is asked for.
func TestKeepSubscriptions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin.PutSubscription(shopifytest.Subscription{Topic: "DISPUTES_CREATE", URI: "https://before.example.com/webhooks/shopify", Fields: []string{"id"}})
	b.admin.PutSubscription(shopifytest.Subscription{Topic: "RETURNS_PROCESS", URI: hooks, Fields: []string{"id", "note"}})
	b.admin.PutSubscription(shopifytest.Subscription{Topic: "DISPUTES_UPDATE", URI: hooks}) // none of the topics asked about
	keep := func(wanted ...adminapi.Subscription) {
		t.Helper()
		if err := b.client.KeepSubscriptions(t.Context(), optionalTopics, wanted, hooks); err != nil {
			t.Fatal(err)
		}
	}
	other := shopifytest.Subscription{Topic: "DISPUTES_UPDATE", URI: hooks}
	made := shopifytest.Subscription{Topic: "DISPUTES_CREATE", URI: hooks, Fields: []string{"id", "order_id"}}
	back := shopifytest.Subscription{Topic: "RETURNS_PROCESS", URI: hooks, Fields: []string{"id"}}
	keep(disputes, returns)
	b.subscribed(t, other, made, back)
	before := len(b.admin.Asked())
	keep(disputes, returns)
	if diff := cmp.Diff([]string{"Subscriptions"}, b.admin.Asked()[before:]); diff != "" {
		t.Error("the second time changed something", diff)
	}
	keep(returns)
	b.subscribed(t, other, back)
	keep()
	b.subscribed(t, other)
}

// TestSubscriptionRefused: a topic whose scope is missing after all is told by name, and the others are made.
func TestSubscriptionRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin.RefusedTopics = []string{"DISPUTES_CREATE"}
	var refused *adminapi.Error
	err := b.client.KeepSubscriptions(t.Context(), optionalTopics, []adminapi.Subscription{disputes, returns}, hooks)
	if !errors.As(err, &refused) || refused.Kind != adminapi.UserErrors || refused.Operation != "Subscribe" {
		t.Errorf("got %v", err)
	}
	b.subscribed(t, shopifytest.Subscription{Topic: "RETURNS_PROCESS", URI: hooks, Fields: []string{"id"}})
}

// TestSubscriptionAnswerLost: the shop made the subscription and its answer never came; the next try finds it.
func TestSubscriptionAnswerLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := shopifytest.Subscription{Topic: "DISPUTES_CREATE", URI: hooks, Fields: []string{"id", "order_id"}}
	between := func(http.ResponseWriter, *http.Request) bool {
		b.admin.PutSubscription(made) // by another process, between the look and the call
		return false
	}
	b.admin.FailNext(func(http.ResponseWriter, *http.Request) bool { return false }, between)
	for range 2 {
		if err := b.client.KeepSubscriptions(t.Context(), optionalTopics, []adminapi.Subscription{disputes}, hooks); err != nil {
			t.Fatal(err)
		}
	}
	b.subscribed(t, made)
}
