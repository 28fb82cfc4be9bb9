package planfile

import (
	"bytes"
	_ "embed" // for the schema
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Schema is the JSON Schema (draft 2020-12) of plan documents, for editors and for Read.
//
//go:embed plan.schema.json
var Schema []byte

// SchemaID is the address under which the schema is published.
const SchemaID = "https://upline.dev/schemas/plan.schema.json"

// compiled is the schema, read when the first plan is: a folder of scenarios holds hundreds of them.
var compiled = sync.OnceValues(compileSchema)

func compileSchema() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		return nil, fmt.Errorf("read plan schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(SchemaID, document); err != nil {
		return nil, fmt.Errorf("add plan schema: %w", err)
	}
	schema, err := compiler.Compile(SchemaID)
	if err != nil {
		return nil, fmt.Errorf("compile plan schema: %w", err)
	}
	return schema, nil
}

// checkSchema holds the document against the schema.
func (d *Document) checkSchema() ([]Problem, error) {
	schema, err := compiled()
	if err != nil {
		return nil, err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.JSON(integers...)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.filename, err)
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(instance); err == nil {
		return nil, nil
	} else if !errors.As(err, &invalid) {
		return nil, fmt.Errorf("%s: %w", d.filename, err)
	}
	return d.leaves(nil, invalid), nil
}

// leaves collects the errors that say something themselves.
func (d *Document) leaves(problems []Problem, e *jsonschema.ValidationError) []Problem {
	for _, cause := range e.Causes {
		problems = d.leaves(problems, cause)
	}
	if len(e.Causes) > 0 {
		return problems
	}
	path := pathOf(e.InstanceLocation)
	switch what := e.ErrorKind.(type) {
	case *kind.Required:
		for _, key := range what.Missing {
			problems = append(problems, d.problem(within(path, key), "is missing", "add it"))
		}
	case *kind.AdditionalProperties:
		for _, key := range what.Properties {
			problems = append(problems, d.problem(within(path, key), "is not a key of this place", "remove it or check its spelling"))
		}
	case *kind.Type:
		problems = append(problems, d.problem(path, "is of type "+what.Got, "write a "+strings.Join(what.Want, " or a ")))
	case *kind.Enum:
		problems = append(problems, d.problem(path, "is not one of the known words", "write one of "+wordList(what.Want)))
	case *kind.Pattern:
		problems = append(problems, d.problem(path, strconv.Quote(what.Got)+" is not written as it should be",
			"see the description of this key in the schema"))
	default:
		problems = append(problems, d.problem(path, "does not fit the plan schema ("+strings.Join(e.ErrorKind.KeywordPath(), "/")+")",
			"see the description of this key in the schema"))
	}
	return problems
}

func wordList(words []any) string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = fmt.Sprint(word)
	}
	return strings.Join(list, ", ")
}

// pathOf writes a location the way core/plan does: components[1].rates[0].
func pathOf(location []string) string {
	path := ""
	for _, step := range location {
		if _, err := strconv.Atoi(step); err == nil && path != "" {
			path += "[" + step + "]"
		} else {
			path = within(path, step)
		}
	}
	return path
}

func within(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
