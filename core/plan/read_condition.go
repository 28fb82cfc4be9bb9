package plan

import (
	"encoding/json"
	"fmt"
	"strings"
)

// comparedMeasures are measures written as {pv: ">= 100"}.
var comparedMeasures = []string{
	MeasurePV, MeasureGV, MeasurePGV, MeasureCV, MeasureActiveLegs, MeasureCustomers, MeasureOrders, MeasureDays,
	MeasureRank, MeasureTitle,
}

var conditionKeys = append([]string{
	"all", "any", "not", MeasureLeg, MeasureLegs, MeasureStatus, MeasureActive, MeasureAutoship, "max_leg_share", "without",
}, comparedMeasures...)

// condition reads the condition under key; nil where there is none.
func (o object) condition(key string) *Condition {
	n, path, ok := o.get(key)
	if !ok {
		return nil
	}
	c := o.r.readCondition(n, path)
	return &c
}

func (r *reader) readCondition(n node, path string) Condition {
	o := r.object(n, path, conditionKeys...)
	var found []string
	for _, key := range o.n.keys {
		if key != "max_leg_share" && key != "without" {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		r.report(path, fmt.Sprintf("has %d tests where one belongs", len(found)),
			`write one, such as {pv: ">= 100"}, and join several by {all: [...]} or {any: [...]}`)
		return Condition{}
	}
	switch key := found[0]; key {
	case "all":
		return Condition{All: o.conditions(key)}
	case "any":
		return Condition{Any: o.conditions(key)}
	case "not":
		return Condition{Not: o.condition(key)}
	default:
		return Condition{Test: o.test(key)}
	}
}

func (o object) conditions(key string) []Condition {
	items, path, _ := o.list(key)
	out := make([]Condition, 0, len(items))
	for i, item := range items {
		out = append(out, o.r.readCondition(item, index(path, i)))
	}
	return out
}

func (o object) test(measure string) *Test {
	t := &Test{Measure: measure, MaxLegShare: o.text("max_leg_share", ""), Without: o.text("without", "")}
	switch measure {
	case MeasureActive, MeasureAutoship:
		t.Flag = o.flag(measure)
	case MeasureStatus:
		t.Words = o.words(measure)
	case MeasureLeg:
		leg := o.child(measure, "n", "volume")
		t.N = leg.whole("n")
		t.Op, t.Number = splitComparison(leg.text("volume", ""))
	case MeasureLegs:
		legs := o.child(measure, "rank", "volume", "count", "depth")
		t.LegRank = leastOf(legs.text("rank", ""))
		t.LegVolume = leastOf(legs.text("volume", ""))
		t.Depth = legs.text("depth", Anywhere)
		t.Op, t.Number = splitComparison(legs.text("count", ""))
	case MeasureRank, MeasureTitle:
		op, word := splitComparison(o.text(measure, ""))
		t.Op, t.Words = op, []string{word}
	default:
		t.Op, t.Number = splitComparison(o.text(measure, ""))
	}
	return t
}

// words is a text or a list of texts.
func (o object) words(key string) []string {
	if n, _, _ := o.get(key); n.kind == kindText {
		return []string{n.text}
	}
	return o.texts(key, nil)
}

// splitComparison takes ">= 100" apart; without an operator it is a lower bound. Validation reads the rest.
func splitComparison(text string) (op, rest string) {
	text = strings.TrimSpace(text)
	for _, op := range []string{AtLeast, AtMost, Above, Below, Equals} {
		if rest, ok := strings.CutPrefix(text, op); ok {
			return op, strings.TrimSpace(rest)
		}
	}
	return AtLeast, text
}

// leastOf drops the only operator that a leg's own bound may have.
func leastOf(text string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), AtLeast))
}

// MarshalJSON writes the condition as the document has it.
func (c Condition) MarshalJSON() ([]byte, error) {
	switch {
	case c.Test != nil:
		return json.Marshal(c.Test.document())
	case c.Not != nil:
		return json.Marshal(map[string]any{"not": c.Not})
	case c.Any != nil:
		return json.Marshal(map[string]any{"any": c.Any})
	default:
		return json.Marshal(map[string]any{"all": c.All})
	}
}

func (t *Test) document() map[string]any {
	out := map[string]any{}
	comparison := t.Op + " " + t.Number
	switch t.Measure {
	case MeasureActive, MeasureAutoship:
		out[t.Measure] = t.Flag
	case MeasureStatus:
		out[t.Measure] = t.Words
	case MeasureLeg:
		out[t.Measure] = map[string]any{"n": t.N, "volume": comparison}
	case MeasureLegs:
		legs := map[string]any{"count": comparison, "depth": t.Depth}
		if t.LegRank != "" {
			legs["rank"] = t.LegRank
		}
		if t.LegVolume != "" {
			legs["volume"] = t.LegVolume
		}
		out[t.Measure] = legs
	case MeasureRank, MeasureTitle:
		out[t.Measure] = t.Op + " " + strings.Join(t.Words, "")
	default:
		out[t.Measure] = comparison
	}
	if t.MaxLegShare != "" {
		out["max_leg_share"] = t.MaxLegShare
	}
	if t.Without != "" {
		out["without"] = t.Without
	}
	return out
}
