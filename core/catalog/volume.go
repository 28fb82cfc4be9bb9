package catalog

import (
	"errors"
	"fmt"

	"upline.dev/upline/core/money"
)

// ErrVolume is returned for a volume that cannot be computed: the rule says two things, or the line has less than
// nothing.
var ErrVolume = errors.New("catalog: the volume cannot be computed")

// ratePerMajor is what a volume point per major unit is in billionths (a Rate's 100 %) over millionths (a Volume's 1).
const ratePerMajor = 1000

// Of is the volume of a line with quantityLeft units left and a net of netMinor minor units of c: PerUnit for each
// unit, exactly, or OfNet points per major unit, rounded half-even once to a millionth. Both set, or a negative net,
// quantity or rule, is ErrVolume; an unknown currency is a *money.CurrencyError; what does not fit is money.ErrOverflow.
func (v VolumeRule) Of(netMinor, quantityLeft int64, c money.Currency) (money.Volume, error) {
	if err := v.check(); err != nil {
		return 0, err
	}
	if netMinor < 0 || quantityLeft < 0 {
		return 0, fmt.Errorf("%w: net is %d minor units and %d units are left", ErrVolume, netMinor, quantityLeft)
	}
	if v.PerUnit != 0 {
		volume, err := money.Mul(int64(v.PerUnit), quantityLeft)
		if err != nil {
			return 0, fmt.Errorf("volume of %d units: %w", quantityLeft, err)
		}
		return money.Volume(volume), nil
	}
	if v.OfNet == 0 {
		return 0, nil
	}
	divisor, err := minorPerVolume(c)
	if err != nil {
		return 0, fmt.Errorf("volume of net: %w", err)
	}
	volume, err := money.MulDiv(netMinor, int64(v.OfNet), divisor, money.HalfEven)
	if err != nil {
		return 0, fmt.Errorf("volume of net %s: %w", money.FormatMinor(netMinor, c), err)
	}
	return money.Volume(volume), nil
}

// check refuses a rule that says two things or takes volume away.
func (v VolumeRule) check() error {
	switch {
	case v.PerUnit != 0 && v.OfNet != 0:
		return fmt.Errorf("%w: the rule is both per unit and of net", ErrVolume)
	case v.PerUnit < 0 || v.OfNet < 0:
		return fmt.Errorf("%w: the rule is negative", ErrVolume)
	default:
		return nil
	}
}

// minorPerVolume is the divisor that turns minor units times billionths into millionths of a point.
func minorPerVolume(c money.Currency) (int64, error) {
	if _, err := money.ParseCurrency(string(c)); err != nil {
		return 0, err
	}
	divisor := int64(ratePerMajor)
	for range c.Exponent() {
		divisor *= 10
	}
	return divisor, nil
}
