package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// History is what a plan is tried on.
type History struct {
	From, To time.Time
	Sales    []Sale // nil: the program's stored ones
}

// Side is what one plan pays on a history. Amounts are by currency, since an order pays in its shop's own.
type Side struct {
	Plan       string          `json:"plan"`
	PlanHash   string          `json:"plan_hash"`
	Components []SideComponent `json:"components"`
	Sums       []SideSum       `json:"sums"`
	Periods    []string        `json:"periods"` // that were closed in it

	books  *played
	people map[personCurrency]int64
}

// SideComponent is what one component pays in one currency.
type SideComponent struct {
	ComponentID string `json:"component_id"`
	Type        string `json:"type"`
	Period      string `json:"period"`
	Currency    string `json:"currency"`
	Earned      string `json:"earned"`
	Breakage    string `json:"breakage"`

	earned, breakage int64
}

// SideSum is everything in one currency.
type SideSum struct {
	Currency   string `json:"currency"`
	Net        string `json:"net"` // of the sales in it
	Earned     string `json:"earned"`
	Breakage   string `json:"breakage"`
	ShareOfNet string `json:"share_of_net,omitempty"`

	net, earned, breakage int64
}

type personCurrency struct {
	person   string
	currency money.Currency
}

// Shift is one person's difference.
type Shift struct {
	DistributorID string `json:"distributor_id"`
	Before        string `json:"before"`
	After         string `json:"after"`
	Difference    string `json:"difference"`

	minor int64
}

// Bar is one bar of a histogram: people whose difference is from From to below To.
type Bar struct {
	From   string `json:"from"`
	To     string `json:"to"`
	People int64  `json:"people"`
}

// Comparison is how everybody fares in one currency.
type Comparison struct {
	Currency   string  `json:"currency"`
	Winners    int64   `json:"winners"`
	Losers     int64   `json:"losers"`
	Same       int64   `json:"same"`
	Difference string  `json:"difference"`
	TopWinners []Shift `json:"top_winners"`
	TopLosers  []Shift `json:"top_losers"`
	Histogram  []Bar   `json:"histogram"`
}

// Simulation compares what a draft would have paid with what the plan in force would have.
type Simulation struct {
	From        time.Time    `json:"from"`
	To          time.Time    `json:"to"`
	Orders      int64        `json:"orders"`
	CV          money.Volume `json:"cv"`
	Now         *Side        `json:"now"`
	Draft       *Side        `json:"draft"`
	Comparisons []Comparison `json:"comparisons"`
}

const microsPerDay = 24 * 60 * 60 * 1_000_000

// topShifts is how many winners and losers a simulation names.
const topShifts = 20

// Simulate pays a history by a draft and by the plan in force at its end, order by order and period by period, and
// compares. Both see the people and trees as they are recorded now, and begin with the ranks and carried volumes of the
// period before, as far as it is committed. Nothing is written.
func (s *Service) Simulate(ctx context.Context, program string, draft *plan.Plan, h History) (*Simulation, error) {
	if !h.From.Before(h.To) {
		return nil, server.Errorf(server.Invalid, "The history ends before it begins.")
	}
	sortSales(h.Sales)
	set, err := s.setting(ctx, program)
	if err != nil {
		return nil, err
	}
	inForce, err := set.planAt(h.To.UnixMicro() - 1)
	if err != nil {
		return nil, err
	}
	head, err := s.Books.Head(ctx, program)
	if err != nil {
		return nil, err
	}
	out := &Simulation{From: h.From, To: h.To}
	for _, side := range []struct {
		plan *plan.Plan
		into **Side
	}{{inForce, &out.Now}, {draft, &out.Draft}} {
		m := &simulator{service: s, program: program, set: &set, head: head, history: &h, plan: side.plan, out: out}
		if *side.into, err = m.run(ctx); err != nil {
			return nil, fmt.Errorf("simulate plan %s: %w", side.plan.Name, err)
		}
	}
	out.compare()
	return out, nil
}

// simulator pays one history by one plan.
type simulator struct {
	service *Service
	program string
	set     *setting
	head    Head
	history *History
	plan    *plan.Plan
	out     *Simulation
	side    *Side
	tree    *genealogy.Tree
	upline  []genealogy.Person

	enrolled map[string]int64
	enroller map[string]string // of those who have one other than the sponsor
	place    *time.Location
}

