package genealogy

import (
	"cmp"
	"slices"
)

// manyLinks is the number of added links above which one pass over the whole tree is cheaper than looking at each
// link's upline.
const manyLinks = 1000

// checkLinks reports the cycles and orphans that the links just added have made at any instant, at the newest version.
func (t *Tree) checkLinks(e *editor) {
	if e.base.facts == 0 || len(e.added) > manyLinks {
		t.sweep(&e.faults)
		return
	}
	for _, link := range e.added {
		if link.value == 0 {
			continue
		}
		as := AsOf{At: link.from, Version: latest}
		value, until, _ := span(&t.links, &t.people.at(link.whose).link, as)
		if value != link.value {
			continue // A later version says something else for the same instant.
		}
		parent := int32(link.value - 1)
		if known := earliest(&t.links, &t.people.at(parent).link); known > link.from {
			e.faults.add(Orphan, "the parent is in the tree only "+since(known), t.id(link.whose), t.id(parent))
		}
		if at, ring := t.meets(parent, link.whose, as, until); ring {
			e.faults = append(e.faults, t.ringThrough(link.whose, AsOf{At: at, Version: latest}))
		}
	}
}

// CheckMove reports whether id may be put under newParent ("": the top) from as.At on, as far as links recorded by
// as.Version show: nil, or a *Fault of kind Cycle with the ring the move would close, Unknown where id, or Orphan where
// newParent, is not in the tree then. Moves of the upline that are dated later count too, until id's own next one.
func (t *Tree) CheckMove(id, newParent DistributorID, as AsOf) error {
	who, found := find(&t.ids, &t.people, id)
	if !found {
		return unknown(id, as)
	}
	_, until, known := span(&t.links, &t.people.at(who).link, as)
	if !known {
		return unknown(id, as)
	}
	if newParent == "" {
		return nil
	}
	parent, found := find(&t.ids, &t.people, newParent)
	if !found || !t.Has(newParent, as) {
		return &Fault{Kind: Orphan, People: []DistributorID{id, newParent}, Detail: "the new parent is not in the tree " + then(as)}
	}
	at, ring := t.meets(parent, who, as, until)
	if !ring {
		return nil
	}
	people := []DistributorID{id}
	for next := parent; next != who; next, _ = t.parent(next, AsOf{At: at, Version: as.Version}) {
		people = append(people, t.id(next))
	}
	return ringFault(people, at)
}

// climb is one person on the way up, with the time for which the way leads through it.
type climb struct {
	who         int32
	from, until int64
	steps       int
}

// meets looks for above in the upline of who at any instant from as.At until before until, and gives the first such
// instant it finds. It follows every upline there is in that time; they part only where somebody moves.
func (t *Tree) meets(who, above int32, as AsOf, until int64) (int64, bool) {
	ways := []climb{{who, as.At, until, 0}}
	for len(ways) > 0 {
		way := ways[len(ways)-1]
		ways = ways[:len(ways)-1]
		if way.who == above {
			return way.from, true
		}
		if way.steps > t.Len() {
			continue // A ring that above is not on: whoever closed it reports it.
		}
		for at := way.from; at < way.until; {
			value, until, known := span(&t.links, &t.people.at(way.who).link, AsOf{At: at, Version: as.Version})
			if known && value != 0 {
				ways = append(ways, climb{int32(value - 1), at, min(until, way.until), way.steps + 1})
			}
			at = until
		}
	}
	return 0, false
}

// event is a link taking effect.
type event struct {
	at     int64
	who    int32
	parent int32
	joins  bool // the person's first link
}

// sweep goes through time once and reports every cycle and orphan at the newest version. Each instant looks only at
// the people who change then: who joins has nobody below from before, so while nobody moves a ring can only be among
// those who join together.
func (t *Tree) sweep(faults *Faults) {
	s := sweeper{
		tree:    t,
		faults:  faults,
		parents: make([]int32, t.Len()),
		changed: make([]int32, t.Len()),
		walked:  make([]int32, t.Len()),
	}
	for i := range s.parents {
		s.parents[i] = outside
	}
	events := t.events()
	for len(events) > 0 {
		end := 1
		for end < len(events) && events[end].at == events[0].at {
			end++
		}
		s.instant(events[:end])
		events = events[end:]
	}
}

// outside is the parent of those who are not in the tree yet.
const outside int32 = -2

type sweeper struct {
	tree    *Tree
	faults  *Faults
	parents []int32 // as of the instant
	changed []int32 // the last group of events in which the person changed
	walked  []int32 // the last walk that came by
	group   int32
	walk    int32
}

// instant applies what happens at one instant and looks for what it broke.
func (s *sweeper) instant(events []event) {
	s.group++
	moves := false
	for _, e := range events {
		s.parents[e.who], s.changed[e.who] = e.parent, s.group
		moves = moves || !e.joins
	}
	for _, e := range events {
		if e.parent != top && s.parents[e.parent] == outside {
			s.faults.add(Orphan, "the parent is in the tree only "+
				since(earliest(&s.tree.links, &s.tree.people.at(e.parent).link)), s.tree.id(e.who), s.tree.id(e.parent))
			s.parents[e.who] = top
		}
	}
	first := s.walk + 1
	for _, e := range events {
		s.follow(e, first, moves)
	}
}

// follow walks up from a person who changed. Whom an earlier walk of this instant has passed needs no second look.
func (s *sweeper) follow(e event, first int32, moves bool) {
	s.walk++
	for who := e.who; s.walked[who] < first; {
		s.walked[who] = s.walk
		next := s.parents[who]
		if next < 0 || !moves && s.changed[next] != s.group {
			return
		}
		if s.walked[next] == s.walk {
			s.ring(next, e.at)
			return
		}
		who = next
	}
}

// ring reports the ring somebody is on, unless it was there before this instant.
func (s *sweeper) ring(who int32, at int64) {
	ring := []DistributorID{s.tree.id(who)}
	fresh := s.changed[who] == s.group
	for next := s.parents[who]; next != who; next = s.parents[next] {
		ring = append(ring, s.tree.id(next))
		fresh = fresh || s.changed[next] == s.group
	}
	if fresh {
		*s.faults = append(*s.faults, ringFault(ring, at))
	}
}

// events lists all links that take effect at the newest version, in the order of time.
func (t *Tree) events() []event {
	events := make([]event, 0, t.people.length)
	for who := range t.people.length {
		newest := &t.people.at(who).link
		first := len(events)
		if newest.older != 0 {
			for _, f := range *t.links.at(newest.older - 1) {
				events = record(events, first, who, f)
			}
		}
		if newest.value != absent {
			events = record(events, first, who, *newest)
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.who, b.who)) })
	return events
}

// record appends a person's next link; one of the same instant and a later version takes the place of the one before.
func record(events []event, first int, who int32, f fact) []event {
	if last := len(events) - 1; last >= first && events[last].at == f.from {
		events[last].parent = int32(f.value) - 1
		return events
	}
	return append(events, event{f.from, who, int32(f.value) - 1, len(events) == first})
}
