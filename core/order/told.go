package order

import (
	"slices"
)

// keepTold gives c what the newest telling among a and b said of the buyer, where c itself cannot say it.
func (c ChannelState) keepTold(a, b ChannelState) ChannelState {
	c.Told = nil
	if c.Order.BuyerUntold {
		c.Told = joinTold(a.told(), b.told())
	}
	return c
}

// told is what a telling says of the buyer, or what it keeps of one before it; nil for neither.
func (c ChannelState) told() *Told {
	var told *Told
	for _, body := range c.bodies() {
		if !body.BuyerUntold {
			told = joinTold(told, &Told{Version: c.Version, BuyerID: body.BuyerID, Country: body.Country, Evidence: body.Evidence})
		}
	}
	return joinTold(told, c.Told)
}

// joinTold is the newer of two; those of one version are united, whatever their order.
func joinTold(a, b *Told) *Told {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	switch a.Version.Compare(b.Version) {
	case 1:
		return a
	case -1:
		return b
	}
	united := *a
	united.BuyerID, united.Country = leastTold(a.BuyerID, b.BuyerID), leastTold(a.Country, b.Country)
	if !slices.Equal(a.Evidence, b.Evidence) {
		all := slices.Concat(a.Evidence, b.Evidence)
		slices.SortFunc(all, compareEvidence)
		united.Evidence = slices.Compact(all)
	}
	return &united
}

// leastTold is the lower of two texts; an absent one gives way.
func leastTold(a, b string) string {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// filled is the telling with what was told of the buyer before, where it cannot say it itself. Of each kind of evidence
// its own word goes first.
func (c ChannelState) filled() ChannelState {
	if c.Told == nil {
		return c
	}
	o := &c.Order
	o.BuyerUntold, o.BuyerID = false, leastTold(o.BuyerID, c.Told.BuyerID)
	if o.Country == "" {
		o.Country = c.Told.Country
	}
	own := o.Evidence
	o.Evidence = slices.Clone(own)
	for _, e := range c.Told.Evidence {
		if !slices.ContainsFunc(own, func(known Evidence) bool { return known.Kind == e.Kind }) {
			o.Evidence = append(o.Evidence, e)
		}
	}
	c.Told = nil
	return c
}
