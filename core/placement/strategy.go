package placement

import (
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Weigh gives the volumes by which plan.PlaceWeaker chooses: of each position alone, micro-units, by number. Whoever is
// placed later has none. A sum that does not fit is money.ErrOverflow, with the position it stands at.
func (t *Tree) Weigh(own []int64) error {
	if len(own) != len(t.ids) {
		return fmt.Errorf("placement: there must be one volume for each of %d positions, not %d", len(t.ids), len(own))
	}
	t.own = append([]int64(nil), own...)
	return t.sumVolumes()
}

// sumVolumes adds up the volume of every subtree.
func (t *Tree) sumVolumes() error {
	volume := make([]int64, len(t.ids))
	copy(volume, t.own)
	columns := t.Columns()
	for i := len(columns.Position) - 1; i >= 0; i-- {
		position := columns.Position[i]
		up := t.parent[position]
		if up == nobody {
			continue
		}
		sum, err := money.Add(volume[up], volume[position])
		if err != nil {
			return fmt.Errorf("volume below position %q: %w", t.ids[up], err)
		}
		volume[up] = sum
	}
	t.volume, t.down = volume, t.down[:0]
	return nil
}

// find is the place that the strategy chooses below start; false where no leg is free in its whole subtree. Left and
// Right whose edge has reached the plan's depth spill breadth first, so that nobody leaves the sponsor's downline.
func (t *Tree) find(start int32) (parent int32, leg uint8, ok bool) {
	if t.near[start] == closed {
		return nobody, 0, false
	}
	switch t.strategy {
	case plan.PlaceLeft, plan.PlaceRight:
		leg = 0
		if t.strategy == plan.PlaceRight {
			leg = uint8(t.width - 1)
		}
		parent = t.way(start, func(position int32) (int32, bool) { return t.child(position, leg), true })
		if t.depth == 0 || t.level[parent] < t.depth {
			return parent, leg, true
		}
		parent = t.nearestFree(start)
	case plan.PlaceDepthFirst:
		parent = t.way(start, func(position int32) (int32, bool) { return t.firstOpen(position), true })
	case plan.PlaceBalanced:
		parent = t.way(start, t.smallest)
	case plan.PlaceWeaker:
		parent = t.way(start, t.weakest)
	default:
		parent = t.nearestFree(start)
	}
	return parent, t.freeLeg(parent), true
}

// nearestFree is the first position with a free leg, level by level and from left to right.
func (t *Tree) nearestFree(position int32) int32 {
	for t.near[position] != 0 {
		best := t.first[position]
		for kid := best; kid != nobody; kid = t.next[kid] {
			if t.near[kid] < t.near[best] {
				best = kid
			}
		}
		position = best
	}
	return position
}

// firstOpen is the child that a depth-first walk enters: the first in whose subtree a leg is free, unless a leg of the
// position itself comes before it.
func (t *Tree) firstOpen(position int32) int32 {
	leg := uint8(0)
	for kid := t.first[position]; kid != nobody && t.leg[kid] == leg; kid = t.next[kid] {
		if t.near[kid] != closed {
			return kid
		}
		leg++
	}
	return nobody
}

// smallest is the child with the fewest people; between equals the lower leg. A free leg has the fewest of all.
func (t *Tree) smallest(position int32) (int32, bool) {
	if t.near[position] == 0 {
		return nobody, false
	}
	people, best, least := t.countPeople(), nobody, int64(0)
	for kid := t.first[position]; kid != nobody; kid = t.next[kid] {
		if size := people.size(kid); t.near[kid] != closed && (best == nobody || size < least) {
			best, least = kid, size
		}
	}
	return best, false // The next person may go the other way.
}

// weakest is the child with the least volume; between equals the one with fewer people, then the lower leg. A free leg
// has the least of all. As volumes stay while people are placed, the next one goes the same way, unless people decided.
func (t *Tree) weakest(position int32) (int32, bool) {
	if t.near[position] == 0 {
		return nobody, false
	}
	best, ties := nobody, false
	for kid := t.first[position]; kid != nobody; kid = t.next[kid] {
		if t.near[kid] == closed {
			continue
		}
		if best == nobody {
			best = kid
			continue
		}
		mine, least := t.weight(kid), t.weight(best)
		if mine < least {
			best, ties = kid, false
		} else if mine == least {
			ties = true
			if people := t.countPeople(); people.size(kid) < people.size(best) {
				best = kid
			}
		}
	}
	return best, !ties
}

func (t *Tree) weight(position int32) int64 {
	if int(position) < len(t.volume) {
		return t.volume[position]
	}
	return 0
}

// way goes from start as next says until it says nobody, and remembers for everybody it comes by how far it got, so
// that placing a million people down one edge does not walk that edge a million times. next says whether its answer
// holds until that child's subtree is closed. Where what is remembered has closed since, the way goes back up to the
// last position that has not.
func (t *Tree) way(start int32, next func(position int32) (child int32, holds bool)) int32 {
	for len(t.down) < len(t.ids) {
		t.down = append(t.down, int32(len(t.down)))
	}
	edge := t.strategy == plan.PlaceLeft || t.strategy == plan.PlaceRight
	passed, position := t.scratch[:0], start
	for {
		further := t.down[position]
		for !edge && further != position && t.near[further] == closed {
			further = t.parent[further]
		}
		if further != position {
			passed = append(passed, position)
			position = further
			continue
		}
		child, holds := next(position)
		if child == nobody || !holds {
			for _, p := range passed {
				t.down[p] = position
			}
			passed = passed[:0]
		} else {
			passed = append(passed, position)
		}
		if child == nobody {
			t.scratch = passed
			return position
		}
		position = child
	}
}
