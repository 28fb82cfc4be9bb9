package commission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
)

// wireTrace is a trace as it is written.
type wireTrace struct {
	V          int        `json:"v"`
	Of         string     `json:"of"`
	Engine     int        `json:"engine"`
	Component  string     `json:"component"`
	Type       string     `json:"type"`
	Rule       string     `json:"rule"`
	Period     [2]string  `json:"period"`
	From       int64      `json:"from"`
	To         int64      `json:"to"`
	Currency   string     `json:"currency"`
	Plan       string     `json:"plan"`
	Tree       int64      `json:"tree"`
	Rounding   string     `json:"rounding"`
	Person     *[5]string `json:"person"`
	Active     bool       `json:"active"`
	Volumes    [3]minor   `json:"volumes"`
	ActiveLegs int        `json:"active_legs"`
	Override   [2]string  `json:"override"`

	Evidence *period.Evidence `json:"evidence"`
	Requires *period.Finding  `json:"requires"`

	Base    string       `json:"base"`
	Factors []wireFactor `json:"factors"`
	Terms   []wireTerm   `json:"terms"`
	Exact   string       `json:"exact"`
	Amount  minor        `json:"amount"`
	Lost    []wireLoss   `json:"lost"`
	Cuts    []wireCapCut `json:"cuts"`
	Paid    minor        `json:"paid"`
	Skipped []wirePassed `json:"skipped"`
	Facts   []wireFact   `json:"facts"`
}

type wireLoss struct {
	Reason string     `json:"reason"`
	Terms  []wireTerm `json:"terms"`
	Exact  string     `json:"exact"`
	Amount minor      `json:"amount"`
}

type wireTerm TracedTerm

// UnmarshalJSON reads the tuple of four, or of six where there is a unit or a note.
func (t *wireTerm) UnmarshalJSON(data []byte) error {
	var base minor
	var rate fraction
	var unit string
	fields := []any{&t.Level, &t.Rule, &base, &rate}
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if len(raw) > len(fields) {
		fields = append(fields, &unit, &t.Note)
	}
	if err := tuple(data, fields...); err != nil {
		return err
	}
	if rate.den == 0 || unit != "" && unit != unitMoney {
		return fmt.Errorf("a term has no rate, or the unit %q", unit)
	}
	t.Base, t.Rate, t.Money = int64(base), rate.named(factorRate), unit == unitMoney
	return nil
}

const unitMoney = "money"

type wireCapCut TracedCut

// UnmarshalJSON reads the tuple.
func (c *wireCapCut) UnmarshalJSON(data []byte) error {
	var cut, group, limit minor
	if err := tuple(data, &c.CapID, &cut, &group, &limit); err != nil {
		return err
	}
	c.CutMinor, c.GroupMinor, c.LimitMinor = int64(cut), int64(group), int64(limit)
	return nil
}

type wirePassed TracedSkip

// UnmarshalJSON reads the tuple.
func (s *wirePassed) UnmarshalJSON(data []byte) error {
	return tuple(data, &s.Level, &s.DistributorID, &s.Reason)
}

type wireFact Fact

// UnmarshalJSON reads the tuple.
func (f *wireFact) UnmarshalJSON(data []byte) error {
	var value string
	if err := tuple(data, &f.Name, &f.Unit, &value); err != nil {
		return err
	}
	if f.Unit == factText {
		f.Text = value
		return nil
	}
	var err error
	f.Value, err = strconv.ParseInt(value, 10, 64)
	return err
}

// readTrace reads a trace without believing its figures.
func readTrace(snapshot []byte) (*AwardTrace, error) {
	if len(snapshot) > maxSnapshot {
		return nil, fmt.Errorf("snapshot is longer than %d bytes", maxSnapshot)
	}
	var w wireTrace
	decoder := json.NewDecoder(bytes.NewReader(snapshot))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	if w.V != traceVersion || w.Of != tracePeriod || w.Engine != EngineVersion {
		return nil, fmt.Errorf("snapshot is of %q with layout %d and engine %d; this reads %q, %d and %d",
			w.Of, w.V, w.Engine, tracePeriod, traceVersion, EngineVersion)
	}
	return w.trace(), nil
}

