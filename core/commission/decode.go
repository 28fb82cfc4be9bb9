package commission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// maxSnapshot bounds a snapshot in bytes: about 100,000 steps, more than any order's lines and levels give.
const maxSnapshot = 16 << 20

// minor is an int64 written as a text.
type minor int64

// UnmarshalText reads exactly what the encoder writes.
func (m *minor) UnmarshalText(text []byte) error {
	value, err := strconv.ParseInt(string(text), 10, 64)
	*m = minor(value)
	return err
}

// fraction is a factor without its name, "2/5" or "1"; "" is none.
type fraction struct {
	num, den int64
}

// UnmarshalText reads what the encoder writes.
func (f *fraction) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	top, bottom, found := strings.Cut(string(text), "/")
	if !found {
		bottom = "1"
	}
	var errs [2]error
	f.num, errs[0] = strconv.ParseInt(top, 10, 64)
	f.den, errs[1] = strconv.ParseInt(bottom, 10, 64)
	if f.num < 0 || f.den <= 0 {
		return fmt.Errorf("%q is no factor", text)
	}
	return errors.Join(errs[:]...)
}

func (f fraction) named(name string) Factor { return Factor{Name: name, Num: f.num, Den: f.den} }

// wire is a snapshot as it is written.
type wire struct {
	V         int         `json:"v"`
	Engine    int         `json:"engine"`
	Source    [2]string   `json:"source"`
	OrderTS   int64       `json:"order_ts"`
	Currency  string      `json:"currency"`
	Plan      string      `json:"plan"`
	Tree      int64       `json:"tree"`
	Catalog   int64       `json:"catalog"`
	Rounding  string      `json:"rounding"`
	Lowest    string      `json:"lowest_rank"`
	Seller    string      `json:"seller"`
	Evidence  [2]string   `json:"evidence"`
	Lost      [][3]string `json:"lost"`
	Buyer     string      `json:"buyer"`
	Upline    [][3]string `json:"upline"`
	Beside    [][3]string `json:"beside"`
	Why       *string     `json:"why"`
	Lines     []wireLine  `json:"lines"`
	CVToMoney *fraction   `json:"cv_to_money"`
	Caps      []wireCap   `json:"caps"`
	Work      []wireGroup `json:"work"`
}

type wireLine struct {
	ID        string     `json:"id"`
	Net       [8]minor   `json:"net"`
	Left      minor      `json:"left"`
	Excluded  string     `json:"excluded"`
	SKU       *[2]string `json:"sku"`
	Class     string     `json:"class"`
	CV        minor      `json:"cv"`
	QV        minor      `json:"qv"`
	Price     minor      `json:"price"`
	Wholesale *minor     `json:"wholesale"`
}

// wireCap is [id, scope, target, enforce, of, limit].
type wireCap [6]string

type wireGroup struct {
	Line      string       `json:"line"`
	Component string       `json:"component"`
	Path      string       `json:"path"`
	Base      string       `json:"base"`
	Value     minor        `json:"value"`
	Tree      string       `json:"tree"`
	New       *wireNew     `json:"new"`
	Factors   []wireFactor `json:"factors"`
	Steps     []wireStep   `json:"steps"`
}

// wireNew is [distributor, enrolled at, days, until].
type wireNew FirstDays

// UnmarshalJSON reads the tuple.
func (n *wireNew) UnmarshalJSON(data []byte) error {
	return tuple(data, &n.DistributorID, &n.EnrolledAt, &n.Days, &n.Until)
}

// wireFactor is [name, fraction].
type wireFactor Factor

// UnmarshalJSON reads the pair.
func (f *wireFactor) UnmarshalJSON(data []byte) error {
	var ratio fraction
	if err := tuple(data, &f.Name, &ratio); err != nil {
		return err
	}
	f.Num, f.Den = ratio.num, ratio.den
	return nil
}

// wireStep is [position, level, rule, rate, exact, amount] and an optional object.
type wireStep struct {
	position, level int
	rule, exact     string
	rate            fraction
	amount          minor
	remarks         wireRemarks
}

