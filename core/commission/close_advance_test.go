package commission_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/plan"
)

const advancePlan = `{"name":"advance","currency":"EUR","ranks":["member","silver","gold"],"components":[
{"id":"advance","type":"rank_advance","rank_advance":{"parts":2,"maintain":2},"rates":[
 {"rank":"member","amount":"0"},{"rank":"silver","amount":"100.01"},{"rank":"gold","amount":"300"}]}]}`

// held is somebody's title before a month, and what they are paid as in it.
type held struct {
	id           string
	before, rank int8
}

// advanceMonth closes one month of people in this order of numbers, with the state as it is stored.
func advanceMonth(t *testing.T, p *plan.Plan, state []byte, people ...held) (closed []string, after []byte) {
	t.Helper()
	var members []member
	for _, h := range people {
		members = append(members, member{id: h.id, rank: p.Ranks[h.rank]})
	}
	in := monthOf(t, p, members)
	for _, h := range people {
		in.World.People.Title = append(in.World.People.Title, h.before)
		in.Standings.Title = append(in.Standings.Title, max(h.before, h.rank))
	}
	if state != nil {
		if err := json.Unmarshal(state, &in.Before); err != nil {
			t.Fatal(err)
		}
	}
	c, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	if after, err = json.Marshal(c.After); err != nil {
		t.Fatal(err)
	}
	again, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.After, again.After); diff != "" {
		t.Errorf("closed again (-first +second)\n%s", diff)
	}
	closed = books(in, p, c)
	slices.Sort(closed)
	return closed, after
}

// The state names people by id, so that numbers may change from month to month; who is not there waits.
func TestRankAdvanceKeepsItsState(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, advancePlan)
	months := []struct {
		people []held
		want   []string
		state  string
	}{
		{
			people: []held{{"A", 0, 1}, {"B", 0, 2}, {"C", 1, 1}},
			state: `{"advance":{"advance":[{"distributor_id":"A","rank":"silver","held":1,"parts_paid":0},` +
				`{"distributor_id":"B","rank":"silver","held":1,"parts_paid":0},{"distributor_id":"B","rank":"gold","held":1,"parts_paid":0}]}}`,
		},
		{ // A and B have other numbers. B holds silver still, and gold no more.
			people: []held{{"B", 2, 1}, {"C", 1, 1}, {"A", 1, 1}},
			want:   []string{"advance A 5001", "advance B 5001"}, // the odd cent first
			state: `{"advance":{"advance":[{"distributor_id":"A","rank":"silver","held":0,"parts_paid":1},` +
				`{"distributor_id":"B","rank":"silver","held":0,"parts_paid":1},{"distributor_id":"B","rank":"gold","held":0,"parts_paid":0}]}}`,
		},
		{ // A is not in the tree.
			people: []held{{"B", 2, 2}},
			want:   []string{"advance B 5000"},
			state: `{"advance":{"advance":[{"distributor_id":"A","rank":"silver","held":0,"parts_paid":1},` +
				`{"distributor_id":"B","rank":"silver","held":0,"parts_paid":2},{"distributor_id":"B","rank":"gold","held":1,"parts_paid":0}]}}`,
		},
		{ // A comes back without a title: nothing is begun twice.
			people: []held{{"A", 0, 1}, {"B", 0, 2}},
			want:   []string{"advance A 5000", "advance B 15000"},
			state: `{"advance":{"advance":[{"distributor_id":"A","rank":"silver","held":0,"parts_paid":2},` +
				`{"distributor_id":"B","rank":"silver","held":0,"parts_paid":2},{"distributor_id":"B","rank":"gold","held":0,"parts_paid":1}]}}`,
		},
	}
	var state []byte
	for i, month := range months {
		var got []string
		got, state = advanceMonth(t, p, state, month.people...)
		if diff := cmp.Diff(month.want, got); diff != "" {
			t.Errorf("month %d (-want +got)\n%s", i, diff)
		}
		if diff := cmp.Diff(month.state, string(state)); diff != "" {
			t.Errorf("state after month %d (-want +got)\n%s", i, diff)
		}
	}
}

// A rank that a later version of the plan no longer has is paid no more, and its entry stays.
func TestRankAdvanceOfAForgottenRank(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, advancePlan)
	state := `{"advance":{"advance":[{"distributor_id":"A","rank":"platinum","held":1,"parts_paid":0}]}}`
	got, after := advanceMonth(t, p, []byte(state), held{"A", 2, 2})
	if len(got) > 0 || string(after) != state {
		t.Errorf("paid %v, left %s", got, after)
	}
}
