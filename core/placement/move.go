package placement

import (
	"fmt"

	"upline.dev/upline/core/genealogy"
)

// The kinds of Move.
const (
	// Single moves one position alone. Its children go to its old parent: in a tree with legs the first of them takes
	// the mover's leg and the others the parent's free legs, from the left; where those do not do the fault is Full.
	Single = "single"
	// WithDownline moves a position with everybody below it.
	WithDownline = "with_downline"
	// Swap exchanges the places of two positions; those below stay where they are and get the other above them.
	Swap = "swap"
)

// AnyLeg lets a Move take the lowest free leg.
const AnyLeg = -1

// Move is a wish to change a tree from one instant on: in the future where it is scheduled, in the past where it is
// retroactive. It is planned on the tree as of ValidFrom, and Check says whether it also fits what was recorded for
// later instants.
type Move struct {
	Kind      string
	Position  string // who moves
	To        string // the new parent, "" being the top; for Swap the other position
	Leg       int    // under To, or AnyLeg; ignored for Swap and in trees without legs
	ValidFrom int64  // microseconds since 1970 UTC
	Version   int64  // the tree version that will record it
}

// Change is what a move would record, and what holds before it. Both list the same positions in the same order.
type Change struct {
	Move          Move
	Before, After []Link
}

// Inverse are the links that lead back, from an instant on: recorded, they restore every place that the change touched.
func (c *Change) Inverse(validFrom, version int64) []Link {
	back := make([]Link, len(c.Before))
	for i := range c.Before {
		back[i] = c.Before[i]
		back[i].ValidFrom, back[i].Version = validFrom, version
	}
	return back
}

// place is where a position would stand.
type place struct {
	position, parent int32
	leg              uint8
}

// Plan says what a move would change; the tree stays as it is. The faults name the people: Unknown, Cycle (into the own
// downline), Taken or Full (no leg is free), TooDeep, and Invalid for a move that means nothing.
func (t *Tree) Plan(m Move) (Change, error) {
	who, ok := t.numbers[m.Position]
	if !ok {
		return Change{}, fault(genealogy.Unknown, "who should move is not in the tree at that time", m.Position)
	}
	to := nobody
	if m.To != "" {
		if to, ok = t.numbers[m.To]; !ok {
			return Change{}, fault(genealogy.Unknown, "where it should go is not in the tree at that time", m.To)
		}
	}
	if who == to {
		return Change{}, fault(genealogy.Cycle, "nobody can stand below itself", m.Position)
	}
	var places []place
	var err error
	switch m.Kind {
	case Single:
		places, err = t.planSingle(who, to, m.Leg)
	case WithDownline:
		places, err = t.planDownline(who, to, m.Leg)
	case Swap:
		if to == nobody {
			return Change{}, fault(genealogy.Invalid, "a swap needs two positions", m.Position)
		}
		places = t.planSwap(who, to)
	default:
		return Change{}, fault(genealogy.Invalid, fmt.Sprintf("%q is no kind of move; write single, with_downline or swap", m.Kind), m.Position)
	}
	if err != nil {
		return Change{}, err
	}
	return t.change(m, places), nil
}

func (t *Tree) change(m Move, places []place) Change {
	c := Change{Move: m}
	for _, p := range places {
		before := t.Link(p.position, m.Version)
		after := before
		after.ParentID, after.Leg, after.ValidFrom, after.Version = "", int(p.leg), m.ValidFrom, m.Version
		if p.parent != nobody {
			after.ParentID = t.ids[p.parent]
		}
		if before.ParentID != after.ParentID || before.Leg != after.Leg {
			c.Before, c.After = append(c.Before, before), append(c.After, after)
		}
	}
	return c
}

// planDownline moves a whole subtree.
func (t *Tree) planDownline(who, to int32, leg int) ([]place, error) {
	if to == nobody {
		return []place{{who, nobody, 0}}, nil
	}
	if t.Below(to, who) {
		ring := []string{t.ids[who]}
		for up := to; up != who; up = t.parent[up] {
			ring = append(ring, t.ids[up])
		}
		return nil, fault(genealogy.Cycle, "the new place is in the mover's own downline", ring...)
	}
	chosen, err := t.legFor(who, to, leg, t.taken(to, who))
	if err != nil {
		return nil, err
	}
	if t.depth > 0 {
		deepest := t.level[who]
		t.each(who, func(position int32) { deepest = max(deepest, t.level[position]) })
		if t.level[to]+1+deepest-t.level[who] > t.depth {
			return nil, fault(TooDeep, fmt.Sprintf("the downline would reach below level %d, the plan's placement.depth", t.depth), t.ids[who], t.ids[to])
		}
	}
	return []place{{who, to, chosen}}, nil
}

