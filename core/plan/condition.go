package plan

// Condition is a tree of tests: exactly one of its fields is set. In the document it is {all: [...]}, {any: [...]},
// {not: ...} or one measure with what it is compared to, such as {pv: ">= 100"}.
type Condition struct {
	All  []Condition
	Any  []Condition
	Not  *Condition
	Test *Test
}

// The measures of a Test. Volumes are decimal QV points, or CV for MeasureCV.
const (
	MeasurePV         = "pv"   // own volume of the period
	MeasureGV         = "gv"   // PV with that of the whole downline
	MeasurePGV        = "pgv"  // GV without legs that are headed by, or deeper down hold, Without or higher: those subtrees are out
	MeasureCV         = "cv"   // own CV of the period
	MeasureLeg        = "leg"  // {leg: {n: 2, volume: ">= 500"}}: volume of the n-th strongest leg
	MeasureLegs       = "legs" // {legs: {rank: silver, count: ">= 2"}} or {legs: {volume: ">= 500", count: ">= 3"}}
	MeasureActiveLegs = "active_legs"
	MeasureCustomers  = "customers" // customers with a counted order in the period
	MeasureOrders     = "orders"    // counted orders credited in the period
	MeasureRank       = "rank"      // as computed in this period: {rank: ">= gold"}
	MeasureTitle      = "title"     // highest rank ever, this period included
	MeasureStatus     = "status"    // {status: active} or {status: [active, inactive]}
	MeasureActive     = "active"    // {active: true}
	MeasureAutoship   = "autoship"  // {autoship: true}
	MeasureDays       = "days_since_enrolment"
)

// The operators of a Test.
const (
	AtLeast = ">="
	Above   = ">"
	AtMost  = "<="
	Below   = "<"
	Equals  = "="
)

// Test compares one measure.
type Test struct {
	Measure string
	Op      string   // of Number, Rank or Count
	Number  string   // volumes, counts and days, decimal
	Words   []string // MeasureRank and MeasureTitle: one rank; MeasureStatus: the statuses
	Flag    bool     // MeasureActive and MeasureAutoship

	MaxLegShare string // MeasureGV: each leg, and the own volume as one more, counts at most for this share of Number
	Without     string // MeasurePGV: the rank; "" is Qualification.BreakawayRank
	N           int    // MeasureLeg, from 1, the strongest first
	LegRank     string // MeasureLegs: legs in which somebody has at least this rank; exclusive with LegVolume
	LegVolume   string // MeasureLegs: legs of at least this volume, decimal; Op and Number are about their count
	Depth       string // MeasureLegs with a rank: Anywhere (default) or Frontline

	number, legVolume, share int64
	rank                     int
}

// Where in a leg a rank is looked for.
const (
	Anywhere  = "anywhere"
	Frontline = "frontline"
)

// Value is Number read: micro-units of volume, or a count.
func (t *Test) Value() int64 { return t.number }

// LegVolumeMicros is LegVolume read, in micro-units.
func (t *Test) LegVolumeMicros() int64 { return t.legVolume }

// LegShare is MaxLegShare read, in billionths; 0 where there is none.
func (t *Test) LegShare() int64 { return t.share }

// Rank is the position of the rank that the test names: of MeasureRank, MeasureTitle, LegRank or Without; -1 for none.
func (t *Test) Rank() int { return t.rank }
