// Package reference makes and reads references: short signed texts that say by whose link a visitor came. A buyer can change
// what a cart carries, so what comes back counts only as far as its signature goes; a changed one names nobody.
package reference

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Life is how long a reference counts after it was made: longer than any cookie of a storefront, short enough that a text
// from an old page does not pay for ever.
const Life = 180 * 24 * time.Hour

// skew is how far ahead of an order's time a reference may have been made: clocks differ, and imported orders are older.
const skew = time.Hour

// The form of a reference: "u1." code "." minutes since 1970 in base 36 "." signature of 12 bytes in base64.
const (
	// Prefix begins every reference.
	Prefix         = "u1."
	purpose        = "reference"
	signatureBytes = 12
	// MaxCode bounds a code, so that the whole reference stays below what platforms allow an attribute.
	MaxCode = 100
)

// ErrForged means that a text is no reference that we made for this program, or that it has outlived its time.
var ErrForged = errors.New("the reference is not signed by us for this program, or too old")

// Keys sign. *secret.Ring does.
type Keys interface {
	Sign(purpose string, message []byte) []byte
	Signed(purpose string, message, signature []byte) bool
}

// Signer makes and reads references.
type Signer struct{ Keys Keys }

// Make signs a distributor's code for one program.
func (s *Signer) Make(program, code string, at time.Time) string {
	minutes := strconv.FormatInt(at.Unix()/60, 36)
	signature := s.Keys.Sign(purpose, message(program, code, minutes))[:signatureBytes]
	return Prefix + code + "." + minutes + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Read gives the code of a reference that was made for the program and still counted at an instant.
func (s *Signer) Read(program, text string, at time.Time) (code string, err error) {
	rest, ours := strings.CutPrefix(text, Prefix)
	last := strings.LastIndexByte(rest, '.')
	if !ours || last < 0 {
		return "", ErrForged
	}
	rest, tail := rest[:last], rest[last+1:]
	middle := strings.LastIndexByte(rest, '.')
	if middle < 1 || middle > MaxCode {
		return "", ErrForged
	}
	code, minutes := rest[:middle], rest[middle+1:]
	signature, err := base64.RawURLEncoding.Strict().DecodeString(tail)
	if err != nil || len(signature) != signatureBytes || !s.Keys.Signed(purpose, message(program, code, minutes), signature) {
		return "", ErrForged
	}
	made, err := strconv.ParseInt(minutes, 36, 64)
	if age := at.Unix() - made*60; err != nil || age > int64(Life/time.Second) || age < -int64(skew/time.Second) {
		return "", ErrForged
	}
	return code, nil
}

// message cannot be made of other parts: each but the last goes with its length.
func message(program, code, minutes string) []byte {
	var out []byte
	for _, part := range []string{program, code} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part))) //nolint:gosec // ids and codes are short
		out = append(out, part...)
	}
	return append(out, minutes...)
}
