package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server/query"
)

// How the replica is watched: lookEvery is between two looks, lookPatience for how long one may take, and lagMost how far
// behind it may be to be read from. Beyond that a screen would rather be slow than old.
const (
	lookEvery    = 200 * time.Millisecond
	lookPatience = time.Second
	lagMost      = 10 * time.Second
)

// replica is a database that follows the one that is written to, for readings that may lag.
type replica struct {
	open    func(ctx context.Context) (*sqlx.DB, error)
	primary *sqlx.DB
	now     func() time.Time // with a monotonic reading
	log     *slog.Logger

	mu      sync.Mutex
	db      *sqlx.DB // nil: not reached yet
	at      query.Position
	seen    time.Time // of the last look that succeeded; zero: not to be read from
	lag     time.Duration
	marks   []mark // of the primary, the oldest first; those that the replica has passed are gone
	usable  bool
	failure string // the last one told
}

// mark is where the primary was at a moment.
type mark struct {
	when time.Time
	at   query.Position
}

// follow watches the replica until stop is called.
func (r *replica) follow() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			r.look(ctx)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
		if r.db != nil {
			_ = r.db.Close() // it was only read from
		}
	}
}

// look asks both how far they are.
func (r *replica) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	err := r.measure(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	usable := err == nil && r.lag <= lagMost
	if usable != r.usable || err != nil && r.failure == "" {
		switch {
		case err != nil:
			r.log.Warn("screens are read from the primary, as the replica does not answer", "error", err)
		case !usable:
			r.log.Warn("screens are read from the primary, as the replica is too far behind", "lag", r.lag.String())
		default:
			r.log.Info("screens are read from the replica")
		}
	}
	r.usable, r.failure = usable, ""
	if err != nil {
		r.failure = err.Error()
	}
}

func (r *replica) measure(ctx context.Context) error {
	db, err := r.connection(ctx)
	if err != nil {
		return err
	}
	began := r.now()
	var primary, replayed int64
	if err := r.primary.GetContext(ctx, &primary, `SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint`); err != nil {
		return fmt.Errorf("ask the primary how far it is: %w", err)
	}
	if err := db.GetContext(ctx, &replayed, `SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
		ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::bigint`); err != nil {
		return fmt.Errorf("ask the replica how far it is: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = append(r.marks, mark{began, query.Position(primary)})
	for len(r.marks) > 0 && r.marks[0].at <= query.Position(replayed) {
		r.marks = r.marks[1:]
	}
	r.at, r.seen, r.lag = query.Position(replayed), began, 0
	if len(r.marks) > 0 {
		r.lag = began.Sub(r.marks[0].when)
	}
	if len(r.marks) > 1000 { // two hundred seconds behind: how much more does not matter
		r.marks = append(r.marks[:1:1], r.marks[len(r.marks)-500:]...)
	}
	return nil
}

// connection opens the replica where it is not open yet, and sees whether it is one of ours.
func (r *replica) connection(ctx context.Context) (*sqlx.DB, error) {
	r.mu.Lock()
	db := r.db
	r.mu.Unlock()
	if db != nil {
		return db, nil
	}
	db, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	var ours, theirs []string
	const check = `SELECT value FROM installation WHERE name = 'key_check'`
	if err := errors.Join(r.primary.SelectContext(ctx, &ours, check), db.SelectContext(ctx, &theirs, check)); err != nil {
		return nil, errors.Join(fmt.Errorf("compare the replica with the primary: %w", err), db.Close())
	}
	if len(ours) == 1 && (len(theirs) != 1 || ours[0] != theirs[0]) {
		return nil, errors.Join(errors.New("UPLINE_READ_DATABASE_URL is no replica of DATABASE_URL"), db.Close())
	}
	r.mu.Lock()
	r.db = db
	r.mu.Unlock()
	return db, nil
}

// covering gives the connection where the replica is known to be as far as a position; nil: read from the primary.
func (r *replica) covering(after query.Position) *sqlx.DB {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.usable || r.at < after || r.now().Sub(r.seen) > lookPatience+lookEvery {
		return nil
	}
	return r.db
}

// followReplica prepares the replica of the settings, if there is one.
func (s *Store) followReplica() {
	if _, ok := s.dialect.(*postgres); !ok || s.config.ReadDatabaseURL == "" {
		return
	}
	c := s.config
	c.DatabaseURL = c.ReadDatabaseURL
	s.replica = &replica{
		primary: s.writer, now: time.Now, //nolint:forbidigo // it needs the monotonic reading that a given clock may not have
		open: func(ctx context.Context) (*sqlx.DB, error) {
			db, _, err := new(postgres).open(ctx, c) // the store's own dialect prepares its statements on the primary
			return db, err
		},
		log: s.config.Logger,
	}
	s.stopReplica = s.replica.follow()
}

// reading is where a transaction reads.
func (s *Store) reading(ctx context.Context) *sqlx.DB {
	if s.replica != nil {
		if after, may := query.LagOf(ctx); may {
			if db := s.replica.covering(after); db != nil {
				return db
			}
		}
	}
	return s.reader
}

// Position is how far the database is: what was committed before is at or before it.
func (s *Store) Position(ctx context.Context) (query.Position, error) {
	if s.replica == nil {
		return 0, nil
	}
	var at int64
	if err := s.writer.GetContext(ctx, &at, `SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint`); err != nil {
		return 0, fmt.Errorf("ask the database how far it is: %w", err)
	}
	return query.Position(at), nil
}

// ReplicaLag is how far the replica is behind; false where there is none that is read from.
func (s *Store) ReplicaLag() (lag time.Duration, read bool) {
	if s.replica == nil {
		return 0, false
	}
	s.replica.mu.Lock()
	defer s.replica.mu.Unlock()
	return s.replica.lag, s.replica.usable
}

// HasReplica tells whether readings may go to a replica.
func (s *Store) HasReplica() bool { return s.replica != nil }
