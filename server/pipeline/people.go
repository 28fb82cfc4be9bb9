package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
)

// Enrolment is one fact of when somebody was enrolled, with the tree version that recorded it.
type Enrolment struct {
	DistributorID string
	At            int64 // microseconds since 1970 UTC
	Version       int64
}

// peopleFacts is what only some plans ask of people.
type peopleFacts struct {
	enrolments map[string][]Enrolment // of those the batch may ask for; the last one that counts holds
	enrollers  map[string][]genealogy.Link
	zone       string // the program's
	places     map[string]*time.Location
}

// readPeople asks for it, where a plan does.
func (f *facts) readPeople(ctx context.Context, books Books, b *batch) (err error) {
	var enrolments, enrollers bool
	for i := range f.plans {
		enrolments = enrolments || len(f.plans[i].Plan.OrderFastStarts()) > 0
		enrollers = enrollers || f.plans[i].Plan.OrdersWalkEnrollers()
	}
	if enrollers {
		if f.people.enrollers, err = books.Enrollers(ctx); err != nil {
			return fmt.Errorf("read enrollers: %w", err)
		}
	}
	if !enrolments {
		return nil
	}
	if f.people.zone, err = books.TimeZone(ctx); err != nil {
		return fmt.Errorf("read the time zone: %w", err)
	}
	found, err := books.Enrolments(ctx, f.sellersAndBuyers(books.Sources(), b))
	if err != nil {
		return fmt.Errorf("read enrolments: %w", err)
	}
	f.people.enrolments, f.people.places = map[string][]Enrolment{}, map[string]*time.Location{}
	for _, e := range found {
		f.people.enrolments[e.DistributorID] = append(f.people.enrolments[e.DistributorID], e)
	}
	return nil
}

// sellersAndBuyers is whose orders the batch settles, as far as that can be told beforehand. Whom an order of the batch
// binds a customer to sold that order.
func (f *facts) sellersAndBuyers(records []SourceRecord, b *batch) (ids []string) {
	for i := range records {
		pair, err := safely(func() ([2]string, error) { return f.sellerAndBuyer(&records[i], b.tasks[records[i].Source]) })
		if err != nil {
			continue // Settling it fails in the same way, and says so.
		}
		for _, id := range pair {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func (f *facts) sellerAndBuyer(rec *SourceRecord, t task) (pair [2]string, err error) {
	state, err := merge(rec.State, t.revisions)
	if err != nil {
		return pair, err
	}
	o, err := state.Effective()
	if err != nil {
		return pair, err
	}
	pins, p, err := f.pin(o, rec.Pins)
	if err != nil {
		return pair, err
	}
	sold, err := f.attribute(o, p, &pins)
	return [2]string{sold.DistributorID, pins.BuyerDistributor}, err
}

// needs adds to an order's input what its plan asks of people. What was found of somebody's enrolment stays with the
// order, and an enrolment first recorded after its pins is read at the version that knows it.
func (f *facts) needs(in *commission.Input, o order.Order, p *plan.Plan, pins *Pins) error {
	needs := commission.NeedsOf(p, in.Attribution.DistributorID, in.Buyer)
	for _, id := range needs.Enrolled {
		e, known := f.enrolment(id, pins)
		if !known {
			continue // Whether that matters, Calculate says.
		}
		in.Enrolled = append(in.Enrolled, e)
		if !slices.Contains(pins.Enrolled, e) {
			pins.Enrolled = append(pins.Enrolled, e)
		}
	}
	if len(in.Enrolled) > 0 {
		var err error
		if in.Place, err = f.place(p); err != nil {
			return err
		}
	}
	for _, need := range needs.Walks {
		people, err := f.uplineIn(need.Tree, need.Of, pins.asOf(o))
		if err != nil {
			return err
		}
		in.AddWalk(need.Tree, people)
	}
	return nil
}

// enrolment is when somebody was enrolled, as the order's pins have it.
func (f *facts) enrolment(id string, pins *Pins) (found commission.Enrolment, known bool) {
	if i := slices.IndexFunc(pins.Enrolled, func(e commission.Enrolment) bool { return e.DistributorID == id }); i >= 0 {
		return pins.Enrolled[i], true
	}
	for _, version := range [...]int64{pins.TreeVersion, f.versions.Tree} {
		for _, e := range f.people.enrolments[id] {
			if e.Version <= version {
				found, known = commission.Enrolment{DistributorID: id, At: e.At}, true
			}
		}
		if known {
			break
		}
	}
	return found, known
}

// place is whose days a plan counts by: its own zone, or the program's.
func (f *facts) place(p *plan.Plan) (*time.Location, error) {
	zone := p.Periods.TimeZone
	if zone == "" {
		zone = f.people.zone
	}
	if place := f.people.places[zone]; place != nil {
		return place, nil
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", zone, err)
	}
	f.people.places[zone] = place
	return place, nil
}

// uplineIn is somebody with everybody above, in the sponsor or the enroller tree. Who names no enroller was enrolled by the
// sponsor.
func (f *facts) uplineIn(tree, id string, as genealogy.AsOf) ([]genealogy.Person, error) {
	if tree != plan.TreeEnroller {
		return f.tree.Upline(nil, id, as, 0)
	}
	return f.tree.UplineOver(id, as, func(id string) (enroller string, named bool) {
		enroller = enrollerAt(f.people.enrollers[id], as)
		return enroller, enroller != ""
	})
}

// enrollerAt is somebody's own enroller as of then; "" for nobody but the sponsor. links are by date, then by version.
func enrollerAt(links []genealogy.Link, as genealogy.AsOf) (enroller string) {
	for i := range links {
		if links[i].ValidFrom <= as.At && links[i].Version <= as.Version {
			enroller = links[i].ParentID
		}
	}
	return enroller
}
