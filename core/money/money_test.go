package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/money"
)

func TestParseMinor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text     string
		currency money.Currency
		want     int64
	}{
		{"75.00", "USD", 7500},
		{"0.0", "USD", 0},
		{"10", "EUR", 1000},
		{"-3.5", "EUR", -350},
		{"+1", "EUR", 100},
		{"-0", "EUR", 0},
		{"10.500", "USD", 1050},
		{"10.0000", "JPY", 10},
		{"1200", "JPY", 1200},
		{"1.234", "KWD", 1234},
		{"007.1", "EUR", 710},
		{"92233720368547758.07", "USD", math.MaxInt64},
		{"-92233720368547758.08", "USD", math.MinInt64},
		{"-9223372036854775808", "JPY", math.MinInt64},
		{"0000000000000000000000000000000000000000000000000000000000001.23", "USD", 123},
	} {
		got, err := money.ParseMinor(tt.text, tt.currency)
		if err != nil || got != tt.want {
			t.Errorf("ParseMinor(%q, %s) = %d, %v; want %d", tt.text, tt.currency, got, err, tt.want)
		}
	}
}

func TestParseMinorRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text     string
		currency money.Currency
		want     string
	}{
		{"", "USD", "it has no digits"},
		{"-", "USD", "it has no digits"},
		{".5", "USD", "a digit is missing before or after the decimal point"},
		{"5.", "USD", "a digit is missing before or after the decimal point"},
		{".", "USD", "a digit is missing before or after the decimal point"},
		{"1.2.3", "USD", "it has more than one decimal point"},
		{"1,234.50", "USD", "it has a thousands separator or a decimal comma; write digits and one decimal point"},
		{"1_000", "USD", "it has a thousands separator or a decimal comma; write digits and one decimal point"},
		{" 1", "USD", "it contains a blank"},
		{"1\n", "USD", "it contains a blank"},
		{"1e3", "USD", "it has an exponent; write all digits"},
		{"NaN", "USD", "it contains something other than digits, a leading sign and one decimal point"},
		{"Inf", "USD", "it contains something other than digits, a leading sign and one decimal point"},
		{"0x10", "USD", "it contains something other than digits, a leading sign and one decimal point"},
		{"--1", "USD", "it contains something other than digits, a leading sign and one decimal point"},
		{"１", "USD", "it contains something other than digits, a leading sign and one decimal point"},
		{"10.505", "USD", "it has more than 2 decimals"},
		{"10.0050", "USD", "it has more than 2 decimals"},
		{"0.5", "JPY", "it has more than 0 decimals"},
		{"1.2345", "KWD", "it has more than 3 decimals"},
		{"92233720368547758.08", "USD", "it is too large for 64 bits of its smallest unit"},
		{"-92233720368547758.09", "USD", "it is too large for 64 bits of its smallest unit"},
		{"922337203685477581", "USD", "it is too large for 64 bits of its smallest unit"},
		{"18446744073709551617", "JPY", "it is too large for 64 bits of its smallest unit"},
		{"18446744073709551621", "JPY", "it is too large for 64 bits of its smallest unit"},
		{"18446744073709551621.00", "USD", "it is too large for 64 bits of its smallest unit"},
		{"184467440737095517", "USD", "it is too large for 64 bits of its smallest unit"},
		{"1844674407370955162", "USD", "it is too large for 64 bits of its smallest unit"},
		{"99999999999999999999", "JPY", "it is too large for 64 bits of its smallest unit"},
	} {
		got, err := money.ParseMinor(tt.text, tt.currency)
		var refused *money.ParseError
		if !errors.As(err, &refused) {
			t.Errorf("ParseMinor(%q, %s) = %d, %v; want a *ParseError", tt.text, tt.currency, got, err)
			continue
		}
		if diff := cmp.Diff(money.ParseError{Text: tt.text, Reason: tt.want}, *refused); diff != "" {
			t.Errorf("ParseMinor(%q, %s) error (-want +got):\n%s", tt.text, tt.currency, diff)
		}
	}
}

func TestFormatMinor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		minor    int64
		currency money.Currency
		want     string
	}{
		{-5, "USD", "-0.05"},
		{0, "USD", "0.00"},
		{1234, "EUR", "12.34"},
		{1200, "JPY", "1200"},
		{1234, "KWD", "1.234"},
		{-1, "KWD", "-0.001"},
		{math.MinInt64, "USD", "-92233720368547758.08"},
		{math.MinInt64, "JPY", "-9223372036854775808"},
		{math.MaxInt64, "KWD", "9223372036854775.807"},
		{1234, "", "1234 minor units"},
		{-7, "eur", "-7 minor units"},
	} {
		if got := money.FormatMinor(tt.minor, tt.currency); got != tt.want {
			t.Errorf("FormatMinor(%d, %q) = %q, want %q", tt.minor, tt.currency, got, tt.want)
		}
	}
}

func TestAmountJSON(t *testing.T) {
	t.Parallel()
	want := money.Amount{Minor: 1234, Currency: "EUR"}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"amount":"12.34","currency":"EUR"}`, string(text)); diff != "" {
		t.Errorf("Marshal (-want +got):\n%s", diff)
	}
	var got money.Amount
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("Unmarshal(%s) = %v, %v; want %v", text, got, err, want)
	}
}

func TestMulDiv(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b, c int64
		mode    money.Rounding
		want    int64
	}{
		{5, 1, 2, money.HalfEven, 2},
		{7, 1, 2, money.HalfEven, 4},
		{-5, 1, 2, money.HalfEven, -2},
		{5, 1, 2, money.HalfUp, 3},
		{-5, 1, 2, money.HalfUp, -3},
		{5, 1, 2, money.HalfDown, 2},
		{-5, -1, 2, money.Up, 3},
		{-5, 1, 3, money.Floor, -2},
		{-5, 1, 3, money.Ceiling, -1},
		{5, 1, 3, money.Down, 1},
		{math.MinInt64, 1, 1, money.HalfEven, math.MinInt64},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64, money.HalfEven, math.MaxInt64},
		{math.MinInt64, math.MaxInt64, math.MaxInt64, money.Up, math.MinInt64},
	} {
		got, err := money.MulDiv(tt.a, tt.b, tt.c, tt.mode)
		if err != nil || got != tt.want {
			t.Errorf("MulDiv(%d, %d, %d, %s) = %d, %v; want %d", tt.a, tt.b, tt.c, tt.mode, got, err, tt.want)
		}
	}
}

func TestAllocate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		total   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{5, []int64{0, 1, 1}, []int64{0, 3, 2}},
		{10, []int64{1, 2, 4}, []int64{1, 3, 6}},
		{0, []int64{0, 0}, []int64{0, 0}},
		{0, nil, []int64{}},
		{math.MinInt64, []int64{math.MaxInt64, math.MaxInt64}, []int64{math.MinInt64 / 2, math.MinInt64 / 2}},
		{math.MinInt64, []int64{0, 3}, []int64{0, math.MinInt64}},
	} {
		got, err := money.Allocate(tt.total, tt.weights)
		if err != nil {
			t.Errorf("Allocate(%d, %v): %v", tt.total, tt.weights, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Allocate(%d, %v) (-want +got):\n%s", tt.total, tt.weights, diff)
		}
	}
}
