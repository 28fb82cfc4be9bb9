package period

import (
	"fmt"
	"strconv"
	"strings"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

// whatOf names what a test looks at.
func whatOf(t *plan.Test) string {
	switch t.Measure {
	case plan.MeasurePV, plan.MeasureGV, plan.MeasureCV:
		return strings.ToUpper(t.Measure)
	case plan.MeasurePGV:
		if t.Without == "" {
			return "PGV"
		}
		return "PGV without " + t.Without
	case plan.MeasureLeg:
		return "leg " + strconv.Itoa(t.N)
	case plan.MeasureLegs:
		switch {
		case t.LegVolume != "":
			return "legs of " + grouped(t.LegVolume)
		case t.Depth == plan.Frontline:
			return "frontline with " + t.LegRank
		default:
			return "legs with " + t.LegRank
		}
	case plan.MeasureDays:
		return "days since enrolment"
	default:
		return strings.ReplaceAll(t.Measure, "_", " ")
	}
}

func yesNo(flag bool) string {
	if flag {
		return "yes"
	}
	return "no"
}

func orWords(words []string) string { return strings.Join(words, " or ") }

// grouped writes a decimal number with commas between thousands; what is no number stays as it is.
func grouped(number string) string {
	whole, decimals, found := strings.Cut(number, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", rest
	}
	if strings.Trim(whole, "0123456789") != "" {
		return number
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if found {
		whole += "." + decimals
	}
	return sign + whole
}

// bounds are the operators in words; a lower bound needs none, as in "GV 12,300 of 10,000".
var bounds = map[string]string{plan.Above: "more than ", plan.AtMost: "at most ", plan.Below: "less than ", plan.Equals: "exactly "}

// wordBounds are the operators between ranks; there is none between other words.
var wordBounds = map[string]string{
	plan.AtLeast: "at least ", plan.Above: "above ", plan.AtMost: "at most ", plan.Below: "below ", plan.Equals: "exactly ",
}

// Text says what a condition asks for and what there is of it, such as "GV 12,300 of 10,000; leg A counts 5,000 of
// 7,400". names gives what to call a distributor; nil shows ids.
func (f *Finding) Text(names func(genealogy.DistributorID) string) string {
	if f.Join != "" {
		texts := make([]string, len(f.Parts))
		for i := range f.Parts {
			texts[i] = f.Parts[i].Text(names)
		}
		return joined(f.Join, texts)
	}
	have := grouped(f.Have)
	if f.Unknown || f.Have == "" {
		have = "not known"
	}
	if strings.Trim(f.Needed[:min(1, len(f.Needed))], "0123456789") != "" { // A word, not a number.
		return f.What + " " + have + ", needed " + wordBounds[f.Op] + f.Needed
	}
	texts := []string{f.What + " " + have + " of " + bounds[f.Op] + grouped(f.Needed) + f.whose(names)}
	for i := range f.Legs {
		leg := &f.Legs[i]
		if leg.Counts == leg.Volume {
			continue
		}
		whose := "own volume"
		if leg.DistributorID != "" {
			whose = "leg " + called(names, leg.DistributorID)
		}
		texts = append(texts, whose+" counts "+grouped(leg.Counts.String())+" of "+grouped(leg.Volume.String()))
	}
	return strings.Join(texts, "; ")
}

// whose names the legs that a test on legs counts, such as " (Ben, Cleo, 3 more)".
func (f *Finding) whose(names func(genealogy.DistributorID) string) string {
	if len(f.Legs) == 0 || f.MoreCounts != 0 || !strings.HasPrefix(f.What, "leg") && !strings.HasPrefix(f.What, "frontline") {
		return ""
	}
	list := make([]string, len(f.Legs), len(f.Legs)+1)
	for i := range f.Legs {
		list[i] = called(names, f.Legs[i].DistributorID)
		if strings.HasPrefix(f.What, "leg ") {
			list[i] += " " + grouped(f.Legs[i].Volume.String())
		}
	}
	if f.More > 0 {
		list = append(list, strconv.Itoa(f.More)+" more")
	}
	return " (" + strings.Join(list, ", ") + ")"
}

func joined(join string, texts []string) string {
	switch {
	case join == "not":
		return "not (" + texts[0] + ")"
	case len(texts) == 1:
		return texts[0]
	case join == "any":
		return "one of (" + strings.Join(texts, ") or (") + ")"
	default:
		return strings.Join(texts, "; ")
	}
}

func called(names func(genealogy.DistributorID) string, id genealogy.DistributorID) string {
	if names == nil {
		return id
	}
	return names(id)
}

// Missing lists what a condition still asks for, one sentence part each: what lacks to tests that are not met, all of
// them where all are needed, and together where one is enough. It is empty for a condition that is met.
func (f *Finding) Missing() []string {
	switch {
	case f.Met:
		return nil
	case f.Join == "all":
		var out []string
		for i := range f.Parts {
			out = append(out, f.Parts[i].Missing()...)
		}
		return out
	case f.Join == "any":
		texts := make([]string, len(f.Parts))
		for i := range f.Parts {
			texts[i] = strings.Join(f.Parts[i].Missing(), " and ")
		}
		return []string{joined(f.Join, texts)}
	case f.Join == "not":
		return []string{f.Text(nil)}
	case f.Lacks != "":
		return []string{f.What + " " + grouped(f.Lacks) + " more (" + grouped(f.Have) + " of " + bounds[f.Op] + grouped(f.Needed) + ")"}
	default:
		return []string{f.Text(nil)}
	}
}

// Sentences tell the evidence. names gives what to call a distributor; nil shows ids.
func (e *Evidence) Sentences(names func(genealogy.DistributorID) string) []string {
	out := []string{fmt.Sprintf("Paid as %s in %s: %s.", e.PaidAs, e.PeriodID, e.reason())}
	if e.Activity != nil {
		state := "Not active"
		if e.Active {
			state = "Active"
		}
		out = append(out, state+": "+e.Activity.Text(names)+".")
	}
	if e.Rank != nil {
		state := "asks for"
		if !e.Rank.Requires.Met {
			state = "is not met and asks for"
		}
		out = append(out, fmt.Sprintf("The requirement of %s %s: %s.", e.Rank.Rank, state, e.Rank.Requires.Text(names)))
	}
	if e.Next == nil {
		return out
	}
	if missing := e.Next.Requires.Missing(); len(missing) > 0 {
		return append(out, fmt.Sprintf("To %s is missing: %s.", e.Next.Rank, strings.Join(missing, "; ")))
	}
	return append(out, fmt.Sprintf("The requirement of %s is met: %s.", e.Next.Rank, e.Next.Requires.Text(names)))
}

// reason says Because in words.
func (e *Evidence) reason() string {
	switch e.Because {
	case BecauseAssigned:
		return "the company gave this rank"
	case BecauseLowest:
		return "everybody has this rank"
	case BecauseGrace:
		return fmt.Sprintf("its requirement was missed in %s in a row, of which %d are forgiven", periods(e.Missed), e.Grace)
	case BecauseDemotion:
		return fmt.Sprintf("its requirement was missed in %s in a row, and the plan lets nobody fall to %s at once", periods(e.Missed), e.Reached)
	case BecauseRequalify:
		return fmt.Sprintf("%s is met, but a lost rank must be met in %s in a row, and this is number %d", e.Reached, periods(e.Requalify), e.Met)
	case BecauseOverride:
		text := "given by hand"
		if e.Override.Floor {
			text = "given by hand as the least"
		}
		if e.Override.Reason != "" {
			text += " (" + e.Override.Reason + ")"
		}
		return text
	default:
		return "its requirement is met"
	}
}

func periods(n int) string {
	if n == 1 {
		return "1 period"
	}
	return strconv.Itoa(n) + " periods"
}
