package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// importView is what the tests read of an import.
type importView struct {
	ID      string `json:"import_id"`
	State   string
	Rows    int
	Columns []struct {
		Column, Field string
		Samples       []string
	}
	Report struct {
		Checked                                      bool
		Added, Changed, Unchanged, Released, Skipped int
		Count                                        int `json:"fault_count"`
		Error                                        string
		Faults                                       []struct {
			Row                   int
			Field, Column, Reason string
		}
	}
}

// wizard walks one file.
type wizard struct {
	*company
	importView
}

func (c *company) upload(t *testing.T, text string) *wizard {
	t.Helper()
	w := &wizard{company: c}
	got := c.want(http.StatusCreated, c.post("/api/v1/imports?file_name=people.csv", text, "Content-Type", "text/csv"))
	fatal(t, json.Unmarshal(got.body, &w.importView))
	return w
}

func (w *wizard) do(status int, method, path, body string) {
	w.t.Helper()
	got := send(w.t, method, w.url+"/api/v1/imports/"+w.ID+path, strings.NewReader(body), map[string]string{"Authorization": "Bearer " + w.storeKey})
	w.want(status, got)
	if status < 300 {
		w.importView = importView{}
		fatal(w.t, json.Unmarshal(got.body, &w.importView))
	}
}

func (w *wizard) commit() {
	w.t.Helper()
	w.do(http.StatusAccepted, "POST", "/commit", "")
	w.soon(func() bool { w.do(http.StatusOK, "GET", "", ""); return w.State != "running" })
	if w.State != "committed" {
		w.t.Fatalf("%+v", w.importView)
	}
}

func (c *company) person(id string) map[string]any {
	c.t.Helper()
	var p map[string]any
	c.read(&p, "/api/v1/distributors/"+id)
	return p
}

// TestImportWizard walks a merchant's own file through the whole way and back.
func TestImportWizard(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	c.fill()
	w := c.upload(t, "Consultant No;Placed under;Full name;Country;Shoe size\nMID;ANNA;Mia Drost;DE;38\nN1;TOP;Nora;XX;40\nN2;N3;Nils;DE;41\nN3;N2;Nina;DE;39\n")
	fields := map[string]string{}
	for _, column := range w.Columns {
		fields[column.Column] = column.Field
	}
	if w.Rows != 4 || fields["Full name"] != "name" || fields["Country"] != "country" || fields["Shoe size"] != "" || len(w.Columns[0].Samples) != 3 {
		t.Fatalf("%+v", w.importView)
	}
	w.do(http.StatusOK, "POST", "/check", "")
	if !strings.Contains(w.Report.Error, "distributor_id is missing") {
		t.Errorf("without the columns: %+v", w.Report)
	}
	w.do(http.StatusConflict, "POST", "/commit", "")
	for _, wrong := range []string{`{"columns":{"Nowhere":"name"}}`, `{"columns":{"Country":"planet"}}`, `{"columns":{"Country":"name","Full name":"name"}}`} {
		w.do(http.StatusUnprocessableEntity, "PUT", "/columns", wrong)
	}
	w.do(http.StatusOK, "PUT", "/columns", `{"columns":{"Consultant No":"distributor_id","Placed under":"sponsor_id","Full name":"name","Country":"country","Shoe size":""}}`)
	w.do(http.StatusOK, "POST", "/check", "")
	seen := map[string]bool{}
	for _, f := range w.Report.Faults {
		seen[fmt.Sprintf("%d %s", f.Row, f.Column)] = true
	}
	if w.Report.Count == 0 || !seen["2 Country"] && !seen["3 Placed under"] {
		t.Errorf("faults %+v", w.Report)
	}
	w.do(http.StatusUnprocessableEntity, "PATCH", "/rows", `{"row":9,"cells":{"Country":"DE"}}`)
	w.do(http.StatusOK, "PATCH", "/rows", `{"row":2,"cells":{"Country":"AT"}}`)
	w.do(http.StatusOK, "POST", "/check", "")
	rings := 0
	for _, f := range w.Report.Faults {
		if strings.Contains(f.Reason, "ring") {
			rings++
		}
	}
	if rings != 4 { // N2 and N3, and MID under ANNA, who is under MID by OUT
		t.Logf("rings %+v", w.Report.Faults)
	}
	if rings == 0 {
		t.Errorf("no ring was found: %+v", w.Report)
	}
	w.do(http.StatusOK, "PATCH", "/rows", `{"row":3,"cells":{"Placed under":"N1"}}`)
	w.do(http.StatusOK, "PATCH", "/rows", `{"row":1,"cells":{"Placed under":"TOP","Full name":"Mia Drost-Neu"}}`)
	w.do(http.StatusConflict, "POST", "/commit", "") // mended, and not looked at yet
	w.do(http.StatusOK, "POST", "/check", "")
	if w.Report.Count != 0 || w.Report.Added != 3 || w.Report.Changed != 1 {
		t.Fatalf("%+v", w.Report)
	}
	if got := c.get("/api/v1/distributors/N1"); got.status != http.StatusNotFound {
		t.Errorf("a dry run wrote: %d", got.status)
	}
	w.commit()
	if p := c.person("N3"); p["sponsor_id"] != "N2" || c.person("MID")["name"] != "Mia Drost-Neu" {
		t.Errorf("after the commit: %v", p)
	}
	w.do(http.StatusConflict, "PATCH", "/rows", `{"row":1,"cells":{}}`)
	c.want(http.StatusOK, c.post("/api/v1/distributors", `{"data":[{"distributor_id":"N2","rank":"gold"}]}`))
	w.do(http.StatusOK, "POST", "/undo", "")
	if w.State != "undone" || w.Report.Skipped != 1 {
		t.Errorf("%+v", w.importView)
	}
	if c.person("N1")["status"] != "terminated" || c.person("N2")["status"] != "active" || c.person("MID")["name"] != "Mia Drost" {
		t.Errorf("after the undo: %v %v %v", c.person("N1"), c.person("N2"), c.person("MID"))
	}
	w.do(http.StatusConflict, "POST", "/undo", "")
}

