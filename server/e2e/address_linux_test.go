package e2e_test

import (
	"fmt"
	"syscall"
	"testing"
)

// freeAddr is an address that is the test's own until it ends: servers are started and killed there, and in between no other
// test of this machine is given its port, neither to listen nor for a connection. A socket that does not listen holds it; Linux
// lets a server listen beside that one, as both allow the address to be used again.
func freeAddr(t *testing.T) string {
	t.Helper()
	holder, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(holder) })
	if err := syscall.SetsockoptInt(holder, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(holder, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(holder)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}
