package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// crowd is everybody as of one instant and tree version, numbered with sponsors before those they sponsor.
type crowd struct {
	snapshot  *genealogy.Snapshot
	people    period.People
	sponsor   period.Tree
	enroller  period.Tree
	positions period.Positions
	countries dictionary
}

// dictionary numbers few different texts.
type dictionary struct {
	texts []string
	index map[string]uint16
}

func (d *dictionary) number(text string) (uint16, error) {
	at, known := d.index[text]
	if known {
		return at, nil
	}
	if len(d.texts) > 1<<16-1 {
		return 0, fmt.Errorf("there are more than %d different texts such as %q", 1<<16, text)
	}
	if d.index == nil {
		d.index = map[string]uint16{}
	}
	at = uint16(len(d.texts))
	d.index[text], d.texts = at, append(d.texts, text)
	return at, nil
}

// gatherCrowd reads everybody. An unknown rank is a *commission.UnknownRank: it must not pass for the lowest.
func gatherCrowd(ctx context.Context, books Books, program string, p *plan.Plan, as genealogy.AsOf) (*crowd, error) {
	tree, err := books.TreeAt(ctx, program, as.Version)
	if err != nil {
		return nil, err
	}
	c := &crowd{}
	if c.snapshot, err = tree.Snapshot(as); err != nil {
		return nil, err
	}
	c.sponsor.Parent = c.snapshot.Parents()
	if err := c.standings(p); err != nil {
		return nil, err
	}
	facts, err := books.PeopleAt(ctx, program, as)
	if err != nil {
		return nil, err
	}
	if err := c.facts(facts.Facts); err != nil {
		return nil, err
	}
	if err := c.enrollers(facts.Enrollers); err != nil {
		return nil, err
	}
	if len(facts.Positions) == 0 && usesPlaces(p) && c.people.Count > 0 {
		return nil, server.Errorf(server.Invalid, "Plan %s pays by the placement tree, and nobody has a place in it: import placement_parent and placement_leg, or place people with \"upline people settle\".", p.Name)
	}
	if err := c.places(facts.Positions); err != nil {
		return nil, err
	}
	return c, c.overrides(p, facts.Overrides)
}

// usesPlaces tells whether something settled per period walks the placement tree.
func usesPlaces(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Components, func(c plan.Component) bool {
		return c.Period != plan.PerOrder && (c.Type == plan.Binary || c.Type == plan.Matrix || c.Tree == plan.TreePlacement)
	})
}

func (c *crowd) standings(p *plan.Plan) error {
	n := c.snapshot.Len()
	c.people.Count, c.people.ID = int32(n), c.snapshot.ID
	c.people.Status, c.people.Rank = make([]genealogy.Status, n), make([]int8, n)
	for i := range n {
		person := c.snapshot.Person(int32(i))
		rank, known := p.Rank(person.Rank)
		if !known {
			return &commission.UnknownRank{DistributorID: person.ID, Rank: person.Rank}
		}
		c.people.Status[i], c.people.Rank[i] = person.Status, int8(rank)
	}
	return nil
}

func (c *crowd) facts(facts []PersonFact) error {
	n := c.snapshot.Len()
	c.people.EnrolledAt, c.people.Autoship, c.people.Country = make([]int64, n), make([]bool, n), make([]uint16, n)
	for i := range n {
		c.people.EnrolledAt[i] = period.Unknown
	}
	nowhere, err := c.countries.number("")
	if err != nil {
		return err
	}
	for i := range n {
		c.people.Country[i] = nowhere
	}
	for i := range facts {
		f := &facts[i]
		who, there := c.snapshot.Index(f.DistributorID)
		if !there {
			continue // Enrolled later.
		}
		if f.EnrolledAt != 0 {
			c.people.EnrolledAt[who] = f.EnrolledAt
		}
		c.people.Autoship[who] = f.Autoship
		if c.people.Country[who], err = c.countries.number(f.Country); err != nil {
			return err
		}
	}
	return nil
}

// enrollers makes the enroller tree: the sponsor tree but for those who have an enroller of their own.
func (c *crowd) enrollers(links []genealogy.Link) error {
	c.enroller = c.sponsor
	if len(links) == 0 {
		return nil
	}
	c.enroller.Parent = slices.Clone(c.sponsor.Parent)
	for _, l := range links {
		who, there := c.snapshot.Index(l.DistributorID)
		if !there {
			continue
		}
		up, there := c.snapshot.Index(l.ParentID)
		if !there {
			return fmt.Errorf("the enroller %s of distributor %s is not in the tree then: import the enroller's first day", l.ParentID, l.DistributorID)
		}
		c.enroller.Parent[who] = up
	}
	order, ring := period.ParentsFirst(c.enroller.Parent)
	if ring >= 0 {
		return fmt.Errorf("the enrollers above distributor %s form a ring: correct one of them", c.snapshot.ID(ring))
	}
	c.enroller.Order = order
	return nil
}

