package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/auth"
)

var _ auth.Books = (*Store)(nil)

// accountRow is one row of people.
type accountRow struct {
	PersonID     string `db:"person_id"`
	Email        string `db:"email"`
	Name         string `db:"name"`
	PasswordHash string `db:"password_hash"`
	SealedTOTP   []byte `db:"sealed_totp"`
	CreatedAt    int64  `db:"created_at"`
}

const personColumns = `p.person_id, p.email, p.name, p.password_hash, p.sealed_totp, p.created_at`

func (r *accountRow) person() auth.Person {
	return auth.Person{
		PersonID: r.PersonID, Email: r.Email, Name: r.Name, PasswordHash: r.PasswordHash, SealedTOTP: r.SealedTOTP,
		CreatedAt: instant(r.CreatedAt),
	}
}

// Accounts counts who has an account. See auth.Books.
func (s *Store) Accounts(ctx context.Context) (n int64, err error) {
	defer server.Wrap(&err, "count people")
	err = s.read(ctx, "", func(tx *sqlx.Tx) error { return tx.GetContext(ctx, &n, `SELECT count(*) FROM people`) })
	return n, err
}

// CreatePerson adds somebody. See auth.Books.
func (s *Store) CreatePerson(ctx context.Context, p auth.Person, first bool) (err error) {
	defer server.Wrap(&err, "create person %s", p.PersonID)
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		if first {
			if err := s.refuseSecond(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO people (person_id, email, name, password_hash, sealed_totp, created_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, p.PersonID, p.Email, p.Name, p.PasswordHash, p.SealedTOTP, micros(p.CreatedAt))
		return err
	})
}

// refuseSecond holds a lock of its own: two first owners at once would both find nobody.
func (s *Store) refuseSecond(ctx context.Context, tx *sqlx.Tx) error {
	if err := s.dialect.lockPeople(ctx, tx); err != nil {
		return err
	}
	var n int64
	if err := tx.GetContext(ctx, &n, `SELECT count(*) FROM people`); err != nil {
		return err
	}
	if n > 0 {
		return server.Errorf(server.Conflict, "Somebody is the owner already; sign in, or ask to be invited.")
	}
	return nil
}

// PersonByEmail finds who has an address. See auth.Books.
func (s *Store) PersonByEmail(ctx context.Context, email string) (auth.Person, error) {
	return s.findPerson(ctx, `FROM people p WHERE p.email = $1`, email)
}

// PersonByID finds a person. See auth.Books.
func (s *Store) PersonByID(ctx context.Context, personID string) (auth.Person, error) {
	return s.findPerson(ctx, `FROM people p WHERE p.person_id = $1`, personID)
}

// PersonByIdentity finds who signed in by an identity provider before. See auth.Books.
func (s *Store) PersonByIdentity(ctx context.Context, issuer, subject string) (auth.Person, error) {
	return s.findPerson(ctx, `FROM people p JOIN identities i ON i.person_id = p.person_id WHERE i.issuer = $1 AND i.subject = $2`, issuer, subject)
}

func (s *Store) findPerson(ctx context.Context, from string, args ...any) (p auth.Person, err error) {
	defer server.Wrap(&err, "find a person")
	var row accountRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+personColumns+` `+from, args...), "There is no such person.")
	})
	if err != nil {
		return auth.Person{}, err
	}
	return row.person(), nil
}

// LinkIdentity remembers a person's subject at an identity provider. See auth.Books.
func (s *Store) LinkIdentity(ctx context.Context, issuer, subject, personID string) (err error) {
	defer server.Wrap(&err, "link an identity of %s", personID)
	return s.amend(ctx, `INSERT INTO identities (issuer, subject, person_id, linked_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (issuer, subject) DO NOTHING`, issuer, subject, personID, s.now())
}

// amend runs one statement that belongs to no program.
func (s *Store) amend(ctx context.Context, statement string, args ...any) error {
	_, err := s.amended(ctx, statement, args...)
	return err
}

func (s *Store) amended(ctx context.Context, statement string, args ...any) (n int64, err error) {
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		n, err = affected(tx.ExecContext(ctx, statement, args...))
		return err
	})
	return n, err
}

// UpdatePerson changes the name, password and second factor. See auth.Books.
func (s *Store) UpdatePerson(ctx context.Context, p auth.Person) (err error) {
	defer server.Wrap(&err, "update person %s", p.PersonID)
	return s.amend(ctx, `UPDATE people SET name = $2, password_hash = $3, sealed_totp = $4 WHERE person_id = $1`,
		p.PersonID, p.Name, p.PasswordHash, p.SealedTOTP)
}

// UseTOTPStep uses a time step up. See auth.Books.
func (s *Store) UseTOTPStep(ctx context.Context, personID string, step int64) (_ bool, err error) {
	defer server.Wrap(&err, "use a code of %s", personID)
	n, err := s.amended(ctx, `UPDATE people SET totp_step = $2 WHERE person_id = $1 AND totp_step < $2`, personID, step)
	return n == 1, err
}

