package commission

import (
	"fmt"
	"slices"
	"sort"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/period"
)

// AwardTrace is calc_snapshot_json of period pay, read: all from which one person's amount by one component follows.
// Figures are minor units of Currency, or micro-units where they are volumes.
type AwardTrace struct {
	Engine      int            `json:"engine"`
	ComponentID string         `json:"component_id"`
	Type        string         `json:"type"`
	Rule        string         `json:"rule"` // path of the component in the plan
	PeriodID    string         `json:"period_id"`
	PeriodKind  string         `json:"period_kind"`
	From        int64          `json:"from"` // microseconds since 1970 UTC
	To          int64          `json:"to"`   // the first that is out
	Currency    money.Currency `json:"currency"`
	PlanHash    string         `json:"plan_hash"`
	TreeVersion int64          `json:"tree_version"`
	Rounding    string         `json:"rounding"`
	// DistributorID is "" for breakage that would have been no one person's; Standing is nil then.
	DistributorID string          `json:"distributor_id,omitempty"`
	Standing      *TracedStanding `json:"standing,omitempty"`
	// Evidence is why the person is paid as that rank, and Requires how what the component requires is met. Traces of
	// standings that were put together by hand, and older ones, have neither.
	Evidence *period.Evidence `json:"evidence,omitempty"`
	Requires *period.Finding  `json:"requires,omitempty"`
	Base     string           `json:"base"`    // "cv" or "net": what terms are of that are not money
	Factors  []Factor         `json:"factors"` // multiplied onto every term that is not money
	Award    TracedSum        `json:"award"`
	Lost     []TracedLoss     `json:"lost,omitempty"` // breakage, by reason
	Cuts     []TracedCut      `json:"cuts,omitempty"` // caps, in the order applied
	// PaidMinor is the award less the cuts; below zero where a cap takes from earnings booked before, or corrections
	// outweigh.
	PaidMinor int64        `json:"paid_minor"`
	Skipped   []TracedSkip `json:"skipped,omitempty"` // people passed over on the way to this one
	Facts     []Fact       `json:"facts,omitempty"`   // what the type has to tell, such as legs before and after
}

// TracedStanding is what a person was in the period, and the volumes that say so.
type TracedStanding struct {
	Status       genealogy.Status `json:"status"`
	Rank         string           `json:"rank"` // paid as
	Active       bool             `json:"active"`
	PV           money.Volume     `json:"pv"`
	GV           money.Volume     `json:"gv"`
	OwnCV        money.Volume     `json:"own_cv"`
	ActiveLegs   int              `json:"active_legs"`
	ReachedRank  string           `json:"reached_rank,omitempty"` // whose requirement is met in this period
	TitleRank    string           `json:"title_rank,omitempty"`
	OverrideRank string           `json:"override_rank,omitempty"` // given by hand
	Override     string           `json:"override,omitempty"`      // why
}

// TracedSum is a list of terms, their sum with the factors, and its rounding.
type TracedSum struct {
	Terms       []TracedTerm `json:"terms"`
	Exact       string       `json:"exact"` // rational of minor units before rounding
	AmountMinor int64        `json:"amount_minor"`
}

// TracedTerm is one term.
type TracedTerm struct {
	Level int    `json:"level,omitempty"`
	Rule  string `json:"rule"` // path of the rate below that of the component; "" where its terms give it
	Base  int64  `json:"base"`
	Money bool   `json:"money,omitempty"` // Base is minor units, and the factors do not touch it
	Rate  Factor `json:"rate"`
	Note  string `json:"note,omitempty"`
}

// TracedLoss is what somebody would have had, and why not.
type TracedLoss struct {
	Reason string `json:"reason"`
	TracedSum
}

// TracedCut is what a cap took: it limits GroupMinor, of which this is a part, to LimitMinor.
type TracedCut struct {
	CapID      string `json:"cap_id"`
	CutMinor   int64  `json:"cut_minor"`
	GroupMinor int64  `json:"group_minor"`
	LimitMinor int64  `json:"limit_minor"`
}

