package scenario

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
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
	w.closes = closes{state: map[string]commission.State{}, ranks: map[string]standing{}}
	for i := range w.file.Periods {
		told := &w.file.Periods[i]
		span, err := calendar.Parse(told.Period)
		if err != nil {
			return fmt.Errorf("period %s: %w", told.Period, err)
		}
		c := &closer{world: w, told: told, span: span, calendar: calendar}
		err = c.run()
		if err != nil || told.Expect.Waits != "" {
			r.waits("period "+told.Period, told.Expect.Waits, err)
			continue
		}
		if err := c.compare(r); err != nil {
			return fmt.Errorf("period %s: %w", told.Period, err)
		}
		c.leave()
	}
	return nil
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
		Before: c.closes.state[c.span.Kind],
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

// earned is what people have by components that are paid per order or were closed before, from orders of this period.
func (c *closer) earned() [][]int64 {
	out := make([][]int64, len(c.file.plan.Components))
	for _, h := range c.orders {
		if h.input.OrderTS < c.span.From || h.input.OrderTS >= c.span.To || h.input.Currency != c.file.plan.PeriodCurrency() {
			continue
		}
		for _, b := range h.balances {
			index := slices.IndexFunc(c.file.plan.Components, func(k plan.Component) bool { return k.ID == b.Key.ComponentID })
			if b.Key.Kind != ledger.Earning || index < 0 {
				continue
			}
			if out[index] == nil {
				out[index] = make([]int64, len(c.crowd.ids))
			}
			if who, known := c.crowd.number[b.Key.DistributorID]; known {
				out[index][who] += b.AmountMinor
			}
		}
	}
	return out
}

// leave keeps what the next close begins with.
func (c *closer) leave() {
	c.closes.state[c.span.Kind] = c.out.After
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

// crowd is everybody as of one instant, by number.
type crowd struct {
	ids    []string
	number map[string]int32
	people period.People
	trees  [2]period.Tree // sponsor, enroller
	places period.Positions
}

// people numbers everybody who is in the tree then, sponsors first.
func (w *world) people(at int64) (*crowd, error) {
	snapshot, err := w.tree.Snapshot(genealogy.AsOf{At: at, Version: version})
	if err != nil {
		return nil, err
	}
	c := &crowd{number: map[string]int32{}}
	n := int32(snapshot.Len())
	c.people = period.People{
		Count: n, ID: func(i int32) genealogy.DistributorID { return c.ids[i] },
		Status: make([]genealogy.Status, n), Rank: make([]int8, n), Title: make([]int8, n), PaidAs: make([]int8, n),
		Missed: make([]uint8, n), Met: make([]uint8, n), MetRank: make([]int8, n), EnrolledAt: make([]int64, n),
		Country: make([]uint16, n), Autoship: make([]bool, n),
	}
	for i := range n {
		p := snapshot.Person(i)
		c.ids, c.number[p.ID] = append(c.ids, p.ID), i
		if err := w.person(c, i, &p); err != nil {
			return nil, fmt.Errorf("person %s: %w", p.ID, err)
		}
	}
	c.trees[0] = period.Tree{Parent: snapshot.Parents()}
	if c.trees[1], err = w.enrollers(c, at); err != nil {
		return nil, err
	}
	return c, w.positions(c, at)
}

// person fills in the columns of one person.
func (w *world) person(c *crowd, i int32, p *genealogy.Person) error {
	c.people.Status[i], c.people.EnrolledAt[i] = p.Status, period.Unknown
	rank, known := w.file.plan.Rank(p.Rank)
	if !known {
		return &commission.UnknownRank{DistributorID: p.ID, Rank: p.Rank}
	}
	c.people.Rank[i] = int8(rank)
	before := standing{}
	for j := range w.file.People {
		told := &w.file.People[j]
		if told.ID != p.ID || told.Owner != "" {
			continue
		}
		if err := before.told(told, w.file.plan); err != nil {
			return err
		}
		if told.Enrolled != "" {
			at, err := day(told.Enrolled)
			if err != nil {
				return err
			}
			c.people.EnrolledAt[i] = at
		}
		if told.Country != "" {
			c.people.Country[i] = w.country(told.Country)
		}
		c.people.Autoship[i] = c.people.Autoship[i] || told.Autoship
	}
	if s, known := w.closes.ranks[p.ID]; known {
		before = s
	}
	c.people.Title[i], c.people.PaidAs[i], c.people.Missed[i], c.people.Met[i] = before.title, before.held, before.missed, before.met
	c.people.MetRank[i] = before.metRank
	return nil
}

// told reads what the file says of earlier periods.
func (s *standing) told(p *person, rules *plan.Plan) error {
	for _, part := range []struct {
		text string
		into *int8
	}{{p.Title, &s.title}, {p.PaidAs, &s.held}} {
		rank, known := rules.Rank(part.text)
		if !known {
			return &commission.UnknownRank{DistributorID: p.ID, Rank: part.text}
		}
		if part.text != "" {
			*part.into = int8(rank)
		}
	}
	s.title = max(s.title, s.held)
	for _, part := range []struct {
		name, text string
		into       *uint8
	}{{"missed", p.Missed, &s.missed}, {"met", p.Met, &s.met}} {
		if part.text == "" {
			continue
		}
		n, err := strconv.ParseUint(part.text, 10, 8)
		if err != nil {
			return fmt.Errorf("%s: %q is no number of periods", part.name, part.text)
		}
		*part.into = uint8(n)
	}
	if s.met > 0 {
		s.metRank = s.title
	}
	return nil
}

// day reads a date or an instant.
func day(text string) (int64, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at.UnixMicro(), nil
	}
	return instant(text, 0)
}

