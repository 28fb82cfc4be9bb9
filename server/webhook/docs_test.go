package webhook_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
)

// TestDocumentedVerification runs every example of docs/webhooks.md on what we sign, and on what somebody changed. Go and what
// this machine has are run; an interpreter that is not here is named.
func TestDocumentedVerification(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/webhooks.md")
	fatal(t, err)
	run := map[string][]string{"go": {"go", "run"}, "js": {"node"}, "php": {"php"}, "python": {"python3"}}
	files := map[string]string{"go": "verify.go", "js": "verify.cjs", "php": "verify.php", "python": "verify.py"}
	found := regexp.MustCompile("(?s)```(go|js|php|python)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(found) != len(run) {
		t.Fatalf("%d examples, want %d", len(found), len(run))
	}
	key, body := []byte(strings.Repeat("k", 32)), `{"n":"Ünïcode & 1.00"}`
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	signed := adapters.SignStandard("evt_1", "1795766400", []byte(body), key)
	rotated := adapters.SignStandard("evt_1", "1795766400", []byte(body), []byte("another")) + " " + signed
	for _, example := range found {
		language := example[1]
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(run[language][0]); err != nil {
				t.Skipf("%s is not installed here", run[language][0])
			}
			file := filepath.Join(t.TempDir(), files[language])
			fatal(t, os.WriteFile(file, []byte(example[2]), 0o600))
			for _, c := range []struct {
				name, signatures, body string
				want                   bool
			}{
				{"as sent", signed, body, true},
				{"while the secret is rotated", rotated, body, true},
				{"another body", signed, body + " ", false},
				{"no signature", "v1,", body, false},
			} {
				args := slices.Concat(run[language][1:], []string{file, secret, "evt_1", "1795766400", c.signatures})
				command := exec.CommandContext(t.Context(), run[language][0], args...)
				command.Stdin = strings.NewReader(c.body)
				said, err := command.CombinedOutput()
				if got := err == nil; got != c.want {
					t.Errorf("%s: %t, want %t: %s", c.name, got, c.want, said)
				}
			}
		})
	}
}
