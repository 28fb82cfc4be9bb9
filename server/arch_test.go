// Package server_test holds the shape of the code: which package may import
// which, what core may not touch, and how long a function may be. See
// docs/architecture.md for the reasons. To add a package, add its row; to add
// a library, name who may use it.
package server_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "upline.dev/upline"

// row says what one package may import from our module: packages of earlier
// rows, "core/*" for all of core, or "*" for every row before it.
type row struct {
	pkg      string
	ours     string // space-separated
	testOnly bool   // may be imported by _test.go files and other testOnly packages only
	leaf     bool   // may be imported by nobody
}

// table reads as chapters: a row refers to rows above it, so there is no way
// back from core to adapters or from adapters to server.
var table = []row{
	{pkg: "core/money"},
	{pkg: "core/order", ours: "core/money"},
	{pkg: "core/genealogy", ours: "core/money"},
	{pkg: "core/catalog", ours: "core/money"},
	{pkg: "core/plan", ours: "core/money"},
	{pkg: "core/period", ours: "core/money core/genealogy core/plan"},
	{pkg: "core/placement", ours: "core/money core/genealogy core/plan"},
	{pkg: "core/commission", ours: "core/money core/order core/genealogy core/catalog core/plan core/period"},
	{pkg: "core/ledger", ours: "core/money core/commission"},
	{pkg: "core/payout", ours: "core/money core/ledger"},

	{pkg: "adapters", ours: "core/order core/money"},
	{pkg: "adapters/wire", ours: "adapters"},
	{pkg: "adapters/shopify/adminapi", ours: "adapters"},
	{pkg: "adapters/shopify/shopifytest", ours: "adapters adapters/shopify/adminapi", testOnly: true},
	{pkg: "adapters/shopify", ours: "adapters adapters/wire adapters/shopify/adminapi core/order core/money"},
	{pkg: "adapters/fence"},
	{pkg: "adapters/plugin", ours: "adapters adapters/wire core/order core/money"},
	{pkg: "adapters/woocommerce", ours: "adapters adapters/wire adapters/plugin core/order core/money"},
	{pkg: "adapters/magento", ours: "adapters adapters/fence adapters/wire adapters/plugin core/order core/money"},
	{pkg: "adapters/magento/magentotest", testOnly: true},
	{pkg: "adapters/custom", ours: "adapters core/order core/money"},
	{pkg: "adapters/adaptertest", ours: "adapters core/order core/money", testOnly: true},

	{pkg: "server"},
	{pkg: "server/bus", ours: "server"},
	{pkg: "server/event", ours: "server"},
	{pkg: "server/relay", ours: "server server/bus server/event"},
	{pkg: "server/duty"},
	{pkg: "server/webhook", ours: "server server/bus server/relay adapters adapters/fence"},
	{pkg: "server/secret", ours: "server"},
	{pkg: "server/metrics", ours: "server"},
	{pkg: "server/web"},
	{pkg: "server/inbox", ours: "server core/order"},
	{pkg: "server/dedupe", ours: "server core/order"},
	{pkg: "server/query", ours: "server core/*"},
	{pkg: "server/explain", ours: "server/query core/*"},
	{pkg: "server/planfile", ours: "server core/plan core/money"},
	{pkg: "server/scenario", ours: "server server/planfile core/*"},
	{pkg: "server/admin", ours: "server server/secret core/*"},
	{pkg: "server/install", ours: "server server/secret server/admin adapters core/order core/money"},
	{pkg: "server/importer", ours: "server server/admin server/query core/*"},
	{pkg: "server/imports", ours: "server server/admin server/importer server/query"},
	{pkg: "server/auth", ours: "server"},
	{pkg: "server/channel", ours: "server server/admin server/auth server/install server/query server/secret adapters core/*"},
	{pkg: "server/courier", ours: "server server/bus server/event server/inbox core/order"},
	{pkg: "server/pipeline", ours: "server server/inbox server/dedupe server/bus adapters core/*"},
	{pkg: "server/reconcile", ours: "server server/inbox adapters core/*"},
	{pkg: "server/sync", ours: "server server/inbox server/query adapters core/*"},
	{pkg: "server/warehouse", ours: "server server/inbox adapters core/*"},
	{pkg: "server/notify", ours: "server server/inbox adapters core/*"},
	{pkg: "server/privacy", ours: "server server/inbox"},
	{pkg: "server/reference"},
	{pkg: "server/notice", ours: "server server/privacy adapters core/order"},
	{pkg: "server/run", ours: "server core/*"},
	{pkg: "server/store", ours: "server server/duty server/relay server/reconcile adapters server/auth server/channel server/inbox server/pipeline server/query server/admin server/importer server/run server/install server/privacy server/reference server/webhook core/* server/imports"},
	{pkg: "server/storetest", ours: "server server/duty server/relay server/reconcile adapters server/auth server/channel server/inbox server/pipeline server/query server/admin server/importer server/run server/install server/privacy server/reference server/webhook core/* server/imports", testOnly: true},
	{pkg: "server/storetest/blank", ours: "server/store", testOnly: true},
	{pkg: "server/httpapi", ours: "server server/reconcile server/inbox server/dedupe server/pipeline server/auth server/secret server/imports " +
		"server/metrics server/web server/webhook server/planfile server/query server/explain server/admin server/run server/install server/channel server/privacy server/reference adapters core/*"},
	{pkg: "server/demo", ours: "server server/run server/inbox server/pipeline server/query server/admin server/importer server/planfile server/secret adapters core/*"},
	{pkg: "server/bench", ours: "*"},
	{pkg: "server/cmd/upline", ours: "*", leaf: true},
	{pkg: "server/e2e", ours: "*", leaf: true},
	{pkg: "server/e2e/chaos", ours: "server/bus", leaf: true},
	{pkg: "server/e2e/shopifyworld", testOnly: true, leaf: true},
	{pkg: "server/e2e/magentoworld", testOnly: true, leaf: true},
}

