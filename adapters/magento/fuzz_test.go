package magento_test

import (
	"encoding/json"
	"errors"
	"testing"

	"upline.dev/upline/adapters"
	"upline.dev/upline/adapters/magento"
	"upline.dev/upline/adapters/plugin"
	"upline.dev/upline/core/order"
)

// FuzzNormalise promises: no panic, a *Malformed or one revision that survives storage, the same both times.
func FuzzNormalise(f *testing.F) {
	for _, name := range []string{"placed", "invoiced_in_part", "invoiced_and_refunded", "cancelled", "deleted", "rest_cancelled", "one_line"} {
		f.Add(plugin.Topic, fixture(f, "module", name+".json"))
	}
	f.Add(adapters.FetchedTopic, fetched(f, "order-after-full-invoice.json"))
	f.Add("other", []byte(`{}`))
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		d := order.Delivery{Topic: topic, Body: body}
		first, err := magento.New().Normalise(d, store("USD"))
		second, again := magento.New().Normalise(d, store("USD"))
		if err != nil {
			if _, ok := errors.AsType[*adapters.Malformed](err); !ok || again == nil || err.Error() != again.Error() {
				t.Fatalf("error %v, then %v, want one *Malformed", err, again)
			}
			return
		}
		if len(first) != 1 || len(second) != 1 || first[0].Hash() != second[0].Hash() {
			t.Fatalf("two readings differ: %+v and %+v", first, second)
		}
		checkStorable(t, first[0])
	})
}

// checkStorable sends a revision through JSON and, where it is one of an order, through Merge and Net.
func checkStorable(t *testing.T, revision order.Revision) {
	t.Helper()
	text, err := json.Marshal(revision)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	var back order.Revision
	if err := json.Unmarshal(text, &back); err != nil || back.Hash() != revision.Hash() {
		t.Fatalf("decoded %s to another revision (%v)", text, err)
	}
	if revision.Kind == order.Ignored {
		return
	}
	state, err := order.Merge(order.State{}, revision)
	if err != nil || state.Validate() != nil {
		return
	}
	effective, err := state.Effective()
	if err != nil {
		t.Fatalf("a valid state has no order: %v", err)
	}
	for _, policy := range []order.NetPolicy{{}, {PartiallyPaid: order.PartialProportional}} {
		b, err := order.Net(effective, policy)
		if err != nil {
			continue // For example a partly paid order that tells no totals.
		}
		for _, line := range b.Lines {
			if line.NetMinor < 0 {
				t.Fatalf("a net below 0: %+v", line)
			}
		}
	}
}
