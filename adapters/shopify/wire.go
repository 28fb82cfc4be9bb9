package shopify

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
)

// amount is the decimal text of a JSON string or number, taken from its token so that no float is ever made of it.
// "" means that the field is absent or null.
type amount string

// UnmarshalJSONFrom takes strings and numbers. The text is checked later, where its currency is known.
func (a *amount) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		*a = ""
	case '0', '"':
		if *a = amount(token.String()); *a == "" {
			return reason("the amount is empty text; null would mean that there is none")
		}
	default:
		return reason("want an amount as text or number")
	}
	return nil
}

// id is a platform id; 0 means absent or null. Shopify's ids pass 2^53, so they are read from the token's digits.
type id int64

// UnmarshalJSONFrom takes a whole number or a string of digits.
func (i *id) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		*i = 0
		return nil
	case '0', '"':
	default:
		return reason("want an id: a whole number, or its digits as text")
	}
	text := token.String()
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value <= 0 || text[0] == '+' {
		return reason("want an id: a whole number from 1 to 9223372036854775807")
	}
	*i = id(value)
	return nil
}

// String is the id's decimal digits.
func (i id) String() string { return strconv.FormatInt(int64(i), 10) }

// present notes that a member is there and not null, whatever its value.
type present bool

// UnmarshalJSONFrom skips the value.
func (p *present) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	*p = from.PeekKind() != 'n'
	return from.SkipValue()
}

// loose is a value that a shop's theme or an app wrote: text and numbers are kept as text, all else reads as "".
type loose string

// UnmarshalJSONFrom never refuses well-formed JSON: a strange attribute must not stop an order.
func (l *loose) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	switch from.PeekKind() {
	case '0', '"':
		token, err := from.ReadToken()
		if err != nil {
			return err
		}
		*l = loose(token.String())
		return nil
	default:
		return from.SkipValue()
	}
}

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

// decode reads body into the struct that target points at. Members it does not name are skipped; repeated members,
// invalid UTF-8, nesting beyond the reader's 10,000 levels and text after the value are refused.
func decode(body []byte, target any) error {
	if err := adapters.CheckSize(body); err != nil {
		return err
	}
	if err := json.Unmarshal(body, target); err != nil {
		return malformed(err)
	}
	return nil
}

// reason is a fault in our own words. Only these are passed on: a library's words may quote the value, which may be
// somebody's name.
type reason string

func (r reason) Error() string { return string(r) }

// malformed keeps the path and the kind of the fault.
func malformed(err error) error {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		why, own := errors.AsType[reason](semantic.Err)
		if !own {
			why = "want another kind of value, or one that is in range"
		}
		return &adapters.Malformed{Field: adapters.JSONPath(string(semantic.JSONPointer)), Reason: string(why)}
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		why := "not valid JSON at byte " + strconv.FormatInt(syntactic.ByteOffset, 10)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			why = "the member is given twice"
		}
		return &adapters.Malformed{Field: adapters.JSONPath(string(syntactic.JSONPointer)), Reason: why}
	}
	return &adapters.Malformed{Field: "$", Reason: "not valid JSON: it ends too early"}
}