// places numbers the positions with parents before children.
func (c *crowd) places(list []Position) error {
	if len(list) == 0 {
		return nil
	}
	at := make(map[string]int32, len(list))
	for i := range list {
		at[list[i].PositionID] = int32(i)
	}
	parent := make([]int32, len(list))
	for i := range list {
		parent[i] = period.Nobody
		if up := list[i].ParentID; up != "" {
			var known bool
			if parent[i], known = at[up]; !known {
				return fmt.Errorf("position %s stands below %s, which is not in the placement tree then", list[i].PositionID, up)
			}
		}
	}
	order, ring := period.ParentsFirst(parent)
	if ring >= 0 {
		return fmt.Errorf("the positions above %s form a ring: move one of them", list[ring].PositionID)
	}
	return c.fillPositions(list, parent, order)
}

func (c *crowd) fillPositions(list []Position, parent, order []int32) error {
	n := len(order)
	p := period.Positions{
		Parent: make([]int32, n), Leg: make([]uint8, n), Owner: make([]int32, n), Since: make([]int64, n),
		Primary: make([]int32, c.snapshot.Len()),
	}
	for i := range p.Primary {
		p.Primary[i] = period.Nobody
	}
	ids, number := make([]string, n), make([]int32, n)
	index := make(map[string]int32, n)
	for place, i := range order {
		number[i] = int32(place)
		owner, there := c.snapshot.Index(list[i].OwnerID)
		if !there {
			return fmt.Errorf("position %s belongs to %s, who is not in the tree then: import the owner's first day", list[i].PositionID, list[i].OwnerID)
		}
		p.Parent[place], p.Leg[place], p.Owner[place], p.Since[place] = period.Nobody, uint8(list[i].Leg), owner, list[i].ValidFrom
		if parent[i] >= 0 {
			p.Parent[place] = number[parent[i]]
		}
		ids[place], index[list[i].PositionID] = list[i].PositionID, int32(place)
		if list[i].PositionID == list[i].OwnerID || p.Primary[owner] == period.Nobody {
			p.Primary[owner] = int32(place)
		}
	}
	p.ID = func(position int32) string { return ids[position] }
	p.Index = func(id string) (int32, bool) {
		at, ok := index[id]
		return at, ok
	}
	c.positions = p
	return nil
}

func (c *crowd) overrides(p *plan.Plan, list []Override) error {
	for _, o := range list {
		who, there := c.snapshot.Index(o.DistributorID)
		if !there {
			continue
		}
		rank, known := p.Rank(o.Rank)
		if !known {
			return &commission.UnknownRank{DistributorID: o.DistributorID, Rank: o.Rank}
		}
		// Of several that hold for one person the one recorded last counts.
		c.people.Overrides = slices.DeleteFunc(c.people.Overrides, func(other period.Override) bool { return other.Person == who })
		c.people.Overrides = append(c.people.Overrides, period.Override{Person: who, Rank: int8(rank), Floor: o.Floor, Reason: o.Reason})
	}
	slices.SortStableFunc(c.people.Overrides, func(a, b period.Override) int { return cmp.Compare(a.Person, b.Person) })
	return nil
}

// remember adds what the period before left: titles, ranks and the periods they were missed or met. A rank that the plan
// no longer has is a *commission.UnknownRank.
func (c *crowd) remember(ctx context.Context, books Books, p *plan.Plan, before Key) error {
	n := c.snapshot.Len()
	c.people.Title, c.people.PaidAs, c.people.MetRank = make([]int8, n), make([]int8, n), make([]int8, n)
	c.people.Missed, c.people.Met = make([]uint8, n), make([]uint8, n)
	return books.RanksOf(ctx, before, func(r Rank) error {
		who, there := c.snapshot.Index(r.DistributorID)
		if !there {
			return nil
		}
		for _, f := range [...]struct {
			name string
			into []int8
		}{{r.Title, c.people.Title}, {r.Held, c.people.PaidAs}, {r.MetRank, c.people.MetRank}} {
			rank, known := p.Rank(f.name)
			if !known {
				return &commission.UnknownRank{DistributorID: r.DistributorID, Rank: f.name}
			}
			f.into[who] = int8(rank)
		}
		c.people.Missed[who], c.people.Met[who] = r.Missed, r.Met
		return nil
	})
}
