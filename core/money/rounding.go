package money

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrRounding is returned for a Rounding that is none of the named rules.
var ErrRounding = errors.New("money: unknown rounding rule")

// Rounding is a named rule for what happens between two whole units; the zero value is HalfEven.
type Rounding uint8

// The rules. The first three go to the nearest unit and differ only for a value exactly in the middle.
const (
	HalfEven Rounding = iota // to the even neighbour
	HalfUp                   // away from zero
	HalfDown                 // towards zero
	Down                     // always towards zero
	Up                       // always away from zero
	Floor                    // always to the lower number
	Ceiling                  // always to the higher number
)

// ParseRounding reads a rule by its name: half_even, half_up, half_down, down, up, floor or ceiling.
func ParseRounding(name string) (Rounding, error) {
	for mode := HalfEven; mode <= Ceiling; mode++ {
		if mode.String() == name {
			return mode, nil
		}
	}
	return 0, fmt.Errorf("%w %q: use half_even, half_up, half_down, down, up, floor or ceiling", ErrRounding, shorten(name))
}

// String is the rule's name in plans and traces.
func (m Rounding) String() string {
	switch m {
	case HalfEven:
		return "half_even"
	case HalfUp:
		return "half_up"
	case HalfDown:
		return "half_down"
	case Down:
		return "down"
	case Up:
		return "up"
	case Floor:
		return "floor"
	case Ceiling:
		return "ceiling"
	default:
		return "Rounding(" + strconv.Itoa(int(m)) + ")"
	}
}

// MarshalText writes the rule's name; ErrRounding if it has none.
func (m Rounding) MarshalText() ([]byte, error) {
	if m > Ceiling {
		return nil, fmt.Errorf("%w %d", ErrRounding, uint8(m))
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what ParseRounding reads.
func (m *Rounding) UnmarshalText(text []byte) error {
	mode, err := ParseRounding(string(text))
	if err != nil {
		return err
	}
	*m = mode
	return nil
}

// away tells whether a quotient with a remainder goes to the next unit away from zero. half compares the remainder with
// half the divisor (-1, 0, 1); odd is the last bit of the quotient.
func (m Rounding) away(negative, odd bool, half int) bool {
	switch m {
	case HalfEven:
		return half > 0 || half == 0 && odd
	case HalfUp:
		return half >= 0
	case HalfDown:
		return half > 0
	case Up:
		return true
	case Floor:
		return negative
	case Ceiling:
		return !negative
	default: // Down
		return false
	}
}
