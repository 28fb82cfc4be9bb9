package auth

// OIDC is an identity provider.
type OIDC struct {
	Name string // for people
}

// ProviderName is what the identity provider is called on screens; "" where there is none.
func (s *Service) ProviderName() string {
	if s.OIDC == nil {
		return ""
	}
	return s.OIDC.Name
}
