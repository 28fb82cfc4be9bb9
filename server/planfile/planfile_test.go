package planfile_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/plan"
	"upline.dev/upline/server/planfile"
)

var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, path string, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestReadyMadePlans(t *testing.T) {
	t.Parallel()
	names, err := planfile.ReadyMade()
	if err != nil || len(names) < 2 {
		t.Fatalf("ready-made plans %v, %v", names, err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := planfile.ReadyMadeYAML(name)
			if err != nil {
				t.Fatal(err)
			}
			p, canonical, err := planfile.Read(text, name+".yaml")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "canonical", name+".json"), string(canonical)+"\n"+p.Hash()+"\n")
			again, canonicalAgain, err := planfile.Read(canonical, name+".json")
			if err != nil {
				t.Fatal(err)
			}
			if again.Hash() != p.Hash() || !bytes.Equal(canonical, canonicalAgain) {
				t.Error("the canonical JSON reads as another plan")
			}
		})
	}
}

// Every bad plan in testdata/bad has its errors beside it; add a file and run with -update.
func TestBadPlans(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) < 12 {
		t.Fatalf("found %d bad plans, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = planfile.Read(text, filepath.Base(file))
			var problems *planfile.Errors
			if !errors.As(err, &problems) {
				t.Fatalf("error is %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", problems.Error()+"\n")
		})
	}
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	const size = planfile.MaxBytes - 100
	cases := map[string]string{
		"too long":         strings.Repeat("#", planfile.MaxBytes+1),
		"brackets":         strings.Repeat("[", size),
		"braces":           strings.Repeat("{a: ", size/4),
		"dashes":           strings.Repeat("- ", size/2),
		"question marks":   strings.Repeat("? ", size/2),
		"indentation":      staircase(1200),
		"anchors":          "a: &a [x]\nb: &b [*a, *a, *a]\nname: *b\n",
		"anchored anchors": strings.Repeat("&a ", 5000),
		"tags":             strings.Repeat("!!map ", 5000),
		"merge":            "x: {<<: {a: b}}\n",
		"not UTF-8":        "name: \xff\n",
		"two documents":    "name: a\n---\nname: b\n",
		"nothing":          "",
		"a list":           "- a\n",
		"a text":           "hello",
		"one long line":    "name: " + strings.Repeat("a: ", 300000),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := planfile.Read([]byte(text), "hostile.yaml")
			var problems *planfile.Errors
			if !errors.As(err, &problems) || len(problems.Problems) == 0 {
				t.Fatalf("error is %v", err)
			}
		})
	}
}

// staircase nests a mapping in every line.
func staircase(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// The schema and core/plan must accept the same keys: a key only one of them knows would never be read.
func TestSchemaKnowsEveryKeyOfCanonicalPlans(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full.json", "every-type.json"} {
		file := filepath.Join("..", "..", "core", "plan", "testdata", name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document := text
		if i := bytes.LastIndexByte(text, 0x7d); i > 0 {
			document = text[:i+1] // A golden file has the hash after its document.
		}
		p, canonical, err := planfile.Read(document, name)
		if err != nil {
			t.Fatal(err)
		}
		again, err := plan.Parse(canonical)
		if err != nil || again.Hash() != p.Hash() {
			t.Fatalf("core reads the canonical plan as %v, %v", again, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"plans/*.yaml", "testdata/bad/*.yaml", "testdata/lint/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, canonical, err := planfile.Read(text, "fuzz.yaml")
		var problems *planfile.Errors
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("error is %v", err)
		}
		if err != nil {
			return
		}
		again, err := plan.Parse(canonical)
		if err != nil || again.Hash() != p.Hash() {
			t.Fatalf("canonical JSON reads as another plan: %v", err)
		}
		if report, err := planfile.Check(text, "fuzz.yaml", 0); err != nil || report.Plan == nil {
			t.Fatalf("check: %v", err)
		}
		if changes := plan.Diff(p, again); len(changes) > 0 {
			t.Fatalf("a plan differs from itself: %v", changes)
		}
	})
}
