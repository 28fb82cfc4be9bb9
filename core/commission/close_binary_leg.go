package commission

import (
	"fmt"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Why volume of a leg is gone without being matched or expired.
const (
	flushInactive = iota
	flushCapped
	flushNone
	flushOver
	flushes
)

// leg is one leg of one position in one period. before + fresh + own is matched + expired + flushed + after.
type leg struct {
	list               []Carry // what is left, oldest first: all above zero, or one alone below it
	before, fresh, own int64
	total              int64 // before + fresh + own
	matched, expired   int64
	flushed            [flushes]int64
	after              int64
}

// settlement is one position in one period.
type settlement struct {
	position          int32
	legs              [2]leg
	why               string // the owner may not earn
	rank              *binaryRank
	units             int64 // weaker leg's volume, or cycles, that are paid; or would be, were it not for why
	rankCut, ownerCut bool
	share             int64 // of the owner limit
}

// settle computes one position: legs, match, limits, and what is carried on, in this order: match, flush where a limit
// cut the pay or nothing is carried, expiry, max_carry. s may be used again; nothing of it is kept.
func (b *binaryWork) settle(position int32, s *settlement) error {
	owner := b.tree.Owner[position]
	*s = settlement{position: position, legs: [2]leg{{list: s.legs[0].list[:0]}, {list: s.legs[1].list[:0]}}}
	if b.carried != nil && b.carried[position] != 0 {
		r := stateReader{data: b.state.data, at: int(b.carried[position] - 1), left: s.legs[0].list, right: s.legs[1].list}
		r.legs()
		s.legs[0].list, s.legs[1].list = r.left, r.right
	}
	if err := b.fill(s); err != nil {
		return err
	}
	if s.legs[0].total == 0 && s.legs[1].total == 0 && len(s.legs[0].list)+len(s.legs[1].list) == 0 {
		s.rank = &b.ranks[0]
		return nil
	}
	rank := b.c.rank(owner)
	s.rank, s.why = &b.ranks[rank], b.c.mayEarn(b.index, owner)
	if s.why == "" && !s.rank.opens {
		s.why = reasonUnpaid(b.c.plan.Ranks[rank])
	}
	weaker := 0
	if s.legs[1].total < s.legs[0].total {
		weaker = 1
	}
	units, fromWeaker, fromStronger := b.match(s.legs[weaker].total, s.legs[1-weaker].total)
	s.units = units
	if s.why == "" {
		s.legs[weaker].take(fromWeaker)
		s.legs[1-weaker].take(fromStronger)
		if err := b.limit(s); err != nil {
			return err
		}
	} else if !s.rank.opens {
		s.rank = b.opener(s.rank)
	}
	for i := range s.legs {
		b.carryOn(s, &s.legs[i])
	}
	return nil
}

// opener is the lowest rank that is paid, by which what a rank without pay loses is told.
func (b *binaryWork) opener(rank *binaryRank) *binaryRank {
	for i := range b.ranks {
		if b.ranks[i].opens {
			return &b.ranks[i]
		}
	}
	return rank
}

// fill adds to both legs what is new: ages what was carried, adds the period's volume, and the own volume where the
// terms count it.
func (b *binaryWork) fill(s *settlement) error {
	for i := range s.legs {
		leg := &s.legs[i]
		leg.fresh = b.fresh[i][s.position]
		if err := leg.begin(b.terms.Expires > 0); err != nil {
			return fmt.Errorf("%s leg: %w", legName(i), err)
		}
	}
	own, side := b.ownVolume(s.position), 0
	switch b.terms.OwnVolume {
	case plan.OwnNone:
		own = 0
	case plan.OwnRight:
		side = 1
	case plan.OwnWeaker:
		if s.legs[1].total < s.legs[0].total {
			side = 1
		}
	}
	if own == 0 {
		return nil
	}
	leg := &s.legs[side]
	total, err := money.Add(leg.total, own)
	if err != nil {
		return fmt.Errorf("%s leg: %w", legName(side), err)
	}
	leg.own, leg.total = own, total
	leg.push(own)
	return nil
}

// begin ages what was carried and adds the period's volume.
func (l *leg) begin(ages bool) (err error) {
	for i := range l.list {
		if l.before, err = money.Add(l.before, l.list[i].Volume); err != nil {
			return err
		}
		if ages && l.list[i].Volume > 0 {
			l.list[i].Age++
		} else {
			l.list[i].Age = 0
		}
	}
	if l.total, err = money.Add(l.before, l.fresh); err != nil || l.fresh == -1<<63 {
		return money.ErrOverflow
	}
	if !ages && len(l.list) > 1 { // The terms let volume expire before, and no longer do.
		l.list = append(l.list[:0], Carry{0, l.before})
	}
	l.push(l.fresh)
	return nil
}

// push adds volume of this period. Volume below zero, a correction of what earlier periods had, takes from the oldest;
// what is more than there is stays below zero until new volume makes up for it, and never expires.
func (l *leg) push(volume int64) {
	last := len(l.list) - 1
	switch {
	case volume == 0:
	case last < 0:
		l.list = append(l.list, Carry{0, volume})
	case l.list[last].Volume < 0 || volume > 0 && l.list[last].Age == 0:
		if l.list[last].Volume += volume; l.list[last].Volume == 0 {
			l.list = l.list[:last]
		}
	case volume > 0:
		l.list = append(l.list, Carry{0, volume})
	default:
		if rest := l.drop(-volume); rest > 0 {
			l.list = append(l.list, Carry{0, -rest})
		}
	}
}

// drop takes volume from the oldest on and gives what there was not.
func (l *leg) drop(volume int64) (rest int64) {
	gone := 0
	for gone < len(l.list) && volume > 0 {
		if l.list[gone].Volume > volume {
			l.list[gone].Volume -= volume
			volume = 0
			break
		}
		volume -= l.list[gone].Volume
		gone++
	}
	if gone > 0 {
		l.list = append(l.list[:0], l.list[gone:]...)
	}
	return volume
}

// take uses matched volume up.
func (l *leg) take(volume int64) {
	l.matched = volume
	l.drop(volume)
}

// match is what is paid of two legs, and how much volume of each it uses up.
func (b *binaryWork) match(weaker, stronger int64) (units, fromWeaker, fromStronger int64) {
	if weaker <= 0 {
		return 0, 0, 0
	}
	switch b.terms.Pay {
	case plan.PayCycles:
		cycles := min(weaker/b.weaker, stronger/b.stronger)
		return cycles, cycles * b.weaker, cycles * b.stronger
	case plan.PayRatio:
		// As much of the weaker leg as the stronger one is in proportion to; rounded so that neither leg gives more
		// than it has. A product that does not fit is more than the weaker leg.
		if met, err := money.MulDiv(stronger, b.weaker, b.stronger, money.Floor); err == nil {
			weaker = min(weaker, met)
		}
		if used, err := money.MulDiv(weaker, b.stronger, b.weaker, money.Ceiling); err == nil {
			stronger = min(stronger, used)
		}
		return weaker, weaker, stronger
	default:
		return weaker, weaker, weaker
	}
}

// limit finds whether the rank's or the owner's limit cuts what a position is paid.
func (b *binaryWork) limit(s *settlement) error {
	share, shared := b.shares[s.position]
	if s.units == 0 || s.rank.limit < 0 && b.ownerLimit < 0 {
		return nil
	}
	exact, err := b.exact(s)
	if err != nil {
		return err
	}
	above, err := exact.Round(money.Ceiling)
	if err != nil {
		return err
	}
	if s.rank.limit >= 0 && above > s.rank.limit {
		s.rankCut, above = true, s.rank.limit
	}
	switch {
	case shared:
		s.ownerCut, s.share = true, share
	case b.ownerLimit >= 0 && above > b.ownerLimit && !b.several(b.tree.Owner[s.position]):
		s.ownerCut, s.share = true, b.ownerLimit
	}
	return nil
}

// several tells whether an owner has more positions than one; their limit is shared out before.
func (b *binaryWork) several(owner int32) bool { return len(b.more) > 0 && len(b.positions(owner)) > 1 }

// carryOn takes away what is not carried on and adds up what is.
func (b *binaryWork) carryOn(s *settlement, l *leg) {
	switch {
	case s.why != "" && b.terms.Inactive == plan.Flush:
		l.flush(flushInactive)
	case (s.rankCut || s.ownerCut) && b.terms.Capped == plan.Flush:
		l.flush(flushCapped)
	case b.terms.Carry == plan.CarryNone:
		l.flush(flushNone)
	}
	if b.terms.Expires > 0 {
		for len(l.list) > 0 && l.list[0].Age >= b.terms.Expires {
			l.expired += l.list[0].Volume
			l.list = append(l.list[:0], l.list[1:]...)
		}
	}
	for i := range l.list {
		l.after += l.list[i].Volume
	}
	if over := l.after - b.maxCarry; b.maxCarry >= 0 && over > 0 {
		l.flushed[flushOver] = over
		l.drop(over)
		l.after -= over
	}
}

// flush empties a leg; a correction that is still to be made up for goes with it.
func (l *leg) flush(why int) {
	for i := range l.list {
		l.flushed[why] += l.list[i].Volume
	}
	l.list = l.list[:0]
}
