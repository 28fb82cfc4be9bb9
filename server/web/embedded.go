package web

import (
	"bytes"
	"html/template"
	"net/http"
)

// Shopify's scripts, in the order its admin asks for. The one of its elements is the stable channel of the second major
// version; a new major has another address.
const (
	AppBridge    = "https://cdn.shopify.com/shopifycloud/app-bridge.js"
	PolarisShell = "https://cdn.shopify.com/shopifycloud/polaris-2.js"
)

// Shop is whose admin the screens are framed by.
type Shop struct {
	APIKey string // the app's client id
	Domain string // shop.myshopify.com, checked already; empty for a page that knows no shop
}

// Addresses of the admin and of the two scripts, and nothing else beside our own. Shopify's elements style themselves, and
// App Bridge talks to its own servers.
func (s Shop) policy() string {
	ancestors := "https://admin.shopify.com"
	if s.Domain != "" {
		ancestors = "https://" + s.Domain + " " + ancestors
	}
	return "default-src 'self'; script-src 'self' https://cdn.shopify.com; style-src 'self' 'unsafe-inline' https://cdn.shopify.com; " +
		"img-src 'self' data: https://cdn.shopify.com; font-src 'self' https://cdn.shopify.com; connect-src 'self' https: wss:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors " + ancestors
}

var document = template.Must(template.New("embedded").Parse(`<!doctype html>
<html lang="en" data-embedded>
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="shopify-api-key" content="{{.APIKey}}">
  <script src="{{.AppBridge}}"></script>
  <script src="{{.PolarisShell}}"></script>
  <title>Upline</title>
  <link rel="stylesheet" href="{{.Style}}">
</head>
<body>
<div id="app"></div>
<script type="module" id="boot" src="{{.Boot}}" data-polaris="{{.Polaris}}" data-own="{{.Own}}" data-own-style="{{.OwnStyle}}"></script>
</body>
</html>
`))

// Embedded answers with the document of the screens inside Shopify's admin; who may frame it is said per shop. Without
// the screens it says how they are made.
func (p *Pages) Embedded(w http.ResponseWriter, r *http.Request, shop Shop) {
	h := w.Header()
	h.Set("Content-Security-Policy", shop.policy())
	if !p.Built() {
		f := p.files["/"]
		f.send(w, r)
		return
	}
	var b bytes.Buffer
	err := document.Execute(&b, map[string]string{
		"APIKey": shop.APIKey, "AppBridge": AppBridge, "PolarisShell": PolarisShell, "Boot": p.boot, "Style": p.entries[polaris].style,
		"Polaris": p.entries[polaris].script, "Own": p.entries[own].script, "OwnStyle": p.entries[own].style,
	})
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h.Add("Link", "<"+AppBridge+">; rel=preload; as=script, <"+PolarisShell+">; rel=preload; as=script, <"+p.entries[polaris].script+">; rel=modulepreload")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store") // the address holds a token, and the headers are the shop's
	_, _ = w.Write(b.Bytes())
}
