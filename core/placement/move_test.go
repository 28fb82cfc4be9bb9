package placement_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/placement"
	"upline.dev/upline/core/plan"
)

// shaped is a tree from lines such as "a R.0"; a parent without a leg is a tree without legs.
func shaped(t testing.TB, terms *plan.Placement, lines ...string) (*placement.Tree, []placement.Link) {
	t.Helper()
	var links []placement.Link
	for _, line := range lines {
		id, place, _ := strings.Cut(line, " ")
		parent, leg, _ := strings.Cut(place, ".")
		l := placement.Link{PositionID: id, DistributorID: id, ParentID: parent, ValidFrom: 1, Version: 1}
		if leg != "" {
			l.Leg = int(leg[0] - '0')
		}
		links = append(links, l)
	}
	tree, err := placement.Build(terms, links, genealogy.AsOf{At: 1, Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	return tree, links
}

// lines writes a tree, one position a line.
func lines(tree *placement.Tree) []string {
	var out []string
	for i := range tree.Len() {
		l := tree.Link(int32(i), 0)
		out = append(out, l.PositionID+" "+where(l))
	}
	slices.Sort(out)
	return out
}

// family is R above a and b; a above c and d, b above e; c above f.
var family = []string{"R", "a R.0", "b R.1", "c a.0", "d a.1", "e b.1", "f c.0"}

func TestMoves(t *testing.T) {
	t.Parallel()
	binary := &plan.Placement{Width: 2, Strategy: plan.PlaceLeft}
	shallow := &plan.Placement{Width: 2, Depth: 3, Strategy: plan.PlaceLeft}
	tests := []struct {
		name  string
		terms *plan.Placement
		move  placement.Move
		want  string // what changes; or the fault
	}{
		{"one alone: the child takes its place", binary, placement.Move{Kind: placement.Single, Position: "c", To: "b", Leg: 0}, "f a.0, c b.0"},
		{"one alone to the lowest free leg", binary, placement.Move{Kind: placement.Single, Position: "c", To: "e", Leg: placement.AnyLeg}, "f a.0, c e.0"},
		{"one alone whose children do not fit", binary, placement.Move{Kind: placement.Single, Position: "a", To: "e", Leg: 0}, "full d R a"},
		{"one alone below its own child", binary, placement.Move{Kind: placement.Single, Position: "c", To: "f", Leg: 1}, "f a.0, c f.1"},
		{"one alone to another leg of its parent", binary, placement.Move{Kind: placement.Single, Position: "e", To: "b", Leg: 0}, "e b.0"},
		{"one alone to the top", binary, placement.Move{Kind: placement.Single, Position: "e", To: ""}, "e top"},
		{"one alone to a leg that is taken", binary, placement.Move{Kind: placement.Single, Position: "e", To: "a", Leg: 1}, "taken e a"},
		{"one alone without legs", nil, placement.Move{Kind: placement.Single, Position: "a", To: "e"}, "d R.0, c R.0, a e.0"},
		{"with downline", binary, placement.Move{Kind: placement.WithDownline, Position: "a", To: "e", Leg: 1}, "a e.1"},
		{"with downline to its own place", binary, placement.Move{Kind: placement.WithDownline, Position: "a", To: "R", Leg: 0}, ""},
		{"with downline into itself", binary, placement.Move{Kind: placement.WithDownline, Position: "a", To: "f", Leg: 0}, "cycle a f c"},
		{"with downline to a full position", binary, placement.Move{Kind: placement.WithDownline, Position: "e", To: "a", Leg: placement.AnyLeg}, "full e a"},
		{"with downline too deep", shallow, placement.Move{Kind: placement.WithDownline, Position: "a", To: "e", Leg: 0}, "too_deep a e"},
		{"one alone too deep", shallow, placement.Move{Kind: placement.Single, Position: "e", To: "f", Leg: 0}, "too_deep e f"},
		{"one alone, deep enough once it has left", shallow, placement.Move{Kind: placement.Single, Position: "c", To: "f", Leg: 0}, "f a.0, c f.0"},
		{"swap", binary, placement.Move{Kind: placement.Swap, Position: "a", To: "e"}, "e R.0, a b.1, c e.0, d e.1"},
		{"swap of neighbours", binary, placement.Move{Kind: placement.Swap, Position: "a", To: "c"}, "c R.0, a c.0, d c.1, f a.0"},
		{"swap with the top", binary, placement.Move{Kind: placement.Swap, Position: "R", To: "b"}, "b top, R b.1, a b.0, e R.1"},
		{"swap with nobody", binary, placement.Move{Kind: placement.Swap, Position: "R", To: ""}, "invalid R"},
		{"of somebody unknown", binary, placement.Move{Kind: placement.Single, Position: "x", To: "R"}, "unknown x"},
		{"to somebody unknown", binary, placement.Move{Kind: placement.Single, Position: "a", To: "x"}, "unknown x"},
		{"to itself", binary, placement.Move{Kind: placement.Single, Position: "a", To: "a"}, "cycle a"},
		{"to a leg there is not", binary, placement.Move{Kind: placement.WithDownline, Position: "f", To: "b", Leg: 2}, "invalid f"},
		{"of no kind", binary, placement.Move{Kind: "jump", Position: "a", To: "b"}, "invalid a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tree, links := shaped(t, test.terms, family...)
			before := lines(tree)
			test.move.ValidFrom, test.move.Version = 50, 2
			change, err := tree.Plan(test.move)
			if diff := cmp.Diff(before, lines(tree)); diff != "" {
				t.Fatalf("planning changed the tree (-want +got)\n%s", diff)
			}
			if err != nil {
				words := strings.Fields(test.want)
				refused(t, err, genealogy.FaultKind(words[0]), words[1:]...)
				return
			}
			var got []string
			for _, l := range change.After {
				got = append(got, l.PositionID+" "+where(l))
				if l.ValidFrom != 50 || l.Version != 2 {
					t.Errorf("%s is valid from %d, version %d", l.PositionID, l.ValidFrom, l.Version)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
			proveChange(t, test.terms, tree, links, &change)
		})
	}
}

// proveChange applies a change, records it, and takes it back, which all must give the same trees.
func proveChange(t *testing.T, terms *plan.Placement, tree *placement.Tree, links []placement.Link, change *placement.Change) {
	t.Helper()
	before := lines(tree)
	if err := tree.Apply(*change); err != nil {
		t.Fatal(err)
	}
	width := 0
	if terms != nil {
		width = terms.Width
	}
	recorded := append(slices.Clone(links), change.After...)
	if err := placement.Check(recorded, width); err != nil {
		t.Errorf("recorded: %v", err)
	}
	read, err := placement.Build(terms, recorded, genealogy.AsOf{At: 50, Version: 2})
	if err != nil {
		t.Fatalf("read what was recorded: %v", err)
	}
	if diff := cmp.Diff(lines(read), lines(tree)); diff != "" {
		t.Errorf("recorded and applied differ (-recorded +applied)\n%s", diff)
	}
	back, err := placement.Build(terms, append(recorded, change.Inverse(60, 3)...), genealogy.AsOf{At: 60, Version: 3})
	if err != nil {
		t.Fatalf("take it back: %v", err)
	}
	if diff := cmp.Diff(before, lines(back)); diff != "" {
		t.Errorf("taken back (-before +after)\n%s", diff)
	}
}

// TestCheckTime refuses a retroactive move to a leg that somebody takes later, and one below somebody who comes later.
func TestCheckTime(t *testing.T) {
	t.Parallel()
	_, links := shaped(t, &plan.Placement{Width: 2, Strategy: plan.PlaceLeft}, family...)
	late := placement.Link{PositionID: "g", DistributorID: "g", ParentID: "e", Leg: 0, ValidFrom: 20, Version: 2}
	move := placement.Link{PositionID: "f", DistributorID: "f", ParentID: "e", Leg: 0, ValidFrom: 10, Version: 3}
	refused(t, placement.Check(append(slices.Clone(links), late, move), 2), placement.Taken, "g", "e", "f")
	away := placement.Link{PositionID: "f", DistributorID: "f", ParentID: "c", Leg: 1, ValidFrom: 20, Version: 3}
	if err := placement.Check(append(slices.Clone(links), late, move, away), 2); err != nil {
		t.Errorf("f is gone when g comes, and still: %v", err)
	}
	move.ParentID = "g"
	refused(t, placement.Check(append(slices.Clone(links), late, move), 2), genealogy.Orphan, "f", "g")
	ring := placement.Link{PositionID: "a", DistributorID: "a", ParentID: "f", Leg: 0, ValidFrom: 10, Version: 3}
	refused(t, placement.Check(append(slices.Clone(links), ring), 2), genealogy.Cycle, "a", "f", "c")
}

// TestPreview tells who gains and loses what when a goes below e.
func TestPreview(t *testing.T) {
	t.Parallel()
	tree, _ := shaped(t, &plan.Placement{Width: 2, Strategy: plan.PlaceLeft}, family...)
	change, err := tree.Plan(placement.Move{Kind: placement.WithDownline, Position: "a", To: "e", Leg: 0, ValidFrom: 50, Version: 2})
	if err != nil {
		t.Fatal(err)
	}
	parent, leg, err := tree.After(change)
	if err != nil {
		t.Fatal(err)
	}
	volume := make([]int64, tree.Len())
	for i := range volume {
		volume[i] = 100
	}
	people := func(parent []int32, id string) int64 { // at id's legs and below
		n, _ := tree.Number(id)
		sum := int64(0)
		for i := range parent {
			for at := parent[i]; at >= 0; at = parent[at] {
				if at == n {
					sum++
				}
			}
		}
		return sum
	}
	got, err := placement.Preview(placement.Comparison{
		ID: tree.ID, Before: tree.Parents(), After: parent, LegBefore: tree.Legs(), LegAfter: leg, Volume: volume,
		Ranks: []string{"member", "silver"},
		Qualify: func(parent []int32) ([]int8, error) { // Silver has three below.
			ranks := make([]int8, len(parent))
			for i := range ranks {
				if people(parent, tree.ID(int32(i))) >= 3 {
					ranks[i] = 1
				}
			}
			return ranks, nil
		},
		Recalculate: func(parent []int32) ([]placement.Amount, error) { // A cent a person below b, two payments; and R's.
			return []placement.Amount{
				{DistributorID: "b", ComponentID: "team", Currency: "EUR", Minor: people(parent, "b")},
				{DistributorID: "b", ComponentID: "team", Currency: "EUR", Minor: 5},
				{DistributorID: "R", ComponentID: "team", Currency: "EUR", Minor: people(parent, "R")},
				{DistributorID: "a", ComponentID: "team", Currency: "EUR", Minor: 9 - people(parent, "b")},
			}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &placement.Effect{
		Volumes: []placement.VolumeChange{{ID: "b", Before: 200, After: 600}, {ID: "e", Before: 100, After: 500}},
		Legs: []placement.LegChange{
			{ID: "R", Leg: 0, Before: 400},
			{ID: "R", Leg: 1, Before: 200, After: 600},
			{ID: "b", Leg: 1, Before: 100, After: 500},
			{ID: "e", Leg: 0, After: 400},
		},
		Levels: []placement.LevelChange{{ID: "a", Before: 1, After: 3}, {ID: "c", Before: 2, After: 4}, {ID: "d", Before: 2, After: 4}, {ID: "f", Before: 3, After: 5}},
		Ranks:  []placement.RankChange{{ID: "b", Before: "member", After: "silver"}, {ID: "e", Before: "member", After: "silver"}},
		Amounts: []placement.AmountChange{
			{DistributorID: "a", ComponentID: "team", Currency: "EUR", Before: 8, After: 4},
			{DistributorID: "b", ComponentID: "team", Currency: "EUR", Before: 6, After: 10},
		},
		Totals: []placement.Total{{Currency: "EUR", Before: 20, After: 20, Gained: 4, Lost: 4}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, err = placement.Preview(placement.Comparison{ID: tree.ID, Before: []int32{1, 0}, After: []int32{1, 0}, Volume: []int64{0, 0}})
	refused(t, err, genealogy.Cycle, tree.ID(0))
}
