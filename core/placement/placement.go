// Package placement gives people a place in a binary or matrix tree, holds those whose place is not decided, and moves
// them in any tree.
//
// What it gives back are dated Links, so that a placement tree has the same two axes of history as the sponsor tree:
// nothing is overwritten, a later link takes over from its ValidFrom on. A Tree is such a tree as of one instant, made
// for placing many people one after the other: each place costs some dozens of steps, whatever the tree's shape and
// size. It is not safe for use by several at once.
package placement

import (
	"fmt"
	"slices"
	"strconv"

	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/plan"
)

// The kinds of genealogy.Fault that placing and moving add to those of a tree.
const (
	Full     genealogy.FaultKind = "full"     // People is who finds no place, and below whom it was looked for
	Taken    genealogy.FaultKind = "taken"    // People is who wants the leg, whose leg it is, and who stands there
	Limit    genealogy.FaultKind = "limit"    // People is the owner who has as many positions as the plan allows
	Outside  genealogy.FaultKind = "outside"  // People is who would leave the sponsor's downline, the place above and the sponsor
	Late     genealogy.FaultKind = "late"     // People is who is no longer the sponsor's to place
	TooDeep  genealogy.FaultKind = "too_deep" // People is who would stand below the plan's depth
	Unplaced genealogy.FaultKind = "unplaced" // People is the person, and the sponsor who has no place either
)

// MaxWidth bounds the children of one position: a leg is a byte.
const MaxWidth = 255

// Link is one dated place of one position. It holds from ValidFrom until the position's next link begins; Version is
// the tree version that recorded it.
type Link struct {
	PositionID    string                  // the owner's own id for the first position, id#2, id#3 and so on for more
	DistributorID genealogy.DistributorID // the owner
	ParentID      string                  // the position above; "" at the top
	Leg           int                     // which child of the parent, from 0, the left; 0 at the top
	ValidFrom     int64                   // microseconds since 1970 UTC
	Version       int64
}

// Genealogy is the link without its leg, for a genealogy.Tree of positions.
func (l *Link) Genealogy() genealogy.Link {
	return genealogy.Link{DistributorID: l.PositionID, ParentID: l.ParentID, ValidFrom: l.ValidFrom, Version: l.Version}
}

// PositionID names the n-th position of an owner, from 1.
func PositionID(owner genealogy.DistributorID, n int) string {
	if n <= 1 {
		return owner
	}
	return owner + "#" + strconv.Itoa(n)
}

const nobody int32 = -1

// Tree is a placement tree as of one instant. Positions have numbers in the order in which they came.
type Tree struct {
	width    int // children per position; 0: any number, without legs
	depth    int32
	strategy string
	holdDays int
	most     int // positions per owner

	ids     []string
	numbers map[string]int32
	owner   []int32       // the owner's first position
	extra   map[int32]int // positions an owner has beyond the first, by first position
	parent  []int32       //
	first   []int32       // child with the lowest leg
	next    []int32       // sibling with the next higher leg
	leg     []uint8       //
	kids    []int32       // how many children
	level   []int32       // steps below the top
	near    []uint8       // steps down to the nearest position with a free leg; closed where there is none
	since   []int64       // ValidFrom of the link that holds
	down    []int32       // a position further on the way the strategy goes from here, see way
	own     []int64       // volume by number, as Weigh had it
	volume  []int64       // of everybody below and the position itself
	people  *sizes        // nil until somebody asks for them
	scratch []int32       //
}

// closed is near where no leg is free in the whole subtree; far is as far as near can count. Only chains, in trees of
// width 1, are longer: as long as a subtree's nearest free leg is n steps down, it has more than 2^n positions.
const (
	closed = 255
	far    = 254
)

// New is an empty tree for a plan's terms.
func New(terms *plan.Placement) (*Tree, error) {
	if terms == nil || terms.Width < 1 || terms.Width > MaxWidth {
		return nil, fmt.Errorf("placement: the plan must say how many children a position has, from 1 to %d", MaxWidth)
	}
	t := empty()
	t.width, t.depth, t.strategy = terms.Width, int32(terms.Depth), terms.Strategy
	t.holdDays, t.most = terms.HoldDays, max(1, terms.Positions)
	return t, nil
}

// NewUnlimited is an empty tree without legs or limits, such as the sponsor tree, for moves.
func NewUnlimited() *Tree { return empty() }

func empty() *Tree { return &Tree{numbers: map[string]int32{}, extra: map[int32]int{}, most: 1} }

// Len is the number of positions.
func (t *Tree) Len() int { return len(t.ids) }

// ID is the id of a position by number.
func (t *Tree) ID(position int32) string { return t.ids[position] }

// Number is the number of a position by id.
func (t *Tree) Number(id string) (int32, bool) {
	n, ok := t.numbers[id]
	return n, ok
}

// Owner is who holds a position.
func (t *Tree) Owner(position int32) genealogy.DistributorID { return t.ids[t.owner[position]] }

// Parents gives the position above by number; -1 at the top. The caller must not change it.
func (t *Tree) Parents() []int32 { return t.parent }

// Level is how many steps a position stands below the top.
func (t *Tree) Level(position int32) int { return int(t.level[position]) }

// Link is the link by which a position has its place.
func (t *Tree) Link(position int32, version int64) Link {
	l := Link{
		PositionID: t.ids[position], DistributorID: t.Owner(position), Leg: int(t.leg[position]),
		ValidFrom: t.since[position], Version: version,
	}
	if up := t.parent[position]; up != nobody {
		l.ParentID = t.ids[up]
	}
	return l
}

// Below reports whether position stands below above, or is it.
func (t *Tree) Below(position, above int32) bool {
	for ; position != nobody; position = t.parent[position] {
		if position == above {
			return true
		}
	}
	return false
}

// Columns are the tree with every parent before its children, by level, then by leg below the same parent.
type Columns struct {
	Position []int32 // number in the Tree
	Parent   []int32 // by place in these columns; -1 at the top
	Leg      []uint8
	Owner    []int32 // place of the owner's first position
	Since    []int64 // ValidFrom of the link that holds
}

// Columns numbers everybody anew for passes over the whole tree. Tops come in the order of their ids, so that the
// outcome does not depend on the order in which links were read.
func (t *Tree) Columns() Columns {
	n := len(t.ids)
	c := Columns{
		Position: make([]int32, 0, n), Parent: make([]int32, n), Leg: make([]uint8, n), Owner: make([]int32, n),
		Since: make([]int64, n),
	}
	for i := range t.parent {
		if t.parent[i] == nobody {
			c.Position = append(c.Position, int32(i))
		}
	}
	slices.SortFunc(c.Position, func(a, b int32) int { return compare(t.ids[a], t.ids[b]) })
	place := make([]int32, n)
	for i := 0; i < len(c.Position); i++ {
		position := c.Position[i]
		place[position] = int32(i)
		for kid := t.first[position]; kid != nobody; kid = t.next[kid] {
			c.Position = append(c.Position, kid)
		}
	}
	for i, position := range c.Position {
		c.Parent[i] = nobody
		if up := t.parent[position]; up != nobody {
			c.Parent[i] = place[up]
		}
		c.Leg[i], c.Since[i], c.Owner[i] = t.leg[position], t.since[position], place[t.owner[position]]
	}
	return c
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// fault is one thing wrong, with the people it concerns.
func fault(kind genealogy.FaultKind, detail string, people ...string) error {
	return &genealogy.Fault{Kind: kind, People: people, Detail: detail}
}
