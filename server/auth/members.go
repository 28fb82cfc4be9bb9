package auth

import (
	"context"
	"fmt"

	"upline.dev/upline/server"
)

// mayGive refuses to make anybody more than one is oneself: only an owner makes owners, or takes that away.
func mayGive(p *Principal, roles ...Role) error {
	for _, r := range roles {
		if !r.Known() {
			return &server.Error{Code: server.Invalid, Field: "role", Message: "role is owner, admin, finance, support or viewer"}
		}
		if r == Owner && p.Role != Owner {
			return server.Errorf(server.Forbidden, "only an owner makes owners, and changes what owners are")
		}
	}
	return nil
}

// Invite makes an invitation and gives its code, which goes into a link to the address. An earlier invitation of the same
// address ends.
func (s *Service) Invite(ctx context.Context, p *Principal, email string, role Role) (Invitation, string, error) {
	email, err := cleanEmail(email)
	if err != nil {
		return Invitation{}, "", err
	}
	if err := mayGive(p, role); err != nil {
		return Invitation{}, "", err
	}
	code, err := s.token("", 32)
	if err != nil {
		return Invitation{}, "", err
	}
	id, err := s.token("inv_", 12)
	if err != nil {
		return Invitation{}, "", err
	}
	now := s.Clock()
	i := Invitation{
		InvitationID: id, ProgramID: p.Program, Email: email, Role: role, Hash: HashToken(code), InvitedBy: p.Actor,
		CreatedAt: now, ExpiresAt: now.Add(invitationLife),
	}
	if err := s.Books.PutInvitation(ctx, i); err != nil {
		return Invitation{}, "", fmt.Errorf("invite to %s: %w", p.Program, err)
	}
	return i, code, s.Books.Audit(ctx, p.Program, p.Actor, "member.invite", id, string(role))
}

// Invitation shows what a code invites to, and whether its address has an account already.
func (s *Service) Invitation(ctx context.Context, code string) (i Invitation, known bool, err error) {
	if i, err = s.Books.InvitationByHash(ctx, HashToken(code), s.Clock()); err != nil {
		return i, false, err
	}
	_, err = s.Books.PersonByEmail(ctx, i.Email)
	if server.CodeOf(err) == server.NotFound {
		return i, false, nil
	}
	return i, err == nil, err
}

// Accept takes an invitation. Somebody new gets an account; somebody who has one must give its password, since a link in a
// mailbox is less than that.
func (s *Service) Accept(ctx context.Context, code string, n Newcomer, second string, from Client) (Person, error) {
	i, known, err := s.Invitation(ctx, code)
	if err != nil {
		return Person{}, err
	}
	n.Email = i.Email
	var person Person
	if known {
		if person, err = s.SignIn(ctx, i.Email, n.Password, second, from); err != nil {
			return Person{}, err
		}
	} else {
		if err := n.check(); err != nil {
			return Person{}, err
		}
		if person, err = s.newPerson(&n); err != nil {
			return Person{}, err
		}
		if err := s.Books.CreatePerson(ctx, person, false); err != nil {
			return Person{}, err
		}
	}
	if _, err := s.Books.TakeInvitation(ctx, HashToken(code), person.PersonID, s.Clock()); err != nil {
		return Person{}, err
	}
	return person, s.audit(ctx, i.ProgramID, person.PersonID, "member.join", person.PersonID, string(i.Role))
}

// Revoke ends an invitation.
func (s *Service) Revoke(ctx context.Context, p *Principal, invitationID string) error {
	if err := s.Books.RevokeInvitation(ctx, p.Program, invitationID); err != nil {
		return err
	}
	return s.Books.Audit(ctx, p.Program, p.Actor, "member.uninvite", invitationID, "")
}

func (s *Service) member(ctx context.Context, program, personID string) (Member, error) {
	members, err := s.Books.Members(ctx, program)
	if err != nil {
		return Member{}, err
	}
	for _, m := range members {
		if m.PersonID == personID {
			return m, nil
		}
	}
	return Member{}, server.Errorf(server.NotFound, "there is no member %s", personID)
}

// SetRole makes a member something else.
func (s *Service) SetRole(ctx context.Context, p *Principal, personID string, role Role) error {
	m, err := s.member(ctx, p.Program, personID)
	if err != nil {
		return err
	}
	if err := mayGive(p, role, m.Role); err != nil {
		return err
	}
	if err := s.Books.PutMember(ctx, p.Program, personID, role); err != nil {
		return err
	}
	return s.Books.Audit(ctx, p.Program, p.Actor, "member.role", personID, string(m.Role)+" > "+string(role))
}

// Remove takes a member out of the program and ends their sessions there.
func (s *Service) Remove(ctx context.Context, p *Principal, personID string) error {
	m, err := s.member(ctx, p.Program, personID)
	if err != nil {
		return err
	}
	if err := mayGive(p, m.Role); err != nil {
		return err
	}
	if err := s.Books.RemoveMember(ctx, p.Program, personID); err != nil {
		return err
	}
	return s.Books.Audit(ctx, p.Program, p.Actor, "member.remove", personID, string(m.Role))
}
