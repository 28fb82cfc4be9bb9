package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestArchitectureRulesBite plants each violation in a file of its own and
// wants it reported at its line, so that a broken check cannot stay green.
func TestArchitectureRulesBite(t *testing.T) {
	t.Parallel()
	const money, adapter, api = "core/money/planted.go", "adapters/shopify/planted.go", "server/httpapi/planted.go"
	cases := []struct {
		name string
		path string
		code string // the marked line, "//!", is the one to be reported
		want string
	}{
		{"unknown package", "server/newcomer/planted.go", "package newcomer //!", "server/newcomer is not in the table"},
		{"unknown package with tests alone", "server/newcomer/planted_test.go", "package newcomer //!", "is not in the table"},
		{"a Go file at the top", "planted.go", "package upline //!", "is not in the table"},
		{"import of an unknown package of ours", api, importing("upline.dev/upline/server/newcomer"), "it is not in the table"},

		{"core imports server", money, importing("upline.dev/upline/server"), "may not import server: its row"},
		{"core imports adapters", money, importing("upline.dev/upline/adapters"), "may not import adapters: its row"},
		{"money imports a later part of core", money, importing("upline.dev/upline/core/plan"), "may not import core/plan"},
		{"a test in core imports server", "core/money/planted_test.go", importing("upline.dev/upline/server"), "may not import server"},
		{"adapter imports commission", adapter, importing("upline.dev/upline/core/commission"), "may not import core/commission"},
		{"adapter imports another adapter", adapter, importing("upline.dev/upline/adapters/custom"), "may not import adapters/custom"},
		{"adapter imports server", adapter, importing("upline.dev/upline/server"), "may not import server"},
		{"httpapi imports the store", api, importing("upline.dev/upline/server/store"), "may not import server/store: its row"},
		{"httpapi names a concrete adapter", api, importing("upline.dev/upline/adapters/shopify"), "may not import adapters/shopify"},
		{"product code imports a test package", "server/store/planted.go", importing("upline.dev/upline/server/storetest"), "only tests may"},
		{"somebody imports main", "server/bench/planted_test.go", importing("upline.dev/upline/server/cmd/upline"), "nobody may"},
		{"somebody imports the e2e tests", "server/cmd/upline/planted.go", importing("upline.dev/upline/server/e2e"), "nobody may"},

		{"library in core", money, importing("github.com/klauspost/compress/zstd"), "standard library only"},
		{"test library in product code", "server/store/planted.go", importing("pgregory.net/rapid"), "no row"},
		{"unknown library", api, importing("github.com/nobody/knows"), "no row of server/arch_test.go names this library"},
		{"SQL outside the store", "server/pipeline/planted.go", importing("github.com/jmoiron/sqlx"), "only server/store may"},
		{"YAML outside planfile", "server/scenario/planted.go", importing("github.com/goccy/go-yaml"), "only server/planfile may"},
		{"gin outside httpapi", "server/query/planted.go", importing("github.com/gin-gonic/gin"), "only server/httpapi"},

		{"cgo", money, importing("C"), "core may not import C"},
		{"dot import", money, "package money\nimport . \"time\" //!", "import with a dot"},
		{"clock", money, body("time", "_ = time.Now() //!"), "time.Now"},
		{"clock under another name", money, "package money\nimport clock \"time\"\nvar t = clock.Now() //!", "time.Now"},
		{"clock as a value", money, body("time", "now := time.Now //!"), "time.Now"},
		{"zone files of the host", money, body("time", `_, _ = time.LoadLocation("UTC") //!`), "time.LoadLocation"},
		{"zone of the host", money, body("time", "_ = time.Time{}.In(time.Local) //!"), "time.Local"},
		{"zone of the host by method", money, body("time", "_ = x.at.Local() //!"), "method Local"},
		{"timer", money, body("time", "time.Sleep(1) //!"), "time.Sleep"},
		{"duration as float", money, body("time", "s := d.Seconds() //!"), "method Seconds"},
		{"parsing a float", money, body("strconv", `_, _ = strconv.ParseFloat("1", 64) //!`), "strconv.ParseFloat"},
		{"printing a float", money, body("strconv", `_ = strconv.FormatFloat(1, 'f', 2, 64) //!`), "strconv.FormatFloat"},
		{"big float", money, body("math/big", "var f big.Float //!"), "math/big.Float"},
		{"float by method", money, body("math/big", "f, _ := rat.Float64() //!"), "method Float64"},
		{"float type", money, "package money\ntype Price float64 //!", "float64"},
		{"float conversion", money, "package money\nfunc f(n int64) int64 {\n\treturn int64(float32(n)) //!\n}", "float32"},
		{"complex type", money, "package money\nvar c complex128 //!", "complex128"},
		{"float literal", money, "package money\nconst rate = 0.0725 //!", "float literal 0.0725"},
		{"float literal by exponent", money, "package money\nconst rate = 1e9 //!", "float literal 1e9"},
		{"goroutine", money, "package money\nfunc f() {\n\tgo f() //!\n}", "goroutines"},
		{"channel", money, "package money\nfunc f(in <-chan int) {} //!", "channels"},
		{"select", money, "package money\nfunc f() {\n\tselect {} //!\n}", "select"},
		{"init", money, "package money\nfunc init() {} //!", "init function"},

		{"long function", api, "package httpapi\nfunc long() { //!" + strings.Repeat("\n", 72) + "}", "long has 71 lines"},
		{"long literal", api, "package httpapi\nvar long = func() { //!" + strings.Repeat("\n", 72) + "}", "function literal has 71 lines"},
		{"not Go", money, "package money\nfunc { //!", "expected"},
	}
	for _, bad := range []string{
		"context", "crypto/rand", "database/sql", "io", "io/fs", "log", "log/slog", "math", "math/rand", "math/rand/v2",
		"net", "net/http", "os", "os/exec", "runtime", "runtime/debug", "sync", "sync/atomic", "testing", "unsafe",
	} {
		cases = append(cases, struct{ name, path, code, want string }{
			"import of " + bad, money, importing(bad), "core may not import " + bad,
		})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := fmt.Sprintf("%s:%d:", c.path, markedLine(t, c.code))
			found := check([]source{{path: c.path, text: []byte(c.code)}})
			if !slices.ContainsFunc(found, func(v string) bool { return strings.HasPrefix(v, at) && strings.Contains(v, c.want) }) {
				t.Errorf("want a violation at %s saying %q, have %q", at, c.want, found)
			}
		})
	}
}

