package period

import (
	"errors"
	"fmt"
)

// Check refuses trees and places that cannot be, with a *TreeError: parents that do not come before their children, and
// owners who do not exist. A world without enrollers of its own, or without places, is sound. Qualify checks people and
// sponsors by itself.
func (w *World) Check() error {
	if len(w.Enroller.Parent) > 0 {
		if err := w.Enroller.check("enroller", &w.People); err != nil {
			return err
		}
	}
	return w.Positions.check(&w.People)
}

// check refuses places whose columns do not belong together.
func (p *Positions) check(people *People) error {
	n := len(p.Parent)
	if n == 0 {
		return nil
	}
	const tree = "positions"
	if len(p.Leg) != n || len(p.Owner) != n || p.Since != nil && len(p.Since) != n || len(p.Primary) != int(people.Count) {
		return &TreeError{Tree: tree, Reason: fmt.Sprintf("there are %d parents, %d legs, %d owners and %d times, and %d primary places of %d people",
			n, len(p.Leg), len(p.Owner), len(p.Since), len(p.Primary), people.Count)}
	}
	for i, owner := range p.Owner {
		if owner < 0 || owner >= people.Count {
			return &TreeError{Tree: tree, Reason: fmt.Sprintf("position %d belongs to person %d of %d", i, owner, people.Count)}
		}
		if p.Parent[i] < Nobody || int(p.Parent[i]) >= i {
			return &TreeError{tree, people.ID(owner), fmt.Sprintf("position %d is not numbered after the one above it: parents come first", i)}
		}
	}
	for person, position := range p.Primary {
		if position < Nobody || int(position) >= n || position >= 0 && p.Owner[position] != int32(person) {
			return &TreeError{tree, people.ID(int32(person)), fmt.Sprintf("the primary position %d is somebody else's, or is none of %d", position, n)}
		}
	}
	return nil
}

// checkPeople refuses columns that do not belong together, and a sponsor tree that is none.
func (w *World) checkPeople(ranks int) error {
	people := &w.People
	n := int(people.Count)
	if n < 0 || people.ID == nil || w.Sales == nil {
		return errors.New("the world has no people, no ids or no sales")
	}
	for _, column := range []struct {
		name   string
		length int
		needed bool
	}{
		{"statuses", len(people.Status), true},
		{"assigned ranks", len(people.Rank), people.Rank != nil},
		{"titles", len(people.Title), people.Title != nil},
		{"ranks paid as before", len(people.PaidAs), people.PaidAs != nil},
		{"counts of missed periods", len(people.Missed), people.Missed != nil},
		{"counts of met periods", len(people.Met), people.Met != nil},
		{"ranks of met periods", len(people.MetRank), people.MetRank != nil},
		{"times of enrolment", len(people.EnrolledAt), people.EnrolledAt != nil},
		{"autoships", len(people.Autoship), people.Autoship != nil},
	} {
		if column.needed && column.length != n {
			return fmt.Errorf("there are %d %s for %d people", column.length, column.name, n)
		}
	}
	for _, column := range [][]int8{people.Rank, people.Title, people.PaidAs, people.MetRank} {
		for person, rank := range column {
			if rank < 0 || int(rank) >= ranks {
				return fmt.Errorf("distributor %q has rank number %d of %d", people.ID(int32(person)), rank, ranks)
			}
		}
	}
	for i, o := range people.Overrides {
		if o.Person < 0 || int(o.Person) >= n || o.Rank < 0 || int(o.Rank) >= ranks {
			return fmt.Errorf("override %d gives rank number %d of %d to person %d of %d", i, o.Rank, ranks, o.Person, n)
		}
		if i > 0 && people.Overrides[i-1].Person >= o.Person {
			return fmt.Errorf("the override of distributor %q is not the only one, or not in its place", people.ID(o.Person))
		}
	}
	return w.Sponsor.check("sponsor", people)
}
