package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// maxSettingBytes bounds what a screen may keep under one name; a saved view takes some hundred.
const maxSettingBytes = 64 << 10

// settingName is what a setting may be called: "branding", or "view.orders.parked".
var settingName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,40}(\.[a-z0-9_-]{1,60}){0,2}$`)

// PutSetting keeps a JSON value under a name, where it still is at the version that was seen.
func (s *Service) PutSetting(ctx context.Context, program, name string, value json.RawMessage, seen int64) (int64, error) {
	if !settingName.MatchString(name) {
		return 0, invalid("name", "a setting's name is a word such as branding, or view.orders.parked")
	}
	if len(value) > maxSettingBytes || !json.Valid(value) {
		return 0, invalid("value", "a setting is JSON of at most %d bytes", maxSettingBytes)
	}
	if name == "branding" {
		if err := checkBranding(value); err != nil {
			return 0, err
		}
	}
	version, err := s.Books.PutSetting(ctx, program, name, value, seen, s.Actor)
	if err != nil {
		return 0, err
	}
	return version, s.audit(ctx, program, "setting.put", name)
}

// instantOr writes microseconds since 1970 as RFC 3339; for 0 it gives none.
func instantOr(at int64, none string) string {
	if at == 0 {
		return none
	}
	return time.UnixMicro(at).UTC().Format(time.RFC3339)
}

// StoreChange is what may be changed about a store; nil leaves it.
type StoreChange struct {
	Name             *string
	GoLiveAt         *int64 // orders before it never pay, as in Store; 0 takes it away
	AcceptTestOrders *bool
}

// ChangeStore changes a store of the program.
func (s *Service) ChangeStore(ctx context.Context, program, storeID string, change StoreChange) error {
	st, err := s.Books.StoreByID(ctx, storeID)
	if err != nil {
		return err
	}
	if st.ProgramID != program {
		return notHere(storeID)
	}
	var what []string
	if change.Name != nil {
		name := strings.TrimSpace(*change.Name)
		if name == "" || len(name) > maxNameBytes {
			return invalid("name", "a store's name has 1 to %d bytes", maxNameBytes)
		}
		st.Name, what = name, append(what, "name")
	}
	if change.GoLiveAt != nil {
		st.GoLiveAt = *change.GoLiveAt
		what = append(what, "go_live_at "+instantOr(st.GoLiveAt, "none"))
	}
	if change.AcceptTestOrders != nil {
		st.AcceptTestOrders, what = *change.AcceptTestOrders, append(what, fmt.Sprintf("accept_test_orders %t", *change.AcceptTestOrders))
	}
	if err := s.Books.UpdateStore(ctx, st); err != nil {
		return err
	}
	return s.Books.Audit(ctx, program, s.Actor, "store.change", storeID, strings.Join(what, ", "))
}
