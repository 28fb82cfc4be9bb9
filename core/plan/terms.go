package plan

// Periods says how time is cut for everything that is settled per period.
type Periods struct {
	TimeZone   string `json:"time_zone,omitempty"` // IANA name; "" is the program's
	WeekStarts string `json:"week_starts"`         // monday ... sunday
	Currency   string `json:"currency,omitempty"`  // ISO 4217: what period components pay in; "" is the plan's
	GraceDays  int    `json:"grace_days"`          // late arrivals still count this long after the period's end
	Late       string `json:"late"`                // LateCurrent or LateRestate
}

// IsZero tells whether all is at its default. Such a section is left out of the canonical form, and so is a period of
// order: plans that were published before there were periods keep their hashes.
func (p Periods) IsZero() bool { return p == Periods{WeekStarts: "monday", Late: LateCurrent} }

// IsZero tells whether all is at its default.
func (q Qualification) IsZero() bool {
	return q.Period == Monthly && q.OwnOrders && q.CustomerOrders && q.Active == nil && len(q.Ranks) == 0 &&
		q.BreakawayRank == "" && q.GracePeriods == 0 && q.Demotion == DemoteToQualified && q.RequalifyPeriods == 1
}

// What becomes of facts that arrive after a period was locked.
const (
	LateCurrent = "current_period" // their volume counts in the period in which they are processed; past ranks stay
	LateRestate = "restate"        // the period is computed again and the difference posted
)

// Qualification says what makes a person active and which rank a person is paid as.
type Qualification struct {
	Period         string     `json:"period"`           // Daily, Weekly, Monthly or Quarterly
	OwnOrders      bool       `json:"own_orders"`       // own orders count for PV
	CustomerOrders bool       `json:"customer_orders"`  // orders of one's customers count for PV
	Active         *Condition `json:"active,omitempty"` // nil: whoever has a status that may earn is active
	// Ranks are the requirements, lowest rank first. A rank without a rule here is reached by assignment alone; the
	// lowest rank is everybody's.
	Ranks            []RankRule `json:"ranks,omitempty"`
	BreakawayRank    string     `json:"breakaway_rank,omitempty"` // legs headed by it or higher leave PGV; "" none
	GracePeriods     int        `json:"grace_periods"`            // periods a rank is kept after its requirement was missed
	Demotion         string     `json:"demotion"`                 // DemoteToQualified, DemoteOneStep or DemoteNever
	RequalifyPeriods int        `json:"requalify_periods"`        // periods in a row a lost rank must be met again; 1: at once
}

// How far a paid-as rank falls when its requirement is missed and no grace is left.
const (
	DemoteToQualified = "to_qualified"
	DemoteOneStep     = "one_step"
	DemoteNever       = "never"
)

// RankRule is the requirement of one rank.
type RankRule struct {
	Rank     string    `json:"rank"`
	Requires Condition `json:"requires"`
}

// Placement says how new distributors get a place in the placement tree.
type Placement struct {
	Width     int    `json:"width"`           // children per position: 2 for a binary tree
	Depth     int    `json:"depth,omitempty"` // levels below a top at most; 0: any number
	Strategy  string `json:"strategy"`        // one of the Place constants
	HoldDays  int    `json:"hold_days"`       // days in the holding tank before the strategy decides; 0: at once
	Positions int    `json:"positions"`       // most positions one owner may have
}

// The strategies. Left and Right go down the outer edge; Weaker goes to the leg with less volume, Balanced to the one
// with fewer people; SponsorsChoice holds a person until the sponsor chooses or HoldDays are over, then BreadthFirst.
const (
	PlaceLeft           = "left"
	PlaceRight          = "right"
	PlaceBalanced       = "balanced"
	PlaceWeaker         = "weaker_leg"
	PlaceBreadthFirst   = "breadth_first"
	PlaceDepthFirst     = "depth_first"
	PlaceSponsorsChoice = "sponsors_choice"
)

