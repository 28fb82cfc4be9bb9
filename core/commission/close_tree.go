package commission

import (
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// forest is one tree as a component walks it: places, each held by a person. In the sponsor and enroller trees places
// are the people themselves.
type forest struct {
	parent []int32 // by place; period.Nobody at the top
	order  []int32 // parents before children; nil: the numbers are so
	owner  []int32 // by place; nil: the place is the person
	entry  []int32 // by person: where the person's own sales count, period.Nobody for nowhere; nil: the place is the person
}

// tree is the tree that a component walks.
func (c *closing) tree(index int) (*forest, error) {
	f := &forest{}
	people := int(c.world.People.Count)
	switch kind := c.plan.Components[index].Tree; kind {
	case plan.TreePlacement:
		at := &c.world.Positions
		f.parent, f.owner, f.entry = at.Parent, at.Owner, at.Primary
		if len(f.owner) != len(f.parent) || len(f.entry) != people {
			return nil, fmt.Errorf("the placement tree has %d places, %d owners and %d of %d people", len(f.parent), len(f.owner), len(f.entry), people)
		}
	case plan.TreeEnroller:
		f.parent, f.order = c.world.Enroller.Parent, c.world.Enroller.Order
	default:
		f.parent, f.order = c.world.Sponsor.Parent, c.world.Sponsor.Order
	}
	if f.owner == nil && len(f.parent) != people {
		return nil, fmt.Errorf("the %s tree has %d of %d people", c.plan.Components[index].Tree, len(f.parent), people)
	}
	return f, f.check()
}

// check refuses a tree whose order would lose volume on the way up.
func (f *forest) check() error {
	if f.order == nil {
		for place, up := range f.parent {
			if up >= int32(place) {
				return fmt.Errorf("place %d comes before its parent %d", place, up)
			}
		}
		return nil
	}
	if len(f.order) != len(f.parent) {
		return fmt.Errorf("the tree has %d places and orders %d", len(f.parent), len(f.order))
	}
	seen := make([]bool, len(f.parent))
	for _, place := range f.order {
		if up := f.parent[place]; seen[place] || up >= 0 && !seen[up] {
			return fmt.Errorf("place %d comes twice or before its parent %d", place, up)
		}
		seen[place] = true
	}
	return nil
}

func (f *forest) len() int { return len(f.parent) }

// at is the i-th place with parents before children.
func (f *forest) at(i int) int32 {
	if f.order == nil {
		return int32(i)
	}
	return f.order[i]
}

// person is who holds a place.
func (f *forest) person(place int32) int32 {
	if f.owner == nil {
		return place
	}
	return f.owner[place]
}

// place is where a person's own sales count; period.Nobody for nowhere.
func (f *forest) place(person int32) int32 {
	if f.entry == nil {
		return person
	}
	return f.entry[person]
}

// spans numbers the places so that whether one stands above another is two comparisons.
type spans struct{ from, to []int32 }

func (f *forest) spans() spans {
	s := spans{make([]int32, f.len()), make([]int32, f.len())}
	size := make([]int32, f.len())
	for i := f.len() - 1; i >= 0; i-- {
		place := f.at(i)
		size[place]++
		if up := f.parent[place]; up >= 0 {
			size[up] += size[place]
		}
	}
	next := int32(0)
	for i := range f.len() {
		place := f.at(i)
		start := &next
		if up := f.parent[place]; up >= 0 {
			start = &s.to[up] // Until all its children are numbered, to is where the next one starts.
		}
		s.from[place], s.to[place] = *start, *start+1
		*start += size[place]
	}
	return s
}

// above tells whether place a is strictly above place b.
func (s *spans) above(a, b int32) bool { return s.from[a] < s.from[b] && s.from[b] < s.to[a] }

// heads are the places of a forest that a component looks at; volume passes all others by. Walking only these makes the
// depth of the tree nothing.
type heads struct {
	places []int32 // parents before children
	up     []int32 // by head: the next head above, by number, or period.Nobody
	of     []int32 // by place: the head that its own volume meets first, itself included
}

func (f *forest) heads(is func(place int32) bool) heads {
	h := heads{of: make([]int32, f.len())}
	for i := range f.len() {
		place := f.at(i)
		above := period.Nobody
		if up := f.parent[place]; up >= 0 {
			above = h.of[up]
		}
		h.of[place] = above
		if is(place) {
			h.of[place] = int32(len(h.places))
			h.places, h.up = append(h.places, place), append(h.up, above)
		}
	}
	return h
}

// sums adds up people's own volume by head.
func (h *heads) sums(f *forest, own []int64) ([]int64, error) {
	out := make([]int64, len(h.places))
	for person, volume := range own {
		place := f.place(int32(person))
		if volume == 0 || place < 0 || h.of[place] < 0 {
			continue
		}
		sum, err := money.Add(out[h.of[place]], volume)
		if err != nil {
			return nil, err
		}
		out[h.of[place]] = sum
	}
	return out, nil
}

// flow is volume on its way up, by place and stage, such as the level it looks for.
type flow struct {
	stages int
	volume []int64
}

func newFlow(places, stages int) flow { return flow{stages, make([]int64, places*stages)} }

func (w *flow) at(place int32, stage int) *int64 { return &w.volume[int(place)*w.stages+stage] }

// of is everything at one place, by stage.
func (w *flow) of(place int32) []int64 {
	return w.volume[int(place)*w.stages : (int(place)+1)*w.stages]
}

// add puts volume at a place; volume above the top or beyond the last stage is gone.
func (w *flow) add(place int32, stage int, volume int64) error {
	if place < 0 || stage >= w.stages {
		return nil
	}
	at := w.at(place, stage)
	sum, err := money.Add(*at, volume)
	if err != nil {
		return fmt.Errorf("volume at place %d: %w", place, err)
	}
	*at = sum
	return nil
}
