package commission

import (
	"slices"
	"strconv"
	"time"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// Text tells the trace as sentences. names gives what to call a distributor; nil shows ids.
func (t *AwardTrace) Text(names func(id string) string) string {
	w := awardTeller{teller{currency: t.Currency, names: names}, t}
	w.head()
	w.standing()
	w.facts()
	w.skips()
	w.sum(&t.Award)
	for i := range t.Lost {
		w.printf("Breakage, since %s was: %s.\n", w.whom(), t.Lost[i].Reason)
		w.sum(&t.Lost[i].TracedSum)
	}
	for _, cut := range t.Cuts {
		w.printf("Cap %s limits %s to %s, which takes %s from this.\n",
			cut.CapID, w.money(cut.GroupMinor), w.money(cut.LimitMinor), w.money(cut.CutMinor))
	}
	w.printf("%s gets %s.\n", w.whom(), w.money(t.PaidMinor))
	return w.b.String()
}

// awardTeller writes one trace.
type awardTeller struct {
	teller
	t *AwardTrace
}

func (w *awardTeller) whom() string {
	if w.t.DistributorID == "" {
		return "Nobody"
	}
	return w.name(w.t.DistributorID)
}

func (w *awardTeller) head() {
	t := w.t
	const layout = "2006-01-02 15:04:05 UTC"
	w.printf("%s (%s) of period %s, from %s to before %s\n", t.ComponentID, t.Type, t.PeriodID,
		time.UnixMicro(t.From).UTC().Format(layout), time.UnixMicro(t.To).UTC().Format(layout))
	w.printf("Plan %s at %s, tree version %d, engine version %d.\n",
		t.PlanHash[:min(shortHash, len(t.PlanHash))], t.Rule, t.TreeVersion, t.Engine)
}

func (w *awardTeller) standing() {
	s := w.t.Standing
	if s == nil {
		return
	}
	active := "active"
	if !s.Active {
		active = "not active"
	}
	w.printf("%s is paid as %s: status %s, %s in the period, PV %s, GV %s, own CV %s, %d active legs.\n",
		w.whom(), s.Rank, s.Status, active, s.PV, s.GV, s.OwnCV, s.ActiveLegs)
	if s.ReachedRank != "" && s.ReachedRank != s.Rank {
		w.printf("The requirement of rank %s is what was met in the period.\n", s.ReachedRank)
	}
	if s.TitleRank != "" && s.TitleRank != s.Rank {
		w.printf("The title is %s.\n", s.TitleRank)
	}
	if s.OverrideRank != "" {
		w.printf("Rank %s was given by hand: %s.\n", s.OverrideRank, s.Override)
	}
	if e := w.t.Evidence; e != nil {
		for _, sentence := range e.Sentences(w.names) {
			w.printf("%s\n", sentence)
		}
	}
	if r := w.t.Requires; r != nil {
		state := "is met"
		if !r.Met {
			state = "is not met"
		}
		w.printf("What the component requires %s: %s.\n", state, r.Text(w.names))
	}
}

func (w *awardTeller) facts() {
	for i := range w.t.Facts {
		fact := &w.t.Facts[i]
		w.printf("  %s: %s\n", fact.Name, w.figure(fact))
	}
}

func (w *awardTeller) figure(fact *Fact) string {
	switch fact.Unit {
	case factText:
		return fact.Text
	case plan.BaseCV:
		return money.Volume(fact.Value).String() + " CV"
	case "qv":
		return money.Volume(fact.Value).String() + " QV"
	case "minor":
		return w.money(fact.Value)
	default:
		return strconv.FormatInt(fact.Value, 10)
	}
}

func (w *awardTeller) skips() {
	for i := range w.t.Skipped {
		skip := &w.t.Skipped[i]
		w.printf("  %s%s passed over: %s\n", levelText(skip.Level), w.name(skip.DistributorID), skip.Reason)
	}
}

func levelText(level int) string {
	if level == 0 {
		return ""
	}
	return "level " + strconv.Itoa(level) + "  "
}

// sum tells the terms, and what they come to with the factors.
func (w *awardTeller) sum(s *TracedSum) {
	if len(s.Terms) == 0 {
		return
	}
	for i := range s.Terms {
		w.term(&s.Terms[i])
	}
	w.printf("  together")
	if slices.ContainsFunc(s.Terms, func(term TracedTerm) bool { return !term.Money }) {
		for _, factor := range w.t.Factors {
			w.printf(" x %s", w.factor(factor))
		}
	}
	w.printf(" = %s", w.exact(s.Exact))
	if rounded := w.money(s.AmountMinor); rounded != w.exact(s.Exact) {
		w.printf(", rounded %s to %s", w.t.Rounding, rounded)
	}
	w.printf("\n")
}

func (w *awardTeller) term(term *TracedTerm) {
	base := w.money(term.Base)
	if !term.Money && w.t.Base == plan.BaseCV {
		base = money.Volume(term.Base).String() + " CV"
	}
	w.printf("  %s%s", levelText(term.Level), base)
	if term.Rate.Num != term.Rate.Den {
		w.printf(" x %s", w.factor(term.Rate))
	}
	if term.Note != "" {
		w.printf(" (%s)", term.Note)
	}
	w.printf("\n")
}
