package commission

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"upline.dev/upline/core/money"
)

// traceVersion names the layout of the calc_snapshot_json of period pay; see docs/plans.md.
const traceVersion = 1

// tracePeriod is the member "of" by which a reader tells the snapshots of orders and of periods apart.
const tracePeriod = "period"

func compareSkips(a, b *TracedSkip) int {
	return cmp.Or(cmp.Compare(a.Level, b.Level), strings.Compare(a.DistributorID, b.DistributorID), strings.Compare(a.Reason, b.Reason))
}

// append writes the trace.
func (t *AwardTrace) append(dst []byte) ([]byte, error) {
	e := encoder{out: dst}
	e.raw(`{"v":`)
	e.number(traceVersion)
	e.member("of", tracePeriod)
	e.key("engine")
	e.number(int64(t.Engine))
	e.member("component", t.ComponentID)
	e.member("type", t.Type)
	e.member("rule", t.Rule)
	e.key("period")
	e.texts(t.PeriodID, t.PeriodKind)
	e.key("from")
	e.number(t.From)
	e.key("to")
	e.number(t.To)
	e.member("currency", string(t.Currency))
	e.member("plan", t.PlanHash)
	e.key("tree")
	e.number(t.TreeVersion)
	e.member("rounding", t.Rounding)
	t.person(&e)
	e.member("base", t.Base)
	e.factors(t.Factors)
	e.raw(",")
	e.sum(&t.Award)
	t.losses(&e)
	t.cuts(&e)
	e.key("paid")
	e.quoted(t.PaidMinor)
	t.skips(&e)
	t.facts(&e)
	e.raw("}")
	if e.err != nil {
		return dst, fmt.Errorf("trace of %s by %s: %w", t.DistributorID, t.ComponentID, e.err)
	}
	return e.out, nil
}

func (e *encoder) member(name, text string) {
	e.key(name)
	e.text(text)
}

// person writes [id, status, rank, reached, title], the volumes, and a rank given by hand.
func (t *AwardTrace) person(e *encoder) {
	s := t.Standing
	if s == nil {
		return
	}
	e.key("person")
	e.texts(t.DistributorID, string(s.Status), s.Rank, s.ReachedRank, s.TitleRank)
	e.key("active")
	if s.Active {
		e.raw("true")
	} else {
		e.raw("false")
	}
	e.key("volumes")
	for i, volume := range [...]money.Volume{s.PV, s.GV, s.OwnCV} {
		e.separate(i)
		e.quoted(int64(volume))
	}
	e.raw("]")
	e.key("active_legs")
	e.number(int64(s.ActiveLegs))
	if s.OverrideRank != "" {
		e.key("override")
		e.texts(s.OverrideRank, s.Override)
	}
	if t.Evidence != nil {
		e.object("evidence", t.Evidence)
	}
	if t.Requires != nil {
		e.object("requires", t.Requires)
	}
}

// object writes a member whose JSON is its own contract, in the order of its fields.
func (e *encoder) object(name string, value any) {
	var text bytes.Buffer
	plain := json.NewEncoder(&text)
	plain.SetEscapeHTML(false) // Conditions are full of signs of comparison.
	if err := plain.Encode(value); err != nil {
		e.err = cmp.Or(e.err, err)
		return
	}
	e.key(name)
	e.raw(strings.TrimSuffix(text.String(), "\n"))
}

func (e *encoder) factors(factors []Factor) {
	if len(factors) == 0 {
		return
	}
	e.key("factors")
	for i, factor := range factors {
		e.separate(i)
		e.raw("[")
		e.text(factor.Name)
		e.raw(",")
		e.fraction(factor)
		e.raw("]")
	}
	e.raw("]")
}

// sum writes the members terms, exact and amount.
func (e *encoder) sum(s *TracedSum) {
	e.raw(`"terms":`)
	for i := range s.Terms {
		e.separate(i)
		e.term(&s.Terms[i])
	}
	e.closeList(len(s.Terms))
	e.member("exact", s.Exact)
	e.key("amount")
	e.quoted(s.AmountMinor)
}

// term writes [level, rule, base, rate, unit, note]; unit is "money" where the base is, and "" else.
func (e *encoder) term(t *TracedTerm) {
	e.raw("[")
	e.number(int64(t.Level))
	e.raw(",")
	e.text(t.Rule)
	e.raw(",")
	e.quoted(t.Base)
	e.raw(",")
	e.fraction(t.Rate)
	switch {
	case t.Money:
		e.raw(`,"money",`)
		e.text(t.Note)
	case t.Note != "":
		e.raw(`,"",`)
		e.text(t.Note)
	}
	e.raw("]")
}

func (t *AwardTrace) losses(e *encoder) {
	if len(t.Lost) == 0 {
		return
	}
	e.key("lost")
	for i := range t.Lost {
		e.separate(i)
		e.raw(`{"reason":`)
		e.text(t.Lost[i].Reason)
		e.raw(",")
		e.sum(&t.Lost[i].TracedSum)
		e.raw("}")
	}
	e.raw("]")
}

// cuts writes [cap, cut, group, limit].
func (t *AwardTrace) cuts(e *encoder) {
	if len(t.Cuts) == 0 {
		return
	}
	e.key("cuts")
	for i, cut := range t.Cuts {
		e.separate(i)
		e.raw("[")
		e.text(cut.CapID)
		for _, figure := range [...]int64{cut.CutMinor, cut.GroupMinor, cut.LimitMinor} {
			e.raw(",")
			e.quoted(figure)
		}
		e.raw("]")
	}
	e.raw("]")
}

// skips writes [level, id, reason].
func (t *AwardTrace) skips(e *encoder) {
	if len(t.Skipped) == 0 {
		return
	}
	e.key("skipped")
	for i := range t.Skipped {
		e.separate(i)
		e.raw("[")
		e.number(int64(t.Skipped[i].Level))
		e.raw(",")
		e.text(t.Skipped[i].DistributorID)
		e.raw(",")
		e.text(t.Skipped[i].Reason)
		e.raw("]")
	}
	e.raw("]")
}

// facts writes [name, unit, value].
func (t *AwardTrace) facts(e *encoder) {
	if len(t.Facts) == 0 {
		return
	}
	e.key("facts")
	for i := range t.Facts {
		fact := &t.Facts[i]
		e.separate(i)
		e.raw("[")
		e.text(fact.Name)
		e.raw(",")
		e.text(fact.Unit)
		e.raw(",")
		if fact.Unit == factText {
			e.text(fact.Text)
		} else {
			e.quoted(fact.Value)
		}
		e.raw("]")
	}
	e.raw("]")
}

// factText is the unit of a fact that is no figure.
const factText = "text"
