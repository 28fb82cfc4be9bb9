// Package adaptertest is the conformance suite that every adapter must pass before the server may trust it with money.
//
// An adapter's own test gives genuine deliveries with the figures they must come to; Run makes from them what an honest
// but unlucky, a broken and a hostile sender would send.
package adaptertest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

// Group is one part of the suite.
type Group string

// The groups.
const (
	Envelopes   Group = "envelopes"   // Open, and the headers that are kept
	Signatures  Group = "signatures"  // Verify
	Figures     Group = "figures"     // the net amounts of genuine deliveries
	Determinism Group = "determinism" // same bytes, same revision, nothing shared with the body
	Truncation  Group = "truncation"  // bodies cut short are refused
	Exactness   Group = "exactness"   // ids and amounts beyond 2^53
	Hostility   Group = "hostility"   // bodies made to break a reader
	Topics      Group = "topics"      // what does not concern orders is ignored
	Convergence Group = "convergence" // any order of arrival gives one state
	Privacy     Group = "privacy"     // no personal data in a revision
)

// Delivery is one genuine delivery and what it must come to. Figures are minor units of the store's currency.
type Delivery struct {
	Name    string
	Topic   string
	Headers map[string]string // the kept ones, by lower-case name
	Body    []byte

	Kind            order.RevisionKind
	PlatformOrderID string
	NetMinor        map[string]int64 // by line id, under the default policy; for a Snapshot
}

// Arrival is a request's headers and body and the envelope they make; Malformed names the header at fault instead.
type Arrival struct {
	Name      string
	Headers   map[string]string // names in any case
	Body      []byte
	Want      adapters.Envelope
	Malformed string
}

// Converging are deliveries of one order that lead to one state whatever their order of arrival.
type Converging struct {
	Name       string
	Deliveries []Delivery
	NetMinor   map[string]int64 // in the end, by line id
}

// Spot is a genuine Snapshot together with the text of one amount member and of the order's id member in its body, for
// example `"price":"49.90"` and `"id":6210000000000000001`. The amount must be the gross of a line of quantity 1.
type Spot struct {
	Delivery
	Amount string
	ID     string
}

// Cases is what an adapter's test knows of its platform.
type Cases struct {
	Store      adapters.Store
	Arrivals   []Arrival
	Sign       func(body, secret []byte) map[string]string // the headers that carry a signature
	Deliveries []Delivery
	Spots      []Spot
	Ignored    []string // known topics that concern no order
	Converging []Converging
	// Unrounded says that the platform tells amounts before rounding, with up to six decimals.
	Unrounded bool
	Personal  []string // names, addresses and the like that stand in the bodies of Deliveries

	// Without names groups that do not apply to the platform, each with the reason.
	Without map[Group]string
}

// Run checks a against c, group by group.
func Run(t *testing.T, a adapters.Adapter, c Cases) {
	t.Helper()
	groups := map[Group]func(*testing.T, suite){
		Envelopes: envelopes, Signatures: signatures, Figures: figures, Determinism: determinism, Truncation: truncation,
		Exactness: exactness, Hostility: hostility, Topics: topics, Convergence: convergence, Privacy: privacy,
	}
	for group := range c.Without {
		if groups[group] == nil || c.Without[group] == "" {
			t.Fatalf("Without[%q] must name a group and the reason", group)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		t.Run(string(group), func(t *testing.T) {
			t.Parallel()
			if reason := c.Without[group]; reason != "" {
				t.Logf("does not apply: %s", reason)
				return
			}
			groups[group](t, suite{adapter: a, cases: c})
		})
	}
}

// suite is what every group works with.
type suite struct {
	adapter adapters.Adapter
	cases   Cases
}

// received is when every delivery of the suite came in.
var received = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// deliver reads a body as the server would.
func (s suite) deliver(d Delivery) ([]order.Revision, error) {
	return s.adapter.Normalise(s.received(d), s.cases.Store)
}

func (s suite) received(d Delivery) order.Delivery {
	return order.Delivery{
		DeliveryID: "d_1", PlatformDeliveryID: "p_1", ProgramID: "prog_1", StoreID: s.cases.Store.StoreID,
		Platform: s.adapter.Platform(), Topic: d.Topic, Headers: d.Headers, Body: d.Body, ReceivedAt: received,
	}
}

// one reads a body that must give one revision.
func (s suite) one(t *testing.T, d Delivery) order.Revision {
	t.Helper()
	revisions, err := s.deliver(d)
	if err != nil {
		t.Fatalf("%s: %v", d.Name, err)
	}
	if len(revisions) != 1 {
		t.Fatalf("%s: %d revisions, want 1", d.Name, len(revisions))
	}
	return revisions[0]
}

// need fails a group that has nothing to check: an empty list must not look like a pass.
func need(t *testing.T, what string, count int) {
	t.Helper()
	if count == 0 {
		t.Fatalf("Cases.%s is empty; give some, or say in Without why the group does not apply", what)
	}
}

// header looks a name up without case, as HTTP does.
func header(headers map[string]string) adapters.Header {
	lower := make(map[string]string, len(headers))
	for name, value := range headers {
		lower[strings.ToLower(name)] = value
	}
	return func(name string) string { return lower[strings.ToLower(name)] }
}
