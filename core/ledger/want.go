package ledger

import (
	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
)

// Want is what should stand in the ledger for a calculated order, one sum per key, sorted by key: earnings, and beside
// them the breakage memo. currency is that of the result's amounts.
func Want(source string, currency money.Currency, result commission.Result) ([]Balance, error) {
	want := make([]Balance, 0, len(result.Events))
	for _, event := range result.Events {
		kind := Earning
		if event.Breakage {
			kind = Breakage
		}
		want = append(want, Balance{AmountMinor: event.AmountMinor, Key: Key{
			Source: source, LineID: event.LineID, ComponentID: event.ComponentID,
			DistributorID: event.DistributorID, Kind: kind, Currency: currency,
		}})
	}
	return SumByKey(want)
}

// WantClosing is what should stand in the ledger under the sources of a closing, one sum per key, sorted by key. A close
// of the same facts wants the same, so that running it again posts nothing; Closing.Sources names what it speaks of.
func WantClosing(c *commission.Closing) ([]Balance, error) {
	settled := c.Settled()
	want := make([]Balance, 0, len(settled))
	for i := range settled {
		s := &settled[i]
		kind := Earning
		if s.Breakage {
			kind = Breakage
		}
		want = append(want, Balance{AmountMinor: s.AmountMinor, Key: Key{
			Source: s.Source, ComponentID: s.ComponentID, DistributorID: s.DistributorID, Kind: kind, Currency: c.Currency(),
		}})
	}
	return SumByKey(want)
}

// WantAward is what should stand in the ledger for one trace of period pay, under the source it is kept with: what is
// paid, and as breakage what was lost and what caps took.
func WantAward(source string, t *commission.AwardTrace) ([]Balance, error) {
	key := Key{Source: source, ComponentID: t.ComponentID, DistributorID: t.DistributorID, Kind: Earning, Currency: t.Currency}
	want := []Balance{{Key: key, AmountMinor: t.PaidMinor}}
	key.Kind = Breakage
	for i := range t.Lost {
		want = append(want, Balance{Key: key, AmountMinor: t.Lost[i].AmountMinor})
	}
	for i := range t.Cuts {
		want = append(want, Balance{Key: key, AmountMinor: t.Cuts[i].CutMinor})
	}
	return SumByKey(want)
}
