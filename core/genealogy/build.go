package genealogy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a tree.
const (
	maxText   = 255     // bytes of an id, code, status or rank; platforms' own ids take below 64
	maxPeople = 1 << 30 // numbers must fit an int32 with one to spare
	maxWords  = 1<<16 - 2
)

// Build makes a tree of all facts ever recorded, in any order. At the newest version there may be no cycle at any
// instant, and every parent must be in the tree from the link's ValidFrom on; standings and codes name people of the
// tree. Whatever is wrong is returned at once as Faults. A fact that repeats another word for word changes nothing.
func Build(links []Link, standings []Standing, codes []Code) (*Tree, error) {
	t, err := new(Tree).With(links, standings, codes)
	if err != nil {
		return nil, fmt.Errorf("build tree: %w", err)
	}
	return t, nil
}

// With is the tree with later facts added; t stays as it is, for its readers. A few facts cost the parts they touch
// and a list of the parts (some 200 KB for a million people); more than 1000 links cost a pass over the whole tree.
//
// The rules of Build hold for the outcome. Each new fact must be recorded after t.Version(), unless t has no facts:
// otherwise what is read as of a pinned version would change behind the reader's back (Stale).
func (t *Tree) With(links []Link, standings []Standing, codes []Code) (*Tree, error) {
	e := newEditor(t, len(links), len(codes))
	e.putLinks(links)
	e.putStandings(standings)
	e.putCodes(codes)
	next := e.tree()
	next.checkLinks(&e)
	if err := e.faults.err(); err != nil {
		return nil, err
	}
	return next, nil
}

// editor makes the next tree from base.
type editor struct {
	base      *Tree
	people    writer[person]
	links     writer[[]fact]
	standings writer[[]fact]
	ids       namesWriter
	codes     writer[code]
	claims    writer[[]fact]
	codeNames namesWriter
	statuses  words[Status]
	ranks     words[string]
	version   int64
	facts     int
	added     []dated // the links added, by person
	faults    Faults
}

func newEditor(t *Tree, links, codes int) editor {
	return editor{
		base:      t,
		people:    edit(t.people),
		links:     edit(t.links),
		standings: edit(t.standings),
		ids:       editNames(t.ids, links),
		codes:     edit(t.codes),
		claims:    edit(t.claims),
		codeNames: editNames(t.codeNames, codes),
		statuses:  words[Status]{list: t.statuses},
		ranks:     words[string]{list: t.ranks},
		version:   t.version,
		facts:     t.facts,
	}
}

func (e *editor) tree() *Tree {
	return &Tree{
		people: e.people.vector, links: e.links.vector, standings: e.standings.vector, ids: e.ids.names,
		codes: e.codes.vector, claims: e.claims.vector, codeNames: e.codeNames.names,
		statuses: e.statuses.list, ranks: e.ranks.list,
		version: e.version, facts: e.facts,
	}
}

// dated is a fact on its way into the tree: whose it is, by number.
type dated struct {
	whose int32
	fact
}

// putLinks numbers all people first, since a link may come before its parent's.
func (e *editor) putLinks(links []Link) {
	facts := make([]dated, 0, len(links))
	place := make([]int32, 0, len(links)) // of facts in links
	for i := range links {
		who, ok := e.person(links[i].DistributorID)
		if !ok {
			continue
		}
		facts = append(facts, dated{who, fact{from: links[i].ValidFrom, version: links[i].Version}})
		place = append(place, int32(i))
	}
	for i := range facts {
		link := &links[place[i]]
		if link.ParentID == "" {
			continue
		}
		parent, found := find(&e.ids.names, &e.people.vector, link.ParentID)
		if !found {
			e.faults.add(Orphan, "the parent is not in the tree", link.DistributorID, link.ParentID)
			continue // Standing at the top, the child at least makes no orphans of its own children.
		}
		facts[i].value = uint32(parent) + 1
	}
	e.added = facts
	put(e, facts, &e.links, "links", func(who int32) *fact { return &e.people.change(who).link }, e.id)
}

// person is the number of a distributor, new or not.
func (e *editor) person(id DistributorID) (int32, bool) {
	if who, found := find(&e.ids.names, &e.people.vector, id); found {
		return who, true
	}
	if what := textFlaw(id); what != "" {
		e.faults.add(Invalid, "the distributor's id "+what, id)
		return 0, false
	}
	if e.people.length >= maxPeople {
		e.faults.add(Invalid, fmt.Sprintf("the tree has %d people already", maxPeople), id)
		return 0, false
	}
	name := addName(&e.ids, &e.people.vector, id)
	return e.people.add(person{name: name, link: noFact, standing: noFact}), true
}

func (e *editor) putStandings(standings []Standing) {
	facts := make([]dated, 0, len(standings))
	for i := range standings {
		s := &standings[i]
		who, found := find(&e.ids.names, &e.people.vector, s.DistributorID)
		if !found {
			e.faults.add(Unknown, "the standing is of nobody in the tree", s.DistributorID)
			continue
		}
		status, okStatus := e.statuses.number(s.Status)
		rank, okRank := e.ranks.number(s.Rank)
		if s.Status == "" || !okStatus || !okRank {
			e.faults.add(Invalid, "the status is missing, or a tree's limit of different statuses and ranks is passed", s.DistributorID)
			continue
		}
		facts = append(facts, dated{who, fact{from: s.ValidFrom, version: s.Version, value: status<<16 | rank}})
	}
	put(e, facts, &e.standings, "standings", func(who int32) *fact { return &e.people.change(who).standing }, e.id)
}

