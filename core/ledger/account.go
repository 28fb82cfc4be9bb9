package ledger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The states a distributor's money passes through; each is an account of its own.
const (
	StatePending   = "pending"
	StateAvailable = "available"
	StatePaid      = "paid"
	StateDebt      = "debt"
)

// The first parts of account names, which say who the holder is.
const (
	holderDistributor = "distributor"
	holderPayout      = "payout"
)

// ErrAccount is returned for text that is not the name of an account.
var ErrAccount = errors.New("not an account of the ledger")

// AccountName is an account's name taken apart. Exactly one holder is set: Company, DistributorID with State, or Batch.
type AccountName struct {
	Company       string // the whole name of a company account: CommissionExpense or CompanyBreakage
	DistributorID string // as the program writes it, not escaped
	State         string // pending, available, paid or debt
	Batch         string // the payout batch's id, not escaped
}

// Account names a distributor's account, "distributor:{id}:pending". A colon or percent sign in the id is written
// "%3A" or "%25", so that two ids never share a name.
func Account(distributorID, state string) string {
	return holderDistributor + ":" + escape(distributorID) + ":" + state
}

// PayoutAccount names the account through which one payout batch goes, "payout:{batch}".
func PayoutAccount(batch string) string { return holderPayout + ":" + escape(batch) }

// String writes the name that ParseAccount reads.
func (a AccountName) String() string {
	switch {
	case a.Company != "":
		return a.Company
	case a.Batch != "":
		return PayoutAccount(a.Batch)
	default:
		return Account(a.DistributorID, a.State)
	}
}

// ParseAccount reads an account name as Account, PayoutAccount and the company's constants write it. It accepts
// nothing else (ErrAccount), so a name that parses is the only name of its account.
func ParseAccount(text string) (AccountName, error) {
	if text == CommissionExpense || text == CompanyBreakage {
		return AccountName{Company: text}, nil
	}
	holder, rest, _ := strings.Cut(text, ":")
	id, state, hasState := strings.Cut(rest, ":")
	plain, err := unescape(id)
	if err != nil {
		return AccountName{}, fmt.Errorf("read account %s: %w: %w", quote(text), ErrAccount, err)
	}
	switch {
	case holder == holderPayout && !hasState:
		return AccountName{Batch: plain}, nil
	case holder == holderDistributor && isState(state):
		return AccountName{DistributorID: plain, State: state}, nil
	default:
		return AccountName{}, fmt.Errorf("read account %s: %w", quote(text), ErrAccount)
	}
}

func isState(state string) bool {
	switch state {
	case StatePending, StateAvailable, StatePaid, StateDebt:
		return true
	default:
		return false
	}
}

// escape writes the two characters that would make an account name ambiguous as percent codes. Nearly no id has one,
// so the common case costs a scan and no allocation.
func escape(id string) string {
	if !strings.ContainsAny(id, ":%") {
		return id
	}
	return strings.NewReplacer("%", "%25", ":", "%3A").Replace(id)
}

func unescape(id string) (string, error) {
	if id == "" {
		return "", errors.New("the id is missing")
	}
	if !strings.Contains(id, "%") {
		return id, nil
	}
	plain := strings.NewReplacer("%25", "%", "%3A", ":").Replace(id)
	if escape(plain) != id {
		return "", errors.New("only %3A and %25 stand for a character")
	}
	return plain, nil
}

// quote keeps foreign text short and on one line, so that it cannot forge a line of a log.
func quote(text string) string {
	const most = 80 // bytes shown; enough for every name of ours
	if len(text) > most {
		return strconv.Quote(text[:most]) + "…"
	}
	return strconv.Quote(text)
}
