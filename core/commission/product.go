package commission

import (
	"strconv"

	"upline.dev/upline/core/money"
	"upline.dev/upline/core/plan"
)

// product is base x factors before rounding. Nearly all products fit two int64 in lowest terms, where text and rounding
// cost a fraction of what Exact needs; the rest is left to Exact.
type product struct {
	num, den int64 // lowest terms; den 0 means that wide holds the value
	wide     money.Exact
}

func newProduct(base int64) product { return product{num: base, den: 1} }

// times multiplies by a ratio in lowest terms. num is never negative.
func (p product) times(r plan.Ratio) (product, error) {
	if p.den == 0 {
		wide, err := p.wide.Mul(r.Num, r.Den)
		return product{wide: wide}, err
	}
	left, right := plan.Reduce(p.num, r.Den), plan.Reduce(r.Num, p.den)
	num, errNum := money.Mul(left.Num, right.Num)
	den, errDen := money.Mul(left.Den, right.Den)
	if errNum == nil && errDen == nil {
		return product{num: num, den: den}, nil
	}
	wide, err := money.NewExact(p.num).Mul(1, p.den)
	if err != nil {
		return product{}, err
	}
	wide, err = wide.Mul(r.Num, r.Den)
	return product{wide: wide}, err
}

// round gives whole units, by core/money's rules.
func (p product) round(mode money.Rounding) (int64, error) {
	if p.den == 0 {
		return p.wide.Round(mode)
	}
	return money.MulDiv(p.num, 1, p.den, mode)
}

// String is what money.Exact writes for the same number.
func (p product) String() string {
	if p.den == 0 {
		return p.wide.String()
	}
	var buf [48]byte
	text := strconv.AppendInt(buf[:0], p.num, 10)
	if p.den > 1 {
		text = strconv.AppendInt(append(text, '/'), p.den, 10)
	}
	return string(text)
}

// multiply is base x factors.
func multiply(base int64, factors []Factor) (product, error) {
	p := newProduct(base)
	for _, f := range factors {
		if f.Num < 0 || f.Den <= 0 {
			return product{}, money.ErrDivisor
		}
		var err error
		if p, err = p.times(plan.Reduce(f.Num, f.Den)); err != nil {
			return product{}, err
		}
	}
	return p, nil
}
