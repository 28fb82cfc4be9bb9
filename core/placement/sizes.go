package placement

// sizes counts the people below every position without walking to the top for each new one, since that may be 100,000
// steps away. Positions that were there when the counting began lie in a row in which every subtree is one stretch; a
// new position counts at its nearest ancestor in that row, in a Fenwick tree, and at the new positions between.
type sizes struct {
	from, to []int32 // the stretch of a subtree, half open
	added    []int32 // Fenwick tree over the row: new positions below each
	fresh    []int32 // by number less len(from): new positions in the subtree of a new one, itself included
	walked   int     // steps up through new positions; when they are many the row is made anew
}

// walkShare bounds the steps through new positions to a multiple of the tree's size between two rows.
const walkShare = 64

func (t *Tree) countPeople() *sizes {
	if t.people == nil || t.people.walked > walkShare*(len(t.ids)+1024) {
		n := len(t.ids)
		s := &sizes{from: make([]int32, n), to: make([]int32, n), added: make([]int32, n+1)}
		order := make([]int32, 0, n)
		for i := range t.parent {
			if t.parent[i] == nobody {
				t.each(int32(i), func(position int32) {
					s.from[position] = int32(len(order))
					order = append(order, position)
				})
			}
		}
		for i := range s.to {
			s.to[i] = 1
		}
		for i := n - 1; i >= 0; i-- { // Sizes first, then ends.
			if up := t.parent[order[i]]; up != nobody {
				s.to[up] += s.to[order[i]]
			}
		}
		for i := range s.to {
			s.to[i] += s.from[i]
		}
		t.people = s
	}
	return t.people
}

// size is the number of people in a subtree.
func (s *sizes) size(position int32) int64 {
	if base := int32(len(s.from)); position >= base {
		return int64(s.fresh[position-base])
	}
	from, to := s.from[position], s.to[position]
	return int64(to-from) + s.upTo(to) - s.upTo(from)
}

func (s *sizes) upTo(end int32) int64 {
	sum := int64(0)
	for ; end > 0; end &= end - 1 {
		sum += int64(s.added[end])
	}
	return sum
}

// place counts a new position, the next by number, below parent.
func (s *sizes) place(parent int32, parents []int32) {
	s.fresh = append(s.fresh, 1)
	base := int32(len(s.from))
	for ; parent >= base; parent = parents[parent] {
		s.fresh[parent-base]++
		s.walked++
	}
	if parent == nobody {
		return
	}
	for at := s.from[parent] + 1; int(at) < len(s.added); at += at & -at {
		s.added[at]++
	}
}
