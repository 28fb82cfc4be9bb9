package money

import (
	"cmp"
	"errors"
	"math/bits"
)

// ErrOverflow is returned when an exact result does not fit its type.
var ErrOverflow = errors.New("money: the result is too large")

// ErrDivisor is returned for a divisor or denominator of zero or less.
var ErrDivisor = errors.New("money: the divisor must be above zero")

// MulDiv is a x b / c, computed exactly on 128 bits and rounded once by mode. c must be above zero (ErrDivisor); a
// result outside int64 is ErrOverflow.
func MulDiv(a, b, c int64, mode Rounding) (int64, error) {
	if c <= 0 {
		return 0, ErrDivisor
	}
	if mode > Ceiling {
		return 0, ErrRounding
	}
	divisor := uint64(c)
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if high >= divisor {
		return 0, ErrOverflow // The quotient alone would need more than 64 bits.
	}
	quotient, remainder := divide(high, low, divisor)
	if quotient > 1<<63 {
		return 0, ErrOverflow // Also keeps the step below from wrapping round to zero.
	}
	negative := a^b < 0
	if remainder != 0 && mode.away(negative, quotient&1 == 1, cmp.Compare(remainder, divisor-remainder)) {
		quotient++
	}
	return signedOrOverflow(quotient, negative)
}

// divide is high:low / divisor for high below divisor. A hardware division of 128 bits costs several times one of 64,
// that costs several times a multiplication, and nearly every divisor is One: a constant, which becomes one.
func divide(high, low, divisor uint64) (quotient, remainder uint64) {
	switch {
	case high != 0:
		return bits.Div64(high, low, divisor)
	case divisor == uint64(One):
		quotient = low / uint64(One)
	default:
		quotient = low / divisor
	}
	return quotient, low - quotient*divisor
}

// magnitude is |v|, which fits uint64 even for the lowest int64.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// signed puts the sign back; ok is false when the value does not fit int64.
func signed(size uint64, negative bool) (value int64, ok bool) {
	if negative {
		return -int64(size), size <= 1<<63
	}
	return int64(size), size <= maxInt64
}

func signedOrOverflow(size uint64, negative bool) (int64, error) {
	value, ok := signed(size, negative)
	if !ok {
		return 0, ErrOverflow
	}
	return value, nil
}

// Add is a + b, or ErrOverflow.
func Add(a, b int64) (int64, error) {
	sum := a + b
	if (sum > a) != (b > 0) {
		return 0, ErrOverflow
	}
	return sum, nil
}

// Sub is a - b, or ErrOverflow.
func Sub(a, b int64) (int64, error) {
	difference := a - b
	if (difference < a) != (b > 0) {
		return 0, ErrOverflow
	}
	return difference, nil
}

// Mul is a x b, or ErrOverflow.
func Mul(a, b int64) (int64, error) {
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if high != 0 {
		return 0, ErrOverflow
	}
	return signedOrOverflow(low, (a < 0) != (b < 0))
}

// Sum adds all values on 128 bits, so that only the sum has to fit and the order never decides between a result and
// ErrOverflow.
func Sum(vs ...int64) (int64, error) {
	var high int64
	var low uint64
	for _, v := range vs {
		var carry uint64
		low, carry = bits.Add64(low, uint64(v), 0)
		high += v>>63 + int64(carry)
	}
	sum := int64(low)
	if high != sum>>63 {
		return 0, ErrOverflow
	}
	return sum, nil
}
