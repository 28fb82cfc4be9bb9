package genealogy

import "slices"

// Upline appends to dst the person itself, then its parent and so on to the top, at most limit people (0: all), and
// does not allocate when dst has room for them.
//
// A person who is not in the tree then is a *Fault of kind Unknown; an upline that leads to one is Orphan. Both, and
// Cycle, can happen in views that mix an old version with moves recorded later; dst is then returned as it came, since
// half an upline would pay the wrong people.
func (t *Tree) Upline(dst []Person, id DistributorID, as AsOf, limit int) ([]Person, error) {
	who, found := find(&t.ids, &t.people, id)
	if !found {
		return dst, unknown(id, as)
	}
	start := len(dst)
	var moved movedPeople
	for child := who; ; {
		p := t.people.at(who)
		parent, known := read(&t.links, &p.link, as)
		if !known {
			return dst[:start], t.missing(child, who, as)
		}
		if p.link.older != 0 && moved.again(who, t.Len()) {
			return dst[:start], t.ringThrough(who, as)
		}
		dst = append(dst, t.view(p, as))
		if parent == 0 || len(dst)-start == limit {
			return dst, nil
		}
		child, who = who, int32(parent-1)
	}
}

// movedPeople remembers which people with more than one link a walk has met. Only they are watched: links that were
// never changed form no ring in any view, because they would form it in the newest, which Build refuses.
type movedPeople struct {
	few   [32]int32
	count int
	many  []uint64 // a bit per person, made when few is full
}

// again notes a person and reports whether the walk was here before.
func (m *movedPeople) again(who int32, people int) bool {
	if m.many == nil {
		if slices.Contains(m.few[:m.count], who) {
			return true
		}
		if m.count < len(m.few) {
			m.few[m.count] = who
			m.count++
			return false
		}
		m.many = make([]uint64, people/64+1)
		for _, earlier := range m.few {
			m.many[earlier/64] |= 1 << (earlier % 64)
		}
	}
	word, bit := &m.many[who/64], uint64(1)<<(who%64)
	met := *word&bit != 0
	*word |= bit
	return met
}

// ringThrough names the ring that a person is on.
func (t *Tree) ringThrough(who int32, as AsOf) *Fault {
	ring := []DistributorID{t.id(who)}
	for next, _ := t.parent(who, as); next != who; next, _ = t.parent(next, as) {
		ring = append(ring, t.id(next))
	}
	return ringFault(ring, as.At)
}

// missing is the error of a walk that came from child to a person who is not in the tree then.
func (t *Tree) missing(child, who int32, as AsOf) *Fault {
	if child == who {
		return unknown(t.id(who), as)
	}
	return &Fault{
		Kind: Orphan, People: []DistributorID{t.id(child), t.id(who)},
		Detail: "the parent is not in the tree " + then(as),
	}
}

func unknown(id DistributorID, as AsOf) *Fault {
	return &Fault{Kind: Unknown, People: []DistributorID{id}, Detail: "the distributor is not in the tree " + then(as)}
}
