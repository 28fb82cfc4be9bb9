package shopifytest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// bulkPath is where results lie, on another host than the shop's.
const bulkPath = "/shopify-bulk-results/"

// BulkHost is the host of results, which must never see a token.
const BulkHost = "storage.googleapis.com"

// Limits of bulk operations.
const (
	bulkConnections = 5
	bulkNesting     = 2
	bulkAtOnce      = 5
)

// bulk is one bulk operation.
type bulk struct {
	id       string
	query    string
	document *ast.QueryDocument
	status   string
	code     any
	turns    int
	created  time.Time
}

func (a *Admin) startBulk(args map[string]any) (any, error) {
	query, _ := args["query"].(string)
	running := 0
	for _, b := range a.bulks {
		if b.status == "RUNNING" {
			running++
		}
	}
	if running >= bulkAtOnce {
		return bulkRefused("LIMIT_REACHED", "A bulk operation for this app and shop is already in progress."), nil
	}
	document, errs := gqlparser.LoadQueryWithRules(a.schema, query, rules.NewDefaultRules())
	if errs != nil {
		return bulkRefused("INVALID", "Invalid bulk query: "+errs[0].Message), nil
	}
	if problem := (&bulkRules{}).check(document.Operations[0].SelectionSet, 0, false); problem != "" {
		return bulkRefused("INVALID", problem), nil
	}
	b := &bulk{
		id: fmt.Sprintf("gid://shopify/BulkOperation/%d", len(a.bulks)+1), query: query, document: document,
		status: "RUNNING", turns: a.BulkTurns, created: a.Clock(),
	}
	if a.BulkFails != "" {
		b.code, a.BulkFails = a.BulkFails, ""
	}
	a.bulks = append(a.bulks, b)
	return Object{"bulkOperation": a.bulkObject(b), "userErrors": []any{}}, nil
}

func bulkRefused(code, message string) Object {
	return Object{"userErrors": []any{Object{"field": []any{"query"}, "message": message, "code": code}}}
}

// bulkRules are what a bulk query may hold.
type bulkRules struct{ connections int }

func (r *bulkRules) check(set ast.SelectionSet, depth int, inList bool) string {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if problem := r.field(s, depth, inList); problem != "" {
				return problem
			}
		case *ast.InlineFragment:
			if problem := r.check(s.SelectionSet, depth, inList); problem != "" {
				return problem
			}
		case *ast.FragmentSpread:
			if problem := r.check(s.Definition.SelectionSet, depth, inList); problem != "" {
				return problem
			}
		}
	}
	if depth == 0 && r.connections == 0 {
		return "Bulk queries must contain at least one connection."
	}
	return ""
}

func (r *bulkRules) field(s *ast.Field, depth int, inList bool) string {
	if !isConnection(s) {
		isList := s.Definition.Type.Elem != nil && s.Name != "edges" && s.Name != "nodes"
		return r.check(s.SelectionSet, max(depth, 1), inList || isList)
	}
	r.connections++
	switch {
	case inList:
		return "Queries that contain a connection field within a list field are not currently supported."
	case r.connections > bulkConnections:
		return "Bulk queries cannot contain more than 5 connections."
	case depth > bulkNesting+1:
		return "Bulk queries cannot contain connections with a nesting depth greater than 2."
	}
	return r.check(s.SelectionSet, max(depth, 1)+1, false)
}

func isConnection(s *ast.Field) bool {
	return strings.HasSuffix(s.Definition.Type.NamedType, "Connection")
}

func (a *Admin) bulkObject(b *bulk) Object {
	out := Object{
		"__typename": "BulkOperation", "id": b.id, "status": b.status, "errorCode": b.code, "objectCount": strconv.Itoa(a.orders.count),
		"createdAt": b.created.UTC().Format(time.RFC3339), "query": b.query, "url": nil,
	}
	if b.status == "COMPLETED" && a.orders.count > 0 {
		out["url"] = "https://" + BulkHost + bulkPath + strings.TrimPrefix(b.id, "gid://shopify/BulkOperation/")
	}
	return out
}

