package magento

import (
	"errors"
	"strconv"
	"strings"

	"upline.dev/upline/adapters/wire"
	"upline.dev/upline/core/money"
)

// fine is an amount in ten-thousandths of its currency's major unit: Magento keeps four decimals whatever the currency. Fine
// amounts are added as they are and brought to minor units once, by minor or apportion.
type fine int64

const (
	finePlaces = 4
	fineOne    = 10_000
	// maxFine leaves room to add up nine; it is more than any order is worth in any currency.
	maxFine = 1_000_000_000_000_000_000
)

var (
	errNumber   = errors.New("want a decimal number such as 12.5000, with four decimals at most")
	errTooLarge = errors.New("the amount is too large")
)

// parseFine reads a decimal number; "" is 0. Our module writes four decimals at most. Core REST may write the dust of a float
// instead of a 0, or behind an amount: dust rounds the rest half to even at four places.
func parseFine(text wire.Amount, dust bool) (fine, error) {
	if text == "" {
		return 0, nil
	}
	digits, negative := strings.CutPrefix(string(text), "-")
	if dust {
		digits = withoutPower(digits)
	}
	whole, fraction, dotted := strings.Cut(digits, ".")
	all := whole + fraction
	switch {
	case whole == "", dotted && fraction == "", strings.Trim(all, "0123456789") != "":
		return 0, errNumber
	case !dust && len(fraction) > finePlaces:
		return 0, errNumber
	}
	if missing := finePlaces - len(fraction); missing > 0 {
		all += strings.Repeat("0", missing)
	}
	value, err := roundedAfter(all, len(whole)+finePlaces)
	if negative {
		value = -value
	}
	return value, err
}

// withoutPower turns a number so small that it needs a power of ten, such as 3.5e-15, into 0. Any other is left to be refused:
// nothing honest writes 1e2.
func withoutPower(digits string) string {
	mantissa, power, found := strings.Cut(strings.ToLower(digits), "e-")
	exponent, err := strconv.Atoi(power)
	whole, _, _ := strings.Cut(mantissa, ".")
	if !found || err != nil || len(whole) != 1 || exponent <= finePlaces || strings.Trim(mantissa, "0123456789.") != "" {
		return digits
	}
	return "0"
}

// roundedAfter is the number of the first keep digits, rounded half to even by those that follow.
func roundedAfter(digits string, keep int) (fine, error) {
	kept, rest := strings.TrimLeft(digits[:keep], "0"), strings.TrimRight(digits[keep:], "0")
	if kept == "" {
		kept = "0"
	}
	value, err := strconv.ParseInt(kept, 10, 64)
	if err != nil || value >= maxFine {
		return 0, errTooLarge
	}
	if rest > "5" || rest == "5" && value%2 == 1 {
		value++
	}
	return fine(value), nil
}

// minor is the amount in minor units of c, rounded half to even.
func (f fine) minor(c money.Currency) (int64, error) {
	per := int64(1)
	for range c.Exponent() {
		per *= 10
	}
	return money.MulDiv(int64(f), per, fineOne, money.HalfEven)
}

// sum adds amounts up; errTooLarge from maxFine on.
func sum(amounts []fine) (fine, error) {
	var total fine
	for _, amount := range amounts {
		if total += amount; total >= maxFine || total <= -maxFine {
			return 0, errTooLarge
		}
	}
	return total, nil
}

// apportion brings amounts, none of them negative, to minor units of c so that they sum to their rounded sum: by largest
// remainder, the first of equal ones.
func apportion(amounts []fine, c money.Currency) ([]int64, error) {
	whole, err := sum(amounts)
	if err != nil {
		return nil, err
	}
	total, err := whole.minor(c)
	if err != nil || whole == 0 {
		return make([]int64, len(amounts)), err
	}
	weights := make([]int64, len(amounts))
	for i, amount := range amounts {
		weights[i] = int64(amount)
	}
	return money.Allocate(total, weights)
}
