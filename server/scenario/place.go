package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/placement"
)

// move is a change of the placement tree.
type move struct {
	At      string `json:"at"`
	Kind    string `json:"kind"` // single, with_downline or swap
	Who     string `json:"who"`
	To      string `json:"to"`      // a place, as people's; for swap the other position
	Refused string `json:"refused"` // a part of the reason why it cannot be
}

// inTheEnd is after everything that a scenario tells.
const inTheEnd int64 = 1 << 61

// placing is a scenario's placement tree on its way through time.
type placing struct {
	width  int
	tree   *placement.Tree
	links  []placement.Link // all there were, dated
	tank   []placement.Entry
	report *report
}

// event is one fact or move, in the order of time.
type event struct {
	at     int64
	person *person
	move   *move
	known  bool // the person was there before
}

// placeAll places and moves everybody until an instant; nil where the plan has no placement tree.
func (s *scenario) placeAll(until int64, r *report) (*placing, error) {
	if s.plan.Placement == nil {
		if len(s.Moves) > 0 || slices.ContainsFunc(s.People, func(p person) bool { return p.Place != "" || p.Owner != "" }) {
			return nil, errors.New("people have places, and the plan has no placement")
		}
		return nil, nil
	}
	events, err := s.placeEvents()
	if err != nil {
		return nil, err
	}
	tree, err := placement.New(s.plan.Placement)
	if err != nil {
		return nil, err
	}
	p := &placing{width: s.plan.Placement.Width, tree: tree, report: r}
	sponsors := map[string]string{}
	for _, e := range events {
		if e.at > until {
			break
		}
		if err := p.settle(e.at); err != nil {
			return nil, err
		}
		if e.move != nil {
			err = p.moves(e.move, e.at)
		} else {
			err = p.person(&e, sponsors)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, p.settle(until)
}

func (s *scenario) placeEvents() ([]event, error) {
	var events []event
	seen := map[string]bool{}
	for i := range s.People {
		who := &s.People[i]
		at, err := instant(who.From, genealogy.Beginning)
		if err != nil {
			return nil, fmt.Errorf("person %s: %w", who.ID, err)
		}
		events = append(events, event{at: at, person: who, known: seen[who.ID]})
		seen[who.ID] = who.Owner == ""
	}
	for i := range s.Moves {
		at, err := instant(s.Moves[i].At, 0)
		if err != nil || s.Moves[i].At == "" {
			return nil, fmt.Errorf("move of %s needs at: %w", s.Moves[i].Who, err)
		}
		events = append(events, event{at: at, move: &s.Moves[i]})
	}
	slices.SortStableFunc(events, func(a, b event) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	return events, nil
}

// settle lets the strategy place those whose deadlines come until now, one deadline after the other.
func (p *placing) settle(now int64) error {
	for {
		next := now + 1
		for _, e := range p.tank {
			next = min(next, e.Deadline)
		}
		if next > now {
			return nil
		}
		links, left := p.tree.Settle(p.tank, next, version)
		p.links, p.tank = append(p.links, links...), nil
		for _, w := range left {
			if w.Why != nil {
				return fmt.Errorf("person %s: %w", w.Entry.DistributorID, w.Why)
			}
			p.tank = append(p.tank, w.Entry)
		}
	}
}

// person places somebody new: where the file says, or by the strategy, or into the tank. People who were there from the
// beginning do not wait. A later fact with a place is the sponsor's choice for somebody in the tank.
func (p *placing) person(e *event, sponsors map[string]string) error {
	who := e.person
	if who.Sponsor != nil {
		sponsors[who.ID] = *who.Sponsor
	}
	if e.known && who.Place == "" {
		return nil
	}
	link, held, err := p.give(e, sponsors[who.ID])
	if err != nil || who.Refused != "" {
		if who.Refused == "" {
			return fmt.Errorf("person %s: %w", who.ID, err)
		}
		p.report.waits("place of "+who.ID, who.Refused, err)
		return nil
	}
	if !held {
		p.links = append(p.links, link)
	}
	return nil
}

func (p *placing) give(e *event, sponsor string) (link placement.Link, held bool, err error) {
	who := e.person
	parent, leg := "", placement.AnyLeg
	if who.Place != "" {
		if parent, leg, err = p.place(who.Place); err != nil {
			return link, false, err
		}
	}
	at := slices.IndexFunc(p.tank, func(t placement.Entry) bool { return t.DistributorID == who.ID })
	switch {
	case who.Owner != "":
		if link, err = p.tree.AddPosition(who.Owner, parent, leg, e.at, version); err == nil && link.PositionID != who.ID {
			err = fmt.Errorf("the next position of %s is called %s", who.Owner, link.PositionID)
		}
	case at >= 0:
		if link, err = p.tree.Choose(p.tank[at], parent, leg, e.at, version); err == nil {
			p.tank = slices.Delete(p.tank, at, at+1)
		}
	case parent != "":
		link, err = p.tree.PlaceAt(who.ID, sponsor, parent, leg, e.at, version)
	case e.at > genealogy.Beginning && sponsor != "":
		if entry := p.tree.Hold(who.ID, sponsor, e.at); entry.Deadline > e.at {
			p.tank = append(p.tank, entry)
			return link, true, nil
		}
		link, err = p.tree.Place(who.ID, sponsor, e.at, version)
	default:
		link, err = p.tree.Place(who.ID, sponsor, e.at, version)
	}
	return link, false, err
}

func (p *placing) moves(m *move, at int64) error {
	change, err := p.plan(m, at)
	if err != nil || m.Refused != "" {
		if m.Refused == "" {
			return fmt.Errorf("move of %s: %w", m.Who, err)
		}
		p.report.waits("move of "+m.Who, m.Refused, err)
		return nil
	}
	p.links = append(p.links, change.After...)
	return p.tree.Apply(change)
}

func (p *placing) plan(m *move, at int64) (placement.Change, error) {
	wish := placement.Move{Kind: m.Kind, Position: m.Who, To: m.To, Leg: placement.AnyLeg, ValidFrom: at, Version: version}
	if m.Kind != placement.Swap {
		var err error
		if wish.To, wish.Leg, err = p.place(m.To); err != nil {
			return placement.Change{}, err
		}
	}
	return p.tree.Plan(wish)
}

// place reads "top", "Anna" (her lowest free leg), "Anna left", "Anna right" or "Anna 3", legs counting from 1.
func (p *placing) place(text string) (parent string, leg int, err error) {
	parent, side, chosen := strings.Cut(text, " ")
	switch {
	case text == "top":
		return "", 0, nil
	case !chosen:
		return parent, placement.AnyLeg, nil
	case side == "left":
		return parent, 0, nil
	case side == "right":
		return parent, p.width - 1, nil
	}
	n, err := strconv.Atoi(side)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no place: write top, or somebody and left, right or the number of a leg from 1", text)
	}
	return parent, n - 1, nil
}

// where tells a position's place in the same words; "waits" for somebody in the tank, "" for nobody known.
func (p *placing) where(position string) string {
	if slices.ContainsFunc(p.tank, func(e placement.Entry) bool { return e.DistributorID == position }) {
		return "waits"
	}
	n, ok := p.tree.Number(position)
	if !ok {
		return ""
	}
	l := p.tree.Link(n, version)
	switch {
	case l.ParentID == "":
		return "top"
	case p.width == 2:
		return l.ParentID + " " + [2]string{"left", "right"}[l.Leg]
	default:
		return l.ParentID + " " + strconv.Itoa(l.Leg+1)
	}
}

// comparePlaces compares the places that the file names, at the instant it names or in the end.
func (w *world) comparePlaces(r *report) error {
	until, err := instant(w.file.Expect.At, inTheEnd)
	if err != nil {
		return fmt.Errorf("expect: at: %w", err)
	}
	p, err := w.file.placeAll(until, r)
	if err != nil {
		return err
	}
	if w.file.Expect.Places == nil {
		return nil
	}
	if p == nil {
		return errors.New("expect: places: the plan has no placement")
	}
	have := map[string]string{}
	for position := range w.file.Expect.Places {
		have[position] = p.where(position)
	}
	r.same("in the end, places", w.file.Expect.Places, have)
	return nil
}
