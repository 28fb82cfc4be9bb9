package commission_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
)

func matrixPlan(t testing.TB, terms, rates string) *plan.Plan {
	t.Helper()
	return mustPlan(t, `{"name":"matrix","currency":"EUR","ranks":["member","silver","gold"],"volume":{"money":{"EUR":"1"}},
"placement":{"width":3,"strategy":"breadth_first","positions":3},
"components":[{"id":"matrix","type":"matrix","base":"cv","commissionable":"40%","period":"monthly","tree":"placement","matrix":{`+terms+`}`+rates+`}]}`)
}

// TestMatrixW8 places four recruits in a matrix of width 3 by the plan's strategy and pays the sale of the fourth.
func TestMatrixW8(t *testing.T) {
	t.Parallel()
	p := matrixPlan(t, `"width":3,"depth":3`, `,"rates":[{"levels":["5%"]},{"rank":"silver","levels":["5%","5%"]},{"rank":"gold","levels":["5%","5%","5%"]}]`)
	tree, err := placement.New(p.Placement)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{"root", "A", "B", "C", "D"}
	sponsor := ""
	for _, id := range ids {
		if _, err := tree.Place(id, sponsor, 0, 1); err != nil {
			t.Fatal(err)
		}
		sponsor = "root"
	}
	in := monthOf(t, p, []member{
		{id: "root", rank: "gold"},
		{id: "A", up: "root", rank: "silver"},
		{id: "B", up: "root"},
		{id: "C", up: "root"},
		{id: "D", up: "root"},
	}, sold(4, 100))
	standOn(&in, tree)
	if d := in.World.Positions; d.ID(d.Parent[4]) != "A" || d.Leg[4] != 0 {
		t.Fatalf("D stands on leg %d of %s, and not on the first of A", d.Leg[4], d.ID(d.Parent[4]))
	}
	got, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"matrix root 200", "matrix A 200"}, books(in, p, got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// standOn takes the positions of a period from a placement tree whose owners are the members.
func standOn(in *commission.CloseInput, tree *placement.Tree) {
	owners := map[string]int32{}
	for i := range in.World.People.Count {
		owners[in.World.People.ID(i)] = i
	}
	c := tree.Columns()
	pos := period.Positions{Parent: c.Parent, Leg: c.Leg, Since: c.Since, Primary: make([]int32, in.World.People.Count)}
	for i := range pos.Primary {
		pos.Primary[i] = period.Nobody
	}
	for i, position := range c.Position {
		owner := owners[tree.Owner(position)]
		pos.Owner = append(pos.Owner, owner)
		if c.Owner[i] == int32(i) {
			pos.Primary[owner] = int32(i)
		}
	}
	pos.ID = func(i int32) string { return tree.ID(c.Position[i]) }
	in.World.Positions = pos
}

// TestMatrixCompletion fills a matrix of width 3 and depth 2 over three months. Level 1 pays 10.00, level 2 50.00 and a
// new position.
func TestMatrixCompletion(t *testing.T) {
	t.Parallel()
	p := matrixPlan(t, `"width":3,"depth":2,"completion":[{"level":1,"amount":"10"},{"level":2,"amount":"50"}],"reentry":true`, "")
	tree, err := placement.New(p.Placement)
	if err != nil {
		t.Fatal(err)
	}
	var members []member
	for i := range 13 {
		members = append(members, member{id: fmt.Sprintf("m%02d", i)})
	}
	members[3].status = genealogy.Terminated
	count := 0
	place := func(many int, at int64) {
		for range many {
			sponsor := "m00"
			if count == 0 {
				sponsor = ""
			}
			if _, err := tree.Place(members[count].id, sponsor, at, 1); err != nil {
				t.Fatal(err)
			}
			count++
		}
	}
	before := commission.State{}
	month := func(name string, want []string, reentries ...string) {
		in := monthOf(t, p, members[:count])
		in.Before = before
		standOn(&in, tree)
		got, err := commission.Close(in, p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, books(in, p, got)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		var back []string
		for _, r := range got.Reentries() {
			back = append(back, r.Position)
		}
		if diff := cmp.Diff(reentries, back); diff != "" {
			t.Errorf("%s: new positions (-want +got)\n%s", name, diff)
		}
		before = got.After
	}
	start := int64(1772323200000000)
	place(4, start-1) // Before the month: m00's first level was complete before it began.
	month("complete before the first close", nil)
	place(3, start)
	month("m01 completes", []string{"matrix m01 1000"})
	place(6, start+5)
	month("the matrix is complete", []string{"matrix m00 5000", "matrix m02 1000", "matrix m03 1000 breakage: status terminated"}, "m00")
	month("the same month again gives nothing", nil)
}

// TestMatrixCompletionAfterMove pays no level twice, though somebody leaves and another comes.
func TestMatrixCompletionAfterMove(t *testing.T) {
	t.Parallel()
	p := matrixPlan(t, `"width":3,"depth":1,"completion":[{"level":1,"amount":"10"}]`, "")
	tree, err := placement.New(p.Placement)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"A", "B", "C", "D", "E"} {
		sponsor := "A"
		if id == "A" {
			sponsor = ""
		}
		if _, err := tree.Place(id, sponsor, 1772323200000001, 1); err != nil {
			t.Fatal(err)
		}
	}
	people := []member{{id: "A"}, {id: "B"}, {id: "C"}, {id: "D"}, {id: "E"}}
	in := monthOf(t, p, people)
	standOn(&in, tree)
	first, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"matrix A 1000"}, books(in, p, first)); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	change, err := tree.Plan(placement.Move{Kind: placement.Swap, Position: "E", To: "C", ValidFrom: 1772323200000009, Version: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Apply(change); err != nil {
		t.Fatal(err)
	}
	in = monthOf(t, p, people)
	in.Before = first.After
	standOn(&in, tree)
	second, err := commission.Close(in, p)
	if err != nil {
		t.Fatal(err)
	}
	if lines := books(in, p, second); lines != nil {
		t.Errorf("level 1 of A is paid again: %s", strings.Join(lines, "; "))
	}
}
