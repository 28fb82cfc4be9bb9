package adapters

import "context"

// Article is one thing that a store sells, as its platform tells it.
type Article struct {
	PlatformSKU string // as an order's line names it
	Name        string
	Category    string
	Price       string // decimal text in the store's currency, for people
	Available   int64  // units on stock; 0 where nobody counts them
	Counted     bool   // whether somebody does
}

// Catalogue reads what a store sells. An error of yield ends it.
type Catalogue interface {
	Articles(ctx context.Context, yield func(Article) error) error
}

// CodeTerms are what a buyer gets for a distributor's code.
type CodeTerms struct {
	Title string // for the merchant, in the platform's own screens
	// PercentHundredths is the discount in hundredths of a percent: 1000 is 10 %.
	PercentHundredths int64
}

// CodeFault is a code that the platform refused.
type CodeFault struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// CodeReport says what became of codes.
type CodeReport struct {
	Added  int         `json:"added"`
	Known  int         `json:"known"` // the platform had them already
	Faults []CodeFault `json:"faults"`
}

// Coder makes the codes of distributors work at a store's checkout. A code that is there already stays as it is, so that doing it
// again does nothing. told is given how many codes are through.
type Coder interface {
	AddCodes(ctx context.Context, terms CodeTerms, codes []string, told func(done int)) (CodeReport, error)
}
