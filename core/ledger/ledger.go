// Package ledger keeps the books: double entry, append only, sealed.
//
// Nothing here decides an amount. Difference turns "what should be posted" minus "what is posted" into postings;
// Seal chains them so that one changed byte is found and named.
package ledger

import (
	"strconv"
	"strings"

	"upline.dev/upline/core/money"
)

// Kind keeps sums apart.
type Kind string

// The kinds of posting.
const (
	Earning    Kind = "earning"
	Maturing   Kind = "maturing"
	Payout     Kind = "payout"
	Adjustment Kind = "adjustment"
	Breakage   Kind = "breakage" // memo: what was not paid
)

// The company's accounts. A distributor's are made by Account.
const (
	CommissionExpense = "company:commission_expense"
	CompanyBreakage   = "company:breakage"
)

// Key is the identity of one amount: postings of one key are summed and compared. Level, rate, rule and plan version
// stay outside it.
type Key struct {
	Source        string         `json:"source"` // "store_id/platform_order_id", or program, component, period
	LineID        string         `json:"line_id,omitempty"`
	ComponentID   string         `json:"component_id"`
	DistributorID string         `json:"distributor_id"`
	Kind          Kind           `json:"kind"`
	Currency      money.Currency `json:"currency"`
}

// Balance is the amount that stands under one key.
type Balance struct {
	Key         Key
	AmountMinor int64
}

// Posting moves AmountMinor from one account to another. A reversal has the same accounts and a negative amount.
type Posting struct {
	EventID     string // hex hash of (program, key, revision); unique in the database
	ProgramID   string
	Key         Key
	Revision    int64  // of the source, counted under the source's row lock, from 1
	From        string // account
	To          string // account
	AmountMinor int64  // signed minor units, never 0
	SnapshotID  string // hex hash of calc_snapshot_json; "" where the posting has none
	OrderTS     int64  // microseconds since 1970 UTC; the instant the facts were read at
	PostedAt    int64  // microseconds since 1970 UTC
}

// Stamp is what every posting of one settlement has in common.
type Stamp struct {
	SnapshotID string // hex hash of calc_snapshot_json; "" where there is none
	OrderTS    int64  // microseconds since 1970 UTC; the instant the facts were read at
	PostedAt   int64  // microseconds since 1970 UTC
}

// Compare orders keys by source, line, component, distributor, kind and currency, bytewise.
func (k Key) Compare(other Key) int { return k.compare(&other) }

// compare stops at the first difference and copies nothing; sorting lives on it.
func (k *Key) compare(other *Key) int {
	if by := strings.Compare(k.Source, other.Source); by != 0 {
		return by
	}
	if by := strings.Compare(k.LineID, other.LineID); by != 0 {
		return by
	}
	if by := strings.Compare(k.ComponentID, other.ComponentID); by != 0 {
		return by
	}
	if by := strings.Compare(k.DistributorID, other.DistributorID); by != 0 {
		return by
	}
	if by := strings.Compare(string(k.Kind), string(other.Kind)); by != 0 {
		return by
	}
	return strings.Compare(string(k.Currency), string(other.Currency))
}

// String names the key for people, as errors and findings do.
func (k Key) String() string {
	text := string(k.Kind) + " of " + strconv.Quote(k.DistributorID) + " by " + strconv.Quote(k.ComponentID) +
		" for " + strconv.Quote(k.Source)
	if k.LineID != "" {
		text += " line " + strconv.Quote(k.LineID)
	}
	return text + " in " + strconv.Quote(string(k.Currency))
}
