package adapters

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// MaxBodyBytes bounds a delivery's body, 8 MiB: an order with the platform's maximum of lines stays well below, and a
// body that reaches it is refused at the door with 413. Normalise refuses it once more, since replays pass no door.
const MaxBodyBytes = 8 << 20

// maxFieldBytes bounds the path in a *Malformed: member names are the sender's, and errors are logged and shown.
const maxFieldBytes = 200

// CheckSize refuses an empty body and one over MaxBodyBytes with a *Malformed.
func CheckSize(body []byte) error {
	switch {
	case len(body) == 0:
		return &Malformed{Field: "$", Reason: "the body is empty"}
	case len(body) > MaxBodyBytes:
		return &Malformed{Field: "$", Reason: "the body has " + strconv.Itoa(len(body)) + " bytes, at most " + strconv.Itoa(MaxBodyBytes) + " are read"}
	}
	return nil
}

// JSONPath turns a JSON pointer (RFC 6901) such as "/line_items/0/price" into the path a merchant reads,
// "line_items[0].price"; the whole document is "$". Control characters and over-long names are cut.
func JSONPath(pointer string) string {
	if len(pointer) > maxFieldBytes {
		pointer = pointer[:maxFieldBytes] + "..."
	}
	var path strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.ToValidUTF8(part, "?"))
		switch {
		case part != "" && strings.Trim(part, "0123456789") == "":
			path.WriteString("[" + part + "]")
		case part != "":
			if path.Len() > 0 {
				path.WriteByte('.')
			}
			path.WriteString(strings.Map(printable, part))
		}
	}
	if path.Len() == 0 {
		return "$"
	}
	return path.String()
}

// printable keeps a foreign name from forging a line of a log.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

// Under puts prefix before the field of a *Malformed, so that a reader of an inner object need not know where it
// stands. Other errors, nil among them, pass unchanged.
func Under(prefix string, err error) error {
	var malformed *Malformed
	if !errors.As(err, &malformed) {
		return err
	}
	return &Malformed{Field: prefix + malformed.Field, Reason: malformed.Reason}
}
