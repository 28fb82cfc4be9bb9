package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/imports"
)

var _ imports.Books = (*Store)(nil)

// importRow is one row of imports.
type importRow struct {
	ImportID   string `db:"import_id"`
	State      string `db:"state"`
	FileName   string `db:"file_name"`
	SealedFile []byte `db:"sealed_file"`
	Columns    string `db:"columns_json"`
	Report     string `db:"report_json"`
	SealedUndo []byte `db:"sealed_undo"`
	Rows       int64  `db:"row_count"`
	Done       int64  `db:"done_count"`
	Actor      string `db:"actor"`
	Version    int64  `db:"version"`
	CreatedAt  int64  `db:"created_at"`
	UpdatedAt  int64  `db:"updated_at"`
}

func (r *importRow) public(program string) (imports.Import, error) {
	i := imports.Import{
		ImportID: r.ImportID, ProgramID: program, State: imports.State(r.State), FileName: r.FileName, SealedFile: r.SealedFile,
		SealedUndo: r.SealedUndo, Rows: r.Rows, Done: r.Done, Actor: r.Actor, Version: r.Version,
		CreatedAt: instant(r.CreatedAt), UpdatedAt: instant(r.UpdatedAt),
	}
	if err := json.Unmarshal([]byte(r.Columns), &i.Columns); err != nil {
		return i, fmt.Errorf("decode the columns of import %s: %w", r.ImportID, err)
	}
	if err := json.Unmarshal([]byte(r.Report), &i.Report); err != nil {
		return i, fmt.Errorf("decode the report of import %s: %w", r.ImportID, err)
	}
	return i, nil
}

// CreateImport keeps a file. See imports.Books.
func (s *Store) CreateImport(ctx context.Context, i imports.Import) (err error) {
	defer server.Wrap(&err, "create import %s", i.ImportID)
	columns, report, err := importJSON(&i)
	if err != nil {
		return err
	}
	return s.write(ctx, i.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO imports (program_id, import_id, state, file_name, sealed_file, columns_json, report_json,
			sealed_undo, row_count, done_count, actor, version, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, i.ProgramID, i.ImportID, string(i.State), i.FileName,
			i.SealedFile, columns, report, i.SealedUndo, i.Rows, i.Done, i.Actor, i.Version, micros(i.CreatedAt), micros(i.UpdatedAt))
		return err
	})
}

func importJSON(i *imports.Import) (columns, report string, err error) {
	c, err := json.Marshal(i.Columns)
	if err != nil {
		return "", "", fmt.Errorf("encode the columns: %w", err)
	}
	r, err := json.Marshal(i.Report)
	if err != nil {
		return "", "", fmt.Errorf("encode the report: %w", err)
	}
	return string(c), string(r), nil
}

// ImportOf reads an import with its file. See imports.Books.
func (s *Store) ImportOf(ctx context.Context, program, importID string) (imports.Import, error) {
	return s.oneImport(ctx, program, importID, importHead+", sealed_file, sealed_undo")
}

// ImportHead reads an import without its file. See imports.Books.
func (s *Store) ImportHead(ctx context.Context, program, importID string) (imports.Import, error) {
	return s.oneImport(ctx, program, importID, importHead)
}

// importHead are the columns of an import that are small.
const importHead = `import_id, state, file_name, columns_json, report_json, row_count, done_count, actor, version, created_at, updated_at`

func (s *Store) oneImport(ctx context.Context, program, importID, columns string) (i imports.Import, err error) {
	defer server.Wrap(&err, "read import %s", importID)
	var row importRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &row, `SELECT `+columns+` FROM imports WHERE program_id = $1 AND import_id = $2`, program, importID),
			"There is no import %s.", importID)
	})
	if err != nil {
		return i, err
	}
	return row.public(program)
}

// ImportsOf lists the newest imports. See imports.Books.
func (s *Store) ImportsOf(ctx context.Context, program string) (list []imports.Import, err error) {
	defer server.Wrap(&err, "list imports of program %s", program)
	var rows []importRow
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT `+importHead+` FROM imports WHERE program_id = $1 ORDER BY created_at DESC, import_id LIMIT 50`, program)
	})
	for i := range rows {
		public, err := rows[i].public(program)
		if err != nil {
			return nil, err
		}
		list = append(list, public)
	}
	return list, err
}

// ChangeImport writes an import back where nobody has changed it meanwhile. See imports.Books.
func (s *Store) ChangeImport(ctx context.Context, i imports.Import) (err error) {
	defer server.Wrap(&err, "change import %s", i.ImportID)
	columns, report, err := importJSON(&i)
	if err != nil {
		return err
	}
	return s.write(ctx, i.ProgramID, func(ctx context.Context, tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE imports SET state = $4, sealed_file = $5, columns_json = $6, report_json = $7,
			sealed_undo = $8, row_count = $9, done_count = $10, actor = $11, version = version + 1, updated_at = $12
			WHERE program_id = $1 AND import_id = $2 AND version = $3`, i.ProgramID, i.ImportID, i.Version, string(i.State), i.SealedFile,
			columns, report, i.SealedUndo, i.Rows, i.Done, i.Actor, micros(i.UpdatedAt)))
		return changedMeanwhile(n, err)
	})
}
