package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings a database up to date, each step in a transaction of its own, and names the steps it took. On
// PostgreSQL it needs the rights of the tables' owner; the steps only go forward.
func Migrate(ctx context.Context, c Config) (applied []string, err error) {
	s, err := connectOwner(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.migrate(ctx)
}

// Pending names the steps that Migrate would take.
func Pending(ctx context.Context, c Config) (pending []string, err error) {
	s, err := connectOwner(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	missing, _, err := s.compareSchema(ctx)
	return missing, err
}

// connectOwner connects with the login's own rights instead of the serving role's.
func connectOwner(ctx context.Context, c Config) (*Store, error) {
	c = c.withDefaults()
	d, err := c.dialect()
	if err != nil {
		return nil, err
	}
	p, ok := d.(*postgres)
	if !ok {
		return connect(ctx, c)
	}
	db, err := p.connect(ctx, c, "")
	if err != nil {
		return nil, err
	}
	return &Store{dialect: d, writer: db, reader: db, config: c}, nil
}

func (s *Store) migrate(ctx context.Context) ([]string, error) {
	if err := s.refuseNewer(ctx); err != nil {
		return nil, err
	}
	dir, err := fs.Sub(migrations, s.dialect.migrationsDir())
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	gooseDialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.dialect.name() == "postgres" {
		locker, err := lock.NewPostgresSessionLocker() // two servers may be started at once
		if err != nil {
			return nil, fmt.Errorf("prepare the migrations' lock: %w", err)
		}
		gooseDialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(gooseDialect, s.writer.DB, dir, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	return s.up(ctx, provider)
}

// up applies what is missing. On SQLite two programs started at once may both see an empty file: each migration is one
// transaction, so one of them does the work, and the other finds it done and looks again.
func (s *Store) up(ctx context.Context, provider *goose.Provider) (applied []string, err error) {
	for attempt := range maxAttempts {
		results, upErr := provider.Up(ctx)
		for _, r := range results {
			if r.Error == nil {
				applied = append(applied, path.Base(r.Source.Path))
			}
		}
		if upErr == nil {
			return applied, nil
		}
		err = fmt.Errorf("migrate: %w", upErr)
		if s.dialect.name() != "sqlite" || backOff(ctx, attempt+1) != nil {
			return applied, err
		}
		if missing, _, compareErr := s.compareSchema(ctx); compareErr == nil && len(missing) == 0 {
			return applied, nil
		}
	}
	return applied, err
}

// refuseNewer stops an old program from touching a database that a newer one has changed.
func (s *Store) refuseNewer(ctx context.Context) error {
	_, newer, err := s.compareSchema(ctx)
	if err == nil && len(newer) > 0 {
		err = fmt.Errorf("the database is newer than this program (it has migration %d): install the newer version of upline",
			slices.Max(newer))
	}
	return err
}

// checkSchema refuses to serve from a database with other tables than this program was written for.
func (s *Store) checkSchema(ctx context.Context) error {
	if err := s.refuseNewer(ctx); err != nil {
		return err
	}
	missing, _, err := s.compareSchema(ctx)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("the database lacks %d migration(s), the first is %s: run \"upline migrate\"", len(missing), missing[0])
	}
	return err
}

// compareSchema holds the migrations of this program against those the database has had.
func (s *Store) compareSchema(ctx context.Context) (missing []string, newer []int64, err error) {
	ours, err := fs.Glob(migrations, s.dialect.migrationsDir()+"/*.sql")
	if err != nil {
		return nil, nil, fmt.Errorf("list the migrations: %w", err)
	}
	applied, err := s.appliedVersions(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := map[int64]bool{0: true} // goose's own first row
	for _, file := range ours {
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("migration %s has no number: %w", file, err)
		}
		known[version] = true
		if !slices.Contains(applied, version) {
			missing = append(missing, path.Base(file))
		}
	}
	for _, version := range applied {
		if !known[version] {
			newer = append(newer, version)
		}
	}
	return missing, newer, nil
}

// appliedVersions reads goose's table, which is not there in a new database.
func (s *Store) appliedVersions(ctx context.Context) ([]int64, error) {
	const sqliteTable = `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'`
	const postgresTable = `SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('goose_db_version')`
	exists := sqliteTable
	if s.dialect.name() == "postgres" {
		exists = postgresTable
	}
	var tables int
	if err := sqlx.GetContext(ctx, s.writer, &tables, exists); err != nil {
		return nil, fmt.Errorf("look for the migrations' table: %w", err)
	}
	if tables == 0 {
		return nil, nil
	}
	var applied []int64
	if err := sqlx.SelectContext(ctx, s.writer, &applied,
		`SELECT version_id FROM goose_db_version WHERE is_applied ORDER BY version_id`); err != nil {
		return nil, fmt.Errorf("read the migrations' table: %w", err)
	}
	return applied, nil
}
