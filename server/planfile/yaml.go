package planfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"upline.dev/upline/core/plan"
)

// Limits on a file. The parser recurses, so its depth is bounded before it runs: by nested brackets, by indentation, and
// by "- - -" and "? ? ?" in one line.
const (
	MaxBytes  = plan.MaxBytes
	maxDepth  = 24
	maxIndent = 200
	maxTokens = 400_000
)

type nodeKind int

const (
	textKind nodeKind = iota
	numberKind
	boolKind
	mapKind
	listKind
)

// node is a value of the file with its place.
type node struct {
	kind         nodeKind
	text         string // of a text, number or bool, as written
	keys         []string
	items        []*node
	line, column int // of the key, for a value in a mapping
}

// Document is a YAML file taken apart, with the place of every value.
type Document struct {
	filename string
	root     *node
}

// ParseYAML reads one YAML document. What a plan or scenario has no use for and what readers disagree about is refused:
// anchors, aliases, tags, merge keys, several documents, keys given twice, nothing (~) as a value.
func ParseYAML(data []byte, filename string) (d *Document, err error) {
	d = &Document{filename: filename, root: &node{kind: mapKind, line: 1, column: 1}}
	if len(data) > MaxBytes {
		return nil, d.refuse(1, 1, fmt.Sprintf("the file is longer than %d bytes", MaxBytes), "split it or shorten it")
	}
	if !utf8.Valid(data) {
		return nil, d.refuse(1, 1, "the file is not UTF-8", "save it as UTF-8")
	}
	defer func() {
		// The YAML library indexes tokens without checking in places; a file it trips over is a bad file, not a crash.
		if fault := recover(); fault != nil {
			d, err = nil, d.refuse(1, 1, "the file is not YAML that can be read", "check quotes, brackets and indentation")
		}
	}()
	file, err := d.parse(strings.TrimPrefix(string(data), "\ufeff"))
	if err != nil {
		return nil, err
	}
	c := converter{document: d}
	for i, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case i > 0 && len(d.root.items) > 0:
			c.report(doc.Body.GetToken(), "", "is a second document", "keep one document per file")
		default:
			d.root = c.convert(doc.Body, "", 1)
		}
	}
	if len(c.problems) > 0 {
		return nil, &Errors{Problems: c.problems}
	}
	return d, nil
}

// parse runs the YAML parser within the limits.
func (d *Document) parse(text string) (*ast.File, error) {
	tokens := lexer.Tokenize(text)
	if err := d.checkShape(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err == nil {
		return file, nil
	}
	line, column, reason := 1, 1, err.Error()
	var where yaml.Error
	if errors.As(err, &where) {
		reason = where.GetMessage()
		if at := where.GetToken(); at != nil {
			line, column = place(at)
		}
	}
	mend := "check quotes, brackets and indentation here"
	if strings.Contains(reason, "already defined") {
		mend = "keep one of the two"
	}
	return nil, d.refuse(line, column, reason, mend)
}

// checkShape bounds what the parser will recurse into.
func (d *Document) checkShape(tokens token.Tokens) error {
	if len(tokens) > maxTokens {
		return d.refuse(1, 1, fmt.Sprintf("the file has more than %d words", maxTokens), "shorten it")
	}
	open, line, marks := 0, 0, 0
	for _, t := range tokens {
		at, column := place(t)
		if at != line {
			line, marks = at, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open++
		case token.MappingEndType, token.SequenceEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			marks++
		default: // All other tokens nest nothing.
		}
		if open > maxDepth || marks > maxDepth || marks > 0 && column > maxIndent+maxDepth*2 || t.Position != nil && t.Position.IndentNum > maxIndent {
			return d.refuse(at, column, "values are nested too deeply", fmt.Sprintf("a plan needs less than %d levels", maxDepth))
		}
	}
	return nil
}

func place(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return max(t.Position.Line, 1), max(t.Position.Column, 1)
}

func (d *Document) refuse(line, column int, reason, mend string) error {
	return &Errors{Problems: []Problem{{d.filename, line, column, "", reason, mend}}}
}

// converter turns the YAML tree into nodes and collects what is refused.
type converter struct {
	document *Document
	problems []Problem
}

func (c *converter) report(t *token.Token, path, reason, mend string) *node {
	line, column := place(t)
	c.problems = append(c.problems, Problem{c.document.filename, line, column, path, reason, mend})
	return &node{line: line, column: column}
}

func (c *converter) convert(n ast.Node, path string, depth int) *node {
	if depth > maxDepth {
		return c.report(n.GetToken(), path, "is nested too deeply", fmt.Sprintf("a plan needs less than %d levels", maxDepth))
	}
	line, column := place(n.GetToken())
	switch value := n.(type) {
	case *ast.MappingNode:
		return c.mapping(value.Values, path, depth, line, column)
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{value}, path, depth, line, column)
	case *ast.SequenceNode:
		list := &node{kind: listKind, line: line, column: column}
		for i, item := range value.Values {
			list.items = append(list.items, c.convert(item, path+"["+strconv.Itoa(i)+"]", depth+1))
		}
		return list
	case *ast.StringNode:
		return &node{kind: textKind, text: value.Value, line: line, column: column}
	case *ast.LiteralNode:
		return &node{kind: textKind, text: value.Value.Value, line: line, column: column}
	case *ast.IntegerNode, *ast.FloatNode:
		return &node{kind: numberKind, text: n.GetToken().Value, line: line, column: column}
	case *ast.BoolNode:
		return &node{kind: boolKind, text: strconv.FormatBool(value.Value), line: line, column: column}
	default:
		return c.report(n.GetToken(), path, "is "+describe(n), "write a text, a number, a list, or keys and values")
	}
}

