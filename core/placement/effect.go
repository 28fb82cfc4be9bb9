package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
)

// Comparison is what Preview compares: one tree before and after a move, by numbers of its positions or people, and
// what is computed from it.
type Comparison struct {
	ID            func(number int32) string
	Before, After []int32 // parent by number; -1 at the top
	LegBefore     []uint8 // nil in trees without legs
	LegAfter      []uint8
	Volume        []int64 // of each alone, micro-units
	Ranks         []string
	// Qualify gives everybody's rank in a tree, as an index into Ranks; nil: ranks are not compared.
	Qualify func(parent []int32) ([]int8, error)
	// Recalculate gives what everybody would earn in a tree; nil: amounts are not compared. Rows of one person,
	// component and currency are added up.
	Recalculate func(parent []int32) ([]Amount, error)
}

// Amount is what one person earns by one component.
type Amount struct {
	DistributorID genealogy.DistributorID
	ComponentID   string
	Currency      money.Currency
	Minor         int64
}

// Effect is what a move would change, sorted by id, then by leg or component. Whoever is not named keeps what they have.
type Effect struct {
	Volumes []VolumeChange // of everybody below and the person, micro-units
	Legs    []LegChange    // of single legs, in trees with legs
	Levels  []LevelChange
	Ranks   []RankChange
	Amounts []AmountChange
	Totals  []Total // by currency, exact: After - Before is Gained - Lost
}

// VolumeChange is a group volume that changes.
type VolumeChange struct {
	ID            string
	Before, After int64
}

// LegChange is the volume of one leg that changes.
type LegChange struct {
	ID            string
	Leg           int
	Before, After int64
}

// LevelChange is how many steps somebody stands below the top.
type LevelChange struct {
	ID            string
	Before, After int
}

// RankChange is a rank that changes.
type RankChange struct {
	ID            string
	Before, After string
}

// AmountChange is what one person earns by one component.
type AmountChange struct {
	DistributorID genealogy.DistributorID
	ComponentID   string
	Currency      money.Currency
	Before, After int64 // minor units
}

// Total is what all people together earn in one currency.
type Total struct {
	Currency      money.Currency
	Before, After int64
	Gained, Lost  int64 // sums of the changes up and down, both zero or more
}

// Preview says what a move would change. It changes nothing itself. A tree with a ring is a fault of kind Cycle; a sum
// that does not fit is money.ErrOverflow with whom it stands at.
func Preview(c Comparison) (*Effect, error) {
	n := len(c.Before)
	if len(c.After) != n || len(c.Volume) != n || len(c.LegBefore) != len(c.LegAfter) || c.LegBefore != nil && len(c.LegBefore) != n {
		return nil, fmt.Errorf("placement: the trees have %d and %d positions, %d volumes, %d and %d legs", n, len(c.After),
			len(c.Volume), len(c.LegBefore), len(c.LegAfter))
	}
	before, err := c.measure(c.Before, c.LegBefore)
	if err != nil {
		return nil, fmt.Errorf("before the move: %w", err)
	}
	after, err := c.measure(c.After, c.LegAfter)
	if err != nil {
		return nil, fmt.Errorf("after the move: %w", err)
	}
	e := &Effect{Legs: c.legChanges(before, after)}
	for i := range before.volume {
		id := c.ID(int32(i))
		if before.volume[i] != after.volume[i] {
			e.Volumes = append(e.Volumes, VolumeChange{id, before.volume[i], after.volume[i]})
		}
		if before.level[i] != after.level[i] {
			e.Levels = append(e.Levels, LevelChange{id, int(before.level[i]), int(after.level[i])})
		}
		if c.Qualify != nil && before.rank[i] != after.rank[i] {
			e.Ranks = append(e.Ranks, RankChange{id, c.Ranks[before.rank[i]], c.Ranks[after.rank[i]]})
		}
	}
	slices.SortFunc(e.Volumes, func(a, b VolumeChange) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(e.Levels, func(a, b LevelChange) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(e.Ranks, func(a, b RankChange) int { return strings.Compare(a.ID, b.ID) })
	return e, e.compareAmounts(before.amounts, after.amounts)
}

// measured is what one tree gives.
type measured struct {
	volume  []int64
	level   []int32
	legs    map[legOf]int64
	rank    []int8
	amounts []Amount
}

type legOf struct {
	position int32
	leg      uint8
}

func (c *Comparison) measure(parent []int32, leg []uint8) (m measured, err error) {
	order, err := c.bottomUp(parent)
	if err != nil {
		return m, err
	}
	m = measured{volume: slices.Clone(c.Volume), level: make([]int32, len(parent)), legs: map[legOf]int64{}}
	for _, i := range order {
		up := parent[i]
		if up < 0 {
			continue
		}
		if m.volume[up], err = money.Add(m.volume[up], m.volume[i]); err != nil {
			return m, fmt.Errorf("volume below %q: %w", c.ID(up), err)
		}
		if leg != nil {
			m.legs[legOf{up, leg[i]}] += m.volume[i]
		}
	}
	for _, i := range slices.Backward(order) {
		if up := parent[i]; up >= 0 {
			m.level[i] = m.level[up] + 1
		}
	}
	if c.Qualify != nil {
		if m.rank, err = c.Qualify(parent); err != nil {
			return m, fmt.Errorf("qualify: %w", err)
		}
		if len(m.rank) != len(parent) {
			return m, fmt.Errorf("qualify gave %d ranks for %d people", len(m.rank), len(parent))
		}
	}
	if c.Recalculate != nil {
		if m.amounts, err = c.Recalculate(parent); err != nil {
			return m, fmt.Errorf("recalculate: %w", err)
		}
	}
	return m, nil
}

// bottomUp is an order with all children before their parent.
func (c *Comparison) bottomUp(parent []int32) ([]int32, error) {
	waits := make([]int32, len(parent)) // children not yet in the order
	for i, up := range parent {
		if int(up) >= len(parent) || up < nobody {
			return nil, fault(genealogy.Orphan, "the parent is not in the tree", c.ID(int32(i)))
		}
		if up >= 0 {
			waits[up]++
		}
	}
	order := make([]int32, 0, len(parent))
	for i := range parent {
		for at := int32(i); at >= 0 && waits[at] == 0; at = parent[at] {
			waits[at] = nobody
			order = append(order, at)
			if up := parent[at]; up >= 0 {
				waits[up]--
			}
		}
	}
	if len(order) < len(parent) {
		at := slices.IndexFunc(waits, func(left int32) bool { return left > 0 })
		return nil, fault(genealogy.Cycle, "some stand below themselves", c.ID(int32(at)))
	}
	return order, nil
}

func (c *Comparison) legChanges(before, after measured) []LegChange {
	var out []LegChange
	add := func(at legOf) {
		if before.legs[at] != after.legs[at] {
			out = append(out, LegChange{c.ID(at.position), int(at.leg), before.legs[at], after.legs[at]})
		}
	}
	for at := range before.legs { // Sorted below.
		add(at)
	}
	for at := range after.legs {
		if _, both := before.legs[at]; !both {
			add(at)
		}
	}
	slices.SortFunc(out, func(a, b LegChange) int { return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Leg, b.Leg)) })
	return out
}

