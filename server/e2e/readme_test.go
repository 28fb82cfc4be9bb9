package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadme follows the README's first commission, command by command, from the folder of the project.
func TestReadme(t *testing.T) {
	t.Parallel()
	in := bareInstallation(t, "")
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "\n## Your first commission")
	text, _, _ = strings.Cut(text, "\n## ")
	p := in.serve()
	in.domain = "my-shop.myshopify.com"
	in.secret = regexp.MustCompile(`SIGNING_SECRET=(\S+)`).FindStringSubmatch(text)[1]
	run := func(line string) string {
		command := exec.Command("bash", "-c", strings.Replace(line, "bin/upline", `"$BIN"`, 1))
		command.Dir, command.Env = root, slices.Concat(in.env, []string{"BIN=" + in.bin, "SIGNING_SECRET=" + in.secret})
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	commands := 0
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "KEY="):
			in.key = in.field("api_key", "admin", "api-key", "create", "--store", "shop", "--json")
		case strings.Contains(line, "/api/mlm/orders"):
			in.post("/api/mlm/orders", regexp.MustCompile(`(?s)-d '(\{.*?\})'`).FindStringSubmatch(text)[1])
			in.settled()
		case strings.HasPrefix(line, "BODY="):
			body, err := os.ReadFile(filepath.Join(root, strings.TrimPrefix(line, "BODY=")))
			if err != nil {
				t.Fatal(err)
			}
			if status, err := in.webhook("orders/paid", "", body); err != nil || status != http.StatusOK {
				t.Fatalf("the sample order: %d %v", status, err)
			}
			in.settled()
		case strings.HasPrefix(line, "bin/upline explain "):
			want := map[string]string{"bin/upline explain 1": "ANNA earns 19.96 EUR.\nTOP earns 2.00 EUR.", "bin/upline explain '#1001'": "ANNA earns 11.98 EUR.\nTOP earns 1.20 EUR."}[line]
			if out := run(line); want == "" || !strings.Contains(out, want) {
				t.Errorf("%s does not say %q:\n%s", line, want, out)
			}
			commands++
		case strings.HasPrefix(line, "bin/upline "):
			run(line)
			commands++
		}
	}
	if commands < 8 {
		t.Errorf("only %d commands were found in the README", commands)
	}
	for _, name := range []string{"people.csv", "skus.csv"} {
		sample, err := os.ReadFile(filepath.Join(root, "docs", "samples", name))
		if err != nil || !bytes.Contains(readme, append([]byte("```csv\n"), sample...)) {
			t.Errorf("the README does not show docs/samples/%s as it is (%v)", name, err)
		}
	}
	if rows := in.rows("/api/v1/orders?"); len(rows) != 2 {
		text, _ := json.Marshal(rows)
		t.Errorf("orders: %s", text)
	}
	p.stop(t)
}
