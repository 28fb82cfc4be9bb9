package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/auth"
)

// memberRow is one membership with its person and program.
type memberRow struct {
	accountRow
	ProgramID  string `db:"program_id"`
	Program    string `db:"program"`
	Role       string `db:"role"`
	AddedAt    int64  `db:"added_at"`
	LastSeenAt int64  `db:"last_seen_at"`
}

const memberSelect = `SELECT ` + personColumns + `, m.program_id, g.name AS program, m.role, m.added_at, m.last_seen_at
	FROM memberships m JOIN people p ON p.person_id = m.person_id JOIN programs g ON g.program_id = m.program_id WHERE `

func (s *Store) members(ctx context.Context, where string, arg string) (list []auth.Member, err error) {
	var rows []memberRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error { return tx.SelectContext(ctx, &rows, memberSelect+where, arg) })
	for i := range rows {
		r := &rows[i]
		list = append(list, auth.Member{
			Person: r.person(), ProgramID: r.ProgramID, Program: r.Program, Role: auth.Role(r.Role),
			AddedAt: instant(r.AddedAt), LastSeenAt: instant(r.LastSeenAt),
		})
	}
	return list, err
}

// ProgramsOf lists a person's programs, the one used last first. See auth.Books.
func (s *Store) ProgramsOf(ctx context.Context, personID string) (list []auth.Member, err error) {
	defer server.Wrap(&err, "list the programs of %s", personID)
	return s.members(ctx, `m.person_id = $1 ORDER BY m.last_seen_at DESC, m.program_id`, personID)
}

// Members lists who may sign in to a program. See auth.Books.
func (s *Store) Members(ctx context.Context, program string) (list []auth.Member, err error) {
	defer server.Wrap(&err, "list members of program %s", program)
	return s.members(ctx, `m.program_id = $1 ORDER BY p.email`, program)
}

// PutMember adds a member or changes the role. See auth.Books.
func (s *Store) PutMember(ctx context.Context, program, personID string, role auth.Role) (err error) {
	defer server.Wrap(&err, "put member %s of program %s", personID, program)
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		if err := s.putMember(ctx, tx, program, personID, role); err != nil {
			return err
		}
		return mustHaveOwner(ctx, tx, program)
	})
}

// putMember locks the program, so that two owners cannot each take the other's role away.
func (s *Store) putMember(ctx context.Context, tx *sqlx.Tx, program, personID string, role auth.Role) error {
	if _, err := s.touch(ctx, tx, program, "tree_version"); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO memberships (program_id, person_id, role, added_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (program_id, person_id) DO UPDATE SET role = excluded.role`, program, personID, string(role), s.now())
	return err
}

func mustHaveOwner(ctx context.Context, tx *sqlx.Tx, program string) error {
	var owners int64
	err := tx.GetContext(ctx, &owners, `SELECT count(*) FROM memberships WHERE program_id = $1 AND role = 'owner'`, program)
	if err == nil && owners == 0 {
		return server.Errorf(server.Conflict, "A program has at least one owner: make somebody else an owner first.")
	}
	return err
}

// RemoveMember takes a member out of a program. See auth.Books.
func (s *Store) RemoveMember(ctx context.Context, program, personID string) (err error) {
	defer server.Wrap(&err, "remove member %s of program %s", personID, program)
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := s.touch(ctx, tx, program, "tree_version"); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM memberships WHERE program_id = $1 AND person_id = $2`, `DELETE FROM sessions WHERE program_id = $1 AND person_id = $2`,
		} {
			if _, err := tx.ExecContext(ctx, statement, program, personID); err != nil {
				return err
			}
		}
		if err := forgetViews(ctx, tx, program, personID); err != nil {
			return err
		}
		return mustHaveOwner(ctx, tx, program)
	})
}

// sessionRow is one row of sessions.
type sessionRow struct {
	SessionID string `db:"session_id"`
	Hash      []byte `db:"hash"`
	ProgramID string `db:"program_id"`
	PersonID  string `db:"person_id"`
	Role      string `db:"role"`
	Actor     string `db:"actor"`
	Name      string `db:"name"`
	StoreID   string `db:"store_id"`
	CreatedAt int64  `db:"created_at"`
	SeenAt    int64  `db:"seen_at"`
	ExpiresAt int64  `db:"expires_at"`
	Client    string `db:"client"`
	Address   string `db:"address"`
}

