package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// someone is a person with legs, as conditions see one.
type someone struct {
	pv, cv, orders, customers, days int64
	legs                            []leg
	rank, title                     int
	status                          string
	active, autoship                bool
}

type leg struct {
	volume        int64
	head, highest int // ranks
	active        bool
}

// leastToBeActive is the PV that the plan of the test asks for.
const leastToBeActive = 2

func drawSomeone(t *rapid.T) someone {
	small := rapid.Int64Range(0, 4)
	s := someone{pv: small.Draw(t, "pv"), cv: small.Draw(t, "cv"), orders: small.Draw(t, "orders"), days: small.Draw(t, "days")}
	s.customers = rapid.Int64Range(0, s.orders).Draw(t, "customers")
	for range rapid.IntRange(0, 4).Draw(t, "legs") {
		head := rapid.IntRange(0, 2).Draw(t, "head")
		s.legs = append(s.legs, leg{small.Draw(t, "volume"), head, rapid.IntRange(head, 2).Draw(t, "highest"), rapid.Bool().Draw(t, "active leg")})
	}
	slices.SortFunc(s.legs, func(a, b leg) int { return int(b.volume - a.volume) })
	s.rank = rapid.IntRange(0, 2).Draw(t, "rank")
	s.title = rapid.IntRange(s.rank, 2).Draw(t, "title")
	s.status = rapid.SampledFrom(statusNames).Draw(t, "status")
	s.autoship = rapid.Bool().Draw(t, "autoship")
	s.active = s.status == "active" && s.pv >= leastToBeActive
	return s
}

func (s *someone) count(f func(leg) bool) int64 {
	var n int64
	for _, l := range s.legs {
		if f(l) {
			n++
		}
	}
	return n
}

// meets is what a condition says of a person, written from the comments on the measures.
func (s *someone) meets(c *Condition) bool {
	switch {
	case c.Test != nil:
		return s.passes(c.Test)
	case c.Not != nil:
		return !s.meets(c.Not)
	case c.Any != nil:
		return slices.ContainsFunc(c.Any, func(part Condition) bool { return s.meets(&part) })
	}
	return !slices.ContainsFunc(c.All, func(part Condition) bool { return !s.meets(&part) })
}

func (s *someone) passes(t *Test) bool {
	const point = 1_000_000
	var have int64
	switch t.Measure {
	case MeasureStatus:
		return slices.Contains(t.Words, s.status)
	case MeasureActive:
		return t.Flag == s.active
	case MeasureAutoship:
		return t.Flag == s.autoship
	case MeasurePV:
		have = s.pv * point
	case MeasureCV:
		have = s.cv * point
	case MeasureGV:
		have = s.gv(t) * point
	case MeasurePGV:
		have = s.pv
		for _, l := range s.legs {
			if l.head < t.rank {
				have += l.volume
			}
		}
		have *= point
	case MeasureLeg:
		if t.N <= len(s.legs) {
			have = s.legs[t.N-1].volume * point
		}
	case MeasureLegs:
		have = s.count(func(l leg) bool {
			rank := l.highest
			if t.Depth == Frontline {
				rank = l.head
			}
			return t.LegRank != "" && rank >= t.rank || t.LegRank == "" && l.volume*point >= t.legVolume
		})
	case MeasureActiveLegs:
		have = s.count(func(l leg) bool { return l.active })
	case MeasureOrders:
		have = s.orders
	case MeasureCustomers:
		have = s.customers
	case MeasureDays:
		have = s.days
	case MeasureRank, MeasureTitle:
		have = int64(map[string]int{MeasureRank: s.rank, MeasureTitle: s.title}[t.Measure])
		return compare(have, t.Op, int64(t.rank))
	}
	return compare(have, t.Op, t.number)
}

// gv is group volume, or what of it counts where each leg is limited to half of what is asked for.
func (s *someone) gv(t *Test) int64 {
	sum := s.pv
	most := s.pv
	for _, l := range s.legs {
		sum += l.volume
		most = max(most, l.volume)
	}
	if t.MaxLegShare == "" {
		return sum
	}
	// Shares are 50 % of an even figure here, so that halves are whole.
	half := t.number / 1_000_000 / 2
	counted := min(s.pv, half)
	for _, l := range s.legs {
		counted += min(l.volume, half)
	}
	return counted
}

func compare(have int64, op string, want int64) bool {
	switch op {
	case AtLeast:
		return have >= want
	case Above:
		return have > want
	case AtMost:
		return have <= want
	case Below:
		return have < want
	}
	return have == want
}

