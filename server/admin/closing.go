package admin

import (
	"context"
	"strings"
	"time"

	"upline.dev/upline/server"
)

// Closing is what closing a company takes away and what it leaves. The books of a company are kept: law asks for them, and
// the database refuses to change them. They hold ids and figures alone, so that what makes persons of ids can go.
type Closing struct {
	ClosedAt int64 // microseconds since 1970 UTC; 0: it is open
	Goes     ClosingGoes
	Stays    ClosingStays
	Owed     map[string]int64 // minor units that distributors have earned and were not paid, by currency; none: nothing
}

// ClosingGoes counts what is taken away.
type ClosingGoes struct {
	Stores      int64 `json:"stores" db:"stores"`             // are disconnected; their orders stay
	APIKeys     int64 `json:"api_keys" db:"api_keys"`         // are revoked
	Members     int64 `json:"members" db:"members"`           // may not sign in any more; owners may
	Invitations int64 `json:"invitations" db:"invitations"`   // count no more
	Webhooks    int64 `json:"webhooks" db:"webhooks"`         // endpoints that are told
	People      int64 `json:"people" db:"people"`             // distributors whose name, e-mail and tax id are forgotten
	Bindings    int64 `json:"bindings" db:"bindings"`         // of customers
	Bodies      int64 `json:"raw_bodies" db:"raw_bodies"`     // of deliveries
	Imports     int64 `json:"import_files" db:"import_files"` // uploaded lists of people
}

// ClosingStays counts what is kept, under ids.
type ClosingStays struct {
	Orders       int64 `json:"orders" db:"orders"`
	Postings     int64 `json:"postings" db:"postings"`
	Batches      int64 `json:"sealed_batches" db:"sealed_batches"`
	Distributors int64 `json:"distributors" db:"distributors"` // as ids in the tree
	Plans        int64 `json:"plans" db:"plans"`
}

// CloseRequest is an owner's word.
type CloseRequest struct {
	Confirm     string // the company's name
	DespiteOwed bool   // what is owed is paid elsewhere: without names nobody can be paid from here
}

// CloseProgram closes a company: nothing comes in any more, and nobody but its owners gets in, to read and take away its
// books. Done twice it is as good as once. commit=false says what would happen. Raw bodies, bindings and hints of its
// stores, and its stores' grants, are the caller's to end.
func (s *Service) CloseProgram(ctx context.Context, program, name string, r CloseRequest, at time.Time, commit bool) (Closing, error) {
	if !commit {
		return s.Books.Closing(ctx, program)
	}
	if strings.TrimSpace(r.Confirm) != name {
		return Closing{}, invalid("confirm", "write the company's name, %s, to confirm", name)
	}
	would, err := s.Books.Closing(ctx, program)
	if err != nil {
		return would, err
	}
	if len(would.Owed) > 0 && !r.DespiteOwed {
		return would, &server.Error{Code: server.Conflict, Field: "despite_owed", Message: "distributors have earned what was not paid yet: pay it, " +
			"or take the list away and say that it is paid elsewhere; without names nobody can be paid from here"}
	}
	if would.ClosedAt, err = s.Books.CloseProgram(ctx, program, at); err != nil {
		return would, err
	}
	return would, s.audit(ctx, program, "program.close", program)
}
