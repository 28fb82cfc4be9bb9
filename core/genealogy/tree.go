package genealogy

// Tree holds one tree with its whole history, compactly: 1,000,000 people with one link and one standing each take
// less than 100 MB. A Tree never changes, so any number of readers may share it; With makes the next one.
//
// A fact is read as of an instant and a tree version: among the facts of a person recorded by that version, the one
// with the greatest ValidFrom at or before the instant counts; of several with that ValidFrom, the greatest Version.
// A person without such a link is not in the tree then.
type Tree struct {
	people    vector[person]
	links     histories // parents: 0 is the top, else 1 + the parent's number
	standings histories // status << 16 | rank
	ids       names

	codes     vector[code]
	claims    histories // distributors of codes: 0 is nobody's, else 1 + the distributor's number
	codeNames names

	statuses []Status
	ranks    []string
	version  int64
	facts    int
}

// person is 56 bytes on purpose: it is what a million of them cost.
type person struct {
	name     nameRef
	link     fact
	standing fact
}

func (p person) nameRef() nameRef { return p.name }

// code is a coupon or reference code with who it names.
type code struct {
	name  nameRef
	claim fact
}

func (c code) nameRef() nameRef { return c.name }

// Len is the number of people the tree has ever had.
func (t *Tree) Len() int { return int(t.people.length) }

// Version is the greatest tree version recorded; 0 for a tree without facts.
func (t *Tree) Version() int64 { return t.version }

// Has reports whether the person is in the tree then.
func (t *Tree) Has(id DistributorID, as AsOf) bool {
	who, found := find(&t.ids, &t.people, id)
	if !found {
		return false
	}
	_, known := read(&t.links, &t.people.at(who).link, as)
	return known
}

// Person is one person as of then; false where the tree does not have it. A person without a standing has Status "",
// which is no status and earns nothing.
func (t *Tree) Person(id DistributorID, as AsOf) (Person, bool) {
	who, found := find(&t.ids, &t.people, id)
	if !found {
		return Person{}, false
	}
	p := t.people.at(who)
	if _, known := read(&t.links, &p.link, as); !known {
		return Person{}, false
	}
	return t.view(p, as), true
}

func (t *Tree) view(p *person, as AsOf) Person {
	seen := Person{ID: t.ids.text(p.name)}
	if standing, known := read(&t.standings, &p.standing, as); known {
		seen.Status, seen.Rank = t.statuses[standing>>16], t.ranks[standing&0xffff]
	}
	return seen
}

// ByCode is the distributor a code names then, compared without case; false where it names nobody.
func (t *Tree) ByCode(text string, as AsOf) (DistributorID, bool) {
	which, found := find(&t.codeNames, &t.codes, fold(text))
	if !found {
		return "", false
	}
	who, known := read(&t.claims, &t.codes.at(which).claim, as)
	if !known || who == 0 {
		return "", false
	}
	return t.id(int32(who - 1)), true
}

func (t *Tree) id(who int32) DistributorID { return t.ids.text(t.people.at(who).name) }

// parent is the number of a person's parent then, or top.
func (t *Tree) parent(who int32, as AsOf) (parent int32, known bool) {
	value, known := read(&t.links, &t.people.at(who).link, as)
	return int32(value) - 1, known
}

// top is the parent of those who have none.
const top int32 = -1
