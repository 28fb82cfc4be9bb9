package scenario

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// closed is one period to close, after all orders are told.
type closed struct {
	Period    string         `json:"period"` // 2026-03, 2026-W10, 2026-03-09 or 2026-Q1
	Overrides []rankOverride `json:"overrides"`
	Expect    closedOutcome  `json:"expect"`
}

// rankOverride is a rank given by hand for one period.
type rankOverride struct {
	Person  string `json:"person"`
	Rank    string `json:"rank"`
	AtLeast bool   `json:"at_least"`
}

// closes is what one close leaves behind for the next.
type closes struct {
	state map[string]commission.State // by length of period
	ranks map[string]standing
	begun map[string]closes                      // by period: what its close began with
	taken map[string]map[string]commission.Input // by length of period and order: as it counted
	paid  map[string]paid                        // by period
}

// paid is what one period pays, as the ledger has it: with its last instant.
type paid struct {
	at   int64
	list []commission.Settled
}

// standing is where somebody stands between two qualification periods.
type standing struct {
	title, held int8
	missed, met uint8
	metRank     int8
}

// closePeriods closes the file's periods in its order.
func (w *world) closePeriods(r *report) error {
	if len(w.file.Periods) == 0 {
		return nil
	}
	calendar, err := w.calendar()
	if err != nil {
		return err
	}
	w.closes = closes{
		state: map[string]commission.State{}, ranks: map[string]standing{}, begun: map[string]closes{},
		taken: map[string]map[string]commission.Input{}, paid: map[string]paid{},
	}
	for i := range w.file.Periods {
		told := &w.file.Periods[i]
		span, err := calendar.Parse(told.Period)
		if err != nil {
			return fmt.Errorf("period %s: %w", told.Period, err)
		}
		c := &closer{world: w, told: told, span: span, calendar: calendar}
		again, err := c.begin()
		if err != nil {
			return err
		}
		err = c.run()
		if err != nil || told.Expect.Waits != "" {
			r.waits("period "+told.Period, told.Expect.Waits, err)
			delete(w.closes.begun, span.ID)
			continue
		}
		if err := c.compare(r); err != nil {
			return fmt.Errorf("period %s: %w", told.Period, err)
		}
		c.leave()
		if again {
			continue
		}
		if err := w.tell(told.Period, r); err != nil {
			return err
		}
	}
	return nil
}

// begin takes a period that is closed again back to where its first close began.
func (c *closer) begin() (again bool, err error) {
	first, again := c.closes.begun[c.span.ID]
	switch {
	case !again:
		c.closes.begun[c.span.ID] = closes{state: maps.Clone(c.closes.state), ranks: maps.Clone(c.closes.ranks)}
	case c.file.plan.Periods.Late != plan.LateRestate:
		return true, fmt.Errorf("period %s is closed already: only periods: {late: restate} closes it again", c.span.ID)
	default:
		c.closes.state[c.span.Kind], c.closes.ranks = first.state[c.span.Kind], maps.Clone(first.ranks)
	}
	return again, nil
}

func (w *world) calendar() (period.Calendar, error) {
	zone := cmp.Or(w.file.plan.Periods.TimeZone, "UTC")
	place, err := time.LoadLocation(zone)
	if err != nil {
		return period.Calendar{}, fmt.Errorf("periods.time_zone: %w", err)
	}
	return period.NewCalendar(place, w.file.plan.Periods.WeekStarts)
}

// closer is the close of one period.
type closer struct {
	*world
	told      *closed
	span      period.Period
	calendar  period.Calendar
	crowd     *crowd
	standings *period.Standings
	out       *commission.Closing
}

