package shopifytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// root answers one field of the query or the mutation.
type root func(args map[string]any) (any, error)

// execution is one document being answered. It was validated, so every field has its definition.
type execution struct {
	schema    *ast.Schema
	variables map[string]any
	roots     map[string]root
}

// object answers a selection on one object.
func (x *execution) object(set ast.SelectionSet, from Object, typeName string) (Object, error) {
	out := Object{}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			value, err := x.field(s, from, typeName)
			if err != nil {
				return nil, err
			}
			out[s.Alias] = value
		case *ast.InlineFragment:
			if err := x.fragment(s.SelectionSet, s.TypeCondition, from, typeName, out); err != nil {
				return nil, err
			}
		case *ast.FragmentSpread:
			if err := x.fragment(s.Definition.SelectionSet, s.Definition.TypeCondition, from, typeName, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (x *execution) fragment(set ast.SelectionSet, condition string, from Object, typeName string, out Object) error {
	if condition != "" && condition != typeName && !slices.Contains(x.schema.Types[typeName].Interfaces, condition) {
		return nil
	}
	part, err := x.object(set, from, typeName)
	for name, value := range part {
		out[name] = value
	}
	return err
}

func (x *execution) field(s *ast.Field, from Object, typeName string) (any, error) {
	if s.Name == "__typename" {
		return typeName, nil
	}
	value, known := from[s.Name]
	if resolve, isRoot := x.roots[s.Name]; isRoot && !known {
		var err error
		if value, err = resolve(s.ArgumentMap(x.variables)); err != nil {
			return nil, err
		}
		known = true
	}
	if !known && s.Definition.Type.NonNull {
		return nil, fmt.Errorf("the stand-in has no %s.%s", typeName, s.Name)
	}
	return x.value(s, value, s.Definition.Type)
}

// value answers what a field holds, by its type.
func (x *execution) value(s *ast.Field, value any, t *ast.Type) (any, error) {
	if value == nil {
		return nil, nil
	}
	if t.Elem != nil {
		list := value.([]any)
		out := make([]any, len(list))
		for i := range list {
			var err error
			if out[i], err = x.value(s, list[i], t.Elem); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	definition := x.schema.Types[t.NamedType]
	if definition.Kind == ast.Scalar || definition.Kind == ast.Enum {
		return value, nil
	}
	if list, isConnection := value.([]any); isConnection {
		return x.connection(s, list, definition)
	}
	from := value.(Object)
	name, _ := from["__typename"].(string)
	if name == "" {
		name = definition.Name
	}
	return x.object(s.SelectionSet, from, name)
}

// connection cuts a page out of a list. A cursor is the place in it.
func (x *execution) connection(s *ast.Field, list []any, definition *ast.Definition) (any, error) {
	args := s.ArgumentMap(x.variables)
	first, start := number(args["first"]), 0
	if after, _ := args["after"].(string); after != "" {
		at, err := strconv.Atoi(after)
		if err != nil || at < 0 || at > len(list) {
			return nil, fmt.Errorf("%q is no cursor", after)
		}
		start = at
	}
	end := min(len(list), start+first)
	edges, nodes := make([]any, 0, end-start), list[start:end]
	for i, node := range nodes {
		edges = append(edges, Object{"cursor": strconv.Itoa(start + i + 1), "node": node})
	}
	page := Object{"__typename": "PageInfo", "hasNextPage": end < len(list), "endCursor": strconv.Itoa(end)}
	return x.object(s.SelectionSet, Object{"edges": edges, "nodes": nodes, "pageInfo": page}, definition.Name)
}

// number reads an argument, 50 where it is not given.
func number(v any) int {
	switch n := v.(type) {
	case json.Number:
		i, _ := strconv.Atoi(n.String())
		return i
	case int64:
		return int(n)
	}
	return 50
}

// cost counts one point for every object that could come back, as many times as its connection may hold.
func (x *execution) cost(set ast.SelectionSet) int {
	total := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if len(s.SelectionSet) == 0 {
				continue
			}
			times := 1
			if s.Definition.Arguments.ForName("first") != nil {
				times = number(s.ArgumentMap(x.variables)["first"])/10 + 1
			}
			total += times * (1 + x.cost(s.SelectionSet)/4)
		case *ast.InlineFragment:
			total += x.cost(s.SelectionSet)
		case *ast.FragmentSpread:
			total += x.cost(s.Definition.SelectionSet)
		}
	}
	return total
}
