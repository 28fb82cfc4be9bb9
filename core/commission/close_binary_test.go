package commission_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// binaryPlan is a plan with one binary component, in euros, 1 CV being worth 1.
func binaryPlan(t rapid.TB, terms, rates string) *plan.Plan {
	t.Helper()
	return mustPlan(t, `{"name":"binary","currency":"EUR","ranks":["member","silver","gold"],"volume":{"money":{"EUR":"1"}},
"placement":{"width":2,"strategy":"weaker_leg","positions":3},
"components":[{"id":"legs","type":"binary","base":"cv","period":"monthly","tree":"placement","binary":{`+terms+`},"rates":[`+rates+`]}]}`)
}

// placed gives every member one position: each names the position above and the leg, as in "A left"; "" at the top.
// An owner after a colon, as in "A left: A", makes a further position of that owner, named owner#2 and so on.
func placed(t testing.TB, in *commission.CloseInput, places ...string) {
	t.Helper()
	people, pos := &in.World.People, &in.World.Positions
	number, ids, count := map[string]int32{}, []string{}, map[string]int{}
	owners := map[string]int32{}
	for i := range people.Count {
		owners[people.ID(i)] = i
	}
	pos.Primary = make([]int32, people.Count)
	for i, place := range places {
		where, owner, further := strings.Cut(place, ": ")
		if !further {
			owner = people.ID(int32(i))
			pos.Primary[i] = int32(i)
		}
		count[owner]++
		id := owner
		if count[owner] > 1 {
			id = fmt.Sprintf("%s#%d", owner, count[owner])
		}
		parent, leg := period.Nobody, uint8(0)
		if up, side, ok := strings.Cut(where, " "); ok {
			parent = number[up]
			if side == "right" {
				leg = 1
			}
		}
		number[id], ids = int32(i), append(ids, id)
		pos.Parent, pos.Leg, pos.Owner = append(pos.Parent, parent), append(pos.Leg, leg), append(pos.Owner, owners[owner])
	}
	pos.ID = func(p int32) string { return ids[p] }
}

// three is A above B on the left and C on the right.
func three(t testing.TB, p *plan.Plan, rank string, sales ...period.Sale) commission.CloseInput {
	t.Helper()
	in := monthOf(t, p, []member{{id: "A", rank: rank}, {id: "B", up: "A"}, {id: "C", up: "A"}}, sales...)
	placed(t, &in, "", "A left", "A right")
	return in
}

