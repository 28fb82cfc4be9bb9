package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/query"
)

// maxViews bounds one answer; nobody keeps so many.
const maxViews = 1000

// Views lists what an actor keeps, and what everybody sees. See query.Screens.
func (s *Store) Views(ctx context.Context, program, actor string) (list []query.View, err error) {
	defer server.Wrap(&err, "list the views of program %s", program)
	var rows []struct {
		ViewID string `db:"view_id"`
		Actor  string `db:"actor"`
		List   string `db:"list"`
		Name   string `db:"name"`
		Query  string `db:"query"`
		Shared int64  `db:"shared"`
	}
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT view_id, actor, list, name, query, shared FROM saved_views
			WHERE program_id = $1 AND (actor = $2 OR shared = 1) ORDER BY list, name, view_id LIMIT $3`, program, actor, maxViews)
	})
	for _, r := range rows {
		list = append(list, query.View{ViewID: r.ViewID, List: r.List, Name: r.Name, Query: r.Query, Shared: r.Shared == 1, Mine: r.Actor == actor})
	}
	return list, err
}

// PutView keeps a view. See admin.Books.
func (s *Store) PutView(ctx context.Context, program string, v admin.View, limit int) (viewID string, err error) {
	defer server.Wrap(&err, "put a view of program %s", program)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		var others int
		err := tx.GetContext(ctx, &others, `SELECT count(*) FROM saved_views WHERE program_id = $1 AND actor = $2 AND list = $3 AND name <> $4`,
			program, v.Actor, v.List, v.Name)
		if err != nil {
			return err
		}
		if others >= limit {
			return &server.Error{Code: server.Conflict, Field: "name", Message: "This list has as many views of yours as it can show; remove one first."}
		}
		shared := 0
		if v.Shared {
			shared = 1
		}
		return tx.GetContext(ctx, &viewID, `INSERT INTO saved_views (program_id, view_id, actor, list, name, query, shared, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (program_id, actor, list, name) DO UPDATE SET query = excluded.query, shared = excluded.shared RETURNING view_id`,
			program, v.ViewID, v.Actor, v.List, v.Name, v.Query, shared, s.now())
	})
	return viewID, err
}

// RemoveView removes a view. See admin.Books.
func (s *Store) RemoveView(ctx context.Context, program, viewID, actor string, all bool) (shared bool, err error) {
	defer server.Wrap(&err, "remove view %s of program %s", viewID, program)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		statement := `DELETE FROM saved_views WHERE program_id = $1 AND view_id = $2 AND actor = $3 RETURNING shared`
		if all {
			statement = `DELETE FROM saved_views WHERE program_id = $1 AND view_id = $2 AND (actor = $3 OR shared = 1) RETURNING shared`
		}
		var flag int64
		err := found(tx.GetContext(ctx, &flag, statement, program, viewID, actor), "There is no view %s of yours.", viewID)
		shared = flag == 1
		return err
	})
	return shared, err
}

// forgetViews removes what somebody kept for themselves alone; what everybody sees stays.
func forgetViews(ctx context.Context, tx *sqlx.Tx, program, personID string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM saved_views WHERE program_id = $1 AND actor = $2 AND shared = 0`, program, "person:"+personID)
	return err
}