func (e *editor) putCodes(codes []Code) {
	facts := make([]dated, 0, len(codes))
	for i := range codes {
		c := &codes[i]
		claim := fact{from: c.ValidFrom, version: c.Version}
		if c.DistributorID != "" {
			who, found := find(&e.ids.names, &e.people.vector, c.DistributorID)
			if !found {
				e.faults.add(Unknown, "code "+strconv.Quote(c.Code)+" names nobody in the tree", c.DistributorID)
				continue
			}
			claim.value = uint32(who) + 1
		}
		text := fold(c.Code)
		which, found := find(&e.codeNames.names, &e.codes.vector, text)
		if !found {
			if what := textFlaw(text); what != "" {
				e.faults.add(Invalid, "code "+strconv.Quote(c.Code)+" "+what, c.DistributorID)
				continue
			}
			which = e.codes.add(code{name: addName(&e.codeNames, &e.codes.vector, text), claim: noFact})
		}
		facts = append(facts, dated{which, claim})
	}
	put(e, facts, &e.claims, "codes", func(which int32) *fact { return &e.codes.change(which).claim },
		func(which int32) string { return e.codeNames.text(e.codes.at(which).name) })
}

func (e *editor) id(who int32) DistributorID { return e.ids.text(e.people.at(who).name) }

// put files facts with those they concern. newest gives the record's own fact to write, name what to call it by.
func put(e *editor, facts []dated, h *writer[[]fact], what string, newest func(int32) *fact, name func(int32) string) {
	slices.SortFunc(facts, func(a, b dated) int {
		return cmp.Or(cmp.Compare(a.whose, b.whose), compareFacts(a.fact, b.fact))
	})
	for len(facts) > 0 {
		whose, end := facts[0].whose, 1
		for end < len(facts) && facts[end].whose == whose {
			end++
		}
		into := newest(whose)
		if end == 1 && into.value == absent && e.mayRecord(facts[0].fact) {
			*into = facts[0].fact
			e.count(facts[0].fact)
		} else {
			merged := e.merge(all(&h.vector, *into), facts[:end], what, func() string { return name(whose) })
			keep(h, into, merged)
		}
		facts = facts[end:]
	}
}

// keep writes the newest fact into the record and the others into its history.
func keep(h *writer[[]fact], into *fact, merged []fact) {
	if len(merged) == 0 {
		return
	}
	list := into.older
	*into = merged[len(merged)-1]
	into.older = list
	older := slices.Clip(merged[:len(merged)-1])
	switch {
	case len(older) == 0:
	case list == 0:
		into.older = h.add(older) + 1
	default:
		*h.change(list - 1) = older
	}
}

// merge adds facts, sorted, to those there are.
func (e *editor) merge(have []fact, facts []dated, what string, name func() string) []fact {
	merged := have
	for _, add := range facts {
		at, same := slices.BinarySearchFunc(merged, add.fact, compareFacts)
		clash := clashing(merged, at, add.fact)
		switch {
		case same:
		case clash >= 0:
			e.faults.add(Duplicate, fmt.Sprintf("two %s %s at version %d say different things", what, since(add.from), add.version), name())
			merged[clash].value = 0 // Neither counts, so that what else is found does not hang on which came first.
		case !e.mayRecord(add.fact):
			e.faults.add(Stale, fmt.Sprintf("%s recorded at version %d come too late for a tree read at version %d", what, add.version, e.base.version), name())
		default:
			merged = slices.Insert(merged, at, add.fact)
			e.count(add.fact)
		}
	}
	return merged
}

// clashing is the index of the fact of the same from and version next to where f belongs; -1 where there is none.
func clashing(facts []fact, at int, f fact) int {
	for _, i := range [...]int{at - 1, at} {
		if i >= 0 && i < len(facts) && facts[i].from == f.from && facts[i].version == f.version {
			return i
		}
	}
	return -1
}

func (e *editor) mayRecord(f fact) bool { return e.base.facts == 0 || f.version > e.base.version }

func (e *editor) count(f fact) {
	if e.facts == 0 || f.version > e.version {
		e.version = f.version
	}
	e.facts++
}

// textFlaw says why a text can be no id; "" is nothing.
func textFlaw(text string) string {
	switch {
	case text == "":
		return "is missing"
	case len(text) > maxText:
		return fmt.Sprintf("has %d bytes, more than %d", len(text), maxText)
	case !utf8.ValidString(text):
		return "is not UTF-8"
	default:
		return ""
	}
}

// fold gives texts that differ only in case the same form: the lowest letter of each letter's cases, ASCII in lower
// case.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return asciiLower(r)
		}
		lowest := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			lowest = min(lowest, other)
		}
		return asciiLower(lowest)
	}, text)
}

func asciiLower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// words numbers the few different statuses or ranks of a tree.
type words[T ~string] struct {
	list    []T
	numbers map[T]uint32
}

// number is the number of a word, new or not; false where a limit is passed.
func (w *words[T]) number(word T) (uint32, bool) {
	if w.numbers == nil {
		w.numbers = make(map[T]uint32, len(w.list))
		for i, known := range w.list {
			w.numbers[known] = uint32(i)
		}
		w.list = slices.Clip(w.list) // The older tree's list must not be appended to in place.
	}
	if number, known := w.numbers[word]; known {
		return number, true
	}
	if len(w.list) >= maxWords || len(word) > maxText {
		return 0, false
	}
	word = T(strings.Clone(string(word)))
	w.numbers[word] = uint32(len(w.list))
	w.list = append(w.list, word)
	return w.numbers[word], true
}
