package order

import (
	"fmt"
	"slices"
	"time"
)

// UndecidedReason is the machine word for why an order cannot be told yet.
type UndecidedReason string

// The reasons. Each is mended by fetching the order, or by waiting for its next snapshot.
const (
	OrderMissing  UndecidedReason = "order_missing"  // refunds, hints or a deletion came, but no snapshot yet
	OrderStale    UndecidedReason = "order_stale"    // a hint says that something newer exists
	OrderConflict UndecidedReason = "order_conflict" // two bodies of one version disagree on money
)

// Undecided says why a state is not an order yet; Detail is for people.
type Undecided struct {
	Reason UndecidedReason
	Detail string
}

// Error names the reason and what it is about.
func (u *Undecided) Error() string {
	return fmt.Sprintf("order is undecided (%s): %s", u.Reason, u.Detail)
}

// Effective is the order as it now is: the snapshot of the highest channel with every refund ever told. A deleted order
// comes back cancelled with nothing left. A state that cannot be decided is a *Undecided.
func (s State) Effective() (Order, error) {
	top, found := s.top()
	if !found {
		return Order{}, &Undecided{OrderMissing, "no snapshot of " + s.Source.String() + " has come yet"}
	}
	o := s.withRefunds(top.Order)
	if s.Deleted {
		o.Status = Cancelled
		return o.withNothingLeft(), nil
	}
	if s.stale(top) {
		return Order{}, &Undecided{OrderStale, fmt.Sprintf("the %s channel told of a change at %d, the newest snapshot is of %d",
			s.HintedChannel, s.HintedAt.Updated, top.Version.Updated)}
	}
	if top.Conflict != "" {
		return Order{}, &Undecided{OrderConflict, top.Conflict}
	}
	return o.normalised(), nil
}

// top is what the winning channel tells: its snapshot, with the lines that were told alone since.
func (s State) top() (ChannelState, bool) {
	if len(s.Channels) == 0 {
		return ChannelState{}, false
	}
	top := slices.MaxFunc(s.Channels, func(a, b ChannelState) int { return a.Channel.Rank() - b.Channel.Rank() })
	var tellings []ChannelState
	for _, c := range s.Channels {
		if c.Channel == top.Channel {
			tellings = append(tellings, c.filled())
		}
	}
	top = top.filled()
	if len(tellings) > 1 {
		top = compose(tellings)
	}
	if top.Order.Undated && s.UndatedSince != 0 {
		top.Order.OrderTS = time.UnixMicro(s.UndatedSince).UTC()
	}
	return top, true
}

// stale reports whether a hint promises something newer than the winning snapshot. A hint from a weaker channel does
// not: its versions cannot be compared, and the stronger channel tells the same change itself.
func (s State) stale(top ChannelState) bool {
	if s.HintedChannel == "" || s.HintedChannel.Rank() < top.Channel.Rank() {
		return false
	}
	return s.HintedChannel != top.Channel || s.HintedAt.Compare(top.Version) > 0
}

// withRefunds puts the union of refunds into the winning snapshot. Goods of refunds that the snapshot did not know yet
// are taken from its current quantities, or they would count as still sold; those of refunds deleted since are given back.
func (s State) withRefunds(o Order) Order {
	known := make(map[string]bool, len(o.Refunds))
	for _, refund := range o.Refunds {
		known[refund.RefundID] = true
	}
	refunds := living(s.Refunds)
	same := slices.EqualFunc(living(o.Refunds), refunds, Refund.equal)
	o = o.without(s.Refunds)
	o.Refunds = refunds
	o.Lines = slices.Clone(o.Lines)
	index := indexLines(o.Lines)
	for _, refund := range refunds {
		if known[refund.RefundID] {
			continue
		}
		for _, back := range refund.Lines {
			if i, found := index.find(back.LineID); found && back.Quantity > 0 {
				o.Lines[i].takeBack(back.Quantity)
			}
		}
	}
	if !same {
		o.Stated = Stated{} // It was stated with other refunds than these.
	}
	return o
}

// takeBack lowers what is left, where the platform tells it.
func (l *Line) takeBack(quantity int64) {
	if l.CurrentQuantity == nil || *l.CurrentQuantity <= 0 {
		return
	}
	left := max(0, *l.CurrentQuantity-quantity)
	l.CurrentQuantity = &left
}

// giveBack raises what is left, where the platform tells it, to what was sold at most.
func (l *Line) giveBack(quantity int64) {
	if l.CurrentQuantity == nil || *l.CurrentQuantity >= l.Quantity {
		return
	}
	left := l.Quantity
	if missing := l.Quantity - *l.CurrentQuantity; quantity < missing {
		left = *l.CurrentQuantity + quantity
	}
	l.CurrentQuantity = &left
}

// living are the refunds that are not deleted, in a list of their own.
func living(refunds []Refund) []Refund {
	return cloned(slices.DeleteFunc(slices.Clone(refunds), func(r Refund) bool { return r.Deleted }))
}

// without takes the deleted ones of refunds out of a snapshot. One that the snapshot tells as still there has lowered its
// current quantities, which is undone.
func (o Order) without(refunds []Refund) Order {
	deleted := make(map[string]bool)
	for _, refund := range refunds {
		if refund.Deleted {
			deleted[refund.RefundID] = true
		}
	}
	if len(deleted) == 0 {
		return o
	}
	o.Lines = slices.Clone(o.Lines)
	index := indexLines(o.Lines)
	for _, refund := range o.Refunds {
		if !deleted[refund.RefundID] || refund.Deleted {
			continue
		}
		o.Stated = Stated{} // It was stated with this refund.
		for _, back := range refund.Lines {
			if i, found := index.find(back.LineID); found && back.Quantity > 0 {
				o.Lines[i].giveBack(back.Quantity)
			}
		}
	}
	o.Refunds = slices.DeleteFunc(slices.Clone(o.Refunds), func(r Refund) bool { return deleted[r.RefundID] })
	return o
}

// normalised gives an ended order that does not say how it ended the only safe meaning: nothing is left. Where refunds
// or quantities tell what went back, they decide.
func (o Order) normalised() Order {
	if !o.Status.ended() {
		return o
	}
	for _, refund := range o.Refunds {
		if len(refund.Lines) > 0 || refund.MoneyMinor > 0 {
			return o
		}
	}
	for _, line := range o.Lines {
		if line.CurrentQuantity != nil && *line.CurrentQuantity < line.Quantity {
			return o
		}
	}
	return o.withNothingLeft()
}

// ended reports whether a status means that the sale was taken back, wholly or in what is left of it.
func (s Status) ended() bool { return s == Voided || s == Cancelled || s == Refunded }

// withNothingLeft withdraws every line.
func (o Order) withNothingLeft() Order {
	o.Lines = slices.Clone(o.Lines)
	for i := range o.Lines {
		o.Lines[i].CurrentQuantity = new(int64)
	}
	o.Stated = Stated{}
	return o
}