type wireRemarks struct {
	Breakage string     `json:"breakage"`
	Cuts     []wireCut  `json:"cuts"`
	Skipped  []wireSkip `json:"skipped"`
}

// UnmarshalJSON reads the tuple.
func (s *wireStep) UnmarshalJSON(data []byte) error {
	fields := []any{&s.position, &s.level, &s.rule, &s.rate, &s.exact, &s.amount}
	if bytes.HasSuffix(bytes.TrimSpace(data), []byte("}]")) {
		fields = append(fields, &s.remarks)
	}
	return tuple(data, fields...)
}

// wireCut is [cap, minor].
type wireCut struct {
	capID string
	cut   minor
}

// UnmarshalJSON reads the pair.
func (c *wireCut) UnmarshalJSON(data []byte) error { return tuple(data, &c.capID, &c.cut) }

// wireSkip is [position, reason].
type wireSkip struct {
	position int
	reason   string
}

// UnmarshalJSON reads the pair.
func (s *wireSkip) UnmarshalJSON(data []byte) error { return tuple(data, &s.position, &s.reason) }

// tuple reads a JSON list of exactly the given values.
func tuple(data []byte, fields ...any) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if len(raw) != len(fields) {
		return fmt.Errorf("a list has %d entries instead of %d", len(raw), len(fields))
	}
	for i, field := range fields {
		if err := json.Unmarshal(raw[i], field); err != nil {
			return err
		}
	}
	return nil
}

// decode reads a snapshot without believing its figures: the result is as stated.
func decode(snapshot []byte) (in Input, net order.Breakdown, stated Result, err error) {
	if len(snapshot) > maxSnapshot {
		return in, net, stated, fmt.Errorf("snapshot is longer than %d bytes", maxSnapshot)
	}
	var w wire
	decoder := json.NewDecoder(bytes.NewReader(snapshot))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return in, net, stated, fmt.Errorf("read snapshot: %w", err)
	}
	if w.V != snapshotVersion || w.Engine != EngineVersion {
		return in, net, stated, fmt.Errorf("snapshot has layout %d and engine %d; this build reads %d and %d",
			w.V, w.Engine, snapshotVersion, EngineVersion)
	}
	in = w.input()
	net = w.breakdown(&in)
	stated, err = w.result(&in)
	return in, net, stated, err
}

func (w *wire) input() Input {
	in := Input{
		Source:      order.Source{StoreID: w.Source[0], PlatformOrderID: w.Source[1]},
		OrderTS:     w.OrderTS,
		Currency:    money.Currency(w.Currency),
		Attribution: order.Attribution{DistributorID: w.Seller, Winner: order.EvidenceKind(w.Evidence[0]), Value: w.Evidence[1]},
		Buyer:       w.Buyer,
		Pins: Pins{
			PlanHash: w.Plan, TreeVersion: w.Tree, CatalogVersion: w.Catalog, EngineVersion: w.Engine,
		},
	}
	for _, claim := range w.Lost {
		in.Attribution.Lost = append(in.Attribution.Lost,
			order.LostClaim{Kind: order.EvidenceKind(claim[0]), Value: claim[1], Why: claim[2]})
	}
	for _, person := range w.Upline {
		in.Upline = append(in.Upline, genealogy.Person{ID: person[0], Status: genealogy.Status(person[1]), Rank: person[2]})
	}
	for _, person := range w.Beside {
		in.Beside = append(in.Beside, genealogy.Person{ID: person[0], Status: genealogy.Status(person[1]), Rank: person[2]})
	}
	return in
}

