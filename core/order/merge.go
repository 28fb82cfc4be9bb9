package order

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"upline.dev/upline/core/money"
)

// maxRivals is how many different bodies of one version are held. A second in which more were told is not a race of
// webhooks but a broken sender, and the order waits for a person or a fetch.
const maxRivals = 16

// Compare is -1, 0 or 1 as v is older than, as old as or newer than w. Versions of two channels must not be compared.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Updated, w.Updated), cmp.Compare(v.Triggered, w.Triggered))
}

// Rank orders the channels: plugin 3, webhook 2, api 1; 0 for a channel that does not exist.
func (c Channel) Rank() int {
	switch c {
	case Plugin:
		return 3
	case Webhook:
		return 2
	case API:
		return 1
	default:
		return 0
	}
}

// Merge adds what one revision says to what is known. It is a join: revisions may come in any order and any number of
// times, and the state is the same. It changes neither argument. A revision that cannot be one of this order's (another
// source, no ids, no channel, a snapshot without order) is a *Invalid, and the state comes back as it was.
func Merge(s State, r Revision) (State, error) {
	if r.Kind == Ignored {
		return s, nil
	}
	told, err := r.state()
	if err != nil {
		return s, err
	}
	if known := s.source(); known != (Source{}) && known != r.Source {
		return s, invalid("source", "is "+r.Source.String()+", but the state is that of "+known.String())
	}
	return join(s, told), nil
}

// source is the order a state is about, zero while nothing is known.
func (s State) source() Source {
	if s.Source == (Source{}) && len(s.Channels) > 0 {
		return s.Channels[0].Order.Source
	}
	return s.Source
}

// state is what a revision alone says.
func (r Revision) state() (State, error) {
	if err := r.check(); err != nil {
		return State{}, err
	}
	r = r.canonical()
	s := State{Source: r.Source}
	switch r.Kind {
	case Snapshot, OneLine:
		slices.SortStableFunc(r.Order.Refunds, byRefundID)
		told := ChannelState{Channel: r.Channel, Version: r.Version, Order: *r.Order}
		if r.Kind == OneLine {
			told.Part = r.Order.Lines[0].LineID
		}
		if told.Order.Undated {
			// The body has no time of its own, so that two tellings of one order are equal.
			s.UndatedSince, told.Order.OrderTS = r.Order.OrderTS.UnixMicro(), time.Time{}
		}
		s.Channels = []ChannelState{told}
		s.Refunds = uniteRefunds(r.Order.Refunds)
	case Refunding:
		s.Refunds = uniteRefunds(r.Refunds)
	case Deletion:
		s.Deleted = true
	case Hint:
		s.HintedAt, s.HintedChannel = r.Version, r.Channel
	default:
		return State{}, invalid("kind", fmt.Sprintf("is %q, which is none of snapshot, line, refund, deletion, hint, ignored", r.Kind))
	}
	return s, nil
}

// check refuses what has no place in a state.
func (r Revision) check() error {
	switch {
	case r.Source.StoreID == "":
		return invalid("source.store_id", "is empty")
	case r.Source.PlatformOrderID == "":
		return invalid("source.platform_order_id", "is empty")
	case r.Channel.Rank() == 0:
		return invalid("channel", fmt.Sprintf("is %q, which is none of plugin, webhook, api", r.Channel))
	case r.Kind == Snapshot || r.Kind == OneLine:
		return r.checkOrder()
	case r.Kind == Refunding:
		return checkRefundHeads("refunds", r.Refunds)
	default:
		return nil
	}
}

// checkOrder refuses an order that has no place in a state.
func (r Revision) checkOrder() error {
	switch o := r.Order; {
	case o == nil:
		return invalid("order", "is missing in a snapshot")
	case o.Source != r.Source:
		return invalid("order.source", "is "+o.Source.String()+" in a revision of "+r.Source.String())
	case !encodable(utc(o.OrderTS)):
		return invalid("order.order_ts", "is not within the years 0 to 9999")
	case r.Kind == Snapshot:
	case len(o.Lines) != 1 || o.Lines[0].LineID == "":
		return invalid("order.lines", "is not one line with an id, in a revision of one line")
	case o.BuyerUntold:
		return invalid("order.buyer_untold", "is set in a revision of one line")
	case o.OrderDiscountMinor != 0 || o.PaidMinor != 0 || o.TotalMinor != 0 || o.Stated != (Stated{}):
		return invalid("order", "tells totals of the whole order in a revision of one line")
	}
	return checkRefundHeads("order.refunds", r.Order.Refunds)
}

// checkRefundHeads makes sure that refunds can be united and stored.
func checkRefundHeads(field string, refunds []Refund) error {
	for i, refund := range refunds {
		if refund.RefundID == "" {
			return invalid(fmt.Sprintf("%s[%d].refund_id", field, i), "is empty")
		}
		if !encodable(utc(refund.At)) {
			return invalid(fmt.Sprintf("%s[%d].at", field, i), "is not within the years 0 to 9999")
		}
	}
	return nil
}

