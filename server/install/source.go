package install

import (
	"context"

	"upline.dev/upline/server/secret"
)

// Source hands out one store's access token to whoever calls its platform.
type Source struct {
	service *Service
	storeID string
}

// Source gives the token source of a store.
func (s *Service) Source(storeID string) *Source { return &Source{s, storeID} }

// Token is the access token to use now. ErrNotConnected where the merchant has to connect the store first.
func (s *Source) Token(ctx context.Context) (string, error) {
	creds, err := s.service.Credentials(ctx, s.storeID)
	return creds.Token.Reveal(), err
}

// Renew is for a token that the platform refused; it gives another one.
func (s *Source) Renew(ctx context.Context, refused string) (string, error) {
	creds, err := s.service.Renew(ctx, s.storeID, secret.Text(refused))
	return creds.Token.Reveal(), err
}