// TestArchitectureRulesAllow wants silence on what is right, so that nobody
// has to loosen a rule that only misfires.
func TestArchitectureRulesAllow(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, path, code string }{
		{"exact arithmetic", "core/money/a.go", "package money\nimport (\n\t\"math/big\"\n\t\"math/bits\"\n)\nvar r big.Rat\nvar _ = bits.Len64\n"},
		{"time as a value", "core/order/a.go", "package order\nimport \"time\"\nfunc f(at time.Time, loc *time.Location) time.Time { return at.In(loc) }\n"},
		{"own method of that name", "core/order/a.go", "package order\nfunc f(s shop) bool { return s.Local() }\n"},
		{"a test in core reads files", "core/plan/a_test.go", "package plan\nimport (\n\t\"os\"\n\t\"testing\"\n\t\"pgregory.net/rapid\"\n)\nvar x = 0.5\n"},
		{"a test in core uses a neighbour", "core/plan/a_test.go", importing("upline.dev/upline/core/commission")},
		{"a test uses the conformance suite", "adapters/custom/a_test.go", importing("upline.dev/upline/adapters/adaptertest")},
		{"a suite uses test libraries", "adapters/adaptertest/a.go", importing("github.com/google/go-cmp/cmp")},
		{"the external test of a package", "core/money/a_test.go", "package money_test\nimport \"upline.dev/upline/core/money\"\n"},
		{"main names everything", "server/cmd/upline/a.go", "package main\nimport (\n\t\"upline.dev/upline/adapters/shopify\"\n\t\"upline.dev/upline/server/store\"\n)\n"},
		{"pipeline uses all of core", "server/pipeline/a.go", importing("upline.dev/upline/core/ledger")},
		{"a clock in server", "server/pipeline/a.go", "package pipeline\nimport \"time\"\nvar now = time.Now\n"},
		{"seventy lines", "server/httpapi/a.go", "package httpapi\nfunc f() {" + strings.Repeat("\n", 71) + "}\n"},
		{"a long table test", "server/httpapi/a_test.go", "package httpapi\nfunc f() {" + strings.Repeat("\n", 200) + "}\n"},
		{"generated code", "server/httpapi/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage httpapi\nfunc f() {" + strings.Repeat("\n", 200) + "}\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, violation := range check([]source{{path: c.path, text: []byte(c.code)}}) {
				t.Error(violation)
			}
		})
	}
}

// TestArchitectureTable checks the table itself: rows refer to rows above,
// so the imports cannot run in a circle however the rows are edited.
func TestArchitectureTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range table {
		for _, name := range strings.Fields(r.ours) {
			if name != "*" && name != "core/*" && !seen[name] {
				t.Errorf("the row of %s names %s, which no row above defines", r.pkg, name)
			}
			if strings.HasPrefix(r.pkg, "core/") && !strings.HasPrefix(name, "core/") {
				t.Errorf("the row of %s leaves core: %s", r.pkg, name)
			}
		}
		if seen[r.pkg] {
			t.Errorf("%s has two rows", r.pkg)
		}
		seen[r.pkg] = true
	}
	for library, users := range libraries {
		for _, user := range strings.Fields(users) {
			if user != "*" && !seen[user] {
				t.Errorf("library %s is given to %s, which has no row", library, user)
			}
		}
	}
}

// importing is a file whose second line imports the given path.
func importing(path string) string {
	return fmt.Sprintf("package planted\nimport _ %q //!\n", path)
}

// body is a file with one import and one statement.
func body(path, statement string) string {
	return fmt.Sprintf("package planted\nimport %q\nfunc f() {\n\t%s\n}\n", path, statement)
}

func markedLine(t *testing.T, code string) int {
	t.Helper()
	before, _, ok := strings.Cut(code, "//!")
	if !ok {
		t.Fatal("the planted code marks no line")
	}
	return strings.Count(before, "\n") + 1
}