// join unites two states of one order. Each part is a join of its own: newest version, union by id, latest hint, or.
func join(a, b State) State {
	s := State{
		Source:        a.source(),
		Channels:      joinChannels(a.Channels, b.Channels),
		Refunds:       uniteRefunds(a.Refunds, b.Refunds),
		HintedAt:      a.HintedAt,
		HintedChannel: a.HintedChannel,
		Deleted:       a.Deleted || b.Deleted,
		UndatedSince:  a.UndatedSince,
	}
	if s.UndatedSince == 0 || b.UndatedSince != 0 && b.UndatedSince < s.UndatedSince {
		s.UndatedSince = b.UndatedSince
	}
	if s.Source == (Source{}) {
		s.Source = b.source()
	}
	ranks := cmp.Compare(b.HintedChannel.Rank(), a.HintedChannel.Rank())
	if cmp.Or(ranks, b.HintedAt.Compare(a.HintedAt)) > 0 {
		s.HintedAt, s.HintedChannel = b.HintedAt, b.HintedChannel
	}
	return s
}

// joinChannels joins what is told of the same part through the same channel. A whole order replaces the parts that are
// not newer.
func joinChannels(a, b []ChannelState) []ChannelState {
	channels := slices.Concat(a, b)
	slices.SortStableFunc(channels, func(x, y ChannelState) int {
		return cmp.Or(strings.Compare(string(x.Channel), string(y.Channel)), strings.Compare(x.Part, y.Part))
	})
	out := channels[:0]
	for _, c := range channels {
		if last := len(out) - 1; last >= 0 && out[last].Channel == c.Channel && out[last].Part == c.Part {
			out[last] = joinChannel(out[last], c)
			continue
		}
		out = append(out, c)
	}
	var whole ChannelState
	out = slices.DeleteFunc(out, func(c ChannelState) bool {
		if c.Part == "" {
			whole = c // it stands before the parts of its channel
			return false
		}
		return whole.Channel == c.Channel && c.Version.Compare(whole.Version) <= 0
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// joinChannel keeps the newer snapshot. Of equally old ones it keeps every different body, because only all of them
// together give an answer that does not depend on which came first.
func joinChannel(a, b ChannelState) ChannelState {
	switch a.Version.Compare(b.Version) {
	case 1:
		return a.keepTold(a, b)
	case -1:
		return b.keepTold(a, b)
	}
	bodies := distinct(slices.Concat(a.bodies(), b.bodies()))
	c := ChannelState{Channel: a.Channel, Part: a.Part, Version: a.Version, Order: bodies[0]}
	if len(bodies) > 1 {
		c.Rivals = bodies
		c.Order, c.Conflict = unite(bodies)
	}
	return c.keepTold(a, b)
}

func (c ChannelState) bodies() []Order {
	if len(c.Rivals) > 0 {
		return c.Rivals
	}
	return []Order{c.Order}
}

// distinct sorts bodies by their canonical text and drops repeats. It holds one more than maxRivals, so that a list of
// that length says "too many", whatever came first.
func distinct(bodies []Order) []Order {
	type keyed struct {
		key  string
		body Order
	}
	all := make([]keyed, len(bodies))
	for i, body := range bodies {
		all[i] = keyed{bodyKey(body), body}
	}
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	all = slices.CompactFunc(all, func(a, b keyed) bool { return a.key == b.key })
	all = all[:min(len(all), maxRivals+1)]
	out := make([]Order, len(all))
	for i := range all {
		out[i] = all[i].body
	}
	return out
}

// uniteRefunds joins lists of refunds by RefundID, sorted by it. Two refunds of one id are one refund told twice, so
// they are never added up.
func uniteRefunds(lists ...[]Refund) []Refund {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, byRefundID)
	out := all[:0]
	for _, refund := range all {
		if last := len(out) - 1; last >= 0 && out[last].RefundID == refund.RefundID {
			out[last] = fuller(out[last], refund)
			continue
		}
		out = append(out, refund)
	}
	return cloned(out)
}

func byRefundID(a, b Refund) int { return strings.Compare(a.RefundID, b.RefundID) }

// fuller is the one of two tellings of a refund that counts: its deletion before all, then the one that says more: lines
// before mere money, then the larger total, then the later text. So the choice does not depend on the order of arrival.
func fuller(a, b Refund) Refund {
	if a.equal(b) {
		return a
	}
	if a.Deleted != b.Deleted {
		if a.Deleted {
			return a
		}
		return b
	}
	by := cmp.Or(
		cmp.Compare(min(len(a.Lines), 1), min(len(b.Lines), 1)),
		cmp.Compare(a.total(), b.total()),
	)
	if by == 0 {
		by = strings.Compare(bodyKey(a), bodyKey(b))
	}
	if by < 0 {
		return b
	}
	return a
}

func (r Refund) equal(other Refund) bool {
	return r.RefundID == other.RefundID && r.Deleted == other.Deleted && r.At.Equal(other.At) && slices.Equal(r.Lines, other.Lines) &&
		r.MoneyMinor == other.MoneyMinor && r.MoneyTaxMinor == other.MoneyTaxMinor
}

// total is all a refund gives back, the largest int64 where that does not fit: it only ranks, and Validate refuses such
// a refund.
func (r Refund) total() int64 {
	total := r.MoneyMinor
	for _, line := range r.Lines {
		sum, err := money.Add(total, line.SubtotalMinor)
		if err != nil {
			return 1<<63 - 1
		}
		total = sum
	}
	return total
}
