package e2e_test

import (
	"context"
	"os"
	"testing"

	"upline.dev/upline/server/store"
)

// scratchPostgres makes a database of its own on the test server. Without a server the test is skipped, unless servers
// are required.
func scratchPostgres(t *testing.T) string {
	t.Helper()
	url := os.Getenv("UPLINE_TEST_POSTGRES")
	if url == "" {
		if os.Getenv("UPLINE_REQUIRE_SERVERS") != "" {
			t.Fatal("UPLINE_REQUIRE_SERVERS is set, but UPLINE_TEST_POSTGRES is not")
		}
		t.Skip("UPLINE_TEST_POSTGRES is not set: make test starts a server")
	}
	dsn, drop, err := store.Scratch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return dsn
}
