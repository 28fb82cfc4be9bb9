package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
)

// modes are all rounding rules.
var modes = []money.Rounding{
	money.HalfEven, money.HalfUp, money.HalfDown, money.Down, money.Up, money.Floor, money.Ceiling,
}

// anyInt64 draws small numbers, whole range numbers, and the edges where carries, signs and limits go wrong.
func anyInt64() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64Range(-20, 20),
		rapid.Int64Range(-1_000_000_000, 1_000_000_000),
		rapid.Int64(),
		rapid.SampledFrom([]int64{
			math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 1,
			1 << 32, 1<<32 - 1, -(1 << 32), 1 << 62, -(1 << 62), 1_000_000_000, 1_000_000_000_000_000_000,
		}),
	)
}

// divisors draws numbers above zero from the same ranges.
func divisors() *rapid.Generator[int64] {
	return anyInt64().Filter(func(v int64) bool { return v > 0 })
}

// roundRat is the oracle for rounding. It works on floor and fraction, where the code works on magnitude and sign.
func roundRat(value *big.Rat, mode money.Rounding) *big.Int {
	floor := new(big.Int).Div(value.Num(), value.Denom()) // Euclidean, and the denominator is positive: the floor.
	if value.IsInt() {
		return floor
	}
	ceiling := new(big.Int).Add(floor, big.NewInt(1))
	fraction := new(big.Rat).Sub(value, new(big.Rat).SetInt(floor))
	nearZero, farFromZero := floor, ceiling
	if value.Sign() < 0 {
		nearZero, farFromZero = ceiling, floor
	}
	tie := map[money.Rounding]*big.Int{money.HalfUp: farFromZero, money.HalfDown: nearZero, money.HalfEven: ceiling}
	if floor.Bit(0) == 0 {
		tie[money.HalfEven] = floor
	}
	switch mode {
	case money.Floor:
		return floor
	case money.Ceiling:
		return ceiling
	case money.Down:
		return nearZero
	case money.Up:
		return farFromZero
	}
	switch fraction.Cmp(big.NewRat(1, 2)) {
	case -1:
		return floor
	case 1:
		return ceiling
	default:
		return tie[mode]
	}
}

// checkInt64 compares a result and its error with the unbounded one.
func checkInt64(t *rapid.T, what string, got int64, err error, want *big.Int) {
	t.Helper()
	switch {
	case !want.IsInt64() && !errors.Is(err, money.ErrOverflow):
		t.Fatalf("%s = %d, %v; want ErrOverflow for %s", what, got, err, want)
	case want.IsInt64() && (err != nil || got != want.Int64()):
		t.Fatalf("%s = %d, %v; want %s", what, got, err, want)
	}
}

func TestMulDivIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyInt64().Draw(t, "a"), anyInt64().Draw(t, "b"), divisors().Draw(t, "c")
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(a), big.NewInt(b)), big.NewInt(c))
		for _, mode := range modes {
			got, err := money.MulDiv(a, b, c, mode)
			checkInt64(t, "MulDiv "+mode.String(), got, err, roundRat(exact, mode))
		}
	})
}

// TestRoundingNearTies aims at the halves, the thirds and all signs, which random numbers seldom hit.
func TestRoundingNearTies(t *testing.T) {
	t.Parallel()
	for a := int64(-24); a <= 24; a++ {
		for _, b := range []int64{-3, -1, 0, 1, 3} {
			for c := int64(1); c <= 8; c++ {
				exact := big.NewRat(a*b, c)
				for _, mode := range modes {
					want := roundRat(exact, mode).Int64()
					if got, err := money.MulDiv(a, b, c, mode); err != nil || got != want {
						t.Errorf("MulDiv(%d, %d, %d, %s) = %d, %v; want %d", a, b, c, mode, got, err, want)
					}
				}
			}
		}
	}
}