// country numbers a country; 0 is the first one named, which nobody minds where none is asked for.
func (w *world) country(name string) uint16 {
	i := slices.Index(w.countries, name)
	if i < 0 {
		i = len(w.countries)
		w.countries = append(w.countries, name)
	}
	return uint16(i)
}

// enrollers is the enroller tree: whoever names none is enrolled by the sponsor.
func (w *world) enrollers(c *crowd, at int64) (period.Tree, error) {
	parents := slices.Clone(c.trees[0].Parent)
	own := false
	for j := range w.file.People {
		told := &w.file.People[j]
		who, known := c.number[told.ID]
		from, err := instant(told.From, genealogy.Beginning)
		if err != nil {
			return period.Tree{}, err
		}
		if told.Enroller == nil || !known || from > at {
			continue
		}
		parents[who], own = period.Nobody, true
		if *told.Enroller != "" {
			if parents[who], known = c.number[*told.Enroller]; !known {
				return period.Tree{}, fmt.Errorf("person %s: enroller %s is not in the tree", told.ID, *told.Enroller)
			}
		}
	}
	if !own {
		return c.trees[0], nil
	}
	order, err := topDown(parents, c.ids)
	return period.Tree{Parent: parents, Order: order}, err
}

// topDown orders everybody with parents before children.
func topDown(parents []int32, ids []string) ([]int32, error) {
	var out []int32
	placed := make([]bool, len(parents))
	for len(out) < len(parents) {
		before := len(out)
		for i, parent := range parents {
			if !placed[i] && (parent < 0 || placed[parent]) {
				placed[i], out = true, append(out, int32(i))
			}
		}
		if len(out) == before {
			stuck := slices.Index(placed, false)
			return nil, fmt.Errorf("person %s: the enrollers go round in a ring", ids[stuck])
		}
	}
	return out, nil
}

// worldOf is one period of the crowd.
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
	w.Sales, w.Classes = c.sales(span)
	w.Countries = c.countries
	return w, nil
}

// sales are the lines of orders placed in the span, as they now stand.
func (c *closer) sales(span period.Period) (period.List, []string) {
	var out period.List
	var classes []string
	customers, first := map[string]int32{}, c.firstOrders()
	for number, id := range slices.Sorted(maps.Keys(c.orders)) {
		in, o := &c.orders[id].input, c.orders[id]
		if len(in.Lines) == 0 || in.OrderTS < span.From || in.OrderTS >= span.To {
			continue
		}
		sale := period.Sale{
			Seller: c.numberOf(in.Attribution.DistributorID), Buyer: c.numberOf(in.Buyer), Customer: period.Nobody, Order: int32(number),
			First: first[o.told.Buyer] == id, At: in.OrderTS,
		}
		if country := cmp.Or(o.told.Country, c.file.Country); country != "" {
			sale.Country = c.country(country)
		}
		if in.Buyer == "" && o.told.Buyer != "" {
			if _, known := customers[o.told.Buyer]; !known {
				customers[o.told.Buyer] = int32(len(customers))
			}
			sale.Customer = customers[o.told.Buyer]
		}
		for _, line := range in.Lines {
			if !slices.Contains(classes, line.CommissionClass) {
				classes = append(classes, line.CommissionClass)
			}
			sale.Class = uint16(slices.Index(classes, line.CommissionClass))
			sale.Quantity, sale.Net, sale.CV, sale.QV = line.Quantity, line.NetMinor, line.CV, line.QV
			out = append(out, sale)
		}
	}
	return out, classes
}

func (c *closer) numberOf(id string) int32 {
	if who, known := c.crowd.number[id]; known && id != "" {
		return who
	}
	return period.Nobody
}

// firstOrders is every buyer's first counted order.
func (c *closer) firstOrders() map[string]string {
	first := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(c.orders)) {
		h := c.orders[id]
		if len(h.input.Lines) == 0 || h.told.Buyer == "" {
			continue
		}
		if other, known := first[h.told.Buyer]; !known || h.input.OrderTS < c.orders[other].input.OrderTS {
			first[h.told.Buyer] = id
		}
	}
	return first
}

// positions are the places as of then; the first one of an owner is where the owner's own sales count.
func (w *world) positions(c *crowd, at int64) error {
	p, err := w.file.placeAll(at, &report{})
	if err != nil || p == nil {
		return err
	}
	columns := p.tree.Columns()
	c.places = period.Positions{
		Parent: columns.Parent, Leg: columns.Leg, Since: columns.Since, Primary: make([]int32, len(c.ids)),
		ID: func(i int32) string { return p.tree.ID(columns.Position[i]) },
	}
	for i := range c.places.Primary {
		c.places.Primary[i] = period.Nobody
	}
	for i, position := range columns.Position {
		owner, known := c.number[p.tree.Owner(position)]
		if !known {
			return fmt.Errorf("position %s: its owner %s is not in the tree", p.tree.ID(position), p.tree.Owner(position))
		}
		c.places.Owner = append(c.places.Owner, owner)
		if columns.Owner[i] == int32(i) {
			c.places.Primary[owner] = int32(i)
		}
	}
	return nil
}
