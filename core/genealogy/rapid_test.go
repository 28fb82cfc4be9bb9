package genealogy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"upline.dev/upline/core/genealogy"
)

// facts is a random history, small enough that its rings, orphans and ties are frequent.
type facts struct {
	links     []link
	standings []standing
	codes     []code
}

var (
	drawID      = rapid.SampledFrom([]string{"A", "B", "C", "D", "E", "F"})
	drawAt      = rapid.SampledFrom([]int64{always, 0, 1, 2, 3})
	drawVersion = rapid.Int64Range(1, 4)
)

func drawLinks(t *rapid.T, most int) []link {
	parent := rapid.SampledFrom([]string{"", "", "A", "A", "B", "C", "D", "E"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) link {
		return link{drawID.Draw(t, "id"), parent.Draw(t, "parent"), drawAt.Draw(t, "from"), drawVersion.Draw(t, "version")}
	}), 1, most).Draw(t, "links")
}

// drawFacts draws until the tree can be built, or gives up the attempt.
func drawFacts(t *rapid.T) (facts, *genealogy.Tree) {
	f := facts{links: []link{{"A", "", always, 1}, {"B", "A", always, 1}, {"C", "B", always, 1}}}
	f.links = append(f.links, drawLinks(t, 8)...)
	present := map[string]bool{}
	for _, l := range f.links {
		present[l.DistributorID] = true
	}
	for range rapid.IntRange(0, 6).Draw(t, "standings") {
		s := standing{
			drawID.Draw(t, "id"), rapid.SampledFrom([]genealogy.Status{"active", "inactive"}).Draw(t, "status"),
			rapid.SampledFrom([]string{"", "gold"}).Draw(t, "rank"), drawAt.Draw(t, "from"), drawVersion.Draw(t, "version"),
		}
		if present[s.DistributorID] {
			f.standings = append(f.standings, s)
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "codes") {
		c := code{rapid.SampledFrom([]string{"x", "X", "y"}).Draw(t, "code"), drawID.Draw(t, "id"), drawAt.Draw(t, "from"), drawVersion.Draw(t, "version")}
		if present[c.DistributorID] {
			f.codes = append(f.codes, c)
		}
	}
	tree, err := genealogy.Build(f.links, f.standings, f.codes)
	if err != nil {
		t.Skip("not a tree")
	}
	return f, tree
}

// pick is the rule of reading, written as naively as it is stated.
func pick[T any](all []T, mine func(T) bool, from, version func(T) int64, as asOf) (best T, found bool) {
	for _, f := range all {
		if !mine(f) || version(f) > as.Version || from(f) > as.At {
			continue
		}
		if !found || from(f) > from(best) || from(f) == from(best) && version(f) > version(best) {
			best, found = f, true
		}
	}
	return best, found
}

func (f facts) parent(id string, as asOf) (string, bool) {
	l, ok := pick(f.links, func(l link) bool { return l.DistributorID == id },
		func(l link) int64 { return l.ValidFrom }, func(l link) int64 { return l.Version }, as)
	return l.ParentID, ok
}

func (f facts) person(id string, as asOf) genealogy.Person {
	s, _ := pick(f.standings, func(s standing) bool { return s.DistributorID == id },
		func(s standing) int64 { return s.ValidFrom }, func(s standing) int64 { return s.Version }, as)
	return genealogy.Person{ID: id, Status: s.Status, Rank: s.Rank}
}

// upline is nil where it comes upon a ring or somebody who is not there.
func (f facts) upline(id string, as asOf) []genealogy.Person {
	var people []genealogy.Person
	for id != "" {
		parent, ok := f.parent(id, as)
		if !ok || len(people) > 6 {
			return nil
		}
		people = append(people, f.person(id, as))
		id = parent
	}
	return people
}

func everywhere(visit func(as asOf)) {
	for _, at := range []int64{always - 1, always, -1, 0, 1, 2, 3, 4} {
		for version := range int64(6) {
			visit(asOf{at, version})
		}
	}
}

func TestReadingAgreesWithTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, tree := drawFacts(t)
		everywhere(func(as asOf) {
			for _, id := range []string{"A", "B", "C", "D", "E", "F", "G"} {
				want := f.upline(id, as)
				got, err := tree.Upline(nil, id, as, 0)
				if (err != nil) != (want == nil) || !slices.Equal(want, got) {
					t.Fatalf("upline of %s as of %v: %v, %v; want %v", id, as, got, err, want)
				}
				_, known := f.parent(id, as)
				person, has := tree.Person(id, as)
				if has != known || tree.Has(id, as) != known || known && person != f.person(id, as) {
					t.Fatalf("%s as of %v: %v, %v; want %v, %v", id, as, person, has, f.person(id, as), known)
				}
			}
			for _, text := range []string{"x", "y"} {
				want, _ := pick(f.codes, func(c code) bool { return c.Code == text || text == "x" && c.Code == "X" },
					func(c code) int64 { return c.ValidFrom }, func(c code) int64 { return c.Version }, as)
				if got, _ := tree.ByCode(text, as); got != want.DistributorID {
					t.Fatalf("code %s as of %v: %s, want %s", text, as, got, want.DistributorID)
				}
			}
		})
	})
}

