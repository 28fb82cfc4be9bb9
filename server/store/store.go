// Package store keeps everything in one SQLite file or in PostgreSQL, behind the interfaces of the packages that use
// it. It stores and forbids; it does not compute.
//
// All SQL of the project is here. Statements are one text for both databases; what differs is in sqlite.go and
// postgres.go. What only grows (postings, snapshots, seals, order revisions, the audit log) is protected by triggers.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/inbox"
	"upline.dev/upline/server/install"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
)

// Config says where the database is. The zero value of every field but DataDir or DatabaseURL works.
type Config struct {
	DatabaseURL string // "postgres://..."; "": the embedded database in DataDir
	// ReadDatabaseURL is a replica of DatabaseURL, for readings that may lag; "": there is none.
	ReadDatabaseURL string
	DataDir         string           // folder of the embedded database; made where it is missing
	MaxConns        int              // connections to PostgreSQL at most, beside the few that settle at once; default 16
	Clock           func() time.Time // default time.Now
	SharedClock     bool             // PostgreSQL's clock counts instead of Clock, as for all processes on it
	Opener          Opener           // opens sealed profiles for reading; nil: names and addresses are not shown
	Logger          *slog.Logger     // default: discards
}

// Opener decrypts what was sealed for one row; associated names the row.
type Opener interface {
	Open(sealed, associated []byte) ([]byte, error)
}

func (c Config) withDefaults() Config {
	if c.MaxConns <= 0 {
		c.MaxConns = 16
	}
	if c.Clock == nil {
		c.Clock = time.Now //nolint:forbidigo // the default of a clock that is an argument
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) dialect() (dialect, error) {
	switch {
	case strings.HasPrefix(c.DatabaseURL, "postgres://"), strings.HasPrefix(c.DatabaseURL, "postgresql://"):
		return &postgres{}, nil
	case c.DatabaseURL != "":
		return nil, errors.New("DATABASE_URL must begin with postgres:// ; leave it empty for the embedded database")
	case c.DataDir == "":
		return nil, errors.New("the data folder is not set")
	default:
		return newEmbedded(), nil
	}
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	dialect dialect
	writer  *sqlx.DB
	reader  *sqlx.DB
	config  Config

	clock     *sharedClock // the database's; nil: the process is alone, and its own clock counts
	stopClock func()

	beside beside // what it does while nobody waits

	replica     *replica // nil: there is none
	stopReplica func()

	mu       sync.Mutex
	programs map[string]*facts // caches by program
	lastSeen map[string]int64  // store -> last delivery written to its row
	claims   claimCursor
}

var (
	_ inbox.Store    = (*Store)(nil)
	_ pipeline.Store = (*Store)(nil)
	_ pipeline.Books = (*books)(nil)
	_ query.Reader   = (*Store)(nil)
	_ admin.Books    = (*Store)(nil)
	_ install.Books  = (*Store)(nil)
	_ install.Stores = (*Store)(nil)
)

// Open connects. The embedded database is brought up to date; PostgreSQL must have been migrated (see Migrate), and is
// refused with one sentence otherwise.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	if s.dialect.name() == "sqlite" {
		if _, err := s.migrate(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if err := errors.Join(s.checkSchema(ctx), s.shareClock(ctx)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.followReplica()
	if s.dialect.name() == "sqlite" {
		if err := s.keepStatistics(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func connect(ctx context.Context, c Config) (*Store, error) {
	c = c.withDefaults()
	d, err := c.dialect()
	if err != nil {
		return nil, err
	}
	writer, reader, err := d.open(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Store{
		dialect: d, writer: writer, reader: reader, config: c,
		programs: make(map[string]*facts), lastSeen: make(map[string]int64),
	}, nil
}

// Dialect names the database: "sqlite" or "postgres".
func (s *Store) Dialect() string { return s.dialect.name() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}

// Close ends all connections, once what nobody waited for is written down.
func (s *Store) Close() error {
	s.beside.end()
	for _, stop := range []func(){s.stopClock, s.stopReplica} {
		if stop != nil {
			stop()
		}
	}
	err := errors.Join(s.dialect.close(), s.writer.Close())
	if s.reader != s.writer {
		err = errors.Join(err, s.reader.Close())
	}
	return err
}

// micros is how times are stored: microseconds since 1970 UTC; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the inverse of micros.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func (s *Store) now() int64 { return s.Now().UnixMicro() }