func TestMulDivIsMonotonic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(0, int64(money.One)).Draw(t, "rate")
		low, high := anyInt64().Draw(t, "low"), anyInt64().Draw(t, "high")
		low, high = min(low, high), max(low, high)
		for _, mode := range modes {
			less, err := money.Rate(rate).Of(low, mode)
			if err != nil {
				t.Fatal(err)
			}
			more, err := money.Rate(rate).Of(high, mode)
			if err != nil {
				t.Fatal(err)
			}
			if less > more {
				t.Fatalf("%s: rate of %d is %d, of %d is %d", mode, low, less, high, more)
			}
		}
	})
}

// TestReversalMirrors: what a refund takes back is what the sale gave, under every rule that knows no direction.
func TestReversalMirrors(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyInt64().Draw(t, "a"), anyInt64().Draw(t, "b"), divisors().Draw(t, "c")
		for _, mode := range []money.Rounding{money.HalfEven, money.HalfUp, money.HalfDown, money.Down, money.Up} {
			gave, err := money.MulDiv(a, b, c, mode)
			if err != nil || a == math.MinInt64 || gave == math.MinInt64 {
				continue // Nothing of that size has a negative.
			}
			if took, err := money.MulDiv(-a, b, c, mode); err != nil || took != -gave {
				t.Fatalf("%s: gave %d, took %d, %v", mode, gave, took, err)
			}
		}
	})
}

// TestRateMatchesDecimalLibrary compares with an independent decimal library where its 19 digits hold the exact product.
func TestRateMatchesDecimalLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range 100 {
			minor := rapid.Int64Range(-999_999_999, 999_999_999).Draw(t, "minor")
			rate := rapid.Int64Range(-999_999_999, int64(money.One)).Draw(t, "rate")
			product, err := decimal.MustNew(minor, 0).Mul(decimal.MustNew(rate, 9))
			if err != nil {
				t.Fatal(err)
			}
			want, _, _ := product.Round(0).Int64(0)
			if got, err := money.Rate(rate).Of(minor, money.HalfEven); err != nil || got != want {
				t.Fatalf("Rate(%d).Of(%d) = %d, %v; want %d", rate, minor, got, err, want)
			}
			exact, err := money.NewExact(minor).Mul(rate, int64(money.One))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := exact.Round(money.HalfEven); err != nil || got != want {
				t.Fatalf("Exact %s rounds to %d, %v; want %d", exact, got, err, want)
			}
		}
	})
}

func TestTextMatchesDecimalLibrary(t *testing.T) {
	t.Parallel()
	currencies := allCurrencies()
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom(currencies).Draw(t, "currency")
		text := rapid.StringMatching(`[+-]?[0-9]{1,15}(\.[0-9]{1,3})?`).Draw(t, "text")
		oracle, err := decimal.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := money.ParseMinor(text, currency)
		if oracle.MinScale() > currency.Exponent() {
			if err == nil {
				t.Fatalf("ParseMinor(%q, %s) = %d; want an error", text, currency, got)
			}
			return
		}
		back, buildErr := decimal.New(got, currency.Exponent())
		if err != nil || buildErr != nil || !back.Equal(oracle) {
			t.Fatalf("ParseMinor(%q, %s) = %d, %v; want %s", text, currency, got, err, oracle)
		}
		if written := money.FormatMinor(got, currency); written != back.String() {
			t.Fatalf("FormatMinor(%d, %s) = %q, want %q", got, currency, written, back)
		}
	})
}

func TestTextRoundTrips(t *testing.T) {
	t.Parallel()
	currencies := allCurrencies()
	rapid.Check(t, func(t *rapid.T) {
		v := anyInt64().Draw(t, "value")
		for _, c := range currencies {
			text := money.FormatMinor(v, c)
			if got, err := money.ParseMinor(text, c); err != nil || got != v {
				t.Fatalf("ParseMinor(%q, %s) = %d, %v; want %d", text, c, got, err, v)
			}
		}
		if got, err := money.ParseRate(money.Rate(v).String()); err != nil || got != money.Rate(v) {
			t.Fatalf("ParseRate(%q) = %d, %v; want %d", money.Rate(v), int64(got), err, v)
		}
		if got, err := money.ParseVolume(money.Volume(v).String()); err != nil || got != money.Volume(v) {
			t.Fatalf("ParseVolume(%q) = %d, %v; want %d", money.Volume(v), int64(got), err, v)
		}
	})
}