// TestBuildRefusesExactlyWhatIsNoTree compares with walking everybody at every instant of the newest version.
func TestBuildRefusesExactlyWhatIsNoTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := facts{links: drawLinks(t, 10)}
		sound := true
		for i, a := range f.links {
			_, known := f.parent(a.DistributorID, asOf{4, 9})
			sound = sound && known
			for _, b := range f.links[:i] {
				sound = sound && (a.DistributorID != b.DistributorID || a.ValidFrom != b.ValidFrom || a.Version != b.Version || a == b)
			}
			parentKnown := slices.ContainsFunc(f.links, func(l link) bool { return l.DistributorID == a.ParentID })
			sound = sound && (a.ParentID == "" || parentKnown)
		}
		for _, at := range []int64{always, 0, 1, 2, 3} {
			for _, id := range []string{"A", "B", "C", "D", "E", "F"} {
				if _, known := f.parent(id, asOf{at, 9}); known {
					sound = sound && f.upline(id, asOf{at, 9}) != nil
				}
			}
		}
		if _, err := genealogy.Build(f.links, nil, nil); (err == nil) != sound {
			t.Fatalf("%v: error %v, want a sound tree: %v", f.links, err, sound)
		}
	})
}

// TestGrowingIsBuilding holds With against Build of everything, and the older trees against having changed: the
// property behind reading as of a pinned version (design.md section 4, invariant 5).
func TestGrowingIsBuilding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, whole := drawFacts(t)
		tree, err := genealogy.Build(nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for version := range int64(5) {
			before := answers(tree, version-1)
			next, err := tree.With(
				only(f.links, func(l link) bool { return l.Version == version }),
				only(f.standings, func(s standing) bool { return s.Version == version }),
				only(f.codes, func(c code) bool { return c.Version == version }))
			if err != nil {
				t.Skip("not a tree at an earlier version, or a person comes later than a fact about it")
			}
			if diff := cmp.Diff(before, answers(tree, version-1)); diff != "" {
				t.Fatalf("With changed its own tree:\n%s", diff)
			}
			if diff := cmp.Diff(before, answers(next, version-1)); diff != "" {
				t.Fatalf("facts of version %d changed answers as of %d:\n%s", version, version-1, diff)
			}
			tree = next
		}
		if diff := cmp.Diff(answers(whole, 9), answers(tree, 9)); diff != "" {
			t.Fatalf("built and grown differ:\n%s", diff)
		}
		if whole.Version() != tree.Version() || whole.Len() != tree.Len() {
			t.Fatalf("version %d and %d, people %d and %d", whole.Version(), tree.Version(), whole.Len(), tree.Len())
		}
	})
}

