// Package ledger keeps the books: double entry, append only, sealed.
//
// Nothing here decides an amount. Difference turns "what should be posted" minus "what is posted" into postings;
// Seal chains them so that one changed byte is found and named.
package ledger

import (
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

//	func Account(distributorID, state string) string                                     // "distributor:{id}:pending"
//	func EventID(program string, k Key, revision int64) string
//	func Difference(program string, revision int64, posted, want []Balance, stamp Stamp) ([]Posting, error) // sorted by key; empty when equal; overflow and duplicate keys are errors
//	func Check(postings []Posting) error                                                  // two accounts each, non-zero, event ids right, sums to zero per currency
//	func Leaf(p Posting) [32]byte                                                         // length-prefixed canonical posting
//	func Root(leaves [][32]byte) [32]byte                                                 // Merkle, RFC 6962 style prefixes 0x00 / 0x01
//	type Seal struct{ ProgramID string; Sequence int64; Leaves int; Root, Previous, Hash [32]byte; SealedAt int64 }
//	func Chain(previous Seal, program string, leaves [][32]byte, at int64) Seal
//	type Verifier struct; func NewVerifier(program string) *Verifier; func (v *Verifier) Batch(s Seal, postings []Posting, storedLeaves [][32]byte) []Finding  // names the posting
//	func Prove(leaves [][32]byte, i int) []ProofStep; func (p Proof) Verify(...) bool