// describe names the kinds of YAML that are refused.
func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "empty"
	case *ast.AnchorNode:
		return "an anchor (&), which is not used here"
	case *ast.AliasNode:
		return "an alias (*), which is not used here; a lone * is written \"*\""
	case *ast.TagNode:
		return "a tag (!), which is not used here"
	case *ast.InfinityNode, *ast.NanNode:
		return "no number that can be reckoned with"
	default:
		return "nothing that is used here"
	}
}

func (c *converter) mapping(values []*ast.MappingValueNode, path string, depth, line, column int) *node {
	m := &node{kind: mapKind, line: line, column: column}
	for _, value := range values {
		var key string
		switch name := value.Key.(type) {
		case *ast.StringNode:
			key = name.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			key = value.Key.GetToken().Value
		default:
			c.report(value.Key.GetToken(), path, "has a key that is no plain text", "write keys as plain words")
			continue
		}
		at := key
		if path != "" {
			at = path + "." + key
		}
		if slices.Contains(m.keys, key) {
			c.report(value.Key.GetToken(), at, "is given twice", "keep one of the two")
			continue
		}
		item := c.convert(value.Value, at, depth+1)
		item.line, item.column = place(value.Key.GetToken())
		m.keys, m.items = append(m.keys, key), append(m.items, item)
	}
	return m
}

// Get is the part of the document under a key of its top level; nil where there is none.
func (d *Document) Get(key string) *Document {
	if i := slices.Index(d.root.keys, key); i >= 0 {
		return &Document{filename: d.filename, root: d.root.items[i]}
	}
	return nil
}

// Text is the document where it is one text.
func (d *Document) Text() (string, bool) { return d.root.text, d.root.kind == textKind }

// JSON writes the document as JSON. Numbers become texts as they stand in the file, except whole numbers under the keys
// named in integers.
func (d *Document) JSON(integers ...string) []byte { return d.root.appendJSON(nil, integers, false) }

func (n *node) appendJSON(dst []byte, integers []string, integer bool) []byte {
	switch n.kind {
	case mapKind:
		dst = append(dst, '{')
		for i, key := range n.keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, key), ':')
			dst = n.items[i].appendJSON(dst, integers, slices.Contains(integers, key))
		}
		return append(dst, '}')
	case listKind:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendJSON(dst, integers, false)
		}
		return append(dst, ']')
	case boolKind:
		return append(dst, n.text...)
	case numberKind:
		if integer && isInteger(n.text) {
			return append(dst, n.text...)
		}
	case textKind: // is quoted below
	}
	return appendText(dst, n.text)
}

// isInteger tells whether a text is a whole number as JSON writes it.
func isInteger(text string) bool {
	value, err := strconv.ParseInt(text, 10, 32)
	return err == nil && strconv.FormatInt(value, 10) == text
}

func appendText(dst []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(dst, `""`...) // No string fails to marshal.
	}
	return append(dst, quoted...)
}

// problem stands at a path such as components[1].rates[0], or at the nearest thing above it that is there.
func (d *Document) problem(path, reason, mend string) Problem {
	at := d.root
	for rest := path; rest != ""; {
		var next *node
		next, rest = at.child(rest)
		if next == nil {
			break
		}
		at = next
	}
	return Problem{d.filename, at.line, at.column, path, reason, mend}
}

// child takes the first step of a path. Keys that hold dots are found because the longest key that fits is taken.
func (n *node) child(path string) (*node, string) {
	if rest, ok := strings.CutPrefix(path, "["); ok {
		number, rest, _ := strings.Cut(rest, "]")
		i, err := strconv.Atoi(number)
		if err != nil || n.kind != listKind || i < 0 || i >= len(n.items) {
			return nil, ""
		}
		return n.items[i], strings.TrimPrefix(rest, ".")
	}
	var found *node
	longest, left := -1, ""
	for i, key := range n.keys {
		rest, ok := strings.CutPrefix(path, key)
		if ok && len(key) > longest && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			found, longest, left = n.items[i], len(key), strings.TrimPrefix(rest, ".")
		}
	}
	return found, left
}
