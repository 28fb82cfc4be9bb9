package channel

import (
	"testing"

	"upline.dev/upline/core/commission"
	"upline.dev/upline/core/money"
)

func TestWhySaysWhatACVIsWorthOnlyWhereItIsNotOne(t *testing.T) {
	ladder := &commission.Ladder{Base: "cv", BaseMinor: 127_450_000}
	for _, c := range []struct {
		name     string
		currency money.Currency
		worth    commission.Factor
		want     string
	}{
		{"one of the currency", "USD", commission.Factor{Name: "cv_to_money", Num: 1, Den: 10_000}, "level 2: 5% × 40% of 127.45 CV"},
		{"one of a currency without decimals", "JPY", commission.Factor{Name: "cv_to_money", Num: 1, Den: 1_000_000}, "level 2: 5% × 40% of 127.45 CV"},
		{"more than one", "EUR", commission.Factor{Name: "cv_to_money", Num: 11, Den: 100_000}, "level 2: 5% × 40% × 1.10 EUR of 127.45 CV"},
		{"without an end", "EUR", commission.Factor{Name: "cv_to_money", Num: 1, Den: 30_000}, "level 2: 5% × 40% × 1/3 EUR of 127.45 CV"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rung := &commission.Rung{}
			rung.Level, rung.Factors = 2, []commission.Factor{
				{Name: "rate", Num: 1, Den: 20}, {Name: "commissionable", Num: 2, Den: 5}, c.worth,
			}
			if got := because(ladder, rung, c.currency); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