// compareAmounts adds up both sides by person, component and currency.
func (e *Effect) compareAmounts(before, after []Amount) error {
	type key struct {
		id, component string
		currency      money.Currency
	}
	sums := map[key]*AmountChange{}
	sum := func(list []Amount, side func(*AmountChange) *int64) error {
		for _, a := range list {
			k := key{a.DistributorID, a.ComponentID, a.Currency}
			if sums[k] == nil {
				sums[k] = &AmountChange{DistributorID: a.DistributorID, ComponentID: a.ComponentID, Currency: a.Currency}
			}
			at := side(sums[k])
			var err error
			if *at, err = money.Add(*at, a.Minor); err != nil {
				return fmt.Errorf("amounts of distributor %q: %w", a.DistributorID, err)
			}
		}
		return nil
	}
	if err := sum(before, func(a *AmountChange) *int64 { return &a.Before }); err != nil {
		return err
	}
	if err := sum(after, func(a *AmountChange) *int64 { return &a.After }); err != nil {
		return err
	}
	all := make([]AmountChange, 0, len(sums))
	for _, change := range sums { // Sorted below.
		all = append(all, *change)
	}
	slices.SortFunc(all, func(a, b AmountChange) int {
		return cmp.Or(strings.Compare(a.DistributorID, b.DistributorID), strings.Compare(a.ComponentID, b.ComponentID),
			cmp.Compare(a.Currency, b.Currency))
	})
	for i := range all {
		if err := e.total(&all[i]); err != nil {
			return err
		}
		if all[i].Before != all[i].After {
			e.Amounts = append(e.Amounts, all[i])
		}
	}
	slices.SortFunc(e.Totals, func(a, b Total) int { return cmp.Compare(a.Currency, b.Currency) })
	return nil
}

func (e *Effect) total(change *AmountChange) (err error) {
	at := slices.IndexFunc(e.Totals, func(t Total) bool { return t.Currency == change.Currency })
	if at < 0 {
		at = len(e.Totals)
		e.Totals = append(e.Totals, Total{Currency: change.Currency})
	}
	t := &e.Totals[at]
	difference, err := money.Sub(change.After, change.Before)
	if err != nil {
		return fmt.Errorf("amounts of distributor %q: %w", change.DistributorID, err)
	}
	for _, part := range []struct {
		to  *int64
		add int64
	}{{&t.Before, change.Before}, {&t.After, change.After}, {&t.Gained, max(difference, 0)}, {&t.Lost, max(-difference, 0)}} {
		if *part.to, err = money.Add(*part.to, part.add); err != nil {
			return fmt.Errorf("amounts in %s: %w", change.Currency, err)
		}
	}
	return nil
}

// After gives the parents and legs that the tree would have with a change, by its numbers, for Preview.
func (t *Tree) After(c Change) (parent []int32, leg []uint8, err error) {
	parent, leg = slices.Clone(t.parent), slices.Clone(t.leg)
	for i := range c.After {
		who, ok := t.numbers[c.After[i].PositionID]
		up := nobody
		if id := c.After[i].ParentID; ok && id != "" {
			up, ok = t.numbers[id]
		}
		if !ok {
			return nil, nil, fault(genealogy.Unknown, "the change is of another tree", c.After[i].PositionID)
		}
		parent[who], leg[who] = up, uint8(c.After[i].Leg)
	}
	return parent, leg, nil
}

// Legs gives every position's leg by number. The caller must not change it.
func (t *Tree) Legs() []uint8 { return t.leg }
