package commission

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// AdvanceState is who is on the way to, or has been paid, the amount of a rank: by distributor, then rank. What is paid
// in full stays, so that no title lost and won again is paid twice.
type AdvanceState []Advance

// Advance is one rank that one person has reached.
type Advance struct {
	DistributorID string `json:"distributor_id"`
	Rank          string `json:"rank"`
	Held          int    `json:"held"`       // periods in a row up to now in which the rank was held, before the first part
	PartsPaid     int    `json:"parts_paid"` // parts that fell due, those included that were lost for want of eligibility
}

// rankAdvance pays the amount of each rank that becomes somebody's title for the first time, those passed on the way
// included. The first part falls due when the rank has been held, as the rank paid as, for Maintain periods in a row;
// one more in each further period in which it is held. Without the rank nothing falls due: before the first part the
// count begins anew, after it the rest waits. A part that falls due while its owner may not earn is breakage.
func (c *closing) rankAdvance(index int) error {
	component := &c.plan.Components[index]
	if len(c.standing.Title) != int(c.world.People.Count) {
		return fmt.Errorf("there are %d people and %d titles", c.world.People.Count, len(c.standing.Title))
	}
	before := c.in.Before.Advance[component.ID]
	open, err := c.opened(index, before)
	if err != nil {
		return err
	}
	person := c.numbers(open)
	for i := range open {
		at, known := person[open[i].DistributorID]
		if !known {
			continue
		}
		if err := c.advance(index, at, &open[i]); err != nil {
			return fmt.Errorf("distributor %s, rank %s: %w", open[i].DistributorID, open[i].Rank, err)
		}
	}
	if len(open) == 0 {
		return nil
	}
	if c.out.After.Advance == nil {
		c.out.After.Advance = map[string]AdvanceState{}
	}
	c.out.After.Advance[component.ID] = open
	return nil
}

// opened is the state before with the ranks that became titles in this period. A rank of no amount opens nothing, nor
// does a title from before.
func (c *closing) opened(index int, before AdvanceState) (AdvanceState, error) {
	open := slices.Clone(before)
	slices.SortFunc(open, c.compareAdvances)
	known := len(open)
	for person := range c.world.People.Count {
		had := 0
		if c.world.People.Title != nil {
			had = int(c.world.People.Title[person])
		}
		for rank := had + 1; rank <= int(c.standing.Title[person]); rank++ {
			amount, _, err := c.advanceAmount(index, rank)
			if err != nil {
				return nil, err
			}
			next := Advance{DistributorID: c.world.People.ID(person), Rank: c.plan.Ranks[rank]}
			if _, twice := slices.BinarySearchFunc(open[:known], next, c.compareAdvances); !twice && amount > 0 {
				open = append(open, next)
			}
		}
	}
	slices.SortFunc(open, c.compareAdvances)
	return open, nil
}

func (c *closing) compareAdvances(a, b Advance) int {
	left, _ := c.plan.Rank(a.Rank)
	right, _ := c.plan.Rank(b.Rank)
	return cmp.Or(strings.Compare(a.DistributorID, b.DistributorID), cmp.Compare(left, right), strings.Compare(a.Rank, b.Rank))
}

// numbers finds the people of a state.
func (c *closing) numbers(state AdvanceState) map[string]int32 {
	out := make(map[string]int32, len(state))
	for i := range state {
		out[state[i].DistributorID] = -1
	}
	for person := range c.world.People.Count {
		if len(out) == 0 {
			break
		}
		id := c.world.People.ID(person)
		if _, wanted := out[id]; wanted {
			out[id] = person
		}
	}
	for i := range state {
		if out[state[i].DistributorID] < 0 {
			delete(out, state[i].DistributorID) // Not in this world any more: the state waits.
		}
	}
	return out
}

// advanceAmount is the amount of a rank and the row it stands in.
func (c *closing) advanceAmount(index, rank int) (amount int64, row int, err error) {
	component := &c.plan.Components[index]
	row = component.Table(plan.Any).Cell(1, rank).Row
	amount, err = c.minor(index, row)
	return amount, row, err
}

// advance moves one person one period on.
func (c *closing) advance(index int, person int32, a *Advance) error {
	terms := c.plan.Components[index].RankAdvanceTerms
	rank, ok := c.plan.Rank(a.Rank)
	switch {
	case !ok || a.PartsPaid >= terms.Parts:
		return nil // A rank that the plan has no more pays no more.
	case c.rank(person) < rank:
		a.Held = 0
		return nil
	case a.PartsPaid == 0:
		if a.Held++; a.Held < terms.Maintain {
			return nil
		}
	}
	amount, row, err := c.advanceAmount(index, rank)
	if err != nil {
		return err
	}
	weights := make([]int64, terms.Parts)
	for i := range weights {
		weights[i] = 1
	}
	parts, err := money.Allocate(amount, weights)
	if err != nil {
		return err
	}
	t := Term{Row: int32(row), Base: parts[a.PartsPaid], Rate: one, Money: true, Note: "rank " + a.Rank}
	if terms.Parts > 1 {
		t.Note = fmt.Sprintf("rank %s, part %d of %d", a.Rank, a.PartsPaid+1, terms.Parts)
	}
	c.award(index, person, t)
	a.PartsPaid++
	a.Held = 0
	return nil
}
