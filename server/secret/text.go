package secret

import (
	"fmt"
	"log/slog"
)

// redacted is what a secret says of itself.
const redacted = "[redacted]"

// Text is a secret that does not show up in logs, errors or JSON by accident. string(t) is the secret.
type Text string

// String says that there is something.
func (Text) String() string { return redacted }

// GoString says the same to %#v.
func (Text) GoString() string { return redacted }

// Format says the same to every verb, %x and %q included.
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON says the same in JSON.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText says the same in other encodings. (encoding/json writes a string that is a map's key as it is.)
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue says the same in a log.
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }
