package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"upline.dev/upline/server"
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
	if missing, newer, err := s.compareSchema(ctx); err != nil || (len(missing) == 0 && len(newer) > 0) {
		return nil, err
	}
	provider, err := s.steps()
	if err != nil {
		return nil, err
	}
	return s.up(ctx, provider)
}

// steps are the migrations, ready to be applied.
func (s *Store) steps() (*goose.Provider, error) {
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
	return provider, nil
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

// refuseNewer stops an old program from touching a database that it would not survive. A newer database is no reason by
// itself: migrations only add, so that while an installation is upgraded the programs before keep working. One that does
// more raises the floor.
func (s *Store) refuseNewer(ctx context.Context) error {
	known, newer, err := s.newest(ctx)
	if err != nil || newer == 0 {
		return err
	}
	floor, err := s.schemaFloor(ctx)
	if err == nil && floor > known {
		err = fmt.Errorf("the database is newer than this program (it has migration %d, this program knows %d, and %d is the least that works on it): install the newer version of upline",
			newer, known, floor)
	}
	return err
}

// newest gives the last migration that this program knows, and the last one of the database that it does not know; 0: none.
func (s *Store) newest(ctx context.Context) (known, newer int64, err error) {
	_, unknown, err := s.compareSchema(ctx)
	if err != nil || len(unknown) == 0 {
		return 0, 0, err
	}
	ours, err := s.ownVersions()
	if err != nil {
		return 0, 0, err
	}
	return slices.Max(slices.Collect(maps.Keys(ours))), slices.Max(unknown), nil
}

// schemaFloor is the least migration that a program has to know. A database from before floors were kept has none above 9.
func (s *Store) schemaFloor(ctx context.Context) (floor int64, err error) {
	applied, err := s.appliedVersions(ctx)
	if err != nil || !slices.Contains(applied, 9) {
		return 0, err
	}
	var text string
	if err := sqlx.GetContext(ctx, s.writer, &text, `SELECT value FROM installation WHERE name = 'schema_floor'`); err != nil {
		return 0, fmt.Errorf("read the least schema: %w", err)
	}
	if floor, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, fmt.Errorf("the least schema is %q: %w", text, err)
	}
	return floor, nil
}

// checkSchema refuses to serve from a database that lacks tables which this program was written for. To wait may help:
// somebody may be about to run the migrations.
func (s *Store) checkSchema(ctx context.Context) error {
	if err := s.refuseNewer(ctx); err != nil {
		return err
	}
	missing, newer, err := s.compareSchema(ctx)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return server.Errorf(server.Unavailable, "the database lacks %d migration(s), the first is %s: run \"upline migrate\"", len(missing), missing[0])
	}
	if len(newer) > 0 {
		s.config.Logger.WarnContext(ctx, "the database has been migrated for a newer version of this program, which works on it too",
			"migration", slices.Max(newer), "mend", "install the newer version on every machine")
	}
	return nil
}

// ownVersions are the migrations of this program, by number.
func (s *Store) ownVersions() (map[int64]string, error) {
	files, err := fs.Glob(migrations, s.dialect.migrationsDir()+"/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the migrations: %w", err)
	}
	ours := make(map[int64]string, len(files))
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number: %w", file, err)
		}
		ours[version] = path.Base(file)
	}
	return ours, nil
}

// compareSchema holds the migrations of this program against those the database has had.
func (s *Store) compareSchema(ctx context.Context) (missing []string, newer []int64, err error) {
	ours, err := s.ownVersions()
	if err != nil {
		return nil, nil, err
	}
	applied, err := s.appliedVersions(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, version := range slices.Sorted(maps.Keys(ours)) {
		if !slices.Contains(applied, version) {
			missing = append(missing, ours[version])
		}
	}
	for _, version := range applied {
		if _, known := ours[version]; !known && version != 0 { // 0 is goose's own first row
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
