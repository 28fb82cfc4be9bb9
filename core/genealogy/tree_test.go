package genealogy_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
)

type (
	link     = genealogy.Link
	standing = genealogy.Standing
	code     = genealogy.Code
	asOf     = genealogy.AsOf
)

const always = genealogy.Beginning

func mustBuild(t testing.TB, links []link, standings []standing, codes []code) *genealogy.Tree {
	t.Helper()
	tree, err := genealogy.Build(links, standings, codes)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// faultsOf writes every fault of an error as "kind a>b>c".
func faultsOf(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var many genealogy.Faults
	if !errors.As(err, &many) {
		var one *genealogy.Fault
		if !errors.As(err, &one) {
			t.Fatalf("%v is not a *Fault", err)
		}
		many = genealogy.Faults{one}
	}
	var texts []string
	for _, fault := range many {
		texts = append(texts, string(fault.Kind)+" "+strings.Join(fault.People, ">"))
	}
	return texts
}

func idsOf(people []genealogy.Person) string {
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return strings.Join(ids, ">")
}

func TestBuildNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	cases := []struct {
		name      string
		links     []link
		standings []standing
		codes     []code
		want      []string
	}{
		{name: "nothing at all"},
		{name: "child before parent in the list", links: []link{{"B", "A", always, 1}, {"A", "", always, 1}}},
		{name: "own parent", links: []link{{"A", "A", always, 1}}, want: []string{"cycle A"}},
		{name: "ring of three in order", links: []link{{"C", "A", 5, 1}, {"A", "B", 5, 1}, {"B", "C", 5, 1}}, want: []string{"cycle A>B>C"}},
		{
			name: "ring closed by a later move", links: []link{{"A", "", 0, 1}, {"B", "A", 1, 1}, {"C", "B", 2, 1}, {"A", "C", 9, 2}},
			want: []string{"cycle A>C>B"},
		},
		{
			name: "ring opened again later", links: []link{{"A", "", 0, 1}, {"B", "A", 1, 1}, {"A", "B", 5, 2}, {"B", "", 6, 3}},
			want: []string{"cycle A>B"},
		},
		{name: "swap at one instant", links: []link{{"A", "", 0, 1}, {"B", "A", 0, 1}, {"A", "B", 5, 2}, {"B", "", 5, 2}}},
		{name: "ring replaced by a later version", links: []link{{"A", "", 0, 1}, {"B", "A", 0, 1}, {"A", "B", 0, 2}, {"A", "", 0, 3}}},
		{
			name: "people below a ring are not on it", links: []link{{"A", "B", 0, 1}, {"B", "A", 0, 1}, {"C", "A", 0, 1}, {"D", "C", 3, 1}, {"D", "B", 4, 1}},
			want: []string{"cycle A>B"},
		},
		{
			name: "two rings, an orphan and a stranger", links: []link{{"A", "B", 0, 1}, {"B", "A", 0, 1}, {"C", "D", 7, 1}, {"D", "C", 7, 1}, {"E", "X", 0, 1}, {"F", "E", 0, 1}},
			standings: []standing{{"Y", "active", "", 0, 1}}, codes: []code{{"SAVE", "Z", 0, 1}},
			want: []string{"cycle A>B", "cycle C>D", "orphan E>X", "unknown Y", "unknown Z"},
		},
		{name: "parent joins after the child", links: []link{{"A", "", 5, 1}, {"B", "A", 4, 1}}, want: []string{"orphan B>A"}},
		{name: "two parents at once", links: []link{{"A", "", 0, 1}, {"B", "", 0, 1}, {"C", "A", 3, 2}, {"C", "B", 3, 2}}, want: []string{"duplicate C"}},
		{
			name: "the same said twice", links: []link{{"A", "", 0, 1}, {"A", "", 0, 1}}, standings: []standing{{"A", "active", "x", 0, 1}, {"A", "active", "x", 0, 1}},
			codes: []code{{"a", "A", 0, 1}, {"A", "A", 0, 1}},
		},
		{name: "two statuses at once", links: []link{{"A", "", 0, 1}}, standings: []standing{{"A", "active", "x", 0, 1}, {"A", "inactive", "x", 0, 1}}, want: []string{"duplicate A"}},
		{name: "a code of two people", links: []link{{"A", "", 0, 1}, {"B", "", 0, 1}}, codes: []code{{"Save", "A", 0, 1}, {"SAVE", "B", 0, 1}}, want: []string{"duplicate save"}},
		{name: "no id", links: []link{{"", "", 0, 1}}, want: []string{"invalid "}},
		{name: "an id too long", links: []link{{long, "", 0, 1}}, want: []string{"invalid " + long}},
		{name: "an id that is not UTF-8", links: []link{{"\xff", "", 0, 1}}, want: []string{"invalid \xff"}},
		{name: "no status", links: []link{{"A", "", 0, 1}}, standings: []standing{{"A", "", "x", 0, 1}}, want: []string{"invalid A"}},
		{name: "no code", links: []link{{"A", "", 0, 1}}, codes: []code{{"", "A", 0, 1}}, want: []string{"invalid A"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree, err := genealogy.Build(c.links, c.standings, c.codes)
			if diff := cmp.Diff(c.want, faultsOf(t, err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if (tree == nil) != (err != nil) {
				t.Errorf("tree %v together with error %v", tree, err)
			}
		})
	}
}

func TestFactsAreReadOnBothAxes(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t,
		[]link{{"A", "", always, 1}, {"B", "", 0, 1}, {"C", "A", 10, 2}, {"C", "B", 20, 3}, {"C", "A", 15, 4}, {"C", "B", 15, 5}},
		[]standing{{"C", genealogy.Active, "", 10, 2}, {"C", genealogy.Suspended, "gold", 30, 2}},
		[]code{{"Kim10", "A", 0, 1}, {"KIM10", "C", 20, 3}, {"kim10", "", 40, 3}})
	uplines := []struct {
		at, version int64
		want        string
	}{
		{9, 9, ""},
		{10, 1, ""},
		{10, 2, "C>A"},
		{14, 9, "C>A"},
		{15, 3, "C>A"},
		{15, 4, "C>A"},
		{15, 5, "C>B"},
		{19, 9, "C>B"},
		{20, 2, "C>A"},
		{20, 3, "C>B"},
		{1 << 50, 9, "C>B"},
	}
	for _, c := range uplines {
		got, err := tree.Upline(nil, "C", asOf{c.at, c.version}, 0)
		if (err != nil) != (c.want == "") || idsOf(got) != c.want {
			t.Errorf("upline of C as of %d, version %d = %s, %v; want %s", c.at, c.version, idsOf(got), err, c.want)
		}
		if tree.Has("C", asOf{c.at, c.version}) != (c.want != "") {
			t.Errorf("Has(C) as of %d, version %d disagrees with its upline", c.at, c.version)
		}
	}
	for at, want := range map[int64]genealogy.Person{10: {ID: "C", Status: genealogy.Active}, 30: {ID: "C", Status: genealogy.Suspended, Rank: "gold"}} {
		if got, ok := tree.Person("C", asOf{at, 9}); !ok || got != want {
			t.Errorf("Person(C) as of %d = %v, %v; want %v", at, got, ok, want)
		}
	}
	if got, ok := tree.Person("A", asOf{0, 9}); !ok || got.Status != "" {
		t.Errorf("a person without a standing is %v, %v; want no status", got, ok)
	}
	for at, want := range map[int64]string{-1: "", 0: "A", 19: "A", 20: "C", 40: ""} {
		if got, ok := tree.ByCode("kIM10", asOf{at, 9}); got != want || ok != (want != "") {
			t.Errorf("ByCode as of %d = %q, %v; want %q", at, got, ok, want)
		}
	}
	if tree.Version() != 5 || tree.Len() != 3 {
		t.Errorf("Version %d, Len %d; want 5, 3", tree.Version(), tree.Len())
	}
}

func TestCodesIgnoreCaseInEveryScript(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t, []link{{"A", "", always, 1}}, nil, []code{{"ÉTÉ-Kλ", "A", always, 1}})
	for _, text := range []string{"été-kλ", "ÉTÉ-KΛ", "été-\u212aΛ"} {
		if id, ok := tree.ByCode(text, asOf{0, 1}); !ok || id != "A" {
			t.Errorf("ByCode(%q) = %q, %v", text, id, ok)
		}
	}
	if id, ok := tree.ByCode("ete-kl", asOf{0, 1}); ok {
		t.Errorf("another word names %q", id)
	}
}

func TestUplineStopsAtItsLimitAndKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t, []link{{"A", "", 0, 1}, {"B", "A", 0, 1}, {"C", "B", 0, 1}}, nil, nil)
	for limit, want := range map[int]string{0: "X>C>B>A", 1: "X>C", 2: "X>C>B", 3: "X>C>B>A", 9: "X>C>B>A"} {
		got, err := tree.Upline([]genealogy.Person{{ID: "X"}}, "C", asOf{0, 1}, limit)
		if err != nil || idsOf(got) != want {
			t.Errorf("limit %d: %s, %v; want %s", limit, idsOf(got), err, want)
		}
	}
	got, err := tree.Upline([]genealogy.Person{{ID: "X"}}, "nobody", asOf{0, 1}, 0)
	if diff := cmp.Diff([]string{"unknown nobody"}, faultsOf(t, err)); diff != "" || idsOf(got) != "X" {
		t.Errorf("%s: %s", idsOf(got), diff)
	}
}

// TestUplineOver goes by whom somebody else names, where they name anybody.
func TestUplineOver(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t, []link{{"A", "", 0, 1}, {"B", "A", 0, 1}, {"C", "B", 0, 1}, {"D", "C", 0, 1}, {"X", "A", 0, 1}}, nil, nil)
	for name, c := range map[string]struct {
		other map[string]string
		want  string
		fault string
	}{
		"nobody named":     {want: "D>C>B>A"},
		"over somebody":    {other: map[string]string{"D": "B"}, want: "D>B>A"},
		"beside the line":  {other: map[string]string{"C": "X"}, want: "D>C>X>A"},
		"nobody at all":    {other: map[string]string{"C": ""}, want: "D>C"},
		"down and around":  {other: map[string]string{"A": "D"}, fault: "cycle D"},
		"of another world": {other: map[string]string{"B": "Z"}, fault: "unknown Z"},
	} {
		got, err := tree.UplineOver("D", asOf{0, 1}, func(id string) (string, bool) { other, named := c.other[id]; return other, named })
		if c.fault != "" {
			if found := faultsOf(t, err); len(found) != 1 || found[0] != c.fault {
				t.Errorf("%s: %v, want %s", name, found, c.fault)
			}
		} else if err != nil || idsOf(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, idsOf(got), err, c.want)
		}
	}
	if _, err := tree.UplineOver("Z", asOf{0, 1}, nil); err == nil {
		t.Error("somebody who is not there has an upline")
	}
}

