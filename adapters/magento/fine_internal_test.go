package magento

import (
	"fmt"
	"testing"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/money"
)

func TestParseFine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text         string
		strict, dust string // what is read, "" refused
	}{
		{"", "0", "0"},
		{"0", "0", "0"},
		{"12.5", "125000", "125000"},
		{"-2.9568", "-29568", "-29568"},
		{"007.10", "71000", "71000"},
		{"99999999999999.9999", "999999999999999999", "999999999999999999"},
		{"100000000000000", "", ""},
		{"12.34565", "", "123456"},
		{"12.34575", "", "123458"},
		{"12.345650001", "", "123457"},
		{"12.340000000000002", "", "123400"},
		{"3.5e-15", "", "0"},
		{"-3.5E-15", "", "0"},
		{"3e-5", "", "0"},
		{"3e-4", "", ""},
		{"35e-15", "", ""},
		{"1e2", "", ""},
		{"1e400", "", ""},
		{"1e-", "", ""},
		{"e-9", "", ""},
		{"x1e-9", "", ""},
		{"1e-99999999999999999999", "", ""},
		{".5", "", ""},
		{"5.", "", ""},
		{"1.2.3", "", ""},
		{"1,5", "", ""},
		{" 1", "", ""},
		{"+1", "", ""},
		{"--1", "", ""},
		{"-", "", ""},
		{"NaN", "", ""},
		{"１", "", ""},
	} {
		for dust, want := range map[bool]string{false: c.strict, true: c.dust} {
			got, err := parseFine(wire.Amount(c.text), dust)
			if text := fmt.Sprint(int64(got)); err == nil && text != want || err != nil && want != "" {
				t.Errorf("%q, dust %v: %s, %v; want %q", c.text, dust, text, err, want)
			}
		}
	}
}

// TestParseFineOracle holds rounding at four places against another decimal library.
func TestParseFineOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,9})?`).Draw(t, "text")
		got, err := parseFine(wire.Amount(text), true)
		want, oracleErr := decimal.Parse(text)
		if err != nil || oracleErr != nil {
			t.Fatalf("%v, %v", err, oracleErr)
		}
		whole, fraction, _ := want.Round(4).Int64(4)
		if int64(got) != whole*fineOne+fraction {
			t.Fatalf("%s is %d, the other library says %d and %d", text, got, whole, fraction)
		}
	})
}

// TestApportion: parts sum to the rounded whole, and none is a minor unit or more away from its own amount.
func TestApportion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, 1_000_000), func(v int64) fine { return fine(v) }), 0, 12).Draw(t, "amounts")
		currency := rapid.SampledFrom([]money.Currency{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		parts, err := apportion(amounts, currency)
		if err != nil {
			t.Fatal(err)
		}
		var whole fine
		var total int64
		for i, amount := range amounts {
			whole += amount
			total += parts[i]
			own, _ := amount.minor(currency)
			if d := parts[i] - own; d < -1 || d > 1 {
				t.Fatalf("%d of %d came to %d", i, amount, parts[i])
			}
		}
		if want, _ := whole.minor(currency); total != want {
			t.Fatalf("%v sum to %d, want %d", parts, total, want)
		}
	})
}
