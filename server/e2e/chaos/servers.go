package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is one PostgreSQL server of ours.
type postgres struct {
	bin     string // folder of its programs
	data    string
	address string
	as      *syscall.Credential // as root: user postgres, since PostgreSQL refuses root
}

// postgresUser is who runs PostgreSQL; nil: whoever runs us.
func postgresUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nobody else
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// postgresBin is where PostgreSQL's programs are.
func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(found)
	slices.Reverse(found)
	for _, pattern := range []string{"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/usr/pgsql-*/bin"} {
		more, _ := filepath.Glob(pattern)
		found = append(found, more...)
	}
	for _, dir := range found {
		if _, err := os.Stat(filepath.Join(dir, "pg_basebackup")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("PostgreSQL is not installed")
}

// run runs one of PostgreSQL's programs. It writes into a file, as a server that it starts keeps a pipe open.
func (p *postgres) run(ctx context.Context, program string, args ...string) error {
	out, err := os.CreateTemp("", "chaos-out-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())                                             //nolint:errcheck // a temporary file
	defer out.Close()                                                       //nolint:errcheck // a temporary file
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...) //nolint:gosec // PostgreSQL's own programs
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(p.data), out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", program, err, text)
	}
	return nil
}

// create makes a new database cluster that a standby can follow.
func (p *postgres) create(ctx context.Context) error {
	if err := p.run(ctx, "initdb", "-D", p.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C"); err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(p.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = conf.WriteString("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 300\n" +
		"wal_keep_size = '256MB'\nmax_wal_size = '256MB'\nwal_receiver_timeout = '5s'\nwal_sender_timeout = '5s'\n" +
		"include_if_exists = 'chaos.conf'\n")
	return errors.Join(err, conf.Close(), p.set("synchronous_standby_names = ''"))
}

// set replaces the settings that differ from server to server; reload makes them count.
func (p *postgres) set(lines ...string) error {
	file := filepath.Join(p.data, "chaos.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	if p.as != nil {
		return os.Chown(file, int(p.as.Uid), int(p.as.Gid))
	}
	return nil
}

func (p *postgres) reload(ctx context.Context) error {
	return p.run(ctx, "pg_ctl", "-D", p.data, "reload")
}

func (p *postgres) start(ctx context.Context) error {
	return p.run(ctx, "pg_ctl", "-D", p.data, "-l", p.data+".log", "-o", "-p "+portOf(p.address), "-w", "-t", "60", "start")
}

func (p *postgres) stop(ctx context.Context, mode string) error {
	return p.run(ctx, "pg_ctl", "-D", p.data, "-m", mode, "-w", "-t", "60", "stop")
}

// pid is that of the server's first process; 0: it does not run.
func (p *postgres) pid() int {
	text, err := os.ReadFile(filepath.Join(p.data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

// kill ends the server without warning, and waits until all that it started has noticed.
func (p *postgres) kill(ctx context.Context) error {
	pid := p.pid()
	if pid == 0 {
		return nil
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range strings.Fields(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
	return await(ctx, "PostgreSQL to be gone", 20*time.Second, func() bool {
		return syscall.Kill(pid, 0) != nil && !reachable(p.address)
	})
}

// follow makes a standby of another server in p's folder and starts it.
func (p *postgres) follow(ctx context.Context, primary *postgres, name string) error {
	if err := os.RemoveAll(p.data); err != nil {
		return err
	}
	source := fmt.Sprintf("host=127.0.0.1 port=%s user=postgres application_name=%s", portOf(primary.address), name)
	if err := p.run(ctx, "pg_basebackup", "-D", p.data, "-R", "-X", "stream", "-c", "fast", "-d", source); err != nil {
		return err
	}
	if err := p.set("synchronous_standby_names = ''"); err != nil {
		return err
	}
	return p.start(ctx)
}

// daemon is a server of another kind: Redis or RabbitMQ.
type daemon struct {
	name    string
	address string
	args    []string
	env     []string
	dir     string
	ready   func() bool
	cmd     *exec.Cmd
	done    chan struct{}
}

func (d *daemon) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()                             //nolint:errcheck // the process has its own handle
	cmd := exec.Command(d.args[0], d.args[1:]...) //nolint:gosec,noctx // a server of ours, ended by us
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), d.env...), log, log
	cmd.Dir, cmd.SysProcAttr = d.dir, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	d.cmd, d.done = cmd, done
	return await(ctx, d.name, 3*time.Minute, d.ready)
}

// end sends a signal to all that the server started, and waits until it is gone.
func (d *daemon) end(ctx context.Context, signal syscall.Signal) error {
	if d.cmd == nil {
		return nil
	}
	_ = syscall.Kill(-d.cmd.Process.Pid, signal)
	select {
	case <-d.done:
	case <-time.After(30 * time.Second):
		_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
		<-d.done
	}
	return await(ctx, d.name+" to be gone", 20*time.Second, func() bool { return !reachable(d.address) })
}

// newRedis prepares a Redis.
func newRedis(dir string) (*daemon, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	d := &daemon{name: "Redis", address: freeAddress(), dir: dir}
	d.args = []string{program, "--bind", "127.0.0.1", "--port", portOf(d.address), "--dir", dir, "--save", "", "--appendonly", "no"}
	d.ready = func() bool { return reachable(d.address) }
	return d, os.MkdirAll(dir, 0o700)
}

// newRabbit prepares a RabbitMQ. Its own script is started and not the wrapper on PATH, which as root would change its user.
func newRabbit(dir string) (*daemon, error) {
	script := ""
	for _, path := range []string{"/usr/lib/rabbitmq/bin/rabbitmq-server", "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server", "/usr/local/opt/rabbitmq/sbin/rabbitmq-server"} {
		if _, err := os.Stat(path); err == nil {
			script = path
			break
		}
	}
	if script == "" {
		return nil, errors.New("RabbitMQ is not installed")
	}
	d := &daemon{name: "RabbitMQ", address: freeAddress(), dir: dir, args: []string{script}}
	d.env = []string{
		"HOME=" + dir, fmt.Sprintf("RABBITMQ_NODENAME=chaos-%d@localhost", os.Getpid()),
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT=" + portOf(d.address), "RABBITMQ_DIST_PORT=" + portOf(freeAddress()),
		"ERL_EPMD_PORT=" + portOf(freeAddress()), "ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_MNESIA_BASE=" + dir + "/data",
		"RABBITMQ_LOG_BASE=" + dir + "/logs", "RABBITMQ_PID_FILE=" + dir + "/pid", "RABBITMQ_ENABLED_PLUGINS_FILE=" + dir + "/plugins",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
	}
	url := "amqp://guest:guest@" + d.address + "/"
	d.ready = func() bool { return busAnswers(url) }
	return d, os.MkdirAll(dir, 0o700)
}

// endNames ends the name server that RabbitMQ leaves behind.
func (d *daemon) endNames(ctx context.Context) {
	for _, setting := range d.env {
		if port, found := strings.CutPrefix(setting, "ERL_EPMD_PORT="); found {
			_ = exec.CommandContext(ctx, "epmd", "-port", port, "-kill").Run() //nolint:gosec // a port of ours
		}
	}
}
