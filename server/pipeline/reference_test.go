package pipeline

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/order"
)

// oneReference knows a single text.
type oneReference struct{}

func (oneReference) Read(program, text string, at time.Time) (string, error) {
	if program != "p1" || text != "good" || !at.Equal(placed) {
		return "", errors.New("forged")
	}
	return "LISA10", nil
}

// TestSignedReferences: what we signed names its distributor, ahead of where the visit began; what somebody changed names
// nobody, holds nothing up, and lets weaker evidence count.
func TestSignedReferences(t *testing.T) {
	t.Parallel()
	m := world(t)
	r := start(t, m, quick(), func(d *Deps) { d.References = oneReference{} })
	evidence := map[string][]order.Evidence{
		"good":    {{Kind: order.SignedReference, Value: "good"}, {Kind: order.LandingReference, Value: "max"}},
		"changed": {{Kind: order.SignedReference, Value: "u1.max"}},
		"weaker":  {{Kind: order.SignedReference, Value: "u1.lisa"}, {Kind: order.LandingReference, Value: "max"}},
	}
	numbers := map[string]order.Source{"good": orderNo(1), "changed": orderNo(2), "weaker": orderNo(3)}
	for name, e := range evidence {
		o := sale(func(o *order.Order) { o.Source, o.Evidence, o.BuyerID = numbers[name], e, "" })
		r.put(t, name, body(told(1, o)))
	}
	r.await(t, "all to end", m.allEnded)
	r.stop()
	for name, want := range map[string]map[string]int64{"good": full, "changed": {}, "weaker": {"max": 1000}} {
		if diff := cmp.Diff(want, m.earned(numbers[name])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	stored := string(m.sources[numbers["good"]].state)
	if !strings.Contains(stored, `"kind":"cart","value":"LISA10"`) || strings.Contains(stored, "good") {
		t.Errorf("what it says is not what is stored: %s", stored)
	}
	if !strings.Contains(string(m.sources[numbers["changed"]].state), `"kind":"forged"`) {
		t.Error("that it was changed is not stored")
	}
}

// TestUnreadReferencesNameNobody: without keys nothing that claims to be signed counts.
func TestUnreadReferencesNameNobody(t *testing.T) {
	t.Parallel()
	m := world(t)
	s := m.step(t, told(1, sale(func(o *order.Order) {
		o.Evidence = []order.Evidence{{Kind: order.SignedReference, Value: "lisa"}}
	})))
	if s.Outcome != Settled || s.Attribution.DistributorID != "" || len(s.Attribution.Lost) != 1 || !strings.Contains(s.Attribution.Lost[0].Why, "not signed by us") {
		t.Errorf("%s, %+v", s.Outcome, s.Attribution)
	}
}

// TestHints: what a page told of a checkout counts where nothing stronger does, before or after the order, for good; it
// never takes an order away from somebody.
func TestHints(t *testing.T) {
	t.Parallel()
	checkout := order.Evidence{Kind: order.Checkout, Value: "c1"}
	nobodys := func(o *order.Order) { o.Evidence = []order.Evidence{checkout} }
	known := map[Checkout]string{{StoreID: "s1", Key: "c1"}: "LISA10"}

	before := world(t)
	before.hints = known
	s := before.step(t, told(1, sale(nobodys)))
	if s.Attribution.DistributorID != "lisa" || s.Attribution.Winner != order.LandingReference || s.Pins.HintedReference != "LISA10" || s.Awaits != nil {
		t.Errorf("told before: %+v, pins %+v, awaits %v", s.Attribution, s.Pins, s.Awaits)
	}
	before.hints = nil // kept for a month only
	before.step(t, told(2, sale(nobodys, func(o *order.Order) { o.Refunds = []order.Refund{refunded("r", "l1", 1, 5000)} })))
	if diff := cmp.Diff(map[string]int64{"lisa": 500, "gold": 250, "top": 150}, before.earned(sample1)); diff != "" {
		t.Errorf("a refund after the hint is gone: %s", diff)
	}

	after := world(t)
	s = after.step(t, told(1, sale(nobodys)))
	if s.Attribution.DistributorID != "" || !cmp.Equal(s.Awaits, []string{"checkout:s1:c1"}) {
		t.Errorf("not told yet: %+v, awaits %v", s.Attribution, s.Awaits)
	}
	after.hints = known
	s = after.settleItem(t, true)
	if diff := cmp.Diff(full, after.earned(sample1)); diff != "" || s.Awaits != nil {
		t.Errorf("told later: %s, awaits %v", diff, s.Awaits)
	}

	other := world(t)
	other.hints = known
	s = other.step(t, told(1, sale(func(o *order.Order) {
		o.Evidence = []order.Evidence{checkout, {Kind: order.DistributorCode, Value: "MAX10"}}
	})))
	if s.Attribution.DistributorID != "max" {
		t.Errorf("a hint outweighs a code: %+v", s.Attribution)
	}
}
