package run

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// trace is calc_snapshot_json of one person's postings under one source. It is nil where nothing is wanted any more: what
// is left is to take back what was posted, and there is no calculation of that.
func (r *result) trace(d *diff) ([]byte, error) {
	if len(d.want) == 0 {
		return nil, nil
	}
	component := slices.IndexFunc(r.plan.Components, func(c plan.Component) bool { return c.ID == d.want[0].Key.ComponentID })
	if component < 0 {
		return nil, fmt.Errorf("component %s is not in the plan", d.want[0].Key.ComponentID)
	}
	person := period.Nobody
	if d.distributorID != "" {
		var there bool
		if person, there = r.crowd.snapshot.Index(d.distributorID); !there {
			return nil, fmt.Errorf("distributor %s is not in the tree", d.distributorID)
		}
	}
	if capped, ok := strings.CutPrefix(d.source, SourcePrefix+"cap/"); ok {
		id, _, _ := strings.Cut(capped, "/")
		for i, cut := range r.closing.Cuts() {
			if r.plan.Caps[cut.Cap].ID == id && cut.Component == int32(component) && cut.Person == person {
				return r.closing.TraceCut(nil, &r.closing.Cuts()[i])
			}
		}
		return nil, fmt.Errorf("cap %s takes nothing here", id)
	}
	at, found := slices.BinarySearchFunc(r.awards, commission.Award{Component: int32(component), Person: person}, func(a, b commission.Award) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Person, b.Person))
	})
	if !found {
		return nil, errors.New("there is no award")
	}
	return r.closing.Trace(nil, &r.awards[at])
}
