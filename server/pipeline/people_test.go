package pipeline

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
)

// fastPlan pays 20 and 10 % of what somebody new sells, as the order settles, and then no levels.
const fastPlan = `{
	"name": "fast", "effective_from": "2026-01-01T00:00:00Z", "currency": "EUR", "ranks": ["member"],
	"attribution": {"evidence": ["manual", "code", "cart", "landing", "customer"], "binding": {"mode": "lifetime"}},
	"components": [
		{"id": "retail", "type": "retail", "rates": [{"rate": "10%"}]},
		{"id": "levels", "type": "unilevel", "rates": [{"levels": ["5%", "3%"]}]},
		{"id": "fast", "type": "fast_start", "period": "order", "fast_start": {"days": 30, "excludes": ["levels"]}, "rates": [{"levels": ["20%", "10%"]}]}
	]
}`

func fastWorld(t *testing.T) *memory {
	t.Helper()
	m := world(t)
	m.plans = []PublishedPlan{publish(t, fastPlan)}
	return m
}

var fastFull = map[string]int64{"lisa": 1000, "gold": 2000, "top": 1000}

// TestFastStartPinsTheEnrolment: an order waits until somebody says when its seller was enrolled, and then keeps that,
// whatever is said later.
func TestFastStartPinsTheEnrolment(t *testing.T) {
	t.Parallel()
	m := fastWorld(t)
	s := m.step(t, told(1, sale()))
	want := &Reason{
		Code: ReasonMissingEnrolment, Causes: []string{"ref:lisa", "plan"}, WaitingMinor: 10000, Currency: "EUR",
		Detail: "distributor lisa has no enrolment date: component fast needs it: import when the person was enrolled.",
	}
	if diff := cmp.Diff(want, s.Reason); diff != "" {
		t.Fatal(diff)
	}
	m.versions.Tree++
	m.enrolments = []Enrolment{{"lisa", placed.AddDate(0, 0, -10).UnixMicro(), m.versions.Tree}}
	m.release("ref:lisa")
	s = m.settleItem(t, true)
	if diff := cmp.Diff(fastFull, m.earned(sample1)); diff != "" {
		t.Fatal(diff)
	}
	enrolled := []commission.Enrolment{{DistributorID: "lisa", At: placed.AddDate(0, 0, -10).UnixMicro()}}
	if diff := cmp.Diff(enrolled, s.Pins.Enrolled); diff != "" {
		t.Error(diff)
	}
	for _, later := range [][]Enrolment{nil, {{"lisa", placed.AddDate(-1, 0, 0).UnixMicro(), m.versions.Tree}}} {
		m.enrolments = later
		if s = m.settleItem(t, true); len(s.Postings) > 0 || s.Outcome != Settled {
			t.Errorf("with %v: %s, %+v", later, s.Outcome, s.Postings)
		}
	}
	m.step(t, told(2, sale(func(o *order.Order) { o.Refunds = []order.Refund{refunded("r", "l1", 1, 5000)} })))
	if diff := cmp.Diff(map[string]int64{"lisa": 500, "gold": 1000, "top": 500}, m.earned(sample1)); diff != "" {
		t.Errorf("half of it refunded: %s", diff)
	}
	m.step(t, refunding(refunded("r2", "l1", 1, 5000)))
	if diff := cmp.Diff(map[string]int64{}, m.earned(sample1)); diff != "" {
		t.Errorf("all of it refunded: %s", diff)
	}
}

// TestEnrolmentAsOfThePins: what was recorded after an order was settled does not change it; where nothing was known then,
// the first that is counts.
func TestEnrolmentAsOfThePins(t *testing.T) {
	t.Parallel()
	old, fresh := placed.AddDate(-1, 0, 0).UnixMicro(), placed.AddDate(0, 0, -1).UnixMicro()
	pins := &Pins{Pins: commission.Pins{TreeVersion: 3}}
	for name, c := range map[string]struct {
		known []Enrolment
		want  int64
	}{
		"by the versions":  {[]Enrolment{{"lisa", old, 0}, {"lisa", fresh, 3}, {"lisa", old, 4}}, fresh},
		"what always held": {[]Enrolment{{"lisa", fresh, 0}, {"lisa", old, 4}}, fresh},
		"told only later":  {[]Enrolment{{"lisa", fresh, 4}}, fresh},
	} {
		f := &facts{versions: Versions{Tree: 5}, people: peopleFacts{enrolments: map[string][]Enrolment{"lisa": c.known}}}
		if got, known := f.enrolment("lisa", pins); !known || got.At != c.want {
			t.Errorf("%s: %+v, %t", name, got, known)
		}
	}
}

// TestFastStartByTheCompanysDays: the memory's program counts days in Berlin, the plan may say otherwise.
func TestFastStartByTheCompanysDays(t *testing.T) {
	t.Parallel()
	// From the first of March at midnight in Berlin 30 days are 719 hours, since clocks go forward on the 29th.
	enrolled := time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)
	late := func(o *order.Order) { o.OrderTS = enrolled.Add(719*time.Hour + time.Minute) }
	for zone, want := range map[string]int64{``: 500, `"periods": {"time_zone": "UTC"},`: 2000} {
		m := fastWorld(t)
		m.plans = []PublishedPlan{publish(t, strings.Replace(fastPlan, `"ranks"`, zone+`"ranks"`, 1))}
		m.enrolments = []Enrolment{{"lisa", enrolled.UnixMicro(), 0}}
		m.step(t, told(1, sale(late)))
		if got := m.earned(sample1)["gold"]; got != want {
			t.Errorf("with %q gold has %d instead of %d", zone, got, want)
		}
	}
}

// TestFastStartAlongEnrollers: another enroller is read as of the order's time and its pinned version.
func TestFastStartAlongEnrollers(t *testing.T) {
	t.Parallel()
	m := fastWorld(t)
	m.plans = []PublishedPlan{publish(t, strings.Replace(fastPlan, `"period": "order"`, `"period": "order", "tree": "enroller"`, 1))}
	m.enrolments = []Enrolment{{"lisa", placed.UnixMicro(), 0}}
	m.enrollers = map[string][]genealogy.Link{"lisa": {
		{DistributorID: "lisa", ParentID: "gold", ValidFrom: genealogy.Beginning, Version: 1},
		{DistributorID: "lisa", ParentID: "max", ValidFrom: placed.UnixMicro(), Version: 1},
		{DistributorID: "lisa", ParentID: "top", ValidFrom: placed.UnixMicro(), Version: 2},
		{DistributorID: "lisa", ParentID: "top", ValidFrom: placed.UnixMicro() + 1, Version: 1},
	}}
	m.step(t, told(1, sale()))
	if diff := cmp.Diff(map[string]int64{"lisa": 1000, "max": 2000}, m.earned(sample1)); diff != "" {
		t.Error(diff)
	}
	for _, snapshot := range m.snapshots {
		if !bytes.Contains(snapshot, []byte(`"tree":"enroller"`)) || !bytes.Contains(snapshot, []byte(`"beside":[["max"`)) {
			t.Errorf("the tree walked is not told: %s", snapshot)
		}
		if _, err := commission.Recompute(snapshot); err != nil {
			t.Error(err)
		}
	}
}
