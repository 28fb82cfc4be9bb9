package woocommerce_test

import (
	"encoding/json"
	"errors"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/woocommerce"
	"upline.dev/upline/core/order"
)

// FuzzNormalise promises: no panic, and a *Malformed or revisions that survive storage, the same both times.
func FuzzNormalise(f *testing.F) {
	for _, r := range recordings(f) {
		f.Add(r.topic, r.body)
		f.Add(adapters.FetchedTopic, asFetched(f, r))
	}
	for _, d := range pluginDeliveries(f) {
		f.Add(d.Topic, d.Body)
		f.Add(adapters.FetchedTopic, d.Body)
	}
	f.Add("order.deleted", []byte(`{"id":36}`))
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		first, err := woocommerce.New().Normalise(delivery(topic, body), store("USD"))
		second, again := woocommerce.New().Normalise(delivery(topic, body), store("USD"))
		if err != nil {
			if _, ok := errors.AsType[*adapters.Malformed](err); !ok || again == nil || err.Error() != again.Error() {
				t.Fatalf("error %v, then %v, want one *Malformed", err, again)
			}
			return
		}
		if len(first) == 0 || len(first) != len(second) {
			t.Fatalf("%d and %d revisions", len(first), len(second))
		}
		for i := range first {
			if first[i].Hash() != second[i].Hash() {
				t.Fatalf("two readings differ: %+v and %+v", first[i], second[i])
			}
		}
		checkStorable(t, first)
	})
}

// checkStorable sends revisions through JSON and, where they are of an order, through Merge and Net.
func checkStorable(t *testing.T, revisions []order.Revision) {
	t.Helper()
	var state order.State
	for _, revision := range revisions {
		text, err := json.Marshal(revision)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		var back order.Revision
		if err := json.Unmarshal(text, &back); err != nil || back.Hash() != revision.Hash() {
			t.Fatalf("decoded %s to another revision (%v)", text, err)
		}
		if state, err = order.Merge(state, revision); err != nil {
			t.Fatalf("merge: %v", err)
		}
	}
	if state.Validate() != nil {
		return
	}
	o, err := state.Effective()
	if err != nil {
		t.Fatalf("a valid state is undecided: %v", err)
	}
	b, err := order.Net(o, order.NetPolicy{})
	if err != nil {
		t.Fatalf("net of a valid order: %v", err)
	}
	for _, line := range b.Lines {
		if line.NetMinor < 0 || line.NetMinor > line.GrossMinor {
			t.Fatalf("net %d of gross %d", line.NetMinor, line.GrossMinor)
		}
	}
}

// FuzzOpen promises: no panic, and ids that can stand in a key.
func FuzzOpen(f *testing.F) {
	f.Add("order.updated", "", "", []byte(`{"id":1}`))
	f.Add("", "evt_1", "v1,x", []byte(snapshotBase))
	f.Fuzz(func(t *testing.T, topic, id, signature string, body []byte) {
		header := func(name string) string {
			return map[string]string{"X-WC-Webhook-Topic": topic, adapters.HeaderWebhookID: id, adapters.HeaderWebhookSignature: signature, adapters.HeaderWebhookTimestamp: "1"}[name]
		}
		envelope, err := woocommerce.New().Open(header, body)
		if err != nil {
			if _, ok := errors.AsType[*adapters.Malformed](err); !ok {
				t.Fatalf("got %v, want a *Malformed", err)
			}
			return
		}
		if envelope.PlatformDeliveryID == "" || len(envelope.PlatformDeliveryID) > 255 || envelope.Topic == "" {
			t.Fatalf("envelope %+v", envelope)
		}
		if woocommerce.New().Verify(header, body, [][]byte{[]byte("secret")}) == nil && signature == "" {
			t.Fatal("an unsigned request passes")
		}
	})
}