// breakdown reads the waterfalls, and adds the mapped lines to the input.
func (w *wire) breakdown(in *Input) order.Breakdown {
	b := order.Breakdown{Counts: w.Why == nil}
	if w.Why != nil {
		b.Why = *w.Why
	}
	for i := range w.Lines {
		l := &w.Lines[i]
		b.Lines = append(b.Lines, order.LineNet{
			LineID: l.ID, GrossMinor: int64(l.Net[0]), DiscountMinor: int64(l.Net[1]), OrderDiscountMinor: int64(l.Net[2]),
			TaxMinor: int64(l.Net[3]), RefundedMinor: int64(l.Net[4]), MoneyRefundMinor: int64(l.Net[5]),
			UnpaidMinor: int64(l.Net[6]), NetMinor: int64(l.Net[7]), QuantityLeft: int64(l.Left), Excluded: l.Excluded,
		})
		if l.SKU == nil {
			continue
		}
		line := Line{
			LineID: l.ID, SKUID: l.SKU[0], PlatformSKU: l.SKU[1], CommissionClass: l.Class, Quantity: int64(l.Left),
			NetMinor: int64(l.Net[7]), CV: money.Volume(l.CV), QV: money.Volume(l.QV),
		}
		if l.Wholesale != nil {
			wholesale := int64(*l.Wholesale)
			line.WholesaleMinor = &wholesale
		}
		in.Lines = append(in.Lines, line)
	}
	return b
}

func (w *wire) result(in *Input) (Result, error) {
	r := Result{Terms: Terms{Rounding: w.Rounding, LowestRank: w.Lowest}}
	if w.CVToMoney != nil {
		factor := w.CVToMoney.named(factorCVToMoney)
		r.Terms.CVToMoney = &factor
	}
	for _, c := range w.Caps {
		term, err := c.term()
		if err != nil {
			return Result{}, fmt.Errorf("cap %s: %w", c[0], err)
		}
		r.Terms.Caps = append(r.Terms.Caps, term)
	}
	for i := range w.Work {
		group := &w.Work[i]
		for j := range group.Steps {
			step, err := group.step(&group.Steps[j], in, w.Rounding)
			if err != nil {
				return Result{}, fmt.Errorf("step %d: %w", len(r.Steps), err)
			}
			r.Steps = append(r.Steps, step)
		}
	}
	return r, nil
}

func (c wireCap) term() (CapTerm, error) {
	term := CapTerm{CapID: c[0], Scope: c[1], Target: c[2], Enforce: c[3], Of: c[4]}
	if term.Of == "" {
		limit, err := strconv.ParseInt(c[5], 10, 64)
		term.LimitMinor = limit
		return term, err
	}
	var share fraction
	if err := share.UnmarshalText([]byte(c[5])); err != nil || share.den == 0 {
		return CapTerm{}, fmt.Errorf("%q is no share", c[5])
	}
	factor := share.named(factorRate)
	term.Share = &factor
	return term, nil
}

func (g *wireGroup) step(s *wireStep, in *Input, rounding string) (Step, error) {
	step := Step{
		ComponentID: g.Component, Rule: g.Path + "." + s.rule, LineID: g.Line, Level: s.level, Base: g.Base,
		BaseMinor: int64(g.Value), Exact: s.exact, Rounding: rounding, AmountMinor: int64(s.amount), Breakage: s.remarks.Breakage,
		Tree: g.Tree, FirstDays: (*FirstDays)(g.New),
	}
	people := len(in.Upline) + len(in.Beside)
	if s.position != nobody {
		if s.position < 0 || s.position >= people {
			return Step{}, fmt.Errorf("nobody stands at position %d of the upline", s.position)
		}
		person := in.at(int32(s.position))
		step.DistributorID, step.Rank = person.ID, person.Rank
	}
	if s.rate.den != 0 {
		name := factorRate
		if g.Base == baseUnits {
			name = factorAmount
		}
		step.Factors = append(make([]Factor, 0, maxFactors), s.rate.named(name))
		for _, factor := range g.Factors {
			step.Factors = append(step.Factors, Factor(factor))
		}
	}
	for _, cut := range s.remarks.Cuts {
		step.Cuts = append(step.Cuts, Cut{CapID: cut.capID, CutMinor: int64(cut.cut)})
	}
	for _, skip := range s.remarks.Skipped {
		if skip.position < 0 || skip.position >= people {
			return Step{}, fmt.Errorf("nobody stands at position %d of the upline", skip.position)
		}
		step.Skipped = append(step.Skipped, Skip{DistributorID: in.at(int32(skip.position)).ID, Reason: skip.reason})
	}
	return step, nil
}
