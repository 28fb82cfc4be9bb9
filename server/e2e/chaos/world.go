package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/lib/pq" // to look into the database without the product
)

// world is an installation as it runs past one machine: two processes of each role, PostgreSQL with a synchronous standby,
// RabbitMQ and Redis, each behind a proxy.
type world struct {
	dir    string
	binary string
	out    io.Writer
	env    []string
	keep   bool   // the folder stays
	apiKey string // of the shop
	old    string // the program before the newest migration
	oldErr error  // why there is none
	secret string // signs the shop's webhooks
	orders atomic.Int64

	primary, standby     *postgres
	redis, rabbit        *daemon
	toStandby            *proxy // screens are read from there
	toPostgres, toRabbit *proxy
	toRedis              *proxy
	fleet                []*process
	onKafka              *world // the installation beside this one whose bus is Kafka; nil: not needed yet
	kafka                *broker
	books                *sql.DB // of the primary, straight
	heard                *hearing
	small                string // folder on a small disk of its own, "": there is none
	smallErr             error
	diskMB               int // its size
	mu                   sync.Mutex
	doors                []string // that are ready
	everySale            []*sale
	endings              []func()
}

const (
	plan = `
name: chaos
effective_from: 2020-01-01T00:00:00Z
ranks: [member]
volume: {money: {"*": "1"}}
components:
  - {id: retail, type: retail, base: net, rates: [{rate: 20%}]}
  - {id: team, type: unilevel, base: cv, compression: dynamic, rates: [{levels: [5%, 3%, 1%]}]}
`
	people = "distributor_id,sponsor_id,codes\nTOP,,\nADA,TOP,\nBEA,ADA,\nCYD,BEA,CYD10\n"
	skus   = "platform_sku,commission_class\nTEA,a\n"
)

// later notes what has to be undone at the end.
func (w *world) later(f func()) { w.endings = append(w.endings, f) }

// close undoes everything, the last first.
func (w *world) close() {
	for i := len(w.endings) - 1; i >= 0; i-- {
		w.endings[i]()
	}
}

// open starts all servers and processes.
func (w *world) open(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"a small disk", w.openSmallDisk},
		{"PostgreSQL and its standby", w.openPostgres},
		{"RabbitMQ and Redis", w.openServers},
		{"the company", w.openCompany},
		{"the processes", w.openFleet},
	} {
		begin := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		fmt.Fprintf(w.out, "   %s: %v\n", step.what, time.Since(begin).Round(100*time.Millisecond))
	}
	return nil
}

// The size of the disk that is filled, in MB: PostgreSQL with its log of the last minutes and what the short run takes in, and what whole
// rounds take in on a fast machine.
const (
	smallDisk = 900
	roundDisk = 2000
)

// openSmallDisk mounts a file as a disk. Only root may.
func (w *world) openSmallDisk(ctx context.Context) error {
	if os.Geteuid() != 0 {
		w.smallErr = errors.New("mounting a small disk needs root")
		return nil
	}
	image, folder := filepath.Join(w.dir, "disk.img"), filepath.Join(w.dir, "disk")
	if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // user postgres has to pass
		return err
	}
	for _, args := range [][]string{
		{"truncate", "-s", fmt.Sprintf("%dM", w.diskMB), image}, {"mkfs.ext4", "-q", "-m", "0", image}, {"mount", "-o", "loop", image, folder},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // fixed programs
			w.smallErr = fmt.Errorf("%s: %w: %s", args[0], err, out)
			return nil
		}
	}
	w.later(func() { _ = exec.Command("umount", "-l", folder).Run() }) //nolint:noctx,gosec // at the end, a folder of ours
	w.small = folder
	return nil
}

