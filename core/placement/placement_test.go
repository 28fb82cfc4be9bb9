package placement_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
)

func newTree(t testing.TB, terms plan.Placement) *placement.Tree {
	t.Helper()
	tree, err := placement.New(&terms)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// where writes a place as "A.1": below A on leg 1; "top" at the top.
func where(l placement.Link) string {
	if l.ParentID == "" {
		return "top"
	}
	return fmt.Sprintf("%s.%d", l.ParentID, l.Leg)
}

// place places "X<A": X, sponsored by A; or "X" at the top; and gives where they went.
func place(t testing.TB, tree *placement.Tree, people ...string) []string {
	t.Helper()
	var out []string
	for _, p := range people {
		person, sponsor, _ := strings.Cut(p, "<")
		link, err := tree.Place(person, sponsor, 10, 1)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		out = append(out, person+" "+where(link))
	}
	return out
}

// TestStrategies places people one after the other below R.
func TestStrategies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		terms plan.Placement
		want  string
	}{
		{"left edge", plan.Placement{Width: 2, Strategy: plan.PlaceLeft}, "a R.0, b a.0, c b.0, d c.0, e d.0, f e.0"},
		{"right edge", plan.Placement{Width: 2, Strategy: plan.PlaceRight}, "a R.1, b a.1, c b.1, d c.1, e d.1, f e.1"},
		{"left edge to the depth, then breadth first", plan.Placement{Width: 2, Depth: 2, Strategy: plan.PlaceLeft}, "a R.0, b a.0, c R.1, d a.1, e c.0, f c.1"},
		{"breadth first", plan.Placement{Width: 2, Strategy: plan.PlaceBreadthFirst}, "a R.0, b R.1, c a.0, d a.1, e b.0, f b.1"},
		{"breadth first of width 3", plan.Placement{Width: 3, Strategy: plan.PlaceBreadthFirst}, "a R.0, b R.1, c R.2, d a.0, e a.1, f a.2"},
		{"depth first without a depth is the left edge", plan.Placement{Width: 3, Strategy: plan.PlaceDepthFirst}, "a R.0, b a.0, c b.0, d c.0, e d.0, f e.0"},
		{"depth first", plan.Placement{Width: 2, Depth: 2, Strategy: plan.PlaceDepthFirst}, "a R.0, b a.0, c a.1, d R.1, e d.0, f d.1"},
		{"balanced", plan.Placement{Width: 2, Strategy: plan.PlaceBalanced}, "a R.0, b R.1, c a.0, d b.0, e a.1, f b.1"},
		{"weaker leg without volumes", plan.Placement{Width: 2, Strategy: plan.PlaceWeaker}, "a R.0, b R.1, c a.0, d b.0, e a.1, f b.1"},
		{"sponsor's choice that nobody made", plan.Placement{Width: 2, Strategy: plan.PlaceSponsorsChoice}, "a R.0, b R.1, c a.0, d a.1, e b.0, f b.1"},
		{"a single line", plan.Placement{Width: 1, Strategy: plan.PlaceBreadthFirst}, "a R.0, b a.0, c b.0, d c.0, e d.0, f e.0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tree := newTree(t, test.terms)
			got := place(t, tree, "R", "a<R", "b<R", "c<R", "d<R", "e<R", "f<R")
			if diff := cmp.Diff("R top, "+test.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestBelowTheSponsor keeps everybody in their sponsor's downline, and goes on from where others filled it.
func TestBelowTheSponsor(t *testing.T) {
	t.Parallel()
	tree := newTree(t, plan.Placement{Width: 2, Strategy: plan.PlaceBreadthFirst})
	got := place(t, tree, "R", "a<R", "b<R", "c<b", "d<b", "e<b", "f<R", "g<R", "h<R")
	want := []string{"R top", "a R.0", "b R.1", "c b.0", "d b.1", "e c.0", "f a.0", "g a.1", "h f.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestWeakerLeg chooses by the volume given, then by people, then the left.
func TestWeakerLeg(t *testing.T) {
	t.Parallel()
	tree := newTree(t, plan.Placement{Width: 2, Strategy: plan.PlaceWeaker})
	place(t, tree, "R", "a<R", "b<R", "c<a", "d<a")
	// a with c and d has 30, b 40.
	if err := tree.Weigh([]int64{5, 10, 40, 15, 5}); err != nil {
		t.Fatal(err)
	}
	got := place(t, tree, "e<R", "f<R", "g<b", "h<R")
	// d is the weaker leg of a, and stays so, since newcomers have no volume; its own two are equal.
	if diff := cmp.Diff([]string{"e d.0", "f d.1", "g b.0", "h e.0"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := tree.Weigh([]int64{1}); err == nil {
		t.Error("one volume for nine positions is taken")
	}
	if err := tree.Weigh([]int64{1 << 62, 1 << 62, 0, 0, 0, 0, 0, 0, 0}); err == nil || !strings.Contains(err.Error(), `"R"`) {
		t.Errorf("a sum that does not fit is %v", err)
	}
}

// refused checks a fault's kind and people.
func refused(t *testing.T, err error, kind genealogy.FaultKind, people ...string) {
	t.Helper()
	var f *genealogy.Fault
	if !errors.As(err, &f) {
		t.Errorf("error is %v, and should be a fault %s of %v", err, kind, people)
		return
	}
	if f.Kind != kind || !slices.Equal(f.People, people) {
		t.Errorf("fault is %s of %v, and should be %s of %v", f.Kind, f.People, kind, people)
	}
}

func TestPlaceFaults(t *testing.T) {
	t.Parallel()
	tree := newTree(t, plan.Placement{Width: 2, Depth: 1, Strategy: plan.PlaceBreadthFirst, Positions: 2})
	place(t, tree, "R", "a<R")
	at := func(person, sponsor, parent string, leg int) error {
		_, err := tree.PlaceAt(person, sponsor, parent, leg, 10, 1)
		return err
	}
	refused(t, at("x", "R", "nobody", 0), genealogy.Unknown, "x", "nobody")
	refused(t, at("x", "R", "R", 0), placement.Taken, "x", "R", "a")
	refused(t, at("x", "R", "R", 2), genealogy.Invalid, "x")
	refused(t, at("x", "R", "R", -2), genealogy.Invalid, "x")
	refused(t, at("x", "R", "a", 0), placement.TooDeep, "x", "a")
	refused(t, at("x", "a", "R", 1), placement.Outside, "x", "R", "a")
	refused(t, at("a", "R", "R", 1), genealogy.Duplicate, "a")
	refused(t, at("x", "later", "R", 1), placement.Unplaced, "x", "later")
	refused(t, at("", "R", "R", 1), genealogy.Invalid, "")
	if got := place(t, tree, "b<R"); got[0] != "b R.1" {
		t.Errorf("after nine faults b goes to %s", got[0])
	}
	_, err := tree.Place("x", "R", 10, 1)
	refused(t, err, placement.Full, "x", "R")
	_, err = tree.Place("x", "a", 10, 1)
	refused(t, err, placement.Full, "x", "a")
	refused(t, at("x", "R", "R", placement.AnyLeg), placement.Full, "x", "R")
	if tree.Len() != 3 {
		t.Errorf("faults left %d positions", tree.Len())
	}
}

func TestPositionsOfOneOwner(t *testing.T) {
	t.Parallel()
	tree := newTree(t, plan.Placement{Width: 2, Strategy: plan.PlaceBreadthFirst, Positions: 3})
	place(t, tree, "R", "a<R", "b<R")
	second, err := tree.AddPosition("a", "", 0, 20, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := placement.Link{PositionID: "a#2", DistributorID: "a", ParentID: "a", Leg: 0, ValidFrom: 20, Version: 2}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, err = tree.AddPosition("a", "b", 0, 20, 2)
	refused(t, err, placement.Outside, "a#3", "b", "a")
	if third, err := tree.AddPosition("a", "a#2", 1, 20, 2); err != nil || where(third) != "a#2.1" {
		t.Errorf("third position: %v, %v", third, err)
	}
	_, err = tree.AddPosition("a", "", 0, 20, 2)
	refused(t, err, placement.Limit, "a")
	_, err = tree.AddPosition("z", "", 0, 20, 2)
	refused(t, err, genealogy.Unknown, "z")
	_, err = tree.AddPosition("a#2", "", 0, 20, 2)
	refused(t, err, genealogy.Unknown, "a#2")
	// Whom a sponsors stands below a's first position, or where a chooses below any of them.
	if got := place(t, tree, "c<a"); got[0] != "c a.1" {
		t.Errorf("c goes to %s", got[0])
	}
	if l, err := tree.PlaceAt("d", "a", "a#3", 0, 20, 2); err != nil || l.DistributorID != "d" {
		t.Errorf("d below a's third position: %v, %v", l, err)
	}
}

// TestHoldingTank settles the tank after the deadline of some.
func TestHoldingTank(t *testing.T) {
	t.Parallel()
	const day = 24 * 60 * 60 * 1_000_000
	tree := newTree(t, plan.Placement{Width: 2, Depth: 3, Strategy: plan.PlaceSponsorsChoice, HoldDays: 14})
	place(t, tree, "R")
	hold := func(person, sponsor string, at int64) placement.Entry { return tree.Hold(person, sponsor, at) }
	a, b, c := hold("a", "R", 0), hold("b", "a", 0), hold("c", "R", day)
	later, lost := hold("later", "R", 5*day), hold("lost", "unknown", 0)
	if a.Deadline != 14*day {
		t.Errorf("the deadline is %d", a.Deadline)
	}
	if l, err := tree.Choose(c, "R", 1, 14*day, 2); err != nil || where(l) != "R.1" || l.ValidFrom != 14*day {
		t.Errorf("c is placed by the sponsor: %v, %v", l, err)
	}
	_, err := tree.Choose(a, "R", 0, 14*day, 2)
	refused(t, err, placement.Late, "a")
	waits := hold("waits", "later", 0) // The sponsor is in the tank too, and longer.
	links, left := tree.Settle([]placement.Entry{later, b, lost, waits, a}, 14*day, 2)
	var got []string
	for _, l := range links {
		got = append(got, l.PositionID+" "+where(l))
	}
	if diff := cmp.Diff([]string{"a R.0", "b a.0"}, got); diff != "" {
		t.Errorf("placed (-want +got)\n%s", diff)
	}
	if len(left) != 3 || left[0].Entry != lost || left[1].Entry != waits || left[2].Entry != later || left[2].Why != nil {
		t.Fatalf("left are %v", left)
	}
	refused(t, left[0].Why, placement.Unplaced, "lost", "unknown")
	refused(t, left[1].Why, placement.Unplaced, "waits", "later")
	links, left = tree.Settle([]placement.Entry{waits, later}, 19*day, 2)
	if len(links) != 2 || links[0].PositionID != "later" || where(links[1]) != "later.0" || len(left) != 0 {
		t.Errorf("the sponsor is placed first: %v, %v", links, left)
	}
}

// TestBuild reads back what was recorded, whatever the order of the links.
func TestBuild(t *testing.T) {
	t.Parallel()
	terms := plan.Placement{Width: 2, Depth: 3, Strategy: plan.PlaceBreadthFirst, Positions: 2}
	link := func(id, parent string, leg int, from, version int64) placement.Link {
		owner, _, _ := strings.Cut(id, "#")
		return placement.Link{PositionID: id, DistributorID: owner, ParentID: parent, Leg: leg, ValidFrom: from, Version: version}
	}
	links := []placement.Link{
		link("c", "b", 1, 5, 1), link("R", "", 0, 0, 1), link("a", "R", 0, 0, 1), link("b", "R", 1, 0, 1),
		link("c", "a", 0, 9, 2), link("a#2", "a", 1, 9, 3), link("c", "a", 0, 5, 4), // Version 4 corrects version 1.
	}
	shape := func(at, version int64) string {
		tree, err := placement.Build(&terms, links, genealogy.AsOf{At: at, Version: version})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for i := range tree.Len() {
			out = append(out, tree.ID(int32(i))+" "+where(tree.Link(int32(i), 0)))
		}
		return strings.Join(out, ", ")
	}
	for _, test := range []struct {
		at, version int64
		want        string
	}{
		{4, 9, "R top, a R.0, b R.1"},
		{8, 3, "R top, a R.0, b R.1, c b.1"},
		{8, 4, "R top, a R.0, b R.1, c a.0"},
		{9, 3, "R top, a R.0, a#2 a.1, b R.1, c a.0"},
	} {
		if diff := cmp.Diff(test.want, shape(test.at, test.version)); diff != "" {
			t.Errorf("as of %d, version %d (-want +got)\n%s", test.at, test.version, diff)
		}
	}
	bad := func(kind genealogy.FaultKind, people string, extra ...placement.Link) {
		t.Helper()
		_, err := placement.Build(&terms, append(slices.Clone(links), extra...), genealogy.AsOf{At: 99, Version: 99})
		refused(t, err, kind, strings.Fields(people)...)
	}
	bad(placement.Taken, "x R b", link("x", "R", 1, 9, 9))
	bad(genealogy.Orphan, "x y", link("x", "y", 0, 9, 9))
	bad(genealogy.Orphan, "q#2 q", link("q#2", "R", 0, 9, 9))
	bad(genealogy.Invalid, "x", link("x", "b", 2, 9, 9))
	bad(genealogy.Cycle, "x y", link("x", "y", 0, 9, 9), link("y", "x", 0, 9, 9))
	bad(placement.TooDeep, "y", link("x", "c", 0, 9, 9), link("y", "x", 0, 9, 9))
}