// run qualifies everybody and closes. What a person is paid as is that of the qualification period at whose end, or in
// whose middle, this period ends.
func (c *closer) run() error {
	var err error
	if c.crowd, err = c.people(c.span.To - 1); err != nil {
		return err
	}
	qualifying, err := c.calendar.At(c.file.plan.Qualification.Period, c.span.To-1)
	if err != nil {
		return err
	}
	qualifying.To = c.span.To
	w, err := c.worldOf(qualifying)
	if err != nil {
		return err
	}
	if c.standings, err = period.Qualify(w, c.file.plan, period.Serial); err != nil {
		return err
	}
	if w, err = c.worldOf(c.span); err != nil {
		return err
	}
	c.out, err = commission.Close(commission.CloseInput{
		World: w, Standings: c.standings, TreeVersion: version, Meets: c.standings.Tester().Meets, Earned: c.earned(),
		Before: c.closes.state[c.span.Kind], Place: c.calendar.Place(),
	}, c.file.plan)
	if err != nil {
		return err
	}
	return c.prove()
}

// prove recomputes every award from its trace, as the books do.
func (c *closer) prove() error {
	awards := c.out.Awards()
	for i := range awards {
		trace, err := c.out.Trace(nil, &awards[i])
		if err != nil {
			return err
		}
		if _, err := commission.RecomputeAward(trace); err != nil {
			return err
		}
	}
	return nil
}

// earned is what people have by components that are paid per order, from orders of this period, or in other periods that
// end within it and were closed before.
func (c *closer) earned() [][]int64 {
	out := make([][]int64, len(c.file.plan.Components))
	add := func(component, person string, minor int64) {
		index := slices.IndexFunc(c.file.plan.Components, func(k plan.Component) bool { return k.ID == component })
		if index < 0 {
			return
		}
		if out[index] == nil {
			out[index] = make([]int64, len(c.crowd.ids))
		}
		if who, known := c.crowd.number[person]; known {
			out[index][who] += minor
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.closes.paid)) {
		if p := c.closes.paid[id]; id != c.span.ID && p.at >= c.span.From && p.at < c.span.To {
			for i := range p.list {
				if s := &p.list[i]; !s.Breakage {
					add(s.ComponentID, s.DistributorID, s.AmountMinor)
				}
			}
		}
	}
	for _, h := range c.orders {
		if h.input.OrderTS < c.span.From || h.input.OrderTS >= c.span.To || h.input.Currency != c.file.plan.PeriodCurrency() {
			continue
		}
		for _, b := range h.balances {
			if b.Key.Kind == ledger.Earning {
				add(b.Key.ComponentID, b.Key.DistributorID, b.AmountMinor)
			}
		}
	}
	return out
}

// leave keeps what the next close begins with.
func (c *closer) leave() {
	c.closes.state[c.span.Kind] = c.out.After
	c.closes.paid[c.span.ID] = paid{c.span.To - 1, c.out.Settled()}
	if c.closes.taken[c.span.Kind] == nil {
		c.closes.taken[c.span.Kind] = map[string]commission.Input{}
	}
	for id, h := range c.orders {
		c.closes.taken[c.span.Kind][id] = h.input
	}
	if c.span.Kind != c.file.plan.Qualification.Period {
		return
	}
	s := c.standings
	for i, id := range c.crowd.ids {
		c.closes.ranks[id] = standing{
			title: s.Title[i], held: s.Held[i], missed: s.Missed[i], met: s.Met[i], metRank: s.MetRank[i],
		}
	}
}

func (c *closer) worldOf(span period.Period) (*period.World, error) {
	w := &period.World{
		Period: span, People: c.crowd.people, Sponsor: c.crowd.trees[0], Enroller: c.crowd.trees[1], Positions: c.crowd.places,
		Currency: c.file.plan.PeriodCurrency(),
	}
	for _, told := range c.told.Overrides {
		who, known := c.crowd.number[told.Person]
		rank, ranked := c.file.plan.Rank(told.Rank)
		if !known || !ranked {
			return nil, fmt.Errorf("override of %s: there is no such person, or no rank %s", told.Person, told.Rank)
		}
		w.People.Overrides = append(w.People.Overrides, period.Override{
			Person: who, Rank: int8(rank), Floor: told.AtLeast, Reason: "by hand",
		})
	}
	slices.SortFunc(w.People.Overrides, func(a, b period.Override) int { return cmp.Compare(a.Person, b.Person) })
	var err error
	w.Sales, w.Classes, err = c.sales(span)
	w.Countries = c.countries
	return w, err
}
