package main

import (
	"net/url"

	"upline.dev/upline/adapters/shopify"
	"upline.dev/upline/server/httpapi"
	"upline.dev/upline/server/reference"
)

// signer makes and reads references with the installation's own keys.
func (a *app) signer() *reference.Signer { return &reference.Signer{Keys: a.ring} }

// references answer share links and storefronts; app is nil where the Shopify app is switched off.
func (a *app) references(app *shopifyApp) *httpapi.References {
	r := &httpapi.References{Signer: a.signer(), Hints: a.store, CheckoutKey: shopify.CheckoutKey}
	if app != nil {
		r.Proxy = func(rawQuery string) (string, url.Values, error) {
			proxied, err := app.VerifyProxy(rawQuery)
			return proxied.Shop, proxied.Query, err
		}
	}
	return r
}
