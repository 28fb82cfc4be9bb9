package planfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upline.dev/upline/server/planfile"
)

// Every example in docs/plans.md is a plan, or a part of one, that Upline takes without an error.
func TestExamplesInTheDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "plans.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := strings.Split(string(text), "```yaml\n")[1:]
	if len(examples) < 15 {
		t.Fatalf("found %d examples", len(examples))
	}
	for _, example := range examples {
		block, _, closed := strings.Cut(example, "```")
		if !closed {
			t.Fatalf("an example without end: %s", example)
		}
		if strings.HasPrefix(block, "# yaml-language-server") {
			continue
		}
		report, err := planfile.Check([]byte(whole(block)), "docs.yaml", 0)
		if err != nil {
			t.Fatal(err)
		}
		if report.Errors() > 0 {
			t.Errorf("%s%s", findings(report), whole(block))
		}
	}
}

// whole makes a plan of a part of one.
func whole(block string) string {
	if strings.HasPrefix(block, "- ") {
		block = "components:\n" + block
	}
	for key, section := range map[string]string{
		"name":       "name: example\n",
		"currency":   "currency: EUR\n",
		"ranks":      "ranks: [member, silver, gold, diamond]\n",
		"volume":     "volume: {money: {EUR: \"1\"}}\n",
		"components": "components: [{id: retail, type: retail, rates: [{rate: 20%}]}]\n",
	} {
		if !strings.HasPrefix(block, key+":") && !strings.Contains(block, "\n"+key+":") {
			block = section + block
		}
	}
	if !strings.Contains(block, "placement:") {
		width := "2"
		if strings.Contains(block, "width: 3") {
			width = "3"
		}
		block = "placement: {width: " + width + "}\n" + block
	}
	return block
}