// TestOrderOfFactsDoesNotMatter covers snapshots too, whose numbering must be the same on every machine.
func TestOrderOfFactsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, tree := drawFacts(t)
		shuffled, err := genealogy.Build(rapid.Permutation(f.links).Draw(t, "links"),
			rapid.Permutation(f.standings).Draw(t, "standings"), rapid.Permutation(f.codes).Draw(t, "codes"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(answers(tree, 9), answers(shuffled, 9)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFaultsDoNotDependOnTheOrderOfFacts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		links := drawLinks(t, 12)
		_, err := genealogy.Build(links, nil, nil)
		_, shuffled := genealogy.Build(rapid.Permutation(links).Draw(t, "order"), nil, nil)
		if fmt.Sprint(err) != fmt.Sprint(shuffled) {
			t.Fatalf("%v\nbut in another order\n%v", err, shuffled)
		}
	})
}

func TestSnapshotAgreesWithUplines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, tree := drawFacts(t)
		as := asOf{drawAt.Draw(t, "at"), 9}
		s, err := tree.Snapshot(as)
		if err != nil {
			t.Fatal(err)
		}
		own, want := make([]int64, s.Len()), map[string]int64{}
		for i, parent := range s.Parents() {
			id := s.ID(int32(i))
			own[i] = rapid.Int64Range(-9, 9).Draw(t, "own")
			for _, above := range f.upline(id, as) {
				want[above.ID] += own[i]
			}
			above, known := f.parent(id, as)
			if !known || parent >= int32(i) || (parent < 0) != (above == "") || parent >= 0 && s.ID(parent) != above {
				t.Fatalf("%s has number %d and parent %d", id, i, parent)
			}
			if at, ok := s.Index(id); !ok || at != int32(i) || s.Person(at) != f.person(id, as) {
				t.Fatalf("%s is not found again", id)
			}
		}
		sums, err := s.SubtreeSums(own)
		if err != nil {
			t.Fatal(err)
		}
		for i := range sums {
			if sums[i] != want[s.ID(int32(i))] {
				t.Fatalf("sum of %s is %d, want %d", s.ID(int32(i)), sums[i], want[s.ID(int32(i))])
			}
		}
	})
}

// TestCheckMoveForetellsWith says yes to exactly the moves that can then be recorded.
func TestCheckMoveForetellsWith(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, tree := drawFacts(t)
		id, parent := drawID.Draw(t, "id"), drawID.Draw(t, "parent")
		as := asOf{drawAt.Draw(t, "at"), 9}
		if !tree.Has(id, as) || !tree.Has(parent, as) {
			t.Skip("not there")
		}
		foretold := tree.CheckMove(id, parent, as)
		_, err := tree.With([]link{{id, parent, as.At, 9}}, nil, nil)
		if (foretold == nil) != (err == nil) {
			t.Fatalf("%s under %s as of %d: foretold %v, then %v", id, parent, as.At, foretold, err)
		}
	})
}

func only[T any](all []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(item T) bool { return !keep(item) })
}

// answers asks a tree everything there is to ask up to a version.
func answers(tree *genealogy.Tree, version int64) []string {
	var all []string
	everywhere(func(as asOf) {
		if as.Version > version {
			return
		}
		for _, id := range []string{"A", "B", "C", "D", "E", "F"} {
			upline, err := tree.Upline(nil, id, as, 0)
			person, has := tree.Person(id, as)
			if !has && err != nil {
				continue // A person who comes later does not change what was said of nobody.
			}
			all = append(all, fmt.Sprint(id, as, upline, err, person, has))
		}
		for _, text := range []string{"x", "y"} {
			id, ok := tree.ByCode(text, as)
			all = append(all, fmt.Sprint(text, as, id, ok))
		}
		if s, err := tree.Snapshot(as); err == nil {
			for i, parent := range s.Parents() {
				all = append(all, fmt.Sprint(as, s.Person(int32(i)), parent))
			}
		}
	})
	return all
}
