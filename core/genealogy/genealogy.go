// Package genealogy answers who stands above whom, as of any instant and any tree version.
package genealogy

// DistributorID is a program's own id of a distributor.
type DistributorID = string

// TreeKind names one of a program's trees.
type TreeKind string

// The trees. Placement is used by binary and matrix components.
const (
	Sponsor   TreeKind = "sponsor"
	Enroller  TreeKind = "enroller"
	Placement TreeKind = "placement"
)

// Status is a distributor's standing in the program.
type Status string

// The statuses. Only Active ones earn, unless a plan says otherwise; a Terminated one stays in the tree until moved.
const (
	Active     Status = "active"
	Inactive   Status = "inactive"
	Suspended  Status = "suspended"
	Terminated Status = "terminated"
)

// Link is one dated parent of one distributor. The link holds from ValidFrom until the next link of the same
// distributor and tree begins. Version is the tree version that recorded it; a snapshot as of version v does not
// see links recorded later.
type Link struct {
	DistributorID DistributorID
	ParentID      DistributorID // "" at the top
	ValidFrom     int64         // microseconds since 1970 UTC; math.MinInt64-like "from the beginning" is Beginning
	Version       int64
}

// Standing is a distributor's dated status and rank, on the same two axes as Link.
type Standing struct {
	DistributorID DistributorID
	Status        Status
	Rank          string // paid-as rank by the plan's names; "" is the lowest
	ValidFrom     int64
	Version       int64
}

// Code is a coupon or reference code that names a distributor, on the same two axes.
type Code struct {
	Code          string        // compared without case
	DistributorID DistributorID // "" ends the code's validity
	ValidFrom     int64
	Version       int64
}

// Beginning is the ValidFrom of facts that hold from the beginning of time.
const Beginning int64 = -1 << 62

// Person is one distributor as seen on a walk.
type Person struct {
	ID     DistributorID `json:"id"`
	Status Status        `json:"status"`
	Rank   string        `json:"rank,omitempty"`
}

// AsOf is the instant and the tree version to read at.
type AsOf struct {
	At      int64 // valid time, microseconds since 1970 UTC
	Version int64 // recorded no later than this tree version
}

// Tree holds one tree with its whole history, compactly: 1,000,000 people take less than 100 MB.
//
//	func Build(links []Link, standings []Standing, codes []Code) (*Tree, error) // cycles at any instant, orphans, duplicates: *Fault naming the people
//	func (t *Tree) With(links []Link, standings []Standing, codes []Code) (*Tree, error) // later facts added; t is unchanged and still usable by readers (copy only what changes, or document cost)
//	func (t *Tree) Len() int
//	func (t *Tree) Has(id DistributorID, as AsOf) bool
//	func (t *Tree) Person(id DistributorID, as AsOf) (Person, bool)
//	func (t *Tree) Upline(dst []Person, id DistributorID, as AsOf, max int) ([]Person, error) // dst appended: id itself first, then its parent, ... at most max people (0: all)
//	func (t *Tree) ByCode(code string, as AsOf) (DistributorID, bool)
//	func (t *Tree) Snapshot(as AsOf) (*Snapshot, error) // int32 parents, every parent numbered before its children; for periods
//	func (s *Snapshot) Parents() []int32; func (s *Snapshot) Index(id) (int32, bool); func (s *Snapshot) ID(i int32) DistributorID; func (s *Snapshot) SubtreeSums(own []int64) ([]int64, error) // overflow detected
//	func (t *Tree) CheckMove(id, newParent DistributorID, as AsOf) error // cycle: *Fault
