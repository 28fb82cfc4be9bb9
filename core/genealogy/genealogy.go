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
