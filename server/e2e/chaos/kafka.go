package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// broker speaks Kafka's protocol, in a process of its own. It tells its clients to come by the proxy.
type broker struct {
	*daemon
	proxy  *proxy
	health string
	data   string
}

// newBroker prepares one of a single node that keeps its data on disk, and notes its end.
func (w *world) newBroker(dir string) (*broker, error) {
	b := &broker{daemon: &daemon{name: "Kafka", address: freeAddress(), dir: dir}, health: freeAddress(), data: filepath.Join(dir, "data")}
	var err error
	if b.proxy, err = newProxy(b.address); err != nil {
		return nil, err
	}
	w.later(b.proxy.close)
	b.args = []string{w.binary, "bench", "kafka", "--addr", b.address, "--health", b.health, "--advertise", b.proxy.address(), "--dir", b.data}
	b.ready = func() bool { return reachable(b.address) && reachable(b.health) }
	w.later(func() { _ = b.end(context.Background(), syscall.SIGKILL) })
	return b, os.MkdirAll(dir, 0o700)
}

// control makes the broker fail on purpose, or stop failing.
func (b *broker) control(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.health+path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the broker answers %s with %d %s", path, answer.StatusCode, text)
	}
	return err
}

// onKafka is the installation beside the first one whose bus is Kafka: a database of its own on the same server, and two processes
// of each role. It is made once.
func onKafka(ctx context.Context, w *world) (*world, error) {
	if w.onKafka != nil {
		return w.onKafka, nil
	}
	if _, err := w.books.ExecContext(ctx, `CREATE DATABASE onkafka`); err != nil {
		return nil, err
	}
	k := &world{dir: filepath.Join(w.dir, "kafka"), binary: w.binary, out: w.out, primary: w.primary, toPostgres: w.toPostgres, toStandby: w.toStandby}
	w.later(k.close)
	var err error
	if k.kafka, err = k.newBroker(filepath.Join(k.dir, "broker")); err != nil {
		return nil, err
	}
	if err := k.kafka.start(ctx); err != nil {
		return nil, err
	}
	for _, setting := range w.env {
		switch name, _, _ := strings.Cut(setting, "="); name {
		case "DATABASE_URL":
			setting = "DATABASE_URL=postgres://postgres@" + w.toPostgres.address() + "/onkafka?sslmode=disable"
		case "BUS_URL":
			setting = "BUS_URL=kafka://" + k.kafka.proxy.address()
		}
		k.env = append(k.env, setting)
	}
	if k.books, err = sql.Open("postgres", "postgres://postgres@"+w.primary.address+"/onkafka?sslmode=disable"); err != nil {
		return nil, err
	}
	k.later(func() { _ = k.books.Close() })
	if k.secret, err = k.company(ctx, k.binary); err != nil {
		return nil, err
	}
	listening, stop := context.WithCancel(ctx)
	k.later(stop)
	if k.heard, err = listen(listening, "kafka://"+k.kafka.proxy.address()); err != nil {
		return nil, err
	}
	if err := k.openFleet(ctx); err != nil {
		return nil, err
	}
	w.onKafka = k
	return k, nil
}

func killKafka(ctx context.Context, w *world) error {
	if err := errors.Join(w.kafka.end(ctx, syscall.SIGKILL), rest(ctx, 2*time.Second)); err != nil {
		return err
	}
	return errors.Join(w.kafka.start(ctx), rest(ctx, time.Second))
}

// removeTopic takes away the topic by which engines hear of deliveries, twice, with all that stood in it.
func removeTopic(ctx context.Context, w *world) error {
	for range 2 {
		err := w.kafka.control(ctx, "/remove?topic="+url.QueryEscape("order.normalised"))
		if err := errors.Join(err, rest(ctx, 3*time.Second)); err != nil {
			return err
		}
	}
	return nil
}

// fullKafka has the broker refuse every message, as one whose disk is full.
func fullKafka(ctx context.Context, w *world) error {
	return errors.Join(w.kafka.control(ctx, "/full"), rest(ctx, 6*time.Second), w.kafka.control(ctx, "/mend"), rest(ctx, time.Second))
}

// stillKafka stops the broker's process without ending it: connections stay, and nobody answers.
func stillKafka(ctx context.Context, w *world) error {
	group := -w.kafka.cmd.Process.Pid
	err := errors.Join(syscall.Kill(group, syscall.SIGSTOP), rest(ctx, 10*time.Second))
	return errors.Join(err, syscall.Kill(group, syscall.SIGCONT), rest(ctx, time.Second))
}

func lateKafka(ctx context.Context, w *world) error {
	w.kafka.proxy.slow(50 * time.Millisecond)
	err := rest(ctx, 6*time.Second)
	w.kafka.proxy.mend()
	return err
}

// emptyKafka loses all that the broker had, topics and the places of groups too. Events of commissions that it had taken would be
// gone with it, which is its promise to break and not ours: so relays rest, and what was published is heard, before it ends.
func emptyKafka(ctx context.Context, w *world) error {
	for _, p := range w.role("relay") {
		if err := p.stop(); err != nil {
			return err
		}
	}
	if err := errors.Join(rest(ctx, 2*time.Second), w.kafka.end(ctx, syscall.SIGKILL), os.RemoveAll(w.kafka.data), rest(ctx, 2*time.Second)); err != nil {
		return err
	}
	if err := w.kafka.start(ctx); err != nil {
		return err
	}
	for _, p := range w.role("relay") {
		if err := errors.Join(p.start(), p.awaitReady(ctx)); err != nil {
			return err
		}
	}
	return rest(ctx, time.Second)
}
