package auth

// OIDC is an identity provider.
type OIDC struct{}
