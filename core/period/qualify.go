package period

import (
	"fmt"
	"slices"

	"upline.dev/upline/core/plan"
)

// Qualify gives everybody's volumes, activity and rank in the world's period, in one pass over the sales and one over
// the people from the bottom to the top.
//
// A person is active whose status may earn and who meets qualification.active, where the plan has it. Conditions on the
// downline look at what people are paid as in this period. Of the ranks whose requirement is met the highest counts.
// *MissingFact means that a fact is needed and not known, *TreeError that a tree is not one, money.ErrOverflow that the
// volumes of the period do not fit. The result depends neither on the order of sales, nor on their split into blocks,
// nor on parallel; nil is Serial.
func Qualify(w *World, p *plan.Plan, parallel Parallel) (*Standings, error) {
	s, err := qualify(w, p, parallel)
	if err != nil {
		return nil, fmt.Errorf("qualify %q: %w", w.Period.ID, err)
	}
	return s, nil
}

func qualify(w *World, p *plan.Plan, parallel Parallel) (*Standings, error) {
	if parallel == nil {
		parallel = Serial
	}
	if err := w.checkPeople(len(p.Ranks)); err != nil {
		return nil, err
	}
	s := &Standings{world: w, plan: p}
	q := &p.Qualification
	g := gathering{w, q.OwnOrders, q.CustomerOrders, asks(p, plan.MeasureOrders), asks(p, plan.MeasureCustomers)}
	own, err := g.gather(parallel)
	if err != nil {
		return nil, err
	}
	s.PV, s.OwnCV, s.Orders, s.Customers = own.pv, own.cv, own.orders, own.customers
	s.allot()
	if err := s.compileRules(); err != nil {
		return nil, err
	}
	climb := climber{s: s, view: view{s: s, legsOf: Nobody}}
	for person := range w.Sponsor.BottomUp() {
		if err := climb.person(person); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// allot makes the columns that the climb fills.
func (s *Standings) allot() {
	n := s.world.People.Count
	s.GV, s.Active, s.Frontier = make([]int64, n), make([]bool, n), make([]int32, n)
	s.Rank, s.Reached, s.Title = make([]int8, n), make([]int8, n), make([]int8, n)
	s.Held, s.Missed, s.Met, s.MetRank = make([]int8, n), make([]uint8, n), make([]uint8, n), make([]int8, n)
	s.best = make([]int8, n)
	s.children = s.world.Sponsor.Children()
	for _, without := range withouts(s.plan) {
		s.pgv = append(s.pgv, pgv{without, make([]int64, n)})
	}
	if name := s.plan.Qualification.BreakawayRank; name != "" {
		rank, _ := s.plan.Rank(name)
		s.PGV, _ = s.PGVWithout(rank)
	}
}

// withouts are the ranks whose subtrees are left out of a PGV that the plan asks for, ascending.
func withouts(p *plan.Plan) []int8 {
	var ranks []int8
	add := func(rank int) { ranks = append(ranks, int8(rank)) }
	eachTest(p, func(t *plan.Test) {
		if t.Measure == plan.MeasurePGV {
			add(t.Rank())
		}
	})
	breakaways := []string{p.Qualification.BreakawayRank}
	for i := range p.Components {
		if terms := p.Components[i].DifferentialTerms; terms != nil {
			breakaways = append(breakaways, terms.Breakaway)
		}
	}
	for _, name := range breakaways {
		if rank, known := p.Rank(name); known && name != "" {
			add(rank)
		}
	}
	slices.Sort(ranks)
	return slices.Compact(ranks)
}

func (s *Standings) compileRules() (err error) {
	q := &s.plan.Qualification
	s.rules = rules{
		ruled: make([]bool, len(s.plan.Ranks)), grace: q.GracePeriods, requalify: q.RequalifyPeriods, demotion: q.Demotion,
	}
	if q.Active != nil {
		if s.rules.active, err = s.compile(q.Active); err != nil {
			return fmt.Errorf("qualification.active: %w", err)
		}
	}
	for i := range q.Ranks {
		rank, _ := s.plan.Rank(q.Ranks[i].Rank)
		steps, err := s.compile(&q.Ranks[i].Requires)
		if err != nil {
			return fmt.Errorf("requirement of rank %s: %w", q.Ranks[i].Rank, err)
		}
		s.rules.ruled[rank] = true
		s.rules.ranks = append(s.rules.ranks, rankRule{int8(rank), steps})
	}
	return nil
}

// climber goes through everybody from the bottom to the top.
type climber struct {
	s    *Standings
	view view
}

// person settles one person, all of whose downline is settled.
func (c *climber) person(person int32) error {
	s := c.s
	best := c.sum(person)
	if err := c.activity(person); err != nil {
		return err
	}
	people := &s.world.People
	before := people.before(person)
	reached, err := c.reached(person, before.title)
	if err != nil {
		return err
	}
	assigned := people.assigned(person, s.rules.ruled)
	now := s.rules.next(before, max(reached, assigned), assigned)
	s.Reached[person] = max(reached, assigned)
	s.Held[person], s.Missed[person], s.Met[person], s.MetRank[person] = now.held, now.missed, now.met, now.metRank
	rank := now.held
	if o := people.override(person); o != nil && (!o.Floor || o.Rank > rank) {
		rank = o.Rank
	}
	s.Rank[person], s.Title[person] = rank, max(before.title, rank)
	s.best[person] = max(best, rank)
	return nil
}

// sum adds up what the legs bring, and gives the highest rank in them.
func (c *climber) sum(person int32) int8 {
	s := c.s
	gv, best, active := s.PV[person], int8(0), int32(0)
	children := s.children.Of(person)
	for _, child := range children {
		gv += s.GV[child]
		best = max(best, s.best[child])
		if s.Active[child] {
			active++
		}
	}
	s.GV[person], s.Frontier[person] = gv, active
	for i := range s.pgv {
		p := &s.pgv[i]
		sum := s.PV[person]
		for _, child := range children {
			if s.Rank[child] < p.without {
				sum += p.volume[child]
			}
		}
		p.volume[person] = sum
	}
	return best
}

// activity decides whether a person is active. Whose status is not known is so only if the rest does not decide.
func (c *climber) activity(person int32) error {
	s := c.s
	if steps := s.rules.active; steps != nil {
		c.view.look(person, 0, 0)
		switch c.view.judge(steps, 0) {
		case no:
			return nil
		case unknown:
			return c.view.missing(steps, 0)
		case yes:
		}
	}
	status := string(s.world.People.Status[person])
	if status == "" {
		return s.world.noStatus(person)
	}
	s.Active[person] = s.plan.MayEarn(status)
	return nil
}

// reached is the highest rank whose requirement is met. A missing fact matters for ranks above it alone.
func (c *climber) reached(person int32, title int8) (int8, error) {
	c.view.look(person, 0, title)
	var lacking *rankRule
	for i := range c.s.rules.ranks {
		rule := &c.s.rules.ranks[i]
		switch c.view.judge(rule.steps, 0) {
		case yes:
			c.view.rank = rule.rank
			c.view.title = max(title, rule.rank)
			c.view.open, lacking = 0, nil
		case unknown:
			if lacking == nil {
				lacking = rule
			}
			c.view.open |= 1 << rule.rank
		case no:
		}
	}
	if lacking != nil {
		return 0, c.view.missing(lacking.steps, 0)
	}
	return c.view.rank, nil
}

// before is a person's state after the period before.
func (p *People) before(person int32) state {
	var s state
	if p.PaidAs != nil {
		s.held = p.PaidAs[person]
	}
	if s.title = s.held; p.Title != nil {
		s.title = p.Title[person]
	}
	if p.Missed != nil {
		s.missed = p.Missed[person]
	}
	if p.Met != nil {
		s.met = p.Met[person]
	}
	if s.metRank = s.title; p.MetRank != nil {
		s.metRank = p.MetRank[person]
	}
	return s
}

// assigned is the rank the company gave a person, as far as no requirement decides about it.
func (p *People) assigned(person int32, ruled []bool) int8 {
	if p.Rank == nil || ruled[p.Rank[person]] {
		return 0
	}
	return p.Rank[person]
}

// override is what holds for a person by hand; nil for nearly everybody.
func (p *People) override(person int32) *Override {
	if len(p.Overrides) == 0 {
		return nil
	}
	at, found := slices.BinarySearchFunc(p.Overrides, person, func(o Override, person int32) int { return int(o.Person) - int(person) })
	if !found {
		return nil
	}
	return &p.Overrides[at]
}

// Tester answers conditions of the plan for people of the standings. It is for one goroutine; make one for each.
type Tester struct {
	view     view
	compiled []compiled
}

type compiled struct {
	condition *plan.Condition
	steps     []step
}

// Tester is a new one. Own rank and title in conditions are those of the standings.
func (s *Standings) Tester() *Tester { return &Tester{view: view{s: s, legsOf: Nobody}} }

// Meets tells whether a person meets a condition of the plan. A fact that would decide it and is not known is a
// *MissingFact.
func (t *Tester) Meets(condition *plan.Condition, person int32) (bool, error) {
	s := t.view.s
	if person < 0 || person >= s.world.People.Count {
		return false, fmt.Errorf("test of person %d: there are %d people", person, s.world.People.Count)
	}
	at := slices.IndexFunc(t.compiled, func(c compiled) bool { return c.condition == condition })
	if at < 0 {
		steps, err := s.compile(condition)
		if err != nil {
			return false, err
		}
		at = len(t.compiled)
		t.compiled = append(t.compiled, compiled{condition, steps})
	}
	steps := t.compiled[at].steps
	t.view.look(person, s.Rank[person], s.Title[person])
	switch t.view.judge(steps, 0) {
	case unknown:
		return false, t.view.missing(steps, 0)
	case yes:
		return true, nil
	default:
		return false, nil
	}
}