func (r *sessionRow) session() auth.Session {
	out := auth.Session{
		SessionID: r.SessionID, ProgramID: r.ProgramID, PersonID: r.PersonID, Role: auth.Role(r.Role), Actor: r.Actor, Name: r.Name,
		StoreID: r.StoreID, CreatedAt: instant(r.CreatedAt), SeenAt: instant(r.SeenAt), ExpiresAt: instant(r.ExpiresAt),
		Client: r.Client, Address: r.Address,
	}
	copy(out.Hash[:], r.Hash)
	return out
}

// A person's session is worth what their membership is now; one by a link what it was made with.
const sessionSelect = `SELECT s.session_id, s.hash, s.program_id, s.person_id, CASE WHEN s.person_id = '' THEN s.role ELSE m.role END AS role,
	s.actor, CASE WHEN s.person_id = '' THEN s.name ELSE p.name END AS name, s.store_id, s.created_at, s.seen_at, s.expires_at, s.client, s.address
	FROM sessions s LEFT JOIN people p ON p.person_id = s.person_id
	LEFT JOIN memberships m ON m.person_id = s.person_id AND m.program_id = s.program_id
	WHERE (s.person_id = '' OR m.role IS NOT NULL) AND `

// CreateSession begins a session, and forgets those that have ended. See auth.Books.
func (s *Store) CreateSession(ctx context.Context, x auth.Session) (err error) {
	defer server.Wrap(&err, "create a session")
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, s.now()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions (session_id, hash, program_id, person_id, role, actor, name, store_id,
			created_at, seen_at, expires_at, client, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			x.SessionID, x.Hash[:], x.ProgramID, x.PersonID, string(x.Role), x.Actor, x.Name, x.StoreID,
			micros(x.CreatedAt), micros(x.SeenAt), micros(x.ExpiresAt), x.Client, x.Address)
		if err != nil || x.PersonID == "" {
			return err
		}
		return seen(ctx, tx, x.ProgramID, x.PersonID, micros(x.SeenAt))
	})
}

