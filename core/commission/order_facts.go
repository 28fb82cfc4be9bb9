package commission

import (
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

// Enrolment is when a distributor's first days began.
type Enrolment struct {
	DistributorID string `json:"distributor_id"`
	At            int64  `json:"at"` // microseconds since 1970 UTC
}

// Walk is another upline than the seller's in the sponsor tree: numbers of people, whose it is first, then upwards to the
// top. A number within Input.Upline is a position there; those from its length on are of Input.Beside.
type Walk struct {
	Tree   string  `json:"tree"` // plan.TreeSponsor or plan.TreeEnroller
	People []int32 `json:"people"`
}

// Needs is what settling an order by a plan has to know beside the seller's upline in the sponsor tree.
type Needs struct {
	Enrolled []string // whose enrolment matters; not knowing it is told by Calculate where it does
	Walks    []Need
}

// Need is one upline.
type Need struct{ Tree, Of string }

// NeedsOf lists what an order of a seller and a buyer ("" for a customer) needs.
func NeedsOf(p *plan.Plan, seller, buyer string) (needs Needs) {
	if seller == "" {
		return needs
	}
	of := []string{seller}
	if len(p.OrderFastStarts()) > 0 {
		needs.Enrolled = of
		if buyer != "" && buyer != seller {
			of = []string{seller, buyer}
			needs.Enrolled = of
			needs.Walks = []Need{{plan.TreeSponsor, buyer}}
		}
	}
	if p.OrdersWalkEnrollers() {
		for _, id := range of {
			needs.Walks = append(needs.Walks, Need{plan.TreeEnroller, id})
		}
	}
	return needs
}

// AddWalk adds an upline, whose it is first. Who is in Upline or Beside already is not added again.
func (in *Input) AddWalk(tree string, people []genealogy.Person) {
	numbers := make(map[string]int32, len(in.Upline)+len(in.Beside)) // uplines may be as long as the tree
	for number := range int32(len(in.Upline) + len(in.Beside)) {
		numbers[in.at(number).ID] = number
	}
	walk := Walk{Tree: tree, People: make([]int32, len(people))}
	for i := range people {
		number, known := numbers[people[i].ID]
		if !known {
			number = int32(len(in.Upline) + len(in.Beside))
			numbers[people[i].ID] = number
			in.Beside = append(in.Beside, people[i])
		}
		walk.People[i] = number
	}
	in.Walks = append(in.Walks, walk)
}

// at is the person of a number.
func (in *Input) at(number int32) *genealogy.Person {
	if int(number) < len(in.Upline) {
		return &in.Upline[number]
	}
	return &in.Beside[int(number)-len(in.Upline)]
}

// checkWalks refuses numbers of nobody.
func (in *Input) checkWalks() error {
	for i := range in.Walks {
		walk := &in.Walks[i]
		for _, number := range walk.People {
			if number < 0 || int(number) >= len(in.Upline)+len(in.Beside) {
				return fmt.Errorf("walks[%d] names person %d of %d", i, number, len(in.Upline)+len(in.Beside))
			}
		}
	}
	return nil
}

// walkOf is somebody's upline in a tree; nil with true for Upline itself, which needs no list.
func (in *Input) walkOf(tree, of string) (people []int32, upline bool, err error) {
	if tree == plan.TreeSponsor && of == in.Upline[0].ID {
		return nil, true, nil
	}
	for i := range in.Walks {
		walk := &in.Walks[i]
		if walk.Tree == tree && len(walk.People) > 0 && in.at(walk.People[0]).ID == of {
			return walk.People, false, nil
		}
	}
	return nil, false, fmt.Errorf("the upline of %s in the %s tree is not given", of, tree)
}

// FirstDays are the days for which a distributor counts as new, in which an order was placed.
type FirstDays struct {
	DistributorID string `json:"distributor_id"`
	EnrolledAt    int64  `json:"enrolled_at"` // microseconds since 1970 UTC
	Days          int    `json:"days"`
	Until         int64  `json:"until"` // the first instant that is no longer in them
}

// untilOf is the instant at which somebody's first days are over: the same time of day, so many days of the company's
// calendar later, so that a day on which clocks change is one day. A nil place is UTC.
func untilOf(enrolledAt int64, days int, place *time.Location) int64 {
	if place == nil {
		place = time.UTC
	}
	return time.UnixMicro(enrolledAt).In(place).AddDate(0, 0, days).UnixMicro()
}

// fresh is the answer of one fast start for the order at hand.
type fresh struct {
	asked bool
	first *FirstDays // nil: nobody is new
}

// newMember is whose first days the order falls into for a fast start: the buyer's, else the seller's; nil where neither
// is new. Somebody whose enrolment is not known stops the order.
func (w *Walker) newMember(fast int) (*FirstDays, error) {
	f := &w.fresh[fast]
	if f.asked {
		return f.first, nil
	}
	component := &w.plan.Components[w.plan.OrderFastStarts()[fast].Component]
	for _, id := range [...]string{w.in.Buyer, w.in.Attribution.DistributorID} {
		if id == "" {
			continue
		}
		i := slices.IndexFunc(w.in.Enrolled, func(e Enrolment) bool { return e.DistributorID == id })
		if i < 0 {
			return nil, missingEnrolment(id, component.ID)
		}
		days := FirstDays{DistributorID: id, EnrolledAt: w.in.Enrolled[i].At, Days: component.FastStartTerms.Days}
		days.Until = untilOf(days.EnrolledAt, days.Days, w.in.Place)
		if w.in.OrderTS >= days.EnrolledAt && w.in.OrderTS < days.Until {
			f.first = &days
			break
		}
	}
	f.asked = true
	return f.first, nil
}

// missingEnrolment means that a fast start cannot tell whether somebody is new.
func missingEnrolment(id, component string) *MissingFact {
	return &MissingFact{
		DistributorID: id, What: "enrolment date", Mend: "component " + component + " needs it: import when the person was enrolled",
	}
}

// withholdNew notes which components a line is kept from, since a fast start takes it. Like for periods it does not
// matter whether somebody gets the fast start.
func (w *Walker) withholdNew(class string) error {
	fast := w.plan.OrderFastStarts()
	w.off = slices.Grow(w.off[:0], len(w.plan.Components))[:len(w.plan.Components)]
	clear(w.off)
	for i := range fast {
		table := w.plan.Components[fast[i].Component].Table(class)
		if len(fast[i].Excludes) == 0 || table == nil || table.Depth() == 0 {
			continue
		}
		first, err := w.newMember(i)
		if err != nil {
			return err
		}
		for _, other := range fast[i].Excludes {
			w.off[other] = w.off[other] || first != nil
		}
	}
	return nil
}

// fastStart pays the levels above whoever is new.
func (l *lineWalk) fastStart() error {
	first, err := l.firstDays()
	if err != nil || first == nil {
		return err
	}
	if l.people, l.upline, err = l.in.walkOf(l.component.Tree, first.DistributorID); err != nil {
		return err
	}
	return l.levels(1, l.component.FastStartTerms.RollUp)
}

// firstDays are those that the component's amounts on the order are for.
func (l *lineWalk) firstDays() (*FirstDays, error) {
	return l.newMember(slices.IndexFunc(l.plan.OrderFastStarts(), func(f plan.FastOrder) bool {
		return int32(f.Component) == l.blank.Component
	}))
}

// fastOf is what a fast start answered; nil for another component.
func (w *Walker) fastOf(component int32) *fresh {
	for i, fast := range w.plan.OrderFastStarts() {
		if int32(fast.Component) == component {
			return &w.fresh[i]
		}
	}
	return nil
}