// planSingle moves one and leaves the children to its old parent.
func (t *Tree) planSingle(who, to int32, leg int) ([]place, error) {
	up := t.parent[who]
	legs := taken{}
	if up != nobody {
		legs = t.taken(up, who)
	}
	var places []place
	chosen := uint8(0)
	if to == up && up != nobody && leg != AnyLeg { // Its own new leg is not for its children.
		var err error
		if chosen, err = t.legFor(who, to, leg, legs); err != nil {
			return nil, err
		}
		legs.set(chosen)
	}
	next := t.leg[who]
	for kid := t.first[who]; kid != nobody; kid = t.next[kid] {
		if up == nobody || t.width == 0 {
			places = append(places, place{kid, up, 0})
			continue
		}
		if legs.has(next) {
			var ok bool
			if next, ok = legs.free(t.width); !ok {
				return nil, fault(Full, "the mover's old parent has no free leg for all of the mover's children; move the downline along, or make room first",
					t.ids[kid], t.ids[up], t.ids[who])
			}
		}
		legs.set(next)
		places = append(places, place{kid, up, next})
	}
	if to == nobody {
		return append(places, place{who, nobody, 0}), nil
	}
	if to != up || leg == AnyLeg {
		if to != up {
			legs = t.takenAfter(to, who, places)
		}
		var err error
		if chosen, err = t.legFor(who, to, leg, legs); err != nil {
			return nil, err
		}
	}
	if t.depth > 0 && t.levelAfter(to, who) >= t.depth {
		return nil, fault(TooDeep, fmt.Sprintf("the plan's placement.depth is %d", t.depth), t.ids[who], t.ids[to])
	}
	return append(places, place{who, to, chosen}), nil
}

// levelAfter is where a position stands once one above it has left.
func (t *Tree) levelAfter(position, gone int32) int32 {
	if t.Below(position, gone) {
		return t.level[position] - 1
	}
	return t.level[position]
}

// planSwap exchanges two in everything that names them.
func (t *Tree) planSwap(a, b int32) []place {
	other := func(position int32) int32 {
		switch position {
		case a:
			return b
		case b:
			return a
		}
		return position
	}
	places := []place{{b, other(t.parent[a]), t.leg[a]}, {a, other(t.parent[b]), t.leg[b]}}
	for _, up := range []int32{a, b} {
		for kid := t.first[up]; kid != nobody; kid = t.next[kid] {
			if kid != a && kid != b {
				places = append(places, place{kid, other(up), t.leg[kid]})
			}
		}
	}
	return places
}

// taken is the set of legs of one position that are not free.
type taken [4]uint64

func (s *taken) set(leg uint8)      { s[leg>>6] |= 1 << (leg & 63) }
func (s *taken) has(leg uint8) bool { return s[leg>>6]>>(leg&63)&1 == 1 }

// free is the lowest leg that is.
func (s *taken) free(width int) (uint8, bool) {
	for leg := range width {
		if !s.has(uint8(leg)) {
			return uint8(leg), true
		}
	}
	return 0, false
}

// taken are a position's legs without the one that a mover leaves.
func (t *Tree) taken(position, without int32) (s taken) {
	for kid := t.first[position]; kid != nobody; kid = t.next[kid] {
		if kid != without {
			s.set(t.leg[kid])
		}
	}
	return s
}

// takenAfter are a position's legs once some have moved: those who came and not those who left.
func (t *Tree) takenAfter(position, without int32, places []place) taken {
	left := map[int32]bool{without: true}
	s := taken{}
	for _, p := range places {
		left[p.position] = true
		if p.parent == position {
			s.set(p.leg)
		}
	}
	for kid := t.first[position]; kid != nobody; kid = t.next[kid] {
		if !left[kid] {
			s.set(t.leg[kid])
		}
	}
	return s
}

// legFor is the leg a mover gets.
func (t *Tree) legFor(who, to int32, leg int, legs taken) (uint8, error) {
	if t.width == 0 {
		return 0, nil
	}
	if leg == AnyLeg {
		chosen, ok := legs.free(t.width)
		if !ok {
			return 0, fault(Full, "no leg is free there", t.ids[who], t.ids[to])
		}
		return chosen, nil
	}
	if leg < 0 || leg >= t.width {
		return 0, fault(genealogy.Invalid, fmt.Sprintf("there is no leg %d; legs are 0 to %d, 0 being the left", leg, t.width-1), t.ids[who])
	}
	if legs.has(uint8(leg)) {
		return 0, fault(Taken, fmt.Sprintf("leg %d is taken", leg), t.ids[who], t.ids[to])
	}
	return uint8(leg), nil
}

// Apply makes a planned change in the tree. It is for a change planned on this very tree; any other may be refused with
// Unknown, and where volumes no longer fit the error is money.ErrOverflow: the tree is then not to be used further.
func (t *Tree) Apply(c Change) error {
	tops := make([]int32, 0, len(c.After))
	for i := range c.After {
		who, ok := t.numbers[c.After[i].PositionID]
		if !ok {
			return fault(genealogy.Unknown, "the change is of another tree", c.After[i].PositionID)
		}
		tops = append(tops, who)
	}
	left := make([]int32, len(tops))
	for i, who := range tops {
		left[i] = t.parent[who]
		t.detach(who)
	}
	for i := range c.After {
		up := nobody
		if id := c.After[i].ParentID; id != "" {
			var ok bool
			if up, ok = t.numbers[id]; !ok {
				return fault(genealogy.Unknown, "the change is of another tree", id)
			}
		}
		t.attach(tops[i], up, uint8(c.After[i].Leg))
		t.since[tops[i]] = c.After[i].ValidFrom
	}
	t.settle(t.highest(tops)...)
	for _, up := range left {
		t.refresh(up)
	}
	t.people, t.down = nil, t.down[:0]
	if t.own != nil {
		return t.sumVolumes()
	}
	return nil
}

// highest drops those who stand below another of the list.
func (t *Tree) highest(list []int32) []int32 {
	in := make(map[int32]bool, len(list))
	for _, position := range list {
		in[position] = true
	}
	var out []int32
	for _, position := range list {
		up := t.parent[position]
		for up != nobody && !in[up] {
			up = t.parent[up]
		}
		if up == nobody {
			out = append(out, position)
		}
	}
	return out
}
