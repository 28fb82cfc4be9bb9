// Package secret keeps what must not be read: encryption at rest with a rotating key ring, and text that never prints.
package secret

import "log/slog"

// Text is a secret in memory. However it is printed, logged or marshalled, it shows as [redacted]; Reveal gives it away.
type Text string

const redacted = "[redacted]"

// Reveal is the secret itself.
func (t Text) Reveal() string { return string(t) }

// String hides it from fmt.
func (t Text) String() string { return redacted }

// GoString hides it from %#v.
func (t Text) GoString() string { return redacted }

// MarshalText hides it from JSON and its like.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides it from slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }
