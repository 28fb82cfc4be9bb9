package custom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"upline.dev/upline/adapters"
	"upline.dev/upline/core/order"
)

// maxTextBytes bounds ids, SKUs and references.
const maxTextBytes = 255

// body has the members of both forms; "" and nil mean absent or null.
type body struct {
	// The short form.
	ShopifyOrderID text   `json:"shopify_order_id"`
	SKU            text   `json:"sku"`
	ReferrerID     text   `json:"referrer_id"`
	Amount         amount `json:"amount"`
	Quantity       *int64 `json:"quantity"`

	// The normalised form.
	Platform        text     `json:"platform"`
	PlatformOrderID text     `json:"platform_order_id"`
	DistributorRef  text     `json:"distributor_ref"`
	Items           []item   `json:"items"`
	Total           amount   `json:"total"`
	Refunds         []refund `json:"refunds"`

	// Both.
	CustomerID text   `json:"customer_id"`
	OrderTS    moment `json:"order_ts"`
	UpdatedAt  moment `json:"updated_at"`
	Currency   text   `json:"currency"`
	Status     text   `json:"status"`
	Test       bool   `json:"test"`
}

type item struct {
	LineID      text   `json:"line_id"`
	PlatformSKU text   `json:"platform_sku"`
	Qty         *int64 `json:"qty"`
	UnitPrice   amount `json:"unit_price"`
	Discount    amount `json:"discount"`
}

type refund struct {
	RefundID   text         `json:"refund_id"`
	RefundedAt moment       `json:"refunded_at"`
	Lines      []refundLine `json:"lines"`
	Amount     amount       `json:"amount"`
	Deleted    bool         `json:"deleted"`
}

type refundLine struct {
	LineID      text   `json:"line_id"`
	PlatformSKU text   `json:"platform_sku"`
	Qty         *int64 `json:"qty"`
	Amount      amount `json:"amount"`
}

// amount is the decimal text of a JSON string or number, taken from its token so that no float is ever made of it.
type amount string

// UnmarshalJSONFrom takes strings and numbers; the text is checked where the currency is known.
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
			return reason(`the amount is empty; write it as "19.90", or leave the member out`)
		}
	default:
		return reason(`want an amount, such as "19.90"`)
	}
	return nil
}

// text is an id, a SKU or a reference: text, or a whole number, whose digits are kept however many there are.
type text string

// UnmarshalJSONFrom refuses what could not be told apart on a screen: blanks around it and unprintable characters.
func (t *text) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		*t = ""
		return nil
	case '0':
		*t = text(token.String())
		if strings.Trim(string(*t), "0123456789") != "" {
			return reason("as a number it must be whole and not negative; else write it as text")
		}
	case '"':
		*t = text(token.String())
	default:
		return reason("want text")
	}
	switch unprintable := func(r rune) bool { return !unicode.IsPrint(r) }; {
	case len(*t) > maxTextBytes:
		return reason("the text is longer than 255 bytes")
	case strings.TrimSpace(string(*t)) != string(*t):
		return reason("the text has blanks around it; remove them")
	case strings.ContainsFunc(string(*t), unprintable):
		return reason("the text has characters that cannot be shown; remove them")
	}
	return nil
}

// moment is an instant with its zone; the zero time means absent or null.
type moment struct{ time.Time }

// UnmarshalJSONFrom takes RFC 3339 only: a time without a zone would shift orders between days and periods.
func (m *moment) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case 'n':
		m.Time = time.Time{}
		return nil
	case '"':
		at, err := time.Parse(time.RFC3339Nano, token.String())
		if at = at.UTC(); err == nil && order.Plausible(at) {
			m.Time = at
			return nil
		}
		if err == nil {
			return reason(fmt.Sprintf("the year is not between %d and %d", order.FirstYear, order.LastYear))
		}
	}
	return reason(`want a time with its zone, such as "2026-11-10T10:15:00+01:00"`)
}

// decode refuses members that it does not know, repeated members, invalid UTF-8 and text after the value.
func decode(in []byte, target *body) error {
	if err := adapters.CheckSize(in); err != nil {
		return err
	}
	if err := json.Unmarshal(in, target, json.RejectUnknownMembers(true)); err != nil {
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
		switch {
		case errors.Is(err, json.ErrUnknownName):
			why = "there is no such member; check its spelling or leave it out"
		case !own:
			why = "want another kind of value, such as the one in the documentation"
		}
		return &adapters.Malformed{Field: adapters.JSONPath(string(semantic.JSONPointer)), Reason: string(why)}
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		why := "not valid JSON at byte " + strconv.FormatInt(syntactic.ByteOffset, 10)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			why = "the member is given twice; leave one out"
		}
		return &adapters.Malformed{Field: adapters.JSONPath(string(syntactic.JSONPointer)), Reason: why}
	}
	return &adapters.Malformed{Field: "$", Reason: "not valid JSON: it ends too early"}
}
