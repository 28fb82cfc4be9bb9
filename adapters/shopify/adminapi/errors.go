package adminapi

import (
	"fmt"
	"strings"
	"unicode"

	"upline.dev/upline/adapters"
)

// Kind names what went wrong, so that callers decide by it and logs can be counted.
type Kind string

// The kinds. Those that may pass are tried again by the client itself before they are returned.
const (
	Throttled    Kind = "throttled"     // 429 or THROTTLED to the last attempt
	Unavailable  Kind = "unavailable"   // 5xx, or no connection
	Hanging      Kind = "hanging"       // no answer in time
	Garbage      Kind = "garbage"       // an answer that is no GraphQL answer
	TooLarge     Kind = "too_large"     // an answer above MaxAnswerBytes
	WrongVersion Kind = "wrong_version" // served by another API version than ours
	Redirected   Kind = "redirected"    // the token would have left for another address
	Unauthorized Kind = "unauthorized"  // the token is refused, the renewed one too
	Denied       Kind = "denied"        // a scope or an approval is missing
	Refused      Kind = "refused"       // any other 4xx: frozen, closed or unknown shop
	TooCostly    Kind = "too_costly"    // the query is above what one query may cost
	Partial      Kind = "partial"       // errors beside, or instead of, the data
	UserErrors   Kind = "user_errors"   // the mutation did nothing, and says why
	NoShop       Kind = "no_shop"       // not a shop's own host
	BulkFailed   Kind = "bulk_failed"   // the bulk operation ended without a result
)

// Error is a call that did not give what was asked for. It holds no answer's body and no token.
type Error struct {
	Kind      Kind
	Operation string // the document's name
	Shop      string
	Status    int // of HTTP; 0 where there was no answer
	Detail    string
	err       error
}

// Error is one sentence with the operation, the shop and what is known.
func (e *Error) Error() string {
	text := fmt.Sprintf("Shopify %s of %s: %s", e.Operation, e.Shop, strings.ReplaceAll(string(e.Kind), "_", " "))
	if e.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap is the cause; adapters.ErrReauthorise where only the merchant can mend it.
func (e *Error) Unwrap() error {
	if e.err == nil && e.Kind == Unauthorized {
		return adapters.ErrReauthorise
	}
	return e.err
}

// maxDetailBytes bounds what an answer's own words may add to an error.
const maxDetailBytes = 200

// told makes foreign words fit for a log: one line, printable, short.
func told(words string) string {
	words = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, "?"))
	if len(words) > maxDetailBytes {
		words = strings.ToValidUTF8(words[:maxDetailBytes], "") + "..."
	}
	return words
}

// FieldError is one of a mutation's user errors.
type FieldError struct {
	Field   []string
	Message string
	Code    string
}

// userErrors is nil where a mutation succeeded.
func (c *Client) userErrors(operation string, list []FieldError) error {
	if len(list) == 0 {
		return nil
	}
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = strings.Join(e.Field, ".") + ": " + e.Message
		if e.Code != "" {
			texts[i] += " (" + e.Code + ")"
		}
	}
	return &Error{Kind: UserErrors, Operation: operation, Shop: c.shop, Detail: told(strings.Join(texts, "; "))}
}
