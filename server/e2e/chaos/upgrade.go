package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// before builds the program as it was before the newest migration, from the history. Without one there is nothing to build.
func (w *world) before(ctx context.Context) (binary string, err error) {
	files, err := filepath.Glob("server/store/migrations/postgres/*.sql")
	if err != nil || len(files) == 0 {
		return "", errors.New("the migrations are not here: run it from the top folder")
	}
	newest := slices.Max(files)
	out, err := exec.CommandContext(ctx, "git", "log", "--diff-filter=A", "--format=%H", "-1", "--", newest).Output() //nolint:gosec // a file of ours
	commit := strings.TrimSpace(string(out))
	if err != nil || commit == "" {
		return "", errors.New("there is no history to build the program before from")
	}
	folder := filepath.Join(w.dir, "before")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	binary = filepath.Join(w.dir, "upline-before")
	script := fmt.Sprintf("git archive %s^ | tar -x -C %s && cd %s && go build -buildvcs=false -o %s ./server/cmd/upline", commit, folder, folder, binary)
	if out, err := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", script).CombinedOutput(); err != nil { //nolint:gosec // as above
		return "", fmt.Errorf("build the program before %s: %w: %s", filepath.Base(newest), err, out)
	}
	return binary, os.RemoveAll(folder)
}

// hasBefore builds the program that an upgrade begins with, once.
func hasBefore(ctx context.Context, w *world) error {
	if w.old == "" && w.oldErr == nil {
		w.old, w.oldErr = w.before(ctx)
	}
	return w.oldErr
}

// upgraded is an installation of its own that the program before fills and serves.
func upgraded(ctx context.Context, w *world) (*world, error) {
	if _, err := w.books.ExecContext(ctx, `DROP DATABASE IF EXISTS upgrade WITH (FORCE)`); err != nil {
		return nil, err
	}
	if _, err := w.books.ExecContext(ctx, `CREATE DATABASE upgrade`); err != nil {
		return nil, err
	}
	u := &world{dir: filepath.Join(w.dir, "upgrade"), binary: w.binary, out: w.out, primary: w.primary}
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return nil, err
	}
	for _, setting := range w.env {
		name, _, _ := strings.Cut(setting, "=")
		switch name {
		case "DATABASE_URL":
			setting = "DATABASE_URL=postgres://postgres@" + w.toPostgres.address() + "/upgrade?sslmode=disable"
		case "BUS_URL", "REDIS_URL":
			continue // the other installation's
		}
		u.env = append(u.env, setting)
	}
	var err error
	if u.books, err = sql.Open("postgres", "postgres://postgres@"+w.primary.address+"/upgrade?sslmode=disable"); err != nil {
		return nil, err
	}
	w.later(func() { _ = u.books.Close() })
	if u.secret, err = u.company(ctx, w.old); err != nil {
		return nil, err
	}
	for i, binary := range []string{w.old, w.binary} {
		p, err := u.newProcess([]string{"before", "after"}[i], "ingest,engine,relay")
		if err != nil {
			return nil, err
		}
		p.binary = binary
		u.fleet = append(u.fleet, p)
		w.later(p.kill)
	}
	if err := errors.Join(u.fleet[0].start(), u.fleet[0].awaitReady(ctx)); err != nil {
		return nil, err
	}
	balance, stop := context.WithCancel(ctx)
	w.later(stop)
	go u.balance(balance)
	return u, await(ctx, "the program before", time.Minute, func() bool { return u.ready() == 1 })
}

// upgrade migrates under the program before, lets both programs work side by side, and then the new one alone, which at last relies on what
// the one before did not know.
func upgrade(ctx context.Context, u *world) error {
	if _, err := u.command(ctx, u.binary, "migrate"); err != nil {
		return err
	}
	before, after := u.fleet[0], u.fleet[1]
	if err := errors.Join(rest(ctx, time.Second), after.start(), after.awaitReady(ctx), rest(ctx, 2*time.Second)); err != nil {
		return err
	}
	before.kill() // as the notice on /readyz is newer than the oldest program this may be
	if err := rest(ctx, 2*time.Second); err != nil {
		return err
	}
	if _, err := u.command(ctx, u.binary, "migrate", "--finish"); err != nil {
		return err
	}
	after.kill()
	if err := errors.Join(after.start(), after.awaitReady(ctx), rest(ctx, 2*time.Second)); err != nil {
		return err
	}
	var apart int
	if err := u.books.QueryRowContext(ctx, `SELECT count(*) FROM inbox_bodies`).Scan(&apart); err != nil || apart == 0 {
		return errors.Join(errors.New("no body arrived in a partition once the upgrade was finished"), err)
	}
	return nil
}