func (m *simulator) run(ctx context.Context) (side *Side, err error) {
	m.side = &Side{
		Plan: m.plan.Name, PlanHash: m.plan.Hash(), books: newPlayed(m.service.Books, m.plan, m.history), people: map[personCurrency]int64{}, Periods: []string{},
	}
	if m.tree, err = m.service.Books.TreeAt(ctx, m.program, m.head.TreeVersion); err != nil {
		return nil, err
	}
	if err := m.readPeople(ctx); err != nil {
		return nil, err
	}
	if err := m.orders(ctx); err != nil {
		return nil, err
	}
	if err := m.periods(ctx); err != nil {
		return nil, err
	}
	m.side.finish()
	return m.side, nil
}

// orders pays every order.
func (m *simulator) orders(ctx context.Context) error {
	m.out.Orders, m.out.CV = 0, 0
	var lines []Sale
	flush := func() error {
		if len(lines) == 0 {
			return nil
		}
		m.out.Orders++
		err := m.order(lines)
		lines = lines[:0]
		return err
	}
	days := 0 // told so far
	span := Span{From: m.history.From.UnixMicro(), To: m.history.To.UnixMicro(), UpTo: m.head.SalesSequence}
	err := m.side.books.LinesOfSales(ctx, m.program, span, func(s *Sale) error {
		if len(lines) > 0 && lines[0].Source != s.Source {
			if err := flush(); err != nil {
				return err
			}
		}
		lines = append(lines, *s)
		if day := int((s.OrderTS - span.From) / microsPerDay); day >= days && m.service.Progress != nil {
			days = day + 1
			if err := m.service.Progress(StageOrders, day, int((span.To-span.From)/microsPerDay)); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return flush()
}

func (m *simulator) order(lines []Sale) error {
	in, err := m.input(lines)
	if err != nil || in.Attribution.DistributorID == "" {
		return err
	}
	result, err := commission.Calculate(in, m.plan)
	if err != nil {
		return err
	}
	for i := range result.Events {
		e := &result.Events[i]
		index := slices.IndexFunc(m.plan.Components, func(c plan.Component) bool { return c.ID == e.ComponentID })
		if err := m.side.add(&m.plan.Components[index], in.Currency, e.DistributorID, e.Breakage, e.AmountMinor); err != nil {
			return err
		}
		if !e.Breakage {
			m.side.books.earn(in.OrderTS, Earned{e.ComponentID, e.DistributorID, in.Currency, e.AmountMinor})
		}
	}
	return nil
}

// input is an order as its sales tell it.
func (m *simulator) input(lines []Sale) (commission.Input, error) {
	first := &lines[0]
	storeID, number, _ := strings.Cut(first.Source, "/")
	in := commission.Input{
		Source: order.Source{StoreID: storeID, PlatformOrderID: number}, OrderTS: first.OrderTS, Currency: first.Currency, Buyer: first.BuyerID,
		Attribution: order.Attribution{DistributorID: first.SellerID},
		Pins:        commission.Pins{PlanHash: m.plan.Hash(), TreeVersion: m.head.TreeVersion, EngineVersion: commission.EngineVersion},
	}
	sum := m.side.sum(first.Currency)
	for i := range lines {
		s := &lines[i]
		in.Lines = append(in.Lines, commission.Line{
			LineID: strconv.Itoa(i + 1), CommissionClass: s.Class, Quantity: s.Quantity, NetMinor: s.NetMinor, CV: s.CV, QV: s.QV,
		})
		var err error
		if sum.net, err = money.Add(sum.net, s.NetMinor); err != nil {
			return in, err
		}
		cv, err := money.Add(int64(m.out.CV), int64(s.CV))
		if err != nil {
			return in, err
		}
		m.out.CV = money.Volume(cv)
	}
	if in.Attribution.DistributorID == "" {
		return in, nil
	}
	var err error
	m.upline, err = m.tree.Upline(m.upline[:0], first.SellerID, genealogy.AsOf{At: first.OrderTS, Version: m.head.TreeVersion}, 0)
	if err != nil {
		return in, err
	}
	in.Upline = m.upline
	return in, m.needs(&in)
}

// periods closes every period that lies whole in the history, in the order in which they end.
func (m *simulator) periods(ctx context.Context) error {
	calendar, err := m.set.calendar(m.plan)
	if err != nil {
		return err
	}
	var jobs []*job
	for _, kind := range kindsOf(m.plan) {
		for at := m.history.From.UnixMicro(); at < m.history.To.UnixMicro(); {
			p, err := calendar.At(kind, at)
			if err != nil {
				return err
			}
			if at = p.To; p.From >= m.history.From.UnixMicro() && p.To <= m.history.To.UnixMicro() {
				jobs = append(jobs, &job{
					program: m.program, period: p, calendar: calendar, plan: m.plan, progress: m.service.Progress,
					pins: Pins{PlanHash: m.plan.Hash(), TreeVersion: m.head.TreeVersion, SalesSequence: m.head.SalesSequence, BatchSequence: m.head.BatchSequence},
				})
			}
		}
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return cmp.Compare(a.period.To, b.period.To) }) // of those that end together the shorter first
	played := *m.service
	played.Books = m.side.books
	for _, j := range jobs {
		r, err := played.compute(ctx, j)
		if err != nil {
			return fmt.Errorf("period %s: %w", j.period.ID, err)
		}
		if err := m.takeIn(r); err != nil {
			return err
		}
		m.side.Periods = append(m.side.Periods, j.period.ID)
	}
	return nil
}

func (m *simulator) takeIn(r *result) error {
	for i := range r.wants {
		w := &r.wants[i]
		index := slices.IndexFunc(m.plan.Components, func(c plan.Component) bool { return c.ID == w.Key.ComponentID })
		err := m.side.add(&m.plan.Components[index], w.Key.Currency, w.Key.DistributorID, w.Key.Kind == ledger.Breakage, w.AmountMinor)
		if err != nil {
			return err
		}
	}
	return m.side.books.remember(r)
}

func (s *Side) sum(currency money.Currency) *SideSum {
	at := slices.IndexFunc(s.Sums, func(sum SideSum) bool { return sum.Currency == string(currency) })
	if at < 0 {
		at = len(s.Sums)
		s.Sums = append(s.Sums, SideSum{Currency: string(currency)})
	}
	return &s.Sums[at]
}

// add counts one amount.
func (s *Side) add(c *plan.Component, currency money.Currency, person string, breakage bool, minor int64) error {
	at := slices.IndexFunc(s.Components, func(k SideComponent) bool { return k.ComponentID == c.ID && k.Currency == string(currency) })
	if at < 0 {
		at = len(s.Components)
		s.Components = append(s.Components, SideComponent{ComponentID: c.ID, Type: c.Type, Period: c.Period, Currency: string(currency)})
	}
	component, sum := &s.Components[at], s.sum(currency)
	into := []*int64{&component.breakage, &sum.breakage}
	if !breakage {
		into = []*int64{&component.earned, &sum.earned}
	}
	for _, f := range into {
		var err error
		if *f, err = money.Add(*f, minor); err != nil {
			return err
		}
	}
	if breakage {
		return nil
	}
	k := personCurrency{person, currency}
	have, err := money.Add(s.people[k], minor)
	s.people[k] = have
	return err
}

// finish sorts and writes the amounts out.
func (s *Side) finish() {
	slices.SortFunc(s.Sums, func(a, b SideSum) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortStableFunc(s.Components, func(a, b SideComponent) int {
		return cmp.Or(cmp.Compare(a.ComponentID, b.ComponentID), cmp.Compare(a.Currency, b.Currency))
	})
	for i := range s.Components {
		c := &s.Components[i]
		c.Earned, c.Breakage = money.FormatMinor(c.earned, money.Currency(c.Currency)), money.FormatMinor(c.breakage, money.Currency(c.Currency))
	}
	for i := range s.Sums {
		sum := &s.Sums[i]
		currency := money.Currency(sum.Currency)
		sum.Net, sum.Earned, sum.Breakage = money.FormatMinor(sum.net, currency), money.FormatMinor(sum.earned, currency), money.FormatMinor(sum.breakage, currency)
		if sum.net > 0 {
			sum.ShareOfNet = percent(sum.earned, sum.net)
		}
	}
}

// compare finds winners and losers.
func (o *Simulation) compare() {
	byCurrency := map[string][]Shift{}
	all := map[personCurrency]bool{}
	for _, side := range []*Side{o.Now, o.Draft} {
		for k := range side.people {
			all[k] = true
		}
	}
	for k := range all {
		before, after := o.Now.people[k], o.Draft.people[k]
		byCurrency[string(k.currency)] = append(byCurrency[string(k.currency)], Shift{
			DistributorID: k.person, Before: money.FormatMinor(before, k.currency), After: money.FormatMinor(after, k.currency),
			Difference: money.FormatMinor(after-before, k.currency), minor: after - before,
		})
	}
	o.Comparisons = []Comparison{}
	for _, currency := range sorted(byCurrency) {
		o.Comparisons = append(o.Comparisons, compareShifts(money.Currency(currency), byCurrency[currency]))
	}
}

func compareShifts(currency money.Currency, shifts []Shift) Comparison {
	slices.SortFunc(shifts, func(a, b Shift) int {
		return cmp.Or(cmp.Compare(b.minor, a.minor), cmp.Compare(a.DistributorID, b.DistributorID))
	})
	c := Comparison{Currency: string(currency), TopWinners: []Shift{}, TopLosers: []Shift{}}
	var sum int64
	for i := range shifts {
		sum += shifts[i].minor // Both sides' sums fit.
		switch {
		case shifts[i].minor > 0:
			c.Winners++
		case shifts[i].minor < 0:
			c.Losers++
		default:
			c.Same++
		}
	}
	c.Difference = money.FormatMinor(sum, currency)
	c.TopWinners = append(c.TopWinners, shifts[:min(topShifts, int(c.Winners))]...)
	for i := len(shifts) - 1; i >= len(shifts)-min(topShifts, int(c.Losers)); i-- {
		c.TopLosers = append(c.TopLosers, shifts[i])
	}
	c.Histogram = histogram(currency, shifts)
	return c
}

// histogram counts people by their difference in at most a dozen bars of one round width; 0 begins a bar.
func histogram(currency money.Currency, shifts []Shift) []Bar {
	if len(shifts) == 0 {
		return []Bar{}
	}
	const bars = 10
	most, least := shifts[0].minor, shifts[len(shifts)-1].minor // They are sorted.
	width := int64(1)
	for scale := int64(1); ; scale *= 10 {
		done := false
		for _, step := range []int64{1, 2, 5} {
			if width = scale * step; (most-least)/width < bars {
				done = true
				break
			}
		}
		if done || scale > (1<<62)/10 {
			break
		}
	}
	first := floorDiv(least, width)
	out := make([]Bar, floorDiv(most, width)-first+1)
	for i := range out {
		from := (first + int64(i)) * width
		out[i].From, out[i].To = money.FormatMinor(from, currency), money.FormatMinor(from+width, currency)
	}
	for i := range shifts {
		out[floorDiv(shifts[i].minor, width)-first].People++
	}
	return out
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Range reads a span of time: one period such as 2026-03, or two with dots between such as 2026-01..2026-03 or
// 2026-01-01..2026-03-15, both included, by the clocks of the plan in force.
func (s *Service) Range(ctx context.Context, program, text string) (from, to time.Time, err error) {
	set, err := s.setting(ctx, program)
	if err != nil {
		return from, to, err
	}
	first, last, two := strings.Cut(text, "..")
	if !two {
		last = first
	}
	begin, _, _, err := set.find("", first, s.Clock().UnixMicro())
	if err != nil {
		return from, to, err
	}
	end, _, _, err := set.find("", last, s.Clock().UnixMicro())
	if err != nil {
		return from, to, err
	}
	if begin.From >= end.To {
		return from, to, server.Errorf(server.Invalid, "%s ends before it begins.", text)
	}
	return time.UnixMicro(begin.From).UTC(), time.UnixMicro(end.To).UTC(), nil
}

// Sales gives what a program sold in a span of time, as known now, the lines of one order together.
func (s *Service) Sales(ctx context.Context, program string, from, to time.Time, fn func(*Sale) error) error {
	head, err := s.Books.Head(ctx, program)
	if err != nil {
		return err
	}
	return s.Books.LinesOfSales(ctx, program, Span{From: from.UnixMicro(), To: to.UnixMicro(), UpTo: head.SalesSequence}, fn)
}

// Whole widens a span to whole periods of all lengths by which a plan settles, since half a month is no month.
func (s *Service) Whole(ctx context.Context, program string, p *plan.Plan, from, to time.Time) (time.Time, time.Time, error) {
	set, err := s.setting(ctx, program)
	if err != nil {
		return from, to, err
	}
	calendar, err := set.calendar(p)
	if err != nil {
		return from, to, err
	}
	begin, end := from.UnixMicro(), to.UnixMicro()+1
	for _, kind := range append([]string{plan.Daily}, kindsOf(p)...) {
		first, err := calendar.At(kind, from.UnixMicro())
		if err != nil {
			return from, to, err
		}
		last, err := calendar.At(kind, to.UnixMicro())
		if err != nil {
			return from, to, err
		}
		begin, end = min(begin, first.From), max(end, last.To)
	}
	return time.UnixMicro(begin).UTC(), time.UnixMicro(end).UTC(), nil
}
