package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// canonicalJSON writes v by RFC 8785. Plans hold only texts, booleans, lists, objects with ASCII names and small whole
// numbers, so neither number formatting nor the order of UTF-16 code units can differ from plain bytes.
func canonicalJSON(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	tokens := json.NewDecoder(bytes.NewReader(plain))
	tokens.UseNumber()
	root, err := parseNode(tokens, 1)
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	return root.appendCanonical(make([]byte, 0, len(plain))), nil
}

func (n node) appendCanonical(dst []byte) []byte {
	switch n.kind {
	case kindText:
		return appendText(dst, n.text)
	case kindNumber, kindBool:
		return append(dst, n.text...)
	case kindArray:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendCanonical(dst)
		}
		return append(dst, ']')
	case kindObject:
		return n.appendObject(dst)
	default:
		return append(dst, "null"...)
	}
}

func (n node) appendObject(dst []byte) []byte {
	order := make([]int, len(n.keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare([]byte(n.keys[a]), []byte(n.keys[b])) })
	dst = append(dst, '{')
	for i, at := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, n.keys[at]), ':')
		dst = n.items[at].appendCanonical(dst)
	}
	return append(dst, '}')
}

// appendText escapes only what RFC 8785 escapes, with its short forms.
func appendText(dst []byte, text string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, ch := range text {
		switch {
		case ch == '"' || ch == '\\':
			dst = append(dst, '\\', byte(ch))
		case ch == '\b':
			dst = append(dst, `\b`...)
		case ch == '\t':
			dst = append(dst, `\t`...)
		case ch == '\n':
			dst = append(dst, `\n`...)
		case ch == '\f':
			dst = append(dst, `\f`...)
		case ch == '\r':
			dst = append(dst, `\r`...)
		case ch < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[ch>>4], hexDigits[ch&15])
		default:
			dst = utf8.AppendRune(dst, ch)
		}
	}
	return append(dst, '"')
}
