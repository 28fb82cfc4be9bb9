package order

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// compose makes one order of what one channel tells in pieces: its snapshot, if there is one, and lines that were told
// alone since. A line told alone is that line as it now is, and adds to the others. The order's own facts (status, buyer,
// evidence) are those of the newest telling that has them. The answer is a function of the set of tellings.
func compose(tellings []ChannelState) ChannelState {
	tellings = slices.Clone(tellings)
	slices.SortFunc(tellings, func(a, b ChannelState) int {
		return cmp.Or(a.Version.Compare(b.Version), strings.Compare(a.Part, b.Part))
	})
	c := composer{out: tellings[0].Order}
	if tellings[0].Part == "" {
		c.whole = indexLines(tellings[0].Order.Lines)
	}
	c.out.Lines = slices.Clone(c.out.Lines)
	c.out.Stated, c.out.PaidMinor, c.out.TotalMinor = Stated{}, 0, 0 // They were of the lines as they then were.
	var bodies []Order
	for i, t := range tellings {
		if t.Conflict != "" {
			c.conflicts = append(c.conflicts, t.Conflict)
		}
		if bodies = append(bodies, t.Order); i+1 == len(tellings) || tellings[i+1].Version != t.Version {
			c.head(bodies)
			bodies = nil
		}
		if t.Part != "" && len(t.Order.Lines) > 0 {
			c.line(t.Part, t.Order.Lines)
		}
	}
	newest := tellings[len(tellings)-1]
	return ChannelState{Channel: newest.Channel, Version: newest.Version, Order: c.out, Conflict: strings.Join(c.conflicts, "; ")}
}

type composer struct {
	out       Order
	whole     lineIndex // the lines of the snapshot below
	conflicts []string
}

// head takes over what tellings of one version say about the order itself. They are told at once, so they are united
// like bodies of one version.
func (c *composer) head(bodies []Order) {
	u := newUniter(bodies)
	told, o := u.out, &c.out
	if sentence := u.sentence(); sentence != "" {
		c.conflicts = append(c.conflicts, sentence)
	}
	if told.Currency != o.Currency {
		c.conflicts = append(c.conflicts, fmt.Sprintf("currency is %s or %s", min(o.Currency, told.Currency), max(o.Currency, told.Currency)))
	}
	if told.TaxesIncluded != o.TaxesIncluded {
		c.conflicts = append(c.conflicts, "taxes_included is false or true")
	}
	o.Status, o.Test = told.Status, told.Test
	o.Platform, o.Name = cmp.Or(told.Platform, o.Platform), cmp.Or(told.Name, o.Name)
	o.BuyerID, o.Country = cmp.Or(told.BuyerID, o.BuyerID), cmp.Or(told.Country, o.Country)
	if !told.Undated {
		o.OrderTS, o.Undated = told.OrderTS, false
	}
	o.Refunds = uniteRefunds(o.Refunds, told.Refunds)
	kept := slices.DeleteFunc(slices.Clone(o.Evidence), func(old Evidence) bool {
		return slices.ContainsFunc(told.Evidence, func(e Evidence) bool { return e.Kind == old.Kind })
	})
	o.Evidence = slices.Concat(kept, told.Evidence)
}

// line puts a line told alone in its place: that of the same id, or of the only line of the snapshot with its SKU, or
// else behind the others.
func (c *composer) line(id string, told []Line) {
	i := slices.IndexFunc(c.out.Lines, func(l Line) bool { return l.LineID == id })
	line := told[0]
	if i < 0 {
		for _, old := range c.whole.lines {
			if old.PlatformSKU != line.PlatformSKU {
				continue
			}
			if i >= 0 {
				c.conflicts = append(c.conflicts, fmt.Sprintf("SKU %q is told alone, but several lines of the order have it", line.PlatformSKU))
				return
			}
			i = slices.IndexFunc(c.out.Lines, func(l Line) bool { return l.LineID == old.LineID })
		}
	}
	if i < 0 {
		c.out.Lines = append(c.out.Lines, line)
		return
	}
	line.LineID = c.out.Lines[i].LineID
	c.out.Lines[i] = line
}
