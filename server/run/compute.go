package run

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/ledger"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
	"upline.dev/upline/core/plan"
	"upline.dev/upline/server"
)

// Progress hears how far a run is: stage is a word for people, done of total steps of it. An error from it ends the run,
// and is returned.
type Progress func(stage string, done, total int) error

// The stages of a run.
const (
	StagePeople  = "reading people"
	StageSales   = "reading sales"
	StageRanks   = "ranks"
	StageClose   = "components"
	StageCompare = "comparing with the ledger"
	StagePost    = "posting"
	StageRecord  = "recording ranks"
	StageOrders  = "paying orders"
)

// job is one computation of a period.
type job struct {
	program  string
	period   period.Period
	calendar period.Calendar
	plan     *plan.Plan
	pins     Pins
	progress Progress
}

func (j *job) tell(ctx context.Context, stage string, done, total int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.progress == nil {
		return nil
	}
	return j.progress(stage, done, total)
}

// result is what a period comes to.
type result struct {
	*job
	currency  money.Currency
	crowd     *crowd
	standings *period.Standings
	closing   *commission.Closing
	awards    []commission.Award // by component, then person
	sales     SalesTotals
	ranked    bool             // it is a qualification period: its ranks are recorded
	wants     []ledger.Balance // sorted by key
	diffs     []diff
	totals    *Totals
	inputHash string
	hash      string
}

// diff is one settlement to post: what one person has under one source, as it is and as it should be.
type diff struct {
	source        string
	distributorID string
	revision      int64 // the last one posted
	posted, want  []ledger.Balance
}

// compute gathers a period, qualifies everybody, closes and compares with what is posted.
func (s *Service) compute(ctx context.Context, j *job) (*result, error) {
	r := &result{job: j, currency: j.plan.PeriodCurrency()}
	if err := j.settles(); err != nil {
		return nil, err
	}
	var err error
	if err := j.tell(ctx, StagePeople, 0, 1); err != nil {
		return nil, err
	}
	as := genealogy.AsOf{At: j.period.To - 1, Version: j.pins.TreeVersion}
	if r.crowd, err = gatherCrowd(ctx, s.Books, j.program, j.plan, as); err != nil {
		return nil, err
	}
	qualifying, err := j.calendar.At(j.plan.Qualification.Period, as.At)
	if err != nil {
		return nil, err
	}
	r.ranked = qualifying == j.period
	before, err := j.calendar.Previous(qualifying)
	if err != nil {
		return nil, err
	}
	if err := r.crowd.remember(ctx, s.Books, j.plan, Key{j.program, before.Kind, before.ID}); err != nil {
		return nil, err
	}
	if err := s.closeSales(ctx, r, qualifying); err != nil {
		return nil, err
	}
	if err := r.want(); err != nil {
		return nil, err
	}
	if err := r.total(); err != nil {
		return nil, err
	}
	if err := j.tell(ctx, StageCompare, 0, 1); err != nil {
		return nil, err
	}
	if err := s.compare(ctx, r); err != nil {
		return nil, err
	}
	r.seal()
	return r, nil
}

// settles refuses a length of period by which the plan does nothing.
func (j *job) settles() error {
	if !slices.Contains(kindsOf(j.plan), j.period.Kind) {
		return server.Errorf(server.Invalid, "Plan %s settles nothing %s.", j.plan.Name, j.period.Kind)
	}
	if j.plan.PeriodCurrency() == "" {
		return server.Errorf(server.Invalid, "Plan %s names no currency that its periods pay in: set periods.currency.", j.plan.Name)
	}
	return nil
}

// closes tells whether a plan has something to pay, or to cap, by a length of period.
func closes(p *plan.Plan, kind string) bool {
	return slices.ContainsFunc(p.Components, func(c plan.Component) bool { return c.Period == kind }) || caps(p, kind)
}

// caps tells whether a plan has a cap that counts over a length of period.
func caps(p *plan.Plan, kind string) bool {
	for i := range p.Caps {
		if p.CapPeriod(&p.Caps[i]) == kind {
			return true
		}
	}
	return false
}