func (w *wireTrace) trace() *AwardTrace {
	t := &AwardTrace{
		Engine: w.Engine, ComponentID: w.Component, Type: w.Type, Rule: w.Rule, PeriodID: w.Period[0], PeriodKind: w.Period[1],
		From: w.From, To: w.To, Currency: money.Currency(w.Currency), PlanHash: w.Plan, TreeVersion: w.Tree, Rounding: w.Rounding,
		Base: w.Base, Award: tracedSumOf(w.Terms, w.Exact, w.Amount), PaidMinor: int64(w.Paid),
	}
	if p := w.Person; p != nil {
		t.DistributorID = p[0]
		t.Standing = &TracedStanding{
			Status: genealogy.Status(p[1]), Rank: p[2], ReachedRank: p[3], TitleRank: p[4], Active: w.Active,
			PV: money.Volume(w.Volumes[0]), GV: money.Volume(w.Volumes[1]), OwnCV: money.Volume(w.Volumes[2]),
			ActiveLegs: w.ActiveLegs, OverrideRank: w.Override[0], Override: w.Override[1],
		}
		t.Evidence, t.Requires = w.Evidence, w.Requires
	}
	for _, factor := range w.Factors {
		t.Factors = append(t.Factors, Factor(factor))
	}
	for i := range w.Lost {
		t.Lost = append(t.Lost, TracedLoss{w.Lost[i].Reason, tracedSumOf(w.Lost[i].Terms, w.Lost[i].Exact, w.Lost[i].Amount)})
	}
	for _, cut := range w.Cuts {
		t.Cuts = append(t.Cuts, TracedCut(cut))
	}
	for _, skip := range w.Skipped {
		t.Skipped = append(t.Skipped, TracedSkip(skip))
	}
	for _, fact := range w.Facts {
		t.Facts = append(t.Facts, Fact(fact))
	}
	return t
}

func tracedSumOf(terms []wireTerm, exact string, amount minor) TracedSum {
	sum := TracedSum{Terms: make([]TracedTerm, len(terms)), Exact: exact, AmountMinor: int64(amount)}
	for i := range terms {
		sum.Terms[i] = TracedTerm(terms[i])
	}
	return sum
}

// RecomputeAward computes every amount of a trace of period pay again from the trace alone: sums of terms with their
// factors, exact values, roundings, cuts and what is paid. A figure that does not follow is a *Disagreement.
func RecomputeAward(snapshot []byte) (*AwardTrace, error) {
	t, err := readTrace(snapshot)
	if err != nil {
		return nil, err
	}
	if err := t.recompute(); err != nil {
		return nil, fmt.Errorf("recompute %s of %s by %s: %w", t.PeriodID, t.DistributorID, t.ComponentID, err)
	}
	again, err := t.append(nil)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, snapshot) {
		return nil, fmt.Errorf("recompute %s of %s by %s: the snapshot is not written the way Trace writes it",
			t.PeriodID, t.DistributorID, t.ComponentID)
	}
	return t, nil
}

func (t *AwardTrace) recompute() error {
	if !t.Currency.Valid() {
		return &money.CurrencyError{Code: string(t.Currency)}
	}
	mode, err := money.ParseRounding(t.Rounding)
	if err != nil {
		return err
	}
	if err := t.checkEvidence(); err != nil {
		return err
	}
	if err := t.recomputeSum("award", &t.Award, mode); err != nil {
		return err
	}
	for i := range t.Lost {
		if err := t.recomputeSum("breakage: "+t.Lost[i].Reason, &t.Lost[i].TracedSum, mode); err != nil {
			return err
		}
	}
	return t.recomputeCuts()
}