// bulkState lets an operation come one turn further.
func (a *Admin) bulkState(args map[string]any) (any, error) {
	b := a.findBulk(args["id"])
	if b == nil {
		return nil, nil
	}
	switch {
	case b.status != "RUNNING":
	case b.turns > 0:
		b.turns--
	case b.code != nil:
		b.status = "FAILED"
	default:
		b.status = "COMPLETED"
	}
	return a.bulkObject(b), nil
}

func (a *Admin) findBulk(id any) *bulk {
	at := slices.IndexFunc(a.bulks, func(b *bulk) bool { return b.id == id })
	if at < 0 {
		return nil
	}
	return a.bulks[at]
}

func (a *Admin) recentBulks(map[string]any) (any, error) {
	var out []any
	for _, b := range slices.Backward(a.bulks) {
		out = append(out, a.bulkObject(b))
	}
	return orEmpty(out), nil
}

func (a *Admin) cancelBulk(args map[string]any) (any, error) {
	b := a.findBulk(args["id"])
	if b == nil {
		return Object{"userErrors": []any{Object{"field": []any{"id"}, "message": "Bulk operation does not exist"}}}, nil
	}
	b.status = "CANCELED"
	return Object{"bulkOperation": a.bulkObject(b), "userErrors": []any{}}, nil
}

// download writes the result, one object a line, children with the id of their parent, and the children first: nobody may
// count on any order.
func (a *Admin) download(w http.ResponseWriter, r *http.Request, id string) {
	if r.Header.Get("X-Shopify-Access-Token") != "" {
		http.Error(w, "a token was sent to the storage host", http.StatusTeapot)
		return
	}
	a.mu.Lock()
	b := a.findBulk("gid://shopify/BulkOperation/" + id)
	found := a.orders
	a.mu.Unlock()
	if b == nil || b.status != "COMPLETED" {
		http.NotFound(w, r)
		return
	}
	out := bufio.NewWriterSize(w, 1<<16)
	x := &execution{schema: a.schema}
	rootField := b.document.Operations[0].SelectionSet[0].(*ast.Field)
	from, to, err := window(rootField.ArgumentMap(nil)["query"].(string))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	lines := json.NewEncoder(out)
	for depth := 2; depth >= 0; depth-- {
		writer := &bulkWriter{x: x, depth: depth, lines: lines}
		_ = found.each(from, to, func(order Object) error { // nobody is left to tell
			return writer.node(nodeSelection(rootField), order, "Order", "", 0)
		})
	}
	_ = out.Flush()
}

// bulkWriter writes the objects of one depth.
type bulkWriter struct {
	x     *execution
	depth int
	lines *json.Encoder
}

// nodeSelection is the selection inside edges.node or nodes.
func nodeSelection(s *ast.Field) ast.SelectionSet {
	for _, selection := range s.SelectionSet {
		field := selection.(*ast.Field)
		switch field.Name {
		case "nodes":
			return field.SelectionSet
		case "edges":
			return field.SelectionSet[0].(*ast.Field).SelectionSet
		}
	}
	return nil
}

func (w *bulkWriter) node(set ast.SelectionSet, from Object, typeName, parent string, depth int) error {
	if name, ok := from["__typename"].(string); ok {
		typeName = name
	}
	var own ast.SelectionSet
	var connections []*ast.Field
	for _, selection := range set {
		if field, isField := selection.(*ast.Field); isField && isConnection(field) {
			connections = append(connections, field)
			continue
		}
		own = append(own, selection)
	}
	if depth == w.depth {
		line, err := w.x.object(own, from, typeName)
		if err != nil {
			return err
		}
		if parent != "" {
			line["__parentId"] = parent
		}
		return w.lines.Encode(line)
	}
	for _, connection := range connections {
		for _, child := range from[connection.Name].([]any) {
			if err := w.node(nodeSelection(connection), child.(Object), connection.Definition.Type.NamedType, from["id"].(string), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
