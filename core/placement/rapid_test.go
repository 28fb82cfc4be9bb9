package placement_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
)

// slow is a placement tree as somebody would write it who has all the time in the world.
type slow struct {
	terms  plan.Placement
	kids   map[string][]string // by leg; "" where free
	level  map[string]int
	volume map[string]int64
}

func (s *slow) add(id, parent string, leg int) {
	s.kids[id], s.level[id] = make([]string, s.terms.Width), 0
	if parent != "" {
		s.kids[parent][leg], s.level[id] = id, s.level[parent]+1
	}
}

func (s *slow) people(id string) int {
	if id == "" {
		return 0
	}
	sum := 1
	for _, kid := range s.kids[id] {
		sum += s.people(kid)
	}
	return sum
}

func (s *slow) weight(id string) int64 {
	if id == "" {
		return 0
	}
	sum := s.volume[id]
	for _, kid := range s.kids[id] {
		sum += s.weight(kid)
	}
	return sum
}

type spot struct {
	parent string
	leg    int
}

// open says whether a leg is free anywhere below.
func (s *slow) open(id string) bool {
	if s.terms.Depth > 0 && s.level[id] >= s.terms.Depth {
		return false
	}
	for _, kid := range s.kids[id] {
		if kid == "" || s.open(kid) {
			return true
		}
	}
	return false
}

func (s *slow) find(at string) (spot, bool) {
	if !s.open(at) {
		return spot{}, false
	}
	switch s.terms.Strategy {
	case plan.PlaceLeft, plan.PlaceRight:
		leg := 0
		if s.terms.Strategy == plan.PlaceRight {
			leg = s.terms.Width - 1
		}
		end := at
		for s.kids[end][leg] != "" {
			end = s.kids[end][leg]
		}
		if s.terms.Depth == 0 || s.level[end] < s.terms.Depth {
			return spot{end, leg}, true
		}
		return s.breadth(at), true
	case plan.PlaceDepthFirst:
		return s.depth(at), true
	case plan.PlaceBalanced:
		return s.least(at, func(string) int64 { return 0 }), true
	case plan.PlaceWeaker:
		return s.least(at, s.weight), true
	}
	return s.breadth(at), true
}

func (s *slow) breadth(at string) spot {
	for queue := []string{at}; ; queue = queue[1:] {
		for leg, kid := range s.kids[queue[0]] {
			if kid == "" && (s.terms.Depth == 0 || s.level[queue[0]] < s.terms.Depth) {
				return spot{queue[0], leg}
			}
		}
		for _, kid := range s.kids[queue[0]] {
			if kid != "" {
				queue = append(queue, kid)
			}
		}
	}
}

func (s *slow) depth(at string) spot {
	for leg, kid := range s.kids[at] {
		if kid == "" {
			return spot{at, leg}
		}
		if s.open(kid) {
			return s.depth(kid)
		}
	}
	panic("nothing is open")
}

// least goes down to the leg with the least volume, then the fewest people, then the lowest.
func (s *slow) least(at string, weight func(string) int64) spot {
	best := -1
	for leg, kid := range s.kids[at] {
		if kid == "" {
			return spot{at, leg}
		}
		if !s.open(kid) {
			continue
		}
		if best < 0 || weight(kid) < weight(s.kids[at][best]) ||
			weight(kid) == weight(s.kids[at][best]) && s.people(kid) < s.people(s.kids[at][best]) {
			best = leg
		}
	}
	return s.least(s.kids[at][best], weight)
}

var strategies = []string{
	plan.PlaceLeft, plan.PlaceRight, plan.PlaceBalanced, plan.PlaceWeaker, plan.PlaceBreadthFirst, plan.PlaceDepthFirst,
	plan.PlaceSponsorsChoice,
}

// TestPlacingIsRight compares every place with the slow way, with chosen places, volumes and moves in between.
func TestPlacingIsRight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := plan.Placement{
			Width: rapid.IntRange(1, 4).Draw(t, "width"), Depth: rapid.SampledFrom([]int{0, 0, 2, 3, 5}).Draw(t, "depth"),
			Strategy: rapid.SampledFrom(strategies).Draw(t, "strategy"),
		}
		tree, err := placement.New(&terms)
		if err != nil {
			t.Fatal(err)
		}
		s := &slow{terms: terms, kids: map[string][]string{}, level: map[string]int{}, volume: map[string]int64{}}
		var people []string
		for i := range rapid.IntRange(1, 40).Draw(t, "people") {
			id := fmt.Sprintf("p%02d", i)
			sponsor := ""
			if i > 0 && rapid.IntRange(0, 12).Draw(t, "top") > 0 {
				sponsor = rapid.SampledFrom(people).Draw(t, "sponsor")
			}
			switch action := rapid.IntRange(0, 9).Draw(t, "action"); {
			case action == 0 && len(people) > 1:
				moveSomebody(t, tree, s, people)
			case action == 1:
				own := make([]int64, tree.Len())
				for n := range own {
					own[n] = rapid.Int64Range(0, 3).Draw(t, "volume")
					s.volume[tree.ID(int32(n))] = own[n]
				}
				if err := tree.Weigh(own); err != nil {
					t.Fatal(err)
				}
			}
			link, err := tree.Place(id, sponsor, int64(i), 1)
			if sponsor == "" {
				s.add(id, "", 0)
				people = append(people, id)
				continue
			}
			want, open := s.find(sponsor)
			if !open {
				var f *genealogy.Fault
				if !errors.As(err, &f) || f.Kind != placement.Full {
					t.Fatalf("%s below %s: nothing is open, and error is %v", id, sponsor, err)
				}
				continue
			}
			if err != nil || link.ParentID != want.parent || link.Leg != want.leg {
				t.Fatalf("%s below %s goes to leg %d of %s (%v), and should go to leg %d of %s", id, sponsor, link.Leg, link.ParentID, err, want.leg, want.parent)
			}
			s.add(id, want.parent, want.leg)
			people = append(people, id)
			a, _ := tree.Number(id)
			b, _ := tree.Number(sponsor)
			if !tree.Below(a, b) {
				t.Fatalf("%s is not below its sponsor %s", id, sponsor)
			}
		}
		sound(t, tree, &terms)
	})
}

