package genealogy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
)

// ErrSums is returned where a list of values does not fit a snapshot.
var ErrSums = errors.New("genealogy: there must be one value for each person of the snapshot")

// Snapshot is a tree as of one instant and version, numbered for passes over everybody: from 0, every parent before
// its children, by depth and then by id, whatever the order in which the facts came.
type Snapshot struct {
	tree    *Tree
	as      AsOf
	people  []int32 // numbers in the tree
	parents []int32
	places  []int32 // of everybody in the tree; outside for those who are not in it then
}

// Snapshot takes the tree as of then. A view with a cycle, or with a parent who is not in the tree then, is an error
// of Faults; it can only come of mixing an old version with moves recorded later.
func (t *Tree) Snapshot(as AsOf) (*Snapshot, error) {
	s := &Snapshot{tree: t, as: as, places: make([]int32, t.Len())}
	for who := range t.people.length {
		parent, known := t.parent(who, as)
		if !known {
			parent = outside
		}
		s.places[who] = parent // Until everybody is numbered, places are parents.
	}
	depths, err := s.depths()
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", then(as), err)
	}
	s.number(depths)
	return s, nil
}

// depths counts everybody's steps to the top, without recursion: uplines may be 100,000 deep.
func (s *Snapshot) depths() ([]int32, error) {
	const onTheWay = -1
	var faults Faults
	depths := make([]int32, len(s.places)) // from 1 at the top; 0 is not counted yet
	var way []int32
	for start := range s.places {
		if s.places[start] == outside {
			continue
		}
		who := int32(start)
		for ; who >= 0 && depths[who] == 0; who = s.places[who] {
			depths[who] = onTheWay
			way = append(way, who)
			if up := s.places[who]; up >= 0 && s.places[up] == outside {
				faults = append(faults, s.tree.missing(who, up, s.as))
				s.places[who] = top
			}
		}
		depth := int32(0)
		if who >= 0 {
			if depths[who] == onTheWay {
				faults = append(faults, s.tree.ringThrough(who, s.as))
			}
			depth = max(depths[who], 0)
		}
		for i := len(way) - 1; i >= 0; i-- {
			depth++
			depths[way[i]] = depth
		}
		way = way[:0]
	}
	return depths, faults.err()
}

// number sorts everybody by depth and id. The first eight bytes of the id decide nearly every comparison.
func (s *Snapshot) number(depths []int32) {
	type entry struct {
		depth, who int32
		prefix     uint64
	}
	entries := make([]entry, 0, len(depths))
	for who, depth := range depths {
		if depth > 0 {
			entries = append(entries, entry{depth, int32(who), prefix(s.tree.id(int32(who)))})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if by := cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(a.prefix, b.prefix)); by != 0 {
			return by
		}
		return strings.Compare(s.tree.id(a.who), s.tree.id(b.who))
	})
	s.people = make([]int32, len(entries))
	s.parents = make([]int32, len(entries))
	for i, e := range entries {
		parent := s.places[e.who]
		s.people[i], s.places[e.who] = e.who, int32(i)
		s.parents[i] = top
		if parent >= 0 {
			s.parents[i] = s.places[parent] // Numbered already, being less deep.
		}
	}
}

func prefix(id string) uint64 {
	word := uint64(0)
	for i := range min(8, len(id)) {
		word |= uint64(id[i]) << (56 - 8*i)
	}
	return word
}

// Len is the number of people in the snapshot.
func (s *Snapshot) Len() int { return len(s.people) }

// Parents gives everybody's parent by number; -1 at the top. The caller must not change it.
func (s *Snapshot) Parents() []int32 { return s.parents }

// Index is the number of a person; false where the snapshot does not have it.
func (s *Snapshot) Index(id DistributorID) (int32, bool) {
	who, found := find(&s.tree.ids, &s.tree.people, id)
	if !found || s.places[who] < 0 {
		return 0, false
	}
	return s.places[who], true
}

// ID is the id of person i, which must be from 0 to below Len.
func (s *Snapshot) ID(i int32) DistributorID { return s.tree.id(s.people[i]) }

// Person is person i with status and rank; i must be from 0 to below Len.
func (s *Snapshot) Person(i int32) Person { return s.tree.view(s.tree.people.at(s.people[i]), s.as) }

// SubtreeSums adds to everybody's own value those of everybody below, in one pass from the last to the first. A list of
// another length is ErrSums; a sum that does not fit is money.ErrOverflow with the person it stands at.
func (s *Snapshot) SubtreeSums(own []int64) ([]int64, error) {
	if len(own) != len(s.parents) {
		return nil, fmt.Errorf("%w: %d values for %d people", ErrSums, len(own), len(s.parents))
	}
	sums := slices.Clone(own)
	for i := len(sums) - 1; i >= 0; i-- {
		parent := s.parents[i]
		if parent < 0 {
			continue
		}
		sum, err := money.Add(sums[parent], sums[i])
		if err != nil {
			return nil, fmt.Errorf("subtree sum of distributor %q: %w", s.ID(parent), err)
		}
		sums[parent] = sum
	}
	return sums, nil
}
