// Package wire reads foreign JSON exactly: ids and amounts are taken from their digits, so that no float is ever made of
// them, and what cannot be read is a *adapters.Malformed that names the field and never quotes the value.
package wire

import (
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
)

// Amount is the decimal text of a JSON string or number. "" means that the field is absent or null.
type Amount string

// UnmarshalJSONFrom takes strings and numbers. The text is checked later, where its currency is known.
func (a *Amount) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		*a = ""
	case '0', '"':
		if *a = Amount(token.String()); *a == "" {
			return Reason("the amount is empty text; null would mean that there is none")
		}
	default:
		return Reason("want an amount as text or number")
	}
	return nil
}

// ID is a platform's id; 0 means absent or null. It is read from the token's digits, as ids pass 2^53.
type ID int64

// UnmarshalJSONFrom takes a whole number or a string of digits; 0 and empty text mean none.
func (i *ID) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	*i = 0
	switch token.Kind() {
	case 'n':
		return nil
	case '0', '"':
	default:
		return Reason("want an id: a whole number, or its digits as text")
	}
	text := token.String()
	if text == "" || text == "0" {
		return nil
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value <= 0 || text[0] == '+' {
		return Reason("want an id: a whole number from 1 to 9223372036854775807")
	}
	*i = ID(value)
	return nil
}

// String is the id's decimal digits, "" for none.
func (i ID) String() string {
	if i == 0 {
		return ""
	}
	return strconv.FormatInt(int64(i), 10)
}

// Moment is a time in UTC: RFC 3339, or "2026-11-20 23:51:23" as databases write it. The zero time means absent or null.
type Moment struct{ time.Time }

// moments are the layouts a Moment is read by.
var moments = []string{time.RFC3339Nano, time.DateTime, "2006-01-02T15:04:05"}

// UnmarshalJSONFrom takes text or null. A time without a zone is one in UTC.
func (m *Moment) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	m.Time = time.Time{}
	if token.Kind() == 'n' {
		return nil
	}
	if token.Kind() == '"' {
		text := token.String()
		if text == "" {
			return nil
		}
		for _, layout := range moments {
			if at, err := time.Parse(layout, text); err == nil {
				m.Time = at.UTC()
				return nil
			}
		}
	}
	return Reason("want a time such as 2026-11-20T23:51:23Z")
}

// Decode reads body into the struct that target points at. Members it does not name are skipped; repeated members,
// invalid UTF-8, nesting beyond the reader's 10,000 levels and text after the value are refused.
func Decode(body []byte, target any) error { return decode(body, target) }

// Glance reads as Decode does, but does not look for repeated members and invalid UTF-8, which is half of the work: for a few members of
// a body that somebody else will decode.
func Glance(body []byte, target any) error {
	return decode(body, target, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func decode(body []byte, target any, options ...json.Options) error {
	if err := adapters.CheckSize(body); err != nil {
		return err
	}
	if err := json.Unmarshal(body, target, options...); err != nil {
		return malformed(err)
	}
	return nil
}

// Reason is a fault in our own words. Only these are passed on: a library's words may quote the value, which may be
// somebody's name.
type Reason string

// Error is the reason.
func (r Reason) Error() string { return string(r) }

// malformed keeps the path and the kind of the fault.
func malformed(err error) error {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		why, own := errors.AsType[Reason](semantic.Err)
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
