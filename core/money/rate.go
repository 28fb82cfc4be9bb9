package money

import "strings"

// Rate is a proportion in billionths: 7.25 % is 72_500_000. Its text and JSON form is percent, "7.25%".
type Rate int64

// One is the whole, 100 %.
const One Rate = 1_000_000_000

// The decimals a rate can hold, as a proportion and as percent.
const (
	ratePlaces    = 9
	percentPlaces = 7
)

// ParseRate reads "7.25%", "7.25 %" or the same as a proportion, "0.0725"; a plain "5" is therefore 500 %. At most 9
// decimals (7 in percent), unless the rest are zeros. A sign is allowed: whether a plan may use it, the plan decides.
// Refusals are a *ParseError.
func ParseRate(text string) (Rate, error) {
	if len(text) > maxText {
		return 0, parseError(text, whyLong)
	}
	digits, places := text, ratePlaces
	if number, percent := strings.CutSuffix(text, "%"); percent {
		digits, places = strings.TrimSuffix(number, " "), percentPlaces
	}
	rate, why := scanFixed(digits, places)
	if why != "" {
		return 0, parseError(text, why)
	}
	return Rate(rate), nil
}

// Of is minor x r, rounded once by mode; ErrOverflow if it does not fit.
func (r Rate) Of(minor int64, mode Rounding) (int64, error) {
	return MulDiv(minor, int64(r), int64(One), mode)
}

// String is the canonical percent text, such as "7.25%" or "0.0000001%"; ParseRate gives r back.
func (r Rate) String() string {
	var buf [32]byte
	return string(r.appendTo(buf[:0]))
}

func (r Rate) appendTo(dst []byte) []byte {
	return append(trimZeros(appendFixed(dst, int64(r), percentPlaces)), '%')
}

// MarshalText writes what String writes, so that a rate is a JSON string.
func (r Rate) MarshalText() ([]byte, error) { return r.appendTo(nil), nil }

// UnmarshalText reads what ParseRate reads; a JSON number does not come here and is refused by the decoder.
func (r *Rate) UnmarshalText(text []byte) error {
	rate, err := ParseRate(string(text))
	if err != nil {
		return err
	}
	*r = rate
	return nil
}
