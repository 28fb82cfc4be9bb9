package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// Service closes periods. The command line and the API share it.
type Service struct {
	Books    Books
	Clock    func() time.Time
	Actor    string // who runs it, for the history
	TempDir  string // for sales that do not fit into memory; "" is the system's
	Progress Progress
}

// Outcome is what a run found or did.
type Outcome struct {
	Period Period  `json:"period"`
	Totals *Totals `json:"totals,omitempty"`
	Report *Report `json:"report,omitempty"`
	// Changed tells that the run wrote something; a commit whose period has all it should have writes nothing.
	Changed bool `json:"changed"`

	result *result
}

// setting is what every run of a program begins with.
type setting struct {
	program Program
	plans   []PublishedPlan
}

func (s *Service) setting(ctx context.Context, program string) (set setting, err error) {
	if set.program, err = s.Books.ProgramOf(ctx, program); err != nil {
		return set, err
	}
	set.plans, err = s.Books.PublishedPlans(ctx, program)
	return set, err
}

// planAt is the plan in force at an instant.
func (set *setting) planAt(at int64) (*plan.Plan, error) {
	for i := len(set.plans) - 1; i >= 0; i-- {
		if set.plans[i].EffectiveFrom <= at {
			return set.plans[i].Plan, nil
		}
	}
	return nil, server.Errorf(server.Invalid, "No plan is in force at %s: publish one that is effective from then or earlier.",
		time.UnixMicro(at).UTC().Format(time.RFC3339))
}

// planOf is a plan by its hash.
func (set *setting) planOf(planHash string) (*plan.Plan, error) {
	for i := range set.plans {
		if set.plans[i].Plan.Hash() == planHash {
			return set.plans[i].Plan, nil
		}
	}
	return nil, fmt.Errorf("plan %s is not there", planHash)
}

// calendar is the clock by which a plan cuts time: its own zone, or the program's.
func (set *setting) calendar(p *plan.Plan) (period.Calendar, error) {
	zone := p.Periods.TimeZone
	if zone == "" {
		zone = set.program.TimeZone
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return period.Calendar{}, server.Errorf(server.Invalid, "The time zone %q is not known: set periods.time_zone in the plan, or the program's.", zone)
	}
	return period.NewCalendar(place, p.Periods.WeekStarts)
}

// find reads a period's name, by the plan in force at its end. Without a name it is the period in which at lies.
func (set *setting) find(kind, periodID string, at int64) (p period.Period, c period.Calendar, inForce *plan.Plan, err error) {
	inForce, err = set.planAt(at)
	if err != nil && len(set.plans) > 0 {
		inForce, err = set.plans[0].Plan, nil // only to cut time; the plan of the period itself is looked up below
	}
	// A plan that comes into force may cut time in another way, so the plan at the end that it gives is asked once more.
	for range 2 {
		if err != nil {
			return p, c, nil, err
		}
		if c, err = set.calendar(inForce); err != nil {
			return p, c, nil, err
		}
		if periodID == "" {
			p, err = c.At(kind, at)
		} else {
			p, err = c.Parse(periodID)
		}
		if err != nil {
			return p, c, nil, &server.Error{Code: server.Invalid, Field: "period", Message: err.Error(), Err: err}
		}
		inForce, err = set.planAt(p.To - 1)
	}
	if err == nil && kind != "" && p.Kind != kind {
		err = &server.Error{Code: server.Invalid, Field: "kind", Message: fmt.Sprintf("%s is a %s period, not a %s one.", p.ID, p.Kind, kind)}
	}
	return p, c, inForce, err
}

// job prepares the computation of a period: with its pins where it is locked, else with the newest of everything.
func (s *Service) job(ctx context.Context, program, kind, periodID string) (*job, Period, error) {
	set, err := s.setting(ctx, program)
	if err != nil {
		return nil, Period{}, err
	}
	at := s.Clock().UnixMicro()
	p, calendar, inForce, err := set.find(kind, periodID, at)
	if err != nil {
		return nil, Period{}, err
	}
	stored, err := s.Books.PeriodOf(ctx, Key{program, p.Kind, p.ID})
	if err != nil {
		return nil, Period{}, err
	}
	j := &job{program: program, period: p, calendar: calendar, plan: inForce, progress: s.Progress}
	if stored.locked() {
		if j.plan, err = set.planOf(stored.Pins.PlanHash); err != nil {
			return nil, stored, err
		}
		if j.calendar, err = set.calendar(j.plan); err != nil {
			return nil, stored, err
		}
		j.period.From, j.period.To, j.pins = stored.From.UnixMicro(), stored.To.UnixMicro(), stored.Pins
		return j, stored, nil
	}
	stored.From, stored.To = time.UnixMicro(p.From).UTC(), time.UnixMicro(p.To).UTC()
	j.pins, err = s.pinsNow(ctx, program, j.plan)
	stored.Pins, stored.Late = j.pins, j.plan.Periods.Late
	return j, stored, err
}

