package order

import (
	"encoding/json"
	"testing"
)

// FuzzState lets foreign bytes be a stored state and two revisions, and walks them to the net. Nothing may panic, and
// what comes out must be true of every state and breakdown.
func FuzzState(f *testing.F) {
	paid, refunded := taxIncluded()
	seed := func(v ...any) {
		var texts [3][]byte
		for i := range v {
			texts[i], _ = json.Marshal(v[i])
		}
		f.Add(texts[0], texts[1], texts[2])
	}
	state := join(State{}, State{Source: paid.Source, Channels: []ChannelState{{Channel: Webhook, Order: paid}}})
	seed(State{}, snapshot(7, paid), snapshot(7, refunded))
	seed(state, refunding(1, refunded.Refunds...), snapshot(0, refunded))
	seed(state, revision(Deletion, Webhook, 1), revision(Hint, Plugin, 2))
	seed(State{}, fullRevision(), fullRevision())
	f.Add([]byte(`{"channels":[{"channel":"api","order":{"lines":null},"rivals":[{},{}]}]}`), []byte(`{}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, stored, one, other []byte) {
		var s State
		var revisions [2]Revision
		if json.Unmarshal(stored, &s) != nil || json.Unmarshal(one, &revisions[0]) != nil || json.Unmarshal(other, &revisions[1]) != nil {
			return
		}
		for _, r := range revisions {
			r.Hash()
			s, _ = Merge(s, r)
		}
		walk(t, s)
		for _, c := range s.Channels {
			if b, err := Net(c.Order, NetPolicy{}); err == nil {
				sumsUp(t, c.Order, b)
			}
		}
	})
}

// walk takes a state as far as it goes.
func walk(t *testing.T, s State) {
	t.Helper()
	valid := s.Validate() == nil
	o, err := s.Effective()
	if err != nil {
		if valid {
			t.Fatal("a state without an order is valid")
		}
		return
	}
	for _, policy := range []NetPolicy{{}, {IgnoreMoneyRefunds, PartialProportional}, {SpreadMoneyRefunds, PartialAll}} {
		b, err := Net(o, policy)
		if err == nil {
			sumsUp(t, o, b)
		} else if valid && policy.PartiallyPaid != PartialProportional {
			t.Fatalf("a valid order has no net: %v", err)
		}
	}
	if _, err := Attribute(o, nil, byName); err != nil {
		_ = err.Error()
	}
}
