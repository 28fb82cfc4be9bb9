package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// fault is something that goes wrong while orders come in, and its mending.
type fault struct {
	name     string
	do       func(ctx context.Context, w *world) error
	traffic  traffic
	flawless bool // no request may fail
	short    bool // part of the short run
	needs    func(ctx context.Context, w *world) error
	// elsewhere makes the installation to which it happens; nil: the one of all faults.
	elsewhere func(ctx context.Context, w *world) (*world, error)
}

// faults in the order in which they happen. The fail-over comes late, as it makes the disk that was filled the standby's.
func faults() []fault {
	return []fault{
		{name: "none", short: true, flawless: true, do: func(ctx context.Context, _ *world) error { return rest(ctx, 4*time.Second) }},
		{name: "each delivery 2-3 times, any order", short: true, flawless: true, traffic: traffic{workers: 10, repeats: 1, shuffle: 1, pause: usual.pause}, do: func(ctx context.Context, _ *world) error { return rest(ctx, 4*time.Second) }},
		{name: "kill -9 ingest, one after the other", short: true, do: killing("ingest")},
		{name: "kill -9 engine, one after the other", short: true, do: killing("engine")},
		{name: "kill -9 relay, one after the other", short: true, flawless: true, do: killing("relay")},
		{name: "kill -9 everything at once, 3 times", short: true, do: killAll},
		{name: "restart of every process in turn", short: true, flawless: true, do: rolling},
		{name: "clocks 1 h behind, 2 h ahead, jumping", short: true, flawless: true, do: jump},
		{name: "Redis killed, empty afterwards", short: true, flawless: true, do: killRedis},
		{name: "RabbitMQ killed and started again", short: true, flawless: true, do: killRabbit},
		{name: "network to PostgreSQL cut for 3 s", short: true, do: cutting(func(w *world) *proxy { return w.toPostgres }, 3*time.Second)},
		{name: "network to PostgreSQL swallows all for 8 s", do: swallowing(func(w *world) *proxy { return w.toPostgres }, 8*time.Second)},
		{name: "network to PostgreSQL 20 ms late each way", short: true, do: late},
		{name: "network to RabbitMQ swallows all for 6 s", flawless: true, do: swallowing(func(w *world) *proxy { return w.toRabbit }, 6*time.Second)},
		{name: "replica of the screens stands still", short: true, flawless: true, do: laggingReplica},
		{name: "upgrade: migrated under the program before", short: true, needs: hasBefore, elsewhere: upgraded, do: upgrade},
		{name: "Kafka killed and started again", short: true, flawless: true, elsewhere: onKafka, do: killKafka},
		{name: "Kafka: kill -9 engine, one after the other", short: true, flawless: true, elsewhere: onKafka, do: killing("engine")},
		{name: "Kafka: topic of the deliveries removed", flawless: true, elsewhere: onKafka, do: removeTopic},
		{name: "Kafka refuses messages for 6 s", flawless: true, elsewhere: onKafka, do: fullKafka},
		{name: "Kafka stands still for 10 s", flawless: true, elsewhere: onKafka, do: stillKafka},
		{name: "network to Kafka cut for 3 s", flawless: true, elsewhere: onKafka, do: cutting(func(w *world) *proxy { return w.kafka.proxy }, 3*time.Second)},
		{name: "network to Kafka swallows all for 8 s", flawless: true, elsewhere: onKafka, do: swallowing(func(w *world) *proxy { return w.kafka.proxy }, 8*time.Second)},
		{name: "network to Kafka 50 ms late each way", flawless: true, elsewhere: onKafka, do: lateKafka},
		{name: "Kafka killed, empty afterwards", flawless: true, elsewhere: onKafka, do: emptyKafka},
		{name: "Kafka: kill -9 everything at once, 3 times", elsewhere: onKafka, do: killAll},
		{name: "slow disk: each flush 100 ms late", short: true, do: slowDisk},
		{name: "PostgreSQL restarted", short: true, do: restartPostgres},
		{name: "PostgreSQL killed -9", do: killPostgres},
		{name: "disk of PostgreSQL full", short: true, needs: func(_ context.Context, w *world) error { return w.smallErr }, do: fillDisk},
		{name: "fail-over to the synchronous standby", short: true, do: failOver},
		{name: "fail-over back", do: failOver},
	}
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// killing kills each process of a role without warning, and starts it again.
func killing(role string) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		for _, p := range w.role(role) {
			p.kill()
			if err := errors.Join(rest(ctx, 300*time.Millisecond), p.start()); err != nil {
				return err
			}
			if err := errors.Join(p.awaitReady(ctx), rest(ctx, 300*time.Millisecond)); err != nil {
				return err
			}
		}
		return nil
	}
}