// manyPeople is a file of more people than are checked while the asker waits; the last is under a sponsor whom nobody knows.
func manyPeople(lastSponsor string) string {
	var b strings.Builder
	b.WriteString("distributor_id,sponsor_id\nM0,\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "M%d,M%d\n", i+1, i/3)
	}
	fmt.Fprintf(&b, "LAST,%s\n", lastSponsor)
	return b.String()
}

// TestImportOfManyPeople: a large file is checked behind the asker's back, and nothing else happens to it meanwhile.
func TestImportOfManyPeople(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	w := c.upload(t, manyPeople("NOBODY"))
	checked := func() {
		w.do(http.StatusAccepted, "POST", "/check", "")
		if w.State != "checking" || w.Report.Checked || len(w.Columns) != 2 {
			t.Fatalf("while it is checked: %+v", w.importView)
		}
		c.soon(func() bool { w.do(http.StatusOK, "GET", "", ""); return w.State != "checking" })
	}
	checked()
	if w.State != "uploaded" || w.Report.Count != 1 || w.Report.Faults[0].Row != 20_002 || len(w.Columns[0].Samples) != 3 {
		t.Fatalf("one sponsor is nobody: %+v", w.importView)
	}
	w.do(http.StatusConflict, "POST", "/commit", "")
	w.do(http.StatusOK, "PATCH", "/rows", `{"row":20002,"cells":{"sponsor_id":"M7"}}`)
	checked()
	if w.Report.Count != 0 || w.Report.Added != 20_002 {
		t.Fatalf("mended: %+v", w.Report)
	}
	w.commit()
	if c.person("LAST")["sponsor_id"] != "M7" {
		t.Errorf("after the commit: %v", c.person("LAST"))
	}
	w.do(http.StatusOK, "POST", "/undo", "")
	if w.State != "undone" || c.person("LAST")["status"] != "terminated" {
		t.Errorf("after the undo: %+v, %v", w.importView, c.person("LAST"))
	}
}

