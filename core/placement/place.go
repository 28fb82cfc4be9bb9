package placement

import (
	"fmt"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

// Place gives a person the place that the plan's strategy finds below the sponsor's first position; "" as sponsor is a
// new top. The faults are Duplicate (the person has a place), Unplaced (the sponsor has none) and Full: no leg is free
// in the sponsor's whole subtree. Nobody spills out of the sponsor's downline. A fault changes nothing.
func (t *Tree) Place(person, sponsor genealogy.DistributorID, at, version int64) (Link, error) {
	if err := t.free(person); err != nil {
		return Link{}, err
	}
	if sponsor == "" {
		return t.put(person, nobody, nobody, 0, at, version), nil
	}
	start, err := t.sponsor(person, sponsor)
	if err != nil {
		return Link{}, err
	}
	parent, leg, ok := t.find(start)
	if !ok {
		return Link{}, fault(Full, fmt.Sprintf("no leg is free down to level %d; the sponsor must choose another place, "+
			"or the plan a greater placement.depth", t.depth), person, sponsor)
	}
	return t.put(person, nobody, parent, leg, at, version), nil
}

// PlaceAt gives a person the place the sponsor chose; AnyLeg is the lowest free one. Besides Duplicate and Unplaced the faults are Unknown (there is
// no such position), Outside (it is not in the sponsor's downline), Taken (somebody stands there), TooDeep, and Invalid
// for a leg the plan does not have.
func (t *Tree) PlaceAt(person, sponsor genealogy.DistributorID, parent string, leg int, at, version int64) (Link, error) {
	if err := t.free(person); err != nil {
		return Link{}, err
	}
	start, err := t.sponsor(person, sponsor)
	if err != nil {
		return Link{}, err
	}
	up, chosen, err := t.chosen(person, t.ids[start], parent, leg)
	if err != nil {
		return Link{}, err
	}
	return t.put(person, nobody, up, chosen, at, version), nil
}

// AddPosition gives an owner one more position: by the strategy below the owner's first one where parent is "", else
// at the leg chosen in the owner's downline. Limit is the fault where the plan allows no more.
func (t *Tree) AddPosition(owner genealogy.DistributorID, parent string, leg int, at, version int64) (Link, error) {
	first, ok := t.numbers[owner]
	if !ok || t.owner[first] != first {
		return Link{}, fault(genealogy.Unknown, "the owner has no place yet", owner)
	}
	have := 1 + t.extra[first]
	if have >= t.most {
		return Link{}, fault(Limit, fmt.Sprintf("the plan allows %d positions per owner (placement.positions)", t.most), owner)
	}
	id := PositionID(owner, have+1)
	if err := t.free(id); err != nil {
		return Link{}, err
	}
	if parent != "" {
		up, chosen, err := t.chosen(id, owner, parent, leg)
		if err != nil {
			return Link{}, err
		}
		return t.put(id, first, up, chosen, at, version), nil
	}
	up, chosen, ok := t.find(first)
	if !ok {
		return Link{}, fault(Full, fmt.Sprintf("no leg is free down to level %d", t.depth), id, owner)
	}
	return t.put(id, first, up, chosen, at, version), nil
}

func (t *Tree) free(person string) error {
	if person == "" {
		return fault(genealogy.Invalid, "the distributor's id is empty", person)
	}
	if _, twice := t.numbers[person]; twice {
		return fault(genealogy.Duplicate, "the distributor has a place already; move it instead", person)
	}
	return nil
}

// sponsor is the position below which a person is placed.
func (t *Tree) sponsor(person, sponsor genealogy.DistributorID) (int32, error) {
	start, ok := t.numbers[sponsor]
	if !ok {
		return nobody, fault(Unplaced, "the sponsor has no place yet; place the sponsor first", person, sponsor)
	}
	return start, nil
}

// chosen checks a place that somebody chose in the downline of the owner of top.
func (t *Tree) chosen(person, sponsor genealogy.DistributorID, parent string, leg int) (int32, uint8, error) {
	up, ok := t.numbers[parent]
	switch {
	case !ok:
		return nobody, 0, fault(genealogy.Unknown, "the position above is not in the placement tree", person, parent)
	case !t.inDownline(up, t.numbers[sponsor]):
		return nobody, 0, fault(Outside, "the chosen place is not in the sponsor's downline", person, parent, sponsor)
	case leg == AnyLeg && t.width > 0 && int(t.kids[up]) == t.width:
		return nobody, 0, fault(Full, "no leg is free there", person, parent)
	case leg == AnyLeg:
		leg = int(t.freeLeg(up))
	}
	return up, uint8(leg), t.legFree(person, up, leg)
}

// inDownline reports whether somebody above position, or itself, belongs to the owner of a first position.
func (t *Tree) inDownline(position, first int32) bool {
	for ; position != nobody; position = t.parent[position] {
		if t.owner[position] == first {
			return true
		}
	}
	return false
}

func (t *Tree) legFree(person string, parent int32, leg int) error {
	switch {
	case t.width == 0:
		return nil
	case leg < 0 || leg >= t.width:
		return fault(genealogy.Invalid, fmt.Sprintf("there is no leg %d; legs are 0 to %d, 0 being the left", leg, t.width-1), person)
	case t.depth > 0 && t.level[parent] >= t.depth:
		return fault(TooDeep, fmt.Sprintf("the plan's placement.depth is %d", t.depth), person, t.ids[parent])
	}
	if there := t.child(parent, uint8(leg)); there != nobody {
		return fault(Taken, fmt.Sprintf("leg %d is taken", leg), person, t.ids[parent], t.ids[there])
	}
	return nil
}

// put writes a place that is known to be free.
func (t *Tree) put(id string, owner, parent int32, leg uint8, at, version int64) Link {
	position := t.add(id, owner, at)
	if owner != nobody {
		t.extra[owner]++
	}
	t.attach(position, parent, leg)
	if parent != nobody {
		t.level[position] = t.level[parent] + 1
	}
	t.near[position] = t.nearest(position)
	t.refresh(parent)
	if t.people != nil {
		t.people.place(parent, t.parent)
	}
	return t.Link(position, version)
}

// day is 24 hours: a deadline is so many of them after the start, whatever the clocks do.
const day = int64(24 * 60 * 60 * 1_000_000)

// Entry is one person in the holding tank. Times are microseconds since 1970 UTC.
type Entry struct {
	DistributorID genealogy.DistributorID
	SponsorID     genealogy.DistributorID
	Since         int64
	Deadline      int64 // from this instant on the strategy decides
}

// Hold is a new person's entry in the holding tank; a plan without hold_days has a deadline that has passed at once.
func (t *Tree) Hold(person, sponsor genealogy.DistributorID, at int64) Entry {
	return Entry{DistributorID: person, SponsorID: sponsor, Since: at, Deadline: at + int64(t.holdDays)*day}
}

// Choose places somebody from the tank where the sponsor wants, before the deadline; at it and after it is Late. The
// other faults are those of PlaceAt.
func (t *Tree) Choose(e Entry, parent string, leg int, at, version int64) (Link, error) {
	if at >= e.Deadline {
		return Link{}, fault(Late, "the deadline for the sponsor's choice is over, and the strategy decides", e.DistributorID)
	}
	return t.PlaceAt(e.DistributorID, e.SponsorID, parent, leg, at, version)
}

// Waiting is an entry that stays in the tank, and why: nil as long as the deadline has not come.
type Waiting struct {
	Entry Entry
	Why   error
}

// Settle places by the strategy everybody whose deadline has come, in the order of deadline, then since, then id; the
// links are valid from now, since no volume counted below the sponsor's position before. Whose sponsor is in the tank
// too goes right after the sponsor.
func (t *Tree) Settle(entries []Entry, now, version int64) (links []Link, left []Waiting) {
	queue := sortEntries(entries)
	held := make(map[string]bool, len(queue))
	for i := range queue {
		held[queue[i].DistributorID] = true
	}
	after := map[string][]Entry{} // by sponsor, who is in the tank
	for len(queue) > 0 {
		e := queue[0]
		queue = queue[1:]
		if now < e.Deadline {
			left = append(left, Waiting{Entry: e})
			continue
		}
		if _, placed := t.numbers[e.SponsorID]; !placed && held[e.SponsorID] && e.SponsorID != e.DistributorID {
			after[e.SponsorID] = append(after[e.SponsorID], e)
			continue
		}
		link, err := t.Place(e.DistributorID, e.SponsorID, now, version)
		if err != nil {
			left = append(left, Waiting{e, err})
			continue
		}
		links = append(links, link)
		if freed := after[e.DistributorID]; freed != nil {
			delete(after, e.DistributorID)
			queue = append(freed, queue...)
		}
	}
	for i := range entries { // Whoever waits for a sponsor who was not placed.
		for _, e := range after[entries[i].DistributorID] {
			left = append(left, Waiting{e, fault(Unplaced, "the sponsor waits for a place too", e.DistributorID, e.SponsorID)})
		}
		delete(after, entries[i].DistributorID)
	}
	sortWaiting(left)
	return links, left
}

// Strategy is how people are placed whom no sponsor placed.
func (t *Tree) Strategy() string {
	if t.strategy == plan.PlaceSponsorsChoice {
		return plan.PlaceBreadthFirst
	}
	return t.strategy
}
