package run

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
)

// explain says of each listed change where it comes from: it holds the trace that was posted against the one that is
// wanted now.
func (s *Service) explain(ctx context.Context, r *result, report *Report) error {
	bySource := make(map[string]*diff, len(r.diffs))
	for i := range r.diffs {
		bySource[r.diffs[i].source] = &r.diffs[i]
	}
	var sources []string
	for i := range report.Changes {
		if d := bySource[report.Changes[i].source]; d.revision > 0 && len(d.want) > 0 {
			sources = append(sources, d.source)
		}
	}
	if len(sources) == 0 {
		return nil
	}
	traces, err := s.Books.AwardsOf(ctx, r.program, sources)
	if err != nil {
		return err
	}
	before := make(map[string][]byte, len(traces))
	for i := range traces {
		before[traces[i].Source] = traces[i].JSON
	}
	for i := range report.Changes {
		c := &report.Changes[i]
		old := before[c.source]
		if len(old) == 0 {
			continue
		}
		trace, err := r.trace(bySource[c.source])
		if err != nil {
			return fmt.Errorf("trace of %s: %w", c.source, err)
		}
		if c.Why, err = whyDiffers(old, trace); err != nil {
			return fmt.Errorf("compare the traces of %s: %w", c.source, err)
		}
	}
	return nil
}

// whyDiffers names what two traces of one award say differently.
func whyDiffers(before, after []byte) (string, error) {
	a, err := commission.RecomputeAward(before)
	if err != nil {
		return "", err
	}
	b, err := commission.RecomputeAward(after)
	if err != nil {
		return "", err
	}
	var why []string
	say := func(what, was, is string) {
		if was != is {
			why = append(why, fmt.Sprintf("%s %s, was %s", what, is, was))
		}
	}
	if a.PlanHash != b.PlanHash {
		why = append(why, "another plan")
	}
	if a.TreeVersion != b.TreeVersion {
		why = append(why, "another tree version")
	}
	if a.Standing != nil && b.Standing != nil {
		say("rank", a.Standing.Rank, b.Standing.Rank)
		say("status", string(a.Standing.Status), string(b.Standing.Status))
		say("active", strconv.FormatBool(a.Standing.Active), strconv.FormatBool(b.Standing.Active))
		say("PV", a.Standing.PV.String(), b.Standing.PV.String())
		say("GV", a.Standing.GV.String(), b.Standing.GV.String())
	}
	say("paid on", basesOf(a), basesOf(b))
	say("cut by caps", cutsOf(a), cutsOf(b))
	if len(why) == 0 {
		return "other rates or people passed over", nil
	}
	return strings.Join(why, "; "), nil
}

// basesOf is the volume, or the money, that all terms of an award are of.
func basesOf(t *commission.AwardTrace) string {
	var volume, cash int64
	for i := range t.Award.Terms {
		term := &t.Award.Terms[i]
		into := &volume
		if term.Money || t.Base != "cv" {
			into = &cash
		}
		var err error
		if *into, err = money.Add(*into, term.Base); err != nil {
			return "more than can be told"
		}
	}
	switch {
	case cash == 0:
		return money.Volume(volume).String() + " CV"
	case volume == 0:
		return money.FormatMinor(cash, t.Currency) + " " + string(t.Currency)
	default:
		return money.Volume(volume).String() + " CV and " + money.FormatMinor(cash, t.Currency) + " " + string(t.Currency)
	}
}

func cutsOf(t *commission.AwardTrace) string {
	var sum int64
	for i := range t.Cuts {
		sum += t.Cuts[i].CutMinor // Cuts are parts of an amount.
	}
	return money.FormatMinor(sum, t.Currency)
}
