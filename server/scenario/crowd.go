package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// crowd is everybody as of one instant, by number.
type crowd struct {
	ids    []string
	number map[string]int32
	people period.People
	trees  [2]period.Tree // sponsor, enroller
	places period.Positions
}

// people numbers everybody who is in the tree then, sponsors first.
func (w *world) people(at int64) (*crowd, error) {
	snapshot, err := w.tree.Snapshot(genealogy.AsOf{At: at, Version: version})
	if err != nil {
		return nil, err
	}
	c := &crowd{number: map[string]int32{}}
	n := int32(snapshot.Len())
	c.people = period.People{
		Count: n, ID: func(i int32) genealogy.DistributorID { return c.ids[i] },
		Status: make([]genealogy.Status, n), Rank: make([]int8, n), Title: make([]int8, n), PaidAs: make([]int8, n),
		Missed: make([]uint8, n), Met: make([]uint8, n), MetRank: make([]int8, n), EnrolledAt: make([]int64, n),
		Country: make([]uint16, n), Autoship: make([]bool, n),
	}
	for i := range n {
		p := snapshot.Person(i)
		c.ids, c.number[p.ID] = append(c.ids, p.ID), i
		if err := w.person(c, i, &p); err != nil {
			return nil, fmt.Errorf("person %s: %w", p.ID, err)
		}
	}
	c.trees[0] = period.Tree{Parent: snapshot.Parents()}
	if c.trees[1], err = w.enrollers(c, at); err != nil {
		return nil, err
	}
	return c, w.positions(c, at)
}

// person fills in the columns of one person.
func (w *world) person(c *crowd, i int32, p *genealogy.Person) error {
	c.people.Status[i], c.people.EnrolledAt[i] = p.Status, period.Unknown
	rank, known := w.file.plan.Rank(p.Rank)
	if !known {
		return &commission.UnknownRank{DistributorID: p.ID, Rank: p.Rank}
	}
	c.people.Rank[i] = int8(rank)
	before := standing{}
	for j := range w.file.People {
		told := &w.file.People[j]
		if told.ID != p.ID || told.Owner != "" {
			continue
		}
		if err := before.told(told, w.file.plan); err != nil {
			return err
		}
		if told.Enrolled != "" {
			at, err := day(told.Enrolled)
			if err != nil {
				return err
			}
			c.people.EnrolledAt[i] = at
		}
		if told.Country != "" {
			c.people.Country[i] = w.country(told.Country)
		}
		c.people.Autoship[i] = c.people.Autoship[i] || told.Autoship
	}
	if s, known := w.closes.ranks[p.ID]; known {
		before = s
	}
	c.people.Title[i], c.people.PaidAs[i], c.people.Missed[i], c.people.Met[i] = before.title, before.held, before.missed, before.met
	c.people.MetRank[i] = before.metRank
	return nil
}

// told reads what the file says of earlier periods.
func (s *standing) told(p *person, rules *plan.Plan) error {
	for _, part := range []struct {
		text string
		into *int8
	}{{p.Title, &s.title}, {p.PaidAs, &s.held}} {
		rank, known := rules.Rank(part.text)
		if !known {
			return &commission.UnknownRank{DistributorID: p.ID, Rank: part.text}
		}
		if part.text != "" {
			*part.into = int8(rank)
		}
	}
	s.title = max(s.title, s.held)
	for _, part := range []struct {
		name, text string
		into       *uint8
	}{{"missed", p.Missed, &s.missed}, {"met", p.Met, &s.met}} {
		if part.text == "" {
			continue
		}
		n, err := strconv.ParseUint(part.text, 10, 8)
		if err != nil {
			return fmt.Errorf("%s: %q is no number of periods", part.name, part.text)
		}
		*part.into = uint8(n)
	}
	if s.met > 0 {
		s.metRank = s.title
	}
	return nil
}

// day reads a date or an instant.
func day(text string) (int64, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at.UnixMicro(), nil
	}
	return instant(text, 0)
}

// country numbers a country; 0 is the first one named, which nobody minds where none is asked for.
func (w *world) country(name string) uint16 {
	i := slices.Index(w.countries, name)
	if i < 0 {
		i = len(w.countries)
		w.countries = append(w.countries, name)
	}
	return uint16(i)
}

// enrollers is the enroller tree: whoever names none is enrolled by the sponsor.
func (w *world) enrollers(c *crowd, at int64) (period.Tree, error) {
	parents := slices.Clone(c.trees[0].Parent)
	own := false
	for j := range w.file.People {
		told := &w.file.People[j]
		who, known := c.number[told.ID]
		from, err := instant(told.From, genealogy.Beginning)
		if err != nil {
			return period.Tree{}, err
		}
		if told.Enroller == nil || !known || from > at {
			continue
		}
		parents[who], own = period.Nobody, true
		if *told.Enroller != "" {
			if parents[who], known = c.number[*told.Enroller]; !known {
				return period.Tree{}, fmt.Errorf("person %s: enroller %s is not in the tree", told.ID, *told.Enroller)
			}
		}
	}
	if !own {
		return c.trees[0], nil
	}
	order, ring := period.ParentsFirst(parents)
	if ring != period.Nobody {
		return period.Tree{}, fmt.Errorf("person %s: the enrollers go round in a ring", c.ids[ring])
	}
	return period.Tree{Parent: parents, Order: order}, nil
}

// worldOf is one period of the crowd.
// positions are the places as of then; the first one of an owner is where the owner's own sales count.
func (w *world) positions(c *crowd, at int64) error {
	p, err := w.file.placeAll(at, &report{})
	if err != nil || p == nil {
		return err
	}
	columns := p.tree.Columns()
	c.places = period.Positions{
		Parent: columns.Parent, Leg: columns.Leg, Since: columns.Since, Primary: make([]int32, len(c.ids)),
		ID: func(i int32) string { return p.tree.ID(columns.Position[i]) },
	}
	for i := range c.places.Primary {
		c.places.Primary[i] = period.Nobody
	}
	for i, position := range columns.Position {
		owner, known := c.number[p.tree.Owner(position)]
		if !known {
			return fmt.Errorf("position %s: its owner %s is not in the tree", p.tree.ID(position), p.tree.Owner(position))
		}
		c.places.Owner = append(c.places.Owner, owner)
		if columns.Owner[i] == int32(i) {
			c.places.Primary[owner] = int32(i)
		}
	}
	return nil
}