// TestRingInAMixedView reads a version at which a move was recorded before the one that makes room for it.
func TestRingInAMixedView(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2, 3, 31, 32, 33, 200} {
		var links []link
		name := func(i int) string { return fmt.Sprintf("P%03d", i%size) }
		for i := range size { // First a chain P000 on top, then everybody moves onto a ring, then P000 leaves it.
			parent := ""
			if i > 0 {
				parent = name(i - 1)
			}
			links = append(links, link{name(i), parent, 0, 1}, link{name(i), name(i + size - 1), 10, 2})
		}
		links = append(links, link{name(0), "", 10, 3}, link{"tail", name(0), 0, 1})
		tree := mustBuild(t, links, nil, nil)
		mixed := asOf{10, 2}
		_, err := tree.Upline(nil, "tail", mixed, 0)
		found := faultsOf(t, err)
		if len(found) != 1 || !strings.HasPrefix(found[0], "cycle P000>") || strings.Count(found[0], ">") != size-1 {
			t.Fatalf("ring of %d: %v", size, found)
		}
		if _, err := tree.Upline(nil, "tail", mixed, size+2); err == nil {
			t.Errorf("ring of %d: a walk one longer than the ring saw nothing", size)
		}
		if got, err := tree.Upline(nil, "tail", mixed, size+1); err != nil || len(got) != size+1 {
			t.Errorf("ring of %d: a walk that does not come round gives %d people, %v", size, len(got), err)
		}
		if _, err := tree.Snapshot(mixed); len(faultsOf(t, err)) != 1 {
			t.Errorf("ring of %d: snapshot says %v", size, err)
		}
		if err := tree.CheckMove("tail", name(1), mixed); err != nil {
			t.Errorf("ring of %d: a move onto a ring that is not its own: %v", size, err)
		}
		if _, err := tree.Upline(nil, "tail", asOf{10, 3}, 0); err != nil {
			t.Errorf("ring of %d: newest version: %v", size, err)
		}
	}
}