func seen(ctx context.Context, tx *sqlx.Tx, program, personID string, at int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE memberships SET last_seen_at = $3 WHERE program_id = $1 AND person_id = $2`, program, personID, at)
	return err
}

// SessionByHash finds a session by its token. See auth.Books.
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (x auth.Session, err error) {
	defer server.Wrap(&err, "find a session")
	var row sessionRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, sessionSelect+`s.hash = $1 AND s.expires_at > $2`, hash[:], micros(now)), "This session has ended.")
	})
	return row.session(), err
}

// TouchSession writes down that a session is used. See auth.Books.
func (s *Store) TouchSession(ctx context.Context, sessionID string, at, expires time.Time) (err error) {
	defer server.Wrap(&err, "touch a session")
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		var of struct {
			ProgramID string `db:"program_id"`
			PersonID  string `db:"person_id"`
		}
		err := tx.GetContext(ctx, &of, `UPDATE sessions SET seen_at = $2, expires_at = $3 WHERE session_id = $1 RETURNING program_id, person_id`,
			sessionID, micros(at), micros(expires))
		if err != nil {
			return found(err, "This session has ended.")
		}
		return seen(ctx, tx, of.ProgramID, of.PersonID, micros(at))
	})
}

// MoveSession makes a session one of another program. See auth.Books.
func (s *Store) MoveSession(ctx context.Context, sessionID, program string) (err error) {
	defer server.Wrap(&err, "move a session to program %s", program)
	return s.amend(ctx, `UPDATE sessions SET program_id = $2 WHERE session_id = $1 AND person_id <> ''`, sessionID, program)
}

// SessionsOf lists a person's sessions, the one used last first. See auth.Books.
func (s *Store) SessionsOf(ctx context.Context, personID string, now time.Time) (list []auth.Session, err error) {
	defer server.Wrap(&err, "list sessions of %s", personID)
	var rows []sessionRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, sessionSelect+`s.person_id = $1 AND s.expires_at > $2 ORDER BY s.seen_at DESC, s.session_id`,
			personID, micros(now))
	})
	for i := range rows {
		list = append(list, rows[i].session())
	}
	return list, err
}

// EndSessions ends sessions of a person. See auth.Books.
func (s *Store) EndSessions(ctx context.Context, personID, sessionID, keep string) (n int64, err error) {
	defer server.Wrap(&err, "end sessions of %s", personID)
	if personID == "" {
		return 0, nil
	}
	if sessionID != "" {
		return s.amended(ctx, `DELETE FROM sessions WHERE person_id = $1 AND session_id = $2`, personID, sessionID)
	}
	return s.amended(ctx, `DELETE FROM sessions WHERE person_id = $1 AND session_id <> $2`, personID, keep)
}

// EndSession ends a session. See auth.Books.
func (s *Store) EndSession(ctx context.Context, sessionID string) (err error) {
	defer server.Wrap(&err, "end a session")
	return s.amend(ctx, `DELETE FROM sessions WHERE session_id = $1`, sessionID)
}

// invitationRow is one row of invitations.
type invitationRow struct {
	InvitationID string `db:"invitation_id"`
	ProgramID    string `db:"program_id"`
	Program      string `db:"program"`
	Email        string `db:"email"`
	Role         string `db:"role"`
	InvitedBy    string `db:"invited_by"`
	CreatedAt    int64  `db:"created_at"`
	ExpiresAt    int64  `db:"expires_at"`
}

const invitationSelect = `SELECT i.invitation_id, i.program_id, g.name AS program, i.email, i.role, i.invited_by, i.created_at, i.expires_at
	FROM invitations i JOIN programs g ON g.program_id = i.program_id WHERE `

func (r *invitationRow) invitation() auth.Invitation {
	return auth.Invitation{
		InvitationID: r.InvitationID, ProgramID: r.ProgramID, Program: r.Program, Email: r.Email, Role: auth.Role(r.Role),
		InvitedBy: r.InvitedBy, CreatedAt: instant(r.CreatedAt), ExpiresAt: instant(r.ExpiresAt),
	}
}

// PutInvitation keeps an invitation. See auth.Books.
func (s *Store) PutInvitation(ctx context.Context, i auth.Invitation) (err error) {
	defer server.Wrap(&err, "put an invitation to program %s", i.ProgramID)
	return s.amend(ctx, `INSERT INTO invitations (invitation_id, program_id, email, role, hash, invited_by, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (program_id, email) DO UPDATE SET invitation_id = excluded.invitation_id, role = excluded.role, hash = excluded.hash,
		invited_by = excluded.invited_by, created_at = excluded.created_at, expires_at = excluded.expires_at`,
		i.InvitationID, i.ProgramID, i.Email, string(i.Role), i.Hash[:], i.InvitedBy, micros(i.CreatedAt), micros(i.ExpiresAt))
}

const noInvitation = "This invitation was used already, taken back, or is too old; ask for a new one."

// InvitationByHash finds an invitation by its code. See auth.Books.
func (s *Store) InvitationByHash(ctx context.Context, hash [32]byte, now time.Time) (i auth.Invitation, err error) {
	defer server.Wrap(&err, "find an invitation")
	var row invitationRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, invitationSelect+`i.hash = $1 AND i.expires_at > $2`, hash[:], micros(now)), noInvitation)
	})
	return row.invitation(), err
}

// Invitations lists who is invited to a program. See auth.Books.
func (s *Store) Invitations(ctx context.Context, program string, now time.Time) (list []auth.Invitation, err error) {
	defer server.Wrap(&err, "list invitations to program %s", program)
	var rows []invitationRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, invitationSelect+`i.program_id = $1 AND i.expires_at > $2 ORDER BY i.created_at DESC, i.email`,
			program, micros(now))
	})
	for i := range rows {
		list = append(list, rows[i].invitation())
	}
	return list, err
}

// TakeInvitation makes the invited person a member. Who is one already keeps the role. See auth.Books.
func (s *Store) TakeInvitation(ctx context.Context, hash [32]byte, personID string, now time.Time) (i auth.Invitation, err error) {
	defer server.Wrap(&err, "take an invitation")
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		var row invitationRow
		err := tx.GetContext(ctx, &row, `DELETE FROM invitations WHERE hash = $1 AND expires_at > $2
			RETURNING invitation_id, program_id, '' AS program, email, role, invited_by, created_at, expires_at`, hash[:], micros(now))
		if err != nil {
			return found(err, noInvitation)
		}
		i = row.invitation()
		var members int64
		err = tx.GetContext(ctx, &members, `SELECT count(*) FROM memberships WHERE program_id = $1 AND person_id = $2`, i.ProgramID, personID)
		if err != nil || members > 0 {
			return err
		}
		return s.putMember(ctx, tx, i.ProgramID, personID, i.Role)
	})
	return i, err
}

// RevokeInvitation takes an invitation back. See auth.Books.
func (s *Store) RevokeInvitation(ctx context.Context, program, invitationID string) (err error) {
	defer server.Wrap(&err, "revoke an invitation to program %s", program)
	n, err := s.amended(ctx, `DELETE FROM invitations WHERE program_id = $1 AND invitation_id = $2`, program, invitationID)
	if err == nil && n == 0 {
		return server.Errorf(server.NotFound, "There is no invitation %s.", invitationID)
	}
	return err
}
