package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stream builds the event lines of one package out of "action test output".
func stream(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		part := strings.SplitN(line, " ", 3)
		b.WriteString(`{"Action":"` + part[0] + `","Package":"ex.org/m/p"`)
		if len(part) > 1 && part[1] != "" {
			b.WriteString(`,"Test":"` + part[1] + `"`)
		}
		if len(part) > 2 {
			b.WriteString(`,"Output":"` + part[2] + `\n"`)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func TestRunCounts(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		in     string
		counts string
		failed bool
		shows  []string
		hides  string
	}{
		{
			name:   "a passing test is counted and its output left out",
			in:     stream("run TestA", "output TestA chatter", "pass TestA", "pass"),
			counts: "1 0 0", shows: []string{"ok   p ", "total 1 passed, 0 failed, 0 skipped\n"}, hides: "chatter",
		},
		{
			name:   "subtests count in place of their parent",
			in:     stream("run TestA", "run TestA/x", "run TestA/y", "pass TestA/x", "pass TestA/y", "pass TestA", "pass"),
			counts: "2 0 0",
		},
		{
			name:   "a parent that fails by itself counts",
			in:     stream("run TestA", "run TestA/x", "pass TestA/x", "output TestA the sum is off", "fail TestA", "fail"),
			counts: "1 1 0", failed: true, shows: []string{"the sum is off"},
		},
		{
			name:   "a failing subtest counts once",
			in:     stream("run TestA", "run TestA/x", "output TestA/x wrong cent", "fail TestA/x", "fail TestA", "fail"),
			counts: "0 1 0", failed: true, shows: []string{"--- FAIL p TestA/x", "wrong cent"},
		},
		{
			name:   "a skipped test is named with its reason",
			in:     stream("run TestA", "output TestA === RUN   TestA", "output TestA     a_test.go:3: no PostgreSQL", "output TestA --- SKIP: TestA (0.00s)", "skip TestA", "pass"),
			counts: "0 0 1", shows: []string{"p TestA: a_test.go:3: no PostgreSQL"},
		},
		{
			name:   "a package that fails outside its tests counts as one failure",
			in:     stream("run TestA", "pass TestA", "output  TestMain gave up", "fail"),
			counts: "1 1 0", failed: true, shows: []string{"TestMain gave up"},
		},
		{
			name:   "a test that never ended is a failure",
			in:     stream("run TestA", "output TestA boom", "fail"),
			counts: "0 1 0", failed: true, shows: []string{"boom"},
		},
		{
			name:   "a package that never ended is a failure",
			in:     stream("run TestA", "pass TestA"),
			counts: "1 1 0", failed: true,
		},
		{
			name: "a build error is shown",
			in: `{"Action":"build-output","ImportPath":"ex.org/m/p [ex.org/m/p.test]","Output":"p.go:1: undefined: x\n"}` + "\n" +
				`{"Action":"fail","Package":"ex.org/m/p","FailedBuild":"ex.org/m/p [ex.org/m/p.test]"}` + "\n",
			counts: "0 1 0", failed: true, shows: []string{"p.go:1: undefined: x"},
		},
		{
			name:   "lines that are no events are passed on",
			in:     "go: cannot find main module\n" + stream("run TestA", "pass TestA", "pass"),
			counts: "1 0 0", shows: []string{"go: cannot find main module\n"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			file := filepath.Join(t.TempDir(), "counts")
			err := run([]string{"-counts", file, "-trim", "ex.org/m/"}, strings.NewReader(c.in), &out)
			if got := errors.Is(err, errFailed); got != c.failed || (err != nil && !got) {
				t.Errorf("run: %v, want failed %v", err, c.failed)
			}
			counts, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(counts)); got != c.counts {
				t.Errorf("counts %q, want %q", got, c.counts)
			}
			for _, want := range c.shows {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output lacks %q:\n%s", want, out.String())
				}
			}
			if c.hides != "" && strings.Contains(out.String(), c.hides) {
				t.Errorf("output has %q:\n%s", c.hides, out.String())
			}
		})
	}
}

func TestRunRefusesAnEmptyStream(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(nil, strings.NewReader(""), &out); err == nil || errors.Is(err, errFailed) {
		t.Errorf("nothing was tested, yet run says %v", err)
	}
}
