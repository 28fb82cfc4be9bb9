// Package plan holds compensation plans: data, not code, so that they can be checked, bounded and pinned.
//
// Parse takes JSON in which every rate, amount, volume and id is a string; the server turns commented YAML into it.
// A parsed Plan has all defaults spelt out, never changes, and may be read by many at once. Its hash names it for ever:
// an order keeps the plan it was first settled with.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"upline.dev/upline/core/money"
)

// Limits keep a plan small enough to be checked completely, and every amount's trace readable.
const (
	MaxBytes      = 1 << 20 // of a document
	MaxComponents = 64
	MaxRanks      = 64
	MaxRates      = 4096 // rows of one component
	MaxLevels     = 64
	MaxCaps       = 64
	MaxDays       = 3650 // of a hold or a binding
	maxName       = 64   // bytes of an id, rank or class
	maxTitle      = 200
	maxDepth      = 16 // of nested JSON; a plan needs 6
)

// ShopCurrency as Plan.Currency means that every order pays in its own shop's currency.
const ShopCurrency = "shop"

// Any stands for every class, rank or currency without a row of its own.
const Any = "*"

// The types of component.
const (
	Retail              = "retail"
	Unilevel            = "unilevel"
	Differential        = "differential"         // stairstep, with breakaway and overrides
	Generation          = "generation"           // levels counted in leaders
	Binary              = "binary"               // legs of the placement tree
	Matrix              = "matrix"               // levels and completion of the placement tree
	Matching            = "matching"             // a share of what the downline earned
	FastStart           = "fast_start"           // the first days of a new distributor
	Infinity            = "infinity"             // below a depth until stopped
	Pool                = "pool"                 // shares of the company's volume
	RankAdvance         = "rank_advance"         // one-off amounts
	XUp                 = "x_up"                 // the first recruits' sales pass up
	FirstOrder          = "first_order"          // a share of a buyer's first order
	CustomerAcquisition = "customer_acquisition" // an amount per new customer
	Bands               = "bands"                // amounts or rates by the band reached: host, party, tiers
	Fixed               = "fixed"                // an amount per unit by class
)

// What a component or a cap is a share of. A component may also name an earlier one with ComponentBase.
const (
	BaseNet    = "net"
	BaseCV     = "cv"
	BaseProfit = "profit" // net above the wholesale price, when the buyer is a customer; retail only
	// ComponentBase precedes the id of the component whose rounded amounts on the same line are the base.
	ComponentBase = "component:"
)

// The trees a component can walk; one that is paid per order cannot walk the placement tree.
const (
	TreeSponsor   = "sponsor"
	TreeEnroller  = "enroller"
	TreePlacement = "placement"
)

// How long the facts of a component, a cap or the qualification are gathered. PerOrder and PerPeriod are below.
const (
	Daily     = "daily"
	Weekly    = "weekly"
	Monthly   = "monthly"
	Quarterly = "quarterly"
)

// Where levels are counted from.
const (
	FromSeller = "seller" // level 1 is the seller's first upline
	FromBuyer  = "buyer"  // level 1 is the first distributor above the buyer: the seller, when a customer buys
)

// What an ineligible upline does to a level.
const (
	CompressNone    = "none"    // uses it up; its pay is breakage
	CompressDynamic = "dynamic" // is passed over, the level goes on to the next upline
	CompressToRank  = "to_rank" // the level goes on until somebody has at least the lowest rank that opens it
)

// What a cap limits.
const (
	ScopeLine      = "line"      // everything paid on one line
	ScopePerson    = "person"    // everything one distributor gets
	ScopeComponent = "component" // everything one component pays
	ScopeRank      = "rank"      // everything one distributor of that rank gets
	ScopeCompany   = "company"   // everything the company pays
)

// How a cap cuts.
const (
	ProRata = "pro_rata" // everybody in proportion, by largest remainder
	Hard    = "hard"     // in order of calculation until the limit is used up; people of one component and period in proportion
)

// What a cap's limit is counted over.
const (
	PerOrder  = "order"
	PerPeriod = "period" // the qualification's period
)

// How long a customer stays bound to the distributor of the first attributed order.
const (
	BindLifetime = "lifetime"
	BindDays     = "days"
	BindNever    = "never"
)

