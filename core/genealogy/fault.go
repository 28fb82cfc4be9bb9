package genealogy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind says what is wrong with facts about a tree.
type FaultKind string

// The kinds of fault.
const (
	Cycle     FaultKind = "cycle"     // People is the whole ring: each one's parent comes next, the last one's is the first
	Orphan    FaultKind = "orphan"    // People is the child and the parent that is not in the tree at that time
	Duplicate FaultKind = "duplicate" // two facts of one person, ValidFrom and Version that disagree
	Unknown   FaultKind = "unknown"   // a person who is not in the tree
	Stale     FaultKind = "stale"     // a fact that claims to be recorded before the tree was read: it would change pinned answers
	Invalid   FaultKind = "invalid"   // an id or another field that no fact may have
)

// Fault is one thing that is wrong with a tree, with the people it concerns.
type Fault struct {
	Kind   FaultKind
	People []DistributorID
	Detail string // one sentence for a person
}

// Error names the kind, the people (the first of them where they are many) and the detail.
func (f *Fault) Error() string {
	const most = 10 // people named in the text; People has them all
	shown := make([]string, 0, most)
	for _, id := range f.People[:min(most, len(f.People))] {
		shown = append(shown, strconv.Quote(id))
	}
	text := string(f.Kind) + " of " + strings.Join(shown, ", ")
	if more := len(f.People) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + ": " + f.Detail
}

// maxFaults bounds how many faults one error lists: enough to mend a file by, too few to fill a disk with a log.
const maxFaults = 1000

// Faults are all faults found at once, at most 1000, sorted by kind and people. errors.As finds the first *Fault.
type Faults []*Fault

// Error lists the first ten.
func (f Faults) Error() string {
	const most = 10
	lines := make([]string, 0, most+1)
	for _, fault := range f[:min(most, len(f))] {
		lines = append(lines, fault.Error())
	}
	if more := len(f) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.Is and errors.As every fault.
func (f Faults) Unwrap() []error {
	wrapped := make([]error, len(f))
	for i, fault := range f {
		wrapped[i] = fault
	}
	return wrapped
}

func (f *Faults) add(kind FaultKind, detail string, people ...DistributorID) {
	*f = append(*f, &Fault{Kind: kind, People: people, Detail: detail})
}

// err sorts, so that the answer does not depend on the order in which facts came, and drops what is said twice: one
// ring is found again at every instant at which one of its links is renewed.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortFunc(f, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), slices.Compare(a.People, b.People), cmp.Compare(a.Detail, b.Detail))
	})
	f = slices.CompactFunc(f, func(a, b *Fault) bool {
		return a.Kind == b.Kind && slices.Equal(a.People, b.People) && (a.Kind == Cycle || a.Detail == b.Detail)
	})
	return f[:min(maxFaults, len(f))]
}

// ringFault begins the ring with its lowest id, so that one ring has one name.
func ringFault(ring []DistributorID, at int64) *Fault {
	lowest := slices.Index(ring, slices.Min(ring))
	people := slices.Concat(ring[lowest:], ring[:lowest])
	detail := "each is below the next, and the last below the first, " + since(at)
	if len(people) == 1 {
		detail = "the distributor is its own parent " + since(at)
	}
	return &Fault{Kind: Cycle, People: people, Detail: detail}
}

// since writes an instant for people.
func since(at int64) string {
	if at <= Beginning {
		return "from the beginning"
	}
	return "from " + instant(at)
}

func instant(at int64) string {
	return time.UnixMicro(at).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

// then writes the point a view is read at for people.
func then(as AsOf) string {
	return fmt.Sprintf("as of %s, tree version %d", instant(as.At), as.Version)
}