func killAll(ctx context.Context, w *world) error {
	for range 3 {
		for _, p := range w.fleet {
			p.kill()
		}
		for _, p := range w.fleet {
			if err := p.start(); err != nil {
				return err
			}
		}
		for _, p := range w.fleet {
			if err := p.awaitReady(ctx); err != nil {
				return err
			}
		}
		if err := rest(ctx, 700*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// rolling restarts every process as an upgrade does.
func rolling(ctx context.Context, w *world) error {
	for _, p := range w.fleet {
		if err := p.stop(); err != nil {
			return err
		}
		if err := errors.Join(p.start(), p.awaitReady(ctx)); err != nil {
			return err
		}
		if err := rest(ctx, 300*time.Millisecond); err != nil { // until the balancer has seen it
			return err
		}
	}
	return nil
}

// jump lets the processes' clocks differ by hours and jump while they run.
func jump(ctx context.Context, w *world) error {
	for turn, offs := range [][]time.Duration{{-time.Hour, 2 * time.Hour}, {2 * time.Hour, -time.Hour}, {0, 0}} {
		for i, p := range w.fleet {
			if err := p.setClock(offs[i%2]); err != nil {
				return err
			}
		}
		if turn == 0 { // one pair is started with the wrong time, the others only jump
			for _, p := range w.role("engine") {
				p.kill()
				if err := errors.Join(p.start(), p.awaitReady(ctx)); err != nil {
					return err
				}
			}
		}
		if err := rest(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

func killRedis(ctx context.Context, w *world) error {
	if err := errors.Join(w.redis.end(ctx, syscall.SIGKILL), rest(ctx, 3*time.Second)); err != nil {
		return err
	}
	return errors.Join(w.redis.start(ctx), rest(ctx, time.Second))
}

func killRabbit(ctx context.Context, w *world) error {
	if err := errors.Join(w.rabbit.end(ctx, syscall.SIGKILL), rest(ctx, 2*time.Second)); err != nil {
		return err
	}
	return errors.Join(w.rabbit.start(ctx), rest(ctx, time.Second))
}

func cutting(to func(*world) *proxy, lasting time.Duration) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		to(w).cut()
		err := rest(ctx, lasting)
		to(w).mend()
		return err
	}
}

// swallowing loses everything on the way; the connections are dead afterwards.
func swallowing(to func(*world) *proxy, lasting time.Duration) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		to(w).swallow()
		err := rest(ctx, lasting)
		to(w).reset()
		to(w).mend()
		return errors.Join(err, rest(ctx, 2*time.Second))
	}
}

func late(ctx context.Context, w *world) error {
	w.toPostgres.slow(20 * time.Millisecond)
	err := rest(ctx, 6*time.Second)
	w.toPostgres.mend()
	return err
}

// slowDisk has PostgreSQL wait before each flush of its log, as on a disk that takes so long.
func slowDisk(ctx context.Context, w *world) error {
	names := "synchronous_standby_names = 'standby'"
	if err := errors.Join(w.primary.set(names, "commit_delay = 100000", "commit_siblings = 0"), w.primary.reload(ctx)); err != nil {
		return err
	}
	err := rest(ctx, 6*time.Second)
	return errors.Join(err, w.primary.set(names), w.primary.reload(ctx))
}

func restartPostgres(ctx context.Context, w *world) error {
	return errors.Join(w.primary.stop(ctx, "fast"), w.primary.start(ctx), w.look(), rest(ctx, 2*time.Second))
}

func killPostgres(ctx context.Context, w *world) error {
	return errors.Join(w.primary.kill(ctx), rest(ctx, time.Second), w.primary.start(ctx), w.look(), rest(ctx, 2*time.Second))
}

// fillDisk fills the primary's disk to the last byte, and frees it again. PostgreSQL may have ended by then, and is started.
func fillDisk(ctx context.Context, w *world) error {
	ballast := filepath.Join(w.small, "ballast")
	var full error
	file, err := os.Create(ballast)
	if err != nil {
		return err
	}
	piece := make([]byte, 1<<20)
	for full == nil {
		_, full = file.Write(piece)
	}
	for small := piece[:512]; ; {
		if _, err := file.Write(small); err != nil {
			break
		}
	}
	_ = file.Close()
	if !errors.Is(full, syscall.ENOSPC) {
		return fmt.Errorf("the disk could not be filled: %w", full)
	}
	err = await(ctx, "PostgreSQL to notice that its disk is full", 60*time.Second, w.refuses)
	err = errors.Join(err, rest(ctx, 2*time.Second), os.Remove(ballast))
	if err != nil {
		return err
	}
	until := time.Now().Add(20 * time.Second)
	for time.Now().Before(until) {
		if w.primary.pid() == 0 {
			_ = os.Remove(filepath.Join(w.primary.data, "postmaster.pid"))
			if err := w.primary.start(ctx); err != nil {
				return err
			}
		}
		if err := w.look(); err != nil {
			return err
		}
		if w.waiting(ctx) >= 0 {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return errors.New("PostgreSQL does not come back after its disk was freed")
}

// refuses tells whether the database refuses to write.
func (w *world) refuses() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := w.books.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS chaos_full (filler text); INSERT INTO chaos_full SELECT repeat(md5(g::text), 100) FROM generate_series(1, 2000) g; DROP TABLE chaos_full`)
	return err != nil
}

// failOver kills the primary, promotes its standby and leads everybody there; the old primary becomes the standby.
func failOver(ctx context.Context, w *world) error {
	if err := w.primary.kill(ctx); err != nil {
		return err
	}
	if err := w.standby.run(ctx, "pg_ctl", "-D", w.standby.data, "-w", "promote"); err != nil {
		return err
	}
	w.primary, w.standby = w.standby, w.primary
	w.toPostgres.lead(w.primary.address)
	w.toStandby.lead(w.standby.address)
	if err := errors.Join(w.look(), rest(ctx, 2*time.Second)); err != nil {
		return err
	}
	return w.pair(ctx)
}

// describe makes a list of statuses readable.
func describe(refused map[int]int) string {
	var parts []string
	for _, status := range []int{0, 401, 404, 413, 421, 422, 429, 500, 502, 503} {
		if refused[status] > 0 {
			name := strconv.Itoa(status)
			if status == 0 {
				name = "no answer"
			}
			parts = append(parts, fmt.Sprintf("%s: %d", name, refused[status]))
		}
	}
	return strings.Join(parts, ", ")
}