// TracedSkip is somebody who was passed over.
type TracedSkip struct {
	Level         int    `json:"level,omitempty"`
	DistributorID string `json:"distributor_id"`
	Reason        string `json:"reason"`
}

// Trace appends the calc_snapshot_json of an award of this closing to dst: compact JSON with a fixed layout, every figure
// of money or volume a text, so that equal awards have equal bytes. Many may ask at once.
func (o *Closing) Trace(dst []byte, award *Award) ([]byte, error) {
	t, err := o.header(award.Component, award.Person)
	if err != nil {
		return dst, err
	}
	book := &o.books[award.Component]
	t.Base, t.Factors = book.base, book.factors
	if t.Award, err = o.tracedSum(award.Component, book.entries[award.from:award.to], award.AmountMinor); err != nil {
		return dst, fmt.Errorf("trace of %s by %s: %w", o.name(award.Person), t.ComponentID, err)
	}
	if t.Lost, err = o.tracedLosses(book, award); err != nil {
		return dst, fmt.Errorf("trace of %s by %s: breakage: %w", o.name(award.Person), t.ComponentID, err)
	}
	for _, cut := range o.cutsOf(award.Component, award.Person) {
		t.Cuts = append(t.Cuts, o.tracedCut(&cut))
	}
	t.PaidMinor = award.PaidMinor()
	t.Skipped = o.tracedSkips(book, award.Person)
	t.Facts = o.Facts(int(award.Component), award.Person)
	return t.append(dst)
}

// TraceCut appends the calc_snapshot_json of what a cap takes from earnings that were booked before this closing.
func (o *Closing) TraceCut(dst []byte, cut *CapCut) ([]byte, error) {
	t, err := o.header(cut.Component, cut.Person)
	if err != nil {
		return dst, err
	}
	t.Base, t.Award.Exact = o.closing.plan.Components[cut.Component].Base, "0"
	t.Cuts, t.PaidMinor = []TracedCut{o.tracedCut(cut)}, -cut.CutMinor
	return t.append(dst)
}

// header is what all traces say of the closing and the person.
func (o *Closing) header(component, person int32) (*AwardTrace, error) {
	c := o.closing
	t := &AwardTrace{
		Engine: EngineVersion, ComponentID: c.plan.Components[component].ID, Type: c.plan.Components[component].Type,
		Rule: fmt.Sprintf("components[%d]", component), PeriodID: c.world.Period.ID, PeriodKind: c.world.Period.Kind,
		From: c.world.Period.From, To: c.world.Period.To, Currency: c.world.Currency, PlanHash: c.plan.Hash(),
		TreeVersion: c.in.TreeVersion, Rounding: c.plan.Rounding,
	}
	if person == period.Nobody {
		return t, nil
	}
	t.DistributorID = o.id(person)
	s := &TracedStanding{
		Status: c.status(person), Rank: c.plan.Ranks[c.rank(person)], Active: c.standing.Active == nil || c.standing.Active[person],
		PV: volumeAt(c.standing.PV, person), GV: volumeAt(c.standing.GV, person), OwnCV: volumeAt(c.standing.OwnCV, person),
	}
	if c.standing.Frontier != nil {
		s.ActiveLegs = int(c.standing.Frontier[person])
	}
	s.ReachedRank, s.TitleRank = o.rankAt(c.standing.Reached, person), o.rankAt(c.standing.Title, person)
	overrides := c.world.People.Overrides
	at := sort.Search(len(overrides), func(i int) bool { return overrides[i].Person >= person })
	if at < len(overrides) && overrides[at].Person == person {
		s.OverrideRank, s.Override = c.plan.Ranks[overrides[at].Rank], overrides[at].Reason
	}
	t.Standing = s
	if err := o.evidence(t, component, person); err != nil {
		return nil, fmt.Errorf("trace of %s by %s: %w", o.name(person), t.ComponentID, err)
	}
	return t, nil
}

