package adaptertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

func figures(t *testing.T, s suite) {
	need(t, "Deliveries", len(s.cases.Deliveries))
	for _, d := range s.cases.Deliveries {
		t.Run(d.Name, func(t *testing.T) {
			got := s.one(t, d)
			want := order.Source{StoreID: s.cases.Store.StoreID, PlatformOrderID: d.PlatformOrderID}
			if got.Kind != d.Kind || got.Source != want {
				t.Fatalf("a %s of %q, want a %s of %q", got.Kind, got.Source, d.Kind, want)
			}
			if got.Kind != order.Snapshot && got.Kind != order.OneLine {
				return
			}
			if got.Order == nil || got.Order.Source != want {
				t.Fatalf("order %+v, want one of %q", got.Order, want)
			}
			checkNets(t, merge(t, got), d.NetMinor)
		})
	}
}

func merge(t *testing.T, revisions ...order.Revision) order.State {
	t.Helper()
	var state order.State
	for _, revision := range revisions {
		var err error
		if state, err = order.Merge(state, revision); err != nil {
			t.Fatalf("merge: %v", err)
		}
	}
	return state
}

func checkNets(t *testing.T, state order.State, want map[string]int64) {
	t.Helper()
	if err := state.Validate(); err != nil {
		t.Fatalf("validate: %v", err)
	}
	effective, err := state.Effective()
	if err != nil {
		t.Fatalf("effective: %v", err)
	}
	breakdown, err := order.Net(effective, order.NetPolicy{})
	if err != nil {
		t.Fatalf("net: %v", err)
	}
	got := make(map[string]int64, len(breakdown.Lines))
	for _, line := range breakdown.Lines {
		got[line.LineID] = line.NetMinor
	}
	if !maps.Equal(got, want) {
		t.Errorf("net by line %v, want %v", got, want)
	}
}

func determinism(t *testing.T, s suite) {
	need(t, "Deliveries", len(s.cases.Deliveries))
	for _, d := range s.cases.Deliveries {
		first := s.one(t, d)
		scratch := d
		scratch.Body = bytes.Clone(d.Body)
		second := s.one(t, scratch)
		for i := range scratch.Body {
			scratch.Body[i] = 0xFF // The body's buffer is used again for another delivery.
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s: read twice (-first +second):\n%s", d.Name, diff)
		}
		if first.Hash() != second.Hash() {
			t.Errorf("%s: two hashes", d.Name)
		}
		if teller, ok := s.adapter.(adapters.Teller); ok {
			told, err := teller.Tell(s.received(d), s.cases.Store)
			if diff := cmp.Diff(Told([]order.Revision{first}), told); diff != "" || err != nil {
				t.Errorf("%s: told otherwise than read (-read +told), %v:\n%s", d.Name, err, diff)
			}
		}
	}
}

// Told is what an adapters.Teller has to say where Normalise says read.
func Told(read []order.Revision) []order.Revision {
	told := slices.Clone(read)
	for i := range told {
		told[i].Order, told[i].Refunds, told[i].Note = nil, nil, ""
	}
	return told
}

// truncation cuts every body at every length, or at a thousand of them where it is long: no part of an object is one.
func truncation(t *testing.T, s suite) {
	need(t, "Deliveries", len(s.cases.Deliveries))
	for _, d := range s.cases.Deliveries {
		body := bytes.TrimSpace(d.Body)
		for cut := 0; cut < len(body); cut += 1 + len(body)/1000 {
			part := d
			part.Body = body[:cut:cut]
			s.refused(t, fmt.Sprintf("%s cut at byte %d", d.Name, cut), part)
		}
	}
}

// refused checks that a body gives a *Malformed with a field and a reason, and nothing else.
func (s suite) refused(t *testing.T, name string, d Delivery) {
	t.Helper()
	revisions, err := s.deliver(d)
	malformed, ok := errors.AsType[*adapters.Malformed](err)
	switch {
	case !ok || len(revisions) > 0:
		t.Errorf("%s: %v and error %v, want a *Malformed alone", name, revisions, err)
	case malformed.Field == "" || malformed.Reason == "":
		t.Errorf("%s: %q, want a field and a reason", name, malformed)
	case len(err.Error()) > 2000:
		t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
	}
}

// replaced is a delivery with another text in the place of one that its body must hold.
func replaced(t *testing.T, d Delivery, old, text string) Delivery {
	t.Helper()
	if old == "" || !bytes.Contains(d.Body, []byte(old)) {
		t.Fatalf("%s: the body does not hold %q", d.Name, old)
	}
	d.Body = bytes.Replace(d.Body, []byte(old), []byte(text), 1)
	return d
}

