package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
)

func TestCheckedArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyInt64().Draw(t, "a"), anyInt64().Draw(t, "b")
		x, y := big.NewInt(a), big.NewInt(b)
		got, err := money.Add(a, b)
		checkInt64(t, "Add", got, err, new(big.Int).Add(x, y))
		got, err = money.Sub(a, b)
		checkInt64(t, "Sub", got, err, new(big.Int).Sub(x, y))
		got, err = money.Mul(a, b)
		checkInt64(t, "Mul", got, err, new(big.Int).Mul(x, y))
	})
}

func TestArithmeticAtTheLimits(t *testing.T) {
	t.Parallel()
	const lowest, highest, third = math.MinInt64, math.MaxInt64, 6_148_914_691_236_517_205
	for _, tt := range []struct {
		name string
		got  func() (int64, error)
		want int64
		err  error
	}{
		{"highest + 0", func() (int64, error) { return money.Add(highest, 0) }, highest, nil},
		{"highest + 1", func() (int64, error) { return money.Add(highest, 1) }, 0, money.ErrOverflow},
		{"lowest + -1", func() (int64, error) { return money.Add(lowest, -1) }, 0, money.ErrOverflow},
		{"lowest + lowest", func() (int64, error) { return money.Add(lowest, lowest) }, 0, money.ErrOverflow},
		{"lowest - 0", func() (int64, error) { return money.Sub(lowest, 0) }, lowest, nil},
		{"lowest - lowest", func() (int64, error) { return money.Sub(lowest, lowest) }, 0, nil},
		{"0 - lowest", func() (int64, error) { return money.Sub(0, lowest) }, 0, money.ErrOverflow},
		{"-1 - lowest", func() (int64, error) { return money.Sub(-1, lowest) }, highest, nil},
		{"lowest x -1", func() (int64, error) { return money.Mul(lowest, -1) }, 0, money.ErrOverflow},
		{"lowest x 1", func() (int64, error) { return money.Mul(lowest, 1) }, lowest, nil},
		{"sum of nothing", func() (int64, error) { return money.Sum() }, 0, nil},
		{"sum that dips over", func() (int64, error) { return money.Sum(highest, highest, lowest, lowest, 2) }, 0, nil},
		{"sum above", func() (int64, error) { return money.Sum(highest, 1) }, 0, money.ErrOverflow},
		{"sum below", func() (int64, error) { return money.Sum(lowest, -1) }, 0, money.ErrOverflow},
		{"divide by zero", func() (int64, error) { return money.MulDiv(1, 1, 0, money.HalfEven) }, 0, money.ErrDivisor},
		{"divide by less", func() (int64, error) { return money.MulDiv(1, 1, -1, money.HalfEven) }, 0, money.ErrDivisor},
		{"no such rule", func() (int64, error) { return money.MulDiv(1, 1, 1, 7) }, 0, money.ErrRounding},
		{"one too high", func() (int64, error) { return money.MulDiv(lowest, -1, 1, money.Down) }, 0, money.ErrOverflow},
		// 3 x third is 2^64 - 1, so half of it lies between the highest int64 and 2^63, which only a negative can be.
		{"rounded over", func() (int64, error) { return money.MulDiv(3, third, 2, money.HalfEven) }, 0, money.ErrOverflow},
		{"not rounded over", func() (int64, error) { return money.MulDiv(3, third, 2, money.Down) }, highest, nil},
		{"rounded to lowest", func() (int64, error) { return money.MulDiv(-3, third, 2, money.HalfEven) }, lowest, nil},
		// The product is 2^65 - 1: a quotient of 64 ones that must not round up to zero.
		{"no wrap to zero", func() (int64, error) { return money.MulDiv(253_921, 145_295_143_558_111, 2, money.Up) }, 0, money.ErrOverflow},
	} {
		got, err := tt.got()
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s = %d, %v; want %d, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestSumIgnoresOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(anyInt64(), 0, 20).Draw(t, "values")
		want := new(big.Int)
		for _, v := range values {
			want.Add(want, big.NewInt(v))
		}
		got, err := money.Sum(values...)
		checkInt64(t, "Sum", got, err, want)
		shuffled := rapid.Permutation(values).Draw(t, "shuffled")
		got, err = money.Sum(shuffled...)
		checkInt64(t, "Sum of shuffled", got, err, want)
	})
}