// closeSales reads what sold, twice where the qualification has another length, and closes.
func (s *Service) closeSales(ctx context.Context, r *result, qualifying period.Period) error {
	if err := r.tell(ctx, StageSales, 0, 1); err != nil {
		return err
	}
	paid, err := s.gather(ctx, r, r.period)
	if err != nil {
		return err
	}
	defer paid.spool.close()
	r.sales = paid.sums
	qualified := paid
	if !r.ranked {
		qualifying.To = min(qualifying.To, r.period.To) // the month so far, as of the week's end
		if qualified, err = s.gather(ctx, r, qualifying); err != nil {
			return err
		}
		defer qualified.spool.close()
	}
	if err := r.tell(ctx, StageRanks, 0, 1); err != nil {
		return err
	}
	meets, err := r.qualify(qualified.world(qualifying))
	if err != nil || !closes(r.plan, r.period.Kind) {
		return err
	}
	in := commission.CloseInput{
		World: paid.world(r.period), Standings: r.standings, TreeVersion: r.pins.TreeVersion, Meets: meets, Parallel: parallel,
		Place:    r.calendar.Place(),
		Progress: func(done, total int) error { return r.tell(ctx, StageClose, done, total) },
	}
	if in.Earned, err = s.earned(ctx, r); err != nil {
		return err
	}
	if in.Before, err = s.stateBefore(ctx, r); err != nil {
		return err
	}
	r.closing, err = commission.Close(in, r.plan)
	return err
}

// gather reads the sales of a span: those ordered in it, and under its policy the late ones that count in it.
func (s *Service) gather(ctx context.Context, r *result, p period.Period) (*gathering, error) {
	locked, err := lockedPeriods(ctx, s.Books, r.program, p)
	if err != nil {
		return nil, err
	}
	return gatherSales(ctx, s.Books, r.program, r.crowd, r.plan, Span{From: p.From, To: p.To, UpTo: r.pins.SalesSequence}, s.TempDir,
		locked.late(ctx, s.Books, r.program, p, r.pins.SalesSequence))
}

// earned is what people have by components that this close does not compute, where something depends on it.
func (s *Service) earned(ctx context.Context, r *result) ([][]int64, error) {
	if !caps(r.plan, r.period.Kind) && !matches(r.plan, r.period.Kind) {
		return nil, nil
	}
	needed := map[string]int{}
	for i := range r.plan.Components {
		if c := &r.plan.Components[i]; c.Period != r.period.Kind && plan.Nests(c.Period, r.period.Kind) {
			needed[c.ID] = i
		}
	}
	list := make([][]int64, len(r.plan.Components))
	take := func(e Earned) error {
		i, wanted := needed[e.ComponentID]
		if !wanted {
			return nil
		}
		return r.takeEarned(&list[i], &e)
	}
	err := s.Books.EarnedBetween(ctx, r.program, r.period.From, r.period.To, 0, r.pins.BatchSequence, r.period.ID, take)
	if err != nil {
		return nil, err
	}
	// Corrections of what earlier orders earned, which came after their period's lock, count here as the volumes do.
	locked, err := lockedPeriods(ctx, s.Books, r.program, r.period)
	if err != nil || len(locked) == 0 {
		return list, err
	}
	last := &locked[len(locked)-1]
	if last.To.UnixMicro() != r.period.From || last.Late != plan.LateCurrent {
		return list, nil
	}
	return list, s.Books.EarnedBetween(ctx, r.program, locked[0].From.UnixMicro(), r.period.From, last.Pins.BatchSequence, r.pins.BatchSequence,
		everyPeriod, take)
}

// takeEarned adds what somebody has earned to a column.
func (r *result) takeEarned(column *[]int64, e *Earned) error {
	if e.Currency != r.currency {
		return fmt.Errorf("distributor %s has earned in %s by component %s, and the plan's periods pay in %s: match it, or cap it, in a plan of that currency",
			e.DistributorID, e.Currency, e.ComponentID, r.currency)
	}
	who, there := r.crowd.snapshot.Index(e.DistributorID)
	if !there {
		return fmt.Errorf("distributor %s has earned and is not in the tree at the end of the period", e.DistributorID)
	}
	if *column == nil {
		*column = make([]int64, r.crowd.people.Count)
	}
	var err error
	(*column)[who], err = money.Add((*column)[who], e.AmountMinor)
	return err
}

// matches tells whether a component of a length of period is a share of what others pay.
func matches(p *plan.Plan, kind string) bool {
	return slices.ContainsFunc(p.Components, func(c plan.Component) bool { return c.Period == kind && c.MatchingTerms != nil })
}

