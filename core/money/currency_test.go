package money_test

import (
	"encoding/csv"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/money"
)

// withdrawn are the codes kept readable after they left ISO 4217 list one.
var withdrawn = map[string]int{"ANG": 2, "BGN": 2}

// allCurrencies finds every accepted code by trying them all, so that no second list can drift from the table.
func allCurrencies() []money.Currency {
	var found []money.Currency
	for i := range 26 * 26 * 26 {
		c := money.Currency([]byte{'A' + byte(i/676), 'A' + byte(i/26%26), 'A' + byte(i%26)})
		if c.Valid() {
			found = append(found, c)
		}
	}
	return found
}

func TestCurrencyTableIsListOne(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/iso4217-2026-02-01.csv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[money.Currency]int)
	for code, decimals := range withdrawn {
		want[money.Currency(code)] = decimals
	}
	for _, row := range rows[1:] {
		if decimals, err := strconv.Atoi(row[1]); err == nil && decimals <= 3 {
			want[money.Currency(row[0])] = decimals
		} else if got, err := money.ParseCurrency(row[0]); err == nil {
			t.Errorf("ParseCurrency(%q) = %q although it has %q decimals", row[0], got, row[1])
		}
	}
	got := make(map[money.Currency]int)
	for _, c := range allCurrencies() {
		got[c] = c.Exponent()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table differs from list one (-want +got):\n%s", diff)
	}
}

func TestParseCurrencyRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ code, want string }{
		{"", `money: unknown currency "": name the currency, such as "EUR"`},
		{"eur", `money: unknown currency "eur": write it in upper case, "EUR"`},
		{"clf", `money: unknown currency "clf": use an active ISO 4217 code of three capital letters, such as "EUR"`},
		{"CLF", `money: unknown currency "CLF": its unit of account has four decimals; use the currency that is paid out (CLP, UYU)`},
		{"XAU", `money: unknown currency "XAU": this ISO 4217 code has no minor unit and cannot be paid out; use a national currency`},
		{"XXX", `money: unknown currency "XXX": this ISO 4217 code has no minor unit and cannot be paid out; use a national currency`},
		{"EUR ", `money: unknown currency "EUR ": use an active ISO 4217 code of three capital letters, such as "EUR"`},
		{"HRK", `money: unknown currency "HRK": use an active ISO 4217 code of three capital letters, such as "EUR"`},
		{"\n", `money: unknown currency "\n": use an active ISO 4217 code of three capital letters, such as "EUR"`},
		{strings.Repeat("a", 65), `money: unknown currency "` + strings.Repeat("a", 64) +
			`...": use an active ISO 4217 code of three capital letters, such as "EUR"`},
	} {
		got, err := money.ParseCurrency(tt.code)
		var unknown *money.CurrencyError
		if got != "" || !errors.As(err, &unknown) || err.Error() != tt.want {
			t.Errorf("ParseCurrency(%q) = %q, %v; want %s", tt.code, got, err, tt.want)
		}
	}
}

func TestUnknownCurrencyHasNoExponent(t *testing.T) {
	t.Parallel()
	for _, c := range []money.Currency{"", "eur", "CLF", "UYW", "XAU", "XXX", "ZZZ"} {
		if c.Exponent() != -1 || c.Valid() {
			t.Errorf("%q: Exponent = %d, Valid = %v; want -1, false", c, c.Exponent(), c.Valid())
		}
		var unknown *money.CurrencyError
		if got, err := money.ParseMinor("1", c); !errors.As(err, &unknown) {
			t.Errorf("ParseMinor(1, %q) = %d, %v; want a *CurrencyError", c, got, err)
		}
	}
}