func (s *Service) pinsNow(ctx context.Context, program string, p *plan.Plan) (Pins, error) {
	head, err := s.Books.Head(ctx, program)
	return Pins{PlanHash: p.Hash(), TreeVersion: head.TreeVersion, SalesSequence: head.SalesSequence, BatchSequence: head.BatchSequence}, err
}

// outcome makes the answer of a computation.
func (s *Service) outcome(ctx context.Context, r *result, p Period) (*Outcome, error) {
	report, err := r.report()
	if err != nil {
		return nil, err
	}
	if err := s.explain(ctx, r, report); err != nil {
		return nil, err
	}
	p.Totals = r.totals
	return &Outcome{Period: p, Totals: r.totals, Report: report, result: r}, nil
}

// Preview says what a commit would do now, and writes nothing. record keeps in the period's history that it was looked
// at, and what was seen.
func (s *Service) Preview(ctx context.Context, program, kind, periodID string, record bool) (*Outcome, error) {
	j, p, err := s.job(ctx, program, kind, periodID)
	if err != nil {
		return nil, err
	}
	if p.restates() { // It shows what running it again would post.
		if j.pins, err = s.pinsNow(ctx, program, j.plan); err != nil {
			return nil, err
		}
		j.pins.TreeVersion = p.Pins.TreeVersion
	}
	r, err := s.compute(ctx, j)
	if err != nil {
		return nil, fmt.Errorf("preview %s of program %s: %w", j.period.ID, program, err)
	}
	out, err := s.outcome(ctx, r, p)
	if err != nil || !record {
		return out, err
	}
	if p.locked() {
		return nil, server.Errorf(server.Conflict, "Period %s is %s already; a preview of it is shown, but not recorded.", p.PeriodID, p.State)
	}
	entry, err := s.entry(ActionPreview, &out.Period, r, out.Report)
	if err != nil {
		return nil, err
	}
	out.Period.State, out.Changed = Preview, true
	return out, s.Books.RecordPreview(ctx, program, out.Period, entry)
}

// entry makes a run of the history, and the period its last run.
func (s *Service) entry(action Action, p *Period, r *result, report *Report) (Run, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return Run{}, fmt.Errorf("make a run's id: %w", err)
	}
	now := s.Clock().UTC()
	p.RunID = now.Format("20060102T150405Z") + "-" + hex.EncodeToString(random[:])
	out := Run{RunID: p.RunID, Kind: p.Kind, PeriodID: p.PeriodID, Action: action, Revision: p.Revision, At: now, Actor: s.Actor, Pins: p.Pins, Report: report}
	if r != nil {
		p.InputHash, p.ResultHash, p.Totals = r.inputHash, r.hash, r.totals
	}
	out.InputHash, out.ResultHash, out.Totals = p.InputHash, p.ResultHash, p.Totals
	return out, nil
}

// Lock fixes what a period is computed from: plan, tree version, and which sales and postings are in time. It is refused
// before the period and its grace are over (unless early), out of order, and where what it would compute cannot be.
func (s *Service) Lock(ctx context.Context, program, kind, periodID string, early bool) (*Outcome, error) {
	j, was, err := s.job(ctx, program, kind, periodID)
	if err != nil {
		return nil, err
	}
	if was.locked() {
		return nil, server.Errorf(server.Conflict, "Period %s is %s already.", was.PeriodID, was.State)
	}
	if err := s.mayLock(ctx, j, early); err != nil {
		return nil, err
	}
	r, err := s.compute(ctx, j)
	if err != nil {
		return nil, fmt.Errorf("lock %s of program %s: %w", j.period.ID, program, err)
	}
	out, err := s.outcome(ctx, r, was)
	if err != nil {
		return nil, err
	}
	p := &out.Period
	p.State, p.LockedAt, p.LockedBy = Locked, s.Clock().UTC(), s.Actor
	entry, err := s.entry(ActionLock, p, r, out.Report)
	if err != nil {
		return nil, err
	}
	out.Changed = true
	return out, s.Books.Lock(ctx, program, was, *p, entry)
}