// PutRecoveryCodes replaces a person's recovery codes. See auth.Books.
func (s *Store) PutRecoveryCodes(ctx context.Context, personID string, hashes [][32]byte) (err error) {
	defer server.Wrap(&err, "put recovery codes of %s", personID)
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE person_id = $1`, personID); err != nil {
			return err
		}
		for i := range hashes {
			_, err := tx.ExecContext(ctx, `INSERT INTO recovery_codes (person_id, hash) VALUES ($1, $2)`, personID, hashes[i][:])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// TakeRecoveryCode uses a recovery code up. See auth.Books.
func (s *Store) TakeRecoveryCode(ctx context.Context, personID string, hash [32]byte) (_ bool, err error) {
	defer server.Wrap(&err, "take a recovery code of %s", personID)
	n, err := s.amended(ctx, `DELETE FROM recovery_codes WHERE person_id = $1 AND hash = $2`, personID, hash[:])
	return n == 1, err
}

// PutCode keeps a one-time code, and forgets those that are too old. See auth.Books.
func (s *Store) PutCode(ctx context.Context, c auth.Code) (err error) {
	defer server.Wrap(&err, "put a one-time code")
	return s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM one_time_codes WHERE expires_at <= $1`, s.now()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO one_time_codes (hash, purpose, data, expires_at) VALUES ($1, $2, $3, $4)`,
			c.Hash[:], c.Purpose, c.Data, micros(c.ExpiresAt))
		return err
	})
}

// TakeCode uses a one-time code up. See auth.Books.
func (s *Store) TakeCode(ctx context.Context, purpose string, hash [32]byte, now time.Time) (c auth.Code, err error) {
	defer server.Wrap(&err, "take a one-time code")
	c = auth.Code{Hash: hash, Purpose: purpose}
	err = s.write(ctx, "", func(ctx context.Context, tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &c.Data, `DELETE FROM one_time_codes WHERE hash = $1 AND purpose = $2 AND expires_at > $3
			RETURNING data`, hash[:], purpose, micros(now)), "This code is not known, or not any more.")
	})
	return c, err
}

// passkeyRow is one row of passkeys.
type passkeyRow struct {
	CredentialID []byte `db:"credential_id"`
	PersonID     string `db:"person_id"`
	Name         string `db:"name"`
	Credential   string `db:"credential_json"`
	CreatedAt    int64  `db:"created_at"`
	LastUsedAt   int64  `db:"last_used_at"`
}

// passkeyColumns are a passkey whole.
const passkeyColumns = `credential_id, person_id, name, credential_json, created_at, last_used_at` //nolint:gosec // names of columns

func (r *passkeyRow) passkey() auth.Passkey {
	return auth.Passkey{
		CredentialID: r.CredentialID, PersonID: r.PersonID, Name: r.Name, Credential: []byte(r.Credential),
		CreatedAt: instant(r.CreatedAt), LastUsedAt: instant(r.LastUsedAt),
	}
}

// PutPasskey keeps a passkey. See auth.Books.
func (s *Store) PutPasskey(ctx context.Context, k auth.Passkey) (err error) {
	defer server.Wrap(&err, "put a passkey of %s", k.PersonID)
	return s.amend(ctx, `INSERT INTO passkeys (credential_id, person_id, name, credential_json, created_at, last_used_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, k.CredentialID, k.PersonID, k.Name, string(k.Credential), micros(k.CreatedAt), micros(k.LastUsedAt))
}

// PasskeysOf lists a person's passkeys. See auth.Books.
func (s *Store) PasskeysOf(ctx context.Context, personID string) (list []auth.Passkey, err error) {
	defer server.Wrap(&err, "list passkeys of %s", personID)
	var rows []passkeyRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+passkeyColumns+` FROM passkeys WHERE person_id = $1 ORDER BY created_at, credential_id`, personID)
	})
	for i := range rows {
		list = append(list, rows[i].passkey())
	}
	return list, err
}

// PasskeyByID finds a passkey. See auth.Books.
func (s *Store) PasskeyByID(ctx context.Context, credentialID []byte) (k auth.Passkey, err error) {
	defer server.Wrap(&err, "find a passkey")
	var row passkeyRow
	err = s.read(ctx, "", func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+passkeyColumns+` FROM passkeys WHERE credential_id = $1`, credentialID), "There is no such passkey.")
	})
	return row.passkey(), err
}

// UsePasskey keeps what changed by using a passkey. See auth.Books.
func (s *Store) UsePasskey(ctx context.Context, k auth.Passkey) (err error) {
	defer server.Wrap(&err, "use a passkey of %s", k.PersonID)
	return s.amend(ctx, `UPDATE passkeys SET credential_json = $2, last_used_at = $3 WHERE credential_id = $1`,
		k.CredentialID, string(k.Credential), micros(k.LastUsedAt))
}

// RemovePasskey forgets a passkey. See auth.Books.
func (s *Store) RemovePasskey(ctx context.Context, personID string, credentialID []byte) (err error) {
	defer server.Wrap(&err, "remove a passkey of %s", personID)
	n, err := s.amended(ctx, `DELETE FROM passkeys WHERE person_id = $1 AND credential_id = $2`, personID, credentialID)
	if err == nil && n == 0 {
		return server.Errorf(server.NotFound, "There is no such passkey.")
	}
	return err
}