// libraries names every third-party module (or a part of one) and who may use
// it; "*" is any package outside core. What only one package may import is
// the seam at which it can be exchanged.
var libraries = map[string]string{
	"github.com/alecthomas/kong":             "server/cmd/upline",
	"github.com/gin-gonic/gin":               "server/httpapi server/bench",
	"github.com/getkin/kin-openapi":          "server/httpapi",
	"github.com/jmoiron/sqlx":                "server/store",
	"github.com/lib/pq":                      "server/store server/bench server/e2e/chaos",
	"modernc.org/sqlite":                     "server/store",
	"github.com/pressly/goose/v3":            "server/store",
	"github.com/goccy/go-yaml":               "server/planfile",
	"github.com/santhosh-tekuri/jsonschema":  "server/planfile server/relay server/pipeline",
	"github.com/golang-jwt/jwt/v5":           "server/auth adapters/shopify",
	"github.com/bold-commerce/go-shopify/v4": "adapters/shopify",
	"github.com/Khan/genqlient":              "adapters/shopify/adminapi",
	"github.com/prometheus/client_golang":    "server/metrics server/httpapi server/cmd/upline",
	"github.com/rabbitmq/amqp091-go":         "server/bus",
	"github.com/twmb/franz-go":               "server/bus server/bench",
	"github.com/redis/go-redis/v9":           "server/dedupe",
	"github.com/google/uuid":                 "server/inbox server/httpapi server/admin server/cmd/upline",
	"github.com/klauspost/compress":          "*",
	"github.com/go-json-experiment/json":     "*",
	"golang.org/x/crypto":                    "server/auth",
	"golang.org/x/oauth2":                    "server/auth",
	"github.com/coreos/go-oidc/v3":           "server/auth",
	"github.com/go-webauthn/webauthn":        "server/auth",
	"github.com/pquerna/otp":                 "server/auth",
	"github.com/boombuler/barcode":           "server/auth",
	"golang.org/x/sync":                      "*",
	"golang.org/x/text":                      "server/importer",
	"golang.org/x/term":                      "server/cmd/upline",
	"github.com/mattn/go-isatty":             "server/cmd/upline",
}

// testLibraries may be used by every _test.go file and testOnly package.
var testLibraries = []string{
	"github.com/google/go-cmp", "pgregory.net/rapid", "github.com/rogpeppe/go-internal",
	"github.com/pquerna/otp", "github.com/descope/virtualwebauthn", "github.com/golang-jwt/jwt/v5", "github.com/govalues/decimal", "github.com/alicebob/miniredis/v2", "go.uber.org/goleak", "github.com/pelletier/go-toml/v2",
	"github.com/vektah/gqlparser/v2", "github.com/twmb/franz-go/pkg/kfake",
}

