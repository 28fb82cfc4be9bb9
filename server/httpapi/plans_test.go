package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// plans checks and publishes one, and tests and disconnects a store.
func (c *conversation) plans() {
	const path = "/api/v1/plans"
	for _, read := range []string{path, path + "/ready-made"} {
		c.say(exchange{method: "GET", path: read, header: c.bearer(), want: 200})
	}
	var made struct {
		Data []struct{ Name, Document string }
	}
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "GET", path: path + "/ready-made", header: c.bearer(), want: 200}), &made))
	document := func(text string) string {
		body, err := json.Marshal(map[string]string{"document": text})
		fatal(c.t, err)
		return string(body)
	}
	good := document(made.Data[0].Document)
	c.say(exchange{method: "POST", path: path + "?dry_run=true", header: c.bearer(), body: good, want: 200})
	c.say(exchange{method: "POST", path: path + "?dry_run=true", header: c.bearer(), body: document("name: x\nranks: 7\n"), want: 200})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), body: document("name: x\nranks: 7\n"), want: 422})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), body: document(" "), want: 422})
	c.say(exchange{method: "POST", path: path, header: c.bearer(), body: good, want: 201})
	store := "/api/v1/stores/alpha-till"
	c.say(exchange{method: "POST", path: store + "/test", header: c.bearer(), want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/stores/" + c.shop + "/test", header: c.bearer(), want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/stores/none/test", header: c.bearer(), want: 404})
}

// disconnects ends a store, as its owner.
func (c *conversation) disconnects(b *browser) {
	store := "/api/v1/stores/" + c.shop + "/disconnect"
	c.say(exchange{method: "POST", path: store, header: b.header(), body: `{"confirm":"yes"}`, want: 422})
	c.say(exchange{method: "POST", path: "/api/v1/stores/none/disconnect", header: b.header(), body: `{"confirm":"yes"}`, want: 404})
	c.say(exchange{method: "POST", path: store, header: b.header(), body: `{"confirm":` + quoted(c.domain) + `}`, want: 204})
}

// TestPlanIsPublished: faults have their line, the difference is told in words, and what waited for a plan settles.
func TestPlanIsPublished(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	type said struct {
		Errors   int
		Against  string
		Changes  []string
		Findings []struct {
			Line int
			Mend string
		}
	}
	check := func(document string) (out said) {
		t.Helper()
		body, err := json.Marshal(map[string]string{"document": document})
		fatal(t, err)
		got := c.post("/api/v1/plans?dry_run=true", string(body))
		c.want(http.StatusOK, got)
		fatal(t, json.Unmarshal(got.body, &out))
		return out
	}
	rows := c.rowsOf("/api/v1/plans/ready-made", c.readKey)
	var text string
	for _, row := range rows {
		if row["name"] == "retail-unilevel" {
			text = row["document"].(string)
		}
	}
	if same := check(text); same.Errors != 0 || same.Against == "" || len(same.Changes) != 0 {
		t.Errorf("the running plan against itself: %+v", same)
	}
	if changed := check(strings.Replace(text, "title: ", "title: Other ", 1)); changed.Errors != 0 || len(changed.Changes) == 0 {
		t.Errorf("another title: %+v", changed)
	}
	broken := check(text + "\nsurprise: 1\n")
	if broken.Errors == 0 || broken.Findings[0].Line < strings.Count(text, "\n") || broken.Findings[0].Mend == "" {
		t.Errorf("a key that is none: %+v", broken)
	}
	if before, after := len(c.rowsOf("/api/v1/plans", c.readKey)), 1; before != after {
		t.Errorf("a dry run published: %d versions", before)
	}
}