func TestOrphanInAMixedView(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t, []link{{"A", "", 0, 2}, {"B", "A", 0, 1}, {"C", "B", 0, 1}}, nil, nil)
	_, err := tree.Upline(nil, "C", asOf{0, 1}, 0)
	if diff := cmp.Diff([]string{"orphan B>A"}, faultsOf(t, err)); diff != "" {
		t.Error(diff)
	}
	if _, err := tree.Snapshot(asOf{0, 1}); cmp.Diff([]string{"orphan B>A"}, faultsOf(t, err)) != "" {
		t.Error(err)
	}
}

func TestWithRefusesWhatWouldChangePinnedAnswers(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t, []link{{"A", "", 0, 3}, {"B", "A", 0, 7}}, []standing{{"B", "active", "", 0, 7}}, []code{{"X", "B", 0, 7}})
	if next, err := tree.With([]link{{"B", "A", 0, 7}}, []standing{{"B", "active", "", 0, 7}}, []code{{"x", "B", 0, 7}}); err != nil || next.Len() != 2 {
		t.Errorf("repeating facts: %v", err)
	}
	_, err := tree.With([]link{{"C", "A", 0, 7}}, []standing{{"B", "active", "", 1, 6}}, []code{{"Y", "B", 0, 7}})
	if diff := cmp.Diff([]string{"stale B", "stale C", "stale y"}, faultsOf(t, err)); diff != "" {
		t.Error(diff)
	}
	if tree.Has("C", asOf{0, 9}) || tree.Len() != 2 {
		t.Error("a refused With changed the tree")
	}
}