// moveSomebody makes a random move where it is allowed, in both trees.
func moveSomebody(t *rapid.T, tree *placement.Tree, s *slow, people []string) {
	change, err := tree.Plan(placement.Move{
		Kind:     rapid.SampledFrom([]string{placement.Single, placement.WithDownline, placement.Swap}).Draw(t, "kind"),
		Position: rapid.SampledFrom(people).Draw(t, "who"), To: rapid.SampledFrom(append([]string{""}, people...)).Draw(t, "to"),
		Leg: rapid.IntRange(-1, s.terms.Width-1).Draw(t, "leg"), ValidFrom: 1000, Version: 2,
	})
	if err != nil {
		var f *genealogy.Fault
		if !errors.As(err, &f) || len(f.People) == 0 {
			t.Fatalf("a move is refused without naming people: %v", err)
		}
		return
	}
	before := lines(tree)
	if err := tree.Apply(change); err != nil {
		t.Fatal(err)
	}
	back := placement.Change{After: change.Inverse(1001, 3)}
	if err := tree.Apply(back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, lines(tree)); diff != "" {
		t.Fatalf("there and back (-before +after)\n%s", diff)
	}
	if err := tree.Apply(change); err != nil {
		t.Fatal(err)
	}
	s.kids = map[string][]string{}
	columns := tree.Columns()
	for _, n := range columns.Position {
		l := tree.Link(n, 0)
		s.add(l.PositionID, l.ParentID, l.Leg)
	}
}

// sound reads the tree back from its own links, which finds everything that is no tree, and compares columns.
func sound(t *rapid.T, tree *placement.Tree, terms *plan.Placement) {
	var links []placement.Link
	for n := range tree.Len() {
		l := tree.Link(int32(n), 1)
		l.ValidFrom = 0 // Some moved below others who came later.
		links = append(links, l)
	}
	slices.Reverse(links)
	read, err := placement.Build(terms, links, genealogy.AsOf{At: 1 << 60, Version: 1})
	if err != nil {
		t.Fatalf("what was placed is no tree of the plan: %v", err)
	}
	if diff := cmp.Diff(lines(read), lines(tree)); diff != "" {
		t.Fatalf("read back (-read +placed)\n%s", diff)
	}
	a, b := tree.Columns(), read.Columns()
	for i := range a.Parent {
		if a.Parent[i] >= int32(i) || tree.ID(a.Position[i]) != read.ID(b.Position[i]) {
			t.Fatal("columns do not have parents first, or depend on the order of links")
		}
	}
	if err := placement.Check(links, terms.Width); err != nil {
		t.Fatalf("check: %v", err)
	}
}

// TestMovesWithoutLegs moves people of a sponsor tree at random, which must stay a tree of the same people.
func TestMovesWithoutLegs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var links []placement.Link
		var people []string
		for i := range rapid.IntRange(2, 20).Draw(t, "people") {
			id, parent := fmt.Sprintf("p%02d", i), ""
			if i > 0 {
				parent = rapid.SampledFrom(people).Draw(t, "sponsor")
			}
			people = append(people, id)
			links = append(links, placement.Link{PositionID: id, DistributorID: id, ParentID: parent, ValidFrom: int64(i), Version: 1})
		}
		for version := int64(2); version < 8; version++ {
			at := rapid.Int64Range(20, 30).Draw(t, "at")
			tree, err := placement.Build(nil, links, genealogy.AsOf{At: at, Version: version})
			if err != nil {
				t.Fatal(err)
			}
			change, err := tree.Plan(placement.Move{
				Kind:     rapid.SampledFrom([]string{placement.Single, placement.WithDownline, placement.Swap}).Draw(t, "kind"),
				Position: rapid.SampledFrom(people).Draw(t, "who"), To: rapid.SampledFrom(people).Draw(t, "to"),
				ValidFrom: at, Version: version,
			})
			if err != nil {
				continue
			}
			recorded := append(slices.Clone(links), change.After...)
			if placement.Check(recorded, 0) != nil {
				continue // Recorded moves that come later do not let this one be.
			}
			links = recorded
			next, err := placement.Build(nil, links, genealogy.AsOf{At: at, Version: version})
			if err != nil || next.Len() != len(people) {
				t.Fatalf("after %v: %v", change.Move, err)
			}
		}
	})
}
