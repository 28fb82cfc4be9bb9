// Package commission turns one order, its upline and a plan into what everybody should have earned, and says why.
//
// Calculate is a pure function: the same Input gives the same bytes on any machine, years later. Snapshot writes down
// all it used, so that Recompute can check every amount, and Explain can tell it, with nothing else at hand.
package commission

import (
	"time"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
)

// EngineVersion names the arithmetic of this package. A mended fault is a new version and a restate, never a silent
// change of posted events.
const EngineVersion = 1

// Line is one commissionable line, mapped: the net waterfall's end and the catalogue's answer.
type Line struct {
	LineID          string       `json:"line_id"`
	SKUID           string       `json:"sku_id"`
	PlatformSKU     string       `json:"platform_sku"`
	CommissionClass string       `json:"commission_class"`
	Quantity        int64        `json:"quantity"` // units left
	NetMinor        int64        `json:"net_minor"`
	CV              money.Volume `json:"cv"`
	QV              money.Volume `json:"qv"`
	UnitPriceMinor  int64        `json:"unit_price_minor"`
	WholesaleMinor  *int64       `json:"wholesale_minor,omitempty"`
}

// Pins are the versions an order is settled with; they are fixed at its first settlement.
type Pins struct {
	PlanHash       string `json:"plan_hash"`
	TreeVersion    int64  `json:"tree_version"`
	CatalogVersion int64  `json:"catalog_version"`
	EngineVersion  int    `json:"engine_version"`
}

// Input is everything Calculate may know.
type Input struct {
	Source      order.Source       `json:"source"`
	OrderTS     int64              `json:"order_ts"` // microseconds since 1970 UTC
	Currency    money.Currency     `json:"currency"`
	Lines       []Line             `json:"lines"`
	Attribution order.Attribution  `json:"attribution"`     // who sold it, and which evidence lost
	Buyer       string             `json:"buyer,omitempty"` // the buyer's own distributor id, where the buyer is one
	Upline      []genealogy.Person `json:"upline"`          // the seller first, then its sponsors, to the top
	Pins        Pins               `json:"pins"`

	// What only some plans ask for; NeedsOf says which, and AddWalk adds an upline.
	Beside   []genealogy.Person `json:"beside,omitempty"` // people of other uplines who are not in Upline
	Walks    []Walk             `json:"walks,omitempty"`
	Enrolled []Enrolment        `json:"enrolled,omitempty"` // of those of whom it is known
	Place    *time.Location     `json:"-"`                  // whose days are counted; nil: UTC
}

// Event is one amount one distributor should have for one line by one component. Amounts are minor units of the
// input's currency and never negative. Breakage events carry what was not paid and why.
type Event struct {
	LineID        string `json:"line_id"` // "" for an amount on the whole order
	ComponentID   string `json:"component_id"`
	DistributorID string `json:"distributor_id"`
	Breakage      bool   `json:"breakage,omitempty"`
	Reason        string `json:"reason,omitempty"` // why it is breakage
	AmountMinor   int64  `json:"amount_minor"`
	Step          int    `json:"step"` // index into Result.Steps
}

// Step is how one amount came to be; it is enough to recompute it. A step without DistributorID says why a level found
// nobody.
type Step struct {
	ComponentID   string   `json:"component_id"`
	Rule          string   `json:"rule"` // path of the rate in the plan, for example components[1].rates[0].levels[2]
	LineID        string   `json:"line_id,omitempty"`
	DistributorID string   `json:"distributor_id"`
	Rank          string   `json:"rank,omitempty"` // as the plan names it, the lowest included
	Level         int      `json:"level,omitempty"`
	Base          string   `json:"base"`       // "net", "cv", "profit" or "component:ID"
	BaseMinor     int64    `json:"base_minor"` // in minor units before the factors; micro-units of CV where Base is "cv"
	Factors       []Factor `json:"factors"`    // multiplied onto the base
	Exact         string   `json:"exact"`      // rational of minor units before rounding
	Rounding      string   `json:"rounding"`
	AmountMinor   int64    `json:"amount_minor"`       // after rounding, before Cuts and Breakage
	Cuts          []Cut    `json:"cuts,omitempty"`     // caps, in the order applied
	Breakage      string   `json:"breakage,omitempty"` // why all of it is breakage; cuts by caps are in Cuts
	Skipped       []Skip   `json:"skipped,omitempty"`  // people passed over on the way to this level, with the reason

	Tree      string     `json:"tree,omitempty"`       // the tree walked; "" for the sponsor tree
	FirstDays *FirstDays `json:"first_days,omitempty"` // of a fast start: who is new
}

// Factor is one exact multiplier, named.
type Factor struct {
	Name string `json:"name"` // "rate", "commissionable", "cv_to_money"
	Num  int64  `json:"num"`
	Den  int64  `json:"den"`
}

// Skip is somebody who was passed over, and why.
type Skip struct {
	DistributorID string `json:"distributor_id"`
	Reason        string `json:"reason"`
}

// Cut is what one cap took away.
type Cut struct {
	CapID    string `json:"cap_id"`
	CutMinor int64  `json:"cut_minor"`
}

// Result is the whole outcome for one order, in a fixed order: lines, then components, then the walk upwards.
type Result struct {
	Events []Event `json:"events"`
	Steps  []Step  `json:"steps"`
	Terms  Terms   `json:"terms"`
}

// Terms are the parts of the plan that hold for the whole order; a snapshot keeps them to apply the caps again.
type Terms struct {
	LowestRank string    `json:"lowest_rank"`
	Rounding   string    `json:"rounding"`
	CVToMoney  *Factor   `json:"cv_to_money,omitempty"` // minor units per micro-unit of CV, where a cap is a share of CV
	Caps       []CapTerm `json:"caps,omitempty"`        // in the order enforced
}

// CapTerm is one cap per order. The limit is Share of Of, rounded down, or LimitMinor.
type CapTerm struct {
	CapID      string  `json:"cap_id"`
	Scope      string  `json:"scope"`
	Target     string  `json:"target,omitempty"` // the component or rank that Scope speaks of
	Of         string  `json:"of,omitempty"`     // "net" or "cv"; "" for an amount
	Share      *Factor `json:"share,omitempty"`
	LimitMinor int64   `json:"limit_minor,omitempty"`
	Enforce    string  `json:"enforce"`
}
