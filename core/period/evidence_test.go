package period_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/period"
)

const leaders = `{"active":{"pv":">= 100"},"breakaway_rank":"gold","grace_periods":2,"requalify_periods":3,"ranks":[
	{"rank":"silver","requires":{"all":[{"active":true},{"gv":">= 500"}]}},
	{"rank":"gold","requires":{"all":[{"gv":">= 10000","max_leg_share":"50%"},{"any":[{"legs":{"rank":"silver","count":">= 2"}},{"customers":"> 3"}]}]}},
	{"rank":"platinum","requires":{"all":[{"gv":">= 20000","max_leg_share":"50%"},{"leg":{"n":2,"volume":">= 4000"}},{"not":{"orders":"< 2"}},{"status":"active"}]}}]}`

// bigCompany is Ann with a strong leg Bob, and Cid.
func bigCompany(t *testing.T) *company {
	t.Helper()
	c := newCompany(t, "Ann", "Bob under Ann", "Cid under Ann", "Dee under Bob")
	c.sells(t, "Ann", "1200")
	c.sells(t, "Bob", "100")
	c.sells(t, "Dee", "7300")
	c.sells(t, "Cid", "3800")
	return c
}

func TestEvidenceInWords(t *testing.T) {
	t.Parallel()
	p := planOf(t, leaders)
	for _, test := range []struct {
		name, who string
		change    func(*company)
		want      string
	}{
		{"the requirement is met", "Ann", nil, `
Paid as gold in 2026-03: its requirement is met.
Active: PV 1,200 of 100.
The requirement of gold asks for: GV 10,000 of 10,000; leg Bob counts 5,000 of 7,400; one of (legs with silver 2 of 2 (Bob, Cid)) or (customers 1 of more than 3).
To platinum is missing: GV 7,600 more (12,400 of 20,000); leg 2 200 more (3,800 of 4,000); not (orders 1 of less than 2).`},
		{"nothing is met", "Dee", func(c *company) { c.sales[2].QV = 0 }, `
Paid as member in 2026-03: everybody has this rank.
Not active: PV 0 of 100.
To silver is missing: active no, needed yes; GV 500 more (0 of 500).`},
		{"grace", "Ann", func(c *company) {
			c.sales = c.sales[:2]
			c.world.People.PaidAs, c.world.People.Missed = []int8{2, 0, 0, 0}, []uint8{1, 0, 0, 0}
		}, `
Paid as gold in 2026-03: its requirement was missed in 2 periods in a row, of which 2 are forgiven.
Active: PV 1,200 of 100.
The requirement of gold is not met and asks for: GV 1,300 of 10,000; one of (legs with silver 0 of 2) or (customers 1 of more than 3).
To platinum is missing: GV 18,700 more (1,300 of 20,000); leg 2 4,000 more (0 of 4,000); not (orders 1 of less than 2).`},
		{"a lost rank", "Ann", func(c *company) {
			c.world.People.PaidAs, c.world.People.Title = []int8{1, 0, 0, 0}, []int8{3, 0, 0, 0}
		}, `
Paid as silver in 2026-03: gold is met, but a lost rank must be met in 3 periods in a row, and this is number 1.
Active: PV 1,200 of 100.
The requirement of silver asks for: active yes, needed yes; GV 12,400 of 500.
The requirement of gold is met: GV 10,000 of 10,000; leg Bob counts 5,000 of 7,400; one of (legs with silver 2 of 2 (Bob, Cid)) or (customers 1 of more than 3).`},
		{"an override", "Cid", func(c *company) {
			c.world.People.Overrides = []period.Override{{Person: 2, Rank: 4, Floor: true, Reason: "founder"}}
		}, `
Paid as diamond in 2026-03: given by hand as the least (founder).
Active: PV 3,800 of 100.`},
		{"an assigned rank", "Cid", func(c *company) { c.world.People.Rank = []int8{0, 0, 4, 0} }, `
Paid as diamond in 2026-03: the company gave this rank.
Active: PV 3,800 of 100.`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := bigCompany(t)
			if test.change != nil {
				test.change(c)
			}
			e, err := c.qualify(t, p).Evidence(c.at(t, test.who))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(test.want), strings.Join(e.Sentences(nil), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvidenceInJSON(t *testing.T) {
	t.Parallel()
	c := bigCompany(t)
	s := c.qualify(t, planOf(t, leaders))
	e, err := s.Evidence(c.at(t, "Ann"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e.Rank)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"rank":"gold","requires":{"join":"all","parts":[` +
		`{"met":true,"what":"GV","op":"\u003e=","needed":"10000","have":"10000","legs":[` +
		`{"distributor_id":"Bob","volume":"7400","counts":"5000"},{"distributor_id":"Cid","volume":"3800","counts":"3800"},` +
		`{"volume":"1200","counts":"1200"}]},` +
		`{"join":"any","parts":[{"met":true,"what":"legs with silver","op":"\u003e=","needed":"2","have":"2","legs":[{"distributor_id":"Bob","volume":"7400","counts":"7400","rank":"silver"},{"distributor_id":"Cid","volume":"3800","counts":"3800","rank":"silver"}]},` +
		`{"met":false,"what":"customers","op":"\u003e","needed":"3","have":"1","lacks":"3"}],"met":true}],"met":true}}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	var back period.Evidence
	whole, _ := json.Marshal(e)
	if err := json.Unmarshal(whole, &back); err != nil || !cmp.Equal(&back, e) {
		t.Errorf("%v: %s", err, cmp.Diff(e, &back))
	}
	if _, err := s.Evidence(9); err == nil {
		t.Error("evidence of nobody")
	}
}

// TestEvidenceAgrees checks for random companies that the evidence decides as the standings do.
func TestEvidenceAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, w := parsed(t, drawPlan(t)), drawWorld(t)
		s, err := period.Qualify(w, p, nil)
		if err != nil {
			return
		}
		for i := range w.People.Count {
			e, err := s.Evidence(i)
			if err != nil {
				t.Fatal(err)
			}
			met := e.Rank == nil || e.Rank.Requires.Met
			switch {
			case e.Because == period.BecauseMet && (!met || e.Rank == nil || e.PaidAs != e.Reached):
				t.Fatalf("person %d has a requirement that is met and not: %+v", i, e)
			case e.Override == nil && e.Next != nil && e.Next.Requires.Met:
				t.Fatalf("person %d meets a higher rank: %+v", i, e)
			case e.Active && e.Activity != nil && !e.Activity.Met:
				t.Fatalf("person %d is active without being so: %+v", i, e)
			}
			e.Sentences(nil)
			if err := e.Check(); err != nil {
				text, _ := json.Marshal(e)
				t.Fatalf("person %d: %v\n%s", i, err, text)
			}
		}
	})
}

// TestEvidenceChecks: evidence that was changed by hand does not pass for its own.
func TestEvidenceChecks(t *testing.T) {
	t.Parallel()
	c := bigCompany(t)
	s := c.qualify(t, planOf(t, leaders))
	for name, spoil := range map[string]func(*period.Evidence){
		"a rank":         func(e *period.Evidence) { e.PaidAs = "diamond" },
		"a reason":       func(e *period.Evidence) { e.Because = period.BecauseGrace },
		"a figure":       func(e *period.Evidence) { e.Rank.Requires.Parts[0].Have = "9999" },
		"a leg's volume": func(e *period.Evidence) { e.Rank.Requires.Parts[0].Legs[1].Counts += 5_000_000 },
		"a leg with a rank": func(e *period.Evidence) {
			e.Rank.Requires.Parts[1].Parts[0].Legs = e.Rank.Requires.Parts[1].Parts[0].Legs[:1]
		},
		"an answer": func(e *period.Evidence) { e.Next.Requires.Met = true },
		"activity":  func(e *period.Evidence) { e.Activity.Have = "0" },
	} {
		e, err := s.Evidence(c.at(t, "Ann"))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Check(); err != nil {
			t.Fatal(err)
		}
		spoil(e)
		if err := e.Check(); err == nil {
			t.Errorf("%s was changed, and nobody noticed", name)
		}
	}
}
