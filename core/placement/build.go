package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

func sortEntries(entries []Entry) []Entry {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, compareEntries)
	return sorted
}

func sortWaiting(left []Waiting) {
	slices.SortFunc(left, func(a, b Waiting) int { return compareEntries(a.Entry, b.Entry) })
}

func compareEntries(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Deadline, b.Deadline), cmp.Compare(a.Since, b.Since),
		strings.Compare(a.DistributorID, b.DistributorID))
}

// Build is the tree as of an instant and version, of all links ever recorded in any order. What cannot be a tree is
// said at once as genealogy.Faults: Orphan, Cycle, Taken, Invalid (a leg beyond the width), TooDeep. terms nil reads a
// tree without legs, such as the sponsor tree.
func Build(terms *plan.Placement, links []Link, as genealogy.AsOf) (*Tree, error) {
	t := NewUnlimited()
	if terms != nil {
		var err error
		if t, err = New(terms); err != nil {
			return nil, err
		}
	}
	holding := holdingLinks(links, as)
	for i := range holding {
		t.add(holding[i].PositionID, nobody, holding[i].ValidFrom)
	}
	var faults genealogy.Faults
	for i := range holding {
		if err := t.read(int32(i), &holding[i]); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) == 0 {
		faults = t.reach()
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("build placement: %w", faults)
	}
	return t, nil
}

// holdingLinks picks of every position the link that holds: the latest ValidFrom, then the latest Version; sorted by
// position.
func holdingLinks(links []Link, as genealogy.AsOf) []Link {
	known := make([]Link, 0, len(links))
	for i := range links {
		if links[i].ValidFrom <= as.At && links[i].Version <= as.Version {
			known = append(known, links[i])
		}
	}
	slices.SortFunc(known, compareLinks)
	out := known[:0]
	for i := range known {
		if i+1 == len(known) || known[i+1].PositionID != known[i].PositionID {
			out = append(out, known[i])
		}
	}
	return out
}

func compareLinks(a, b Link) int {
	return cmp.Or(strings.Compare(a.PositionID, b.PositionID), cmp.Compare(a.ValidFrom, b.ValidFrom),
		cmp.Compare(a.Version, b.Version))
}

// read gives one position its owner and its place.
func (t *Tree) read(position int32, l *Link) *genealogy.Fault {
	if l.DistributorID != l.PositionID && l.DistributorID != "" {
		owner, ok := t.numbers[l.DistributorID]
		if !ok {
			return &genealogy.Fault{
				Kind: genealogy.Orphan, People: []string{l.PositionID, l.DistributorID},
				Detail: "the owner's first position is not in the tree at that time",
			}
		}
		t.owner[position] = owner
		t.extra[owner]++
	}
	if l.ParentID == "" {
		return nil
	}
	up, ok := t.numbers[l.ParentID]
	if !ok {
		return &genealogy.Fault{
			Kind: genealogy.Orphan, People: []string{l.PositionID, l.ParentID},
			Detail: "the position above is not in the tree at that time",
		}
	}
	leg := l.Leg
	if t.width == 0 {
		leg = 0
	} else if leg < 0 || leg >= t.width {
		return &genealogy.Fault{
			Kind: genealogy.Invalid, People: []string{l.PositionID},
			Detail: fmt.Sprintf("leg %d is not from 0 to %d", leg, t.width-1),
		}
	} else if there := t.child(up, uint8(leg)); there != nobody {
		return &genealogy.Fault{
			Kind: Taken, People: []string{l.PositionID, l.ParentID, t.ids[there]},
			Detail: fmt.Sprintf("leg %d is taken", leg),
		}
	}
	t.attach(position, up, uint8(leg))
	return nil
}

