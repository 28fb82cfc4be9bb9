package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// closedOutcome is what closing a period should lead to. What is left out is not compared; ranks, activity and volumes
// are compared for the people named.
type closedOutcome struct {
	Earned    amounts                      `json:"earned"`
	Breakage  amounts                      `json:"breakage"`
	Ranks     map[string]string            `json:"ranks"`
	Titles    map[string]string            `json:"titles"`
	Active    map[string]bool              `json:"active"`
	Volumes   map[string]map[string]string `json:"volumes"`   // by person: pv, gv, pgv, cv
	Carry     map[string]map[string]string `json:"carry"`     // by component and position: "left/right"
	Reentries map[string][]string          `json:"reentries"` // by matrix component: positions
	Waits     string                       `json:"waits"`
}

// compare holds the close against what the file expects.
func (c *closer) compare(r *report) error {
	place, want, currency := "period "+c.told.Period, &c.told.Expect, c.out.Currency()
	for _, part := range []struct {
		name     string
		want     amounts
		breakage bool
	}{{"earned", want.Earned, false}, {"breakage", want.Breakage, true}} {
		if part.want == nil {
			continue
		}
		expected, err := part.want.flat(currency)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		totals := map[string]int64{}
		for _, s := range c.out.Settled() {
			if s.Breakage == part.breakage {
				totals[s.ComponentID+" "+s.DistributorID] += s.AmountMinor
			}
		}
		r.same(place+", "+part.name, expected, formatted(totals, currency))
	}
	if want.Reentries != nil {
		c.compareReentries(r, place)
	}
	if err := c.compareCarry(r, place); err != nil {
		return err
	}
	return c.comparePeople(r, place)
}

// comparePeople holds ranks, titles, activity and volumes of those who are named.
func (c *closer) comparePeople(r *report, place string) error {
	s, ranks := c.standings, c.file.plan.Ranks
	for _, part := range []struct {
		name  string
		want  map[string]string
		ranks []int8
	}{{"ranks", c.told.Expect.Ranks, s.Rank}, {"titles", c.told.Expect.Titles, s.Title}} {
		have := map[string]string{}
		for who := range part.want {
			if i, known := c.crowd.number[who]; known {
				have[who] = ranks[part.ranks[i]]
			}
		}
		r.same(place+", "+part.name, part.want, have)
	}
	expected, have := map[string]string{}, map[string]string{}
	for who, active := range c.told.Expect.Active {
		expected[who] = strconv.FormatBool(active)
		if i, known := c.crowd.number[who]; known {
			have[who] = strconv.FormatBool(s.Active[i])
		}
	}
	r.same(place+", active", expected, have)
	return c.compareVolumes(r, place)
}

func (c *closer) compareVolumes(r *report, place string) error {
	expected, have := map[string]string{}, map[string]string{}
	columns := map[string][]int64{
		plan.MeasurePV: c.standings.PV, plan.MeasureGV: c.standings.GV, plan.MeasurePGV: c.standings.PGV, plan.MeasureCV: c.standings.OwnCV,
	}
	for who, volumes := range c.told.Expect.Volumes {
		for measure, text := range volumes {
			volume, err := money.ParseVolume(text)
			if err != nil {
				return fmt.Errorf("volumes of %s: %s: %w", who, measure, err)
			}
			column, known := columns[measure]
			if !known || column == nil {
				return fmt.Errorf("volumes of %s: %s is not computed: write pv, gv or cv, or pgv with a breakaway_rank", who, measure)
			}
			name := who + " " + measure
			expected[name] = volume.String()
			if i, known := c.crowd.number[who]; known {
				have[name] = money.Volume(column[i]).String()
			}
		}
	}
	r.same(place+", volumes", expected, have)
	return nil
}

// compareCarry compares all positions of all binary components of the close; where the file names none of one, nothing
// may be carried.
func (c *closer) compareCarry(r *report, place string) error {
	if c.told.Expect.Carry == nil {
		return nil
	}
	for component := range c.told.Expect.Carry {
		if _, closed := c.out.After.Binary[component]; !closed {
			return fmt.Errorf("carry of %s: no binary component of that id is closed with this period", component)
		}
	}
	for _, component := range slices.Sorted(maps.Keys(c.out.After.Binary)) {
		want, have := c.told.Expect.Carry[component], map[string]string{}
		state := c.out.After.Binary[component]
		err := state.Each(func(id string, left, right []commission.Carry) error {
			have[id] = c.carried(component, left) + "/" + c.carried(component, right)
			return nil
		})
		if err != nil {
			return fmt.Errorf("carry of %s: %w", component, err)
		}
		expected := map[string]string{}
		for id, text := range want {
			if text != "0/0" {
				expected[id] = text
			}
		}
		r.same(place+", carry of "+component, expected, have)
	}
	return nil
}

// carried is what is left on one leg, all ages together, in the unit of the component's base.
func (c *closer) carried(component string, leg []commission.Carry) string {
	var sum int64
	for _, part := range leg {
		sum += part.Volume
	}
	for i := range c.file.plan.Components {
		if k := &c.file.plan.Components[i]; k.ID == component && k.Base == plan.BaseNet && sum != 0 {
			return money.FormatMinor(sum, c.out.Currency())
		}
	}
	return money.Volume(sum).String()
}

// compareReentries compares which positions' matrices are complete, each giving its owner a new one.
func (c *closer) compareReentries(r *report, place string) {
	expected, have := map[string]string{}, map[string]string{}
	for component, positions := range c.told.Expect.Reentries {
		for _, id := range positions {
			expected[component+" "+id] = "complete"
		}
	}
	for _, entry := range c.out.Reentries() {
		have[c.file.plan.Components[entry.Component].ID+" "+entry.Position] = "complete"
	}
	r.same(place+", re-entries", expected, have)
}