// carries writes what a component carries on, as "A 0/300".
func carries(t testing.TB, c *commission.Closing, component string) []string {
	t.Helper()
	var out []string
	state := c.After.Binary[component]
	sum := func(list []commission.Carry) string {
		var parts []string
		for _, c := range list {
			text := money.Volume(c.Volume).String()
			if c.Age > 0 {
				text += fmt.Sprintf(" of %d before", c.Age)
			}
			parts = append(parts, text)
		}
		if parts == nil {
			return "0"
		}
		return strings.Join(parts, " and ")
	}
	err := state.Each(func(id string, left, right []commission.Carry) error {
		out = append(out, id+" "+sum(left)+"/"+sum(right))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBinaryPeriods plays one period after the other: A's legs, what is paid or lost, and what A carries on.
func TestBinaryPeriods(t *testing.T) {
	t.Parallel()
	type month struct {
		left, right, own int64 // CV
		want             string
		carry            string
	}
	tests := []struct {
		name, terms, rates, rank string
		idle                     bool
		months                   []month
	}{
		{"W5 carries the stronger leg", `"pay":"weaker_leg"`, `{"rate":"10%"}`, "", false, []month{
			{200, 500, 0, "legs A 2000", "A 0/300"},
			{400, 100, 0, "legs A 4000", ""},
		}},
		{"W5 with full flush", `"pay":"weaker_leg","carry":"none"`, `{"rate":"10%"}`, "", false, []month{
			{200, 500, 0, "legs A 2000", ""},
			{400, 100, 0, "legs A 1000", ""},
		}},
		{"W6 member", `"pay":"weaker_leg"`, w6Rates, "member", false, []month{{100000, 200000, 0, "legs A 200000", "A 0/100000"}}},
		{"W6 silver", `"pay":"weaker_leg"`, w6Rates, "silver", false, []month{{100000, 200000, 0, "legs A 400000", "A 0/100000"}}},
		{"W6 gold", `"pay":"weaker_leg"`, w6Rates, "gold", false, []month{{100000, 200000, 0, "legs A 600000", "A 0/100000"}}},
		{"W7 pairs under the ceiling", w7Terms, `{"amount":"1","limit":"100"}`, "", false, []month{
			{5, 9, 0, "legs A 500", "A 0/4"},
			{15, 11, 0, "legs A 1500", ""},
		}},
		{"W7 pairs above the ceiling", w7Terms, `{"amount":"1","limit":"100"}`, "", false, []month{
			{130, 140, 0, "legs A 10000; legs A 3000 breakage: limit of rank member", "A 0/10"},
		}},
		{"a limit that cuts flushes what is left", w7Terms + `,"capped":"flush"`, `{"amount":"1","limit":"100"}`, "", false, []month{
			{130, 140, 0, "legs A 10000; legs A 3000 breakage: limit of rank member", ""},
		}},
		{"a limit that is just reached cuts nothing", w7Terms + `,"capped":"flush"`, `{"amount":"1","limit":"100"}`, "", false, []month{
			{100, 140, 0, "legs A 10000", "A 0/40"},
		}},
		{"cycles of 200 and 100", `"pay":"cycles","weaker":"100","stronger":"200"`, `{"amount":"35"}`, "", false, []month{
			{250, 380, 0, "legs A 3500", "A 150/180"}, // 380 / 200 is one cycle, though 250 / 100 are two.
			{30, 20, 0, "legs A 3500", "A 80/0"},      // 180 against 200.
			{40, 10, 0, "", "A 120/10"},
			{180, 89, 0, "", "A 300/99"},
			{0, 1, 0, "legs A 3500", "A 100/0"}, // The left leg is the stronger one now.
		}},
		{"equal legs of a ratio", `"pay":"ratio","weaker":"1","stronger":"2"`, `{"rate":"10%"}`, "", false, []month{
			{300, 450, 0, "legs A 2250", "A 75/0"}, // 225 of the left against 450.
			{0, 90, 0, "legs A 450", "A 30/0"},     // 45 against 90: the stronger leg is the right one.
		}},
		{"inactive keeps both legs", `"pay":"weaker_leg"`, `{"rate":"10%"}`, "", true, []month{
			{200, 500, 0, "", "A 200/500"},
			{10, 10, 0, "", "A 210/510"},
		}},
		{"inactive flushes both legs", `"pay":"weaker_leg","inactive":"flush"`, `{"rate":"10%"}`, "", true, []month{
			{200, 500, 0, "legs A 2000 breakage: not active in the period", ""},
		}},
		{"a rank that is paid nothing keeps its legs", `"pay":"weaker_leg"`, `{"rate":"0%"},{"rank":"gold","rate":"10%"}`, "", false, []month{
			{200, 500, 0, "", "A 200/500"},
		}},
		{"max_carry cuts what is carried", `"pay":"weaker_leg","max_carry":"250"`, `{"rate":"10%"}`, "", false, []month{
			{200, 500, 0, "legs A 2000", "A 0/250"},
		}},
		{"volume expires, the oldest used first", `"pay":"weaker_leg","expires":2`, `{"rate":"10%"}`, "", false, []month{
			{0, 100, 0, "", "A 0/100"},
			{30, 50, 0, "legs A 300", "A 0/70 of 1 before and 50"},
			{20, 0, 0, "legs A 200", "A 0/50 of 1 before"}, // 20 of the first 70 are matched, 50 expire.
			{10, 5, 0, "legs A 100", "A 0/5"},              // 10 of the second 50 are matched, 40 expire.
		}},
		{"own volume on the weaker leg", `"pay":"weaker_leg","own_volume":"weaker"`, `{"rate":"10%"}`, "", false, []month{
			{100, 200, 50, "legs A 1500", "A 0/50"},
		}},
		{"own volume on the left", `"pay":"weaker_leg","own_volume":"left"`, `{"rate":"10%"}`, "", false, []month{
			{300, 200, 50, "legs A 2000", "A 150/0"},
		}},
		{"own volume on the right", `"pay":"weaker_leg","own_volume":"right"`, `{"rate":"10%"}`, "", false, []month{
			{300, 200, 50, "legs A 2500", "A 50/0"},
		}},
		{"own volume counts for nobody below", `"pay":"weaker_leg"`, `{"rate":"10%"}`, "", false, []month{
			{300, 200, 50, "legs A 2000", "A 100/0"},
		}},
		{"a correction is made up for before anything is paid", `"pay":"weaker_leg"`, `{"rate":"10%"}`, "", false, []month{
			{200, 200, 0, "legs A 2000", ""},
			{-50, 100, 0, "", "A -50/100"},
			{80, 0, 0, "legs A 300", "A 0/70"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := binaryPlan(t, test.terms, test.rates)
			before := commission.State{}
			for i, m := range test.months {
				in := three(t, p, test.rank, sold(1, m.left), sold(2, m.right), sold(0, m.own))
				in.Standings.Active[0], in.Before = !test.idle, before
				got, err := commission.Close(in, p)
				if err != nil {
					t.Fatalf("month %d: %v", i+1, err)
				}
				if diff := cmp.Diff(m.want, strings.Join(books(in, p, got), "; ")); diff != "" {
					t.Errorf("month %d pays (-want +got)\n%s", i+1, diff)
				}
				mine := slices.DeleteFunc(carries(t, got, "legs"), func(line string) bool { return line[0] != 'A' })
				if diff := cmp.Diff(m.carry, strings.Join(mine, "; ")); diff != "" {
					t.Errorf("month %d carries (-want +got)\n%s", i+1, diff)
				}
				before = got.After
			}
		})
	}
}

const (
	w6Rates = `{"rate":"2%"},{"rank":"silver","rate":"4%"},{"rank":"gold","rate":"6%"}`
	w7Terms = `"pay":"cycles","weaker":"1","stronger":"1"`
)

// TestBinaryOwnerLimit shares 30.00 among three positions of one owner, 100, 50 and 25 CV at 20 %: 20.00, 10.00 and
// 5.00 are 35.00. What each position gets is its part of the limit, by largest remainder.
func TestBinaryOwnerLimit(t *testing.T) {
	t.Parallel()
	p := binaryPlan(t, `"pay":"weaker_leg","owner_limit":"30","capped":"flush"`, `{"rate":"20%"}`)
	members := []member{{id: "A"}, {id: "B"}, {id: "C"}, {id: "D"}, {id: "E"}, {id: "F"}}
	in := monthOf(t, p, members, sold(2, 25), sold(3, 30), sold(4, 50), sold(5, 60))
	// A above A#2 and A#3, which head the legs; below them C, D, E and F.
	pos := &in.World.Positions
	ids := []string{"A", "A#2", "A#3", "C", "D", "E", "F", "B"}
	pos.Parent = []int32{-1, 0, 0, 1, 1, 2, 2, 5}
	pos.Leg, pos.Owner = []uint8{0, 0, 1, 0, 1, 0, 1, 0}, []int32{0, 0, 0, 2, 3, 4, 5, 1}
	pos.Primary = []int32{0, 7, 3, 4, 5, 6}
	pos.ID = func(i int32) string { return ids[i] }
	got, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	// A matches 55 (11.00), A#2 25 (5.00), A#3 50 (10.00): 26.00 are below the limit.
	if diff := cmp.Diff([]string{"legs A 2600"}, books(in, p, got)); diff != "" {
		t.Errorf("below the limit (-want +got)\n%s", diff)
	}
	in.World.Sales = period.List{sold(2, 25), sold(3, 30), sold(4, 75), sold(5, 90)}
	if got, err = commission.Close(in, p); err != nil {
		t.Fatal(err)
	}
	// 11.00, 5.00 and 15.00 are 31.00: 10.6451..., 4.8387... and 14.5161... of 30.00.
	if diff := cmp.Diff([]string{"legs A 3000", "legs A 100 breakage: limit of all positions of one owner"}, books(in, p, got)); diff != "" {
		t.Errorf("above the limit (-want +got)\n%s", diff)
	}
	if left := carries(t, got, "legs"); left != nil {
		t.Errorf("all positions of the owner are cut, and still carry %v", left)
	}
	shares := map[string]int64{}
	for _, f := range got.Facts(0, 0) {
		if strings.HasSuffix(f.Name, "share of the owner limit") {
			shares[f.Name] = f.Value
		}
	}
	want := map[string]int64{"share of the owner limit": 1064, "position A#2: share of the owner limit": 484, "position A#3: share of the owner limit": 1452}
	if diff := cmp.Diff(want, shares); diff != "" {
		t.Errorf("shares (-want +got)\n%s", diff)
	}
}

// TestBinaryFacts tells one position's month in figures.
func TestBinaryFacts(t *testing.T) {
	t.Parallel()
	p := binaryPlan(t, `"pay":"weaker_leg","max_carry":"100"`, `{"rate":"10%","limit":"15"}`)
	in := three(t, p, "", sold(1, 200), sold(2, 500))
	got, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range got.Facts(0, 0) {
		lines = append(lines, fmt.Sprintf("%s: %d %s %s", f.Name, f.Value/1_000_000, f.Unit, f.Text))
		if f.Unit == "minor" {
			lines[len(lines)-1] = fmt.Sprintf("%s: %d minor", f.Name, f.Value)
		}
	}
	want := []string{
		"left carried in: 0 cv ", "left volume: 200 cv ", "left matched: 200 cv ", "left carried on: 0 cv ",
		"right carried in: 0 cv ", "right volume: 500 cv ", "right matched: 200 cv ", "right flushed: over max_carry: 200 cv ",
		"right carried on: 100 cv ", "limit of rank member: 1500 minor",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBinaryRefuses names what is wrong instead of paying.
func TestBinaryRefuses(t *testing.T) {
	t.Parallel()
	p := binaryPlan(t, `"pay":"weaker_leg"`, `{"rate":"10%"}`)
	const most = 1<<63 - 1
	huge := func(seller int32) period.Sale {
		s := sold(seller, 0)
		s.CV = most
		return s
	}
	tests := []struct {
		name  string
		spoil func(in *commission.CloseInput)
		want  string
		is    error
	}{
		{"a leg that does not fit", func(in *commission.CloseInput) {
			back := huge(2) // Brings the company's sum down, which would not fit either.
			back.CV = -most
			in.World.Sales = period.List{huge(1), back, sold(3, 1)}
		}, "left leg of position A", money.ErrOverflow},
		{"a leg that does not fit with what was carried", func(in *commission.CloseInput) {
			in.World.Sales = period.List{sold(1, 1)}
			in.Before = carried(t, `{"version":1,"period":"2026-02","positions":[{"id":"A","left":[{"volume":"9223372036854775807"}]}]}`)
		}, "position A: left leg", money.ErrOverflow},
		{"carry of somebody who is gone", func(in *commission.CloseInput) {
			in.Before = carried(t, `{"version":1,"period":"2026-02","positions":[{"id":"Z","left":[{"volume":"5"}]}]}`)
		}, "distributor Z has no place in the placement tree", nil},
		{"the same carry twice", func(in *commission.CloseInput) {
			in.Before = carried(t, `{"version":1,"period":"2026-02","positions":[{"id":"A","left":[{"volume":"5"}]},{"id":"B","left":[{"volume":"5"}]},{"id":"A","right":[{"volume":"5"}]}]}`)
		}, "position A is twice in what was carried over", nil},
		{"no status", func(in *commission.CloseInput) {
			in.World.People.Status[0] = ""
		}, "distributor A has no status", nil},
		{"a third leg", func(in *commission.CloseInput) { in.World.Positions.Leg[2] = 2 }, "position C has owner 2 of 4, parent 0 and leg 2", nil},
		{"a child before its parent", func(in *commission.CloseInput) { in.World.Positions.Parent[1] = 2 }, "parents come first", nil},
		{"no tree", func(in *commission.CloseInput) { in.World.Positions = period.Positions{} }, "0 first positions of 4 people", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := monthOf(t, p, []member{{id: "A"}, {id: "B"}, {id: "C"}, {id: "D"}}, sold(1, 10), sold(2, 10))
			placed(t, &in, "", "A left", "A right", "B left")
			test.spoil(&in)
			_, err := commission.Close(in, p)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, and should say %q", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
}

// carried reads a state for the component legs.
func carried(t testing.TB, text string) commission.State {
	t.Helper()
	var state commission.BinaryState
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		t.Fatal(err)
	}
	return commission.State{Binary: map[string]commission.BinaryState{"legs": state}}
}

// TestBinaryTerminated leaves the volume of whoever may not earn to those above.
func TestBinaryTerminated(t *testing.T) {
	t.Parallel()
	p := binaryPlan(t, `"pay":"weaker_leg"`, `{"rate":"10%"}`)
	members := []member{{id: "A"}, {id: "B", status: genealogy.Terminated}, {id: "C"}, {id: "D"}, {id: "E"}}
	in := monthOf(t, p, members, sold(2, 70), sold(3, 40), sold(4, 30))
	placed(t, &in, "", "A left", "A right", "B left", "B right")
	got, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"legs A 700"}, books(in, p, got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"B 40/30"}, carries(t, got, "legs")); diff != "" {
		t.Errorf("carry (-want +got)\n%s", diff)
	}
}

// TestBinaryTrace reads a trace of cycles that a limit cuts as sentences, and recomputes it from nothing else.
func TestBinaryTrace(t *testing.T) {
	t.Parallel()
	p := binaryPlan(t, w7Terms+`,"own_volume":"weaker"`, `{"amount":"1.5","limit":"100"}`)
	in := three(t, p, "", sold(1, 130), sold(2, 140), sold(0, 5))
	got, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	awards := got.Awards()
	trace, err := got.Trace(nil, &awards[0])
	if err != nil {
		t.Fatal(err)
	}
	read, err := commission.RecomputeAward(trace)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(read.Text(nil), "0 active legs.\n")
	want := `  left carried in: 0 CV
  left volume: 130 CV
  left own volume: 5 CV
  left matched: 135 CV
  left carried on: 0 CV
  right carried in: 0 CV
  right volume: 140 CV
  right matched: 135 CV
  right carried on: 5 CV
  cycles: 135
  for each cycle: 1.50 EUR
  limit of rank member: 100.00 EUR
  100.00 EUR (cut to a limit)
  together = 100.00 EUR
Breakage, since A was: limit of rank member.
  202.50 EUR (full cycles)
  -100.00 EUR (what the limit leaves)
  together = 102.50 EUR
A gets 100.00 EUR.
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