// checkEvidence holds the evidence against itself and against what the trace says of the person.
func (t *AwardTrace) checkEvidence() error {
	e, s := t.Evidence, t.Standing
	if e == nil {
		if t.Requires != nil {
			return errors.New("a requirement is told without the evidence it is judged by")
		}
		return nil
	}
	if err := e.Check(); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	if t.Requires != nil {
		if err := t.Requires.Check(e.Ranks); err != nil {
			return fmt.Errorf("requirement: %w", err)
		}
		if len(t.Award.Terms) > 0 && !t.Requires.Met {
			return fmt.Errorf("requirement: paid, though it is not met: %s", t.Requires.Text(nil))
		}
	}
	for _, f := range [...]struct{ what, stated, computed string }{
		{"distributor", t.DistributorID, e.DistributorID},
		{"rank", s.Rank, e.PaidAs},
		{"reached rank", s.ReachedRank, e.Reached},
		{"title", s.TitleRank, e.Title},
		{"PV", s.PV.String(), e.PV.String()},
		{"GV", s.GV.String(), e.GV.String()},
		{"own CV", s.OwnCV.String(), e.CV.String()},
		{"active", strconv.FormatBool(s.Active), strconv.FormatBool(e.Active)},
		{"active legs", strconv.Itoa(s.ActiveLegs), strconv.Itoa(e.ActiveLegs)},
	} {
		if f.stated != f.computed {
			return &Disagreement{Step: nobody, Where: "evidence", What: f.what, Stated: f.stated, Computed: f.computed}
		}
	}
	return nil
}

func (t *AwardTrace) recomputeSum(where string, s *TracedSum, mode money.Rounding) error {
	var sum, cash money.Exact
	for i := range s.Terms {
		term := &s.Terms[i]
		part, err := termValue(term.Base, plan.Ratio{Num: term.Rate.Num, Den: term.Rate.Den})
		if err != nil {
			return fmt.Errorf("%s: term %d: %w", where, i, err)
		}
		to := &sum
		if term.Money {
			to = &cash
		}
		if *to, err = to.Add(part); err != nil {
			return fmt.Errorf("%s: term %d: %w", where, i, err)
		}
	}
	var err error
	for _, factor := range t.Factors {
		if sum, err = sum.Mul(factor.Num, factor.Den); err != nil {
			return fmt.Errorf("%s: factor %s: %w", where, factor.Name, err)
		}
	}
	if sum, err = sum.Add(cash); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if exact := sum.String(); exact != s.Exact {
		return &Disagreement{Step: nobody, Where: where, What: "exact value", Stated: s.Exact, Computed: exact}
	}
	amount, err := sum.Round(mode)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return agree(where, "amount", s.AmountMinor, amount)
}

// recomputeCuts checks what of the cuts one award can tell: that each is a part of what its cap took in all.
func (t *AwardTrace) recomputeCuts() error {
	left := t.Award.AmountMinor
	for _, cut := range t.Cuts {
		excess, err := money.Sub(cut.GroupMinor, cut.LimitMinor)
		if err != nil {
			return err
		}
		if cut.CutMinor <= 0 || cut.CutMinor > excess {
			return &Disagreement{
				Step: nobody, Where: "cap " + cut.CapID, What: "cut", Stated: strconv.FormatInt(cut.CutMinor, 10),
				Computed: "above 0 and at most " + strconv.FormatInt(excess, 10),
			}
		}
		if left, err = money.Sub(left, cut.CutMinor); err != nil {
			return err
		}
	}
	return agree("award", "what is paid", t.PaidMinor, left)
}

func agree(where, what string, stated, computed int64) error {
	if stated == computed {
		return nil
	}
	return &Disagreement{
		Step: nobody, Where: where, What: what, Stated: strconv.FormatInt(stated, 10), Computed: strconv.FormatInt(computed, 10),
	}
}
