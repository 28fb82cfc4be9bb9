package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one server of the product.
type process struct {
	name    string
	roles   string
	binary  string
	address string
	env     []string
	dir     string
	cmd     *exec.Cmd
	done    chan struct{}
}

// newProcess prepares a server; start sets it going.
func (w *world) newProcess(name, roles string) (*process, error) {
	p := &process{name: name, roles: roles, binary: w.binary, dir: filepath.Join(w.dir, name), address: freeAddress()}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of %s: %w", name, err)
	}
	p.env = append(slices.Clone(w.env), "UPLINE_DATA="+p.dir, "UPLINE_ADDR="+p.address, "UPLINE_ROLES="+roles, "UPLINE_TEST_CLOCK="+p.clockFile())
	return p, nil
}

func (p *process) clockFile() string { return filepath.Join(p.dir, "clock") }

// setClock puts the process's clock off by so much from now on.
func (p *process) setClock(off time.Duration) error {
	return os.WriteFile(p.clockFile(), []byte(off.String()), 0o600)
}

// start begins the process; its log goes on where it was.
func (p *process) start() error {
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log of %s: %w", p.name, err)
	}
	defer log.Close()                      //nolint:errcheck // the process has its own handle
	cmd := exec.Command(p.binary, "serve") //nolint:gosec,noctx // the binary under test, ended by us
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	p.cmd, p.done = cmd, done
	return nil
}

// kill ends the process without warning.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop ends the process as an operator does. One that does not end by itself, or not well, is an error.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(40 * time.Second):
		p.kill()
		return fmt.Errorf("%s did not stop within 40 s", p.name)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s ended with %s", p.name, p.cmd.ProcessState)
	}
	return nil
}

// running tells whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return p.cmd != nil
	}
}

// ready asks /readyz.
func (p *process) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// figures keeps what each process counted beside its log.
func (w *world) figures(ctx context.Context) {
	for _, p := range w.fleet {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/metrics", http.NoBody)
		if err != nil {
			continue
		}
		answer, err := client.Do(request)
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		_ = os.WriteFile(filepath.Join(p.dir, "metrics"), text, 0o600)
	}
}

// awaitReady waits until the process says that it is ready.
func (p *process) awaitReady(ctx context.Context) error {
	for until := time.Now().Add(60 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if p.ready(ctx) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !p.running() {
			return fmt.Errorf("%s ended: %s", p.name, p.cmd.ProcessState)
		}
	}
	return fmt.Errorf("%s is not ready after a minute", p.name)
}

// reachable tells whether something listens at an address.
func reachable(address string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", address)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// await polls a condition.
func await(ctx context.Context, what string, atMost time.Duration, done func() bool) error {
	for until := time.Now().Add(atMost); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if done() {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("waited %v for %s", atMost, what)
}

// command runs a command of the product that must succeed.
func (w *world) command(ctx context.Context, binary string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // the binary under test
	cmd.Env = append(slices.Clone(w.env), "UPLINE_DATA="+filepath.Join(w.dir, "command"))
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return string(out), fmt.Errorf("upline %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// freeAddress is an address on which nothing listened a moment ago. Its port is one that no machine gives to a connection,
// nor to a server that asks for any: those get ports from 32768 on. So it is still free when a server that was killed comes
// back to it.
func freeAddress() string {
	for {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(12_000+rand.IntN(20_000))) //nolint:gosec // no secret
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err == nil {
			_ = l.Close() // it was only asked for its port
			return address
		}
	}
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