// Plan is one version of a compensation plan. The json tags are the document's contract. Use Parse to make one.
type Plan struct {
	Name          string        `json:"name"`
	Title         string        `json:"title,omitempty"`
	EffectiveFrom string        `json:"effective_from"` // RFC 3339, UTC
	Currency      string        `json:"currency"`       // ISO 4217, or ShopCurrency
	Rounding      string        `json:"rounding"`       // a name of money.Rounding, applied once per event
	Ranks         []string      `json:"ranks"`          // lowest first
	Attribution   Attribution   `json:"attribution"`
	Orders        Orders        `json:"orders"`
	Eligible      Eligible      `json:"eligible"`
	Volume        Volume        `json:"volume"`
	Periods       Periods       `json:"periods,omitzero"`
	Qualification Qualification `json:"qualification,omitzero"`
	Placement     *Placement    `json:"placement,omitempty"`
	Components    []Component   `json:"components"`
	Caps          []Cap         `json:"caps"`
	Holds         Holds         `json:"holds"`

	canonical []byte
	hash      string
	effective int64
	rounding  money.Rounding
	cvValue   map[string]money.Rate
	orderCaps []*Cap
	orderFast []FastOrder
	enrollers bool // a component paid per order walks the enroller tree
}

// Attribution says which evidence decides whose sale an order is.
type Attribution struct {
	Evidence   []string `json:"evidence"` // strongest first; kinds left out do not count
	Binding    Binding  `json:"binding"`
	SelfRetail bool     `json:"self_retail"` // whether a distributor earns retail on an own order
}

// Binding is how long a customer stays with a distributor; Days only where Mode is BindDays.
type Binding struct {
	Mode string `json:"mode"`
	Days int    `json:"days,omitempty"`
}

// Orders says what of an order counts; the names are those of order.NetPolicy.
type Orders struct {
	PartiallyPaid string `json:"partially_paid"` // none, all or proportional
	MoneyRefunds  string `json:"money_refunds"`  // spread or ignore
}

// Eligible says who may earn.
type Eligible struct {
	Statuses []string `json:"statuses"`
}

// Volume gives the money value of 1 CV in major units, by currency.
type Volume struct {
	Money map[string]string `json:"money,omitempty"`
}

// Component is one way of earning. Which fields go with which type, ruleOf says.
type Component struct {
	ID             string `json:"id"`
	Title          string `json:"title,omitempty"`
	Type           string `json:"type"`
	Base           string `json:"base,omitempty"`   // "" for a type that pays amounts, and for Matching
	Commissionable string `json:"commissionable"`   // share of the base that counts
	Period         string `json:"period,omitempty"` // PerOrder, Daily, Weekly, Monthly or Quarterly
	Tree           string `json:"tree,omitempty"`
	LevelsFrom     string `json:"levels_from,omitempty"`
	Compression    string `json:"compression,omitempty"`
	IncludeSelf    bool   `json:"include_self,omitempty"`
	// Requires is what an earner must meet in the period, beside a status that may earn; nil: being active.
	Requires *Condition `json:"requires,omitempty"`
	Rates    []Rate     `json:"rates"`

	UnilevelTerms     *UnilevelTerms     `json:"unilevel,omitempty"`
	DifferentialTerms *DifferentialTerms `json:"differential,omitempty"`
	GenerationTerms   *GenerationTerms   `json:"generation,omitempty"`
	BinaryTerms       *BinaryTerms       `json:"binary,omitempty"`
	MatrixTerms       *MatrixTerms       `json:"matrix,omitempty"`
	MatchingTerms     *MatchingTerms     `json:"matching,omitempty"`
	FastStartTerms    *FastStartTerms    `json:"fast_start,omitempty"`
	InfinityTerms     *InfinityTerms     `json:"infinity,omitempty"`
	PoolTerms         *PoolTerms         `json:"pool,omitempty"`
	RankAdvanceTerms  *RankAdvanceTerms  `json:"rank_advance,omitempty"`
	XUpTerms          *XUpTerms          `json:"x_up,omitempty"`
	AcquisitionTerms  *AcquisitionTerms  `json:"customer_acquisition,omitempty"`
	BandsTerms        *BandsTerms        `json:"bands,omitempty"`

	share  Ratio
	base   int // index of the base component, or -1
	tables []classTable
}

// Rate is one row of a component's rate table; which of its figures it has depends on the type. A level beyond the row,
// or with 0 %, is not open to that class and rank.
type Rate struct {
	Class  string   `json:"class"`
	Rank   string   `json:"rank"`
	Rate   string   `json:"rate,omitempty"`
	Levels []string `json:"levels,omitzero"`
	// Amount is major units: of the plan's currency where the component pays per order, else of what period components
	// pay in. Amounts is by currency.
	Amount  string            `json:"amount,omitempty"`
	Amounts map[string]string `json:"amounts,omitempty"`
	Shares  string            `json:"shares,omitempty"` // Pool: shares each person of this rank holds, decimal
	Limit   string            `json:"limit,omitempty"`  // Binary: most a position of this rank is paid per period, major units
}