// reach computes levels and free legs from the tops, and says who is not below one: a ring.
func (t *Tree) reach() genealogy.Faults {
	var tops []int32
	for i := range t.parent {
		t.level[i] = nobody
		if t.parent[i] == nobody {
			tops = append(tops, int32(i))
		}
	}
	t.settle(tops...)
	var faults genealogy.Faults
	for i := range t.level {
		switch {
		case t.level[i] == nobody:
			ring := t.ring(int32(i))
			faults = append(faults, &genealogy.Fault{Kind: genealogy.Cycle, People: ring, Detail: "each is below the next, and the last below the first"})
			for _, id := range ring {
				t.level[t.numbers[id]] = 0 // One ring is told once; whoever hangs from it is not told.
			}
			return faults
		case t.depth > 0 && t.level[i] > t.depth:
			faults = append(faults, &genealogy.Fault{
				Kind: TooDeep, People: []string{t.ids[i]},
				Detail: fmt.Sprintf("it stands %d levels below the top, and the plan's placement.depth is %d", t.level[i], t.depth),
			})
		}
	}
	return faults
}

// ring is the ring that a position which no top reaches is on, or hangs from.
func (t *Tree) ring(position int32) []string {
	seen := map[int32]bool{}
	for !seen[position] {
		seen[position] = true
		position = t.parent[position]
	}
	ring := []string{t.ids[position]}
	for up := t.parent[position]; up != position; up = t.parent[up] {
		ring = append(ring, t.ids[up])
	}
	return ring
}

// Check wants that links recorded in any order form a tree at every instant of the newest version: besides what
// genealogy.Build finds, no two positions may stand on one leg at one time. It is for moves that are scheduled or
// retroactive; the plan's depth is checked as of the move's own instant only.
func Check(links []Link, width int) error {
	lines := make([]genealogy.Link, len(links))
	for i := range links {
		lines[i] = links[i].Genealogy()
	}
	if _, err := genealogy.Build(lines, nil, nil); err != nil {
		return fmt.Errorf("check placement: %w", err)
	}
	if width == 0 {
		return nil
	}
	if faults := shared(stays(links)); len(faults) > 0 {
		return fmt.Errorf("check placement: %w", faults)
	}
	return nil
}

// stay is the time one position stands on one leg.
type stay struct {
	link  *Link
	until int64
}

// stays are the places of the newest version with their ends.
func stays(links []Link) []stay {
	sorted := slices.Clone(links)
	slices.SortFunc(sorted, compareLinks)
	var out []stay
	for i := range sorted {
		same := i+1 < len(sorted) && sorted[i+1].PositionID == sorted[i].PositionID
		if same && sorted[i+1].ValidFrom == sorted[i].ValidFrom {
			continue // A later version says something else of the same instant.
		}
		until := int64(1<<63 - 1)
		if same {
			until = sorted[i+1].ValidFrom
		}
		if sorted[i].ParentID != "" {
			out = append(out, stay{&sorted[i], until})
		}
	}
	return out
}

// shared finds legs on which two stand at one time.
func shared(all []stay) genealogy.Faults {
	slices.SortFunc(all, func(a, b stay) int {
		return cmp.Or(strings.Compare(a.link.ParentID, b.link.ParentID), cmp.Compare(a.link.Leg, b.link.Leg),
			cmp.Compare(a.link.ValidFrom, b.link.ValidFrom), strings.Compare(a.link.PositionID, b.link.PositionID))
	})
	var faults genealogy.Faults
	last := 0 // Who stands there longest of those who came before.
	for i := 1; i < len(all); i++ {
		a, b := &all[last], &all[i]
		if a.link.ParentID == b.link.ParentID && a.link.Leg == b.link.Leg {
			if a.until > b.link.ValidFrom {
				faults = append(faults, &genealogy.Fault{
					Kind: Taken, People: []string{b.link.PositionID, b.link.ParentID, a.link.PositionID},
					Detail: fmt.Sprintf("leg %d is taken from %d to %d (microseconds since 1970)", b.link.Leg, b.link.ValidFrom, min(a.until, b.until)),
				})
			}
			if a.until >= b.until {
				continue
			}
		}
		last = i
	}
	return faults
}
