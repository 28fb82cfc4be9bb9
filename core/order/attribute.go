package order

import (
	"errors"
	"fmt"
	"slices"
)

// UnknownDistributor means that evidence which must name a distributor names nobody we know. The order waits: to take
// weaker evidence instead would pay somebody else.
type UnknownDistributor struct {
	Kind  EvidenceKind
	Value string
}

// Error names the evidence.
func (u *UnknownDistributor) Error() string {
	return fmt.Sprintf("%s reference %q is no distributor known to us", u.Kind, u.Value)
}

// DefaultPrecedence is the order of strength of evidence where a program sets none.
func DefaultPrecedence() []EvidenceKind {
	return []EvidenceKind{ManualOverride, DistributorCode, CartReference, LandingReference, BoundCustomer}
}

// Attribute decides whose sale an order is: the first evidence in precedence (nil: the default) that resolves to a
// distributor, and within a kind the one told first. Everything else comes back as lost, with the reason. Evidence of
// a kind that must resolve (manual, cart) and does not is a *UnknownDistributor, unless stronger evidence has won. No
// evidence, or none that resolves, is nobody's sale and no error.
func Attribute(o Order, precedence []EvidenceKind, resolve func(Evidence) (distributorID string, known bool)) (Attribution, error) {
	if resolve == nil {
		return Attribution{}, errors.New("attribute: no way to resolve evidence is given")
	}
	if precedence == nil {
		precedence = DefaultPrecedence()
	}
	var a Attribution
	for i, kind := range precedence {
		if slices.Contains(precedence[:i], kind) {
			continue
		}
		for _, evidence := range o.Evidence {
			if evidence.Kind != kind {
				continue
			}
			if err := a.weigh(evidence, resolve); err != nil {
				return Attribution{}, fmt.Errorf("attribute %s: %w", o.Source, err)
			}
		}
	}
	for _, evidence := range o.Evidence {
		if !slices.Contains(precedence, evidence.Kind) {
			a.lose(evidence, unusedBecause(evidence.Kind))
		}
	}
	return a, nil
}

func unusedBecause(kind EvidenceKind) string {
	switch kind {
	case ForgedReference, SignedReference:
		return "it is not signed by us for this program, or too old"
	default:
		return "this kind of evidence is not used"
	}
}

// weigh lets one piece of evidence win or lose. Pieces come strongest first.
func (a *Attribution) weigh(e Evidence, resolve func(Evidence) (string, bool)) error {
	switch {
	case a.Winner == e.Kind:
		a.lose(e, "an earlier "+string(e.Kind)+" won")
		return nil
	case a.Winner != "":
		a.lose(e, "weaker than "+string(a.Winner))
		return nil
	case e.Value == "":
		a.lose(e, "is empty")
		return nil
	}
	id, known := resolve(e)
	switch {
	case known && id != "":
		a.DistributorID, a.Winner, a.Value = id, e.Kind, e.Value
	case e.Kind == ManualOverride || e.Kind == CartReference:
		return &UnknownDistributor{Kind: e.Kind, Value: e.Value}
	case e.Kind == DistributorCode:
		a.lose(e, "is not a distributor's code")
	default:
		a.lose(e, "does not resolve")
	}
	return nil
}

func (a *Attribution) lose(e Evidence, why string) {
	a.Lost = append(a.Lost, LostClaim{Kind: e.Kind, Value: e.Value, Why: why})
}
