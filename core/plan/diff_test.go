package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/plan"
)

func texts(changes []plan.Change) []string {
	var out []string
	for _, change := range changes {
		out = append(out, change.Text)
	}
	return out
}

func TestDiffSaysWhatChanges(t *testing.T) {
	t.Parallel()
	document := everyType(t)
	before := mustParse(t, document)
	for _, c := range []struct {
		old, replacement string
		want             []string
	}{
		{`"20%"}]}`, `"25%"}]}`, []string{"retail: every rank: rate from 20% to 25%"}},
		{`"0.04"]`, `"6%", "1%"]`, []string{"team: every rank: level 2 from 4% to 6%", "team: every rank: level 3 is new, with 1%"}},
		{`{"rank": "member", "rate": "5%"}, {"rate": "10%"}`, `{"rank": "member", "rate": "5%"}, {"rank": "gold", "rate": "12%"}, {"rate": "10%"}`, []string{"steps: gold: rate from 10% to 12%"}},
		{`{"rank": "member", "rate": "5%"}, {"rate": "10%"}`, `{"rate": "10%"}, {"rank": "member", "rate": "5%"}`, []string{"the tables are written differently; what anybody is paid is the same"}},
		{`[{"class": "tea", "rate": "10%"}]`, `[{"class": "tea", "rate": "10%"}, {"rate": "2%"}]`, []string{"first: every rank: rate is new, with 2%"}},
		{`{"class": "tea", "amount": "1.50"}`, `{"class": "tea", "amount": "2"}`, []string{"piece: every rank, class tea: amount from 1.5 to 2"}},
		{`"compression": "dynamic", "levels_from"`, `"compression": "none", "levels_from"`, []string{"team: compression from dynamic to none"}},
		{`{"active_legs": "2"}]}}`, `{"active_legs": "3"}, {"pv": "50"}]}}`, []string{"silver now asks for at least 3 active legs instead of at least 2 active legs", "silver now asks for PV of at least 50"}},
		{`{"pgv": ">= 300", "without": "gold"}, `, ``, []string{"gold no longer asks for GV of at least 300 without legs of gold or higher"}},
		{`"max_leg_share": "0.5"`, `"max_leg_share": "0.4"`, []string{"silver now asks for GV of at least 1000, at most 40% of it from one leg instead of GV of at least 1000, at most 50% of it from one leg"}},
		{`"requires": {"rank": ">= silver"}, `, ``, []string{"team no longer asks for anything; it asked for rank of at least silver"}},
		{`"period": "weekly", "binary"`, `"period": "daily", "binary"`, []string{"cycles: paid daily instead of weekly"}},
		{`"weaker": "0100"`, `"weaker": "150"`, []string{"cycles: binary weaker from 100 to 150"}},
		{`{"from": "1000", "rate": "0.06"}`, `{"from": "1000", "rate": "7%"}`, []string{"stairs: differential bands, from 1000: rate from 6% to 7%"}},
		{`{"active_legs": 3, "levels": 2}`, `{"active_legs": 4, "levels": 2}`, []string{
			"team: unilevel depth, active legs 3: is gone; it was active legs 3, levels 2", "team: unilevel depth, active legs 4: is now active legs 4, levels 2",
		}},
		{`"grace_periods": 2`, `"grace_periods": 0`, []string{"qualification grace periods from 2 to 0"}},
		{`"strategy": "weaker_leg"`, `"strategy": "left"`, []string{"placement strategy from weaker_leg to left"}},
		{`"subtree": false`, `"subtree": true`, []string{"two-up: x up subtree from no to yes"}},
		{`{"id": "person", "scope": "person", "limit": "50000.00", "per": "weekly"},`, ``, []string{"cap person is gone: it was person at most 50000 per week, pro rata"}},
		{`"limit": "0.5%", "of": "cv"`, `"limit": "40%", "of": "cv"`, []string{"cap company: limit from 0.5% to 40%"}},
		{`"late": "restate"`, `"late": "current_period"`, []string{"periods late from restate to current_period"}},
	} {
		changed := strings.Replace(document, c.old, c.replacement, 1)
		if changed == document {
			t.Fatalf("%s is not in the plan", c.old)
		}
		after := mustParse(t, changed)
		if diff := cmp.Diff(c.want, texts(plan.Diff(before, after))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.replacement, diff)
		}
		if plan.Diff(after, before) == nil {
			t.Errorf("%s: nothing changes the other way", c.replacement)
		}
	}
}

func TestDiffOfWholeComponents(t *testing.T) {
	t.Parallel()
	one := mustParse(t, `{"name":"x","components":[{"id":"a","type":"retail","rates":[{"rate":"5%"}]},{"id":"b","type":"retail","base":"cv","rates":[{"rate":"5%"}]}],"volume":{"money":{"*":"1"}}}`)
	two := mustParse(t, `{"name":"x","components":[{"id":"b","type":"retail","base":"cv","rates":[{"rate":"5%"}]},{"id":"a","type":"retail","rates":[{"rate":"5%"}]},{"id":"c","type":"unilevel","rates":[{"levels":["5%"]}]}],"volume":{"money":{"*":"1"}}}`)
	want := []string{"component c is new: unilevel, paid per order, on net", "components are calculated in another order: b, a"}
	if diff := cmp.Diff(want, texts(plan.Diff(one, two))); diff != "" {
		t.Error(diff)
	}
	want = []string{"component c is gone: it was unilevel, paid per order, on net", "components are calculated in another order: a, b"}
	if diff := cmp.Diff(want, texts(plan.Diff(two, one))); diff != "" {
		t.Error(diff)
	}
}

// Whatever changes the hash is said, and nothing is said where the hash is the same.
func TestDiffMissesNothing(t *testing.T) {
	t.Parallel()
	document := everyType(t)
	before := mustParse(t, document)
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.IntRange(0, len(document)-1).Draw(t, "at")
		at := strings.IndexAny(document[digits:], "0123456789")
		if at < 0 {
			t.Skip()
		}
		at += digits
		changed := []byte(document)
		changed[at] = byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
		after, err := plan.Parse(changed)
		if err != nil {
			t.Skip() // Not every digit can be changed.
		}
		changes := plan.Diff(before, after)
		if (len(changes) > 0) != (before.Hash() != after.Hash()) {
			t.Fatalf("%v, and the hashes are %s and %s", changes, before.Hash(), after.Hash())
		}
		if slices.ContainsFunc(changes, func(c plan.Change) bool { return c.Path == "" || c.Text == "" || c.Before == c.After && c.Before != "" }) {
			t.Fatalf("%+v", changes)
		}
	})
}