func (w *world) openPostgres(ctx context.Context) error {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	as, err := postgresUser()
	if err != nil {
		return err
	}
	where := w.dir
	if w.small != "" {
		where = w.small
	}
	for i, base := range []string{where, w.dir} {
		folder := filepath.Join(base, fmt.Sprintf("postgres-%d", i+1))
		if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // user postgres has to pass
			return err
		}
		if as != nil {
			if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
				return err
			}
		}
		p := &postgres{bin: bin, data: filepath.Join(folder, "data"), address: freeAddress(), as: as}
		if i == 0 {
			w.primary = p
		} else {
			w.standby = p
		}
		w.later(func() { _ = p.stop(context.Background(), "immediate") })
	}
	if err := errors.Join(w.primary.create(ctx), w.primary.start(ctx)); err != nil {
		return err
	}
	if w.toPostgres, err = newProxy(w.primary.address); err != nil {
		return err
	}
	w.later(w.toPostgres.close)
	if w.toStandby, err = newProxy(w.standby.address); err != nil {
		return err
	}
	w.later(w.toStandby.close)
	return w.pair(ctx)
}

// pair gives the primary a synchronous standby, and us a connection to it.
func (w *world) pair(ctx context.Context) error {
	if err := w.standby.follow(ctx, w.primary, "standby"); err != nil {
		return err
	}
	if err := w.primary.set("synchronous_standby_names = 'standby'"); err != nil {
		return err
	}
	if err := w.primary.reload(ctx); err != nil {
		return err
	}
	if err := w.look(); err != nil {
		return err
	}
	return await(ctx, "the standby to follow in step", 30*time.Second, func() bool {
		var state string
		return w.books.QueryRowContext(ctx, `SELECT sync_state FROM pg_stat_replication`).Scan(&state) == nil && state == "sync"
	})
}

// look connects us to the primary.
func (w *world) look() (err error) {
	if w.books != nil {
		_ = w.books.Close()
	}
	w.books, err = sql.Open("postgres", "postgres://postgres@"+w.primary.address+"/postgres?sslmode=disable")
	if k := w.onKafka; k != nil && err == nil {
		k.primary = w.primary
		_ = k.books.Close()
		k.books, err = sql.Open("postgres", "postgres://postgres@"+w.primary.address+"/onkafka?sslmode=disable")
	}
	return err
}

func (w *world) openServers(ctx context.Context) (err error) {
	if w.redis, err = newRedis(filepath.Join(w.dir, "redis")); err != nil {
		return err
	}
	if w.rabbit, err = newRabbit(filepath.Join(w.dir, "rabbit")); err != nil {
		return err
	}
	for _, d := range []*daemon{w.redis, w.rabbit} {
		w.later(func() { _ = d.end(context.Background(), syscall.SIGTERM) })
		if err := d.start(ctx); err != nil {
			return err
		}
	}
	w.later(func() { w.rabbit.endNames(context.Background()) })
	if w.toRedis, err = newProxy(w.redis.address); err != nil {
		return err
	}
	if w.toRabbit, err = newProxy(w.rabbit.address); err != nil {
		return err
	}
	w.later(w.toRedis.close)
	w.later(w.toRabbit.close)
	w.heard, err = listen(ctx, "amqp://guest:guest@"+w.rabbit.address+"/")
	return err
}

// lease is how long a delivery is left to the process that took it up: what a killed process held waits so long.
const lease = 5 * time.Second

