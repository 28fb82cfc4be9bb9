package money

import (
	"fmt"
	"strconv"
)

// maxText bounds foreign decimal text, in bytes: the longest int64 with any exponent has 21, the rest is for zeros.
const maxText = 64

// maxInt64 is spelt out here because core does not import math, which brings floats with it.
const maxInt64 = 1<<63 - 1

// ParseError says why a text is not an amount, a rate, a volume or an exact value.
type ParseError struct {
	Text   string // the text as received, cut after 64 bytes
	Reason string // what is wrong with it, such as "it has more than 2 decimals"
}

// Error quotes the text, so that control characters in it cannot forge a log line.
func (e *ParseError) Error() string {
	return fmt.Sprintf("money: cannot read %q: %s", e.Text, e.Reason)
}

// The reasons name what the sender can mend.
const (
	whyEmpty     = "it has no digits"
	whyLong      = "it is longer than 64 bytes"
	whyOverflow  = "it is too large for 64 bits of its smallest unit"
	whyNoDigits  = "a digit is missing before or after the decimal point"
	whyPoints    = "it has more than one decimal point"
	whySeparator = "it has a thousands separator or a decimal comma; write digits and one decimal point"
	whyBlank     = "it contains a blank"
	whyExponent  = "it has an exponent; write all digits"
	whyNotDigit  = "it contains something other than digits, a leading sign and one decimal point"
)

// shorten cuts a foreign text for display and marks the cut.
func shorten(text string) string {
	if len(text) <= maxText {
		return text
	}
	return text[:maxText] + "..."
}

func parseError(text, why string) *ParseError { return &ParseError{Text: shorten(text), Reason: why} }

// scanFixed reads a decimal of at most places decimals into units of 10^-places; more decimals are allowed as long as
// they are zeros, since platforms pad ("10.5000"). A non-empty why means the text is refused; the caller owns the whole
// text and makes the error.
func scanFixed(text string, places int) (value int64, why string) {
	if len(text) > maxText {
		return 0, whyLong
	}
	digits, negative := cutSign(text)
	if digits == "" {
		return 0, whyEmpty
	}
	var size uint64
	point := len(digits)
	for i := 0; i < len(digits); i++ {
		digit := digits[i] - '0'
		switch {
		case digit > 9 && digits[i] == '.' && point == len(digits) && 0 < i && i < len(digits)-1:
			point = i
		case digit > 9:
			return 0, whyRefused(digits, i)
		case i-point <= places:
			if size > (1<<63)/10 {
				return 0, whyOverflow
			}
			size = size*10 + uint64(digit)
		case digit != 0:
			return 0, "it has more than " + strconv.Itoa(places) + " decimals"
		}
	}
	return scale(size, places-max(len(digits)-1-point, 0), negative)
}

// scale multiplies by the decimals that the text left out and puts the sign on.
func scale(size uint64, missing int, negative bool) (value int64, why string) {
	for ; missing > 0; missing-- {
		if size > (1<<63)/10 {
			return 0, whyOverflow
		}
		size *= 10
	}
	value, ok := signed(size, negative)
	if !ok {
		return 0, whyOverflow
	}
	return value, ""
}

// cutSign splits one leading sign from the digits.
func cutSign(text string) (digits string, negative bool) {
	if text == "" || text[0] != '-' && text[0] != '+' {
		return text, false
	}
	return text[1:], text[0] == '-'
}

// whyRefused explains the character at i, which is no digit and no decimal point in a legal place.
func whyRefused(digits string, i int) string {
	switch ch := digits[i]; {
	case ch == '.' && (i == 0 || i == len(digits)-1):
		return whyNoDigits
	case ch == '.':
		return whyPoints
	case ch == ',' || ch == '\'' || ch == '_':
		return whySeparator
	case ch == ' ' || '\t' <= ch && ch <= '\r':
		return whyBlank
	case (ch == 'e' || ch == 'E') && i > 0:
		return whyExponent
	default:
		return whyNotDigit
	}
}

// appendFixed writes value, counted in units of 10^-places, with exactly places decimals.
func appendFixed(dst []byte, value int64, places int) []byte {
	var text [24]byte // Filled from the right; sign, point and the 19 digits of an int64 need 21.
	start := len(text)
	size := magnitude(value)
	for written := 0; written <= places || size > 0; written++ {
		if written == places && places > 0 {
			start--
			text[start] = '.'
		}
		start--
		text[start] = '0' + byte(size%10)
		size /= 10
	}
	if value < 0 {
		start--
		text[start] = '-'
	}
	return append(dst, text[start:]...)
}

// trimZeros drops the decimals that say nothing; text must have a decimal point.
func trimZeros(text []byte) []byte {
	end := len(text)
	for text[end-1] == '0' {
		end--
	}
	if text[end-1] == '.' {
		end--
	}
	return text[:end]
}