// UnilevelTerms add to Unilevel per period: how many active legs open how many levels.
type UnilevelTerms struct {
	Depth []DepthStep `json:"depth"` // ascending; a person with fewer legs than the first step has no level
}

// DepthStep opens Levels to whoever has at least ActiveLegs frontline legs with an active person at their head.
type DepthStep struct {
	ActiveLegs int `json:"active_legs"`
	Levels     int `json:"levels"`
}

// DifferentialTerms is stairstep: own rate less the highest rate paid already below, on each leg's volume. The rate is
// that of the band a person's volume reaches, or, without Bands, the rank's in the component's rates.
type DifferentialTerms struct {
	Of    string `json:"of"` // gv (default) or pgv: what decides the band
	Bands []Band `json:"bands,omitempty"`
	// Breakaway is the rank from which a leg breaks away: its volume leaves the differential of everybody above, who
	// get Overrides instead, by generation of breakaway leaders, if they are of that rank themselves.
	Breakaway string   `json:"breakaway,omitempty"`
	Overrides []string `json:"overrides,omitempty"`
	// SameRank is the least a leader gets on a leg whose head has the same rate; "" is nothing.
	SameRank string `json:"same_rank,omitempty"`
}

// Band is one step: from this volume on, this rate or amount.
type Band struct {
	From   string `json:"from"` // volume or count, decimal
	Rate   string `json:"rate,omitempty"`
	Amount string `json:"amount,omitempty"` // major units of the currency period components pay in

	from, minor int64
	rate        Ratio
}

// Value is From, read: micro-units of volume, minor units where the net of each order decides, or a count.
func (b *Band) Value() int64 { return b.from }

// Ratio is Rate, read; zero for a band of an amount.
func (b *Band) Ratio() Ratio { return b.rate }

// Minor is Amount in minor units of what period components pay in; zero for a band of a rate.
func (b *Band) Minor() int64 { return b.minor }

// GenerationTerms counts levels in leaders. The component's levels are generations.
type GenerationTerms struct {
	Boundary string `json:"boundary"` // a rank: who has it or more heads a generation; EarnersRank: whoever has the earner's or more
	Empty    string `json:"empty"`    // EmptyUses or EmptySkips: whether a generation without volume uses a number
}

// The words of GenerationTerms.
const (
	EarnersRank = "earner"
	EmptyUses   = "uses"
	EmptySkips  = "skips"
)

// BinaryTerms pays on the legs of the placement tree. Volumes are those of the component's base. A leg's volume is that of
// everybody placed below, the head of the leg included, and what the leg carried over; the weaker leg is the one with
// less of it at the end of the period, the left one where both are equal. A position is settled in this order: match,
// limits (the rank's, then the owner's), flush, expiry, max_carry. Corrections below zero are made up for before a leg
// is matched again. What a limit cuts is breakage, and the volume that was matched for it is used up.
type BinaryTerms struct {
	Pay        string `json:"pay"`                   // PayWeaker, PayCycles or PayRatio
	Weaker     string `json:"weaker,omitempty"`      // volume of the weaker leg one cycle takes, or its part of the ratio
	Stronger   string `json:"stronger,omitempty"`    // the same of the stronger leg
	Carry      string `json:"carry"`                 // CarryStronger or CarryNone
	Inactive   string `json:"inactive"`              // Keep or Flush: both legs of whoever may not earn; kept legs are not matched
	Capped     string `json:"capped"`                // Keep or Flush: what was not matched, in a period in which a limit cut the pay
	MaxCarry   string `json:"max_carry,omitempty"`   // most volume one leg carries over; the oldest goes first
	Expires    int    `json:"expires,omitempty"`     // carried volume can be matched in so many further periods, the oldest first; 0: in all
	OwnVolume  string `json:"own_volume"`            // OwnNone, OwnWeaker, OwnLeft or OwnRight: where the volume of the owner's first position counts
	OwnerLimit string `json:"owner_limit,omitempty"` // most all positions of one owner are paid per period, shared pro rata
}

