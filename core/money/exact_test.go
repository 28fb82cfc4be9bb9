package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
)

// factor is one step of a chain of rates.
type factor struct{ num, den int64 }

func factors() *rapid.Generator[factor] {
	return rapid.Custom(func(t *rapid.T) factor {
		return factor{num: anyInt64().Draw(t, "num"), den: divisors().Draw(t, "den")}
	})
}

// multiply applies the factors in order.
func multiply(t *rapid.T, base int64, chain []factor) money.Exact {
	t.Helper()
	value := money.NewExact(base)
	for _, f := range chain {
		next, err := value.Mul(f.num, f.den)
		if err != nil {
			t.Fatalf("%s x %d/%d: %v", value, f.num, f.den, err)
		}
		value = next
	}
	return value
}

func TestExactIsARational(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := anyInt64().Draw(t, "base")
		chain := rapid.SliceOfN(factors(), 0, 7).Draw(t, "chain") // 8 factors of 63 bits stay within 512.
		want := new(big.Rat).SetInt64(base)
		for _, f := range chain {
			want.Mul(want, big.NewRat(f.num, f.den))
		}
		value := multiply(t, base, chain)
		if got := value.String(); got != want.RatString() {
			t.Fatalf("String = %s, want %s", got, want.RatString())
		}
		for _, mode := range modes {
			got, err := value.Round(mode)
			checkInt64(t, "Round "+mode.String(), got, err, roundRat(want, mode))
		}
		back, err := money.ParseExact(value.String())
		if err != nil || !back.Equal(value) {
			t.Fatalf("ParseExact(%q) = %s, %v", value, back, err)
		}
	})
}

func TestExactIgnoresOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := anyInt64().Draw(t, "base")
		chain := rapid.SliceOfN(factors(), 1, 7).Draw(t, "chain")
		shuffled := rapid.Permutation(chain).Draw(t, "shuffled")
		one, other := multiply(t, base, chain), multiply(t, base, shuffled)
		if !one.Equal(other) || one.String() != other.String() {
			t.Fatalf("%s in one order, %s in the other", one, other)
		}
	})
}

func TestExactMatchesMulDiv(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, f := anyInt64().Draw(t, "base"), factors().Draw(t, "factor")
		value := multiply(t, base, []factor{f})
		for _, mode := range modes {
			want, wantErr := money.MulDiv(base, f.num, f.den, mode)
			got, err := value.Round(mode)
			if got != want || !errors.Is(err, wantErr) {
				t.Fatalf("%s: Round = %d, %v; MulDiv = %d, %v", mode, got, err, want, wantErr)
			}
		}
	})
}

func TestExactText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"12", "12"},
		{"1234/100", "617/50"},
		{"-2/6", "-1/3"},
		{"24/2", "12"},
		{"0/7", "0"},
		{"340282366920938463463374607431768211455", "340282366920938463463374607431768211455"},
		{"1/340282366920938463463374607431768211457", "1/340282366920938463463374607431768211457"},
	} {
		got, err := money.ParseExact(tt.text)
		if err != nil || got.String() != tt.want {
			t.Errorf("ParseExact(%q) = %s, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}

func TestParseExactRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "-", "/", "1/", "/2", "1/0", "1/-2", "--1", "+1", "1.5", "1e3", " 1", "1/2/3", "0x1", "1_0", "１",
		strings.Repeat("1", 156), "1/" + strings.Repeat("1", 156), strings.Repeat("9", 155),
	} {
		got, err := money.ParseExact(text)
		var refused *money.ParseError
		if !errors.As(err, &refused) || len(refused.Text) > 67 {
			t.Errorf("ParseExact(%q) = %s, %v; want a *ParseError with short text", text, got, err)
		}
	}
}

func TestExactRoundAtTheLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		mode money.Rounding
		want int64
		err  error
	}{
		{"9223372036854775807", money.Up, math.MaxInt64, nil},
		{"9223372036854775808", money.Down, 0, money.ErrOverflow},
		{"-9223372036854775808", money.Up, math.MinInt64, nil},
		{"18446744073709551615/2", money.HalfEven, 0, money.ErrOverflow},
		{"18446744073709551615/2", money.HalfDown, math.MaxInt64, nil},
		{"-18446744073709551615/2", money.HalfEven, math.MinInt64, nil},
		{"36893488147419103231/2", money.Up, 0, money.ErrOverflow}, // 64 ones and a half must not wrap round to zero.
	} {
		value, err := money.ParseExact(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := value.Round(tt.mode); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s by %s = %d, %v; want %d, %v", tt.text, tt.mode, got, err, tt.want, tt.err)
		}
	}
}

func TestExactZeroValue(t *testing.T) {
	t.Parallel()
	var zero money.Exact
	product, err := zero.Mul(5, 3)
	if err != nil || !product.Equal(zero) || !zero.Equal(money.NewExact(0)) || zero.String() != "0" {
		t.Errorf("0 x 5/3 = %s, %v; want %s", product, err, zero)
	}
	if got, err := zero.Round(money.Up); err != nil || got != 0 {
		t.Errorf("Round = %d, %v; want 0", got, err)
	}
}

func TestExactErrors(t *testing.T) {
	t.Parallel()
	one := money.NewExact(1)
	for _, den := range []int64{0, -1, math.MinInt64} {
		if got, err := one.Mul(1, den); !errors.Is(err, money.ErrDivisor) {
			t.Errorf("1 x 1/%d = %s, %v; want ErrDivisor", den, got, err)
		}
	}
	if got, err := one.Round(7); !errors.Is(err, money.ErrRounding) {
		t.Errorf("Round by rule 7 = %d, %v; want ErrRounding", got, err)
	}
	wide, err := money.ParseExact(strings.Repeat("9", 100) + "/7")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := wide.Round(money.Down); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("Round of %s = %d, %v; want ErrOverflow", wide, got, err)
	}
	if one.Equal(money.NewExact(-1)) {
		t.Error("1 equals -1")
	}
}

// TestExactGrowthIsBounded: a chain that never ends is an error, not a number that eats the memory.
func TestExactGrowthIsBounded(t *testing.T) {
	t.Parallel()
	value := money.NewExact(math.MaxInt64)
	for step := 2; ; step++ {
		next, err := value.Mul(math.MaxInt64, 1)
		if step*63 > 512 {
			if !errors.Is(err, money.ErrOverflow) {
				t.Fatalf("step %d = %s, %v; want ErrOverflow", step, next, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		value = next
	}
}

// TestExactStepsDoNotShare: a value that two products start from keeps its own number.
func TestExactStepsDoNotShare(t *testing.T) {
	t.Parallel()
	base := money.NewExact(math.MaxInt64)
	for range 3 {
		base, _ = base.Mul(math.MaxInt64, 1)
	}
	before := base.String()
	first, err := base.Mul(2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := base.Mul(5, 7); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Mul(3, 2); err != nil {
		t.Fatal(err)
	}
	if base.String() != before {
		t.Errorf("the base became %s, want %s", base, before)
	}
}
