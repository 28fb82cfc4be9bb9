package money_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"upline.dev/upline/core/money"
)

func TestMultiplierIsMulDiv(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		num := rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, 100)).Draw(t, "num")
		den := rapid.OneOf(rapid.Int64Range(1, math.MaxInt64), rapid.Int64Range(1, 40), rapid.Just(int64(200_000))).Draw(t, "den")
		mode := money.Rounding(rapid.Uint8Range(0, uint8(money.Ceiling)).Draw(t, "mode"))
		m, err := money.NewMultiplier(num, den, mode)
		if err != nil {
			t.Fatal(err)
		}
		near := int64(0) // where the short way ends
		if num > 0 {
			near = int64(min(uint64(math.MaxUint64)/uint64(den)/uint64(num), math.MaxInt64-8))
		}
		bases := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-50, 1000), rapid.Int64Range(max(near-8, 0), near+8))
		for range 20 {
			base := bases.Draw(t, "base")
			want, wantErr := money.MulDiv(base, num, den, mode)
			if got, err := m.Of(base); got != want || !errors.Is(err, wantErr) {
				t.Fatalf("%d x %d / %d by %s is %d, %v; want %d, %v", base, num, den, mode, got, err, want, wantErr)
			}
		}
	})
}

func TestMultiplierRefuses(t *testing.T) {
	t.Parallel()
	if _, err := money.NewMultiplier(1, 0, money.HalfEven); !errors.Is(err, money.ErrDivisor) {
		t.Errorf("divisor 0: %v", err)
	}
	if _, err := money.NewMultiplier(1, 1, money.Ceiling+1); !errors.Is(err, money.ErrRounding) {
		t.Errorf("unknown rounding: %v", err)
	}
}
