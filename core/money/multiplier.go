package money

import "math/bits"

// Multiplier is MulDiv for many values by one fraction: base x num / den, rounded once. What the fraction has to do with
// division is done beforehand, so that a value costs two multiplications and no division, nor a branch that nobody could
// predict. The zero value is not one; NewMultiplier makes it.
type Multiplier struct {
	num, den   int64
	mode       Rounding
	most       int64  // up to here the short way is exact; -1: nowhere
	bias       uint64 // what rounding is before cutting off
	ties       bool   // a value in the middle may go down
	reciprocal uint64 // 2^64 / den, rounded up
}

// NewMultiplier prepares num / den. den must be above zero (ErrDivisor), mode a named rule (ErrRounding).
func NewMultiplier(num, den int64, mode Rounding) (Multiplier, error) {
	m := Multiplier{num: num, den: den, mode: mode, most: -1}
	switch {
	case den <= 0:
		return Multiplier{}, ErrDivisor
	case mode > Ceiling:
		return Multiplier{}, ErrRounding
	case num <= 0 || den == 1:
		return m, nil
	}
	divisor := uint64(den)
	switch mode {
	case HalfEven:
		m.bias, m.ties = divisor/2, divisor%2 == 0
	case HalfUp:
		m.bias = divisor / 2
	case HalfDown:
		m.bias = (divisor - 1) / 2
	case Up, Ceiling:
		m.bias = divisor - 1
	case Down, Floor:
	}
	// The reciprocal is too large by less than divisor / 2^64, which changes no quotient of a number below 2^64 / divisor.
	m.reciprocal = (1<<64-1)/divisor + 1
	if below := uint64(1<<64-1) / divisor; below > m.bias {
		m.most = int64(min((below-m.bias-1)/uint64(num), maxInt64))
	}
	return m, nil
}

// Of is base x num / den; a result outside int64 is ErrOverflow.
func (m *Multiplier) Of(base int64) (int64, error) {
	if uint64(base) > uint64(m.most) || m.most < 0 {
		return MulDiv(base, m.num, m.den, m.mode)
	}
	number := uint64(base)*uint64(m.num) + m.bias
	quotient, _ := bits.Mul64(number, m.reciprocal)
	if m.ties && quotient*uint64(m.den) == number {
		quotient &^= 1
	}
	return int64(quotient), nil
}
