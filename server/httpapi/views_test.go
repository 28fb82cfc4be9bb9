package httpapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server/auth"
	"upline.dev/upline/server/query"
)

type views struct{ Data []query.View }

// TestViews: whoever looks keeps views that nobody else sees until they are shared; a viewer shares none, and what is shared
// is removed by its owner or by who looks after the settings. Another company sees nothing of it.
func TestViews(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	c, rival := p.company(t, "alpha"), p.company(t, "rival")
	olga, vic := p.as(t, "alpha", auth.Admin), p.as(t, "alpha", auth.Viewer)
	keep := func(b *browser, want int, body string) (v query.View) {
		t.Helper()
		got := b.want(want, "POST", "/api/v1/views", body)
		if want == http.StatusOK {
			fatal(t, json.Unmarshal(got.body, &v))
		}
		return v
	}
	mine := keep(vic, 200, `{"list":"orders","name":" Waiting & unmapped ","query":"settlement=parked&reason_code=unmapped_sku"}`)
	want := query.View{ViewID: mine.ViewID, List: "orders", Name: "Waiting & unmapped", Query: "settlement=parked&reason_code=unmapped_sku", Mine: true}
	if diff := cmp.Diff(want, mine); diff != "" || mine.ViewID == "" {
		t.Error(diff)
	}
	again := keep(vic, 200, `{"list":"orders","name":"Waiting & unmapped","query":"settlement=parked"}`)
	if again.ViewID != mine.ViewID {
		t.Errorf("a second view of the same name: %+v", again)
	}
	keep(vic, 403, `{"list":"orders","name":"For all","query":"settlement=parked","shared":true}`)
	for _, wrong := range []string{
		`{"list":"secrets","name":"x","query":"a=b"}`, `{"list":"orders","name":" ","query":"a=b"}`, `{"list":"orders","name":"x","query":""}`,
		`{"list":"orders","name":"` + strings.Repeat("x", 41) + `","query":"a=b"}`, `{"list":"orders","name":"x","query":"a=` + strings.Repeat("x", 1000) + `"}`,
		`{"list":"orders","name":"x","query":"a=%zz"}`, `{"list":"orders","name":"x\u0001","query":"a=b"}`,
	} {
		keep(vic, 422, wrong)
	}
	shared := keep(olga, 200, `{"list":"deliveries","name":"الانتظار","query":"status=waiting","shared":true}`)
	var seen views
	vic.into(&seen, "GET", "/api/v1/views", "")
	shared.Mine = false
	if diff := cmp.Diff([]query.View{shared, again}, seen.Data); diff != "" {
		t.Error(diff)
	}
	olga.into(&seen, "GET", "/api/v1/views", "")
	if len(seen.Data) != 1 || !seen.Data[0].Mine {
		t.Errorf("what is another's alone is seen: %+v", seen.Data)
	}
	fatal(t, json.Unmarshal(rival.get("/api/v1/views").body, &seen))
	if len(seen.Data) != 0 {
		t.Errorf("another company sees %+v", seen.Data)
	}
	olga.want(404, "DELETE", "/api/v1/views/"+mine.ViewID, "") // not shared: nobody's but the viewer's
	vic.want(404, "DELETE", "/api/v1/views/"+shared.ViewID, "")
	vic.want(204, "DELETE", "/api/v1/views/"+mine.ViewID, "")
	vic.want(404, "DELETE", "/api/v1/views/"+mine.ViewID, "")
	own := keep(p.as(t, "alpha", auth.Finance), 200, `{"list":"commissions","name":"On hold","query":"status=PENDING","shared":true}`)
	olga.want(204, "DELETE", "/api/v1/views/"+own.ViewID, "") // the settings are hers to look after
	if got := c.get("/api/v1/audit?action=view"); got.status == http.StatusOK && strings.Count(string(got.body), `"action":"view.`) != 3 {
		t.Errorf("what everybody sees is told: %s", got.body)
	}
	for i := range 20 {
		keep(vic, 200, `{"list":"orders","name":"view `+string(rune('a'+i))+`","query":"a=b"}`)
	}
	keep(vic, 409, `{"list":"orders","name":"one too many","query":"a=b"}`)
	keep(vic, 200, `{"list":"orders","name":"view a","query":"a=c"}`)
}

// TestViewsEnd: who is taken out of the company leaves what everybody sees and nothing else; a company that is closed
// forgets all.
func TestViewsEnd(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	p.company(t, "alpha").fill()
	owner, clerk := p.as(t, "alpha", auth.Owner), p.as(t, "alpha", auth.Support)
	for _, shared := range []string{"true", "false"} {
		clerk.want(200, "POST", "/api/v1/views", `{"list":"orders","name":"`+shared+`","query":"a=b","shared":`+shared+`}`)
	}
	var members memberList
	owner.into(&members, "GET", "/api/v1/members", "")
	owner.want(204, "DELETE", "/api/v1/members/"+members.id(t, "support@alpha.example"), "")
	var seen views
	owner.into(&seen, "GET", "/api/v1/views", "")
	if len(seen.Data) != 1 || seen.Data[0].Name != "true" {
		t.Errorf("what is left: %+v", seen.Data)
	}
	kept, err := p.store.Views(t.Context(), "alpha", "person:"+members.id(t, "support@alpha.example"))
	fatal(t, err)
	if len(kept) != 1 {
		t.Errorf("what nobody sees is kept: %+v", kept)
	}
	owner.want(200, "POST", "/api/v1/program/close", `{"confirm":"Company alpha","despite_owed":true}`)
	owner.into(&seen, "GET", "/api/v1/views", "")
	if len(seen.Data) != 0 {
		t.Errorf("a closed company keeps %+v", seen.Data)
	}
}

// views are the part of the conversation with the document about saved views.
func (c *conversation) views(h map[string]string) {
	var made query.View
	fatal(c.t, json.Unmarshal(c.say(exchange{method: "POST", path: "/api/v1/views", header: h, body: `{"list":"orders","name":"Parked","query":"settlement=parked","shared":true}`, want: 200}), &made))
	c.say(exchange{method: "POST", path: "/api/v1/views", header: h, body: `{"list":"orders","name":" ","query":"a=b"}`, want: 422})
	forged := maps.Clone(h)
	delete(forged, "X-Upline-CSRF")
	c.say(exchange{method: "POST", path: "/api/v1/views", header: forged, body: `{"list":"orders","name":"x","query":"a=b"}`, want: 403})
	c.say(exchange{method: "GET", path: "/api/v1/views", want: 401})
	c.say(exchange{method: "GET", path: "/api/v1/views", header: h, want: 200})
	c.say(exchange{method: "DELETE", path: "/api/v1/views/" + made.ViewID, header: h, want: 204})
	c.say(exchange{method: "DELETE", path: "/api/v1/views/" + made.ViewID, header: h, want: 404})
}
