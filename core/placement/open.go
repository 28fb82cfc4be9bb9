package placement

// add appends a position without a place.
func (t *Tree) add(id string, owner int32, since int64) int32 {
	position := int32(len(t.ids))
	if owner == nobody {
		owner = position
	}
	t.ids = append(t.ids, id)
	t.numbers[id] = position
	t.owner = append(t.owner, owner)
	t.parent, t.first, t.next = append(t.parent, nobody), append(t.first, nobody), append(t.next, nobody)
	t.leg, t.kids, t.level = append(t.leg, 0), append(t.kids, 0), append(t.level, 0)
	t.near, t.since = append(t.near, 0), append(t.since, since)
	return position
}

// attach puts a position that has no place under a leg that is free.
func (t *Tree) attach(position, parent int32, leg uint8) {
	t.parent[position], t.leg[position] = parent, leg
	if parent == nobody {
		return
	}
	t.kids[parent]++
	if t.width == 0 { // The order of children without legs means nothing.
		t.next[position], t.first[parent] = t.first[parent], position
		return
	}
	at := &t.first[parent]
	for *at != nobody && t.leg[*at] < leg {
		at = &t.next[*at]
	}
	t.next[position], *at = *at, position
}

// detach takes a position, with everybody below it, out of its place.
func (t *Tree) detach(position int32) {
	parent := t.parent[position]
	if parent == nobody {
		return
	}
	at := &t.first[parent]
	for *at != position {
		at = &t.next[*at]
	}
	*at = t.next[position]
	t.next[position], t.parent[position] = nobody, nobody
	t.kids[parent]--
}

// nearest computes near of one position from its children's.
func (t *Tree) nearest(position int32) uint8 {
	if t.depth > 0 && t.level[position] >= t.depth {
		return closed
	}
	if t.width == 0 || int(t.kids[position]) < t.width {
		return 0
	}
	least := uint8(closed)
	for kid := t.first[position]; kid != nobody; kid = t.next[kid] {
		least = min(least, t.near[kid])
	}
	if least == closed {
		return closed
	}
	return min(least+1, far)
}

// refresh mends near of a position and of those above it, as far as it changes. The nearest free leg of a subtree comes
// one step further away only when a whole level is taken, so all refreshes of n places together cost n log n.
func (t *Tree) refresh(position int32) {
	for ; position != nobody; position = t.parent[position] {
		near := t.nearest(position)
		if near == t.near[position] {
			return
		}
		t.near[position] = near
	}
}

// freeLeg is the lowest free leg of a position that has one.
func (t *Tree) freeLeg(position int32) uint8 {
	leg := uint8(0)
	if t.width == 0 {
		return leg
	}
	for kid := t.first[position]; kid != nobody && t.leg[kid] == leg; kid = t.next[kid] {
		leg++
	}
	return leg
}

// child is who stands on a leg; nobody where it is free.
func (t *Tree) child(position int32, leg uint8) int32 {
	for kid := t.first[position]; kid != nobody; kid = t.next[kid] {
		if t.leg[kid] == leg {
			return kid
		}
	}
	return nobody
}

// each calls f for a position and everybody below it, parents before children. f must not change the tree.
func (t *Tree) each(top int32, f func(position int32)) {
	position := top
	for {
		f(position)
		if kid := t.first[position]; kid != nobody {
			position = kid
			continue
		}
		for position != top && t.next[position] == nobody {
			position = t.parent[position]
		}
		if position == top {
			return
		}
		position = t.next[position]
	}
}

// settle computes level and near of everybody below the tops anew.
func (t *Tree) settle(tops ...int32) {
	for _, top := range tops {
		order := t.scratch[:0]
		t.each(top, func(position int32) {
			t.level[position] = 0
			if up := t.parent[position]; up != nobody {
				t.level[position] = t.level[up] + 1
			}
			order = append(order, position)
		})
		for i := len(order) - 1; i >= 0; i-- {
			t.near[order[i]] = t.nearest(order[i])
		}
		t.scratch = order
		if up := t.parent[top]; up != nobody {
			t.refresh(up)
		}
	}
}
