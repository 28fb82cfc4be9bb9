package money

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// words draws 64-bit words with the edges where carries and normalisation go wrong.
func words() *rapid.Generator[uint64] {
	return rapid.OneOf(
		rapid.Uint64(),
		rapid.SampledFrom([]uint64{0, 1, 2, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 2, 1<<64 - 1, 1 << 32}),
	)
}

func uint128s() *rapid.Generator[uint128] {
	return rapid.Custom(func(t *rapid.T) uint128 { return uint128{words().Draw(t, "high"), words().Draw(t, "low")} })
}

func TestUint128IsBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range 50 {
			u, v, m := uint128s().Draw(t, "u"), uint128s().Draw(t, "v"), words().Draw(t, "m")
			if back, ok := toUint128(u.big()); !ok || back != u {
				t.Fatalf("%v comes back as %v, %v", u, back, ok)
			}
			if got, want := u.compare(v), u.big().Cmp(v.big()); got != want {
				t.Fatalf("compare = %d, want %d", got, want)
			}
			wantProduct := new(big.Int).Mul(u.big(), new(big.Int).SetUint64(m))
			product, ok := u.mul(m)
			if ok != (wantProduct.BitLen() <= 128) || ok && product.big().Cmp(wantProduct) != 0 {
				t.Fatalf("mul = %s, %v; want %s", product.big(), ok, wantProduct)
			}
			if u.compare(v) >= 0 && u.sub(v).add(v) != u {
				t.Fatalf("(u - v) + v = %v, want %v", u.sub(v).add(v), u)
			}
			checkDiv(t, u, v)
		}
	})
}

func checkDiv(t *rapid.T, u, v uint128) {
	t.Helper()
	if v.isZero() {
		return
	}
	wantQuotient, wantRemainder := new(big.Int).QuoRem(u.big(), v.big(), new(big.Int))
	quotient, remainder, ok := u.div(v)
	if ok != wantQuotient.IsUint64() {
		t.Fatalf("%v / %v: ok = %v for quotient %s", u, v, ok, wantQuotient)
	}
	if ok && (quotient != wantQuotient.Uint64() || remainder.big().Cmp(wantRemainder) != 0) {
		t.Fatalf("%v / %v = %d rest %s; want %s rest %s", u, v, quotient, remainder.big(), wantQuotient, wantRemainder)
	}
}

// TestDivNearMultiples aims at quotients that the estimate misses by one.
func TestDivNearMultiples(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range 50 {
			v, q := uint128s().Draw(t, "v"), words().Draw(t, "q")
			product, ok := v.mul(q)
			if !ok {
				continue
			}
			checkDiv(t, product, v)
			if !product.isZero() {
				checkDiv(t, product.sub(uint128{low: 1}), v)
			}
		}
	})
}
