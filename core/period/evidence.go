package period

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Evidence is why a person is paid as a rank in a period, and what is missing to the next one. It holds ids, no names.
type Evidence struct {
	DistributorID genealogy.DistributorID `json:"distributor_id"`
	PeriodID      string                  `json:"period_id"`
	Ranks         []string                `json:"ranks,omitempty"` // the plan's, lowest first: what "at least silver" is judged by
	PaidAs        string                  `json:"paid_as"`
	Reached       string                  `json:"reached"` // highest met or assigned in this period
	Title         string                  `json:"title"`
	Because       string                  `json:"because"` // one of the Because constants
	Assigned      string                  `json:"assigned,omitempty"`
	Override      *OverrideEvidence       `json:"override,omitempty"`
	Missed        int                     `json:"missed_periods,omitempty"` // in a row, this one included
	Grace         int                     `json:"grace_periods,omitempty"`  // how many of them are forgiven
	Met           int                     `json:"met_periods,omitempty"`    // in a row, of a lost rank that has to be met RequalifyPeriods times
	Requalify     int                     `json:"requalify_periods,omitempty"`
	PV            money.Volume            `json:"pv"`
	GV            money.Volume            `json:"gv"`
	CV            money.Volume            `json:"cv"`
	Active        bool                    `json:"active"`
	ActiveLegs    int                     `json:"active_legs"`
	Activity      *Finding                `json:"activity,omitempty"` // of qualification.active
	Rank          *RankFinding            `json:"rank,omitempty"`     // of what the person is paid as; nil where that rank asks for nothing
	Next          *RankFinding            `json:"next,omitempty"`     // of the next higher rank that has a requirement
}

