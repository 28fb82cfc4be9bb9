package money

import (
	"math/big"
	"math/bits"
)

// uint128 is an unsigned number of 128 bits: high x 2^64 + low.
type uint128 struct{ high, low uint64 }

func (u uint128) isZero() bool { return u.high|u.low == 0 }

// compare is -1, 0 or 1 as u is below, equal to or above v.
func (u uint128) compare(v uint128) int {
	switch {
	case u == v:
		return 0
	case u.high < v.high || u.high == v.high && u.low < v.low:
		return -1
	default:
		return 1
	}
}

// add is u + v; callers know that it fits.
func (u uint128) add(v uint128) uint128 {
	low, carry := bits.Add64(u.low, v.low, 0)
	high, _ := bits.Add64(u.high, v.high, carry)
	return uint128{high, low}
}

// sub is u - v for v <= u.
func (u uint128) sub(v uint128) uint128 {
	low, borrow := bits.Sub64(u.low, v.low, 0)
	high, _ := bits.Sub64(u.high, v.high, borrow)
	return uint128{high, low}
}

// mul is u x m; ok is false when the product needs more than 128 bits.
func (u uint128) mul(m uint64) (product uint128, ok bool) {
	carry, low := bits.Mul64(u.low, m)
	excess, high := bits.Mul64(u.high, m)
	high, overflow := bits.Add64(high, carry, 0)
	return uint128{high, low}, excess|overflow == 0
}

// div is u / v with its remainder, for v above zero; ok is false when the quotient needs more than 64 bits.
func (u uint128) div(v uint128) (quotient uint64, remainder uint128, ok bool) {
	if v.high == 0 {
		if u.high >= v.low {
			return 0, uint128{}, false
		}
		quotient, remainder.low = divide(u.high, u.low, v.low)
		return quotient, remainder, true
	}
	// Divide by the top 64 bits of v, which gives the quotient or one more than it (Hacker's Delight, 9-5); start one
	// lower, so that the remainder cannot go below zero, and step up where that was too low.
	shift := uint(bits.LeadingZeros64(v.high))
	top := v.high<<shift | v.low>>(64-shift)
	quotient, _ = bits.Div64(u.high>>1, u.high<<63|u.low>>1, top)
	quotient >>= 63 - shift
	if quotient > 0 {
		quotient--
	}
	product, _ := v.mul(quotient)
	remainder = u.sub(product)
	if remainder.compare(v) >= 0 {
		quotient++
		remainder = remainder.sub(v)
	}
	return quotient, remainder, true
}

// big is u as a big.Int.
func (u uint128) big() *big.Int {
	v := new(big.Int).SetUint64(u.high)
	return v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(u.low))
}

// toUint128 is |v|; ok is false when it needs more than 128 bits.
func toUint128(v *big.Int) (u uint128, ok bool) {
	if v.BitLen() > 128 {
		return uint128{}, false
	}
	var buf [16]byte
	v.FillBytes(buf[:])
	for i := range 8 {
		u.high = u.high<<8 | uint64(buf[i])
		u.low = u.low<<8 | uint64(buf[i+8])
	}
	return u, true
}
