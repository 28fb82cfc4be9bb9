package period

// Standings are everybody's volumes, activity and rank in one period, by person; Qualify makes them. Volumes are
// micro-units of QV unless they say CV.
type Standings struct {
	PV, GV   []int64
	PGV      []int64 // without legs headed by Qualification.BreakawayRank; nil where the plan names none
	OwnCV    []int64 // CV of sales credited to the person: own orders and customers' orders
	Active   []bool
	Rank     []int8  // paid as, by plan.Rank
	Reached  []int8  // the highest rank whose requirement is met in this period
	Title    []int8  // highest ever, this period included
	Missed   []uint8 // for the next period, as in People
	Met      []uint8
	Frontier []int32 // active legs: frontline people who are active
}
