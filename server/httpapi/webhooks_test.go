package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// webhooks makes an endpoint, changes it, and looks at what it is sent. Nothing is sent here: there is no sender.
func (c *conversation) webhooks() {
	const path = "/api/v1/webhooks"
	for wrong, body := range map[string]string{
		"http": `{"url":"http://example.com/x","types":["commission.event"]}`, "inside": `{"url":"https://192.168.0.1/","types":["commission.event"]}`,
		"type": `{"url":"https://example.com/x","types":["order.eaten"]}`, "none": `{"url":"https://example.com/x","types":[]}`, "empty": `{}`,
		"password": `{"url":"https://user:word@example.com/x","types":["commission.event"]}`, "name": `{"url":"https://till.local/","types":["commission.event"]}`,
	} {
		c.say(exchange{method: "POST", path: path, header: c.bearer(), body: body, wrong: wrong == "type", want: 422})
	}
	var e struct {
		EndpointID string `json:"endpoint_id"`
		Secret     string `json:"secret"`
	}
	fatal(c.t, json.Unmarshal(c.say(exchange{
		method: "POST", path: path, header: c.bearer(), want: 201, body: `{"url":"https://example.com/x","types":["commission.event","order.parked"],"description":"Our ERP"}`,
	}), &e))
	if !strings.HasPrefix(e.Secret, "whsec_") || len(e.Secret) != len("whsec_")+44 {
		c.t.Errorf("secret %q", e.Secret)
	}
	one := path + "/" + e.EndpointID
	if text := c.say(exchange{method: "GET", path: one, header: c.bearer(), want: 200}); strings.Contains(string(text), "whsec_") {
		c.t.Errorf("the secret is shown twice: %s", text)
	}
	c.say(exchange{method: "GET", path: path, header: c.bearer(), want: 200})
	c.say(exchange{method: "GET", path: path + "?after=x", header: c.bearer(), wrong: true, want: 422})
	seen := c.bearer()
	seen["If-Match"] = `"1"`
	c.say(exchange{method: "PATCH", path: one, header: seen, body: `{"types":["delivery.parked"]}`, want: 200})
	c.say(exchange{method: "PATCH", path: one, header: seen, body: `{"description":"late"}`, want: 409})
	c.say(exchange{method: "PATCH", path: one, header: c.bearer(), body: `{"url":"ftp://x.example"}`, want: 422})
	c.say(exchange{method: "POST", path: one + "/rotate-secret", header: c.bearer(), want: 200})
	c.say(exchange{method: "POST", path: one + "/test", header: c.bearer(), want: 202})
	c.say(exchange{method: "GET", path: one + "/messages?state=waiting&type=webhook.test&limit=1", header: c.bearer(), want: 200})
	c.say(exchange{method: "GET", path: one + "/messages?state=lost", header: c.bearer(), wrong: true, want: 422})
	c.say(exchange{method: "GET", path: one + "/messages/1", header: c.bearer(), want: 200})
	c.say(exchange{method: "POST", path: one + "/messages/1/resend", header: c.bearer(), want: 202})
	c.say(exchange{method: "POST", path: one + "/resend", header: c.bearer(), want: 202})
	c.say(exchange{method: "PATCH", path: one, header: c.bearer(), body: `{"state":"paused"}`, want: 200})
	c.say(exchange{method: "POST", path: one + "/test", header: c.bearer(), want: 409})
	for method, paths := range map[string][]string{
		"GET": {"", "/messages", "/messages/1"}, "POST": {"/rotate-secret", "/test", "/resend", "/messages/1/resend"}, "PATCH": {""}, "DELETE": {""},
	} {
		for _, under := range paths {
			body := map[bool]string{true: `{}`}[method == "PATCH"]
			c.say(exchange{method: method, path: one + under, body: body, want: 401})
			c.say(exchange{method: method, path: path + "/whe_none" + under, header: c.bearer(), body: body, want: 404})
		}
	}
	c.say(exchange{method: "GET", path: path, want: 401})
	c.say(exchange{method: "POST", path: path, body: `{}`, want: 401})
	c.say(exchange{method: "GET", path: one + "/messages/2", header: c.bearer(), want: 404})
	c.say(exchange{method: "GET", path: one + "/messages/x", header: c.bearer(), wrong: true, want: 404})
	c.say(exchange{method: "DELETE", path: one, header: c.bearer(), want: 204})
}

// TestWebhooksOfOthers: another program's endpoints do not exist, and what is done leaves a line.
func TestWebhooksOfOthers(t *testing.T) {
	t.Parallel()
	p := openProduct(t)
	a, b := p.company(t, "alpha"), p.company(t, "beta")
	made := a.post("/api/v1/webhooks", `{"url":"https://example.com/hook/token-1","types":["commission.event"]}`)
	a.want(http.StatusCreated, made)
	var e struct {
		EndpointID string `json:"endpoint_id"`
	}
	fatal(t, json.Unmarshal(made.body, &e))
	for _, under := range []string{"", "/messages"} {
		if got := b.get("/api/v1/webhooks/" + e.EndpointID + under); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", under, got.status)
		}
	}
	b.want(http.StatusNotFound, b.post("/api/v1/webhooks/"+e.EndpointID+"/test", ``))
	if rows := b.rowsOf("/api/v1/webhooks", b.readKey); len(rows) != 0 {
		t.Errorf("beta sees %v", rows)
	}
	rows := a.rowsOf("/api/v1/audit?action=webhook", a.readKey)
	if len(rows) != 1 || rows[0]["action"] != "webhook.create" || strings.Contains(rows[0]["detail"].(string), "token-1") {
		t.Errorf("audit: %v", rows)
	}
	for range 19 {
		a.want(http.StatusCreated, a.post("/api/v1/webhooks", `{"url":"https://example.com/","types":["plan.published"]}`))
	}
	a.want(http.StatusConflict, a.post("/api/v1/webhooks", `{"url":"https://example.com/","types":["plan.published"]}`))
}
