package money

import (
	"math/big"
	"strings"
)

// Exact values are bounded, so that their text is bounded too: 512 bits are 155 digits above and below the line.
const (
	exactBits   = 512
	exactDigits = 155
)

// Exact is a rational number in minor units, or any other unit, before rounding: base x share x rate is multiplied up
// here and rounded once. Its text and JSON form is in lowest terms, "1234/100" being "617/50". The zero value is 0.
// Values are immutable and may be copied; compare them with Equal.
type Exact struct {
	negative bool
	num, den uint128  // The value without its sign, not always in lowest terms; den 0 stands for 1.
	wide     *big.Rat // Set, signed and never changed, only when lowest terms need more than 128 bits.
}

// NewExact is the whole number v.
func NewExact(v int64) Exact {
	return Exact{negative: v < 0, num: uint128{low: magnitude(v)}, den: uint128{low: 1}}
}

// Mul is e x num / den, exactly. den must be above zero (ErrDivisor). ErrOverflow means that lowest terms would need
// more than 512 bits above or below the line, far beyond any chain of rates.
func (e Exact) Mul(num, den int64) (Exact, error) {
	if den <= 0 {
		return Exact{}, ErrDivisor
	}
	if e.wide == nil {
		top, topFits := e.num.mul(magnitude(num))
		bottom, bottomFits := e.denominator().mul(uint64(den))
		if topFits && bottomFits {
			return Exact{negative: e.negative != (num < 0), num: top, den: bottom}, nil
		}
	}
	return exactFromRat(new(big.Rat).Mul(e.rat(), big.NewRat(num, den)))
}

// Add is e + f, exactly; ErrOverflow as in Mul. Sums over one denominator, as of rates in billionths, are fastest.
func (e Exact) Add(f Exact) (Exact, error) {
	switch {
	case f.wide == nil && f.num.isZero():
		return e, nil
	case e.wide == nil && e.num.isZero():
		return f, nil
	}
	e, f = e.over(f), f.over(e)
	if e.wide == nil && f.wide == nil && e.denominator() == f.denominator() {
		if sum, ok := addSigned(e, f); ok {
			return sum, nil
		}
	}
	return exactFromRat(new(big.Rat).Add(e.rat(), f.rat()))
}

// over is a whole number written over f's denominator where that fits; any other value as it is.
func (e Exact) over(f Exact) Exact {
	if den := f.denominator(); e.wide == nil && f.wide == nil && e.denominator() == (uint128{low: 1}) && den.high == 0 {
		if num, ok := e.num.mul(den.low); ok {
			return Exact{negative: e.negative, num: num, den: den}
		}
	}
	return e
}

// addSigned adds over one denominator; ok is false where the sum needs more than 128 bits.
func addSigned(e, f Exact) (sum Exact, ok bool) {
	sum = Exact{negative: e.negative, den: e.denominator()}
	switch {
	case e.negative == f.negative:
		if e.num.high|f.num.high >= 1<<63 {
			return Exact{}, false
		}
		sum.num = e.num.add(f.num)
	case e.num.compare(f.num) >= 0:
		sum.num = e.num.sub(f.num)
	default:
		sum.num, sum.negative = f.num.sub(e.num), f.negative
	}
	return sum, true
}

// Round is the whole number that mode chooses for e; ErrOverflow if it does not fit int64.
func (e Exact) Round(mode Rounding) (int64, error) {
	if mode > Ceiling {
		return 0, ErrRounding
	}
	if e.wide != nil {
		return roundWide(e.wide, mode)
	}
	den := e.denominator()
	quotient, remainder, ok := e.num.div(den)
	if !ok {
		return 0, ErrOverflow
	}
	if remainder.isZero() {
		return signedOrOverflow(quotient, e.negative)
	}
	return roundQuotient(quotient, remainder.compare(den.sub(remainder)), e.negative, mode)
}

// Equal reports whether e and f are the same number, however they were computed.
func (e Exact) Equal(f Exact) bool { return e.rat().Cmp(f.rat()) == 0 }

