package plan

import (
	"strconv"
	"strings"
)

// Words is the condition as part of a sentence: "PV of at least 100 and at least 2 active legs".
func (c *Condition) Words() string {
	switch {
	case c.Test != nil:
		return c.Test.words()
	case c.Not != nil:
		return "not " + bracketed(c.Not)
	case c.Any != nil:
		return joined(c.Any, " or ")
	default:
		return joined(c.All, " and ")
	}
}

func joined(parts []Condition, by string) string {
	words := make([]string, len(parts))
	for i := range parts {
		words[i] = parts[i].Words()
		if len(parts) > 1 {
			words[i] = bracketed(&parts[i])
		}
	}
	return strings.Join(words, by)
}

// bracketed is a part of a longer condition.
func bracketed(c *Condition) string {
	if c.Test != nil || len(c.Any) == 1 || len(c.All) == 1 {
		return c.Words()
	}
	return "(" + c.Words() + ")"
}

// words is one test.
func (t *Test) words() string {
	figure := comparisonWords(t.Op, t.Number)
	switch t.Measure {
	case MeasurePV, MeasureGV:
		return limited(strings.ToUpper(t.Measure)+" of "+figure, t)
	case MeasurePGV:
		if t.Without != "" {
			return "GV of " + figure + " without legs of " + t.Without + " or higher"
		}
		return "GV of " + figure + " without legs that broke away"
	case MeasureCV:
		return "own CV of " + figure
	case MeasureLeg:
		return "leg " + strconv.Itoa(t.N) + " with " + figure
	case MeasureLegs:
		return t.legsWords(figure)
	case MeasureActiveLegs:
		return figure + " active legs"
	case MeasureCustomers, MeasureOrders:
		return figure + " " + t.Measure
	case MeasureDays:
		return figure + " days since enrolment"
	case MeasureRank, MeasureTitle:
		return t.Measure + " of " + comparisonWords(t.Op, strings.Join(t.Words, ""))
	case MeasureStatus:
		return "status " + strings.Join(t.Words, " or ")
	case MeasureActive:
		return negated(t.Flag) + "being active"
	default:
		return map[bool]string{true: "an autoship", false: "no autoship"}[t.Flag]
	}
}

func (t *Test) legsWords(figure string) string {
	switch {
	case t.LegVolume != "":
		return figure + " legs of " + t.LegVolume + " or more"
	case t.Depth == Frontline:
		return figure + " legs headed by " + t.LegRank + " or higher"
	default:
		return figure + " legs with " + t.LegRank + " or higher"
	}
}

func limited(text string, t *Test) string {
	if t.MaxLegShare != "" {
		text += ", at most " + t.MaxLegShare + " of it from one leg"
	}
	return text
}

func negated(flag bool) string {
	if flag {
		return ""
	}
	return "not "
}

func comparisonWords(op, figure string) string {
	switch op {
	case AtLeast:
		return "at least " + figure
	case Above:
		return "more than " + figure
	case AtMost:
		return "at most " + figure
	case Below:
		return "less than " + figure
	default:
		return "exactly " + figure
	}
}
