package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is the JSON kind of a node.
type kind string

const (
	kindObject kind = "an object"
	kindArray  kind = "a list"
	kindText   kind = "a text"
	kindNumber kind = "a number"
	kindBool   kind = "true or false"
	kindNull   kind = "nothing"
)

// node is a JSON value before it is known what it should be. encoding/json's own decoding into structs would accept
// "NAME" for "name", take the last of two equal keys, and stop at the first problem without its place.
type node struct {
	kind  kind
	text  string // of a text, number or bool
	keys  []string
	items []node // of a list, or of an object in the order of keys
}

// parseNode reads one value and all below it.
func parseNode(tokens *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	token, err := tokens.Token()
	if err != nil {
		return node{}, fmt.Errorf("not JSON: %w", err)
	}
	switch value := token.(type) {
	case json.Delim:
		if value == '{' {
			return parseObject(tokens, depth)
		}
		return parseArray(tokens, depth)
	case string:
		return node{kind: kindText, text: value}, nil
	case json.Number:
		return node{kind: kindNumber, text: value.String()}, nil
	case bool:
		return node{kind: kindBool, text: strconv.FormatBool(value)}, nil
	default:
		return node{kind: kindNull}, nil
	}
}

func parseObject(tokens *json.Decoder, depth int) (node, error) {
	n := node{kind: kindObject}
	for tokens.More() {
		name, err := tokens.Token()
		if err != nil {
			return node{}, fmt.Errorf("not JSON: %w", err)
		}
		key, _ := name.(string) // The decoder yields only strings as names.
		value, err := parseNode(tokens, depth+1)
		if err != nil {
			return node{}, err
		}
		n.keys, n.items = append(n.keys, key), append(n.items, value)
	}
	return n, closing(tokens)
}

func parseArray(tokens *json.Decoder, depth int) (node, error) {
	n := node{kind: kindArray}
	for tokens.More() {
		value, err := parseNode(tokens, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, value)
	}
	return n, closing(tokens)
}

func closing(tokens *json.Decoder) error {
	if _, err := tokens.Token(); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return nil
}

// parseDocument reads the whole document as one value.
func parseDocument(document []byte) (node, error) {
	if len(document) > MaxBytes {
		return node{}, fmt.Errorf("longer than %d bytes", MaxBytes)
	}
	if !utf8.Valid(document) {
		return node{}, errors.New("not UTF-8")
	}
	tokens := json.NewDecoder(bytes.NewReader(document))
	tokens.UseNumber()
	root, err := parseNode(tokens, 1)
	if err != nil {
		return node{}, err
	}
	if rest := document[tokens.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return node{}, errors.New("more text after the plan")
	}
	return root, nil
}

// reader collects what is wrong while values are taken out of nodes.
type reader struct {
	problems []Problem
}

func (r *reader) report(path, reason, mend string) {
	r.problems = append(r.problems, Problem{Path: path, Reason: reason, Mend: mend})
}

// object is a node known to be an object, with its path for messages.
type object struct {
	r    *reader
	path string
	n    node
}

// volumeGates are words a merchant may reach for where a component is paid per order.
var volumeGates = []string{
	"active_legs", "condition", "conditions", "gv", "legs", "min_gv", "min_pv", "pgv", "pv", "qualification",
	"qualify", "requires", "when",
}

// object opens n, naming keys that are unknown or given twice. Anything but an object reads as an empty one.
func (r *reader) object(n node, path string, known ...string) object {
	if n.kind != kindObject {
		r.report(path, fmt.Sprintf("is %s", n.kind), "write keys and values here: "+strings.Join(known, ", "))
		return object{r: r, path: path}
	}
	for i, key := range n.keys {
		at := join(path, key)
		switch {
		case slices.Contains(n.keys[:i], key):
			r.report(at, "is given twice", "keep one of the two")
		case slices.Contains(known, key):
		case slices.Contains(volumeGates, key):
			r.report(at, "is a condition on volume or activity, which a component paid per order cannot have",
				"what depends on other orders is decided at the end of a period; leave it out here")
		default:
			r.report(at, "is not a key of this place", "use one of "+strings.Join(known, ", "))
		}
	}
	return object{r: r, path: path, n: n}
}

// get finds the value of a key.
func (o object) get(key string) (n node, path string, ok bool) {
	if i := slices.Index(o.n.keys, key); i >= 0 {
		return o.n.items[i], join(o.path, key), true
	}
	return node{}, join(o.path, key), false
}

// text is the text under key, or fallback where there is none.
func (o object) text(key, fallback string) string {
	n, path, ok := o.get(key)
	if !ok {
		return fallback
	}
	return o.r.textOf(n, path, fallback)
}

func (r *reader) textOf(n node, path, fallback string) string {
	if n.kind == kindText {
		return n.text
	}
	mend := "write it as a text in quotes"
	if n.kind == kindNumber {
		mend = fmt.Sprintf("write it as a text, %q, so that no digit is lost on the way", n.text)
	}
	r.report(path, fmt.Sprintf("is %s where a text belongs", n.kind), mend)
	return fallback
}

// texts is the list of texts under key, or fallback where there is none.
func (o object) texts(key string, fallback []string) []string {
	items, path, ok := o.list(key)
	if !ok {
		return fallback
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = o.r.textOf(item, index(path, i), "")
	}
	return out
}

// list is the list under key.
func (o object) list(key string) (items []node, path string, ok bool) {
	n, path, ok := o.get(key)
	if !ok {
		return nil, path, false
	}
	if n.kind != kindArray {
		o.r.report(path, fmt.Sprintf("is %s where a list belongs", n.kind), "write it as a list, such as [a, b]")
		return nil, path, false
	}
	return n.items, path, true
}

// textMap is the object of texts under key; nil where there is none.
func (o object) textMap(key string) map[string]string {
	n, path, ok := o.get(key)
	if !ok {
		return nil
	}
	fields := o.r.object(n, path, n.keys...)
	out := make(map[string]string, len(fields.n.keys))
	for _, name := range fields.n.keys {
		out[name] = fields.text(name, "")
	}
	return out
}

// flag is the true or false under key; false where there is none.
func (o object) flag(key string) bool {
	n, path, ok := o.get(key)
	if ok && n.kind != kindBool {
		o.r.report(path, fmt.Sprintf("is %s", n.kind), "write true or false")
	}
	return n.kind == kindBool && n.text == "true"
}

// days is the small whole number under key; 0 where there is none.
func (o object) days(key string) int {
	n, path, ok := o.get(key)
	if !ok {
		return 0
	}
	days, err := strconv.Atoi(n.text)
	if n.kind != kindNumber || err != nil || days < 0 || days > MaxDays || strconv.Itoa(days) != n.text {
		o.r.report(path, "is no number of days", fmt.Sprintf("write a whole number from 0 to %d", MaxDays))
		return 0
	}
	return days
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