// OverrideEvidence is the rank somebody gave by hand.
type OverrideEvidence struct {
	Rank   string `json:"rank"`
	Floor  bool   `json:"floor,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// RankFinding is how the requirement of a rank is met.
type RankFinding struct {
	Rank     string  `json:"rank"`
	Requires Finding `json:"requires"`
}

// Finding is the answer to one condition: several joined, or one test with what is needed and what there is.
type Finding struct {
	Join    string    `json:"join,omitempty"` // "all", "any" or "not" of Parts; "" for a test
	Parts   []Finding `json:"parts,omitempty"`
	Met     bool      `json:"met"`
	Unknown bool      `json:"unknown,omitempty"` // a missing fact would decide
	What    string    `json:"what,omitempty"`    // such as "GV", "leg 2", "legs with silver"
	Op      string    `json:"op,omitempty"`
	Needed  string    `json:"needed,omitempty"` // volume, count, rank or words
	Have    string    `json:"have,omitempty"`   // the same; of a GV with a share per leg what counts of it
	Lacks   string    `json:"lacks,omitempty"`  // how much more is needed
	// Legs are those that a test on legs, or a GV with a share per leg, looks at, the strongest first. Of a share the own
	// volume is one of them; of legs of a volume or rank only those are told that have it.
	Legs       []LegFinding `json:"legs,omitempty"`
	More       int          `json:"more,omitempty"`       // further legs, which are not listed
	MoreCounts money.Volume `json:"more_counts,omitzero"` // of a share: what those count for together, rounded down
}

// LegFinding is what one leg, or the own volume, counts for.
type LegFinding struct {
	DistributorID genealogy.DistributorID `json:"distributor_id,omitempty"` // whose leg; "" for the own volume
	Volume        money.Volume            `json:"volume"`
	Counts        money.Volume            `json:"counts"`         // rounded down
	Rank          string                  `json:"rank,omitempty"` // where ranks are asked for: the highest in the leg, or of its head
}

// Why somebody is paid as a rank.
const (
	BecauseMet       = "requirement" // the requirement is met
	BecauseAssigned  = "assigned"    // the company gave it
	BecauseLowest    = "lowest"      // everybody has it
	BecauseGrace     = "grace"       // the requirement is missed, and that is still forgiven
	BecauseDemotion  = "demotion"    // the requirement is missed, and the plan lets nobody fall that far at once
	BecauseRequalify = "requalify"   // more is met, but a lost rank must be met longer
	BecauseOverride  = "override"    // somebody gave it by hand
)

// Evidence tells one person's rank. It is for screens and traces: it looks at the person's frontline anew.
func (s *Standings) Evidence(person int32) (*Evidence, error) {
	if s.world == nil || person < 0 || person >= s.world.People.Count {
		return nil, fmt.Errorf("evidence of person %d: nobody of that number was qualified", person)
	}
	name := func(column []int8) string { return s.plan.Ranks[column[person]] }
	e := &Evidence{
		DistributorID: s.world.People.ID(person), PeriodID: s.world.Period.ID,
		Ranks:  s.plan.Ranks,
		PaidAs: name(s.Rank), Reached: name(s.Reached), Title: name(s.Title), Because: s.because(person),
		Missed: int(s.Missed[person]), Met: int(s.Met[person]),
		PV: money.Volume(s.PV[person]), GV: money.Volume(s.GV[person]), CV: money.Volume(s.OwnCV[person]),
		Active: s.Active[person], ActiveLegs: int(s.Frontier[person]),
	}
	if rank := s.world.People.assigned(person, s.rules.ruled); rank > 0 {
		e.Assigned = s.plan.Ranks[rank]
	}
	if o := s.world.People.override(person); o != nil {
		e.Override = &OverrideEvidence{s.plan.Ranks[o.Rank], o.Floor, o.Reason}
	}
	if e.Missed > 0 {
		e.Grace = s.rules.grace
	}
	if e.Met > 0 {
		e.Requalify = s.rules.requalify
	}
	v := &view{s: s, legsOf: Nobody}
	if s.rules.active != nil {
		v.look(person, 0, 0)
		found := v.finding(s.plan.Qualification.Active, s.rules.active, 0)
		e.Activity = &found
	}
	v.look(person, 0, s.world.People.before(person).title)
	s.findRanks(e, v, s.Rank[person])
	return e, nil
}

// findRanks judges the ranks upwards, as Qualify did, and keeps what is found of two.
func (s *Standings) findRanks(e *Evidence, v *view, paid int8) {
	for i := range s.rules.ranks {
		rule := &s.rules.ranks[i]
		if rule.rank >= paid {
			found := v.finding(&s.plan.Qualification.Ranks[i].Requires, rule.steps, 0)
			of := &RankFinding{s.plan.Ranks[rule.rank], found}
			if rule.rank > paid {
				e.Next = of
				return
			}
			e.Rank = of
		}
		if v.judge(rule.steps, 0) == yes {
			v.rank, v.title = rule.rank, max(v.title, rule.rank)
		}
	}
}

func (s *Standings) because(person int32) string {
	people := &s.world.People
	held, reached := s.Held[person], s.Reached[person]
	switch o := people.override(person); {
	case o != nil && (!o.Floor || o.Rank > held):
		return BecauseOverride
	case reached > held:
		return BecauseRequalify
	case reached < held && int(s.Missed[person]) <= s.rules.grace:
		return BecauseGrace
	case reached < held:
		return BecauseDemotion
	case held == 0:
		return BecauseLowest
	case people.assigned(person, s.rules.ruled) == held:
		return BecauseAssigned
	default:
		return BecauseMet
	}
}

// finding answers the condition whose steps begin at i.
func (v *view) finding(c *plan.Condition, steps []step, i int32) Finding {
	answer := v.judge(steps, i)
	f := Finding{Met: answer == yes, Unknown: answer == unknown}
	parts := c.All
	switch {
	case c.Test != nil:
		v.tell(&f, c.Test, &steps[i])
		return f
	case c.Not != nil:
		f.Join, parts = "not", []plan.Condition{*c.Not}
	case c.Any != nil:
		f.Join, parts = "any", c.Any
	default:
		f.Join = "all"
	}
	at := i + 1
	for part := range parts {
		f.Parts = append(f.Parts, v.finding(&parts[part], steps, at))
		at = steps[at].end
	}
	return f
}

// tell fills in what a test needs and what there is.
func (v *view) tell(f *Finding, t *plan.Test, at *step) {
	people := &v.s.world.People
	f.What, f.Op, f.Needed = whatOf(t), t.Op, t.Number
	switch at.kind {
	case stepPV, stepGV, stepPGV, stepCV, stepLeg:
		have := v.figure(at)
		f.Needed, f.Have = money.Volume(at.value).String(), money.Volume(have).String()
		if lacks := at.lacks(have); lacks > 0 {
			f.Lacks = money.Volume(lacks).String()
		}
	case stepGVShare:
		v.tellShares(f, at)
		return
	case stepRank, stepTitle:
		f.Needed, f.Have = t.Words[0], v.s.plan.Ranks[v.figure(at)]
	case stepStatus:
		f.Op, f.Needed, f.Have = "", orWords(t.Words), string(people.Status[v.person])
	case stepActive:
		f.Needed, f.Have = yesNo(at.flag), yesNo(v.s.Active[v.person])
	case stepAutoship:
		f.Needed, f.Have = yesNo(at.flag), yesNo(people.Autoship != nil && people.Autoship[v.person])
	case stepDays:
		if days, known := v.days(); known {
			v.tellCount(f, at, days)
		}
	default:
		v.tellCount(f, at, v.figure(at))
	}
	v.tellLegs(f, at)
}

// tellLegs lists the legs that a test on legs counts.
func (v *view) tellLegs(f *Finding, at *step) {
	var legs []LegFinding
	for _, child := range v.s.children.Of(v.person) {
		leg := LegFinding{
			DistributorID: v.s.world.People.ID(child), Volume: money.Volume(v.s.GV[child]), Counts: money.Volume(v.s.GV[child]),
		}
		switch at.kind {
		case stepLeg:
		case stepLegsByVolume:
			if v.s.GV[child] < at.more {
				continue
			}
		case stepLegsByRank:
			if v.s.best[child] < at.rank {
				continue
			}
			leg.Rank = v.s.plan.Ranks[v.s.best[child]]
		case stepFrontlineByRank:
			if v.s.Rank[child] < at.rank {
				continue
			}
			leg.Rank = v.s.plan.Ranks[v.s.Rank[child]]
		default:
			return
		}
		legs = append(legs, leg)
	}
	slices.SortStableFunc(legs, func(a, b LegFinding) int { return cmp.Compare(b.Volume, a.Volume) })
	shown := legsShown
	if at.kind == stepLeg {
		shown = max(shown, int(at.column)) // The leg that is asked for is among them.
	}
	f.Legs, f.More = legs[:min(shown, len(legs))], max(0, len(legs)-shown)
}

func (v *view) tellCount(f *Finding, at *step, have int64) {
	f.Have = strconv.FormatInt(have, 10)
	if lacks := at.lacks(have); lacks > 0 {
		f.Lacks = strconv.FormatInt(lacks, 10)
	}
}

// lacks is how much more a lower bound needs; not above zero where it is met, or no lower bound.
func (t *step) lacks(have int64) int64 {
	switch t.op {
	case equal | greater:
		return t.value - have
	case greater:
		return t.value - have + 1 // The next micro-unit or count above.
	default:
		return 0
	}
}

// legsShown is how many legs a finding lists.
const legsShown = 10

// tellShares lists what each leg counts for.
func (v *view) tellShares(f *Finding, at *step) {
	limit := shareOf(at.value, at.more)
	legs := []LegFinding{{Volume: money.Volume(v.s.PV[v.person])}}
	for _, child := range v.s.children.Of(v.person) {
		legs = append(legs, LegFinding{DistributorID: v.s.world.People.ID(child), Volume: money.Volume(v.s.GV[child])})
	}
	slices.SortStableFunc(legs, func(a, b LegFinding) int { return cmp.Compare(b.Volume, a.Volume) })
	under, over := int64(0), int64(0)
	for i := range legs {
		legs[i].Counts = min(legs[i].Volume, money.Volume(limit))
		if legs[i].Volume > legs[i].Counts {
			over++
		} else {
			under += int64(legs[i].Volume)
		}
	}
	have := under + shareOf(at.value, over*at.more)
	f.Needed, f.Have = money.Volume(at.value).String(), money.Volume(have).String()
	if have < at.value {
		f.Lacks = money.Volume(at.value - have).String()
	}
	f.Legs, f.More = legs[:min(legsShown, len(legs))], max(0, len(legs)-legsShown)
	for i := legsShown; i < len(legs); i++ {
		f.MoreCounts += legs[i].Counts // Parts of a GV.
	}
}

// Finding is how a person meets a condition of the plan. Own rank and title are those of the standings.
func (s *Standings) Finding(condition *plan.Condition, person int32) (*Finding, error) {
	if s.world == nil || person < 0 || person >= s.world.People.Count {
		return nil, fmt.Errorf("finding of person %d: nobody of that number was qualified", person)
	}
	steps, err := s.compile(condition)
	if err != nil {
		return nil, err
	}
	v := &view{s: s, legsOf: Nobody}
	v.look(person, s.Rank[person], s.Title[person])
	f := v.finding(condition, steps, 0)
	return &f, nil
}
