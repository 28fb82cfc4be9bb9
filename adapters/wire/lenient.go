package wire

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Loose is a value that somebody else's code wrote: text and numbers are kept as text, all else reads as "".
type Loose string

// UnmarshalJSONFrom never refuses well-formed JSON: a strange value must not stop an order.
func (l *Loose) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	switch from.PeekKind() {
	case '0', '"':
		token, err := from.ReadToken()
		if err != nil {
			return err
		}
		*l = Loose(token.String())
		return nil
	default:
		return from.SkipValue()
	}
}

// Present notes that a member is there and not null, whatever its value.
type Present bool

// UnmarshalJSONFrom skips the value.
func (p *Present) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	*p = from.PeekKind() != 'n'
	return from.SkipValue()
}

// Lenient reads an object into target and skips anything else: an empty list of PHP is what others call an empty object.
func Lenient(from *jsontext.Decoder, target any) error {
	if from.PeekKind() != '{' {
		return from.SkipValue()
	}
	return json.UnmarshalDecode(from, target)
}
