// Package blank gives tests an empty embedded database of their own. The migrations run once in a test's process; every
// database is a copy of what they left, since under the race detector they take longer than most tests do.
package blank

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"upline.dev/upline/server/store"
)

// file is the name of the embedded database in its folder.
const file = "upline.db"

// Dir is a data folder that is removed at the test's end, with a database in it that has had every migration and nothing
// else.
func Dir(t testing.TB) string {
	t.Helper()
	content, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// migrated is the content of such a database.
var migrated = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "upline-blank-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the database to copy: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := store.Open(context.Background(), store.Config{DataDir: dir})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(dir, file+"-*"))
	if err != nil || len(left) > 0 {
		return nil, errors.Join(err, fmt.Errorf("a closed database has left %v: its file is not the whole", left))
	}
	return os.ReadFile(filepath.Join(dir, file))
})
