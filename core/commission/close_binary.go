package commission

import (
	"errors"
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

const reasonOwnerLimit = "limit of all positions of one owner"

func reasonRankLimit(rank string) string { return "limit of rank " + rank }

func reasonUnpaid(rank string) string { return "rank " + rank + " is paid nothing" }

// binaryWork is one binary component at work. A leg's volume is that of everybody placed below, the head of the leg
// included, and what the leg carried over. Positions are settled one by one from these columns, so that a trace can
// settle one again and tell how.
type binaryWork struct {
	c         *closing
	index     int
	component *plan.Component
	terms     *plan.BinaryTerms
	tree      *period.Positions
	own       []int64    // by person
	fresh     [2][]int64 // by leg, then position: volume of this period below
	state     BinaryState
	carried   []uint32 // by position: 1 + where its legs begin in state.data; 0: nothing carried

	weaker, stronger     int64 // what a cycle or the ratio takes
	maxCarry, ownerLimit int64 // -1: none
	ranks                []binaryRank
	more                 []int32         // positions other than their owner's first, by owner
	shares               map[int32]int64 // by position: its part of an owner limit that cuts
}

// binaryRank is what one rank gets.
type binaryRank struct {
	row   int32
	opens bool // whether it gets anything
	cell  plan.Ratio
	money bool  // cell is minor units per cycle
	limit int64 // minor units per position; -1: none
}

// binary settles a binary component.
func (c *closing) binary(index int) error {
	b := &binaryWork{c: c, index: index, component: &c.plan.Components[index], tree: &c.world.Positions}
	b.terms = b.component.BinaryTerms
	if err := b.prepare(); err != nil {
		return err
	}
	if err := b.sum(); err != nil {
		return err
	}
	if err := b.recall(c.in.Before.Binary[b.component.ID]); err != nil {
		return err
	}
	if err := b.shareLimits(); err != nil {
		return err
	}
	if err := b.payAll(); err != nil {
		return err
	}
	c.tell(index, b.facts)
	return nil
}

// prepare reads the terms and refuses columns that do not fit each other.
func (b *binaryWork) prepare() error {
	n := len(b.tree.Parent)
	if len(b.tree.Leg) != n || len(b.tree.Owner) != n || len(b.tree.Primary) != int(b.c.world.People.Count) {
		return fmt.Errorf("the placement tree has %d positions, %d legs, %d owners and %d first positions of %d people",
			n, len(b.tree.Leg), len(b.tree.Owner), len(b.tree.Primary), b.c.world.People.Count)
	}
	b.maxCarry, b.ownerLimit = -1, -1
	for _, figure := range []struct {
		text string
		to   *int64
	}{{b.terms.Weaker, &b.weaker}, {b.terms.Stronger, &b.stronger}, {b.terms.MaxCarry, &b.maxCarry}} {
		if figure.text != "" {
			units, ok := b.c.plan.BaseUnits(b.component, figure.text)
			if !ok {
				return fmt.Errorf("%q is no volume", figure.text)
			}
			*figure.to = units
		}
	}
	if b.terms.OwnerLimit != "" {
		var err error
		if b.ownerLimit, err = money.ParseMinor(b.terms.OwnerLimit, b.c.world.Currency); err != nil {
			return fmt.Errorf("owner_limit: %w", err)
		}
	}
	for _, portion := range b.c.volumes(b.index, allOrders) {
		b.own = portion.own // Rows of a binary component hold for every class, so there is one at most.
	}
	return b.readRanks()
}

func (b *binaryWork) readRanks() error {
	table := b.component.Table(plan.Any)
	if table == nil || table.Depth() == 0 {
		return errors.New("it has no rates")
	}
	b.ranks = make([]binaryRank, len(b.c.plan.Ranks))
	for rank := range b.ranks {
		cell, r := table.Cell(1, rank), &b.ranks[rank]
		row := &b.component.Rates[cell.Row]
		r.row, r.cell, r.limit = int32(cell.Row), cell.Ratio, -1
		if b.terms.Pay == plan.PayCycles {
			minor, ok := b.c.plan.AmountMinor(row, b.c.world.Currency)
			if !ok {
				return &MissingRate{What: "a cycle", Currency: b.c.world.Currency}
			}
			r.cell, r.money = plan.Ratio{Num: minor, Den: 1}, true
		}
		r.opens = r.cell.Num > 0
		if row.Limit != "" {
			var err error
			if r.limit, err = money.ParseMinor(row.Limit, b.c.world.Currency); err != nil {
				return fmt.Errorf("rates[%d].limit: %w", cell.Row, err)
			}
		}
	}
	return nil
}

// sum adds up the legs from the bottom in one pass, since parents come before their children.
func (b *binaryWork) sum() error {
	n := len(b.tree.Parent)
	b.fresh = [2][]int64{make([]int64, n), make([]int64, n)}
	for i := n - 1; i >= 0; i-- {
		owner, parent := b.tree.Owner[i], b.tree.Parent[i]
		if owner < 0 || owner >= b.c.world.People.Count || int(parent) >= i || b.tree.Leg[i] > 1 {
			return fmt.Errorf("position %s has owner %d of %d, parent %d and leg %d: in a binary tree parents come first and legs are 0 and 1",
				b.id(int32(i)), owner, b.c.world.People.Count, parent, b.tree.Leg[i])
		}
		if b.tree.Primary[owner] != int32(i) {
			b.more = append(b.more, int32(i))
		}
		if parent < 0 {
			continue
		}
		leg := &b.fresh[b.tree.Leg[i]][parent]
		sum := *leg
		for _, part := range [3]int64{b.fresh[0][i], b.fresh[1][i], b.ownVolume(int32(i))} {
			next := sum + part
			if (next > sum) != (part > 0) {
				return fmt.Errorf("%s leg of position %s: %w", legName(int(b.tree.Leg[i])), b.id(parent), money.ErrOverflow)
			}
			sum = next
		}
		*leg = sum
	}
	slices.SortFunc(b.more, func(x, y int32) int {
		if by := b.tree.Owner[x] - b.tree.Owner[y]; by != 0 {
			return int(by)
		}
		return int(x - y)
	})
	return nil
}

// ownVolume is what was sold at a position: all of a person's at the first one.
func (b *binaryWork) ownVolume(position int32) int64 {
	owner := b.tree.Owner[position]
	if b.own == nil || b.tree.Primary[owner] != position {
		return 0
	}
	return b.own[owner]
}

func (b *binaryWork) id(position int32) string { return b.c.positionID(position) }

func legName(leg int) string { return [2]string{"left", "right"}[leg] }

// recall finds for every position what it carried over.
func (b *binaryWork) recall(before BinaryState) error {
	if before.count == 0 {
		return nil
	}
	if uint64(len(before.data)) >= 1<<32-1 {
		return errors.New("what was carried over takes more than 4 GB")
	}
	b.state, b.carried = before, make([]uint32, len(b.tree.Parent))
	r, last := stateReader{data: before.data}, int32(-1)
	for range before.count {
		if !r.next() {
			return r.err
		}
		position, ok := b.find(r.id, last)
		switch {
		case !ok:
			return &MissingFact{DistributorID: string(r.id), What: "place in the placement tree", Mend: "place it again: it carries volume from period " + before.period}
		case b.carried[position] != 0:
			return fmt.Errorf("position %s is twice in what was carried over", r.id)
		}
		b.carried[position], last = uint32(r.begins)+1, position
	}
	return nil
}

// find is the number of a position. Nearly always it comes soon after the last one.
func (b *binaryWork) find(id []byte, last int32) (int32, bool) {
	const near = 8
	for i := last + 1; i <= last+near && int(i) < len(b.tree.Parent); i++ {
		if b.id(i) == string(id) {
			return i, true
		}
	}
	if b.tree.Index != nil {
		return b.tree.Index(string(id))
	}
	for i := range b.tree.Parent {
		if b.id(int32(i)) == string(id) {
			return int32(i), true
		}
	}
	return 0, false
}

// shareLimits shares out the limit of each owner with several positions where it cuts. It comes before the rest, since
// a position whose pay is cut may lose what it would carry over.
func (b *binaryWork) shareLimits() error {
	if b.ownerLimit < 0 {
		return nil
	}
	b.shares = map[int32]int64{}
	for from := 0; from < len(b.more); {
		owner, to := b.tree.Owner[b.more[from]], from
		for to < len(b.more) && b.tree.Owner[b.more[to]] == owner {
			to++
		}
		positions := b.positions(owner)
		if err := b.shareLimit(positions); err != nil {
			return fmt.Errorf("positions of distributor %s: %w", b.c.world.People.ID(owner), err)
		}
		from = to
	}
	return nil
}

// positions are an owner's, the first one first.
func (b *binaryWork) positions(owner int32) []int32 {
	var out []int32
	if first := b.tree.Primary[owner]; first >= 0 {
		out = append(out, first)
	}
	at, _ := slices.BinarySearchFunc(b.more, owner, func(position, owner int32) int { return int(b.tree.Owner[position] - owner) })
	for ; at < len(b.more) && b.tree.Owner[b.more[at]] == owner; at++ {
		out = append(out, b.more[at])
	}
	return out
}

func (b *binaryWork) shareLimit(positions []int32) error {
	var s settlement
	sum := money.NewExact(0)
	amounts, ceilings := make([]int64, len(positions)), make([]int64, len(positions))
	for i, position := range positions {
		if err := b.settle(position, &s); err != nil {
			return err
		}
		exact, err := b.exact(&s)
		if err != nil {
			return err
		}
		if s.rankCut {
			exact = money.NewExact(s.rank.limit)
		}
		if sum, err = sum.Add(exact); err != nil {
			return err
		}
		if amounts[i], err = exact.Round(b.c.plan.RoundingMode()); err != nil {
			return err
		}
		if ceilings[i], err = exact.Round(money.Ceiling); err != nil {
			return err
		}
	}
	if above, err := sum.Round(money.Ceiling); err != nil || above <= b.ownerLimit {
		return err
	}
	if !slices.ContainsFunc(amounts, func(amount int64) bool { return amount > 0 }) {
		amounts = ceilings // Parts of a cent that only together are above the limit.
	}
	shares, err := money.Allocate(b.ownerLimit, amounts)
	if err != nil {
		return err
	}
	for i, position := range positions {
		b.shares[position] = shares[i]
	}
	return nil
}

// payAll settles every position in their order, and writes down what is carried on.
func (b *binaryWork) payAll() error {
	var s settlement
	w := stateWriter{state: BinaryState{period: b.c.world.Period.ID, data: make([]byte, 0, len(b.state.data))}}
	b.c.reserve(b.index, b.likely())
	for i := range b.tree.Parent {
		position := int32(i)
		if err := b.settle(position, &s); err != nil {
			return fmt.Errorf("position %s: %w", b.id(position), err)
		}
		if len(s.legs[0].list)+len(s.legs[1].list) > 0 {
			w.add(b.id(position), s.legs[0].list, s.legs[1].list)
		}
		b.enter(&s)
	}
	if b.c.out.After.Binary == nil {
		b.c.out.After.Binary = map[string]BinaryState{}
	}
	b.c.out.After.Binary[b.component.ID] = w.state
	return b.c.err
}

// likely is about how many terms there will be: one for each position with something on both legs, and some more where
// limits cut.
func (b *binaryWork) likely() int {
	count := 0
	for i := range b.tree.Parent {
		if left, right := b.fresh[0][i] > 0, b.fresh[1][i] > 0; left && right || (left || right) && b.carried != nil && b.carried[i] > 0 {
			count++
		}
	}
	if b.ownerLimit >= 0 || slices.ContainsFunc(b.ranks, func(r binaryRank) bool { return r.limit >= 0 }) {
		count += count / 8
	}
	return count
}

// enter writes the terms of one settled position.
func (b *binaryWork) enter(s *settlement) {
	if s.units == 0 {
		return
	}
	owner, full := b.tree.Owner[s.position], b.term(s)
	if s.why != "" {
		if b.terms.Inactive == plan.Flush {
			b.c.lose(b.index, owner, full, s.why)
		}
		return
	}
	minor := func(amount int64, note string) Term {
		return Term{Row: s.rank.row, Base: amount, Rate: plan.Ratio{Num: 1, Den: 1}, Money: true, Note: note}
	}
	if !s.rankCut && !s.ownerCut {
		b.c.pay(b.index, owner, full)
		return
	}
	if s.rankCut {
		reason := reasonRankLimit(b.c.plan.Ranks[b.c.rank(owner)])
		b.c.lose(b.index, owner, full, reason)
		b.c.lose(b.index, owner, minor(-s.rank.limit, "what the limit leaves"), reason)
		full = minor(s.rank.limit, "cut to a limit")
	}
	if s.ownerCut {
		b.c.lose(b.index, owner, full, reasonOwnerLimit)
		b.c.lose(b.index, owner, minor(-s.share, "what the limit leaves"), reasonOwnerLimit)
		full = minor(s.share, "cut to a limit")
	}
	b.c.pay(b.index, owner, full)
}

// term is what a position is paid before limits: a rate of volume, or full cycles in money.
func (b *binaryWork) term(s *settlement) Term {
	if !s.rank.money {
		return Term{Row: s.rank.row, Base: s.units, Rate: s.rank.cell}
	}
	minor, err := money.Mul(s.units, s.rank.cell.Num)
	if err != nil {
		b.c.fail(fmt.Errorf("cycles of position %s: %w", b.id(s.position), err))
	}
	return Term{Row: s.rank.row, Base: minor, Rate: plan.Ratio{Num: 1, Den: 1}, Money: true, Note: "full cycles"}
}

// exact is the same in minor units.
func (b *binaryWork) exact(s *settlement) (money.Exact, error) {
	if s.why != "" || s.units == 0 {
		return money.NewExact(0), nil
	}
	value, err := termValue(s.units, s.rank.cell)
	if err != nil || s.rank.money {
		return value, err
	}
	shared := b.c.out.books[b.index].shared
	return value.Mul(shared.Num, shared.Den)
}

// facts tells how a person's positions were settled.
func (b *binaryWork) facts(person int32) []Fact {
	var out []Fact
	var s settlement
	for i, position := range b.positions(person) {
		if err := b.settle(position, &s); err != nil {
			continue // The close has failed there already.
		}
		prefix := ""
		if i > 0 {
			prefix = "position " + b.id(position) + ": "
		}
		out = append(out, b.tellPosition(&s, prefix)...)
	}
	return out
}

// tellPosition gives the figures of one position, those that are 0 left out but for the legs before and after.
func (b *binaryWork) tellPosition(s *settlement, prefix string) []Fact {
	unit := "cv"
	if b.component.Base == plan.BaseNet {
		unit = "minor"
	}
	var out []Fact
	for i := range s.legs {
		leg, name := &s.legs[i], prefix+legName(i)+" "
		out = append(out, Fact{Name: name + "carried in", Unit: unit, Value: leg.before},
			Fact{Name: name + "volume", Unit: unit, Value: leg.fresh})
		for _, figure := range []struct {
			what  string
			value int64
		}{
			{"own volume", leg.own},
			{"matched", leg.matched},
			{"expired", leg.expired},
			{"flushed: " + s.why, leg.flushed[flushInactive]},
			{"flushed: the pay was cut to a limit", leg.flushed[flushCapped]},
			{"flushed: over max_carry", leg.flushed[flushOver]},
			{"flushed: nothing is carried", leg.flushed[flushNone]},
		} {
			if figure.value != 0 {
				out = append(out, Fact{Name: name + figure.what, Unit: unit, Value: figure.value})
			}
		}
		out = append(out, Fact{Name: name + "carried on", Unit: unit, Value: leg.after})
	}
	if b.terms.Pay == plan.PayCycles {
		out = append(out, Fact{Name: prefix + "cycles", Unit: "count", Value: s.units},
			Fact{Name: prefix + "for each cycle", Unit: "minor", Value: s.rank.cell.Num})
	}
	if s.why != "" {
		out = append(out, Fact{Name: prefix + "not paid", Unit: factText, Text: s.why})
	}
	if s.rankCut {
		out = append(out, Fact{Name: prefix + reasonRankLimit(b.c.plan.Ranks[b.c.rank(b.tree.Owner[s.position])]), Unit: "minor", Value: s.rank.limit})
	}
	if s.ownerCut {
		out = append(out, Fact{Name: prefix + "share of the owner limit", Unit: "minor", Value: s.share})
	}
	return out
}
