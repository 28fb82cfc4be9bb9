package commission

import (
	"cmp"
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// PeriodEarning is what one distributor has earned by one component in one period, in minor units; negative where
// corrections outweigh.
type PeriodEarning struct {
	DistributorID string
	Rank          string // at the end of the period; "" is the lowest
	ComponentID   string
	Currency      money.Currency
	AmountMinor   int64
}

// PeriodCut is what one cap takes from one earning.
type PeriodCut struct {
	CapID         string
	DistributorID string
	ComponentID   string
	Currency      money.Currency
	CutMinor      int64 // above zero
}

// CapPeriod applies the plan's caps per period to all earnings of one period, each currency by itself. The result
// depends neither on the order of earned nor on anything outside it: earnings are taken by currency, distributor and
// the plan's order of components, and cuts come cap by cap in that order. Two earnings of the same distributor,
// component and currency are an error; a cap without an amount in a currency is a *MissingRate.
func CapPeriod(p *plan.Plan, earned []PeriodEarning) ([]PeriodCut, error) {
	rows, err := periodRows(p, earned)
	if err != nil {
		return nil, fmt.Errorf("cap period: %w", err)
	}
	kept := make([]int64, len(rows))
	for i := range rows {
		kept[i] = rows[i].AmountMinor
	}
	var cuts []PeriodCut
	for i := range p.Caps {
		if p.Caps[i].Per != plan.PerPeriod {
			continue
		}
		more, err := capRows(p, &p.Caps[i], rows, kept)
		if err != nil {
			return nil, fmt.Errorf("cap period: cap %s: %w", p.Caps[i].ID, err)
		}
		cuts = append(cuts, more...)
	}
	return cuts, nil
}

// periodRows puts the earnings into their one order and ranks into the plan's names.
func periodRows(p *plan.Plan, earned []PeriodEarning) ([]PeriodEarning, error) {
	position := make(map[string]int, len(p.Components))
	for i := range p.Components {
		position[p.Components[i].ID] = i
	}
	rows := slices.Clone(earned)
	for i := range rows {
		if _, known := position[rows[i].ComponentID]; !known {
			return nil, fmt.Errorf("component %q is not in the plan", rows[i].ComponentID)
		}
		rank, known := p.Rank(rows[i].Rank)
		if !known {
			return nil, &UnknownRank{DistributorID: rows[i].DistributorID, Rank: rows[i].Rank}
		}
		rows[i].Rank = p.Ranks[rank]
	}
	compare := func(a, b PeriodEarning) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.DistributorID, b.DistributorID),
			cmp.Compare(position[a.ComponentID], position[b.ComponentID]))
	}
	slices.SortFunc(rows, compare)
	for i := 1; i < len(rows); i++ {
		if compare(rows[i-1], rows[i]) == 0 {
			return nil, fmt.Errorf("distributor %s has two earnings by %s", rows[i].DistributorID, rows[i].ComponentID)
		}
	}
	return rows, nil
}

// capRows applies one cap to each group of rows under one limit.
func capRows(p *plan.Plan, limit *plan.Cap, rows []PeriodEarning, kept []int64) ([]PeriodCut, error) {
	var cuts []PeriodCut
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && oneLimit(limit, &rows[from], &rows[to]) {
			to++
		}
		var group []int
		for i := from; i < to; i++ {
			if covers(limit, &rows[i]) {
				group = append(group, i)
			}
		}
		from = to
		if len(group) == 0 {
			continue
		}
		more, err := capGroup(p, limit, group, rows, kept)
		if err != nil {
			return nil, err
		}
		cuts = append(cuts, more...)
	}
	return cuts, nil
}

// oneLimit tells whether two rows, which are sorted by currency and distributor, share a limit.
func oneLimit(limit *plan.Cap, a, b *PeriodEarning) bool {
	perPerson := limit.Scope == plan.ScopePerson || limit.Scope == plan.ScopeRank
	return a.Currency == b.Currency && (!perPerson || a.DistributorID == b.DistributorID)
}

func covers(limit *plan.Cap, row *PeriodEarning) bool {
	switch limit.Scope {
	case plan.ScopeComponent:
		return row.ComponentID == limit.Component
	case plan.ScopeRank:
		return row.Rank == limit.Rank
	default:
		return true
	}
}

// capGroup cuts one group. What corrections took away makes room for as much of the rest.
func capGroup(p *plan.Plan, limit *plan.Cap, group []int, rows []PeriodEarning, kept []int64) ([]PeriodCut, error) {
	most, ok := limit.LimitMinor(rows[group[0]].Currency)
	if !ok {
		return nil, &MissingRate{What: "cap " + limit.ID, Currency: rows[group[0]].Currency}
	}
	amounts := make([]int64, len(group))
	for i, row := range group {
		if kept[row] < 0 {
			var err error
			if most, err = money.Sub(most, kept[row]); err != nil {
				return nil, err
			}
			continue
		}
		amounts[i] = kept[row]
	}
	allowed, err := allowInPeriod(amounts, most, limit.Enforce, len(p.Components), func(i int) int {
		return slices.IndexFunc(p.Components, func(c plan.Component) bool { return c.ID == rows[group[i]].ComponentID })
	})
	if err != nil {
		return nil, err
	}
	var cuts []PeriodCut
	for i, row := range group {
		if cut := amounts[i] - allowed[i]; cut > 0 {
			kept[row] -= cut
			cuts = append(cuts, PeriodCut{
				CapID: limit.ID, DistributorID: rows[row].DistributorID, ComponentID: rows[row].ComponentID,
				Currency: rows[row].Currency, CutMinor: cut,
			})
		}
	}
	return cuts, nil
}