// impureImports are standard packages that would let the outside world, the
// scheduler or a float into core. A trailing slash means everything below.
var impureImports = []string{
	"C", "context", "crypto/rand", "database/", "io", "io/", "log", "log/", "math", "math/rand", "math/rand/",
	"math/cmplx", "net", "net/", "os", "os/", "plugin", "runtime", "runtime/", "sync", "sync/", "syscall", "testing",
	"testing/", "time/tzdata", "unsafe",
}

// impureNames are what core may not take from packages it may import.
var impureNames = map[string][]string{
	"time":     {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "LoadLocation", "Local"},
	"strconv":  {"ParseFloat", "FormatFloat", "AppendFloat", "ParseComplex", "FormatComplex"},
	"math/big": {"Float", "NewFloat", "ParseFloat"},
}

// impureMethods hand out a float or the host's time zone without naming a
// type; the value says which import brings them.
var impureMethods = map[string]string{
	"Local": "time", "Seconds": "time", "Minutes": "time", "Hours": "time",
	"Float32": "math/big", "Float64": "math/big", "SetFloat64": "math/big",
}

var floatTypes = []string{"float32", "float64", "complex64", "complex128"}

// funcLinesMax is what fits on one screen, counted between the braces.
const funcLinesMax = 70

// source is one Go file: its slash-separated path below the module's root.
type source struct {
	path string
	text []byte
}

// checker collects violations as "file:line: what is wrong".
type checker struct {
	set   *token.FileSet
	found []string
}

// check applies every rule to the given files.
func check(sources []source) []string {
	c := &checker{set: token.NewFileSet()}
	for _, src := range sources {
		file, err := parser.ParseFile(c.set, src.path, src.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			c.found = append(c.found, err.Error())
			continue
		}
		dir := "."
		if cut := strings.LastIndex(src.path, "/"); cut >= 0 {
			dir = src.path[:cut]
		}
		isTest := strings.HasSuffix(src.path, "_test.go")
		c.checkImports(dir, isTest, file)
		if isTest {
			continue
		}
		if strings.HasPrefix(dir, "core/") {
			c.checkPurity(file)
		}
		if !ast.IsGenerated(file) {
			c.checkLength(file)
		}
	}
	return c.found
}

func (c *checker) report(pos token.Pos, format string, args ...any) {
	at := c.set.Position(pos)
	c.found = append(c.found, fmt.Sprintf("%s:%d: %s", at.Filename, at.Line, fmt.Sprintf(format, args...)))
}

func (c *checker) checkImports(dir string, isTest bool, file *ast.File) {
	from, ok := find(dir)
	if !ok {
		c.report(file.Package, "package %s is not in the table of server/arch_test.go", dir)
		return
	}
	for _, spec := range file.Imports {
		path := unquote(spec)
		first, _, _ := strings.Cut(path, "/")
		switch {
		case path == modulePath || strings.HasPrefix(path, modulePath+"/"):
			to := strings.TrimPrefix(strings.TrimPrefix(path, modulePath), "/")
			if why := refuseOurs(from, to, isTest); why != "" {
				c.report(spec.Pos(), "%s may not import %s: %s", dir, to, why)
			}
		case strings.Contains(first, "."):
			if why := refuseLibrary(from, path, isTest); why != "" {
				c.report(spec.Pos(), "%s may not import %s: %s", dir, path, why)
			}
		}
	}
}

// refuseOurs answers why a package of ours may not be imported, or "".
func refuseOurs(from row, path string, isTest bool) string {
	to, ok := find(path)
	switch {
	case !ok:
		return "it is not in the table of server/arch_test.go"
	case from.pkg == to.pkg:
		return ""
	case to.leaf:
		return "nobody may"
	case to.testOnly:
		if isTest || from.testOnly {
			return ""
		}
		return "only tests may"
	case allowed(from, to):
		return ""
	case isTest && layer(to) <= layer(from):
		return ""
	}
	return "its row does not name it"
}

// allowed says whether the row of from names to.
func allowed(from, to row) bool {
	for _, name := range strings.Fields(from.ours) {
		switch {
		case name == to.pkg, name == "*":
			return true
		case name == "core/*" && layer(to) == 0:
			return true
		}
	}
	return false
}

// layer is 0 for core, 1 for adapters, 2 for server. A test may use all of
// its own layer and those below, as test data often needs a neighbour.
func layer(r row) int {
	switch {
	case strings.HasPrefix(r.pkg, "core/"):
		return 0
	case r.pkg == "adapters" || strings.HasPrefix(r.pkg, "adapters/"):
		return 1
	}
	return 2
}

