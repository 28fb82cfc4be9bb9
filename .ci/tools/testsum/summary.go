package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
)

// lineBytesMax bounds one line of the event stream. A test that prints a whole
// body in one line is still read; an endless line is refused, not held.
const lineBytesMax = 16 << 20

// event is one line of "go test -json", see "go doc test2json".
type event struct {
	Action      string
	Package     string
	ImportPath  string // set instead of Package on build output
	Test        string
	Output      string
	Elapsed     float64 // seconds
	FailedBuild string
}

// test is what is known about one test or subtest.
type test struct {
	output []string
	action string // pass, fail or skip; empty while it runs
	parent bool   // has subtests, which are counted in its place
}

// pkg is what is known about one package under test.
type pkg struct {
	tests  map[string]*test
	output []string // lines that belong to no test
	failed int
}

// summary counts tests while their events come in.
type summary struct {
	out   io.Writer
	trim  string
	pkgs  map[string]*pkg
	build map[string][]string // compiler output by import path

	packages                int
	passed, failed, skipped int
	skips                   []string
}

func newSummary(out io.Writer, trim string) *summary {
	return &summary{out: out, trim: trim, pkgs: map[string]*pkg{}, build: map[string][]string{}}
}

// read takes events until the stream ends. Lines that are no events, such as
// complaints of the go command itself, are passed on as they are.
func (s *summary) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), lineBytesMax)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Action == "" {
			fmt.Fprintln(s.out, lines.Text())
			continue
		}
		s.add(e)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the test events: %w", err)
	}
	return nil
}

func (s *summary) add(e event) {
	switch {
	case e.Action == "build-output":
		s.build[e.ImportPath] = append(s.build[e.ImportPath], e.Output)
	case e.Package == "":
		return
	case e.Test != "":
		s.addTest(e)
	default:
		s.addPackage(e)
	}
}

func (s *summary) pkg(path string) *pkg {
	p := s.pkgs[path]
	if p == nil {
		p = &pkg{tests: map[string]*test{}}
		s.pkgs[path] = p
	}
	return p
}

func (s *summary) addTest(e event) {
	p := s.pkg(e.Package)
	t := p.tests[e.Test]
	if t == nil {
		t = &test{}
		p.tests[e.Test] = t
	}
	switch e.Action {
	case "run":
		for name := e.Test; ; {
			cut := strings.LastIndex(name, "/")
			if cut < 0 {
				break
			}
			name = name[:cut]
			if above := p.tests[name]; above != nil {
				above.parent = true
			}
		}
	case "output":
		t.output = append(t.output, e.Output)
	case "pass":
		t.action, t.output = "pass", nil
	case "fail", "skip":
		t.action = e.Action
	}
}

// addPackage takes an event of the package itself; its end closes the count.
func (s *summary) addPackage(e event) {
	p := s.pkg(e.Package)
	switch e.Action {
	case "output":
		p.output = append(p.output, e.Output)
	case "pass", "fail", "skip":
		s.closePackage(e, p)
		delete(s.pkgs, e.Package)
	}
}

func (s *summary) closePackage(e event, p *pkg) {
	s.packages++
	names := make([]string, 0, len(p.tests))
	for name := range p.tests {
		names = append(names, name)
	}
	sort.Strings(names)
	tests := 0
	for _, name := range names {
		tests += s.count(e.Package, name, p)
	}
	if e.Action == "fail" && p.failed == 0 {
		// A build error, a panic outside a test or a failing TestMain: no
		// test carries it, so the package counts as one failure.
		p.failed++
		s.failed++
	}
	if e.Action == "fail" {
		s.print(append(s.build[e.FailedBuild], p.output...))
	}
	s.line(e, tests)
}

// count adds one finished test to the totals and answers how many it stands
// for. A test with subtests stands for none of its own, unless it failed
// although none of them did.
func (s *summary) count(path, name string, p *pkg) int {
	t := p.tests[name]
	if t.action == "" {
		// The process ended while the test ran.
		t.action = "fail"
	}
	if t.action == "fail" {
		s.print(append([]string{fmt.Sprintf("--- FAIL %s %s\n", s.short(path), name)}, t.output...))
	}
	if t.parent && (t.action != "fail" || childFailed(p, name)) {
		return 0
	}
	switch t.action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		s.skips = append(s.skips, fmt.Sprintf("%s %s: %s", s.short(path), name, reason(t.output)))
	default:
		s.failed++
		p.failed++
	}
	return 1
}

func childFailed(p *pkg, name string) bool {
	for other, t := range p.tests {
		if strings.HasPrefix(other, name+"/") && (t.action == "fail" || t.action == "") {
			return true
		}
	}
	return false
}

// reason finds the sentence given to t.Skip among a test's output: the last
// line that is not one of the marks of the test framework.
func reason(output []string) string {
	for i := len(output) - 1; i >= 0; i-- {
		text := strings.TrimSpace(output[i])
		if text == "" || strings.HasPrefix(text, "===") || strings.HasPrefix(text, "---") {
			continue
		}
		return text
	}
	return "no reason given"
}

func (s *summary) line(e event, tests int) {
	word := map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "-   "}[e.Action]
	if tests == 0 && e.Action == "pass" {
		word = "-   "
	}
	fmt.Fprintf(s.out, "%s %-32s %5d tests %7.1f s\n", word, s.short(e.Package), tests, e.Elapsed)
}

func (s *summary) print(lines []string) {
	for _, line := range lines {
		fmt.Fprint(s.out, line)
	}
}

func (s *summary) short(path string) string {
	return strings.TrimPrefix(path, s.trim)
}

// finish counts packages whose end never came (the go command was stopped)
// as failures and prints what was skipped and the totals.
func (s *summary) finish() {
	open := make([]string, 0, len(s.pkgs))
	for path := range s.pkgs {
		open = append(open, path)
	}
	sort.Strings(open)
	for _, path := range open {
		s.closePackage(event{Action: "fail", Package: path}, s.pkgs[path])
	}
	if len(s.skips) > 0 {
		fmt.Fprintln(s.out, "skipped:")
	}
	for _, skip := range s.skips {
		fmt.Fprintln(s.out, "  "+skip)
	}
	fmt.Fprintf(s.out, "total %d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}
