package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/query"
)

var _ query.Screens = (*Store)(nil)

// maybe is an instant that may be absent.
func maybe(us int64) *time.Time {
	if us == 0 {
		return nil
	}
	at := instant(us)
	return &at
}

// APIKeys lists a program's keys, the newest first. See query.Screens.
func (s *Store) APIKeys(ctx context.Context, program string) (list []query.APIKey, err error) {
	defer server.Wrap(&err, "list API keys of program %s", program)
	var rows []struct {
		KeyID     string `db:"key_id"`
		Name      string `db:"name"`
		Role      string `db:"role"`
		StoreID   string `db:"store_id"`
		CreatedAt int64  `db:"created_at"`
		RevokedAt int64  `db:"revoked_at"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT key_id, name, role, store_id, created_at, revoked_at FROM api_keys
			WHERE program_id = $1 ORDER BY created_at DESC, key_id`, program)
	})
	for _, r := range rows {
		list = append(list, query.APIKey{
			KeyID: r.KeyID, Name: r.Name, Role: r.Role, StoreID: r.StoreID, CreatedAt: instant(r.CreatedAt), RevokedAt: maybe(r.RevokedAt),
		})
	}
	return list, err
}

// AuditLog lists who did what, the newest first. See query.Screens.
func (s *Store) AuditLog(ctx context.Context, program string, f query.AuditFilter, p query.Page) (list []query.Audited, next string, err error) {
	defer server.Wrap(&err, "read the audit log of program %s", program)
	c := where(program, "program_id").andIf("actor", f.Actor).andIf("subject", f.Subject)
	if f.Action != "" {
		c.and("(action = ? OR (action >= ? AND action < ?))", f.Action, f.Action+".", f.Action+"/")
	}
	// Ids are in the order of time and begin with it, so that they find their place in the key.
	if !f.From.IsZero() {
		c.and("audit_id >= ?", auditPlace(micros(f.From)))
	}
	if !f.To.IsZero() {
		c.and("audit_id < ?", auditPlace(micros(f.To)))
	}
	after, err := readCursor(p.After, 1)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		c.and("audit_id < ?", after[0])
	}
	limit := pageLimit(p)
	var rows []struct {
		AuditID string `db:"audit_id"`
		At      int64  `db:"at"`
		Actor   string `db:"actor"`
		Action  string `db:"action"`
		Subject string `db:"subject"`
		Detail  string `db:"detail"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT audit_id, at, actor, action, subject, detail FROM audit_log`+c.String()+
			` ORDER BY audit_id DESC`+c.limited(limit), c.args...)
	})
	for i, r := range rows {
		if i == limit {
			next = cursor{rows[limit-1].AuditID}.String()
			break
		}
		list = append(list, query.Audited{AuditID: r.AuditID, At: instant(r.At), Actor: r.Actor, Action: r.Action, Subject: r.Subject, Detail: r.Detail})
	}
	return list, next, err
}

// Settings lists what a program's screens keep. See query.Screens.
func (s *Store) Settings(ctx context.Context, program string) (list []query.Setting, err error) {
	defer server.Wrap(&err, "read the settings of program %s", program)
	var rows []settingRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT name, value_json, version, updated_at, updated_by FROM program_settings
			WHERE program_id = $1 ORDER BY name`, program)
	})
	for i := range rows {
		list = append(list, rows[i].public())
	}
	return list, err
}

type settingRow struct {
	Name      string `db:"name"`
	Value     string `db:"value_json"`
	Version   int64  `db:"version"`
	UpdatedAt int64  `db:"updated_at"`
	UpdatedBy string `db:"updated_by"`
}

func (r *settingRow) public() query.Setting {
	return query.Setting{Name: r.Name, Value: json.RawMessage(r.Value), Version: r.Version, UpdatedAt: instant(r.UpdatedAt), UpdatedBy: r.UpdatedBy}
}

// PutSetting writes a setting where it still is at the version that was seen; 0 is one that is not there yet. See
// admin.Books.
func (s *Store) PutSetting(ctx context.Context, program, name string, value []byte, seen int64, actor string) (version int64, err error) {
	defer server.Wrap(&err, "put setting %s of program %s", name, program)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		if seen == 0 {
			n, err := affected(tx.ExecContext(ctx, `INSERT INTO program_settings (program_id, name, value_json, version, updated_at, updated_by)
				VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (program_id, name) DO NOTHING`, program, name, string(value), s.now(), actor))
			version = 1
			return changedMeanwhile(n, err)
		}
		n, err := affected(tx.ExecContext(ctx, `UPDATE program_settings SET value_json = $4, version = version + 1, updated_at = $5,
			updated_by = $6 WHERE program_id = $1 AND name = $2 AND version = $3`, program, name, seen, string(value), s.now(), actor))
		version = seen + 1
		return changedMeanwhile(n, err)
	})
	return version, err
}

func changedMeanwhile(n int64, err error) error {
	if err == nil && n == 0 {
		return &server.Error{Code: server.Conflict, Field: "If-Match", Message: "Somebody has changed this meanwhile; look at it again and decide anew."}
	}
	return err
}
