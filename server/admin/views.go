package admin

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// View is the filters of a list under a name. One actor has one of each list and name.
type View struct {
	ViewID string
	Actor  string // whose it is
	List   string // one of ViewLists
	Name   string
	Query  string // as in the address of the list, for example "settlement=parked"
	Shared bool   // everybody in the company sees it
}

// Bounds of views. A row of buttons that is longer than a screen finds nothing any more.
const (
	maxViewsOfList   = 20   // of one actor
	maxViewNameRunes = 40   // letters of a name
	maxViewBytes     = 1000 // bytes of the filters
)

// ViewLists are the lists that have views.
func ViewLists() []string {
	return []string{"orders", "distributors", "commissions", "deliveries", "audit"}
}

// check trims the name and names what is wrong.
func (v *View) check() error {
	v.Name = strings.TrimSpace(v.Name)
	filters, err := url.ParseQuery(v.Query)
	switch {
	case !slices.Contains(ViewLists(), v.List):
		return invalid("list", "a view is of one of the lists %s", strings.Join(ViewLists(), ", "))
	case v.Name == "" || utf8.RuneCountInString(v.Name) > maxViewNameRunes || !isPlain(v.Name):
		return invalid("name", "a view's name has 1 to %d letters", maxViewNameRunes)
	case err != nil || len(filters) == 0 || len(v.Query) > maxViewBytes || !isPlain(v.Query):
		return invalid("query", "the filters are as in an address, for example settlement=parked, and have at most %d bytes", maxViewBytes)
	}
	return nil
}

// isPlain reports whether a text can stand in a list: it is text, and nothing of it is a control.
func isPlain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// PutView keeps a view of the actor's in the place of one of the same list and name. What everybody sees stands in the
// audit log.
func (s *Service) PutView(ctx context.Context, program string, v View) (View, error) {
	v.Actor = s.Actor
	if err := v.check(); err != nil {
		return v, err
	}
	id, err := s.token("view_")
	if err != nil {
		return v, err
	}
	v.ViewID = id[:21]
	if v.ViewID, err = s.Books.PutView(ctx, program, v, maxViewsOfList); err != nil {
		return v, err
	}
	if !v.Shared {
		return v, nil
	}
	return v, s.Books.Audit(ctx, program, s.Actor, "view.share", v.ViewID, v.List+": "+v.Name)
}

// RemoveView removes a view: the actor's, or of what everybody sees any where all is said.
func (s *Service) RemoveView(ctx context.Context, program, viewID string, all bool) error {
	shared, err := s.Books.RemoveView(ctx, program, viewID, s.Actor, all)
	if err != nil || !shared {
		return err
	}
	return s.audit(ctx, program, "view.remove", viewID)
}
