package install

import (
	"encoding/json"
	"fmt"

	"upline.dev/upline/server/secret"
)

// sealed is what is encrypted of Credentials; the rest stands beside it in the clear.
type sealed struct {
	Key          string `json:"key,omitempty"`
	Secret       string `json:"secret,omitempty"`
	Token        string `json:"token,omitempty"`
	TokenSecret  string `json:"token_secret,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Base         string `json:"base,omitempty"`
	SchemeHidden bool   `json:"scheme_hidden,omitempty"`
}

// associated names the row that credentials are sealed for.
func associated(c *Connection) []byte {
	return []byte("store_credentials\x00" + c.ProgramID + "\x00" + c.StoreID)
}

// seal puts the credentials into the row.
func (s *Service) seal(c *Connection, creds Credentials) error {
	plain, err := json.Marshal(sealed{
		Key: creds.Key.Reveal(), Secret: creds.Secret.Reveal(), Token: creds.Token.Reveal(),
		TokenSecret: creds.TokenSecret.Reveal(), RefreshToken: creds.RefreshToken.Reveal(),
		Base: creds.Base, SchemeHidden: creds.SchemeHidden,
	})
	if err != nil {
		return fmt.Errorf("encode credentials: %w", err)
	}
	if c.Sealed, err = s.Sealer.Seal(plain, associated(c)); err != nil {
		return fmt.Errorf("seal credentials of store %s: %w", c.StoreID, err)
	}
	c.Scopes, c.ExpiresAt, c.RefreshExpiresAt = creds.Scopes, creds.ExpiresAt, creds.RefreshExpiresAt
	return nil
}

// open takes the credentials out of the row.
func (s *Service) open(c *Connection) (Credentials, error) {
	if len(c.Sealed) == 0 {
		return Credentials{}, ErrNotConnected
	}
	plain, err := s.Sealer.Open(c.Sealed, associated(c))
	if err != nil {
		return Credentials{}, fmt.Errorf("open credentials of store %s: %w", c.StoreID, err)
	}
	var v sealed
	if err := json.Unmarshal(plain, &v); err != nil {
		return Credentials{}, fmt.Errorf("read credentials of store %s", c.StoreID) // without the cause: it may quote them
	}
	return Credentials{
		Key: secret.Text(v.Key), Secret: secret.Text(v.Secret), Token: secret.Text(v.Token),
		TokenSecret: secret.Text(v.TokenSecret), RefreshToken: secret.Text(v.RefreshToken),
		Base: v.Base, SchemeHidden: v.SchemeHidden,
		Scopes: c.Scopes, ExpiresAt: c.ExpiresAt, RefreshExpiresAt: c.RefreshExpiresAt,
	}, nil
}
