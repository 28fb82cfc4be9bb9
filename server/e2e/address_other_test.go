//go:build !linux

package e2e_test

import (
	"net"
	"testing"
)

// freeAddr is an address on which nothing listened a moment ago. Only Linux lets a test keep it.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
