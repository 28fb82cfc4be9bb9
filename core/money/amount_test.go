package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/money"
)

func TestAmountString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		amount money.Amount
		want   string
	}{
		{money.Amount{Minor: 1234, Currency: "EUR"}, "12.34 EUR"},
		{money.Amount{Minor: -1, Currency: "JPY"}, "-1 JPY"},
		{money.Amount{Minor: math.MinInt64, Currency: "KWD"}, "-9223372036854775.808 KWD"},
		{money.Amount{Minor: 5}, `5 minor units of unknown currency ""`},
		{money.Amount{Minor: 5, Currency: "e\n"}, `5 minor units of unknown currency "e\n"`},
	} {
		if got := tt.amount.String(); got != tt.want {
			t.Errorf("String = %q, want %q", got, tt.want)
		}
	}
}

func TestAmountAdd(t *testing.T) {
	t.Parallel()
	one := money.Amount{Minor: 100, Currency: "EUR"}
	got, err := one.Add(money.Amount{Minor: -250, Currency: "EUR"})
	if want := (money.Amount{Minor: -150, Currency: "EUR"}); err != nil || got != want {
		t.Errorf("Add = %v, %v; want %v", got, err, want)
	}
	if got, err := one.Add(money.Amount{Minor: 1, Currency: "USD"}); !errors.Is(err, money.ErrCurrencyMismatch) {
		t.Errorf("EUR + USD = %v, %v; want ErrCurrencyMismatch", got, err)
	}
	if got, err := one.Add(money.Amount{Minor: math.MaxInt64, Currency: "EUR"}); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("1.00 + highest = %v, %v; want ErrOverflow", got, err)
	}
	var unknown *money.CurrencyError
	if got, err := (money.Amount{}).Add(money.Amount{}); !errors.As(err, &unknown) {
		t.Errorf("no currency + no currency = %v, %v; want a *CurrencyError", got, err)
	}
}

func TestAmountMarshalRefusesUnknownCurrency(t *testing.T) {
	t.Parallel()
	var unknown *money.CurrencyError
	if text, err := json.Marshal(money.Amount{Minor: 1}); !errors.As(err, &unknown) {
		t.Errorf("Marshal = %s, %v; want a *CurrencyError", text, err)
	}
}

func TestAmountUnmarshal(t *testing.T) {
	t.Parallel()
	want := money.Amount{Minor: -50, Currency: "USD"}
	for _, text := range []string{
		`{"amount":"-0.5","currency":"USD"}`,
		` { "currency" : "USD" , "amount" : "-0.50" } `,
		`{"amount":"-0.\u0035","currency":"USD"}`,
	} {
		var got money.Amount
		if err := got.UnmarshalJSON([]byte(text)); err != nil || got != want {
			t.Errorf("UnmarshalJSON(%s) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestAmountUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{`{"amount":12.34,"currency":"EUR"}`, `member "amount" must be a string`},
		{`{"amount":null,"currency":"EUR"}`, `member "amount" must be a string`},
		{`{"amount":{"amount":"1"},"currency":"EUR"}`, `member "amount" must be a string`},
		{`{"amount":"1","amount":"2","currency":"EUR"}`, `member "amount" is given twice`},
		{`{"AMOUNT":"1","currency":"EUR"}`, `unknown member "AMOUNT"`},
		{`{"amount":"1","currency":"EUR","tax":"1"}`, `unknown member "tax"`},
		{`{"amount":"1"}`, `name the currency`},
		{`{"currency":"EUR"}`, `it has no digits`},
		{`{"amount":"1","currency":"eur"}`, `write it in upper case`},
		{`{"amount":"1.005","currency":"EUR"}`, `it has more than 2 decimals`},
		{`null`, `want {"amount":"12.34","currency":"EUR"}`},
		{`"12.34 EUR"`, `want {"amount":"12.34","currency":"EUR"}`},
		{`[]`, `want {"amount":"12.34","currency":"EUR"}`},
		{``, `want {"amount":"12.34","currency":"EUR"}`},
		{`{"amount":"1","currency":"EUR"`, `end of object`},
		{`{"amount"`, `member value`},
		{`{1:2}`, `member name`},
		{`{"amount":"1","currency":"EUR"} {}`, `more text after the object`},
		{`{"amount":"1","currency":"EUR"}]`, `more text after the object`},
	} {
		before := money.Amount{Minor: 7, Currency: "SEK"}
		got := before
		if err := got.UnmarshalJSON([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("UnmarshalJSON(%s) = %v, %v; want an error with %q", tt.text, got, err, tt.want)
		}
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("UnmarshalJSON(%s) changed the amount (-before +after):\n%s", tt.text, diff)
		}
	}
}

func TestNullIsNotAnAmount(t *testing.T) {
	t.Parallel()
	var got struct{ Price money.Amount }
	if err := json.Unmarshal([]byte(`{"Price":null}`), &got); err == nil {
		t.Errorf("Unmarshal of null = %v, want an error", got)
	}
}

func TestRateLengthCountsThePercentSign(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0", 59) + "5 %"
	if got, err := money.ParseRate("00" + text); err != nil || got != 50_000_000 {
		t.Errorf("ParseRate of 64 bytes = %s, %v; want 5%%", got, err)
	}
	if got, err := money.ParseRate("000" + text); err == nil {
		t.Errorf("ParseRate of 65 bytes = %s, want an error", got)
	}
}

func TestLongTextIsRefusedAndCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("1", 65)
	want := `money: cannot read "` + strings.Repeat("1", 64) + `...": it is longer than 64 bytes`
	for name, parse := range map[string]func(string) error{
		"ParseMinor":  func(s string) error { _, err := money.ParseMinor(s, "USD"); return err },
		"ParseRate":   func(s string) error { _, err := money.ParseRate(s); return err },
		"ParseVolume": func(s string) error { _, err := money.ParseVolume(s); return err },
	} {
		if err := parse(long); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
		if err := parse(long[:64]); err == nil || strings.Contains(err.Error(), "longer") {
			t.Errorf("%s of 64 digits: error %v, want an overflow", name, err)
		}
	}
}
