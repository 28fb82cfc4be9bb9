package admin

import (
	"context"
	"fmt"
)

// CreateAppStore adds a store whose deliveries are signed with the secret of the platform's app alone. An empty id is made
// from the domain.
func (s *Service) CreateAppStore(ctx context.Context, st Store) (Store, error) {
	if st.StoreID == "" {
		st.StoreID = slug(st.Domain)
	}
	if err := checkStore(&st); err != nil {
		return st, err
	}
	st.SealedSecret, st.SealedOldSecret = nil, nil
	if err := s.Books.CreateStore(ctx, st); err != nil {
		return st, fmt.Errorf("create store %s: %w", st.StoreID, err)
	}
	return st, s.audit(ctx, st.ProgramID, "store.create", st.StoreID)
}
