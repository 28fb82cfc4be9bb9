package run

import (
	"upline.dev/upline/core/plan"
)

// Evidence is how one person stands against one requirement of the plan: that of being active, or of a rank.
type Evidence struct {
	Of    string         `json:"of"` // "active", or the rank
	Met   bool           `json:"met"`
	Parts []EvidencePart `json:"parts"`
}

// EvidencePart is one of the conditions that the requirement asks for together.
type EvidencePart struct {
	Condition string `json:"condition"`
	Met       bool   `json:"met"`
}

// evidence holds a person against every requirement, the lowest rank first.
func (r *result) evidence(person int32) ([]Evidence, error) {
	q := &r.plan.Qualification
	tester := r.standings.Tester()
	out := []Evidence{}
	add := func(of string, c *plan.Condition) error {
		e := Evidence{Of: of, Parts: []EvidencePart{}}
		parts := c.All
		if len(parts) == 0 {
			parts = []plan.Condition{*c}
		}
		var err error
		if e.Met, err = tester.Meets(c, person); err != nil {
			return err
		}
		for i := range parts {
			met, err := tester.Meets(&parts[i], person)
			if err != nil {
				return err
			}
			e.Parts = append(e.Parts, EvidencePart{parts[i].Words(), met})
		}
		out = append(out, e)
		return nil
	}
	if q.Active != nil {
		if err := add("active", q.Active); err != nil {
			return nil, err
		}
	}
	for i := range q.Ranks {
		if err := add(q.Ranks[i].Rank, &q.Ranks[i].Requires); err != nil {
			return nil, err
		}
	}
	return out, nil
}