// String is the value in lowest terms: "617/50", "-1/3", or "12" when it is whole. ParseExact gives it back.
func (e Exact) String() string { return e.rat().RatString() }

// ParseExact reads what String writes; the fraction need not be in lowest terms. A denominator of zero, a plus sign,
// blanks and more than 155 digits on a side are a *ParseError.
func ParseExact(text string) (Exact, error) {
	top, bottom, fraction := strings.Cut(text, "/")
	if !fraction {
		bottom = "1"
	}
	digits := strings.TrimPrefix(top, "-")
	if why := whyNotWhole(digits); why != "" {
		return Exact{}, parseError(text, why)
	}
	if why := whyNotWhole(bottom); why != "" {
		return Exact{}, parseError(text, why)
	}
	num, _ := new(big.Int).SetString(top, 10)
	den, _ := new(big.Int).SetString(bottom, 10)
	if den.Sign() == 0 {
		return Exact{}, parseError(text, "its denominator is zero")
	}
	value, err := exactFromRat(new(big.Rat).SetFrac(num, den))
	if err != nil {
		return Exact{}, parseError(text, "it needs more than 512 bits")
	}
	return value, nil
}

// MarshalText writes what String writes, so that an exact value is a JSON string.
func (e Exact) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what ParseExact reads.
func (e *Exact) UnmarshalText(text []byte) error {
	value, err := ParseExact(string(text))
	if err != nil {
		return err
	}
	*e = value
	return nil
}

// whyNotWhole refuses everything but a bounded run of digits.
func whyNotWhole(digits string) string {
	switch {
	case digits == "":
		return "a number is missing"
	case len(digits) > exactDigits:
		return "it has more than 155 digits above or below the line"
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return "it is not a whole number or a fraction of two, such as 617/50"
		}
	}
	return ""
}

// denominator reads the zero value's missing denominator as 1.
func (e Exact) denominator() uint128 {
	if e.den.isZero() {
		return uint128{low: 1}
	}
	return e.den
}

// rat is e in lowest terms; callers must not change it.
func (e Exact) rat() *big.Rat {
	if e.wide != nil {
		return e.wide
	}
	num := e.num.big()
	if e.negative {
		num.Neg(num)
	}
	return new(big.Rat).SetFrac(num, e.denominator().big())
}

// exactFromRat goes back to 128 bits where lowest terms allow it, and refuses what would grow without bound.
func exactFromRat(value *big.Rat) (Exact, error) {
	if max(value.Num().BitLen(), value.Denom().BitLen()) > exactBits {
		return Exact{}, ErrOverflow
	}
	num, numFits := toUint128(value.Num())
	den, denFits := toUint128(value.Denom())
	if !numFits || !denFits {
		return Exact{wide: value}, nil
	}
	return Exact{negative: value.Sign() < 0, num: num, den: den}, nil
}

// roundWide is Round for values beyond 128 bits. Their quotient fits only over a wide denominator, and lowest terms with
// a denominator above 1 always leave a remainder.
func roundWide(value *big.Rat, mode Rounding) (int64, error) {
	quotient, remainder := new(big.Int).QuoRem(new(big.Int).Abs(value.Num()), value.Denom(), new(big.Int))
	if !quotient.IsUint64() {
		return 0, ErrOverflow
	}
	rest := new(big.Int).Sub(value.Denom(), remainder)
	return roundQuotient(quotient.Uint64(), remainder.Cmp(rest), value.Sign() < 0, mode)
}

// roundQuotient finishes a division that left a remainder; half compares it with half the divisor. MulDiv has the same
// steps written out, because there the call would cost as much as the rest.
func roundQuotient(quotient uint64, half int, negative bool, mode Rounding) (int64, error) {
	if quotient > 1<<63 {
		return 0, ErrOverflow // Also keeps the step below from wrapping round to zero.
	}
	if mode.away(negative, quotient&1 == 1, half) {
		quotient++
	}
	return signedOrOverflow(quotient, negative)
}
