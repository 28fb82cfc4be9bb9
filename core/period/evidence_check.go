package period

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Check holds the evidence against itself: that every test is met or not as its figures say, that joined ones follow from
// their parts, that listed legs give the figure, and that the rank follows from what was found. It needs nothing else.
func (e *Evidence) Check() error {
	place := func(rank string) int { return slices.Index(e.Ranks, rank) }
	for _, rank := range []string{e.PaidAs, e.Reached, e.Title} {
		if place(rank) < 0 {
			return fmt.Errorf("rank %q is none of %v", rank, e.Ranks)
		}
	}
	if place(e.Title) < place(e.PaidAs) {
		return fmt.Errorf("title %s is below the rank %s", e.Title, e.PaidAs)
	}
	if e.Activity != nil {
		if err := e.Activity.check(e.Ranks); err != nil {
			return fmt.Errorf("activity: %w", err)
		}
		if e.Active && !e.Activity.Met {
			return fmt.Errorf("active, though %s", e.Activity.Text(nil))
		}
	}
	for _, found := range []*RankFinding{e.Rank, e.Next} {
		if found == nil {
			continue
		}
		if err := found.Requires.check(e.Ranks); err != nil {
			return fmt.Errorf("requirement of rank %s: %w", found.Rank, err)
		}
	}
	return e.checkReason(place)
}

// checkReason holds Because against the ranks and what was found.
func (e *Evidence) checkReason(place func(string) int) error {
	paid, reached := place(e.PaidAs), place(e.Reached)
	var ok bool
	switch e.Because {
	case BecauseLowest:
		ok = paid == 0
	case BecauseMet:
		ok = paid == reached && e.Rank != nil && e.Rank.Rank == e.PaidAs && e.Rank.Requires.Met
	case BecauseAssigned:
		ok = e.Assigned == e.PaidAs
	case BecauseGrace, BecauseDemotion:
		ok = reached < paid && e.Missed > 0 && (e.Because == BecauseDemotion) == (e.Missed > e.Grace)
	case BecauseRequalify:
		ok = reached > paid && e.Met < e.Requalify
	case BecauseOverride:
		ok = e.Override != nil && (e.Override.Floor || e.Override.Rank == e.PaidAs)
	}
	if !ok {
		return fmt.Errorf("paid as %s because of %s does not follow: reached %s, missed %d of %d, met %d of %d",
			e.PaidAs, e.Because, e.Reached, e.Missed, e.Grace, e.Met, e.Requalify)
	}
	return nil
}

// Check is the same for one condition; ranks are the plan's, lowest first.
func (f *Finding) Check(ranks []string) error { return f.check(ranks) }

func (f *Finding) check(ranks []string) error {
	for i := range f.Parts {
		if err := f.Parts[i].check(ranks); err != nil {
			return err
		}
	}
	if f.Unknown {
		if f.Met {
			return fmt.Errorf("%s is both met and not known", f.Text(nil))
		}
		return nil
	}
	met, told := f.met(ranks)
	if told && met != f.Met {
		return fmt.Errorf("met is %t, and does not follow from %s", f.Met, f.Text(nil))
	}
	return f.checkLegs()
}

// met answers a condition from what it tells; false where a test tells too little.
func (f *Finding) met(ranks []string) (met, told bool) {
	isMet := func(part Finding) bool { return part.Met }
	switch f.Join {
	case "all":
		return !slices.ContainsFunc(f.Parts, func(part Finding) bool { return !part.Met }), true
	case "any":
		return slices.ContainsFunc(f.Parts, isMet), true
	case "not":
		return len(f.Parts) == 1 && !f.Parts[0].Met, len(f.Parts) == 1
	}
	if f.Op == "" { // Words that are or are not among those needed.
		return slices.Contains(strings.Split(f.Needed, " or "), f.Have), true
	}
	if need, have := slices.Index(ranks, f.Needed), slices.Index(ranks, f.Have); need >= 0 && have >= 0 {
		return (&step{op: operators[f.Op]}).accepts(cmp.Compare(have, need)) == yes, true
	}
	if f.What == "active" || f.What == "autoship" {
		return f.Needed == f.Have, true
	}
	need, wrongNeed := money.ParseVolume(f.Needed)
	have, wrongHave := money.ParseVolume(f.Have)
	if wrongNeed != nil || wrongHave != nil {
		return false, false
	}
	// With a share per leg Have is rounded down, so the last micro-unit decides nothing.
	if len(f.Legs) > 0 && f.What == "GV" && have != need && max(have, need)-min(have, need) <= 1 {
		return false, false
	}
	return (&step{op: operators[f.Op]}).accepts(cmp.Compare(have, need)) == yes, true
}

// checkLegs adds up what the legs count for.
func (f *Finding) checkLegs() error {
	if len(f.Legs) == 0 {
		return nil
	}
	sum := f.MoreCounts
	for i := range f.Legs {
		leg := &f.Legs[i]
		if leg.Counts > leg.Volume && leg.Counts > 0 {
			return fmt.Errorf("leg %s counts %s of %s", leg.DistributorID, leg.Counts, leg.Volume)
		}
		sum += leg.Counts
	}
	switch {
	case strings.EqualFold(f.What, plan.MeasureGV):
		have, err := money.ParseVolume(f.Have)
		// Each leg over its share is rounded down by itself.
		if err != nil || have < sum || have > sum+money.Volume(len(f.Legs)+f.More) {
			return fmt.Errorf("the legs count for %s together, and not for %s", sum, f.Have)
		}
		return nil
	case strings.HasPrefix(f.What, "leg "):
		n, err := strconv.Atoi(strings.TrimPrefix(f.What, "leg "))
		if err != nil || n <= len(f.Legs) && f.Legs[n-1].Volume.String() != f.Have {
			return fmt.Errorf("%s is not %s", f.What, f.Have)
		}
		return nil
	}
	if got := len(f.Legs) + f.More; strconv.Itoa(got) != f.Have {
		return fmt.Errorf("%s are %s, and %d are listed", f.What, f.Have, got)
	}
	return nil
}
