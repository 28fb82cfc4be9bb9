package commission

import (
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
)

// Settled is one amount of a closing as it is to be booked: what somebody has by a component, or breakage. Source names
// the component's period, or, for what a cap takes from earnings that were booked before, the cap's.
type Settled struct {
	Source        string
	ComponentID   string
	DistributorID string // "" for breakage that would have been no one person's
	Breakage      bool
	AmountMinor   int64 // never 0
}

// PeriodSource is the source of all that a component pays in a period.
func PeriodSource(componentID, periodID string) string {
	return "period:" + componentID + "/" + periodID
}

// CapSource is the source of what a cap takes from earnings that were booked before the period was closed.
func CapSource(capID, periodID string) string { return "period:cap/" + capID + "/" + periodID }

// Sources are those under which the closing books, in a fixed order: whatever else stands under them is out of date.
func (o *Closing) Sources() []string {
	var out []string
	c := o.closing
	for i := range c.plan.Components {
		if o.Closes(int32(i)) {
			out = append(out, PeriodSource(c.plan.Components[i].ID, c.world.Period.ID))
		}
	}
	for i := range c.plan.Caps {
		if c.plan.CapPeriod(&c.plan.Caps[i]) == c.world.Period.Kind {
			out = append(out, CapSource(c.plan.Caps[i].ID, c.world.Period.ID))
		}
	}
	return out
}

// Settled is everything to be booked. What a cap takes from an award of this closing is booked with the award: the rest
// is earned and the cut is breakage. What it takes from older earnings is a negative earning and the same breakage.
func (o *Closing) Settled() []Settled {
	var out []Settled
	c := o.closing
	add := func(source string, component, person int32, breakage bool, amount int64) {
		if amount == 0 {
			return
		}
		s := Settled{Source: source, ComponentID: c.plan.Components[component].ID, Breakage: breakage, AmountMinor: amount}
		if person != period.Nobody {
			s.DistributorID = o.id(person)
		}
		out = append(out, s)
	}
	for component := range o.books {
		source := PeriodSource(c.plan.Components[component].ID, c.world.Period.ID)
		for i := range o.books[component].awards {
			award := &o.books[component].awards[i]
			add(source, award.Component, award.Person, false, award.PaidMinor())
		}
		for _, lost := range o.books[component].lost {
			add(source, lost.Component, lost.Person, true, lost.AmountMinor)
		}
	}
	for _, cut := range o.cuts {
		source := PeriodSource(c.plan.Components[cut.Component].ID, c.world.Period.ID)
		if !o.Closes(cut.Component) {
			source = CapSource(c.plan.Caps[cut.Cap].ID, c.world.Period.ID)
			add(source, cut.Component, cut.Person, false, -cut.CutMinor)
		}
		add(source, cut.Component, cut.Person, true, cut.CutMinor)
	}
	return out
}

// Currency is that of all amounts of the closing.
func (o *Closing) Currency() money.Currency { return o.closing.world.Currency }