// The words of BinaryTerms.
const (
	PayWeaker     = "weaker_leg" // a rate of the weaker leg's volume
	PayCycles     = "cycles"     // an amount per full cycle; which leg is the weaker one is decided once per period
	PayRatio      = "ratio"      // a rate of the weaker leg's volume as far as the ratio is met
	CarryStronger = "stronger"   // what was not matched is carried; after PayWeaker the weaker leg is 0
	CarryNone     = "none"       // both legs are 0 after every period
	Keep          = "keep"
	Flush         = "flush"
	OwnNone       = "none"
	OwnWeaker     = "weaker"
	OwnLeft       = "left"
	OwnRight      = "right"
)

// MatrixTerms pays levels of the placement tree by the component's levels, as unilevel does from the seller's first
// position on, and completed levels, each once for ever.
type MatrixTerms struct {
	Width      int          `json:"width"`
	Depth      int          `json:"depth"`
	Completion []Completion `json:"completion,omitempty"`
	Reentry    bool         `json:"reentry,omitempty"` // a completed matrix gives its owner a new position
}

// Completion pays once when every place of a level below a position is taken.
type Completion struct {
	Level  int    `json:"level"`
	Amount string `json:"amount"` // major units of the currency period components pay in
}

// MatchingTerms names whose earnings are matched; the component's levels are generations above the earner.
type MatchingTerms struct {
	Components []string `json:"components"`
}

// FastStartTerms pays levels on the volume of a distributor in the first days.
type FastStartTerms struct {
	Days     int      `json:"days"`
	RollUp   bool     `json:"roll_up,omitempty"`  // what somebody may not have goes to the next above; else it is breakage
	Excludes []string `json:"excludes,omitempty"` // components of the same period, or paid per order too, that do not pay on the same volume; "*" for all such
}

// InfinityTerms pays the component's rate on all volume below Below levels until Stop ends it.
type InfinityTerms struct {
	Below int    `json:"below"`
	Stop  string `json:"stop"` // StopSameRank, StopDifferential or StopBlocking
}

// How an infinity bonus ends on its way down.
const (
	StopSameRank     = "same_rank"    // at the first person below with the earner's rank or higher, whose own volume is out
	StopDifferential = "differential" // never, but what people below get on the same volume is taken off the rate
	StopBlocking     = "blocking"     // the first who qualifies above a sale gets it, and nobody above
)

// PoolTerms shares out a part of the volume of everybody.
type PoolTerms struct {
	Share     string `json:"share"`                // of the company's or the country's base
	ByCountry bool   `json:"by_country,omitempty"` // one pool per country, of the buyers' volume and the earners' home
}

// RankAdvanceTerms pays the component's amount when a title is reached for the first time.
type RankAdvanceTerms struct {
	Parts    int `json:"parts"`    // paid in so many parts, one in each period the rank is held
	Maintain int `json:"maintain"` // periods in a row the rank must be held before the first part
}

// XUpTerms passes the sales of the first recruits up.
type XUpTerms struct {
	First   int  `json:"first"`   // how many recruits of each distributor pass up
	Subtree bool `json:"subtree"` // whether those whom a passed-up recruit passes up go the same way
}

// AcquisitionTerms pays for new customers.
type AcquisitionTerms struct {
	MinCV string `json:"min_cv,omitempty"` // least CV of the first order
	Bands []Band `json:"bands,omitempty"`  // amount per customer by how many were won in the period; else the rates' amount
}

// BandsTerms pays by the band a figure reaches.
type BandsTerms struct {
	// Of is pv, gv, pgv, cv, customers, or order: each order's base, such as a party; what arrives after the order's
	// period was locked changes its band only under LateRestate.
	Of    string `json:"of"`
	Pay   string `json:"pay"` // PayBest or PayEach
	Bands []Band `json:"bands"`
}

// The words of BandsTerms.
const (
	BandsOfOrder = "order" // each order by itself, such as a party
	PayBest      = "best"  // the highest band reached
	PayEach      = "each"  // every band reached
)