func TestWithNamesRingsAndOrphans(t *testing.T) {
	t.Parallel()
	base := []link{{"A", "", 0, 1}, {"B", "A", 0, 1}, {"C", "B", 0, 1}, {"D", "", 0, 1}, {"D", "C", 50, 1}}
	cases := []struct {
		name  string
		links []link
		want  []string
	}{
		{"under the own downline", []link{{"A", "C", 10, 2}}, []string{"cycle A>C>B"}},
		{"under somebody who moves below later", []link{{"A", "D", 10, 2}}, []string{"cycle A>D>C>B"}},
		{"but leaves before", []link{{"A", "D", 10, 2}, {"A", "", 50, 2}}, nil},
		{"two new ones under each other", []link{{"E", "F", 10, 2}, {"F", "E", 10, 2}, {"G", "E", 10, 2}}, []string{"cycle E>F"}},
		{"a stranger", []link{{"E", "X", 10, 2}, {"F", "E", 10, 2}}, []string{"orphan E>X"}},
		{"before the parent", []link{{"E", "A", -1, 2}}, []string{"orphan E>A"}},
		{"replaced in the same breath", []link{{"A", "C", 10, 2}, {"A", "", 10, 3}}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := mustBuild(t, base, nil, nil).With(c.links, nil, nil)
			if diff := cmp.Diff(c.want, faultsOf(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckMove(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t, []link{{"A", "", 0, 1}, {"B", "A", 0, 1}, {"C", "B", 0, 1}, {"D", "", 0, 1}, {"D", "C", 50, 2}}, nil, nil)
	cases := []struct {
		id, parent string
		as         asOf
		want       []string
	}{
		{"B", "D", asOf{60, 1}, nil},
		{"B", "", asOf{60, 2}, nil},
		{"B", "A", asOf{60, 2}, nil},
		{"B", "C", asOf{60, 2}, []string{"cycle B>C"}},
		{"B", "B", asOf{60, 2}, []string{"cycle B"}},
		{"B", "D", asOf{10, 2}, []string{"cycle B>D>C"}},
		{"D", "A", asOf{10, 2}, nil},
		{"X", "A", asOf{10, 2}, []string{"unknown X"}},
		{"B", "A", asOf{-1, 2}, []string{"unknown B"}},
		{"B", "X", asOf{10, 2}, []string{"orphan B>X"}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, faultsOf(t, tree.CheckMove(c.id, c.parent, c.as))); diff != "" {
			t.Errorf("%s under %s as of %v: %s", c.id, c.parent, c.as, diff)
		}
	}
}

func TestDeepTree(t *testing.T) {
	t.Parallel()
	const depth = 100_000
	name := func(i int) string { return fmt.Sprintf("L%06d", i) }
	links := make([]link, depth)
	for i := range links {
		links[i] = link{DistributorID: name(i), ValidFrom: int64(i), Version: 1}
		if i > 0 {
			links[i].ParentID = name(i - 1)
		}
	}
	tree := mustBuild(t, links, nil, nil)
	as := asOf{depth, 1}
	walk, err := tree.Upline(nil, name(depth-1), as, 0)
	if err != nil || len(walk) != depth || walk[depth-1].ID != name(0) {
		t.Fatalf("%d people, %v", len(walk), err)
	}
	snapshot, err := tree.Snapshot(as)
	if err != nil || snapshot.Len() != depth {
		t.Fatal(err)
	}
	if err := tree.CheckMove(name(0), name(depth-1), as); len(faultsOf(t, err)) != 1 {
		t.Errorf("the top under the bottom: %v", err)
	}
	if _, err := tree.With([]link{{name(0), name(depth - 1), depth, 2}}, nil, nil); err == nil {
		t.Error("the top was put under the bottom")
	}
	if next, err := tree.With([]link{{"new", name(depth - 1), depth, 2}}, nil, nil); err != nil || !next.Has("new", asOf{depth, 2}) {
		t.Error(err)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	var links []link
	for i := range 5000 {
		links = append(links, link{fmt.Sprintf("P%04d", i), "nobody", 0, 1})
	}
	_, err := genealogy.Build(links, nil, nil)
	if found := faultsOf(t, err); len(found) != 1000 || found[0] != "orphan P0000>nobody" {
		t.Errorf("%d faults", len(found))
	}
	if text := err.Error(); len(text) > 2000 || !strings.HasSuffix(text, "and 990 more") {
		t.Errorf("the text has %d bytes: %s", len(text), text)
	}
	var ring []link
	for i := range 5000 {
		ring = append(ring, link{fmt.Sprintf("P%04d", i), fmt.Sprintf("P%04d", (i+1)%5000), 0, 1})
	}
	_, err = genealogy.Build(ring, nil, nil)
	var fault *genealogy.Fault
	if !errors.As(err, &fault) || len(fault.People) != 5000 || len(fault.Error()) > 300 {
		t.Errorf("ring: %v", err)
	}
}

// TestReadersAndWritersShareATree is for the race detector: two trees are made from one while it is read.
func TestReadersAndWritersShareATree(t *testing.T) {
	t.Parallel()
	tree := build(t, 5000)
	as := asOf{1 << 40, 2}
	want, err := tree.Upline(nil, "D0004321", as, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			next := tree
			for i := range 50 {
				id := fmt.Sprintf("W%d-%d", worker, i)
				made, err := next.With([]link{{id, "D0004321", 1 << 40, int64(3 + i)}, {"D0004321", "D0000000", int64(1<<40 + i), int64(3 + i)}},
					[]standing{{id, "active", fmt.Sprintf("rank %d", i), 0, int64(3 + i)}}, []code{{id, id, 0, int64(3 + i)}})
				if err != nil {
					t.Error(err)
					return
				}
				next = made
				if got, err := tree.Upline(nil, "D0004321", as, 0); err != nil || idsOf(got) != idsOf(want) || tree.Has(id, asOf{1 << 41, 99}) {
					t.Errorf("the old tree changed: %s, %v", idsOf(got), err)
				}
			}
			for i := range 50 {
				id := fmt.Sprintf("W%d-%d", worker, i)
				p, ok := next.Person(id, asOf{1 << 41, 99})
				owner, found := next.ByCode(strings.ToLower(id), asOf{1 << 41, 99})
				if !ok || p.Rank != fmt.Sprintf("rank %d", i) || !found || owner != id {
					t.Errorf("%s is %v, its code %q", id, p, owner)
				}
			}
			if next.Len() != 5050 {
				t.Errorf("%d people", next.Len())
			}
		})
	}
	all.Wait()
}

func TestTreeGrownOneByOneFindsEverybody(t *testing.T) {
	t.Parallel()
	const people = 20_000 // enough to grow and to spread the dictionary's shards
	tree := mustBuild(t, nil, nil, nil)
	for i := range people {
		parent := ""
		if i > 0 {
			parent = fmt.Sprint(i / 2)
		}
		next, err := tree.With([]link{{fmt.Sprint(i), parent, 0, int64(i + 1)}}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		tree = next
	}
	for i := range people {
		if !tree.Has(fmt.Sprint(i), asOf{0, people}) {
			t.Fatalf("%d was lost", i)
		}
	}
	if tree.Len() != people || tree.Has("x", asOf{0, people}) {
		t.Errorf("%d people", tree.Len())
	}
}

func TestUplineDoesNotAllocate(t *testing.T) {
	tree := build(t, 10_000)
	dst := make([]genealogy.Person, 0, 64)
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := tree.Upline(dst, "D0009999", asOf{1 << 40, 2}, 0); err != nil {
			t.Error(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations for an upline that fits", allocations)
	}
}

func TestSubtreeSums(t *testing.T) {
	t.Parallel()
	tree := mustBuild(t, []link{{"A", "", 0, 1}, {"B", "A", 0, 1}, {"C", "B", 0, 1}, {"D", "A", 0, 1}, {"Z", "", 0, 1}}, nil, nil)
	s, err := tree.Snapshot(asOf{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	own := make([]int64, s.Len())
	for i := range own {
		own[i] = map[string]int64{"A": 1, "B": 10, "C": 100, "D": 1000, "Z": 7}[s.ID(int32(i))]
	}
	sums, err := s.SubtreeSums(own)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int64{"A": 1111, "B": 110, "C": 100, "D": 1000, "Z": 7} {
		if i, ok := s.Index(id); !ok || sums[i] != want {
			t.Errorf("sum of %s = %d, want %d", id, sums[i], want)
		}
	}
	b, _ := s.Index("B")
	own[b] = 1<<63 - 1
	if _, err := s.SubtreeSums(own); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("overflow: %v", err)
	}
	if _, err := s.SubtreeSums(own[1:]); !errors.Is(err, genealogy.ErrSums) {
		t.Errorf("too few: %v", err)
	}
	if _, ok := s.Index("nobody"); ok {
		t.Error("a stranger is in the snapshot")
	}
}

func ExampleTree_Upline() {
	tree, err := genealogy.Build([]genealogy.Link{
		{DistributorID: "ann", ValidFrom: genealogy.Beginning, Version: 1},
		{DistributorID: "bob", ParentID: "ann", ValidFrom: genealogy.Beginning, Version: 1},
		{DistributorID: "cleo", ParentID: "bob", ValidFrom: genealogy.Beginning, Version: 1},
		{DistributorID: "cleo", ParentID: "ann", ValidFrom: 1_700_000_000_000_000, Version: 2},
	}, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, at := range []int64{1_699_999_999_999_999, 1_700_000_000_000_000} {
		upline, err := tree.Upline(nil, "cleo", genealogy.AsOf{At: at, Version: 2}, 0)
		for _, person := range upline {
			fmt.Print(person.ID, " ")
		}
		fmt.Println(err)
	}
	// Output:
	// cleo bob ann <nil>
	// cleo ann <nil>
}
