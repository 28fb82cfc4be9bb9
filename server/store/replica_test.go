package store_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"upline.dev/upline/core/order"
	"upline.dev/upline/server/admin"
	"upline.dev/upline/server/pipeline"
	"upline.dev/upline/server/query"
	"upline.dev/upline/server/store"
)

// programNames are the programs that a reading shows.
func programNames(t *testing.T, ctx context.Context, s *store.Store) (names []string) { //nolint:revive // the context is what is tested
	t.Helper()
	programs, err := s.Programs(ctx)
	check(t, err)
	for _, p := range programs {
		names = append(names, p.ProgramID)
	}
	slices.Sort(names)
	return names
}

// lockedBuffer is written by the store's goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestReplica stands a copy in for a replica, which shows by what it lacks who was read from.
func TestReplica(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	dsn := newDatabase(t, server)
	first, err := store.Open(t.Context(), store.Config{DatabaseURL: dsn})
	check(t, err)
	_, err = first.KeyCheck(t.Context(), "ours")
	check(t, err)
	check(t, first.CreateProgram(t.Context(), admin.Program{ProgramID: "early", Name: "early", Currency: "EUR"}))
	check(t, first.Close())
	name := strings.TrimSuffix(dsn[strings.LastIndex(dsn, "/")+1:], "?sslmode=disable")
	copied := name + "_copy"
	check(t, administer(server, `CREATE DATABASE `+copied+` TEMPLATE `+name))
	t.Cleanup(func() { check(t, administer(server, `DROP DATABASE `+copied+` WITH (FORCE)`)) })

	s := openStore(t, store.Config{DatabaseURL: dsn, ReadDatabaseURL: withDatabase(server, copied)})
	check(t, s.CreateProgram(t.Context(), admin.Program{ProgramID: "late", Name: "late", Currency: "EUR"}))
	written, err := s.Position(t.Context())
	check(t, err)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, read := s.ReplicaLag(); read {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the replica is not read from")
		}
	}
	source := []order.Source{{StoreID: "s", PlatformOrderID: "1"}}
	for range 3 { // What is written is prepared on the primary meanwhile.
		check(t, s.InTx(t.Context(), "late", pipeline.Subject{Sources: source}, func(b pipeline.Books) error { return b.Settle(t.Context(), nil, nil, time.Now()) }))
	}
	for what, c := range map[string]struct {
		ctx  context.Context
		want []string
	}{
		"a reading that must be current":          {t.Context(), []string{"early", "late"}},
		"a reading that may lag":                  {query.MayLag(t.Context(), 0), []string{"early"}},
		"a reading after what is written already": {query.MayLag(t.Context(), written), []string{"early"}},
		"a reading after what is to come":         {query.MayLag(t.Context(), written+1<<40), []string{"early", "late"}},
	} {
		if got := programNames(t, c.ctx, s); !slices.Equal(got, c.want) {
			t.Errorf("%s shows %v, want %v", what, got, c.want)
		}
	}
}

// TestReplicaOfAnother: a database that is none of ours, or that does not answer, is not read from.
func TestReplicaOfAnother(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	for what, c := range map[string]struct{ url, says string }{
		"another installation's": {newDatabase(t, server), "is no replica of DATABASE_URL"},
		"nobody's":               {"postgres://x:hidden@127.0.0.1:1/x?sslmode=disable", "cannot be reached"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dsn, log := newDatabase(t, server), &lockedBuffer{}
			first, err := store.Open(t.Context(), store.Config{DatabaseURL: dsn})
			check(t, err)
			_, err = first.KeyCheck(t.Context(), "ours")
			check(t, err)
			check(t, first.CreateProgram(t.Context(), admin.Program{ProgramID: "acme", Name: "acme", Currency: "EUR"}))
			check(t, first.Close())
			s := openStore(t, store.Config{DatabaseURL: dsn, ReadDatabaseURL: c.url, Logger: slog.New(slog.NewTextHandler(log, nil))})
			for end := time.Now().Add(time.Minute); !strings.Contains(log.String(), c.says); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the log does not say that it %s: %s", c.says, log)
				}
			}
			if got := programNames(t, query.MayLag(t.Context(), 0), s); !slices.Equal(got, []string{"acme"}) {
				t.Errorf("read were %v", got)
			}
			if _, read := s.ReplicaLag(); read || strings.Contains(log.String(), "hidden") {
				t.Errorf("it is read from: %v; the log: %s", read, log)
			}
		})
	}
}
