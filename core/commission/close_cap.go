package commission

import (
	"cmp"
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// CapCut is what one cap takes from what one person has by one component. Where the component is closed here, the
// award's CutMinor has it too; else it was paid before, per order or in a shorter period.
type CapCut struct {
	Cap               int32 // index into Plan.Caps
	Component, Person int32
	CutMinor          int64 // above zero
	// All together the cap limits GroupMinor to LimitMinor here: one person's, one component's or everybody's earnings,
	// as the caps before left them. What corrections took away has been added to the limit.
	GroupMinor, LimitMinor int64
}

// capRow is what one person has by one component, and what the caps so far have left of it.
type capRow struct {
	person, component int32
	kept              int64
}

// enforceCaps applies the caps whose earnings are counted over periods of this length, in the plan's order, to all that
// was earned in the period. Caps per order have cut each order already, and caps of shorter periods those periods.
func (c *closing) enforceCaps() error {
	var rows []capRow
	for i := range c.plan.Caps {
		limit := &c.plan.Caps[i]
		if c.plan.CapPeriod(limit) != c.world.Period.Kind {
			continue
		}
		if rows == nil {
			rows = c.capRows()
		}
		if err := c.enforceCap(i, rows); err != nil {
			return fmt.Errorf("cap %s: %w", limit.ID, err)
		}
	}
	c.out.byAward = slices.Clone(c.out.cuts)
	slices.SortStableFunc(c.out.byAward, func(a, b CapCut) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Person, b.Person))
	})
	return nil
}

// capRows is everything earned in the period, by person and then by component.
func (c *closing) capRows() []capRow {
	rows := []capRow{}
	for component := range c.plan.Components {
		for person, amount := range c.earned(component) {
			if amount != 0 {
				rows = append(rows, capRow{int32(person), int32(component), amount})
			}
		}
	}
	return byPerson(rows, func(r *capRow) int32 { return r.person })
}

func (c *closing) enforceCap(index int, rows []capRow) error {
	limit := &c.plan.Caps[index]
	most, err := c.capLimit(limit)
	if err != nil {
		return err
	}
	perPerson := limit.Scope == plan.ScopePerson || limit.Scope == plan.ScopeRank
	var group []int32
	for from := 0; from < len(rows); {
		to := from
		for group = group[:0]; to < len(rows) && (!perPerson || rows[to].person == rows[from].person); to++ {
			if c.capCovers(limit, &rows[to]) {
				group = append(group, int32(to))
			}
		}
		from = to
		if err := c.cutGroup(index, most, group, rows); err != nil {
			return err
		}
	}
	return nil
}

func (c *closing) capCovers(limit *plan.Cap, row *capRow) bool {
	switch limit.Scope {
	case plan.ScopeComponent:
		return c.plan.Components[row.component].ID == limit.Component
	case plan.ScopeRank:
		return c.plan.Ranks[c.rank(row.person)] == limit.Rank
	default:
		return true
	}
}

// capLimit is the most a cap allows: an amount, or a share of the company's volume of the period, rounded down.
func (c *closing) capLimit(limit *plan.Cap) (int64, error) {
	share, ok := limit.LimitShare()
	if !ok {
		most, ok := limit.LimitMinor(c.world.Currency)
		if !ok {
			return 0, &MissingRate{What: "cap " + limit.ID, Currency: c.world.Currency}
		}
		return most, nil
	}
	if limit.Of != plan.BaseCV {
		return share.Of(max(c.company.net, 0), money.Down)
	}
	value, ok := c.plan.CVToMinor(c.world.Currency)
	if !ok {
		return 0, &MissingRate{What: "1 CV", Currency: c.world.Currency}
	}
	exact, err := money.NewExact(max(c.company.cv, 0)).Mul(int64(share), int64(money.One))
	if err != nil {
		return 0, err
	}
	if exact, err = exact.Mul(value.Num, value.Den); err != nil {
		return 0, err
	}
	return exact.Round(money.Down)
}

// cutGroup cuts what stands under one limit. What corrections took away makes room for as much of the rest.
func (c *closing) cutGroup(index int, most int64, group []int32, rows []capRow) error {
	total := int64(0)
	var err error
	for _, row := range group {
		if kept := rows[row].kept; kept < 0 {
			most, err = money.Sub(most, kept)
		} else {
			total, err = money.Add(total, kept)
		}
		if err != nil {
			return err
		}
	}
	if total <= most {
		return nil
	}
	c.byID(group, rows)
	amounts := make([]int64, len(group))
	for i, row := range group {
		amounts[i] = max(rows[row].kept, 0)
	}
	allowed, err := allowInPeriod(amounts, most, c.plan.Caps[index].Enforce, len(c.plan.Components),
		func(i int) int { return int(rows[group[i]].component) })
	if err != nil {
		return err
	}
	for i, row := range group {
		if cut := amounts[i] - allowed[i]; cut > 0 {
			rows[row].kept -= cut
			c.out.cut(CapCut{int32(index), rows[row].component, rows[row].person, cut, total, most})
		}
	}
	return nil
}

// byID sorts a group by the ids of its people, since a cent that is left over must not depend on how they are numbered.
// The first bytes of the id decide nearly every comparison.
func (c *closing) byID(group []int32, rows []capRow) {
	if len(group) == 0 || rows[group[0]].person == rows[group[len(group)-1]].person {
		return
	}
	type key struct {
		prefix uint64
		row    int32
	}
	keys := make([]key, len(group))
	for i, row := range group {
		keys[i] = key{idPrefix(c.world.People.ID(rows[row].person)), row}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		left, right := &rows[a.row], &rows[b.row]
		if left.person != right.person {
			return cmp.Compare(c.world.People.ID(left.person), c.world.People.ID(right.person))
		}
		return cmp.Compare(left.component, right.component)
	})
	for i := range keys {
		group[i] = keys[i].row
	}
}

func idPrefix(id string) uint64 {
	word := uint64(0)
	for i := range min(8, len(id)) {
		word |= uint64(id[i]) << (56 - 8*i)
	}
	return word
}

// cut writes a cut down, and beside the award where that is of this close.
func (o *Closing) cut(cut CapCut) {
	o.cuts = append(o.cuts, cut)
	if award := o.find(cut.Component, cut.Person); award != nil {
		award.CutMinor += cut.CutMinor // Cuts are parts of the amount.
	}
}

// find is a person's award by a component; nil where there is none.
func (o *Closing) find(component, person int32) *Award {
	awards := o.books[component].awards
	at, found := slices.BinarySearchFunc(awards, person, func(a Award, person int32) int { return cmp.Compare(a.Person, person) })
	if !found {
		return nil
	}
	return &awards[at]
}

// Cuts are what the caps took away, cap by cap in the plan's order.
func (o *Closing) Cuts() []CapCut { return o.cuts }

// Closes tells whether a component was settled by this close.
func (o *Closing) Closes(component int32) bool { return o.books[component].awards != nil }
