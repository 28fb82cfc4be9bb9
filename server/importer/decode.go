package importer

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// encodings that can be named; UTF-8 and UTF-16 with a byte order mark are found without.
func encodings() map[string]encoding.Encoding {
	return map[string]encoding.Encoding{
		"utf-16":       unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"windows-1252": charmap.Windows1252,
		"iso-8859-1":   charmap.ISO8859_1,
		"iso-8859-15":  charmap.ISO8859_15,
	}
}

// Encodings are the names that the readers take, sorted.
func Encodings() []string {
	names := []string{"utf-8"}
	for name := range encodings() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var utf8Mark = []byte("\xEF\xBB\xBF")

// decode turns the file's bytes into UTF-8 without a byte order mark and with \n alone at the end of lines. A byte order
// mark is certain, so it counts more than a name.
func decode(raw []byte, name string) ([]byte, error) {
	name = strings.ToLower(name)
	switch {
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}) || bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		name = "utf-16"
	case bytes.HasPrefix(raw, utf8Mark):
		name = "utf-8"
	}
	text := raw
	if name != "" && name != "utf-8" {
		enc, known := encodings()[name]
		if !known {
			return nil, fmt.Errorf("encoding %q is not known: use %s", name, strings.Join(Encodings(), ", "))
		}
		var err error
		if text, err = enc.NewDecoder().Bytes(raw); err != nil {
			return nil, fmt.Errorf("the file is not %s: %w", name, err)
		}
	}
	// Every other byte of Latin text in UTF-16 is NUL; single ones are faults of their rows.
	if bytes.Count(text, []byte{0}) > len(text)/4 {
		return nil, errors.New("the file looks like UTF-16 without a byte order mark: save it as CSV UTF-8, or name its encoding with --encoding utf-16le")
	}
	return oneNewline(bytes.TrimPrefix(text, utf8Mark)), nil
}

// oneNewline turns \r\n and a lone \r, as old programs write it, into \n.
func oneNewline(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for i, c := range text {
		switch {
		case c != '\r':
			out = append(out, c)
		case i+1 == len(text) || text[i+1] != '\n':
			out = append(out, '\n')
		}
	}
	return out
}

// separator is whichever of comma, semicolon and tab stands most often outside quotes in the first line, or what
// Excel's own first line "sep=;" says. That line is blanked, so that the lines after it keep their numbers.
func separator(text []byte) (rune, []byte) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	if hint := bytes.TrimSpace(line); len(hint) == 5 && bytes.EqualFold(hint[:4], []byte("sep=")) && bytes.IndexByte([]byte(",;\t"), hint[4]) >= 0 {
		return rune(hint[4]), append([]byte("\n"), rest...)
	}
	counts := map[byte]int{}
	quoted := false
	for _, c := range bytes.TrimLeft(text, "\n") {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			break
		}
		if !quoted {
			counts[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte(";\t") {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return rune(best), text
}