// MarshalJSON leaves out the period of what is paid per order unless it says otherwise, so that older plans keep their
// hashes.
func (c Component) MarshalJSON() ([]byte, error) {
	type plain Component
	out := plain(c)
	if rule, _ := ruleOf(c.Type); out.Period == PerOrder && rule.period() == PerOrder {
		out.Period = ""
	}
	return json.Marshal(out)
}

// Cap limits what is paid. Either Limit or Limits is set.
type Cap struct {
	ID        string            `json:"id"`
	Scope     string            `json:"scope"`
	Component string            `json:"component,omitempty"` // ScopeComponent
	Rank      string            `json:"rank,omitempty"`      // ScopeRank
	Limit     string            `json:"limit,omitempty"`     // a share of Of, or major units of the plan's currency
	Limits    map[string]string `json:"limits,omitempty"`    // major units by currency
	Of        string            `json:"of,omitempty"`        // BaseNet or BaseCV, for a share
	Enforce   string            `json:"enforce"`
	Per       string            `json:"per"`

	share money.Rate
}

// Holds says how long earnings stay pending.
type Holds struct {
	Days int `json:"days"`
}

// Parse reads a plan from JSON: strict about names, kinds and duplicates, with all problems at once as an *Invalid.
func Parse(document []byte) (*Plan, error) {
	p, problems := read(document)
	if p == nil {
		return nil, &Invalid{Problems: problems}
	}
	problems = firstPerPath(append(problems, p.Validate()...))
	if len(problems) > 0 {
		return nil, &Invalid{Problems: problems}
	}
	p.normalise()
	p.compile()
	canonical, err := canonicalJSON(p)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	p.canonical, p.hash = canonical, hex.EncodeToString(sum[:])
	return p, nil
}

// Canonical is the plan as RFC 8785 JSON, with every default spelt out; Parse gives the same plan back.
func (p *Plan) Canonical() []byte { return append([]byte(nil), p.canonical...) }

// Hash is the lower-case hex SHA-256 of Canonical; "" for a plan that did not come from Parse.
func (p *Plan) Hash() string { return p.hash }

// EffectiveMicros is EffectiveFrom in microseconds since 1970 UTC.
func (p *Plan) EffectiveMicros() int64 { return p.effective }

// RoundingMode is Rounding, read.
func (p *Plan) RoundingMode() money.Rounding { return p.rounding }

// Rank is the position of a rank, 0 for the lowest and for "".
func (p *Plan) Rank(name string) (int, bool) {
	if name == "" {
		return 0, true
	}
	for i := range p.Ranks {
		if p.Ranks[i] == name {
			return i, true
		}
	}
	return 0, false
}

// MayEarn reports whether a distributor of this status earns.
func (p *Plan) MayEarn(status string) bool {
	for _, s := range p.Eligible.Statuses {
		if s == status {
			return true
		}
	}
	return false
}

// Pays reports whether orders in this currency can be settled.
func (p *Plan) Pays(c money.Currency) bool {
	return p.Currency == ShopCurrency || p.Currency == string(c)
}

// CVToMinor is what one micro-unit of CV is worth in minor units of c; false where the plan names no value.
func (p *Plan) CVToMinor(c money.Currency) (Ratio, bool) {
	value, ok := p.cvValue[string(c)]
	if !ok {
		value, ok = p.cvValue[Any]
	}
	exponent := c.Exponent()
	if !ok || exponent < 0 {
		return Ratio{}, false
	}
	den := int64(money.One) * microsPerCV
	for range exponent {
		den /= 10
	}
	return Reduce(int64(value), den), true
}

const microsPerCV = 1_000_000

// OrderCaps are the caps counted per order, in the plan's order.
func (p *Plan) OrderCaps() []*Cap { return p.orderCaps }

// FastOrder is a fast start that is paid as orders settle.
type FastOrder struct {
	Component int   // its index
	Excludes  []int // indices of the components that it keeps its sales from
}

// OrderFastStarts are the fast starts paid per order, in the plan's order.
func (p *Plan) OrderFastStarts() []FastOrder { return p.orderFast }

// OrdersWalkEnrollers tells whether a component paid per order walks the enroller tree.
func (p *Plan) OrdersWalkEnrollers() bool { return p.enrollers }

// effectiveFrom reads an instant to the microsecond.
func effectiveFrom(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC().Truncate(time.Microsecond), err
}
