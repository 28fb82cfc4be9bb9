package period

import (
	"fmt"
	"iter"
	"slices"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
)

// TreeError is what is wrong with a tree of a World.
type TreeError struct {
	Tree   string // "sponsor", "enroller" or "positions"
	Person genealogy.DistributorID
	Reason string // one sentence with what to mend
}

// Error names the tree, the person and the reason.
func (e *TreeError) Error() string {
	if e.Person == "" {
		return e.Tree + " tree: " + e.Reason
	}
	return fmt.Sprintf("%s tree: distributor %q: %s", e.Tree, e.Person, e.Reason)
}

// ParentsFirst orders a forest so that parents come before children, each level in the order of numbers: what
// Tree.Order wants where the numbers themselves are not so. Whoever is in a ring, or below one, is given instead; the
// lowest number of them, else Nobody. Parents must be below len(parents).
func ParentsFirst(parents []int32) (order []int32, ring int32) {
	children := Tree{Parent: parents}.Children()
	order = make([]int32, 0, len(parents))
	for i, parent := range parents {
		if parent < 0 {
			order = append(order, int32(i))
		}
	}
	for i := 0; i < len(order); i++ {
		order = append(order, children.Of(order[i])...)
	}
	if len(order) == len(parents) {
		return order, Nobody
	}
	seen := make([]bool, len(parents))
	for _, i := range order {
		seen[i] = true
	}
	return nil, int32(slices.Index(seen, false))
}

// TopDown gives everybody, parents before children.
func (t Tree) TopDown() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i := range int32(len(t.Parent)) {
			if !yield(t.at(i)) {
				return
			}
		}
	}
}

// BottomUp gives everybody, children before parents.
func (t Tree) BottomUp() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i := int32(len(t.Parent)) - 1; i >= 0; i-- {
			if !yield(t.at(i)) {
				return
			}
		}
	}
}

func (t Tree) at(i int32) int32 {
	if t.Order == nil {
		return i
	}
	return t.Order[i]
}

// SubtreeSums adds to everybody's own value those of everybody below. A sum that does not fit is money.ErrOverflow with
// the number of the person it stands at.
func (t Tree) SubtreeSums(own []int64) ([]int64, error) {
	if len(own) != len(t.Parent) {
		return nil, fmt.Errorf("subtree sums: %d values for %d people", len(own), len(t.Parent))
	}
	sums := append([]int64(nil), own...)
	for person := range t.BottomUp() {
		parent := t.Parent[person]
		if parent == Nobody {
			continue
		}
		sum, err := money.Add(sums[parent], sums[person])
		if err != nil {
			return nil, fmt.Errorf("subtree sum of person %d: %w", parent, err)
		}
		sums[parent] = sum
	}
	return sums, nil
}

// check refuses a tree that is not of count people with parents before children.
func (t Tree) check(name string, people *People) error {
	switch {
	case len(t.Parent) != int(people.Count):
		return &TreeError{Tree: name, Reason: fmt.Sprintf("it has %d parents for %d people", len(t.Parent), people.Count)}
	case t.Order == nil:
		for i, parent := range t.Parent {
			if parent < Nobody || int(parent) >= i {
				return &TreeError{name, people.ID(int32(i)), "the parent does not come before the child: give the tree an order"}
			}
		}
		return nil
	case len(t.Order) != len(t.Parent):
		return &TreeError{Tree: name, Reason: fmt.Sprintf("its order has %d entries for %d people", len(t.Order), people.Count)}
	}
	seen := make([]bool, len(t.Parent))
	for _, person := range t.Order {
		if person < 0 || person >= people.Count {
			return &TreeError{Tree: name, Reason: fmt.Sprintf("its order names person %d of %d", person, people.Count)}
		}
		parent := t.Parent[person]
		if parent < Nobody || parent >= people.Count || parent != Nobody && !seen[parent] {
			return &TreeError{name, people.ID(person), "the parent does not come before the child in the order"}
		}
		if seen[person] {
			return &TreeError{name, people.ID(person), "is in the order twice"}
		}
		seen[person] = true
	}
	return nil
}

// Children are everybody's children, ascending.
type Children struct {
	from []int32 // by person: where its children begin in all
	all  []int32
}

// Children lists everybody's children; parents must be below the number of people.
func (t Tree) Children() Children {
	c := Children{make([]int32, len(t.Parent)+2), nil}
	for _, parent := range t.Parent {
		if parent >= 0 {
			c.from[parent+2]++
		}
	}
	for i := 2; i < len(c.from); i++ {
		c.from[i] += c.from[i-1]
	}
	c.all = make([]int32, c.from[len(c.from)-1])
	for person, parent := range t.Parent {
		if parent >= 0 { // The entry after the parent's own is where its next child goes, until all are there.
			c.all[c.from[parent+1]] = int32(person)
			c.from[parent+1]++
		}
	}
	return c
}

// Of gives one person's children. The caller must not change them.
func (c *Children) Of(person int32) []int32 { return c.all[c.from[person]:c.from[person+1]] }
