package scenario

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// A scenario file may hold anything: it fails with a reason, and nothing worse.
func FuzzScenario(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
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
	f.Fuzz(func(t *testing.T, text []byte) {
		r := runFile(fstest.MapFS{"fuzz.yaml": {Data: text}}, "fuzz.yaml")
		if r.failed() && r.text() == "" {
			t.Fatal("failed without saying why")
		}
	})
}