// openCompany sets the program up through the command line, as the README says.
func (w *world) openCompany(ctx context.Context) error {
	w.env = append(os.Environ(), "DATABASE_URL=postgres://postgres@"+w.toPostgres.address()+"/postgres?sslmode=disable",
		"REDIS_URL=redis://"+w.toRedis.address()+"/0", "BUS_URL=amqp://guest:guest@"+w.toRabbit.address()+"/",
		"UPLINE_KEYS="+base64.StdEncoding.EncodeToString(make([]byte, 32)), "UPLINE_CLAIM_LEASE="+lease.String(),
		"UPLINE_STOP_NOTICE=1s", "UPLINE_LOG_FORMAT=json",
		"SHOPIFY_API_KEY=", "SHOPIFY_API_SECRET=", "SHOPIFY_API_SECRET_OLD=", "UPLINE_PUBLIC_URL=")
	var err error
	if w.secret, err = w.company(ctx, w.binary); err != nil {
		return err
	}
	out, err := w.command(ctx, w.binary, "admin", "api-key", "create", "--store", "shop", "--json")
	if err != nil {
		return err
	}
	var fields map[string]string
	if err := json.Unmarshal([]byte(out), &fields); err != nil {
		return fmt.Errorf("upline admin api-key create: %w", err)
	}
	w.apiKey = fields["api_key"]
	return nil
}

// company fills a database and gives the secret of its shop.
func (w *world) company(ctx context.Context, binary string) (secret string, err error) {
	for name, text := range map[string]string{"plan.yaml": plan, "people.csv": people, "skus.csv": skus} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	for _, args := range [][]string{
		{"migrate"},
		{"admin", "program", "create", "Chaos Company", "--currency", "EUR"},
		{"admin", "store", "create", shopDomain, "--platform", "shopify", "--currency", "EUR", "--id", "shop", "--json"},
		{"plan", "publish", filepath.Join(w.dir, "plan.yaml")},
		{"import", "distributors", filepath.Join(w.dir, "people.csv"), "--commit"},
		{"import", "skus", filepath.Join(w.dir, "skus.csv"), "--commit"},
	} {
		out, err := w.command(ctx, binary, args...)
		if err != nil {
			return "", err
		}
		if strings.HasSuffix(strings.Join(args, " "), "--json") {
			var fields map[string]string
			if err := json.Unmarshal([]byte(out), &fields); err != nil {
				return "", fmt.Errorf("upline admin store create: %w", err)
			}
			secret = fields["signing_secret"]
		}
	}
	return secret, nil
}

// openFleet starts two processes of each role.
func (w *world) openFleet(ctx context.Context) error {
	for _, roles := range []string{"ingest,web", "engine", "relay"} {
		for i := range 2 {
			short, _, _ := strings.Cut(roles, ",")
			p, err := w.newProcess(fmt.Sprintf("%s-%d", short, i+1), roles)
			if err != nil {
				return err
			}
			if strings.Contains(roles, "web") {
				p.env = append(p.env, "UPLINE_READ_DATABASE_URL=postgres://postgres@"+w.toStandby.address()+"/postgres?sslmode=disable")
			}
			w.fleet = append(w.fleet, p)
			w.later(p.kill)
			if err := p.start(); err != nil {
				return err
			}
		}
	}
	for _, p := range w.fleet {
		if err := p.awaitReady(ctx); err != nil {
			return err
		}
	}
	balance, stop := context.WithCancel(ctx)
	w.later(stop)
	go w.balance(balance)
	return await(ctx, "a door", time.Minute, func() bool { return w.ready() == 2 })
}

// ready counts the doors that are ready.
func (w *world) ready() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.doors)
}

// balance asks the doors whether they are ready, as a load balancer does.
func (w *world) balance(ctx context.Context) {
	for ctx.Err() == nil {
		var ready []string
		for _, p := range w.role("ingest") {
			if p.ready(ctx) {
				ready = append(ready, p.address)
			}
		}
		w.mu.Lock()
		w.doors = ready
		w.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
	}
}

// door is where the next request goes: the ready ones in turn.
func (w *world) door() string {
	turn := int(doorTurn.Add(1))
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.doors) > 0 {
		return w.doors[turn%len(w.doors)]
	}
	all := w.role("ingest")
	return all[turn%len(all)].address
}

var doorTurn atomic.Int64

// role are the processes of a role.
func (w *world) role(role string) (list []*process) {
	for _, p := range w.fleet {
		if strings.Contains(p.roles, role) {
			list = append(list, p)
		}
	}
	return list
}
