package main

import "upline.dev/upline/server/auth"

// signInSettings are how people sign in beside their passwords and passkeys.
type signInSettings struct {
	OIDCIssuer       string `help:"Issuer of the OpenID Connect provider people may sign in by, such as https://login.example.com; empty: none." env:"UPLINE_OIDC_ISSUER" name:"oidc-issuer" placeholder:"URL"`
	OIDCClientID     string `help:"Client id at that provider." env:"UPLINE_OIDC_CLIENT_ID" name:"oidc-client-id"`
	OIDCClientSecret string `help:"Client secret at that provider." env:"UPLINE_OIDC_CLIENT_SECRET" name:"oidc-client-secret"`
	OIDCName         string `help:"What the provider is called on the sign-in page." env:"UPLINE_OIDC_NAME" name:"oidc-name" default:"single sign-on"`
}

func (s *signInSettings) check() error {
	if (s.OIDCIssuer == "") != (s.OIDCClientID == "") {
		return wrongSetting("set both UPLINE_OIDC_ISSUER and UPLINE_OIDC_CLIENT_ID, or neither")
	}
	return nil
}

// auth lets people in, by the identity provider too where one is set, and counts attempts with all processes that share the cache.
func (s *signInSettings) auth(a *app, attempts auth.Counter) *auth.Service {
	service := a.auth()
	service.Shared = attempts
	if s.OIDCIssuer != "" {
		service.OIDC = &auth.OIDC{Name: s.OIDCName, Issuer: s.OIDCIssuer, ClientID: s.OIDCClientID, ClientSecret: s.OIDCClientSecret}
	}
	return service
}
