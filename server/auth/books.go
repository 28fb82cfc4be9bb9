package auth

import (
	"context"
	"time"
)

// Person is somebody who can sign in. One person may be a member of several programs.
type Person struct {
	PersonID     string
	Email        string // in lower case; unique
	Name         string
	PasswordHash string // "": no password
	SealedTOTP   []byte // the shared secret, sealed with the person's id; nil: no second factor
	CreatedAt    time.Time
}

// Member is a person in a program.
type Member struct {
	Person
	ProgramID  string
	Program    string // the program's name
	Role       Role
	AddedAt    time.Time
	LastSeenAt time.Time // zero: never
}

// Session is one signed-in browser. Only the SHA-256 of its token is kept.
type Session struct {
	SessionID string
	Hash      [32]byte
	ProgramID string
	PersonID  string // "": by a link; then Role, Actor, Name and StoreID say who it is
	Role      Role
	Actor     string
	Name      string
	StoreID   string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	Client    string // the browser, as it names itself
	Address   string
}

// Code is something that may be used once, and not for long. Only the SHA-256 of its text is kept.
type Code struct {
	Hash      [32]byte
	Purpose   string
	Data      string // what it stands for
	ExpiresAt time.Time
}

// Invitation lets one e-mail address become a member.
type Invitation struct {
	InvitationID string
	ProgramID    string
	Program      string // the program's name
	Email        string
	Role         Role
	Hash         [32]byte
	InvitedBy    string
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

// Passkey is one WebAuthn credential. Credential is what the library keeps of it, as JSON.
type Passkey struct {
	CredentialID []byte
	PersonID     string
	Name         string
	Credential   []byte
	CreatedAt    time.Time
	LastUsedAt   time.Time // zero: never
}

// Books keeps people, sessions and codes. What is not there is server.NotFound.
type Books interface {
	Accounts(ctx context.Context) (int64, error)
	// CreatePerson adds a person; server.Conflict where the address is taken. With first it also is where anybody is there.
	CreatePerson(ctx context.Context, p Person, first bool) error
	PersonByEmail(ctx context.Context, email string) (Person, error)
	PersonByID(ctx context.Context, personID string) (Person, error)
	UpdatePerson(ctx context.Context, p Person) error
	// UseTOTPStep marks a time step of a person as used; false where it, or a later one, was used before.
	UseTOTPStep(ctx context.Context, personID string, step int64) (bool, error)

	ProgramsOf(ctx context.Context, personID string) ([]Member, error) // the one used last first
	Members(ctx context.Context, program string) ([]Member, error)
	// PutMember adds a person or changes the role. It refuses with server.Conflict to leave a program without an owner.
	PutMember(ctx context.Context, program, personID string, role Role) error
	RemoveMember(ctx context.Context, program, personID string) error // and ends the person's sessions in the program

	CreateSession(ctx context.Context, s Session) error
	// SessionByHash finds a session that has not ended, with the role its person has now.
	SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (Session, error)
	TouchSession(ctx context.Context, sessionID string, seen, expires time.Time) error
	MoveSession(ctx context.Context, sessionID, program string) error
	SessionsOf(ctx context.Context, personID string, now time.Time) ([]Session, error)
	// EndSessions ends one session of a person, or with "" all but keep, and gives their number.
	EndSessions(ctx context.Context, personID, sessionID, keep string) (int64, error)
	// EndSession ends a session, whoever's it is.
	EndSession(ctx context.Context, sessionID string) error

	PutCode(ctx context.Context, c Code) error
	// TakeCode uses a code up: of several who try at once one gets it.
	TakeCode(ctx context.Context, purpose string, hash [32]byte, now time.Time) (Code, error)
	// PutRecoveryCodes replaces the codes of a person that stand in for the second factor.
	PutRecoveryCodes(ctx context.Context, personID string, hashes [][32]byte) error
	TakeRecoveryCode(ctx context.Context, personID string, hash [32]byte) (bool, error)

	PutInvitation(ctx context.Context, i Invitation) error // replaces an earlier one of the same address
	InvitationByHash(ctx context.Context, hash [32]byte, now time.Time) (Invitation, error)
	Invitations(ctx context.Context, program string, now time.Time) ([]Invitation, error)
	// TakeInvitation uses an invitation up, and makes its person a member in the same transaction.
	TakeInvitation(ctx context.Context, hash [32]byte, personID string, now time.Time) (Invitation, error)
	RevokeInvitation(ctx context.Context, program, invitationID string) error

	PutPasskey(ctx context.Context, k Passkey) error
	PasskeysOf(ctx context.Context, personID string) ([]Passkey, error)
	PasskeyByID(ctx context.Context, credentialID []byte) (Passkey, error)
	UsePasskey(ctx context.Context, k Passkey) error // what the library keeps changes with each use
	RemovePasskey(ctx context.Context, personID string, credentialID []byte) error

	// PersonByIdentity finds who signed in by this subject of an identity provider before; LinkIdentity remembers it.
	PersonByIdentity(ctx context.Context, issuer, subject string) (Person, error)
	LinkIdentity(ctx context.Context, issuer, subject, personID string) error

	Audit(ctx context.Context, program, actor, action, subject, detail string) error
}
