// Package server holds what every part with I/O shares: the one error type and the limits.
package server

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an error is; it decides the HTTP status in one place (httpapi).
type Code string

// The codes. An error without one is Internal: the user sees a request id, the log sees the chain.
const (
	Invalid      Code = "invalid"
	NotFound     Code = "not_found"
	Conflict     Code = "conflict"
	Unauthorized Code = "unauthorized"
	Forbidden    Code = "forbidden"
	TooLarge     Code = "too_large"
	RateLimited  Code = "rate_limited"
	Unavailable  Code = "unavailable"
	Misdirected  Code = "misdirected" // another process answers this
	Internal     Code = "internal"
)

// Error is a failure a user may read: a code for machines, a sentence for people, and the field at fault, if any.
type Error struct {
	Code    Code
	Message string
	Field   string
	Err     error // cause for the log; never shown to a user
}

// Error joins the sentence and its cause, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a formatted sentence.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf finds the code in err's chain; an unknown error is Internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Wrap adds what was attempted to *err, if there is one; defer it at the top of a function.
func Wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), *err)
	}
}
