package run

import (
	"cmp"
	"slices"

	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// ComponentTotal is what one component, or one cap, comes to in a period. Amounts are decimal texts in the currency that
// periods pay in.
type ComponentTotal struct {
	ComponentID string `json:"component_id"`
	Title       string `json:"title,omitempty"`
	Type        string `json:"type"`
	People      int64  `json:"people"` // who earn by it
	Earned      string `json:"earned"`
	Breakage    string `json:"breakage"`

	EarnedMinor   int64 `json:"-"`
	BreakageMinor int64 `json:"-"`
}

// RankCount is how many people are paid as a rank.
type RankCount struct {
	Rank   string `json:"rank"`
	People int64  `json:"people"`
}

// Totals is what a period comes to.
type Totals struct {
	Currency   string           `json:"currency"`
	People     int64            `json:"people"`
	Active     int64            `json:"active"`
	Sales      SalesTotals      `json:"sales"`
	Net        string           `json:"net"`
	Earned     string           `json:"earned"`
	Breakage   string           `json:"breakage"`
	Share      string           `json:"share_of_cv,omitempty"` // earned as a share of the CV's money value
	Components []ComponentTotal `json:"components"`
	Ranks      []RankCount      `json:"ranks"`

	EarnedMinor   int64 `json:"-"`
	BreakageMinor int64 `json:"-"`
}

// Change is by how much one person's amount by one component is, or would be, corrected, and why.
type Change struct {
	DistributorID string `json:"distributor_id"`
	ComponentID   string `json:"component_id"`
	Posted        string `json:"posted"`
	Wanted        string `json:"wanted"`
	Difference    string `json:"difference"`
	Why           string `json:"why"`

	DifferenceMinor int64  `json:"-"`
	source          string // of the settlement
}

// Report is the difference between what a period should have posted and what it has.
type Report struct {
	Settlements int64    `json:"settlements"` // people and components whose amounts change
	People      int64    `json:"people"`      // who get another amount
	More        int64    `json:"more"`        // of them, those who get more
	Less        int64    `json:"less"`
	Difference  string   `json:"difference"` // of all earnings
	Changes     []Change `json:"changes"`    // the largest first
	Left        int64    `json:"left,omitempty"`

	DifferenceMinor int64 `json:"-"`
}

// Empty tells that nothing has to be posted.
func (r *Report) Empty() bool { return r.Settlements == 0 }

// maxChanges bounds the changes that a report lists; all of them are in the ledger once committed.
const maxChanges = 1000

// total adds up what everybody should have.
func (r *result) total() error {
	t := &Totals{Currency: string(r.currency), People: int64(r.crowd.people.Count), Sales: r.sales, Components: []ComponentTotal{}, Ranks: []RankCount{}}
	t.Net = money.FormatMinor(r.sales.NetMinor, r.currency)
	for i := range r.plan.Components {
		if c := &r.plan.Components[i]; c.Period == r.period.Kind {
			t.Components = append(t.Components, ComponentTotal{ComponentID: c.ID, Type: c.Type, Title: c.Title})
		}
	}
	for i := range r.wants {
		b := &r.wants[i]
		c := t.component(b.Key.ComponentID)
		into := [2]*int64{&c.EarnedMinor, &t.EarnedMinor}
		if b.Key.Kind == ledger.Breakage {
			into = [2]*int64{&c.BreakageMinor, &t.BreakageMinor}
		} else {
			c.People++
		}
		for _, sum := range into {
			var err error
			if *sum, err = money.Add(*sum, b.AmountMinor); err != nil {
				return err
			}
		}
	}
	for i := range t.Components {
		c := &t.Components[i]
		c.Earned, c.Breakage = money.FormatMinor(c.EarnedMinor, r.currency), money.FormatMinor(c.BreakageMinor, r.currency)
	}
	t.Earned, t.Breakage = money.FormatMinor(t.EarnedMinor, r.currency), money.FormatMinor(t.BreakageMinor, r.currency)
	t.Share = shareOfCV(t.EarnedMinor, r.sales.CV, r.plan, r.currency)
	r.countRanks(t)
	r.totals = t
	return nil
}

// component finds a component's total. One that is paid per order has a total where a cap of the period cuts it.
func (t *Totals) component(id string) *ComponentTotal {
	at := slices.IndexFunc(t.Components, func(c ComponentTotal) bool { return c.ComponentID == id })
	if at < 0 {
		at = len(t.Components)
		t.Components = append(t.Components, ComponentTotal{ComponentID: id, Type: "cut by a cap"})
	}
	return &t.Components[at]
}

func (r *result) countRanks(t *Totals) {
	counts := make([]int64, len(r.plan.Ranks))
	for person, rank := range r.standings.Rank {
		counts[rank]++
		if r.standings.Active == nil || r.standings.Active[person] {
			t.Active++
		}
	}
	for rank := len(counts) - 1; rank >= 0; rank-- {
		t.Ranks = append(t.Ranks, RankCount{r.plan.Ranks[rank], counts[rank]})
	}
}

// shareOfCV is paid / value of the CV, in hundredths of a percent rounded to the nearest; "" where CV has no value.
func shareOfCV(paid int64, cv money.Volume, p *plan.Plan, currency money.Currency) string {
	value, ok := p.CVToMinor(currency)
	if !ok || cv <= 0 {
		return ""
	}
	worth, err := money.NewExact(int64(cv)).Mul(value.Num, value.Den)
	if err != nil {
		return ""
	}
	minor, err := worth.Round(money.HalfEven)
	if err != nil || minor <= 0 {
		return ""
	}
	return percent(paid, minor)
}

// percent writes part/whole as "12.34%"; whole is above zero.
func percent(part, whole int64) string {
	share, err := money.NewExact(part).Mul(10_000, whole)
	if err != nil {
		return ""
	}
	hundredths, err := share.Round(money.HalfEven)
	if err != nil {
		return ""
	}
	return money.FormatMinor(hundredths, "EUR") + "%" // two decimals
}

// report compares, the largest changes first.
func (r *result) report() (*Report, error) {
	out := &Report{Settlements: int64(len(r.diffs)), Changes: []Change{}}
	byPerson := map[string]int64{}
	for i := range r.diffs {
		d := &r.diffs[i]
		for _, id := range d.components() {
			was, should := earningOf(d.posted, id), earningOf(d.want, id)
			more, err := money.Sub(should, was)
			if err != nil {
				return nil, err
			}
			if more == 0 {
				continue
			}
			if out.DifferenceMinor, err = money.Add(out.DifferenceMinor, more); err != nil {
				return nil, err
			}
			byPerson[d.distributorID] += more
			out.Changes = append(out.Changes, Change{
				DistributorID: d.distributorID, ComponentID: id, Posted: money.FormatMinor(was, r.currency),
				Wanted: money.FormatMinor(should, r.currency), Difference: money.FormatMinor(more, r.currency), DifferenceMinor: more, Why: r.why(d), source: d.source,
			})
		}
	}
	for _, more := range byPerson {
		out.People++
		switch {
		case more > 0:
			out.More++
		case more < 0:
			out.Less++
		}
	}
	out.Difference = money.FormatMinor(out.DifferenceMinor, r.currency)
	slices.SortStableFunc(out.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(magnitude(b.DifferenceMinor), magnitude(a.DifferenceMinor)), cmp.Compare(a.DistributorID, b.DistributorID),
			cmp.Compare(a.ComponentID, b.ComponentID))
	})
	if len(out.Changes) > maxChanges {
		out.Left, out.Changes = int64(len(out.Changes)-maxChanges), out.Changes[:maxChanges]
	}
	return out, nil
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return uint64(-(v + 1)) + 1
	}
	return uint64(v)
}

// components lists whose earnings a settlement speaks of.
func (d *diff) components() (ids []string) {
	for _, list := range [][]ledger.Balance{d.posted, d.want} {
		for i := range list {
			if id := list[i].Key.ComponentID; !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func earningOf(list []ledger.Balance, componentID string) (minor int64) {
	for i := range list {
		if list[i].Key.ComponentID == componentID && list[i].Key.Kind == ledger.Earning {
			minor += list[i].AmountMinor // one key: there is one currency
		}
	}
	return minor
}

// why says in a few words where a change comes from.
func (r *result) why(d *diff) string {
	switch {
	case d.revision == 0:
		return "not posted before"
	case len(d.want) == 0:
		return "no longer earned"
	default:
		return "other volumes, ranks or activity"
	}
}