// evidence says why the rank, and how the component's own requirement is met.
func (o *Closing) evidence(t *AwardTrace, component, person int32) (err error) {
	if o.closing.standing.World() == nil {
		return nil
	}
	if t.Evidence, err = o.closing.standing.Evidence(person); err != nil {
		return err
	}
	if requires := o.closing.plan.Components[component].Requires; requires != nil {
		t.Requires, err = o.closing.standing.Finding(requires, person)
	}
	return err
}

func volumeAt(column []int64, person int32) money.Volume {
	if column == nil {
		return 0
	}
	return money.Volume(column[person])
}

func (o *Closing) rankAt(column []int8, person int32) string {
	if column == nil {
		return ""
	}
	return o.closing.plan.Ranks[column[person]]
}

func (o *Closing) tracedSum(component int32, entries []entry, amount int64) (TracedSum, error) {
	exact, err := o.exact(&o.books[component], entries)
	if err != nil {
		return TracedSum{}, err
	}
	sum := TracedSum{Terms: make([]TracedTerm, len(entries)), Exact: exact.String(), AmountMinor: amount}
	for i := range entries {
		e := &entries[i]
		rate := o.rates.value(e.rate)
		sum.Terms[i] = TracedTerm{
			Level: int(e.level), Rule: o.rule(component, e), Base: e.base, Money: rate.of == ofMoney,
			Rate: Factor{factorRate, rate.Num, rate.Den}, Note: o.texts.value(e.note),
		}
	}
	return sum, nil
}

// rule is the path of a term's rate below its component's.
func (o *Closing) rule(component int32, e *entry) string {
	rates := o.closing.plan.Components[component].Rates
	if e.row < 0 || int(e.row) >= len(rates) {
		return ""
	}
	path := fmt.Sprintf("rates[%d]", e.row)
	switch row := &rates[e.row]; {
	case row.Levels != nil && e.level > 0:
		return fmt.Sprintf("%s.levels[%d]", path, e.level-1)
	case row.Rate != "":
		return path + ".rate"
	case row.Amount != "":
		return path + ".amount"
	case row.Shares != "":
		return path + ".shares"
	default:
		return path
	}
}

func (o *Closing) tracedLosses(book *book, award *Award) ([]TracedLoss, error) {
	var out []TracedLoss
	at := int(award.to)
	for i := int(award.lost); i < len(book.lost) && book.lost[i].Person == award.Person; i++ {
		to := at
		for to < len(book.entries) && book.entries[to].person == award.Person && book.entries[to].lost == book.entries[at].lost {
			to++
		}
		sum, err := o.tracedSum(award.Component, book.entries[at:to], book.lost[i].AmountMinor)
		if err != nil {
			return nil, err
		}
		out = append(out, TracedLoss{book.lost[i].Reason, sum})
		at = to
	}
	return out, nil
}

func (o *Closing) tracedCut(cut *CapCut) TracedCut {
	return TracedCut{o.closing.plan.Caps[cut.Cap].ID, cut.CutMinor, cut.GroupMinor, cut.LimitMinor}
}

// cutsOf are the cuts of one award, in the plan's order of caps.
func (o *Closing) cutsOf(component, person int32) []CapCut {
	from := sort.Search(len(o.byAward), func(i int) bool { return !o.byAward[i].before(component, person) })
	to := from
	for to < len(o.byAward) && o.byAward[to].Component == component && o.byAward[to].Person == person {
		to++
	}
	return o.byAward[from:to]
}

func (c *CapCut) before(component, person int32) bool {
	return c.Component < component || c.Component == component && c.Person < person
}

func (o *Closing) tracedSkips(book *book, person int32) []TracedSkip {
	from := sort.Search(len(book.skips), func(i int) bool { return book.skips[i].person >= person })
	var out []TracedSkip
	for ; from < len(book.skips) && book.skips[from].person == person; from++ {
		s := &book.skips[from]
		out = append(out, TracedSkip{int(s.level), o.id(s.passedOver), o.texts.value(s.reason)})
	}
	// By id, not by number: numbers change with the tree around them.
	slices.SortStableFunc(out, func(a, b TracedSkip) int { return compareSkips(&a, &b) })
	return out
}