// mayLock refuses a lock that is too early or out of order.
func (s *Service) mayLock(ctx context.Context, j *job, early bool) error {
	now := s.Clock()
	if now.UnixMicro() < j.period.To {
		return server.Errorf(server.Conflict, "Period %s ends at %s; it cannot be locked before.", j.period.ID, shown(j.period.To))
	}
	grace, err := j.graceEnds()
	if err != nil {
		return err
	}
	if now.UnixMicro() < grace && !early {
		return server.Errorf(server.Conflict, "The grace of %d days for late arrivals of %s ends at %s. Lock it then, or lock it early on purpose.",
			j.plan.Periods.GraceDays, j.period.ID, shown(grace))
	}
	all, err := s.Books.Periods(ctx, j.program, j.period.Kind)
	if err != nil {
		return err
	}
	before, err := j.calendar.Previous(j.period)
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		switch {
		case !p.locked():
		case p.From.UnixMicro() >= j.period.To:
			return server.Errorf(server.Conflict, "Period %s is %s already; periods are locked in their order.", p.PeriodID, p.State)
		case p.To.UnixMicro() <= before.From && !isLocked(all, before):
			return server.Errorf(server.Conflict, "Period %s comes before: lock and commit it first.", before.ID)
		}
	}
	return s.dependencies(ctx, j)
}

// graceEnds is when the last day on which late arrivals still count is over, by the clocks of the period.
func (j *job) graceEnds() (int64, error) {
	end := j.period.To
	for range j.plan.Periods.GraceDays {
		day, err := j.calendar.At(plan.Daily, end)
		if err != nil {
			return 0, err
		}
		end = day.To
	}
	return end, nil
}

func isLocked(all []Period, p period.Period) bool {
	for i := range all {
		if all[i].PeriodID == p.ID && all[i].locked() {
			return true
		}
	}
	return false
}

func shown(at int64) string { return time.UnixMicro(at).UTC().Format("2006-01-02 15:04 MST") }

// dependencies refuses a lock whose ranks, carried volumes or matches rest on a period that is not committed yet.
func (s *Service) dependencies(ctx context.Context, j *job) error {
	before, err := j.calendar.Previous(j.period)
	if err != nil {
		return err
	}
	qualifying, err := j.calendar.At(j.plan.Qualification.Period, j.period.To-1)
	if err != nil {
		return err
	}
	qualified, err := j.calendar.Previous(qualifying)
	if err != nil {
		return err
	}
	needed := []period.Period{before, qualified}
	for _, kind := range j.matched() {
		for at := j.period.From; at < j.period.To; {
			p, err := j.calendar.At(kind, at)
			if err != nil {
				return err
			}
			if at = p.To; p.To <= j.period.To {
				needed = append(needed, p)
			}
		}
	}
	for _, p := range needed {
		all, err := s.Books.Periods(ctx, j.program, p.Kind)
		if err != nil {
			return err
		}
		begun := false // a kind that was never locked before p has nothing to wait for
		for i := range all {
			begun = begun || all[i].locked() && all[i].From.UnixMicro() <= p.From
		}
		stored, err := s.Books.PeriodOf(ctx, Key{j.program, p.Kind, p.ID})
		if err != nil {
			return err
		}
		if begun && stored.CommittedRevision == 0 {
			return server.Errorf(server.Conflict, "Period %s rests on %s, which is %s: commit that first.", j.period.ID, p.ID, stored.State)
		}
	}
	return nil
}

// matched lists other lengths of period whose components this one matches.
func (j *job) matched() (kinds []string) {
	for i := range j.plan.Components {
		c := &j.plan.Components[i]
		if c.Period != j.period.Kind || c.MatchingTerms == nil {
			continue
		}
		for k := range j.plan.Components {
			other := &j.plan.Components[k]
			for _, id := range c.MatchingTerms.Components {
				if (other.ID == id || id == plan.Any) && other.Period != plan.PerOrder && other.Period != j.period.Kind {
					kinds = append(kinds, other.Period)
				}
			}
		}
	}
	return kinds
}

// Pay marks a committed period as paid.
func (s *Service) Pay(ctx context.Context, program, kind, periodID string) (*Outcome, error) {
	_, was, err := s.job(ctx, program, kind, periodID)
	if err != nil {
		return nil, err
	}
	if was.State != Committed {
		return nil, server.Errorf(server.Conflict, "Period %s is %s; only a committed one can be paid.", was.PeriodID, was.State)
	}
	p := was
	p.State, p.PaidAt, p.PaidBy = Paid, s.Clock().UTC(), s.Actor
	entry, err := s.entry(ActionPay, &p, nil, nil)
	if err != nil {
		return nil, err
	}
	return &Outcome{Period: p, Totals: p.Totals, Changed: true}, s.Books.MarkPaid(ctx, program, was, p, entry)
}
