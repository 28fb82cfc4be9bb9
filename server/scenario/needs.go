package scenario

import (
	"errors"
	"fmt"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

// needs adds what only some plans ask of an order: when its people enrolled, and other uplines than the seller's.
func (w *world) needs(in *commission.Input, as genealogy.AsOf) error {
	needs := commission.NeedsOf(w.file.plan, in.Attribution.DistributorID, in.Buyer)
	if len(needs.Enrolled) == 0 && len(needs.Walks) == 0 {
		return nil
	}
	calendar, err := w.calendar()
	if err != nil {
		return err
	}
	in.Place = calendar.Place()
	for _, id := range needs.Enrolled {
		at, known, err := w.enrolledAt(id)
		if err != nil {
			return fmt.Errorf("person %s: %w", id, err)
		}
		if known {
			in.Enrolled = append(in.Enrolled, commission.Enrolment{DistributorID: id, At: at})
		}
	}
	for _, need := range needs.Walks {
		people, err := w.uplineIn(need.Tree, need.Of, as)
		if err != nil {
			return err
		}
		in.AddWalk(need.Tree, people)
	}
	return nil
}

// enrolledAt is the last enrolment the file tells of somebody.
func (w *world) enrolledAt(id string) (at int64, known bool, err error) {
	for i := range w.file.People {
		if told := &w.file.People[i]; told.ID == id && told.Owner == "" && told.Enrolled != "" {
			if at, err = day(told.Enrolled); err != nil {
				return 0, false, err
			}
			known = true
		}
	}
	return at, known, nil
}

// uplineIn is somebody with everybody above.
func (w *world) uplineIn(tree, id string, as genealogy.AsOf) ([]genealogy.Person, error) {
	if tree == plan.TreeSponsor {
		return w.tree.Upline(nil, id, as, 0)
	}
	var fault error
	people, err := w.tree.UplineOver(id, as, func(id string) (string, bool) {
		enroller, named, err := w.enrollerOf(id, as)
		fault = errors.Join(fault, err)
		return enroller, named
	})
	return people, errors.Join(fault, err)
}

// enrollerOf is whom the file names as somebody's enroller, "" for nobody; it may name none, who is then the sponsor.
func (w *world) enrollerOf(id string, as genealogy.AsOf) (enroller string, named bool, err error) {
	for i := range w.file.People {
		told := &w.file.People[i]
		from, err := instant(told.From, genealogy.Beginning)
		if err != nil {
			return "", false, err
		}
		if told.ID == id && told.Enroller != nil && from <= as.At {
			enroller, named = *told.Enroller, true
		}
	}
	return enroller, named, nil
}
