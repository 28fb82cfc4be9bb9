package order

// BindingKind is what a company says of a customer of one of its stores.
type BindingKind string

// The kinds of binding.
const (
	SelfBinding    BindingKind = "self"    // the customer is that distributor: what they buy is their own order
	SponsorBinding BindingKind = "sponsor" // the customer belongs to that distributor, who is credited with what they buy
)

// Binding is a dated fact about one customer: who they are to the company from ValidFrom on.
type Binding struct {
	StoreID       string
	CustomerID    string // the platform's id, never a name
	Kind          BindingKind
	DistributorID string // "" ends what was said before
	ValidFrom     int64  // microseconds since 1970 UTC
	Version       int64  // of the tree that knows it
}

// BindingAt is what holds for a customer at an instant, as it was known at a version: of the facts recorded by then the
// one with the greatest ValidFrom at or before the instant, and of several such the one with the greatest Version.
// history holds one customer's facts in any order. false where nothing was said, or what was said has ended.
func BindingAt(history []Binding, at, version int64) (Binding, bool) {
	best := -1
	for i := range history {
		b := &history[i]
		if b.ValidFrom > at || b.Version > version {
			continue
		}
		if best < 0 || b.ValidFrom > history[best].ValidFrom ||
			b.ValidFrom == history[best].ValidFrom && b.Version > history[best].Version {
			best = i
		}
	}
	if best < 0 || history[best].DistributorID == "" {
		return Binding{}, false
	}
	return history[best], true
}
