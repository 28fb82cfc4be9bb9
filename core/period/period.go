// Package period holds what one program did in one period as arrays of numbers: people, trees and sales, then volumes,
// activity and ranks.
//
// Everybody has a number from 0; the columns of People, the trees and the sales speak in these numbers. A World is
// built once, never changes, and may be read by many at once. Nothing here pays: core/commission does, from a World and
// the Standings that Qualify makes of it.
package period

import (
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
)

// Nobody stands for no person, no parent, no customer and no order.
const Nobody int32 = -1

// World is everything known of one period.
type World struct {
	Period    Period
	People    People
	Sponsor   Tree
	Enroller  Tree      // the same as Sponsor where the program has no enrollers of its own
	Positions Positions // places in the placement tree; none where the program has no such tree
	Classes   []string  // commission classes, by number
	Countries []string  // by number
	Sales     Sales
	Currency  money.Currency // what period components pay in
}

// People are columns by number of the person. A nil column of an optional fact means that nobody has it.
type People struct {
	Count      int32
	ID         func(person int32) genealogy.DistributorID
	Status     []genealogy.Status // as of the end of the period
	Rank       []int8             // assigned by the company (import or override that holds); plan.Rank numbers; nil: nobody
	Title      []int8             // Standings.Title of the period before; nil: the lowest
	PaidAs     []int8             // Standings.Held of the period before: without overrides; nil: the lowest
	Missed     []uint8            // Standings.Missed of the period before; nil: none
	Met        []uint8            // Standings.Met of the period before; nil: none
	MetRank    []int8             // Standings.MetRank of the period before; nil: as high as reached now
	EnrolledAt []int64            // microseconds since 1970 UTC; Unknown where it is not known
	Country    []uint16           // home, by number; nil: not known
	Autoship   []bool             // nil: nobody
	Overrides  []Override         // sorted by person, one each
}

// Unknown is a time that is not known. A test that needs it stops the close: it never counts as early or late.
const Unknown int64 = -1 << 62

// Override is a rank given by hand; it holds in this period. It changes what a person is paid as, and the title, but not
// what the next period begins with: once it has expired, the person is where they would be without it.
type Override struct {
	Person int32
	Rank   int8
	Floor  bool   // at least this rank; else exactly this one
	Reason string // shown in explanations
}

// Tree is parents by person. Order names everybody with parents before children; nil: the numbers themselves are so.
type Tree struct {
	Parent []int32 // Nobody at the top
	Order  []int32
}

// Positions are places in the placement tree, by number of the position: parents come before children. One owner may
// have several.
type Positions struct {
	Parent  []int32 // position above; Nobody at the top
	Leg     []uint8 // which child of the parent: 0 is left
	Owner   []int32 // person
	Since   []int64 // when the position took this place, microseconds since 1970 UTC; nil: before the period
	Primary []int32 // by person: the position that the person's own sales count in; Nobody: none
	// ID names a position for as long as it exists, whatever its number; nil: its owner's id, who then has one alone.
	ID    func(position int32) string
	Index func(id string) (position int32, ok bool) // the way back; nil: looked for among all ids
}

// Sale is one commissionable line of a counted order, or many of the same kind added up. Amounts are what is left after
// refunds; corrections of earlier periods may be negative.
type Sale struct {
	Seller   int32 // who is credited; Nobody for a sale of the company's
	Buyer    int32 // the buying distributor; Nobody for a customer
	Customer int32 // number of the customer, from 0; Nobody where the buyer is a distributor or many are added up
	Order    int32 // number of the order, from 0; Nobody where many are added up
	Class    uint16
	Country  uint16 // of the buyer, by number
	First    bool   // of the buyer's first counted order ever
	At       int64  // order_ts, microseconds since 1970 UTC, before the period for a correction; the start of the period where many are added up
	Quantity int64
	Net      int64 // minor units of the paying currency
	CV, QV   money.Volume
}

// Sales gives all sales in blocks, so that many millions need not be in memory and several cores can take a part each.
// Blocks may be read in any order, any number of times, and by several at once.
type Sales interface {
	Blocks() int
	// Block returns block i. The slice may be buf; it is good until the next call with the same buf.
	Block(i int, buf []Sale) ([]Sale, error)
}

// BlockSales is the room in the buf that Qualify gives to Sales.Block: blocks of at most so many need no memory.
const BlockSales = 16_384

// Parallel calls f for every i from 0 to below n, on as many cores as it likes, and returns the first error by i.
// Results never depend on it. Serial is the plain loop.
type Parallel func(n int, f func(i int) error) error

// Serial runs one after the other.
func Serial(n int, f func(i int) error) error {
	for i := range n {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// List is Sales of one block.
type List []Sale

// Blocks is 1.
func (l List) Blocks() int { return 1 }

// Block is the whole list.
func (l List) Block(int, []Sale) ([]Sale, error) { return l, nil }
