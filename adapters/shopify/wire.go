package shopify

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters/wire"
)

// The values that Shopify's bodies are made of. Its ids pass 2^53, and a theme or an app may write any value into an attribute.
type (
	amount  = wire.Amount
	id      = wire.ID
	loose   = wire.Loose
	present = wire.Present
)

// attribute is one pair of note_attributes.
type attribute struct {
	Name  loose `json:"name"`
	Value loose `json:"value"`
}

// attributes are the cart's note attributes: a list of pairs, or one object whose members are the pairs.
type attributes []attribute

// UnmarshalJSONFrom takes both forms and skips anything else.
func (a *attributes) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	kind := from.PeekKind()
	if kind != '[' && kind != '{' {
		return from.SkipValue()
	}
	if _, err := from.ReadToken(); err != nil {
		return err
	}
	for from.PeekKind() != ']' && from.PeekKind() != '}' {
		pair, err := readAttribute(from, kind)
		if err != nil {
			return err
		}
		*a = append(*a, pair)
	}
	_, err := from.ReadToken()
	return err
}

// readAttribute reads one element of the list, or one member of the object.
func readAttribute(from *jsontext.Decoder, kind jsontext.Kind) (pair attribute, err error) {
	if kind == '{' {
		name, err := from.ReadToken()
		if err != nil {
			return pair, err
		}
		pair.Name = loose(name.String())
		return pair, json.UnmarshalDecode(from, &pair.Value)
	}
	if from.PeekKind() != '{' {
		return pair, from.SkipValue()
	}
	return pair, json.UnmarshalDecode(from, &pair)
}

// decode reads body into the struct that target points at; see wire.Decode.
func decode(body []byte, target any) error { return wire.Decode(body, target) }
