package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
)

// maxAttempts bounds how often a transaction that lost against another one is run.
const maxAttempts = 8

// errAgain is for a transaction that found its own facts outdated and has to be run again.
var errAgain = errors.New("the facts changed meanwhile")

// txKey marks a context that is inside a transaction of this store.
type txKey struct{}

// write runs f in a transaction that is scoped to a program ("" for none) and commits it. It runs f again where
// another transaction was in the way. A write within a write would wait for itself, and is refused.
func (s *Store) write(ctx context.Context, program string, f func(ctx context.Context, tx *sqlx.Tx) error) error {
	if ctx.Value(txKey{}) != nil {
		return errors.New("store: a transaction within a transaction")
	}
	return s.repeated(ctx, func() error { return s.writeOnce(ctx, program, f) })
}

// repeated runs a whole transaction, again where another one was in the way.
func (s *Store) repeated(ctx context.Context, f func() error) (err error) {
	for attempt := range maxAttempts {
		if attempt > 0 {
			if err := backOff(ctx, attempt); err != nil {
				return err
			}
		}
		err = f()
		if err == nil || !(errors.Is(err, errAgain) || s.dialect.again(err)) {
			return s.explain(ctx, err)
		}
	}
	return &server.Error{
		Code: server.Unavailable, Message: "The database is too busy. Please try again.",
		Err: fmt.Errorf("given up after %d attempts: %w", maxAttempts, err),
	}
}

// backOff waits a little longer each time, by a random part so that two do not meet again.
func backOff(ctx context.Context, attempt int) error {
	wait := time.Duration(1+rand.IntN(4<<attempt)) * time.Millisecond //nolint:gosec // it need not be unpredictable
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

func (s *Store) writeOnce(ctx context.Context, program string, f func(ctx context.Context, tx *sqlx.Tx) error) (err error) {
	pass, err := s.dialect.turn(ctx)
	if err != nil {
		return fmt.Errorf("wait for a turn: %w", err)
	}
	defer pass()
	tx, err := s.writer.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	committed := false
	defer func() {
		if !committed { // also when f panics
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
		if ended := s.dialect.ended(ctx); ended != nil && ctx.Err() == nil {
			s.config.Logger.WarnContext(ctx, "statements could not be prepared", "error", ended)
		}
	}()
	if err := s.dialect.scope(ctx, tx, program); err != nil {
		return fmt.Errorf("scope: %w", err)
	}
	if err := f(context.WithValue(ctx, txKey{}, true), tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	committed = true
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// momentKey is where a context keeps the moment that its readings are of.
type momentKey struct{}

// moment is a reading transaction, and the program it shows.
type moment struct {
	program string
	tx      *sqlx.Tx
}

// Together makes what f reads of one moment. See query.Reader.
func (s *Store) Together(ctx context.Context, program string, f func(ctx context.Context) error) error {
	return s.read(ctx, program, func(tx *sqlx.Tx) error {
		return f(context.WithValue(ctx, momentKey{}, moment{program, tx}))
	})
}

// read runs f on a snapshot of the database that shows one program ("" for what is open to all).
func (s *Store) read(ctx context.Context, program string, f func(tx *sqlx.Tx) error) error {
	if m, ok := ctx.Value(momentKey{}).(moment); ok && m.program == program {
		return s.explain(ctx, f(m.tx))
	}
	tx, err := s.reading(ctx).BeginTxx(ctx, readOnly)
	if err != nil {
		return s.explain(ctx, fmt.Errorf("begin reading: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // it has written nothing
	if err := s.dialect.scope(ctx, tx, program); err != nil {
		return s.explain(ctx, fmt.Errorf("scope: %w", err))
	}
	return s.explain(ctx, f(tx))
}

// conflicts are the sentences for keys that a user's input can violate. The constraint's name is the contract.
var conflicts = map[string]string{
	"programs_pkey":          "A program with this id exists already.",
	"stores_pkey":            "A store with this id exists already.",
	"stores_platform_domain": "A store with this domain is connected already.",
	"api_keys_pkey":          "An API key with this id exists already.",
	"api_keys_hash":          "This API key exists already.",
	"postings_once":          "This event is posted already.",
	"people_email":           "Somebody with this e-mail address has an account already.",
	"passkeys_pkey":          "This passkey is known already.",
}

// explain gives an error its code: a violated key is a conflict, a database that is not there is unavailable. What
// failed because the caller has gone says so, whatever the driver makes of it.
func (s *Store) explain(ctx context.Context, err error) error {
	var known *server.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if gone := ctx.Err(); gone != nil {
		return fmt.Errorf("%w: %w", gone, err)
	}
	if sentence, ok := conflicts[s.dialect.violated(err)]; ok {
		return &server.Error{Code: server.Conflict, Message: sentence, Err: err}
	}
	if s.dialect.full(err) {
		return &server.Error{Code: server.Unavailable, Message: "The disk of the database is full: nothing is stored until there is room.", Err: err}
	}
	if s.dialect.unavailable(err) {
		return &server.Error{Code: server.Unavailable, Message: "The database cannot be reached. Please try again.", Err: err}
	}
	return err
}

// found turns a missing row into server.NotFound with the given sentence.
func found(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return server.Errorf(server.NotFound, format, args...)
	}
	return err
}