// refuseLibrary answers why a third-party package may not be imported, or "".
func refuseLibrary(from row, path string, isTest bool) string {
	below := func(library string) bool { return path == library || strings.HasPrefix(path, library+"/") }
	if (isTest || from.testOnly || from.pkg == "server/e2e") && slices.ContainsFunc(testLibraries, below) {
		return ""
	}
	if layer(from) == 0 {
		return "core uses the standard library only"
	}
	for library, users := range libraries {
		if !below(library) {
			continue
		}
		// The whole-binary tests look behind every seam.
		if users == "*" || from.pkg == "server/e2e" || slices.Contains(strings.Fields(users), from.pkg) {
			return ""
		}
		return "only " + users + " may"
	}
	return "no row of server/arch_test.go names this library"
}

func find(pkg string) (row, bool) {
	at := slices.IndexFunc(table, func(r row) bool { return r.pkg == pkg })
	if at < 0 {
		return row{}, false
	}
	return table[at], true
}

func unquote(spec *ast.ImportSpec) string {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return path
}

// checkPurity holds core to arithmetic: same input, same bytes, everywhere.
func (c *checker) checkPurity(file *ast.File) {
	names := map[string]string{} // local name of an import -> its path
	for _, spec := range file.Imports {
		path := unquote(spec)
		local := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			local = spec.Name.Name
		}
		names[local] = path
		if local == "." {
			c.report(spec.Pos(), "core may not import with a dot: %s", path)
		}
		if slices.ContainsFunc(impureImports, func(bad string) bool {
			return path == bad || (strings.HasSuffix(bad, "/") && strings.HasPrefix(path, bad))
		}) {
			c.report(spec.Pos(), "core may not import %s", path)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		c.checkNode(n, names)
		return true
	})
}

func (c *checker) checkNode(n ast.Node, names map[string]string) {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.report(n.Pos(), "core may not start goroutines")
	case *ast.SelectStmt:
		c.report(n.Pos(), "core may not select")
	case *ast.ChanType:
		c.report(n.Pos(), "core may not use channels")
	case *ast.BasicLit:
		if n.Kind == token.FLOAT || n.Kind == token.IMAG {
			c.report(n.Pos(), "core may not use the float literal %s", n.Value)
		}
	case *ast.Ident:
		if slices.Contains(floatTypes, n.Name) {
			c.report(n.Pos(), "core may not use %s", n.Name)
		}
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" {
			c.report(n.Pos(), "core may not have an init function")
		}
	case *ast.SelectorExpr:
		c.checkSelector(n, names)
	}
}

func (c *checker) checkSelector(n *ast.SelectorExpr, names map[string]string) {
	if x, ok := n.X.(*ast.Ident); ok && slices.Contains(impureNames[names[x.Name]], n.Sel.Name) {
		c.report(n.Pos(), "core may not use %s.%s", names[x.Name], n.Sel.Name)
		return
	}
	needs, ok := impureMethods[n.Sel.Name]
	if !ok {
		return
	}
	for _, path := range names {
		if path == needs {
			c.report(n.Pos(), "core may not use the method %s of %s", n.Sel.Name, needs)
		}
	}
}

func (c *checker) checkLength(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		name, body := "function literal", (*ast.BlockStmt)(nil)
		switch n := n.(type) {
		case *ast.FuncDecl:
			name, body = n.Name.Name, n.Body
		case *ast.FuncLit:
			body = n.Body
		}
		if body == nil {
			return true
		}
		lines := c.set.Position(body.Rbrace).Line - c.set.Position(body.Lbrace).Line - 1
		if lines > funcLinesMax {
			c.report(n.Pos(), "%s has %d lines, more than %d", name, lines, funcLinesMax)
			return false
		}
		return true
	})
}

// TestArchitecture applies the rules to every Go file of the module.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	sources := readModule(t, "..")
	if len(sources) == 0 {
		t.Fatal("no Go files found")
	}
	for _, violation := range check(sources) {
		t.Error(violation)
	}
}

// readModule reads all Go files below root as the go command sees them: no
// testdata, no dot or underscore folders, no nested modules.
func readModule(t *testing.T, root string) []source {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's root is not where this test expects it: %v", err)
	}
	var sources []source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(root, path, entry.Name())
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		sources = append(sources, source{path: filepath.ToSlash(rel), text: text})
		return nil
	})
	if err != nil {
		t.Fatalf("read the module: %v", err)
	}
	return sources
}

func skipFolder(root, path, name string) error {
	if path == root {
		return nil
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" || name == "vendor" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}
