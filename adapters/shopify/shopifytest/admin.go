package shopifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"upline.dev/upline/adapters/shopify/adminapi"
)

// GraphQLPath is where the Admin API is.
const GraphQLPath = "/admin/api/" + adminapi.Version + "/graphql.json"

// Object is one object of the API: its fields by name, "__typename" among them. A connection is a []any.
type Object = map[string]any

// Admin is the GraphQL Admin API of one shop, true to the schema: what is not in it is refused, and what a query costs is
// taken from the bucket. It is safe for concurrent use.
type Admin struct {
	Clock   func() time.Time // default time.Now
	Restore int              // points per second; default 100
	Maximum int              // of the bucket; default 2000
	CostMax int              // of one query; default 1000

	mu        sync.Mutex
	schema    *ast.Schema
	orders    orders
	variants  []any
	codes     map[string]string // code -> discount
	creations map[string]Object
	pixel     string // its settings
	// subscriptions are those made by the API; subscribed counts all there ever were.
	subscriptions []Subscription
	subscribed    int
	bulks         []*bulk
	asked         []string // names of the operations that were answered
	available     int
	at            time.Time
	faults        []func(w http.ResponseWriter, r *http.Request) bool
	// BulkTurns is how many times a bulk operation is asked after before it is done.
	BulkTurns int
	// RefusedTopics are those that the shop has not granted the scope of, as the schema writes them.
	RefusedTopics []string
	// BulkFails ends the next bulk operation with this code.
	BulkFails string
}

// NewAdmin is a shop without orders.
func NewAdmin() *Admin {
	return &Admin{
		Clock: time.Now, Restore: 100, Maximum: 2000, CostMax: 1000, available: 2000, //nolint:forbidigo // the default of a clock that is an argument
		schema: gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: adminapi.SDL}),
		codes:  map[string]string{}, creations: map[string]Object{},
	}
}

// Asked are the names of the operations answered so far, in order.
func (a *Admin) Asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.asked...)
}

// FailNext makes the next requests fail, one each, in order. A fault that returns false lets the request be answered after
// what it did to it.
func (a *Admin) FailNext(faults ...func(w http.ResponseWriter, r *http.Request) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, faults...)
}

// ServeHTTP answers a GraphQL request, or a download of a bulk operation's result.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	var fault func(http.ResponseWriter, *http.Request) bool
	if len(a.faults) > 0 {
		fault, a.faults = a.faults[0], a.faults[1:]
	}
	a.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	if id, found := strings.CutPrefix(r.URL.Path, bulkPath); found {
		a.download(w, r, id)
		return
	}
	if r.URL.Path != GraphQLPath || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	if w.Header().Get("X-Shopify-API-Version") == "" {
		w.Header().Set("X-Shopify-API-Version", adminapi.Version)
	}
	var q struct {
		Query     string         `json:"query"`
		Operation string         `json:"operationName"`
		Variables map[string]any `json:"variables"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&q); err != nil {
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer(w, q.Query, q.Operation, q.Variables)
}

// answer runs one document; a.mu is held.
func (a *Admin) answer(w http.ResponseWriter, text, operation string, variables map[string]any) {
	document, errs := gqlparser.LoadQueryWithRules(a.schema, text, rules.NewDefaultRules())
	if errs != nil {
		sendErrors(w, nil, queryError(errs[0].Message, "undefinedField"))
		return
	}
	if len(document.Operations) != 1 || document.Operations[0].Name != operation {
		sendErrors(w, nil, queryError("want one operation with its name", "operationNotFound"))
		return
	}
	op := document.Operations[0]
	x := &execution{schema: a.schema, variables: variables}
	asked := x.cost(op.SelectionSet)
	a.refill()
	status := Object{"maximumAvailable": float(a.Maximum), "currentlyAvailable": a.available, "restoreRate": float(a.Restore)}
	cost := Object{"requestedQueryCost": asked, "actualQueryCost": nil, "throttleStatus": status}
	switch {
	case asked > a.CostMax:
		sendErrors(w, cost, queryError(fmt.Sprintf("Query cost is %d, which exceeds the single query max cost limit (%d).", asked, a.CostMax), "MAX_COST_EXCEEDED"))
		return
	case asked > a.available:
		sendErrors(w, cost, queryError("Throttled", "THROTTLED"))
		return
	}
	a.available -= asked
	status["currentlyAvailable"], cost["actualQueryCost"] = a.available, asked
	a.asked = append(a.asked, op.Name)
	x.roots = a.roots(variables)
	data, err := x.object(op.SelectionSet, Object{"__typename": rootName(a.schema, op)}, rootName(a.schema, op))
	if err != nil {
		sendErrors(w, cost, queryError(err.Error(), "INTERNAL_SERVER_ERROR"))
		return
	}
	send(w, Object{"data": data, "extensions": Object{"cost": cost}})
}

// float is a number as Shopify writes its points.
func float(n int) json.Number { return json.Number(strconv.Itoa(n) + ".0") }

func rootName(schema *ast.Schema, op *ast.OperationDefinition) string {
	if op.Operation == ast.Mutation {
		return schema.Mutation.Name
	}
	return schema.Query.Name
}

func (a *Admin) refill() {
	now := a.Clock()
	if a.at.IsZero() {
		a.at = now
	}
	a.available = min(a.Maximum, a.available+int(now.Sub(a.at)*time.Duration(a.Restore)/time.Second))
	a.at = now
}

func queryError(message, code string) Object {
	return Object{"message": message, "extensions": Object{"code": code}}
}

func sendErrors(w http.ResponseWriter, cost Object, errs ...Object) {
	answer := Object{"errors": errs}
	if cost != nil {
		answer["extensions"] = Object{"cost": cost}
	}
	send(w, answer)
}

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // nobody is left to tell
}

// ServeAdmin lets the shops answer the Admin API as a does, and the storage host give its bulk results.
func (s *Server) ServeAdmin(a *Admin) {
	identity := s.GraphQL
	s.GraphQL = func(w http.ResponseWriter, r *http.Request, shop *Shop) {
		body, err := readAll(r)
		if err == nil && strings.Contains(body, "ShopIdentity") {
			identity(w, r, shop)
			return
		}
		a.ServeHTTP(w, r)
	}
	s.mux.HandleFunc("GET "+bulkPath, a.ServeHTTP)
}
