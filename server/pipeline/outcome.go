package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/catalog"
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/genealogy"
	"upline.dev/upline/core/money"
	"upline.dev/upline/core/order"
	"upline.dev/upline/server"
)

// verdict is what an error means for the work it stopped.
type verdict int

const (
	proceed verdict = iota // no error
	later                  // nobody's fault: the database is away; the same work again, uncounted
	again                  // this work's fault, or ours: again with backoff, counted
	park                   // cannot be decided from what is known: the Reason says what mends it
)

// outcome is the one table that translates errors. A Reason comes with park only.
func outcome(err error) (verdict, *Reason) {
	if err == nil {
		return proceed, nil
	}
	if reason := reasonOf(err); reason != nil {
		return park, reason
	}
	switch {
	case server.CodeOf(err) == server.Unavailable,
		errors.Is(err, context.Canceled),
		errors.Is(err, context.DeadlineExceeded):
		return later, nil
	default:
		return again, nil
	}
}

// reasonOf tells what is not known from what went wrong; nil for the latter.
func reasonOf(err error) *Reason {
	var (
		held      *held
		undecided *order.Undecided
		invalid   *order.Invalid
		nobody    *order.UnknownDistributor
		unmapped  *catalog.Unmapped
		rate      *commission.MissingRate
		rank      *commission.UnknownRank
		wholesale *commission.MissingWholesale
		enrolment *commission.MissingFact
		fault     *genealogy.Fault
		malformed *adapters.Malformed
	)
	switch {
	case errors.As(err, &held):
		reason := held.reason
		return &reason
	case errors.As(err, &undecided):
		return &Reason{Code: ReasonCode(undecided.Reason), Detail: sentence(undecided.Detail, "It is settled when its next snapshot comes")}
	case errors.As(err, &invalid):
		return invalidReason(invalid)
	case errors.As(err, &nobody):
		return &Reason{
			Code: ReasonUnknownDistributor, Detail: sentence("The "+nobody.Error(), "Import the distributor or the code"),
			Causes: []string{refCause(nobody.Value)},
		}
	case errors.As(err, &unmapped):
		return unmappedReason([]*catalog.Unmapped{unmapped})
	case errors.As(err, &rate):
		return &Reason{
			Code: ReasonMissingRate, Detail: sentence(rate.Error(), ""),
			Causes: []string{"rate:" + string(rate.Currency), planCause},
		}
	case errors.As(err, &rank):
		return &Reason{
			Code: ReasonUnknownRank, Detail: sentence(rank.Error(), "Import the distributor with a rank of the plan"),
			Causes: []string{refCause(rank.DistributorID), planCause},
		}
	case errors.As(err, &wholesale):
		return &Reason{Code: ReasonMissingWholesale, Detail: sentence(wholesale.Error(), "The store has to send it"), Causes: []string{planCause}}
	case errors.As(err, &enrolment):
		return &Reason{
			Code: ReasonMissingEnrolment, Detail: sentence(enrolment.Error(), ""),
			Causes: []string{refCause(enrolment.DistributorID), planCause},
		}
	case errors.As(err, &fault):
		return faultReason(fault)
	case errors.As(err, &malformed):
		return &Reason{Code: ReasonMalformed, Detail: sentence(malformed.Error(), "")}
	case errors.Is(err, money.ErrOverflow):
		return &Reason{Code: ReasonInvalidOrder, Detail: sentence(err.Error(), "The figures are too large to be true")}
	default:
		return nil
	}
}

// held is an order that has to wait for a reason of the pipeline's own.
type held struct{ reason Reason }

// Error is the reason's sentence.
func (h *held) Error() string { return string(h.reason.Code) + ": " + h.reason.Detail }

const planCause = "plan"

// refCause releases what waits for a reference; references are compared without case.
func refCause(reference string) string { return "ref:" + strings.ToLower(reference) }

// invalidReason tells totals that disagree, with both figures, from a field that cannot be true.
func invalidReason(e *order.Invalid) *Reason {
	code := ReasonInvalidOrder
	if e.StatedMinor != nil && e.ComputedMinor != nil {
		code = ReasonInconsistentTotals
	}
	return &Reason{Code: code, Detail: sentence(e.Error(), "It is settled when the store sends it corrected")}
}

// unmappedReason names every SKU at once, so that one visit to the mapping screen mends the order.
func unmappedReason(missing []*catalog.Unmapped) *Reason {
	names := make([]string, len(missing))
	causes := make([]string, len(missing))
	for i, u := range missing {
		names[i] = fmt.Sprintf("%q", u.PlatformSKU)
		causes[i] = "sku:" + u.Platform + ":" + u.PlatformSKU
	}
	detail := fmt.Sprintf("SKU %s of %s has no mapping", names[0], missing[0].Platform)
	if len(names) > 1 {
		detail = fmt.Sprintf("SKUs %s of %s have no mapping", strings.Join(names, ", "), missing[0].Platform)
	}
	return &Reason{Code: ReasonUnmappedSKU, Detail: sentence(detail, "Map it to a commission class"), Causes: causes}
}

// faultReason is for an upline that cannot be walked as of the order's time: somebody in it joined later than the order,
// or is missing.
func faultReason(fault *genealogy.Fault) *Reason {
	causes := make([]string, len(fault.People))
	for i, id := range fault.People {
		causes[i] = refCause(id)
	}
	return &Reason{Code: ReasonUnknownDistributor, Detail: sentence(fault.Error(), "Import the distributor with the date it holds from"), Causes: causes}
}

// sentence joins what is wrong and what mends it.
func sentence(wrong, mend string) string {
	if mend == "" {
		return wrong + "."
	}
	return strings.TrimSuffix(wrong, ".") + ". " + mend + "."
}
