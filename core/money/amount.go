package money

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// ErrCurrencyMismatch is returned where amounts of two currencies meet.
var ErrCurrencyMismatch = errors.New("money: the currencies differ")

// Amount is money in minor units of its currency: {1234, "EUR"} is 12.34 euros, {1200, "JPY"} is 1200 yen.
// Its JSON form is {"amount":"12.34","currency":"EUR"}.
type Amount struct {
	Minor    int64
	Currency Currency
}

// ParseMinor reads decimal text such as "75.00", "-3.5", "+1" or "10" into minor units of c. Decimals beyond the
// currency's exponent must be zeros: "10.500" is 10.50 USD, "10.505" is refused, since rounding is not a parser's
// business. Exponents, blanks, separators, ".5", "5.", and text over 64 bytes are a *ParseError; an unknown currency
// is a *CurrencyError.
func ParseMinor(text string, c Currency) (int64, error) {
	exponent := c.Exponent()
	if exponent == unknownExponent {
		return 0, unknownCurrency(c)
	}
	minor, why := scanFixed(text, exponent)
	if why != "" {
		return 0, parseError(text, why)
	}
	return minor, nil
}

// FormatMinor writes minor units with all decimals of c: "-0.05", "1200" for JPY, "1.234" for KWD. For an unknown
// currency the answer is a text that no parser takes for an amount, such as "1234 minor units".
func FormatMinor(minor int64, c Currency) string {
	var buf [32]byte
	return string(appendMinor(buf[:0], minor, c))
}

func appendMinor(dst []byte, minor int64, c Currency) []byte {
	exponent := c.Exponent()
	if exponent == unknownExponent {
		return append(strconv.AppendInt(dst, minor, 10), " minor units"...)
	}
	return appendFixed(dst, minor, exponent)
}

// String is the amount with its currency, such as "12.34 EUR".
func (a Amount) String() string {
	var buf [40]byte
	if !a.Currency.Valid() {
		return string(appendMinor(buf[:0], a.Minor, "")) + fmt.Sprintf(" of unknown currency %q", shorten(string(a.Currency)))
	}
	return string(append(append(appendMinor(buf[:0], a.Minor, a.Currency), ' '), a.Currency...))
}

// Add is a + b. Two currencies are ErrCurrencyMismatch, an unknown one is a *CurrencyError, and a sum that does not fit
// is ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("add %s to %s: %w", b, a, ErrCurrencyMismatch)
	}
	if !a.Currency.Valid() {
		return Amount{}, unknownCurrency(a.Currency)
	}
	minor, err := Add(a.Minor, b.Minor)
	if err != nil {
		return Amount{}, fmt.Errorf("add %s to %s: %w", b, a, err)
	}
	return Amount{Minor: minor, Currency: a.Currency}, nil
}

// MarshalJSON writes {"amount":"12.34","currency":"EUR"}; an unknown currency is a *CurrencyError.
func (a Amount) MarshalJSON() ([]byte, error) {
	if !a.Currency.Valid() {
		return nil, unknownCurrency(a.Currency)
	}
	out := append(make([]byte, 0, 56), `{"amount":"`...)
	out = appendMinor(out, a.Minor, a.Currency)
	out = append(out, `","currency":"`...)
	out = append(out, a.Currency...)
	return append(out, `"}`...), nil
}

// UnmarshalJSON reads the form MarshalJSON writes: exactly the two members, each once, both strings. A JSON number is
// refused, because another program may have made it with floats; null and unknown or repeated members are refused,
// because whoever wrote them meant something else than what would be read.
func (a *Amount) UnmarshalJSON(data []byte) error {
	members, err := amountMembers(data)
	if err != nil {
		return fmt.Errorf("money: read amount: %w", err)
	}
	currency, err := ParseCurrency(members["currency"])
	if err != nil {
		return fmt.Errorf("money: read amount: %w", err)
	}
	minor, err := ParseMinor(members["amount"], currency)
	if err != nil {
		return fmt.Errorf("money: read amount: %w", err)
	}
	*a = Amount{Minor: minor, Currency: currency}
	return nil
}

// amountMembers walks the tokens itself: decoding into a struct would accept "AMOUNT", and the last of two amounts.
func amountMembers(data []byte) (map[string]string, error) {
	tokens := json.NewDecoder(bytes.NewReader(data))
	if start, err := tokens.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New(`want {"amount":"12.34","currency":"EUR"}`)
	}
	members := make(map[string]string, 2)
	for tokens.More() {
		name, err := tokens.Token()
		if err != nil {
			return nil, fmt.Errorf("member name: %w", err)
		}
		value, err := tokens.Token()
		if err != nil {
			return nil, fmt.Errorf("member value: %w", err)
		}
		if err := keepMember(members, name, value); err != nil {
			return nil, err
		}
	}
	if _, err := tokens.Token(); err != nil {
		return nil, fmt.Errorf("end of object: %w", err)
	}
	if rest := data[tokens.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("more text after the object")
	}
	return members, nil
}

func keepMember(members map[string]string, name, value json.Token) error {
	key, _ := name.(string) // Inside an object the decoder yields nothing but strings as names.
	if key != "amount" && key != "currency" {
		return fmt.Errorf("unknown member %q", shorten(key))
	}
	if _, twice := members[key]; twice {
		return fmt.Errorf("member %q is given twice", key)
	}
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("member %q must be a string", key)
	}
	members[key] = text
	return nil
}
