package run

import (
	"context"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

// readPeople reads what a plan asks of people as orders settle: when they were enrolled, and by whom. Like everything of a
// simulation it is as recorded now; enrollers are those at the history's end.
func (m *simulator) readPeople(ctx context.Context) error {
	if len(m.plan.OrderFastStarts()) == 0 && !m.plan.OrdersWalkEnrollers() {
		return nil
	}
	people, err := m.service.Books.PeopleAt(ctx, m.program, genealogy.AsOf{At: m.history.To.UnixMicro() - 1, Version: m.head.TreeVersion})
	if err != nil {
		return err
	}
	m.enrolled, m.enroller = make(map[string]int64, len(people.Facts)), make(map[string]string, len(people.Enrollers))
	for i := range people.Facts {
		if f := &people.Facts[i]; f.EnrolledAt != 0 {
			m.enrolled[f.DistributorID] = f.EnrolledAt
		}
	}
	for _, link := range people.Enrollers {
		m.enroller[link.DistributorID] = link.ParentID
	}
	calendar, err := m.set.calendar(m.plan)
	m.place = calendar.Place()
	return err
}

// needs adds what the plan asks of an order's people.
func (m *simulator) needs(in *commission.Input) error {
	needs := commission.NeedsOf(m.plan, in.Attribution.DistributorID, in.Buyer)
	in.Place = m.place
	for _, id := range needs.Enrolled {
		if at, known := m.enrolled[id]; known {
			in.Enrolled = append(in.Enrolled, commission.Enrolment{DistributorID: id, At: at})
		}
	}
	as := genealogy.AsOf{At: in.OrderTS, Version: m.head.TreeVersion}
	for _, need := range needs.Walks {
		people, err := m.uplineIn(need.Tree, need.Of, as)
		if err != nil {
			return err
		}
		in.AddWalk(need.Tree, people)
	}
	return nil
}

// uplineIn is somebody with everybody above. Who names no enroller was enrolled by the sponsor.
func (m *simulator) uplineIn(tree, id string, as genealogy.AsOf) ([]genealogy.Person, error) {
	if tree == plan.TreeSponsor {
		return m.tree.Upline(nil, id, as, 0)
	}
	return m.tree.UplineOver(id, as, func(id string) (enroller string, named bool) {
		enroller = m.enroller[id]
		return enroller, enroller != ""
	})
}
