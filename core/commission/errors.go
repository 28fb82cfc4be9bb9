package commission

import (
	"fmt"

	"upline.dev/upline/core/money"
)

// MissingRate means that the plan does not say what an amount is worth in the order's currency. The order waits until
// it does.
type MissingRate struct {
	What     string // what has no value, for example "1 CV"
	Currency money.Currency
}

// Error names what to add to the plan.
func (e *MissingRate) Error() string {
	return fmt.Sprintf("the plan gives no value in %s for %s: publish a version that does", e.Currency, e.What)
}

// UnknownRank means that somebody holds a rank the plan does not have. To take them for the lowest would pay wrong.
type UnknownRank struct {
	DistributorID string
	Rank          string
}

// Error names the person and the rank.
func (e *UnknownRank) Error() string {
	return fmt.Sprintf("distributor %s has rank %q, which the plan does not name", e.DistributorID, e.Rank)
}

// MissingWholesale means that retail profit is to be paid on a line whose wholesale price is not known.
type MissingWholesale struct {
	LineID      string
	PlatformSKU string
}

// Error names the line and its SKU.
func (e *MissingWholesale) Error() string {
	return fmt.Sprintf("line %s (SKU %s) has no wholesale price to reckon retail profit from", e.LineID, e.PlatformSKU)
}
