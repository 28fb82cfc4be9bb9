package commission

import (
	"errors"
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// differential pays everybody, from each seller upwards, what their own rate is above the highest one paid already
// below. Where the plan has a breakaway rank, volume that has passed somebody of it pays overrides instead.
func (c *closing) differential(index int) error {
	tree, err := c.tree(index)
	if err != nil {
		return err
	}
	for _, part := range c.volumes(index, allOrders) {
		s := &stairs{closing: c, index: index, tree: tree, terms: c.plan.Components[index].DifferentialTerms, breakaway: -1}
		if err := s.read(part.table); err != nil {
			return err
		}
		if err := s.climb(part.own); err != nil {
			return err
		}
	}
	return nil
}

// stairs is one walk by one rate table, or by the bands.
type stairs struct {
	*closing
	index     int
	tree      *forest
	terms     *plan.DifferentialTerms
	breakaway int          // rank; -1 for none
	rates     []money.Rate // all own rates, ascending, from 0
	step      []uint8      // by person: index into rates
	rows      []int32      // by person: row of the own rate
	overrides []money.Rate
	floor     money.Rate
	heads     heads
	passed    []passedHead
	flow      flow // by head; stages are the highest rate paid already, then the override that comes next, then none
}

// read takes the terms apart and finds everybody's own rate.
func (s *stairs) read(table *plan.Table) error {
	var err error
	for _, text := range s.terms.Overrides {
		rate, err := money.ParseRate(text)
		if err != nil {
			return fmt.Errorf("overrides: %w", err)
		}
		s.overrides = append(s.overrides, rate)
	}
	if s.terms.SameRank != "" {
		if s.floor, err = money.ParseRate(s.terms.SameRank); err != nil {
			return fmt.Errorf("same_rank: %w", err)
		}
	}
	if s.terms.Breakaway != "" {
		rank, known := s.plan.Rank(s.terms.Breakaway)
		if !known {
			return fmt.Errorf("breakaway %q is no rank of the plan", s.terms.Breakaway)
		}
		s.breakaway = rank
	}
	own, err := s.ownRates(table)
	if err != nil {
		return err
	}
	s.rates = append(slices.Clone(own), 0)
	slices.Sort(s.rates)
	s.rates = slices.Compact(s.rates)
	s.step = make([]uint8, len(own))
	for person, rate := range own {
		at, _ := slices.BinarySearch(s.rates, rate)
		s.step[person] = uint8(at)
	}
	return nil
}

// ownRates is everybody's rate: of the band reached, or of the rank.
func (s *stairs) ownRates(table *plan.Table) ([]money.Rate, error) {
	own := make([]money.Rate, s.world.People.Count)
	s.rows = make([]int32, len(own))
	if len(s.terms.Bands) == 0 {
		if table == nil {
			return nil, errors.New("there are neither bands nor rates")
		}
		for person := range own {
			cell := table.Cell(1, s.rank(int32(person)))
			own[person], s.rows[person] = cell.Rate, int32(cell.Row)
		}
		return own, nil
	}
	steps, err := readBands(s.terms.Bands)
	if err != nil {
		return nil, err
	}
	volume := s.standing.GV
	if s.terms.Of == plan.MeasurePGV {
		if volume = s.standing.PGV; volume == nil {
			return nil, errors.New("the standings have no pgv")
		}
	}
	for person := range own {
		s.rows[person] = -1
		for _, step := range steps {
			if volume[person] >= int64(step.from) {
				own[person] = step.rate
			}
		}
	}
	return own, nil
}

// rateBand is one band, read.
type rateBand struct {
	from money.Volume
	rate money.Rate
}

func readBands(bands []plan.Band) ([]rateBand, error) {
	out := make([]rateBand, len(bands))
	for i, band := range bands {
		var err error
		if out[i].from, err = money.ParseVolume(band.From); err != nil {
			return nil, fmt.Errorf("bands[%d].from: %w", i, err)
		}
		if out[i].rate, err = money.ParseRate(band.Rate); err != nil {
			return nil, fmt.Errorf("bands[%d].rate: %w", i, err)
		}
	}
	return out, nil
}

func (s *stairs) leads(person int32) bool { return s.breakaway >= 0 && s.rank(person) >= s.breakaway }

// climb takes the heads, who are all with a rate or a breakaway rank, from the bottom up.
func (s *stairs) climb(own []int64) error {
	s.heads = s.tree.heads(func(place int32) bool {
		person := s.tree.person(place)
		return s.step[person] > 0 || s.leads(person)
	})
	sums, err := s.heads.sums(s.tree, own)
	if err != nil {
		return err
	}
	s.flow = newFlow(len(s.heads.places), len(s.rates)+len(s.overrides)+1)
	for head, volume := range sums {
		if *s.flow.at(int32(head), 0), err = money.Add(*s.flow.at(int32(head), 0), volume); err != nil {
			return err
		}
	}
	for head := len(s.heads.places) - 1; head >= 0; head-- {
		if err := s.head(int32(head)); err != nil {
			return err
		}
	}
	s.explain()
	return nil
}

// passedHead is somebody whose difference on some volume goes to whoever is next above.
type passedHead struct {
	head   int32
	stage  int32
	reason string
}

// explain tells whoever got such a difference whom it passed over. Of those passed over one above the other for the same
// stage each is looked up once.
func (s *stairs) explain() {
	known := make(map[[2]int32]int32, len(s.passed))
	for i := len(s.passed) - 1; i >= 0; i-- { // Those above come first.
		p := &s.passed[i]
		at := s.heads.up[p.head]
		for at >= 0 {
			if taker, done := known[[2]int32{at, p.stage}]; done {
				at = taker
				break
			}
			person := s.tree.person(s.heads.places[at])
			if int32(s.step[person]) > p.stage || s.leads(person) {
				break
			}
			at = s.heads.up[at]
		}
		known[[2]int32{p.head, p.stage}] = at
		if at >= 0 {
			s.skip(s.index, s.tree.person(s.heads.places[at]), s.tree.person(s.heads.places[p.head]), 0, p.reason)
		}
	}
}

// head pays one person on what has come up, and sends it on.
func (s *stairs) head(head int32) error {
	person := s.tree.person(s.heads.places[head])
	why := s.mayEarn(s.index, person)
	up := s.heads.up[head]
	same := s.sameRank(head, person)
	for stage, volume := range s.flow.of(head) {
		if volume == 0 {
			continue
		}
		next := s.override(person, stage, volume, why)
		if stage < len(s.rates) {
			next = s.difference(person, stage, volume, why)
			if next == stage && int(s.step[person]) > stage {
				s.passed = append(s.passed, passedHead{head, int32(stage), why})
			}
		}
		if up < 0 {
			continue
		}
		if same {
			s.lift(up, next, volume)
		}
		if err := s.flow.add(up, next, volume); err != nil {
			return err
		}
	}
	return nil
}

// difference pays the own rate less the highest one paid below, and gives the stage after that.
func (s *stairs) difference(person int32, stage int, volume int64, why string) int {
	own, leads := int(s.step[person]), s.leads(person)
	if own > stage {
		note := ""
		if stage > 0 {
			note = s.rates[own].String() + " less " + s.rates[stage].String() + " paid below"
		}
		t := Term{Row: s.rows[person], Base: volume, Rate: plan.RatioOf(s.rates[own] - s.rates[stage]), Note: note}
		switch {
		case why == "":
			s.pay(s.index, person, t)
			stage = own
		case leads: // Nobody above gets it, since the volume breaks away here.
			s.lose(s.index, person, t, why)
		}
	}
	if leads {
		return len(s.rates)
	}
	return stage
}

// override pays a leader on volume that broke away below, and gives the stage after that.
func (s *stairs) override(person int32, stage int, volume int64, why string) int {
	generation := stage - len(s.rates)
	if stage < len(s.rates) || generation >= len(s.overrides) || !s.leads(person) {
		return stage
	}
	t := Term{Level: int32(generation + 1), Row: -1, Base: volume, Rate: plan.RatioOf(s.overrides[generation]), Note: "override"}
	switch {
	case s.overrides[generation] == 0:
	case why == "":
		s.pay(s.index, person, t)
	default:
		s.lose(s.index, person, t, why)
	}
	return stage + 1
}

// sameRank tells whether a head is the frontline of the next one, who has the same rate and may have the floor for it.
func (s *stairs) sameRank(head, person int32) bool {
	up := s.heads.up[head]
	if s.floor == 0 || up < 0 || s.tree.parent[s.heads.places[head]] != s.heads.places[up] {
		return false
	}
	above := s.tree.person(s.heads.places[up])
	return s.step[person] > 0 && s.step[person] == s.step[above] && (s.breakaway < 0 || s.leads(above)) &&
		s.mayEarn(s.index, above) == ""
}

// lift pays the person at a head what is missing to the floor on volume that is about to come up at a stage.
func (s *stairs) lift(up int32, stage int, volume int64) {
	person := s.tree.person(s.heads.places[up])
	has := money.Rate(0)
	switch generation := stage - len(s.rates); {
	case generation < 0:
		has = max(s.rates[s.step[person]]-s.rates[stage], 0)
	case generation < len(s.overrides) && s.leads(person):
		has = s.overrides[generation]
	}
	if has < s.floor {
		s.pay(s.index, person, Term{
			Row: -1, Base: volume, Rate: plan.RatioOf(s.floor - has), Note: "same rate as the leg's head: at least " + s.floor.String(),
		})
	}
}