// member splits `"name":value`.
func member(t *testing.T, text string) string {
	t.Helper()
	name, _, found := strings.Cut(text, ":")
	if !found || !strings.HasPrefix(name, `"`) {
		t.Fatalf("%q is no JSON member", text)
	}
	return name
}

// exactness plants figures that a float64 cannot hold.
func exactness(t *testing.T, s suite) {
	need(t, "Spots", len(s.cases.Spots))
	for _, spot := range s.cases.Spots {
		for _, id := range []int64{1<<53 + 1, 1<<63 - 1} {
			text := strconv.FormatInt(id, 10)
			for _, form := range []string{text, `"` + text + `"`} {
				got := s.one(t, replaced(t, spot.Delivery, spot.ID, member(t, spot.ID)+":"+form))
				if got.Source.PlatformOrderID != text {
					t.Errorf("%s: id %s was read as %s", spot.Name, form, got.Source.PlatformOrderID)
				}
			}
		}
		const minor = 1<<53 + 1
		digits, exponent := strconv.FormatInt(minor, 10), s.cases.Store.Currency.Exponent()
		amount := digits[:len(digits)-exponent]
		if exponent > 0 {
			amount += "." + digits[len(digits)-exponent:]
		}
		for _, form := range []string{amount, `"` + amount + `"`} {
			got := s.one(t, replaced(t, spot.Delivery, spot.Amount, member(t, spot.Amount)+":"+form))
			found := false
			for _, line := range got.Order.Lines {
				found = found || line.GrossMinor == minor
			}
			if !found {
				t.Errorf("%s: the amount %s is not in the lines %+v", spot.Name, form, got.Order.Lines)
			}
		}
	}
}

func topics(t *testing.T, s suite) {
	for _, topic := range append([]string{"", "upline/unheard-of", "orders", "ORDERS/PAID", strings.Repeat("x/", 1<<16)}, s.cases.Ignored...) {
		name := topic[:min(len(topic), 40)]
		got := s.one(t, Delivery{Name: name, Topic: topic, Body: []byte(`{"id":1}`)})
		if got.Kind != order.Ignored || got.Note == "" || got.Order != nil || got.Refunds != nil {
			t.Errorf("topic %q: %+v, want it ignored with a note", name, got)
		}
		if got.Source.StoreID != s.cases.Store.StoreID {
			t.Errorf("topic %q: store %q, want %q", name, got.Source.StoreID, s.cases.Store.StoreID)
		}
	}
}

// convergence merges the deliveries in every order of arrival, and in random ones with repeats.
func convergence(t *testing.T, s suite) {
	need(t, "Converging", len(s.cases.Converging))
	for _, c := range s.cases.Converging {
		t.Run(c.Name, func(t *testing.T) {
			need(t, "Converging.Deliveries", len(c.Deliveries))
			revisions := make([]order.Revision, len(c.Deliveries))
			for i, d := range c.Deliveries {
				revisions[i] = s.one(t, d)
			}
			want := merge(t, revisions...)
			checkNets(t, want, c.NetMinor)
			for round := range 200 {
				arrival := arrivalOrder(revisions, round)
				if diff := cmp.Diff(encode(t, want), encode(t, merge(t, arrival...))); diff != "" {
					t.Fatalf("round %d ends in another state (-want +got):\n%s", round, diff)
				}
			}
		})
	}
}

// arrivalOrder shuffles the revisions and repeats some; the round is the seed.
func arrivalOrder(revisions []order.Revision, round int) []order.Revision {
	random := rand.New(rand.NewPCG(1, uint64(round)))
	var arrival []order.Revision
	for _, i := range random.Perm(len(revisions)) {
		arrival = append(arrival, revisions[i])
	}
	for range random.IntN(len(revisions) + 1) {
		arrival = append(arrival, revisions[random.IntN(len(revisions))])
	}
	return arrival
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return string(text)
}

// privacy looks for persons in what is kept for ever, and in errors, which are logged.
func privacy(t *testing.T, s suite) {
	need(t, "Personal", len(s.cases.Personal))
	met := make(map[string]bool)
	for _, d := range s.cases.Deliveries {
		kept := encode(t, s.one(t, d))
		broken := d
		broken.Body = bytes.TrimSuffix(bytes.TrimSpace(d.Body), []byte("}"))
		if _, err := s.deliver(broken); err != nil {
			kept += err.Error()
		}
		for _, person := range s.cases.Personal {
			if bytes.Contains(d.Body, []byte(person)) {
				met[person] = true
			}
			if strings.Contains(strings.ToLower(kept), strings.ToLower(person)) {
				t.Errorf("%s: %q is kept or told", d.Name, person)
			}
		}
	}
	for _, person := range s.cases.Personal {
		if !met[person] {
			t.Errorf("%q stands in no delivery, so its absence shows nothing", person)
		}
	}
}
