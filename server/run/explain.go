package run

import (
	"context"
	"encoding/json"
	"fmt"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/server"
)

// Explanation is why one person has what they have in a period.
type Explanation struct {
	Period        Period `json:"period"`
	DistributorID string `json:"distributor_id"`
	Live          bool   `json:"live"` // computed now from what is known; else read from what was posted
	Rank          *Rank  `json:"rank,omitempty"`
	// Evidence is why the rank, and what is missing to the next: computed, or read from the traces of what was posted. It is
	// nil where nothing was posted for the person.
	Evidence *period.Evidence `json:"evidence,omitempty"`
	Why      []string         `json:"why,omitempty"` // Evidence in sentences
	Awards   []Award          `json:"awards"`
	Earned   string           `json:"earned"`
	Currency string           `json:"currency"`
}

// Award is what one person has under one source, and its trace.
type Award struct {
	Source       string          `json:"source"`
	ComponentID  string          `json:"component_id"`
	Earned       string          `json:"earned"`
	Breakage     string          `json:"breakage"`
	Revision     int64           `json:"revision,omitempty"`
	Text         string          `json:"text,omitempty"` // why, in sentences
	CalcSnapshot json.RawMessage `json:"calc_snapshot_json,omitempty"`
}

// Explain says why a person has what they have in a period: from the ledger where it is committed, else computed now.
func (s *Service) Explain(ctx context.Context, program, kind, periodID, distributorID string) (*Explanation, error) {
	_, p, err := s.job(ctx, program, kind, periodID)
	if err != nil {
		return nil, err
	}
	if p.CommittedRevision > 0 {
		return s.explainPosted(ctx, program, p, distributorID)
	}
	out, err := s.Preview(ctx, program, p.Kind, p.PeriodID, false)
	if err != nil {
		return nil, err
	}
	return out.Explain(distributorID)
}

// Explain says why a person would have what a computation gives them.
func (o *Outcome) Explain(distributorID string) (*Explanation, error) {
	r := o.result
	who, there := r.crowd.snapshot.Index(distributorID)
	if !there {
		return nil, server.Errorf(server.NotFound, "Distributor %s is not in the tree at the end of period %s.", distributorID, o.Period.PeriodID)
	}
	e := &Explanation{Period: o.Period, DistributorID: distributorID, Live: true, Currency: string(r.currency), Rank: r.rank(who), Awards: []Award{}}
	var err error
	if e.Evidence, err = r.standings.Evidence(who); err != nil {
		return nil, fmt.Errorf("evidence of %s: %w", distributorID, err)
	}
	e.Why = e.Evidence.Sentences(nil)
	wants := r.wants
	for len(wants) > 0 {
		d := diff{source: wants[0].Key.Source, distributorID: wants[0].Key.DistributorID}
		d.want, wants = cutSource(wants, d.source)
		if d.distributorID != distributorID {
			continue
		}
		trace, err := r.trace(&d)
		if err != nil {
			return nil, fmt.Errorf("trace of %s: %w", d.source, err)
		}
		e.Awards = append(e.Awards, awardsOf(d.want, trace, 0)...)
	}
	return e, e.total()
}

// awardsOf tells balances of one source by component.
func awardsOf(list []ledger.Balance, trace []byte, revision int64) (out []Award) {
	d := diff{want: list}
	for _, id := range d.components() {
		a := Award{ComponentID: id, Revision: revision}
		if len(trace) > 0 {
			a.CalcSnapshot = trace
			if t, err := commission.RecomputeAward(trace); err == nil {
				a.Text = t.Text(nil)
			}
		}
		for i := range list {
			b := &list[i]
			a.Source = b.Key.Source
			if b.Key.ComponentID != id {
				continue
			}
			if text := money.FormatMinor(b.AmountMinor, b.Key.Currency); b.Key.Kind == ledger.Breakage {
				a.Breakage = text
			} else {
				a.Earned = text
			}
		}
		for _, text := range []*string{&a.Earned, &a.Breakage} {
			if *text == "" {
				*text = money.FormatMinor(0, list[0].Key.Currency)
			}
		}
		out = append(out, a)
	}
	return out
}

func (e *Explanation) total() error {
	var sum int64
	for i := range e.Awards {
		minor, err := money.ParseMinor(e.Awards[i].Earned, money.Currency(e.Currency))
		if err != nil {
			return err
		}
		if sum, err = money.Add(sum, minor); err != nil {
			return err
		}
	}
	e.Earned = money.FormatMinor(sum, money.Currency(e.Currency))
	return nil
}

// explainPosted reads what a commit wrote.
func (s *Service) explainPosted(ctx context.Context, program string, p Period, distributorID string) (*Explanation, error) {
	set, err := s.setting(ctx, program)
	if err != nil {
		return nil, err
	}
	inForce, err := set.planOf(p.Pins.PlanHash)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Period: p, DistributorID: distributorID, Currency: string(inForce.PeriodCurrency()), Awards: []Award{}}
	ranks, err := s.Books.RanksOfPerson(ctx, program, distributorID)
	if err != nil {
		return nil, err
	}
	for i := range ranks {
		if ranks[i].Kind == p.Kind && ranks[i].PeriodID == p.PeriodID {
			e.Rank = &ranks[i]
		}
	}
	var sources []string
	for i := range inForce.Components {
		if c := &inForce.Components[i]; c.Period == p.Kind {
			sources = append(sources, SourceOf(c.ID, p.PeriodID, distributorID))
		}
	}
	for i := range inForce.Caps {
		if c := &inForce.Caps[i]; inForce.CapPeriod(c) == p.Kind {
			for k := range inForce.Components {
				sources = append(sources, SourceOf("cap/"+c.ID, p.PeriodID, distributorID)+"/"+inForce.Components[k].ID)
			}
		}
	}
	traces, err := s.Books.AwardsOf(ctx, program, sources)
	if err != nil {
		return nil, err
	}
	for i := range traces {
		var posted []ledger.Balance
		err := s.Books.PostedOf(ctx, program, traces[i].Source, func(b ledger.Balance, _ int64) error {
			if b.Key.Source == traces[i].Source {
				posted = append(posted, b)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		e.Awards = append(e.Awards, awardsOf(posted, traces[i].JSON, traces[i].Revision)...)
		e.read(traces[i].JSON)
	}
	return e, e.total()
}

// read takes the evidence of a stored trace that has it.
func (e *Explanation) read(trace []byte) {
	if e.Evidence != nil {
		return
	}
	if t, err := commission.RecomputeAward(trace); err == nil && t.Evidence != nil { // One that is not sound is verify's matter.
		e.Evidence, e.Why = t.Evidence, t.Evidence.Sentences(nil)
	}
}