// want lists what everybody should have, under sources of their own.
func (r *result) want() error {
	if r.closing == nil {
		return nil
	}
	r.awards = r.closing.Awards()
	settled := r.closing.Settled()
	r.wants = make([]ledger.Balance, 0, len(settled))
	for i := range settled {
		s := &settled[i]
		kind := ledger.Earning
		if s.Breakage {
			kind = ledger.Breakage
		}
		r.wants = append(r.wants, ledger.Balance{AmountMinor: s.AmountMinor, Key: ledger.Key{
			Source: sourceOf(s), ComponentID: s.ComponentID, DistributorID: s.DistributorID, Kind: kind, Currency: r.currency,
		}})
	}
	var err error
	r.wants, err = ledger.SumByKey(r.wants)
	return err
}

// sourceOf is the source of one person's postings: of one award, or of what one cap takes from one component's earnings
// that were booked before.
func sourceOf(s *commission.Settled) string {
	source := s.Source + "/" + s.DistributorID
	if strings.HasPrefix(s.Source, SourcePrefix+"cap/") {
		source += "/" + s.ComponentID
	}
	return source
}

// compare finds what has to be posted.
func (s *Service) compare(ctx context.Context, r *result) error {
	if r.closing == nil {
		return nil
	}
	var posted []ledger.Balance
	revisions := map[string]int64{}
	for _, source := range r.closing.Sources() {
		err := s.Books.PostedOf(ctx, r.program, source+"/", func(b ledger.Balance, revision int64) error {
			posted = append(posted, b)
			revisions[b.Key.Source] = max(revisions[b.Key.Source], revision)
			return nil
		})
		if err != nil {
			return err
		}
	}
	posted, err := ledger.SumByKey(posted) // sorts
	if err != nil {
		return err
	}
	r.diffs = differences(posted, r.wants, revisions)
	return nil
}

// cutSource takes the balances of one source off the front of a sorted list.
func cutSource(list []ledger.Balance, source string) (own, rest []ledger.Balance) {
	end := 0
	for end < len(list) && list[end].Key.Source == source {
		end++
	}
	return list[:end], list[end:]
}

// sameBalances compares, a key that is not there standing for 0.
func sameBalances(posted, want []ledger.Balance) bool {
	for len(posted) > 0 || len(want) > 0 {
		switch {
		case len(posted) > 0 && posted[0].AmountMinor == 0:
			posted = posted[1:]
		case len(want) > 0 && want[0].AmountMinor == 0:
			want = want[1:]
		case len(posted) == 0 || len(want) == 0 || posted[0] != want[0]:
			return false
		default:
			posted, want = posted[1:], want[1:]
		}
	}
	return true
}

// hasher writes what a hash is made of, each text with its length.
type hasher struct{ hash.Hash }

func (h hasher) text(texts ...string) {
	for _, text := range texts {
		h.number(int64(len(text)))
		h.Write([]byte(text))
	}
}

func (h hasher) number(numbers ...int64) {
	for _, n := range numbers {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
}

func (h hasher) sum() string { return hex.EncodeToString(h.Sum(nil)) }

// seal makes the hashes. The input's stands for the facts by what pins them, which never change, and by their sums; the
// result's for every amount and every rank.
func (r *result) seal() {
	in := hasher{sha256.New()}
	in.text("upline/run/input/v1", r.program, r.plan.Hash(), r.period.Kind, r.period.ID)
	in.number(engineVersion, r.period.From, r.period.To, r.pins.TreeVersion, r.pins.SalesSequence, r.pins.BatchSequence,
		int64(r.crowd.people.Count), r.sales.Quantity, r.sales.NetMinor, int64(r.sales.CV), int64(r.sales.QV))
	r.inputHash = in.sum()
	out := hasher{sha256.New()}
	out.text("upline/run/result/v1", string(r.currency))
	for i := range r.wants {
		k := &r.wants[i].Key
		out.text(k.Source, k.ComponentID, string(k.Kind))
		out.number(r.wants[i].AmountMinor)
	}
	if r.ranked {
		for person := range r.crowd.people.Count {
			if rank := r.rank(person); rank != nil {
				out.text(rank.DistributorID, rank.Rank, rank.Reached, rank.Title)
				out.number(int64(rank.Missed), int64(rank.Met), int64(rank.PV), int64(rank.GV))
			}
		}
	}
	r.hash = out.sum()
}

// parallel runs on all cores. See period.Parallel.
func parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = f(i)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
