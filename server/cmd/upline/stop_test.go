package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStopped: what a signal ends says what holds now, by the exit code that shells give it, and without delay.
func TestStopped(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("title: a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"plan test":   {[]string{"plan", "test", dir}, "upline: stopped by a signal; nothing was changed\n"},
		"bench close": {[]string{"bench", "close", "--distributors", "1000", "--lines", "1000"}, "upline: stopped by a signal; nothing was measured\n"},
	} {
		var stdout, stderr bytes.Buffer
		begin := time.Now()
		if code := run(gone, c.args, &stdout, &stderr); code != exitStopped || !strings.HasSuffix(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d\n%s%s", name, code, stdout.String(), stderr.String())
		}
		if spent := time.Since(begin); spent > 30*time.Second {
			t.Errorf("%s went on for %s", name, spent)
		}
	}
}