func drawCondition(t *rapid.T, depth int) string {
	n := rapid.IntRange(0, 4).Draw(t, "number")
	op := rapid.SampledFrom([]string{">=", ">", "<=", "<", "="}).Draw(t, "operator")
	rank := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "rank")
	if depth > 0 {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return fmt.Sprintf(`{"not":%s}`, drawCondition(t, depth-1))
		case 1, 2:
			var parts []string
			for range rapid.IntRange(1, 3).Draw(t, "parts") {
				parts = append(parts, drawCondition(t, depth-1))
			}
			return fmt.Sprintf(`{%q:[%s]}`, rapid.SampledFrom([]string{"all", "any"}).Draw(t, "join"), strings.Join(parts, ","))
		}
	}
	switch rapid.IntRange(0, 8).Draw(t, "measure") {
	case 0:
		return fmt.Sprintf(`{"leg":{"n":%d,"volume":"%s %d"}}`, n+1, op, n)
	case 1:
		return fmt.Sprintf(`{"legs":{"volume":"%d","count":"%s %d"}}`, rapid.IntRange(0, 4).Draw(t, "bound"), op, n)
	case 2:
		return fmt.Sprintf(`{"legs":{"rank":%q,"count":"%s %d","depth":%q}}`, rank, op, n, rapid.SampledFrom([]string{Anywhere, Frontline}).Draw(t, "depth"))
	case 3:
		return fmt.Sprintf(`{%q:"%s %s"}`, rapid.SampledFrom([]string{"rank", "title"}).Draw(t, "which"), op, rank)
	case 4:
		return fmt.Sprintf(`{"gv":">= %d","max_leg_share":"50%%"}`, 2*n)
	case 5:
		return fmt.Sprintf(`{"pgv":"%s %d","without":%q}`, op, n, rank)
	case 6:
		return fmt.Sprintf(`{%q:true}`, rapid.SampledFrom([]string{"active", "autoship"}).Draw(t, "flag"))
	case 7:
		return fmt.Sprintf(`{"status":%q}`, rapid.SampledFrom(statusNames).Draw(t, "word"))
	}
	measure := rapid.SampledFrom([]string{"pv", "gv", "cv", "orders", "customers", "active_legs", "days_since_enrolment"}).Draw(t, "figure")
	return fmt.Sprintf(`{%q:"%s %d"}`, measure, op, n)
}

// What is called impossible must be so: no person of any shape may meet a condition that never holds, fail one that
// always holds, or meet the one and not the other where it is implied.
func TestNeverAndAlwaysAreCertain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first, second := drawCondition(t, 3), drawCondition(t, 2)
		p, err := Parse(fmt.Appendf(nil, `{"name":"x","currency":"EUR","ranks":["a","b","c"],"qualification":{"active":{"pv":">= 2"}},"components":[
			{"id":"r","type":"retail","period":"monthly","rates":[{"rate":"5%%"}],"requires":%s},
			{"id":"s","type":"retail","period":"monthly","rates":[{"rate":"5%%"}],"requires":%s}]}`, first, second))
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, first, second)
		}
		s, a, b := newSolver(p), p.Components[0].Requires, p.Components[1].Requires
		for range 20 {
			person := drawSomeone(t)
			meetsA, meetsB := person.meets(a), person.meets(b)
			switch {
			case meetsA && s.never(a):
				t.Fatalf("%+v meets %s, which never holds", person, first)
			case !meetsA && s.always(a):
				t.Fatalf("%+v fails %s, which always holds", person, first)
			case meetsA && !meetsB && s.implies(a, b):
				t.Fatalf("%+v meets %s and not %s, which it implies", person, first, second)
			}
		}
	})
}

// What cannot be is found, where people would see it.
func TestNeverIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]string{
		"numbers":               `{"all":[{"pv":">= 100"},{"pv":"< 100"}]}`,
		"below zero":            `{"orders":"< 0"}`,
		"own above group":       `{"all":[{"pv":">= 100"},{"gv":"< 100"}]}`,
		"legs above group":      `{"all":[{"leg":{"n":2,"volume":">= 500"}},{"gv":"< 1000"}]}`,
		"second above first":    `{"all":[{"leg":{"n":2,"volume":">= 500"}},{"leg":{"n":1,"volume":"< 500"}}]}`,
		"count and leg":         `{"all":[{"legs":{"volume":"500","count":">= 3"}},{"leg":{"n":3,"volume":"<= 400"}}]}`,
		"higher in legs":        `{"all":[{"legs":{"rank":"c","count":">= 2"}},{"legs":{"rank":"b","count":"< 2"}}]}`,
		"rank above title":      `{"all":[{"rank":">= c"},{"title":"< c"}]}`,
		"above the highest":     `{"rank":"> c"}`,
		"two statuses":          `{"all":[{"status":"active"},{"status":["inactive","terminated"]}]}`,
		"limited group":         `{"all":[{"gv":">= 1000","max_leg_share":"50%"},{"gv":"< 1000"}]}`,
		"all alternatives":      `{"any":[{"pv":"< 0"},{"not":{"pv":">= 0"}}]}`,
		"active without volume": `{"all":[{"active":true},{"pv":"< 2"}]}`,
		"active in no status":   `{"all":[{"active":true},{"status":"suspended"}]}`,
		"flag":                  `{"all":[{"autoship":true},{"not":{"autoship":true}}]}`,
	} {
		p, err := Parse(fmt.Appendf(nil, `{"name":"x","currency":"EUR","ranks":["a","b","c"],"qualification":{"active":{"pv":">= 2"}},"components":[
			{"id":"r","type":"retail","period":"monthly","rates":[{"rate":"5%%"}],"requires":%s}]}`, c))
		if err != nil {
			t.Fatal(err)
		}
		if !newSolver(p).never(p.Components[0].Requires) {
			t.Errorf("%s: %s is not found to be impossible", name, c)
		}
	}
}
