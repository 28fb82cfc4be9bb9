package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"upline.dev/upline/core/money"
)

// maxReported bounds how many faults one error lists: enough to see the pattern, too few to fill a disk with a log.
const maxReported = 1000

// lowest has no counterpart of the other sign in int64, so a posting of it could never be reversed.
const lowest int64 = -1 << 63

// PostingError says what is wrong with one posting of a list.
type PostingError struct {
	EventID  string
	Position int // index in the list
	What     string
}

// Error names the posting and the fault.
func (e *PostingError) Error() string {
	return fmt.Sprintf("posting %d, event %s: %s", e.Position, quote(e.EventID), e.What)
}

// AccountTotal is what stands on one account of one program in one currency, in minor units.
type AccountTotal struct {
	ProgramID   string
	Currency    money.Currency
	Account     string
	AmountMinor int64
}

// Check refuses postings that may not be written: an account that is none, or not the kind's, or the same on both
// sides; no amount; an event id that is not its key's, or comes twice; accounts that do not sum to zero per program and
// currency. Every fault is a *PostingError, joined, at most 1000 of them.
func Check(postings []Posting) error {
	var faults []error
	seen := make(map[string]int, len(postings))
	for i := range postings {
		posting := &postings[i]
		what := flaw(posting)
		if first, twice := seen[posting.EventID]; twice && what == "" {
			what = fmt.Sprintf("its event id is also that of posting %d", first)
		}
		seen[posting.EventID] = i
		if what != "" && len(faults) < maxReported {
			faults = append(faults, &PostingError{EventID: posting.EventID, Position: i, What: what})
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("check postings: %w", errors.Join(faults...))
	}
	return checkZero(postings)
}

// flaw says what is wrong with a posting by itself; "" is nothing.
func flaw(p *Posting) string {
	if what := fieldFlaw(p); what != "" {
		return what
	}
	if p.EventID != eventID(p.ProgramID, &p.Key, p.Revision) {
		return "its event id is not the hash of its program, key and revision"
	}
	return ""
}

// fieldFlaw is flaw without the event id, which costs a hash.
func fieldFlaw(p *Posting) string {
	from, errFrom := ParseAccount(p.From)
	to, errTo := ParseAccount(p.To)
	switch {
	case p.ProgramID == "":
		return "it has no program"
	case p.Key.Source == "":
		return "its key has no source"
	case !p.Key.Currency.Valid():
		return "its currency " + quote(string(p.Key.Currency)) + " is unknown"
	case p.Revision < 1:
		return fmt.Sprintf("its revision is %d, and they are counted from 1", p.Revision)
	case p.AmountMinor == 0:
		return "its amount is 0"
	case p.AmountMinor == lowest:
		return "its amount is too large to be reversed"
	case errFrom != nil:
		return errFrom.Error()
	case errTo != nil:
		return errTo.Error()
	case p.From == p.To:
		return "both its accounts are " + quote(p.From)
	case !mayMove(p, from, to):
		return fmt.Sprintf("a posting of kind %s for distributor %s may not go from %s to %s",
			quote(string(p.Key.Kind)), quote(p.Key.DistributorID), quote(p.From), quote(p.To))
	default:
		return ""
	}
}

// mayMove holds a posting to the accounts of its kind. Whatever the kind, it touches no other distributor than its
// key's.
func mayMove(p *Posting, from, to AccountName) bool {
	switch p.Key.Kind {
	case Earning, Breakage:
		wantFrom, wantTo, err := accountsOf(&p.Key)
		return err == nil && p.From == wantFrom && p.To == wantTo
	case Maturing, Payout, Adjustment:
		own := func(a AccountName) bool { return a.DistributorID == "" || a.DistributorID == p.Key.DistributorID }
		return own(from) && own(to)
	default:
		return false
	}
}

// AccountTotals adds up what the postings leave on every account, sorted by program, currency and account. What one
// account receives another has given, so the totals of a program and currency sum to zero. A total that does not fit an
// int64 is money.ErrOverflow.
func AccountTotals(postings []Posting) ([]AccountTotal, error) {
	entries := make([]AccountTotal, 0, 2*len(postings))
	for i, p := range postings {
		given, err := money.Sub(0, p.AmountMinor)
		if err != nil {
			return nil, &PostingError{EventID: p.EventID, Position: i, What: "its amount is too large to be reversed"}
		}
		entries = append(entries,
			AccountTotal{p.ProgramID, p.Key.Currency, p.From, given},
			AccountTotal{p.ProgramID, p.Key.Currency, p.To, p.AmountMinor})
	}
	slices.SortFunc(entries, compareTotals)
	totals := entries[:0]
	for len(entries) > 0 {
		end := 1
		for end < len(entries) && sameAccount(entries[0], entries[end]) {
			end++
		}
		total, err := sumTotals(entries[:end])
		if err != nil {
			return nil, fmt.Errorf("total of account %s in %s: %w", quote(entries[0].Account), entries[0].Currency, err)
		}
		entries[0].AmountMinor = total
		totals = append(totals, entries[0])
		entries = entries[end:]
	}
	return totals, nil
}

// compareTotals ends with the amount so that sums are formed in one order whatever the order of the postings.
func compareTotals(a, b AccountTotal) int {
	return cmp.Or(
		strings.Compare(a.ProgramID, b.ProgramID),
		strings.Compare(string(a.Currency), string(b.Currency)),
		strings.Compare(a.Account, b.Account),
		cmp.Compare(a.AmountMinor, b.AmountMinor),
	)
}

func sameAccount(a, b AccountTotal) bool {
	return a.ProgramID == b.ProgramID && a.Currency == b.Currency && a.Account == b.Account
}

func sumTotals(totals []AccountTotal) (int64, error) {
	amounts := make([]int64, len(totals))
	for i, total := range totals {
		amounts[i] = total.AmountMinor
	}
	return money.Sum(amounts...)
}

// checkZero adds the accounts up again instead of trusting that a posting takes what it gives.
func checkZero(postings []Posting) error {
	totals, err := AccountTotals(postings)
	if err != nil {
		return fmt.Errorf("check postings: %w", err)
	}
	for len(totals) > 0 {
		end := 1
		for end < len(totals) && totals[end].ProgramID == totals[0].ProgramID && totals[end].Currency == totals[0].Currency {
			end++
		}
		rest, err := sumTotals(totals[:end])
		if err != nil || rest != 0 {
			return fmt.Errorf("check postings: the accounts of program %s in %s do not sum to zero",
				quote(totals[0].ProgramID), totals[0].Currency)
		}
		totals = totals[end:]
	}
	return nil
}