// TestImportsOfHostileFiles: whatever is uploaded is taken, or refused with a sentence.
func TestImportsOfHostileFiles(t *testing.T) {
	t.Parallel()
	c := openProduct(t).company(t, "alpha")
	for name, text := range map[string]string{
		"empty": "", "a header alone": "distributor_id,sponsor_id\n", "a quote without end": "a,b\n\"x,y\nz,w\n", "two columns of one name": "id,id\n1,2\n",
		"zeros": strings.Repeat("\x00", 100),
	} {
		if got := c.post("/api/v1/imports", text, "Content-Type", "text/csv"); got.status != http.StatusUnprocessableEntity || got.problem(t).Field != "file" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	long := strings.Repeat("ü", 300)
	w := c.upload(t, "distributor_id,sponsor_id,name\nA,,<script>alert(1)</script>\nB,A,\u202eevil\nC,A,😀\nD,A,"+long+"\nE,A\n")
	w.do(http.StatusOK, "POST", "/check", "")
	if w.Report.Count != 3 { // marks that turn text around, 600 bytes, and a row that is too short
		t.Errorf("%+v", w.Report)
	}
	got := c.get("/api/v1/imports/" + w.ID + "/faults.csv")
	if got.status != http.StatusOK || strings.Count(string(got.body), "\n") < 4 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := c.get("/api/v1/imports/none"); got.status != http.StatusNotFound {
		t.Errorf("%d", got.status)
	}
}

// imports is the part of the conversation with the document about files of people.
func (c *conversation) importing() {
	h := c.bearer()
	upload := func(text string, want int) (v importView) {
		r := exchange{method: "POST", path: "/api/v1/imports?file_name=x.csv&encoding=utf-8", header: map[string]string{"Authorization": h["Authorization"]}, body: text, wrong: true, want: want}
		got := c.say(r)
		_ = json.Unmarshal(got, &v)
		return v
	}
	upload("", 422)
	v := upload("distributor_id,sponsor_id\nIMP,TOP\n", 201)
	at := "/api/v1/imports/" + v.ID
	c.say(exchange{method: "GET", path: "/api/v1/imports", header: h, want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/imports", want: 401})
	c.say(exchange{method: "GET", path: at, header: h, want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/imports/none", header: h, want: 404})
	c.say(exchange{method: "PUT", path: at + "/columns", header: h, body: `{"columns":{"distributor_id":"distributor_id","sponsor_id":"sponsor_id"}}`, want: 200})
	c.say(exchange{method: "PUT", path: at + "/columns", header: h, body: `{"columns":{"x":"name"}}`, want: 422})
	c.say(exchange{method: "PATCH", path: at + "/rows", header: h, body: `{"row":1,"cells":{"sponsor_id":"TOP"}}`, want: 200})
	c.say(exchange{method: "PATCH", path: at + "/rows", header: h, body: `{"row":9,"cells":{}}`, want: 422})
	c.say(exchange{method: "POST", path: at + "/commit", header: h, want: 409})
	c.say(exchange{method: "POST", path: at + "/undo", header: h, want: 409})
	c.say(exchange{method: "POST", path: at + "/check", header: h, want: 200})
	c.say(exchange{method: "POST", path: "/api/v1/imports/none/check", header: h, want: 404})
	many := "/api/v1/imports/" + upload(manyPeople("M1"), 201).ID
	c.say(exchange{method: "POST", path: many + "/check", header: h, want: 202})
	c.say(exchange{method: "GET", path: many, header: h, want: 200})
	c.say(exchange{method: "POST", path: at + "/commit", header: h, want: 202})
	c.soon(func() bool {
		var now importView
		fatal(c.t, json.Unmarshal(c.get(at).body, &now))
		return now.State == "committed"
	})
	c.say(exchange{method: "POST", path: at + "/undo", header: h, want: 200})
	c.say(exchange{method: "GET", path: at + "/faults.csv", header: h, want: 200})
	c.say(exchange{method: "GET", path: "/api/v1/imports/none/faults.csv", header: h, want: 404})
}
