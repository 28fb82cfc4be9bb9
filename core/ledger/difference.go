package ledger

import (
	"errors"
	"fmt"
	"slices"

	"upline.dev/upline/core/money"
)

// The errors of Difference and SumByKey; they come wrapped with the key.
var (
	ErrDuplicateKey = errors.New("ledger: one key has two balances")
	ErrKind         = errors.New("ledger: no accounts are defined for a difference of this kind")
	ErrRevision     = errors.New("ledger: revisions are counted from 1")
	ErrPosting      = errors.New("ledger: no posting can be made of this")
)

// Difference is what has to be posted so that the balances posted become those wanted: for every key of either list
// wanted minus posted, where a missing key stands for 0. Keys that agree give nothing, so the difference of equal
// states is empty. The postings are sorted by key and do not depend on the order of the lists.
//
// A list with one key twice is ErrDuplicateKey (SumByKey unites them), an amount that does not fit is
// money.ErrOverflow, and only kinds with settled accounts (Earning, Breakage) can be posted here (ErrKind). On an
// error nothing is to be posted.
func Difference(program string, revision int64, posted, want []Balance, stamp Stamp) ([]Posting, error) {
	if revision < 1 {
		return nil, fmt.Errorf("difference for program %s: %w: got %d", quote(program), ErrRevision, revision)
	}
	old, err := sortedByKey(posted)
	if err != nil {
		return nil, fmt.Errorf("difference for program %s: balances posted: %w", quote(program), err)
	}
	wanted, err := sortedByKey(want)
	if err != nil {
		return nil, fmt.Errorf("difference for program %s: balances wanted: %w", quote(program), err)
	}
	changes, err := subtract(wanted, old)
	if err != nil {
		return nil, fmt.Errorf("difference for program %s: %w", quote(program), err)
	}
	postings := make([]Posting, len(changes))
	for i := range changes {
		postings[i] = Posting{
			ProgramID:   program,
			Key:         changes[i].Key,
			Revision:    revision,
			AmountMinor: changes[i].AmountMinor,
			SnapshotID:  stamp.SnapshotID,
			OrderTS:     stamp.OrderTS,
			PostedAt:    stamp.PostedAt,
		}
		if err := complete(&postings[i]); err != nil {
			return nil, fmt.Errorf("difference for program %s: %s: %w", quote(program), changes[i].Key, err)
		}
	}
	return postings, nil
}

// SumByKey unites the balances of equal keys, sorted by key. Only the sums have to fit an int64 (money.ErrOverflow),
// so the order of the balances does not matter. A sum of 0 stays in the list.
func SumByKey(balances []Balance) ([]Balance, error) {
	sorted := slices.Clone(balances)
	slices.SortFunc(sorted, byKey)
	sums := make([]Balance, 0, len(sorted))
	for len(sorted) > 0 {
		key := sorted[0].Key
		end := 1
		for end < len(sorted) && sorted[end].Key == key {
			end++
		}
		total, err := sum(sorted[:end])
		if err != nil {
			return nil, fmt.Errorf("sum of %s: %w", key, err)
		}
		sums = append(sums, Balance{Key: key, AmountMinor: total})
		sorted = sorted[end:]
	}
	return sums, nil
}

// Balances is what stands under each key after the postings, sorted by key: the "posted" of the next Difference.
func Balances(postings []Posting) ([]Balance, error) {
	all := make([]Balance, len(postings))
	for i, posting := range postings {
		all[i] = Balance{Key: posting.Key, AmountMinor: posting.AmountMinor}
	}
	return SumByKey(all)
}

func sum(balances []Balance) (int64, error) {
	if len(balances) == 1 {
		return balances[0].AmountMinor, nil
	}
	amounts := make([]int64, len(balances))
	for i, balance := range balances {
		amounts[i] = balance.AmountMinor
	}
	return money.Sum(amounts...)
}

// sortedByKey sorts a copy where the list is not sorted already, since it is not ours to reorder.
func sortedByKey(balances []Balance) ([]Balance, error) {
	if misplaced(balances) == 0 {
		return balances, nil
	}
	balances = slices.Clone(balances)
	slices.SortFunc(balances, byKey)
	if i := misplaced(balances); i > 0 {
		return nil, fmt.Errorf("%s: %w", balances[i].Key, ErrDuplicateKey)
	}
	return balances, nil
}

// misplaced is the first index whose key is not above the one before; 0 where there is none.
func misplaced(balances []Balance) int {
	for i := 1; i < len(balances); i++ {
		if balances[i-1].Key.compare(&balances[i].Key) >= 0 {
			return i
		}
	}
	return 0
}

func byKey(a, b Balance) int { return a.Key.compare(&b.Key) }

// subtract walks two sorted lists side by side and keeps what differs.
func subtract(want, posted []Balance) ([]Balance, error) {
	var changes []Balance // In most cases nothing changed.
	for len(want) > 0 || len(posted) > 0 {
		side := sideOf(want, posted)
		var key *Key
		var target, standing int64
		if side <= 0 {
			key, target, want = &want[0].Key, want[0].AmountMinor, want[1:]
		}
		if side >= 0 {
			key, standing, posted = &posted[0].Key, posted[0].AmountMinor, posted[1:]
		}
		amount, err := money.Sub(target, standing)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if amount != 0 {
			if changes == nil {
				changes = make([]Balance, 0, 1+len(want)+len(posted))
			}
			changes = append(changes, Balance{Key: *key, AmountMinor: amount})
		}
	}
	return changes, nil
}

// sideOf is below 0 when the next key is only wanted, above 0 when it is only posted, and 0 when both have it.
func sideOf(want, posted []Balance) int {
	switch {
	case len(posted) == 0:
		return -1
	case len(want) == 0:
		return 1
	default:
		return want[0].Key.compare(&posted[0].Key)
	}
}

// complete fills in what follows from a posting's key: accounts and event id.
func complete(p *Posting) error {
	from, to, err := accountsOf(&p.Key)
	if err != nil {
		return err
	}
	p.From, p.To = from, to
	if what := fieldFlaw(p); what != "" {
		return fmt.Errorf("%w: %s", ErrPosting, what)
	}
	p.EventID = eventID(p.ProgramID, &p.Key, p.Revision)
	return nil
}

// accountsOf says between which accounts a kind moves money. A breakage has no distributor's account: the key's
// distributor only says whose it would have been.
func accountsOf(k *Key) (from, to string, err error) {
	switch k.Kind {
	case Earning:
		return CommissionExpense, Account(k.DistributorID, StatePending), nil
	case Breakage:
		return CommissionExpense, CompanyBreakage, nil
	case Maturing, Payout, Adjustment:
		return "", "", ErrKind
	default:
		return "", "", fmt.Errorf("%w: %s", ErrKind, quote(string(k.Kind)))
	}
}
